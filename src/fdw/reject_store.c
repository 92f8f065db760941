/*-------------------------------------------------------------------------
 *
 * reject_store.c
 *		Write down rejected rows so that they survive the statement.
 *
 * Processes that reject rows put them into a ring in dynamic shared memory; a
 * background worker takes them out and inserts them into the extension's table
 * s3_rejected_rows.  It commits when nothing has come for a moment, and at the
 * end, which is when all writers have left: at the end of the scan, or because
 * an error has released what they held.  The worker is started by the statement
 * itself, so nothing has to be preloaded.
 *
 * The worker finds the table through the extension, takes no name and no SQL
 * from the writers, and inserts as the table's owner with a search path of its
 * own.  It gives up waiting for a lock on the table after a while: the holder
 * may be the very transaction that waits for the worker.
 *
 * Everything in StoreShared that changes is guarded by its mutex, but for the
 * bytes of the ring: those between read_pos and written_pos belong to the
 * worker, the others to the writer that has set busy.
 *
 * IDENTIFICATION
 *		src/fdw/reject_store.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fdw/reject_store.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/spin.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define EXTENSION_NAME "s3_fdw"
#define ROWS_TABLE "s3_rejected_rows"
#define SCANS_SEQUENCE "s3_rejected_scans"

#define RING_SIZE ((uint64) 256 * 1024)

/* Longer texts are cut, so that some rows always fit into the ring. */
#define MAX_RAW_LINE 8192
#define MAX_TEXT 2048

/* Nothing has come for so long: commit what is there. */
#define QUIET_MS 200

/* How often somebody who waits looks around without being told to. */
#define PATIENCE_MS 1000

#define LOCK_TIMEOUT "10s"

typedef enum StoreState
{
	STORE_STARTING,
	STORE_READY,
	STORE_DONE,					/* all is committed, the worker is gone */
	STORE_FAILED				/* error tells why */
} StoreState;

typedef struct StoreShared
{
	/* set before the worker starts, then constant */
	Oid			database;
	Oid			userid;
	Oid			relid;
	int			pid;
	int64		query_id;
	TimestampTz statement_start;

	slock_t		mutex;
	ConditionVariable changed;	/* of anything below */
	StoreState	state;
	int			writers;
	bool		closed;			/* no writer is left, and none may come */
	bool		busy;			/* a writer is putting a row into the ring */
	uint64		read_pos;		/* bytes taken out of the ring */
	uint64		written_pos;	/* bytes put into it */
	int64		scan;			/* set with STORE_READY */
	int			sqlerrcode;		/* of STORE_FAILED */
	char		error[1024];

	char		ring[FLEXIBLE_ARRAY_MEMBER];
} StoreShared;

struct RejectStore
{
	dsm_segment *seg;
	StoreShared *shared;
};

/* A row in the ring: its length, this, and the texts. */
typedef struct RowHead
{
	TimestampTz at;
	int64		line;
	int64		byte_offset;
	int			sqlerrcode;
} RowHead;

/* The texts of a row, in the order of the table's columns. */
enum
{
	TEXT_ACTION,
	TEXT_OBJECT,
	TEXT_VERSION,
	TEXT_COLUMN_NAME,
	TEXT_COLUMN_TYPE,
	TEXT_RAW_LINE,
	TEXT_RAW_VALUE,
	TEXT_MESSAGE,
	NUM_TEXTS
};

PGDLLEXPORT void s3_reject_worker_main(Datum main_arg);

static Size
shared_size(void)
{
	return offsetof(StoreShared, ring) + RING_SIZE;
}

static void
ring_write(StoreShared *shared, uint64 pos, const void *data, Size len)
{
	Size		at = pos % RING_SIZE;
	Size		first = Min(len, RING_SIZE - at);

	memcpy(shared->ring + at, data, first);
	memcpy(shared->ring, (const char *) data + first, len - first);
}

static void
ring_read(StoreShared *shared, uint64 pos, void *data, Size len)
{
	Size		at = pos % RING_SIZE;
	Size		first = Min(len, RING_SIZE - at);

	memcpy(data, shared->ring + at, first);
	memcpy((char *) data + first, shared->ring, len - first);
}

/* ------------------------------------------------------------------ writers */

/* A writer has gone, in whatever way. */
static void
writer_left(dsm_segment *seg, Datum arg)
{
	StoreShared *shared = (StoreShared *) DatumGetPointer(arg);

	SpinLockAcquire(&shared->mutex);
	shared->writers--;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->changed);
}

static void
report_failure(StoreShared *shared)
{
	ereport(ERROR,
			(errcode(shared->sqlerrcode ? shared->sqlerrcode : ERRCODE_INTERNAL_ERROR),
			 errmsg("could not record rejected rows"),
			 errdetail("%s", shared->error[0] ? shared->error :
					   _("The background worker that records them has ended.")),
			 errhint("Rows are rejected only if that can be recorded; see the server's log.")));
}

