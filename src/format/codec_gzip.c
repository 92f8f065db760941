/*-------------------------------------------------------------------------
 *
 * codec_gzip.c
 *		gzip (RFC 1952): its framing, and all that zlib does.
 *
 * A gzip file is one member or several, one after another, whose contents are
 * joined.  Behind the last, zero bytes may stand as padding; anything else
 * there is an error, and so is a file that ends within a member.
 *
 * A member is a header, deflate data, and a trailer of checksum and length.
 * Header and trailer are read here; the data is read and written by zlib or,
 * where it is there at build time, by ISA-L (codec_gzip.h).  Members may be cut anywhere by the
 * pieces of the source, so all three are read byte by byte where they must be.
 *
 * The libraries allocate by malloc(), so nothing can throw inside them.  Above
 * and beside: codec_stream.h.
 *
 * IDENTIFICATION
 *		src/format/codec_gzip.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <zlib.h>

#include "format/codec_gzip.h"
#include "format/codec_stream.h"

#define GZIP_WINDOW		(15 + 16)	/* the largest window, gzip framing */
#define GZIP_LEVEL		4		/* nearly as small as 6, twice as fast */

static CodecMatch
gzip_match(const char *data, Size len)
{
	return codec_match_bytes(data, len, "\x1f\x8b", 2);
}

/* ---------------------------------------------------------------------- zlib */

#ifndef S3_HAVE_ISAL

struct Inflater
{
	z_stream	zlib;
};

const char *
inflater_library(void)
{
	return "zlib";
}

Inflater *
inflater_create(void)
{
	Inflater   *self = calloc(1, sizeof(Inflater));

	/* a negative window: no framing */
	if (self && inflateInit2(&self->zlib, -MAX_WBITS) != Z_OK)
	{
		free(self);
		self = NULL;
	}
	return self;
}

void
inflater_free(Inflater *self)
{
	if (self)
		inflateEnd(&self->zlib);
	free(self);
}

void
inflater_reset(Inflater *self)
{
	inflateReset(&self->zlib);
}

InflateStatus
inflater_run(Inflater *self, const char **in, const char *in_end,
			 char **out, char *out_end, const char **reason)
{
	int			rc;

	*reason = NULL;
	self->zlib.next_in = (Bytef *) *in;
	self->zlib.avail_in = (uInt) (in_end - *in);
	self->zlib.next_out = (Bytef *) *out;
	self->zlib.avail_out = (uInt) (out_end - *out);
	rc = inflate(&self->zlib, Z_NO_FLUSH);
	*in = (const char *) self->zlib.next_in;
	*out = (char *) self->zlib.next_out;
	switch (rc)
	{
		case Z_OK:
		case Z_BUF_ERROR:		/* it wants input, for the output was empty */
			return INFLATE_OK;
		case Z_STREAM_END:
			return INFLATE_END;
		case Z_MEM_ERROR:
			return INFLATE_OUT_OF_MEMORY;
		default:
			*reason = self->zlib.msg;
			return INFLATE_CORRUPT;
	}
}

int
inflater_unread(Inflater *self, char *bytes)
{
	return 0;
}

uint32
inflater_crc32(uint32 crc, const char *data, Size len)
{
	return (uint32) crc32_z(crc, (const Bytef *) data, len);
}

struct Deflater
{
	z_stream	zlib;
};

/*
 * zlib's own header has no name and no time, so that equal data gives equal
 * files.
 */
Deflater *
deflater_create(void)
{
	Deflater   *self = calloc(1, sizeof(Deflater));

	if (self && deflateInit2(&self->zlib, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW,
							 MAX_MEM_LEVEL - 1, Z_DEFAULT_STRATEGY) != Z_OK)
	{
		free(self);
		self = NULL;
	}
	return self;
}

void
deflater_free(Deflater *self)
{
	if (self)
		deflateEnd(&self->zlib);
	free(self);
}

bool
deflater_run(Deflater *self, const char **in, const char *in_end,
			 char **out, char *out_end, bool finish, bool *ended)
{
	int			rc;

	self->zlib.next_in = (Bytef *) *in;
	self->zlib.avail_in = (uInt) (in_end - *in);
	self->zlib.next_out = (Bytef *) *out;
	self->zlib.avail_out = (uInt) (out_end - *out);
	rc = deflate(&self->zlib, finish ? Z_FINISH : Z_NO_FLUSH);
	*in = (const char *) self->zlib.next_in;
	*out = (char *) self->zlib.next_out;
	*ended = rc == Z_STREAM_END;
	return rc != Z_STREAM_ERROR;
}

