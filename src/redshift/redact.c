/*-------------------------------------------------------------------------
 *
 * redact.c
 *		What of a statement may be shown: all but keys.
 *
 * Where the keys are is known only of a statement without faults, and the
 * statements shown are those with one: a quote left out or a name misspelt makes
 * a key look like something else.  So it goes the other way round: nothing is
 * shown that is not known to be harmless, and behind what is not understood
 * only words of the grammar are.  Comments are never shown.
 *
 * IDENTIFICATION
 *		src/redshift/redact.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "parser/scansup.h"
#include "redshift/parameter.h"
#include "redshift/redact.h"

/* Longer strings (with their quotes) and words of the user's are not shown, unless locations. */
#define MAX_SHOWN_STRING 18
#define MAX_SHOWN_WORD 20
#define MAX_SHOWN_NUMBER 12

/* So many letters and digits might be a key. */
#define MIN_KEY 16

typedef struct Redaction
{
	const RedshiftTokens *tokens;
	bool	   *shown;			/* one for each byte of the text */
	int			command;		/* FOR_... */
	bool		in_names;		/* before FROM or TO */
	bool		in_columns;		/* behind BY ( */
	bool		guarded;		/* something was not understood */
	bool		awaits_secret;	/* behind the name of a parameter that is one */
	bool		awaits_string;	/* the same of another, or FROM or TO */
} Redaction;

/* Words of the grammar beside the parameters' names. */
static const char *const grammar_words[] = {
	"copy", "unload", "from", "to", "as", "with", "format", "default", "on", "off", "true",
	"false", "preset", "auto", "verbose", "include", "by", "mb", "gb", "job", "create", "alter",
	"run", "show", "drop", "list", "simplify", "serializetojson", "utf8", "utf16", "utf16le",
	"utf16be", "iso88591"
};

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Is there something in it that a key stands behind, as if a quote were missing
 * in between, or something that looks like a key?
 */
static bool
is_suspicious(const char *s)
{
	static const char *const words[] = {"access_key", "secret", "token", "credential", "symmetric"};
	int			run = 0;
	bool		upper = false;
	bool		digit = false;

	for (; *s; s++)
	{
		if (is_upper(*s) || is_lower(*s) || is_digit(*s) || *s == '+' || *s == '=')
		{
			upper |= is_upper(*s);
			digit |= is_digit(*s);
			if (++run >= MIN_KEY && upper && digit)
				return true;
		}
		else
		{
			run = 0;
			upper = digit = false;
		}
		for (int i = 0; i < (int) lengthof(words); i++)
		{
			if (pg_strncasecmp(s, words[i], strlen(words[i])) == 0)
				return true;
		}
	}
	return false;
}

static bool
is_grammar_word(const char *word)
{
	for (int i = 0; i < (int) lengthof(grammar_words); i++)
	{
		if (strcmp(grammar_words[i], word) == 0)
			return true;
	}
	return false;
}

/* Could it be the beginning or the end of something, rather than a part? */
static bool
is_separator(char c)
{
	return c == '\0' || scanner_isspace(c) || strchr("(),;", c) != NULL;
}

static char
byte_before(const RedshiftTokens *tokens, const RedshiftToken *token)
{
	return token->start == 0 ? '\0' : tokens->text[token->start - 1];
}

static bool
stands_alone(const RedshiftTokens *tokens, const RedshiftToken *token)
{
	return is_separator(byte_before(tokens, token)) && is_separator(tokens->text[token->end]);
}

/* A misspelt word of the grammar, for all that can be seen? */
static bool
is_plausible_word(const RedshiftTokens *tokens, const RedshiftToken *token)
{
	if (!stands_alone(tokens, token) || token->end - token->start > MAX_SHOWN_WORD)
		return false;
	for (int i = token->start; i < token->end; i++)
	{
		char		c = tokens->text[i];

		if (!is_upper(c) && !is_lower(c) && c != '_')
			return false;
	}
	return true;
}

static bool
takes_string(const RedshiftParameter *parameter)
{
	switch ((ParameterArgument) parameter->argument)
	{
		case ARGUMENT_STRING:
		case ARGUMENT_OPTIONAL_STRING:
		case ARGUMENT_CHARACTER:
		case ARGUMENT_NULL:
		case ARGUMENT_REPLACEMENT:
		case ARGUMENT_TEMPLATE:
		case ARGUMENT_WIDTHS:
		case ARGUMENT_REGION:
		case ARGUMENT_ENCODING:
		case ARGUMENT_JSON:
		case ARGUMENT_ROLE:
			return true;
		default:
			return false;
	}
}

/* As it is written, for words are folded. */
static bool
source_is_suspicious(const Redaction *r, const RedshiftToken *token)
{
	char	   *source = pnstrdup(r->tokens->text + token->start, token->end - token->start);
	bool		result = is_suspicious(source);

	pfree(source);
	return result;
}

