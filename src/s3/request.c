/*-------------------------------------------------------------------------
 *
 * request.c
 *		One S3 call: built, signed, sent, repeated, understood.
 *
 * A call's life: s3_call_start() signs and submits it; when the exchange ends,
 * call_done() decides between success, failure and another try.  Another try
 * is submitted at once, scheduled for later, so that it happens in whatever
 * wait comes next; nobody sleeps here.
 *
 * Which failures are repeated, how often and after how long follows the
 * standard retry mode of the AWS SDKs: full jitter, a base of 50 ms (1 s when
 * the store asks for patience), at most 20 s, the store's own wish honoured,
 * and a quota per process so that a dead store cannot stall every query.
 *
 * Every body of an answer other than an object's is checked for S3's <Error>,
 * which may come with status 200.
 *
 * IDENTIFICATION
 *		src/s3/request.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <time.h>

#include "base/config.h"
#include "common/pg_prng.h"
#include "mb/pg_wchar.h"
#include "s3/request.h"
#include "s3/uri.h"
#include "s3/xml.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define RETRY_BASE_MS 50
#define RETRY_BASE_THROTTLE_MS 1000
#define RETRY_CAP_MS 20000

/* Bytes of progress after which a repeated range counts as a new one. */
#define PROGRESS_BYTES (64 * 1024)

/* A repetition costs so much of the quota; a success gives it back. */
#define RETRY_QUOTA 500
#define RETRY_COST 5

/* A listing page has at most 1000 keys of 1024 bytes, each encoded to 3072. */
#define LIST_TEXT_MAX (16 * 1024 * 1024)

/* What call_send() adds to the headers of a call, at most. */
#define OWN_HEADERS 6

/*
 * CompleteMultipartUpload and UploadPartCopy answer late; meanwhile they send
 * blanks, or nothing.
 */
#define LATE_ANSWER_MS (5 * 60 * 1000)

typedef struct OperationDef
{
	const char *method;
	const char *action;			/* "could not <action> ..." */
	S3WaitEvent wait_event;
} OperationDef;

static const OperationDef operation_defs[] = {
	[S3_LIST_OBJECTS] = {"GET", "list", S3_WAIT_LIST},
	[S3_GET_OBJECT] = {"GET", "read", S3_WAIT_GET},
	[S3_HEAD_OBJECT] = {"HEAD", "look up", S3_WAIT_GET},
	[S3_PUT_OBJECT] = {"PUT", "write", S3_WAIT_PUT},
	[S3_DELETE_OBJECT] = {"DELETE", "delete", S3_WAIT_ABORT},
	[S3_CREATE_UPLOAD] = {"POST", "begin writing", S3_WAIT_PUT},
	[S3_UPLOAD_PART] = {"PUT", "write", S3_WAIT_PUT},
	[S3_COPY_PART] = {"PUT", "copy", S3_WAIT_PUT},
	[S3_COMPLETE_UPLOAD] = {"POST", "finish writing", S3_WAIT_COMPLETE},
	[S3_ABORT_UPLOAD] = {"DELETE", "abort the upload of", S3_WAIT_ABORT},
	[S3_LIST_UPLOADS] = {"GET", "list the uploads of", S3_WAIT_LIST},
	[S3_ASSUME_ROLE] = {"POST", "assume role", S3_WAIT_LIST},
};

/* Server's clock less ours, in seconds, once a server complained. */
static int64 clock_offset = 0;

static int	retry_quota = RETRY_QUOTA;

/* Regions learned from redirects; in TopMemoryContext. */
typedef struct KnownRegion
{
	char	   *service;		/* scheme, host and bucket */
	char	   *region;
} KnownRegion;

static List *known_regions = NIL;

static void call_send(S3Call *call, int delay_ms);
static void call_done(HttpRequest *http);

/* ------------------------------------------------------------------ building */

S3Call *
s3_call_create(const S3Client *client, S3Operation op, const char *bucket, const char *key)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw call",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	S3Call	   *call = palloc0(sizeof(S3Call));

	call->cxt = cxt;
	call->client = client;
	call->op = op;
	call->bucket = pstrdup(bucket);
	call->key = key ? pstrdup(key) : NULL;
	call->object_size = -1;
	http_request_init(&call->http);
	call->http.on_done = call_done;
	call->http.arg = call;
	call->send_cxt = AllocSetContextCreate(cxt, "s3_fdw exchange", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(save);
	return call;
}

