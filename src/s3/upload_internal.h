/*-------------------------------------------------------------------------
 *
 * upload_internal.h
 *		What upload.c and the log of uploads share.
 *
 * IDENTIFICATION
 *		src/s3/upload_internal.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_UPLOAD_INTERNAL_H
#define S3_UPLOAD_INTERNAL_H

#include "base/xact.h"
#include "lib/ilist.h"
#include "s3/buffer.h"
#include "s3/commit.h"
#include "s3/upload_log.h"

/* Clock differences to allow for when our uploads are told by their age. */
#define S3_CLOCK_SLACK (60 * USECS_PER_SEC)

typedef struct S3LogEntry S3LogEntry;	/* upload_log.c, in shared memory */

typedef enum S3UploadKind
{
	S3_UPLOAD_ALONE,			/* of no log */
	S3_UPLOAD_LOGGED,			/* sealed, and completed by the leader */
	S3_UPLOAD_SHARED			/* one object of all processes */
} S3UploadKind;

typedef struct Part
{
	dlist_node	node;			/* in S3Upload.running */
	S3SentPart	sent;			/* etag not yet */
	S3Call	   *call;			/* owned */
	char	   *buf;			/* owned; to the free list; NULL for a copy */
	Size		buf_size;
} Part;

typedef struct UploadSink
{
	ByteSink	base;
	S3Upload   *upload;
} UploadSink;

struct S3Upload
{
	RemoteEffect effect;		/* must be first; of an upload of no log */
	UploadSink	sink;
	dlist_node	node;			/* upload_log.c's own */

	/* constant */
	MemoryContext cxt;			/* holds all of it */
	const S3Client *client;		/* own copy, or the log's */
	S3Stats		stats;
	char	   *bucket;
	char	   *key;
	const S3ObjectAttributes *attributes;	/* own copy, or borrowed */
	const S3Checksums *checksums;	/* or NULL */
	int64		part_size;		/* of the first parts */
	bool		equal_parts;
	Size		first_buffer;	/* 0: as large as a part */
	Size		memory;
	bool		overwrite;
	const S3UploadLimits *limits;	/* borrowed */
	TimestampTz begun;

	/* constant, of an upload of a log */
	S3UploadKind logged;
	S3UploadLog *log;			/* borrowed */
	S3LogEntry *entry;			/* borrowed */
	char	   *first;			/* before the first part of all */
	Size		first_len;
	char	   *between;		/* before every other one */
	Size		between_len;
	Size		headroom;		/* bytes in each buffer for either */
	Size		slack;			/* bytes in each buffer for more than a part */

	S3Buffers  *buffers;		/* all of it are from here */

	/* the buffer being filled */
	char	   *buf;			/* owned, or NULL */
	Size		buf_len;		/* headroom included */
	Size		buf_size;		/* allocated */
	Size		buf_cap;		/* size of a full one */
	int64		bytes;			/* of all buffers so far, this one included */

	/* parts */
	int			nparts;			/* begun; of a shared one: the last number here */
	dlist_head	running;		/* Part */
	int			nparts_running; /* of those, with a buffer */
	int			ncopies_running;	/* and without */
	Size		running_memory;
	List	   *free_bufs;		/* of buf_cap bytes each */
	S3SentPart *parts;			/* [number - 1], owned; of no log */
	int			max_parts;

	/* facts */
	bool		create_sent;
	bool		create_ambiguous;	/* there may be an upload we do not know */
	bool		parts_stopped;	/* parts were canceled while under way */
	bool		closed;			/* no more bytes will come */
	bool		finished;
	char	   *upload_id;		/* or NULL */

	S3CreateAnswer created;
	S3Call	   *call;			/* creation under way, or NULL */
	S3Commit	commit;			/* of no log */
};

/* ----------------------------------------------------------- upload.c, for the log */

extern S3Upload *s3_upload_create_logged(S3UploadLog *log, S3LogEntry *entry, S3UploadKind kind,
										 MemoryContext parent, const S3Client *client,
										 const char *bucket, const char *key,
										 const S3Checksums *checksums,
										 const S3UploadOptions *options);
extern S3Upload *s3_upload_create_shared(S3UploadLog *log, S3LogEntry *entry,
										 MemoryContext parent, const S3Client *client,
										 const char *bucket, const char *key,
										 const char *upload_id, const S3Checksums *checksums,
										 const S3UploadOptions *options,
										 const char *first, Size first_len,
										 const char *between, Size between_len);

/* Begin the upload, and wait for the answer. */
extern void s3_upload_create_now(S3Upload *upload);

/*
 * No more bytes will come.  Then step until it returns true, all bytes having
 * arrived; it does not wait.
 */
extern void s3_upload_close(S3Upload *upload);
extern bool s3_upload_step(S3Upload *upload);

/* ----------------------------------------------------- upload_log.c, for the upload */

/*
 * The request that begins the upload is about to be sent; it was answered,
 * upload_id being NULL if it failed.
 */
extern void s3_upload_log_begin(S3UploadLog *log, S3LogEntry *entry);
extern void s3_upload_log_created(S3UploadLog *log, S3LogEntry *entry, const char *upload_id,
								  bool ambiguous);

/* The store has a part. */
extern void s3_upload_log_part(S3UploadLog *log, S3LogEntry *entry, const S3SentPart *part,
							   const char *etag);

/* Of the shared object: numbers given so far; the next; a rest for the leader. */
extern int	s3_upload_log_parts(S3UploadLog *log);
extern int	s3_upload_log_next_part(S3UploadLog *log);
extern void s3_upload_log_leftover(S3UploadLog *log, const char *data, Size len);

#endif							/* S3_UPLOAD_INTERNAL_H */
