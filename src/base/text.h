/*-------------------------------------------------------------------------
 *
 * text.h
 *		Strings that may be absent, and names that are compared.
 *
 * IDENTIFICATION
 *		src/base/text.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_BASE_TEXT_H
#define S3_BASE_TEXT_H

#include "postgres.h"

/* A copy in CurrentMemoryContext; NULL of NULL. */
static inline char *
copy_string(const char *s)
{
	return s ? pstrdup(s) : NULL;
}

/*
 * The order of two names by bytes; with ignore_case, letters of ASCII are the
 * same in both cases.
 */
static inline int
compare_names(const char *a, Size a_len, const char *b, Size b_len, bool ignore_case)
{
	for (Size i = 0; i < Min(a_len, b_len); i++)
	{
		unsigned char c = a[i];
		unsigned char d = b[i];

		if (ignore_case)
		{
			c = pg_ascii_tolower(c);
			d = pg_ascii_tolower(d);
		}
		if (c != d)
			return c < d ? -1 : 1;
	}
	return a_len == b_len ? 0 : a_len < b_len ? -1 : 1;
}

#endif							/* S3_BASE_TEXT_H */
