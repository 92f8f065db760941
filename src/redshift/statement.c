/*-------------------------------------------------------------------------
 *
 * statement.c
 *		Read a COPY, UNLOAD or COPY JOB written for Redshift.
 *
 * First the words are read by the table of parameters, then what is not allowed
 * together is found; what is not supported is refused in between, so that it is
 * told of a statement that is otherwise well written.
 *
 * Invariant: no message has a value in it, and the statement shown with it is
 * what redact.c leaves of it.
 *
 * IDENTIFICATION
 *		src/redshift/statement.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/option.h"
#include "commands/dbcommands.h"
#include "common/keywords.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/scansup.h"
#include "redshift/parameter.h"
#include "redshift/redact.h"
#include "redshift/statement.h"
#include "redshift/token.h"
#include "utils/lsyscache.h"

#define MEGABYTE 1048576.0
#define MIN_FILE_SIZE (5 * MEGABYTE)
#define MAX_FILE_SIZE (6.2 * 1024 * MEGABYTE)

/* A parameter of the statement. */
typedef struct Given
{
	const RedshiftParameter *parameter;
	const RedshiftToken *token; /* its name */
} Given;

typedef struct Parser
{
	RedshiftTokens *tokens;
	const RedshiftToken *token; /* to look at next */
	RedshiftStatement *statement;
	int			command;		/* FOR_COPY or FOR_UNLOAD */

	Given		given[128];		/* more than the table has rows */
	int			ngiven;
	const RedshiftToken *source;	/* the location */
	const RedshiftToken *end;	/* behind the last parameter */
	const RedshiftToken *master_key;	/* CREDENTIALS that have one, or NULL */
	const RedshiftToken *job_start; /* JOB CREATE ..., or NULL */
	const RedshiftToken *job_end;	/* behind it */
} Parser;

/*-------------------------------------------------------------------------
 * Errors
 *-------------------------------------------------------------------------
 */

/* For ereport: the statement, and where the token is. */
static int
at_token(Parser *parser, const RedshiftToken *token)
{
	internalerrquery(redshift_redact(parser->tokens));
	internalerrposition(pg_mbstrlen_with_len(parser->tokens->text, token->start) + 1);
	return 0;
}

/* The next token is not what has to be there; detail and hint may be NULL. */
static void
report_syntax_and_hint(Parser *parser, const char *detail, const char *hint)
{
	const RedshiftToken *token = parser->token;
	const RedshiftTokens *tokens = parser->tokens;

	if (token->kind == TOKEN_BAD)
		ereport(ERROR,
				(errcode(tokens->length > REDSHIFT_MAX_STATEMENT || tokens->count > REDSHIFT_MAX_TOKENS ?
						 ERRCODE_PROGRAM_LIMIT_EXCEEDED : ERRCODE_SYNTAX_ERROR),
				 errmsg("%s", _(token->value)),
				 at_token(parser, token)));
	if (token->kind == TOKEN_END)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("syntax error at end of input"),
				 detail ? errdetail("%s", detail) : 0,
				 at_token(parser, token)));
	if (redshift_may_show(tokens, token))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("syntax error at or near \"%s\"",
						pnstrdup(tokens->text + token->start, token->end - token->start)),
				 detail ? errdetail("%s", detail) : 0,
				 hint ? errhint("%s", hint) : 0,
				 at_token(parser, token)));
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("syntax error"),
			 detail ? errdetail("%s", detail) : 0,
			 at_token(parser, token)));
}

static void
report_syntax(Parser *parser, const char *detail)
{
	report_syntax_and_hint(parser, detail, NULL);
}

static void
report_conflict(Parser *parser, const RedshiftToken *token, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("conflicting or redundant options"),
			 errdetail("%s", detail),
			 at_token(parser, token)));
}

static void
report_refused(Parser *parser, const RedshiftToken *token, const char *what, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not supported", what),
			 errdetail("%s", reason),
			 at_token(parser, token)));
}

static void
report_value(Parser *parser, const RedshiftToken *token, const char *name, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid argument of %s", name),
			 errdetail("%s", reason),
			 at_token(parser, token)));
}

/*-------------------------------------------------------------------------
 * Tokens
 *-------------------------------------------------------------------------
 */

/* The last token stays the next one. */
static const RedshiftToken *
take(Parser *parser)
{
	const RedshiftToken *token = parser->token;

	if (token->kind != TOKEN_END && token->kind != TOKEN_BAD)
		parser->token++;
	return token;
}

