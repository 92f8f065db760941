/*-------------------------------------------------------------------------
 *
 * unit_boundary.c
 *		Cutting objects into stretches, tried on many random inputs.
 *
 * Three things are checked: that stretches' functions are what a plain
 * automaton does, byte by byte; that boundary_next() finds the ends of records
 * that it finds; and that readers of the stretches together return what one
 * reader of the whole does, or that both refuse.
 *
 * IDENTIFICATION
 *		test/unit/unit_boundary.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"
#include "format/boundary.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "unit.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(unit_boundary);
PG_FUNCTION_INFO_V1(unit_boundary_rule);
PG_FUNCTION_INFO_V1(unit_boundary_rate);

#define MAX_INPUT 10100	/* more than two windows of scan.h */

/* ---- The plain automaton ---- */

static int
count_modes(const BoundaryRule *rule)
{
	switch (rule->kind)
	{
		case BOUNDARY_LINES:
			return 1;
		case BOUNDARY_TEXT:
			return 3;
		case BOUNDARY_CSV:
			return rule->escape == rule->quote ? 2 : 3;
		case BOUNDARY_JSON:
			return 4;
	}
	return 0;
}

/* What one byte does; the result says whether it has its special meaning. */
static bool
plain_byte(const BoundaryRule *rule, char c, BoundaryState *state)
{
	bool		in_quote;
	bool		last_was_esc;

	switch (rule->kind)
	{
		case BOUNDARY_LINES:
			return true;
		case BOUNDARY_TEXT:
			if (state->mode == 1)
			{
				state->mode = c == '.' ? 2 : 0;
				return false;
			}
			state->mode = c == '\\' ? 1 : 0;
			return true;
		case BOUNDARY_CSV:

			/* the two flags of COPY */
			in_quote = state->mode != 0;
			last_was_esc = state->mode == 2;
			if (rule->escape != rule->quote && in_quote && c == rule->escape)
				last_was_esc = !last_was_esc;
			if (c == rule->quote && !last_was_esc)
				in_quote = !in_quote;
			if (rule->escape == rule->quote || c != rule->escape)
				last_was_esc = false;
			state->mode = !in_quote ? 0 : last_was_esc ? 2 : 1;
			return !in_quote;
		case BOUNDARY_JSON:
			if (state->mode & 2)
				state->mode &= 1;
			else if (c == '\\')
			{
				state->mode |= 2;
				return false;
			}
			else if (c == '"')
			{
				state->mode ^= 1;
				return false;
			}
			if (state->mode & 1)
				return false;
			if (c == '{' || c == '[')
				state->depth++;
			if (c == '}' || c == ']')
				state->depth--;
			return true;
	}
	return false;
}

static bool
plain_marker(const char *data, Size pos, Size size)
{
	return pos + 2 < size && data[pos] == '\\' && data[pos + 1] == '.' &&
		(data[pos + 2] == '\n' || data[pos + 2] == '\r');
}

/* Go from one byte to another. */
static void
plain_run(const BoundaryRule *rule, const char *data, Size from, Size to, Size size,
		  BoundaryState *state)
{
	for (Size i = from; i < to; i++)
	{
		bool		learn = rule->kind != BOUNDARY_TEXT || state->mode != 2;
		bool		special = plain_byte(rule, data[i], state);
		bool		cr_lf = data[i] == '\r' && i + 1 < size && data[i + 1] == '\n';

		if (!special || (data[i] != '\r' && data[i] != '\n') || rule->kind == BOUNDARY_JSON)
			continue;
		if (!learn && state->line_end == LINE_END_UNKNOWN && rule->header)
			state->ended = true;
		if (learn && state->line_end == LINE_END_UNKNOWN)
			state->line_end = data[i] == '\n' ? LINE_END_LF : cr_lf ? LINE_END_CRLF : LINE_END_CR;
		if (rule->marker && !cr_lf && plain_marker(data, i + 1, size))
			state->ended = true;
	}
}

/* Is there the end of a record right behind each byte? */
static void
plain_ends(const BoundaryRule *rule, const char *data, Size size, bool *ends)
{
	BoundaryState state = {0};

	for (Size i = 0; i < size; i++)
	{
		int64		depth = state.depth;
		bool		learn = rule->kind != BOUNDARY_TEXT || state.mode != 2;
		bool		special;

		special = plain_byte(rule, data[i], &state);
		if (rule->kind == BOUNDARY_JSON)
		{
			ends[i + 1] = state.depth < depth && state.depth <= 0;
			continue;
		}
		ends[i + 1] = false;
		if (!special || (data[i] != '\r' && data[i] != '\n'))
			continue;
		if (learn && state.line_end == LINE_END_UNKNOWN)
			state.line_end = data[i] == '\n' ? LINE_END_LF :
				i + 1 < size && data[i + 1] == '\n' ? LINE_END_CRLF : LINE_END_CR;
		if (state.line_end == LINE_END_UNKNOWN && rule->header)
		{
			/* the header line ends with \., and with it the data */
			memset(ends + i + 1, false, size - i);
			return;
		}
		ends[i + 1] = state.line_end == LINE_END_UNKNOWN ||
			(data[i] == '\r') == (state.line_end == LINE_END_CR);
	}
}

