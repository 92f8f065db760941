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
#include "base/attribute.h"
#include "base/config.h"
#include "base/option.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#define DEFAULT_REGION "us-east-1"

/* Longest delimiter or comment prefix, in bytes. */
#define MAX_SPECIAL_LEN 16

#define DEFAULT_RECORD_SIZE ((int64) 64 * 1024 * 1024)

/* The most that fits in one allocation of COPY's line buffer, 1 GB - 1. */
#define MAX_RECORD_SIZE ((int64) 1024 * 1024 * 1024 - 1)

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
	OPTION_HEADER,				/* int: HeaderLine; boolean, "match", "first" */
	OPTION_BYTE,				/* char *, one byte */
	OPTION_TEXT,				/* char *, not empty */
	OPTION_ENCODING,			/* int */
	OPTION_COUNT,				/* int64 */
	OPTION_RATIO,				/* double, 0 to 1 */
	OPTION_SIZE,				/* int64 bytes; units as in settings */
	OPTION_NAMES,				/* List of char *: comma-separated identifiers */
	OPTION_ROLES,				/* List of char *: ARNs, "default", "*" */
	OPTION_FIELD,				/* char *, value of an HTTP header */
	OPTION_CLASS,				/* char *, a storage class */
	OPTION_METADATA,			/* List of S3Attribute: JSON object of strings */
	OPTION_TAGS					/* the same, with other limits */
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
	int			formats;		/* that know the option; 0: all */
	const char *const *names;	/* of an enum, in the order of its values */
	int64		min;			/* of a size or count */
	int64		max;
} OptionDef;

/* Sets of formats. */
#define FOR(format) (1 << (format))
#define FOR_CSV FOR(FORMAT_CSV)
#define FOR_JSON FOR(FORMAT_JSON)
#define FOR_DELIMITED (FOR(FORMAT_CSV) | FOR(FORMAT_TEXT))
#define FOR_LINES (FOR_DELIMITED | FOR(FORMAT_FIXEDWIDTH))

static const char *const url_style_names[] = {"auto", "virtual", "path", NULL};
static const char *const format_names[] = {"csv", "text", "fixedwidth", "json", NULL};
static const char *const compression_names[] = {"auto", "none", "gzip", "zstd", "bzip2", "xz", "lz4", NULL};
static const char *const match_by_names[] = {"position", "name", NULL};
static const char *const missing_names[] = {"error", "null", NULL};
static const char *const extra_names[] = {"error", "ignore", NULL};
static const char *const encoding_errors_names[] = {"error", "replace", NULL};
static const char *const on_error_names[] = {"stop", "skip", "null", NULL};
static const char *const on_bad_object_names[] = {"stop", "skip", NULL};
static const char *const extra_keys_names[] = {"ignore", "warn", "error", NULL};
static const char *const validate_names[] = {"used", "all", NULL};
static const char *const records_names[] = {"objects", "arrays", "values", "document", "dynamodb", NULL};
static const char *const sse_names[] = {"none", "aes256", "aws:kms", NULL};
static const char *const acl_names[] = {"none", "private", "public-read", "public-read-write", "authenticated-read",
"aws-exec-read", "bucket-owner-read", "bucket-owner-full-control", NULL};
static const char *const overwrite_names[] = {"error", "replace", "clean", NULL};
static const char *const manifest_names[] = {"none", "plain", "verbose", NULL};
static const char *const empty_result_names[] = {"one", "none", NULL};
static const char *const checksum_names[] = {"none", "crc32c", "crc64nvme", NULL};
static const char *const metadata_names[] = {"none", "location", "key", "size", "etag", "last_modified",
"storage_class", "version_id", "line_number", "byte_offset", NULL};

