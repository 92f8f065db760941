/*-------------------------------------------------------------------------
 *
 * sample.c
 *		Values of a sample of records, counted column by column.
 *
 * The sample is taken from objects spread evenly over the location, the first
 * and the last among them: the records at their beginnings, and of large
 * objects that are not compressed also some from the middle.  If a range
 * begins within quotes, or its records do not fit, it is left out.  Places are chosen by a hash of the object's name
 * and version, so that the same objects always give the same answer.
 *
 * Records come from the readers that a scan uses.  JSON records are taken as a
 * whole, because the names of their members are not known beforehand.
 *
 * IDENTIFICATION
 *		src/schema/sample.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/config.h"
#include "common/hashfn.h"
#include "format/codec.h"
#include "format/csv.h"
#include "format/encoding.h"
#include "format/fixed.h"
#include "format/record.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "s3/source.h"
#include "schema/head.h"
#include "schema/members.h"
#include "schema/sample.h"
#include "utils/memutils.h"

#define MAX_OBJECTS 32
#define HEAD_SIZE (128 * 1024)

/* Objects whose beginning is looked at to tell the dialect. */
#define DIALECT_OBJECTS 2
#define DIALECT_TRIES 8

/* Of objects larger than this, some ranges are looked at. */
#define LARGE_OBJECT ((int64) 1024 * 1024)
#define NRANGES 2
#define RANGE_SIZE (128 * 1024)

typedef struct Sampler
{
	const SchemaRequest *request;
	S3Manifest *manifest;
	S3ReadPool *pool;
	Sample	   *sample;
	MemoryContext cxt;			/* holds the sample */
	int			max_columns;
	bool		has_names;		/* names of a header have been taken */
	bool		match_by_stated;

	/* the object being read */
	MemoryContext object_cxt;	/* reset when it ends */
	ManifestObject object;
	int			number;			/* of the manifest */
	S3Source   *source;
	int		   *column_of;		/* column of each field, or NULL: the same */
	int			nfields;
	bool		line_known;

	/* JSON */
	StringInfoData key;
	StringInfoData value;
	int		   *expected;		/* column of the n-th member of the record before */
	int			max_expected;

	/* records that cannot be read */
	int64		nbad;
	char	   *bad_place;		/* and why, of the first one */
	char	   *bad_message;
} Sampler;

/* --------------------------------------------------------------------- columns */

static int
add_column(Sampler *s, const char *name)
{
	Sample	   *sample = s->sample;
	MemoryContext save;

	if (sample->ncolumns >= MaxHeapAttributeNumber)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("the objects have more than %d columns", MaxHeapAttributeNumber),
				 errhint("Read the records as one jsonb column with the option \"path\" '$', or state the delimiter.")));
	save = MemoryContextSwitchTo(s->cxt);
	if (sample->ncolumns == s->max_columns)
	{
		s->max_columns = Max(32, 2 * s->max_columns);
		sample->columns = sample->columns ?
			repalloc(sample->columns, s->max_columns * sizeof(SampleColumn)) :
			palloc(s->max_columns * sizeof(SampleColumn));
	}
	memset(&sample->columns[sample->ncolumns], 0, sizeof(SampleColumn));
	if (name)
		sample->columns[sample->ncolumns].source_name = pstrdup(name);
	MemoryContextSwitchTo(save);
	return sample->ncolumns++;
}

static int
find_column(const Sample *sample, const char *name)
{
	for (int i = 0; i < sample->ncolumns; i++)
	{
		if (sample->columns[i].source_name && strcmp(sample->columns[i].source_name, name) == 0)
			return i;
	}
	return -1;
}

/* Count a value of the reader's last record. */
static void
add_value(Sampler *s, RecordReader *reader, int column, const char *data, Size len,
		  ValueSyntax syntax)
{
	ValuePlace *place = guess_add(&s->sample->columns[column].guess, data, len, syntax);

	if (place == NULL)
		return;
	place->serial = s->sample->nrecords;
	place->object = s->number;
	place->line = s->line_known ? (int64) record_reader_line(reader) : 0;
}

/* --------------------------------------------------------------------- objects */

