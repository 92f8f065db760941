/*-------------------------------------------------------------------------
 *
 * scan.h
 *		Find the special bytes of CSV text, 64 at a time, as bit masks.
 *
 * A block is 64 bytes; bit i of a mask stands for byte i of its block.  A scan
 * function classifies up to SCAN_WINDOW blocks in one call, so that the choice
 * of instruction set costs one indirect call per window.  It knows bytes only:
 * what is inside quotes, and which line ends count, is the reader's matter.
 *
 * Scan functions load whole blocks, also behind the end of the text (see
 * STREAM_PADDING), and ignore what they find there.
 *
 * IDENTIFICATION
 *		src/format/scan.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_SCAN_H
#define S3_SCAN_H

#include "postgres.h"

#include "base/stream.h"
#include "port/pg_bitutils.h"
#include "port/pg_bswap.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define SCAN_X86 1
#include <immintrin.h>
#else
#define SCAN_X86 0
#endif

#define SCAN_BLOCK 64
#define SCAN_WINDOW 64			/* blocks */

StaticAssertDecl(STREAM_PADDING >= SCAN_BLOCK, "a block may be loaded behind the end");

/* What was found in one window; entries behind its last block are undefined. */
typedef struct ScanMasks
{
	uint64		delimiter[SCAN_WINDOW];
	uint64		quote[SCAN_WINDOW];
	uint64		parity[SCAN_WINDOW];	/* set where the number of quotes in
										 * the block up to here is odd */
	uint64		cr[SCAN_WINDOW];
	uint64		lf[SCAN_WINDOW];
	uint64		crs;			/* carriage returns in the window */
	uint64		lfs;			/* newlines in the window */
} ScanMasks;

typedef void (*ScanFunction) (const char *text, Size len, char delimiter,
							  char quote, ScanMasks *masks);

/* Bit i of the result is the parity of bits 0 to i. */
static inline uint64
scan_prefix_xor(uint64 bits)
{
	bits ^= bits << 1;
	bits ^= bits << 2;
	bits ^= bits << 4;
	bits ^= bits << 8;
	bits ^= bits << 16;
	bits ^= bits << 32;
	return bits;
}

static inline int
scan_popcount(uint64 bits)
{
	bits -= (bits >> 1) & UINT64CONST(0x5555555555555555);
	bits = (bits & UINT64CONST(0x3333333333333333)) +
		((bits >> 2) & UINT64CONST(0x3333333333333333));
	bits = (bits + (bits >> 4)) & UINT64CONST(0x0f0f0f0f0f0f0f0f);
	return (int) ((bits * UINT64CONST(0x0101010101010101)) >> 56);
}

/* popcnt must be constant, and true only where the instruction may be used. */
#if SCAN_X86
#define SCAN_POPCOUNT(popcnt, bits) \
	((popcnt) ? __builtin_popcountll(bits) : scan_popcount(bits))
#else
#define SCAN_POPCOUNT(popcnt, bits) scan_popcount(bits)
#endif

/* How often c occurs in text. */
static inline uint64
scan_count(const char *text, Size len, char c)
{
	uint64		n = 0;
	Size		i = 0;

#ifdef __SSE2__
	const __m128i needle = _mm_set1_epi8(c);
	const __m128i zero = _mm_setzero_si128();

	/*
	 * Equal bytes give -1, which each byte of the sum takes away; before one
	 * of them can overflow, all are added up.  (Counting bits is slower where
	 * the processor's own instruction cannot be taken for granted.)
	 */
	while (len - i >= 16)
	{
		Size		stop = i + Min((len - i) / 16, 255) * 16;
		__m128i		sum = zero;
		uint64		halves[2];

		for (; i < stop; i += 16)
			sum = _mm_sub_epi8(sum, _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *) (text + i)), needle));
		_mm_storeu_si128((__m128i *) halves, _mm_sad_epu8(sum, zero));
		n += halves[0] + halves[1];
	}
#endif
	for (; i < len; i++)
		n += text[i] == c;
	return n;
}

