/*-------------------------------------------------------------------------
 *
 * chunk.h
 *		The queue of chunks that the processes of a scan work off.
 *
 * A chunk is the unit of work of a scan: an object of the manifest, or a
 * stretch of a large one.  Each is claimed by one process.
 *
 * Where records begin in a stretch depends on all bytes of the object before
 * it.  So the stretches of an object form a chain: whoever has claimed one
 * publishes what it does to the state of the record boundaries (a
 * BoundarySummary), and the states at all beginnings follow from these.
 *
 * IDENTIFICATION
 *		src/fdw/chunk.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_CHUNK_H
#define S3_CHUNK_H

#include "format/boundary.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/spin.h"

/* A large object, to be cut into stretches of so many bytes. */
typedef struct ChunkSplit
{
	int			object;			/* index in the manifest */
	int64		size;
	int64		stretch;
} ChunkSplit;

typedef struct S3Chunk
{
	int			object;			/* index in the manifest */
	int			slot;			/* of the stretch; -1: the whole object */
	int			split;			/* number of the object among those cut */
	int64		start;			/* bytes [start, end) */
	int64		end;
} S3Chunk;

/* What is known where a stretch begins. */
typedef struct ChunkStart
{
	BoundaryState state;
	uint64		lfs;			/* line feeds and carriage returns before it */
	uint64		crs;
} ChunkStart;

typedef enum ChunkKnown
{
	CHUNK_UNKNOWN,				/* not yet */
	CHUNK_KNOWN,
	CHUNK_UNCUT					/* the object cannot be read in stretches: the
								 * claimer of the first one reads it all */
} ChunkKnown;

typedef struct ChunkQueue ChunkQueue;

/*
 * Lay out the chunks of so many objects, of which the splits, in ascending
 * order of objects, are cut.  They come first.  The queue lies in memory of
 * chunk_queue_size() bytes, which several processes may share.
 */
extern Size chunk_queue_size(const ChunkSplit *splits, int nsplits);
extern void chunk_queue_init(ChunkQueue *queue, int nobjects,
							 const ChunkSplit *splits, int nsplits);

/* Take the next chunk; false if all are taken. */
extern bool chunk_claim(ChunkQueue *queue, S3Chunk *chunk);

/* How many are not taken yet; others may take them any time. */
extern int	chunk_queue_left(ChunkQueue *queue);

/* All chunks are to be had again, and nothing is published. */
extern void chunk_queue_reset(ChunkQueue *queue);

/*
 * Publish the function of a stretch.  Publishing it again changes nothing: it
 * follows from the object's bytes.
 */
extern void chunk_publish(ChunkQueue *queue, const S3Chunk *chunk,
						  const BoundarySummary *summary);

/* Say that the object of the chunk has to be read as a whole. */
extern void chunk_set_uncut(ChunkQueue *queue, const S3Chunk *chunk);

/*
 * What is known where the stretch begins; start is set if that is CHUNK_KNOWN.
 * With a timeout (ms), wait for it so long at most.
 */
extern ChunkKnown chunk_start(ChunkQueue *queue, const S3Chunk *chunk, ChunkStart *start,
							  long timeout, uint32 wait_event_info);

/*
 * The first stretch of the same object that is not published: false if there
 * is none before the chunk.
 */
extern bool chunk_missing(ChunkQueue *queue, const S3Chunk *chunk, S3Chunk *missing);

#endif							/* S3_CHUNK_H */
