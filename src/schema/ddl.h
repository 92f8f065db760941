/*-------------------------------------------------------------------------
 *
 * ddl.h
 *		A schema as CREATE TABLE, for PostgreSQL, Redshift and Athena.
 *
 * Names and options come from files: all of it is quoted as each of the three
 * needs it.
 *
 * IDENTIFICATION
 *		src/schema/ddl.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_DDL_H
#define S3_DDL_H

#include "schema/schema.h"

/* In CurrentMemoryContext. */
extern char *ddl_postgres(const Schema *schema, const char *table, const char *server);
extern char *ddl_redshift(const Schema *schema, const char *table);

/* Reports a location that is not a folder. */
extern char *ddl_athena(const Schema *schema, const char *table);

/* A name for a table over a location, that of its last folder or object. */
extern char *ddl_table_name(const char *location);

#endif							/* S3_DDL_H */
