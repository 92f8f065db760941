/*-------------------------------------------------------------------------
 *
 * csv.c
 *		Read CSV records, exactly as COPY ... FROM (FORMAT csv).
 *
 * Text comes in pieces from a ByteSource.  A piece is classified window by
 * window into bit masks (scan.h), and records are found by walking over the set
 * bits; the masks' state is kept from one record to the next, so that no byte
 * is looked at twice.  A record inside one piece is used where it lies.  Of a
 * record that crosses pieces the bytes are collected in the carry buffer, while
 * the scan goes on in the new piece: positions in a record are counted from its
 * first byte, wherever that is.
 *
 * What COPY does, and this reader too:
 *
 *	- a quote begins or ends a quoted section anywhere in a field; the escape
 *	  counts only inside one, and only before a quote or an escape;
 *	- the first unquoted line end decides whether lines end in LF, CR or CR LF,
 *	  and any other unquoted one later is an error;
 *	- before PostgreSQL 18, a line holding only \. is the end of the file.
 *
 * Everything that the scan must know to go on at any byte is in the "state of
 * the scan" below: quote state, escape state, and the kind of line end.  A
 * reader for the middle of an object differs only in the state it starts with.
 *
 * IDENTIFICATION
 *		src/format/csv.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "format/csv.h"
#include "format/scan.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

/* The longest record: what fits in COPY's line buffer, 1 GB - 1. */
#define MAX_RECORD_LEN MaxAllocSize

/* A carry or scratch buffer larger than this is not kept for the next record. */
#define BUFFER_KEEP_MAX (16 * 1024 * 1024)

typedef enum LineEnd
{
	LINE_END_UNKNOWN,			/* no unquoted one seen yet */
	LINE_END_LF,
	LINE_END_CR,
	LINE_END_CRLF
} LineEnd;

/* How the search for the end of a record ended. */
typedef enum Found
{
	FOUND_RECORD,
	FOUND_EOF,					/* the text ended; the record may be empty */
	FOUND_MARKER,				/* a line of only \. */
	FOUND_BAD_CR,				/* a line end of the wrong kind */
	FOUND_BAD_LF,
	FOUND_BAD_MARKER,			/* \. and a line end of the wrong kind */
	FOUND_TOO_LONG
} Found;

/* Line ends of both kinds, as which of them counts may not be known yet. */
typedef struct LineCount
{
	uint64		crs;
	uint64		lfs;
} LineCount;

typedef struct CsvReader
{
	RecordReader base;

	/* set at creation, then constant */
	ByteSource *source;			/* borrowed */
	const RecordColumn *columns;	/* borrowed */
	int			ncolumns;
	int		   *needed;			/* numbers of the needed columns */
	int			nneeded;
	int			want;			/* fields up to the last needed column */
	char		delimiter,
				quote,
				escape;
	char	   *null;
	Size		null_len;
	ScanFunction scan;
	MemoryContext cxt;			/* of the reader and its buffers */
	MemoryContext error_cxt;	/* of the last error's texts */

	/* state of the scan, as of the last block taken from the masks */
	LineEnd		line_end;
	uint64		in_quotes;		/* all ones inside quotes, else 0 */
	uint64		after_cr;		/* 1 right after an unquoted CR, else 0; kept
								 * for LINE_END_CRLF only */

	/* the same, as of the end of the window; used if escape is not quote */
	bool		window_in_quotes;
	bool		window_escaped; /* the last byte was an escape in force */
	ScanMasks	masks;			/* of the window */

	/* the piece being read */
	const char *piece;			/* borrowed from source */
	Size		piece_len;
	Size		scanned;		/* end of the window in the piece */
	Size		window;			/* start of the window in the piece */
	int			nblocks;		/* in the window */
	int			block;			/* the next to take from the masks */
	LineCount	lines;			/* in the object, up to the end of the window */
	bool		eof;			/* source has no more */

	/* what is left of the block taken last */
	uint64		delimiters;		/* outside quotes */
	uint64		quotes;
	uint64		ends;			/* line ends outside quotes, right or wrong;
								 * of CR LF the second byte, or what stands in
								 * its place */

	/* the record being read, or read last */
	Size		start;			/* in the piece, of the part not carried */
	Size		next_start;		/* of the record after it */
	char	   *carry;			/* owned: its bytes from former pieces */
	Size		carry_len;
	Size		carry_size;
	bool		carried;
	LineCount	lines_before;	/* of the record, if carried */
	const char *text;			/* the record, without line end */
	Size		text_len;
	int			nfields;
	bool		quoted;			/* a quote occurs in it */
	uint32	   *field_ends;		/* owned; [i + 1] is where field i ends, and
								 * [0] is one byte before the record */

	RecordField *fields;		/* owned */
	char	   *scratch;		/* owned: fields without their quotes */
	Size		scratch_len;
	Size		scratch_size;

	HeaderLine	header;			/* still to be read, else HEADER_FALSE */
	bool		done;			/* nothing more will be returned */
} CsvReader;

