/*-------------------------------------------------------------------------
 *
 * guess.c
 *		The type that fits all values of a column.
 *
 * What is accepted here is less than what the input functions accept: "007"
 * and "+49301234" are numbers to them, but lose what made them what they are;
 * "yes" and "1/2/2024" mean different things to different people.
 *
 * IDENTIFICATION
 *		src/schema/guess.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "schema/guess.h"

/* Longer numbers are text. */
#define MAX_NUMBER_LEN 1000

/* The largest power of ten in numbers with exponents. */
#define MAX_EXPONENT 1000

/* What double precision keeps. */
#define DOUBLE_DIGITS 15
#define DOUBLE_WHOLE (INT64CONST(1) << 53)

/* Numbers may grow: beyond half of its range a column is no integer. */
#define INTEGER_LIMIT (INT64CONST(1) << 30)

/*
 * If so many percent of the values need only the narrow type of a family, what
 * needs the wide one is an exception worth telling.
 */
#define NARROW_PERCENT 90

/* 2000-01-01 and 2100-01-01 in seconds since 1970. */
#define EPOCH_BEGIN INT64CONST(946684800)
#define EPOCH_END INT64CONST(4102444800)

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int
count_digits(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && is_digit(*p))
		p++;
	return (int) (p - start);
}

/* --------------------------------------------------------------------- numbers */

/* What a number consists of. */
typedef struct NumberParts
{
	bool		negative;
	const char *whole;
	int			nwhole;			/* digits before the point */
	int			nfraction;		/* digits behind it */
	bool		has_point;
	bool		has_exponent;
	int			exponent;
	bool		nonzero;		/* some digit is not 0 */
} NumberParts;

static bool
parse_number(const char *p, const char *end, NumberParts *parts)
{
	memset(parts, 0, sizeof(*parts));
	if (end - p > MAX_NUMBER_LEN)
		return false;
	if (p < end && *p == '-')
	{
		parts->negative = true;
		p++;
	}
	for (const char *q = p; q < end && (is_digit(*q) || *q == '.'); q++)
		parts->nonzero = parts->nonzero || (*q != '0' && *q != '.');
	parts->whole = p;
	parts->nwhole = count_digits(p, end);
	p += parts->nwhole;
	if (parts->nwhole > 1 && parts->whole[0] == '0')
		return false;
	if (p < end && *p == '.')
	{
		parts->has_point = true;
		parts->nfraction = count_digits(++p, end);
		p += parts->nfraction;
	}
	if (parts->nwhole + parts->nfraction == 0)
		return false;
	if (p < end && (*p == 'e' || *p == 'E'))
	{
		bool		below = false;
		int			n;

		parts->has_exponent = true;
		if (++p < end && (*p == '+' || *p == '-'))
			below = *p++ == '-';
		n = count_digits(p, end);
		if (n == 0 || n > 6)
			return false;
		for (; n > 0; n--)
			parts->exponent = parts->exponent * 10 + (*p++ - '0');
		if (parts->exponent > MAX_EXPONENT)
			return false;
		if (below)
			parts->exponent = -parts->exponent;
	}
	return p == end;
}

/* A whole number; false if bigint cannot hold it. */
static bool
whole_value(const NumberParts *parts, int64 *value)
{
	uint64		n = 0;

	if (parts->nwhole > 19)
		return false;
	for (int i = 0; i < parts->nwhole; i++)
		n = n * 10 + (parts->whole[i] - '0');
	if (n > (uint64) PG_INT64_MAX)
		return false;
	*value = parts->negative ? -(int64) n : (int64) n;
	return true;
}

static ValueClass
number_class(const NumberParts *parts)
{
	int64		value;

	if (parts->has_exponent)
		return VALUE_EXPONENT;
	if (parts->has_point)
		return VALUE_DECIMAL;
	if (!whole_value(parts, &value))
		return VALUE_WHOLE;
	return value > -INTEGER_LIMIT && value < INTEGER_LIMIT ? VALUE_INTEGER : VALUE_BIGINT;
}

/* Would double precision change the number? */
static bool
needs_numeric(const char *text, Size len, const NumberParts *parts)
{
	char		buf[MAX_NUMBER_LEN + 1];
	double		value;
	int			digits = parts->nwhole + parts->nfraction;

	if (digits > DOUBLE_DIGITS)
	{
		int64		whole;

		return parts->has_point || parts->has_exponent || !whole_value(parts, &whole) ||
			whole > DOUBLE_WHOLE || whole < -DOUBLE_WHOLE;
	}
	if (!parts->has_exponent)
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	value = strtod(buf, NULL);
	return isinf(value) || (parts->nonzero && fabs(value) < 2.2250738585072014e-308);
}

