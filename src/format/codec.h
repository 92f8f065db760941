/*-------------------------------------------------------------------------
 *
 * codec.h
 *		Compression as a wrapper around a byte stream.
 *
 * A codec is one row in codec.c's table and one file codec_<name>.c, the only
 * one to include that library's header.  What the codecs have in common is in
 * codec_stream.h.
 *
 * A codec exists, with its name and first bytes, also where its library was
 * missing at build time; to open a stream is an error then.
 *
 * IDENTIFICATION
 *		src/format/codec.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_CODEC_H
#define S3_CODEC_H

#include "base/option.h"
#include "base/stream.h"

/* Bytes that are always enough to recognize a codec. */
#define CODEC_MAX_MAGIC 16

typedef enum CodecMatch
{
	MATCH_NO,
	MATCH_PARTIAL,				/* right so far, but more bytes are needed */
	MATCH_YES
} CodecMatch;

typedef struct Codec
{
	const char *name;			/* as in the option "compression" */
	Compression compression;
	const char *suffix;			/* of keys, with the dot */
	const char *content_encoding;	/* HTTP's name */
	Size		sink_memory;	/* that the library takes for an open sink,
								 * beside memory contexts; rounded up */

	/* Do the bytes, one at least, begin a stream of this codec? */
	CodecMatch	(*match) (const char *data, Size len);

	/*
	 * Wrap a stream.  The stream below is borrowed: it is neither closed nor
	 * finished by close, but finish of the sink is passed on.  Memory is
	 * taken from CurrentMemoryContext, and library state is freed by a reset
	 * callback on it even when close is never called.
	 */
	ByteSource *(*open_source) (ByteSource *below);
	ByteSink   *(*open_sink) (ByteSink *below);
} Codec;

/* The codec for a Compression other than AUTO; NULL for NONE. */
extern const Codec *codec_lookup(Compression compression);

/* The codec whose suffix the key ends in, or NULL. */
extern const Codec *codec_by_suffix(const char *key);

/*
 * The codec of a Content-Encoding header, or NULL.  Of a list the last counts,
 * being the outermost, apart from "identity" and "aws-chunked", which say
 * nothing about the bytes of the object.
 */
extern const Codec *codec_by_encoding(const char *encoding);

/* What else there is to know about a stream than its bytes. */
typedef struct CodecHints
{
	const char *key;			/* or NULL; borrowed */

	/*
	 * The Content-Encoding of the object, or NULL if it has none; asked for
	 * when first bytes have been read.  May be NULL.
	 */
	const char *(*content_encoding) (void *arg);
	void	   *arg;
} CodecHints;

/*
 * Wrap source according to compression; AUTO looks at the first bytes, then at
 * the suffix of the key, then at the content encoding.  The result may be
 * source itself.  An empty source stays empty.  hints may be NULL.
 */
extern ByteSource *codec_open_source(ByteSource *source, Compression compression,
									 const CodecHints *hints);

/*
 * Do the first bytes of an object, of which there may be fewer than
 * CODEC_MAX_MAGIC only if the object is so short, belong to some codec?
 */
extern bool codec_recognizes(const char *data, Size len);

/* one in each codec_<name>.c */
extern const Codec codec_gzip;	/* RFC 1952 */
extern const Codec codec_zstd;	/* RFC 8878 */
extern const Codec codec_bzip2;
extern const Codec codec_xz;
extern const Codec codec_lz4;	/* frames, not bare blocks */

#endif							/* S3_CODEC_H */
