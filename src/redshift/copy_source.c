/*-------------------------------------------------------------------------
 *
 * copy_source.c
 *		What COPY of Redshift says about its files, as options of the engine.
 *
 * Above: copy.c.  Nothing is decided here about single values: that is done by
 * the readers, which are told by RedshiftFormat.
 *
 * IDENTIFICATION
 *		src/redshift/copy_source.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/json_path.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "redshift/copy_source.h"
#include "s3/source.h"
#include "s3/uri.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

/* A jsonpaths file is a line for each column. */
#define JSONPATHS_MAX (1024 * 1024)

/* Where DynamoDB's exports are, in the bucket that they were told. */
#define DYNAMODB_FOLDER "AWSDynamoDB/"

#define JSONPATHS_KEY "jsonpaths"

/* --------------------------------------------------------------------- locations */

/* The bucket, for which *key is set. */
static char *
split_location(const char *location, const char **key)
{
	S3Location *parsed = s3_location_parse_or_error(location);

	*key = location + strlen("s3://") + strlen(parsed->bucket);
	if (**key == '/')
		(*key)++;
	return parsed->bucket;
}

const char *
copy_source_key(const char *location)
{
	const char *key;

	(void) split_location(location, &key);
	return key;
}

/* Would a list of locations be taken for two at this comma? */
static bool
separates_locations(const char *comma)
{
	const char *next = comma + 1;

	next += strspn(next, " \t\r\n");
	return *comma == ',' && strncmp(next, "s3://", 5) == 0;
}

/*
 * The location of all keys that begin with the one given, or of that alone:
 * characters in it mean nothing but themselves.
 */
static char *
engine_location(const char *location, bool alone)
{
	const char *key;
	char	   *bucket = split_location(location, &key);
	char	   *escaped = s3_location_of(bucket, key);
	StringInfoData result;
	bool		is_glob = false;

	initStringInfo(&result);
	for (const char *p = escaped; *p; p++)
	{
		if (separates_locations(p))
		{
			appendStringInfoString(&result, "[,]");
			is_glob = true;
		}
		else
			appendStringInfoChar(&result, *p);
	}
	/* A pattern has to match as a whole, other than a prefix. */
	if (is_glob && !alone)
		appendStringInfoString(&result, "**");
	return result.data;
}

/* ------------------------------------------------------------------------- format */

static void
set_redshift_format(const RedshiftStatement *statement, RedshiftFormat *format)
{
	format->on = true;
	format->escape = statement->escape;
	format->remove_quotes = statement->remove_quotes;
	format->null_is_nul = statement->null_is_nul;
	format->fill_record = statement->fill_record;
	format->ignore_blank_lines = statement->ignore_blank_lines;
	format->trim_blanks = statement->trim_blanks;
	format->blanks_as_null = statement->blanks_as_null;
	format->empty_as_null = statement->empty_as_null;
	format->round_decimals = statement->round_decimals;
	format->accept_any_date = statement->accept_any_date;
	if (statement->accept_invalid_characters)
		format->replacement = statement->replacement;
}

static void
set_lines(const RedshiftStatement *statement, FormatOptions *format)
{
	switch (statement->format)
	{
		case REDSHIFT_CSV:
			format->format = FORMAT_CSV;
			format->delimiter = statement->delimiter ? statement->delimiter : ",";
			format->quote = statement->quote ? statement->quote : "\"";
			format->escape = format->quote;
			if (strcmp(format->delimiter, format->quote) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("delimiter and quote must be different")));
			break;
		case REDSHIFT_FIXEDWIDTH:
			format->format = FORMAT_FIXEDWIDTH;
			format->fixedwidth = statement->fixedwidth;
			break;
		case REDSHIFT_JSON:
			format->format = FORMAT_JSON;
			format->records = RECORDS_OBJECTS;
			break;
		default:
			format->format = FORMAT_TEXT;
			format->delimiter = statement->delimiter ? statement->delimiter : "|";
			break;
	}
	if (strpbrk(format->delimiter, "\r\n"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("delimiter cannot be newline or carriage return")));
	format->null = statement->null_as ? statement->null_as : "\\N";
	format->skip_lines = Max(statement->ignore_header, 0);
}

S3TableOptions *
copy_source_options(const RedshiftStatement *statement)
{
	char	   *location = engine_location(statement->location, statement->manifest);
	DefElem    *option = makeDefElem("location", (Node *) makeString(location), -1);
	S3TableOptions *options = s3_table_options_make(list_make1(option));
	FormatOptions *format = &options->format;

	if (statement->manifest)
	{
		const char *key = copy_source_key(statement->location);

		if (key[0] == '\0' || key[strlen(key) - 1] == '/')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is not the location of a manifest", statement->location)));
	}
	options->manifest = statement->manifest;
	options->on_error = ON_ERROR_SKIP;
	options->max_errors = statement->ignore_all_errors ? -1 : Max(statement->max_errors, 1) - 1;
	options->on_bad_object = ON_BAD_OBJECT_SKIP;
	options->validate = VALIDATE_ALL;

	set_lines(statement, format);
	format->compression = statement->compression;
	format->encoding = statement->encoding;
	format->ignore_case = statement->json == REDSHIFT_JSON_IGNORECASE;
	format->dateformat = statement->dateformat;
	format->timeformat = statement->timeformat;
	format->truncate_strings = statement->truncate_columns;
	set_redshift_format(statement, &format->redshift);
	return options;
}

