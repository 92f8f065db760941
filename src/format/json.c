/*-------------------------------------------------------------------------
 *
 * json.c
 *		JSON objects, arrays or any values as records.
 *
 * A record is a text of its own for the parser, also if it is an element of a
 * top-level array: the brackets and commas of such an array are checked here,
 * so that it can be of any size.
 *
 * A record that lies within one piece of the source is parsed there, in place.
 * When a piece ends within a record, that record's bytes move to the carry
 * buffer, to which further pieces are added; the parser goes on where it
 * stopped, so that the work is linear however small the pieces are.
 *
 * Redshift's rules (see json.h) are kept at the top level: there are no places
 * within arrays then, and the reader is never out of step for good.
 *
 * A record that holds an item of DynamoDB is checked in the same way, then
 * decoded to plain JSON, in which a second parser finds the values.
 *
 * Below is a ByteSource of verified text in the server encoding; json_parse.c
 * knows the syntax, and finds the values.  Above, tuple.c makes Datums.
 *
 * Invariants: [rec, end), the window, is contiguous memory with STREAM_PADDING
 * readable bytes behind it, and holds the record from its first byte.  Bytes
 * of the lent piece that are not in it are [rest, rest_end), which is empty
 * unless the window is the carry buffer.
 *
 * IDENTIFICATION
 *		src/format/json.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/json.h"
#include "format/json_dynamodb.h"
#include "format/json_parse.h"
#include "format/scan.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define MAX_REWIND		(1024 * 1024)	/* see fail_record() */
#define MIN_CARRY		4096
#define KEEP_CARRY		(1024 * 1024)	/* a larger buffer is not kept */

/* What may follow where the next record is looked for. */
typedef enum JsonPlace
{
	PLACE_TOP,					/* any value */
	PLACE_ARRAY_FIRST,			/* behind [: an element, or ] */
	PLACE_ARRAY_NEXT,			/* behind an element: a comma, or ] */
	PLACE_ARRAY_VALUE			/* behind a comma: an element */
} JsonPlace;

typedef struct JsonReader
{
	RecordReader base;

	/* set at creation, then constant */
	ByteSource *source;			/* borrowed */
	RecordField *fields;		/* one per column */
	MemoryContext cxt;			/* owns all of this */
	MemoryContext record_cxt;	/* reset when a record is asked for */
	JsonRecords records;
	int			ncolumns;
	bool		exact_count;	/* elements without a column are an error */
	bool		by_redshift;	/* see json.h */
	bool		takes_arrays;	/* then: an array is a record, too */
	Size		max_record;		/* bytes of a record */
	Size		max_window;		/* one more, to see that it is longer */

	/* the window; see the file's header */
	const char *win;			/* first byte whose line is win_line */
	uint64		win_line;		/* newlines before win */
	uint64		win_offset;		/* bytes before win */
	const char *rec;
	const char *end;
	const char *piece;			/* the lent piece begins here */
	const char *rest;
	const char *rest_end;
	char	   *carry;			/* owned */
	Size		carry_size;		/* without padding */
	bool		in_carry;		/* the window is the carry buffer */
	bool		eof;

	/* between records */
	JsonPlace	place;
	bool		any;			/* there has been a record */
	bool		bare;			/* the last one had no brackets, ... */
	bool		spaced;			/* ... and white space is behind it */
	bool		line_start;		/* only blanks since the last newline */
	bool		rec_line_start; /* the record began so */
	bool		skip_line;		/* the rest of this line is faulty */
	int64		skip_lines;		/* so many lines are no records */
	bool		resync;			/* look for a line on which a value begins, ... */
	Size		indent;			/* blanks before it on its line, ... */
	Size		max_indent;		/* no more of them than this */
	Size		rec_indent;		/* the same of the record */
	bool		stopped;		/* after a fatal error, or at the end */

	JsonParser	parser;
	JsonParser *found;			/* that has the values: &parser, or of what is
								 * decoded; owned */
	DynamodbDecoder *decoder;	/* owned; NULL unless records are DynamoDB's */
} JsonReader;

/* Put the window's start to here; its line is counted up to "reached". */
static void
move_window(JsonReader *r, const char *reached, const char *here)
{
	r->win_line += scan_count(r->win, reached - r->win, '\n');
	r->win_offset += reached - r->win;
	r->win = here;
}

