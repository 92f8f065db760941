/*-------------------------------------------------------------------------
 *
 * record.c
 *		The record reader of each format.
 *
 * Above: the scan.  A format is one file that implements RecordReader, and one
 * line here.
 *
 * IDENTIFICATION
 *		src/format/record.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/csv.h"
#include "format/fixed.h"
#include "format/json.h"
#include "format/record.h"
#include "format/text.h"
#include "format/text_redshift.h"

RecordReader *
record_reader_create(ByteSource *source, const FormatOptions *options,
					 const RecordColumn *columns, int ncolumns, const RecordStart *start)
{
	if (options->redshift.on && options->format != FORMAT_JSON)
		return redshift_reader_create(source, options, columns, ncolumns, start);
	switch ((FileFormat) options->format)
	{
		case FORMAT_CSV:
			return csv_reader_create(source, options, columns, ncolumns, start);
		case FORMAT_TEXT:
			return text_reader_create(source, options, columns, ncolumns, start);
		case FORMAT_FIXEDWIDTH:
			return fixed_reader_create(source, options, columns, ncolumns, start);
		case FORMAT_JSON:
			return json_reader_create(source, options, columns, ncolumns, start);
	}
	pg_unreachable();
}
