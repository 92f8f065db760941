/*-------------------------------------------------------------------------
 *
 * hex.h
 *		Hexadecimal digits.
 *
 * IDENTIFICATION
 *		src/base/hex.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_HEX_H
#define S3_HEX_H

#include "postgres.h"

/* Value of a hexadecimal digit, or -1. */
static inline int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

#endif							/* S3_HEX_H */
