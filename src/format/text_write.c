/*-------------------------------------------------------------------------
 *
 * text_write.c
 *		Write text records, byte for byte as COPY ... TO (FORMAT text), or as
 *		Redshift's UNLOAD.
 *
 * A byte that means something between fields, or has a short name, goes out
 * behind a backslash.  Nothing is kept between calls: every byte is in the
 * output when a call returns.
 *
 * Redshift's text is another: bytes stand for themselves, unless ESCAPE puts a
 * backslash before those that COPY ... ESCAPE has to take literally; there are
 * no short names.  ADDQUOTES puts quotes around all fields but NULL, so that
 * the null text between quotes is a value.
 *
 * IDENTIFICATION
 *		src/format/text_write.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/append.h"
#include "format/text.h"
#include "mb/pg_wchar.h"

struct TextWriter
{
	StringInfo	out;			/* borrowed */
	int			ncolumns;
	char		delimiter;
	char	   *null;			/* owned */
	Size		null_len;
	bool		numbers_plain;	/* no number has the delimiter in it */
	char		escaped[256];	/* what comes behind the backslash, or 0 if a
								 * byte stands for itself */
	int			embedding;		/* encoding of the file if bytes of its longer
								 * characters may look like ASCII, else -1 */
	bool		quoted;			/* all fields, by Redshift's rules */
};

/* What comes behind the backslash, by COPY's rules. */
static void
choose_escapes(TextWriter *writer)
{
	static const char names[][2] = {
		{'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}, {'\v', 'v'},
		{'\\', '\\'}
	};

	/* A delimiter that has a short name is written by it, as COPY does. */
	writer->escaped[(unsigned char) writer->delimiter] = writer->delimiter;
	for (int i = 0; i < (int) lengthof(names); i++)
		writer->escaped[(unsigned char) names[i][0]] = names[i][1];

	/* A delimiter is no digit, no dot and no lower-case letter. */
	writer->numbers_plain = strchr("+-", writer->delimiter) == NULL;
}

/* The same by Redshift's. */
static void
choose_redshift_escapes(TextWriter *writer, const RedshiftFormat *redshift)
{
	const char	bytes[] = {'\n', '\r', '\\', writer->delimiter, '"', '\''};
	int			n = redshift->add_quotes ? 6 : 4;

	if (redshift->escape)
	{
		for (int i = 0; i < n; i++)
			writer->escaped[(unsigned char) bytes[i]] = bytes[i];
	}
	writer->quoted = redshift->add_quotes;
	writer->numbers_plain = !writer->quoted &&
		(!redshift->escape || strchr("0123456789+-.", writer->delimiter) == NULL);
}

TextWriter *
text_writer_create(StringInfo out, const FormatOptions *options, int ncolumns)
{
	TextWriter *writer = palloc0(sizeof(TextWriter));

	writer->out = out;
	writer->ncolumns = ncolumns;
	writer->delimiter = options->delimiter[0];
	writer->null = pstrdup(options->null);
	writer->null_len = options->redshift.null_is_nul ? 1 : strlen(writer->null);
	writer->embedding = options->encoding >= 0 &&
		PG_ENCODING_IS_CLIENT_ONLY(options->encoding) ? options->encoding : -1;
	if (options->redshift.on)
		choose_redshift_escapes(writer, &options->redshift);
	else
		choose_escapes(writer);
	return writer;
}

/* Length of the character at data, as far as it matters here. */
static inline Size
char_len(const TextWriter *writer, const char *data)
{
	if (likely(writer->embedding < 0) || !IS_HIGHBIT_SET(*data))
		return 1;
	return pg_encoding_mblen(writer->embedding, data);
}

static inline void
put_delimiter(const TextWriter *writer, int col)
{
	if (col > 0)
		append_char(writer->out, writer->delimiter);
}

void
text_write_field(TextWriter *writer, int col, const char *data, Size len)
{
	StringInfo	out = writer->out;
	Size		start = 0;

	put_delimiter(writer, col);
	if (data == NULL)
	{
		append_bytes(out, writer->null, writer->null_len);
		return;
	}
	if (unlikely(writer->quoted))
		append_char(out, '"');
	for (Size i = 0; i < len; i += char_len(writer, data + i))
	{
		char		name = writer->escaped[(unsigned char) data[i]];

		if (likely(name == 0))
			continue;
		append_bytes(out, data + start, i - start);
		append_char(out, '\\');
		append_char(out, name);
		start = i + 1;
	}
	append_bytes(out, data + start, len - start);
	if (unlikely(writer->quoted))
		append_char(out, '"');
}

void
text_write_number(TextWriter *writer, int col, const char *data, Size len)
{
	if (unlikely(!writer->numbers_plain))
	{
		text_write_field(writer, col, data, len);
		return;
	}
	put_delimiter(writer, col);
	append_bytes(writer->out, data, len);
}

void
text_write_header(TextWriter *writer, const char *const *names)
{
	for (int col = 0; col < writer->ncolumns; col++)
		text_write_field(writer, col, names[col], strlen(names[col]));
	text_end_record(writer);
}

void
text_end_record(TextWriter *writer)
{
	append_char(writer->out, '\n');
}
