/*-------------------------------------------------------------------------
 *
 * xml.h
 *		Reading S3's XML answers.
 *
 * One small pull over expat: flat documents of known shape, a handler is told
 * the text of each leaf element.  No DTD is accepted (so no entity can be
 * declared), depth and text size are limited.
 *
 * IDENTIFICATION
 *		src/s3/xml.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_XML_H
#define S3_XML_H

#include "postgres.h"

#include "lib/stringinfo.h"

#define S3_XML_MAX_DEPTH 16
#define S3_XML_MAX_TEXT (64 * 1024) /* longest text of one element, bytes */

/*
 * Called with the path of local element names from the root, separated by
 * '/' ("ListBucketResult/Contents/Key"), when an element begins (text NULL)
 * and when it ends (text: its own character data, NUL-terminated, entities
 * decoded, borrowed; empty if it has child elements).  Must not throw: it runs
 * inside expat.  Returning false stops the parse with an error.
 */
typedef bool (*S3XmlHandler) (void *arg, const char *path, const char *text);

/*
 * Parse a whole document.  Leading white space before the XML declaration is
 * accepted (S3 sends it to keep a connection alive).  Returns false if it is
 * not well-formed, has a DTD, is too deep, has a text too long, or the
 * handler returned false; *error then names the reason (static string or
 * expat's).
 */
extern bool s3_xml_parse(const char *data, Size len, S3XmlHandler handler, void *arg,
						 const char **error);

/*
 * The text of the element below the root of an answer, into value.  Returns
 * NULL, or why the answer is no proper one; text may be NULL.
 */
extern const char *s3_xml_find(const char *text, Size len, const char *root,
							   const char *element, char *value, Size size);

/* Append text as the content of an element. */
extern void s3_xml_append_text(StringInfo out, const char *s);

#endif							/* S3_XML_H */
