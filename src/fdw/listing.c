/*-------------------------------------------------------------------------
 *
 * listing.c
 *		Make a manifest: list locations, leave out what no query wants.
 *
 * Above: plan and scan, by manifest_build().  Below: listings, and the rules of
 * s3/uri.c about which keys belong to a location and which are markers.
 *
 * A location is listed flat, unless clauses can exclude folders: then it is
 * walked, each folder being asked for what is directly in it, and those whose
 * name is excluded are not entered.  Where a name further down tells no more,
 * or too many folders would have to be listed one by one, the rest is listed
 * flat and the clauses see each object.
 *
 * An object that two locations of a table name is read once, as an object of
 * the first of them: no memory of keys is needed for that, only the rules.
 *
 * IDENTIFICATION
 *		src/fdw/listing.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fdw/manifest_build.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* A flat listing costs a request per so many keys. */
#define PAGE_KEYS 1000

/* So many folders are listed one by one whatever their share is. */
#define FEW_FOLDERS 32

/* Beyond, one in so many is too many. */
#define FOLDER_SHARE 4

/* Names of folders in memory, per level. */
#define MAX_FOLDER_BYTES (4 * 1024 * 1024)

/* Archived objects to name. */
#define MAX_NAMED 3

/* A prefix to be listed. */
typedef struct Branch
{
	const S3Location *location;
	char	   *prefix;
	bool		by_folders;		/* walk it */
	S3ListCursor *cursor;		/* NULL until it is opened */
} Branch;

/* The folder whose sub-folders branches are. */
typedef struct Level
{
	const Branch *branch;
	int64		nfolders;		/* all in it, excluded ones too */
} Level;

static void walk_branch(ManifestBuild *build, Branch *branch);

/* --------------------------------------------------------------------- objects */

bool
build_is_full(ManifestBuild *build)
{
	if (build->max_listed == 0 || build->manifest->listed < build->max_listed)
		return false;
	build->manifest->complete = false;
	return true;
}

void
build_take_object(ManifestBuild *build, const ManifestObject *object)
{
	layout_check(build->layout, object);
	if (build->keep_first && build->manifest->first == NULL)
		manifest_set_first(build->manifest, object);
	if (!layout_matches(build->layout, object))
	{
		build->manifest->pruned++;
		return;
	}
	if (s3_object_is_archived(&object->info))
		build->archived++;
	manifest_add(build->manifest, object);
}

static bool
location_has(const ManifestBuild *build, const S3Location *location, const S3ObjectInfo *info)
{
	return s3_location_matches(location, info->key) &&
		!s3_key_is_hidden(location, info->key, build->keep_empty ? Max(info->size, 1) : info->size);
}

/* Where in the keys of a location the path template begins. */
static int
template_base(const S3Location *location)
{
	const char *slash = strrchr(location->list_prefix, '/');

	return slash ? (int) (slash + 1 - location->list_prefix) : 0;
}

/* A key that was listed for a location. */
static void
take_listed(ManifestBuild *build, const S3Location *location, const S3ObjectInfo *info)
{
	ManifestObject object = {.info = *info, .bucket = location->bucket};
	bool		ours = location_has(build, location, info);
	ListCell   *lc;

	CHECK_FOR_INTERRUPTS();
	build->manifest->listed++;
	foreach(lc, build->locations)
	{
		const S3Location *other = lfirst(lc);

		if (!ours || other == location)
			break;
		ours = strcmp(other->bucket, location->bucket) != 0 || !location_has(build, other, info);
	}
	if (!ours)
	{
		build->manifest->passed_over++;
		return;
	}
	object.base = template_base(location);
	build_take_object(build, &object);
}

/* --------------------------------------------------------------------- folders */

static void
open_branch(ManifestBuild *build, Branch *branch)
{
	if (branch->cursor == NULL)
		branch->cursor = s3_list_open_flags(build->client, branch->location->bucket, branch->prefix,
											build->list_flags |
											(branch->by_folders ? S3_LIST_FOLDERS : 0));
}

static void
close_branch(Branch *branch)
{
	if (branch->cursor)
		s3_list_close(branch->cursor);
	branch->cursor = NULL;
}

/*
 * List what is below a level flat, less what is directly in it and what is in
 * the first done of the branches, all of which was taken already.
 */
