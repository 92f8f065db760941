/*-------------------------------------------------------------------------
 *
 * parameter.c
 *		The table of the parameters of COPY and UNLOAD, and their values.
 *
 * The row is the whole truth of a parameter: whoever asks which formats exclude
 * it, or what becomes of it, reads it here; docs/redshift.md is compared with it
 * by a test.  What takes the tokens of a statement to know is in statement.c.
 *
 * No reason given here holds a value, for a value may be a secret that stands at
 * a wrong place.
 *
 * IDENTIFICATION
 *		src/redshift/parameter.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/option.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "parser/scansup.h"
#include "redshift/parameter.h"
#include "utils/formatting.h"
#include "utils/varlena.h"

#define MEMBER(name) offsetof(RedshiftStatement, name)
#define NO_READER gettext_noop("There is no reader of this format.")
#define NO_WRITER gettext_noop("There is no writer of this format.")
#define CLIENT_SIDE gettext_noop("Client-side encryption, which AWS has ended for COPY and UNLOAD, is not supported. Files that the store encrypts are read without a parameter.")
#define FROM_DYNAMODB gettext_noop("It belongs to COPY from DynamoDB. Tables exported from DynamoDB to S3 can be loaded.")

static const RedshiftParameter parameters[] = {
	/* authorization */
	{"IAM_ROLE", FOR_BOTH, .argument = ARGUMENT_ROLE},
	{"CREDENTIALS", FOR_BOTH, .argument = ARGUMENT_CREDENTIALS, .flags = IS_SECRET | NOT_IN_JOB},
	{"ACCESS_KEY_ID", FOR_BOTH, .argument = ARGUMENT_STRING, .flags = IS_SECRET | NOT_IN_JOB, .offset = MEMBER(authorization.access_key_id)},
	{"SECRET_ACCESS_KEY", FOR_BOTH, .argument = ARGUMENT_STRING, .flags = IS_SECRET | NOT_IN_JOB, .offset = MEMBER(authorization.secret_access_key)},
	{"SESSION_TOKEN", FOR_BOTH, .argument = ARGUMENT_STRING, .flags = IS_SECRET | NOT_IN_JOB, .offset = MEMBER(authorization.session_token)},
	{"TOKEN", FOR_BOTH, .argument = ARGUMENT_STRING, .flags = IS_SECRET | NOT_IN_JOB, .offset = MEMBER(authorization.session_token)},
	{"MASTER_SYMMETRIC_KEY", FOR_BOTH, .argument = ARGUMENT_STRING, .outcome = OUTCOME_REFUSED, .flags = IS_SECRET, .reason = CLIENT_SIDE},

	/* where */
	{"REGION", FOR_BOTH, .argument = ARGUMENT_REGION, .offset = MEMBER(region)},
	{"MANIFEST", FOR_COPY, .argument = ARGUMENT_NONE, .flags = NOT_IN_JOB, .offset = MEMBER(manifest)},
	{"MANIFEST", FOR_UNLOAD, .argument = ARGUMENT_VERBOSE, .offset = MEMBER(manifest)},
	{"ENCRYPTED", FOR_COPY, .argument = ARGUMENT_NONE, .outcome = OUTCOME_REFUSED, .reason = CLIENT_SIDE},
	{"ENCRYPTED", FOR_UNLOAD, .argument = ARGUMENT_AUTO, .offset = MEMBER(encrypted)},
	{"KMS_KEY_ID", FOR_UNLOAD, .argument = ARGUMENT_STRING, .offset = MEMBER(kms_key_id)},
	{"SSH", FOR_COPY, .argument = ARGUMENT_NONE, .outcome = OUTCOME_REFUSED, .reason = gettext_noop("Only objects of S3 can be loaded.")},
	{"READRATIO", FOR_COPY, .argument = ARGUMENT_NUMBER, .outcome = OUTCOME_REFUSED, .min = 1, .max = 200, .reason = FROM_DYNAMODB},

	/* formats of files */
	{"CSV", FOR_BOTH, .argument = ARGUMENT_NONE, .flags = IS_FORMAT, .group = GROUP_FORMAT, .value = REDSHIFT_CSV},
	{"FIXEDWIDTH", FOR_BOTH, .argument = ARGUMENT_WIDTHS, .flags = IS_FORMAT, .group = GROUP_FORMAT, .offset = MEMBER(fixedwidth), .value = REDSHIFT_FIXEDWIDTH},
	{"JSON", FOR_COPY, .argument = ARGUMENT_JSON, .flags = IS_FORMAT, .group = GROUP_FORMAT, .value = REDSHIFT_JSON},
	{"JSON", FOR_UNLOAD, .argument = ARGUMENT_NONE, .flags = IS_FORMAT, .group = GROUP_FORMAT, .value = REDSHIFT_JSON},
	{"AVRO", FOR_COPY, .argument = ARGUMENT_OPTIONAL_STRING, .outcome = OUTCOME_REFUSED, .flags = IS_FORMAT, .group = GROUP_FORMAT, .reason = NO_READER},
	{"ORC", FOR_COPY, .argument = ARGUMENT_COLUMNAR, .outcome = OUTCOME_REFUSED, .flags = IS_FORMAT, .group = GROUP_FORMAT, .reason = NO_READER},
	{"PARQUET", FOR_COPY, .argument = ARGUMENT_COLUMNAR, .outcome = OUTCOME_REFUSED, .flags = IS_FORMAT, .group = GROUP_FORMAT, .reason = NO_READER},
	{"PARQUET", FOR_UNLOAD, .argument = ARGUMENT_NONE, .outcome = OUTCOME_REFUSED, .flags = IS_FORMAT, .group = GROUP_FORMAT, .reason = NO_WRITER},
	{"RCFILE", FOR_COPY, .argument = ARGUMENT_NONE, .outcome = OUTCOME_REFUSED, .flags = IS_FORMAT, .group = GROUP_FORMAT, .reason = NO_READER},
	{"SEQUENCEFILE", FOR_COPY, .argument = ARGUMENT_NONE, .outcome = OUTCOME_REFUSED, .flags = IS_FORMAT, .group = GROUP_FORMAT, .reason = NO_READER},
	{"SHAPEFILE", FOR_COPY, .argument = ARGUMENT_SHAPES, .outcome = OUTCOME_REFUSED, .flags = IS_FORMAT, .group = GROUP_FORMAT, .reason = NO_READER},
	{"DELIMITER", FOR_BOTH, .argument = ARGUMENT_CHARACTER, .not_with = NOT_FIXEDWIDTH | NOT_JSON, .flags = IS_FORMAT, .offset = MEMBER(delimiter)},
	{"QUOTE", FOR_COPY, .argument = ARGUMENT_CHARACTER, .flags = ONLY_CSV, .offset = MEMBER(quote)},

	/* compression */
	{"GZIP", FOR_BOTH, .argument = ARGUMENT_NONE, .group = GROUP_COMPRESSION, .value = COMPRESSION_GZIP},
	{"BZIP2", FOR_BOTH, .argument = ARGUMENT_NONE, .group = GROUP_COMPRESSION, .value = COMPRESSION_BZIP2},
	{"ZSTD", FOR_BOTH, .argument = ARGUMENT_NONE, .group = GROUP_COMPRESSION, .value = COMPRESSION_ZSTD},
	{"LZOP", FOR_COPY, .argument = ARGUMENT_NONE, .outcome = OUTCOME_REFUSED, .group = GROUP_COMPRESSION, .reason = gettext_noop("Files compressed by lzop cannot be read.")},

	/* what is in the files */
	{"ESCAPE", FOR_BOTH, .argument = ARGUMENT_NONE, .not_with = NOT_CSV | NOT_FIXEDWIDTH | NOT_JSON, .offset = MEMBER(escape)},
	{"NULL", FOR_BOTH, .argument = ARGUMENT_NULL, .not_with = NOT_JSON},

	/* COPY: conversion */
	{"ACCEPTANYDATE", FOR_COPY, .argument = ARGUMENT_NONE, .offset = MEMBER(accept_any_date)},
	{"ACCEPTINVCHARS", FOR_COPY, .argument = ARGUMENT_REPLACEMENT, .offset = MEMBER(accept_invalid_characters)},
	{"BLANKSASNULL", FOR_COPY, .argument = ARGUMENT_NONE, .offset = MEMBER(blanks_as_null)},
	{"DATEFORMAT", FOR_COPY, .argument = ARGUMENT_TEMPLATE, .offset = MEMBER(dateformat)},
	{"DATETIME", FOR_COPY, .argument = ARGUMENT_TEMPLATE, .offset = MEMBER(dateformat)},
	{"EMPTYASNULL", FOR_COPY, .argument = ARGUMENT_NONE, .offset = MEMBER(empty_as_null)},
	{"ENCODING", FOR_COPY, .argument = ARGUMENT_ENCODING},
	{"EXPLICIT_IDS", FOR_COPY, .argument = ARGUMENT_NONE, .offset = MEMBER(explicit_ids)},
	{"FILLRECORD", FOR_COPY, .argument = ARGUMENT_NONE, .not_with = NOT_JSON, .offset = MEMBER(fill_record)},
	{"IGNOREBLANKLINES", FOR_COPY, .argument = ARGUMENT_NONE, .not_with = NOT_JSON, .offset = MEMBER(ignore_blank_lines)},
	{"IGNOREHEADER", FOR_COPY, .argument = ARGUMENT_NUMBER, .max = PG_INT32_MAX, .offset = MEMBER(ignore_header)},
	{"REMOVEQUOTES", FOR_COPY, .argument = ARGUMENT_NONE, .not_with = NOT_CSV | NOT_JSON, .offset = MEMBER(remove_quotes)},
	{"ROUNDEC", FOR_COPY, .argument = ARGUMENT_NONE, .offset = MEMBER(round_decimals)},
	{"TIMEFORMAT", FOR_COPY, .argument = ARGUMENT_TEMPLATE, .offset = MEMBER(timeformat)},
	{"TRIMBLANKS", FOR_COPY, .argument = ARGUMENT_NONE, .offset = MEMBER(trim_blanks)},
	{"TRUNCATECOLUMNS", FOR_COPY, .argument = ARGUMENT_NONE, .offset = MEMBER(truncate_columns)},

	/* COPY: the load */
	{"COMPROWS", FOR_COPY, .argument = ARGUMENT_NUMBER, .outcome = OUTCOME_NO_EFFECT, .min = 1000, .max = PG_INT32_MAX},
	{"COMPUPDATE", FOR_COPY, .argument = ARGUMENT_PRESET, .outcome = OUTCOME_NO_EFFECT},
	{"IGNOREALLERRORS", FOR_COPY, .argument = ARGUMENT_NONE, .flags = NOT_IN_JOB, .offset = MEMBER(ignore_all_errors)},
	{"MAXERROR", FOR_COPY, .argument = ARGUMENT_NUMBER, .flags = NOT_IN_JOB, .max = 100000, .offset = MEMBER(max_errors)},
	{"NOLOAD", FOR_COPY, .argument = ARGUMENT_NONE, .offset = MEMBER(no_load)},
	{"STATUPDATE", FOR_COPY, .argument = ARGUMENT_SWITCH, .offset = MEMBER(update_statistics)},

	/* UNLOAD */
	{"ADDQUOTES", FOR_UNLOAD, .argument = ARGUMENT_NONE, .not_with = NOT_CSV | NOT_FIXEDWIDTH | NOT_JSON, .offset = MEMBER(add_quotes)},
	{"ALLOWOVERWRITE", FOR_UNLOAD, .argument = ARGUMENT_NONE, .offset = MEMBER(allow_overwrite)},
	{"CLEANPATH", FOR_UNLOAD, .argument = ARGUMENT_NONE, .offset = MEMBER(clean_path)},
	{"EXTENSION", FOR_UNLOAD, .argument = ARGUMENT_STRING, .offset = MEMBER(extension)},
	{"HEADER", FOR_UNLOAD, .argument = ARGUMENT_NONE, .not_with = NOT_FIXEDWIDTH | NOT_JSON, .offset = MEMBER(header)},
	{"MAXFILESIZE", FOR_UNLOAD, .argument = ARGUMENT_SIZE, .offset = MEMBER(max_file_size)},
	{"PARALLEL", FOR_UNLOAD, .argument = ARGUMENT_BOOLEAN, .offset = MEMBER(parallel)},
	{"PARTITION", FOR_UNLOAD, .argument = ARGUMENT_COLUMNS, .offset = MEMBER(partition_by)},
	{"ROWGROUPSIZE", FOR_UNLOAD, .argument = ARGUMENT_SIZE, .outcome = OUTCOME_REFUSED, .reason = gettext_noop("It belongs to PARQUET, of which there is no writer.")},

	{.name = NULL}
};

