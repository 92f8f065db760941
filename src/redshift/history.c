/*-------------------------------------------------------------------------
 *
 * history.c
 *		Delete what is told of a user's statements.
 *
 * The rows were written by the worker of a journal (fdw/journal.c).
 *
 * IDENTIFICATION
 *		src/redshift/history.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "redshift/tables.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(redshift_clear_history);

/* What ran when its server process ended without a word does not run any more. */
#define ENDED_BEFORE \
	"user_id = $1 AND start_time <= $2 AND (status <> 'running' OR NOT EXISTS " \
	"(SELECT FROM pg_stat_activity a WHERE a.pid = session_id))"

Datum
redshift_clear_history(PG_FUNCTION_ARGS)
{
	/* each, with %s for the extension's schema, of the statements deleted first */
	static const char *const details[] = {
		"DELETE FROM redshift.journal_load_files d USING unnest($1) AS q WHERE d.query_id = q",
		"DELETE FROM redshift.journal_replacements d USING unnest($1) AS q WHERE d.query_id = q",
		"DELETE FROM redshift.journal_unload_files d USING unnest($1) AS q WHERE d.query_id = q",
		"DELETE FROM %s.s3_rejected_rows d USING unnest($1) AS q WHERE d.scan = q AND d.userid = $2"
	};
	TablesUser	user;
	Datum		before = DirectFunctionCall2(timestamptz_mi_interval,
											 TimestampTzGetDatum(GetCurrentTimestamp()),
											 PG_GETARG_DATUM(0));
	Oid			types[2] = {OIDOID, TIMESTAMPTZOID};
	Datum		values[2];
	int64		count;
	bool		isnull;
	Datum		ids;

	tables_enter(&user);
	values[0] = ObjectIdGetDatum(user.userid);
	values[1] = before;
	(void) tables_run("WITH l AS (DELETE FROM redshift.journal_loads "
					  "WHERE " ENDED_BEFORE " RETURNING query_id), "
					  "u AS (DELETE FROM redshift.journal_unloads "
					  "WHERE " ENDED_BEFORE " RETURNING query_id) "
					  "SELECT count(*), coalesce(array_agg(query_id), '{}') "
					  "FROM (SELECT * FROM l UNION ALL SELECT * FROM u) gone",
					  2, types, values, NULL);
	count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	ids = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull);
	types[0] = INT8ARRAYOID;
	values[0] = ids;
	types[1] = OIDOID;
	values[1] = ObjectIdGetDatum(user.userid);
	for (int i = 0; i < (int) lengthof(details) && count > 0; i++)
		(void) tables_run(psprintf(details[i], user.schema),
						  strstr(details[i], "$2") ? 2 : 1, types, values, NULL);
	tables_leave(&user);
	PG_RETURN_INT64(count);
}
