/*-------------------------------------------------------------------------
 *
 * manifest.c
 *		The objects that a scan reads: keeping and sharing them.
 *
 * Above: plan and scan.  listing.c and entries.c fill it.
 *
 * Entries are written one after the other, each a fixed head and its strings,
 * and beside them the offset where each begins.  Both are in memory up to
 * MEMORY_LIMIT, then in temporary files; other processes of a parallel scan
 * get a copy in the shared block, or open files of a shared file set.
 *
 * A scan reads from its manifest alone: what is listed when it begins, each
 * object in the version listed.
 *
 * IDENTIFICATION
 *		src/fdw/manifest.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fdw/manifest.h"
#include "fdw/manifest_build.h"
#include "miscadmin.h"
#include "storage/sharedfileset.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

/* Entries and offsets in memory. */
#define MEMORY_LIMIT (4 * 1024 * 1024)

#define DATA_FILE "s3_fdw_entries"
#define OFFSETS_FILE "s3_fdw_offsets"

/* Strings of an entry, in this order. */
typedef enum EntryString
{
	STRING_BUCKET,
	STRING_KEY,
	STRING_ETAG,
	STRING_STORAGE_CLASS,
	STRING_VERSION_ID,
	STRING_MD5,
	NUM_STRINGS
} EntryString;

/* Followed by the strings that are there, each with its zero byte. */
typedef struct EntryHead
{
	int64		size;
	TimestampTz last_modified;
	int64		records;
	int32		base;
	bool		is_restored;
	int32		lengths[NUM_STRINGS];	/* zero byte counted; 0: NULL */
} EntryHead;

/* -------------------------------------------------------------------- keeping */

S3Manifest *
manifest_create(void)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw manifest",
											  ALLOCSET_DEFAULT_SIZES);
	S3Manifest *manifest = MemoryContextAllocZero(cxt, sizeof(S3Manifest));

	manifest->cxt = cxt;
	manifest->complete = true;
	return manifest;
}

void
manifest_free(S3Manifest *manifest)
{
	if (manifest->data_file)
	{
		BufFileClose(manifest->data_file);
		BufFileClose(manifest->offsets_file);
	}
	MemoryContextDelete(manifest->cxt);
}

/*
 * Move what there is to temporary files, which take all that follows.  They are
 * written to the end: nothing is read before the last entry was added.
 */
static void
spill(S3Manifest *manifest)
{
	MemoryContext save = MemoryContextSwitchTo(manifest->cxt);

	manifest->data_file = BufFileCreateTemp(false);
	manifest->offsets_file = BufFileCreateTemp(false);
	MemoryContextSwitchTo(save);
	BufFileWrite(manifest->data_file, manifest->data, (Size) manifest->data_len);
	BufFileWrite(manifest->offsets_file, manifest->offsets,
				 (Size) manifest->nobjects * sizeof(int64));
	pfree(manifest->data);
	pfree(manifest->offsets);
	manifest->data = NULL;
	manifest->offsets = NULL;
}

static void
append(S3Manifest *manifest, const void *bytes, Size len)
{
	if (len == 0)
		return;
	if (manifest->data_file)
		BufFileWrite(manifest->data_file, unconstify(void *, bytes), len);
	else
		memcpy(manifest->data + manifest->data_len, bytes, len);
	manifest->data_len += len;
}

/* Room for one more entry of len bytes, in memory or not. */
static void
make_room(S3Manifest *manifest, Size len)
{
	Size		needed = (Size) manifest->data_len + len;

	if (manifest->data_file)
		return;
	if (manifest->nobjects > 0 &&
		needed + (manifest->nobjects + 1) * sizeof(int64) > MEMORY_LIMIT)
	{
		spill(manifest);
		return;
	}
	if (needed > manifest->data_cap)
	{
		manifest->data_cap = Max(Max(needed, 8192), manifest->data_cap * 2);
		manifest->data = manifest->data ? repalloc(manifest->data, manifest->data_cap) :
			MemoryContextAlloc(manifest->cxt, manifest->data_cap);
	}
	if (manifest->nobjects == manifest->offsets_cap)
	{
		manifest->offsets_cap = Max(64, manifest->offsets_cap * 2);
		manifest->offsets = manifest->offsets ?
			repalloc(manifest->offsets, manifest->offsets_cap * sizeof(int64)) :
			MemoryContextAlloc(manifest->cxt, manifest->offsets_cap * sizeof(int64));
	}
}

