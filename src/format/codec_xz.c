/*-------------------------------------------------------------------------
 *
 * codec_xz.c
 *		xz, by liblzma where it is there at build time.
 *
 * Streams follow one another, with zero bytes in fours between them and at the
 * end.  A stream may ask for MEMORY_LIMIT at most.  A check that the library
 * cannot verify is an error; a stream without a check is not.  The older .lzma
 * format has no magic number, and is not read.
 *
 * Above and beside: codec_stream.h.
 *
 * IDENTIFICATION
 *		src/format/codec_xz.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#ifdef S3_HAVE_XZ
#include <lzma.h>
#endif

#include "format/codec_stream.h"

static CodecMatch
xz_match(const char *data, Size len)
{
	return codec_match_bytes(data, len, "\xfd" "7zXZ\0", 6);
}

#ifdef S3_HAVE_XZ

#define MB				(1024 * 1024)
#define MEMORY_LIMIT	(256 * MB)	/* the highest level needs 65 MB */
#define XZ_LEVEL		2		/* 17 MB; above, time grows and size hardly
								 * shrinks */

typedef struct XzDecoder
{
	Decoder		base;
	lzma_stream lzma;			/* all zero is a stream not begun */
} XzDecoder;

typedef struct XzEncoder
{
	Encoder		base;
	lzma_stream lzma;
} XzEncoder;

static const char *
xz_reason(lzma_ret rc)
{
	switch (rc)
	{
		case LZMA_FORMAT_ERROR:
			return "file format not recognized";
		case LZMA_OPTIONS_ERROR:
			return "unsupported options in a header";
		case LZMA_UNSUPPORTED_CHECK:
			return "unknown type of integrity check";
		case LZMA_DATA_ERROR:
			return "data error";
		default:
			return NULL;
	}
}

static void
xz_begin(Decoder *base)
{
	XzDecoder  *self = (XzDecoder *) base;

	if (lzma_stream_decoder(&self->lzma, MEMORY_LIMIT, LZMA_TELL_UNSUPPORTED_CHECK) != LZMA_OK)
		codec_out_of_memory(&codec_xz);
}

static bool
xz_decode(Decoder *base, const char **in, const char *in_end, char **out, char *out_end)
{
	XzDecoder  *self = (XzDecoder *) base;
	lzma_ret	rc;

	self->lzma.next_in = (const uint8_t *) *in;
	self->lzma.avail_in = in_end - *in;
	self->lzma.next_out = (uint8_t *) *out;
	self->lzma.avail_out = out_end - *out;
	rc = lzma_code(&self->lzma, LZMA_RUN);
	switch (rc)
	{
		case LZMA_OK:
		case LZMA_STREAM_END:
		case LZMA_BUF_ERROR:	/* it wants input, for there was none */
			break;
		case LZMA_MEM_ERROR:
			codec_out_of_memory(&codec_xz);
			break;
		case LZMA_MEMLIMIT_ERROR:
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("xz data needs more than %d MB of memory", MEMORY_LIMIT / MB),
					 errdetail("It needs %llu MB.",
							   (unsigned long long) ((lzma_memusage(&self->lzma) + MB - 1) / MB)),
					 errhint("Compress it with a smaller dictionary.")));
			break;
		default:
			codec_corrupt(&codec_xz, "liblzma", xz_reason(rc));
			break;
	}
	*in = (const char *) self->lzma.next_in;
	*out = (char *) self->lzma.next_out;
	return rc == LZMA_STREAM_END;
}

static void
xz_release_decoder(Decoder *base)
{
	lzma_end(&((XzDecoder *) base)->lzma);
}

static const DecoderOps xz_decoder_ops = {
	.codec = &codec_xz,
	.size = sizeof(XzDecoder),
	.padding = PADDING_QUADS,
	.begin = xz_begin,
	.decode = xz_decode,
	.release = xz_release_decoder
};

static ByteSource *
xz_open_source(ByteSource *below)
{
	return &decoder_create(&xz_decoder_ops, below)->base;
}

static bool
xz_encode(Encoder *base, const char **in, const char *in_end, char **out, char *out_end,
		  bool finish)
{
	XzEncoder  *self = (XzEncoder *) base;
	lzma_ret	rc;

	self->lzma.next_in = (const uint8_t *) *in;
	self->lzma.avail_in = in_end - *in;
	self->lzma.next_out = (uint8_t *) *out;
	self->lzma.avail_out = out_end - *out;
	rc = lzma_code(&self->lzma, finish ? LZMA_FINISH : LZMA_RUN);
	if (rc == LZMA_MEM_ERROR)
		codec_out_of_memory(&codec_xz);
	if (rc != LZMA_OK && rc != LZMA_STREAM_END && rc != LZMA_BUF_ERROR)
		codec_write_failed(&codec_xz, "liblzma", xz_reason(rc));
	*in = (const char *) self->lzma.next_in;
	*out = (char *) self->lzma.next_out;
	return rc == LZMA_STREAM_END;
}

static void
xz_release_encoder(Encoder *base)
{
	lzma_end(&((XzEncoder *) base)->lzma);
}

static const EncoderOps xz_encoder_ops = {
	.codec = &codec_xz,
	.size = sizeof(XzEncoder),
	.encode = xz_encode,
	.release = xz_release_encoder
};

static ByteSink *
xz_open_sink(ByteSink *below)
{
	XzEncoder  *self = (XzEncoder *) encoder_create(&xz_encoder_ops, below, 1);

	if (lzma_easy_encoder(&self->lzma, XZ_LEVEL, LZMA_CHECK_CRC64) != LZMA_OK)
		codec_out_of_memory(&codec_xz);
	return &self->base.base;
}

#else

static ByteSource *
xz_open_source(ByteSource *below)
{
	codec_unsupported(&codec_xz);
	return NULL;
}

static ByteSink *
xz_open_sink(ByteSink *below)
{
	codec_unsupported(&codec_xz);
	return NULL;
}

#endif							/* S3_HAVE_XZ */

const Codec codec_xz = {
	.name = "xz",
	.compression = COMPRESSION_XZ,
	.suffix = ".xz",
	.content_encoding = "xz",
	.sink_memory = 16500 * 1024,
	.match = xz_match,
	.open_source = xz_open_source,
	.open_sink = xz_open_sink
};
