/*-------------------------------------------------------------------------
 *
 * s3_fdw.c
 *		Entry points of the module.
 *
 * IDENTIFICATION
 *		src/s3_fdw.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/config.h"
#include "commands/export.h"
#include "commands/load.h"
#include "fdw/fdw.h"
#include "fmgr.h"
#include "schema/import.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(s3_fdw_handler);

void		_PG_init(void);

void
_PG_init(void)
{
	s3_config_init();
	export_parallel_init();
	load_init();
}

Datum
s3_fdw_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	routine->GetForeignRelSize = s3GetForeignRelSize;
	routine->GetForeignPaths = s3GetForeignPaths;
	routine->GetForeignPlan = s3GetForeignPlan;
	routine->BeginForeignScan = s3BeginForeignScan;
	routine->IterateForeignScan = s3IterateForeignScan;
	routine->ReScanForeignScan = s3ReScanForeignScan;
	routine->EndForeignScan = s3EndForeignScan;
	routine->ShutdownForeignScan = s3ShutdownForeignScan;
	routine->ExplainForeignScan = s3ExplainForeignScan;

	routine->ImportForeignSchema = s3ImportForeignSchema;
	routine->AnalyzeForeignTable = s3AnalyzeForeignTable;

	routine->IsForeignScanParallelSafe = s3IsForeignScanParallelSafe;
	routine->EstimateDSMForeignScan = s3EstimateDSMForeignScan;
	routine->InitializeDSMForeignScan = s3InitializeDSMForeignScan;
	routine->ReInitializeDSMForeignScan = s3ReInitializeDSMForeignScan;
	routine->InitializeWorkerForeignScan = s3InitializeWorkerForeignScan;

	PG_RETURN_POINTER(routine);
}
