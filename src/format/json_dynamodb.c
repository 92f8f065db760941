/*-------------------------------------------------------------------------
 *
 * json_dynamodb.c
 *		DynamoDB's typed JSON to plain JSON.
 *
 * The record has been checked to be JSON, so tokens need only be told apart by
 * their first bytes.  All of an item is decoded and checked, also where no
 * column looks: whether it is malformed does not depend on the query.
 *
 * What is decoded is never longer than what it is decoded from.  It goes to the
 * same parser as any other JSON, for paths, keys that occur twice, and so on.
 *
 * IDENTIFICATION
 *		src/format/json_dynamodb.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/stream.h"
#include "format/json_dynamodb.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

/* DynamoDB itself allows 32 levels. */
#define MAX_LEVELS		1000

#define MIN_TEXT		8192
#define KEEP_TEXT		(1024 * 1024)	/* a larger buffer is not kept */
#define MAX_QUOTED		100		/* bytes of a name in a message */
#define SHORT_STRING	16
#define SHORT_COPY		32

StaticAssertDecl(SHORT_COPY <= STREAM_PADDING, "bytes behind the end are copied");

typedef enum DynamodbKind
{
	KIND_STRING,
	KIND_NUMBER,
	KIND_BINARY,
	KIND_BOOL,
	KIND_NULL,
	KIND_MAP,
	KIND_LIST,
	KIND_SET
} DynamodbKind;

typedef struct DynamodbType
{
	const char *name;
	Size		len;
	DynamodbKind kind;
	DynamodbKind element;		/* of a set; else the kind */
} DynamodbType;

/* The most frequent ones first. */
static const DynamodbType types[] = {
	{"S", 1, KIND_STRING, KIND_STRING},
	{"N", 1, KIND_NUMBER, KIND_NUMBER},
	{"M", 1, KIND_MAP, KIND_MAP},
	{"L", 1, KIND_LIST, KIND_LIST},
	{"BOOL", 4, KIND_BOOL, KIND_BOOL},
	{"NULL", 4, KIND_NULL, KIND_NULL},
	{"B", 1, KIND_BINARY, KIND_BINARY},
	{"SS", 2, KIND_SET, KIND_STRING},
	{"NS", 2, KIND_SET, KIND_NUMBER},
	{"BS", 2, KIND_SET, KIND_BINARY}
};

DynamodbDecoder *
dynamodb_decoder_create(void)
{
	DynamodbDecoder *d = palloc0(sizeof(DynamodbDecoder));

	d->cxt = CurrentMemoryContext;
	return d;
}

/* -------------------------------------------------------------------- messages */

/* Part of the file in a message. */
static char *
quoted(const char *text, Size len)
{
	if (len <= MAX_QUOTED)
		return pnstrdup(text, len);
	return psprintf("%.*s...", pg_mbcliplen(text, (int) Min(len, 2 * MAX_QUOTED), MAX_QUOTED), text);
}

/* format takes the attribute's name.  Returns false. */
static bool
fail(DynamodbDecoder *d, const char *format)
{
	d->fault = psprintf(format, quoted(d->attribute, d->attribute_len));
	return false;
}

static bool
fail_value(DynamodbDecoder *d, const char *type, const char *expected)
{
	d->fault = psprintf(_("A value of type \"%s\" in attribute \"%s\" is not %s."), type,
						quoted(d->attribute, d->attribute_len), expected);
	return false;
}

/* ---------------------------------------------------------------------- tokens */

/* Go to the next token and return its first byte. */
static inline char
peek(DynamodbDecoder *d)
{
	while (json_is_space(*d->p))
		d->p++;
	return *d->p;
}

/* Behind the string that begins at p; most are short. */
static inline const char *
string_end(const DynamodbDecoder *d, const char *p)
{
	const char *call = p + SHORT_STRING;

	for (p++;; p += 2)
	{
		while (*p != '"' && *p != '\\' && p < call)
			p++;
		if (p >= call)
			p = d->parser->skip_string(p, d->end);
		if (*p == '"')
			return p + 1;
	}
}

