/*-------------------------------------------------------------------------
 *
 * export.c
 *		s3_export(): the result of a query as one S3 object.
 *
 * The query runs through SPI with a DestReceiver of ours, so privileges, row
 * security and parallel plans are those of any query.  Rows become lines in a
 * small buffer, which flows through the codec into the upload:
 *
 *	slot -> TupleWriter -> line buffer -> codec -> S3Upload
 *
 * The object becomes visible at the end of the function and is not undone by a
 * later rollback; until then, an error leaves nothing behind (s3/upload.c).
 *
 * IDENTIFICATION
 *		src/commands/export.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/config.h"
#include "catalog/pg_type.h"
#include "commands/common.h"
#include "commands/progress.h"
#include "executor/spi.h"
#include "format/codec.h"
#include "format/fixed.h"
#include "format/tuple.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "s3/upload.h"
#include "s3/uri.h"
#include "tcop/tcopprot.h"
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Lines are handed on in pieces of about this size. */
#define LINE_BUFFER (64 * 1024)

/* How often the client is looked at, and the progress shown. */
#define CHECK_INTERVAL_MS 500

typedef struct S3ExportReceiver
{
	DestReceiver pub;			/* must be first */

	/* set before the query runs */
	const S3ExportOptions *options;
	ByteSink   *sink;			/* codec or upload */
	S3Upload   *upload;
	bool		show_progress;

	/* while it runs */
	MemoryContext row_cxt;
	TupleWriter *writer;
	StringInfoData lines;
	uint64		rows;
	TimestampTz last_check;
} S3ExportReceiver;

/* The arguments of s3_export() that are options, in order from the third on. */
static const struct
{
	const char *name;
	Oid			type;
}			arguments[] = {
	{"server", NAMEOID},
	{"format", TEXTOID},
	{"compression", TEXTOID},
	{"header", BOOLOID},
	{"delimiter", TEXTOID},
	{"quote", TEXTOID},
	{"escape", TEXTOID},
	{"null", TEXTOID},
	{"force_quote", TEXTOID},
	{"encoding", TEXTOID},
	{"part_size", TEXTOID},
	{"overwrite", BOOLOID},
	{"content_type", TEXTOID},
	{"fixedwidth", TEXTOID},
	{"array", BOOLOID},
	{"content_encoding", TEXTOID},
	{"metadata", JSONBOID},
	{"tags", JSONBOID},
	{"storage_class", TEXTOID},
	{"sse", TEXTOID},
	{"kms_key_id", TEXTOID},
	{"acl", TEXTOID},
	{"checksum", TEXTOID},
};

/* ------------------------------------------------------------------- the receiver */

/* force_quote as flags by attribute; error for a name that is no column. */
static bool *
force_quote_flags(const S3ExportOptions *options, TupleDesc desc)
{
	bool	   *flags;
	ListCell   *lc;

	if (options->force_quote == NIL)
		return NULL;
	flags = palloc0(desc->natts * sizeof(bool));
	foreach(lc, options->force_quote)
	{
		const char *name = lfirst(lc);
		bool		found = strcmp(name, "*") == 0;

		for (int i = 0; i < desc->natts; i++)
		{
			if (strcmp(name, "*") == 0 || strcmp(name, NameStr(TupleDescAttr(desc, i)->attname)) == 0)
				flags[i] = found = true;
		}
		if (!found)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of option \"force_quote\" is not in the query's result", name)));
	}
	return flags;
}

static void
receiver_startup(DestReceiver *self, int operation, TupleDesc typeinfo)
{
	S3ExportReceiver *receiver = (S3ExportReceiver *) self;

	initStringInfo(&receiver->lines);
	enlargeStringInfo(&receiver->lines, LINE_BUFFER + 1024);
	receiver->row_cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw export row",
											  ALLOCSET_DEFAULT_SIZES);
	receiver->writer = tuple_writer_create(typeinfo, &receiver->options->format,
										   force_quote_flags(receiver->options, typeinfo),
										   &receiver->lines);
	tuple_write_header(receiver->writer);
}

/*
 * Nobody reads the rows, so a client that has gone would not be noticed before
 * the end; it counts as a cancel.
 */
