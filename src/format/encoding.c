/*-------------------------------------------------------------------------
 *
 * encoding.c
 *		Bytes in a file's encoding to verified text in the server encoding.
 *
 * As COPY FROM does it.  If no conversion is needed, pieces of the source are
 * verified and handed on in place, in slices small enough to be still in the
 * processor's cache when the reader above comes to them.  Otherwise the bytes
 * are converted into a buffer.
 *
 * A character may be cut by the end of a piece.  Its bytes wait in a small
 * buffer, are joined with the first ones of the next piece, and are handed on
 * from there, so that the pieces themselves are never copied.
 *
 * If faults are to be replaced, a loop of its own takes both ways: it is slower
 * only where there are some.
 *
 * UTF-16, which the server does not know, is made UTF-8 first.  A byte order
 * mark is text like any other, as for COPY, but for encodings of our own.
 *
 * IDENTIFICATION
 *		src/format/encoding.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/option.h"
#include "catalog/namespace.h"
#include "format/encoding.h"
#include "format/utf16.h"
#include "format/scan.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

/* How much is verified, and handed on, at once. */
#define SLICE_SIZE (128 * 1024)

/* How much goes to the encoding's own function at once. */
#define STEP_SIZE 1024

/* How much converted text is handed on at once, at most. */
#define CONVERTED_SIZE (64 * 1024)

/*
 * The join buffer: an incomplete character, and as much of the next piece as
 * must complete it.  No encoding needs more than MAX_CONVERSION_INPUT_LENGTH
 * bytes to make progress.
 */
#define JOIN_SIZE (2 * MAX_CONVERSION_INPUT_LENGTH)

typedef struct TextSource
{
	ByteSource	base;

	/* set at creation, then constant */
	ByteSource *source;			/* borrowed */
	ByteSource *utf16;			/* owned, and the source then; or NULL */
	int			encoding;		/* of the bytes, to be verified or converted */
	Oid			conversion;		/* InvalidOid: only verify */
	Size		max_char_len;	/* this many bytes hold a whole character */

	/* what is left of the source's piece */
	const char *piece;			/* borrowed */
	Size		len;
	bool		eof;

	/* bytes from former pieces, that begin with an incomplete character */
	char		join[JOIN_SIZE + STREAM_PADDING];
	Size		join_len;

	/* how much of a byte order mark has been seen; -1: none is awaited */
	int			mark_len;

	char	   *converted;		/* owned; NULL if only verifying */

	/* what is no text is replaced */
	TextRepairs *repairs;		/* borrowed; NULL: it is an error */
	char		replacement[MAX_MULTIBYTE_CHAR_LEN + 1];
	MemoryContext cxt;			/* of the repairs */
	uint64		yielded;		/* bytes */
	char		out[JOIN_SIZE + STREAM_PADDING];	/* from the join buffer */
} TextSource;

/*
 * Drop a byte order mark, or what there is of it, from the beginning of the
 * piece.  If it turns out to be none, what was dropped of it is an incomplete
 * character like others.
 */
static void
skip_mark(TextSource *ts)
{
	static const char mark[] = "\xef\xbb\xbf";
	const int	size = sizeof(mark) - 1;

	while (ts->len > 0 && ts->mark_len < size && *ts->piece == mark[ts->mark_len])
	{
		ts->piece++;
		ts->len--;
		ts->mark_len++;
	}
	if (ts->mark_len == size)
		ts->mark_len = -1;
	else if (ts->len > 0 || ts->eof)
	{
		memcpy(ts->join, mark, ts->mark_len);
		ts->join_len = ts->mark_len;
		ts->mark_len = -1;
	}
}

/* Make more bytes available; false at the end of the source. */
static bool
next_piece(TextSource *ts)
{
	Assert(ts->len == 0);
	while (!ts->eof && ts->len == 0)
	{
		if (!byte_source_next(ts->source, &ts->piece, &ts->len))
		{
			ts->eof = true;
			ts->len = 0;
		}
		if (ts->mark_len >= 0)
			skip_mark(ts);
	}
	return !ts->eof;
}

/* Keep the rest of the piece, which is less than a whole character. */
static void
keep_rest(TextSource *ts)
{
	Assert(ts->join_len + ts->len < JOIN_SIZE);
	memcpy(ts->join + ts->join_len, ts->piece, ts->len);
	ts->join_len += ts->len;
	ts->len = 0;
}

/*
 * Verify the character in the join buffer, with the bytes that it needs of the
 * piece.  Returns its length, or 0 if more bytes are needed, in which case the
 * whole piece is in the join buffer.
 */
