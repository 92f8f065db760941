/*-------------------------------------------------------------------------
 *
 * journal_worker.c
 *		The background worker that inserts and commits a journal's entries.
 *
 * It commits when nothing has come for a moment, when somebody waits for that,
 * and at the end, which is when all writers have left.  What a statement has
 * begun and did not say the end of is aborted then.
 *
 * The worker finds the tables through the extension, takes no name and no SQL
 * from the writers, and inserts as the tables' owner with a search path of its
 * own.  It gives up waiting for a lock on a table after a while: the holder may
 * be the very transaction that waits for the worker.
 *
 * IDENTIFICATION
 *		src/fdw/journal_worker.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "fdw/journal_internal.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define EXTENSION_NAME "s3_fdw"
#define HISTORY_SCHEMA "redshift"
#define ROWS_TABLE "s3_rejected_rows"
#define NUMBERS_SEQUENCE "s3_rejected_scans"

/* Nothing has come for so long: commit what is there. */
#define QUIET_MS 200

#define LOCK_TIMEOUT "10s"

/* The tables of enum JournalTable. */
static const struct
{
	const char *name;
	bool		once;			/* one row per query; a later one adds to it */
}			journal_tables[] = {
	[JOURNAL_LOADS] = {"journal_loads", true},
	[JOURNAL_LOAD_FILES] = {"journal_load_files", false},
	[JOURNAL_REPLACEMENTS] = {"journal_replacements", false},
	[JOURNAL_UNLOADS] = {"journal_unloads", true},
	[JOURNAL_UNLOAD_FILES] = {"journal_unload_files", false}
};

/* What one transaction of the worker has found and prepared. */
typedef struct Work
{
	const char *schema;			/* of the extension; quoted, as is */
	const char *history;		/* the other one */
	SPIPlanPtr	insert_rejected;	/* NULL until needed */
	SPIPlanPtr	insert[lengthof(journal_tables)];	/* the same */
} Work;

PGDLLEXPORT void s3_reject_worker_main(Datum main_arg);

static void
ring_read(JournalShared *shared, uint64 pos, void *data, Size len)
{
	Size		at = pos % JOURNAL_RING_SIZE;
	Size		first = Min(len, JOURNAL_RING_SIZE - at);

	memcpy(data, shared->ring + at, first);
	memcpy((char *) data + first, shared->ring, len - first);
}

/* The worker goes, and has not said that all is well. */
static void
worker_left(dsm_segment *seg, Datum arg)
{
	JournalShared *shared = (JournalShared *) DatumGetPointer(arg);

	if (shared->state != JOURNAL_DONE)
		journal_set_state(shared, JOURNAL_FAILED);
}

/* ------------------------------------------------------------------ the tables */

/* The extension; the worker has a transaction. */
static void
find_extension(Oid *extension, Oid *schema)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	*extension = get_extension_oid(EXTENSION_NAME, true);
	if (!OidIsValid(*extension))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"%s\" is not there, or not committed", EXTENSION_NAME)));
	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(*extension));
	scan = systable_beginscan(rel, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	*schema = HeapTupleIsValid(tuple) ?
		((Form_pg_extension) GETSTRUCT(tuple))->extnamespace : InvalidOid;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

static Oid
relation_owner(Oid relid)
{
	Relation	rel = table_open(relid, RowExclusiveLock);
	Oid			owner = rel->rd_rel->relowner;

	table_close(rel, NoLock);
	return owner;
}

/* A transaction in which SPI may be used, as the owner of the tables. */
static void
begin_work(Work *work)
{
	Oid			extension;
	Oid			schema;
	Oid			history;
	Oid			relid;

	memset(work, 0, sizeof(*work));
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	find_extension(&extension, &schema);
	work->schema = quote_identifier(get_namespace_name(schema));
	history = get_namespace_oid(HISTORY_SCHEMA, true);
	if (OidIsValid(history) && getExtensionOfObject(NamespaceRelationId, history) == extension)
		work->history = HISTORY_SCHEMA;
	relid = get_relname_relid(ROWS_TABLE, schema);
	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s of extension \"%s\" is missing", ROWS_TABLE, EXTENSION_NAME)));
	SetUserIdAndSecContext(relation_owner(relid),
						   SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
}

static void
commit_work(void)
{
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, 0);
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(false);
}