/* ---- Pieces and windows ---- */

/*
 * Make room for at least need bytes, keeping the first used ones.  Never fails
 * for the sizes of valid records.
 */
static char *
buffer_reserve(CsvReader *r, char *buffer, Size *size, Size used, Size need)
{
	char	   *grown;

	if (need <= *size)
		return buffer;
	need = Max(need, *size * 2);
	need = Max(need, 1024);
	grown = MemoryContextAllocHuge(r->cxt, need);
	if (used > 0)
		memcpy(grown, buffer, used);
	if (buffer)
		pfree(buffer);
	*size = need;
	return grown;
}

static char *
buffer_free(char *buffer, Size *size)
{
	pfree(buffer);
	*size = 0;
	return NULL;
}

/* Add the record's bytes up to position end of the piece to the carry buffer. */
static void
carry_over(CsvReader *r, Size end)
{
	Size		len = end - r->start;

	r->carry = buffer_reserve(r, r->carry, &r->carry_size, r->carry_len,
							  r->carry_len + len);
	memcpy(r->carry + r->carry_len, r->piece + r->start, len);
	r->carry_len += len;
}

/* How many line ends there are before position pos of the piece. */
static LineCount
lines_before(const CsvReader *r, Size pos)
{
	LineCount	lines = r->lines;

	lines.crs -= scan_count(r->piece + pos, r->scanned - pos, '\r');
	lines.lfs -= scan_count(r->piece + pos, r->scanned - pos, '\n');
	return lines;
}

/*
 * Go to the next piece; false at the end of the object.  The record under way
 * is carried over, as the old piece is lost.
 */
static bool
next_piece(CsvReader *r)
{
	if (r->eof)
		return false;
	if (r->start < r->piece_len)
	{
		if (!r->carried)
			r->lines_before = lines_before(r, r->start);
		r->carried = true;
		carry_over(r, r->piece_len);
	}
	r->start = 0;
	r->next_start = 0;
	r->scanned = 0;
	r->window = 0;
	r->nblocks = 0;
	r->block = 0;
	r->piece_len = 0;
	CHECK_FOR_INTERRUPTS();
	if (!byte_source_next(r->source, &r->piece, &r->piece_len))
	{
		r->piece = NULL;
		r->piece_len = 0;
		r->eof = true;
		return false;
	}
	return true;
}

/*
 * Classify the next bytes, of the next piece if need be; false at the end of
 * the object.
 */
static bool
next_window(CsvReader *r)
{
	Size		len;

	if (r->scanned == r->piece_len && !next_piece(r))
		return false;
	len = Min(r->piece_len - r->scanned, SCAN_WINDOW * SCAN_BLOCK);
	r->scan(r->piece + r->scanned, len, r->delimiter, r->quote, &r->masks);
	r->window = r->scanned;
	r->scanned += len;
	r->nblocks = (len + SCAN_BLOCK - 1) / SCAN_BLOCK;
	r->block = 0;
	r->lines.crs += r->masks.crs;
	r->lines.lfs += r->masks.lfs;
	if (r->escape != r->quote)
		scan_drop_escaped(r->piece + r->window, len, r->escape, &r->masks,
						  &r->window_in_quotes, &r->window_escaped);
	return true;
}

