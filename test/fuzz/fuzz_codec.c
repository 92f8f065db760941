/*-------------------------------------------------------------------------
 *
 * fuzz_codec.c
 *		Fuzz target: compressed streams, and compressing.
 *
 * A stream that is decompressed in pieces of other sizes gives the same bytes;
 * if it is corrupt, as many of them as have come.  What a codec compresses it
 * decompresses to the same bytes.
 *
 * IDENTIFICATION
 *		test/fuzz/fuzz_codec.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/codec.h"
#include "fuzz.h"

/* A stream that grows beyond this is not read to its end. */
#define MAX_OUTPUT (8 * 1024 * 1024)

static const Compression compressions[] = {
	COMPRESSION_GZIP,
	COMPRESSION_ZSTD,
	COMPRESSION_BZIP2,
	COMPRESSION_XZ,
	COMPRESSION_LZ4,
	COMPRESSION_AUTO,
	COMPRESSION_NONE
};

typedef struct CodecTrial
{
	Compression compression;
	const CodecHints *hints;
	const char *data;
	Size		len;
	FuzzCuts	cuts;
	FuzzText	out;
	bool		close;			/* or leave it to the memory context */
} CodecTrial;

static void
decompress(void *arg)
{
	CodecTrial *t = arg;
	ByteSource *below = fuzz_source_create(t->data, t->len, &t->cuts);
	ByteSource *source = codec_open_source(below, t->compression, t->hints);
	const char *piece;
	Size		len;

	while (t->out.len < MAX_OUTPUT && byte_source_next(source, &piece, &len))
	{
		char		padding[STREAM_PADDING];

		if (len == 0)
			fuzz_fail("an empty piece", NULL, NULL);
		fuzz_append(&t->out, piece, len);
		memcpy(padding, piece + len, STREAM_PADDING);
	}
	if (t->close && source != below)
		byte_source_close(source);
	byte_source_close(below);
}

typedef struct TextSink
{
	ByteSink	base;
	FuzzText   *out;
	bool		finished;
} TextSink;

static void
text_sink_write(ByteSink *self, const char *data, Size len)
{
	fuzz_append(((TextSink *) self)->out, data, len);
}

static void
text_sink_finish(ByteSink *self)
{
	((TextSink *) self)->finished = true;
}

static void
text_sink_close(ByteSink *self)
{
}

static const ByteSinkOps text_sink_ops = {
	.write = text_sink_write,
	.finish = text_sink_finish,
	.close = text_sink_close
};

static void
compress(void *arg)
{
	CodecTrial *t = arg;
	TextSink	below = {.base.ops = &text_sink_ops, .out = &t->out};
	ByteSink   *sink = codec_lookup(t->compression)->open_sink(&below.base);
	ByteSource *source = fuzz_source_create(t->data, t->len, &t->cuts);
	const char *piece;
	Size		len;

	while (byte_source_next(source, &piece, &len))
		byte_sink_write(sink, piece, len);
	byte_sink_finish(sink);
	if (!below.finished)
		fuzz_fail("finish was not passed on", NULL, NULL);
	if (t->close)
		byte_sink_close(sink);
	byte_source_close(source);
}

static const char *
content_encoding(void *arg)
{
	return arg;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = {NULL, "a.csv", "a.csv.gz", "b.zst", "c.bz2", "d.xz", "e.lz4"};
	static const char *const encodings[] = {NULL, "gzip", "zstd", "aws-chunked, x-gzip", " ,br,", ""};
	FuzzInput	in = {(const char *) data, size};
	Compression compression = compressions[fuzz_choose(&in, lengthof(compressions))];
	int			mode = fuzz_choose(&in, 4);
	CodecHints	hints = {
		.key = keys[fuzz_choose(&in, lengthof(keys))],
		.content_encoding = content_encoding,
		.arg = unconstify(char *, encodings[fuzz_choose(&in, lengthof(encodings))])
	};
	CodecTrial	trials[2] = {0};
	bool		ok[2];
	Size		common;

	for (int i = 0; i < 2; i++)
	{
		fuzz_cuts(&in, &trials[i].cuts);
		trials[i].hints = mode & 2 ? &hints : NULL;
		trials[i].compression = compression;
		trials[i].close = i == 0;
	}
	for (int i = 0; i < 2; i++)
	{
		trials[i].data = in.data;
		trials[i].len = in.len;
	}

	if (mode == 1 && compression != COMPRESSION_AUTO && compression != COMPRESSION_NONE)
	{
		/* there and back */
		if (!fuzz_try(compress, &trials[0]))
		{
			if (fuzz_sqlerrcode != ERRCODE_FEATURE_NOT_SUPPORTED)
				fuzz_fail(fuzz_message, NULL, NULL);
		}
		else
		{
			FuzzText	original = {unconstify(char *, in.data), in.len, 0};

			trials[1].data = trials[0].out.data;
			trials[1].len = trials[0].out.len;
			if (!fuzz_try(decompress, &trials[1]))
				fuzz_fail(fuzz_message, &original, NULL);
			if (!fuzz_text_equal(&original, &trials[1].out))
				fuzz_fail("other bytes come back", &original, &trials[1].out);
		}
	}
	else
	{
		for (int i = 0; i < 2; i++)
			ok[i] = fuzz_try(decompress, &trials[i]);
		common = Min(trials[0].out.len, trials[1].out.len);
		if (common < MAX_OUTPUT && ok[0] != ok[1])
			fuzz_fail("accepted in pieces of one size only", &trials[0].out, &trials[1].out);
		if (common < MAX_OUTPUT && ok[0] && trials[0].out.len != trials[1].out.len)
			fuzz_fail("other lengths", &trials[0].out, &trials[1].out);
		if (common > 0 && memcmp(trials[0].out.data, trials[1].out.data, common) != 0)
			fuzz_fail("other bytes", &trials[0].out, &trials[1].out);
	}
	fuzz_text_free(&trials[0].out);
	fuzz_text_free(&trials[1].out);
	return 0;
}
