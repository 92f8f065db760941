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

#include "fmgr.h"
#include "net/address.h"
#include "s3/client.h"
#include "s3/upload.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(unit_endpoint);
PG_FUNCTION_INFO_V1(unit_host);
PG_FUNCTION_INFO_V1(unit_part_size);
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
	PG_RETURN_INT64(s3_upload_part_size(PG_GETARG_INT64(0), PG_GETARG_INT32(1)));
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
