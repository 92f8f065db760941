/*-------------------------------------------------------------------------
 *
 * token.h
 *		The words of a statement of Redshift's.
 *
 * Nothing is reported from here: what is no token is one of kind TOKEN_BAD, the
 * last of the list, so that an error before it is reported first.
 *
 * IDENTIFICATION
 *		src/redshift/token.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_REDSHIFT_TOKEN_H
#define S3_REDSHIFT_TOKEN_H

#include "postgres.h"

typedef enum RedshiftTokenKind
{
	TOKEN_END,					/* of the text; always the last one, or */
	TOKEN_BAD,					/* value is the reason, for errmsg() */
	TOKEN_WORD,					/* an identifier without quotes, folded */
	TOKEN_QUOTED,				/* an identifier in double quotes */
	TOKEN_STRING,				/* of any kind; value is what it stands for */
	TOKEN_NUMBER,				/* without sign */
	TOKEN_CHARACTER				/* any other */
} RedshiftTokenKind;

typedef struct RedshiftToken
{
	int			kind;			/* RedshiftTokenKind */
	int			start;			/* in bytes of the text */
	int			end;			/* behind it */
	char		character;		/* TOKEN_CHARACTER */
	char	   *value;			/* of the other kinds, palloc'd */
} RedshiftToken;

typedef struct RedshiftTokens
{
	const char *text;			/* borrowed */
	int			length;			/* of it */
	RedshiftToken *tokens;
	int			count;
} RedshiftTokens;

/* Statements are refused that are longer, or of more tokens. */
#define REDSHIFT_MAX_STATEMENT (16 * 1024 * 1024)
#define REDSHIFT_MAX_TOKENS 100000

/*
 * Take text, valid in the server encoding, apart.
 *
 * In a string between single quotes a doubled quote is one, and so is a quote
 * behind a backslash; two backslashes are one.  Any other backslash stays as it
 * is written: what '\t' and '\N' mean is the parameter's business.
 */
extern RedshiftTokens *redshift_tokenize(const char *text);

/* Is the token this word, or this character? */
extern bool redshift_token_is_word(const RedshiftToken *token, const char *word);
extern bool redshift_token_is_character(const RedshiftToken *token, char c);

#endif							/* S3_REDSHIFT_TOKEN_H */
