/*-------------------------------------------------------------------------
 *
 * option.c
 *		The options of servers, user mappings, foreign tables, columns and
 *		functions.
 *
 * A row of option_defs is the whole truth about an option: where it may be
 * set, of what type it is, in which struct it ends up.  Checking and reading
 * go by that table alone.  Names are COPY's where the meaning is COPY's.
 *
 * Values of user mappings are secrets and appear in no message.
 *
 * IDENTIFICATION
 *		src/base/option.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "base/config.h"
#include "base/option.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#define DEFAULT_REGION "us-east-1"

/* Where an option may be set. */
#define ON_SERVER	0x01
#define ON_MAPPING	0x02
#define ON_TABLE	0x04
#define ON_COLUMN	0x08
#define ON_EXPORT	0x10

typedef enum OptionType
{
	OPTION_STRING,				/* char * */
	OPTION_REGION,				/* char *, letters, digits and '-' */
	OPTION_BOOL,				/* bool */
	OPTION_ENUM,				/* int, one of names */
	OPTION_HEADER,				/* int: HeaderLine; boolean or "match" */
	OPTION_BYTE,				/* char *, one byte */
	OPTION_ENCODING,			/* int */
	OPTION_SIZE,				/* int64 bytes; units as in settings */
	OPTION_NAMES				/* List of char *: comma-separated identifiers */
} OptionType;

/* The struct that offset counts in. */
typedef enum OptionTarget
{
	IN_SERVER,					/* S3ServerOptions */
	IN_USER,					/* S3UserOptions */
	IN_TABLE,					/* S3TableOptions */
	IN_COLUMN,					/* S3ColumnOptions */
	IN_EXPORT,					/* S3ExportOptions */
	IN_FORMAT					/* FormatOptions, of a table or an export */
} OptionTarget;

typedef struct OptionDef
{
	const char *name;
	int			where;
	OptionType	type;
	OptionTarget target;
	Size		offset;
	bool		csv_only;
	const char *const *names;	/* of an enum, in the order of its values */
	int64		min;			/* of a size */
	int64		max;
} OptionDef;

static const char *const url_style_names[] = {"auto", "virtual", "path", NULL};
static const char *const format_names[] = {"csv", "json", NULL};
static const char *const compression_names[] = {"auto", "none", "gzip", NULL};

