/*-------------------------------------------------------------------------
 *
 * export.h
 *		What the files of an export share: the job, and writers of rows.
 *
 *	export.c			s3_export(): arguments, the order of things, the result
 *	export_job.c		what is to be written where, the same in every process
 *	export_parallel.c	runs the query so that its workers write
 *	export_single.c		one object, by one process or by all
 *	export_files.c		files below a prefix: names, partitions, sizes
 *	export_target.c		what is at the location before and after
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

/* What one call of s3_export() is to write; constant once made. */
typedef struct ExportJob
{
	/* enough to make the rest in another process */
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
 * run_id is NULL in the process that makes one.  stats is borrowed.
 */
extern ExportJob *export_job_create(Oid serverid, const char *location, List *arguments,
									const char *run_id, S3Stats *stats);

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
 * Delete what was remembered and is not among the objects written; several at a
 * time.  An object that has gone meanwhile counts as deleted.  Reports failures,
 * when it has tried all.
 */
extern void export_target_clean(ExportTarget *target, const ExportJob *job);

/* The log has an object of this key, which was or will be written. */
extern void export_target_keep(ExportTarget *target, const char *key);

/* Objects to be deleted, or that were, in the order of keys; false: no more. */
extern bool export_target_next(ExportTarget *target, char **key, int64 *size);

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
