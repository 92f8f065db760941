/*-------------------------------------------------------------------------
 *
 * unit_redshift.c
 *		The parser of Redshift's statements as an SQL function.
 *
 * IDENTIFICATION
 *		test/unit/unit_redshift.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/option.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "redshift/parameter.h"
#include "redshift/redact.h"
#include "redshift/statement.h"
#include "redshift/token.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(unit_redshift_parse);
PG_FUNCTION_INFO_V1(unit_redshift_redact);
PG_FUNCTION_INFO_V1(unit_redshift_parameters);

/* Members that are as without the parameter are left out. */
static void
put_key(StringInfo out, const char *key)
{
	if (out->data[out->len - 1] != '{')
		appendStringInfoString(out, ", ");
	escape_json(out, key);
	appendStringInfoString(out, ": ");
}

static void
put_string(StringInfo out, const char *key, const char *value)
{
	if (value == NULL)
		return;
	put_key(out, key);
	escape_json(out, value);
}

static void
put_secret(StringInfo out, const char *key, const char *value)
{
	put_string(out, key, value ? "<set>" : NULL);
}

static void
put_true(StringInfo out, const char *key, bool value)
{
	if (!value)
		return;
	put_key(out, key);
	appendStringInfoString(out, "true");
}

static void
put_number(StringInfo out, const char *key, int64 value, int64 unset)
{
	if (value == unset)
		return;
	put_key(out, key);
	appendStringInfo(out, INT64_FORMAT, value);
}

static void
put_list(StringInfo out, const char *key, List *list)
{
	ListCell   *lc;

	if (list == NIL)
		return;
	put_key(out, key);
	appendStringInfoChar(out, '[');
	foreach(lc, list)
	{
		if (lc != list_head(list))
			appendStringInfoString(out, ", ");
		escape_json(out, lfirst(lc));
	}
	appendStringInfoChar(out, ']');
}

static void
put_statement(StringInfo out, const RedshiftStatement *s)
{
	static const char *const commands[] = {"COPY", "UNLOAD", "CREATE", "ALTER", "RUN", "SHOW", "DROP", "LIST"};
	static const char *const formats[] = {NULL, "CSV", "FIXEDWIDTH", "JSON"};
	static const char *const jsons[] = {"auto", "auto ignorecase", "noshred", "paths"};
	static const char *const codecs[] = {"auto", NULL, "gzip", "zstd", "bzip2", "xz", "lz4"};
	static const char *const switches[] = {"off", "on"};
	char		replacement[2] = {s->replacement};

	appendStringInfoChar(out, '{');
	put_string(out, "command", commands[s->command]);
	put_true(out, "default_role", s->authorization.is_default);
	put_list(out, "roles", s->authorization.roles);
	put_secret(out, "access_key_id", s->authorization.access_key_id);
	put_secret(out, "secret_access_key", s->authorization.secret_access_key);
	put_secret(out, "session_token", s->authorization.session_token);
	put_string(out, "location", s->location);
	put_string(out, "region", s->region);
	put_string(out, "format", formats[s->format]);
	put_string(out, "delimiter", s->delimiter);
	put_string(out, "quote", s->quote);
	put_string(out, "null_as", s->null_as);
	put_true(out, "null_is_nul", s->null_is_nul);
	put_string(out, "fixedwidth", s->fixedwidth);
	put_string(out, "compression", codecs[s->compression]);
	put_true(out, "escape", s->escape);
	put_true(out, "manifest", s->manifest);
	put_true(out, "encrypted", s->encrypted);
	put_string(out, "schema", s->schema);
	put_string(out, "table", s->table);
	put_list(out, "columns", s->columns);
	put_string(out, "json", s->format == REDSHIFT_JSON && s->command != REDSHIFT_UNLOAD ? jsons[s->json] : NULL);
	put_string(out, "json_paths", s->json_paths);
	put_number(out, "encoding", s->encoding, 6);
	put_true(out, "accept_any_date", s->accept_any_date);
	put_string(out, "replacement", s->accept_invalid_characters ? replacement : NULL);
	put_true(out, "blanks_as_null", s->blanks_as_null);
	put_true(out, "empty_as_null", s->empty_as_null);
	put_true(out, "explicit_ids", s->explicit_ids);
	put_true(out, "fill_record", s->fill_record);
	put_true(out, "ignore_blank_lines", s->ignore_blank_lines);
	put_number(out, "ignore_header", s->ignore_header, 0);
	put_true(out, "remove_quotes", s->remove_quotes);
	put_true(out, "round_decimals", s->round_decimals);
	put_true(out, "trim_blanks", s->trim_blanks);
	put_true(out, "truncate_columns", s->truncate_columns);
	put_string(out, "dateformat", s->dateformat);
	put_string(out, "timeformat", s->timeformat);
	put_number(out, "max_errors", s->max_errors, 0);
	put_true(out, "ignore_all_errors", s->ignore_all_errors);
	put_true(out, "no_load", s->no_load);
	put_string(out, "update_statistics", s->update_statistics == REDSHIFT_UNSET ? NULL : switches[s->update_statistics]);
	put_string(out, "query", s->query);
	put_true(out, "header", s->header);
	put_true(out, "add_quotes", s->add_quotes);
	put_true(out, "allow_overwrite", s->allow_overwrite);
	put_true(out, "clean_path", s->clean_path);
	put_true(out, "serial", !s->parallel);
	put_true(out, "manifest_verbose", s->manifest_verbose);
	put_number(out, "max_file_size", s->max_file_size, INT64CONST(6657199308));
	put_list(out, "partition_by", s->partition_by);
	put_true(out, "partition_include", s->partition_include);
	put_string(out, "extension", s->extension);
	put_true(out, "encrypted_auto", s->encrypted_auto);
	put_string(out, "kms_key_id", s->kms_key_id);
	put_string(out, "job_name", s->job_name);
	put_string(out, "job_auto", s->job_auto == REDSHIFT_UNSET ? NULL : switches[s->job_auto]);
	put_string(out, "copy_text", s->copy_text);
	appendStringInfoChar(out, '}');
}

