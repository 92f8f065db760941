/*-------------------------------------------------------------------------
 *
 * arguments.c
 *		Arguments of the functions of the extension aws_s3.
 *
 * Options are read by the server's own grammar: they are put behind a COPY of a
 * table that is never looked up, and of the statement that this makes nothing
 * is used but the options.  Whatever else the text has made of it (a second
 * statement, a condition, a file) is an error.
 *
 * IDENTIFICATION
 *		src/aws/arguments.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "aws/aws.h"
#include "executor/executor.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "parser/scansup.h"
#include "s3/uri.h"
#include "utils/builtins.h"

/* ------------------------------------------------------------------- single values */

char *
aws_text(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

char *
aws_required_text(FunctionCallInfo fcinfo, int arg, const char *name)
{
	char	   *value = aws_text(fcinfo, arg);

	if (value == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name)));
	return value;
}

/* An attribute of a row of the types of aws_commons; NULL if it is NULL. */
static char *
attribute_text(HeapTupleHeader row, const char *name)
{
	bool		isnull;
	Datum		value = GetAttributeByName(row, name, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static char *
unless_empty(char *value)
{
	return value && value[0] != '\0' ? value : NULL;
}

/* ------------------------------------------------------------------------- objects */

/*
 * The bucket and the key as they are: nothing in them is a pattern.  The grammar
 * is that of locations.
 */
static void
set_object(AwsObject *object, char *bucket, char *key, char *region)
{
	S3Location *location;
	const char *reason = NULL;

	if (bucket == NULL || key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("bucket and file_path must not be null")));
	memset(object, 0, sizeof(*object));
	location = s3_location_parse(s3_location_of(bucket, key), &reason);
	if (location && strcmp(location->bucket, bucket) != 0)
	{
		location = NULL;
		reason = gettext_noop("The bucket's name has a slash in it.");
	}
	if (location == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid bucket or file_path: \"%s\"", s3_location_format(bucket, key)),
				 errdetail_internal("%s", _(reason))));
	if (key[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("file_path must not be empty")));
	object->bucket = bucket;
	object->key = key;
	object->access.region = unless_empty(region);
}

void
aws_object_from_uri(FunctionCallInfo fcinfo, int arg, AwsObject *object)
{
	HeapTupleHeader row;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("s3_info must not be null")));
	row = PG_GETARG_HEAPTUPLEHEADER(arg);
	set_object(object, attribute_text(row, "bucket"), attribute_text(row, "file_path"),
			   attribute_text(row, "region"));
}

void
aws_object_from_texts(FunctionCallInfo fcinfo, int arg, AwsObject *object)
{
	set_object(object, aws_text(fcinfo, arg), aws_text(fcinfo, arg + 1),
			   aws_text(fcinfo, arg + 2));
}

/* ---------------------------------------------------------------------------- keys */

static void
set_keys(AwsObject *object, char *access_key, char *secret_key, char *session_token)
{
	object->access.access_key_id = unless_empty(access_key);
	object->access.secret_access_key = unless_empty(secret_key);
	object->access.session_token = unless_empty(session_token);
}

void
aws_keys_from_credentials(FunctionCallInfo fcinfo, int arg, AwsObject *object)
{
	HeapTupleHeader row;

	if (PG_ARGISNULL(arg))
		return;
	row = PG_GETARG_HEAPTUPLEHEADER(arg);
	set_keys(object, attribute_text(row, "access_key"), attribute_text(row, "secret_key"),
			 attribute_text(row, "session_token"));
}

void
aws_keys_from_texts(FunctionCallInfo fcinfo, int arg, AwsObject *object)
{
	set_keys(object, aws_text(fcinfo, arg), aws_text(fcinfo, arg + 1),
			 aws_text(fcinfo, arg + 2));
}

S3Client *
aws_client(const AwsObject *object, S3Stats *stats)
{
	return s3_access_client(&object->access, s3_access_server(&object->access), stats);
}

/* ------------------------------------------------------------------------- options */

/* What the parser reads; the options are from a position on. */
#define COPY_HEAD "COPY t FROM STDIN "

typedef struct OptionsText
{
	const char *text;			/* as given */
	int			offset;			/* of it in what is parsed, in characters */
} OptionsText;

/* A syntax error's position is one in the options. */
static void
options_error_position(void *arg)
{
	const OptionsText *options = arg;
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(Max(position - options->offset, 1));
		internalerrquery(options->text);
	}
}

/* Is the tree a COPY that has nothing but options? */
static bool
only_options(List *statements)
{
	CopyStmt   *copy;

	if (list_length(statements) != 1 ||
		!IsA(linitial_node(RawStmt, statements)->stmt, CopyStmt))
		return false;
	copy = (CopyStmt *) linitial_node(RawStmt, statements)->stmt;
	return copy->relation && copy->relation->catalogname == NULL &&
		copy->relation->schemaname == NULL &&
		strcmp(copy->relation->relname, "t") == 0 &&
		copy->query == NULL && copy->attlist == NIL && copy->is_from &&
		!copy->is_program && copy->filename == NULL && copy->whereClause == NULL;
}

/*
 * Parse options between head and tail.  False: a syntax error, if those are to
 * be told in this way.
 */
static bool
parse_options(const char *text, const char *head, const char *tail, bool report, List **options)
{
	MemoryContext cxt = CurrentMemoryContext;
	OptionsText place = {text, (int) strlen(head)};
	ErrorContextCallback context;
	List	   *volatile statements = NIL;
	volatile bool ok = true;

	context.callback = options_error_position;
	context.arg = &place;
	context.previous = error_context_stack;

	/*
	 * The grammar takes nothing but memory, so that its error leaves nothing to
	 * be undone.
	 */
	PG_TRY();
	{
		error_context_stack = &context;
		statements = raw_parser(psprintf("%s%s%s", head, text, tail), RAW_PARSE_DEFAULT);
	}
	PG_CATCH();
	{
		if (report || geterrcode() != ERRCODE_SYNTAX_ERROR)
			PG_RE_THROW();
		MemoryContextSwitchTo(cxt);
		FlushErrorState();
		ok = false;
	}
	PG_END_TRY();
	error_context_stack = context.previous;

	if (!ok)
		return false;
	if (!only_options(statements))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("options must be options of COPY and nothing else")));
	*options = ((CopyStmt *) linitial_node(RawStmt, statements)->stmt)->options;
	return true;
}

/*
 * Without parentheses it may be COPY's old syntax ("csv header") or the inside of
 * the new one ("format csv, header").  What both can read means the same in both.
 */
List *
aws_copy_options(const char *text)
{
	List	   *options = NIL;
	const char *start = text;

	if (text == NULL)
		return NIL;
	while (scanner_isspace(*start))
		start++;
	if (*start == '\0')
		return NIL;
	if (*start == '(')
		parse_options(text, COPY_HEAD, "", true, &options);
	else if (!parse_options(text, COPY_HEAD, "", false, &options))
		parse_options(text, COPY_HEAD "(", "\n)", true, &options);
	return options;
}