static Size
verify_joined(TextSource *ts)
{
	while (ts->len > 0)
	{
		ts->join[ts->join_len++] = *ts->piece++;
		ts->len--;
		if (pg_encoding_verifymbstr(ts->encoding, ts->join, ts->join_len) > 0)
			return ts->join_len;
		if (ts->join_len >= ts->max_char_len)
			report_invalid_encoding(ts->encoding, ts->join, ts->join_len);
	}
	return 0;
}

/*
 * How many of the first bytes are whole, valid characters.  Most text is ASCII,
 * which is valid in all encodings of a database and found so much faster than
 * the encoding's own function is.
 */
static Size
valid_length(int encoding, const char *text, Size len)
{
	Size		done = 0;

	while (done < len)
	{
		Size		n;
		Size		valid;

		done += scan_ascii(text + done, len - done);
		n = Min(len - done, STEP_SIZE);
		if (n == 0)
			break;
		valid = pg_encoding_verifymbstr(encoding, text + done, (int) n);
		if (valid == 0)
			break;
		done += valid;
	}
	return done;
}

static bool
verify_next(ByteSource *self, const char **data, Size *len)
{
	TextSource *ts = (TextSource *) self;

	for (;;)
	{
		Size		n;

		if (ts->len == 0 && !next_piece(ts))
		{
			if (ts->join_len > 0)
				report_invalid_encoding(ts->encoding, ts->join, ts->join_len);
			return false;
		}

		if (ts->join_len > 0)
		{
			n = verify_joined(ts);
			if (n == 0)
				continue;
			*data = ts->join;
			*len = n;
			ts->join_len = 0;
			return true;
		}

		n = valid_length(ts->encoding, ts->piece, Min(ts->len, SLICE_SIZE));
		if (n > 0)
		{
			*data = ts->piece;
			*len = n;
			ts->piece += n;
			ts->len -= n;
			return true;
		}
		if (ts->len >= ts->max_char_len)
			report_invalid_encoding(ts->encoding, ts->piece,
									(int) Min(ts->len, SLICE_SIZE));
		keep_rest(ts);
	}
}

/*
 * Convert as much as possible of bytes; returns the number of bytes used, 0
 * if they begin with an invalid or incomplete character.
 */
static Size
convert(TextSource *ts, const char *bytes, Size len, bool no_error)
{
	return pg_do_encoding_conversion_buf(ts->conversion, ts->encoding,
										 GetDatabaseEncoding(),
										 (unsigned char *) unconstify(char *, bytes),
										 (int) Min(len, CONVERTED_SIZE),
										 (unsigned char *) ts->converted,
										 CONVERTED_SIZE + 1, no_error);
}

/* Let the conversion report what it stumbled over: it knows best. */
static void
report_conversion(TextSource *ts, const char *bytes, Size len)
{
	(void) convert(ts, bytes, len, false);
	elog(ERROR, "encoding conversion failed without error");
}

static bool
convert_next(ByteSource *self, const char **data, Size *len)
{
	TextSource *ts = (TextSource *) self;

	for (;;)
	{
		Size		n;

		if (ts->len == 0 && !next_piece(ts))
		{
			if (ts->join_len == 0)
				return false;
			n = convert(ts, ts->join, ts->join_len, true);
			if (n == 0)
				report_conversion(ts, ts->join, ts->join_len);
			memmove(ts->join, ts->join + n, ts->join_len - n);
			ts->join_len -= n;
		}
		else if (ts->join_len > 0)
		{
			Size		added = Min(ts->len, JOIN_SIZE - ts->join_len);

			memcpy(ts->join + ts->join_len, ts->piece, added);
			n = convert(ts, ts->join, ts->join_len + added, true);
			if (n >= ts->join_len)
			{
				/* the kept bytes are done with, go on in the piece */
				ts->piece += n - ts->join_len;
				ts->len -= n - ts->join_len;
				ts->join_len = 0;
			}
			else if (n > 0)
			{
				memmove(ts->join, ts->join + n, ts->join_len - n);
				ts->join_len -= n;
			}
			else
			{
				if (ts->join_len + added >= MAX_CONVERSION_INPUT_LENGTH)
					report_conversion(ts, ts->join, ts->join_len + added);
				keep_rest(ts);
				continue;
			}
		}
		else
		{
			n = convert(ts, ts->piece, ts->len, true);
			if (n == 0)
			{
				if (ts->len >= MAX_CONVERSION_INPUT_LENGTH)
					report_conversion(ts, ts->piece, ts->len);
				keep_rest(ts);
				continue;
			}
			ts->piece += n;
			ts->len -= n;
		}

		/* A conversion may give nothing for some bytes. */
		*data = ts->converted;
		*len = strlen(ts->converted);
		if (*len > 0)
			return true;
	}
}

