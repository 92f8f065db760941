/*-------------------------------------------------------------------------
 *
 * export.c
 *		aws_s3.query_export_to_s3(): the result of a query as objects, in the
 *		formats of COPY TO.
 *
 * The query runs through SPI.  When an object has reached its size, the next
 * one begins with the next row; each is a complete file.  None is visible
 * before all bytes are with the store, and an error leaves none behind.
 *
 * IDENTIFICATION
 *		src/aws/export.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "aws/aws.h"
#include "base/compat.h"
#include "base/config.h"
#include "base/watch.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parse_node.h"
#include "parser/parser.h"
#include "s3/upload_log.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"

/* Lines are handed on in pieces of about this size. */
#define LINE_BUFFER (64 * 1024)

/* One call; the receiver of the query's rows. */
typedef struct AwsExport
{
	DestReceiver pub;			/* must be first */

	/* constant */
	MemoryContext cxt;
	const AwsObject *object;
	const CopyFormatOptions *options;
	S3UploadOptions upload_options;
	S3UploadLog *log;
	int64		max_size;		/* bytes, of an object */

	/* since the query began */
	AwsRowWriter *writer;
	MemoryContext row_cxt;
	StringInfoData lines;		/* not yet in the upload */
	Watch		watch;

	/* the object that is being written, or NULL */
	S3Upload   *upload;
	int			number;			/* of it, from 1 */
	int64		rows;			/* in it */

	/* in objects before it */
	int64		all_rows;
	int64		all_bytes;
} AwsExport;

/* ------------------------------------------------------------------------- objects */

static void
begin_object(AwsExport *self)
{
	MemoryContext save = MemoryContextSwitchTo(self->cxt);
	const char *key = self->object->key;

	/* Let go of the memory of the one before. */
	s3_upload_log_wait(self->log);

	self->number++;
	if (self->number > 1)
		key = psprintf("%s_part%d", key, self->number);
	self->upload = s3_upload_begin_logged(self->log, key, &self->upload_options);
	self->rows = 0;
	aws_row_writer_begin(self->writer);
	MemoryContextSwitchTo(save);
}

static void
flush_lines(AwsExport *self)
{
	byte_sink_write(s3_upload_sink(self->upload), self->lines.data, self->lines.len);
	resetStringInfo(&self->lines);
	s3_upload_log_poll(self->log);
	watch_check(&self->watch, self->all_bytes + s3_upload_bytes(self->upload),
				self->all_rows + self->rows);
	CHECK_FOR_INTERRUPTS();
}

static void
end_object(AwsExport *self)
{
	aws_row_writer_end(self->writer);
	flush_lines(self);
	self->all_rows += self->rows;
	self->all_bytes += s3_upload_bytes(self->upload);
	s3_upload_seal(self->upload, self->rows);
	self->upload = NULL;
}

/* ---------------------------------------------------------------------------- rows */

static void
receiver_startup(DestReceiver *pub, int operation, TupleDesc desc)
{
	AwsExport  *self = (AwsExport *) pub;
	MemoryContext save = MemoryContextSwitchTo(self->cxt);

	initStringInfo(&self->lines);
	enlargeStringInfo(&self->lines, LINE_BUFFER + 1024);
	self->row_cxt = AllocSetContextCreate(self->cxt, "s3_fdw export row",
										  ALLOCSET_DEFAULT_SIZES);
	self->writer = aws_row_writer_create(CreateTupleDescCopy(desc), self->options, &self->lines);
	begin_object(self);
	MemoryContextSwitchTo(save);
}

static bool
receiver_slot(TupleTableSlot *slot, DestReceiver *pub)
{
	AwsExport  *self = (AwsExport *) pub;
	MemoryContext save;

	if (self->rows > 0 &&
		s3_upload_bytes(self->upload) + self->lines.len >= self->max_size)
	{
		end_object(self);
		begin_object(self);
	}
	save = MemoryContextSwitchTo(self->row_cxt);
	aws_row_writer_row(self->writer, slot);
	MemoryContextSwitchTo(save);
	MemoryContextReset(self->row_cxt);
	self->rows++;
	if (self->lines.len >= LINE_BUFFER)
		flush_lines(self);
	return true;
}

static void
receiver_nothing(DestReceiver *pub)
{
}

/* --------------------------------------------------------------------------- query */

/* A syntax error's position is one in the query. */
static void
query_error_position(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) arg);
	}
}

