/*-------------------------------------------------------------------------
 *
 * stretch.c
 *		The records of a stretch of a large object, as a ByteSource.
 *
 * Above: scan.c.  Below: the block of the stretch's bytes, the chain in
 * chunk.c, and the rule where records end in format/boundary.c.
 *
 * The source of the stretch [a, b) yields the bytes from the first end of a
 * record behind a to the first one behind b; the object's first stretch begins
 * with the object.  So each byte of the object is yielded by one source, and
 * each source yields whole records.
 *
 * The bytes of the stretch must all be there before any of them is used: others
 * wait for what they tell.  The rest of the last record, if it is not among the
 * few bytes that are read beyond b at once, is read block by block.
 *
 * IDENTIFICATION
 *		src/fdw/stretch.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/stats.h"
#include "fdw/stretch.h"
#include "format/codec.h"
#include "format/encoding.h"
#include "format/scan.h"
#include "utils/memutils.h"

/* So much is read beyond the end at once, to save a request for it. */
#define MAX_SLACK (64 * 1024)
#define MIN_SLACK CODEC_MAX_MAGIC

/* Blocks of a record that goes on behind the slack. */
#define FIRST_TAIL (64 * 1024)
#define MAX_TAIL (4 * 1024 * 1024)

/* Bytes handed out at once; between two of them others are seen to. */
#define SLICE (256 * 1024)

/*
 * How often, and how long each time, the claimer of a missing stretch is waited
 * for; between two times others are seen to.
 */
#define PATIENCE 10
#define PATIENCE_MS 5

struct Stretch
{
	ByteSource	base;

	/* constant */
	MemoryContext cxt;			/* holds the stretch and its blocks */
	const StretchScan *scan;	/* borrowed */
	S3Chunk		chunk;
	char	   *bucket;
	S3ObjectInfo object;		/* strings are own copies */

	S3Block    *block;			/* owned: the stretch and its slack */
	bool		published;

	/* set by stretch_open */
	BoundarySummary summary;
	LineEnd		line_end;
	uint64		lines;
	Size		first;			/* offset in the block */
	BoundaryState end;			/* the state at tail_start */
	bool		whole;			/* the block holds the last record's end */

	/* progress */
	Size		at;				/* bytes [at, limit) of the block are left */
	Size		limit;
	int64		tail_start;		/* in the object: bytes behind are not read yet */
	Size		tail_len;		/* of the next block */
	S3Block    *tail;			/* owned: the block handed out last */
};

bool
stretch_rule(const FormatOptions *format, BoundaryRule *rule)
{
	return boundary_rule(format, rule) &&
		text_encoding_is_ascii_safe(format->encoding) &&
		(format->compression == COMPRESSION_AUTO || format->compression == COMPRESSION_NONE);
}

static bool
stretch_next(ByteSource *self, const char **data, Size *len)
{
	Stretch    *s = (Stretch *) self;
	int64		left;
	Size		n;
	Size		ahead;
	Size		end;
	MemoryContext save;

	if (s->scan->poll)
		s->scan->poll(s->scan->poll_arg);
	if (s->at < s->limit)
	{
		*data = s3_block_data(s->block) + s->at;
		*len = Min(s->limit - s->at, SLICE);
		s->at += *len;
		return true;
	}
	if (s->whole)
		return false;

	if (s->tail)
		s3_block_free(s->tail);
	s->tail = NULL;
	left = s->object.size - s->tail_start;
	if (left == 0)
		return false;
	n = (Size) Min((int64) s->tail_len, left);
	ahead = (Size) Min((int64) BOUNDARY_LOOKAHEAD, left - (int64) n);
	save = MemoryContextSwitchTo(s->cxt);
	s->tail = s3_block_create(s->scan->client, s->scan->pool, s->bucket, &s->object,
							  s->tail_start, n + ahead, true);
	MemoryContextSwitchTo(save);
	s3_block_wait(s->tail);
	s->tail_start += n;
	s->tail_len = Min(s->tail_len * 2, MAX_TAIL);

	*data = s3_block_data(s->tail);
	*len = n;
	if (boundary_next(&s->scan->rule, &s->end, *data, n, ahead, &end))
	{
		*len = end;
		s->whole = true;
	}
	else if (s->end.ended)
	{
		*len = n + ahead;
		s->whole = true;
	}
	return true;
}

