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
 * The caller above sees a ByteSink.  Below, request.c signs and repeats.
 *
 * Where we are is told by facts that only ever become true (create_sent,
 * upload_id, final_sent, finished), as in AWS's own client.  They decide what
 * an abort has to do:
 *   nothing sent              nothing
 *   create sent, no answer    wait for it shortly, then find the upload by key
 *   parts under way           stop them, abort, and look whether it is gone: a
 *                             part that arrives late keeps an upload alive
 *   final request sent        wait for its answer shortly: if the object has
 *                             become visible and was not there before, delete
 *                             it; else abort
 *
 * An object is taken for written only if the store says so: by the entity tag
 * in the answer, or, when the answer was lost, by a HeadObject that shows our
 * size and entity tag.
 *
 * Invariant: an S3Upload is in the transaction's registry from before its
 * first request until it has been finished or undone.
 *
 * Source: Amazon S3 API Reference, PutObject, CreateMultipartUpload,
 * UploadPart, CompleteMultipartUpload, AbortMultipartUpload.
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
#include "s3/copy.h"
#include "s3/describe.h"
#include "s3/object.h"
#include "s3/upload.h"
#include "s3/xml.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Parts of the first size before they begin to grow, and how often they do. */
#define EQUAL_PARTS 7100
#define PARTS_PER_SIZE 290

/* How long an abort waits for a request that may be about to succeed. */
#define ABORT_GRACE_MS 1000

/* Clock differences to allow for when our uploads are told by their age. */
#define CLOCK_SLACK_S 60

#define MAX_UPLOAD_ID 1024

typedef struct Part
{
	dlist_node	node;			/* in S3Upload.parts */
	int			number;
	S3Call	   *call;			/* owned */
	char	   *buf;			/* owned; to the free list; NULL for a copy */
	Size		buf_cap;
} Part;

typedef struct UploadSink
{
	ByteSink	base;
	S3Upload   *upload;
} UploadSink;

struct S3Upload
{
	RemoteEffect effect;		/* must be first */
	UploadSink	sink;

	/* constant */
	MemoryContext cxt;			/* child of TopMemoryContext; holds all of it */
	S3Client   *client;			/* own copy */
	S3Stats		stats;
	char	   *bucket;
	char	   *key;
	S3ObjectAttributes *attributes;
	int64		part_size;		/* of the first parts */
	bool		equal_parts;
	Size		memory;
	bool		overwrite;
	TimestampTz begun;

	/* the buffer being filled */
	char	   *buf;			/* owned, or NULL */
	Size		buf_len;
	Size		buf_cap;
	int64		bytes;			/* of all buffers so far, this one included */

	/* parts */
	int			parts_started;	/* also the number of the last one */
	dlist_head	parts;			/* under way */
	int			nparts_running; /* of those, with a buffer */
	int			ncopies_running;	/* and without */
	List	   *free_bufs;		/* of buf_cap bytes each */
	char	  **etags;			/* [number - 1], owned */
	int			max_etags;
	S3Checksums *checksums;		/* or NULL */

	/* facts */
	bool		create_sent;
	bool		create_ambiguous;	/* there may be an upload we do not know */
	bool		parts_stopped;	/* parts were canceled while under way */
	bool		final_sent;
	bool		finished;
	char	   *upload_id;		/* or NULL */
	char		etag[256];		/* of the object, once finished */

	S3Call	   *call;			/* create, put or complete under way, or NULL */
	bool		no_condition;	/* the store refuses If-None-Match */
};

static void upload_abort(RemoteEffect *effect);
static bool sweep(S3Upload *upload, TimestampTz deadline, S3Error *error);
static void warn_left(S3Upload *upload, const S3Error *error);

int64
s3_upload_part_size(int64 first, int number)
{
	int64		size = first;

	for (int n = EQUAL_PARTS; n < number && size < S3_MAX_PART_SIZE; n += PARTS_PER_SIZE)
		size *= 2;
	return Min(size, S3_MAX_PART_SIZE);
}

/* ---------------------------------------------------------------------- answers */

/* PutObject and UploadPart: without an entity tag nothing is proven. */
static const char *
understand_put(S3Call *call, void *arg)
{
	return call->http.etag[0] ? NULL : "the answer has no entity tag";
}

