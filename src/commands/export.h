/*-------------------------------------------------------------------------
 *
 * export.h
 *		What the files of an export share: the job, and writers of rows.
 *
 *	export_function.c	s3_export(): arguments and result
 *	export.c			runs an export: the order of things
 *	export_job.c		what is to be written where, the same in every process
 *	export_parallel.c	runs the query so that its workers write
 *	export_single.c		one object, by one process or by all
 *	export_files.c		files below a prefix: names, partitions, sizes
 *	export_target.c		what is at the location before, and deleted after
 *	export_manifest.c	what is added after
 *
 * IDENTIFICATION
 *		src/commands/export.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_EXPORT_H
#define S3_EXPORT_H

#include "access/tupdesc.h"
#include "base/option.h"
#include "base/watch.h"
#include "executor/tuptable.h"
#include "format/codec.h"
#include "s3/client.h"
#include "s3/upload_log.h"

/* Lines are handed on in pieces of about this size. */
#define EXPORT_LINE_BUFFER (64 * 1024)

/* What the leader shows; of an export without a log, also where it is counted. */
typedef struct ExportProgress
{
	Watch		watch;
	int64		rows;
	int64		bytes;
} ExportProgress;

/* ------------------------------------------------------------------------ export.c */

typedef enum ExportAction
{
	EXPORT_FILE,				/* written: rows of the query */
	EXPORT_EXTRA,				/* written: the manifest or the marker */
	EXPORT_DELETED,
	EXPORT_TO_BE_DELETED		/* found by a dry run */
} ExportAction;

/* What an export has done, by objects, in this order: all files, the rest. */
typedef struct ExportedObject
{
	ExportAction action;
	const char *bucket;
	const char *key;
	int64		rows;			/* of a file */
	int64		bytes;
	const char *etag;			/* without its quotes; NULL: not written */
} ExportedObject;

typedef void (*ExportedObjectHandler) (void *arg, const ExportedObject *object);

/* An export, as any caller in C states it. */
typedef struct ExportRequest
{
	const char *query;
	const char *location;
	List	   *options;		/* DefElem of strings, for s3_export_options() */
	Oid			serverid;

	/*
	 * NULL: made of the server and the current user's mapping.  A client of the
	 * caller's is this process's alone: a worker would have to make it from the
	 * catalogs, and keys must not get into a plan.  So there are no workers then.
	 */
	S3Client   *client;

	ExportedObjectHandler handler;	/* may be NULL */
	void	   *arg;
} ExportRequest;

typedef struct ExportTotals
{
	int64		rows;
	int64		files;			/* the manifest and the marker do not count */
	int64		bytes;			/* of the files, as stored */
} ExportTotals;

/*
 * Run the query and write its rows.  Reports what is wrong.  handler is called
 * when all files are complete, in CurrentMemoryContext.
 */
extern void export_run(const ExportRequest *request, ExportTotals *totals);

/*
 * The statements of a query's text, RawStmt *; positions of syntax errors are
 * those in it.
 */
extern List *export_parse_query(const char *query);

/* -------------------------------------------------------------------- export_job.c */

/* What one export is to write; constant once made. */
typedef struct ExportJob
{
	/* enough to make the rest in another process, but for a caller's client */
	Oid			serverid;
	char	   *location;		/* as written */
	List	   *arguments;		/* DefElem of strings, as for s3_export_options() */
	char	   *run_id;			/* of this call: a random uuid as text */

	/* made of them */
	S3ExportOptions *options;
	S3Client   *client;
	char	   *bucket;
	char	   *prefix;			/* the object's key, or what all keys begin with */
	bool		many;			/* files below prefix, not one object */
	const Codec *codec;			/* or NULL */
	S3UploadOptions upload;		/* for each object */

	ExportProgress *progress;	/* leader: borrowed; else NULL */
} ExportJob;

/*
 * In CurrentMemoryContext.  Reports what is wrong with location and options.
 * run_id is NULL in the process that makes one.  client is borrowed; NULL: one
 * is made, for which stats is borrowed.
 */
extern ExportJob *export_job_create(Oid serverid, const char *location, List *arguments,
									const char *run_id, S3Client *client, S3Stats *stats);

/* Is it Redshift's UNLOAD, which has rules of its own for targets and manifests? */
static inline bool
export_is_unload(const ExportJob *job)
{
	return job->options->format.redshift.on;
}

