/*-------------------------------------------------------------------------
 *
 * datetime.c
 *		Dates and times by template, or as numbers since 1970.
 *
 * A template is that of to_timestamp(), but applied strictly, as SQL/JSON's
 * datetime() applies it: separators must be those of the template, and nothing
 * may be left over.  For what to_timestamp() takes for text without quotes we
 * add the quotes, as strictness wants them.
 *
 * A template of fixed fields alone, such as YYYY-MM-DD HH24:MI:SS, is also
 * compiled to steps.  These take values that fit digit by digit, and leave all
 * others to the server's function, which so words all errors.
 *
 * tuple.c decides which option is whose.
 *
 * IDENTIFICATION
 *		src/format/datetime.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "base/compat.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "format/datetime.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/* Microseconds from 1970 to 2000, from which the server counts. */
#define UNIX_TO_POSTGRES \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* Digits of the longest number that surely fits into an int64. */
#define INT64_DIGITS 18

/* Between these in a template a value needs the very same character. */
#define SEPARATORS "-./,':; "

typedef enum DatetimeKind
{
	DATETIME_SECONDS,				/* since 1970 */
	DATETIME_MILLISECONDS,
	DATETIME_TEMPLATE
} DatetimeKind;

/* The fields of a compiled template. */
typedef enum StepKind
{
	STEP_LITERAL,
	STEP_YEAR,
	STEP_MONTH,
	STEP_DAY,
	STEP_HOUR,
	STEP_MINUTE,
	STEP_SECOND,
	STEP_FRACTION,
	NSTEPS
} StepKind;

typedef struct Step
{
	StepKind	kind;
	int			digits;			/* of a field; of a fraction at most */
	char		literal;
} Step;

#define MAX_STEPS 64

struct DatetimeFormat
{
	DatetimeKind	kind;
	Oid			type;			/* the base type */
	int32		typmod;
	const char *option;			/* its name; borrowed */
	const char *text;			/* its value; borrowed */
	text	   *template;		/* owned; for parse_datetime() */
	char		fraction_mark;	/* what is before a second's fraction, or 0 */
	int			nsteps;			/* 0: not compiled */
	int			packed_digits;	/* if a field follows another at once: the
								 * digits of all but a fraction; else 0 */
	Step		steps[MAX_STEPS];
};

/* "template", with quotes around what is text and no separator. */
static text *
quote_template(const char *template)
{
	StringInfoData out;
	const char *p = template;

	initStringInfo(&out);
	while (*p)
	{
		const char *begin = p;

		if (*p == '"')
		{
			for (p++; *p && *p != '"'; p++)
			{
				if (*p == '\\' && p[1])
					p++;
			}
			if (*p)
				p++;
			appendBinaryStringInfo(&out, begin, p - begin);
		}
		else if (*p == '\\' && p[1] == '"')
		{
			appendBinaryStringInfo(&out, p, 2);
			p += 2;
		}
		else if ((*p == 'T' || *p == 't') && p - template >= 2 &&
				 pg_strncasecmp(p - 2, "DD", 2) == 0 &&
				 pg_strncasecmp(p + 1, "HH", 2) == 0)
		{
			/* ISO 8601's T, not the beginning of an ordinal's TH */
			appendStringInfo(&out, "\"%c\"", *p);
			p++;
		}
		else if (isalnum((unsigned char) *p) && !IS_HIGHBIT_SET(*p))
			appendStringInfoChar(&out, *p++);
		else if (strchr(SEPARATORS, *p))
			appendStringInfoChar(&out, *p++);
		else
		{
			appendStringInfoChar(&out, '"');
			while (*p && *p != '"' && *p != '\\' && !strchr(SEPARATORS, *p) &&
				   (IS_HIGHBIT_SET(*p) || !isalnum((unsigned char) *p)))
				appendStringInfoChar(&out, *p++);
			if (p == begin)
				appendStringInfo(&out, "\\%c", *p++);
			appendStringInfoChar(&out, '"');
		}
	}
	return cstring_to_text_with_len(out.data, out.len);
}

