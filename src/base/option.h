/*-------------------------------------------------------------------------
 *
 * option.h
 *		The options of servers, user mappings, foreign tables, columns and
 *		functions: one table of definitions, checked values in structs.
 *
 * option.c owns the table, the validator and the merge.  Layers above read
 * the structs and never compare option names.
 *
 * IDENTIFICATION
 *		src/base/option.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_OPTION_H
#define S3_OPTION_H

#include "postgres.h"

#include "access/attnum.h"
#include "base/attribute.h"
#include "nodes/pg_list.h"

typedef enum S3UrlStyle
{
	URL_STYLE_AUTO,				/* virtual-host style where the host allows */
	URL_STYLE_VIRTUAL,			/* https://bucket.host/key */
	URL_STYLE_PATH				/* https://host/bucket/key */
} S3UrlStyle;

typedef enum FileFormat
{
	FORMAT_CSV,
	FORMAT_TEXT,
	FORMAT_FIXEDWIDTH,
	FORMAT_JSON
} FileFormat;

typedef enum Compression
{
	COMPRESSION_AUTO,			/* reading: by magic bytes, name and header;
								 * writing: by the key's suffix */
	COMPRESSION_NONE,
	COMPRESSION_GZIP,
	COMPRESSION_ZSTD,
	COMPRESSION_BZIP2,
	COMPRESSION_XZ,
	COMPRESSION_LZ4
} Compression;

typedef enum HeaderLine
{
	HEADER_FALSE,
	HEADER_TRUE,				/* in every object */
	HEADER_MATCH,				/* reading: the same, and names must equal the
								 * columns' in order */
	HEADER_FIRST				/* reading: in the first object only */
} HeaderLine;

/* Which field of a line belongs to which column. */
typedef enum MatchBy
{
	MATCH_BY_POSITION,
	MATCH_BY_NAME				/* by the header line */
} MatchBy;

/* A line with fewer or more fields than the table has columns. */
typedef enum RaggedLine
{
	RAGGED_ERROR,
	RAGGED_ACCEPT				/* missing ones are NULL, extra ones ignored */
} RaggedLine;

/* What becomes of bytes that are no text in the file's encoding. */
typedef enum EncodingErrors
{
	ENCODING_ERRORS_ERROR,
	ENCODING_ERRORS_REPLACE		/* by U+FFFD, or '?' if the database has none */
} EncodingErrors;

/* What becomes of a row of which a value does not fit its type. */
typedef enum OnError
{
	ON_ERROR_STOP,
	ON_ERROR_SKIP,				/* the row is left out */
	ON_ERROR_NULL				/* the value is NULL; a row that cannot be
								 * taken apart is left out */
} OnError;

/* What becomes of an object that cannot be read, or not to its end. */
typedef enum OnBadObject
{
	ON_BAD_OBJECT_STOP,
	ON_BAD_OBJECT_SKIP			/* the rest of it is left out */
} OnBadObject;

/* Which columns' values must fit, if errors stop the scan. */
typedef enum Validate
{
	VALIDATE_USED,				/* those that the query reads */
	VALIDATE_ALL
} Validate;

/* Keys of JSON, or names in a header, that no column reads. */
typedef enum ExtraKeys
{
	EXTRA_KEYS_IGNORE,
	EXTRA_KEYS_WARN,			/* of the first one */
	EXTRA_KEYS_ERROR
} ExtraKeys;

/* What a record of a JSON file is. */
typedef enum JsonRecords
{
	RECORDS_OBJECTS,			/* an object, also as an element of a top-level
								 * array */
	RECORDS_ARRAYS,				/* a top-level array, columns by position */
	RECORDS_VALUES,				/* any top-level value */
	RECORDS_DOCUMENT,			/* the whole file, which is one value */
	RECORDS_DYNAMODB			/* an object that holds an item of DynamoDB */
} JsonRecords;

/*
 * Encodings that PostgreSQL does not know, beside its own numbers.  A byte
 * order mark at the beginning is accepted and dropped.
 */
#define S3_ENCODING_UTF8_BOM	1000	/* UTF-8 */
#define S3_ENCODING_UTF16		1001	/* the byte order mark tells, else big-endian */
#define S3_ENCODING_UTF16LE		1002
#define S3_ENCODING_UTF16BE		1003

