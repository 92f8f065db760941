/*-------------------------------------------------------------------------
 *
 * parallel.c
 *		Share a scan between the leader and parallel workers.
 *
 * The leader lists the location before workers start and puts manifest and
 * chunk queue into dynamic shared memory; from then on all processes, leader
 * included, run the code of scan.c on them, each with connections, buffers and
 * credentials of its own.  So all read the same objects in the same versions.
 *
 *	S3ScanShared | ChunkQueue | manifest
 *
 * IDENTIFICATION
 *		src/fdw/parallel.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "fdw/fdw.h"
#include "fdw/scan.h"
#include "storage/shmem.h"

/* May its processes try the values of all columns? */
static bool
can_try_values(Oid relid, const FormatOptions *format)
{
	Relation	rel = table_open(relid, NoLock);
	TupleDesc	desc = RelationGetDescr(rel);
	bool		result = true;

	for (int i = 0; i < desc->natts && result; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		result = att->attisdropped || tuple_try_is_parallel_safe(att->atttypid, format);
	}
	table_close(rel, NoLock);
	return result;
}

/*
 * Workers have the leader's user, mapping and settings.  What a scan does
 * outside the database is reading.
 */
bool
s3IsForeignScanParallelSafe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	S3TableOptions *options = s3_table_options(rte->relid);

	return options->on_error == ON_ERROR_STOP || can_try_values(rte->relid, &options->format);
}

Size
s3EstimateDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt)
{
	S3ScanState *scan = node->fdw_state;

	scan_list_objects(scan);
	scan_plan_splits(scan, pcxt->nworkers + 1);
	return add_size(MAXALIGN(sizeof(S3ScanShared)),
					add_size(MAXALIGN(chunk_queue_size(scan->splits, scan->nsplits)),
							 manifest_share_size(scan->manifest)));
}

/* Go by what is shared from now on. */
static void
join(S3ScanState *scan, S3ScanShared *shared)
{
	scan->shared = shared;
	scan->stats_shared = false;
	scan_set_queue(scan, (ChunkQueue *) ((char *) shared + shared->queue_offset));
	s3_client_share_rate(scan->client, &shared->rate);
	if (scan->reject)
		reject_share(scan->reject, &shared->reject, !IsParallelWorker());
}

void
s3InitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt, void *coordinate)
{
	S3ScanState *scan = node->fdw_state;
	S3ScanShared *shared = coordinate;

	shared->participants = pcxt->nworkers + 1;
	shared->queue_offset = MAXALIGN(sizeof(S3ScanShared));
	shared->manifest_offset = shared->queue_offset +
		MAXALIGN(chunk_queue_size(scan->splits, scan->nsplits));
	s3_rate_init(&shared->rate, scan->client);
	pg_atomic_init_u64(&shared->objects_read, 0);
	pg_atomic_init_u64(&shared->requests, 0);
	pg_atomic_init_u64(&shared->retries, 0);
	pg_atomic_init_u64(&shared->bytes_received, 0);
	chunk_queue_init((ChunkQueue *) ((char *) shared + shared->queue_offset),
					 scan->manifest->nobjects, scan->splits, scan->nsplits);
	manifest_share(scan->manifest, (char *) shared + shared->manifest_offset, pcxt->seg);
	join(scan, shared);
}

void
s3ReInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt, void *coordinate)
{
	S3ScanState *scan = node->fdw_state;

	if (scan->reject)
		reject_rescan_shared(scan->reject);
	chunk_queue_reset(scan->queue);
}

void
s3InitializeWorkerForeignScan(ForeignScanState *node, shm_toc *toc, void *coordinate)
{
	S3ScanState *scan = node->fdw_state;
	S3ScanShared *shared = coordinate;

	scan->manifest = manifest_attach((char *) coordinate + shared->manifest_offset);
	join(scan, shared);
}
