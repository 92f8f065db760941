/*-------------------------------------------------------------------------
 *
 * estimate.c
 *		How large a table is, as far as planning may find out.
 *
 * Above: plan.c.  A listing is what tells the size of a location; its sums are
 * remembered for a minute, since planning the same tables again and again
 * should cost no network.  Only estimates come from there: a scan always makes
 * a listing of its own.
 *
 * How many rows so many bytes are is told by ANALYZE.  Before that, the
 * beginning of one object is read together with the listing, and remembered as
 * long: one request, seldom two, and rows and widths are known well enough to join by.
 *
 * Invariant: whatever is wrong with the sampled object, planning goes on
 * without; only the scan says so.
 *
 * IDENTIFICATION
 *		src/fdw/estimate.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/table.h"
#include "base/compat.h"
#include "base/config.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fdw/estimate.h"
#include "fdw/stretch.h"
#include "foreign/foreign.h"
#include "format/codec.h"
#include "format/encoding.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "s3/request.h"
#include "s3/source.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* How long the sums of a listing, and a sample, serve. */
#define ESTIMATE_AGE_MS 60000
#define MAX_ESTIMATES 64

/* Keys listed for an estimate; of more, the beginning has to speak for all. */
#define ESTIMATE_KEYS 5000

/* Planning waits no longer than this for the sample. */
#define SAMPLE_TIMEOUT_MS 2000

/*
 * Compressed bytes that give no row at all, blocks of bzip2 being large, are
 * read once more, and so many.
 */
#define LARGE_SAMPLE (1024 * 1024)

/* Of a sample that holds no whole row: one row is taken for so many times that. */
#define ROW_BEYOND_SAMPLE 2

/* What text usually shrinks to. */
static const struct
{
	const char *suffix;
	int			compression;
	double		ratio;
}			ratios[] = {
	{".gz", COMPRESSION_GZIP, 4.0},
	{".zst", COMPRESSION_ZSTD, 4.0},
	{".bz2", COMPRESSION_BZIP2, 5.0},
	{".xz", COMPRESSION_XZ, 6.0},
	{".lz4", COMPRESSION_LZ4, 2.5}
};

/* Whose and of what; all that is remembered begins so. */
typedef struct EstimateKey
{
	Oid			relid;
	Oid			userid;
	uint64		options;		/* hash of the table's */
	uint64		clauses;		/* hash of those that were used; 0: none */
	TimestampTz taken;			/* 0: the entry is free */
} EstimateKey;

typedef struct Listing
{
	EstimateKey key;
	TableEstimate sums;			/* without what is of the sample */
} Listing;

typedef struct Sample
{
	EstimateKey key;
	double		row_bytes;		/* 0: not known */
	int			natts;
	int32	   *widths;			/* malloc'd */
} Sample;

static Listing listings[MAX_ESTIMATES];
static Sample samples[MAX_ESTIMATES];

/* ------------------------------------------------------------------ remembering */

/*
 * The entry of an array (entries of size bytes) for the key; *fresh tells
 * whether it is one that serves.  Else it is to be filled.
 */
static void *
find_entry(void *entries, Size size, const EstimateKey *key, bool *fresh)
{
	EstimateKey *oldest = entries;

	for (int i = 0; i < MAX_ESTIMATES; i++)
	{
		EstimateKey *entry = (EstimateKey *) ((char *) entries + i * size);

		if (entry->relid == key->relid && entry->userid == key->userid &&
			entry->options == key->options && entry->clauses == key->clauses &&
			entry->taken != 0)
		{
			*fresh = !TimestampDifferenceExceeds(entry->taken, key->taken, ESTIMATE_AGE_MS);
			return entry;
		}
		if (entry->taken < oldest->taken)
			oldest = entry;
	}
	*fresh = false;
	return oldest;
}

static uint64
hash_nodes(const void *nodes)
{
	char	   *text = nodeToString(nodes);

	return DatumGetUInt64(hash_any_extended((unsigned char *) text, (int) strlen(text), 1));
}

/* --------------------------------------------------------------------- listings */

/* How many times larger an object is when it is uncompressed. */
static double
expansion(const char *key, int compression)
{
	Size		len = strlen(key);

	for (int i = 0; i < (int) lengthof(ratios); i++)
	{
		Size		n = strlen(ratios[i].suffix);

		if (compression == ratios[i].compression ||
			(compression == COMPRESSION_AUTO && len > n &&
			 pg_strcasecmp(key + len - n, ratios[i].suffix) == 0))
			return ratios[i].ratio;
	}
	return 1.0;
}

