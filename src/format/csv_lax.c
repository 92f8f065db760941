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
 *	- a quoted field may hold line ends if the record then has as many fields as
 *	  it should, is not longer than LAX_RECORD_MAX, and has no stray quote in the
 *	  fields that hold them;
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
} LaxReader;

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

/*
 * Where the field at p ends; NULL if it is quoted and not closed.  Counts
 * quotes that are data.
 */
static const char *
field_end(const LaxReader *lax, const char *p, const char *end, int *strays)
{
	const DelimitedReader *r = &lax->base;
	const char *delimiter = r->options->delimiter;

	if (p < end && *p == r->quote)
	{
		for (p++; p < end; p++)
		{
			if (*p == r->escape && p + 1 < end &&
				(p[1] == r->quote || (p[1] == r->escape && r->escape != r->quote)))
				p++;
			else if (*p == r->quote)
			{
				if (p + 1 == end || delimited_begins_with(p + 1, end, delimiter, lax->delimiter_len))
					return p + 1;
				(*strays)++;
			}
		}
		return NULL;
	}
	while (p < end && !delimited_begins_with(p, end, delimiter, lax->delimiter_len))
	{
		if (*p == r->quote)
			(*strays)++;
		p += lax->delimiter_len == 1 ? 1 : delimited_char_len(p);
	}
	return Min(p, end);
}

/*
 * Go over the fields of the record text from "from" on.  Returns false if one
 * is not closed; *open tells where it begins.
 */
static bool
walk(const LaxReader *lax, const char *from, const char *end, Span *spans, int want,
	 int *nfields, int *strays, const char **open)
{
	const char *text = lax->base.text;
	const char *p = from;
	int			n = 0;

	for (;;)
	{
		const char *field = p;

		p = field_end(lax, field, end, strays);
		if (p == NULL)
		{
			*open = field;
			return false;
		}
		delimited_add_span(spans, &n, want, field - text, p - text);
		if (p == end)
			break;
		p += lax->delimiter_len;
	}
	*nfields = n;
	return true;
}

static int
split_lax(DelimitedReader *r, Span *spans, int want)
{
	const char *open;
	int			strays = 0;
	int			n = 0;

	if (r->unclosed)
	{
		/* of a header line that nobody needs */
		delimited_add_span(spans, &n, want, 0, r->text_len);
		return n;
	}
	(void) walk((LaxReader *) r, r->text, r->text + r->text_len, spans, want, &n, &strays, &open);
	r->strays = strays;
	return n;
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
		char		c = lax->buffer[pos];
		const char *rest;

		if (c == r->escape && have(lax, pos + 1) &&
			(lax->buffer[pos + 1] == r->quote ||
			 (lax->buffer[pos + 1] == r->escape && r->escape != r->quote)))
		{
			pos++;
			continue;
		}
		if (c != r->quote)
			continue;
		(void) have(lax, pos + lax->delimiter_len);
		rest = lax->buffer + pos + 1;
		if (pos + 1 >= lax->end || *rest == '\n' || *rest == '\r' ||
			delimited_begins_with(rest, lax->buffer + lax->end, r->options->delimiter,
								  lax->delimiter_len))
			return pos + 1;
		break;
	}
	return 0;
}

/*
 * The line ends within a quoted field.  Try to end the record on a later one;
 * false if that cannot be.
 */
static bool
extend_record(LaxReader *lax, Size *line_end, Size *after)
{
	DelimitedReader *r = &lax->base;
	Size		end = *line_end;
	Size		next = *after;
	int			total = 0;

	for (;;)
	{
		const char *open;
		int			strays = 0;
		Size		close;

		r->text = lax->buffer + lax->next;
		if (walk(lax, r->text, lax->buffer + end, NULL, 0, &total, &strays, &open))
			break;
		close = find_close(lax, open - lax->buffer);
		if (close == 0 || !find_line_end(lax, close, &end, &next))
			return false;
	}
	if (r->uses && total != r->nexpected)
		return false;
	*line_end = end;
	*after = next;
	return true;
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
	const char *open;
	int			n;
	int			strays = 0;

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
	r->text = lax->buffer + lax->next;
	r->unclosed = !walk(lax, r->text, lax->buffer + line_end, NULL, 0, &n, &strays, &open) &&
		!extend_record(lax, &line_end, &after);
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
	const char *end = text + len - 1;
	char	   *out;

	field->data = text;
	field->len = len;
	if (text[0] != r->quote || len < 2)
		return true;
	out = delimited_scratch(r);
	field->data = out;
	for (text++; text < end; text++)
	{
		if (*text == r->escape && text + 1 < end &&
			(text[1] == r->quote || text[1] == r->escape))
			text++;
		*out++ = *text;
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
