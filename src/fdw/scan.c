/*-------------------------------------------------------------------------
 *
 * scan.c
 *		Run a scan: chunks in, tuples out.
 *
 * Above: the executor, commands/load.c, and analyze.c, which brings chunks of its
 * own.  Below: feed.c, which brings the record readers, and tuple.c, which fills
 * slots.
 *
 * IDENTIFICATION
 *		src/fdw/scan.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include EXPLAIN_FORMAT_HEADER
#include EXPLAIN_STATE_HEADER
#include "access/parallel.h"
#include "base/config.h"
#include "executor/executor.h"
#include "fdw/fdw.h"
#include "fdw/scan.h"
#include "foreign/foreign.h"
#include "format/json_path.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* Progress is looked at after so many rows. */
#define ROWS_PER_CHECK 1000

/* A jsonpaths file is a line for each column. */
#define JSONPATHS_MAX (1024 * 1024)

/* ---------------------------------------------------------------------- messages */

static uint64
current_line(const S3ScanState *scan)
{
	return scan->first_line + record_reader_line(scan->reader);
}

static int64
current_offset(const S3ScanState *scan)
{
	return scan->first_offset + (int64) record_reader_offset(scan->reader);
}

/* "line 12", or what is known instead. */
static char *
current_place(const S3ScanState *scan)
{
	return scan->lines_unknown ?
		psprintf(_("byte offset %lld"), (long long) current_offset(scan)) :
		psprintf(_("line %llu"), (unsigned long long) current_line(scan));
}

void
scan_tell_place(const S3ScanState *scan)
{
	if (scan->key == NULL)
		return;
	if (scan->reader == NULL)
		errcontext("object \"%s\"", s3_location_format(scan->bucket, scan->key));
	else
		errcontext("object \"%s\", %s", s3_location_format(scan->bucket, scan->key),
				   current_place(scan));
}

/* object "s3://b/k", line 12, column price: "abc" */
static void
scan_error_context(void *arg)
{
	S3ScanState *scan = arg;
	const char *column;
	char	   *value;
	char	   *object;
	char	   *place;

	if (scan->reader == NULL || !tuple_reader_current(scan->tuples, &column, &value))
	{
		scan_tell_place(scan);
		return;
	}
	object = s3_location_format(scan->bucket, scan->key);
	place = current_place(scan);
	if (value == NULL)
		errcontext("object \"%s\", %s, column %s: null input", object, place, column);
	else
		errcontext("object \"%s\", %s, column %s: \"%s\"", object, place, column, value);
}

/* Forgetting the format is easy, and CSV's own words do not tell. */
static bool
looks_like_json(const S3ScanState *scan)
{
	return scan->options->format.format == FORMAT_CSV && strstr(scan->key, ".json") != NULL;
}

static void
report_bad_record(const S3ScanState *scan, const RecordError *error)
{
	ereport(ERROR,
			(errcode(error->sqlerrcode),
			 errmsg_internal("%s", error->message),
			 error->detail ? errdetail_internal("%s", error->detail) : 0,
			 error->hint ? errhint("%s", error->hint) :
			 looks_like_json(scan) ? errhint("For JSON, set the table's option \"format\" to \"json\".") : 0));
}

/* The chunk is at its end: more of what comes may be asked for beforehand. */
static void
finish_chunk(S3ScanState *scan)
{
	scan_close_chunk(scan);
	scan->max_ahead = Min(Max(1, scan->max_ahead * 2), MAX_AHEAD);
}

/* Columns that tell where the record is. */
static void
set_columns_of_record(S3ScanState *scan)
{
	for (int i = 0; i < scan->nof_record; i++)
	{
		AttrNumber	attnum = scan->of_record[i].attnum;
		int64		number = scan->of_record[i].is_line ?
			(int64) current_line(scan) : current_offset(scan);

		tuple_reader_set_value(scan->tuples, attnum,
							   layout_number(scan->layout, attnum, number), false);
	}
}

/* ------------------------------------------------------------ what may be bad */

