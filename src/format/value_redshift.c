/*-------------------------------------------------------------------------
 *
 * value_redshift.c
 *		Values as Redshift's COPY reads them, and its words for what is wrong.
 *
 * Columns that are no strings: blanks around a value do not count, and a value
 * of nothing else is NULL.  Decimals are cut to their scale, or rounded if the
 * option says so.  Lengths of strings count bytes, char takes ASCII only.  What
 * is left to the type's input function has been checked for what that would
 * take and Redshift does not, such as "infinity" or "0x10".
 *
 * Bytes come as they are in the file: strings are verified here, so that one
 * that is no text spoils its own row, or is made good.
 *
 * tuple.c calls the input functions, and whoever wants to know of bad values.
 * The texts are those that clients see in stl_load_errors, and are not
 * translated.
 *
 * IDENTIFICATION
 *		src/format/value_redshift.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "base/compat.h"
#include "base/hex.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "fmgr.h"
#include "format/datetime_redshift.h"
#include "format/encoding.h"
#include "format/value.h"
#include "format/value_redshift.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* Bytes of a character that a reason shows. */
#define MAX_SHOWN_BYTES 8
#define MAX_SHOWN_DIGITS 50		/* of a number */

typedef enum ValueKind
{
	VALUE_STRING,
	VALUE_INTEGER,
	VALUE_NUMERIC,
	VALUE_FLOAT,
	VALUE_BOOLEAN,
	VALUE_DATETIME,
	VALUE_BYTES,				/* in hexadecimal */
	VALUE_JSON,					/* blanks are its own */
	VALUE_OTHER
} ValueKind;

struct RedshiftType
{
	const RedshiftFormat *rules;	/* borrowed */
	ValueKind	kind;
	Oid			type;			/* the base type */
	int			max_bytes;		/* of a string; 0: no limit */
	bool		truncate;		/* a longer one */
	bool		trims;			/* blanks behind it */
	bool		json;			/* the file is */
	int32		typmod;
	int			scale;			/* of numeric with a modifier */
	int			precision;		/* of that; 0: it has none */
	ValueParser parser;			/* a fast one, for what has been checked */
	RedshiftDatetime *datetime; /* owned, or NULL */
};

RedshiftType *
redshift_type_create(Oid typid, int32 typmod, const FormatOptions *options)
{
	RedshiftType *type = palloc0(sizeof(RedshiftType));
	char		category;
	bool		preferred;

	type->rules = &options->redshift;
	type->type = getBaseTypeAndTypmod(typid, &typmod);
	type->typmod = typmod;
	type->json = options->format == FORMAT_JSON;
	type->truncate = options->truncate_strings;
	type->kind = VALUE_OTHER;
	switch (type->type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			type->kind = VALUE_INTEGER;
			break;
		case NUMERICOID:
			type->kind = VALUE_NUMERIC;
			if (typmod >= (int32) VARHDRSZ)
			{
				type->precision = ((typmod - VARHDRSZ) >> 16) & 0xffff;
				type->scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
			}
			value_parser_init(&type->parser, type->type, typmod);
			break;
		case FLOAT4OID:
		case FLOAT8OID:
			type->kind = VALUE_FLOAT;
			value_parser_init(&type->parser, type->type, typmod);
			break;
		case BOOLOID:
			type->kind = VALUE_BOOLEAN;
			break;
		case DATEOID:
			type->kind = VALUE_DATETIME;
			type->datetime = redshift_datetime_create(type->type, typmod, options->dateformat);
			break;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			type->kind = VALUE_DATETIME;
			type->datetime = redshift_datetime_create(type->type, typmod, options->timeformat);
			break;
		case BYTEAOID:
			type->kind = VALUE_BYTES;
			break;
		case JSONOID:
		case JSONBOID:
			type->kind = VALUE_JSON;
			break;
		default:
			get_type_category_preferred(type->type, &category, &preferred);
			if (category != TYPCATEGORY_STRING)
				break;
			type->kind = VALUE_STRING;
			type->trims = type->rules->trim_blanks && type->type != BPCHAROID;
			if ((type->type == VARCHAROID || type->type == BPCHAROID) &&
				typmod >= (int32) VARHDRSZ)
				type->max_bytes = typmod - VARHDRSZ;
			break;
	}
	return type;
}

