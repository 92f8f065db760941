/*-------------------------------------------------------------------------
 *
 * session.h
 *		What pg_last_copy_id() and its kin tell of this session.
 *
 * IDENTIFICATION
 *		src/redshift/session.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_REDSHIFT_SESSION_H
#define S3_REDSHIFT_SESSION_H

#include "postgres.h"

/* A COPY or UNLOAD has begun, with this query id. */
extern void session_begin_query(int64 id);

/*
 * It has begun to load or to write, with count 0; or has done so.  Whatever
 * becomes of the transaction, this stays.
 */
extern void session_set_copy(int64 id, int64 count);
extern void session_set_unload(int64 id, int64 count);

#endif							/* S3_REDSHIFT_SESSION_H */
