/*-------------------------------------------------------------------------
 *
 * feed.c
 *		Feed a scan with chunks: from the queue to a record reader.
 *
 * Above: scan.c, which turns records into rows.  Composes what the layers
 * below offer and owns no parsing and no network:
 *
 *	chunk -> source or stretch -> codec -> text -> record reader
 *
 * While one chunk is read, the bytes of the next ones are already on their way
 * as far as the read pool has room.  How many objects are read ahead grows from
 * none with each that is finished, so that a LIMIT costs little.  Stretches are
 * small, so that their bytes are still in the processor's cache when they are
 * parsed; how many are read ahead grows whenever one had to be waited for, so
 * that a network far away is kept busy and one nearby costs no memory.
 *
 * IDENTIFICATION
 *		src/fdw/feed.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/config.h"
#include "base/text.h"
#include "fdw/scan.h"
#include "fdw/verify.h"
#include "format/codec.h"
#include "format/csv.h"
#include "format/encoding.h"
#include "s3/request.h"
#include "utils/memutils.h"

/* Cutting an object into smaller pieces costs more than it helps. */
#define MIN_STRETCH (1024 * 1024)

/* Shared memory is taken for each; beyond so many they become larger. */
#define MANY_STRETCHES 65536

/* Stretches per process, so that all are done at about the same time. */
#define STRETCHES_PER_PROCESS 4

/* A stretch that takes longer comes from a network that is worth to be kept busy. */
#define NEARBY_MS 4

/* The stretch after is asked for when so many slices of this one are used. */
#define SLICES_ALONE 2

/* ------------------------------------------------------------- what is to be read */

void
scan_list_objects(S3ScanState *scan)
{
	MemoryContext save;

	if (scan->manifest)
		return;
	save = MemoryContextSwitchTo(scan->cxt);
	scan->manifest = manifest_build(scan->client, scan->options, scan->layout, 0);
	MemoryContextSwitchTo(save);
}

void
scan_plan_splits(S3ScanState *scan, int participants)
{
	S3Manifest *manifest = scan->manifest;
	int64		share = manifest->bytes / ((int64) participants * STRETCHES_PER_PROCESS);
	int64		room = (int64) s3_pool_memory(scan->pool) / 4;
	int64		most = Min(Max((int64) s3_chunk_size, manifest->bytes / MANY_STRETCHES), room);
	int64		stretch = Min(Max(share, Min(most, MIN_STRETCH)), most);
	int			max_splits = 0;

	if (scan->splits)
		pfree(scan->splits);
	scan->splits = NULL;
	scan->nsplits = 0;
	if (!scan->can_cut || scan->options->verify)
		return;

	/* Small objects keep all processes busy as they are. */
	for (int i = 0; i < manifest->nobjects; i++)
	{
		ManifestObject object;

		manifest_object(manifest, i, &object);
		if (object.info.size < share || object.info.size <= stretch + stretch / 2)
			continue;
		if (scan->options->format.compression == COMPRESSION_AUTO &&
			codec_by_suffix(object.info.key) != NULL)
			continue;
		if (scan->nsplits == max_splits)
		{
			max_splits = Max(16, max_splits * 2);
			scan->splits = scan->splits ?
				repalloc(scan->splits, max_splits * sizeof(ChunkSplit)) :
				MemoryContextAlloc(scan->cxt, max_splits * sizeof(ChunkSplit));
		}
		scan->splits[scan->nsplits++] = (ChunkSplit)
		{
			.object = i,.size = object.info.size,.stretch = stretch
		};
	}
}

static void see_to_others(void *arg);

void
scan_set_queue(S3ScanState *scan, ChunkQueue *queue)
{
	scan->queue = queue;
	scan->stretches.client = scan->client;
	scan->stretches.pool = scan->pool;
	scan->stretches.queue = queue;
	scan->stretches.format = &scan->options->format;
	scan->max_stretches = 1;
	scan->stretches.poll = see_to_others;
	scan->stretches.poll_arg = scan;
}

/* ---------------------------------------------------------------- reading ahead */

static S3Source *
make_source(S3ScanState *scan, const ManifestObject *object)
{
	MemoryContext save = MemoryContextSwitchTo(scan->cxt);
	S3Source   *source;

	source = s3_source_create(scan->client, scan->pool, object->bucket, &object->info,
							  0, object->info.size, !scan->begun);
	MemoryContextSwitchTo(save);
	return source;
}

static Stretch *
make_stretch(S3ScanState *scan, const S3Chunk *chunk, const ManifestObject *object)
{
	MemoryContext save = MemoryContextSwitchTo(scan->cxt);
	Stretch    *stretch = stretch_create(&scan->stretches, chunk, object->bucket,
										 &object->info, true);

	MemoryContextSwitchTo(save);
	return stretch;
}

