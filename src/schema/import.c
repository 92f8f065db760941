/*-------------------------------------------------------------------------
 *
 * import.c
 *		IMPORT FOREIGN SCHEMA: a foreign table for each folder of a prefix, and
 *		for each group of files directly in it.
 *
 * Files whose names differ only in numbers and UUIDs are a group.  Folders
 * "key=value" of one key are the parts of one table.
 *
 * PostgreSQL cuts the name of the remote schema after 63 bytes, so that the
 * option "location" stands in for longer ones.
 *
 * IDENTIFICATION
 *		src/schema/import.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/option.h"
#include "catalog/pg_foreign_table.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "s3/object.h"
#include "s3/uri.h"
#include "schema/ddl.h"
#include "schema/import.h"
#include "schema/names.h"
#include "schema/schema.h"

#define UUID_LEN 36

/* A part of a name that may differ between the files of a group. */
typedef struct Run
{
	int			start;
	int			len;
	bool		is_uuid;
} Run;

/* Files that are one table. */
typedef struct FileGroup
{
	char	   *pattern;		/* name with # for numbers and UUIDs */
	List	   *names;			/* of its files (char *) */
} FileGroup;

typedef struct Import
{
	ImportForeignSchemaStmt *stmt;
	const char *server;
	S3Location *prefix;
	SchemaRequest request;		/* without location */
	List	   *folders;		/* char *, without '/' */
	List	   *files;			/* char *, names below the prefix */
	List	   *groups;			/* of FileGroup */
	NameSet    *names;
	List	   *commands;
} Import;

/* ---------------------------------------------------------------------- options */

static void
report_option(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("option \"%s\" cannot be used with IMPORT FOREIGN SCHEMA", name)));
}

/* Sort out what is for the import, and what for its tables. */
static void
read_options(Import *import, char **location)
{
	List	   *check;
	ListCell   *lc;

	import->request.sample_rows = SCHEMA_SAMPLE_ROWS;
	foreach(lc, import->stmt->options)
	{
		DefElem    *elem = lfirst_node(DefElem, lc);
		const char *name = elem->defname;

		if (strcmp(name, "location") == 0)
			*location = defGetString(elem);
		else if (strcmp(name, "sample_rows") == 0)
			import->request.sample_rows = strtoi64(defGetString(elem), NULL, 10);
		else if (strcmp(name, "full") == 0)
			import->request.full = defGetBoolean(elem);
		else if (strcmp(name, "epoch") == 0)
			import->request.epoch = defGetBoolean(elem);
		else if (strcmp(name, "manifest") == 0 || strcmp(name, "path_template") == 0 ||
				 strcmp(name, "jsonpaths") == 0)
			report_option(name);
		else
			import->request.options = lappend(import->request.options, elem);
	}
	if (import->request.sample_rows < 1)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("sample_rows must be a number greater than zero")));
	check = schema_complete_options(lcons(schema_option("location", *location),
										  list_copy(import->request.options)));
	s3_options_check(check, ForeignTableRelationId);
}

static void
set_prefix(Import *import, char *location)
{
	Size		len = strlen(location);

	if (location == import->stmt->remote_schema && len >= NAMEDATALEN - 1)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("the location may have been cut off: \"%s\"", location),
				 errdetail("The name of a remote schema has at most %d bytes.", NAMEDATALEN - 1),
				 errhint("Give the location with OPTIONS (location 's3://bucket/folder/').")));
	if (len > 0 && location[len - 1] != '/')
		location = psprintf("%s/", location);
	import->prefix = s3_location_parse_or_error(location);
	if (import->prefix->is_glob)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("cannot import from a pattern: \"%s\"", location),
				 errhint("Name a bucket or a folder.")));
}

/* ---------------------------------------------------------------------- listing */

static bool
ends_in(const char *name, const char *suffix)
{
	Size		len = strlen(name);
	Size		suffix_len = strlen(suffix);

	return len >= suffix_len && pg_strcasecmp(name + len - suffix_len, suffix) == 0;
}