/* ---- Parsers ---- */

/* Are these bytes ASCII, and none of them NUL? */
static inline bool
is_ascii(const char *data, Size len)
{
	const uint64 high = UINT64CONST(0x8080808080808080);
	const uint64 low = UINT64CONST(0x7f7f7f7f7f7f7f7f);
	const char *end = data + len;
	uint64		highs = 0;
	uint64		not_zero = high;

	if (len < sizeof(uint64))
	{
		for (; data < end; data++)
		{
			if (IS_HIGHBIT_SET(*data) || *data == '\0')
				return false;
		}
		return true;
	}
	while (data < end)
	{
		uint64		word;

		/* the last eight bytes may have been looked at in part */
		if (end - data < (ptrdiff_t) sizeof(word))
			data = end - sizeof(word);
		memcpy(&word, data, sizeof(word));
		data += sizeof(word);
		highs |= word;

		/* no carry between bytes, as long as there is no high bit */
		not_zero &= (word & low) + low;
	}
	return (highs & high) == 0 && (not_zero & high) == high;
}

/* Strings that are text, short enough, and have nothing that an option is about. */
static bool
parse_string(const ValueParser *self, const char *data, Size len, Datum *value)
{
	if (len > (Size) self->limit)
		return false;
	if (self->edges &&
		(len == 0 || isspace((unsigned char) data[0]) || isspace((unsigned char) data[len - 1])))
		return false;
	if (!is_ascii(data, len) &&
		pg_encoding_verifymbstr(GetDatabaseEncoding(), data, (int) len) != (int) len)
		return false;
	*value = PointerGetDatum(cstring_to_text_with_len(data, (int) len));
	return true;
}

/* The same of char, filled up with blanks to its length. */
static bool
parse_char(const ValueParser *self, const char *data, Size len, Datum *value)
{
	Size		size = self->limit;
	text	   *result;

	if (len > size ||
		(self->edges &&
		 (len == 0 || isspace((unsigned char) data[0]) || isspace((unsigned char) data[len - 1]))) ||
		!is_ascii(data, len))
		return false;
	result = (text *) palloc(size + VARHDRSZ);
	SET_VARSIZE(result, size + VARHDRSZ);
	memcpy(VARDATA(result), data, len);
	memset(VARDATA(result) + len, ' ', size - len);
	*value = PointerGetDatum(result);
	return true;
}

void
redshift_parser_init(ValueParser *parser, const RedshiftType *type)
{
	const RedshiftFormat *rules = type->rules;
	char		separator;

	memset(parser, 0, sizeof(ValueParser));
	switch (type->kind)
	{
		case VALUE_INTEGER:
		case VALUE_NUMERIC:
		case VALUE_FLOAT:
		case VALUE_BOOLEAN:
			value_parser_init(parser, type->type, type->typmod);
			break;
		case VALUE_DATETIME:
			if (!redshift_datetime_is_canonical(type->datetime, &separator))
				break;
			value_parser_init(parser, type->type, type->typmod);
			parser->separator = separator;
			break;
		case VALUE_STRING:
			parser->edges = rules->blanks_as_null || rules->trim_blanks ||
				(rules->empty_as_null && type->json);
			parser->limit = type->max_bytes > 0 ? type->max_bytes :
				(int) (MaxAllocSize - VARHDRSZ);
			if (type->type == TEXTOID || type->type == VARCHAROID)
				parser->parse = parse_string;
			else if (type->type == BPCHAROID && type->max_bytes > 0)
				parser->parse = parse_char;
			break;
		case VALUE_OTHER:
			if (type->type == UUIDOID)
				value_parser_init(parser, type->type, type->typmod);
			break;
		case VALUE_BYTES:
		case VALUE_JSON:
			break;
	}
}