static const char *
content_encoding(void *arg)
{
	return s3_source_content_encoding(arg);
}

/* The text of the object, with its first bytes at hand; in object_cxt. */
static HeadSource *
open_object(Sampler *s, int number, Size head_size)
{
	const FormatOptions *format = &s->sample->format;
	CodecHints	hints = {0};
	HeadSource *raw;
	ByteSource *stream;
	const char *bytes;
	Size		len;
	bool		complete;
	int			encoding = format->encoding;

	MemoryContextReset(s->object_cxt);
	MemoryContextSwitchTo(s->object_cxt);
	s->number = number;
	manifest_object(s->manifest, number, &s->object);
	s->object.bucket = pstrdup(s->object.bucket);
	s3_object_copy(&s->object.info, &s->object.info);
	s->source = s3_source_create(s->request->client, s->pool, s->object.bucket, &s->object.info,
								 0, s->object.info.size, !s->request->full);
	hints.key = s->object.info.key;
	hints.content_encoding = content_encoding;
	hints.arg = s->source;
	stream = codec_open_source(s3_source_stream(s->source), format->compression, &hints);

	/* A byte order mark is believed, unless the user says otherwise. */
	raw = head_source_create(stream, 3);
	bytes = head_source_bytes(raw, &len, &complete);
	if (encoding < 0 && len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
	{
		encoding = S3_ENCODING_UTF8_BOM;
		s->sample->has_bom = true;
	}
	else if (encoding < 0 && len >= 2 &&
			 (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0))
		ereport(ERROR,
				(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				 errmsg("the object begins with the byte order mark of UTF-16"),
				 errhint("State the encoding: 'UTF16'.")));
	stream = text_source_create(head_source_stream(raw), encoding, true);
	return head_source_create(stream, head_size);
}

static void
close_object(Sampler *s)
{
	MemoryContextSwitchTo(s->cxt);
	byte_source_close(s3_source_stream(s->source));
	s->source = NULL;
	MemoryContextReset(s->object_cxt);
}

static void
object_error_context(void *arg)
{
	Sampler    *s = arg;

	if (s->source)
		errcontext("object \"%s\"", s3_location_format(s->object.bucket, s->object.info.key));
}

/* The i-th of n objects spread evenly. */
static int
spread(int i, int n, int of)
{
	return n < 2 ? 0 : (int) ((int64) i * (of - 1) / (n - 1));
}

/* --------------------------------------------------------------------- dialect */

/* What to read with; the option for items of DynamoDB is for the table only. */
static void
set_format(Sampler *s)
{
	List	   *options = NIL;
	ListCell   *lc;

	foreach(lc, s->sample->dialect.options)
	{
		DefElem    *elem = lfirst(lc);

		if (!s->sample->dialect.is_dynamodb || strcmp(elem->defname, "records") != 0)
			options = lappend(options, elem);
	}
	s->sample->format = s3_table_options_make(options)->format;
}

static void
find_dialect(Sampler *s)
{
	Head		heads[DIALECT_OBJECTS];
	int			nheads = 0;
	int			nobjects = Min(s->manifest->nobjects, DIALECT_TRIES);

	s->sample->dialect.options = s->request->options;
	set_format(s);
	for (int i = 0; i < nobjects && nheads < DIALECT_OBJECTS; i++)
	{
		Head	   *head = &heads[nheads];
		const char *text = head_source_bytes(open_object(s, spread(i, nobjects, s->manifest->nobjects),
														 HEAD_SIZE),
											 &head->len, &head->complete);
		char	   *copy;

		if (head->len > 0)
		{
			/* readers may look behind the end */
			copy = MemoryContextAllocZero(s->cxt, head->len + STREAM_PADDING);
			memcpy(copy, text, head->len);
			head->text = copy;
			head->key = MemoryContextStrdup(s->cxt, s->object.info.key);
			nheads++;
		}
		close_object(s);
	}
	if (nheads == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("the objects of \"%s\" hold nothing to infer a schema from",
						s3_option_value(s->request->options, "location"))));
	dialect_detect(&s->sample->dialect, s->request->options, heads, nheads);
	set_format(s);
}

