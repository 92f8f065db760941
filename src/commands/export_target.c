/*-------------------------------------------------------------------------
 *
 * export_target.c
 *		What is at the location of an export before it, and what is added after.
 *
 * Before: nothing may be there, or it may be replaced, or it is remembered to
 * be deleted: the keys are those of a listing made before anything is written,
 * so that what others add meanwhile stays.  After, in this order:
 *
 *	files complete -> manifest -> [the files stay] -> deletions -> marker
 *
 * Up to the manifest a failure undoes all, and from then on nothing.  So after
 * the manifest has become visible nothing is done here that could fail, and the
 * caller's next step is s3_upload_log_forget().  A marker says that the folder
 * holds one whole export: it is written when nothing is left to be done, and an
 * older one is deleted before any other object.
 *
 * A remembered object takes 17 bytes and its key.
 *
 * Above: export.c.  Below: s3/object.c, s3/upload.c.
 *
 * Source: Amazon Redshift Database Developer Guide, "UNLOAD" and "Using a
 * manifest to specify data files", for the manifest's form.
 *
 * IDENTIFICATION
 *		src/commands/export_target.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/config.h"
#include "catalog/pg_type.h"
#include "commands/export.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "s3/object.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define MANIFEST_NAME "manifest"
#define MARKER_NAME "_SUCCESS"

/* Deletions under way. */
#define MAX_DELETES 64

/* Keys are put one behind another into blocks of this size. */
#define KEY_BLOCK (64 * 1024)

typedef struct TargetObject
{
	char	   *key;			/* in a block */
	int64		size;			/* -1: it is one of those written, and stays */
} TargetObject;

struct ExportTarget
{
	MemoryContext cxt;			/* holds all of it */
	char	   *manifest_key;
	char	   *marker_key;
	bool		has_marker;		/* of an export before this one */

	/* what is to be deleted, in the order of keys */
	TargetObject *objects;
	Size		nobjects;
	Size		max_objects;
	bool		sorted;
	char	   *block;			/* the last one, or NULL */
	Size		block_used;

	Size		next;			/* of export_target_next() */
};

/* Deletions under way, and what became of those before them. */
typedef struct Cleaner
{
	const ExportJob *job;
	S3Call	   *calls[MAX_DELETES]; /* owned; a ring */
	int			first;			/* the oldest */
	int			ncalls;
	int64		deleted;
	int64		failed;
	S3Error		error;			/* the first one; if failed > 0 */
} Cleaner;

/* ------------------------------------------------------------------------ before */

static bool
ends_in_slash(const char *key)
{
	Size		len = strlen(key);

	return len > 0 && key[len - 1] == '/';
}

/*
 * As Redshift's UNLOAD names it; but in a folder such that a table over the
 * folder passes over it.
 */
static char *
manifest_key(const ExportJob *job)
{
	return psprintf("%s%s%s", job->prefix, ends_in_slash(job->prefix) ? "_" : "", MANIFEST_NAME);
}

static char *
marker_key(const ExportJob *job)
{
	const char *slash = strrchr(job->prefix, '/');
	int			len = slash ? (int) (slash - job->prefix) + 1 : 0;

	return psprintf("%.*s%s", len, job->prefix, MARKER_NAME);
}

/* An object that consoles make to show an empty folder. */
static bool
is_folder_marker(const ExportJob *job, const S3ObjectInfo *info)
{
	return info->size == 0 &&
		(ends_in_slash(info->key) || strcmp(info->key, job->prefix) == 0);
}

static void
check_absent(const ExportJob *job, const char *key)
{
	int64		size;
	char		etag[256];
	S3Error		error;

	if (s3_head_object(job->client, job->bucket, key, 0, &size, etag, &error))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_FILE),
				 errmsg("object \"%s\" already exists", s3_location_format(job->bucket, key)),
				 errhint("Choose another location, or set overwrite => 'replace'.")));

	/* Without the right to list the bucket, S3 answers 403 for a missing key. */
	if (error.status != 404 && error.status != 403)
		s3_report(ERROR, &error);
}

/* Error if there is what the export would replace. */
static void
check_empty(const ExportTarget *target, const ExportJob *job)
{
	if (job->many)
	{
		S3ListCursor *cursor = s3_list_open(job->client, job->bucket, job->prefix);
		S3ObjectInfo info;

		while (s3_list_next(cursor, &info))
		{
			if (!is_folder_marker(job, &info))
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_FILE),
						 errmsg("location \"%s\" is not empty", job->location),
						 errdetail("It holds \"%s\".", s3_location_format(job->bucket, info.key)),
						 errhint("Choose another location, or set overwrite => 'replace', or 'clean' to delete what is there.")));
		}
		s3_list_close(cursor);
	}
	else if (job->options->dry_run)
		check_absent(job, job->prefix); /* else its upload looks */

	/* Better found now than when all files are written. */
	if (job->options->manifest != MANIFEST_NONE && !job->many)
		check_absent(job, target->manifest_key);
	if (job->options->success_marker &&
		!(job->many && strncmp(target->marker_key, job->prefix, strlen(job->prefix)) == 0))
		check_absent(job, target->marker_key);
}

