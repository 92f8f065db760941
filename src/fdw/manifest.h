/*-------------------------------------------------------------------------
 *
 * manifest.h
 *		The objects that a scan reads.
 *
 * Made from a table's location (prefixes, globs, or manifest objects) and from
 * the clauses of its layout.  Entries are kept in memory while they are few,
 * and in a temporary file beyond, so that millions take little memory.
 *
 * IDENTIFICATION
 *		src/fdw/manifest.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_MANIFEST_H
#define S3_MANIFEST_H

#include "base/option.h"
#include "s3/object.h"
#include "storage/buffile.h"
#include "storage/dsm.h"

struct S3Layout;

typedef struct ManifestObject
{
	S3ObjectInfo info;
	char	   *bucket;
	int			base;			/* where in its key the path template begins */
	char	   *md5;			/* of its bytes, in base64, as its manifest says,
								 * or NULL */
	int64		records;		/* in it, as its manifest says, if md5 is set */
} ManifestObject;

typedef struct S3Manifest
{
	/* summary */
	int64		listed;			/* keys seen, or entries of manifest objects */
	int64		passed_over;	/* of those: markers, empty ones, other keys,
								 * entries whose object is missing */
	int64		pruned;			/* of those: excluded by a clause */
	int64		folders_pruned; /* excluded by a clause and not listed */
	int64		bytes;			/* of the objects to be read */
	int			nobjects;		/* to be read */
	bool		complete;		/* false if the listing was cut at max_listed */

	/*
	 * The first object of the location, read or pruned, if the table's header
	 * line is in that one; else NULL.
	 */
	ManifestObject *first;

	/* manifest.c's own */
	MemoryContext cxt;			/* holds all of it */
	char	   *data;			/* entries, one after the other, if not spilled */
	Size		data_cap;
	int64	   *offsets;		/* where in data or data_file each begins */
	int			offsets_cap;
	int64		data_len;
	BufFile    *data_file;		/* NULL unless spilled */
	BufFile    *offsets_file;
	char	   *entry;			/* the entry read last from data_file */
	Size		entry_cap;
} S3Manifest;

/*
 * List what a scan of a table with these options reads, and keep it in
 * CurrentMemoryContext.  layout is borrowed; its clauses, if it has any, decide
 * which folders are listed and which objects are kept.  When this returns, all
 * listing is done, and no object is archived.  Failures are reported.
 *
 * With max_listed other than 0 this is for an estimate: it ends after so many
 * keys, and some of the sizes may be guesses.
 */
extern S3Manifest *manifest_build(const S3Client *client, const S3TableOptions *options,
								  struct S3Layout *layout, int64 max_listed);

/*
 * A manifest, in CurrentMemoryContext, of those objects for which keep returns
 * true; the old one is freed.
 */
typedef bool (*ManifestFilter) (void *arg, const ManifestObject *object);

extern S3Manifest *manifest_filter(S3Manifest *manifest, ManifestFilter keep, void *arg);

/* Close its files and free it.  To be called before the query ends. */
extern void manifest_free(S3Manifest *manifest);

/*
 * Object i, in the order of reading; its strings are valid until the next call
 * for this manifest.  Any order will do; neighbours are read fastest.
 */
extern void manifest_object(S3Manifest *manifest, int i, ManifestObject *object);

/*
 * Share it with other processes: bytes of the block, the block (filled with
 * what attach needs; seg is the segment that it lies in, or NULL if it lies in
 * private memory and nobody will attach), and a manifest over the block, in
 * CurrentMemoryContext.  The block must outlive what is attached to it, and
 * the sharing process stay attached to seg.
 */
extern Size manifest_share_size(const S3Manifest *manifest);
extern void manifest_share(S3Manifest *manifest, void *block, dsm_segment *seg);
extern S3Manifest *manifest_attach(const void *block);

#endif							/* S3_MANIFEST_H */
