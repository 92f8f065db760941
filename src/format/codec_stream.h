/*-------------------------------------------------------------------------
 *
 * codec_stream.h
 *		What the codecs have in common: sources made of frames, and sinks.
 *
 * Private to codec_*.c.  A compressed stream is one frame or several, one after
 * another, whose contents are joined (gzip says member, bzip2 and xz stream).
 * codec_stream.c knows pieces, buffers, where frames begin and what may follow
 * them; a codec knows the inside of one frame, and its library.
 *
 * Messages are the same for all codecs, but for the name.  Libraries must not
 * call back into anything that can throw; their memory is returned by release,
 * which is called from a reset callback too.
 *
 * IDENTIFICATION
 *		src/format/codec_stream.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_CODEC_STREAM_H
#define S3_CODEC_STREAM_H

#include "format/codec.h"
#include "utils/palloc.h"

#define CODEC_OUTPUT_SIZE	(256 * 1024)

/* The most input given to a library at once; some count in 32 bits. */
#define CODEC_INPUT_LIMIT	(256 * 1024 * 1024)

/* What may stand behind a frame that is no further frame. */
typedef enum CodecPadding
{
	PADDING_NONE,
	PADDING_TO_END,				/* zero bytes, after which nothing follows */
	PADDING_QUADS				/* zero bytes in fours, anywhere behind a frame */
} CodecPadding;

typedef struct Decoder Decoder;
typedef struct Encoder Encoder;

typedef struct DecoderOps
{
	const Codec *codec;
	Size		size;			/* of the struct that embeds the Decoder */
	CodecPadding padding;

	/* Get ready: decode will see the first byte of a frame. */
	void		(*begin) (Decoder *self);

	/*
	 * Decode from *in, which is moved on, to *out, which is moved on too.
	 * There is room, but there may be no input, if the last call left none.
	 * Returns whether the frame has ended, was complete, and has been put out
	 * in full; then *in is behind its last byte.
	 */
	bool		(*decode) (Decoder *self, const char **in, const char *in_end,
						   char **out, char *out_end);

	/* Return the library's memory.  Never throws; may be called again. */
	void		(*release) (Decoder *self);
} DecoderOps;

typedef enum DecoderState
{
	DECODER_BETWEEN,			/* before a frame */
	DECODER_FRAME,
	DECODER_PADDING,			/* zero bytes seen behind a frame */
	DECODER_END
} DecoderState;

/* The first member of each codec's decoder. */
struct Decoder
{
	ByteSource	base;
	const DecoderOps *ops;
	ByteSource *below;			/* borrowed */
	MemoryContextCallback cleanup;
	DecoderState state;
	bool		any_frame;		/* one has ended */
	bool		output_full;	/* the library may have more without input */
	Size		padding;		/* zero bytes behind the last frame */

	/* what is left of the piece of below */
	const char *input;
	Size		input_len;

	/* first bytes of a frame that came in several pieces, before input */
	char		head[CODEC_MAX_MAGIC];
	int			head_len;
	int			head_used;		/* decoded already */

	char	   *output;			/* owned */
};

typedef struct EncoderOps
{
	const Codec *codec;
	Size		size;			/* of the struct that embeds the Encoder */

	/*
	 * Encode from *in to *out, both moved on; there is room for at least
	 * min_room bytes.  With finish, which comes without input, returns whether
	 * the stream is complete.
	 */
	bool		(*encode) (Encoder *self, const char **in, const char *in_end,
						   char **out, char *out_end, bool finish);
	void		(*release) (Encoder *self);
} EncoderOps;

/* The first member of each codec's encoder. */
struct Encoder
{
	ByteSink	base;
	const EncoderOps *ops;
	ByteSink   *below;			/* borrowed */
	MemoryContextCallback cleanup;
	Size		min_room;		/* that encode needs */
	char	   *output;			/* owned */
	Size		output_size;
	Size		output_len;
};

/* Zeroed but for what is known here; release is registered. */
extern Decoder *decoder_create(const DecoderOps *ops, ByteSource *below);
extern Encoder *encoder_create(const EncoderOps *ops, ByteSink *below, Size min_room);

/* Compare with a magic number. */
extern CodecMatch codec_match_bytes(const char *data, Size len,
									const char *magic, Size magic_len);

/* Reports of what can go wrong; they do not return. */
extern void codec_unsupported(const Codec *codec);
extern void codec_out_of_memory(const Codec *codec);

/* library and reason, which may be NULL: "zlib", "invalid block type" */
extern void codec_corrupt(const Codec *codec, const char *library,
						  const char *reason);
extern void codec_write_failed(const Codec *codec, const char *library,
							   const char *reason);

#endif							/* S3_CODEC_STREAM_H */
