/*-------------------------------------------------------------------------
 *
 * unit_load.c
 *		Load a table from objects, for SQL.
 *
 * IDENTIFICATION
 *		test/unit/unit_load.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "base/config.h"
#include "catalog/pg_type.h"
#include "commands/common.h"
#include "commands/load.h"
#include "fmgr.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(unit_load);

typedef struct UnitLoad
{
	char	   *except;			/* keys to leave out hold it; or NULL */
	StringInfoData objects;
} UnitLoad;

static bool
choose(void *arg, const char *bucket, const char *key, const char *etag, int64 size)
{
	UnitLoad   *unit = arg;

	if (etag == NULL || size <= 0)
		elog(ERROR, "object \"%s/%s\" is not described", bucket, key);
	return strstr(key, unit->except) == NULL;
}

static void
loaded(void *arg, const LoadedObject *object)
{
	UnitLoad   *unit = arg;

	appendStringInfo(&unit->objects, "%s%s %lld/%lld", unit->objects.len > 0 ? ", " : "",
					 object->key, (long long) object->rows, (long long) object->rejected);
}

/* The settings that the module has of its own, which nobody sets. */
static void
set_config(void)
{
	s3_read_memory = 24 * 1024;
	s3_read_concurrency = 8;
	s3_range_size = 4 * 1024;
	s3_chunk_size = 2 * 1024 * 1024;
	s3_max_connections = 16;
	s3_max_retries = 3;
	s3_connect_timeout = 5000;
	s3_stall_timeout = 30000;
	s3_allowed_endpoints = "";
}

static char *
argument(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(i));
}

/*
 * unit_load(target regclass, columns int[], server name, options text[], mode
 * text, except text): load it as the options, "name=value", say; the mode is
 * "insert", "check" (of NOT NULL), or "no_load".  Returns rows, rejected,
 * repaired, listed, objects, bytes, and what was told of objects.
 */
Datum
unit_load(PG_FUNCTION_ARGS)
{
	LoadJob		job = {.relid = PG_GETARG_OID(0)};
	LoadResult	result;
	UnitLoad	unit = {.except = argument(fcinfo, 5)};
	Relation	rel = table_open(job.relid, RowExclusiveLock);
	char	   *mode = argument(fcinfo, 4);
	S3Stats		stats = {0};
	List	   *options = NIL;
	Datum	   *elements;
	int			n;
	TupleDesc	desc;
	Datum		values[7];
	bool		nulls[7] = {false};

	set_config();
	initStringInfo(&unit.objects);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), INT4OID, sizeof(int32), true, TYPALIGN_INT,
					  &elements, NULL, &n);
	job.columns = palloc0((n + 1) * sizeof(S3ColumnOptions *));
	for (int i = 0; i < n; i++)
	{
		job.attnums = lappend_int(job.attnums, DatumGetInt32(elements[i]));
		job.columns[i] = palloc0(sizeof(S3ColumnOptions));
	}
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(3), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *option = TextDatumGetCString(elements[i]);
		char	   *equals = strchr(option, '=');

		*equals = '\0';
		options = lappend(options, makeDefElem(option, (Node *) makeString(equals + 1), -1));
	}
	job.options = s3_table_options_make(options);
	job.client = s3_client_for_server(NameStr(*PG_GETARG_NAME(2)), &stats);
	job.check_not_null = strcmp(mode, "check") == 0;
	job.no_load = strcmp(mode, "no_load") == 0;
	load_run(&job, unit.except ? choose : NULL, loaded, &unit, &result);
	table_close(rel, NoLock);

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int64GetDatum(result.rows);
	values[1] = Int64GetDatum(result.rejected);
	values[2] = Int64GetDatum(result.repaired);
	values[3] = Int64GetDatum(result.listed);
	values[4] = Int64GetDatum(result.objects);
	values[5] = Int64GetDatum(result.bytes);
	values[6] = CStringGetTextDatum(unit.objects.data);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