/* ---- What is wrong ---- */

static RedshiftResult
bad(RedshiftValue *value, RecordFault fault, int sqlerrcode, const char *reason)
{
	value->fault = fault;
	value->sqlerrcode = sqlerrcode;
	value->reason = reason;
	return REDSHIFT_BAD;
}

/* Redshift's name of a type in these messages. */
static const char *
type_name(Oid type)
{
	switch (type)
	{
		case INT2OID:
			return "Short";
		case INT4OID:
			return "Integer";
		case INT8OID:
			return "Long";
		case NUMERICOID:
			return "Decimal";
		case FLOAT4OID:
			return "Float";
		default:
			return "Double";
	}
}

static bool
is_number_type(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID || type == NUMERICOID ||
		type == FLOAT4OID || type == FLOAT8OID;
}

/* The character at data + pos is in the way of a number. */
static RedshiftResult
bad_digit(const RedshiftType *type, RedshiftValue *value, const char *data, Size len, Size pos)
{
	char		shown[MAX_SHOWN_BYTES + 1] = {0};

	if (pos < len)
	{
		int			n = pg_encoding_mblen(GetDatabaseEncoding(), data + pos);

		if (n > MAX_SHOWN_BYTES || pos + n > len || text_valid_length(data + pos, n) < (Size) n)
			shown[0] = '?';
		else
			memcpy(shown, data + pos, n);
	}
	return bad(value, FAULT_VALUE, ERRCODE_INVALID_TEXT_REPRESENTATION,
			   psprintf("Invalid digit, Value '%s', Pos %d, Type: %s", shown, (int) pos,
						type_name(type->type)));
}

static RedshiftResult
bad_overflow(const RedshiftType *type, RedshiftValue *value)
{
	return bad(value, FAULT_VALUE, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
			   redshift_fault_reason(FAULT_VALUE, type->type, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
									 value->field.data, value->field.len, NULL));
}

/* ---- Strings ---- */

/*
 * The kinds of invalid UTF-8 that Redshift tells apart.  *size is how many bytes
 * it shows.
 */
static int
utf8_error(const char *data, Size len, int *size)
{
	unsigned char c = *data;
	int			want = c >= 0xf8 ? 5 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;
	int			n = 1;

	*size = 1;
	if (want == 1)
		return 3;
	if (want == 5)
		return c >= 0xfe ? 3 : 1;
	while (n < want && (Size) n < len && (data[n] & 0xc0) == 0x80)
		n++;
	*size = Min((Size) want, len);
	if (n < want)
		return (Size) n == len ? 2 : 4;
	if (c == 0xed)
		return 5;
	return c >= 0xf4 ? 6 : 3;
}

/* Bytes in hexadecimal. */
static char *
hex_bytes(const char *data, int n)
{
	char	   *text = palloc(n * 3 + 1);

	text[0] = '\0';
	for (int i = 0; i < n; i++)
		sprintf(text + strlen(text), "%s%02x", i > 0 ? " " : "", (unsigned char) data[i]);
	return text;
}

/* Is it text?  What is not is replaced, if it may be. */
static RedshiftResult
check_text(const RedshiftType *type, RedshiftValue *value)
{
	RecordField *field = &value->field;
	Size		pos = text_valid_length(field->data, field->len);
	char	   *copy;
	int			kind;
	int			size;

	if (pos == field->len)
		return REDSHIFT_DATUM;
	if (type->rules->replacement == '\0')
	{
		kind = utf8_error(field->data + pos, field->len - pos, &size);
		return bad(value, FAULT_ENCODING, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
				   psprintf("String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: %s (error %d)",
							hex_bytes(field->data + pos, size), kind));
	}
	copy = palloc_extended(field->len, MCXT_ALLOC_HUGE);
	memcpy(copy, field->data, field->len);
	for (; pos < field->len; pos += text_valid_length(copy + pos, field->len - pos))
		copy[pos++] = type->rules->replacement;
	field->data = copy;
	value->replaced = true;
	return REDSHIFT_DATUM;
}

