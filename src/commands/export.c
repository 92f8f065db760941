/*-------------------------------------------------------------------------
 *
 * export.c
 *		s3_export(): the result of a query as one S3 object, or as many files.
 *
 * If the planner has a plan in which workers bring forth the rows, they write
 * them (export_parallel.c).  Else the query runs through SPI with a DestReceiver
 * of ours, and one process writes.  Either way privileges and row security are
 * those of any query.
 *
 * Nothing is visible before all bytes are with the store.  Then come, in this
 * order: the files, the manifest, the deletion of what was there before, the
 * marker.  Until a deletion begins, an error undoes all of it.  What has become
 * visible is not undone by a later rollback.
 *
 * IDENTIFICATION
 *		src/commands/export.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "commands/common.h"
#include "commands/export.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "s3/upload.h"
#include "s3/uri.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

/* Rows of a query that one process runs. */
typedef struct ExportReceiver
{
	DestReceiver pub;			/* must be first */
	const ExportJob *job;		/* borrowed */
	S3Upload   *upload;			/* borrowed; of one object, else NULL */
	S3UploadLog *log;			/* borrowed; of many, else NULL */
	MemoryContext cxt;			/* of the export */
	TupleDesc	desc;			/* own copy */
	ExportWriter *writer;
} ExportReceiver;

/* One call of s3_export(). */
typedef struct Export
{
	ExportJob  *job;
	ExportProgress progress;
	ReturnSetInfo *result;
	ExportTarget *target;		/* of many files, else NULL */
	TupleDesc	desc;			/* of the query's rows */
	S3Upload   *upload;			/* one object by one process, else NULL */
	S3UploadLog *log;			/* everything else */
} Export;

/* The arguments of s3_export() that are options, in order from the third on. */
static const struct
{
	const char *name;
	Oid			type;
}			arguments[] = {
	{"server", NAMEOID},
	{"format", TEXTOID},
	{"compression", TEXTOID},
	{"header", BOOLOID},
	{"delimiter", TEXTOID},
	{"quote", TEXTOID},
	{"escape", TEXTOID},
	{"null", TEXTOID},
	{"force_quote", TEXTOID},
	{"fixedwidth", TEXTOID},
	{"array", BOOLOID},
	{"encoding", TEXTOID},
	{"overwrite", TEXTOID},
	{"dry_run", BOOLOID},
	{"empty_result", TEXTOID},
	{"parallel", BOOLOID},
	{"file_name", TEXTOID},
	{"max_file_size", TEXTOID},
	{"rows_per_file", INT8OID},
	{"partition_by", TEXTOID},
	{"keep_partition_columns", BOOLOID},
	{"manifest", TEXTOID},
	{"success_marker", BOOLOID},
	{"part_size", TEXTOID},
	{"expected_size", TEXTOID},
	{"checksum", TEXTOID},
	{"content_type", TEXTOID},
	{"content_encoding", TEXTOID},
	{"metadata", JSONBOID},
	{"tags", JSONBOID},
	{"storage_class", TEXTOID},
	{"sse", TEXTOID},
	{"kms_key_id", TEXTOID},
	{"acl", TEXTOID},
};

/* ------------------------------------------------------------------- the receiver */

void
export_check(const ExportJob *job, S3UploadLog *log, int64 rows, int64 bytes)
{
	ExportProgress *progress = job->progress;

	if (log)
		s3_upload_log_count(log, rows, bytes);
	if (progress)
	{
		if (log)
			s3_upload_log_progress(log, &progress->rows, &progress->bytes);
		else
		{
			progress->rows += rows;
			progress->bytes += bytes;
		}
		watch_check(&progress->watch, progress->bytes, progress->rows);
	}
	CHECK_FOR_INTERRUPTS();
}

static void
receiver_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	ExportReceiver *receiver = (ExportReceiver *) self;
	MemoryContext save = MemoryContextSwitchTo(receiver->cxt);

	receiver->desc = CreateTupleDescCopy(desc);
	receiver->writer = receiver->upload ?
		export_single_create(receiver->job, receiver->desc, receiver->upload) :
		export_files_create(receiver->job, receiver->desc, receiver->log);
	MemoryContextSwitchTo(save);
}

static bool
receiver_slot(TupleTableSlot *slot, DestReceiver *self)
{
	ExportWriter *writer = ((ExportReceiver *) self)->writer;

	writer->ops->row(writer, slot);
	return true;
}

