/*-------------------------------------------------------------------------
 *
 * layout.c
 *		Columns whose values come from the object instead of its content.
 *
 * Above: the scan, which puts the values into its rows, and listing.c, which
 * asks what to leave out.  No network here.
 *
 * Every value is made as text and read by the column type's input function,
 * so that a size can be declared bigint, numeric or text, and a folder's date
 * as a date.  A folder's value is percent-decoded, as Hive and Spark write it;
 * a placeholder's is taken as it stands.
 *
 * Invariant: what is known of a folder does not change further down, so that a
 * clause that excludes a folder excludes all objects in it.
 *
 * IDENTIFICATION
 *		src/fdw/layout.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/hex.h"
#include "executor/executor.h"
#include "fdw/layout.h"
#include "fdw/template.h"
#include "mb/pg_wchar.h"
#include "nodes/bitmapset.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* What Hive and Spark write for NULL. */
#define NULL_FOLDER "__HIVE_DEFAULT_PARTITION__"

typedef enum ColumnSource
{
	SOURCE_FILE,				/* not ours */
	SOURCE_METADATA,			/* of the object */
	SOURCE_RECORD,				/* line number, byte offset */
	SOURCE_FOLDER,				/* folder "k=v" */
	SOURCE_TEMPLATE				/* placeholder */
} ColumnSource;

typedef struct LayoutColumn
{
	ColumnSource source;
	int			metadata;		/* FileMetadata */
	const char *folder;			/* k; borrowed */
	FmgrInfo	input;
	Oid			typioparam;
	int32		typmod;

	/* of the object or folder looked at */
	bool		known;
	char	   *text;			/* in scratch; NULL: SQL NULL */
} LayoutColumn;

typedef struct LayoutClause
{
	ExprState  *state;
	Bitmapset  *columns;		/* attribute numbers */
	bool		of_folder;		/* only folders and placeholders */
	bool		of_name;		/* those, location and key */
} LayoutClause;

struct S3Layout
{
	/* constant */
	MemoryContext cxt;
	TupleDesc	desc;			/* own copy: not counted, no cleanup */
	LayoutColumn *columns;		/* by attribute number less one */
	PathTemplate *path_template;	/* or NULL */
	const char *template_text;	/* borrowed */
	bool		uses_key;		/* there are folders or placeholders */

	/* clauses */
	int			nclauses;
	LayoutClause *clauses;
	ExprContext *econtext;
	TupleTableSlot *slot;

	MemoryContext scratch;		/* reset for each object */
};

/* --------------------------------------------------------------------- making */

static void
set_source(LayoutColumn *column, const S3ColumnOptions *options)
{
	column->metadata = options->metadata;
	switch (options->metadata)
	{
		case METADATA_NONE:
			column->source = options->partition ? SOURCE_FOLDER : SOURCE_FILE;
			column->folder = options->partition;
			break;
		case METADATA_LINE_NUMBER:
		case METADATA_BYTE_OFFSET:
			column->source = SOURCE_RECORD;
			break;
		default:
			column->source = SOURCE_METADATA;
			break;
	}
}

/* Find the column that each placeholder names. */
static void
bind_template(S3Layout *layout, S3ColumnOptions *const *column_options)
{
	for (int i = 0; i < template_nplaceholders(layout->path_template); i++)
	{
		const char *name = template_placeholder(layout->path_template, i);
		int			found = -1;

		for (int j = 0; j < layout->desc->natts; j++)
		{
			Form_pg_attribute attr = TupleDescAttr(layout->desc, j);

			if (!attr->attisdropped && strcmp(NameStr(attr->attname), name) == 0)
				found = j;
		}
		if (found < 0)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
					 errmsg("path template \"%s\" names column \"%s\", which does not exist",
							layout->template_text, name)));
		if (layout->columns[found].source != SOURCE_FILE)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					 errmsg("column \"%s\" cannot be in the path template and have the option \"metadata\" or \"partition\"",
							name)));
		layout->columns[found].source = SOURCE_TEMPLATE;
		column_options[found]->partition = pstrdup(name);
		template_bind(layout->path_template, i, found);
	}
}

