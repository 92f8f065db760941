/*-------------------------------------------------------------------------
 *
 * sigv4.h
 *		AWS Signature Version 4, header form, as a pure function.
 *
 * Source of the rules: AWS General Reference, "Create a signed AWS API
 * request", and Amazon S3 API Reference, "Authenticating Requests: Using the
 * Authorization Header".  No clock, no I/O, no credential lookup here: the
 * same arguments give the same bytes, so that published vectors test it.
 *
 * IDENTIFICATION
 *		src/net/sigv4.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_SIGV4_H
#define S3_SIGV4_H

#include "postgres.h"

#include "lib/stringinfo.h"

#define SIGV4_SHA256_HEX_LEN 64
#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"
#define SIGV4_EMPTY_SHA256 \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Keys to sign with; borrowed strings. */
typedef struct AwsCredentials
{
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token;	/* or NULL */
} AwsCredentials;

/* One header or query parameter; borrowed strings, not NULL. */
typedef struct SigV4Pair
{
	const char *name;
	const char *value;
} SigV4Pair;

/* What is to be signed.  Everything is borrowed. */
typedef struct SigV4Request
{
	const char *method;
	const char *path;			/* absolute path.  double_encode_path false:
								 * already URI-encoded, used as it is (S3);
								 * true: encoded once more here */
	const SigV4Pair *query;		/* decoded; sorted and encoded here */
	int			nquery;
	const SigV4Pair *headers;	/* all headers to sign, any order and case;
								 * must include host and x-amz-date */
	int			nheaders;
	const char *payload_hash;	/* lower-case hex SHA-256, or a literal such as
								 * UNSIGNED-PAYLOAD */
	const char *amz_date;		/* YYYYMMDDTHHMMSSZ */
	const char *region;
	const char *service;		/* "s3" */
	bool		double_encode_path; /* false for S3 */
	bool		normalize_path; /* false for S3 */
} SigV4Request;

/* Every intermediate, for tests; the StringInfos are initialised by the caller. */
typedef struct SigV4Result
{
	StringInfoData canonical_request;
	StringInfoData string_to_sign;
	StringInfoData signed_headers;
	char		signature[SIGV4_SHA256_HEX_LEN + 1];
} SigV4Result;

/*
 * Sign.  Fills result; the caller initialised its StringInfos.  Errors only
 * if OpenSSL fails.
 */
extern void sigv4_sign(const SigV4Request *request, const AwsCredentials *credentials,
					   SigV4Result *result);

/*
 * Append the value of the Authorization header for the request to out.
 */
extern void sigv4_authorization(const SigV4Request *request,
								const AwsCredentials *credentials, StringInfo out);

/* Lower-case hex SHA-256 of data, NUL-terminated, into hex. */
extern void sigv4_sha256_hex(const void *data, Size len,
							 char hex[SIGV4_SHA256_HEX_LEN + 1]);

/* Append s URI-encoded as SigV4 wants it (RFC 3986 unreserved kept). */
extern void sigv4_uri_encode(StringInfo out, const char *s, bool keep_slash);

/* MD5 of data: 16 bytes into digest.  For comparing entity tags. */
extern void sigv4_md5(const void *data, Size len, uint8 digest[16]);

#endif							/* S3_SIGV4_H */