/* --------------------------------------------------------------- lines of fields */

/* Do fields belong to columns by their place, though there is a header line? */
static bool
is_by_position(const Sampler *s)
{
	return s->sample->names_unusable ||
		(s->sample->format.match_by == MATCH_BY_POSITION && s->match_by_stated);
}

/* The columns that the fields of an object's header line belong to. */
static void
map_header(Sampler *s, HeadSource *head)
{
	Sample	   *sample = s->sample;
	Size		len;
	bool		complete;
	const char *text = head_source_bytes(head, &len, &complete);
	RecordHeader *header = csv_read_header(bytes_source_create(text, len), &sample->format);
	bool	   *seen = palloc0(sizeof(bool) * MaxHeapAttributeNumber);
	int			ncolumns = sample->ncolumns;
	int			nshared = 0;

	s->nfields = header->nfields;
	s->column_of = palloc(sizeof(int) * Max(header->nfields, 1));
	if (header->nfields == 0)
		return;
	if (s->has_names && header->nfields != sample->ncolumns)
		sample->headers_differ = true;
	for (int i = 0; i < header->nfields; i++)
	{
		const char *name = header->names[i];
		int			column = find_column(sample, name);

		if (s->has_names && i < sample->ncolumns &&
			strcmp(sample->columns[i].source_name, name) != 0)
			sample->headers_differ = true;
		if (name[0] == '\0' || (column >= 0 && seen[column]))
		{
			sample->names_unusable = true;
			column = -1;
		}
		if (is_by_position(s))
			column = i < sample->ncolumns ? i : -1;
		if (column < 0)
			column = add_column(s, name);
		seen[column] = true;
		s->column_of[i] = column;
		nshared += column < ncolumns;
	}
	if (s->has_names && nshared == 0)
		sample->nothing_shared = true;
	s->has_names = true;
}

/* Columns without names, as many as the object's lines have fields. */
static void
map_positions(Sampler *s, HeadSource *head)
{
	Sample	   *sample = s->sample;
	Head		text = {.key = s->object.info.key};

	text.text = head_source_bytes(head, &text.len, &text.complete);
	s->nfields = dialect_count_fields(&sample->format, &text);
	s->column_of = NULL;
	if (s->nfields != sample->ncolumns && sample->ncolumns > 0)
		sample->widths_differ = true;
	while (sample->ncolumns < s->nfields)
		add_column(s, NULL);
}

/* How the sample is read: as the table will be, but by position. */
static FormatOptions
reading_format(const Sample *sample)
{
	FormatOptions format = sample->format;

	format.match_by = MATCH_BY_POSITION;
	if (format.header == HEADER_MATCH)
		format.header = HEADER_TRUE;
	return format;
}

static RecordColumn *
reading_columns(const Sampler *s)
{
	RecordColumn *columns = palloc0(sizeof(RecordColumn) * Max(s->nfields, 1));
	bool		json = s->sample->format.format == FORMAT_JSON;

	for (int i = 0; i < s->nfields; i++)
	{
		columns[i].name = "";
		columns[i].needed = true;
		columns[i].raw_json = json;
		columns[i].path = json ? "$" : NULL;
	}
	return columns;
}

static void
take_fields(Sampler *s, RecordReader *reader, const Record *record)
{
	const FormatOptions *format = &s->sample->format;
	bool		empty_is_null = format->format == FORMAT_CSV && format->null[0] == '\0';

	for (int i = 0; i < s->nfields; i++)
	{
		const RecordField *field = &record->fields[i];
		int			column = s->column_of ? s->column_of[i] : i;

		if (field->data == NULL)
			continue;
		if (field->len == 0 && empty_is_null)
			s->sample->columns[column].guess.nempty++;
		else
			add_value(s, reader, column, field->data, field->len, SYNTAX_PLAIN);
	}
}

/* ------------------------------------------------------------------------- JSON */

