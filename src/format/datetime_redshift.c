/*-------------------------------------------------------------------------
 *
 * datetime_redshift.c
 *		Dates and times as Redshift's DATEFORMAT and TIMEFORMAT say.
 *
 * A template has Redshift's own tokens: HH is an hour of 24, unless AM or PM
 * stands with it, MON is short or whole, and SS takes a fraction with it.  By
 * "auto" the server's own reading of dates and times is used, with months
 * before days, but for words such as "now".  Seconds or milliseconds since 1970
 * are numbers.
 *
 * A date may be followed by a time, which is dropped; a timestamp's time may be
 * missing.
 *
 * Nothing is reported here: value_redshift.c knows what is to become of a value
 * that does not fit.
 *
 * IDENTIFICATION
 *		src/format/datetime_redshift.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "format/datetime_redshift.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

/* Microseconds from 1970 to 2000, from which the server counts. */
#define UNIX_TO_POSTGRES \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* Digits of a number of seconds or milliseconds that surely fits. */
#define MAX_EPOCH_DIGITS 15

#define DEFAULT_DATE "YYYY-MM-DD"
#define DEFAULT_TIMESTAMP "YYYY-MM-DD HH:MI:SS"

/* A date of the default format is not shorter. */
#define MIN_DATE_LEN 10

#define MAX_STEPS 64

typedef enum DatetimeKind
{
	KIND_TEMPLATE,
	KIND_AUTO,
	KIND_SECONDS,				/* since 1970 */
	KIND_MILLISECONDS
} DatetimeKind;

typedef enum StepKind
{
	STEP_LITERAL,
	STEP_YEAR,
	STEP_SHORT_YEAR,
	STEP_MONTH,
	STEP_MONTH_NAME,
	STEP_DAY,
	STEP_HOUR,
	STEP_HOUR12,
	STEP_MINUTE,
	STEP_SECOND,
	STEP_FRACTION,
	STEP_MERIDIAN,
	NSTEPS
} StepKind;

typedef struct Step
{
	StepKind	kind;
	bool		exact;			/* all digits must be there */
	char		literal;
} Step;

struct RedshiftDatetime
{
	DatetimeKind kind;
	Oid			type;
	int32		typmod;
	bool		is_default;
	const char *text;			/* of the option; borrowed */
	int			nsteps;
	bool		has_date;
	Step		steps[MAX_STEPS];
};

static const char *const month_names[] = {
	"january", "february", "march", "april", "may", "june", "july", "august",
	"september", "october", "november", "december"
};

/* ---- Templates ---- */

static void
compile(RedshiftDatetime *datetime, const char *template)
{
	static const struct
	{
		const char *name;
		StepKind	kind;
	}			tokens[] = {
		{"YYYY", STEP_YEAR},
		{"YY", STEP_SHORT_YEAR},
		{"MONTH", STEP_MONTH_NAME},
		{"MON", STEP_MONTH_NAME},
		{"MM", STEP_MONTH},
		{"MI", STEP_MINUTE},
		{"MS", STEP_FRACTION},
		{"DD", STEP_DAY},
		{"HH24", STEP_HOUR},
		{"HH12", STEP_HOUR12},
		{"HH", STEP_HOUR},
		{"SSS", STEP_FRACTION},
		{"SS", STEP_SECOND},
		{"US", STEP_FRACTION},
		{"AM", STEP_MERIDIAN},
		{"PM", STEP_MERIDIAN}
	};
	bool		seen[NSTEPS] = {false};
	const char *p = template;
	int			n = 0;

	while (*p && n < MAX_STEPS)
	{
		Step	   *step = &datetime->steps[n];
		int			i = 0;

		if (*p == '"')
		{
			p++;
			continue;
		}
		while (i < (int) lengthof(tokens) &&
			   (pg_strncasecmp(p, tokens[i].name, strlen(tokens[i].name)) != 0 ||
				(strcmp(tokens[i].name, "SSS") == 0 && !seen[STEP_SECOND])))
			i++;
		n++;
		if (i == lengthof(tokens))
		{
			step->kind = STEP_LITERAL;
			step->literal = *p++;
			continue;
		}
		step->kind = tokens[i].kind;
		seen[step->kind] = true;
		p += strlen(tokens[i].name);
		while (step->kind == STEP_FRACTION && (*p == 'S' || *p == 's'))
			p++;
	}
	datetime->nsteps = n;
	for (int i = 0; i < n; i++)
	{
		Step	   *step = &datetime->steps[i];

		if (step->kind == STEP_HOUR && seen[STEP_MERIDIAN])
			step->kind = STEP_HOUR12;
		step->exact = step->kind == STEP_YEAR || step->kind == STEP_SHORT_YEAR ||
			(i + 1 < n && step[1].kind >= STEP_YEAR && step[1].kind <= STEP_SECOND) ||
			(i > 0 && step[-1].kind >= STEP_YEAR && step[-1].kind <= STEP_SECOND);
	}
	datetime->has_date = (seen[STEP_YEAR] || seen[STEP_SHORT_YEAR]) &&
		(seen[STEP_MONTH] || seen[STEP_MONTH_NAME]) && seen[STEP_DAY];
}

