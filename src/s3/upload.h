/*-------------------------------------------------------------------------
 *
 * upload.h
 *		Write one S3 object from a stream of bytes of unknown length.
 *
 * IDENTIFICATION
 *		src/s3/upload.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_UPLOAD_H
#define S3_UPLOAD_H

#include "base/option.h"
#include "base/stream.h"
#include "s3/client.h"
#include "s3/object.h"

typedef struct S3UploadOptions
{
	int64		part_size;		/* bytes, of the first parts */
	bool		equal_parts;	/* they do not grow */
	Size		memory;			/* bytes in part buffers */
	bool		overwrite;		/* replace an existing object */
	const S3ObjectAttributes *attributes;	/* or NULL */
	S3ChecksumKind checksum;
} S3UploadOptions;

typedef struct S3Upload S3Upload;

/*
 * Begin.  Without overwrite, an object that is there already is an error.
 * The upload ends with s3_upload_finish(), or with the (sub)transaction, which
 * then leaves nothing behind.  client is copied.  Failures are reported, here
 * and by the sink.
 */
extern S3Upload *s3_upload_begin(const S3Client *client, const char *bucket,
								 const char *key, const S3UploadOptions *options);

/* Where the bytes go; its finish does nothing, see s3_upload_finish(). */
extern ByteSink *s3_upload_sink(S3Upload *upload);

/*
 * Bytes written that are in no part yet.  They become one before the next copy,
 * so that they must be S3_MIN_PART_SIZE or none then.
 */
extern int64 s3_upload_pending(const S3Upload *upload);

/*
 * Go on with the bytes [first, first + len) of an object, which the service
 * copies as one part, by itself, if the object is still the one described.  Of
 * the parts of an upload only the last may be smaller than S3_MIN_PART_SIZE,
 * and none larger than S3_MAX_PART_SIZE; and unless all of it is wanted, the
 * object must be larger than S3_MIN_PART_SIZE.
 */
extern void s3_upload_copy(S3Upload *upload, const char *bucket, const S3ObjectInfo *object,
						   int64 first, int64 len);

/* Wait until all copies have been made. */
extern void s3_upload_wait_copies(S3Upload *upload);

/*
 * The object is complete: send what is left and make it visible.  Returns when
 * the store has confirmed it.
 */
extern void s3_upload_finish(S3Upload *upload);

/* Once finished: bytes and entity tag, without its quotes. */
extern int64 s3_upload_bytes(const S3Upload *upload);
extern const char *s3_upload_etag(const S3Upload *upload);

/* Give back the memory of a finished upload. */
extern void s3_upload_free(S3Upload *upload);

/*
 * Size of part number (from 1) if the first parts have first bytes: equal ones
 * while that can do, then growing, so that 10,000 parts of at least 12 MB hold
 * more than 4 TB.
 */
extern int64 s3_upload_part_size(int64 first, int number);

#endif							/* S3_UPLOAD_H */
