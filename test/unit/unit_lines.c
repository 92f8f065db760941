/*-------------------------------------------------------------------------
 *
 * unit_lines.c
 *		The readers of CSV, text and fixed-width files with all their options,
 *		as SQL functions.
 *
 * IDENTIFICATION
 *		test/unit/unit_lines.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "format/csv.h"
#include "format/encoding.h"
#include "format/fixed.h"
#include "format/text.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "unit.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(unit_lines);
PG_FUNCTION_INFO_V1(unit_lines_header);
PG_FUNCTION_INFO_V1(unit_lines_count);

static char **
strings_arg(FunctionCallInfo fcinfo, int argno, int *n)
{
	Datum	   *values;
	bool	   *nulls;
	char	  **out;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argno), TEXTOID, -1, false,
					  TYPALIGN_INT, &values, &nulls, n);
	out = palloc(sizeof(char *) * (*n + 1));
	for (int i = 0; i < *n; i++)
		out[i] = nulls[i] ? NULL : TextDatumGetCString(values[i]);
	return out;
}

/* Options as names and values in turn, without any check. */
static FormatOptions *
options_arg(FunctionCallInfo fcinfo, int argno)
{
	FormatOptions *options = palloc0(sizeof(FormatOptions));
	int			n;
	char	  **words = strings_arg(fcinfo, argno, &n);

	options->encoding = -1;
	options->max_record_size = MaxAllocSize;
	options->quote = "\"";
	for (int i = 0; i + 1 < n; i += 2)
	{
		const char *name = words[i];
		char	   *value = words[i + 1];

		if (strcmp(name, "format") == 0)
			options->format = strcmp(value, "csv") == 0 ? FORMAT_CSV :
				strcmp(value, "text") == 0 ? FORMAT_TEXT : FORMAT_FIXEDWIDTH;
		else if (strcmp(name, "header") == 0)
			options->header = strcmp(value, "match") == 0 ? HEADER_MATCH :
				strcmp(value, "true") == 0 ? HEADER_TRUE : HEADER_FALSE;
		else if (strcmp(name, "match_by") == 0)
			options->match_by = strcmp(value, "name") == 0 ? MATCH_BY_NAME : MATCH_BY_POSITION;
		else if (strcmp(name, "skip_lines") == 0)
			options->skip_lines = atoi(value);
		else if (strcmp(name, "max_record_size") == 0)
			options->max_record_size = atoi(value);
		else if (strcmp(name, "missing_fields") == 0)
			options->missing_fields = strcmp(value, "null") == 0 ? RAGGED_ACCEPT : RAGGED_ERROR;
		else if (strcmp(name, "extra_fields") == 0)
			options->extra_fields = strcmp(value, "ignore") == 0 ? RAGGED_ACCEPT : RAGGED_ERROR;
		else if (strcmp(name, "ignore_case") == 0)
			options->ignore_case = strcmp(value, "true") == 0;
		else if (strcmp(name, "tolerant") == 0)
			options->tolerant = strcmp(value, "true") == 0;
		else if (strcmp(name, "comment") == 0)
			options->comment = value;
		else if (strcmp(name, "delimiter") == 0)
			options->delimiter = value;
		else if (strcmp(name, "quote") == 0)
			options->quote = value;
		else if (strcmp(name, "escape") == 0)
			options->escape = value;
		else if (strcmp(name, "null") == 0)
			options->null = value;
		else if (strcmp(name, "default") == 0)
			options->default_text = value;
		else if (strcmp(name, "fixedwidth") == 0)
			options->fixedwidth = value;
		else
			elog(ERROR, "unknown option %s", name);
	}
	if (options->delimiter == NULL)
		options->delimiter = options->format == FORMAT_TEXT ? "\t" : ",";
	if (options->null == NULL)
		options->null = options->format == FORMAT_TEXT ? "\\N" : "";
	if (options->escape == NULL)
		options->escape = options->quote;
	return options;
}

static RecordReader *
create_reader(ByteSource *source, const FormatOptions *options, const RecordColumn *columns,
			  int ncolumns, const RecordStart *start)
{
	switch ((FileFormat) options->format)
	{
		case FORMAT_CSV:
			return csv_reader_create(source, options, columns, ncolumns, start);
		case FORMAT_TEXT:
			return text_reader_create(source, options, columns, ncolumns, start);
		default:
			return fixed_reader_create(source, options, columns, ncolumns, start);
	}
}

static RecordColumn *
columns_arg(FunctionCallInfo fcinfo, int argno, int *ncolumns)
{
	char	  **names = strings_arg(fcinfo, argno, ncolumns);
	RecordColumn *columns = palloc0(sizeof(RecordColumn) * (*ncolumns + 1));
	Datum	   *needed = NULL;
	bool	   *nulls;
	int			nneeded = 0;

	if (!PG_ARGISNULL(argno + 1))
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(argno + 1), BOOLOID, 1, true,
						  TYPALIGN_CHAR, &needed, &nulls, &nneeded);
	for (int i = 0; i < *ncolumns; i++)
	{
		columns[i].name = names[i];
		columns[i].needed = i >= nneeded || DatumGetBool(needed[i]);
	}
	return columns;
}

static Datum
text_array(Datum *values, bool *nulls, int n)
{
	int			dim = n;
	int			lower = 1;

	return PointerGetDatum(construct_md_array(values, nulls, n == 0 ? 0 : 1,
											  &dim, &lower, TEXTOID, -1, false,
											  TYPALIGN_INT));
}

static void
set_text(Datum *values, bool *nulls, int i, const char *s)
{
	nulls[i] = s == NULL;
	if (s)
		values[i] = CStringGetTextDatum(s);
}