static void
stretch_source_close(ByteSource *self)
{
}

static const ByteSourceOps stretch_ops = {
	.next = stretch_next,
	.close = stretch_source_close
};

static Size
slack_of(const S3Chunk *chunk, int64 size)
{
	int64		slack = Max(Min((chunk->end - chunk->start) / 16, MAX_SLACK), MIN_SLACK);

	return (Size) Min(slack, size - chunk->end);
}

static S3Block *
request_block(const StretchScan *scan, const S3Chunk *chunk, const char *bucket,
			  const S3ObjectInfo *object, bool must)
{
	return s3_block_create(scan->client, scan->pool, bucket, object, chunk->start,
						   (Size) (chunk->end - chunk->start) + slack_of(chunk, object->size),
						   must);
}

Stretch *
stretch_create(const StretchScan *scan, const S3Chunk *chunk,
			   const char *bucket, const S3ObjectInfo *object, bool must)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw stretch",
											  ALLOCSET_SMALL_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	Stretch    *s = palloc0(sizeof(Stretch));

	s->base.ops = &stretch_ops;
	s->cxt = cxt;
	s->scan = scan;
	s->chunk = *chunk;
	s->bucket = pstrdup(bucket);
	s3_object_copy(&s->object, object);
	s->block = request_block(scan, chunk, bucket, object, must);
	MemoryContextSwitchTo(save);
	if (s->block == NULL)
	{
		MemoryContextDelete(cxt);
		return NULL;
	}
	return s;
}

/*
 * If it is compressed; and an array of records is one value, which ends with the
 * object, so that no record would begin in any other stretch.
 */
