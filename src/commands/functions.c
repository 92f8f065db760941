/*-------------------------------------------------------------------------
 *
 * functions.c
 *		s3_list(), s3_uploads(), s3_abort_uploads().
 *
 * SQL functions run as their caller: with the caller's USAGE on the server and
 * the caller's user mapping.
 *
 * IDENTIFICATION
 *		src/commands/functions.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "base/compat.h"
#include "catalog/pg_foreign_server.h"
#include "commands/common.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "s3/object.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* The one server of ours that the user may use. */
static Oid
find_only_server(void)
{
	Oid			fdwid = get_foreign_data_wrapper_oid("s3_fdw", false);
	Relation	rel = table_open(ForeignServerRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	Oid			found = InvalidOid;
	int			n = 0;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_foreign_server server = (Form_pg_foreign_server) GETSTRUCT(tuple);

		if (server->srvfdw == fdwid &&
			SERVER_USAGE_CHECK(server->oid, GetUserId()) == ACLCHECK_OK)
		{
			found = server->oid;
			n++;
		}
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);

	if (n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 n == 0 ? errmsg("there is no server of s3_fdw that you may use") :
				 errmsg("there are several servers of s3_fdw"),
				 n == 0 ? errhint("Use CREATE SERVER, or ask for USAGE on one.") :
				 errhint("Name one with server => '...'.")));
	return found;
}

Oid
s3_server_by_name(const char *name)
{
	ForeignServer *server;
	ForeignDataWrapper *fdw;
	AclResult	acl;

	if (name == NULL)
		return find_only_server();
	server = GetForeignServerByName(name, false);
	fdw = GetForeignDataWrapper(server->fdwid);
	acl = SERVER_USAGE_CHECK(server->serverid, GetUserId());
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_FOREIGN_SERVER, name);
	if (strcmp(fdw->fdwname, "s3_fdw") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("server \"%s\" is not a server of s3_fdw", name)));
	return server->serverid;
}

S3Client *
s3_client_for_server(const char *name, S3Stats *stats)
{
	return s3_client_create(s3_server_by_name(name), GetUserId(), stats);
}

/* The location and server arguments, which begin every signature here. */
static S3Location *
get_location(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("location must not be null")));
	return s3_location_parse_or_error(text_to_cstring(PG_GETARG_TEXT_PP(0)));
}

static S3Client *
get_client(FunctionCallInfo fcinfo, int arg, S3Stats *stats)
{
	return s3_client_for_server(PG_ARGISNULL(arg) ? NULL : NameStr(*PG_GETARG_NAME(arg)), stats);
}

PG_FUNCTION_INFO_V1(s3_list);

Datum
s3_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	S3Location *location = get_location(fcinfo);
	S3Stats		stats = {0};
	S3Client   *client = get_client(fcinfo, 1, &stats);
	S3ListCursor *cursor;
	S3ObjectInfo info;

	InitMaterializedSRF(fcinfo, 0);
	cursor = s3_list_open(client, location->bucket, location->list_prefix);
	while (s3_list_next(cursor, &info))
	{
		Datum		values[5];
		bool		nulls[5] = {0};

		CHECK_FOR_INTERRUPTS();
		if (!s3_location_matches(location, info.key))
			continue;
		values[0] = CStringGetTextDatum(info.key);
		values[1] = Int64GetDatum(info.size);
		nulls[2] = info.etag == NULL;
		if (info.etag)
		{
			Size		len = strlen(info.etag);
			bool		quoted = len >= 2 && info.etag[0] == '"' && info.etag[len - 1] == '"';

			values[2] = PointerGetDatum(cstring_to_text_with_len(info.etag + quoted,
																 len - 2 * quoted));
		}
		nulls[3] = info.last_modified == 0;
		values[3] = TimestampTzGetDatum(info.last_modified);
		nulls[4] = info.storage_class == NULL;
		if (info.storage_class)
			values[4] = CStringGetTextDatum(info.storage_class);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);

		pfree(DatumGetPointer(values[0]));
		if (info.etag)
			pfree(DatumGetPointer(values[2]));
		if (info.storage_class)
			pfree(DatumGetPointer(values[4]));
	}
	s3_list_close(cursor);
	return (Datum) 0;
}

/* The open uploads of a location. */
static List *
get_uploads(const S3Client *client, const S3Location *location)
{
	List	   *uploads;
	List	   *result = NIL;
	ListCell   *lc;
	S3Error		error;

	if (!s3_list_uploads(client, location->bucket, location->list_prefix, 0, &uploads, &error))
		s3_report(ERROR, &error);
	foreach(lc, uploads)
	{
		S3UploadInfo *info = lfirst(lc);

		if (s3_location_matches(location, info->key))
			result = lappend(result, info);
	}
	return result;
}

static void
put_upload(ReturnSetInfo *rsinfo, const S3UploadInfo *info)
{
	Datum		values[3];
	bool		nulls[3] = {0};

	values[0] = CStringGetTextDatum(info->key);
	values[1] = CStringGetTextDatum(info->upload_id);
	values[2] = TimestampTzGetDatum(info->initiated);
	nulls[2] = info->initiated == 0;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(s3_uploads);

Datum
s3_uploads(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	S3Location *location = get_location(fcinfo);
	S3Stats		stats = {0};
	S3Client   *client = get_client(fcinfo, 1, &stats);
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, get_uploads(client, location))
		put_upload(rsinfo, lfirst(lc));
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(s3_abort_uploads);

Datum
s3_abort_uploads(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	S3Location *location = get_location(fcinfo);
	S3Stats		stats = {0};
	S3Client   *client = get_client(fcinfo, 2, &stats);
	TimestampTz before;
	ListCell   *lc;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("older_than must not be null")));
	before = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval,
													 TimestampTzGetDatum(GetCurrentTimestamp()),
													 PG_GETARG_DATUM(1)));
	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, get_uploads(client, location))
	{
		S3UploadInfo *info = lfirst(lc);
		S3Error		error;

		if (info->initiated > before)
			continue;
		if (!s3_abort_upload(client, location->bucket, info->key, info->upload_id, 0, &error))
			s3_report(ERROR, &error);
		put_upload(rsinfo, info);
	}
	return (Datum) 0;
}
