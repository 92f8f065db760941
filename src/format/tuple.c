/*-------------------------------------------------------------------------
 *
 * tuple.c
 *		Fields of a record to the Datums of a row.
 *
 * Each wanted column has a fast parser, if its type has one, and the type's
 * input function behind it.  The result is always that of the input function,
 * and so is every error message.  Type modifiers and domains are dealt with
 * by the input function as COPY has it do.
 *
 * Two kinds of columns have neither: dates and times of which an option says
 * how they are written (see datetime.c), and, of JSON, arrays and composite
 * types (see nested.c).
 *
 * The scan above owns slots, memory per row and error context; the record
 * reader below owns the fields.
 *
 * IDENTIFICATION
 *		src/format/tuple.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "format/datetime.h"
#include "format/nested.h"
#include "format/tuple.h"
#include "format/value.h"
#include "mb/pg_wchar.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* Longer fields are copied to memory of the row instead of our own. */
#define MAX_SCRATCH (64 * 1024)

/* Bytes of a value to show in an error's context, as COPY does. */
#define MAX_SHOWN 100

/* How to convert one wanted column. */
typedef struct ReadColumn
{
	ValueParser parser;
	int			field;			/* index into the record's fields */
	int			attribute;		/* index into the row */
	const char *name;			/* borrowed from the descriptor */

	/* the type's input function */
	FmgrInfo	input;
	Oid			typioparam;
	int32		typmod;

	/* what reads the column instead; both NULL mostly, both owned */
	NestedType *nested;
	DatetimeFormat *datetime;

	/* set if a domain has to be checked then */
	Oid			domain;
	void	   *domain_cache;	/* owned */

	ExprState  *default_value;	/* owned, or NULL: none, or not prepared */
} ReadColumn;

/* A wanted attribute that is no column of the record. */
typedef struct ExternalValue
{
	int			attribute;		/* index into the row */
	bool		isnull;
	Datum		value;			/* borrowed */
} ExternalValue;

struct TupleReader
{
	/* constant once created */
	int			natts;
	int			nrecord;		/* columns of a record */
	RecordColumn *record;		/* owned */
	int			ncolumns;		/* wanted columns */
	ReadColumn *columns;		/* owned, in order of attributes */
	int			nexternals;
	ExternalValue *externals;	/* owned, in order of attributes */
	ExprContext *econtext;		/* of the defaults; borrowed, or NULL */

	/* scratch: a NUL-terminated copy for an input function */
	char	   *scratch;		/* owned */
	Size		scratch_size;
	MemoryContext cxt;			/* in which scratch is */

	/* what is being converted; NULL outside of tuple_store() */
	const ReadColumn *current;
	const RecordField *current_field;	/* borrowed */
};

/*
 * How a date or time is written, by the column's option or the table's; NULL
 * if as its type reads it.  The table's timeformat is that of timestamps: a
 * time of day is read by it only if the column itself says so.
 */
static DatetimeFormat *
find_datetime_format(Form_pg_attribute att, const S3ColumnOptions *options,
					 const FormatOptions *format)
{
	const char *date = options ? options->dateformat : NULL;
	const char *time = options ? options->timeformat : NULL;
	Oid			type = getBaseType(att->atttypid);

	if (type == DATEOID)
		return datetime_format_create(att->atttypid, att->atttypmod, "dateformat",
									  date ? date : format->dateformat);
	if (time == NULL && (type == TIMESTAMPOID || type == TIMESTAMPTZOID))
		time = format->timeformat;
	return datetime_format_create(att->atttypid, att->atttypmod, "timeformat", time);
}

