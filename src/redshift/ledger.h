/*-------------------------------------------------------------------------
 *
 * ledger.h
 *		Which objects a table has been loaded from, so that each is loaded once.
 *
 * The ledger is written by the loading transaction: what is rolled back is not
 * in it.  Of two transactions that load a table by it the second waits for the
 * first.
 *
 * IDENTIFICATION
 *		src/redshift/ledger.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_REDSHIFT_LEDGER_H
#define S3_REDSHIFT_LEDGER_H

#include "commands/load.h"

typedef struct Ledger Ledger;

/*
 * Begin to load the table, in CurrentMemoryContext.  Waits until no other
 * transaction does so by the ledger.  Objects are those of the foreign server.
 * copy_job_id is 0 if no job does it.
 */
extern Ledger *ledger_open(Oid relid, Oid serverid, int64 query_id, int64 copy_job_id);

/*
 * A LoadChooser; arg is the ledger.  False: the object is loaded already, or has
 * been chosen before.  Reports those that have changed since.
 */
extern bool ledger_choose(void *arg, const char *bucket, const char *key,
						  const char *etag, int64 size);

/* A LoadedObjectHandler; arg is the ledger. */
extern void ledger_record(void *arg, const LoadedObject *object);

/* Report how many were left out. */
extern void ledger_close(Ledger *ledger);

#endif							/* S3_REDSHIFT_LEDGER_H */
