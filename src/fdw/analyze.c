/*-------------------------------------------------------------------------
 *
 * analyze.c
 *		ANALYZE: a sample of rows from ranges of objects, and how many there are.
 *
 * Above: PostgreSQL's ANALYZE.  Below: scan.c, which makes rows of what is
 * opened here, so that options, columns and errors are those of a scan; and
 * sample.c, which finds records in the middle of an object.
 *
 * The bytes of all objects, one object after the other, are cut into so many
 * equal strata, and in each a piece is read: an object if it is small, a range
 * of it if it can be cut, else its beginning.  So objects are chosen by their
 * sizes, and each piece speaks for the bytes of its stratum.  A table that is
 * small is read as a whole.
 *
 * Rows are kept with a chance that is as large as the number of rows they speak
 * for (a reservoir by weights: of the keys u^(1/weight), u being random, the
 * largest stay).  Leaving out the smallest keys gives a smaller sample that is
 * as good; that is how memory is bounded.
 *
 * IDENTIFICATION
 *		src/fdw/analyze.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "base/config.h"
#include "commands/progress.h"
#include "common/pg_prng.h"
#include "executor/executor.h"
#include "fdw/fdw.h"
#include "fdw/sample.h"
#include "fdw/scan.h"
#include "format/codec.h"
#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/sampling.h"

/* Bytes that are read for each row wanted; of all objects, at least. */
#define BYTES_PER_ROW 1024
#define MIN_BYTES (1024 * 1024)

/*
 * A range; an object that is no larger than two of them is read as a whole.
 * Neighbouring rows are often alike, so many small ranges tell more than few
 * large ones, and cost more requests.
 */
#define PIECE_BYTES (128 * 1024)

/* Pieces: where objects are tiny, so many requests give fewer bytes. */
#define MIN_PIECES 32
#define MAX_PIECES 1024

/* What is decompressed of a piece, in bytes of text, is enough then. */
#define PIECE_TEXT (4 * PIECE_BYTES)

/* A piece so near to the beginning of its object begins there. */
#define NEAR_BEGINNING (64 * 1024)

/* What tells that an object cannot be cut is in so many bytes. */
#define LOOK_BYTES 4096

typedef enum PieceKind
{
	PIECE_WHOLE,				/* the object */
	PIECE_HEAD,					/* its beginning, about len bytes */
	PIECE_MIDDLE,				/* a range of it */
	PIECE_NONE					/* another piece stands for it */
} PieceKind;

typedef struct Piece
{
	PieceKind	kind;
	int			object;			/* index in the manifest */
	int64		start;
	int64		len;
	int64		size;			/* of the object */
	double		stands_for;		/* bytes of all objects */

	/* on their way; owned */
	S3Source   *source;
	S3Block    *block;
	S3Block    *look;			/* the object's beginning, if that may tell that it
								 * cannot be cut */
	bool		looked;
} Piece;

/* A row of the sample. */
typedef struct SampleRow
{
	double		key;
	HeapTuple	tuple;
} SampleRow;

typedef struct Analysis
{
	S3ScanState *scan;
	SampleFormat format;

	/* what is read */
	Piece	   *pieces;
	int			npieces;
	int			nasked;			/* pieces whose bytes were asked for */
	int			next;			/* the next one to be read; not more than nasked */
	Piece	   *current;		/* or NULL */
	int			good_object;	/* the last one of which a piece was read; -1: none */

	/* of the current piece */
	double		weight;			/* of its rows */
	int64		rows;
	int64		given;			/* bytes taken from its source so far */
	int64		rows_marked;	/* rows in the first bytes_marked bytes */
	int64		bytes_marked;

	/* of the pieces done */
	int64		objects;
	int64		all_rows;
	int64		all_bytes;
	double		stood_for;		/* bytes */
	double		rows_stood_for;

	/* the sample */
	MemoryContext cxt;			/* holds the tuples */
	pg_prng_state random;
	binaryheap *sample;			/* of SampleRow: the smallest key first */
	int			target;			/* rows wanted, and no more */
	Size		memory;			/* of the tuples */
} Analysis;

/* ------------------------------------------------------------------- what to read */

/* Can the object be cut, as far as its name tells? */
static bool
may_cut(const Analysis *a, const ManifestObject *object)
{
	return a->scan->can_cut &&
		!(a->scan->options->format.compression == COMPRESSION_AUTO &&
		  codec_by_suffix(object->info.key) != NULL);
}

/*
 * The piece at a byte of an object, or none if the piece before it, of the same
 * object, can speak for it.
 */
