/*-------------------------------------------------------------------------
 *
 * unload.c
 *		Redshift's UNLOAD: an export with its names, manifests and rules.
 *
 * The statement becomes a list of options of an export, some of which only
 * UNLOAD can set (RedshiftFormat); those travel with the others to the query's
 * workers.  What a file's bytes are, is said in format/, which names it has and
 * what may be there before, in commands/export_*.c.
 *
 * A query is one SELECT by its parse tree, whatever its text looks like, and is
 * run with the rights of the current user.
 *
 * Above: redshift.c.  Beside: copy.c, which reads what this writes.
 *
 * Source: Amazon Redshift Database Developer Guide, "UNLOAD" and its examples.
 *
 * IDENTIFICATION
 *		src/redshift/unload.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/option.h"
#include "commands/access.h"
#include "commands/export.h"
#include "fdw/journal.h"
#include "format/codec.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "redshift/session.h"
#include "redshift/unload.h"
#include "s3/uri.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/formatting.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/timestamp.h"

/* 6.2 GB, where a GB is 10^9 bytes. */
#define DEFAULT_MAX_FILE_SIZE INT64CONST(6200000000)

/* Of the statement, so much is kept. */
#define MAX_QUERY_TEXT (16 * 1024)

typedef struct Unload
{
	const RedshiftStatement *statement;	/* borrowed */
	Journal    *journal;		/* or NULL */
	TimestampTz start;
	ExportTotals totals;
	MemoryContext cxt;			/* of all of it */
} Unload;

/* --------------------------------------------------------------------------- query */

static void
report_no_select(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("UNLOAD needs a SELECT query"),
			 errdetail("%s", detail)));
}

/* Exactly one SELECT that changes nothing, without a limit of its own. */
static void
check_query(const char *query)
{
	List	   *statements = export_parse_query(query);
	SelectStmt *select;

	if (list_length(statements) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("query of UNLOAD must be exactly one statement")));
	select = (SelectStmt *) linitial_node(RawStmt, statements)->stmt;
	if (!IsA(select, SelectStmt))
		report_no_select(_("It is another statement."));
	if (select->intoClause)
		report_no_select(_("SELECT INTO creates a table."));
	if (select->withClause)
	{
		ListCell   *lc;

		/* Further down, the parser allows nothing else. */
		foreach(lc, select->withClause->ctes)
		{
			if (!IsA(lfirst_node(CommonTableExpr, lc)->ctequery, SelectStmt))
				report_no_select(_("A query in its WITH clause modifies data."));
		}
	}

	/* Of a set operation, this is the limit of all of it. */
	if (select->limitCount)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("LIMIT clause is not supported in the outermost SELECT of UNLOAD"),
				 errhint("Put the LIMIT into a subquery, as in \"SELECT * FROM (SELECT ... LIMIT 10) AS t\".")));
}

/* ------------------------------------------------------------------------- options */

static List *
add_option(List *options, const char *name, const char *value)
{
	return lappend(options, makeDefElem(pstrdup(name), (Node *) makeString(pstrdup(value)), -1));
}

static List *
add_flag(List *options, const char *name, bool value)
{
	return value ? add_option(options, name, "true") : options;
}

/* The location as the export takes it, in which only escapes mean something. */
static char *
target_location(const RedshiftStatement *statement)
{
	const char *bucket = statement->location + strlen("s3://");
	Size		len;
	char	   *prefix;

	if (pg_strncasecmp(statement->location, "s3://", strlen("s3://")) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("location \"%s\" of UNLOAD is not on S3", statement->location),
				 errhint("Use a location of the form \"s3://bucket/prefix\".")));
	len = strcspn(bucket, "/");
	if (len > strlen("-s3alias") &&
		strncmp(bucket + len - strlen("-s3alias"), "-s3alias", strlen("-s3alias")) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("UNLOAD does not support aliases of access points")));
	prefix = pstrdup(bucket[len] == '\0' ? "" : bucket + len + 1);

	/* Folders of partitions are below one. */
	if (statement->partition_by != NIL && prefix[0] != '\0' && prefix[strlen(prefix) - 1] != '/')
		prefix = psprintf("%s/", prefix);
	return s3_location_of(pnstrdup(bucket, len), prefix);
}