void
s3_call_query(S3Call *call, const char *name, const char *value)
{
	Assert(call->nquery < S3_CALL_MAX_QUERY);
	call->query[call->nquery].name = MemoryContextStrdup(call->cxt, name);
	call->query[call->nquery].value = MemoryContextStrdup(call->cxt, value);
	call->nquery++;
}

void
s3_call_header(S3Call *call, const char *name, const char *value)
{
	for (const char *p = value; *p; p++)
	{
		if ((unsigned char) *p < 0x20 || *p == 0x7f)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("value of HTTP header \"%s\" contains a control character", name)));
	}
	if (call->nheaders == call->max_headers)
	{
		call->max_headers = Max(8, call->max_headers * 2);
		call->headers = call->headers ?
			repalloc(call->headers, call->max_headers * sizeof(SigV4Pair)) :
			MemoryContextAlloc(call->cxt, call->max_headers * sizeof(SigV4Pair));
	}
	call->headers[call->nheaders].name = MemoryContextStrdup(call->cxt, name);
	call->headers[call->nheaders].value = MemoryContextStrdup(call->cxt, value);
	call->nheaders++;
}

void
s3_call_free(S3Call *call)
{
	MemoryContextDelete(call->cxt);
}

static char *
service_key(const S3Call *call)
{
	return psprintf("%s://%s/%s", call->client->scheme,
					call->client->is_aws ? "aws" : call->client->host, call->bucket);
}

static const char *
known_region(S3Call *call)
{
	char	   *service = service_key(call);
	ListCell   *lc;

	foreach(lc, known_regions)
	{
		KnownRegion *known = lfirst(lc);

		if (strcmp(known->service, service) == 0)
			return known->region;
	}
	return call->client->region;
}

static void
remember_region(S3Call *call, const char *region)
{
	MemoryContext save = MemoryContextSwitchTo(TopMemoryContext);
	char	   *service = service_key(call);
	KnownRegion *known = NULL;
	ListCell   *lc;

	foreach(lc, known_regions)
	{
		if (strcmp(((KnownRegion *) lfirst(lc))->service, service) == 0)
			known = lfirst(lc);
	}
	if (known == NULL)
	{
		known = palloc(sizeof(KnownRegion));
		known->service = service;
		known->region = pstrdup(region);
		known_regions = lappend(known_regions, known);
	}
	else
	{
		pfree(service);
		pfree(known->region);
		known->region = pstrdup(region);
	}
	MemoryContextSwitchTo(save);
}

/* The object that messages name. */
static void
set_resource(S3Call *call)
{
	const char *key = call->key;
	char	   *name;

	if (key == NULL)
	{
		key = "";
		for (int i = 0; i < call->nquery; i++)
		{
			if (strcmp(call->query[i].name, "prefix") == 0)
				key = call->query[i].value;
		}
	}
	name = call->subject ? call->subject : s3_location_format(call->bucket, key);
	strlcpy(call->error.resource, name,
			pg_mbcliplen(name, strlen(name), sizeof(call->error.resource) - 1) + 1);
	call->error.action = operation_defs[call->op].action;
}

/*
 * Over http the payload is signed, so that what arrives is what was sent; over
 * https TLS sees to that, and half the work of an upload is saved.
 */
static const char *
payload_hash(S3Call *call)
{
	if (call->body == NULL)
		return SIGV4_EMPTY_SHA256;
	if (call->op == S3_UPLOAD_PART || call->op == S3_PUT_OBJECT)
	{
		if (strcmp(call->client->scheme, "https") == 0)
			return SIGV4_UNSIGNED_PAYLOAD;
	}
	if (call->payload_hash == NULL)
	{
		call->payload_hash = MemoryContextAlloc(call->cxt, SIGV4_SHA256_HEX_LEN + 1);
		sigv4_sha256_hex(call->body, call->body_len, call->payload_hash);
	}
	return call->payload_hash;
}

