/*-------------------------------------------------------------------------
 *
 * text.h
 *		Strings that may be absent.
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

#endif							/* S3_BASE_TEXT_H */
