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
	TimestampTz last_modified;	/* 0: not known */
	char	   *storage_class;	/* or NULL */
	char	   *version_id;		/* or NULL: not asked for */
	bool		is_folder;		/* no object: key is that of a folder, with '/' */
	bool		is_restored;	/* archived, but a copy can be read */
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

/*
 * The same with flags.  S3_LIST_FOLDERS: keys that have a '/' behind the prefix
 * are not listed; what they have up to that '/' is, once, as a folder, not in
 * order with the objects.  S3_LIST_VERSIONS: with version ids; of each object
 * the newest version, unless that is a delete marker.
 */
#define S3_LIST_FOLDERS		0x01
#define S3_LIST_VERSIONS	0x02

extern S3ListCursor *s3_list_open_flags(const S3Client *client, const char *bucket,
										const char *prefix, int flags);

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

/*
 * The same for many at a time: begin to ask, and wait for the answer, whose
 * strings are palloc'd.  s3_head_finish() frees the call.
 */
extern S3Call *s3_head_start(const S3Client *client, const char *bucket, const char *key);
extern bool s3_head_finish(S3Call *call, S3ObjectInfo *info, S3Error *error);

/* Is it in a storage class from which it cannot be read unless restored? */
extern bool s3_object_is_archived(const S3ObjectInfo *info);

/* An entity tag without its quotes, and without what says how strong it is. */
extern void s3_strip_etag(char *dst, Size dstsize, const char *etag);

extern bool s3_delete_object(const S3Client *client, const char *bucket, const char *key,
							 TimestampTz deadline, S3Error *error);

/* An upload that is no longer there counts as aborted. */
extern bool s3_abort_upload(const S3Client *client, const char *bucket, const char *key,
							const char *upload_id, TimestampTz deadline, S3Error *error);

/* A copy with strings of its own, in CurrentMemoryContext. */
extern void s3_object_copy(S3ObjectInfo *dst, const S3ObjectInfo *src);

#endif							/* S3_OBJECT_H */
