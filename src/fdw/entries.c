/*-------------------------------------------------------------------------
 *
 * entries.c
 *		Make a manifest from manifest objects.
 *
 * Above: listing.c.  A manifest object names the objects to read, in one of
 * three forms, told apart by the first line that is not blank:
 *
 * - a JSON object, as Amazon Redshift's COPY reads and UNLOAD writes it:
 *   {"entries": [{"url": "s3://bucket/key", "mandatory": true,
 *   "meta": {"content_length": 123}}, ...]}; an entry that is not mandatory may
 *   name an object that does not exist;
 * - lines of JSON objects, the manifest-files.json of a DynamoDB export:
 *   {"itemCount": 8, "md5Checksum": "...", "etag": "...", "dataFileS3Key":
 *   "prefix/AWSDynamoDB/id/data/x.json.gz"}; all are mandatory;
 * - lines of locations, as Athena, Hive's SymlinkTextInputFormat and Delta
 *   Lake's generated manifests have it; all are mandatory.
 *
 * Entries are taken as they stand: one listed twice is read twice, and nothing
 * is hidden.  Each object is asked for its size and entity tag.
 *
 * Invariant: only buckets that the table's own location names are read, so that
 * who can write a manifest object does not choose what a reader's keys open.
 *
 * Source: Amazon Redshift Database Developer Guide, "Using a manifest to specify
 * data files"; Amazon DynamoDB Developer Guide, "DynamoDB table export output
 * format".
 *
 * IDENTIFICATION
 *		src/fdw/entries.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fdw/manifest_build.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "s3/source.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

/* Largest manifest object. */
#define MAX_MANIFEST_SIZE (64 * 1024 * 1024)

/* For an estimate, ask for the sizes of so many objects only. */
#define ESTIMATE_HEADS MAX_HEADS

/* Where an export of DynamoDB begins, below the prefix that was chosen for it. */
#define DYNAMODB_FOLDER "AWSDynamoDB/"
#define DYNAMODB_KEY "dataFileS3Key"

/* What an entry says about its object. */
typedef struct EntryFacts
{
	bool		mandatory;
	int64		content_length; /* or -1 */
	char	   *md5;			/* owned by the manifest object, or NULL */
	int64		records;		/* if md5 is set */
} EntryFacts;

/* An entry whose object has been asked for. */
typedef struct PendingEntry
{
	S3Call	   *call;			/* owned */
	int64		position;		/* in the manifest object, from 1 */
	EntryFacts	facts;
} PendingEntry;

typedef struct EntryReader
{
	ManifestBuild *build;
	MemoryContext entry_cxt;	/* reset for each entry */
	MemoryContext answer_cxt;	/* reset for each answer */

	/* the manifest object being read */
	MemoryContext cxt;
	char	   *bucket;
	char	   *key;
	char	   *name;			/* s3://bucket/key, for messages */
	bool		is_json;		/* entries are counted, not lines */
	int64		position;		/* entry or line that messages mean; 0: none */

	PendingEntry pending[MAX_HEADS];
	int			npending;

	/* sums over all manifest objects */
	int64		nentries;
	int64		nfound;
	int64		nasked;
	double		size_sum;		/* of those asked for */
} EntryReader;

/* -------------------------------------------------------------------- messages */

static void
entry_error_context(void *arg)
{
	EntryReader *reader = arg;

	if (reader->name == NULL)
		return;
	if (reader->position == 0)
		errcontext("manifest \"%s\"", reader->name);
	else if (reader->is_json)
		errcontext("manifest \"%s\", entry %lld", reader->name, (long long) reader->position);
	else
		errcontext("manifest \"%s\", line %lld", reader->name, (long long) reader->position);
}

static void
report_malformed(EntryReader *reader, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
			 errmsg("malformed manifest \"%s\"", reader->name),
			 errdetail_internal("%s", detail)));
}

/* --------------------------------------------------------------------- objects */

/* The size that the manifest states must be the object's. */
static void
check_length(const PendingEntry *pending, const char *bucket, const S3ObjectInfo *info)
{
	if (pending->facts.content_length >= 0 && pending->facts.content_length != info->size)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("object \"%s\" has another size than its manifest says",
						s3_location_format(bucket, info->key)),
				 errdetail("It has %lld bytes; the manifest says %lld.",
						   (long long) info->size, (long long) pending->facts.content_length)));
}

static void
take_entry(EntryReader *reader, const ManifestObject *object)
{
	ManifestBuild *build = reader->build;

	reader->nfound++;
	if (object->info.size == 0 && !build->keep_empty)
		build->manifest->passed_over++;
	else
		build_take_object(build, object);
}

