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

/* What a service allows, and how parts grow towards it. */
typedef struct S3UploadLimits
{
	int64		max_part_size;	/* bytes */
	int			max_parts;
	int			equal_parts;	/* parts of the first size */
	int			parts_per_size; /* behind them, of each doubled size */
} S3UploadLimits;

/* Those of S3. */
extern const S3UploadLimits *s3_upload_default_limits(void);

typedef struct S3UploadOptions
{
	int64		part_size;		/* bytes, of the first parts */
	bool		equal_parts;	/* they do not grow */
	Size		first_buffer;	/* bytes; buffers grow from it to a part's size;
								 * 0: they have it at once */
	Size		memory;			/* bytes in part buffers */
	bool		overwrite;		/* replace an existing object */
	const S3ObjectAttributes *attributes;	/* or NULL */
	S3ChecksumKind checksum;
	const S3UploadLimits *limits;	/* NULL: those of S3; borrowed */
} S3UploadOptions;

typedef struct S3Upload S3Upload;
typedef struct S3UploadLog S3UploadLog; /* upload_log.h */

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

/* Memory in buffers, those under way included. */
extern Size s3_upload_memory_used(const S3Upload *upload);

/* Take in answers that have come, and give back what is not in use. */
extern void s3_upload_settle(S3Upload *upload);

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

/* Bytes written so far; once finished, the entity tag without its quotes. */
extern int64 s3_upload_bytes(const S3Upload *upload);
extern const char *s3_upload_etag(const S3Upload *upload);

/*
 * Give up an upload of which nothing was sent: it was smaller than a part.
 */
extern void s3_upload_abandon(S3Upload *upload);

/* Give back the memory of a finished upload. */
extern void s3_upload_free(S3Upload *upload);

/*
 * Size of part number (from 1) if the first parts have first bytes: equal ones
 * while that can do, then growing, so that 10,000 parts of at least 12 MB hold
 * more than 4 TB.
 */
extern int64 s3_upload_part_size(const S3UploadLimits *limits, int64 first, int number);

/*
 * Size of the first parts of an object of which size bytes are expected, in
 * whole megabytes: the parts are equal, or as large as they may be.
 */
extern int64 s3_upload_fitting_part_size(const S3UploadLimits *limits, int64 size);

#endif							/* S3_UPLOAD_H */
