/*-------------------------------------------------------------------------
 *
 * block.c
 *		A range of an object, whole and in one piece of memory.
 *
 * Above: the scan of stretches of large objects.  Below: request.c.  The range
 * is cut into ranged GETs that fill their parts of one buffer of the pool.
 *
 * IDENTIFICATION
 *		src/s3/block.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "s3/block.h"
#include "s3/source.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/*
 * Not worth a request of its own: at the rate of one connection this takes as
 * long as S3 takes to the first byte.
 */
#define MIN_RANGE (2 * 1024 * 1024)

#define MAX_CALLS 16

struct S3Block
{
	MemoryContext cxt;			/* holds the block and its calls */
	S3ReadPool *pool;			/* borrowed */
	PoolBuffer	buffer;			/* the pool's */
	Size		len;
	S3Call	   *calls[MAX_CALLS];	/* owned */
	int			ncalls;
};

S3Block *
s3_block_create(const S3Client *client, S3ReadPool *pool, const char *bucket,
				const S3ObjectInfo *object, int64 start, Size len, bool must)
{
	MemoryContext cxt;
	MemoryContext save;
	S3Block    *block;
	PoolBuffer	buffer;
	int			ncalls;
	Size		size;

	Assert(len > 0 && start >= 0 && start + (int64) len <= object->size);
	if (!s3_pool_get(pool, len, must, &buffer))
		return NULL;

	cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw block", ALLOCSET_SMALL_SIZES);
	save = MemoryContextSwitchTo(cxt);
	block = palloc0(sizeof(S3Block));
	block->cxt = cxt;
	block->pool = pool;
	block->buffer = buffer;
	block->len = len;

	/* Another block may be under way: leave it half of the requests. */
	ncalls = Min(Max(1, s3_pool_max_requests(pool) / 2), MAX_CALLS);
	size = Max((len + ncalls - 1) / ncalls, MIN_RANGE);
	for (Size at = 0; at < len; at += size)
	{
		S3Call	   *call;

		/* Not a last request for a few bytes. */
		if (len - at < size + size / 2 && len - at > size)
			size = len - at;
		call = s3_source_range_call(client, bucket, object, start + (int64) at,
									Min(size, len - at), buffer.data + at);
		block->calls[block->ncalls++] = call;
		s3_call_start(call);
	}
	MemoryContextSwitchTo(save);
	return block;
}

bool
s3_block_done(const S3Block *block)
{
	for (int i = 0; i < block->ncalls; i++)
	{
		if (!block->calls[i]->done)
			return false;
	}
	return true;
}

void
s3_block_wait(S3Block *block)
{
	for (int i = 0; i < block->ncalls; i++)
	{
		if (!s3_call_wait(block->calls[i], 0))
			s3_report(ERROR, &block->calls[i]->error);
	}
}

bool
s3_block_wait_for(S3Block *block, int timeout)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout);

	for (int i = 0; i < block->ncalls; i++)
	{
		if (!s3_call_wait(block->calls[i], deadline) && !block->calls[i]->done)
			return false;
	}
	s3_block_wait(block);
	return true;
}

const char *
s3_block_data(const S3Block *block)
{
	return block->buffer.data;
}

Size
s3_block_len(const S3Block *block)
{
	return block->len;
}

const char *
s3_block_content_encoding(const S3Block *block)
{
	const char *encoding = block->calls[0]->http.content_encoding;

	return encoding[0] ? encoding : NULL;
}

void
s3_block_free(S3Block *block)
{
	for (int i = 0; i < block->ncalls; i++)
		s3_call_free(block->calls[i]);
	s3_pool_put(block->pool, &block->buffer);
	MemoryContextDelete(block->cxt);
}
