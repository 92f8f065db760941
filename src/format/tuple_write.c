/*-------------------------------------------------------------------------
 *
 * tuple_write.c
 *		Rows to lines of CSV, text, fixed width or JSON.
 *
 * Each column has a way to be written, chosen once.  The common types are
 * written without a call of their output function; all others through it, or
 * for JSON through to_json(), which knows arrays, rows and casts to json.
 *
 * The export above owns the output buffer and the memory per row.  Below,
 * csv_write.c, text_write.c and fixed_write.c know how a field is written, and
 * value_format.c the spelling of values.
 *
 * Invariant: the text of a value is that of COPY ... TO, or of row_to_json();
 * by Redshift's rules, bytea is plain hex digits, char(n) has no blanks behind
 * it, and in JSON a date or time is a string of what it is elsewhere.
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
#include "format/append.h"
#include "format/csv.h"
#include "format/fixed.h"
#include "format/text.h"
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
	WRITE_TO_JSON,				/* to_json() */

	/* Redshift's */
	WRITE_PADDED,				/* char(n): the bytes without blanks behind them */
	WRITE_HEX					/* bytea */
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
	FileFormat	format;
	bool		header;
	bool		array;			/* JSON: one array of all rows */
	int			ncolumns;
	WriteColumn *columns;		/* owned */

	/*
	 * Conversion to another encoding: of CSV and text before a field is quoted,
	 * as COPY does; of JSON and fixed width, where characters of the server's
	 * encoding count, by whole lines, from line.
	 */
	int			encoding;
	bool		convert_fields;
	bool		convert_lines;
	StringInfo	target;			/* where a line is built: out or &line */
	StringInfoData line;		/* owned */

	/* by format; owned */
	CsvWriter  *csv;
	TextWriter *text;
	FixedWriter *fixed;

	ValueZone	zone;
	bool		any;			/* a row was written */
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
choose_plain(WriteColumn *column, Oid typid)
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

/* What Redshift writes otherwise. */
static void
choose_redshift(WriteColumn *column, Oid typid, bool json)
{
	Oid			function;
	bool		varlena;

	switch (getBaseType(typid))
	{
		case BPCHAROID:
			column->kind = WRITE_PADDED;
			break;
		case BYTEAOID:
			column->kind = WRITE_HEX;
			break;
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			if (json)
			{
				column->format = NULL;
				column->kind = WRITE_OUTPUT;
				getTypeOutputInfo(typid, &function, &varlena);
				fmgr_info(function, &column->function);
			}
			break;
	}
}

/* The text of WRITE_PADDED or WRITE_HEX. */
static const char *
redshift_text(const WriteColumn *column, Datum value, Size *len)
{
	struct varlena *varlena = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value));
	const char *data = VARDATA_ANY(varlena);
	Size		size = VARSIZE_ANY_EXHDR(varlena);
	char	   *digits;

	if (column->kind == WRITE_PADDED)
	{
		*len = bpchartruelen(unconstify(char *, data), (int) size);
		return data;
	}
	digits = palloc(size * 2 + 1);
	*len = hex_encode(data, size, digits);
	return digits;
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

/* The columns' names, in the file's encoding if fields are. */
static const char *const *
column_names(TupleWriter *writer)
{
	const char **names = palloc(sizeof(char *) * Max(writer->ncolumns, 1));

	for (int i = 0; i < writer->ncolumns; i++)
	{
		Form_pg_attribute att = TupleDescAttr(writer->desc,
											  writer->columns[i].attribute);

		names[i] = NameStr(att->attname);
		if (writer->convert_fields)
			names[i] = pg_server_to_any(names[i], strlen(names[i]), writer->encoding);
	}
	return names;
}