/* One statement that returns rows, as in COPY (query) TO. */
static void
check_query(char *query)
{
	ErrorContextCallback context;
	List	   *statements;
	Node	   *statement;

	context.callback = query_error_position;
	context.arg = query;
	context.previous = error_context_stack;
	error_context_stack = &context;
	statements = pg_parse_query(query);
	error_context_stack = context.previous;

	if (list_length(statements) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("query to export must be exactly one statement")));
	statement = linitial_node(RawStmt, statements)->stmt;
	if (IsA(statement, SelectStmt) && ((SelectStmt *) statement)->intoClause)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("COPY (SELECT INTO) is not supported")));
	if (!IsA(statement, SelectStmt) && !IsA(statement, InsertStmt) &&
		!IsA(statement, UpdateStmt) && !IsA(statement, DeleteStmt) &&
		!IsA(statement, MergeStmt))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("query to export must return rows"),
				 errdetail("It is neither SELECT nor VALUES, nor a data-modifying statement with RETURNING.")));
}

static void
run_query(AwsExport *self, const char *query)
{
	SPIExecuteOptions options = {0};
	int			rc;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	options.must_return_tuples = true;
	options.dest = &self->pub;
	rc = SPI_execute_extended(query, &options);
	if (rc < 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("could not run the query to export: %s", SPI_result_code_string(rc))));
	SPI_finish();
}

/* ------------------------------------------------------------------------- the call */

/* The options of COPY TO; a fault is worded as COPY does. */
static CopyFormatOptions *
read_options(const char *text)
{
	CopyFormatOptions *options = palloc0(sizeof(CopyFormatOptions));
	ParseState *pstate = make_parsestate(NULL);

	ProcessCopyOptions(pstate, options, false, aws_copy_options(text));
	free_parsestate(pstate);
	return options;
}

static const char *
content_type(const CopyFormatOptions *options)
{
	return options->binary ? "application/octet-stream" :
		options->csv_mode ? "text/csv" : "text/plain";
}

static Datum
export(FunctionCallInfo fcinfo, const AwsObject *object, const char *options, const char *kms_key)
{
	char	   *query = aws_required_text(fcinfo, 0, "query");
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	S3ObjectAttributes attributes = {0};
	S3Stats		stats = {0};
	AwsExport	self = {
		.pub = {
			.receiveSlot = receiver_slot,
			.rStartup = receiver_startup,
			.rShutdown = receiver_nothing,
			.rDestroy = receiver_nothing,
			.mydest = DestNone
		},
		.cxt = CurrentMemoryContext,
		.object = object,
		.max_size = (int64) s3_aws_file_size * 1024
	};
	Datum		values[3];
	bool		nulls[3] = {0};

	InitMaterializedSRF(fcinfo, 0);
	self.options = read_options(options);
	check_query(query);
	attributes.content_type = unconstify(char *, content_type(self.options));
	if (kms_key && kms_key[0] != '\0')
	{
		const char *fault = s3_attribute_check_value(kms_key);

		if (fault)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid kms_key: \"%s\"", kms_key),
					 errdetail("%s", fault)));
		attributes.encryption = ENCRYPTION_KMS;
		attributes.kms_key_id = unconstify(char *, kms_key);
	}
	self.upload_options.memory = (Size) s3_upload_memory * 1024;
	self.upload_options.part_size = (int64) s3_part_size * 1024;
	self.upload_options.overwrite = true;
	self.upload_options.attributes = &attributes;
	self.log = s3_upload_log_create(aws_client(object, &stats), object->bucket,
									&self.upload_options);

	watch_begin(&self.watch, InvalidOid, 0);
	run_query(&self, query);
	end_object(&self);
	s3_upload_log_wait(self.log);
	s3_upload_log_commit(self.log);
	s3_upload_log_forget(self.log);
	s3_upload_log_free(self.log);
	watch_end(&self.watch);

	values[0] = Int64GetDatum(self.all_rows);
	values[1] = Int64GetDatum(self.number);
	values[2] = Int64GetDatum(self.all_bytes);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(aws_query_export_uri);

/* (query, s3_info, options, kms_key) */
Datum
aws_query_export_uri(PG_FUNCTION_ARGS)
{
	AwsObject	object;

	aws_object_from_uri(fcinfo, 1, &object);
	return export(fcinfo, &object, aws_text(fcinfo, 2), aws_text(fcinfo, 3));
}

PG_FUNCTION_INFO_V1(aws_query_export);

/* (query, bucket, file_path, region, options, kms_key) */
Datum
aws_query_export(PG_FUNCTION_ARGS)
{
	AwsObject	object;

	aws_object_from_texts(fcinfo, 1, &object);
	return export(fcinfo, &object, aws_text(fcinfo, 4), aws_text(fcinfo, 5));
}
