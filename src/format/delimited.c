/*-------------------------------------------------------------------------
 *
 * delimited.c
 *		Find records and fields in delimited text.
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
 *	- the first line end outside quotes decides whether lines end in LF, CR or
 *	  CR LF, and any other one later is an error;
 *	- a record that misses its line end at the end of the file is one.
 *
 * Everything that the scan must know to go on at any byte is in the "state of
 * the scan": quote state, escape state, and the kind of line end.  A reader for
 * the middle of an object differs only in the state it starts with.
 *
 * A line to be passed over, a comment for example, does not go through the
 * masks: the scan begins anew behind it.  Fields between delimiters of more
 * than one byte, and fields of fixed width, are found by the format itself when
 * the whole record is known.
 *
 * IDENTIFICATION
 *		src/format/delimited.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "format/delimited.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

/* A carry or scratch buffer larger than this is not kept for the next record. */
#define BUFFER_KEEP_MAX (16 * 1024 * 1024)

/* How many fields of a bad record are looked at for an earlier error. */
#define MAX_VERIFIED_FIELDS 65536

static char *
buffer_free(char *buffer, Size *size)
{
	pfree(buffer);
	*size = 0;
	return NULL;
}

/* ---- Records ---- */

/*
 * Take the next block from the masks: what is outside quotes in it.
 */
static inline void
next_block(DelimitedReader *r, uint64 *delimiters, uint64 *specials, uint64 *ends)
{
	int			b = r->block++;
	uint64		inside = r->masks.parity[b] ^ r->in_quotes;
	uint64		crs = r->masks.cr[b] & ~inside;
	uint64		lfs = r->masks.lf[b] & ~inside;

	r->in_quotes = UINT64CONST(0) - (inside >> 63);
	*delimiters = r->masks.delimiter[b] & ~inside;
	*specials = r->masks.quote[b];
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

/*
 * The bytes of the record, up to position end of the piece, are needed in one
 * place: returns where.
 */
static inline const char *
record_text(DelimitedReader *r, Size end)
{
	if (!r->carried)
		return r->piece + r->start;
	if (end > r->start)
	{
		delimited_carry(r, end);
		r->start = end;
	}
	return r->carry;
}

/* Whether the text of a line ends the file. */
static inline bool
is_marker(const DelimitedReader *r, const char *text, Size len)
{
	return len == 2 && text[0] == '\\' && text[1] == '.' && r->marker;
}

/*
 * The first unquoted line end of the object, at position pos of the piece, is
 * the end of the record: learn from it how lines end.
 */
static void
learn_line_end(DelimitedReader *r, Size pos)
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
			delimited_rescan(r, ++r->next_start);
	}
	else if (delimited_next_piece(r) && r->piece[0] == '\n')
	{
		/* delimited_next_piece() has carried the record over, and its CR with it. */
		r->line_end = LINE_END_CRLF;
		r->next_start = 1;
		delimited_rescan(r, 1);
		r->start = 1;
		r->text = r->carry;
	}
	else
	{
		r->line_end = LINE_END_CR;
		r->text = r->carry;
	}
}

/*
 * The byte at position *pos of the piece, which goes behind it; -1 at the end
 * of the object.  The record may be carried over.
 */
static int
take_byte(DelimitedReader *r, Size *pos)
{
	if (*pos == r->piece_len)
	{
		*pos = 0;
		if (!delimited_next_piece(r))
			return -1;
	}
	return (unsigned char) r->piece[(*pos)++];
}

/*
 * At position pos of the piece, len bytes behind the beginning of the record,
 * is the dot of a \. of text format.  What stands before it is the record.
 */
