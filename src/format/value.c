/*-------------------------------------------------------------------------
 *
 * value.c
 *		Text of the canonical spelling of a value to a Datum, fast.
 *
 * tuple.c chooses a parser once per column and calls the type's own input
 * function when it declines.
 *
 * Invariant: whatever a parser accepts is converted exactly as the input
 * function would.  When in doubt it declines.
 *
 * IDENTIFICATION
 *		src/format/value.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>

#include "base/compat.h"
#include "base/hex.h"
#include "catalog/pg_type.h"
#include "format/value.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* Most decimal digits that always fit into an int64 and a uint64. */
#define INT64_DIGITS 18
#define UINT64_DIGITS 19

/* The powers of five up to this one fit into 64 bits. */
#define MAX_POWER_OF_FIVE 27

#define DAY_SECONDS ((int64) SECS_PER_DAY)

static const int64 powers_of_ten[INT64_DIGITS + 1] = {
	1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
	INT64CONST(1000000000), INT64CONST(10000000000), INT64CONST(100000000000),
	INT64CONST(1000000000000), INT64CONST(10000000000000),
	INT64CONST(100000000000000), INT64CONST(1000000000000000),
	INT64CONST(10000000000000000), INT64CONST(100000000000000000),
	INT64CONST(1000000000000000000)
};

static inline bool
is_digit(char c)
{
	return (unsigned char) (c - '0') <= 9;
}

/* Two digits as a number, or -1. */
static inline int
two_digits(const char *p)
{
	if (!is_digit(p[0]) || !is_digit(p[1]))
		return -1;
	return (p[0] - '0') * 10 + (p[1] - '0');
}

/*
 * Numbers
 */

static bool
fast_bool(const ValueParser *self, const char *data, Size len, Datum *value)
{
	if (len == 1 && (*data == 't' || *data == 'f'))
		*value = BoolGetDatum(*data == 't');
	else if (len == 4 && memcmp(data, "true", 4) == 0)
		*value = BoolGetDatum(true);
	else if (len == 5 && memcmp(data, "false", 5) == 0)
		*value = BoolGetDatum(false);
	else
		return false;
	return true;
}

/* An optional minus and 1 to INT64_DIGITS digits. */
static inline bool
read_int(const char *data, Size len, int64 *result)
{
	const char *end = data + len;
	bool		negative = len > 0 && *data == '-';
	uint64		n = 0;

	if (negative)
		data++;
	if (data == end || end - data > INT64_DIGITS)
		return false;
	for (; data < end; data++)
	{
		if (!is_digit(*data))
			return false;
		n = n * 10 + (*data - '0');
	}
	*result = negative ? -(int64) n : (int64) n;
	return true;
}

static bool
fast_int2(const ValueParser *self, const char *data, Size len, Datum *value)
{
	int64		n;

	if (!read_int(data, len, &n) || n < PG_INT16_MIN || n > PG_INT16_MAX)
		return false;
	*value = Int16GetDatum((int16) n);
	return true;
}

static bool
fast_int4(const ValueParser *self, const char *data, Size len, Datum *value)
{
	int64		n;

	if (!read_int(data, len, &n) || n < PG_INT32_MIN || n > PG_INT32_MAX)
		return false;
	*value = Int32GetDatum((int32) n);
	return true;
}

static bool
fast_int8(const ValueParser *self, const char *data, Size len, Datum *value)
{
	int64		n;

	if (!read_int(data, len, &n))
		return false;
	*value = Int64GetDatum(n);
	return true;
}

/* A decimal number taken apart: its value is digits / 10^nfrac. */
typedef struct Decimal
{
	bool		negative;
	uint64		digits;
	int			ndigits;		/* without leading zeros */
	int			nint;			/* of those, before the point */
	int			nfrac;			/* all digits behind the point */
} Decimal;

/*
 * Read [-]digits[.digits] and return what follows it, or NULL if the text does
 * not begin so or has too many digits.
 */
