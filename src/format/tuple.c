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
 * how they are written (see datetime.c), and of JSON, arrays and composite types
 * (see nested.c).  If Redshift's rules are asked for, all others have parsers for
 * what these make no difference to, and value_redshift.c behind them.
 *
 * A value that does not fit raises an error, or, if rows are tried, is handed
 * to a handler.  The input functions of the common types hold nothing when they
 * give up, so their errors can be caught as they are; whatever else may run,
 * does so in a subtransaction.  Either costs only values that no fast parser
 * takes.
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

#include "access/xact.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "format/datetime.h"
#include "format/encoding.h"
#include "format/nested.h"
#include "format/tuple.h"
#include "format/value.h"
#include "format/value_redshift.h"
#include "mb/pg_wchar.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

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
	Oid			type;
	int32		typmod;
	bool		plain;			/* see is_plain() */
	int			max_chars;		/* longer strings are cut; 0: they are not */

	/* what reads the column instead; NULL mostly, both owned */
	NestedType *nested;
	DatetimeFormat *datetime;
	RedshiftType *redshift;		/* owned; or NULL */

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
	bool		by_redshift;	/* Redshift's rules */

	/* scratch: a NUL-terminated copy for an input function */
	char	   *scratch;		/* owned */
	Size		scratch_size;
	MemoryContext cxt;			/* in which scratch is */

	TupleFaultHandler handler;	/* or NULL */
	void	   *handler_arg;	/* borrowed */

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

/*
 * Does the input function of the type hold nothing that an error would leave
 * behind, and run no code but its own?
 */
static bool
is_plain(Oid typid)
{
	Oid			element = get_element_type(typid);

	switch (OidIsValid(element) ? element : typid)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
		case MONEYOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case CHAROID:
		case NAMEOID:
		case BYTEAOID:
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INTERVALOID:
		case UUIDOID:
		case JSONOID:
		case JSONBOID:
		case INETOID:
		case CIDROID:
		case MACADDROID:
		case MACADDR8OID:
		case BITOID:
		case VARBITOID:
		case OIDOID:
		case POINTOID:
			return true;
		default:
			return false;
	}
}

bool
tuple_try_is_parallel_safe(Oid typid, const FormatOptions *format)
{
	return is_plain(typid) && !(format->format == FORMAT_JSON && nested_type_is(typid));
}

/* How many characters a string of the type may have; 0: no limit. */
static int
max_chars_of(Oid typid, int32 typmod)
{
	Oid			base = getBaseTypeAndTypmod(typid, &typmod);

	if ((base != VARCHAROID && base != BPCHAROID) || typmod < (int32) VARHDRSZ)
		return 0;
	return typmod - VARHDRSZ;
}

