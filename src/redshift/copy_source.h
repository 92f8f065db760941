/*-------------------------------------------------------------------------
 *
 * copy_source.h
 *		What COPY of Redshift says about its files, as options of the engine.
 *
 * IDENTIFICATION
 *		src/redshift/copy_source.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_REDSHIFT_COPY_SOURCE_H
#define S3_REDSHIFT_COPY_SOURCE_H

#include "access/tupdesc.h"
#include "base/option.h"
#include "redshift/statement.h"
#include "s3/client.h"

/* The key in "s3://bucket/key", as it stands; reports a malformed location. */
extern const char *copy_source_key(const char *location);

/* The options of the whole, in CurrentMemoryContext. */
extern S3TableOptions *copy_source_options(const RedshiftStatement *statement);

/*
 * The options of the columns attnums of desc, and changes to options that depend
 * on them.  Reads the jsonpaths file, if the statement names one.
 */
extern S3ColumnOptions **copy_source_columns(const RedshiftStatement *statement, TupleDesc desc,
											 const List *attnums, const S3Client *client,
											 S3TableOptions *options);

#endif							/* S3_REDSHIFT_COPY_SOURCE_H */
