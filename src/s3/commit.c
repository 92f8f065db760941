/*-------------------------------------------------------------------------
 *
 * commit.c
 *		The request that makes an object visible, and what comes of it.
 *
 * PutObject or CompleteMultipartUpload.  Its answer may be lost when the object
 * is there already, and a repetition then fails: 404, the upload is gone, or
 * 412, the object is there.  So after an answer that leaves doubt, a HeadObject
 * decides, by size and entity tag.
 *
 * Above: upload.c for one object, upload_log.c for many.
 *
 * Source: Amazon S3 API Reference, PutObject, CompleteMultipartUpload.
 *
 * IDENTIFICATION
 *		src/s3/commit.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "s3/commit.h"
#include "s3/object.h"
#include "s3/uri.h"
#include "s3/xml.h"
#include "utils/memutils.h"

#define MAX_UPLOAD_ID 1024

/* ---------------------------------------------------------------------- answers */

const char *
s3_understand_put(S3Call *call, void *arg)
{
	return call->http.etag[0] ? NULL : "the answer has no entity tag";
}

static const char *
understand_create(S3Call *call, void *arg)
{
	S3CreateAnswer *answer = arg;
	char		id[MAX_UPLOAD_ID];
	const char *reason = s3_xml_find(call->http.text, call->http.text_len,
									 "InitiateMultipartUploadResult", "UploadId", id, sizeof(id));

	if (reason == NULL && id[0] == '\0')
		return "the answer has no upload id";
	if (reason == NULL)
		answer->upload_id = MemoryContextStrdup(answer->cxt, id);
	return reason;
}

S3Call *
s3_create_upload_call(const S3Client *client, const char *bucket, const char *key,
					  const S3ObjectAttributes *attributes,
					  const S3Checksums *checksums, S3CreateAnswer *answer)
{
	S3Call	   *call = s3_call_create(client, S3_CREATE_UPLOAD, bucket, key);

	s3_call_query(call, "uploads", "");
	s3_describe(call, attributes);
	s3_checksums_announce(checksums, call);
	call->understand = understand_create;
	call->understand_arg = answer;
	return call;
}

/* Some stores leave the entity tag empty here; then a look-up tells it. */
static const char *
understand_complete(S3Call *call, void *arg)
{
	S3Commit   *commit = arg;
	char		etag[sizeof(commit->etag)];
	const char *reason = s3_xml_find(call->http.text, call->http.text_len,
									 "CompleteMultipartUploadResult", "ETag", etag, sizeof(etag));

	if (reason == NULL)
		s3_strip_etag(commit->etag, sizeof(commit->etag), etag);
	return reason;
}

/* ----------------------------------------------------------------------- reports */

void
s3_commit_report_exists(const char *bucket, const char *key)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_FILE),
			 errmsg("object \"%s\" already exists", s3_location_format(bucket, key)),
			 errhint("Choose another key, or set overwrite => 'replace'.")));
}

void
s3_commit_check_absent(const S3Client *client, const char *bucket, const char *key)
{
	int64		size;
	char		etag[256];
	S3Error		error;

	if (s3_head_object(client, bucket, key, 0, &size, etag, &error))
		s3_commit_report_exists(bucket, key);

	/* Without the right to list the bucket, S3 answers 403 for a missing key. */
	if (error.status != 404 && error.status != 403)
		s3_report(ERROR, &error);
}

void
s3_commit_report(const S3Checksums *checksums, S3Error *error)
{
	if (checksums && error->hint == NULL &&
		(error->status == 400 || error->status == 501))
		error->hint = gettext_noop("If the store does not know checksums, export with checksum => 'none'.");
	s3_report(ERROR, error);
}

/* ------------------------------------------------------------------- the request */

/* The entity tag S3 gives to the object, or NULL if not known. */
static char *
expected_etag(S3Commit *commit)
{
	uint8		digest[16];
	char	   *etag = MemoryContextAlloc(commit->cxt, 64);
	uint8	   *all;

	if (commit->upload_id == NULL)
		sigv4_md5(commit->body, commit->body_len, digest);
	else
	{
		/* That of a multipart object is made from those of its parts. */
		all = MemoryContextAlloc(commit->cxt, commit->nparts * 16);
		for (int i = 0; i < commit->nparts; i++)
		{
			char		hex[64];

			s3_strip_etag(hex, sizeof(hex), commit->parts[i].etag);
			if (strlen(hex) != 32 || strspn(hex, "0123456789abcdefABCDEF") != 32)
				return NULL;	/* encrypted with a key of its own */
			for (int j = 0; j < 16; j++)
			{
				unsigned int byte;

				sscanf(hex + 2 * j, "%2x", &byte);
				all[i * 16 + j] = (uint8) byte;
			}
		}
		sigv4_md5(all, commit->nparts * 16, digest);
		pfree(all);
	}
	for (int j = 0; j < 16; j++)
		sprintf(etag + 2 * j, "%02x", digest[j]);
	if (commit->upload_id)
		sprintf(etag + 32, "-%d", commit->nparts);
	return etag;
}

/*
 * Is what stands under the key now what we wrote?  Sets commit->etag.  If not,
 * *unknown tells that the store did not say.
 */
static bool
object_is_ours(S3Commit *commit, TimestampTz deadline, bool *unknown)
{
	int64		size;
	char		etag[256];
	char		bare[256];
	S3Error		error;
	char	   *expected;

	if (!s3_head_object(commit->client, commit->bucket, commit->key, deadline,
						&size, etag, &error))
	{
		*unknown = error.status != 404;
		return false;
	}
	*unknown = false;
	s3_strip_etag(bare, sizeof(bare), etag);
	expected = expected_etag(commit);
	if (size != commit->bytes || expected == NULL || pg_strcasecmp(bare, expected) != 0)
	{
		/* Under SSE-KMS an entity tag is no MD5 sum, and denies nothing. */
		*unknown = size == commit->bytes &&
			commit->attributes->encryption == ENCRYPTION_KMS;
		return false;
	}
	strlcpy(commit->etag, bare, sizeof(commit->etag));
	return true;
}

