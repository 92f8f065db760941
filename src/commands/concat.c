/*-------------------------------------------------------------------------
 *
 * concat.c
 *		s3_concat(): join objects into one, most of it within the store.
 *
 * The target is an upload whose parts are of two kinds.  Ranges of large
 * sources are copied by the store itself; what is too small for a part goes
 * through memory: small sources, line ends that are missing between them, and
 * as much of the beginning of a large source as the part before it lacks.
 *
 *	source -> whole, or head and tail -> S3Upload		(small, or not yet known)
 *	source ------------ copied ranges -> S3Upload		(large)
 *
 * What has to be read is asked for some sources ahead, in a window that ends
 * where its share of the memory does.
 *
 * Each source is joined in the version that was listed, or not at all: reads
 * and copies carry its entity tag, and as some stores do not look at that of a
 * copy, copied sources are looked up once more before the target is completed.
 * Then it becomes visible as an export does, see s3/upload.c; only after that
 * are sources deleted.
 *
 * IDENTIFICATION
 *		src/commands/concat.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/attribute.h"
#include "base/config.h"
#include "commands/common.h"
#include "base/watch.h"
#include "fdw/layout.h"
#include "fdw/manifest.h"
#include "format/boundary.h"
#include "format/codec.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "s3/block.h"
#include "s3/source.h"
#include "s3/upload.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Sources asked for ahead of the one that is being joined. */
#define WINDOW 64

/* Requests of one kind under way when sources are looked up or deleted. */
#define MAX_BATCH 64

/* Of a large source: what is read to find its codec, and its header line. */
#define HEAD_SIZE 4096
#define HEADER_HEAD_SIZE (64 * 1024)
#define MAX_HEADER (1024 * 1024)

/* And how it ends. */
#define TAIL_SIZE 4096

/* The store works on several copies at a time if they are not too large. */
#define MIN_MAX_COPY (INT64CONST(128) * 1024 * 1024)
#define COPIES_WANTED 2500

/* The last part may be small, and still be worth a request of its own. */
#define MIN_LAST_COPY (1024 * 1024)

/* S3_MIN_PART_SIZE doubled so often is S3_MAX_PART_SIZE. */
#define NUM_SCALES 11

typedef struct Source
{
	MemoryContext cxt;			/* holds it; NULL: not in use */
	ManifestObject object;		/* own copies */
	const Codec *codec;			/* by the suffix, then also by the content */
	S3Block    *whole;			/* all of it, if it is small; else NULL */
	S3Block    *head;			/* or NULL */
	S3Block    *tail;			/* or NULL: it is the last, or compressed */
} Source;

typedef struct Concat
{
	/* constant */
	MemoryContext cxt;
	const S3Client *client;
	S3Manifest *manifest;
	bool		header;			/* each source begins with a header line */
	int64		min_copied;		/* smaller sources go through memory */
	int64		max_copy;		/* larger ones are copied in pieces */
	Size		part_size;		/* of those that go through memory */
	Size		max_whole;		/* larger sources are not read whole */
	S3ReadPool *pool;
	S3Upload   *upload;
	ByteSink   *sink;

	/* sources in work */
	int			current;		/* number of the one that is being joined */
	int			fetched;		/* those before this one have been asked for */
	Source		window[WINDOW]; /* source i in [i % WINDOW] */

	/* what has been joined so far */
	Watch		watch;
	const Codec *codec;			/* of all of them, or NULL */
	char	   *first_name;
	char	   *header_text;	/* without its line end; NULL before the first */
	Size		header_len;
	LineEnd		line_end;		/* as seen last */
	bool		line_open;		/* the last line lacks its end */
	Bitmapset  *copied;			/* numbers of sources copied in part */
} Concat;

/* ----------------------------------------------------------------------- the plan */

static void
report_target_is_source(const S3Location *target)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("target \"%s\" is one of the sources",
					s3_location_format(target->bucket, target->list_prefix)),
			 errhint("Choose a target that the sources' location does not include.")));
}

/*
 * Choose the sizes of parts and copies so that there are at most S3_MAX_PARTS:
 * with the least memory, and then with as many sources copied as can be.
 *
 * A source of min_copied takes its copies and the part that ends before them;
 * one that ends up in memory nevertheless, for what is cut off it, takes two
 * parts at most.  Another three are for the end.
 */
