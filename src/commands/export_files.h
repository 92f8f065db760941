/*-------------------------------------------------------------------------
 *
 * export_files.h
 *		What the writers of files below a prefix share: names, folders, rows
 *		put aside.
 *
 *	export_files.c		which file a row goes to, and when files begin and end
 *	export_name.c		keys
 *	export_partition.c	folders of partitions
 *
 * IDENTIFICATION
 *		src/commands/export_files.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_EXPORT_FILES_H
#define S3_EXPORT_FILES_H

#include "commands/export.h"

/* -------------------------------------------------------------------- export_name.c */

/*
 * Check the option "file_name" by itself and with those that decide how many
 * files there may be.
 */
extern void export_name_check(const S3ExportOptions *options);

/* How keys are made.  In CurrentMemoryContext; job is borrowed. */
typedef struct ExportName ExportName;

extern ExportName *export_name_create(const ExportJob *job);

/*
 * The key of a file: folder is "" or ends in '/'.  No two of one run are the
 * same if slice, folder or part differ.  palloc'd; error if it is too long.
 */
extern char *export_name_key(const ExportName *name, const char *folder, int slice, int part);

/* Could a file have this name, whatever slice and part?  rest is behind the folder. */
extern bool export_name_matches(const ExportName *name, const char *rest);

/* --------------------------------------------------------------- export_partition.c */

/* Which folder a row goes to. */
typedef struct ExportPartition ExportPartition;

/*
 * NULL without the option "partition_by".  In CurrentMemoryContext; desc is
 * borrowed.  Reports columns that are not there.
 */
extern ExportPartition *export_partition_create(const ExportJob *job, TupleDesc desc);

/* The rows as files have them: columns that are left out are dropped ones. */
extern TupleDesc export_partition_file_desc(const ExportPartition *partition);

/*
 * The folder of a row, "name=value/" for each column; NULL if it is that of the
 * row before.  Good until the next call.  Scratch memory is the caller's
 * CurrentMemoryContext.
 */
extern const char *export_partition_folder(ExportPartition *partition, TupleTableSlot *slot);

/*
 * Rows put aside, to be had back in the order of their folders' bytes.  In
 * CurrentMemoryContext, at most work_mem of it, and temporary files.
 */
typedef struct ExportSpool ExportSpool;

extern ExportSpool *export_spool_create(TupleDesc desc);

/* Scratch memory is the caller's CurrentMemoryContext. */
extern void export_spool_put(ExportSpool *spool, TupleTableSlot *slot, const char *folder);

/* No more rows to put. */
extern void export_spool_sort(ExportSpool *spool);

/*
 * The next row, false if there is none.  *folder is set only if it is not that
 * of the row before, else NULL.  Both are good until the next call.
 */
extern bool export_spool_next(ExportSpool *spool, TupleTableSlot **slot, const char **folder);
extern void export_spool_end(ExportSpool *spool);

#endif							/* S3_EXPORT_FILES_H */
