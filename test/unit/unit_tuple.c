/*-------------------------------------------------------------------------
 *
 * unit_tuple.c
 *		Values and rows, from and to text, as SQL functions.
 *
 * IDENTIFICATION
 *		test/unit/unit_tuple.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "format/tuple.h"
#include "format/value.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(unit_value_parse);
PG_FUNCTION_INFO_V1(unit_value_random_floats);
PG_FUNCTION_INFO_V1(unit_type_input);
PG_FUNCTION_INFO_V1(unit_tuple_store);
PG_FUNCTION_INFO_V1(unit_tuple_repeat);
PG_FUNCTION_INFO_V1(unit_tuple_current);
PG_FUNCTION_INFO_V1(unit_tuple_columns);
PG_FUNCTION_INFO_V1(unit_tuple_row);
PG_FUNCTION_INFO_V1(unit_tuple_read);
PG_FUNCTION_INFO_V1(unit_tuple_defaults);
PG_FUNCTION_INFO_V1(unit_tuple_external);
PG_FUNCTION_INFO_V1(unit_tuple_write);
PG_FUNCTION_INFO_V1(unit_tuple_write_table);

/* Memory that a reader or a writer may take over many rows. */
#define MAX_GROWTH (1024 * 1024)

static const FormatOptions csv_format = {.format = FORMAT_CSV};
static const FormatOptions json_format = {.format = FORMAT_JSON};

static Datum
call_input(Oid typid, int32 typmod, char *string)
{
	Oid			function;
	Oid			ioparam;
	FmgrInfo	input;

	getTypeInputInfo(typid, &function, &ioparam);
	fmgr_info(function, &input);
	return InputFunctionCall(&input, string, ioparam, typmod);
}

static text *
call_output(Oid typid, Datum value)
{
	Oid			function;
	bool		varlena;

	getTypeOutputInfo(typid, &function, &varlena);
	return cstring_to_text(OidOutputFunctionCall(function, value));
}

/* A copy without a terminator, followed by what would be seen to be wrong. */
static char *
bare_copy(const char *data, Size len)
{
	char	   *copy = palloc(len + 8);

	memcpy(copy, data, len);
	memcpy(copy + len, "9.9e9:9-", 8);
	return copy;
}

/*
 * unit_value_parse(type regtype, typmod int, value text): what the fast parser
 * makes of the value, NULL if it declines; an error if the input function
 * gives something else, be it in one bit.
 */
Datum
unit_value_parse(PG_FUNCTION_ARGS)
{
	Oid			typid = PG_GETARG_OID(0);
	int32		typmod = PG_GETARG_INT32(1);
	text	   *string = PG_GETARG_TEXT_PP(2);
	Size		len = VARSIZE_ANY_EXHDR(string);
	ValueParser parser;
	Datum		value;
	Datum		expected;
	int16		typlen;
	bool		typbyval;

	value_parser_init(&parser, typid, typmod);
	if (parser.parse == NULL ||
		!parser.parse(&parser, bare_copy(VARDATA_ANY(string), len), len, &value))
		PG_RETURN_NULL();

	expected = call_input(typid, typmod, text_to_cstring(string));
	get_typlenbyval(typid, &typlen, &typbyval);
	if (!datumIsEqual(value, expected, typbyval, typlen))
		elog(ERROR, "fast parser gives \"%s\", input function \"%s\"",
			 text_to_cstring(call_output(typid, value)),
			 text_to_cstring(call_output(typid, expected)));
	PG_RETURN_TEXT_P(call_output(typid, value));
}