static bool
take_word(Parser *parser, const char *word)
{
	if (!redshift_token_is_word(parser->token, word))
		return false;
	take(parser);
	return true;
}

static bool
take_character(Parser *parser, char c)
{
	if (!redshift_token_is_character(parser->token, c))
		return false;
	take(parser);
	return true;
}

static void
need_word(Parser *parser, const char *word)
{
	if (!take_word(parser, word))
		report_syntax(parser, NULL);
}

static void
need_character(Parser *parser, char c)
{
	if (!take_character(parser, c))
		report_syntax(parser, NULL);
}

static const RedshiftToken *
need_string(Parser *parser)
{
	if (parser->token->kind != TOKEN_STRING)
		report_syntax(parser, NULL);
	return take(parser);
}

/* A name of the user's, which is no reserved word of PostgreSQL. */
static char *
need_name(Parser *parser)
{
	const RedshiftToken *token = parser->token;
	char	   *name;

	if (token->kind == TOKEN_WORD)
	{
		int			keyword = ScanKeywordLookup(token->value, &ScanKeywords);

		if (keyword >= 0 && ScanKeywordCategories[keyword] == RESERVED_KEYWORD)
			report_syntax(parser, NULL);
	}
	else if (token->kind != TOKEN_QUOTED)
		report_syntax(parser, NULL);
	name = pstrdup(take(parser)->value);
	truncate_identifier(name, strlen(name), false);
	return name;
}

/* "(name, ...)" */
static List *
need_names(Parser *parser)
{
	List	   *names = NIL;

	need_character(parser, '(');
	do
		names = lappend(names, need_name(parser));
	while (take_character(parser, ','));
	need_character(parser, ')');
	return names;
}

/* ON or TRUE: 1, OFF or FALSE: 0, something else: -1 */
static int
take_switch(Parser *parser)
{
	if (take_word(parser, "on") || take_word(parser, "true"))
		return REDSHIFT_ON;
	if (take_word(parser, "off") || take_word(parser, "false"))
		return REDSHIFT_OFF;
	return REDSHIFT_UNSET;
}

/*-------------------------------------------------------------------------
 * Arguments
 *-------------------------------------------------------------------------
 */

static const Given *
find_given(const Parser *parser, const char *name)
{
	for (int i = 0; i < parser->ngiven; i++)
	{
		if (strcmp(parser->given[i].parameter->name, name) == 0)
			return &parser->given[i];
	}
	return NULL;
}

/* Remember a parameter, unless there is one that it cannot stand beside. */
static void
add_given(Parser *parser, const RedshiftParameter *parameter, const RedshiftToken *token)
{
	for (int i = 0; i < parser->ngiven; i++)
	{
		const RedshiftParameter *other = parser->given[i].parameter;

		if (other == parameter)
			report_conflict(parser, token, psprintf(_("%s is given twice."), parameter->name));
		if (redshift_parameters_exclude(parameter, other))
			report_conflict(parser, token,
							psprintf(_("%s and %s cannot be used together."), other->name, parameter->name));
	}
	Assert(parser->ngiven < lengthof(parser->given));
	parser->given[parser->ngiven].parameter = parameter;
	parser->given[parser->ngiven++].token = token;
}

/* A whole number in the parameter's range. */
static int64
parse_number(Parser *parser, const RedshiftParameter *parameter)
{
	const RedshiftToken *first = parser->token;
	bool		negative = take_character(parser, '-');
	const char *digits = parser->token->value;
	int64		value = PG_INT64_MAX;

	if (parser->token->kind != TOKEN_NUMBER || digits[strspn(digits, "0123456789")] != '\0')
		report_syntax(parser, NULL);
	take(parser);
	digits += strspn(digits, "0");
	if (strlen(digits) <= 18)
		value = strtoll(digits, NULL, 10);
	if (negative)
		value = -value;
	if (value < parameter->min || value > parameter->max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between " INT64_FORMAT " and " INT64_FORMAT,
						parameter->name, parameter->min, parameter->max),
				 at_token(parser, first)));
	return value;
}