static const OptionDef option_defs[] = {
	/* the service */
	{"endpoint", ON_SERVER, OPTION_STRING, IN_SERVER, .offset = offsetof(S3ServerOptions, endpoint)},
	{"region", ON_SERVER, OPTION_REGION, IN_SERVER, .offset = offsetof(S3ServerOptions, region)},
	{"url_style", ON_SERVER, OPTION_ENUM, IN_SERVER, .offset = offsetof(S3ServerOptions, url_style), .names = url_style_names},
	{"requester_pays", ON_SERVER, OPTION_BOOL, IN_SERVER, .offset = offsetof(S3ServerOptions, requester_pays)},
	{"ca_file", ON_SERVER, OPTION_STRING, IN_SERVER, .offset = offsetof(S3ServerOptions, ca_file)},
	{"requests_per_second", ON_SERVER, OPTION_COUNT, IN_SERVER, .offset = offsetof(S3ServerOptions, requests_per_second), .min = 1, .max = 1000000},
	{"iam_role", ON_SERVER, OPTION_ROLES, IN_SERVER, .offset = offsetof(S3ServerOptions, iam_roles)},
	{"assume_role", ON_SERVER, OPTION_BOOL, IN_SERVER, .offset = offsetof(S3ServerOptions, assume_role)},
	{"sts_endpoint", ON_SERVER, OPTION_STRING, IN_SERVER, .offset = offsetof(S3ServerOptions, sts_endpoint)},

	/* who asks */
	{"access_key_id", ON_MAPPING, OPTION_STRING, IN_USER, .offset = offsetof(S3UserOptions, access_key_id)},
	{"secret_access_key", ON_MAPPING, OPTION_STRING, IN_USER, .offset = offsetof(S3UserOptions, secret_access_key)},
	{"session_token", ON_MAPPING, OPTION_STRING, IN_USER, .offset = offsetof(S3UserOptions, session_token)},

	/* what is read */
	{"location", ON_TABLE, OPTION_STRING, IN_TABLE, .offset = offsetof(S3TableOptions, location)},
	{"manifest", ON_TABLE, OPTION_BOOL, IN_TABLE, .offset = offsetof(S3TableOptions, manifest)},
	{"verify", ON_TABLE, OPTION_BOOL, IN_TABLE, .offset = offsetof(S3TableOptions, verify)},
	{"path_template", ON_TABLE, OPTION_TEXT, IN_TABLE, .offset = offsetof(S3TableOptions, path_template)},

	/* what becomes of what is bad */
	{"on_error", ON_TABLE, OPTION_ENUM, IN_TABLE, .offset = offsetof(S3TableOptions, on_error), .names = on_error_names},
	{"max_errors", ON_TABLE, OPTION_COUNT, IN_TABLE, .offset = offsetof(S3TableOptions, max_errors), .min = 0, .max = PG_INT64_MAX},
	{"max_error_ratio", ON_TABLE, OPTION_RATIO, IN_TABLE, .offset = offsetof(S3TableOptions, max_error_ratio)},
	{"on_bad_object", ON_TABLE, OPTION_ENUM, IN_TABLE, .offset = offsetof(S3TableOptions, on_bad_object), .names = on_bad_object_names},
	{"validate", ON_TABLE, OPTION_ENUM, IN_TABLE, .offset = offsetof(S3TableOptions, validate), .names = validate_names},
	{"extra_keys", ON_TABLE, OPTION_ENUM, IN_TABLE, .offset = offsetof(S3TableOptions, extra_keys), .names = extra_keys_names},

	/* how it is written down */
	{"format", ON_TABLE | ON_EXPORT, OPTION_ENUM, IN_FORMAT, .offset = offsetof(FormatOptions, format), .names = format_names},
	{"compression", ON_TABLE | ON_EXPORT, OPTION_ENUM, IN_FORMAT, .offset = offsetof(FormatOptions, compression), .names = compression_names},
	{"encoding", ON_TABLE | ON_EXPORT, OPTION_ENCODING, IN_FORMAT, .offset = offsetof(FormatOptions, encoding)},
	{"encoding_errors", ON_TABLE, OPTION_ENUM, IN_FORMAT, .offset = offsetof(FormatOptions, encoding_errors), .names = encoding_errors_names},
	{"max_record_size", ON_TABLE, OPTION_SIZE, IN_FORMAT, .offset = offsetof(FormatOptions, max_record_size), .min = 1, .max = MAX_RECORD_SIZE},
	{"header", ON_TABLE | ON_EXPORT, OPTION_HEADER, IN_FORMAT, .offset = offsetof(FormatOptions, header), .formats = FOR_LINES},
	{"match_by", ON_TABLE, OPTION_ENUM, IN_FORMAT, .offset = offsetof(FormatOptions, match_by), .formats = FOR_DELIMITED, .names = match_by_names},
	{"skip_lines", ON_TABLE, OPTION_COUNT, IN_FORMAT, .offset = offsetof(FormatOptions, skip_lines), .formats = FOR_LINES, .min = 0, .max = PG_INT32_MAX},
	{"tolerant", ON_TABLE, OPTION_BOOL, IN_FORMAT, .offset = offsetof(FormatOptions, tolerant), .formats = FOR_CSV},
	{"comment", ON_TABLE, OPTION_TEXT, IN_FORMAT, .offset = offsetof(FormatOptions, comment), .formats = FOR_LINES},
	{"missing_fields", ON_TABLE, OPTION_ENUM, IN_FORMAT, .offset = offsetof(FormatOptions, missing_fields), .formats = FOR_LINES, .names = missing_names},
	{"extra_fields", ON_TABLE, OPTION_ENUM, IN_FORMAT, .offset = offsetof(FormatOptions, extra_fields), .formats = FOR_LINES, .names = extra_names},
	{"delimiter", ON_TABLE | ON_EXPORT, OPTION_TEXT, IN_FORMAT, .offset = offsetof(FormatOptions, delimiter), .formats = FOR_DELIMITED},
	{"quote", ON_TABLE | ON_EXPORT, OPTION_BYTE, IN_FORMAT, .offset = offsetof(FormatOptions, quote), .formats = FOR_CSV},
	{"escape", ON_TABLE | ON_EXPORT, OPTION_BYTE, IN_FORMAT, .offset = offsetof(FormatOptions, escape), .formats = FOR_CSV},
	{"null", ON_TABLE | ON_EXPORT, OPTION_STRING, IN_FORMAT, .offset = offsetof(FormatOptions, null), .formats = FOR_LINES},
	{"default", ON_TABLE, OPTION_STRING, IN_FORMAT, .offset = offsetof(FormatOptions, default_text), .formats = FOR_DELIMITED},
	{"fixedwidth", ON_TABLE | ON_EXPORT, OPTION_TEXT, IN_FORMAT, .offset = offsetof(FormatOptions, fixedwidth), .formats = FOR(FORMAT_FIXEDWIDTH)},
	{"array", ON_EXPORT, OPTION_BOOL, IN_FORMAT, .offset = offsetof(FormatOptions, array), .formats = FOR_JSON},
	{"records", ON_TABLE, OPTION_ENUM, IN_FORMAT, .offset = offsetof(FormatOptions, records), .formats = FOR_JSON, .names = records_names},
	{"ignore_case", ON_TABLE, OPTION_BOOL, IN_FORMAT, .offset = offsetof(FormatOptions, ignore_case), .formats = FOR_JSON | FOR_DELIMITED},
	{"jsonpaths", ON_TABLE, OPTION_TEXT, IN_FORMAT, .offset = offsetof(FormatOptions, jsonpaths), .formats = FOR_JSON},
	{"dateformat", ON_TABLE, OPTION_TEXT, IN_FORMAT, .offset = offsetof(FormatOptions, dateformat)},
	{"timeformat", ON_TABLE, OPTION_TEXT, IN_FORMAT, .offset = offsetof(FormatOptions, timeformat)},
	{"truncate_strings", ON_TABLE, OPTION_BOOL, IN_FORMAT, .offset = offsetof(FormatOptions, truncate_strings)},

	/* of columns */
	{"column_name", ON_COLUMN, OPTION_TEXT, IN_COLUMN, .offset = offsetof(S3ColumnOptions, column_name)},
	{"force_not_null", ON_COLUMN, OPTION_BOOL, IN_COLUMN, .offset = offsetof(S3ColumnOptions, force_not_null)},
	{"force_null", ON_COLUMN, OPTION_BOOL, IN_COLUMN, .offset = offsetof(S3ColumnOptions, force_null)},
	{"path", ON_COLUMN, OPTION_TEXT, IN_COLUMN, .offset = offsetof(S3ColumnOptions, path)},
	{"metadata", ON_COLUMN, OPTION_ENUM, IN_COLUMN, .offset = offsetof(S3ColumnOptions, metadata), .names = metadata_names},
	{"partition", ON_COLUMN, OPTION_TEXT, IN_COLUMN, .offset = offsetof(S3ColumnOptions, partition)},
	{"dateformat", ON_COLUMN, OPTION_TEXT, IN_COLUMN, .offset = offsetof(S3ColumnOptions, dateformat)},
	{"timeformat", ON_COLUMN, OPTION_TEXT, IN_COLUMN, .offset = offsetof(S3ColumnOptions, timeformat)},

	/* how an object is written */
	{"force_quote", ON_EXPORT, OPTION_NAMES, IN_EXPORT, .offset = offsetof(S3ExportOptions, force_quote), .formats = FOR_CSV},
	{"overwrite", ON_EXPORT, OPTION_ENUM, IN_EXPORT, .offset = offsetof(S3ExportOptions, overwrite), .names = overwrite_names},
	{"dry_run", ON_EXPORT, OPTION_BOOL, IN_EXPORT, .offset = offsetof(S3ExportOptions, dry_run)},
	{"empty_result", ON_EXPORT, OPTION_ENUM, IN_EXPORT, .offset = offsetof(S3ExportOptions, empty_result), .names = empty_result_names},
	{"parallel", ON_EXPORT, OPTION_BOOL, IN_EXPORT, .offset = offsetof(S3ExportOptions, parallel)},
	{"file_name", ON_EXPORT, OPTION_TEXT, IN_EXPORT, .offset = offsetof(S3ExportOptions, file_name)},
	{"max_file_size", ON_EXPORT, OPTION_SIZE, IN_EXPORT, .offset = offsetof(S3ExportOptions, max_file_size), .min = 1, .max = S3_MAX_OBJECT_SIZE},
	{"rows_per_file", ON_EXPORT, OPTION_COUNT, IN_EXPORT, .offset = offsetof(S3ExportOptions, rows_per_file), .min = 1, .max = PG_INT64_MAX},
	{"partition_by", ON_EXPORT, OPTION_NAMES, IN_EXPORT, .offset = offsetof(S3ExportOptions, partition_by)},
	{"keep_partition_columns", ON_EXPORT, OPTION_BOOL, IN_EXPORT, .offset = offsetof(S3ExportOptions, keep_partition_columns)},
	{"manifest", ON_EXPORT, OPTION_ENUM, IN_EXPORT, .offset = offsetof(S3ExportOptions, manifest), .names = manifest_names},
	{"success_marker", ON_EXPORT, OPTION_BOOL, IN_EXPORT, .offset = offsetof(S3ExportOptions, success_marker)},
	{"part_size", ON_EXPORT, OPTION_SIZE, IN_EXPORT, .offset = offsetof(S3ExportOptions, part_size),
	.min = S3_MIN_PART_SIZE, .max = S3_MAX_PART_SIZE},
	{"expected_size", ON_EXPORT, OPTION_SIZE, IN_EXPORT, .offset = offsetof(S3ExportOptions, expected_size), .min = 1, .max = PG_INT64_MAX / 2},
	{"checksum", ON_EXPORT, OPTION_ENUM, IN_EXPORT, .offset = offsetof(S3ExportOptions, checksum), .names = checksum_names},

	/* what it is labelled with */
	{"content_type", ON_EXPORT, OPTION_FIELD, IN_EXPORT, .offset = offsetof(S3ExportOptions, attributes.content_type)},
	{"content_encoding", ON_EXPORT, OPTION_FIELD, IN_EXPORT, .offset = offsetof(S3ExportOptions, attributes.content_encoding)},
	{"metadata", ON_EXPORT, OPTION_METADATA, IN_EXPORT, .offset = offsetof(S3ExportOptions, attributes.metadata)},
	{"tags", ON_EXPORT, OPTION_TAGS, IN_EXPORT, .offset = offsetof(S3ExportOptions, attributes.tags)},
	{"storage_class", ON_EXPORT, OPTION_CLASS, IN_EXPORT, .offset = offsetof(S3ExportOptions, attributes.storage_class)},
	{"sse", ON_EXPORT, OPTION_ENUM, IN_EXPORT, .offset = offsetof(S3ExportOptions, attributes.encryption), .names = sse_names},
	{"kms_key_id", ON_EXPORT, OPTION_FIELD, IN_EXPORT, .offset = offsetof(S3ExportOptions, attributes.kms_key_id)},
	{"acl", ON_EXPORT, OPTION_ENUM, IN_EXPORT, .offset = offsetof(S3ExportOptions, attributes.acl), .names = acl_names},
};

