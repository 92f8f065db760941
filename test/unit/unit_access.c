/*-------------------------------------------------------------------------
 *
 * unit_access.c
 *		Choice of a server, and assuming roles, for SQL.
 *
 * IDENTIFICATION
 *		test/unit/unit_access.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/config.h"
#include "commands/access.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "s3/object.h"
#include "utils/builtins.h"
#include "utils/guc.h"

PG_FUNCTION_INFO_V1(unit_access);

static char *
argument(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

/*
 * unit_access(roles text, region text, key text, secret text, token text,
 * bucket text, object text): "server host region key[ token]" of the client for a
 * request; roles are separated by commas, or "default", or NULL.  With an object,
 * also its size.
 */
Datum
unit_access(PG_FUNCTION_ARGS)
{
	S3AccessRequest request = {0};
	S3Stats		stats = {0};
	char	   *roles = argument(fcinfo, 0);
	char	   *save = NULL;
	char	   *object = argument(fcinfo, 6);
	S3Client   *client;
	Oid			serverid;
	StringInfoData out;
	bool		in_path;

	/* This module has settings of its own, which nobody sets. */
	s3_max_retries = 2;
	s3_max_connections = 4;
	s3_connect_timeout = 5000;
	s3_stall_timeout = 5000;
	s3_allowed_endpoints = unconstify(char *, GetConfigOption("s3_fdw.allowed_endpoints", true, false));
	if (s3_allowed_endpoints == NULL)
		s3_allowed_endpoints = "";

	if (roles && strcmp(roles, "default") == 0)
		request.default_role = true;
	else if (roles)
	{
		for (char *role = strtok_r(roles, ",", &save); role; role = strtok_r(NULL, ",", &save))
			request.roles = lappend(request.roles, role);
	}
	request.region = argument(fcinfo, 1);
	request.access_key_id = argument(fcinfo, 2);
	request.secret_access_key = argument(fcinfo, 3);
	request.session_token = argument(fcinfo, 4);

	serverid = s3_access_server(&request);
	client = s3_access_client(&request, serverid, &stats);
	initStringInfo(&out);
	appendStringInfo(&out, "%s %s %s %s%s", GetForeignServer(serverid)->servername,
					 client->is_aws ? s3_client_host(client, "Some_Bucket", client->region, &in_path) :
					 client->host,
					 client->region, client->credentials.access_key_id,
					 client->credentials.session_token ? " token" : "");
	if (object)
	{
		int64		size;
		char		etag[256];
		S3Error		error;

		if (!s3_head_object(client, argument(fcinfo, 5), object, 0, &size, etag, &error))
			s3_report(ERROR, &error);
		appendStringInfo(&out, " " INT64_FORMAT, size);
	}
	PG_RETURN_TEXT_P(cstring_to_text(out.data));
}