static void
sum_up(S3Manifest *manifest, const S3TableOptions *options, TableEstimate *sums)
{
	BoundaryRule rule;
	bool		can_cut = stretch_rule(&options->format, &rule);

	memset(sums, 0, sizeof(*sums));
	sums->objects = manifest->nobjects;
	sums->complete = manifest->complete;
	for (int i = 0; i < manifest->nobjects; i++)
	{
		ManifestObject object;
		double		factor;

		manifest_object(manifest, i, &object);
		factor = expansion(object.info.key, options->format.compression);
		sums->stored += object.info.size;
		sums->bytes += object.info.size * factor;
		if (factor == 1.0 && can_cut)
			sums->split_bytes += object.info.size;
	}
}

/* ----------------------------------------------------------------------- samples */

/* The bytes that were read; then, unless the object ends there, a way out. */
typedef struct HeadSource
{
	ByteSource	base;
	const char *data;
	Size		len;			/* not handed out yet */
	bool		cut;			/* the object goes on */
	const char *content_encoding;
} HeadSource;

/* What was counted. */
typedef struct HeadCount
{
	int64		rows;
	double	   *lengths;		/* of fields, per column */
	int64	   *values;			/* fields that are not NULL */
} HeadCount;

static bool
head_next(ByteSource *self, const char **data, Size *len)
{
	HeadSource *head = (HeadSource *) self;

	if (head->len == 0 && head->cut)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg_internal("end of the sample")));
	*data = head->data;
	*len = head->len;
	head->len = 0;
	return *len > 0;
}

static void
head_close(ByteSource *self)
{
}

static const ByteSourceOps head_ops = {
	.next = head_next,
	.close = head_close
};

static const char *
head_content_encoding(void *arg)
{
	return ((HeadSource *) arg)->content_encoding;
}

static void
count_rows(HeadSource *head, const char *key, const FormatOptions *format,
		   const RecordColumn *columns, int ncolumns, bool has_header, HeadCount *count)
{
	CodecHints	hints = {.key = key,.content_encoding = head_content_encoding,.arg = head};
	RecordStart start = {.at_beginning = true,.has_header = has_header};
	ByteSource *stream = codec_open_source(&head->base, format->compression, &hints);
	RecordReader *reader;
	Record		record;
	RecordStatus status;

	stream = text_source_create(stream, format->encoding, true);
	reader = record_reader_create(stream, format, columns, ncolumns, &start);
	while ((status = record_reader_next(reader, &record)) != RECORD_END)
	{
		if (count->rows++ % 1000 == 0)
			CHECK_FOR_INTERRUPTS();
		if (status == RECORD_BAD)
		{
			if (record.error.fatal)
				break;
			continue;
		}
		for (int i = 0; i < ncolumns; i++)
		{
			if (columns[i].needed && record.fields[i].data)
			{
				count->lengths[i] += record.fields[i].len;
				count->values[i]++;
			}
		}
	}
}

/*
 * The same, whatever is wrong with the bytes.  They are in memory, and what
 * reads them holds nothing but memory, which is the caller's to free; so what
 * is thrown on account of them can be dropped without a subtransaction.
 */
static void
count_rows_safely(HeadSource *head, const char *key, const FormatOptions *format,
				  const RecordColumn *columns, int ncolumns, bool has_header, HeadCount *count)
{
	MemoryContext cxt = CurrentMemoryContext;

	PG_TRY();
	{
		count_rows(head, key, format, columns, ncolumns, has_header, count);
	}
	PG_CATCH();
	{
		ErrorData  *error;
		int			category;

		MemoryContextSwitchTo(cxt);
		error = CopyErrorData();
		category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
		if (category != ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION) &&
			category != ERRCODE_TO_CATEGORY(ERRCODE_PROGRAM_LIMIT_EXCEEDED) &&
			category != ERRCODE_TO_CATEGORY(ERRCODE_FEATURE_NOT_SUPPORTED))
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
}

/* Bytes of a Datum of the type for a text of len bytes; 0: its type tells. */
static int32
width_of(Oid type, int32 typmod, double len)
{
	type = getBaseType(type);
	if (get_typlen(type) > 0)
		return 0;
	if (type == BPCHAROID)
		len = Max(len, typmod - VARHDRSZ);
	else if (type == NUMERICOID)
		len = 2 + len / 2;
	else if (type == BYTEAOID)
		len = Max(len / 2 - 1, 0);
	len += len < 127 ? VARHDRSZ_SHORT : VARHDRSZ;
	return (int32) Min(Max(rint(len), 1), MaxAllocSize);
}

/*
 * Widths of columns about the object.  Only text is asked for: it is made
 * without running anybody's functions.
 */
