/*-------------------------------------------------------------------------
 *
 * unload.h
 *		Redshift's UNLOAD.
 *
 * IDENTIFICATION
 *		src/redshift/unload.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_REDSHIFT_UNLOAD_H
#define S3_REDSHIFT_UNLOAD_H

#include "redshift/statement.h"

/*
 * Run it, as the current user; tells the client how many rows there were.
 * Reports what is wrong with the query, the target and the access to it.
 */
extern void redshift_unload(const RedshiftStatement *statement);

#endif							/* S3_REDSHIFT_UNLOAD_H */
