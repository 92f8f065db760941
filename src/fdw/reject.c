/*-------------------------------------------------------------------------
 *
 * reject.c
 *		What becomes of what a scan cannot use: counted, recorded, or too much.
 *
 * scan.c asks for each record, value and object that is bad, and leaves it out
 * when this returns.  What is counted here goes into the store as well, before
 * anything else happens; so the row that is one too many is there, too.
 *
 * The sums are shared by the processes of a scan, and so is the store, which in
 * a parallel scan the leader starts before its workers take all places for
 * background workers.
 *
 * A serial scan that is repeated meets the same rows in the same order: those
 * up to the last one recorded are left out again in silence.  A parallel scan
 * has no order; once all its chunks were claimed, nothing is recorded again.
 *
 * Raw lines show all columns, and values of columns that the query does not
 * read are recorded, too.  So the records are for the user whose privileges the
 * scan has only if that user may read the whole table; else for the owner.
 *
 * IDENTIFICATION
 *		src/fdw/reject.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "fdw/keys.h"
#include "fdw/reject.h"
#include "fdw/reject_store.h"
#include "fdw/scan.h"
#include "format/encoding.h"
#include "format/value_redshift.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* Below so many rows a ratio says nothing, unless the scan is at its end. */
#define RATIO_MIN_ROWS 1000

/* Redshift tells of so many rows with bytes that were replaced. */
#define MAX_REDSHIFT_REPAIRS 100

/* Of a load: rows of a process whose fields are recorded, and how long these are. */
#define MAX_DETAILED 20
#define MAX_FIELD 1024

/* Rows that a process counts before it tells the others. */
#define ROWS_PER_FLUSH 256

/* Where the rows are; the view is in the schema of the extension. */
#define HINT_WHERE gettext_noop("See them with SELECT * FROM s3_rejected WHERE scan = %lld.")

struct Reject
{
	/* constant */
	S3ScanState *scan;			/* borrowed */
	MemoryContext cxt;			/* the scan's */
	char	   *table_name;
	Oid			relid;
	Oid			userid;			/* who may see what is recorded */
	bool		sees_all;		/* it is the user of the scan */
	bool		is_load;		/* of the table, which is no foreign one */
	bool		has_offsets;	/* bytes are counted in the file's encoding */

	RejectShared own;			/* of a serial scan */
	RejectShared *shared;		/* that, or in shared memory */
	bool		parallel;		/* it is or was the latter */
	RejectStore *store;			/* NULL until needed */
	bool		opened;			/* it was this process that has opened it */
	MemoryContext row_cxt;		/* reset per record that is rejected */
	KeySet	   *keys;			/* that columns read; NULL until needed */
	char	   *first;			/* where the first one was, and why */
	bool		too_much;		/* that is reported */

	int			rows;			/* not in the shared sum yet */
	int			detailed;		/* whose fields were recorded */

	/* of a serial scan: what was recorded last */
	int			last_object;	/* -1: nothing */
	uint64		last_offset;
	int			last_column;	/* faults within one record */
	int			column;			/* the same, of the current record */
	uint64		max_rows;		/* of passes before this one */
};

static bool
reject_is_tolerant(const S3TableOptions *options)
{
	return options->on_error != ON_ERROR_STOP || options->on_bad_object != ON_BAD_OBJECT_STOP;
}

bool
reject_validates_all(const S3TableOptions *options)
{
	return options->on_error != ON_ERROR_STOP || options->validate == VALIDATE_ALL;
}

/* Is it possible at all that something will be recorded? */
static bool
may_record(const S3TableOptions *options)
{
	return reject_is_tolerant(options) || options->format.tolerant ||
		options->format.truncate_strings || options->format.redshift.replacement != '\0' ||
		options->format.encoding_errors != ENCODING_ERRORS_ERROR;
}

bool
reject_is_needed(const S3TableOptions *options)
{
	return may_record(options) || options->extra_keys != EXTRA_KEYS_IGNORE;
}