static inline const char *
read_decimal(const char *p, const char *end, Decimal *dec)
{
	const char *begin;
	uint64		n = 0;
	int			ndigits = 0;

	dec->negative = p < end && *p == '-';
	if (dec->negative)
		p++;

	for (begin = p; p < end && is_digit(*p); p++)
	{
		n = n * 10 + (*p - '0');
		ndigits += (ndigits > 0 || n != 0);
	}
	if (p == begin)
		return NULL;
	dec->nint = ndigits;
	dec->nfrac = 0;
	if (p < end && *p == '.')
	{
		for (begin = ++p; p < end && is_digit(*p); p++)
		{
			n = n * 10 + (*p - '0');
			ndigits += (ndigits > 0 || n != 0);
		}
		if (p == begin || p - begin > UINT64_DIGITS * 2)
			return NULL;
		dec->nfrac = p - begin;
	}

	/* n may have wrapped around, but then there were more digits than this */
	if (ndigits > UINT64_DIGITS)
		return NULL;
	dec->digits = n;
	dec->ndigits = ndigits;
	return p;
}

#ifdef HAVE_INT128

static const uint64 powers_of_five[MAX_POWER_OF_FIVE + 1] = {
	1, 5, 25, 125, 625, 3125, 15625, 78125, 390625, 1953125, 9765625,
	48828125, 244140625, 1220703125, UINT64CONST(6103515625),
	UINT64CONST(30517578125), UINT64CONST(152587890625),
	UINT64CONST(762939453125), UINT64CONST(3814697265625),
	UINT64CONST(19073486328125), UINT64CONST(95367431640625),
	UINT64CONST(476837158203125), UINT64CONST(2384185791015625),
	UINT64CONST(11920928955078125), UINT64CONST(59604644775390625),
	UINT64CONST(298023223876953125), UINT64CONST(1490116119384765625),
	UINT64CONST(7450580596923828125)
};

/*
 * The floating point number with a mantissa of the given number of bits that
 * is nearest to digits * 10^exponent; digits is not zero, and the absolute
 * value of exponent at most MAX_POWER_OF_FIVE.
 *
 * The quotient (or product) with the power of five is formed to 63 bits or
 * more, with a note whether anything follows them: what is needed to round
 * half to even, as strtod() does.  The power of two goes into the exponent.
 */
static double
decimal_to_float(uint64 digits, int exponent, int bits)
{
	uint64		five = powers_of_five[abs(exponent)];
	uint64		mantissa;
	uint64		rest;
	uint64		half;
	int			drop = 64 - bits;
	int			shift;
	int			binary;			/* value = mantissa * 2^binary */
	bool		inexact;
	union
	{
		uint64		image;
		double		value;
	}			power;

	if (exponent < 0)
	{
		int			digits_shift = 63 - pg_leftmost_one_pos64(digits);
		int			five_shift = 63 - pg_leftmost_one_pos64(five);
		uint128		numerator = (uint128) (digits << digits_shift) << 63;

		five <<= five_shift;
		mantissa = (uint64) (numerator / five);
		inexact = (uint64) numerator != mantissa * five;	/* no second division */
		binary = five_shift - digits_shift - 63 + exponent;
	}
	else
	{
		uint128		product = (uint128) digits * five;
		uint64		high = (uint64) (product >> 64);

		binary = exponent;
		inexact = false;
		if (high != 0)
		{
			shift = pg_leftmost_one_pos64(high) + 1;
			inexact = (product & (((uint128) 1 << shift) - 1)) != 0;
			product >>= shift;
			binary += shift;
		}
		mantissa = (uint64) product;
	}

	shift = 63 - pg_leftmost_one_pos64(mantissa);
	mantissa <<= shift;
	binary -= shift;

	half = UINT64CONST(1) << (drop - 1);
	rest = mantissa & (2 * half - 1);
	mantissa >>= drop;
	binary += drop;
	if (rest > half || (rest == half && (inexact || (mantissa & 1) != 0)))
		mantissa++;

	/* both factors and the result are exact */
	power.image = (uint64) (1023 + binary) << 52;
	return (double) mantissa * power.value;
}