static void
list_rest(ManifestBuild *build, const Level *level, const Branch *branches, int done)
{
	Branch		rest = {.location = level->branch->location, .prefix = level->branch->prefix};
	Size		len = strlen(rest.prefix);
	S3ObjectInfo info;

	open_branch(build, &rest);
	while (!build_is_full(build) && s3_list_next(rest.cursor, &info))
	{
		bool		taken = strchr(info.key + len, '/') == NULL;

		for (int i = 0; i < done && !taken; i++)
			taken = strncmp(info.key, branches[i].prefix, strlen(branches[i].prefix)) == 0;
		if (!taken)
			take_listed(build, rest.location, &info);
	}
	close_branch(&rest);
}

/*
 * Would it take fewer requests to list all of a level flat than to go on with
 * its branches, given what the first done of them held?
 */
static bool
flat_is_cheaper(const Level *level, int64 keys, int done, int left)
{
	double		average = (double) keys / done;

	return level->nfolders * average / PAGE_KEYS < left * Max(1.0, average / PAGE_KEYS);
}

/* List branches in order, several at a time. */
static void
list_branches(ManifestBuild *build, Branch *branches, int nbranches, const Level *level)
{
	int64		listed = build->manifest->listed;
	int			opened = 0;

	for (int i = 0; i < nbranches && !build_is_full(build); i++)
	{
		if (level && i == FEW_FOLDERS &&
			flat_is_cheaper(level, build->manifest->listed - listed, i, nbranches - i))
		{
			for (int j = i; j < opened; j++)
				close_branch(&branches[j]);
			list_rest(build, level, branches, i);
			return;
		}
		for (; opened < nbranches && opened < i + MAX_LISTINGS; opened++)
			open_branch(build, &branches[opened]);
		walk_branch(build, &branches[i]);
		close_branch(&branches[i]);
	}
	for (int i = 0; i < opened; i++)
		close_branch(&branches[i]);
}

/* Can anything below a folder be wanted?  *open: only its sub-folders tell. */
static bool
want_folder(ManifestBuild *build, const S3Location *location, char *prefix, bool *open)
{
	ManifestObject folder = {.info.key = prefix, .bucket = location->bucket};

	folder.base = template_base(location);
	return layout_matches_folder(build->layout, &folder, open);
}

/* Is every object below the folder hidden? */
static bool
folder_is_hidden(const S3Location *location, const char *folder)
{
	char	   *key = psprintf("%sx", folder);
	bool		hidden = s3_key_is_hidden(location, key, 1);

	pfree(key);
	return hidden;
}

/* List a branch whose cursor is open. */
static void
walk_branch(ManifestBuild *build, Branch *branch)
{
	Level		level = {.branch = branch};
	Branch	   *branches = NULL;
	int			nbranches = 0;
	int			max_branches = 0;
	int64		excluded = 0;
	Size		bytes = 0;
	StringInfoData last;		/* the folder listed last */
	S3ObjectInfo info;
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw folders",
											  ALLOCSET_SMALL_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);

	check_stack_depth();
	initStringInfo(&last);
	while (!build_is_full(build) && s3_list_next(branch->cursor, &info))
	{
		bool		open;

		if (!info.is_folder)
		{
			take_listed(build, branch->location, &info);
			continue;
		}
		/* Some stores list a folder again on the page after. */
		if (strcmp(info.key, last.data) == 0 || folder_is_hidden(branch->location, info.key))
			continue;
		resetStringInfo(&last);
		appendStringInfoString(&last, info.key);
		level.nfolders++;
		if (build->max_listed > 0 && level.nfolders > build->max_listed)
		{
			build->manifest->complete = false;
			break;
		}
		if (!want_folder(build, branch->location, info.key, &open))
		{
			excluded++;
			continue;
		}
		bytes += strlen(info.key) + 1 + sizeof(Branch);
		if (bytes > MAX_FOLDER_BYTES)
			continue;
		if (nbranches == max_branches)
		{
			max_branches = Max(16, max_branches * 2);
			branches = branches ? repalloc(branches, max_branches * sizeof(Branch)) :
				palloc(max_branches * sizeof(Branch));
		}
		branches[nbranches++] = (Branch) {.location = branch->location,
			.prefix = pstrdup(info.key), .by_folders = open};
	}

	if (bytes > MAX_FOLDER_BYTES ||
		(nbranches > FEW_FOLDERS && nbranches > level.nfolders / FOLDER_SHARE))
		list_rest(build, &level, NULL, 0);
	else
	{
		build->manifest->folders_pruned += excluded;
		list_branches(build, branches, nbranches, &level);
	}
	MemoryContextSwitchTo(save);
	MemoryContextDelete(cxt);
}

