/*-------------------------------------------------------------------------
 *
 * head.c
 *		Byte sources for looking at the beginning of a stream.
 *
 * IDENTIFICATION
 *		src/schema/head.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "schema/head.h"
#include "utils/memutils.h"

struct HeadSource
{
	ByteSource	base;
	ByteSource *below;			/* borrowed; NULL: there is nothing more */
	char	   *data;			/* owned; NULL when it has been handed out */
	Size		len;
	Size		cap;			/* without padding */
	bool		complete;		/* it is all there is */
};

static bool
head_next(ByteSource *self, const char **data, Size *len)
{
	HeadSource *head = (HeadSource *) self;

	if (head->len > 0)
	{
		*data = head->data;
		*len = head->len;
		head->len = 0;
		return true;
	}
	return !head->complete && byte_source_next(head->below, data, len);
}

static void
head_close(ByteSource *self)
{
}

static const ByteSourceOps head_ops = {.next = head_next,.close = head_close};

static void
add(HeadSource *head, const char *data, Size len)
{
	if (head->len + len > head->cap)
	{
		Size		cap = Max(head->len + len, 2 * head->cap);
		char	   *more = MemoryContextAllocHuge(CurrentMemoryContext, cap + STREAM_PADDING);

		if (head->len > 0)
			memcpy(more, head->data, head->len);
		if (head->data)
			pfree(head->data);
		head->data = more;
		head->cap = cap;
	}
	memcpy(head->data + head->len, data, len);
	head->len += len;
	memset(head->data + head->len, 0, STREAM_PADDING);
}

HeadSource *
head_source_create(ByteSource *below, Size size)
{
	HeadSource *head = palloc0(sizeof(HeadSource));
	const char *data;
	Size		len;

	head->base.ops = &head_ops;
	head->below = below;
	while (head->len < size)
	{
		if (!byte_source_next(below, &data, &len))
		{
			head->complete = true;
			break;
		}
		add(head, data, len);
	}
	return head;
}

const char *
head_source_bytes(const HeadSource *head, Size *len, bool *complete)
{
	*len = head->len;
	*complete = head->complete;
	return head->data;
}

ByteSource *
head_source_stream(HeadSource *head)
{
	return &head->base;
}

ByteSource *
bytes_source_create(const char *data, Size len)
{
	HeadSource *head = palloc0(sizeof(HeadSource));

	head->base.ops = &head_ops;
	head->complete = true;
	if (len > 0)
		add(head, data, len);
	return &head->base;
}
