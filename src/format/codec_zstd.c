/*-------------------------------------------------------------------------
 *
 * codec_zstd.c
 *		Zstandard (RFC 8878), by libzstd where it is there at build time.
 *
 * Frames follow one another; skippable frames have no contents.  A frame may
 * ask for a window of WINDOW_LOG_MAX at most, which bounds the memory.  The
 * magic numbers of skippable frames are lz4's too: codec.c goes by the suffix,
 * and without one takes such a file for zstd.
 *
 * Above and beside: codec_stream.h.
 *
 * IDENTIFICATION
 *		src/format/codec_zstd.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#ifdef S3_HAVE_ZSTD
#include <zstd.h>
#include <zstd_errors.h>
#endif

#include "format/codec_stream.h"

/*
 * A frame, or one of the 16 kinds of skippable ones, whose first byte is 0x50
 * to 0x5f.
 */
static CodecMatch
zstd_match(const char *data, Size len)
{
	CodecMatch	match = codec_match_bytes(data, len, "\x28\xb5\x2f\xfd", 4);

	if (match == MATCH_NO && (data[0] & 0xf0) == 0x50)
		match = len == 1 ? MATCH_PARTIAL :
			codec_match_bytes(data + 1, len - 1, "\x2a\x4d\x18", 3);
	return match;
}

#ifdef S3_HAVE_ZSTD

#define WINDOW_LOG_MAX	27		/* 128 MB, what "zstd --long" writes */
#define ZSTD_LEVEL		3

typedef struct ZstdDecoder
{
	Decoder		base;
	ZSTD_DCtx  *context;
} ZstdDecoder;

typedef struct ZstdEncoder
{
	Encoder		base;
	ZSTD_CCtx  *context;
} ZstdEncoder;

static void
zstd_begin(Decoder *base)
{
	ZstdDecoder *self = (ZstdDecoder *) base;

	if (self->context == NULL)
	{
		self->context = ZSTD_createDCtx();
		if (self->context == NULL)
			codec_out_of_memory(&codec_zstd);
		ZSTD_DCtx_setParameter(self->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	}
	else
		ZSTD_DCtx_reset(self->context, ZSTD_reset_session_only);
}

static bool
zstd_decode(Decoder *base, const char **in, const char *in_end, char **out, char *out_end)
{
	ZstdDecoder *self = (ZstdDecoder *) base;
	ZSTD_inBuffer input = {*in, in_end - *in, 0};
	ZSTD_outBuffer output = {*out, out_end - *out, 0};
	size_t		rc = ZSTD_decompressStream(self->context, &output, &input);

	if (ZSTD_isError(rc))
	{
		switch (ZSTD_getErrorCode(rc))
		{
			case ZSTD_error_memory_allocation:
				codec_out_of_memory(&codec_zstd);
				break;
			case ZSTD_error_frameParameter_windowTooLarge:
				ereport(ERROR,
						(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						 errmsg("zstd data needs a window of more than %d MB",
								1 << (WINDOW_LOG_MAX - 20)),
						 errhint("Compress it with \"--long=%d\" or less.", WINDOW_LOG_MAX)));
				break;
			default:
				codec_corrupt(&codec_zstd, "libzstd", ZSTD_getErrorName(rc));
				break;
		}
	}
	*in += input.pos;
	*out += output.pos;
	return rc == 0;
}

static void
zstd_release_decoder(Decoder *base)
{
	ZstdDecoder *self = (ZstdDecoder *) base;

	ZSTD_freeDCtx(self->context);
	self->context = NULL;
}

static const DecoderOps zstd_decoder_ops = {
	.codec = &codec_zstd,
	.size = sizeof(ZstdDecoder),
	.padding = PADDING_NONE,
	.begin = zstd_begin,
	.decode = zstd_decode,
	.release = zstd_release_decoder
};

static ByteSource *
zstd_open_source(ByteSource *below)
{
	return &decoder_create(&zstd_decoder_ops, below)->base;
}

static bool
zstd_encode(Encoder *base, const char **in, const char *in_end, char **out, char *out_end,
			bool finish)
{
	ZstdEncoder *self = (ZstdEncoder *) base;
	ZSTD_inBuffer input = {*in, in_end - *in, 0};
	ZSTD_outBuffer output = {*out, out_end - *out, 0};
	size_t		rc = ZSTD_compressStream2(self->context, &output, &input,
										  finish ? ZSTD_e_end : ZSTD_e_continue);

	if (ZSTD_isError(rc))
	{
		if (ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation)
			codec_out_of_memory(&codec_zstd);
		codec_write_failed(&codec_zstd, "libzstd", ZSTD_getErrorName(rc));
	}
	*in += input.pos;
	*out += output.pos;
	return rc == 0;
}

static void
zstd_release_encoder(Encoder *base)
{
	ZstdEncoder *self = (ZstdEncoder *) base;

	ZSTD_freeCCtx(self->context);
	self->context = NULL;
}

static const EncoderOps zstd_encoder_ops = {
	.codec = &codec_zstd,
	.size = sizeof(ZstdEncoder),
	.encode = zstd_encode,
	.release = zstd_release_encoder
};

static ByteSink *
zstd_open_sink(ByteSink *below)
{
	ZstdEncoder *self = (ZstdEncoder *) encoder_create(&zstd_encoder_ops, below, 1);

	self->context = ZSTD_createCCtx();
	if (self->context == NULL)
		codec_out_of_memory(&codec_zstd);
	ZSTD_CCtx_setParameter(self->context, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	ZSTD_CCtx_setParameter(self->context, ZSTD_c_checksumFlag, 1);
	return &self->base.base;
}

#else

static ByteSource *
zstd_open_source(ByteSource *below)
{
	codec_unsupported(&codec_zstd);
	return NULL;
}

static ByteSink *
zstd_open_sink(ByteSink *below)
{
	codec_unsupported(&codec_zstd);
	return NULL;
}

#endif							/* S3_HAVE_ZSTD */

const Codec codec_zstd = {
	.name = "zstd",
	.compression = COMPRESSION_ZSTD,
	.suffix = ".zst",
	.content_encoding = "zstd",
	.sink_memory = 3600 * 1024,
	.match = zstd_match,
	.open_source = zstd_open_source,
	.open_sink = zstd_open_sink
};