/* Sign and submit, delay_ms from now. */
static void
call_send(S3Call *call, int delay_ms)
{
	const S3Client *client = call->client;
	HttpRequest *http = &call->http;
	MemoryContext save;
	SigV4Request sign;
	SigV4Pair  *headers;
	int			nheaders = 0;
	const char **lines;
	int			nlines = 0;
	StringInfoData url;
	StringInfoData path;
	StringInfoData auth;
	char	   *host;
	bool		bucket_in_path;
	pg_time_t	when = (pg_time_t) time(NULL) + clock_offset + delay_ms / 1000;
	char		amz_date[32];

	MemoryContextReset(call->send_cxt);
	save = MemoryContextSwitchTo(call->send_cxt);

	headers = palloc((call->nheaders + OWN_HEADERS) * sizeof(SigV4Pair));
	if (call->op == S3_ASSUME_ROLE)
	{
		host = client->host;
		bucket_in_path = false;
	}
	else
		host = s3_client_host(client, call->bucket, call->region, &bucket_in_path);
	initStringInfo(&path);
	appendStringInfoChar(&path, '/');
	if (bucket_in_path)
	{
		sigv4_uri_encode(&path, call->bucket, false);
		appendStringInfoChar(&path, '/');
	}
	if (call->key)
		sigv4_uri_encode(&path, call->key, true);

	initStringInfo(&url);
	appendStringInfo(&url, "%s://%s%s", client->scheme, host, path.data);
	for (int i = 0; i < call->nquery; i++)
	{
		appendStringInfoChar(&url, i == 0 ? '?' : '&');
		sigv4_uri_encode(&url, call->query[i].name, false);
		appendStringInfoChar(&url, '=');
		sigv4_uri_encode(&url, call->query[i].value, false);
	}

	pg_strftime(amz_date, sizeof(amz_date), "%Y%m%dT%H%M%SZ", pg_gmtime(&when));
	headers[nheaders++] = (SigV4Pair) {"Host", host};
	headers[nheaders++] = (SigV4Pair) {"x-amz-date", amz_date};
	headers[nheaders++] = (SigV4Pair) {"x-amz-content-sha256", payload_hash(call)};
	if (client->credentials.session_token)
		headers[nheaders++] = (SigV4Pair) {"x-amz-security-token", client->credentials.session_token};
	if (client->requester_pays)
		headers[nheaders++] = (SigV4Pair) {"x-amz-request-payer", "requester"};
	for (int i = 0; i < call->nheaders; i++)
		headers[nheaders++] = call->headers[i];
	if (call->op == S3_GET_OBJECT)
	{
		int64		first = call->range_first + call->received;

		headers[nheaders++] = (SigV4Pair) {"Range",
			psprintf("bytes=" INT64_FORMAT "-" INT64_FORMAT, first,
					 call->range_first + (int64) call->range_len - 1)};
		http->recv_buf = call->buf + call->received;
		http->recv_cap = call->range_len - call->received;
		http->range_first = first;
		http->object_size = call->object_size;
	}

	memset(&sign, 0, sizeof(sign));
	sign.method = operation_defs[call->op].method;
	sign.path = path.data;
	sign.query = call->query;
	sign.nquery = call->nquery;
	sign.headers = headers;
	sign.nheaders = nheaders;
	sign.payload_hash = payload_hash(call);
	sign.amz_date = amz_date;
	sign.region = call->region;
	sign.service = call->op == S3_ASSUME_ROLE ? "sts" : "s3";
	initStringInfo(&auth);
	sigv4_authorization(&sign, &client->credentials, &auth);

	lines = palloc((nheaders + 1) * sizeof(char *));

	/* To libcurl, "name:" removes a header, and "name;" is an empty one. */
	for (int i = 0; i < nheaders; i++)
		lines[nlines++] = headers[i].value[0] == '\0' ? psprintf("%s;", headers[i].name) :
			psprintf("%s: %s", headers[i].name, headers[i].value);
	lines[nlines++] = psprintf("Authorization: %s", auth.data);

	http->method = sign.method;
	http->url = url.data;
	http->headers = lines;
	http->nheaders = nlines;
	http->body = call->body;
	http->body_len = call->body_len;
	http->ca_file = client->ca_file;
	http->not_before = s3_client_next_moment(client);
	if (delay_ms > 0)
		http->not_before = Max(http->not_before,
							   TimestampTzPlusMilliseconds(GetCurrentTimestamp(), delay_ms));
	if (call->op == S3_LIST_OBJECTS || call->op == S3_LIST_UPLOADS)
		http->text_max = LIST_TEXT_MAX;
	if (call->op == S3_COMPLETE_UPLOAD || call->op == S3_COPY_PART)
		http->stall_timeout = Max(s3_stall_timeout, LATE_ANSWER_MS);

	call->attempts++;
	call->error.attempts++;
	client->stats->requests++;
	client->stats->bytes_sent += call->body_len;
	http_submit(http);
	MemoryContextSwitchTo(save);
}

