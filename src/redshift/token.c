/*-------------------------------------------------------------------------
 *
 * token.c
 *		Take the text of a statement apart into words.
 *
 * Redshift's rules, which are those of PostgreSQL 8.0 with strings in dollars
 * added, as far as they matter to COPY and UNLOAD.  statement.c reads the
 * result, redact.c looks in it for what may be shown.
 *
 * All encodings of servers have bytes of 0x80 and above only in characters that
 * are no ASCII, so that it does not matter to the rules where these begin.
 *
 * IDENTIFICATION
 *		src/redshift/token.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "parser/scansup.h"
#include "redshift/token.h"

typedef struct Lexer
{
	const char *text;			/* borrowed */
	int			length;
	int			pos;			/* of the byte to look at next */
	const char *reason;			/* why the token is none, or NULL */
} Lexer;

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_octal(char c)
{
	return c >= '0' && c <= '7';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || IS_HIGHBIT_SET(c);
}

/* Names of temporary tables may begin with '#'. */
static bool
begins_word(char c)
{
	return is_letter(c) || c == '#';
}

static bool
continues_word(char c)
{
	return is_letter(c) || is_digit(c) || c == '$' || c == '#';
}

/* A byte that lies so far ahead; '\0' behind the end, which the text has. */
static char
ahead(const Lexer *lexer, int n)
{
	return lexer->pos + n < lexer->length ? lexer->text[lexer->pos + n] : '\0';
}

/* Pass over a comment, at its beginning; false if it has no end. */
static bool
skip_block_comment(Lexer *lexer)
{
	int			depth = 0;

	do
	{
		char		c = ahead(lexer, 0);

		if (c == '\0')
			return false;
		if (c == '/' && ahead(lexer, 1) == '*')
		{
			depth++;
			lexer->pos++;
		}
		else if (c == '*' && ahead(lexer, 1) == '/')
		{
			depth--;
			lexer->pos++;
		}
		lexer->pos++;
	} while (depth > 0);
	return true;
}

/* Pass over blanks and comments; false if a comment, at *start, has no end. */
static bool
skip_space(Lexer *lexer, int *start)
{
	for (;;)
	{
		*start = lexer->pos;
		if (scanner_isspace(ahead(lexer, 0)))
			lexer->pos++;
		else if (ahead(lexer, 0) == '-' && ahead(lexer, 1) == '-')
		{
			while (ahead(lexer, 0) != '\0' && ahead(lexer, 0) != '\n' && ahead(lexer, 0) != '\r')
				lexer->pos++;
		}
		else if (ahead(lexer, 0) == '/' && ahead(lexer, 1) == '*')
		{
			if (!skip_block_comment(lexer))
				return false;
		}
		else
			return true;
	}
}

/*
 * A string that ends in one line goes on if the next line begins with a quote.
 * True with the position behind that quote.
 */
static bool
string_goes_on(Lexer *lexer)
{
	bool		newline = false;
	int			n = 0;

	while (scanner_isspace(ahead(lexer, n)))
	{
		newline |= ahead(lexer, n) == '\n' || ahead(lexer, n) == '\r';
		n++;
	}
	if (!newline || ahead(lexer, n) != '\'')
		return false;
	lexer->pos += n + 1;
	return true;
}

/* The value of so many digits to the base, at the position, which moves. */
static bool
read_digits(Lexer *lexer, int base, int min, int max, pg_wchar *value)
{
	int			n = 0;

	*value = 0;
	for (; n < max; n++)
	{
		char		c = ahead(lexer, 0);
		int			digit = is_digit(c) ? c - '0'
			: c >= 'a' && c <= 'f' ? c - 'a' + 10
			: c >= 'A' && c <= 'F' ? c - 'A' + 10
			: base;

		if (digit >= base)
			break;
		*value = *value * base + digit;
		lexer->pos++;
	}
	return n >= min;
}

