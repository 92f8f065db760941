/*-------------------------------------------------------------------------
 *
 * unit_journal.c
 *		Journals, the ledger, jobs and the session's last statements, as SQL.
 *
 * IDENTIFICATION
 *		test/unit/unit_journal.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "fdw/journal.h"
#include "fdw/reject_store.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "redshift/job.h"
#include "redshift/ledger.h"
#include "redshift/session.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(unit_journal);
PG_FUNCTION_INFO_V1(unit_ledger);
PG_FUNCTION_INFO_V1(unit_job);
PG_FUNCTION_INFO_V1(unit_session);

static char **
strings_of(ArrayType *array, int *n)
{
	Datum	   *values;
	char	  **result;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, n);
	result = palloc(sizeof(char *) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		result[i] = TextDatumGetCString(values[i]);
	return result;
}

/* A row that is like one of a load, the n-th. */
static void
add_rejected(RejectStore *store, int n)
{
	RejectedRow row = {0};
	char	   *raw = psprintf("%d,oops,%d", n, n);

	row.action = "row skipped";
	row.object = "s3://bucket/rejected.csv";
	row.line = n;
	row.byte_offset = n * 10;
	row.column_name = "b";
	row.column_type = "integer";
	row.raw_line = raw;
	row.raw_line_len = strlen(raw);
	row.raw_value = "oops";
	row.raw_value_len = 4;
	row.fault = FAULT_VALUE;
	row.sqlerrcode = ERRCODE_INVALID_TEXT_REPRESENTATION;
	row.message = "Invalid digit, Value 'o', Pos 0, Type: Integer";
	row.fields = psprintf("[{\"name\": \"a\", \"type\": \"character varying(20)\", \"value\": \"%d\"}, "
						  "{\"name\": \"b\", \"type\": \"integer\", \"value\": \"oops\"}]", n);
	reject_store_add(store, &row);
}

/*
 * unit_journal(tables int[], rows text[], relid oid, rejected int, ending text)
 *
 * Open a journal and add rows to it, and rejected rows of the relation.  The
 * ending is 'close', 'error', 'nested' (another journal within it) or 'wait',
 * which sleeps before it closes.  Returns the query id; 0: there was no journal.
 */
Datum
unit_journal(PG_FUNCTION_ARGS)
{
	Datum	   *tables;
	int			ntables;
	int			nrows;
	char	  **rows = strings_of(PG_GETARG_ARRAYTYPE_P(1), &nrows);
	Oid			relid = PG_GETARG_OID(2);
	int			rejected = PG_GETARG_INT32(3);
	char	   *ending = text_to_cstring(PG_GETARG_TEXT_PP(4));
	Journal    *journal = journal_open();
	int64		id = journal_query_id(journal);

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT4OID, 4, true, TYPALIGN_INT, &tables, NULL, &ntables);
	for (int i = 0; i < nrows; i++)
		journal_add(journal, DatumGetInt32(tables[i]), rows[i]);
	if (strcmp(ending, "wait") == 0)
	{
		for (int i = 0; i < 200; i++)
		{
			CHECK_FOR_INTERRUPTS();
			pg_usleep(100000L);
		}
	}
	if (strcmp(ending, "nested") == 0)
	{
		Journal    *inner = journal_open();

		if (journal_query_id(inner) == id)
			elog(ERROR, "two journals have one number");
		journal_close(inner);
	}
	if (rejected > 0)
	{
		RejectStore *store = reject_store_open(relid, GetUserId(), true);

		if (store)
		{
			if (id != 0 && reject_store_scan(store) != id)
				elog(NOTICE, "the store has a number of its own");
			for (int i = 1; i <= rejected; i++)
				add_rejected(store, i);
			if (strcmp(ending, "error") != 0)
				reject_store_close(store, true);
		}
	}
	if (strcmp(ending, "error") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("the load has failed"),
				 errdetail("%lld", (long long) id)));
	journal_close(journal);
	PG_RETURN_INT64(id);
}

/*
 * unit_ledger(relid oid, id bigint, job bigint, keys text[], etags text[], server text)
 *
 * Load objects of a bucket by the ledger; returns the keys that were loaded.
 */
Datum
unit_ledger(PG_FUNCTION_ARGS)
{
	Ledger	   *ledger = ledger_open(PG_GETARG_OID(0),
									  get_foreign_server_oid(text_to_cstring(PG_GETARG_TEXT_PP(5)), false),
									  PG_GETARG_INT64(1), PG_GETARG_INT64(2));
	int			n;
	int			netags;
	char	  **keys = strings_of(PG_GETARG_ARRAYTYPE_P(3), &n);
	char	  **etags = strings_of(PG_GETARG_ARRAYTYPE_P(4), &netags);
	bool	   *chosen = palloc0(sizeof(bool) * Max(n, 1));
	Datum	   *loaded = palloc(sizeof(Datum) * Max(n, 1));
	int			nloaded = 0;

	for (int i = 0; i < n; i++)
		chosen[i] = ledger_choose(ledger, "bucket", keys[i], etags[i], 100);
	for (int i = 0; i < n; i++)
	{
		LoadedObject object = {"bucket", keys[i], etags[i], 100, 10, 0};

		if (!chosen[i])
			continue;
		ledger_record(ledger, &object);
		loaded[nloaded++] = CStringGetTextDatum(keys[i]);
	}
	ledger_close(ledger);
	PG_RETURN_ARRAYTYPE_P(construct_array(loaded, nloaded, TEXTOID, -1, false, TYPALIGN_INT));
}

/* unit_job(command int, name text, copy text, auto int, key text): rows of the answer. */
Datum
unit_job(PG_FUNCTION_ARGS)
{
	RedshiftStatement statement = {0};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	statement.command = PG_GETARG_INT32(0);
	statement.job_name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	statement.copy_text = text_to_cstring(PG_GETARG_TEXT_PP(2));
	statement.job_auto = PG_GETARG_INT32(3);
	if (!PG_ARGISNULL(4))
		statement.authorization.access_key_id = text_to_cstring(PG_GETARG_TEXT_PP(4));
	statement.schema = "pg_catalog";
	statement.table = "pg_class";
	statement.location = "s3://bucket/folder/";
	redshift_job(&statement, "", result->setResult, result->setDesc);
	return (Datum) 0;
}

/* unit_session(what text, id bigint, count bigint) */
Datum
unit_session(PG_FUNCTION_ARGS)
{
	char	   *what = text_to_cstring(PG_GETARG_TEXT_PP(0));

	session_begin_query(PG_GETARG_INT64(1));
	if (strcmp(what, "copy") == 0)
		session_set_copy(PG_GETARG_INT64(1), PG_GETARG_INT64(2));
	if (strcmp(what, "unload") == 0)
		session_set_unload(PG_GETARG_INT64(1), PG_GETARG_INT64(2));
	PG_RETURN_VOID();
}
