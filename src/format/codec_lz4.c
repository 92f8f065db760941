/*-------------------------------------------------------------------------
 *
 * codec_lz4.c
 *		lz4 frames, by liblz4 where it is there at build time.
 *
 * Frames follow one another; skippable frames have no contents, and share
 * their magic numbers with zstd's: codec.c goes by the suffix.  Bare blocks and
 * the legacy format, which has no checksum and no end, are not read; the latter
 * is recognized, to say so.
 *
 * Above and beside: codec_stream.h.
 *
 * IDENTIFICATION
 *		src/format/codec_lz4.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#ifdef S3_HAVE_LZ4
#include <lz4frame.h>
#endif

#include "format/codec_stream.h"

#define LEGACY_MAGIC "\x02\x21\x4c\x18"

static CodecMatch
lz4_match(const char *data, Size len)
{
	CodecMatch	match = codec_match_bytes(data, len, "\x04\x22\x4d\x18", 4);

	if (match == MATCH_NO)
		match = codec_match_bytes(data, len, LEGACY_MAGIC, 4);
	if (match == MATCH_NO && (data[0] & 0xf0) == 0x50)
		match = len == 1 ? MATCH_PARTIAL :
			codec_match_bytes(data + 1, len - 1, "\x2a\x4d\x18", 3);
	return match;
}

#ifdef S3_HAVE_LZ4

#define INPUT_SIZE (64 * 1024)	/* encoded at once */

typedef struct Lz4Decoder
{
	Decoder		base;
	LZ4F_dctx  *context;
	int			magic_len;		/* bytes of the frame seen, up to four */
	char		magic[4];
} Lz4Decoder;

typedef struct Lz4Encoder
{
	Encoder		base;
	LZ4F_cctx  *context;
	bool		begun;
} Lz4Encoder;

static const LZ4F_preferences_t preferences = {
	.frameInfo.blockSizeID = LZ4F_max256KB,
	.frameInfo.blockMode = LZ4F_blockIndependent,
	.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled
};

static void
lz4_begin(Decoder *base)
{
	Lz4Decoder *self = (Lz4Decoder *) base;

	self->magic_len = 0;
	if (self->context)
		LZ4F_resetDecompressionContext(self->context);
	else if (LZ4F_isError(LZ4F_createDecompressionContext(&self->context, LZ4F_VERSION)))
	{
		self->context = NULL;
		codec_out_of_memory(&codec_lz4);
	}
}

static bool
lz4_decode(Decoder *base, const char **in, const char *in_end, char **out, char *out_end)
{
	Lz4Decoder *self = (Lz4Decoder *) base;
	size_t		taken = in_end - *in;
	size_t		given = out_end - *out;
	size_t		rc;

	if (self->magic_len < 4)
	{
		for (const char *p = *in; p < in_end && self->magic_len < 4; p++)
			self->magic[self->magic_len++] = *p;
		if (self->magic_len == 4 && memcmp(self->magic, LEGACY_MAGIC, 4) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("lz4 data is in the legacy format"),
					 errdetail("Only the lz4 frame format is supported.")));
	}

	rc = LZ4F_decompress(self->context, *out, &given, *in, &taken, NULL);
	if (LZ4F_isError(rc))
		codec_corrupt(&codec_lz4, "liblz4", LZ4F_getErrorName(rc));
	*in += taken;
	*out += given;
	return rc == 0;
}

static void
lz4_release_decoder(Decoder *base)
{
	Lz4Decoder *self = (Lz4Decoder *) base;

	LZ4F_freeDecompressionContext(self->context);
	self->context = NULL;
}

static const DecoderOps lz4_decoder_ops = {
	.codec = &codec_lz4,
	.size = sizeof(Lz4Decoder),
	.padding = PADDING_NONE,
	.begin = lz4_begin,
	.decode = lz4_decode,
	.release = lz4_release_decoder
};

static ByteSource *
lz4_open_source(ByteSource *below)
{
	return &decoder_create(&lz4_decoder_ops, below)->base;
}

static size_t
lz4_check(size_t rc)
{
	if (LZ4F_isError(rc))
		codec_write_failed(&codec_lz4, "liblz4", LZ4F_getErrorName(rc));
	return rc;
}

static bool
lz4_encode(Encoder *base, const char **in, const char *in_end, char **out, char *out_end,
		   bool finish)
{
	Lz4Encoder *self = (Lz4Encoder *) base;

	/* each of these steps finds the room that lz4_open_sink asked for */
	if (!self->begun)
	{
		*out += lz4_check(LZ4F_compressBegin(self->context, *out, out_end - *out, &preferences));
		self->begun = true;
	}
	else if (finish)
	{
		*out += lz4_check(LZ4F_compressEnd(self->context, *out, out_end - *out, NULL));
		return true;
	}
	else
	{
		size_t		len = Min(in_end - *in, INPUT_SIZE);

		*out += lz4_check(LZ4F_compressUpdate(self->context, *out, out_end - *out,
											  *in, len, NULL));
		*in += len;
	}
	return false;
}

static void
lz4_release_encoder(Encoder *base)
{
	Lz4Encoder *self = (Lz4Encoder *) base;

	LZ4F_freeCompressionContext(self->context);
	self->context = NULL;
}

static const EncoderOps lz4_encoder_ops = {
	.codec = &codec_lz4,
	.size = sizeof(Lz4Encoder),
	.encode = lz4_encode,
	.release = lz4_release_encoder
};

static ByteSink *
lz4_open_sink(ByteSink *below)
{
	Size		bound = LZ4F_compressBound(INPUT_SIZE, &preferences);
	Lz4Encoder *self = (Lz4Encoder *) encoder_create(&lz4_encoder_ops, below,
													 Max(bound, LZ4F_HEADER_SIZE_MAX));

	if (LZ4F_isError(LZ4F_createCompressionContext(&self->context, LZ4F_VERSION)))
	{
		self->context = NULL;
		codec_out_of_memory(&codec_lz4);
	}
	return &self->base.base;
}

#else

static ByteSource *
lz4_open_source(ByteSource *below)
{
	codec_unsupported(&codec_lz4);
	return NULL;
}

static ByteSink *
lz4_open_sink(ByteSink *below)
{
	codec_unsupported(&codec_lz4);
	return NULL;
}

#endif							/* S3_HAVE_LZ4 */

const Codec codec_lz4 = {
	.name = "lz4",
	.compression = COMPRESSION_LZ4,
	.suffix = ".lz4",
	.content_encoding = "lz4",
	.sink_memory = 288 * 1024,
	.match = lz4_match,
	.open_source = lz4_open_source,
	.open_sink = lz4_open_sink
};