static Found
end_at_marker(DelimitedReader *r, Size pos, Size len)
{
	Found		bad = TEXT_MARKER_IS_ALONE ? FOUND_MARKER_NOT_ALONE : FOUND_CORRUPT_MARKER;
	Found		found = FOUND_MARKER;
	int			c;

	r->text_len = len - 1;
	pos++;
	c = take_byte(r, &pos);
	if (r->line_end == LINE_END_CRLF)
	{
		if (c == '\n')
			found = FOUND_BAD_MARKER;
		else if (c != '\r')
			found = bad;
		else
			c = take_byte(r, &pos);
	}
	if (found == FOUND_MARKER)
	{
		if (c != '\r' && c != '\n')
			found = bad;
		else if (r->line_end != LINE_END_UNKNOWN &&
				 c != (r->line_end == LINE_END_CR ? '\r' : '\n'))
			found = FOUND_BAD_MARKER;
		else if (TEXT_MARKER_IS_ALONE && r->text_len > 0)
			found = FOUND_MARKER_NOT_ALONE;
	}
	r->text = r->carried ? r->carry : r->piece + r->start;

	/* Before version 18, COPY may find more lines behind it. */
	r->next_start = pos;
	delimited_rescan(r, pos);
	return found;
}

/* Whether the byte at position pos of the record is behind an escape in force. */
static bool
is_escaped(const DelimitedReader *r, Size pos)
{
	Size		from = pos;

	while (from > 0 && r->text[from - 1] == '\\')
		from--;
	return (pos - from) % 2 == 1;
}

/*
 * What stands at position pos of the piece, len bytes behind the beginning of
 * the record, is an unquoted line end.  Check it, and finish the record.
 */
static inline Found
end_record(DelimitedReader *r, Size pos, Size len)
{
	char		c = r->piece[pos];

	r->text = record_text(r, pos);
	r->text_len = len;
	r->next_start = pos + 1;
	switch (r->line_end)
	{
		case LINE_END_LF:
			if (unlikely(c != '\n'))
			{
				if (c == '.')
					return end_at_marker(r, pos, len);
				return is_marker(r, r->text, len) ? FOUND_BAD_MARKER : FOUND_BAD_CR;
			}
			break;
		case LINE_END_CR:
			if (unlikely(c != '\r'))
			{
				if (c == '.')
					return end_at_marker(r, pos, len);
				return is_marker(r, r->text, len) ? FOUND_BAD_MARKER : FOUND_BAD_LF;
			}
			break;
		case LINE_END_CRLF:

			/* pos is right behind a CR, or a LF is there, or both. */
			if (unlikely(len == 0 || r->text[len - 1] != '\r'))
				return c == '.' ? end_at_marker(r, pos, len) : FOUND_BAD_LF;
			if (unlikely(r->quoted) && r->format->backslash && is_escaped(r, len - 1))
				return FOUND_BAD_LF;
			if (unlikely(c != '\n'))
				return c == '\r' && is_marker(r, r->text, len - 1) ?
					FOUND_BAD_MARKER : FOUND_BAD_CR;
			r->text_len--;
			break;
		case LINE_END_UNKNOWN:
			if (c == '.')
				return end_at_marker(r, pos, len);
			if (is_marker(r, r->text, len))
				break;
			learn_line_end(r, pos);
			break;
	}
	if (unlikely(r->text_len > r->max_record))
		return FOUND_TOO_LONG;
	return is_marker(r, r->text, r->text_len) ? FOUND_MARKER : FOUND_RECORD;
}

/*
 * Find the end of the next record, its number of fields, and the ends of the
 * first want ones.
 */