static void
check_client(S3ExportReceiver *receiver)
{
	TimestampTz now = GetCurrentTimestamp();

	if (!TimestampDifferenceExceeds(receiver->last_check, now, CHECK_INTERVAL_MS))
		return;
	receiver->last_check = now;
	if (whereToSendOutput == DestRemote && !pq_check_connection())
	{
		ClientConnectionLost = true;
		InterruptPending = true;
	}
	if (receiver->show_progress)
	{
		const int	index[] = {PROGRESS_COPY_BYTES_PROCESSED, PROGRESS_COPY_TUPLES_PROCESSED};
		const int64 value[] = {s3_upload_bytes(receiver->upload), receiver->rows};

		pgstat_progress_update_multi_param(2, index, value);
	}
}

static void
flush_lines(S3ExportReceiver *receiver)
{
	byte_sink_write(receiver->sink, receiver->lines.data, receiver->lines.len);
	resetStringInfo(&receiver->lines);
	check_client(receiver);
	CHECK_FOR_INTERRUPTS();
}

static bool
receiver_slot(TupleTableSlot *slot, DestReceiver *self)
{
	S3ExportReceiver *receiver = (S3ExportReceiver *) self;
	MemoryContext save = MemoryContextSwitchTo(receiver->row_cxt);

	tuple_write(receiver->writer, slot);
	receiver->rows++;
	MemoryContextSwitchTo(save);
	MemoryContextReset(receiver->row_cxt);
	if (receiver->lines.len >= LINE_BUFFER)
		flush_lines(receiver);
	return true;
}

static void
receiver_shutdown(DestReceiver *self)
{
	S3ExportReceiver *receiver = (S3ExportReceiver *) self;

	tuple_write_footer(receiver->writer);
	if (receiver->lines.len > 0)
		flush_lines(receiver);
}

static void
receiver_destroy(DestReceiver *self)
{
}

/* -------------------------------------------------------------------------- query */

/* A syntax error's position is one in the query, not in the call of us. */
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
	RawStmt    *raw;

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
	raw = linitial_node(RawStmt, statements);
	switch (nodeTag(raw->stmt))
	{
		case T_SelectStmt:
			if (((SelectStmt *) raw->stmt)->intoClause == NULL)
				return;
			break;
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			return;				/* with RETURNING, as SPI checks */
		default:
			break;
	}
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("query to export must return rows"),
			 errdetail("It is neither SELECT nor VALUES, nor a data-modifying statement with RETURNING.")));
}

static void
run_query(const char *query, S3ExportReceiver *receiver)
{
	SPIExecuteOptions options;
	int			rc;

	memset(&options, 0, sizeof(options));
	options.must_return_tuples = true;
	options.dest = &receiver->pub;
	rc = SPI_execute_extended(query, &options);
	if (rc < 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("could not run the query to export: %s", SPI_result_code_string(rc))));
}

/* --------------------------------------------------------------------- s3_export() */

static char *
argument_text(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(i));
}

/* The arguments that are set, as options; *server is the one that is none. */
static List *
collect_options(FunctionCallInfo fcinfo, char **server)
{
	List	   *options = NIL;

	*server = NULL;
	for (int i = 0; i < (int) lengthof(arguments); i++)
	{
		char	   *value = NULL;
		Jsonb	   *jsonb;

		if (PG_ARGISNULL(i + 2))
			continue;
		switch (arguments[i].type)
		{
			case NAMEOID:
				*server = pstrdup(NameStr(*PG_GETARG_NAME(i + 2)));
				continue;
			case BOOLOID:
				value = PG_GETARG_BOOL(i + 2) ? "true" : "false";
				break;
			case JSONBOID:
				jsonb = PG_GETARG_JSONB_P(i + 2);
				value = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
				break;
			case TEXTOID:
				value = argument_text(fcinfo, i + 2);
				break;
		}
		options = lappend(options, makeDefElem(pstrdup(arguments[i].name),
											   (Node *) makeString(value), -1));
	}
	return options;
}

static const Codec *
choose_codec(const S3ExportOptions *options, const char *key)
{
	return options->format.compression == COMPRESSION_AUTO ? codec_by_suffix(key) :
		codec_lookup(options->format.compression);
}

