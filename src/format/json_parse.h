/*-------------------------------------------------------------------------
 *
 * json_parse.h
 *		Check one JSON text, and find the values that columns want of it.
 *
 * Only the files json*.c know this.  The text is in memory, but need not be
 * whole: the parser stops where it ends and goes on when there is more.
 *
 * What columns want is a tree of nodes.  The root stands for the text, and a
 * node's children for the values of certain keys and elements of its value.
 * The parser follows the tree as far as the text goes along with it, and passes
 * over everything else.
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
	STATE_END,					/* nothing may follow */
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

/* What is wrong; the last four are for the caller to find. */
typedef enum JsonFault
{
	FAULT_EXPECTED_VALUE,
	FAULT_EXPECTED_OBJECT_FIRST,
	FAULT_EXPECTED_STRING,
	FAULT_EXPECTED_COLON,
	FAULT_EXPECTED_OBJECT_NEXT,
	FAULT_EXPECTED_ARRAY_NEXT,
	FAULT_EXPECTED_END,
	FAULT_ENDED,
	FAULT_TOKEN,
	FAULT_ESCAPE,
	FAULT_UNICODE_ESCAPE,
	FAULT_CONTROL,
	FAULT_NESTING,
	JSON_FAULT_TOO_LONG,
	FAULT_NOT_OBJECT,
	FAULT_NOT_ARRAY,
	FAULT_EXTRA_ELEMENTS
} JsonFault;

typedef enum JsonParseResult
{
	PARSE_DONE,
	PARSE_MORE,					/* the bytes end within the text */
	PARSE_BAD
} JsonParseResult;

/*
 * The key that the object before had at this position, with its quotes, and
 * the node it leads to.
 */
typedef struct JsonKeyGuess
{
	char		raw[JSON_GUESS_SIZE];
	uint32		mask;			/* one bit per byte of raw */
	uint8		len;			/* 0: the key was too long to be kept */
	int			child;			/* or -1 */
} JsonKeyGuess;

/* A value that is wanted, or leads to such. */
typedef struct JsonNode
{
	int			parent;			/* -1 at the root */
	char	   *key;			/* owned; folded if case is ignored */
	Size		key_len;
	int			index;			/* if key is NULL: of the element */
	int			end;			/* nodes are in preorder: those from this one
								 * to here are below it */

	/* children that are elements: these of the parser's elements */
	int			first_element;
	int			nelements;

	/* what keys are expected where; kept from record to record */
	JsonKeyGuess *guesses;		/* owned */
	int			nguesses;
	int			max_guesses;
} JsonNode;

/* What the parser remembers of the object or array around the one it is in. */
typedef struct JsonFrame
{
	JsonNode   *node;			/* of that one */
	int			nkey;
	int			nelement;
	Size		value;			/* where the inner one begins */
} JsonFrame;

/* Where the value of a node is. */
typedef struct JsonValue
{
	Size		start;			/* offsets from rec */
	Size		end;			/* 0: it is missing */
	bool		escaped;		/* a string with a backslash in it */
	bool		followed;		/* constant: if it is an object or array, go
								 * in, for there are nodes below */
} JsonValue;

