/*-------------------------------------------------------------------------
 *
 * load.c
 *		Rows of S3 objects into a table, by INSERT's rules, without a foreign
 *		table.
 *
 * "INSERT INTO target (columns) VALUES ($1, ...)" is analyzed, rewritten and
 * planned as any statement; then a node of ours takes the place of the one that
 * would bring the single row of VALUES:
 *
 *	ModifyTable
 *	  -> Custom Scan (s3_fdw load)	a row per record; $n are its columns
 *
 * So what a table does with rows, and who may insert them, is the executor's
 * business.  The node runs in the process of the statement and never elsewhere.
 *
 * Above: redshift/copy.c.  Below: fdw/scan.h, which reads.
 *
 * Invariant: privileges have been checked before anything is asked of the
 * service.
 *
 * IDENTIFICATION
 *		src/commands/load.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "base/compat.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "commands/load.h"
#include "executor/execdesc.h"
#include "executor/executor.h"
#include "fdw/scan.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parsetree.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

typedef struct Load
{
	/* constant */
	const LoadJob *job;
	LoadChooser choose;			/* or NULL */
	LoadedObjectHandler per_object; /* or NULL */
	void	   *arg;			/* of both */
	LoadResult *result;
	Relation	rel;
	TupleDesc	desc;			/* of the rows that are read */
	AttrNumber *attnums;		/* its columns in rel */
	S3ScanState *scan;			/* NULL until privileges have been checked */

	bool		reading;		/* errors are the scan's, which tells their place */

	/* the object being read; its key is NULL if there is none */
	LoadedObject object;
	MemoryContext object_cxt;	/* holds its strings */
	int64		rejected_before;	/* in other objects */
} Load;

typedef struct LoadScanState
{
	CustomScanState css;		/* must be first */
	Load	   *load;			/* borrowed; set before the first row */
} LoadScanState;

static Node *load_scan_create(CustomScan *scan);
static void load_scan_begin(CustomScanState *node, EState *estate, int eflags);
static TupleTableSlot *load_scan_exec(CustomScanState *node);
static void load_scan_end(CustomScanState *node);
static void load_scan_rescan(CustomScanState *node);

static const CustomScanMethods scan_methods = {
	.CustomName = "s3_fdw load",
	.CreateCustomScanState = load_scan_create,
};

static const CustomExecMethods exec_methods = {
	.CustomName = "s3_fdw load",
	.BeginCustomScan = load_scan_begin,
	.ExecCustomScan = load_scan_exec,
	.EndCustomScan = load_scan_end,
	.ReScanCustomScan = load_scan_rescan,
};

/* ------------------------------------------------------------------------- objects */

/* What is left out: rows, and what could not be taken apart any further. */
static int64
count_rejected(const Load *load)
{
	Reject	   *reject = load->scan->reject;

	return reject ? reject_count(reject, REJECT_ROW) + reject_count(reject, REJECT_OBJECT) : 0;
}

/* The object is at its end, if there was one. */
static void
finish_object(Load *load)
{
	LoadedObject *object = &load->object;

	if (object->key == NULL)
		return;
	object->rejected = count_rejected(load) - load->rejected_before;
	object->rows += object->rejected;
	if (load->per_object)
	{
		MemoryContext save = MemoryContextSwitchTo(load->object_cxt);

		load->per_object(load->arg, object);
		MemoryContextSwitchTo(save);
	}
	object->key = NULL;
}

static void
begin_object(Load *load)
{
	ManifestObject found;
	MemoryContext save;

	manifest_object(load->scan->manifest, load->scan->object, &found);
	MemoryContextReset(load->object_cxt);
	save = MemoryContextSwitchTo(load->object_cxt);
	load->object.bucket = pstrdup(found.bucket);
	load->object.key = pstrdup(found.info.key);
	load->object.etag = found.info.etag ? pstrdup(found.info.etag) : NULL;
	load->object.size = found.info.size;
	load->object.rows = 0;
	load->rejected_before = count_rejected(load);
	MemoryContextSwitchTo(save);
	load->result->objects++;
	load->result->bytes += found.info.size;
}

/* What scan->open_chunk calls: a chunk is an object here. */
static bool
open_object(S3ScanState *scan)
{
	Load	   *load = scan->open_arg;

	finish_object(load);
	if (!scan_open_chunk(scan))
		return false;
	begin_object(load);
	return true;
}

