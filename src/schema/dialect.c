/*-------------------------------------------------------------------------
 *
 * dialect.c
 *		How a file is written, told from its beginning.
 *
 * Lines are split in each way that is possible, with quotes understood as COPY
 * does; the way that gives most lines the same number of fields is taken.
 * Whether the first line is a header is told from what it has that the others
 * have not: no numbers or dates where they have some, or the same text in two
 * objects.
 *
 * IDENTIFICATION
 *		src/schema/dialect.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/fixed.h"
#include "format/record.h"
#include "schema/dialect.h"
#include "schema/guess.h"
#include "schema/head.h"
#include "schema/members.h"
#include "schema/schema.h"

/* Fields beyond are not told apart. */
#define MAX_FIELDS 2000

/* Records to compare the first line with. */
#define HEADER_RECORDS 200

/* A byte that is in no text. */
#define NO_QUOTE "\x01"

/* Shares in thousandths of lines that have the same number of fields. */
#define SHARE_ALL 999
#define SHARE_MOST 900
#define SHARE_HALF 500

/* ------------------------------------------------------------------- splitting */

/* What splitting gives with one delimiter and quote. */
typedef struct Split
{
	const char *delimiter;
	const char *quote;
	int			records;
	int			fields;			/* that most records have */
	int			share;			/* of these records, in thousandths */
	int			quoted;			/* fields that begin and end with a quote */
	int			stray;			/* others with a quote in them */
	int			nulls;			/* fields that are \N */
	int			empty;			/* fields without anything */
} Split;

/* Behind the lines that are not data, if they are told. */
static const char *
behind_skipped(const FormatOptions *format, const Head *head)
{
	const char *p = head->text;
	const char *end = p + head->len;

	for (int64 i = 0; i < format->skip_lines && p < end; i++)
	{
		while (p < end && *p != '\n' && *p != '\r')
			p++;
		if (p + 1 < end && p[0] == '\r' && p[1] == '\n')
			p++;
		if (p < end)
			p++;
	}
	return p;
}

static bool
begins_with(const char *p, const char *end, const char *prefix)
{
	Size		len = strlen(prefix);

	return (Size) (end - p) >= len && memcmp(p, prefix, len) == 0;
}

static void
end_field(Split *split, const char *start, const char *end, int quotes)
{
	char		quote = split->quote[0];

	if (end - start == 2 && start[0] == '\\' && start[1] == 'N')
		split->nulls++;
	if (start == end)
		split->empty++;
	if (quotes == 0)
		return;
	if (end - start >= 2 && *start == quote && end[-1] == quote)
		split->quoted++;
	else
		split->stray++;
}

static void
split_head(Split *split, const FormatOptions *format, const Head *head)
{
	int		   *counts = palloc0(sizeof(int) * (MAX_FIELDS + 1));
	const char *p = behind_skipped(format, head);
	const char *end = head->text + head->len;
	Size		delimiter_len = strlen(split->delimiter);

	while (p < end)
	{
		const char *field = p;
		bool		in_quotes = false;
		bool		ended = false;
		int			quotes = 0;
		int			fields = 1;
		Split		before = *split;

		if (format->comment && begins_with(p, end, format->comment))
		{
			while (p < end && *p != '\n')
				p++;
			p = Min(p + 1, end);
			continue;
		}
		while (p < end)
		{
			if (*p == split->quote[0])
			{
				in_quotes = !in_quotes;
				quotes++;
			}
			else if (!in_quotes && (*p == '\n' || *p == '\r'))
			{
				ended = true;
				break;
			}
			else if (!in_quotes && begins_with(p, end, split->delimiter))
			{
				end_field(split, field, p, quotes);
				fields++;
				p += delimiter_len;
				field = p;
				quotes = 0;
				continue;
			}
			p++;
		}
		end_field(split, field, p, quotes);
		if (!ended && (!head->complete || in_quotes) && split->records > 0)
		{
			/* the record goes on; a quote that is never closed is a bad sign */
			*split = before;
			if (head->complete)
				split->records++;
			break;
		}
		if (p + 1 < end && p[0] == '\r' && p[1] == '\n')
			p++;
		if (p < end)
			p++;
		counts[Min(fields, MAX_FIELDS)]++;
		split->records++;
	}

	split->fields = 1;
	for (int i = 1; i <= MAX_FIELDS; i++)
	{
		if (counts[i] > counts[split->fields])
			split->fields = i;
	}
	split->share = split->records == 0 ? 0 :
		(int) ((int64) counts[split->fields] * 1000 / split->records);
	pfree(counts);
}

