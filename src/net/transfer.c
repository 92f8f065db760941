/*-------------------------------------------------------------------------
 *
 * transfer.c
 *		One HTTP exchange as libcurl sees it.
 *
 * Above: http.c, which starts, moves and ends transfers.  Here are libcurl's
 * options and its callbacks.
 *
 * Rules kept here: no palloc, ereport or interrupt check inside a callback;
 * callbacks write only into room whose size is known; each socket is counted
 * as an external file descriptor.
 *
 * IDENTIFICATION
 *		src/net/transfer.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <unistd.h>

#include "base/config.h"
#include "net/address.h"
#include "net/header.h"
#include "net/transfer.h"
#include "storage/fd.h"

/*
 * libcurl's default receive buffer of 16 kB makes loopback and fast networks
 * 2.4 times slower than this.
 */
#define RECEIVE_BUFFER (512 * 1024)

/* An idle connection is closed by S3 after some seconds; do not trust old ones. */
#define MAX_IDLE_CONNECTION_S 5L

/* ---------------------------------------------------------------- callbacks */

static curl_socket_t
opensocket_callback(void *clientp, curlsocktype purpose, struct curl_sockaddr *addr)
{
	HttpTransfer *t = clientp;
	curl_socket_t fd;

	if (net_address_is_forbidden(&addr->addr))
	{
		t->forbidden = true;
		return CURL_SOCKET_BAD;
	}
	if (!AcquireExternalFD())
		return CURL_SOCKET_BAD;
	fd = socket(addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);
	if (fd == CURL_SOCKET_BAD)
		ReleaseExternalFD();
	return fd;
}

static int
closesocket_callback(void *clientp, curl_socket_t fd)
{
	ReleaseExternalFD();
	return close(fd);
}

static size_t
header_callback(char *line, size_t size, size_t n, void *userp)
{
	HttpTransfer *t = userp;
	HttpRequest *req = t->req;
	Size		len = size * n;
	char		value[64];

	if (req == NULL)
		return 0;
	if (len > 5 && strncmp(line, "HTTP/", 5) == 0)
	{
		/* A new header block: forget an interim (1xx) answer's. */
		req->etag[0] = req->request_id[0] = req->bucket_region[0] = '\0';
		req->date[0] = req->last_modified[0] = '\0';
		req->storage_class[0] = req->restore[0] = req->version_id[0] = '\0';
		req->content_length = req->range_total = req->range_start = -1;
		req->retry_after_ms = -1;
		t->header_done = false;
	}
	else if (header_take(line, len, "etag", req->etag, sizeof(req->etag)) ||
			 header_take(line, len, "x-amz-request-id", req->request_id, sizeof(req->request_id)) ||
			 header_take(line, len, "x-amzn-requestid", req->request_id, sizeof(req->request_id)) ||
			 header_take(line, len, "x-amz-bucket-region", req->bucket_region, sizeof(req->bucket_region)) ||
			 header_take(line, len, "date", req->date, sizeof(req->date)) ||
			 header_take(line, len, "last-modified", req->last_modified, sizeof(req->last_modified)) ||
			 header_take(line, len, "content-encoding", req->content_encoding, sizeof(req->content_encoding)) ||
			 header_take(line, len, "x-amz-storage-class", req->storage_class, sizeof(req->storage_class)) ||
			 header_take(line, len, "x-amz-restore", req->restore, sizeof(req->restore)) ||
			 header_take(line, len, "x-amz-version-id", req->version_id, sizeof(req->version_id)))
		 /* taken */ ;
	else if (header_take(line, len, "content-length", value, sizeof(value)))
		req->content_length = header_number(value, NULL);
	else if (header_take(line, len, "content-range", value, sizeof(value)))
		header_content_range(value, &req->range_start, &req->range_total);
	else if (header_take(line, len, "x-amz-retry-after", value, sizeof(value)))
		req->retry_after_ms = header_number(value, NULL);
	else if (header_take(line, len, "retry-after", value, sizeof(value)))
	{
		int64		seconds = header_number(value, NULL);

		if (req->retry_after_ms < 0 && seconds >= 0 && seconds < 86400)
			req->retry_after_ms = seconds * 1000;
	}
	return len;
}

/* First byte of the body: is this the range that was asked for? */
static bool
check_range(HttpTransfer *t)
{
	HttpRequest *req = t->req;

	if (req->range_first < 0 || req->status >= 300)
		return true;
	if (req->status == 206)
	{
		if (req->range_start != req->range_first)
			return false;
		return req->object_size < 0 || req->range_total < 0 ||
			req->range_total == req->object_size;
	}

	/*
	 * The whole object instead of a range is right only from its start, and
	 * if it is the object: an error document or a login page may come with
	 * status 200, too.
	 */
	return req->range_first == 0 &&
		(req->object_size < 0 || req->content_length == req->object_size);
}

