/*-------------------------------------------------------------------------
 *
 * unit_csv.c
 *		The CSV reader, the CSV writer and the text source as SQL functions.
 *
 * IDENTIFICATION
 *		test/unit/unit_csv.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "format/csv.h"
#include "format/encoding.h"
#include "format/scan.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "unit.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(unit_csv_read);
PG_FUNCTION_INFO_V1(unit_csv_trace);
PG_FUNCTION_INFO_V1(unit_csv_write);
PG_FUNCTION_INFO_V1(unit_csv_rate);
PG_FUNCTION_INFO_V1(unit_csv_long);
PG_FUNCTION_INFO_V1(unit_csv_scan);
PG_FUNCTION_INFO_V1(unit_text);

/* A ByteSource that repeats the same bytes, in place. */
typedef struct RepeatSource
{
	ByteSource	base;
	const char *data;			/* borrowed, padded */
	Size		len;
	Size		left;			/* bytes still to come */
	Size		pos;
	Size		piece;
} RepeatSource;

static bool
repeat_next(ByteSource *self, const char **data, Size *len)
{
	RepeatSource *src = (RepeatSource *) self;

	if (src->left == 0)
		return false;
	if (src->pos == src->len)
		src->pos = 0;
	*len = Min(Min(src->piece, src->left), src->len - src->pos);
	*data = src->data + src->pos;
	src->pos += *len;
	src->left -= *len;
	return true;
}

static void
repeat_close(ByteSource *self)
{
}

static const ByteSourceOps repeat_ops = {
	.next = repeat_next,
	.close = repeat_close
};

static char *
text_arg(FunctionCallInfo fcinfo, int argno)
{
	return PG_ARGISNULL(argno) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(argno));
}

/* An array of booleans; missing elements are missing. */
static bool *
bools_arg(FunctionCallInfo fcinfo, int argno, int n, bool missing)
{
	bool	   *out = palloc(sizeof(bool) * (n + 1));
	Datum	   *values = NULL;
	bool	   *nulls = NULL;
	int			nvalues = 0;

	if (!PG_ARGISNULL(argno))
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(argno), BOOLOID, 1, true,
						  TYPALIGN_CHAR, &values, &nulls, &nvalues);
	for (int i = 0; i < n; i++)
		out[i] = i < nvalues ? DatumGetBool(values[i]) : missing;
	return out;
}

/* Arguments delimiter, quote, escape, null and header, from argno on. */
static FormatOptions *
options_arg(FunctionCallInfo fcinfo, int argno)
{
	FormatOptions *options = palloc0(sizeof(FormatOptions));
	char	   *header = text_arg(fcinfo, argno + 4);

	options->format = FORMAT_CSV;
	options->max_record_size = MaxAllocSize;
	options->encoding = -1;
	options->delimiter = text_arg(fcinfo, argno);
	options->quote = text_arg(fcinfo, argno + 1);
	options->escape = text_arg(fcinfo, argno + 2);
	if (options->escape == NULL)
		options->escape = options->quote;
	options->null = text_arg(fcinfo, argno + 3);
	options->header = header == NULL || strcmp(header, "false") == 0 ? HEADER_FALSE :
		strcmp(header, "match") == 0 ? HEADER_MATCH : HEADER_TRUE;
	return options;
}

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

static Datum
text_array(Datum *values, bool *nulls, int n)
{
	int			dim = n;
	int			lower = 1;

	return PointerGetDatum(construct_md_array(values, nulls, n == 0 ? 0 : 1,
											  &dim, &lower, TEXTOID, -1, false,
											  TYPALIGN_INT));
}

static Datum
string_or_null(const char *s, bool *isnull)
{
	*isnull = s == NULL;
	return s ? CStringGetTextDatum(s) : (Datum) 0;
}

/*
 * Arguments: data bytea, delimiter, quote, escape, "null", header text,
 * columns text[], needed bool[], force_not_null bool[], force_null bool[],
 * piece int, encoding text.  Null encoding: read the bytes as they are.
 *
 * read: the fields of each record; a bad record is raised as an error.
 * trace: the line, "ok" and the fields, or the line, "bad" or "fatal",
 * SQLSTATE, message, detail and hint; on to the end in any case.
 */