static const OptionDef option_defs[] = {
	/* the service */
	{"endpoint", ON_SERVER, OPTION_STRING, IN_SERVER, .offset = offsetof(S3ServerOptions, endpoint)},
	{"region", ON_SERVER, OPTION_REGION, IN_SERVER, .offset = offsetof(S3ServerOptions, region)},
	{"url_style", ON_SERVER, OPTION_ENUM, IN_SERVER, .offset = offsetof(S3ServerOptions, url_style), .names = url_style_names},
	{"requester_pays", ON_SERVER, OPTION_BOOL, IN_SERVER, .offset = offsetof(S3ServerOptions, requester_pays)},
	{"ca_file", ON_SERVER, OPTION_STRING, IN_SERVER, .offset = offsetof(S3ServerOptions, ca_file)},

	/* who asks */
	{"access_key_id", ON_MAPPING, OPTION_STRING, IN_USER, .offset = offsetof(S3UserOptions, access_key_id)},
	{"secret_access_key", ON_MAPPING, OPTION_STRING, IN_USER, .offset = offsetof(S3UserOptions, secret_access_key)},
	{"session_token", ON_MAPPING, OPTION_STRING, IN_USER, .offset = offsetof(S3UserOptions, session_token)},

	/* what is read */
	{"location", ON_TABLE, OPTION_STRING, IN_TABLE, .offset = offsetof(S3TableOptions, location)},

	/* how it is written down */
	{"format", ON_TABLE | ON_EXPORT, OPTION_ENUM, IN_FORMAT, .offset = offsetof(FormatOptions, format), .names = format_names},
	{"compression", ON_TABLE | ON_EXPORT, OPTION_ENUM, IN_FORMAT, .offset = offsetof(FormatOptions, compression), .names = compression_names},
	{"encoding", ON_TABLE | ON_EXPORT, OPTION_ENCODING, IN_FORMAT, .offset = offsetof(FormatOptions, encoding)},
	{"header", ON_TABLE | ON_EXPORT, OPTION_HEADER, IN_FORMAT, .offset = offsetof(FormatOptions, header), .csv_only = true},
	{"delimiter", ON_TABLE | ON_EXPORT, OPTION_BYTE, IN_FORMAT, .offset = offsetof(FormatOptions, delimiter), .csv_only = true},
	{"quote", ON_TABLE | ON_EXPORT, OPTION_BYTE, IN_FORMAT, .offset = offsetof(FormatOptions, quote), .csv_only = true},
	{"escape", ON_TABLE | ON_EXPORT, OPTION_BYTE, IN_FORMAT, .offset = offsetof(FormatOptions, escape), .csv_only = true},
	{"null", ON_TABLE | ON_EXPORT, OPTION_STRING, IN_FORMAT, .offset = offsetof(FormatOptions, null), .csv_only = true},
	{"force_not_null", ON_COLUMN, OPTION_BOOL, IN_COLUMN, .offset = offsetof(S3ColumnOptions, force_not_null)},
	{"force_null", ON_COLUMN, OPTION_BOOL, IN_COLUMN, .offset = offsetof(S3ColumnOptions, force_null)},
	{"force_quote", ON_EXPORT, OPTION_NAMES, IN_EXPORT, .offset = offsetof(S3ExportOptions, force_quote), .csv_only = true},

	/* how an object is written */
	{"overwrite", ON_EXPORT, OPTION_BOOL, IN_EXPORT, .offset = offsetof(S3ExportOptions, overwrite)},
	{"part_size", ON_EXPORT, OPTION_SIZE, IN_EXPORT, .offset = offsetof(S3ExportOptions, part_size),
	.min = S3_MIN_PART_SIZE, .max = S3_MAX_PART_SIZE},
	{"content_type", ON_EXPORT, OPTION_STRING, IN_EXPORT, .offset = offsetof(S3ExportOptions, content_type)},
};

/* ------------------------------------------------------------- single values */

static const OptionDef *
find_option(const char *name, int where)
{
	for (int i = 0; i < (int) lengthof(option_defs); i++)
	{
		if ((option_defs[i].where & where) && strcmp(option_defs[i].name, name) == 0)
			return &option_defs[i];
	}
	return NULL;
}

static void
report_unknown_option(const char *name, int where)
{
	const char *nearest = NULL;
	int			nearest_distance = 4;
	int			len = strlen(name);
	bool		any = false;

	for (int i = 0; i < (int) lengthof(option_defs); i++)
	{
		const char *other = option_defs[i].name;
		int			distance;

		if (!(option_defs[i].where & where))
			continue;
		any = true;
		if (len > 63)
			continue;
		distance = varstr_levenshtein_less_equal(name, len, other, strlen(other),
												 1, 1, 1, nearest_distance, true);
		if (distance < nearest_distance && distance <= Max(len, (int) strlen(other)) / 2)
		{
			nearest = other;
			nearest_distance = distance;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("invalid option \"%s\"", name),
			 nearest ? errhint("Perhaps you meant the option \"%s\".", nearest) :
			 !any ? errhint("There are no valid options in this context.") : 0));
}

static void
report_invalid_value(const OptionDef *def, const char *value, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			 errmsg("invalid value for option \"%s\": \"%s\"", def->name, value),
			 errdetail("%s", expected)));
}

static int
parse_enum(const OptionDef *def, const char *value)
{
	StringInfoData expected;

	for (int i = 0; def->names[i]; i++)
	{
		if (pg_strcasecmp(def->names[i], value) == 0)
			return i;
	}
	initStringInfo(&expected);
	for (int i = 0; def->names[i]; i++)
		appendStringInfo(&expected, "%s\"%s\"",
						 i == 0 ? "" : def->names[i + 1] ? ", " : " or ", def->names[i]);
	report_invalid_value(def, value, psprintf(_("Expected %s."), expected.data));
	return 0;
}

