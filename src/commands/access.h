/*-------------------------------------------------------------------------
 *
 * access.h
 *		Which server, and whose credentials, a statement written for AWS means.
 *
 * Such statements name roles, regions and keys, never endpoints; these are the
 * foreign servers'.  Only servers count of which the current user has USAGE.
 *
 * IDENTIFICATION
 *		src/commands/access.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_ACCESS_H
#define S3_ACCESS_H

#include "nodes/pg_list.h"
#include "s3/client.h"

/* What a statement says; all may be NULL, NIL or false. */
typedef struct S3AccessRequest
{
	bool		default_role;	/* IAM_ROLE default */
	List	   *roles;			/* char *: ARNs, the first is assumed first */
	const char *region;
	const char *access_key_id;	/* secrets, used for this statement only */
	const char *secret_access_key;
	const char *session_token;
} S3AccessRequest;

/*
 * The server: the one whose option iam_role lists the last role of the request
 * (or "default"), else one that lists "*", else the only one there is without
 * that option; among several, the one of the region.  With keys any server
 * will do, and the region comes first.  Errors say what is missing and how to
 * state it.
 */
extern Oid	s3_access_server(const S3AccessRequest *request);

/*
 * The client for it: with the request's keys; else with those of the current
 * user's mapping, which assume the roles first if the server has the option
 * assume_role; the default role is then the first that its iam_role names.  The
 * request's region counts where the server has no endpoint.
 * stats is borrowed.
 */
extern S3Client *s3_access_client(const S3AccessRequest *request, Oid serverid, S3Stats *stats);

/*
 * From here on keep the server from logging, with what is reported, the
 * statement and the context: both may show keys.  Whoever calls it restores
 * error_context_stack from context->previous.
 */
extern void s3_access_hide_keys(ErrorContextCallback *context);

#endif							/* S3_ACCESS_H */