/* Make steps of a quoted template, if it is one of whole, fixed fields. */
static void
compile_template(DatetimeFormat *format)
{
	static const struct
	{
		const char *name;
		StepKind	kind;
		int			digits;
	}			fields[] = {
		{"YYYY", STEP_YEAR, 4},
		{"MM", STEP_MONTH, 2},
		{"DD", STEP_DAY, 2},
		{"HH24", STEP_HOUR, 2},
		{"MI", STEP_MINUTE, 2},
		{"SS", STEP_SECOND, 2},
		{"MS", STEP_FRACTION, 3},
		{"US", STEP_FRACTION, 6},
		{"FF3", STEP_FRACTION, 3},
		{"FF6", STEP_FRACTION, 6}
	};
	const char *p = VARDATA(format->template);
	const char *end = p + VARSIZE(format->template) - VARHDRSZ;
	bool		seen[NSTEPS] = {false};
	bool		quoted = false;
	bool		packed = false;
	int			digits = 0;
	int			n = 0;

	while (p < end)
	{
		Step	   *step = &format->steps[n];
		int			i = 0;

		if (*p == '"')
		{
			quoted = !quoted;
			p++;
			continue;
		}
		if (*p == '\\' || n == MAX_STEPS)
			return;
		n++;
		step->kind = STEP_LITERAL;
		if (quoted || strchr(SEPARATORS, *p))
		{
			step->literal = *p++;
			continue;
		}
		while (i < (int) lengthof(fields) &&
			   (strlen(fields[i].name) > (Size) (end - p) ||
				pg_strncasecmp(fields[i].name, p, strlen(fields[i].name)) != 0))
			i++;
		if (i == lengthof(fields) || seen[fields[i].kind])
			return;
		seen[fields[i].kind] = true;
		step->kind = fields[i].kind;
		step->digits = fields[i].digits;
		p += strlen(fields[i].name);
		if (step->kind != STEP_FRACTION)
			digits += step->digits;
		if (n > 1 && step[-1].kind != STEP_LITERAL)
			packed = true;

		/* how far a fraction goes must be plain */
		if (step->kind == STEP_FRACTION && p < end && isalnum((unsigned char) *p))
			return;
	}
	if (seen[STEP_YEAR] && seen[STEP_MONTH] && seen[STEP_DAY] &&
		format->type != TIMEOID && format->type != TIMETZOID)
	{
		format->nsteps = n;
		format->packed_digits = packed ? digits : 0;
	}
}

/* The character before the digits of a fraction, if it is a separator; else 0. */
static char
find_fraction_mark(const char *template)
{
	for (const char *p = template; p[0] && p[1] && p[2]; p++)
	{
		if (strchr(SEPARATORS, p[0]) && p[0] != ' ' &&
			(pg_strncasecmp(p + 1, "MS", 2) == 0 || pg_strncasecmp(p + 1, "US", 2) == 0 ||
			 pg_strncasecmp(p + 1, "FF", 2) == 0))
			return p[0];
	}
	return '\0';
}

DatetimeFormat *
datetime_format_create(Oid typid, int32 typmod, const char *option, const char *format)
{
	DatetimeFormat *result;
	Oid			type = getBaseTypeAndTypmod(typid, &typmod);

	if (format == NULL || pg_strcasecmp(format, "auto") == 0)
		return NULL;
	if (type != DATEOID && type != TIMEOID && type != TIMETZOID &&
		type != TIMESTAMPOID && type != TIMESTAMPTZOID)
		return NULL;

	result = palloc0(sizeof(DatetimeFormat));
	result->type = type;
	result->typmod = typmod;
	result->option = option;
	result->text = format;
	if (pg_strcasecmp(format, "epochsecs") == 0)
		result->kind = DATETIME_SECONDS;
	else if (pg_strcasecmp(format, "epochmillisecs") == 0)
		result->kind = DATETIME_MILLISECONDS;
	else
	{
		result->kind = DATETIME_TEMPLATE;
		result->template = quote_template(format);
		result->fraction_mark = find_fraction_mark(format);
		compile_template(result);
	}
	return result;
}

/* As to_timestamp() says it of a number. */
static void
report_out_of_range(const char *data, Size len)
{
	ereport(ERROR,
			errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			errmsg("timestamp out of range: \"%s\"", pnstrdup(data, len)));
}

/*
 * The date and time as written, in the type.  In a timestamptz it is one of
 * the session's time zone.
 */
