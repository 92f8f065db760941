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
#include "base/option.h"
#include "fdw/fdw.h"
#include "fdw/manifest.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
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

/* What text usually shrinks to with gzip. */
#define GZIP_RATIO 4.0

/* A request is worth so many pages read in order. */
#define REQUEST_COST_PAGES 25.0

typedef struct Estimate
{
	Oid			relid;
	Oid			userid;
	TimestampTz taken;
	int64		objects;
	double		bytes;			/* uncompressed, as far as known */
} Estimate;

static Estimate estimates[MAX_ESTIMATES];
static int	nestimates = 0;

/* GetForeignRelSize's findings, for GetForeignPaths. */
typedef struct S3PlanInfo
{
	int64		objects;
	double		bytes;
} S3PlanInfo;

static void
take_estimate(Oid relid, Oid userid, Estimate *estimate)
{
	TimestampTz now = GetCurrentTimestamp();
	S3TableOptions *options = s3_table_options(relid);
	S3Location *location = s3_location_parse_or_error(options->location);
	S3Stats		stats = {0};
	S3Client   *client = s3_client_create(GetForeignTable(relid)->serverid, userid, &stats);
	S3Manifest *manifest = manifest_build(client, location, ESTIMATE_KEYS);

	estimate->relid = relid;
	estimate->userid = userid;
	estimate->taken = now;
	estimate->objects = manifest->nobjects;
	estimate->bytes = 0;
	for (int i = 0; i < manifest->nobjects; i++)
	{
		const char *key = manifest->strings + manifest->entries[i].key;
		Size		len = strlen(key);
		bool		packed = options->format.compression == COMPRESSION_GZIP ||
			(len > 3 && pg_strcasecmp(key + len - 3, ".gz") == 0);

		estimate->bytes += manifest->entries[i].size * (packed ? GZIP_RATIO : 1.0);
	}
}

static Estimate *
get_estimate(Oid relid, Oid userid)
{
	Estimate   *slot = NULL;
	Estimate	estimate;
	TimestampTz now = GetCurrentTimestamp();

	for (int i = 0; i < nestimates; i++)
	{
		if (estimates[i].relid == relid && estimates[i].userid == userid)
		{
			if (!TimestampDifferenceExceeds(estimates[i].taken, now, ESTIMATE_AGE_MS))
				return &estimates[i];
			slot = &estimates[i];
		}
	}
	take_estimate(relid, userid, &estimate);
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
row_bytes(Oid relid, int format)
{
	Relation	rel = table_open(relid, NoLock);
	TupleDesc	desc = RelationGetDescr(rel);
	double		bytes = 1;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (attr->attisdropped)
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
	S3TableOptions *options = s3_table_options(foreigntableid);

	if (may_read(root, baserel, foreigntableid, userid))
	{
		Estimate   *estimate = get_estimate(foreigntableid, userid);

		info->objects = estimate->objects;
		info->bytes = estimate->bytes;
	}
	baserel->fdw_private = info;
	baserel->tuples = Max(1.0, rint(info->bytes / row_bytes(foreigntableid, options->format.format)));
	baserel->rows = clamp_row_est(baserel->tuples *
								  clauselist_selectivity(root, baserel->baserestrictinfo,
														 0, JOIN_INNER, NULL));
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

	if (baserel->consider_parallel && baserel->lateral_relids == NULL && info->objects > 1)
	{
		int			workers = compute_parallel_worker(baserel, ceil(info->bytes / BLCKSZ), -1,
													  max_parallel_workers_per_gather);

		workers = Min(workers, (int) Min(info->objects, PG_INT16_MAX));
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
	List	   *private = list_make1(needed_attributes(baserel, foreigntableid));

	Assert(list_length(private) == S3_SCAN_PRIVATE_LENGTH);
	return make_foreignscan(tlist,
							extract_actual_clauses(scan_clauses, false),
							baserel->relid,
							NIL,	/* no expressions to evaluate */
							private,
							NIL,	/* no custom tlist */
							NIL,	/* no remote quals */
							outer_plan);
}
