/*-------------------------------------------------------------------------
 *
 * boundary.c
 *		Where records begin in the middle of an object.
 *
 * Modes, that is, what must be known of the bytes before:
 *
 *	CSV		outside quotes, inside them, and inside right behind an escape; the
 *			last only if the escape is not the quote, else every quote toggles
 *	TEXT	whether a backslash has just taken away the next byte's meaning, or
 *			there has been \., behind which a line end tells nothing of others
 *	LINES	nothing
 *
 * and of JSON in boundary_json.c.
 *
 * A stretch is looked at once for all modes.  Starting inside instead of
 * outside quotes inverts what is inside up to the end.  Starting behind a
 * backslash matters only up to the first byte that is none, or the next; up to
 * there the modes are followed one by one, behind it all together.
 *
 * Which line ends count depends on the first one of the object, which a stretch
 * does not know.  For its function, any unquoted line end is taken for the end
 * of a line that a marker may follow, and any for the end of the marker's line:
 * a reader that meets one of the wrong kind refuses the object, so ending there
 * conceals nothing.  boundary_next() knows the kind and is exact, so that
 * whoever begins at such a place does read it.
 *
 * IDENTIFICATION
 *		src/format/boundary.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "format/boundary.h"
#include "format/boundary_block.h"

/* modes of CSV */
#define CSV_OUT			0
#define CSV_IN			1
#define CSV_IN_ESCAPED	2
#define CSV_MODES		3

/* modes of TEXT, other than 0 */
#define TEXT_ESCAPED	1
#define TEXT_AFTER_DOT	2
#define TEXT_MODES		3

/* ---- Line ends and the marker ---- */

static inline bool
is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

/* What kind the line end at data[pos] is; total bytes are at hand. */
static inline LineEnd
line_end_at(const char *data, Size pos, Size total)
{
	if (data[pos] == '\n')
		return LINE_END_LF;
	return pos + 1 < total && data[pos + 1] == '\n' ? LINE_END_CRLF : LINE_END_CR;
}

/*
 * Does the line at data[pos] hold only the marker?  A marker with which the
 * object ends is none, as nothing is behind it; what it is, is left to its
 * reader.
 */
static inline bool
marker_at(const char *data, Size pos, Size total)
{
	return total > pos && total - pos > 2 && data[pos] == '\\' && data[pos + 1] == '.' &&
		is_line_end(data[pos + 2]);
}

/* The same if it is known how lines end. */
static bool
marker_at_exactly(const char *data, Size pos, Size total, LineEnd line_end)
{
	if (!marker_at(data, pos, total))
		return false;
	switch (line_end)
	{
		case LINE_END_UNKNOWN:
			return true;
		case LINE_END_LF:
			return data[pos + 2] == '\n';
		case LINE_END_CR:
			return data[pos + 2] == '\r';
		case LINE_END_CRLF:
			return data[pos + 2] == '\r' && total - pos > 3 && data[pos + 3] == '\n';
	}
	pg_unreachable();
}

/*
 * An unquoted line end is at data[pos].  If it is unknown how lines end, learn
 * it here, unless this one is an exception.  Tell whether a record ends.
 */
static inline bool
ends_record(BoundaryState *state, bool learn, const char *data, Size pos, Size total)
{
	if (state->line_end == LINE_END_UNKNOWN)
	{
		if (!learn)
			return true;
		state->line_end = line_end_at(data, pos, total);
	}
	return data[pos] == (state->line_end == LINE_END_CR ? '\r' : '\n');
}

/* ---- Summaries of lines ---- */

static void
summarize_lines(const char *data, Size len, Size total, BoundarySummary *summary)
{
	const char *lf = memchr(data, '\n', len);
	const char *cr = memchr(data, '\r', lf ? (Size) (lf - data) : len);

	if (cr || lf)
		summary->line_end[0] = line_end_at(data, (cr ? cr : lf) - data, total);
	summary->lfs = scan_count(data, len, '\n');
	summary->crs = scan_count(data, len, '\r');
}

