/*-------------------------------------------------------------------------
 *
 * unit_redshift_read.c
 *		Files as Redshift's COPY reads them, to rows, as SQL functions.
 *
 * IDENTIFICATION
 *		test/unit/unit_redshift_read.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "format/encoding.h"
#include "format/tuple.h"
#include "format/value_redshift.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "unit.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(unit_redshift);

typedef struct Trace
{
	ReturnSetInfo *rsinfo;
	uint64		line;
} Trace;

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


/* Names and values in turn; those of RedshiftFormat without a value's check. */
static FormatOptions *
options_arg(FunctionCallInfo fcinfo, int argno, List **paths)
{
	FormatOptions *options = palloc0(sizeof(FormatOptions));
	RedshiftFormat *rules = &options->redshift;
	int			n;
	char	  **words = strings_arg(fcinfo, argno, &n);
	const struct
	{
		const char *name;
		bool	   *flag;
	}			flags[] = {
		{"escape", &rules->escape},
		{"remove_quotes", &rules->remove_quotes},
		{"null_is_nul", &rules->null_is_nul},
		{"fill_record", &rules->fill_record},
		{"ignore_blank_lines", &rules->ignore_blank_lines},
		{"trim_blanks", &rules->trim_blanks},
		{"blanks_as_null", &rules->blanks_as_null},
		{"empty_as_null", &rules->empty_as_null},
		{"round_decimals", &rules->round_decimals},
		{"accept_any_date", &rules->accept_any_date},
		{"truncate_strings", &options->truncate_strings},
		{"ignore_case", &options->ignore_case}
	};

	rules->on = true;
	options->format = FORMAT_TEXT;
	options->encoding = -1;
	options->max_record_size = 4 * 1024 * 1024;
	options->quote = "\"";
	options->null = "\\N";
	for (int i = 0; i + 1 < n; i += 2)
	{
		const char *name = words[i];
		char	   *value = words[i + 1];
		int			j = 0;

		if (strcmp(name, "format") == 0)
			options->format = strcmp(value, "csv") == 0 ? FORMAT_CSV :
				strcmp(value, "text") == 0 ? FORMAT_TEXT :
				strcmp(value, "json") == 0 ? FORMAT_JSON : FORMAT_FIXEDWIDTH;
		else if (strcmp(name, "records") == 0)
			options->records = strcmp(value, "values") == 0 ? RECORDS_VALUES :
				strcmp(value, "dynamodb") == 0 ? RECORDS_DYNAMODB : RECORDS_OBJECTS;
		else if (strcmp(name, "path") == 0)
			*paths = lappend(*paths, value);
		else if (strcmp(name, "delimiter") == 0)
			options->delimiter = value;
		else if (strcmp(name, "quote") == 0)
			options->quote = value;
		else if (strcmp(name, "null") == 0)
			options->null = value;
		else if (strcmp(name, "fixedwidth") == 0)
			options->fixedwidth = value;
		else if (strcmp(name, "skip_lines") == 0)
			options->skip_lines = atoi(value);
		else if (strcmp(name, "max_record_size") == 0)
			options->max_record_size = atoi(value);
		else if (strcmp(name, "dateformat") == 0)
			options->dateformat = value;
		else if (strcmp(name, "timeformat") == 0)
			options->timeformat = value;
		else if (strcmp(name, "replacement") == 0)
			rules->replacement = value[0];
		else
		{
			while (j < (int) lengthof(flags) && strcmp(name, flags[j].name) != 0)
				j++;
			if (j == lengthof(flags))
				elog(ERROR, "unknown option %s", name);
			*flags[j].flag = strcmp(value, "true") == 0;
		}
	}
	if (options->delimiter == NULL)
		options->delimiter = options->format == FORMAT_CSV ? "," : "|";
	return options;
}

static void
put_row(Trace *trace, const char **texts, int n)
{
	Datum	   *values = palloc(sizeof(Datum) * (n + 1));
	bool	   *nulls = palloc(sizeof(bool) * (n + 1));
	int			lower = 1;
	bool		isnull = false;
	Datum		row;

	for (int i = 0; i < n; i++)
	{
		nulls[i] = texts[i] == NULL;
		values[i] = texts[i] ? CStringGetTextDatum(texts[i]) : (Datum) 0;
	}
	row = PointerGetDatum(construct_md_array(values, nulls, 1, &n, &lower, TEXTOID, -1, false,
											 TYPALIGN_INT));
	tuplestore_putvalues(trace->rsinfo->setResult, trace->rsinfo->setDesc, &row, &isnull);
}

