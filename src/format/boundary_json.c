/*-------------------------------------------------------------------------
 *
 * boundary_json.c
 *		Where records begin in the middle of an object of JSON.
 *
 * A record is what stands between an opening brace or bracket and the one that
 * closes it.  The mode has two bits: whether the next byte is in a string, and
 * whether a backslash is before it.
 *
 * A stretch is looked at once for all modes; see boundary.c.  Of the braces and
 * brackets, those inside strings for one who begins outside are outside for one
 * who begins inside.
 *
 * IDENTIFICATION
 *		src/format/boundary_json.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/boundary_block.h"

/* bits of the mode of JSON */
#define JSON_IN_STRING	1
#define JSON_ESCAPED	2
#define JSON_MODES		4

typedef struct JsonMasks
{
	uint64		quote[SCAN_WINDOW];
	uint64		backslash[SCAN_WINDOW];
	uint64		open[SCAN_WINDOW];	/* { and [ */
	uint64		close[SCAN_WINDOW]; /* } and ] */
	uint64		crs;			/* in the window */
	uint64		lfs;
} JsonMasks;

/*
 * Brackets and braces differ in one bit, which FOLD sets.  All of the bytes
 * must be in whole blocks.
 */
#define JSON_SCAN_BODY(EQUAL, FOLD, POPCOUNT) \
	do { \
		masks->crs = masks->lfs = 0; \
		for (int b = 0; b < nblocks; b++) \
		{ \
			masks->quote[b] = EQUAL(quote_needle); \
			masks->backslash[b] = EQUAL(backslash_needle); \
			masks->open[b] = FOLD(open_needle); \
			masks->close[b] = FOLD(close_needle); \
			masks->crs += POPCOUNT(EQUAL(cr_needle)); \
			masks->lfs += POPCOUNT(EQUAL(lf_needle)); \
			text += SCAN_BLOCK; \
		} \
	} while (0)

#if SCAN_X86

SCAN_TARGET_AVX2 static inline uint64
equal_folded_avx2(const char *text, __m256i needle)
{
	__m256i		bit = _mm256_set1_epi8(0x20);
	__m256i		low = _mm256_or_si256(_mm256_loadu_si256((const __m256i *) text), bit);
	__m256i		high = _mm256_or_si256(_mm256_loadu_si256((const __m256i *) (text + 32)), bit);

	return (uint64) (uint32) _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, needle)) |
		(uint64) (uint32) _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, needle)) << 32;
}

SCAN_TARGET_AVX2 static void
json_scan_avx2(const char *text, int nblocks, JsonMasks *masks)
{
	__m256i		quote_needle = _mm256_set1_epi8('"');
	__m256i		backslash_needle = _mm256_set1_epi8('\\');
	__m256i		open_needle = _mm256_set1_epi8('{');
	__m256i		close_needle = _mm256_set1_epi8('}');
	__m256i		cr_needle = _mm256_set1_epi8('\r');
	__m256i		lf_needle = _mm256_set1_epi8('\n');

#define JSON_EQUAL(needle) scan_equal_avx2(text, needle)
#define JSON_FOLD(needle) equal_folded_avx2(text, needle)
	JSON_SCAN_BODY(JSON_EQUAL, JSON_FOLD, __builtin_popcountll);
#undef JSON_EQUAL
#undef JSON_FOLD
}

#endif							/* SCAN_X86 */

static void
json_scan_portable(const char *text, int nblocks, JsonMasks *masks)
{
	const char	quote_needle = '"';
	const char	backslash_needle = '\\';
	const char	open_needle = '{';
	const char	close_needle = '}';
	const char	cr_needle = '\r';
	const char	lf_needle = '\n';

#define JSON_EQUAL(needle) scan_equal(text, needle)
#define JSON_FOLD(needle) (scan_equal(text, needle) | scan_equal(text, (needle) & ~0x20))
	JSON_SCAN_BODY(JSON_EQUAL, JSON_FOLD, scan_popcount);
#undef JSON_EQUAL
#undef JSON_FOLD
}