/* ---------------------------------------------------------------------- jsonpaths */

/* The file must not be one of those that are loaded. */
static void
check_jsonpaths_place(const RedshiftStatement *statement, const char *bucket, const char *key)
{
	const char *prefix;
	char	   *data_bucket = split_location(statement->location, &prefix);

	if (statement->manifest || strcmp(bucket, data_bucket) != 0 ||
		strncmp(key, prefix, strlen(prefix)) != 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the jsonpaths file \"%s\" is below the data's prefix", statement->json_paths),
			 errdetail("It would be loaded as data."),
			 errhint("Keep it elsewhere.")));
}

/* The paths (char *), or NIL if the file says something else at its top. */
static List *
read_jsonpaths(const RedshiftStatement *statement, const S3Client *client)
{
	const char *key;
	char	   *bucket = split_location(statement->json_paths, &key);
	const char *reason;
	char	   *text;
	Size		len;
	Jsonb	   *document;
	List	   *paths;

	check_jsonpaths_place(statement, bucket, key);
	text = s3_object_read(client, bucket, key, JSONPATHS_MAX, &len);
	if (strlen(text) != len)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("\"%s\" is no jsonpaths file", statement->json_paths),
				 errdetail("It holds a zero byte.")));
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	text = pg_any_to_server(text, (int) strlen(text), PG_UTF8);
	document = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	if (JB_ROOT_IS_OBJECT(document) &&
		getKeyJsonValueFromContainer(&document->root, JSONPATHS_KEY, strlen(JSONPATHS_KEY),
									 NULL) == NULL)
		return NIL;
	paths = jsonpaths_parse(text, strlen(text), &reason);
	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("\"%s\" is no jsonpaths file", statement->json_paths),
				 errdetail_internal("%s", reason)));
	return paths;
}

static void
apply_jsonpaths(const RedshiftStatement *statement, const S3Client *client, int ncolumns,
				S3ColumnOptions **columns, S3TableOptions *options)
{
	List	   *paths = read_jsonpaths(statement, client);
	ListCell   *lc;

	if (paths == NIL)
		return;
	if (list_length(paths) != ncolumns)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg_internal("Number of jsonpaths and the number of columns should match. "
								 "JSONPath size: %d, Number of columns in table or column list: %d",
								 list_length(paths), ncolumns)));
	foreach(lc, paths)
		columns[foreach_current_index(lc)]->path = lfirst(lc);
	options->format.records = RECORDS_VALUES;
}

/* ------------------------------------------------------------------------ columns */

/*
 * Items in exports of DynamoDB are wrapped; nobody means that with 'auto' whose
 * table has no column for it.
 */
static bool
is_dynamodb(const RedshiftStatement *statement, TupleDesc desc, const List *attnums)
{
	ListCell   *lc;

	if (strstr(copy_source_key(statement->location), DYNAMODB_FOLDER) == NULL)
		return false;
	foreach(lc, attnums)
	{
		if (pg_strcasecmp(NameStr(TupleDescAttr(desc, lfirst_int(lc) - 1)->attname), "item") == 0)
			return false;
	}
	return true;
}

S3ColumnOptions **
copy_source_columns(const RedshiftStatement *statement, TupleDesc desc, const List *attnums,
					const S3Client *client, S3TableOptions *options)
{
	int			ncolumns = list_length(attnums);
	S3ColumnOptions **columns = palloc(Max(ncolumns, 1) * sizeof(S3ColumnOptions *));

	for (int i = 0; i < ncolumns; i++)
		columns[i] = palloc0(sizeof(S3ColumnOptions));
	if (statement->format != REDSHIFT_JSON)
		return columns;
	switch (statement->json)
	{
		case REDSHIFT_JSON_NOSHRED:
			if (ncolumns != 1)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("JSON 'noshred' loads one column, but there are %d", ncolumns),
						 errhint("Name a column of type jsonb in the column list.")));
			columns[0]->path = "$";
			options->format.records = RECORDS_VALUES;
			break;
		case REDSHIFT_JSON_PATHS:
			apply_jsonpaths(statement, client, ncolumns, columns, options);
			break;
		default:
			if (is_dynamodb(statement, desc, attnums))
				options->format.records = RECORDS_DYNAMODB;
			break;
	}
	return columns;
}