static int64
parse_size(const OptionDef *def, const char *value)
{
	double		number;
	const char *hint = NULL;
	char	   *end;
	double		result;

	/* parse_real() with a unit reads "16MB" as settings do, in bytes. */
	if (parse_real(value, &result, GUC_UNIT_BYTE, &hint))
		number = result;
	else
	{
		number = strtod(value, &end);
		if (end == value || *end != '\0')
			report_invalid_value(def, value, hint ? _(hint) : _("Expected a number of bytes, or one with a unit as in \"16MB\"."));
	}
	/* not-a-number is in no range */
	if (!(number >= (double) def->min && number <= (double) def->max))
		report_invalid_value(def, value,
							 psprintf(_("It must be between %lld MB and %lld MB."),
									  (long long) (def->min / (1024 * 1024)),
									  (long long) (def->max / (1024 * 1024))));
	return (int64) number;
}

/* Set the field that def describes in target from an option's text. */
static void
set_option(const OptionDef *def, const char *value, void *target)
{
	void	   *field = (char *) target + def->offset;
	bool		flag;

	switch (def->type)
	{
		case OPTION_STRING:
			*(char **) field = pstrdup(value);
			break;
		case OPTION_REGION:
			if (value[0] == '\0' || strlen(value) > 63 ||
				strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(value))
				report_invalid_value(def, value,
									 _("A region consists of lower-case letters, digits and hyphens."));
			*(char **) field = pstrdup(value);
			break;
		case OPTION_BOOL:
			if (!parse_bool(value, &flag))
				report_invalid_value(def, value, _("Expected a boolean."));
			*(bool *) field = flag;
			break;
		case OPTION_ENUM:
			*(int *) field = parse_enum(def, value);
			break;
		case OPTION_HEADER:
			if (pg_strcasecmp(value, "match") == 0)
				*(int *) field = HEADER_MATCH;
			else if (parse_bool(value, &flag))
				*(int *) field = flag ? HEADER_TRUE : HEADER_FALSE;
			else
				report_invalid_value(def, value, _("Expected a boolean or \"match\"."));
			break;
		case OPTION_BYTE:
			if (strlen(value) != 1)
				report_invalid_value(def, value, _("It must be a single one-byte character."));
			*(char **) field = pstrdup(value);
			break;
		case OPTION_ENCODING:
			*(int *) field = pg_char_to_encoding(value);
			if (*(int *) field < 0)
				report_invalid_value(def, value, _("It is no encoding that the server knows."));
			break;
		case OPTION_SIZE:
			*(int64 *) field = parse_size(def, value);
			break;
		case OPTION_NAMES:
			if (strcmp(value, "*") == 0)
				*(List **) field = list_make1(pstrdup(value));
			else if (!SplitIdentifierString(pstrdup(value), ',', (List **) field))
				report_invalid_value(def, value, _("Expected \"*\" or a list of column names."));
			break;
	}
}

/* ------------------------------------------------------------ what goes together */

static void
init_format(FormatOptions *format)
{
	memset(format, 0, sizeof(*format));
	format->encoding = -1;
}

/* COPY's defaults, and COPY's rules about the special characters. */
static void
finish_format(FormatOptions *format)
{
	if (format->delimiter == NULL)
		format->delimiter = ",";
	if (format->quote == NULL)
		format->quote = "\"";
	if (format->escape == NULL)
		format->escape = format->quote;
	if (format->null == NULL)
		format->null = "";

	if (strpbrk(format->delimiter, "\r\n"))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("delimiter cannot be newline or carriage return")));
	if (strpbrk(format->null, "\r\n"))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("null representation cannot use newline or carriage return")));
	if (format->delimiter[0] == format->quote[0])
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("delimiter and quote must be different")));
	if (strchr(format->null, format->delimiter[0]))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("delimiter must not appear in the null representation")));
	if (strchr(format->null, format->quote[0]))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("quote must not appear in the null representation")));
	if (strpbrk(format->quote, "\r\n") || strpbrk(format->escape, "\r\n"))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("quote and escape cannot be newline or carriage return")));
}

