/*-------------------------------------------------------------------------
 *
 * text_redshift.c
 *		Lines of text, CSV and fixed width, as Redshift's COPY reads them.
 *
 * The line comes first, as in csv_lax.c, so that what is wrong in one does not
 * touch the next:
 *
 *	- LF ends a line, a CR before it is dropped;
 *	- text: nothing is special but the delimiter, unless "escape" makes a
 *	  backslash take the next byte literally, a newline too;
 *	- text with "remove_quotes": a field that begins with a quote, of either
 *	  kind, ends with the same one before a delimiter or the end of the line;
 *	- CSV: a quote is one at the beginning of a field only, blanks aside, and is
 *	  doubled inside;
 *	- a quoted field may hold line ends.  The end of one that is not closed on its
 *	  line is looked for on those behind it, but not without bounds.  In text,
 *	  where an apostrophe is a quote and nothing tells one quote from the next,
 *	  the record must then have as many fields as it should, and none of the lines
 *	  within may be a record itself.  Else its line is bad, and the next record
 *	  begins behind that;
 *	- a NUL ends the record, and what follows on the line is lost, unless NUL
 *	  stands for NULL.
 *
 * One delimiter behind the last field of a text is no field.
 *
 * Most lines need none of that: text_redshift_line.c takes them, and here is what
 * it leaves.  A record is used where it lies in the text that the source gives,
 * unless it is in several pieces of it.
 *
 * Above: tuple.c, which knows the types of
 * the columns, and so what empty fields are.
 *
 * IDENTIFICATION
 *		src/format/text_redshift.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/fixed.h"
#include "format/text_redshift.h"
#include "format/text_redshift_reader.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* How far the end of a quoted field is looked for, once it was in vain often. */
#define NEAR_CLOSE ((Size) 64 * 1024)
#define MAX_FAR_FAILURES 16

/* Bytes that are copied at least, if a record is not in one piece. */
#define MIN_COPY ((Size) 16 * 1024)

#define KEEP_SCRATCH ((Size) 16 * 1024 * 1024)

typedef enum WalkResult
{
	WALK_DONE,
	WALK_OPEN,					/* a quoted field is not closed */
	WALK_STRAY					/* a quote is out of place */
} WalkResult;

/* ---- Bytes ---- */

/*
 * Room for len bytes of our own, of which those from the next record to the end
 * of the buffer are moved there, to the same positions.
 */
static void
reserve(RedshiftReader *r, Size len)
{
	char	   *own = r->own;

	if (len + STREAM_PADDING > r->own_size)
	{
		Size		size = len + len / 2 + STREAM_PADDING;

		own = MemoryContextAllocHuge(r->cxt, size);
		r->own_size = size;
	}
	if (own == r->buffer)
		return;
	if (r->end > r->next)
		memcpy(own + r->next, r->buffer + r->next, r->end - r->next);
	if (r->own && own != r->own)
		pfree(r->own);
	r->buffer = r->own = own;
}

/*
 * Get more text behind that of the record; false if there is none.  Positions in
 * the buffer stay valid.
 */
static bool
fill(RedshiftReader *r)
{
	Size		taken;
	Size		more;

	CHECK_FOR_INTERRUPTS();
	reserve(r, r->end);			/* the piece may not last */
	r->window_end = 0;
	if (r->end - r->piece_start == r->piece_len)
	{
		r->piece_start = r->end;
		r->piece_len = 0;
		if (r->eof || !byte_source_next(r->source, &r->piece, &r->piece_len))
		{
			r->eof = true;
			r->piece_len = 0;
			return false;
		}
	}
	taken = r->end - r->piece_start;
	more = Min(r->piece_len - taken, Max(MIN_COPY, r->end - r->next));
	reserve(r, r->end + more);
	memcpy(r->own + r->end, r->piece + taken, more);
	r->end += more;
	return true;
}

/*
 * Is there text for the next record?  Positions are not those of the last one.
 */