#endif							/* S3_HAVE_ISAL */

/* ---------------------------------------------------------------------- reading */

/* Bits of the header's flags. */
#define FLAG_HEADER_CRC	0x02
#define FLAG_EXTRA		0x04
#define FLAG_NAME		0x08
#define FLAG_COMMENT	0x10
#define FLAGS_RESERVED	0xe0

/* The parts of a member, in their order. */
typedef enum MemberPart
{
	PART_FIXED,					/* ten bytes */
	PART_EXTRA_LEN,				/* two bytes */
	PART_EXTRA,
	PART_NAME,					/* to its zero byte */
	PART_COMMENT,				/* the same */
	PART_HEADER_CRC,			/* two bytes */
	PART_DATA,
	PART_TRAILER				/* eight bytes */
} MemberPart;

typedef struct GzipDecoder
{
	Decoder		base;
	Inflater   *inflater;		/* of malloc(); owned */

	/* the member being read */
	MemberPart	part;
	uint8		bytes[10];		/* of a part of fixed length */
	int			nbytes;
	int			flags;
	int			extra_left;
	uint32		header_crc;
	uint32		crc;			/* of what was put out */
	uint32		len;			/* the same, modulo 2^32 */
} GzipDecoder;

static void
gzip_corrupt(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
			 errmsg("%s data is corrupt", codec_gzip.name),
			 errdetail("%s", detail)));
}

static void
gzip_begin(Decoder *base)
{
	GzipDecoder *self = (GzipDecoder *) base;

	if (self->inflater == NULL)
	{
		self->inflater = inflater_create();
		if (self->inflater == NULL)
			codec_out_of_memory(&codec_gzip);
	}
	else
		inflater_reset(self->inflater);
	self->part = PART_FIXED;
	self->nbytes = 0;
	self->header_crc = 0;
	self->crc = 0;
	self->len = 0;
}

/* Collect the bytes of a part; is it complete? */
static bool
collect(GzipDecoder *self, const char **in, const char *in_end, int wanted)
{
	while (self->nbytes < wanted && *in < in_end)
		self->bytes[self->nbytes++] = (uint8) *(*in)++;
	if (self->nbytes < wanted)
		return false;
	self->nbytes = 0;
	return true;
}

static uint32
little_endian(const uint8 *bytes, int n)
{
	uint32		value = 0;

	while (n > 0)
		value = value << 8 | bytes[--n];
	return value;
}

/*
 * Read a part of the header, or the beginning of one if that is all there is.
 * Parts that the flags do not announce are passed over.
 */
static void
gzip_header(GzipDecoder *self, const char **in, const char *in_end)
{
	const char *start = *in;
	bool		complete = false;

	switch (self->part)
	{
		case PART_FIXED:
			if (!collect(self, in, in_end, 10))
				break;
			if (self->bytes[2] != Z_DEFLATED)
				gzip_corrupt("Its header names an unknown compression method.");
			self->flags = self->bytes[3];
			if (self->flags & FLAGS_RESERVED)
				gzip_corrupt("Its header has unknown flags.");
			complete = true;
			break;
		case PART_EXTRA_LEN:
			self->extra_left = 0;
			complete = !(self->flags & FLAG_EXTRA);
			if (!complete && collect(self, in, in_end, 2))
			{
				self->extra_left = little_endian(self->bytes, 2);
				complete = true;
			}
			break;
		case PART_EXTRA:
			{
				int			n = Min(self->extra_left, in_end - *in);

				*in += n;
				self->extra_left -= n;
				complete = self->extra_left == 0;
				break;
			}
		case PART_NAME:
		case PART_COMMENT:
			complete = !(self->flags & (self->part == PART_NAME ? FLAG_NAME : FLAG_COMMENT));
			while (!complete && *in < in_end)
				complete = *(*in)++ == '\0';
			break;
		case PART_HEADER_CRC:
			if (!(self->flags & FLAG_HEADER_CRC))
				complete = true;
			else if (collect(self, in, in_end, 2))
			{
				if (little_endian(self->bytes, 2) != (self->header_crc & 0xffff))
					gzip_corrupt("The checksum of its header is wrong.");
				complete = true;
			}
			break;
		default:
			Assert(false);
			break;
	}
	if (self->part != PART_HEADER_CRC && *in > start)
		self->header_crc = inflater_crc32(self->header_crc, start, *in - start);
	if (complete)
		self->part++;
}

