/*-------------------------------------------------------------------------
 *
 * codec_stream.c
 *		What the codecs have in common: sources made of frames, and sinks.
 *
 * A decoder looks for the first bytes of a frame itself, so that what is no
 * frame is reported alike by all codecs and independent of how the source is
 * cut into pieces.  A file that ends within a frame is an error, and so is
 * anything behind one that is neither a frame nor the padding a codec allows.
 *
 * Above and below are byte streams; beside are the codecs (codec_stream.h).
 *
 * IDENTIFICATION
 *		src/format/codec_stream.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/codec_stream.h"
#include "miscadmin.h"

/* ---------------------------------------------------------------------- reports */

void
codec_unsupported(const Codec *codec)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("compression method %s is not supported by this build", codec->name)));
}

void
codec_out_of_memory(const Codec *codec)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory"),
			 errdetail("Failed to allocate memory for %s.", codec->name)));
}

void
codec_corrupt(const Codec *codec, const char *library, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
			 errmsg("%s data is corrupt", codec->name),
			 reason ? errdetail("%s reports: %s.", library, reason) : 0));
}

void
codec_write_failed(const Codec *codec, const char *library, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_INTERNAL_ERROR),
			 errmsg("could not compress data"),
			 reason ? errdetail("%s reports: %s.", library, reason) : 0));
}

static void
ends_unexpectedly(const Codec *codec)
{
	ereport(ERROR,
			(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
			 errmsg("%s data ends unexpectedly", codec->name)));
}

/* The bytes here are no frame. */
static void
no_frame(Decoder *self)
{
	const Codec *codec = self->ops->codec;

	if (!self->any_frame)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("data is not in %s format", codec->name),
				 errhint("If it is plain text, set the option \"compression\" to \"none\".")));
	ereport(ERROR,
			(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
			 errmsg("%s data is followed by something else", codec->name),
			 self->ops->padding == PADDING_NONE ?
			 errdetail("Only further %s data may follow.", codec->name) :
			 self->ops->padding == PADDING_TO_END ?
			 errdetail("Only further %s members or zero bytes may follow.", codec->name) :
			 errdetail("Only further %s streams or zero bytes in fours may follow.", codec->name)));
}

CodecMatch
codec_match_bytes(const char *data, Size len, const char *magic, Size magic_len)
{
	if (memcmp(data, magic, Min(len, magic_len)) != 0)
		return MATCH_NO;
	return len < magic_len ? MATCH_PARTIAL : MATCH_YES;
}

/* ---------------------------------------------------------------------- sources */

/* The source below has no more. */
static void
decoder_end(Decoder *self)
{
	if (self->state == DECODER_FRAME || self->head_len > 0 ||
		(self->ops->padding == PADDING_QUADS && self->padding % 4 != 0))
		ends_unexpectedly(self->ops->codec);
	self->state = DECODER_END;
}

/*
 * Pass over padding and find the first bytes of a frame, of input that is not
 * empty.  Returns false if more bytes must be seen first; else they are in
 * head, or still in input if they came in one piece.
 */
static bool
decoder_between(Decoder *self)
{
	const Codec *codec = self->ops->codec;
	CodecMatch	match;

	if (self->any_frame && self->ops->padding != PADDING_NONE && self->head_len == 0)
	{
		while (self->input_len > 0 && *self->input == '\0')
		{
			self->state = DECODER_PADDING;
			self->padding++;
			self->input++;
			self->input_len--;
		}
		if (self->input_len == 0)
			return false;
		if (self->ops->padding == PADDING_TO_END ? self->padding > 0 : self->padding % 4 != 0)
			no_frame(self);
	}

	if (self->head_len == 0)
		match = codec->match(self->input, Min(self->input_len, CODEC_MAX_MAGIC));
	else
		match = MATCH_PARTIAL;
	while (match == MATCH_PARTIAL)
	{
		if (self->input_len == 0)
			return false;
		Assert(self->head_len < CODEC_MAX_MAGIC);
		self->head[self->head_len++] = *self->input++;
		self->input_len--;
		match = codec->match(self->head, self->head_len);
	}
	if (match == MATCH_NO)
		no_frame(self);

	self->padding = 0;
	self->ops->begin(self);
	self->state = DECODER_FRAME;
	return true;
}