/* ---- Inputs ---- */

static uint64
next_random(uint64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 11;
}

/*
 * Random text: mostly such tokens as make sense, with one kind of line end, and
 * sometimes anything.
 */
static Size
make_input(const BoundaryRule *rule, uint64 *seed, char *out)
{
	static const char *const line_ends[] = {"\n", "\r\n", "\r", "\n"};
	static const char *const json[] = {
		"{\"a\":1}", "{}", "[]", "{\"a\":[1,{\"x\":{}}]}", "[{\"a\":1},{\"a\":2}]", "[1,\"]\"]",
		"{\"a\":\"}\"}", "{\"a\":\"\\\\\"}", "{\"a\":\"\\\"}\"}", " ", "\n", "\r\n",
		"{\"a\":\"\\\\\\\"{\\u0041\"}", "\t"
	};
	static const char *const markers[] = {"\\.", "b", "b\\.", "b", "\n\\.\r", "b"};
	static const char hostile[] = "\"'\\.\r\n{}[],:ab1 \\\"\\";
	const char *line_end = line_ends[next_random(seed) % lengthof(line_ends)];
	Size		size = next_random(seed) % 24;
	int			wild = next_random(seed) % 3 == 0 ? 4 : next_random(seed) % 2 == 0 ? 100 : 100000;
	Size		len = 0;

	if (next_random(seed) % 16 == 0)
		size = next_random(seed) % 512;
	else if (next_random(seed) % 512 == 0)
		size = next_random(seed) % (MAX_INPUT - 200);

	/* let something happen around the borders of blocks */
	if (next_random(seed) % 8 == 0)
	{
		Size		fill = 56 + next_random(seed) % 12;

		memset(out, ' ', fill);
		len = fill;
		size += fill;
		if (rule->kind != BOUNDARY_JSON && next_random(seed) % 2 == 0)
			len += sprintf(out + len, "\\.%s", line_end);
	}
	while (len < size)
	{
		const char *token;
		char		one[2] = {0};

		token = one;
		if (next_random(seed) % wild == 0)
			one[0] = hostile[next_random(seed) % (sizeof(hostile) - 1)];
		else if (rule->kind == BOUNDARY_JSON)
			token = json[next_random(seed) % lengthof(json)];
		else
		{
			switch (next_random(seed) % 16)
			{
				case 0:
				case 1:
				case 2:
				case 3:
					token = line_end;
					break;
				case 4:
				case 5:
				case 6:
					one[0] = rule->kind == BOUNDARY_CSV ? rule->quote : 'q';
					break;
				case 7:
					one[0] = rule->kind == BOUNDARY_CSV ? rule->escape : '\\';
					break;
				case 8:
					one[0] = '\\';
					break;
				case 9:
					one[0] = '.';
					break;
				case 10:
					one[0] = ',';
					break;
				case 11:
					token = markers[next_random(seed) % lengthof(markers)];
					break;
				default:
					one[0] = 'a';
					break;
			}
		}
		memcpy(out + len, token, strlen(token));
		len += strlen(token);
	}
	return len;
}

/* ---- The checks ---- */

typedef struct Trial
{
	BoundaryRule rule;
	FormatOptions options;
	RecordColumn columns[2];
	int			ncolumns;
	uint64		seed;
	char	   *data;			/* with padding */
	Size		size;
	bool		ends[MAX_INPUT + 1];
	MemoryContext cxt;			/* of one case */
	uint64		pieces;
} Trial;

static char *
show(const Trial *t)
{
	StringInfoData out;

	initStringInfo(&out);
	for (Size i = 0; i < t->size; i++)
	{
		unsigned char c = t->data[i];

		if (c == '\n')
			appendStringInfoString(&out, "\\n");
		else if (c == '\r')
			appendStringInfoString(&out, "\\r");
		else if (c == '\\')
			appendStringInfoString(&out, "\\\\");
		else
			appendStringInfoChar(&out, c);
	}
	return out.data;
}