/* Claim the next chunk that has something to be read for us. */
static bool
claim(S3ScanState *scan, S3Chunk *chunk)
{
	ChunkStart	start;

	while (chunk_claim(scan->queue, chunk))
	{
		if (chunk->slot < 0 || chunk->start == 0 ||
			chunk_start(scan->queue, chunk, &start, 0, 0) != CHUNK_UNCUT)
			return true;
	}
	return false;
}

/*
 * How many stretches may be on their way at most.  Beside them there are the
 * one that is read, and one that is read for another process.
 */
static int
stretches_limit(const S3ScanState *scan, const S3Chunk *chunk)
{
	Size		room = s3_pool_memory(scan->pool) / (Size) (chunk->end - chunk->start);

	return Max(1, Min((int) Min(room, MAX_AHEAD) - 2, s3_read_concurrency - 1));
}

/*
 * May another chunk be claimed now?  In a parallel scan, not if others might
 * run out of work while we have it waiting.
 */
static bool
may_claim(S3ScanState *scan)
{
	int			left = chunk_queue_left(scan->queue);

	if (scan->stretch || (scan->nahead > 0 && scan->ahead[scan->nahead - 1].stretch))
		return scan->nahead < scan->max_stretches && left >= scan->shared->participants;
	if (scan->nahead >= Min(scan->max_ahead, Min(MAX_AHEAD, s3_read_concurrency)))
		return false;
	return scan->shared == NULL || left >= 2 * scan->shared->participants;
}

/*
 * Called when the object being read has all its bytes under way: begin with
 * what comes after it, while there is room.
 */
static void
read_ahead(void *arg)
{
	S3ScanState *scan = arg;

	for (;;)
	{
		AheadChunk *ahead = &scan->ahead[scan->nahead];
		ManifestObject object;

		/* The last one must have been asked for whole before another is. */
		if (scan->nahead > 0 && ahead[-1].source)
		{
			s3_source_prefetch(ahead[-1].source);
			if (!s3_source_all_requested(ahead[-1].source))
				return;
		}
		if (!may_claim(scan) || !claim(scan, &ahead->chunk))
			return;
		manifest_object(scan->manifest, ahead->chunk.object, &object);
		ahead->source = NULL;
		ahead->stretch = NULL;
		if (ahead->chunk.slot >= 0)
			ahead->stretch = make_stretch(scan, &ahead->chunk, &object);
		else
			ahead->source = make_source(scan, &object);
		scan->nahead++;
	}
}

/*
 * Called while the bytes of a stretch are used, which are all there: nothing
 * else would move what is on its way.
 */
static void
see_to_others(void *arg)
{
	S3ScanState *scan = arg;

	if (scan->stretch && scan->slices++ >= SLICES_ALONE)
		read_ahead(scan);
	if (scan->nahead > 0)
	{
		s3_poll();
		for (int i = 0; i < scan->nahead; i++)
		{
			if (scan->ahead[i].stretch)
				stretch_poll(scan->ahead[i].stretch);
		}
	}
}

/* ------------------------------------------------------------------ header lines */

static const char *
source_content_encoding(void *arg)
{
	return s3_source_content_encoding(arg);
}

/* The text of a source that is decompressed. */
static ByteSource *
text_of(const S3ScanState *scan, ByteSource *source, bool at_beginning, TextRepairs *repairs)
{
	const FormatOptions *format = &scan->options->format;

	memset(repairs, 0, sizeof(*repairs));
	if (format->redshift.on)
		return text_source_create_redshift(source, format->encoding, at_beginning,
										   format->redshift.replacement, repairs);
	if (format->encoding_errors == ENCODING_ERRORS_ERROR)
		return text_source_create(source, format->encoding, at_beginning);
	return text_source_create_replacing(source, format->encoding, at_beginning, repairs);
}

/* From the source of a whole object to its text. */
static ByteSource *
decoded(S3ScanState *scan, S3Source *source, ByteSource *bytes, const char *key,
		TextRepairs *repairs)
{
	CodecHints *hints = palloc(sizeof(CodecHints));
	ByteSource *stream;

	hints->key = key;
	hints->content_encoding = source_content_encoding;
	hints->arg = source;
	stream = codec_open_source(bytes, scan->options->format.compression, hints);
	return text_of(scan, stream, true, repairs);
}

