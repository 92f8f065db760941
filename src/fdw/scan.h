/*-------------------------------------------------------------------------
 *
 * scan.h
 *		The state of a scan, for scan.c and parallel.c.
 *
 * IDENTIFICATION
 *		src/fdw/scan.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_SCAN_STATE_H
#define S3_SCAN_STATE_H

#include "fdw/chunk.h"
#include "format/tuple.h"
#include "s3/source.h"

/* What the processes of a parallel scan share besides manifest and queue. */
typedef struct S3ScanShared
{
	/* immutable once workers run */
	int			participants;	/* workers planned, and the leader */
	Size		queue_offset;	/* of the ChunkQueue, from here */
	Size		manifest_offset;

	/* sums of what the processes have done; each adds its own once */
	pg_atomic_uint64 objects_read;
	pg_atomic_uint64 requests;
	pg_atomic_uint64 retries;
	pg_atomic_uint64 bytes_received;
} S3ScanShared;

/* A claimed chunk whose source waits for its turn. */
typedef struct AheadChunk
{
	const S3Chunk *chunk;
	S3Source   *source;			/* owned */
} AheadChunk;

#define MAX_AHEAD 64

typedef struct S3ScanState
{
	/* set in BeginForeignScan, then constant */
	MemoryContext cxt;			/* the executor's, for the scan's life */
	S3TableOptions *options;
	S3Location *location;
	S3Client   *client;
	S3ReadPool *pool;
	TupleReader *tuples;
	const RecordColumn *columns;	/* the TupleReader's */
	int			ncolumns;

	/*
	 * Made at the first row, or before parallel workers start.  In a parallel
	 * scan they and shared are in memory that all its processes see.
	 */
	S3Manifest *manifest;		/* NULL until then */
	ChunkQueue *queue;
	S3ScanShared *shared;		/* NULL in a serial scan */

	/* chunks to come */
	AheadChunk	ahead[MAX_AHEAD];	/* in order */
	int			nahead;
	int			max_ahead;		/* grows */
	bool		begun;			/* a chunk has been opened */

	/* the chunk being read; reader is NULL if there is none */
	MemoryContext chunk_cxt;	/* reset when it ends */
	char	   *key;			/* in chunk_cxt */
	ByteSource *source;			/* of S3; the rest of the chain is in chunk_cxt */
	RecordReader *reader;

	/* of this process; once the scan is shut down, of all of them */
	int64		objects_read;
	S3Stats		stats;
	bool		stats_shared;	/* they are in shared already */
} S3ScanState;

/* List the location into scan->manifest, if that is not done yet. */
extern void scan_list_objects(S3ScanState *scan);

#endif							/* S3_SCAN_STATE_H */