typedef struct JsonParser
{
	/* set at creation, then constant */
	const RecordColumn *columns;	/* borrowed */
	int		   *needed;			/* indexes of needed columns, */
	int		   *slots;			/* and their nodes */
	int			nneeded;
	JsonNode   *nodes;			/* in preorder: the root is the first one */
	int			nnodes;
	int		   *elements;		/* nodes that are elements, of one parent side
								 * by side in order of indexes */
	int		   *buckets;		/* open hash of nodes that are keys, -1: free */
	uint32		bucket_mask;
	Size		max_key;		/* bytes of the longest of these keys */
	bool		ignore_case;	/* of keys */
	bool		unverified;		/* the text may be none in its encoding */
	const char *(*skip_string) (const char *p, const char *end);
	MemoryContext cxt;			/* owns all of this */
	Oid			utf8_proc;		/* UTF8 to the server encoding, if looked up */

	/* the state while more bytes are waited for; offsets are from rec */
	JsonState	state;
	JsonTokenRole role;
	JsonFault	expected;		/* for ROLE_UNEXPECTED */
	Size		pos;			/* the next byte to look at */
	Size		tok;			/* the token the parser is in */
	bool		escaped;		/* there was a backslash in the string */
	int			base;			/* the depth around the text */
	int			depth;
	uint64		in_object[JSON_MAX_NESTING / 64 + 1];	/* bit d: level d is
														 * an object */

	/* the innermost object or array that is followed, if it has begun */
	int			followed_depth; /* its depth, else base */
	JsonNode   *node;			/* its node */
	int			nkey;			/* its keys, or elements, so far */
	int			nelement;		/* children that are elements so far */
	Size		value;			/* where its last value began */
	int			child;			/* node of that value, or -1 */
	JsonFrame  *frames;			/* of those around it */
	int			nframes;

	/* results */
	JsonValue  *values;			/* one per node */
	int			top_count;		/* keys or elements of the text, if it is an
								 * object or array */
	JsonFault	fault;			/* after PARSE_BAD, */
	Size		fault_start;	/* and where */
	Size		fault_end;

	int			guess_room;		/* guesses that may yet be made */
} JsonParser;

/*
 * What the columns want, in options->records of that kind.  Both are borrowed.
 * Memory comes from CurrentMemoryContext.  (In json_tree.c.)
 */
extern void json_parser_init(JsonParser *parser, const FormatOptions *options,
							 const RecordColumn *columns, int ncolumns);

/*
 * The child of the parser's node for the key [start, end), quotes included, or
 * -1; the key is the object's nkey-th.  (In json_tree.c.)
 */
extern int	json_find_child(JsonParser *parser, JsonNode *node, const char *start, const char *end,
							bool escaped, int nkey);

/*
 * Get ready for a new text, whose first byte will be at rec.  base is 1 if an
 * array around it is open, else 0.  state is STATE_VALUE, or another to have
 * the next token reported as one that was not expected.
 */
extern void json_parser_start(JsonParser *parser, JsonState state, int base);

/*
 * Go on with the text at rec until it is complete, faulty, or [rec, end) is
 * used up.  STREAM_PADDING bytes behind end must be readable.  eof says that
 * nothing will follow end; then PARSE_MORE is not returned.  The bytes may
 * move between two calls.
 *
 * After PARSE_DONE the state may be set to STATE_END to check that there is
 * nothing but white space up to the end of the file.
 */
extern JsonParseResult json_parse(JsonParser *parser, const char *rec, const char *end, bool eof);

/*
 * Undo the escapes of [p, end), the checked inside of a string.  Returns the
 * length of what was written to dst, which has room for three bytes per byte
 * (in UTF8, for one), or -1 with SQLSTATE and detail set if it is no text.
 */
extern ssize_t json_unescape(JsonParser *parser, const char *p, const char *end, char *dst,
							 int *sqlerrcode, const char **detail);

/* What a fault is in the midst of. */
typedef struct JsonFaultContext
{
	JsonRecords records;
	bool		in_array;		/* around the records */
	int			ncolumns;
	Size		max_record;
	bool		by_redshift;
} JsonFaultContext;

/*
 * After PARSE_BAD: what the parser found in the record at rec, but not whether it
 * is fatal.  Memory from CurrentMemoryContext.  (In json_fault.c.)
 */
extern void json_describe_fault(const JsonParser *parser, const char *rec,
								const JsonFaultContext *context, RecordError *error);

/*
 * Of a node without a value: what Redshift says of that, or NULL if it may be
 * missing.  base is where the record is.  (In json_fault.c.)
 */
extern const char *json_missing_fault(const JsonParser *parser, const char *base, int node);

static inline bool
json_is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

#endif							/* S3_JSON_PARSE_H */