/* Make room for size bytes in the carry buffer, which holds "used" bytes. */
static void
enlarge_carry(JsonReader *r, Size size, Size used)
{
	char	   *carry;

	if (r->carry && size <= r->carry_size)
		return;
	size = Min(Max(size, Max(2 * r->carry_size, 2 * MIN_CARRY)), Max(r->max_window, size));
	carry = MemoryContextAllocHuge(r->cxt, size + STREAM_PADDING);
	if (r->carry)
	{
		memcpy(carry, r->carry, used);
		pfree(r->carry);
	}
	r->carry = carry;
	r->carry_size = size;
}

/*
 * Make the window longer, or move it on if the record has no byte yet; false
 * if the file ends here, or if the record is as long as one may be (then
 * eof is not set).
 */
static bool
refill(JsonReader *r)
{
	Size		kept = r->end - r->rec;
	Size		len;

	CHECK_FOR_INTERRUPTS();

	if (kept >= r->max_window)
		return false;
	if (kept > 0 && !(r->in_carry && r->rec == r->carry))
	{
		move_window(r, r->rec, r->rec);
		if (r->in_carry)
			memmove(r->carry, r->rec, kept);
		else
		{
			enlarge_carry(r, kept, 0);
			memcpy(r->carry, r->rec, kept);
		}
		r->win = r->carry;
		r->in_carry = true;
		r->rec = r->carry;
		r->end = r->carry + kept;
		memset(r->carry + kept, 0, STREAM_PADDING);
	}
	if (kept == 0)
		move_window(r, r->rec, r->rec);

	if (r->rest == r->rest_end)
	{
		const char *data;

		if (r->eof)
			return false;
		if (!byte_source_next(r->source, &data, &len))
		{
			r->eof = true;
			if (kept == 0)
			{
				/* the last piece is not lent any longer */
				enlarge_carry(r, 1, 0);
				memset(r->carry, 0, STREAM_PADDING);
				r->win = r->rec = r->end = r->carry;
				r->in_carry = true;
			}
			return false;
		}
		r->piece = r->rest = data;
		r->rest_end = data + len;
	}

	if (kept == 0)
	{
		r->in_carry = false;
		r->win = r->rec = r->rest;
		r->end = r->rest_end;
		r->rest = r->rest_end;
		return true;
	}

	len = Min((Size) (r->rest_end - r->rest), Max(kept, MIN_CARRY));
	len = Min(len, r->max_window - kept);
	enlarge_carry(r, kept + len, kept);
	memcpy(r->carry + kept, r->rest, len);
	memset(r->carry + kept + len, 0, STREAM_PADDING);
	r->rest += len;
	r->win = r->rec = r->carry;
	r->end = r->carry + kept + len;
	return true;
}

/*
 * Leave the record of the last call behind.  If the window is the carry
 * buffer, go back to the piece, of which the buffer holds copies.
 */
static void
leave_record(JsonReader *r)
{
	const char *p = r->rec + r->parser.pos;
	Size		left = r->end - p;

	r->rec = p;
	r->parser.pos = 0;
	if (!r->in_carry)
		return;
	if (left <= (Size) (r->rest - r->piece) && !r->eof)
	{
		r->rest -= left;
		move_window(r, p, r->rest);
		r->rec = r->rest;
		r->end = r->rest_end;
		r->rest = r->rest_end;
		r->in_carry = false;
		if (r->carry_size > KEEP_CARRY)
		{
			pfree(r->carry);
			r->carry = NULL;
			r->carry_size = 0;
		}
	}
	else
		move_window(r, p, p);
}

/* Drop what is left of a faulty line; false if the file ends with it. */
static bool
skip_rest_of_line(JsonReader *r)
{
	for (;;)
	{
		const char *newline = memchr(r->rec, '\n', r->end - r->rec);

		if (newline)
		{
			r->rec = newline + 1;
			r->line_start = true;
			r->indent = 0;
			r->skip_line = false;
			return true;
		}
		r->rec = r->end;
		if (!refill(r))
			return false;
	}
}

/*
 * Redshift's rules: where to look for the next record behind one with a syntax
 * error.  A line that was cut off runs into those behind it, so they are looked
 * at again, if that is not too far back.
 */
