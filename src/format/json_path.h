/*-------------------------------------------------------------------------
 *
 * json_path.h
 *		Where in a JSON value another one is: "user.address[0].city".
 *
 * A path is a list of steps from the record inwards.  "$" for the record may
 * stand before them, and alone.  A step is a key, .key or ."key" or ["key"]
 * (with either quote; the first one needs no dot unless "$" is there), or the
 * index of an array's element, [n], from 0.  In a quoted key a backslash takes
 * away the meaning of a quote or backslash behind it.
 *
 * IDENTIFICATION
 *		src/format/json_path.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_JSON_PATH_H
#define S3_JSON_PATH_H

#include "postgres.h"

#include "nodes/pg_list.h"

typedef struct JsonPathStep
{
	char	   *key;			/* NUL-terminated, or NULL: an element */
	int			index;			/* of the element */
} JsonPathStep;

/*
 * The steps of a path, none for "$".  If the path is wrong, NULL, with *reason
 * a sentence that says why.  Memory from CurrentMemoryContext.
 */
extern JsonPathStep *json_path_parse(const char *path, int *nsteps, const char **reason);

/*
 * The paths (char *) in the text of a jsonpaths file, {"jsonpaths": ["$.a",
 * ...]}, one for each column in order, each of them checked.  If the file is
 * wrong, NIL, with *reason a sentence that says why; else *reason is NULL.
 */
extern List *jsonpaths_parse(const char *text, Size len, const char **reason);

#endif							/* S3_JSON_PATH_H */