/* Of a block's unquoted line ends, the first one may be the first of all. */
static inline void
first_line_end(uint64 ends, const char *data, Size block, Size total, uint8 *line_end)
{
	if (*line_end == LINE_END_UNKNOWN && ends != 0)
		*line_end = line_end_at(data, block + pg_rightmost_one_pos64(ends), total);
}

/* Whether at one of the set bits of a block there is a marker. */
static bool
any_marker(uint64 candidates, const char *data, Size block, Size total)
{
	for (; candidates != 0; candidates &= candidates - 1)
	{
		if (marker_at(data, block + pg_rightmost_one_pos64(candidates), total))
			return true;
	}
	return false;
}

/* One byte; the result says whether it has its own meaning. */
static inline bool
text_step(char c, uint8 *mode)
{
	bool		escaped = *mode == TEXT_ESCAPED;

	if (escaped)
		*mode = c == '.' ? TEXT_AFTER_DOT : 0;
	else
		*mode = c == '\\' ? TEXT_ESCAPED : 0;
	return !escaped;
}

/*
 * Before version 18, COPY takes a \. behind other data for the end of that
 * line, and reads on.  It consumes the line end, but does not learn from it.
 * Behind a header line, however, it does not read on.
 */
static void
summarize_text(const char *data, Size len, Size total, BoundarySummary *summary)
{
	ScanFunction scan = scan_choose();
	ScanMasks	masks;
	char		tail[SCAN_BLOCK];
	Size		start = 0;
	Size		n;
	uint64		escape_next;
	uint64		after_dot = 0;
	uint64		after_end = 0;
	uint8		line_end = LINE_END_UNKNOWN;
	bool		ended = false;
	bool		dotted = false;

	/*
	 * Up to the first byte that is no backslash it matters whether the first
	 * one is escaped, and at the next whether that was a dot.
	 */
	while (start < len && data[start] == '\\')
		start++;
	start = Min(start + 2, len);
	for (int mode = 0; mode < TEXT_MODES; mode++)
	{
		for (Size i = 0; i < start; i++)
		{
			bool		learn = summary->end_mode[mode] != TEXT_AFTER_DOT;

			if (!text_step(data[i], &summary->end_mode[mode]) || !is_line_end(data[i]))
				continue;
			if (summary->line_end[mode] == LINE_END_UNKNOWN)
			{
				if (learn)
					summary->line_end[mode] = line_end_at(data, i, total);
				else
					summary->dotted[mode] = true;
			}
			summary->ended[mode] |= marker_at(data, i + 1, total);
		}
	}
	summary->lfs = scan_count(data, start, '\n');
	summary->crs = scan_count(data, start, '\r');
	if (start == len)
		return;

	escape_next = summary->end_mode[0] == TEXT_ESCAPED;
	for (Size pos = start; pos < len; pos += n)
	{
		const char *text = next_blocks(data, pos, len, SCAN_WINDOW, tail, &n);

		scan(text, n, '.', '\\', &masks);
		summary->lfs += masks.lfs;
		summary->crs += masks.crs;
		for (int b = 0; (Size) b * SCAN_BLOCK < n; b++)
		{
			Size		block = pos + b * SCAN_BLOCK;
			uint64		escaped = escaped_bytes(masks.quote[b], &escape_next);
			uint64		ends = (masks.cr[b] | masks.lf[b]) & ~escaped;
			uint64		dots = masks.delimiter[b] & escaped;
			uint64		candidates = masks.quote[b] & (ends << 1 | after_end);

			if (line_end == LINE_END_UNKNOWN && ends != 0)
			{
				uint64		behind_dots = dots << 1 | after_dot;

				dotted |= (ends & (UINT64CONST(0) - ends) & behind_dots) != 0;
				first_line_end(ends & ~behind_dots, data, block, total, &line_end);
			}
			if (unlikely(candidates != 0))
				ended |= any_marker(candidates, data, block, total);

			/* what is carried on is that of the last byte */
			after_end = ends >> 63;
			after_dot = dots >> 63;
			if (n < SCAN_BLOCK)
			{
				escape_next = escaped >> n & 1;
				after_end = ends >> (n - 1) & 1;
				after_dot = dots >> (n - 1) & 1;
			}
		}
	}
	if (after_end)
		ended |= marker_at(data, len, total);
	for (int mode = 0; mode < TEXT_MODES; mode++)
	{
		summary->end_mode[mode] = escape_next ? TEXT_ESCAPED : after_dot ? TEXT_AFTER_DOT : 0;
		if (summary->line_end[mode] == LINE_END_UNKNOWN)
		{
			summary->line_end[mode] = line_end;
			summary->dotted[mode] |= dotted;
		}
		summary->ended[mode] |= ended;
	}
}