static void
plan(Concat *c, const S3Location *target, Size part_memory)
{
	int64		parts[NUM_SCALES] = {0};
	int64		small[NUM_SCALES] = {0};
	int64		least = Max(S3_MIN_PART_SIZE, Min((int64) s3_part_size * 1024, (int64) part_memory / 4));

	c->max_copy = Max(MIN_MAX_COPY, c->manifest->bytes / COPIES_WANTED);
	c->max_copy = Min(c->max_copy, S3_MAX_PART_SIZE);
	for (int i = 0; i < c->manifest->nobjects; i++)
	{
		ManifestObject object;

		CHECK_FOR_INTERRUPTS();
		manifest_object(c->manifest, i, &object);
		if (strcmp(object.bucket, target->bucket) == 0 &&
			strcmp(object.info.key, target->list_prefix) == 0)
			report_target_is_source(target);
		for (int k = 0; k < NUM_SCALES; k++)
		{
			if (object.info.size >= S3_MIN_PART_SIZE << k)
				parts[k] += (object.info.size - 1) / c->max_copy + 2;
			else
				small[k] += object.info.size + 2;
		}
	}
	for (int64 size = least; size <= S3_MAX_PART_SIZE; size *= 2)
	{
		for (int k = 0; k < NUM_SCALES; k++)
		{
			c->min_copied = S3_MIN_PART_SIZE << k;
			c->part_size = (Size) size;
			if (parts[k] + small[k] / size + 3 <= S3_MAX_PARTS)
				return;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("object \"%s\" would need more than %d parts",
					s3_location_format(target->bucket, target->list_prefix), S3_MAX_PARTS),
			 errdetail("The sources have %lld bytes.", (long long) c->manifest->bytes)));
}

/* ------------------------------------------------------------------------ sources */

static void
free_source(Source *source)
{
	if (source->whole)
		s3_block_free(source->whole);
	if (source->head)
		s3_block_free(source->head);
	if (source->tail)
		s3_block_free(source->tail);
	MemoryContextDelete(source->cxt);
	memset(source, 0, sizeof(*source));
}

static S3Block *
read_block(Concat *c, Source *source, int64 start, Size len, bool must)
{
	return s3_block_create(c->client, c->pool, source->object.bucket, &source->object.info,
						   start, len, must);
}

/*
 * Ask for what has to be known of the next source.  False if there is no room,
 * unless it must be.
 */
static bool
fetch_source(Concat *c, bool must)
{
	int			number = c->fetched;
	Source	   *source = &c->window[number % WINDOW];
	MemoryContext save = CurrentMemoryContext;
	ManifestObject object;
	int64		size;
	bool		ok = true;

	manifest_object(c->manifest, number, &object);
	size = object.info.size;
	source->cxt = AllocSetContextCreate(c->cxt, "s3_fdw concat source", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(source->cxt);
	source->object.bucket = pstrdup(object.bucket);
	s3_object_copy(&source->object.info, &object.info);
	source->codec = codec_by_suffix(object.info.key);

	if (size <= (int64) c->max_whole)
		ok = (source->whole = read_block(c, source, 0, (Size) size, must)) != NULL;
	else if (source->codec == NULL)
	{
		Size		head = c->header ? HEADER_HEAD_SIZE : HEAD_SIZE;

		ok = (source->head = read_block(c, source, 0, head, must)) != NULL;
		if (ok && number < c->manifest->nobjects - 1)
			ok = (source->tail = read_block(c, source, size - TAIL_SIZE, TAIL_SIZE, must)) != NULL;
	}
	MemoryContextSwitchTo(save);
	if (ok)
		c->fetched++;
	else
		free_source(source);
	return ok;
}

static char *
source_name(const Source *source)
{
	return s3_location_format(source->object.bucket, source->object.info.key);
}

static const Codec *
codec_of_content(const char *data, Size len)
{
	for (int i = COMPRESSION_GZIP; i <= COMPRESSION_LZ4; i++)
	{
		const Codec *codec = codec_lookup(i);

		if (codec->match(data, len) == MATCH_YES)
			return codec;
	}
	return NULL;
}

/* Streams of a codec can be joined with each other, and with nothing else. */
static void
check_codec(Concat *c, Source *source)
{
	S3Block    *head = source->whole ? source->whole : source->head;

	if (head)
		s3_block_wait(head);
	if (source->codec == NULL)
		source->codec = codec_of_content(s3_block_data(head), s3_block_len(head));
	if (source->codec && c->header)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot cut the header line off \"%s\"", source_name(source)),
				 errdetail("It is compressed with %s.", source->codec->name)));
	if (c->current == 0)
	{
		c->codec = source->codec;
		c->first_name = MemoryContextStrdup(c->cxt, source_name(source));
	}
	else if (source->codec != c->codec)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot join objects of different compression"),
				 errdetail("The compression of \"%s\" is %s, that of \"%s\" is %s.",
						   c->first_name, c->codec ? c->codec->name : "none",
						   source_name(source), source->codec ? source->codec->name : "none")));
}