/* May all that is at the location be deleted? */
static void
check_may_clean(const ExportJob *job)
{
	const char *detail = NULL;

	if (!job->many)
		detail = gettext_noop("The export writes one object, and \"replace\" is enough for that.");
	else if (job->prefix[0] == '\0')
		detail = gettext_noop("All of the bucket would be deleted.");
	else if (!ends_in_slash(job->prefix))
		detail = gettext_noop("It does not end in a slash, so that neighbouring folders could begin with it.");
	if (detail)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("cannot clean location \"%s\"", job->location),
				 errdetail("%s", _(detail)),
				 errhint("Set overwrite => 'replace', or name a folder as in \"s3://bucket/folder/\".")));
}

static void
add_object(ExportTarget *target, const S3ObjectInfo *info)
{
	Size		len = strlen(info->key) + 1;
	TargetObject *object;

	if (target->nobjects == target->max_objects)
	{
		target->max_objects = Max(1024, target->max_objects * 2);
		target->objects = target->objects ?
			repalloc_huge(target->objects, target->max_objects * sizeof(TargetObject)) :
			MemoryContextAllocHuge(target->cxt, target->max_objects * sizeof(TargetObject));
	}
	if (target->block == NULL || target->block_used + len > KEY_BLOCK)
	{
		target->block = MemoryContextAlloc(target->cxt, Max(KEY_BLOCK, len));
		target->block_used = 0;
	}
	object = &target->objects[target->nobjects++];
	object->key = target->block + target->block_used;
	object->size = info->size;
	memcpy(object->key, info->key, len);
	target->block_used += len;
	if (target->nobjects > 1 && strcmp(object[-1].key, object->key) > 0)
		target->sorted = false;
}

static int
compare_objects(const void *a, const void *b)
{
	return strcmp(((const TargetObject *) a)->key, ((const TargetObject *) b)->key);
}

/* Note what is to be deleted. */
static void
remember_objects(ExportTarget *target, const ExportJob *job)
{
	S3ListCursor *cursor = s3_list_open(job->client, job->bucket, job->prefix);
	S3ObjectInfo info;

	target->sorted = true;
	while (s3_list_next(cursor, &info))
	{
		bool		is_marker = strcmp(info.key, target->marker_key) == 0;

		CHECK_FOR_INTERRUPTS();
		target->has_marker |= is_marker;
		if (is_folder_marker(job, &info) ||
			(is_marker && job->options->success_marker) ||
			(job->options->manifest != MANIFEST_NONE && strcmp(info.key, target->manifest_key) == 0))
			continue;
		add_object(target, &info);
	}
	s3_list_close(cursor);

	/* Some stores list in an order of their own. */
	if (!target->sorted)
		qsort(target->objects, target->nobjects, sizeof(TargetObject), compare_objects);
}

ExportTarget *
export_target_look(const ExportJob *job)
{
	ExportTarget *target = palloc0(sizeof(ExportTarget));

	target->cxt = CurrentMemoryContext;
	target->manifest_key = manifest_key(job);
	target->marker_key = marker_key(job);
	switch ((OverwriteMode) job->options->overwrite)
	{
		case OVERWRITE_ERROR:
			check_empty(target, job);
			break;
		case OVERWRITE_REPLACE:
			break;
		case OVERWRITE_CLEAN:
			check_may_clean(job);
			remember_objects(target, job);
			break;
	}
	return target;
}

void
export_target_keep(ExportTarget *target, const char *key)
{
	TargetObject wanted = {.key = unconstify(char *, key)};
	TargetObject *object;

	if (target->nobjects == 0)
		return;
	object = bsearch(&wanted, target->objects, target->nobjects, sizeof(TargetObject),
					 compare_objects);
	if (object)
		object->size = -1;
}

bool
export_target_next(ExportTarget *target, char **key, int64 *size)
{
	while (target->next < target->nobjects)
	{
		const TargetObject *object = &target->objects[target->next++];

		if (object->size < 0)
			continue;
		*key = object->key;
		*size = object->size;
		return true;
	}
	return false;
}

