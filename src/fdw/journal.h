/*-------------------------------------------------------------------------
 *
 * journal.h
 *		Rows for the extension's tables that stay when the statement's
 *		transaction is rolled back.
 *
 * A background worker inserts and commits them.  A statement has one journal at
 * most; rejected rows of its scan go through the same worker, under the same
 * number.
 *
 * IDENTIFICATION
 *		src/fdw/journal.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_JOURNAL_H
#define S3_JOURNAL_H

#include "postgres.h"

/* The tables a row may go to, all in the schema "redshift". */
typedef enum JournalTable
{
	JOURNAL_LOADS,				/* a COPY: at its beginning, and at its end */
	JOURNAL_LOAD_FILES,
	JOURNAL_REPLACEMENTS,
	JOURNAL_UNLOADS,
	JOURNAL_UNLOAD_FILES
} JournalTable;

typedef struct Journal Journal;

/*
 * Begin a journal for what the current user does; NULL, with a WARNING, if no
 * background worker is to be had.  It belongs to the current resource owner: an
 * error ends it, and what has been added is committed all the same.
 */
extern Journal *journal_open(void);

/* Its number, by which all rows are found: the query id. */
extern int64 journal_query_id(const Journal *journal);

/* Add a row: a JSON object whose keys are columns of the table. */
extern void journal_add(Journal *journal, JournalTable table, const char *json);

/* Done; all rows are committed when this returns. */
extern void journal_close(Journal *journal);

#endif							/* S3_JOURNAL_H */