static void
init_sums(RejectShared *shared)
{
	pg_atomic_init_u64(&shared->rows, 0);
	pg_atomic_init_u64(&shared->errors, 0);
	for (int i = 0; i < NUM_REJECT_KINDS; i++)
		pg_atomic_init_u64(&shared->counts[i], 0);
	pg_atomic_init_u32(&shared->warned, 0);
	shared->store = DSM_HANDLE_INVALID;
	shared->again = false;
}

Reject *
reject_create(S3ScanState *scan)
{
	Reject	   *reject = palloc0(sizeof(Reject));
	Relation	rel = scan->input.rel;
	Oid			userid = scan->input.userid;
	int			encoding = scan->options->format.encoding;

	reject->scan = scan;
	reject->cxt = CurrentMemoryContext;
	reject->table_name = pstrdup(RelationGetRelationName(rel));
	reject->relid = RelationGetRelid(rel);
	reject->is_load = scan->input.is_load;
	/* who loads a table has read the objects, whatever he may do with the table */
	reject->sees_all = reject->is_load ||
		pg_class_aclcheck(reject->relid, userid, ACL_SELECT) == ACLCHECK_OK;
	reject->userid = reject->sees_all ? userid : rel->rd_rel->relowner;
	if (encoding == S3_ENCODING_UTF8_BOM)
		encoding = PG_UTF8;
	reject->has_offsets = scan->options->format.encoding_errors == ENCODING_ERRORS_ERROR &&
		(encoding < 0 || encoding == PG_SQL_ASCII ||
		 encoding == GetDatabaseEncoding() || GetDatabaseEncoding() == PG_SQL_ASCII);
	reject->shared = &reject->own;
	init_sums(reject->shared);
	reject->row_cxt = AllocSetContextCreate(reject->cxt, "s3_fdw rejected row",
											ALLOCSET_SMALL_SIZES);
	reject->last_object = -1;
	return reject;
}

void
reject_share(Reject *reject, RejectShared *shared, bool init)
{
	reject->shared = shared;
	reject->parallel = true;
	if (!init)
		return;
	init_sums(shared);
	reject->opened = true;
	if (reject->store == NULL && may_record(reject->scan->options))
		reject->store = reject_store_open(reject->relid, reject->userid, true);
	if (reject->store)
		shared->store = reject_store_handle(reject->store);
}

void
reject_rescan(Reject *reject)
{
	RejectShared *shared = reject->shared;

	reject_flush(reject);
	if (reject->parallel)
		return;
	reject->max_rows = Max(reject->max_rows, pg_atomic_read_u64(&shared->rows));
	pg_atomic_write_u64(&shared->rows, 0);
}

void
reject_rescan_shared(Reject *reject)
{
	reject->shared->again = chunk_queue_left(reject->scan->queue) == 0;
}

/* ------------------------------------------------------------------ counting */

void
reject_flush(Reject *reject)
{
	if (reject->rows > 0)
		pg_atomic_fetch_add_u64(&reject->shared->rows, reject->rows);
	reject->rows = 0;
}

void
reject_unshare(Reject *reject)
{
	RejectShared *shared = reject->shared;

	reject_flush(reject);
	if (shared == &reject->own)
		return;
	reject->shared = &reject->own;
	pg_atomic_write_u64(&reject->own.rows, pg_atomic_read_u64(&shared->rows));
	pg_atomic_write_u64(&reject->own.errors, pg_atomic_read_u64(&shared->errors));
	for (int i = 0; i < NUM_REJECT_KINDS; i++)
		pg_atomic_write_u64(&reject->own.counts[i], pg_atomic_read_u64(&shared->counts[i]));
}

void
reject_count_row(Reject *reject)
{
	reject->column = 0;
	if (++reject->rows >= ROWS_PER_FLUSH)
		reject_flush(reject);
}

int64
reject_count(Reject *reject, RejectKind kind)
{
	return (int64) pg_atomic_read_u64(&reject->shared->counts[kind]);
}

/* ----------------------------------------------------------------- recording */