static void
put_fault(Trace *trace, const char *kind, RecordFault fault, Oid type, int sqlerrcode,
		  const char *column, const char *message)
{
	const char *texts[5];

	texts[0] = kind;
	texts[1] = psprintf(UINT64_FORMAT, trace->line);
	texts[2] = psprintf("%d", redshift_fault_code(fault, type, sqlerrcode));
	texts[3] = column;
	texts[4] = redshift_fault_reason(fault, type, sqlerrcode, NULL, 0, message);
	put_row(trace, texts, 5);
}

static bool
handle_fault(void *arg, const TupleFault *fault)
{
	Trace	   *trace = arg;

	put_fault(trace, fault->repaired ? "repaired" : "bad", fault->fault, fault->type,
			  fault->sqlerrcode, fault->column, fault->message);
	return false;
}

/*
 * unit_redshift(data bytea, options text[], rel regclass, piece int): setof
 * text[].  Each row is {ok, value...}, or {bad or fatal or repaired, line,
 * err_code, column, err_reason}.  Options "path" are those of columns in order.
 */
Datum
unit_redshift(PG_FUNCTION_ARGS)
{
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	List	   *paths = NIL;
	FormatOptions *options = options_arg(fcinfo, 1, &paths);
	Relation	rel = table_open(PG_GETARG_OID(2), AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	bool	   *needed = palloc(desc->natts);
	S3ColumnOptions **column_options = palloc0(sizeof(S3ColumnOptions *) * desc->natts);
	RecordStart start = {.at_beginning = true};
	TextRepairs repairs = {0};
	Trace		trace = {.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo};
	const RecordColumn *columns;
	int			ncolumns;
	TupleReader *tuples;
	ByteSource *source;
	RecordReader *reader;
	MemoryContext row_cxt = AllocSetContextCreate(CurrentMemoryContext, "row",
												  ALLOCSET_DEFAULT_SIZES);

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	for (int i = 0; i < desc->natts; i++)
	{
		needed[i] = true;
		if (i < list_length(paths))
		{
			column_options[i] = palloc0(sizeof(S3ColumnOptions));
			column_options[i]->path = list_nth(paths, i);
		}
	}
	tuples = tuple_reader_create(desc, needed, column_options, options);
	tuple_reader_set_handler(tuples, handle_fault, &trace);
	columns = tuple_reader_columns(tuples, &ncolumns);
	source = unit_source_create(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), PG_GETARG_INT32(3));
	source = text_source_create_redshift(source, options->encoding, true,
										 options->redshift.replacement, &repairs);
	reader = record_reader_create(source, options, columns, ncolumns, &start);
	for (;;)
	{
		Record		record;
		RecordStatus status = record_reader_next(reader, &record);
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		if (status == RECORD_END)
			break;
		MemoryContextReset(row_cxt);
		old = MemoryContextSwitchTo(row_cxt);
		trace.line = record_reader_line(reader);
		ExecClearTuple(slot);
		if (status == RECORD_BAD)
			put_fault(&trace, record.error.fatal ? "fatal" : "bad", record.error.fault,
					  InvalidOid, record.error.sqlerrcode, NULL, record.error.message);
		else if (tuple_try_store(tuples, &record, slot))
		{
			const char **texts = palloc0(sizeof(char *) * (desc->natts + 1));

			texts[0] = "ok";
			for (int i = 0; i < desc->natts; i++)
			{
				Oid			function;
				bool		varlena;

				if (slot->tts_isnull[i])
					continue;
				getTypeOutputInfo(TupleDescAttr(desc, i)->atttypid, &function, &varlena);
				texts[i + 1] = OidOutputFunctionCall(function, slot->tts_values[i]);
			}
			put_row(&trace, texts, desc->natts + 1);
		}
		MemoryContextSwitchTo(old);
	}
	record_reader_close(reader);
	byte_source_close(source);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, AccessShareLock);
	return (Datum) 0;
}
