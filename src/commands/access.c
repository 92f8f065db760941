/*-------------------------------------------------------------------------
 *
 * access.c
 *		Which server, and whose credentials, a statement written for AWS means.
 *
 * A statement names a role, a region, or keys of its own.  Which server that
 * is, servers say by their options iam_role and region; where it is, by their
 * endpoint alone.  Keys of the statement go into the client made for it, and
 * nowhere else.
 *
 * Above: redshift/ and aws/.  Below: s3/client.c, which decides whether an
 * endpoint may be used, and s3/sts.c.
 *
 * IDENTIFICATION
 *		src/commands/access.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "base/compat.h"
#include "catalog/pg_foreign_server.h"
#include "commands/access.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "s3/sts.h"
#include "utils/acl.h"
#include "utils/builtins.h"

/* How well a server fits the role; better ones are smaller. */
typedef enum Fit
{
	FIT_LISTED,					/* iam_role lists it */
	FIT_ANY,					/* iam_role lists "*" */
	FIT_OPEN,					/* no iam_role */
	FIT_OTHER					/* it lists others */
} Fit;

typedef struct Candidate
{
	S3ServerOptions *server;
	Fit			fit;
} Candidate;

static bool
has_keys(const S3AccessRequest *request)
{
	return request->access_key_id || request->secret_access_key;
}

/* What a server has to list. */
static const char *
wanted_role(const S3AccessRequest *request)
{
	return request->roles == NIL ? "default" : (const char *) llast(request->roles);
}

static Fit
judge(const S3ServerOptions *server, const char *role)
{
	Fit			fit = server->iam_roles == NIL ? FIT_OPEN : FIT_OTHER;
	ListCell   *lc;

	foreach(lc, server->iam_roles)
	{
		const char *listed = lfirst(lc);

		if (strcmp(listed, role) == 0)
			return FIT_LISTED;
		if (strcmp(listed, "*") == 0)
			fit = FIT_ANY;
	}
	return fit;
}

/* All servers of ours that the user may use. */
static List *
find_candidates(const char *role)
{
	Oid			fdwid = get_foreign_data_wrapper_oid("s3_fdw", false);
	Relation	rel = table_open(ForeignServerRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	List	   *candidates = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_foreign_server server = (Form_pg_foreign_server) GETSTRUCT(tuple);
		Candidate  *candidate;

		if (server->srvfdw != fdwid ||
			SERVER_USAGE_CHECK(server->oid, GetUserId()) != ACLCHECK_OK)
			continue;
		candidate = palloc(sizeof(Candidate));
		candidate->server = s3_server_options(server->oid);
		candidate->fit = judge(candidate->server, role);
		candidates = lappend(candidates, candidate);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return candidates;
}

static List *
with_fit(List *candidates, Fit fit)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, candidates)
	{
		Candidate  *candidate = lfirst(lc);

		if (candidate->fit == fit)
			result = lappend(result, candidate);
	}
	return result;
}

/*
 * Of several, those of the region; else those that can go to any, as they have
 * no endpoint.
 */
static List *
with_region(List *candidates, const char *region)
{
	List	   *same = NIL;
	List	   *any = NIL;
	ListCell   *lc;

	foreach(lc, candidates)
	{
		Candidate  *candidate = lfirst(lc);

		if (strcmp(candidate->server->region, region) == 0)
			same = lappend(same, candidate);
		if (candidate->server->endpoint == NULL)
			any = lappend(any, candidate);
	}
	return same != NIL ? same : any;
}

/* The statement that lets the server be used for the role. */
static char *
alter_statement(const S3ServerOptions *server, const char *role)
{
	StringInfoData value;
	ListCell   *lc;

	initStringInfo(&value);
	foreach(lc, server->iam_roles)
		appendStringInfo(&value, "%s,", (char *) lfirst(lc));
	appendStringInfoString(&value, role);
	return psprintf("ALTER SERVER %s OPTIONS (%s iam_role %s)",
					quote_identifier(server->servername),
					server->iam_roles == NIL ? "ADD" : "SET",
					quote_literal_cstr(value.data));
}

static void
report_no_server(List *candidates, const char *role)
{
	if (candidates == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION),
				 errmsg("there is no server of s3_fdw that you may use"),
				 errhint("Use CREATE SERVER ... FOREIGN DATA WRAPPER s3_fdw, or ask for USAGE on a server.")));
	ereport(ERROR,
			(errcode(ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION),
			 errmsg("no server of s3_fdw is for role \"%s\"", role),
			 errdetail("None that you may use lists it, or \"*\", in its option iam_role."),
			 errhint("Its owner can say so, as in: %s.",
					 alter_statement(((Candidate *) linitial(candidates))->server, role))));
}