/* A copy of a part, so that reading beyond it is found out by tools. */
static char *
copy_part(const Trial *t, Size from, Size len)
{
	char	   *part = palloc(Max(len, 1));

	memcpy(part, t->data + from, len);
	return part;
}

/* How much is at hand behind a stretch: sometimes no more than must be. */
static Size
choose_ahead(Trial *t, Size behind)
{
	Size		left = t->size - behind;

	return next_random(&t->seed) % 2 ? left : Min(left, BOUNDARY_LOOKAHEAD);
}

/* The function of one stretch, for all modes it may begin in. */
static void
check_summary(Trial *t, Size from, Size to, BoundarySummary *summary)
{
	Size		ahead = choose_ahead(t, to);
	char	   *part = copy_part(t, from, to - from + ahead);
	uint64		lfs = 0;
	uint64		crs = 0;

	boundary_summarize(&t->rule, part, to - from, ahead, from == 0, summary);
	pfree(part);
	for (Size i = from; i < to; i++)
	{
		lfs += t->data[i] == '\n';
		crs += t->data[i] == '\r';
	}
	if (summary->lfs != lfs || summary->crs != crs)
		elog(ERROR, "line ends of [%zu, %zu) of %s", from, to, show(t));
	for (int mode = 0; mode < count_modes(&t->rule); mode++)
	{
		BoundaryState want = {.mode = mode};

		if (from == 0 && t->rule.marker && mode == 0)
			want.ended = plain_marker(t->data, 0, t->size);
		plain_run(&t->rule, t->data, from, to, t->size, &want);
		if (summary->end_mode[mode] != want.mode || summary->depth[mode] != want.depth ||
			(summary->ended[mode] || summary->dotted[mode]) != want.ended ||
			(t->rule.kind != BOUNDARY_JSON && summary->line_end[mode] != want.line_end))
			elog(ERROR, "summary of [%zu, %zu) from mode %d of %s: mode %d, not %d; depth " INT64_FORMAT
				 ", not " INT64_FORMAT "; line end %d, not %d; ended %d, not %d",
				 from, to, mode, show(t), summary->end_mode[mode], want.mode,
				 summary->depth[mode], want.depth, summary->line_end[mode], want.line_end,
				 summary->ended[mode], want.ended);
	}
}

/*
 * The first end of a record behind x, if state is that at x, or the size; looked
 * for in several steps.
 */
static Size
find_end(Trial *t, Size x, BoundaryState *state)
{
	bool		in_steps = next_random(&t->seed) % 2;
	bool		ended = state->ended;
	Size		pos = x;
	Size		want = x + 1;

	while (want <= t->size && (ended || !t->ends[want]))
		want++;
	want = Min(want, t->size);
	while (pos < t->size)
	{
		Size		len = in_steps ? 1 + next_random(&t->seed) % 5 : t->size - pos;
		Size		ahead;
		Size		end;
		bool		found;
		char	   *part;

		len = Min(len, t->size - pos);
		ahead = choose_ahead(t, pos + len);
		part = copy_part(t, pos, len + ahead);
		found = boundary_next(&t->rule, state, part, len, ahead, &end);
		pfree(part);
		if (found)
		{
			if (end == 0 || end > len)
				elog(ERROR, "end %zu of %zu bytes from %zu of %s", end, len, pos, show(t));
			pos += end;
			break;
		}
		pos += len;
	}
	if (pos != want && x < t->size)
		elog(ERROR, "next record behind %zu begins at %zu, not %zu, of %s", x, pos, want, show(t));
	return pos;
}

/*
 * Read a part of the input, adding its records to out.  False if it is refused.
 */
static bool
read_part(Trial *t, Size from, Size to, bool at_beginning, LineEnd line_end, StringInfo out)
{
	RecordStart start = {
		.at_beginning = at_beginning,
		.has_header = at_beginning && t->options.header != HEADER_FALSE,
		.line_end = line_end
	};
	ByteSource *source = unit_source_create(t->data + from, to - from,
											1 + next_random(&t->seed) % 40);
	RecordReader *reader = record_reader_create(source, &t->options, t->columns, t->ncolumns,
												&start);
	Record		record;
	RecordStatus status;
	bool		ok = true;

	while (ok && (status = record_reader_next(reader, &record)) != RECORD_END)
	{
		if (status == RECORD_BAD)
		{
			/* one that is bad in itself is a record all the same */
			ok = !record.error.fatal && t->rule.kind != BOUNDARY_JSON;
			appendStringInfo(out, "%s;", ok ? "bad" : record.error.message);
			continue;
		}
		for (int i = 0; i < t->ncolumns; i++)
		{
			const RecordField *field = &record.fields[i];

			if (field->data == NULL)
				appendStringInfo(out, "null%c", field->len == 0 ? ',' : 'D');
			else
			{
				appendStringInfo(out, "%zu:", field->len);
				appendBinaryStringInfo(out, field->data, field->len);
			}
		}
		appendStringInfoChar(out, ';');
	}
	record_reader_close(reader);
	byte_source_close(source);
	return ok;
}

