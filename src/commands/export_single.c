/*-------------------------------------------------------------------------
 *
 * export_single.c
 *		Writers of one object: by one process, or by all processes of a query.
 *
 *	slot -> TupleWriter -> lines -> codec -> S3Upload
 *
 * When all write, each cuts its rows into parts that end between two rows, and
 * a codec's stream (a gzip member, a zstd frame) ends with the part; so parts
 * may stand in any order.  What has to stand first, the header line or an
 * array's bracket, and what has to stand between parts, an array's comma, is
 * put before a part when its place is known.
 *
 * IDENTIFICATION
 *		src/commands/export_single.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/export.h"
#include "format/tuple.h"
#include "miscadmin.h"
#include "utils/memutils.h"

typedef struct SingleWriter
{
	ExportWriter base;			/* must be first */

	/* constant */
	const ExportJob *job;		/* borrowed */
	S3UploadLog *log;			/* borrowed; NULL: this process alone */
	S3Upload   *upload;			/* borrowed */
	TupleWriter *rows;

	/* the stream of a codec */
	MemoryContext codec_cxt;	/* for one stream */
	ByteSink   *sink;			/* codec or upload; NULL: none open */

	MemoryContext row_cxt;
	StringInfoData lines;
	int64		nrows;			/* since they were last counted */
	int64		nbytes;			/* of the upload, when last counted */
} SingleWriter;

/* A sink into a string. */
typedef struct StringSink
{
	ByteSink	base;			/* must be first */
	StringInfo	out;
} StringSink;

/* ------------------------------------------------------------------------ streams */

static void
string_write(ByteSink *self, const char *data, Size len)
{
	appendBinaryStringInfo(((StringSink *) self)->out, data, (int) len);
}

static void
string_nothing(ByteSink *self)
{
}

static const ByteSinkOps string_ops = {
	.write = string_write,
	.finish = string_nothing,
	.close = string_nothing
};

/* A stream of its own that holds text; of nothing, nothing. */
static void
encode(const ExportJob *job, const char *text, Size len, StringInfo out)
{
	StringSink	target = {{&string_ops}, out};
	ByteSink   *sink = &target.base;

	if (len == 0)
		return;
	if (job->codec)
		sink = job->codec->open_sink(sink);
	byte_sink_write(sink, text, len);
	byte_sink_finish(sink);
	if (job->codec)
		byte_sink_close(sink);
}

static void
open_stream(SingleWriter *writer)
{
	MemoryContext save;

	writer->sink = s3_upload_sink(writer->upload);
	if (writer->job->codec == NULL)
		return;
	save = MemoryContextSwitchTo(writer->codec_cxt);
	writer->sink = writer->job->codec->open_sink(writer->sink);
	MemoryContextSwitchTo(save);
}

static void
close_stream(SingleWriter *writer)
{
	if (writer->sink == NULL)
		return;
	byte_sink_finish(writer->sink);
	if (writer->job->codec)
		byte_sink_close(writer->sink);
	writer->sink = NULL;
	MemoryContextReset(writer->codec_cxt);
}

/* ---------------------------------------------------------------------------- rows */

static void
count(SingleWriter *writer)
{
	int64		bytes = s3_upload_bytes(writer->upload);

	export_check(writer->job, writer->log, writer->nrows, bytes - writer->nbytes);
	writer->nrows = 0;
	writer->nbytes = bytes;
}

static void
flush_lines(SingleWriter *writer)
{
	if (writer->sink == NULL)
		open_stream(writer);
	byte_sink_write(writer->sink, writer->lines.data, writer->lines.len);
	resetStringInfo(&writer->lines);
	if (writer->log && s3_upload_is_full(writer->upload))
	{
		close_stream(writer);
		s3_upload_send(writer->upload);
		tuple_write_restart(writer->rows);
	}
	count(writer);
}

static void
write_row(ExportWriter *self, TupleTableSlot *slot)
{
	SingleWriter *writer = (SingleWriter *) self;
	MemoryContext save = MemoryContextSwitchTo(writer->row_cxt);

	tuple_write(writer->rows, slot);
	writer->nrows++;
	MemoryContextSwitchTo(save);
	MemoryContextReset(writer->row_cxt);
	if (writer->lines.len >= EXPORT_LINE_BUFFER)
		flush_lines(writer);
}