static void
read_csv(FunctionCallInfo fcinfo, bool trace)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	FormatOptions *options = options_arg(fcinfo, 1);
	int			ncolumns;
	char	  **names = strings_arg(fcinfo, 6, &ncolumns);
	bool	   *needed = bools_arg(fcinfo, 7, ncolumns, true);
	bool	   *force_not_null = bools_arg(fcinfo, 8, ncolumns, false);
	bool	   *force_null = bools_arg(fcinfo, 9, ncolumns, false);
	char	   *encoding = text_arg(fcinfo, 11);
	RecordColumn *columns = palloc0(sizeof(RecordColumn) * (ncolumns + 1));
	Datum	   *values = palloc0(sizeof(Datum) * (ncolumns + 6));
	bool	   *nulls = palloc0(sizeof(bool) * (ncolumns + 6));
	RecordStart start = {.at_beginning = true};
	ByteSource *source;
	RecordReader *reader;
	Record		record;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	for (int i = 0; i < ncolumns; i++)
	{
		columns[i].name = names[i];
		columns[i].needed = needed[i];
		columns[i].force_not_null = force_not_null[i];
		columns[i].force_null = force_null[i];
	}
	start.has_header = options->header != HEADER_FALSE;
	source = unit_source_create(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data),
								PG_GETARG_INT32(10));
	if (encoding)
		source = text_source_create(source, pg_char_to_encoding(encoding), true);
	reader = csv_reader_create(source, options, columns, ncolumns, &start);
	for (;;)
	{
		RecordStatus status = record_reader_next(reader, &record);
		int			n = trace ? 2 : 0;
		Datum		row;
		bool		rownull = false;

		CHECK_FOR_INTERRUPTS();
		if (status == RECORD_END)
			break;
		if (trace)
		{
			values[0] = CStringGetTextDatum(psprintf(UINT64_FORMAT, record_reader_line(reader)));
			values[1] = CStringGetTextDatum(status == RECORD_OK ? "ok" :
											record.error.fatal ? "fatal" : "bad");
			nulls[0] = nulls[1] = false;
		}
		if (status == RECORD_OK)
		{
			for (int i = 0; i < ncolumns; i++, n++)
			{
				RecordField *field = &record.fields[i];

				nulls[n] = !needed[i] || field->data == NULL;
				if (!nulls[n])
					values[n] = PointerGetDatum(cstring_to_text_with_len(field->data, field->len));
			}
		}
		else if (trace)
		{
			values[2] = CStringGetTextDatum(unpack_sql_state(record.error.sqlerrcode));
			nulls[2] = false;
			values[3] = string_or_null(record.error.message, &nulls[3]);
			values[4] = string_or_null(record.error.detail, &nulls[4]);
			values[5] = string_or_null(record.error.hint, &nulls[5]);
			n = 6;
		}
		else
			ereport(ERROR,
					errcode(record.error.sqlerrcode),
					errmsg_internal("%s", record.error.message),
					record.error.detail ? errdetail_internal("%s", record.error.detail) : 0,
					record.error.hint ? errhint("%s", record.error.hint) : 0);
		row = text_array(values, nulls, n);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &row, &rownull);
	}
	record_reader_close(reader);
	byte_source_close(source);
}

Datum
unit_csv_read(PG_FUNCTION_ARGS)
{
	read_csv(fcinfo, false);
	return (Datum) 0;
}

Datum
unit_csv_trace(PG_FUNCTION_ARGS)
{
	read_csv(fcinfo, true);
	return (Datum) 0;
}

/*
 * unit_csv_write(fields text[], columns text[], delimiter, quote, escape,
 * "null", header text, force_quote bool[], numbers bool): bytea.  fields are
 * those of all records, one after another.
 */
