/*-------------------------------------------------------------------------
 *
 * parameter.h
 *		The parameters of COPY and UNLOAD: one table of what each takes, where
 *		it may stand, and what becomes of it.
 *
 * statement.c reads statements by the table and redact.c knows from it which
 * words and strings are no secrets.
 *
 * IDENTIFICATION
 *		src/redshift/parameter.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_REDSHIFT_PARAMETER_H
#define S3_REDSHIFT_PARAMETER_H

#include "postgres.h"

#include "redshift/statement.h"

/* Commands that have the parameter; one row of the table has one of them. */
#define FOR_COPY		0x01
#define FOR_UNLOAD		0x02
#define FOR_BOTH		(FOR_COPY | FOR_UNLOAD)

/* Formats that it cannot be used with, as bits of 1 << RedshiftFileFormat. */
#define NOT_CSV			(1 << REDSHIFT_CSV)
#define NOT_FIXEDWIDTH	(1 << REDSHIFT_FIXEDWIDTH)
#define NOT_JSON		(1 << REDSHIFT_JSON)

/* More that there is to say. */
#define IS_SECRET		0x01	/* its value is shown nowhere */
#define IS_FORMAT		0x02	/* FORMAT [AS] may stand before it */
#define ONLY_CSV		0x04	/* it belongs to CSV */
#define NOT_IN_JOB		0x08	/* not with JOB CREATE */

typedef enum ParameterOutcome
{
	OUTCOME_SUPPORTED,
	OUTCOME_NO_EFFECT,			/* checked, and of no meaning here */
	OUTCOME_REFUSED				/* with a reason */
} ParameterOutcome;

/* What stands behind the name; AS may stand between. */
typedef enum ParameterArgument
{
	ARGUMENT_NONE,
	ARGUMENT_STRING,			/* not empty */
	ARGUMENT_OPTIONAL_STRING,
	ARGUMENT_CHARACTER,			/* a string that is one ASCII character */
	ARGUMENT_NULL,				/* a string that stands for NULL */
	ARGUMENT_REPLACEMENT,		/* a character, optional */
	ARGUMENT_TEMPLATE,			/* of dates or times */
	ARGUMENT_WIDTHS,			/* 'name:width,...' */
	ARGUMENT_REGION,
	ARGUMENT_NUMBER,			/* whole, from min to max */
	ARGUMENT_SIZE,				/* number [MB | GB], from min to max megabytes */
	ARGUMENT_BOOLEAN,			/* [ON | TRUE | OFF | FALSE], a bool */
	ARGUMENT_SWITCH,			/* the same, a RedshiftSwitch */
	ARGUMENT_PRESET,			/* the same, or PRESET */
	ARGUMENT_ENCODING,			/* a word or a string */
	ARGUMENT_JSON,				/* a string, optional */
	ARGUMENT_ROLE,				/* DEFAULT or a string */
	ARGUMENT_CREDENTIALS,		/* a string, or IAM_ROLE */
	ARGUMENT_VERBOSE,			/* [VERBOSE] */
	ARGUMENT_AUTO,				/* [AUTO] */
	ARGUMENT_COLUMNS,			/* BY (name, ...) [INCLUDE] */
	ARGUMENT_COLUMNAR,			/* [SERIALIZETOJSON] */
	ARGUMENT_SHAPES				/* [SIMPLIFY [AUTO] [number]] */
} ParameterArgument;

/* Of each of these a statement has one at most. */
typedef enum ParameterGroup
{
	GROUP_NONE,
	GROUP_FORMAT,
	GROUP_COMPRESSION
} ParameterGroup;

typedef struct RedshiftParameter
{
	const char *name;			/* in upper case */
	int			commands;		/* FOR_... */
	int			argument;		/* ParameterArgument */
	int			outcome;		/* ParameterOutcome */
	int			not_with;		/* NOT_... */
	int			flags;			/* IS_..., ONLY_..., NOT_IN_... */
	int			group;			/* ParameterGroup */
	int64		min;
	int64		max;
	Size		offset;			/* of its member of RedshiftStatement; 0: it has
								 * none, or several */
	int			value;			/* of GROUP_...: the member's value */
	const char *reason;			/* of OUTCOME_REFUSED: a sentence */
} RedshiftParameter;

/* The rows one after another; NULL behind the last one. */
extern const RedshiftParameter *redshift_parameter_row(int n);

/* The row of a folded word, or NULL. */
extern const RedshiftParameter *redshift_parameter(const char *word, int command);

/* The row whose name is not far from the word; NULL: there is none. */
extern const RedshiftParameter *redshift_parameter_nearest(const char *word, int command);

/* May a statement have only one of the two, though each does not exclude itself? */
extern bool redshift_parameters_exclude(const RedshiftParameter *one,
										const RedshiftParameter *other);

/* The name of a RedshiftFileFormat, as the parameter is called. */
extern const char *redshift_format_name(int format);

/*
 * Put the value of a string argument where it belongs.  Returns NULL, or else
 * the reason why it is no value: a sentence for errdetail() without the value.
 */
extern const char *redshift_parameter_set(RedshiftStatement *statement,
										  const RedshiftParameter *parameter,
										  const char *value);

/* The same of the string of CREDENTIALS, for which there is one message. */
extern bool redshift_credentials_set(RedshiftStatement *statement, const char *value,
									 bool *has_master_key);

#endif							/* S3_REDSHIFT_PARAMETER_H */
