/*-------------------------------------------------------------------------
 *
 * object.h
 *		Objects and uploads of a bucket: list, look up, delete.
 *
 * Above: manifest, export, SQL functions.  Below: request.c.  Failures are
 * S3Error values, except where the comment says that they are reported.
 *
 * IDENTIFICATION
 *		src/s3/object.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_OBJECT_H
#define S3_OBJECT_H

#include "datatype/timestamp.h"
#include "s3/client.h"
#include "s3/request.h"
#include "s3/uri.h"

typedef struct S3ObjectInfo
{
	char	   *key;
	int64		size;
	char	   *etag;			/* with its quotes, or NULL if the store gave none */
	TimestampTz last_modified;
	char	   *storage_class;	/* or NULL */
} S3ObjectInfo;

typedef struct S3UploadInfo
{
	char	   *key;
	char	   *upload_id;
	TimestampTz initiated;
} S3UploadInfo;

/*
 * Walk over the objects whose key begins with a prefix, in the order of keys,
 * page by page; the next page is on its way while one is read.  A failure is
 * reported.
 */
typedef struct S3ListCursor S3ListCursor;

extern S3ListCursor *s3_list_open(const S3Client *client, const char *bucket,
								  const char *prefix);

/* Next object; it is valid until the next page is needed: copy what is kept. */
extern bool s3_list_next(S3ListCursor *cursor, S3ObjectInfo *info);
extern void s3_list_close(S3ListCursor *cursor);

/* The open multipart uploads whose key begins with prefix: S3UploadInfo *. */
extern bool s3_list_uploads(const S3Client *client, const char *bucket,
							const char *prefix, TimestampTz deadline,
							List **uploads, S3Error *error);

/*
 * Does the object exist, how large is it, what is its entity tag (into etag,
 * at least 256 bytes, or "")?  False and error->status == 404 if it does not.
 */
extern bool s3_head_object(const S3Client *client, const char *bucket, const char *key,
						   TimestampTz deadline, int64 *size, char *etag, S3Error *error);

extern bool s3_delete_object(const S3Client *client, const char *bucket, const char *key,
							 TimestampTz deadline, S3Error *error);

/* An upload that is no longer there counts as aborted. */
extern bool s3_abort_upload(const S3Client *client, const char *bucket, const char *key,
							const char *upload_id, TimestampTz deadline, S3Error *error);

#endif							/* S3_OBJECT_H */