RedshiftDatetime *
redshift_datetime_create(Oid type, int32 typmod, const char *format)
{
	RedshiftDatetime *datetime = palloc0(sizeof(RedshiftDatetime));

	datetime->type = type;
	datetime->typmod = typmod;
	datetime->is_default = format == NULL;
	if (format == NULL)
		format = type == DATEOID ? DEFAULT_DATE : DEFAULT_TIMESTAMP;
	datetime->text = format;
	if (strcmp(format, "auto") == 0)
		datetime->kind = KIND_AUTO;
	else if (type != DATEOID && strcmp(format, "epochsecs") == 0)
		datetime->kind = KIND_SECONDS;
	else if (type != DATEOID && strcmp(format, "epochmillisecs") == 0)
		datetime->kind = KIND_MILLISECONDS;
	else
		compile(datetime, format);
	return datetime;
}

bool
redshift_datetime_is_canonical(const RedshiftDatetime *datetime, char *separator)
{
	static const struct
	{
		const char *text;
		bool		is_date;
		char		separator;
	}			templates[] = {
		{DEFAULT_DATE, true, '\0'},
		{DEFAULT_TIMESTAMP, false, ' '},
		{"YYYY-MM-DD HH:MI:SS.SSS", false, ' '},
		{"YYYY-MM-DDTHH:MI:SS", false, 'T'},
		{"YYYY-MM-DDTHH:MI:SS.SSS", false, 'T'}
	};

	*separator = '\0';
	if (datetime->kind == KIND_AUTO)
		return true;
	for (int i = 0; i < (int) lengthof(templates) && datetime->kind == KIND_TEMPLATE; i++)
	{
		RedshiftDatetime other = {0};

		compile(&other, templates[i].text);
		if (templates[i].is_date == (datetime->type == DATEOID) &&
			other.nsteps == datetime->nsteps &&
			memcmp(other.steps, datetime->steps, sizeof(Step) * other.nsteps) == 0)
		{
			*separator = templates[i].separator;
			return true;
		}
	}
	return false;
}

/* ---- Values ---- */

/* Round to the fraction that the type's modifier wants. */
static Datum
apply_typmod(const RedshiftDatetime *datetime, Timestamp timestamp)
{
	Datum		value = TimestampGetDatum(timestamp);

	if (datetime->typmod < 0)
		return value;
	return DirectFunctionCall2(datetime->type == TIMESTAMPOID ? timestamp_scale : timestamptz_scale,
							   value, Int32GetDatum(datetime->typmod));
}

/* The digits at *p, at most so many; false if there are none. */
static bool
take_digits(const char **p, const char *end, int max, bool exact, int *n)
{
	const char *begin = *p;

	*n = 0;
	while (*p < end && *p - begin < max && isdigit((unsigned char) **p))
		*n = *n * 10 + (*(*p)++ - '0');
	return exact ? *p - begin == max : *p > begin;
}

/* The same of a fraction of a second, in microseconds; further digits are cut. */
static bool
take_fraction(const char **p, const char *end, int *micros)
{
	const char *begin = *p;
	int			unit = 100000;

	*micros = 0;
	for (; *p < end && isdigit((unsigned char) **p); (*p)++)
	{
		*micros += (**p - '0') * unit;
		unit /= 10;
	}
	return *p > begin;
}