static void
put_error(StringInfo out, const ErrorData *error)
{
	appendStringInfoChar(out, '{');
	put_string(out, "error", unpack_sql_state(error->sqlerrcode));
	put_string(out, "message", error->message);
	put_string(out, "detail", error->detail);
	put_string(out, "hint", error->hint);
	put_string(out, "context", error->context);
	put_string(out, "query", error->internalquery);
	put_number(out, "position", error->internalpos, 0);
	appendStringInfoChar(out, '}');
}

/*
 * unit_redshift_parse(text): a JSON object of the statement, or of the error
 * that it raises.  The parser holds nothing that an error would have to free.
 */
Datum
unit_redshift_parse(PG_FUNCTION_ARGS)
{
	char	   *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));
	MemoryContext caller = CurrentMemoryContext;
	StringInfoData out;

	initStringInfo(&out);
	PG_TRY();
	{
		put_statement(&out, redshift_parse(sql));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		resetStringInfo(&out);
		put_error(&out, CopyErrorData());
		FlushErrorState();
	}
	PG_END_TRY();
	PG_RETURN_TEXT_P(cstring_to_text(out.data));
}

/* unit_redshift_redact(text): what of it may be shown. */
Datum
unit_redshift_redact(PG_FUNCTION_ARGS)
{
	char	   *sql = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_TEXT_P(cstring_to_text(redshift_redact(redshift_tokenize(sql))));
}

/*
 * unit_redshift_parameters(): a line "name command outcome" for each row of the
 * table.
 */
Datum
unit_redshift_parameters(PG_FUNCTION_ARGS)
{
	static const char *const outcomes[] = {"supported", "no effect", "refused"};
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; redshift_parameter_row(i); i++)
	{
		const RedshiftParameter *p = redshift_parameter_row(i);

		if (p->commands & FOR_COPY)
			appendStringInfo(&out, "%s COPY %s\n", p->name, outcomes[p->outcome]);
		if (p->commands & FOR_UNLOAD)
			appendStringInfo(&out, "%s UNLOAD %s\n", p->name, outcomes[p->outcome]);
	}
	PG_RETURN_TEXT_P(cstring_to_text(out.data));
}
