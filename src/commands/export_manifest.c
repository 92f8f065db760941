/*-------------------------------------------------------------------------
 *
 * export_manifest.c
 *		What an export of many files adds itself: the manifest, which lists
 *		them, and the marker, which says that all is done.
 *
 * A manifest is in the form of Redshift's UNLOAD: for UNLOAD statements with
 * the layout that its guide shows (where that is JSON), else on shorter lines
 * and with "mandatory".
 *
 * Above: export.c, which knows the order; see there.  Below: s3/upload.c.
 *
 * Source: Amazon Redshift Database Developer Guide, "UNLOAD", "UNLOAD examples"
 * and "Using a manifest to specify data files", for the manifest's form.
 *
 * IDENTIFICATION
 *		src/commands/export_manifest.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/export.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

#define MANIFEST_NAME "manifest"
#define MARKER_NAME "_SUCCESS"

/* Bytes in Redshift's longest VARCHAR that has a length. */
#define UNLOAD_MAX_STRING 65535

/*
 * As Redshift's UNLOAD names it; but in a folder such that a table over the
 * folder passes over it, unless it is UNLOAD's.
 */
char *
export_manifest_key(const ExportJob *job)
{
	Size		len = strlen(job->prefix);
	bool		hidden = len > 0 && job->prefix[len - 1] == '/' && !export_is_unload(job);

	return psprintf("%s%s%s", job->prefix, hidden ? "_" : "", MANIFEST_NAME);
}

char *
export_marker_key(const ExportJob *job)
{
	const char *slash = strrchr(job->prefix, '/');
	int			len = slash ? (int) (slash - job->prefix) + 1 : 0;

	return psprintf("%.*s%s", len, job->prefix, MARKER_NAME);
}

/* ------------------------------------------------------------------------- objects */

/* They are labelled as the files are, but for what says how to read those. */
static S3Upload *
begin_extra(const ExportJob *job, const char *key, char *content_type)
{
	S3UploadOptions options = job->upload;
	S3ObjectAttributes attributes = job->options->attributes;

	attributes.content_type = content_type;
	attributes.content_encoding = NULL;
	options.attributes = &attributes;
	options.first_buffer = EXPORT_LINE_BUFFER;
	options.overwrite = job->options->overwrite != OVERWRITE_ERROR;
	return s3_upload_begin(job->client, job->bucket, key, &options);
}

static ExportExtra *
finish_extra(S3Upload *upload, char *key)
{
	ExportExtra *extra = palloc(sizeof(ExportExtra));
	Size		etag_size = 256;	/* as s3_head_object() needs */

	extra->key = key;
	extra->etag = palloc(etag_size);
	s3_upload_finish(upload);

	/* From here on, nothing can fail. */
	extra->bytes = s3_upload_bytes(upload);
	strlcpy(extra->etag, s3_upload_etag(upload), etag_size);
	s3_upload_free(upload);
	return extra;
}

/* JSON is UTF-8. */
static void
flush_json(StringInfo json, S3Upload *upload)
{
	char	   *text = pg_server_to_any(json->data, json->len, PG_UTF8);

	byte_sink_write(s3_upload_sink(upload), text, strlen(text));
	if (text != json->data)
		pfree(text);
	resetStringInfo(json);
}

static void
append_counts(StringInfo json, int64 bytes, int64 rows, bool verbose)
{
	appendStringInfo(json, "\"meta\":{\"content_length\":" INT64_FORMAT, bytes);
	if (verbose)
		appendStringInfo(json, ",\"record_count\":" INT64_FORMAT, rows);
	appendStringInfoChar(json, '}');
}

static bool
is_in_files(const S3ExportOptions *options, const char *column)
{
	ListCell   *lc;

	if (options->keep_partition_columns)
		return true;
	foreach(lc, options->partition_by)
	{
		if (strcmp(lfirst(lc), column) == 0)
			return false;
	}
	return true;
}

static int
typmod_precision(int32 typmod)
{
	return ((typmod - VARHDRSZ) >> 16) & 0xffff;
}