/* The column of the n-th member, which has this key. */
static int
member_column(Sampler *s, int n, const MemberWalk *walk)
{
	Sample	   *sample = s->sample;
	int			column;

	if (!walk->in_object)
	{
		while (sample->ncolumns <= n)
			add_column(s, NULL);
		return n;
	}
	if (!member_string(walk->key, walk->key_len, &s->key))
		return -1;
	if (n >= s->max_expected)
	{
		int			more = Max(64, 2 * n);

		s->expected = s->expected ? repalloc(s->expected, more * sizeof(int)) :
			MemoryContextAlloc(s->cxt, more * sizeof(int));
		memset(s->expected + s->max_expected, 0, (more - s->max_expected) * sizeof(int));
		s->max_expected = more;
	}
	column = s->expected[n];
	if (column >= sample->ncolumns || sample->columns[column].source_name == NULL ||
		strcmp(sample->columns[column].source_name, s->key.data) != 0)
	{
		column = find_column(sample, s->key.data);
		if (column < 0)
			column = add_column(s, s->key.data);
		s->expected[n] = column;
	}
	return column;
}

static void
take_json_value(Sampler *s, RecordReader *reader, int column, const char *value, Size len)
{
	switch (value[0])
	{
		case 'n':
			break;
		case 't':
		case 'f':
			add_value(s, reader, column, value, len, SYNTAX_BOOLEAN);
			break;
		case '{':
		case '[':
			add_value(s, reader, column, value, len, SYNTAX_NESTED);
			break;
		case '"':
			if (member_string(value, len, &s->value))
				add_value(s, reader, column, s->value.data, s->value.len, SYNTAX_STRING);
			else
				add_value(s, reader, column, "\\u0000", 6, SYNTAX_STRING);
			break;
		default:
			add_value(s, reader, column, value, len, SYNTAX_NUMBER);
			break;
	}
}

/* An attribute of an item, {"S": "text"}: its type is told. */
static void
take_attribute(Sampler *s, RecordReader *reader, int column, const char *text, Size len)
{
	MemberWalk	walk;
	ValueSyntax syntax = SYNTAX_NESTED;

	if (!member_walk_begin(&walk, text, len) || !member_walk_next(&walk) || walk.key_len < 3)
		return;
	if (walk.key_len == 3 && walk.key[1] == 'S')
		syntax = SYNTAX_STRING;
	else if (walk.key_len == 3 && walk.key[1] == 'N')
		syntax = SYNTAX_NUMBER;
	else if (walk.key_len == 3 && walk.key[1] == 'B')
		syntax = SYNTAX_BINARY;
	else if (walk.key_len == 6 && memcmp(walk.key, "\"BOOL\"", 6) == 0)
		syntax = SYNTAX_BOOLEAN;
	else if (walk.key_len == 6 && memcmp(walk.key, "\"NULL\"", 6) == 0)
		return;
	if (walk.value[0] == '"' && member_string(walk.value, walk.value_len, &s->value))
		add_value(s, reader, column, s->value.data, s->value.len, syntax);
	else
		add_value(s, reader, column, walk.value, walk.value_len, syntax);
}

static void
take_json(Sampler *s, RecordReader *reader, const RecordField *field)
{
	const char *text = field->data;
	Size		len = field->len;
	bool		dynamodb = s->sample->dialect.is_dynamodb;
	MemberWalk	walk;
	int			n = 0;

	if (text == NULL || !member_walk_begin(&walk, text, len))
		return;
	if (dynamodb)
	{
		while (member_walk_next(&walk) &&
			   (walk.key_len != 6 || memcmp(walk.key, "\"Item\"", 6) != 0))
			;
		if (walk.value == NULL || !member_walk_begin(&walk, walk.value, walk.value_len))
			return;
	}
	for (; member_walk_next(&walk); n++)
	{
		int			column = member_column(s, n, &walk);

		if (column < 0)
			continue;
		if (dynamodb)
			take_attribute(s, reader, column, walk.value, walk.value_len);
		else
			take_json_value(s, reader, column, walk.value, walk.value_len);
	}
}

/* --------------------------------------------------------------------- records */