/*
 * Cut at all positions "step" apart, or at random ones if it is 0; true if the
 * input is accepted.
 */
static void
check_cuts(Trial *t, Size step, bool read, bool whole_ok, const StringInfo whole)
{
	Size		max_len = next_random(&t->seed) % 2 ? 90 : t->size + 1;
	BoundaryState state;
	Size		from = 0;
	Size		begin = 0;		/* S(from) */
	LineEnd		line_end = LINE_END_UNKNOWN;
	bool		nothing = false;	/* the marker is at S(from) */
	bool		ok = true;
	StringInfoData out;

	initStringInfo(&out);
	boundary_begin(&state);
	while (from < t->size)
	{
		Size		len = step ? step : 1 + next_random(&t->seed) % max_len;
		Size		to = Min(t->size, from + len);
		BoundarySummary summary;
		BoundaryState want = {0};
		BoundaryState behind;
		Size		end;

		/* the state at the end, by composition and from the beginning */
		check_summary(t, from, to, &summary);
		boundary_apply(&summary, &state);
		if (t->rule.marker)
			want.ended = plain_marker(t->data, 0, t->size);
		plain_run(&t->rule, t->data, 0, to, t->size, &want);
		if (state.mode != want.mode || state.depth != want.depth || state.ended != want.ended ||
			(t->rule.kind != BOUNDARY_JSON && state.line_end != want.line_end))
			elog(ERROR, "state at %zu of %s", to, show(t));

		behind = state;
		end = find_end(t, to, &behind);

		/* a marker may be left to its reader, or not */
		if (read && begin < end && !(nothing && next_random(&t->seed) % 2))
		{
			ok &= read_part(t, begin, end, begin == 0, line_end, &out);
			t->pieces++;
		}
		from = to;
		begin = end;
		line_end = behind.line_end;
		nothing = behind.ended;
	}
	if (!read)
		return;
	if (begin != t->size && t->size > 0)
		elog(ERROR, "%zu bytes of %s are left", t->size - begin, show(t));
	if (ok != whole_ok || (ok && strcmp(out.data, whole->data) != 0))
		elog(ERROR, "in stretches of %zu \"%s\", as a whole \"%s\": %s", step, out.data, whole->data,
			 show(t));
}

static char *
string_arg(FunctionCallInfo fcinfo, int argno)
{
	return PG_ARGISNULL(argno) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(argno));
}

static void
make_options(FunctionCallInfo fcinfo, FormatOptions *options)
{
	char	   *format = string_arg(fcinfo, 0);
	char	   *records = string_arg(fcinfo, 3);

	memset(options, 0, sizeof(FormatOptions));
	options->encoding = -1;
	options->max_record_size = MaxAllocSize;
	options->quote = string_arg(fcinfo, 1);
	options->escape = string_arg(fcinfo, 2);
	options->delimiter = ",";
	options->null = "";
	if (strcmp(format, "csv") == 0)
		options->format = FORMAT_CSV;
	else if (strcmp(format, "text") == 0)
	{
		options->format = FORMAT_TEXT;
		options->null = "\\N";
	}
	else if (strcmp(format, "fixedwidth") == 0)
	{
		options->format = FORMAT_FIXEDWIDTH;
		options->fixedwidth = "a:1,b:2";
	}
	else
		options->format = FORMAT_JSON;
	options->header = strcmp(records, "header") == 0 ? HEADER_TRUE :
		strcmp(records, "header first") == 0 ? HEADER_FIRST : HEADER_FALSE;
	options->records = strcmp(records, "objects") == 0 ? RECORDS_OBJECTS :
		strcmp(records, "arrays") == 0 ? RECORDS_ARRAYS :
		strcmp(records, "values") == 0 ? RECORDS_VALUES : RECORDS_DOCUMENT;
}

/*
 * unit_boundary(format, quote, escape, records text, seed int, cases int, read
 * bool): text, how many cases there were, how many of them were accepted as a
 * whole and how many parts were read.  Any difference is an error.  Lines have
 * a header if records says so.
 */
