/*-------------------------------------------------------------------------
 *
 * text_redshift.h
 *		Lines of text, CSV and fixed width, as Redshift's COPY reads them.
 *
 * IDENTIFICATION
 *		src/format/text_redshift.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_TEXT_REDSHIFT_H
#define S3_TEXT_REDSHIFT_H

#include "format/record.h"

/*
 * See record_reader_create(); for all formats but JSON, if options->redshift.on.
 * The source need not be verified (see text_source_create_unverified()).  Of
 * header lines, default_text, match_by and comments nothing is known here.
 *
 * Nothing ends the object before its end: a record that is bad is one line, and
 * the next one begins behind it.  Messages are Redshift's, not translated.
 *
 * A field that a line lacks, if redshift.fill_record lets it, is given as
 * RECORD_FIELD_MISSING.
 */
extern RecordReader *redshift_reader_create(ByteSource *source, const FormatOptions *options,
											const RecordColumn *columns, int ncolumns,
											const RecordStart *start);

#endif							/* S3_TEXT_REDSHIFT_H */