static pg_attribute_always_inline Found
find_record(DelimitedReader *r, int want, const bool popcnt)
{
	uint64		delimiters = r->delimiters;
	uint64		specials = r->specials;
	uint64		ends = r->ends;
	uint32	   *field_ends = r->field_ends ? r->field_ends + 1 : NULL;
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
	r->offset = r->piece_offset + r->start;
	block = r->window + (Size) (r->block - 1) * SCAN_BLOCK;
	base = (uint32) (block - r->start);
	for (;;)
	{
		uint64		here;

		/* all bits before the first line end, or all */
		below = (ends & (UINT64CONST(0) - ends)) - 1;
		here = delimiters & below;
		quoted |= specials & below;
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
			bool		more = delimited_next_window(r);

			len = r->carry_len + (r->piece_len == 0 ? 0 : r->scanned - r->start);
			if (!more || len > r->max_record + (Size) (SCAN_WINDOW * SCAN_BLOCK))
			{
				r->delimiters = r->specials = r->ends = 0;
				r->text = r->carry ? r->carry : "";
				r->text_len = len;
				r->nfields = n + 1;
				r->quoted = quoted != 0;
				if (n < want)
					field_ends[n] = (uint32) len;
				return more || len > r->max_record ? FOUND_TOO_LONG : FOUND_EOF;
			}
		}
		next_block(r, &delimiters, &specials, &ends);
		block = r->window + (Size) (r->block - 1) * SCAN_BLOCK;
		base = (uint32) (block - r->start + r->carry_len);
	}

	pos = block + pg_rightmost_one_pos64(ends);
	len = r->carry_len + (pos - r->start);
	r->delimiters = delimiters & ~below;
	r->specials = specials & ~below;
	r->ends = ends & (ends - 1);
	r->nfields = n + 1;
	r->quoted = quoted != 0;
	found = end_record(r, pos, len);
	if (n < want)
		field_ends[n] = (uint32) r->text_len;
	return found;
}

Found
delimited_find(DelimitedReader *r)
{
	return r->format->lax ? csv_lax_find(r) : find_record(r, 0, false);
}

/* ---- Fields ---- */

char *
delimited_scratch(DelimitedReader *r)
{
	r->scratch = delimited_reserve(r, r->scratch, &r->scratch_size, 0, r->text_len);
	return r->scratch + r->scratch_len;
}

int
delimited_char_len(const char *text)
{
	return IS_HIGHBIT_SET(*text) ? pg_encoding_mblen(GetDatabaseEncoding(), text) : 1;
}

bool
delimited_decode(DelimitedReader *r, Span span, RecordField *field, RecordError *error)
{
	const char *text = r->text + span.start;
	Size		len = span.end - span.start;

	if (r->quoted && memchr(text, r->special, len) != NULL)
		return r->format->decode(r, text, len, field, error);
	field->data = text;
	field->len = len;
	if (len == r->null_len && memcmp(text, r->null, len) == 0)
	{
		field->data = NULL;
		field->len = 0;
	}
	else if (r->default_text && len == r->default_len &&
			 memcmp(text, r->default_text, len) == 0)
	{
		field->data = NULL;
		field->len = RECORD_FIELD_DEFAULT;
	}
	return true;
}

static void
force_field(DelimitedReader *r, const RecordColumn *column, RecordField *field)
{
	if (field->data == NULL)
	{
		if (column->force_not_null && field->len != RECORD_FIELD_DEFAULT)
		{
			field->data = r->null;
			field->len = r->null_len;
		}
	}
	else if (column->force_null && field->len == r->null_len &&
			 memcmp(field->data, r->null, field->len) == 0)
	{
		field->data = NULL;
		field->len = 0;
	}
}

/* Decode the fields of the record, needed or not, for the errors in them. */
static bool
verify_fields(DelimitedReader *r, RecordError *error)
{
	int			nfields = Min(r->nfields, MAX_VERIFIED_FIELDS);
	Span	   *spans = palloc(sizeof(Span) * nfields);
	RecordField field;
	bool		good = true;

	r->format->split(r, spans, nfields);
	for (int i = 0; i < nfields && good; i++)
	{
		r->scratch_len = 0;
		good = delimited_decode(r, spans[i], &field, error);
	}
	r->scratch_len = 0;
	pfree(spans);
	return good;
}

/*
 * The record has not the right number of fields.  RECORD_OK if that is to be
 * accepted.
 */
