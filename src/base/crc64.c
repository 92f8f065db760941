/*-------------------------------------------------------------------------
 *
 * crc64.c
 *		The checksum CRC-64/NVME.
 *
 * Bits are reflected: the lowest bit of a word is the coefficient of the
 * highest power of x, here as in the data.  Eight bytes are taken at a time,
 * by a table for each of them.
 *
 * Source: NVM Express NVM Command Set Specification, 64b CRC Guard.
 *
 * IDENTIFICATION
 *		src/base/crc64.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/crc64.h"
#include "port/pg_bswap.h"

#define POLYNOMIAL UINT64CONST(0x9A6C9329AC4BC9B5)

/* x to the power of 0 */
#define ONE (UINT64CONST(1) << 63)

struct Crc64
{
	uint64		table[8][256];	/* [n]: a byte with n bytes behind it */
};

/* Times x. */
static inline uint64
shift(uint64 value)
{
	return (value >> 1) ^ ((value & 1) ? POLYNOMIAL : 0);
}

Crc64 *
crc64_create(void)
{
	Crc64	   *tables = palloc(sizeof(Crc64));

	for (int byte = 0; byte < 256; byte++)
	{
		uint64		value = byte;

		for (int bit = 0; bit < 8; bit++)
			value = shift(value);
		tables->table[0][byte] = value;
	}
	for (int n = 1; n < 8; n++)
	{
		for (int byte = 0; byte < 256; byte++)
		{
			uint64		value = tables->table[n - 1][byte];

			tables->table[n][byte] = (value >> 8) ^ tables->table[0][value & 0xff];
		}
	}
	return tables;
}

uint64
crc64_add(const Crc64 *tables, uint64 crc, const void *data, Size len)
{
	const unsigned char *p = data;

	crc = ~crc;
	for (; len >= sizeof(uint64); len -= sizeof(uint64), p += sizeof(uint64))
	{
		uint64		word;

		memcpy(&word, p, sizeof(word));
#ifdef WORDS_BIGENDIAN
		word = pg_bswap64(word);
#endif
		word ^= crc;
		crc = tables->table[7][word & 0xff] ^
			tables->table[6][(word >> 8) & 0xff] ^
			tables->table[5][(word >> 16) & 0xff] ^
			tables->table[4][(word >> 24) & 0xff] ^
			tables->table[3][(word >> 32) & 0xff] ^
			tables->table[2][(word >> 40) & 0xff] ^
			tables->table[1][(word >> 48) & 0xff] ^
			tables->table[0][word >> 56];
	}
	for (; len > 0; len--)
		crc = (crc >> 8) ^ tables->table[0][(crc ^ *p++) & 0xff];
	return ~crc;
}

/* The product of two polynomials. */
static uint64
multiply(uint64 a, uint64 b)
{
	uint64		product = 0;

	for (uint64 bit = ONE; bit != 0; bit >>= 1)
	{
		if (a & bit)
			product ^= b;
		b = shift(b);
	}
	return product;
}

/*
 * The second checksum is as if the first bytes were none.  What those add is
 * theirs times x to the power of the bits behind them: the complements at the
 * beginning and the end cancel out.
 */
uint64
crc64_combine(uint64 first, uint64 second, uint64 len)
{
	uint64		power = ONE >> 8;	/* x^8: a byte */

	for (; len > 0; len >>= 1)
	{
		if (len & 1)
			first = multiply(first, power);
		power = multiply(power, power);
	}
	return first ^ second;
}
