/*-------------------------------------------------------------------------
 *
 * fixed.h
 *		Records of columns of fixed width.
 *
 * IDENTIFICATION
 *		src/format/fixed.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_FIXED_H
#define S3_FIXED_H

#include "format/record.h"

/*
 * See record_reader_create().  Reports a wrong option fixedwidth, also one that
 * does not fit the number of columns.
 */
extern RecordReader *fixed_reader_create(ByteSource *source, const FormatOptions *options,
										 const RecordColumn *columns, int ncolumns,
										 const RecordStart *start);

/*
 * Check the option fixedwidth: NULL if it is right, and then how many columns
 * it describes; else a sentence that says what is wrong.
 */
extern const char *fixed_width_check(const char *spec, int *ncolumns);

#endif							/* S3_FIXED_H */
