/*-------------------------------------------------------------------------
 *
 * export_parallel.c
 *		Run the query of an export so that its parallel workers write.
 *
 * A DestReceiver gets rows in the leader only.  So the query is planned as COPY
 * (query) TO would, and where workers bring forth rows that the leader merely
 * gathers, a node of ours goes between:
 *
 *	Gather
 *	  -> Custom Scan (s3_fdw export)	takes all rows, writes them, returns none
 *		   -> the partial plan
 *
 * It runs in each worker, and in the leader if that takes part.  A worker makes
 * its job again from strings in the plan, and finds the log of uploads through
 * the node's part of the query's shared memory.
 *
 * Above: export.c.  Below: export_files.c and export_single.c, whose writers
 * the node feeds, and the log in s3/upload_log.h.
 *
 * Invariants: nothing has been run when export_run_parallel() returns false.
 * The log exists before the first worker starts, and the leader returns when
 * all workers have finished their writers.
 *
 * IDENTIFICATION
 *		src/commands/export_parallel.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "base/compat.h"
#include "commands/export.h"
#include "executor/execdesc.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

/* How often a leader that has no more to write looks at the client. */
#define WAIT_INTERVAL_MS 500

/* The planner numbers nodes from 0. */
#define EXPORT_PLAN_NODE_ID PG_INT32_MAX

typedef struct ExportScanState
{
	CustomScanState css;		/* must be first */

	/* set before the first row; borrowed in the leader, own in a worker */
	const ExportJob *job;
	S3UploadLog *log;
	S3Stats		stats;			/* of a worker */

	/* in the leader only */
	bool		takes_part;		/* also when there are workers */
	ParallelContext *pcxt;		/* the Gather's, or NULL */
} ExportScanState;

static Node *export_scan_create(CustomScan *scan);
static void export_scan_begin(CustomScanState *node, EState *estate, int eflags);
static TupleTableSlot *export_scan_exec(CustomScanState *node);
static void export_scan_end(CustomScanState *node);
static void export_scan_rescan(CustomScanState *node);
static Size export_scan_estimate(CustomScanState *node, ParallelContext *pcxt);
static void export_scan_share(CustomScanState *node, ParallelContext *pcxt, void *coordinate);
static void export_scan_join(CustomScanState *node, shm_toc *toc, void *coordinate);

static const CustomScanMethods scan_methods = {
	.CustomName = "s3_fdw export",
	.CreateCustomScanState = export_scan_create,
};

static const CustomExecMethods exec_methods = {
	.CustomName = "s3_fdw export",
	.BeginCustomScan = export_scan_begin,
	.ExecCustomScan = export_scan_exec,
	.EndCustomScan = export_scan_end,
	.ReScanCustomScan = export_scan_rescan,
	.EstimateDSMCustomScan = export_scan_estimate,
	.InitializeDSMCustomScan = export_scan_share,
	.InitializeWorkerCustomScan = export_scan_join,
};

/* ------------------------------------------------------------- the job in the plan */

/* What a worker needs to make the job again; only nodes that can be read back. */
static List *
job_to_list(const ExportJob *job)
{
	List	   *arguments = NIL;
	ListCell   *lc;

	foreach(lc, job->arguments)
	{
		DefElem    *argument = lfirst_node(DefElem, lc);

		arguments = lappend(arguments, makeString(argument->defname));
		arguments = lappend(arguments, makeString(strVal(argument->arg)));
	}
	return list_make4(list_make1_oid(job->serverid), makeString(job->location),
					  makeString(job->run_id), arguments);
}

static ExportJob *
job_from_list(const List *list, S3Stats *stats)
{
	List	   *strings = lfourth(list);
	List	   *arguments = NIL;

	for (int i = 0; i < list_length(strings); i += 2)
		arguments = lappend(arguments, makeDefElem(strVal(list_nth(strings, i)),
												   list_nth(strings, i + 1), -1));
	return export_job_create(linitial_oid((List *) linitial(list)), strVal(lsecond(list)),
							 arguments, strVal(lthird(list)), NULL, stats);
}

/* ------------------------------------------------------------------ the plan's node */