/* An 11-bit number with a sign. */
static int
typmod_scale(int32 typmod)
{
	return (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
}

/* A type and its dimensions.  Of a domain, that which it stands for. */
static void
append_type(StringInfo json, Form_pg_attribute attribute)
{
	int32		typmod = attribute->atttypmod;
	Oid			type = getBaseTypeAndTypmod(attribute->atttypid, &typmod);

	appendStringInfoString(json, "{\"base\":");
	escape_json(json, format_type_be(type));
	if (typmod >= (int32) VARHDRSZ)
	{
		if (type == VARCHAROID || type == BPCHAROID)
			appendStringInfo(json, ",\"max_length\":%d", (int) (typmod - VARHDRSZ));
		else if (type == NUMERICOID)
			appendStringInfo(json, ",\"precision\":%d,\"scale\":%d",
							 typmod_precision(typmod), typmod_scale(typmod));
	}
	appendStringInfoChar(json, '}');
}

static void
append_schema(StringInfo json, const ExportJob *job, TupleDesc desc)
{
	bool		first = true;

	appendStringInfoString(json, "\"schema\":{\"elements\":[");
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped || !is_in_files(job->options, NameStr(attribute->attname)))
			continue;
		appendStringInfoString(json, first ? "\n{\"name\":" : ",\n{\"name\":");
		escape_json(json, NameStr(attribute->attname));
		appendStringInfoString(json, ",\"type\":");
		append_type(json, attribute);
		appendStringInfoChar(json, '}');
		first = false;
	}
	appendStringInfoString(json, "\n]}");
}

/* An export's own form: one line for each file, which readers must find. */
static void
write_manifest(const ExportJob *job, TupleDesc desc, S3UploadLog *log, S3Upload *upload)
{
	bool		verbose = job->options->manifest == MANIFEST_VERBOSE;
	S3LoggedObject object;
	StringInfoData json;
	StringInfoData url;
	int64		bytes = 0;
	int64		rows = 0;
	bool		first = true;

	initStringInfo(&json);
	initStringInfo(&url);
	appendStringInfoString(&json, "{\"entries\":[");
	while (s3_upload_log_next(log, &object))
	{
		CHECK_FOR_INTERRUPTS();
		resetStringInfo(&url);
		appendStringInfo(&url, "s3://%s/%s", job->bucket, object.key);
		appendStringInfoString(&json, first ? "\n{\"url\":" : ",\n{\"url\":");
		escape_json(&json, url.data);
		appendStringInfoString(&json, ",\"mandatory\":true,");
		append_counts(&json, object.bytes, object.rows, verbose);
		appendStringInfoChar(&json, '}');
		bytes += object.bytes;
		rows += object.rows;
		first = false;
		pfree(object.key);
		pfree(object.etag);
		if (json.len >= EXPORT_LINE_BUFFER)
			flush_json(&json, upload);
	}
	appendStringInfoString(&json, "\n]");
	if (verbose)
	{
		appendStringInfoString(&json, ",\n");
		append_schema(&json, job, desc);
		appendStringInfoString(&json, ",\n");
		append_counts(&json, bytes, rows, true);
		appendStringInfoString(&json, ",\n\"author\":{\"name\":\"s3_fdw\",\"version\":\"1.0\"}");
	}
	appendStringInfoString(&json, "}\n");
	flush_json(&json, upload);
	pfree(json.data);
	pfree(url.data);
}

/* ---------------------------------------------------------------- UNLOAD's manifest */

/*
 * The same by Redshift's names of types and in its layout.  A string without a
 * limit is one of its longest strings there.
 */
static void
append_unload_type(StringInfo json, Form_pg_attribute attribute)
{
	int32		typmod = attribute->atttypmod;
	Oid			type = getBaseTypeAndTypmod(attribute->atttypid, &typmod);
	const char *name = format_type_be(type);
	int			max_length = 0;

	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
			name = "character varying";
			max_length = typmod >= (int32) VARHDRSZ ? typmod - VARHDRSZ : UNLOAD_MAX_STRING;
			break;
		case BPCHAROID:
			if (typmod >= (int32) VARHDRSZ)
				max_length = typmod - VARHDRSZ;
			break;
		case JSONOID:
		case JSONBOID:
			name = "super";
			break;
		case BYTEAOID:
			name = "binary varying";
			break;
	}
	appendStringInfoString(json, "{ \"base\": ");
	escape_json(json, name);
	if (max_length > 0)
		appendStringInfo(json, ", \"max_length\": %d", max_length);
	if (type == NUMERICOID && typmod >= (int32) VARHDRSZ)
		appendStringInfo(json, ", \"precision\": %d, \"scale\": %d",
						 typmod_precision(typmod), typmod_scale(typmod));
	appendStringInfoString(json, " }");
}

