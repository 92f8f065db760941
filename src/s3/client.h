/*-------------------------------------------------------------------------
 *
 * client.h
 *		How to reach one S3 service as one user.
 *
 * Made from the catalogs for each scan, export or function call, so that a
 * changed mapping or a revoked right counts from the next statement on.
 *
 * IDENTIFICATION
 *		src/s3/client.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_CLIENT_H
#define S3_CLIENT_H

#include "base/option.h"
#include "base/stats.h"
#include "datatype/timestamp.h"
#include "net/sigv4.h"
#include "port/atomics.h"

/*
 * Requests are spread out in time.  May lie in memory that several processes
 * share; then they share the limit.
 */
typedef struct S3RateLimit
{
	int64		interval_us;	/* between two requests; 0: no limit */
	pg_atomic_uint64 next;		/* TimestampTz of the next free moment */
} S3RateLimit;

typedef struct S3Client
{
	/* all strings are the client's own; constant once made */
	char	   *scheme;			/* "http" or "https" */
	char	   *host;			/* name or address, with ":port" if not default */
	char	   *region;
	bool		is_aws;			/* host is derived from the region */
	bool		path_style;		/* never put the bucket into the host name */
	bool		virtual_style;	/* always do */
	bool		requester_pays;
	char	   *ca_file;		/* or NULL */
	AwsCredentials credentials;

	S3Stats    *stats;			/* borrowed: counts what is done with it */
	S3RateLimit *rate;			/* own, or borrowed by s3_client_share_rate() */
} S3Client;

/*
 * The client for a server, with userid's credentials, in CurrentMemoryContext.
 * stats is borrowed.  Errors if the server's endpoint is not one its owner may
 * use, or userid has no mapping.
 */
extern S3Client *s3_client_create(Oid serverid, Oid userid, S3Stats *stats);

/*
 * The same with keys that somebody who has USAGE on the server brought along
 * (borrowed), instead of a user mapping's.
 */
extern S3Client *s3_client_create_with_keys(Oid serverid, const S3UserOptions *keys,
											S3Stats *stats);

/*
 * The client for the server's security token service, with the credentials and
 * the region of one for the server itself, in CurrentMemoryContext.  It has no
 * buckets.  Errors if the server's owner may not use that endpoint.
 */
extern S3Client *s3_client_create_sts(const S3Client *client, Oid serverid);

/*
 * Copy a client whose life is longer, in CurrentMemoryContext.
 */
extern S3Client *s3_client_copy(const S3Client *client, S3Stats *stats);

/*
 * Set up rate with the client's limit, as far as it is used up; and go by it
 * from now on (borrowed).
 */
extern void s3_rate_init(S3RateLimit *rate, const S3Client *client);
extern void s3_client_share_rate(S3Client *client, S3RateLimit *rate);

/* When the next request may be sent: 0 for at once.  Each call is for one. */
extern TimestampTz s3_client_next_moment(const S3Client *client);

/*
 * "host" for the Host header and the URL of a request to bucket, and whether
 * the path has to begin with the bucket.  palloc'd.
 */
extern char *s3_client_host(const S3Client *client, const char *bucket,
							const char *region, bool *bucket_in_path);

/*
 * Split an endpoint URL; false if it is not "http[s]://host[:port][/]" with
 * nothing else in it.  Outputs are palloc'd.
 */
extern bool s3_endpoint_parse(const char *url, char **scheme, char **host);

#endif							/* S3_CLIENT_H */