/*
 * Fill the structs from a list of options; a NULL struct's options are checked
 * all the same, into nowhere.
 */
static void
apply_options(List *options, int where, void *target, FormatOptions *format)
{
	ListCell   *lc;
	const char *csv_option = NULL;

	foreach(lc, options)
	{
		DefElem    *elem = lfirst_node(DefElem, lc);
		const OptionDef *def = find_option(elem->defname, where);

		if (def == NULL)
			report_unknown_option(elem->defname, where);
		if (def->csv_only)
			csv_option = def->name;
		set_option(def, defGetString(elem), def->target == IN_FORMAT ? (void *) format : target);
	}
	if (format)
	{
		if (format->format != FORMAT_CSV && csv_option)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
					 errmsg("option \"%s\" needs format \"csv\"", csv_option)));
		finish_format(format);
	}
}

char *
s3_option_value(List *options, const char *name)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *elem = lfirst_node(DefElem, lc);

		if (strcmp(elem->defname, name) == 0)
			return defGetString(elem);
	}
	return NULL;
}

void
s3_options_check(List *options, Oid catalog)
{
	if (catalog == ForeignServerRelationId)
	{
		S3ServerOptions server = {0};

		apply_options(options, ON_SERVER, &server, NULL);
	}
	else if (catalog == UserMappingRelationId)
	{
		S3UserOptions user = {0};

		apply_options(options, ON_MAPPING, &user, NULL);
	}
	else if (catalog == ForeignTableRelationId)
	{
		S3TableOptions table = {0};

		init_format(&table.format);
		apply_options(options, ON_TABLE, &table, &table.format);
		if (table.location == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
					 errmsg("option \"location\" is required"),
					 errhint("Name a prefix, a glob or an object, as in \"s3://bucket/folder/\".")));
	}
	else if (catalog == AttributeRelationId)
	{
		S3ColumnOptions column = {0};

		apply_options(options, ON_COLUMN, &column, NULL);
	}
	else
		apply_options(options, 0, NULL, NULL);
}

/* ------------------------------------------------------------------ from catalogs */

S3ServerOptions *
s3_server_options(Oid serverid)
{
	ForeignServer *server = GetForeignServer(serverid);
	S3ServerOptions *options = palloc0(sizeof(S3ServerOptions));

	options->serverid = serverid;
	options->owner = server->owner;
	options->servername = server->servername;
	apply_options(server->options, ON_SERVER, options, NULL);
	if (options->region == NULL)
		options->region = DEFAULT_REGION;
	return options;
}

S3UserOptions *
s3_user_options(Oid userid, Oid serverid)
{
	UserMapping *mapping = GetUserMapping(userid, serverid);
	S3UserOptions *options = palloc0(sizeof(S3UserOptions));

	apply_options(mapping->options, ON_MAPPING, options, NULL);
	if (options->access_key_id == NULL || options->secret_access_key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("user mapping for server \"%s\" lacks an access key",
						GetForeignServer(serverid)->servername),
				 errhint("Set the options access_key_id and secret_access_key of the user mapping.")));
	return options;
}

S3TableOptions *
s3_table_options(Oid relid)
{
	ForeignTable *table = GetForeignTable(relid);
	S3TableOptions *options = palloc0(sizeof(S3TableOptions));

	init_format(&options->format);
	apply_options(table->options, ON_TABLE, options, &options->format);
	return options;
}

S3ColumnOptions *
s3_column_options(Oid relid, AttrNumber attnum)
{
	S3ColumnOptions *options = palloc0(sizeof(S3ColumnOptions));

	apply_options(GetForeignColumnOptions(relid, attnum), ON_COLUMN, options, NULL);
	return options;
}

S3ExportOptions *
s3_export_options(List *options)
{
	S3ExportOptions *export = palloc0(sizeof(S3ExportOptions));

	init_format(&export->format);
	apply_options(options, ON_EXPORT, export, &export->format);
	if (export->format.header == HEADER_MATCH)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("header \"match\" is for reading only")));
	return export;
}
