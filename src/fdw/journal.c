/*-------------------------------------------------------------------------
 *
 * journal.c
 *		Rows for the extension's tables that stay when the statement's
 *		transaction is rolled back.
 *
 * Writers put entries into a ring in dynamic shared memory; the background
 * worker of journal_worker.c takes them out and inserts them.  It ends when all
 * writers have left: because they are done, or because an error has released
 * what they held.  The worker is started by the statement itself, so nothing has
 * to be preloaded.
 *
 * An open journal is the current one of its process.  It lives in the memory
 * segment's own life: whoever detaches it, be it a resource owner in an abort,
 * also forgets it here.  So nothing has to be told of the end of transactions.
 *
 * History is no reason for a statement to fail: what cannot be written is told
 * once, as a WARNING.  Rejected rows are another matter; see reject_store.c.
 *
 * IDENTIFICATION
 *		src/fdw/journal.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "fdw/journal_internal.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/* Strings in journal rows; the columns of Redshift's tables hold no more. */
#define MAX_STRING 2048

static Journal *current_journal = NULL;

static void
ring_write(JournalShared *shared, uint64 pos, const void *data, Size len)
{
	Size		at = pos % JOURNAL_RING_SIZE;
	Size		first = Min(len, JOURNAL_RING_SIZE - at);

	memcpy(shared->ring + at, data, first);
	memcpy(shared->ring, (const char *) data + first, len - first);
}

/* ------------------------------------------------------------- begin and end */

/* A writer has gone, in whatever way. */
static void
writer_left(dsm_segment *seg, Datum arg)
{
	JournalShared *shared = (JournalShared *) DatumGetPointer(arg);

	SpinLockAcquire(&shared->mutex);
	shared->writers--;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->changed);
}

/* The segment goes. */
static void
forget(dsm_segment *seg, Datum arg)
{
	Journal    *journal = (Journal *) DatumGetPointer(arg);

	for (Journal **link = &current_journal; *link; link = &(*link)->outer)
	{
		if (*link == journal)
		{
			*link = journal->outer;
			break;
		}
	}
	pfree(journal);
}

/* Not in the memory of a query: that may be gone before the segment is. */
static Journal *
new_journal(dsm_segment *seg)
{
	Journal    *journal = MemoryContextAllocZero(TopMemoryContext, sizeof(Journal));

	journal->seg = seg;
	journal->shared = dsm_segment_address(seg);
	on_dsm_detach(seg, forget, PointerGetDatum(journal));
	return journal;
}

static JournalState
current_state(JournalShared *shared)
{
	JournalState state;

	SpinLockAcquire(&shared->mutex);
	state = shared->state;
	SpinLockRelease(&shared->mutex);
	return state;
}

