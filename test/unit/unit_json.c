/*-------------------------------------------------------------------------
 *
 * unit_json.c
 *		The JSON reader as SQL functions.
 *
 * IDENTIFICATION
 *		test/unit/unit_json.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "format/json.h"
#include "format/json_path.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "unit.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(unit_json_read);
PG_FUNCTION_INFO_V1(unit_json_read_as);
PG_FUNCTION_INFO_V1(unit_json_path);
PG_FUNCTION_INFO_V1(unit_jsonpaths);
PG_FUNCTION_INFO_V1(unit_json_bench);
PG_FUNCTION_INFO_V1(unit_json_long);

/* line, status, SQLSTATE, message, detail, fatal; and, if asked for, */
#define FIXED_COLUMNS 6
/* offset, hint */
#define MORE_COLUMNS 2

/* Columns from an array of names and a string with t, r or n for each. */
static RecordColumn *
make_columns(ArrayType *names, const char *kinds, int *ncolumns)
{
	Datum	   *elems;
	RecordColumn *columns;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &elems, NULL, ncolumns);
	if ((int) strlen(kinds) != *ncolumns)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("one kind is needed per column")));
	columns = palloc0(sizeof(RecordColumn) * (*ncolumns + 1));
	for (int i = 0; i < *ncolumns; i++)
	{
		columns[i].name = TextDatumGetCString(elems[i]);
		columns[i].needed = kinds[i] != 'n';
		columns[i].raw_json = kinds[i] == 'r';
	}
	return columns;
}

/* All records as a text[][]. */
static ArrayType *
read_all(ByteSource *source, const FormatOptions *options, const RecordColumn *columns,
		 int ncolumns, const RecordStart *start, bool more)
{
	RecordReader *reader = json_reader_create(source, options, columns, ncolumns, start);
	int			nfixed = FIXED_COLUMNS + (more ? MORE_COLUMNS : 0);
	int			width = nfixed + ncolumns;
	int			room = 16;
	int			n = 0;
	Datum	   *values = palloc0(sizeof(Datum) * width * room);
	bool	   *nulls = palloc0(sizeof(bool) * width * room);
	int			dims[2];
	int			lbs[2] = {1, 1};
	Record		record;
	RecordStatus status;

	while ((status = record_reader_next(reader, &record)) != RECORD_END)
	{
		Datum	   *v;
		bool	   *isnull;

		CHECK_FOR_INTERRUPTS();
		if (n == room)
		{
			room *= 2;
			values = repalloc(values, sizeof(Datum) * width * room);
			nulls = repalloc(nulls, sizeof(bool) * width * room);
		}
		v = values + n * width;
		isnull = nulls + n * width;
		n++;
		memset(isnull, true, width);
		v[0] = CStringGetTextDatum(psprintf(UINT64_FORMAT, record_reader_line(reader)));
		isnull[0] = false;
		v[1] = CStringGetTextDatum(status == RECORD_OK ? "ok" : "bad");
		isnull[1] = false;
		if (more)
		{
			v[6] = CStringGetTextDatum(psprintf(UINT64_FORMAT, record_reader_offset(reader)));
			isnull[6] = false;
		}
		if (status == RECORD_BAD)
		{
			v[2] = CStringGetTextDatum(unpack_sql_state(record.error.sqlerrcode));
			v[3] = CStringGetTextDatum(record.error.message);
			isnull[2] = isnull[3] = false;
			if (record.error.detail)
			{
				v[4] = CStringGetTextDatum(record.error.detail);
				isnull[4] = false;
			}
			v[5] = CStringGetTextDatum(record.error.fatal ? "fatal" : "goes on");
			isnull[5] = false;
			if (more && record.error.hint)
			{
				v[7] = CStringGetTextDatum(record.error.hint);
				isnull[7] = false;
			}
			continue;
		}
		for (int i = 0; i < ncolumns; i++)
		{
			if (!columns[i].needed || record.fields[i].data == NULL)
				continue;
			v[nfixed + i] =
				PointerGetDatum(cstring_to_text_with_len(record.fields[i].data,
														 record.fields[i].len));
			isnull[nfixed + i] = false;
		}
	}
	if (record_reader_next(reader, &record) != RECORD_END)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the end did not last")));
	record_reader_close(reader);

	if (n == 0)
		return construct_empty_array(TEXTOID);
	dims[0] = n;
	dims[1] = width;
	return construct_md_array(values, nulls, 2, dims, lbs, TEXTOID, -1, false, TYPALIGN_INT);
}