static Datum
from_local(const DatetimeFormat *format, Timestamp local)
{
	Datum		value = TimestampGetDatum(local);

	switch (format->type)
	{
		case DATEOID:
			return DirectFunctionCall1(timestamp_date, value);
		case TIMEOID:
			value = DirectFunctionCall1(timestamp_time, value);
			break;
		case TIMETZOID:
			value = DirectFunctionCall1(timestamptz_timetz,
										DirectFunctionCall1(timestamp_timestamptz, value));
			break;
		case TIMESTAMPTZOID:
			value = DirectFunctionCall1(timestamp_timestamptz, value);
			break;
	}
	return value;
}

/* Round to the fraction that the type's modifier wants. */
static Datum
apply_typmod(const DatetimeFormat *format, Datum value)
{
	Datum		typmod = Int32GetDatum(format->typmod);

	if (format->typmod < 0)
		return value;
	switch (format->type)
	{
		case TIMEOID:
			return DirectFunctionCall2(time_scale, value, typmod);
		case TIMETZOID:
			return DirectFunctionCall2(timetz_scale, value, typmod);
		case TIMESTAMPOID:
			return DirectFunctionCall2(timestamp_scale, value, typmod);
		case TIMESTAMPTZOID:
			return DirectFunctionCall2(timestamptz_scale, value, typmod);
	}
	return value;
}

/*
 * Read [-]digits[.digits] in units of 10 to the power of -places; false if it
 * is written otherwise or is too long.
 */
static bool
read_decimal(const char *data, Size len, int places, int64 *result)
{
	const char *end = data + len;
	const char *begin;
	bool		negative = data < end && *data == '-';
	int64		n = 0;

	if (negative)
		data++;
	for (begin = data; data < end && *data >= '0' && *data <= '9'; data++)
	{
		if (data - begin >= INT64_DIGITS - places)
			return false;
		n = n * 10 + (*data - '0');
	}
	if (data == begin)
		return false;
	if (data < end && *data == '.')
	{
		for (data++; data < end && places > 0 && *data >= '0' && *data <= '9'; data++)
		{
			n = n * 10 + (*data - '0');
			places--;
		}
	}
	if (data < end)
		return false;
	while (places-- > 0)
		n *= 10;
	*result = negative ? -n : n;
	return true;
}

static bool
numeric_less(Numeric a, Numeric b)
{
	return DatumGetBool(DirectFunctionCall2(numeric_lt, NumericGetDatum(a),
											NumericGetDatum(b)));
}

/* Is it a decimal number, perhaps with an exponent and white space around? */
static bool
is_number(const char *p)
{
	static const char digits[] = "0123456789";
	static const char spaces[] = " \t\n\r\v\f";
	Size		n;

	p += strspn(p, spaces);
	p += *p == '+' || *p == '-';
	n = strspn(p, digits);
	p += n;
	if (*p == '.')
	{
		p++;
		n += strspn(p, digits);
		p += strspn(p, digits);
	}
	if (n == 0)
		return false;
	if (*p == 'e' || *p == 'E')
	{
		p++;
		p += *p == '+' || *p == '-';
		n = strspn(p, digits);
		p += n;
		if (n == 0)
			return false;
	}
	p += strspn(p, spaces);
	return *p == '\0';
}

/*
 * Any number since 1970, rounded to microseconds since 2000.  The last of the
 * timestamps are too far from 1970 for an int64.  Reports what is no number.
 */
static Timestamp
read_number(const char *data, Size len, int places)
{
	char	   *copy = pnstrdup(data, len);
	Numeric		number;
	int64		factor = 1;
	Datum		micros;

	if (!is_number(copy))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_DATETIME_FORMAT),
				errmsg("invalid number of seconds or milliseconds: \"%s\"", copy));
	number = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(copy),
												 ObjectIdGetDatum(InvalidOid),
												 Int32GetDatum(-1)));

	/* before it is multiplied, as numeric has a limit of its own */
	if (numeric_less(number, int64_to_numeric(PG_INT64_MIN)) ||
		numeric_less(int64_to_numeric(PG_INT64_MAX), number))
		report_out_of_range(data, len);
	while (places-- > 0)
		factor *= 10;
	micros = DirectFunctionCall2(numeric_mul, NumericGetDatum(number),
								 NumericGetDatum(int64_to_numeric(factor)));
	micros = DirectFunctionCall2(numeric_round, micros, Int32GetDatum(0));
	micros = DirectFunctionCall2(numeric_sub, micros,
								 NumericGetDatum(int64_to_numeric(UNIX_TO_POSTGRES)));
	if (numeric_less(DatumGetNumeric(micros), int64_to_numeric(MIN_TIMESTAMP)) ||
		!numeric_less(DatumGetNumeric(micros), int64_to_numeric(END_TIMESTAMP)))
		report_out_of_range(data, len);
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, micros));
}

