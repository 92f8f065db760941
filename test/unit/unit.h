/*-------------------------------------------------------------------------
 *
 * unit.h
 *		What the unit test functions share.
 *
 * IDENTIFICATION
 *		test/unit/unit.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_UNIT_H
#define S3_UNIT_H

#include "base/stream.h"

/*
 * A ByteSource over len bytes that hands out pieces of at most piece bytes,
 * each in memory of its own that ends STREAM_PADDING bytes behind it (filled
 * with 0xff), and made unreadable garbage when the next piece is asked for, so
 * that a reader that keeps borrowed bytes is found out.
 */
extern ByteSource *unit_source_create(const char *data, Size len, Size piece);

#endif							/* S3_UNIT_H */