S3Layout *
layout_create(TupleDesc desc, const S3TableOptions *options, S3ColumnOptions *const *column_options)
{
	S3Layout   *layout = palloc0(sizeof(S3Layout));

	layout->cxt = CurrentMemoryContext;
	layout->desc = CreateTupleDescCopy(desc);
	layout->columns = palloc0(Max(1, desc->natts) * sizeof(LayoutColumn));
	layout->scratch = AllocSetContextCreate(layout->cxt, "s3_fdw layout", ALLOCSET_SMALL_SIZES);
	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped && column_options[i])
			set_source(&layout->columns[i], column_options[i]);
	}
	if (options->path_template)
	{
		const char *reason;

		layout->template_text = options->path_template;
		layout->path_template = template_parse(options->path_template, &reason);
		if (layout->path_template == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					 errmsg("invalid path template \"%s\"", options->path_template),
					 errdetail_internal("%s", _(reason))));
		bind_template(layout, column_options);
	}
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		LayoutColumn *column = &layout->columns[i];
		Oid			function;

		if (column->source == SOURCE_FILE)
			continue;
		getTypeInputInfo(attr->atttypid, &function, &column->typioparam);
		fmgr_info(function, &column->input);
		column->typmod = attr->atttypmod;
		if (column->source == SOURCE_FOLDER || column->source == SOURCE_TEMPLATE)
			layout->uses_key = true;
	}
	return layout;
}

bool
layout_is_external(const S3Layout *layout, AttrNumber attnum)
{
	return layout->columns[attnum - 1].source != SOURCE_FILE;
}

bool
layout_is_of_object(const S3Layout *layout, AttrNumber attnum)
{
	return layout_is_external(layout, attnum) &&
		layout->columns[attnum - 1].source != SOURCE_RECORD;
}

bool
layout_wants_version(const S3Layout *layout)
{
	for (int i = 0; i < layout->desc->natts; i++)
	{
		if (layout->columns[i].metadata == METADATA_VERSION_ID)
			return true;
	}
	return false;
}

const char *
layout_template_check(const char *path_template)
{
	const char *reason;

	return template_parse(path_template, &reason) ? NULL : reason;
}

/* ---------------------------------------------------------------------- texts */

static void
report_bad_name(const ManifestObject *object)
{
	ereport(ERROR,
			(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
			 errmsg("a folder of \"%s\" is not valid text when it is percent-decoded",
					s3_location_format(object->bucket, object->info.key))));
}

/* Decode %XX; what is no such escape stays. */
static char *
percent_decode(const ManifestObject *object, const char *s, Size len)
{
	char	   *result = palloc(len + 1);
	char	   *dst = result;

	for (Size i = 0; i < len; i++)
	{
		if (s[i] == '%' && i + 2 < len && hex_value(s[i + 1]) >= 0 && hex_value(s[i + 2]) >= 0)
		{
			*dst++ = (char) (hex_value(s[i + 1]) * 16 + hex_value(s[i + 2]));
			i += 2;
		}
		else
			*dst++ = s[i];
	}
	*dst = '\0';
	if (strlen(result) != (Size) (dst - result) || !pg_verifymbstr(result, (int) (dst - result), true))
		report_bad_name(object);
	return result;
}

/* A folder "k=v" tells the columns of k; the first one of a key counts. */
static void
take_folder(S3Layout *layout, const ManifestObject *object, const char *segment, Size len)
{
	const char *equals = memchr(segment, '=', len);
	char	   *name;
	char	   *value;

	if (equals == NULL)
		return;
	name = percent_decode(object, segment, equals - segment);
	value = percent_decode(object, equals + 1, segment + len - equals - 1);
	for (int i = 0; i < layout->desc->natts; i++)
	{
		LayoutColumn *column = &layout->columns[i];

		if (column->source == SOURCE_FOLDER && !column->known && strcmp(column->folder, name) == 0)
		{
			column->known = true;
			column->text = strcmp(value, NULL_FOLDER) == 0 ? NULL : value;
		}
	}
}

static void
take_placeholder(void *arg, int column, const char *value, Size len)
{
	S3Layout   *layout = arg;

	layout->columns[column].known = true;
	layout->columns[column].text = pnstrdup(value, len);
}

/*
 * What the name of an object, or a folder (which ends in '/'), tells.  Runs in
 * scratch.  Returns false if it does not match the path template.
 */
static bool
take_name(S3Layout *layout, const ManifestObject *object, bool is_folder)
{
	const char *segment = object->info.key;
	const char *slash;

	for (int i = 0; i < layout->desc->natts; i++)
		layout->columns[i].known = false;
	if (!layout->uses_key)
		return true;
	for (; (slash = strchr(segment, '/')) != NULL; segment = slash + 1)
		take_folder(layout, object, segment, slash - segment);
	return layout->path_template == NULL ||
		template_match(layout->path_template, object->info.key + object->base, is_folder,
					   take_placeholder, layout);
}

/* An entity tag without quotes and without what says how strong it is. */
static char *
bare_etag(const char *etag)
{
	Size		len;

	if (etag == NULL)
		return NULL;
	if (strncmp(etag, "W/", 2) == 0)
		etag += 2;
	len = strlen(etag);
	if (len >= 2 && etag[0] == '"' && etag[len - 1] == '"')
		return pnstrdup(etag + 1, len - 2);
	return pstrdup(etag);
}