/* Does anything ask for reject.c, or for all columns' values? */
static void
init_reject(S3ScanState *scan, bool *needed)
{
	const S3TableOptions *options = scan->options;
	TupleDesc	desc = scan->input.desc;

	for (int i = 0; i < desc->natts && reject_validates_all(options); i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped && !layout_is_external(scan->layout, i + 1))
			needed[i] = true;
	}
	if (!reject_is_needed(options))
		return;
	scan->reject = reject_create(scan);
	scan->row_cxt = AllocSetContextCreate(scan->cxt, "s3_fdw row", ALLOCSET_DEFAULT_SIZES);
	if (options->on_bad_object != ON_BAD_OBJECT_STOP)
		scan->can_cut = false;
}

/* The next record, of the next chunk if need be; false if no chunk is left. */
static bool
get_record(S3ScanState *scan, Record *record, RecordStatus *status)
{
	if (scan->reader == NULL && !scan->open_chunk(scan))
		return false;
	*status = record_reader_next(scan->reader, record);
	return true;
}

/*
 * May the rest of the object be left out?  Redshift passes over a file in
 * another encoding than it was told, and no other one that is broken.
 */
static bool
may_give_up_object(const S3ScanState *scan, int sqlerrcode)
{
	if (scan->key == NULL)
		return false;
	if (scan->options->format.redshift.on)
		return sqlerrcode == ERRCODE_CHARACTER_NOT_IN_REPERTOIRE ||
			sqlerrcode == ERRCODE_UNTRANSLATABLE_CHARACTER;
	return reject_is_of_object(sqlerrcode);
}

/*
 * The same; an object that cannot be read on is given up.  What throws for that
 * reason are the sources of bytes and text, of our own, which hold nothing but
 * what scan_close_chunk() lets go.
 */
static bool
try_get_record(S3ScanState *scan, Record *record, RecordStatus *status)
{
	MemoryContext cxt = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;
	volatile bool found = true;

	PG_TRY();
	{
		found = get_record(scan, record, status);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(cxt);
		error = CopyErrorData();
		if (!may_give_up_object(scan, error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();

	if (error)
	{
		reject_object(scan->reject, error->sqlerrcode, error->message);
		*status = RECORD_END;
		return true;
	}
	return found;
}

/* A bad record: report it, or leave it out; false: and the rest of the chunk. */
static bool
pass_over(S3ScanState *scan, const RecordError *error)
{
	const S3TableOptions *options = scan->options;

	if (error->fatal ? options->on_bad_object == ON_BAD_OBJECT_STOP :
		options->on_error == ON_ERROR_STOP)
		report_bad_record(scan, error);
	reject_record(scan->reject, error);
	return !error->fatal;
}

/* Have bytes of the record been replaced, or some before it? */
static void
note_replacements(S3ScanState *scan)
{
	const char *text;
	Size		len;
	int			n;

	record_reader_text(scan->reader, &text, &len);
	n = text_repairs_take(&scan->repairs, record_reader_offset(scan->reader) + len);
	if (n > 0)
		reject_repaired(scan->reject, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
						psprintf(ngettext("%d byte was replaced that is no text in the encoding",
										  "%d bytes were replaced that are no text in the encoding", n), n));
}

static void
reject_null(S3ScanState *scan, AttrNumber attnum)
{
	Form_pg_attribute att = TupleDescAttr(scan->input.desc, attnum - 1);
	TupleFault	fault = {
		.column = NameStr(att->attname),.type = att->atttypid,.typmod = att->atttypmod,
		.fault = FAULT_NOT_NULL,.sqlerrcode = ERRCODE_NOT_NULL_VIOLATION
	};

	fault.message = scan->options->format.redshift.on ? "Missing data for not-null field" :
		psprintf(_("null value in column \"%s\" violates not-null constraint"), fault.column);
	(void) reject_value(scan->reject, &fault);
}

/* NULL where the table takes none is no value that the row can do without. */
static bool
check_not_null(S3ScanState *scan, TupleTableSlot *slot)
{
	for (int i = 0; i < scan->nnot_null; i++)
	{
		if (unlikely(slot->tts_isnull[scan->not_null[i] - 1]))
		{
			reject_null(scan, scan->not_null[i]);
			ExecClearTuple(slot);
			return false;
		}
	}
	return true;
}

/* Fill slot with the next row that can be used; false: there is none. */
static bool
next_usable(S3ScanState *scan, TupleTableSlot *slot)
{
	bool		skips_objects = scan->options->on_bad_object == ON_BAD_OBJECT_SKIP;
	bool		tries = scan->options->on_error != ON_ERROR_STOP;
	MemoryContext save = MemoryContextSwitchTo(scan->row_cxt);
	bool		found = false;

	while (!found)
	{
		Record		record;
		RecordStatus status;

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(scan->row_cxt);
		record.repaired = NULL;
		if (!(skips_objects ? try_get_record(scan, &record, &status) :
			  get_record(scan, &record, &status)))
			break;
		if (status == RECORD_END || (status == RECORD_BAD && !pass_over(scan, &record.error)))
			finish_chunk(scan);
		if (status == RECORD_END)
			continue;
		reject_count_row(scan->reject);
		if (unlikely(scan->repairs.first < scan->repairs.n))
			note_replacements(scan);
		if (status == RECORD_BAD)
			continue;
		reject_check_keys(scan->reject);
		if (record.repaired)
			reject_repaired(scan->reject, ERRCODE_BAD_COPY_FILE_FORMAT, _(record.repaired));
		if (scan->nof_record > 0)
			set_columns_of_record(scan);
		scan->record = &record;
		if (tries)
			found = tuple_try_store(scan->tuples, &record, slot);
		else
		{
			tuple_store(scan->tuples, &record, slot);
			found = true;
		}
		if (found && unlikely(scan->nnot_null > 0))
			found = check_not_null(scan, slot);
		scan->record = NULL;
	}
	MemoryContextSwitchTo(save);
	if (!found && scan->shared == NULL)
		reject_check_ratio(scan->reject);
	return found;
}

/* --------------------------------------------------------------------- callbacks */

static void
check_column_option(bool is_set, const char *option, const char *column,
					int format, int wanted, const char *wanted_name)
{
	if (is_set && format != wanted)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("option \"%s\" of column \"%s\" needs format \"%s\"",
						option, column, wanted_name)));
}

/* The options of all columns; NULL for a dropped one. */
static S3ColumnOptions **
column_options_of(Relation rel, int format)
{
	TupleDesc	desc = RelationGetDescr(rel);
	S3ColumnOptions **result = palloc0(Max(desc->natts, 1) * sizeof(S3ColumnOptions *));

	for (int i = 0; i < desc->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(desc, i)->attname);

		if (TupleDescAttr(desc, i)->attisdropped)
			continue;
		result[i] = s3_column_options(RelationGetRelid(rel), i + 1);
		check_column_option(result[i]->path != NULL, "path", name, format, FORMAT_JSON, "json");
		check_column_option(result[i]->force_null, "force_null", name, format, FORMAT_CSV, "csv");
		check_column_option(result[i]->force_not_null, "force_not_null", name, format,
							FORMAT_CSV, "csv");
	}
	return result;
}

