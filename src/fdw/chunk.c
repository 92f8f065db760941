/*-------------------------------------------------------------------------
 *
 * chunk.c
 *		The queue of chunks that a scan works off.
 *
 * Above: scan.c.  No network and no parsing here.
 *
 * IDENTIFICATION
 *		src/fdw/chunk.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fdw/chunk.h"
#include "storage/shmem.h"

Size
chunk_queue_size(const S3Manifest *manifest)
{
	return add_size(offsetof(ChunkQueue, chunks),
					mul_size(manifest->nobjects, sizeof(S3Chunk)));
}

void
chunk_queue_init(ChunkQueue *queue, const S3Manifest *manifest)
{
	queue->nchunks = manifest->nobjects;
	pg_atomic_init_u32(&queue->next, 0);
	for (int i = 0; i < manifest->nobjects; i++)
		queue->chunks[i] = (S3Chunk) {.object = i, .start = 0, .end = manifest->entries[i].size};
}

const S3Chunk *
chunk_claim(ChunkQueue *queue)
{
	uint32		i;

	/* Do not let the counter run away once the queue is empty. */
	if (pg_atomic_read_u32(&queue->next) >= (uint32) queue->nchunks)
		return NULL;
	i = pg_atomic_fetch_add_u32(&queue->next, 1);
	return i < (uint32) queue->nchunks ? &queue->chunks[i] : NULL;
}

int
chunk_queue_left(ChunkQueue *queue)
{
	uint32		next = pg_atomic_read_u32(&queue->next);

	return next >= (uint32) queue->nchunks ? 0 : queue->nchunks - (int) next;
}

void
chunk_queue_reset(ChunkQueue *queue)
{
	pg_atomic_write_u32(&queue->next, 0);
}
