/*-------------------------------------------------------------------------
 *
 * sample.c
 *		Whole records in the middle of an object whose beginning is not read.
 *
 * Above: analyze.c.  Below: the rule where records end in format/boundary.c,
 * and record readers.
 *
 * What a byte means follows from all bytes before it, of which a sample has
 * none.  But few states are possible, and all but the right one make little
 * sense of the bytes: each is tried, the records are read without their values,
 * and the state whose records are good is taken.  If none is good, or a record
 * does not end within the range, the caller has to read from the object's
 * beginning, where the state is known.  So a wrong state costs accuracy, and
 * takes bytes that are nonsense nearly everywhere to be chosen.
 *
 * IDENTIFICATION
 *		src/fdw/sample.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fdw/sample.h"
#include "utils/memutils.h"

/* The share of good records from which on a state is believed. */
#define ENOUGH_GOOD 0.9

/* Lines with which a value of JSON may begin that are tried. */
#define MAX_JSON_TRIES 4

/* modes of CSV, as a range may begin */
#define OUTSIDE_QUOTES 0
#define INSIDE_QUOTES 1

typedef struct Slice
{
	Size		first;
	Size		last;
	double		good;			/* share of records; 0: there is none */
} Slice;

/* ------------------------------------------------------------- bytes in memory */

typedef struct BytesSource
{
	ByteSource	base;
	const char *data;
	Size		len;			/* not handed out yet */
} BytesSource;

static bool
bytes_next(ByteSource *self, const char **data, Size *len)
{
	BytesSource *source = (BytesSource *) self;

	*data = source->data;
	*len = source->len;
	source->len = 0;
	return *len > 0;
}

static void
bytes_close(ByteSource *self)
{
}

static const ByteSourceOps bytes_ops = {
	.next = bytes_next,
	.close = bytes_close
};

ByteSource *
sample_source_create(const char *data, Size len)
{
	BytesSource *source = palloc(sizeof(BytesSource));

	source->base.ops = &bytes_ops;
	source->data = data;
	source->len = len;
	return &source->base;
}

/* ----------------------------------------------------------------------- states */

/*
 * Where to begin to look: the meaning of the first byte is unknown, and so is
 * that of escapes and quotes before which others may stand.
 */
static Size
skip_doubtful(const BoundaryRule *rule, const char *data, Size len)
{
	Size		i = 0;

	if (rule->kind == BOUNDARY_TEXT || rule->kind == BOUNDARY_CSV)
	{
		while (i < len && (rule->kind == BOUNDARY_TEXT ? data[i] == '\\' :
						   data[i] == rule->quote || data[i] == rule->escape))
			i++;
	}
	return Min(i + 1, len);
}

/* The state at data[pos], moved on to the first end of a record; false if none. */
static bool
to_next_record(const BoundaryRule *rule, BoundaryState *state, const char *data, Size len,
			   bool at_end, Size *pos)
{
	Size		left = len - *pos;
	Size		ahead = at_end ? 0 : Min(left, BOUNDARY_LOOKAHEAD);
	Size		end;

	if (!boundary_next(rule, state, data + *pos, left - ahead, ahead, &end))
		return false;
	*pos += end;
	return true;
}

/* Read the records from slice->first on, for slice->last and slice->good. */
static void
try_slice(const SampleFormat *format, BoundaryState *state, const char *data, Size len,
		  bool at_end, Slice *slice)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw sample",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	RecordColumn *columns = palloc(sizeof(RecordColumn) * Max(format->ncolumns, 1));
	RecordReader *reader;
	Record		record;
	RecordStatus status;
	int64		good = 0;
	int64		bad = 0;

	slice->last = slice->first;
	while (slice->last < len &&
		   to_next_record(&format->rule, state, data, len, at_end, &slice->last))
		;
	if (at_end && !state->ended)
		slice->last = len;

	/* How records are built is looked at, not what is in them. */
	for (int i = 0; i < format->ncolumns; i++)
	{
		columns[i] = format->columns[i];
		columns[i].needed = false;
	}
	reader = record_reader_create(sample_source_create(data + slice->first,
													   slice->last - slice->first),
								  format->options, columns, format->ncolumns, format->start);
	while ((status = record_reader_next(reader, &record)) != RECORD_END)
	{
		if (status == RECORD_OK)
			good++;
		else
			bad++;
		if (status == RECORD_BAD && record.error.fatal)
			break;
	}
	record_reader_close(reader);
	slice->good = good > 0 ? (double) good / (good + bad) : 0;
	MemoryContextSwitchTo(save);
	MemoryContextDelete(cxt);
}

