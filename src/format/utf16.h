/*-------------------------------------------------------------------------
 *
 * utf16.h
 *		UTF-16 to UTF-8.
 *
 * IDENTIFICATION
 *		src/format/utf16.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_UTF16_H
#define S3_UTF16_H

#include "base/stream.h"

/*
 * Wrap source (borrowed) so that it yields valid UTF-8, of whole characters.
 * encoding is one of S3_ENCODING_UTF16, UTF16LE and UTF16BE; at_beginning says
 * that a byte order mark may come.  What is no UTF-16, or a NUL, is an error
 * (SQLSTATE 22021), reported when what was before it has been handed out.
 * Memory from CurrentMemoryContext.
 */
extern ByteSource *utf16_source_create(ByteSource *source, int encoding, bool at_beginning);

#endif							/* S3_UTF16_H */