/*
 * What Redshift's COPY and UNLOAD do otherwise than COPY of PostgreSQL.  Only
 * statements written for Redshift set it; all false elsewhere.
 */
typedef struct RedshiftFormat
{
	bool		on;				/* Redshift's rules for values: columns that are
								 * no strings read blanks as NULL, decimals are
								 * cut to their scale; text has no escapes and no
								 * marker \. */
	bool		escape;			/* text: a backslash takes the next byte literally */
	bool		remove_quotes;	/* text: around a field, single or double */
	bool		add_quotes;		/* text, writing: around all fields */
	bool		null_is_nul;	/* the byte NUL stands for NULL */
	bool		fill_record;	/* missing fields: NULL, or '' of strings */
	bool		ignore_blank_lines;
	bool		trim_blanks;	/* behind strings */
	bool		blanks_as_null; /* strings of nothing else */
	bool		empty_as_null;	/* strings */
	bool		round_decimals; /* instead of cutting them */
	bool		accept_any_date;	/* what is no date or time is NULL */
	char		replacement;	/* for each byte that is no text; '\0': none */
} RedshiftFormat;

/* How the bytes of a file are to be understood; COPY's names and defaults. */
typedef struct FormatOptions
{
	int			format;			/* FileFormat */
	int			compression;	/* Compression */
	int			encoding;		/* of the file; -1: that of the database */
	int			encoding_errors;	/* EncodingErrors */
	int64		max_record_size;	/* bytes */

	/* lines */
	int			header;			/* HeaderLine */
	int			match_by;		/* MatchBy */
	int64		skip_lines;		/* at the beginning of each object */
	bool		tolerant;		/* of quotes and line ends out of place */
	char	   *comment;		/* prefix of lines to pass over, or NULL */
	int			missing_fields; /* RaggedLine */
	int			extra_fields;	/* RaggedLine */
	char	   *delimiter;		/* one byte or more */
	char	   *quote;			/* one byte */
	char	   *escape;			/* one byte; defaults to quote */
	char	   *null;			/* text that stands for NULL; default empty, of
								 * text format \N */
	char	   *default_text;	/* text that stands for the default, or NULL */
	char	   *fixedwidth;		/* "name:width,..." or "width,..." */

	/* JSON */
	int			records;		/* JsonRecords */
	bool		array;			/* writing: one array of all rows */
	bool		ignore_case;	/* of keys, and of names in a header */
	char	   *jsonpaths;		/* location of a file of paths, or NULL */

	/* values; "auto" or NULL: as the type reads them */
	char	   *dateformat;
	char	   *timeformat;
	bool		truncate_strings;	/* that are longer than their column */

	RedshiftFormat redshift;
} FormatOptions;

/* Server options, and what the catalogs say about the server. */
typedef struct S3ServerOptions
{
	Oid			serverid;
	Oid			owner;			/* of the server */
	char	   *servername;
	char	   *endpoint;		/* URL of the service, or NULL for AWS */
	char	   *region;
	int			url_style;		/* S3UrlStyle */
	bool		requester_pays;
	char	   *ca_file;		/* or NULL for the system's certificates */
	int64		requests_per_second;	/* 0: no limit */

	/* for statements that name roles */
	List	   *iam_roles;		/* char *: ARNs, "default", "*" */
	bool		assume_role;	/* by STS, before anything else */
	char	   *sts_endpoint;	/* URL, or NULL for AWS's of the region */
} S3ServerOptions;

/* User mapping options.  All three are secrets: they go into no message. */
typedef struct S3UserOptions
{
	char	   *access_key_id;
	char	   *secret_access_key;
	char	   *session_token;	/* or NULL */
} S3UserOptions;

typedef struct S3TableOptions
{
	char	   *location;		/* s3://bucket/..., as written; or several */
	bool		manifest;		/* location names manifests */
	bool		verify;			/* objects must be as their manifest says */
	char	   *path_template;	/* of keys below the location, or NULL */

	/* what is bad */
	int			on_error;		/* OnError */
	int64		max_errors;		/* -1: no limit */
	double		max_error_ratio;	/* -1: no limit */
	int			on_bad_object;	/* OnBadObject */
	int			validate;		/* Validate */
	int			extra_keys;		/* ExtraKeys */

	FormatOptions format;
} S3TableOptions;

