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

/*
 * In this order they are asked whether they know the first bytes.  Only the
 * magic numbers of skippable frames belong to two, zstd and lz4.
 */
static const Codec *const codecs[] = {
	&codec_gzip,
	&codec_zstd,
	&codec_bzip2,
	&codec_xz,
	&codec_lz4
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

static bool
token_is(const char *token, Size len, const char *name)
{
	return len == strlen(name) && pg_strncasecmp(token, name, len) == 0;
}

const Codec *
codec_by_encoding(const char *encoding)
{
	const char *end = encoding + strlen(encoding);

	/* from the last token to the first */
	for (;;)
	{
		const char *token = end;
		const char *stop = end;

		while (token > encoding && token[-1] != ',')
			token--;
		end = token - 1;
		while (token < stop && (*token == ' ' || *token == '\t'))
			token++;
		while (stop > token && (stop[-1] == ' ' || stop[-1] == '\t'))
			stop--;

		if (token < stop && !token_is(token, stop - token, "identity") &&
			!token_is(token, stop - token, "aws-chunked"))
		{
			/* HTTP's older names */
			if (stop - token > 2 && pg_strncasecmp(token, "x-", 2) == 0)
				token += 2;
			for (int i = 0; i < (int) lengthof(codecs); i++)
			{
				if (token_is(token, stop - token, codecs[i]->content_encoding))
					return codecs[i];
			}
			return NULL;
		}
		if (end < encoding)
			return NULL;
	}
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
	char		joined[2 * CODEC_MAX_MAGIC + STREAM_PADDING];

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

/*
 * The codec that knows the bytes, or NULL; if several do, preferred is the one
 * if it is among them.
 */
static const Codec *
codec_by_content(const char *data, Size len, const Codec *preferred)
{
	if (len == 0)
		return NULL;
	if (preferred && preferred->match(data, len) == MATCH_YES)
		return preferred;
	for (int i = 0; i < (int) lengthof(codecs); i++)
	{
		if (codecs[i]->match(data, len) == MATCH_YES)
			return codecs[i];
	}
	return NULL;
}

bool
codec_recognizes(const char *data, Size len)
{
	return codec_by_content(data, len, NULL) != NULL;
}

ByteSource *
codec_open_source(ByteSource *source, Compression compression,
				  const CodecHints *hints)
{
	const Codec *named;
	const Codec *codec;
	PeekedSource *peeked;

	if (compression != COMPRESSION_AUTO)
	{
		codec = codec_lookup(compression);
		return codec ? codec->open_source(source) : source;
	}

	peeked = peek(source, CODEC_MAX_MAGIC);
	if (peeked->len == 0)
		return &peeked->base;

	named = hints && hints->key ? codec_by_suffix(hints->key) : NULL;
	codec = codec_by_content(peeked->data, peeked->len, named);

	/* What calls itself compressed and is not is an error, which codecs report. */
	if (codec == NULL)
		codec = named;
	if (codec == NULL && hints && hints->content_encoding)
	{
		const char *encoding = hints->content_encoding(hints->arg);

		if (encoding)
			codec = codec_by_encoding(encoding);
	}
	return codec ? codec->open_source(&peeked->base) : &peeked->base;
}
