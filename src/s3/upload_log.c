/*-------------------------------------------------------------------------
 *
 * upload_log.c
 *		The multipart uploads of one statement, in memory its processes share.
 *
 * The log is a dynamic shared memory area with an entry for each upload; an
 * entry holds what CompleteMultipartUpload and AbortMultipartUpload need, about
 * 400 bytes.  The processes only add to it.  The leader's view is in its
 * transaction's registry and survives the query, and the workers.
 *
 * What an abort has to do follows from the entries:
 *   idle                      nothing was sent
 *   begun, no id              an upload of the key may be open: look for it
 *   begun                     abort it, and look whether it is gone, since parts
 *                             of a process that was killed may arrive late
 *   being completed           see commit.c
 *   complete                  delete the object, unless it may have replaced
 *                             another
 *
 * Above: the export.  Below: upload.c and commit.c.
 *
 * IDENTIFICATION
 *		src/s3/upload_log.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/config.h"
#include "miscadmin.h"
#include "s3/object.h"
#include "s3/upload_internal.h"
#include "s3/uri.h"
#include "storage/lwlock.h"
#include "storage/spin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Requests under way at a time, when uploads are completed or aborted. */
#define BATCH 16

/* How long an abort waits for requests that may be about to succeed. */
#define ABORT_GRACE_MS 1000

/* Uploads of one process that are sealed and not yet sent. */
#define MAX_SEALED 16

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

static void log_abort(RemoteEffect *effect);
static void sweep(S3UploadLog *log, TimestampTz deadline);

static inline void *
at(S3UploadLog *log, dsa_pointer pointer)
{
	return dsa_get_address(log->area, pointer);
}

static dsa_pointer
store_text(S3UploadLog *log, const char *text)
{
	Size		size = strlen(text) + 1;
	dsa_pointer pointer = dsa_allocate(log->area, size);

	memcpy(at(log, pointer), text, size);
	return pointer;
}

/* ----------------------------------------------------------------- create, attach */

/*
 * All uploads of a statement have the same labels and the same kind of
 * checksum.  A call may come to be after the caller's memory.
 */
static void
take_options(S3UploadLog *log, const S3UploadOptions *options)
{
	MemoryContext save;

	if (log->has_options)
		return;
	save = MemoryContextSwitchTo(log->cxt);
	log->attributes = s3_attributes_copy(options->attributes);
	log->checksums = s3_checksums_create(options->checksum);
	log->overwrite = options->overwrite;
	log->has_options = true;
	MemoryContextSwitchTo(save);
}