/* Wait until the worker has come beyond the state; false: it has failed. */
static bool
wait_beyond(JournalShared *shared, JournalState state)
{
	ConditionVariablePrepareToSleep(&shared->changed);
	while (current_state(shared) <= state)
		ConditionVariableTimedSleep(&shared->changed, JOURNAL_PATIENCE_MS, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
	return current_state(shared) != JOURNAL_FAILED;
}

/*
 * Wait until the worker has told how its start went; false: it has ended before
 * it could, for it never came to the segment.
 */
static bool
wait_for_start(JournalShared *shared, BackgroundWorkerHandle *handle)
{
	bool		told = false;
	bool		ended = false;

	ConditionVariablePrepareToSleep(&shared->changed);
	for (;;)
	{
		pid_t		pid;

		told = current_state(shared) != JOURNAL_STARTING;
		if (told || ended)
			break;

		/* It may have told just before it ended. */
		ended = GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED;
		if (!ended)
			ConditionVariableTimedSleep(&shared->changed, JOURNAL_PATIENCE_MS, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	return told;
}

JournalStart
journal_start(Oid userid, Journal **result)
{
	Size		size = offsetof(JournalShared, ring) + JOURNAL_RING_SIZE;
	dsm_segment *seg;
	Journal    *journal;
	JournalShared *shared;
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;
	pid_t		pid;

	*result = NULL;
	if (RecoveryInProgress())
		return JOURNAL_NO_WORKER;
	seg = dsm_create(size, DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (seg == NULL)
		return JOURNAL_NO_WORKER;
	journal = new_journal(seg);
	shared = journal->shared;
	memset(shared, 0, offsetof(JournalShared, ring));
	shared->database = MyDatabaseId;
	shared->userid = userid;
	shared->pid = MyProcPid;
	shared->query_id = (int64) pgstat_get_my_query_id();
	shared->statement_start = GetCurrentStatementStartTimestamp();
	SpinLockInit(&shared->mutex);
	ConditionVariableInit(&shared->changed);
	shared->writers = 1;
	on_dsm_detach(journal->seg, writer_left, PointerGetDatum(shared));

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(journal->seg));
	strlcpy(worker.bgw_library_name, "s3_fdw", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "s3_reject_worker_main", sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, BGW_MAXLEN, "s3_fdw rejected rows of process %d", MyProcPid);
	strlcpy(worker.bgw_type, "s3_fdw rejected rows", BGW_MAXLEN);
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		dsm_detach(journal->seg);
		return JOURNAL_NO_WORKER;
	}
	(void) WaitForBackgroundWorkerStartup(handle, &pid);
	if (!wait_for_start(shared, handle))
	{
		dsm_detach(journal->seg);
		return JOURNAL_NO_WORKER;
	}
	*result = journal;
	return current_state(shared) == JOURNAL_FAILED ? JOURNAL_START_FAILED : JOURNAL_STARTED;
}

Journal *
journal_join(dsm_handle handle)
{
	dsm_segment *seg = dsm_attach(handle);
	JournalShared *shared;
	Journal    *journal;
	bool		closed;

	if (seg == NULL)
		return NULL;
	journal = new_journal(seg);
	shared = journal->shared;
	SpinLockAcquire(&shared->mutex);
	closed = shared->closed;
	if (!closed)
		shared->writers++;
	SpinLockRelease(&shared->mutex);
	if (closed)
	{
		dsm_detach(seg);
		return NULL;
	}
	on_dsm_detach(seg, writer_left, PointerGetDatum(shared));
	return journal;
}

bool
journal_leave(Journal *journal, bool wait)
{
	JournalShared *shared = journal->shared;
	bool		done = true;

	if (wait)
	{
		/* We stay attached, to see the end of it. */
		cancel_on_dsm_detach(journal->seg, writer_left, PointerGetDatum(shared));
		writer_left(journal->seg, PointerGetDatum(shared));
		done = wait_beyond(shared, JOURNAL_READY);
	}
	if (done)
		dsm_detach(journal->seg);
	return done;
}

char *
journal_failure(const Journal *journal, int *sqlerrcode)
{
	const JournalShared *shared = journal->shared;

	if (sqlerrcode)
		*sqlerrcode = shared->sqlerrcode ? shared->sqlerrcode : ERRCODE_INTERNAL_ERROR;
	return pstrdup(shared->error[0] ? shared->error :
				   _("The background worker that records them has ended."));
}

Journal *
journal_current(void)
{
	return current_journal;
}

Journal *
journal_find(int64 number)
{
	Journal    *journal = current_journal;

	while (journal && journal->shared->number != number)
		journal = journal->outer;
	return journal;
}

/* -------------------------------------------------------------------- entries */

void
journal_begin_entry(StringInfo entry, int kind)
{
	JournalEntry head;
	FullTransactionId transaction = GetTopFullTransactionIdIfAny();

	memset(&head, 0, sizeof(head));
	head.kind = kind;
	head.at = GetCurrentTimestamp();
	if (FullTransactionIdIsValid(transaction))
		head.transaction = (int64) U64FromFullTransactionId(transaction);
	initStringInfo(entry);
	appendBinaryStringInfo(entry, (char *) &head, sizeof(head));
}

/* Wait until we are the writer and there is room for len bytes. */
static bool
ring_enter(JournalShared *shared, Size len)
{
	bool		entered = false;
	JournalState state = JOURNAL_READY;

	while (!entered && state == JOURNAL_READY)
	{
		SpinLockAcquire(&shared->mutex);
		state = shared->state;
		if (state == JOURNAL_READY && !shared->busy &&
			shared->written_pos - shared->read_pos + len <= JOURNAL_RING_SIZE)
			shared->busy = entered = true;
		SpinLockRelease(&shared->mutex);
		if (!entered && state == JOURNAL_READY)
			ConditionVariableTimedSleep(&shared->changed, JOURNAL_PATIENCE_MS, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	return entered;
}

bool
journal_put(Journal *journal, StringInfo entry)
{
	JournalShared *shared = journal->shared;
	uint32		len = entry->len;

	Assert(len <= JOURNAL_MAX_ENTRY);
	memcpy(entry->data + offsetof(JournalEntry, len), &len, sizeof(len));
	if (!ring_enter(shared, len))
		return false;
	ring_write(shared, shared->written_pos, entry->data, len);
	SpinLockAcquire(&shared->mutex);
	shared->written_pos += len;
	shared->busy = false;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->changed);
	return true;
}

bool
journal_flush(Journal *journal)
{
	JournalShared *shared = journal->shared;
	JournalState state;
	uint64		wanted;
	bool		done;

	SpinLockAcquire(&shared->mutex);
	wanted = shared->written_pos;
	shared->wanted_pos = Max(shared->wanted_pos, wanted);
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->changed);
	ConditionVariablePrepareToSleep(&shared->changed);
	for (;;)
	{
		SpinLockAcquire(&shared->mutex);
		state = shared->state;
		done = shared->committed_pos >= wanted;
		SpinLockRelease(&shared->mutex);
		if (done || state != JOURNAL_READY)
			break;
		ConditionVariableTimedSleep(&shared->changed, JOURNAL_PATIENCE_MS, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	return done;
}

/* --------------------------------------------------------- journals of history */

static void
warn(Journal *journal)
{
	int			sqlerrcode = ERRCODE_INSUFFICIENT_RESOURCES;
	char	   *detail = NULL;

	if (journal)
	{
		if (journal->failed)
			return;
		journal->failed = true;
		detail = journal_failure(journal, &sqlerrcode);
	}
	ereport(WARNING,
			(errcode(sqlerrcode),
			 errmsg("could not record the history of this statement"),
			 detail ? errdetail("%s", detail) :
			 RecoveryInProgress() ? errdetail("Nothing can be recorded during recovery.") :
			 errdetail("No background worker could be started."),
			 journal || RecoveryInProgress() ? 0 : errhint("Raise max_worker_processes.")));
}

Journal *
journal_open(void)
{
	Journal    *journal;

	if (journal_start(GetUserId(), &journal) != JOURNAL_STARTED)
	{
		warn(journal);
		if (journal)
			dsm_detach(journal->seg);
		return NULL;
	}
	journal->outer = current_journal;
	current_journal = journal;
	return journal;
}

int64
journal_query_id(const Journal *journal)
{
	return journal ? journal->shared->number : 0;
}

/* The same JSON, with long strings cut. */
static char *
cut_strings(Jsonb *jsonb)
{
	JsonbParseState *state = NULL;
	JsonbValue *result = NULL;
	JsonbValue	value;
	JsonbIteratorToken token;
	JsonbIterator *it = JsonbIteratorInit(&jsonb->root);

	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		bool		has_value = token == WJB_KEY || token == WJB_VALUE || token == WJB_ELEM;

		if (token == WJB_VALUE && value.type == jbvString && value.val.string.len > MAX_STRING)
			value.val.string.len = pg_mbcliplen(value.val.string.val, value.val.string.len,
												MAX_STRING);
		result = pushJsonbValue(&state, token, has_value ? &value : NULL);
	}
	jsonb = JsonbValueToJsonb(result);
	return JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
}

/*
 * A load says which table it loads: the rejected rows are to be those of the
 * scan that reads for it, not of one that a trigger runs.
 */
static void
reserve_for_target(JournalShared *shared, Jsonb *row)
{
	JsonbValue	value;

	if (!OidIsValid(shared->reject_relid) &&
		getKeyJsonValueFromContainer(&row->root, "table_id", strlen("table_id"), &value) &&
		value.type == jbvNumeric)
		shared->reject_relid = (Oid) DatumGetInt64(DirectFunctionCall1(numeric_int8,
																	   NumericGetDatum(value.val.numeric)));
}

void
journal_add(Journal *journal, JournalTable table, const char *json)
{
	StringInfoData entry;
	Jsonb	   *row;
	char	   *cut;

	if (journal == NULL || journal->failed)
		return;
	row = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
	if (!JB_ROOT_IS_OBJECT(row))
		elog(ERROR, "a row of the journal is no JSON object");
	if (table == JOURNAL_LOADS)
		reserve_for_target(journal->shared, row);
	cut = cut_strings(row);
	journal_begin_entry(&entry, table);
	appendBinaryStringInfo(&entry, cut, strlen(cut) + 1);
	if ((Size) entry.len > JOURNAL_MAX_ENTRY)
		elog(ERROR, "a row of the journal is too long");
	if (!journal_put(journal, &entry))
		warn(journal);
	pfree(entry.data);
	pfree(cut);
	pfree(row);
}

/* Is nobody else still putting entries into it? */
static bool
is_last_writer(Journal *journal)
{
	JournalShared *shared = journal->shared;
	bool		last;

	SpinLockAcquire(&shared->mutex);
	last = shared->writers == 1;
	SpinLockRelease(&shared->mutex);
	return last;
}

/*
 * After an error there may be parallel workers of the statement that wait for
 * this process: the worker ends when they have gone, which cannot be waited for.
 */
void
journal_close(Journal *journal)
{
	bool		last;

	if (journal == NULL)
		return;
	last = is_last_writer(journal);
	if (!journal->failed && (last ? journal_leave(journal, true) : journal_flush(journal)))
	{
		if (!last)
			dsm_detach(journal->seg);
		return;
	}
	warn(journal);
	dsm_detach(journal->seg);
}
