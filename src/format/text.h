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
#include "lib/stringinfo.h"

/* See record_reader_create(). */
extern RecordReader *text_reader_create(ByteSource *source, const FormatOptions *options,
										const RecordColumn *columns, int ncolumns,
										const RecordStart *start);

/*
 * A writer that appends to out (borrowed), byte for byte as COPY ... TO (FORMAT
 * text), or as Redshift's UNLOAD.  Use as CsvWriter.  Text is in the file's encoding already.
 */
typedef struct TextWriter TextWriter;

extern TextWriter *text_writer_create(StringInfo out, const FormatOptions *options,
									  int ncolumns);
extern void text_write_header(TextWriter *writer, const char *const *names);

/* Field number col, from 0; data NULL is SQL NULL. */
extern void text_write_field(TextWriter *writer, int col, const char *data, Size len);

/* A field of digits, signs, dots and the like. */
extern void text_write_number(TextWriter *writer, int col, const char *data, Size len);
extern void text_end_record(TextWriter *writer);

#endif							/* S3_TEXT_H */
