/*-------------------------------------------------------------------------
 *
 * codec_gzip.c
 *		gzip (RFC 1952): the only file that knows zlib.
 *
 * A gzip file is one member or several, one after another, whose contents are
 * joined.  Behind the last, zero bytes may stand as padding; anything else
 * there is an error, and so is a file that ends within a member.
 *
 * zlib allocates by malloc(), so nothing can throw inside it; a reset callback
 * on the context that owns the wrapper returns its memory, whatever happens.
 * Above and below are byte streams.
 *
 * IDENTIFICATION
 *		src/format/codec_gzip.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <zlib.h>

#include "format/codec.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define OUTPUT_SIZE		(256 * 1024)
#define INPUT_LIMIT		(1024 * 1024 * 1024)	/* bytes given to zlib at once */
#define GZIP_WINDOW		(15 + 16)	/* the largest window, gzip framing */
#define GZIP_LEVEL		4		/* nearly as small as 6, twice as fast */

typedef enum GunzipState
{
	GUNZIP_BETWEEN,				/* before a member */
	GUNZIP_MEMBER,
	GUNZIP_PADDING,				/* zero bytes seen behind a member */
	GUNZIP_END
} GunzipState;

typedef struct GunzipSource
{
	ByteSource	base;
	ByteSource *below;			/* borrowed */
	GunzipState state;
	bool		any_member;
	z_stream	zlib;
	bool		zlib_open;
	MemoryContextCallback cleanup;

	const char *input;			/* what is left of the piece of below */
	Size		input_len;
	char		output[OUTPUT_SIZE + STREAM_PADDING];
} GunzipSource;

typedef struct GzipSink
{
	ByteSink	base;
	ByteSink   *below;			/* borrowed */
	z_stream	zlib;
	bool		zlib_open;
	MemoryContextCallback cleanup;
	char		output[OUTPUT_SIZE + STREAM_PADDING];
} GzipSink;

static void
gunzip_cleanup(void *arg)
{
	GunzipSource *src = (GunzipSource *) arg;

	if (src->zlib_open)
		inflateEnd(&src->zlib);
	src->zlib_open = false;
}

static void
gzip_cleanup(void *arg)
{
	GzipSink   *sink = (GzipSink *) arg;

	if (sink->zlib_open)
		deflateEnd(&sink->zlib);
	sink->zlib_open = false;
}

static void
out_of_memory(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory"),
			 errdetail("Failed to allocate memory for gzip.")));
}

/* Report what zlib holds against the data. */
static void
gunzip_fail(GunzipSource *src, int rc)
{
	if (rc == Z_MEM_ERROR)
		out_of_memory();
	if (rc == Z_NEED_DICT)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("gzip data is corrupt"),
				 errdetail("It asks for a dictionary.")));
	ereport(ERROR,
			(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
			 errmsg("gzip data is corrupt"),
			 src->zlib.msg ? errdetail("zlib reports: %s.", src->zlib.msg) : 0));
}

/*
 * Get ready for what follows a member, or begins the file: input is not empty.
 */
static void
gunzip_between(GunzipSource *src)
{
	int			rc;

	if (!src->any_member)
	{
		if (*src->input != '\x1f')
			ereport(ERROR,
					(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
					 errmsg("data is not in gzip format")));
	}
	else
	{
		while (src->input_len > 0 && *src->input == '\0')
		{
			src->state = GUNZIP_PADDING;
			src->input++;
			src->input_len--;
		}
		if (src->input_len == 0)
			return;
		/* the second magic byte and all else are checked by zlib */
		if (src->state == GUNZIP_PADDING || *src->input != '\x1f')
			ereport(ERROR,
					(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
					 errmsg("gzip data is followed by something else"),
					 errdetail("Only further gzip members or zero bytes may follow.")));
	}

	if (src->zlib_open)
		rc = inflateReset2(&src->zlib, GZIP_WINDOW);
	else
		rc = inflateInit2(&src->zlib, GZIP_WINDOW);
	if (rc != Z_OK)
		gunzip_fail(src, rc);
	src->zlib_open = true;
	src->state = GUNZIP_MEMBER;
}

