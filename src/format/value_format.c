/*-------------------------------------------------------------------------
 *
 * value_format.c
 *		Datums to text, fast.
 *
 * tuple_write.c chooses a formatter once per column and calls the type's own
 * output function, or to_json(), when it declines.
 *
 * Invariant: whatever a formatter writes is what the output function (or
 * to_json) would give under the same settings.  When in doubt it declines.
 *
 * IDENTIFICATION
 *		src/format/value_format.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "format/value.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/timestamp.h"

/* Seconds from 1970 to 2000. */
#define EPOCH_SHIFT \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* Length of a bucket of ValueZone as a power of two: 12 days. */
#define ZONE_BUCKET_SHIFT 20

static int
format_bool(Datum value, char *buf, ValueZone *zone)
{
	*buf = DatumGetBool(value) ? 't' : 'f';
	return 1;
}

static int
format_bool_json(Datum value, char *buf, ValueZone *zone)
{
	if (DatumGetBool(value))
	{
		memcpy(buf, "true", 4);
		return 4;
	}
	memcpy(buf, "false", 5);
	return 5;
}

static int
format_int2(Datum value, char *buf, ValueZone *zone)
{
	return pg_itoa(DatumGetInt16(value), buf);
}

static int
format_int4(Datum value, char *buf, ValueZone *zone)
{
	return pg_ltoa(DatumGetInt32(value), buf);
}

static int
format_int8(Datum value, char *buf, ValueZone *zone)
{
	return pg_lltoa(DatumGetInt64(value), buf);
}

/* Numbers that are not finite are spelled and quoted by others. */
static int
format_float4(Datum value, char *buf, ValueZone *zone)
{
	float4		number = DatumGetFloat4(value);

	if (extra_float_digits <= 0 || isnan(number) || isinf(number))
		return -1;
	return float_to_shortest_decimal_bufn(number, buf);
}

static int
format_float8(Datum value, char *buf, ValueZone *zone)
{
	float8		number = DatumGetFloat8(value);

	if (extra_float_digits <= 0 || isnan(number) || isinf(number))
		return -1;
	return double_to_shortest_decimal_bufn(number, buf);
}

static inline char *
put_two(char *p, int n)
{
	p[0] = '0' + n / 10;
	p[1] = '0' + n % 10;
	return p + 2;
}