S3UploadLog *
s3_upload_log_create(const S3Client *client, const char *bucket, const S3UploadOptions *options)
{
	MemoryContext cxt = AllocSetContextCreate(TopMemoryContext, "s3_fdw upload log",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	S3UploadLog *log = palloc0(sizeof(S3UploadLog));
	S3Client   *copy;
	LogShared  *shared;

	log->cxt = cxt;
	log->effect.abort = log_abort;
	dlist_init(&log->sealed);
	log->bucket = pstrdup(bucket);
	log->begun = GetCurrentTimestamp();
	take_options(log, options);
	log->uploads_cxt = AllocSetContextCreate(cxt, "s3_fdw logged uploads", ALLOCSET_SMALL_SIZES);
	copy = s3_client_copy(client, &log->stats);
	log->client = copy;
	remote_effect_register(&log->effect);

	/* It has to be there when the transaction aborts. */
	log->area = dsa_create(LWTRANCHE_PARALLEL_QUERY_DSA);
	dsa_pin_mapping(log->area);
	log->root = dsa_allocate0(log->area, sizeof(LogShared));
	shared = log->shared = at(log, log->root);
	SpinLockInit(&shared->lock);
	pg_atomic_init_u32(&shared->next_part, 0);
	pg_atomic_init_u32(&shared->next_slice, 0);
	pg_atomic_init_u64(&shared->rows, 0);
	pg_atomic_init_u64(&shared->bytes, 0);
	s3_rate_init(&shared->rate, copy);
	s3_client_share_rate(copy, &shared->rate);
	shared->bucket = store_text(log, bucket);
	MemoryContextSwitchTo(save);
	return log;
}

S3UploadLogShare
s3_upload_log_share(const S3UploadLog *log)
{
	S3UploadLogShare share = {dsa_get_handle(log->area), log->root};

	return share;
}

static void
detach(void *arg)
{
	dsa_detach(((S3UploadLog *) arg)->area);
}

S3UploadLog *
s3_upload_log_attach(S3UploadLogShare share, const S3Client *client)
{
	S3UploadLog *log = palloc0(sizeof(S3UploadLog));

	log->cxt = CurrentMemoryContext;
	dlist_init(&log->sealed);
	log->uploads_cxt = CurrentMemoryContext;
	log->client = client;
	log->area = dsa_attach(share.handle);
	dsa_pin_mapping(log->area);
	log->on_reset.func = detach;
	log->on_reset.arg = log;
	MemoryContextRegisterResetCallback(log->cxt, &log->on_reset);
	log->root = share.root;
	log->shared = at(log, log->root);
	log->bucket = at(log, log->shared->bucket);
	return log;
}

S3RateLimit *
s3_upload_log_rate(S3UploadLog *log)
{
	return &log->shared->rate;
}

int
s3_upload_log_next_slice(S3UploadLog *log)
{
	return (int) pg_atomic_fetch_add_u32(&log->shared->next_slice, 1);
}

void
s3_upload_log_count(S3UploadLog *log, int64 rows, int64 bytes)
{
	pg_atomic_fetch_add_u64(&log->shared->rows, rows);
	pg_atomic_fetch_add_u64(&log->shared->bytes, bytes);
}

void
s3_upload_log_progress(S3UploadLog *log, int64 *rows, int64 *bytes)
{
	*rows = (int64) pg_atomic_read_u64(&log->shared->rows);
	*bytes = (int64) pg_atomic_read_u64(&log->shared->bytes);
}

/* ----------------------------------------------------------------------- entries */

static S3LogEntry *
add_entry(S3UploadLog *log, const char *key)
{
	Size		len = strlen(key) + 1;
	dsa_pointer pointer = dsa_allocate0(log->area, offsetof(S3LogEntry, key) + len);
	S3LogEntry *entry = at(log, pointer);

	memcpy(entry->key, key, len);
	SpinLockAcquire(&log->shared->lock);
	entry->next = log->shared->entries;
	log->shared->entries = pointer;
	log->shared->nentries++;
	SpinLockRelease(&log->shared->lock);
	return entry;
}

void
s3_upload_log_begin(S3UploadLog *log, S3LogEntry *entry)
{
	entry->state = ENTRY_BEGUN;
}

void
s3_upload_log_created(S3UploadLog *log, S3LogEntry *entry, const char *upload_id, bool ambiguous)
{
	entry->ambiguous = ambiguous;
	entry->upload_id = store_text(log, upload_id);
}

void
s3_upload_log_part(S3UploadLog *log, S3LogEntry *entry, const S3SentPart *sent, const char *etag)
{
	Size		len = strlen(etag) + 1;
	dsa_pointer pointer = dsa_allocate(log->area, offsetof(LogPart, etag) + len);
	LogPart    *part = at(log, pointer);

	part->sent = *sent;
	memcpy(part->etag, etag, len);
	SpinLockAcquire(&log->shared->lock);
	part->next = entry->parts;
	entry->parts = pointer;
	entry->nparts++;
	SpinLockRelease(&log->shared->lock);
}

/* ------------------------------------------------------------- objects, one by one */

S3Upload *
s3_upload_begin_logged(S3UploadLog *log, const char *key, const S3UploadOptions *options)
{
	S3UploadOptions copy = *options;

	take_options(log, options);
	copy.attributes = log->attributes;
	copy.overwrite = log->overwrite;
	return s3_upload_create_logged(log, add_entry(log, key), S3_UPLOAD_LOGGED,
								   log->uploads_cxt, log->client, log->bucket, key,
								   log->checksums, &copy);
}

void
s3_upload_seal(S3Upload *upload, int64 rows)
{
	S3UploadLog *log = upload->log;
	Size		half = upload->memory / 2;

	upload->entry->rows = rows;
	upload->entry->bytes = upload->bytes;
	s3_upload_close(upload);
	dlist_push_tail(&log->sealed, &upload->node);
	log->nsealed++;
	for (;;)
	{
		s3_upload_log_poll(log);
		if (log->nsealed < MAX_SEALED &&
			(log->nsealed <= 1 || s3_upload_log_memory_used(log) <= half))
			return;
		http_pump(0, s3_wait_event_info(S3_WAIT_PUT));
	}
}

/* Take steps as long as there are any; does not wait. */
static void
step_sealed(S3UploadLog *log)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &log->sealed)
	{
		S3Upload   *upload = dlist_container(S3Upload, node, iter.cur);

		if (!s3_upload_step(upload))
			continue;
		upload->entry->state = ENTRY_SEALED;
		dlist_delete(&upload->node);
		log->nsealed--;
		MemoryContextDelete(upload->cxt);
	}
}

