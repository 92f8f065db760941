/*-------------------------------------------------------------------------
 *
 * check_schema.c
 *		s3_check_schema(): what in the objects does not fit the foreign table.
 *
 * Every object is read with the table's options, as a scan would, but with an
 * eye for what a scan passes over: keys and names that no column reads, columns
 * that an object lacks, values of all columns.  Of each kind of finding the
 * first place is told, and how often it was met.
 *
 * A scan's machinery below feed.c does the reading; what it throws for an
 * object is a finding, too.
 *
 * IDENTIFICATION
 *		src/commands/check_schema.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "fdw/keys.h"
#include "fdw/scan.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* Of an object's beginning; more only if all is to be read. */
#define SAMPLE_RECORDS 1000

/* Hostile data may have any number of keys. */
#define MAX_FINDINGS 10000

/* Bytes of a name or value that are shown. */
#define MAX_SHOWN 100

#define NUM_COLUMNS 6

PG_FUNCTION_INFO_V1(s3_check_schema);

typedef struct Finding
{
	const char *kind;			/* static */
	char	   *column;			/* or NULL */
	char	   *object;
	int64		line;			/* 0: not known */
	char	   *detail;
	int64		count;
} Finding;

typedef struct SchemaCheck
{
	S3ScanState *scan;
	bool		full;
	MemoryContext cxt;			/* of findings */
	List	   *findings;
	KeySet	   *keys;
	bool	   *seen;			/* per column of the record: in this object */
	RecordHeader *first_header;	/* NULL until known */
	char	   *first_object;	/* which has it */
} SchemaCheck;

static char *
shown(const char *text, Size len)
{
	return pnstrdup(text, pg_mbcliplen(text, (int) Min(len, 2 * MAX_SHOWN), MAX_SHOWN));
}

/* Findings are one if kind and column are the same. */
static void
add_finding(SchemaCheck *check, const char *kind, const char *column, bool at_record,
			const char *detail)
{
	S3ScanState *scan = check->scan;
	MemoryContext save;
	Finding    *finding;
	ListCell   *lc;

	foreach(lc, check->findings)
	{
		finding = lfirst(lc);
		if (finding->kind == kind &&
			(column ? finding->column && strcmp(finding->column, column) == 0 : !finding->column))
		{
			finding->count++;
			return;
		}
	}
	if (list_length(check->findings) >= MAX_FINDINGS)
		return;
	save = MemoryContextSwitchTo(check->cxt);
	finding = palloc0(sizeof(Finding));
	finding->kind = kind;
	finding->column = column ? pstrdup(column) : NULL;
	finding->object = s3_location_format(scan->bucket, scan->key);
	if (at_record && scan->reader)
		finding->line = (int64) (scan->first_line + record_reader_line(scan->reader));
	finding->detail = pstrdup(detail);
	finding->count = 1;
	check->findings = lappend(check->findings, finding);
	MemoryContextSwitchTo(save);
}

static const char kind_extra[] = "extra column";
static const char kind_missing[] = "missing column";
static const char kind_type[] = "type";
static const char kind_record[] = "record";
static const char kind_header[] = "header";
static const char kind_object[] = "object";

/* ---------------------------------------------------------------- one object */

static bool
check_value(void *arg, const TupleFault *fault)
{
	const char *value = fault->data ? shown(fault->data, fault->len) : NULL;

	if (!fault->repaired)
		add_finding(arg, kind_type, fault->column, true,
					value ? psprintf(_("value \"%s\": %s"), value, fault->message) :
					fault->message);
	return true;
}

static void
check_key(void *arg, const char *name, Size len)
{
	SchemaCheck *check = arg;

	if (!key_set_find(check->keys, name, len, check->seen))
		add_finding(check, kind_extra, shown(name, len), true,
					_("no column of the table reads it"));
}

static void
check_missing(SchemaCheck *check, const char *detail)
{
	S3ScanState *scan = check->scan;

	for (int i = 0; i < scan->ncolumns; i++)
	{
		if (!check->seen[i])
			add_finding(check, kind_missing, scan->columns[i].name, false, detail);
	}
}