/* Find out how to convert the fields of a wanted column. */
static void
init_column(TupleReader *reader, ReadColumn *column, Form_pg_attribute att,
			const S3ColumnOptions *options, const FormatOptions *format)
{
	Oid			function;

	column->attribute = att->attnum - 1;
	column->name = NameStr(att->attname);
	column->type = att->atttypid;
	column->typmod = att->atttypmod;
	column->plain = tuple_try_is_parallel_safe(att->atttypid, format);
	if (format->truncate_strings && !format->redshift.on)
		column->max_chars = max_chars_of(att->atttypid, att->atttypmod);
	getTypeInputInfo(att->atttypid, &function, &column->typioparam);
	fmgr_info_cxt(function, &column->input, reader->cxt);

	if (format->format == FORMAT_JSON && nested_type_is(att->atttypid))
	{
		column->nested = nested_type_create(att->atttypid, att->atttypmod, column->name);
		return;
	}
	if (format->redshift.on)
	{
		column->redshift = redshift_type_create(att->atttypid, att->atttypmod, format);
		if (get_typtype(att->atttypid) == TYPTYPE_DOMAIN)
			column->domain = att->atttypid;
		else
			redshift_parser_init(&column->parser, column->redshift);
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
	reader->by_redshift = format->redshift.on;
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
tuple_reader_set_defaults(TupleReader *reader, Relation rel, const AttrNumber *attnums,
						  ExprContext *econtext)
{
	TupleDesc	desc = RelationGetDescr(rel);
	MemoryContext old = MemoryContextSwitchTo(reader->cxt);

	reader->econtext = econtext;
	for (int i = 0; i < reader->ncolumns; i++)
	{
		ReadColumn *column = &reader->columns[i];
		AttrNumber	attnum = attnums ? attnums[column->attribute] : column->attribute + 1;
		Expr	   *expr;

		/* what a generated column has there is no default */
		if (TupleDescAttr(desc, attnum - 1)->attgenerated)
			continue;
		expr = (Expr *) build_column_default(rel, attnum);
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

void
tuple_reader_set_handler(TupleReader *reader, TupleFaultHandler handler, void *arg)
{
	reader->handler = handler;
	reader->handler_arg = arg;
}

/* What is wrong, by an error's SQLSTATE. */
static RecordFault
fault_of_error(int sqlerrcode, const RecordField *field)
{
	switch (sqlerrcode)
	{
		case ERRCODE_STRING_DATA_RIGHT_TRUNCATION:
			return FAULT_TOO_LONG;
		case ERRCODE_CHARACTER_NOT_IN_REPERTOIRE:
		case ERRCODE_UNTRANSLATABLE_CHARACTER:
			return FAULT_ENCODING;
		case ERRCODE_NOT_NULL_VIOLATION:
			return field->data == NULL ? FAULT_NOT_NULL : FAULT_VALUE;
		default:
			return FAULT_VALUE;
	}
}

static bool
report_fault(TupleReader *reader, const ReadColumn *column, const RecordField *field,
			 bool repaired, bool nullable, int sqlerrcode, const char *message)
{
	TupleFault	fault = {
		.column = column->name,.type = column->type,.typmod = column->typmod,
		.data = field->data,.len = field->data ? field->len : 0,
		.repaired = repaired,.nullable = nullable,
		.fault = fault_of_error(sqlerrcode, field),
		.sqlerrcode = sqlerrcode,.message = message
	};

	if (reader->by_redshift)
		fault.message = redshift_fault_reason(fault.fault, column->type, sqlerrcode,
											  fault.data, fault.len, message);

	return reader->handler && reader->handler(reader->handler_arg, &fault);
}

/* Cut a string that is longer than its column.  Blanks at its end do not count. */
static RecordField
cut_field(TupleReader *reader, const ReadColumn *column, const RecordField *field)
{
	RecordField result = *field;
	Size		end;

	if (field->len <= (Size) column->max_chars || field->len > MaxAllocSize)
		return result;
	result.len = pg_mbcharcliplen(field->data, (int) field->len, column->max_chars);
	for (end = field->len; end > result.len && field->data[end - 1] == ' ';)
		end--;
	if (end > result.len)
		(void) report_fault(reader, column, field, true, false, ERRCODE_STRING_DATA_RIGHT_TRUNCATION,
							psprintf(_("value was cut to %d characters"), column->max_chars));
	return result;
}

/* Say that bytes of the field which are no text have been replaced. */
static void
report_replaced(TupleReader *reader, const ReadColumn *column, const RecordField *field)
{
	(void) report_fault(reader, column, field, true, false, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
						"Invalid UTF8 codepoints were replaced");
}

/* Convert a field by Redshift's rules; true if it is NULL. */
static bool
convert_redshift(TupleReader *reader, ReadColumn *column, const RecordField *field, Datum *value)
{
	RedshiftValue found;

	switch (redshift_read(column->redshift, field, &found, value))
	{
		case REDSHIFT_DATUM:
			if (OidIsValid(column->domain))
				domain_check(*value, false, column->domain, &column->domain_cache, reader->cxt);
			break;
		case REDSHIFT_NULL:
			if (!column->input.fn_strict)
				(void) InputFunctionCall(&column->input, NULL, column->typioparam,
										 column->typmod);
			return true;
		case REDSHIFT_INPUT:
			*value = InputFunctionCall(&column->input, terminated_copy(reader, &found.field),
									   column->typioparam, column->typmod);
			break;
		case REDSHIFT_BAD:
			ereport(ERROR,
					(errcode(found.sqlerrcode),
					 errmsg_internal("%s", found.reason)));
	}
	if (found.replaced)
		report_replaced(reader, column, field);
	return false;
}

/* Convert a field for which there is no fast parser; true if it is NULL. */
static bool
convert(TupleReader *reader, ReadColumn *column, const RecordField *field, Datum *value)
{
	if (column->nested)
		return nested_read(column->nested, field->data, field->len, value);
	if (column->redshift)
		return convert_redshift(reader, column, field, value);
	if (column->datetime)
	{
		*value = datetime_read(column->datetime, field->data, field->len);
		if (OidIsValid(column->domain))
			domain_check(*value, false, column->domain, &column->domain_cache, reader->cxt);
	}
	else
	{
		RecordField cut;

		if (unlikely(column->max_chars > 0))
		{
			cut = cut_field(reader, column, field);
			field = &cut;
		}
		*value = InputFunctionCall(&column->input, terminated_copy(reader, field),
								   column->typioparam, column->typmod);
	}
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

/* What becomes of a field that no fast parser takes; true: NULL. */
static bool
convert_any(TupleReader *reader, ReadColumn *column, const RecordField *field, Datum *value)
{
	*value = (Datum) 0;
	if (field->data || field->len == RECORD_FIELD_MISSING)
		return convert(reader, column, field, value);
	if (field->len == RECORD_FIELD_DEFAULT)
		return default_value(reader, column, value);

	/* a domain may have something against NULL */
	if (!column->input.fn_strict)
		(void) InputFunctionCall(&column->input, NULL, column->typioparam, column->typmod);
	return true;
}

/* Is the error about the value, and not about the server or the query? */
static bool
is_fault_of_value(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case MAKE_SQLSTATE('0', 'A', '0', '0', '0'):
		case MAKE_SQLSTATE('2', '2', '0', '0', '0'):
		case MAKE_SQLSTATE('2', '3', '0', '0', '0'):
		case MAKE_SQLSTATE('4', '2', '0', '0', '0'):
		case MAKE_SQLSTATE('5', '4', '0', '0', '0'):
		case MAKE_SQLSTATE('P', '0', '0', '0', '0'):
			return true;
		default:
			return false;
	}
}

/* The same as convert_any(); what is wrong with the value is returned, or NULL. */
static ErrorData *
try_convert(TupleReader *reader, ReadColumn *column, const RecordField *field,
			Datum *value, bool *isnull)
{
	MemoryContext cxt = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;
	bool		nested = !column->plain;

	/* Nothing can go wrong. */
	if (field->data == NULL && field->len == 0 && column->input.fn_strict)
	{
		*value = (Datum) 0;
		*isnull = true;
		return NULL;
	}

	/* What is wrong with a default is no fault of the data. */
	if (field->data == NULL && field->len == RECORD_FIELD_DEFAULT && column->default_value)
	{
		*isnull = default_value(reader, column, value);
		return NULL;
	}
	if (nested)
	{
		BeginInternalSubTransaction(NULL);
		MemoryContextSwitchTo(cxt);
	}
	PG_TRY();
	{
		*isnull = convert_any(reader, column, field, value);
		if (nested)
		{
			ReleaseCurrentSubTransaction();
			MemoryContextSwitchTo(cxt);
			CurrentResourceOwner = owner;
		}
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(cxt);
		error = CopyErrorData();
		FlushErrorState();
		if (nested)
		{
			RollbackAndReleaseCurrentSubTransaction();
			MemoryContextSwitchTo(cxt);
			CurrentResourceOwner = owner;
		}
		if (!is_fault_of_value(error->sqlerrcode))
			ReThrowError(error);
	}
	PG_END_TRY();
	return error;
}

/* The values that are no columns of the record. */
static void
store_externals(const TupleReader *reader, TupleTableSlot *slot)
{
	memset(slot->tts_isnull, true, sizeof(bool) * reader->natts);
	for (int i = 0; i < reader->nexternals; i++)
	{
		const ExternalValue *external = &reader->externals[i];

		slot->tts_values[external->attribute] = external->value;
		slot->tts_isnull[external->attribute] = external->isnull;
	}
}

/*
 * A value by Redshift's rules, of which nothing is in doubt but for input
 * functions: true if that is settled, *given_up if the row is not to be used.
 * Else *field is what try_convert() is to be asked for.
 */
static bool
try_redshift(TupleReader *reader, const ReadColumn *column, const RecordField **field,
			 RedshiftValue *found, Datum *value, bool *isnull, bool *given_up)
{
	static const RecordField null_field = {NULL, 0};
	const RecordField *given = *field;

	*given_up = false;
	switch (redshift_read(column->redshift, given, found, value))
	{
		case REDSHIFT_DATUM:
			if (OidIsValid(column->domain))
				return false;
			*isnull = false;
			if (found->replaced)
				report_replaced(reader, column, given);
			return true;
		case REDSHIFT_NULL:
			*field = &null_field;
			*isnull = true;
			return column->input.fn_strict;
		case REDSHIFT_BAD:
			*value = (Datum) 0;
			*isnull = true;
			*given_up = !report_fault(reader, column, given, false, column->input.fn_strict,
									  found->sqlerrcode, found->reason) ||
				!column->input.fn_strict;
			return true;
		case REDSHIFT_INPUT:
			return false;
	}
	pg_unreachable();
}

bool
tuple_try_store(TupleReader *reader, const Record *record, TupleTableSlot *slot)
{
	static const RecordField null_field = {NULL, 0};

	store_externals(reader, slot);
	for (int i = 0; i < reader->ncolumns; i++)
	{
		ReadColumn *column = &reader->columns[i];
		const RecordField *field = &record->fields[column->field];
		Datum	   *value = &slot->tts_values[column->attribute];
		bool	   *isnull = &slot->tts_isnull[column->attribute];
		ErrorData  *error;

		if (field->data != NULL && column->parser.parse != NULL &&
			column->parser.parse(&column->parser, field->data, field->len, value))
		{
			*isnull = false;
			continue;
		}
		if (unlikely(reader->by_redshift) && column->redshift)
		{
			RedshiftValue found;
			bool		given_up;

			if (try_redshift(reader, column, &field, &found, value, isnull, &given_up))
			{
				if (given_up)
					return false;
				continue;
			}
		}
		reader->current = column;
		reader->current_field = field;
		error = try_convert(reader, column, field, value, isnull);
		reader->current = NULL;
		if (error)
		{
			/* A domain may not take NULL either. */
			bool		nullable = field->data != NULL &&
				try_convert(reader, column, &null_field, value, isnull) == NULL;

			if (!report_fault(reader, column, field, false, nullable,
							  error->sqlerrcode, error->message) || !nullable)
				return false;
		}
	}
	ExecStoreVirtualTuple(slot);
	return true;
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
			if (field->len == RECORD_FIELD_MISSING && column->redshift)
			{
				reader->current = column;
				reader->current_field = field;
				isnull[column->attribute] = convert_redshift(reader, column, field, value);
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
	const char *data;
	int			len;

	if (reader->current == NULL)
		return false;
	*column = reader->current->name;
	if (field->data == NULL)
	{
		*value = NULL;
		return true;
	}
	data = reader->by_redshift ?
		text_printable(field->data, Min(field->len, 2 * MAX_SHOWN)) : field->data;
	if (field->len <= MAX_SHOWN)
	{
		*value = pnstrdup(data, field->len);
		return true;
	}
	len = pg_mbcliplen(data, (int) Min(field->len, 2 * MAX_SHOWN), MAX_SHOWN);
	*value = palloc(len + 4);
	memcpy(*value, data, len);
	strcpy(*value + len, "...");
	return true;
}