static RejectStore *
get_store(Reject *reject)
{
	MemoryContext save;

	if (reject->store)
		return reject->store;
	save = MemoryContextSwitchTo(reject->cxt);
	if (reject->parallel && !reject->opened)
		reject->store = reject_store_join(reject->shared->store);
	else
	{
		reject->store = reject_store_open(reject->relid, reject->userid, false);
		reject->opened = true;
	}
	MemoryContextSwitchTo(save);
	return reject->store;
}

/*
 * Too much is bad.  What it was is committed before that is reported, unless
 * other processes are still at it.  Returns the number of the scan.
 */
static long long
finish_before_error(Reject *reject)
{
	RejectStore *store = get_store(reject);
	long long	number = reject_store_scan(store);

	reject->too_much = true;
	if (reject->opened && !reject->parallel)
	{
		reject->store = NULL;
		reject_store_close(store, true);
	}
	return number;
}

static void
check_count(Reject *reject, uint64 rejected)
{
	int64		max = reject->scan->options->max_errors;
	long long	number;

	if (max < 0 || rejected <= (uint64) max)
		return;
	number = finish_before_error(reject);
	ereport(ERROR,
			(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
			 reject->is_load ?
			 errmsg_plural("more than %lld error in the data for table \"%s\"",
						   "more than %lld errors in the data for table \"%s\"",
						   (unsigned long) max, (long long) max, reject->table_name) :
			 errmsg_plural("more than %lld error in the data of foreign table \"%s\"",
						   "more than %lld errors in the data of foreign table \"%s\"",
						   (unsigned long) max, (long long) max, reject->table_name),
			 reject->first ? errdetail("The first one: %s", reject->first) : 0,
			 errhint(HINT_WHERE, number)));
}

static void
check_ratio(Reject *reject, uint64 min_rows)
{
	double		max = reject->scan->options->max_error_ratio;
	uint64		rejected = pg_atomic_read_u64(&reject->shared->errors);
	uint64		rows;
	long long	number;

	if (max < 0 || rejected == 0)
		return;
	reject_flush(reject);
	rows = Max(pg_atomic_read_u64(&reject->shared->rows), reject->max_rows);
	if (rows < min_rows || (double) rejected <= max * (double) rows)
		return;
	number = finish_before_error(reject);
	ereport(ERROR,
			(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
			 reject->is_load ?
			 errmsg("more than %g %% of the rows for table \"%s\" are bad: %llu of %llu",
					max * 100, reject->table_name,
					(unsigned long long) rejected, (unsigned long long) rows) :
			 errmsg("more than %g %% of the rows of foreign table \"%s\" are bad: %llu of %llu",
					max * 100, reject->table_name,
					(unsigned long long) rejected, (unsigned long long) rows),
			 reject->first ? errdetail("The first one: %s", reject->first) : 0,
			 errhint(HINT_WHERE, number)));
}

void
reject_check_ratio(Reject *reject)
{
	check_ratio(reject, 0);
}

/* Has it been recorded when the objects were read before? */
static bool
seen_before(Reject *reject, uint64 offset)
{
	int			object = reject->scan->object;
	int			column = ++reject->column;

	if (reject->shared->again)
		return true;
	if (reject->parallel)
		return false;
	if (object < reject->last_object ||
		(object == reject->last_object &&
		 (offset < reject->last_offset ||
		  (offset == reject->last_offset && column <= reject->last_column))))
		return true;
	reject->last_object = object;
	reject->last_offset = offset;
	reject->last_column = column;
	return false;
}

/* Remember the first one. */
static void
keep_first(Reject *reject, const RejectedRow *row)
{
	StringInfoData text;
	MemoryContext save;

	if (reject->first)
		return;
	save = MemoryContextSwitchTo(reject->cxt);
	initStringInfo(&text);
	appendStringInfo(&text, _("object \"%s\""), row->object);
	if (row->line > 0)
		appendStringInfo(&text, _(", line %lld"), (long long) row->line);
	if (row->column_name)
		appendStringInfo(&text, _(", column %s"), row->column_name);
	if (reject->sees_all)
		appendStringInfo(&text, ": %s", row->message);
	reject->first = text.data;
	MemoryContextSwitchTo(save);
}