/* number [MB | GB], in bytes */
static int64
parse_size(Parser *parser, const RedshiftParameter *parameter)
{
	const RedshiftToken *first = parser->token;
	double		value;

	take_character(parser, '-');
	if (parser->token->kind != TOKEN_NUMBER)
		report_syntax(parser, NULL);
	value = strtod(take(parser)->value, NULL) * MEGABYTE;
	if (first->kind != TOKEN_NUMBER)
		value = -value;
	if (take_word(parser, "gb"))
		value *= 1024;
	else
		take_word(parser, "mb");
	if (parameter->outcome == OUTCOME_REFUSED)
		return 0;
	if (value < MIN_FILE_SIZE || value > MAX_FILE_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 5 MB and 6.2 GB", parameter->name),
				 at_token(parser, first)));
	return (int64) value;
}

static void
parse_credentials(Parser *parser, const RedshiftToken *name)
{
	const RedshiftToken *token;
	bool		has_master_key = false;

	if (take_word(parser, "iam_role"))
	{
		/* The guide has CREDENTIALS IAM_ROLE 'arn' in places. */
		token = need_string(parser);
		if (redshift_parameter_set(parser->statement, redshift_parameter("IAM_ROLE", FOR_BOTH), token->value) == NULL)
			return;
	}
	else
	{
		token = need_string(parser);
		if (redshift_credentials_set(parser->statement, token->value, &has_master_key))
		{
			if (has_master_key)
				parser->master_key = name;
			return;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("Invalid credentials. Must be of the format: credentials 'aws_iam_role=...' or 'aws_access_key_id=...;aws_secret_access_key=...[;token=...]'"),
			 at_token(parser, token)));
}

/* Is AS of no meaning behind the name? */
static bool
may_have_as(const RedshiftParameter *parameter)
{
	switch ((ParameterArgument) parameter->argument)
	{
		case ARGUMENT_NONE:
		case ARGUMENT_VERBOSE:
		case ARGUMENT_AUTO:
		case ARGUMENT_COLUMNS:
		case ARGUMENT_COLUMNAR:
		case ARGUMENT_SHAPES:
			return false;
		default:
			return true;
	}
}

/* What stands behind a parameter's name. */
static void
parse_argument(Parser *parser, const RedshiftParameter *parameter, const RedshiftToken *name)
{
	RedshiftStatement *statement = parser->statement;
	char	   *member = (char *) statement + parameter->offset;
	bool		has_as = may_have_as(parameter) && take_word(parser, "as");
	bool		optional = false;
	const RedshiftToken *token;
	const char *reason;
	int			value;

	switch ((ParameterArgument) parameter->argument)
	{
		case ARGUMENT_NONE:
			if (parameter->group == GROUP_NONE && parameter->offset != 0)
				*(bool *) member = true;
			return;
		case ARGUMENT_NUMBER:
			{
				int64		number = parse_number(parser, parameter);

				if (parameter->offset != 0)
					*(int64 *) member = number;
				return;
			}
		case ARGUMENT_SIZE:
			{
				int64		size = parse_size(parser, parameter);

				if (parameter->offset != 0)
					*(int64 *) member = size;
				return;
			}
		case ARGUMENT_BOOLEAN:
		case ARGUMENT_SWITCH:
		case ARGUMENT_PRESET:
			value = take_switch(parser);
			if (value == REDSHIFT_UNSET && parameter->argument == ARGUMENT_PRESET)
				take_word(parser, "preset");
			if (parameter->argument == ARGUMENT_BOOLEAN)
				*(bool *) member = value != REDSHIFT_OFF;
			else if (parameter->offset != 0)
				*(int *) member = value != REDSHIFT_OFF ? REDSHIFT_ON : REDSHIFT_OFF;
			return;
		case ARGUMENT_CREDENTIALS:
			parse_credentials(parser, name);
			return;
		case ARGUMENT_VERBOSE:
			*(bool *) member = true;
			statement->manifest_verbose = take_word(parser, "verbose");
			return;
		case ARGUMENT_AUTO:
			*(bool *) member = true;
			statement->encrypted_auto = take_word(parser, "auto");
			return;
		case ARGUMENT_COLUMNS:
			need_word(parser, "by");
			*(List **) member = need_names(parser);
			statement->partition_include = take_word(parser, "include");
			return;
		case ARGUMENT_COLUMNAR:
			take_word(parser, "serializetojson");
			return;
		case ARGUMENT_SHAPES:
			if (take_word(parser, "simplify"))
			{
				take_word(parser, "auto");
				if (parser->token->kind == TOKEN_NUMBER)
					take(parser);
			}
			return;
		case ARGUMENT_ROLE:
			if (take_word(parser, "default"))
			{
				statement->authorization.is_default = true;
				return;
			}
			break;
		case ARGUMENT_ENCODING:
			if (parser->token->kind == TOKEN_WORD)
			{
				token = take(parser);
				reason = redshift_parameter_set(statement, parameter, token->value);
				if (reason)
					report_value(parser, token, parameter->name, reason);
				return;
			}
			break;
		case ARGUMENT_REPLACEMENT:
			*(bool *) member = true;
			optional = true;
			break;
		case ARGUMENT_OPTIONAL_STRING:
		case ARGUMENT_JSON:
			optional = true;
			break;
		default:
			break;
	}
	if (optional && !has_as && parser->token->kind != TOKEN_STRING)
		return;
	token = need_string(parser);
	reason = redshift_parameter_set(statement, parameter, token->value);
	if (reason)
		report_value(parser, token, parameter->name, reason);
}