/* Forget the masks behind position pos of the piece, which is outside quotes. */
static void
rescan_from(CsvReader *r, Size pos)
{
	r->lines = lines_before(r, pos);
	r->scanned = pos;
	r->nblocks = 0;
	r->block = 0;
	r->delimiters = 0;
	r->quotes = 0;
	r->ends = 0;
	r->in_quotes = 0;
	r->after_cr = 0;
	r->window_in_quotes = false;
	r->window_escaped = false;
}

/*
 * Take the next block from the masks: what is outside quotes in it.
 */
static inline void
next_block(CsvReader *r, uint64 *delimiters, uint64 *quotes, uint64 *ends)
{
	int			b = r->block++;
	uint64		inside = r->masks.parity[b] ^ r->in_quotes;
	uint64		crs = r->masks.cr[b] & ~inside;
	uint64		lfs = r->masks.lf[b] & ~inside;

	r->in_quotes = UINT64CONST(0) - (inside >> 63);
	*delimiters = r->masks.delimiter[b] & ~inside;
	*quotes = r->masks.quote[b];
	if (r->line_end == LINE_END_CRLF)
	{
		Size		len = r->scanned - r->window - b * SCAN_BLOCK;
		uint64		follow = crs << 1 | r->after_cr;

		if (len < SCAN_BLOCK)
		{
			follow &= (UINT64CONST(1) << len) - 1;
			r->after_cr = crs >> (len - 1);
		}
		else
			r->after_cr = crs >> 63;
		*ends = follow | lfs;
	}
	else
		*ends = crs | lfs;
}

/* ---- Records ---- */

/*
 * The bytes of the record, up to position end of the piece, are needed in one
 * place: returns where.
 */
static inline const char *
record_text(CsvReader *r, Size end)
{
	if (!r->carried)
		return r->piece + r->start;
	if (end > r->start)
	{
		carry_over(r, end);
		r->start = end;
	}
	return r->carry;
}

/* Whether text is what ends the file where COPY looks for it. */
static inline bool
is_marker(const char *text, Size len)
{
	return CSV_BACKSLASH_DOT_ENDS_FILE &&
		len == 2 && text[0] == '\\' && text[1] == '.';
}

/*
 * The first unquoted line end of the object, at position pos of the piece, is
 * the end of the record: learn from it how lines end.
 */
static void
learn_line_end(CsvReader *r, Size pos)
{
	if (r->piece[pos] == '\n')
	{
		r->line_end = LINE_END_LF;
		r->next_start = pos + 1;
	}
	else if (pos + 1 < r->piece_len)
	{
		/*
		 * LF and CR share their masks with LINE_END_UNKNOWN, but for CR LF the
		 * masks mean something else.
		 */
		r->line_end = r->piece[pos + 1] == '\n' ? LINE_END_CRLF : LINE_END_CR;
		r->next_start = pos + 1;
		if (r->line_end == LINE_END_CRLF)
			rescan_from(r, ++r->next_start);
	}
	else if (next_piece(r) && r->piece[0] == '\n')
	{
		/* next_piece() has carried the record over, and its CR with it. */
		r->line_end = LINE_END_CRLF;
		r->lines.lfs++;
		r->scanned = 1;
		r->start = r->next_start = 1;
		r->text = r->carry;
	}
	else
	{
		r->line_end = LINE_END_CR;
		r->text = r->carry;
	}
}

/*
 * What stands at position pos of the piece, len bytes behind the beginning of
 * the record, is an unquoted line end.  Check it, and finish the record.
 */
