/*-------------------------------------------------------------------------
 *
 * export_partition.c
 *		Folders of a partitioned export, and the rows that have to wait.
 *
 * A folder is "name=value/" for each partition column, as Hive writes it: the
 * value by its type's output function, NULL and the empty string as a name of
 * their own, and characters that mean something to file systems or to readers
 * as %XX.  fdw/layout.c reads such folders.
 *
 * Two values are in the same folder if their texts are the same, whatever
 * the type's operators say; so rows are sorted by their folders.
 *
 * Above: export_files.c.
 *
 * IDENTIFICATION
 *		src/commands/export_partition.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "commands/export_files.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

/* What Hive and Spark write for NULL. */
#define NULL_VALUE "__HIVE_DEFAULT_PARTITION__"

typedef struct PartitionColumn
{
	int			attribute;		/* index into the row */
	char	   *label;			/* name and '=', as in the folder */
	FmgrInfo	output;
	bool		padded;			/* char(n) */
	bool		byval;
	int16		len;

	/* of the row before */
	Datum		last;			/* in last_cxt */
	bool		last_isnull;
} PartitionColumn;

struct ExportPartition
{
	/* constant */
	bool		trim;			/* no blanks behind values of char(n) */
	int			ncolumns;
	PartitionColumn *columns;
	int			nattributes;	/* that a row must have unpacked */
	TupleDesc	file_desc;

	bool		any;			/* there was a row before */
	MemoryContext last_cxt;
	StringInfoData folder;
};

/* ------------------------------------------------------------------------- folders */

/* Append s with escapes; a reader may pass over names with hidden beginnings. */
static void
append_escaped(StringInfo out, const char *s, bool is_name)
{
	for (const char *p = s; *p; p++)
	{
		unsigned char c = (unsigned char) *p;

		if (c < 0x20 || c == 0x7f || strchr("\"#%'*/:=?\\{[]^", c) ||
			(is_name && p == s && (c == '_' || c == '.')))
			appendStringInfo(out, "%%%02X", c);
		else
			appendStringInfoChar(out, c);
	}
}

/* The column of the name; exactly one of the result must have it. */
static int
find_column(TupleDesc desc, const char *name)
{
	int			found = -1;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (attr->attisdropped || strcmp(NameStr(attr->attname), name) != 0)
			continue;
		if (found >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_AMBIGUOUS_COLUMN),
					 errmsg("column \"%s\" of option \"partition_by\" is ambiguous", name),
					 errdetail("The query's result has several columns of this name.")));
		found = i;
	}
	if (found < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of option \"partition_by\" is not in the query's result", name)));
	return found;
}

static void
init_column(PartitionColumn *column, TupleDesc desc, int attribute)
{
	Form_pg_attribute attr = TupleDescAttr(desc, attribute);
	StringInfoData label;
	Oid			function;
	bool		varlena;

	initStringInfo(&label);
	append_escaped(&label, NameStr(attr->attname), true);
	appendStringInfoChar(&label, '=');
	column->attribute = attribute;
	column->label = label.data;
	column->byval = attr->attbyval;
	column->len = attr->attlen;
	column->padded = getBaseType(attr->atttypid) == BPCHAROID;
	getTypeOutputInfo(attr->atttypid, &function, &varlena);
	fmgr_info(function, &column->output);
}

/* The types that UNLOAD may partition by. */
static void
check_unload_type(TupleDesc desc, int attribute)
{
	Form_pg_attribute attr = TupleDescAttr(desc, attribute);

	switch (getBaseType(attr->atttypid))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case FLOAT4OID:
		case BOOLOID:
		case BPCHAROID:
		case VARCHAROID:
		case TEXTOID:
		case DATEOID:
		case TIMESTAMPOID:
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("column \"%s\" of type %s cannot be a partition column of UNLOAD",
					NameStr(attr->attname), format_type_be(attr->atttypid)),
			 errdetail("Partition columns may be SMALLINT, INTEGER, BIGINT, DECIMAL, REAL, BOOLEAN, CHAR, VARCHAR, DATE or TIMESTAMP.")));
}

ExportPartition *
export_partition_create(const ExportJob *job, TupleDesc desc)
{
	const S3ExportOptions *options = job->options;
	ExportPartition *self;
	Size		prefix_len = strlen(job->prefix);
	int			nleft = 0;
	ListCell   *lc;

	if (options->partition_by == NIL)
		return NULL;
	if (prefix_len > 0 && job->prefix[prefix_len - 1] != '/')
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("location \"%s\" of a partitioned export must end in a slash", job->location)));

	self = palloc0(sizeof(ExportPartition));
	self->columns = palloc0(list_length(options->partition_by) * sizeof(PartitionColumn));
	self->file_desc = CreateTupleDescCopy(desc);
	self->last_cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw export folder",
										   ALLOCSET_SMALL_SIZES);
	initStringInfo(&self->folder);
	self->trim = export_is_unload(job);
	foreach(lc, options->partition_by)
	{
		int			attribute = find_column(desc, lfirst(lc));

		for (int i = 0; i < self->ncolumns; i++)
		{
			if (self->columns[i].attribute == attribute)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("column \"%s\" appears more than once in option \"partition_by\"",
								(char *) lfirst(lc))));
		}
		if (export_is_unload(job))
			check_unload_type(desc, attribute);
		init_column(&self->columns[self->ncolumns++], desc, attribute);
		self->nattributes = Max(self->nattributes, attribute + 1);

		/* The descriptor is for the writer of rows alone. */
		if (!options->keep_partition_columns)
			TupleDescAttr(self->file_desc, attribute)->attisdropped = true;
	}
	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(self->file_desc, i)->attisdropped)
			nleft++;
	}
	if (nleft == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("all columns of the query's result are in option \"partition_by\""),
				 errdetail("Files would have no column."),
				 export_is_unload(job) ? errhint("Use INCLUDE.") :
				 errhint("Set keep_partition_columns => true.")));
	return self;
}