static bool
gunzip_next(ByteSource *self, const char **data, Size *len)
{
	GunzipSource *src = (GunzipSource *) self;
	Size		filled = 0;

	if (src->state == GUNZIP_END)
		return false;
	CHECK_FOR_INTERRUPTS();

	/* A small piece gives a small piece, so that nothing is held back. */
	while (filled == 0)
	{
		Size		given;
		Size		room = OUTPUT_SIZE;
		int			rc;

		if (src->input_len == 0)
		{
			CHECK_FOR_INTERRUPTS();
			if (!byte_source_next(src->below, &src->input, &src->input_len))
			{
				if (src->state == GUNZIP_MEMBER)
					ereport(ERROR,
							(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
							 errmsg("gzip data ends unexpectedly")));
				src->state = GUNZIP_END;
				return false;
			}
		}
		if (src->state != GUNZIP_MEMBER)
		{
			gunzip_between(src);
			if (src->input_len == 0)
				continue;
		}

		given = Min(src->input_len, INPUT_LIMIT);
		src->zlib.next_in = (Bytef *) src->input;
		src->zlib.avail_in = (uInt) given;
		src->zlib.next_out = (Bytef *) src->output;
		src->zlib.avail_out = (uInt) room;
		rc = inflate(&src->zlib, Z_NO_FLUSH);
		src->input += given - src->zlib.avail_in;
		src->input_len -= given - src->zlib.avail_in;
		filled = room - src->zlib.avail_out;
		if (rc == Z_STREAM_END)
		{
			src->any_member = true;
			src->state = GUNZIP_BETWEEN;
		}
		else if (rc != Z_OK && rc != Z_BUF_ERROR)
			gunzip_fail(src, rc);
		/* Z_BUF_ERROR: zlib wants input, for the output was empty */
	}

	*data = src->output;
	*len = filled;
	return true;
}

static void
gunzip_close(ByteSource *self)
{
	gunzip_cleanup(self);
	((GunzipSource *) self)->state = GUNZIP_END;
}

static const ByteSourceOps gunzip_source_ops = {
	.next = gunzip_next,
	.close = gunzip_close
};

static ByteSource *
gzip_open_source(ByteSource *below)
{
	GunzipSource *src = palloc(sizeof(GunzipSource));

	memset(src, 0, offsetof(GunzipSource, output));
	src->base.ops = &gunzip_source_ops;
	src->below = below;
	src->state = GUNZIP_BETWEEN;
	src->cleanup.func = gunzip_cleanup;
	src->cleanup.arg = src;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &src->cleanup);
	return &src->base;
}

/* Run zlib until it has taken all input, or with Z_FINISH has ended. */
static void
gzip_run(GzipSink *sink, int flush)
{
	for (;;)
	{
		Size		used;
		int			rc = deflate(&sink->zlib, flush);

		if (rc == Z_STREAM_ERROR)
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not compress data")));

		used = OUTPUT_SIZE - sink->zlib.avail_out;
		if (used > 0 && (sink->zlib.avail_out == 0 || rc == Z_STREAM_END))
		{
			/* The buffer must be free again should the sink below throw. */
			sink->zlib.next_out = (Bytef *) sink->output;
			sink->zlib.avail_out = OUTPUT_SIZE;
			byte_sink_write(sink->below, sink->output, used);
			CHECK_FOR_INTERRUPTS();
			if (rc != Z_STREAM_END)
				continue;
		}
		if (flush == Z_FINISH ? rc == Z_STREAM_END : sink->zlib.avail_in == 0)
			return;
	}
}

static void
gzip_write(ByteSink *self, const char *data, Size len)
{
	GzipSink   *sink = (GzipSink *) self;

	while (len > 0)
	{
		Size		n = Min(len, OUTPUT_SIZE);

		CHECK_FOR_INTERRUPTS();
		sink->zlib.next_in = (Bytef *) data;
		sink->zlib.avail_in = (uInt) n;
		gzip_run(sink, Z_NO_FLUSH);
		data += n;
		len -= n;
	}
}

static void
gzip_finish(ByteSink *self)
{
	GzipSink   *sink = (GzipSink *) self;

	sink->zlib.next_in = NULL;
	sink->zlib.avail_in = 0;
	gzip_run(sink, Z_FINISH);
	byte_sink_finish(sink->below);
}

static void
gzip_close(ByteSink *self)
{
	gzip_cleanup(self);
}

static const ByteSinkOps gzip_sink_ops = {
	.write = gzip_write,
	.finish = gzip_finish,
	.close = gzip_close
};

/*
 * zlib's own header has no name and no time, so that equal data gives equal
 * files.
 */
static ByteSink *
gzip_open_sink(ByteSink *below)
{
	GzipSink   *sink = palloc(sizeof(GzipSink));

	memset(sink, 0, offsetof(GzipSink, output));
	sink->base.ops = &gzip_sink_ops;
	sink->below = below;
	sink->cleanup.func = gzip_cleanup;
	sink->cleanup.arg = sink;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &sink->cleanup);

	if (deflateInit2(&sink->zlib, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW,
					 MAX_MEM_LEVEL - 1, Z_DEFAULT_STRATEGY) != Z_OK)
		out_of_memory();
	sink->zlib_open = true;
	sink->zlib.next_out = (Bytef *) sink->output;
	sink->zlib.avail_out = OUTPUT_SIZE;
	return &sink->base;
}

const Codec codec_gzip = {
	.name = "gzip",
	.compression = COMPRESSION_GZIP,
	.suffix = ".gz",
	.content_encoding = "gzip",
	.magic = "\x1f\x8b",
	.magic_len = 2,
	.open_source = gzip_open_source,
	.open_sink = gzip_open_sink
};