void
s3_upload_log_poll(S3UploadLog *log)
{
	if (log->nsealed == 0)
		return;
	http_poll();
	step_sealed(log);
}

void
s3_upload_log_wait(S3UploadLog *log)
{
	for (;;)
	{
		step_sealed(log);
		if (log->nsealed == 0)
			return;
		http_pump(0, s3_wait_event_info(S3_WAIT_PUT));
	}
}

Size
s3_upload_log_memory_used(S3UploadLog *log)
{
	Size		sum = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &log->sealed)
		sum += s3_upload_memory_used(dlist_container(S3Upload, node, iter.cur));
	return sum;
}

/* ---------------------------------------------------------- one object, by all */

void
s3_upload_log_begin_object(S3UploadLog *log, const char *key, const S3UploadOptions *options)
{
	S3Upload   *upload = s3_upload_begin_logged(log, key, options);

	if (!log->overwrite)
		s3_commit_check_absent(log->client, log->bucket, key);
	s3_upload_create_now(upload);
	SpinLockAcquire(&log->shared->lock);
	log->shared->object = log->shared->entries;
	SpinLockRelease(&log->shared->lock);
	Assert(at(log, log->shared->object) == upload->entry);
	MemoryContextDelete(upload->cxt);
}

S3Upload *
s3_upload_join(S3UploadLog *log, const S3UploadOptions *options,
			   const char *first, Size first_len, const char *between, Size between_len)
{
	S3LogEntry *entry = at(log, log->shared->object);

	take_options(log, options);
	return s3_upload_create_shared(log, entry, log->uploads_cxt, log->client, log->bucket,
								   entry->key, at(log, entry->upload_id), log->checksums,
								   options, first, first_len, between, between_len);
}

int
s3_upload_log_parts(S3UploadLog *log)
{
	return (int) pg_atomic_read_u32(&log->shared->next_part);
}

int
s3_upload_log_next_part(S3UploadLog *log)
{
	return (int) pg_atomic_fetch_add_u32(&log->shared->next_part, 1) + 1;
}

void
s3_upload_log_leftover(S3UploadLog *log, const char *data, Size len)
{
	dsa_pointer pointer = dsa_allocate(log->area, offsetof(Leftover, data) + len);
	Leftover   *leftover = at(log, pointer);

	leftover->len = len;
	memcpy(leftover->data, data, len);
	SpinLockAcquire(&log->shared->lock);
	leftover->next = log->shared->leftovers;
	log->shared->leftovers = pointer;
	SpinLockRelease(&log->shared->lock);
}

