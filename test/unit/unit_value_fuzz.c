/*-------------------------------------------------------------------------
 *
 * unit_value_fuzz.c
 *		Value parsers against the server's input functions, on random and
 *		hostile strings.
 *
 * A round makes a string for a type: something a file might hold, mostly
 * damaged, or something of another type.  What the fast parser accepts must
 * be, bit for bit, what the input function makes of the string; what it leaves
 * to the input function comes back from a TupleReader with the same value or
 * SQLSTATE; and what there is a fast formatter for is written as by the output
 * function.  Dates and times by template are compared with to_timestamp(), by
 * number with arithmetic of type numeric.
 *
 * The settings that bear on the types change from time to time.
 *
 * IDENTIFICATION
 *		test/unit/unit_value_fuzz.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "format/datetime.h"
#include "format/tuple.h"
#include "format/value.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/formatting.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(unit_value_fuzz);

#define ROUNDS_PER_SETTING 2000
#define MAX_REPORTED 20
#define MAX_STRING 200

#define NUMERIC_TYPMOD(p, s) ((((p) << 16) | ((s) & 0x7ff)) + VARHDRSZ)

/* How a string is made. */
typedef enum Maker
{
	MAKE_BOOL,
	MAKE_INT,
	MAKE_DECIMAL,
	MAKE_DATE,
	MAKE_TIME,
	MAKE_TIMESTAMP,
	MAKE_TIMESTAMPTZ,
	MAKE_PACKED,
	MAKE_UUID,
	MAKE_TEXT,
	NMAKERS
} Maker;

typedef struct FuzzType
{
	Oid			type;
	int32		typmod;
	Maker		maker;
	const char *format;			/* dateformat or timeformat, or NULL */
} FuzzType;

static const FuzzType fuzz_types[] = {
	{BOOLOID, -1, MAKE_BOOL, NULL},
	{INT2OID, -1, MAKE_INT, NULL},
	{INT4OID, -1, MAKE_INT, NULL},
	{INT8OID, -1, MAKE_INT, NULL},
	{OIDOID, -1, MAKE_INT, NULL},
	{FLOAT4OID, -1, MAKE_DECIMAL, NULL},
	{FLOAT8OID, -1, MAKE_DECIMAL, NULL},
	{NUMERICOID, -1, MAKE_DECIMAL, NULL},
	{NUMERICOID, NUMERIC_TYPMOD(10, 2), MAKE_DECIMAL, NULL},
	{NUMERICOID, NUMERIC_TYPMOD(5, 0), MAKE_DECIMAL, NULL},
	{NUMERICOID, NUMERIC_TYPMOD(3, 3), MAKE_DECIMAL, NULL},
	{NUMERICOID, NUMERIC_TYPMOD(38, 18), MAKE_DECIMAL, NULL},
	{NUMERICOID, NUMERIC_TYPMOD(20, 19), MAKE_DECIMAL, NULL},
	{NUMERICOID, NUMERIC_TYPMOD(4, -2), MAKE_DECIMAL, NULL},
	{NUMERICOID, NUMERIC_TYPMOD(2, 5), MAKE_DECIMAL, NULL},
	{TEXTOID, -1, MAKE_TEXT, NULL},
	{VARCHAROID, -1, MAKE_TEXT, NULL},
	{VARCHAROID, 5 + VARHDRSZ, MAKE_TEXT, NULL},
	{BPCHAROID, 5 + VARHDRSZ, MAKE_TEXT, NULL},
	{BPCHAROID, -1, MAKE_TEXT, NULL},
	{DATEOID, -1, MAKE_DATE, NULL},
	{TIMEOID, -1, MAKE_TIME, NULL},
	{TIMEOID, 2, MAKE_TIME, NULL},
	{TIMETZOID, -1, MAKE_TIME, NULL},
	{TIMESTAMPOID, -1, MAKE_TIMESTAMP, NULL},
	{TIMESTAMPOID, 0, MAKE_TIMESTAMP, NULL},
	{TIMESTAMPOID, 3, MAKE_TIMESTAMP, NULL},
	{TIMESTAMPTZOID, -1, MAKE_TIMESTAMPTZ, NULL},
	{TIMESTAMPTZOID, 0, MAKE_TIMESTAMPTZ, NULL},
	{TIMESTAMPTZOID, 5, MAKE_TIMESTAMPTZ, NULL},
	{INTERVALOID, -1, MAKE_TIME, NULL},
	{UUIDOID, -1, MAKE_UUID, NULL},

	/* as files have them */
	{DATEOID, -1, MAKE_DATE, "YYYY-MM-DD"},
	{DATEOID, -1, MAKE_PACKED, "YYYYMMDD"},
	{DATEOID, -1, MAKE_DATE, "DD/MM/YYYY"},
	{TIMESTAMPOID, -1, MAKE_TIMESTAMP, "YYYY-MM-DD HH24:MI:SS"},
	{TIMESTAMPOID, 2, MAKE_TIMESTAMP, "YYYY-MM-DD HH24:MI:SS.US"},
	{TIMESTAMPOID, -1, MAKE_TIMESTAMP, "YYYY-MM-DD\"T\"HH24:MI:SS.MS"},
	{TIMESTAMPTZOID, -1, MAKE_TIMESTAMP, "YYYY-MM-DD HH24:MI:SS.FF6"},
	{TIMESTAMPTZOID, -1, MAKE_TIMESTAMPTZ, "YYYY-MM-DD HH24:MI:SSTZH"},
	{TIMESTAMPOID, -1, MAKE_PACKED, "YYYYMMDDHH24MISS"},
	{TIMESTAMPTZOID, -1, MAKE_DECIMAL, "epochsecs"},
	{TIMESTAMPOID, -1, MAKE_DECIMAL, "epochmillisecs"},
	{TIMESTAMPOID, -1, MAKE_INT, "epochsecs"},
	{TIMESTAMPTZOID, -1, MAKE_INT, "epochmillisecs"}
};