/* Columns that have no path of their own take those of a jsonpaths file, in order. */
static void
apply_jsonpaths(S3ScanState *scan, TupleDesc desc, S3ColumnOptions **column_options)
{
	S3Location *location = s3_location_parse_or_error(scan->options->format.jsonpaths);
	Size		len;
	char	   *text = s3_object_read(scan->client, location->bucket, location->key,
									  JSONPATHS_MAX, &len);
	const char *reason = NULL;
	List	   *paths = jsonpaths_parse(text, len, &reason);
	ListCell   *lc = list_head(paths);
	int			ncolumns = 0;

	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("\"%s\" is no jsonpaths file", scan->options->format.jsonpaths),
				 errdetail_internal("%s", reason)));
	for (int i = 0; i < desc->natts; i++)
	{
		if (column_options[i] == NULL || layout_is_external(scan->layout, i + 1))
			continue;
		ncolumns++;
		if (lc == NULL)
			continue;
		if (column_options[i]->path == NULL)
			column_options[i]->path = lfirst(lc);
		lc = lnext(paths, lc);
	}
	if (list_length(paths) != ncolumns)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("\"%s\" has %d paths, but the table has %d columns",
						scan->options->format.jsonpaths, list_length(paths), ncolumns)));
}

static bool
encoding_is_converted(int encoding)
{
	if (encoding == S3_ENCODING_UTF8_BOM)
		encoding = PG_UTF8;
	return encoding >= 0 && encoding != PG_SQL_ASCII &&
		encoding != GetDatabaseEncoding() && GetDatabaseEncoding() != PG_SQL_ASCII;
}

