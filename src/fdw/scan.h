/*-------------------------------------------------------------------------
 *
 * scan.h
 *		The state of a scan, for scan.c, feed.c, parallel.c and analyze.c, and for
 *		commands that read objects for a table which is not a foreign one.
 *
 * IDENTIFICATION
 *		src/fdw/scan.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_SCAN_STATE_H
#define S3_SCAN_STATE_H

#include "base/watch.h"
#include "fdw/chunk.h"
#include "fdw/layout.h"
#include "fdw/manifest.h"
#include "fdw/reject.h"
#include "fdw/stretch.h"
#include "format/encoding.h"
#include "format/tuple.h"
#include "s3/source.h"

/* What the processes of a parallel scan share besides manifest and queue. */
typedef struct S3ScanShared
{
	/* immutable once workers run */
	int			participants;	/* workers planned, and the leader */
	Size		queue_offset;	/* of the ChunkQueue, from here */
	Size		manifest_offset;

	S3RateLimit rate;			/* of all requests */

	/* sums of what the processes have done; each adds its own once */
	pg_atomic_uint64 objects_read;
	pg_atomic_uint64 requests;
	pg_atomic_uint64 retries;
	pg_atomic_uint64 bytes_received;

	RejectShared reject;
} S3ScanShared;

/* A claimed chunk whose bytes are on their way before its turn. */
typedef struct AheadChunk
{
	S3Chunk		chunk;
	S3Source   *source;			/* owned; of a whole object */
	Stretch    *stretch;		/* owned; of a stretch */
} AheadChunk;

#define MAX_AHEAD 64

/* A column that tells where the record is. */
typedef struct ColumnOfRecord
{
	AttrNumber	attnum;
	bool		is_line;		/* the line number, not the byte offset */
} ColumnOfRecord;

/* What is read, by whom and for which table; all borrowed for the scan's life. */
typedef struct ScanInput
{
	Relation	rel;			/* the foreign table, or what is loaded */
	bool		is_load;
	TupleDesc	desc;			/* of the rows: rel's, or some of its columns */
	const AttrNumber *attnums;	/* which, or NULL: all in rel's order */
	S3TableOptions *options;
	S3ColumnOptions **column_options;	/* per attribute; NULL: dropped */
	Oid			userid;
} ScanInput;

typedef struct S3ScanState
{
	/* set in BeginForeignScan, then constant */
	MemoryContext cxt;			/* the executor's, for the scan's life */
	ScanInput	input;
	S3TableOptions *options;	/* the input's */
	S3ColumnOptions **column_options;	/* the input's */
	S3Layout   *layout;
	S3Client   *client;
	S3RateLimit *own_rate;		/* the client's */
	S3ReadPool *pool;
	TupleReader *tuples;
	const RecordColumn *columns;	/* the TupleReader's */
	int			ncolumns;
	int			natts;
	bool	   *of_object;		/* per attribute: wanted, and the same for all
								 * rows of an object */
	ColumnOfRecord *of_record;	/* wanted ones made from its place */
	int			nof_record;
	bool		can_cut;		/* objects may be read in stretches */
	bool		(*open_chunk) (struct S3ScanState *scan);	/* scan_open_chunk(), or
															 * a caller's own */
	void	   *open_arg;		/* the caller's */
	Reject	   *reject;			/* NULL: what is bad is an error */
	AttrNumber *not_null;		/* with NULL in one of these a row is bad */
	int			nnot_null;
	bool		passes_over;	/* or, in a sample, not counted */
	MemoryContext row_cxt;		/* of rows that are tried; reset for each */

	/*
	 * Made at the first row, or before parallel workers start.  In a parallel
	 * scan they and shared are in memory that all its processes see.
	 */
	S3Manifest *manifest;		/* NULL until then */
	ChunkQueue *queue;
	ChunkSplit *splits;
	int			nsplits;
	S3ScanShared *shared;		/* NULL in a serial scan */
	StretchScan stretches;

	/* chunks to come */
	AheadChunk	ahead[MAX_AHEAD];	/* in order */
	int			nahead;
	int			max_ahead;		/* objects; grows with each that is finished */
	int			max_stretches;	/* ahead; grows when one had to be waited for */
	bool		begun;			/* a chunk has been opened */

	/* names in header lines: of the first object, and of the one read last */
	RecordHeader *first_header;
	RecordHeader *header;
	int			header_object;	/* whose header it is; -1: none */
	MemoryContext header_cxt;	/* holds header */

	/* the chunk being read; reader is NULL if there is none */
	MemoryContext chunk_cxt;	/* reset when it ends */
	int			object;			/* its number in the manifest */
	char	   *bucket;			/* in chunk_cxt, as are */
	char	   *key;
	char	   *version;		/* version id or entity tag, or NULL */
	S3Source   *source;			/* owned; the rest of the chain is in chunk_cxt */
	Stretch    *stretch;		/* owned; instead of source */
	int			slices;			/* of the stretch, handed out */
	RecordStart start;
	uint64		first_line;		/* lines of the object before the chunk's */
	int64		first_offset;	/* where in the object its records begin */
	bool		lines_unknown;	/* first_line is a guess */
	RecordReader *reader;
	const Record *record;		/* whose fields become a row just now, or NULL */
	TextRepairs repairs;		/* bytes replaced in records to come */

	/* of a scan that loads a table */
	Watch		watch;
	int64		rows;

	/* of this process; once the scan is shut down, of all of them */
	int64		objects_read;
	S3Stats		stats;
	bool		stats_shared;	/* they are in shared already */
} S3ScanState;