static void
add_piece(Analysis *a, int number, const ManifestObject *object, int64 at, double stands_for)
{
	Piece	   *last = a->npieces > 0 ? &a->pieces[a->npieces - 1] : NULL;
	Piece	   *piece = &a->pieces[a->npieces];

	if (last && last->object != number)
		last = NULL;
	memset(piece, 0, sizeof(*piece));
	piece->object = number;
	piece->size = object->info.size;
	piece->stands_for = stands_for;
	piece->len = PIECE_BYTES;
	if (object->info.size <= 2 * PIECE_BYTES)
	{
		piece->kind = PIECE_WHOLE;
		piece->len = object->info.size;
	}
	else if (!may_cut(a, object) || (last == NULL && at < NEAR_BEGINNING))
		piece->kind = PIECE_HEAD;
	else
	{
		piece->kind = PIECE_MIDDLE;
		piece->start = Min(at, object->info.size - PIECE_BYTES);
		if (last && piece->start < last->start + last->len)
			piece->start = last->start + last->len;
		piece->len = Min(PIECE_BYTES, object->info.size - piece->start);
	}
	if (last && (piece->kind != PIECE_MIDDLE || piece->len < PIECE_BYTES / 2))
	{
		last->stands_for += stands_for;
		if (piece->kind == PIECE_HEAD)
			last->len += PIECE_BYTES;
		return;
	}
	a->npieces++;
}

/* A byte in stratum n.  Ranges that begin in neighbouring ones do not overlap. */
static double
choose_byte(Analysis *a, int n, double stratum)
{
	return stratum * n +
		sampler_random_fract(&a->random) * Max(stratum - PIECE_BYTES, stratum / 2);
}

static void
choose_pieces(Analysis *a, int targrows)
{
	S3Manifest *manifest = a->scan->manifest;
	int64		wanted = Max((int64) targrows * BYTES_PER_ROW, MIN_BYTES);
	double		average = (double) manifest->bytes / Max(manifest->nobjects, 1);
	int			npieces = (int) Min(Max(wanted / Max(Min(average, PIECE_BYTES), 1), MIN_PIECES),
									MAX_PIECES);
	double		stratum = (double) manifest->bytes / npieces;
	bool		all = manifest->nobjects <= npieces && manifest->bytes <= wanted;
	double		before = 0;
	double		at = choose_byte(a, 0, stratum);
	int			chosen = 0;

	a->pieces = MemoryContextAllocZero(a->scan->cxt, npieces * sizeof(Piece));
	for (int i = 0; i < manifest->nobjects && chosen < npieces; i++)
	{
		ManifestObject object;

		CHECK_FOR_INTERRUPTS();
		manifest_object(manifest, i, &object);
		if (all)
			a->pieces[a->npieces++] = (Piece)
		{
			.kind = PIECE_WHOLE,.object = i,.len = object.info.size,
				.size = object.info.size,.stands_for = object.info.size
		};
		else
		{
			for (; chosen < npieces && at < before + object.info.size; chosen++)
			{
				add_piece(a, i, &object, (int64) Max(at - before, 0), stratum);
				at = choose_byte(a, chosen + 1, stratum);
			}
			before += object.info.size;
		}
	}
}

/* ------------------------------------------------------------------------ pieces */

static bool
is_of_same_object(const Analysis *a, int i, int j)
{
	return i >= 0 && j < a->npieces && a->pieces[i].object == a->pieces[j].object;
}

/* May the object's beginning tell that it cannot be cut, and does that matter? */
static bool
has_to_look(const Analysis *a, int i)
{
	const FormatOptions *format = &a->scan->options->format;

	return a->scan->can_cut && !a->pieces[i].looked &&
		(format->compression == COMPRESSION_AUTO || format->format == FORMAT_JSON) &&
		!is_of_same_object(a, i - 1, i) &&
		(a->pieces[i].kind == PIECE_MIDDLE || is_of_same_object(a, i, i + 1));
}

static void
release_piece(Piece *piece)
{
	if (piece->source)
		byte_source_close(s3_source_stream(piece->source));
	if (piece->block)
		s3_block_free(piece->block);
	if (piece->look)
		s3_block_free(piece->look);
	piece->source = NULL;
	piece->block = piece->look = NULL;
}

