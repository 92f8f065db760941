/*-------------------------------------------------------------------------
 *
 * redshift.c
 *		redshift() and redshift_execute(): statements as written for Redshift.
 *
 * IDENTIFICATION
 *		src/redshift/redshift.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/access.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "redshift/copy.h"
#include "redshift/job.h"
#include "redshift/statement.h"
#include "redshift/unload.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(s3_redshift);
PG_FUNCTION_INFO_V1(s3_redshift_execute);

/* One row: what was done. */
static void
answer(Tuplestorestate *out, TupleDesc desc, const char *what)
{
	Datum		value = CStringGetTextDatum(what);
	bool		isnull = false;

	tuplestore_putvalues(out, desc, &value, &isnull);
}

/* May there be keys in it?  This must be known before it is understood. */
static bool
mentions_keys(const char *text)
{
	for (const char *p = text; *p; p++)
	{
		if (pg_strncasecmp(p, "_key", 4) == 0)
			return true;
	}
	return false;
}

/* The answer goes into out, whose rows are of desc: one column of type text. */
static void
run_parsed(const char *text, Tuplestorestate *out, TupleDesc desc)
{
	RedshiftStatement *statement = redshift_parse(text);

	switch (statement->command)
	{
		case REDSHIFT_COPY:
			redshift_copy(statement, NULL);
			answer(out, desc, "COPY");
			break;
		case REDSHIFT_UNLOAD:
			redshift_unload(statement);
			answer(out, desc, "UNLOAD");
			break;
		default:
			redshift_job(statement, text, out, desc);
			break;
	}
}

static void
run_statement(const char *text, Tuplestorestate *out, TupleDesc desc)
{
	ErrorContextCallback *outer = error_context_stack;
	ErrorContextCallback context;

	if (mentions_keys(text))
		s3_access_hide_keys(&context);
	run_parsed(text, out, desc);
	error_context_stack = outer;
}

/* redshift(statement text) RETURNS SETOF text */
Datum
s3_redshift(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	run_statement(text_to_cstring(PG_GETARG_TEXT_PP(0)), result->setResult, result->setDesc);
	return (Datum) 0;
}

/* CALL redshift_execute(statement text) */
Datum
s3_redshift_execute(PG_FUNCTION_ARGS)
{
	TupleDesc	desc = CreateTemplateTupleDesc(1);
	Tuplestorestate *out = tuplestore_begin_heap(false, false, work_mem);

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("statement must not be null")));
	TupleDescInitEntry(desc, 1, "redshift", TEXTOID, -1, 0);
	run_statement(text_to_cstring(PG_GETARG_TEXT_PP(0)), out, desc);
	tuplestore_end(out);
	PG_RETURN_VOID();
}