/* Is it known to hold no records that we read? */
static bool
is_other_file(const char *name)
{
	static const char *const suffixes[] = {".md", ".html", ".pdf", ".png", ".jpg", ".jpeg", ".gif",
		".zip", ".tar", ".tgz", ".7z", ".xlsx", ".xls", ".parquet", ".orc", ".avro", ".ion", ".md5",
		".sha1", ".sha256", ".crc", ".sql", ".py"};
	static const char *const names[] = {"manifest-summary.json", "manifest-files.json"};

	for (int i = 0; i < (int) lengthof(suffixes); i++)
	{
		if (ends_in(name, suffixes[i]))
			return true;
	}
	for (int i = 0; i < (int) lengthof(names); i++)
	{
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static void
list_prefix(Import *import)
{
	const S3Location *prefix = import->prefix;
	Size		len = strlen(prefix->list_prefix);
	S3ListCursor *cursor = s3_list_open_flags(import->request.client, prefix->bucket,
											  prefix->list_prefix, S3_LIST_FOLDERS);
	S3ObjectInfo info;
	int			passed_over = 0;

	while (s3_list_next(cursor, &info))
	{
		char	   *name = pstrdup(info.key + len);

		CHECK_FOR_INTERRUPTS();
		if (info.is_folder)
		{
			/* some stores list a folder again on the page after */
			if (s3_key_is_hidden(prefix, psprintf("%sx", info.key), 1) || strcmp(name, "/") == 0 ||
				(import->folders && strncmp(llast(import->folders), name, strlen(name) - 1) == 0 &&
				 strlen(llast(import->folders)) == strlen(name) - 1))
				continue;
			name[strlen(name) - 1] = '\0';
			import->folders = lappend(import->folders, name);
		}
		else if (s3_key_is_hidden(prefix, info.key, info.size))
			continue;
		else if (is_other_file(name))
			passed_over++;
		else
			import->files = lappend(import->files, name);
	}
	s3_list_close(cursor);
	if (passed_over > 0)
		ereport(NOTICE,
				(errmsg_plural("%d file of another kind is passed over",
							   "%d files of other kinds are passed over",
							   passed_over, passed_over)));
	if (import->folders == NIL && import->files == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("there is nothing to import below \"%s\"",
						s3_location_format(prefix->bucket, prefix->list_prefix))));
}

/* -------------------------------------------------------------------- locations */

/* Append text such that none of it has a meaning in a location. */
static void
append_plain(StringInfo location, const char *text, int len, bool *is_glob)
{
	for (int i = 0; i < len; i++)
	{
		if (text[i] == ',')
		{
			int			next = i + 1 + (int) strspn(text + i + 1, " \t\r\n");

			/* a comma here would begin another location */
			if (strncmp(text + next, "s3://", 5) == 0)
			{
				appendStringInfoString(location, "[,]");
				*is_glob = true;
				continue;
			}
		}
		if (strchr("*?[\\", text[i]))
			appendStringInfoChar(location, '\\');
		appendStringInfoChar(location, text[i]);
	}
}

static void
begin_location(Import *import, StringInfo location, bool *is_glob)
{
	const char *key = import->prefix->list_prefix;

	*is_glob = false;
	initStringInfo(location);
	appendStringInfo(location, "s3://%s/", import->prefix->bucket);
	append_plain(location, key, (int) strlen(key), is_glob);
}

static char *
folder_location(Import *import, const char *folder)
{
	StringInfoData location;
	bool		is_glob;

	begin_location(import, &location, &is_glob);
	if (folder[0] != '\0')
	{
		append_plain(&location, folder, (int) strlen(folder), &is_glob);
		appendStringInfoChar(&location, '/');
	}
	if (is_glob)
		appendStringInfoString(&location, "**");
	return location.data;
}

/* Does a location take only those of the files? */
static bool
takes_only(Import *import, const char *location, const List *names)
{
	S3Location *parsed = s3_location_parse_or_error(location);
	ListCell   *lc;

	foreach(lc, import->folders)
	{
		if (s3_location_matches(parsed, psprintf("%s%s/x", import->prefix->list_prefix,
												 (char *) lfirst(lc))))
			return false;
	}
	foreach(lc, import->files)
	{
		bool		wanted = false;
		ListCell   *other;

		CHECK_FOR_INTERRUPTS();
		if (!s3_location_matches(parsed, psprintf("%s%s", import->prefix->list_prefix,
												  (char *) lfirst(lc))))
			continue;
		foreach(other, names)
			wanted = wanted || lfirst(other) == lfirst(lc);
		if (!wanted)
			return false;
	}
	return true;
}

/*
 * The location of one file.  A key is a prefix; where that takes others too, a
 * set of one character makes it a pattern, which has to match as a whole.
 */
static char *
file_location(Import *import, char *name)
{
	StringInfoData location;
	bool		is_glob;
	int			set = (int) strlen(name) - 1;

	begin_location(import, &location, &is_glob);
	append_plain(&location, name, (int) strlen(name), &is_glob);
	if (is_glob || takes_only(import, location.data, list_make1(name)))
		return location.data;
	while (set >= 0 && !isalnum((unsigned char) name[set]))
		set--;
	if (set < 0)
		return location.data;
	begin_location(import, &location, &is_glob);
	append_plain(&location, name, set, &is_glob);
	appendStringInfo(&location, "[%c]", name[set]);
	append_plain(&location, name + set + 1, (int) strlen(name) - set - 1, &is_glob);
	return location.data;
}

/* ----------------------------------------------------------------------- groups */

static bool
is_uuid(const char *p)
{
	for (int i = 0; i < UUID_LEN; i++)
	{
		bool		hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (hyphen ? p[i] != '-' : !isxdigit((unsigned char) p[i]))
			return false;
	}
	return true;
}

/* The next number or UUID at or behind a place; false if there is none. */
static bool
next_run(const char *name, int from, Run *run)
{
	for (int i = from; name[i]; i++)
	{
		bool		begins = i == 0 || !isalnum((unsigned char) name[i - 1]);

		run->start = i;
		run->is_uuid = begins && is_uuid(name + i);
		run->len = run->is_uuid ? UUID_LEN : (int) strspn(name + i, "0123456789");
		if (run->len > 0)
			return true;
	}
	return false;
}

static char *
name_pattern(const char *name)
{
	StringInfoData pattern;
	int			pos = 0;
	Run			run;

	initStringInfo(&pattern);
	while (next_run(name, pos, &run))
	{
		appendBinaryStringInfo(&pattern, name + pos, run.start - pos);
		appendStringInfoChar(&pattern, '#');
		pos = run.start + run.len;
	}
	appendStringInfoString(&pattern, name + pos);
	return pattern.data;
}

static void
make_groups(Import *import)
{
	ListCell   *lc;

	foreach(lc, import->files)
	{
		char	   *pattern = name_pattern(lfirst(lc));
		FileGroup	   *group = NULL;
		ListCell   *other;

		CHECK_FOR_INTERRUPTS();
		foreach(other, import->groups)
		{
			if (strcmp(((FileGroup *) lfirst(other))->pattern, pattern) == 0)
				group = lfirst(other);
		}
		if (group == NULL)
		{
			group = palloc0(sizeof(FileGroup));
			group->pattern = pattern;
			import->groups = lappend(import->groups, group);
		}
		group->names = lappend(group->names, lfirst(lc));
	}
}

/* Is the n-th run not the same in all files of a group? */
static bool
run_varies(const FileGroup *group, int n)
{
	const char *first = NULL;
	int			first_len = 0;
	ListCell   *lc;

	foreach(lc, group->names)
	{
		const char *name = lfirst(lc);
		Run			run = {0};

		for (int i = 0; i <= n; i++)
			next_run(name, run.start + run.len, &run);
		if (first == NULL)
		{
			first = name + run.start;
			first_len = run.len;
		}
		else if (first_len != run.len || memcmp(first, name + run.start, run.len) != 0)
			return true;
	}
	return false;
}

static char *
group_location(Import *import, FileGroup *group)
{
	const char *name = linitial(group->names);
	StringInfoData location;
	bool		is_glob;
	int			pos = 0;
	Run			run;
	ListCell   *lc;

	if (list_length(group->names) == 1)
		return file_location(import, linitial(group->names));
	begin_location(import, &location, &is_glob);
	for (int i = 0; next_run(name, pos, &run); i++)
	{
		append_plain(&location, name + pos, run.start - pos, &is_glob);
		if (run_varies(group, i))
			appendStringInfoString(&location, run.is_uuid ? "*" : "[0-9]*");
		else
			append_plain(&location, name + run.start, run.len, &is_glob);
		pos = run.start + run.len;
	}
	append_plain(&location, name + pos, (int) strlen(name) - pos, &is_glob);
	if (takes_only(import, location.data, group->names))
		return location.data;

	resetStringInfo(&location);
	foreach(lc, group->names)
		appendStringInfo(&location, "%s%s", location.len > 0 ? ", " : "",
						 file_location(import, lfirst(lc)));
	return location.data;
}

/* The length of a name without the suffixes that tell its kind. */
static int
stem_len(const char *name)
{
	static const char *const suffixes[] = {".csv", ".tsv", ".psv", ".txt", ".dat", ".log", ".json",
		".jsonl", ".ndjson", ".gz", ".gzip", ".zst", ".bz2", ".xz", ".lz4"};
	char	   *stem = pstrdup(name);
	bool		again = true;

	while (again)
	{
		again = false;
		for (int i = 0; i < (int) lengthof(suffixes); i++)
		{
			Size		len = strlen(stem);

			if (len > strlen(suffixes[i]) && ends_in(stem, suffixes[i]))
			{
				stem[len - strlen(suffixes[i])] = '\0';
				again = true;
			}
		}
	}
	return (int) strlen(stem);
}

/*
 * What the files of a group are called, without what differs.  A single letter
 * that stood before that goes with it.
 */
static char *
group_name(const FileGroup *group)
{
	const char *name = linitial(group->names);
	int			len = stem_len(name);
	StringInfoData result;
	int			pos = 0;
	Run			run;

	initStringInfo(&result);
	for (int i = 0; next_run(name, pos, &run) && run.start < len; i++)
	{
		bool		varies = run_varies(group, i);
		int			keep = run.start;

		if (varies && keep > pos && isalpha((unsigned char) name[keep - 1]) &&
			(keep - 1 == pos ? pos == 0 || result.len == 0 || !isalnum((unsigned char) name[pos - 1]) :
			 !isalnum((unsigned char) name[keep - 2])))
			keep--;
		appendBinaryStringInfo(&result, name + pos, keep - pos);
		if (varies)
			appendStringInfoChar(&result, '_');
		else
			appendBinaryStringInfo(&result, name + run.start, run.len);
		pos = run.start + run.len;
	}
	if (pos < len)
		appendBinaryStringInfo(&result, name + pos, len - pos);
	return result.data;
}

/* ----------------------------------------------------------------------- tables */

static void
table_error_context(void *arg)
{
	errcontext("table \"%s\"", (const char *) arg);
}

/* Add a table, unless the statement leaves it out. */
static void
add_table(Import *import, const char *source, char *location)
{
	char	   *name = name_clean(import->names, source, "data");
	SchemaRequest request = import->request;
	Schema	   *schema;
	ErrorContextCallback context;

	if (!IsImportableForeignTable(name, import->stmt))
		return;
	request.options = lcons(schema_option("location", location), list_copy(request.options));
	context.callback = table_error_context;
	context.arg = name;
	context.previous = error_context_stack;
	error_context_stack = &context;
	schema = schema_infer(&request, true);
	error_context_stack = context.previous;
	if (schema == NULL)
	{
		ereport(NOTICE,
				(errmsg("there is no object for table \"%s\" at \"%s\"", name, location)));
		return;
	}
	import->commands = lappend(import->commands, ddl_postgres(schema, name, import->server));
}

/* The key that all folders have as "key=value", or NULL. */
static char *
common_key(const List *folders)
{
	char	   *key = NULL;
	ListCell   *lc;

	foreach(lc, folders)
	{
		const char *folder = lfirst(lc);
		const char *equals = strchr(folder, '=');

		if (equals == NULL || equals == folder)
			return NULL;
		if (key == NULL)
			key = pnstrdup(folder, equals - folder);
		else if (strlen(key) != (Size) (equals - folder) ||
				 strncmp(key, folder, equals - folder) != 0)
			return NULL;
	}
	return key;
}

static void
add_folders(Import *import)
{
	char	   *key = common_key(import->folders);
	ListCell   *lc;

	if (key)
	{
		char	   *location = folder_location(import, "");

		/* files beside the folders are no part of the table */
		if (import->files != NIL)
		{
			StringInfoData pattern;
			bool		is_glob;

			begin_location(import, &pattern, &is_glob);
			append_plain(&pattern, key, (int) strlen(key), &is_glob);
			appendStringInfoString(&pattern, "=*/**");
			location = pattern.data;
		}
		add_table(import, ddl_table_name(folder_location(import, "")), location);
		return;
	}
	foreach(lc, import->folders)
		add_table(import, lfirst(lc), folder_location(import, lfirst(lc)));
}

List *
s3ImportForeignSchema(ImportForeignSchemaStmt *stmt, Oid serverOid)
{
	Import		import = {.stmt = stmt};
	S3Stats		stats = {0};
	char	   *location = stmt->remote_schema;
	ListCell   *lc;

	import.server = GetForeignServer(serverOid)->servername;
	read_options(&import, &location);
	set_prefix(&import, location);
	import.request.client = s3_client_create(serverOid, GetUserId(), &stats);
	import.names = name_set_create();
	list_prefix(&import);
	make_groups(&import);
	add_folders(&import);
	foreach(lc, import.groups)
	{
		FileGroup	   *group = lfirst(lc);
		char	   *name = group_name(group);

		if (name[strspn(name, "_-. ")] == '\0')
			name = ddl_table_name(folder_location(&import, ""));
		add_table(&import, name, group_location(&import, group));
	}
	return import.commands;
}