/* Find out how to convert the fields of a wanted column. */
static void
init_column(TupleReader *reader, ReadColumn *column, Form_pg_attribute att,
			const S3ColumnOptions *options, const FormatOptions *format)
{
	Oid			function;

	column->attribute = att->attnum - 1;
	column->name = NameStr(att->attname);
	column->typmod = att->atttypmod;
	getTypeInputInfo(att->atttypid, &function, &column->typioparam);
	fmgr_info_cxt(function, &column->input, reader->cxt);

	if (format->format == FORMAT_JSON && nested_type_is(att->atttypid))
	{
		column->nested = nested_type_create(att->atttypid, att->atttypmod, column->name);
		return;
	}
	column->datetime = find_datetime_format(att, options, format);
	if (column->datetime == NULL)
		value_parser_init(&column->parser, att->atttypid, att->atttypmod);
	else if (get_typtype(att->atttypid) == TYPTYPE_DOMAIN)
		column->domain = att->atttypid;
}

/* Is it bytea, or an array of that? */
static bool
is_binary(Oid base)
{
	Oid			element = get_element_type(base);

	return base == BYTEAOID || (OidIsValid(element) && getBaseType(element) == BYTEAOID);
}

TupleReader *
tuple_reader_create(TupleDesc desc, const bool *needed,
					S3ColumnOptions *const *column_options,
					const FormatOptions *format)
{
	TupleReader *reader = palloc0(sizeof(TupleReader));

	reader->natts = desc->natts;
	reader->record = palloc0(sizeof(RecordColumn) * Max(desc->natts, 1));
	reader->columns = palloc0(sizeof(ReadColumn) * Max(desc->natts, 1));
	reader->externals = palloc0(sizeof(ExternalValue) * Max(desc->natts, 1));
	reader->cxt = CurrentMemoryContext;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		const S3ColumnOptions *options = column_options ? column_options[i] : NULL;
		RecordColumn *record;
		ReadColumn *column;

		if (att->attisdropped)
			continue;
		if (options && (options->metadata != METADATA_NONE || options->partition))
		{
			if (needed[i])
			{
				ExternalValue *external = &reader->externals[reader->nexternals++];

				external->attribute = i;
				external->isnull = true;
			}
			continue;
		}
		record = &reader->record[reader->nrecord];
		record->name = NameStr(att->attname);
		record->needed = needed[i];
		if (options)
		{
			if (options->column_name)
				record->name = options->column_name;
			record->path = options->path;
			record->force_not_null = options->force_not_null;
			record->force_null = options->force_null;
		}
		if (format->format == FORMAT_JSON)
		{
			Oid			base = getBaseType(att->atttypid);

			record->raw_json = base == JSONOID || base == JSONBOID ||
				nested_type_is(base);
			record->binary = format->records == RECORDS_DYNAMODB && is_binary(base);
		}

		if (needed[i])
		{
			column = &reader->columns[reader->ncolumns++];
			column->field = reader->nrecord;
			init_column(reader, column, att, options, format);
		}
		reader->nrecord++;
	}
	return reader;
}

const RecordColumn *
tuple_reader_columns(TupleReader *reader, int *ncolumns)
{
	*ncolumns = reader->nrecord;
	return reader->record;
}

void
tuple_reader_set_defaults(TupleReader *reader, Relation rel, ExprContext *econtext)
{
	TupleDesc	desc = RelationGetDescr(rel);
	MemoryContext old = MemoryContextSwitchTo(reader->cxt);

	reader->econtext = econtext;
	for (int i = 0; i < reader->ncolumns; i++)
	{
		ReadColumn *column = &reader->columns[i];
		Expr	   *expr;

		/* what a generated column has there is no default */
		if (TupleDescAttr(desc, column->attribute)->attgenerated)
			continue;
		expr = (Expr *) build_column_default(rel, column->attribute + 1);
		if (expr)
			column->default_value = ExecInitExpr(expression_planner(expr), NULL);
	}
	MemoryContextSwitchTo(old);
}

void
tuple_reader_set_value(TupleReader *reader, AttrNumber attnum, Datum value, bool isnull)
{
	for (int i = 0; i < reader->nexternals; i++)
	{
		ExternalValue *external = &reader->externals[i];

		if (external->attribute == attnum - 1)
		{
			external->value = value;
			external->isnull = isnull;
			return;
		}
	}
}