/* The writer of fields, for formats that have fields. */
static void
create_field_writer(TupleWriter *writer, const FormatOptions *options,
					const bool *force_quote)
{
	FormatOptions converted = *options;
	bool	   *quoted = NULL;
	bool	   *strings = NULL;

	if (writer->convert_fields)
		converted.null = pg_server_to_any(options->null, strlen(options->null),
										  writer->encoding);
	if (force_quote)
	{
		quoted = palloc0(sizeof(bool) * Max(writer->ncolumns, 1));
		for (int i = 0; i < writer->ncolumns; i++)
			quoted[i] = force_quote[writer->columns[i].attribute];
	}
	switch (writer->format)
	{
		case FORMAT_CSV:
			writer->csv = csv_writer_create(writer->target, &converted,
											writer->ncolumns, quoted);
			break;
		case FORMAT_TEXT:
			writer->text = text_writer_create(writer->target, &converted,
											  writer->ncolumns);
			break;
		case FORMAT_FIXEDWIDTH:
			if (options->redshift.on)
			{
				strings = palloc(sizeof(bool) * Max(writer->ncolumns, 1));
				for (int i = 0; i < writer->ncolumns; i++)
					strings[i] = writer->columns[i].kind == WRITE_TEXT ||
						writer->columns[i].kind == WRITE_PADDED;
			}
			writer->fixed = fixed_writer_create(writer->target, options, writer->ncolumns,
												column_names(writer), strings);
			break;
		case FORMAT_JSON:
			break;
	}
}

/* Readers of an object go by names. */
static void
check_names(const TupleWriter *writer)
{
	for (int i = 1; i < writer->ncolumns; i++)
	{
		const char *name = NameStr(TupleDescAttr(writer->desc, writer->columns[i].attribute)->attname);

		for (int j = 0; j < i; j++)
		{
			if (strcmp(name, NameStr(TupleDescAttr(writer->desc, writer->columns[j].attribute)->attname)) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("column \"%s\" appears more than once in the query's result", name),
						 errdetail("The names of the members of a JSON object must be unique.")));
		}
	}
}

TupleWriter *
tuple_writer_create(TupleDesc desc, const FormatOptions *options,
					const bool *force_quote, StringInfo out)
{
	TupleWriter *writer = palloc0(sizeof(TupleWriter));

	writer->desc = desc;
	writer->out = out;
	writer->header = options->header != HEADER_FALSE;
	writer->format = (FileFormat) options->format;
	writer->array = options->array;
	writer->encoding = options->encoding;

	/* pg_server_to_any() does nothing for these either */
	if (writer->encoding >= 0 && writer->encoding != GetDatabaseEncoding() &&
		writer->encoding != PG_SQL_ASCII)
	{
		writer->convert_fields = writer->format == FORMAT_CSV || writer->format == FORMAT_TEXT;
		writer->convert_lines = !writer->convert_fields;
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
		if (writer->format == FORMAT_JSON)
		{
			choose_json(column, att->atttypid, att->atttypmod, att->attcollation);
			set_key(column, NameStr(att->attname), writer->ncolumns == 0);
		}
		else
			choose_plain(column, att->atttypid);
		if (options->redshift.on)
			choose_redshift(column, att->atttypid, writer->format == FORMAT_JSON);
		writer->ncolumns++;
	}
	if (options->redshift.on && writer->format == FORMAT_JSON)
		check_names(writer);
	create_field_writer(writer, options, force_quote);
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
	if (writer->format == FORMAT_JSON && writer->array)
		append_char(writer->target, '[');
	else if (writer->format == FORMAT_JSON || !writer->header)
		return;
	else if (writer->csv)
		csv_write_header(writer->csv, column_names(writer));
	else if (writer->text)
		text_write_header(writer->text, column_names(writer));
	else
		fixed_write_header(writer->fixed);
	if (writer->convert_lines)
		flush_line(writer);
}

void
tuple_write_footer(TupleWriter *writer)
{
	if (writer->format == FORMAT_JSON && writer->array)
		appendStringInfoString(writer->out, writer->any ? "\n]" : "]");
}

void
tuple_write_restart(TupleWriter *writer)
{
	writer->any = false;
}