void
manifest_add(S3Manifest *manifest, const ManifestObject *object)
{
	const char *strings[NUM_STRINGS] = {
		[STRING_BUCKET] = object->bucket,
		[STRING_KEY] = object->info.key,
		[STRING_ETAG] = object->info.etag,
		[STRING_STORAGE_CLASS] = object->info.storage_class,
		[STRING_VERSION_ID] = object->info.version_id,
		[STRING_MD5] = object->md5
	};
	EntryHead	head;
	Size		len = sizeof(EntryHead);

	if (manifest->nobjects == PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("location has too many objects")));
	memset(&head, 0, sizeof(head));
	head.size = object->info.size;
	head.last_modified = object->info.last_modified;
	head.records = object->records;
	head.base = object->base;
	head.is_restored = object->info.is_restored;
	for (int i = 0; i < NUM_STRINGS; i++)
	{
		head.lengths[i] = strings[i] ? (int32) strlen(strings[i]) + 1 : 0;
		len += head.lengths[i];
	}

	make_room(manifest, len);
	if (manifest->offsets_file)
		BufFileWrite(manifest->offsets_file, &manifest->data_len, sizeof(int64));
	else
		manifest->offsets[manifest->nobjects] = manifest->data_len;
	append(manifest, &head, sizeof(head));
	for (int i = 0; i < NUM_STRINGS; i++)
		append(manifest, strings[i], head.lengths[i]);
	manifest->nobjects++;
	manifest->bytes += object->info.size;
}

/* Read len bytes at offset of a file. */
static void
read_file(BufFile *file, int64 offset, void *dst, Size len)
{
	if (BufFileSeek(file, 0, (off_t) offset, SEEK_SET) != 0 || BufFileRead(file, dst, len) != len)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read from the temporary file of a listing: %m")));
}

void
manifest_object(S3Manifest *manifest, int i, ManifestObject *object)
{
	EntryHead	head;
	char	   *strings;
	char	   *found[NUM_STRINGS];
	Size		len = 0;

	Assert(i >= 0 && i < manifest->nobjects);
	if (manifest->data_file)
	{
		int64		offset;

		read_file(manifest->offsets_file, (int64) i * sizeof(int64), &offset, sizeof(offset));
		read_file(manifest->data_file, offset, &head, sizeof(head));
		for (int j = 0; j < NUM_STRINGS; j++)
			len += head.lengths[j];
		if (len > manifest->entry_cap)
		{
			manifest->entry_cap = Max(len, 2048);
			if (manifest->entry)
				pfree(manifest->entry);
			manifest->entry = MemoryContextAlloc(manifest->cxt, manifest->entry_cap);
		}
		strings = manifest->entry;
		read_file(manifest->data_file, offset + sizeof(head), strings, len);
	}
	else
	{
		memcpy(&head, manifest->data + manifest->offsets[i], sizeof(head));
		strings = manifest->data + manifest->offsets[i] + sizeof(head);
	}

	for (int j = 0; j < NUM_STRINGS; j++)
	{
		found[j] = head.lengths[j] > 0 ? strings : NULL;
		strings += head.lengths[j];
	}
	memset(object, 0, sizeof(*object));
	object->info.size = head.size;
	object->info.last_modified = head.last_modified;
	object->info.is_restored = head.is_restored;
	object->info.key = found[STRING_KEY];
	object->info.etag = found[STRING_ETAG];
	object->info.storage_class = found[STRING_STORAGE_CLASS];
	object->info.version_id = found[STRING_VERSION_ID];
	object->bucket = found[STRING_BUCKET];
	object->md5 = found[STRING_MD5];
	object->base = head.base;
	object->records = head.records;
}

void
manifest_set_first(S3Manifest *manifest, const ManifestObject *object)
{
	MemoryContext save = MemoryContextSwitchTo(manifest->cxt);
	ManifestObject *first = palloc(sizeof(ManifestObject));

	*first = *object;
	first->bucket = pstrdup(object->bucket);
	s3_object_copy(&first->info, &object->info);
	first->md5 = NULL;
	manifest->first = first;
	MemoryContextSwitchTo(save);
}

S3Manifest *
manifest_filter(S3Manifest *manifest, ManifestFilter keep, void *arg)
{
	S3Manifest *result = manifest_create();

	result->listed = manifest->listed;
	result->passed_over = manifest->passed_over;
	result->pruned = manifest->pruned;
	result->folders_pruned = manifest->folders_pruned;
	result->complete = manifest->complete;
	if (manifest->first)
		manifest_set_first(result, manifest->first);
	for (int i = 0; i < manifest->nobjects; i++)
	{
		ManifestObject object;

		CHECK_FOR_INTERRUPTS();
		manifest_object(manifest, i, &object);
		if (keep(arg, &object))
			manifest_add(result, &object);
		else
			result->pruned++;
	}
	manifest_free(manifest);
	return result;
}

/* -------------------------------------------------------------------- sharing */

/*
 * The shared block: this, then the first object as an entry, then, unless they
 * are in files, offsets and entries.
 */