static bool
take_month_name(const char **p, const char *end, int *month)
{
	for (int i = 0; i < (int) lengthof(month_names); i++)
	{
		const char *name = month_names[i];
		Size		len = 0;

		while (*p + len < end && name[len] &&
			   tolower((unsigned char) (*p)[len]) == name[len])
			len++;
		if (name[len] != '\0' && len >= 3)
			len = 3;
		if (len >= 3)
		{
			*p += len;
			*month = i + 1;
			return true;
		}
	}
	return false;
}

/* An offset from UTC, in seconds west of it as the server has it. */
static bool
take_offset(const char **p, const char *end, int *zone)
{
	int			hours;
	int			minutes = 0;
	int			seconds = 0;
	int			sign;
	const char *begin;

	while (*p < end && **p == ' ')
		(*p)++;
	if (*p < end && (**p == 'Z' || **p == 'z'))
	{
		(*p)++;
		*zone = 0;
		return true;
	}
	if (end - *p >= 3 && (pg_strncasecmp(*p, "UTC", 3) == 0 || pg_strncasecmp(*p, "GMT", 3) == 0))
	{
		*p += 3;
		*zone = 0;
		return true;
	}
	if (*p == end || (**p != '+' && **p != '-'))
		return false;
	sign = *(*p)++ == '-' ? 1 : -1;
	begin = *p;
	if (!take_digits(p, end, 2, false, &hours))
		return false;
	if (*p < end && **p == ':')
		(*p)++;
	else if (*p - begin < 2)
		begin = NULL;
	if (*p < end && (begin == NULL || !take_digits(p, end, 2, true, &minutes)))
		return false;

	/* local mean time, as UNLOAD writes it in most zones before 1900 */
	if (*p < end && **p == ':')
	{
		(*p)++;
		if (!take_digits(p, end, 2, true, &seconds))
			return false;
	}
	if (hours > 15 || minutes >= MINS_PER_HOUR || seconds >= SECS_PER_MINUTE)
		return false;
	*zone = sign * (hours * SECS_PER_HOUR + minutes * SECS_PER_MINUTE + seconds);
	return true;
}

/*
 * Read the fields of a template; what is behind them begins at *rest.  A value
 * may end where the time begins.
 */
static bool
read_fields(const RedshiftDatetime *datetime, const char *data, const char *end, int *fields,
			const char **rest)
{
	static const char digits[NSTEPS] = {0, 4, 2, 2, 0, 2, 2, 2, 2, 2, 0, 0};
	const char *p = data;
	bool		has_time = false;

	memset(fields, 0, sizeof(int) * NSTEPS);
	for (int i = 0; i < datetime->nsteps; i++)
	{
		const Step *step = &datetime->steps[i];

		if (p == end && i > 0 && (!has_time || step->kind == STEP_FRACTION ||
								  (step->kind == STEP_LITERAL && step->literal == '.')))
		{
			/* only a time may be missing */
			for (; i < datetime->nsteps; i++)
			{
				StepKind	kind = datetime->steps[i].kind;

				if (kind >= STEP_YEAR && kind <= STEP_DAY)
					return false;
			}
			break;
		}
		switch (step->kind)
		{
			case STEP_LITERAL:
				if (p == end || *p != step->literal)
					return false;
				p++;
				while (step->literal == ' ' && p < end && *p == ' ')
					p++;
				break;
			case STEP_MONTH_NAME:
				if (!take_month_name(&p, end, &fields[STEP_MONTH]))
					return false;
				break;
			case STEP_FRACTION:
				if (!take_fraction(&p, end, &fields[STEP_FRACTION]))
					return false;
				break;
			case STEP_MERIDIAN:
				if (end - p < 2 || (p[1] != 'M' && p[1] != 'm') || !strchr("AaPp", p[0]))
					return false;
				fields[STEP_MERIDIAN] = tolower((unsigned char) p[0]);
				p += 2;
				break;
			default:
				if (!take_digits(&p, end, digits[step->kind], step->exact, &fields[step->kind]))
					return false;
				break;
		}
		has_time |= step->kind >= STEP_HOUR;
		if (step->kind == STEP_SECOND && p < end && *p == '.' &&
			!(i + 1 < datetime->nsteps && datetime->steps[i + 1].kind == STEP_LITERAL &&
			  datetime->steps[i + 1].literal == '.'))
		{
			p++;
			if (!take_fraction(&p, end, &fields[STEP_FRACTION]))
				return false;
		}
	}
	*rest = p;
	return true;
}

