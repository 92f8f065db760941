/*-------------------------------------------------------------------------
 *
 * buffer.c
 *		Memory for the parts of uploads.
 *
 * A mapping begins with a header that links it to the others of its owner.
 * Above: upload.c.
 *
 * IDENTIFICATION
 *		src/s3/buffer.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/mman.h>

#include "lib/ilist.h"
#include "s3/buffer.h"
#include "utils/palloc.h"

struct S3Buffers
{
	MemoryContextCallback on_reset;
	dlist_head	mappings;
};

typedef struct Mapping
{
	dlist_node	node;			/* in S3Buffers.mappings */
	Size		size;			/* of all of it */
} Mapping;

#define HEADER_SIZE MAXALIGN(sizeof(Mapping))

static inline Mapping *
mapping_of(char *buf)
{
	return (Mapping *) (buf - HEADER_SIZE);
}

static void
free_all(void *arg)
{
	S3Buffers  *buffers = arg;

	while (!dlist_is_empty(&buffers->mappings))
	{
		Mapping    *mapping = dlist_container(Mapping, node,
											  dlist_pop_head_node(&buffers->mappings));

		munmap(mapping, mapping->size);
	}
}

S3Buffers *
s3_buffers_create(void)
{
	S3Buffers  *buffers = palloc0(sizeof(S3Buffers));

	dlist_init(&buffers->mappings);
	buffers->on_reset.func = free_all;
	buffers->on_reset.arg = buffers;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &buffers->on_reset);
	return buffers;
}

static void
report_out_of_memory(Size size)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory"),
			 errdetail("Failed on a buffer of %zu bytes for a part of an upload.", size)));
}

static char *
link_mapping(S3Buffers *buffers, Mapping *mapping, Size size)
{
	mapping->size = size + HEADER_SIZE;
	dlist_push_head(&buffers->mappings, &mapping->node);
	return (char *) mapping + HEADER_SIZE;
}

char *
s3_buffer_alloc(S3Buffers *buffers, Size size)
{
	Mapping    *mapping = mmap(NULL, size + HEADER_SIZE, PROT_READ | PROT_WRITE,
							   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mapping == MAP_FAILED)
		report_out_of_memory(size);
	return link_mapping(buffers, mapping, size);
}

char *
s3_buffer_enlarge(S3Buffers *buffers, char *buf, Size size)
{
#ifdef MREMAP_MAYMOVE
	Mapping    *mapping = mapping_of(buf);
	Mapping    *larger;

	dlist_delete(&mapping->node);
	larger = mremap(mapping, mapping->size, size + HEADER_SIZE, MREMAP_MAYMOVE);
	if (larger == MAP_FAILED)
	{
		dlist_push_head(&buffers->mappings, &mapping->node);
		report_out_of_memory(size);
	}
	return link_mapping(buffers, larger, size);
#else
	char	   *larger = s3_buffer_alloc(buffers, size);

	memcpy(larger, buf, mapping_of(buf)->size - HEADER_SIZE);
	s3_buffer_free(buffers, buf);
	return larger;
#endif
}

void
s3_buffer_free(S3Buffers *buffers, char *buf)
{
	Mapping    *mapping = mapping_of(buf);

	dlist_delete(&mapping->node);
	munmap(mapping, mapping->size);
}