/* Read the header line of an object, into CurrentMemoryContext. */
static RecordHeader *
read_header(S3ScanState *scan, const ManifestObject *object)
{
	MemoryContext result_cxt = CurrentMemoryContext;
	MemoryContext work_cxt = AllocSetContextCreate(result_cxt, "s3_fdw header",
												   ALLOCSET_DEFAULT_SIZES);
	S3Source   *source;
	RecordHeader *header;
	RecordHeader *result = palloc(sizeof(RecordHeader));

	MemoryContextSwitchTo(work_cxt);
	source = s3_source_create(scan->client, scan->pool, object->bucket, &object->info,
							  0, object->info.size, true);
	header = csv_read_header(decoded(scan, source, s3_source_stream(source), object->info.key,
									 palloc(sizeof(TextRepairs))),
							 &scan->options->format);
	MemoryContextSwitchTo(result_cxt);
	result->nfields = header->nfields;
	result->names = palloc(sizeof(char *) * Max(header->nfields, 1));
	for (int i = 0; i < header->nfields; i++)
		result->names[i] = pstrdup(header->names[i]);
	byte_source_close(s3_source_stream(source));
	MemoryContextDelete(work_cxt);
	return result;
}

RecordHeader *
scan_read_header(S3ScanState *scan)
{
	ManifestObject object;

	manifest_object(scan->manifest, scan->object, &object);
	return read_header(scan, &object);
}

/* Is it the one object that has the header line? */
static bool
is_first_object(const S3ScanState *scan, const ManifestObject *object)
{
	const ManifestObject *first = scan->manifest->first;

	return first && strcmp(first->bucket, object->bucket) == 0 &&
		strcmp(first->info.key, object->info.key) == 0;
}

/* The names of fields for a reader that has no header line before it. */
static const RecordHeader *
header_from_elsewhere(S3ScanState *scan, int number, const ManifestObject *object)
{
	MemoryContext save;

	if (scan->options->format.header == HEADER_FIRST)
	{
		if (scan->first_header == NULL)
		{
			save = MemoryContextSwitchTo(scan->cxt);
			scan->first_header = read_header(scan, scan->manifest->first);
			MemoryContextSwitchTo(save);
		}
		return scan->first_header;
	}
	if (scan->header == NULL || scan->header_object != number)
	{
		MemoryContextReset(scan->header_cxt);
		scan->header = NULL;
		save = MemoryContextSwitchTo(scan->header_cxt);
		scan->header = read_header(scan, object);
		MemoryContextSwitchTo(save);
		scan->header_object = number;
	}
	return scan->header;
}

/* --------------------------------------------------------------------- chunks */