static bool
is_not_a_number(const char *text, Size len)
{
	static const char *const words[] = {"NaN", "nan", "Infinity", "-Infinity", "inf", "-inf"};

	for (int i = 0; i < (int) lengthof(words); i++)
	{
		if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0)
			return true;
	}
	return false;
}

/* ------------------------------------------------------------- dates and times */

/* Exactly n digits; -1 if they are not there. */
static int
take_digits(const char **p, const char *end, int n)
{
	int			value = 0;

	if (end - *p < n || count_digits(*p, *p + n) != n)
		return -1;
	for (; n > 0; n--)
		value = value * 10 + (*(*p)++ - '0');
	return value;
}

static bool
take_char(const char **p, const char *end, char c)
{
	if (*p == end || **p != c)
		return false;
	(*p)++;
	return true;
}

static bool
take_date(const char **p, const char *end)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int			year = take_digits(p, end, 4);
	int			month;
	int			day;
	bool		leap;

	if (year < 1 || !take_char(p, end, '-'))
		return false;
	month = take_digits(p, end, 2);
	if (month < 1 || month > 12 || !take_char(p, end, '-'))
		return false;
	day = take_digits(p, end, 2);
	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

static bool
take_time(const char **p, const char *end)
{
	int			hour = take_digits(p, end, 2);
	int			number;

	if (hour < 0 || hour > 23 || !take_char(p, end, ':'))
		return false;
	number = take_digits(p, end, 2);
	if (number < 0 || number > 59)
		return false;
	if (!take_char(p, end, ':'))
		return true;
	number = take_digits(p, end, 2);
	if (number < 0 || number > 59)
		return false;
	if (take_char(p, end, '.'))
	{
		int			n = count_digits(*p, end);

		/* more than microseconds would be rounded */
		if (n == 0 || n > 9)
			return false;
		for (int i = 6; i < n; i++)
		{
			if ((*p)[i] != '0')
				return false;
		}
		*p += n;
	}
	return true;
}

/* All that is left must be a zone. */
static bool
take_zone(const char **p, const char *end)
{
	int			hours;
	int			minutes = 0;

	if (take_char(p, end, 'Z'))
		return *p == end;
	if (end - *p == 4 && memcmp(*p, " UTC", 4) == 0)
		return true;
	if (!take_char(p, end, '+') && !take_char(p, end, '-'))
		return false;
	hours = take_digits(p, end, 2);
	if (hours < 0 || hours > 14)
		return false;
	if (*p < end)
	{
		take_char(p, end, ':');
		minutes = take_digits(p, end, 2);
	}
	return minutes >= 0 && minutes < 60 && *p == end;
}

static ValueClass
datetime_class(const char *p, const char *end)
{
	if (!take_date(&p, end))
		return VALUE_TEXT;
	if (p == end)
		return VALUE_DATE;
	if ((!take_char(&p, end, 'T') && !take_char(&p, end, ' ')) || !take_time(&p, end))
		return VALUE_TEXT;
	if (p == end)
		return VALUE_TIMESTAMP;
	return take_zone(&p, end) ? VALUE_TIMESTAMPTZ : VALUE_TEXT;
}

/* ---------------------------------------------------------------------- classes */

static bool
is_uuid(const char *text, Size len)
{
	if (len != 36)
		return false;
	for (Size i = 0; i < len; i++)
	{
		bool		hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (hyphen ? text[i] != '-' : !isxdigit((unsigned char) text[i]))
			return false;
	}
	return true;
}

static bool
is_word(const char *text, Size len, const char *word)
{
	return strlen(word) == len && pg_strncasecmp(text, word, len) == 0;
}

/* Blanks around these types' values mean nothing to their input functions. */
static void
trim(const char **text, Size *len)
{
	while (*len > 0 && (*text)[0] == ' ')
	{
		(*text)++;
		(*len)--;
	}
	while (*len > 0 && (*text)[*len - 1] == ' ')
		(*len)--;
}

