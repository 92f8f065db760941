/*-------------------------------------------------------------------------
 *
 * record.h
 *		Records in and out, whatever the file format.
 *
 * A RecordReader turns the bytes of one object into records; a record is one
 * field per declared column, decoded to text in the server encoding.  Only
 * needed columns are decoded.  Below it is a ByteSource; above it tuple.c
 * makes Datums.
 *
 * A RecordReader never throws for what the data holds: it returns RECORD_BAD
 * and describes the fault in the record, so that the caller decides whether a
 * bad row ends the scan.  (A fault in the byte stream itself, a failed request
 * or a cut gzip member, is thrown by the ByteSource.)
 *
 * IDENTIFICATION
 *		src/format/record.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_RECORD_H
#define S3_RECORD_H

#include "base/option.h"
#include "base/stream.h"

/* What a reader must know of one declared column. */
typedef struct RecordColumn
{
	const char *name;			/* key or header name; borrowed */
	bool		needed;			/* fill in this column's field */
	bool		raw_json;		/* JSON: give the value's own JSON text, quotes
								 * and all (for json and jsonb columns) */
	bool		binary;			/* DynamoDB: give binary values in hexadecimal,
								 * as bytea reads them */
	bool		force_not_null; /* CSV: see COPY's FORCE_NOT_NULL */
	bool		force_null;		/* CSV: see COPY's FORCE_NULL */
	const char *path;			/* JSON: where the value is; NULL: at the key
								 * "name"; borrowed */
} RecordColumn;

/* A decoded value: text in the server encoding, not NUL-terminated. */
typedef struct RecordField
{
	const char *data;			/* NULL is SQL NULL, or the default */
	Size		len;			/* if data is NULL: 0, or one of those below */
} RecordField;

/* The column's default is asked for; see COPY's DEFAULT. */
#define RECORD_FIELD_DEFAULT SIZE_MAX

/* The record ends before it; see redshift.fill_record.  Of no other readers. */
#define RECORD_FIELD_MISSING (SIZE_MAX - 1)

/* How the lines of an object end. */
typedef enum LineEnd
{
	LINE_END_UNKNOWN,			/* none seen yet */
	LINE_END_LF,
	LINE_END_CR,
	LINE_END_CRLF
} LineEnd;

/* The names in a header line, in the order of fields. */
typedef struct RecordHeader
{
	int			nfields;
	char	  **names;
} RecordHeader;

/*
 * Where in an object a reader begins.  A source that begins in the middle
 * begins with a record.
 */
typedef struct RecordStart
{
	bool		at_beginning;	/* of the object: skip_lines counts */
	bool		has_header;		/* at the beginning, behind those lines */
	LineEnd		line_end;		/* as earlier lines have shown */
	const RecordHeader *header; /* match_by name, and no header line is here to
								 * be read: the names; borrowed.  Else NULL */

	/* called for names that no column has, if not NULL */
	void		(*extra_name) (void *arg, const char *name, Size len);
	void	   *extra_arg;
} RecordStart;

/* Kinds of faults, finer than SQLSTATE's. */
typedef enum RecordFault
{
	FAULT_OTHER,
	FAULT_MISSING_FIELDS,
	FAULT_EXTRA_FIELDS,
	FAULT_QUOTE,				/* not closed, or out of place */
	FAULT_LINE,					/* its end, its length, a marker out of place */
	FAULT_ENCODING,
	FAULT_JSON,
	FAULT_JSON_PATH,			/* no such element */
	FAULT_VALUE,				/* does not fit its type */
	FAULT_TOO_LONG,				/* nor the length of its type */
	FAULT_NOT_NULL				/* NULL where none may be */
} RecordFault;

/* Why a record is bad; the strings live in the reader's record memory. */
typedef struct RecordError
{
	RecordFault fault;
	int			sqlerrcode;
	char	   *message;		/* as errmsg() would take it, translated */
	char	   *detail;			/* or NULL */
	char	   *hint;			/* or NULL */
	bool		fatal;			/* no further record can be found in this
								 * object: the stream is out of step */
} RecordError;

typedef struct Record
{
	RecordField *fields;		/* one per declared column; only those of
								 * needed columns are set */
	RecordError error;			/* valid after RECORD_BAD */
	const char *repaired;		/* set after RECORD_OK, if something had to be
								 * made good: what, not translated; else as
								 * the caller left it */
} Record;

typedef enum RecordStatus
{
	RECORD_OK,
	RECORD_BAD,
	RECORD_END
} RecordStatus;

typedef struct RecordReader RecordReader;

typedef struct RecordReaderOps
{
	/* Fields and error are borrowed until the next call. */
	RecordStatus (*next) (RecordReader *self, Record *record);

	/*
	 * Line number, from 1, of the first line of the record that next()
	 * returned last; by Redshift's rules, of JSON, the last line.  May be
	 * slow: for error messages only.
	 */
	uint64		(*line) (RecordReader *self);

	/*
	 * Where that record begins, in bytes of the source's text from its
	 * beginning.
	 */
	uint64		(*offset) (RecordReader *self);

	/*
	 * The text of that record, as far as it is at hand: for messages.  Borrowed
	 * until the next call; not to be asked for after an error was thrown.
	 */
	void		(*text) (RecordReader *self, const char **data, Size *len);

	/* Closes what the reader made, not the ByteSource below. */
	void		(*close) (RecordReader *self);
} RecordReaderOps;

struct RecordReader
{
	const RecordReaderOps *ops;
};

static inline RecordStatus
record_reader_next(RecordReader *reader, Record *record)
{
	return reader->ops->next(reader, record);
}

static inline uint64
record_reader_line(RecordReader *reader)
{
	return reader->ops->line(reader);
}

static inline uint64
record_reader_offset(RecordReader *reader)
{
	return reader->ops->offset(reader);
}

static inline void
record_reader_text(RecordReader *reader, const char **data, Size *len)
{
	reader->ops->text(reader, data, len);
}

static inline void
record_reader_close(RecordReader *reader)
{
	reader->ops->close(reader);
}

/*
 * The reader of options->format.  source yields text in the server encoding
 * (see encoding.h), is borrowed and stays open; options, columns and start are
 * borrowed and must outlive the reader.  Memory comes from
 * CurrentMemoryContext.
 */
extern RecordReader *record_reader_create(ByteSource *source, const FormatOptions *options,
										  const RecordColumn *columns, int ncolumns,
										  const RecordStart *start);

#endif							/* S3_RECORD_H */