static StoreState
current_state(StoreShared *shared)
{
	StoreState	state;

	SpinLockAcquire(&shared->mutex);
	state = shared->state;
	SpinLockRelease(&shared->mutex);
	return state;
}

/* Wait until the worker has come beyond the state; it may have failed. */
static void
wait_beyond(StoreShared *shared, StoreState state)
{
	ConditionVariablePrepareToSleep(&shared->changed);
	while (current_state(shared) <= state)
		ConditionVariableTimedSleep(&shared->changed, PATIENCE_MS, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
	if (current_state(shared) == STORE_FAILED)
		report_failure(shared);
}

static void
report_no_worker(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
			 errmsg("could not record rejected rows"),
			 errdetail("No background worker could be started."),
			 errhint("Raise max_worker_processes, or set the table's option \"on_error\" to \"stop\".")));
}

RejectStore *
reject_store_open(Oid relid, Oid userid, bool if_possible)
{
	RejectStore *store;
	StoreShared *shared;
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;
	pid_t		pid;

	if (RecoveryInProgress())
	{
		if (if_possible)
			return NULL;
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot record rejected rows during recovery"),
				 errhint("Set the table's option \"on_error\" to \"stop\".")));
	}

	store = palloc0(sizeof(RejectStore));
	store->seg = dsm_create(shared_size(), 0);
	store->shared = shared = dsm_segment_address(store->seg);
	memset(shared, 0, offsetof(StoreShared, ring));
	shared->database = MyDatabaseId;
	shared->userid = userid;
	shared->relid = relid;
	shared->pid = MyProcPid;
	shared->query_id = (int64) pgstat_get_my_query_id();
	shared->statement_start = GetCurrentStatementStartTimestamp();
	SpinLockInit(&shared->mutex);
	ConditionVariableInit(&shared->changed);
	shared->writers = 1;
	on_dsm_detach(store->seg, writer_left, PointerGetDatum(shared));

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(store->seg));
	strlcpy(worker.bgw_library_name, "s3_fdw", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "s3_reject_worker_main", sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, BGW_MAXLEN, "s3_fdw rejected rows of process %d", MyProcPid);
	strlcpy(worker.bgw_type, "s3_fdw rejected rows", BGW_MAXLEN);
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		dsm_detach(store->seg);
		if (if_possible)
			return NULL;
		report_no_worker();
	}
	if (WaitForBackgroundWorkerStartup(handle, &pid) != BGWH_STARTED &&
		current_state(shared) == STORE_STARTING)
		report_no_worker();
	wait_beyond(shared, STORE_STARTING);
	return store;
}

dsm_handle
reject_store_handle(const RejectStore *store)
{
	return dsm_segment_handle(store->seg);
}

RejectStore *
reject_store_join(dsm_handle handle)
{
	RejectStore *store = palloc0(sizeof(RejectStore));
	bool		closed = true;

	if (handle == DSM_HANDLE_INVALID)
		report_no_worker();
	store->seg = dsm_attach(handle);
	if (store->seg)
	{
		store->shared = dsm_segment_address(store->seg);
		SpinLockAcquire(&store->shared->mutex);
		closed = store->shared->closed;
		if (!closed)
			store->shared->writers++;
		SpinLockRelease(&store->shared->mutex);
		if (!closed)
			on_dsm_detach(store->seg, writer_left, PointerGetDatum(store->shared));
	}
	if (closed)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("could not record rejected rows"),
				 errdetail("The process that leads the scan has ended.")));
	return store;
}

int64
reject_store_scan(const RejectStore *store)
{
	return store->shared->scan;
}

static void
append_text(StringInfo row, const char *text, Size len, Size max)
{
	int32		n = -1;

	if (text)
		n = len <= max ? (int32) len : pg_mbcliplen(text, (int) Min(len, 2 * max), (int) max);
	appendBinaryStringInfo(row, (char *) &n, sizeof(n));
	if (n > 0)
		appendBinaryStringInfo(row, text, n);
}

static void
append_string(StringInfo row, const char *text)
{
	append_text(row, text, text ? strlen(text) : 0, MAX_TEXT);
}

