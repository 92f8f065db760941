/*-------------------------------------------------------------------------
 *
 * json_parse.h
 *		Check one JSON text, and find the values of its top-level keys.
 *
 * Only json.c and json_parse.c know this.  The text is in memory, but need not
 * be whole: the parser stops where it ends and goes on when there is more.
 *
 * IDENTIFICATION
 *		src/format/json_parse.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_JSON_PARSE_H
#define S3_JSON_PARSE_H

#include "format/record.h"

#define JSON_MAX_NESTING	6400
#define JSON_GUESS_SIZE		32		/* two SSE2 registers */

/* Where the parser stands between two bytes. */
typedef enum JsonState
{
	STATE_VALUE,				/* a value must follow */
	STATE_ARRAY_FIRST,			/* behind [ */
	STATE_OBJECT_FIRST,			/* behind { */
	STATE_OBJECT_KEY,			/* behind a comma in an object */
	STATE_COLON,				/* behind a key */
	STATE_NEXT,					/* behind a value */
	STATE_STRING,				/* within a string that began at tok */
	STATE_ATOM					/* within a number or word that began at tok */
} JsonState;

/* What is to become of the token that the parser is in. */
typedef enum JsonTokenRole
{
	ROLE_KEY,
	ROLE_VALUE,
	ROLE_UNEXPECTED				/* complete it, then report "expected" */
} JsonTokenRole;

/* What is wrong; the last two are for the caller to find. */
typedef enum JsonFault
{
	FAULT_EXPECTED_VALUE,
	FAULT_EXPECTED_OBJECT_FIRST,
	FAULT_EXPECTED_STRING,
	FAULT_EXPECTED_COLON,
	FAULT_EXPECTED_OBJECT_NEXT,
	FAULT_EXPECTED_ARRAY_NEXT,
	FAULT_ENDED,
	FAULT_TOKEN,
	FAULT_ESCAPE,
	FAULT_UNICODE_ESCAPE,
	FAULT_CONTROL,
	FAULT_NESTING,
	FAULT_TOO_LONG,
	FAULT_NOT_OBJECT
} JsonFault;

typedef enum JsonParseResult
{
	PARSE_DONE,
	PARSE_MORE,					/* the bytes end within the text */
	PARSE_BAD
} JsonParseResult;

/*
 * The key that the text before had at this position, with its quotes, and
 * the column it belongs to.
 */
typedef struct JsonKeyGuess
{
	char		raw[JSON_GUESS_SIZE];
	uint32		mask;			/* one bit per byte of raw */
	uint8		len;			/* 0: the key was too long to be kept */
	int			col;			/* or -1 */
} JsonKeyGuess;

/* The value of a needed column. */
typedef struct JsonValue
{
	Size		start;			/* offsets from rec */
	Size		end;			/* 0: the key is missing */
	bool		escaped;		/* a string with a backslash in it */
} JsonValue;

typedef struct JsonParser
{
	/* set at creation, then constant */
	const RecordColumn *columns;	/* borrowed */
	int		   *needed;			/* indexes of needed columns */
	int			nneeded;
	int		   *buckets;		/* open hash of needed columns, -1: free */
	uint32		bucket_mask;
	const char *(*skip_string) (const char *p, const char *end);
	Oid			utf8_proc;		/* UTF8 to the server encoding, if looked up */

	/* the state while more bytes are waited for; offsets are from rec */
	JsonState	state;
	JsonTokenRole role;
	JsonFault	expected;		/* for ROLE_UNEXPECTED */
	Size		pos;			/* the next byte to look at */
	Size		tok;			/* the token the parser is in */
	Size		value;			/* the top-level key's value */
	int			depth;
	int			col;			/* column of the top-level key, or -1 */
	int			nkey;			/* top-level keys so far */
	bool		escaped;		/* there was a backslash in the string */
	uint64		in_object[JSON_MAX_NESTING / 64 + 1];	/* bit d: level d is
														 * an object */

	/* results */
	bool		top_object;		/* the text is an object */
	JsonValue  *values;			/* one per column; only needed ones are set */
	JsonFault	fault;			/* after PARSE_BAD, */
	Size		fault_start;	/* and where */
	Size		fault_end;

	/* what keys are expected where; kept from record to record */
	JsonKeyGuess *guesses;
	int			nguesses;
	int			max_guesses;
} JsonParser;

/* columns is borrowed.  Memory comes from CurrentMemoryContext. */
extern void json_parser_init(JsonParser *parser, const RecordColumn *columns, int ncolumns);

/* Get ready for a new text, whose first byte will be at rec. */
extern void json_parser_start(JsonParser *parser);

/*
 * Go on with the text at rec until it is complete, faulty, or [rec, end) is
 * used up.  STREAM_PADDING bytes behind end must be readable.  eof says that
 * nothing will follow end; then PARSE_MORE is not returned.  The bytes may
 * move between two calls.
 */
extern JsonParseResult json_parse(JsonParser *parser, const char *rec, const char *end, bool eof);

/*
 * Undo the escapes of [p, end), the checked inside of a string.  Returns the
 * length of what was written to dst, which has room for three bytes per byte
 * (in UTF8, for one), or -1 with SQLSTATE and detail set if it is no text.
 */
extern ssize_t json_unescape(JsonParser *parser, const char *p, const char *end, char *dst,
							 int *sqlerrcode, const char **detail);

static inline bool
json_is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

#endif							/* S3_JSON_PARSE_H */