Datum
unit_boundary(PG_FUNCTION_ARGS)
{
	int			cases = PG_GETARG_INT32(5);
	bool		read = PG_GETARG_BOOL(6);
	int			accepted = 0;
	Trial	   *t = palloc0(sizeof(Trial));

	make_options(fcinfo, &t->options);
	if (!boundary_rule(&t->options, &t->rule))
		elog(ERROR, "there is no rule");
	t->seed = (uint64) PG_GETARG_INT32(4) * UINT64CONST(0x9e3779b97f4a7c15) + 1;
	t->data = palloc0(MAX_INPUT + STREAM_PADDING);
	t->columns[0].name = "a";
	t->columns[1].name = "b";
	for (int i = 0; i < (int) lengthof(t->columns); i++)
		t->columns[i].needed = true;
	t->cxt = AllocSetContextCreate(CurrentMemoryContext, "case", ALLOCSET_DEFAULT_SIZES);

	for (int i = 0; i < cases; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(t->cxt);
		StringInfoData whole;
		bool		ok = false;

		CHECK_FOR_INTERRUPTS();
		t->ncolumns = t->rule.kind == BOUNDARY_LINES ? 2 : 1 + i % 2;
		t->size = make_input(&t->rule, &t->seed, t->data);
		memset(t->data + t->size, '\\', STREAM_PADDING);
		plain_ends(&t->rule, t->data, t->size, t->ends);
		initStringInfo(&whole);
		if (read)
			ok = read_part(t, 0, t->size, true, LINE_END_UNKNOWN, &whole);
		accepted += ok;
		for (Size step = 0; step <= (t->size < 32 ? 8 : t->size < 700 ? 2 : 0); step++)
			check_cuts(t, step, read, ok, &whole);
		MemoryContextSwitchTo(old);
		MemoryContextReset(t->cxt);
	}
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%d cases, %d accepted, " UINT64_FORMAT " parts", cases,
											  accepted, t->pieces)));
}

/*
 * unit_boundary_rule(format, quote, escape, records text, skip_lines int,
 * comment text, bom bool): the rule, or null.
 */
Datum
unit_boundary_rule(PG_FUNCTION_ARGS)
{
	static const char *const kinds[] = {"lines", "text", "csv", "json"};
	FormatOptions options;
	BoundaryRule rule;

	make_options(fcinfo, &options);
	options.skip_lines = PG_GETARG_INT32(4);
	options.comment = string_arg(fcinfo, 5);
	if (PG_GETARG_BOOL(6))
		options.encoding = S3_ENCODING_UTF8_BOM;
	if (!boundary_rule(&options, &rule))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s%s%s%s", kinds[rule.kind], rule.marker ? " marker" : "",
											  rule.header ? " header" : "",
											  rule.bom ? " bom" : "")));
}

/*
 * unit_boundary_rate(format, quote, escape, records text, block text, megabytes
 * int): text, how fast repetitions of block are summarized, and how fast they
 * are searched for an end that never comes.
 */
Datum
unit_boundary_rate(PG_FUNCTION_ARGS)
{
	FormatOptions options;
	BoundaryRule rule;
	BoundarySummary summary;
	BoundaryState state;
	char	   *block = string_arg(fcinfo, 4);
	Size		block_len = strlen(block);
	Size		len = (Size) 16 * 1024 * 1024 / block_len * block_len;
	uint64		rounds = (uint64) PG_GETARG_INT32(5) * 1000000 / len + 1;
	char	   *data = palloc(len);
	Size		end;
	instr_time	start;
	instr_time	middle;
	instr_time	stop;

	make_options(fcinfo, &options);
	if (!boundary_rule(&options, &rule))
		elog(ERROR, "there is no rule");
	for (Size i = 0; i < len; i += block_len)
		memcpy(data + i, block, block_len);

	INSTR_TIME_SET_CURRENT(start);
	for (uint64 i = 0; i < rounds; i++)
		boundary_summarize(&rule, data, len, 0, false, &summary);
	INSTR_TIME_SET_CURRENT(middle);
	for (uint64 i = 0; i < rounds; i++)
	{
		boundary_begin(&state);
		state.depth = PG_INT64_MAX / 2;
		boundary_next(&rule, &state, data, len, 0, &end);
	}
	INSTR_TIME_SET_CURRENT(stop);
	INSTR_TIME_SUBTRACT(stop, middle);
	INSTR_TIME_SUBTRACT(middle, start);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("summary %.2f GB/s, search %.2f GB/s",
											  rounds * len / INSTR_TIME_GET_DOUBLE(middle) / 1e9,
											  rounds * len / INSTR_TIME_GET_DOUBLE(stop) / 1e9)));
}
