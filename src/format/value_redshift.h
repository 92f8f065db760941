/*-------------------------------------------------------------------------
 *
 * value_redshift.h
 *		Values as Redshift's COPY reads them, and its words for what is wrong.
 *
 * IDENTIFICATION
 *		src/format/value_redshift.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_VALUE_REDSHIFT_H
#define S3_VALUE_REDSHIFT_H

#include "base/option.h"
#include "format/record.h"
#include "format/value.h"

/* How the values of a column are read. */
typedef struct RedshiftType RedshiftType;

typedef enum RedshiftResult
{
	REDSHIFT_DATUM,				/* of the base type */
	REDSHIFT_NULL,
	REDSHIFT_INPUT,				/* the type's input function has to read it */
	REDSHIFT_BAD
} RedshiftResult;

/* What was found, besides the Datum.  All of it lasts as long as the field. */
typedef struct RedshiftValue
{
	RecordField field;			/* of REDSHIFT_INPUT: what is to be read */
	bool		replaced;		/* bytes that are no text, by the replacement */

	/* of REDSHIFT_BAD */
	RecordFault fault;
	int			sqlerrcode;
	const char *reason;
} RedshiftValue;

/* options are borrowed.  Memory from CurrentMemoryContext. */
extern RedshiftType *redshift_type_create(Oid typid, int32 typmod, const FormatOptions *options);

/*
 * A parser of spellings of which redshift_read() would make the same Datum; none
 * if it has no "parse".  Not for domains, which have to be checked.
 */
extern void redshift_parser_init(ValueParser *parser, const RedshiftType *type);

/* Reports nothing but a lack of memory, which is from CurrentMemoryContext. */
extern RedshiftResult redshift_read(const RedshiftType *type, const RecordField *field,
									RedshiftValue *value, Datum *datum);

/*
 * What a client finds as err_reason in stl_load_errors, at most
 * REDSHIFT_REASON_MAX bytes.  message is what is known of the fault, or NULL, and
 * is the reason itself if Redshift has no words of its own for it; data is the
 * value's text, or NULL.
 */
#define REDSHIFT_REASON_MAX 100

extern const char *redshift_fault_reason(RecordFault fault, Oid type, int sqlerrcode,
										 const char *data, Size len, const char *message);

/* The same as err_code; type is that of the column, or InvalidOid. */
extern int	redshift_fault_code(RecordFault fault, Oid type, int sqlerrcode);

#endif							/* S3_VALUE_REDSHIFT_H */
