/*-------------------------------------------------------------------------
 *
 * text_redshift_reader.h
 *		What the two ways to read a line by Redshift's rules share.
 *
 * Private to text_redshift.c, which knows all lines, and text_redshift_line.c,
 * which knows those that most files are made of.
 *
 * IDENTIFICATION
 *		src/format/text_redshift_reader.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_TEXT_REDSHIFT_READER_H
#define S3_TEXT_REDSHIFT_READER_H

#include "format/record.h"
#include "format/scan.h"

/* A field in the text of its record. */
typedef struct FieldSpan
{
	Size		start;			/* all of it */
	Size		end;
	Size		inner_start;	/* within quotes, else the same */
	Size		inner_end;
	bool		quoted;
} FieldSpan;

/* Which lines can be taken with the help of masks. */
typedef enum LineKind
{
	LINE_NONE,
	LINE_PLAIN,					/* text in which only the delimiter counts */
	LINE_ESCAPED,				/* text with backslashes */
	LINE_CSV
} LineKind;

typedef struct RedshiftReader
{
	RecordReader base;

	/* set at creation, then constant */
	ByteSource *source;			/* borrowed */
	const RedshiftFormat *rules;	/* borrowed */
	int			ncolumns;
	const RecordColumn *columns;	/* borrowed */
	const char *delimiter;		/* borrowed; NULL: fixed width */
	Size		delimiter_len;
	bool		csv;
	char		quote;			/* of CSV */
	int			nwidths;		/* of fixed width */
	int		   *widths;			/* owned */
	const char *null;			/* borrowed */
	Size		null_len;
	bool		accept_missing;
	bool		accept_extra;
	Size		max_record;
	int64		skip_lines;		/* still to be skipped */
	MemoryContext cxt;
	MemoryContext error_cxt;	/* of the last error's texts */

	/*
	 * Text that is at hand, with STREAM_PADDING behind it: the piece that came
	 * last from source, or text of our own, the end of which is a copy of the
	 * piece's beginning.  Positions count from the buffer's first byte, and hold
	 * good until the record is done.
	 */
	const char *buffer;			/* piece, or own */
	Size		end;
	Size		next;			/* the next record begins here */
	uint64		offset;			/* of the buffer's first byte in the text */
	const char *piece;			/* borrowed from source */
	Size		piece_len;		/* 0: there is none */
	Size		piece_start;	/* where it begins in the buffer */
	char	   *own;			/* owned, or NULL */
	Size		own_size;
	uint64		next_line;		/* lines before the next record */
	bool		in_long_line;	/* the next record is behind its end */
	bool		eof;
	int			far_failures;

	/* masks of a part of the buffer, for text_redshift_line.c */
	LineKind	line_kind;		/* constant */
	ScanFunction scan;			/* constant */
	Size		window;			/* the part's start */
	Size		window_end;		/* 0: there are none */
	bool		window_has_nul;
	ScanMasks	masks;			/* quotes are those of line_kind */

	/* the record */
	const char *text;
	Size		text_len;
	uint64		record_offset;
	uint64		line;			/* lines before it */
	int			nfields;
	FieldSpan  *spans;			/* owned; of the first ncolumns + 1 */
	RecordField *fields;		/* owned; one more than columns */
	int		   *coded;			/* owned: fields to be decoded, of a line */
	char	   *scratch;		/* owned: decoded fields */
	Size		scratch_len;
	Size		scratch_size;
} RedshiftReader;

/* ---- text_redshift_line.c ---- */

/* The kind of lines of what r is to read, but for what is in them. */
extern LineKind redshift_line_kind(const RedshiftReader *r);

/*
 * Take the next record, if it is a line that ends in the buffer, has a field for
 * each column, and nothing in it that needs a closer look.  False: nothing was
 * done.
 */
extern bool redshift_take_line(RedshiftReader *r);

/* ---- text_redshift.c ---- */

/*
 * Drop the first one of each pair that begins with c from a field of the record,
 * whose length is known.
 */
extern void redshift_undo_pairs(RedshiftReader *r, RecordField *field, char c);

/* \\N is NULL as \N is, as long as that is the text of NULL. */
static inline bool
redshift_is_escaped_null(const RedshiftReader *r, const char *raw, Size len)
{
	return len == 3 && memcmp(raw, "\\\\N", 3) == 0 && strcmp(r->null, "\\N") == 0;
}

#endif							/* S3_TEXT_REDSHIFT_READER_H */
