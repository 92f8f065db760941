/*-------------------------------------------------------------------------
 *
 * delimited_piece.c
 *		The pieces of delimited text, window by window; lines passed over.
 *
 * Above: delimited.c, which finds records in the masks that are made here.
 * What happens once per window, per piece or per line that is no record is
 * here; what happens per record is there.
 *
 * IDENTIFICATION
 *		src/format/delimited_piece.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/delimited.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* ---- Pieces and windows ---- */

char *
delimited_reserve(DelimitedReader *r, char *buffer, Size *size, Size used, Size need)
{
	char	   *grown;

	if (need <= *size)
		return buffer;
	need = Max(need, Min(*size * 2, r->max_record));
	need = Max(need, 1024);
	grown = MemoryContextAllocHuge(r->cxt, need);
	if (used > 0)
		memcpy(grown, buffer, used);
	if (buffer)
		pfree(buffer);
	*size = need;
	return grown;
}

void
delimited_carry(DelimitedReader *r, Size end)
{
	Size		len = end - r->start;

	r->carry = delimited_reserve(r, r->carry, &r->carry_size, r->carry_len,
							  r->carry_len + len);
	memcpy(r->carry + r->carry_len, r->piece + r->start, len);
	r->carry_len += len;
}

/* Add the line ends in text. */
static void
count_lines(LineCount *lines, const char *text, Size len)
{
	lines->crs += scan_count(text, len, '\r');
	lines->lfs += scan_count(text, len, '\n');
}

LineCount
delimited_lines_at(DelimitedReader *r, Size pos)
{
	LineCount	lines;

	if (pos >= r->scanned)
	{
		/* at the end there is no piece */
		lines = r->lines;
		if (pos > r->scanned)
			count_lines(&lines, r->piece + r->scanned, pos - r->scanned);
	}
	else if (pos < r->known_pos || r->scanned - pos < pos - r->known_pos)
	{
		LineCount	behind = {0, 0};

		count_lines(&behind, r->piece + pos, r->scanned - pos);
		lines.crs = r->lines.crs - behind.crs;
		lines.lfs = r->lines.lfs - behind.lfs;
	}
	else
	{
		lines = r->known_lines;
		count_lines(&lines, r->piece + r->known_pos, pos - r->known_pos);
	}
	r->known_pos = pos;
	r->known_lines = lines;
	return lines;
}

/* Make len bytes from data the piece; all of the former one is counted. */
static void
set_piece(DelimitedReader *r, const char *data, Size len)
{
	r->piece = data;
	r->piece_len = len;
	r->start = 0;
	r->next_start = 0;
	r->scanned = 0;
	r->window = 0;
	r->nblocks = 0;
	r->block = 0;
	r->known_pos = 0;
	r->known_lines = r->lines;
}

bool
delimited_next_piece(DelimitedReader *r)
{
	const char *data = NULL;
	Size		len = 0;

	if (r->eof)
		return false;
	if (r->start < r->piece_len)
	{
		if (!r->carried)
			r->lines_before = delimited_lines_at(r, r->start);
		r->carried = true;
		delimited_carry(r, r->piece_len);
	}
	if (r->scanned < r->piece_len)
		count_lines(&r->lines, r->piece + r->scanned, r->piece_len - r->scanned);
	r->piece_offset += r->piece_len;
	set_piece(r, NULL, 0);
	CHECK_FOR_INTERRUPTS();
	if (r->ended || !byte_source_next(r->source, &data, &len))
	{
		r->ended = true;
		r->eof = true;
		return false;
	}
	set_piece(r, data, len);
	return true;
}

/*
 * Join what is left of the piece with the one after it, so that the beginning
 * of a record can be looked at; false at the end of the object.
 */
static bool
extend_piece(DelimitedReader *r)
{
	Size		pos = r->next_start;
	Size		len = r->piece_len - pos;
	char	   *rest;
	const char *more;
	Size		more_len;

	if (len == 0)
	{
		r->start = pos;
		return delimited_next_piece(r);
	}
	if (r->ended)
		return false;
	r->lines = delimited_lines_at(r, pos);
	r->piece_offset += pos;
	rest = palloc(len);
	memcpy(rest, r->piece + pos, len);
	CHECK_FOR_INTERRUPTS();
	if (!byte_source_next(r->source, &more, &more_len))
	{
		r->ended = true;
		more_len = 0;
	}
	r->glue = delimited_reserve(r, r->glue, &r->glue_size, 0, len + more_len + STREAM_PADDING);
	memcpy(r->glue, rest, len);
	if (more_len > 0)
		memcpy(r->glue + len, more, more_len);
	pfree(rest);
	set_piece(r, r->glue, len + more_len);
	return more_len > 0;
}