ValueClass
guess_class(const char *text, Size len, ValueSyntax syntax)
{
	NumberParts parts;
	ValueClass	class;

	switch (syntax)
	{
		case SYNTAX_NESTED:
			return VALUE_NESTED;
		case SYNTAX_BINARY:
			return VALUE_BINARY;
		case SYNTAX_BOOLEAN:
			return VALUE_BOOLEAN;
		case SYNTAX_NUMBER:
			return parse_number(text, text + len, &parts) ? number_class(&parts) : VALUE_TEXT;
		case SYNTAX_STRING:
		case SYNTAX_PLAIN:
			break;
	}
	if (is_uuid(text, len))
		return VALUE_UUID;
	trim(&text, &len);
	if (len == 0)
		return VALUE_TEXT;
	class = datetime_class(text, text + len);
	if (class != VALUE_TEXT || syntax == SYNTAX_STRING)
		return class;
	if (parse_number(text, text + len, &parts))
		return number_class(&parts);
	if (is_word(text, len, "true") || is_word(text, len, "false"))
		return VALUE_BOOLEAN;
	if (len == 1 && (*text == 't' || *text == 'f'))
		return VALUE_FLAG;
	if (is_not_a_number(text, len))
		return VALUE_NAN;
	return VALUE_TEXT;
}

/* Note what numbers and flags need. */
static void
measure(ColumnGuess *guess, const char *text, Size len, ValueClass class)
{
	NumberParts parts;
	int64		value;

	trim(&text, &len);
	if (class == VALUE_FLAG)
	{
		guess->seen_true = guess->seen_true || *text == 't';
		guess->seen_false = guess->seen_false || *text == 'f';
	}
	if (class > VALUE_EXPONENT || !parse_number(text, text + len, &parts))
		return;
	guess->sizes.digits = Max(guess->sizes.digits, parts.nwhole + Max(parts.exponent, 0));
	guess->sizes.scale = Max(guess->sizes.scale, parts.nfraction + Max(-parts.exponent, 0));
	guess->exact = guess->exact || needs_numeric(text, len, &parts);
	if (class <= VALUE_BIGINT && whole_value(&parts, &value))
	{
		int64		before = guess->counts[VALUE_INTEGER] + guess->counts[VALUE_BIGINT];

		guess->min = before == 1 ? value : Min(guess->min, value);
		guess->max = before == 1 ? value : Max(guess->max, value);
	}
}

ValuePlace *
guess_add(ColumnGuess *guess, const char *text, Size len, ValueSyntax syntax)
{
	ValueClass	class = guess_class(text, len, syntax);

	guess->nvalues++;
	guess->counts[class]++;
	guess->sizes.bytes = Max(guess->sizes.bytes, (int64) len);
	if (class < VALUE_BOOLEAN || class == VALUE_FLAG)
		measure(guess, text, len, class);
	return guess->counts[class] == 1 ? &guess->firsts[class] : NULL;
}

/* ------------------------------------------------------------------------ types */

#define CLASS(class) (1 << (class))

#define WHOLE_CLASSES (CLASS(VALUE_INTEGER) | CLASS(VALUE_BIGINT) | CLASS(VALUE_WHOLE))

/* Classes whose values one type can hold; the text of the last one is the rest. */
static const int families[] = {
	WHOLE_CLASSES | CLASS(VALUE_DECIMAL) | CLASS(VALUE_EXPONENT) | CLASS(VALUE_NAN),
	CLASS(VALUE_BOOLEAN) | CLASS(VALUE_FLAG),
	CLASS(VALUE_DATE) | CLASS(VALUE_TIMESTAMP),
	CLASS(VALUE_TIMESTAMPTZ),
	CLASS(VALUE_UUID),
	CLASS(VALUE_BINARY),
	CLASS(VALUE_NESTED),
	CLASS(VALUE_TEXT)
};

#define FAMILY_NUMBER 0
#define FAMILY_BOOLEAN 1
#define FAMILY_DATE 2
#define FAMILY_NESTED 6
#define FAMILY_TEXT 7

static int64
count_classes(const ColumnGuess *guess, int classes)
{
	int64		count = 0;

	for (int i = 0; i < NVALUE_CLASSES; i++)
	{
		if (classes & CLASS(i))
			count += guess->counts[i];
	}
	return count;
}

/* Of what is in classes, the place of the first value. */
static const ValuePlace *
first_of(const ColumnGuess *guess, int classes)
{
	const ValuePlace *first = NULL;

	for (int i = 0; i < NVALUE_CLASSES; i++)
	{
		if ((classes & CLASS(i)) && guess->counts[i] > 0 &&
			(first == NULL || guess->firsts[i].serial < first->serial))
			first = &guess->firsts[i];
	}
	return first;
}