/* What a backslash in E'...' makes of the character at the position. */
static bool
read_escape(Lexer *lexer, StringInfo out)
{
	char		c = ahead(lexer, 0);
	pg_wchar	value = 0;
	bool		good;

	if (c == '\0')
		return true;			/* the string has no end, which is told */
	if (is_octal(c))
		good = read_digits(lexer, 8, 1, 3, &value);
	else
	{
		lexer->pos++;
		switch (c)
		{
			case 'b':
				value = '\b';
				break;
			case 'f':
				value = '\f';
				break;
			case 'n':
				value = '\n';
				break;
			case 'r':
				value = '\r';
				break;
			case 't':
				value = '\t';
				break;
			case 'x':
				if (!read_digits(lexer, 16, 1, 2, &value))
					value = 'x';
				break;
			case 'u':
			case 'U':
				{
					unsigned char buf[MAX_UNICODE_EQUIVALENT_STRING + 1];

					good = read_digits(lexer, 16, c == 'u' ? 4 : 8, c == 'u' ? 4 : 8, &value);
					if (!good || !is_valid_unicode_codepoint(value) || is_utf16_surrogate_first(value) || is_utf16_surrogate_second(value) ||
						(value >= 0x80 && GetDatabaseEncoding() != PG_UTF8))
						return false;
					if (value < 0x80)
						break;
					unicode_to_utf8(value, buf);
					appendBinaryStringInfo(out, (char *) buf, pg_utf_mblen(buf));
					return true;
				}
			default:
				value = (unsigned char) c;
				break;
		}
		good = true;
	}
	if (!good || value == 0 || value > 0xff)
		return false;
	appendStringInfoChar(out, (char) value);
	return true;
}

/* The string whose first quote is at the position. */
static char *
read_string(Lexer *lexer, bool escapes)
{
	StringInfoData out;

	initStringInfo(&out);
	lexer->pos++;
	for (;;)
	{
		char		c = ahead(lexer, 0);
		char		next = ahead(lexer, 1);

		if (c == '\0')
		{
			lexer->reason = gettext_noop("unterminated quoted string");
			break;
		}
		lexer->pos++;
		if (c == '\'')
		{
			if (next == '\'')
				lexer->pos++;
			else if (string_goes_on(lexer))
				continue;
			else
				break;
		}
		else if (c == '\\' && escapes)
		{
			if (!read_escape(lexer, &out))
			{
				lexer->reason = gettext_noop("invalid escape sequence in a string");
				break;
			}
			continue;
		}
		else if (c == '\\' && (next == '\'' || next == '\\'))
		{
			c = next;
			lexer->pos++;
		}
		appendStringInfoChar(&out, c);
	}
	if (escapes && lexer->reason == NULL &&
		!pg_verify_mbstr(GetDatabaseEncoding(), out.data, out.len, true))
		lexer->reason = gettext_noop("invalid escape sequence in a string");
	return out.data;
}

/* The length of "$tag$" at the position, or 0. */
static int
dollar_tag(const Lexer *lexer)
{
	int			n = 1;

	if (ahead(lexer, 0) != '$')
		return 0;
	if (is_letter(ahead(lexer, n)))
	{
		while (is_letter(ahead(lexer, n)) || is_digit(ahead(lexer, n)))
			n++;
	}
	return ahead(lexer, n) == '$' ? n + 1 : 0;
}

static char *
read_dollar_string(Lexer *lexer, int tag_length)
{
	const char *tag = lexer->text + lexer->pos;
	int			start = lexer->pos + tag_length;

	for (lexer->pos = start; ahead(lexer, 0) != '\0'; lexer->pos++)
	{
		if (ahead(lexer, 0) == '$' &&
			strncmp(lexer->text + lexer->pos, tag, tag_length) == 0)
		{
			char	   *value = pnstrdup(lexer->text + start, lexer->pos - start);

			lexer->pos += tag_length;
			return value;
		}
	}
	lexer->reason = gettext_noop("unterminated dollar-quoted string");
	return NULL;
}

static char *
read_quoted(Lexer *lexer)
{
	StringInfoData out;

	initStringInfo(&out);
	for (lexer->pos++;; lexer->pos++)
	{
		char		c = ahead(lexer, 0);

		if (c == '\0')
		{
			lexer->reason = gettext_noop("unterminated quoted identifier");
			return NULL;
		}
		if (c == '"')
		{
			if (ahead(lexer, 1) != '"')
				break;
			lexer->pos++;
		}
		appendStringInfoChar(&out, c);
	}
	lexer->pos++;
	if (out.len == 0)
		lexer->reason = gettext_noop("zero-length delimited identifier");
	return out.data;
}