static Datum
read_epoch(const DatetimeFormat *format, const char *data, Size len)
{
	int			places = format->kind == DATETIME_SECONDS ? 6 : 3;
	int64		micros;
	int64		days;
	TimeTzADT  *timetz;

	if (!read_decimal(data, len, places, &micros))
		micros = read_number(data, len, places);
	else
		micros -= UNIX_TO_POSTGRES;
	if (!IS_VALID_TIMESTAMP(micros))
		report_out_of_range(data, len);

	days = micros / USECS_PER_DAY;
	if (micros < days * USECS_PER_DAY)
		days--;
	switch (format->type)
	{
		case DATEOID:
			return DateADTGetDatum((DateADT) days);
		case TIMEOID:
			return TimeADTGetDatum(micros - days * USECS_PER_DAY);
		case TIMETZOID:
			timetz = palloc(sizeof(TimeTzADT));
			timetz->time = micros - days * USECS_PER_DAY;
			timetz->zone = 0;
			return TimeTzADTPGetDatum(timetz);
		default:
			return TimestampGetDatum(micros);
	}
}

/* The server would take 0000-00-00 for a day of its choice. */
static void
report_zero(const char *data, Size len)
{
	ereport(ERROR,
			errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
			errmsg("date/time field value out of range: \"%s\"", pnstrdup(data, len)));
}

/* By a compiled template; false if the server's function has to be asked. */
static bool
read_steps(const DatetimeFormat *format, const char *data, Size len, Datum *value)
{
	const char *end = data + len;
	int			fields[NSTEPS] = {0};
	int64		days;

	for (int i = 0; i < format->nsteps; i++)
	{
		const Step *step = &format->steps[i];
		const char *begin = data;
		int			n = 0;

		if (step->kind == STEP_LITERAL)
		{
			if (data == end || *data != step->literal)
				return false;
			data++;
			continue;
		}
		while (data < end && data - begin < step->digits && *data >= '0' && *data <= '9')
			n = n * 10 + (*data++ - '0');
		if (step->kind == STEP_FRACTION)
		{
			if (data == begin)
				return false;
			for (int digits = data - begin; digits < 6; digits++)
				n *= 10;
		}
		else if (data - begin != step->digits)
			return false;
		fields[step->kind] = n;
	}
	if (data < end)
		return false;

	if (fields[STEP_YEAR] == 0 || fields[STEP_MONTH] == 0 || fields[STEP_DAY] == 0)
		report_zero(end - len, len);
	if (fields[STEP_MONTH] > MONTHS_PER_YEAR ||
		fields[STEP_DAY] > day_tab[isleap(fields[STEP_YEAR])][fields[STEP_MONTH] - 1] ||
		fields[STEP_HOUR] >= HOURS_PER_DAY || fields[STEP_MINUTE] >= MINS_PER_HOUR ||
		fields[STEP_SECOND] >= SECS_PER_MINUTE)
		return false;

	days = date2j(fields[STEP_YEAR], fields[STEP_MONTH], fields[STEP_DAY]) - POSTGRES_EPOCH_JDATE;
	if (format->type == DATEOID)
		*value = DateADTGetDatum((DateADT) days);
	else
		*value = from_local(format, days * USECS_PER_DAY +
							((fields[STEP_HOUR] * MINS_PER_HOUR + fields[STEP_MINUTE]) *
							 (int64) SECS_PER_MINUTE + fields[STEP_SECOND]) * USECS_PER_SEC +
							fields[STEP_FRACTION]);
	return true;
}

/*
 * The same of a value with blanks or other numbers of digits, as far as it goes
 * along with the compiled template.
 */
static void
check_zeros(const DatetimeFormat *format, const char *data, Size len)
{
	const char *p = data;
	const char *end = data + len;

	for (int i = 0; i < format->nsteps; i++)
	{
		const Step *step = &format->steps[i];
		bool		packed = i + 1 < format->nsteps && step[1].kind != STEP_LITERAL;
		const char *begin;
		bool		zero = true;

		while (p < end && isspace((unsigned char) *p))
			p++;
		if (step->kind == STEP_LITERAL)
		{
			if (p < end && *p == step->literal)
				p++;
			else if (step->literal != ' ')
				return;
			continue;
		}
		for (begin = p; p < end && *p >= '0' && *p <= '9' && !(packed && p - begin == step->digits); p++)
			zero = zero && *p == '0';
		if (p == begin)
			return;
		if (zero && (step->kind == STEP_YEAR || step->kind == STEP_MONTH || step->kind == STEP_DAY))
			report_zero(data, len);
	}
}