TupleDesc
export_partition_file_desc(const ExportPartition *partition)
{
	return partition->file_desc;
}

/* Bit for bit the values of the row before?  Else they may be the same text. */
static bool
same_as_last(const ExportPartition *self, const TupleTableSlot *slot)
{
	if (!self->any)
		return false;
	for (int i = 0; i < self->ncolumns; i++)
	{
		const PartitionColumn *column = &self->columns[i];
		bool		isnull = slot->tts_isnull[column->attribute];

		if (isnull != column->last_isnull ||
			(!isnull && !datumIsEqual(slot->tts_values[column->attribute], column->last,
									  column->byval, column->len)))
			return false;
	}
	return true;
}

const char *
export_partition_folder(ExportPartition *self, TupleTableSlot *slot)
{
	MemoryContext save;

	slot_getsomeattrs(slot, self->nattributes);
	if (same_as_last(self, slot))
		return NULL;

	resetStringInfo(&self->folder);
	for (int i = 0; i < self->ncolumns; i++)
	{
		PartitionColumn *column = &self->columns[i];
		char	   *value = slot->tts_isnull[column->attribute] ? "" :
			OutputFunctionCall(&column->output, slot->tts_values[column->attribute]);

		if (column->padded && self->trim && value[0] != '\0')
			value[bpchartruelen(value, strlen(value))] = '\0';
		appendStringInfoString(&self->folder, column->label);
		if (value[0] == '\0')
			appendStringInfoString(&self->folder, NULL_VALUE);
		else
			append_escaped(&self->folder, value, false);
		appendStringInfoChar(&self->folder, '/');
	}

	MemoryContextReset(self->last_cxt);
	save = MemoryContextSwitchTo(self->last_cxt);
	for (int i = 0; i < self->ncolumns; i++)
	{
		PartitionColumn *column = &self->columns[i];

		column->last_isnull = slot->tts_isnull[column->attribute];
		if (!column->last_isnull)
			column->last = datumCopy(slot->tts_values[column->attribute], column->byval, column->len);
	}
	MemoryContextSwitchTo(save);
	self->any = true;
	return self->folder.data;
}

/* ------------------------------------------------------------------ rows put aside */

struct ExportSpool
{
	Tuplesortstate *sort;
	int			natts;			/* of a row; behind them is the folder */
	TupleTableSlot *in;
	TupleTableSlot *out;
	StringInfoData folder;		/* of the row before; empty before the first */
};

ExportSpool *
export_spool_create(TupleDesc desc)
{
	ExportSpool *spool = palloc0(sizeof(ExportSpool));
	TupleDesc	with_folder = CreateTemplateTupleDesc(desc->natts + 1);
	AttrNumber	column = desc->natts + 1;
	Oid			operator = TextLessOperator;
	Oid			collation = C_COLLATION_OID;
	bool		nulls_first = false;

	for (int i = 1; i <= desc->natts; i++)
		TupleDescCopyEntry(with_folder, i, desc, i);
	TupleDescInitEntry(with_folder, column, "folder", TEXTOID, -1, 0);
	spool->natts = desc->natts;
	spool->in = MakeSingleTupleTableSlot(with_folder, &TTSOpsVirtual);
	spool->out = MakeSingleTupleTableSlot(with_folder, &TTSOpsMinimalTuple);
	spool->sort = tuplesort_begin_heap(with_folder, 1, &column, &operator, &collation,
									   &nulls_first, work_mem, NULL, TUPLESORT_NONE);
	initStringInfo(&spool->folder);
	return spool;
}

void
export_spool_put(ExportSpool *spool, TupleTableSlot *slot, const char *folder)
{
	TupleTableSlot *in = spool->in;

	slot_getallattrs(slot);
	ExecClearTuple(in);
	memcpy(in->tts_values, slot->tts_values, spool->natts * sizeof(Datum));
	memcpy(in->tts_isnull, slot->tts_isnull, spool->natts * sizeof(bool));
	in->tts_values[spool->natts] = CStringGetTextDatum(folder);
	in->tts_isnull[spool->natts] = false;
	ExecStoreVirtualTuple(in);
	tuplesort_puttupleslot(spool->sort, in);
	ExecClearTuple(in);
}

void
export_spool_sort(ExportSpool *spool)
{
	tuplesort_performsort(spool->sort);
}

bool
export_spool_next(ExportSpool *spool, TupleTableSlot **slot, const char **folder)
{
	text	   *found;

	if (!tuplesort_gettupleslot(spool->sort, true, false, spool->out, NULL))
		return false;
	slot_getallattrs(spool->out);
	found = DatumGetTextPP(spool->out->tts_values[spool->natts]);
	*slot = spool->out;
	*folder = NULL;
	if ((Size) spool->folder.len != VARSIZE_ANY_EXHDR(found) ||
		memcmp(spool->folder.data, VARDATA_ANY(found), spool->folder.len) != 0)
	{
		resetStringInfo(&spool->folder);
		appendBinaryStringInfo(&spool->folder, VARDATA_ANY(found), VARSIZE_ANY_EXHDR(found));
		*folder = spool->folder.data;
	}
	return true;
}

void
export_spool_end(ExportSpool *spool)
{
	ExecDropSingleTupleTableSlot(spool->in);
	ExecDropSingleTupleTableSlot(spool->out);
	tuplesort_end(spool->sort);
}
