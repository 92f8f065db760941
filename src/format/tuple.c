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
#include "fmgr.h"
#include "format/tuple.h"
#include "format/value.h"
#include "mb/pg_wchar.h"
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
} ReadColumn;

struct TupleReader
{
	/* constant once created */
	int			natts;
	int			nrecord;		/* columns of a record */
	RecordColumn *record;		/* owned */
	int			ncolumns;		/* wanted columns */
	ReadColumn *columns;		/* owned, in order of attributes */

	/* scratch: a NUL-terminated copy for an input function */
	char	   *scratch;		/* owned */
	Size		scratch_size;
	MemoryContext cxt;			/* in which scratch is */

	/* what is being converted; NULL outside of tuple_store() */
	const ReadColumn *current;
	const RecordField *current_field;	/* borrowed */
};

TupleReader *
tuple_reader_create(TupleDesc desc, const bool *needed,
					S3ColumnOptions *const *column_options, bool json)
{
	TupleReader *reader = palloc0(sizeof(TupleReader));

	reader->natts = desc->natts;
	reader->record = palloc0(sizeof(RecordColumn) * Max(desc->natts, 1));
	reader->columns = palloc0(sizeof(ReadColumn) * Max(desc->natts, 1));
	reader->cxt = CurrentMemoryContext;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		const S3ColumnOptions *options = column_options ? column_options[i] : NULL;
		RecordColumn *record;
		ReadColumn *column;
		Oid			function;

		if (att->attisdropped)
			continue;
		record = &reader->record[reader->nrecord];
		record->name = NameStr(att->attname);
		record->needed = needed[i];
		if (options)
		{
			record->force_not_null = options->force_not_null;
			record->force_null = options->force_null;
		}
		if (json)
		{
			Oid			base = getBaseType(att->atttypid);

			record->raw_json = base == JSONOID || base == JSONBOID;
		}

		if (needed[i])
		{
			column = &reader->columns[reader->ncolumns++];
			value_parser_init(&column->parser, att->atttypid, att->atttypmod);
			column->field = reader->nrecord;
			column->attribute = i;
			column->name = record->name;
			column->typmod = att->atttypmod;
			getTypeInputInfo(att->atttypid, &function, &column->typioparam);
			fmgr_info_cxt(function, &column->input, reader->cxt);
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

void
tuple_store(TupleReader *reader, const Record *record, TupleTableSlot *slot)
{
	Datum	   *values = slot->tts_values;
	bool	   *isnull = slot->tts_isnull;

	memset(isnull, true, sizeof(bool) * reader->natts);
	for (int i = 0; i < reader->ncolumns; i++)
	{
		ReadColumn *column = &reader->columns[i];
		const RecordField *field = &record->fields[column->field];
		Datum	   *value = &values[column->attribute];

		if (field->data != NULL)
		{
			if (column->parser.parse == NULL ||
				!column->parser.parse(&column->parser, field->data, field->len, value))
			{
				reader->current = column;
				reader->current_field = field;
				*value = InputFunctionCall(&column->input,
										   terminated_copy(reader, field),
										   column->typioparam, column->typmod);
			}
			isnull[column->attribute] = false;
		}
		else
		{
			*value = (Datum) 0;

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