static Compression
target_compression(const RedshiftStatement *statement)
{
	return statement->compression == COMPRESSION_AUTO ? COMPRESSION_NONE :
		(Compression) statement->compression;
}

/*
 * Redshift appends an extension as it is, and does not add the codec's then.
 * In the pattern, braces are doubled.
 */
static char *
file_name_pattern(const RedshiftStatement *statement)
{
	StringInfoData pattern;
	const Codec *codec = codec_lookup(target_compression(statement));

	initStringInfo(&pattern);
	appendStringInfoString(&pattern, statement->parallel ? "{slice:4}_part_{part:2}" : "{part:3}");
	if (statement->extension && statement->extension[0] != '\0')
	{
		appendStringInfoChar(&pattern, '.');
		for (const char *p = statement->extension; *p; p++)
		{
			if (*p == '{' || *p == '}')
				appendStringInfoChar(&pattern, *p);
			appendStringInfoChar(&pattern, *p);
		}
	}
	else if (codec)
		appendStringInfoString(&pattern, codec->suffix);
	return pattern.data;
}

static List *
add_format(List *options, const RedshiftStatement *statement)
{
	bool		text = statement->format == REDSHIFT_DELIMITED;
	const char *delimiter = statement->delimiter ? statement->delimiter : text ? "|" : ",";

	if (statement->format == REDSHIFT_JSON)
		return add_option(options, "format", "json");
	if (statement->format == REDSHIFT_FIXEDWIDTH)
	{
		options = add_option(options, "format", "fixedwidth");
		options = add_option(options, "fixedwidth", statement->fixedwidth);
	}
	else
	{
		options = add_option(options, "format", text ? "text" : "csv");
		options = add_option(options, "delimiter", delimiter);
		options = add_flag(options, "redshift_null_is_nul", statement->null_is_nul);
	}
	if (text)
	{
		if (statement->escape && delimiter[0] == '\\')
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("delimiter of UNLOAD cannot be a backslash with ESCAPE")));
		if (statement->add_quotes && delimiter[0] == '"')
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("delimiter of UNLOAD cannot be a quotation mark with ADDQUOTES")));
		options = add_flag(options, "redshift_escape", statement->escape);
		options = add_flag(options, "redshift_add_quotes", statement->add_quotes);
	}
	options = add_option(options, "null", statement->null_as ? statement->null_as : "");
	return add_flag(options, "header", statement->header);
}

/* Names that the parser has folded, as a list that is not folded again. */
static char *
partition_names(const RedshiftStatement *statement)
{
	StringInfoData names;
	ListCell   *lc;

	initStringInfo(&names);
	foreach(lc, statement->partition_by)
	{
		if (names.len > 0)
			appendStringInfoChar(&names, ',');
		appendStringInfoString(&names, quote_identifier(lfirst(lc)));
	}
	return names.data;
}

static const char *
compression_name(const RedshiftStatement *statement)
{
	switch (target_compression(statement))
	{
		case COMPRESSION_GZIP:
			return "gzip";
		case COMPRESSION_BZIP2:
			return "bzip2";
		case COMPRESSION_ZSTD:
			return "zstd";
		default:
			return "none";
	}
}

/*
 * What the statement says about encryption.  Otherwise the store does as the
 * bucket is set up, which is what AUTO asks for, too.
 */
static List *
add_encryption(List *options, const RedshiftStatement *statement)
{
	if (!statement->encrypted || statement->encrypted_auto)
		return options;
	if (statement->kms_key_id == NULL)
		return add_option(options, "sse", "aes256");
	options = add_option(options, "sse", "aws:kms");
	return add_option(options, "kms_key_id", statement->kms_key_id);
}