/*
 * Options that no user can set: UNLOAD's, on their way to the processes that
 * write.
 */
static const OptionDef redshift_defs[] = {
	{"redshift", ON_EXPORT, OPTION_BOOL, IN_FORMAT, .offset = offsetof(FormatOptions, redshift.on)},
	{"redshift_escape", ON_EXPORT, OPTION_BOOL, IN_FORMAT, .offset = offsetof(FormatOptions, redshift.escape), .formats = FOR(FORMAT_TEXT)},
	{"redshift_add_quotes", ON_EXPORT, OPTION_BOOL, IN_FORMAT, .offset = offsetof(FormatOptions, redshift.add_quotes), .formats = FOR(FORMAT_TEXT)},
	{"redshift_null_is_nul", ON_EXPORT, OPTION_BOOL, IN_FORMAT, .offset = offsetof(FormatOptions, redshift.null_is_nul), .formats = FOR_DELIMITED},
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
	for (int i = 0; i < (int) lengthof(redshift_defs); i++)
	{
		if ((redshift_defs[i].where & where) && strcmp(redshift_defs[i].name, name) == 0)
			return &redshift_defs[i];
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
	{
		if (def->min >= 1024 * 1024)
			report_invalid_value(def, value,
								 psprintf(_("It must be between %lld MB and %lld MB."),
										  (long long) (def->min / (1024 * 1024)),
										  (long long) (def->max / (1024 * 1024))));
		report_invalid_value(def, value,
							 psprintf(_("It must be between %lld and %lld bytes."),
									  (long long) def->min, (long long) def->max));
	}
	return (int64) number;
}

static int64
parse_count(const OptionDef *def, const char *value)
{
	char	   *end;
	int64		number;

	errno = 0;
	number = strtoi64(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || number < def->min || number > def->max)
		report_invalid_value(def, value,
							 psprintf(_("Expected a whole number between %lld and %lld."),
									  (long long) def->min, (long long) def->max));
	return number;
}

static double
parse_ratio(const OptionDef *def, const char *value)
{
	double		number;

	/* not-a-number is in no range */
	if (!parse_real(value, &number, 0, NULL) || !(number >= 0 && number <= 1))
		report_invalid_value(def, value, _("Expected a number between 0 and 1."));
	return number;
}

/* Letters and digits count, as for the encodings that PostgreSQL knows. */
static int
parse_encoding(const OptionDef *def, const char *value)
{
	static const struct
	{
		const char *name;
		int			encoding;
	}			more[] = {
		{"utf8bom", S3_ENCODING_UTF8_BOM},
		{"utf16", S3_ENCODING_UTF16},
		{"utf16le", S3_ENCODING_UTF16LE},
		{"utf16be", S3_ENCODING_UTF16BE}
	};
	char		plain[64];
	int			n = 0;
	int			encoding = pg_char_to_encoding(value);

	if (encoding >= 0)
		return encoding;
	for (const char *p = value; *p && n < (int) sizeof(plain) - 1; p++)
	{
		if (isalnum((unsigned char) *p))
			plain[n++] = pg_ascii_tolower((unsigned char) *p);
	}
	plain[n] = '\0';
	for (int i = 0; i < (int) lengthof(more); i++)
	{
		if (strcmp(plain, more[i].name) == 0)
			return more[i].encoding;
	}
	report_invalid_value(def, value, _("It is no encoding that the server knows."));
	return -1;
}

/* Names of roles, which hold no blanks and no commas. */
static List *
parse_roles(const OptionDef *def, const char *value)
{
	List	   *roles = NIL;
	char	   *save = NULL;

	for (char *item = strtok_r(pstrdup(value), ", \t\r\n", &save); item;
		 item = strtok_r(NULL, ", \t\r\n", &save))
	{
		if (strcmp(item, "default") != 0 && strcmp(item, "*") != 0 &&
			strncmp(item, "arn:", 4) != 0)
			report_invalid_value(def, value, _("Expected ARNs of roles, \"default\" or \"*\", with commas between them."));
		roles = lappend(roles, item);
	}
	if (roles == NIL)
		report_invalid_value(def, value, _("It must not be empty."));
	return roles;
}

/* Set the field that def describes in target from an option's text. */
static void
set_option(const OptionDef *def, const char *value, void *target)
{
	void	   *field = (char *) target + def->offset;
	const char *fault = NULL;
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
			else if (pg_strcasecmp(value, "first") == 0)
				*(int *) field = HEADER_FIRST;
			else if (parse_bool(value, &flag))
				*(int *) field = flag ? HEADER_TRUE : HEADER_FALSE;
			else
				report_invalid_value(def, value, _("Expected a boolean, \"match\" or \"first\"."));
			break;
		case OPTION_BYTE:
			if (strlen(value) != 1)
				report_invalid_value(def, value, _("It must be a single one-byte character."));
			*(char **) field = pstrdup(value);
			break;
		case OPTION_TEXT:
			if (value[0] == '\0')
				report_invalid_value(def, value, _("It must not be empty."));
			*(char **) field = pstrdup(value);
			break;
		case OPTION_ENCODING:
			*(int *) field = parse_encoding(def, value);
			break;
		case OPTION_COUNT:
			*(int64 *) field = parse_count(def, value);
			break;
		case OPTION_RATIO:
			*(double *) field = parse_ratio(def, value);
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
		case OPTION_ROLES:
			*(List **) field = parse_roles(def, value);
			break;
		case OPTION_FIELD:
			fault = s3_attribute_check_value(value);
			*(char **) field = pstrdup(value);
			break;
		case OPTION_CLASS:
			fault = s3_attribute_check_class(value);
			*(char **) field = pstrdup(value);
			break;
		case OPTION_METADATA:
			fault = s3_attribute_parse_metadata(value, (List **) field);
			break;
		case OPTION_TAGS:
			fault = s3_attribute_parse_tags(value, (List **) field);
			break;
	}
	if (fault)
		report_invalid_value(def, value, fault);
}

