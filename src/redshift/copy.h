/*-------------------------------------------------------------------------
 *
 * copy.h
 *		Redshift's COPY.
 *
 * IDENTIFICATION
 *		src/redshift/copy.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_REDSHIFT_COPY_H
#define S3_REDSHIFT_COPY_H

#include "redshift/statement.h"

/* What is not said in the statement. */
typedef struct RedshiftCopyExtras
{
	bool		load_once;		/* leave out what the ledger knows, and add to it */
	int64		copy_job_id;	/* of the job that it is run for; 0: none */
} RedshiftCopyExtras;

/*
 * Run it, as the current user; tells the client what came of it.  extras may be
 * NULL.
 */
extern void redshift_copy(const RedshiftStatement *statement, const RedshiftCopyExtras *extras);

#endif							/* S3_REDSHIFT_COPY_H */