static List *
make_options(const RedshiftStatement *statement)
{
	List	   *options = NIL;
	int64		max_file_size = statement->max_file_size > 0 ? statement->max_file_size :
		DEFAULT_MAX_FILE_SIZE;

	options = add_flag(options, "redshift", true);
	options = add_format(options, statement);
	options = add_option(options, "encoding", "UTF8");
	options = add_option(options, "compression", compression_name(statement));
	options = add_option(options, "file_name", file_name_pattern(statement));
	options = add_option(options, "max_file_size", psprintf(INT64_FORMAT, max_file_size));
	options = add_option(options, "parallel", statement->parallel ? "true" : "false");
	options = add_option(options, "overwrite", statement->clean_path ? "clean" :
						 statement->allow_overwrite ? "replace" : "error");
	options = add_option(options, "empty_result",
						 statement->format == REDSHIFT_JSON ? "none" : "one");
	if (statement->manifest)
		options = add_option(options, "manifest", statement->manifest_verbose ? "verbose" : "plain");
	if (statement->partition_by != NIL)
	{
		options = add_option(options, "partition_by", partition_names(statement));
		options = add_flag(options, "keep_partition_columns", statement->partition_include);
	}
	return add_encryption(options, statement);
}

/* -------------------------------------------------------------------------- access */