#define NTYPES ((int) lengthof(fuzz_types))

/* One type, ready. */
typedef struct Trial
{
	const FuzzType *type;
	ValueParser parser;
	ValueFormat formatter;
	DatetimeFormat *datetime;
	TupleReader *tuples;
	TupleTableSlot *slot;
	FmgrInfo	input;
	Oid			ioparam;
	FmgrInfo	output;
	int16		typlen;
	bool		typbyval;
} Trial;

typedef struct Fuzz
{
	uint64		state;
	int			setting;
	Trial		trials[NTYPES];
	ValueZone	zone;
	MemoryContext setting_cxt;	/* holds trials */
	MemoryContext round_cxt;

	/* the string */
	char		string[MAX_STRING * 2];
	int			len;

	int64		accepted;		/* by fast parsers and formats of files */
	int64		refused;		/* by input functions */
	int64		formatted;
	int			disagreements;
} Fuzz;

/* -------------------------------------------------------------------- settings */

static const char *const settings[][2] = {
	{"DateStyle", "ISO, MDY"}, {"DateStyle", "ISO, DMY"}, {"DateStyle", "ISO, YMD"},
	{"DateStyle", "SQL, DMY"}, {"DateStyle", "German"}, {"DateStyle", "Postgres, MDY"},
	{"TimeZone", "UTC"}, {"TimeZone", "America/New_York"}, {"TimeZone", "Asia/Kolkata"},
	{"TimeZone", "Australia/Lord_Howe"}, {"TimeZone", "<X>-03:30"}, {"TimeZone", "Europe/Dublin"},
	{"IntervalStyle", "postgres"}, {"IntervalStyle", "sql_standard"}, {"IntervalStyle", "iso_8601"},
	{"extra_float_digits", "1"}, {"extra_float_digits", "0"}, {"extra_float_digits", "-15"},
	{"extra_float_digits", "3"},
	{"timezone_abbreviations", "Default"}, {"timezone_abbreviations", "Australia"},
	{"timezone_abbreviations", "India"}
};

/* ------------------------------------------------------------------- randomness */

static uint64
next_random(Fuzz *f)
{
	f->state ^= f->state << 13;
	f->state ^= f->state >> 7;
	f->state ^= f->state << 17;
	return f->state >> 11;
}