/* What is known of the place: not much of the record if its source has failed. */
static void
set_place(Reject *reject, RejectedRow *row, bool at_record)
{
	S3ScanState *scan = reject->scan;

	row->object = s3_location_format(scan->bucket, scan->key);
	row->version = scan->version;
	row->line = 0;
	row->byte_offset = -1;
	if (scan->reader)
		row->line = (int64) (scan->first_line + record_reader_line(scan->reader));
	if (at_record)
	{
		row->byte_offset = scan->first_offset + (int64) record_reader_offset(scan->reader);
		record_reader_text(scan->reader, &row->raw_line, &row->raw_line_len);
		if (scan->options->format.redshift.on)
			row->raw_line = text_printable(row->raw_line, row->raw_line_len);
	}
}

static bool
is_recorded(Reject *reject, RejectKind kind)
{
	return kind != REJECT_REPAIRED || !reject->scan->options->format.redshift.on ||
		reject_count(reject, kind) < MAX_REDSHIFT_REPAIRS;
}

/* Count and record it; the row's place is set here. */
static void
add(Reject *reject, RejectedRow *row, RejectKind kind, bool at_record)
{
	MemoryContext save;

	MemoryContextReset(reject->row_cxt);
	save = MemoryContextSwitchTo(reject->row_cxt);
	set_place(reject, row, at_record);
	if (!seen_before(reject, at_record ? (uint64) row->byte_offset : PG_UINT64_MAX))
	{
		if (!reject->has_offsets)
			row->byte_offset = -1;
		if (kind != REJECT_REPAIRED)
			keep_first(reject, row);
		if (is_recorded(reject, kind))
			reject_store_add(get_store(reject), row);
		pg_atomic_fetch_add_u64(&reject->shared->counts[kind], 1);
		if (kind != REJECT_REPAIRED)
		{
			check_count(reject, pg_atomic_add_fetch_u64(&reject->shared->errors, 1));
			check_ratio(reject, RATIO_MIN_ROWS);
		}
	}
	MemoryContextSwitchTo(save);
}

static const char *
with_detail(const char *message, const char *detail)
{
	return detail ? psprintf("%s: %s", message, detail) : message;
}

/* What a file holds may be no text, then. */
static bool
by_redshift(const Reject *reject)
{
	return reject->scan->options->format.redshift.on;
}

/* Of an error of bytes that belong to no record, or to all of it. */
static RecordFault
fault_of_bytes(int sqlerrcode)
{
	return sqlerrcode == ERRCODE_CHARACTER_NOT_IN_REPERTOIRE ||
		sqlerrcode == ERRCODE_UNTRANSLATABLE_CHARACTER ? FAULT_ENCODING : FAULT_OTHER;
}

void
reject_record(Reject *reject, const RecordError *error)
{
	RejectedRow row = {0};

	row.action = error->fatal ? "rest of object skipped" : "row skipped";
	row.fault = error->fault;
	row.sqlerrcode = error->sqlerrcode;
	row.message = by_redshift(reject) ?
		text_printable(error->message, strlen(error->message)) :
		with_detail(error->message, error->detail);
	add(reject, &row, error->fatal ? REJECT_OBJECT : REJECT_ROW, true);
}

/* A field as text, though it may be none in the database's encoding. */
static char *
field_text(const RecordField *field)
{
	Size		len = Min(field->len, MAX_FIELD);
	char	   *text = palloc(len + 1);
	Size		n = 0;

	for (Size i = 0; i < len;)
	{
		int			width = pg_encoding_verifymbchar(GetDatabaseEncoding(), field->data + i, len - i);

		if (width <= 0 || field->data[i] == '\0')
			text[n++] = '?';
		else
		{
			memcpy(text + n, field->data + i, width);
			n += width;
		}
		i += Max(width, 1);
	}
	text[n] = '\0';
	return text;
}