/* Headers of a table whose columns go by position: does this one differ? */
static void
compare_header(SchemaCheck *check, const RecordHeader *header)
{
	const RecordHeader *first = check->first_header;
	MemoryContext save;

	if (first == NULL)
	{
		save = MemoryContextSwitchTo(check->cxt);
		check->first_header = palloc(sizeof(RecordHeader));
		check->first_header->nfields = header->nfields;
		check->first_header->names = palloc(sizeof(char *) * Max(header->nfields, 1));
		for (int i = 0; i < header->nfields; i++)
			check->first_header->names[i] = pstrdup(header->names[i]);
		check->first_object = s3_location_format(check->scan->bucket, check->scan->key);
		MemoryContextSwitchTo(save);
		return;
	}
	for (int i = 0; i < Max(first->nfields, header->nfields); i++)
	{
		const char *was = i < first->nfields ? first->names[i] : NULL;
		const char *is = i < header->nfields ? header->names[i] : NULL;

		if (was && is && strcmp(was, is) == 0)
			continue;
		add_finding(check, kind_header, is ? is : was, false,
					psprintf(_("field %d is %s%s%s, but in \"%s\" it is %s%s%s"), i + 1,
							 is ? "\"" : "", is ? is : _("missing"), is ? "\"" : "",
							 check->first_object,
							 was ? "\"" : "", was ? was : _("missing"), was ? "\"" : ""));
		return;
	}
}

/* Returns false if no record can be read with it. */
static bool
check_header(SchemaCheck *check)
{
	S3ScanState *scan = check->scan;
	const FormatOptions *format = &scan->options->format;
	RecordHeader *header;
	bool		complete = true;

	if (!scan->start.has_header || format->format == FORMAT_JSON ||
		format->format == FORMAT_FIXEDWIDTH)
		return true;
	header = scan_read_header(scan);
	if (format->match_by != MATCH_BY_NAME)
	{
		compare_header(check, header);
		return true;
	}
	for (int i = 0; i < header->nfields; i++)
		check_key(check, header->names[i], strlen(header->names[i]));
	for (int i = 0; i < scan->ncolumns; i++)
		complete = complete && check->seen[i];
	if (header->nfields > 0)
		check_missing(check, _("the header line lacks it"));
	return complete || format->missing_fields == RAGGED_ACCEPT;
}

static void
check_records(SchemaCheck *check, TupleTableSlot *slot, MemoryContext row_cxt)
{
	S3ScanState *scan = check->scan;
	bool		has_keys = scan->options->format.format == FORMAT_JSON &&
		scan->options->format.records != RECORDS_ARRAYS;
	bool		whole = true;
	int64		n = 0;
	Record		record;

	for (;;)
	{
		RecordStatus status;
		const char *text;
		Size		len;

		CHECK_FOR_INTERRUPTS();
		ExecClearTuple(slot);
		MemoryContextReset(row_cxt);
		if (n++ == SAMPLE_RECORDS && !check->full)
		{
			whole = false;
			break;
		}
		status = record_reader_next(scan->reader, &record);
		if (status == RECORD_END)
			break;
		if (status == RECORD_BAD)
		{
			record_reader_text(scan->reader, &text, &len);
			add_finding(check, kind_record, NULL, true,
						psprintf("%s: \"%s\"", record.error.message, shown(text, len)));
			if (record.error.fatal)
				break;
			continue;
		}
		(void) tuple_try_store(scan->tuples, &record, slot);
		if (has_keys)
		{
			record_reader_text(scan->reader, &text, &len);
			json_keys_visit(text, len, check_key, check);
		}
	}
	if (has_keys && n > 1)
		check_missing(check, whole ? _("no record of the object has it") :
					  psprintf(_("none of the first %d records of the object has it"),
							   SAMPLE_RECORDS));
}

