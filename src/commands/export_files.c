/*-------------------------------------------------------------------------
 *
 * export_files.c
 *		Many files below a prefix: which one a row goes to, when they begin
 *		and end.
 *
 * Each process of an export writes files of its own, a slice of the rows.  A
 * file is complete by itself:
 *
 *	slot -> TupleWriter -> lines -> codec -> S3Upload
 *
 * with a header line, the end of an array, and the codec's trailer.  A file
 * that is full is sealed, and the next one of its folder begins with the row
 * that had no room.  No row is cut.
 *
 * Without partitions one file is open at a time.  With them, the first row of a
 * folder opens a file, and there is a limit for the number of open files and
 * for the memory that they take (buffers, codec, lines).  When it is reached,
 * the file used least recently is sealed and its folder closed.  Rows that come
 * later for a closed folder are put aside, sorted by folder at the end, and
 * written folder by folder.  So rows in the order of their folders need no
 * sort, and in any other order a folder gets two files at most, unless limits
 * of size cut them.
 *
 * A row for a closed folder tells that the order is not that of the folders.
 * From then on new folders do not push out open ones: for want of room their
 * rows are put aside at once, and such a folder gets one file.
 *
 * Above: the export, as a DestReceiver or as a node of a plan.  Below: the
 * format, and s3/upload_log.h, to which uploads belong.  Beside:
 * export_name.c and export_partition.c.
 *
 * Invariant: a folder's file is in the list of open files, which is in the
 * order of use, and a closed folder has none until the rows put aside are
 * written.
 *
 * IDENTIFICATION
 *		src/commands/export_files.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/config.h"
#include "commands/export_files.h"
#include "common/hashfn.h"
#include "format/tuple.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* With partitions. */
#define MAX_OPEN_FILES 256
#define PARTITION_LINE_BUFFER (8 * 1024)

/* Of a file's part buffer, which grows from it. */
#define FIRST_BUFFER (64 * 1024)

typedef struct OpenFile OpenFile;

/* Of these there is one for each folder a row was for; about 100 bytes. */
typedef struct Folder
{
	char	   *name;			/* "" or with a slash at its end; the hash key */
	OpenFile   *file;			/* or NULL */
	int			next_part;
	bool		closed;			/* rows are put aside */
} Folder;

struct OpenFile
{
	dlist_node	node;			/* in ExportFiles.open */
	MemoryContext cxt;			/* holds all of it but the upload */
	Folder	   *folder;
	S3Upload   *upload;			/* the log's, once sealed */
	ByteSink   *sink;			/* codec or upload */
	TupleWriter *writer;
	StringInfoData lines;		/* not yet in the sink */
	int			footer_len;		/* bytes; known from the first row on */
	int64		rows;
	int64		given;			/* bytes given to the sink */
	int64		out;			/* bytes that have come to the upload */
	int64		given_at_out;	/* given, when out was last seen to grow */
	Size		memory;			/* when last looked at */
};

typedef struct ExportFiles
{
	ExportWriter base;

	/* constant */
	MemoryContext cxt;
	const ExportJob *job;
	S3UploadLog *log;
	TupleDesc	desc;			/* of the rows; borrowed */
	TupleDesc	file_desc;		/* the same, without columns left out */
	bool	   *force_quote;
	ExportName *name;
	ExportPartition *partition; /* or NULL */
	S3UploadOptions upload;
	Size		memory_limit;	/* of open files; with partitions */
	int			line_buffer;

	int			slice;			/* -1 until a file is written */
	MemoryContext row_cxt;		/* reset for each row */
	int64		rows;			/* not yet counted in the log */

	/* open files, the one used last first */
	dlist_head	open;
	int			nopen;
	Size		memory;			/* sum over them */
	Size		file_memory;	/* what one more will take, at first */

	/* folders */
	Folder		root;			/* without partitions */
	Folder	   *last;			/* of the row before, or NULL */
	HTAB	   *folders;		/* with partitions */
	bool		unordered;		/* there was a row for a closed folder */
	ExportSpool *spool;			/* rows put aside, or NULL */
} ExportFiles;

bool *
export_force_quote(const ExportJob *job, TupleDesc desc)
{
	bool	   *flags;
	ListCell   *lc;

	if (job->options->force_quote == NIL)
		return NULL;
	flags = palloc0(Max(desc->natts, 1) * sizeof(bool));
	foreach(lc, job->options->force_quote)
	{
		const char *name = lfirst(lc);
		bool		all = strcmp(name, "*") == 0;
		bool		found = all;

		for (int i = 0; i < desc->natts; i++)
		{
			if (all || strcmp(name, NameStr(TupleDescAttr(desc, i)->attname)) == 0)
				flags[i] = found = true;
		}
		if (!found)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of option \"force_quote\" is not in the query's result", name)));
	}
	return flags;
}

