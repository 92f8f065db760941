/*-------------------------------------------------------------------------
 *
 * upload_undo.c
 *		The uploads of a log when its transaction fails: leave nothing behind.
 *
 * What an abort has to do follows from the entries:
 *   idle                      nothing was sent, or all of it refused
 *   begun, no id              an upload of the key may be open: look for it; if
 *                             its creation was cut off, more than once, as the
 *                             store may be at work on it
 *   begun                     abort it, and look whether it is gone, since parts
 *                             of a process that was killed may arrive late
 *   being completed           see commit.c
 *   complete                  delete the object, unless it may have replaced
 *                             another
 *
 * Above: upload_log.c, and through the registry of base/xact.h the transaction's
 * end.  Below: commit.c and object.c.
 *
 * Invariant: it runs in the leader, when the workers are gone.
 *
 * IDENTIFICATION
 *		src/s3/upload_undo.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/config.h"
#include "s3/object.h"
#include "s3/upload_log_internal.h"
#include "s3/uri.h"
#include "storage/latch.h"
#include "utils/memutils.h"

/* How long an abort waits for requests that may be about to succeed. */
#define ABORT_GRACE_MS 1000

/* Between looks for uploads whose creation was cut off. */
#define SWEEP_INTERVAL_MS 100

/* Requests of which several run at a time, and what came of them. */
typedef struct Cleanup
{
	S3UploadLog *log;
	TimestampTz deadline;
	S3Call	   *calls[S3_LOG_BATCH];
	int			ncalls;
	int			failed;
	S3Error		error;			/* of the first that failed */
} Cleanup;

static void
cleanup_wait(Cleanup *cleanup)
{
	for (int i = 0; i < cleanup->ncalls; i++)
	{
		S3Call	   *call = cleanup->calls[i];

		/* What is no longer there need not be removed. */
		if (!s3_call_wait(call, cleanup->deadline) && !(call->done && call->error.status == 404) &&
			cleanup->failed++ == 0)
			cleanup->error = call->error;
		http_cancel(&call->http);
	}
	cleanup->ncalls = 0;
}

static void
cleanup_add(Cleanup *cleanup, S3Operation op, const char *key, const char *upload_id)
{
	S3Call	   *call = s3_call_create(cleanup->log->client, op, cleanup->log->bucket, key);

	if (upload_id)
		s3_call_query(call, "uploadId", upload_id);
	s3_call_start(call);
	cleanup->calls[cleanup->ncalls++] = call;
	if (cleanup->ncalls == S3_LOG_BATCH)
		cleanup_wait(cleanup);
}

/* May there be an upload of its key that is not known, or not gone? */
static bool
is_doubtful(const S3LogEntry *entry)
{
	return entry->ambiguous || entry->state == ENTRY_BEGUN;
}

/*
 * Look for uploads of ours that no entry tells of, or that are still there
 * although aborted.
 */