static RecordStatus
check_ragged(DelimitedReader *r, RecordError *error)
{
	/* Of a table without columns, a row is an empty line. */
	if (r->nexpected == 0)
	{
		if (r->text_len == 0 || r->accept_extra)
			return RECORD_OK;
		return delimited_bad(r, error, FAULT_EXTRA_FIELDS, false, NULL, NULL,
							 _("extra data after last expected column"));
	}

	/* COPY decodes all fields before it counts them. */
	if (r->format->verifies && r->quoted && !verify_fields(r, error))
		return RECORD_BAD;
	if (r->nfields > r->nexpected)
		return r->accept_extra ? RECORD_OK :
			delimited_bad(r, error, FAULT_EXTRA_FIELDS, false, NULL, NULL,
						  _("extra data after last expected column"));
	if (r->accept_missing)
		return RECORD_OK;
	if (r->options->match_by == MATCH_BY_NAME)
		return delimited_bad(r, error, FAULT_MISSING_FIELDS, false, NULL, NULL,
							 _("line has %d fields, but the header line has %d"),
							 r->nfields, r->nexpected);
	return delimited_bad(r, error, FAULT_MISSING_FIELDS, false, NULL, NULL,
						 _("missing data for column \"%s\""),
						 r->columns[r->nfields].name);
}

/* Fill in the fields of a record that is not simple, or has too few. */
static RecordStatus
store_fields(DelimitedReader *r, RecordError *error)
{
	for (int i = 0; i < r->nuses; i++)
	{
		const RecordColumn *column = &r->columns[r->uses[i].column];
		RecordField *field = &r->fields[r->uses[i].column];
		int			n = r->uses[i].field;
		Span		span;

		if (n >= r->nfields)
		{
			field->data = NULL;
			field->len = 0;
			continue;
		}
		if (r->split)
			span = r->spans[n];
		else
		{
			span.start = r->field_ends[n] + 1;
			span.end = r->field_ends[n + 1];
		}
		if (!delimited_decode(r, span, field, error))
			return RECORD_BAD;
		if (r->uses[i].forced)
			force_field(r, column, field);
	}
	return RECORD_OK;
}

/*
 * The same for all others.  Apart from that it is delimited_decode(), which is
 * too slow for what is done most often.
 */
static pg_attribute_always_inline RecordStatus
store_simple_fields(DelimitedReader *r, RecordError *error)
{
	const FieldUse *use = r->uses;
	const FieldUse *end = use + r->nuses;
	const char *text = r->text;
	const uint32 *field_ends = r->field_ends;
	const char *null = r->null;
	Size		null_len = r->null_len;
	char		special = r->special;
	bool		quoted = r->quoted;

	for (; use < end; use++)
	{
		uint32		start = field_ends[use->field] + 1;
		Size		len = field_ends[use->field + 1] - start;
		RecordField *field = &r->fields[use->column];

		if (quoted && memchr(text + start, special, len) != NULL)
		{
			if (!r->format->decode(r, text + start, len, field, error))
				return RECORD_BAD;
		}
		else if (len == null_len && memcmp(text + start, null, len) == 0)
		{
			field->data = NULL;
			field->len = 0;
		}
		else
		{
			field->data = text + start;
			field->len = len;
		}
		if (unlikely(use->forced))
			force_field(r, &r->columns[use->column], field);
	}
	return RECORD_OK;
}

/* ---- Errors ---- */

RecordStatus
delimited_bad(DelimitedReader *r, RecordError *error, RecordFault fault, bool fatal,
			  const char *detail, const char *hint, const char *fmt,...)
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
	error->fault = fault;
	error->sqlerrcode = ERRCODE_BAD_COPY_FILE_FORMAT;
	error->message = message.data;
	error->detail = detail ? pstrdup(detail) : NULL;
	error->hint = hint ? pstrdup(hint) : NULL;
	error->fatal = fatal;
	MemoryContextSwitchTo(old);
	if (fatal)
		r->done = true;
	return RECORD_BAD;
}

