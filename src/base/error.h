/*-------------------------------------------------------------------------
 *
 * error.h
 *		Failures of remote work as values, and their report.
 *
 * Below fdw/ and commands/ a failed request is an S3Error; only those two
 * layers, and the ByteSource of an object (which has no other way to fail),
 * turn it into a message.  Fixed sizes: it can be filled while a transaction
 * aborts.  It never holds a key, a token, a signature or a query string.
 *
 * IDENTIFICATION
 *		src/base/error.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_ERROR_H
#define S3_ERROR_H

#include "postgres.h"

#define S3_ERROR_RESOURCE_LEN 1200	/* bucket + longest key, cut there */

/* What to do about a failed request; by AWS's retry guide and botocore. */
typedef enum S3ErrorClass
{
	S3_ERROR_PERMANENT,			/* the same request fails again */
	S3_ERROR_TRANSIENT,			/* try again soon */
	S3_ERROR_THROTTLE			/* try again, with patience */
} S3ErrorClass;

typedef struct S3Error
{
	int			sqlerrcode;
	int			status;			/* HTTP status, 0 if there was no answer */
	int			attempts;
	const char *action;			/* "read", "list", ...: static */
	const char *hint;			/* static, or NULL */
	char		code[64];		/* S3's error code, or "" */
	char		message[256];	/* the service's or libcurl's words */
	char		request_id[128];	/* or "" */
	char		resource[S3_ERROR_RESOURCE_LEN];	/* s3://bucket/key */
} S3Error;

/*
 * Fill in what follows from the HTTP status and S3's code: sqlerrcode, hint.
 * Returns the class.
 */
extern S3ErrorClass s3_error_classify(S3Error *error);

/* Copy text into a field of an S3Error: one line, no control characters. */
extern void s3_error_text(char *dst, Size dstsize, const char *text);

/* ereport it: 'could not read "s3://b/k": ...', with detail and hint. */
extern void s3_report(int elevel, const S3Error *error);

#endif							/* S3_ERROR_H */
