/*-------------------------------------------------------------------------
 *
 * datetime.h
 *		Dates and times that a file writes in a way of its own: by a template,
 *		or as seconds or milliseconds since 1970.
 *
 * IDENTIFICATION
 *		src/format/datetime.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_DATETIME_H
#define S3_DATETIME_H

#include "postgres.h"

typedef struct DatetimeFormat DatetimeFormat;

/*
 * How values of a type with a modifier are written: format is the text of the
 * option whose name is given (both borrowed).  NULL if the type's own input
 * function has to read them: format is NULL or "auto", or the type is no date
 * or time.  Domains count as their base type, but are not checked.  Memory
 * from CurrentMemoryContext.
 */
extern DatetimeFormat *datetime_format_create(Oid typid, int32 typmod,
											  const char *option, const char *format);

/*
 * Convert len bytes, which need not be NUL-terminated.  Reports what does not
 * fit the format or the type (SQLSTATE 22007 or 22008), and a format that is
 * no good.  Memory from CurrentMemoryContext.
 */
extern Datum datetime_read(const DatetimeFormat *format, const char *data, Size len);

#endif							/* S3_DATETIME_H */