static void
note_bad(Sampler *s, RecordReader *reader, const RecordError *error)
{
	if (s->nbad++ > 0)
		return;
	s->bad_place = MemoryContextStrdup(s->cxt,
									   psprintf(_("object \"%s\", line %llu"),
												s3_location_format(s->object.bucket, s->object.info.key),
												(unsigned long long) record_reader_line(reader)));
	s->bad_message = MemoryContextStrdup(s->cxt, error->message);
}

/* Take so many records; returns how many there were. */
static int64
take_records(Sampler *s, RecordReader *reader, int64 limit)
{
	MemoryContext record_cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw sample record",
													 ALLOCSET_SMALL_SIZES);
	bool		json = s->sample->format.format == FORMAT_JSON;
	RecordStatus status;
	Record		record;
	int64		n = 0;

	while (n < limit && (status = record_reader_next(reader, &record)) != RECORD_END)
	{
		MemoryContext save;

		CHECK_FOR_INTERRUPTS();
		n++;
		if (status == RECORD_BAD)
		{
			note_bad(s, reader, &record.error);
			if (record.error.fatal)
				break;
			continue;
		}
		s->sample->nrecords++;
		save = MemoryContextSwitchTo(record_cxt);
		if (json)
			take_json(s, reader, &record.fields[0]);
		else
			take_fields(s, reader, &record);
		MemoryContextSwitchTo(save);
		MemoryContextReset(record_cxt);
	}
	MemoryContextDelete(record_cxt);
	return n;
}

/*
 * Is each line of a range whole?  With quotes that go over lines, where the
 * range begins may be within them: then what is outside seems to be inside.
 */
static bool
lines_are_whole(const FormatOptions *format, const char *text, Size len)
{
	bool		in_quotes = false;

	if (format->format != FORMAT_CSV)
		return true;
	for (Size i = 0; i < len; i++)
	{
		if (text[i] == format->quote[0])
			in_quotes = !in_quotes;
		else if (text[i] == '\n' && in_quotes)
			return false;
	}
	return !in_quotes;
}

/* Are all records of a range of the kind that the object has? */
static bool
range_fits(Sampler *s, const FormatOptions *format, const RecordColumn *columns,
		   const RecordStart *start, const char *text, Size len)
{
	RecordReader *reader;
	Record		record;
	RecordStatus status;

	if (!lines_are_whole(format, text, len))
		return false;
	reader = record_reader_create(bytes_source_create(text, len), format,
								  columns, s->nfields, start);
	while ((status = record_reader_next(reader, &record)) == RECORD_OK)
		;
	record_reader_close(reader);
	return status == RECORD_END;
}

/* Take records from the middle of the object, whose text is that of its bytes. */
static void
take_range(Sampler *s, int64 first, int64 limit)
{
	FormatOptions format = reading_format(s->sample);
	RecordStart start = {0};
	RecordColumn *columns = reading_columns(s);
	RecordReader *reader;
	S3Source   *source;
	HeadSource *head;
	const char *text;
	const char *end;
	const char *next;
	Size		len;
	bool		complete;

	source = s3_source_create(s->request->client, s->pool, s->object.bucket, &s->object.info,
							  first, Min(first + RANGE_SIZE, s->object.info.size), false);
	head = head_source_create(s3_source_stream(source), RANGE_SIZE);
	text = head_source_bytes(head, &len, &complete);
	end = text + len;
	next = memchr(text, '\n', len);
	while (end > text && end[-1] != '\n')
		end--;
	if (next && next + 1 < end &&
		pg_verify_mbstr(GetDatabaseEncoding(), next + 1, (int) (end - next - 1), true) &&
		range_fits(s, &format, columns, &start, next + 1, end - next - 1))
	{
		reader = record_reader_create(bytes_source_create(next + 1, end - next - 1), &format,
									  columns, s->nfields, &start);
		s->line_known = false;
		take_records(s, reader, limit);
		record_reader_close(reader);
	}
	byte_source_close(s3_source_stream(source));
}

