/*-------------------------------------------------------------------------
 *
 * source.c
 *		The bytes of an object, or of a range of it, as a ByteSource.
 *
 * The range is cut into ranged GETs, several of which are under way at a time;
 * their bytes are handed out in place and in order, as they arrive.  At the
 * beginning of a scan the first request is small and alone, the following ones
 * grow in size and number, so that a query that stops after a few rows has
 * asked for little, and one that goes on keeps the network busy.
 *
 * Buffers come from a pool that the sources of a scan share.  They are kept
 * for reuse: fresh memory costs more to touch than the network takes to fill.
 *
 * Invariants:
 * - all bytes handed out belong to one version of the object: every request
 *   carries If-Match with the entity tag of the listing;
 * - the source that is being read can always have one range under way, so
 *   reading ahead elsewhere never stops it.
 *
 * IDENTIFICATION
 *		src/s3/source.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "s3/source.h"
#include "utils/memutils.h"

/* Sizes of the first requests of a source; then the pool's range_size. */
#define FIRST_RANGE (256 * 1024)
#define SECOND_RANGE (1024 * 1024)

/* After the first bytes, do not bother the reader with less than this. */
#define MIN_PIECE (128 * 1024)

#define MAX_FREE_BUFFERS 64

typedef struct Buffer
{
	char	   *data;			/* cap + STREAM_PADDING bytes */
	Size		cap;
} Buffer;

struct S3ReadPool
{
	/* constant */
	MemoryContext cxt;			/* holds the buffers */
	Size		memory;
	int			max_requests;
	Size		range_size;

	/* in use and kept for reuse */
	Size		allocated;		/* bytes in all buffers */
	int			requests;		/* ranges that hold a buffer */
	Buffer		free[MAX_FREE_BUFFERS];
	int			nfree;
};

/* One ranged GET and what it fills. */
typedef struct Range
{
	dlist_node	node;
	S3Call	   *call;			/* owned */
	Buffer		buffer;			/* from the pool */
} Range;

struct S3Source
{
	ByteSource	base;

	/* constant */
	MemoryContext cxt;			/* holds the source and its calls */
	const S3Client *client;		/* borrowed */
	S3ReadPool *pool;			/* borrowed */
	char	   *bucket;
	S3ObjectInfo object;		/* strings are own copies */
	int64		end;
	bool		ramp_up;
	void		(*all_requested) (void *arg);	/* or NULL */
	void	   *all_requested_arg;

	/* progress */
	int64		next_offset;	/* first byte not yet asked for */
	int			nranges;		/* requests made so far */
	int			depth;			/* ranges allowed to be under way */
	int			nqueued;		/* ranges in queue */
	dlist_head	queue;			/* of Range, in order; the first is handed out */
	Size		given;			/* bytes of the first range handed out */
};

/* ----------------------------------------------------------------------- pool */

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
	Buffer	   *buffer = &pool->free[--pool->nfree];

	pool->allocated -= buffer->cap;
	pfree(buffer->data);
}

/*
 * A buffer of at least size bytes.  False if there is no room for it, unless
 * must is set.
 */
