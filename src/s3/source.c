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
 * Buffers come from a pool that the sources of a scan share.
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

/* One ranged GET and what it fills. */
typedef struct Range
{
	dlist_node	node;
	S3Call	   *call;			/* owned */
	PoolBuffer	buffer;			/* from the pool */
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
	int64		all_given;		/* bytes of all ranges handed out */
	char		content_encoding[64];	/* as the first answer said */
};

/* --------------------------------------------------------------------- source */

static void
free_range(S3Source *source, Range *range)
{
	dlist_delete(&range->node);
	source->nqueued--;
	s3_call_free(range->call);
	s3_pool_put(source->pool, &range->buffer);
	pfree(range);
}

S3Call *
s3_source_range_call(const S3Client *client, const char *bucket, const S3ObjectInfo *object,
					 int64 first, Size len, char *buf)
{
	S3Call	   *call = s3_call_create(client, S3_GET_OBJECT, bucket, object->key);

	call->buf = buf;
	call->range_first = first;
	call->range_len = len;
	call->object_size = object->size;
	if (object->etag)
		s3_call_header(call, "If-Match", object->etag);
	if (object->version_id)
		s3_call_query(call, "versionId", object->version_id);
	return call;
}

/* Ask for the next range; false if there is none or no room. */
static bool
request_range(S3Source *source, bool must)
{
	Size		size;
	int64		left = source->end - source->next_offset;
	PoolBuffer	buffer;
	Range	   *range;
	MemoryContext save;

	if (left <= 0)
		return false;
	if (source->ramp_up && source->nranges == 0)
		size = FIRST_RANGE;
	else if (source->ramp_up && source->nranges == 1)
		size = SECOND_RANGE;
	else
		size = s3_pool_range_size(source->pool);
	size = Min(size, s3_pool_range_size(source->pool));

	/* Not a last request for a few bytes. */
	if (left <= (int64) (size + size / 2))
		size = (Size) left;
	if (!s3_pool_get(source->pool, size, must, &buffer))
		return false;

	save = MemoryContextSwitchTo(source->cxt);
	range = palloc(sizeof(Range));
	range->buffer = buffer;
	range->call = s3_source_range_call(source->client, source->bucket, &source->object,
									   source->next_offset, size, buffer.data);
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
			if (source->given == 0)
				strlcpy(source->content_encoding, call->http.content_encoding,
						sizeof(source->content_encoding));
			*data = range->buffer.data + source->given;
			*len = have - source->given;
			source->all_given += *len;
			source->given = have;
			return true;
		}
		if (!call->ok)
			s3_report(ERROR, &call->error);

		/* All of this range has been handed out. */
		free_range(source, range);
		source->given = 0;
		source->depth = Min(source->depth * 2, s3_pool_max_requests(source->pool));
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
	s3_object_copy(&source->object, object);
	source->end = end;
	source->next_offset = start;
	source->ramp_up = ramp_up;
	source->depth = ramp_up ? 2 : s3_pool_max_requests(pool);
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

int64
s3_source_given(const S3Source *source)
{
	return source->all_given;
}

const char *
s3_source_content_encoding(const S3Source *source)
{
	return source->content_encoding[0] ? source->content_encoding : NULL;
}

ByteSource *
s3_source_stream(S3Source *source)
{
	return &source->base;
}

char *
s3_object_read(const S3Client *client, const char *bucket, const char *key,
			   Size max, Size *len)
{
	S3ObjectInfo info;
	S3Error		error;
	char	   *text;
	S3Call	   *call;

	memset(&info, 0, sizeof(info));
	if (!s3_head_finish(s3_head_start(client, bucket, key), &info, &error))
		s3_report(ERROR, &error);
	if (info.size > (int64) max)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("object \"%s\" is too large", s3_location_format(bucket, key)),
				 errdetail("It has %lld bytes; at most %lld are read.",
						   (long long) info.size, (long long) max)));
	text = palloc((Size) info.size + 1);
	text[info.size] = '\0';
	*len = (Size) info.size;
	if (info.size == 0)
		return text;

	if (info.key == NULL)
		info.key = pstrdup(key);
	call = s3_source_range_call(client, bucket, &info, 0, (Size) info.size, text);
	s3_call_start(call);
	if (!s3_call_wait(call, 0))
		s3_report(ERROR, &call->error);
	s3_call_free(call);
	return text;
}