/* Can the middle of the object be read? */
static bool
has_middle(const Sampler *s, const char *head, Size len)
{
	const FormatOptions *format = &s->sample->format;

	return !s->request->full && s->object.info.size > LARGE_OBJECT && format->encoding < 0 &&
		format->compression <= COMPRESSION_NONE &&
		codec_by_suffix(s->object.info.key) == NULL &&
		s3_source_content_encoding(s->source) == NULL &&
		format->format != FORMAT_TEXT && format->comment == NULL &&
		(format->format != FORMAT_JSON || (len > 0 && head[0] == '{'));
}

/* Take about so many records of an object; returns how many. */
static int64
take_object(Sampler *s, int number, int64 limit)
{
	FormatOptions format;
	RecordStart start = {.at_beginning = true};
	RecordReader *reader;
	HeadSource *head = open_object(s, number, HEAD_SIZE);
	const char *text;
	Size		len;
	bool		complete;
	bool		middle;
	int64		before = s->sample->nrecords;
	int64		size = s->object.info.size;

	text = head_source_bytes(head, &len, &complete);
	middle = has_middle(s, text, len);
	if (s->sample->format.format == FORMAT_JSON)
		s->nfields = 1;
	else if (s->sample->format.header == HEADER_FALSE ||
			 s->sample->format.format == FORMAT_FIXEDWIDTH ||
			 (s->sample->format.header == HEADER_FIRST && number > 0))
		map_positions(s, head);
	else
		map_header(s, head);
	format = reading_format(s->sample);
	start.has_header = format.header == HEADER_TRUE ||
		(format.header == HEADER_FIRST && number == 0);
	reader = record_reader_create(head_source_stream(head), &format, reading_columns(s),
								  s->nfields, &start);
	s->line_known = true;
	take_records(s, reader, middle ? (limit + 1) / 2 : limit);
	record_reader_close(reader);

	for (int i = 0; middle && i < NRANGES; i++)
	{
		uint64		hash = hash_bytes_extended((const unsigned char *) s->object.info.key,
											   (int) strlen(s->object.info.key), (uint64) size + i);
		int64		room = (size - HEAD_SIZE) / NRANGES;

		take_range(s, HEAD_SIZE + room * i + (int64) (hash % (uint64) Max(room - RANGE_SIZE, 1)),
				   Max(limit / 2 / NRANGES, 1));
	}
	close_object(s);
	return s->sample->nrecords - before;
}

/* -------------------------------------------------------------------------- all */

static void
report_bad(const Sampler *s)
{
	if (s->nbad == 0)
		return;
	if (s->sample->nrecords == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("no record of the sample can be read"),
				 errdetail("%s: %s", s->bad_place, s->bad_message)));
	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg("%lld of %lld records of the sample cannot be read",
					(long long) s->nbad, (long long) (s->nbad + s->sample->nrecords)),
			 errdetail("The first one: %s: %s", s->bad_place, s->bad_message)));
}

Sample *
sample_take(const SchemaRequest *request, S3Manifest *manifest)
{
	Sampler    *s = palloc0(sizeof(Sampler));
	int64		left = request->full ? PG_INT64_MAX : request->sample_rows;
	int			nobjects = request->full ? manifest->nobjects : Min(manifest->nobjects, MAX_OBJECTS);
	ErrorContextCallback context;

	s->request = request;
	s->manifest = manifest;
	s->sample = palloc0(sizeof(Sample));
	s->cxt = CurrentMemoryContext;
	s->match_by_stated = s3_option_value(request->options, "match_by") != NULL;
	s->pool = s3_read_pool_create((Size) s3_read_memory * 1024, s3_read_concurrency,
								  (Size) s3_range_size * 1024);
	s->object_cxt = AllocSetContextCreate(s->cxt, "s3_fdw sample", ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&s->key);
	initStringInfo(&s->value);

	context.callback = object_error_context;
	context.arg = s;
	context.previous = error_context_stack;
	error_context_stack = &context;

	find_dialect(s);
	for (int i = 0; i < nobjects && left > 0; i++)
	{
		int64		share = request->full ? PG_INT64_MAX : Max(left / (nobjects - i), 1);
		int64		taken = take_object(s, spread(i, nobjects, manifest->nobjects), share);

		if (!request->full)
			left -= taken;
	}
	error_context_stack = context.previous;
	report_bad(s);
	return s->sample;
}
