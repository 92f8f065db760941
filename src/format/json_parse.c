/*-------------------------------------------------------------------------
 *
 * json_parse.c
 *		Check one JSON text, and find the values that columns want of it.
 *
 * One pass over the bytes both checks them, by the rules of the type json, and
 * notes where the values of the tree's nodes lie.  All state is explicit, so
 * that the pass can stop at any byte and go on when more bytes are there; no
 * byte is looked at twice on that account, but those of one escape or token.
 *
 * Text is verified and in the server encoding, in all of which a byte below
 * 0x80 is that ASCII character.  json.c finds the texts in a stream;
 * json_tree.c knows the nodes.
 *
 * Invariant: what is remembered between two calls are offsets, for the text
 * may move.
 *
 * IDENTIFICATION
 *		src/format/json_parse.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/hex.h"
#include "catalog/namespace.h"
#include "format/json_parse.h"
#include "mb/pg_wchar.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define JSON_USE_X86
#include <immintrin.h>
#endif

#define ATOM_CHAR	1			/* letters, digits, underscore, high bit */
#define NUMBER_CHAR	2			/* also found in numbers: + - . */

/* Which bytes belong to a number or word, as the lexer of the type json. */
static inline int
atom_class(unsigned char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '_' || IS_HIGHBIT_SET(c))
		return ATOM_CHAR;
	if (c == '+' || c == '-' || c == '.')
		return NUMBER_CHAR;
	return 0;
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * The scanners: first quote, backslash or control character at or behind p,
 * else any pointer not below end.  They may look at up to 32 bytes behind end.
 */
static const char *
skip_string_scalar(const char *p, const char *end)
{
	while (p < end && *p != '"' && *p != '\\' && (unsigned char) *p >= 0x20)
		p++;
	return p;
}

#ifdef JSON_USE_X86

static inline int
special_mask16(const char *p)
{
	__m128i		v = _mm_loadu_si128((const __m128i *) p);
	__m128i		quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
	__m128i		backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
	__m128i		control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);

	return _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control));
}

static const char *
skip_string_sse2(const char *p, const char *end)
{
	for (; p < end; p += 16)
	{
		int			mask = special_mask16(p);

		if (mask)
			return p + __builtin_ctz(mask);
	}
	return p;
}

__attribute__((target("avx2")))
static const char *
skip_string_avx2(const char *p, const char *end)
{
	for (; p < end; p += 32)
	{
		__m256i		v = _mm256_loadu_si256((const __m256i *) p);
		__m256i		quote = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"'));
		__m256i		backslash = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\'));
		__m256i		control = _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v);
		unsigned int mask;

		mask = _mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(quote, backslash),
													control));
		if (mask)
			return p + __builtin_ctz(mask);
	}
	return p;
}

#endif							/* JSON_USE_X86 */

/* Most strings are short: look at their first bytes without a call. */
static inline const char *
string_special(const JsonParser *parser, const char *p, const char *end)
{
#ifdef JSON_USE_X86
	int			mask = special_mask16(p);

	if (mask)
		return p + __builtin_ctz(mask);
	p += 16;
	mask = special_mask16(p);
	if (mask)
		return p + __builtin_ctz(mask);
	p += 16;
#endif
	return parser->skip_string(p, end);
}

/* Is the key at p, quotes and all, the guessed one? */
static inline bool
guess_holds(const JsonKeyGuess *guess, const char *p, const char *end)
{
	if (guess->len == 0 || guess->len > end - p)
		return false;
#ifdef JSON_USE_X86
	{
		__m128i		lo = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *) p),
										_mm_loadu_si128((const __m128i *) guess->raw));
		__m128i		hi = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *) (p + 16)),
										_mm_loadu_si128((const __m128i *) (guess->raw + 16)));
		uint32		same = (uint32) _mm_movemask_epi8(lo) |
			((uint32) _mm_movemask_epi8(hi) << 16);

		return (same & guess->mask) == guess->mask;
	}
#else
	return memcmp(p, guess->raw, guess->len) == 0;
#endif
}

/*
 * Find the end of the number or word at p, at end at the latest, and say
 * whether it is valid.
 */