/* ------------------------------------------------------------------------ one file */

static void
measure(ExportFiles *self, OpenFile *file)
{
	Size		memory = MemoryContextMemAllocated(file->cxt, false) +
		s3_upload_memory_used(file->upload);

	if (self->job->codec)
		memory += self->job->codec->sink_memory;
	self->memory += memory - file->memory;
	file->memory = memory;
}

/*
 * The bytes that the file would have if it ended here.  What a codec will make
 * of bytes is not known before; the ratio so far is taken, and 1 at first.
 */
static inline int64
size_so_far(const ExportFiles *self, const OpenFile *file)
{
	int64		size = file->given + file->lines.len + file->footer_len;

	if (self->job->codec && file->out > 0)
		size = (int64) ((double) size * file->out / file->given_at_out);
	return size;
}

/* Note what has come to the upload.  Processes interrupts. */
static void
count_bytes(ExportFiles *self, OpenFile *file)
{
	int64		out = s3_upload_bytes(file->upload);

	export_check(self->job, self->log, self->rows, out - file->out);
	self->rows = 0;
	if (out > file->out)
	{
		file->out = out;
		file->given_at_out = file->given;
	}
}

static void
write_lines(ExportFiles *self, OpenFile *file)
{
	if (file->lines.len > 0)
	{
		byte_sink_write(file->sink, file->lines.data, file->lines.len);
		file->given += file->lines.len;
		resetStringInfo(&file->lines);
	}
}

/* With partitions there are many buffers; a long row must not make one stay large. */
static void
shrink_lines(ExportFiles *self, OpenFile *file)
{
	if (self->partition && file->lines.maxlen > 4 * self->line_buffer)
	{
		file->lines.data = repalloc(file->lines.data, self->line_buffer);
		file->lines.maxlen = self->line_buffer;
	}
}

/* The file is complete; what is left of it is sent while others are written. */
static void
seal_file(ExportFiles *self, OpenFile *file)
{
	MemoryContext save = MemoryContextSwitchTo(file->cxt);

	tuple_write_footer(file->writer);
	write_lines(self, file);
	byte_sink_finish(file->sink);
	if (self->job->codec)
		byte_sink_close(file->sink);
	MemoryContextSwitchTo(save);
	count_bytes(self, file);

	file->folder->file = NULL;
	dlist_delete(&file->node);
	self->nopen--;
	self->memory -= file->memory;
	s3_upload_seal(file->upload, file->rows);
	MemoryContextDelete(file->cxt);
}

