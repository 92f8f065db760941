/*-------------------------------------------------------------------------
 *
 * stream.c
 *		Inputs, sources and results of the fuzz targets.
 *
 * IDENTIFICATION
 *		test/fuzz/stream.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"

int
fuzz_choose(FuzzInput *in, int n)
{
	if (in->len == 0)
		return 0;
	in->len--;
	return (unsigned char) *in->data++ % n;
}

void
fuzz_cuts(FuzzInput *in, FuzzCuts *cuts)
{
	static const Size sizes[] = {64, 1, 2, 3, 5, 8, 16, 63, 65, 200, 5000, 1000000};
	static const char paddings[] = {0, '"', '\\', '\n', '\r', ',', (char) 0xff, '}'};
	int			choice = fuzz_choose(in, 256);

	cuts->state = choice + 1;
	cuts->max = sizes[choice % lengthof(sizes)];
	cuts->padding = paddings[choice / 16 % lengthof(paddings)];
}

typedef struct FuzzSource
{
	ByteSource	base;
	const char *data;			/* borrowed */
	Size		len;
	FuzzCuts	cuts;
	char	   *piece;			/* owned */
} FuzzSource;

static bool
fuzz_next(ByteSource *self, const char **data, Size *len)
{
	FuzzSource *src = (FuzzSource *) self;

	if (src->piece)
		pfree(src->piece);
	src->piece = NULL;
	if (src->len == 0)
		return false;
	src->cuts.state = src->cuts.state * 1103515245 + 12345;
	*len = 1 + (src->cuts.state >> 16) % src->cuts.max;
	*len = Min(*len, src->len);
	src->piece = palloc(*len + STREAM_PADDING);
	memcpy(src->piece, src->data, *len);
	memset(src->piece + *len, src->cuts.padding, STREAM_PADDING);
	*data = src->piece;
	src->data += *len;
	src->len -= *len;
	return true;
}

static void
fuzz_close(ByteSource *self)
{
	FuzzSource *src = (FuzzSource *) self;

	if (src->piece)
		pfree(src->piece);
	src->piece = NULL;
}

static const ByteSourceOps fuzz_source_ops = {
	.next = fuzz_next,
	.close = fuzz_close
};

ByteSource *
fuzz_source_create(const char *data, Size len, const FuzzCuts *cuts)
{
	FuzzSource *src = palloc0(sizeof(FuzzSource));

	src->base.ops = &fuzz_source_ops;
	src->data = data;
	src->len = len;
	src->cuts = *cuts;
	return &src->base;
}

void
fuzz_append(FuzzText *text, const char *data, Size len)
{
	if (text->len + len > text->size)
	{
		text->size = Max(text->size * 2, text->len + len + 256);
		text->data = realloc(text->data, text->size);
		if (text->data == NULL)
			abort();
	}
	if (len > 0)
		memcpy(text->data + text->len, data, len);
	text->len += len;
}

void
fuzz_printf(FuzzText *text, const char *format,...)
{
	char		buffer[8192];
	va_list		args;

	va_start(args, format);
	vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	fuzz_append(text, buffer, strlen(buffer));
}

bool
fuzz_text_equal(const FuzzText *a, const FuzzText *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

void
fuzz_text_free(FuzzText *text)
{
	free(text->data);
	memset(text, 0, sizeof(FuzzText));
}

static void
show(const FuzzText *text)
{
	fprintf(stderr, "%zu bytes:\n", text->len);
	fwrite(text->data, 1, Min(text->len, 4000), stderr);
	fputs("\n", stderr);
}

void
fuzz_fail(const char *what, const FuzzText *a, const FuzzText *b)
{
	fprintf(stderr, "FINDING: %s\n", what);
	if (a)
		show(a);
	if (b)
		show(b);
	abort();
}