static uint64
next_random(uint64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/*
 * unit_value_random_floats(seed int, rounds int): compare the fast parsers of
 * float8 and float4 with strtod() and strtof(), also at and beside points
 * halfway between two floats; returns how many numbers were accepted.
 */
Datum
unit_value_random_floats(PG_FUNCTION_ARGS)
{
	uint64		state = (uint64) PG_GETARG_INT32(0) * UINT64CONST(0x9e3779b97f4a7c15) + 1;
	int			rounds = PG_GETARG_INT32(1);
	int			accepted = 0;
	ValueParser double_parser;
	ValueParser float_parser;

	value_parser_init(&double_parser, FLOAT8OID, -1);
	value_parser_init(&float_parser, FLOAT4OID, -1);
	if (double_parser.parse == NULL || float_parser.parse == NULL)
		PG_RETURN_INT32(0);

	for (int i = 0; i < rounds; i++)
	{
		char		buf[128];
		uint64		digits = next_random(&state) >> (next_random(&state) % 64);
		int			exponent = (int) (next_random(&state) % 60) - 30;
		int			kind = (int) (next_random(&state) % 5);
		Datum		value;

		if (kind == 0)
			snprintf(buf, sizeof(buf), UINT64_FORMAT "e%d", digits, exponent);
		else if (kind == 1)
			snprintf(buf, sizeof(buf), "%.*g", (int) (next_random(&state) % 20),
					 (double) digits / (double) ((next_random(&state) >> 20) + 1));
		else if (kind == 2)
			snprintf(buf, sizeof(buf), "-%.*f", (int) (next_random(&state) % 20),
					 (double) digits / (double) ((next_random(&state) >> 20) + 1));
		else
		{
			/* an odd number of 54 or 25 bits by a small power of two */
			int			bits = kind == 3 ? 54 : 25;
			uint64		half = (digits | 1 | (UINT64CONST(1) << 63)) >> (64 - bits) | 1;
			int			shift = (int) (next_random(&state) % (kind == 3 ? 4 : 20));
			uint64		power = 1;

			/* half / 2^shift, written as half * 5^shift / 10^shift */
			for (int k = 0; k < shift; k++)
				power *= 5;
			if (power > PG_UINT64_MAX / half)
				continue;
			digits = half * power + (next_random(&state) % 3) - 1;
			snprintf(buf, sizeof(buf), UINT64_FORMAT "e-%d", digits, shift);
		}

		if (double_parser.parse(&double_parser, buf, strlen(buf), &value))
		{
			double		expected = strtod(buf, NULL);
			double		result = DatumGetFloat8(value);

			if (memcmp(&expected, &result, sizeof(double)) != 0)
				elog(ERROR, "\"%s\" as double precision gave %.17g", buf, result);
			accepted++;
		}
		if (float_parser.parse(&float_parser, buf, strlen(buf), &value))
		{
			float		expected = strtof(buf, NULL);
			float		result = DatumGetFloat4(value);

			if (memcmp(&expected, &result, sizeof(float)) != 0)
				elog(ERROR, "\"%s\" as real gave %.9g", buf, result);
			accepted++;
		}
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_INT32(accepted);
}

/* unit_type_input(type regtype, typmod int, value text): the type's own answer. */
Datum
unit_type_input(PG_FUNCTION_ARGS)
{
	Oid			typid = PG_GETARG_OID(0);
	char	   *string = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
	Datum		value = call_input(typid, PG_GETARG_INT32(1), string);

	if (string == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(call_output(typid, value));
}

static TupleDesc
one_column(Oid typid, int32 typmod)
{
	TupleDesc	desc = CreateTemplateTupleDesc(1);

	TupleDescInitEntry(desc, 1, "c", typid, typmod, 0);
	return desc;
}

/* unit_tuple_store(type regtype, typmod int, value text): by a TupleReader. */
Datum
unit_tuple_store(PG_FUNCTION_ARGS)
{
	Oid			typid = PG_GETARG_OID(0);
	TupleDesc	desc = one_column(typid, PG_GETARG_INT32(1));
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	bool		needed = true;
	RecordField field = {NULL, 0};
	Record		record = {.fields = &field};

	if (!PG_ARGISNULL(2))
	{
		text	   *string = PG_GETARG_TEXT_PP(2);

		field.len = VARSIZE_ANY_EXHDR(string);
		field.data = bare_copy(VARDATA_ANY(string), field.len);
	}
	tuple_store(tuple_reader_create(desc, &needed, NULL, &csv_format), &record, slot);
	if (slot->tts_isnull[0])
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(call_output(typid, slot->tts_values[0]));
}

/*
 * unit_tuple_repeat(type regtype, typmod int, value text, times int, json
 * bool, timeformat text): store one value many times; an error if the reader's
 * memory grows.
 */
Datum
unit_tuple_repeat(PG_FUNCTION_ARGS)
{
	TupleDesc	desc = one_column(PG_GETARG_OID(0), PG_GETARG_INT32(1));
	text	   *string = PG_GETARG_TEXT_PP(2);
	int			times = PG_GETARG_INT32(3);
	FormatOptions format = {.format = PG_GETARG_BOOL(4) ? FORMAT_JSON : FORMAT_CSV};
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	bool		needed = true;
	RecordField field = {VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string)};
	Record		record = {.fields = &field};
	MemoryContext old = CurrentMemoryContext;
	MemoryContext cxt = AllocSetContextCreate(old, "reader", ALLOCSET_DEFAULT_SIZES);
	MemoryContext row_cxt = AllocSetContextCreate(old, "row", ALLOCSET_DEFAULT_SIZES);
	TupleReader *reader;
	Size		before;

	format.timeformat = text_to_cstring(PG_GETARG_TEXT_PP(5));
	MemoryContextSwitchTo(cxt);
	reader = tuple_reader_create(desc, &needed, NULL, &format);
	before = MemoryContextMemAllocated(cxt, true);
	MemoryContextSwitchTo(row_cxt);
	for (int i = 0; i < times; i++)
	{
		ExecClearTuple(slot);
		MemoryContextReset(row_cxt);
		tuple_store(reader, &record, slot);
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextSwitchTo(old);
	if (MemoryContextMemAllocated(cxt, true) > before + MAX_GROWTH)
		elog(ERROR, "reader's memory has grown");
	PG_RETURN_VOID();
}

/*
 * unit_tuple_current(type regtype, value text): column and value named while
 * an input function complains, and whether any is named afterwards.
 */
Datum
unit_tuple_current(PG_FUNCTION_ARGS)
{
	TupleDesc	desc = one_column(PG_GETARG_OID(0), -1);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	bool		needed = true;
	TupleReader *reader = tuple_reader_create(desc, &needed, NULL, &csv_format);
	RecordField field = {NULL, 0};
	Record		record = {.fields = &field};
	MemoryContext cxt = CurrentMemoryContext;
	volatile bool failed = false;
	const char *column = "none";
	char	   *value = "none";

	if (!PG_ARGISNULL(1))
	{
		text	   *string = PG_GETARG_TEXT_PP(1);

		field.data = VARDATA_ANY(string);
		field.len = VARSIZE_ANY_EXHDR(string);
	}
	PG_TRY();
	{
		tuple_store(reader, &record, slot);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(cxt);
		FlushErrorState();
		failed = true;
	}
	PG_END_TRY();
	if (tuple_reader_current(reader, &column, &value) != failed)
		elog(ERROR, "a column is named when none is converted, or not when one is");
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s|%s", column, value ? value : "NULL")));
}

/* unit_tuple_columns(rel regclass, json bool): the columns of a record. */
Datum
unit_tuple_columns(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	int			natts = RelationGetDescr(rel)->natts;
	bool	   *needed = palloc(natts);
	S3ColumnOptions options = {.force_not_null = true};
	S3ColumnOptions **all_options = palloc0(sizeof(S3ColumnOptions *) * natts);
	TupleReader *reader;
	const RecordColumn *columns;
	int			ncolumns;
	StringInfoData out;

	/* every other column is wanted, the last one has an option */
	for (int i = 0; i < natts; i++)
		needed[i] = i % 2 == 0;
	all_options[natts - 1] = &options;
	reader = tuple_reader_create(RelationGetDescr(rel), needed, all_options,
								 PG_GETARG_BOOL(1) ? &json_format : &csv_format);
	columns = tuple_reader_columns(reader, &ncolumns);
	initStringInfo(&out);
	for (int i = 0; i < ncolumns; i++)
		appendStringInfo(&out, "%s%s%s%s%s%s", i > 0 ? "," : "", columns[i].name,
						 columns[i].needed ? " needed" : "",
						 columns[i].raw_json ? " raw" : "",
						 columns[i].force_not_null ? " not_null" : "",
						 columns[i].force_null ? " null" : "");
	table_close(rel, AccessShareLock);
	PG_RETURN_TEXT_P(cstring_to_text(out.data));
}

/*
 * unit_tuple_row(rel regclass, needed bool[], fields text[]): one row as an
 * array of texts, an element per attribute; needed likewise, fields has one
 * per attribute that is not dropped.
 */
Datum
unit_tuple_row(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	Datum	   *flags;
	Datum	   *texts;
	bool	   *nulls;
	int			nflags;
	int			ntexts;
	bool	   *needed;
	RecordField *fields;
	Record		record = {0};
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	Datum	   *out = palloc0(sizeof(Datum) * desc->natts);
	int			dims[1] = {desc->natts};
	int			lbs[1] = {1};

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), BOOLOID, 1, true, TYPALIGN_CHAR,
					  &flags, NULL, &nflags);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false, TYPALIGN_INT,
					  &texts, &nulls, &ntexts);
	if (nflags != desc->natts)
		elog(ERROR, "table has %d attributes", desc->natts);
	needed = palloc(nflags);
	for (int i = 0; i < nflags; i++)
		needed[i] = DatumGetBool(flags[i]);
	fields = palloc0(sizeof(RecordField) * (ntexts + 1));
	for (int i = 0; i < ntexts; i++)
	{
		if (nulls[i])
			continue;
		fields[i].data = TextDatumGetCString(texts[i]);
		fields[i].len = strlen(fields[i].data);
	}
	record.fields = fields;
	tuple_store(tuple_reader_create(desc, needed, NULL, &csv_format), &record, slot);
	for (int i = 0; i < desc->natts; i++)
	{
		if (!slot->tts_isnull[i])
			out[i] = PointerGetDatum(call_output(TupleDescAttr(desc, i)->atttypid,
												 slot->tts_values[i]));
	}
	slot->tts_nvalid = desc->natts;
	nulls = palloc(sizeof(bool) * desc->natts);
	memcpy(nulls, slot->tts_isnull, sizeof(bool) * desc->natts);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, AccessShareLock);
	PG_RETURN_ARRAYTYPE_P(construct_md_array(out, nulls, 1, dims, lbs, TEXTOID, -1,
											 false, TYPALIGN_INT));
}