/* A decimal number with an optional exponent, all in range; unsigned. */
static inline bool
read_float(const char *data, Size len, int bits, int max_digits, double *result,
		   bool *negative)
{
	const char *end = data + len;
	const char *p;
	Decimal		dec;
	int			exponent;

	p = read_decimal(data, end, &dec);
	if (p == NULL)
		return false;
	exponent = -dec.nfrac;
	if (p < end)
	{
		bool		below_one;
		int			n = 0;

		if (*p != 'e' && *p != 'E')
			return false;
		p++;
		below_one = p < end && *p == '-';
		if (p < end && (*p == '-' || *p == '+'))
			p++;
		if (p == end || end - p > 3)
			return false;
		for (; p < end; p++)
		{
			if (!is_digit(*p))
				return false;
			n = n * 10 + (*p - '0');
		}
		exponent += below_one ? -n : n;
	}
	*negative = dec.negative;

	if (dec.digits == 0)
	{
		*result = 0.0;
		return true;
	}
	if (abs(exponent) > MAX_POWER_OF_FIVE || dec.ndigits + exponent > max_digits)
		return false;

#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD == 0

	/* one operation on two exact numbers is rounded correctly by itself */
	if (bits == DBL_MANT_DIG && dec.digits <= (UINT64CONST(1) << DBL_MANT_DIG) &&
		exponent <= 0 && exponent >= -INT64_DIGITS)
	{
		*result = (double) dec.digits / (double) powers_of_ten[-exponent];
		return true;
	}
#endif
	*result = decimal_to_float(dec.digits, exponent, bits);
	return true;
}

static bool
fast_float8(const ValueParser *self, const char *data, Size len, Datum *value)
{
	double		result;
	bool		negative;

	if (!read_float(data, len, DBL_MANT_DIG, DBL_MAX_10_EXP, &result, &negative))
		return false;
	*value = Float8GetDatum(negative ? -result : result);
	return true;
}

static bool
fast_float4(const ValueParser *self, const char *data, Size len, Datum *value)
{
	double		result;
	bool		negative;

	if (!read_float(data, len, FLT_MANT_DIG, FLT_MAX_10_EXP, &result, &negative))
		return false;
	*value = Float4GetDatum((float4) (negative ? -result : result));
	return true;
}

#endif							/* HAVE_INT128 */

static bool
fast_numeric(const ValueParser *self, const char *data, Size len, Datum *value)
{
	const char *end = data + len;
	const char *p;
	Decimal		dec;
	int64		n;
	int			scale;

	p = read_decimal(data, end, &dec);
	if (p == NULL || p < end || dec.ndigits > INT64_DIGITS)
		return false;
	n = dec.negative ? -(int64) dec.digits : (int64) dec.digits;
	scale = dec.nfrac;

	if (self->limit >= 0)
	{
		int			zeros = self->scale - scale;

		/* neither rounding nor overflow */
		if (zeros < 0 || dec.nint > self->limit ||
			dec.ndigits + zeros > INT64_DIGITS)
			return false;
		n *= powers_of_ten[zeros];
		scale = self->scale;
	}
	else if (scale > INT64_DIGITS)
		return false;

	if (scale == 0)
		*value = NumericGetDatum(int64_to_numeric(n));
	else
		*value = NumericGetDatum(int64_div_fast_to_numeric(n, scale));
	return true;
}

/*
 * Strings
 */

static bool
fast_text(const ValueParser *self, const char *data, Size len, Datum *value)
{
	if (len > MaxAllocSize - VARHDRSZ)
		return false;
	*value = PointerGetDatum(cstring_to_text_with_len(data, (int) len));
	return true;
}

