/*-------------------------------------------------------------------------
 *
 * codec_gzip_isal.c
 *		Inflating and deflating with Intel's ISA-L.
 *
 * Above: codec_gzip.c.  ISA-L allocates nothing itself.  Inflating, it reads eight bytes ahead into that struct, and so may have taken
 * bytes behind the data, which may have come with an earlier piece of input:
 * inflater_unread() gives them back.
 *
 * IDENTIFICATION
 *		src/format/codec_gzip_isal.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#ifdef S3_HAVE_ISAL

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include "format/codec_gzip.h"

struct Inflater
{
	struct inflate_state state;
};

const char *
inflater_library(void)
{
	return "ISA-L";
}

Inflater *
inflater_create(void)
{
	Inflater   *self = malloc(sizeof(Inflater));

	if (self)
		inflater_reset(self);
	return self;
}

void
inflater_free(Inflater *self)
{
	free(self);
}

void
inflater_reset(Inflater *self)
{
	isal_inflate_init(&self->state);
	self->state.crc_flag = ISAL_DEFLATE;
}

/* In words, what the library holds against the data. */
static const char *
describe(int rc)
{
	switch (rc)
	{
		case ISAL_INVALID_BLOCK:
			return "invalid block";
		case ISAL_INVALID_SYMBOL:
			return "invalid code";
		case ISAL_INVALID_LOOKBACK:
			return "invalid distance";
		default:
			return NULL;
	}
}

InflateStatus
inflater_run(Inflater *self, const char **in, const char *in_end,
			 char **out, char *out_end, const char **reason)
{
	struct inflate_state *state = &self->state;
	int			rc;

	*reason = NULL;
	state->next_in = (uint8_t *) *in;
	state->avail_in = (uint32_t) (in_end - *in);
	state->next_out = (uint8_t *) *out;
	state->avail_out = (uint32_t) (out_end - *out);
	rc = isal_inflate(state);
	*in = (const char *) state->next_in;
	*out = (char *) state->next_out;
	if (rc != ISAL_DECOMP_OK)
	{
		*reason = describe(rc);
		return INFLATE_CORRUPT;
	}
	return state->block_state == ISAL_BLOCK_FINISH ? INFLATE_END : INFLATE_OK;
}

int
inflater_unread(Inflater *self, char *bytes)
{
	struct inflate_state *state = &self->state;
	int			n = state->read_in_length / 8;
	uint64		bits = state->read_in >> (state->read_in_length % 8);

	Assert(n >= 0 && n <= INFLATER_MAX_UNREAD);
	for (int i = 0; i < n; i++)
	{
		bytes[i] = (char) bits;
		bits >>= 8;
	}
	return n;
}

uint32
inflater_crc32(uint32 crc, const char *data, Size len)
{
	return crc32_gzip_refl(crc, (const unsigned char *) data, len);
}

/* The smallest files: smaller than zlib's at level 4, in less time. */
#define DEFLATE_LEVEL 3

/*
 * What ISA-L makes depends on how much it is given at a time, which is therefore
 * always the same.
 */
#define DEFLATE_INPUT (64 * 1024)

struct Deflater
{
	struct isal_zstream stream;
	bool		full;			/* all of input is the library's */
	Size		input_len;
	char		input[DEFLATE_INPUT];
	uint8_t		level_buf[ISAL_DEF_LVL3_DEFAULT];
};

StaticAssertDecl(sizeof(Deflater) <= DEFLATER_MEMORY, "a deflater takes more than is said");

/* The header has no name and no time, so that equal data gives equal files. */
Deflater *
deflater_create(void)
{
	Deflater   *self = malloc(sizeof(Deflater));

	if (self == NULL)
		return NULL;
	self->full = false;
	self->input_len = 0;
	isal_deflate_init(&self->stream);
	self->stream.level = DEFLATE_LEVEL;
	self->stream.level_buf = self->level_buf;
	self->stream.level_buf_size = sizeof(self->level_buf);
	self->stream.gzip_flag = IGZIP_GZIP;
	self->stream.flush = NO_FLUSH;
	return self;
}

void
deflater_free(Deflater *self)
{
	free(self);
}

bool
deflater_run(Deflater *self, const char **in, const char *in_end,
			 char **out, char *out_end, bool finish, bool *ended)
{
	struct isal_zstream *stream = &self->stream;
	Size		room = DEFLATE_INPUT - self->input_len;
	Size		n = Min(room, (Size) (in_end - *in));

	if (!self->full)
	{
		memcpy(self->input + self->input_len, *in, n);
		self->input_len += n;
		*in += n;
		*ended = false;
		if (self->input_len < DEFLATE_INPUT && !finish)
			return true;
		self->full = true;
		stream->next_in = (uint8_t *) self->input;
		stream->avail_in = (uint32_t) self->input_len;
	}
	stream->next_out = (uint8_t *) *out;
	stream->avail_out = (uint32_t) (out_end - *out);
	stream->end_of_stream = finish;
	if (isal_deflate(stream) != COMP_OK)
		return false;
	*out = (char *) stream->next_out;
	*ended = finish && stream->internal_state.state == ZSTATE_END;
	if (stream->avail_in == 0 && stream->avail_out > 0 && !finish)
	{
		self->full = false;
		self->input_len = 0;
	}
	return true;
}

#endif							/* S3_HAVE_ISAL */
