/*-------------------------------------------------------------------------
 *
 * scan.c
 *		Run a scan: chunks in, tuples out.
 *
 * Composes what the layers below offer and owns no parsing and no network:
 *
 *	manifest -> chunk queue -> S3Source -> codec -> text -> record reader -> slot
 *
 * While one chunk is read, the sources of the next ones already have their
 * first bytes under way, as far as the read pool has room; how many grows from
 * none with each chunk that is finished, so that a LIMIT costs little.
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
#include "base/config.h"
#include "executor/executor.h"
#include "fdw/fdw.h"
#include "fdw/scan.h"
#include "foreign/foreign.h"
#include "format/codec.h"
#include "format/csv.h"
#include "format/encoding.h"
#include "format/json.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* ---------------------------------------------------------------------- messages */

/* object "s3://b/k", line 12, column price: "abc" */
static void
scan_error_context(void *arg)
{
	S3ScanState *scan = arg;
	const char *column;
	char	   *value;
	char	   *object;

	if (scan->key == NULL)
		return;
	object = s3_location_format(scan->location->bucket, scan->key);
	if (scan->reader == NULL)
		errcontext("object \"%s\"", object);
	else if (!tuple_reader_current(scan->tuples, &column, &value))
		errcontext("object \"%s\", line %llu", object,
				   (unsigned long long) record_reader_line(scan->reader));
	else if (value == NULL)
		errcontext("object \"%s\", line %llu, column %s: null input", object,
				   (unsigned long long) record_reader_line(scan->reader), column);
	else
		errcontext(value ? "object \"%s\", line %llu, column %s: \"%s\"" :
				   "object \"%s\", line %llu, column %s: null input", object,
				   (unsigned long long) record_reader_line(scan->reader), column, value);
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

/* ------------------------------------------------------------------------ chunks */

static S3Source *
make_source(S3ScanState *scan, const S3Chunk *chunk)
{
	MemoryContext save = MemoryContextSwitchTo(scan->cxt);
	S3ObjectInfo object;
	S3Source   *source;

	manifest_object(scan->manifest, chunk->object, &object);
	source = s3_source_create(scan->client, scan->pool, scan->location->bucket,
							  &object, chunk->start, chunk->end,
							  !scan->begun);
	MemoryContextSwitchTo(save);
	return source;
}

/*
 * How many chunks to read ahead at most.  In a parallel scan, not so many that
 * others run out of work while we have it waiting.
 */
static int
ahead_limit(S3ScanState *scan)
{
	int			limit = Min(scan->max_ahead, Min(MAX_AHEAD, s3_read_concurrency));

	if (scan->shared)
		limit = Min(limit, scan->nahead +
					chunk_queue_left(scan->queue) / (2 * scan->shared->participants));
	return limit;
}

/*
 * Called when the chunk being read has all its bytes under way: begin with the
 * ones after it, while there is room.
 */
static void
read_ahead(void *arg)
{
	S3ScanState *scan = arg;

	for (;;)
	{
		const S3Chunk *chunk;

		/* The last one must have been asked for whole before another is. */
		if (scan->nahead > 0)
		{
			S3Source   *last = scan->ahead[scan->nahead - 1].source;

			s3_source_prefetch(last);
			if (!s3_source_all_requested(last))
				return;
		}
		if (scan->nahead >= ahead_limit(scan))
			return;
		chunk = chunk_claim(scan->queue);
		if (chunk == NULL)
			return;
		scan->ahead[scan->nahead].chunk = chunk;
		scan->ahead[scan->nahead].source = make_source(scan, chunk);
		scan->nahead++;
	}
}

/* Take the next chunk; false if there is none left. */
static bool
open_chunk(S3ScanState *scan)
{
	const S3Chunk *chunk;
	S3Source   *source;
	S3ObjectInfo object;
	ByteSource *stream;
	MemoryContext save;

	if (scan->nahead > 0)
	{
		chunk = scan->ahead[0].chunk;
		source = scan->ahead[0].source;
		scan->nahead--;
		memmove(&scan->ahead[0], &scan->ahead[1], scan->nahead * sizeof(AheadChunk));
	}
	else
	{
		chunk = chunk_claim(scan->queue);
		if (chunk == NULL)
			return false;
		source = make_source(scan, chunk);
	}
	s3_source_set_hook(source, read_ahead, scan);
	scan->source = s3_source_stream(source);

	save = MemoryContextSwitchTo(scan->chunk_cxt);
	manifest_object(scan->manifest, chunk->object, &object);
	scan->key = pstrdup(object.key);
	stream = codec_open_source(scan->source, scan->options->format.compression);
	stream = text_source_create(stream, scan->options->format.encoding);
	if (scan->options->format.format == FORMAT_JSON)
		scan->reader = json_reader_create(stream, scan->columns, scan->ncolumns);
	else
		scan->reader = csv_reader_create(stream, &scan->options->format,
										 scan->columns, scan->ncolumns);
	MemoryContextSwitchTo(save);
	scan->objects_read++;
	scan->begun = true;
	return true;
}

/* Done with the chunk, at its end or before. */
static void
close_chunk(S3ScanState *scan)
{
	if (scan->reader)
		record_reader_close(scan->reader);
	scan->reader = NULL;
	scan->key = NULL;
	MemoryContextReset(scan->chunk_cxt);
	if (scan->source)
		byte_source_close(scan->source);
	scan->source = NULL;
}

static void
close_ahead(S3ScanState *scan)
{
	while (scan->nahead > 0)
		byte_source_close(s3_source_stream(scan->ahead[--scan->nahead].source));
}

void
scan_list_objects(S3ScanState *scan)
{
	MemoryContext save;

	if (scan->manifest)
		return;
	save = MemoryContextSwitchTo(scan->cxt);
	scan->manifest = manifest_build(scan->client, scan->location, 0);
	MemoryContextSwitchTo(save);
}

/* The queue of a serial scan. */
static void
make_queue(S3ScanState *scan)
{
	scan_list_objects(scan);
	scan->queue = MemoryContextAllocHuge(scan->cxt, chunk_queue_size(scan->manifest));
	chunk_queue_init(scan->queue, scan->manifest);
}

/* --------------------------------------------------------------------- callbacks */

void
s3BeginForeignScan(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	Relation	rel = node->ss.ss_currentRelation;
	TupleDesc	desc = RelationGetDescr(rel);
	S3ScanState *scan = palloc0(sizeof(S3ScanState));
	Oid			userid = FOREIGN_SCAN_USER(plan, node->ss.ps.state);
	ForeignTable *table = GetForeignTable(RelationGetRelid(rel));
	bool	   *needed = palloc0(desc->natts * sizeof(bool));
	S3ColumnOptions **column_options = palloc0(desc->natts * sizeof(S3ColumnOptions *));
	ListCell   *lc;

	node->fdw_state = scan;
	scan->cxt = CurrentMemoryContext;
	scan->options = s3_table_options(RelationGetRelid(rel));
	scan->location = s3_location_parse_or_error(scan->options->location);
	scan->client = s3_client_create(table->serverid, OidIsValid(userid) ? userid : GetUserId(),
									&scan->stats);
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;

	foreach(lc, (List *) list_nth(plan->fdw_private, S3_SCAN_PRIVATE_ATTRIBUTES))
		needed[lfirst_int(lc) - 1] = true;
	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped)
			column_options[i] = s3_column_options(RelationGetRelid(rel), i + 1);
	}
	scan->tuples = tuple_reader_create(desc, needed, column_options,
									   scan->options->format.format == FORMAT_JSON);
	scan->columns = tuple_reader_columns(scan->tuples, &scan->ncolumns);
	scan->pool = s3_read_pool_create((Size) s3_read_memory * 1024, s3_read_concurrency,
									 (Size) s3_range_size * 1024);
	scan->chunk_cxt = AllocSetContextCreate(scan->cxt, "s3_fdw chunk", ALLOCSET_DEFAULT_SIZES);
}