static const struct
{
	const char *one;
	const char *other;
}			exclusions[] = {
	{"IAM_ROLE", "CREDENTIALS"},
	{"IAM_ROLE", "ACCESS_KEY_ID"},
	{"IAM_ROLE", "SECRET_ACCESS_KEY"},
	{"IAM_ROLE", "SESSION_TOKEN"},
	{"IAM_ROLE", "TOKEN"},
	{"CREDENTIALS", "ACCESS_KEY_ID"},
	{"CREDENTIALS", "SECRET_ACCESS_KEY"},
	{"CREDENTIALS", "SESSION_TOKEN"},
	{"CREDENTIALS", "TOKEN"},
	{"CREDENTIALS", "KMS_KEY_ID"},
	{"SESSION_TOKEN", "TOKEN"},
	{"DATEFORMAT", "DATETIME"},
	{"MAXERROR", "IGNOREALLERRORS"},
	{"CLEANPATH", "ALLOWOVERWRITE"},
};

const RedshiftParameter *
redshift_parameter_row(int n)
{
	return parameters[n].name ? &parameters[n] : NULL;
}

const RedshiftParameter *
redshift_parameter(const char *word, int command)
{
	for (const RedshiftParameter *p = parameters; p->name; p++)
	{
		if ((p->commands & command) && pg_strcasecmp(p->name, word) == 0)
			return p;
	}
	return NULL;
}