/* A field as the writer of the format takes it; format is a constant here. */
static pg_attribute_always_inline void
write_field(TupleWriter *writer, FileFormat format, int col, const char *data, Size len)
{
	if (format == FORMAT_CSV)
		csv_write_field(writer->csv, col, data, len);
	else if (format == FORMAT_TEXT)
		text_write_field(writer->text, col, data, len);
	else
		fixed_write_field(writer->fixed, col, data, len);
}

static pg_attribute_always_inline void
write_number(TupleWriter *writer, FileFormat format, int col, const char *data, Size len)
{
	if (format == FORMAT_CSV)
		csv_write_number(writer->csv, col, data, len);
	else if (format == FORMAT_TEXT)
		text_write_number(writer->text, col, data, len);
	else
		fixed_write_field(writer->fixed, col, data, len);
}

static pg_attribute_always_inline void
write_plain_value(TupleWriter *writer, FileFormat format, WriteColumn *column, int col,
				  Datum value)
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
				write_number(writer, format, col, buf, n);
			else
				write_field(writer, format, col, buf, n);
			return;
		}
	}

	if (column->kind == WRITE_TEXT)
	{
		struct varlena *text = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value));

		data = VARDATA_ANY(text);
		len = VARSIZE_ANY_EXHDR(text);
	}
	else if (unlikely(column->kind >= WRITE_PADDED))
		data = redshift_text(column, value, &len);
	else
	{
		data = OutputFunctionCall(&column->function, value);
		len = strlen(data);

		/* a number ends in a digit, NaN and Infinity do not */
		if (column->kind == WRITE_NUMERIC && data[len - 1] >= '0' && data[len - 1] <= '9')
		{
			write_number(writer, format, col, data, len);
			return;
		}
	}
	if (writer->convert_fields)
		data = convert(writer, data, &len);
	write_field(writer, format, col, data, len);
}

static pg_attribute_always_inline void
write_plain_row(TupleWriter *writer, FileFormat format, TupleTableSlot *slot)
{
	for (int i = 0; i < writer->ncolumns; i++)
	{
		WriteColumn *column = &writer->columns[i];

		if (slot->tts_isnull[column->attribute])
			write_field(writer, format, i, NULL, 0);
		else
			write_plain_value(writer, format, column, i, slot->tts_values[column->attribute]);
	}
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
		case WRITE_PADDED:
		case WRITE_HEX:
			data = redshift_text(column, value, &len);
			value_append_json_string(out, data, len);
			break;
	}
}

static void
write_json_row(TupleWriter *writer, TupleTableSlot *slot)
{
	if (writer->array)
		appendStringInfoString(writer->target, writer->any ? ",\n" : "\n");
	for (int i = 0; i < writer->ncolumns; i++)
	{
		WriteColumn *column = &writer->columns[i];

		appendBinaryStringInfo(writer->target, column->key, column->key_len);
		if (slot->tts_isnull[column->attribute])
			appendBinaryStringInfo(writer->target, "null", 4);
		else
			write_json_value(writer, column, slot->tts_values[column->attribute]);
	}
	if (writer->ncolumns == 0)
		append_char(writer->target, '{');
	appendBinaryStringInfo(writer->target, "}\n", writer->array ? 1 : 2);
}

void
tuple_write(TupleWriter *writer, TupleTableSlot *slot)
{
	slot_getallattrs(slot);

	/* an error may have left part of a line behind */
	if (writer->convert_lines)
		resetStringInfo(&writer->line);

	switch (writer->format)
	{
		case FORMAT_CSV:
			write_plain_row(writer, FORMAT_CSV, slot);
			csv_end_record(writer->csv);
			break;
		case FORMAT_TEXT:
			write_plain_row(writer, FORMAT_TEXT, slot);
			text_end_record(writer->text);
			break;
		case FORMAT_FIXEDWIDTH:
			write_plain_row(writer, FORMAT_FIXEDWIDTH, slot);
			fixed_end_record(writer->fixed);
			break;
		case FORMAT_JSON:
			write_json_row(writer, slot);
			break;
	}
	writer->any = true;

	if (writer->convert_lines)
		flush_line(writer);
}