/*
 * Write bytes of the record.  There are STREAM_PADDING bytes behind it, and
 * behind what is written, so that few can be copied as a constant number.
 */
static inline void
put(DynamodbDecoder *d, const char *text, Size len)
{
	if (len <= SHORT_COPY)
		memcpy(d->dst, text, SHORT_COPY);
	else
		memcpy(d->dst, text, len);
	d->dst += len;
}

/* Write bytes of any memory. */
static inline void
put_copy(DynamodbDecoder *d, const char *text, Size len)
{
	memcpy(d->dst, text, len);
	d->dst += len;
}

/*
 * The inside of the string [start, end), its quotes included, without escapes.
 * NULL if it is no text; then it is none of those we look into.
 */
static const char *
plain_string(DynamodbDecoder *d, const char *start, const char *end, Size *len)
{
	char	   *copy;
	ssize_t		n;
	int			sqlerrcode;
	const char *detail;

	start++;
	end--;
	*len = end - start;
	if (memchr(start, '\\', *len) == NULL)
		return start;
	copy = MemoryContextAllocHuge(CurrentMemoryContext, 3 * *len);
	n = json_unescape(d->parser, start, end, copy, &sqlerrcode, &detail);
	if (n < 0)
		return NULL;
	*len = n;
	return copy;
}

/* Is it a number as JSON writes it? */
static bool
is_number(const char *p, Size len)
{
	const char *end = p + len;
	const char *begin;

#define SKIP_DIGITS() \
	do { \
		for (begin = p; p < end && *p >= '0' && *p <= '9'; p++) \
			; \
		if (p == begin) \
			return false; \
	} while (0)

	if (p < end && *p == '-')
		p++;
	SKIP_DIGITS();
	if (*begin == '0' && p - begin > 1)
		return false;
	if (p < end && *p == '.')
	{
		p++;
		SKIP_DIGITS();
	}
	if (p < end && (*p == 'e' || *p == 'E'))
	{
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		SKIP_DIGITS();
	}
	return p == end;

#undef SKIP_DIGITS
}

/* The six bits that a character of base64 stands for, or -1. */
static inline int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool
is_base64(const char *p, Size len)
{
	Size		n = len;

	if (len % 4 != 0)
		return false;
	while (n > 0 && len - n < 2 && p[n - 1] == '=')
		n--;
	for (Size i = 0; i < n; i++)
	{
		if (base64_value(p[i]) < 0)
			return false;
	}
	return true;
}

/* ---------------------------------------------------------------------- values */

/* Remember that a binary string begins here. */
static void
note_binary(DynamodbDecoder *d)
{
	if (d->nbinaries == d->max_binaries)
	{
		d->max_binaries = Max(64, 2 * d->max_binaries);
		d->binaries = d->binaries ?
			repalloc_huge(d->binaries, d->max_binaries * sizeof(Size)) :
			MemoryContextAlloc(d->cxt, d->max_binaries * sizeof(Size));
	}
	d->binaries[d->nbinaries++] = d->dst - d->text;
}

/* A string, number or binary value: all are strings. */
static bool
decode_string(DynamodbDecoder *d, DynamodbKind kind, const DynamodbType *type)
{
	const char *start = d->p;
	const char *text;
	Size		len;

	if (*start != '"')
		return fail_value(d, type->name, type->kind == KIND_SET ? _("a list of strings") : _("a string"));
	d->p = string_end(d, start);
	if (kind == KIND_STRING)
	{
		put(d, start, d->p - start);
		return true;
	}
	text = plain_string(d, start, d->p, &len);
	if (kind == KIND_NUMBER)
	{
		if (text == NULL || !is_number(text, len))
			return fail_value(d, type->name, _("a number"));
		if (text == start + 1)
			put(d, text, len);
		else
			put_copy(d, text, len);
		return true;
	}
	if (text == NULL || !is_base64(text, len))
		return fail_value(d, type->name, _("encoded in base64"));
	note_binary(d);
	*d->dst++ = '"';
	put_copy(d, text, len);
	*d->dst++ = '"';
	return true;
}