static int
choose(Fuzz *f, int n)
{
	return (int) (next_random(f) % n);
}

#define PICK(f, array) ((array)[choose((f), (int) lengthof(array))])

static void
add(Fuzz *f, const char *format,...) pg_attribute_printf(2, 3);

static void
add(Fuzz *f, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	f->len += vsnprintf(f->string + f->len, MAX_STRING - f->len, format, args);
	va_end(args);
	f->len = Min(f->len, MAX_STRING - 1);
}

static void
add_digits(Fuzz *f, int n)
{
	while (n-- > 0)
		add(f, "%d", choose(f, 10));
}

/* mostly in the range, sometimes at its ends or beside it */
static int
near(Fuzz *f, int low, int high)
{
	switch (choose(f, 12))
	{
		case 0:
			return low;
		case 1:
			return high;
		case 2:
			return high + 1;
		case 3:
			return Max(low - 1, 0);
		default:
			return low + choose(f, high - low + 1);
	}
}

/* --------------------------------------------------------------------- strings */

static void
fake_int(Fuzz *f)
{
	static const char *const edges[] = {
		"32767", "32768", "65535", "2147483647", "2147483648", "4294967295", "4294967296",
		"9223372036854775807", "9223372036854775808", "18446744073709551615",
		"999999999999999999", "1000000000000000000", "00000000000000000000000000007", "0", "00",
		"1700000000", "1700000000123", "20240229", "20230229123456", "9224318016000", "210866803200",
		"0x10", "0b1", "0o7", "1_000", "1__0", "10_"
	};

	add(f, "%s", choose(f, 4) == 0 ? choose(f, 4) ? "-" : "+" : "");
	if (choose(f, 3) == 0)
		add(f, "%s", PICK(f, edges));
	else
		add(f, UINT64_FORMAT, (next_random(f) << 11 | next_random(f)) >> choose(f, 64));
}

static void
fake_decimal(Fuzz *f)
{
	static const char *const words[] = {
		"NaN", "nan", "inf", "Infinity", "-Infinity", "1e308", "1.7976931348623157e308", "1.8e308",
		"4.9406564584124654e-324", "2.4e-324", "2.2250738585072011e-308", "3.4028235e38", "3.4028236e38",
		"1.4e-45", "7e-46", "1.17549435e-38", "0x1p3", "0x10", ".", "-.", "1e", "1e+", "e5", "1.e5",
		"9007199254740993", "9007199254740992.5", "16777217", "0.1e1", "-0", "-0.0", "0e999", "1e-999"
	};
	double		d;
	uint64		bits;

	switch (choose(f, 8))
	{
		case 0:
			add(f, "%s", PICK(f, words));
			return;
		case 1:
			bits = next_random(f) << 11 ^ next_random(f);
			memcpy(&d, &bits, sizeof(d));
			add(f, "%.*g", 1 + choose(f, 20), d);
			return;
		case 2:
			fake_int(f);
			return;
		case 3:
			bits = (uint32) next_random(f);
			add(f, "%.*g", 1 + choose(f, 12), (double) bits / 1024);
			return;
	}
	add(f, "%s", choose(f, 3) == 0 ? "-" : "");
	add_digits(f, choose(f, choose(f, 4) == 0 ? 40 : 12));
	if (choose(f, 3) > 0)
	{
		add(f, ".");
		add_digits(f, choose(f, choose(f, 4) == 0 ? 45 : 8));
	}
	if (choose(f, 4) == 0)
		add(f, "%s%s%d", choose(f, 2) ? "e" : "E", choose(f, 2) ? "-" : choose(f, 2) ? "+" : "",
			choose(f, choose(f, 4) ? 40 : 400));
}

static void
fake_bool(Fuzz *f)
{
	static const char *const words[] = {
		"true", "false", "t", "f", "yes", "no", "y", "n", "on", "off", "1", "0", "o", "of",
		"TRUE", "True", "fALSE", "tr", "truee", "T", " t", "true ", "null", ""
	};

	add(f, "%s", PICK(f, words));
}