/* Ask for the bytes of a piece; false if there is no room, unless must is set. */
static bool
ask_for_piece(Analysis *a, int i, bool must)
{
	S3ScanState *scan = a->scan;
	Piece	   *piece = &a->pieces[i];
	MemoryContext save = MemoryContextSwitchTo(scan->cxt);
	ManifestObject object;
	bool		room = true;

	manifest_object(scan->manifest, piece->object, &object);
	if (has_to_look(a, i))
	{
		piece->look = s3_block_create(scan->client, scan->pool, object.bucket, &object.info, 0,
									  (Size) Min(LOOK_BYTES, piece->size), must);
		room = piece->look != NULL;
	}
	if (room && piece->kind == PIECE_MIDDLE)
	{
		piece->block = s3_block_create(scan->client, scan->pool, object.bucket, &object.info,
									   piece->start, (Size) piece->len, must);
		room = piece->block != NULL;
	}
	else if (room && piece->kind != PIECE_NONE)
	{
		piece->source = s3_source_create(scan->client, scan->pool, object.bucket, &object.info,
										 0, piece->size, piece->kind == PIECE_HEAD);
		s3_source_prefetch(piece->source);
	}
	if (!room)
		release_piece(piece);
	MemoryContextSwitchTo(save);
	return room;
}

/* The bytes of the next pieces, as far as there is room. */
static void
ask_ahead(Analysis *a)
{
	while (a->nasked < a->npieces && a->nasked < a->next + s3_read_concurrency &&
		   ask_for_piece(a, a->nasked, false))
		a->nasked++;
}

/* Read the object from its beginning, for this piece and all that follow. */
static void
read_head_instead(Analysis *a, int i)
{
	Piece	   *piece = &a->pieces[i];

	release_piece(piece);
	piece->kind = PIECE_HEAD;
	piece->len = PIECE_BYTES;
	piece->looked = true;
	for (int j = i + 1; is_of_same_object(a, i, j); j++)
	{
		piece->stands_for += a->pieces[j].stands_for;
		piece->len += PIECE_BYTES;
		a->pieces[j].kind = PIECE_NONE;
		release_piece(&a->pieces[j]);
	}
	(void) ask_for_piece(a, i, true);
}

/* What the piece that was read tells. */
static void
finish_piece(Analysis *a, int64 rows, int64 bytes)
{
	Piece	   *piece = a->current;

	a->current = NULL;
	release_piece(piece);
	a->all_rows += rows;
	a->all_bytes += bytes;
	a->stood_for += piece->stands_for;
	a->rows_stood_for += piece->stands_for * rows / Max(bytes, 1);
	pgstat_progress_update_param(PROGRESS_ANALYZE_BLOCKS_DONE, a->all_bytes / BLCKSZ);
}

/* Make the scan's reader one of the piece; false if nothing can be had of it. */
static bool
begin_piece(Analysis *a, int i, const ManifestObject *object)
{
	S3ScanState *scan = a->scan;
	Piece	   *piece = &a->pieces[i];

	if (piece->look)
	{
		bool		uncut;

		s3_block_wait(piece->look);
		uncut = stretch_is_uncut(&scan->options->format, piece->look, s3_block_len(piece->look));
		s3_block_free(piece->look);
		piece->look = NULL;
		if (uncut)
			read_head_instead(a, i);
	}
	if (piece->kind == PIECE_MIDDLE)
	{
		const char *data;
		Size		first;
		Size		last;

		s3_block_wait(piece->block);
		data = s3_block_data(piece->block);
		scan_begin_bytes(scan, piece->object, object);
		if (sample_find_records(&a->format, data, (Size) piece->len,
								piece->start + piece->len == piece->size, &first, &last))
		{
			scan->first_offset = piece->start + (int64) first;
			scan->first_line = a->all_bytes > 0 ?
				(uint64) ((double) scan->first_offset * a->all_rows / a->all_bytes) : 0;
			scan->lines_unknown = true;
			piece->len = (int64) (last - first);
			scan_open_bytes(scan, sample_source_create(data + first, last - first));
			return true;
		}
		if (a->good_object == piece->object)
			return false;
		read_head_instead(a, i);
	}
	scan->source = piece->source;
	piece->source = NULL;
	scan_open_object(scan, piece->object, object);
	return true;
}

