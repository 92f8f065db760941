/*-------------------------------------------------------------------------
 *
 * stats.h
 *		Counters of remote work, and the wait events it shows.
 *
 * A scan, an export or a utility call owns one S3Stats and passes it down;
 * s3/request.c adds to it.  Nothing here is shared between processes.
 *
 * IDENTIFICATION
 *		src/base/stats.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_STATS_H
#define S3_STATS_H

#include "postgres.h"

/* What was asked of the store; added to as each HTTP exchange ends. */
typedef struct S3Stats
{
	uint64		requests;		/* HTTP exchanges begun, repeats included */
	uint64		retries;		/* exchanges that repeated another */
	uint64		bytes_received; /* of response bodies */
	uint64		bytes_sent;		/* of request bodies */
} S3Stats;

/* The kinds of wait, for pg_stat_activity on PostgreSQL 17 and later. */
typedef enum S3WaitEvent
{
	S3_WAIT_LIST,
	S3_WAIT_GET,
	S3_WAIT_PUT,
	S3_WAIT_COMPLETE,
	S3_WAIT_ABORT,
	S3_WAIT_CHUNK				/* what comes before a stretch of an object */
} S3WaitEvent;

#define S3_NUM_WAIT_EVENTS (S3_WAIT_CHUNK + 1)

/* The wait_event_info to wait with: "S3Get" and so on, or Extension before 17. */
extern uint32 s3_wait_event_info(S3WaitEvent event);

#endif							/* S3_STATS_H */
