/*-------------------------------------------------------------------------
 *
 * fuzz.h
 *		What the fuzz targets share: a server in the small, and its streams.
 *
 * server.c stands in for the parts of PostgreSQL that the files under test
 * call: memory contexts over malloc(), so that AddressSanitizer sees every
 * allocation and every leak, and errors that end a trial.
 *
 * IDENTIFICATION
 *		test/fuzz/fuzz.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_FUZZ_H
#define S3_FUZZ_H

#include "postgres.h"

#include "base/option.h"
#include "base/stream.h"
#include "format/record.h"

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- server.c ---- */

/* The error that ended the last trial. */
extern int	fuzz_sqlerrcode;
extern char fuzz_message[4096];

/*
 * Run trial(arg) in a memory context of its own, which is deleted behind it.
 * False if it ended by an error.
 */
extern bool fuzz_try(void (*trial) (void *arg), void *arg);

/* ---- stream.c ---- */

/* The options of a trial, taken from the front of its input. */
typedef struct FuzzInput
{
	const char *data;
	Size		len;
} FuzzInput;

/* A number below n, from the next byte; 0 if there is none left. */
extern int	fuzz_choose(FuzzInput *in, int n);

/* How a stream is cut into pieces; a new one for each stream. */
typedef struct FuzzCuts
{
	uint32		state;			/* pieces of sizes that look random */
	Size		max;			/* the largest one */
	char		padding;		/* the bytes behind each piece */
} FuzzCuts;

extern void fuzz_cuts(FuzzInput *in, FuzzCuts *cuts);

/*
 * A source of the bytes, each piece of which is in memory of its own that goes
 * away with the next call.  data is borrowed, cuts is copied.
 */
extern ByteSource *fuzz_source_create(const char *data, Size len, const FuzzCuts *cuts);

/* Text that grows, outside of memory contexts. */
typedef struct FuzzText
{
	char	   *data;
	Size		len;
	Size		size;
} FuzzText;

extern void fuzz_append(FuzzText *text, const char *data, Size len);
extern void fuzz_printf(FuzzText *text, const char *format,...) pg_attribute_printf(2, 3);
extern bool fuzz_text_equal(const FuzzText *a, const FuzzText *b);
extern void fuzz_text_free(FuzzText *text);

/* Show what differs, and end the process as a finding. */
extern void fuzz_fail(const char *what, const FuzzText *a, const FuzzText *b) pg_attribute_noreturn();

/* ---- records.c ---- */

/* Read data as records in several ways, which must all agree. */
extern void fuzz_records(const FormatOptions *options, const RecordColumn *columns, int ncolumns,
						 FuzzInput *in);

#endif							/* S3_FUZZ_H */