/* The scan has read a chunk, or none yet, to its end. */
static bool
open_piece(S3ScanState *scan)
{
	Analysis   *a = scan->open_arg;

	if (a->current)
		finish_piece(a, a->rows, a->current->kind == PIECE_MIDDLE ?
					 a->current->len : a->current->size);
	while (a->next < a->npieces)
	{
		int			i = a->next++;
		Piece	   *piece = &a->pieces[i];
		MemoryContext save;
		ManifestObject object;
		bool		open;

		if (a->nasked <= i)
		{
			(void) ask_for_piece(a, i, true);
			a->nasked = i + 1;
		}
		ask_ahead(a);
		if (piece->kind == PIECE_NONE)
			continue;

		save = MemoryContextSwitchTo(scan->chunk_cxt);
		scan_set_object(scan, piece->object, &object);
		open = begin_piece(a, i, &object);
		MemoryContextSwitchTo(save);
		if (!open)
		{
			scan_close_chunk(scan);
			release_piece(piece);
			continue;
		}

		if (a->good_object != piece->object)
			a->objects++;
		a->good_object = piece->object;
		a->current = piece;
		a->weight = piece->stands_for / Max(Min(piece->len, piece->size), 1);
		a->rows = a->given = a->rows_marked = a->bytes_marked = 0;
		return true;
	}
	return false;
}

/* Does a row that was read belong to the next piece, which begins nearby? */
static bool
is_beyond_head(const Analysis *a)
{
	int			i = a->current - a->pieces;

	return a->current->kind == PIECE_HEAD && is_of_same_object(a, i, i + 1) &&
		a->pieces[i + 1].kind == PIECE_MIDDLE &&
		(int64) record_reader_offset(a->scan->reader) >= a->current->len;
}

/*
 * A row of the current piece has been read.  Whenever it took more bytes from
 * its source, those before are used up, and how many rows are in them is known;
 * when that is enough of an object's beginning, be done with it.
 */
static void
count_row(Analysis *a)
{
	S3ScanState *scan = a->scan;
	int64		given;

	a->rows++;
	if (a->current->kind == PIECE_MIDDLE)
		return;
	given = s3_source_given(scan->source);
	if (given == a->given)
		return;
	a->rows_marked = a->rows - 1;
	a->bytes_marked = a->given;
	a->given = given;
	if (a->current->kind == PIECE_HEAD && a->rows_marked > 0 &&
		(a->bytes_marked >= a->current->len ||
		 (int64) record_reader_offset(scan->reader) / PIECE_TEXT >= a->current->len / PIECE_BYTES))
	{
		scan_close_chunk(scan);
		finish_piece(a, a->rows_marked, a->bytes_marked);
	}
}

/* ------------------------------------------------------------------------ sample */

static int
compare_keys(Datum x, Datum y, void *arg)
{
	double		key_x = ((SampleRow *) DatumGetPointer(x))->key;
	double		key_y = ((SampleRow *) DatumGetPointer(y))->key;

	return key_x < key_y ? 1 : key_x > key_y ? -1 : 0;
}

static void
drop_smallest(Analysis *a)
{
	SampleRow  *row = (SampleRow *) DatumGetPointer(binaryheap_remove_first(a->sample));

	a->memory -= row->tuple->t_len;
	heap_freetuple(row->tuple);
	pfree(row);
}

static void
sample_row(Analysis *a, TupleTableSlot *slot)
{
	double		key = log(sampler_random_fract(&a->random)) / a->weight;
	MemoryContext save;
	SampleRow  *row;

	if (a->sample->bh_size >= a->target)
	{
		if (key <= ((SampleRow *) DatumGetPointer(binaryheap_first(a->sample)))->key)
			return;
		drop_smallest(a);
	}
	save = MemoryContextSwitchTo(a->cxt);
	row = palloc(sizeof(SampleRow));
	row->key = key;
	row->tuple = ExecCopySlotHeapTuple(slot);
	MemoryContextSwitchTo(save);
	binaryheap_add(a->sample, PointerGetDatum(row));
	a->memory += row->tuple->t_len;
	while (a->memory > (Size) maintenance_work_mem * 1024 && a->sample->bh_size > 1)
	{
		drop_smallest(a);
		a->target = a->sample->bh_size;
	}
}

/* Of a table that leaves bad rows out: is the row in the sample nevertheless? */
static bool
keep_row(void *arg, const TupleFault *fault)
{
	const S3TableOptions *options = arg;

	return fault->repaired || (fault->nullable && options->on_error == ON_ERROR_NULL);
}

/* --------------------------------------------------------------------- callbacks */

