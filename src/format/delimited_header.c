/*-------------------------------------------------------------------------
 *
 * delimited_header.c
 *		What stands before the first record of delimited text: lines to be
 *		skipped and a header line, and which field goes to which column.
 *
 * A header may be known from another object, or from the beginning of this one
 * if reading begins in the middle; then there is no line to be read.
 *
 * IDENTIFICATION
 *		src/format/delimited_header.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/text.h"
#include "format/delimited.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

/* More names are not kept in memory. */
#define MAX_HEADER_FIELDS 1000000

/* How much of a header line an error tells. */
#define MAX_DETAIL_LEN 1000

/* The names of a header line, wherever they are. */
typedef struct HeaderNames
{
	int			n;
	const RecordHeader *known;	/* if not NULL: there */
	Span	   *spans;			/* else in the reader's record; owned */
} HeaderNames;

/* A column in the order of names. */
typedef struct NamedColumn
{
	const char *name;
	Size		len;
	int			column;
	bool		ignore_case;
} NamedColumn;

/* Name number i; false: an error. */
static bool
header_name(DelimitedReader *r, const HeaderNames *names, int i, RecordField *name,
			RecordError *error)
{
	Span		span;

	if (names->known)
	{
		name->data = names->known->names[i];
		name->len = strlen(name->data);
		return true;
	}
	span = names->spans[i];
	r->scratch_len = 0;
	if (!delimited_decode(r, span, name, error))
	{
		error->fatal = true;
		return false;
	}

	/* What stands for NULL elsewhere is a name here. */
	if (name->data == NULL)
	{
		name->data = r->text + span.start;
		name->len = span.end - span.start;
	}
	return true;
}

/* Find the fields of the record, a header line. */
static RecordStatus
split_header(DelimitedReader *r, HeaderNames *names, RecordError *error)
{
	int			n = r->format->split(r, NULL, 0);

	if (n > MAX_HEADER_FIELDS)
	{
		delimited_bad(r, error, FAULT_LINE, true, NULL, NULL,
					  _("header line has %d fields, which is more than %d"),
					  n, MAX_HEADER_FIELDS);
		error->sqlerrcode = ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		return RECORD_BAD;
	}
	names->n = n;
	names->known = NULL;
	names->spans = palloc0(sizeof(Span) * (n + 1));
	r->format->split(r, names->spans, n);
	return RECORD_OK;
}

/*
 * Compare the names with the columns', as COPY does.  RECORD_BAD is fatal: the
 * values would end up in the wrong columns.
 */
static RecordStatus
match_in_order(DelimitedReader *r, const HeaderNames *names, RecordError *error)
{
	int			nfields = names->n;

	if (r->ncolumns == 0 && r->text_len > 0)
		return delimited_bad(r, error, FAULT_EXTRA_FIELDS, true, NULL, NULL,
							 _("extra data after last expected column"));
	/* What cannot be decoded comes first. */
	if (r->format->verifies && r->ncolumns > 0)
	{
		RecordField field;

		for (int i = 0; i < names->n; i++)
		{
			if (!header_name(r, names, i, &field, error))
				return RECORD_BAD;
		}
	}
	if (r->ncolumns == 0)
		nfields = 0;
	if (nfields != r->ncolumns)
		return delimited_bad(r, error, FAULT_OTHER, true, NULL, NULL,
							 _("wrong number of fields in header line: got %d, expected %d"),
							 nfields, r->ncolumns);

	for (int i = 0; i < r->ncolumns; i++)
	{
		const char *name = r->columns[i].name;
		RecordField field;

		r->scratch_len = 0;
		if (!delimited_decode(r, names->spans[i], &field, error))
			return RECORD_BAD;
		if (field.data == NULL && field.len == 0)
			return delimited_bad(r, error, FAULT_OTHER, true, NULL, NULL,
								 _("column name mismatch in header line field %d: got null value (\"%s\"), expected \"%s\""),
								 i + 1, r->null, name);
		if (field.data == NULL)
		{
			field.data = r->default_text;
			field.len = r->default_len;
		}
		if (strlen(name) != field.len || memcmp(name, field.data, field.len) != 0)
			return delimited_bad(r, error, FAULT_OTHER, true, NULL, NULL,
								 _("column name mismatch in header line field %d: got \"%s\", expected \"%s\""),
								 i + 1, pnstrdup(field.data, field.len), name);
	}
	return RECORD_OK;
}

