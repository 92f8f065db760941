/*-------------------------------------------------------------------------
 *
 * upload_log.h
 *		The multipart uploads of one statement, in memory its processes share.
 *
 * An export by several processes, or of several objects, sends all bytes
 * before it makes any object visible.  The log says what was begun, by whichever
 * process: an upload is in it before the request that begins it is sent.  Only
 * the leader completes uploads, and it alone undoes them, when the workers are
 * gone.
 *
 * Invariant: every multipart upload that a process of the statement may have
 * begun is in the log, and the log is in the leader's transaction's registry
 * until all is complete or undone.
 *
 * Above: the export.  Below: upload.c, which sends, and commit.c, which
 * completes.
 *
 * IDENTIFICATION
 *		src/s3/upload_log.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_UPLOAD_LOG_H
#define S3_UPLOAD_LOG_H

#include "s3/client.h"
#include "s3/upload.h"
#include "utils/dsa.h"

/* What another process needs to find the log; plain bytes. */
typedef struct S3UploadLogShare
{
	dsa_handle	handle;
	dsa_pointer root;
} S3UploadLogShare;

/* An upload of the log, as the leader sees it at the end. */
typedef struct S3LoggedObject
{
	char	   *key;			/* palloc'd */
	int64		rows;
	int64		bytes;
	char	   *etag;			/* palloc'd, without quotes; "" until complete */
} S3LoggedObject;

/*
 * Leader: a new log of uploads to bucket.  client is copied.  Of options,
 * labels, kind of checksum and overwrite are those of all uploads.
 */
extern S3UploadLog *s3_upload_log_create(const S3Client *client, const char *bucket,
										 const S3UploadOptions *options);
extern S3UploadLogShare s3_upload_log_share(const S3UploadLog *log);

/*
 * Worker: use the log, with a client of one's own (borrowed).  In
 * CurrentMemoryContext; detached when that goes.
 */
extern S3UploadLog *s3_upload_log_attach(S3UploadLogShare share, const S3Client *client);

/* The limit of requests per second that processes of the log share. */
extern S3RateLimit *s3_upload_log_rate(S3UploadLog *log);

/* A number for each process that writes files, from 0. */
extern int	s3_upload_log_next_slice(S3UploadLog *log);

/* Counters that all processes add to; for progress, and for the result. */
extern void s3_upload_log_count(S3UploadLog *log, int64 rows, int64 bytes);
extern void s3_upload_log_progress(S3UploadLog *log, int64 *rows, int64 *bytes);

/*
 * Begin an object of the log's bucket.  It has to be sealed.  options->overwrite
 * is the log's.  The memory is the log's of this process.
 */
extern S3Upload *s3_upload_begin_logged(S3UploadLog *log, const char *key,
										const S3UploadOptions *options);

/*
 * No more bytes will come; rows is what the result says of them.  What is left
 * is sent while other work is done.  upload is the log's from now on.
 */
extern void s3_upload_seal(S3Upload *upload, int64 rows);

/*
 * Move the sealed uploads of this process, without waiting; or wait until all
 * their bytes have arrived.
 */
extern void s3_upload_log_poll(S3UploadLog *log);
extern void s3_upload_log_wait(S3UploadLog *log);

/* Memory in buffers of the sealed uploads of this process. */
extern Size s3_upload_log_memory_used(S3UploadLog *log);

/*
 * One object by all processes.  The leader begins it (and waits for the answer);
 * each process then joins, writes, sends what is in the buffer as a part when
 * s3_upload_is_full() says so, at a place where the object can be cut, and
 * leaves.  first goes before the part that comes first in the object, between
 * before every other one; both are copied.  Which part comes next is decided
 * when it is sent.
 */
extern void s3_upload_log_begin_object(S3UploadLog *log, const char *key,
									   const S3UploadOptions *options);
extern S3Upload *s3_upload_join(S3UploadLog *log, const S3UploadOptions *options,
								const char *first, Size first_len,
								const char *between, Size between_len);
extern bool s3_upload_is_full(const S3Upload *upload);
extern void s3_upload_send(S3Upload *upload);

/* The process has no more; a rest too small for a part goes to the leader. */
extern void s3_upload_leave(S3Upload *upload);

/*
 * Leader, when all have left: put together what was left over, and last, the
 * end of the object.
 */
extern void s3_upload_log_end_object(S3UploadLog *log, const S3UploadOptions *options,
									 const char *first, Size first_len,
									 const char *between, Size between_len,
									 const char *last, Size last_len, int64 rows);

/*
 * Leader: complete all uploads, several at a time, in the order of keys.
 * Objects become visible one after another; if one fails, those that were not
 * there before are deleted again when the transaction aborts.
 */
extern void s3_upload_log_commit(S3UploadLog *log);

/* Leader: s3_upload_log_next() gives what is there, even before the commit. */
extern void s3_upload_log_sort(S3UploadLog *log);

/* The objects, in the order of keys, after the commit; false: no more. */
extern bool s3_upload_log_next(S3UploadLog *log, S3LoggedObject *object);
extern int	s3_upload_log_count_objects(S3UploadLog *log);

/* Undo and free all of it now, instead of completing it. */
extern void s3_upload_log_abandon(S3UploadLog *log);

/* From here on the objects stay, whatever becomes of the transaction. */
extern void s3_upload_log_forget(S3UploadLog *log);

/* Free a log that was forgotten. */
extern void s3_upload_log_free(S3UploadLog *log);

#endif							/* S3_UPLOAD_LOG_H */