/* Wait for the object that was asked for first. */
static void
finish_first(EntryReader *reader)
{
	PendingEntry pending = reader->pending[0];
	ManifestObject object = {.base = 0};
	S3Error		error;
	int64		position = reader->position;
	MemoryContext save = MemoryContextSwitchTo(reader->answer_cxt);

	reader->npending--;
	memmove(&reader->pending[0], &reader->pending[1], reader->npending * sizeof(PendingEntry));
	reader->position = pending.position;
	object.bucket = pstrdup(pending.call->bucket);
	if (s3_head_finish(pending.call, &object.info, &error))
	{
		check_length(&pending, object.bucket, &object.info);
		if (!layout_wants_version(reader->build->layout))
			object.info.version_id = NULL;
		object.md5 = pending.facts.md5;
		object.records = pending.facts.records;
		reader->size_sum += object.info.size;
		take_entry(reader, &object);
	}
	else if (error.status == 404 && !pending.facts.mandatory)
		reader->build->manifest->passed_over++;
	else
		s3_report(ERROR, &error);
	reader->position = position;
	MemoryContextSwitchTo(save);
	MemoryContextReset(reader->answer_cxt);
}

static void
finish_all(EntryReader *reader)
{
	while (reader->npending > 0)
		finish_first(reader);
}

/*
 * Is the bucket one of those that the table's location names?  Whoever gives a
 * statement for Redshift reads with credentials of his own, wherever it leads.
 */
static bool
may_use_bucket(const EntryReader *reader, const char *bucket)
{
	ListCell   *lc;

	if (reader->build->options->format.redshift.on)
		return true;
	foreach(lc, reader->build->locations)
	{
		if (strcmp(((S3Location *) lfirst(lc))->bucket, bucket) == 0)
			return true;
	}
	return false;
}

/* Take the bucket and key of an entry; the key has no wildcards. */
static void
parse_url(EntryReader *reader, const char *url, ManifestObject *object)
{
	const char *reason;
	S3Location *location = s3_location_parse(url, &reason);

	if (location == NULL)
		report_malformed(reader, psprintf(_("\"%s\" is no location. %s"), url, _(reason)));
	if (location->key[0] == '\0')
		report_malformed(reader, psprintf(_("\"%s\" names no object."), url));
	if (!may_use_bucket(reader, location->bucket))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("manifest \"%s\" names another bucket: \"%s\"",
						reader->name, location->bucket),
				 errdetail("A manifest may name objects of the buckets in the table's location only.")));
	object->bucket = location->bucket;
	object->info.key = location->key;
}

/*
 * An entry of a manifest object, at reader->position, that names object.  Runs
 * in entry_cxt.
 */
static void
add_entry(EntryReader *reader, ManifestObject *object, const EntryFacts *facts)
{
	ManifestBuild *build = reader->build;
	PendingEntry *pending;
	MemoryContext save;

	CHECK_FOR_INTERRUPTS();
	if (build->options->verify && facts->md5 == NULL)
		report_malformed(reader, _("The option \"verify\" needs entries with \"md5Checksum\" and \"itemCount\"."));
	reader->nentries++;
	build->manifest->listed++;

	/* What the name alone excludes need not be asked for. */
	layout_check(build->layout, object);
	if (!layout_matches_name(build->layout, object) && !build->keep_first)
	{
		build->manifest->pruned++;
		reader->nfound++;
		return;
	}
	if (build->max_listed > 0 && (facts->content_length >= 0 || reader->nasked >= ESTIMATE_HEADS))
	{
		finish_all(reader);
		object->info.size = facts->content_length >= 0 ? facts->content_length :
			(int64) (reader->size_sum / reader->nasked);
		take_entry(reader, object);
		return;
	}
	if (reader->npending == MAX_HEADS)
		finish_first(reader);
	pending = &reader->pending[reader->npending++];
	pending->position = reader->position;
	pending->facts = *facts;
	save = MemoryContextSwitchTo(reader->cxt);
	if (facts->md5)
		pending->facts.md5 = pstrdup(facts->md5);
	pending->call = s3_head_start(build->client, object->bucket, object->info.key);
	MemoryContextSwitchTo(save);
	reader->nasked++;
}

static void
add_url(EntryReader *reader, const char *url, bool mandatory, int64 content_length)
{
	ManifestObject object = {.base = 0};
	EntryFacts	facts = {.mandatory = mandatory,.content_length = content_length};

	parse_url(reader, url, &object);
	add_entry(reader, &object, &facts);
}

/* ------------------------------------------------------------------------ JSON */