static Node *
export_scan_create(CustomScan *scan)
{
	ExportScanState *state = palloc0(sizeof(ExportScanState));

	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &exec_methods;
	return (Node *) state;
}

static void
export_scan_begin(CustomScanState *node, EState *estate, int eflags)
{
	outerPlanState(node) = ExecInitNode(outerPlan(node->ss.ps.plan), estate, eflags);
}

static void
export_scan_end(CustomScanState *node)
{
	ExecEndNode(outerPlanState(node));
}

static void
export_scan_rescan(CustomScanState *node)
{
	elog(ERROR, "an export cannot be scanned again");
}

/*
 * A row of the result.  The Gather's projection is done here, as its rows would
 * be those that are to be written.
 */
static TupleTableSlot *
result_row(CustomScanState *node, TupleTableSlot *row)
{
	TupleTableSlot *scan = node->ss.ss_ScanTupleSlot;
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	int			natts = scan->tts_tupleDescriptor->natts;

	if (node->ss.ps.ps_ProjInfo == NULL)
		return row;

	/* the projection is compiled for a virtual slot */
	slot_getallattrs(row);
	ExecClearTuple(scan);
	memcpy(scan->tts_values, row->tts_values, natts * sizeof(Datum));
	memcpy(scan->tts_isnull, row->tts_isnull, natts * sizeof(bool));
	ExecStoreVirtualTuple(scan);

	ResetExprContext(econtext);
	econtext->ecxt_scantuple = scan;
	return ExecProject(node->ss.ps.ps_ProjInfo);
}

/* Write the rows that fall to this process. */
static void
write_rows(ExportScanState *state)
{
	CustomScanState *node = &state->css;
	PlanState  *child = outerPlanState(node);
	TupleDesc	desc = ExecGetResultType(&node->ss.ps);
	ExportWriter *writer;

	writer = state->job->many ? export_files_create(state->job, desc, state->log) :
		export_shared_create(state->job, desc, state->log);
	for (;;)
	{
		TupleTableSlot *row = ExecProcNode(child);

		if (TupIsNull(row))
			break;
		CHECK_FOR_INTERRUPTS();
		writer->ops->row(writer, result_row(node, row));
	}
	writer->ops->finish(writer);
}

/*
 * A worker that has said good-bye has lost its error queue; one that stopped
 * otherwise makes the Gather report it.
 */
static bool
workers_are_running(const ParallelContext *pcxt)
{
	for (int i = 0; i < pcxt->nworkers_launched; i++)
	{
		pid_t		pid;

		if (pcxt->worker[i].error_mqh != NULL &&
			GetBackgroundWorkerPid(pcxt->worker[i].bgwhandle, &pid) != BGWH_STOPPED)
			return true;
	}
	return false;
}

/*
 * The Gather would wait for the workers too, but without a look at the client.
 * They set the latch when they end or report something, which
 * CHECK_FOR_INTERRUPTS() takes from them.
 */
static void
wait_for_workers(ExportScanState *state)
{
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (!workers_are_running(state->pcxt))
			return;
		export_check(state->job, state->log, 0, 0);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 WAIT_INTERVAL_MS, WAIT_EVENT_EXECUTE_GATHER);
		ResetLatch(MyLatch);
	}
}

/* All of it, in one call. */
static TupleTableSlot *
export_scan_exec(CustomScanState *node)
{
	ExportScanState *state = (ExportScanState *) node;
	bool		has_workers = state->pcxt && state->pcxt->nworkers_launched > 0;

	Assert(state->job && state->log);
	if (IsParallelWorker() || state->takes_part || !has_workers)
		write_rows(state);
	if (has_workers)
		wait_for_workers(state);
	return NULL;
}

/* ------------------------------------------------------------------- shared memory */

static Size
export_scan_estimate(CustomScanState *node, ParallelContext *pcxt)
{
	return sizeof(S3UploadLogShare);
}

static void
export_scan_share(CustomScanState *node, ParallelContext *pcxt, void *coordinate)
{
	ExportScanState *state = (ExportScanState *) node;

	*(S3UploadLogShare *) coordinate = s3_upload_log_share(state->log);
	state->pcxt = pcxt;
}