static const char *
understand_create(S3Call *call, void *arg)
{
	S3Upload   *upload = arg;
	char		id[MAX_UPLOAD_ID];
	const char *reason = s3_xml_find(call->http.text, call->http.text_len,
									 "InitiateMultipartUploadResult", "UploadId", id, sizeof(id));

	if (reason == NULL && id[0] == '\0')
		return "the answer has no upload id";
	if (reason == NULL)
		upload->upload_id = MemoryContextStrdup(upload->cxt, id);
	return reason;
}

/* Some stores leave the entity tag empty here; then a look-up tells it. */
static const char *
understand_complete(S3Call *call, void *arg)
{
	S3Upload   *upload = arg;
	char		etag[sizeof(upload->etag)];
	const char *reason = s3_xml_find(call->http.text, call->http.text_len,
									 "CompleteMultipartUploadResult", "ETag", etag, sizeof(etag));

	if (reason == NULL)
		s3_strip_etag(upload->etag, sizeof(upload->etag), etag);
	return reason;
}

/* ------------------------------------------------------------------------ parts */

static void
ensure_buffer(S3Upload *upload)
{
	Size		want = (Size) s3_upload_part_size(upload->part_size, upload->equal_parts ? 1 :
												 upload->parts_started + 1);

	if (upload->buf)
		return;
	if (want != upload->buf_cap)
	{
		ListCell   *lc;

		foreach(lc, upload->free_bufs)
			pfree(lfirst(lc));
		list_free(upload->free_bufs);
		upload->free_bufs = NIL;
		upload->buf_cap = want;
	}
	if (upload->free_bufs != NIL)
	{
		upload->buf = llast(upload->free_bufs);
		upload->free_bufs = list_delete_last(upload->free_bufs);
	}
	else
		upload->buf = MemoryContextAllocHuge(upload->cxt, want);
	upload->buf_len = 0;
}

/*
 * A request failed.  Not every store knows checksums, and none says so clearly.
 */
static void
report_failure(S3Upload *upload, S3Error *error)
{
	if (upload->checksums && error->hint == NULL &&
		(error->status == 400 || error->status == 501))
		error->hint = gettext_noop("If the store does not know checksums, export with checksum => 'none'.");
	s3_report(ERROR, error);
}

/* A part has been answered: note its entity tag, free its buffer. */
static void
finish_part(S3Upload *upload, Part *part)
{
	S3Call	   *call = part->call;
	MemoryContext save;

	if (!call->ok)
		report_failure(upload, &call->error);

	save = MemoryContextSwitchTo(upload->cxt);
	while (part->number > upload->max_etags)
	{
		int			max = Max(64, upload->max_etags * 2);

		upload->etags = upload->etags ?
			repalloc(upload->etags, max * sizeof(char *)) : palloc(max * sizeof(char *));
		memset(upload->etags + upload->max_etags, 0,
			   (max - upload->max_etags) * sizeof(char *));
		upload->max_etags = max;
	}
	upload->etags[part->number - 1] = pstrdup(call->http.etag);

	dlist_delete(&part->node);
	if (part->buf)
		upload->nparts_running--;
	else
		upload->ncopies_running--;
	if (part->buf && part->buf_cap == upload->buf_cap)
		upload->free_bufs = lappend(upload->free_bufs, part->buf);
	else if (part->buf)
		pfree(part->buf);
	s3_call_free(call);
	pfree(part);
	MemoryContextSwitchTo(save);
}

/*
 * Take in the answers that have come; wait until at most max are missing to
 * parts with a buffer, and max_copies to others.
 */
static void
collect_parts(S3Upload *upload, int max, int max_copies)
{
	for (;;)
	{
		dlist_mutable_iter iter;

		dlist_foreach_modify(iter, &upload->parts)
		{
			Part	   *part = dlist_container(Part, node, iter.cur);

			if (part->call->done)
				finish_part(upload, part);
		}
		if (upload->nparts_running <= max && upload->ncopies_running <= max_copies)
			return;
		http_pump(0, s3_wait_event_info(S3_WAIT_PUT));
	}
}

/* Run upload->call to its end. */
static bool
run_call(S3Upload *upload)
{
	s3_call_start(upload->call);
	return s3_call_wait(upload->call, 0);
}

static void
drop_call(S3Upload *upload)
{
	s3_call_free(upload->call);
	upload->call = NULL;
}