static const char *
lex_atom(const char *p, const char *end, bool *valid)
{
	const char *start = p;
	bool		ok = true;

	if (p < end && (*p == '-' || is_digit(*p)))
	{
		if (*p == '-')
			p++;
		if (p < end && *p == '0')
			p++;
		else if (p < end && is_digit(*p))
		{
			while (p < end && is_digit(*p))
				p++;
		}
		else
			ok = false;
		if (p < end && *p == '.')
		{
			p++;
			ok = ok && p < end && is_digit(*p);
			while (p < end && is_digit(*p))
				p++;
		}
		if (p < end && (*p == 'e' || *p == 'E'))
		{
			p++;
			if (p < end && (*p == '+' || *p == '-'))
				p++;
			ok = ok && p < end && is_digit(*p);
			while (p < end && is_digit(*p))
				p++;
		}
		/* what sticks to a number spoils it */
		for (; p < end && atom_class(*p) == ATOM_CHAR; p++)
			ok = false;
	}
	else
	{
		while (p < end && atom_class(*p) == ATOM_CHAR)
			p++;
		ok = (p - start == 4 && (memcmp(start, "true", 4) == 0 ||
								 memcmp(start, "null", 4) == 0)) ||
			(p - start == 5 && memcmp(start, "false", 5) == 0);
		if (p == start)
			p++;				/* a character that begins no token */
	}
	*valid = ok;
	return p;
}

/* The UTF-16 unit that the four digits at p stand for. */
static inline uint32
hex4(const char *p)
{
	return (uint32) ((hex_value(p[0]) << 12) | (hex_value(p[1]) << 8) |
					 (hex_value(p[2]) << 4) | hex_value(p[3]));
}

/*
 * Append a code point in the server encoding; returns its length, or -1 if
 * that encoding lacks it.
 */
static int
put_code_point(JsonParser *parser, pg_wchar ch, char *dst)
{
	unsigned char utf8[MAX_MULTIBYTE_CHAR_LEN + 1];
	int			len;

	if (ch < 0x80)
	{
		*dst = (char) ch;
		return 1;
	}
	unicode_to_utf8(ch, utf8);
	len = pg_utf_mblen(utf8);
	utf8[len] = '\0';
	if (GetDatabaseEncoding() != PG_UTF8)
	{
		unsigned char out[MAX_UNICODE_EQUIVALENT_STRING + 1];

		/* pg_unicode_to_server() would throw, this need not */
		if (!OidIsValid(parser->utf8_proc))
			parser->utf8_proc = FindDefaultConversionProc(PG_UTF8, GetDatabaseEncoding());
		if (!OidIsValid(parser->utf8_proc) ||
			pg_do_encoding_conversion_buf(parser->utf8_proc, PG_UTF8, GetDatabaseEncoding(),
										  utf8, len, out, sizeof(out), true) != len)
			return -1;
		len = strlen((char *) out);
		memcpy(dst, out, len);
		return len;
	}
	memcpy(dst, utf8, len);
	return len;
}

ssize_t
json_unescape(JsonParser *parser, const char *p, const char *end, char *dst,
			  int *sqlerrcode, const char **detail)
{
	char	   *start = dst;
	pg_wchar	high = 0;		/* a high surrogate that waits for its mate */

	*sqlerrcode = ERRCODE_INVALID_TEXT_REPRESENTATION;
	while (p < end)
	{
		pg_wchar	ch;
		int			len;

		if (*p == '\\' && p[1] == 'u')
		{
			ch = hex4(p + 2);
			p += 6;
			if (is_utf16_surrogate_first(ch))
			{
				if (high)
				{
					*detail = _("Unicode high surrogate must not follow a high surrogate.");
					return -1;
				}
				high = ch;
				continue;
			}
			if (is_utf16_surrogate_second(ch) ? !high : high)
			{
				*detail = _("Unicode low surrogate must follow a high surrogate.");
				return -1;
			}
			if (high)
				ch = surrogate_pair_to_codepoint(high, ch);
			high = 0;
			if (ch == 0)
			{
				*sqlerrcode = ERRCODE_UNTRANSLATABLE_CHARACTER;
				*detail = _("\\u0000 cannot be converted to text.");
				return -1;
			}
			len = put_code_point(parser, ch, dst);
			if (len < 0)
			{
				*sqlerrcode = ERRCODE_UNTRANSLATABLE_CHARACTER;
				*detail = psprintf(_("Unicode escape value could not be translated to the server's encoding %s."),
								   GetDatabaseEncodingName());
				return -1;
			}
			dst += len;
			continue;
		}
		if (high)
			break;
		if (*p != '\\')
		{
			const char *q = memchr(p, '\\', end - p);

			if (q == NULL)
				q = end;
			memcpy(dst, p, q - p);
			dst += q - p;
			p = q;
			continue;
		}
		switch (p[1])
		{
			case 'b':
				*dst++ = '\b';
				break;
			case 'f':
				*dst++ = '\f';
				break;
			case 'n':
				*dst++ = '\n';
				break;
			case 'r':
				*dst++ = '\r';
				break;
			case 't':
				*dst++ = '\t';
				break;
			default:
				*dst++ = p[1];
				break;
		}
		p += 2;
	}
	if (high)
	{
		*detail = _("Unicode low surrogate must follow a high surrogate.");
		return -1;
	}
	return dst - start;
}