static bool
choose_object(void *arg, const ManifestObject *object)
{
	const Load *load = arg;

	return load->choose(load->arg, object->bucket, object->info.key, object->info.etag,
						object->info.size);
}

/* ---------------------------------------------------------------------------- rows */

/*
 * NULL in these columns is a fault of the data, unless a trigger may have
 * another value to put there.
 */
static void
set_not_null(Load *load)
{
	S3ScanState *scan = load->scan;
	const TriggerDesc *triggers = load->rel->trigdesc;
	TupleDesc	target = RelationGetDescr(load->rel);

	if (!load->job->check_not_null || scan->reject == NULL ||
		scan->options->on_error == ON_ERROR_STOP || (triggers && triggers->trig_insert_before_row))
		return;
	scan->not_null = palloc(load->desc->natts * sizeof(AttrNumber));
	for (int i = 0; i < load->desc->natts; i++)
	{
		if (TupleDescAttr(target, load->attnums[i] - 1)->attnotnull)
			scan->not_null[scan->nnot_null++] = i + 1;
	}
}

/* List what there is, and get ready to read it. */
static void
begin_scan(Load *load, ExprContext *econtext)
{
	const LoadJob *job = load->job;
	ScanInput	input = {
		.rel = load->rel,.is_load = true,.desc = load->desc,.attnums = load->attnums,
		.options = job->options,.column_options = job->columns,
		.userid = GetUserId()
	};
	S3ScanState *scan = scan_create_for(&input, job->client);
	bool	   *needed = palloc(load->desc->natts * sizeof(bool));

	load->scan = scan;
	scan->open_chunk = open_object;
	scan->open_arg = load;
	memset(needed, true, load->desc->natts * sizeof(bool));
	scan_begin(scan, needed, econtext);
	set_not_null(load);
	scan_list_objects(scan);
	load->result->listed = scan->manifest->listed;
	if (load->choose)
		scan->manifest = manifest_filter(scan->manifest, choose_object, load);
	scan_read_alone(scan);
	watch_begin(&scan->watch, RelationGetRelid(load->rel), scan->manifest->bytes);
}

static bool
next_row(Load *load, TupleTableSlot *slot)
{
	bool		found;

	load->reading = true;
	found = scan_next(load->scan, slot);
	load->reading = false;
	if (found)
		load->object.rows++;
	return found;
}

/* What a row of the file does to the table may fail, too. */
static void
load_error_context(void *arg)
{
	const Load *load = arg;

	if (load->scan && !load->reading)
		scan_tell_place(load->scan);
}

/* ------------------------------------------------------------------ the plan's node */

static Node *
load_scan_create(CustomScan *scan)
{
	LoadScanState *state = palloc0(sizeof(LoadScanState));

	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &exec_methods;
	return (Node *) state;
}

static void
load_scan_begin(CustomScanState *node, EState *estate, int eflags)
{
}

static TupleTableSlot *
load_scan_exec(CustomScanState *node)
{
	LoadScanState *state = (LoadScanState *) node;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	MemoryContext save;
	bool		found;

	Assert(state->load);
	ResetExprContext(econtext);
	ExecClearTuple(slot);
	save = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
	found = next_row(state->load, slot);
	MemoryContextSwitchTo(save);
	if (!found)
		return NULL;
	if (node->ss.ps.ps_ProjInfo == NULL)
		return slot;
	econtext->ecxt_scantuple = slot;
	return ExecProject(node->ss.ps.ps_ProjInfo);
}

static void
load_scan_end(CustomScanState *node)
{
}

static void
load_scan_rescan(CustomScanState *node)
{
	elog(ERROR, "a load cannot be repeated");
}

/* ------------------------------------------------------------------------- planning */

/* A message about the statement that was made must not point into the user's. */
static void
statement_error_context(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) arg);
	}
}

/* The text of the INSERT; all names in it are quoted. */
static char *
make_statement(const Load *load)
{
	StringInfoData text;
	bool		overrides = false;

	initStringInfo(&text);
	appendStringInfo(&text, "INSERT INTO %s (",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(load->rel)),
												RelationGetRelationName(load->rel)));
	for (int i = 0; i < load->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(load->rel), load->attnums[i] - 1);

		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "", quote_identifier(NameStr(att->attname)));
		if (att->attidentity == ATTRIBUTE_IDENTITY_ALWAYS)
			overrides = true;
	}
	appendStringInfo(&text, ")%s VALUES (", overrides ? " OVERRIDING SYSTEM VALUE" : "");
	for (int i = 0; i < load->desc->natts; i++)
		appendStringInfo(&text, "%s$%d", i > 0 ? ", " : "", i + 1);
	appendStringInfoChar(&text, ')');
	return text.data;
}