static void
sweep_into(Cleanup *cleanup)
{
	S3UploadLog *log = cleanup->log;
	TimestampTz since = log->begun - S3_CLOCK_SLACK;
	const char *first = NULL;
	char	   *prefix;
	Size		common = 0;
	List	   *uploads;
	ListCell   *lc;
	S3Error		error;

	s3_log_sort(log);
	for (int i = 0; i < log->nsorted; i++)
	{
		const char *key = log->sorted[i]->key;
		Size		n = 0;

		if (!is_doubtful(log->sorted[i]))
			continue;
		if (first == NULL)
		{
			first = key;
			common = strlen(key);
		}
		while (n < common && key[n] == first[n])
			n++;
		common = n;
	}
	if (first == NULL)
		return;
	prefix = pnstrdup(first, common);
	if (!s3_list_uploads(log->client, log->bucket, prefix, cleanup->deadline, &uploads, &error))
	{
		if (cleanup->failed++ == 0)
			cleanup->error = error;
		return;
	}
	foreach(lc, uploads)
	{
		S3UploadInfo *info = lfirst(lc);
		int			low = 0;
		int			high = log->nsorted;

		while (low < high)
		{
			int			middle = (low + high) / 2;

			if (strcmp(log->sorted[middle]->key, info->key) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < log->nsorted && strcmp(log->sorted[low]->key, info->key) == 0)
		{
			S3LogEntry *entry = log->sorted[low];
			const char *id = DsaPointerIsValid(entry->upload_id) ?
				s3_log_at(log, entry->upload_id) : NULL;
			bool		ours = id && strcmp(id, info->upload_id) == 0;

			if (!is_doubtful(entry))
				continue;
			if (ours ? entry->state != ENTRY_COMPLETE :
				(id == NULL || entry->ambiguous) && info->initiated >= since)
			{
				cleanup_add(cleanup, S3_ABORT_UPLOAD, info->key, info->upload_id);
				entry->creating = false;
			}
		}
	}
	cleanup_wait(cleanup);
}

/* Is there a creation that was cut off, and whose upload was not found? */
static bool
is_creating(S3UploadLog *log)
{
	for (int i = 0; i < log->nsorted; i++)
	{
		if (log->sorted[i]->creating)
			return true;
	}
	return false;
}

static void
warn_left(Cleanup *cleanup)
{
	if (cleanup->failed == 0)
		return;
	s3_report(WARNING, &cleanup->error);
	ereport(WARNING,
			(errmsg("multipart uploads or objects of this command may be left in bucket \"%s\"",
					cleanup->log->bucket),
			 errdetail("%d requests to remove them failed.", cleanup->failed),
			 errhint("Remove uploads with s3_abort_uploads().")));
}

void
s3_log_sweep(S3UploadLog *log, TimestampTz deadline)
{
	MemoryContext cxt = AllocSetContextCreate(log->cxt, "s3_fdw sweep", ALLOCSET_DEFAULT_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	Cleanup		cleanup = {.log = log, .deadline = deadline};

	sweep_into(&cleanup);
	warn_left(&cleanup);
	MemoryContextSwitchTo(save);
	MemoryContextDelete(cxt);
}

/* The transaction fails: leave nothing behind.  The workers are gone. */
void
s3_log_abort(RemoteEffect *effect)
{
	S3UploadLog *log = (S3UploadLog *) effect;
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz deadline = TimestampTzPlusMilliseconds(now, s3_abort_timeout);
	TimestampTz grace = TimestampTzPlusMilliseconds(now, Min(ABORT_GRACE_MS, s3_abort_timeout));
	MemoryContext cxt;
	MemoryContext save;
	Cleanup		cleanup = {.log = log, .deadline = deadline};
	int			replaced = 0;
	const char *example = NULL;

	if (log->shared == NULL)
	{
		s3_upload_log_free(log);
		return;
	}
	cxt = AllocSetContextCreate(log->cxt, "s3_fdw abort", ALLOCSET_DEFAULT_SIZES);
	save = MemoryContextSwitchTo(cxt);

	/* This stops the leader's requests that send bytes. */
	MemoryContextDelete(log->uploads_cxt);

	for (int i = 0; i < log->nbatch; i++)
	{
		S3LogEntry *entry = log->sorted[log->batch_first + i];

		if (entry->state != ENTRY_COMPLETE && s3_commit_settle(&log->batch[i], grace, deadline))
			entry->state = ENTRY_COMPLETE;
	}
	for (dsa_pointer p = log->shared->entries; DsaPointerIsValid(p);)
	{
		S3LogEntry *entry = s3_log_at(log, p);

		p = entry->next;
		if (entry->state == ENTRY_COMPLETE && log->overwrite)
		{
			replaced++;
			example = entry->key;
		}
		else if (entry->state == ENTRY_COMPLETE)
			cleanup_add(&cleanup, S3_DELETE_OBJECT, entry->key, NULL);
		else if (DsaPointerIsValid(entry->upload_id))
			cleanup_add(&cleanup, S3_ABORT_UPLOAD, entry->key, s3_log_at(log, entry->upload_id));
	}
	cleanup_wait(&cleanup);
	sweep_into(&cleanup);
	while (cleanup.failed == 0 && is_creating(log) && GetCurrentTimestamp() < grace)
	{
		(void) WaitLatch(NULL, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, SWEEP_INTERVAL_MS,
						 s3_wait_event_info(S3_WAIT_ABORT));
		sweep_into(&cleanup);
	}
	warn_left(&cleanup);
	if (replaced > 0)
		ereport(WARNING,
				(errmsg("%d objects were written before the command failed", replaced),
				 errdetail("One of them is \"%s\".", s3_location_format(log->bucket, example))));

	MemoryContextSwitchTo(save);
	s3_upload_log_free(log);
}
