/*-------------------------------------------------------------------------
 *
 * csv_lax.c
 *		Read CSV that does not keep to the rules: option "tolerant".
 *
 * csv.c takes what COPY takes, and one stray quote there turns all that follows
 * inside out.  Here the line comes first:
 *
 *	- LF, CR LF and CR all end a line, in any mixture; empty lines are passed
 *	  over;
 *	- a quote opens a quoted field only as the first byte of the field, and
 *	  closes it only before a delimiter or the end of the line; any other one is
 *	  data, and the record counts as repaired;
 *	- if the record has not as many fields then as it should, but has them in
 *	  another reading, that one is taken: first, an escape before a quote does not
 *	  count if a delimiter or the end of the line is behind the quote; second, the
 *	  first quote that is not escaped closes the field, and what follows up to the
 *	  delimiter is part of its value, as for COPY, unless it is blank;
 *	- a quoted field may hold line ends if the record then has as many fields as
 *	  it should, is not longer than LAX_RECORD_MAX, and has no stray quote in the
 *	  fields that hold them, or only blanks behind it;
 *	- else a field that is not closed makes its line a bad record, and the next
 *	  record begins with the next line.
 *
 * So nothing but a line that is too long ends the file.  Records are collected
 * in a buffer, as it takes the lines after one to know its end.  All else,
 * header lines above all, is delimited.c's.
 *
 * IDENTIFICATION
 *		src/format/csv_lax.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/csv.h"
#include "format/delimited.h"
#include "utils/memutils.h"

/* So far an end of a quoted field is looked for on the lines that follow. */
#define LAX_RECORD_MAX ((Size) 64 * 1024)

#define MIN_BUFFER ((Size) 64 * 1024)

/* What closes a quoted field: a quote ... */
typedef enum Closing
{
	CLOSE_REGULAR,				/* that is not escaped, before a delimiter */
	CLOSE_UNESCAPED,			/* before a delimiter, escaped or not */
	CLOSE_EARLY					/* that is not escaped */
} Closing;

typedef struct LaxReader
{
	DelimitedReader base;

	Size		delimiter_len;

	/* text that is at hand, with room for STREAM_PADDING behind it */
	char	   *buffer;			/* owned */
	Size		size;
	Size		end;
	Size		next;			/* the next record begins here */
	uint64		offset;			/* of the buffer's first byte in the text */
	uint64		next_line;		/* lines before the next record */
	uint64		line;			/* lines before the record */
	bool		eof;
	Closing		closing;		/* in the record */
} LaxReader;

/* What walk() has found so far. */
typedef struct Walk
{
	int			nfields;
	int			strays;			/* quotes that are data, or close early */
	Size		open;			/* in the record: a field that is not closed */
} Walk;

/* Get more text; false if there is none.  Positions in the buffer stay valid. */
static bool
fill(LaxReader *lax)
{
	const char *data;
	Size		len;

	if (lax->eof)
		return false;
	if (!byte_source_next(lax->base.source, &data, &len))
	{
		lax->eof = true;
		return false;
	}
	if (lax->end + len + STREAM_PADDING > lax->size)
	{
		Size		size = (lax->end + len) * 2 + STREAM_PADDING;

		lax->buffer = repalloc_huge(lax->buffer, size);
		lax->size = size;
	}
	memcpy(lax->buffer + lax->end, data, len);
	lax->end += len;
	return true;
}

/* Is there a byte at the position? */
static inline bool
have(LaxReader *lax, Size pos)
{
	while (pos >= lax->end)
	{
		if (!fill(lax))
			return false;
	}
	return true;
}

/* Forget what is before the next record. */
static void
forget(LaxReader *lax)
{
	memmove(lax->buffer, lax->buffer + lax->next, lax->end - lax->next);
	lax->offset += lax->next;
	lax->end -= lax->next;
	lax->next = 0;
}

/*
 * Where the line ends that pos is in; *after: where the one behind it begins.
 * False: it is longer than a record may be.
 */
static bool
find_line_end(LaxReader *lax, Size pos, Size *line_end, Size *after)
{
	Size		limit = lax->next + lax->base.max_record;

	for (;; pos++)
	{
		if (pos > limit)
			return false;
		if (!have(lax, pos))
		{
			*line_end = *after = pos;
			return true;
		}
		if (lax->buffer[pos] == '\n' || lax->buffer[pos] == '\r')
			break;
	}
	*line_end = pos;
	*after = pos + 1;
	if (lax->buffer[pos] == '\r' && have(lax, pos + 1) && lax->buffer[pos + 1] == '\n')
		(*after)++;
	return true;
}

/* Behind the blanks at p. */
static const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

static bool
is_field_end(const LaxReader *lax, const char *p, const char *end)
{
	return p == end ||
		delimited_begins_with(p, end, lax->base.options->delimiter, lax->delimiter_len);
}

/* Is the quote at p, within quotes or not, or the escape there, data? */
static bool
is_escape(const DelimitedReader *r, const char *p, const char *end)
{
	return *p == r->escape && p + 1 < end &&
		(p[1] == r->quote || (p[1] == r->escape && r->escape != r->quote));
}