/*
 * Check the escape at p, a backslash.  Returns what follows it, or NULL with
 * *result telling why there is none.
 */
static const char *
check_escape(JsonParser *parser, const char *rec, const char *p, const char *end, bool eof,
			 JsonParseResult *result)
{
	Size		avail = end - p;

	if (avail > 1 && p[1] == 'u')
	{
		for (Size i = 2; i < 6 && i < avail; i++)
		{
			if (hex_value(p[i]) < 0)
			{
				parser->fault = FAULT_UNICODE_ESCAPE;
				parser->fault_start = p - rec;
				parser->fault_end = p + i - rec;
				*result = PARSE_BAD;
				return NULL;
			}
		}
		if (avail >= 6)
			return p + 6;
	}
	else if (avail > 1)
	{
		switch (p[1])
		{
			case '"':
			case '\\':
			case '/':
			case 'b':
			case 'f':
			case 'n':
			case 'r':
			case 't':
				return p + 2;
			default:
				{
					/* the message quotes the whole character */
					Size		len = pg_mblen(p + 1);

					if (len < avail || eof)
					{
						parser->fault = FAULT_ESCAPE;
						parser->fault_start = p + 1 - rec;
						parser->fault_end = parser->fault_start + Min(len, avail - 1);
						*result = PARSE_BAD;
						return NULL;
					}
				}
		}
	}
	*result = PARSE_MORE;
	return NULL;
}

/* The child of node that is its array's element number "index", or -1. */
static inline int
next_element(JsonParser *parser, const JsonNode *node, int index)
{
	int			child;

	if (parser->nelement >= node->nelements)
		return -1;
	child = parser->elements[node->first_element + parser->nelement];
	if (parser->nodes[child].index != index)
		return -1;
	parser->nelement++;
	return child;
}

/* The values of nodes below this one are missing. */
static void
forget_below(JsonParser *parser, int node)
{
	for (int i = node + 1; i < parser->nodes[node].end; i++)
		parser->values[i].end = 0;
}

