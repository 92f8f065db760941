/*-------------------------------------------------------------------------
 *
 * delimited.h
 *		What the readers of CSV, text and fixed-width files share.
 *
 * Private to delimited.c, delimited_header.c, csv.c, text.c and fixed.c.  A
 * format is a DelimitedFormat; delimited.c finds the records, and asks the
 * format what it alone knows.
 *
 * Invariant: between two records, r->next_start is where the next one begins
 * in the piece, outside quotes and not behind an escape.
 *
 * IDENTIFICATION
 *		src/format/delimited.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_DELIMITED_H
#define S3_DELIMITED_H

#include "format/record.h"
#include "format/scan.h"

/* How the search for the end of a record ended. */
typedef enum Found
{
	FOUND_RECORD,
	FOUND_EOF,					/* the text ended; the record may be empty */
	FOUND_MARKER,				/* \. where it ends the data */
	FOUND_BAD_CR,				/* a line end of the wrong kind */
	FOUND_BAD_LF,
	FOUND_BAD_MARKER,			/* \. and a line end of the wrong kind */
	FOUND_CORRUPT_MARKER,		/* \. and something else than a line end */
	FOUND_MARKER_NOT_ALONE,
	FOUND_TOO_LONG
} Found;

/* Line ends of both kinds, as which of them counts may not be known yet. */
typedef struct LineCount
{
	uint64		crs;
	uint64		lfs;
} LineCount;

/* Where a field is in the text of its record. */
typedef struct Span
{
	uint32		start;
	uint32		end;
} Span;

/* Field number *n of a record; only the first want are kept, all are counted. */
static inline void
delimited_add_span(Span *spans, int *n, int want, Size start, Size end)
{
	if (*n < want)
	{
		spans[*n].start = start;
		spans[*n].end = end;
	}
	(*n)++;
}

/* Does the text at p begin with so many bytes, at least one? */
static inline bool
delimited_begins_with(const char *p, const char *end, const char *prefix, Size len)
{
	return *p == prefix[0] && (Size) (end - p) >= len && memcmp(p, prefix, len) == 0;
}

/* A needed column, and the field that it takes. */
typedef struct FieldUse
{
	int			column;
	int			field;
	bool		forced;			/* FORCE_NOT_NULL or FORCE_NULL */
} FieldUse;

typedef struct DelimitedReader DelimitedReader;

typedef struct DelimitedFormat
{
	/* Keep what counts in r->masks, which are those of text; may be NULL. */
	void		(*sift) (DelimitedReader *r, const char *text, Size len);

	/*
	 * Decode a field in which the special byte occurs.  False: the error has
	 * been described.
	 */
	bool		(*decode) (DelimitedReader *r, const char *text, Size len,
						   RecordField *field, RecordError *error);

	/*
	 * Find the fields of the record in r->text, of which the first "want" go
	 * to spans; returns how many there are.
	 */
	int			(*split) (DelimitedReader *r, Span *spans, int want);

	/* Decoding can fail, and does so before fields are counted. */
	bool		verifies;

	/* Records are found by csv_lax.c instead, and always split. */
	bool		lax;

	/* A backslash takes away the meaning of the next byte. */
	bool		backslash;

	/* What is wrong with line ends of the wrong kind, and what helps. */
	const char *bad_cr;
	const char *bad_cr_hint;
	const char *bad_lf;
	const char *bad_lf_hint;
} DelimitedFormat;

struct DelimitedReader
{
	RecordReader base;

	/* set at creation, then constant */
	const DelimitedFormat *format;
	ByteSource *source;			/* borrowed */
	const FormatOptions *options;	/* borrowed */
	const RecordStart *start_at;	/* borrowed */
	const RecordColumn *columns;	/* borrowed */
	int			ncolumns;
	char		delimiter;		/* NUL, which is in no text, if it is longer */
	char		special;		/* quote or backslash, or NUL */
	char		quote,
				escape;
	bool		marker;			/* a line of only \. ends the data */
	bool		accept_missing;
	bool		accept_extra;
	const char *null;			/* borrowed */
	Size		null_len;
	const char *default_text;	/* borrowed; or NULL */
	Size		default_len;
	const char *comment;		/* borrowed; or NULL */
	Size		comment_len;
	Size		max_record;		/* bytes */
	ScanFunction scan;
	MemoryContext cxt;			/* of the reader and its buffers */
	MemoryContext error_cxt;	/* of the last error's texts */

	/* which field goes where; set when reading begins, then constant */
	bool		begun;
	bool		split;			/* fields are found by format->split */
	bool		simple;			/* they are not, and a field is text or NULL */
	FieldUse   *uses;			/* owned: of needed columns */
	int			nuses;
	int			want;			/* fields up to the last needed one */
	int			nexpected;		/* fields of a good record */
	uint64		lines_skipped;	/* by skip_lines */
	LineCount	lines_base;		/* line ends in them */

	/* state of the scan, as of the last block taken from the masks */
	LineEnd		line_end;
	uint64		in_quotes;		/* all ones inside quotes, else 0 */
	uint64		after_cr;		/* 1 right after an unquoted CR, else 0; kept
								 * for LINE_END_CRLF only */

	/* the same, as of the end of the window; used if format->sift is */
	bool		window_in_quotes;
	bool		window_escaped; /* the last byte was an escape in force */
	ScanMasks	masks;			/* of the window */