/* JOB CREATE name [AUTO ON | OFF], behind JOB */
static void
parse_job_name(Parser *parser, bool may_have_auto)
{
	RedshiftStatement *statement = parser->statement;
	const RedshiftToken *token = parser->token;

	statement->job_name = need_name(parser);
	if (strchr(statement->job_name, '-'))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("the name of a job cannot contain hyphens"),
				 at_token(parser, token)));
	if (!may_have_auto || !take_word(parser, "auto"))
		return;
	if (take_word(parser, "on"))
		statement->job_auto = REDSHIFT_ON;
	else if (take_word(parser, "off"))
		statement->job_auto = REDSHIFT_OFF;
	else
		report_syntax(parser, NULL);
}

static bool
at_end(const Parser *parser)
{
	return parser->token->kind == TOKEN_END || redshift_token_is_character(parser->token, ';');
}

/* All that stands behind the location, in any order. */
static void
parse_parameters(Parser *parser)
{
	while (!at_end(parser))
	{
		const RedshiftToken *name = parser->token;
		const RedshiftParameter *parameter;
		bool		need_format = take_word(parser, "format");

		CHECK_FOR_INTERRUPTS();
		if (parser->command == FOR_COPY && redshift_token_is_word(name, "job"))
		{
			if (parser->job_start)
				report_conflict(parser, name, _("JOB CREATE is given twice."));
			take(parser);
			need_word(parser, "create");
			parser->statement->command = REDSHIFT_JOB_CREATE;
			parser->job_start = name;
			parse_job_name(parser, true);
			parser->job_end = parser->token;
			continue;
		}
		if (need_format)
			take_word(parser, "as");
		else if (take_word(parser, "with") && !redshift_token_is_word(parser->token, "credentials"))
			report_syntax(parser, NULL);
		name = parser->token;
		if (name->kind != TOKEN_WORD)
			report_syntax(parser, NULL);
		parameter = redshift_parameter(name->value, parser->command);
		if (parameter == NULL)
		{
			const RedshiftParameter *other = redshift_parameter(name->value, FOR_BOTH);
			const RedshiftParameter *nearest = redshift_parameter_nearest(name->value, parser->command);

			report_syntax_and_hint(parser,
								   other == NULL ? NULL :
								   psprintf(_("%s is a parameter of %s."), other->name,
											other->commands & FOR_COPY ? "COPY" : "UNLOAD"),
								   other || nearest == NULL ? NULL :
								   psprintf(_("Perhaps you meant %s."), nearest->name));
		}
		if (need_format && !(parameter->flags & IS_FORMAT))
			report_syntax(parser, NULL);
		take(parser);
		add_given(parser, parameter, name);
		if (parameter->group == GROUP_FORMAT)
			parser->statement->format = parameter->value;
		else if (parameter->group == GROUP_COMPRESSION)
			parser->statement->compression = parameter->value;
		parse_argument(parser, parameter, name);
	}
}

/*-------------------------------------------------------------------------
 * What is not allowed together
 *-------------------------------------------------------------------------
 */

