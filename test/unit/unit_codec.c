/*-------------------------------------------------------------------------
 *
 * unit_codec.c
 *		The codecs as SQL functions.
 *
 * IDENTIFICATION
 *		test/unit/unit_codec.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"
#include "format/codec.h"
#include "lib/stringinfo.h"
#include "unit.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(unit_codec_read);
PG_FUNCTION_INFO_V1(unit_codec_write);
PG_FUNCTION_INFO_V1(unit_codec_suffix);

PG_FUNCTION_INFO_V1(unit_codec_encoding);
PG_FUNCTION_INFO_V1(unit_codec_recognizes);

static Compression
compression_by_name(const char *name)
{
	static const char *const names[] = {
		[COMPRESSION_AUTO] = "auto",
		[COMPRESSION_NONE] = "none",
		[COMPRESSION_GZIP] = "gzip",
		[COMPRESSION_ZSTD] = "zstd",
		[COMPRESSION_BZIP2] = "bzip2",
		[COMPRESSION_XZ] = "xz",
		[COMPRESSION_LZ4] = "lz4"
	};

	for (int i = 0; i < (int) lengthof(names); i++)
	{
		if (strcmp(names[i], name) == 0)
			return (Compression) i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no compression \"%s\"", name)));
	return COMPRESSION_NONE;
}

static const char *
content_encoding(void *arg)
{
	return (const char *) arg;
}

/* The text argument, or NULL if it is missing or null. */
static char *
optional_text(FunctionCallInfo fcinfo, int n)
{
	return PG_NARGS() > n && !PG_ARGISNULL(n) ? text_to_cstring(PG_GETARG_TEXT_PP(n)) : NULL;
}

/*
 * unit_codec_read(data bytea, compression text, piece int [, key text,
 * content_encoding text]): the decoded bytes.
 */
Datum
unit_codec_read(PG_FUNCTION_ARGS)
{
	bytea	   *in = PG_GETARG_BYTEA_PP(0);
	Compression compression = compression_by_name(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	ByteSource *below = unit_source_create(VARDATA_ANY(in), VARSIZE_ANY_EXHDR(in),
										   PG_GETARG_INT32(2));
	CodecHints	hints = {
		.key = optional_text(fcinfo, 3),
		.content_encoding = content_encoding,
		.arg = optional_text(fcinfo, 4)
	};
	ByteSource *source = codec_open_source(below, compression, PG_NARGS() > 3 ? &hints : NULL);
	StringInfoData out;
	const char *data;
	Size		len;

	initStringInfo(&out);
	appendStringInfoSpaces(&out, VARHDRSZ);
	while (byte_source_next(source, &data, &len))
	{
		if (len == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("a piece is empty")));
		/* the padding must be readable */
		for (int i = 0; i < STREAM_PADDING; i++)
			(void) *(volatile const char *) (data + len + i);
		appendBinaryStringInfo(&out, data, (int) len);
	}
	if (byte_source_next(source, &data, &len))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the end did not last")));
	if (source != below)
		byte_source_close(source);
	SET_VARSIZE(out.data, out.len);
	PG_RETURN_BYTEA_P(out.data);
}

/* A sink that collects what it is given. */
typedef struct CollectSink
{
	ByteSink	base;
	StringInfoData out;
	bool		finished;
} CollectSink;

static void
collect_write(ByteSink *self, const char *data, Size len)
{
	appendBinaryStringInfo(&((CollectSink *) self)->out, data, (int) len);
}

static void
collect_finish(ByteSink *self)
{
	((CollectSink *) self)->finished = true;
}

static void
collect_close(ByteSink *self)
{
}

static const ByteSinkOps collect_ops = {
	.write = collect_write,
	.finish = collect_finish,
	.close = collect_close
};

/* unit_codec_write(data bytea, compression text, piece int): the coded bytes. */
Datum
unit_codec_write(PG_FUNCTION_ARGS)
{
	bytea	   *in = PG_GETARG_BYTEA_PP(0);
	Compression compression = compression_by_name(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	Size		piece = PG_GETARG_INT32(2);
	CollectSink below = {.base.ops = &collect_ops};
	ByteSink   *sink;

	initStringInfo(&below.out);
	appendStringInfoSpaces(&below.out, VARHDRSZ);
	sink = codec_lookup(compression)->open_sink(&below.base);
	for (Size pos = 0; pos < VARSIZE_ANY_EXHDR(in); pos += piece)
		byte_sink_write(sink, VARDATA_ANY(in) + pos,
						Min(piece, VARSIZE_ANY_EXHDR(in) - pos));
	byte_sink_finish(sink);
	byte_sink_close(sink);
	byte_sink_close(sink);
	if (!below.finished)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("finish was not passed on")));
	SET_VARSIZE(below.out.data, below.out.len);
	PG_RETURN_BYTEA_P(below.out.data);
}

/* unit_codec_suffix(key text): the codec's name, or NULL. */
Datum
unit_codec_suffix(PG_FUNCTION_ARGS)
{
	const Codec *codec = codec_by_suffix(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	if (codec == NULL)
		PG_RETURN_NULL();
	if (codec_lookup(codec->compression) != codec)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the codec is not found by its number")));
	PG_RETURN_TEXT_P(cstring_to_text(codec->name));
}

/* unit_codec_encoding(content_encoding text): the codec's name, or NULL. */
Datum
unit_codec_encoding(PG_FUNCTION_ARGS)
{
	const Codec *codec = codec_by_encoding(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	if (codec == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(codec->name));
}

/* unit_codec_recognizes(data bytea): are they some codec's? */
Datum
unit_codec_recognizes(PG_FUNCTION_ARGS)
{
	bytea	   *in = PG_GETARG_BYTEA_PP(0);

	PG_RETURN_BOOL(codec_recognizes(VARDATA_ANY(in),
									Min(VARSIZE_ANY_EXHDR(in), CODEC_MAX_MAGIC)));
}