/*
 * unit_json_read(data bytea, names text[], kinds text, piece int): a text[][]
 * with one row per record.  kinds has a character per name: t text, r raw
 * JSON, n not needed.
 */
Datum
unit_json_read(PG_FUNCTION_ARGS)
{
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	char	   *kinds = text_to_cstring(PG_GETARG_TEXT_PP(2));
	int			ncolumns;
	RecordColumn *columns = make_columns(PG_GETARG_ARRAYTYPE_P(1), kinds, &ncolumns);
	ByteSource *source = unit_source_create(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data),
											PG_GETARG_INT32(3));
	FormatOptions options = {.format = FORMAT_JSON, .max_record_size = MaxAllocSize};
	RecordStart start = {.at_beginning = true};

	PG_RETURN_ARRAYTYPE_P(read_all(source, &options, columns, ncolumns, &start, false));
}

/*
 * unit_json_read_as(data bytea, names text[], paths text[], kinds text,
 * piece int, records int, ignore_case bool, max_record_size bigint): the same
 * with options; a path that is null is none.
 */
Datum
unit_json_read_as(PG_FUNCTION_ARGS)
{
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	char	   *kinds = text_to_cstring(PG_GETARG_TEXT_PP(3));
	int			ncolumns;
	int			npaths;
	RecordColumn *columns = make_columns(PG_GETARG_ARRAYTYPE_P(1), kinds, &ncolumns);
	ByteSource *source = unit_source_create(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data),
											PG_GETARG_INT32(4));
	FormatOptions options = {.format = FORMAT_JSON};
	RecordStart start = {.at_beginning = true};
	Datum	   *paths;
	bool	   *nulls;

	options.records = PG_GETARG_INT32(5);
	options.ignore_case = PG_GETARG_BOOL(6);
	options.max_record_size = PG_GETARG_INT64(7);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false, TYPALIGN_INT,
					  &paths, &nulls, &npaths);
	for (int i = 0; i < Min(npaths, ncolumns); i++)
	{
		if (!nulls[i])
			columns[i].path = TextDatumGetCString(paths[i]);
	}
	PG_RETURN_ARRAYTYPE_P(read_all(source, &options, columns, ncolumns, &start, true));
}

