/*-------------------------------------------------------------------------
 *
 * text.h
 *		Text records in, exactly as COPY ... FROM (FORMAT text).
 *
 * IDENTIFICATION
 *		src/format/text.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_TEXT_H
#define S3_TEXT_H

#include "format/record.h"

/* See record_reader_create(). */
extern RecordReader *text_reader_create(ByteSource *source, const FormatOptions *options,
										const RecordColumn *columns, int ncolumns,
										const RecordStart *start);

#endif							/* S3_TEXT_H */