static SPIPlanPtr
prepare(const char *query, int nargs, Oid *types)
{
	SPIPlanPtr	plan = SPI_prepare(query, nargs, types);

	if (plan == NULL)
		elog(ERROR, "could not prepare the insertion of a journal's entry");
	return plan;
}

static int64
new_number(void)
{
	Work		work;
	char	   *query;
	bool		isnull;
	int64		number;

	begin_work(&work);
	query = psprintf("SELECT pg_catalog.nextval(%s::pg_catalog.regclass)",
					 quote_literal_cstr(psprintf("%s.%s", work.schema, NUMBERS_SEQUENCE)));
	if (SPI_execute(query, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not number the journal");
	number = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	commit_work();
	return number;
}

/* --------------------------------------------------------------- rejected rows */

static SPIPlanPtr
prepare_rejected(const char *schema)
{
	Oid			types[] = {
		INT8OID, TIMESTAMPTZOID, OIDOID, INT4OID, TIMESTAMPTZOID, INT8OID, OIDOID,
		INT8OID, INT8OID, TEXTOID, INT2OID,
		TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID
	};

	return prepare(psprintf("INSERT INTO %s.%s (scan, at, userid, pid, statement_at, query_id, relid, "
							"line, byte_offset, sqlstate, load_code, action, object, version, "
							"column_name, column_type, raw_line, raw_value, message, fault, fields) "
							"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, "
							"$15, $16, $17, $18, $19, $20, $21::pg_catalog.jsonb)",
							schema, ROWS_TABLE), lengthof(types), types);
}

#define NUM_NUMBERS 11

static void
insert_rejected(JournalShared *shared, Work *work, const JournalEntry *entry, const char *p)
{
	Datum		values[NUM_NUMBERS + NUM_TEXTS];
	char		nulls[NUM_NUMBERS + NUM_TEXTS];
	RejectedHead head;

	if (work->insert_rejected == NULL)
		work->insert_rejected = prepare_rejected(work->schema);
	memcpy(&head, p, sizeof(head));
	p += sizeof(head);
	memset(nulls, ' ', sizeof(nulls));
	values[0] = Int64GetDatum(shared->number);
	values[1] = TimestampTzGetDatum(entry->at);
	values[2] = ObjectIdGetDatum(shared->reject_userid);
	values[3] = Int32GetDatum(shared->pid);
	values[4] = TimestampTzGetDatum(shared->statement_start);
	values[5] = Int64GetDatum(shared->query_id);
	if (shared->query_id == 0)
		nulls[5] = 'n';
	values[6] = ObjectIdGetDatum(shared->reject_relid);
	values[7] = Int64GetDatum(head.line);
	if (head.line == 0)
		nulls[7] = 'n';
	values[8] = Int64GetDatum(head.byte_offset);
	if (head.byte_offset < 0)
		nulls[8] = 'n';
	values[9] = CStringGetTextDatum(unpack_sql_state(head.sqlerrcode));
	values[10] = Int16GetDatum((int16) head.load_code);
	if (head.load_code == 0)
		nulls[10] = 'n';
	for (int i = NUM_NUMBERS; i < NUM_NUMBERS + NUM_TEXTS; i++)
	{
		int32		n;

		memcpy(&n, p, sizeof(n));
		p += sizeof(n);
		if (n < 0)
		{
			nulls[i] = 'n';
			continue;
		}
		values[i] = PointerGetDatum(cstring_to_text_with_len(p, n));
		p += n;
	}
	if (SPI_execute_plan(work->insert_rejected, values, nulls, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not insert a rejected row");
}

/* --------------------------------------------------------------------- history */

/* The columns of a table, each behind the prefix. */
static char *
column_list(const char *schema, const char *name, const char *prefix)
{
	Oid			relid = get_relname_relid(name, get_namespace_oid(schema, false));
	Relation	rel;
	StringInfoData list;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s.%s of extension \"%s\" is missing", schema, name, EXTENSION_NAME)));
	rel = table_open(relid, RowExclusiveLock);
	initStringInfo(&list);
	for (int i = 0; i < RelationGetDescr(rel)->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);

		if (!att->attisdropped)
			appendStringInfo(&list, "%s%s%s", list.len > 0 ? ", " : "", prefix,
							 quote_identifier(NameStr(att->attname)));
	}
	table_close(rel, NoLock);
	return list.data;
}