/*
 * Where the field at p ends; NULL if it is quoted and not closed.  Counts
 * quotes that are out of place.
 */
static const char *
field_end(const LaxReader *lax, const char *p, const char *end, int *strays)
{
	const DelimitedReader *r = &lax->base;

	if (p < end && *p == r->quote)
	{
		for (p++; p < end; p++)
		{
			if (is_escape(r, p, end))
			{
				p++;
				if (lax->closing == CLOSE_UNESCAPED && *p == r->quote &&
					is_field_end(lax, p + 1, end))
				{
					(*strays)++;
					return p + 1;
				}
			}
			else if (*p == r->quote)
			{
				if (is_field_end(lax, p + 1, end))
					return p + 1;
				(*strays)++;
				if (lax->closing == CLOSE_EARLY)
					break;
			}
		}
		if (p >= end)
			return NULL;
		p++;
	}
	while (!is_field_end(lax, p, end))
	{
		if (*p == r->quote)
			(*strays)++;
		p += lax->delimiter_len == 1 ? 1 : delimited_char_len(p);
		p = Min(p, end);
	}
	return p;
}

/*
 * Go over the fields of the record text from "from" on, where a field begins.
 * Returns false if one is not closed.
 */
static bool
walk(const LaxReader *lax, const char *from, const char *end, Span *spans, int want, Walk *w)
{
	const char *text = lax->base.text;
	const char *p = from;

	for (;;)
	{
		const char *field = p;

		p = field_end(lax, field, end, &w->strays);
		if (p == NULL)
		{
			w->open = field - text;
			return false;
		}
		delimited_add_span(spans, &w->nfields, want, field - text, p - text);
		if (p == end)
			break;
		p += lax->delimiter_len;
	}
	return true;
}

static int
split_lax(DelimitedReader *r, Span *spans, int want)
{
	Walk		w = {0};

	r->repair = NULL;
	if (r->unclosed)
	{
		/* of a header line that nobody needs */
		delimited_add_span(spans, &w.nfields, want, 0, r->text_len);
		return w.nfields;
	}
	(void) walk((LaxReader *) r, r->text, r->text + r->text_len, spans, want, &w);
	if (w.strays > 0)
		r->repair = ((LaxReader *) r)->closing == CLOSE_EARLY ?
			gettext_noop("text behind a quote that ends a field was taken as part of it, or dropped if blank") :
			gettext_noop("quotes that neither begin nor end a field were taken as data");
	return w.nfields;
}

/*
 * A quoted field begins at pos and is not closed on its line.  Where does it
 * end, on a line below, if all quotes in it are in order?  0: nowhere.
 */
static Size
find_close(LaxReader *lax, Size pos)
{
	const DelimitedReader *r = &lax->base;
	Size		limit = lax->next + LAX_RECORD_MAX;

	for (pos++; pos < limit && have(lax, pos); pos++)
	{
		Size		rest = pos + 1;

		(void) have(lax, pos + lax->delimiter_len);
		if (is_escape(r, lax->buffer + pos, lax->buffer + lax->end))
		{
			pos++;
			continue;
		}
		if (lax->buffer[pos] != r->quote)
			continue;
		for (; rest < limit; rest++)
		{
			const char *next;

			(void) have(lax, rest + lax->delimiter_len - 1);
			next = lax->buffer + rest;
			if (is_field_end(lax, next, lax->buffer + lax->end) || *next == '\n' || *next == '\r')
				return rest;
			if (lax->closing != CLOSE_EARLY || (*next != ' ' && *next != '\t'))
				break;
		}
		break;
	}
	return 0;
}

/*
 * The record ends at *line_end, but for a field that is not closed there.  Try
 * to end it on a later line; false if that cannot be.
 */
static bool
extend_record(LaxReader *lax, Walk *w, Size *line_end, Size *after)
{
	DelimitedReader *r = &lax->base;
	Size		end = *line_end;
	Size		next = *after;

	do
	{
		Size		close;

		/* so that lines of quotes are not gone over again and again */
		if (r->uses && w->nfields >= r->nexpected)
			return false;
		close = find_close(lax, lax->next + w->open);
		if (close == 0 || !find_line_end(lax, close, &end, &next))
			return false;
		r->text = lax->buffer + lax->next;
	} while (!walk(lax, r->text + w->open, lax->buffer + end, NULL, 0, w));
	*line_end = end;
	*after = next;
	return true;
}

/*
 * Find the end of the record whose first line this is, in one of the readings.
 * False: some field is never closed.
 */
static bool
close_record(LaxReader *lax, Closing closing, Walk *w, Size *line_end, Size *after)
{
	DelimitedReader *r = &lax->base;

	lax->closing = closing;
	memset(w, 0, sizeof(*w));
	r->text = lax->buffer + lax->next;
	return walk(lax, r->text, lax->buffer + *line_end, NULL, 0, w) ||
		extend_record(lax, w, line_end, after);
}

