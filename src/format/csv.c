/*-------------------------------------------------------------------------
 *
 * csv.c
 *		Read CSV records, exactly as COPY ... FROM (FORMAT csv).
 *
 * delimited.c finds the records, in masks of which each quote has changed
 * sides: bytes are outside quotes or inside.  Here is what else is special to
 * CSV, as COPY has it:
 *
 *	- a quote begins or ends a quoted section anywhere in a field; the escape
 *	  counts only inside one, and only before a quote or an escape;
 *	- before PostgreSQL 18, a line holding only \. is the end of the file.
 *
 * IDENTIFICATION
 *		src/format/csv.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "format/csv.h"
#include "format/delimited.h"
#include "format/text.h"

/* An escape other than the quote makes some quotes data. */
static void
drop_escaped(DelimitedReader *r, const char *text, Size len)
{
	scan_drop_escaped(text, len, r->escape, &r->masks, &r->window_in_quotes,
					  &r->window_escaped);
}

/*
 * Copy a field that has quotes somewhere without those that are syntax.  The
 * quotes are known to be balanced.
 */
static bool
unquote_field(DelimitedReader *r, const char *text, Size len, RecordField *field,
			  RecordError *error)
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
		return true;
	}

	out = delimited_scratch(r);
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
	return true;
}

/*
 * Find fields byte by byte: in a header line, or between delimiters of any
 * length.
 */
static int
split_record(DelimitedReader *r, Span *spans, int want)
{
	const char *delimiter = r->options->delimiter;
	Size		delimiter_len = strlen(delimiter);
	const char *p = r->text;
	const char *end = p + r->text_len;
	bool		in_quotes = false;
	uint32		start = 0;
	int			n = 0;

	while (p < end)
	{
		char		c = *p;

		if (in_quotes)
		{
			if (c == r->escape && p + 1 < end && (p[1] == r->quote || p[1] == r->escape))
				p++;
			else if (c == r->quote)
				in_quotes = false;
			p++;
		}
		else if (c == r->quote)
		{
			in_quotes = true;
			p++;
		}
		else if (delimited_begins_with(p, end, delimiter, delimiter_len))
		{
			delimited_add_span(spans, &n, want, start, p - r->text);
			p += delimiter_len;
			start = p - r->text;
		}
		else
			p += delimited_char_len(p);
	}
	delimited_add_span(spans, &n, want, start, r->text_len);
	return n;
}

#define CSV_FORMAT \
	.decode = unquote_field, \
	.split = split_record, \
	.bad_cr = gettext_noop("unquoted carriage return found in data"), \
	.bad_cr_hint = gettext_noop("Use quoted CSV field to represent carriage return."), \
	.bad_lf = gettext_noop("unquoted newline found in data"), \
	.bad_lf_hint = gettext_noop("Use quoted CSV field to represent newline.")

static const DelimitedFormat csv_format = {
	CSV_FORMAT
};

static const DelimitedFormat csv_format_with_escape = {
	.sift = drop_escaped,
	CSV_FORMAT
};

RecordReader *
csv_reader_create(ByteSource *source, const FormatOptions *options,
				  const RecordColumn *columns, int ncolumns, const RecordStart *start)
{
	char		quote = options->quote[0];
	char		escape = options->escape ? options->escape[0] : quote;
	DelimitedReader *r;

	if (options->tolerant)
		return csv_lax_reader_create(source, options, columns, ncolumns, start);
	r = delimited_create(sizeof(DelimitedReader),
						 escape == quote ? &csv_format : &csv_format_with_escape,
						 quote, source, options, columns, ncolumns, start);
	r->quote = quote;
	r->escape = escape;
	r->marker = CSV_BACKSLASH_DOT_ENDS_FILE;
	r->split = options->delimiter[1] != '\0';
	r->delimiter = r->split ? '\0' : options->delimiter[0];
	return &r->base;
}

RecordHeader *
csv_read_header(ByteSource *source, const FormatOptions *options)
{
	RecordStart start = {.at_beginning = true, .has_header = true};
	RecordReader *reader;
	RecordHeader *header;

	if (options->format == FORMAT_TEXT)
		reader = text_reader_create(source, options, NULL, 0, &start);
	else
		reader = csv_reader_create(source, options, NULL, 0, &start);
	header = delimited_read_header((DelimitedReader *) reader);
	record_reader_close(reader);
	return header;
}
