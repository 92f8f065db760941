/*-------------------------------------------------------------------------
 *
 * pool.h
 *		Buffers and requests that the readers of one scan share.
 *
 * IDENTIFICATION
 *		src/s3/pool.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_POOL_H
#define S3_POOL_H

#include "postgres.h"

typedef struct S3ReadPool S3ReadPool;

/* A buffer that is in use; STREAM_PADDING more bytes are behind it. */
typedef struct PoolBuffer
{
	char	   *data;			/* the pool's */
	Size		cap;
} PoolBuffer;

/*
 * A pool in CurrentMemoryContext: at most memory bytes in buffers and
 * max_requests ranged GETs at a time, of at most range_size bytes each.
 */
extern S3ReadPool *s3_read_pool_create(Size memory, int max_requests, Size range_size);

extern Size s3_pool_memory(const S3ReadPool *pool);
extern Size s3_pool_range_size(const S3ReadPool *pool);
extern int	s3_pool_max_requests(const S3ReadPool *pool);

/*
 * A buffer of at least size bytes.  False if there is no room for it or for a
 * request, unless must is set.
 */
extern bool s3_pool_get(S3ReadPool *pool, Size size, bool must, PoolBuffer *buffer);
extern void s3_pool_put(S3ReadPool *pool, PoolBuffer *buffer);

#endif							/* S3_POOL_H */
