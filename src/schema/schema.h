/*-------------------------------------------------------------------------
 *
 * schema.h
 *		Tables that fit the objects of a location: columns, types, options.
 *
 * schema_infer() looks at a sample; ddl.h prints what it found, import.c makes
 * foreign tables of it.
 *
 * IDENTIFICATION
 *		src/schema/schema.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_SCHEMA_H
#define S3_SCHEMA_H

#include "nodes/parsenodes.h"
#include "s3/client.h"
#include "schema/guess.h"

#define SCHEMA_SAMPLE_ROWS 5000

/* What is to be looked at, and how. */
typedef struct SchemaRequest
{
	const S3Client *client;		/* borrowed */
	List	   *options;		/* of a foreign table (DefElem): the location, and
								 * what the user states; the rest is found out */
	int64		sample_rows;	/* records to look at, all in all */
	bool		full;			/* look at all records of all objects */
	bool		epoch;			/* whole numbers may be times */
} SchemaRequest;

typedef struct SchemaColumn
{
	char	   *name;			/* cleaned, and the only one of this name */
	char	   *source_name;	/* as the objects have it; NULL: it has none */
	bool		is_partition;	/* of folders "source_name=value" */
	GuessedType type;
	double		null_share;
	List	   *options;		/* of the column (DefElem) */

	/* the first value that does not fit what most others are */
	char	   *contradiction_object;	/* NULL: there is none */
	int64		contradiction_line; /* 0: not known */

	ValueSizes	sizes;
} SchemaColumn;

typedef struct Schema
{
	List	   *options;		/* of the table (DefElem) */
	int			format;			/* FileFormat */
	bool		has_header;
	char	   *delimiter;
	char	   *quote;
	bool		quotes_seen;	/* CSV: the sample holds quotes */
	bool		is_dynamodb;
	int			ncolumns;
	SchemaColumn *columns;		/* those of partitions come last */
} Schema;

/*
 * Infer a schema, in CurrentMemoryContext.  Reports a location without any
 * object, or returns NULL then if missing_ok.  Failures are reported; records
 * that cannot be read are counted in a warning.
 */
extern Schema *schema_infer(const SchemaRequest *request, bool missing_ok);

/* The list with the format that other options imply. */
extern List *schema_complete_options(List *options);

/* A string option for a list of them. */
extern DefElem *schema_option(const char *name, const char *value);

#endif							/* S3_SCHEMA_H */
