/*-------------------------------------------------------------------------
 *
 * ddl.c
 *		A schema as CREATE TABLE, for PostgreSQL, Redshift and Athena.
 *
 * IDENTIFICATION
 *		src/schema/ddl.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/option.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "s3/uri.h"
#include "schema/ddl.h"
#include "schema/names.h"
#include "utils/builtins.h"

/* What Redshift and Athena can hold. */
#define MAX_VARCHAR 65535
#define MAX_DECIMAL 38

/* Room for values that the sample has not seen. */
#define MIN_VARCHAR 16
#define SPARE_DIGITS 4

/* ------------------------------------------------------------------- PostgreSQL */

static void
append_options(StringInfo ddl, List *options)
{
	const char *separator = "";
	ListCell   *lc;

	appendStringInfoString(ddl, "OPTIONS (");
	foreach(lc, options)
	{
		DefElem    *elem = lfirst(lc);

		appendStringInfo(ddl, "%s%s %s", separator, quote_identifier(elem->defname),
						 quote_literal_cstr(defGetString(elem)));
		separator = ", ";
	}
	appendStringInfoChar(ddl, ')');
}

char *
ddl_postgres(const Schema *schema, const char *table, const char *server)
{
	StringInfoData ddl;

	initStringInfo(&ddl);
	appendStringInfo(&ddl, "CREATE FOREIGN TABLE %s (", quote_identifier(table));
	for (int i = 0; i < schema->ncolumns; i++)
	{
		const SchemaColumn *column = &schema->columns[i];

		appendStringInfo(&ddl, "%s\n  %s %s", i > 0 ? "," : "",
						 quote_identifier(column->name), guess_type_name(column->type));
		if (column->options != NIL)
		{
			appendStringInfoChar(&ddl, ' ');
			append_options(&ddl, column->options);
		}
	}
	appendStringInfo(&ddl, "\n) SERVER %s\n", quote_identifier(server));
	append_options(&ddl, schema->options);
	appendStringInfoChar(&ddl, ';');
	return ddl.data;
}

/* --------------------------------------------------------------------- Redshift */

/* Twice what was seen, up to a power of two. */
static int
varchar_size(const ValueSizes *sizes)
{
	int64		size = MIN_VARCHAR;

	while (size < 2 * sizes->bytes && size < MAX_VARCHAR)
		size *= 2;
	return (int) Min(size, MAX_VARCHAR);
}

static char *
decimal_type(const char *word, const ValueSizes *sizes)
{
	int			scale = Min(sizes->scale, MAX_DECIMAL - 1);
	int			precision = Max(sizes->digits + scale + SPARE_DIGITS, 18);

	if (sizes->digits + scale > MAX_DECIMAL)
		return NULL;
	return psprintf("%s(%d,%d)", word, Min(precision, MAX_DECIMAL), scale);
}

static char *
redshift_type(const SchemaColumn *column)
{
	char	   *type;

	switch (column->type)
	{
		case GUESS_INTEGER:
			return "INTEGER";
		case GUESS_BIGINT:
			return "BIGINT";
		case GUESS_NUMERIC:
			type = decimal_type("DECIMAL", &column->sizes);
			return type ? type : "DOUBLE PRECISION";
		case GUESS_DOUBLE:
			return "DOUBLE PRECISION";
		case GUESS_BOOLEAN:
			return "BOOLEAN";
		case GUESS_DATE:
			return "DATE";
		case GUESS_TIMESTAMP:
			return "TIMESTAMP";
		case GUESS_TIMESTAMPTZ:
			return "TIMESTAMPTZ";
		case GUESS_UUID:
			return "CHAR(36)";
		case GUESS_BYTEA:
			return "VARBYTE";
		case GUESS_JSONB:
			return "SUPER";
		case GUESS_TEXT:
			break;
	}
	return psprintf("VARCHAR(%d)", varchar_size(&column->sizes));
}

char *
ddl_redshift(const Schema *schema, const char *table)
{
	StringInfoData ddl;

	initStringInfo(&ddl);
	appendStringInfo(&ddl, "CREATE TABLE %s (", quote_identifier(table));
	for (int i = 0; i < schema->ncolumns; i++)
		appendStringInfo(&ddl, "%s\n  %s %s", i > 0 ? "," : "",
						 quote_identifier(schema->columns[i].name),
						 redshift_type(&schema->columns[i]));
	appendStringInfoString(&ddl, "\n);");
	return ddl.data;
}

/* ----------------------------------------------------------------------- Athena */

/* A literal of Hive's SQL, in which a backslash escapes. */
static void
append_hive_literal(StringInfo ddl, const char *text)
{
	appendStringInfoChar(ddl, '\'');
	for (const char *p = text; *p; p++)
	{
		unsigned char c = *p;

		if (c == '\'' || c == '\\')
			appendStringInfo(ddl, "\\%c", c);
		else if (c == '\t')
			appendStringInfoString(ddl, "\\t");
		else if (c < 0x20 || c == 0x7f)
			appendStringInfo(ddl, "\\u%04x", c);
		else
			appendStringInfoChar(ddl, c);
	}
	appendStringInfoChar(ddl, '\'');
}

/* quoted: of a file that only the reader of quoted CSV understands. */
static char *
athena_type(const SchemaColumn *column, bool quoted)
{
	char	   *type;

	/* It takes no empty field for a number, and dates only as numbers of days. */
	if (quoted && !column->is_partition &&
		(column->null_share > 0 || column->type >= GUESS_DATE || column->type == GUESS_NUMERIC))
		return "string";
	switch (column->type)
	{
		case GUESS_INTEGER:
			return "int";
		case GUESS_BIGINT:
			return "bigint";
		case GUESS_NUMERIC:
			type = decimal_type("decimal", &column->sizes);
			return type ? type : "double";
		case GUESS_DOUBLE:
			return "double";
		case GUESS_BOOLEAN:
			return "boolean";
		case GUESS_DATE:
			return "date";
		case GUESS_TIMESTAMP:
			return "timestamp";
		default:
			return "string";
	}
}