/* unit_json_path(path text): its steps, one a line, or what is wrong. */
Datum
unit_json_path(PG_FUNCTION_ARGS)
{
	char	   *path = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *reason;
	int			nsteps;
	JsonPathStep *steps = json_path_parse(path, &nsteps, &reason);
	const char *check = json_path_check(path);
	StringInfoData out;

	if ((steps == NULL) != (reason != NULL) || (reason == NULL) != (check == NULL) ||
		(reason && strcmp(reason, check) != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the path is right and wrong")));
	if (reason)
		PG_RETURN_TEXT_P(cstring_to_text(reason));
	initStringInfo(&out);
	for (int i = 0; i < nsteps; i++)
	{
		if (steps[i].key)
			appendStringInfo(&out, "%skey %s", i > 0 ? "\n" : "", steps[i].key);
		else
			appendStringInfo(&out, "%selement %d", i > 0 ? "\n" : "", steps[i].index);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* unit_jsonpaths(file bytea): its paths, one a line, or what is wrong. */
Datum
unit_jsonpaths(PG_FUNCTION_ARGS)
{
	bytea	   *file = PG_GETARG_BYTEA_PP(0);
	const char *reason;
	List	   *paths = jsonpaths_parse(VARDATA_ANY(file), VARSIZE_ANY_EXHDR(file), &reason);
	StringInfoData out;
	ListCell   *lc;

	if (reason)
		PG_RETURN_TEXT_P(cstring_to_text(reason));
	initStringInfo(&out);
	foreach(lc, paths)
		appendStringInfo(&out, "path %s\n", (char *) lfirst(lc));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* A source that lends pieces of one block of memory again and again. */
typedef struct RepeatSource
{
	ByteSource	base;
	const char *data;			/* with padding; borrowed */
	Size		len;
	Size		piece;
	Size		pos;
	int			rounds;
} RepeatSource;

static bool
repeat_next(ByteSource *self, const char **data, Size *len)
{
	RepeatSource *src = (RepeatSource *) self;

	if (src->pos == src->len)
	{
		src->pos = 0;
		src->rounds--;
	}
	if (src->rounds <= 0)
		return false;
	*data = src->data + src->pos;
	*len = Min(src->piece, src->len - src->pos);
	src->pos += *len;
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

/*
 * unit_json_bench(data bytea, names text[], kinds text, piece int, rounds int):
 * records and seconds, as "records seconds bytes".
 */
Datum
unit_json_bench(PG_FUNCTION_ARGS)
{
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	char	   *kinds = text_to_cstring(PG_GETARG_TEXT_PP(2));
	int			ncolumns;
	RecordColumn *columns = make_columns(PG_GETARG_ARRAYTYPE_P(1), kinds, &ncolumns);
	RepeatSource src = {.base.ops = &repeat_ops};
	RecordReader *reader;
	Record		record;
	RecordStatus status;
	char	   *copy;
	uint64		records = 0;
	FormatOptions options = {.format = FORMAT_JSON, .max_record_size = MaxAllocSize};
	RecordStart from = {.at_beginning = true};
	instr_time	start;
	instr_time	stop;

	src.len = VARSIZE_ANY_EXHDR(data);
	copy = MemoryContextAllocHuge(CurrentMemoryContext, src.len + STREAM_PADDING);
	memcpy(copy, VARDATA_ANY(data), src.len);
	memset(copy + src.len, 0xff, STREAM_PADDING);
	src.data = copy;
	src.piece = PG_GETARG_INT32(3);
	src.rounds = PG_GETARG_INT32(4);

	INSTR_TIME_SET_CURRENT(start);
	reader = json_reader_create(&src.base, &options, columns, ncolumns, &from);
	while ((status = record_reader_next(reader, &record)) == RECORD_OK)
		records++;
	if (status == RECORD_BAD)
		ereport(ERROR,
				(errcode(record.error.sqlerrcode),
				 errmsg_internal("%s", record.error.message)));
	record_reader_close(reader);
	INSTR_TIME_SET_CURRENT(stop);
	INSTR_TIME_SUBTRACT(stop, start);

	PG_RETURN_TEXT_P(cstring_to_text(psprintf(UINT64_FORMAT " %.6f " UINT64_FORMAT,
											  records, INSTR_TIME_GET_DOUBLE(stop),
											  (uint64) src.len * PG_GETARG_INT32(4))));
}

/*
 * unit_json_long(fill text, megabytes int): read an object of so many
 * megabytes, all of them one string; its length or the error.
 */
Datum
unit_json_long(PG_FUNCTION_ARGS)
{
	const Size	mb = 1024 * 1024;
	Size		len = PG_GETARG_INT32(1) * mb;
	RecordColumn column = {.name = "k", .needed = true};
	RepeatSource src = {.base.ops = &repeat_ops};
	char	   *block = MemoryContextAllocHuge(CurrentMemoryContext, len + STREAM_PADDING);
	FormatOptions options = {.format = FORMAT_JSON, .max_record_size = MaxAllocSize};
	RecordStart start = {.at_beginning = true};
	RecordReader *reader;
	Record		record;

	memset(block, *text_to_cstring(PG_GETARG_TEXT_PP(0)), len + STREAM_PADDING);
	memcpy(block, "{\"k\":\"", 6);
	memcpy(block + len - 2, "\"}", 2);
	src.data = block;
	src.len = len;
	src.piece = mb;
	src.rounds = 1;
	reader = json_reader_create(&src.base, &options, &column, 1, &start);
	if (record_reader_next(reader, &record) == RECORD_OK)
		PG_RETURN_TEXT_P(cstring_to_text(psprintf("%zu", record.fields[0].len)));
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s %s%s", unpack_sql_state(record.error.sqlerrcode),
											  record.error.message,
											  record.error.fatal ? " (fatal)" : "")));
}