static void
make_xml(S3Commit *commit)
{
	StringInfoData xml;

	initStringInfo(&xml);
	appendStringInfoString(&xml, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (int i = 0; i < commit->nparts; i++)
	{
		const S3SentPart *part = &commit->parts[i];

		appendStringInfo(&xml, "<Part><PartNumber>%d</PartNumber><ETag>", part->number);
		s3_xml_append_text(&xml, part->etag);
		appendStringInfoString(&xml, "</ETag>");
		s3_checksums_part_xml(commit->checksums, part->checksum, &xml);
		appendStringInfoString(&xml, "</Part>");
	}
	appendStringInfoString(&xml, "</CompleteMultipartUpload>");
	commit->xml = xml.data;
}

static uint64
object_checksum(S3Commit *commit)
{
	uint64		sum = 0;

	for (int i = 0; i < commit->nparts; i++)
		sum = s3_checksums_combine(commit->checksums, sum, commit->parts[i].checksum,
								   commit->parts[i].size);
	return sum;
}

static void
make_call(S3Commit *commit)
{
	S3Call	   *call;

	if (commit->upload_id == NULL)
	{
		call = s3_call_create(commit->client, S3_PUT_OBJECT, commit->bucket, commit->key);
		s3_describe(call, commit->attributes);
		call->body = commit->body;
		call->body_len = commit->body_len;
		s3_checksums_put(commit->checksums, call);
		call->understand = s3_understand_put;
	}
	else
	{
		if (commit->xml == NULL)
			make_xml(commit);
		call = s3_call_create(commit->client, S3_COMPLETE_UPLOAD, commit->bucket, commit->key);
		s3_call_query(call, "uploadId", commit->upload_id);
		s3_call_header(call, "Content-Type", "application/xml");
		call->body = commit->xml;
		call->body_len = strlen(commit->xml);
		s3_checksums_complete(commit->checksums, call, object_checksum(commit));
		call->understand = understand_complete;
		call->understand_arg = commit;
	}
	if (!commit->overwrite && !commit->no_condition)
		s3_call_header(call, "If-None-Match", "*");
	commit->call = call;
}

void
s3_commit_start(S3Commit *commit)
{
	MemoryContext save = MemoryContextSwitchTo(commit->cxt);

	make_call(commit);
	commit->sent = true;
	s3_call_start(commit->call);
	MemoryContextSwitchTo(save);
}

/* The request has failed for good, it seems. */
static void
decide_failure(S3Commit *commit)
{
	S3Error		error = commit->call->error;
	bool		unknown;

	/*
	 * A lost answer may have been a yes, and then so may a no to the same
	 * request sent again.
	 */
	if ((commit->call->ambiguous || error.status == 404 || error.status == 412) &&
		object_is_ours(commit, 0, &unknown))
		return;
	if (error.status == 412 && !commit->overwrite)
		s3_commit_report_exists(commit->bucket, commit->key);
	s3_commit_report(commit->checksums, &error);
}

void
s3_commit_finish(S3Commit *commit)
{
	MemoryContext save = MemoryContextSwitchTo(commit->cxt);
	bool		unknown;
	bool		ok = s3_call_wait(commit->call, 0);

	if (!ok && commit->call->error.status == 501 && !commit->overwrite)
	{
		/* A store without conditional writes: the look-up has to do. */
		commit->no_condition = true;
		s3_call_free(commit->call);
		commit->call = NULL;
		s3_commit_check_absent(commit->client, commit->bucket, commit->key);
		make_call(commit);
		s3_call_start(commit->call);
		ok = s3_call_wait(commit->call, 0);
	}
	if (!ok)
		decide_failure(commit);
	else if (commit->upload_id == NULL)
		s3_strip_etag(commit->etag, sizeof(commit->etag), commit->call->http.etag);
	else if (commit->etag[0] == '\0' && !object_is_ours(commit, 0, &unknown))
	{
		char	   *expected = expected_etag(commit);

		/* The store has confirmed the object; it must not deny it now. */
		if (!unknown)
		{
			commit->denied = true;
			ereport(ERROR,
					(errcode(ERRCODE_FDW_ERROR),
					 errmsg("could not finish writing \"%s\": the service does not show the object that it confirmed",
							s3_location_format(commit->bucket, commit->key))));
		}
		if (expected)
			strlcpy(commit->etag, expected, sizeof(commit->etag));
	}
	s3_call_free(commit->call);
	commit->call = NULL;
	MemoryContextSwitchTo(save);
}

bool
s3_commit_settle(S3Commit *commit, TimestampTz grace, TimestampTz deadline)
{
	S3Call	   *call = commit->call;
	bool		visible = false;
	bool		unknown = commit->denied;

	/* A request never sent has no effect. */
	if (!commit->sent)
		return false;
	if (call)
	{
		if (!call->done && call->attempts > 0)
		{
			visible = s3_call_wait(call, grace);
			unknown = !call->done || call->ambiguous;
		}
		else
			unknown |= call->ok || call->ambiguous;
		http_cancel(&call->http);
	}
	if (!visible && unknown)
	{
		unknown = false;
		visible = object_is_ours(commit, deadline, &unknown);
	}
	else if (visible)
		unknown = false;
	if (unknown)
		ereport(WARNING,
				(errmsg("object \"%s\" may have been written although the command failed",
						s3_location_format(commit->bucket, commit->key))));
	return visible;
}