/* Wait until we are the writer and there is room for len bytes. */
static void
ring_enter(StoreShared *shared, Size len)
{
	for (;;)
	{
		bool		entered = false;
		StoreState	state;

		SpinLockAcquire(&shared->mutex);
		state = shared->state;
		if (state == STORE_READY && !shared->busy &&
			shared->written_pos - shared->read_pos + len <= RING_SIZE)
			shared->busy = entered = true;
		SpinLockRelease(&shared->mutex);
		if (entered)
			break;
		if (state != STORE_READY)
		{
			ConditionVariableCancelSleep();
			report_failure(shared);
		}
		ConditionVariableTimedSleep(&shared->changed, PATIENCE_MS, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

void
reject_store_add(RejectStore *store, const RejectedRow *row)
{
	StoreShared *shared = store->shared;
	StringInfoData out;
	RowHead		head;
	uint32		len = 0;

	memset(&head, 0, sizeof(head));
	head.at = GetCurrentTimestamp();
	head.line = row->line;
	head.byte_offset = row->byte_offset;
	head.sqlerrcode = row->sqlerrcode;

	initStringInfo(&out);
	appendBinaryStringInfo(&out, (char *) &len, sizeof(len));
	appendBinaryStringInfo(&out, (char *) &head, sizeof(head));
	append_string(&out, row->action);
	append_string(&out, row->object);
	append_string(&out, row->version);
	append_string(&out, row->column_name);
	append_string(&out, row->column_type);
	append_text(&out, row->raw_line, row->raw_line_len, MAX_RAW_LINE);
	append_text(&out, row->raw_value, row->raw_value_len, MAX_TEXT);
	append_string(&out, row->message);
	len = out.len;
	memcpy(out.data, &len, sizeof(len));

	ring_enter(shared, len);
	ring_write(shared, shared->written_pos, out.data, len);
	SpinLockAcquire(&shared->mutex);
	shared->written_pos += len;
	shared->busy = false;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->changed);
	pfree(out.data);
}

void
reject_store_close(RejectStore *store, bool wait)
{
	StoreShared *shared = store->shared;

	if (wait)
	{
		/* We stay attached, to see the end of it. */
		cancel_on_dsm_detach(store->seg, writer_left, PointerGetDatum(shared));
		writer_left(store->seg, PointerGetDatum(shared));
		wait_beyond(shared, STORE_READY);
	}
	dsm_detach(store->seg);
	pfree(store);
}

/* --------------------------------------------------------------- the worker */

static void
set_state(StoreShared *shared, StoreState state)
{
	SpinLockAcquire(&shared->mutex);
	shared->state = state;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->changed);
}

/* The worker goes, and has not said that all is well. */
static void
worker_left(dsm_segment *seg, Datum arg)
{
	StoreShared *shared = (StoreShared *) DatumGetPointer(arg);

	if (shared->state != STORE_DONE)
		set_state(shared, STORE_FAILED);
}

/* The schema of the extension; the worker has a transaction. */
static Oid
extension_schema(void)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	Oid			schema = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(EXTENSION_NAME));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (!OidIsValid(schema))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"%s\" is not there, or not committed", EXTENSION_NAME)));
	return schema;
}

static Oid
relation_owner(Oid relid)
{
	Relation	rel = table_open(relid, RowExclusiveLock);
	Oid			owner = rel->rd_rel->relowner;

	table_close(rel, NoLock);
	return owner;
}