/*
 * $1 is the row as jsonb; $2 what is known of all rows of the journal, $3 when
 * the entry was made, $4 when the statement began.  What is not said to run has
 * ended when that is said.
 */
static SPIPlanPtr
prepare_history(const char *schema, JournalTable table)
{
	Oid			types[] = {JSONBOID, JSONBOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	const char *name = journal_tables[table].name;
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfo(&query,
					 "INSERT INTO %s.%s AS t SELECT r.* FROM "
					 "jsonb_populate_record(NULL::%s.%s, $1 || $2 || "
					 "jsonb_build_object('start_time', $4, 'recorded_at', $3, 'end_time', "
					 "CASE WHEN $1->>'status' = 'running' THEN NULL ELSE $3 END)) r",
					 schema, name, schema, name);
	if (journal_tables[table].once)
		appendStringInfo(&query,
						 " ON CONFLICT (query_id) DO UPDATE SET (%s) = (SELECT %s FROM "
						 "jsonb_populate_record(t, $1 || $2 || "
						 "jsonb_build_object('start_time', t.start_time, 'recorded_at', t.recorded_at, "
						 "'end_time', CASE WHEN coalesce($1->>'status', t.status) = 'running' THEN NULL "
						 "ELSE $3 END)) r)",
						 column_list(schema, name, ""), column_list(schema, name, "r."));
	return prepare(query.data, lengthof(types), types);
}

static void
insert_history(JournalShared *shared, Work *work, const JournalEntry *entry, const char *json)
{
	Datum		values[4];
	StringInfoData known;

	Assert(entry->kind >= 0 && entry->kind < lengthof(journal_tables));
	if (work->history == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema \"%s\" of extension \"%s\" is missing", HISTORY_SCHEMA, EXTENSION_NAME)));
	if (work->insert[entry->kind] == NULL)
		work->insert[entry->kind] = prepare_history(work->history, entry->kind);
	initStringInfo(&known);
	appendStringInfo(&known, "{\"query_id\": " INT64_FORMAT ", \"user_id\": %u, \"session_id\": %d",
					 shared->number, shared->userid, shared->pid);
	if (entry->transaction != 0)
		appendStringInfo(&known, ", \"transaction_id\": " INT64_FORMAT, entry->transaction);
	appendStringInfoChar(&known, '}');
	values[0] = DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
	values[1] = DirectFunctionCall1(jsonb_in, CStringGetDatum(known.data));
	values[2] = TimestampTzGetDatum(entry->at);
	values[3] = TimestampTzGetDatum(shared->statement_start);
	if (SPI_execute_plan(work->insert[entry->kind], values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not insert a row of the journal");
}

/* All writers have left: what still runs has been broken off. */
static void
abort_unfinished(JournalShared *shared)
{
	Oid			types[] = {INT8OID};
	Datum		values[] = {Int64GetDatum(shared->number)};
	Work		work;

	begin_work(&work);
	if (work.history)
	{
		const char *queries[] = {
			psprintf("UPDATE %s.%s SET status = 'aborted', end_time = clock_timestamp(), "
					 "error_count = coalesce(error_count, (SELECT count(*) FROM %s.%s "
					 "WHERE scan = $1 AND action IN ('row skipped', 'rest of object skipped'))) "
					 "WHERE query_id = $1 AND status = 'running'",
					 work.history, journal_tables[JOURNAL_LOADS].name, work.schema, ROWS_TABLE),
			psprintf("UPDATE %s.%s SET status = 'aborted', end_time = clock_timestamp() "
					 "WHERE query_id = $1 AND status = 'running'",
					 work.history, journal_tables[JOURNAL_UNLOADS].name)
		};

		for (int i = 0; i < (int) lengthof(queries); i++)
		{
			if (SPI_execute_plan(prepare(queries[i], 1, types), values, NULL, false, 0) != SPI_OK_UPDATE)
				elog(ERROR, "could not end the journal");
		}
	}
	commit_work();
}

/* ---------------------------------------------------------------------- working */

/*
 * How far the ring is written.  If nothing is in it, wait until something is,
 * or the writers have gone; with a timeout, so long at most, and not if somebody
 * waits for what is there.
 */
static uint64
wait_for_entries(JournalShared *shared, long timeout)
{
	uint64		written;
	bool		more = true;

	ConditionVariablePrepareToSleep(&shared->changed);
	for (;;)
	{
		bool		late;

		SpinLockAcquire(&shared->mutex);
		written = shared->written_pos;
		if (written == shared->read_pos && shared->writers == 0)
			shared->closed = true;
		more = written == shared->read_pos && !shared->closed &&
			!(timeout > 0 && shared->wanted_pos > shared->committed_pos);
		SpinLockRelease(&shared->mutex);
		if (!more)
			break;
		late = ConditionVariableTimedSleep(&shared->changed,
										   timeout > 0 ? timeout : JOURNAL_PATIENCE_MS,
										   PG_WAIT_EXTENSION);
		if (late && timeout > 0)
			break;
	}
	ConditionVariableCancelSleep();
	return written;
}

/* Insert the entry at a place of the ring; returns its length. */
static uint32
insert_entry(JournalShared *shared, Work *work, uint64 pos, bool *history)
{
	JournalEntry entry;
	char	   *content;

	ring_read(shared, pos, &entry, sizeof(entry));
	content = palloc(entry.len);
	ring_read(shared, pos + sizeof(entry), content, entry.len - sizeof(entry));
	SpinLockAcquire(&shared->mutex);
	shared->read_pos = pos + entry.len;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->changed);
	if (entry.kind == JOURNAL_REJECTED_ROW)
		insert_rejected(shared, work, &entry, content);
	else
	{
		insert_history(shared, work, &entry, content);
		*history = true;
	}
	return entry.len;
}

