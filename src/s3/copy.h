/*-------------------------------------------------------------------------
 *
 * copy.h
 *		Bytes of one object that the store copies into another by itself.
 *
 * IDENTIFICATION
 *		src/s3/copy.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_COPY_H
#define S3_COPY_H

#include "s3/object.h"

/*
 * A copy of the bytes [first, first + len) of an object to a part of an upload
 * of key, which the caller's query parameters name; not started yet.  When it
 * has succeeded, http.etag is that of the part.
 *
 * It carries the condition that the object be the one described.  Not every
 * store obeys that: look at the object again when all of it has been copied.
 */
extern S3Call *s3_copy_part_call(const S3Client *client, const char *bucket, const char *key,
								 const char *source_bucket, const S3ObjectInfo *object,
								 int64 first, int64 len);

#endif							/* S3_COPY_H */