/* ------------------------------------------------------------ what goes together */

static void
init_format(FormatOptions *format)
{
	memset(format, 0, sizeof(*format));
	format->encoding = -1;
	format->max_record_size = DEFAULT_RECORD_SIZE;
}

static void
init_table(S3TableOptions *table)
{
	memset(table, 0, sizeof(*table));
	table->max_errors = -1;
	table->max_error_ratio = -1;
	init_format(&table->format);
}

static void
report_contradiction(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			 errmsg_internal("%s", message)));
}

/* COPY's defaults, and COPY's rules about the special characters. */
static void
finish_format(FormatOptions *format)
{
	bool		text = format->format == FORMAT_TEXT;
	Size		len;

	if (format->delimiter == NULL)
		format->delimiter = text ? "\t" : ",";
	if (format->quote == NULL)
		format->quote = "\"";
	if (format->escape == NULL)
		format->escape = format->quote;
	if (format->null == NULL)
		format->null = text ? "\\N" : "";

	if (strpbrk(format->delimiter, "\r\n"))
		report_contradiction(_("delimiter cannot be newline or carriage return"));
	if (strpbrk(format->null, "\r\n"))
		report_contradiction(_("null representation cannot use newline or carriage return"));
	if (strstr(format->null, format->delimiter) && format->format != FORMAT_FIXEDWIDTH)
		report_contradiction(_("delimiter must not appear in the null representation"));
	if (format->default_text)
	{
		if (strpbrk(format->default_text, "\r\n"))
			report_contradiction(_("default representation cannot use newline or carriage return"));
		if (strstr(format->default_text, format->delimiter))
			report_contradiction(_("delimiter must not appear in the default representation"));
		if (strcmp(format->default_text, format->null) == 0)
			report_contradiction(_("null and default representations must be different"));
	}
	if (format->comment && strpbrk(format->comment, "\r\n"))
		report_contradiction(_("comment prefix cannot use newline or carriage return"));

	if (text && !format->redshift.on)
	{
		/* COPY refuses what could be part of an escape, or of "\.". */
		for (const char *p = format->delimiter; *p; p++)
		{
			if (strchr("\\.abcdefghijklmnopqrstuvwxyz0123456789", *p))
				ereport(ERROR,
						(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						 errmsg("delimiter cannot be \"%s\"", format->delimiter),
						 errdetail("In text format it must not contain a backslash, a period, a lower-case letter or a digit.")));
		}
	}
	else if (format->format == FORMAT_CSV)
	{
		if (strchr(format->delimiter, format->quote[0]))
			report_contradiction(_("delimiter and quote must be different"));
		if (strchr(format->null, format->quote[0]))
			report_contradiction(_("quote must not appear in the null representation"));
		if (format->default_text && strchr(format->default_text, format->quote[0]))
			report_contradiction(_("quote must not appear in the default representation"));
		if (strpbrk(format->quote, "\r\n") || strpbrk(format->escape, "\r\n"))
			report_contradiction(_("quote and escape cannot be newline or carriage return"));
	}
	else if (format->format == FORMAT_FIXEDWIDTH && format->fixedwidth == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("option \"fixedwidth\" is required for format \"fixedwidth\""),
				 errhint("Give the width of each column, as in \"id:5,name:20\".")));

	if (format->match_by == MATCH_BY_NAME &&
		(format->header == HEADER_FALSE || format->header == HEADER_MATCH))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("match_by \"name\" needs a header line"),
				 errhint("Set the option \"header\" to \"true\" or \"first\".")));
	if (format->format == FORMAT_FIXEDWIDTH && format->header == HEADER_MATCH)
		report_contradiction(_("header \"match\" cannot be used with format \"fixedwidth\""));

	if (format->encoding_errors == ENCODING_ERRORS_REPLACE && format->encoding >= S3_ENCODING_UTF16)
		report_contradiction(_("encoding_errors \"replace\" cannot be used with UTF-16"));

	/* A line is scanned in place, and its end must be in the same block. */
	len = strlen(format->delimiter);
	if (len > MAX_SPECIAL_LEN || (format->comment && strlen(format->comment) > MAX_SPECIAL_LEN))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("delimiter and comment prefix may have at most %d bytes", MAX_SPECIAL_LEN)));
}