/* In UTC; every date and time type reads it, whatever DateStyle is. */
static char *
iso_time(TimestampTz when)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (when == 0 || timestamp2tm(when, NULL, &tm, &fsec, NULL, NULL) != 0)
		return NULL;
	return psprintf("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year, tm.tm_mon, tm.tm_mday,
					tm.tm_hour, tm.tm_min, tm.tm_sec, (int) fsec);
}

static char *
metadata_text(const ManifestObject *object, int metadata)
{
	const S3ObjectInfo *info = &object->info;

	switch (metadata)
	{
		case METADATA_LOCATION:
			return psprintf("s3://%s/%s", object->bucket, info->key);
		case METADATA_KEY:
			return info->key;
		case METADATA_SIZE:
			return psprintf(INT64_FORMAT, info->size);
		case METADATA_ETAG:
			return bare_etag(info->etag);
		case METADATA_LAST_MODIFIED:
			return iso_time(info->last_modified);
		case METADATA_STORAGE_CLASS:
			return info->storage_class;
		case METADATA_VERSION_ID:
			return info->version_id;
		default:
			return NULL;
	}
}

/* ---------------------------------------------------------------------- values */

typedef struct ValueContext
{
	const char *column;
	const char *text;
	const ManifestObject *object;	/* or NULL */
} ValueContext;

static void
value_error_context(void *arg)
{
	ValueContext *context = arg;

	if (context->object)
		errcontext("object \"%s\", column %s: \"%s\"",
				   s3_location_format(context->object->bucket, context->object->info.key),
				   context->column, context->text);
	else
		errcontext("column %s: \"%s\"", context->column, context->text);
}

/* Read a text as the column's type does, in CurrentMemoryContext. */
static Datum
input_value(S3Layout *layout, int i, const ManifestObject *object, char *text)
{
	LayoutColumn *column = &layout->columns[i];
	ValueContext context = {NameStr(TupleDescAttr(layout->desc, i)->attname),
	text ? text : "", object};
	ErrorContextCallback callback = {error_context_stack, value_error_context, &context};
	Datum		value;

	error_context_stack = &callback;
	value = InputFunctionCall(&column->input, text, column->typioparam, column->typmod);
	error_context_stack = callback.previous;
	return value;
}

/* The value of a column, in cxt; take_name() was called.  True if it is NULL. */
static bool
column_value(S3Layout *layout, int i, const ManifestObject *object, MemoryContext cxt, Datum *value)
{
	LayoutColumn *column = &layout->columns[i];
	char	   *text = column->source == SOURCE_METADATA ?
		metadata_text(object, column->metadata) : column->text;
	MemoryContext save = MemoryContextSwitchTo(cxt);

	/* Of a NULL a domain may say no. */
	*value = input_value(layout, i, object, text);
	MemoryContextSwitchTo(save);
	return text == NULL;
}

/* Take an object's name; errors if it lacks what columns are made of. */
static void
take_object(S3Layout *layout, const ManifestObject *object)
{
	if (!take_name(layout, object, false))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("key of \"%s\" does not match the path template",
						s3_location_format(object->bucket, object->info.key)),
				 errdetail("The template \"%s\" was compared with \"%s\".",
						   layout->template_text, object->info.key + object->base)));
	for (int i = 0; i < layout->desc->natts; i++)
	{
		const LayoutColumn *column = &layout->columns[i];

		if (column->source == SOURCE_FOLDER && !column->known)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_ERROR),
					 errmsg("key of \"%s\" has no folder \"%s=...\"",
							s3_location_format(object->bucket, object->info.key),
							column->folder),
					 errdetail("Column \"%s\" takes its values from there.",
							   NameStr(TupleDescAttr(layout->desc, i)->attname))));
	}
}

/* Begin to look at another object: what was made for the last one is gone. */
static MemoryContext
begin(S3Layout *layout)
{
	MemoryContextReset(layout->scratch);
	return MemoryContextSwitchTo(layout->scratch);
}

void
layout_check(S3Layout *layout, const ManifestObject *object)
{
	MemoryContext save;

	if (!layout->uses_key)
		return;
	save = begin(layout);
	take_object(layout, object);
	MemoryContextSwitchTo(save);
}

void
layout_values(S3Layout *layout, const ManifestObject *object, const bool *needed,
			  Datum *values, bool *nulls)
{
	MemoryContext save = begin(layout);

	take_object(layout, object);
	for (int i = 0; i < layout->desc->natts; i++)
	{
		if (needed[i] && layout_is_of_object(layout, i + 1))
			nulls[i] = column_value(layout, i, object, save, &values[i]);
	}
	MemoryContextSwitchTo(save);
}

Datum
layout_number(S3Layout *layout, AttrNumber attnum, int64 number)
{
	char		text[32];

	snprintf(text, sizeof(text), INT64_FORMAT, number);
	return input_value(layout, attnum - 1, NULL, text);
}

