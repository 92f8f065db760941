/*-------------------------------------------------------------------------
 *
 * import.c
 *		aws_s3.table_import_from_s3(): one object into a table, by COPY FROM.
 *
 * The rows are COPY's: core parses the bytes, converts and inserts them.  Here
 * are what COPY does before it (the table, its privileges, row security) and
 * where the bytes come from.
 *
 *	S3Source -> gunzip, if Content-Encoding says so -> CopyFrom()
 *
 * IDENTIFICATION
 *		src/aws/import.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "aws/aws.h"
#include "base/compat.h"
#include "base/config.h"
#include "catalog/namespace.h"
#include "executor/executor.h"
#include "format/codec.h"
#include "miscadmin.h"
#include "parser/parse_relation.h"
#include "s3/source.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/varlena.h"

/* The bytes of one import. */
typedef struct Import
{
	ByteSource *source;
	MemoryContext cxt;			/* for the source */

	/* the piece that is being handed out */
	const char *data;
	Size		len;
} Import;

/*
 * What import_read() reads from, as core hands it no argument.  A trigger may
 * begin another import, which puts this back when it ends.
 */
static Import *current_import = NULL;

/* For CopyFrom(): at least minread bytes, fewer only at the end. */
static int
import_read(void *outbuf, int minread, int maxread)
{
	Import	   *import = current_import;
	MemoryContext save = MemoryContextSwitchTo(import->cxt);
	int			filled = 0;

	while (filled < maxread)
	{
		Size		n;

		if (import->len == 0)
		{
			if (filled >= minread && filled > 0)
				break;
			if (!byte_source_next(import->source, &import->data, &import->len))
			{
				import->len = 0;
				break;
			}
		}
		n = Min(import->len, (Size) (maxread - filled));
		memcpy((char *) outbuf + filled, import->data, n);
		import->data += n;
		import->len -= n;
		filled += (int) n;
	}
	MemoryContextSwitchTo(save);
	return filled;
}

/* The object's bytes; *size is how many there are as stored. */
static ByteSource *
open_object(const S3Client *client, const AwsObject *object, int64 *size)
{
	S3Call	   *call = s3_head_start(client, object->bucket, object->key);
	S3ObjectInfo info;
	S3Error		error;
	S3ReadPool *pool;
	ByteSource *source;
	bool		gzip;

	(void) s3_call_wait(call, 0);
	gzip = call->ok && codec_by_encoding(call->http.content_encoding) == &codec_gzip;
	if (!s3_head_finish(call, &info, &error))
		s3_report(ERROR, &error);
	if (info.size == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("object \"%s\" is empty", s3_location_format(object->bucket, object->key))));
	*size = info.size;

	pool = s3_read_pool_create((Size) s3_read_memory * 1024, s3_read_concurrency,
							   (Size) s3_range_size * 1024);
	source = s3_source_stream(s3_source_create(client, pool, object->bucket, &info,
											   0, info.size, false));
	return gzip ? codec_gzip.open_source(source) : source;
}

/* The columns, as names in a statement; NIL: all. */
static List *
parse_columns(char *text)
{
	List	   *names;
	List	   *columns = NIL;
	ListCell   *lc;

	if (text == NULL || strspn(text, " \t\r\n\f") == strlen(text))
		return NIL;
	if (!SplitIdentifierString(pstrdup(text), ',', &names))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid column_list: \"%s\"", text),
				 errhint("Names with other characters than letters, digits and underscores go into double quotes.")));
	foreach(lc, names)
		columns = lappend(columns, makeString(lfirst(lc)));
	return columns;
}

