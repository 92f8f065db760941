/*-------------------------------------------------------------------------
 *
 * sts.c
 *		Temporary credentials of a role, from the security token service.
 *
 * One call, AssumeRole, of AWS's query protocol: a form in the body of a POST,
 * an XML document for an answer.  Signing, repeating and timeouts are those of
 * any request (request.c).
 *
 * Invariant: the answer's secrets go into the client's credentials, and into
 * nothing else.
 *
 * IDENTIFICATION
 *		src/s3/sts.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "s3/request.h"
#include "s3/sts.h"
#include "s3/xml.h"

#define STS_VERSION "2011-06-15"

/* Tokens have no documented limit; those seen have up to 3000 bytes. */
#define MAX_TOKEN_LEN 16384

typedef struct RoleCredentials
{
	char		access_key_id[256];
	char		secret_access_key[256];
	char		session_token[MAX_TOKEN_LEN];
} RoleCredentials;

static const char *
understand_credentials(S3Call *call, void *arg)
{
	static const char root[] = "AssumeRoleResponse/AssumeRoleResult/Credentials";
	RoleCredentials *credentials = arg;
	const HttpRequest *http = &call->http;
	const char *reason;

	reason = s3_xml_find(http->text, http->text_len, root, "AccessKeyId",
						 credentials->access_key_id, sizeof(credentials->access_key_id));
	if (reason == NULL)
		reason = s3_xml_find(http->text, http->text_len, root, "SecretAccessKey",
							 credentials->secret_access_key,
							 sizeof(credentials->secret_access_key));
	if (reason == NULL)
		reason = s3_xml_find(http->text, http->text_len, root, "SessionToken",
							 credentials->session_token, sizeof(credentials->session_token));
	return reason;
}

void
s3_sts_assume_role(S3Client *client, const char *role)
{
	RoleCredentials *credentials = palloc0(sizeof(RoleCredentials));
	S3Call	   *call = s3_call_create(client, S3_ASSUME_ROLE, "", NULL);
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfoString(&body, "Action=AssumeRole&Version=" STS_VERSION "&RoleArn=");
	sigv4_uri_encode(&body, role, false);
	appendStringInfo(&body, "&RoleSessionName=s3_fdw-%d", MyProcPid);

	s3_call_header(call, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
	call->subject = MemoryContextStrdup(call->cxt, role);
	call->body = body.data;
	call->body_len = body.len;
	call->understand = understand_credentials;
	call->understand_arg = credentials;
	s3_call_start(call);
	if (!s3_call_wait(call, 0))
	{
		if (strcmp(call->error.code, "AccessDenied") == 0)
			call->error.hint = gettext_noop("Check that the role's trust policy names the user that the access key belongs to, and that this user may assume it.");
		s3_report(ERROR, &call->error);
	}
	s3_call_free(call);

	client->credentials.access_key_id = pstrdup(credentials->access_key_id);
	client->credentials.secret_access_key = pstrdup(credentials->secret_access_key);
	client->credentials.session_token = pstrdup(credentials->session_token);
	explicit_bzero(credentials, sizeof(*credentials));
	pfree(credentials);
}