/* Say how the reader is to begin, and what the columns of the object are. */
static void
prepare_object(S3ScanState *scan, int number, const ManifestObject *object, bool at_beginning)
{
	const FormatOptions *format = &scan->options->format;
	bool		in_each = format->header == HEADER_TRUE || format->header == HEADER_MATCH;
	Datum	   *values = palloc(sizeof(Datum) * Max(scan->natts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(scan->natts, 1));

	scan->start.at_beginning = at_beginning;
	scan->start.has_header = at_beginning &&
		(in_each || (format->header == HEADER_FIRST && is_first_object(scan, object)));
	scan->start.header = NULL;
	if (scan->reject && reject_wants_keys(scan->reject))
	{
		scan->start.extra_name = reject_extra_key;
		scan->start.extra_arg = scan->reject;
	}
	if (format->match_by == MATCH_BY_NAME && !scan->start.has_header)
		scan->start.header = header_from_elsewhere(scan, number, object);

	layout_values(scan->layout, object, scan->of_object, values, nulls);
	for (int i = 0; i < scan->natts; i++)
	{
		if (scan->of_object[i])
			tuple_reader_set_value(scan->tuples, i + 1, values[i], nulls[i]);
	}
}

/* Read what remains to be read of the chunk; false if that is nothing. */
static bool
open_stretch(S3ScanState *scan, S3Chunk *chunk, const ManifestObject *object)
{
	ByteSource *stream;

	switch (stretch_open(scan->stretch))
	{
		case STRETCH_OPEN:
			stretch_begin(scan->stretch, &scan->start.line_end, &scan->first_offset,
						  &scan->first_line);
			prepare_object(scan, chunk->object, object, chunk->start == 0);
			stream = text_of(scan, stretch_source(scan->stretch), chunk->start == 0,
							 &scan->repairs);
			scan->reader = record_reader_create(stream, &scan->options->format,
												scan->columns, scan->ncolumns, &scan->start);
			return true;
		case STRETCH_EMPTY:
			break;
		case STRETCH_UNCUT:
			if (chunk->start > 0)
				break;
			stretch_close(scan->stretch);
			scan->stretch = NULL;
			chunk->slot = -1;
			return true;
	}
	return false;
}

void
scan_set_object(S3ScanState *scan, int i, ManifestObject *object)
{
	/* Its strings last until the manifest is asked again. */
	manifest_object(scan->manifest, i, object);
	object->bucket = scan->bucket = pstrdup(object->bucket);
	s3_object_copy(&object->info, &object->info);
	object->md5 = copy_string(object->md5);
	scan->key = object->info.key;
	scan->version = object->info.version_id ? object->info.version_id : object->info.etag;
	scan->object = i;
}

void
scan_open_object(S3ScanState *scan, int i, const ManifestObject *object)
{
	ByteSource *bytes;
	ByteSource *stream;
	Verification *verification = NULL;

	if (scan->source == NULL)
		scan->source = make_source(scan, object);
	if (scan->queue)
		s3_source_set_hook(scan->source, read_ahead, scan);
	scan->lines_unknown = false;
	scan->start.line_end = LINE_END_UNKNOWN;
	scan->first_line = 0;
	scan->first_offset = 0;
	prepare_object(scan, i, object, true);
	bytes = s3_source_stream(scan->source);
	if (scan->options->verify && object->md5)
	{
		verification = verification_create(s3_location_format(object->bucket, object->info.key),
										   object->md5, object->records);
		bytes = verification_source(verification, bytes);
	}
	stream = decoded(scan, scan->source, bytes, scan->key, &scan->repairs);
	scan->reader = record_reader_create(stream, &scan->options->format,
										scan->columns, scan->ncolumns, &scan->start);
	if (verification)
		scan->reader = verification_reader(verification, scan->reader);
}

void
scan_begin_bytes(S3ScanState *scan, int i, const ManifestObject *object)
{
	scan->start.line_end = LINE_END_UNKNOWN;
	prepare_object(scan, i, object, false);
}

void
scan_open_bytes(S3ScanState *scan, ByteSource *bytes)
{
	ByteSource *stream = text_of(scan, bytes, false, &scan->repairs);

	scan->reader = record_reader_create(stream, &scan->options->format,
										scan->columns, scan->ncolumns, &scan->start);
}

bool
scan_open_chunk(S3ScanState *scan)
{
	for (;;)
	{
		S3Chunk		chunk;
		ManifestObject object;
		MemoryContext save;
		bool		first;
		bool		open = true;

		scan->source = NULL;
		scan->stretch = NULL;
		scan->slices = 0;
		if (scan->nahead > 0)
		{
			chunk = scan->ahead[0].chunk;
			scan->source = scan->ahead[0].source;
			scan->stretch = scan->ahead[0].stretch;
			scan->nahead--;
			memmove(&scan->ahead[0], &scan->ahead[1], scan->nahead * sizeof(AheadChunk));
		}
		else if (!claim(scan, &chunk))
			return false;

		save = MemoryContextSwitchTo(scan->chunk_cxt);
		scan_set_object(scan, chunk.object, &object);

		first = chunk.start == 0;
		if (chunk.slot >= 0)
		{
			if (scan->stretch == NULL)
				scan->stretch = make_stretch(scan, &chunk, &object);
			if (!stretch_wait(scan->stretch, NEARBY_MS))
			{
				/* The network is slow: let more be under way meanwhile. */
				scan->max_stretches = Min(scan->max_stretches * 2, stretches_limit(scan, &chunk));
				read_ahead(scan);
			}
			open = open_stretch(scan, &chunk, &object);
		}
		if (open && chunk.slot < 0)
			scan_open_object(scan, chunk.object, &object);
		MemoryContextSwitchTo(save);

		scan->begun = true;
		if (first)
			scan->objects_read++;
		if (open)
			return true;
		scan_close_chunk(scan);
	}
}

void
scan_close_chunk(S3ScanState *scan)
{
	if (scan->reader)
		record_reader_close(scan->reader);
	scan->reader = NULL;
	scan->bucket = NULL;
	scan->key = NULL;
	MemoryContextReset(scan->chunk_cxt);
	if (scan->source)
		byte_source_close(s3_source_stream(scan->source));
	scan->source = NULL;
	if (scan->stretch)
		stretch_close(scan->stretch);
	scan->stretch = NULL;
	memset(&scan->repairs, 0, sizeof(scan->repairs));
}

void
scan_close_ahead(S3ScanState *scan)
{
	while (scan->nahead > 0)
	{
		AheadChunk *ahead = &scan->ahead[--scan->nahead];

		if (ahead->source)
			byte_source_close(s3_source_stream(ahead->source));
		if (ahead->stretch)
			stretch_close(ahead->stretch);
	}
}
