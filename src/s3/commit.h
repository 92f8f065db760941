/*-------------------------------------------------------------------------
 *
 * commit.h
 *		The request that makes an object visible, and what comes of it.
 *
 * Above: upload.c and upload_log.c, which have sent the bytes.  Below:
 * request.c and object.c.
 *
 * An object is taken for written only if the store says so: by the entity tag
 * in the answer, or, when the answer was lost, by a HeadObject that shows our
 * size and entity tag.
 *
 * IDENTIFICATION
 *		src/s3/commit.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_COMMIT_H
#define S3_COMMIT_H

#include "base/option.h"
#include "s3/client.h"
#include "s3/describe.h"
#include "s3/request.h"

/* A part that the store has. */
typedef struct S3SentPart
{
	int			number;
	int64		size;
	uint64		checksum;		/* as s3_checksums_part() gave it */
	char	   *etag;			/* as answered */
} S3SentPart;

typedef struct S3Commit
{
	/* set by the owner; borrowed, and must outlive an abort */
	MemoryContext cxt;			/* where calls live */
	const S3Client *client;
	const char *bucket;
	const char *key;
	const S3ObjectAttributes *attributes;
	const S3Checksums *checksums;
	bool		overwrite;
	const char *upload_id;		/* NULL: the object is body, put at once */
	const S3SentPart *parts;	/* by number */
	int			nparts;
	const char *body;
	Size		body_len;
	int64		bytes;			/* of the object */

	/* commit.c's own; begin with zeros */
	bool		sent;
	bool		no_condition;	/* the store refuses If-None-Match */
	bool		denied;			/* the store does not show what it confirmed */
	char	   *xml;			/* body of the request; owned */
	S3Call	   *call;			/* the request, or NULL; owned */
	char		etag[256];		/* of the object, without quotes */
} S3Commit;

/* Send the request. */
extern void s3_commit_start(S3Commit *commit);

/*
 * Wait for the answer; then the object is there, and etag is set.  Failures are
 * reported.
 */
extern void s3_commit_finish(S3Commit *commit);

/*
 * The transaction fails with the request sent: is the object visible?  Waits
 * for an answer until grace, looks it up until deadline.  Warns if it cannot be
 * told.  Only once.
 */
extern bool s3_commit_settle(S3Commit *commit, TimestampTz grace, TimestampTz deadline);

/* Report that the key is taken (does not return); or only if it is. */
extern void s3_commit_report_exists(const char *bucket, const char *key);
extern void s3_commit_check_absent(const S3Client *client, const char *bucket, const char *key);

/*
 * Report the failure of a request of an upload.  Not every store knows
 * checksums, and none says so clearly.
 */
extern void s3_commit_report(const S3Checksums *checksums, S3Error *error);

/* The call of CreateMultipartUpload; its answer goes to *upload_id, in cxt. */
typedef struct S3CreateAnswer
{
	MemoryContext cxt;
	char	   *upload_id;		/* or NULL */
} S3CreateAnswer;

extern S3Call *s3_create_upload_call(const S3Client *client, const char *bucket, const char *key,
									 const S3ObjectAttributes *attributes,
									 const S3Checksums *checksums, S3CreateAnswer *answer);

/* PutObject and UploadPart: without an entity tag nothing is proven. */
extern const char *s3_understand_put(S3Call *call, void *arg);

#endif							/* S3_COMMIT_H */
