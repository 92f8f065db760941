/*-------------------------------------------------------------------------
 *
 * request.h
 *		One S3 call: built, signed, sent, repeated, understood.
 *
 * Above: object.c, source.c and upload.c, which know what is asked and why.
 * Below: net/.  Many calls may be under way; whoever waits for one moves all.
 *
 * A call is a struct in a memory context of its own, a child of the one that
 * was current when it was made: deleting either cancels it.
 *
 * IDENTIFICATION
 *		src/s3/request.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_REQUEST_H
#define S3_REQUEST_H

#include "base/error.h"
#include "net/http.h"
#include "s3/client.h"

typedef enum S3Operation
{
	S3_LIST_OBJECTS,
	S3_GET_OBJECT,
	S3_HEAD_OBJECT,
	S3_PUT_OBJECT,
	S3_DELETE_OBJECT,
	S3_CREATE_UPLOAD,
	S3_UPLOAD_PART,
	S3_COPY_PART,
	S3_COMPLETE_UPLOAD,
	S3_ABORT_UPLOAD,
	S3_LIST_UPLOADS,
	S3_ASSUME_ROLE				/* of STS: bucket is "", subject the role */
} S3Operation;

#define S3_CALL_MAX_QUERY 8

typedef struct S3Call
{
	/* set by s3_call_create */
	MemoryContext cxt;			/* holds the call and what it owns */
	const S3Client *client;		/* borrowed */
	S3Operation op;
	char	   *bucket;			/* own */
	char	   *key;			/* own; NULL for a call on the bucket */

	/* set by the caller before s3_call_start, with the functions below */
	SigV4Pair	query[S3_CALL_MAX_QUERY];	/* own strings */
	int			nquery;
	SigV4Pair  *headers;		/* own, strings too */
	int			nheaders;
	int			max_headers;
	char	   *subject;		/* what messages name, if not the key; own */
	const char *body;			/* borrowed until done */
	Size		body_len;
	char	   *buf;			/* for S3_GET_OBJECT; borrowed until done */
	int64		range_first;	/* for S3_GET_OBJECT: bytes
								 * [range_first, range_first + range_len) */
	Size		range_len;
	int64		object_size;	/* of the whole object, or -1 if not known */

	/*
	 * Takes in the body of a 2xx answer (http.text); returns NULL, or why it
	 * is no proper answer, and the request is repeated.  Runs outside libcurl;
	 * begins from nothing each time.
	 */
	const char *(*understand) (struct S3Call *self, void *arg);
	void	   *understand_arg;

	/* progress; received grows while the call runs */
	bool		done;
	bool		ok;				/* done, and it succeeded */
	Size		received;		/* good bytes in buf, over all attempts */
	bool		ambiguous;		/* an attempt may have had its effect although
								 * its answer was lost */
	S3Error		error;			/* if done and not ok */
	HttpRequest http;			/* the last exchange: etag, text, ... */

	/* request.c's own */
	int			attempts;
	bool		redirected;		/* followed to another region, once */
	bool		clock_fixed;	/* corrected for the server's clock, once */
	const char *region;			/* to sign for */
	char	   *payload_hash;	/* of body, once computed */
	MemoryContext send_cxt;		/* what the running exchange borrows */
	Size		progress_mark;	/* received when attempts last began anew */
} S3Call;

/* In CurrentMemoryContext; free with s3_call_free. */
extern S3Call *s3_call_create(const S3Client *client, S3Operation op,
							  const char *bucket, const char *key);

/* Values are copied.  Control characters in a header's value are an error. */
extern void s3_call_query(S3Call *call, const char *name, const char *value);
extern void s3_call_header(S3Call *call, const char *name, const char *value);

/* Send it; returns at once. */
extern void s3_call_start(S3Call *call);

/*
 * Wait until the call is done; returns ok.  With a deadline other than 0, may
 * also return false with done still false.
 */
extern bool s3_call_wait(S3Call *call, TimestampTz deadline);

/* Wait until more than have bytes were received, or the call is done. */
extern void s3_call_wait_data(S3Call *call, Size have);

/* Sum of good bytes received, while it runs as well. */
extern Size s3_call_received(const S3Call *call);

extern void s3_call_free(S3Call *call);

/* Move all calls that are under way, without waiting. */
extern void s3_poll(void);

#endif							/* S3_REQUEST_H */
