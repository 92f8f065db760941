/*-------------------------------------------------------------------------
 *
 * plan.c
 *		Sizes, costs, paths and plan of a scan.
 *
 * Above: the planner.  A listing is what tells the size of a location; its
 * sums are remembered for a minute, since planning the same tables again and
 * again should cost no network.  Only costs come from there: a scan always
 * makes a listing of its own.
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
#include "common/hashfn.h"
#include "fdw/fdw.h"
#include "fdw/layout.h"
#include "fdw/manifest.h"
#include "fdw/stretch.h"
#include "foreign/foreign.h"
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
#include "utils/timestamp.h"

/* How long the sums of a listing serve for estimates. */
#define ESTIMATE_AGE_MS 60000
#define MAX_ESTIMATES 64

/* Keys listed for an estimate; of more, the beginning has to speak for all. */
#define ESTIMATE_KEYS 5000

/* Bytes of one uncompressed object that make it worth to be cut in two. */
#define MIN_SPLIT_BYTES (1024 * 1024)

/* What text usually shrinks to. */
static const struct
{
	const char *suffix;
	int			compression;
	double		ratio;
}			ratios[] = {
	{".gz", COMPRESSION_GZIP, 4.0},
	{".zst", COMPRESSION_ZSTD, 4.0},
	{".bz2", COMPRESSION_BZIP2, 5.0},
	{".xz", COMPRESSION_XZ, 6.0},
	{".lz4", COMPRESSION_LZ4, 2.5}
};

/* A request is worth so many pages read in order. */
#define REQUEST_COST_PAGES 25.0

typedef struct Estimate
{
	Oid			relid;
	Oid			userid;
	uint64		clauses;		/* hash of those that were used; 0: none */
	TimestampTz taken;
	int64		objects;
	double		bytes;			/* uncompressed, as far as known */
	double		split_bytes;	/* of those, in objects that can be cut */
} Estimate;

static Estimate estimates[MAX_ESTIMATES];
static int	nestimates = 0;

/* GetForeignRelSize's findings, for those that follow. */
typedef struct S3PlanInfo
{
	S3TableOptions *options;
	S3Layout   *layout;
	int64		objects;
	double		bytes;
	double		split_bytes;
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
make_layout(Oid relid, const S3TableOptions *options)
{
	Relation	rel = table_open(relid, NoLock);
	TupleDesc	desc = RelationGetDescr(rel);
	S3ColumnOptions **columns = palloc0(Max(1, desc->natts) * sizeof(S3ColumnOptions *));
	S3Layout   *layout;

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

/* How many times larger an object is when it is uncompressed. */
static double
expansion(const char *key, int compression)
{
	Size		len = strlen(key);

	for (int i = 0; i < (int) lengthof(ratios); i++)
	{
		Size		n = strlen(ratios[i].suffix);

		if (compression == ratios[i].compression ||
			(compression == COMPRESSION_AUTO && len > n &&
			 pg_strcasecmp(key + len - n, ratios[i].suffix) == 0))
			return ratios[i].ratio;
	}
	return 1.0;
}

static void
take_estimate(Oid relid, Oid userid, const S3TableOptions *options, S3Layout *layout,
			  Estimate *estimate)
{
	S3Stats		stats = {0};
	S3Client   *client = s3_client_create(GetForeignTable(relid)->serverid, userid, &stats);
	S3Manifest *manifest = manifest_build(client, options, layout, ESTIMATE_KEYS);

	estimate->objects = manifest->nobjects;
	estimate->bytes = estimate->split_bytes = 0;
	for (int i = 0; i < manifest->nobjects; i++)
	{
		ManifestObject object;
		BoundaryRule rule;
		double		factor;

		manifest_object(manifest, i, &object);
		factor = expansion(object.info.key, options->format.compression);
		estimate->bytes += object.info.size * factor;
		if (factor == 1.0 && stretch_rule(&options->format, &rule))
			estimate->split_bytes += object.info.size;
	}
	manifest_free(manifest);
}

static Estimate *
get_estimate(Oid relid, Oid userid, const S3TableOptions *options, S3Layout *layout, List *clauses)
{
	Estimate   *slot = NULL;
	Estimate	estimate = {.relid = relid, .userid = userid};
	char	   *text = clauses ? nodeToString(clauses) : NULL;

	estimate.taken = GetCurrentTimestamp();
	if (text)
		estimate.clauses = DatumGetUInt64(hash_any_extended((unsigned char *) text,
															(int) strlen(text), 1));
	for (int i = 0; i < nestimates; i++)
	{
		if (estimates[i].relid == relid && estimates[i].userid == userid &&
			estimates[i].clauses == estimate.clauses)
		{
			if (!TimestampDifferenceExceeds(estimates[i].taken, estimate.taken, ESTIMATE_AGE_MS))
				return &estimates[i];
			slot = &estimates[i];
		}
	}
	clauses = copyObject(clauses);
	fix_opfuncids((Node *) clauses);
	layout_set_clauses(layout, clauses, NULL);
	take_estimate(relid, userid, options, layout, &estimate);
	if (slot == NULL)
	{
		if (nestimates < MAX_ESTIMATES)
			slot = &estimates[nestimates++];
		else
		{
			slot = &estimates[0];
			for (int i = 1; i < MAX_ESTIMATES; i++)
			{
				if (estimates[i].taken < slot->taken)
					slot = &estimates[i];
			}
		}
	}
	*slot = estimate;
	return slot;
}

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

void
s3GetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel, Oid foreigntableid)
{
	Oid			userid = OidIsValid(baserel->userid) ? baserel->userid : GetUserId();
	S3PlanInfo *info = palloc0(sizeof(S3PlanInfo));
	List	   *clauses;
	List	   *rest = NIL;

	info->options = s3_table_options(foreigntableid);
	info->layout = make_layout(foreigntableid, info->options);
	clauses = object_clauses(baserel, info->layout, baserel->baserestrictinfo, &rest);

	/* What depends on a parameter of the query cannot be counted yet. */
	if (needs_execution((Node *) clauses, NULL))
	{
		clauses = NIL;
		rest = baserel->baserestrictinfo;
	}
	if (may_read(root, baserel, foreigntableid, userid))
	{
		Estimate   *estimate = get_estimate(foreigntableid, userid, info->options,
											info->layout, clauses);

		info->objects = estimate->objects;
		info->bytes = estimate->bytes;
		info->split_bytes = estimate->split_bytes;
	}
	baserel->fdw_private = info;
	baserel->tuples = Max(1.0, rint(info->bytes / row_bytes(foreigntableid,
															info->options->format.format,
															info->layout)));
	baserel->rows = clamp_row_est(baserel->tuples *
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
	run = info->objects * seq_page_cost + seq_page_cost * info->bytes / BLCKSZ +
		(cpu_tuple_cost * 5 + baserel->baserestrictcost.per_tuple) * baserel->tuples;

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
		double		chunks = info->objects - 1 +
			ceil(info->split_bytes / Min(s3_chunk_size, MIN_SPLIT_BYTES));
		int			workers = 0;

		if (chunks > 1)
			workers = compute_parallel_worker(baserel, ceil(info->bytes / BLCKSZ), -1,
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