static bool
fast_varchar(const ValueParser *self, const char *data, Size len, Datum *value)
{
	/* a character has at least one byte */
	if (len > (Size) self->limit &&
		(len > (Size) self->limit * MAX_MULTIBYTE_CHAR_LEN ||
		 pg_mbstrlen_with_len(data, (int) len) > self->limit))
		return false;
	return fast_text(self, data, len, value);
}

static bool
fast_bpchar(const ValueParser *self, const char *data, Size len, Datum *value)
{
	int			chars;
	Size		size;
	text	   *result;

	if (len > (Size) self->limit * MAX_MULTIBYTE_CHAR_LEN)
		return false;
	chars = pg_mbstrlen_with_len(data, (int) len);
	if (chars > self->limit)
		return false;

	size = len + (self->limit - chars) + VARHDRSZ;
	result = (text *) palloc(size);
	SET_VARSIZE(result, size);
	memcpy(VARDATA(result), data, len);
	memset(VARDATA(result) + len, ' ', self->limit - chars);
	*value = PointerGetDatum(result);
	return true;
}

static bool
fast_uuid(const ValueParser *self, const char *data, Size len, Datum *value)
{
	pg_uuid_t	uuid;
	pg_uuid_t  *result;

	if (len != 36)
		return false;
	for (int i = 0; i < UUID_LEN; i++)
	{
		int			high;
		int			low;

		if (i == 4 || i == 6 || i == 8 || i == 10)
		{
			if (*data++ != '-')
				return false;
		}
		high = hex_value(*data++);
		low = hex_value(*data++);
		if (high < 0 || low < 0)
			return false;
		uuid.data[i] = (unsigned char) (high << 4 | low);
	}
	result = palloc(sizeof(pg_uuid_t));
	*result = uuid;
	*value = UUIDPGetDatum(result);
	return true;
}

/*
 * Dates and times
 */

/* YYYY-MM-DD of an existing day from year 1 on, as days since 2000. */
static inline bool
read_date(const char *p, int32 *days)
{
	int			century = two_digits(p);
	int			year = two_digits(p + 2);
	int			month = two_digits(p + 5);
	int			day = two_digits(p + 8);

	if (century < 0 || year < 0 || p[4] != '-' || p[7] != '-')
		return false;
	year += century * 100;
	if (year < 1 || month < 1 || month > MONTHS_PER_YEAR ||
		day < 1 || day > day_tab[isleap(year)][month - 1])
		return false;
	*days = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	return true;
}

/*
 * YYYY-MM-DD[ T]HH:MM:SS[.ffffff] as microseconds since 2000.  Returns what
 * follows, or NULL.
 */
static inline const char *
read_timestamp(const ValueParser *self, const char *p, const char *end,
			   Timestamp *result)
{
	int32		days;
	int			hour;
	int			minute;
	int			second;
	int			micros = 0;

	if (end - p < 19 || !read_date(p, &days) ||
		(self->separator ? p[10] != self->separator : p[10] != ' ' && p[10] != 'T') ||
		p[13] != ':' || p[16] != ':')
		return NULL;
	hour = two_digits(p + 11);
	minute = two_digits(p + 14);
	second = two_digits(p + 17);
	if (hour < 0 || hour >= HOURS_PER_DAY || minute < 0 ||
		minute >= MINS_PER_HOUR || second < 0 || second >= SECS_PER_MINUTE)
		return NULL;
	p += 19;

	if (p < end && *p == '.')
	{
		int			unit = 1000000;
		const char *begin = ++p;

		for (; p < end && is_digit(*p); p++)
		{
			unit /= 10;
			micros += (*p - '0') * unit;
		}
		if (p == begin || p - begin > self->limit)
			return NULL;
	}

	*result = ((int64) days * DAY_SECONDS +
			   (hour * MINS_PER_HOUR + minute) * SECS_PER_MINUTE + second) *
		USECS_PER_SEC + micros;
	return p;
}