/* Where the blanks at the end begin. */
static Size
trimmed_length(const char *data, Size len)
{
	while (len > 0 && isspace((unsigned char) data[len - 1]))
		len--;
	return len;
}

static RedshiftResult
read_string(const RedshiftType *type, RedshiftValue *value, Datum *datum)
{
	RecordField *field = &value->field;
	const RedshiftFormat *rules = type->rules;
	RedshiftResult result;

	if (field->len == 0 && rules->empty_as_null && type->json)
		return REDSHIFT_NULL;
	if (rules->blanks_as_null && field->len > 0 && trimmed_length(field->data, field->len) == 0)
		return REDSHIFT_NULL;
	if (type->trims)
		field->len = trimmed_length(field->data, field->len);
	result = check_text(type, value);
	if (result == REDSHIFT_BAD)
		return result;
	if (type->type == BPCHAROID)
	{
		for (Size i = 0; i < field->len; i++)
		{
			if (IS_HIGHBIT_SET(field->data[i]))
				return bad(value, FAULT_ENCODING, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
						   psprintf("Multibyte character not supported for CHAR (Hint: Try using VARCHAR). Invalid char: %s",
									hex_bytes(field->data + i, pg_encoding_mblen(GetDatabaseEncoding(), field->data + i))));
		}
	}
	if (type->max_bytes > 0 && field->len > (Size) type->max_bytes)
	{
		Size		end = field->len;

		while (end > (Size) type->max_bytes && field->data[end - 1] == ' ')
			end--;
		if (end > (Size) type->max_bytes && !type->truncate)
			return bad(value, FAULT_TOO_LONG, ERRCODE_STRING_DATA_RIGHT_TRUNCATION,
					   redshift_fault_reason(FAULT_TOO_LONG, type->type,
											 ERRCODE_STRING_DATA_RIGHT_TRUNCATION,
											 NULL, 0, NULL));
		field->len = pg_mbcliplen(field->data, (int) Min(field->len, (Size) MaxAllocSize),
								  type->max_bytes);
	}
	if ((type->type != TEXTOID && type->type != VARCHAROID) ||
		field->len > MaxAllocSize - VARHDRSZ)
		return REDSHIFT_INPUT;
	*datum = PointerGetDatum(cstring_to_text_with_len(field->data, (int) field->len));
	return REDSHIFT_DATUM;
}

/* ---- Numbers ---- */

static RedshiftResult
read_integer(const RedshiftType *type, RedshiftValue *value, const char *data, Size len,
			 Size offset, Datum *datum)
{
	const char *p = data + offset;
	const char *end = p + value->field.len;
	bool		negative = *p == '-';
	int64		n = 0;

	if (*p == '-' || *p == '+')
		p++;
	if (p == end)
		return bad_digit(type, value, data, len, offset);
	for (const char *q = p; q < end; q++)
	{
		if (!isdigit((unsigned char) *q))
			return bad_digit(type, value, data, len, q - data);
	}
	for (; p < end; p++)
	{
		if (pg_mul_s64_overflow(n, 10, &n) || pg_sub_s64_overflow(n, *p - '0', &n))
			return bad_overflow(type, value);
	}
	if ((!negative && n == PG_INT64_MIN) ||
		(type->type == INT2OID && (negative ? n < PG_INT16_MIN : -n > PG_INT16_MAX)) ||
		(type->type == INT4OID && (negative ? n < PG_INT32_MIN : -n > PG_INT32_MAX)))
		return bad_overflow(type, value);
	if (!negative)
		n = -n;
	*datum = type->type == INT2OID ? Int16GetDatum((int16) n) :
		type->type == INT4OID ? Int32GetDatum((int32) n) : Int64GetDatum(n);
	return REDSHIFT_DATUM;
}