/* Begin the next file of a folder. */
static OpenFile *
open_file(ExportFiles *self, Folder *folder)
{
	MemoryContext cxt = AllocSetContextCreate(self->cxt, "s3_fdw export file",
											  ALLOCSET_SMALL_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	OpenFile   *file = palloc0(sizeof(OpenFile));

	if (self->slice < 0)
		self->slice = s3_upload_log_next_slice(self->log);
	file->cxt = cxt;
	file->folder = folder;
	file->upload = s3_upload_begin_logged(self->log,
										  export_name_key(self->name, folder->name,
														  self->slice, folder->next_part),
										  &self->upload);
	folder->next_part++;
	file->sink = s3_upload_sink(file->upload);
	if (self->job->codec)
		file->sink = self->job->codec->open_sink(file->sink);
	initStringInfo(&file->lines);
	if (self->partition == NULL)
		enlargeStringInfo(&file->lines, self->line_buffer + 1024);
	file->writer = tuple_writer_create(self->file_desc, &self->job->options->format,
									   self->force_quote, &file->lines);
	tuple_write_header(file->writer);
	MemoryContextSwitchTo(save);

	folder->file = file;
	dlist_push_head(&self->open, &file->node);
	self->nopen++;
	measure(self, file);
	self->file_memory = file->memory + self->upload.first_buffer;
	return file;
}

/* -------------------------------------------------------------------- memory in all */

static bool
has_room(ExportFiles *self, Size wanted)
{
	return self->nopen < MAX_OPEN_FILES && self->memory + wanted <= self->memory_limit;
}

/*
 * Seal files until there is room for one more, or for those that are open (wanted
 * is 0); but not the one used last, if that is needed.
 */
static void
make_room(ExportFiles *self, Size wanted)
{
	dlist_iter	iter;

	/* Parts may have been sent since. */
	s3_upload_log_poll(self->log);
	dlist_foreach(iter, &self->open)
	{
		OpenFile   *file = dlist_container(OpenFile, node, iter.cur);

		s3_upload_settle(file->upload);
		measure(self, file);
	}

	while (self->nopen > (wanted > 0 ? 0 : 1) &&
		   (wanted > 0 ? !has_room(self, wanted) : self->memory > self->memory_limit))
	{
		OpenFile   *file = dlist_tail_element(OpenFile, node, &self->open);
		Folder	   *folder = file->folder;

		seal_file(self, file);
		folder->closed = true;
	}
}

/* Hand the lines of a file on, and see to what has to be done now and then. */
static void
flush_file(ExportFiles *self, OpenFile *file)
{
	Size		sealed;

	write_lines(self, file);
	shrink_lines(self, file);
	count_bytes(self, file);
	measure(self, file);
	s3_upload_log_poll(self->log);
	if (self->partition && self->memory > self->memory_limit)
		make_room(self, 0);
	sealed = s3_upload_log_memory_used(self->log);
	if (sealed > 0 && self->memory + sealed > self->job->upload.memory)
		s3_upload_log_wait(self->log);
}

/* -------------------------------------------------------------------------- a row */

/* Append the row to the lines of a file; runs in row_cxt. */
static void
write_row(ExportFiles *self, Folder *folder, TupleTableSlot *slot)
{
	const S3ExportOptions *options = self->job->options;
	OpenFile   *file = folder->file;
	int			start;

	if (file && options->rows_per_file > 0 && file->rows >= options->rows_per_file)
	{
		seal_file(self, file);
		file = NULL;
	}
	if (file == NULL)
		file = open_file(self, folder);
	else if (dlist_head_node(&self->open) != &file->node)
		dlist_move_head(&self->open, &file->node);

	start = file->lines.len;
	tuple_write(file->writer, slot);
	if (options->max_file_size > 0)
	{
		if (file->rows > 0 && size_so_far(self, file) > options->max_file_size)
		{
			/* The row is the first one of the next file. */
			file->lines.len = start;
			file->lines.data[start] = '\0';
			seal_file(self, file);
			file = open_file(self, folder);
			tuple_write(file->writer, slot);
		}
		if (file->rows == 0)
		{
			start = file->lines.len;
			tuple_write_footer(file->writer);
			file->footer_len = file->lines.len - start;
			file->lines.len = start;
			file->lines.data[start] = '\0';
		}
	}
	file->rows++;
	self->rows++;
	if (file->lines.len >= self->line_buffer)
		flush_file(self, file);
}

static void
put_aside(ExportFiles *self, Folder *folder, TupleTableSlot *slot)
{
	if (self->spool == NULL)
	{
		MemoryContext save = MemoryContextSwitchTo(self->cxt);

		self->spool = export_spool_create(self->desc);
		MemoryContextSwitchTo(save);
	}
	export_spool_put(self->spool, slot, folder->name);
}

/* Find a folder, or make it. */
static Folder *
lookup_folder(ExportFiles *self, const char *name)
{
	bool		found;
	Folder	   *folder = hash_search(self->folders, &name, HASH_ENTER, &found);

	if (!found)
	{
		folder->name = MemoryContextStrdup(self->cxt, name);
		folder->file = NULL;
		folder->next_part = 0;
		folder->closed = false;
	}
	return folder;
}

static void
write_partitioned_row(ExportFiles *self, TupleTableSlot *slot)
{
	const char *name = export_partition_folder(self->partition, slot);
	Folder	   *folder = name ? lookup_folder(self, name) : self->last;

	self->last = folder;
	if (folder->closed)
		self->unordered = true;
	else if (folder->file == NULL && !has_room(self, self->file_memory))
	{
		if (self->unordered)
			folder->closed = true;
		else
			make_room(self, self->file_memory);
	}

	if (folder->closed)
		put_aside(self, folder, slot);
	else
		write_row(self, folder, slot);
}

static void
files_row(ExportWriter *base, TupleTableSlot *slot)
{
	ExportFiles *self = (ExportFiles *) base;
	MemoryContext save = MemoryContextSwitchTo(self->row_cxt);

	if (self->partition)
		write_partitioned_row(self, slot);
	else
		write_row(self, &self->root, slot);
	MemoryContextSwitchTo(save);
	MemoryContextReset(self->row_cxt);
}

/* ------------------------------------------------------------------------- the end */

static void
seal_all(ExportFiles *self)
{
	while (self->nopen > 0)
		seal_file(self, dlist_tail_element(OpenFile, node, &self->open));
}

/* Write the rows put aside, one folder after another. */
static void
write_spool(ExportFiles *self)
{
	TupleTableSlot *slot;
	const char *name;
	Folder	   *folder = NULL;

	export_spool_sort(self->spool);
	while (export_spool_next(self->spool, &slot, &name))
	{
		MemoryContext save = MemoryContextSwitchTo(self->row_cxt);

		CHECK_FOR_INTERRUPTS();
		if (name)
		{
			seal_all(self);
			folder = lookup_folder(self, name);
		}
		write_row(self, folder, slot);
		MemoryContextSwitchTo(save);
		MemoryContextReset(self->row_cxt);
	}
	export_spool_end(self->spool);
	self->spool = NULL;
}

static void
files_finish(ExportWriter *base)
{
	ExportFiles *self = (ExportFiles *) base;

	seal_all(self);
	if (self->spool)
		write_spool(self);
	seal_all(self);
	s3_upload_log_wait(self->log);
}

/* ----------------------------------------------------------------------- beginning */

static uint32
hash_name(const void *key, Size size)
{
	const char *name = *(const char *const *) key;

	return hash_bytes((const unsigned char *) name, (int) strlen(name));
}

static int
match_names(const void *key1, const void *key2, Size size)
{
	return strcmp(*(const char *const *) key1, *(const char *const *) key2);
}

/*
 * Large partitions compete for memory, so their files are sent in the smallest
 * parts, unless the user chose another size, and each has only few under way.  A
 * quarter of the memory is left for files that are sealed and not yet sent.
 */
static void
prepare_partitions(ExportFiles *self)
{
	HASHCTL		ctl = {0};

	self->memory_limit = self->job->upload.memory / 4 * 3;
	self->line_buffer = PARTITION_LINE_BUFFER;
	self->file_desc = export_partition_file_desc(self->partition);
	if (self->job->options->part_size == 0)
		self->upload.part_size = Min(self->upload.part_size, S3_MIN_PART_SIZE);
	self->upload.memory = Max(2 * (Size) self->upload.part_size, self->upload.memory / 4);

	ctl.keysize = sizeof(char *);
	ctl.entrysize = sizeof(Folder);
	ctl.hash = hash_name;
	ctl.match = match_names;
	ctl.hcxt = self->cxt;
	self->folders = hash_create("s3_fdw export folders", 256, &ctl,
								HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

static const ExportWriterOps files_ops = {
	.row = files_row,
	.finish = files_finish
};

/* Columns that the format cannot write are reported before there is a file. */
static void
check_columns(ExportFiles *self)
{
	MemoryContext save = MemoryContextSwitchTo(self->row_cxt);
	StringInfoData lines;

	initStringInfo(&lines);
	tuple_writer_create(self->file_desc, &self->job->options->format, self->force_quote, &lines);
	MemoryContextSwitchTo(save);
	MemoryContextReset(self->row_cxt);
}

ExportWriter *
export_files_create(const ExportJob *job, TupleDesc desc, S3UploadLog *log)
{
	ExportFiles *self = palloc0(sizeof(ExportFiles));

	self->base.ops = &files_ops;
	self->cxt = CurrentMemoryContext;
	self->job = job;
	self->log = log;
	self->desc = desc;
	self->file_desc = desc;
	self->force_quote = export_force_quote(job, desc);
	self->name = export_name_create(job);
	self->upload = job->upload;
	self->upload.first_buffer = FIRST_BUFFER;
	self->line_buffer = EXPORT_LINE_BUFFER;
	self->slice = -1;
	self->row_cxt = AllocSetContextCreate(self->cxt, "s3_fdw export row", ALLOCSET_DEFAULT_SIZES);
	self->root.name = "";
	dlist_init(&self->open);
	self->file_memory = FIRST_BUFFER + (job->codec ? job->codec->sink_memory : 0);
	self->partition = export_partition_create(job, desc);
	if (self->partition)
		prepare_partitions(self);
	check_columns(self);
	return &self->base;
}

/* A partitioned export has no folder for such a file. */
void
export_files_empty(const ExportJob *job, TupleDesc desc, S3UploadLog *log)
{
	ExportFiles *self = (ExportFiles *) export_files_create(job, desc, log);

	Assert(self->partition == NULL);
	open_file(self, &self->root);
	files_finish(&self->base);
}