/* A blank in place of the first digits of a fraction counts as one of them. */
static void
check_fraction(const DatetimeFormat *format, const char *data, Size len)
{
	for (Size i = 0; i + 1 < len; i++)
	{
		if (data[i] == format->fraction_mark && isspace((unsigned char) data[i + 1]))
			ereport(ERROR,
					errcode(ERRCODE_INVALID_DATETIME_FORMAT),
					errmsg("blank within a fraction of %s \"%s\": \"%s\"",
						   format->option, format->text, pnstrdup(data, len)));
	}
}

/* A template that lacks what the type is made of. */
static void
report_unfit(const DatetimeFormat *format, const char *what)
{
	ereport(ERROR,
			errcode(ERRCODE_INVALID_DATETIME_FORMAT),
			errmsg("%s \"%s\" has no %s, which type %s needs",
				   format->option, format->text, what, format_type_be(format->type)));
}

static Datum
read_template(const DatetimeFormat *format, const char *data, Size len)
{
	bool		is_time = format->type == TIMEOID || format->type == TIMETZOID;
	int			ndigits = 0;
	int			zone = 0;
	int32		precision;
	Oid			found;
	Datum		value;

	/* the server would take 2021123 for YYYYMMDD, guessing */
	for (Size i = 0; i < len && ndigits < format->packed_digits; i++)
		ndigits += data[i] >= '0' && data[i] <= '9';
	if (ndigits < format->packed_digits)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_DATETIME_FORMAT),
				errmsg("too few digits for %s \"%s\": \"%s\"",
					   format->option, format->text, pnstrdup(data, len)));
	check_zeros(format, data, len);
	if (format->fraction_mark)
		check_fraction(format, data, len);

	value = parse_datetime(cstring_to_text_with_len(data, len), format->template,
						   DEFAULT_COLLATION_OID, true, &found, &precision, &zone, NULL);
	switch (found)
	{
		case DATEOID:
			if (is_time)
				report_unfit(format, "time");
			if (format->type == DATEOID)
				return value;
			return from_local(format,
							  DatumGetTimestamp(DirectFunctionCall1(date_timestamp, value)));
		case TIMEOID:
		case TIMETZOID:
			if (!is_time)
				report_unfit(format, "date");
			if (found == format->type)
				return value;
			if (found == TIMEOID)
				return DirectFunctionCall1(time_timetz, value);
			return DirectFunctionCall1(timetz_time, value);
		case TIMESTAMPOID:
			return from_local(format, DatumGetTimestamp(value));
		case TIMESTAMPTZOID:
			if (format->type == TIMESTAMPTZOID)
				return value;
			if (format->type == TIMETZOID)
			{
				TimeTzADT  *timetz = palloc(sizeof(TimeTzADT));

				timetz->time = DatumGetTimeADT(DirectFunctionCall1(timestamp_time,
																   TimestampGetDatum(DatumGetTimestamp(value) - zone * USECS_PER_SEC)));
				timetz->zone = zone;
				return TimeTzADTPGetDatum(timetz);
			}
			/* the zone is left out, not converted from, as by the type's input */
			return from_local(format, DatumGetTimestamp(value) - zone * USECS_PER_SEC);
	}
	elog(ERROR, "unexpected type %u of a date or time", found);
}

/* An error while a value is read comes of the option, as often as not. */
static void
add_context(void *arg)
{
	const DatetimeFormat *format = arg;

	errcontext("%s \"%s\"", format->option, format->text);
}

Datum
datetime_read(const DatetimeFormat *format, const char *data, Size len)
{
	ErrorContextCallback callback = {
		.callback = add_context,
		.arg = unconstify(DatetimeFormat *, format),
		.previous = error_context_stack
	};
	Datum		value;

	error_context_stack = &callback;
	if (format->kind != DATETIME_TEMPLATE)
		value = read_epoch(format, data, len);
	else if (format->nsteps == 0 || !read_steps(format, data, len, &value))
		value = read_template(format, data, len);
	value = apply_typmod(format, value);
	error_context_stack = callback.previous;
	return value;
}