static inline bool
is_open(char c)
{
	return c == '{' || c == '[';
}

static inline bool
is_close(char c)
{
	return c == '}' || c == ']';
}

/* One byte. */
static inline void
json_step(char c, uint8 *mode, int64 *depth)
{
	bool		escaped = (*mode & JSON_ESCAPED) != 0;

	*mode &= JSON_IN_STRING;
	if (c == '"' && !escaped)
		*mode ^= JSON_IN_STRING;
	else if (c == '\\' && !escaped)
		*mode |= JSON_ESCAPED;
	else if (!(*mode & JSON_IN_STRING))
		*depth += is_open(c) - is_close(c);
}

/* Where one who goes over blocks is. */
typedef struct JsonScan
{
	uint64		inside;			/* all ones if the next byte is in a string */
	uint64		carry;			/* 1 if it is escaped */
	int64		depth;			/* outside of strings */
	int64		all_depth;		/* if strings did not matter */
} JsonScan;

/*
 * Go over the blocks of a window of n bytes, from block number b on.  If
 * stop_at_end, stop before a block in which the depth may come down to 0.
 * Returns the number of the next block.
 */
static pg_attribute_always_inline int
json_blocks(JsonScan *s, const JsonMasks *masks, Size n, int b, bool stop_at_end,
			const bool popcnt)
{
	for (; (Size) b * SCAN_BLOCK < n; b++)
	{
		uint64		open = masks->open[b];
		uint64		close = masks->close[b];
		uint64		carry = s->carry;
		uint64		escaped = escaped_bytes(masks->backslash[b], &carry);
		uint64		quotes = masks->quote[b] & ~escaped;
		uint64		inside;
		int			nclose;

#if SCAN_X86
		if (popcnt)
			inside = scan_prefix_xor_avx2(quotes);
		else
#endif
			inside = scan_prefix_xor(quotes);
		inside ^= s->inside;
		nclose = SCAN_POPCOUNT(popcnt, close & ~inside);
		if (stop_at_end && nclose > 0 && s->depth <= nclose)
			break;
		s->depth += SCAN_POPCOUNT(popcnt, open & ~inside) - nclose;
		s->all_depth += SCAN_POPCOUNT(popcnt, open) - SCAN_POPCOUNT(popcnt, close);
		s->inside = UINT64CONST(0) - (inside >> 63);
		s->carry = n - b * SCAN_BLOCK < SCAN_BLOCK ? escaped >> (n % SCAN_BLOCK) & 1 : carry;
	}
	return b;
}

typedef struct JsonScanOps
{
	void		(*scan) (const char *text, int nblocks, JsonMasks *masks);
	int			(*blocks) (JsonScan *s, const JsonMasks *masks, Size n, int b, bool stop_at_end);
} JsonScanOps;

static int
json_blocks_portable(JsonScan *s, const JsonMasks *masks, Size n, int b, bool stop_at_end)
{
	return json_blocks(s, masks, n, b, stop_at_end, false);
}

static const JsonScanOps json_scan_ops_portable = {
	.scan = json_scan_portable,
	.blocks = json_blocks_portable
};

#if SCAN_X86
SCAN_TARGET_AVX2 static int
json_blocks_avx2(JsonScan *s, const JsonMasks *masks, Size n, int b, bool stop_at_end)
{
	return json_blocks(s, masks, n, b, stop_at_end, true);
}

static const JsonScanOps json_scan_ops_avx2 = {
	.scan = json_scan_avx2,
	.blocks = json_blocks_avx2
};
#endif

static const JsonScanOps *
json_scan_choose(void)
{
#if SCAN_X86
	if (scan_have_avx2())
		return &json_scan_ops_avx2;
#endif
	return &json_scan_ops_portable;
}