static void
check_refused(Parser *parser)
{
	const char *location = parser->statement->location;

	if (parser->command == FOR_COPY && strncmp(location, "dynamodb://", 11) == 0)
		report_refused(parser, parser->source, _("COPY from DynamoDB"),
					   _("Tables exported from DynamoDB to S3 can be loaded."));
	if (parser->command == FOR_COPY && strncmp(location, "emr://", 6) == 0)
		report_refused(parser, parser->source, _("COPY from Amazon EMR"),
					   _("Only objects of S3 can be loaded."));
	for (int i = 0; i < parser->ngiven; i++)
	{
		const RedshiftParameter *parameter = parser->given[i].parameter;

		if (parameter->outcome == OUTCOME_REFUSED)
			report_refused(parser, parser->given[i].token, parameter->name, _(parameter->reason));
		if (parser->given[i].token == parser->master_key)
		{
			parameter = redshift_parameter("MASTER_SYMMETRIC_KEY", FOR_BOTH);
			report_refused(parser, parser->master_key, parameter->name, _(parameter->reason));
		}
	}
	if (strncmp(location, "s3://", 5) != 0 || location[5] == '\0' || location[5] == '/')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid location of files"),
				 errdetail("A location looks like \"s3://bucket/prefix\"."),
				 at_token(parser, parser->source)));
}

static void
check_format(Parser *parser)
{
	RedshiftStatement *statement = parser->statement;
	const Given *given;

	for (int i = 0; i < parser->ngiven; i++)
	{
		given = &parser->given[i];
		if (given->parameter->not_with & (1 << statement->format))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s argument is not supported for %s based %s", given->parameter->name,
							redshift_format_name(statement->format),
							parser->command == FOR_COPY ? "COPY" : "UNLOAD"),
					 at_token(parser, given->token)));
		if ((given->parameter->flags & ONLY_CSV) && statement->format != REDSHIFT_CSV)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s can be used only with CSV", given->parameter->name),
					 at_token(parser, given->token)));
	}
	given = find_given(parser, "ENCODING");
	if (given && statement->format == REDSHIFT_FIXEDWIDTH && statement->encoding != PG_UTF8)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("files of FIXEDWIDTH must be in UTF8"),
				 at_token(parser, given->token)));
	if (statement->format == REDSHIFT_CSV &&
		strcmp(statement->delimiter ? statement->delimiter : ",",
			   statement->quote ? statement->quote : "\"") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("delimiter and quote must be different"),
				 at_token(parser, find_given(parser, statement->quote ? "QUOTE" : "DELIMITER")->token)));
}

static void
check_authorization(Parser *parser)
{
	RedshiftAuthorization *auth = &parser->statement->authorization;
	const char *missing = auth->access_key_id == NULL ? "ACCESS_KEY_ID" : "SECRET_ACCESS_KEY";

	if (auth->is_default || auth->roles != NIL ||
		(auth->access_key_id && auth->secret_access_key))
		return;
	if (auth->access_key_id || auth->secret_access_key || auth->session_token)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("%s is missing", missing),
				 errdetail("ACCESS_KEY_ID and SECRET_ACCESS_KEY are used together, and SESSION_TOKEN only with them."),
				 at_token(parser, parser->end)));
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("the statement has no authorization"),
			 errdetail("It needs IAM_ROLE, ACCESS_KEY_ID and SECRET_ACCESS_KEY, or CREDENTIALS."),
			 at_token(parser, parser->end)));
}

static void
check_encryption(Parser *parser)
{
	const Given *key = find_given(parser, "KMS_KEY_ID");

	if (key == NULL)
		return;
	if (!parser->statement->encrypted)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("KMS_KEY_ID can be used only with ENCRYPTED"),
				 at_token(parser, key->token)));
	if (parser->statement->encrypted_auto)
		report_conflict(parser, key->token, _("ENCRYPTED AUTO and KMS_KEY_ID cannot be used together."));
}

/* The COPY of a COPY ... JOB CREATE, and its text without that and comments. */
static void
check_job(Parser *parser)
{
	RedshiftTokens *tokens = parser->tokens;
	const RedshiftToken *last = NULL;
	StringInfoData text;

	for (int i = 0; i < parser->ngiven; i++)
	{
		if (parser->given[i].parameter->flags & NOT_IN_JOB)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s cannot be used in a COPY JOB", parser->given[i].parameter->name),
					 at_token(parser, parser->given[i].token)));
	}
	initStringInfo(&text);
	for (const RedshiftToken *token = tokens->tokens; token < parser->end; token++)
	{
		if (token >= parser->job_start && token < parser->job_end)
			continue;
		if (last && last->end < token->start)
			appendStringInfoChar(&text, ' ');
		appendBinaryStringInfo(&text, tokens->text + token->start, token->end - token->start);
		last = token;
	}
	parser->statement->copy_text = text.data;
}