const RedshiftParameter *
redshift_parameter_nearest(const char *word, int command)
{
	const RedshiftParameter *nearest = NULL;
	char	   *name = asc_toupper(word, strlen(word));
	int			len = strlen(name);
	int			nearest_distance = 3;

	if (len < 3 || len > NAMEDATALEN - 1)
		return NULL;
	for (const RedshiftParameter *p = parameters; p->name; p++)
	{
		int			distance;

		if (!(p->commands & command))
			continue;
		distance = varstr_levenshtein_less_equal(name, len, p->name, strlen(p->name),
												 1, 1, 1, nearest_distance, true);
		if (distance < nearest_distance && distance <= len / 2)
		{
			nearest = p;
			nearest_distance = distance;
		}
	}
	return nearest;
}

bool
redshift_parameters_exclude(const RedshiftParameter *one, const RedshiftParameter *other)
{
	if (one->group != GROUP_NONE && one->group == other->group)
		return true;
	for (int i = 0; i < (int) lengthof(exclusions); i++)
	{
		if ((strcmp(exclusions[i].one, one->name) == 0 && strcmp(exclusions[i].other, other->name) == 0) ||
			(strcmp(exclusions[i].one, other->name) == 0 && strcmp(exclusions[i].other, one->name) == 0))
			return true;
	}
	return false;
}