static bool
have_text(RedshiftReader *r)
{
	if (r->buffer != r->piece && r->piece_len > 0 && r->next >= r->piece_start)
	{
		/* what is left of the piece can be used where it is */
		r->next -= r->piece_start;
		r->offset += r->piece_start;
		r->piece_start = 0;
		r->buffer = r->piece;
		r->end = r->piece_len;
		r->window_end = 0;
		if (r->own_size > KEEP_SCRATCH)
		{
			pfree(r->own);
			r->own = NULL;
			r->own_size = 0;
		}
	}
	if (r->next < r->end)
	{
		if (r->buffer == r->own && r->next > MIN_COPY && r->next > r->end - r->next)
		{
			memmove(r->own, r->own + r->next, r->end - r->next);
			r->offset += r->next;
			r->piece_start -= r->next;
			r->end -= r->next;
			r->next = 0;
			r->window_end = 0;
		}
		return true;
	}
	CHECK_FOR_INTERRUPTS();
	r->offset += r->next;
	r->buffer = r->own;
	r->next = r->end = r->piece_start = r->piece_len = r->window_end = 0;
	if (r->eof || !byte_source_next(r->source, &r->piece, &r->piece_len))
	{
		r->eof = true;
		r->piece_len = 0;
		return false;
	}
	r->buffer = r->piece;
	r->end = r->piece_len;
	return true;
}

/* Is there a byte at the position? */
static inline bool
have(RedshiftReader *r, Size pos)
{
	while (pos >= r->end)
	{
		if (!fill(r))
			return false;
	}
	return true;
}

/* Is the byte at position pos behind an escape in force? */
static bool
is_escaped(const RedshiftReader *r, Size pos)
{
	Size		from = pos;

	if (!r->rules->escape)
		return false;
	while (from > r->next && r->buffer[from - 1] == '\\')
		from--;
	return (pos - from) % 2 == 1;
}

/*
 * Where the line ends that pos is in, the end of the text at last; *after: where
 * the one behind it begins.  False: it is longer than a record may be.
 */
static bool
find_line_end(RedshiftReader *r, Size pos, Size *line_end, Size *after)
{
	Size		limit = r->next + r->max_record;

	for (;;)
	{
		const char *newline = pos < r->end ?
			memchr(r->buffer + pos, '\n', r->end - pos) : NULL;

		if (newline == NULL)
		{
			pos = r->end;
			if (pos > limit)
				return false;
			if (fill(r))
				continue;
			*line_end = *after = r->end;
			break;
		}
		pos = newline - r->buffer;
		if (pos > limit)
			return false;
		if (!is_escaped(r, pos))
		{
			*line_end = pos;
			*after = pos + 1;
			break;
		}
		pos++;
	}
	if (*line_end > r->next && r->buffer[*line_end - 1] == '\r' &&
		!is_escaped(r, *line_end - 1))
		(*line_end)--;
	return true;
}

/* Go behind the next LF; false if the text ends before. */
static bool
skip_line(RedshiftReader *r)
{
	while (have_text(r))
	{
		const char *newline = memchr(r->buffer + r->next, '\n', r->end - r->next);

		if (newline)
		{
			r->next = newline + 1 - r->buffer;
			r->next_line++;
			return true;
		}
		r->next = r->end;
	}
	return false;
}

/* ---- Fields ---- */

static inline bool
at_delimiter(const RedshiftReader *r, const char *p, const char *end)
{
	return *p == r->delimiter[0] && (Size) (end - p) >= r->delimiter_len &&
		(r->delimiter_len == 1 || memcmp(p, r->delimiter, r->delimiter_len) == 0);
}

/* White space around quotes, unless it is the delimiter. */
static inline bool
is_blank(const RedshiftReader *r, char c)
{
	return (c == ' ' || c == '\t') && c != r->delimiter[0];
}

/* The quote with which the field at p begins, behind blanks, or 0. */
static char
opening_quote(const RedshiftReader *r, const char **p, const char *end)
{
	const char *quote = *p;

	if (!r->csv && !r->rules->remove_quotes)
		return '\0';
	while (quote < end && is_blank(r, *quote))
		quote++;
	if (quote == end || (r->csv ? *quote != r->quote : *quote != '"' && *quote != '\''))
		return '\0';
	*p = quote;
	return *quote;
}

/*
 * The quoted field whose opening quote is at p: where its closing quote is, and
 * where the field ends.
 */