static bool
redact_word(Redaction *r, const RedshiftToken *token)
{
	const RedshiftParameter *parameter = redshift_parameter(token->value, FOR_BOTH);
	bool		in_grammar = parameter != NULL || is_grammar_word(token->value);

	if (r->awaits_secret)
	{
		if (redshift_token_is_word(token, "as"))
			return true;
		r->awaits_secret = false;
		if (!redshift_token_is_word(token, "iam_role"))
			r->guarded = true;
	}
	if (r->guarded)
		return in_grammar && stands_alone(r->tokens, token);
	if (parameter && (parameter->flags & IS_SECRET))
	{
		r->in_names = false;
		r->awaits_secret = true;
		return true;
	}
	if (r->in_names && !redshift_token_is_word(token, "from") && !redshift_token_is_word(token, "to"))
		return byte_before(r->tokens, token) != '\'' && r->tokens->text[token->end] != '\'' &&
			!source_is_suspicious(r, token);
	if (r->in_columns)
		return !source_is_suspicious(r, token);
	r->in_names = false;
	if (in_grammar)
	{
		if (!redshift_token_is_word(token, "as"))
			r->awaits_string = parameter ? takes_string(parameter) :
				redshift_token_is_word(token, "from") || redshift_token_is_word(token, "to");
		return true;
	}
	if (token >= r->tokens->tokens + 2 && redshift_token_is_word(token - 2, "job"))
		return is_plausible_word(r->tokens, token);
	r->guarded = true;
	return is_plausible_word(r->tokens, token);
}

static bool
redact_string(Redaction *r, const RedshiftToken *token)
{
	static const char *const prefixes[] = {"s3://", "arn:", "dynamodb://", "emr://"};
	bool		expected = r->awaits_string;
	int			n = token - r->tokens->tokens;

	r->awaits_string = false;
	if (r->guarded)
		return false;
	if (r->awaits_secret)
	{
		/* With a quote left out it would have blanks in it, or no end here. */
		r->awaits_secret = false;
		r->guarded = token->value[strcspn(token->value, " \t\n\r\f\v")] != '\0' ||
			!is_separator(r->tokens->text[token->end]);
		return false;
	}
	if (r->in_names)
		expected = r->command == FOR_UNLOAD && n == 2;
	if (!expected || is_suspicious(token->value))
	{
		r->guarded = true;
		return false;
	}
	if (r->in_names)			/* the query */
		return token->value[strcspn(token->value, " \t\n\r")] != '\0';
	for (int i = 0; i < (int) lengthof(prefixes); i++)
	{
		if (strchr(token->value, '\'') == NULL &&
			strncmp(token->value, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return token->end - token->start <= MAX_SHOWN_STRING;
}

static bool
redact_character(Redaction *r, const RedshiftToken *token)
{
	char		c = token->character;

	if (r->in_columns && c == ')')
		r->in_columns = false;
	else if (c == '(' && token > r->tokens->tokens && redshift_token_is_word(token - 1, "by"))
		r->in_columns = true;
	return !r->guarded || strchr("(),;", c) != NULL;
}

/* For each byte of the text, whether it may be shown. */
static bool *
find_shown(const RedshiftTokens *tokens)
{
	Redaction	r = {.tokens = tokens};

	r.shown = palloc0(tokens->length + 1);
	r.command = redshift_token_is_word(&tokens->tokens[0], "unload") ? FOR_UNLOAD :
		redshift_token_is_word(&tokens->tokens[0], "copy") ? FOR_COPY : 0;
	r.in_names = r.command != 0;
	r.guarded = r.command == 0;
	for (int i = 0; i < tokens->count; i++)
	{
		const RedshiftToken *token = &tokens->tokens[i];
		bool		show = false;

		if (token->kind != TOKEN_WORD && token->kind != TOKEN_STRING)
		{
			r.guarded |= r.awaits_secret;
			r.awaits_secret = false;
			r.awaits_string = false;
		}
		switch ((RedshiftTokenKind) token->kind)
		{
			case TOKEN_END:
			case TOKEN_BAD:
				break;
			case TOKEN_WORD:
				show = redact_word(&r, token) || (i == 0 && is_plausible_word(tokens, token));
				break;
			case TOKEN_QUOTED:
				show = !r.guarded && (r.in_names || r.in_columns) &&
					strchr(token->value, '\'') == NULL && !is_suspicious(token->value);
				r.guarded |= !show;
				break;
			case TOKEN_STRING:
				show = redact_string(&r, token);
				break;
			case TOKEN_NUMBER:
				show = !r.guarded && token->end - token->start <= MAX_SHOWN_NUMBER;
				break;
			case TOKEN_CHARACTER:
				show = redact_character(&r, token);
				break;
		}
		if (show)
			memset(r.shown + token->start, true, token->end - token->start);
	}
	return r.shown;
}

char *
redshift_redact(const RedshiftTokens *tokens)
{
	bool	   *shown = find_shown(tokens);
	StringInfoData out;
	int			len;

	initStringInfo(&out);
	for (int i = 0; i < tokens->length; i += len)
	{
		char		c = tokens->text[i];

		len = Min(pg_mblen(tokens->text + i), tokens->length - i);
		if (shown[i])
			appendBinaryStringInfo(&out, tokens->text + i, len);
		else
			appendStringInfoChar(&out, scanner_isspace(c) ? c : '*');
	}
	pfree(shown);
	return out.data;
}

bool
redshift_may_show(const RedshiftTokens *tokens, const RedshiftToken *token)
{
	bool	   *shown = find_shown(tokens);
	bool		result = shown[token->start];

	pfree(shown);
	return result;
}
