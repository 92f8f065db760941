/*-------------------------------------------------------------------------
 *
 * aws.h
 *		What the functions of the extension aws_s3 share.
 *
 *	arguments.c		objects, regions and keys; COPY's options; names
 *	import.c		aws_s3.table_import_from_s3()
 *	export.c		aws_s3.query_export_to_s3()
 *	export_rows.c	rows to the bytes of COPY TO
 *
 * IDENTIFICATION
 *		src/aws/aws.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_AWS_H
#define S3_AWS_H

#include "access/tupdesc.h"
#include "commands/access.h"
#include "commands/copy.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "lib/stringinfo.h"

/* ------------------------------------------------------------------ arguments.c */

/* An object, and who may have it, as a call names them. */
typedef struct AwsObject
{
	char	   *bucket;
	char	   *key;
	S3AccessRequest access;
} AwsObject;

/*
 * Of the argument that is an aws_commons._s3_uri_1; or of the three from it on,
 * bucket, file_path and region.  Names are checked.  An empty region is none.
 */
extern void aws_object_from_uri(FunctionCallInfo fcinfo, int arg, AwsObject *object);
extern void aws_object_from_texts(FunctionCallInfo fcinfo, int arg, AwsObject *object);

/*
 * Keys of the argument that is an aws_commons._aws_credentials_1; or of the
 * three from it on.  NULL or empty: none.
 */
extern void aws_keys_from_credentials(FunctionCallInfo fcinfo, int arg, AwsObject *object);
extern void aws_keys_from_texts(FunctionCallInfo fcinfo, int arg, AwsObject *object);

/* The text of an argument; NULL if it is NULL, or an error that names it. */
extern char *aws_text(FunctionCallInfo fcinfo, int arg);
extern char *aws_required_text(FunctionCallInfo fcinfo, int arg, const char *name);

/*
 * Options as they stand in a COPY, in any of its syntaxes, with or without the
 * parentheses: a list of DefElem, for core's own functions to check.  NULL: NIL.
 */
extern List *aws_copy_options(const char *text);

/* The client for an object. */
extern S3Client *aws_client(const AwsObject *object, S3Stats *stats);

/* ---------------------------------------------------------------- export_rows.c */

/* Writes what COPY TO writes, with the options that ProcessCopyOptions() read. */
typedef struct AwsRowWriter AwsRowWriter;

/* Memory from CurrentMemoryContext; desc, options and out are borrowed. */
extern AwsRowWriter *aws_row_writer_create(TupleDesc desc, const CopyFormatOptions *options,
										   StringInfo out);

/* Append what begins a file, a row, what ends a file. */
extern void aws_row_writer_begin(AwsRowWriter *writer);
extern void aws_row_writer_row(AwsRowWriter *writer, TupleTableSlot *slot);
extern void aws_row_writer_end(AwsRowWriter *writer);

#endif							/* S3_AWS_H */