static char *
read_number(Lexer *lexer)
{
	int			start = lexer->pos;
	int			sign;

	while (is_digit(ahead(lexer, 0)))
		lexer->pos++;
	if (ahead(lexer, 0) == '.')
	{
		do
			lexer->pos++;
		while (is_digit(ahead(lexer, 0)));
	}
	if (ahead(lexer, 0) == 'e' || ahead(lexer, 0) == 'E')
	{
		sign = ahead(lexer, 1) == '+' || ahead(lexer, 1) == '-' ? 1 : 0;
		if (is_digit(ahead(lexer, 1 + sign)))
		{
			lexer->pos += 1 + sign;
			while (is_digit(ahead(lexer, 0)))
				lexer->pos++;
		}
	}
	return pnstrdup(lexer->text + start, lexer->pos - start);
}

static char *
read_word(Lexer *lexer)
{
	int			start = lexer->pos;

	while (continues_word(ahead(lexer, 0)))
		lexer->pos++;
	return downcase_identifier(lexer->text + start, lexer->pos - start, false, false);
}

static RedshiftToken
read_token(Lexer *lexer)
{
	RedshiftToken token = {.kind = TOKEN_BAD};
	char		c;
	int			tag;

	if (!skip_space(lexer, &token.start))
	{
		token.value = pstrdup(gettext_noop("unterminated comment"));
		token.end = lexer->length;
		return token;
	}
	c = ahead(lexer, 0);
	if (c == '\0')
		token.kind = TOKEN_END;
	else if (c == '\'')
	{
		token.kind = TOKEN_STRING;
		token.value = read_string(lexer, false);
	}
	else if ((c == 'e' || c == 'E') && ahead(lexer, 1) == '\'')
	{
		lexer->pos++;
		token.kind = TOKEN_STRING;
		token.value = read_string(lexer, true);
	}
	else if ((tag = dollar_tag(lexer)) > 0)
	{
		token.kind = TOKEN_STRING;
		token.value = read_dollar_string(lexer, tag);
	}
	else if (c == '"')
	{
		token.kind = TOKEN_QUOTED;
		token.value = read_quoted(lexer);
	}
	else if (is_digit(c) || (c == '.' && is_digit(ahead(lexer, 1))))
	{
		token.kind = TOKEN_NUMBER;
		token.value = read_number(lexer);
	}
	else if (begins_word(c))
	{
		token.kind = TOKEN_WORD;
		token.value = read_word(lexer);
	}
	else
	{
		token.kind = TOKEN_CHARACTER;
		token.character = c;
		lexer->pos++;
	}
	token.end = lexer->pos;
	if (lexer->reason)
	{
		token.kind = TOKEN_BAD;
		token.value = pstrdup(lexer->reason);
		token.end = lexer->length;
	}
	return token;
}

RedshiftTokens *
redshift_tokenize(const char *text)
{
	RedshiftTokens *result = palloc(sizeof(RedshiftTokens));
	Lexer		lexer = {text, strlen(text), 0, NULL};
	int			allocated = 64;

	result->text = text;
	result->length = lexer.length;
	result->count = 0;
	result->tokens = palloc(sizeof(RedshiftToken) * allocated);
	for (;;)
	{
		RedshiftToken token = read_token(&lexer);

		if (result->count == allocated)
		{
			allocated *= 2;
			result->tokens = repalloc(result->tokens, sizeof(RedshiftToken) * allocated);
		}
		if (lexer.length > REDSHIFT_MAX_STATEMENT || result->count == REDSHIFT_MAX_TOKENS)
		{
			token.kind = TOKEN_BAD;
			token.end = lexer.length;
			token.value = pstrdup(gettext_noop("the statement is too long"));
		}
		result->tokens[result->count++] = token;
		if (token.kind == TOKEN_END || token.kind == TOKEN_BAD)
			return result;
	}
}

bool
redshift_token_is_word(const RedshiftToken *token, const char *word)
{
	return token->kind == TOKEN_WORD && strcmp(token->value, word) == 0;
}

bool
redshift_token_is_character(const RedshiftToken *token, char c)
{
	return token->kind == TOKEN_CHARACTER && token->character == c;
}