static bool
same_string(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/*
 * The client, or NULL if that which workers make from the catalogs is the same:
 * not if the statement has keys, the role was assumed, or the region is another.
 */
static S3Client *
find_client(const S3AccessRequest *access, Oid serverid, S3Stats *stats)
{
	S3Client   *client = s3_access_client(access, serverid, stats);
	S3Client   *plain;

	if (access->access_key_id || access->secret_access_key)
		return client;
	plain = s3_client_create(serverid, GetUserId(), stats);
	if (same_string(client->scheme, plain->scheme) &&
		same_string(client->host, plain->host) &&
		same_string(client->region, plain->region) &&
		same_string(client->credentials.access_key_id, plain->credentials.access_key_id) &&
		same_string(client->credentials.secret_access_key, plain->credentials.secret_access_key) &&
		same_string(client->credentials.session_token, plain->credentials.session_token))
		return NULL;
	return client;
}

/* ------------------------------------------------------------------------- journal */

static void
add_text(StringInfo json, const char *key, const char *value)
{
	appendStringInfoChar(json, json->len > 0 ? ',' : '{');
	escape_json(json, key);
	appendStringInfoChar(json, ':');
	escape_json(json, value);
}

static void
add_number(StringInfo json, const char *key, int64 value)
{
	appendStringInfoChar(json, json->len > 0 ? ',' : '{');
	escape_json(json, key);
	appendStringInfo(json, ":" INT64_FORMAT, value);
}

static const char *
format_name(const RedshiftStatement *statement)
{
	switch ((RedshiftFileFormat) statement->format)
	{
		case REDSHIFT_CSV:
			return "CSV";
		case REDSHIFT_FIXEDWIDTH:
			return "FIXEDWIDTH";
		case REDSHIFT_JSON:
			return "JSON";
		case REDSHIFT_DELIMITED:
			break;
	}
	return "TEXT";
}

/* The statement but for its options, among which there may be keys. */
static char *
query_text(const RedshiftStatement *statement)
{
	char	   *text = psprintf("UNLOAD (%s) TO %s", quote_literal_cstr(statement->query),
								quote_literal_cstr(statement->location));

	return pnstrdup(text, pg_mbcliplen(text, strlen(text), MAX_QUERY_TEXT));
}

/* A row about the statement as a whole; error is NULL unless it has failed. */
static void
journal_unload(const Unload *unload, const char *status, const char *error)
{
	const RedshiftStatement *statement = unload->statement;
	StringInfoData json;

	if (unload->journal == NULL)
		return;
	initStringInfo(&json);
	add_text(&json, "status", status);
	add_text(&json, "start_time", timestamptz_to_str(unload->start));
	if (strcmp(status, "running") != 0)
		add_text(&json, "end_time", timestamptz_to_str(GetCurrentTimestamp()));
	add_text(&json, "file_format", format_name(statement));
	add_text(&json, "compression_type", asc_toupper(compression_name(statement),
													strlen(compression_name(statement))));
	add_text(&json, "unloaded_location", statement->location);
	add_number(&json, "unloaded_rows", unload->totals.rows);
	add_number(&json, "unloaded_files_count", unload->totals.files);
	add_number(&json, "unloaded_files_size", unload->totals.bytes);
	if (error)
		add_text(&json, "error_message", error);
	add_text(&json, "query_text", query_text(statement));
	appendStringInfoChar(&json, '}');
	journal_add(unload->journal, JOURNAL_UNLOADS, json.data);
	pfree(json.data);
}

/* A row about one file. */
static void
journal_file(void *arg, const ExportedObject *object)
{
	const Unload *unload = arg;
	StringInfoData json;
	StringInfoData path;

	if (unload->journal == NULL || object->action != EXPORT_FILE)
		return;
	initStringInfo(&json);
	initStringInfo(&path);
	appendStringInfo(&path, "s3://%s/%s", object->bucket, object->key);
	add_text(&json, "file_name", path.data);
	add_text(&json, "start_time", timestamptz_to_str(unload->start));
	add_text(&json, "end_time", timestamptz_to_str(GetCurrentTimestamp()));
	add_number(&json, "line_count", object->rows);
	add_number(&json, "transfer_size", object->bytes);
	add_text(&json, "file_format", format_name(unload->statement));
	appendStringInfoChar(&json, '}');
	journal_add(unload->journal, JOURNAL_UNLOAD_FILES, json.data);
	pfree(path.data);
	pfree(json.data);
}

/* The export has failed, with the error that is being handled. */
static void
journal_failure(Unload *unload)
{
	MemoryContext save = MemoryContextSwitchTo(unload->cxt);
	ErrorData  *error = CopyErrorData();

	/* Nothing of it was left, or its files do not count as unloaded. */
	memset(&unload->totals, 0, sizeof(ExportTotals));
	journal_unload(unload, "aborted", error->message ? error->message : "");
	MemoryContextSwitchTo(save);
}

/* --------------------------------------------------------------------- redshift_unload() */

static void
set_setting(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
}

/*
 * Values are spelt in one way, whatever the session's settings are, and can be
 * read back without a loss.  Workers take settings over.
 */
static int
set_spelling(void)
{
	int			nest_level = NewGUCNestLevel();

	set_setting("datestyle", "ISO");
	set_setting("intervalstyle", "postgres");
	set_setting("bytea_output", "hex");
	if (extra_float_digits < 1)
		set_setting("extra_float_digits", "1");
	return nest_level;
}

void
redshift_unload(const RedshiftStatement *statement)
{
	const RedshiftAuthorization *authorization = &statement->authorization;
	S3AccessRequest access = {
		.default_role = authorization->is_default,
		.roles = authorization->roles,
		.region = statement->region,
		.access_key_id = authorization->access_key_id,
		.secret_access_key = authorization->secret_access_key,
		.session_token = authorization->session_token
	};
	S3Stats		stats = {0};
	Unload		unload = {
		.statement = statement,
		.start = GetCurrentTimestamp(),
		.cxt = CurrentMemoryContext
	};
	ExportRequest request = {
		.query = statement->query,
		.handler = journal_file,
		.arg = &unload
	};
	int64		query_id;
	int			nest_level;

	check_query(statement->query);
	request.location = target_location(statement);
	request.options = make_options(statement);
	request.serverid = s3_access_server(&access);
	request.client = find_client(&access, request.serverid, &stats);

	unload.journal = journal_open();
	query_id = unload.journal ? journal_query_id(unload.journal) : 0;
	session_begin_query(query_id);
	session_set_unload(query_id, 0);
	journal_unload(&unload, "running", NULL);
	nest_level = set_spelling();
	PG_TRY();
	{
		export_run(&request, &unload.totals);
	}
	PG_CATCH();
	{
		journal_failure(&unload);
		PG_RE_THROW();
	}
	PG_END_TRY();
	AtEOXact_GUC(true, nest_level);

	journal_unload(&unload, "completed", NULL);
	if (unload.journal)
		journal_close(unload.journal);
	session_set_unload(query_id, unload.totals.rows);
	ereport(INFO,
			(errmsg("UNLOAD completed, %lld record(s) unloaded successfully.",
					(long long) unload.totals.rows)));
}