/* Which of the needed columns are made from what. */
static void
sort_columns(S3ScanState *scan, TupleDesc desc, const bool *needed,
			 S3ColumnOptions *const *column_options)
{
	scan->natts = desc->natts;
	scan->of_object = palloc0(Max(desc->natts, 1) * sizeof(bool));
	scan->of_record = palloc(Max(desc->natts, 1) * sizeof(ColumnOfRecord));
	for (int i = 0; i < desc->natts; i++)
	{
		if (!needed[i] || !layout_is_external(scan->layout, i + 1))
			continue;
		if (layout_is_of_object(scan->layout, i + 1))
			scan->of_object[i] = true;
		else
		{
			ColumnOfRecord *column = &scan->of_record[scan->nof_record++];

			column->attnum = i + 1;
			column->is_line = column_options[i]->metadata == METADATA_LINE_NUMBER;
			if (!column->is_line && encoding_is_converted(scan->options->format.encoding))
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("cannot tell byte offsets in files of another encoding than the database's")));
		}
	}
}

/* Whose options and client, which counts in scan->stats, are set. */
static void
init_scan(S3ScanState *scan, const ScanInput *input)
{
	scan->cxt = CurrentMemoryContext;
	scan->input = *input;
	scan->options = input->options;
	scan->column_options = input->column_options;
	scan->own_rate = scan->client->rate;
	scan->layout = layout_create(input->desc, scan->options, scan->column_options);
	scan->can_cut = stretch_rule(&scan->options->format, &scan->stretches.rule);
	scan->open_chunk = scan_open_chunk;
}

S3ScanState *
scan_create(Relation rel, Oid userid)
{
	S3ScanState *scan = palloc0(sizeof(S3ScanState));
	ForeignTable *table = GetForeignTable(RelationGetRelid(rel));
	ScanInput	input = {.rel = rel,.desc = RelationGetDescr(rel),.userid = userid};

	input.options = s3_table_options(RelationGetRelid(rel));
	input.column_options = column_options_of(rel, input.options->format.format);
	scan->client = s3_client_create(table->serverid, userid, &scan->stats);
	init_scan(scan, &input);
	return scan;
}

S3ScanState *
scan_create_for(const ScanInput *input, const S3Client *client)
{
	S3ScanState *scan = palloc0(sizeof(S3ScanState));

	scan->client = s3_client_copy(client, &scan->stats);
	init_scan(scan, input);
	return scan;
}

void
scan_prepare(S3ScanState *scan, const bool *needed, ExprContext *econtext)
{
	const ScanInput *input = &scan->input;
	const FormatOptions *format = &scan->options->format;

	sort_columns(scan, input->desc, needed, scan->column_options);
	if (format->jsonpaths)
		apply_jsonpaths(scan, input->desc, scan->column_options);
	scan->tuples = tuple_reader_create(input->desc, needed, scan->column_options, format);
	if (format->default_text)
		tuple_reader_set_defaults(scan->tuples, input->rel, input->attnums, econtext);
	scan->columns = tuple_reader_columns(scan->tuples, &scan->ncolumns);
	scan->pool = s3_read_pool_create((Size) s3_read_memory * 1024, s3_read_concurrency,
									 (Size) s3_range_size * 1024);
	scan->chunk_cxt = AllocSetContextCreate(scan->cxt, "s3_fdw chunk", ALLOCSET_DEFAULT_SIZES);
	scan->header_cxt = AllocSetContextCreate(scan->cxt, "s3_fdw header", ALLOCSET_SMALL_SIZES);
	scan->header_object = -1;
}

void
scan_begin(S3ScanState *scan, bool *needed, ExprContext *econtext)
{
	init_reject(scan, needed);
	scan_prepare(scan, needed, econtext);
	if (scan->reject)
		tuple_reader_set_handler(scan->tuples, reject_value, scan->reject);
}

