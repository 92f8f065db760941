/*-------------------------------------------------------------------------
 *
 * sigv4.c
 *		AWS Signature Version 4, header form, as a pure function.
 *
 * A request is written in canonical form, the hash of that form goes into the
 * string to sign, and the string is signed with a key derived from the secret
 * key, the day, the region and the service.  Each of the three is left in the
 * result, so that a published vector tells which step went wrong.
 *
 * The caller is s3/request.c, which knows the clock and the credentials and
 * sends what was signed.  The only file of the project that uses OpenSSL.
 *
 * Invariant: everything palloc'd here is freed before a normal return, since
 * callers sign in contexts that live as long as a transaction; what holds key
 * material is wiped first.
 *
 * IDENTIFICATION
 *		src/net/sigv4.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "net/sigv4.h"

#define SHA256_LEN 32
#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"
#define SIGV4_TERMINATOR "aws4_request"

/* A query parameter, encoded; both are offsets into one buffer. */
typedef struct EncodedParameter
{
	const char *base;			/* the buffer, once it no longer moves */
	int			name;
	int			value;
} EncodedParameter;

/* A header with the place it was given at. */
typedef struct OrderedHeader
{
	const SigV4Pair *pair;
	int			position;
} OrderedHeader;

static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";

/*
 * Raise an error for a failed call into OpenSSL.  Its error queue is emptied,
 * as the server's own TLS code must not find our errors in it.
 */
static void
report_openssl_error(const char *what)
{
	unsigned long code = ERR_get_error();
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	ereport(ERROR,
			errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
			errmsg("could not compute %s", what),
			errdetail("OpenSSL reported: %s.", reason ? reason : "unknown error"));
}

static void
hex_encode(const uint8 *src, int len, char *dst)
{
	for (int i = 0; i < len; i++)
	{
		*dst++ = hex_lower[src[i] >> 4];
		*dst++ = hex_lower[src[i] & 0x0f];
	}
	*dst = '\0';
}

static bool
hmac_sha256(const void *key, Size key_len, const char *data, Size len,
			uint8 digest[SHA256_LEN])
{
	unsigned int digest_len = 0;

	return HMAC(EVP_sha256(), key, (int) key_len, (const unsigned char *) data, len,
				digest, &digest_len) != NULL && digest_len == SHA256_LEN;
}

void
sigv4_sha256_hex(const void *data, Size len, char hex[SIGV4_SHA256_HEX_LEN + 1])
{
	uint8		digest[EVP_MAX_MD_SIZE];
	unsigned int digest_len = 0;

	if (EVP_Digest(data, len, digest, &digest_len, EVP_sha256(), NULL) != 1 ||
		digest_len != SHA256_LEN)
		report_openssl_error("SHA-256");
	hex_encode(digest, SHA256_LEN, hex);
}

void
sigv4_md5(const void *data, Size len, uint8 digest[16])
{
	uint8		buf[EVP_MAX_MD_SIZE];
	unsigned int digest_len = 0;

	if (EVP_Digest(data, len, buf, &digest_len, EVP_md5(), NULL) != 1 ||
		digest_len != 16)
		report_openssl_error("MD5");
	memcpy(digest, buf, 16);
}

void
sigv4_uri_encode(StringInfo out, const char *s, bool keep_slash)
{
	for (; *s; s++)
	{
		unsigned char c = (unsigned char) *s;

		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			(c >= '0' && c <= '9') ||
			c == '-' || c == '.' || c == '_' || c == '~' ||
			(c == '/' && keep_slash))
			appendStringInfoCharMacro(out, c);
		else
		{
			appendStringInfoCharMacro(out, '%');
			appendStringInfoCharMacro(out, hex_upper[c >> 4]);
			appendStringInfoCharMacro(out, hex_upper[c & 0x0f]);
		}
	}
}

/*
 * Append the path without empty and "." segments, ".." taking back the one
 * before.  A final slash stays.
 */
static void
append_normalized_path(StringInfo out, const char *path)
{
	int			start = out->len;
	const char *p = path;
	Size		path_len = strlen(path);

	while (*p)
	{
		Size		n;

		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.')
		{
			while (out->len > start && out->data[--out->len] != '/')
				;
			out->data[out->len] = '\0';
		}
		else if (n > 0 && !(n == 1 && p[0] == '.'))
		{
			appendStringInfoChar(out, '/');
			appendBinaryStringInfo(out, p, (int) n);
		}
		p += n;
	}
	if (out->len == start || (path_len > 0 && path[path_len - 1] == '/'))
		appendStringInfoChar(out, '/');
}

