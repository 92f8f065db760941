/*-------------------------------------------------------------------------
 *
 * head.h
 *		Byte sources for looking at the beginning of a stream.
 *
 * IDENTIFICATION
 *		src/schema/head.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_HEAD_H
#define S3_HEAD_H

#include "base/stream.h"

typedef struct HeadSource HeadSource;

/*
 * A source that first reads at least size bytes of another, or all of it, and
 * then yields the same bytes as that one.  below is borrowed.  Memory from
 * CurrentMemoryContext.
 */
extern HeadSource *head_source_create(ByteSource *below, Size size);

/* What was read; valid until the first byte is taken. */
extern const char *head_source_bytes(const HeadSource *head, Size *len, bool *complete);
extern ByteSource *head_source_stream(HeadSource *head);

/* The bytes at data, copied, as a source. */
extern ByteSource *bytes_source_create(const char *data, Size len);

#endif							/* S3_HEAD_H */
