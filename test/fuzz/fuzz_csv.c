/*-------------------------------------------------------------------------
 *
 * fuzz_csv.c
 *		Fuzz target: CSV, all dialects.
 *
 * IDENTIFICATION
 *		test/fuzz/fuzz_csv.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"
#include "mb/pg_wchar.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *const delimiters[] = {",", "\t", "||", "\x01", ";-;", "\xc2\xa7", ",", ","};
	static char *const quotes[] = {"\"", "\"", "\"", "'"};
	static char *const escapes[] = {"\"", "\"", "\\", "'", "."};
	static char *const nulls[] = {"", "\\N", "NULL", "a"};
	static char *const comments[] = {NULL, NULL, NULL, "#", "--", "a"};
	static char *const defaults[] = {NULL, NULL, "\\D", "b"};
	static const int64 max_sizes[] = {1024 * 1024, 1024 * 1024, 1024 * 1024, 8, 70};
	static const int encodings[] = {-1, -1, S3_ENCODING_UTF8_BOM, S3_ENCODING_UTF16, PG_LATIN1};
	static const char *const names[] = {"a", "b", "c", "dd"};
	FuzzInput	in = {(const char *) data, size};
	FormatOptions options = {.format = FORMAT_CSV, .compression = COMPRESSION_NONE};
	RecordColumn columns[lengthof(names)] = {0};
	int			ncolumns;
	int			bits;

	options.delimiter = delimiters[fuzz_choose(&in, lengthof(delimiters))];
	options.quote = quotes[fuzz_choose(&in, lengthof(quotes))];
	options.escape = escapes[fuzz_choose(&in, lengthof(escapes))];
	options.null = nulls[fuzz_choose(&in, lengthof(nulls))];
	options.comment = comments[fuzz_choose(&in, lengthof(comments))];
	options.default_text = defaults[fuzz_choose(&in, lengthof(defaults))];
	options.max_record_size = max_sizes[fuzz_choose(&in, lengthof(max_sizes))];
	options.encoding = encodings[fuzz_choose(&in, lengthof(encodings))];
	options.skip_lines = fuzz_choose(&in, 6) / 2;
	options.header = fuzz_choose(&in, 5) % 3;
	bits = fuzz_choose(&in, 256);
	options.missing_fields = bits & 1 ? RAGGED_ACCEPT : RAGGED_ERROR;
	options.extra_fields = bits & 2 ? RAGGED_ACCEPT : RAGGED_ERROR;
	options.ignore_case = (bits & 4) != 0;
	if (options.header == HEADER_TRUE && bits & 8)
		options.match_by = MATCH_BY_NAME;
	options.tolerant = (bits & 64) != 0;
	ncolumns = 1 + (bits >> 4) % lengthof(names);
	bits = fuzz_choose(&in, 256);
	for (int i = 0; i < ncolumns; i++)
	{
		columns[i].name = names[i];
		columns[i].needed = (bits >> i & 1) == 0;
		columns[i].force_null = (bits >> (4 + i) & 1) != 0;
		columns[i].force_not_null = i == 1 && (bits & 0x88) == 0x88;
	}
	fuzz_records(&options, columns, ncolumns, &in);
	return 0;
}
