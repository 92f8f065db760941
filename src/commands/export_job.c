/*-------------------------------------------------------------------------
 *
 * export_job.c
 *		What one export is to write, the same in every process.
 *
 * The leader makes a job of the function's arguments; a worker makes the same
 * from the same strings, with the credentials of the same user.
 *
 * IDENTIFICATION
 *		src/commands/export_job.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/config.h"
#include "commands/export.h"
#include "commands/export_files.h"
#include "fmgr.h"
#include "format/fixed.h"
#include "miscadmin.h"
#include "s3/uri.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/uuid.h"

static void
report_needs_folder(const char *option)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			 errmsg("%s is for exports of many files", option),
			 errhint("Let the location end in \"/\", or name the files with file_name.")));
}

static void
check_single(const S3ExportOptions *options)
{
	if (options->max_file_size > 0)
		report_needs_folder("option \"max_file_size\"");
	if (options->rows_per_file > 0)
		report_needs_folder("option \"rows_per_file\"");
	if (options->partition_by != NIL)
		report_needs_folder("option \"partition_by\"");
	if (options->keep_partition_columns)
		report_needs_folder("option \"keep_partition_columns\"");
	if (options->manifest != MANIFEST_NONE)
		report_needs_folder("option \"manifest\"");
	if (options->success_marker)
		report_needs_folder("option \"success_marker\"");
	if (options->overwrite == OVERWRITE_CLEAN)
		report_needs_folder("overwrite \"clean\"");
	if (options->dry_run)
		report_needs_folder("option \"dry_run\"");
}

static void
check_many(const S3ExportOptions *options)
{
	if (options->expected_size > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("option \"expected_size\" is for exports of one object")));
	if (options->keep_partition_columns && options->partition_by == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("option \"keep_partition_columns\" needs partition_by")));
	export_name_check(options);
}

/*
 * The size of the first parts.  If the object's size is known, parts of one
 * size are to do for it; two of them have to fit in memory.
 */
static int64
choose_part_size(const S3ExportOptions *options, Size memory)
{
	const int64 unit = 1024 * 1024;
	int64		size = options->part_size > 0 ? options->part_size : (int64) s3_part_size * 1024;
	int64		wanted;

	if (options->expected_size == 0)
		return size;
	if (options->expected_size > S3_MAX_OBJECT_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("an object of %lld bytes is too large", (long long) options->expected_size),
				 errdetail("S3 takes at most %d parts of %lld bytes.",
						   S3_MAX_PARTS, (long long) S3_MAX_PART_SIZE)));
	wanted = s3_upload_fitting_part_size(s3_upload_default_limits(), options->expected_size);
	if (wanted <= size)
		return size;
	if ((uint64) wanted * 2 > memory)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("an object of %lld bytes needs parts of %lld MB, of which two do not fit in s3_fdw.upload_memory",
						(long long) options->expected_size, (long long) (wanted / unit)),
				 errhint("Set s3_fdw.upload_memory to at least \"%lldMB\", or write several files.",
						 (long long) (2 * wanted / unit))));
	return wanted;
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

static const Codec *
choose_codec(const ExportJob *job)
{
	const char *name = job->many ? job->options->file_name : job->prefix;

	if (job->options->format.compression != COMPRESSION_AUTO)
		return codec_lookup(job->options->format.compression);
	return name ? codec_by_suffix(name) : NULL;
}

ExportJob *
export_job_create(Oid serverid, const char *location, List *arguments,
				  const char *run_id, S3Client *client, S3Stats *stats)
{
	ExportJob  *job = palloc0(sizeof(ExportJob));
	S3Location *parsed = s3_location_parse_or_error(location);
	S3ExportOptions *options = s3_export_options(arguments);
	Size		len = strlen(parsed->list_prefix);
	int			nwidths;

	if (parsed->is_glob)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("location \"%s\" is a pattern", location),
				 errhint("To write a key with one of * ? [ in it, put a backslash before that.")));
	job->serverid = serverid;
	job->location = pstrdup(location);
	job->arguments = arguments;
	job->run_id = run_id ? pstrdup(run_id) :
		DatumGetCString(DirectFunctionCall1(uuid_out, DirectFunctionCall1(gen_random_uuid, (Datum) 0)));
	job->options = options;
	job->bucket = parsed->bucket;
	job->prefix = parsed->list_prefix;
	job->many = options->file_name || len == 0 || parsed->list_prefix[len - 1] == '/';
	if (job->many)
		check_many(options);
	else
		check_single(options);
	if (options->format.format == FORMAT_FIXEDWIDTH)
		fixed_widths(&options->format, &nwidths);
	job->codec = choose_codec(job);

	if (options->attributes.content_type == NULL)
		options->attributes.content_type = default_content_type(&options->format);
	job->upload.memory = (Size) s3_upload_memory * 1024;
	job->upload.part_size = choose_part_size(options, job->upload.memory);
	job->upload.overwrite = options->overwrite != OVERWRITE_ERROR;
	job->upload.attributes = &options->attributes;
	job->upload.checksum = options->checksum;
	job->client = client ? client : s3_client_create(serverid, GetUserId(), stats);
	return job;
}