RecordStatus
delimited_line_error(DelimitedReader *r, Found found, RecordError *error)
{
	switch (found)
	{
		case FOUND_BAD_CR:
			return delimited_bad(r, error, FAULT_LINE, true, NULL,
								 r->format->bad_cr_hint ? _(r->format->bad_cr_hint) : NULL,
								 "%s", _(r->format->bad_cr));
		case FOUND_BAD_LF:
			return delimited_bad(r, error, FAULT_LINE, true, NULL,
								 r->format->bad_lf_hint ? _(r->format->bad_lf_hint) : NULL,
								 "%s", _(r->format->bad_lf));
		case FOUND_BAD_MARKER:
			return delimited_bad(r, error, FAULT_LINE, true, NULL, NULL,
								 _("end-of-copy marker does not match previous newline style"));
		case FOUND_CORRUPT_MARKER:
			return delimited_bad(r, error, FAULT_LINE, true, NULL, NULL,
								 _("end-of-copy marker corrupt"));
		case FOUND_MARKER_NOT_ALONE:
			return delimited_bad(r, error, FAULT_LINE, true, NULL, NULL,
								 _("end-of-copy marker is not alone on its line"));
		case FOUND_TOO_LONG:
			delimited_bad(r, error, FAULT_LINE, true, NULL,
						  _("Raise the option \"max_record_size\" if records are meant to be longer."),
						  _("record is longer than %llu bytes"),
						  (unsigned long long) r->max_record);
			error->sqlerrcode = ERRCODE_PROGRAM_LIMIT_EXCEEDED;
			return RECORD_BAD;
		default:
			Assert(found == FOUND_EOF);
			return delimited_bad(r, error, FAULT_QUOTE, true, NULL, NULL,
								 _("unterminated CSV quoted field"));
	}
}

/* ---- The RecordReader ---- */

static pg_attribute_always_inline RecordStatus
read_record(RecordReader *self, Record *record, const bool popcnt, const bool lax)
{
	DelimitedReader *r = (DelimitedReader *) self;
	RecordStatus status;
	Found		found;

	record->fields = r->fields;
	if (unlikely(r->done))
		return RECORD_END;
	r->scratch_len = 0;
	if (unlikely(r->carry_size > BUFFER_KEEP_MAX))
		r->carry = buffer_free(r->carry, &r->carry_size);
	if (unlikely(r->scratch_size > BUFFER_KEEP_MAX))
		r->scratch = buffer_free(r->scratch, &r->scratch_size);
	if (unlikely(!r->begun))
	{
		status = delimited_begin(r, &record->error);
		if (status != RECORD_OK)
		{
			r->done = true;
			return status;
		}
		r->scratch_len = 0;
	}
	if (!lax && unlikely(r->comment != NULL))
		delimited_skip_comments(r);

	found = lax ? csv_lax_find(r) : find_record(r, r->want, popcnt);
	if (unlikely(found != FOUND_RECORD))
	{
		if ((found == FOUND_MARKER && (r->text_len == 0 || r->marker)) ||
			(found == FOUND_EOF && r->text_len == 0))
		{
			r->done = true;
			return RECORD_END;
		}
		if (found != FOUND_EOF && found != FOUND_MARKER)
			return delimited_line_error(r, found, &record->error);
		if (r->text_len > r->max_record)
			return delimited_line_error(r, FOUND_TOO_LONG, &record->error);
		if (found == FOUND_EOF && r->line_end == LINE_END_CRLF && r->after_cr)
			return delimited_line_error(r, FOUND_BAD_CR, &record->error);
		if (r->in_quotes && (r->nexpected > 0 || r->accept_extra))
			return delimited_line_error(r, found, &record->error);
	}

	if (lax && r->unclosed)
		return delimited_bad(r, &record->error, FAULT_QUOTE, false, NULL, NULL,
							 _("unterminated CSV quoted field"));
	if (unlikely(r->split))
		r->nfields = r->format->split(r, r->spans, r->want);
	if (lax && r->repair)
		record->repaired = r->repair;
	if (likely(r->nfields == r->nexpected && r->simple))
		return store_simple_fields(r, &record->error);
	if (r->nfields != r->nexpected)
	{
		status = check_ragged(r, &record->error);
		if (status != RECORD_OK)
			return status;
		record->repaired = r->nfields < r->nexpected ?
			gettext_noop("the line has too few fields") :
			gettext_noop("the line has too many fields");
	}
	return store_fields(r, &record->error);
}