/*
 * unit_tuple_read(type regtype, typmod int, value text, json bool, table text,
 * column text): by a TupleReader of JSON or CSV with options dateformat and
 * timeformat, both of the same text, of the table and the column.
 */
Datum
unit_tuple_read(PG_FUNCTION_ARGS)
{
	Oid			typid = PG_GETARG_OID(0);
	TupleDesc	desc = one_column(typid, PG_GETARG_INT32(1));
	text	   *string = PG_GETARG_TEXT_PP(2);
	FormatOptions format = {.format = PG_GETARG_BOOL(3) ? FORMAT_JSON : FORMAT_CSV};
	S3ColumnOptions options = {0};
	S3ColumnOptions *all_options[1] = {&options};
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	bool		needed = true;
	RecordField field;
	Record		record = {.fields = &field};

	field.len = VARSIZE_ANY_EXHDR(string);
	field.data = bare_copy(VARDATA_ANY(string), field.len);
	if (!PG_ARGISNULL(4))
		format.dateformat = format.timeformat = text_to_cstring(PG_GETARG_TEXT_PP(4));
	if (!PG_ARGISNULL(5))
		options.dateformat = options.timeformat = text_to_cstring(PG_GETARG_TEXT_PP(5));
	tuple_store(tuple_reader_create(desc, &needed, all_options, &format), &record, slot);
	if (slot->tts_isnull[0])
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(call_output(typid, slot->tts_values[0]));
}

