/*-------------------------------------------------------------------------
 *
 * append.h
 *		Appending to a line, inline, for the writers of formats.
 *
 * IDENTIFICATION
 *		src/format/append.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_APPEND_H
#define S3_APPEND_H

#include "lib/stringinfo.h"
#include "utils/memutils.h"

/* Room for len bytes more, and for the terminator that StringInfo has. */
static inline void
append_reserve(StringInfo out, Size len)
{
	if (likely(len < (Size) (out->maxlen - out->len)))
		return;
	if (len > MaxAllocSize)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("value of %zu bytes is too long", len));
	enlargeStringInfo(out, (int) len);
}

static inline void
append_char(StringInfo out, char c)
{
	append_reserve(out, 1);
	out->data[out->len++] = c;
	out->data[out->len] = '\0';
}

static inline void
append_bytes(StringInfo out, const char *data, Size len)
{
	append_reserve(out, len);
	memcpy(out->data + out->len, data, len);
	out->len += (int) len;
	out->data[out->len] = '\0';
}

static inline void
append_blanks(StringInfo out, Size len)
{
	append_reserve(out, len);
	memset(out->data + out->len, ' ', len);
	out->len += (int) len;
	out->data[out->len] = '\0';
}

#endif							/* S3_APPEND_H */