static void
plan_resync(JsonReader *r)
{
	Size		fault_end = r->parser.fault_end;
	const char *newline = memchr(r->rec, '\n', fault_end);

	r->resync = true;
	r->max_indent = r->rec_line_start ? r->rec_indent : 0;
	if (newline && fault_end - (newline - r->rec) <= MAX_REWIND)
	{
		r->parser.pos = newline + 1 - r->rec;
		r->line_start = true;
		r->indent = 0;
	}
	else
	{
		r->parser.pos = fault_end;
		r->skip_line = true;
	}
}

/*
 * Describe the fault, and decide where the next record is looked for.
 *
 * A record that is well-formed ends where it ends.  After a syntax error the
 * end is unknown; but if the record began on a line of its own, the file most
 * likely has one record per line, and this one is over when its first line is.
 * The parser may have been beyond that line, as when a line was cut off behind
 * a comma.  Going back is then right, but limited, so that no file can make us
 * read everything many times.  Within an array the comma of the faulty line
 * would be in doubt, so there nothing more is looked for.
 */
static RecordStatus
fail_record(JsonReader *r, Record *record)
{
	RecordError *error = &record->error;
	MemoryContext oldcxt = MemoryContextSwitchTo(r->record_cxt);
	const JsonFaultContext context = {
		.records = r->records,.in_array = r->place != PLACE_TOP,.ncolumns = r->ncolumns,
		.max_record = r->max_record,.by_redshift = r->by_redshift
	};

	json_describe_fault(&r->parser, r->rec, &context, error);
	if (r->parser.fault == FAULT_NOT_OBJECT || r->parser.fault == FAULT_NOT_ARRAY ||
		r->parser.fault == FAULT_EXTRA_ELEMENTS)
	{
		/* its end is known */
	}
	else if (r->by_redshift)
		plan_resync(r);
	else if (r->parser.fault == JSON_FAULT_TOO_LONG || !r->rec_line_start ||
			 r->place != PLACE_TOP || r->records == RECORDS_DOCUMENT)
		error->fatal = true;
	else
	{
		const char *newline = memchr(r->rec, '\n', r->parser.fault_end);

		if (newline == NULL)
		{
			r->parser.pos = r->parser.fault_end;
			r->skip_line = true;
		}
		else if (r->parser.fault_end - (newline - r->rec) > MAX_REWIND)
			error->fatal = true;
		else
		{
			r->parser.pos = newline + 1 - r->rec;
			r->line_start = true;
		}
	}
	r->stopped = error->fatal;

	MemoryContextSwitchTo(oldcxt);
	return RECORD_BAD;
}

/* A value of a column that takes binary values; see dynamodb_binary_value(). */
static bool
set_binary(JsonReader *r, const JsonValue *value, bool raw, RecordField *field)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(r->record_cxt);
	bool		done = dynamodb_binary_value(r->decoder, value->start, value->end, raw, field);

	MemoryContextSwitchTo(oldcxt);
	return done;
}

static RecordStatus
fail_path(JsonReader *r, Record *record, const char *message)
{
	RecordError *error = &record->error;

	memset(error, 0, sizeof(RecordError));
	error->fault = FAULT_JSON_PATH;
	error->sqlerrcode = ERRCODE_BAD_COPY_FILE_FORMAT;
	error->message = MemoryContextStrdup(r->record_cxt, message);
	return RECORD_BAD;
}