/*
 * Check that it is [sign]digits[.digits][e[sign]digits].  *point is where the
 * fraction ends that the scale has room for, *exponent whether there is one.
 */
static RedshiftResult
check_decimal(const RedshiftType *type, RedshiftValue *value, const char *data, Size len,
			  Size offset, Size *kept, bool *has_exponent)
{
	const char *begin = data + offset;
	const char *p = begin;
	const char *end = p + value->field.len;
	int			ndigits = 0;

	*kept = value->field.len;
	*has_exponent = false;
	if (*p == '-' || *p == '+')
		p++;
	for (; p < end && isdigit((unsigned char) *p); p++)
		ndigits++;
	if (p < end && *p == '.')
	{
		const char *point = p;

		for (p++; p < end && isdigit((unsigned char) *p); p++)
			ndigits++;
		if (type->precision > 0 && p - point - 1 > Max(type->scale, 0))
			*kept = point - begin + (type->scale > 0 ? 1 + type->scale : 0);
	}
	if (p < end && (*p == 'e' || *p == 'E') && ndigits > 0)
	{
		*has_exponent = true;
		p++;
		if (p < end && (*p == '-' || *p == '+'))
			p++;
		if (p == end)
			return bad_digit(type, value, data, len, p - data - 1);
		while (p < end && isdigit((unsigned char) *p))
			p++;
	}
	if (p < end)
		return bad_digit(type, value, data, len, p - data);
	if (ndigits == 0)
		return bad_digit(type, value, data, len, offset);
	return REDSHIFT_DATUM;
}

/*
 * A number with an exponent, cut to its scale, as digits; or an error of numeric,
 * which is left to its input function by returning false.
 */
static bool
cut_exponent(const RedshiftType *type, RedshiftValue *value)
{
	/* What is as large or small as this has no digits to be cut. */
	const int	max_exponent = 1000;
	const char *data = value->field.data;
	const char *end = data + value->field.len;
	const char *mark = data;
	long		exponent;
	Datum		number;
	char	   *copy;

	while (*mark != 'e' && *mark != 'E')
		mark++;
	if (end - mark > 8)
		return false;
	copy = pnstrdup(data, end - data);
	exponent = strtol(copy + (mark - data) + 1, NULL, 10);
	if (exponent < -max_exponent || exponent > max_exponent || mark - data > max_exponent)
		return false;
	number = DirectFunctionCall3(numeric_in, CStringGetDatum(copy), ObjectIdGetDatum(InvalidOid),
								 Int32GetDatum(-1));
	number = DirectFunctionCall2(numeric_trunc, number, Int32GetDatum(type->scale));
	value->field.data = DatumGetCString(DirectFunctionCall1(numeric_out, number));
	value->field.len = strlen(value->field.data);
	return true;
}

/* Is the number without exponent less than ten to the power of so many digits? */
static bool
fits_precision(const char *data, Size len, int ndigits)
{
	const char *end = data + len;

	if (*data == '-' || *data == '+')
		data++;
	while (data < end && *data == '0')
		data++;
	for (; data < end && isdigit((unsigned char) *data); data++)
		ndigits--;
	return ndigits >= 0;
}

static RedshiftResult
read_numeric(const RedshiftType *type, RedshiftValue *value, const char *data, Size len,
			 Size offset, Datum *datum)
{
	Size		kept;
	bool		has_exponent;
	bool		cuts = type->precision > 0 && !type->rules->round_decimals;
	RedshiftResult result = check_decimal(type, value, data, len, offset, &kept, &has_exponent);

	if (result == REDSHIFT_BAD)
		return result;
	if (!has_exponent)
	{
		if (cuts)
			value->field.len = kept;

		/* of ".5" nothing may be left, or the sign */
		if (kept == 0 || (kept == 1 && !isdigit((unsigned char) *value->field.data)))
		{
			value->field.data = "0";
			value->field.len = 1;
		}
	}
	else if (cuts)
		has_exponent = !cut_exponent(type, value);

	if (type->kind == VALUE_NUMERIC && type->precision > 0 && !has_exponent &&
		!fits_precision(value->field.data, value->field.len,
						Max(type->precision - type->scale, 0)))
		return bad_overflow(type, value);
	if (type->parser.parse &&
		type->parser.parse(&type->parser, value->field.data, value->field.len, datum))
		return REDSHIFT_DATUM;

	/* ".5" and "5." are left, as is what has to be rounded, or may overflow */
	return REDSHIFT_INPUT;
}

