/*-------------------------------------------------------------------------
 *
 * json_path.c
 *		Paths of columns, and files of paths.
 *
 * json_tree.c makes one tree of the paths of all columns; the validator and
 * the scan above check and collect them.  A file of paths is read with the
 * parser of json_parse.c, so that what is JSON does not depend on who asks.
 *
 * IDENTIFICATION
 *		src/format/json_path.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/stream.h"
#include "format/json.h"
#include "format/json_parse.h"
#include "format/json_path.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#define MAX_INDEX (PG_INT32_MAX - 1)

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * The key in quotes at *path, which moves behind it; NULL with *reason set if
 * it has no end.
 */
static char *
parse_quoted(const char **path, const char **reason)
{
	const char *p = *path;
	char		quote = *p++;
	char	   *key = palloc(strlen(p) + 1);
	char	   *dst = key;

	for (; *p != quote; p++)
	{
		if (*p == '\0')
		{
			*reason = psprintf(_("A key begins with %c but does not end with it."), quote);
			return NULL;
		}
		if (*p == '\\')
		{
			p++;
			if (*p != '\\' && *p != '"' && *p != '\'')
			{
				*reason = _("In a quoted key a backslash must be followed by a quote or a backslash.");
				return NULL;
			}
		}
		*dst++ = *p;
	}
	*dst = '\0';
	*path = p + 1;
	return key;
}

/* The same of a key without quotes. */
static char *
parse_bare(const char **path, const char **reason)
{
	Size		len = strcspn(*path, ".[]\"'");
	char	   *key;

	if (len == 0)
	{
		*reason = _("A key is missing; an empty one is written as \"\" with its quotes.");
		return NULL;
	}
	if (len == 1 && **path == '*')
	{
		*reason = _("A path leads to one value: \"*\" can be used as a key in quotes only.");
		return NULL;
	}
	key = pnstrdup(*path, len);
	*path += len;
	return key;
}

/* What stands in brackets, at *path behind the opening one. */
static bool
parse_brackets(const char **path, JsonPathStep *step, const char **reason)
{
	const char *p = *path;

	step->key = NULL;
	step->index = 0;
	if (*p == '"' || *p == '\'')
	{
		step->key = parse_quoted(&p, reason);
		if (step->key == NULL)
			return false;
	}
	else if (*p == '-' && is_digit(p[1]))
	{
		*reason = _("An index counts from the array's first element, which is 0, and cannot be negative.");
		return false;
	}
	else if (!is_digit(*p))
	{
		*reason = _("Brackets must hold an index or a quoted key.");
		return false;
	}
	for (; step->key == NULL && is_digit(*p); p++)
	{
		if (step->index > (MAX_INDEX - (*p - '0')) / 10)
		{
			*reason = psprintf(_("An index can be %d at most."), MAX_INDEX);
			return false;
		}
		step->index = step->index * 10 + (*p - '0');
	}
	if (*p != ']')
	{
		*reason = _("A bracket is opened but not closed behind its index or quoted key.");
		return false;
	}
	*path = p + 1;
	return true;
}

JsonPathStep *
json_path_parse(const char *path, int *nsteps, const char **reason)
{
	const char *p = path;
	JsonPathStep *steps;
	bool		first = true;	/* a key needs no dot */
	int			n = 0;

	*reason = NULL;
	if (*p == '\0')
	{
		*reason = _("The path is empty; \"$\" is the whole record.");
		return NULL;
	}
	/* each step takes one character at least */
	steps = palloc(sizeof(JsonPathStep) * strlen(path));
	if (*p == '$')
	{
		p++;
		first = false;
		if (*p != '\0' && *p != '.' && *p != '[')
		{
			*reason = _("\"$\" must be followed by \".\" or \"[\"; a key that begins with it is written in quotes.");
			return NULL;
		}
	}
	while (*p != '\0')
	{
		JsonPathStep *step = &steps[n++];

		if (*p == '[')
		{
			p++;
			if (!parse_brackets(&p, step, reason))
				return NULL;
		}
		else if (*p == '.' ? !first : first)
		{
			if (*p == '.')
				p++;
			step->index = 0;
			step->key = *p == '"' || *p == '\'' ? parse_quoted(&p, reason) : parse_bare(&p, reason);
			if (step->key == NULL)
				return NULL;
		}
		else if (*p == '.')
		{
			*reason = _("A path begins with a key, \"[\" or \"$\".");
			return NULL;
		}
		else
		{
			*reason = psprintf(_("\"%s\" was found where \".\", \"[\" or the end was expected."),
							   pnstrdup(p, pg_mblen(p)));
			return NULL;
		}
		first = false;
	}
	*nsteps = n;
	return steps;
}

