/*-------------------------------------------------------------------------
 *
 * plan.c
 *		Sizes, costs, paths and plan of a scan.
 *
 * Above: the planner.  Below: estimate.c, which lists and samples.  ANALYZE
 * leaves rows, and bytes as pages, in pg_class; the present listing tells how
 * many times that is there now.
 *
 * Clauses that look only at columns about the object go into the plan twice:
 * as quals, like all others, and for the scan to choose objects by.
 *
 * IDENTIFICATION
 *		src/fdw/plan.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/sysattr.h"
#include "access/table.h"
#include "base/compat.h"
#include "base/config.h"
#include "base/option.h"
#include "fdw/estimate.h"
#include "fdw/fdw.h"
#include "fdw/layout.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Bytes of one uncompressed object that make it worth to be cut in two. */
#define MIN_SPLIT_BYTES (1024 * 1024)

/*
 * A table of so few pages when it was analyzed may be much smaller than these
 * pages: bytes per row do not follow from them.
 */
#define FEW_PAGES 8

/* A request is worth so many pages read in order. */
#define REQUEST_COST_PAGES 25.0

/* GetForeignRelSize's findings, for those that follow. */
typedef struct S3PlanInfo
{
	S3TableOptions *options;
	S3Layout   *layout;
	TableEstimate size;			/* of the objects that clauses let pass */
	double		tuples;			/* in these */
} S3PlanInfo;

/* --------------------------------------------------------------------- clauses */

/* Is there something that has another value in each rescan? */
static bool
has_exec_param(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind != PARAM_EXTERN)
		return true;
	if (IsA(node, CurrentOfExpr))
		return true;
	return expression_tree_walker(node, has_exec_param, context);
}

/* Is there something that has no value, or no final form, while planning? */
static bool
needs_execution(Node *node, void *context)
{
	if (node == NULL)
		return false;
	return IsA(node, Param) || IsA(node, PlaceHolderVar) ||
		expression_tree_walker(node, needs_execution, context);
}

/* Does the clause look at columns about the object only, and at one at least? */
static bool
is_about_object(RelOptInfo *baserel, const S3Layout *layout, RestrictInfo *rinfo)
{
	Node	   *clause = (Node *) rinfo->clause;
	Bitmapset  *attrs = NULL;
	int			member = -1;

	/*
	 * It is evaluated before all others, so it must be one that may see what
	 * they would have filtered out.
	 */
	if (rinfo->pseudoconstant || !restriction_is_securely_promotable(rinfo, baserel) ||
		!bms_equal(rinfo->clause_relids, baserel->relids) ||
		contain_volatile_functions(clause) || contain_subplans(clause) ||
		has_exec_param(clause, NULL))
		return false;
	pull_varattnos(clause, baserel->relid, &attrs);
	while ((member = bms_next_member(attrs, member)) >= 0)
	{
		int			attnum = member + FirstLowInvalidHeapAttributeNumber;

		if (attnum <= 0 || !layout_is_of_object(layout, attnum))
			return false;
	}
	return !bms_is_empty(attrs);
}

/*
 * Of RestrictInfos, the clauses about the object; rest, if not NULL, gets the
 * RestrictInfos of the others.
 */
static List *
object_clauses(RelOptInfo *baserel, const S3Layout *layout, List *restrictinfo, List **rest)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, restrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (is_about_object(baserel, layout, rinfo))
			result = lappend(result, rinfo->clause);
		else if (rest)
			*rest = lappend(*rest, rinfo);
	}
	return result;
}

static S3Layout *
make_layout(Oid relid, const S3TableOptions *options, S3ColumnOptions ***column_options)
{
	Relation	rel = table_open(relid, NoLock);
	TupleDesc	desc = RelationGetDescr(rel);
	S3ColumnOptions **columns = palloc0(Max(1, desc->natts) * sizeof(S3ColumnOptions *));
	S3Layout   *layout;

	*column_options = columns;
	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped)
			columns[i] = s3_column_options(relid, i + 1);
	}
	layout = layout_create(desc, options, columns);
	table_close(rel, NoLock);
	return layout;
}

/* ------------------------------------------------------------------- estimates */

