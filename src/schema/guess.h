/*-------------------------------------------------------------------------
 *
 * guess.h
 *		The type that fits all values of a column.
 *
 * A value belongs to a class; a guess counts classes, and the type follows from
 * them.  A value belongs to the class of a type only if that type's input
 * function takes it and its output function gives back the same value.
 *
 * IDENTIFICATION
 *		src/schema/guess.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_GUESS_H
#define S3_GUESS_H

#include "postgres.h"

typedef enum ValueClass
{
	VALUE_INTEGER,
	VALUE_BIGINT,
	VALUE_WHOLE,				/* a whole number beyond bigint */
	VALUE_DECIMAL,
	VALUE_EXPONENT,				/* 1.5e-3 */
	VALUE_NAN,					/* NaN, Infinity: a number among numbers */
	VALUE_BOOLEAN,				/* true, false */
	VALUE_FLAG,					/* t, f: booleans if both are there */
	VALUE_DATE,
	VALUE_TIMESTAMP,
	VALUE_TIMESTAMPTZ,
	VALUE_UUID,
	VALUE_BINARY,				/* told from outside */
	VALUE_NESTED,				/* a JSON object or array */
	VALUE_TEXT
} ValueClass;

#define NVALUE_CLASSES (VALUE_TEXT + 1)

typedef enum GuessedType
{
	GUESS_INTEGER,
	GUESS_BIGINT,
	GUESS_NUMERIC,
	GUESS_DOUBLE,
	GUESS_BOOLEAN,
	GUESS_DATE,
	GUESS_TIMESTAMP,
	GUESS_TIMESTAMPTZ,
	GUESS_UUID,
	GUESS_BYTEA,
	GUESS_JSONB,
	GUESS_TEXT
} GuessedType;

/* What the syntax around a value says about it. */
typedef enum ValueSyntax
{
	SYNTAX_PLAIN,				/* nothing: a field of a line */
	SYNTAX_STRING,				/* a string, so no number and no boolean */
	SYNTAX_NUMBER,
	SYNTAX_BOOLEAN,
	SYNTAX_NESTED,
	SYNTAX_BINARY
} ValueSyntax;

typedef enum EpochUnit
{
	EPOCH_NONE,
	EPOCH_SECONDS,
	EPOCH_MILLISECONDS
} EpochUnit;

/* Where a value is. */
typedef struct ValuePlace
{
	uint64		serial;			/* number of the record in the sample */
	int			object;			/* of the manifest */
	int64		line;			/* 0: not known */
} ValuePlace;

/* How large values are. */
typedef struct ValueSizes
{
	int64		bytes;			/* of the longest text */
	int			digits;			/* of numbers, before the point */
	int			scale;			/* and behind it */
} ValueSizes;

typedef struct ColumnGuess
{
	int64		nvalues;		/* that are not NULL */
	int64		nempty;			/* quoted empty strings, beside these */
	int64		counts[NVALUE_CLASSES];
	ValuePlace	firsts[NVALUE_CLASSES];
	ValueSizes	sizes;
	bool		exact;			/* a number that double precision rounds */
	bool		seen_true;		/* among flags */
	bool		seen_false;
	int64		min;			/* of those in range of bigint */
	int64		max;
} ColumnGuess;

/* The class of a text. */
extern ValueClass guess_class(const char *text, Size len, ValueSyntax syntax);

/*
 * Count a value.  If it is the first of its class, returns where to note its
 * place, else NULL.
 */
extern ValuePlace *guess_add(ColumnGuess *guess, const char *text, Size len, ValueSyntax syntax);

/*
 * The type of the column.  *contradiction is the place of the first value that
 * does not fit what most others are, or NULL.  With epoch not NULL, whole
 * numbers that all can be times are, and *epoch says how.
 */
extern GuessedType guess_type(const ColumnGuess *guess, const ValuePlace **contradiction,
							  EpochUnit *epoch);

/* Its name in SQL. */
extern const char *guess_type_name(GuessedType type);

#endif							/* S3_GUESS_H */
