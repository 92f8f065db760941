/*-------------------------------------------------------------------------
 *
 * tuple_write.c
 *		Rows to lines of CSV or JSON.
 *
 * Each column has a way to be written, chosen once.  The common types are
 * written without a call of their output function; all others through it, or
 * for JSON through to_json(), which knows arrays, rows and casts to json.
 *
 * The export above owns the output buffer and the memory per row.  Below,
 * csv_write.c knows the dialect and value_format.c the spelling of values.
 *
 * Invariant: the text is that of COPY ... TO, or of row_to_json().
 *
 * IDENTIFICATION
 *		src/format/tuple_write.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "format/csv.h"
#include "format/tuple.h"
#include "format/value.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

typedef enum WriteKind
{
	WRITE_TEXT,					/* text, varchar, char(n): the bytes as they are */
	WRITE_NUMERIC,				/* output function; a number unless NaN etc. */
	WRITE_JSON,					/* json in JSON: the bytes as they are */
	WRITE_JSONB,				/* jsonb in JSON */
	WRITE_OUTPUT,				/* output function */
	WRITE_TO_JSON				/* to_json() */
} WriteKind;

typedef struct WriteColumn
{
	ValueFormat format;			/* tried first, if any */
	bool		number;			/* what format gives may go out unquoted
								 * whenever digits may */
	WriteKind	kind;
	int			attribute;		/* index into the row */
	FmgrInfo	function;		/* the output function or to_json() */

	/* JSON: what stands before the value, from { or comma to colon */
	char	   *key;
	int			key_len;
} WriteColumn;

struct TupleWriter
{
	/* constant once created */
	TupleDesc	desc;			/* borrowed */
	StringInfo	out;			/* borrowed */
	bool		header;
	bool		json;
	int			ncolumns;
	WriteColumn *columns;		/* owned */

	/*
	 * Conversion to another encoding: of CSV before a field is quoted, as COPY
	 * does; of JSON by whole lines, from line.
	 */
	int			encoding;
	bool		convert_fields;
	bool		convert_lines;
	StringInfo	target;			/* where a line is built: out or &line */
	StringInfoData line;		/* owned */

	CsvWriter  *csv;			/* owned; NULL for JSON */
	ValueZone	zone;
};

/*
 * Text in the file's encoding.  The result is the text itself if nothing had
 * to be done.
 */
static inline const char *
convert(const TupleWriter *writer, const char *data, Size *len)
{
	char	   *converted = pg_server_to_any(data, (int) *len, writer->encoding);

	if (converted != data)
		*len = strlen(converted);
	return converted;
}

/* A domain has the output function of its base type. */
static void
choose_csv(WriteColumn *column, Oid typid)
{
	Oid			base = getBaseType(typid);
	Oid			function;
	bool		varlena;

	column->format = value_format_plain(base);
	column->number = base == INT2OID || base == INT4OID || base == INT8OID ||
		base == DATEOID;
	if (base == TEXTOID || base == VARCHAROID || base == BPCHAROID)
		column->kind = WRITE_TEXT;
	else if (base == NUMERICOID)
		column->kind = WRITE_NUMERIC;
	else
		column->kind = WRITE_OUTPUT;
	getTypeOutputInfo(typid, &function, &varlena);
	fmgr_info(function, &column->function);
}

/*
 * to_json() looks at the type of its argument, through domains.  Built-in
 * types other than those named here, arrays and rows are strings to it; types
 * made later may have a cast to json.
 */