const char *
redshift_format_name(int format)
{
	for (const RedshiftParameter *p = parameters; p->name; p++)
	{
		if (p->group == GROUP_FORMAT && p->outcome == OUTCOME_SUPPORTED && p->value == format)
			return p->name;
	}
	return "DELIMITER";
}

/*
 * The character that a value stands for: itself, or behind a backslash a few
 * letters, up to three octal digits, or itself if it is neither.  -1: none.
 */
static int
read_character(const char *value)
{
	int			c = 0;
	int			n;

	if (value[0] != '\0' && value[1] == '\0')
		return (unsigned char) value[0];
	if (value[0] != '\\')
		return -1;
	value++;
	for (n = 0; n < 3 && value[n] >= '0' && value[n] <= '7'; n++)
		c = c * 8 + (value[n] - '0');
	if (n > 0)
		return value[n] == '\0' ? c : -1;
	if (value[1] != '\0')
		return -1;
	switch (value[0])
	{
		case 't':
			return '\t';
		case 'b':
			return '\b';
		case 'f':
			return '\f';
		case 'n':
			return '\n';
		case 'r':
			return '\r';
		default:
			return isalnum((unsigned char) value[0]) ? -1 : (unsigned char) value[0];
	}
}

static const char *
check_character(const char *value, char *character)
{
	int			c = read_character(value);

	if (c < 0 || IS_HIGHBIT_SET(c))
		return _("The value must be a single ASCII character, which may be written as \"\\t\" or in octal as \"\\001\".");
	if (c == 0 || c == '\n' || c == '\r')
		return _("The character cannot be a line end or NUL.");
	*character = c;
	return NULL;
}

/*
 * '\0' and '\000' stand for NUL; "\t" and other octal numbers for what they
 * stand for elsewhere.  "\N" and all the rest is as written.
 */
