/*-------------------------------------------------------------------------
 *
 * statement.h
 *		A statement of Redshift's, COPY or UNLOAD, taken apart and checked.
 *
 * statement.c reads it by the table of parameters in parameter.c; what Redshift
 * refuses is refused here, before anything is looked up.  copy.c and unload.c
 * go by the result.  Nothing here knows of the catalogs or of S3.
 *
 * IDENTIFICATION
 *		src/redshift/statement.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_REDSHIFT_STATEMENT_H
#define S3_REDSHIFT_STATEMENT_H

#include "postgres.h"

#include "nodes/pg_list.h"

typedef enum RedshiftCommand
{
	REDSHIFT_COPY,
	REDSHIFT_UNLOAD,
	REDSHIFT_JOB_CREATE,		/* has all of a COPY as well */
	REDSHIFT_JOB_ALTER,
	REDSHIFT_JOB_RUN,
	REDSHIFT_JOB_SHOW,
	REDSHIFT_JOB_DROP,
	REDSHIFT_JOB_LIST
} RedshiftCommand;

/* The format of files; those that cannot be read are refused by name. */
typedef enum RedshiftFileFormat
{
	REDSHIFT_DELIMITED,			/* text with a delimiter; no FORMAT is given */
	REDSHIFT_CSV,
	REDSHIFT_FIXEDWIDTH,
	REDSHIFT_JSON
} RedshiftFileFormat;

/* COPY ... JSON 'argument' */
typedef enum RedshiftJson
{
	REDSHIFT_JSON_AUTO,
	REDSHIFT_JSON_IGNORECASE,
	REDSHIFT_JSON_NOSHRED,
	REDSHIFT_JSON_PATHS			/* json_paths is the location */
} RedshiftJson;

typedef enum RedshiftSwitch
{
	REDSHIFT_UNSET = -1,
	REDSHIFT_OFF,
	REDSHIFT_ON
} RedshiftSwitch;

/* Who may read or write.  Keys are secrets: they go into no message. */
typedef struct RedshiftAuthorization
{
	bool		is_default;		/* IAM_ROLE default */
	List	   *roles;			/* char *: ARNs, as chained; NIL: none given */
	char	   *access_key_id;	/* or NULL */
	char	   *secret_access_key;	/* or NULL */
	char	   *session_token;	/* or NULL */
} RedshiftAuthorization;

/* All strings are the statement's own; NULL, NIL, false and -1: not given. */
typedef struct RedshiftStatement
{
	RedshiftCommand command;
	RedshiftAuthorization authorization;
	char	   *location;		/* FROM or TO: s3://bucket/key or its beginning */
	char	   *region;
	int			format;			/* RedshiftFileFormat */
	char	   *delimiter;		/* one byte, escapes resolved */
	char	   *quote;			/* CSV; one byte */
	char	   *null_as;		/* escapes resolved; has_nul_null if NUL */
	bool		null_is_nul;	/* NULL AS '\0' or '\000' */
	char	   *fixedwidth;		/* "name:width,..." as written, blanks removed */
	int			compression;	/* Compression of base/option.h; NONE if not given */
	bool		escape;
	bool		manifest;
	bool		encrypted;		/* UNLOAD: SSE-KMS with kms_key_id, or automatic */

	/* COPY */
	char	   *schema;			/* or NULL */
	char	   *table;
	List	   *columns;		/* char * */
	int			json;			/* RedshiftJson */
	char	   *json_paths;		/* s3://bucket/key */
	int			encoding;		/* PG_UTF8 or one of S3_ENCODING_...; as
								 * FormatOptions.encoding */
	bool		accept_any_date;
	bool		accept_invalid_characters;
	char		replacement;	/* of those; default '?' */
	bool		blanks_as_null;
	bool		empty_as_null;
	bool		explicit_ids;
	bool		fill_record;
	bool		ignore_blank_lines;
	int64		ignore_header;	/* lines in each file */
	bool		remove_quotes;
	bool		round_decimals;
	bool		trim_blanks;
	bool		truncate_columns;
	char	   *dateformat;		/* a template, "auto", or NULL */
	char	   *timeformat;		/* the same, "epochsecs" or "epochmillisecs" */
	int64		max_errors;		/* MAXERROR; the load fails when so many have
								 * occurred; 0 as 1 */
	bool		ignore_all_errors;
	bool		no_load;
	int			update_statistics;	/* RedshiftSwitch */

	/* UNLOAD */
	char	   *query;
	bool		header;
	bool		add_quotes;
	bool		allow_overwrite;
	bool		clean_path;
	bool		parallel;		/* default on */
	bool		manifest_verbose;
	int64		max_file_size;	/* bytes; default 6.2 GB */
	List	   *partition_by;	/* char * */
	bool		partition_include;
	char	   *extension;
	bool		encrypted_auto;
	char	   *kms_key_id;

	/* COPY JOB */
	char	   *job_name;
	int			job_auto;		/* RedshiftSwitch */
	char	   *copy_text;		/* JOB CREATE: the COPY without JOB ..., in which
								 * there are no keys */
} RedshiftStatement;

/*
 * Take a statement apart, in CurrentMemoryContext.  Reports what is wrong, with
 * the position in text (as an internal query, from which the values of secrets
 * are cut out) and without any secret.
 */
extern RedshiftStatement *redshift_parse(const char *text);

#endif							/* S3_REDSHIFT_STATEMENT_H */
