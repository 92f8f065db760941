/*-------------------------------------------------------------------------
 *
 * uri.c
 *		s3:// locations: parsing, classes of location, matching keys.
 *
 * A location is what a user writes.  The bucket ends up in a host name or a
 * URL path, so its grammar is strict; the key is any bytes and is encoded only
 * when a request is built.  Nothing here talks to a server.
 *
 * Invariant: matching takes time proportional to the key's length times the
 * pattern's, whatever the two are, as both may be written by somebody hostile:
 * the pattern is run as a nondeterministic automaton, whose set of states is
 * carried along the key, and nothing is ever tried twice.
 *
 * IDENTIFICATION
 *		src/s3/uri.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "s3/uri.h"

#define URI_SCHEME "s3://"
#define MIN_BUCKET_LEN 3
#define MAX_BUCKET_LEN 63
#define MAX_KEY_LEN 1024
#define FOLDER_SUFFIX "_$folder$"

/*
 * A set of states.  A state is an offset into the pattern, always at the
 * beginning of an item ('*' run, '?', set, plain character) or at its end.
 */
typedef struct StateSet
{
	int			n;
	int16		states[MAX_KEY_LEN + 1];
} StateSet;

typedef struct Matcher
{
	const char *pattern;
	int			pattern_len;
	int			encoding;
	int			plain_from;		/* from this offset on, '[' is a plain character */

	/* number of the step at which a state was last added */
	int			step;
	int16		added[MAX_KEY_LEN + 1];
} Matcher;

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A backslash before one of these, and no other backslash, is an escape. */
static bool
is_escape(const char *p)
{
	return p[0] == '\\' &&
		(p[1] == '*' || p[1] == '?' || p[1] == '[' || p[1] == '\\');
}

static bool
is_glob_char(char c)
{
	return c == '*' || c == '?' || c == '[';
}

/* Length of the first of the bytes up to end, a stray byte counting as one. */
static int
char_len(int encoding, const char *p, const char *end)
{
	int			len;

	/* every server encoding keeps ASCII bytes for ASCII characters */
	if (!IS_HIGHBIT_SET(*p))
		return 1;
	len = pg_encoding_verifymbchar(encoding, p, (int) (end - p));
	return len > 0 ? len : 1;
}

/* Offset of the first unescaped glob character, or of the end. */
static int
glob_offset(const char *key)
{
	const char *p = key;

	while (*p && !is_glob_char(*p))
		p += is_escape(p) ? 2 : 1;
	return (int) (p - key);
}

/* Copy of the first len bytes of the key, without escapes. */
static char *
unescape(const char *key, int len)
{
	char	   *result = palloc(len + 1);
	char	   *dst = result;

	for (const char *p = key; p < key + len; p++)
	{
		if (is_escape(p))
			p++;
		*dst++ = *p;
	}
	*dst = '\0';
	return result;
}

/*
 * Append s with its control characters escaped, and so its bytes that are not
 * valid in the server encoding: a message with them could not be sent.
 */
static void
append_printable(StringInfo buf, const char *s)
{
	int			encoding = GetDatabaseEncoding();
	const char *end = s + strlen(s);

	while (s < end)
	{
		unsigned char c = (unsigned char) *s;
		int			len = 1;

		if (IS_HIGHBIT_SET(c))
			len = pg_encoding_verifymbchar(encoding, s, (int) (end - s));
		if (c < 0x20 || c == 0x7f || len <= 0)
		{
			appendStringInfo(buf, "\\x%02x", c);
			s++;
		}
		else
		{
			appendBinaryStringInfo(buf, s, len);
			s += len;
		}
	}
}

S3Location *
s3_location_parse(const char *uri, const char **reason)
{
	S3Location *location;
	const char *bucket;
	const char *key;
	Size		bucket_len;
	Size		key_len;
	int			glob;

	*reason = NULL;
	if (strncmp(uri, URI_SCHEME, strlen(URI_SCHEME)) != 0)
	{
		*reason = "A location begins with \"s3://\".";
		return NULL;
	}
	bucket = uri + strlen(URI_SCHEME);
	bucket_len = strcspn(bucket, "/");
	key = bucket[bucket_len] == '/' ? bucket + bucket_len + 1 : bucket + bucket_len;
	key_len = strlen(key);

	if (bucket_len < MIN_BUCKET_LEN || bucket_len > MAX_BUCKET_LEN)
	{
		*reason = "A bucket name has 3 to 63 characters.";
		return NULL;
	}
	for (Size i = 0; i < bucket_len; i++)
	{
		if (!is_alnum(bucket[i]) &&
			bucket[i] != '.' && bucket[i] != '-' && bucket[i] != '_')
		{
			*reason = "A bucket name holds only letters, digits, periods, hyphens and underscores.";
			return NULL;
		}
	}
	if (!is_alnum(bucket[0]) || !is_alnum(bucket[bucket_len - 1]))
	{
		*reason = "A bucket name begins and ends with a letter or digit.";
		return NULL;
	}
	if (key_len > MAX_KEY_LEN)
	{
		*reason = "An object key has at most 1024 bytes.";
		return NULL;
	}
	if (!pg_verifymbstr(key, (int) key_len, true))
	{
		*reason = "The object key is not valid in the server encoding.";
		return NULL;
	}

	location = palloc(sizeof(S3Location));
	glob = glob_offset(key);
	location->bucket = pnstrdup(bucket, bucket_len);
	location->key = pstrdup(key);
	location->is_glob = key[glob] != '\0';
	location->list_prefix = unescape(key, glob);
	return location;
}

