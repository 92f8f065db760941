/*-------------------------------------------------------------------------
 *
 * unit_main.c
 *		Module magic, and the byte source of the unit tests.
 *
 * IDENTIFICATION
 *		test/unit/unit_main.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "unit.h"

PG_MODULE_MAGIC;

typedef struct UnitSource
{
	ByteSource	base;
	const char *data;			/* borrowed */
	Size		len;
	Size		pos;
	Size		piece;
	char	   *lent;			/* owned: the piece handed out last */
	Size		lent_len;
} UnitSource;

static bool
unit_source_next(ByteSource *self, const char **data, Size *len)
{
	UnitSource *src = (UnitSource *) self;
	Size		n = Min(src->piece, src->len - src->pos);

	if (src->lent)
	{
		memset(src->lent, 0xfe, src->lent_len + STREAM_PADDING);
		pfree(src->lent);
		src->lent = NULL;
	}
	if (n == 0)
		return false;
	src->lent = palloc(n + STREAM_PADDING);
	src->lent_len = n;
	memcpy(src->lent, src->data + src->pos, n);
	memset(src->lent + n, 0xff, STREAM_PADDING);
	src->pos += n;
	*data = src->lent;
	*len = n;
	return true;
}

static void
unit_source_close(ByteSource *self)
{
}

static const ByteSourceOps unit_source_ops = {
	.next = unit_source_next,
	.close = unit_source_close
};

ByteSource *
unit_source_create(const char *data, Size len, Size piece)
{
	UnitSource *src = palloc0(sizeof(UnitSource));

	src->base.ops = &unit_source_ops;
	src->data = data;
	src->len = len;
	src->piece = piece;
	return &src->base;
}