/* An option may mean nothing to the format. */
static void
check_for_format(const OptionDef *def, int format)
{
	StringInfoData needed;

	if (def->formats == 0 || (def->formats & FOR(format)))
		return;
	initStringInfo(&needed);
	for (int i = 0; format_names[i]; i++)
	{
		if (def->formats & FOR(i))
			appendStringInfo(&needed, "%s\"%s\"", needed.len == 0 ? "" :
							 def->formats >> (i + 1) ? ", " : " or ", format_names[i]);
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
			 errmsg("option \"%s\" needs format %s", def->name, needed.data)));
}

/*
 * Fill the structs from a list of options; a NULL struct's options are checked
 * all the same, into nowhere.
 */
static void
apply_options(List *options, int where, void *target, FormatOptions *format)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *elem = lfirst_node(DefElem, lc);
		const OptionDef *def = find_option(elem->defname, where);

		if (def == NULL)
			report_unknown_option(elem->defname, where);
		set_option(def, defGetString(elem), def->target == IN_FORMAT ? (void *) format : target);
	}
	if (format)
	{
		foreach(lc, options)
			check_for_format(find_option(lfirst_node(DefElem, lc)->defname, where), format->format);
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
		S3TableOptions table;

		init_table(&table);
		apply_options(options, ON_TABLE, &table, &table.format);
		if (table.location == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
					 errmsg("option \"location\" is required"),
					 errhint("Name a prefix, a glob or an object, as in \"s3://bucket/folder/\".")));
		if (table.verify && !table.manifest)
			report_contradiction(_("option \"verify\" needs a manifest"));
	}
	else if (catalog == AttributeRelationId)
	{
		S3ColumnOptions column = {0};

		apply_options(options, ON_COLUMN, &column, NULL);
		if (column.metadata != METADATA_NONE && column.partition)
			report_contradiction(_("a column cannot be both metadata and partition"));
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

/* GetUserMapping() would not say of which server, nor what to do. */
static void
check_user_mapping(Oid userid, Oid serverid)
{
	char	   *server;

	if (SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(userid), ObjectIdGetDatum(serverid)) ||
		SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid), ObjectIdGetDatum(serverid)))
		return;
	server = GetForeignServer(serverid)->servername;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("user mapping not found for \"%s\" on server \"%s\"", GetUserNameFromId(userid, false), server),
			 errhint("Use CREATE USER MAPPING FOR %s SERVER %s OPTIONS (access_key_id '...', secret_access_key '...').",
					 quote_identifier(GetUserNameFromId(userid, false)), quote_identifier(server))));
}