static inline Found
end_record(CsvReader *r, Size pos, Size len)
{
	char		c = r->piece[pos];

	r->text = record_text(r, pos);
	r->text_len = len;
	r->next_start = pos + 1;
	switch (r->line_end)
	{
		case LINE_END_LF:
			if (unlikely(c != '\n'))
				return is_marker(r->text, len) ? FOUND_BAD_MARKER : FOUND_BAD_CR;
			break;
		case LINE_END_CR:
			if (unlikely(c != '\r'))
				return is_marker(r->text, len) ? FOUND_BAD_MARKER : FOUND_BAD_LF;
			break;
		case LINE_END_CRLF:

			/* pos is right behind a CR, or a LF is there, or both. */
			if (unlikely(len == 0 || r->text[len - 1] != '\r'))
				return FOUND_BAD_LF;
			if (unlikely(c != '\n'))
				return c == '\r' && is_marker(r->text, len - 1) ?
					FOUND_BAD_MARKER : FOUND_BAD_CR;
			r->text_len--;
			break;
		case LINE_END_UNKNOWN:
			if (is_marker(r->text, len))
				break;
			learn_line_end(r, pos);
			break;
	}
	if (unlikely(len > MAX_RECORD_LEN))
		return FOUND_TOO_LONG;
	return is_marker(r->text, r->text_len) ? FOUND_MARKER : FOUND_RECORD;
}

/*
 * Find the end of the next record, its number of fields, and the ends of the
 * first want ones.
 */
static pg_attribute_always_inline Found
find_record(CsvReader *r, int want, const bool popcnt)
{
	uint64		delimiters = r->delimiters;
	uint64		quotes = r->quotes;
	uint64		ends = r->ends;
	uint32	   *field_ends = r->field_ends + 1;
	int			n = 0;			/* delimiters seen */
	uint64		quoted = 0;
	Size		block;			/* the current block's position in the piece */
	uint32		base;			/* the same, counted from the record's first
								 * byte, modulo 2^32 */
	uint64		below;
	Size		pos;
	Size		len;
	Found		found;

	r->start = r->next_start;
	r->carried = false;
	r->carry_len = 0;
	block = r->window + (Size) (r->block - 1) * SCAN_BLOCK;
	base = (uint32) (block - r->start);
	for (;;)
	{
		uint64		here;

		/* all bits before the first line end, or all */
		below = (ends & (UINT64CONST(0) - ends)) - 1;
		here = delimiters & below;
		quoted |= quotes & below;
		while (n < want && here != 0)
		{
			field_ends[n++] = base + pg_rightmost_one_pos64(here);
			here &= here - 1;
		}
		n += SCAN_POPCOUNT(popcnt, here);
		if (ends != 0)
			break;

		if (r->block == r->nblocks)
		{
			bool		more = next_window(r);

			len = r->carry_len + (r->piece_len == 0 ? 0 : r->scanned - r->start);
			if (!more || len > MAX_RECORD_LEN + (Size) (SCAN_WINDOW * SCAN_BLOCK))
			{
				r->delimiters = r->quotes = r->ends = 0;
				r->text = r->carry ? r->carry : "";
				r->text_len = len;
				r->nfields = n + 1;
				r->quoted = quoted != 0;
				if (n < want)
					field_ends[n] = (uint32) len;
				return more || len > MAX_RECORD_LEN ? FOUND_TOO_LONG : FOUND_EOF;
			}
		}
		next_block(r, &delimiters, &quotes, &ends);
		block = r->window + (Size) (r->block - 1) * SCAN_BLOCK;
		base = (uint32) (block - r->start + r->carry_len);
	}

	pos = block + pg_rightmost_one_pos64(ends);
	len = r->carry_len + (pos - r->start);
	r->delimiters = delimiters & ~below;
	r->quotes = quotes & ~below;
	r->ends = ends & (ends - 1);
	r->nfields = n + 1;
	r->quoted = quoted != 0;
	found = end_record(r, pos, len);
	if (n < want)
		field_ends[n] = (uint32) r->text_len;
	return found;
}

/* ---- Fields ---- */

/*
 * Copy a field that has quotes somewhere without those that are syntax.  The
 * quotes are known to be balanced.
 */