typedef struct SharedManifest
{
	S3Manifest	summary;		/* pointers are NULL */
	bool		in_files;
	SharedFileSet files;		/* if in_files */
	Size		first_len;		/* 0: none */
	Size		offsets_offset; /* in the block */
	Size		data_offset;
} SharedManifest;

/* The first object alone, as a manifest of one entry; NULL if there is none. */
static S3Manifest *
first_manifest(const S3Manifest *manifest)
{
	S3Manifest *result;

	if (manifest->first == NULL)
		return NULL;
	result = manifest_create();
	manifest_add(result, manifest->first);
	return result;
}

/* Fill in where the parts are; returns the size of all. */
static Size
lay_out(const S3Manifest *manifest, SharedManifest *shared)
{
	S3Manifest *first = first_manifest(manifest);
	Size		size = MAXALIGN(sizeof(SharedManifest));

	shared->first_len = first ? (Size) first->data_len : 0;
	if (first)
		manifest_free(first);
	size = add_size(size, MAXALIGN(shared->first_len));
	shared->in_files = manifest->data_file != NULL;
	shared->offsets_offset = size;
	if (!shared->in_files)
		size = add_size(size, mul_size(manifest->nobjects, sizeof(int64)));
	shared->data_offset = size;
	if (!shared->in_files)
		size = add_size(size, (Size) manifest->data_len);
	return size;
}

Size
manifest_share_size(const S3Manifest *manifest)
{
	SharedManifest shared;

	return lay_out(manifest, &shared);
}

static void
copy_file(BufFile *from, int64 len, FileSet *files, const char *name)
{
	BufFile    *to = BufFileCreateFileSet(files, name);
	char	   *buf = palloc(BLCKSZ);

	for (int64 done = 0; done < len;)
	{
		Size		n = (Size) Min(len - done, BLCKSZ);

		CHECK_FOR_INTERRUPTS();
		read_file(from, done, buf, n);
		BufFileWrite(to, buf, n);
		done += n;
	}
	BufFileExportFileSet(to);
	BufFileClose(to);
	pfree(buf);
}

void
manifest_share(S3Manifest *manifest, void *block, dsm_segment *seg)
{
	SharedManifest *shared = block;
	S3Manifest *first;

	memset(shared, 0, sizeof(*shared));
	(void) lay_out(manifest, shared);
	shared->summary = *manifest;
	shared->summary.first = NULL;
	shared->summary.cxt = NULL;
	shared->summary.data = shared->summary.entry = NULL;
	shared->summary.offsets = NULL;
	shared->summary.data_file = shared->summary.offsets_file = NULL;
	shared->summary.entry_cap = 0;

	first = first_manifest(manifest);
	if (first)
	{
		memcpy((char *) block + MAXALIGN(sizeof(SharedManifest)), first->data, shared->first_len);
		manifest_free(first);
	}
	if (!shared->in_files)
	{
		if (manifest->nobjects > 0)
		{
			memcpy((char *) block + shared->offsets_offset, manifest->offsets,
				   (Size) manifest->nobjects * sizeof(int64));
			memcpy((char *) block + shared->data_offset, manifest->data, (Size) manifest->data_len);
		}
	}
	else if (seg)
	{
		SharedFileSetInit(&shared->files, seg);
		copy_file(manifest->data_file, manifest->data_len, &shared->files.fs, DATA_FILE);
		copy_file(manifest->offsets_file, (int64) manifest->nobjects * sizeof(int64),
				  &shared->files.fs, OFFSETS_FILE);
	}
}

S3Manifest *
manifest_attach(const void *block)
{
	SharedManifest *shared = unconstify(SharedManifest *, (const SharedManifest *) block);
	S3Manifest *manifest = manifest_create();
	MemoryContext cxt = manifest->cxt;
	MemoryContext save = MemoryContextSwitchTo(cxt);

	*manifest = shared->summary;
	manifest->cxt = cxt;
	if (shared->first_len > 0)
	{
		static const int64 zero = 0;
		S3Manifest	one = {0};
		ManifestObject first;

		one.nobjects = 1;
		one.data = (char *) shared + MAXALIGN(sizeof(SharedManifest));
		one.offsets = unconstify(int64 *, &zero);
		manifest_object(&one, 0, &first);
		manifest_set_first(manifest, &first);
	}
	if (shared->in_files)
	{
		manifest->data_file = BufFileOpenFileSet(&shared->files.fs, DATA_FILE, O_RDONLY, false);
		manifest->offsets_file = BufFileOpenFileSet(&shared->files.fs, OFFSETS_FILE, O_RDONLY, false);
	}
	else
	{
		manifest->offsets = (int64 *) ((char *) shared + shared->offsets_offset);
		manifest->data = (char *) shared + shared->data_offset;
	}
	MemoryContextSwitchTo(save);
	return manifest;
}