static RedshiftResult
read_boolean(RedshiftValue *value, Datum *datum)
{
	static const struct
	{
		const char *text;
		bool		value;
	}			words[] = {
		{"t", true}, {"f", false}, {"true", true}, {"false", false}, {"yes", true},
		{"no", false}, {"y", true}, {"n", false}, {"1", true}, {"0", false}
	};

	for (int i = 0; i < (int) lengthof(words); i++)
	{
		if (value->field.len == strlen(words[i].text) &&
			pg_strncasecmp(value->field.data, words[i].text, value->field.len) == 0)
		{
			*datum = BoolGetDatum(words[i].value);
			return REDSHIFT_DATUM;
		}
	}
	return bad(value, FAULT_VALUE, ERRCODE_INVALID_TEXT_REPRESENTATION, "Unknown boolean format");
}

static RedshiftResult
read_datetime(const RedshiftType *type, RedshiftValue *value, Datum *datum)
{
	if (redshift_datetime_read(type->datetime, value->field.data, value->field.len, datum))
		return REDSHIFT_DATUM;
	if (type->rules->accept_any_date)
		return REDSHIFT_NULL;
	return bad(value, FAULT_VALUE, ERRCODE_INVALID_DATETIME_FORMAT,
			   redshift_datetime_reason(type->datetime, value->field.len));
}

/* Pairs of digits, as UNLOAD writes them; bytea's own mark may be before them. */
static RedshiftResult
read_bytes(RedshiftValue *value, Datum *datum)
{
	const char *p = value->field.data;
	const char *end = p + value->field.len;
	bytea	   *bytes;
	unsigned char *out;

	if (end - p >= 2 && p[0] == '\\' && p[1] == 'x')
		p += 2;
	if ((end - p) % 2 != 0)
		return bad(value, FAULT_VALUE, ERRCODE_INVALID_TEXT_REPRESENTATION,
				   "Invalid hexadecimal value: odd number of digits");
	for (const char *q = p; q < end; q++)
	{
		if (hex_value(*q) < 0)
			return bad(value, FAULT_VALUE, ERRCODE_INVALID_TEXT_REPRESENTATION,
					   "Invalid hexadecimal value");
	}
	if ((Size) (end - p) / 2 > MaxAllocSize - VARHDRSZ)
		return REDSHIFT_INPUT;
	bytes = palloc(VARHDRSZ + (end - p) / 2);
	SET_VARSIZE(bytes, VARHDRSZ + (end - p) / 2);
	out = (unsigned char *) VARDATA(bytes);
	for (; p < end; p += 2)
		*out++ = (unsigned char) (hex_value(p[0]) << 4 | hex_value(p[1]));
	*datum = PointerGetDatum(bytes);
	return REDSHIFT_DATUM;
}