static int
compare_columns(const void *a, const void *b)
{
	const NamedColumn *x = a;
	const NamedColumn *y = b;

	return compare_names(x->name, x->len, y->name, y->len, x->ignore_case);
}

/* The names, for an error's detail. */
static char *
list_names(DelimitedReader *r, const HeaderNames *names)
{
	StringInfoData list;
	RecordError error;
	RecordField name;

	if (names->n == 0)
		return pstrdup(_("The header line is empty."));
	initStringInfo(&list);
	for (int i = 0; i < names->n; i++)
	{
		if (list.len > MAX_DETAIL_LEN)
		{
			appendStringInfoString(&list, ", ...");
			break;
		}
		if (!header_name(r, names, i, &name, &error))
			break;
		appendStringInfo(&list, "%s\"", i > 0 ? ", " : "");
		appendBinaryStringInfo(&list, name.data, pg_mbcliplen(name.data, name.len, 200));
		appendStringInfoChar(&list, '"');
	}
	return psprintf(_("The header line has %s."), list.data);
}

/*
 * Find each column's field by its name.  field_of[i] is the field of column i,
 * or -1.
 */
static RecordStatus
match_by_name(DelimitedReader *r, const HeaderNames *names, int *field_of, RecordError *error)
{
	NamedColumn *sorted = palloc(sizeof(NamedColumn) * (r->ncolumns + 1));
	RecordField name;

	for (int i = 0; i < r->ncolumns; i++)
	{
		sorted[i].name = r->columns[i].name;
		sorted[i].len = strlen(r->columns[i].name);
		sorted[i].column = i;
		sorted[i].ignore_case = r->options->ignore_case;
		field_of[i] = -1;
	}
	qsort(sorted, r->ncolumns, sizeof(NamedColumn), compare_columns);

	for (int i = 0; i < names->n; i++)
	{
		NamedColumn key = {.ignore_case = r->options->ignore_case};
		NamedColumn *found;

		if (!header_name(r, names, i, &name, error))
			return RECORD_BAD;
		key.name = name.data;
		key.len = name.len;
		found = bsearch(&key, sorted, r->ncolumns, sizeof(NamedColumn), compare_columns);
		if (found == NULL)
		{
			if (r->start_at->extra_name)
				r->start_at->extra_name(r->start_at->extra_arg, name.data, name.len);
			continue;
		}
		while (found > sorted && compare_columns(found - 1, &key) == 0)
			found--;
		for (; found < sorted + r->ncolumns && compare_columns(found, &key) == 0; found++)
		{
			if (field_of[found->column] >= 0)
				return delimited_bad(r, error, FAULT_OTHER, true, list_names(r, names), NULL,
									 _("column \"%s\" is in the header line more than once"),
									 found->name);
			field_of[found->column] = i;
		}
	}
	pfree(sorted);

	for (int i = 0; i < r->ncolumns; i++)
	{
		if (field_of[i] < 0 && !r->accept_missing)
			return delimited_bad(r, error, FAULT_OTHER, true, list_names(r, names), NULL,
								 _("column \"%s\" is missing in the header line"),
								 r->columns[i].name);
	}
	return RECORD_OK;
}

/* Note which fields are needed.  field_of is as above, or NULL: in order. */
static void
use_fields(DelimitedReader *r, const int *field_of, int nexpected)
{
	MemoryContext old = MemoryContextSwitchTo(r->cxt);

	r->nexpected = nexpected;
	r->simple = !r->split && r->default_text == NULL;
	r->uses = palloc(sizeof(FieldUse) * (r->ncolumns + 1));
	for (int i = 0; i < r->ncolumns; i++)
	{
		int			field = field_of ? field_of[i] : i;

		if (!r->columns[i].needed || field < 0)
			continue;
		r->uses[r->nuses].column = i;
		r->uses[r->nuses].field = field;
		r->uses[r->nuses].forced = r->columns[i].force_not_null || r->columns[i].force_null;
		r->nuses++;
		r->want = Max(r->want, field + 1);
	}
	r->field_ends = palloc0(sizeof(uint32) * (r->want + 1));
	r->field_ends[0] = PG_UINT32_MAX;
	r->spans = palloc0(sizeof(Span) * (r->want + 1));
	MemoryContextSwitchTo(old);
}