/* ---- Replacing ---- */

static void
add_repair(TextSource *ts)
{
	TextRepairs *repairs = ts->repairs;

	if (repairs->first == repairs->n)
		repairs->first = repairs->n = 0;
	if (repairs->n == repairs->max)
	{
		repairs->max = Max(64, repairs->max * 2);
		repairs->offsets = repairs->offsets ?
			repalloc_huge(repairs->offsets, repairs->max * sizeof(uint64)) :
			MemoryContextAlloc(ts->cxt, repairs->max * sizeof(uint64));
	}
	repairs->offsets[repairs->n++] = ts->yielded;
}

int
text_repairs_take(TextRepairs *repairs, uint64 before)
{
	int			first = repairs->first;

	while (repairs->first < repairs->n && repairs->offsets[repairs->first] < before)
		repairs->first++;
	return repairs->first - first;
}

/*
 * Make text of the first bytes; returns how many were used, 0 if more are
 * needed to tell.
 */
static Size
take_text(TextSource *ts, const char *bytes, Size len, bool last, const char **data, Size *out_len)
{
	Size		needed = ts->converted ? MAX_CONVERSION_INPUT_LENGTH : ts->max_char_len;
	Size		n;

	if (ts->converted)
	{
		n = convert(ts, bytes, len, true);
		*data = ts->converted;
		*out_len = n > 0 ? strlen(ts->converted) : 0;
	}
	else
	{
		n = valid_length(ts->encoding, bytes, Min(len, SLICE_SIZE));
		*data = bytes;
		*out_len = n;
	}
	if (n > 0 || (len < needed && !last))
		return n;

	add_repair(ts);
	*data = ts->replacement;
	*out_len = strlen(*data);
	return 1;
}

/* Hand it out from memory that has padding, and that nothing moves. */
static void
keep_out(TextSource *ts, const char **data, Size len)
{
	memcpy(ts->out, *data, Min(len, JOIN_SIZE));
	*data = ts->out;
}

static bool
replace_next(ByteSource *self, const char **data, Size *len)
{
	TextSource *ts = (TextSource *) self;

	for (;;)
	{
		bool		last = ts->len == 0 && !next_piece(ts);
		Size		n;

		if (last && ts->join_len == 0)
			return false;
		if (ts->join_len > 0)
		{
			Size		added = Min(ts->len, JOIN_SIZE - ts->join_len);

			memcpy(ts->join + ts->join_len, ts->piece, added);
			n = take_text(ts, ts->join, ts->join_len + added, last, data, len);
			if (*data != ts->converted)
				keep_out(ts, data, *len);
			if (n >= ts->join_len)
			{
				ts->piece += n - ts->join_len;
				ts->len -= n - ts->join_len;
				ts->join_len = 0;
			}
			else
			{
				memmove(ts->join, ts->join + n, ts->join_len - n);
				ts->join_len -= n;
			}
		}
		else
		{
			n = take_text(ts, ts->piece, ts->len, false, data, len);
			if (n == 1 && *data != ts->piece && *data != ts->converted)
				keep_out(ts, data, *len);
			ts->piece += n;
			ts->len -= n;
		}
		if (n == 0)
			keep_rest(ts);
		else if (*len > 0)
		{
			ts->yielded += *len;
			return true;
		}
	}
}

/* Bytes as they are, but for a byte order mark. */
static bool
pass_next(ByteSource *self, const char **data, Size *len)
{
	TextSource *ts = (TextSource *) self;

	if (ts->len == 0 && !next_piece(ts) && ts->join_len == 0)
		return false;
	if (ts->join_len > 0)
	{
		/* the beginning of what is no mark after all */
		*data = ts->join;
		*len = ts->join_len;
		ts->join_len = 0;
		return true;
	}
	*data = ts->piece;
	*len = ts->len;
	ts->len = 0;
	return true;
}

static void
text_source_close(ByteSource *self)
{
	TextSource *ts = (TextSource *) self;

	if (ts->utf16)
		byte_source_close(ts->utf16);
	if (ts->converted)
		pfree(ts->converted);
	pfree(ts);
}

static const ByteSourceOps verify_ops = {
	.next = verify_next,
	.close = text_source_close
};

static const ByteSourceOps convert_ops = {
	.next = convert_next,
	.close = text_source_close
};

static const ByteSourceOps replace_ops = {
	.next = replace_next,
	.close = text_source_close
};

static const ByteSourceOps pass_ops = {
	.next = pass_next,
	.close = text_source_close
};

