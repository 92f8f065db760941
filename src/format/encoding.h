/*-------------------------------------------------------------------------
 *
 * encoding.h
 *		Bytes in a file's encoding to verified text in the server encoding.
 *
 * IDENTIFICATION
 *		src/format/encoding.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_ENCODING_H
#define S3_ENCODING_H

#include "base/stream.h"

/*
 * Wrap source (borrowed, not closed with the wrapper) so that every byte it
 * yields is valid in the database encoding; characters are never cut between
 * two pieces.  encoding is that of the bytes, -1 for the database's.  An
 * invalid byte is an error (SQLSTATE 22021), reported only when the valid
 * bytes before it have been handed out.  Memory from CurrentMemoryContext.
 */
extern ByteSource *text_source_create(ByteSource *source, int encoding);

#endif							/* S3_ENCODING_H */