void
s3BeginForeignScan(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	Relation	rel = node->ss.ss_currentRelation;
	TupleDesc	desc = RelationGetDescr(rel);
	Oid			userid = FOREIGN_SCAN_USER(plan, node->ss.ps.state);
	S3ScanState *scan = scan_create(rel, OidIsValid(userid) ? userid : GetUserId());
	bool	   *needed = palloc0(Max(desc->natts, 1) * sizeof(bool));
	ListCell   *lc;

	node->fdw_state = scan;
#ifdef EXEC_FLAG_EXPLAIN_GENERIC
	/* Parameters have no values, so no object can be left out. */
	if (!(eflags & EXEC_FLAG_EXPLAIN_GENERIC))
#endif
		layout_set_clauses(scan->layout, plan->fdw_exprs, &node->ss.ps);
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;

	foreach(lc, (List *) list_nth(plan->fdw_private, S3_SCAN_PRIVATE_ATTRIBUTES))
		needed[lfirst_int(lc) - 1] = true;
	scan_begin(scan, needed, node->ss.ps.ps_ExprContext);
}

/* The queue of a serial scan has no use for stretches. */
void
scan_read_alone(S3ScanState *scan)
{
	ChunkQueue *queue;

	scan_list_objects(scan);
	queue = MemoryContextAllocHuge(scan->cxt, chunk_queue_size(NULL, 0));
	chunk_queue_init(queue, scan->manifest->nobjects, NULL, 0);
	scan_set_queue(scan, queue);
}

/* At the first row of a scan that is not shared. */
static void
begin_alone(ForeignScanState *node)
{
	S3ScanState *scan = node->fdw_state;

	scan_read_alone(scan);

	/* INSERT ... SELECT */
	if (node->ss.ps.state->es_plannedstmt->commandType == CMD_INSERT && !IsParallelWorker())
		watch_begin(&scan->watch, RelationGetRelid(node->ss.ss_currentRelation),
					scan->manifest->bytes);
}

bool
scan_next(S3ScanState *scan, TupleTableSlot *slot)
{
	Record		record;
	ErrorContextCallback context;

	context.callback = scan_error_context;
	context.arg = scan;
	context.previous = error_context_stack;
	error_context_stack = &context;

	for (;;)
	{
		if (unlikely(scan->reject != NULL))
		{
			if (!next_usable(scan, slot))
				break;
			error_context_stack = context.previous;
			if (unlikely(scan->watch.shows) && ++scan->rows % ROWS_PER_CHECK == 0)
				watch_check(&scan->watch, scan->stats.bytes_received, scan->rows);
			return true;
		}
		CHECK_FOR_INTERRUPTS();
		if (scan->reader == NULL && !scan->open_chunk(scan))
			break;

		switch (record_reader_next(scan->reader, &record))
		{
			case RECORD_OK:
				if (unlikely(scan->nof_record > 0))
					set_columns_of_record(scan);
				if (unlikely(scan->passes_over))
				{
					if (!tuple_try_store(scan->tuples, &record, slot))
						continue;
				}
				else
					tuple_store(scan->tuples, &record, slot);
				error_context_stack = context.previous;
				if (unlikely(scan->watch.shows) && ++scan->rows % ROWS_PER_CHECK == 0)
					watch_check(&scan->watch, scan->stats.bytes_received, scan->rows);
				return true;
			case RECORD_BAD:
				if (!scan->passes_over)
					report_bad_record(scan, &record.error);
				else if (record.error.fatal)
					finish_chunk(scan);
				break;
			case RECORD_END:
				finish_chunk(scan);
				break;
		}
	}
	error_context_stack = context.previous;
	return false;
}

TupleTableSlot *
s3IterateForeignScan(ForeignScanState *node)
{
	S3ScanState *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	ExecClearTuple(slot);
	if (scan->queue == NULL)
		begin_alone(node);
	(void) scan_next(scan, slot);
	return slot;
}

void
s3ReScanForeignScan(ForeignScanState *node)
{
	S3ScanState *scan = node->fdw_state;

	/* The same objects in the same versions; nothing is listed again. */
	if (scan->reject)
		reject_rescan(scan->reject);
	scan_close_chunk(scan);
	scan_close_ahead(scan);
	/* A shared queue is reset when its workers are started anew. */
	if (scan->queue && scan->shared == NULL)
		chunk_queue_reset(scan->queue);
	scan->max_ahead = 0;
	scan->begun = false;
}