int
dialect_count_fields(const FormatOptions *format, const Head *head)
{
	Split		split = {.delimiter = format->delimiter,
	.quote = format->format == FORMAT_CSV ? format->quote : NO_QUOTE};
	int			ncolumns;

	if (format->format == FORMAT_FIXEDWIDTH)
		return fixed_width_check(format->fixedwidth, &ncolumns) == NULL ? ncolumns : 0;
	split_head(&split, format, head);
	return split.fields;
}

/* The quote that suits a delimiter. */
static Split
choose_quote(const char *delimiter, const char *quote, const FormatOptions *format,
			 const Head *head)
{
	Split		usual = {.delimiter = delimiter,.quote = quote ? quote : "\""};
	Split		single = {.delimiter = delimiter,.quote = "'"};
	Split		none = {.delimiter = delimiter,.quote = NO_QUOTE};

	split_head(&usual, format, head);
	if (quote || usual.quoted > 0)
		return usual;
	split_head(&single, format, head);
	if (usual.stray == 0 && single.quoted > 0 && single.stray == 0 &&
		single.share >= usual.share)
		return single;
	split_head(&none, format, head);
	if (usual.stray > 0 && none.share >= usual.share)
		return none;
	return usual;
}

/* Is a better than b? */
static bool
is_better(const Split *a, const Split *b)
{
	static const int levels[] = {SHARE_ALL, SHARE_MOST, SHARE_HALF};

	if (a->fields < 2 || b->fields < 2)
		return a->fields >= 2 && a->share >= SHARE_HALF;
	for (int i = 0; i < (int) lengthof(levels); i++)
	{
		if ((a->share >= levels[i]) != (b->share >= levels[i]))
			return a->share >= levels[i];
		if (a->share >= levels[i])
			break;
	}
	if (a->fields != b->fields)
		return a->fields > b->fields;
	return a->share > b->share;
}

static Split
choose_split(const char *delimiter, const char *quote, const FormatOptions *format,
			 const Head *head)
{
	static const char *const delimiters[] = {",", "\t", "|", ";"};
	Split		best;

	if (delimiter)
		return choose_quote(delimiter, quote, format, head);
	best = choose_quote(delimiters[0], quote, format, head);
	for (int i = 1; i < (int) lengthof(delimiters); i++)
	{
		Split		other = choose_quote(delimiters[i], quote, format, head);

		if (is_better(&other, &best))
			best = other;
	}
	return best;
}

/* --------------------------------------------------------------------- headers */

/* The first line of an object, and what the ones after it hold. */
typedef struct FirstLine
{
	int			nfields;
	char	  **fields;
	ColumnGuess *guesses;		/* of the others */
	bool	   *recurs;			/* the text is in another line, too */
	int			others;
} FirstLine;

static void
read_first_line(FirstLine *first, const FormatOptions *format, const Head *head)
{
	FormatOptions plain = *format;
	RecordStart start = {.at_beginning = true};
	RecordColumn *columns;
	RecordReader *reader;
	Record		record;
	RecordStatus status;
	int			n = dialect_count_fields(format, head);
	bool		begun = false;

	memset(first, 0, sizeof(*first));
	first->fields = palloc0(sizeof(char *) * Max(n, 1));
	first->guesses = palloc0(sizeof(ColumnGuess) * Max(n, 1));
	first->recurs = palloc0(sizeof(bool) * Max(n, 1));
	columns = palloc0(sizeof(RecordColumn) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		columns[i].name = "";
		columns[i].needed = true;
	}
	plain.header = HEADER_FALSE;
	plain.match_by = MATCH_BY_POSITION;
	reader = record_reader_create(bytes_source_create(head->text, head->len), &plain,
								  columns, n, &start);
	while (first->others < HEADER_RECORDS &&
		   (status = record_reader_next(reader, &record)) != RECORD_END)
	{
		if (status == RECORD_BAD && record.error.fatal)
			break;
		if (status == RECORD_BAD && !begun)
			break;
		for (int i = 0; i < n && status == RECORD_OK; i++)
		{
			const RecordField *field = &record.fields[i];

			if (!begun)
				first->fields[i] = field->data ? pnstrdup(field->data, field->len) : "";
			else if (field->data && field->len > 0)
			{
				guess_add(&first->guesses[i], field->data, field->len, SYNTAX_PLAIN);
				if (strlen(first->fields[i]) == field->len &&
					memcmp(first->fields[i], field->data, field->len) == 0)
					first->recurs[i] = true;
			}
		}
		if (!begun)
			first->nfields = n;
		else
			first->others++;
		begun = true;
	}
	record_reader_close(reader);
}

