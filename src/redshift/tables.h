/*-------------------------------------------------------------------------
 *
 * tables.h
 *		SQL on the extension's tables, with their owner's rights.
 *
 * IDENTIFICATION
 *		src/redshift/tables.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_REDSHIFT_TABLES_H
#define S3_REDSHIFT_TABLES_H

#include "postgres.h"

/* Whom to be again. */
typedef struct TablesUser
{
	Oid			userid;			/* who has asked */
	int			sec_context;
	int			nest_level;
	const char *schema;			/* the extension's own, quoted; "redshift" is
								 * the other one */
} TablesUser;

/*
 * Between the two SPI may be used as the owner of the tables, with a search path
 * of nothing but pg_catalog.  An error undoes it.
 */
extern void tables_enter(TablesUser *user);
extern void tables_leave(const TablesUser *user);

/*
 * Run a statement; the number of rows.  Arguments are $1 and so on; nulls as
 * SPI's, or NULL.
 */
extern uint64 tables_run(const char *query, int nargs, const Oid *types,
						 const Datum *values, const char *nulls);

#endif							/* S3_REDSHIFT_TABLES_H */