void
scan_end(S3ScanState *scan)
{
	if (scan->chunk_cxt)
	{
		scan_close_chunk(scan);
		scan_close_ahead(scan);
	}
	watch_end(&scan->watch);
	if (scan->reject)
		reject_end(scan->reject);
	if (scan->manifest)
		manifest_free(scan->manifest);
}

void
s3EndForeignScan(ForeignScanState *node)
{
	if (node->fdw_state)
		scan_end(node->fdw_state);
}

/*
 * The workers of a parallel scan are done, or the scan is given up: add up what
 * was done.  The leader comes here last, while the shared memory is there.
 */
void
s3ShutdownForeignScan(ForeignScanState *node)
{
	S3ScanState *scan = node->fdw_state;
	S3ScanShared *shared = scan ? scan->shared : NULL;

	if (shared == NULL)
		return;
	s3_client_share_rate(scan->client, scan->own_rate);
	if (!scan->stats_shared)
	{
		pg_atomic_fetch_add_u64(&shared->objects_read, scan->objects_read);
		pg_atomic_fetch_add_u64(&shared->requests, scan->stats.requests);
		pg_atomic_fetch_add_u64(&shared->retries, scan->stats.retries);
		pg_atomic_fetch_add_u64(&shared->bytes_received, scan->stats.bytes_received);
		scan->stats_shared = true;
	}
	scan->objects_read = pg_atomic_read_u64(&shared->objects_read);
	if (scan->reject)
	{
		reject_unshare(scan->reject);
		if (!IsParallelWorker() && chunk_queue_left(scan->queue) == 0)
			reject_check_ratio(scan->reject);
	}
	scan->stats.requests = pg_atomic_read_u64(&shared->requests);
	scan->stats.retries = pg_atomic_read_u64(&shared->retries);
	scan->stats.bytes_received = pg_atomic_read_u64(&shared->bytes_received);
}

void
s3ExplainForeignScan(ForeignScanState *node, struct ExplainState *es)
{
	S3ScanState *scan = node->fdw_state;

	ExplainPropertyText("S3 Location", scan->options->location, es);
	if (!es->analyze)
		scan_list_objects(scan);
	if (scan->manifest)
	{
		const S3Manifest *manifest = scan->manifest;
		bool		text = es->format == EXPLAIN_FORMAT_TEXT;

		ExplainPropertyInteger("S3 Objects", NULL, manifest->nobjects, es);
		ExplainPropertyInteger("S3 Object Bytes", NULL, manifest->bytes, es);
		if (((ForeignScan *) node->ss.ps.plan)->fdw_exprs != NIL || !text)
		{
			ExplainPropertyInteger("S3 Objects Pruned", NULL, manifest->pruned, es);
			if (manifest->folders_pruned > 0 || !text)
				ExplainPropertyInteger("S3 Folders Pruned", NULL, manifest->folders_pruned, es);
		}
		if (manifest->passed_over > 0 || !text)
			ExplainPropertyInteger("S3 Objects Passed Over", NULL, manifest->passed_over, es);
		if (manifest->listed != manifest->nobjects || !text)
			ExplainPropertyInteger("S3 Keys Listed", NULL, manifest->listed, es);
	}
	if (es->analyze)
	{
		ExplainPropertyInteger("S3 Objects Fetched", NULL, scan->objects_read, es);
		if (scan->nsplits > 0 || es->format != EXPLAIN_FORMAT_TEXT)
			ExplainPropertyInteger("S3 Objects Cut", NULL, scan->nsplits, es);
		ExplainPropertyInteger("S3 Requests", NULL, scan->stats.requests, es);
		ExplainPropertyInteger("S3 Bytes Received", NULL, scan->stats.bytes_received, es);
		ExplainPropertyInteger("S3 Retries", NULL, scan->stats.retries, es);
		if (scan->reject)
		{
			ExplainPropertyInteger("S3 Rejected Rows", NULL,
								   reject_count(scan->reject, REJECT_ROW), es);
			ExplainPropertyInteger("S3 Rejected Values", NULL,
								   reject_count(scan->reject, REJECT_VALUE), es);
			ExplainPropertyInteger("S3 Rejected Objects", NULL,
								   reject_count(scan->reject, REJECT_OBJECT), es);
			ExplainPropertyInteger("S3 Repairs", NULL,
								   reject_count(scan->reject, REJECT_REPAIRED), es);
		}
	}
}