S3Location *
s3_location_parse_or_error(const char *uri)
{
	const char *reason;
	S3Location *location = s3_location_parse(uri, &reason);

	if (location == NULL)
	{
		StringInfoData printable;

		initStringInfo(&printable);
		append_printable(&printable, uri);
		ereport(ERROR,
				errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				errmsg("invalid S3 location: \"%s\"", printable.data),
				errdetail_internal("%s", reason),
				errhint("A location looks like \"s3://bucket/key\"."));
	}
	return location;
}

/* The comma between the first location and the next, or NULL. */
static const char *
list_separator(const char *uris, const char **next)
{
	const char *comma = uris;

	while ((comma = strchr(comma, ',')) != NULL)
	{
		*next = comma + 1;
		*next += strspn(*next, " \t\r\n");
		if (strncmp(*next, URI_SCHEME, strlen(URI_SCHEME)) == 0)
			return comma;
		comma++;
	}
	return NULL;
}

List *
s3_location_list_parse(const char *uris)
{
	List	   *result = NIL;
	const char *comma;
	const char *next;

	while ((comma = list_separator(uris, &next)) != NULL)
	{
		char	   *uri = pnstrdup(uris, comma - uris);

		result = lappend(result, s3_location_parse_or_error(uri));
		pfree(uri);
		uris = next;
	}
	return lappend(result, s3_location_parse_or_error(uris));
}

/*
 * Length of the set "[...]" that begins at p, or 0 if it is not closed.  A ']'
 * that comes first belongs to the set.
 */
static int
set_len(const char *p)
{
	const char *q = p + 1;

	if (*q == '!')
		q++;
	if (*q == ']')
		q++;
	while (*q && *q != ']')
		q += (q[0] == '\\' && q[1] != '\0') ? 2 : 1;
	return *q == ']' ? (int) (q - p) + 1 : 0;
}

/*
 * Offset of the first bracket that is not closed, or of the pattern's end.
 * Looking once keeps the search for a ']' out of the steps.
 */
static int
unclosed_offset(const char *pattern, int start)
{
	const char *p = pattern + start;

	while (*p)
	{
		int			len = is_escape(p) ? 2 : 1;

		if (*p == '[')
		{
			len = set_len(p);
			if (len == 0)
				break;
		}
		p += len;
	}
	return (int) (p - pattern);
}

/*
 * Compare two characters.  Byte order is the order of code points in UTF-8,
 * and that of the code in the single-byte encodings.
 */
static int
compare_chars(const char *a, int alen, const char *b, int blen)
{
	int			cmp = memcmp(a, b, Min(alen, blen));

	return cmp != 0 ? cmp : alen - blen;
}

/* Take one member of a set: its first byte and length; move past it. */
static const char *
set_member(const Matcher *m, const char **p, const char *end, int *len)
{
	const char *member;

	if (**p == '\\' && *p + 1 < end)
		(*p)++;
	member = *p;
	*len = char_len(m->encoding, member, end);
	*p += *len;
	return member;
}

/* Is the character c in the set of len bytes that begins at p? */
static bool
set_contains(const Matcher *m, const char *p, int len, const char *c, int clen)
{
	const char *end = p + len - 1;	/* at the ']' */
	bool		negated = false;
	bool		found = false;

	p++;
	if (*p == '!')
	{
		negated = true;
		p++;
	}
	while (p < end && !found)
	{
		const char *low;
		const char *high;
		int			low_len;
		int			high_len;

		high = low = set_member(m, &p, end, &low_len);
		high_len = low_len;
		if (p + 1 < end && *p == '-')
		{
			p++;
			high = set_member(m, &p, end, &high_len);
		}
		found = compare_chars(low, low_len, c, clen) <= 0 &&
			compare_chars(c, clen, high, high_len) <= 0;
	}
	return found != negated;
}

/* Add a state, if it is not there; true if it was not. */
static bool
add_single_state(Matcher *m, StateSet *set, int state)
{
	if (m->added[state] == m->step)
		return false;
	m->added[state] = m->step;
	set->states[set->n++] = state;
	return true;
}

/* Add a state and those reached from it without taking a character. */
static void
add_state(Matcher *m, StateSet *set, int state)
{
	while (add_single_state(m, set, state))
	{
		const char *p = m->pattern + state;
		int			run = (int) strspn(p, "*");

		if (run == 0)
			break;

		/* a double star between slashes also stands for no folder at all */
		if (run >= 2 && p[run] == '/' && (state == 0 || p[-1] == '/'))
			add_state(m, set, state + run + 1);
		state += run;
	}
}