static void
receiver_shutdown(DestReceiver *self)
{
	ExportReceiver *receiver = (ExportReceiver *) self;
	MemoryContext save = MemoryContextSwitchTo(receiver->cxt);

	receiver->writer->ops->finish(receiver->writer);
	MemoryContextSwitchTo(save);
}

static void
receiver_destroy(DestReceiver *self)
{
}

/* -------------------------------------------------------------------------- query */

/* A syntax error's position is one in the query, not in the call of us. */
static void
query_error_position(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) arg);
	}
}

/* One statement that returns rows, as in COPY (query) TO. */
static void
check_query(char *query)
{
	ErrorContextCallback context;
	List	   *statements;
	RawStmt    *raw;

	context.callback = query_error_position;
	context.arg = query;
	context.previous = error_context_stack;
	error_context_stack = &context;
	statements = pg_parse_query(query);
	error_context_stack = context.previous;

	if (list_length(statements) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("query to export must be exactly one statement")));
	raw = linitial_node(RawStmt, statements);
	switch (nodeTag(raw->stmt))
	{
		case T_SelectStmt:
			if (((SelectStmt *) raw->stmt)->intoClause == NULL)
				return;
			break;
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			return;				/* with RETURNING, as SPI checks */
		default:
			break;
	}
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("query to export must return rows"),
			 errdetail("It is neither SELECT nor VALUES, nor a data-modifying statement with RETURNING.")));
}

/* The query by one process; returns what its rows are. */
static TupleDesc
run_alone(const char *query, const ExportJob *job, S3Upload *upload, S3UploadLog *log)
{
	ExportReceiver receiver = {
		.pub = {
			.receiveSlot = receiver_slot,
			.rStartup = receiver_startup,
			.rShutdown = receiver_shutdown,
			.rDestroy = receiver_destroy,
			.mydest = DestNone
		},
		.job = job,
		.upload = upload,
		.log = log,
		.cxt = CurrentMemoryContext
	};
	SPIExecuteOptions options;
	int			rc;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	memset(&options, 0, sizeof(options));
	options.must_return_tuples = true;
	options.dest = &receiver.pub;
	rc = SPI_execute_extended(query, &options);
	if (rc < 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("could not run the query to export: %s", SPI_result_code_string(rc))));
	SPI_finish();
	return receiver.desc;
}

/* --------------------------------------------------------------------- s3_export() */

static char *
argument_text(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(i));
}

/* The arguments that are set, as options; *server is the one that is none. */
static List *
collect_options(FunctionCallInfo fcinfo, char **server)
{
	List	   *options = NIL;

	*server = NULL;
	for (int i = 0; i < (int) lengthof(arguments); i++)
	{
		char	   *value = NULL;
		Jsonb	   *jsonb;

		if (PG_ARGISNULL(i + 2))
			continue;
		switch (arguments[i].type)
		{
			case NAMEOID:
				*server = pstrdup(NameStr(*PG_GETARG_NAME(i + 2)));
				continue;
			case BOOLOID:
				value = PG_GETARG_BOOL(i + 2) ? "true" : "false";
				break;
			case INT8OID:
				value = psprintf(INT64_FORMAT, PG_GETARG_INT64(i + 2));
				break;
			case JSONBOID:
				jsonb = PG_GETARG_JSONB_P(i + 2);
				value = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
				break;
			case TEXTOID:
				value = argument_text(fcinfo, i + 2);
				break;
		}
		options = lappend(options, makeDefElem(pstrdup(arguments[i].name),
											   (Node *) makeString(value), -1));
	}
	return options;
}

static void
add_result(Export *export, const char *location, bool has_rows, int64 rows, int64 bytes,
		   const char *etag, const char *action)
{
	Datum		values[5];
	bool		nulls[5] = {0};

	values[0] = CStringGetTextDatum(location);
	values[1] = Int64GetDatum(rows);
	nulls[1] = !has_rows;
	values[2] = Int64GetDatum(bytes);
	nulls[3] = etag == NULL;
	if (etag)
		values[3] = CStringGetTextDatum(etag);
	values[4] = CStringGetTextDatum(action);
	tuplestore_putvalues(export->result->setResult, export->result->setDesc, values, nulls);
}

static void
add_extra(Export *export, const ExportExtra *extra)
{
	add_result(export, s3_location_of(export->job->bucket, extra->key), false, 0,
			   extra->bytes, extra->etag, "written");
}

static void
add_deleted(Export *export, const char *action)
{
	char	   *key;
	int64		size;

	while (export_target_next(export->target, &key, &size))
		add_result(export, s3_location_of(export->job->bucket, key), false, 0, size,
				   NULL, action);
}