static RecordStatus
read_record_plain(RecordReader *self, Record *record)
{
	return read_record(self, record, false, false);
}

static RecordStatus
read_record_lax(RecordReader *self, Record *record)
{
	return read_record(self, record, false, true);
}

#if SCAN_X86
SCAN_TARGET_AVX2 static RecordStatus
read_record_avx2(RecordReader *self, Record *record)
{
	return read_record(self, record, true, false);
}
#endif

static uint64
record_line(RecordReader *self)
{
	DelimitedReader *r = (DelimitedReader *) self;
	LineCount	lines = r->carried ? r->lines_before : delimited_lines_at(r, r->start);

	return 1 + r->lines_skipped +
		(r->line_end == LINE_END_CR ? lines.crs - r->lines_base.crs :
		 lines.lfs - r->lines_base.lfs);
}

static uint64
record_offset(RecordReader *self)
{
	return ((DelimitedReader *) self)->offset;
}

static void
record_raw_text(RecordReader *self, const char **data, Size *len)
{
	DelimitedReader *r = (DelimitedReader *) self;

	*data = r->text ? r->text : "";
	*len = r->text ? r->text_len : 0;
}

static void
close_reader(RecordReader *self)
{
	DelimitedReader *r = (DelimitedReader *) self;

	if (r->carry)
		pfree(r->carry);
	if (r->scratch)
		pfree(r->scratch);
	if (r->glue)
		pfree(r->glue);
	if (r->uses)
		pfree(r->uses);
	if (r->field_ends)
		pfree(r->field_ends);
	if (r->spans)
		pfree(r->spans);
	MemoryContextDelete(r->error_cxt);
	pfree(r->fields);
	pfree(r);
}

static const RecordReaderOps plain_ops = {
	.next = read_record_plain,
	.line = record_line,
	.offset = record_offset,
	.text = record_raw_text,
	.close = close_reader
};

static const RecordReaderOps lax_ops = {
	.next = read_record_lax,
	.line = csv_lax_line,
	.offset = record_offset,
	.text = record_raw_text,
	.close = close_reader
};

#if SCAN_X86
static const RecordReaderOps avx2_ops = {
	.next = read_record_avx2,
	.line = record_line,
	.offset = record_offset,
	.text = record_raw_text,
	.close = close_reader
};
#endif

DelimitedReader *
delimited_create(Size size, const DelimitedFormat *format, char special,
				 ByteSource *source, const FormatOptions *options,
				 const RecordColumn *columns, int ncolumns, const RecordStart *start)
{
	DelimitedReader *r = palloc0(size);

	r->base.ops = &plain_ops;
	r->scan = scan_choose();
#if SCAN_X86
	if (scan_have_avx2())
		r->base.ops = &avx2_ops;
#endif
	if (format->lax)
		r->base.ops = &lax_ops;
	r->format = format;
	r->source = source;
	r->options = options;
	r->start_at = start;
	r->columns = columns;
	r->ncolumns = ncolumns;
	r->special = special;
	r->accept_missing = options->missing_fields == RAGGED_ACCEPT;
	r->accept_extra = options->extra_fields == RAGGED_ACCEPT;
	r->null = options->null;
	r->null_len = strlen(r->null);
	r->default_text = options->default_text;
	r->default_len = r->default_text ? strlen(r->default_text) : 0;
	r->comment = options->comment;
	r->comment_len = r->comment ? strlen(r->comment) : 0;
	r->max_record = options->max_record_size;
	r->line_end = start->line_end;
	r->fields = palloc0(sizeof(RecordField) * (ncolumns + 1));
	r->cxt = CurrentMemoryContext;
	r->error_cxt = AllocSetContextCreate(r->cxt, "record reader error",
										 ALLOCSET_SMALL_SIZES);
	return r;
}