/* Give the values of needed columns to the caller; they are in base. */
static RecordStatus
set_fields(JsonReader *r, const char *base, Record *record)
{
	const JsonParser *parser = r->found;

	for (int i = 0; i < parser->nneeded; i++)
	{
		int			col = parser->needed[i];
		const RecordColumn *column = &parser->columns[col];
		const JsonValue *value = &parser->values[parser->slots[i]];
		RecordField *field = &r->fields[col];
		const char *text = base + value->start;
		Size		len = value->end - value->start;

		if (unlikely(r->by_redshift) && value->end == 0 && column->path)
		{
			const char *fault = json_missing_fault(parser, base, parser->slots[i]);

			if (fault)
				return fail_path(r, record, fault);
		}

		/* A record that is null, in a json column, is that value. */
		if (value->end == 0 ||
			(*text == 'n' && !(value->start == 0 && column->raw_json)))
		{
			field->data = NULL;
			field->len = 0;
			continue;
		}
		if (column->binary && r->decoder && set_binary(r, value, column->raw_json, field))
			continue;
		if (*text == '"' && !column->raw_json)
		{
			text++;
			len -= 2;
			if (value->escaped)
			{
				int			growth = GetDatabaseEncoding() == PG_UTF8 ? 1 : 3;
				const char *detail = NULL;
				int			sqlerrcode;
				MemoryContext oldcxt = MemoryContextSwitchTo(r->record_cxt);
				char	   *dst = MemoryContextAllocHuge(r->record_cxt, len * growth);
				ssize_t		n = json_unescape(&r->parser, text, text + len, dst,
											  &sqlerrcode, &detail);

				if (n < 0)
				{
					memset(&record->error, 0, sizeof(RecordError));
					record->error.fault = sqlerrcode == ERRCODE_UNTRANSLATABLE_CHARACTER ?
						FAULT_ENCODING : FAULT_JSON;
					record->error.sqlerrcode = sqlerrcode;
					record->error.message =
						pstrdup(sqlerrcode == ERRCODE_UNTRANSLATABLE_CHARACTER ?
								_("unsupported Unicode escape sequence") :
								_("invalid input syntax for type json"));
					record->error.detail = pstrdup(detail);
				}
				MemoryContextSwitchTo(oldcxt);
				if (n < 0)
					return RECORD_BAD;
				text = dst;
				len = n;
			}
		}
		field->data = text;
		field->len = len;
	}
	return RECORD_OK;
}

/*
 * Parse the record at rec, as far as the window reaches.  What the parser
 * allocates in passing goes away with the record.
 */
static JsonParseResult
parse_window(JsonReader *r)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(r->record_cxt);
	JsonParseResult result = json_parse(&r->parser, r->rec, r->end, r->eof);

	MemoryContextSwitchTo(oldcxt);
	return result;
}

/* Go to the next byte that is not white space; false if there is none. */
static bool
skip_space(JsonReader *r)
{
	for (;;)
	{
		const char *p = r->rec;

		for (; p < r->end && json_is_space(*p); p++)
		{
			if (*p == '\n')
			{
				r->line_start = true;
				r->indent = 0;
			}
			else
				r->indent++;
		}
		if (p > r->rec)
			r->spaced = true;
		r->rec = p;
		if (p < r->end)
			return true;
		if (!refill(r))
			return false;
	}
}

/*
 * Behind a faulty record, by Redshift's rules: go to a line on which a value
 * begins, no further to the right than that one did.  False if there is none.
 */
static bool
find_value_line(JsonReader *r)
{
	for (;;)
	{
		if (r->skip_line && !skip_rest_of_line(r))
			return false;
		if (!skip_space(r))
			return false;
		if ((*r->rec == '{' || *r->rec == '[') && r->indent <= r->max_indent)
		{
			r->resync = false;
			return true;
		}
		r->skip_line = true;
	}
}

/* Pass over the lines at the beginning that are no records. */
static bool
skip_first_lines(JsonReader *r)
{
	for (; r->skip_lines > 0; r->skip_lines--)
	{
		if (!skip_rest_of_line(r))
			return false;
	}
	return true;
}

/*
 * Go to where the next record begins, and get the parser ready for it or for
 * what is there instead; false if the file ends, and may end here.
 */
static bool
find_record(JsonReader *r)
{
	r->spaced = false;
	for (;;)
	{
		if (!skip_space(r))
		{
			if (r->place == PLACE_TOP && (r->records != RECORDS_DOCUMENT || r->any))
				return false;
			/* the parser says that something is missing */
			json_parser_start(&r->parser, STATE_VALUE, 0);
			return true;
		}
		switch (r->place)
		{
			case PLACE_TOP:
				if (*r->rec == '[' && r->records == RECORDS_OBJECTS && !r->by_redshift)
				{
					r->place = PLACE_ARRAY_FIRST;
					break;
				}
				if (r->records == RECORDS_VALUES && r->any && !r->spaced &&
					(r->bare || (*r->rec != '{' && *r->rec != '[')))
					json_parser_start(&r->parser, STATE_END, 0);
				else
					json_parser_start(&r->parser, STATE_VALUE, 0);
				return true;
			case PLACE_ARRAY_NEXT:
				if (*r->rec == ',')
				{
					r->place = PLACE_ARRAY_VALUE;
					break;
				}
				if (*r->rec != ']')
				{
					json_parser_start(&r->parser, STATE_NEXT, 1);
					return true;
				}
				r->place = PLACE_TOP;
				break;
			case PLACE_ARRAY_FIRST:
				if (*r->rec == ']')
				{
					r->place = PLACE_TOP;
					break;
				}
				/* FALLTHROUGH */
			case PLACE_ARRAY_VALUE:
				r->place = PLACE_ARRAY_NEXT;
				json_parser_start(&r->parser, STATE_VALUE, 1);
				return true;
		}
		/* a bracket or comma of an array */
		r->rec++;
		r->line_start = false;
	}
}