void
s3_call_start(S3Call *call)
{
	MemoryContext save = MemoryContextSwitchTo(call->cxt);

	Assert(!call->done && call->attempts == 0);
	set_resource(call);
	call->region = pstrdup(call->op == S3_ASSUME_ROLE ? call->client->region : known_region(call));
	MemoryContextSwitchTo(save);
	call_send(call, 0);
}

/* -------------------------------------------------------------- understanding */

/* What an <Error> document says. */
typedef struct ErrorDocument
{
	bool		is_error;
	char		code[64];
	char		message[256];
	char		region[64];
	char		request_id[128];
} ErrorDocument;

/* STS puts one more element around it. */
static bool
error_element(void *arg, const char *path, const char *text)
{
	ErrorDocument *doc = arg;

	if (strncmp(path, "ErrorResponse/", 14) == 0)
		path += 14;
	if (strcmp(path, "Error") == 0)
		doc->is_error = true;
	if (text == NULL)
		return true;
	if (strcmp(path, "Error/Code") == 0)
		s3_error_text(doc->code, sizeof(doc->code), text);
	else if (strcmp(path, "Error/Message") == 0)
		s3_error_text(doc->message, sizeof(doc->message), text);
	else if (strcmp(path, "Error/Region") == 0)
		s3_error_text(doc->region, sizeof(doc->region), text);
	else if (strcmp(path, "Error/RequestId") == 0 || strcmp(path, "RequestId") == 0)
		s3_error_text(doc->request_id, sizeof(doc->request_id), text);
	return true;
}

static void
read_error_document(const HttpRequest *http, ErrorDocument *doc)
{
	const char *reason;

	memset(doc, 0, sizeof(*doc));
	if (http->text == NULL)
		return;

	/* Cut or malformed: what was read up to there still counts. */
	(void) s3_xml_parse(http->text, http->text_len, error_element, doc, &reason);
}

/* Seconds since the epoch of an HTTP date (RFC 9110, 5.6.7), or -1. */
static int64
parse_http_date(const char *s)
{
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	int			day,
				year,
				hour,
				min,
				sec;
	char		month[4];

	if (sscanf(s, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &day, month, &year, &hour, &min, &sec) != 6)
		return -1;
	for (int i = 0; i < (int) lengthof(months); i++)
	{
		if (strcmp(months[i], month) == 0)
			return (date2j(year, i + 1, day) - UNIX_EPOCH_JDATE) * INT64CONST(86400) +
				hour * 3600 + min * 60 + sec;
	}
	return -1;
}

static void
call_finish(S3Call *call, bool ok)
{
	call->done = true;
	call->ok = ok;
	if (ok)
		retry_quota = Min(RETRY_QUOTA, retry_quota + RETRY_COST);
}

/* Try again if that is allowed, else fail with call->error as it is. */
static void
call_retry(S3Call *call, S3ErrorClass class)
{
	double		delay;

	if (class == S3_ERROR_PERMANENT || call->attempts > s3_max_retries ||
		retry_quota < RETRY_COST)
	{
		call_finish(call, false);
		return;
	}
	retry_quota -= RETRY_COST;
	call->client->stats->retries++;

	delay = class == S3_ERROR_THROTTLE ? RETRY_BASE_THROTTLE_MS : RETRY_BASE_MS;
	for (int i = 1; i < call->attempts && delay < RETRY_CAP_MS; i++)
		delay *= 2;
	delay = pg_prng_double(&pg_global_prng_state) * Min(delay, RETRY_CAP_MS);
	if (call->http.retry_after_ms > delay)
		delay = Min(call->http.retry_after_ms, RETRY_CAP_MS);
	call_send(call, Max(1, (int) delay));
}