/* What COPY checks before it reads anything; the table is open then. */
static Relation
open_table(ParseState *pstate, const char *name, List *columns)
{
	RangeVar   *range = makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(name)));
	Relation	rel = table_openrv(range, RowExclusiveLock);
	ParseNamespaceItem *item = addRangeTableEntryForRelation(pstate, rel, RowExclusiveLock,
															 NULL, false, false);
	RelationPermissions *permissions = NAMESPACE_ITEM_PERMISSIONS(item);
	ListCell   *lc;

	permissions->requiredPerms = ACL_INSERT;
	foreach(lc, CopyGetAttnums(RelationGetDescr(rel), rel, columns))
		permissions->insertedCols = bms_add_member(permissions->insertedCols,
												   lfirst_int(lc) - FirstLowInvalidHeapAttributeNumber);
	CHECK_PERMISSIONS(pstate, permissions);

	if (check_enable_rls(RelationGetRelid(rel), InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("COPY FROM not supported with row-level security"),
				 errhint("Use INSERT statements instead.")));
	if (XactReadOnly && !rel->rd_islocaltemp)
		PreventCommandIfReadOnly("COPY FROM");
	PreventCommandIfParallelMode("COPY FROM");
	return rel;
}

/* COPY FROM the import's bytes; returns the number of rows. */
static uint64
run_copy(Import *self, ParseState *pstate, Relation rel, List *columns, List *options)
{
	Import	   *outer = current_import;
	CopyFromState copy;
	volatile uint64 rows = 0;

	PG_TRY();
	{
		current_import = self;
		copy = BeginCopyFrom(pstate, rel, NULL, NULL, false, import_read, columns, options);
		rows = CopyFrom(copy);
		EndCopyFrom(copy);
	}
	PG_FINALLY();
	{
		current_import = outer;
	}
	PG_END_TRY();
	return rows;
}

/* The first three arguments are the same in all signatures. */
static Datum
import(FunctionCallInfo fcinfo, const AwsObject *object)
{
	char	   *table_name = aws_required_text(fcinfo, 0, "table_name");
	List	   *columns = parse_columns(aws_text(fcinfo, 1));
	List	   *options = aws_copy_options(aws_text(fcinfo, 2));
	ParseState *pstate = make_parsestate(NULL);
	Import		self = {.cxt = CurrentMemoryContext};
	S3Stats		stats = {0};
	int64		size;
	Relation	rel;
	uint64		rows;

	rel = open_table(pstate, table_name, columns);
	self.source = open_object(aws_client(object, &stats), object, &size);

	rows = run_copy(&self, pstate, rel, columns, options);
	byte_source_close(self.source);
	table_close(rel, NoLock);
	free_parsestate(pstate);

	/* Commands behind this one in the same function see the rows. */
	CommandCounterIncrement();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(UINT64_FORMAT " rows imported into relation \"%s\" from file %s of " INT64_FORMAT " bytes",
											  rows, table_name, object->key, size)));
}

PG_FUNCTION_INFO_V1(aws_table_import_uri);

/* (table_name, column_list, options, s3_info [, credentials]) */
Datum
aws_table_import_uri(PG_FUNCTION_ARGS)
{
	ErrorContextCallback *outer = error_context_stack;
	ErrorContextCallback context;
	AwsObject	object;
	Datum		result;

	if (PG_NARGS() > 4)
		s3_access_hide_keys(&context);
	aws_object_from_uri(fcinfo, 3, &object);
	if (PG_NARGS() > 4)
		aws_keys_from_credentials(fcinfo, 4, &object);
	result = import(fcinfo, &object);
	error_context_stack = outer;
	return result;
}

PG_FUNCTION_INFO_V1(aws_table_import);

/*
 * (table_name, column_list, options, bucket, file_path, region
 * [, access_key, secret_key, session_token])
 */
Datum
aws_table_import(PG_FUNCTION_ARGS)
{
	ErrorContextCallback *outer = error_context_stack;
	ErrorContextCallback context;
	AwsObject	object;
	Datum		result;

	if (PG_NARGS() > 6)
		s3_access_hide_keys(&context);
	aws_object_from_texts(fcinfo, 3, &object);
	if (PG_NARGS() > 6)
		aws_keys_from_texts(fcinfo, 6, &object);
	result = import(fcinfo, &object);
	error_context_stack = outer;
	return result;
}