static void
append_canonical_path(StringInfo out, const SigV4Request *request)
{
	StringInfoData normalized;
	const char *path = request->path;

	if (request->normalize_path)
	{
		initStringInfo(&normalized);
		append_normalized_path(&normalized, path);
		path = normalized.data;
	}
	if (path[0] == '\0')
		appendStringInfoChar(out, '/');
	else if (request->double_encode_path)
		sigv4_uri_encode(out, path, true);
	else
		appendStringInfoString(out, path);
	if (request->normalize_path)
		pfree(normalized.data);
}

/*
 * Order by encoded name, then by encoded value.  Joined strings would not do:
 * '=' sorts behind '-' and the digits.
 */
static int
compare_parameters(const void *a, const void *b)
{
	const EncodedParameter *pa = (const EncodedParameter *) a;
	const EncodedParameter *pb = (const EncodedParameter *) b;
	int			cmp = strcmp(pa->base + pa->name, pb->base + pb->name);

	if (cmp == 0)
		cmp = strcmp(pa->base + pa->value, pb->base + pb->value);
	return cmp;
}

static void
append_canonical_query(StringInfo out, const SigV4Request *request)
{
	EncodedParameter *params;
	StringInfoData buf;

	if (request->nquery == 0)
		return;

	params = palloc(sizeof(EncodedParameter) * request->nquery);
	initStringInfo(&buf);
	for (int i = 0; i < request->nquery; i++)
	{
		params[i].name = buf.len;
		sigv4_uri_encode(&buf, request->query[i].name, false);
		appendStringInfoChar(&buf, '\0');
		params[i].value = buf.len;
		sigv4_uri_encode(&buf, request->query[i].value, false);
		appendStringInfoChar(&buf, '\0');
	}
	for (int i = 0; i < request->nquery; i++)
		params[i].base = buf.data;

	qsort(params, request->nquery, sizeof(EncodedParameter), compare_parameters);

	for (int i = 0; i < request->nquery; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, '&');
		appendStringInfoString(out, params[i].base + params[i].name);
		appendStringInfoChar(out, '=');
		appendStringInfoString(out, params[i].base + params[i].value);
	}
	pfree(buf.data);
	pfree(params);
}

static int
compare_header_names(const char *a, const char *b)
{
	for (;; a++, b++)
	{
		unsigned char ca = pg_ascii_tolower((unsigned char) *a);
		unsigned char cb = pg_ascii_tolower((unsigned char) *b);

		if (ca != cb)
			return ca < cb ? -1 : 1;
		if (ca == '\0')
			return 0;
	}
}

/* Headers of one name keep the order they were given in. */
static int
compare_headers(const void *a, const void *b)
{
	const OrderedHeader *ha = (const OrderedHeader *) a;
	const OrderedHeader *hb = (const OrderedHeader *) b;
	int			cmp = compare_header_names(ha->pair->name, hb->pair->name);

	if (cmp == 0)
		cmp = ha->position < hb->position ? -1 : 1;
	return cmp;
}

static bool
is_header_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Append a header's value, trimmed, each run of white space as one blank. */
static void
append_header_value(StringInfo out, const char *value)
{
	bool		pending = false;
	bool		any = false;

	for (; *value; value++)
	{
		if (is_header_space(*value))
		{
			pending = any;
			continue;
		}
		if (pending)
			appendStringInfoChar(out, ' ');
		appendStringInfoChar(out, *value);
		pending = false;
		any = true;
	}
}

/* Append the canonical headers to out, their names to signed_headers. */
static void
append_canonical_headers(StringInfo out, StringInfo signed_headers,
						 const SigV4Request *request)
{
	OrderedHeader *headers;
	const char *previous = NULL;

	if (request->nheaders == 0)
		return;

	headers = palloc(sizeof(OrderedHeader) * request->nheaders);
	for (int i = 0; i < request->nheaders; i++)
	{
		headers[i].pair = &request->headers[i];
		headers[i].position = i;
	}
	qsort(headers, request->nheaders, sizeof(OrderedHeader), compare_headers);

	for (int i = 0; i < request->nheaders; i++)
	{
		const SigV4Pair *pair = headers[i].pair;

		if (previous && compare_header_names(previous, pair->name) == 0)
			appendStringInfoChar(out, ',');
		else
		{
			if (previous)
			{
				appendStringInfoChar(out, '\n');
				appendStringInfoChar(signed_headers, ';');
			}
			for (const char *c = pair->name; *c; c++)
			{
				char		lower = pg_ascii_tolower((unsigned char) *c);

				appendStringInfoChar(out, lower);
				appendStringInfoChar(signed_headers, lower);
			}
			appendStringInfoChar(out, ':');
		}
		append_header_value(out, pair->value);
		previous = pair->name;
	}
	appendStringInfoChar(out, '\n');
	pfree(headers);
}