/* Insert entries until nothing comes any more for a moment. */
static void
work_off(JournalShared *shared, MemoryContext cxt, bool *history)
{
	Work		work;
	uint64		pos = shared->read_pos;

	begin_work(&work);
	for (;;)
	{
		uint64		written = wait_for_entries(shared, QUIET_MS);

		if (written == pos)
			break;
		while (pos < written)
		{
			MemoryContext old = MemoryContextSwitchTo(cxt);

			CHECK_FOR_INTERRUPTS();
			pos += insert_entry(shared, &work, pos, history);
			MemoryContextSwitchTo(old);
			MemoryContextReset(cxt);
		}
	}
	commit_work();
	SpinLockAcquire(&shared->mutex);
	shared->committed_pos = pos;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->changed);
}

static void
record_entries(JournalShared *shared)
{
	MemoryContext cxt = AllocSetContextCreate(TopMemoryContext, "s3_fdw journal entry",
											  ALLOCSET_DEFAULT_SIZES);
	bool		history = false;

	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("lock_timeout", LOCK_TIMEOUT, PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("statement_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("idle_in_transaction_session_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);
	shared->number = new_number();
	journal_set_state(shared, JOURNAL_READY);
	for (;;)
	{
		if (wait_for_entries(shared, 0) == shared->read_pos)
			break;
		work_off(shared, cxt, &history);
	}
	if (history)
		abort_unfinished(shared);
	journal_set_state(shared, JOURNAL_DONE);
}

/* Tell the writers what has happened. */
static void
keep_error(JournalShared *shared, MemoryContext cxt)
{
	ErrorData  *error;

	MemoryContextSwitchTo(cxt);
	error = CopyErrorData();
	shared->sqlerrcode = error->sqlerrcode;
	if (error->message)
	{
		int			len = pg_mbcliplen(error->message, strlen(error->message),
									   sizeof(shared->error) - 1);

		memcpy(shared->error, error->message, len);
		shared->error[len] = '\0';
	}
	FreeErrorData(error);
}

void
s3_reject_worker_main(Datum main_arg)
{
	dsm_segment *seg;
	JournalShared *shared;
	MemoryContext cxt;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();

	CurrentResourceOwner = NULL;
	seg = dsm_attach(DatumGetUInt32(main_arg));
	if (seg == NULL)
		return;					/* the statement has ended before we began */
	shared = dsm_segment_address(seg);
	on_dsm_detach(seg, worker_left, PointerGetDatum(shared));

	cxt = AllocSetContextCreate(TopMemoryContext, "s3_fdw journal", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(cxt);
	PG_TRY();
	{
		BackgroundWorkerInitializeConnectionByOid(shared->database, InvalidOid, 0);
		pgstat_report_activity(STATE_RUNNING, "recording rejected rows");
		record_entries(shared);
	}
	PG_CATCH();
	{
		keep_error(shared, cxt);
		PG_RE_THROW();
	}
	PG_END_TRY();
}