/* The log, before the first process writes. */
static S3UploadLog *
prepare_log(void *arg)
{
	Export	   *export = arg;
	const ExportJob *job = export->job;

	export->log = s3_upload_log_create(job->client, job->bucket, &job->upload);
	if (!job->many)
		s3_upload_log_begin_object(export->log, job->prefix, &job->upload);
	return export->log;
}

/* Run the query; all bytes are sent then, but one object's may be in memory. */
static void
write_rows(Export *export, const char *query)
{
	ExportJob  *job = export->job;
	int64		bytes;

	if (job->options->parallel &&
		export_run_parallel(query, job, prepare_log, export, &export->desc))
	{
		s3_upload_log_progress(export->log, &export->progress.rows, &bytes);
		if (!job->many && (export->progress.rows > 0 || job->options->empty_result == EMPTY_RESULT_ONE))
			export_shared_end(job, export->desc, export->log, export->progress.rows);
	}
	else if (job->many)
		export->desc = run_alone(query, job, NULL, prepare_log(export));
	else
	{
		export->upload = s3_upload_begin(job->client, job->bucket, job->prefix, &job->upload);
		export->desc = run_alone(query, job, export->upload, NULL);
	}

	if (job->many)
	{
		s3_upload_log_progress(export->log, &export->progress.rows, &bytes);
		if (export->progress.rows == 0 && job->options->empty_result == EMPTY_RESULT_ONE &&
			job->options->partition_by == NIL)
			export_files_empty(job, export->desc, export->log);
	}
}

/* One object by one process. */
static void
finish_upload(Export *export)
{
	S3Upload   *upload = export->upload;

	if (export->progress.rows == 0 && export->job->options->empty_result == EMPTY_RESULT_NONE)
	{
		s3_upload_abandon(upload);
		return;
	}
	s3_upload_finish(upload);
	add_result(export, s3_location_of(export->job->bucket, export->job->prefix), true,
			   export->progress.rows, s3_upload_bytes(upload), s3_upload_etag(upload), "written");
	s3_upload_free(upload);
}

/* Everything else; see the top of the file for the order. */
static void
finish_log(Export *export)
{
	const ExportJob *job = export->job;
	S3UploadLog *log = export->log;
	S3LoggedObject object;
	ExportExtra *manifest = NULL;

	if (!job->many && export->progress.rows == 0 &&
		job->options->empty_result == EMPTY_RESULT_NONE)
	{
		s3_upload_log_abandon(log);
		return;
	}
	s3_upload_log_commit(log);
	if (job->options->manifest != MANIFEST_NONE)
		manifest = export_write_manifest(job, export->desc, log);
	s3_upload_log_forget(log);

	while (s3_upload_log_next(log, &object))
	{
		add_result(export, s3_location_of(job->bucket, object.key), true, object.rows,
				   object.bytes, object.etag, "written");
		if (export->target)
			export_target_keep(export->target, object.key);
	}
	s3_upload_log_free(log);
	if (manifest)
		add_extra(export, manifest);
	if (export->target)
	{
		export_target_clean(export->target, job);
		if (job->options->success_marker)
			add_extra(export, export_write_marker(job));
		add_deleted(export, "deleted");
	}
}

PG_FUNCTION_INFO_V1(s3_export);

Datum
s3_export(PG_FUNCTION_ARGS)
{
	char	   *query = argument_text(fcinfo, 0);
	char	   *location = argument_text(fcinfo, 1);
	char	   *server_name;
	List	   *arguments = collect_options(fcinfo, &server_name);
	S3Stats		stats = {0};
	Export	   *export = palloc0(sizeof(Export));
	ExportJob  *job;

	if (query == NULL || location == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("query and location must not be null")));
	InitMaterializedSRF(fcinfo, 0);
	export->result = (ReturnSetInfo *) fcinfo->resultinfo;
	check_query(query);
	job = export->job = export_job_create(s3_server_by_name(server_name), location, arguments,
										  NULL, &stats);
	job->progress = &export->progress;
	if (job->many)
		export->target = export_target_look(job);
	if (job->options->dry_run)
	{
		add_deleted(export, "to be deleted");
		return (Datum) 0;
	}

	watch_begin(&export->progress.watch, InvalidOid, 0);
	write_rows(export, query);
	if (export->upload)
		finish_upload(export);
	else
		finish_log(export);
	watch_end(&export->progress.watch);
	return (Datum) 0;
}