static void
unquote_field(CsvReader *r, const char *text, Size len, RecordField *field)
{
	const char *end = text + len;
	char		quote = r->quote;
	char		escape = r->escape;
	char	   *out;

	/* By far the most common case can be given in place. */
	if (len >= 2 && text[0] == quote && end[-1] == quote &&
		memchr(text + 1, quote, len - 2) == NULL &&
		(escape == quote || memchr(text + 1, escape, len - 2) == NULL))
	{
		field->data = text + 1;
		field->len = len - 2;
		return;
	}

	/*
	 * Room for all of the record's fields at once, so that none moves when the
	 * next is unquoted.
	 */
	r->scratch = buffer_reserve(r, r->scratch, &r->scratch_size, 0, r->text_len);
	out = r->scratch + r->scratch_len;
	field->data = out;
	for (;;)
	{
		const char *run = memchr(text, quote, end - text);

		/* outside quotes */
		if (run == NULL)
			run = end;
		memcpy(out, text, run - text);
		out += run - text;
		if (run == end)
			break;
		text = run + 1;

		/* inside */
		while (text < end)
		{
			if (*text == escape && text + 1 < end &&
				(text[1] == quote || text[1] == escape))
			{
				*out++ = text[1];
				text += 2;
			}
			else if (*text == quote)
				break;
			else
				*out++ = *text++;
		}
		if (text == end)
			break;
		text++;
	}
	field->len = out - field->data;
	r->scratch_len += field->len;
}

/* Field number col of the record, before FORCE_NOT_NULL and FORCE_NULL. */
static inline void
decode_field(CsvReader *r, int col, RecordField *field)
{
	uint32		start = r->field_ends[col] + 1;
	const char *text = r->text + start;
	Size		len = r->field_ends[col + 1] - start;

	if (r->quoted && memchr(text, r->quote, len) != NULL)
		unquote_field(r, text, len, field);
	else
	{
		field->data = text;
		field->len = len;
		if (len == r->null_len && memcmp(text, r->null, len) == 0)
			field->data = NULL;
	}
}

static void
force_field(CsvReader *r, const RecordColumn *column, RecordField *field)
{
	if (field->data == NULL)
	{
		if (column->force_not_null)
		{
			field->data = r->null;
			field->len = r->null_len;
		}
	}
	else if (column->force_null && field->len == r->null_len &&
			 memcmp(field->data, r->null, field->len) == 0)
		field->data = NULL;
}

/* ---- Errors ---- */

/*
 * Describe a fault of COPY's kind; the texts last until the next one.
 */
pg_attribute_printf(5, 6)
static RecordStatus
bad_record(CsvReader *r, RecordError *error, bool fatal, const char *hint,
		   const char *fmt,...)
{
	MemoryContext old;
	StringInfoData message;

	MemoryContextReset(r->error_cxt);
	old = MemoryContextSwitchTo(r->error_cxt);
	initStringInfo(&message);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&message, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&message, needed);
	}
	error->sqlerrcode = ERRCODE_BAD_COPY_FILE_FORMAT;
	error->message = message.data;
	error->detail = NULL;
	error->hint = hint ? pstrdup(hint) : NULL;
	error->fatal = fatal;
	MemoryContextSwitchTo(old);
	if (fatal)
		r->done = true;
	return RECORD_BAD;
}

/* An error of the lines themselves: nothing can be read behind it. */
static RecordStatus
line_error(CsvReader *r, Found found, RecordError *error)
{
	switch (found)
	{
		case FOUND_BAD_CR:
			return bad_record(r, error, true,
							  _("Use quoted CSV field to represent carriage return."),
							  _("unquoted carriage return found in data"));
		case FOUND_BAD_LF:
			return bad_record(r, error, true,
							  _("Use quoted CSV field to represent newline."),
							  _("unquoted newline found in data"));
		case FOUND_BAD_MARKER:
			return bad_record(r, error, true, NULL,
							  _("end-of-copy marker does not match previous newline style"));
		case FOUND_TOO_LONG:
			bad_record(r, error, true, NULL, _("record is too long"));
			error->sqlerrcode = ERRCODE_PROGRAM_LIMIT_EXCEEDED;
			error->detail = MemoryContextStrdup(r->error_cxt,
												_("A record may have at most 1073741823 bytes."));
			return RECORD_BAD;
		default:
			Assert(found == FOUND_EOF);
			return bad_record(r, error, true, NULL, _("unterminated CSV quoted field"));
	}
}