static WalkResult
find_quoted_end(const RedshiftReader *r, const char *p, const char *end,
				const char **closing, const char **field_end)
{
	char		quote = *p++;

	for (; p < end; p++)
	{
		const char *behind;

		if (!r->rules->escape && (p = memchr(p, quote, end - p)) == NULL)
			break;
		if (*p != quote)
		{
			if (*p == '\\' && r->rules->escape)
				p++;
			continue;
		}
		behind = p + 1;
		if (r->csv)
		{
			if (behind < end && *behind == quote)
			{
				p++;
				continue;
			}
			while (behind < end && is_blank(r, *behind))
				behind++;
		}
		if (behind == end || at_delimiter(r, behind, end))
		{
			*closing = p;
			*field_end = behind;
			return WALK_DONE;
		}
		if (r->csv)
			return WALK_STRAY;
	}
	return WALK_OPEN;
}

/* Where the field at p ends, which is not quoted. */
static inline const char *
find_plain_end(const RedshiftReader *r, const char *p, const char *end)
{
	if (!r->rules->escape || r->csv)
	{
		while ((p = memchr(p, r->delimiter[0], end - p)) != NULL)
		{
			if (at_delimiter(r, p, end))
				return p;
			p++;
		}
		return end;
	}
	for (; p < end; p++)
	{
		if (*p == '\\')
			p++;
		else if (at_delimiter(r, p, end))
			return p;
	}
	return end;
}

/*
 * Find the fields of the record's first len bytes.  *open is where a quoted
 * field that is not closed has its opening quote.
 */
static WalkResult
walk(RedshiftReader *r, Size len, Size *open)
{
	const char *end = r->text + len;
	const char *p = r->text;
	int			n = 0;

	for (;;)
	{
		const char *start = p;
		const char *closing = NULL;
		const char *field_end;
		char		quote = opening_quote(r, &p, end);

		if (quote != '\0')
		{
			WalkResult	result = find_quoted_end(r, p, end, &closing, &field_end);

			if (result != WALK_DONE)
			{
				*open = p - r->text;
				return result;
			}
		}
		else
		{
			field_end = find_plain_end(r, p, end);
			if (r->csv && memchr(p, r->quote, field_end - p) != NULL)
				return WALK_STRAY;
		}
		if (n <= r->ncolumns)
		{
			FieldSpan  *span = &r->spans[n];

			span->start = start - r->text;
			span->end = field_end - r->text;
			span->quoted = quote != '\0';
			span->inner_start = quote != '\0' ? (Size) (p + 1 - r->text) : span->start;
			span->inner_end = quote != '\0' ? (Size) (closing - r->text) : span->end;
		}
		n++;
		if (field_end >= end)
			break;
		p = field_end + r->delimiter_len;
	}
	r->nfields = n;
	return WALK_DONE;
}

/* The fields of a line of fixed width. */
static void
walk_widths(RedshiftReader *r)
{
	Size		pos = 0;
	int			n = 0;

	for (; n < r->nwidths && pos < r->text_len; n++)
	{
		FieldSpan  *span = &r->spans[Min(n, r->ncolumns)];

		span->start = span->inner_start = pos;
		for (int width = r->widths[n]; width > 0 && pos < r->text_len; width--)
			pos += pg_encoding_mblen(GetDatabaseEncoding(), r->text + pos);
		pos = Min(pos, r->text_len);
		span->end = span->inner_end = pos;
		span->quoted = false;
	}
	r->nfields = pos < r->text_len ? n + 1 : n;
}

/* Does a field begin at the position of the buffer, or a line? */
static bool
begins_field(const RedshiftReader *r, Size pos)
{
	return r->buffer[pos - 1] == '\n' ||
		(pos >= r->next + r->delimiter_len &&
		 memcmp(r->buffer + pos - r->delimiter_len, r->delimiter, r->delimiter_len) == 0);
}

/*
 * Is one of the lines between a record's first one, which ends at position pos
 * of the buffer, and its last one, which ends at end, a record itself?
 */
static bool
holds_record(RedshiftReader *r, Size pos, Size end)
{
	const char *p = memchr(r->buffer + pos, '\n', end - pos);
	const char *next;
	Size		open;

	for (; p && (next = memchr(p + 1, '\n', r->buffer + end - p - 1)) != NULL; p = next)
	{
		r->text = p + 1;
		if (walk(r, next - p - 1, &open) == WALK_DONE && r->nfields == r->ncolumns)
			return true;
	}
	return false;
}

/*
 * Where on the lines behind its own the quoted field ends whose opening quote is
 * at position pos; 0: nowhere.
 */