/* No answer: which SQLSTATE, which words, worth another try? */
static void
call_unanswered(S3Call *call)
{
	HttpRequest *http = &call->http;
	S3Error    *error = &call->error;
	S3ErrorClass class = S3_ERROR_TRANSIENT;

	error->status = 0;
	error->code[0] = error->request_id[0] = '\0';
	error->hint = NULL;
	s3_error_text(error->message, sizeof(error->message), http->error);
	switch (http->outcome)
	{
		case HTTP_NO_CONNECTION:
			error->sqlerrcode = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
			error->hint = gettext_noop("Check the server options \"endpoint\" and \"region\", and the network.");
			break;
		case HTTP_TLS_FAILED:
			error->sqlerrcode = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
			error->hint = gettext_noop("A certificate authority of your own can be named with the server option \"ca_file\".");
			class = S3_ERROR_PERMANENT;
			break;
		case HTTP_FORBIDDEN_ADDRESS:
			error->sqlerrcode = ERRCODE_INSUFFICIENT_PRIVILEGE;
			strlcpy(error->message, "the endpoint is a link-local address", sizeof(error->message));
			class = S3_ERROR_PERMANENT;
			break;
		case HTTP_TOO_LARGE:
			error->sqlerrcode = ERRCODE_PROGRAM_LIMIT_EXCEEDED;
			strlcpy(error->message, "the service sent more than was asked for", sizeof(error->message));
			class = S3_ERROR_PERMANENT;
			break;
		case HTTP_WRONG_RANGE:
			if (http->range_total >= 0 && http->object_size >= 0 &&
				http->range_total != http->object_size)
			{
				error->sqlerrcode = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
				strlcpy(error->message, "the object changed while it was being read",
						sizeof(error->message));
				error->hint = gettext_noop("Run the query again.");
				class = S3_ERROR_PERMANENT;
			}
			else
			{
				error->sqlerrcode = ERRCODE_FDW_ERROR;
				strlcpy(error->message, "the service did not send the range that was asked for",
						sizeof(error->message));
			}
			break;
		case HTTP_STALLED:
			error->sqlerrcode = ERRCODE_CONNECTION_FAILURE;
			strlcpy(error->message, "the transfer made no progress", sizeof(error->message));
			call->ambiguous = true;
			break;
		case HTTP_BROKEN:
			error->sqlerrcode = ERRCODE_CONNECTION_FAILURE;
			call->ambiguous = true;
			break;
		default:
			error->sqlerrcode = ERRCODE_FDW_ERROR;
			call->ambiguous = true;
			break;
	}
	call_retry(call, class);
}

/* An answer that says no, by its status or by its body. */
static void
call_refused(S3Call *call, const ErrorDocument *doc)
{
	HttpRequest *http = &call->http;
	S3Error    *error = &call->error;
	const char *region = http->bucket_region[0] ? http->bucket_region : doc->region;
	S3ErrorClass class;

	error->status = http->status;
	strlcpy(error->code, doc->code, sizeof(error->code));
	strlcpy(error->message, doc->message, sizeof(error->message));
	s3_error_text(error->request_id, sizeof(error->request_id),
				  http->request_id[0] ? http->request_id : doc->request_id);

	/* A bucket of another region: sign for that one, and go to its host. */
	if ((http->status == 301 || http->status == 307 || http->status == 400 || http->status == 403) &&
		region[0] && strcmp(region, call->region) != 0 && !call->redirected &&
		call->op != S3_ASSUME_ROLE &&
		strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(region))
	{
		call->redirected = true;
		remember_region(call, region);
		call->region = MemoryContextStrdup(call->cxt, region);
		call->client->stats->retries++;
		call_send(call, 0);
		return;
	}

	if (strcmp(doc->code, "RequestTimeTooSkewed") == 0 && !call->clock_fixed)
	{
		int64		theirs = parse_http_date(http->date);

		if (theirs >= 0)
		{
			call->clock_fixed = true;
			clock_offset = theirs - (int64) time(NULL);
			call->client->stats->retries++;
			call_send(call, 0);
			return;
		}
	}

	class = s3_error_classify(error);
	if (http->status < 300 && error->sqlerrcode == ERRCODE_FDW_ERROR)
		class = S3_ERROR_TRANSIENT; /* an unknown <Error> with status 200 */
	if ((call->op == S3_GET_OBJECT || call->op == S3_COPY_PART) &&
		(http->status == 412 || http->status == 416))
	{
		error->sqlerrcode = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
		strlcpy(error->message, "the object changed while it was being read",
				sizeof(error->message));
		error->hint = gettext_noop("Run the query again.");
	}
	else if (error->message[0] == '\0' && error->code[0] == '\0')
		snprintf(error->message, sizeof(error->message), "%s",
				 http->status == 404 ? "it does not exist" :
				 http->status == 403 ? "access was denied" :
				 http->status < 300 ? "the service's answer could not be understood" :
				 "the service refused the request");
	if (http->status >= 500)
		call->ambiguous = true;
	call_retry(call, class);
}

