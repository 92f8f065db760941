/*-------------------------------------------------------------------------
 *
 * estimate.h
 *		How large a table is, as far as planning may find out.
 *
 * IDENTIFICATION
 *		src/fdw/estimate.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_ESTIMATE_H
#define S3_ESTIMATE_H

#include "fdw/layout.h"

/* Sums of a listing, and what the beginning of one of its objects shows. */
typedef struct TableEstimate
{
	int64		objects;
	double		stored;			/* bytes, as listed */
	double		bytes;			/* uncompressed, as far as names tell */
	double		split_bytes;	/* of those, in objects that can be cut */
	bool		complete;		/* false if there are more objects */

	/* of the sample */
	double		row_bytes;		/* of the uncompressed bytes, for each row; 0:
								 * not known */
	int			natts;
	const int32 *widths;		/* of attributes, as Datums; 0: not known */
} TableEstimate;

/*
 * The estimate for the objects that the clauses, which look at nothing else, let
 * pass; those of the layout are replaced by them.  A listing serves for a minute,
 * and so does a sample, which is read only if with_sample is set.  Pointers are
 * valid until the next call.  Failures of the listing are reported.
 */
extern void estimate_get(Oid relid, Oid userid, const S3TableOptions *options, S3Layout *layout,
						 S3ColumnOptions *const *columns, List *clauses, bool with_sample,
						 TableEstimate *estimate);

#endif							/* S3_ESTIMATE_H */
