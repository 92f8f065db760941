/*-------------------------------------------------------------------------
 *
 * chunk.c
 *		The queue of chunks that the processes of a scan work off.
 *
 * Above: scan.c and stretch.c.  No network and no parsing here.
 *
 * The chain of an object knows the states at the beginnings of its first
 * stretches, up to the first one that is not published.  A process waits only
 * for the states before its own stretch.
 *
 * Nobody may wait for ever.  A process that has claimed a stretch may not get
 * to publish it: it may be blocked in handing rows to the leader, and the
 * leader may be the one who waits.  So a process that waits does not rely on
 * the claimer: after a moment it reads the missing stretch itself and publishes
 * it.  What a waiting process depends on in the end is the network alone.
 *
 * IDENTIFICATION
 *		src/fdw/chunk.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fdw/chunk.h"
#include "miscadmin.h"
#include "storage/shmem.h"

typedef struct ChunkSlot
{
	/* protected by the queue's mutex */
	bool		published;
	BoundarySummary summary;	/* if published; then constant */
	ChunkStart	start;			/* if the chain has come so far; then constant */
} ChunkSlot;

typedef struct CutObject
{
	/* immutable once the scan runs */
	ChunkSplit	split;
	int			first_slot;
	int			nslots;

	/* protected by the queue's mutex */
	int			known;			/* so many stretches' beginnings are known */
	bool		uncut;
} CutObject;

struct ChunkQueue
{
	/* immutable once the scan runs */
	int			nobjects;
	int			ncut;
	int			nslots;
	Size		slots_offset;	/* from here; cut objects are right behind this
								 * struct */

	/* claim counter: the stretches, then the other objects */
	pg_atomic_uint32 next;

	slock_t		mutex;
	ConditionVariable moved;	/* some chain has */
};

static inline CutObject *
cut_objects(ChunkQueue *queue)
{
	return (CutObject *) ((char *) queue + MAXALIGN(sizeof(ChunkQueue)));
}

static inline ChunkSlot *
chunk_slots(ChunkQueue *queue)
{
	return (ChunkSlot *) ((char *) queue + queue->slots_offset);
}

static int
stretches_of(const ChunkSplit *split)
{
	return (int) ((split->size + split->stretch - 1) / split->stretch);
}

static Size
slots_offset(int ncut)
{
	return add_size(MAXALIGN(sizeof(ChunkQueue)), MAXALIGN(mul_size(ncut, sizeof(CutObject))));
}

Size
chunk_queue_size(const ChunkSplit *splits, int nsplits)
{
	Size		nslots = 0;

	for (int i = 0; i < nsplits; i++)
		nslots += stretches_of(&splits[i]);
	return add_size(slots_offset(nsplits), mul_size(nslots, sizeof(ChunkSlot)));
}

void
chunk_queue_init(ChunkQueue *queue, int nobjects, const ChunkSplit *splits, int nsplits)
{
	CutObject  *cut = cut_objects(queue);

	queue->nobjects = nobjects;
	queue->ncut = nsplits;
	queue->nslots = 0;
	queue->slots_offset = slots_offset(nsplits);
	for (int i = 0; i < nsplits; i++)
	{
		cut[i].split = splits[i];
		cut[i].first_slot = queue->nslots;
		cut[i].nslots = stretches_of(&splits[i]);
		queue->nslots += cut[i].nslots;
	}
	pg_atomic_init_u32(&queue->next, 0);
	SpinLockInit(&queue->mutex);
	ConditionVariableInit(&queue->moved);
	chunk_queue_reset(queue);
}

void
chunk_queue_reset(ChunkQueue *queue)
{
	CutObject  *cut = cut_objects(queue);
	ChunkSlot  *slots = chunk_slots(queue);

	memset(slots, 0, queue->nslots * sizeof(ChunkSlot));
	for (int i = 0; i < queue->ncut; i++)
	{
		boundary_begin(&slots[cut[i].first_slot].start.state);
		cut[i].known = 1;
		cut[i].uncut = false;
	}
	pg_atomic_write_u32(&queue->next, 0);
}

static uint32
total_chunks(const ChunkQueue *queue)
{
	return (uint32) queue->nslots + (uint32) (queue->nobjects - queue->ncut);
}

static void
set_stretch(const CutObject *cut, int number, int slot, S3Chunk *chunk)
{
	chunk->object = cut->split.object;
	chunk->slot = slot;
	chunk->split = number;
	chunk->start = (int64) (slot - cut->first_slot) * cut->split.stretch;
	chunk->end = Min(chunk->start + cut->split.stretch, cut->split.size);
}