S3UserOptions *
s3_user_options(Oid userid, Oid serverid)
{
	UserMapping *mapping;
	S3UserOptions *options = palloc0(sizeof(S3UserOptions));

	check_user_mapping(userid, serverid);
	mapping = GetUserMapping(userid, serverid);
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
	return s3_table_options_make(GetForeignTable(relid)->options);
}

S3TableOptions *
s3_table_options_make(List *list)
{
	S3TableOptions *options = palloc(sizeof(S3TableOptions));

	init_table(options);
	apply_options(list, ON_TABLE, options, &options->format);
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
	export->parallel = true;
	apply_options(options, ON_EXPORT, export, &export->format);
	if (export->format.header == HEADER_MATCH || export->format.header == HEADER_FIRST)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("header \"%s\" is for reading only",
						export->format.header == HEADER_MATCH ? "match" : "first")));
	if (export->format.encoding >= S3_ENCODING_UTF8_BOM)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("this encoding is for reading only")));
	if (strlen(export->format.delimiter) > 1)
		report_contradiction(_("delimiter of an export must be a single one-byte character"));
	if (export->attributes.kms_key_id && export->attributes.encryption != ENCRYPTION_KMS)
		report_contradiction(_("option \"kms_key_id\" needs sse \"aws:kms\""));
	return export;
}
