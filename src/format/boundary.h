/*-------------------------------------------------------------------------
 *
 * boundary.h
 *		Where records begin in the middle of an object.
 *
 * Whether a byte is the end of a record depends on what stands before it: on
 * quotes, escapes, brackets.  A stretch of bytes is a function from the state
 * at its beginning to the state at its end.  The function is computed without
 * knowing the state; functions of stretches side by side compose.  So several
 * processes find the records of one object, each in its own stretch, without
 * guessing.
 *
 * All this is about the bytes of a file as they are, in an encoding in which
 * ASCII bytes stand for themselves.  For malformed input a cut may lie
 * anywhere, but never so that what a reader of the whole file refuses is
 * accepted by the readers of the stretches.
 *
 * IDENTIFICATION
 *		src/format/boundary.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_BOUNDARY_H
#define S3_BOUNDARY_H

#include "format/record.h"

typedef enum BoundaryKind
{
	BOUNDARY_LINES,				/* every line is a record */
	BOUNDARY_TEXT,				/* the same, but a backslash takes away the
								 * meaning of what follows: COPY's text format */
	BOUNDARY_CSV,				/* line ends within quotes are data */
	BOUNDARY_JSON				/* top-level values, one after another */
} BoundaryKind;

typedef struct BoundaryRule
{
	BoundaryKind kind;
	char		quote;			/* CSV */
	char		escape;			/* CSV; may be the quote */
	bool		marker;			/* a line of only \. ends the data */
	bool		header;			/* TEXT: the first line is one */
	bool		bom;			/* a byte order mark before the first line is
								 * no part of it */
} BoundaryRule;

/* All that matters at a byte about the bytes before it. */
typedef struct BoundaryState
{
	uint8		mode;			/* < BOUNDARY_MODES; 0 at the beginning */
	uint8		line_end;		/* LineEnd, of those seen so far */
	bool		ended;			/* the marker has been seen */
	int64		depth;			/* JSON: open brackets and braces */
} BoundaryState;

#define BOUNDARY_MODES 4

/* A stretch as a function, for each mode it may begin in. */
typedef struct BoundarySummary
{
	uint8		end_mode[BOUNDARY_MODES];
	uint8		line_end[BOUNDARY_MODES];	/* the first one seen, as LineEnd */
	bool		ended[BOUNDARY_MODES];
	bool		dotted[BOUNDARY_MODES]; /* if no line end has been seen before:
										 * ended, behind the header */
	int64		depth[BOUNDARY_MODES];	/* change */
	uint64		lfs;			/* line feeds and carriage returns, */
	uint64		crs;			/* wherever they are */
} BoundarySummary;

/* How options->format's records are found; false if only by reading all. */
extern bool boundary_rule(const FormatOptions *options, BoundaryRule *rule);

/* The state at the beginning of an object. */
extern void boundary_begin(BoundaryState *state);

/*
 * How many bytes behind a stretch must be at hand to judge it, unless the
 * object ends before.
 */
#define BOUNDARY_LOOKAHEAD 8

/*
 * The function of the stretch [data, data + len).  "ahead" more bytes of the
 * object are readable behind it; at_beginning says that the object begins
 * with it.
 */
extern void boundary_summarize(const BoundaryRule *rule, const char *data, Size len, Size ahead,
							   bool at_beginning, BoundarySummary *summary);

/* The state behind a stretch from the state before it. */
extern void boundary_apply(const BoundarySummary *summary, BoundaryState *state);

/*
 * Go on from state at data to the end of the first record that ends behind
 * data: true, *end is the offset of the byte behind that end, and state is the
 * state there.  False if no record ends within len bytes; then all are used
 * up.  A record that ends with the object has no end in this sense, so the
 * caller takes the end of the object for it.  As above, "ahead" more bytes are
 * readable behind the len bytes: give all that are known and at least
 * BOUNDARY_LOOKAHEAD unless the object ends.
 *
 * With the marker seen (state->ended) nothing more is a record.  A stretch
 * that begins so has nothing to be read; that in which it is seen must be read
 * up to BOUNDARY_LOOKAHEAD bytes behind it.
 */
extern bool boundary_next(const BoundaryRule *rule, BoundaryState *state, const char *data,
						  Size len, Size ahead, Size *end);

#endif							/* S3_BOUNDARY_H */
