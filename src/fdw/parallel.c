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

#include "fdw/fdw.h"
#include "fdw/scan.h"
#include "storage/shmem.h"

/*
 * Workers have the leader's user, mapping and settings.  What a scan does
 * outside the database is reading.
 */
bool
s3IsForeignScanParallelSafe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	return true;
}

Size
s3EstimateDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt)
{
	S3ScanState *scan = node->fdw_state;

	scan_list_objects(scan);
	return add_size(MAXALIGN(sizeof(S3ScanShared)),
					add_size(MAXALIGN(chunk_queue_size(scan->manifest)),
							 manifest_size(scan->manifest)));
}

void
s3InitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt, void *coordinate)
{
	S3ScanState *scan = node->fdw_state;
	S3ScanShared *shared = coordinate;

	shared->participants = pcxt->nworkers + 1;
	shared->queue_offset = MAXALIGN(sizeof(S3ScanShared));
	shared->manifest_offset = shared->queue_offset +
		MAXALIGN(chunk_queue_size(scan->manifest));
	pg_atomic_init_u64(&shared->objects_read, 0);
	pg_atomic_init_u64(&shared->requests, 0);
	pg_atomic_init_u64(&shared->retries, 0);
	pg_atomic_init_u64(&shared->bytes_received, 0);

	scan->shared = shared;
	scan->stats_shared = false;
	scan->queue = (ChunkQueue *) ((char *) coordinate + shared->queue_offset);
	chunk_queue_init(scan->queue, scan->manifest);
	manifest_store(scan->manifest, (char *) coordinate + shared->manifest_offset);
}

void
s3ReInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt, void *coordinate)
{
	S3ScanState *scan = node->fdw_state;

	chunk_queue_reset(scan->queue);
}

void
s3InitializeWorkerForeignScan(ForeignScanState *node, shm_toc *toc, void *coordinate)
{
	S3ScanState *scan = node->fdw_state;
	S3ScanShared *shared = coordinate;

	scan->shared = shared;
	scan->queue = (ChunkQueue *) ((char *) coordinate + shared->queue_offset);
	scan->manifest = manifest_attach((char *) coordinate + shared->manifest_offset);
}