/* CSV whose escape is the quote: only the number of quotes matters. */
static void
summarize_csv(const BoundaryRule *rule, const char *data, Size len, Size total,
			  BoundarySummary *summary)
{
	ScanFunction scan = scan_choose();
	ScanMasks	masks;
	char		tail[SCAN_BLOCK];
	Size		n;
	uint64		outside_first = 0;	/* all ones if inside, having begun outside */
	uint64		after_end = 0;
	uint64		marker = rule->marker ? ~UINT64CONST(0) : 0;
	uint64		want[2] = {~UINT64CONST(0), ~UINT64CONST(0)};

	for (Size pos = 0; pos < len; pos += n)
	{
		const char *text = next_blocks(data, pos, len, SCAN_WINDOW, tail, &n);

		scan(text, n, '\\', rule->quote, &masks);
		summary->lfs += masks.lfs;
		summary->crs += masks.crs;
		for (int b = 0; (Size) b * SCAN_BLOCK < n; b++)
		{
			Size		block = pos + b * SCAN_BLOCK;
			uint64		inside = masks.parity[b] ^ outside_first;
			uint64		ends = masks.cr[b] | masks.lf[b];
			uint64		candidates = masks.delimiter[b] & (ends << 1 | after_end) & marker;

			if (unlikely((ends & ~inside & want[CSV_OUT]) | (ends & inside & want[CSV_IN])))
			{
				first_line_end(ends & ~inside, data, block, total, &summary->line_end[CSV_OUT]);
				first_line_end(ends & inside, data, block, total, &summary->line_end[CSV_IN]);
				for (int mode = 0; mode < 2; mode++)
				{
					if (summary->line_end[mode] != LINE_END_UNKNOWN)
						want[mode] = 0;
				}
			}
			if (unlikely(candidates != 0))
			{
				summary->ended[CSV_OUT] |= any_marker(candidates & ~inside, data, block, total);
				summary->ended[CSV_IN] |= any_marker(candidates & inside, data, block, total);
			}
			after_end = ends >> 63;
			outside_first = UINT64CONST(0) - (inside >> 63);
		}
	}
	summary->end_mode[CSV_OUT] = outside_first ? CSV_IN : CSV_OUT;
	summary->end_mode[CSV_IN] = outside_first ? CSV_OUT : CSV_IN;
}

/* CSV modes behind a byte that is the quote, the escape or neither. */
typedef enum CsvByte
{
	CSV_BYTE_QUOTE,
	CSV_BYTE_ESCAPE,
	CSV_BYTE_OTHER
} CsvByte;

static const uint8 csv_step[][CSV_MODES] = {
	[CSV_BYTE_QUOTE] = {CSV_IN, CSV_OUT, CSV_IN},
	[CSV_BYTE_ESCAPE] = {CSV_OUT, CSV_IN_ESCAPED, CSV_IN},
	[CSV_BYTE_OTHER] = {CSV_OUT, CSV_IN, CSV_IN}
};