static bool
decode_set(DynamodbDecoder *d, const DynamodbType *type)
{
	if (*d->p != '[')
		return fail_value(d, type->name, _("a list of strings"));
	d->p++;
	*d->dst++ = '[';
	if (peek(d) != ']')
	{
		for (;;)
		{
			if (!decode_string(d, type->element, type))
				return false;
			if (peek(d) != ',')
				break;
			d->p++;
			*d->dst++ = ',';
			peek(d);
		}
	}
	d->p++;
	*d->dst++ = ']';
	return true;
}

static bool decode_value(DynamodbDecoder *d);

static bool
decode_list(DynamodbDecoder *d, const DynamodbType *type)
{
	if (*d->p != '[')
		return fail_value(d, type->name, _("a list"));
	d->p++;
	*d->dst++ = '[';
	if (peek(d) != ']')
	{
		for (;;)
		{
			if (!decode_value(d))
				return false;
			if (peek(d) != ',')
				break;
			d->p++;
			*d->dst++ = ',';
		}
	}
	d->p++;
	*d->dst++ = ']';
	return true;
}

/* The attributes of an item, or the keys of a map; at its brace. */
static bool
decode_keys(DynamodbDecoder *d)
{
	d->p++;
	*d->dst++ = '{';
	if (peek(d) != '}')
	{
		for (;;)
		{
			const char *key = d->p;

			d->p = string_end(d, key);
			if (d->depth == 0)
			{
				d->attribute = key + 1;
				d->attribute_len = d->p - key - 2;
			}
			put(d, key, d->p - key);
			*d->dst++ = ':';
			peek(d);
			d->p++;
			if (!decode_value(d))
				return false;
			if (peek(d) != ',')
				break;
			d->p++;
			*d->dst++ = ',';
			peek(d);
		}
	}
	d->p++;
	*d->dst++ = '}';
	return true;
}

/* The type that the key of a value names; at the key. */
static const DynamodbType *
find_type(DynamodbDecoder *d)
{
	const char *start = d->p;
	Size		len;

	d->p = string_end(d, start);
	len = d->p - start - 2;
	for (int i = 0; i < (int) lengthof(types); i++)
	{
		if (types[i].len == len && types[i].name[0] == start[1] && memcmp(types[i].name, start + 1, len) == 0)
			return &types[i];
	}
	d->fault = psprintf(_("Attribute \"%s\" has a value of the unknown type \"%s\"."),
						quoted(d->attribute, d->attribute_len), quoted(start + 1, len));
	return NULL;
}

/* {"type": value} */
static bool
decode_value(DynamodbDecoder *d)
{
	const DynamodbType *type;
	char		c = peek(d);
	bool		ok = true;

	if (c == '{')
	{
		d->p++;
		c = peek(d);
	}
	else
		c = '}';
	if (c == '}')
		return fail(d, _("Attribute \"%s\" has a value without a type."));
	type = find_type(d);
	if (type == NULL)
		return false;
	if (++d->depth > MAX_LEVELS)
		return fail(d, _("Attribute \"%s\" is nested too deeply."));
	peek(d);
	d->p++;
	c = peek(d);
	switch (type->kind)
	{
		case KIND_STRING:
		case KIND_NUMBER:
		case KIND_BINARY:
			ok = decode_string(d, type->kind, type);
			break;
		case KIND_BOOL:
			if (c != 't' && c != 'f')
				return fail_value(d, type->name, _("true or false"));
			put(d, d->p, c == 't' ? 4 : 5);
			d->p += c == 't' ? 4 : 5;
			break;
		case KIND_NULL:
			if (c != 't')
				return fail_value(d, type->name, _("true"));
			put_copy(d, "null", 4);
			d->p += 4;
			break;
		case KIND_MAP:
			if (c != '{')
				return fail_value(d, type->name, _("an object"));
			ok = decode_keys(d);
			break;
		case KIND_LIST:
			ok = decode_list(d, type);
			break;
		case KIND_SET:
			ok = decode_set(d, type);
			break;
	}
	if (!ok)
		return false;
	d->depth--;
	if (peek(d) != '}')
		return fail(d, _("Attribute \"%s\" has a value of more than one type."));
	d->p++;
	return true;
}