/*
 * The share of the opening quotes with which a field begins.  COPY takes others
 * too, but nobody writes them.
 */
static double
fitting_quotes(const SampleFormat *format, const char *data, const Slice *slice)
{
	const char *delimiter = format->options->delimiter;
	char		before = delimiter[strlen(delimiter) - 1];
	bool		inside = false;
	int64		fit = 0;
	int64		all = 0;

	for (Size i = slice->first; i < slice->last; i++)
	{
		if (inside && data[i] == format->rule.escape && format->rule.escape != format->rule.quote)
			i++;
		else if (data[i] == format->rule.quote)
		{
			inside = !inside;
			if (inside)
			{
				all++;
				fit += i == slice->first || data[i - 1] == before ||
					data[i - 1] == '\n' || data[i - 1] == '\r' ||
					data[i - 1] == format->rule.quote;
			}
		}
	}
	return all > 0 ? (double) fit / all : 1;
}

static bool
find_lines(const SampleFormat *format, const char *data, Size len, bool at_end, Slice *best)
{
	int			nmodes = format->rule.kind == BOUNDARY_CSV ? INSIDE_QUOTES + 1 : 1;
	Size		begin = skip_doubtful(&format->rule, data, len);
	double		best_score = 0;

	for (int mode = OUTSIDE_QUOTES; mode < nmodes; mode++)
	{
		BoundaryState state;
		Slice		slice = {.first = begin};
		double		score;

		boundary_begin(&state);
		state.mode = mode;
		if (!to_next_record(&format->rule, &state, data, len, at_end, &slice.first))
			continue;
		try_slice(format, &state, data, len, at_end, &slice);
		if (slice.good < ENOUGH_GOOD)
			continue;
		score = slice.good;
		if (format->rule.kind == BOUNDARY_CSV)
			score *= fitting_quotes(format, data, &slice);
		if (score > best_score)
		{
			best_score = score;
			*best = slice;
		}
	}
	return best_score > 0;
}

/*
 * Files of several values have each begin on a line of its own; line feeds are
 * never within strings.
 */
static bool
find_json(const SampleFormat *format, const char *data, Size len, bool at_end, Slice *best)
{
	char		opening = format->options->records == RECORDS_ARRAYS ? '[' : '{';
	const char *at = data;
	const char *end = data + len;

	for (int tries = 0; tries < MAX_JSON_TRIES;)
	{
		BoundaryState state;
		Slice		slice;

		at = memchr(at, '\n', end - at);
		if (at == NULL || ++at == end)
			return false;
		if (*at != opening)
			continue;
		tries++;
		boundary_begin(&state);
		slice.first = at - data;
		try_slice(format, &state, data, len, at_end, &slice);
		if (slice.good >= ENOUGH_GOOD)
		{
			*best = slice;
			return true;
		}
	}
	return false;
}

bool
sample_find_records(const SampleFormat *format, const char *data, Size len, bool at_end,
					Size *first, Size *last)
{
	Slice		slice = {0};
	bool		found;

	if (format->rule.kind == BOUNDARY_JSON)
		found = find_json(format, data, len, at_end, &slice);
	else
		found = find_lines(format, data, len, at_end, &slice);
	*first = slice.first;
	*last = slice.last;
	return found && slice.first < slice.last;
}