static void
read_pieces(Analysis *a, Relation rel)
{
	ExprContext *econtext = CreateStandaloneExprContext();
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsVirtual);
	bool	   *needed = palloc(Max(RelationGetDescr(rel)->natts, 1) * sizeof(bool));
	double		wanted = 0;

	for (int i = 0; i < RelationGetDescr(rel)->natts; i++)
		needed[i] = !TupleDescAttr(RelationGetDescr(rel), i)->attisdropped;
	scan_prepare(a->scan, needed, econtext);
	if (a->scan->options->on_error != ON_ERROR_STOP)
	{
		a->scan->passes_over = true;
		tuple_reader_set_handler(a->scan->tuples, keep_row, a->scan->options);
	}
	a->scan->open_chunk = open_piece;
	a->scan->open_arg = a;
	a->format.options = &a->scan->options->format;
	a->format.rule = a->scan->stretches.rule;
	a->format.columns = a->scan->columns;
	a->format.ncolumns = a->scan->ncolumns;
	a->format.start = &a->scan->start;
	for (int i = 0; i < a->npieces; i++)
		wanted += a->pieces[i].len;
	pgstat_progress_update_param(PROGRESS_ANALYZE_BLOCKS_TOTAL, (int64) (wanted / BLCKSZ));

	for (;;)
	{
		MemoryContext save;
		bool		found;

		ResetExprContext(econtext);
		ExecClearTuple(slot);
		save = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
		found = scan_next(a->scan, slot);
		MemoryContextSwitchTo(save);
		if (!found)
			break;
		if (is_beyond_head(a))
		{
			int64		bytes = (int64) record_reader_offset(a->scan->reader);

			scan_close_chunk(a->scan);
			finish_piece(a, a->rows, bytes);
			continue;
		}
		sample_row(a, slot);
		count_row(a);
	}
	ExecDropSingleTupleTableSlot(slot);
	FreeExprContext(econtext, true);
}

/*
 * Called as the table's owner, with all that is allowed then.
 */
static int
acquire_sample_rows(Relation rel, int elevel, HeapTuple *rows, int targrows,
					double *totalrows, double *totaldeadrows)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw analyze",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	Analysis   *a = palloc0(sizeof(Analysis));
	S3Manifest *manifest;
	int			nrows = 0;

	a->cxt = save;
	a->good_object = -1;
	a->target = targrows;
	a->sample = binaryheap_allocate(targrows + 1, compare_keys, NULL);
	pg_prng_seed(&a->random, pg_prng_uint64(&pg_global_prng_state));
	a->scan = scan_create(rel, rel->rd_rel->relowner);
	scan_list_objects(a->scan);
	manifest = a->scan->manifest;
	choose_pieces(a, targrows);
	read_pieces(a, rel);

	*totalrows = a->stood_for > 0 ? rint(a->rows_stood_for * manifest->bytes / a->stood_for) : 0;
	*totaldeadrows = 0;
	while (!binaryheap_empty(a->sample))
	{
		SampleRow  *row = (SampleRow *) DatumGetPointer(binaryheap_remove_first(a->sample));

		rows[nrows++] = row->tuple;
		pfree(row);
	}
	ereport(elevel,
			(errmsg("\"%s\": read %lld of %d objects, %lld of %lld bytes, containing %lld rows; %d rows in sample, %.0f estimated total rows",
					RelationGetRelationName(rel), (long long) a->objects, manifest->nobjects,
					(long long) a->all_bytes, (long long) manifest->bytes,
					(long long) a->all_rows, nrows, *totalrows)));
	manifest_free(manifest);
	MemoryContextSwitchTo(save);
	MemoryContextDelete(cxt);
	return nrows;
}

/*
 * The size as pages; ANALYZE keeps it beside the number of rows, and plan.c
 * compares it with what is there when it plans.
 */
bool
s3AnalyzeForeignTable(Relation rel, AcquireSampleRowsFunc *func, BlockNumber *totalpages)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw analyze",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	Oid			save_userid;
	int			save_context;
	int			save_nest_level;
	S3ScanState *scan;

	/* As for what follows, the owner's functions are not run as anybody else. */
	GetUserIdAndSecContext(&save_userid, &save_context);
	SetUserIdAndSecContext(rel->rd_rel->relowner, save_context | SECURITY_RESTRICTED_OPERATION);
	save_nest_level = NewGUCNestLevel();

	scan = scan_create(rel, rel->rd_rel->relowner);
	scan_list_objects(scan);
	*totalpages = (BlockNumber) Min(((double) scan->manifest->bytes + BLCKSZ - 1) / BLCKSZ,
									(double) MaxBlockNumber);
	*func = acquire_sample_rows;
	manifest_free(scan->manifest);

	AtEOXact_GUC(false, save_nest_level);
	SetUserIdAndSecContext(save_userid, save_context);
	MemoryContextSwitchTo(save);
	MemoryContextDelete(cxt);
	return true;
}
