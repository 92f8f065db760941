/*-------------------------------------------------------------------------
 *
 * upload_log_internal.h
 *		The log of uploads, as upload_log.c and upload_undo.c know it.
 *
 * IDENTIFICATION
 *		src/s3/upload_log_internal.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_UPLOAD_LOG_INTERNAL_H
#define S3_UPLOAD_LOG_INTERNAL_H

#include "s3/upload_internal.h"
#include "storage/spin.h"
#include "utils/timestamp.h"

/* Requests under way at a time, when uploads are completed or aborted. */
#define S3_LOG_BATCH 16

typedef enum EntryState
{
	ENTRY_IDLE,
	ENTRY_BEGUN,				/* upload_id may not be known */
	ENTRY_SEALED,				/* all bytes are with the store */
	ENTRY_COMPLETE
} EntryState;

/* All pointers lead into the area.  Written by the process that began it. */
struct S3LogEntry
{
	dsa_pointer next;
	EntryState	state;
	bool		creating;		/* the creation is not answered */
	bool		ambiguous;		/* there may be an upload more */
	dsa_pointer upload_id;		/* text, or invalid */
	dsa_pointer parts;			/* LogPart, the newest first; of a shared object
								 * under the log's lock */
	int			nparts;
	int64		rows;
	int64		bytes;
	dsa_pointer etag;			/* of the object, text; once complete */
	char		key[FLEXIBLE_ARRAY_MEMBER];
};

typedef struct LogPart
{
	dsa_pointer next;
	S3SentPart	sent;			/* but for its etag */
	char		etag[FLEXIBLE_ARRAY_MEMBER];
} LogPart;

/* What a process had left over of a shared object. */
typedef struct Leftover
{
	dsa_pointer next;
	Size		len;
	char		data[FLEXIBLE_ARRAY_MEMBER];
} Leftover;

typedef struct LogShared
{
	slock_t		lock;			/* of the lists */
	dsa_pointer bucket;			/* text */
	dsa_pointer entries;		/* the newest first */
	int			nentries;
	dsa_pointer object;			/* the shared one, or invalid */
	dsa_pointer leftovers;
	pg_atomic_uint32 next_part;
	pg_atomic_uint32 next_slice;
	pg_atomic_uint64 rows;
	pg_atomic_uint64 bytes;
	S3RateLimit rate;
} LogShared;

struct S3UploadLog
{
	RemoteEffect effect;		/* must be first; leader only */
	MemoryContext cxt;			/* holds this process's view */
	MemoryContextCallback on_reset; /* worker: let go of the area */
	dsa_area   *area;
	dsa_pointer root;
	LogShared  *shared;
	const S3Client *client;		/* leader: own copy; worker: borrowed */
	S3Stats		stats;
	char	   *bucket;
	bool		overwrite;

	/* of this process */
	MemoryContext uploads_cxt;	/* holds its uploads */
	bool		has_options;	/* these two are set: own copies */
	S3ObjectAttributes *attributes;
	S3Checksums *checksums;		/* or NULL */
	dlist_head	sealed;			/* S3Upload */
	int			nsealed;

	/* leader */
	TimestampTz begun;
	S3LogEntry **sorted;		/* by key, once committed */
	int			nsorted;
	int			next;
	S3Commit   *batch;			/* being completed: of sorted[batch_first] on */
	int			batch_first;
	int			nbatch;
};

static inline void *
s3_log_at(S3UploadLog *log, dsa_pointer pointer)
{
	return dsa_get_address(log->area, pointer);
}

/* upload_log.c: set log->sorted to all entries by key, in the log's memory. */
extern void s3_log_sort(S3UploadLog *log);

/* upload_undo.c: the transaction fails, leave nothing behind. */
extern void s3_log_abort(RemoteEffect *effect);

/* And look for uploads of ours that nobody knows. */
extern void s3_log_sweep(S3UploadLog *log, TimestampTz deadline);

#endif							/* S3_UPLOAD_LOG_INTERNAL_H */
