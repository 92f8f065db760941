/*-------------------------------------------------------------------------
 *
 * schema.c
 *		s3_infer_schema(), s3_schema_ddl().
 *
 * IDENTIFICATION
 *		src/commands/schema.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/option.h"
#include "catalog/pg_foreign_table.h"
#include "commands/common.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "schema/ddl.h"
#include "schema/names.h"
#include "schema/schema.h"
#include "utils/builtins.h"

/* The arguments that both functions begin with. */
typedef enum SchemaArgument
{
	ARG_LOCATION,
	ARG_SERVER,
	ARG_OPTIONS,				/* the first of those that are options */
	ARG_SAMPLE_ROWS = ARG_OPTIONS + 12,
	ARG_FULL,
	ARG_EPOCH,
	ARG_DIALECT,				/* s3_schema_ddl() only */
	ARG_TABLE_NAME
} SchemaArgument;

typedef enum ArgumentType
{
	ARGUMENT_TEXT,
	ARGUMENT_BOOL,
	ARGUMENT_BIGINT
} ArgumentType;

/* In the order of arguments. */
static const struct
{
	const char *option;
	ArgumentType type;
}			option_arguments[] = {
	{"format", ARGUMENT_TEXT},
	{"header", ARGUMENT_BOOL},
	{"delimiter", ARGUMENT_TEXT},
	{"quote", ARGUMENT_TEXT},
	{"escape", ARGUMENT_TEXT},
	{"null", ARGUMENT_TEXT},
	{"compression", ARGUMENT_TEXT},
	{"encoding", ARGUMENT_TEXT},
	{"records", ARGUMENT_TEXT},
	{"fixedwidth", ARGUMENT_TEXT},
	{"skip_lines", ARGUMENT_BIGINT},
	{"comment", ARGUMENT_TEXT}
};

StaticAssertDecl(lengthof(option_arguments) == ARG_SAMPLE_ROWS - ARG_OPTIONS,
				 "arguments and options differ");

static char *
argument_text(FunctionCallInfo fcinfo, int arg, ArgumentType type)
{
	switch (type)
	{
		case ARGUMENT_BOOL:
			return PG_GETARG_BOOL(arg) ? "true" : "false";
		case ARGUMENT_BIGINT:
			return psprintf("%lld", (long long) PG_GETARG_INT64(arg));
		case ARGUMENT_TEXT:
			break;
	}
	return text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

/* The schema that the arguments ask for. */
static Schema *
infer(FunctionCallInfo fcinfo, Oid serverid, S3Stats *stats)
{
	SchemaRequest request = {0};

	if (PG_ARGISNULL(ARG_LOCATION))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("location must not be null")));
	request.options = list_make1(schema_option("location",
											   text_to_cstring(PG_GETARG_TEXT_PP(ARG_LOCATION))));
	for (int i = 0; i < (int) lengthof(option_arguments); i++)
	{
		int			arg = ARG_OPTIONS + i;

		if (!PG_ARGISNULL(arg))
			request.options = lappend(request.options,
									  schema_option(option_arguments[i].option,
													argument_text(fcinfo, arg, option_arguments[i].type)));
	}
	s3_options_check(schema_complete_options(list_copy(request.options)), ForeignTableRelationId);
	request.sample_rows = PG_ARGISNULL(ARG_SAMPLE_ROWS) ? SCHEMA_SAMPLE_ROWS :
		PG_GETARG_INT64(ARG_SAMPLE_ROWS);
	request.full = !PG_ARGISNULL(ARG_FULL) && PG_GETARG_BOOL(ARG_FULL);
	request.epoch = !PG_ARGISNULL(ARG_EPOCH) && PG_GETARG_BOOL(ARG_EPOCH);
	if (request.sample_rows < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("sample_rows must be greater than zero")));
	request.client = s3_client_create(serverid, GetUserId(), stats);
	return schema_infer(&request, false);
}

static Oid
get_server(FunctionCallInfo fcinfo)
{
	return s3_server_by_name(PG_ARGISNULL(ARG_SERVER) ? NULL :
							 NameStr(*PG_GETARG_NAME(ARG_SERVER)));
}

PG_FUNCTION_INFO_V1(s3_infer_schema);

Datum
s3_infer_schema(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	S3Stats		stats = {0};
	Schema	   *schema = infer(fcinfo, get_server(fcinfo), &stats);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < schema->ncolumns; i++)
	{
		const SchemaColumn *column = &schema->columns[i];
		NameData	name;
		Datum		values[6];
		bool		nulls[6] = {0};

		namestrcpy(&name, column->name);
		values[0] = NameGetDatum(&name);
		values[1] = CStringGetTextDatum(guess_type_name(column->type));
		nulls[2] = column->source_name == NULL;
		if (column->source_name)
			values[2] = CStringGetTextDatum(column->source_name);
		values[3] = Float8GetDatum(column->null_share);
		nulls[4] = column->contradiction_object == NULL;
		if (column->contradiction_object)
			values[4] = CStringGetTextDatum(column->contradiction_object);
		nulls[5] = column->contradiction_line == 0;
		values[5] = Int64GetDatum(column->contradiction_line);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(s3_schema_ddl);

Datum
s3_schema_ddl(PG_FUNCTION_ARGS)
{
	S3Stats		stats = {0};
	Oid			serverid = get_server(fcinfo);
	char	   *dialect = PG_ARGISNULL(ARG_DIALECT) ? "postgres" :
		text_to_cstring(PG_GETARG_TEXT_PP(ARG_DIALECT));
	bool		postgres = pg_strcasecmp(dialect, "postgres") == 0;
	bool		redshift = pg_strcasecmp(dialect, "redshift") == 0;
	Schema	   *schema;
	char	   *table;
	char	   *ddl;

	if (!postgres && !redshift && pg_strcasecmp(dialect, "athena") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no dialect \"%s\"", dialect),
				 errhint("Dialects are \"postgres\", \"redshift\" and \"athena\".")));
	schema = infer(fcinfo, serverid, &stats);
	table = PG_ARGISNULL(ARG_TABLE_NAME) ?
		ddl_table_name(s3_option_value(schema->options, "location")) :
		text_to_cstring(PG_GETARG_TEXT_PP(ARG_TABLE_NAME));
	if (postgres)
		ddl = ddl_postgres(schema, table, GetForeignServer(serverid)->servername);
	else if (redshift)
		ddl = ddl_redshift(schema, table);
	else
		ddl = ddl_athena(schema, table);
	PG_RETURN_TEXT_P(cstring_to_text(ddl));
}