Datum
unit_csv_write(PG_FUNCTION_ARGS)
{
	int			nfields;
	char	  **fields = strings_arg(fcinfo, 0, &nfields);
	int			ncolumns;
	char	  **names = strings_arg(fcinfo, 1, &ncolumns);
	FormatOptions *options = options_arg(fcinfo, 2);
	bool		numbers = PG_GETARG_BOOL(8);
	StringInfoData out;
	CsvWriter  *writer;

	initStringInfo(&out);
	writer = csv_writer_create(&out, options, ncolumns,
							   PG_ARGISNULL(7) ? NULL :
							   bools_arg(fcinfo, 7, ncolumns, false));
	if (options->header != HEADER_FALSE)
		csv_write_header(writer, (const char *const *) names);
	for (int i = 0; i < nfields; i++)
	{
		int			col = i % ncolumns;

		if (fields[i] && numbers)
			csv_write_number(writer, col, fields[i], strlen(fields[i]));
		else
			csv_write_field(writer, col, fields[i], fields[i] ? strlen(fields[i]) : 0);
		if (col == ncolumns - 1)
			csv_end_record(writer);
	}
	PG_RETURN_BYTEA_P(cstring_to_text_with_len(out.data, out.len));
}

/*
 * unit_csv_rate(lines bytea, megabytes int, ncolumns int, needed bool[],
 * piece int, verify bool): text, with the number of records and the speed of
 * reading lines over and over.
 */
Datum
unit_csv_rate(PG_FUNCTION_ARGS)
{
	bytea	   *lines = PG_GETARG_BYTEA_PP(0);
	Size		len = VARSIZE_ANY_EXHDR(lines);
	Size		total = (Size) PG_GETARG_INT32(1) * 1000000 / len * len;
	int			ncolumns = PG_GETARG_INT32(2);
	bool	   *needed = bools_arg(fcinfo, 3, ncolumns, false);
	RecordColumn *columns = palloc0(sizeof(RecordColumn) * (ncolumns + 1));
	FormatOptions options = {
		.delimiter = ",", .quote = "\"", .escape = "\"", .null = "",
		.max_record_size = MaxAllocSize
	};
	RecordStart from = {.at_beginning = true};
	RepeatSource repeat = {.base.ops = &repeat_ops};
	char	   *data = palloc(len + STREAM_PADDING);
	ByteSource *source = &repeat.base;
	RecordReader *reader;
	Record		record;
	RecordStatus status;
	uint64		nrecords = 0;
	uint64		nbytes = 0;
	instr_time	start;
	instr_time	duration;

	memcpy(data, VARDATA_ANY(lines), len);
	repeat.data = data;
	repeat.len = len;
	repeat.left = total;
	repeat.piece = PG_GETARG_INT32(4);
	for (int i = 0; i < ncolumns; i++)
	{
		columns[i].name = "c";
		columns[i].needed = needed[i];
	}
	INSTR_TIME_SET_CURRENT(start);
	if (PG_GETARG_BOOL(5))
		source = text_source_create(source, -1, true);
	reader = csv_reader_create(source, &options, columns, ncolumns, &from);
	while ((status = record_reader_next(reader, &record)) == RECORD_OK)
	{
		nrecords++;
		for (int i = 0; i < ncolumns; i++)
		{
			if (needed[i])
				nbytes += record.fields[i].len;
		}
	}
	if (status == RECORD_BAD)
		elog(ERROR, "line " UINT64_FORMAT ": %s", record_reader_line(reader), record.error.message);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(UINT64_FORMAT " records, " UINT64_FORMAT " bytes of fields, %.2f GB/s",
											  nrecords, nbytes,
											  total / INSTR_TIME_GET_DOUBLE(duration) / 1e9)));
}

/*
 * unit_csv_long(bytes int8, quoted bool): how the reader ends on a record of so
 * many bytes in one column, before a second record of one byte.
 */
