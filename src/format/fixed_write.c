/*-------------------------------------------------------------------------
 *
 * fixed_write.c
 *		Write records of columns of fixed width.
 *
 * A value stands at the left of its column, blanks behind it.  What a reader
 * could not find again is an error: a value longer than its column, and one
 * with the end of a line in it.  Blanks at the end of a value are lost.  By
 * Redshift's rules, a null text too long for a column that holds no strings is
 * left out.
 *
 * IDENTIFICATION
 *		src/format/fixed_write.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/append.h"
#include "format/fixed.h"
#include "mb/pg_wchar.h"

struct FixedWriter
{
	StringInfo	out;			/* borrowed */
	int			ncolumns;
	const char *const *names;	/* borrowed */
	int		   *widths;			/* owned; in characters */
	char	   *null;			/* owned */
	Size		null_len;
	bool		utf8;			/* the database's encoding */
	const bool *strings;		/* borrowed; which columns hold them, by
								 * Redshift's rules, else NULL */
};

FixedWriter *
fixed_writer_create(StringInfo out, const FormatOptions *options,
					int ncolumns, const char *const *names, const bool *strings)
{
	FixedWriter *writer = palloc0(sizeof(FixedWriter));
	int			nwidths;

	writer->out = out;
	writer->ncolumns = ncolumns;
	writer->names = names;
	writer->strings = strings;
	writer->widths = fixed_widths(options, &nwidths);
	writer->null = pstrdup(options->null);
	writer->null_len = strlen(writer->null);
	writer->utf8 = GetDatabaseEncoding() == PG_UTF8;
	if (nwidths != ncolumns)
		ereport(ERROR,
				errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				errmsg("option \"fixedwidth\" describes %d fields, but there are %d columns",
					   nwidths, ncolumns));
	return writer;
}

static void
report_too_long(const FixedWriter *writer, int col, int characters)
{
	ereport(ERROR,
			errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
			errmsg("value too long for column \"%s\" of width %d",
				   writer->names[col], writer->widths[col]),
			errdetail("It has %d characters.", characters),
			errhint("Give the column a larger width in the option \"fixedwidth\"."));
}

static void
report_line_end(const FixedWriter *writer, int col)
{
	ereport(ERROR,
			errcode(ERRCODE_DATA_EXCEPTION),
			errmsg("value of column \"%s\" contains the end of a line", writer->names[col]),
			errdetail("Format \"fixedwidth\" has no way to write it."));
}

/* Characters of valid text; in UTF-8, bytes that begin one. */
static int
count_characters(const FixedWriter *writer, const char *data, Size len)
{
	int			n = 0;

	if (!writer->utf8)
		return pg_mbstrlen_with_len(data, (int) len);
	for (Size i = 0; i < len; i++)
		n += ((unsigned char) data[i] & 0xC0) != 0x80;
	return n;
}

void
fixed_write_field(FixedWriter *writer, int col, const char *data, Size len)
{
	StringInfo	out = writer->out;
	int			width = writer->widths[col];
	int			characters;

	if (data == NULL)
	{
		data = writer->null;
		len = writer->null_len;
	}
	else if (memchr(data, '\n', len) || memchr(data, '\r', len))
		report_line_end(writer, col);
	characters = count_characters(writer, data, len);
	if (characters > width && data == writer->null && writer->strings && !writer->strings[col])
		characters = len = 0;
	if (characters > width)
		report_too_long(writer, col, characters);
	append_bytes(out, data, len);
	append_blanks(out, width - characters);
}

void
fixed_write_header(FixedWriter *writer)
{
	for (int col = 0; col < writer->ncolumns; col++)
		fixed_write_field(writer, col, writer->names[col], strlen(writer->names[col]));
	fixed_end_record(writer);
}

void
fixed_end_record(FixedWriter *writer)
{
	append_char(writer->out, '\n');
}