static char *
default_content_type(const FormatOptions *format)
{
	switch ((FileFormat) format->format)
	{
		case FORMAT_CSV:
			return "text/csv";
		case FORMAT_TEXT:
		case FORMAT_FIXEDWIDTH:
			break;
		case FORMAT_JSON:
			return format->array ? "application/json" : "application/x-ndjson";
	}
	return "text/plain";
}

PG_FUNCTION_INFO_V1(s3_export);

Datum
s3_export(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *query = argument_text(fcinfo, 0);
	char	   *uri = argument_text(fcinfo, 1);
	char	   *server_name;
	S3ExportOptions *options = s3_export_options(collect_options(fcinfo, &server_name));
	S3Location *location;
	S3Client   *client;
	S3Stats		stats = {0};
	S3UploadOptions upload_options = {0};
	S3ExportReceiver receiver = {0};
	const Codec *codec;
	int			nwidths;
	Datum		values[4];
	bool		nulls[4] = {0};

	if (query == NULL || uri == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("query and location must not be null")));
	InitMaterializedSRF(fcinfo, 0);

	location = s3_location_parse_or_error(uri);
	if (location->is_glob)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("location \"%s\" is a pattern", uri),
				 errhint("To write a key with one of * ? [ in it, put a backslash before that.")));
	if (location->list_prefix[0] == '\0' ||
		location->list_prefix[strlen(location->list_prefix) - 1] == '/')
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("location \"%s\" does not name an object", uri),
				 errhint("An export writes one object, as in \"s3://bucket/folder/file.csv\".")));
	if (options->format.format == FORMAT_FIXEDWIDTH)
		fixed_widths(&options->format, &nwidths);
	check_query(query);
	client = s3_client_for_server(server_name, &stats);

	codec = choose_codec(options, location->list_prefix);
	upload_options.part_size = options->part_size > 0 ? options->part_size :
		(int64) s3_part_size * 1024;
	upload_options.memory = (Size) s3_upload_memory * 1024;
	upload_options.overwrite = options->overwrite;
	if (options->attributes.content_type == NULL)
		options->attributes.content_type = default_content_type(&options->format);
	upload_options.attributes = &options->attributes;
	upload_options.checksum = options->checksum;
	receiver.upload = s3_upload_begin(client, location->bucket, location->list_prefix, &upload_options);
	receiver.sink = s3_upload_sink(receiver.upload);
	if (codec)
		receiver.sink = codec->open_sink(receiver.sink);

	receiver.pub.receiveSlot = receiver_slot;
	receiver.pub.rStartup = receiver_startup;
	receiver.pub.rShutdown = receiver_shutdown;
	receiver.pub.rDestroy = receiver_destroy;
	receiver.pub.mydest = DestNone;
	receiver.options = options;
	receiver.last_check = GetCurrentTimestamp();

	/* There is one progress slot; a COPY around us may have it. */
	receiver.show_progress = MyBEEntry &&
		MyBEEntry->st_progress_command == PROGRESS_COMMAND_INVALID;
	if (receiver.show_progress)
	{
		const int	index[] = {PROGRESS_COPY_COMMAND, PROGRESS_COPY_TYPE};
		const int64 value[] = {PROGRESS_COPY_COMMAND_TO, PROGRESS_COPY_TYPE_CALLBACK};

		pgstat_progress_start_command(PROGRESS_COMMAND_COPY, InvalidOid);
		pgstat_progress_update_multi_param(2, index, value);
	}

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	run_query(query, &receiver);
	SPI_finish();

	byte_sink_finish(receiver.sink);
	if (codec)
		byte_sink_close(receiver.sink);
	s3_upload_finish(receiver.upload);
	if (receiver.show_progress)
		pgstat_progress_end_command();

	values[0] = CStringGetTextDatum(uri);
	values[1] = Int64GetDatum((int64) receiver.rows);
	values[2] = Int64GetDatum(s3_upload_bytes(receiver.upload));
	values[3] = CStringGetTextDatum(s3_upload_etag(receiver.upload));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	s3_upload_free(receiver.upload);
	return (Datum) 0;
}