static void
fake_date(Fuzz *f)
{
	static const char *const words[] = {
		"infinity", "-infinity", "epoch", "today", "tomorrow", "J2451187", "2024-060", "January 8, 1999",
		"1999-Jan-08", "08-Jan-99", "19990108", "990108", "1/8/1999", "18/1/1999", "08.01.1999",
		"0001-01-01", "0000-01-01", "0099-12-31 BC", "5874897-12-31", "5874898-01-01", "294276-12-31",
		"4713-01-01 BC", "4714-11-24 BC", "4714-11-23 BC", "2000-02-29", "1900-02-29", "9999-12-31",
		"10000-01-01"
	};
	static const char *const separators[] = {"-", "-", "-", "-", "-", "-", "/", ".", " ", ""};
	const char *separator = PICK(f, separators);
	int			year = choose(f, 4) ? near(f, 1900, 2100) : near(f, 0, 9999);

	switch (choose(f, 12))
	{
		case 0:
			add(f, "%s", PICK(f, words));
			break;
		case 1:
			add(f, "%02d%s%02d%s%04d", near(f, 1, 31), separator, near(f, 1, 12), separator, year);
			break;
		case 2:
			add(f, "%d-%d-%d", year, near(f, 1, 12), near(f, 1, 31));
			break;
		default:
			add(f, "%04d%s%02d%s%02d", year, separator, near(f, 1, 12), separator, near(f, 1, 31));
	}
}

static void
fake_time(Fuzz *f)
{
	static const char *const words[] = {
		"24:00:00", "24:00:00.000001", "23:59:60", "23:59:59.9999999", "00:00:00", "allballs", "now",
		"04:05 PM", "12:00:00 am", "040506", "0405", "04:05", "04:05:06.", "04:05:06,5", "04:05:06.7.8", "04:05:06. 7", "04:05:06.\t07",
		"1 day", "P1DT2H", "1-2 3 4:05:06", "1 year 2 mons", "@ 1 hour ago", "-1 02:03:04"
	};

	if (choose(f, 8) == 0)
	{
		add(f, "%s", PICK(f, words));
		return;
	}
	add(f, "%02d:%02d:%02d", near(f, 0, 23), near(f, 0, 59), near(f, 0, 59));
	if (choose(f, 2))
	{
		add(f, ".");
		add_digits(f, choose(f, 9));
		if (choose(f, 8) == 0)
			add(f, "5000");
	}
}

static void
fake_zone(Fuzz *f)
{
	static const char *const words[] = {
		"Z", "Z", "z", " Z", " UTC", "UTC", " EST", " America/New_York", " Asia/Kolkata", "+00", "-00", "+00:00",
		"+15:59", "+15:59:59", "-15:59", "+16:00", "+16", "+15", "-15", "+0530", "+5", "+5:30", "+05:3", "+05:60",
		"+053015", "+05:30:15", "+05:30:", " +05:30", "+ 05", " BC", "+05 BC", "-05:00 AD", " IST", " EAST", " SAT"
	};

	if (choose(f, 3) == 0)
		add(f, "%s", PICK(f, words));
	else if (choose(f, 2))
		add(f, "%c%02d", choose(f, 2) ? '+' : '-', near(f, 0, 14));
	else
		add(f, "%c%02d:%02d", choose(f, 2) ? '+' : '-', near(f, 0, 14), near(f, 0, 59));
}

static void
fake_timestamp(Fuzz *f, bool zone)
{
	static const char *const separators[] = {" ", " ", " ", " ", "T", "T", "T", "t", "  ", ":", "", ",", "-"};

	fake_date(f);
	if (choose(f, 20) == 0)
		return;
	add(f, "%s", PICK(f, separators));
	fake_time(f);
	if (zone ? choose(f, 10) > 0 : choose(f, 10) == 0)
		fake_zone(f);
}

/* Digits alone, of a date and perhaps a time. */
static void
fake_packed(Fuzz *f)
{
	add(f, "%04d%02d%02d", choose(f, 4) ? near(f, 1900, 2100) : near(f, 1, 9999), near(f, 1, 12), near(f, 1, 31));
	if (choose(f, 2))
		add(f, "%02d%02d%02d", near(f, 0, 23), near(f, 0, 59), near(f, 0, 59));
}