static void
append_athena_columns(StringInfo ddl, const Schema *schema, NameSet *names, bool partitions,
					  bool quoted, char **athena_names)
{
	const char *separator = "";

	for (int i = 0; i < schema->ncolumns; i++)
	{
		const SchemaColumn *column = &schema->columns[i];

		if (column->is_partition != partitions)
			continue;
		athena_names[i] = name_to_ascii(names, column->name, psprintf("column_%d", i + 1));
		appendStringInfo(ddl, "%s\n  `%s` %s", separator, athena_names[i],
						 athena_type(column, quoted));
		separator = ",";
	}
}

static void
append_property(StringInfo ddl, const char **separator, const char *name, const char *value)
{
	appendStringInfoString(ddl, *separator);
	append_hive_literal(ddl, name);
	appendStringInfoString(ddl, " = ");
	append_hive_literal(ddl, value);
	*separator = ", ";
}

static void
append_athena_serde(StringInfo ddl, const Schema *schema, bool quoted, char **names)
{
	const char *separator = "\nWITH SERDEPROPERTIES (";

	if (schema->format == FORMAT_JSON)
	{
		appendStringInfoString(ddl, "\nROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'");
		for (int i = 0; i < schema->ncolumns; i++)
		{
			const SchemaColumn *column = &schema->columns[i];

			if (!column->is_partition && column->source_name &&
				strcmp(column->source_name, names[i]) != 0)
				append_property(ddl, &separator, psprintf("mapping.%s", names[i]),
								column->source_name);
		}
		if (separator[0] == ',')
			appendStringInfoChar(ddl, ')');
	}
	else if (quoted)
	{
		appendStringInfoString(ddl, "\nROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'");
		append_property(ddl, &separator, "separatorChar", schema->delimiter);
		append_property(ddl, &separator, "quoteChar", schema->quote);
		appendStringInfoChar(ddl, ')');
	}
	else
	{
		appendStringInfoString(ddl, "\nROW FORMAT DELIMITED FIELDS TERMINATED BY ");
		append_hive_literal(ddl, schema->delimiter);
	}
	appendStringInfoString(ddl, "\nSTORED AS TEXTFILE");
}

char *
ddl_athena(const Schema *schema, const char *table)
{
	const char *text = s3_option_value(schema->options, "location");
	List	   *locations = s3_location_list_parse(text);
	S3Location *location = linitial(locations);
	Size		len = strlen(location->key);
	bool		quoted = schema->format == FORMAT_CSV && schema->quotes_seen;
	char	  **names = palloc0(sizeof(char *) * Max(schema->ncolumns, 1));
	NameSet    *taken = name_set_create();
	bool		any_partition = false;
	StringInfoData ddl;

	if (list_length(locations) != 1 || location->is_glob ||
		(len > 0 && location->key[len - 1] != '/'))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("a table of Athena is a folder, which \"%s\" is not", text),
				 errhint("Name a folder, as in \"s3://bucket/folder/\".")));
	if (schema->format == FORMAT_FIXEDWIDTH || schema->is_dynamodb)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("Athena has no reader for these objects")));
	for (int i = 0; i < schema->ncolumns; i++)
		any_partition = any_partition || schema->columns[i].is_partition;

	initStringInfo(&ddl);
	appendStringInfo(&ddl, "CREATE EXTERNAL TABLE `%s` (",
					 name_to_ascii(name_set_create(), name_clean(name_set_create(), table, "table_"),
								   "table_"));
	append_athena_columns(&ddl, schema, taken, false, quoted, names);
	appendStringInfoString(&ddl, "\n)");
	if (any_partition)
	{
		appendStringInfoString(&ddl, "\nPARTITIONED BY (");
		append_athena_columns(&ddl, schema, taken, true, quoted, names);
		appendStringInfoString(&ddl, "\n)");
	}
	append_athena_serde(&ddl, schema, quoted, names);
	appendStringInfoString(&ddl, "\nLOCATION ");
	append_hive_literal(&ddl, psprintf("s3://%s/%s", location->bucket, location->list_prefix));
	if (schema->has_header && strcmp(s3_option_value(schema->options, "header"), "first") != 0)
		appendStringInfoString(&ddl, "\nTBLPROPERTIES ('skip.header.line.count' = '1')");
	appendStringInfoChar(&ddl, ';');
	return ddl.data;
}

/* ------------------------------------------------------------------------ names */

char *
ddl_table_name(const char *location)
{
	S3Location *parsed = linitial(s3_location_list_parse(location));
	char	   *key = pstrdup(parsed->list_prefix);
	char	   *name;
	char	   *dot;

	for (;;)
	{
		Size		len = strlen(key);

		if (len > 0 && key[len - 1] == '/')
			key[len - 1] = '\0';
		name = strrchr(key, '/') ? strrchr(key, '/') + 1 : key;
		/* the folder of a value of a partition is no name of a table */
		if (strchr(name, '=') == NULL || name == key)
			break;
		name[0] = '\0';
	}
	dot = strchr(name, '.');
	if (dot && dot > name)
		*dot = '\0';
	return name_clean(name_set_create(), name[0] ? name : parsed->bucket, "data");
}