static void
finish_alone(ExportWriter *self)
{
	SingleWriter *writer = (SingleWriter *) self;

	tuple_write_footer(writer->rows);

	/* an empty stream of a codec is not empty */
	if (writer->lines.len > 0 || writer->sink == NULL)
		flush_lines(writer);
	close_stream(writer);
	count(writer);
}

static void
finish_share(ExportWriter *self)
{
	SingleWriter *writer = (SingleWriter *) self;

	if (writer->lines.len > 0)
		flush_lines(writer);
	close_stream(writer);
	count(writer);
	s3_upload_leave(writer->upload);
}

static const ExportWriterOps alone_ops = {
	.row = write_row,
	.finish = finish_alone
};

static const ExportWriterOps share_ops = {
	.row = write_row,
	.finish = finish_share
};

static SingleWriter *
create(const ExportJob *job, TupleDesc desc)
{
	SingleWriter *writer = palloc0(sizeof(SingleWriter));

	writer->job = job;
	initStringInfo(&writer->lines);
	enlargeStringInfo(&writer->lines, EXPORT_LINE_BUFFER + 1024);
	writer->row_cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw export row",
											ALLOCSET_DEFAULT_SIZES);
	writer->codec_cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw export codec",
											  ALLOCSET_DEFAULT_SIZES);
	writer->rows = tuple_writer_create(desc, &job->options->format,
									   export_force_quote(job, desc), &writer->lines);
	return writer;
}

ExportWriter *
export_single_create(const ExportJob *job, TupleDesc desc, S3Upload *upload)
{
	SingleWriter *writer = create(job, desc);

	writer->base.ops = &alone_ops;
	writer->upload = upload;
	tuple_write_header(writer->rows);
	return &writer->base;
}

/* ---------------------------------------------------------------- all processes */

/* What goes before the first part, before others, and at the end. */
typedef struct Ends
{
	StringInfoData first;
	StringInfoData between;
	StringInfoData last;
} Ends;

static void
make_ends(const ExportJob *job, TupleDesc desc, bool any, Ends *ends)
{
	bool		array = job->options->format.format == FORMAT_JSON && job->options->format.array;
	StringInfoData text;
	TupleWriter *rows;

	initStringInfo(&ends->first);
	initStringInfo(&ends->between);
	initStringInfo(&ends->last);
	initStringInfo(&text);
	rows = tuple_writer_create(desc, &job->options->format, NULL, &text);
	tuple_write_header(rows);
	encode(job, text.data, text.len, &ends->first);
	if (array)
	{
		encode(job, ",", 1, &ends->between);
		if (any)
			encode(job, "\n]", 2, &ends->last);
		else
			encode(job, "]", 1, &ends->last);
	}

	/* an object of nothing is a stream of nothing */
	if (!any && text.len == 0 && job->codec)
	{
		StringSink	target = {{&string_ops}, &ends->first};
		ByteSink   *sink = job->codec->open_sink(&target.base);

		byte_sink_finish(sink);
		byte_sink_close(sink);
	}
}

ExportWriter *
export_shared_create(const ExportJob *job, TupleDesc desc, S3UploadLog *log)
{
	SingleWriter *writer = create(job, desc);
	Ends		ends;

	make_ends(job, desc, true, &ends);
	writer->base.ops = &share_ops;
	writer->log = log;
	writer->upload = s3_upload_join(log, &job->upload, ends.first.data, ends.first.len,
									ends.between.data, ends.between.len);
	return &writer->base;
}

void
export_shared_end(const ExportJob *job, TupleDesc desc, S3UploadLog *log, int64 rows)
{
	Ends		ends;

	make_ends(job, desc, rows > 0, &ends);
	s3_upload_log_end_object(log, &job->upload, ends.first.data, ends.first.len,
							 ends.between.data, ends.between.len,
							 ends.last.data, ends.last.len, rows);
}
