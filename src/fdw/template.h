/*-------------------------------------------------------------------------
 *
 * template.h
 *		Path templates: which parts of a key are the values of columns.
 *
 * A template is text with placeholders "{name}"; "{{" and "}}" stand for single
 * braces.  It is compared with a key from the left, folder by folder: a
 * placeholder takes one or more characters, as few as possible, and no '/'; the
 * last one of a folder takes what is left.  The key may go on behind the
 * template's last folder.
 *
 * IDENTIFICATION
 *		src/fdw/template.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_TEMPLATE_H
#define S3_TEMPLATE_H

#include "postgres.h"

typedef struct PathTemplate PathTemplate;

/*
 * In CurrentMemoryContext; NULL if it is malformed, and *reason says why, in a
 * sentence.
 */
extern PathTemplate *template_parse(const char *text, const char **reason);

extern int	template_nplaceholders(const PathTemplate *path_template);
extern const char *template_placeholder(const PathTemplate *path_template, int i);

/* What to call placeholder i when it is found. */
extern void template_bind(PathTemplate *path_template, int i, int column);

/*
 * Match a key; take(arg, column, value, len) is called for the placeholders,
 * also of the folders before one that does not match.  If it is the name of a
 * folder, which ends in '/', it may be shorter than the template.
 */
extern bool template_match(const PathTemplate *path_template, const char *key, bool is_folder,
						   void (*take) (void *arg, int column, const char *value, Size len),
						   void *arg);

#endif							/* S3_TEMPLATE_H */