/* ---------------------------------------------------------------------- the lines */

/* Where the first line of the source ends.  *head is set to where it begins. */
static int64
find_header(Concat *c, Source *source, const char **head)
{
	static const BoundaryRule rule = {.kind = BOUNDARY_CSV, .quote = '"', .escape = '"', .bom = true};
	int64		size = source->object.info.size;

	for (;;)
	{
		S3Block    *block = source->whole ? source->whole : source->head;
		Size		len = s3_block_len(block);
		Size		ahead = (int64) len < size ? BOUNDARY_LOOKAHEAD : 0;
		Size		end;
		BoundaryState state;
		MemoryContext save;

		*head = s3_block_data(block);
		boundary_begin(&state);
		if (boundary_next(&rule, &state, *head, len - ahead, ahead, &end))
		{
			c->line_end = state.line_end;
			return (int64) end;
		}
		if ((int64) len == size)
			return size;
		if (len >= MAX_HEADER)
			ereport(ERROR,
					(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
					 errmsg("object \"%s\" has no header line", source_name(source)),
					 errdetail("Its first line is longer than %d bytes.", MAX_HEADER)));
		s3_block_free(source->head);
		source->head = NULL;
		save = MemoryContextSwitchTo(source->cxt);
		source->head = read_block(c, source, 0, Min(size, MAX_HEADER), true);
		MemoryContextSwitchTo(save);
		s3_block_wait(source->head);
	}
}

/*
 * Where the rows of the source begin: behind a header line, which must be that
 * of the first source.
 */
static int64
cut_header(Concat *c, Source *source)
{
	const char *head;
	int64		end = find_header(c, source, &head);
	Size		len = (Size) end;

	if (len >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0)
	{
		head += 3;
		len -= 3;
	}
	while (len > 0 && (head[len - 1] == '\n' || head[len - 1] == '\r'))
		len--;
	if (c->header_text == NULL)
	{
		c->header_text = MemoryContextAlloc(c->cxt, len + 1);
		memcpy(c->header_text, head, len);
		c->header_len = len;
		return 0;
	}
	if (len != c->header_len || memcmp(head, c->header_text, len) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("the header line of \"%s\" is another than that of \"%s\"",
						source_name(source), c->first_name)));
	return end;
}

/* Note how the source ends, for the one that follows. */
static void
look_at_end(Concat *c, Source *source)
{
	S3Block    *block = source->whole ? source->whole : source->tail;
	const char *data;
	Size		len;
	Size		i;

	if (block == NULL)
		return;
	s3_block_wait(block);
	data = s3_block_data(block);
	len = s3_block_len(block);
	for (i = len; i > 0; i--)
	{
		if (data[i - 1] == '\n' || data[i - 1] == '\r')
			break;
	}
	c->line_open = i < len;
	if (i > 0)
		c->line_end = data[i - 1] == '\r' ? LINE_END_CR :
			i > 1 && data[i - 2] == '\r' ? LINE_END_CRLF : LINE_END_LF;
}

static void
end_open_line(Concat *c)
{
	if (!c->line_open)
		return;
	if (c->line_end == LINE_END_CRLF)
		byte_sink_write(c->sink, "\r\n", 2);
	else
		byte_sink_write(c->sink, c->line_end == LINE_END_CR ? "\r" : "\n", 1);
	c->line_open = false;
}

/* --------------------------------------------------------------------- the joining */