/*
 * unit_lines(data bytea, options text[], columns text[], needed bool[],
 * middle text, header text[], piece int, places bool): setof text[].
 *
 * middle: NULL, or the known line end if data begins in the middle of an
 * object; header: names known, or NULL.  Each row is {ok, field...} or {bad or
 * fatal, SQLSTATE, message, detail, hint}, with line and offset before that if
 * places is set.  A field that asks for the default is "<default>".
 */
Datum
unit_lines(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	FormatOptions *options = options_arg(fcinfo, 1);
	int			ncolumns;
	RecordColumn *columns = columns_arg(fcinfo, 2, &ncolumns);
	RecordStart start = {.at_beginning = PG_ARGISNULL(4)};
	RecordHeader header;
	bool		places = PG_GETARG_BOOL(7);
	Datum	   *values = palloc0(sizeof(Datum) * (ncolumns + 8));
	bool	   *nulls = palloc0(sizeof(bool) * (ncolumns + 8));
	ByteSource *source;
	RecordReader *reader;
	Record		record;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	start.has_header = start.at_beginning && options->header != HEADER_FALSE;
	if (!PG_ARGISNULL(4))
	{
		char	   *middle = text_to_cstring(PG_GETARG_TEXT_PP(4));

		start.line_end = strcmp(middle, "LF") == 0 ? LINE_END_LF :
			strcmp(middle, "CR") == 0 ? LINE_END_CR :
			strcmp(middle, "CRLF") == 0 ? LINE_END_CRLF : LINE_END_UNKNOWN;
	}
	if (!PG_ARGISNULL(5))
	{
		header.names = strings_arg(fcinfo, 5, &header.nfields);
		start.header = &header;
	}
	source = unit_source_create(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data),
								PG_GETARG_INT32(6));
	source = text_source_create(source, -1, true);
	reader = create_reader(source, options, columns, ncolumns, &start);
	for (;;)
	{
		RecordStatus status = record_reader_next(reader, &record);
		int			n = 0;
		Datum		row;
		bool		rownull = false;

		CHECK_FOR_INTERRUPTS();
		if (status == RECORD_END)
			break;
		if (places)
		{
			set_text(values, nulls, n++, psprintf(UINT64_FORMAT, record_reader_line(reader)));
			set_text(values, nulls, n++, psprintf(UINT64_FORMAT, record_reader_offset(reader)));
		}
		if (status == RECORD_OK)
		{
			set_text(values, nulls, n++, "ok");
			for (int i = 0; i < ncolumns; i++, n++)
			{
				RecordField *field = &record.fields[i];

				if (!columns[i].needed)
					set_text(values, nulls, n, NULL);
				else if (field->data == NULL)
				{
					if (field->len != 0 && field->len != RECORD_FIELD_DEFAULT)
						elog(ERROR, "NULL has a length");
					set_text(values, nulls, n, field->len == 0 ? NULL : "<default>");
				}
				else
				{
					nulls[n] = false;
					values[n] = PointerGetDatum(cstring_to_text_with_len(field->data, field->len));
				}
			}
		}
		else
		{
			set_text(values, nulls, n++, record.error.fatal ? "fatal" : "bad");
			set_text(values, nulls, n++, unpack_sql_state(record.error.sqlerrcode));
			set_text(values, nulls, n++, record.error.message);
			set_text(values, nulls, n++, record.error.detail);
			set_text(values, nulls, n++, record.error.hint);
		}
		row = text_array(values, nulls, n);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &row, &rownull);
	}
	record_reader_close(reader);
	byte_source_close(source);
	return (Datum) 0;
}

/* unit_lines_header(data bytea, options text[], piece int): text[] */
Datum
unit_lines_header(PG_FUNCTION_ARGS)
{
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	FormatOptions *options = options_arg(fcinfo, 1);
	ByteSource *source = unit_source_create(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data),
											PG_GETARG_INT32(2));
	RecordHeader *header;
	Datum	   *values;
	bool	   *nulls;

	source = text_source_create(source, -1, true);
	header = csv_read_header(source, options);
	byte_source_close(source);
	values = palloc(sizeof(Datum) * (header->nfields + 1));
	nulls = palloc(sizeof(bool) * (header->nfields + 1));
	for (int i = 0; i < header->nfields; i++)
		set_text(values, nulls, i, header->names[i]);
	PG_RETURN_DATUM(text_array(values, nulls, header->nfields));
}

/*
 * unit_lines_count(data bytea, options text[], columns text[], needed bool[],
 * piece int, places bool): bigint, the number of good records; with places, the
 * sum of their lines and offsets.  For measuring.
 */
Datum
unit_lines_count(PG_FUNCTION_ARGS)
{
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	FormatOptions *options = options_arg(fcinfo, 1);
	int			ncolumns;
	RecordColumn *columns = columns_arg(fcinfo, 2, &ncolumns);
	RecordStart start = {.at_beginning = true};
	bool		places = PG_GETARG_BOOL(5);
	ByteSource *source = unit_source_create(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data),
											PG_GETARG_INT32(4));
	RecordReader *reader;
	Record		record;
	RecordStatus status;
	int64		n = 0;

	start.has_header = options->header != HEADER_FALSE;
	reader = create_reader(source, options, columns, ncolumns, &start);
	while ((status = record_reader_next(reader, &record)) != RECORD_END)
	{
		CHECK_FOR_INTERRUPTS();
		if (status == RECORD_BAD)
			elog(ERROR, "%s", record.error.message);
		n += places ? record_reader_line(reader) + record_reader_offset(reader) : 1;
	}
	record_reader_close(reader);
	byte_source_close(source);
	PG_RETURN_INT64(n);
}
