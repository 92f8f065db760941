/*-------------------------------------------------------------------------
 *
 * ledger.c
 *		Which objects a table has been loaded from, so that each is loaded once.
 *
 * Objects are known by server, bucket and key, as Redshift's jobs know files by
 * their names: one that has changed is reported and left out like the others.
 *
 * The lock is one on the table as an object that nothing else of the server
 * takes, held to the end of the transaction.  What the transaction before has
 * committed is seen, for the lock is waited for before the ledger is read.  A
 * transaction whose snapshot is older fails when it records the same object.
 *
 * IDENTIFICATION
 *		src/redshift/ledger.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "redshift/ledger.h"
#include "redshift/tables.h"
#include "s3/uri.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

/* Changed objects are reported one by one, up to so many. */
#define MAX_CHANGES_TOLD 10

PG_FUNCTION_INFO_V1(redshift_forget_loaded);

/* An object that was chosen; the strings are owned. */
typedef struct Chosen
{
	uint64		hash;			/* the key; one more if that is taken */
	char	   *bucket;
	char	   *key;
} Chosen;

struct Ledger
{
	MemoryContext cxt;
	Oid			relid;
	char	   *server;			/* its name, which a dump keeps */
	int64		query_id;
	int64		copy_job_id;	/* 0: none */
	HTAB	   *chosen;
	int64		known;			/* left out */
	int64		changed;		/* of these */
};

Ledger *
ledger_open(Oid relid, Oid serverid, int64 query_id, int64 copy_job_id)
{
	Ledger	   *ledger = palloc0(sizeof(Ledger));
	HASHCTL		ctl = {
		.keysize = sizeof(uint64),
		.entrysize = sizeof(Chosen),
		.hcxt = CurrentMemoryContext
	};

	LockDatabaseObject(RelationRelationId, relid, 0, ExclusiveLock);
	ledger->cxt = CurrentMemoryContext;
	ledger->relid = relid;
	ledger->server = pstrdup(GetForeignServer(serverid)->servername);
	ledger->query_id = query_id;
	ledger->copy_job_id = copy_job_id;
	ledger->chosen = hash_create("s3_fdw objects chosen", 256, &ctl,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return ledger;
}

/* Remember the object; false: it was chosen before. */
static bool
remember(Ledger *ledger, const char *bucket, const char *key)
{
	uint64		hash = hash_bytes_extended((const unsigned char *) key, strlen(key),
										   hash_bytes((const unsigned char *) bucket, strlen(bucket)));

	for (;; hash++)
	{
		bool		found;
		Chosen	   *entry = hash_search(ledger->chosen, &hash, HASH_ENTER, &found);

		if (!found)
		{
			entry->bucket = MemoryContextStrdup(ledger->cxt, bucket);
			entry->key = MemoryContextStrdup(ledger->cxt, key);
			return true;
		}
		if (strcmp(entry->key, key) == 0 && strcmp(entry->bucket, bucket) == 0)
			return false;
	}
}

/* S3 writes quotes around entity tags, or does not. */
static char *
plain_etag(const char *etag)
{
	Size		len = etag ? strlen(etag) : 0;

	if (len >= 2 && etag[0] == '"' && etag[len - 1] == '"')
		return pnstrdup(etag + 1, len - 2);
	return pnstrdup(etag ? etag : "", len);
}

/* What the ledger has of the object, in CurrentMemoryContext; false: nothing. */
static bool
look_up(Ledger *ledger, const char *bucket, const char *key, char **etag, char **loaded_at)
{
	MemoryContext cxt = CurrentMemoryContext;
	Oid			types[] = {OIDOID, TEXTOID, TEXTOID, TEXTOID};
	Datum		values[] = {
		ObjectIdGetDatum(ledger->relid), CStringGetTextDatum(ledger->server),
		CStringGetTextDatum(bucket), CStringGetTextDatum(key)
	};
	TablesUser	user;
	bool		found;

	tables_enter(&user);
	found = tables_run("SELECT etag, date_trunc('second', loaded_at)::text "
					   "FROM redshift.loaded_files WHERE target = $1 AND server = $2 AND bucket = $3 AND key = $4",
					   lengthof(types), types, values, NULL) > 0;
	if (found)
	{
		HeapTuple	tuple = SPI_tuptable->vals[0];

		*etag = MemoryContextStrdup(cxt, SPI_getvalue(tuple, SPI_tuptable->tupdesc, 1));
		*loaded_at = MemoryContextStrdup(cxt, SPI_getvalue(tuple, SPI_tuptable->tupdesc, 2));
	}
	tables_leave(&user);
	return found;
}

static char *
table_name(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
}

bool
ledger_choose(void *arg, const char *bucket, const char *key, const char *etag, int64 size)
{
	Ledger	   *ledger = arg;
	char	   *known_etag;
	char	   *loaded_at;
	char	   *now_etag = plain_etag(etag);

	if (!remember(ledger, bucket, key))
		return false;
	if (!look_up(ledger, bucket, key, &known_etag, &loaded_at))
		return true;
	ledger->known++;
	if (now_etag[0] != '\0' && strcmp(now_etag, known_etag) != 0 && ledger->changed++ < MAX_CHANGES_TOLD)
		ereport(NOTICE,
				(errmsg("object \"%s\" has changed since it was loaded, and is not loaded again",
						s3_location_format(bucket, key)),
				 errdetail("Its entity tag is %s; it was %s when it was loaded at %s.",
						   now_etag, known_etag, loaded_at),
				 errhint("SELECT redshift.forget_loaded(%s, %s) lets it be loaded again.",
						 quote_literal_cstr(table_name(ledger->relid)),
						 quote_literal_cstr(s3_location_format(bucket, key)))));
	return false;
}

void
ledger_record(void *arg, const LoadedObject *object)
{
	Ledger	   *ledger = arg;
	TablesUser	user;
	Oid			types[] = {OIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID, OIDOID, INT8OID};
	char		nulls[lengthof(types) + 1] = "         ";
	Datum		values[] = {
		ObjectIdGetDatum(ledger->relid),
		CStringGetTextDatum(ledger->server),
		CStringGetTextDatum(object->bucket),
		CStringGetTextDatum(object->key),
		CStringGetTextDatum(plain_etag(object->etag)),
		Int64GetDatum(object->size),
		Int64GetDatum(ledger->query_id),
		ObjectIdGetDatum(GetUserId()),
		Int64GetDatum(ledger->copy_job_id)
	};
	bool		inserted;

	if (ledger->copy_job_id == 0)
		nulls[lengthof(types) - 1] = 'n';
	tables_enter(&user);
	inserted = tables_run("INSERT INTO redshift.loaded_files "
						  "(target, server, bucket, key, etag, size, query_id, loaded_at, loaded_by, copy_job_id) "
						  "VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp(), $8, $9) "
						  "ON CONFLICT DO NOTHING",
						  lengthof(types), types, values, nulls) > 0;
	tables_leave(&user);
	if (!inserted)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("object \"%s\" was loaded by another transaction",
						s3_location_format(object->bucket, object->key)),
				 errhint("Run the statement again.")));
}