/* ---- The header line ---- */

/*
 * Compare the record with the columns' names.  RECORD_BAD is fatal: the values
 * would end up in the wrong columns.
 */
static RecordStatus
match_header(CsvReader *r, RecordError *error)
{
	int			nfields = r->nfields;

	if (r->ncolumns == 0 && r->text_len > 0)
		return bad_record(r, error, true, NULL,
						  _("extra data after last expected column"));
	if (r->ncolumns == 0)
		nfields = 0;
	if (nfields != r->ncolumns)
		return bad_record(r, error, true, NULL,
						  _("wrong number of fields in header line: got %d, expected %d"),
						  nfields, r->ncolumns);
	for (int i = 0; i < r->ncolumns; i++)
	{
		const char *name = r->columns[i].name;
		RecordField field;

		decode_field(r, i, &field);
		if (field.data == NULL)
			return bad_record(r, error, true, NULL,
							  _("column name mismatch in header line field %d: got null value (\"%s\"), expected \"%s\""),
							  i + 1, r->null, name);
		if (strlen(name) != field.len || memcmp(name, field.data, field.len) != 0)
			return bad_record(r, error, true, NULL,
							  _("column name mismatch in header line field %d: got \"%s\", expected \"%s\""),
							  i + 1, pnstrdup(field.data, field.len), name);
	}
	return RECORD_OK;
}

/* Read the header line; RECORD_END if the object ends with it. */
static RecordStatus
read_header(CsvReader *r, RecordError *error)
{
	bool		match = r->header == HEADER_MATCH;
	Found		found = find_record(r, match ? r->ncolumns : 0, false);
	bool		last = found == FOUND_EOF || found == FOUND_MARKER;
	RecordStatus status = RECORD_OK;

	r->header = HEADER_FALSE;
	if (found == FOUND_MARKER)
	{
		/* COPY takes what stands before the marker for the line: nothing. */
		r->text_len = 0;
		r->nfields = 1;
		if (r->ncolumns > 0)
			r->field_ends[1] = 0;
	}
	if (!last && found != FOUND_RECORD)
		return line_error(r, found, error);
	if (found == FOUND_EOF && r->line_end == LINE_END_CRLF && r->after_cr)
		return line_error(r, FOUND_BAD_CR, error);
	if (match)
	{
		/* A header that is only skipped may well lack its last quote. */
		if (found == FOUND_EOF && r->in_quotes && r->ncolumns > 0)
			return line_error(r, found, error);
		status = match_header(r, error);
	}
	return status == RECORD_OK && last ? RECORD_END : status;
}

/* ---- The RecordReader ---- */

