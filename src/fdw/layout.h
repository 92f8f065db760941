/*-------------------------------------------------------------------------
 *
 * layout.h
 *		Columns whose values come from the object instead of its content.
 *
 * Metadata (key, size, ...), folders "k=v", and the parts of a path template.
 * A layout makes their values, and evaluates clauses that look at nothing else,
 * so that objects, and folders before they are listed, can be left out.
 *
 * IDENTIFICATION
 *		src/fdw/layout.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_LAYOUT_H
#define S3_LAYOUT_H

#include "access/tupdesc.h"
#include "base/option.h"
#include "fdw/manifest.h"
#include "nodes/execnodes.h"

typedef struct S3Layout S3Layout;

/*
 * The layout of a table with these columns, in CurrentMemoryContext.
 * column_options has one entry per attribute, or NULL for a dropped one; the
 * columns that the path template names get their name as "partition", which
 * marks them as not in the file.  All is borrowed but desc, which is copied.
 * Errors if the template names a column that is not there or comes from
 * elsewhere.
 */
extern S3Layout *layout_create(TupleDesc desc, const S3TableOptions *options,
							   S3ColumnOptions *const *column_options);

/* Is the attribute not in the file: of the object, or of the record? */
extern bool layout_is_external(const S3Layout *layout, AttrNumber attnum);

/* Is the attribute's value the same for all rows of an object? */
extern bool layout_is_of_object(const S3Layout *layout, AttrNumber attnum);

/* Does an attribute ask for the version of objects? */
extern bool layout_wants_version(const S3Layout *layout);

/*
 * The values of the attributes of the object for which needed[attnum - 1] is
 * set, into values[attnum - 1] and nulls[attnum - 1]; others are left alone.
 * Memory from CurrentMemoryContext.  A value that does not fit its column's
 * type raises that type's error, with object and column as context.
 */
extern void layout_values(S3Layout *layout, const ManifestObject *object,
						  const bool *needed, Datum *values, bool *nulls);

/*
 * A number (line, byte offset) as the attribute's type reads it, in
 * CurrentMemoryContext.
 */
extern Datum layout_number(S3Layout *layout, AttrNumber attnum, int64 number);

/*
 * Use clauses, which look at attributes of the object only, with AND between
 * them.  parent is the scan's plan state; NULL outside of an execution, where
 * clauses have no parameters.
 */
extern void layout_set_clauses(S3Layout *layout, List *clauses, PlanState *parent);

/* Is there one that can be decided for a folder? */
extern bool layout_prunes_folders(const S3Layout *layout);

/*
 * Error unless the object has all folders that columns are made of, and its key
 * matches the path template.
 */
extern void layout_check(S3Layout *layout, const ManifestObject *object);

/* Do the clauses let the object pass? */
extern bool layout_matches(S3Layout *layout, const ManifestObject *object);

/* Do those that look at the object's name only?  Only its name must be set. */
extern bool layout_matches_name(S3Layout *layout, const ManifestObject *object);

/*
 * Can objects below the folder pass, as far as its name tells?  Its info.key
 * ends in '/', or is empty.  *open is set if a name further down tells more.
 */
extern bool layout_matches_folder(S3Layout *layout, const ManifestObject *folder, bool *open);

/* NULL if a path template is right, else a sentence about what is wrong. */
extern const char *layout_template_check(const char *path_template);

#endif							/* S3_LAYOUT_H */
