/*-------------------------------------------------------------------------
 *
 * json.h
 *		JSON objects as records.
 *
 * Objects follow one another, each on a line or separated by any white space.
 * Each column takes the value of the key of its name; a missing key and a JSON
 * null are SQL NULL, and of a key that occurs twice the last one wins.
 *
 * IDENTIFICATION
 *		src/format/json.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_JSON_H
#define S3_JSON_H

#include "base/option.h"
#include "format/record.h"

/*
 * Read one object (of the store).  source yields text in the server encoding,
 * is borrowed and stays open; columns is borrowed and must outlive the reader.
 * Memory comes from CurrentMemoryContext.
 *
 * A scalar is given as its text (a string unescaped, a number or boolean as
 * written); an object or array, and any value of a raw_json column, as its
 * JSON text.
 */
extern RecordReader *json_reader_create(ByteSource *source,
										const RecordColumn *columns,
										int ncolumns);

#endif							/* S3_JSON_H */
