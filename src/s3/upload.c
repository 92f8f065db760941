/*-------------------------------------------------------------------------
 *
 * upload.c
 *		Write one S3 object from a stream of bytes of unknown length.
 *
 * Bytes collect in a part buffer.  A stream that ends within the first buffer
 * becomes one PutObject; otherwise a multipart upload is created when the
 * second part begins, parts are sent as they fill, several at a time, and
 * CompleteMultipartUpload makes the object visible.  Memory is the fixed
 * quantity: when all buffers are under way, the writer waits.
 *
 * An upload of a log (upload_log.h) sends its bytes in the same way, but is
 * sealed instead of finished: always a multipart upload, it is left for the
 * leader to complete.  A shared one is begun by the leader, and each process
 * sends parts of it.
 *
 * The caller above sees a ByteSink.  Below, request.c signs and repeats, and
 * commit.c makes the object visible.
 *
 * Where we are is told by facts that only ever become true (create_sent,
 * upload_id, commit.sent, finished), as in AWS's own client.  They decide what
 * an abort has to do:
 *   nothing sent              nothing
 *   create sent, no answer    wait for it shortly, then find the upload by key
 *   parts under way           stop them, abort, and look whether it is gone: a
 *                             part that arrives late keeps an upload alive
 *   final request sent        wait for its answer shortly: if the object has
 *                             become visible and was not there before, delete
 *                             it; else abort
 *
 * Invariant: an S3Upload, or the log that it belongs to, is in the transaction's
 * registry from before its first request until it has been finished or undone.
 *
 * Source: Amazon S3 API Reference, PutObject, CreateMultipartUpload,
 * UploadPart, AbortMultipartUpload.
 *
 * IDENTIFICATION
 *		src/s3/upload.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/config.h"
#include "base/xact.h"
#include "miscadmin.h"
#include "s3/buffer.h"
#include "s3/commit.h"
#include "s3/copy.h"
#include "s3/object.h"
#include "s3/upload_internal.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* A part that ends where the object can be cut becomes larger than planned. */
#define SHARED_SLACK (256 * 1024)

/* How long an abort waits for a request that may be about to succeed. */
#define ABORT_GRACE_MS 1000

static void upload_abort(RemoteEffect *effect);
static bool sweep(S3Upload *upload, TimestampTz deadline, S3Error *error);
static void warn_left(S3Upload *upload, const S3Error *error);

static const S3UploadLimits default_limits = {
	.max_part_size = S3_MAX_PART_SIZE,
	.max_parts = S3_MAX_PARTS,
	.equal_parts = 7100,
	.parts_per_size = 290
};

const S3UploadLimits *
s3_upload_default_limits(void)
{
	return &default_limits;
}

int64
s3_upload_part_size(const S3UploadLimits *limits, int64 first, int number)
{
	int64		size = first;

	for (int n = limits->equal_parts; n < number && size < limits->max_part_size;
		 n += limits->parts_per_size)
		size *= 2;
	return Min(size, limits->max_part_size);
}

int64
s3_upload_fitting_part_size(const S3UploadLimits *limits, int64 size)
{
	const int64 unit = 1024 * 1024;
	int64		part = size / limits->equal_parts + 1;

	part = (part + unit - 1) / unit * unit;
	return Min(part, limits->max_part_size);
}

/* ---------------------------------------------------------------------- buffers */

static void
free_buffers(S3Upload *upload)
{
	ListCell   *lc;

	foreach(lc, upload->free_bufs)
		s3_buffer_free(upload->buffers, lfirst(lc));
	list_free(upload->free_bufs);
	upload->free_bufs = NIL;
}

/* A buffer to fill, with room for what goes before the part. */
static void
ensure_buffer(S3Upload *upload)
{
	int			number = upload->logged == S3_UPLOAD_SHARED ?
		s3_upload_log_parts(upload->log) + 1 : upload->nparts + 1;
	Size		want;

	if (upload->buf)
		return;
	want = (Size) s3_upload_part_size(upload->limits, upload->part_size,
									  upload->equal_parts ? 1 : number) +
		upload->headroom + upload->slack;
	if (want != upload->buf_cap)
	{
		free_buffers(upload);
		upload->buf_cap = want;
	}
	if (upload->free_bufs != NIL)
	{
		upload->buf = llast(upload->free_bufs);
		upload->free_bufs = list_delete_last(upload->free_bufs);
		upload->buf_size = want;
	}
	else
	{
		upload->buf_size = upload->first_buffer ? Min(upload->first_buffer, want) : want;
		upload->buf = s3_buffer_alloc(upload->buffers, upload->buf_size);
	}
	upload->buf_len = upload->headroom;
}

