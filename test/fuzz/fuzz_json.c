/*-------------------------------------------------------------------------
 *
 * fuzz_json.c
 *		Fuzz target: JSON, all kinds of records, and paths.
 *
 * IDENTIFICATION
 *		test/fuzz/fuzz_json.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/json.h"
#include "fuzz.h"
#include "mb/pg_wchar.h"

#define NCOLUMNS 4

typedef struct JsonTrial
{
	RecordColumn columns[NCOLUMNS];
	FormatOptions options;
	FuzzInput	in;
	char		path[256];
	bool		path_ok;
} JsonTrial;

static void
check_path(void *arg)
{
	JsonTrial  *t = arg;

	t->path_ok = json_path_check(t->path) == NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64 max_sizes[] = {1024 * 1024, 1024 * 1024, 1024 * 1024, 8, 70};
	static const int encodings[] = {-1, -1, S3_ENCODING_UTF8_BOM, S3_ENCODING_UTF16, PG_LATIN1};
	static const char *const names[NCOLUMNS] = {"a", "b", "k\xc3\xa9y", "id"};
	static const char *const paths[] = {"$", "a.b[0].c", "[1]", "b", "[\"a\"][2]", "id.id", "$.a[0][0]"};
	JsonTrial	t = {.in = {(const char *) data, size}};
	int			bits;
	int			path_len;

	t.options.format = FORMAT_JSON;
	t.options.compression = COMPRESSION_NONE;
	t.options.quote = t.options.escape = "\"";
	t.options.delimiter = ",";
	t.options.null = "";
	t.options.records = fuzz_choose(&t.in, 8) % 5;
	t.options.max_record_size = max_sizes[fuzz_choose(&t.in, lengthof(max_sizes))];
	t.options.encoding = encodings[fuzz_choose(&t.in, lengthof(encodings))];
	bits = fuzz_choose(&t.in, 256);
	t.options.ignore_case = (bits & 1) != 0;
	for (int i = 0; i < NCOLUMNS; i++)
	{
		t.columns[i].name = names[i];
		t.columns[i].needed = (bits >> (i + 1) & 1) == 0;
		t.columns[i].raw_json = i == 1 || (i == 2 && (bits & 64));
		t.columns[i].binary = i == 0 || (i == 1 && (bits & 128));
	}
	bits = fuzz_choose(&t.in, 256);
	if (bits & 1)
		t.columns[0].path = paths[(bits >> 2) % lengthof(paths)];
	if (bits & 2)
		t.columns[3].path = paths[(bits >> 4) % lengthof(paths)];

	/* the input's own path */
	path_len = fuzz_choose(&t.in, 128) - 64;
	if (path_len > 0 && path_len <= t.in.len)
	{
		memcpy(t.path, t.in.data, path_len);
		t.in.data += path_len;
		t.in.len -= path_len;
		if (memchr(t.path, '\0', path_len) == NULL &&
			pg_encoding_verifymbstr(PG_UTF8, t.path, path_len) == path_len &&
			fuzz_try(check_path, &t) && t.path_ok)
			t.columns[2].path = t.path;
	}
	fuzz_records(&t.options, t.columns, NCOLUMNS, &t.in);
	return 0;
}