/* Parse the record; true if it is one, else the parser knows the fault. */
static bool
parse_record(JsonReader *r)
{
	JsonParser *parser = &r->parser;
	bool		ended = false;

	for (;;)
	{
		JsonParseResult result = parse_window(r);

		if (result == PARSE_MORE)
		{
			if (refill(r) || r->eof)
				continue;
			break;
		}
		if ((result == PARSE_DONE ? parser->pos : parser->fault_end) > r->max_record)
			break;
		if (result == PARSE_BAD)
			return false;
		if (r->records == RECORDS_DOCUMENT && !ended)
		{
			/* one row, and then an error, would be a row too many */
			parser->state = STATE_END;
			ended = true;
			continue;
		}
		return true;
	}
	parser->fault = JSON_FAULT_TOO_LONG;
	parser->fault_start = parser->fault_end = 0;
	return false;
}

/* Decode the record, and find the values in what it holds. */
static RecordStatus
decode_record(JsonReader *r, Record *record)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(r->record_cxt);
	DynamodbDecoder *decoder = r->decoder;
	char	   *fault = dynamodb_decode(decoder, &r->parser, r->rec, r->parser.pos);

	if (fault)
	{
		memset(&record->error, 0, sizeof(RecordError));
		record->error.fault = FAULT_JSON;
		record->error.sqlerrcode = ERRCODE_BAD_COPY_FILE_FORMAT;
		record->error.message = pstrdup(_("malformed DynamoDB item"));
		record->error.detail = fault;
	}
	else
	{
		json_parser_start(r->found, STATE_VALUE, 0);
		if (json_parse(r->found, decoder->text, decoder->text + decoder->len, true) != PARSE_DONE)
			elog(ERROR, "decoded DynamoDB item is no JSON");
	}
	MemoryContextSwitchTo(oldcxt);
	return fault ? RECORD_BAD : set_fields(r, decoder->text, record);
}

/* A comma between two values: it alone is the record. */
static RecordStatus
fail_comma(JsonReader *r, Record *record)
{
	RecordError *error = &record->error;
	MemoryContext oldcxt = MemoryContextSwitchTo(r->record_cxt);

	r->parser.pos = 1;
	r->parser.fault_end = 1;
	memset(error, 0, sizeof(RecordError));
	error->fault = FAULT_JSON;
	error->sqlerrcode = ERRCODE_INVALID_TEXT_REPRESENTATION;
	error->message = pstrdup("Invalid value.");
	error->detail = pstrdup(_("Values must be separated by white space, not by commas."));
	MemoryContextSwitchTo(oldcxt);
	return RECORD_BAD;
}

static RecordStatus
json_next(RecordReader *self, Record *record)
{
	JsonReader *r = (JsonReader *) self;
	JsonParser *parser = &r->parser;

	record->fields = r->fields;
	MemoryContextReset(r->record_cxt);
	if (r->stopped)
		return RECORD_END;
	leave_record(r);

	if ((r->skip_lines > 0 && !skip_first_lines(r)) ||
		(r->resync && !find_value_line(r)) ||
		(r->skip_line && !skip_rest_of_line(r)) || !find_record(r))
	{
		r->stopped = true;
		return RECORD_END;
	}
	r->rec_line_start = r->line_start;
	r->rec_indent = r->indent;
	r->line_start = false;
	r->any = true;
	r->bare = *r->rec != '{' && *r->rec != '[';

	if (r->by_redshift && *r->rec == ',')
		return fail_comma(r, record);
	if (!parse_record(r))
		return fail_record(r, record);
	if (unlikely(*r->rec != '{' && r->records == RECORDS_OBJECTS &&
				 !(r->takes_arrays && *r->rec == '[')))
		parser->fault = FAULT_NOT_OBJECT;
	else if (unlikely(*r->rec != '[' && r->records == RECORDS_ARRAYS))
		parser->fault = FAULT_NOT_ARRAY;
	else if (unlikely(r->exact_count && parser->top_count > r->ncolumns))
		parser->fault = FAULT_EXTRA_ELEMENTS;
	else if (r->decoder)
		return decode_record(r, record);
	else
		return set_fields(r, r->rec, record);
	parser->fault_start = 0;
	parser->fault_end = parser->pos;
	return fail_record(r, record);
}

