/*-------------------------------------------------------------------------
 *
 * copy.c
 *		Redshift's COPY: from a statement to a load, and what is told of it.
 *
 * Above: redshift.c, and job.c, which runs statements that are stored.  Below:
 * copy_source.c, which makes options of the statement; commands/load.h, which
 * loads; the journal, whose rows stay whatever becomes of the transaction; and
 * the ledger, which is part of it.
 *
 * Clients take messages to pieces, so they are Redshift's word for word, and so
 * is the SQLSTATE of errors that Redshift has, which is XX000.
 *
 * IDENTIFICATION
 *		src/redshift/copy.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "base/compat.h"
#include "base/config.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "commands/access.h"
#include "commands/load.h"
#include "executor/spi.h"
#include "fdw/journal.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "redshift/copy.h"
#include "redshift/copy_source.h"
#include "redshift/ledger.h"
#include "redshift/session.h"
#include "s3/uri.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef struct Copy
{
	/* constant once the load begins */
	const RedshiftStatement *statement;
	RedshiftCopyExtras extras;
	Relation	rel;
	bool		analyze;		/* when it is loaded */
	LoadJob		job;
	Oid			serverid;
	S3Stats		stats;			/* of job.client */
	Journal    *journal;		/* NULL: none is to be had */
	int64		query_id;		/* 0 then */
	Ledger	   *ledger;			/* or NULL */

	LoadResult	result;
} Copy;

/* ----------------------------------------------------------------------- the target */

static Relation
open_target(const RedshiftStatement *statement)
{
	RangeVar   *name = makeRangeVar(statement->schema, statement->table, -1);
	Oid			relid = RangeVarGetRelid(name, RowExclusiveLock, true);

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg_internal("Cannot COPY into nonexistent table %s", statement->table)));
	return table_open(relid, NoLock);
}

static void
report_identity(const char *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
			 errmsg("cannot load identity column \"%s\" without EXPLICIT_IDS", column)));
}

/*
 * The columns that files hold, in order: those listed, else all that values can
 * be given for, identity columns only with EXPLICIT_IDS.
 */
static List *
target_columns(const RedshiftStatement *statement, Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *attnums = NIL;
	ListCell   *lc;

	foreach(lc, statement->columns)
	{
		AttrNumber	attnum = get_attnum(RelationGetRelid(rel), lfirst(lc));

		if (attnum <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist",
							(char *) lfirst(lc), RelationGetRelationName(rel))));
		if (list_member_int(attnums, attnum))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("column \"%s\" specified more than once", (char *) lfirst(lc))));
		if (TupleDescAttr(desc, attnum - 1)->attidentity == ATTRIBUTE_IDENTITY_ALWAYS &&
			!statement->explicit_ids)
			report_identity(lfirst(lc));
		attnums = lappend_int(attnums, attnum);
	}
	for (int i = 0; i < desc->natts && statement->columns == NIL; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && !att->attgenerated &&
			(!att->attidentity || statement->explicit_ids))
			attnums = lappend_int(attnums, att->attnum);
	}
	return attnums;
}

/* The load checks again; but nothing is asked of the service before. */
static void
check_privileges(Relation rel, const List *attnums)
{
	Oid			relid = RelationGetRelid(rel);
	ListCell   *lc;

	if (pg_class_aclcheck(relid, GetUserId(), ACL_INSERT) == ACLCHECK_OK)
		return;
	foreach(lc, attnums)
	{
		if (pg_attribute_aclcheck(relid, lfirst_int(lc), GetUserId(), ACL_INSERT) != ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(rel->rd_rel->relkind),
						   RelationGetRelationName(rel));
	}
}

/* -------------------------------------------------------------------------- ANALYZE */

/* Without STATUPDATE, tables are analyzed that were empty. */
static bool
wants_analyze(const RedshiftStatement *statement, Relation rel)
{
	bool		permitted = ANALYZE_IS_PERMITTED(RelationGetRelid(rel), GetUserId());
	char		relkind = rel->rd_rel->relkind;

	if (statement->no_load || statement->update_statistics == REDSHIFT_OFF)
		return false;
	if (statement->update_statistics == REDSHIFT_ON)
	{
		if (!permitted)
			aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(relkind),
						   RelationGetRelationName(rel));
		return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE;
	}
	return permitted && relkind == RELKIND_RELATION && RelationGetNumberOfBlocks(rel) == 0;
}

