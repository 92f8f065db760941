/*-------------------------------------------------------------------------
 *
 * json_dynamodb.h
 *		DynamoDB's typed JSON to plain JSON.
 *
 * In an export of Amazon DynamoDB to S3 every value is an object of one key,
 * which is its type: {"Item": {"id": {"S": "x"}, "n": {"N": "1.5"}, ...}}.
 * Decoded, that is {"id": "x", "n": 1.5, ...}:
 *
 *	S		the string
 *	N		the number, digit by digit as written
 *	B		the string, in base64
 *	BOOL	true or false
 *	NULL	null
 *	M, L	an object or array of decoded values
 *	SS, NS, BS	an array of strings, of numbers, of strings in base64
 *
 * Only json.c knows this.
 *
 * Source: Amazon DynamoDB Developer Guide, "DynamoDB table export output
 * format".
 *
 * IDENTIFICATION
 *		src/format/json_dynamodb.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_JSON_DYNAMODB_H
#define S3_JSON_DYNAMODB_H

#include "format/json_parse.h"

typedef struct DynamodbDecoder
{
	/* the item decoded last; owned */
	char	   *text;			/* followed by padding */
	Size		len;
	Size		size;
	Size	   *binaries;		/* where in text binary strings begin, ascending */
	int			nbinaries;
	int			max_binaries;

	MemoryContext cxt;			/* owns all of this */

	/* while one is decoded: what is read (borrowed), what is written */
	JsonParser *parser;
	const char *p;
	const char *end;
	char	   *dst;
	const char *attribute;		/* key at the top, without its quotes */
	Size		attribute_len;
	int			depth;
	char	   *fault;
} DynamodbDecoder;

/* Memory from CurrentMemoryContext, also later. */
extern DynamodbDecoder *dynamodb_decoder_create(void);

/*
 * Decode a record, a JSON object that has been checked, into decoder->text.
 * parser is the one that has checked it.  If it holds no item, or one that is
 * malformed, returns a sentence that says why, translated; else NULL.  Scratch
 * memory is the caller's CurrentMemoryContext.
 */
extern char *dynamodb_decode(DynamodbDecoder *decoder, JsonParser *parser,
							 const char *record, Size len);

/*
 * The value [start, end) of the text, with its binary strings as bytea reads
 * them, in hexadecimal.  A string alone is given without quotes, unless raw.
 * False if there are no such strings in it.  Memory from CurrentMemoryContext.
 */
extern bool dynamodb_binary_value(const DynamodbDecoder *decoder, Size start, Size end,
								  bool raw, RecordField *field);

#endif							/* S3_JSON_DYNAMODB_H */