static void
json_text(RecordReader *self, const char **data, Size *len)
{
	JsonReader *r = (JsonReader *) self;

	*data = r->rec;
	*len = r->skip_line ? (Size) (r->end - r->rec) :
		Min(Max(r->parser.pos, r->parser.fault_end), (Size) (r->end - r->rec));
	if (r->skip_line && memchr(*data, '\n', *len))
		*len = (const char *) memchr(*data, '\n', *len) - *data;
	while (*len > 0 && json_is_space((*data)[*len - 1]))
		(*len)--;
}

static uint64
json_line(RecordReader *self)
{
	JsonReader *r = (JsonReader *) self;

	/* count no byte twice, however often this is called */
	move_window(r, r->rec, r->rec);
	if (r->by_redshift)
	{
		const char *text;
		Size		len;

		json_text(self, &text, &len);
		return r->win_line + scan_count(text, len, '\n') + 1;
	}
	return r->win_line + 1;
}

static uint64
json_offset(RecordReader *self)
{
	JsonReader *r = (JsonReader *) self;

	return r->win_offset + (r->rec - r->win);
}

static void
json_close(RecordReader *self)
{
	JsonReader *r = (JsonReader *) self;

	MemoryContextDelete(r->cxt);
}

static const RecordReaderOps json_reader_ops = {
	.next = json_next,
	.line = json_line,
	.offset = json_offset,
	.text = json_text,
	.close = json_close
};

RecordReader *
json_reader_create(ByteSource *source, const FormatOptions *options,
				   const RecordColumn *columns, int ncolumns,
				   const RecordStart *start)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw JSON reader",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcxt = MemoryContextSwitchTo(cxt);
	JsonReader *r = palloc0(sizeof(JsonReader));

	r->base.ops = &json_reader_ops;
	r->source = source;
	r->cxt = cxt;
	r->record_cxt = AllocSetContextCreate(cxt, "s3_fdw JSON record",
										  ALLOCSET_SMALL_SIZES);
	r->records = options->records;
	r->ncolumns = ncolumns;
	r->max_record = Min(options->max_record_size, (int64) MaxAllocSize);
	r->max_window = r->max_record + 1;
	r->fields = palloc0(sizeof(RecordField) * Max(ncolumns, 1));
	r->found = &r->parser;
	if (r->records == RECORDS_DYNAMODB)
	{
		r->records = RECORDS_OBJECTS;
		r->decoder = dynamodb_decoder_create();
		r->found = palloc(sizeof(JsonParser));
		json_parser_init(&r->parser, options, NULL, 0);
		json_parser_init(r->found, options, columns, ncolumns);
	}
	else
		json_parser_init(&r->parser, options, columns, ncolumns);

	r->by_redshift = options->redshift.on;
	if (r->by_redshift && start->at_beginning)
		r->skip_lines = options->skip_lines;

	/* paths may leave out what they like, columns in order may not */
	r->exact_count = r->records == RECORDS_ARRAYS && options->extra_fields == RAGGED_ERROR;
	for (int i = 0; i < ncolumns; i++)
	{
		if (columns[i].path)
		{
			r->exact_count = false;
			r->takes_arrays = r->by_redshift;
		}
	}

	/* an empty window, from which the first call goes on to the first piece */
	enlarge_carry(r, 1, 0);
	r->win = r->rec = r->end = r->carry;
	r->piece = r->rest = r->rest_end = r->carry;
	r->in_carry = true;

	/* in the middle of an object, the end of a line tells */
	r->line_start = start->at_beginning;

	MemoryContextSwitchTo(oldcxt);
	return &r->base;
}