/* If nobody asked for it, nobody should have to wait for it either. */
static void
analyze_target(const Copy *copy)
{
	Oid			relid = RelationGetRelid(copy->rel);
	char	   *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(copy->rel)),
												  RelationGetRelationName(copy->rel));

	if (copy->statement->update_statistics != REDSHIFT_ON &&
		!ConditionalLockRelationOid(relid, ShareUpdateExclusiveLock))
		return;
	SPI_connect();
	if (SPI_execute(psprintf("ANALYZE %s", name), false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not analyze table \"%s\"", RelationGetRelationName(copy->rel));
	SPI_finish();
}

/* ---------------------------------------------------------------------- the journal */

static void
add_text(StringInfo row, const char *key, const char *value)
{
	appendStringInfoString(row, row->len == 0 ? "{" : ", ");
	escape_json(row, key);
	appendStringInfoString(row, ": ");
	escape_json(row, value);
}

static void
add_number(StringInfo row, const char *key, int64 value)
{
	appendStringInfoString(row, row->len == 0 ? "{" : ", ");
	escape_json(row, key);
	appendStringInfo(row, ": " INT64_FORMAT, value);
}

static const char *
format_name(const RedshiftStatement *statement)
{
	switch (statement->format)
	{
		case REDSHIFT_CSV:
			return "csv";
		case REDSHIFT_FIXEDWIDTH:
			return "fixedwidth";
		case REDSHIFT_JSON:
			return "json";
		default:
			return "text";
	}
}

/* What is known of the load: status is "running", "completed" or "aborted". */
static void
record_load(const Copy *copy, const char *status)
{
	const LoadResult *result = &copy->result;
	StringInfoData row;

	if (copy->journal == NULL)
		return;
	initStringInfo(&row);
	add_text(&row, "status", status);
	add_number(&row, "table_id", RelationGetRelid(copy->rel));
	add_text(&row, "table_name", RelationGetRelationName(copy->rel));
	add_text(&row, "data_source", copy->statement->location);
	add_text(&row, "file_format", format_name(copy->statement));
	add_number(&row, "loaded_rows", result->rows);
	add_number(&row, "loaded_bytes", result->rows > 0 ? result->bytes : 0);
	add_number(&row, "source_file_count", result->objects);
	add_number(&row, "source_file_bytes", result->bytes);
	add_number(&row, "file_count_scanned", result->objects);
	add_number(&row, "file_bytes_scanned", result->bytes);
	add_number(&row, "error_count", result->rejected);
	if (copy->extras.copy_job_id != 0)
		add_number(&row, "copy_job_id", copy->extras.copy_job_id);
	appendStringInfoChar(&row, '}');
	journal_add(copy->journal, JOURNAL_LOADS, row.data);
	pfree(row.data);
}

static char *
without_quotes(const char *etag)
{
	Size		len = strlen(etag);

	return len >= 2 && etag[0] == '"' && etag[len - 1] == '"' ?
		pnstrdup(etag + 1, len - 2) : pstrdup(etag);
}

/* A LoadedObjectHandler. */
static void
record_object(void *arg, const LoadedObject *object)
{
	Copy	   *copy = arg;
	StringInfoData row;

	if (copy->ledger)
		ledger_record(copy->ledger, object);
	if (copy->journal == NULL)
		return;
	initStringInfo(&row);
	add_text(&row, "file_name", s3_location_format(object->bucket, object->key));
	if (object->etag)
		add_text(&row, "file_etag", without_quotes(object->etag));
	add_number(&row, "bytes", object->size);
	add_number(&row, "lines_scanned", object->rows);
	add_number(&row, "errors", object->rejected);
	add_number(&row, "status", 1);
	add_text(&row, "file_format", format_name(copy->statement));
	if (copy->extras.copy_job_id != 0)
		add_number(&row, "copy_job_id", copy->extras.copy_job_id);
	appendStringInfoChar(&row, '}');
	journal_add(copy->journal, JOURNAL_LOAD_FILES, row.data);
}

/* A LoadChooser. */
static bool
choose_object(void *arg, const char *bucket, const char *key, const char *etag, int64 size)
{
	Copy	   *copy = arg;

	return ledger_choose(copy->ledger, bucket, key, etag, size);
}

/* -------------------------------------------------------------------------- the end */

static void
report_nothing_found(const Copy *copy)
{
	ereport(ERROR,
			(errcode(ERRCODE_INTERNAL_ERROR),
			 errmsg_internal("The specified S3 prefix '%s' does not exist",
							 copy_source_key(copy->statement->location))));
}

