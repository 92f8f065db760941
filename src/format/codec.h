/*-------------------------------------------------------------------------
 *
 * codec.h
 *		Compression as a wrapper around a byte stream.
 *
 * A codec is one row in codec.c's table and one file codec_<name>.c, the only
 * one to include that library's header.
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

typedef struct Codec
{
	const char *name;			/* as in the option "compression" */
	Compression compression;
	const char *suffix;			/* of keys, with the dot */
	const char *content_encoding;	/* HTTP's name */
	const char *magic;			/* first bytes of every stream */
	Size		magic_len;

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
 * Wrap source according to compression; AUTO looks at the first bytes.  The
 * result may be source itself.  An empty source stays empty.
 */
extern ByteSource *codec_open_source(ByteSource *source, Compression compression);

/* gzip (RFC 1952), in codec_gzip.c */
extern const Codec codec_gzip;

#endif							/* S3_CODEC_H */