static void
build_from_listings(ManifestBuild *build)
{
	int			nbranches = 0;
	Branch	   *branches = palloc0(list_length(build->locations) * sizeof(Branch));
	ListCell   *lc;

	foreach(lc, build->locations)
	{
		S3Location *location = lfirst(lc);
		bool		by_folders = !build->keep_first && layout_prunes_folders(build->layout);
		char	   *folder = pnstrdup(location->list_prefix, template_base(location));
		bool		open;

		/* The location itself may tell enough. */
		if (by_folders && !want_folder(build, location, folder, &open))
		{
			build->manifest->folders_pruned++;
			continue;
		}
		branches[nbranches++] = (Branch) {.location = location, .prefix = location->list_prefix,
			.by_folders = by_folders && open};
	}
	list_branches(build, branches, nbranches, NULL);
}

/* -------------------------------------------------------------------- archived */

/* Report that objects are archived; count: of them and those like them. */
static void
report_archived(ManifestBuild *build, const StringInfoData *names, int64 count)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot read archived objects: %s", names->data),
			 errdetail_plural("The scan would read %lld object in an archive storage class.",
							  "The scan would read %lld objects in archive storage classes.",
							  (unsigned long) count, (long long) count),
			 errhint("Restore them first, or leave them out with a filter on a column that is declared with metadata \"storage_class\".")));
}

/*
 * Objects of an archive class can be read if a copy has been restored, which
 * only asking for each of them tells.
 */
static void
check_archived(ManifestBuild *build)
{
	S3Manifest *manifest = build->manifest;
	S3Call	   *calls[MAX_HEADS];
	int			ncalls = 0;
	int			next = 0;
	int			named = 0;
	StringInfoData names;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext cxt = AllocSetContextCreate(caller, "s3_fdw archived", ALLOCSET_SMALL_SIZES);

	initStringInfo(&names);
	while (named < MAX_NAMED && (next < manifest->nobjects || ncalls > 0))
	{
		S3ObjectInfo info;
		S3Error		error;
		char	   *name;

		for (; ncalls < MAX_HEADS && next < manifest->nobjects; next++)
		{
			ManifestObject object;

			manifest_object(manifest, next, &object);
			if (s3_object_is_archived(&object.info))
				calls[ncalls++] = s3_head_start(build->client, object.bucket, object.info.key);
		}
		if (ncalls == 0)
			break;
		MemoryContextReset(cxt);
		MemoryContextSwitchTo(cxt);
		name = s3_location_format(calls[0]->bucket, calls[0]->key);
		if (!s3_head_finish(calls[0], &info, &error))
			s3_report(ERROR, &error);
		memmove(&calls[0], &calls[1], --ncalls * sizeof(calls[0]));
		if (s3_object_is_archived(&info))
		{
			appendStringInfo(&names, "%s\"%s\"", named > 0 ? ", " : "", name);
			named++;
		}
		MemoryContextSwitchTo(caller);
	}
	while (ncalls > 0)
		s3_call_free(calls[--ncalls]);
	if (named > 0)
		report_archived(build, &names, build->archived);
}

/* -------------------------------------------------------------------------- all */

S3Manifest *
manifest_build(const S3Client *client, const S3TableOptions *options, S3Layout *layout,
			   int64 max_listed)
{
	ManifestBuild build = {.client = client, .options = options, .layout = layout,
	.max_listed = max_listed};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext cxt;

	build.manifest = manifest_create();
	cxt = AllocSetContextCreate(caller, "s3_fdw listings", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(cxt);
	build.locations = s3_location_list_parse(options->location);
	build.list_flags = layout_wants_version(layout) ? S3_LIST_VERSIONS : 0;
	build.keep_empty = options->verify || (options->format.format == FORMAT_JSON &&
										   options->format.records == RECORDS_DOCUMENT);
	build.keep_first = options->format.header == HEADER_FIRST;

	if (options->manifest)
		build_from_manifests(&build);
	else
		build_from_listings(&build);
	if (build.archived > 0 && max_listed == 0 && options->on_bad_object == ON_BAD_OBJECT_STOP)
		check_archived(&build);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(cxt);
	return build.manifest;
}