static size_t
write_callback(char *data, size_t size, size_t n, void *userp)
{
	HttpTransfer *t = userp;
	HttpRequest *req = t->req;
	Size		len = size * n;

	if (req == NULL)
		return 0;
	if (!t->header_done)
	{
		long		status = 0;

		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		req->status = (int) status;
		t->header_done = true;
		if (!check_range(t))
		{
			t->wrong_range = true;
			return 0;
		}
	}

	if (req->recv_buf != NULL && req->status >= 200 && req->status < 300)
	{
		if (len > req->recv_cap - req->recv_len)
		{
			t->overflow = true;
			return 0;
		}
		memcpy(req->recv_buf + req->recv_len, data, len);
		req->recv_len += len;
	}
	else
	{
		Size		max = req->status < 300 ? req->text_max : ERROR_TEXT_MAX;
		char	   *text;

		if (req->text_len + len > max)
		{
			/* Of an error, the beginning is enough. */
			if (req->status >= 300)
				return len;
			t->overflow = true;
			return 0;
		}
		if ((req->text_len + len) / ERROR_TEXT_MAX > req->text_len / ERROR_TEXT_MAX ||
			req->text == NULL)
		{
			text = realloc(req->text, TYPEALIGN(ERROR_TEXT_MAX, req->text_len + len + 1));
			if (text == NULL)
				return 0;
			req->text = text;
		}
		memcpy(req->text + req->text_len, data, len);
		req->text_len += len;
		req->text[req->text_len] = '\0';
	}
	return len;
}

static size_t
read_callback(char *dst, size_t size, size_t n, void *userp)
{
	HttpTransfer *t = userp;
	Size		len;

	if (t->req == NULL)
		return CURL_READFUNC_ABORT;
	len = Min(size * n, t->req->body_len - t->body_pos);
	memcpy(dst, t->req->body + t->body_pos, len);
	t->body_pos += len;
	return len;
}

#if LIBCURL_VERSION_NUM >= 0x075000

/*
 * When a reused connection turns out to be dead, libcurl sends the request
 * again by itself.  That is right for reading; of anything else the first try
 * may have had its effect, which those above must learn.
 */
static int
prereq_callback(void *userp, char *primary_ip, char *local_ip, int primary_port, int local_port)
{
	HttpTransfer *t = userp;

	if (t->req == NULL)
		return CURL_PREREQFUNC_ABORT;
	if (t->sent && strcmp(t->req->method, "GET") != 0 && strcmp(t->req->method, "HEAD") != 0)
	{
		t->resent = true;
		return CURL_PREREQFUNC_ABORT;
	}
	t->sent = true;
	return CURL_PREREQFUNC_OK;
}
#endif

/* libcurl rewinds a body when a reused connection turns out to be dead. */
static int
seek_callback(void *userp, curl_off_t offset, int origin)
{
	HttpTransfer *t = userp;

	if (t->req == NULL || origin != SEEK_SET || offset < 0 ||
		(Size) offset > t->req->body_len)
		return CURL_SEEKFUNC_FAIL;
	t->body_pos = (Size) offset;
	return CURL_SEEKFUNC_OK;
}

/* ------------------------------------------------------------- configuration */

#define SETOPT(option, value) \
	do { \
		CURLcode	rc_ = curl_easy_setopt(easy, option, value); \
		if (rc_ != CURLE_OK) \
			return rc_; \
	} while (0)