/* A transaction in which SPI may be used, as the owner of the table. */
static void
begin_work(const char **schema_name)
{
	Oid			schema;
	Oid			relid;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	schema = extension_schema();
	*schema_name = quote_identifier(get_namespace_name(schema));
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

static int64
new_scan_number(void)
{
	const char *schema;
	char	   *query;
	bool		isnull;
	int64		number;

	begin_work(&schema);
	query = psprintf("SELECT pg_catalog.nextval('%s.%s'::pg_catalog.regclass)",
					 schema, SCANS_SEQUENCE);
	if (SPI_execute(query, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not number the scan");
	number = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	commit_work();
	return number;
}

static SPIPlanPtr
prepare_insert(const char *schema)
{
	Oid			types[] = {
		INT8OID, TIMESTAMPTZOID, OIDOID, INT4OID, TIMESTAMPTZOID, INT8OID, OIDOID,
		INT8OID, INT8OID, TEXTOID,
		TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID
	};
	char	   *query = psprintf("INSERT INTO %s.%s (scan, at, userid, pid, statement_at, query_id, relid, "
								 "line, byte_offset, sqlstate, action, object, version, column_name, "
								 "column_type, raw_line, raw_value, message) VALUES "
								 "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, "
								 "$15, $16, $17, $18)", schema, ROWS_TABLE);
	SPIPlanPtr	plan = SPI_prepare(query, lengthof(types), types);

	if (plan == NULL)
		elog(ERROR, "could not prepare the insertion of rejected rows");
	return plan;
}

/* Insert the row at the read position of the ring, len bytes. */
static void
insert_row(StoreShared *shared, SPIPlanPtr plan, const char *row)
{
	Datum		values[10 + NUM_TEXTS];
	char		nulls[10 + NUM_TEXTS];
	RowHead		head;
	const char *p = row + sizeof(uint32);

	memcpy(&head, p, sizeof(head));
	p += sizeof(head);
	memset(nulls, ' ', sizeof(nulls));
	values[0] = Int64GetDatum(shared->scan);
	values[1] = TimestampTzGetDatum(head.at);
	values[2] = ObjectIdGetDatum(shared->userid);
	values[3] = Int32GetDatum(shared->pid);
	values[4] = TimestampTzGetDatum(shared->statement_start);
	values[5] = Int64GetDatum(shared->query_id);
	if (shared->query_id == 0)
		nulls[5] = 'n';
	values[6] = ObjectIdGetDatum(shared->relid);
	values[7] = Int64GetDatum(head.line);
	if (head.line == 0)
		nulls[7] = 'n';
	values[8] = Int64GetDatum(head.byte_offset);
	if (head.byte_offset < 0)
		nulls[8] = 'n';
	values[9] = CStringGetTextDatum(unpack_sql_state(head.sqlerrcode));
	for (int i = 0; i < NUM_TEXTS; i++)
	{
		int32		n;

		memcpy(&n, p, sizeof(n));
		p += sizeof(n);
		if (n < 0)
		{
			nulls[10 + i] = 'n';
			continue;
		}
		values[10 + i] = PointerGetDatum(cstring_to_text_with_len(p, n));
		p += n;
	}
	if (SPI_execute_plan(plan, values, nulls, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not insert a rejected row");
}

/*
 * How far the ring is written.  If nothing is in it, wait until something is,
 * or the writers have gone; with a timeout, so long at most.
 */
static uint64
wait_for_rows(StoreShared *shared, long timeout)
{
	uint64		written;
	bool		more = true;

	ConditionVariablePrepareToSleep(&shared->changed);
	for (;;)
	{
		bool		late = false;

		SpinLockAcquire(&shared->mutex);
		written = shared->written_pos;
		if (written == shared->read_pos && shared->writers == 0)
			shared->closed = true;
		more = written == shared->read_pos && !shared->closed;
		SpinLockRelease(&shared->mutex);
		if (!more)
			break;
		late = ConditionVariableTimedSleep(&shared->changed, timeout > 0 ? timeout : PATIENCE_MS,
										   PG_WAIT_EXTENSION);
		if (late && timeout > 0)
			break;
	}
	ConditionVariableCancelSleep();
	return written;
}

/* Insert rows until nothing comes any more for a moment. */
static void
work_off(StoreShared *shared, MemoryContext cxt)
{
	const char *schema;
	SPIPlanPtr	plan;

	begin_work(&schema);
	plan = prepare_insert(schema);
	for (;;)
	{
		uint64		written = wait_for_rows(shared, QUIET_MS);
		uint64		pos = shared->read_pos;

		if (written == pos)
			break;
		while (pos < written)
		{
			uint32		len;
			char	   *row;
			MemoryContext old = MemoryContextSwitchTo(cxt);

			CHECK_FOR_INTERRUPTS();
			ring_read(shared, pos, &len, sizeof(len));
			row = palloc(len);
			ring_read(shared, pos, row, len);
			pos += len;
			SpinLockAcquire(&shared->mutex);
			shared->read_pos = pos;
			SpinLockRelease(&shared->mutex);
			ConditionVariableBroadcast(&shared->changed);
			insert_row(shared, plan, row);
			MemoryContextSwitchTo(old);
			MemoryContextReset(cxt);
		}
	}
	commit_work();
}

static void
record_rows(StoreShared *shared)
{
	MemoryContext cxt = AllocSetContextCreate(TopMemoryContext, "s3_fdw rejected row",
											  ALLOCSET_DEFAULT_SIZES);

	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("lock_timeout", LOCK_TIMEOUT, PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("statement_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("idle_in_transaction_session_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);
	shared->scan = new_scan_number();
	set_state(shared, STORE_READY);
	for (;;)
	{
		if (wait_for_rows(shared, 0) == shared->read_pos)
			break;
		work_off(shared, cxt);
	}
	set_state(shared, STORE_DONE);
}

/* Tell the writers what has happened. */
static void
keep_error(StoreShared *shared, MemoryContext cxt)
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
	StoreShared *shared;
	MemoryContext cxt;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();

	CurrentResourceOwner = NULL;
	seg = dsm_attach(DatumGetUInt32(main_arg));
	if (seg == NULL)
		return;					/* the statement has ended before we began */
	shared = dsm_segment_address(seg);
	on_dsm_detach(seg, worker_left, PointerGetDatum(shared));

	cxt = AllocSetContextCreate(TopMemoryContext, "s3_fdw rejected rows", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(cxt);
	PG_TRY();
	{
		BackgroundWorkerInitializeConnectionByOid(shared->database, InvalidOid, 0);
		pgstat_report_activity(STATE_RUNNING, "recording rejected rows");
		record_rows(shared);
	}
	PG_CATCH();
	{
		keep_error(shared, cxt);
		PG_RE_THROW();
	}
	PG_END_TRY();
}
