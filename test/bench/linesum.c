/*-------------------------------------------------------------------------
 *
 * linesum.c
 *		What the lines of standard input add up to, in order and in any.
 *
 * Prints a hash of all bytes in their order, on a line of its own; then the
 * number of lines and two sums of hashes of the lines, which the order of the
 * lines does not change.  The hashes are FNV-1a's over 8 bytes at a time, with
 * a finalizer; they tell objects apart that differ by accident.
 *
 * IDENTIFICATION
 *		test/bench/linesum.c
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRIME UINT64_C(0x100000001b3)
#define BASIS UINT64_C(0xcbf29ce484222325)

static uint64_t
mix(uint64_t h)
{
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ (h >> 33);
}

static uint64_t
hash(uint64_t h, const char *data, size_t len)
{
	uint64_t	word;

	for (; len >= 8; data += 8, len -= 8)
	{
		memcpy(&word, data, 8);
		h = mix((h ^ word) * PRIME);
	}
	word = len;
	memcpy((char *) &word + 1, data, len);
	return mix((h ^ word) * PRIME);
}

int
main(void)
{
	char	   *line = NULL;
	size_t		size = 0;
	ssize_t		len;
	uint64_t	all = BASIS;
	uint64_t	sums[2] = {0, 0};
	uint64_t	lines = 0;

	setvbuf(stdin, NULL, _IOFBF, 1024 * 1024);
	while ((len = getline(&line, &size, stdin)) > 0)
	{
		uint64_t	h = hash(BASIS, line, (size_t) len);

		all = mix((all ^ h) * PRIME);
		sums[0] += h;
		sums[1] += mix(h ^ PRIME);
		lines++;
	}
	free(line);
	if (ferror(stdin))
	{
		perror("linesum");
		return 1;
	}
	printf("%016" PRIx64 "\n%" PRIu64 " %016" PRIx64 " %016" PRIx64 "\n",
		   all, lines, sums[0], sums[1]);
	return 0;
}