static void
fake_uuid(Fuzz *f)
{
	int			form = choose(f, 8);

	if (form == 0)
		add(f, "{");
	for (int i = 0; i < 32; i++)
	{
		static const char hex[] = "0123456789abcdefABCDEF";

		if (form == 1 ? i > 0 && i % 4 == 0 && choose(f, 2) :
			form != 2 && (i == 8 || i == 12 || i == 16 || i == 20))
			add(f, "-");
		add(f, "%c", form == 3 ? hex[choose(f, 22)] : hex[choose(f, 16)]);
	}
	if (form == 0)
		add(f, "}");
}

static void
fake_text(Fuzz *f)
{
	static const char *const pieces[] = {
		"a", "b", "Z", " ", "  ", "0", "\\", "'", "\"", "\t", "\n", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80", "\xcc\x81", "\xc2\xa0"
	};

	for (int n = choose(f, choose(f, 4) ? 9 : 60); n > 0; n--)
		add(f, "%s", PICK(f, pieces));
}

static void
fake_string(Fuzz *f, Maker maker)
{
	switch (maker)
	{
		case MAKE_BOOL:
			fake_bool(f);
			break;
		case MAKE_INT:
			fake_int(f);
			break;
		case MAKE_DECIMAL:
			fake_decimal(f);
			break;
		case MAKE_DATE:
			fake_date(f);
			break;
		case MAKE_TIME:
			fake_time(f);
			if (choose(f, 6) == 0)
				fake_zone(f);
			break;
		case MAKE_TIMESTAMP:
		case MAKE_TIMESTAMPTZ:
			fake_timestamp(f, maker == MAKE_TIMESTAMPTZ);
			break;
		case MAKE_PACKED:
			fake_packed(f);
			break;
		case MAKE_UUID:
			fake_uuid(f);
			break;
		default:
			fake_text(f);
	}
}

/* Damage the string. */
static void
mutate(Fuzz *f)
{
	static const char *const pieces[] = {
		"0", "1", "9", "-", "+", ".", ":", "/", ",", " ", "  ", "e", "E", "T", "Z", "z", "t", "_", "x", "#", "\t", "\n", "\r", "\v",
		"\f", "\x01", "\x7f", "\xc2\xa0", "\xd9\xa1", "\xef\xbc\x91", "\xc3\xa9", "\xe2\x88\x92", "BC", "AD", "am", "PM", "+05", "-00", "00",
		"99", "NaN", "inf", "000000000000000000000", "999999999999999999999", "{", "}", "\\", "\"", "'", "%s", "0x"
	};
	int			at = choose(f, f->len + 1);
	int			span = choose(f, 4) == 0 ? choose(f, f->len + 1) : 1;
	const char *piece = PICK(f, pieces);
	int			len = (int) strlen(piece);

	span = Min(span, f->len - at);
	switch (choose(f, 6))
	{
		case 0:					/* leave out */
			memmove(f->string + at, f->string + at + span, f->len - at - span);
			f->len -= span;
			break;
		case 1:					/* cut off */
			f->len = at;
			break;
		case 2:					/* repeat */
			memmove(f->string + at + span, f->string + at, f->len - at);
			f->len += span;
			break;
		case 3:					/* replace */
			if (at + len <= f->len)
			{
				memcpy(f->string + at, piece, len);
				break;
			}
			/* FALLTHROUGH */
		case 4:					/* put in between */
			memmove(f->string + at + len, f->string + at, f->len - at);
			memcpy(f->string + at, piece, len);
			f->len += len;
			break;
		case 5:					/* around */
			if (choose(f, 2))
				f->len += snprintf(f->string + f->len, MAX_STRING, "%s", choose(f, 3) ? " " : piece);
			else
			{
				memmove(f->string + 1, f->string, f->len);
				f->string[0] = " \t-+0"[choose(f, 5)];
				f->len++;
			}
			break;
	}
	f->len = Min(f->len, MAX_STRING);
}

