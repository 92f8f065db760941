/*-------------------------------------------------------------------------
 *
 * config.c
 *		The extension's settings (GUCs) and their limits.
 *
 * Defined once from _PG_init(); read everywhere as plain variables.
 *
 * IDENTIFICATION
 *		src/base/config.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/config.h"
#include "utils/guc.h"

int			s3_range_size;
int			s3_read_memory;
int			s3_chunk_size;
int			s3_read_concurrency;
int			s3_plan_sample_size;
int			s3_part_size;
int			s3_upload_memory;
int			s3_aws_file_size;
int			s3_max_connections;
int			s3_max_retries;
int			s3_connect_timeout;
int			s3_stall_timeout;
int			s3_abort_timeout;
char	   *s3_allowed_endpoints;
bool		s3_load_once;

void
s3_config_init(void)
{
	/* The first range of an object is smaller: a query with LIMIT stops there. */
	DefineCustomIntVariable("s3_fdw.range_size",
							"Sets the largest range that is read with one request.",
							NULL,
							&s3_range_size,
							4 * 1024, 64, 64 * 1024,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);

	DefineCustomIntVariable("s3_fdw.read_memory",
							"Sets the memory that one scan may use for data read ahead.",
							NULL,
							&s3_read_memory,
							24 * 1024, 1024, 1024 * 1024,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);

	/* Small enough for a processor's cache, large enough for a request. */
	DefineCustomIntVariable("s3_fdw.chunk_size",
							"Sets the size of the stretches in which parallel workers read a large object.",
							NULL,
							&s3_chunk_size,
							2 * 1024 * 1024, 1, 64 * 1024 * 1024,
							PGC_USERSET, GUC_UNIT_BYTE,
							NULL, NULL, NULL);

	DefineCustomIntVariable("s3_fdw.read_concurrency",
							"Sets how many requests one scan may have under way.",
							NULL,
							&s3_read_concurrency,
							8, 1, 64,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("s3_fdw.plan_sample_size",
							"Sets how much of one object planning reads to estimate rows and widths.",
							"Zero turns it off.  Analyzed tables need none.",
							&s3_plan_sample_size,
							64, 0, 1024,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);

	/* By the schedule in s3/upload.c these hold 83 GB in equal parts. */
	DefineCustomIntVariable("s3_fdw.part_size",
							"Sets the size of the parts of a multipart upload.",
							NULL,
							&s3_part_size,
							12 * 1024, 5 * 1024, 1024 * 1024,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);

	DefineCustomIntVariable("s3_fdw.upload_memory",
							"Sets the memory that one export may use for parts under way.",
							"Two parts are always allowed.",
							&s3_upload_memory,
							36 * 1024, 10 * 1024, 4 * 1024 * 1024 - 1,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);

	/* AWS says 6 GB; less is for trying out what comes of several objects. */
	DefineCustomIntVariable("s3_fdw.aws_file_size",
							"Sets the size from which on aws_s3.query_export_to_s3() begins another object.",
							NULL,
							&s3_aws_file_size,
							6 * 1024 * 1024, 1, 2147483647,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);

	DefineCustomIntVariable("s3_fdw.max_connections",
							"Sets how many connections one server process may open.",
							NULL,
							&s3_max_connections,
							16, 1, 64,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("s3_fdw.max_retries",
							"Sets how many times a failed request is repeated.",
							"The delay doubles each time, up to 20 seconds, at random.",
							&s3_max_retries,
							6, 0, 20,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("s3_fdw.connect_timeout",
							"Sets the time allowed for setting up a connection.",
							NULL,
							&s3_connect_timeout,
							5000, 100, 300000,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("s3_fdw.stall_timeout",
							"Sets the time after which a transfer without progress is given up.",
							NULL,
							&s3_stall_timeout,
							30000, 1000, 600000,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("s3_fdw.abort_timeout",
							"Sets the time that a failed export may spend on removing its uploads.",
							NULL,
							&s3_abort_timeout,
							10000, 0, 300000,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomStringVariable("s3_fdw.allowed_endpoints",
							   "Sets the endpoints that servers not owned by a superuser may use.",
							   "A comma-separated list of URLs without path; "
							   "the endpoints of AWS need no entry.",
							   &s3_allowed_endpoints,
							   "",
							   PGC_SUSET, 0,
							   NULL, NULL, NULL);

	DefineCustomBoolVariable("s3_fdw.load_once",
							 "Lets COPY leave out the objects that the table was loaded from before.",
							 "Jobs do so always.",
							 &s3_load_once,
							 false,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	MarkGUCPrefixReserved("s3_fdw");
}