static void
object_widths(TupleDesc desc, S3Layout *layout, const ManifestObject *object, int32 *widths)
{
	bool	   *needed = palloc0(Max(desc->natts, 1) * sizeof(bool));
	Datum	   *values = palloc(Max(desc->natts, 1) * sizeof(Datum));
	bool	   *nulls = palloc(Max(desc->natts, 1) * sizeof(bool));

	for (int i = 0; i < desc->natts; i++)
		needed[i] = TupleDescAttr(desc, i)->atttypid == TEXTOID &&
			!TupleDescAttr(desc, i)->attisdropped && layout_is_of_object(layout, i + 1);
	layout_values(layout, object, needed, values, nulls);
	for (int i = 0; i < desc->natts; i++)
	{
		if (needed[i] && !nulls[i])
			widths[i] = width_of(TEXTOID, -1, VARSIZE_ANY_EXHDR(DatumGetPointer(values[i])));
	}
}

/* The beginning of the object, size bytes, or NULL if it cannot be had soon. */
static char *
read_head(const S3Client *client, const ManifestObject *object, Size size,
		  const char **content_encoding)
{
	char	   *data = palloc(size + STREAM_PADDING);
	S3Call	   *call = s3_source_range_call(client, object->bucket, &object->info, 0, size, data);
	bool		ok;

	s3_call_start(call);
	ok = s3_call_wait(call, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), SAMPLE_TIMEOUT_MS));
	*content_encoding = ok && call->http.content_encoding[0] ?
		pstrdup(call->http.content_encoding) : NULL;
	s3_call_free(call);
	return ok ? data : NULL;
}

/* Of the columns of a file only those are read whose width is not fixed. */
static RecordColumn *
record_columns(TupleDesc desc, const S3Layout *layout, S3ColumnOptions *const *options,
			   const FormatOptions *format, int *ncolumns, AttrNumber *attnums)
{
	RecordColumn *columns = palloc0(Max(desc->natts, 1) * sizeof(RecordColumn));

	*ncolumns = 0;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		RecordColumn *column = &columns[*ncolumns];

		if (attr->attisdropped || layout_is_external(layout, i + 1))
			continue;
		column->name = options[i]->column_name ? options[i]->column_name : NameStr(attr->attname);
		column->path = options[i]->path;
		column->needed = width_of(attr->atttypid, attr->atttypmod, 1) > 0 &&
			format->jsonpaths == NULL;
		column->raw_json = format->format == FORMAT_JSON &&
			(getBaseType(attr->atttypid) == JSONOID || getBaseType(attr->atttypid) == JSONBOID);
		column->force_null = options[i]->force_null;
		column->force_not_null = options[i]->force_not_null;
		attnums[(*ncolumns)++] = i + 1;
	}
	return columns;
}