static bool
pool_get(S3ReadPool *pool, Size size, bool must, Buffer *buffer)
{
	int			best = -1;

	if (!must && pool->requests >= pool->max_requests)
		return false;

	/* The smallest that fits, but do not waste a large one on little. */
	for (int i = 0; i < pool->nfree; i++)
	{
		if (pool->free[i].cap >= size && pool->free[i].cap <= Max(size * 4, FIRST_RANGE) &&
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

static void
pool_put(S3ReadPool *pool, Buffer *buffer)
{
	if (pool->nfree == MAX_FREE_BUFFERS)
		drop_free_buffer(pool);
	pool->free[pool->nfree++] = *buffer;
	pool->requests--;
}

/* --------------------------------------------------------------------- source */

static void
free_range(S3Source *source, Range *range)
{
	dlist_delete(&range->node);
	source->nqueued--;
	s3_call_free(range->call);
	pool_put(source->pool, &range->buffer);
	pfree(range);
}

/* Ask for the next range; false if there is none or no room. */
static bool
request_range(S3Source *source, bool must)
{
	Size		size;
	int64		left = source->end - source->next_offset;
	Buffer		buffer;
	Range	   *range;
	MemoryContext save;

	if (left <= 0)
		return false;
	if (source->ramp_up && source->nranges == 0)
		size = FIRST_RANGE;
	else if (source->ramp_up && source->nranges == 1)
		size = SECOND_RANGE;
	else
		size = source->pool->range_size;
	size = Min(size, source->pool->range_size);

	/* Not a last request for a few bytes. */
	if (left <= (int64) (size + size / 2))
		size = (Size) left;
	if (!pool_get(source->pool, size, must, &buffer))
		return false;

	save = MemoryContextSwitchTo(source->cxt);
	range = palloc(sizeof(Range));
	range->buffer = buffer;
	range->call = s3_call_create(source->client, S3_GET_OBJECT, source->bucket, source->object.key);
	range->call->buf = buffer.data;
	range->call->range_first = source->next_offset;
	range->call->range_len = size;
	range->call->object_size = source->object.size;
	if (source->object.etag)
		s3_call_header(range->call, "If-Match", source->object.etag);
	dlist_push_tail(&source->queue, &range->node);
	source->nqueued++;
	source->nranges++;
	source->next_offset += size;
	s3_call_start(range->call);
	MemoryContextSwitchTo(save);
	return true;
}

static bool
source_next(ByteSource *self, const char **data, Size *len)
{
	S3Source   *source = (S3Source *) self;
	Range	   *range;
	S3Call	   *call;
	Size		have;

	for (;;)
	{
		if (dlist_is_empty(&source->queue) && !request_range(source, true))
			return false;
		range = dlist_head_element(Range, node, &source->queue);
		call = range->call;

		/* A reader that comes back wants more: keep the network busy. */
		if (!source->ramp_up || source->given > 0 || source->nranges > 1)
		{
			while (source->nqueued < source->depth && request_range(source, false))
				;
		}
		if (source->next_offset >= source->end && source->all_requested)
			source->all_requested(source->all_requested_arg);

		have = s3_call_received(call);
		if (!call->done && have < source->given + MIN_PIECE)
		{
			s3_call_wait_data(call, source->given == 0 ? 0 : source->given + MIN_PIECE - 1);
			have = s3_call_received(call);
		}
		if (have > source->given)
		{
			*data = range->buffer.data + source->given;
			*len = have - source->given;
			source->given = have;
			return true;
		}
		if (!call->ok)
			s3_report(ERROR, &call->error);

		/* All of this range has been handed out. */
		free_range(source, range);
		source->given = 0;
		source->depth = Min(source->depth * 2, source->pool->max_requests);
	}
}

static void
source_close(ByteSource *self)
{
	S3Source   *source = (S3Source *) self;

	while (!dlist_is_empty(&source->queue))
		free_range(source, dlist_head_element(Range, node, &source->queue));
	MemoryContextDelete(source->cxt);
}

static const ByteSourceOps source_ops = {
	.next = source_next,
	.close = source_close
};

S3Source *
s3_source_create(const S3Client *client, S3ReadPool *pool, const char *bucket,
				 const S3ObjectInfo *object, int64 start, int64 end,
				 bool ramp_up)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw source",
											  ALLOCSET_SMALL_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	S3Source   *source = palloc0(sizeof(S3Source));

	Assert(start >= 0 && start <= end && end <= object->size);
	source->base.ops = &source_ops;
	source->cxt = cxt;
	source->client = client;
	source->pool = pool;
	source->bucket = pstrdup(bucket);
	source->object = *object;
	source->object.key = pstrdup(object->key);
	source->object.etag = object->etag ? pstrdup(object->etag) : NULL;
	source->object.storage_class = NULL;
	source->end = end;
	source->next_offset = start;
	source->ramp_up = ramp_up;
	source->depth = ramp_up ? 2 : pool->max_requests;
	dlist_init(&source->queue);
	MemoryContextSwitchTo(save);
	return source;
}

void
s3_source_prefetch(S3Source *source)
{
	while (request_range(source, false))
		;
}

void
s3_source_set_hook(S3Source *source, void (*all_requested) (void *arg), void *arg)
{
	source->all_requested = all_requested;
	source->all_requested_arg = arg;
}

bool
s3_source_all_requested(const S3Source *source)
{
	return source->next_offset >= source->end;
}

ByteSource *
s3_source_stream(S3Source *source)
{
	return &source->base;
}