/* Is what stands behind a date a time, which does not count? */
static bool
is_time(const char *p, const char *end)
{
	return end - p >= 2 && (*p == ' ' || *p == 'T' || *p == 't') &&
		isdigit((unsigned char) p[1]);
}

static bool
read_template(const RedshiftDatetime *datetime, const char *data, Size len, Datum *value)
{
	const char *end = data + len;
	const char *rest;
	int			fields[NSTEPS];
	int			year;
	int			hour;
	int			zone = 0;
	bool		has_zone = false;
	int64		days;
	Timestamp	timestamp;

	if (datetime->type == DATEOID && datetime->is_default && len < MIN_DATE_LEN)
		return false;
	if (!datetime->has_date || !read_fields(datetime, data, end, fields, &rest))
		return false;
	if (rest < end && datetime->type == DATEOID)
	{
		if (!is_time(rest, end))
			return false;
	}
	else if (rest < end && datetime->type == TIMESTAMPTZOID)
	{
		has_zone = take_offset(&rest, end, &zone);
		if (rest < end || !has_zone)
			return false;
	}
	else if (rest < end)
		return false;

	year = fields[STEP_YEAR];
	for (int i = 0; i < datetime->nsteps; i++)
	{
		if (datetime->steps[i].kind == STEP_SHORT_YEAR)
			year = fields[STEP_SHORT_YEAR] + (fields[STEP_SHORT_YEAR] < 70 ? 2000 : 1900);
	}
	hour = fields[STEP_HOUR];
	if (fields[STEP_MERIDIAN] || fields[STEP_HOUR12])
	{
		hour = fields[STEP_HOUR12];
		if (hour < 1 || hour > HOURS_PER_DAY / 2)
			return false;
		hour %= HOURS_PER_DAY / 2;
		if (fields[STEP_MERIDIAN] == 'p')
			hour += HOURS_PER_DAY / 2;
	}
	if (year < 1 || fields[STEP_MONTH] < 1 || fields[STEP_MONTH] > MONTHS_PER_YEAR ||
		fields[STEP_DAY] < 1 ||
		fields[STEP_DAY] > day_tab[isleap(year)][fields[STEP_MONTH] - 1] ||
		hour >= HOURS_PER_DAY || fields[STEP_MINUTE] >= MINS_PER_HOUR ||
		fields[STEP_SECOND] >= SECS_PER_MINUTE)
		return false;

	days = date2j(year, fields[STEP_MONTH], fields[STEP_DAY]) - POSTGRES_EPOCH_JDATE;
	if (datetime->type == DATEOID)
	{
		*value = DateADTGetDatum((DateADT) days);
		return true;
	}
	timestamp = days * USECS_PER_DAY +
		((hour * MINS_PER_HOUR + fields[STEP_MINUTE]) * (int64) SECS_PER_MINUTE +
		 fields[STEP_SECOND]) * USECS_PER_SEC + fields[STEP_FRACTION];
	if (datetime->type == TIMESTAMPTZOID)
	{
		if (!has_zone)
		{
			struct pg_tm tm = {
				.tm_year = year,.tm_mon = fields[STEP_MONTH],.tm_mday = fields[STEP_DAY],
				.tm_hour = hour,.tm_min = fields[STEP_MINUTE],.tm_sec = fields[STEP_SECOND]
			};

			zone = DetermineTimeZoneOffset(&tm, session_timezone);
		}
		timestamp += zone * USECS_PER_SEC;
	}
	*value = apply_typmod(datetime, timestamp);
	return true;
}

/* Does a word stand for a time that depends on when it is read? */
static bool
has_word(char **field, const int *ftype, int nf)
{
	static const char *const words[] = {
		"now", "today", "tomorrow", "yesterday", "allballs", "epoch", "infinity"
	};

	for (int i = 0; i < nf; i++)
	{
		if (ftype[i] != DTK_STRING && ftype[i] != DTK_SPECIAL)
			continue;
		for (int j = 0; j < (int) lengthof(words); j++)
		{
			if (strcmp(field[i], words[j]) == 0)
				return true;
		}
	}
	return false;
}

