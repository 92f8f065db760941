/*-------------------------------------------------------------------------
 *
 * utf16.c
 *		UTF-16 of either byte order to UTF-8.
 *
 * The server knows no UTF-16, which has bytes of zero within characters.
 * encoding.c, which puts this below its own source, converts further if the
 * database is not in UTF-8.
 *
 * Code units are read one by one; a unit or a pair of surrogates may be cut by
 * the end of a piece.  Runs of ASCII, which most files consist of, go by four
 * units at a time.
 *
 * IDENTIFICATION
 *		src/format/utf16.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/option.h"
#include "format/utf16.h"

/* How much text is handed on at once, at most. */
#define OUT_SIZE (64 * 1024)

/* The longest character. */
#define MAX_CHAR 4

/* Code units that go together if all are ASCII. */
#define RUN_UNITS 4

#define BYTE_ORDER_MARK 0xfeff
#define SWAPPED_MARK 0xfffe

typedef struct Utf16Source
{
	ByteSource	base;

	/* set at creation */
	ByteSource *source;			/* borrowed */
	int			encoding;		/* S3_ENCODING_...; for messages */

	/* what the byte order mark may still change */
	bool		at_beginning;	/* a byte order mark may come */
	int			high;			/* which byte of a unit is the high one */
	uint64		not_ascii;		/* bits that no unit of a run may have */

	/* what is left of the source's piece */
	const unsigned char *piece; /* borrowed */
	Size		len;
	bool		eof;

	/* from former pieces */
	bool		has_byte;		/* the first byte of a unit */
	unsigned char byte;
	uint32		surrogate;		/* the first one of a pair; 0: none */

	/* a fault, to be reported when out has been handed on */
	uint32		bad[2];
	int			nbad;			/* code units */
	bool		bad_order;		/* a byte order mark of the other order */

	Size		out_len;
	char		out[OUT_SIZE + STREAM_PADDING];
} Utf16Source;

static void
set_byte_order(Utf16Source *us, bool big_endian)
{
	unsigned char bits[sizeof(uint64)];

	us->high = big_endian ? 0 : 1;
	for (int i = 0; i < (int) sizeof(bits); i++)
		bits[i] = i % 2 == us->high ? 0xff : 0x80;
	memcpy(&us->not_ascii, bits, sizeof(bits));
}

static const char *
encoding_name(const Utf16Source *us)
{
	switch (us->encoding)
	{
		case S3_ENCODING_UTF16LE:
			return "UTF-16LE";
		case S3_ENCODING_UTF16BE:
			return "UTF-16BE";
		default:
			return "UTF-16";
	}
}

/* Report the fault that was found. */
static void
report_fault(const Utf16Source *us)
{
	char		bytes[32];
	int			n = 0;

	if (us->bad_order)
		ereport(ERROR,
				errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				errmsg("byte order mark does not fit encoding \"%s\"", encoding_name(us)));

	bytes[0] = '\0';
	for (int i = 0; i < us->nbad; i++)
	{
		int			low = us->bad[i] & 0xff;
		int			high = us->bad[i] >> 8;

		n += snprintf(bytes + n, sizeof(bytes) - n, "%s0x%02x 0x%02x", i > 0 ? " " : "",
					  us->high == 0 ? high : low, us->high == 0 ? low : high);
	}
	if (us->has_byte)
		snprintf(bytes + n, sizeof(bytes) - n, "%s0x%02x", n > 0 ? " " : "", us->byte);
	ereport(ERROR,
			errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
			errmsg("invalid byte sequence for encoding \"%s\": %s", encoding_name(us), bytes));
}

/* Append a character that is no surrogate. */
static inline void
put_char(Utf16Source *us, uint32 c)
{
	char	   *out = us->out + us->out_len;

	if (c < 0x80)
	{
		*out = (char) c;
		us->out_len += 1;
	}
	else if (c < 0x800)
	{
		out[0] = (char) (0xc0 | c >> 6);
		out[1] = (char) (0x80 | (c & 0x3f));
		us->out_len += 2;
	}
	else if (c < 0x10000)
	{
		out[0] = (char) (0xe0 | c >> 12);
		out[1] = (char) (0x80 | (c >> 6 & 0x3f));
		out[2] = (char) (0x80 | (c & 0x3f));
		us->out_len += 3;
	}
	else
	{
		out[0] = (char) (0xf0 | c >> 18);
		out[1] = (char) (0x80 | (c >> 12 & 0x3f));
		out[2] = (char) (0x80 | (c >> 6 & 0x3f));
		out[3] = (char) (0x80 | (c & 0x3f));
		us->out_len += 4;
	}
}

