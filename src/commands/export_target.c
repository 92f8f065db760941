/*-------------------------------------------------------------------------
 *
 * export_target.c
 *		What is at the location of an export before it, and what is deleted after.
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
 * Redshift's UNLOAD has other rules.  What is there is an error only if a file
 * of its could have the name, and of a partitioned one only in folders that get
 * files; in the same way CLEANPATH deletes what is in those folders only.  So
 * these are looked at when all rows are written, and nothing is visible yet.
 *
 * Above: export.c.  Beside: export_manifest.c.  Below: s3/object.c.
 *
 * Source: Amazon Redshift Database Developer Guide, "UNLOAD", for its options
 * ALLOWOVERWRITE and CLEANPATH.
 *
 * IDENTIFICATION
 *		src/commands/export_target.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/config.h"
#include "commands/export_files.h"
#include "miscadmin.h"
#include "s3/object.h"
#include "utils/memutils.h"

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

/* ------------------------------------------------------------------ before an UNLOAD */

static void
report_not_empty(const ExportJob *job, const char *key)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_FILE),
			 errmsg("Specified unload destination on S3 is not empty"),
			 errdetail("It holds \"%s\", which UNLOAD might overwrite.",
					   s3_location_format(job->bucket, key)),
			 errhint("Choose another bucket or prefix, remove the files, or use ALLOWOVERWRITE or CLEANPATH.")));
}

/* Error if below prefix there is what UNLOAD might replace. */
static void
check_unload_files(const ExportTarget *target, const ExportJob *job, const char *prefix)
{
	ExportName *name = export_name_create(job);
	S3ListCursor *cursor = s3_list_open(job->client, job->bucket, prefix);
	Size		len = strlen(prefix);
	S3ObjectInfo info;

	while (s3_list_next(cursor, &info))
	{
		CHECK_FOR_INTERRUPTS();
		if (export_name_matches(name, info.key + len) ||
			(job->options->manifest != MANIFEST_NONE && strcmp(info.key, target->manifest_key) == 0))
			report_not_empty(job, info.key);
	}
	s3_list_close(cursor);
}

static void
check_unload(const ExportTarget *target, const ExportJob *job)
{
	int64		size;
	char		etag[256];
	S3Error		error;

	if (job->options->partition_by == NIL)
		check_unload_files(target, job, job->prefix);
	else if (job->options->manifest != MANIFEST_NONE &&
			 s3_head_object(job->client, job->bucket, target->manifest_key, 0, &size, etag, &error))
		report_not_empty(job, target->manifest_key);
}

/* ------------------------------------------------------------------- to be deleted */

/* May all that is at the location be deleted? */
static void
check_may_clean(const ExportJob *job)
{
	const char *detail = NULL;

	/* of a name's beginning, only files that begin with it are deleted */
	if (export_is_unload(job) && job->prefix[0] != '\0')
		return;
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
				 export_is_unload(job) ? 0 :
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

/* An object that goes, among those below the location or a folder of it? */
static bool
is_to_be_deleted(const ExportTarget *target, const ExportJob *job, const S3ObjectInfo *info)
{
	if (is_folder_marker(job, info))
		return false;
	if (export_is_unload(job))
	{
		/* A prefix that is the beginning of a name says nothing of folders. */
		return job->prefix[0] == '\0' || ends_in_slash(job->prefix) ||
			strchr(info->key + strlen(job->prefix), '/') == NULL;
	}
	return !(job->options->success_marker && strcmp(info->key, target->marker_key) == 0) &&
		!(job->options->manifest != MANIFEST_NONE && strcmp(info->key, target->manifest_key) == 0);
}

/* Note what is to be deleted below a prefix. */
static void
remember_objects(ExportTarget *target, const ExportJob *job, const char *prefix)
{
	S3ListCursor *cursor = s3_list_open(job->client, job->bucket, prefix);
	S3ObjectInfo info;

	while (s3_list_next(cursor, &info))
	{
		CHECK_FOR_INTERRUPTS();
		if (!export_is_unload(job) && strcmp(info.key, target->marker_key) == 0)
			target->has_marker = true;
		if (is_to_be_deleted(target, job, &info))
			add_object(target, &info);
	}
	s3_list_close(cursor);
}

/* Some stores list in an order of their own. */
static void
sort_objects(ExportTarget *target)
{
	if (!target->sorted)
		qsort(target->objects, target->nobjects, sizeof(TargetObject), compare_objects);
	target->sorted = true;
}

ExportTarget *
export_target_look(const ExportJob *job)
{
	ExportTarget *target = palloc0(sizeof(ExportTarget));

	target->cxt = CurrentMemoryContext;
	target->sorted = true;
	target->manifest_key = export_manifest_key(job);
	target->marker_key = export_marker_key(job);
	switch ((OverwriteMode) job->options->overwrite)
	{
		case OVERWRITE_ERROR:
			if (export_is_unload(job))
				check_unload(target, job);
			else
				check_empty(target, job);
			break;
		case OVERWRITE_REPLACE:
			break;
		case OVERWRITE_CLEAN:
			if (export_is_unload(job) && job->options->partition_by != NIL)
				break;
			check_may_clean(job);
			remember_objects(target, job, job->prefix);
			sort_objects(target);
			break;
	}
	return target;
}

/* Bytes of a key up to where the name of the file begins, of partitioned ones. */
static int
folder_len(const ExportJob *job, const char *key)
{
	const char *p = key + strlen(job->prefix);

	for (int i = 0; i < list_length(job->options->partition_by); i++)
		p += strcspn(p, "/") + 1;
	return p - key;
}

void
export_target_look_folders(ExportTarget *target, const ExportJob *job, S3UploadLog *log)
{
	MemoryContext cxt;
	MemoryContext save;
	char	   *last = NULL;	/* the folder before */
	S3LoggedObject object;

	if (!export_is_unload(job) || job->options->partition_by == NIL ||
		job->options->overwrite == OVERWRITE_REPLACE)
		return;
	cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw export folders",
								ALLOCSET_DEFAULT_SIZES);
	save = MemoryContextSwitchTo(cxt);
	s3_upload_log_sort(log);
	while (s3_upload_log_next(log, &object))
	{
		char	   *folder = pnstrdup(object.key, folder_len(job, object.key));

		if (last && strcmp(last, folder) == 0)
			pfree(folder);
		else
		{
			if (job->options->overwrite == OVERWRITE_CLEAN)
				remember_objects(target, job, folder);
			else
				check_unload_files(target, job, folder);
			last = folder;
		}
		pfree(object.key);
		pfree(object.etag);
	}
	sort_objects(target);
	MemoryContextSwitchTo(save);
	MemoryContextDelete(cxt);
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
