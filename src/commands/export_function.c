/*-------------------------------------------------------------------------
 *
 * export_function.c
 *		s3_export(): its arguments and its result.
 *
 * Above: SQL.  Below: export.c, which does it.
 *
 * IDENTIFICATION
 *		src/commands/export_function.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "commands/common.h"
#include "commands/export.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "s3/uri.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

/* The arguments of s3_export() that are options, in order from the third on. */
static const struct
{
	const char *name;
	Oid			type;
}			arguments[] = {
	{"server", NAMEOID},
	{"format", TEXTOID},
	{"compression", TEXTOID},
	{"header", BOOLOID},
	{"delimiter", TEXTOID},
	{"quote", TEXTOID},
	{"escape", TEXTOID},
	{"null", TEXTOID},
	{"force_quote", TEXTOID},
	{"fixedwidth", TEXTOID},
	{"array", BOOLOID},
	{"encoding", TEXTOID},
	{"overwrite", TEXTOID},
	{"dry_run", BOOLOID},
	{"empty_result", TEXTOID},
	{"parallel", BOOLOID},
	{"file_name", TEXTOID},
	{"max_file_size", TEXTOID},
	{"rows_per_file", INT8OID},
	{"partition_by", TEXTOID},
	{"keep_partition_columns", BOOLOID},
	{"manifest", TEXTOID},
	{"success_marker", BOOLOID},
	{"part_size", TEXTOID},
	{"expected_size", TEXTOID},
	{"checksum", TEXTOID},
	{"content_type", TEXTOID},
	{"content_encoding", TEXTOID},
	{"metadata", JSONBOID},
	{"tags", JSONBOID},
	{"storage_class", TEXTOID},
	{"sse", TEXTOID},
	{"kms_key_id", TEXTOID},
	{"acl", TEXTOID},
};

static char *
argument_text(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(i));
}

/* The arguments that are set, as options; *server is the one that is none. */
static List *
collect_options(FunctionCallInfo fcinfo, char **server)
{
	List	   *options = NIL;

	*server = NULL;
	for (int i = 0; i < (int) lengthof(arguments); i++)
	{
		char	   *value = NULL;
		Jsonb	   *jsonb;

		if (PG_ARGISNULL(i + 2))
			continue;
		switch (arguments[i].type)
		{
			case NAMEOID:
				*server = pstrdup(NameStr(*PG_GETARG_NAME(i + 2)));
				continue;
			case BOOLOID:
				value = PG_GETARG_BOOL(i + 2) ? "true" : "false";
				break;
			case INT8OID:
				value = psprintf(INT64_FORMAT, PG_GETARG_INT64(i + 2));
				break;
			case JSONBOID:
				jsonb = PG_GETARG_JSONB_P(i + 2);
				value = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
				break;
			case TEXTOID:
				value = argument_text(fcinfo, i + 2);
				break;
		}
		options = lappend(options, makeDefElem(pstrdup(arguments[i].name),
											   (Node *) makeString(value), -1));
	}
	return options;
}

/* A row of the result. */
static void
add_result(void *arg, const ExportedObject *object)
{
	ReturnSetInfo *result = arg;
	Datum		values[5];
	bool		nulls[5] = {0};
	const char *action = NULL;

	switch (object->action)
	{
		case EXPORT_FILE:
		case EXPORT_EXTRA:
			action = "written";
			break;
		case EXPORT_DELETED:
			action = "deleted";
			break;
		case EXPORT_TO_BE_DELETED:
			action = "to be deleted";
			break;
	}
	values[0] = CStringGetTextDatum(s3_location_of(object->bucket, object->key));
	values[1] = Int64GetDatum(object->rows);
	nulls[1] = object->action != EXPORT_FILE;
	values[2] = Int64GetDatum(object->bytes);
	nulls[3] = object->etag == NULL;
	if (object->etag)
		values[3] = CStringGetTextDatum(object->etag);
	values[4] = CStringGetTextDatum(action);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(s3_export);

Datum
s3_export(PG_FUNCTION_ARGS)
{
	char	   *server_name;
	ExportTotals totals;
	ExportRequest request = {
		.query = argument_text(fcinfo, 0),
		.location = argument_text(fcinfo, 1),
		.options = collect_options(fcinfo, &server_name),
		.handler = add_result
	};

	if (request.query == NULL || request.location == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("query and location must not be null")));
	InitMaterializedSRF(fcinfo, 0);
	request.arg = fcinfo->resultinfo;
	request.serverid = s3_server_by_name(server_name);
	export_run(&request, &totals);
	return (Datum) 0;
}
