/*-------------------------------------------------------------------------
 *
 * chunk.h
 *		The queue of chunks that a scan works off.
 *
 * A chunk is the unit of work of a scan: a range of bytes of one object of the
 * manifest.  Chunks are numbered in the order of objects and of bytes, and each
 * is claimed by one process.
 *
 * IDENTIFICATION
 *		src/fdw/chunk.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_CHUNK_H
#define S3_CHUNK_H

#include "fdw/manifest.h"
#include "port/atomics.h"

typedef struct S3Chunk
{
	int			object;			/* index in the manifest */
	int64		start;			/* bytes [start, end) */
	int64		end;
} S3Chunk;

typedef struct ChunkQueue
{
	/* immutable once the scan runs */
	int			nchunks;

	/* claim counter */
	pg_atomic_uint32 next;

	S3Chunk		chunks[FLEXIBLE_ARRAY_MEMBER];
} ChunkQueue;

/*
 * Lay out the chunks of a manifest in memory of chunk_queue_size() bytes, which
 * several processes may share.
 */
extern Size chunk_queue_size(const S3Manifest *manifest);
extern void chunk_queue_init(ChunkQueue *queue, const S3Manifest *manifest);

/* The next chunk, or NULL when all are taken. */
extern const S3Chunk *chunk_claim(ChunkQueue *queue);

/* How many are not taken yet; others may take them any time. */
extern int	chunk_queue_left(ChunkQueue *queue);

/* All chunks are to be had again. */
extern void chunk_queue_reset(ChunkQueue *queue);

#endif							/* S3_CHUNK_H */
