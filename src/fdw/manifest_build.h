/*-------------------------------------------------------------------------
 *
 * manifest_build.h
 *		What manifest.c, listing.c and entries.c share to make a manifest.
 *
 * IDENTIFICATION
 *		src/fdw/manifest_build.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_MANIFEST_BUILD_H
#define S3_MANIFEST_BUILD_H

#include "fdw/layout.h"
#include "fdw/manifest.h"

/* Questions to the service that are under way at a time. */
#define MAX_LISTINGS 8
#define MAX_HEADS 16

typedef struct ManifestBuild
{
	/* constant */
	const S3Client *client;
	const S3TableOptions *options;
	S3Layout   *layout;
	List	   *locations;		/* of S3Location */
	int			list_flags;		/* S3_LIST_VERSIONS, or none */
	int64		max_listed;		/* 0: no limit */
	bool		keep_empty;		/* an empty object is read, too */
	bool		keep_first;		/* the first object holds the header line */

	S3Manifest *manifest;
	int64		archived;		/* objects kept of an archive storage class */
} ManifestBuild;

/* in manifest.c */
extern S3Manifest *manifest_create(void);
extern void manifest_add(S3Manifest *manifest, const ManifestObject *object);
extern void manifest_set_first(S3Manifest *manifest, const ManifestObject *object);

/*
 * in listing.c: take an object that belongs to the location, unless a clause
 * excludes it.  Then, list the locations; and say whether the limit is reached,
 * which makes the manifest incomplete.
 */
extern void build_take_object(ManifestBuild *build, const ManifestObject *object);
extern bool build_is_full(ManifestBuild *build);

/* in entries.c: read the manifest objects that the locations name */
extern void build_from_manifests(ManifestBuild *build);

#endif							/* S3_MANIFEST_BUILD_H */