static Size
find_close(RedshiftReader *r, Size pos)
{
	char		quote = r->buffer[pos];
	Size		reach = r->far_failures < MAX_FAR_FAILURES ? r->max_record :
		Min(NEAR_CLOSE, r->max_record);
	Size		limit = r->next + reach;

	for (pos++; pos < limit && have(r, pos); pos++)
	{
		Size		behind = pos + 1;

		if (r->buffer[pos] != quote)
		{
			if (r->buffer[pos] == '\\' && r->rules->escape)
				pos++;
			continue;
		}
		if (r->csv)
		{
			if (have(r, behind) && r->buffer[behind] == quote)
			{
				pos++;
				continue;
			}
			while (have(r, behind) && is_blank(r, r->buffer[behind]))
				behind++;
		}
		(void) have(r, behind + Max(r->delimiter_len, 2) - 1);
		if (behind >= r->end || r->buffer[behind] == '\n' ||
			(r->buffer[behind] == '\r' &&
			 (behind + 1 >= r->end || r->buffer[behind + 1] == '\n')) ||
			at_delimiter(r, r->buffer + behind, r->buffer + r->end))
			return pos + 1;
		if (r->csv || begins_field(r, pos))
			return 0;
	}
	if (pos - r->next > NEAR_CLOSE)
		r->far_failures++;
	return 0;
}

/* The fields of the line, or of some lines.  Sets text_len and nfields. */
static WalkResult
split_record(RedshiftReader *r, Size *line_end, Size *after)
{
	Size		end = *line_end;
	Size		next = *after;
	Size		open;
	WalkResult	result;

	for (;;)
	{
		Size		close;

		/* Each round begins at the record's beginning, and lines may be many. */
		CHECK_FOR_INTERRUPTS();
		r->text = r->buffer + r->next;
		result = walk(r, end - r->next, &open);
		if (result != WALK_OPEN)
			break;
		close = find_close(r, r->next + open);
		if (close <= end || !find_line_end(r, close, &end, &next))
		{
			r->text = r->buffer + r->next;
			return WALK_OPEN;
		}
	}
	if (end != *line_end && !r->csv)
	{
		bool		good = result == WALK_DONE && r->nfields == r->ncolumns &&
			(r->ncolumns == 1 || !holds_record(r, *line_end, end));

		r->text = r->buffer + r->next;
		if (!good)
			return WALK_OPEN;
		(void) walk(r, end - r->next, &open);
	}
	if (result == WALK_DONE)
	{
		*line_end = end;
		*after = next;
	}
	r->text = r->buffer + r->next;
	return result;
}

/* ---- Values ---- */

/* Room for what is decoded of the record. */
static char *
scratch_room(RedshiftReader *r)
{
	if (r->scratch_size < r->text_len)
	{
		if (r->scratch)
			pfree(r->scratch);
		r->scratch = NULL;
		r->scratch_size = 0;
		r->scratch = MemoryContextAllocHuge(r->cxt, r->text_len * 2);
		r->scratch_size = r->text_len * 2;
	}
	return r->scratch + r->scratch_len;
}

void
redshift_undo_pairs(RedshiftReader *r, RecordField *field, char c)
{
	const char *p = field->data;
	const char *end = p + field->len;
	char	   *out;
	char	   *begin;

	if (memchr(p, c, field->len) == NULL)
		return;
	begin = out = scratch_room(r);
	while (p < end)
	{
		if (*p == c && ++p == end)
			break;
		*out++ = *p++;
	}
	field->data = begin;
	field->len = out - begin;
	r->scratch_len += field->len;
}

static inline bool
is_null_text(const RedshiftReader *r, const char *data, Size len)
{
	return len == r->null_len && memcmp(data, r->null, len) == 0;
}