Datum
unit_csv_long(PG_FUNCTION_ARGS)
{
	RecordStart start = {.at_beginning = true};
	RepeatSource repeat = {.base.ops = &repeat_ops};
	FormatOptions options = {
		.delimiter = ",", .quote = "\"", .escape = "\"", .null = "",
		.max_record_size = MaxAllocSize
	};
	RecordColumn column = {.name = "c"};
	char	   *data = palloc(65536 + STREAM_PADDING);
	RecordReader *reader;
	Record		record;
	RecordStatus status;
	StringInfoData out;

	memset(data, PG_GETARG_BOOL(1) ? '\n' : 'x', 65536 + STREAM_PADDING);
	if (PG_GETARG_BOOL(1))
		data[0] = data[1] = data[2] = '"';
	repeat.data = data;
	repeat.len = 65536;
	repeat.left = PG_GETARG_INT64(0);
	repeat.piece = 65536;
	reader = csv_reader_create(&repeat.base, &options, &column, 1, &start);
	initStringInfo(&out);
	while ((status = record_reader_next(reader, &record)) != RECORD_END)
		appendStringInfo(&out, "%s%s", out.len > 0 ? "; " : "",
						 status == RECORD_OK ? "ok" : record.error.message);
	record_reader_close(reader);
	PG_RETURN_TEXT_P(cstring_to_text(out.data));
}

static bool
same_masks(const ScanMasks *a, const ScanMasks *b, Size len)
{
	Size		size = (len + SCAN_BLOCK - 1) / SCAN_BLOCK * sizeof(uint64);

	return memcmp(a->delimiter, b->delimiter, size) == 0 &&
		memcmp(a->quote, b->quote, size) == 0 &&
		memcmp(a->parity, b->parity, size) == 0 &&
		memcmp(a->cr, b->cr, size) == 0 &&
		memcmp(a->lf, b->lf, size) == 0 &&
		a->crs == b->crs && a->lfs == b->lfs;
}

/*
 * unit_csv_scan(data bytea): whether all instruction sets find the same, for
 * every start and length.
 */
Datum
unit_csv_scan(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	Size		len = Min(VARSIZE_ANY_EXHDR(bytes), SCAN_WINDOW * SCAN_BLOCK);
	char	   *data = palloc(len + STREAM_PADDING);
	ScanFunction others[] = {
		scan_choose(),
#if SCAN_X86
		scan_sse2,
#endif
	};
	ScanMasks  *want = palloc(sizeof(ScanMasks));
	ScanMasks  *got = palloc(sizeof(ScanMasks));

	memcpy(data, VARDATA_ANY(bytes), len);
	memset(data + len, '"', STREAM_PADDING);
	for (Size start = 0; start < Min(len, SCAN_BLOCK); start++)
	{
		for (Size n = 1; n <= len - start; n++)
		{
			scan_portable(data + start, n, ',', '"', want);
			for (Size i = 0; i < n; i++)
			{
				if ((want->quote[i / 64] >> (i % 64) & 1) != (data[start + i] == '"'))
					PG_RETURN_BOOL(false);
			}
			for (int f = 0; f < (int) lengthof(others); f++)
			{
				others[f] (data + start, n, ',', '"', got);
				if (!same_masks(want, got, n))
					PG_RETURN_BOOL(false);
			}
		}
	}
	PG_RETURN_BOOL(true);
}

/*
 * unit_text(data bytea, encoding text, piece int): bytea[], the pieces that a
 * text source makes of data.
 */
Datum
unit_text(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	char	   *encoding = text_arg(fcinfo, 1);
	ByteSource *source;
	ArrayBuildState *state = NULL;
	const char *data;
	Size		len;

	source = unit_source_create(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes),
								PG_GETARG_INT32(2));
	source = text_source_create(source, encoding ? pg_char_to_encoding(encoding) : -1, true);
	while (byte_source_next(source, &data, &len))
	{
		if (len == 0)
			elog(ERROR, "empty piece");
		state = accumArrayResult(state, PointerGetDatum(cstring_to_text_with_len(data, len)),
								 false, BYTEAOID, CurrentMemoryContext);
	}
	byte_source_close(source);
	if (state == NULL)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(BYTEAOID));
	PG_RETURN_DATUM(makeArrayResult(state, CurrentMemoryContext));
}