/* The values of a row and NULLs, as texts. */
static Datum
row_texts(TupleDesc desc, TupleTableSlot *slot)
{
	Datum	   *out = palloc0(sizeof(Datum) * desc->natts);
	int			dims[1] = {desc->natts};
	int			lbs[1] = {1};

	for (int i = 0; i < desc->natts; i++)
	{
		if (!slot->tts_isnull[i])
			out[i] = PointerGetDatum(call_output(TupleDescAttr(desc, i)->atttypid,
												 slot->tts_values[i]));
	}
	return PointerGetDatum(construct_md_array(out, slot->tts_isnull, 1, dims, lbs, TEXTOID,
											  -1, false, TYPALIGN_INT));
}

/*
 * unit_tuple_defaults(rel regclass, prepare bool): a row of which all fields
 * ask for the default.
 */
Datum
unit_tuple_defaults(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	ExprContext *econtext = CreateStandaloneExprContext();
	bool	   *needed = palloc(desc->natts);
	RecordField *fields = palloc(sizeof(RecordField) * desc->natts);
	Record		record = {.fields = fields};
	TupleReader *reader;
	Datum		result;

	for (int i = 0; i < desc->natts; i++)
	{
		needed[i] = true;
		fields[i].data = NULL;
		fields[i].len = RECORD_FIELD_DEFAULT;
	}
	reader = tuple_reader_create(desc, needed, NULL, &csv_format);
	if (PG_GETARG_BOOL(1))
		tuple_reader_set_defaults(reader, rel, NULL, econtext);
	tuple_store(reader, &record, slot);
	result = row_texts(desc, slot);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, AccessShareLock);
	PG_RETURN_DATUM(result);
}