static const char *
set_null(RedshiftStatement *statement, const char *value)
{
	StringInfoData out;

	if (strcmp(value, "\\0") == 0 || strcmp(value, "\\000") == 0)
	{
		statement->null_is_nul = true;
		return NULL;
	}
	initStringInfo(&out);
	for (const char *p = value; *p; p++)
	{
		int			c = (unsigned char) *p;

		if (c == '\\' && (p[1] == 'n' || p[1] == 'r'))
			c = '\n';
		else if (c == '\\' && p[1] == 't')
		{
			c = '\t';
			p++;
		}
		else if (c == '\\' && p[1] >= '0' && p[1] <= '7')
		{
			c = strspn(p + 1, "01234567") < 3 ? 0 :
				(p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0');
			if (c == 0 || c > 0x7f)
				return _("An octal number in the value must have three digits and stand for an ASCII character; NUL can only stand alone.");
			p += 3;
		}
		if (c == '\n' || c == '\r')
			return _("The value cannot contain line ends.");
		appendStringInfoChar(&out, (char) c);
	}
	statement->null_as = out.data;
	return NULL;
}

/* From *p to end, without blanks at both ends. */
static char *
trimmed(const char *p, const char *end)
{
	while (p < end && scanner_isspace(*p))
		p++;
	while (end > p && scanner_isspace(end[-1]))
		end--;
	return pnstrdup(p, end - p);
}

/* "label:width, ..." without blanks around labels and widths. */
static const char *
set_widths(char **member, const char *value)
{
	StringInfoData out;
	const char *p = value;

	initStringInfo(&out);
	for (;;)
	{
		const char *end = p + strcspn(p, ",");
		const char *colon = memchr(p, ':', end - p);
		char	   *label;
		char	   *width;

		if (colon == NULL)
			return _("The value must be a list of \"label:width\" with commas between them.");
		label = trimmed(p, colon);
		width = trimmed(colon + 1, end);
		if (label[0] == '\0' || width[0] == '\0' || strspn(width, "0123456789") != strlen(width))
			return _("The value must be a list of \"label:width\" with commas between them.");
		if (strlen(width) > 9 || atoi(width) == 0)
			return _("A width must be a number from 1 to 999999999.");
		appendStringInfo(&out, "%s%s:%d", out.len > 0 ? "," : "", label, atoi(width));
		if (*end == '\0')
			break;
		p = end + 1;
	}
	*member = out.data;
	return NULL;
}

static const char *
set_template(RedshiftStatement *statement, const RedshiftParameter *parameter, const char *value)
{
	static const char *const keywords[] = {"auto", "epochsecs", "epochmillisecs"};
	bool		of_times = parameter->offset == MEMBER(timeformat);

	for (int i = 0; i < (int) lengthof(keywords); i++)
	{
		if (pg_strcasecmp(value, keywords[i]) != 0)
			continue;
		if (i > 0 && !of_times)
			return _("\"epochsecs\" and \"epochmillisecs\" are values of TIMEFORMAT.");
		if (strcmp(value, keywords[i]) != 0)
			return _("\"auto\", \"epochsecs\" and \"epochmillisecs\" are written in lower case.");
		return NULL;
	}
	if (value[0] == '\0')
		return _("The template is empty.");
	if (!of_times)
		return NULL;
	for (const char *p = value; *p; p++)
	{
		if (pg_strncasecmp(p, "TZ", 2) == 0 || pg_strncasecmp(p, "OF", 2) == 0)
			return _("A template cannot contain a time zone; \"auto\" recognizes them.");
	}
	return NULL;
}

static const char *
set_json(RedshiftStatement *statement, const char *value)
{
	if (pg_strcasecmp(value, "auto") == 0)
		statement->json = REDSHIFT_JSON_AUTO;
	else if (pg_strcasecmp(value, "auto ignorecase") == 0)
		statement->json = REDSHIFT_JSON_IGNORECASE;
	else if (pg_strcasecmp(value, "noshred") == 0)
		statement->json = REDSHIFT_JSON_NOSHRED;
	else if (strncmp(value, "s3://", 5) == 0)
	{
		const char *slash = strchr(value + 5, '/');

		if (slash == NULL || slash == value + 5 || slash[1] == '\0' || value[strlen(value) - 1] == '/')
			return _("The location of the file of paths must be \"s3://bucket/key\".");
		statement->json = REDSHIFT_JSON_PATHS;
		statement->json_paths = pstrdup(value);
	}
	else
		return _("The value must be \"auto\", \"auto ignorecase\", \"noshred\" or the location of a file of paths in S3.");
	return NULL;
}

static const char *
set_encoding(RedshiftStatement *statement, const char *value)
{
	static const struct
	{
		const char *name;
		int			encoding;
	}			encodings[] = {
		{"UTF8", PG_UTF8},
		{"UTF16", S3_ENCODING_UTF16},
		{"UTF16LE", S3_ENCODING_UTF16LE},
		{"UTF16BE", S3_ENCODING_UTF16BE},
		{"ISO88591", PG_LATIN1},
	};

	for (int i = 0; i < (int) lengthof(encodings); i++)
	{
		if (pg_strcasecmp(value, encodings[i].name) == 0)
		{
			statement->encoding = encodings[i].encoding;
			return NULL;
		}
	}
	return _("The value must be UTF8, UTF16, UTF16LE, UTF16BE or ISO88591.");
}

/* ARNs with commas between them; false if one is empty. */
static bool
set_roles(RedshiftAuthorization *authorization, const char *value)
{
	for (;;)
	{
		Size		len = strcspn(value, ",");
		char	   *role = trimmed(value, value + len);

		if (role[0] == '\0')
			return false;
		authorization->roles = lappend(authorization->roles, role);
		if (value[len] == '\0')
			return true;
		value += len + 1;
	}
}

bool
redshift_credentials_set(RedshiftStatement *statement, const char *value, bool *has_master_key)
{
	RedshiftAuthorization *auth = &statement->authorization;
	char	   *role = NULL;
	char	   *master_key = NULL;

	if (value[strcspn(value, " \t\n\r\f\v")] != '\0')
		return false;
	while (*value != '\0')
	{
		struct
		{
			const char *name;
			char	  **member;
		}			items[] = {
			{"aws_iam_role", &role},
			{"aws_access_key_id", &auth->access_key_id},
			{"aws_secret_access_key", &auth->secret_access_key},
			{"token", &auth->session_token},
			{"master_symmetric_key", &master_key},
		};
		Size		len = strcspn(value, ";");
		char	   *item = pnstrdup(value, len);
		char	   *equals = strchr(item, '=');
		int			i;

		if (equals == NULL || equals[1] == '\0')
			return false;
		*equals = '\0';
		for (i = 0; i < (int) lengthof(items) && strcmp(items[i].name, item) != 0; i++)
			continue;
		if (i == lengthof(items) || *items[i].member != NULL)
			return false;
		*items[i].member = equals + 1;
		value += len;
		if (*value == ';')
			value++;
	}
	*has_master_key = master_key != NULL;
	if (role != NULL)
		return auth->access_key_id == NULL && auth->secret_access_key == NULL &&
			auth->session_token == NULL && set_roles(auth, role);
	return auth->access_key_id != NULL && auth->secret_access_key != NULL;
}

const char *
redshift_parameter_set(RedshiftStatement *statement, const RedshiftParameter *parameter,
					   const char *value)
{
	char	  **member = (char **) ((char *) statement + parameter->offset);
	const char *reason = NULL;
	char		character;

	switch ((ParameterArgument) parameter->argument)
	{
		case ARGUMENT_STRING:
			if (value[0] == '\0')
				reason = _("The value is empty.");
			break;
		case ARGUMENT_REGION:
			if (value[0] == '\0' || strlen(value) > 63 ||
				value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0')
				reason = _("The name of a region has lower-case letters, digits and hyphens.");
			break;
		case ARGUMENT_TEMPLATE:
			reason = set_template(statement, parameter, value);
			break;
		case ARGUMENT_CHARACTER:
			reason = check_character(value, &character);
			if (reason == NULL)
				value = pnstrdup(&character, 1);
			break;
		case ARGUMENT_REPLACEMENT:
			return check_character(value, &statement->replacement);
		case ARGUMENT_NULL:
			return set_null(statement, value);
		case ARGUMENT_WIDTHS:
			return set_widths(member, value);
		case ARGUMENT_ENCODING:
			return set_encoding(statement, value);
		case ARGUMENT_JSON:
			return set_json(statement, value);
		case ARGUMENT_ROLE:
			if (!set_roles(&statement->authorization, value))
				return _("The value must be an ARN, or several with commas between them.");
			return NULL;
		default:
			break;
	}
	if (reason == NULL && parameter->offset != 0)
		*member = pstrdup(value);
	return reason;
}