/* Call it between requests: it shows progress, and takes a cancel. */
static void
note_progress(Concat *c)
{
	watch_check(&c->watch, s3_upload_bytes(c->upload), 0);
	CHECK_FOR_INTERRUPTS();
}

/* Ask for sources ahead, as far as there is room. */
static void
read_ahead(Concat *c)
{
	while (c->fetched < c->manifest->nobjects && c->fetched < c->current + WINDOW)
	{
		if (!fetch_source(c, c->fetched == c->current))
			break;
	}
}

/* Through memory. */
static void
write_range(Concat *c, Source *source, int64 start, int64 end)
{
	MemoryContext save;
	ByteSource *stream;
	const char *data;
	Size		len;

	if (start == end)
		return;
	if (source->whole)
	{
		byte_sink_write(c->sink, s3_block_data(source->whole) + start, (Size) (end - start));
		return;
	}
	save = MemoryContextSwitchTo(source->cxt);
	stream = s3_source_stream(s3_source_create(c->client, c->pool, source->object.bucket,
											   &source->object.info, start, end, false));
	while (byte_source_next(stream, &data, &len))
	{
		byte_sink_write(c->sink, data, len);
		note_progress(c);
	}
	byte_source_close(stream);
	MemoryContextSwitchTo(save);
}

/* Within the store, as far as that can be. */
static void
copy_range(Concat *c, Source *source, int64 start, int64 end)
{
	int64		pending = s3_upload_pending(c->upload);
	int64		lacking = pending == 0 ? 0 : Max(0, S3_MIN_PART_SIZE - pending);
	int64		pieces;
	int64		rest = end - start - lacking;
	int64		size = source->object.info.size;
	bool		last = c->current == c->manifest->nobjects - 1;
	MemoryContext save;

	/* Not every range may be copied: see s3/upload.h. */
	if (size < c->min_copied || rest < (last ? MIN_LAST_COPY : S3_MIN_PART_SIZE) ||
		(size <= S3_MIN_PART_SIZE && rest < size))
	{
		write_range(c, source, start, end);
		return;
	}
	write_range(c, source, start, start + lacking);
	start += lacking;

	save = MemoryContextSwitchTo(c->cxt);
	c->copied = bms_add_member(c->copied, c->current);
	MemoryContextSwitchTo(save);
	pieces = (rest - 1) / c->max_copy + 1;
	for (int64 i = pieces; i > 0; i--)
	{
		int64		len = (end - start) / i;

		s3_upload_copy(c->upload, source->object.bucket, &source->object.info, start, len);
		start += len;
		note_progress(c);
	}
}

static void
join_source(Concat *c)
{
	Source	   *source = &c->window[c->current % WINDOW];
	int64		start = 0;
	int64		end = source->object.info.size;

	check_codec(c, source);
	if (c->header)
		start = cut_header(c, source);
	if (start == end)
		return;
	end_open_line(c);
	if (source->whole)
		write_range(c, source, start, end);
	else
		copy_range(c, source, start, end);
	if (source->codec == NULL)
		look_at_end(c, source);
}

static void
join_sources(Concat *c)
{
	for (c->current = 0; c->current < c->manifest->nobjects; c->current++)
	{
		note_progress(c);
		read_ahead(c);
		join_source(c);
		free_source(&c->window[c->current % WINDOW]);
	}
}

/* ---------------------------------------------------------------- looking up again */

/* The next sources from *next on, those in the set if there is one. */
static int
load_batch(Concat *c, int *next, const Bitmapset *set, ManifestObject *batch)
{
	int			n = 0;
	int			max = Min(s3_read_concurrency, MAX_BATCH);

	for (; n < max && *next < c->manifest->nobjects; ++*next)
	{
		ManifestObject object;

		if (set && !bms_is_member(*next, set))
			continue;
		manifest_object(c->manifest, *next, &object);
		batch[n].bucket = pstrdup(object.bucket);
		s3_object_copy(&batch[n++].info, &object.info);
	}
	return n;
}

/* Is an object that was looked up the one that was listed? */
static bool
is_same(const S3ObjectInfo *now, const S3ObjectInfo *listed)
{
	char		etag[256];
	char		listed_etag[256];

	if (now->size != listed->size)
		return false;
	if (listed->etag == NULL)
		return true;
	s3_strip_etag(etag, sizeof(etag), now->etag);
	s3_strip_etag(listed_etag, sizeof(listed_etag), listed->etag);
	return strcmp(etag, listed_etag) == 0;
}