static void
append_field(Reject *reject, StringInfo out, const char *name, const RecordField *field)
{
	AttrNumber	attnum = get_attnum(reject->relid, name);

	appendStringInfoString(out, out->len > 0 ? ", {\"name\": " : "[{\"name\": ");
	escape_json(out, name);
	if (attnum != InvalidAttrNumber)
	{
		Oid			type;
		int32		typmod;
		Oid			collation;

		get_atttypetypmodcoll(reject->relid, attnum, &type, &typmod, &collation);
		appendStringInfoString(out, ", \"type\": ");
		escape_json(out, format_type_with_typemod(type, typmod));
	}
	appendStringInfoString(out, ", \"value\": ");
	if (field->data == NULL)
		appendStringInfoString(out, "null");
	else
		escape_json(out, field_text(field));
	appendStringInfoChar(out, '}');
}

/* The fields of a load's record up to the faulty one; NULL: enough is known. */
static char *
fields_until(Reject *reject, const TupleFault *fault)
{
	const S3ScanState *scan = reject->scan;
	StringInfoData out;
	bool		found = false;

	if (!scan->options->format.redshift.on || scan->record == NULL ||
		reject->detailed >= MAX_DETAILED)
		return NULL;
	reject->detailed++;
	initStringInfo(&out);
	for (int i = 0; i < scan->ncolumns && !found; i++)
	{
		const RecordField *field = &scan->record->fields[i];

		if (!scan->columns[i].needed)
			continue;
		append_field(reject, &out, scan->columns[i].name, field);
		found = fault->data ? field->data == fault->data && field->len == fault->len :
			strcmp(scan->columns[i].name, fault->column) == 0;
	}
	if (out.len == 0)
		return NULL;
	appendStringInfoChar(&out, ']');
	return out.data;
}

bool
reject_value(void *arg, const TupleFault *fault)
{
	Reject	   *reject = arg;
	bool		null = fault->nullable && reject->scan->options->on_error == ON_ERROR_NULL;
	RejectedRow row = {0};

	/* What Redshift cuts, it has been told to. */
	if (fault->repaired && fault->fault != FAULT_ENCODING && by_redshift(reject))
		return false;
	row.action = fault->repaired ?
		(fault->fault == FAULT_ENCODING ? "characters replaced" : "value cut") :
		null ? "value set to NULL" : "row skipped";
	row.column_name = fault->column;
	row.column_type = format_type_with_typemod(fault->type, fault->typmod);
	row.raw_value = by_redshift(reject) ? text_printable(fault->data, fault->len) : fault->data;
	row.raw_value_len = fault->len;
	row.fault = fault->fault;
	row.sqlerrcode = fault->sqlerrcode;
	row.message = fault->message;
	if (by_redshift(reject))
		row.load_code = redshift_fault_code(fault->fault, fault->type, fault->sqlerrcode);
	if (!fault->repaired)
		row.fields = fields_until(reject, fault);
	add(reject, &row, fault->repaired ? REJECT_REPAIRED : null ? REJECT_VALUE : REJECT_ROW, true);
	return null;
}

void
reject_repaired(Reject *reject, int sqlerrcode, const char *message)
{
	RejectedRow row = {0};

	row.action = "row repaired";
	row.fault = fault_of_bytes(sqlerrcode);
	row.sqlerrcode = sqlerrcode;
	row.message = message;
	add(reject, &row, REJECT_REPAIRED, true);
}

void
reject_object(Reject *reject, int sqlerrcode, const char *message)
{
	RejectedRow row = {0};

	row.action = "rest of object skipped";
	row.fault = fault_of_bytes(sqlerrcode);
	row.sqlerrcode = sqlerrcode;
	row.message = message;
	reject->column = 0;
	add(reject, &row, REJECT_OBJECT, false);
}

bool
reject_is_of_object(int sqlerrcode)
{
	switch (sqlerrcode)
	{
		case ERRCODE_UNDEFINED_FILE:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
			return true;
		default:
			return ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_DATA_EXCEPTION;
	}
}

/* ---------------------------------------------------------------- extra keys */