static char *
terminated_copy(TupleReader *reader, const RecordField *field)
{
	char	   *copy;

	if (field->len >= MAX_SCRATCH)
		copy = palloc_extended(field->len + 1, MCXT_ALLOC_HUGE);
	else
	{
		if (field->len >= reader->scratch_size)
		{
			/* the old content is of no use */
			if (reader->scratch)
				pfree(reader->scratch);
			reader->scratch = NULL;
			reader->scratch_size = 0;
			reader->scratch = MemoryContextAlloc(reader->cxt, field->len * 2 + 64);
			reader->scratch_size = field->len * 2 + 64;
		}
		copy = reader->scratch;
	}
	memcpy(copy, field->data, field->len);
	copy[field->len] = '\0';
	return copy;
}

/* Convert a field for which there is no fast parser; true if it is NULL. */
static bool
convert(TupleReader *reader, ReadColumn *column, const RecordField *field, Datum *value)
{
	if (column->nested)
		return nested_read(column->nested, field->data, field->len, value);
	if (column->datetime)
	{
		*value = datetime_read(column->datetime, field->data, field->len);
		if (OidIsValid(column->domain))
			domain_check(*value, false, column->domain, &column->domain_cache, reader->cxt);
	}
	else
		*value = InputFunctionCall(&column->input, terminated_copy(reader, field),
								   column->typioparam, column->typmod);
	return false;
}

/* The column's default; true if it is NULL.  COPY's words if there is none. */
static bool
default_value(TupleReader *reader, const ReadColumn *column, Datum *value)
{
	bool		isnull;

	if (reader->econtext == NULL)
		elog(ERROR, "defaults of columns are not prepared");
	if (column->default_value == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("unexpected default marker in COPY data"),
				 errdetail("Column \"%s\" has no default value.", column->name)));
	*value = ExecEvalExpr(column->default_value, reader->econtext, &isnull);
	return isnull;
}

void
tuple_store(TupleReader *reader, const Record *record, TupleTableSlot *slot)
{
	Datum	   *values = slot->tts_values;
	bool	   *isnull = slot->tts_isnull;

	memset(isnull, true, sizeof(bool) * reader->natts);
	for (int i = 0; i < reader->nexternals; i++)
	{
		const ExternalValue *external = &reader->externals[i];

		values[external->attribute] = external->value;
		isnull[external->attribute] = external->isnull;
	}
	for (int i = 0; i < reader->ncolumns; i++)
	{
		ReadColumn *column = &reader->columns[i];
		const RecordField *field = &record->fields[column->field];
		Datum	   *value = &values[column->attribute];

		if (field->data != NULL)
		{
			isnull[column->attribute] = false;
			if (column->parser.parse == NULL ||
				!column->parser.parse(&column->parser, field->data, field->len, value))
			{
				reader->current = column;
				reader->current_field = field;
				isnull[column->attribute] = convert(reader, column, field, value);
			}
		}
		else
		{
			*value = (Datum) 0;
			if (field->len == RECORD_FIELD_DEFAULT)
			{
				reader->current = column;
				reader->current_field = field;
				isnull[column->attribute] = default_value(reader, column, value);
				continue;
			}

			/* a domain may have something against NULL */
			if (!column->input.fn_strict)
			{
				reader->current = column;
				reader->current_field = field;
				(void) InputFunctionCall(&column->input, NULL,
										 column->typioparam, column->typmod);
			}
		}
	}
	reader->current = NULL;
	ExecStoreVirtualTuple(slot);
}

bool
tuple_reader_current(TupleReader *reader, const char **column, char **value)
{
	const RecordField *field = reader->current_field;
	int			len;

	if (reader->current == NULL)
		return false;
	*column = reader->current->name;
	if (field->data == NULL)
	{
		*value = NULL;
		return true;
	}
	if (field->len <= MAX_SHOWN)
	{
		*value = pnstrdup(field->data, field->len);
		return true;
	}
	len = pg_mbcliplen(field->data, (int) Min(field->len, 2 * MAX_SHOWN), MAX_SHOWN);
	*value = palloc(len + 4);
	memcpy(*value, field->data, len);
	strcpy(*value + len, "...");
	return true;
}