/* Read the beginning of the object in whose bytes the middle of all bytes is. */
static void
take_sample(const S3Client *client, Relation rel, const S3TableOptions *options, S3Layout *layout,
			S3ColumnOptions *const *column_options, S3Manifest *manifest, Sample *sample)
{
	TupleDesc	desc = RelationGetDescr(rel);
	FormatOptions format = options->format;
	AttrNumber *attnums = palloc(Max(desc->natts, 1) * sizeof(AttrNumber));
	int64		before = 0;
	ManifestObject object;
	HeadSource	head = {.base = {.ops = &head_ops}};
	HeadCount	count = {0};
	RecordColumn *columns;
	int			ncolumns;
	int			nneeded = 0;
	Size		size;
	bool		is_first;
	bool		is_compressed;
	double		factor;

	for (int i = 0; i < manifest->nobjects; i++)
	{
		manifest_object(manifest, i, &object);
		before += object.info.size;
		if (before > manifest->bytes / 2)
			break;
	}

	factor = expansion(object.info.key, format.compression);

	/* Without the names, fields cannot be told from each other. */
	is_first = manifest->first && strcmp(manifest->first->bucket, object.bucket) == 0 &&
		strcmp(manifest->first->info.key, object.info.key) == 0;
	columns = record_columns(desc, layout, column_options, &format, &ncolumns, attnums);
	if (format.header == HEADER_FIRST && format.match_by == MATCH_BY_NAME && !is_first)
	{
		format.match_by = MATCH_BY_POSITION;
		format.extra_fields = format.missing_fields = RAGGED_ACCEPT;
		for (int i = 0; i < ncolumns; i++)
			columns[i].needed = false;
	}

	size = (Size) Min((int64) s3_plan_sample_size * 1024, object.info.size);
	if (size == 0 || s3_object_is_archived(&object.info))
		return;
	count.lengths = palloc0(Max(ncolumns, 1) * sizeof(double));
	count.values = palloc0(Max(ncolumns, 1) * sizeof(int64));
	for (bool again = false;; again = true)
	{
		head.data = read_head(client, &object, size, &head.content_encoding);
		if (head.data == NULL)
			return;
		head.len = size;
		head.cut = object.info.size > (int64) size;
		count_rows_safely(&head, object.info.key, &format, columns, ncolumns,
						  format.header == HEADER_TRUE || format.header == HEADER_MATCH ||
						  (format.header == HEADER_FIRST && is_first), &count);
		is_compressed = factor != 1.0 ||
			codec_recognizes(head.data, Min(size, CODEC_MAX_MAGIC));
		if (count.rows > 0 || !is_compressed || !head.cut || again)
			break;
		size = (Size) Min(LARGE_SAMPLE, object.info.size);
	}

	/* Of compressed bytes that are no row, nothing can be said. */
	if (count.rows > 0)
		sample->row_bytes = factor * size / count.rows;
	else if (!is_compressed && head.cut)
		sample->row_bytes = (double) Min((int64) size * ROW_BEYOND_SAMPLE, object.info.size);

	/* A row that is longer than the sample is made of long values. */
	for (int i = 0; i < ncolumns; i++)
		nneeded += columns[i].needed;
	for (int i = 0; i < ncolumns; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, attnums[i] - 1);
		double		len = count.values[i] > 0 ? count.lengths[i] / count.values[i] :
			count.rows == 0 && columns[i].needed ? sample->row_bytes / nneeded : 0;

		if (count.values[i] > 0 || len > 0)
			sample->widths[attnums[i] - 1] = width_of(attr->atttypid, attr->atttypmod, len);
	}
	object_widths(desc, layout, &object, sample->widths);
}

/* Fill the entry, even if only with what keeps us from trying again at once. */
static void
fill_sample(Sample *sample, const EstimateKey *key, const S3Client *client,
			const S3TableOptions *options, S3Layout *layout,
			S3ColumnOptions *const *columns, S3Manifest *manifest)
{
	Relation	rel = table_open(key->relid, NoLock);
	Sample		taken = {.key = *key,.natts = RelationGetDescr(rel)->natts};
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw sample",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	int32	   *widths;

	taken.widths = palloc0(Max(taken.natts, 1) * sizeof(int32));
	if (manifest->nobjects > 0)
		take_sample(client, rel, options, layout, columns, manifest, &taken);
	table_close(rel, NoLock);

	widths = malloc(Max(taken.natts, 1) * sizeof(int32));
	if (widths == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	memcpy(widths, taken.widths, taken.natts * sizeof(int32));
	taken.widths = widths;
	free(sample->widths);
	*sample = taken;
	MemoryContextSwitchTo(save);
	MemoryContextDelete(cxt);
}

/* ------------------------------------------------------------------------- both */

void
estimate_get(Oid relid, Oid userid, const S3TableOptions *options, S3Layout *layout,
			 S3ColumnOptions *const *columns, List *clauses, bool with_sample,
			 TableEstimate *estimate)
{
	ForeignTable *table = GetForeignTable(relid);
	EstimateKey key = {.relid = relid,.userid = userid};
	Listing    *listing;
	Sample	   *sample = NULL;
	bool		listed;
	bool		sampled = true;

	key.options = hash_nodes(table->options);
	key.taken = GetCurrentTimestamp();
	if (with_sample)
		sample = find_entry(samples, sizeof(Sample), &key, &sampled);
	if (clauses)
		key.clauses = hash_nodes(clauses);
	listing = find_entry(listings, sizeof(Listing), &key, &listed);

	if (!listed || !sampled)
	{
		S3Stats		stats = {0};
		S3Client   *client = s3_client_create(table->serverid, userid, &stats);
		S3Manifest *manifest;

		clauses = copyObject(clauses);
		fix_opfuncids((Node *) clauses);
		layout_set_clauses(layout, clauses, NULL);
		manifest = manifest_build(client, options, layout, ESTIMATE_KEYS);
		sum_up(manifest, options, &listing->sums);
		listing->key = key;
		if (!sampled)
		{
			key.clauses = 0;
			fill_sample(sample, &key, client, options, layout, columns, manifest);
		}
		manifest_free(manifest);
	}
	*estimate = listing->sums;
	if (sample)
	{
		estimate->row_bytes = sample->row_bytes;
		estimate->natts = sample->natts;
		estimate->widths = sample->widths;
	}
}
