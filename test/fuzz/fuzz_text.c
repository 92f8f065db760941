/*-------------------------------------------------------------------------
 *
 * fuzz_text.c
 *		Fuzz target: COPY's text format, and fixed width.
 *
 * IDENTIFICATION
 *		test/fuzz/fuzz_text.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"
#include "mb/pg_wchar.h"

/* As Redshift's COPY, which also has CSV of its own. */
static void
set_redshift(FormatOptions *options, int bits)
{
	RedshiftFormat *rules = &options->redshift;

	if (strlen(options->delimiter) > 1)
		options->delimiter = "|";
	if (options->format == FORMAT_TEXT && bits & 128)
		options->format = FORMAT_CSV;
	options->default_text = NULL;
	options->comment = NULL;
	options->header = HEADER_FALSE;
	options->match_by = MATCH_BY_POSITION;
	rules->on = true;
	rules->escape = options->format == FORMAT_TEXT && bits & 1;
	rules->remove_quotes = options->format == FORMAT_TEXT && bits & 2;
	rules->null_is_nul = bits & 4;
	rules->fill_record = bits & 8;
	rules->ignore_blank_lines = bits & 16;
	rules->empty_as_null = bits & 32;
	rules->replacement = bits & 64 ? '?' : '\0';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *const delimiters[] = {"\t", ",", "||", "\x01", "\xc2\xa7", "\t"};
	static char *const nulls[] = {"\\N", "", "NULL", "\\N"};
	static char *const comments[] = {NULL, NULL, NULL, "#", "--", "\\"};
	static char *const defaults[] = {NULL, NULL, "\\D", "b"};
	static char *const widths[] = {"a:1,b:2,c:3", "1", "3,4", "a:10,b:1"};
	static const int width_counts[] = {3, 1, 2, 2};
	static const int64 max_sizes[] = {1024 * 1024, 1024 * 1024, 1024 * 1024, 8, 70};
	static const int encodings[] = {-1, -1, S3_ENCODING_UTF8_BOM, S3_ENCODING_UTF16LE, PG_LATIN1};
	static const char *const names[] = {"a", "b", "c", "dd"};
	FuzzInput	in = {(const char *) data, size};
	FormatOptions options = {.compression = COMPRESSION_NONE, .quote = "\"", .escape = "\""};
	RecordColumn columns[lengthof(names)] = {0};
	int			ncolumns;
	int			bits;
	int			width;

	options.format = fuzz_choose(&in, 4) == 3 ? FORMAT_FIXEDWIDTH : FORMAT_TEXT;
	options.delimiter = delimiters[fuzz_choose(&in, lengthof(delimiters))];
	options.null = nulls[fuzz_choose(&in, lengthof(nulls))];
	options.comment = comments[fuzz_choose(&in, lengthof(comments))];
	options.default_text = defaults[fuzz_choose(&in, lengthof(defaults))];
	options.max_record_size = max_sizes[fuzz_choose(&in, lengthof(max_sizes))];
	options.encoding = encodings[fuzz_choose(&in, lengthof(encodings))];
	options.skip_lines = fuzz_choose(&in, 6) / 2;
	width = fuzz_choose(&in, lengthof(widths));
	bits = fuzz_choose(&in, 256);
	options.missing_fields = bits & 1 ? RAGGED_ACCEPT : RAGGED_ERROR;
	options.extra_fields = bits & 2 ? RAGGED_ACCEPT : RAGGED_ERROR;
	ncolumns = 1 + (bits >> 4) % lengthof(names);
	if (options.format == FORMAT_FIXEDWIDTH)
	{
		options.fixedwidth = widths[width];
		options.default_text = NULL;
		options.null = "";
		options.delimiter = ",";
		ncolumns = width_counts[width];
	}
	else
		options.header = fuzz_choose(&in, 5) % 3;
	if (options.header == HEADER_TRUE && bits & 8)
		options.match_by = MATCH_BY_NAME;
	if (fuzz_choose(&in, 3) == 2)
		set_redshift(&options, fuzz_choose(&in, 256));
	bits = fuzz_choose(&in, 256);
	for (int i = 0; i < ncolumns; i++)
	{
		columns[i].name = names[i];
		columns[i].needed = (bits >> i & 1) == 0;
	}
	fuzz_records(&options, columns, ncolumns, &in);
	return 0;
}