bool
stretch_is_uncut(const FormatOptions *format, const S3Block *block, Size len)
{
	const char *data = s3_block_data(block);
	const char *encoding = s3_block_content_encoding(block);

	if (format->compression == COMPRESSION_AUTO &&
		(codec_recognizes(data, Min(s3_block_len(block), CODEC_MAX_MAGIC)) ||
		 (encoding && strcmp(encoding, "identity") != 0 && strcmp(encoding, "aws-chunked") != 0)))
		return true;
	if (format->format == FORMAT_JSON &&
		(format->records == RECORDS_OBJECTS || format->records == RECORDS_DYNAMODB))
	{
		Size		i = 0;

		if (len >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
			i = 3;
		while (i < len && strchr(" \t\r\n", data[i]) && data[i] != '\0')
			i++;
		return i < len && data[i] == '[';
	}
	return false;
}

/* The block of a stretch is there: work out what it does, and tell. */
static void
publish(const StretchScan *scan, const S3Chunk *chunk, const S3Block *block,
		BoundarySummary *summary)
{
	Size		len = (Size) (chunk->end - chunk->start);

	boundary_summarize(&scan->rule, s3_block_data(block), len, s3_block_len(block) - len,
					   chunk->start == 0, summary);
	if (chunk->start == 0 && stretch_is_uncut(scan->format, block, len))
		chunk_set_uncut(scan->queue, chunk);
	else
		chunk_publish(scan->queue, chunk, summary);
}

bool
stretch_wait(Stretch *s, int timeout)
{
	return s3_block_wait_for(s->block, timeout);
}

void
stretch_poll(Stretch *s)
{
	if (!s->published && s3_block_done(s->block))
	{
		s3_block_wait(s->block);
		publish(s->scan, &s->chunk, s->block, &s->summary);
		s->published = true;
	}
}

/*
 * Wait for the state at the stretch's beginning.  Who has claimed a stretch
 * before it may not be able to publish it; see chunk.c.
 */
static ChunkKnown
wait_for_start(Stretch *s, ChunkStart *start)
{
	const StretchScan *scan = s->scan;
	ChunkKnown	known;
	S3Chunk		missing;
	int			waits = 0;

	for (;;)
	{
		known = chunk_start(scan->queue, &s->chunk, start, PATIENCE_MS,
							s3_wait_event_info(S3_WAIT_CHUNK));
		if (known != CHUNK_UNKNOWN)
			return known;
		if (scan->poll)
			scan->poll(scan->poll_arg);
		if (++waits % PATIENCE == 0 && chunk_missing(scan->queue, &s->chunk, &missing))
		{
			S3Block    *block = request_block(scan, &missing, s->bucket, &s->object, true);
			BoundarySummary summary;

			s3_block_wait(block);
			publish(scan, &missing, block, &summary);
			s3_block_free(block);
		}
	}
}

StretchStatus
stretch_open(Stretch *s)
{
	const BoundaryRule *rule = &s->scan->rule;
	Size		len = (Size) (s->chunk.end - s->chunk.start);
	Size		block_len = s3_block_len(s->block);
	const char *data;
	MemoryContext save;
	ChunkStart	start;
	ChunkKnown	known;
	Size		n;

	/* Why read on if the object is not for us. */
	if (chunk_start(s->scan->queue, &s->chunk, &start, 0, 0) == CHUNK_UNCUT)
		return STRETCH_UNCUT;
	while (!s3_block_wait_for(s->block, PATIENCE_MS))
	{
		if (s->scan->poll)
			s->scan->poll(s->scan->poll_arg);
	}
	stretch_poll(s);
	save = MemoryContextSwitchTo(s->cxt);
	known = wait_for_start(s, &start);
	MemoryContextSwitchTo(save);
	if (known == CHUNK_UNCUT)
		return STRETCH_UNCUT;
	if (start.state.ended)
		return STRETCH_EMPTY;

	data = s3_block_data(s->block);
	s->end = start.state;
	boundary_apply(&s->summary, &s->end);
	if (s->chunk.start > 0)
	{
		if (!boundary_next(rule, &start.state, data, len, block_len - len, &s->first) ||
			s->first > len)
			return STRETCH_EMPTY;
	}
	s->line_end = start.state.line_end;
	s->lines = s->line_end == LINE_END_CR ?
		start.crs + scan_count(data, s->first, '\r') :
		start.lfs + scan_count(data, s->first, '\n');
	s->at = s->first;

	/* The last record: does it end in the slack? */
	s->whole = true;
	n = block_len - len;
	if (s->chunk.end + (int64) n == s->object.size)
	{
		Size		end;

		s->limit = block_len;
		if (n > 0 && !s->end.ended && boundary_next(rule, &s->end, data + len, n, 0, &end))
			s->limit = len + end;
	}
	else if (s->end.ended)
		s->limit = len + Min(n, BOUNDARY_LOOKAHEAD);	/* the marker's line is
														 * in it */
	else
	{
		Size		end;

		n -= BOUNDARY_LOOKAHEAD;
		if (boundary_next(rule, &s->end, data + len, n, BOUNDARY_LOOKAHEAD, &end))
			s->limit = len + end;
		else if (s->end.ended)
			s->limit = block_len;
		else
		{
			s->limit = len + n;
			s->whole = false;
			s->tail_start = s->chunk.end + (int64) n;
			s->tail_len = FIRST_TAIL;
		}
	}
	return STRETCH_OPEN;
}

ByteSource *
stretch_source(Stretch *s)
{
	return &s->base;
}

void
stretch_begin(const Stretch *s, LineEnd *line_end, int64 *offset, uint64 *lines)
{
	*line_end = s->line_end;
	*offset = s->chunk.start + (int64) s->first;
	*lines = s->lines;
}

void
stretch_close(Stretch *s)
{
	if (s->tail)
		s3_block_free(s->tail);
	s3_block_free(s->block);
	MemoryContextDelete(s->cxt);
}
