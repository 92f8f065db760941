/*-------------------------------------------------------------------------
 *
 * tuple.h
 *		Fields to Datums, and Datums to the text of a file.
 *
 * Above: the scan and the export, which own slots.  Below: record readers and
 * the CSV writer.  No bytes of a file are parsed here, no network is known.
 *
 * IDENTIFICATION
 *		src/format/tuple.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_TUPLE_H
#define S3_TUPLE_H

#include "access/tupdesc.h"
#include "base/option.h"
#include "executor/tuptable.h"
#include "format/record.h"
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

typedef struct TupleReader TupleReader;

/*
 * Make rows of desc (borrowed; must outlive the reader) from records.
 * needed[attno - 1] says whether the attribute is wanted at all; others are
 * stored as NULL.  column_options has one entry per attribute
 * (column_options[attno - 1], may be NULL).  Attributes that are dropped, or
 * whose options say that they come from elsewhere (metadata, partition), are
 * no columns of the record; the others are, in order.  Options are borrowed.
 * Memory from CurrentMemoryContext.
 */
extern TupleReader *tuple_reader_create(TupleDesc desc, const bool *needed,
										S3ColumnOptions *const *column_options,
										const FormatOptions *format);

/*
 * Prepare the defaults of rel's columns for fields that ask for them
 * (RECORD_FIELD_DEFAULT), to be evaluated in econtext (borrowed).  A column
 * without a default must not be asked for it.  attnums are the columns that the
 * row's attributes are, NULL if all in order.
 */
extern void tuple_reader_set_defaults(TupleReader *reader, Relation rel,
									  const AttrNumber *attnums, ExprContext *econtext);

/*
 * The value of an attribute that is no column of the record, for all following
 * rows.  value is borrowed.
 */
extern void tuple_reader_set_value(TupleReader *reader, AttrNumber attnum, Datum value, bool isnull);

/* The columns to give to a record reader; owned by the TupleReader. */
extern const RecordColumn *tuple_reader_columns(TupleReader *reader, int *ncolumns);

/*
 * Convert the record's fields and fill slot as a virtual tuple (the caller
 * cleared it).  Values are allocated in CurrentMemoryContext.  A field that
 * does not fit its column's type raises that type's own error; while it does,
 * tuple_reader_current() names the column.
 */
extern void tuple_store(TupleReader *reader, const Record *record, TupleTableSlot *slot);

/* What is wrong with a value. */
typedef struct TupleFault
{
	const char *column;
	Oid			type;
	int32		typmod;
	const char *data;			/* the value's text, len bytes; NULL: null input */
	Size		len;
	bool		repaired;		/* a string was cut, and fits now */
	bool		nullable;		/* NULL may stand in its place */
	RecordFault fault;
	int			sqlerrcode;
	const char *message;
} TupleFault;

/*
 * Called for each such value.  The result says whether to go on with NULL in
 * its place, if it is nullable; else the row is given up.
 */
typedef bool (*TupleFaultHandler) (void *arg, const TupleFault *fault);

extern void tuple_reader_set_handler(TupleReader *reader, TupleFaultHandler handler, void *arg);

/*
 * As tuple_store(), but a field that does not fit raises no error: the handler
 * is asked.  False: the row was given up, and slot is still empty.
 */
extern bool tuple_try_store(TupleReader *reader, const Record *record, TupleTableSlot *slot);

/*
 * May processes of a parallel query try values of the type?  Not if what they
 * may run into can only be undone by a subtransaction.
 */
extern bool tuple_try_is_parallel_safe(Oid typid, const FormatOptions *format);

/*
 * For an error context callback: the column being converted and its text,
 * shortened for display to at most 100 bytes; false when none is.
 */
extern bool tuple_reader_current(TupleReader *reader, const char **column, char **value);

typedef struct TupleWriter TupleWriter;

/*
 * Write rows of desc (borrowed) as lines of options->format to out (borrowed),
 * byte for byte as COPY (query) TO with the same CSV or text options, or as one
 * row_to_json() per line, with commas between them in an array.  force_quote
 * has one entry per attribute or is NULL.
 */
extern TupleWriter *tuple_writer_create(TupleDesc desc, const FormatOptions *options,
										const bool *force_quote, StringInfo out);

/*
 * What stands before the first row and behind the last, if options ask for it:
 * the header line, or the brackets of an array.
 */
extern void tuple_write_header(TupleWriter *writer);
extern void tuple_write_footer(TupleWriter *writer);

/* The next row is the first behind a beginning that is written elsewhere. */
extern void tuple_write_restart(TupleWriter *writer);

/* Append one line.  Scratch memory is the caller's CurrentMemoryContext. */
extern void tuple_write(TupleWriter *writer, TupleTableSlot *slot);

#endif							/* S3_TUPLE_H */