/* What a column tells about the object or the record instead of its content. */
typedef enum FileMetadata
{
	METADATA_NONE,
	METADATA_LOCATION,			/* s3://bucket/key */
	METADATA_KEY,
	METADATA_SIZE,
	METADATA_ETAG,				/* without its quotes */
	METADATA_LAST_MODIFIED,
	METADATA_STORAGE_CLASS,
	METADATA_VERSION_ID,
	METADATA_LINE_NUMBER,		/* these two differ from record to record */
	METADATA_BYTE_OFFSET
} FileMetadata;

/* Options of one column of a foreign table. */
typedef struct S3ColumnOptions
{
	char	   *column_name;	/* key or header name, or NULL: the column's */
	bool		force_not_null;
	bool		force_null;
	char	   *path;			/* JSON: where the value is, or NULL */
	int			metadata;		/* FileMetadata */
	char	   *partition;		/* k of a folder "k=v", or NULL */
	char	   *dateformat;		/* or NULL: the table's */
	char	   *timeformat;
} S3ColumnOptions;

/* What is sent along with the bytes, for the store to compare. */
typedef enum S3ChecksumKind
{
	CHECKSUM_NONE,
	CHECKSUM_CRC32C,
	CHECKSUM_CRC64NVME
} S3ChecksumKind;

/* What becomes of objects that are there already. */
typedef enum OverwriteMode
{
	OVERWRITE_ERROR,			/* they are an error */
	OVERWRITE_REPLACE,			/* those of the same keys are replaced */
	OVERWRITE_CLEAN				/* and all others below the location deleted */
} OverwriteMode;

/* A list of the files written, as Redshift's UNLOAD makes it. */
typedef enum ManifestKind
{
	MANIFEST_NONE,
	MANIFEST_PLAIN,				/* locations and sizes */
	MANIFEST_VERBOSE			/* and columns, rows and totals */
} ManifestKind;

typedef enum EmptyResult
{
	EMPTY_RESULT_ONE,			/* a file without rows */
	EMPTY_RESULT_NONE			/* no file */
} EmptyResult;

/* Options of an export, from the arguments of s3_export(). */
typedef struct S3ExportOptions
{
	FormatOptions format;
	List	   *force_quote;	/* column names (char *), or one "*"; NIL: none */

	/* what is written where */
	int			overwrite;		/* OverwriteMode */
	bool		dry_run;		/* only tell what would be deleted */
	int			empty_result;	/* EmptyResult */
	bool		parallel;		/* the query's workers may write, too */

	/* many files */
	char	   *file_name;		/* pattern, or NULL */
	int64		max_file_size;	/* bytes; 0: no limit */
	int64		rows_per_file;	/* 0: no limit */
	List	   *partition_by;	/* column names (char *); NIL: none */
	bool		keep_partition_columns;
	int			manifest;		/* ManifestKind */
	bool		success_marker;

	/* how it is sent, and labelled */
	int64		part_size;		/* bytes; 0: s3_fdw.part_size */
	int64		expected_size;	/* bytes of one object; 0: not known */
	int			checksum;		/* S3ChecksumKind */
	S3ObjectAttributes attributes;
} S3ExportOptions;

/*
 * Check the options of a catalog object (catalog: ForeignServerRelationId and
 * so on) as far as each can be checked alone and with the others: names, types,
 * ranges, contradictions.  Reports the first fault.
 */
extern void s3_options_check(List *options, Oid catalog);

/* The value of a string option in the list, or NULL. */
extern char *s3_option_value(List *options, const char *name);

/* From the catalogs, in CurrentMemoryContext. */
extern S3ServerOptions *s3_server_options(Oid serverid);

/*
 * The mapping of userid for the server, else of PUBLIC.  Error if there is
 * none or it lacks a key.
 */
extern S3UserOptions *s3_user_options(Oid userid, Oid serverid);
extern S3TableOptions *s3_table_options(Oid relid);
extern S3ColumnOptions *s3_column_options(Oid relid, AttrNumber attnum);

/* The same from a list of options that no table has yet. */
extern S3TableOptions *s3_table_options_make(List *options);

/*
 * Check a list of DefElem made from a function's named arguments.  Unset
 * arguments are simply not in the list.
 */
extern S3ExportOptions *s3_export_options(List *options);

#endif							/* S3_OPTION_H */