/* Everything libcurl must know of a request. */
CURLcode
transfer_configure(HttpTransfer *t)
{
	CURL	   *easy = t->easy;
	HttpRequest *req = t->req;

	/* what not to do */
	SETOPT(CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	SETOPT(CURLOPT_QUICK_EXIT, 1L); /* a cancel does not wait for a resolver */
#endif
	SETOPT(CURLOPT_FOLLOWLOCATION, 0L);
	SETOPT(CURLOPT_PROXY, "");	/* the environment has no say */
	SETOPT(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
#if LIBCURL_VERSION_NUM >= 0x075500
	SETOPT(CURLOPT_PROTOCOLS_STR, "http,https");
#else
	SETOPT(CURLOPT_PROTOCOLS, (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	SETOPT(CURLOPT_PATH_AS_IS, 1L);
	SETOPT(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SETOPT(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SETOPT(CURLOPT_SSL_VERIFYPEER, 1L);
	SETOPT(CURLOPT_SSL_VERIFYHOST, 2L);
	if (req->ca_file)
		SETOPT(CURLOPT_CAINFO, req->ca_file);

	/* connections */
	SETOPT(CURLOPT_BUFFERSIZE, (long) RECEIVE_BUFFER);
	SETOPT(CURLOPT_UPLOAD_BUFFERSIZE, (long) RECEIVE_BUFFER);
	SETOPT(CURLOPT_MAXAGE_CONN, MAX_IDLE_CONNECTION_S);
	SETOPT(CURLOPT_CONNECTTIMEOUT_MS, (long) s3_connect_timeout);
	SETOPT(CURLOPT_OPENSOCKETFUNCTION, opensocket_callback);
	SETOPT(CURLOPT_OPENSOCKETDATA, t);
	SETOPT(CURLOPT_CLOSESOCKETFUNCTION, closesocket_callback);
#if LIBCURL_VERSION_NUM >= 0x075000
	SETOPT(CURLOPT_PREREQFUNCTION, prereq_callback);
	SETOPT(CURLOPT_PREREQDATA, t);
#endif

	/* the request */
	SETOPT(CURLOPT_URL, req->url);
	SETOPT(CURLOPT_HTTPHEADER, t->headers);
	SETOPT(CURLOPT_USERAGENT, "s3_fdw/1.0");
	SETOPT(CURLOPT_PRIVATE, t);
	SETOPT(CURLOPT_ERRORBUFFER, t->errbuf);
	SETOPT(CURLOPT_HEADERFUNCTION, header_callback);
	SETOPT(CURLOPT_HEADERDATA, t);
	SETOPT(CURLOPT_WRITEFUNCTION, write_callback);
	SETOPT(CURLOPT_WRITEDATA, t);
	if (strcmp(req->method, "HEAD") == 0)
		SETOPT(CURLOPT_NOBODY, 1L);
	else if (strcmp(req->method, "PUT") == 0)
	{
		SETOPT(CURLOPT_UPLOAD, 1L);
		SETOPT(CURLOPT_INFILESIZE_LARGE, (curl_off_t) req->body_len);
		SETOPT(CURLOPT_READFUNCTION, read_callback);
		SETOPT(CURLOPT_READDATA, t);
		SETOPT(CURLOPT_SEEKFUNCTION, seek_callback);
		SETOPT(CURLOPT_SEEKDATA, t);
	}
	else if (strcmp(req->method, "POST") == 0)
	{
		SETOPT(CURLOPT_POST, 1L);
		SETOPT(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) req->body_len);
		SETOPT(CURLOPT_POSTFIELDS, req->body ? req->body : "");
	}
	else
	{
		SETOPT(CURLOPT_HTTPGET, 1L);
		if (strcmp(req->method, "GET") != 0)
			SETOPT(CURLOPT_CUSTOMREQUEST, req->method);
	}
	return CURLE_OK;
}

/* ------------------------------------------------------------------ its end */

HttpOutcome
transfer_outcome(HttpTransfer *t)
{
	if (t->forbidden)
		return HTTP_FORBIDDEN_ADDRESS;
	if (t->overflow)
		return HTTP_TOO_LARGE;
	if (t->wrong_range)
		return HTTP_WRONG_RANGE;
	if (t->stalled)
		return HTTP_STALLED;
	if (t->resent)
		return HTTP_BROKEN;
	switch (t->result)
	{
		case CURLE_OK:
			return HTTP_ANSWERED;
		case CURLE_COULDNT_RESOLVE_HOST:
		case CURLE_COULDNT_RESOLVE_PROXY:
		case CURLE_COULDNT_CONNECT:
			return HTTP_NO_CONNECTION;
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_ISSUER_ERROR:
			return HTTP_TLS_FAILED;
		case CURLE_OPERATION_TIMEDOUT:
			{
				double		connected = 0;

				curl_easy_getinfo(t->easy, CURLINFO_APPCONNECT_TIME, &connected);
				if (connected == 0)
					curl_easy_getinfo(t->easy, CURLINFO_CONNECT_TIME, &connected);
				return connected > 0 ? HTTP_STALLED : HTTP_NO_CONNECTION;
			}
		case CURLE_GOT_NOTHING:
		case CURLE_SEND_ERROR:
		case CURLE_RECV_ERROR:
		case CURLE_PARTIAL_FILE:
		case CURLE_SEND_FAIL_REWIND:
		case CURLE_WEIRD_SERVER_REPLY:
			return HTTP_BROKEN;
		default:
			return HTTP_FAILED;
	}
}

const char *
transfer_error(HttpTransfer *t)
{
	if (t->resent)
		return "the connection was lost before there was an answer";
	return t->errbuf[0] ? t->errbuf : curl_easy_strerror(t->result);
}
