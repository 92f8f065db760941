/*-------------------------------------------------------------------------
 *
 * text.c
 *		Read text records, exactly as COPY ... FROM (FORMAT text).
 *
 * delimited.c finds the records, in masks from which bytes behind a backslash
 * have been dropped: a delimiter or line end there is data.  The dot of a \.
 * takes part as a line end, for that is where the data ends, or is in error,
 * wherever it stands.
 *
 * What COPY does, and this reader too: the text of NULL is compared before
 * escapes are decoded; decoded bytes must be valid in the server encoding.
 *
 * IDENTIFICATION
 *		src/format/text.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/hex.h"
#include "format/delimited.h"
#include "format/text.h"
#include "mb/pg_wchar.h"

/* Drop from the masks what is behind a backslash in force. */
static void
drop_escaped(DelimitedReader *r, const char *text, Size len)
{
	ScanMasks  *masks = &r->masks;
	bool		first_escaped = r->window_escaped;

	for (int b = 0; len > 0; b++)
	{
		int			n = Min(len, SCAN_BLOCK);
		uint64		backslashes = masks->quote[b];

		masks->parity[b] = 0;
		if (backslashes != 0 || first_escaped)
		{
			uint64		escaped = first_escaped ? 1 : 0;
			uint64		dots = 0;

			backslashes &= ~escaped;
			first_escaped = false;
			while (backslashes != 0)
			{
				int			pos = pg_rightmost_one_pos64(backslashes) + 1;

				backslashes &= backslashes - 1;
				if (pos == n)
					first_escaped = true;
				else
				{
					escaped |= UINT64CONST(1) << pos;
					backslashes &= ~escaped;
				}
			}
			for (uint64 rest = escaped; rest != 0; rest &= rest - 1)
			{
				int			pos = pg_rightmost_one_pos64(rest);

				if (text[pos] == '.')
					dots |= UINT64CONST(1) << pos;
			}
			masks->delimiter[b] &= ~escaped;
			masks->cr[b] &= ~escaped;
			masks->lf[b] = (masks->lf[b] & ~escaped) | dots;
		}
		text += n;
		len -= n;
	}
	r->window_escaped = first_escaped;
}

static inline bool
is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* As COPY reports it, for the bytes from text on. */
static bool
bad_encoding(DelimitedReader *r, const char *text, Size len, RecordError *error)
{
	int			n = Min(delimited_char_len(text), 8);
	char		bytes[8 * 5 + 1];

	for (int i = 0; i < Min(n, (int) len); i++)
		snprintf(bytes + i * 5, 6, " 0x%02x", (unsigned char) text[i]);
	delimited_bad(r, error, FAULT_ENCODING, false, NULL, NULL,
				  _("invalid byte sequence for encoding \"%s\": %s"),
				  GetDatabaseEncodingName(), bytes + 1);
	error->sqlerrcode = ERRCODE_CHARACTER_NOT_IN_REPERTOIRE;
	return false;
}

/* Decode a field that has backslashes, unless it stands for NULL. */
static bool
decode_escapes(DelimitedReader *r, const char *text, Size len, RecordField *field,
			   RecordError *error)
{
	const char *end = text + len;
	const char *trailing = end;
	bool		verify = false;
	char	   *out;

	/* A backslash before the end of the file is dropped. */
	while (trailing > text && trailing[-1] == '\\')
		trailing--;
	if ((end - trailing) % 2 == 1)
		len = --end - text;

	field->data = NULL;
	field->len = 0;
	if (len == r->null_len && memcmp(text, r->null, len) == 0)
		return true;
	if (r->default_text && len == r->default_len && memcmp(text, r->default_text, len) == 0)
	{
		field->len = RECORD_FIELD_DEFAULT;
		return true;
	}

	out = delimited_scratch(r);
	field->data = out;
	for (;;)
	{
		const char *run = memchr(text, '\\', end - text);
		char		c;

		if (run == NULL)
			run = end;
		memcpy(out, text, run - text);
		out += run - text;
		if (run == end)
			break;
		c = run[1];
		text = run + 2;
		switch (c)
		{
			case 'b':
				c = '\b';
				break;
			case 'f':
				c = '\f';
				break;
			case 'n':
				c = '\n';
				break;
			case 'r':
				c = '\r';
				break;
			case 't':
				c = '\t';
				break;
			case 'v':
				c = '\v';
				break;
			case 'x':
				if (text < end && hex_value(*text) >= 0)
				{
					int			value = hex_value(*text++);

					if (text < end && hex_value(*text) >= 0)
						value = value << 4 | hex_value(*text++);
					c = (char) value;
					verify |= c == '\0' || IS_HIGHBIT_SET(c);
				}
				break;
			default:
				if (is_octal(c))
				{
					int			value = c - '0';

					for (int i = 0; i < 2 && text < end && is_octal(*text); i++)
						value = value << 3 | (*text++ - '0');
					c = (char) (value & 0377);
					verify |= c == '\0' || IS_HIGHBIT_SET(c);
				}
				break;
		}
		*out++ = c;
	}
	field->len = out - field->data;
	if (verify)
	{
		int			valid = pg_encoding_verifymbstr(GetDatabaseEncoding(), field->data, field->len);

		if ((Size) valid != field->len)
			return bad_encoding(r, field->data + valid, field->len - valid, error);
	}
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
	uint32		start = 0;
	int			n = 0;

	while (p < end)
	{
		if (*p == '\\')
			p += end - p > 1 ? 1 + delimited_char_len(p + 1) : 1;
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

static const DelimitedFormat text_format = {
	.sift = drop_escaped,
	.decode = decode_escapes,
	.split = split_record,
	.verifies = true,
	.backslash = true,
	.bad_cr = gettext_noop("literal carriage return found in data"),
	.bad_cr_hint = gettext_noop("Use \"\\r\" to represent carriage return."),
	.bad_lf = gettext_noop("literal newline found in data"),
	.bad_lf_hint = gettext_noop("Use \"\\n\" to represent newline.")
};

RecordReader *
text_reader_create(ByteSource *source, const FormatOptions *options,
				   const RecordColumn *columns, int ncolumns, const RecordStart *start)
{
	DelimitedReader *r = delimited_create(sizeof(DelimitedReader), &text_format, '\\',
										  source, options, columns, ncolumns, start);

	r->split = options->delimiter[1] != '\0';
	r->delimiter = r->split ? '\0' : options->delimiter[0];
	return &r->base;
}
