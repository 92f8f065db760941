/*-------------------------------------------------------------------------
 *
 * client.c
 *		How to reach one S3 service as one user.
 *
 * Above: everything that makes requests.  Below: options, as they are in the
 * catalogs.  No network here.
 *
 * An endpoint decides where the server's process connects to, from inside the
 * network it runs in.  Therefore an endpoint other than AWS's is used only if
 * a superuser vouches for it: by owning the server, or by listing it in
 * s3_fdw.allowed_endpoints.
 *
 * IDENTIFICATION
 *		src/s3/client.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <arpa/inet.h>

#include "base/config.h"
#include "base/text.h"
#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "s3/client.h"
#include "s3/uri.h"
#include "utils/acl.h"
#include "utils/timestamp.h"

/* Does host (without port) name an address, or this machine? */
static bool
host_is_address(const char *host)
{
	char		name[256];
	const char *colon;
	struct in_addr v4;

	if (host[0] == '[')
		return true;
	colon = strchr(host, ':');
	strlcpy(name, host, Min(sizeof(name), (colon ? (Size) (colon - host) : strlen(host)) + 1));
	return inet_aton(name, &v4) != 0 || pg_strcasecmp(name, "localhost") == 0;
}

/* The last label of an IPv4 address or a name: letters, digits, '-', '.'. */
static bool
host_is_valid(const char *host)
{
	const char *p = host;

	if (*p == '[')
	{
		const char *end = strchr(p, ']');
		char		addr[INET6_ADDRSTRLEN];
		struct in6_addr v6;

		if (end == NULL || end - p - 1 >= (ptrdiff_t) sizeof(addr))
			return false;
		strlcpy(addr, p + 1, end - p);
		if (inet_pton(AF_INET6, addr, &v6) != 1)
			return false;
		p = end + 1;
	}
	else
	{
		const char *start = p;

		while (isalnum((unsigned char) *p) || *p == '-' || *p == '.' || *p == '_')
			p++;
		if (p == start || p - start > 253 || *start == '.' || *start == '-')
			return false;
	}
	if (*p == ':')
	{
		int			port = 0;
		const char *digits = ++p;

		while (*p >= '0' && *p <= '9' && p - digits < 6)
			port = port * 10 + (*p++ - '0');
		if (p == digits || port < 1 || port > 65535)
			return false;
	}
	return *p == '\0';
}

bool
s3_endpoint_parse(const char *url, char **scheme, char **host)
{
	Size		len;

	if (pg_strncasecmp(url, "https://", 8) == 0)
	{
		*scheme = "https";
		url += 8;
	}
	else if (pg_strncasecmp(url, "http://", 7) == 0)
	{
		*scheme = "http";
		url += 7;
	}
	else
		return false;

	len = strlen(url);
	if (len > 0 && url[len - 1] == '/')
		len--;
	*host = pnstrdup(url, len);
	for (char *p = *host; *p; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	return host_is_valid(*host);
}

/* Is the endpoint in s3_fdw.allowed_endpoints? */
static bool
endpoint_is_listed(const char *scheme, const char *host)
{
	char	   *list = pstrdup(s3_allowed_endpoints);
	char	   *save = NULL;

	for (char *item = strtok_r(list, ", \t", &save); item; item = strtok_r(NULL, ", \t", &save))
	{
		char	   *item_scheme;
		char	   *item_host;

		if (s3_endpoint_parse(item, &item_scheme, &item_host) &&
			strcmp(scheme, item_scheme) == 0 && strcmp(host, item_host) == 0)
			return true;
	}
	return false;
}

static bool
host_is_aws(const char *scheme, const char *host)
{
	static const char *const suffixes[] = {".amazonaws.com", ".amazonaws.com.cn"};
	Size		len = strlen(host);

	if (strcmp(scheme, "https") != 0)
		return false;
	for (int i = 0; i < (int) lengthof(suffixes); i++)
	{
		Size		n = strlen(suffixes[i]);

		if (len > n && strcmp(host + len - n, suffixes[i]) == 0)
			return true;
	}
	return false;
}

/*
 * Take in the URL that an option of the server holds, and see whether it may be
 * used.  Error if not.
 */
static void
set_endpoint(S3Client *client, const S3ServerOptions *server, const char *option, const char *url)
{
	/* The validator saw to it; the catalog may still hold anything. */
	if (!s3_endpoint_parse(url, &client->scheme, &client->host))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("invalid %s of server \"%s\"", option, server->servername)));
	if (!superuser_arg(server->owner) && !host_is_aws(client->scheme, client->host) &&
		!endpoint_is_listed(client->scheme, client->host))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s of server \"%s\" is not allowed", option, server->servername),
				 errdetail("The server is not owned by a superuser and its endpoint is not one of AWS."),
				 errhint("A superuser can add the endpoint to s3_fdw.allowed_endpoints.")));
}

static void
check_ca_file(const S3ServerOptions *server)
{
	if (superuser_arg(server->owner))
		return;
	if (server->ca_file && !has_privs_of_role(server->owner, ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("option \"ca_file\" of server \"%s\" is not allowed", server->servername),
				 errdetail("The server's owner is no member of pg_read_server_files.")));
}

