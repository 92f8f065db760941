/*-------------------------------------------------------------------------
 *
 * export.c
 *		Run an export: the result of a query as one S3 object, or as many files.
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
 * Above: export_function.c, and statements that say what to export otherwise.
 *
 * IDENTIFICATION
 *		src/commands/export.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "commands/export.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "s3/upload.h"
#include "tcop/tcopprot.h"
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

typedef struct Export
{
	const ExportRequest *request;	/* borrowed */
	ExportTotals *totals;		/* borrowed */
	ExportJob  *job;
	ExportProgress progress;
	ExportTarget *target;		/* of many files, else NULL */
	TupleDesc	desc;			/* of the query's rows */
	S3Upload   *upload;			/* one object by one process, else NULL */
	S3UploadLog *log;			/* everything else */
} Export;

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

List *
export_parse_query(const char *query)
{
	ErrorContextCallback context;
	List	   *statements;

	context.callback = query_error_position;
	context.arg = unconstify(char *, query);
	context.previous = error_context_stack;
	error_context_stack = &context;
	statements = pg_parse_query(query);
	error_context_stack = context.previous;
	return statements;
}

/* One statement that returns rows, as in COPY (query) TO. */
static void
check_query(const char *query)
{
	List	   *statements = export_parse_query(query);
	RawStmt    *raw;

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

/* ------------------------------------------------------------------------- result */

static void
tell(Export *export, ExportAction action, const char *key, int64 rows, int64 bytes,
	 const char *etag)
{
	ExportedObject object = {
		.action = action,
		.bucket = export->job->bucket,
		.key = key,
		.rows = rows,
		.bytes = bytes,
		.etag = etag
	};

	if (action == EXPORT_FILE)
	{
		export->totals->files++;
		export->totals->rows += rows;
		export->totals->bytes += bytes;
	}
	if (export->request->handler)
		export->request->handler(export->request->arg, &object);
}

static void
tell_extra(Export *export, const ExportExtra *extra)
{
	tell(export, EXPORT_EXTRA, extra->key, 0, extra->bytes, extra->etag);
}

static void
tell_deleted(Export *export, ExportAction action)
{
	char	   *key;
	int64		size;

	while (export_target_next(export->target, &key, &size))
		tell(export, action, key, 0, size, NULL);
}

/* ------------------------------------------------------------------------ the order */

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

	if (job->options->parallel && export->request->client == NULL &&
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
	tell(export, EXPORT_FILE, export->job->prefix, export->progress.rows,
		 s3_upload_bytes(upload), s3_upload_etag(upload));
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
	if (export->target)
		export_target_look_folders(export->target, job, log);
	s3_upload_log_commit(log);
	if (job->options->manifest != MANIFEST_NONE &&
		!(export_is_unload(job) && s3_upload_log_count_objects(log) == 0))
		manifest = export_write_manifest(job, export->desc, log);
	s3_upload_log_forget(log);

	while (s3_upload_log_next(log, &object))
	{
		tell(export, EXPORT_FILE, object.key, object.rows, object.bytes, object.etag);
		if (export->target)
			export_target_keep(export->target, object.key);
	}
	s3_upload_log_free(log);
	if (manifest)
	{
		tell_extra(export, manifest);
		if (export->target)
			export_target_keep(export->target, manifest->key);
	}
	if (export->target)
	{
		export_target_clean(export->target, job);
		if (job->options->success_marker)
			tell_extra(export, export_write_marker(job));
		tell_deleted(export, EXPORT_DELETED);
	}
}

void
export_run(const ExportRequest *request, ExportTotals *totals)
{
	S3Stats		stats = {0};
	Export	   *export = palloc0(sizeof(Export));
	ExportJob  *job;

	memset(totals, 0, sizeof(ExportTotals));
	export->request = request;
	export->totals = totals;
	check_query(request->query);
	job = export->job = export_job_create(request->serverid, request->location, request->options,
										  NULL, request->client, &stats);
	job->progress = &export->progress;
	if (job->many)
		export->target = export_target_look(job);
	if (job->options->dry_run)
	{
		tell_deleted(export, EXPORT_TO_BE_DELETED);
		return;
	}

	watch_begin(&export->progress.watch, InvalidOid, 0);
	write_rows(export, request->query);
	if (export->upload)
		finish_upload(export);
	else
		finish_log(export);
	watch_end(&export->progress.watch);
}
