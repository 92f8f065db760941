/*-------------------------------------------------------------------------
 *
 * codec.c
 *		The table of codecs, and which of them a stream needs.
 *
 * Each codec is one file codec_<name>.c; above, scans and exports see only
 * ByteSource and ByteSink.
 *
 * IDENTIFICATION
 *		src/format/codec.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/codec.h"

#define MAX_MAGIC 16

static const Codec *const codecs[] = {
	&codec_gzip
};

const Codec *
codec_lookup(Compression compression)
{
	for (int i = 0; i < (int) lengthof(codecs); i++)
	{
		if (codecs[i]->compression == compression)
			return codecs[i];
	}
	Assert(compression == COMPRESSION_NONE);
	return NULL;
}

const Codec *
codec_by_suffix(const char *key)
{
	Size		len = strlen(key);

	for (int i = 0; i < (int) lengthof(codecs); i++)
	{
		Size		suffix_len = strlen(codecs[i]->suffix);

		if (len >= suffix_len &&
			pg_strcasecmp(key + len - suffix_len, codecs[i]->suffix) == 0)
			return codecs[i];
	}
	return NULL;
}

/*
 * A source some of whose first bytes have been read already: it yields those,
 * then what its source still has.
 */
typedef struct PeekedSource
{
	ByteSource	base;
	ByteSource *below;			/* borrowed */

	/* what was read: a lent piece of below, or joined from several */
	const char *data;
	Size		len;
	bool		taken;			/* data has been handed out */
	char		joined[2 * MAX_MAGIC + STREAM_PADDING];

	/* the piece that followed joined bytes, not yet handed out */
	const char *more;
	Size		more_len;
} PeekedSource;

static bool
peeked_next(ByteSource *self, const char **data, Size *len)
{
	PeekedSource *src = (PeekedSource *) self;

	if (!src->taken && src->len > 0)
	{
		src->taken = true;
		*data = src->data;
		*len = src->len;
		return true;
	}
	if (src->more_len > 0)
	{
		*data = src->more;
		*len = src->more_len;
		src->more_len = 0;
		return true;
	}
	return byte_source_next(src->below, data, len);
}

static void
peeked_close(ByteSource *self)
{
}

static const ByteSourceOps peeked_source_ops = {
	.next = peeked_next,
	.close = peeked_close
};

/*
 * Read until as many bytes are known as the longest magic has, or the stream
 * ends.  A first piece that is long enough, which is the rule, is not copied.
 */
static PeekedSource *
peek(ByteSource *below, Size wanted)
{
	PeekedSource *src = palloc0(sizeof(PeekedSource));
	const char *piece;
	Size		len;

	src->base.ops = &peeked_source_ops;
	src->below = below;
	if (!byte_source_next(below, &src->data, &src->len))
	{
		src->len = 0;
		return src;
	}
	if (src->len >= wanted)
		return src;

	memcpy(src->joined, src->data, src->len);
	src->data = src->joined;
	while (src->len < wanted && byte_source_next(below, &piece, &len))
	{
		Size		n = Min(len, wanted - src->len);

		memcpy(src->joined + src->len, piece, n);
		src->len += n;
		src->more = piece + n;
		src->more_len = len - n;
	}
	return src;
}

ByteSource *
codec_open_source(ByteSource *source, Compression compression)
{
	const Codec *codec;
	PeekedSource *peeked;
	Size		wanted = 0;

	if (compression != COMPRESSION_AUTO)
	{
		codec = codec_lookup(compression);
		return codec ? codec->open_source(source) : source;
	}

	for (int i = 0; i < (int) lengthof(codecs); i++)
		wanted = Max(wanted, codecs[i]->magic_len);
	Assert(wanted <= MAX_MAGIC);

	peeked = peek(source, wanted);
	for (int i = 0; i < (int) lengthof(codecs); i++)
	{
		codec = codecs[i];
		if (peeked->len >= codec->magic_len &&
			memcmp(peeked->data, codec->magic, codec->magic_len) == 0)
			return codec->open_source(&peeked->base);
	}
	return &peeked->base;
}