/*
 * How many of the first bytes of text are ASCII and no NUL, in whole blocks; 0
 * where there is no fast way to tell.
 */
static inline Size
scan_ascii(const char *text, Size len)
{
	Size		i = 0;

#ifdef __SSE2__
	for (; i + SCAN_BLOCK <= len; i += SCAN_BLOCK)
	{
		const __m128i *block = (const __m128i *) (text + i);
		__m128i		a = _mm_loadu_si128(block);
		__m128i		b = _mm_loadu_si128(block + 1);
		__m128i		c = _mm_loadu_si128(block + 2);
		__m128i		d = _mm_loadu_si128(block + 3);
		__m128i		high = _mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d));
		__m128i		least = _mm_min_epu8(_mm_min_epu8(a, b), _mm_min_epu8(c, d));

		if (_mm_movemask_epi8(_mm_or_si128(high, _mm_cmpeq_epi8(least, _mm_setzero_si128()))) != 0)
			break;
	}
#endif
	return i;
}

/* The bytes of a block that equal c, eight at a time. */
static inline uint64
scan_equal(const char *block, char c)
{
	const uint64 low = UINT64CONST(0x7f7f7f7f7f7f7f7f);
	uint64		splat = (unsigned char) c * UINT64CONST(0x0101010101010101);
	uint64		mask = 0;

	for (int i = 0; i < SCAN_BLOCK / 8; i++)
	{
		uint64		word;

		memcpy(&word, block + i * 8, 8);
#ifdef WORDS_BIGENDIAN
		word = pg_bswap64(word);
#endif
		word ^= splat;

		/* the top bit of each byte that is zero, then these bits together */
		word = ~(((word & low) + low) | word | low);
		word = ((word >> 7) * UINT64CONST(0x0102040810204080)) >> 56;
		mask |= word << (i * 8);
	}
	return mask;
}

/*
 * The body of a scan function, the same for all instruction sets.  EQUAL gives
 * the mask of the bytes at text that equal one of the four needles.
 */
#define SCAN_BODY(EQUAL, PREFIX_XOR, POPCOUNT) \
	do { \
		uint64		crs = 0; \
		uint64		lfs = 0; \
		for (int b = 0; len > 0; b++) \
		{ \
			uint64		valid = len >= SCAN_BLOCK ? ~UINT64CONST(0) : \
				(UINT64CONST(1) << len) - 1; \
			uint64		quotes = EQUAL(quote_needle) & valid; \
			uint64		cr = EQUAL(cr_needle) & valid; \
			uint64		lf = EQUAL(lf_needle) & valid; \
			masks->delimiter[b] = EQUAL(delimiter_needle) & valid; \
			masks->quote[b] = quotes; \
			masks->parity[b] = PREFIX_XOR(quotes); \
			masks->cr[b] = cr; \
			masks->lf[b] = lf; \
			crs += POPCOUNT(cr); \
			lfs += POPCOUNT(lf); \
			text += SCAN_BLOCK; \
			len -= Min(len, SCAN_BLOCK); \
		} \
		masks->crs = crs; \
		masks->lfs = lfs; \
	} while (0)

/* For processors without a better one. */
static inline void
scan_portable(const char *text, Size len, char delimiter, char quote, ScanMasks *masks)
{
	char		delimiter_needle = delimiter;
	char		quote_needle = quote;
	char		cr_needle = '\r';
	char		lf_needle = '\n';

#define SCAN_EQUAL(needle) scan_equal(text, needle)
	SCAN_BODY(SCAN_EQUAL, scan_prefix_xor, scan_popcount);
#undef SCAN_EQUAL
}

#if SCAN_X86

#define SCAN_TARGET_AVX2 __attribute__((target("avx2,pclmul,popcnt,bmi")))

static inline bool
scan_have_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
		__builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi");
}

SCAN_TARGET_AVX2 static inline uint64
scan_equal_avx2(const char *text, __m256i needle)
{
	__m256i		low = _mm256_loadu_si256((const __m256i *) text);
	__m256i		high = _mm256_loadu_si256((const __m256i *) (text + 32));

	return (uint64) (uint32) _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, needle)) |
		(uint64) (uint32) _mm256_movemask_epi8(_mm256_cmpeq_epi8(high, needle)) << 32;
}