/* The place of what made the type of a family wide, if nearly nothing did. */
static const ValuePlace *
exception_in_family(const ColumnGuess *guess, int family)
{
	int			narrow = family == FAMILY_NUMBER ? WHOLE_CLASSES : CLASS(VALUE_DATE);
	int			wide = families[family] & ~narrow;

	if (family != FAMILY_NUMBER && family != FAMILY_DATE)
		return NULL;
	if (count_classes(guess, narrow) * 100 < guess->nvalues * NARROW_PERCENT)
		return NULL;
	return first_of(guess, wide);
}

static GuessedType
number_type(const ColumnGuess *guess)
{
	if (guess->counts[VALUE_EXPONENT] + guess->counts[VALUE_NAN] > 0)
		return guess->exact ? GUESS_NUMERIC : GUESS_DOUBLE;
	if (guess->counts[VALUE_DECIMAL] + guess->counts[VALUE_WHOLE] > 0)
		return GUESS_NUMERIC;
	return guess->counts[VALUE_BIGINT] > 0 ? GUESS_BIGINT : GUESS_INTEGER;
}

static GuessedType
family_type(const ColumnGuess *guess, int family)
{
	switch (families[family])
	{
		case CLASS(VALUE_BOOLEAN) | CLASS(VALUE_FLAG):
			return GUESS_BOOLEAN;
		case CLASS(VALUE_DATE) | CLASS(VALUE_TIMESTAMP):
			return guess->counts[VALUE_TIMESTAMP] > 0 ? GUESS_TIMESTAMP : GUESS_DATE;
		case CLASS(VALUE_TIMESTAMPTZ):
			return GUESS_TIMESTAMPTZ;
		case CLASS(VALUE_UUID):
			return GUESS_UUID;
		case CLASS(VALUE_BINARY):
			return GUESS_BYTEA;
		case CLASS(VALUE_NESTED):
			return GUESS_JSONB;
		case CLASS(VALUE_TEXT):
			return GUESS_TEXT;
		default:
			return number_type(guess);
	}
}

/* Values that look like the family's, but only beside others. */
static bool
family_is_doubtful(const ColumnGuess *guess, int family)
{
	if (family == FAMILY_NUMBER)
		return count_classes(guess, families[family] & ~CLASS(VALUE_NAN)) == 0;
	if (family == FAMILY_BOOLEAN)
		return guess->counts[VALUE_FLAG] > 0 && guess->counts[VALUE_BOOLEAN] == 0 &&
			!(guess->seen_true && guess->seen_false);
	return false;
}

GuessedType
guess_type(const ColumnGuess *guess, const ValuePlace **contradiction, EpochUnit *epoch)
{
	int			major = FAMILY_TEXT;
	int64		most = 0;
	GuessedType type;

	*contradiction = NULL;
	if (epoch)
		*epoch = EPOCH_NONE;
	for (int i = 0; i < (int) lengthof(families); i++)
	{
		int64		count = count_classes(guess, families[i]);

		if (count > most)
		{
			most = count;
			major = i;
		}
	}
	if (family_is_doubtful(guess, major))
		return GUESS_TEXT;

	if (most < guess->nvalues)
	{
		if (major != FAMILY_TEXT)
			*contradiction = first_of(guess, ~families[major]);
		return count_classes(guess, families[FAMILY_NESTED]) > 0 ? GUESS_JSONB : GUESS_TEXT;
	}

	type = family_type(guess, major);
	if (type != GUESS_TEXT)
		*contradiction = exception_in_family(guess, major);
	if (epoch && (type == GUESS_INTEGER || type == GUESS_BIGINT))
	{
		if (guess->min >= EPOCH_BEGIN && guess->max < EPOCH_END)
			*epoch = EPOCH_SECONDS;
		else if (guess->min >= EPOCH_BEGIN * 1000 && guess->max < EPOCH_END * 1000)
			*epoch = EPOCH_MILLISECONDS;
		if (*epoch != EPOCH_NONE)
			type = GUESS_TIMESTAMPTZ;
	}
	return type;
}

const char *
guess_type_name(GuessedType type)
{
	static const char *const names[] = {"integer", "bigint", "numeric", "double precision",
		"boolean", "date", "timestamp", "timestamptz", "uuid", "bytea", "jsonb", "text"};

	return names[type];
}