bool
chunk_claim(ChunkQueue *queue, S3Chunk *chunk)
{
	CutObject  *cut = cut_objects(queue);
	uint32		i;
	int			number = 0;

	/* Do not let the counter run away once the queue is empty. */
	if (pg_atomic_read_u32(&queue->next) >= total_chunks(queue))
		return false;
	i = pg_atomic_fetch_add_u32(&queue->next, 1);
	if (i >= total_chunks(queue))
		return false;

	if (i < (uint32) queue->nslots)
	{
		while ((int) i >= cut[number].first_slot + cut[number].nslots)
			number++;
		set_stretch(&cut[number], number, (int) i, chunk);
		return true;
	}

	/* The objects left, in their order: pass over those that are cut. */
	chunk->object = (int) (i - queue->nslots);
	while (number < queue->ncut && cut[number].split.object <= chunk->object)
	{
		chunk->object++;
		number++;
	}
	chunk->slot = -1;
	chunk->split = -1;
	chunk->start = 0;
	chunk->end = -1;
	return true;
}

int
chunk_queue_left(ChunkQueue *queue)
{
	uint32		next = pg_atomic_read_u32(&queue->next);
	uint32		total = total_chunks(queue);

	return next >= total ? 0 : (int) (total - next);
}

/* ------------------------------------------------------------------- the chain */

void
chunk_publish(ChunkQueue *queue, const S3Chunk *chunk, const BoundarySummary *summary)
{
	CutObject  *cut = &cut_objects(queue)[chunk->split];
	ChunkSlot  *slots = chunk_slots(queue);
	bool		moved = false;

	/* Few instructions per step, and each step is made once in all. */
	SpinLockAcquire(&queue->mutex);
	if (!slots[chunk->slot].published)
	{
		slots[chunk->slot].summary = *summary;
		slots[chunk->slot].published = true;
	}
	while (cut->known < cut->nslots && slots[cut->first_slot + cut->known - 1].published)
	{
		ChunkSlot  *from = &slots[cut->first_slot + cut->known - 1];
		ChunkStart *to = &slots[cut->first_slot + cut->known].start;

		*to = from->start;
		boundary_apply(&from->summary, &to->state);
		to->lfs += from->summary.lfs;
		to->crs += from->summary.crs;
		cut->known++;
		moved = true;
	}
	SpinLockRelease(&queue->mutex);
	if (moved)
		ConditionVariableBroadcast(&queue->moved);
}

void
chunk_set_uncut(ChunkQueue *queue, const S3Chunk *chunk)
{
	SpinLockAcquire(&queue->mutex);
	cut_objects(queue)[chunk->split].uncut = true;
	SpinLockRelease(&queue->mutex);
	ConditionVariableBroadcast(&queue->moved);
}

static ChunkKnown
look_up_start(ChunkQueue *queue, const S3Chunk *chunk, ChunkStart *start)
{
	CutObject  *cut = &cut_objects(queue)[chunk->split];
	ChunkKnown	known = CHUNK_UNKNOWN;

	SpinLockAcquire(&queue->mutex);
	if (cut->uncut)
		known = CHUNK_UNCUT;
	else if (chunk->slot < cut->first_slot + cut->known)
	{
		known = CHUNK_KNOWN;
		*start = chunk_slots(queue)[chunk->slot].start;
	}
	SpinLockRelease(&queue->mutex);
	return known;
}

ChunkKnown
chunk_start(ChunkQueue *queue, const S3Chunk *chunk, ChunkStart *start,
			long timeout, uint32 wait_event_info)
{
	ChunkKnown	known = look_up_start(queue, chunk, start);

	if (known != CHUNK_UNKNOWN || timeout == 0)
		return known;
	ConditionVariablePrepareToSleep(&queue->moved);
	for (;;)
	{
		known = look_up_start(queue, chunk, start);
		if (known != CHUNK_UNKNOWN ||
			ConditionVariableTimedSleep(&queue->moved, timeout, wait_event_info))
			break;
	}
	ConditionVariableCancelSleep();
	return known;
}

bool
chunk_missing(ChunkQueue *queue, const S3Chunk *chunk, S3Chunk *missing)
{
	CutObject  *cut = &cut_objects(queue)[chunk->split];
	int			slot;

	SpinLockAcquire(&queue->mutex);
	slot = cut->first_slot + cut->known - 1;
	SpinLockRelease(&queue->mutex);
	if (slot >= chunk->slot)
		return false;
	set_stretch(cut, chunk->split, slot, missing);
	return true;
}