/* The value of a key, or NULL; an error if it is of another type. */
static JsonbValue *
get_value(EntryReader *reader, JsonbContainer *container, const char *key,
		  enum jbvType type, const char *type_name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(container, key, (int) strlen(key), NULL);

	if (value == NULL || value->type == jbvNull)
		return NULL;
	if (value->type != type &&
		!(value->type == jbvBinary && type == jbvObject && JsonContainerIsObject(value->val.binary.data)) &&
		!(value->type == jbvBinary && type == jbvArray && JsonContainerIsArray(value->val.binary.data)))
		report_malformed(reader, psprintf(_("The value of \"%s\" is not %s."), key, type_name));
	return value;
}

/* Redshift looks at it for columnar formats only. */
static int64
get_content_length(EntryReader *reader, JsonbContainer *entry)
{
	JsonbValue *meta = get_value(reader, entry, "meta", jbvObject, _("an object"));
	JsonbValue *length;

	if (meta == NULL || reader->build->options->format.redshift.on)
		return -1;
	length = get_value(reader, meta->val.binary.data, "content_length", jbvNumeric, _("a number"));
	if (length == NULL)
		return -1;
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(length->val.numeric)));
}

static void
read_json(EntryReader *reader, char *text)
{
	Jsonb	   *document = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	JsonbValue *entries = NULL;
	int			n;

	if (JB_ROOT_IS_OBJECT(document))
		entries = get_value(reader, &document->root, "entries", jbvArray, _("an array"));
	if (entries == NULL)
		report_malformed(reader, _("It has no array \"entries\"."));
	n = JsonContainerSize(entries->val.binary.data);
	for (int i = 0; i < n && !build_is_full(reader->build); i++)
	{
		MemoryContext save = MemoryContextSwitchTo(reader->entry_cxt);
		JsonbValue *value = getIthJsonbValueFromContainer(entries->val.binary.data, i);
		JsonbContainer *entry;
		JsonbValue *url;
		JsonbValue *mandatory;
		int64		length;

		reader->position = i + 1;
		if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
			report_malformed(reader, _("An entry is not an object."));
		entry = value->val.binary.data;
		url = get_value(reader, entry, "url", jbvString, _("a string"));
		if (url == NULL)
			report_malformed(reader, _("An entry has no \"url\"."));
		mandatory = get_value(reader, entry, "mandatory", jbvBool, _("a boolean"));
		length = get_content_length(reader, entry);
		add_url(reader, pnstrdup(url->val.string.val, url->val.string.len),
				  mandatory && mandatory->val.boolean, length);
		MemoryContextSwitchTo(save);
		MemoryContextReset(reader->entry_cxt);
	}
}

/* -------------------------------------------------------------------- DynamoDB */

/*
 * The object that an entry's key names.  It is in the manifest's bucket, and of
 * the same export, which may have been copied: what precedes the export's folder
 * is taken from the manifest's own key.
 */
static void
locate_data_file(EntryReader *reader, const char *key, ManifestObject *object)
{
	const char *ours = strstr(reader->key, DYNAMODB_FOLDER);
	const char *theirs = strstr(key, DYNAMODB_FOLDER);

	object->bucket = reader->bucket;
	object->info.key = ours && theirs ?
		psprintf("%.*s%s", (int) (ours - reader->key), reader->key, theirs) : pstrdup(key);
}

/* A line of a manifest-files.json. */
static void
add_data_file(EntryReader *reader, const char *line)
{
	Jsonb	   *document = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(line)));
	ManifestObject object = {.base = 0};
	EntryFacts	facts = {.mandatory = true,.content_length = -1};
	JsonbValue *key;
	JsonbValue *md5;
	JsonbValue *count;

	if (!JB_ROOT_IS_OBJECT(document))
		report_malformed(reader, _("An entry is not an object."));
	key = get_value(reader, &document->root, DYNAMODB_KEY, jbvString, _("a string"));
	if (key == NULL || key->val.string.len == 0)
		report_malformed(reader, _("An entry has no \"" DYNAMODB_KEY "\"."));
	md5 = get_value(reader, &document->root, "md5Checksum", jbvString, _("a string"));
	count = get_value(reader, &document->root, "itemCount", jbvNumeric, _("a number"));
	if (md5 && count)
	{
		facts.md5 = pnstrdup(md5->val.string.val, md5->val.string.len);
		facts.records = DatumGetInt64(DirectFunctionCall1(numeric_int8,
														  NumericGetDatum(count->val.numeric)));
	}
	locate_data_file(reader, pnstrdup(key->val.string.val, key->val.string.len), &object);
	add_entry(reader, &object, &facts);
}

