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
 * Above: the export.  Below: upload.c and commit.c.  Beside: upload_undo.c, for
 * when the transaction fails.
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
#include "s3/upload_log_internal.h"
#include "s3/uri.h"
#include "storage/lwlock.h"
#include "utils/memutils.h"

/* Uploads of one process that are sealed and not yet sent. */
#define MAX_SEALED 16

static dsa_pointer
store_text(S3UploadLog *log, const char *text)
{
	Size		size = strlen(text) + 1;
	dsa_pointer pointer = dsa_allocate(log->area, size);

	memcpy(s3_log_at(log, pointer), text, size);
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
	log->effect.abort = s3_log_abort;
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
	shared = log->shared = s3_log_at(log, log->root);
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
	log->shared = s3_log_at(log, log->root);
	log->bucket = s3_log_at(log, log->shared->bucket);
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
	S3LogEntry *entry = s3_log_at(log, pointer);

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
	entry->creating = true;
	entry->state = ENTRY_BEGUN;
}

void
s3_upload_log_created(S3UploadLog *log, S3LogEntry *entry, const char *upload_id, bool ambiguous)
{
	entry->ambiguous = ambiguous;
	if (upload_id)
		entry->upload_id = store_text(log, upload_id);
	else if (!ambiguous)
		entry->state = ENTRY_IDLE;
	entry->creating = false;
}

void
s3_upload_log_part(S3UploadLog *log, S3LogEntry *entry, const S3SentPart *sent, const char *etag)
{
	Size		len = strlen(etag) + 1;
	dsa_pointer pointer = dsa_allocate(log->area, offsetof(LogPart, etag) + len);
	LogPart    *part = s3_log_at(log, pointer);

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
	Assert(s3_log_at(log, log->shared->object) == upload->entry);
	MemoryContextDelete(upload->cxt);
}

S3Upload *
s3_upload_join(S3UploadLog *log, const S3UploadOptions *options,
			   const char *first, Size first_len, const char *between, Size between_len)
{
	S3LogEntry *entry = s3_log_at(log, log->shared->object);

	take_options(log, options);
	return s3_upload_create_shared(log, entry, log->uploads_cxt, log->client, log->bucket,
								   entry->key, s3_log_at(log, entry->upload_id), log->checksums,
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
	Leftover   *leftover = s3_log_at(log, pointer);

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
	S3LogEntry *entry = s3_log_at(log, log->shared->object);
	S3Upload   *upload = s3_upload_join(log, options, "", 0, "", 0);
	ByteSink   *sink = s3_upload_sink(upload);
	bool		begun = s3_upload_log_parts(log) > 0;
	dsa_pointer pointer = log->shared->leftovers;

	if (!begun)
		byte_sink_write(sink, first, first_len);
	while (DsaPointerIsValid(pointer))
	{
		Leftover   *leftover = s3_log_at(log, pointer);
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
		LogPart    *part = s3_log_at(log, pointer);

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
void
s3_log_sort(S3UploadLog *log)
{
	dsa_pointer pointer = log->shared->entries;

	log->nsorted = 0;
	log->sorted = MemoryContextAlloc(log->cxt, Max(log->shared->nentries, 1) * sizeof(S3LogEntry *));
	while (DsaPointerIsValid(pointer))
	{
		S3LogEntry *entry = s3_log_at(log, pointer);

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
		LogPart    *part = s3_log_at(log, pointer);

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
	commit->upload_id = s3_log_at(log, entry->upload_id);
	commit->parts = parts;
	commit->nparts = n;
	commit->bytes = entry->bytes;
}

/* Not every store knows the condition on the request that completes. */
static void
check_absent(S3UploadLog *log, S3LogEntry **entries, int n)
{
	S3Call	   *calls[S3_LOG_BATCH];

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

	s3_log_sort(log);
	log->batch = MemoryContextAlloc(log->cxt, S3_LOG_BATCH * sizeof(S3Commit));
	for (int first = 0; first < log->nsorted; first += S3_LOG_BATCH)
	{
		S3LogEntry **entries = log->sorted + first;
		int			n = Min(S3_LOG_BATCH, log->nsorted - first);

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
			entries[i]->state = ENTRY_COMPLETE;
			entries[i]->etag = store_text(log, log->batch[i].etag);
		}
		log->nbatch = 0;
		MemoryContextReset(cxt);
	}
	MemoryContextSwitchTo(save);
	MemoryContextDelete(cxt);
}

void
s3_upload_log_sort(S3UploadLog *log)
{
	s3_log_sort(log);
	log->next = 0;
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
	object->etag = pstrdup(DsaPointerIsValid(entry->etag) ? s3_log_at(log, entry->etag) : "");
	return true;
}

void
s3_upload_log_forget(S3UploadLog *log)
{
	remote_effect_forget(&log->effect);

	/* An answer to a creation was lost: there is an upload nobody knows. */
	HOLD_INTERRUPTS();
	s3_log_sweep(log, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), s3_abort_timeout));
	RESUME_INTERRUPTS();
}

void
s3_upload_log_free(S3UploadLog *log)
{
	if (log->area)
		dsa_detach(log->area);
	MemoryContextDelete(log->cxt);
}

void
s3_upload_log_abandon(S3UploadLog *log)
{
	remote_effect_forget(&log->effect);
	HOLD_INTERRUPTS();
	s3_log_abort(&log->effect);
	RESUME_INTERRUPTS();
}