/* A string for the type. */
static void
make(Fuzz *f, const FuzzType *type)
{
	int			times = choose(f, 3) ? 0 : 1 + choose(f, 4);

	f->len = 0;
	fake_string(f, choose(f, 30) == 0 ? (Maker) choose(f, NMAKERS) : type->maker);
	while (times-- > 0)
		mutate(f);

	/* fields are valid in the server encoding */
	for (int i = 0; i < f->len;)
	{
		int			n = IS_HIGHBIT_SET(f->string[i]) ?
			pg_encoding_verifymbchar(GetDatabaseEncoding(), f->string + i, f->len - i) : 1;

		if (n <= 0 || f->string[i] == '\0')
		{
			f->string[i] = '?';
			n = 1;
		}
		i += n;
	}
	f->string[f->len] = '\0';
}

/* -------------------------------------------------------------------- answers */

typedef struct Answer
{
	bool		failed;
	int			sqlstate;
	char	   *message;
	Datum		value;
} Answer;

typedef Datum (*Question) (Fuzz *f, Trial *t);

/* Ask, and catch errors.  Nothing asked here holds anything but memory. */
static void
ask(Fuzz *f, Trial *t, Question question, Answer *answer)
{
	MemoryContext cxt = CurrentMemoryContext;
	ErrorContextCallback *callbacks = error_context_stack;

	memset(answer, 0, sizeof(Answer));
	PG_TRY();
	{
		answer->value = question(f, t);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(cxt);
		error = CopyErrorData();
		FlushErrorState();
		error_context_stack = callbacks;
		answer->failed = true;
		answer->sqlstate = error->sqlerrcode;
		answer->message = error->message;
	}
	PG_END_TRY();
}

static Datum
by_input(Fuzz *f, Trial *t)
{
	return InputFunctionCall(&t->input, f->string, t->ioparam, t->type->typmod);
}

/* The bytes alone, followed by what would be seen if it were read. */
static char *
bare_copy(const Fuzz *f)
{
	char	   *copy = palloc(f->len + 8);

	memcpy(copy, f->string, f->len);
	memcpy(copy + f->len, "9.9e9:9-", 8);
	return copy;
}

static Datum
by_tuple_reader(Fuzz *f, Trial *t)
{
	RecordField field = {bare_copy(f), f->len};
	Record		record = {.fields = &field};

	ExecClearTuple(t->slot);
	tuple_store(t->tuples, &record, t->slot);
	return t->slot->tts_values[0];
}

static Datum
by_datetime(Fuzz *f, Trial *t)
{
	return datetime_read(t->datetime, bare_copy(f), f->len);
}

/* In UTC if the type knows no zone, so that all times of day exist. */
static Datum
by_to_timestamp(Fuzz *f, Trial *t)
{
	Datum		text = PointerGetDatum(cstring_to_text_with_len(f->string, f->len));
	Datum		format = CStringGetTextDatum(t->type->format);
	pg_tz	   *zone = session_timezone;
	Datum		value = (Datum) 0;

	if (t->type->type == DATEOID)
		return DirectFunctionCall2Coll(to_date, DEFAULT_COLLATION_OID, text, format);
	PG_TRY();
	{
		if (t->type->type == TIMESTAMPOID)
			session_timezone = pg_tzset("GMT");
		value = DirectFunctionCall2Coll(to_timestamp, DEFAULT_COLLATION_OID, text, format);
	}
	PG_FINALLY();
	{
		session_timezone = zone;
	}
	PG_END_TRY();
	if (t->type->typmod >= 0)
		value = DirectFunctionCall2(timestamp_scale, value, Int32GetDatum(t->type->typmod));
	return value;
}

/*
 * What numeric takes and a file's number is not: other bases and separators
 * (since PostgreSQL 16), blanks within the exponent (before).
 */
static bool
is_odd_number(const char *string)
{
	const char *e = strpbrk(string, "eE");

	return strpbrk(string, "xXoObB_") != NULL || (e && strchr(" \t\n\r\v\f", e[1]));
}