static void
choose_json(WriteColumn *column, Oid typid, int32 typmod, Oid collation)
{
	Oid			base = getBaseType(typid);
	Oid			function;
	bool		varlena;
	Const	   *argument;

	column->format = value_format_json(base);
	switch (base)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			column->kind = WRITE_TEXT;
			break;
		case NUMERICOID:
			column->kind = WRITE_NUMERIC;
			break;
		case JSONOID:
			column->kind = WRITE_JSON;
			break;
		case JSONBOID:
			column->kind = WRITE_JSONB;
			break;
		default:
			if (base < FirstNormalObjectId && column->format == NULL &&
				get_typtype(base) == TYPTYPE_BASE &&
				!OidIsValid(get_element_type(base)))
				column->kind = WRITE_OUTPUT;
			else
				column->kind = WRITE_TO_JSON;
			break;
	}
	if (column->kind == WRITE_TO_JSON)
	{
		argument = makeNullConst(typid, typmod, collation);
		fmgr_info(F_TO_JSON, &column->function);
		fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSON, JSONOID,
												 list_make1(argument), InvalidOid,
												 InvalidOid, COERCE_EXPLICIT_CALL),
						   &column->function);
	}
	else
	{
		getTypeOutputInfo(typid, &function, &varlena);
		fmgr_info(function, &column->function);
	}
}

static void
set_key(WriteColumn *column, const char *name, bool first)
{
	StringInfoData key;

	initStringInfo(&key);
	appendStringInfoChar(&key, first ? '{' : ',');
	value_append_json_string(&key, name, strlen(name));
	appendStringInfoChar(&key, ':');
	column->key = key.data;
	column->key_len = key.len;
}

static void
create_csv_writer(TupleWriter *writer, const FormatOptions *options,
				  const bool *force_quote)
{
	FormatOptions converted = *options;
	bool	   *quoted = NULL;

	if (writer->convert_fields)
		converted.null = pg_server_to_any(options->null, strlen(options->null),
										  writer->encoding);
	if (force_quote)
	{
		quoted = palloc0(sizeof(bool) * Max(writer->ncolumns, 1));
		for (int i = 0; i < writer->ncolumns; i++)
			quoted[i] = force_quote[writer->columns[i].attribute];
	}
	writer->csv = csv_writer_create(writer->target, &converted,
									writer->ncolumns, quoted);
}

TupleWriter *
tuple_writer_create(TupleDesc desc, const FormatOptions *options,
					const bool *force_quote, StringInfo out)
{
	TupleWriter *writer = palloc0(sizeof(TupleWriter));

	writer->desc = desc;
	writer->out = out;
	writer->header = options->header != HEADER_FALSE;
	writer->json = options->format == FORMAT_JSON;
	writer->encoding = options->encoding;

	/* pg_server_to_any() does nothing for these either */
	if (writer->encoding >= 0 && writer->encoding != GetDatabaseEncoding() &&
		writer->encoding != PG_SQL_ASCII)
	{
		writer->convert_lines = writer->json;
		writer->convert_fields = !writer->json;
	}
	writer->target = out;
	if (writer->convert_lines)
	{
		initStringInfo(&writer->line);
		writer->target = &writer->line;
	}

	writer->columns = palloc0(sizeof(WriteColumn) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		WriteColumn *column = &writer->columns[writer->ncolumns];

		if (att->attisdropped)
			continue;
		column->attribute = i;
		if (writer->json)
		{
			choose_json(column, att->atttypid, att->atttypmod, att->attcollation);
			set_key(column, NameStr(att->attname), writer->ncolumns == 0);
		}
		else
			choose_csv(column, att->atttypid);
		writer->ncolumns++;
	}
	if (!writer->json)
		create_csv_writer(writer, options, force_quote);
	return writer;
}

/* Hand a line that was built apart to the output. */
static void
flush_line(TupleWriter *writer)
{
	Size		len = writer->line.len;
	const char *converted = convert(writer, writer->line.data, &len);

	appendBinaryStringInfo(writer->out, converted, (int) len);
	resetStringInfo(&writer->line);
}

void
tuple_write_header(TupleWriter *writer)
{
	const char **names;

	if (writer->json || !writer->header)
		return;
	names = palloc(sizeof(char *) * Max(writer->ncolumns, 1));
	for (int i = 0; i < writer->ncolumns; i++)
	{
		Form_pg_attribute att = TupleDescAttr(writer->desc,
											  writer->columns[i].attribute);

		names[i] = NameStr(att->attname);
		if (writer->convert_fields)
			names[i] = pg_server_to_any(names[i], strlen(names[i]), writer->encoding);
	}
	csv_write_header(writer->csv, names);
	if (writer->convert_lines)
		flush_line(writer);
}

