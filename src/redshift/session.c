/*-------------------------------------------------------------------------
 *
 * session.c
 *		What pg_last_copy_id() and its kin tell of this session.
 *
 * IDENTIFICATION
 *		src/redshift/session.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "redshift/session.h"

PG_FUNCTION_INFO_V1(redshift_last_copy_count);
PG_FUNCTION_INFO_V1(redshift_last_copy_id);
PG_FUNCTION_INFO_V1(redshift_last_unload_count);
PG_FUNCTION_INFO_V1(redshift_last_unload_id);
PG_FUNCTION_INFO_V1(redshift_last_query_id);

static struct
{
	int64		query_id;		/* -1: none yet; so are all ids */
	int64		copy_id;
	int64		copy_count;
	int64		unload_id;
	int64		unload_count;
}			session = {-1, -1, 0, -1, 0};

void
session_begin_query(int64 id)
{
	session.query_id = id;
}

void
session_set_copy(int64 id, int64 count)
{
	session.copy_id = id;
	session.copy_count = count;
}

void
session_set_unload(int64 id, int64 count)
{
	session.unload_id = id;
	session.unload_count = count;
}

Datum
redshift_last_copy_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(session.copy_count);
}

Datum
redshift_last_copy_id(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32((int32) session.copy_id);
}

Datum
redshift_last_unload_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(session.unload_count);
}

Datum
redshift_last_unload_id(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32((int32) session.unload_id);
}

Datum
redshift_last_query_id(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32((int32) session.query_id);
}