	/* the piece being read */
	const char *piece;			/* borrowed from source, or glue */
	Size		piece_len;
	uint64		piece_offset;	/* in the source's text */
	Size		scanned;		/* end of the window in the piece */
	Size		window;			/* start of the window in the piece */
	int			nblocks;		/* in the window */
	int			block;			/* the next to take from the masks */
	LineCount	lines;			/* in the text, up to the end of the window */
	Size		known_pos;		/* a position in the piece */
	LineCount	known_lines;	/* in the text, before that position */
	bool		ended;			/* source has no more */
	bool		eof;			/* nor has the piece */
	char	   *glue;			/* owned: rest of a piece, and the next one */
	Size		glue_size;

	/* what is left of the block taken last */
	uint64		delimiters;		/* outside quotes */
	uint64		specials;
	uint64		ends;			/* line ends outside quotes, right or wrong;
								 * of CR LF the second byte, or what stands in
								 * its place; of \. the dot */

	/* the record being read, or read last */
	Size		start;			/* in the piece, of the part not carried */
	Size		next_start;		/* of the record after it */
	uint64		offset;			/* in the source's text */
	char	   *carry;			/* owned: its bytes from former pieces */
	Size		carry_len;
	Size		carry_size;
	bool		carried;
	LineCount	lines_before;	/* of the record, if carried */
	const char *text;			/* the record, without line end */
	Size		text_len;
	int			nfields;
	bool		quoted;			/* the special byte occurs in it */
	bool		unclosed;		/* csv_lax.c: a quote in it is not closed */
	const char *repair;			/* csv_lax.c: what was done about quotes out of
								 * place, or NULL; as of split */
	uint32	   *field_ends;		/* owned; [i + 1] is where field i ends, and
								 * [0] is one byte before the record; not for
								 * those that are split */
	Span	   *spans;			/* owned; of those */

	RecordField *fields;		/* owned */
	char	   *scratch;		/* owned: decoded fields */
	Size		scratch_len;
	Size		scratch_size;

	bool		done;			/* nothing more will be returned */
};

/*
 * A reader of the format, in size bytes that begin with a DelimitedReader.
 * special: see there.
 */
extern DelimitedReader *delimited_create(Size size, const DelimitedFormat *format, char special,
										 ByteSource *source, const FormatOptions *options,
										 const RecordColumn *columns, int ncolumns,
										 const RecordStart *start);

/* ---- delimited_piece.c ---- */

/* Make room for at least need bytes, keeping the first used ones. */
extern char *delimited_reserve(DelimitedReader *r, char *buffer, Size *size, Size used, Size need);

/* Add the record's bytes up to position end of the piece to the carry buffer. */
extern void delimited_carry(DelimitedReader *r, Size end);

/*
 * How many line ends there are before position pos of the piece.  Asked for
 * record after record, it looks at every byte only once.
 */
extern LineCount delimited_lines_at(DelimitedReader *r, Size pos);

/*
 * Go to the next piece; false at the end of the object.  The record under way
 * is carried over, as the old piece is lost.
 */
extern bool delimited_next_piece(DelimitedReader *r);

/*
 * Classify the next bytes, of the next piece if need be; false at the end of
 * the object.
 */
extern bool delimited_next_window(DelimitedReader *r);

/*
 * Forget the masks: let the scan go on at position pos of the piece, which is
 * outside quotes.
 */
extern void delimited_rescan(DelimitedReader *r, Size pos);

/* Pass over skip_lines; false if the text ends before. */
extern bool delimited_skip_lines(DelimitedReader *r);

/* Pass over comments, if there are any before the next record. */
extern void delimited_skip_comments(DelimitedReader *r);

/* ---- delimited.c ---- */

/* Find the next record, and no fields in it. */
extern Found delimited_find(DelimitedReader *r);

/* A field, before FORCE_NOT_NULL and FORCE_NULL; false: an error. */
extern bool delimited_decode(DelimitedReader *r, Span span, RecordField *field, RecordError *error);

/* Describe a fault; the texts last until the next one.  Returns RECORD_BAD. */
extern RecordStatus delimited_bad(DelimitedReader *r, RecordError *error, RecordFault fault,
								  bool fatal, const char *detail, const char *hint,
								  const char *fmt,...) pg_attribute_printf(7, 8);

/* The same for lines of which nothing can be made. */
extern RecordStatus delimited_line_error(DelimitedReader *r, Found found, RecordError *error);

/* Room for all decoded fields of a record, so that none moves later. */
extern char *delimited_scratch(DelimitedReader *r);

/*
 * Length of the character at text, of which a part could look like another
 * character if it were longer than one byte.
 */
extern int	delimited_char_len(const char *text);

/* ---- csv_lax.c: what takes the place of the functions above ---- */

extern Found csv_lax_find(DelimitedReader *r);
extern bool csv_lax_skip_lines(DelimitedReader *r);
extern uint64 csv_lax_line(RecordReader *self);

/* ---- delimited_header.c ---- */

/*
 * What is to be done before the first record: lines skipped, the header line
 * read, columns matched with fields.  RECORD_END if nothing follows.
 */
extern RecordStatus delimited_begin(DelimitedReader *r, RecordError *error);

/* The names in the header line, in CurrentMemoryContext; reports failures. */
extern RecordHeader *delimited_read_header(DelimitedReader *r);

#endif							/* S3_DELIMITED_H */