/* Is the first line an entry of a manifest-files.json? */
static bool
is_dynamodb(const char *text)
{
	const char *found;

	text += strspn(text, " \t\r\n");
	found = strstr(text, "\"" DYNAMODB_KEY "\"");
	return *text == '{' && found && memchr(text, '\n', found - text) == NULL;
}

/* ----------------------------------------------------------------------- lines */

/* A line without blanks around it, and without quotes, in place. */
static char *
trim_line(EntryReader *reader, char *line)
{
	Size		len;
	char	   *dst;

	line += strspn(line, " \t\r");
	len = strlen(line);
	while (len > 0 && strchr(" \t\r", line[len - 1]))
		line[--len] = '\0';
	if (line[0] != '"')
		return line;
	if (len < 2 || line[len - 1] != '"')
		report_malformed(reader, _("A quote is not closed."));
	line[len - 1] = '\0';
	dst = ++line;
	for (const char *p = line; *p; p++)
	{
		if (p[0] == '"' && *++p != '"')
			report_malformed(reader, _("A line holds more than one location."));
		*dst++ = *p;
	}
	*dst = '\0';
	return line;
}

static void
read_lines(EntryReader *reader, char *text, bool dynamodb)
{
	char	   *next;

	for (char *line = text; line && !build_is_full(reader->build); line = next)
	{
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		reader->position++;
		line = dynamodb ? line + strspn(line, " \t\r") : trim_line(reader, line);
		if (line[0])
		{
			MemoryContext save = MemoryContextSwitchTo(reader->entry_cxt);

			if (dynamodb)
				add_data_file(reader, line);
			else
				add_url(reader, line, true, -1);
			MemoryContextSwitchTo(save);
			MemoryContextReset(reader->entry_cxt);
		}
	}
}

/* ------------------------------------------------------------ manifest objects */

static void
read_manifest(EntryReader *reader, const char *bucket, const char *key)
{
	ManifestBuild *build = reader->build;
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw manifest object",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	char	   *text;
	Size		len;
	bool		dynamodb;

	reader->cxt = cxt;
	reader->bucket = pstrdup(bucket);
	reader->key = pstrdup(key);
	reader->name = s3_location_format(bucket, key);
	reader->position = 0;
	text = s3_object_read(build->client, bucket, key, MAX_MANIFEST_SIZE, &len);
	if (strlen(text) != len)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("malformed manifest \"%s\"", reader->name),
				 errdetail("It holds a zero byte.")));
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	text = pg_any_to_server(text, (int) strlen(text), PG_UTF8);
	dynamodb = is_dynamodb(text);
	reader->is_json = text[strspn(text, " \t\r\n")] == '{' && !dynamodb;
	if (reader->is_json)
		read_json(reader, text);
	else if (build->options->format.redshift.on && !dynamodb)
		report_malformed(reader, _("It is not a JSON object with an array \"entries\"."));
	else
		read_lines(reader, text, dynamodb);
	finish_all(reader);
	reader->name = NULL;
	MemoryContextSwitchTo(save);
	MemoryContextDelete(cxt);
}

/* All objects below a location, or that match it, are manifests. */
static void
read_manifests(EntryReader *reader, const S3Location *location)
{
	S3ListCursor *cursor = s3_list_open(reader->build->client, location->bucket,
										location->list_prefix);
	S3ObjectInfo info;

	while (!build_is_full(reader->build) && s3_list_next(cursor, &info))
	{
		if (s3_location_matches(location, info.key) &&
			!s3_key_is_hidden(location, info.key, Max(info.size, 1)))
			read_manifest(reader, location->bucket, info.key);
	}
	s3_list_close(cursor);
}

void
build_from_manifests(ManifestBuild *build)
{
	EntryReader reader = {.build = build};
	ErrorContextCallback callback = {error_context_stack, entry_error_context, &reader};
	ListCell   *lc;

	reader.entry_cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw manifest entry",
											 ALLOCSET_SMALL_SIZES);
	reader.answer_cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw manifest answer",
											  ALLOCSET_SMALL_SIZES);
	error_context_stack = &callback;
	foreach(lc, build->locations)
	{
		S3Location *location = lfirst(lc);
		Size		len = strlen(location->list_prefix);

		if (location->is_glob || len == 0 || location->list_prefix[len - 1] == '/')
			read_manifests(&reader, location);
		else
			read_manifest(&reader, location->bucket, location->list_prefix);
	}
	error_context_stack = callback.previous;

	if (reader.nentries > 0 && reader.nfound == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FILE),
				 errmsg("none of the objects that the manifest names exists"),
				 errdetail("The location is \"%s\".", build->options->location)));
}