static bool
decoder_next(ByteSource *base, const char **data, Size *len)
{
	Decoder    *self = (Decoder *) base;
	char	   *out = self->output;

	if (self->state == DECODER_END)
		return false;

	/* A small piece gives a small piece, so that nothing is held back. */
	while (out == self->output)
	{
		bool		from_head;
		const char *start;
		const char *in;
		const char *in_end;
		bool		ended;

		CHECK_FOR_INTERRUPTS();
		from_head = self->state == DECODER_FRAME && self->head_len > 0;
		if (self->input_len == 0 && !self->output_full && !from_head)
		{
			if (!byte_source_next(self->below, &self->input, &self->input_len))
			{
				self->input_len = 0;
				decoder_end(self);
				return false;
			}
		}
		if (self->state != DECODER_FRAME)
		{
			if (!decoder_between(self))
				continue;
			from_head = self->head_len > 0;
		}

		if (from_head)
		{
			start = self->head + self->head_used;
			in_end = self->head + self->head_len;
		}
		else
		{
			start = self->input;
			in_end = start + Min(self->input_len, CODEC_INPUT_LIMIT);
		}
		in = start;
		ended = self->ops->decode(self, &in, in_end, &out, self->output + CODEC_OUTPUT_SIZE);

		/* The library must get on, or it would be asked for ever. */
		if (!ended && in == start && out == self->output && !self->output_full)
			codec_corrupt(self->ops->codec, NULL, NULL);
		self->output_full = !ended && out == self->output + CODEC_OUTPUT_SIZE;
		if (from_head)
		{
			self->head_used += in - start;
			if (self->head_used == self->head_len)
				self->head_len = self->head_used = 0;
		}
		else
		{
			self->input += in - start;
			self->input_len -= in - start;
		}
		if (ended)
		{
			/* no frame is as short as its magic number */
			Assert(self->head_len == 0);
			self->any_frame = true;
			self->state = DECODER_BETWEEN;
		}
	}

	*data = self->output;
	*len = out - self->output;
	return true;
}

static void
decoder_cleanup(void *arg)
{
	Decoder    *self = (Decoder *) arg;

	self->ops->release(self);
}

static void
decoder_close(ByteSource *base)
{
	Decoder    *self = (Decoder *) base;

	self->ops->release(self);
	self->state = DECODER_END;
}

static const ByteSourceOps decoder_source_ops = {
	.next = decoder_next,
	.close = decoder_close
};

Decoder *
decoder_create(const DecoderOps *ops, ByteSource *below)
{
	Decoder    *self = palloc0(ops->size);

	self->base.ops = &decoder_source_ops;
	self->ops = ops;
	self->below = below;
	self->output = palloc(CODEC_OUTPUT_SIZE + STREAM_PADDING);
	self->cleanup.func = decoder_cleanup;
	self->cleanup.arg = self;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &self->cleanup);
	return self;
}

/* ---------------------------------------------------------------------- sinks */

static void
encoder_flush(Encoder *self)
{
	Size		len = self->output_len;

	/* The buffer must be free again should the sink below throw. */
	self->output_len = 0;
	if (len > 0)
		byte_sink_write(self->below, self->output, len);
}

static void
encoder_run(Encoder *self, const char *data, Size len, bool finish)
{
	const char *end = data + len;

	for (;;)
	{
		char	   *out;
		bool		complete;

		CHECK_FOR_INTERRUPTS();
		if (self->output_size - self->output_len < self->min_room)
			encoder_flush(self);
		out = self->output + self->output_len;
		complete = self->ops->encode(self, &data, data + Min((Size) (end - data), CODEC_OUTPUT_SIZE),
									 &out, self->output + self->output_size, finish);
		self->output_len = out - self->output;
		if (finish ? complete : data == end)
			return;
	}
}

static void
encoder_write(ByteSink *base, const char *data, Size len)
{
	Encoder    *self = (Encoder *) base;

	if (len > 0)
		encoder_run(self, data, len, false);
}

static void
encoder_finish(ByteSink *base)
{
	Encoder    *self = (Encoder *) base;

	encoder_run(self, "", 0, true);
	encoder_flush(self);
	byte_sink_finish(self->below);
}

static void
encoder_cleanup(void *arg)
{
	Encoder    *self = (Encoder *) arg;

	self->ops->release(self);
}

static void
encoder_close(ByteSink *base)
{
	Encoder    *self = (Encoder *) base;

	self->ops->release(self);
}

static const ByteSinkOps encoder_sink_ops = {
	.write = encoder_write,
	.finish = encoder_finish,
	.close = encoder_close
};

Encoder *
encoder_create(const EncoderOps *ops, ByteSink *below, Size min_room)
{
	Encoder    *self = palloc0(ops->size);

	self->base.ops = &encoder_sink_ops;
	self->ops = ops;
	self->below = below;
	self->min_room = min_room;
	self->output_size = Max(CODEC_OUTPUT_SIZE, 2 * min_room);
	self->output = palloc(self->output_size + STREAM_PADDING);
	self->cleanup.func = encoder_cleanup;
	self->cleanup.arg = self;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &self->cleanup);
	return self;
}
