/*-------------------------------------------------------------------------
 *
 * text_redshift_line.c
 *		The lines that most files are made of, by Redshift's rules, fast.
 *
 * Bytes are classified into bit masks (scan.h), and the set bits visited in
 * order; what is found goes straight into the record's fields.  As a record ends
 * with its line, nothing has to be known of the text before it, and masks stay
 * good wherever reading goes on in the buffer.
 *
 * A line that is no record of the usual kind is left to text_redshift.c as if it
 * had not been looked at: one with a NUL or with another number of fields than
 * there are columns, or of CSV with a quote that is not right at the border of a
 * field or not closed on its line.
 *
 * Invariant: a line taken here is the record that text_redshift.c would find.
 *
 * IDENTIFICATION
 *		src/format/text_redshift_line.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/text_redshift_reader.h"
#include "port/pg_bitutils.h"

LineKind
redshift_line_kind(const RedshiftReader *r)
{
	const RedshiftFormat *rules = r->rules;

	if (r->delimiter_len != 1 || strchr("\r\n", r->delimiter[0]) || r->ncolumns == 0 ||
		rules->null_is_nul || rules->remove_quotes)
		return LINE_NONE;
	if (r->csv)
		return rules->escape || r->quote == r->delimiter[0] ||
			strchr("\r\n", r->quote) ? LINE_NONE : LINE_CSV;
	if (!rules->escape)
		return LINE_PLAIN;
	return r->delimiter[0] == '\\' ? LINE_NONE : LINE_ESCAPED;
}

/* The byte that counts besides delimiters and line ends. */
static inline char
special_byte(const RedshiftReader *r, LineKind kind)
{
	return kind == LINE_CSV ? r->quote : kind == LINE_ESCAPED ? '\\' : '\0';
}

static void
scan_window(RedshiftReader *r, Size pos, char special)
{
	const char *text = r->buffer + pos;
	Size		len = Min(r->end - pos, SCAN_WINDOW * SCAN_BLOCK);

	r->scan(text, len, r->delimiter[0], special, &r->masks);
	r->window = pos;
	r->window_end = pos + len;
	r->window_has_nul = special != '\0' && memchr(text, '\0', len) != NULL;
}

/* A field that is not quoted. */
static inline void
store_plain(const RedshiftReader *r, RecordField *field, const char *start, const char *end)
{
	Size		len = end - start;

	if ((len == r->null_len &&
		 (len == 0 || (*start == *r->null && memcmp(start, r->null, len) == 0))) ||
		(len == 0 && r->rules->empty_as_null))
	{
		field->data = NULL;
		field->len = 0;
	}
	else
	{
		field->data = start;
		field->len = len;
	}
}

static pg_attribute_always_inline bool
take_line(RedshiftReader *r, const LineKind kind)
{
	const char	special = special_byte(r, kind);
	const char	delimiter = r->delimiter[0];
	const char *record = r->buffer + r->next;
	const char *start = record; /* of the field */
	const char *skipped = NULL; /* what is behind an escape, or the second of
								 * two quotes */
	const char *closing = NULL; /* CSV: the closing quote */
	const char *p;
	bool		in_quotes = false;
	bool		coded = false;	/* the field has to be decoded */
	int			ncoded = 0;
	int			n = 0;			/* fields before the one at start */
	int			escaped_lines = 0;
	const char *block;
	uint64		bits;
	int			b;

	if (r->next < r->window || r->next >= r->window_end)
		scan_window(r, r->next, special);
	b = (r->next - r->window) / SCAN_BLOCK;
	bits = (r->masks.delimiter[b] | r->masks.quote[b] | r->masks.lf[b]) &
		(~UINT64CONST(0) << ((r->next - r->window) % SCAN_BLOCK));
	block = r->buffer + r->window + b * SCAN_BLOCK;
	if (r->window_has_nul)
		return false;
	for (;;)
	{
		const char *end;
		bool		last;

		while (bits == 0)
		{
			b++;
			block += SCAN_BLOCK;
			if (block >= r->buffer + r->window_end)
			{
				if (r->window_end == r->end)
					return false;
				scan_window(r, r->window_end, special);
				if (r->window_has_nul)
					return false;
				b = 0;
				block = r->buffer + r->window;
			}
			bits = r->masks.delimiter[b] | r->masks.quote[b] | r->masks.lf[b];
		}
		p = block + pg_rightmost_one_pos64(bits);
		bits &= bits - 1;
		if (kind != LINE_PLAIN && p == skipped)
		{
			escaped_lines += *p == '\n';
			continue;
		}

		if (*p == special)
		{
			if (kind == LINE_PLAIN)
				return false;
			if (kind == LINE_ESCAPED)
			{
				skipped = p + 1;
				coded = true;
			}
			else if (!in_quotes)
			{
				if (p != start)
					return false;
				in_quotes = true;
			}
			else if (p[1] == special)
			{
				skipped = p + 1;
				coded = true;
			}
			else if (p[1] == delimiter || p[1] == '\n' || (p[1] == '\r' && p[2] == '\n'))
			{
				closing = p;
				in_quotes = false;
			}
			else
				return false;
			continue;
		}

		last = *p == '\n';
		if (kind == LINE_CSV && in_quotes)
		{
			if (last)
				return false;
			continue;
		}

		end = p;
		if (last && end > start && end[-1] == '\r' && (kind == LINE_PLAIN || end - 1 != skipped))
			end--;
		if (n == r->ncolumns)
		{
			/* Behind the last field of a text there may be a delimiter. */
			if (!last || kind == LINE_CSV || end != start)
				return false;
		}
		else if (kind == LINE_CSV && closing)
		{
			r->fields[n].data = start + 1;
			r->fields[n].len = closing - start - 1;
			closing = NULL;
		}
		else
			store_plain(r, &r->fields[n], start, end);
		if (kind != LINE_PLAIN && coded)
		{
			if (n < r->ncolumns && r->fields[n].data)
				r->coded[ncoded++] = n;
			if (kind == LINE_ESCAPED && redshift_is_escaped_null(r, start, end - start))
			{
				r->fields[n].data = NULL;
				r->fields[n].len = 0;
				ncoded--;
			}
			coded = false;
		}
		if (last)
		{
			if (n < r->ncolumns - 1 || (Size) (p - record) > r->max_record ||
				(end == record && r->rules->ignore_blank_lines))
				return false;
			r->text_len = end - record;
			break;
		}
		start = p + 1;
		n++;
	}

	r->text = record;
	r->record_offset = r->offset + r->next;
	r->line = r->next_line;
	r->next_line += 1 + escaped_lines;
	r->next = p + 1 - r->buffer;
	for (int i = 0; i < ncoded; i++)
		redshift_undo_pairs(r, &r->fields[r->coded[i]], special);
	return true;
}

bool
redshift_take_line(RedshiftReader *r)
{
	switch (r->line_kind)
	{
		case LINE_PLAIN:
			return take_line(r, LINE_PLAIN);
		case LINE_ESCAPED:
			return take_line(r, LINE_ESCAPED);
		case LINE_CSV:
			return take_line(r, LINE_CSV);
		default:
			return false;
	}
}