/* Could the text be the name of a column? */
static bool
is_name(const char *text)
{
	int			words = 1;

	if (!isalpha((unsigned char) text[0]) && text[0] != '_' && !IS_HIGHBIT_SET(text[0]))
		return false;
	for (const char *p = text; *p; p++)
	{
		if (*p == ' ')
			words++;
		else if (!isalnum((unsigned char) *p) && !IS_HIGHBIT_SET(*p) && strchr("_-.#/()", *p) == NULL)
			return false;
	}
	return words <= 4 && strlen(text) < NAMEDATALEN;
}

/* Is it spelled as programs spell names, and people seldom write words? */
static bool
is_program_name(const char *text)
{
	bool		upper = false;
	bool		lower = false;

	if (strchr(text, ' '))
		return false;
	if (strchr(text, '_'))
		return true;
	for (const char *p = text; *p; p++)
	{
		upper = upper || (*p >= 'A' && *p <= 'Z');
		lower = lower || (*p >= 'a' && *p <= 'z');
	}
	return lower && !(upper && text[0] >= 'A' && text[0] <= 'Z');
}

static bool
first_lines_equal(const FirstLine *a, const FirstLine *b)
{
	for (int i = 0; i < a->nfields; i++)
	{
		if (a->nfields != b->nfields || strcmp(a->fields[i], b->fields[i]) != 0)
			return false;
	}
	return a->nfields > 0;
}

/* Is it a header line?  other is another object's, or NULL. */
static bool
is_header(const FirstLine *first, const FirstLine *other)
{
	int			named = 0;
	bool		all_names = true;
	bool		all_program_names = true;
	bool		typed = false;

	for (int i = 0; i < first->nfields; i++)
	{
		const char *text = first->fields[i];
		const ValuePlace *place;

		if (text[0] == '\0')
			continue;
		if (guess_class(text, strlen(text), SYNTAX_PLAIN) != VALUE_TEXT)
			return false;
		named++;
		all_names = all_names && is_name(text) && !first->recurs[i];
		all_program_names = all_program_names && is_program_name(text);
		if (first->guesses[i].nvalues > 0 &&
			guess_type(&first->guesses[i], &place, NULL) != GUESS_TEXT)
			typed = true;
	}
	if (named * 2 < first->nfields || named == 0)
		return false;
	if (typed || (other && first_lines_equal(first, other) && all_names))
		return true;
	return all_names && all_program_names && first->nfields > 1;
}

static int
detect_header(const FormatOptions *format, const Head *heads, int nheads)
{
	FirstLine	first;
	FirstLine	second;

	read_first_line(&first, format, &heads[0]);
	if (nheads < 2)
		return is_header(&first, NULL) ? HEADER_TRUE : HEADER_FALSE;
	read_first_line(&second, format, &heads[1]);
	if (!is_header(&first, &second))
		return HEADER_FALSE;
	if (first_lines_equal(&first, &second) || is_header(&second, NULL))
		return HEADER_TRUE;
	return first.nfields == second.nfields ? HEADER_FIRST : HEADER_TRUE;
}

/* ------------------------------------------------------------------------- JSON */

bool
is_dynamodb_sample(const char *text, Size len)
{
	static const char *const types[] = {"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"};
	MemberWalk	record;
	MemberWalk	item;

	if (!member_walk_begin(&record, text, len) || !record.in_object ||
		!member_walk_next(&record) ||
		record.key_len != 6 || memcmp(record.key, "\"Item\"", 6) != 0 ||
		!member_walk_begin(&item, record.value, record.value_len) || !item.in_object)
		return false;
	while (member_walk_next(&item))
	{
		MemberWalk	value;
		bool		known = false;

		if (!member_walk_begin(&value, item.value, item.value_len) || !value.in_object ||
			!member_walk_next(&value))
			return false;
		for (int i = 0; i < (int) lengthof(types); i++)
			known = known || (value.key_len == strlen(types[i]) + 2 &&
							  memcmp(value.key + 1, types[i], strlen(types[i])) == 0);
		if (!known || member_walk_next(&value))
			return false;
	}
	return !member_walk_next(&record);
}