static void
create_upload(S3Upload *upload)
{
	upload->call = s3_call_create(upload->client, S3_CREATE_UPLOAD, upload->bucket, upload->key);
	s3_call_query(upload->call, "uploads", "");
	s3_describe(upload->call, upload->attributes);
	s3_checksums_announce(upload->checksums, upload->call);
	upload->call->understand = understand_create;
	upload->call->understand_arg = upload;
	upload->create_sent = true;
	if (!run_call(upload))
	{
		if (upload->call->ambiguous)
			upload->create_ambiguous = true;
		report_failure(upload, &upload->call->error);
	}
	upload->create_ambiguous = upload->call->ambiguous;
	drop_call(upload);
}

/* Before a part: there has to be an upload, with room for it. */
static void
prepare_part(S3Upload *upload)
{
	if (!upload->create_sent)
		create_upload(upload);
	if (upload->parts_started >= S3_MAX_PARTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("object \"%s\" would need more than %d parts",
						s3_location_format(upload->bucket, upload->key), S3_MAX_PARTS),
				 errhint("Choose a larger part_size.")));
}

/* Send the next part.  The call and buf, which may be NULL, become its own. */
static void
start_part(S3Upload *upload, S3Call *call, char *buf)
{
	Part	   *part = palloc(sizeof(Part));
	char		number[16];

	part->number = ++upload->parts_started;
	part->buf = buf;
	part->buf_cap = upload->buf_cap;
	part->call = call;
	snprintf(number, sizeof(number), "%d", part->number);
	s3_call_query(call, "partNumber", number);
	s3_call_query(call, "uploadId", upload->upload_id);
	dlist_push_tail(&upload->parts, &part->node);
	if (buf)
		upload->nparts_running++;
	else
		upload->ncopies_running++;
	s3_call_start(call);
	http_poll();
}

/* Send the buffer as the next part. */
static void
send_part(S3Upload *upload)
{
	MemoryContext save = MemoryContextSwitchTo(upload->cxt);
	S3Call	   *call;
	char	   *buf = upload->buf;

	prepare_part(upload);
	call = s3_call_create(upload->client, S3_UPLOAD_PART, upload->bucket, upload->key);
	call->body = buf;
	call->body_len = upload->buf_len;
	call->understand = understand_put;
	s3_checksums_part(upload->checksums, call, upload->parts_started + 1);
	upload->buf = NULL;
	start_part(upload, call, buf);
	MemoryContextSwitchTo(save);

	/* One buffer is for filling. */
	collect_parts(upload, Max(1, (int) (upload->memory / upload->buf_cap) - 1), S3_MAX_PARTS);
}

int64
s3_upload_pending(const S3Upload *upload)
{
	return upload->buf ? (int64) upload->buf_len : 0;
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
	start_part(upload, s3_copy_part_call(upload->client, upload->bucket, upload->key,
										 bucket, object, first, len), NULL);
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

		if (upload->buf && upload->buf_len == upload->buf_cap)
			send_part(upload);
		ensure_buffer(upload);
		n = Min(len, upload->buf_cap - upload->buf_len);
		memcpy(upload->buf + upload->buf_len, data, n);
		upload->buf_len += n;
		upload->bytes += n;
		data += n;
		len -= n;
	}
	if (upload->nparts_running > 0)
		http_poll();
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

static void
report_exists(S3Upload *upload)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_FILE),
			 errmsg("object \"%s\" already exists",
					s3_location_format(upload->bucket, upload->key)),
			 errhint("Choose another key, or set overwrite => true.")));
}

/* Error if the object is there. */
static void
check_absent(S3Upload *upload)
{
	int64		size;
	char		etag[256];
	S3Error		error;

	if (s3_head_object(upload->client, upload->bucket, upload->key, 0, &size, etag, &error))
		report_exists(upload);

	/* Without the right to list the bucket, S3 answers 403 for a missing key. */
	if (error.status != 404 && error.status != 403)
		s3_report(ERROR, &error);
}