/* Error if a source that was copied has changed since it was listed. */
static void
check_copied(Concat *c)
{
	MemoryContext cxt = AllocSetContextCreate(c->cxt, "s3_fdw concat check", ALLOCSET_SMALL_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	ManifestObject batch[MAX_BATCH];
	S3Call	   *calls[MAX_BATCH];
	int			next = 0;
	int			n;

	if (c->copied == NULL)
		next = c->manifest->nobjects;
	while ((n = load_batch(c, &next, c->copied, batch)) > 0)
	{
		for (int i = 0; i < n; i++)
			calls[i] = s3_head_start(c->client, batch[i].bucket, batch[i].info.key);
		for (int i = 0; i < n; i++)
		{
			S3ObjectInfo now;
			S3Error		error;

			if (!s3_head_finish(calls[i], &now, &error))
				s3_report(ERROR, &error);
			if (!is_same(&now, &batch[i].info))
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("could not copy \"%s\": the object changed while it was being read",
								s3_location_format(batch[i].bucket, batch[i].info.key)),
						 errhint("Run the query again.")));
		}
		MemoryContextReset(cxt);
	}
	MemoryContextSwitchTo(save);
	MemoryContextDelete(cxt);
}

/*
 * Delete one source, which has just been seen to be what was listed; the
 * condition is for stores that obey it.
 */
static S3Call *
start_delete(Concat *c, const ManifestObject *object)
{
	S3Call	   *call = s3_call_create(c->client, S3_DELETE_OBJECT, object->bucket, object->info.key);

	if (object->info.etag)
		s3_call_header(call, "If-Match", object->info.etag);
	s3_call_start(call);
	return call;
}

static bool
finish_delete(Concat *c, S3Call *call, S3Error *error)
{
	if (s3_call_wait(call, 0))
		return true;
	*error = call->error;

	/* An answer that was lost may have been a yes. */
	if (call->ambiguous && (error->status == 404 || error->status == 412))
		return true;
	return error->status == 501 &&
		s3_delete_object(c->client, call->bucket, call->key, 0, error);
}

/*
 * Delete the sources that are still what was joined; returns how many were.
 * The target is complete: nothing here is an error.
 */
static int64
delete_sources(Concat *c)
{
	MemoryContext cxt = AllocSetContextCreate(c->cxt, "s3_fdw concat delete", ALLOCSET_SMALL_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	ManifestObject batch[MAX_BATCH];
	S3Call	   *calls[MAX_BATCH];
	int64		deleted = 0;
	int64		changed = 0;
	int64		failed = 0;
	int			next = 0;
	int			n;

	while ((n = load_batch(c, &next, NULL, batch)) > 0)
	{
		S3Error		error;

		for (int i = 0; i < n; i++)
			calls[i] = s3_head_start(c->client, batch[i].bucket, batch[i].info.key);
		for (int i = 0; i < n; i++)
		{
			S3ObjectInfo now;
			bool		found = s3_head_finish(calls[i], &now, &error);

			calls[i] = NULL;
			if (found && is_same(&now, &batch[i].info))
				calls[i] = start_delete(c, &batch[i]);
			else if (found || error.status == 404)
				changed++;
			else if (failed++ == 0)
				s3_report(WARNING, &error);
		}
		for (int i = 0; i < n; i++)
		{
			if (calls[i] == NULL)
				continue;
			if (finish_delete(c, calls[i], &error))
				deleted++;
			else if (error.status == 412)
				changed++;
			else if (failed++ == 0)
				s3_report(WARNING, &error);
		}
		MemoryContextReset(cxt);
	}
	if (changed + failed > 0)
		ereport(WARNING,
				(errmsg("%lld of %d sources were not deleted",
						(long long) (changed + failed), c->manifest->nobjects),
				 errdetail("%lld of them have changed or are gone, %lld could not be deleted.",
						   (long long) changed, (long long) failed)));
	MemoryContextSwitchTo(save);
	MemoryContextDelete(cxt);
	return deleted;
}

/* --------------------------------------------------------------------- s3_concat() */

/* The objects of the location, as a scan would read them. */
static S3Manifest *
list_sources(const S3Client *client, char *sources)
{
	S3TableOptions options = {.location = sources};
	S3Layout   *layout = layout_create(CreateTemplateTupleDesc(0), &options, NULL);
	S3Manifest *manifest = manifest_build(client, &options, layout, 0);

	if (manifest->nobjects == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FILE),
				 errmsg("there is no object to join at \"%s\"", sources)));
	return manifest;
}