/*
 * Takes rows of one process.  Embed it as the first member.  Memory is that of
 * the context current at creation; finish is not called after an error.
 */
typedef struct ExportWriter ExportWriter;

typedef struct ExportWriterOps
{
	void		(*row) (ExportWriter *self, TupleTableSlot *slot);

	/* No more rows: returns when all bytes are with the store. */
	void		(*finish) (ExportWriter *self);
} ExportWriterOps;

struct ExportWriter
{
	const ExportWriterOps *ops;
};

/* desc is that of the query's rows, borrowed.  All of it is checked here. */

/* One object by this process alone, into upload (borrowed). */
extern ExportWriter *export_single_create(const ExportJob *job, TupleDesc desc,
										  S3Upload *upload);

/* A share of one object. */
extern ExportWriter *export_shared_create(const ExportJob *job, TupleDesc desc,
										  S3UploadLog *log);

/* When all shares are finished: the leader puts the ends to them. */
extern void export_shared_end(const ExportJob *job, TupleDesc desc, S3UploadLog *log,
							  int64 rows);

/* Files of a slice of the rows. */
extern ExportWriter *export_files_create(const ExportJob *job, TupleDesc desc,
										 S3UploadLog *log);

/* When the query had no row: one file without rows. */
extern void export_files_empty(const ExportJob *job, TupleDesc desc, S3UploadLog *log);

/* force_quote as flags by attribute, or NULL; error for a name that is no column. */
extern bool *export_force_quote(const ExportJob *job, TupleDesc desc);

/* ---------------------------------------------------------------- export_parallel.c */

/*
 * Run query (checked: one SELECT) with a writer in each of its processes, made
 * by export_files_create() or export_shared_create().  False if the planner has
 * no plan in which workers bring forth the result's rows by themselves, without
 * order; nothing was run then.  prepare is called before the first worker
 * starts, when it is certain that it will be run.  *desc is that of the rows,
 * in CurrentMemoryContext.
 */
typedef S3UploadLog *(*ExportPrepare) (void *arg);

extern bool export_run_parallel(const char *query, const ExportJob *job,
								ExportPrepare prepare, void *arg, TupleDesc *desc);

/* Register the plan node; called once when the library is loaded. */
extern void export_parallel_init(void);

/*
 * To be called now and then, with the rows and bytes (sent to the store) since:
 * counts them, and in the leader shows progress and looks whether the client
 * has gone.  Processes interrupts.
 */
extern void export_check(const ExportJob *job, S3UploadLog *log, int64 rows, int64 bytes);

/* ------------------------------------------------------------------ export_target.c */

/* An object at the location, before the export. */
typedef struct ExportTarget ExportTarget;

/*
 * What is at a job's location: an error, unless options->overwrite allows it.
 * With OVERWRITE_CLEAN the objects are remembered to be deleted.
 */
extern ExportTarget *export_target_look(const ExportJob *job);

/*
 * All rows are in the log, and nothing is visible yet: look at the folders that
 * a partitioned UNLOAD is about to write to, and only at them.
 */
extern void export_target_look_folders(ExportTarget *target, const ExportJob *job,
									   S3UploadLog *log);

/*
 * Delete what was remembered and is not among the objects written; several at a
 * time.  An object that has gone meanwhile counts as deleted.  Reports failures,
 * when it has tried all.
 */
extern void export_target_clean(ExportTarget *target, const ExportJob *job);

/* The log has an object of this key, which was or will be written. */
extern void export_target_keep(ExportTarget *target, const char *key);

/* Objects to be deleted, or that were, in the order of keys; false: no more. */
extern bool export_target_next(ExportTarget *target, char **key, int64 *size);

/* ---------------------------------------------------------------- export_manifest.c */

/* Keys of what an export adds itself, whether it is to or not. */
extern char *export_manifest_key(const ExportJob *job);
extern char *export_marker_key(const ExportJob *job);

/* An object that the export itself adds, after all files. */
typedef struct ExportExtra
{
	char	   *key;
	int64		bytes;
	char	   *etag;
} ExportExtra;

extern ExportExtra *export_write_manifest(const ExportJob *job, TupleDesc desc, S3UploadLog *log);
extern ExportExtra *export_write_marker(const ExportJob *job);

#endif							/* S3_EXPORT_H */