/* Append "day/region/service/aws4_request". */
static void
append_scope(StringInfo out, const SigV4Request *request)
{
	appendBinaryStringInfo(out, request->amz_date, (int) strnlen(request->amz_date, 8));
	appendStringInfoChar(out, '/');
	appendStringInfoString(out, request->region);
	appendStringInfoChar(out, '/');
	appendStringInfoString(out, request->service);
	appendStringInfoString(out, "/" SIGV4_TERMINATOR);
}

/*
 * The session token, if there is one, is signed as the header the caller made
 * of it, so that only the keys of credentials matter here.
 */
void
sigv4_sign(const SigV4Request *request, const AwsCredentials *credentials,
		   SigV4Result *result)
{
	StringInfo	creq = &result->canonical_request;
	StringInfo	sts = &result->string_to_sign;
	char		creq_hash[SIGV4_SHA256_HEX_LEN + 1];
	Size		secret_len = strlen(credentials->secret_access_key);
	char	   *secret;
	uint8		key[SHA256_LEN];
	uint8		next[SHA256_LEN];
	bool		ok;

	resetStringInfo(creq);
	resetStringInfo(sts);
	resetStringInfo(&result->signed_headers);

	/* the canonical request */
	appendStringInfoString(creq, request->method);
	appendStringInfoChar(creq, '\n');
	append_canonical_path(creq, request);
	appendStringInfoChar(creq, '\n');
	append_canonical_query(creq, request);
	appendStringInfoChar(creq, '\n');
	append_canonical_headers(creq, &result->signed_headers, request);
	appendStringInfoChar(creq, '\n');
	appendStringInfoString(creq, result->signed_headers.data);
	appendStringInfoChar(creq, '\n');
	appendStringInfoString(creq, request->payload_hash);

	/* the string to sign */
	sigv4_sha256_hex(creq->data, creq->len, creq_hash);
	appendStringInfoString(sts, SIGV4_ALGORITHM "\n");
	appendStringInfoString(sts, request->amz_date);
	appendStringInfoChar(sts, '\n');
	append_scope(sts, request);
	appendStringInfoChar(sts, '\n');
	appendStringInfoString(sts, creq_hash);

	/* the signing key: no error may be raised before it is wiped again */
	secret = palloc(secret_len + 4);
	memcpy(secret, "AWS4", 4);
	memcpy(secret + 4, credentials->secret_access_key, secret_len);
	ok = hmac_sha256(secret, secret_len + 4, request->amz_date,
					 strnlen(request->amz_date, 8), key) &&
		hmac_sha256(key, SHA256_LEN, request->region, strlen(request->region), next) &&
		hmac_sha256(next, SHA256_LEN, request->service, strlen(request->service), key) &&
		hmac_sha256(key, SHA256_LEN, SIGV4_TERMINATOR, strlen(SIGV4_TERMINATOR), next) &&
		hmac_sha256(next, SHA256_LEN, sts->data, sts->len, key);
	OPENSSL_cleanse(secret, secret_len + 4);
	OPENSSL_cleanse(next, SHA256_LEN);
	pfree(secret);
	if (!ok)
	{
		OPENSSL_cleanse(key, SHA256_LEN);
		report_openssl_error("HMAC-SHA-256");
	}
	hex_encode(key, SHA256_LEN, result->signature);
}

void
sigv4_authorization(const SigV4Request *request, const AwsCredentials *credentials,
					StringInfo out)
{
	SigV4Result result;

	initStringInfo(&result.canonical_request);
	initStringInfo(&result.string_to_sign);
	initStringInfo(&result.signed_headers);
	sigv4_sign(request, credentials, &result);

	appendStringInfoString(out, SIGV4_ALGORITHM " Credential=");
	appendStringInfoString(out, credentials->access_key_id);
	appendStringInfoChar(out, '/');
	append_scope(out, request);
	appendStringInfoString(out, ", SignedHeaders=");
	appendStringInfoString(out, result.signed_headers.data);
	appendStringInfoString(out, ", Signature=");
	appendStringInfoString(out, result.signature);

	pfree(result.canonical_request.data);
	pfree(result.string_to_sign.data);
	pfree(result.signed_headers.data);
}
