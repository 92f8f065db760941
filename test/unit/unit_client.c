/*-------------------------------------------------------------------------
 *
 * unit_client.c
 *		Endpoints, hosts, part sizes and refused addresses, for SQL.
 *
 * IDENTIFICATION
 *		test/unit/unit_client.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <arpa/inet.h>

#include "base/config.h"
#include "commands/common.h"
#include "fmgr.h"
#include "net/address.h"
#include "s3/client.h"
#include "s3/upload.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(unit_endpoint);
PG_FUNCTION_INFO_V1(unit_host);
PG_FUNCTION_INFO_V1(unit_part_size);
PG_FUNCTION_INFO_V1(unit_fitting_part_size);
PG_FUNCTION_INFO_V1(unit_upload);
PG_FUNCTION_INFO_V1(unit_address_is_forbidden);

/* unit_endpoint(url text): "scheme host", or NULL if it is malformed */
Datum
unit_endpoint(PG_FUNCTION_ARGS)
{
	char	   *scheme;
	char	   *host;

	if (!s3_endpoint_parse(text_to_cstring(PG_GETARG_TEXT_PP(0)), &scheme, &host))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s %s", scheme, host)));
}

/*
 * unit_host(host text, path_style bool, virtual_style bool, bucket text,
 * region text): the URL's part before the key; host NULL for AWS
 */
Datum
unit_host(PG_FUNCTION_ARGS)
{
	S3Client	client = {0};
	char	   *bucket = text_to_cstring(PG_GETARG_TEXT_PP(3));
	char	   *host;
	bool		in_path;

	client.is_aws = PG_ARGISNULL(0);
	if (!client.is_aws)
		client.host = text_to_cstring(PG_GETARG_TEXT_PP(0));
	client.path_style = PG_GETARG_BOOL(1);
	client.virtual_style = PG_GETARG_BOOL(2);
	host = s3_client_host(&client, bucket, text_to_cstring(PG_GETARG_TEXT_PP(4)), &in_path);
	PG_RETURN_TEXT_P(cstring_to_text(in_path ? psprintf("%s/%s", host, bucket) : host));
}

/* unit_part_size(first bigint, number int): bytes of that part */
Datum
unit_part_size(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(s3_upload_part_size(s3_upload_default_limits(), PG_GETARG_INT64(0), PG_GETARG_INT32(1)));
}

/* unit_fitting_part_size(size bigint): bytes of the first parts */
Datum
unit_fitting_part_size(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(s3_upload_fitting_part_size(s3_upload_default_limits(), PG_GETARG_INT64(0)));
}

/*
 * unit_upload(server name, bucket text, key text, part_size bigint, size bigint,
 * equal_parts int, parts_per_size int, max_parts int): write an object of size
 * bytes within such limits; returns its entity tag
 */
Datum
unit_upload(PG_FUNCTION_ARGS)
{
	S3Stats		stats = {0};
	S3UploadLimits limits = *s3_upload_default_limits();
	S3UploadOptions options = {0};
	S3Upload   *upload;
	ByteSink   *sink;
	int64		left = PG_GETARG_INT64(4);
	char		piece[64 * 1024];
	text	   *etag;

	limits.equal_parts = PG_GETARG_INT32(5);
	limits.parts_per_size = PG_GETARG_INT32(6);
	limits.max_parts = PG_GETARG_INT32(7);
	/* This module has settings of its own, which nobody sets. */
	s3_abort_timeout = 5000;
	s3_max_retries = 3;
	options.part_size = PG_GETARG_INT64(3);
	options.memory = 16 * 1024 * 1024;
	options.overwrite = true;
	options.limits = &limits;
	for (int i = 0; i < (int) sizeof(piece); i++)
		piece[i] = (char) ('a' + i % 26);
	upload = s3_upload_begin(s3_client_for_server(NameStr(*PG_GETARG_NAME(0)), &stats),
							 text_to_cstring(PG_GETARG_TEXT_PP(1)),
							 text_to_cstring(PG_GETARG_TEXT_PP(2)), &options);
	sink = s3_upload_sink(upload);
	while (left > 0)
	{
		Size		n = Min(left, (int64) sizeof(piece));

		byte_sink_write(sink, piece, n);
		left -= n;
	}
	s3_upload_finish(upload);
	etag = cstring_to_text(s3_upload_etag(upload));
	s3_upload_free(upload);
	PG_RETURN_TEXT_P(etag);
}

/* unit_address_is_forbidden(address text) */
Datum
unit_address_is_forbidden(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, name, &v4.sin_addr) == 1)
		PG_RETURN_BOOL(net_address_is_forbidden((struct sockaddr *) &v4));
	if (inet_pton(AF_INET6, name, &v6.sin6_addr) == 1)
		PG_RETURN_BOOL(net_address_is_forbidden((struct sockaddr *) &v6));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("no address: \"%s\"", name)));
}
