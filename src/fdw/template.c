/*-------------------------------------------------------------------------
 *
 * template.c
 *		Path templates: which parts of a key are the values of columns.
 *
 * Above: layout.c, which knows the columns.
 *
 * IDENTIFICATION
 *		src/fdw/template.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fdw/template.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

typedef struct Placeholder
{
	char	   *name;
	int			column;
	char	   *before;			/* text between it and the last one, or the
								 * beginning of its segment */
} Placeholder;

/* What stands between two slashes. */
typedef struct Segment
{
	List	   *placeholders;	/* of Placeholder */
	char	   *tail;			/* text behind the last one */
} Segment;

struct PathTemplate
{
	List	   *segments;		/* of Segment */
	List	   *placeholders;	/* all of them */
	bool		ends_in_slash;
};

/* Take the name between braces; p is behind the opening one. */
static Placeholder *
parse_placeholder(const char **p, const PathTemplate *path_template, const char **reason)
{
	Size		len = strcspn(*p, "{}/");
	Placeholder *placeholder;
	ListCell   *lc;

	if ((*p)[len] != '}')
	{
		*reason = gettext_noop("A brace is not closed.");
		return NULL;
	}
	if (len == 0)
	{
		*reason = gettext_noop("The name in braces is empty.");
		return NULL;
	}
	placeholder = palloc0(sizeof(Placeholder));
	placeholder->name = pnstrdup(*p, len);
	foreach(lc, path_template->placeholders)
	{
		if (strcmp(((Placeholder *) lfirst(lc))->name, placeholder->name) == 0)
		{
			*reason = gettext_noop("A column is named twice.");
			return NULL;
		}
	}
	*p += len + 1;
	return placeholder;
}

/* Parse up to the next slash, or the end. */
static Segment *
parse_segment(const char **p, PathTemplate *path_template, const char **reason)
{
	Segment    *segment = palloc0(sizeof(Segment));
	StringInfoData text;

	initStringInfo(&text);
	while (**p && **p != '/')
	{
		char		c = *(*p)++;

		if ((c == '{' || c == '}') && **p == c)
		{
			appendStringInfoChar(&text, c);
			(*p)++;
		}
		else if (c == '}')
		{
			*reason = gettext_noop("A closing brace has no opening one.");
			return NULL;
		}
		else if (c == '{')
		{
			Placeholder *placeholder = parse_placeholder(p, path_template, reason);

			if (placeholder == NULL)
				return NULL;
			if (segment->placeholders != NIL && text.len == 0)
			{
				*reason = gettext_noop("Between two names in braces there must be some text.");
				return NULL;
			}
			placeholder->before = pstrdup(text.data);
			resetStringInfo(&text);
			segment->placeholders = lappend(segment->placeholders, placeholder);
			path_template->placeholders = lappend(path_template->placeholders, placeholder);
		}
		else
			appendStringInfoChar(&text, c);
	}
	segment->tail = text.data;
	return segment;
}

PathTemplate *
template_parse(const char *text, const char **reason)
{
	PathTemplate *path_template = palloc0(sizeof(PathTemplate));
	const char *p = text;

	*reason = NULL;
	if (*p == '/')
	{
		*reason = gettext_noop("A template must not begin with a slash.");
		return NULL;
	}
	while (*p)
	{
		Segment    *segment = parse_segment(&p, path_template, reason);

		if (segment == NULL)
			return NULL;
		path_template->segments = lappend(path_template->segments, segment);
		path_template->ends_in_slash = *p == '/';
		if (*p == '/')
			p++;
	}
	if (path_template->placeholders == NIL)
	{
		*reason = gettext_noop("A template names at least one column in braces, as in \"{year}/\".");
		return NULL;
	}
	return path_template;
}

int
template_nplaceholders(const PathTemplate *path_template)
{
	return list_length(path_template->placeholders);
}

const char *
template_placeholder(const PathTemplate *path_template, int i)
{
	return ((Placeholder *) list_nth(path_template->placeholders, i))->name;
}

void
template_bind(PathTemplate *path_template, int i, int column)
{
	((Placeholder *) list_nth(path_template->placeholders, i))->column = column;
}

/* Where text is found first in [s, end), or NULL. */
static const char *
find_text(const char *s, const char *end, const char *text)
{
	Size		len = strlen(text);

	for (; s + len <= end; s++)
	{
		if (memcmp(s, text, len) == 0)
			return s;
	}
	return NULL;
}

/* Match [s, end); with take NULL only say whether it does. */
static bool
match_segment(const Segment *segment, const char *s, const char *end,
			  void (*take) (void *arg, int column, const char *value, Size len), void *arg)
{
	Size		tail_len = strlen(segment->tail);
	const Placeholder *last = NULL;
	ListCell   *lc;

	if (end - s < (ptrdiff_t) tail_len || memcmp(end - tail_len, segment->tail, tail_len) != 0)
		return false;
	end -= tail_len;
	foreach(lc, segment->placeholders)
	{
		const Placeholder *placeholder = lfirst(lc);
		const char *found;

		/* The one before it has at least one character. */
		found = last == NULL ? s : s < end ? find_text(s + 1, end, placeholder->before) : NULL;
		if (found == NULL || end - found < (ptrdiff_t) strlen(placeholder->before) ||
			memcmp(found, placeholder->before, strlen(placeholder->before)) != 0)
			return false;
		if (last && take)
			take(arg, last->column, s, found - s);
		s = found + strlen(placeholder->before);
		last = placeholder;
	}
	if (last == NULL)
		return s == end;
	if (s == end)
		return false;
	if (take)
		take(arg, last->column, s, end - s);
	return true;
}

bool
template_match(const PathTemplate *path_template, const char *key, bool is_folder,
			   void (*take) (void *arg, int column, const char *value, Size len), void *arg)
{
	ListCell   *lc;

	foreach(lc, path_template->segments)
	{
		Size		len = strcspn(key, "/");
		bool		is_last = lnext(path_template->segments, lc) == NULL;

		if (key[len] != '/')
		{
			/* What follows the last slash of a folder's name is not known yet. */
			if (is_folder)
				return true;
			if (!is_last || path_template->ends_in_slash)
				return false;
		}
		/* Nothing is taken from a segment that does not match as a whole. */
		if (!match_segment(lfirst(lc), key, key + len, NULL, NULL))
			return false;
		(void) match_segment(lfirst(lc), key, key + len, take, arg);
		key += len;
		if (*key == '/')
			key++;
	}
	return true;
}
