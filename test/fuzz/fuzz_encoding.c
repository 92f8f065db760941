/*-------------------------------------------------------------------------
 *
 * fuzz_encoding.c
 *		Fuzz target: bytes of any encoding to verified text.
 *
 * IDENTIFICATION
 *		test/fuzz/fuzz_encoding.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/encoding.h"
#include "fuzz.h"
#include "mb/pg_wchar.h"

typedef struct EncodingTrial
{
	FuzzInput	in;
	int			encoding;
	bool		at_beginning;
	FuzzCuts	cuts;
	FuzzText	out;
} EncodingTrial;

static void
decode(void *arg)
{
	EncodingTrial *t = arg;
	ByteSource *source = fuzz_source_create(t->in.data, t->in.len, &t->cuts);
	ByteSource *text = text_source_create(source, t->encoding, t->at_beginning);
	const char *piece;
	Size		len;

	while (byte_source_next(text, &piece, &len))
	{
		char		padding[STREAM_PADDING];

		if (len == 0)
			fuzz_fail("an empty piece", NULL, NULL);
		if (pg_encoding_verifymbstr(PG_UTF8, piece, len) != len)
			fuzz_fail("invalid text, or a character that is cut", NULL, NULL);
		fuzz_append(&t->out, piece, len);
		memcpy(padding, piece + len, STREAM_PADDING);
	}
	byte_source_close(text);
	byte_source_close(source);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int encodings[] = {
		-1, S3_ENCODING_UTF8_BOM, S3_ENCODING_UTF16, S3_ENCODING_UTF16LE, S3_ENCODING_UTF16BE,
		PG_LATIN1, PG_SQL_ASCII
	};
	FuzzInput	in = {(const char *) data, size};
	int			encoding = encodings[fuzz_choose(&in, lengthof(encodings))];
	bool		at_beginning = fuzz_choose(&in, 2) == 0;
	EncodingTrial trials[2] = {0};
	bool		ok[2];

	fuzz_cuts(&in, &trials[0].cuts);
	fuzz_cuts(&in, &trials[1].cuts);
	for (int i = 0; i < 2; i++)
	{
		trials[i].in = in;
		trials[i].encoding = encoding;
		trials[i].at_beginning = at_beginning;
		ok[i] = fuzz_try(decode, &trials[i]);
	}
	if (ok[0] != ok[1] || !fuzz_text_equal(&trials[0].out, &trials[1].out))
		fuzz_fail("pieces of other sizes give another result", &trials[0].out, &trials[1].out);
	fuzz_text_free(&trials[0].out);
	fuzz_text_free(&trials[1].out);
	return 0;
}