RedshiftResult
redshift_read(const RedshiftType *type, const RecordField *field, RedshiftValue *value,
			  Datum *datum)
{
	const char *data = field->data;
	Size		offset = 0;
	RedshiftResult result;

	value->field = *field;
	value->replaced = false;
	*datum = (Datum) 0;
	if (data == NULL)
	{
		/* A string that its line lacks is empty, but for char. */
		if (field->len != RECORD_FIELD_MISSING || type->kind != VALUE_STRING ||
			type->type == BPCHAROID)
			return REDSHIFT_NULL;
		value->field.data = "";
		value->field.len = 0;
	}
	if (type->kind == VALUE_STRING)
		return read_string(type, value, datum);

	if (type->kind != VALUE_JSON || trimmed_length(data, field->len) == 0)
	{
		value->field.len = trimmed_length(data, field->len);
		while (offset < value->field.len && isspace((unsigned char) data[offset]))
			offset++;
		value->field.data += offset;
		value->field.len -= offset;
	}
	if (value->field.len == 0)
		return REDSHIFT_NULL;
	switch (type->kind)
	{
		case VALUE_INTEGER:
			return read_integer(type, value, data, field->len, offset, datum);
		case VALUE_NUMERIC:
		case VALUE_FLOAT:
			return read_numeric(type, value, data, field->len, offset, datum);
		case VALUE_BOOLEAN:
			return read_boolean(value, datum);
		case VALUE_DATETIME:
			return read_datetime(type, value, datum);
		case VALUE_BYTES:
			return read_bytes(value, datum);
		default:
			result = check_text(type, value);
			return result == REDSHIFT_BAD ? result : REDSHIFT_INPUT;
	}
}

/* ---- Reasons and codes ---- */

/* Not more than fits, and text. */
static const char *
clip(const char *message)
{
	Size		len = strlen(message);

	if (len <= REDSHIFT_REASON_MAX)
		return message;
	return pnstrdup(message, pg_mbcliplen(message, (int) len, REDSHIFT_REASON_MAX));
}

const char *
redshift_fault_reason(RecordFault fault, Oid type, int sqlerrcode, const char *data, Size len,
					  const char *message)
{
	Oid			base = OidIsValid(type) ? getBaseType(type) : InvalidOid;

	switch (fault)
	{
		case FAULT_TOO_LONG:
			return base == BPCHAROID ? "Char length exceeds DDL length" :
				"String length exceeds DDL length";
		case FAULT_NOT_NULL:
			return "Missing data for not-null field";
		case FAULT_MISSING_FIELDS:
			return "Delimiter not found";
		case FAULT_EXTRA_FIELDS:
			return "Extra column(s) found";
		case FAULT_JSON_PATH:
			return message ? clip(message) :
				"Invalid JSONPath format: Not an array or index out of range.";
		case FAULT_VALUE:
			if (sqlerrcode == ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE && data != NULL &&
				is_number_type(base))
				return psprintf("Overflow, Value '%.*s', Type: %s",
								(int) Min(len, MAX_SHOWN_DIGITS), data, type_name(base));
			/* FALLTHROUGH */
		default:
			return message ? clip(message) : "Unknown parse error";
	}
}

int
redshift_fault_code(RecordFault fault, Oid type, int sqlerrcode)
{
	Oid			base = OidIsValid(type) ? getBaseType(type) : InvalidOid;

	switch (fault)
	{
		case FAULT_MISSING_FIELDS:
			return 1214;
		case FAULT_EXTRA_FIELDS:
			return 1202;
		case FAULT_TOO_LONG:
			return 1204;
		case FAULT_NOT_NULL:
			return 1213;
		case FAULT_ENCODING:
			return sqlerrcode == ERRCODE_UNTRANSLATABLE_CHARACTER ? 1218 : 1220;
		case FAULT_QUOTE:
		case FAULT_LINE:
		case FAULT_JSON:
		case FAULT_JSON_PATH:
			return 1216;
		case FAULT_VALUE:
		case FAULT_OTHER:
			break;
	}
	switch (base)
	{
		case DATEOID:
			return 1205;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return 1206;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return sqlerrcode == ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE ? 1222 : 1207;
		case NUMERICOID:
		case FLOAT4OID:
		case FLOAT8OID:
			if (sqlerrcode == ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE)
				return 1204;
			if (sqlerrcode == ERRCODE_INVALID_TEXT_REPRESENTATION)
				return 1207;
			return base == NUMERICOID ? 1209 : 1208;
		case BOOLOID:
			return 1210;
		case BYTEAOID:
			return 1219;
		case JSONOID:
		case JSONBOID:
			return 1224;
		case InvalidOid:
			return 1200;
		default:
			return 1223;
	}
}
