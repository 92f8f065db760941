/*-------------------------------------------------------------------------
 *
 * pool.c
 *		Buffers and requests that the readers of one scan share.
 *
 * Above: source.c and block.c.  Buffers are kept for reuse: fresh memory costs
 * more to touch than the network takes to fill.
 *
 * IDENTIFICATION
 *		src/s3/pool.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/stream.h"
#include "s3/pool.h"
#include "utils/memutils.h"

#define MAX_FREE_BUFFERS 64

/* Any buffer up to this size will do for less. */
#define SMALL_BUFFER (256 * 1024)

struct S3ReadPool
{
	/* constant */
	MemoryContext cxt;			/* holds the buffers */
	Size		memory;
	int			max_requests;
	Size		range_size;

	/* in use and kept for reuse */
	Size		allocated;		/* bytes in all buffers */
	int			requests;		/* buffers in use */
	PoolBuffer	free[MAX_FREE_BUFFERS];
	int			nfree;
};

S3ReadPool *
s3_read_pool_create(Size memory, int max_requests, Size range_size)
{
	S3ReadPool *pool = palloc0(sizeof(S3ReadPool));

	pool->cxt = CurrentMemoryContext;
	pool->memory = memory;
	pool->max_requests = max_requests;
	pool->range_size = Min(range_size, memory);
	return pool;
}

static void
drop_free_buffer(S3ReadPool *pool)
{
	PoolBuffer *buffer = &pool->free[--pool->nfree];

	pool->allocated -= buffer->cap;
	pfree(buffer->data);
}

bool
s3_pool_get(S3ReadPool *pool, Size size, bool must, PoolBuffer *buffer)
{
	int			best = -1;

	if (!must && pool->requests >= pool->max_requests)
		return false;

	/* The smallest that fits, but do not waste a large one on little. */
	for (int i = 0; i < pool->nfree; i++)
	{
		if (pool->free[i].cap >= size && pool->free[i].cap <= Max(size * 4, SMALL_BUFFER) &&
			(best < 0 || pool->free[i].cap < pool->free[best].cap))
			best = i;
	}
	if (best >= 0)
	{
		*buffer = pool->free[best];
		pool->free[best] = pool->free[--pool->nfree];
	}
	else
	{
		while (pool->nfree > 0 && pool->allocated + size > pool->memory)
			drop_free_buffer(pool);
		if (!must && pool->allocated + size > pool->memory)
			return false;
		buffer->cap = size;
		buffer->data = MemoryContextAllocHuge(pool->cxt, size + STREAM_PADDING);
		pool->allocated += size;
	}
	pool->requests++;
	return true;
}

void
s3_pool_put(S3ReadPool *pool, PoolBuffer *buffer)
{
	if (pool->nfree == MAX_FREE_BUFFERS)
		drop_free_buffer(pool);
	pool->free[pool->nfree++] = *buffer;
	pool->requests--;
}

Size
s3_pool_memory(const S3ReadPool *pool)
{
	return pool->memory;
}

Size
s3_pool_range_size(const S3ReadPool *pool)
{
	return pool->range_size;
}

int
s3_pool_max_requests(const S3ReadPool *pool)
{
	return pool->max_requests;
}