void
s3_upload_log_end_object(S3UploadLog *log, const S3UploadOptions *options,
						 const char *first, Size first_len,
						 const char *between, Size between_len,
						 const char *last, Size last_len, int64 rows)
{
	S3LogEntry *entry = at(log, log->shared->object);
	S3Upload   *upload = s3_upload_join(log, options, "", 0, "", 0);
	ByteSink   *sink = s3_upload_sink(upload);
	bool		begun = s3_upload_log_parts(log) > 0;
	dsa_pointer pointer = log->shared->leftovers;

	if (!begun)
		byte_sink_write(sink, first, first_len);
	while (DsaPointerIsValid(pointer))
	{
		Leftover   *leftover = at(log, pointer);
		dsa_pointer next = leftover->next;

		if (begun)
			byte_sink_write(sink, between, between_len);
		begun = true;
		byte_sink_write(sink, leftover->data, leftover->len);
		if (s3_upload_is_full(upload))
			s3_upload_send(upload);
		dsa_free(log->area, pointer);
		pointer = next;
	}
	byte_sink_write(sink, last, last_len);

	/* The last part may be of any size, but there must be one. */
	if (s3_upload_pending(upload) > 0 || s3_upload_log_parts(log) == 0)
		s3_upload_send(upload);
	s3_upload_leave(upload);

	entry->rows = rows;
	entry->bytes = 0;
	pointer = entry->parts;
	while (DsaPointerIsValid(pointer))
	{
		LogPart    *part = at(log, pointer);

		entry->bytes += part->sent.size;
		pointer = part->next;
	}
	entry->state = ENTRY_SEALED;
}

/* ------------------------------------------------------------------------ commit */

static int
compare_entries(const void *a, const void *b)
{
	return strcmp((*(S3LogEntry *const *) a)->key, (*(S3LogEntry *const *) b)->key);
}

static int
compare_parts(const void *a, const void *b)
{
	int			first = ((const S3SentPart *) a)->number;
	int			second = ((const S3SentPart *) b)->number;

	return (first > second) - (first < second);
}

/* All entries by key, in the log's memory. */
static void
sort_entries(S3UploadLog *log)
{
	dsa_pointer pointer = log->shared->entries;

	log->nsorted = 0;
	log->sorted = MemoryContextAlloc(log->cxt, Max(log->shared->nentries, 1) * sizeof(S3LogEntry *));
	while (DsaPointerIsValid(pointer))
	{
		S3LogEntry *entry = at(log, pointer);

		log->sorted[log->nsorted++] = entry;
		pointer = entry->next;
	}
	qsort(log->sorted, log->nsorted, sizeof(S3LogEntry *), compare_entries);
}

static void
prepare_commit(S3UploadLog *log, S3LogEntry *entry, S3Commit *commit, MemoryContext cxt)
{
	S3SentPart *parts = MemoryContextAlloc(cxt, Max(entry->nparts, 1) * sizeof(S3SentPart));
	dsa_pointer pointer = entry->parts;
	int			n = 0;

	while (DsaPointerIsValid(pointer))
	{
		LogPart    *part = at(log, pointer);

		parts[n] = part->sent;
		parts[n++].etag = part->etag;
		pointer = part->next;
	}
	qsort(parts, n, sizeof(S3SentPart), compare_parts);
	memset(commit, 0, sizeof(S3Commit));
	commit->cxt = cxt;
	commit->client = log->client;
	commit->bucket = log->bucket;
	commit->key = entry->key;
	commit->attributes = log->attributes;
	commit->checksums = log->checksums;
	commit->overwrite = log->overwrite;
	commit->upload_id = at(log, entry->upload_id);
	commit->parts = parts;
	commit->nparts = n;
	commit->bytes = entry->bytes;
}

/* Not every store knows the condition on the request that completes. */
static void
check_absent(S3UploadLog *log, S3LogEntry **entries, int n)
{
	S3Call	   *calls[BATCH];

	for (int i = 0; i < n; i++)
		calls[i] = s3_head_start(log->client, log->bucket, entries[i]->key);
	for (int i = 0; i < n; i++)
	{
		S3ObjectInfo info;
		S3Error		error;

		if (s3_head_finish(calls[i], &info, &error))
			s3_commit_report_exists(log->bucket, entries[i]->key);

		/* Without the right to list the bucket, S3 answers 403 for a missing key. */
		if (error.status != 404 && error.status != 403)
			s3_report(ERROR, &error);
	}
}

