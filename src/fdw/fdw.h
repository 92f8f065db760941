/*-------------------------------------------------------------------------
 *
 * fdw.h
 *		What the files of the foreign data wrapper share.
 *
 * Included by fdw/ and s3_fdw.c only.
 *
 * IDENTIFICATION
 *		src/fdw/fdw.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_FDW_H
#define S3_FDW_H

#include "access/parallel.h"
#include "foreign/fdwapi.h"

/*
 * What a scan's plan node carries in fdw_private.  In fdw_exprs are the clauses
 * that choose objects, for layout_set_clauses().
 */
typedef enum S3ScanPrivate
{
	/*
	 * integer list: attribute numbers of the columns to fill in, those that
	 * are not in the file included
	 */
	S3_SCAN_PRIVATE_ATTRIBUTES,
	S3_SCAN_PRIVATE_LENGTH
} S3ScanPrivate;

/* in plan.c */
extern void s3GetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel, Oid foreigntableid);
extern void s3GetForeignPaths(PlannerInfo *root, RelOptInfo *baserel, Oid foreigntableid);
extern ForeignScan *s3GetForeignPlan(PlannerInfo *root, RelOptInfo *baserel, Oid foreigntableid,
									 ForeignPath *best_path, List *tlist, List *scan_clauses,
									 Plan *outer_plan);

/* in scan.c */
extern void s3BeginForeignScan(ForeignScanState *node, int eflags);
extern TupleTableSlot *s3IterateForeignScan(ForeignScanState *node);
extern void s3ReScanForeignScan(ForeignScanState *node);
extern void s3EndForeignScan(ForeignScanState *node);
extern void s3ShutdownForeignScan(ForeignScanState *node);
extern void s3ExplainForeignScan(ForeignScanState *node, struct ExplainState *es);

/* in analyze.c */
extern bool s3AnalyzeForeignTable(Relation rel, AcquireSampleRowsFunc *func,
								  BlockNumber *totalpages);

/* in parallel.c */
extern bool s3IsForeignScanParallelSafe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte);
extern Size s3EstimateDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt);
extern void s3InitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt,
									   void *coordinate);
extern void s3ReInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt,
										 void *coordinate);
extern void s3InitializeWorkerForeignScan(ForeignScanState *node, shm_toc *toc,
										  void *coordinate);

#endif							/* S3_FDW_H */
