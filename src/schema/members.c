/*-------------------------------------------------------------------------
 *
 * members.c
 *		The members of a JSON object, or the elements of an array, whatever
 *		they are called.
 *
 * The record readers have checked the syntax, and so nothing of it is checked
 * here; a wrong text cannot lead beyond its end, though.
 *
 * IDENTIFICATION
 *		src/schema/members.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/hex.h"
#include "mb/pg_wchar.h"
#include "schema/members.h"

static void
skip_space(MemberWalk *walk)
{
	while (walk->p < walk->end &&
		   (*walk->p == ' ' || *walk->p == '\n' || *walk->p == '\r' || *walk->p == '\t'))
		walk->p++;
}

/* Go behind the string that begins here. */
static void
skip_string(MemberWalk *walk)
{
	walk->p++;
	while (walk->p < walk->end && *walk->p != '"')
		walk->p += *walk->p == '\\' && walk->p + 1 < walk->end ? 2 : 1;
	if (walk->p < walk->end)
		walk->p++;
}

static void
skip_value(MemberWalk *walk)
{
	int			depth = 0;

	while (walk->p < walk->end)
	{
		char		c = *walk->p;

		if (c == '"')
		{
			skip_string(walk);
			if (depth == 0)
				return;
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
		{
			if (depth == 0)
				return;
			if (--depth == 0)
			{
				walk->p++;
				return;
			}
		}
		else if (depth == 0 && (c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t'))
			return;
		walk->p++;
	}
}

bool
member_walk_begin(MemberWalk *walk, const char *text, Size len)
{
	memset(walk, 0, sizeof(*walk));
	walk->p = text;
	walk->end = text + len;
	skip_space(walk);
	if (walk->p == walk->end || (*walk->p != '{' && *walk->p != '['))
		return false;
	walk->in_object = *walk->p++ == '{';
	return true;
}

bool
member_walk_next(MemberWalk *walk)
{
	skip_space(walk);
	if (walk->p < walk->end && *walk->p == ',')
		walk->p++;
	skip_space(walk);
	if (walk->p >= walk->end || *walk->p == '}' || *walk->p == ']')
		return false;
	if (walk->in_object)
	{
		walk->key = walk->p;
		skip_string(walk);
		walk->key_len = walk->p - walk->key;
		skip_space(walk);
		if (walk->p < walk->end)
			walk->p++;
		skip_space(walk);
	}
	walk->value = walk->p;
	skip_value(walk);
	walk->value_len = walk->p - walk->value;
	return walk->value_len > 0;
}

/* Four hexadecimal digits, or -1. */
static int
unicode_unit(const char *p, const char *end)
{
	int			unit = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		int			digit = hex_value(p[i]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

/* The character of the escape \u whose digits begin at *p. */
static bool
take_unicode(const char **p, const char *end, StringInfo out)
{
	int			unit = unicode_unit(*p, end);
	pg_wchar	c = (pg_wchar) unit;
	unsigned char utf8[5] = {0};

	*p += 4;
	if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return false;
	if (unit >= 0xd800 && unit <= 0xdbff)
	{
		int			low = end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' ?
			unicode_unit(*p + 2, end) : -1;

		if (low < 0xdc00 || low > 0xdfff)
			return false;
		c = 0x10000 + (((pg_wchar) unit & 0x3ff) << 10) + ((pg_wchar) low & 0x3ff);
		*p += 6;
	}
	if (c >= 0x80 && GetDatabaseEncoding() != PG_UTF8)
		return false;
	unicode_to_utf8(c, utf8);
	appendStringInfoString(out, (char *) utf8);
	return true;
}

bool
member_string(const char *json, Size len, StringInfo out)
{
	const char *p = json + 1;
	const char *end = json + len - 1;

	resetStringInfo(out);
	while (p < end)
	{
		const char *plain = p;

		while (p < end && *p != '\\')
			p++;
		appendBinaryStringInfo(out, plain, (int) (p - plain));
		if (end - p < 2)
			break;
		p += 2;
		switch (p[-1])
		{
			case 'b':
				appendStringInfoChar(out, '\b');
				break;
			case 'f':
				appendStringInfoChar(out, '\f');
				break;
			case 'n':
				appendStringInfoChar(out, '\n');
				break;
			case 'r':
				appendStringInfoChar(out, '\r');
				break;
			case 't':
				appendStringInfoChar(out, '\t');
				break;
			case 'u':
				if (!take_unicode(&p, end, out))
					return false;
				break;
			default:
				appendStringInfoChar(out, p[-1]);
				break;
		}
	}
	return true;
}