static void
report_rule(const Load *load, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot load into \"%s\" because of its rules",
					RelationGetRelationName(load->rel)),
			 errdetail_internal("%s", detail)));
}

static PlannedStmt *
plan_statement(const Load *load, const char *text)
{
	RawStmt    *raw = linitial_node(RawStmt, pg_parse_query(text));
	Oid		   *types = palloc(load->desc->natts * sizeof(Oid));
	List	   *queries;
	Query	   *query;

	for (int i = 0; i < load->desc->natts; i++)
		types[i] = TupleDescAttr(load->desc, i)->atttypid;
	query = parse_analyze_fixedparams(raw, text, types, load->desc->natts, NULL);

	/* Names were looked up again, and what holds them may have been renamed. */
	if (rt_fetch(query->resultRelation, query->rtable)->relid != RelationGetRelid(load->rel))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" was renamed meanwhile", RelationGetRelationName(load->rel))));
	queries = pg_rewrite_query(query);
	if (list_length(queries) != 1)
		report_rule(load, _("An INSERT becomes several statements, or none."));
	query = linitial_node(Query, queries);
	if (query->commandType != CMD_INSERT)
		report_rule(load, _("An INSERT becomes another statement."));
	return pg_plan_query(query, text, 0, NULL);
}

/*
 * A column of what is read.  Values have the modifier of the column's type
 * already, so that nothing needs to be done for it.
 */
static Node *
replace_parameters(Node *node, void *context)
{
	TupleDesc	desc = context;
	Param	   *param = (Param *) node;
	Form_pg_attribute att;
	int32		typmod;

	if (node == NULL)
		return NULL;
	if (IsA(node, FuncExpr) && exprIsLengthCoercion(node, &typmod))
	{
		Node	   *argument = linitial(((FuncExpr *) node)->args);

		if (IsA(argument, Param) && ((Param *) argument)->paramkind == PARAM_EXTERN &&
			TupleDescAttr(desc, ((Param *) argument)->paramid - 1)->atttypmod == typmod)
			return replace_parameters(argument, context);
	}
	if (!IsA(node, Param) || param->paramkind != PARAM_EXTERN)
		return expression_tree_mutator(node, replace_parameters, context);
	att = TupleDescAttr(desc, param->paramid - 1);
	return (Node *) makeVar(INDEX_VAR, param->paramid, att->atttypid, att->atttypmod,
							att->attcollation, 0);
}

/* Put our node where the row of VALUES would come from. */
static void
insert_node(const Load *load, PlannedStmt *plan)
{
	ModifyTable *modify = (ModifyTable *) plan->planTree;
	Result	   *values;
	CustomScan *scan;

	if (!IsA(modify, ModifyTable) || modify->operation != CMD_INSERT ||
		outerPlan(modify) == NULL || !IsA(outerPlan(modify), Result))
		report_rule(load, _("An INSERT becomes a statement with a query."));
	values = (Result *) outerPlan(modify);
	if (outerPlan(values) != NULL || values->resconstantqual != NULL || values->plan.qual != NIL)
		report_rule(load, _("An INSERT becomes a statement with a query."));

	scan = makeNode(CustomScan);
	scan->scan.plan = values->plan; /* costs, number, initPlan, parameters */
	scan->scan.plan.type = T_CustomScan;
	scan->scan.plan.parallel_aware = false;
	scan->scan.plan.parallel_safe = false;
	scan->scan.plan.async_capable = false;
	scan->scan.plan.targetlist = (List *) replace_parameters((Node *) values->plan.targetlist,
															 load->desc);
	scan->scan.scanrelid = 0;
	scan->methods = &scan_methods;
	for (int i = 0; i < load->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(load->desc, i);

		/* only its type is of interest */
		scan->custom_scan_tlist =
			lappend(scan->custom_scan_tlist,
					makeTargetEntry((Expr *) makeNullConst(att->atttypid, att->atttypmod,
														   att->attcollation),
									i + 1, pstrdup(NameStr(att->attname)), false));
	}
	outerPlan(modify) = &scan->scan.plan;
}

/* -------------------------------------------------------------------------- running */

static LoadScanState *
find_node(QueryDesc *query)
{
	PlanState  *node = outerPlanState(query->planstate);

	if (node == NULL || !IsA(node, CustomScanState) ||
		((CustomScanState *) node)->methods != &exec_methods)
		elog(ERROR, "load node not found in the plan");
	return (LoadScanState *) node;
}

