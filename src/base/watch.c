/*-------------------------------------------------------------------------
 *
 * watch.c
 *		What a long command does now and then: show progress, look at the client.
 *
 * Above: s3_export(), s3_concat(), and scans that load a table.
 *
 * IDENTIFICATION
 *		src/base/watch.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "commands/progress.h"
#include "base/watch.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#include "utils/timestamp.h"

/* How often the client is looked at, and the progress shown. */
#define CHECK_INTERVAL_MS 500

void
watch_begin(Watch *watch, Oid relid, int64 bytes_total)
{
	const int	index[] = {PROGRESS_COPY_COMMAND, PROGRESS_COPY_TYPE, PROGRESS_COPY_BYTES_TOTAL};
	const int64 value[] = {
		OidIsValid(relid) ? PROGRESS_COPY_COMMAND_FROM : PROGRESS_COPY_COMMAND_TO,
		PROGRESS_COPY_TYPE_CALLBACK, bytes_total
	};

	watch->last_check = GetCurrentTimestamp();
	watch->shows = MyBEEntry && MyBEEntry->st_progress_command == PROGRESS_COMMAND_INVALID;
	if (!watch->shows)
		return;
	pgstat_progress_start_command(PROGRESS_COMMAND_COPY, relid);
	pgstat_progress_update_multi_param(3, index, value);
}

void
watch_show(const Watch *watch, int64 bytes, int64 rows)
{
	const int	index[] = {PROGRESS_COPY_BYTES_PROCESSED, PROGRESS_COPY_TUPLES_PROCESSED};
	const int64 value[] = {bytes, rows};

	if (watch->shows)
		pgstat_progress_update_multi_param(2, index, value);
}

/*
 * Nothing is sent to the client before the end, so that it would not be noticed
 * to have gone.
 */
void
watch_check(Watch *watch, int64 bytes, int64 rows)
{
	TimestampTz now = GetCurrentTimestamp();

	if (!TimestampDifferenceExceeds(watch->last_check, now, CHECK_INTERVAL_MS))
		return;
	watch->last_check = now;
	if (whereToSendOutput == DestRemote && !pq_check_connection())
	{
		ClientConnectionLost = true;
		InterruptPending = true;
	}
	watch_show(watch, bytes, rows);
}

void
watch_end(Watch *watch)
{
	if (watch->shows)
		pgstat_progress_end_command();
	watch->shows = false;
}