static pg_attribute_always_inline RecordStatus
csv_next(RecordReader *self, Record *record, const bool popcnt)
{
	CsvReader  *r = (CsvReader *) self;
	Found		found;

	record->fields = r->fields;
	if (unlikely(r->done))
		return RECORD_END;
	r->scratch_len = 0;
	if (unlikely(r->carry_size > BUFFER_KEEP_MAX))
		r->carry = buffer_free(r->carry, &r->carry_size);
	if (unlikely(r->scratch_size > BUFFER_KEEP_MAX))
		r->scratch = buffer_free(r->scratch, &r->scratch_size);
	if (unlikely(r->header != HEADER_FALSE))
	{
		RecordStatus status = read_header(r, &record->error);

		if (status == RECORD_END)
			r->done = true;
		if (status != RECORD_OK)
			return status;
	}

	found = find_record(r, r->want, popcnt);
	if (unlikely(found != FOUND_RECORD))
	{
		if (found == FOUND_MARKER || (found == FOUND_EOF && r->text_len == 0))
		{
			r->done = true;
			return RECORD_END;
		}
		if (found != FOUND_EOF)
			return line_error(r, found, &record->error);
		if (r->line_end == LINE_END_CRLF && r->after_cr)
			return line_error(r, FOUND_BAD_CR, &record->error);
		if (r->in_quotes && r->ncolumns > 0)
			return line_error(r, found, &record->error);
	}

	if (unlikely(r->nfields != r->ncolumns))
	{
		/* Of a table without columns, a row is an empty line. */
		if (r->ncolumns == 0 && r->text_len == 0)
			return RECORD_OK;
		if (r->nfields > r->ncolumns)
			return bad_record(r, &record->error, false, NULL,
							  _("extra data after last expected column"));
		return bad_record(r, &record->error, false, NULL,
						  _("missing data for column \"%s\""),
						  r->columns[r->nfields].name);
	}

	for (int i = 0; i < r->nneeded; i++)
	{
		int			col = r->needed[i];
		const RecordColumn *column = &r->columns[col];

		decode_field(r, col, &r->fields[col]);
		if (unlikely(column->force_not_null | column->force_null))
			force_field(r, column, &r->fields[col]);
	}
	return RECORD_OK;
}

static RecordStatus
csv_next_plain(RecordReader *self, Record *record)
{
	return csv_next(self, record, false);
}

#if SCAN_X86
SCAN_TARGET_AVX2 static RecordStatus
csv_next_avx2(RecordReader *self, Record *record)
{
	return csv_next(self, record, true);
}
#endif

static uint64
csv_line(RecordReader *self)
{
	CsvReader  *r = (CsvReader *) self;
	LineCount	lines = r->carried ? r->lines_before : lines_before(r, r->start);

	return 1 + (r->line_end == LINE_END_CR ? lines.crs : lines.lfs);
}

static void
csv_close(RecordReader *self)
{
	CsvReader  *r = (CsvReader *) self;

	if (r->carry)
		pfree(r->carry);
	if (r->scratch)
		pfree(r->scratch);
	MemoryContextDelete(r->error_cxt);
	pfree(r->needed);
	pfree(r->null);
	pfree(r->field_ends);
	pfree(r->fields);
	pfree(r);
}

static const RecordReaderOps csv_ops_plain = {
	.next = csv_next_plain,
	.line = csv_line,
	.close = csv_close
};

#if SCAN_X86
static const RecordReaderOps csv_ops_avx2 = {
	.next = csv_next_avx2,
	.line = csv_line,
	.close = csv_close
};
#endif

RecordReader *
csv_reader_create(ByteSource *source, const FormatOptions *options,
				  const RecordColumn *columns, int ncolumns)
{
	CsvReader  *r = palloc0(sizeof(CsvReader));

	r->base.ops = &csv_ops_plain;
	r->scan = scan_choose();
#if SCAN_X86
	if (scan_have_avx2())
		r->base.ops = &csv_ops_avx2;
#endif
	r->source = source;
	r->columns = columns;
	r->ncolumns = ncolumns;
	r->needed = palloc(sizeof(int) * (ncolumns + 1));
	for (int i = 0; i < ncolumns; i++)
	{
		if (columns[i].needed)
		{
			r->needed[r->nneeded++] = i;
			r->want = i + 1;
		}
	}
	r->delimiter = options->delimiter[0];
	r->quote = options->quote[0];
	r->escape = options->escape ? options->escape[0] : r->quote;
	r->null = pstrdup(options->null);
	r->null_len = strlen(r->null);
	r->header = options->header;
	r->field_ends = palloc0(sizeof(uint32) * (ncolumns + 1));
	r->field_ends[0] = PG_UINT32_MAX;
	r->fields = palloc0(sizeof(RecordField) * (ncolumns + 1));
	r->cxt = CurrentMemoryContext;
	r->error_cxt = AllocSetContextCreate(r->cxt, "CSV reader error",
										 ALLOCSET_SMALL_SIZES);
	return &r->base;
}