/* A carry-less product with all ones is the prefix xor. */
SCAN_TARGET_AVX2 static inline uint64
scan_prefix_xor_avx2(uint64 bits)
{
	return (uint64) _mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_set_epi64x(0, (int64) bits),
														   _mm_set1_epi8((char) 0xff), 0));
}

SCAN_TARGET_AVX2 static inline void
scan_avx2(const char *text, Size len, char delimiter, char quote, ScanMasks *masks)
{
	__m256i		delimiter_needle = _mm256_set1_epi8(delimiter);
	__m256i		quote_needle = _mm256_set1_epi8(quote);
	__m256i		cr_needle = _mm256_set1_epi8('\r');
	__m256i		lf_needle = _mm256_set1_epi8('\n');

#define SCAN_EQUAL(needle) scan_equal_avx2(text, needle)
	SCAN_BODY(SCAN_EQUAL, scan_prefix_xor_avx2, __builtin_popcountll);
#undef SCAN_EQUAL
}

static inline uint64
scan_equal_sse2(const char *text, __m128i needle)
{
	uint64		mask = 0;

	for (int i = 0; i < SCAN_BLOCK / 16; i++)
	{
		__m128i		part = _mm_loadu_si128((const __m128i *) (text + i * 16));

		mask |= (uint64) (uint32) _mm_movemask_epi8(_mm_cmpeq_epi8(part, needle)) << (i * 16);
	}
	return mask;
}

static inline void
scan_sse2(const char *text, Size len, char delimiter, char quote, ScanMasks *masks)
{
	__m128i		delimiter_needle = _mm_set1_epi8(delimiter);
	__m128i		quote_needle = _mm_set1_epi8(quote);
	__m128i		cr_needle = _mm_set1_epi8('\r');
	__m128i		lf_needle = _mm_set1_epi8('\n');

#define SCAN_EQUAL(needle) scan_equal_sse2(text, needle)
	SCAN_BODY(SCAN_EQUAL, scan_prefix_xor, scan_popcount);
#undef SCAN_EQUAL
}

static inline ScanFunction
scan_choose(void)
{
	return scan_have_avx2() ? scan_avx2 : scan_sse2;
}

#else

static inline ScanFunction
scan_choose(void)
{
	return scan_portable;
}

#endif							/* SCAN_X86 */

/*
 * If escape is not quote, not every quote begins or ends a quoted section.
 * Keep only those that do in the masks of a window, so that the rest of the
 * reader sees no difference.  The state is that before the window (outside
 * quotes, an escape is never in force), and is updated.
 */
static inline void
scan_drop_escaped(const char *text, Size len, char escape, ScanMasks *masks,
				  bool *in_quotes, bool *escaped)
{
	for (int b = 0; len > 0; b++)
	{
		int			n = Min(len, SCAN_BLOCK);
		uint64		quotes = masks->quote[b];

		if (quotes != 0 || *in_quotes)
		{
			uint64		escapes = scan_equal(text, escape);
			uint64		kept = 0;
			int			escaped_pos = *escaped ? 0 : -1;

			if (n < SCAN_BLOCK)
				escapes &= (UINT64CONST(1) << n) - 1;
			for (uint64 rest = quotes | escapes; rest != 0; rest &= rest - 1)
			{
				int			pos = pg_rightmost_one_pos64(rest);
				uint64		bit = UINT64CONST(1) << pos;

				if (escapes & bit)
				{
					if (*in_quotes)
						escaped_pos = pos == escaped_pos ? -1 : pos + 1;
				}
				else if (pos != escaped_pos)
				{
					kept |= bit;
					*in_quotes = !*in_quotes;
				}
			}
			*escaped = escaped_pos == n;
			masks->quote[b] = kept;
			masks->parity[b] = scan_prefix_xor(kept);
		}
		text += n;
		len -= n;
	}
}

#endif							/* S3_SCAN_H */