static void
export_scan_join(CustomScanState *node, shm_toc *toc, void *coordinate)
{
	ExportScanState *state = (ExportScanState *) node;
	CustomScan *scan = castNode(CustomScan, node->ss.ps.plan);
	MemoryContext save = MemoryContextSwitchTo(node->ss.ps.state->es_query_cxt);
	ExportJob  *job = job_from_list(scan->custom_private, &state->stats);

	state->job = job;
	state->log = s3_upload_log_attach(*(S3UploadLogShare *) coordinate, job->client);
	s3_client_share_rate(job->client, s3_upload_log_rate(state->log));
	MemoryContextSwitchTo(save);
}

/* ------------------------------------------------------------------------- planning */

/* The same that SPI says, where the leader runs the query alone. */
static void
query_error_context(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) arg);
	}
	else
		errcontext("SQL statement \"%s\"", (const char *) arg);
}

/* A SELECT whose rows may come in any order; NULL otherwise. */
static Query *
analyze_query(const char *text)
{
	List	   *statements = pg_parse_query(text);
	RawStmt    *raw;
	Query	   *query;

	if (list_length(statements) != 1)
		return NULL;
	raw = linitial_node(RawStmt, statements);
	if (!IsA(raw->stmt, SelectStmt))
		return NULL;
	statements = pg_analyze_and_rewrite_fixedparams(raw, text, NULL, 0, NULL);
	if (list_length(statements) != 1)
		return NULL;
	query = linitial_node(Query, statements);
	if (query->commandType != CMD_SELECT || query->utilityStmt != NULL ||
		query->hasModifyingCTE || query->sortClause != NIL || query->rowMarks != NIL)
		return NULL;
	return query;
}

/*
 * If free, no row has to be handed from process to process, which is what the
 * planner counts a tuple's way through the Gather at.
 */
static PlannedStmt *
plan_query(Query *query, const char *text, bool free)
{
	int			nest_level = NewGUCNestLevel();
	PlannedStmt *plan;

	if (free)
		(void) set_config_option("parallel_tuple_cost", "0", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	plan = pg_plan_query(copyObject(query), text, CURSOR_OPT_PARALLEL_OK, NULL);
	AtEOXact_GUC(true, nest_level);
	return plan;
}

/*
 * The Gather, if all that it does is to gather what workers made: its result
 * has columns of theirs, and constants, which the planner leaves to it.
 */
static Gather *
bare_gather(const PlannedStmt *plan)
{
	Gather	   *gather;
	ListCell   *lc;

	if (!plan->parallelModeNeeded || !IsA(plan->planTree, Gather))
		return NULL;
	gather = (Gather *) plan->planTree;
	if (gather->single_copy || gather->num_workers <= 0 || gather->plan.qual != NIL)
		return NULL;
	foreach(lc, gather->plan.targetlist)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);

		if (entry->resjunk)
			return NULL;
		if (IsA(entry->expr, Var) && ((Var *) entry->expr)->varno == OUTER_VAR)
			continue;
		if (!IsA(entry->expr, Const))
			return NULL;
	}
	return gather;
}

/* A column of the plan below that is the expression's value. */
static TargetEntry *
reference(Expr *expr, AttrNumber attno, char *name)
{
	Var		   *var = makeVar(OUTER_VAR, attno, exprType((Node *) expr),
							  exprTypmod((Node *) expr), exprCollation((Node *) expr), 0);

	return makeTargetEntry((Expr *) var, attno, name, false);
}

/*
 * Put our node below the Gather.  It has the Gather's result, by the names the
 * query gives to columns.  The child is its left tree rather than one of
 * custom_plans, so that a plan which is shown has names for columns.
 */