/* YYYY-MM-DD; NULL for a year that is not written with four digits. */
static inline char *
put_date(char *p, int32 days)
{
	int			year;
	int			month;
	int			day;

	if (days < DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE ||
		days > DATE_END_JULIAN - POSTGRES_EPOCH_JDATE)
		return NULL;
	j2date(days + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	if (year < 1 || year > 9999)
		return NULL;
	p = put_two(p, year / 100);
	p = put_two(p, year % 100);
	*p++ = '-';
	p = put_two(p, month);
	*p++ = '-';
	return put_two(p, day);
}

/* YYYY-MM-DD, separator, HH:MM:SS and as much of a fraction as there is. */
static inline char *
put_timestamp(char *p, Timestamp timestamp, char separator)
{
	int64		days = timestamp / USECS_PER_DAY;
	int64		time = timestamp % USECS_PER_DAY;
	int			seconds;
	int			micros;

	if (TIMESTAMP_NOT_FINITE(timestamp))
		return NULL;
	if (time < 0)
	{
		time += USECS_PER_DAY;
		days--;
	}
	seconds = (int) (time / USECS_PER_SEC);
	micros = (int) (time % USECS_PER_SEC);

	p = put_date(p, (int32) days);
	if (p == NULL)
		return NULL;
	*p++ = separator;
	p = put_two(p, seconds / SECS_PER_HOUR);
	*p++ = ':';
	p = put_two(p, seconds / SECS_PER_MINUTE % MINS_PER_HOUR);
	*p++ = ':';
	p = put_two(p, seconds % SECS_PER_MINUTE);
	if (micros != 0)
	{
		*p++ = '.';
		p = put_two(p, micros / 10000);
		p = put_two(p, micros / 100 % 100);
		p = put_two(p, micros % 100);
		while (p[-1] == '0')
			p--;
	}
	return p;
}

/*
 * Seconds east of UTC of the session's time zone at a time, looked up once
 * per bucket of time in which it does not change.
 */
static bool
zone_offset(ValueZone *zone, pg_time_t time, int *offset)
{
	pg_time_t	bucket = time >> ZONE_BUCKET_SHIFT;
	int			slot = (int) (bucket & (VALUE_ZONE_BUCKETS - 1));
	pg_time_t	start;
	pg_time_t	boundary;
	long int	before;
	long int	after;
	int			before_dst;
	int			after_dst;
	int			status;
	struct pg_tm *tm;

	if (zone->zone != session_timezone)
	{
		memset(zone, 0, sizeof(ValueZone));
		zone->zone = session_timezone;
	}
	if (zone->buckets[slot].valid && zone->buckets[slot].bucket == bucket)
	{
		*offset = zone->buckets[slot].offset;
		return true;
	}

	tm = pg_localtime(&time, session_timezone);
	if (tm == NULL)
		return false;
	*offset = (int) tm->tm_gmtoff;

	/* a change at the very start would not be found as a boundary after it */
	start = bucket * ((pg_time_t) 1 << ZONE_BUCKET_SHIFT) - 1;
	status = pg_next_dst_boundary(&start, &before, &before_dst, &boundary,
								  &after, &after_dst, session_timezone);
	if (status == 0 ||
		(status == 1 && (boundary >> ZONE_BUCKET_SHIFT) > bucket))
	{
		zone->buckets[slot].bucket = bucket;
		zone->buckets[slot].offset = *offset;
		zone->buckets[slot].valid = true;
	}
	return true;
}

/* As put_timestamp(), with the offset as +HH[:MM[:SS]]. */
static inline char *
put_timestamptz(char *p, TimestampTz timestamp, char separator, bool minutes,
				ValueZone *zone)
{
	int64		seconds;
	int			offset;
	int			east;

	if (TIMESTAMP_NOT_FINITE(timestamp))
		return NULL;
	seconds = timestamp / USECS_PER_SEC;
	if (timestamp % USECS_PER_SEC < 0)
		seconds--;
	if (!zone_offset(zone, seconds + EPOCH_SHIFT, &offset))
		return NULL;
	p = put_timestamp(p, timestamp + offset * USECS_PER_SEC, separator);
	if (p == NULL)
		return NULL;

	east = abs(offset);
	*p++ = offset < 0 ? '-' : '+';
	p = put_two(p, east / SECS_PER_HOUR);
	if (minutes || east % SECS_PER_HOUR != 0)
	{
		*p++ = ':';
		p = put_two(p, east / SECS_PER_MINUTE % MINS_PER_HOUR);
		if (east % SECS_PER_MINUTE != 0)
		{
			*p++ = ':';
			p = put_two(p, east % SECS_PER_MINUTE);
		}
	}
	return p;
}

static int
format_date(Datum value, char *buf, ValueZone *zone)
{
	char	   *end;

	if (DateStyle != USE_ISO_DATES)
		return -1;
	end = put_date(buf, DatumGetDateADT(value));
	return end ? (int) (end - buf) : -1;
}

static int
format_timestamp(Datum value, char *buf, ValueZone *zone)
{
	char	   *end;

	if (DateStyle != USE_ISO_DATES)
		return -1;
	end = put_timestamp(buf, DatumGetTimestamp(value), ' ');
	return end ? (int) (end - buf) : -1;
}

static int
format_timestamptz(Datum value, char *buf, ValueZone *zone)
{
	char	   *end;

	if (DateStyle != USE_ISO_DATES)
		return -1;
	end = put_timestamptz(buf, DatumGetTimestampTz(value), ' ', false, zone);
	return end ? (int) (end - buf) : -1;
}

/* Put the closing quote; -1 if the formatter declined. */
static inline int
close_quote(char *buf, char *end)
{
	if (end == NULL)
		return -1;
	*buf = '"';
	*end++ = '"';
	return (int) (end - buf);
}

static int
format_date_json(Datum value, char *buf, ValueZone *zone)
{
	return close_quote(buf, put_date(buf + 1, DatumGetDateADT(value)));
}

static int
format_timestamp_json(Datum value, char *buf, ValueZone *zone)
{
	return close_quote(buf, put_timestamp(buf + 1, DatumGetTimestamp(value), 'T'));
}

static int
format_timestamptz_json(Datum value, char *buf, ValueZone *zone)
{
	return close_quote(buf, put_timestamptz(buf + 1, DatumGetTimestampTz(value),
											'T', true, zone));
}

ValueFormat
value_format_plain(Oid typid)
{
	switch (typid)
	{
		case BOOLOID:
			return format_bool;
		case INT2OID:
			return format_int2;
		case INT4OID:
			return format_int4;
		case INT8OID:
			return format_int8;
		case FLOAT4OID:
			return format_float4;
		case FLOAT8OID:
			return format_float8;
		case DATEOID:
			return format_date;
		case TIMESTAMPOID:
			return format_timestamp;
		case TIMESTAMPTZOID:
			return format_timestamptz;
	}
	return NULL;
}

ValueFormat
value_format_json(Oid typid)
{
	switch (typid)
	{
		case BOOLOID:
			return format_bool_json;
		case DATEOID:
			return format_date_json;
		case TIMESTAMPOID:
			return format_timestamp_json;
		case TIMESTAMPTZOID:
			return format_timestamptz_json;
	}
	return value_format_plain(typid);
}

/*
 * Is any of eight bytes a quote, a backslash or below 0x20?  Each term sets
 * the top bit of the first such byte; later bytes may be set wrongly, which
 * does not matter here.
 */
static inline bool
needs_escape(uint64 word)
{
	const uint64 ones = UINT64CONST(0x0101010101010101);
	uint64		quote = word ^ (ones * '"');
	uint64		backslash = word ^ (ones * '\\');

	return ((((word - ones * 0x20) & ~word) |
			 ((quote - ones) & ~quote) |
			 ((backslash - ones) & ~backslash)) & (ones * 0x80)) != 0;
}

static inline bool
is_escaped(char c)
{
	return (unsigned char) c < 0x20 || c == '"' || c == '\\';
}

void
value_append_json_string(StringInfo out, const char *data, Size len)
{
	static const char hex[] = "0123456789abcdef";
	const char *end = data + len;
	char		buf[6] = {'\\', 'u', '0', '0', '0', '0'};

	appendStringInfoCharMacro(out, '"');
	while (data < end)
	{
		const char *begin = data;
		uint64		word;

		while (end - data >= (ptrdiff_t) sizeof(word))
		{
			memcpy(&word, data, sizeof(word));
			if (needs_escape(word))
				break;
			data += sizeof(word);
		}
		while (data < end && !is_escaped(*data))
			data++;
		if (data > begin)
			appendBinaryStringInfo(out, begin, (int) (data - begin));

		for (; data < end && is_escaped(*data); data++)
		{
			switch (*data)
			{
				case '\b':
					appendBinaryStringInfo(out, "\\b", 2);
					break;
				case '\f':
					appendBinaryStringInfo(out, "\\f", 2);
					break;
				case '\n':
					appendBinaryStringInfo(out, "\\n", 2);
					break;
				case '\r':
					appendBinaryStringInfo(out, "\\r", 2);
					break;
				case '\t':
					appendBinaryStringInfo(out, "\\t", 2);
					break;
				case '"':
					appendBinaryStringInfo(out, "\\\"", 2);
					break;
				case '\\':
					appendBinaryStringInfo(out, "\\\\", 2);
					break;
				default:
					buf[4] = hex[(unsigned char) *data >> 4];
					buf[5] = hex[*data & 0x0f];
					appendBinaryStringInfo(out, buf, 6);
					break;
			}
		}
	}
	appendStringInfoCharMacro(out, '"');
}
