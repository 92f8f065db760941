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
	FORMAT_JSON
} FileFormat;

typedef enum Compression
{
	COMPRESSION_AUTO,			/* reading: by magic bytes; writing: by the
								 * key's suffix */
	COMPRESSION_NONE,
	COMPRESSION_GZIP
} Compression;

typedef enum HeaderLine
{
	HEADER_FALSE,
	HEADER_TRUE,
	HEADER_MATCH				/* reading: names must equal the columns' */
} HeaderLine;

/* How the bytes of a file are to be understood; COPY's names and defaults. */
typedef struct FormatOptions
{
	int			format;			/* FileFormat */
	int			compression;	/* Compression */
	int			header;			/* HeaderLine */
	char	   *delimiter;		/* one byte */
	char	   *quote;			/* one byte */
	char	   *escape;			/* one byte; defaults to quote */
	char	   *null;			/* text that stands for NULL; default empty */
	int			encoding;		/* of the file; -1: that of the database */
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
	char	   *location;		/* s3://bucket/..., as written */
	FormatOptions format;
} S3TableOptions;

/* Options of one column of a foreign table. */
typedef struct S3ColumnOptions
{
	bool		force_not_null;
	bool		force_null;
} S3ColumnOptions;

/* Options of an export, from the arguments of s3_export(). */
typedef struct S3ExportOptions
{
	FormatOptions format;
	int64		part_size;		/* bytes; 0: s3_fdw.part_size */
	bool		overwrite;
	char	   *content_type;	/* or NULL: by format */
	List	   *force_quote;	/* column names (char *), or one "*"; NIL: none */
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

/*
 * Check a list of DefElem made from a function's named arguments.  Unset
 * arguments are simply not in the list.
 */
extern S3ExportOptions *s3_export_options(List *options);

#endif							/* S3_OPTION_H */