static const char *
skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* Is it JSON, and what are its records? */
static bool
looks_like_json(const Head *head, JsonRecords *records)
{
	const char *end = head->text + head->len;
	const char *p = skip_space(head->text, end);
	char		first;
	char		next;

	if (p == end || (*p != '{' && *p != '['))
		return false;
	first = *p++;
	p = skip_space(p, end);
	next = p < end ? *p : '\0';
	*records = RECORDS_OBJECTS;
	if (first == '{')
		return next == '"' || next == '}';
	if (next == '{')
		return true;
	*records = RECORDS_ARRAYS;
	return strstr(head->key, "json") != NULL;
}

/* The first record, for what only its text tells. */
static bool
first_record_is_dynamodb(const Head *head)
{
	FormatOptions format = {.format = FORMAT_JSON,.max_record_size = 64 * 1024 * 1024};
	RecordColumn column = {.name = "",.needed = true,.raw_json = true,.path = "$"};
	RecordStart start = {.at_beginning = true};
	RecordReader *reader;
	Record		record;
	bool		result;

	reader = record_reader_create(bytes_source_create(head->text, head->len), &format,
								  &column, 1, &start);
	result = record_reader_next(reader, &record) == RECORD_OK && record.fields[0].data &&
		is_dynamodb_sample(record.fields[0].data, record.fields[0].len);
	record_reader_close(reader);
	return result;
}

/* -------------------------------------------------------------------------- all */

static void
add_option(Dialect *dialect, const char *name, const char *value)
{
	dialect->options = lappend(dialect->options, schema_option(name, value));
}

static void
detect_json(Dialect *dialect, List *given, const Head *heads, JsonRecords records)
{
	const char *stated = s3_option_value(given, "records");

	if (stated)
	{
		dialect->is_dynamodb = strcmp(stated, "dynamodb") == 0;
		return;
	}
	dialect->is_dynamodb = records == RECORDS_OBJECTS && first_record_is_dynamodb(&heads[0]);
	if (dialect->is_dynamodb)
		add_option(dialect, "records", "dynamodb");
	else if (records == RECORDS_ARRAYS)
		add_option(dialect, "records", "arrays");
}

static void
detect_lines(Dialect *dialect, List *given, const Head *heads, int nheads)
{
	const char *format = s3_option_value(given, "format");
	const char *delimiter = s3_option_value(given, "delimiter");
	const char *quote = s3_option_value(given, "quote");
	bool		text = format && pg_strcasecmp(format, "text") == 0;
	bool		csv = format == NULL || pg_strcasecmp(format, "csv") == 0;
	const S3TableOptions *options;
	Split		split;
	HeaderLine	header;

	if (s3_option_value(given, "match_by") && s3_option_value(given, "header") == NULL)
	{
		add_option(dialect, "header", "true");
		given = dialect->options;
	}
	options = s3_table_options_make(given);
	if (text || csv)
	{
		split = choose_split(delimiter, text ? NO_QUOTE : quote, &options->format, &heads[0]);
		dialect->quotes_seen = split.quoted > 0;
		if (csv && format == NULL && split.nulls > 0 && split.quoted == 0 && quote == NULL &&
			strcmp(split.delimiter, "\t") == 0)
			text = true;
		if (format == NULL)
			add_option(dialect, "format", text ? "text" : "csv");
		if (delimiter == NULL && strcmp(split.delimiter, text ? "\t" : ",") != 0)
			add_option(dialect, "delimiter", split.delimiter);
		if (!text && quote == NULL && strcmp(split.quote, "\"") != 0)
			add_option(dialect, "quote", split.quote);
		if (!text && split.nulls > 0 && split.empty == 0 && s3_option_value(given, "null") == NULL)
			add_option(dialect, "null", "\\N");
	}
	if (s3_option_value(given, "header") || (!text && !csv))
		return;
	options = s3_table_options_make(dialect->options);
	header = detect_header(&options->format, heads, nheads);
	if (header != HEADER_FALSE)
		add_option(dialect, "header", header == HEADER_FIRST ? "first" : "true");
}

void
dialect_detect(Dialect *dialect, List *given, const Head *heads, int nheads)
{
	const char *format = s3_option_value(given, "format");
	JsonRecords records = RECORDS_OBJECTS;

	memset(dialect, 0, sizeof(*dialect));
	dialect->options = list_copy(given);
	if (format ? pg_strcasecmp(format, "json") == 0 :
		(s3_option_value(given, "records") || looks_like_json(&heads[0], &records)))
	{
		if (format == NULL)
			add_option(dialect, "format", "json");
		else
			(void) looks_like_json(&heads[0], &records);
		detect_json(dialect, given, heads, records);
	}
	else
		detect_lines(dialect, given, heads, nheads);
}
