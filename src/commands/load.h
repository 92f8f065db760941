/*-------------------------------------------------------------------------
 *
 * load.h
 *		Rows of S3 objects into a table, by INSERT's rules, without a foreign
 *		table.
 *
 * The engine is the scan's; what is loaded is stated by options instead of a
 * catalog entry.  Defaults, generated columns, constraints, triggers, row
 * security, partitions and privileges are INSERT's, for the plan is one of an
 * INSERT whose source is a node of ours.
 *
 * IDENTIFICATION
 *		src/commands/load.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_LOAD_H
#define S3_LOAD_H

#include "base/option.h"
#include "s3/client.h"
#include "utils/rel.h"

/* What is to be loaded; all borrowed, and constant during the load. */
typedef struct LoadJob
{
	Oid			relid;			/* the target, locked by the caller */
	List	   *attnums;		/* int: its columns, in the order of fields */
	S3TableOptions *options;	/* location, format, what is bad */
	S3ColumnOptions **columns;	/* one for each of attnums */
	S3Client   *client;
	bool		check_not_null; /* NULL in a NOT NULL column is a bad row, as
								 * far as options allow some */
	bool		no_load;		/* read and convert, insert nothing */
	int64		query_id;		/* see journal.h; 0: rejected rows get one of
								 * their own */
} LoadJob;

/* What came of it; filled in as far as it is known if the load fails, too. */
typedef struct LoadResult
{
	int64		rows;			/* inserted */
	int64		rejected;		/* rows, and rests of objects, left out */
	int64		repaired;		/* rows or values that were changed */
	int64		listed;			/* keys at the location, or entries of its
								 * manifests, read or not */
	int64		objects;		/* read */
	int64		bytes;			/* of them, as stored */
	bool		too_much;		/* it fails because of what was rejected; the
								 * error's detail tells of the first of it */
} LoadResult;

/* An object, when it has been read to its end; strings are the caller's. */
typedef struct LoadedObject
{
	const char *bucket;
	const char *key;
	const char *etag;
	int64		size;
	int64		rows;			/* records in it, good or bad */
	int64		rejected;
} LoadedObject;

typedef void (*LoadedObjectHandler) (void *arg, const LoadedObject *object);

/*
 * Of the objects found, those for which choose returns false are left out
 * before anything is read.
 */
typedef bool (*LoadChooser) (void *arg, const char *bucket, const char *key,
							 const char *etag, int64 size);

/*
 * Load.  Reports all failures; what was inserted is the transaction's.  choose
 * and per_object may be NULL.
 */
extern void load_run(const LoadJob *job, LoadChooser choose, LoadedObjectHandler per_object,
					 void *arg, LoadResult *result);

/* Register the plan node; called once when the library is loaded. */
extern void load_init(void);

#endif							/* S3_LOAD_H */