/*
 * Find the header line.  RECORD_END if the object ends with it; none is there
 * if then its text is empty.
 */
static RecordStatus
find_header(DelimitedReader *r, bool decode, RecordError *error)
{
	Found		found;

	if (r->comment)
		delimited_skip_comments(r);
	found = delimited_find(r);
	if (found == FOUND_MARKER)
	{
		/* COPY takes what stands before the marker for the line. */
		if (r->marker)
			r->text_len = 0;
		return RECORD_END;
	}
	if (found == FOUND_RECORD)
		return RECORD_OK;
	if (found != FOUND_EOF)
		return delimited_line_error(r, found, error);
	if (r->text_len > r->max_record)
		return delimited_line_error(r, FOUND_TOO_LONG, error);
	if (r->line_end == LINE_END_CRLF && r->after_cr)
		return delimited_line_error(r, FOUND_BAD_CR, error);

	/* A header that is only skipped may well lack its last quote. */
	if (decode && r->in_quotes)
		return delimited_line_error(r, found, error);
	return RECORD_END;
}

/* Match columns with the names known, or with those of the record. */
static RecordStatus
match_columns(DelimitedReader *r, const RecordHeader *known, RecordError *error)
{
	HeaderNames names = {.known = known};
	RecordStatus status;
	int		   *field_of;

	if (known)
		names.n = known->nfields;
	else
	{
		status = split_header(r, &names, error);
		if (status == RECORD_OK && r->options->header == HEADER_MATCH)
			status = match_in_order(r, &names, error);
		if (status != RECORD_OK)
			return status;
	}
	if (r->options->match_by != MATCH_BY_NAME)
	{
		use_fields(r, NULL, r->ncolumns);
		return RECORD_OK;
	}
	field_of = palloc(sizeof(int) * (r->ncolumns + 1));
	status = match_by_name(r, &names, field_of, error);
	if (status == RECORD_OK)
		use_fields(r, field_of, names.n);
	return status;
}

RecordStatus
delimited_begin(DelimitedReader *r, RecordError *error)
{
	const RecordStart *start = r->start_at;
	bool		by_name = r->options->match_by == MATCH_BY_NAME;
	bool		has_header = start->at_beginning && start->has_header;
	bool		match = by_name || (has_header && r->options->header == HEADER_MATCH);
	RecordStatus found = RECORD_OK;
	RecordStatus status;
	MemoryContext cxt;
	MemoryContext old;

	r->begun = true;
	if (start->at_beginning && !delimited_skip_lines(r))
		return RECORD_END;
	if (has_header)
	{
		found = find_header(r, by_name || (match && r->ncolumns > 0), error);
		if (found == RECORD_BAD)
			return found;

		/* An object without anything needs no names. */
		if (by_name && found == RECORD_END && r->text_len == 0)
			return found;
	}
	if (!match)
	{
		use_fields(r, NULL, r->ncolumns);
		return found;
	}
	if (!has_header && start->header == NULL)
		elog(ERROR, "there is no header line to match columns by name");

	/* The source is not called in this context. */
	cxt = AllocSetContextCreate(r->cxt, "header line", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(cxt);
	status = match_columns(r, has_header ? NULL : start->header, error);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
	return status == RECORD_OK ? found : status;
}

static void
report(const RecordError *error)
{
	ereport(ERROR,
			errcode(error->sqlerrcode),
			errmsg_internal("%s", error->message),
			error->detail ? errdetail_internal("%s", error->detail) : 0,
			error->hint ? errhint("%s", error->hint) : 0);
}

RecordHeader *
delimited_read_header(DelimitedReader *r)
{
	RecordHeader *header = palloc0(sizeof(RecordHeader));
	HeaderNames names = {0};
	RecordError error;
	RecordStatus status;

	if (!delimited_skip_lines(r))
		return header;
	status = find_header(r, true, &error);
	if (status == RECORD_BAD)
		report(&error);
	if (status == RECORD_END && r->text_len == 0)
		return header;
	if (split_header(r, &names, &error) == RECORD_BAD)
		report(&error);
	header->names = palloc(sizeof(char *) * names.n);
	for (int i = 0; i < names.n; i++)
	{
		RecordField name;

		if (!header_name(r, &names, i, &name, &error))
			report(&error);
		header->names[i] = pnstrdup(name.data, name.len);
	}
	header->nfields = names.n;
	pfree(names.spans);
	return header;
}