/* Seconds or milliseconds by numeric. */
static Datum
by_numeric(Fuzz *f, Trial *t)
{
	bool		seconds = strcmp(t->type->format, "epochsecs") == 0;
	Datum		number = DirectFunctionCall3(numeric_in, CStringGetDatum(f->string),
											 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	Datum		micros;
	int64		result;

	if (numeric_is_nan(DatumGetNumeric(number)) || numeric_is_inf(DatumGetNumeric(number)) ||
		is_odd_number(f->string))
		ereport(ERROR, (errcode(ERRCODE_INVALID_DATETIME_FORMAT), errmsg("no number")));
	micros = DirectFunctionCall2(numeric_mul, number,
								 NumericGetDatum(int64_to_numeric(seconds ? 1000000 : 1000)));
	micros = DirectFunctionCall2(numeric_round, micros, Int32GetDatum(0));
	micros = DirectFunctionCall2(numeric_sub, micros,
								 NumericGetDatum(int64_to_numeric((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)));
	result = DatumGetInt64(DirectFunctionCall1(numeric_int8, micros));
	if (!IS_VALID_TIMESTAMP(result))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("out of range")));
	return Int64GetDatum(result);
}

/* ----------------------------------------------------------------- comparisons */

static char *
shown(const Trial *t, const Answer *answer)
{
	if (answer->failed)
		return psprintf("error %s: %s", unpack_sql_state(answer->sqlstate), answer->message);
	return psprintf("\"%s\"", OutputFunctionCall(unconstify(FmgrInfo *, &t->output), answer->value));
}

static void
disagree(Fuzz *f, const Trial *t, const char *who, const Answer *ours, const Answer *theirs)
{
	if (f->disagreements++ < MAX_REPORTED)
		ereport(WARNING,
				(errmsg("%s of %s: \"%s\" gives %s, not %s", who,
						format_type_with_typemod(t->type->type, t->type->typmod), f->string,
						shown(t, ours), shown(t, theirs)),
				 errdetail("Format \"%s\", DateStyle \"%s\", TimeZone \"%s\", timezone_abbreviations \"%s\", extra_float_digits \"%s\".",
						   t->type->format ? t->type->format : "",
						   GetConfigOption("DateStyle", false, false),
						   GetConfigOption("TimeZone", false, false),
						   GetConfigOption("timezone_abbreviations", false, false),
						   GetConfigOption("extra_float_digits", false, false))));
}

static bool
same(const Trial *t, const Answer *a, const Answer *b)
{
	if (a->failed || b->failed)
		return a->failed && b->failed && a->sqlstate == b->sqlstate;
	return datumIsEqual(a->value, b->value, t->typbyval, t->typlen);
}

/* The formatter against the output function. */
static void
compare_output(Fuzz *f, Trial *t, Datum value)
{
	char		buf[VALUE_FORMAT_SIZE];
	char	   *expected;
	int			len;

	if (t->formatter == NULL)
		return;
	len = t->formatter(value, buf, &f->zone);
	if (len < 0)
		return;
	f->formatted++;
	expected = OutputFunctionCall(&t->output, value);
	if (len != (int) strlen(expected) || memcmp(buf, expected, len) != 0)
	{
		if (f->disagreements++ < MAX_REPORTED)
			ereport(WARNING,
					(errmsg("formatter of %s: gives \"%.*s\", not \"%s\"",
							format_type_be(t->type->type), len, buf, expected)));
	}
}

static void
compare_value(Fuzz *f, Trial *t)
{
	Answer		ours = {0};
	Answer		theirs;
	bool		fast;

	fast = t->parser.parse && t->parser.parse(&t->parser, bare_copy(f), f->len, &ours.value);
	ask(f, t, by_input, &theirs);
	f->accepted += fast;
	f->refused += theirs.failed;
	if (fast && !same(t, &ours, &theirs))
		disagree(f, t, "fast parser", &ours, &theirs);
	if (!fast || choose(f, 16) == 0)
	{
		ask(f, t, by_tuple_reader, &ours);
		if (!same(t, &ours, &theirs))
			disagree(f, t, "tuple reader", &ours, &theirs);
	}
	if (!theirs.failed)
		compare_output(f, t, theirs.value);
}

/*
 * Formats are stricter than to_timestamp(): only what they accept is compared.
 * Numbers must agree in all but the reason why they are none.
 */
