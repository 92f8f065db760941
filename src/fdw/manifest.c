/*-------------------------------------------------------------------------
 *
 * manifest.c
 *		The objects of a location, as one flat block.
 *
 * Above: plan and scan.  Below: the listing and the rules of s3/uri.c about
 * which keys belong to a location and which are markers.
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
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

/* Append a string to the block and return its offset. */
static Size
add_string(S3Manifest *manifest, const char *s)
{
	Size		len = strlen(s) + 1;
	Size		offset = manifest->strings_len;

	if (offset + len > manifest->strings_cap)
	{
		manifest->strings_cap = Max(offset + len, manifest->strings_cap * 2);
		manifest->strings = repalloc_huge(manifest->strings, manifest->strings_cap);
	}
	memcpy(manifest->strings + offset, s, len);
	manifest->strings_len += len;
	return offset;
}

static void
add_object(S3Manifest *manifest, const S3ObjectInfo *object)
{
	ManifestEntry *entry;

	if (manifest->nobjects == manifest->max_entries)
	{
		if (manifest->max_entries > PG_INT32_MAX / 2)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("location has too many objects")));
		manifest->max_entries *= 2;
		manifest->entries = repalloc_huge(manifest->entries,
										  manifest->max_entries * sizeof(ManifestEntry));
	}
	entry = &manifest->entries[manifest->nobjects++];
	entry->size = object->size;
	entry->last_modified = object->last_modified;
	entry->key = add_string(manifest, object->key);
	entry->etag = object->etag ? add_string(manifest, object->etag) : 0;
	manifest->bytes += object->size;
}

S3Manifest *
manifest_build(const S3Client *client, const S3Location *location, int64 max_listed)
{
	S3Manifest *manifest = palloc0(sizeof(S3Manifest));
	S3ListCursor *cursor;
	S3ObjectInfo object;

	manifest->max_entries = 64;
	manifest->entries = palloc(manifest->max_entries * sizeof(ManifestEntry));
	manifest->strings_cap = 8192;
	manifest->strings = palloc(manifest->strings_cap);
	add_string(manifest, "");	/* so that no string has offset 0 */

	manifest->complete = true;
	cursor = s3_list_open(client, location->bucket, location->list_prefix);
	while (s3_list_next(cursor, &object))
	{
		CHECK_FOR_INTERRUPTS();
		if (max_listed > 0 && manifest->listed >= max_listed)
		{
			manifest->complete = false;
			break;
		}
		manifest->listed++;
		if (s3_location_matches(location, object.key) &&
			!s3_key_is_hidden(location, object.key, object.size))
			add_object(manifest, &object);
	}
	s3_list_close(cursor);
	return manifest;
}

/* Where the parts of a stored manifest are: summary, entries, strings. */
#define ENTRIES_OFFSET MAXALIGN(sizeof(S3Manifest))
#define STRINGS_OFFSET(manifest) \
	(ENTRIES_OFFSET + (Size) (manifest)->nobjects * sizeof(ManifestEntry))

Size
manifest_size(const S3Manifest *manifest)
{
	return add_size(STRINGS_OFFSET(manifest), manifest->strings_len);
}

void
manifest_store(const S3Manifest *manifest, void *block)
{
	char	   *dst = block;
	S3Manifest *summary = block;

	/* Pointers mean nothing elsewhere. */
	*summary = *manifest;
	summary->entries = NULL;
	summary->strings = NULL;
	memcpy(dst + ENTRIES_OFFSET, manifest->entries,
		   (Size) manifest->nobjects * sizeof(ManifestEntry));
	memcpy(dst + STRINGS_OFFSET(manifest), manifest->strings, manifest->strings_len);
}

S3Manifest *
manifest_attach(const void *block)
{
	S3Manifest *manifest = palloc(sizeof(S3Manifest));
	char	   *src = unconstify(char *, (const char *) block);

	*manifest = *(const S3Manifest *) block;
	manifest->entries = (ManifestEntry *) (src + ENTRIES_OFFSET);
	manifest->strings = src + STRINGS_OFFSET(manifest);
	return manifest;
}

void
manifest_object(const S3Manifest *manifest, int i, S3ObjectInfo *object)
{
	const ManifestEntry *entry = &manifest->entries[i];

	memset(object, 0, sizeof(*object));
	object->key = manifest->strings + entry->key;
	object->size = entry->size;
	object->etag = entry->etag ? manifest->strings + entry->etag : NULL;
	object->last_modified = entry->last_modified;
}
