/*-------------------------------------------------------------------------
 *
 * schema.c
 *		Tables that fit the objects of a location.
 *
 * Lists the location as a scan would, takes a sample of its objects, and makes
 * of what was counted columns with names, types and options such that a foreign
 * table of them reads the objects.  Folders "key=value" that all objects are in
 * become columns, too; their values are all known from the listing.
 *
 * IDENTIFICATION
 *		src/schema/schema.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "fdw/layout.h"
#include "fdw/manifest.h"
#include "format/fixed.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "s3/uri.h"
#include "schema/names.h"
#include "schema/sample.h"
#include "schema/schema.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Folders deeper than this are no columns. */
#define MAX_PARTITIONS 64

DefElem *
schema_option(const char *name, const char *value)
{
	return makeDefElem(pstrdup(name), (Node *) makeString(pstrdup(value)), -1);
}

List *
schema_complete_options(List *options)
{
	if (s3_option_value(options, "format"))
		return options;
	if (s3_option_value(options, "records"))
		return lappend(options, schema_option("format", "json"));
	if (s3_option_value(options, "fixedwidth"))
		return lappend(options, schema_option("format", "fixedwidth"));
	return options;
}

/* --------------------------------------------------------------------- listing */

static S3Manifest *
list_objects(const SchemaRequest *request, const S3TableOptions *options)
{
	S3ColumnOptions *none = NULL;
	S3Layout   *layout = layout_create(CreateTemplateTupleDesc(0), options, &none);

	return manifest_build(request->client, options, layout, 0);
}

/* ------------------------------------------------------------------- partitions */

/* Length of k, if the folder that begins here is k=v. */
static Size
folder_key(const char *folder, const char *slash)
{
	const char *equals = memchr(folder, '=', slash - folder);

	if (equals == NULL || equals == folder || memchr(folder, '%', equals - folder))
		return 0;
	return equals - folder;
}

/* Is there a folder "k=..." in the key? */
static bool
has_folder(const char *key, const char *k)
{
	Size		len = strlen(k);
	const char *slash;

	for (; (slash = strchr(key, '/')) != NULL; key = slash + 1)
	{
		if (folder_key(key, slash) == len && memcmp(key, k, len) == 0)
			return true;
	}
	return false;
}

/* The keys of folders that all objects are in, below the location itself. */
static List *
find_partitions(S3Manifest *manifest, const char *location)
{
	List	   *keys = NIL;
	ManifestObject object;
	S3Location *parsed = linitial(s3_location_list_parse(location));
	char	   *above = pstrdup(parsed->list_prefix);
	const char *p;
	const char *slash;

	if (strrchr(above, '/'))
		strrchr(above, '/')[1] = '\0';
	else
		above[0] = '\0';
	manifest_object(manifest, 0, &object);
	if (strncmp(object.info.key, above, strlen(above)) != 0)
		return NIL;
	for (p = object.info.key + strlen(above); (slash = strchr(p, '/')) != NULL; p = slash + 1)
	{
		Size		len = folder_key(p, slash);
		char	   *k = pnstrdup(p, len);
		bool		known = len == 0 || has_folder(above, k);
		ListCell   *lc;

		foreach(lc, keys)
			known = known || strcmp(lfirst(lc), k) == 0;
		if (!known && list_length(keys) < MAX_PARTITIONS)
			keys = lappend(keys, k);
	}
	for (int i = 1; i < manifest->nobjects && keys != NIL; i++)
	{
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		manifest_object(manifest, i, &object);
		foreach(lc, keys)
		{
			if (!has_folder(object.info.key, lfirst(lc)))
				keys = foreach_delete_current(keys, lc);
		}
	}
	return keys;
}

