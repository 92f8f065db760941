/*-------------------------------------------------------------------------
 *
 * codec_bzip2.c
 *		bzip2, by libbz2 where it is there at build time.
 *
 * Streams follow one another.  Text may well begin with "BZh", so a stream is
 * known by its level and the six bytes of its first block, or of its end if it
 * is empty, as well.
 *
 * Above and beside: codec_stream.h.
 *
 * IDENTIFICATION
 *		src/format/codec_bzip2.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#ifdef S3_HAVE_BZIP2
#include <bzlib.h>
#endif

#include "format/codec_stream.h"

static CodecMatch
bzip2_match(const char *data, Size len)
{
	CodecMatch	match = codec_match_bytes(data, len, "BZh", 3);

	if (match != MATCH_YES)
		return match;
	if (len == 3)
		return MATCH_PARTIAL;
	if (data[3] < '1' || data[3] > '9')
		return MATCH_NO;
	if (len == 4)
		return MATCH_PARTIAL;
	match = codec_match_bytes(data + 4, len - 4, "\x31\x41\x59\x26\x53\x59", 6);
	if (match == MATCH_NO)
		match = codec_match_bytes(data + 4, len - 4, "\x17\x72\x45\x38\x50\x90", 6);
	return match;
}

#ifdef S3_HAVE_BZIP2

#define BZIP2_LEVEL 9

typedef struct Bzip2Decoder
{
	Decoder		base;
	bz_stream	bzip2;
	bool		open;
} Bzip2Decoder;

typedef struct Bzip2Encoder
{
	Encoder		base;
	bz_stream	bzip2;
	bool		open;
} Bzip2Encoder;

static void
bzip2_release_decoder(Decoder *base)
{
	Bzip2Decoder *self = (Bzip2Decoder *) base;

	if (self->open)
		BZ2_bzDecompressEnd(&self->bzip2);
	self->open = false;
}

static void
bzip2_begin(Decoder *base)
{
	Bzip2Decoder *self = (Bzip2Decoder *) base;

	bzip2_release_decoder(base);
	memset(&self->bzip2, 0, sizeof(self->bzip2));
	if (BZ2_bzDecompressInit(&self->bzip2, 0, 0) != BZ_OK)
		codec_out_of_memory(&codec_bzip2);
	self->open = true;
}

static bool
bzip2_decode(Decoder *base, const char **in, const char *in_end, char **out, char *out_end)
{
	Bzip2Decoder *self = (Bzip2Decoder *) base;
	int			rc;

	self->bzip2.next_in = (char *) *in;
	self->bzip2.avail_in = (unsigned int) (in_end - *in);
	self->bzip2.next_out = *out;
	self->bzip2.avail_out = (unsigned int) (out_end - *out);
	rc = BZ2_bzDecompress(&self->bzip2);
	if (rc == BZ_MEM_ERROR)
		codec_out_of_memory(&codec_bzip2);
	if (rc != BZ_OK && rc != BZ_STREAM_END)
		codec_corrupt(&codec_bzip2, NULL, NULL);
	*in = self->bzip2.next_in;
	*out = self->bzip2.next_out;
	return rc == BZ_STREAM_END;
}

static const DecoderOps bzip2_decoder_ops = {
	.codec = &codec_bzip2,
	.size = sizeof(Bzip2Decoder),
	.padding = PADDING_NONE,
	.begin = bzip2_begin,
	.decode = bzip2_decode,
	.release = bzip2_release_decoder
};

static ByteSource *
bzip2_open_source(ByteSource *below)
{
	return &decoder_create(&bzip2_decoder_ops, below)->base;
}

static bool
bzip2_encode(Encoder *base, const char **in, const char *in_end, char **out, char *out_end,
			 bool finish)
{
	Bzip2Encoder *self = (Bzip2Encoder *) base;
	int			rc;

	self->bzip2.next_in = (char *) *in;
	self->bzip2.avail_in = (unsigned int) (in_end - *in);
	self->bzip2.next_out = *out;
	self->bzip2.avail_out = (unsigned int) (out_end - *out);
	rc = BZ2_bzCompress(&self->bzip2, finish ? BZ_FINISH : BZ_RUN);
	if (rc < 0)
		codec_write_failed(&codec_bzip2, NULL, NULL);
	*in = self->bzip2.next_in;
	*out = self->bzip2.next_out;
	return rc == BZ_STREAM_END;
}

static void
bzip2_release_encoder(Encoder *base)
{
	Bzip2Encoder *self = (Bzip2Encoder *) base;

	if (self->open)
		BZ2_bzCompressEnd(&self->bzip2);
	self->open = false;
}

static const EncoderOps bzip2_encoder_ops = {
	.codec = &codec_bzip2,
	.size = sizeof(Bzip2Encoder),
	.encode = bzip2_encode,
	.release = bzip2_release_encoder
};

static ByteSink *
bzip2_open_sink(ByteSink *below)
{
	Bzip2Encoder *self = (Bzip2Encoder *) encoder_create(&bzip2_encoder_ops, below, 1);

	if (BZ2_bzCompressInit(&self->bzip2, BZIP2_LEVEL, 0, 0) != BZ_OK)
		codec_out_of_memory(&codec_bzip2);
	self->open = true;
	return &self->base.base;
}

#else

static ByteSource *
bzip2_open_source(ByteSource *below)
{
	codec_unsupported(&codec_bzip2);
	return NULL;
}

static ByteSink *
bzip2_open_sink(ByteSink *below)
{
	codec_unsupported(&codec_bzip2);
	return NULL;
}

#endif							/* S3_HAVE_BZIP2 */

const Codec codec_bzip2 = {
	.name = "bzip2",
	.compression = COMPRESSION_BZIP2,
	.suffix = ".bz2",
	.content_encoding = "bzip2",
	.sink_memory = 7360 * 1024,
	.match = bzip2_match,
	.open_source = bzip2_open_source,
	.open_sink = bzip2_open_sink
};
