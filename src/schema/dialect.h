/*-------------------------------------------------------------------------
 *
 * dialect.h
 *		How a file is written, told from its beginning.
 *
 * IDENTIFICATION
 *		src/schema/dialect.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_DIALECT_H
#define S3_DIALECT_H

#include "base/option.h"
#include "nodes/pg_list.h"

/* The beginning of an object, as text of the database. */
typedef struct Head
{
	const char *key;
	const char *text;
	Size		len;
	bool		complete;		/* it is all of the object */
} Head;

typedef struct Dialect
{
	List	   *options;		/* of the table: those given, and those found out */
	bool		quotes_seen;	/* CSV: some fields are quoted */
	bool		is_dynamodb;	/* JSON: records are items of DynamoDB */
} Dialect;

/*
 * Find out what given, options of a table, leaves open; the heads are of some
 * objects, that of the first in order being the first.
 */
extern void dialect_detect(Dialect *dialect, List *given, const Head *heads, int nheads);

/* How many fields most lines have. */
extern int	dialect_count_fields(const FormatOptions *format, const Head *head);

/*
 * Is the text of a JSON record an item of a DynamoDB export, {"Item": {name:
 * {type: value}, ...}}?
 */
extern bool is_dynamodb_sample(const char *text, Size len);

#endif							/* S3_DIALECT_H */