/* Everything about the next object; false if there is none. */
static bool
check_object(SchemaCheck *check, TupleTableSlot *slot, MemoryContext row_cxt)
{
	S3ScanState *scan = check->scan;
	ErrorData  *volatile error = NULL;
	volatile bool found = true;

	memset(check->seen, 0, sizeof(bool) * Max(scan->ncolumns, 1));
	if (!check->full)
		scan->begun = false;	/* so that little is asked for */
	MemoryContextReset(row_cxt);
	MemoryContextSwitchTo(row_cxt);
	PG_TRY();
	{
		found = scan_open_chunk(scan);
		if (found && check_header(check))
			check_records(check, slot, row_cxt);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(row_cxt);
		error = CopyErrorData();
		if (scan->key == NULL || !reject_is_of_object(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(row_cxt);
	if (error)
		add_finding(check, kind_object, NULL, false, error->message);
	ExecClearTuple(slot);
	MemoryContextSwitchTo(check->cxt);
	scan_close_chunk(scan);
	return found;
}

/* ------------------------------------------------------------------- all of it */

/* All columns that are in the file. */
static bool *
columns_of_file(SchemaCheck *check, TupleDesc desc)
{
	bool	   *needed = palloc0(Max(desc->natts, 1) * sizeof(bool));

	for (int i = 0; i < desc->natts; i++)
		needed[i] = !TupleDescAttr(desc, i)->attisdropped &&
			!layout_is_external(check->scan->layout, i + 1);
	return needed;
}

static void
check_table(SchemaCheck *check, Relation rel)
{
	S3ScanState *scan;
	TupleDesc	desc = RelationGetDescr(rel);
	EState	   *estate = CreateExecutorState();
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	MemoryContext row_cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw row",
												  ALLOCSET_DEFAULT_SIZES);
	ChunkQueue *queue;

	check->cxt = CurrentMemoryContext;
	scan = check->scan = scan_create(rel, GetUserId());
	scan->options->on_bad_object = ON_BAD_OBJECT_SKIP;
	scan_prepare(scan, columns_of_file(check, desc), GetPerTupleExprContext(estate));
	tuple_reader_set_handler(scan->tuples, check_value, check);
	check->keys = key_set_create(scan->columns, scan->ncolumns, &scan->options->format);
	check->seen = palloc0(sizeof(bool) * Max(scan->ncolumns, 1));

	scan_list_objects(scan);
	queue = MemoryContextAllocHuge(check->cxt, chunk_queue_size(NULL, 0));
	chunk_queue_init(queue, scan->manifest->nobjects, NULL, 0);
	scan_set_queue(scan, queue);
	while (check_object(check, slot, row_cxt))
		;
	scan_close_ahead(scan);
	manifest_free(scan->manifest);
	ExecDropSingleTupleTableSlot(slot);
	FreeExecutorState(estate);
}

static Relation
open_table(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	AclResult	acl = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);

	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_FOREIGN_TABLE, RelationGetRelationName(rel));
	if (rel->rd_rel->relkind != RELKIND_FOREIGN_TABLE ||
		strcmp(GetForeignDataWrapper(GetForeignServer(GetForeignTable(relid)->serverid)->fdwid)->fdwname,
			   "s3_fdw") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a foreign table of s3_fdw", RelationGetRelationName(rel))));
	return rel;
}

Datum
s3_check_schema(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	SchemaCheck *check = palloc0(sizeof(SchemaCheck));
	Relation	rel = open_table(PG_GETARG_OID(0));
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	check->full = PG_GETARG_BOOL(1);
	check_table(check, rel);
	table_close(rel, NoLock);
	foreach(lc, check->findings)
	{
		const Finding *finding = lfirst(lc);
		Datum		values[NUM_COLUMNS] = {0};
		bool		nulls[NUM_COLUMNS] = {false};

		values[0] = CStringGetTextDatum(finding->kind);
		if (finding->column)
			values[1] = CStringGetTextDatum(finding->column);
		nulls[1] = finding->column == NULL;
		values[2] = CStringGetTextDatum(finding->object);
		values[3] = Int64GetDatum(finding->line);
		nulls[3] = finding->line == 0;
		values[4] = CStringGetTextDatum(finding->detail);
		values[5] = Int64GetDatum(finding->count);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
