/*-------------------------------------------------------------------------
 *
 * http.h
 *		HTTP exchanges, many at a time, in one interruptible wait loop.
 *
 * Above: s3/request.c, which gives meaning to requests and repeats them.
 * Below: libcurl's multi interface, seen by http.c alone.
 *
 * A request runs whenever http_pump() is called, by whoever waits for
 * whatever; nothing runs in between, but the kernel goes on receiving into its
 * socket buffers.
 *
 * Invariant: a request never outlives the memory it writes into.  It belongs
 * to the memory context that is current in http_request_init(), and is
 * canceled when that context is reset or deleted; its buffers must live at
 * least as long.
 *
 * IDENTIFICATION
 *		src/net/http.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_HTTP_H
#define S3_HTTP_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef enum HttpOutcome
{
	HTTP_IDLE,					/* not submitted, or canceled */
	HTTP_RUNNING,				/* or waiting for its time */
	HTTP_ANSWERED,				/* the whole answer is here, whatever it says */
	HTTP_NO_CONNECTION,			/* name not found, refused, timeout */
	HTTP_TLS_FAILED,			/* certificate, handshake */
	HTTP_BROKEN,				/* connection lost, or body cut short */
	HTTP_STALLED,				/* nothing moved for the stall timeout */
	HTTP_TOO_LARGE,				/* more body than there is room for */
	HTTP_WRONG_RANGE,			/* not the range that was asked for */
	HTTP_FORBIDDEN_ADDRESS,		/* the host is a link-local address */
	HTTP_FAILED					/* something else; see error */
} HttpOutcome;

typedef struct HttpRequest HttpRequest;
typedef struct HttpTransfer HttpTransfer;	/* http.c */

struct HttpRequest
{
	/* set by the caller, borrowed until the request is done */
	const char *method;
	const char *url;
	const char *const *headers; /* "Name: value", no control characters */
	int			nheaders;
	const char *body;			/* or NULL */
	Size		body_len;
	const char *ca_file;		/* or NULL: the system's certificates */
	TimestampTz not_before;		/* 0: at once */
	int			stall_timeout;	/* ms */

	/*
	 * Where the body of a 2xx answer goes: into recv_buf if there is one, else
	 * into text like that of every other answer, up to text_max bytes.
	 */
	char	   *recv_buf;
	Size		recv_cap;
	Size		text_max;

	/*
	 * For a ranged GET: the first byte asked for and the size of the object,
	 * else -1.  Checked before any byte goes into recv_buf.
	 */
	int64		range_first;
	int64		object_size;

	/* called outside libcurl when the request is done; may submit again */
	void		(*on_done) (HttpRequest *self);
	void	   *arg;

	/* the answer, written by http.c */
	HttpOutcome outcome;
	int			status;			/* 0 until the header has arrived */
	Size		recv_len;		/* bytes in recv_buf; grows while running */
	char	   *text;			/* malloc'ed by http.c, NUL-terminated, or NULL */
	Size		text_len;
	int64		content_length; /* -1: not said */
	int64		range_total;	/* Content-Range's size of the object, or -1 */
	int64		range_start;	/* Content-Range's first byte, or -1 */
	int64		retry_after_ms; /* -1: not said */
	char		etag[256];		/* as sent, quotes included; "" if too long */
	char		request_id[128];
	char		bucket_region[64];
	char		date[64];
	char		last_modified[64];
	char		content_encoding[64];
	char		storage_class[64];
	char		restore[128];	/* x-amz-restore */
	char		version_id[1025];	/* x-amz-version-id */
	char		error[256];		/* libcurl's words, when not ANSWERED */

	/* http.c's own */
	HttpTransfer *transfer;		/* NULL unless RUNNING */
	MemoryContextCallback unhook;
};

/*
 * Clear req and tie it to CurrentMemoryContext.  Once per HttpRequest; it may
 * then be submitted many times, one after the other.
 */
extern void http_request_init(HttpRequest *req);

/* Begin (or schedule) the request; the answer fields are cleared. */
extern void http_submit(HttpRequest *req);

/* Stop it if it runs, free text.  Idempotent; never waits, never throws. */
extern void http_cancel(HttpRequest *req);

/*
 * Move everything that is under way; if nothing could be moved, sleep until
 * something can, a scheduled request is due, or the deadline (0: none).
 * Calls on_done of what ended.  Processes interrupts unless they are held.
 */
extern void http_pump(TimestampTz deadline, uint32 wait_event_info);

/* The same without sleeping: for those who are busy with other work. */
extern void http_poll(void);

#endif							/* S3_HTTP_H */