static inline void
write_csv_value(TupleWriter *writer, WriteColumn *column, int col, Datum value)
{
	char		buf[VALUE_FORMAT_SIZE];
	const char *data;
	Size		len;

	if (column->format)
	{
		int			n = column->format(value, buf, &writer->zone);

		if (n >= 0)
		{
			if (column->number)
				csv_write_number(writer->csv, col, buf, n);
			else
				csv_write_field(writer->csv, col, buf, n);
			return;
		}
	}

	if (column->kind == WRITE_TEXT)
	{
		struct varlena *text = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value));

		data = VARDATA_ANY(text);
		len = VARSIZE_ANY_EXHDR(text);
	}
	else
	{
		data = OutputFunctionCall(&column->function, value);
		len = strlen(data);

		/* a number ends in a digit, NaN and Infinity do not */
		if (column->kind == WRITE_NUMERIC && data[len - 1] >= '0' && data[len - 1] <= '9')
		{
			csv_write_number(writer->csv, col, data, len);
			return;
		}
	}
	if (writer->convert_fields)
		data = convert(writer, data, &len);
	csv_write_field(writer->csv, col, data, len);
}

static inline void
write_json_value(TupleWriter *writer, WriteColumn *column, Datum value)
{
	StringInfo	out = writer->target;
	struct varlena *varlena;
	Jsonb	   *jsonb;
	const char *data;
	Size		len;

	if (column->format)
	{
		int			n;

		enlargeStringInfo(out, VALUE_FORMAT_SIZE);
		n = column->format(value, out->data + out->len, &writer->zone);
		if (n >= 0)
		{
			out->len += n;
			out->data[out->len] = '\0';
			return;
		}
	}

	switch (column->kind)
	{
		case WRITE_TEXT:
			varlena = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value));
			value_append_json_string(out, VARDATA_ANY(varlena), VARSIZE_ANY_EXHDR(varlena));
			break;
		case WRITE_NUMERIC:
			data = OutputFunctionCall(&column->function, value);
			len = strlen(data);
			if (data[len - 1] >= '0' && data[len - 1] <= '9')
				appendBinaryStringInfo(out, data, (int) len);
			else
				value_append_json_string(out, data, len);
			break;
		case WRITE_JSONB:
			jsonb = DatumGetJsonbP(value);
			(void) JsonbToCString(out, &jsonb->root, VARSIZE(jsonb));
			break;
		case WRITE_OUTPUT:
			data = OutputFunctionCall(&column->function, value);
			value_append_json_string(out, data, strlen(data));
			break;
		case WRITE_TO_JSON:
			value = FunctionCall1(&column->function, value);
			/* FALLTHROUGH */
		case WRITE_JSON:
			varlena = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value));
			appendBinaryStringInfo(out, VARDATA_ANY(varlena), (int) VARSIZE_ANY_EXHDR(varlena));
			break;
	}
}

void
tuple_write(TupleWriter *writer, TupleTableSlot *slot)
{
	slot_getallattrs(slot);

	/* an error may have left part of a line behind */
	if (writer->convert_lines)
		resetStringInfo(&writer->line);

	for (int i = 0; i < writer->ncolumns; i++)
	{
		WriteColumn *column = &writer->columns[i];
		Datum		value = slot->tts_values[column->attribute];
		bool		isnull = slot->tts_isnull[column->attribute];

		if (!writer->json)
		{
			if (isnull)
				csv_write_field(writer->csv, i, NULL, 0);
			else
				write_csv_value(writer, column, i, value);
			continue;
		}
		appendBinaryStringInfo(writer->target, column->key, column->key_len);
		if (isnull)
			appendBinaryStringInfo(writer->target, "null", 4);
		else
			write_json_value(writer, column, value);
	}

	if (!writer->json)
		csv_end_record(writer->csv);
	else if (writer->ncolumns > 0)
		appendBinaryStringInfo(writer->target, "}\n", 2);
	else
		appendBinaryStringInfo(writer->target, "{}\n", 3);

	if (writer->convert_lines)
		flush_line(writer);
}