static void
insert_node(Gather *gather, const ExportJob *job)
{
	Plan	   *child = outerPlan(gather);
	CustomScan *scan = makeNode(CustomScan);
	List	   *gathered = NIL;
	ListCell   *lc;

	scan->scan.plan = *child;	/* costs, rows, parameters */
	scan->scan.plan.type = T_CustomScan;
	scan->scan.plan.parallel_aware = true;
	scan->scan.plan.parallel_safe = true;
	scan->scan.plan.async_capable = false;
	scan->scan.plan.plan_node_id = EXPORT_PLAN_NODE_ID;
	scan->scan.plan.targetlist = NIL;
	scan->scan.plan.qual = NIL;
	scan->scan.plan.lefttree = child;
	scan->scan.plan.righttree = NULL;
	scan->scan.plan.initPlan = NIL;
	scan->scan.scanrelid = 0;
	scan->custom_private = job_to_list(job);
	scan->methods = &scan_methods;

	foreach(lc, child->targetlist)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);

		scan->custom_scan_tlist = lappend(scan->custom_scan_tlist,
										  reference(entry->expr, entry->resno, entry->resname));
	}
	foreach(lc, gather->plan.targetlist)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);
		Expr	   *expr = copyObject(entry->expr);

		if (IsA(expr, Var))
			((Var *) expr)->varno = INDEX_VAR;
		scan->scan.plan.targetlist = lappend(scan->scan.plan.targetlist,
											 makeTargetEntry(expr, entry->resno,
															 entry->resname, false));
		gathered = lappend(gathered, reference(expr, entry->resno, entry->resname));
	}
	gather->plan.targetlist = gathered;
	outerPlan(gather) = &scan->scan.plan;
}

/* -------------------------------------------------------------------------- running */

/* The state of our node in the leader. */
static ExportScanState *
find_node(QueryDesc *query)
{
	PlanState  *node = outerPlanState(query->planstate);

	if (node == NULL || !IsA(node, CustomScanState) ||
		((CustomScanState *) node)->methods != &exec_methods)
		elog(ERROR, "export node not found in the plan");
	return (ExportScanState *) node;
}

/*
 * Even a leader that is not to take part runs our node, where it waits better
 * than in the Gather; the node goes by the setting as it was.
 */
static void
run_query(QueryDesc *query, ExportScanState *state)
{
	int			nest_level = NewGUCNestLevel();

	state->takes_part = parallel_leader_participation;
	if (!parallel_leader_participation)
		(void) set_config_option("parallel_leader_participation", "on", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	EXECUTOR_RUN_ALL(query);
	AtEOXact_GUC(true, nest_level);
	ExecutorFinish(query);
	ExecutorEnd(query);
}

bool
export_run_parallel(const char *query, const ExportJob *job, ExportPrepare prepare,
					void *arg, TupleDesc *desc)
{
	ErrorContextCallback context = {error_context_stack, query_error_context, (void *) query};
	MemoryContext plan_cxt;
	MemoryContext caller_cxt = CurrentMemoryContext;
	Query	   *analyzed;
	PlannedStmt *plan = NULL;
	Gather	   *gather = NULL;
	QueryDesc  *query_desc;
	ExportScanState *state;

	/* A worker has no workers, and an operation in progress no new command. */
	if (max_parallel_workers_per_gather == 0 || IsInParallelMode())
		return false;

	plan_cxt = AllocSetContextCreate(caller_cxt, "s3_fdw export plan", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(plan_cxt);
	error_context_stack = &context;
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	analyzed = analyze_query(query);
	if (analyzed)
	{
		plan = plan_query(analyzed, query, true);
		gather = bare_gather(plan);

		/* Where rows cost nothing, one may be put below a join. */
		if (gather == NULL && plan->parallelModeNeeded)
		{
			plan = plan_query(analyzed, query, false);
			gather = bare_gather(plan);
		}
	}
	if (gather)
	{
		insert_node(gather, job);
		query_desc = CreateQueryDesc(plan, query, GetActiveSnapshot(), InvalidSnapshot,
									 None_Receiver, NULL, NULL, 0);
		ExecutorStart(query_desc, 0);
		state = find_node(query_desc);
		error_context_stack = context.previous;

		MemoryContextSwitchTo(caller_cxt);
		*desc = CreateTupleDescCopy(query_desc->tupDesc);
		state->job = job;
		state->log = prepare(arg);

		MemoryContextSwitchTo(plan_cxt);
		error_context_stack = &context;
		run_query(query_desc, state);
		FreeQueryDesc(query_desc);
	}
	PopActiveSnapshot();
	error_context_stack = context.previous;
	MemoryContextSwitchTo(caller_cxt);
	MemoryContextDelete(plan_cxt);
	return gather != NULL;
}

void
export_parallel_init(void)
{
	RegisterCustomScanMethods(&scan_methods);
}
