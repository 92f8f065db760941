/*-------------------------------------------------------------------------
 *
 * names.h
 *		Names of files made fit for SQL, Redshift and Athena.
 *
 * IDENTIFICATION
 *		src/schema/names.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_NAMES_H
#define S3_NAMES_H

#include "postgres.h"

typedef struct NameSet NameSet;

/* A set of names that are taken, in CurrentMemoryContext. */
extern NameSet *name_set_create(void);

/*
 * Clean a name: lower case; what is no letter, digit or underscore becomes an
 * underscore, several of them one; none is left at the end; a digit at the
 * beginning gets one before it; words that SQL or Redshift reserve get one
 * behind.  If nothing is left, it is "fallback".  At most 63 bytes, cut between
 * characters.  A name that is taken gets a number.  palloc'd.
 */
extern char *name_clean(NameSet *taken, const char *source, const char *fallback);

/* The same for Athena, which takes ASCII only.  name is a cleaned one. */
extern char *name_to_ascii(NameSet *taken, const char *name, const char *fallback);

#endif							/* S3_NAMES_H */
