/*-------------------------------------------------------------------------
 *
 * json.h
 *		JSON objects, arrays or any values as records.
 *
 * Records follow one another, each on a line or separated by any white space.
 * options->records says what they are:
 *
 * - objects; the elements of an array at the top level are records too;
 * - arrays: of the record's columns the n-th takes the n-th element.  What is
 *   missing is NULL.  Elements without a column are an error, unless a column
 *   has a path or extra_fields accepts them;
 * - objects that hold items of DynamoDB, which are decoded first (see
 *   json_dynamodb.h): columns see attributes as keys;
 * - values of any kind;
 * - the document: the whole file is one value and one record.
 *
 * Else each column takes the value of the key of its name, or what its path
 * leads to (see json_path.h), "$" being the record.  What is not there and a
 * JSON null are SQL NULL.  Of a key that occurs twice the last one wins, at
 * every level.  With ignore_case, keys that differ in case only are the same
 * key in this respect, too; case is folded as by the function lower().
 *
 * By Redshift's rules a record is a whole top-level value: an object, or, if a
 * column has a path, an array.  A value that is faulty, or a comma between two,
 * is a bad record each; behind a fault the next line is looked for on which a
 * value begins.  An element that a path does not find, in an array or in what is
 * none, makes a record bad, too.  skip_lines counts lines.
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
 * See record_reader_create().  A scalar is given as its text (a string
 * unescaped, a number or boolean as written); an object or array, and any
 * value of a raw_json column, as its JSON text.
 */
extern RecordReader *json_reader_create(ByteSource *source, const FormatOptions *options,
										const RecordColumn *columns, int ncolumns,
										const RecordStart *start);

/*
 * Check a column's path as far as its text can be wrong: NULL if it is right,
 * else a sentence that says what is wrong.
 */
extern const char *json_path_check(const char *path);

#endif							/* S3_JSON_H */