/* The buffer is full, but the part is not, or may be as large as it gets. */
static void
enlarge_buffer(S3Upload *upload)
{
	Size		size = upload->buf_size * 2;

	if (upload->buf_size < upload->buf_cap)
		size = Min(size, upload->buf_cap);
	else
		size = upload->buf_size + upload->buf_cap / 4;
	upload->buf = s3_buffer_enlarge(upload->buffers, upload->buf, size);
	upload->buf_size = size;
}

static void
recycle_buffer(S3Upload *upload, char *buf, Size size)
{
	if (buf && size == upload->buf_cap)
		upload->free_bufs = lappend(upload->free_bufs, buf);
	else if (buf)
		s3_buffer_free(upload->buffers, buf);
}

/* ------------------------------------------------------------------------ parts */

/* A part has been answered: note its entity tag, free its buffer. */
static void
finish_part(S3Upload *upload, Part *part)
{
	S3Call	   *call = part->call;
	MemoryContext save;

	if (!call->ok)
		s3_commit_report(upload->checksums, &call->error);

	save = MemoryContextSwitchTo(upload->cxt);
	if (upload->log)
		s3_upload_log_part(upload->log, upload->entry, &part->sent, call->http.etag);
	else
	{
		while (part->sent.number > upload->max_parts)
		{
			int			max = Max(64, upload->max_parts * 2);

			upload->parts = upload->parts ?
				repalloc(upload->parts, max * sizeof(S3SentPart)) :
				palloc(max * sizeof(S3SentPart));
			upload->max_parts = max;
		}
		upload->parts[part->sent.number - 1] = part->sent;
		upload->parts[part->sent.number - 1].etag = pstrdup(call->http.etag);
	}

	dlist_delete(&part->node);
	if (part->buf)
		upload->nparts_running--;
	else
		upload->ncopies_running--;
	upload->running_memory -= part->buf_size;
	recycle_buffer(upload, part->buf, part->buf_size);
	s3_call_free(call);
	pfree(part);
	MemoryContextSwitchTo(save);
}

/* Take in the answers that have come. */
static void
take_answers(S3Upload *upload)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &upload->running)
	{
		Part	   *part = dlist_container(Part, node, iter.cur);

		if (part->call->done)
			finish_part(upload, part);
	}
}

/*
 * Wait until at most max answers are missing to parts with a buffer, and
 * max_copies to others.
 */
static void
collect_parts(S3Upload *upload, int max, int max_copies)
{
	for (;;)
	{
		take_answers(upload);
		if (upload->nparts_running <= max && upload->ncopies_running <= max_copies)
			return;
		http_pump(0, s3_wait_event_info(S3_WAIT_PUT));
	}
}

static void
drop_call(S3Upload *upload)
{
	s3_call_free(upload->call);
	upload->call = NULL;
}

static void
start_create(S3Upload *upload)
{
	if (upload->log)
		s3_upload_log_begin(upload->log, upload->entry);
	upload->call = s3_create_upload_call(upload->client, upload->bucket, upload->key,
										 upload->attributes, upload->checksums, &upload->created);
	upload->create_sent = true;
	s3_call_start(upload->call);
}

/* The call has been answered. */
static void
finish_create(S3Upload *upload)
{
	if (upload->call->ambiguous)
		upload->create_ambiguous = true;
	if (!upload->call->ok)
	{
		if (upload->log)
			s3_upload_log_created(upload->log, upload->entry, NULL, upload->create_ambiguous);
		s3_commit_report(upload->checksums, &upload->call->error);
	}
	upload->upload_id = upload->created.upload_id;
	if (upload->log)
		s3_upload_log_created(upload->log, upload->entry, upload->upload_id,
							  upload->create_ambiguous);
	drop_call(upload);
}

