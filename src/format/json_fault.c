/*-------------------------------------------------------------------------
 *
 * json_fault.c
 *		What is wrong with a JSON record, in words.
 *
 * json_parse.c and json.c find the faults; what is said of them here is what
 * the type json says, and in short what Redshift does.
 *
 * IDENTIFICATION
 *		src/format/json_fault.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "format/json_parse.h"
#include "format/encoding.h"
#include "mb/pg_wchar.h"

#define MAX_QUOTED		100		/* bytes of a token in a message */

void
json_describe_fault(const JsonParser *parser, const char *rec, const JsonFaultContext *context,
					RecordError *error)
{
	const char *text = rec + parser->fault_start;
	Size		len = parser->fault_end - parser->fault_start;
	const char *token;

	memset(error, 0, sizeof(RecordError));
	if (len > MAX_QUOTED)
	{
		len = pg_mbcliplen(text, Min(len, 2 * MAX_QUOTED), MAX_QUOTED);
		token = psprintf("%.*s...", (int) len, text);
	}
	else
		token = pnstrdup(text, len);
	if (context->by_redshift)
		token = text_printable(token, strlen(token));

	error->fault = FAULT_JSON;
	error->sqlerrcode = ERRCODE_INVALID_TEXT_REPRESENTATION;
	error->message = pstrdup(_("invalid input syntax for type json"));
	switch (parser->fault)
	{
		case FAULT_EXPECTED_VALUE:
			error->detail = psprintf(_("Expected JSON value, but found \"%s\"."), token);
			break;
		case FAULT_EXPECTED_OBJECT_FIRST:
			error->detail = psprintf(_("Expected string or \"}\", but found \"%s\"."), token);
			break;
		case FAULT_EXPECTED_STRING:
			error->detail = psprintf(_("Expected string, but found \"%s\"."), token);
			break;
		case FAULT_EXPECTED_COLON:
			error->detail = psprintf(_("Expected \":\", but found \"%s\"."), token);
			break;
		case FAULT_EXPECTED_OBJECT_NEXT:
			error->detail = psprintf(_("Expected \",\" or \"}\", but found \"%s\"."), token);
			break;
		case FAULT_EXPECTED_ARRAY_NEXT:
			error->detail = psprintf(_("Expected \",\" or \"]\", but found \"%s\"."), token);
			break;
		case FAULT_EXPECTED_END:
			error->detail = psprintf(_("Expected end of input, but found \"%s\"."), token);
			if (context->records == RECORDS_VALUES)
				error->hint = pstrdup(_("Values that are neither objects nor arrays must be separated by white space."));
			break;
		case FAULT_ENDED:
			error->detail = pstrdup(_("The input string ended unexpectedly."));
			break;
		case FAULT_TOKEN:
			error->detail = psprintf(_("Token \"%s\" is invalid."), token);
			break;
		case FAULT_ESCAPE:
			error->detail = psprintf(_("Escape sequence \"\\%s\" is invalid."), token);
			break;
		case FAULT_UNICODE_ESCAPE:
			error->detail = pstrdup(_("\"\\u\" must be followed by four hexadecimal digits."));
			break;
		case FAULT_CONTROL:
			error->detail = psprintf(_("Character with value 0x%02x must be escaped."),
									 (unsigned char) *text);
			break;
		case FAULT_NESTING:
			error->sqlerrcode = ERRCODE_STATEMENT_TOO_COMPLEX;
			error->message = pstrdup(_("JSON value is nested too deeply"));
			error->detail = psprintf(_("The limit is %d levels."), JSON_MAX_NESTING);
			break;
		case JSON_FAULT_TOO_LONG:
			error->fault = FAULT_LINE;
			error->sqlerrcode = ERRCODE_PROGRAM_LIMIT_EXCEEDED;
			error->message = pstrdup(_("JSON record is too long"));
			error->detail = psprintf(_("The limit is %zu bytes."), context->max_record);
			error->hint = pstrdup(_("Raise the option max_record_size."));
			break;
		case FAULT_NOT_OBJECT:
			error->sqlerrcode = ERRCODE_BAD_COPY_FILE_FORMAT;
			error->message = pstrdup(_("expected a JSON object"));
			error->detail = psprintf(_("Found \"%s\"."), token);
			if (context->in_array)
				error->hint = *text == '[' ?
					pstrdup(_("Rows that are arrays can be read without an array around them, with the option \"records\" set to \"arrays\".")) :
					pstrdup(_("If the array is a row, set the option \"records\" to \"arrays\"."));
			break;
		case FAULT_NOT_ARRAY:
			error->sqlerrcode = ERRCODE_BAD_COPY_FILE_FORMAT;
			error->message = pstrdup(_("expected a JSON array"));
			error->detail = psprintf(_("Found \"%s\"."), token);
			if (*text == '{')
				error->hint = pstrdup(_("If the rows are objects, set the option \"records\" to \"objects\"."));
			break;
		case FAULT_EXTRA_ELEMENTS:
			error->fault = FAULT_EXTRA_FIELDS;
			error->sqlerrcode = ERRCODE_BAD_COPY_FILE_FORMAT;
			error->message = pstrdup(_("extra data after last expected column"));
			error->detail = psprintf(_("The array has %d elements, but the table has %d columns."),
									 parser->top_count, context->ncolumns);
			break;
	}
	if (context->by_redshift)
		error->message = pstrdup("Invalid value.");
}

/*
 * A key may be missing, and so may what is below it, or below null; an element
 * may not, nor a key of what is no object.
 */
const char *
json_missing_fault(const JsonParser *parser, const char *base, int node)
{
	int			parent = parser->nodes[node].parent;
	const char *text;

	while (parent > 0 && parser->values[parent].end == 0)
	{
		node = parent;
		parent = parser->nodes[node].parent;
	}
	if (parent < 0)
		return NULL;
	text = base + parser->values[parent].start;
	if (*text == 'n')
		return NULL;
	if (parser->nodes[node].key == NULL)
		return "Invalid JSONPath format: Not an array or index out of range.";
	return *text == '{' ? NULL : "Invalid JSONPath format: Member is not an object.";
}