static void
compare_datetime(Fuzz *f, Trial *t)
{
	bool		number = strncmp(t->type->format, "epoch", 5) == 0;
	Answer		ours;
	Answer		theirs;

	ask(f, t, by_datetime, &ours);
	f->accepted += !ours.failed;
	if (ours.failed && !number)
	{
		if (ERRCODE_TO_CATEGORY(ours.sqlstate) != ERRCODE_DATA_EXCEPTION)
			disagree(f, t, "format", &ours, &ours);
		return;
	}
	ask(f, t, number ? by_numeric : by_to_timestamp, &theirs);
	f->refused += theirs.failed;
	if (ours.failed && theirs.failed)
		return;
	if (!same(t, &ours, &theirs))
		disagree(f, t, "format", &ours, &theirs);
}

/* ------------------------------------------------------------------------ runs */

static void
prepare(Fuzz *f, Trial *t, const FuzzType *type)
{
	TupleDesc	desc = CreateTemplateTupleDesc(1);
	FormatOptions *format = palloc0(sizeof(FormatOptions));
	bool	   *needed = palloc(sizeof(bool));
	Oid			function;
	bool		varlena;

	memset(t, 0, sizeof(Trial));
	t->type = type;
	TupleDescInitEntry(desc, 1, "c", type->type, type->typmod, 0);
	*needed = true;
	value_parser_init(&t->parser, type->type, type->typmod);
	t->formatter = value_format_plain(type->type);
	if (type->format)
		t->datetime = datetime_format_create(type->type, type->typmod, "timeformat", type->format);
	t->tuples = tuple_reader_create(desc, needed, NULL, format);
	t->slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	getTypeInputInfo(type->type, &function, &t->ioparam);
	fmgr_info(function, &t->input);
	getTypeOutputInfo(type->type, &function, &varlena);
	fmgr_info(function, &t->output);
	get_typlenbyval(type->type, &t->typlen, &t->typbyval);
}

/* Other settings, and everything that depends on them. */
static void
change_settings(Fuzz *f)
{
	MemoryContext save;

	for (int i = 0; i < 3; i++)
	{
		int			n = choose(f, (int) lengthof(settings));

		(void) set_config_option(settings[n][0], settings[n][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	}
	MemoryContextReset(f->setting_cxt);
	save = MemoryContextSwitchTo(f->setting_cxt);
	for (int i = 0; i < NTYPES; i++)
		prepare(f, &f->trials[i], &fuzz_types[i]);
	MemoryContextSwitchTo(save);
}

/*
 * unit_value_fuzz(seed bigint, rounds int): so many strings.  The result tells
 * how many fast parsers and formats accepted, how many input functions refused,
 * how many were formatted, and the number of disagreements, of which the first
 * are reported as warnings.
 */
Datum
unit_value_fuzz(PG_FUNCTION_ARGS)
{
	Fuzz	   *f = palloc0(sizeof(Fuzz));
	int			rounds = PG_GETARG_INT32(1);
	MemoryContext save = CurrentMemoryContext;
	int			nest = NewGUCNestLevel();

	f->state = (uint64) PG_GETARG_INT64(0) * UINT64CONST(0x9e3779b97f4a7c15) + 1;
	f->setting_cxt = AllocSetContextCreate(save, "fuzz setting", ALLOCSET_DEFAULT_SIZES);
	f->round_cxt = AllocSetContextCreate(save, "fuzz round", ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < 100; i++)
		(void) next_random(f);
	for (int i = 0; i < rounds; i++)
	{
		Trial	   *t;

		CHECK_FOR_INTERRUPTS();
		if (i % ROUNDS_PER_SETTING == 0)
			change_settings(f);
		MemoryContextSwitchTo(f->round_cxt);
		MemoryContextReset(f->round_cxt);
		t = &f->trials[choose(f, NTYPES)];
		make(f, t->type);
		if (t->datetime)
			compare_datetime(f, t);
		else
			compare_value(f, t);
	}
	MemoryContextSwitchTo(save);
	AtEOXact_GUC(true, nest);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("accepted " INT64_FORMAT ", refused " INT64_FORMAT ", formatted " INT64_FORMAT ", disagreements %d",
											  f->accepted, f->refused, f->formatted, f->disagreements)));
}
