/*-------------------------------------------------------------------------
 *
 * nested.h
 *		JSON arrays and objects to arrays and composite values.
 *
 * IDENTIFICATION
 *		src/format/nested.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_NESTED_H
#define S3_NESTED_H

#include "postgres.h"

typedef struct NestedType NestedType;

/* Is it an array, a composite type, or a domain over one of them? */
extern bool nested_type_is(Oid typid);

/*
 * A converter to such a type with a modifier.  name is the column's, for
 * messages; borrowed.  Memory from CurrentMemoryContext.
 */
extern NestedType *nested_type_create(Oid typid, int32 typmod, const char *name);

/*
 * Convert the text of one JSON value, not NUL-terminated, just as
 * json_populate_record() does for a column of the type.  True if the result
 * is NULL.  Reports its failures.  Memory from CurrentMemoryContext.
 */
extern bool nested_read(NestedType *type, const char *data, Size len, Datum *value);

#endif							/* S3_NESTED_H */
