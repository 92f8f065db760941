/*-------------------------------------------------------------------------
 *
 * source.h
 *		The bytes of an object, or of a range of it, as a ByteSource.
 *
 * IDENTIFICATION
 *		src/s3/source.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_SOURCE_H
#define S3_SOURCE_H

#include "base/stream.h"
#include "s3/object.h"
#include "s3/pool.h"

/*
 * A GET of the bytes [first, first + len) of the object into buf (borrowed),
 * pinned to its entity tag; not started yet.
 */
extern S3Call *s3_source_range_call(const S3Client *client, const char *bucket,
									const S3ObjectInfo *object, int64 first, Size len,
									char *buf);

/* A ByteSource; cast with s3_source_stream(). */
typedef struct S3Source S3Source;

/*
 * The bytes [start, end) of the object, in CurrentMemoryContext.  client and
 * pool are borrowed; the object's description is copied.  Every request is
 * pinned to its entity tag.  No request is sent yet.  Failures are reported.
 *
 * With ramp_up the first requests are small and few: for the first source of a
 * scan, which may want only some rows.
 */
extern S3Source *s3_source_create(const S3Client *client, S3ReadPool *pool,
								  const char *bucket, const S3ObjectInfo *object,
								  int64 start, int64 end, bool ramp_up);

/*
 * Begin to read ahead as far as the pool has room for it.  For sources that
 * will be pulled soon; never waits.
 */
extern void s3_source_prefetch(S3Source *source);

/*
 * Call all_requested(arg) whenever bytes are taken from the source and none is
 * left to be asked for, so that the one after it can be prefetched.
 */
extern void s3_source_set_hook(S3Source *source, void (*all_requested) (void *arg), void *arg);

/* Has every byte of it been asked for? */
extern bool s3_source_all_requested(const S3Source *source);

/* Bytes handed out so far; those of the last piece may still be in use. */
extern int64 s3_source_given(const S3Source *source);

/*
 * The object's Content-Encoding, or NULL.  Known when first bytes have been
 * taken.
 */
extern const char *s3_source_content_encoding(const S3Source *source);

extern ByteSource *s3_source_stream(S3Source *source);

/*
 * A whole small object, of at most max bytes, in CurrentMemoryContext and
 * NUL-terminated.  Failures are reported.
 */
extern char *s3_object_read(const S3Client *client, const char *bucket, const char *key,
							Size max, Size *len);

#endif							/* S3_SOURCE_H */