/* CSV whose escape is not the quote: go from special byte to special byte. */
static void
summarize_csv_escape(const BoundaryRule *rule, const char *data, Size len, Size total,
					 BoundarySummary *summary)
{
	ScanFunction scan = scan_choose();
	ScanMasks	masks;
	char		tail[SCAN_BLOCK];
	Size		n;
	Size		next = 0;		/* behind the last special byte */
	uint64		after_end = 0;
	uint8	   *modes = summary->end_mode;

	for (Size pos = 0; pos < len; pos += n)
	{
		const char *text = next_blocks(data, pos, len, SCAN_WINDOW, tail, &n);

		scan(text, n, rule->escape, rule->quote, &masks);
		summary->lfs += masks.lfs;
		summary->crs += masks.crs;
		for (int b = 0; (Size) b * SCAN_BLOCK < n; b++)
		{
			Size		block = pos + b * SCAN_BLOCK;
			uint64		quotes = masks.quote[b];
			uint64		ends = masks.cr[b] | masks.lf[b];
			uint64		after_ends = ends << 1 | after_end;
			uint64		special = quotes | masks.delimiter[b];
			bool		want_ends = false;

			after_end = ends >> 63;
			if (n < SCAN_BLOCK)
				after_ends &= (UINT64CONST(1) << n) - 1;
			if (rule->marker)
			{
				for (uint64 rest = after_ends; rest != 0; rest &= rest - 1)
				{
					int			i = pg_rightmost_one_pos64(rest);

					if (data[block + i] == '\\')
						special |= UINT64CONST(1) << i;
				}
			}
			for (int mode = 0; mode < CSV_MODES; mode++)
			{
				if (summary->line_end[mode] == LINE_END_UNKNOWN &&
					(modes[mode] == CSV_OUT || quotes != 0))
					want_ends = true;
			}
			if (want_ends)
				special |= ends;

			for (; special != 0; special &= special - 1)
			{
				int			i = pg_rightmost_one_pos64(special);
				Size		at = block + i;
				bool		marker = rule->marker && (after_ends >> i & 1) &&
					marker_at(data, at, total);
				CsvByte		byte = data[at] == rule->quote ? CSV_BYTE_QUOTE :
					data[at] == rule->escape ? CSV_BYTE_ESCAPE : CSV_BYTE_OTHER;

				for (int mode = 0; mode < CSV_MODES; mode++)
				{
					uint8		now = modes[mode];

					if (at != next)
						now = csv_step[CSV_BYTE_OTHER][now];
					if (now == CSV_OUT)
					{
						if (marker)
							summary->ended[mode] = true;
						if (is_line_end(data[at]) &&
							summary->line_end[mode] == LINE_END_UNKNOWN)
							summary->line_end[mode] = line_end_at(data, at, total);
					}
					modes[mode] = csv_step[byte][now];
				}
				next = at + 1;
			}
		}
	}
	for (int mode = 0; mode < CSV_MODES; mode++)
	{
		if (next != len)
			modes[mode] = csv_step[CSV_BYTE_OTHER][modes[mode]];
	}
}

/* ---- Records of lines ---- */

static bool
next_line(const BoundaryRule *rule, BoundaryState *state, const char *data, Size len,
		  Size total, Size *end)
{
	bool		escapes = rule->kind == BOUNDARY_CSV && rule->escape != rule->quote;
	uint8		mode = state->mode;

	for (Size i = 0; i < len; i++)
	{
		char		c = data[i];
		bool		learn = true;

		switch (rule->kind)
		{
			case BOUNDARY_CSV:
				if (c == rule->quote)
					mode = csv_step[CSV_BYTE_QUOTE][mode];
				else if (escapes && c == rule->escape)
					mode = csv_step[CSV_BYTE_ESCAPE][mode];
				else
					mode = csv_step[CSV_BYTE_OTHER][mode];
				if (mode != CSV_OUT)
					continue;
				break;
			case BOUNDARY_TEXT:
				learn = mode != TEXT_AFTER_DOT;
				if (!text_step(c, &mode))
					continue;
				break;
			default:
				break;
		}
		if (!is_line_end(c))
			continue;
		if (!learn && state->line_end == LINE_END_UNKNOWN && rule->header)
		{
			state->ended = true;
			break;
		}
		if (ends_record(state, learn, data, i, total))
		{
			*end = i + 1;
			state->mode = mode;
			state->ended = rule->marker &&
				marker_at_exactly(data, i + 1, total, state->line_end);
			return true;
		}
	}
	state->mode = mode;
	return false;
}

