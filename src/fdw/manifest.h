/*-------------------------------------------------------------------------
 *
 * manifest.h
 *		The objects of a location, as one flat block.
 *
 * IDENTIFICATION
 *		src/fdw/manifest.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_MANIFEST_H
#define S3_MANIFEST_H

#include "s3/object.h"

/*
 * One object.  Strings are offsets into the block, which may therefore be
 * copied to another process as it is.
 */
typedef struct ManifestEntry
{
	int64		size;
	TimestampTz last_modified;
	Size		key;
	Size		etag;			/* 0: none */
} ManifestEntry;

typedef struct S3Manifest
{
	/* summary */
	int64		listed;			/* keys seen, those passed over included */
	int64		bytes;			/* of the objects to be read */
	bool		complete;		/* false if the listing was cut at max_objects */

	int			nobjects;
	int			max_entries;	/* room in entries */
	ManifestEntry *entries;		/* owned, or in shared memory */
	char	   *strings;		/* owned, or in shared memory */
	Size		strings_len;
	Size		strings_cap;
} S3Manifest;

/*
 * List the location and keep what a scan of it reads, in the order of keys, in
 * CurrentMemoryContext.  Stops after max_listed keys unless that is 0.
 * Failures are reported.
 */
extern S3Manifest *manifest_build(const S3Client *client, const S3Location *location,
								  int64 max_listed);

/*
 * Bytes that manifest_store() needs; and a copy in one block of memory, which
 * another process reads with manifest_attach() without copying it again.
 */
extern Size manifest_size(const S3Manifest *manifest);
extern void manifest_store(const S3Manifest *manifest, void *block);
extern S3Manifest *manifest_attach(const void *block);

/* Object i; its strings point into the manifest. */
extern void manifest_object(const S3Manifest *manifest, int i, S3ObjectInfo *object);

#endif							/* S3_MANIFEST_H */