/* Fill in a field; false: there is a NUL in it where none may be. */
static bool
store_field(RedshiftReader *r, const FieldSpan *span, RecordField *field)
{
	const char *raw = r->text + span->start;
	Size		raw_len = span->end - span->start;
	bool		null = false;

	field->data = r->text + span->inner_start;
	field->len = span->inner_end - span->inner_start;
	if (r->rules->null_is_nul)
	{
		const char *nul = memchr(field->data, '\0', field->len);

		if (nul && field->len == 1)
			null = true;
		else if (nul == field->data + field->len - 1)
			field->len--;
		else if (nul)
			return false;
	}
	else if (!span->quoted)
	{
		null = is_null_text(r, raw, raw_len);
		if (r->rules->escape && redshift_is_escaped_null(r, raw, raw_len))
			null = true;
		if (r->delimiter == NULL && !null)
		{
			while (raw_len > 0 && raw[raw_len - 1] == ' ')
				raw_len--;
			null = r->null_len > 0 && is_null_text(r, raw, raw_len);
		}
	}
	if (!null && !span->quoted && field->len == 0 && r->rules->empty_as_null)
		null = true;
	if (null)
	{
		field->data = NULL;
		field->len = 0;
	}
	else if (r->csv)
	{
		if (span->quoted)
			redshift_undo_pairs(r, field, r->quote);
	}
	else if (r->rules->escape && r->delimiter)
		redshift_undo_pairs(r, field, '\\');
	return true;
}

/* ---- The RecordReader ---- */

static RecordStatus
bad(RedshiftReader *r, RecordError *error, RecordFault fault, const char *message)
{
	MemoryContextReset(r->error_cxt);
	memset(error, 0, sizeof(RecordError));
	error->fault = fault;
	error->sqlerrcode = ERRCODE_BAD_COPY_FILE_FORMAT;
	error->message = MemoryContextStrdup(r->error_cxt, message);
	return RECORD_BAD;
}

/* The record, or the line, is found: go behind it. */
static void
take_lines(RedshiftReader *r, Size line_end, Size after)
{
	const char *p = r->text;
	const char *end = r->buffer + after;

	r->text_len = line_end - r->next;
	r->line = r->next_line;
	r->record_offset = r->offset + r->next;
	for (; p < end && (p = memchr(p, '\n', end - p)) != NULL; p++)
		r->next_line++;
	r->next = after;
}

/* Find the next line that is to be read; false at the end. */
static bool
find_line(RedshiftReader *r, Size *line_end, Size *after, bool *too_long)
{
	*too_long = false;
	if (r->in_long_line)
	{
		r->in_long_line = false;
		if (!skip_line(r))
			return false;
	}
	for (; r->skip_lines > 0; r->skip_lines--)
	{
		if (!skip_line(r))
			return false;
	}
	for (;;)
	{
		if (!have_text(r))
			return false;
		if (!find_line_end(r, r->next, line_end, after))
		{
			*too_long = true;
			return true;
		}
		if (*line_end > r->next || !r->rules->ignore_blank_lines)
			return true;
		r->next = *after;
		r->next_line++;
	}
}

static RecordStatus
next_record(RecordReader *self, Record *record)
{
	RedshiftReader *r = (RedshiftReader *) self;
	WalkResult	result = WALK_DONE;
	const char *nul;
	Size		line_end;
	Size		after;
	bool		too_long;

	record->fields = r->fields;
	r->scratch_len = 0;
	if (unlikely(r->scratch_size > KEEP_SCRATCH))
	{
		pfree(r->scratch);
		r->scratch = NULL;
		r->scratch_size = 0;
	}
	if (r->line_kind != LINE_NONE && r->skip_lines == 0 && !r->in_long_line &&
		have_text(r) && redshift_take_line(r))
		return RECORD_OK;
	if (!find_line(r, &line_end, &after, &too_long))
	{
		r->text = "";
		r->text_len = 0;
		return RECORD_END;
	}
	r->text = r->buffer + r->next;
	if (too_long)
	{
		take_lines(r, r->next + r->max_record, r->next);
		r->in_long_line = true;
		bad(r, &record->error, FAULT_LINE,
			psprintf("Record is longer than %zu bytes", r->max_record));
		record->error.sqlerrcode = ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		return RECORD_BAD;
	}

	nul = r->rules->null_is_nul ? NULL : memchr(r->text, '\0', line_end - r->next);
	if (unlikely(nul != NULL))
		line_end = nul - r->buffer;
	if (r->delimiter)
	{
		Size		open;

		result = nul ? walk(r, line_end - r->next, &open) :
			split_record(r, &line_end, &after);
	}
	take_lines(r, line_end, after);
	if (result == WALK_OPEN)
		return bad(r, &record->error, FAULT_QUOTE, "Delimited value missing end quote");
	if (result == WALK_STRAY)
		return bad(r, &record->error, FAULT_QUOTE, "Invalid quote formatting for CSV");
	if (r->delimiter == NULL)
		walk_widths(r);

	if (r->nfields < r->ncolumns && !r->rules->fill_record && !r->accept_missing)
		return bad(r, &record->error, FAULT_MISSING_FIELDS, "Delimiter not found");
	if (r->nfields > r->ncolumns && !r->accept_extra &&
		!(r->delimiter && !r->csv && r->ncolumns > 0 && r->nfields == r->ncolumns + 1 &&
		  r->spans[r->ncolumns].start == r->spans[r->ncolumns].end))
		return bad(r, &record->error, FAULT_EXTRA_FIELDS, "Extra column(s) found");

	for (int i = 0; i < r->ncolumns; i++)
	{
		if (!r->columns[i].needed)
			continue;
		if (i >= r->nfields)
		{
			r->fields[i].data = NULL;
			r->fields[i].len = r->rules->fill_record && r->delimiter && r->null_len > 0 &&
				!r->rules->empty_as_null ? RECORD_FIELD_MISSING : 0;
		}
		else if (!store_field(r, &r->spans[i], &r->fields[i]))
		{
			bad(r, &record->error, FAULT_ENCODING, "Invalid null byte - field longer than 1 byte");
			record->error.sqlerrcode = ERRCODE_UNTRANSLATABLE_CHARACTER;
			return RECORD_BAD;
		}
	}
	return RECORD_OK;
}