/* Bytes of one row in a file: each column's usual width and a separator. */
static double
row_bytes(Oid relid, int format, const S3Layout *layout)
{
	Relation	rel = table_open(relid, NoLock);
	TupleDesc	desc = RelationGetDescr(rel);
	double		bytes = 1;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (attr->attisdropped || layout_is_external(layout, attr->attnum))
			continue;
		bytes += 1 + Max(4, get_attavgwidth(relid, attr->attnum) > 0 ?
						 get_attavgwidth(relid, attr->attnum) :
						 get_typavgwidth(attr->atttypid, attr->atttypmod));
		if (format == FORMAT_JSON)
			bytes += strlen(NameStr(attr->attname)) + 3;
	}
	table_close(rel, NoLock);
	return bytes;
}

/*
 * The executor checks privileges, but only when the query is planned already:
 * nothing may be asked of the service for a user it will refuse.  Of a child
 * table it looks at the parent.
 */
static bool
may_read(PlannerInfo *root, RelOptInfo *baserel, Oid relid, Oid userid)
{
	if (baserel->top_parent_relids)
	{
		int			parent = bms_next_member(baserel->top_parent_relids, -1);

		if (planner_rt_fetch(parent, root)->rtekind == RTE_RELATION)
			relid = planner_rt_fetch(parent, root)->relid;
	}
	return pg_class_aclcheck(relid, userid, ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck_all(relid, userid, ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK;
}

/*
 * Of more keys than are listed for an estimate, ANALYZE has seen all: the share
 * of them that the clauses let pass is then in the statistics.
 */
static void
complete_size(PlannerInfo *root, RelOptInfo *baserel, List *clauses, TableEstimate *size)
{
	double		expected = (double) baserel->pages * BLCKSZ *
		clauselist_selectivity(root, clauses, 0, JOIN_INNER, NULL);

	if (size->complete || size->stored <= 0 || expected <= size->stored)
		return;
	size->objects *= expected / size->stored;
	size->bytes *= expected / size->stored;
	size->split_bytes *= expected / size->stored;
	size->stored = expected;
}

static double
count_tuples(Oid relid, const RelOptInfo *baserel, const S3PlanInfo *info)
{
	const TableEstimate *size = &info->size;
	bool		analyzed = baserel->tuples >= 0 && baserel->pages > 0;

	if (analyzed && baserel->pages >= FEW_PAGES)
		return baserel->tuples * size->stored / ((double) baserel->pages * BLCKSZ);
	if (size->row_bytes > 0)
		return size->bytes / size->row_bytes;
	if (analyzed)
		return baserel->tuples * ceil(size->stored / BLCKSZ) / baserel->pages;
	return size->bytes / row_bytes(relid, info->options->format.format, info->layout);
}

/* Columns that have no statistics are as wide as in the sample. */
static void
set_widths(RelOptInfo *baserel, Oid relid, const TableEstimate *size)
{
	ListCell   *lc;

	foreach(lc, baserel->reltarget->exprs)
	{
		Var		   *var = lfirst(lc);
		int32	   *width;

		if (!IsA(var, Var) || var->varattno <= 0 || var->varattno > size->natts ||
			size->widths[var->varattno - 1] == 0 || get_attavgwidth(relid, var->varattno) > 0)
			continue;
		width = &baserel->attr_widths[var->varattno - baserel->min_attr];
		baserel->reltarget->width += size->widths[var->varattno - 1] - *width;
		*width = size->widths[var->varattno - 1];
	}
}

void
s3GetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel, Oid foreigntableid)
{
	Oid			userid = OidIsValid(baserel->userid) ? baserel->userid : GetUserId();
	S3PlanInfo *info = palloc0(sizeof(S3PlanInfo));
	S3ColumnOptions **columns;
	List	   *clauses;
	List	   *rest = NIL;

	info->options = s3_table_options(foreigntableid);
	info->layout = make_layout(foreigntableid, info->options, &columns);
	clauses = object_clauses(baserel, info->layout, baserel->baserestrictinfo, &rest);

	/* What depends on a parameter of the query cannot be counted yet. */
	if (needs_execution((Node *) clauses, NULL))
	{
		clauses = NIL;
		rest = baserel->baserestrictinfo;
	}
	if (may_read(root, baserel, foreigntableid, userid))
	{
		estimate_get(foreigntableid, userid, info->options, info->layout, columns, clauses,
					 s3_plan_sample_size > 0 &&
					 (baserel->tuples < 0 || baserel->pages < FEW_PAGES),
					 &info->size);
		complete_size(root, baserel, clauses, &info->size);
		set_widths(baserel, foreigntableid, &info->size);
	}
	info->tuples = Max(1.0, rint(count_tuples(foreigntableid, baserel, info)));

	baserel->fdw_private = info;

	/* Statistics are about all rows, not those in the objects that are read. */
	baserel->tuples = clauses ? Max(info->tuples, baserel->tuples) : info->tuples;
	baserel->rows = clamp_row_est(info->tuples *
								  clauselist_selectivity(root, rest, 0, JOIN_INNER, NULL));
}

/* A path for one process, or for one of so many workers and the leader. */
static Path *
make_path(PlannerInfo *root, RelOptInfo *baserel, int workers)
{
	S3PlanInfo *info = baserel->fdw_private;
	double		share = 1.0;
	Cost		startup;
	Cost		run;
	Path	   *path;

	/* The leader has the less time to scan the more workers it serves. */
	if (workers > 0)
		share = workers + (parallel_leader_participation ? Max(0.0, 1.0 - 0.3 * workers) : 0.0);

	/*
	 * Reading a page's worth of bytes costs about what a sequential page read
	 * does; making a row of text costs some operators per column.
	 */
	startup = 2 * REQUEST_COST_PAGES * seq_page_cost + baserel->baserestrictcost.startup;
	run = info->size.objects * seq_page_cost + seq_page_cost * info->size.bytes / BLCKSZ +
		(cpu_tuple_cost * 5 + baserel->baserestrictcost.per_tuple) * info->tuples;

	path = (Path *) create_foreignscan_path(root, baserel,
											NULL,	/* default pathtarget */
											clamp_row_est(baserel->rows / share)
											DISABLED_NODES_ARG,
											startup,
											startup + run / share,
											NIL,	/* no pathkeys */
											baserel->lateral_relids,
											NULL	/* no extra plan */
											FDW_RESTRICTINFO_ARG,
											NIL);

	/*
	 * Processes that each listed the location for themselves could see
	 * different objects: a scan runs either in one, or shared.
	 */
	path->parallel_safe = workers > 0;
	path->parallel_aware = workers > 0;
	path->parallel_workers = workers;
	return path;
}

void
s3GetForeignPaths(PlannerInfo *root, RelOptInfo *baserel, Oid foreigntableid)
{
	S3PlanInfo *info = baserel->fdw_private;

	add_path(baserel, make_path(root, baserel, 0));

	/* As many can be busy as there are objects, and stretches of large ones. */
	if (baserel->consider_parallel && baserel->lateral_relids == NULL)
	{
		double		chunks = info->size.objects - 1 +
			ceil(info->size.split_bytes / Min(s3_chunk_size, MIN_SPLIT_BYTES));
		int			workers = 0;

		if (chunks > 1)
			workers = compute_parallel_worker(baserel, ceil(info->size.bytes / BLCKSZ), -1,
											  max_parallel_workers_per_gather);
		workers = (int) Min((double) workers, chunks);
		if (workers > 0)
			add_partial_path(baserel, make_path(root, baserel, workers));
	}
}

/* The attributes that the query looks at. */
static List *
needed_attributes(RelOptInfo *baserel, Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	TupleDesc	desc = RelationGetDescr(rel);
	Bitmapset  *used = NULL;
	List	   *result = NIL;
	ListCell   *lc;
	bool		all;

	pull_varattnos((Node *) baserel->reltarget->exprs, baserel->relid, &used);
	foreach(lc, baserel->baserestrictinfo)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, lc)->clause, baserel->relid, &used);

	all = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used);
	for (int attno = 1; attno <= desc->natts; attno++)
	{
		if (TupleDescAttr(desc, attno - 1)->attisdropped)
			continue;
		if (all || bms_is_member(attno - FirstLowInvalidHeapAttributeNumber, used))
			result = lappend_int(result, attno);
	}
	table_close(rel, NoLock);
	return result;
}

ForeignScan *
s3GetForeignPlan(PlannerInfo *root, RelOptInfo *baserel, Oid foreigntableid,
				 ForeignPath *best_path, List *tlist, List *scan_clauses,
				 Plan *outer_plan)
{
	S3PlanInfo *info = baserel->fdw_private;
	List	   *private = list_make1(needed_attributes(baserel, foreigntableid));

	Assert(list_length(private) == S3_SCAN_PRIVATE_LENGTH);
	return make_foreignscan(tlist,
							extract_actual_clauses(scan_clauses, false),
							baserel->relid,
							object_clauses(baserel, info->layout, scan_clauses, NULL),
							private,
							NIL,	/* no custom tlist */
							NIL,	/* no remote quals */
							outer_plan);
}