bool
delimited_next_window(DelimitedReader *r)
{
	Size		len;

	if (r->scanned == r->piece_len && !delimited_next_piece(r))
		return false;
	len = Min(r->piece_len - r->scanned, SCAN_WINDOW * SCAN_BLOCK);
	r->scan(r->piece + r->scanned, len, r->delimiter, r->special, &r->masks);
	r->window = r->scanned;
	r->scanned += len;
	r->nblocks = (len + SCAN_BLOCK - 1) / SCAN_BLOCK;
	r->block = 0;
	r->lines.crs += r->masks.crs;
	r->lines.lfs += r->masks.lfs;
	if (r->format->sift)
		r->format->sift(r, r->piece + r->window, len);
	return true;
}

void
delimited_rescan(DelimitedReader *r, Size pos)
{
	r->lines = delimited_lines_at(r, pos);
	r->scanned = pos;
	r->window = pos;
	r->nblocks = 0;
	r->block = 0;
	r->delimiters = 0;
	r->specials = 0;
	r->ends = 0;
	r->in_quotes = 0;
	r->after_cr = 0;
	r->window_in_quotes = false;
	r->window_escaped = false;
}

/* ---- Lines to be passed over ---- */

/*
 * Go behind the line at next_start, where the next record would begin.  It ends
 * as line_end says; if that is unknown, with the first line end, of which the
 * kind is returned.  False if the text ends before the line does.
 */
static bool
skip_line(DelimitedReader *r, LineEnd *line_end)
{
	bool		after_cr = false;
	Size		pos = r->next_start;

	for (;;)
	{
		for (; pos < r->piece_len; pos++)
		{
			char		c = r->piece[pos];

			if (c == '\n')
			{
				if (*line_end == LINE_END_UNKNOWN)
					*line_end = after_cr ? LINE_END_CRLF : LINE_END_LF;
				if (*line_end == LINE_END_LF || (*line_end == LINE_END_CRLF && after_cr))
				{
					pos++;
					goto found;
				}
			}
			else if (after_cr && *line_end == LINE_END_UNKNOWN)
			{
				*line_end = LINE_END_CR;
				goto found;
			}
			else if (c == '\r' && *line_end == LINE_END_CR)
			{
				pos++;
				goto found;
			}
			after_cr = c == '\r';
		}
		r->start = r->piece_len;
		if (!delimited_next_piece(r))
		{
			delimited_rescan(r, 0);
			if (!after_cr || *line_end != LINE_END_UNKNOWN)
				return false;
			*line_end = LINE_END_CR;
			return true;
		}
		pos = 0;
	}

found:
	r->next_start = pos;
	delimited_rescan(r, pos);
	return true;
}

bool
delimited_skip_lines(DelimitedReader *r)
{
	if (r->format->lax)
		return csv_lax_skip_lines(r);
	for (int64 i = 0; i < r->options->skip_lines; i++)
	{
		LineEnd		line_end = LINE_END_UNKNOWN;

		if (!skip_line(r, &line_end))
			return false;
		r->lines_skipped++;
	}
	r->lines_base = r->lines;
	return true;
}

/* Whether a comment begins where the next record would. */
static bool
at_comment(DelimitedReader *r)
{
	for (;;)
	{
		Size		len = Min(r->piece_len - r->next_start, r->comment_len);

		if (len > 0 && memcmp(r->piece + r->next_start, r->comment, len) != 0)
			return false;
		if (len == r->comment_len)
			return true;
		if (!extend_piece(r))
			return false;
	}
}

void
delimited_skip_comments(DelimitedReader *r)
{
	if (r->format->lax)
		return;					/* which does so itself */
	while (at_comment(r))
	{
		if (!skip_line(r, &r->line_end))
			break;
	}
}
