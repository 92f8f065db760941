/*-------------------------------------------------------------------------
 *
 * import.h
 *		IMPORT FOREIGN SCHEMA.
 *
 * IDENTIFICATION
 *		src/schema/import.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_IMPORT_H
#define S3_IMPORT_H

#include "foreign/fdwapi.h"

extern List *s3ImportForeignSchema(ImportForeignSchemaStmt *stmt, Oid serverOid);

#endif							/* S3_IMPORT_H */