const char *
json_path_check(const char *path)
{
	const char *reason;
	int			nsteps;

	json_path_parse(path, &nsteps, &reason);
	return reason;
}

/* ---- Files of paths ---- */

/* The text in the server encoding and with padding, or NULL and *reason. */
static char *
prepare_text(const char *text, Size len, Size *new_len, const char **reason)
{
	char	   *converted;
	char	   *result;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
	{
		text += 3;
		len -= 3;
	}
	if (len > MaxAllocSize / 8)
	{
		*reason = _("The file is too large.");
		return NULL;
	}
	if (!pg_verify_mbstr(PG_UTF8, text, (int) len, true))
	{
		*reason = _("The file is not in the encoding UTF8.");
		return NULL;
	}
	converted = pg_any_to_server(pnstrdup(text, len), (int) len, PG_UTF8);
	*new_len = strlen(converted);
	result = palloc(*new_len + STREAM_PADDING);
	memcpy(result, converted, *new_len);
	memset(result + *new_len, 0, STREAM_PADDING);
	return result;
}

List *
jsonpaths_parse(const char *text, Size len, const char **reason)
{
	FormatOptions options = {.format = FORMAT_JSON, .records = RECORDS_DOCUMENT};
	RecordColumn column = {.name = "jsonpaths", .needed = true};
	const JsonValue *array;
	const char *p;
	const char *array_end;
	JsonParser	parser;
	List	   *paths = NIL;

	*reason = NULL;
	text = prepare_text(text, len, &len, reason);
	if (text == NULL)
		return NIL;

	json_parser_init(&parser, &options, &column, 1);
	json_parser_start(&parser, STATE_VALUE, 0);
	if (json_parse(&parser, text, text + len, true) == PARSE_DONE)
	{
		parser.state = STATE_END;
		if (json_parse(&parser, text, text + len, true) != PARSE_DONE)
			parser.state = STATE_VALUE;
	}
	if (parser.state != STATE_END)
	{
		*reason = _("The file is not valid JSON.");
		return NIL;
	}
	array = &parser.values[parser.slots[0]];
	if (array->end == 0 || text[array->start] != '[')
	{
		*reason = _("The file must be an object with the key \"jsonpaths\" and an array of paths as its value.");
		return NIL;
	}

	/* of valid JSON; between strings there can be nothing but these */
	array_end = text + array->end - 1;
	for (p = text + array->start + 1; p < array_end;)
	{
		const char *start = p + 1;
		const char *detail;
		const char *wrong;
		char	   *path;
		ssize_t		n;
		int			sqlerrcode;

		if (json_is_space(*p) || *p == ',')
		{
			p++;
			continue;
		}
		if (*p != '"')
		{
			*reason = psprintf(_("Path %d is not a string."), list_length(paths) + 1);
			return NIL;
		}
		for (p = start; *p != '"'; p++)
		{
			if (*p == '\\')
				p++;
		}
		path = palloc((p - start) * 3 + 1);
		n = json_unescape(&parser, start, p, path, &sqlerrcode, &detail);
		if (n < 0)
		{
			*reason = psprintf(_("Path %d is no text: %s"), list_length(paths) + 1, detail);
			return NIL;
		}
		path[n] = '\0';
		wrong = json_path_check(path);
		if (wrong)
		{
			*reason = psprintf(_("Path %d, \"%s\", is wrong: %s"), list_length(paths) + 1,
							   path, wrong);
			return NIL;
		}
		paths = lappend(paths, path);
		p++;
	}
	return paths;
}
