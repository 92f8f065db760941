/*-------------------------------------------------------------------------
 *
 * tables.c
 *		SQL on the extension's tables, with their owner's rights.
 *
 * Users have no rights to the tables themselves.  The statements are constant,
 * all that comes from a user is an argument, and what they run is no code of any
 * user's.
 *
 * IDENTIFICATION
 *		src/redshift/tables.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "redshift/tables.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define EXTENSION_NAME "s3_fdw"
#define SCHEMA_NAME "redshift"

/* The owner of the schema of that name that is the extension's. */
static Oid
schema_owner(Oid extension)
{
	Oid			schema = get_namespace_oid(SCHEMA_NAME, true);
	HeapTuple	tuple = NULL;
	Oid			owner;

	if (OidIsValid(schema) && getExtensionOfObject(NamespaceRelationId, schema) == extension)
		tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema \"%s\" of extension \"%s\" is missing", SCHEMA_NAME, EXTENSION_NAME)));
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);
	return owner;
}

static const char *
extension_schema(Oid extension)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	Oid			schema = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	scan = systable_beginscan(rel, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return quote_identifier(get_namespace_name(schema));
}

void
tables_enter(TablesUser *user)
{
	Oid			extension = get_extension_oid(EXTENSION_NAME, false);
	Oid			owner = schema_owner(extension);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	user->schema = extension_schema(extension);
	GetUserIdAndSecContext(&user->userid, &user->sec_context);
	user->nest_level = NewGUCNestLevel();
	SetUserIdAndSecContext(owner, user->sec_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
tables_leave(const TablesUser *user)
{
	AtEOXact_GUC(false, user->nest_level);
	SetUserIdAndSecContext(user->userid, user->sec_context);
	SPI_finish();
}

uint64
tables_run(const char *query, int nargs, const Oid *types, const Datum *values, const char *nulls)
{
	int			result = SPI_execute_with_args(query, nargs, unconstify(Oid *, types),
											   unconstify(Datum *, values), nulls, false, 0);

	if (result < 0)
		elog(ERROR, "could not execute a statement on the tables of schema %s: %s", SCHEMA_NAME,
			 SPI_result_code_string(result));
	return SPI_processed;
}