/* --------------------------------------------------------------------- clauses */

/* Is there a parameter of the query in the clause? */
static bool
has_extern_param(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
		return true;
	return expression_tree_walker(node, has_extern_param, context);
}

void
layout_set_clauses(S3Layout *layout, List *clauses, PlanState *parent)
{
	MemoryContext save = MemoryContextSwitchTo(layout->cxt);
	ListCell   *lc;

	if (clauses == NIL)
	{
		MemoryContextSwitchTo(save);
		return;
	}
	layout->clauses = palloc0(list_length(clauses) * sizeof(LayoutClause));
	layout->econtext = parent ? CreateExprContext(parent->state) : CreateStandaloneExprContext();
	layout->slot = MakeSingleTupleTableSlot(layout->desc, &TTSOpsVirtual);
	layout->econtext->ecxt_scantuple = layout->slot;
	foreach(lc, clauses)
	{
		LayoutClause *clause = &layout->clauses[layout->nclauses];
		List	   *vars = pull_var_clause((Node *) lfirst(lc), 0);
		ListCell   *var;

		/* EXPLAIN of a generic plan has no values to compare with. */
		if ((parent == NULL || parent->state->es_param_list_info == NULL) &&
			has_extern_param((Node *) lfirst(lc), NULL))
			continue;
		layout->nclauses++;
		clause->state = ExecInitQual(list_make1(lfirst(lc)), parent);
		clause->of_folder = clause->of_name = true;
		foreach(var, vars)
		{
			int			attnum = lfirst_node(Var, var)->varattno;
			const LayoutColumn *column = &layout->columns[attnum - 1];

			Assert(layout_is_of_object(layout, attnum));
			clause->columns = bms_add_member(clause->columns, attnum);
			if (column->source == SOURCE_METADATA)
			{
				clause->of_folder = false;
				if (column->metadata != METADATA_KEY && column->metadata != METADATA_LOCATION)
					clause->of_name = false;
			}
		}
	}
	MemoryContextSwitchTo(save);
}

bool
layout_prunes_folders(const S3Layout *layout)
{
	for (int i = 0; i < layout->nclauses; i++)
	{
		if (layout->clauses[i].of_folder)
			return true;
	}
	return false;
}

/* Evaluate a clause whose columns are known. */
static bool
clause_holds(S3Layout *layout, const LayoutClause *clause, const ManifestObject *object)
{
	TupleTableSlot *slot = layout->slot;
	int			attnum = -1;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, layout->desc->natts * sizeof(bool));
	while ((attnum = bms_next_member(clause->columns, attnum)) >= 0)
		slot->tts_isnull[attnum - 1] =
			column_value(layout, attnum - 1, object, layout->econtext->ecxt_per_tuple_memory,
						 &slot->tts_values[attnum - 1]);
	ExecStoreVirtualTuple(slot);
	return ExecQual(clause->state, layout->econtext);
}

/* Do all clauses hold, or all that look at the object's name only? */
static bool
clauses_hold(S3Layout *layout, const ManifestObject *object, bool of_name)
{
	MemoryContext save;
	bool		result = true;

	if (layout->nclauses == 0)
		return true;
	save = begin(layout);
	ResetExprContext(layout->econtext);
	take_object(layout, object);
	for (int i = 0; i < layout->nclauses && result; i++)
	{
		if (!of_name || layout->clauses[i].of_name)
			result = clause_holds(layout, &layout->clauses[i], object);
	}
	MemoryContextSwitchTo(save);
	return result;
}

bool
layout_matches(S3Layout *layout, const ManifestObject *object)
{
	return clauses_hold(layout, object, false);
}

bool
layout_matches_name(S3Layout *layout, const ManifestObject *object)
{
	return clauses_hold(layout, object, true);
}

static bool
all_known(const S3Layout *layout, const LayoutClause *clause)
{
	int			attnum = -1;

	while ((attnum = bms_next_member(clause->columns, attnum)) >= 0)
	{
		if (!layout->columns[attnum - 1].known)
			return false;
	}
	return true;
}

bool
layout_matches_folder(S3Layout *layout, const ManifestObject *folder, bool *open)
{
	MemoryContext save;
	bool		result = true;

	*open = false;
	if (layout->nclauses == 0)
		return true;
	save = begin(layout);
	ResetExprContext(layout->econtext);
	/* Of a folder that does not match, an object will tell. */
	(void) take_name(layout, folder, true);
	for (int i = 0; i < layout->nclauses && result; i++)
	{
		const LayoutClause *clause = &layout->clauses[i];

		if (!clause->of_folder)
			continue;
		if (all_known(layout, clause))
			result = clause_holds(layout, clause, folder);
		else
			*open = true;
	}
	MemoryContextSwitchTo(save);
	return result;
}
