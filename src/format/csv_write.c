/*-------------------------------------------------------------------------
 *
 * csv_write.c
 *		Write CSV records, byte for byte as COPY ... TO (FORMAT csv), or as
 *		Redshift's UNLOAD.
 *
 * The caller gives the fields of a line in order, from column 0 to the last,
 * then ends the record.  Nothing is kept between calls: every byte is in the
 * output when a call returns.
 *
 * IDENTIFICATION
 *		src/format/csv_write.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/append.h"
#include "format/csv.h"
#include "mb/pg_wchar.h"

struct CsvWriter
{
	StringInfo	out;			/* borrowed */
	int			ncolumns;
	char		delimiter;
	char		quote;
	char		escape;
	char	   *null;			/* owned */
	Size		null_len;
	bool	   *force_quote;	/* owned; one per column, or NULL */
	bool		numbers_plain;	/* no number can need quotes */
	bool		redshift;		/* UNLOAD's rule for quotes */
	bool		special[256];	/* bytes that make quotes needed */
	bool		escaped[256];	/* bytes to escape between quotes */
	int			embedding;		/* encoding of the file if bytes of its longer
								 * characters may look like ASCII, else -1 */
};

#define NUMBER_BYTES "0123456789+-."

CsvWriter *
csv_writer_create(StringInfo out, const FormatOptions *options,
				  int ncolumns, const bool *force_quote)
{
	CsvWriter  *writer = palloc0(sizeof(CsvWriter));

	writer->out = out;
	writer->ncolumns = ncolumns;
	writer->delimiter = options->delimiter[0];
	writer->quote = options->quote[0];
	writer->escape = options->escape ? options->escape[0] : writer->quote;
	writer->null = pstrdup(options->null);
	writer->null_len = options->redshift.null_is_nul ? 1 : strlen(writer->null);
	writer->redshift = options->redshift.on;
	if (force_quote)
	{
		writer->force_quote = palloc(sizeof(bool) * (ncolumns + 1));
		memcpy(writer->force_quote, force_quote, sizeof(bool) * ncolumns);
	}
	writer->embedding = options->encoding >= 0 &&
		PG_ENCODING_IS_CLIENT_ONLY(options->encoding) ? options->encoding : -1;
	writer->special[(unsigned char) writer->delimiter] = true;
	writer->special[(unsigned char) writer->quote] = true;
	writer->special['\n'] = true;
	writer->special['\r'] = true;
	writer->escaped[(unsigned char) writer->quote] = true;
	writer->escaped[(unsigned char) writer->escape] = true;
	writer->numbers_plain = strchr(NUMBER_BYTES, writer->delimiter) == NULL &&
		strchr(NUMBER_BYTES, writer->quote) == NULL &&
		(writer->null_len == 0 ||
		 strspn(writer->null, NUMBER_BYTES) < writer->null_len);
	return writer;
}

/* Length of the character at data, as far as it matters here. */
static inline Size
char_len(const CsvWriter *writer, const char *data)
{
	if (likely(writer->embedding < 0) || !IS_HIGHBIT_SET(*data))
		return 1;
	return pg_encoding_mblen(writer->embedding, data);
}

/*
 * COPY's rule for when a value is put between quotes without being told to.
 * UNLOAD's is another only where COPY's files are not its: the empty string is
 * not quoted, and "\." means nothing.
 */
static bool
needs_quotes(const CsvWriter *writer, const char *data, Size len)
{
	/* a value that could be taken for NULL */
	if (len == writer->null_len && memcmp(data, writer->null, len) == 0 &&
		!(writer->redshift && len == 0))
		return true;

	/* a line that could be taken for the end of the file */
	if (writer->ncolumns == 1 && len == 2 && data[0] == '\\' && data[1] == '.' &&
		!writer->redshift)
		return true;

	for (Size i = 0; i < len; i += char_len(writer, data + i))
	{
		if (writer->special[(unsigned char) data[i]])
			return true;
	}
	return false;
}

static void
put_quoted(const CsvWriter *writer, const char *data, Size len)
{
	StringInfo	out = writer->out;
	Size		start = 0;

	append_char(out, writer->quote);
	for (Size i = 0; i < len; i += char_len(writer, data + i))
	{
		if (writer->escaped[(unsigned char) data[i]])
		{
			append_bytes(out, data + start, i - start);
			append_char(out, writer->escape);
			start = i;
		}
	}
	append_bytes(out, data + start, len - start);
	append_char(out, writer->quote);
}

static inline void
put_value(CsvWriter *writer, const char *data, Size len, bool force_quote)
{
	if (force_quote || needs_quotes(writer, data, len))
		put_quoted(writer, data, len);
	else
		append_bytes(writer->out, data, len);
}

void
csv_write_header(CsvWriter *writer, const char *const *names)
{
	for (int col = 0; col < writer->ncolumns; col++)
	{
		if (col > 0)
			append_char(writer->out, writer->delimiter);
		/* FORCE_QUOTE is for values only. */
		put_value(writer, names[col], strlen(names[col]), false);
	}
	csv_end_record(writer);
}

void
csv_write_field(CsvWriter *writer, int col, const char *data, Size len)
{
	if (col > 0)
		append_char(writer->out, writer->delimiter);
	if (data == NULL)
		append_bytes(writer->out, writer->null, writer->null_len);
	else
		put_value(writer, data, len,
				  writer->force_quote && writer->force_quote[col]);
}

void
csv_write_number(CsvWriter *writer, int col, const char *data, Size len)
{
	Assert(data != NULL);
	if (!writer->numbers_plain || writer->force_quote)
	{
		csv_write_field(writer, col, data, len);
		return;
	}
	if (col > 0)
		append_char(writer->out, writer->delimiter);
	append_bytes(writer->out, data, len);
}

void
csv_end_record(CsvWriter *writer)
{
	append_char(writer->out, '\n');
}