void
ledger_close(Ledger *ledger)
{
	if (ledger->known > 0)
		ereport(NOTICE,
				(errmsg_plural("%lld object was loaded before and is left out",
							   "%lld objects were loaded before and are left out",
							   (unsigned long) ledger->known, (long long) ledger->known),
				 ledger->changed > MAX_CHANGES_TOLD ?
				 errdetail("%lld of them have changed since.", (long long) ledger->changed) : 0));
	hash_destroy(ledger->chosen);
	pfree(ledger);
}

Datum
redshift_forget_loaded(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Oid			types[] = {OIDOID, TEXTOID};
	Datum		values[] = {ObjectIdGetDatum(relid), PG_GETARG_DATUM(1)};
	char	   *name = get_rel_name(relid);
	TablesUser	user;
	uint64		count;

	/* what is told of a table that is gone is for superusers */
	if (name ? !OWNS_RELATION(relid, GetUserId()) : !superuser())
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, name ? name : psprintf("%u", relid));
	LockDatabaseObject(RelationRelationId, relid, 0, ExclusiveLock);
	tables_enter(&user);
	count = tables_run("DELETE FROM redshift.loaded_files WHERE target = $1 AND "
					   "starts_with('s3://' || bucket || '/' || key, $2)",
					   lengthof(types), types, values, NULL);
	tables_leave(&user);
	PG_RETURN_INT64((int64) count);
}