static void
gzip_data(GzipDecoder *self, const char **in, const char *in_end, char **out, char *out_end)
{
	const char *start = *out;
	const char *reason;
	InflateStatus status = inflater_run(self->inflater, in, in_end, out, out_end, &reason);

	if (status == INFLATE_OUT_OF_MEMORY)
		codec_out_of_memory(&codec_gzip);
	if (status == INFLATE_CORRUPT)
		codec_corrupt(&codec_gzip, inflater_library(), reason);
	self->crc = inflater_crc32(self->crc, start, *out - start);
	self->len += (uint32) (*out - start);
	if (status == INFLATE_END)
	{
		/* fewer than the trailer has: at least one bit was the data's */
		StaticAssertStmt(INFLATER_MAX_UNREAD <= sizeof(self->bytes), "no room for the trailer");
		self->nbytes = inflater_unread(self->inflater, (char *) self->bytes);
		Assert(self->nbytes < 8);
		self->part = PART_TRAILER;
	}
}

static bool
gzip_decode(Decoder *base, const char **in, const char *in_end, char **out, char *out_end)
{
	GzipDecoder *self = (GzipDecoder *) base;

	while (self->part < PART_DATA)
	{
		MemberPart	part = self->part;

		gzip_header(self, in, in_end);
		if (self->part == part)
			return false;		/* it goes on in the next piece */
	}

	if (self->part == PART_DATA)
		gzip_data(self, in, in_end, out, out_end);
	if (self->part != PART_TRAILER || !collect(self, in, in_end, 8))
		return false;

	if (little_endian(self->bytes, 4) != self->crc)
		gzip_corrupt("Its checksum is wrong.");
	if (little_endian(self->bytes + 4, 4) != self->len)
		gzip_corrupt("Its length is wrong.");
	return true;
}

static void
gzip_release_decoder(Decoder *base)
{
	GzipDecoder *self = (GzipDecoder *) base;

	inflater_free(self->inflater);
	self->inflater = NULL;
}

static const DecoderOps gzip_decoder_ops = {
	.codec = &codec_gzip,
	.size = sizeof(GzipDecoder),
	.padding = PADDING_TO_END,
	.begin = gzip_begin,
	.decode = gzip_decode,
	.release = gzip_release_decoder
};

static ByteSource *
gzip_open_source(ByteSource *below)
{
	return &decoder_create(&gzip_decoder_ops, below)->base;
}

/* ---------------------------------------------------------------------- writing */

typedef struct GzipEncoder
{
	Encoder		base;
	Deflater   *deflater;
} GzipEncoder;

static bool
gzip_encode(Encoder *base, const char **in, const char *in_end, char **out, char *out_end,
			bool finish)
{
	GzipEncoder *self = (GzipEncoder *) base;
	bool		ended;

	if (!deflater_run(self->deflater, in, in_end, out, out_end, finish, &ended))
		codec_write_failed(&codec_gzip, NULL, NULL);
	return ended;
}

static void
gzip_release_encoder(Encoder *base)
{
	GzipEncoder *self = (GzipEncoder *) base;

	deflater_free(self->deflater);
	self->deflater = NULL;
}

static const EncoderOps gzip_encoder_ops = {
	.codec = &codec_gzip,
	.size = sizeof(GzipEncoder),
	.encode = gzip_encode,
	.release = gzip_release_encoder
};

static ByteSink *
gzip_open_sink(ByteSink *below)
{
	GzipEncoder *self = (GzipEncoder *) encoder_create(&gzip_encoder_ops, below, 1);

	self->deflater = deflater_create();
	if (self->deflater == NULL)
		codec_out_of_memory(&codec_gzip);
	return &self->base.base;
}

const Codec codec_gzip = {
	.name = "gzip",
	.compression = COMPRESSION_GZIP,
	.suffix = ".gz",
	.content_encoding = "gzip",
	.sink_memory = DEFLATER_MEMORY,
	.match = gzip_match,
	.open_source = gzip_open_source,
	.open_sink = gzip_open_sink
};