/* ------------------------------------------------------------------------ deletion */

static void
finish_oldest(Cleaner *cleaner)
{
	S3Call	   *call = cleaner->calls[cleaner->first];

	/* What has gone by itself is no failure. */
	if (s3_call_wait(call, 0) || call->error.status == 404)
		cleaner->deleted++;
	else if (cleaner->failed++ == 0)
		cleaner->error = call->error;
	s3_call_free(call);
	cleaner->first = (cleaner->first + 1) % MAX_DELETES;
	cleaner->ncalls--;
}

static void
finish_deletes(Cleaner *cleaner)
{
	while (cleaner->ncalls > 0)
		finish_oldest(cleaner);
}

static void
start_delete(Cleaner *cleaner, const char *key)
{
	S3Call	   *call;

	CHECK_FOR_INTERRUPTS();
	if (cleaner->ncalls >= Min(s3_read_concurrency, MAX_DELETES))
		finish_oldest(cleaner);
	call = s3_call_create(cleaner->job->client, S3_DELETE_OBJECT, cleaner->job->bucket, key);
	cleaner->calls[(cleaner->first + cleaner->ncalls++) % MAX_DELETES] = call;
	s3_call_start(call);
}

static void
report_not_deleted(const Cleaner *cleaner)
{
	const S3Error *error = &cleaner->error;
	char	   *answer = error->status == 0 ?
		psprintf(_("There was no answer (attempts: %d)."), error->attempts) :
		psprintf(_("The service answered %d%s%s (attempts: %d, request id: %s)."),
				 error->status, error->code[0] ? " " : "", error->code, error->attempts,
				 error->request_id[0] ? error->request_id : "none");

	ereport(ERROR,
			(errcode(error->sqlerrcode),
			 errmsg("could not delete \"%s\": %s", error->resource,
					error->message[0] ? error->message : error->code),
			 errdetail("%s All files of the export were written; of the objects to be deleted, %lld were and %lld were not.",
					   answer, (long long) cleaner->deleted, (long long) cleaner->failed),
			 error->hint ? errhint("%s", _(error->hint)) : 0));
}

void
export_target_clean(ExportTarget *target, const ExportJob *job)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw export deletions",
											  ALLOCSET_SMALL_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	Cleaner    *cleaner = palloc0(sizeof(Cleaner));

	cleaner->job = job;
	if (target->has_marker)
	{
		/* It must not vouch for what a failure leaves. */
		start_delete(cleaner, target->marker_key);
		finish_deletes(cleaner);
		if (cleaner->failed > 0)
			report_not_deleted(cleaner);
	}
	for (Size i = 0; i < target->nobjects; i++)
	{
		const TargetObject *object = &target->objects[i];

		if (object->size < 0 ||
			(target->has_marker && strcmp(object->key, target->marker_key) == 0))
			continue;
		start_delete(cleaner, object->key);
	}
	finish_deletes(cleaner);
	if (cleaner->failed > 0)
		report_not_deleted(cleaner);
	MemoryContextSwitchTo(save);
	MemoryContextDelete(cxt);
}

/* --------------------------------------------------------------------------- after */

/* They are labelled as the files are, but for what says how to read those. */
static S3Upload *
begin_extra(const ExportJob *job, const char *key, char *content_type)
{
	S3UploadOptions options = job->upload;
	S3ObjectAttributes attributes = job->options->attributes;

	attributes.content_type = content_type;
	attributes.content_encoding = NULL;
	options.attributes = &attributes;
	options.first_buffer = EXPORT_LINE_BUFFER;
	options.overwrite = job->options->overwrite != OVERWRITE_ERROR;
	return s3_upload_begin(job->client, job->bucket, key, &options);
}

static ExportExtra *
finish_extra(S3Upload *upload, char *key)
{
	ExportExtra *extra = palloc(sizeof(ExportExtra));
	Size		etag_size = 256;	/* as s3_head_object() needs */

	extra->key = key;
	extra->etag = palloc(etag_size);
	s3_upload_finish(upload);

	/* From here on, nothing can fail. */
	extra->bytes = s3_upload_bytes(upload);
	strlcpy(extra->etag, s3_upload_etag(upload), etag_size);
	s3_upload_free(upload);
	return extra;
}

/* JSON is UTF-8. */
static void
flush_json(StringInfo json, S3Upload *upload)
{
	char	   *text = pg_server_to_any(json->data, json->len, PG_UTF8);

	byte_sink_write(s3_upload_sink(upload), text, strlen(text));
	if (text != json->data)
		pfree(text);
	resetStringInfo(json);
}