/* Count the values of such folders, one for each object. */
static ColumnGuess *
count_partitions(S3Manifest *manifest, const S3TableOptions *options, List *keys)
{
	int			n = list_length(keys);
	ColumnGuess *guesses = palloc0(sizeof(ColumnGuess) * n);
	TupleDesc	desc = CreateTemplateTupleDesc(n);
	S3ColumnOptions **column_options = palloc(sizeof(S3ColumnOptions *) * n);
	bool	   *needed = palloc(sizeof(bool) * n);
	Datum	   *values = palloc(sizeof(Datum) * n);
	bool	   *nulls = palloc(sizeof(bool) * n);
	S3Layout   *layout;
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw partitions",
											  ALLOCSET_SMALL_SIZES);

	for (int i = 0; i < n; i++)
	{
		TupleDescInitEntry(desc, i + 1, NULL, TEXTOID, -1, 0);
		column_options[i] = palloc0(sizeof(S3ColumnOptions));
		column_options[i]->partition = list_nth(keys, i);
		needed[i] = true;
	}
	layout = layout_create(desc, options, column_options);
	for (int i = 0; i < manifest->nobjects; i++)
	{
		ManifestObject object;
		MemoryContext save = MemoryContextSwitchTo(cxt);

		CHECK_FOR_INTERRUPTS();
		manifest_object(manifest, i, &object);
		layout_values(layout, &object, needed, values, nulls);
		for (int j = 0; j < n; j++)
		{
			char	   *folder = nulls[j] ? NULL : TextDatumGetCString(values[j]);
			ValuePlace *place = folder ?
				guess_add(&guesses[j], folder, strlen(folder), SYNTAX_PLAIN) : NULL;

			if (place)
				*place = (ValuePlace) {.serial = i, .object = i};
		}
		MemoryContextSwitchTo(save);
		MemoryContextReset(cxt);
	}
	MemoryContextDelete(cxt);
	return guesses;
}

/* --------------------------------------------------------------------- columns */

/* Say how the column is to be found, if its name does not. */
static void
add_source_option(const Schema *schema, SchemaColumn *column, bool by_name)
{
	if (column->is_partition)
		column->options = lappend(column->options,
								  schema_option("partition", column->source_name));
	else if (column->source_name == NULL ||
			 strcmp(column->source_name, column->name) == 0)
		return;
	else if (column->source_name[0] != '\0')
		column->options = lappend(column->options,
								  schema_option("column_name", column->source_name));
	else if (by_name && schema->format == FORMAT_JSON)
		column->options = lappend(column->options, schema_option("path", "$[\"\"]"));
}

static void
set_column(SchemaColumn *column, const ColumnGuess *guess, int64 nrecords, bool epoch,
		   S3Manifest *manifest)
{
	const ValuePlace *place;
	EpochUnit	unit = EPOCH_NONE;

	column->type = guess_type(guess, &place, epoch ? &unit : NULL);
	column->sizes = guess->sizes;
	column->null_share = 1.0;
	if (nrecords > 0)
		column->null_share = (double) (nrecords - guess->nvalues -
									   (column->type == GUESS_TEXT ? guess->nempty : 0)) / nrecords;
	if (guess->nempty > 0 && column->type != GUESS_TEXT)
		column->options = lappend(column->options, schema_option("force_null", "true"));
	if (unit != EPOCH_NONE)
		column->options = lappend(column->options,
								  schema_option("timeformat", unit == EPOCH_SECONDS ?
												"epochsecs" : "epochmillisecs"));
	if (place)
	{
		ManifestObject object;

		manifest_object(manifest, place->object, &object);
		column->contradiction_object = s3_location_format(object.bucket, object.info.key);
		column->contradiction_line = place->line;
	}
}

/* The names that the option fixedwidth has before its colons. */
static const char *
fixed_name(const char *spec, int number)
{
	const char *end;
	const char *colon;

	for (; number > 0 && spec; number--)
	{
		spec = strchr(spec, ',');
		spec = spec ? spec + 1 : NULL;
	}
	if (spec == NULL)
		return NULL;
	spec += strspn(spec, " ");
	end = spec + strcspn(spec, ",");
	colon = memchr(spec, ':', end - spec);
	return colon && colon > spec ? pnstrdup(spec, colon - spec) : NULL;
}

static void
make_columns(Schema *schema, const SchemaRequest *request, const Sample *sample,
			 S3Manifest *manifest, List *partitions, bool by_name)
{
	int			npartitions = list_length(partitions);
	NameSet    *names = name_set_create();

	if (sample->ncolumns + npartitions > MaxHeapAttributeNumber)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("the objects have more than %d columns", MaxHeapAttributeNumber)));
	schema->ncolumns = sample->ncolumns + npartitions;
	schema->columns = palloc0(sizeof(SchemaColumn) * Max(schema->ncolumns, 1));
	for (int i = 0; i < sample->ncolumns; i++)
	{
		SchemaColumn *column = &schema->columns[i];
		const char *source = sample->columns[i].source_name;

		column->source_name = sample->columns[i].source_name;
		if (source == NULL && schema->format == FORMAT_FIXEDWIDTH)
			source = fixed_name(sample->format.fixedwidth, i);
		column->name = name_clean(names, source ? source : "", psprintf("column_%d", i + 1));
		set_column(column, &sample->columns[i].guess, sample->nrecords, request->epoch, manifest);
		add_source_option(schema, column, by_name);
	}
	if (npartitions > 0)
	{
		S3TableOptions options = {.location = s3_option_value(schema->options, "location")};
		ColumnGuess *guesses = count_partitions(manifest, &options, partitions);

		for (int i = 0; i < npartitions; i++)
		{
			SchemaColumn *column = &schema->columns[sample->ncolumns + i];

			column->is_partition = true;
			column->source_name = list_nth(partitions, i);
			column->name = name_clean(names, column->source_name, psprintf("partition_%d", i + 1));
			set_column(column, &guesses[i], manifest->nobjects, false, manifest);
			add_source_option(schema, column, by_name);
		}
	}
}