static void
append_unload_schema(StringInfo json, const ExportJob *job, TupleDesc desc)
{
	bool		first = true;

	appendStringInfoString(json, "  \"schema\": {\n    \"elements\": [");
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped || !is_in_files(job->options, NameStr(attribute->attname)))
			continue;
		appendStringInfoString(json, first ? "\n      {\"name\": " : ",\n      {\"name\": ");
		escape_json(json, NameStr(attribute->attname));
		appendStringInfoString(json, ", \"type\": ");
		append_unload_type(json, attribute);
		appendStringInfoChar(json, '}');
		first = false;
	}
	appendStringInfoString(json, "\n    ]\n  }");
}

/* As the guide to Redshift prints it.  The header line of a file is a record. */
static void
write_unload_manifest(const ExportJob *job, TupleDesc desc, S3UploadLog *log, S3Upload *upload)
{
	bool		verbose = job->options->manifest == MANIFEST_VERBOSE;
	int			header = job->options->format.header == HEADER_TRUE ? 1 : 0;
	S3LoggedObject object;
	StringInfoData json;
	StringInfoData url;
	int64		bytes = 0;
	int64		rows = 0;
	bool		first = true;

	initStringInfo(&json);
	initStringInfo(&url);
	appendStringInfoString(&json, "{\n  \"entries\": [");
	while (s3_upload_log_next(log, &object))
	{
		CHECK_FOR_INTERRUPTS();
		resetStringInfo(&url);
		appendStringInfo(&url, "s3://%s/%s", job->bucket, object.key);
		appendStringInfoString(&json, first ? "\n    {\"url\":" : ",\n    {\"url\":");
		escape_json(&json, url.data);
		if (verbose)
			appendStringInfo(&json, ", \"meta\": { \"content_length\": " INT64_FORMAT
							 ", \"record_count\": " INT64_FORMAT " }",
							 object.bytes, object.rows + header);
		appendStringInfoChar(&json, '}');
		bytes += object.bytes;
		rows += object.rows + header;
		first = false;
		pfree(object.key);
		pfree(object.etag);
		if (json.len >= EXPORT_LINE_BUFFER)
			flush_json(&json, upload);
	}
	appendStringInfoString(&json, "\n  ]");
	if (verbose)
	{
		appendStringInfoString(&json, ",\n");
		append_unload_schema(&json, job, desc);
		appendStringInfo(&json, ",\n  \"meta\": {\n    \"content_length\": " INT64_FORMAT
						 ",\n    \"record_count\": " INT64_FORMAT "\n  }", bytes, rows);
		appendStringInfoString(&json, ",\n  \"author\": {\n    \"name\": \"s3_fdw\",\n    \"version\": \"1.0\"\n  }");
	}
	appendStringInfoString(&json, "\n}\n");
	flush_json(&json, upload);
	pfree(json.data);
	pfree(url.data);
}

ExportExtra *
export_write_manifest(const ExportJob *job, TupleDesc desc, S3UploadLog *log)
{
	char	   *key = export_manifest_key(job);
	S3Upload   *upload = begin_extra(job, key, "application/json");

	if (export_is_unload(job))
		write_unload_manifest(job, desc, log, upload);
	else
		write_manifest(job, desc, log, upload);
	return finish_extra(upload, key);
}

/* --------------------------------------------------------------------- the marker */

static void
marker_error_context(void *arg)
{
	errcontext("writing the success marker; all files of the export are complete");
}

ExportExtra *
export_write_marker(const ExportJob *job)
{
	ErrorContextCallback callback = {error_context_stack, marker_error_context, NULL};
	char	   *key = export_marker_key(job);
	ExportExtra *extra;

	error_context_stack = &callback;
	extra = finish_extra(begin_extra(job, key, NULL), key);
	error_context_stack = callback.previous;
	return extra;
}