/* A client without credentials. */
static S3Client *
create_client(Oid serverid, S3Stats *stats)
{
	S3Client   *client = palloc0(sizeof(S3Client));
	S3ServerOptions *server = s3_server_options(serverid);

	client->stats = stats;
	client->region = server->region;
	client->requester_pays = server->requester_pays;
	client->ca_file = server->ca_file;
	client->path_style = server->url_style == URL_STYLE_PATH;
	client->virtual_style = server->url_style == URL_STYLE_VIRTUAL;
	if (server->endpoint == NULL)
	{
		client->is_aws = true;
		client->scheme = "https";
	}
	else
	{
		set_endpoint(client, server, "endpoint", server->endpoint);
		if (!client->virtual_style && host_is_address(client->host))
			client->path_style = true;
	}
	check_ca_file(server);

	client->rate = palloc(sizeof(S3RateLimit));
	client->rate->interval_us = server->requests_per_second == 0 ? 0 :
		USECS_PER_SEC / server->requests_per_second;
	pg_atomic_init_u64(&client->rate->next, 0);
	return client;
}

/* These become parts of HTTP headers. */
static void
check_key(const char *name, const char *value)
{
	for (const char *p = value; p && *p; p++)
	{
		if ((unsigned char) *p < 0x20 || *p == 0x7f)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s contains a control character", name)));
	}
}

static void
set_keys(S3Client *client, const S3UserOptions *keys)
{
	check_key("access_key_id", keys->access_key_id);
	check_key("session_token", keys->session_token);
	client->credentials.access_key_id = copy_string(keys->access_key_id);
	client->credentials.secret_access_key = copy_string(keys->secret_access_key);
	client->credentials.session_token = copy_string(keys->session_token);
}

S3Client *
s3_client_create(Oid serverid, Oid userid, S3Stats *stats)
{
	S3Client   *client = create_client(serverid, stats);

	set_keys(client, s3_user_options(userid, serverid));
	return client;
}

S3Client *
s3_client_create_with_keys(Oid serverid, const S3UserOptions *keys, S3Stats *stats)
{
	S3Client   *client = create_client(serverid, stats);

	set_keys(client, keys);
	return client;
}

S3Client *
s3_client_create_sts(const S3Client *client, Oid serverid)
{
	S3ServerOptions *server = s3_server_options(serverid);
	S3Client   *sts = s3_client_copy(client, client->stats);

	sts->is_aws = false;
	sts->requester_pays = false;
	if (server->sts_endpoint)
		set_endpoint(sts, server, "sts_endpoint", server->sts_endpoint);
	else
	{
		sts->scheme = "https";
		sts->host = psprintf("sts.%s.amazonaws.com%s", client->region,
							 strncmp(client->region, "cn-", 3) == 0 ? ".cn" : "");
	}
	return sts;
}

S3Client *
s3_client_copy(const S3Client *client, S3Stats *stats)
{
	S3Client   *copy = palloc(sizeof(S3Client));

	*copy = *client;
	copy->scheme = copy_string(client->scheme);
	copy->host = copy_string(client->host);
	copy->region = copy_string(client->region);
	copy->ca_file = copy_string(client->ca_file);
	copy->credentials.access_key_id = copy_string(client->credentials.access_key_id);
	copy->credentials.secret_access_key = copy_string(client->credentials.secret_access_key);
	copy->credentials.session_token = copy_string(client->credentials.session_token);
	copy->stats = stats;
	copy->rate = palloc(sizeof(S3RateLimit));
	s3_rate_init(copy->rate, client);
	return copy;
}

void
s3_rate_init(S3RateLimit *rate, const S3Client *client)
{
	rate->interval_us = client->rate->interval_us;
	pg_atomic_init_u64(&rate->next, pg_atomic_read_u64(&client->rate->next));
}

void
s3_client_share_rate(S3Client *client, S3RateLimit *rate)
{
	client->rate = rate;
}

TimestampTz
s3_client_next_moment(const S3Client *client)
{
	S3RateLimit *rate = client->rate;
	TimestampTz now;
	uint64		next;
	uint64		moment;

	if (rate->interval_us == 0)
		return 0;
	now = GetCurrentTimestamp();
	next = pg_atomic_read_u64(&rate->next);
	do
		moment = Max(next, (uint64) now);
	while (!pg_atomic_compare_exchange_u64(&rate->next, &next, moment + rate->interval_us));
	return moment <= (uint64) now ? 0 : (TimestampTz) moment;
}

char *
s3_client_host(const S3Client *client, const char *bucket, const char *region,
			   bool *bucket_in_path)
{
	char	   *host;

	/*
	 * A wildcard certificate covers one label, so a bucket with a dot in its
	 * name cannot stand before the host under TLS.
	 */
	*bucket_in_path = client->path_style ||
		(!client->virtual_style && !s3_bucket_is_dns_name(bucket));
	if (client->is_aws)
		host = psprintf("s3.%s.amazonaws.com%s", region,
						strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
	else
		host = client->host;
	return *bucket_in_path ? host : psprintf("%s.%s", bucket, host);
}