/* Tell the client. */
static void
report_success(const Copy *copy)
{
	const LoadResult *result = &copy->result;
	const char *table = RelationGetRelationName(copy->rel);

	ereport(INFO,
			(errmsg_internal("Load into table '%s' completed, %lld record(s) loaded successfully.",
							 table, (long long) result->rows)));
	if (result->rejected > 0)
		ereport(INFO,
				(errmsg_internal("Load into table '%s' completed, %lld record(s) could not be loaded.  Check 'stl_load_errors' system table for details.",
								 table, (long long) result->rejected)));
	if (result->repaired > 0)
		ereport(INFO,
				(errmsg_internal("Load into table '%s' completed, %lld record(s) were loaded with replacements made for ACCEPTINVCHARS. Check 'stl_replacements' system table for details.",
								 table, (long long) result->repaired)));
}

/*
 * The load has failed: have the journal's rows committed before the client
 * hears of it, who will look there.  What keeps that from being done does not
 * matter now.
 */
static void
record_failure(const Copy *copy)
{
	MemoryContext cxt = CurrentMemoryContext;

	PG_TRY();
	{
		record_load(copy, "aborted");
		if (copy->journal)
			journal_close(copy->journal);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(cxt);
		FlushErrorState();
	}
	PG_END_TRY();
}

static void
report_failure(const Copy *copy, ErrorData *error)
{
	if (!copy->result.too_much)
		ReThrowError(error);
	ereport(ERROR,
			(errcode(ERRCODE_INTERNAL_ERROR),
			 errmsg_internal("Load into table '%s' failed.  Check 'stl_load_errors' system table for details.",
							 RelationGetRelationName(copy->rel)),
			 error->detail ? errdetail_internal("%s", error->detail) : 0));
}

/* -------------------------------------------------------------------------- running */

/* From the statement to the job. */
static void
prepare(Copy *copy)
{
	const RedshiftStatement *statement = copy->statement;
	const RedshiftAuthorization *authorization = &statement->authorization;
	S3AccessRequest access = {
		.default_role = authorization->is_default,.roles = authorization->roles,
		.region = statement->region,.access_key_id = authorization->access_key_id,
		.secret_access_key = authorization->secret_access_key,
		.session_token = authorization->session_token
	};
	LoadJob    *job = &copy->job;

	copy->rel = open_target(statement);
	job->relid = RelationGetRelid(copy->rel);
	job->attnums = target_columns(statement, copy->rel);
	check_privileges(copy->rel, job->attnums);
	copy->analyze = wants_analyze(statement, copy->rel);
	job->options = copy_source_options(statement);
	copy->serverid = s3_access_server(&access);
	job->client = s3_access_client(&access, copy->serverid, &copy->stats);
	job->columns = copy_source_columns(statement, RelationGetDescr(copy->rel), job->attnums,
									   job->client, job->options);
	job->check_not_null = true;
	job->no_load = statement->no_load;
	job->query_id = copy->query_id;
}

static void
run(Copy *copy)
{
	record_load(copy, "running");
	session_set_copy(copy->query_id, 0);
	if (copy->extras.load_once && !copy->job.no_load)
		copy->ledger = ledger_open(copy->job.relid, copy->serverid, copy->query_id,
								   copy->extras.copy_job_id);
	load_run(&copy->job, copy->ledger ? choose_object : NULL, record_object, copy, &copy->result);
	/* A job waits for what is yet to come. */
	if (copy->result.listed == 0 && !copy->statement->manifest && copy->extras.copy_job_id == 0)
		report_nothing_found(copy);
	if (copy->ledger)
		ledger_close(copy->ledger);
	if (copy->analyze && copy->result.rows > 0)
		analyze_target(copy);
}

void
redshift_copy(const RedshiftStatement *statement, const RedshiftCopyExtras *extras)
{
	MemoryContext caller_cxt = CurrentMemoryContext;
	MemoryContext cxt = AllocSetContextCreate(caller_cxt, "s3_fdw copy", ALLOCSET_DEFAULT_SIZES);
	Copy	   *copy;

	MemoryContextSwitchTo(cxt);
	copy = palloc0(sizeof(Copy));
	copy->statement = statement;
	if (extras)
		copy->extras = *extras;
	copy->extras.load_once |= s3_load_once;
	copy->journal = journal_open();
	copy->query_id = copy->journal ? journal_query_id(copy->journal) : 0;
	session_begin_query(copy->query_id);

	/* Until then there is nothing to record. */
	prepare(copy);
	PG_TRY();
	{
		run(copy);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(cxt);
		error = CopyErrorData();
		FlushErrorState();
		record_failure(copy);
		report_failure(copy, error);
	}
	PG_END_TRY();

	session_set_copy(copy->query_id, copy->result.rows);
	record_load(copy, "completed");
	if (copy->journal)
		journal_close(copy->journal);
	report_success(copy);
	table_close(copy->rel, NoLock);
	MemoryContextSwitchTo(caller_cxt);
	MemoryContextDelete(cxt);
}