ByteSource *
text_source_create_redshift(ByteSource *source, int encoding, bool at_beginning,
							char replacement, TextRepairs *repairs)
{
	TextSource *ts;

	if (encoding >= S3_ENCODING_UTF16)
		return text_source_create(source, encoding, at_beginning);
	if (GetDatabaseEncoding() == PG_UTF8 &&
		(encoding < 0 || encoding == PG_UTF8 || encoding == PG_SQL_ASCII ||
		 encoding == S3_ENCODING_UTF8_BOM))
	{
		ts = (TextSource *) text_source_create(source, encoding, at_beginning);
		ts->base.ops = &pass_ops;
	}
	else if (replacement == '\0')
		ts = (TextSource *) text_source_create(source, encoding, at_beginning);
	else
	{
		ts = (TextSource *) text_source_create_replacing(source, encoding, at_beginning, repairs);
		ts->replacement[0] = replacement;
		ts->replacement[1] = '\0';
	}
	return &ts->base;
}

ByteSource *
text_source_create_replacing(ByteSource *source, int encoding, bool at_beginning,
							 TextRepairs *repairs)
{
	TextSource *ts = (TextSource *) text_source_create(source, encoding, at_beginning);

	Assert(encoding < S3_ENCODING_UTF16);
	ts->base.ops = &replace_ops;
	ts->repairs = repairs;
	ts->cxt = CurrentMemoryContext;
	strcpy(ts->replacement, GetDatabaseEncoding() == PG_UTF8 ? "\xef\xbf\xbd" : "?");
	return &ts->base;
}

ByteSource *
text_source_create(ByteSource *source, int encoding, bool at_beginning)
{
	TextSource *ts;
	ByteSource *utf16 = NULL;
	int			server_encoding = GetDatabaseEncoding();

	if (encoding >= S3_ENCODING_UTF16)
	{
		utf16 = utf16_source_create(source, encoding, at_beginning);
		if (server_encoding == PG_UTF8 || server_encoding == PG_SQL_ASCII)
			return utf16;
		source = utf16;
		encoding = PG_UTF8;
	}

	ts = palloc0(sizeof(TextSource));

	ts->base.ops = &verify_ops;
	ts->source = source;
	ts->utf16 = utf16;
	ts->mark_len = -1;
	if (encoding == S3_ENCODING_UTF8_BOM)
	{
		encoding = PG_UTF8;
		if (at_beginning)
			ts->mark_len = 0;
	}

	/*
	 * SQL_ASCII means that the encoding is not known.  Bytes that go into a
	 * database with a real one must be valid in it all the same.
	 */
	ts->encoding = encoding < 0 || encoding == PG_SQL_ASCII ? server_encoding : encoding;
	ts->max_char_len = pg_encoding_max_length(ts->encoding);
	if (ts->encoding != server_encoding && server_encoding != PG_SQL_ASCII)
	{
		ts->conversion = FindDefaultConversionProc(ts->encoding, server_encoding);
		if (!OidIsValid(ts->conversion))
			ereport(ERROR,
					errcode(ERRCODE_UNDEFINED_FUNCTION),
					errmsg("default conversion function for encoding \"%s\" to \"%s\" does not exist",
						   pg_encoding_to_char(ts->encoding),
						   pg_encoding_to_char(server_encoding)));
		ts->base.ops = &convert_ops;
		ts->converted = palloc(CONVERTED_SIZE + 1 + STREAM_PADDING);
	}
	return &ts->base;
}

bool
text_encoding_is_ascii_safe(int encoding)
{
	if (encoding < 0 || encoding == S3_ENCODING_UTF8_BOM)
		return true;

	/* those that a database cannot have are those that are not safe */
	return PG_VALID_BE_ENCODING(encoding);
}

Size
text_valid_length(const char *data, Size len)
{
	Size		valid = 0;

	while (valid < len)
	{
		int			n = (int) Min(len - valid, (Size) MaxAllocSize);
		int			good = pg_encoding_verifymbstr(GetDatabaseEncoding(), data + valid, n);

		valid += good;
		if (good < n)
			break;
	}
	return valid;
}

const char *
text_printable(const char *data, Size len)
{
	char	   *copy;
	Size		pos = data ? text_valid_length(data, len) : len;

	if (pos == len)
		return data;
	copy = palloc_extended(len + 1, MCXT_ALLOC_HUGE);
	memcpy(copy, data, len);
	copy[len] = '\0';
	for (; pos < len; pos += text_valid_length(copy + pos, len - pos))
		copy[pos++] = '?';
	return copy;
}