JsonParseResult
json_parse(JsonParser *parser, const char *rec, const char *end, bool eof)
{
	const char *p = rec + parser->pos;
	const char *tok = rec + parser->tok;
	const char *value = rec + parser->value;
	int			depth = parser->depth;
	int			followed_depth = parser->followed_depth;
	JsonNode   *node = parser->node;
	int			child = parser->child;
	int			nkey = parser->nkey;
	JsonTokenRole role = parser->role;
	bool		escaped = parser->escaped;
	bool		in_object = (parser->in_object[depth / 64] >> (depth % 64)) & 1;
	bool		valid;
	JsonState	state = parser->state;
	JsonFault	expected = parser->expected;
	JsonParseResult result;

/*
 * Step over white space.  At the end of the window leave with the state.
 */
#define SKIP_SPACE(resume) \
	do { \
		while (json_is_space(*p) && p < end) \
			p++; \
		if (unlikely(p >= end)) \
		{ \
			state = (resume); \
			goto more; \
		} \
	} while (0)

	switch (state)
	{
		case STATE_VALUE:
			goto value;
		case STATE_ARRAY_FIRST:
			goto array_first;
		case STATE_OBJECT_FIRST:
			goto object_first;
		case STATE_OBJECT_KEY:
			goto object_key;
		case STATE_COLON:
			goto colon;
		case STATE_NEXT:
			goto next;
		case STATE_STRING:
			goto string;
		case STATE_ATOM:
			goto atom;
		case STATE_END:
			goto text_end;
	}

object_first:
	SKIP_SPACE(STATE_OBJECT_FIRST);
	if (*p == '}')
		goto close;
	expected = FAULT_EXPECTED_OBJECT_FIRST;
	goto key;

object_key:
	SKIP_SPACE(STATE_OBJECT_KEY);
	expected = FAULT_EXPECTED_STRING;

key:
	if (depth == followed_depth)
	{
		if (likely(nkey < node->nguesses) && likely(guess_holds(&node->guesses[nkey], p, end)))
		{
			p += node->guesses[nkey].len;
			child = node->guesses[nkey].child;
			nkey++;
			goto colon;
		}
	}
	if (*p != '"')
		goto unexpected;
	role = ROLE_KEY;
	tok = p++;
	escaped = false;
	goto string;

colon:
	SKIP_SPACE(STATE_COLON);
	if (*p != ':')
	{
		expected = FAULT_EXPECTED_COLON;
		goto unexpected;
	}
	p++;
	goto value;

array_first:
	SKIP_SPACE(STATE_ARRAY_FIRST);
	if (*p == ']')
		goto close;
	if (depth == followed_depth)
		child = next_element(parser, node, nkey++);

value:
	SKIP_SPACE(STATE_VALUE);
	if (depth == followed_depth)
		value = p;
	tok = p;
	role = ROLE_VALUE;
	switch (*p)
	{
		case '"':
			p++;
			escaped = false;
			goto string;
		case '{':
		case '[':
			if (depth >= JSON_MAX_NESTING)
			{
				parser->fault = FAULT_NESTING;
				parser->fault_start = p - rec;
				parser->fault_end = p + 1 - rec;
				result = PARSE_BAD;
				goto done;
			}
			if (depth == followed_depth && child >= 0 && parser->values[child].followed)
			{
				JsonFrame  *frame = &parser->frames[parser->nframes++];

				frame->node = node;
				frame->nkey = nkey;
				frame->nelement = parser->nelement;
				frame->value = value - rec;
				forget_below(parser, child);
				node = &parser->nodes[child];
				child = -1;
				nkey = 0;
				parser->nelement = 0;
				followed_depth++;
			}
			depth++;
			in_object = (*p++ == '{');
			if (in_object)
			{
				parser->in_object[depth / 64] |= UINT64CONST(1) << (depth % 64);
				goto object_first;
			}
			parser->in_object[depth / 64] &= ~(UINT64CONST(1) << (depth % 64));
			goto array_first;
		case ']':
		case '}':
		case ',':
		case ':':
			expected = FAULT_EXPECTED_VALUE;
			goto unexpected;
		case '1':
		case '2':
		case '3':
		case '4':
		case '5':
		case '6':
		case '7':
		case '8':
		case '9':

			/* plain integers need no more than this */
			do
				p++;
			while (is_digit(*p) && p < end);
			if (likely(p < end) && atom_class(*p) == 0)
				goto value_end;
			p = tok;
			goto atom;
		case 't':
		case 'n':
			if (likely(end - p > 4) && atom_class(p[4]) == 0 &&
				(memcmp(p, "true", 4) == 0 || memcmp(p, "null", 4) == 0))
			{
				p += 4;
				goto value_end;
			}
			goto atom;
		default:
			goto atom;
	}

value_end:
	if (depth == followed_depth)
	{
		if (child >= 0)
		{
			JsonValue  *v = &parser->values[child];

			v->start = value - rec;
			v->end = p - rec;
			v->escaped = escaped && *value == '"';
			/* what an earlier value of this key had below it counts no more */
			if (unlikely(v->followed) && *value != '{' && *value != '[')
				forget_below(parser, child);
			child = -1;
			/* the root has a node always, and is the only one within none */
			if (unlikely(node == NULL))
			{
				result = PARSE_DONE;
				goto done;
			}
		}
	}

next:
	SKIP_SPACE(STATE_NEXT);
	if (in_object)
	{
		if (*p == ',')
		{
			p++;
			goto object_key;
		}
		if (*p == '}')
			goto close;
		expected = FAULT_EXPECTED_OBJECT_NEXT;
	}
	else
	{
		if (*p == ',')
		{
			p++;
			if (depth == followed_depth)
				child = next_element(parser, node, nkey++);
			goto value;
		}
		if (*p == ']')
			goto close;
		expected = FAULT_EXPECTED_ARRAY_NEXT;
	}
	goto unexpected;

close:
	p++;
	if (depth == followed_depth)
	{
		JsonFrame  *frame = &parser->frames[--parser->nframes];

		child = node - parser->nodes;
		if (child == 0)
			parser->top_count = nkey;
		node = frame->node;
		nkey = frame->nkey;
		parser->nelement = frame->nelement;
		value = rec + frame->value;
		followed_depth--;
	}
	depth--;
	in_object = (parser->in_object[depth / 64] >> (depth % 64)) & 1;
	goto value_end;

string:
	for (;;)
	{
		p = string_special(parser, p, end);
		if (unlikely(p >= end))
		{
			p = end;
			state = STATE_STRING;
			goto more;
		}
		if (likely(*p == '"'))
			break;
		if (*p != '\\')
		{
			parser->fault = FAULT_CONTROL;
			parser->fault_start = p - rec;
			parser->fault_end = p + 1 - rec;
			result = PARSE_BAD;
			goto done;
		}
		escaped = true;
		{
			const char *after = check_escape(parser, rec, p, end, eof, &result);

			if (after == NULL)
			{
				if (result == PARSE_BAD)
					goto done;
				state = STATE_STRING;
				goto more;
			}
			p = after;
		}
	}
	p++;
	if (role == ROLE_VALUE)
		goto value_end;
	if (role == ROLE_KEY)
	{
		if (depth == followed_depth)
			child = json_find_child(parser, node, tok, p, escaped, nkey++);
		goto colon;
	}
	goto report_unexpected;

	/* p is at or behind tok; the bytes between them belong to the token */
atom:
	while (p < end && atom_class(*p))
		p++;
	if (p >= end && !eof)
	{
		state = STATE_ATOM;
		goto more;
	}
	p = lex_atom(tok, end, &valid);
	if (!valid)
	{
		parser->fault = FAULT_TOKEN;
		parser->fault_start = tok - rec;
		parser->fault_end = p - rec;
		result = PARSE_BAD;
		goto done;
	}
	if (role == ROLE_VALUE)
		goto value_end;
	goto report_unexpected;

text_end:
	SKIP_SPACE(STATE_END);
	expected = FAULT_EXPECTED_END;

	/* A token is faulty in itself before it is one that was not expected. */
unexpected:
	role = ROLE_UNEXPECTED;
	tok = p;
	if (*p == '"')
	{
		p++;
		goto string;
	}
	if (*p != '{' && *p != '}' && *p != '[' && *p != ']' && *p != ',' && *p != ':')
		goto atom;
	p++;

report_unexpected:
	parser->fault = expected;
	parser->fault_start = tok - rec;
	parser->fault_end = p - rec;
	result = PARSE_BAD;
	goto done;

more:
	result = PARSE_MORE;
	if (eof && state == STATE_END)
		result = PARSE_DONE;
	else if (eof)
	{
		/* an unfinished string is a bad token, all else just ended */
		parser->fault = state == STATE_STRING ? FAULT_TOKEN : FAULT_ENDED;
		parser->fault_start = tok - rec;
		parser->fault_end = end - rec;
		result = PARSE_BAD;
	}

done:
	parser->state = state;
	parser->role = role;
	parser->expected = expected;
	parser->pos = p - rec;
	parser->tok = tok - rec;
	parser->value = value - rec;
	parser->depth = depth;
	parser->followed_depth = followed_depth;
	parser->node = node;
	parser->child = child;
	parser->nkey = nkey;
	parser->escaped = escaped;
	return result;

#undef SKIP_SPACE
}

void
json_parser_start(JsonParser *parser, JsonState state, int base)
{
	if (parser->skip_string == NULL)
	{
		parser->skip_string = skip_string_scalar;
#ifdef JSON_USE_X86
		parser->skip_string = __builtin_cpu_supports("avx2") ? skip_string_avx2 : skip_string_sse2;
#endif
	}
	parser->state = state;
	parser->role = ROLE_VALUE;
	parser->pos = parser->tok = parser->value = 0;
	parser->escaped = false;
	parser->base = parser->depth = parser->followed_depth = base;
	parser->in_object[0] = 0;
	parser->node = NULL;
	parser->child = 0;
	parser->nkey = parser->nelement = 0;
	parser->nframes = 0;
	parser->top_count = 0;
	for (int i = 0; i < parser->nnodes; i++)
		parser->values[i].end = 0;
}
