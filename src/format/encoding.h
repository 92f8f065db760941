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
 *
 * at_beginning says that the source begins where the file does, so that a byte
 * order mark may come; see S3_ENCODING_UTF8_BOM in option.h.
 */
extern ByteSource *text_source_create(ByteSource *source, int encoding, bool at_beginning);

/* Where bytes were replaced: offsets in the text that is yielded, ascending. */
typedef struct TextRepairs
{
	uint64	   *offsets;		/* owned; those from first on are not taken */
	int			first;
	int			n;
	int			max;
} TextRepairs;

/*
 * The same, but each byte that is no part of a valid character becomes U+FFFD,
 * or '?' where the database has no such character.  repairs is zeroed at first,
 * borrowed, and grows in CurrentMemoryContext.  Not for UTF-16.
 */
extern ByteSource *text_source_create_replacing(ByteSource *source, int encoding,
												bool at_beginning, TextRepairs *repairs);

/*
 * By Redshift's rules: UTF-8 in a database of that encoding is not verified, as
 * whoever reads a value does so, and knows whose fault it is.  All else is as
 * above; replacement stands for each byte that is no text, unless it is '\0',
 * which makes that an error.
 */
extern ByteSource *text_source_create_redshift(ByteSource *source, int encoding,
											   bool at_beginning, char replacement,
											   TextRepairs *repairs);

/* How many repairs there are before an offset; they are taken. */
extern int	text_repairs_take(TextRepairs *repairs, uint64 before);

/* How many of the first bytes are text of the database, without NUL. */
extern Size text_valid_length(const char *data, Size len);

/*
 * Text of a file that may be none in the database's encoding, made such for
 * messages and logs: what is no character, and NUL, is '?'.  Returns data itself
 * if there is nothing to be done.
 */
extern const char *text_printable(const char *data, Size len);

/*
 * May a file in the encoding be cut at ASCII characters, before it is
 * converted?  Not if such bytes can be parts of other characters.
 */
extern bool text_encoding_is_ascii_safe(int encoding);

#endif							/* S3_ENCODING_H */