static void
report_several(List *candidates, const char *role, const char *region)
{
	const S3ServerOptions *first = ((Candidate *) linitial(candidates))->server;
	const S3ServerOptions *second = ((Candidate *) lsecond(candidates))->server;

	ereport(ERROR,
			(errcode(ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION),
			 region ?
			 errmsg("several servers of s3_fdw are for role \"%s\" and region \"%s\"", role, region) :
			 errmsg("several servers of s3_fdw are for role \"%s\"", role),
			 errdetail("Servers \"%s\" and \"%s\" are among them.",
					   first->servername, second->servername),
			 first->iam_roles != NIL || strcmp(role, "*") == 0 ?
			 errhint("Let the servers differ in their options region or iam_role, and name the region.") :
			 errhint("The owner of one can name it for the role, as in: %s.",
					 alter_statement(first, role))));
}

Oid
s3_access_server(const S3AccessRequest *request)
{
	const char *role = wanted_role(request);
	List	   *all = find_candidates(role);
	List	   *candidates = NIL;

	/* Keys need nobody's leave: where they are good for counts first. */
	if (has_keys(request) && request->region && list_length(all) > 1)
	{
		List	   *fitting = with_region(all, request->region);

		if (fitting != NIL)
			all = fitting;
	}

	for (int fit = FIT_LISTED; fit <= FIT_OPEN && candidates == NIL; fit++)
		candidates = with_fit(all, (Fit) fit);

	if (candidates == NIL && has_keys(request))
		candidates = all;
	if (candidates == NIL)
		report_no_server(all, role);

	if (list_length(candidates) > 1 && request->region)
	{
		List	   *fitting = with_region(candidates, request->region);

		if (fitting == NIL)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION),
					 errmsg("no server of s3_fdw is for region \"%s\"", request->region),
					 errhint("Use CREATE SERVER with the option region, or ALTER SERVER ... OPTIONS (SET region ...).")));
		candidates = fitting;
	}
	if (list_length(candidates) > 1)
		report_several(candidates, role, request->region);
	return ((Candidate *) linitial(candidates))->server->serverid;
}

/* A region becomes part of a host's name. */
static void
check_region(const char *region)
{
	if (region[0] == '\0' || strlen(region) > 63 ||
		strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(region))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid region: \"%s\"", region),
				 errdetail("A region consists of lower-case letters, digits and hyphens.")));
}

static S3UserOptions
request_keys(const S3AccessRequest *request)
{
	S3UserOptions keys;

	if (request->access_key_id == NULL || request->secret_access_key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 request->access_key_id == NULL ?
				 errmsg("secret access key without an access key id") :
				 errmsg("access key id without a secret access key")));
	keys.access_key_id = unconstify(char *, request->access_key_id);
	keys.secret_access_key = unconstify(char *, request->secret_access_key);
	keys.session_token = unconstify(char *, request->session_token);
	return keys;
}

/*
 * The keys of a mapping may be good for more roles than those that its server
 * was made for.
 */
static void
check_role(const S3ServerOptions *server, const char *role)
{
	Fit			fit = judge(server, role);

	if (fit != FIT_LISTED && fit != FIT_ANY)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("server \"%s\" assumes no role \"%s\"", server->servername, role),
				 errdetail("Its option iam_role lists neither the role nor \"*\"."),
				 errhint("Its owner can say so, as in: %s.", alter_statement(server, role))));
}

/*
 * The roles to assume, one with the credentials of the other.  The default one is
 * the first that the server names.
 */
static List *
roles_to_assume(const S3AccessRequest *request, const S3ServerOptions *server)
{
	ListCell   *lc;

	if (!server->assume_role || has_keys(request))
		return NIL;
	foreach(lc, request->roles)
		check_role(server, lfirst(lc));
	if (request->roles != NIL)
		return request->roles;
	foreach(lc, server->iam_roles)
	{
		if (strncmp(lfirst(lc), "arn:", 4) == 0)
			return list_make1(lfirst(lc));
	}
	return NIL;
}

S3Client *
s3_access_client(const S3AccessRequest *request, Oid serverid, S3Stats *stats)
{
	AclResult	acl = SERVER_USAGE_CHECK(serverid, GetUserId());
	S3Client   *client;
	S3Client   *sts;
	List	   *roles;
	ListCell   *lc;

	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_FOREIGN_SERVER, GetForeignServer(serverid)->servername);
	if (request->region)
		check_region(request->region);

	if (has_keys(request))
	{
		S3UserOptions keys = request_keys(request);

		client = s3_client_create_with_keys(serverid, &keys, stats);
	}
	else
		client = s3_client_create(serverid, GetUserId(), stats);
	if (request->region && client->is_aws)
		client->region = pstrdup(request->region);

	roles = roles_to_assume(request, s3_server_options(serverid));
	if (roles == NIL)
		return client;
	sts = s3_client_create_sts(client, serverid);
	foreach(lc, roles)
		s3_sts_assume_role(sts, lfirst(lc));
	client->credentials = sts->credentials;
	return client;
}

/* A function of SQL or PL/pgSQL tells of the statement in the context. */
static void
hide_keys(void *arg)
{
	errhidestmt(true);
	errhidecontext(true);
}

void
s3_access_hide_keys(ErrorContextCallback *context)
{
	context->callback = hide_keys;
	context->arg = NULL;
	context->previous = error_context_stack;
	error_context_stack = context;
}
