/*-------------------------------------------------------------------------
 *
 * sample.h
 *		Whole records in the middle of an object whose beginning is not read.
 *
 * IDENTIFICATION
 *		src/fdw/sample.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_SAMPLE_H
#define S3_SAMPLE_H

#include "format/boundary.h"

/* How the records of a range are to be understood; all borrowed. */
typedef struct SampleFormat
{
	const FormatOptions *options;
	BoundaryRule rule;
	const RecordColumn *columns;
	int			ncolumns;
	const RecordStart *start;	/* of a reader that begins behind the header */
} SampleFormat;

/*
 * Find records in the range [data, data + len) of an object, which has
 * STREAM_PADDING readable bytes behind it; at_end says that the object ends
 * with it.  True: [data + *first, data + *last) are whole records.  False: the
 * bytes do not tell, or no record is whole.
 */
extern bool sample_find_records(const SampleFormat *format, const char *data, Size len,
								bool at_end, Size *first, Size *last);

/* A source of bytes in memory, which are borrowed and have padding behind them. */
extern ByteSource *sample_source_create(const char *data, Size len);

#endif							/* S3_SAMPLE_H */
