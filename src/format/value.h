/*-------------------------------------------------------------------------
 *
 * value.h
 *		Fast conversion of single values from and to text.
 *
 * A fast parser accepts only the canonical spelling of a value, and then its
 * result equals that of the type's input function bit for bit.  Everything
 * else it leaves to the input function, which so words all errors.  In the
 * same way a fast formatter either gives what the output function (or
 * to_json) would give, or declines.
 *
 * value.c holds the parsers, value_format.c the formatters.
 *
 * IDENTIFICATION
 *		src/format/value.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_VALUE_H
#define S3_VALUE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "pgtime.h"

typedef struct ValueParser ValueParser;

struct ValueParser
{
	/*
	 * Convert len bytes, which need not be NUL-terminated; false if the input
	 * function has to be asked.  Memory from CurrentMemoryContext, never an
	 * error.  NULL if the type has no fast parser.
	 */
	bool		(*parse) (const ValueParser *self, const char *data, Size len,
						  Datum *value);

	/* what the type modifier says, for the parsers it matters to */
	int			limit;			/* characters, digits before the point, or
								 * digits of a second's fraction; -1: none */
	int			scale;			/* of numeric with a modifier */
	bool		zulu;			/* "Z" means UTC in this session */
	char		separator;		/* of date and time; '\0': a blank or T */
	bool		edges;			/* of strings: declined if empty, or with white
								 * space at their beginning or end */
};

/* Choose the parser of a type with a modifier. */
extern void value_parser_init(ValueParser *parser, Oid typid, int32 typmod);

/* UTC offsets already looked up; all zero to begin with. */
#define VALUE_ZONE_BUCKETS 64

typedef struct ValueZone
{
	const pg_tz *zone;			/* what the offsets belong to */
	struct
	{
		pg_time_t	bucket;
		bool		valid;
		int			offset;		/* seconds east, throughout the bucket */
	}			buckets[VALUE_ZONE_BUCKETS];
} ValueZone;

#define VALUE_FORMAT_SIZE 64

/*
 * Write a value to buf, VALUE_FORMAT_SIZE bytes, not NUL-terminated; returns
 * its length, or -1 if the output function has to be asked.  Settings such as
 * DateStyle and TimeZone are obeyed as they are at each call.
 */
typedef int (*ValueFormat) (Datum value, char *buf, ValueZone *zone);

/* As the type's output function; NULL if there is no such formatter. */
extern ValueFormat value_format_plain(Oid typid);

/* As to_json(), quotes and all; NULL if there is no such formatter. */
extern ValueFormat value_format_json(Oid typid);

/* Append a JSON string, quotes and all, as escape_json() would. */
extern void value_append_json_string(StringInfo out, const char *data, Size len);

#endif							/* S3_VALUE_H */
