/*-------------------------------------------------------------------------
 *
 * export_rows.c
 *		Rows to the bytes of COPY TO.
 *
 * CSV and text are the format layer's.  The binary format is written here: a
 * signature and two words, each row as the number of its fields and the length
 * and bytes of each, -1 in place of a further row.  Numbers are big-endian.
 *
 * Invariant: with the same options the bytes are those of COPY (query) TO.
 *
 * IDENTIFICATION
 *		src/aws/export_rows.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "aws/aws.h"
#include "base/compat.h"
#include "format/tuple.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/lsyscache.h"

struct AwsRowWriter
{
	TupleDesc	desc;			/* borrowed */
	StringInfo	out;			/* borrowed */

	/* CSV and text; else NULL */
	FormatOptions format;
	TupleWriter *text;

	/* binary: of each column */
	FmgrInfo   *functions;
};

static void
set_format(FormatOptions *format, const CopyFormatOptions *options)
{
	format->format = options->csv_mode ? FORMAT_CSV : FORMAT_TEXT;
	format->compression = COMPRESSION_NONE;
	format->encoding = options->file_encoding >= 0 ? options->file_encoding :
		pg_get_client_encoding();
	format->header = options->header_line ? HEADER_TRUE : HEADER_FALSE;
	format->delimiter = options->delim;
	format->quote = options->quote;
	format->escape = options->escape;
	format->null = options->null_print;
}

/* FORCE_QUOTE as flags by column, or NULL; faults as COPY words them. */
static bool *
force_quote(TupleDesc desc, const CopyFormatOptions *options)
{
	bool	   *flags;
	ListCell   *lc;

	if (!options->force_quote_all && options->force_quote == NIL)
		return NULL;
	flags = palloc0(Max(desc->natts, 1) * sizeof(bool));
	if (options->force_quote_all)
		memset(flags, true, desc->natts * sizeof(bool));
	else
	{
		foreach(lc, CopyGetAttnums(desc, NULL, options->force_quote))
			flags[lfirst_int(lc) - 1] = true;
	}
	return flags;
}

AwsRowWriter *
aws_row_writer_create(TupleDesc desc, const CopyFormatOptions *options, StringInfo out)
{
	AwsRowWriter *writer = palloc0(sizeof(AwsRowWriter));

	writer->desc = desc;
	writer->out = out;
	if (!options->binary)
	{
		set_format(&writer->format, options);
		writer->text = tuple_writer_create(desc, &writer->format, force_quote(desc, options), out);
		return writer;
	}

	writer->functions = palloc(Max(desc->natts, 1) * sizeof(FmgrInfo));
	for (int i = 0; i < desc->natts; i++)
	{
		Oid			function;
		bool		varlena;

		getTypeBinaryOutputInfo(TupleDescAttr(desc, i)->atttypid, &function, &varlena);
		fmgr_info(function, &writer->functions[i]);
	}
	return writer;
}

void
aws_row_writer_begin(AwsRowWriter *writer)
{
	static const char signature[11] = "PGCOPY\n\377\r\n\0";

	if (writer->text)
	{
		tuple_write_header(writer->text);
		return;
	}
	appendBinaryStringInfo(writer->out, signature, sizeof(signature));
	pq_sendint32(writer->out, 0);	/* flags: no oids */
	pq_sendint32(writer->out, 0);	/* length of an extension of this header */
}

void
aws_row_writer_row(AwsRowWriter *writer, TupleTableSlot *slot)
{
	if (writer->text)
	{
		tuple_write(writer->text, slot);
		return;
	}
	slot_getallattrs(slot);
	pq_sendint16(writer->out, writer->desc->natts);
	for (int i = 0; i < writer->desc->natts; i++)
	{
		bytea	   *value;

		if (slot->tts_isnull[i])
		{
			pq_sendint32(writer->out, -1);
			continue;
		}
		value = SendFunctionCall(&writer->functions[i], slot->tts_values[i]);
		pq_sendint32(writer->out, VARSIZE(value) - VARHDRSZ);
		appendBinaryStringInfo(writer->out, VARDATA(value), VARSIZE(value) - VARHDRSZ);
	}
}

void
aws_row_writer_end(AwsRowWriter *writer)
{
	if (writer->text == NULL)
		pq_sendint16(writer->out, -1);
}