/* Add to next what the character c leads to from a state. */
static void
step_state(Matcher *m, int state, const char *c, int clen, StateSet *next)
{
	const char *p = m->pattern + state;
	const char *end = m->pattern + m->pattern_len;
	int			len;

	switch (*p)
	{
		case '\0':
			return;

		case '*':
			if (*c != '/' || p[1] == '*')
			{
				add_single_state(m, next, state);
				add_state(m, next, state + (int) strspn(p, "*"));
			}
			return;

		case '?':
			if (*c != '/')
				add_state(m, next, state + 1);
			return;

		case '[':
			if (state < m->plain_from)
			{
				len = set_len(p);
				if (*c != '/' && set_contains(m, p, len, c, clen))
					add_state(m, next, state + len);
				return;
			}
			break;

		default:
			if (is_escape(p))
				p++;
			break;
	}

	len = char_len(m->encoding, p, end);
	if (len == clen && memcmp(p, c, len) == 0)
		add_state(m, next, (int) (p - m->pattern) + len);
}

/*
 * Does the pattern match the key from the given offsets on, at which both are
 * known to agree?  With open_end, it is enough that it matches a prefix.
 */
static bool
match_glob(const char *pattern, int pattern_start, const char *key, bool open_end)
{
	Matcher		m;
	StateSet	sets[2];
	StateSet   *now = &sets[0];
	StateSet   *next = &sets[1];
	const char *end = key + strlen(key);

	Assert(strlen(pattern) <= MAX_KEY_LEN);
	m.pattern = pattern;
	m.pattern_len = (int) strlen(pattern);
	m.encoding = GetDatabaseEncoding();
	m.plain_from = unclosed_offset(pattern, pattern_start);
	m.step = 0;
	memset(m.added, 0xff, sizeof(int16) * (m.pattern_len + 1));

	now->n = 0;
	add_state(&m, now, pattern_start);
	while (now->n > 0)
	{
		StateSet   *swap;
		int			clen;

		if ((key == end || open_end) && m.added[m.pattern_len] == m.step)
			return true;
		if (key == end)
			return false;

		clen = char_len(m.encoding, key, end);
		m.step++;
		next->n = 0;
		for (int i = 0; i < now->n; i++)
			step_state(&m, now->states[i], key, clen, next);
		key += clen;
		swap = now;
		now = next;
		next = swap;
	}
	return false;
}

bool
s3_location_matches(const S3Location *location, const char *key)
{
	const char *pattern = location->key;
	Size		pattern_len = strlen(pattern);
	Size		prefix_len = strlen(location->list_prefix);

	if (strncmp(key, location->list_prefix, prefix_len) != 0)
		return false;
	if (!location->is_glob)
		return true;

	/* bounds the steps, which are counted in 16 bits; no such object exists */
	if (strlen(key) > MAX_KEY_LEN)
		return false;
	return match_glob(pattern, glob_offset(pattern), key + prefix_len,
					  pattern[pattern_len - 1] == '/');
}

bool
s3_key_is_hidden(const S3Location *location, const char *key, int64 size)
{
	Size		prefix_len = strlen(location->list_prefix);
	Size		key_len = strlen(key);
	Size		suffix_len = strlen(FOLDER_SUFFIX);

	if (size == 0 || key_len == 0 || key[key_len - 1] == '/')
		return true;
	if (key_len >= suffix_len &&
		strcmp(key + key_len - suffix_len, FOLDER_SUFFIX) == 0)
		return true;

	for (Size i = prefix_len; i < key_len; i++)
	{
		if ((key[i] == '_' || key[i] == '.') && (i == 0 || key[i - 1] == '/'))
			return true;
	}
	return false;
}

/*
 * A period would make the name a second level below the provider's domain,
 * where its wildcard certificate does not reach.
 */
bool
s3_bucket_is_dns_name(const char *bucket)
{
	Size		len = strlen(bucket);

	if (len < MIN_BUCKET_LEN || len > MAX_BUCKET_LEN ||
		bucket[0] == '-' || bucket[len - 1] == '-')
		return false;
	for (Size i = 0; i < len; i++)
	{
		if (!((bucket[i] >= 'a' && bucket[i] <= 'z') ||
			  (bucket[i] >= '0' && bucket[i] <= '9') || bucket[i] == '-'))
			return false;
	}
	return true;
}

char *
s3_location_format(const char *bucket, const char *key)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, URI_SCHEME);
	append_printable(&buf, bucket);
	appendStringInfoChar(&buf, '/');
	append_printable(&buf, key);
	return buf.data;
}

char *
s3_location_of(const char *bucket, const char *key)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s%s/", URI_SCHEME, bucket);
	for (const char *p = key; *p; p++)
	{
		if (strchr("*?[\\", *p))
			appendStringInfoChar(&buf, '\\');
		appendStringInfoChar(&buf, *p);
	}
	return buf.data;
}
