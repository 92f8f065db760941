/*-------------------------------------------------------------------------
 *
 * stream.h
 *		The narrow interface at which everything that moves bytes meets.
 *
 * A ByteSource is pulled, a ByteSink is pushed.  Formats and codecs know only
 * these two; they never learn whether the bytes come from S3, a codec or a
 * test.  S3 sources and uploads implement them; codecs wrap one in another.
 *
 * Embed the base struct as the first member of an implementation.
 *
 * IDENTIFICATION
 *		src/base/stream.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_STREAM_H
#define S3_STREAM_H

#include "postgres.h"

/*
 * Readable bytes behind every piece that a ByteSource returns.  Their content
 * is undefined; they let a block-wise scanner load a whole vector at the end
 * of a piece.
 */
#define STREAM_PADDING 64

typedef struct ByteSource ByteSource;
typedef struct ByteSink ByteSink;

typedef struct ByteSourceOps
{
	/*
	 * Get the next piece, of at least one byte; false at the end.  The bytes
	 * are borrowed until the next call on the same source or its close.
	 * Reports its own errors.
	 */
	bool		(*next) (ByteSource *self, const char **data, Size *len);

	/* Let go of local resources.  Never waits, never throws. */
	void		(*close) (ByteSource *self);
} ByteSourceOps;

struct ByteSource
{
	const ByteSourceOps *ops;
};

typedef struct ByteSinkOps
{
	/* Take len bytes; they are the caller's again on return. */
	void		(*write) (ByteSink *self, const char *data, Size len);

	/* No more bytes will come: hand everything to the sink below. */
	void		(*finish) (ByteSink *self);

	/* Let go of local resources; safe after an error, and after finish. */
	void		(*close) (ByteSink *self);
} ByteSinkOps;

struct ByteSink
{
	const ByteSinkOps *ops;
};

static inline bool
byte_source_next(ByteSource *source, const char **data, Size *len)
{
	return source->ops->next(source, data, len);
}

static inline void
byte_source_close(ByteSource *source)
{
	source->ops->close(source);
}

static inline void
byte_sink_write(ByteSink *sink, const char *data, Size len)
{
	sink->ops->write(sink, data, len);
}

static inline void
byte_sink_finish(ByteSink *sink)
{
	sink->ops->finish(sink);
}

static inline void
byte_sink_close(ByteSink *sink)
{
	sink->ops->close(sink);
}

#endif							/* S3_STREAM_H */