/* Before a part: there has to be an upload. */
static void
prepare_part(S3Upload *upload)
{
	if (!upload->create_sent)
		start_create(upload);
	if (upload->call)
	{
		(void) s3_call_wait(upload->call, 0);
		finish_create(upload);
	}
}

static void
set_number(S3Upload *upload, int number)
{
	if (number > upload->limits->max_parts)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("object \"%s\" would need more than %d parts",
						s3_location_format(upload->bucket, upload->key), upload->limits->max_parts),
				 errhint("Choose a larger part_size.")));
	upload->nparts = number;
}

/*
 * Send a part of size bytes.  The call and buf, which may be NULL, become its
 * own.
 */
static void
start_part(S3Upload *upload, S3Call *call, char *buf, int64 size, uint64 checksum)
{
	Part	   *part = palloc0(sizeof(Part));
	char		number[16];

	part->sent.number = upload->nparts;
	part->sent.size = size;
	part->sent.checksum = checksum;
	part->buf = buf;
	part->buf_size = buf ? upload->buf_size : 0;
	part->call = call;
	snprintf(number, sizeof(number), "%d", part->sent.number);
	s3_call_query(call, "partNumber", number);
	s3_call_query(call, "uploadId", upload->upload_id);
	dlist_push_tail(&upload->running, &part->node);
	upload->running_memory += part->buf_size;
	if (buf)
		upload->nparts_running++;
	else
		upload->ncopies_running++;
	s3_call_start(call);
	http_poll();
}

/* Begin to send the buffer as the next part. */
static void
begin_part(S3Upload *upload)
{
	MemoryContext save = MemoryContextSwitchTo(upload->cxt);
	char	   *buf = upload->buf;
	char	   *body = buf + upload->headroom;
	S3Call	   *call;

	prepare_part(upload);
	if (upload->logged == S3_UPLOAD_SHARED)
	{
		/* What goes before it depends on where it comes to stand. */
		set_number(upload, s3_upload_log_next_part(upload->log));
		if (upload->nparts == 1)
		{
			body -= upload->first_len;
			memcpy(body, upload->first, upload->first_len);
		}
		else
		{
			body -= upload->between_len;
			memcpy(body, upload->between, upload->between_len);
		}
	}
	else
		set_number(upload, upload->nparts + 1);
	call = s3_call_create(upload->client, S3_UPLOAD_PART, upload->bucket, upload->key);
	call->body = body;
	call->body_len = buf + upload->buf_len - body;
	call->understand = s3_understand_put;
	upload->buf = NULL;
	start_part(upload, call, buf, call->body_len, s3_checksums_part(upload->checksums, call));
	MemoryContextSwitchTo(save);
}

/* Send the buffer, and wait for room for another. */
static void
send_part(S3Upload *upload)
{
	Size		size = upload->buf_cap;

	begin_part(upload);

	/* One buffer is for filling. */
	collect_parts(upload, Max(1, (int) (upload->memory / size) - 1), S3_MAX_PARTS);
}

int64
s3_upload_pending(const S3Upload *upload)
{
	return upload->buf ? (int64) (upload->buf_len - upload->headroom) : 0;
}

Size
s3_upload_memory_used(const S3Upload *upload)
{
	return (upload->buf ? upload->buf_size : 0) + upload->running_memory +
		list_length(upload->free_bufs) * upload->buf_cap;
}

void
s3_upload_copy(S3Upload *upload, const char *bucket, const S3ObjectInfo *object,
			   int64 first, int64 len)
{
	MemoryContext save;

	if (s3_upload_pending(upload) > 0)
		send_part(upload);
	collect_parts(upload, S3_MAX_PARTS, s3_read_concurrency - 1);

	/* Calls must live until an abort that comes after the caller's memory. */
	save = MemoryContextSwitchTo(upload->cxt);
	prepare_part(upload);
	set_number(upload, upload->nparts + 1);
	start_part(upload, s3_copy_part_call(upload->client, upload->bucket, upload->key,
										 bucket, object, first, len), NULL, len, 0);
	upload->bytes += len;
	MemoryContextSwitchTo(save);
}

