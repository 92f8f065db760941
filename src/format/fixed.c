/*-------------------------------------------------------------------------
 *
 * fixed.c
 *		Read records of columns of fixed width.
 *
 * A record is a line (see delimited.c); nothing in it is quoted or escaped.
 * Widths count characters.  Blanks at the end of a field are no part of it.
 *
 * A line that ends within a field has it in part: as programs like to drop
 * blanks at the end of a line, it is taken for the field if missing fields are
 * accepted, and is missing otherwise.
 *
 * IDENTIFICATION
 *		src/format/fixed.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/delimited.h"
#include "format/fixed.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

/* What all widths may come to, so that no position overflows. */
#define MAX_LINE_WIDTH MaxAllocSize

typedef struct FixedReader
{
	DelimitedReader base;
	int			nwidths;
	int		   *widths;			/* owned; in characters */
} FixedReader;

/* ---- The option ---- */

/*
 * Parse the spec into widths, unless that is NULL; returns what
 * fixed_width_check() does.
 */
static const char *
parse_widths(const char *spec, int *nwidths, int *widths)
{
	const char *item = spec;
	int64		total = 0;

	*nwidths = 0;
	for (;;)
	{
		const char *end = item + strcspn(item, ",");
		const char *p = end;
		int64		width = 0;
		int			ndigits = 0;

		/* The width is behind the last colon; without one it is all. */
		while (p > item && p[-1] != ':')
			p--;
		while (p < end && *p == ' ')
			p++;
		for (; p < end && *p >= '0' && *p <= '9'; p++, ndigits++)
			width = Min(width * 10 + (*p - '0'), (int64) MAX_LINE_WIDTH + 1);
		while (p < end && *p == ' ')
			p++;
		if (p != end || ndigits == 0 || width == 0)
			return psprintf(_("\"%.*s\" is not a width, or a name, a colon and a width; a width is a whole number above zero."),
							pg_mbcliplen(item, end - item, 100), item);
		total += width;
		if (total > (int64) MAX_LINE_WIDTH)
			return psprintf(_("The widths add up to more than %llu characters."),
							(unsigned long long) MAX_LINE_WIDTH);
		if (widths)
			widths[*nwidths] = (int) width;
		(*nwidths)++;
		if (*end == '\0')
			return NULL;
		item = end + 1;
	}
}

const char *
fixed_width_check(const char *spec, int *ncolumns)
{
	return parse_widths(spec, ncolumns, NULL);
}

int *
fixed_widths(const FormatOptions *options, int *nwidths)
{
	const char *fault = parse_widths(options->fixedwidth, nwidths, NULL);
	int		   *widths;

	if (fault)
		ereport(ERROR,
				errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				errmsg("invalid value for option \"%s\": \"%s\"", "fixedwidth", options->fixedwidth),
				errdetail_internal("%s", fault));
	widths = palloc(sizeof(int) * *nwidths);
	parse_widths(options->fixedwidth, nwidths, widths);
	return widths;
}

/* ---- Fields ---- */

static bool
is_ascii(const char *text, Size len)
{
	Size		i = 0;
	uint64		bits = 0;
	uint64		word;

	for (; len - i >= sizeof(word); i += sizeof(word))
	{
		memcpy(&word, text + i, sizeof(word));
		bits |= word;
	}
	for (; i < len; i++)
		bits |= (uint64) (unsigned char) text[i] << 56;
	return (bits & UINT64CONST(0x8080808080808080)) == 0;
}

static int
split_record(DelimitedReader *base, Span *spans, int want)
{
	FixedReader *r = (FixedReader *) base;
	const char *text = base->text;
	Size		len = base->text_len;
	bool		bytes = pg_database_encoding_max_length() == 1 || is_ascii(text, len);
	Size		pos = 0;
	int			n = 0;

	while (n < r->nwidths && pos < len)
	{
		Size		start = pos;
		int			missing = r->widths[n];
		Size		end;

		if (bytes)
		{
			int			present = Min(missing, (int) (len - pos));

			pos += present;
			missing -= present;
		}
		else
		{
			for (; missing > 0 && pos < len; missing--)
				pos += delimited_char_len(text + pos);
			pos = Min(pos, len);
		}
		if (missing > 0 && !base->accept_missing)
			return n;
		if (n < want)
		{
			for (end = pos; end > start && text[end - 1] == ' ';)
				end--;
			spans[n].start = start;
			spans[n].end = end;
		}
		n++;
	}
	return pos < len ? n + 1 : n;
}

/* The special byte is NUL, which is in no text. */
static bool
decode_nothing(DelimitedReader *r, const char *text, Size len, RecordField *field,
			   RecordError *error)
{
	delimited_bad(r, error, FAULT_ENCODING, true, NULL, NULL, _("text contains a null byte"));
	return false;
}

static const DelimitedFormat fixed_format = {
	.decode = decode_nothing,
	.split = split_record,
	.bad_cr = gettext_noop("literal carriage return found in data"),
	.bad_lf = gettext_noop("literal newline found in data")
};

RecordReader *
fixed_reader_create(ByteSource *source, const FormatOptions *options,
					const RecordColumn *columns, int ncolumns, const RecordStart *start)
{
	FixedReader *r;
	int			nwidths;
	int		   *widths = fixed_widths(options, &nwidths);

	if ((nwidths < ncolumns && options->missing_fields == RAGGED_ERROR) ||
		(nwidths > ncolumns && options->extra_fields == RAGGED_ERROR))
		ereport(ERROR,
				errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				errmsg("option \"fixedwidth\" describes %d fields, but there are %d columns",
					   nwidths, ncolumns));
	r = (FixedReader *) delimited_create(sizeof(FixedReader), &fixed_format, '\0',
										 source, options, columns, ncolumns, start);
	r->nwidths = nwidths;
	r->widths = widths;
	r->base.split = true;
	return &r->base.base;
}