void
boundary_summarize_json(const char *data, Size len, BoundarySummary *summary)
{
	const JsonScanOps *ops = json_scan_choose();
	JsonScan	s = {0};
	JsonMasks	masks;
	char		tail[SCAN_BLOCK];
	Size		pos = 0;
	Size		n;

	/* the bytes up to which it matters whether the first one is escaped */
	while (pos < len && data[pos] == '\\')
		pos++;
	if (pos < len)
		pos++;
	for (int mode = 0; mode < JSON_MODES; mode++)
	{
		for (Size i = 0; i < pos; i++)
			json_step(data[i], &summary->end_mode[mode], &summary->depth[mode]);
	}
	if (pos > 0)
	{
		summary->lfs = data[pos - 1] == '\n';
		summary->crs = data[pos - 1] == '\r';
	}
	if (pos == len)
		return;

	for (; pos < len; pos += n)
	{
		const char *text = next_blocks(data, pos, len, SCAN_WINDOW, tail, &n);

		ops->scan(text, (n + SCAN_BLOCK - 1) / SCAN_BLOCK, &masks);
		ops->blocks(&s, &masks, n, 0, false);
		summary->lfs += masks.lfs;
		summary->crs += masks.crs;
	}
	for (int mode = 0; mode < JSON_MODES; mode++)
	{
		bool		begins_inside = (summary->end_mode[mode] & JSON_IN_STRING) != 0;
		bool		ends_inside = begins_inside != (s.inside != 0);

		/* what is outside for one who begins inside is inside for the other */
		summary->depth[mode] += begins_inside ? s.all_depth - s.depth : s.depth;
		summary->end_mode[mode] = (ends_inside ? JSON_IN_STRING : 0) |
			(s.carry ? JSON_ESCAPED : 0);
	}
}

/*
 * A record ends behind whatever closing byte brings the depth to 0 or, in
 * malformed text, below.  Wherever malformed text is cut, not all of its parts
 * are sequences of well-formed values, for then it would be one itself.
 */
bool
boundary_next_json(BoundaryState *state, const char *data, Size len, Size *end)
{
	const JsonScanOps *ops = json_scan_choose();
	JsonScan	s = {0};
	JsonMasks	masks;
	char		tail[SCAN_BLOCK];
	Size		n;
	int			max_blocks = 4; /* most records are short */

	s.inside = state->mode & JSON_IN_STRING ? ~UINT64CONST(0) : 0;
	s.carry = state->mode & JSON_ESCAPED ? 1 : 0;
	s.depth = state->depth;
	for (Size pos = 0; pos < len; pos += n)
	{
		const char *text = next_blocks(data, pos, len, max_blocks, tail, &n);
		int			b = 0;

		ops->scan(text, (n + SCAN_BLOCK - 1) / SCAN_BLOCK, &masks);
		while (b = ops->blocks(&s, &masks, n, b, true), (Size) b * SCAN_BLOCK < n)
		{
			Size		block_end = Min((Size) (b + 1) * SCAN_BLOCK, n);
			uint8		mode = (s.inside ? JSON_IN_STRING : 0) | (s.carry ? JSON_ESCAPED : 0);

			for (Size i = b * SCAN_BLOCK; i < block_end; i++)
			{
				int64		before = s.depth;

				json_step(text[i], &mode, &s.depth);
				if (s.depth < before && s.depth <= 0)
				{
					state->mode = mode;
					state->depth = s.depth;
					*end = pos + i + 1;
					return true;
				}
			}
			s.inside = mode & JSON_IN_STRING ? ~UINT64CONST(0) : 0;
			s.carry = mode & JSON_ESCAPED ? 1 : 0;
			b++;
		}
		max_blocks = SCAN_WINDOW;
	}
	state->mode = (s.inside ? JSON_IN_STRING : 0) | (s.carry ? JSON_ESCAPED : 0);
	state->depth = s.depth;
	return false;
}
