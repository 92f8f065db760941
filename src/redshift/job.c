/*-------------------------------------------------------------------------
 *
 * job.c
 *		COPY ... JOB: COPY statements that are stored, and run by name.
 *
 * A job is a row of redshift.copy_jobs and belongs to the user who has created
 * it; its name is that user's alone.  It runs as that user, when that user says
 * so, and loads what the ledger does not have yet.  AUTO is stored, for whatever
 * runs jobs (pg_cron, for example); no process of ours does.
 *
 * All of it is part of the caller's transaction.  That is more than Redshift
 * allows, which refuses jobs in a transaction block, and not less safe: what is
 * rolled back is not in the ledger either, so the next run loads it.
 *
 * IDENTIFICATION
 *		src/redshift/job.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "redshift/copy.h"
#include "redshift/job.h"
#include "redshift/tables.h"
#include "utils/builtins.h"

static void
answer(Tuplestorestate *out, TupleDesc desc, const char *text)
{
	Datum		value = CStringGetTextDatum(text);
	bool		isnull = false;

	tuplestore_putvalues(out, desc, &value, &isnull);
}

static void
report_no_job(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("COPY job \"%s\" does not exist", name),
			 errhint("COPY JOB LIST tells which jobs you have.")));
}

/* What a job may not be, for it runs again and again, and is stored. */
static void
check_copy(const RedshiftStatement *statement)
{
	const RedshiftAuthorization *authorization = &statement->authorization;
	const char *what = statement->manifest ? "MANIFEST" :
		statement->max_errors > 0 ? "MAXERROR" :
		statement->ignore_all_errors ? "IGNOREALLERRORS" :
		statement->no_load ? "NOLOAD" : NULL;

	if (authorization->access_key_id || authorization->secret_access_key ||
		authorization->session_token)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a COPY job cannot have keys"),
				 errdetail("Jobs are stored, keys never are."),
				 errhint("Use IAM_ROLE.")));
	if (what)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s is not supported in a COPY job", what)));
	(void) RangeVarGetRelid(makeRangeVar(statement->schema, statement->table, -1), NoLock, false);
}

static void
hint_at_schedule(const char *name)
{
	ereport(NOTICE,
			(errmsg("COPY job \"%s\" does not run by itself", name),
			 errhint("Have pg_cron call SELECT redshift('COPY JOB RUN %s').", quote_identifier(name))));
}

static void
create_job(const RedshiftStatement *statement)
{
	bool		is_auto = statement->job_auto != REDSHIFT_OFF;
	Oid			types[] = {OIDOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID};
	Datum		values[] = {
		ObjectIdGetDatum(GetUserId()),
		CStringGetTextDatum(statement->job_name),
		CStringGetTextDatum(statement->copy_text),
		CStringGetTextDatum(statement->location),
		BoolGetDatum(is_auto)
	};
	TablesUser	user;
	bool		created;

	check_copy(statement);
	tables_enter(&user);
	created = tables_run("INSERT INTO redshift.copy_jobs (owner, name, statement, location, auto, created_at) "
						 "VALUES ($1, $2, $3, $4, $5, clock_timestamp()) ON CONFLICT (owner, name) DO NOTHING",
						 lengthof(types), types, values, NULL) > 0;
	tables_leave(&user);
	if (!created)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("COPY job \"%s\" already exists", statement->job_name)));
	if (is_auto)
		hint_at_schedule(statement->job_name);
}

/* One of the constant statements, on the current user's job. */
static bool
change_job(const char *query, const RedshiftStatement *statement)
{
	Oid			types[] = {OIDOID, TEXTOID, BOOLOID};
	Datum		values[] = {
		ObjectIdGetDatum(GetUserId()),
		CStringGetTextDatum(statement->job_name),
		BoolGetDatum(statement->job_auto != REDSHIFT_OFF)
	};
	TablesUser	user;
	uint64		n;

	tables_enter(&user);
	n = tables_run(query, lengthof(types), types, values, NULL);
	tables_leave(&user);
	if (n == 0)
		report_no_job(statement->job_name);
	return n > 0;
}

/* The job's statement, in CurrentMemoryContext. */
static char *
find_job(const char *name, int64 *id, bool *is_auto)
{
	MemoryContext cxt = CurrentMemoryContext;
	Oid			types[] = {OIDOID, TEXTOID};
	Datum		values[] = {ObjectIdGetDatum(GetUserId()), CStringGetTextDatum(name)};
	TablesUser	user;
	char	   *text = NULL;

	tables_enter(&user);
	if (tables_run("SELECT job_id, auto, statement FROM redshift.copy_jobs "
				   "WHERE owner = $1 AND name = $2", lengthof(types), types, values, NULL) > 0)
	{
		HeapTuple	tuple = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;

		*id = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &isnull));
		*is_auto = DatumGetBool(SPI_getbinval(tuple, desc, 2, &isnull));
		text = MemoryContextStrdup(cxt, SPI_getvalue(tuple, desc, 3));
	}
	tables_leave(&user);
	if (text == NULL)
		report_no_job(name);
	return text;
}

static void
run_job(const char *name)
{
	int64		id;
	bool		is_auto;
	char	   *text = find_job(name, &id, &is_auto);
	RedshiftStatement *copy = redshift_parse(text);
	RedshiftCopyExtras extras = {
		.load_once = true,
		.copy_job_id = id
	};

	redshift_copy(copy, &extras);
}

static void
show_job(const char *name, Tuplestorestate *out, TupleDesc desc)
{
	int64		id;
	bool		is_auto;
	char	   *text = find_job(name, &id, &is_auto);

	answer(out, desc, psprintf("%s JOB CREATE %s AUTO %s", text, quote_identifier(name),
							   is_auto ? "ON" : "OFF"));
}

static void
list_jobs(Tuplestorestate *out, TupleDesc desc)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(GetUserId())};
	TablesUser	user;
	uint64		n;

	tables_enter(&user);
	n = tables_run("SELECT name FROM redshift.copy_jobs WHERE owner = $1 ORDER BY name",
				   lengthof(types), types, values, NULL);
	for (uint64 i = 0; i < n; i++)
		answer(out, desc, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
	tables_leave(&user);
}

void
redshift_job(const RedshiftStatement *statement, const char *text,
			 Tuplestorestate *out, TupleDesc desc)
{
	switch (statement->command)
	{
		case REDSHIFT_JOB_CREATE:
			create_job(statement);
			answer(out, desc, "COPY JOB CREATE");
			break;
		case REDSHIFT_JOB_ALTER:
			(void) change_job("UPDATE redshift.copy_jobs SET auto = $3 WHERE owner = $1 AND name = $2",
							  statement);
			if (statement->job_auto != REDSHIFT_OFF)
				hint_at_schedule(statement->job_name);
			answer(out, desc, "COPY JOB ALTER");
			break;
		case REDSHIFT_JOB_DROP:
			(void) change_job("DELETE FROM redshift.copy_jobs WHERE owner = $1 AND name = $2 "
							  "AND $3 IS NOT NULL", statement);
			answer(out, desc, "COPY JOB DROP");
			break;
		case REDSHIFT_JOB_RUN:
			run_job(statement->job_name);
			answer(out, desc, "COPY JOB RUN");
			break;
		case REDSHIFT_JOB_SHOW:
			show_job(statement->job_name, out, desc);
			break;
		case REDSHIFT_JOB_LIST:
			list_jobs(out, desc);
			break;
		case REDSHIFT_COPY:
		case REDSHIFT_UNLOAD:
			elog(ERROR, "the statement is no COPY JOB");
	}
}
