/*-------------------------------------------------------------------------
 *
 * watch.h
 *		What a long command does now and then: show progress, look at the client.
 *
 * Progress is shown in pg_stat_progress_copy.  A process has one place for it,
 * which may be that of a COPY around the command; then nothing is shown.  An
 * error ends it, as PostgreSQL sees to.
 *
 * IDENTIFICATION
 *		src/base/watch.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_WATCH_H
#define S3_WATCH_H

#include "datatype/timestamp.h"

typedef struct Watch
{
	bool		shows;			/* the place is ours */
	TimestampTz last_check;
} Watch;

/*
 * What is done with the rows: relid is the table that they are loaded from, or
 * InvalidOid for an export.  bytes_total: 0 if it is not known.
 */
extern void watch_begin(Watch *watch, Oid relid, int64 bytes_total);

/*
 * Call it often: every half a second it shows progress, and sees whether the
 * client has gone, which counts as a cancel.
 */
extern void watch_check(Watch *watch, int64 bytes, int64 rows);

/* Show progress now, before a long wait. */
extern void watch_show(const Watch *watch, int64 bytes, int64 rows);

extern void watch_end(Watch *watch);

#endif							/* S3_WATCH_H */
