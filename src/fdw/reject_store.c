/*-------------------------------------------------------------------------
 *
 * reject_store.c
 *		Write down rejected rows so that they survive the statement.
 *
 * A store is a journal (journal.c) that carries rejected rows: the open one of
 * the statement if there is one and no other scan uses it, else one started for
 * it, which then has no other rows.  Rows are rejected only if that can be
 * recorded, so what fails here is an error.
 *
 * IDENTIFICATION
 *		src/fdw/reject_store.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "fdw/journal_internal.h"
#include "fdw/reject_store.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

/* Longer texts are cut. */
#define MAX_RAW_LINE 8192
#define MAX_TEXT 2048

/* What would be longer is left out: half of it is no JSON. */
#define MAX_FIELDS (64 * 1024)

/* The names of enum RecordFault in the table; they do not change. */
static const char *const fault_names[] = {
	[FAULT_OTHER] = "other",
	[FAULT_MISSING_FIELDS] = "missing_fields",
	[FAULT_EXTRA_FIELDS] = "extra_fields",
	[FAULT_QUOTE] = "quote",
	[FAULT_LINE] = "line",
	[FAULT_ENCODING] = "encoding",
	[FAULT_JSON] = "json",
	[FAULT_JSON_PATH] = "json_path",
	[FAULT_VALUE] = "value",
	[FAULT_TOO_LONG] = "too_long",
	[FAULT_NOT_NULL] = "not_null"
};

struct RejectStore
{
	Journal    *own;			/* NULL: the statement's, by its */
	int64		number;
};

static void
report_failure(const Journal *journal)
{
	int			sqlerrcode = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
	char	   *detail = journal ? journal_failure(journal, &sqlerrcode) :
		_("The statement whose journal they go to has ended.");

	ereport(ERROR,
			(errcode(sqlerrcode),
			 errmsg("could not record rejected rows"),
			 errdetail("%s", detail),
			 errhint("Rows are rejected only if that can be recorded; see the server's log.")));
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

/*
 * A journal has the rejected rows of one scan; of a load that of its target.
 * Other processes join only after this is settled.
 */
static bool
adopt(Journal *journal, Oid relid, Oid userid)
{
	JournalShared *shared = journal->shared;

	if (!OidIsValid(shared->reject_relid))
		shared->reject_relid = relid;
	if (shared->reject_relid != relid)
		return false;
	if (!OidIsValid(shared->reject_userid))
		shared->reject_userid = userid;
	return shared->reject_userid == userid;
}

static Journal *
journal_of(const RejectStore *store)
{
	Journal    *journal = store->own ? store->own : journal_find(store->number);

	if (journal == NULL)
		report_failure(NULL);
	return journal;
}

RejectStore *
reject_store_open(Oid relid, Oid userid, bool if_possible)
{
	RejectStore *store = palloc0(sizeof(RejectStore));
	Journal    *journal = journal_current();

	if (journal && !journal->failed && adopt(journal, relid, userid))
	{
		store->number = journal_query_id(journal);
		return store;
	}
	if (RecoveryInProgress())
	{
		if (if_possible)
			return NULL;
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot record rejected rows during recovery"),
				 errhint("Set the table's option \"on_error\" to \"stop\".")));
	}
	switch (journal_start(userid, &journal))
	{
		case JOURNAL_NO_WORKER:
			if (if_possible)
				return NULL;
			report_no_worker();
			break;
		case JOURNAL_START_FAILED:
			report_failure(journal);
			break;
		case JOURNAL_STARTED:
			break;
	}
	adopt(journal, relid, userid);
	store->own = journal;
	store->number = journal_query_id(journal);
	return store;
}

dsm_handle
reject_store_handle(const RejectStore *store)
{
	return dsm_segment_handle(journal_of(store)->seg);
}

RejectStore *
reject_store_join(dsm_handle handle)
{
	RejectStore *store = palloc0(sizeof(RejectStore));

	if (handle == DSM_HANDLE_INVALID)
		report_no_worker();
	store->own = journal_join(handle);
	if (store->own == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("could not record rejected rows"),
				 errdetail("The process that leads the scan has ended.")));
	store->number = journal_query_id(store->own);
	return store;
}

int64
reject_store_scan(const RejectStore *store)
{
	return store->number;
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

void
reject_store_add(RejectStore *store, const RejectedRow *row)
{
	Journal    *journal = journal_of(store);
	StringInfoData out;
	RejectedHead head;
	Size		fields_len = row->fields ? strlen(row->fields) : 0;

	memset(&head, 0, sizeof(head));
	head.line = row->line;
	head.byte_offset = row->byte_offset;
	head.sqlerrcode = row->sqlerrcode;
	head.load_code = row->load_code;

	journal_begin_entry(&out, JOURNAL_REJECTED_ROW);
	appendBinaryStringInfo(&out, (char *) &head, sizeof(head));
	append_string(&out, row->action);
	append_string(&out, row->object);
	append_string(&out, row->version);
	append_string(&out, row->column_name);
	append_string(&out, row->column_type);
	append_text(&out, row->raw_line, row->raw_line_len, MAX_RAW_LINE);
	append_text(&out, row->raw_value, row->raw_value_len, MAX_TEXT);
	append_string(&out, row->message);
	append_string(&out, fault_names[row->fault]);
	append_text(&out, fields_len <= MAX_FIELDS ? row->fields : NULL, fields_len, MAX_FIELDS);
	if (!journal_put(journal, &out))
		report_failure(journal);
	pfree(out.data);
}

void
reject_store_close(RejectStore *store, bool wait)
{
	bool		done = true;

	if (store->own)
		done = journal_leave(store->own, wait);
	else if (wait)
		done = journal_flush(journal_of(store));
	if (!done)
		report_failure(journal_of(store));
	pfree(store);
}