void
s3_upload_wait_copies(S3Upload *upload)
{
	collect_parts(upload, S3_MAX_PARTS, 0);
}

static void
sink_write(ByteSink *self, const char *data, Size len)
{
	S3Upload   *upload = ((UploadSink *) self)->upload;

	while (len > 0)
	{
		Size		n;

		ensure_buffer(upload);
		if (upload->buf_len == upload->buf_size)
		{
			if (upload->buf_size < upload->buf_cap || upload->logged == S3_UPLOAD_SHARED)
				enlarge_buffer(upload);
			else
			{
				send_part(upload);
				continue;
			}
		}
		n = Min(len, upload->buf_size - upload->buf_len);
		memcpy(upload->buf + upload->buf_len, data, n);
		upload->buf_len += n;
		upload->bytes += n;
		data += n;
		len -= n;
	}
	if (upload->nparts_running > 0)
		http_poll();
}

void
s3_upload_settle(S3Upload *upload)
{
	http_poll();
	take_answers(upload);
	free_buffers(upload);
}

static void
sink_nothing(ByteSink *self)
{
}

static const ByteSinkOps sink_ops = {
	.write = sink_write,
	.finish = sink_nothing,
	.close = sink_nothing
};

/* ---------------------------------------------------------------- begin and end */

/* In a context of its own below parent. */
static S3Upload *
create(MemoryContext parent, const S3Client *client, const char *bucket, const char *key,
	   const S3UploadOptions *options)
{
	MemoryContext cxt = AllocSetContextCreate(parent, "s3_fdw upload", ALLOCSET_SMALL_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	S3Upload   *upload = palloc0(sizeof(S3Upload));

	upload->cxt = cxt;
	upload->created.cxt = cxt;
	upload->sink.base.ops = &sink_ops;
	upload->sink.upload = upload;
	upload->bucket = pstrdup(bucket);
	upload->key = pstrdup(key);
	upload->part_size = options->part_size;
	upload->equal_parts = options->equal_parts;
	upload->first_buffer = options->first_buffer;
	upload->memory = options->memory;
	upload->overwrite = options->overwrite;
	upload->buffers = s3_buffers_create();
	upload->limits = options->limits ? options->limits : &default_limits;
	upload->begun = GetCurrentTimestamp();
	dlist_init(&upload->running);
	MemoryContextSwitchTo(save);
	return upload;
}

S3Upload *
s3_upload_begin(const S3Client *client, const char *bucket, const char *key,
				const S3UploadOptions *options)
{
	S3Upload   *upload = create(TopMemoryContext, client, bucket, key, options);
	MemoryContext save = MemoryContextSwitchTo(upload->cxt);

	upload->effect.abort = upload_abort;
	upload->client = s3_client_copy(client, &upload->stats);
	upload->attributes = s3_attributes_copy(options->attributes);
	upload->checksums = s3_checksums_create(options->checksum);
	remote_effect_register(&upload->effect);
	MemoryContextSwitchTo(save);

	if (!upload->overwrite)
		s3_commit_check_absent(upload->client, upload->bucket, upload->key);
	return upload;
}

ByteSink *
s3_upload_sink(S3Upload *upload)
{
	return &upload->sink.base;
}

void
s3_upload_finish(S3Upload *upload)
{
	MemoryContext save = MemoryContextSwitchTo(upload->cxt);
	S3Commit   *commit = &upload->commit;
	S3Error		error;

	Assert(upload->log == NULL);
	if (upload->create_sent)
	{
		if (s3_upload_pending(upload) > 0)
			send_part(upload);
		collect_parts(upload, 0, 0);

		/* Not every store knows the condition on the request that completes. */
		if (!upload->overwrite)
			s3_commit_check_absent(upload->client, upload->bucket, upload->key);
	}

	commit->cxt = upload->cxt;
	commit->client = upload->client;
	commit->bucket = upload->bucket;
	commit->key = upload->key;
	commit->attributes = upload->attributes;
	commit->checksums = upload->checksums;
	commit->overwrite = upload->overwrite;
	commit->upload_id = upload->upload_id;
	commit->parts = upload->parts;
	commit->nparts = upload->nparts;
	commit->body = upload->buf ? upload->buf : "";
	commit->body_len = upload->buf ? upload->buf_len : 0;
	commit->bytes = upload->bytes;
	s3_commit_start(commit);
	s3_commit_finish(commit);

	/*
	 * From here on the object stays, whatever becomes of the transaction.
	 */
	upload->finished = true;
	remote_effect_forget(&upload->effect);

	/* An answer to the creation was lost: there is an upload nobody knows. */
	if (upload->create_ambiguous)
	{
		TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), s3_abort_timeout);

		HOLD_INTERRUPTS();
		if (!sweep(upload, deadline, &error))
			warn_left(upload, &error);
		RESUME_INTERRUPTS();
	}
	if (upload->buf)
	{
		s3_buffer_free(upload->buffers, upload->buf);
		upload->buf = NULL;
	}
	free_buffers(upload);
	MemoryContextSwitchTo(save);
}

