/*-------------------------------------------------------------------------
 *
 * csv.h
 *		CSV records in and out, exactly as COPY ... (FORMAT csv).
 *
 * IDENTIFICATION
 *		src/format/csv.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_CSV_H
#define S3_CSV_H

#include "base/option.h"
#include "format/record.h"
#include "lib/stringinfo.h"

/* See record_reader_create(). */
extern RecordReader *csv_reader_create(ByteSource *source, const FormatOptions *options,
									   const RecordColumn *columns, int ncolumns,
									   const RecordStart *start);

/*
 * The names in the header line of an object, behind skip_lines, of CSV or text
 * format; for objects and ranges that have none of their own.  Reports
 * failures.  Memory comes from CurrentMemoryContext.
 */
extern RecordHeader *csv_read_header(ByteSource *source, const FormatOptions *options);

/* Append the fields of one line; see csv_write.c for the call order. */
typedef struct CsvWriter CsvWriter;

/*
 * A writer that appends to out (borrowed).  force_quote has one entry per
 * column, or is NULL.  Lines end in LF on every platform.
 */
extern CsvWriter *csv_writer_create(StringInfo out, const FormatOptions *options,
									int ncolumns, const bool *force_quote);
extern void csv_write_header(CsvWriter *writer, const char *const *names);

/* Field number col, from 0; data NULL is SQL NULL.  Server encoding. */
extern void csv_write_field(CsvWriter *writer, int col, const char *data, Size len);

/*
 * Field whose text needs no quoting whatever the dialect's special characters
 * may be in practice: true only for digits, signs and dots.  Falls back to
 * csv_write_field when a special character of the dialect could occur in it.
 */
extern void csv_write_number(CsvWriter *writer, int col, const char *data, Size len);
extern void csv_end_record(CsvWriter *writer);

/* csv_lax.c: the same, of files that do not keep to the rules. */
extern RecordReader *csv_lax_reader_create(ByteSource *source, const FormatOptions *options,
										   const RecordColumn *columns, int ncolumns,
										   const RecordStart *start);

#endif							/* S3_CSV_H */
