/*-------------------------------------------------------------------------
 *
 * header.h
 *		Reading lines of an HTTP answer's header.
 *
 * For use inside libcurl's callbacks: no allocation, nothing throws, and what
 * a server sends is never trusted to be well-formed.
 *
 * IDENTIFICATION
 *		src/net/header.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_HEADER_H
#define S3_HEADER_H

#include "postgres.h"

/*
 * If the line (len bytes, not NUL-terminated) is the named header, copy its
 * value, without surrounding blanks, to dst and return true.  A value that
 * does not fit becomes "".
 */
extern bool header_take(const char *line, Size len, const char *name,
						char *dst, Size dstsize);

/*
 * A non-negative decimal number, or -1 if it is none or does not fit.  With
 * end NULL the number must be all of s; else *end points behind it.
 */
extern int64 header_number(const char *s, const char **end);

/*
 * Content-Range: bytes first-last/total (RFC 9110, 14.4); -1 for what it does
 * not say.
 */
extern void header_content_range(const char *value, int64 *first, int64 *total);

#endif							/* S3_HEADER_H */