/*
 * Choose the reading that gives as many fields as there should be, or else the
 * regular one, on one line.  False: some field is not closed then.
 */
static bool
choose_reading(LaxReader *lax, Size *line_end, Size *after)
{
	DelimitedReader *r = &lax->base;
	Size		first_end = *line_end;
	Size		first_after = *after;
	bool		closed;
	Walk		w;

	closed = close_record(lax, CLOSE_REGULAR, &w, line_end, after);
	if (closed && (r->uses == NULL || w.nfields == r->nexpected))
		return true;
	closed = closed && *line_end == first_end;
	for (Closing closing = CLOSE_UNESCAPED; r->uses && closing <= CLOSE_EARLY; closing++)
	{
		*line_end = first_end;
		*after = first_after;
		if (close_record(lax, closing, &w, line_end, after) && w.nfields == r->nexpected)
			return true;
	}
	lax->closing = CLOSE_REGULAR;
	*line_end = first_end;
	*after = first_after;
	return closed;
}

static uint64
count_lines(const char *p, const char *end)
{
	uint64		n = 0;

	for (; p < end; p++)
	{
		if (*p == '\n' || (*p == '\r' && (p + 1 == end || p[1] != '\n')))
			n++;
	}
	return n;
}

Found
csv_lax_find(DelimitedReader *r)
{
	LaxReader  *lax = (LaxReader *) r;
	Size		line_end;
	Size		after;

	if (lax->next > lax->end / 2)
		forget(lax);
	for (;;)
	{
		if (!have(lax, lax->next))
		{
			r->text = "";
			r->text_len = 0;
			return FOUND_EOF;
		}
		if (!find_line_end(lax, lax->next, &line_end, &after))
		{
			r->text = lax->buffer + lax->next;
			r->text_len = r->max_record;
			lax->line = lax->next_line;
			r->offset = lax->offset + lax->next;
			return FOUND_TOO_LONG;
		}
		if (line_end > lax->next &&
			!(r->comment && line_end - lax->next >= r->comment_len &&
			  memcmp(lax->buffer + lax->next, r->comment, r->comment_len) == 0))
			break;
		lax->next_line++;
		lax->next = after;
	}
	r->unclosed = !choose_reading(lax, &line_end, &after);
	r->text = lax->buffer + lax->next;
	r->text_len = line_end - lax->next;
	r->quoted = memchr(r->text, r->quote, r->text_len) != NULL;
	r->offset = lax->offset + lax->next;
	lax->line = lax->next_line;
	lax->next_line += count_lines(r->text, lax->buffer + after);
	lax->next = after;
	return FOUND_RECORD;
}

bool
csv_lax_skip_lines(DelimitedReader *r)
{
	LaxReader  *lax = (LaxReader *) r;

	for (int64 i = 0; i < r->options->skip_lines; i++)
	{
		Size		line_end;
		Size		after;

		if (!have(lax, lax->next) || !find_line_end(lax, lax->next, &line_end, &after))
			return false;
		lax->next = after;
		lax->next_line++;
	}
	return true;
}

uint64
csv_lax_line(RecordReader *self)
{
	return ((LaxReader *) self)->line + 1;
}

/* A field is quoted if it begins with a quote; that it is closed is known. */
static bool
decode_lax(DelimitedReader *r, const char *text, Size len, RecordField *field,
		   RecordError *error)
{
	const LaxReader *lax = (LaxReader *) r;
	const char *end = text + len;
	const char *last = end - 1;
	char	   *out;

	field->data = text;
	field->len = len;
	if (text[0] != r->quote)
		return true;
	out = delimited_scratch(r);
	field->data = out;
	for (text++; text < end; text++)
	{
		if (is_escape(r, text, lax->closing == CLOSE_UNESCAPED ? last : end))
			text++;
		else if (*text == r->quote && (lax->closing == CLOSE_EARLY || text == last))
			break;
		*out++ = *text;
	}

	/* what is behind the quote */
	text++;
	if (text < end && skip_blanks(text, end) < end)
	{
		memcpy(out, text, end - text);
		out += end - text;
	}
	field->len = out - field->data;
	r->scratch_len += field->len;
	return true;
}

static const DelimitedFormat lax_format = {
	.decode = decode_lax,
	.split = split_lax,
	.lax = true
};

RecordReader *
csv_lax_reader_create(ByteSource *source, const FormatOptions *options,
					  const RecordColumn *columns, int ncolumns, const RecordStart *start)
{
	DelimitedReader *r = delimited_create(sizeof(LaxReader), &lax_format, options->quote[0],
										  source, options, columns, ncolumns, start);
	LaxReader  *lax = (LaxReader *) r;

	r->quote = options->quote[0];
	r->escape = options->escape ? options->escape[0] : r->quote;
	r->split = true;
	lax->delimiter_len = strlen(options->delimiter);
	lax->size = MIN_BUFFER;
	lax->buffer = MemoryContextAlloc(r->cxt, lax->size);
	return &r->base;
}