/* All rows, for what they are worth. */
static void
read_only(LoadScanState *state)
{
	for (;;)
	{
		TupleTableSlot *slot = ExecProcNode(&state->css.ss.ps);

		if (TupIsNull(slot))
			break;
		CHECK_FOR_INTERRUPTS();
	}
}

static void
run_plan(Load *load, PlannedStmt *plan, const char *text)
{
	ErrorContextCallback context = {error_context_stack, load_error_context, load};
	QueryDesc  *query = CreateQueryDesc(plan, text, GetActiveSnapshot(), InvalidSnapshot,
										None_Receiver, NULL, NULL, 0);
	LoadScanState *state;

	ExecutorStart(query, 0);
	state = find_node(query);
	state->load = load;
	begin_scan(load, state->css.ss.ps.ps_ExprContext);
	error_context_stack = &context;
	if (load->job->no_load)
		read_only(state);
	else
		EXECUTOR_RUN_ALL(query);
	error_context_stack = context.previous;
	scan_end(load->scan);
	load->result->rows = (int64) query->estate->es_processed;
	ExecutorFinish(query);
	ExecutorEnd(query);
	FreeQueryDesc(query);
}

/* The columns that are loaded, in the order of fields. */
static void
set_columns(Load *load)
{
	TupleDesc	target = RelationGetDescr(load->rel);
	int			natts = list_length(load->job->attnums);
	ListCell   *lc;

	if (natts == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" has no column to load",
						RelationGetRelationName(load->rel))));
	load->desc = CreateTemplateTupleDesc(natts);
	load->attnums = palloc(natts * sizeof(AttrNumber));
	foreach(lc, load->job->attnums)
	{
		Form_pg_attribute att = TupleDescAttr(target, lfirst_int(lc) - 1);
		int			i = foreach_current_index(lc);

		load->attnums[i] = att->attnum;
		TupleDescInitEntry(load->desc, i + 1, NameStr(att->attname), att->atttypid,
						   att->atttypmod, att->attndims);
		TupleDescInitEntryCollation(load->desc, i + 1, att->attcollation);
	}
}

/* What was counted, when all is read or has failed. */
static void
take_counts(Load *load)
{
	Reject	   *reject = load->scan ? load->scan->reject : NULL;

	if (reject == NULL)
		return;
	load->result->rejected = count_rejected(load);
	load->result->repaired = reject_count(reject, REJECT_REPAIRED) +
		reject_count(reject, REJECT_VALUE);
	load->result->too_much = reject_was_too_much(reject);
}

void
load_run(const LoadJob *job, LoadChooser choose, LoadedObjectHandler per_object,
		 void *arg, LoadResult *result)
{
	MemoryContext caller_cxt = CurrentMemoryContext;
	MemoryContext cxt = AllocSetContextCreate(caller_cxt, "s3_fdw load", ALLOCSET_DEFAULT_SIZES);
	ErrorContextCallback context;
	Load	   *load;
	PlannedStmt *plan;
	char	   *text;

	MemoryContextSwitchTo(cxt);
	memset(result, 0, sizeof(*result));
	load = palloc0(sizeof(Load));
	load->job = job;
	load->choose = choose;
	load->per_object = per_object;
	load->arg = arg;
	load->result = result;
	load->object_cxt = AllocSetContextCreate(cxt, "s3_fdw loaded object", ALLOCSET_SMALL_SIZES);
	load->rel = table_open(job->relid, NoLock);
	set_columns(load);
	text = make_statement(load);

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	context.callback = statement_error_context;
	context.arg = text;
	context.previous = error_context_stack;
	error_context_stack = &context;
	plan = plan_statement(load, text);
	insert_node(load, plan);
	PG_TRY();
	{
		run_plan(load, plan, text);
		take_counts(load);
	}
	PG_CATCH();
	{
		take_counts(load);
		if (load->scan && load->scan->reject)
			reject_give_up(load->scan->reject);
		PG_RE_THROW();
	}
	PG_END_TRY();
	error_context_stack = context.previous;
	PopActiveSnapshot();
	CommandCounterIncrement();
	table_close(load->rel, NoLock);
	MemoryContextSwitchTo(caller_cxt);
	MemoryContextDelete(cxt);
}

void
load_init(void)
{
	RegisterCustomScanMethods(&scan_methods);
}