/* ---------------------------------------------------------------------- options */

static void
add_option(Schema *schema, const char *name, const char *value)
{
	if (s3_option_value(schema->options, name) == NULL)
		schema->options = lappend(schema->options, schema_option(name, value));
}

/*
 * What the sample says about how columns are to be matched.  Returns whether
 * that is by name.
 */
static bool
add_matching(Schema *schema, const Sample *sample)
{
	bool		stated = s3_option_value(schema->options, "match_by") != NULL;

	if (sample->has_bom)
		add_option(schema, "encoding", "UTF8BOM");
	if (schema->format == FORMAT_JSON)
		return true;
	if (schema->format == FORMAT_FIXEDWIDTH)
		return false;
	if (sample->widths_differ)
		add_option(schema, "missing_fields", "null");
	if (!schema->has_header)
		return false;
	if (stated ? sample->format.match_by == MATCH_BY_POSITION : sample->names_unusable)
	{
		if (sample->headers_differ && !stated)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INCONSISTENT_DESCRIPTOR_INFORMATION),
					 errmsg("header lines of \"%s\" differ, and have empty or repeated names",
							s3_option_value(schema->options, "location")),
					 errhint("Fields cannot be matched by name then; take objects with the same header, or state match_by 'position'.")));
		return false;
	}
	if (sample->format.header == HEADER_MATCH)
		return false;
	add_option(schema, "match_by", "name");
	if (sample->headers_differ)
		add_option(schema, "missing_fields", "null");
	return true;
}

/* -------------------------------------------------------------------------- all */

Schema *
schema_infer(const SchemaRequest *stated, bool missing_ok)
{
	SchemaRequest completed = *stated;
	const SchemaRequest *request = &completed;
	const S3TableOptions *options;
	const char *location = s3_option_value(request->options, "location");
	List	   *plain = NIL;
	ListCell   *lc;
	S3Manifest *manifest;
	Sample	   *sample;
	Schema	   *schema;

	completed.options = schema_complete_options(list_copy(stated->options));

	/* records of DynamoDB are listed as all others */
	foreach(lc, request->options)
	{
		DefElem    *elem = lfirst(lc);

		if (strcmp(elem->defname, "records") != 0 || strcmp(defGetString(elem), "dynamodb") != 0)
			plain = lappend(plain, elem);
	}
	options = s3_table_options_make(plain);
	(void) s3_location_list_parse(location);
	manifest = list_objects(request, options);
	if (manifest->nobjects == 0)
	{
		manifest_free(manifest);
		if (missing_ok)
			return NULL;
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("there is no object to infer a schema from at \"%s\"", location),
				 errdetail("Empty objects, and keys with a part that begins with \"_\" or \".\", are passed over.")));
	}
	sample = sample_take(request, manifest);

	schema = palloc0(sizeof(Schema));
	schema->options = sample->dialect.options;
	schema->format = sample->format.format;
	schema->has_header = sample->format.header != HEADER_FALSE;
	schema->delimiter = sample->format.delimiter;
	schema->quote = sample->format.quote;
	schema->quotes_seen = sample->dialect.quotes_seen;
	schema->is_dynamodb = sample->dialect.is_dynamodb;
	make_columns(schema, request, sample, manifest, find_partitions(manifest, location),
				 add_matching(schema, sample));
	if (schema->ncolumns == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("the objects of \"%s\" hold nothing to infer a schema from", location)));
	if (sample->nothing_shared || sample->widths_differ)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("the objects of \"%s\" do not have the same columns", location),
				 errhint("If they are different tables, use IMPORT FOREIGN SCHEMA from their folder itself.")));
	manifest_free(manifest);
	return schema;
}