TupleTableSlot *
s3IterateForeignScan(ForeignScanState *node)
{
	S3ScanState *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	Record		record;
	ErrorContextCallback context;

	ExecClearTuple(slot);
	if (scan->queue == NULL)
		make_queue(scan);

	context.callback = scan_error_context;
	context.arg = scan;
	context.previous = error_context_stack;
	error_context_stack = &context;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (scan->reader == NULL && !open_chunk(scan))
			break;

		switch (record_reader_next(scan->reader, &record))
		{
			case RECORD_OK:
				tuple_store(scan->tuples, &record, slot);
				error_context_stack = context.previous;
				return slot;
			case RECORD_BAD:
				report_bad_record(scan, &record.error);
				break;
			case RECORD_END:
				close_chunk(scan);
				scan->max_ahead = Min(Max(1, scan->max_ahead * 2), MAX_AHEAD);
				break;
		}
	}
	error_context_stack = context.previous;
	return slot;
}

void
s3ReScanForeignScan(ForeignScanState *node)
{
	S3ScanState *scan = node->fdw_state;

	/* The same objects in the same versions; nothing is listed again. */
	close_chunk(scan);
	close_ahead(scan);
	/* A shared queue is reset when its workers are started anew. */
	if (scan->queue && scan->shared == NULL)
		chunk_queue_reset(scan->queue);
	scan->max_ahead = 0;
	scan->begun = false;
}

void
s3EndForeignScan(ForeignScanState *node)
{
	S3ScanState *scan = node->fdw_state;

	if (scan == NULL || scan->chunk_cxt == NULL)
		return;
	close_chunk(scan);
	close_ahead(scan);
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
	if (!scan->stats_shared)
	{
		pg_atomic_fetch_add_u64(&shared->objects_read, scan->objects_read);
		pg_atomic_fetch_add_u64(&shared->requests, scan->stats.requests);
		pg_atomic_fetch_add_u64(&shared->retries, scan->stats.retries);
		pg_atomic_fetch_add_u64(&shared->bytes_received, scan->stats.bytes_received);
		scan->stats_shared = true;
	}
	scan->objects_read = pg_atomic_read_u64(&shared->objects_read);
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
		int64		passed_over = scan->manifest->listed - scan->manifest->nobjects;

		ExplainPropertyInteger("S3 Objects", NULL, scan->manifest->nobjects, es);
		if (passed_over > 0 || es->format != EXPLAIN_FORMAT_TEXT)
			ExplainPropertyInteger("S3 Objects Passed Over", NULL, passed_over, es);
		ExplainPropertyInteger("S3 Object Bytes", NULL, scan->manifest->bytes, es);
	}
	if (es->analyze)
	{
		ExplainPropertyInteger("S3 Objects Read", NULL, scan->objects_read, es);
		ExplainPropertyInteger("S3 Requests", NULL, scan->stats.requests, es);
		ExplainPropertyInteger("S3 Bytes Received", NULL, scan->stats.bytes_received, es);
		ExplainPropertyInteger("S3 Retries", NULL, scan->stats.retries, es);
	}
}
