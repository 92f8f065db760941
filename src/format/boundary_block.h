/*-------------------------------------------------------------------------
 *
 * boundary_block.h
 *		What the parts of boundary.c share: blocks of bytes as bit masks.
 *
 * Private to boundary*.c.
 *
 * IDENTIFICATION
 *		src/format/boundary_block.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_BOUNDARY_BLOCK_H
#define S3_BOUNDARY_BLOCK_H

#include "format/boundary.h"
#include "format/scan.h"

/*
 * The next block or blocks to be classified at data[pos], at most max of them.
 * Those at the end may be shorter than a block and not be followed by bytes
 * that may be read, so they are copied to tail, which has SCAN_BLOCK bytes.
 */
static inline const char *
next_blocks(const char *data, Size pos, Size end, int max, char *tail, Size *n)
{
	*n = Min(end - pos, (Size) max * SCAN_BLOCK);
	if (*n >= SCAN_BLOCK)
	{
		*n -= *n % SCAN_BLOCK;
		return data + pos;
	}
	memcpy(tail, data + pos, *n);
	memset(tail + *n, 0, SCAN_BLOCK - *n);
	return tail;
}

/*
 * Of a block's backslashes, which bytes do they escape?  *carry is 1 if the
 * block's first byte is escaped, and is then set for the next block.
 */
static inline uint64
escaped_bytes(uint64 backslashes, uint64 *carry)
{
	uint64		escaped = *carry;

	backslashes &= ~*carry;
	*carry = 0;
	while (backslashes != 0)
	{
		uint64		active = backslashes & (UINT64CONST(0) - backslashes);

		escaped |= active << 1;
		*carry = active >> 63;
		backslashes &= ~(active | active << 1);
	}
	return escaped;
}

/* boundary_summarize() and boundary_next() of BOUNDARY_JSON. */
extern void boundary_summarize_json(const char *data, Size len, BoundarySummary *summary);
extern bool boundary_next_json(BoundaryState *state, const char *data, Size len, Size *end);

#endif							/* S3_BOUNDARY_BLOCK_H */
