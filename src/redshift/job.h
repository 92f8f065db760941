/*-------------------------------------------------------------------------
 *
 * job.h
 *		COPY ... JOB: COPY statements that are stored, and run by name.
 *
 * IDENTIFICATION
 *		src/redshift/job.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_REDSHIFT_JOB_H
#define S3_REDSHIFT_JOB_H

#include "access/tupdesc.h"
#include "redshift/statement.h"
#include "utils/tuplestore.h"

/*
 * CREATE, ALTER, RUN, SHOW, DROP or LIST, of the current user's jobs.  text is
 * the whole statement.  The answer goes into out: rows of desc, which has one
 * column of type text.
 */
extern void redshift_job(const RedshiftStatement *statement, const char *text,
						 Tuplestorestate *out, TupleDesc desc);

#endif							/* S3_REDSHIFT_JOB_H */