bool
reject_wants_keys(Reject *reject)
{
	int			extra_keys = reject->scan->options->extra_keys;

	return extra_keys == EXTRA_KEYS_ERROR ||
		(extra_keys == EXTRA_KEYS_WARN && pg_atomic_read_u32(&reject->shared->warned) == 0);
}

void
reject_extra_key(void *arg, const char *name, Size len)
{
	Reject	   *reject = arg;
	S3ScanState *scan = reject->scan;
	const char *object = s3_location_format(scan->bucket, scan->key);
	char	   *key = pnstrdup(name, pg_mbcliplen(name, (int) Min(len, 1000), 200));

	if (scan->options->extra_keys == EXTRA_KEYS_ERROR)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
				 errmsg("key \"%s\" is read by no column of foreign table \"%s\"",
						key, reject->table_name),
				 errhint("Add a column for it, or set the table's option \"extra_keys\" to \"ignore\".")));
	if (scan->options->extra_keys == EXTRA_KEYS_WARN &&
		pg_atomic_exchange_u32(&reject->shared->warned, 1) == 0)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("key \"%s\" is read by no column of foreign table \"%s\"",
						key, reject->table_name),
				 scan->reader ?
				 errdetail("The first one is in object \"%s\", line %llu.", object,
						   (unsigned long long) (scan->first_line +
												 record_reader_line(scan->reader))) :
				 errdetail("The first one is in object \"%s\".", object),
				 errhint("s3_check_schema() tells all of them.")));
}

/* A key of the record. */
static void
check_key(void *arg, const char *name, Size len)
{
	Reject	   *reject = arg;

	if (!key_set_find(reject->keys, name, len, NULL))
		reject_extra_key(reject, name, len);
}

void
reject_check_keys(Reject *reject)
{
	S3ScanState *scan = reject->scan;
	const char *text;
	Size		len;

	if (scan->options->format.format != FORMAT_JSON || !reject_wants_keys(reject))
		return;
	if (reject->keys == NULL)
	{
		MemoryContext save = MemoryContextSwitchTo(reject->cxt);

		reject->keys = key_set_create(scan->columns, scan->ncolumns, &scan->options->format);
		MemoryContextSwitchTo(save);
	}
	record_reader_text(scan->reader, &text, &len);
	json_keys_visit(text, len, check_key, reject);
}

/* ---------------------------------------------------------------------- end */

static void
append_count(StringInfo text, int64 count, const char *one, const char *many)
{
	if (count > 0)
		appendStringInfo(text, count == 1 ? one : many, (long long) count);
}

static void
notify(Reject *reject, long long number)
{
	StringInfoData text;

	initStringInfo(&text);
	append_count(&text, reject_count(reject, REJECT_ROW),
				 _(", %lld row rejected"), _(", %lld rows rejected"));
	append_count(&text, reject_count(reject, REJECT_VALUE),
				 _(", %lld value set to NULL"), _(", %lld values set to NULL"));
	append_count(&text, reject_count(reject, REJECT_OBJECT),
				 _(", %lld object not read to its end"), _(", %lld objects not read to their end"));
	append_count(&text, reject_count(reject, REJECT_REPAIRED),
				 _(", %lld repair"), _(", %lld repairs"));
	if (text.len > 0)
		ereport(NOTICE,
				(errmsg("foreign table \"%s\": %s", reject->table_name, text.data + 2),
				 errhint(HINT_WHERE, number)));
}

void
reject_end(Reject *reject)
{
	RejectStore *store = reject->store;
	long long	number;

	reject_flush(reject);
	if (store == NULL)
		return;
	number = reject_store_scan(store);
	reject->store = NULL;
	reject_store_close(store, reject->opened);
	if (reject->opened && !reject->is_load)
		notify(reject, number);
}

bool
reject_was_too_much(const Reject *reject)
{
	return reject->too_much;
}

void
reject_give_up(Reject *reject)
{
	RejectStore *store = reject->store;

	reject->store = NULL;
	if (store)
		reject_store_close(store, false);
}
