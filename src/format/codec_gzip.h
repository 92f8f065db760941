/*-------------------------------------------------------------------------
 *
 * codec_gzip.h
 *		Deflate data, by one library or another.
 *
 * Private to codec_gzip*.c.  Of what is read, codec_gzip.c knows the framing:
 * headers, checksums, lengths; what is written is framed by the library.  Which
 * library it is is chosen when the extension is built: in codec_gzip_isal.c
 * Intel's ISA-L where that is there (about three times as fast), else zlib, in
 * codec_gzip.c.
 *
 * IDENTIFICATION
 *		src/format/codec_gzip.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_CODEC_GZIP_H
#define S3_CODEC_GZIP_H

#include "postgres.h"

typedef struct Inflater Inflater;

typedef enum InflateStatus
{
	INFLATE_OK,					/* go on, with more input or more room */
	INFLATE_END,				/* the last block has been put out in full */
	INFLATE_CORRUPT,
	INFLATE_OUT_OF_MEMORY
} InflateStatus;

/* The most bytes that an inflater may have taken too many. */
#define INFLATER_MAX_UNREAD 8

/* The library, as messages call it. */
extern const char *inflater_library(void);

/* Allocated with malloc(), or NULL. */
extern Inflater *inflater_create(void);
extern void inflater_free(Inflater *self);

/* Get ready for the first byte of deflate data. */
extern void inflater_reset(Inflater *self);

/*
 * Inflate from *in to *out, both moved on.  If INFLATE_CORRUPT, *reason may say
 * why.
 */
extern InflateStatus inflater_run(Inflater *self, const char **in, const char *in_end,
								  char **out, char *out_end, const char **reason);

/*
 * After INFLATE_END: copy the bytes behind the deflate data that have been taken
 * from input nevertheless, and return how many.
 */
extern int	inflater_unread(Inflater *self, char *bytes);

/* Add to a CRC-32, which begins as 0. */
extern uint32 inflater_crc32(uint32 crc, const char *data, Size len);

typedef struct Deflater Deflater;

/* For one gzip member.  Allocated with malloc(), or NULL. */
extern Deflater *deflater_create(void);
extern void deflater_free(Deflater *self);

/* What it takes, in bytes, for Codec.sink_memory. */
#define DEFLATER_MEMORY (512 * 1024)

/*
 * Deflate from *in to *out, both moved on.  With finish, which comes without
 * input, *ended tells whether the member is complete.  False if the library
 * reports a failure.
 */
extern bool deflater_run(Deflater *self, const char **in, const char *in_end,
						 char **out, char *out_end, bool finish, bool *ended);

#endif							/* S3_CODEC_GZIP_H */