/* ---- scan.c ---- */

/*
 * A scan of the foreign table rel (borrowed) as userid, in CurrentMemoryContext;
 * and one of other input, with a copy of the client.
 */
extern S3ScanState *scan_create(Relation rel, Oid userid);
extern S3ScanState *scan_create_for(const ScanInput *input, const S3Client *client);

/*
 * Unless it is only to be explained, what it needs to read the needed
 * attributes; scan_begin() also does what options say about what is bad, for
 * which it may add to needed.
 */
extern void scan_prepare(S3ScanState *scan, const bool *needed, ExprContext *econtext);
extern void scan_begin(S3ScanState *scan, bool *needed, ExprContext *econtext);

/* List the objects, and read them all in this process. */
extern void scan_read_alone(S3ScanState *scan);

/* The next row into slot, which is empty; false at the end. */
extern bool scan_next(S3ScanState *scan, TupleTableSlot *slot);

/* The place of the row that was returned last, for an error context. */
extern void scan_tell_place(const S3ScanState *scan);

/* All has been read, or enough of it. */
extern void scan_end(S3ScanState *scan);

/* ---- feed.c ---- */

/* List what is to be read into scan->manifest, if that is not done yet. */
extern void scan_list_objects(S3ScanState *scan);

/*
 * Decide which objects are read in stretches by so many processes: into
 * scan->splits.
 */
extern void scan_plan_splits(S3ScanState *scan, int participants);

/* Go by this queue from now on. */
extern void scan_set_queue(S3ScanState *scan, ChunkQueue *queue);

/* Make scan->reader the reader of the next chunk; false if none is left. */
extern bool scan_open_chunk(S3ScanState *scan);

/*
 * For callers with chunks of their own.  Say which object is read next, number
 * i of the manifest; then make scan->reader the reader of all of it, with
 * scan->source if that is set, or of bytes of it, which begin with a record and
 * are none of its first ones.  CurrentMemoryContext is scan->chunk_cxt.
 */
extern void scan_set_object(S3ScanState *scan, int i, ManifestObject *object);
extern void scan_open_object(S3ScanState *scan, int i, const ManifestObject *object);
extern void scan_begin_bytes(S3ScanState *scan, int i, const ManifestObject *object);
extern void scan_open_bytes(S3ScanState *scan, ByteSource *bytes);

/* The names in the header line of the chunk being read, in CurrentMemoryContext. */
extern RecordHeader *scan_read_header(S3ScanState *scan);

/* Done with the chunk, at its end or before. */
extern void scan_close_chunk(S3ScanState *scan);

/* Done with the chunks to come. */
extern void scan_close_ahead(S3ScanState *scan);

#endif							/* S3_SCAN_STATE_H */