int64
s3_upload_bytes(const S3Upload *upload)
{
	return upload->bytes;
}

const char *
s3_upload_etag(const S3Upload *upload)
{
	return upload->commit.etag;
}

void
s3_upload_free(S3Upload *upload)
{
	Assert(upload->finished);
	MemoryContextDelete(upload->cxt);
}

void
s3_upload_abandon(S3Upload *upload)
{
	Assert(!upload->create_sent);
	remote_effect_forget(&upload->effect);
	MemoryContextDelete(upload->cxt);
}

/* --------------------------------------------------------------- uploads of a log */

S3Upload *
s3_upload_create_logged(S3UploadLog *log, S3LogEntry *entry, S3UploadKind kind,
						MemoryContext parent, const S3Client *client, const char *bucket,
						const char *key, const S3Checksums *checksums,
						const S3UploadOptions *options)
{
	S3Upload   *upload = create(parent, client, bucket, key, options);

	upload->log = log;
	upload->entry = entry;
	upload->logged = kind;
	upload->client = client;
	upload->attributes = options->attributes;
	upload->checksums = checksums;
	return upload;
}

void
s3_upload_create_now(S3Upload *upload)
{
	MemoryContext save = MemoryContextSwitchTo(upload->cxt);

	start_create(upload);
	(void) s3_call_wait(upload->call, 0);
	finish_create(upload);
	MemoryContextSwitchTo(save);
}

/* No more bytes will come. */
void
s3_upload_close(S3Upload *upload)
{
	MemoryContext save = MemoryContextSwitchTo(upload->cxt);

	upload->closed = true;
	if (!upload->create_sent)
		start_create(upload);
	MemoryContextSwitchTo(save);
}

bool
s3_upload_step(S3Upload *upload)
{
	if (upload->call)
	{
		if (!upload->call->done)
			return false;
		finish_create(upload);
	}

	/* The rest; an object without a byte is made of one part without a byte. */
	if (s3_upload_pending(upload) > 0 || upload->nparts == 0)
	{
		ensure_buffer(upload);
		begin_part(upload);
	}
	take_answers(upload);
	return upload->nparts_running == 0;
}

S3Upload *
s3_upload_create_shared(S3UploadLog *log, S3LogEntry *entry, MemoryContext parent,
						const S3Client *client, const char *bucket, const char *key,
						const char *upload_id, const S3Checksums *checksums,
						const S3UploadOptions *options,
						const char *first, Size first_len,
						const char *between, Size between_len)
{
	S3Upload   *upload = s3_upload_create_logged(log, entry, S3_UPLOAD_SHARED, parent, client,
												 bucket, key, checksums, options);

	upload->create_sent = true;
	upload->upload_id = MemoryContextStrdup(upload->cxt, upload_id);
	upload->headroom = Max(first_len, between_len);
	upload->slack = SHARED_SLACK;
	upload->first = MemoryContextAlloc(upload->cxt, Max(first_len, 1));
	memcpy(upload->first, first, first_len);
	upload->first_len = first_len;
	upload->between = MemoryContextAlloc(upload->cxt, Max(between_len, 1));
	memcpy(upload->between, between, between_len);
	upload->between_len = between_len;
	return upload;
}

bool
s3_upload_is_full(const S3Upload *upload)
{
	return upload->buf && upload->buf_len >= upload->buf_cap - upload->slack;
}

