/*-------------------------------------------------------------------------
 *
 * buffer.h
 *		Memory for the parts of uploads.
 *
 * Many uploads with buffers that grow and go would leave malloc's heap in
 * pieces, several times as large as what they use.  So each buffer is a mapping
 * of its own, which grows without being copied and is given back at once.
 *
 * IDENTIFICATION
 *		src/s3/buffer.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_BUFFER_H
#define S3_BUFFER_H

#include "postgres.h"

/* In CurrentMemoryContext; its buffers go with that. */
typedef struct S3Buffers S3Buffers;

extern S3Buffers *s3_buffers_create(void);

/* Of size bytes, zeros; aligned for everything. */
extern char *s3_buffer_alloc(S3Buffers *buffers, Size size);

/* The buffer with its content, at another place; buf is no longer one. */
extern char *s3_buffer_enlarge(S3Buffers *buffers, char *buf, Size size);
extern void s3_buffer_free(S3Buffers *buffers, char *buf);

#endif							/* S3_BUFFER_H */
