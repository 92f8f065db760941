/*-------------------------------------------------------------------------
 *
 * copy.c
 *		Bytes of one object that the store copies into another by itself.
 *
 * Above: upload.c, whose part the copy becomes.  Below: request.c, which knows
 * that the answer may come late, behind blanks, and may be an <Error> in spite
 * of its status.
 *
 * Source: Amazon S3 API Reference, UploadPartCopy.
 *
 * IDENTIFICATION
 *		src/s3/copy.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "s3/copy.h"
#include "s3/xml.h"
#include "utils/memutils.h"

static bool
copy_element(void *arg, const char *path, const char *text)
{
	HttpRequest *http = arg;

	if (text == NULL || strcmp(path, "CopyPartResult/ETag") != 0)
		return true;
	return strlcpy(http->etag, text, sizeof(http->etag)) < sizeof(http->etag);
}

/* The entity tag of the part is in the document, not in the header. */
static const char *
understand_copy(S3Call *call, void *arg)
{
	const char *reason;

	call->http.etag[0] = '\0';
	if (call->http.text == NULL)
		return "the answer is empty";
	if (!s3_xml_parse(call->http.text, call->http.text_len, copy_element, &call->http, &reason))
		return "the answer is malformed";
	return call->http.etag[0] ? NULL : "the answer does not confirm the request";
}

S3Call *
s3_copy_part_call(const S3Client *client, const char *bucket, const char *key,
				  const char *source_bucket, const S3ObjectInfo *object,
				  int64 first, int64 len)
{
	S3Call	   *call = s3_call_create(client, S3_COPY_PART, bucket, key);
	StringInfoData source;

	initStringInfo(&source);
	appendStringInfo(&source, "/%s/", source_bucket);
	sigv4_uri_encode(&source, object->key, true);
	if (object->version_id)
	{
		appendStringInfoString(&source, "?versionId=");
		sigv4_uri_encode(&source, object->version_id, false);
	}
	s3_call_header(call, "x-amz-copy-source", source.data);
	if (len < object->size)
	{
		resetStringInfo(&source);
		appendStringInfo(&source, "bytes=" INT64_FORMAT "-" INT64_FORMAT, first, first + len - 1);
		s3_call_header(call, "x-amz-copy-source-range", source.data);
	}
	if (object->etag)
		s3_call_header(call, "x-amz-copy-source-if-match", object->etag);
	pfree(source.data);

	call->subject = MemoryContextStrdup(call->cxt, s3_location_format(source_bucket, object->key));
	call->body = "";
	call->understand = understand_copy;
	return call;
}