static bool
fast_date(const ValueParser *self, const char *data, Size len, Datum *value)
{
	int32		days;

	if (len != 10 || !read_date(data, &days))
		return false;
	*value = DateADTGetDatum(days);
	return true;
}

static bool
fast_timestamp(const ValueParser *self, const char *data, Size len, Datum *value)
{
	const char *end = data + len;
	const char *p;
	Timestamp	result;

	p = read_timestamp(self, data, end, &result);
	if (p == NULL || p < end)
		return false;
	*value = TimestampGetDatum(result);
	return true;
}

static bool
fast_timestamptz(const ValueParser *self, const char *data, Size len, Datum *value)
{
	const char *end = data + len;
	const char *p;
	Timestamp	result;

	p = read_timestamp(self, data, end, &result);
	if (p == NULL)
		return false;
	if (end - p == 1 && *p == 'Z' && self->zulu)
		 /* UTC */ ;
	else if ((end - p == 3 || (end - p == 6 && p[3] == ':')) &&
			 (*p == '+' || *p == '-'))
	{
		int			hour = two_digits(p + 1);
		int			minute = end - p == 6 ? two_digits(p + 4) : 0;
		int			offset;

		if (hour < 0 || hour > MAX_TZDISP_HOUR || minute < 0 ||
			minute >= MINS_PER_HOUR)
			return false;
		offset = (hour * MINS_PER_HOUR + minute) * SECS_PER_MINUTE;
		result += (*p == '+' ? -offset : offset) * USECS_PER_SEC;
	}
	else
		return false;
	*value = TimestampTzGetDatum(result);
	return true;
}

void
value_parser_init(ValueParser *parser, Oid typid, int32 typmod)
{
	const char *abbreviations;

	memset(parser, 0, sizeof(ValueParser));
	parser->limit = -1;
	switch (typid)
	{
		case BOOLOID:
			parser->parse = fast_bool;
			break;
		case INT2OID:
			parser->parse = fast_int2;
			break;
		case INT4OID:
			parser->parse = fast_int4;
			break;
		case INT8OID:
			parser->parse = fast_int8;
			break;
#ifdef HAVE_INT128
		case FLOAT4OID:
			parser->parse = fast_float4;
			break;
		case FLOAT8OID:
			parser->parse = fast_float8;
			break;
#endif
		case NUMERICOID:
			if (typmod < (int32) VARHDRSZ)
				parser->parse = fast_numeric;
			else
			{
				/* the modifier holds the precision and an 11-bit scale */
				int			bits = typmod - VARHDRSZ;
				int			precision = (bits >> 16) & 0xffff;

				parser->scale = ((bits & 0x7ff) ^ 0x400) - 0x400;
				parser->limit = precision - parser->scale;
				if (parser->scale >= 0 && parser->scale <= INT64_DIGITS &&
					parser->limit >= 0)
					parser->parse = fast_numeric;
			}
			break;
		case TEXTOID:
			parser->parse = fast_text;
			break;
		case VARCHAROID:
		case BPCHAROID:
			if (typmod < (int32) VARHDRSZ)
				parser->parse = fast_text;
			else
			{
				parser->limit = typmod - VARHDRSZ;
				parser->parse = typid == VARCHAROID ? fast_varchar : fast_bpchar;
			}
			break;
		case DATEOID:
			parser->parse = fast_date;
			break;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			parser->limit = typmod < 0 ? MAX_TIMESTAMP_PRECISION :
				Min(typmod, MAX_TIMESTAMP_PRECISION);
			parser->parse = typid == TIMESTAMPOID ? fast_timestamp : fast_timestamptz;

			/* other sets of abbreviations may give Z another meaning */
			abbreviations = GetConfigOption("timezone_abbreviations", true, false);
			parser->zulu = abbreviations && strcmp(abbreviations, "Default") == 0;
			break;
		case UUIDOID:
			parser->parse = fast_uuid;
			break;
	}
}
