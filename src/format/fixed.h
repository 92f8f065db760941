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
#include "lib/stringinfo.h"

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

/* The widths of the option fixedwidth; reports a wrong one. */
extern int *fixed_widths(const FormatOptions *options, int *nwidths);

/*
 * A writer that appends to out (borrowed).  names are the columns', for
 * messages and the header line; borrowed.  So is strings: by Redshift's rules,
 * which columns hold strings; else NULL.  Reports an option fixedwidth that
 * does not fit the columns.  Use as CsvWriter; text is in the server encoding
 * and stays in it.
 */
typedef struct FixedWriter FixedWriter;

extern FixedWriter *fixed_writer_create(StringInfo out, const FormatOptions *options,
										int ncolumns, const char *const *names,
										const bool *strings);
extern void fixed_write_header(FixedWriter *writer);
extern void fixed_write_field(FixedWriter *writer, int col, const char *data, Size len);
extern void fixed_end_record(FixedWriter *writer);

#endif							/* S3_FIXED_H */