/* An entity tag without what says how strong it is, and its length. */
static const char *
bare_etag(const char *etag, Size *len)
{
	if (strncmp(etag, "W/", 2) == 0)
		etag += 2;
	*len = strlen(etag);
	if (*len >= 2 && etag[0] == '"' && etag[*len - 1] == '"')
	{
		etag++;
		*len -= 2;
	}
	return etag;
}

/* Did a store that knows no If-Match send another version than was asked for? */
static bool
is_other_version(S3Call *call)
{
	for (int i = 0; call->http.etag[0] && i < call->nheaders; i++)
	{
		const char *wanted;
		const char *got;
		Size		wanted_len;
		Size		got_len;

		if (strcmp(call->headers[i].name, "If-Match") != 0)
			continue;
		wanted = bare_etag(call->headers[i].value, &wanted_len);
		got = bare_etag(call->http.etag, &got_len);
		return wanted_len != got_len || memcmp(wanted, got, got_len) != 0;
	}
	return false;
}

/* The exchange has ended, one way or another. */
static void
call_done(HttpRequest *http)
{
	S3Call	   *call = http->arg;
	S3Stats    *stats = call->client->stats;
	ErrorDocument doc;

	stats->bytes_received += http->recv_len + http->text_len;

	if (call->op == S3_GET_OBJECT)
	{
		if (http->recv_len > 0 && is_other_version(call))
		{
			call->error.sqlerrcode = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
			call->error.status = http->status;
			strlcpy(call->error.message, "the object changed while it was being read",
					sizeof(call->error.message));
			call->error.hint = gettext_noop("Run the query again.");
			call_finish(call, false);
			return;
		}
		call->received += http->recv_len;
		http->recv_len = 0;
		if (call->received == call->range_len)
		{
			call_finish(call, true);
			return;
		}

		/* Another connection may carry on from here. */
		if (call->received - call->progress_mark >= PROGRESS_BYTES)
		{
			call->progress_mark = call->received;
			call->attempts = 1;
		}
		if (http->outcome == HTTP_ANSWERED && http->status < 300)
		{
			http->outcome = HTTP_BROKEN;
			strlcpy(http->error, "the body was shorter than announced", sizeof(http->error));
		}
	}

	if (http->outcome != HTTP_ANSWERED)
	{
		call_unanswered(call);
		return;
	}

	memset(&doc, 0, sizeof(doc));
	if (http->status >= 300 || http->text_len > 0)
		read_error_document(http, &doc);
	if (http->status >= 300 || http->status < 200 || doc.is_error)
	{
		call_refused(call, &doc);
		return;
	}

	if (call->understand)
	{
		const char *reason = call->understand(call, call->understand_arg);

		if (reason)
		{
			call->error.sqlerrcode = ERRCODE_FDW_ERROR;
			call->error.status = http->status;
			call->error.hint = NULL;
			call->error.code[0] = '\0';
			s3_error_text(call->error.request_id, sizeof(call->error.request_id), http->request_id);
			s3_error_text(call->error.message, sizeof(call->error.message), reason);
			call->ambiguous = true;
			call_retry(call, S3_ERROR_TRANSIENT);
			return;
		}
	}
	call_finish(call, true);
}

/* -------------------------------------------------------------------- waiting */

bool
s3_call_wait(S3Call *call, TimestampTz deadline)
{
	uint32		wait_event = s3_wait_event_info(operation_defs[call->op].wait_event);

	while (!call->done)
	{
		if (deadline != 0 && GetCurrentTimestamp() >= deadline)
			return false;
		http_pump(deadline, wait_event);
	}
	return call->ok;
}

Size
s3_call_received(const S3Call *call)
{
	return call->received + (call->op == S3_GET_OBJECT ? call->http.recv_len : 0);
}

void
s3_call_wait_data(S3Call *call, Size have)
{
	uint32		wait_event = s3_wait_event_info(operation_defs[call->op].wait_event);

	while (!call->done && s3_call_received(call) <= have)
		http_pump(0, wait_event);
}

void
s3_poll(void)
{
	http_poll();
}
