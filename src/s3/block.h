/*-------------------------------------------------------------------------
 *
 * block.h
 *		A range of an object, whole and in one piece of memory.
 *
 * For readers that must see a range before they can use any of it.  Those that
 * read from its beginning to its end take a ByteSource: see source.h.
 *
 * IDENTIFICATION
 *		src/s3/block.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_BLOCK_H
#define S3_BLOCK_H

#include "s3/object.h"
#include "s3/pool.h"

typedef struct S3Block S3Block;

/*
 * Ask for the bytes [start, start + len) of the object, len > 0, with several
 * requests at a time, each pinned to the object's entity tag.  Memory is the
 * pool's, and CurrentMemoryContext.  client and pool are borrowed.  Returns
 * NULL if the pool has no room, unless must is set.
 */
extern S3Block *s3_block_create(const S3Client *client, S3ReadPool *pool, const char *bucket,
								const S3ObjectInfo *object, int64 start, Size len, bool must);

/* Have all bytes arrived?  Never waits; a failure shows in s3_block_wait(). */
extern bool s3_block_done(const S3Block *block);

/* Wait for all bytes.  A failure is reported. */
extern void s3_block_wait(S3Block *block);

/* The same, for so many milliseconds at most; have all bytes arrived? */
extern bool s3_block_wait_for(S3Block *block, int timeout);

/* The bytes, with STREAM_PADDING behind them, once all have arrived. */
extern const char *s3_block_data(const S3Block *block);
extern Size s3_block_len(const S3Block *block);

/* The object's Content-Encoding, or NULL; once all bytes have arrived. */
extern const char *s3_block_content_encoding(const S3Block *block);

/* Also while bytes are under way.  Never waits. */
extern void s3_block_free(S3Block *block);

#endif							/* S3_BLOCK_H */