/* Room for what is decoded from len bytes. */
static void
make_room(DynamodbDecoder *d, Size len)
{
	if (len > d->size || (d->size > KEEP_TEXT && len <= KEEP_TEXT))
	{
		if (d->text)
			pfree(d->text);
		d->text = NULL;
		d->size = Max(len, MIN_TEXT);
		d->text = MemoryContextAllocHuge(d->cxt, d->size + STREAM_PADDING);
	}
}

char *
dynamodb_decode(DynamodbDecoder *d, JsonParser *parser, const char *record, Size len)
{
	const char *key;

	make_room(d, len);
	d->parser = parser;
	d->p = record;
	d->end = record + len;
	d->dst = d->text;
	d->nbinaries = 0;
	d->depth = 0;
	d->fault = NULL;

	d->p++;
	key = d->p;
	if (peek(d) == '"')
	{
		key = d->p;
		d->p = string_end(d, key);
	}
	if (d->p - key != strlen("\"Item\"") || memcmp(key, "\"Item\"", d->p - key) != 0)
		return pstrdup(_("The record's first key is not \"Item\"."));
	peek(d);
	d->p++;
	if (peek(d) != '{')
		return pstrdup(_("The value of \"Item\" is not an object."));
	if (!decode_keys(d))
		return d->fault;
	if (peek(d) != '}')
		return pstrdup(_("The record has other keys than \"Item\"."));

	d->len = d->dst - d->text;
	memset(d->dst, 0, STREAM_PADDING);
	return NULL;
}

/* ---------------------------------------------------------------------- binary */

/* Write what len characters of base64 stand for in hexadecimal. */
static char *
put_hex(char *dst, const char *p, Size len)
{
	static const char digits[] = "0123456789abcdef";
	uint32		bits = 0;
	int			nbits = 0;

	for (Size i = 0; i < len && p[i] != '='; i++)
	{
		bits = (bits << 6) | (uint32) base64_value(p[i]);
		nbits += 6;
		if (nbits >= 8)
		{
			nbits -= 8;
			*dst++ = digits[(bits >> (nbits + 4)) & 15];
			*dst++ = digits[(bits >> nbits) & 15];
		}
	}
	return dst;
}

bool
dynamodb_binary_value(const DynamodbDecoder *d, Size start, Size end, bool raw,
					  RecordField *field)
{
	const char *p = d->text + start;
	const char *value_end = d->text + end;
	char	   *out;
	char	   *dst;
	int			low = 0;
	int			high = d->nbinaries;

	/* the first one that is in the value */
	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (d->binaries[middle] < start)
			low = middle + 1;
		else
			high = middle;
	}
	for (high = low; high < d->nbinaries && d->binaries[high] < end; high++)
		;
	if (high == low)
		return false;

	out = dst = MemoryContextAllocHuge(CurrentMemoryContext,
									   2 * (end - start) + 4 * (Size) (high - low));
	for (int i = low; i < high; i++)
	{
		const char *string = d->text + d->binaries[i];
		const char *quote = memchr(string + 1, '"', value_end - string - 1);

		memcpy(dst, p, string - p);
		dst += string - p;
		if (raw)
			*dst++ = '"';
		*dst++ = '\\';
		if (raw)
			*dst++ = '\\';
		*dst++ = 'x';
		dst = put_hex(dst, string + 1, quote - string - 1);
		if (raw)
			*dst++ = '"';
		p = quote + 1;
	}
	memcpy(dst, p, value_end - p);
	dst += value_end - p;
	field->data = out;
	field->len = dst - out;
	return true;
}