void
s3_upload_log_commit(S3UploadLog *log)
{
	MemoryContext cxt = AllocSetContextCreate(log->cxt, "s3_fdw commit", ALLOCSET_DEFAULT_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);

	sort_entries(log);
	log->batch = MemoryContextAlloc(log->cxt, BATCH * sizeof(S3Commit));
	for (int first = 0; first < log->nsorted; first += BATCH)
	{
		S3LogEntry **entries = log->sorted + first;
		int			n = Min(BATCH, log->nsorted - first);

		if (!log->overwrite)
			check_absent(log, entries, n);
		for (int i = 0; i < n; i++)
		{
			Assert(entries[i]->state == ENTRY_SEALED);
			prepare_commit(log, entries[i], &log->batch[i], cxt);
		}
		log->batch_first = first;
		log->nbatch = n;
		for (int i = 0; i < n; i++)
			s3_commit_start(&log->batch[i]);
		for (int i = 0; i < n; i++)
		{
			s3_commit_finish(&log->batch[i]);
			entries[i]->etag = store_text(log, log->batch[i].etag);
			entries[i]->state = ENTRY_COMPLETE;
		}
		log->nbatch = 0;
		MemoryContextReset(cxt);
	}
	MemoryContextSwitchTo(save);
	MemoryContextDelete(cxt);
}

int
s3_upload_log_count_objects(S3UploadLog *log)
{
	return log->shared->nentries;
}

bool
s3_upload_log_next(S3UploadLog *log, S3LoggedObject *object)
{
	S3LogEntry *entry;

	if (log->next >= log->nsorted)
	{
		log->next = 0;
		return false;
	}
	entry = log->sorted[log->next++];
	object->key = pstrdup(entry->key);
	object->rows = entry->rows;
	object->bytes = entry->bytes;
	object->etag = pstrdup(DsaPointerIsValid(entry->etag) ? at(log, entry->etag) : "");
	return true;
}

void
s3_upload_log_forget(S3UploadLog *log)
{
	remote_effect_forget(&log->effect);

	/* An answer to a creation was lost: there is an upload nobody knows. */
	HOLD_INTERRUPTS();
	sweep(log, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), s3_abort_timeout));
	RESUME_INTERRUPTS();
}

void
s3_upload_log_free(S3UploadLog *log)
{
	if (log->area)
		dsa_detach(log->area);
	MemoryContextDelete(log->cxt);
}

/* ------------------------------------------------------------------------- abort */

/* Requests of which several run at a time, and what came of them. */
typedef struct Cleanup
{
	S3UploadLog *log;
	TimestampTz deadline;
	S3Call	   *calls[BATCH];
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
	if (cleanup->ncalls == BATCH)
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

	sort_entries(log);
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
				at(log, entry->upload_id) : NULL;
			bool		ours = id && strcmp(id, info->upload_id) == 0;

			if (!is_doubtful(entry))
				continue;
			if (ours ? entry->state != ENTRY_COMPLETE :
				(id == NULL || entry->ambiguous) && info->initiated >= since)
				cleanup_add(cleanup, S3_ABORT_UPLOAD, info->key, info->upload_id);
		}
	}
	cleanup_wait(cleanup);
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

static void
sweep(S3UploadLog *log, TimestampTz deadline)
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
static void
log_abort(RemoteEffect *effect)
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
		S3LogEntry *entry = at(log, p);

		p = entry->next;
		if (entry->state == ENTRY_COMPLETE && log->overwrite)
		{
			replaced++;
			example = entry->key;
		}
		else if (entry->state == ENTRY_COMPLETE)
			cleanup_add(&cleanup, S3_DELETE_OBJECT, entry->key, NULL);
		else if (DsaPointerIsValid(entry->upload_id))
			cleanup_add(&cleanup, S3_ABORT_UPLOAD, entry->key, at(log, entry->upload_id));
	}
	cleanup_wait(&cleanup);
	sweep_into(&cleanup);
	warn_left(&cleanup);
	if (replaced > 0)
		ereport(WARNING,
				(errmsg("%d objects were written before the command failed", replaced),
				 errdetail("One of them is \"%s\".", s3_location_format(log->bucket, example))));

	MemoryContextSwitchTo(save);
	s3_upload_log_free(log);
}

void
s3_upload_log_abandon(S3UploadLog *log)
{
	remote_effect_forget(&log->effect);
	HOLD_INTERRUPTS();
	log_abort(&log->effect);
	RESUME_INTERRUPTS();
}
