/*-------------------------------------------------------------------------
 *
 * stats.c
 *		Wait events of remote work.
 *
 * IDENTIFICATION
 *		src/base/stats.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/stats.h"
#include "utils/wait_event.h"

#if HAVE_NAMED_WAIT_EVENTS

uint32
s3_wait_event_info(S3WaitEvent event)
{
	static const char *const names[S3_NUM_WAIT_EVENTS] = {
		[S3_WAIT_LIST] = "S3List",
		[S3_WAIT_GET] = "S3Get",
		[S3_WAIT_PUT] = "S3Put",
		[S3_WAIT_COMPLETE] = "S3Complete",
		[S3_WAIT_ABORT] = "S3Abort",
		[S3_WAIT_CHUNK] = "S3ChunkState"
	};
	static uint32 infos[S3_NUM_WAIT_EVENTS];

	if (infos[event] == 0)
		infos[event] = WaitEventExtensionNew(names[event]);
	return infos[event];
}

#else

uint32
s3_wait_event_info(S3WaitEvent event)
{
	return PG_WAIT_EXTENSION;
}

#endif