static uint64
record_line(RecordReader *self)
{
	return ((RedshiftReader *) self)->line + 1;
}

static uint64
record_offset(RecordReader *self)
{
	return ((RedshiftReader *) self)->record_offset;
}

static void
record_text(RecordReader *self, const char **data, Size *len)
{
	RedshiftReader *r = (RedshiftReader *) self;

	*data = r->text ? r->text : "";
	*len = r->text ? r->text_len : 0;
}

static void
close_reader(RecordReader *self)
{
	RedshiftReader *r = (RedshiftReader *) self;

	MemoryContextDelete(r->error_cxt);
	if (r->scratch)
		pfree(r->scratch);
	if (r->widths)
		pfree(r->widths);
	if (r->own)
		pfree(r->own);
	pfree(r->spans);
	pfree(r->fields);
	pfree(r->coded);
	pfree(r);
}

static const RecordReaderOps redshift_ops = {
	.next = next_record,
	.line = record_line,
	.offset = record_offset,
	.text = record_text,
	.close = close_reader
};

RecordReader *
redshift_reader_create(ByteSource *source, const FormatOptions *options,
					   const RecordColumn *columns, int ncolumns, const RecordStart *start)
{
	RedshiftReader *r = palloc0(sizeof(RedshiftReader));

	Assert(options->redshift.on && options->format != FORMAT_JSON);
	r->base.ops = &redshift_ops;
	r->source = source;
	r->rules = &options->redshift;
	r->columns = columns;
	r->ncolumns = ncolumns;
	if (options->format == FORMAT_FIXEDWIDTH)
	{
		r->widths = fixed_widths(options, &r->nwidths);
		if (r->nwidths != ncolumns)
			ereport(ERROR,
					errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					errmsg("option \"fixedwidth\" describes %d fields, but there are %d columns",
						   r->nwidths, ncolumns));
	}
	else
	{
		r->delimiter = options->delimiter;
		r->delimiter_len = strlen(r->delimiter);
	}
	r->csv = options->format == FORMAT_CSV;
	r->quote = r->csv && options->quote ? options->quote[0] : '"';
	r->null = options->null ? options->null : "";
	r->null_len = strlen(r->null);
	r->accept_missing = options->missing_fields == RAGGED_ACCEPT;
	r->accept_extra = options->extra_fields == RAGGED_ACCEPT;
	r->max_record = options->max_record_size;
	r->skip_lines = start->at_beginning ? options->skip_lines : 0;
	r->cxt = CurrentMemoryContext;
	r->error_cxt = AllocSetContextCreate(r->cxt, "record reader error", ALLOCSET_SMALL_SIZES);
	r->spans = palloc0(sizeof(FieldSpan) * (ncolumns + 1));
	r->fields = palloc0(sizeof(RecordField) * (ncolumns + 1));
	r->coded = palloc(sizeof(int) * (ncolumns + 1));
	r->scan = scan_choose();
	r->line_kind = redshift_line_kind(r);
	return &r->base;
}