/*
 * unit_tuple_external(rel regclass, value text): of a table (a, b, c, d), all
 * text: b is the object's key, d a partition, c has a name and a path in the
 * record.  Returns the columns of a record, and three rows: before b and d
 * are set, after, and after d is NULL again.
 */
Datum
unit_tuple_external(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	Datum		value = PG_GETARG_DATUM(1);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	bool		needed[4] = {true, true, true, true};
	S3ColumnOptions key = {.metadata = METADATA_KEY};
	S3ColumnOptions partition = {.partition = "d"};
	S3ColumnOptions path = {.column_name = "see", .path = "c.d[0]"};
	S3ColumnOptions *options[4] = {NULL, &key, &path, &partition};
	RecordField fields[2] = {{"first", 5}, {"second", 6}};
	Record		record = {.fields = fields};
	TupleReader *reader = tuple_reader_create(desc, needed, options, &json_format);
	const RecordColumn *columns;
	int			ncolumns;
	StringInfoData out;

	initStringInfo(&out);
	columns = tuple_reader_columns(reader, &ncolumns);
	for (int i = 0; i < ncolumns; i++)
		appendStringInfo(&out, "%s %s;", columns[i].name, columns[i].path ? columns[i].path : "-");
	for (int i = 0; i < 3; i++)
	{
		if (i == 1)
		{
			tuple_reader_set_value(reader, 2, value, false);
			tuple_reader_set_value(reader, 4, value, false);
		}
		else if (i == 2)
			tuple_reader_set_value(reader, 4, (Datum) 0, true);
		ExecClearTuple(slot);
		tuple_store(reader, &record, slot);
		appendStringInfo(&out, " %s", OidOutputFunctionCall(F_ARRAY_OUT, row_texts(desc, slot)));
	}
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, AccessShareLock);
	PG_RETURN_TEXT_P(cstring_to_text(out.data));
}

