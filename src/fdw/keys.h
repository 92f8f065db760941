/*-------------------------------------------------------------------------
 *
 * keys.h
 *		Which keys or header names the columns of a table read.
 *
 * IDENTIFICATION
 *		src/fdw/keys.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_KEYS_H
#define S3_KEYS_H

#include "base/option.h"
#include "format/record.h"

typedef struct KeySet KeySet;

/* Of the columns (borrowed), in CurrentMemoryContext. */
extern KeySet *key_set_create(const RecordColumn *columns, int ncolumns,
							  const FormatOptions *format);

/* Does a column read the key?  seen[i], if not NULL, is set for column i then. */
extern bool key_set_find(const KeySet *set, const char *name, Size len, bool *seen);

/*
 * Call handler for each key of a JSON object, the text of a record that the
 * reader has taken; of anything else for none.  Keys with \u in them are given
 * as they are written.
 */
typedef void (*KeyHandler) (void *arg, const char *name, Size len);

extern void json_keys_visit(const char *text, Size len, KeyHandler handler, void *arg);

#endif							/* S3_KEYS_H */