static void
append_counts(StringInfo json, int64 bytes, int64 rows, bool verbose)
{
	appendStringInfo(json, "\"meta\":{\"content_length\":" INT64_FORMAT, bytes);
	if (verbose)
		appendStringInfo(json, ",\"record_count\":" INT64_FORMAT, rows);
	appendStringInfoChar(json, '}');
}

static bool
is_in_files(const S3ExportOptions *options, const char *column)
{
	ListCell   *lc;

	if (options->keep_partition_columns)
		return true;
	foreach(lc, options->partition_by)
	{
		if (strcmp(lfirst(lc), column) == 0)
			return false;
	}
	return true;
}

/* A type and its dimensions.  Of a domain, that which it stands for. */
static void
append_type(StringInfo json, Form_pg_attribute attribute)
{
	int32		typmod = attribute->atttypmod;
	Oid			type = getBaseTypeAndTypmod(attribute->atttypid, &typmod);

	appendStringInfoString(json, "{\"base\":");
	escape_json(json, format_type_be(type));
	if (typmod >= (int32) VARHDRSZ)
	{
		typmod -= VARHDRSZ;
		if (type == VARCHAROID || type == BPCHAROID)
			appendStringInfo(json, ",\"max_length\":%d", typmod);
		else if (type == NUMERICOID)
		{
			/* The scale is an 11-bit number with a sign. */
			appendStringInfo(json, ",\"precision\":%d,\"scale\":%d",
							 (typmod >> 16) & 0xffff, ((typmod & 0x7ff) ^ 1024) - 1024);
		}
	}
	appendStringInfoChar(json, '}');
}

static void
append_schema(StringInfo json, const ExportJob *job, TupleDesc desc)
{
	bool		first = true;

	appendStringInfoString(json, "\"schema\":{\"elements\":[");
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped || !is_in_files(job->options, NameStr(attribute->attname)))
			continue;
		appendStringInfoString(json, first ? "\n{\"name\":" : ",\n{\"name\":");
		escape_json(json, NameStr(attribute->attname));
		appendStringInfoString(json, ",\"type\":");
		append_type(json, attribute);
		appendStringInfoChar(json, '}');
		first = false;
	}
	appendStringInfoString(json, "\n]}");
}

ExportExtra *
export_write_manifest(const ExportJob *job, TupleDesc desc, S3UploadLog *log)
{
	bool		verbose = job->options->manifest == MANIFEST_VERBOSE;
	char	   *key = manifest_key(job);
	S3Upload   *upload = begin_extra(job, key, "application/json");
	S3LoggedObject object;
	StringInfoData json;
	StringInfoData url;
	int64		bytes = 0;
	int64		rows = 0;
	bool		first = true;

	initStringInfo(&json);
	initStringInfo(&url);
	appendStringInfoString(&json, "{\"entries\":[");
	while (s3_upload_log_next(log, &object))
	{
		CHECK_FOR_INTERRUPTS();
		resetStringInfo(&url);
		appendStringInfo(&url, "s3://%s/%s", job->bucket, object.key);
		appendStringInfoString(&json, first ? "\n{\"url\":" : ",\n{\"url\":");
		escape_json(&json, url.data);
		appendStringInfoString(&json, ",\"mandatory\":true,");
		append_counts(&json, object.bytes, object.rows, verbose);
		appendStringInfoChar(&json, '}');
		bytes += object.bytes;
		rows += object.rows;
		first = false;
		pfree(object.key);
		pfree(object.etag);
		if (json.len >= EXPORT_LINE_BUFFER)
			flush_json(&json, upload);
	}
	appendStringInfoString(&json, "\n]");
	if (verbose)
	{
		appendStringInfoString(&json, ",\n");
		append_schema(&json, job, desc);
		appendStringInfoString(&json, ",\n");
		append_counts(&json, bytes, rows, true);
		appendStringInfoString(&json, ",\n\"author\":{\"name\":\"s3_fdw\",\"version\":\"1.0\"}");
	}
	appendStringInfoString(&json, "}\n");
	flush_json(&json, upload);
	pfree(json.data);
	pfree(url.data);
	return finish_extra(upload, key);
}

static void
marker_error_context(void *arg)
{
	errcontext("writing the success marker; all files of the export are complete");
}

ExportExtra *
export_write_marker(const ExportJob *job)
{
	ErrorContextCallback callback = {error_context_stack, marker_error_context, NULL};
	char	   *key = marker_key(job);
	ExportExtra *extra;

	error_context_stack = &callback;
	extra = finish_extra(begin_extra(job, key, NULL), key);
	error_context_stack = callback.previous;
	return extra;
}