typedef struct WriteTest
{
	MemoryContext cxt;			/* of the writer */
	MemoryContext row_cxt;
	TupleWriter *writer;
	StringInfoData out;
	Size		before;
} WriteTest;

/*
 * The arguments from the second on: json bool, header bool, delimiter, quote,
 * escape and null text, encoding text (empty: the database's), force_quote
 * bool.
 */
static void
write_begin(WriteTest *test, TupleDesc desc, FunctionCallInfo fcinfo)
{
	FormatOptions *options;
	char	   *encoding = text_to_cstring(PG_GETARG_TEXT_PP(7));
	bool	   *force_quote = NULL;
	MemoryContext old = CurrentMemoryContext;

	test->cxt = AllocSetContextCreate(old, "writer", ALLOCSET_DEFAULT_SIZES);
	test->row_cxt = AllocSetContextCreate(old, "row", ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&test->out);
	MemoryContextSwitchTo(test->cxt);
	options = palloc0(sizeof(FormatOptions));
	options->format = PG_GETARG_BOOL(1) ? FORMAT_JSON : FORMAT_CSV;
	options->header = PG_GETARG_BOOL(2) ? HEADER_TRUE : HEADER_FALSE;
	options->delimiter = text_to_cstring(PG_GETARG_TEXT_PP(3));
	options->quote = text_to_cstring(PG_GETARG_TEXT_PP(4));
	options->escape = text_to_cstring(PG_GETARG_TEXT_PP(5));
	options->null = text_to_cstring(PG_GETARG_TEXT_PP(6));
	options->encoding = *encoding ? pg_char_to_encoding(encoding) : -1;
	if (PG_GETARG_BOOL(8))
	{
		force_quote = palloc(desc->natts);
		memset(force_quote, true, desc->natts);
	}
	test->writer = tuple_writer_create(desc, options, force_quote, &test->out);
	test->before = MemoryContextMemAllocated(test->cxt, true);
	MemoryContextSwitchTo(test->row_cxt);
	tuple_write_header(test->writer);
	MemoryContextSwitchTo(old);
}

static void
write_row(WriteTest *test, TupleTableSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(test->row_cxt);

	tuple_write(test->writer, slot);
	MemoryContextSwitchTo(old);
	MemoryContextReset(test->row_cxt);
	CHECK_FOR_INTERRUPTS();
}

static bytea *
write_end(WriteTest *test)
{
	if (MemoryContextMemAllocated(test->cxt, true) > test->before + MAX_GROWTH)
		elog(ERROR, "writer's memory has grown");
	return (bytea *) cstring_to_text_with_len(test->out.data, test->out.len);
}

/* unit_tuple_write(query text, ...): its rows as lines; see write_begin(). */
Datum
unit_tuple_write(PG_FUNCTION_ARGS)
{
	char	   *query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	WriteTest	test;
	TupleDesc	desc;
	TupleTableSlot *slot;
	bytea	   *lines;
	bytea	   *result;

	SPI_connect();
	if (SPI_execute(query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "not a query");
	desc = SPI_tuptable->tupdesc;
	write_begin(&test, desc, fcinfo);
	slot = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		ExecStoreHeapTuple(SPI_tuptable->vals[i], slot, false);
		write_row(&test, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	lines = write_end(&test);
	result = SPI_palloc(VARSIZE(lines));
	memcpy(result, lines, VARSIZE(lines));
	SPI_finish();
	PG_RETURN_BYTEA_P(result);
}

/* unit_tuple_write_table(rel regclass, ...): the same of a table's descriptor. */
Datum
unit_tuple_write_table(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	WriteTest	test;
	bytea	   *result;

	write_begin(&test, RelationGetDescr(rel), fcinfo);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		write_row(&test, slot);
	result = write_end(&test);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, AccessShareLock);
	PG_RETURN_BYTEA_P(result);
}