void
s3_upload_send(S3Upload *upload)
{
	ensure_buffer(upload);
	send_part(upload);
}

void
s3_upload_leave(S3Upload *upload)
{
	if (s3_upload_pending(upload) >= S3_MIN_PART_SIZE)
		send_part(upload);
	else if (s3_upload_pending(upload) > 0)
		s3_upload_log_leftover(upload->log, upload->buf + upload->headroom,
							   s3_upload_pending(upload));
	collect_parts(upload, 0, 0);
	MemoryContextDelete(upload->cxt);
}

/* ------------------------------------------------------------------------- abort */

static void
warn_left(S3Upload *upload, const S3Error *error)
{
	s3_report(WARNING, error);
	ereport(WARNING,
			(errmsg("a multipart upload of \"%s\" may be left open",
					s3_location_format(upload->bucket, upload->key)),
			 upload->upload_id ? errdetail("Its upload id is \"%s\".", upload->upload_id) : 0,
			 errhint("Remove it with s3_abort_uploads().")));
}

/*
 * Abort every upload of our key that must be ours.  Also tells whether the one
 * we know is really gone.
 */
static bool
sweep(S3Upload *upload, TimestampTz deadline, S3Error *error)
{
	List	   *uploads;
	ListCell   *lc;
	TimestampTz since = upload->begun - S3_CLOCK_SLACK;

	if (!s3_list_uploads(upload->client, upload->bucket, upload->key, deadline, &uploads, error))
		return false;
	foreach(lc, uploads)
	{
		S3UploadInfo *info = lfirst(lc);
		bool		ours = upload->upload_id && strcmp(info->upload_id, upload->upload_id) == 0;

		if (strcmp(info->key, upload->key) != 0)
			continue;
		if (!ours && !(upload->create_ambiguous && info->initiated >= since))
			continue;
		if (!s3_abort_upload(upload->client, upload->bucket, upload->key,
							 info->upload_id, deadline, error))
			return false;
	}
	return true;
}

/* The transaction fails: leave nothing behind.  See the top of the file. */
static void
upload_abort(RemoteEffect *effect)
{
	S3Upload   *upload = (S3Upload *) effect;
	MemoryContext save = MemoryContextSwitchTo(upload->cxt);
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz deadline = TimestampTzPlusMilliseconds(now, s3_abort_timeout);
	TimestampTz grace = TimestampTzPlusMilliseconds(now, Min(ABORT_GRACE_MS, s3_abort_timeout));
	bool		visible;
	S3Error		error;

	while (!dlist_is_empty(&upload->running))
	{
		Part	   *part = dlist_container(Part, node, dlist_pop_head_node(&upload->running));

		if (!part->call->done)
			upload->parts_stopped = true;
		s3_call_free(part->call);
	}

	/* A creation that may be about to succeed */
	if (upload->call)
	{
		S3Call	   *call = upload->call;

		if (!call->done && call->attempts > 0)
		{
			if (!s3_call_wait(call, grace))
				upload->create_ambiguous = true;
		}
		else if (call->done && call->ambiguous)
			upload->create_ambiguous = true;
		upload->upload_id = upload->created.upload_id;
		http_cancel(&call->http);
	}

	visible = s3_commit_settle(&upload->commit, grace, deadline);
	if (visible && upload->overwrite)
		ereport(WARNING,
				(errmsg("object \"%s\" was written before the command failed",
						s3_location_format(upload->bucket, upload->key))));
	else if (visible &&
			 !s3_delete_object(upload->client, upload->bucket, upload->key, deadline, &error))
		s3_report(WARNING, &error);

	if (upload->upload_id && !visible)
	{
		if (!s3_abort_upload(upload->client, upload->bucket, upload->key,
							 upload->upload_id, deadline, &error))
			warn_left(upload, &error);
		else if ((upload->parts_stopped || upload->create_ambiguous) &&
				 !sweep(upload, deadline, &error))
			warn_left(upload, &error);
	}
	else if (upload->create_ambiguous && !sweep(upload, deadline, &error))
		warn_left(upload, &error);

	MemoryContextSwitchTo(save);
	MemoryContextDelete(upload->cxt);
}
