/*-------------------------------------------------------------------------
 *
 * stretch.h
 *		The records of a stretch of a large object, as a ByteSource.
 *
 * IDENTIFICATION
 *		src/fdw/stretch.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_STRETCH_H
#define S3_STRETCH_H

#include "base/stream.h"
#include "fdw/chunk.h"
#include "s3/block.h"

/* What the stretches of a scan have in common; all borrowed. */
typedef struct StretchScan
{
	const S3Client *client;
	S3ReadPool *pool;
	ChunkQueue *queue;
	const FormatOptions *format;
	BoundaryRule rule;

	/* called now and then while bytes are handed out, if not NULL */
	void		(*poll) (void *arg);
	void	   *poll_arg;
} StretchScan;

typedef struct Stretch Stretch;

/*
 * Does the object's beginning, len bytes of the block, show that it cannot be
 * cut?
 */
extern bool stretch_is_uncut(const FormatOptions *format, const S3Block *block, Size len);

/* Does the format let objects be read in stretches, and by what rule? */
extern bool stretch_rule(const FormatOptions *format, BoundaryRule *rule);

/*
 * Ask for the bytes of a claimed stretch, in CurrentMemoryContext; scan is
 * borrowed.  Returns NULL if there is no room for them, unless must is set.
 */
extern Stretch *stretch_create(const StretchScan *scan, const S3Chunk *chunk,
							   const char *bucket, const S3ObjectInfo *object, bool must);

/* Wait for its bytes, so many milliseconds at most; have all arrived? */
extern bool stretch_wait(Stretch *stretch, int timeout);

/* If the bytes have arrived, publish what others wait for.  Never waits. */
extern void stretch_poll(Stretch *stretch);

typedef enum StretchStatus
{
	STRETCH_OPEN,				/* its source is ready */
	STRETCH_EMPTY,				/* no record begins in it */
	STRETCH_UNCUT				/* the object must be read as a whole, by the
								 * claimer of its first stretch */
} StretchStatus;

/*
 * Wait for the bytes, publish, and wait until it is known where records begin.
 */
extern StretchStatus stretch_open(Stretch *stretch);

/* The bytes of the records that begin in it; ended by stretch_close(). */
extern ByteSource *stretch_source(Stretch *stretch);

/* Where these begin: for a record reader, in the object, in lines before. */
extern void stretch_begin(const Stretch *stretch, LineEnd *line_end, int64 *offset, uint64 *lines);

extern void stretch_close(Stretch *stretch);

#endif							/* S3_STRETCH_H */
