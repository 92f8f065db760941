/*-------------------------------------------------------------------------
 *
 * sample.h
 *		Values of a sample of records, counted column by column.
 *
 * IDENTIFICATION
 *		src/schema/sample.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_SAMPLE_H
#define S3_SAMPLE_H

#include "fdw/manifest.h"
#include "schema/dialect.h"
#include "schema/guess.h"
#include "schema/schema.h"

/* A column as the objects have it. */
typedef struct SampleColumn
{
	char	   *source_name;	/* NULL: by position only */
	ColumnGuess guess;
} SampleColumn;

typedef struct Sample
{
	Dialect		dialect;
	FormatOptions format;		/* as the table will have them */
	int			ncolumns;
	SampleColumn *columns;
	int64		nrecords;

	bool		has_bom;		/* some object begins with a byte order mark */
	bool		headers_differ; /* not the same names in all objects seen */
	bool		names_unusable; /* some are empty, or twice in one object */
	bool		nothing_shared; /* some header has no name of those before */
	bool		widths_differ;	/* without header: not the same number of fields */
} Sample;

/*
 * Look at a sample of the objects of a manifest, of which there is at least
 * one.  In CurrentMemoryContext.
 */
extern Sample *sample_take(const SchemaRequest *request, S3Manifest *manifest);

#endif							/* S3_SAMPLE_H */