/* If the first unit is a byte order mark, obey it; true if so. */
static bool
take_mark(Utf16Source *us, uint32 unit)
{
	us->at_beginning = false;
	if (unit == BYTE_ORDER_MARK)
		return true;
	if (unit != SWAPPED_MARK)
		return false;
	if (us->encoding == S3_ENCODING_UTF16)
		set_byte_order(us, us->high != 0);
	else
	{
		us->bad_order = true;
		us->nbad = 1;
	}
	return true;
}

/* Convert one code unit. */
static void
put_unit(Utf16Source *us, uint32 unit)
{
	bool		is_low = unit >= 0xdc00 && unit <= 0xdfff;

	if (us->at_beginning && take_mark(us, unit))
		return;
	if (us->surrogate != 0 || is_low || unit == 0)
	{
		if (us->surrogate != 0 && is_low)
			put_char(us, 0x10000 + ((us->surrogate - 0xd800) << 10) + (unit - 0xdc00));
		else
		{
			if (us->surrogate != 0)
				us->bad[us->nbad++] = us->surrogate;
			us->bad[us->nbad++] = unit;
		}
		us->surrogate = 0;
	}
	else if (unit >= 0xd800 && unit <= 0xdbff)
		us->surrogate = unit;
	else
		put_char(us, unit);
}

/* Convert units of ASCII characters, RUN_UNITS at a time. */
static void
put_runs(Utf16Source *us)
{
	const unsigned char *p = us->piece;
	const unsigned char *end = p + us->len;
	char	   *out = us->out + us->out_len;
	char	   *out_end = us->out + OUT_SIZE - MAX_CHAR;
	int			low = 1 - us->high;

	while (end - p >= 2 * RUN_UNITS && out_end - out >= RUN_UNITS)
	{
		uint64		units;

		memcpy(&units, p, sizeof(units));
		if (units & us->not_ascii)
			break;

		/* an ASCII unit, in either byte order, and this carry over unless 0 */
		if (((units + UINT64CONST(0x7fff7fff7fff7fff)) & UINT64CONST(0x8000800080008000)) !=
			UINT64CONST(0x8000800080008000))
			break;
		for (int i = 0; i < RUN_UNITS; i++)
			out[i] = (char) p[2 * i + low];
		out += RUN_UNITS;
		p += 2 * RUN_UNITS;
	}
	us->out_len = out - us->out;
	us->len = end - p;
	us->piece = p;
}

/* Convert what there is of the piece, as far as out has room. */
static void
convert_piece(Utf16Source *us)
{
	if (us->has_byte && us->len > 0)
	{
		us->has_byte = false;
		put_unit(us, us->high == 0 ? (uint32) us->byte << 8 | us->piece[0] :
				 (uint32) us->piece[0] << 8 | us->byte);
		us->piece++;
		us->len--;
	}
	while (us->len >= 2 && us->out_len <= OUT_SIZE - MAX_CHAR && us->nbad == 0)
	{
		if (us->surrogate == 0 && !us->at_beginning)
		{
			put_runs(us);
			if (us->len < 2 || us->out_len > OUT_SIZE - MAX_CHAR)
				break;
		}
		put_unit(us, (uint32) us->piece[us->high] << 8 | us->piece[1 - us->high]);
		us->piece += 2;
		us->len -= 2;
	}
	if (us->len == 1 && us->nbad == 0)
	{
		us->byte = *us->piece;
		us->has_byte = true;
		us->len = 0;
	}
}

static bool
utf16_next(ByteSource *self, const char **data, Size *len)
{
	Utf16Source *us = (Utf16Source *) self;

	us->out_len = 0;
	while (us->out_len == 0)
	{
		if (us->nbad > 0)
			report_fault(us);
		if (us->len == 0 && !us->eof)
		{
			const char *piece;

			us->eof = !byte_source_next(us->source, &piece, &us->len);
			if (us->eof)
				us->len = 0;
			else
				us->piece = (const unsigned char *) piece;
		}
		if (us->eof)
		{
			if (us->surrogate != 0)
				us->bad[us->nbad++] = us->surrogate;
			if (us->nbad > 0 || us->has_byte)
				report_fault(us);
			return false;
		}
		convert_piece(us);
	}
	*data = us->out;
	*len = us->out_len;
	return true;
}

static void
utf16_close(ByteSource *self)
{
	pfree(self);
}

static const ByteSourceOps utf16_ops = {
	.next = utf16_next,
	.close = utf16_close
};

ByteSource *
utf16_source_create(ByteSource *source, int encoding, bool at_beginning)
{
	Utf16Source *us = palloc0(sizeof(Utf16Source));

	us->base.ops = &utf16_ops;
	us->source = source;
	us->encoding = encoding;
	us->at_beginning = at_beginning;
	set_byte_order(us, encoding != S3_ENCODING_UTF16LE);
	return &us->base;
}