static bool
decode_auto(const RedshiftDatetime *datetime, char **field, int *ftype, int nf, Datum *value)
{
	struct pg_tm tm;
	fsec_t		fsec = 0;
	int			zone = 0;
	int			dtype = DTK_DATE;
	Timestamp	timestamp;

	if (DECODE_DATETIME(field, ftype, nf, &dtype, &tm, &fsec, &zone) != 0 || dtype != DTK_DATE)
		return false;
	if (datetime->type == DATEOID)
	{
		DateADT		date;

		if (!IS_VALID_JULIAN(tm.tm_year, tm.tm_mon, tm.tm_mday))
			return false;
		date = date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
		*value = DateADTGetDatum(date);
		return IS_VALID_DATE(date);
	}
	if (tm2timestamp(&tm, fsec, datetime->type == TIMESTAMPTZOID ? &zone : NULL, &timestamp) != 0)
		return false;
	*value = apply_typmod(datetime, timestamp);
	return true;
}

static bool
read_auto(const RedshiftDatetime *datetime, const char *data, Size len, Datum *value)
{
	char		text[MAXDATELEN + 1];
	char		work[MAXDATELEN + MAXDATEFIELDS];
	char	   *field[MAXDATEFIELDS];
	int			ftype[MAXDATEFIELDS];
	int			nf;
	int			saved_order = DateOrder;
	volatile bool good = false;

	if (len > MAXDATELEN)
		return false;
	memcpy(text, data, len);
	text[len] = '\0';
	if (ParseDateTime(text, work, sizeof(work), field, ftype, MAXDATEFIELDS, &nf) != 0 ||
		has_word(field, ftype, nf))
		return false;
	if (saved_order == DATEORDER_MDY)
		return decode_auto(datetime, field, ftype, nf, value);

	PG_TRY();
	{
		DateOrder = DATEORDER_MDY;
		good = decode_auto(datetime, field, ftype, nf, value);
	}
	PG_FINALLY();
	{
		DateOrder = saved_order;
	}
	PG_END_TRY();
	return good;
}

/* [-]digits[.digits] since 1970. */
static bool
read_epoch(const RedshiftDatetime *datetime, const char *data, Size len, Datum *value)
{
	const char *end = data + len;
	const char *begin;
	bool		negative = len > 0 && *data == '-';
	int			places = datetime->kind == KIND_SECONDS ? 6 : 3;
	int64		micros = 0;

	if (negative || (len > 0 && *data == '+'))
		data++;
	for (begin = data; data < end && isdigit((unsigned char) *data); data++)
	{
		if (data - begin >= MAX_EPOCH_DIGITS - (places - 3))
			return false;
		micros = micros * 10 + (*data - '0');
	}
	if (data == begin)
		return false;
	if (data < end && *data == '.')
	{
		for (data++; data < end && isdigit((unsigned char) *data); data++)
		{
			if (places == 0)
				continue;
			micros = micros * 10 + (*data - '0');
			places--;
		}
	}
	if (data < end)
		return false;
	while (places-- > 0)
		micros *= 10;
	micros = (negative ? -micros : micros) - UNIX_TO_POSTGRES;
	if (!IS_VALID_TIMESTAMP(micros))
		return false;
	*value = apply_typmod(datetime, micros);
	return true;
}

bool
redshift_datetime_read(const RedshiftDatetime *datetime, const char *data, Size len, Datum *value)
{
	switch (datetime->kind)
	{
		case KIND_TEMPLATE:
			return read_template(datetime, data, len, value);
		case KIND_AUTO:
			return read_auto(datetime, data, len, value);
		case KIND_SECONDS:
		case KIND_MILLISECONDS:
			return read_epoch(datetime, data, len, value);
	}
	pg_unreachable();
}

const char *
redshift_datetime_reason(const RedshiftDatetime *datetime, Size len)
{
	if (datetime->type == DATEOID)
	{
		if (datetime->is_default && len < MIN_DATE_LEN)
			return "Invalid Date Format - length must be 10 or more";
		return psprintf("Invalid date format or value [%s]", datetime->text);
	}
	return psprintf("Invalid timestamp format or value [%s]",
					datetime->is_default ? "YYYY-MM-DD HH24:MI:SS" : datetime->text);
}