/* ---- All kinds ---- */

bool
boundary_rule(const FormatOptions *options, BoundaryRule *rule)
{
	memset(rule, 0, sizeof(BoundaryRule));

	/* In lines that are passed over, a quote means nothing. */
	if (options->format != FORMAT_JSON && (options->skip_lines > 0 || options->comment != NULL))
		return false;

	/* Where a record ends there depends on how many fields it has. */
	if (options->tolerant || options->redshift.on)
		return false;

	rule->bom = options->encoding == S3_ENCODING_UTF8_BOM;
	switch ((FileFormat) options->format)
	{
		case FORMAT_CSV:
			rule->kind = BOUNDARY_CSV;
			rule->quote = options->quote[0];
			rule->escape = options->escape ? options->escape[0] : rule->quote;
			rule->marker = CSV_BACKSLASH_DOT_ENDS_FILE;

			/* whether a marker can begin with a quote need not be known */
			return !(rule->marker && rule->quote == '\\');
		case FORMAT_TEXT:
			rule->kind = BOUNDARY_TEXT;
			rule->marker = true;
			rule->header = options->header != HEADER_FALSE;

			/* what a \. in the first line means differs between objects */
			return options->header != HEADER_FIRST || TEXT_MARKER_IS_ALONE;
		case FORMAT_FIXEDWIDTH:
			rule->kind = BOUNDARY_LINES;
			return true;
		case FORMAT_JSON:
			rule->kind = BOUNDARY_JSON;
			return options->records == RECORDS_OBJECTS || options->records == RECORDS_ARRAYS ||
				options->records == RECORDS_DYNAMODB;
	}
	pg_unreachable();
}

void
boundary_begin(BoundaryState *state)
{
	memset(state, 0, sizeof(BoundaryState));
}

void
boundary_summarize(const BoundaryRule *rule, const char *data, Size len, Size ahead,
				   bool at_beginning, BoundarySummary *summary)
{
	Size		total = len + ahead;

	memset(summary, 0, sizeof(BoundarySummary));
	for (int mode = 0; mode < BOUNDARY_MODES; mode++)
		summary->end_mode[mode] = mode;
	switch (rule->kind)
	{
		case BOUNDARY_LINES:
			summarize_lines(data, len, total, summary);
			break;
		case BOUNDARY_TEXT:
			summarize_text(data, len, total, summary);
			if (!rule->header)
				memset(summary->dotted, 0, sizeof(summary->dotted));
			break;
		case BOUNDARY_CSV:
			if (rule->escape == rule->quote)
				summarize_csv(rule, data, len, total, summary);
			else
				summarize_csv_escape(rule, data, len, total, summary);

			/* the marker may begin where the stretch ends */
			if (rule->marker && len > 0 && is_line_end(data[len - 1]) &&
				marker_at(data, len, total))
			{
				for (int mode = 0; mode < CSV_MODES; mode++)
					summary->ended[mode] |= summary->end_mode[mode] == CSV_OUT;
			}
			break;
		case BOUNDARY_JSON:
			boundary_summarize_json(data, len, summary);
			break;
	}

	if (at_beginning && rule->marker)
	{
		bool		bom = rule->bom && total >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0;

		summary->ended[0] |= marker_at(data, bom ? 3 : 0, total);
	}
}

void
boundary_apply(const BoundarySummary *summary, BoundaryState *state)
{
	uint8		mode = state->mode;

	state->mode = summary->end_mode[mode];
	if (state->line_end == LINE_END_UNKNOWN)
	{
		state->line_end = summary->line_end[mode];
		state->ended |= summary->dotted[mode];
	}
	state->ended |= summary->ended[mode];
	state->depth += summary->depth[mode];
}

bool
boundary_next(const BoundaryRule *rule, BoundaryState *state, const char *data, Size len,
			  Size ahead, Size *end)
{
	if (state->ended)
		return false;
	if (rule->kind == BOUNDARY_JSON)
		return boundary_next_json(state, data, len, end);
	return next_line(rule, state, data, len, len + ahead, end);
}
