/*-------------------------------------------------------------------------
 *
 * datetime_redshift.h
 *		Dates and times as Redshift's DATEFORMAT and TIMEFORMAT say.
 *
 * IDENTIFICATION
 *		src/format/datetime_redshift.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_DATETIME_REDSHIFT_H
#define S3_DATETIME_REDSHIFT_H

#include "postgres.h"

typedef struct RedshiftDatetime RedshiftDatetime;

/*
 * For type date, timestamp or timestamptz with a modifier.  format is the text
 * of the option (borrowed), or NULL for Redshift's default.  Memory from
 * CurrentMemoryContext.
 */
extern RedshiftDatetime *redshift_datetime_create(Oid type, int32 typmod, const char *format);

/*
 * Do YYYY-MM-DD, and such a date with a time and *separator between them, mean
 * the same as they do to the type's input function?  '\0': any separator.
 */
extern bool redshift_datetime_is_canonical(const RedshiftDatetime *datetime, char *separator);

/* False if it is no date or time of the format.  There are no blanks around. */
extern bool redshift_datetime_read(const RedshiftDatetime *datetime, const char *data, Size len,
								   Datum *value);

/* What Redshift says then. */
extern const char *redshift_datetime_reason(const RedshiftDatetime *datetime, Size len);

#endif							/* S3_DATETIME_REDSHIFT_H */