static S3Location *
target_location(const char *uri)
{
	S3Location *location = s3_location_parse_or_error(uri);
	Size		len = strlen(location->list_prefix);

	if (location->is_glob)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("target \"%s\" is a pattern", uri),
				 errhint("To write a key with one of * ? [ in it, put a backslash before that.")));
	if (len == 0 || location->list_prefix[len - 1] == '/')
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("target \"%s\" does not name an object", uri)));
	return location;
}

static bool
argument_bool(FunctionCallInfo fcinfo, int i)
{
	return !PG_ARGISNULL(i) && PG_GETARG_BOOL(i);
}

/* May a target that is there already be replaced? */
static bool
argument_overwrite(FunctionCallInfo fcinfo, int i)
{
	char	   *value;

	if (PG_ARGISNULL(i))
		return false;
	value = text_to_cstring(PG_GETARG_TEXT_PP(i));
	if (pg_strcasecmp(value, "replace") == 0)
		return true;
	if (pg_strcasecmp(value, "error") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("invalid value for option \"%s\": \"%s\"", "overwrite", value),
				 errdetail("Expected \"error\" or \"replace\".")));
	return false;
}

PG_FUNCTION_INFO_V1(s3_concat);

Datum
s3_concat(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Size		memory = (Size) s3_upload_memory * 1024;
	Size		read_memory = memory / 3;
	S3Stats		stats = {0};
	S3UploadOptions options = {0};
	S3ObjectAttributes attributes = {0};
	Concat	   *c = palloc0(sizeof(Concat));
	S3Location *target;
	char	   *uri;
	Datum		values[5];
	bool		nulls[5] = {0};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("sources and target must not be null")));
	InitMaterializedSRF(fcinfo, 0);
	uri = text_to_cstring(PG_GETARG_TEXT_PP(1));
	target = target_location(uri);

	c->cxt = CurrentMemoryContext;
	c->client = s3_client_for_server(PG_ARGISNULL(2) ? NULL : NameStr(*PG_GETARG_NAME(2)), &stats);
	c->header = argument_bool(fcinfo, 3);
	options.overwrite = argument_overwrite(fcinfo, 4);
	c->manifest = list_sources(c->client, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	plan(c, target, memory - read_memory);

	/* Two sources fit in, so that one is read while another is joined. */
	c->max_whole = Min((Size) S3_MIN_PART_SIZE - 1, read_memory / 2);
	c->pool = s3_read_pool_create(read_memory, s3_read_concurrency, (Size) s3_range_size * 1024);

	options.part_size = (int64) c->part_size;
	options.equal_parts = true;
	options.memory = memory - read_memory;
	attributes.content_type = PG_ARGISNULL(6) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(6));
	if (attributes.content_type)
	{
		const char *fault = s3_attribute_check_value(attributes.content_type);

		if (fault)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					 errmsg("invalid value for option \"content_type\": \"%s\"",
							attributes.content_type),
					 errdetail_internal("%s", fault)));
	}
	options.attributes = &attributes;
	c->upload = s3_upload_begin(c->client, target->bucket, target->list_prefix, &options);
	c->sink = s3_upload_sink(c->upload);
	watch_begin(&c->watch, InvalidOid, c->manifest->bytes);
	join_sources(c);
	watch_show(&c->watch, s3_upload_bytes(c->upload), 0);
	s3_upload_wait_copies(c->upload);
	check_copied(c);
	s3_upload_finish(c->upload);

	values[0] = CStringGetTextDatum(uri);
	values[1] = Int64GetDatum(c->manifest->nobjects);
	values[2] = Int64GetDatum(s3_upload_bytes(c->upload));
	values[3] = CStringGetTextDatum(s3_upload_etag(c->upload));
	s3_upload_free(c->upload);
	values[4] = Int64GetDatum(argument_bool(fcinfo, 5) ? delete_sources(c) : 0);
	watch_end(&c->watch);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	manifest_free(c->manifest);
	return (Datum) 0;
}