S3Upload *
s3_upload_begin(const S3Client *client, const char *bucket, const char *key,
				const S3UploadOptions *options)
{
	MemoryContext cxt = AllocSetContextCreate(TopMemoryContext, "s3_fdw upload",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	S3Upload   *upload = palloc0(sizeof(S3Upload));

	upload->cxt = cxt;
	upload->effect.abort = upload_abort;
	upload->sink.base.ops = &sink_ops;
	upload->sink.upload = upload;
	upload->client = s3_client_copy(client, &upload->stats);
	upload->bucket = pstrdup(bucket);
	upload->key = pstrdup(key);
	upload->attributes = s3_attributes_copy(options->attributes);
	upload->checksums = s3_checksums_create(options->checksum);
	upload->part_size = options->part_size;
	upload->equal_parts = options->equal_parts;
	upload->memory = options->memory;
	upload->overwrite = options->overwrite;
	upload->begun = GetCurrentTimestamp();
	dlist_init(&upload->parts);
	remote_effect_register(&upload->effect);
	MemoryContextSwitchTo(save);

	if (!upload->overwrite)
		check_absent(upload);
	return upload;
}

ByteSink *
s3_upload_sink(S3Upload *upload)
{
	return &upload->sink.base;
}

/* The entity tag S3 gives to an object put at once, or NULL if not known. */
static char *
expected_etag(S3Upload *upload)
{
	uint8		digest[16];
	char	   *etag = MemoryContextAlloc(upload->cxt, 64);
	uint8	   *all;

	if (upload->upload_id == NULL)
		sigv4_md5(upload->buf ? upload->buf : "", upload->buf_len, digest);
	else
	{
		/* That of a multipart object is made from those of its parts. */
		all = MemoryContextAlloc(upload->cxt, upload->parts_started * 16);
		for (int i = 0; i < upload->parts_started; i++)
		{
			char		hex[64];

			s3_strip_etag(hex, sizeof(hex), upload->etags[i]);
			if (strlen(hex) != 32 || strspn(hex, "0123456789abcdefABCDEF") != 32)
				return NULL;	/* encrypted with a key of its own */
			for (int j = 0; j < 16; j++)
			{
				unsigned int byte;

				sscanf(hex + 2 * j, "%2x", &byte);
				all[i * 16 + j] = (uint8) byte;
			}
		}
		sigv4_md5(all, upload->parts_started * 16, digest);
		pfree(all);
	}
	for (int j = 0; j < 16; j++)
		sprintf(etag + 2 * j, "%02x", digest[j]);
	if (upload->upload_id)
		sprintf(etag + 32, "-%d", upload->parts_started);
	return etag;
}

/*
 * Is what stands under the key now what we wrote?  Sets upload->etag.  If not,
 * *unknown tells that the store did not say.
 */
static bool
object_is_ours(S3Upload *upload, TimestampTz deadline, bool *unknown)
{
	int64		size;
	char		etag[256];
	char		bare[256];
	S3Error		error;
	char	   *expected;

	if (!s3_head_object(upload->client, upload->bucket, upload->key, deadline,
						&size, etag, &error))
	{
		*unknown = error.status != 404;
		return false;
	}
	*unknown = false;
	s3_strip_etag(bare, sizeof(bare), etag);
	expected = expected_etag(upload);
	if (size != upload->bytes || expected == NULL || pg_strcasecmp(bare, expected) != 0)
	{
		/* Under SSE-KMS an entity tag is no MD5 sum, and denies nothing. */
		*unknown = size == upload->bytes &&
			upload->attributes->encryption == ENCRYPTION_KMS;
		return false;
	}
	strlcpy(upload->etag, bare, sizeof(upload->etag));
	return true;
}

/* Add If-None-Match: * to the request that makes the object visible. */
static void
add_condition(S3Upload *upload)
{
	if (!upload->overwrite && !upload->no_condition)
		s3_call_header(upload->call, "If-None-Match", "*");
}

static void
make_final_call(S3Upload *upload, StringInfo body)
{
	if (upload->upload_id == NULL)
	{
		upload->call = s3_call_create(upload->client, S3_PUT_OBJECT, upload->bucket, upload->key);
		s3_describe(upload->call, upload->attributes);
		upload->call->body = upload->buf ? upload->buf : "";
		upload->call->body_len = upload->buf_len;
		s3_checksums_put(upload->checksums, upload->call);
		upload->call->understand = understand_put;
	}
	else
	{
		upload->call = s3_call_create(upload->client, S3_COMPLETE_UPLOAD, upload->bucket, upload->key);
		s3_call_query(upload->call, "uploadId", upload->upload_id);
		s3_call_header(upload->call, "Content-Type", "application/xml");
		upload->call->body = body->data;
		upload->call->body_len = body->len;
		s3_checksums_complete(upload->checksums, upload->call);
		upload->call->understand = understand_complete;
		upload->call->understand_arg = upload;
	}
	add_condition(upload);
}

void
s3_upload_finish(S3Upload *upload)
{
	MemoryContext save = MemoryContextSwitchTo(upload->cxt);
	StringInfoData body;
	S3Error		error;
	bool		ok;
	bool		maybe;
	bool		unknown;

	initStringInfo(&body);
	if (upload->create_sent)
	{
		if (s3_upload_pending(upload) > 0)
			send_part(upload);
		collect_parts(upload, 0, 0);

		appendStringInfoString(&body, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
		for (int i = 0; i < upload->parts_started; i++)
		{
			appendStringInfo(&body, "<Part><PartNumber>%d</PartNumber><ETag>", i + 1);
			s3_xml_append_text(&body, upload->etags[i]);
			appendStringInfoString(&body, "</ETag>");
			s3_checksums_part_xml(upload->checksums, i + 1, &body);
			appendStringInfoString(&body, "</Part>");
		}
		appendStringInfoString(&body, "</CompleteMultipartUpload>");

		/* Not every store knows the condition on this request. */
		if (!upload->overwrite)
			check_absent(upload);
	}

	make_final_call(upload, &body);
	upload->final_sent = true;
	ok = run_call(upload);
	if (!ok && upload->call->error.status == 501 && !upload->overwrite)
	{
		/* A store without conditional writes: the look-up has to do. */
		upload->no_condition = true;
		drop_call(upload);
		check_absent(upload);
		make_final_call(upload, &body);
		ok = run_call(upload);
	}
	if (!ok)
	{
		error = upload->call->error;

		/*
		 * A lost answer may have been a yes, and then so may a no to the same
		 * request sent again.
		 */
		maybe = upload->call->ambiguous || error.status == 404 || error.status == 412;
		if (maybe && object_is_ours(upload, 0, &unknown))
			ok = true;
		else if (error.status == 412 && !upload->overwrite)
			report_exists(upload);
		else
			report_failure(upload, &error);
	}
	else if (upload->upload_id == NULL)
		s3_strip_etag(upload->etag, sizeof(upload->etag), upload->call->http.etag);
	else if (upload->etag[0] == '\0' && !object_is_ours(upload, 0, &unknown))
	{
		char	   *expected = expected_etag(upload);

		/* The store has confirmed the object; it must not deny it now. */
		if (!unknown)
		{
			upload->call->ambiguous = true;
			ereport(ERROR,
					(errcode(ERRCODE_FDW_ERROR),
					 errmsg("could not finish writing \"%s\": the service does not show the object that it confirmed",
							s3_location_format(upload->bucket, upload->key))));
		}
		if (expected)
			strlcpy(upload->etag, expected, sizeof(upload->etag));
	}

	/*
	 * From here on the object stays, whatever becomes of the transaction.
	 */
	upload->finished = true;
	remote_effect_forget(&upload->effect);
	drop_call(upload);

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
		pfree(upload->buf);
		upload->buf = NULL;
	}
	list_free_deep(upload->free_bufs);
	upload->free_bufs = NIL;
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
	return upload->etag;
}

void
s3_upload_free(S3Upload *upload)
{
	Assert(upload->finished);
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
	TimestampTz since = upload->begun - CLOCK_SLACK_S * USECS_PER_SEC;

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
	bool		visible = false;
	bool		unknown = false;
	S3Error		error;

	while (!dlist_is_empty(&upload->parts))
	{
		Part	   *part = dlist_container(Part, node, dlist_pop_head_node(&upload->parts));

		if (!part->call->done)
			upload->parts_stopped = true;
		s3_call_free(part->call);
	}

	/* A request that may be about to succeed */
	if (upload->call)
	{
		S3Call	   *call = upload->call;

		if (!call->done && call->attempts > 0)
		{
			bool		answered = s3_call_wait(call, grace);

			if (call->op == S3_CREATE_UPLOAD)
				upload->create_ambiguous |= !answered;
			else
			{
				visible = answered;
				unknown = !call->done || call->ambiguous;
			}
		}
		else if (call->op != S3_CREATE_UPLOAD)
			unknown = call->ok || call->ambiguous;
		http_cancel(&call->http);
	}

	/* A request never sent has no effect. */
	if (upload->final_sent && (visible || unknown))
	{
		unknown = false;
		if (!visible)
			visible = object_is_ours(upload, deadline, &unknown);
		if (unknown)
			ereport(WARNING,
					(errmsg("object \"%s\" may have been written although the command failed",
							s3_location_format(upload->bucket, upload->key))));
		if (visible && upload->overwrite)
			ereport(WARNING,
					(errmsg("object \"%s\" was written before the command failed",
							s3_location_format(upload->bucket, upload->key))));
		else if (visible &&
				 !s3_delete_object(upload->client, upload->bucket, upload->key, deadline, &error))
			s3_report(WARNING, &error);
	}

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