/*-------------------------------------------------------------------------
 * Statements
 *-------------------------------------------------------------------------
 */

/* Behind COPY */
static void
parse_copy(Parser *parser)
{
	RedshiftStatement *statement = parser->statement;
	const RedshiftToken *first = parser->token;
	char	   *names[3];
	int			n = 0;

	do
		names[n++] = need_name(parser);
	while (n < 3 && take_character(parser, '.'));
	if (n == 3 && strcmp(names[0], get_database_name(MyDatabaseId)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cross-database references are not implemented"),
				 at_token(parser, first)));
	statement->table = names[n - 1];
	statement->schema = n > 1 ? names[n - 2] : NULL;
	if (redshift_token_is_character(parser->token, '('))
		statement->columns = need_names(parser);
	need_word(parser, "from");
}

/* COPY JOB ..., behind these two words */
static void
parse_job(Parser *parser)
{
	static const struct
	{
		const char *word;
		RedshiftCommand command;
	}			commands[] = {
		{"alter", REDSHIFT_JOB_ALTER},
		{"run", REDSHIFT_JOB_RUN},
		{"show", REDSHIFT_JOB_SHOW},
		{"drop", REDSHIFT_JOB_DROP},
		{"list", REDSHIFT_JOB_LIST},
	};

	for (int i = 0; i < (int) lengthof(commands); i++)
	{
		if (!take_word(parser, commands[i].word))
			continue;
		parser->statement->command = commands[i].command;
		if (commands[i].command != REDSHIFT_JOB_LIST)
			parse_job_name(parser, commands[i].command == REDSHIFT_JOB_ALTER);
		return;
	}
	report_syntax(parser, NULL);
}

/* "job" may be a table's name, too. */
static bool
begins_job(const Parser *parser)
{
	return redshift_token_is_word(parser->token, "job") &&
		parser->token[1].kind == TOKEN_WORD && !redshift_token_is_word(&parser->token[1], "from");
}

static void
need_end(Parser *parser)
{
	bool		ended = false;

	while (take_character(parser, ';'))
		ended = true;
	if (parser->token->kind == TOKEN_END)
		return;
	if (!ended || parser->token->kind == TOKEN_BAD)
		report_syntax(parser, NULL);
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("only one statement can be run at a time"),
			 at_token(parser, parser->token)));
}

static void
parse_statement(Parser *parser)
{
	RedshiftStatement *statement = parser->statement;

	if (take_word(parser, "copy"))
	{
		if (begins_job(parser))
		{
			take(parser);
			parse_job(parser);
			need_end(parser);
			return;
		}
		parser->command = FOR_COPY;
		statement->command = REDSHIFT_COPY;
		parse_copy(parser);
	}
	else if (take_word(parser, "unload"))
	{
		parser->command = FOR_UNLOAD;
		statement->command = REDSHIFT_UNLOAD;
		need_character(parser, '(');
		statement->query = need_string(parser)->value;
		need_character(parser, ')');
		need_word(parser, "to");
	}
	else
		report_syntax(parser, _("Only COPY, UNLOAD and COPY JOB can be run."));

	parser->source = need_string(parser);
	statement->location = parser->source->value;
	parse_parameters(parser);
	parser->end = parser->token;
	need_end(parser);

	check_refused(parser);
	check_format(parser);
	check_encryption(parser);
	check_authorization(parser);
	if (parser->job_start)
		check_job(parser);
}

RedshiftStatement *
redshift_parse(const char *text)
{
	Parser		parser = {.tokens = redshift_tokenize(text)};
	RedshiftStatement *statement = palloc0(sizeof(RedshiftStatement));

	parser.token = parser.tokens->tokens;
	parser.statement = statement;
	statement->format = REDSHIFT_DELIMITED;
	statement->compression = COMPRESSION_NONE;
	statement->encoding = PG_UTF8;
	statement->replacement = '?';
	statement->update_statistics = REDSHIFT_UNSET;
	statement->job_auto = REDSHIFT_UNSET;
	statement->parallel = true;
	statement->max_file_size = (int64) MAX_FILE_SIZE;
	parse_statement(&parser);
	return statement;
}
