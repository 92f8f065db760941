/*-------------------------------------------------------------------------
 *
 * keys.c
 *		Which keys or header names the columns of a table read.
 *
 * A record reader looks for the keys that it is asked for, and passes over all
 * others without a look.  Here the others are found, by a second look at the
 * text of a record: only for scans and checks that ask for it.
 *
 * IDENTIFICATION
 *		src/fdw/keys.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/text.h"
#include "fdw/keys.h"
#include "format/json_path.h"

typedef struct ReadKey
{
	const char *name;
	Size		len;
	bool		ignore_case;
	int			column;
} ReadKey;

struct KeySet
{
	bool		all;			/* a column reads the whole record */
	int			n;
	ReadKey    *keys;			/* owned, sorted */
};

static int
compare_keys(const void *a, const void *b)
{
	const ReadKey *x = a;
	const ReadKey *y = b;

	return compare_names(x->name, x->len, y->name, y->len, x->ignore_case);
}

KeySet *
key_set_create(const RecordColumn *columns, int ncolumns, const FormatOptions *format)
{
	KeySet	   *set = palloc0(sizeof(KeySet));

	set->keys = palloc0(sizeof(ReadKey) * Max(ncolumns, 1));
	for (int i = 0; i < ncolumns; i++)
	{
		const char *name = columns[i].name;

		if (columns[i].path)
		{
			const char *reason;
			int			nsteps = 0;
			JsonPathStep *steps = json_path_parse(columns[i].path, &nsteps, &reason);

			if (nsteps == 0 || steps[0].key == NULL)
			{
				set->all = true;
				continue;
			}
			name = steps[0].key;
		}
		set->keys[set->n++] = (ReadKey)
		{
			.name = name,.len = strlen(name),.ignore_case = format->ignore_case,.column = i
		};
	}
	qsort(set->keys, set->n, sizeof(ReadKey), compare_keys);
	return set;
}

bool
key_set_find(const KeySet *set, const char *name, Size len, bool *seen)
{
	ReadKey		key = {.name = name,.len = len};
	ReadKey    *found = NULL;

	if (set->n > 0)
	{
		key.ignore_case = set->keys[0].ignore_case;
		found = bsearch(&key, set->keys, set->n, sizeof(ReadKey), compare_keys);
	}
	if (found == NULL)
		return set->all;
	if (seen)
	{
		while (found > set->keys && compare_keys(found - 1, &key) == 0)
			found--;
		for (; found < set->keys + set->n && compare_keys(found, &key) == 0; found++)
			seen[found->column] = true;
	}
	return true;
}

/* Where the string behind the quote at p ends: at its last quote. */
static const char *
string_end(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
	{
		if (*p == '\\' && p + 1 < end)
			p++;
	}
	return Min(p, end);
}

/* Undo the short escapes; returns the new length. */
static Size
undo_escapes(const char *p, Size len, char *out)
{
	static const char from[] = "bfnrt";
	static const char to[] = "\b\f\n\r\t";
	const char *end = p + len;
	char	   *begin = out;

	for (; p < end; p++)
	{
		if (*p == '\\' && p + 1 < end && p[1] != 'u')
		{
			const char *known = strchr(from, *++p);

			*out++ = known ? to[known - from] : *p;
		}
		else
			*out++ = *p;
	}
	return out - begin;
}

void
json_keys_visit(const char *text, Size len, KeyHandler handler, void *arg)
{
	const char *end = text + len;
	int			depth = 0;
	bool		key = false;	/* a string here is a key of the object */

	if (len == 0 || *text != '{')
		return;
	for (const char *p = text; p < end; p++)
	{
		const char *begin;

		switch (*p)
		{
			case '{':
			case '[':
				key = ++depth == 1;
				break;
			case '}':
			case ']':
				depth--;
				break;
			case ',':
				key = depth == 1;
				break;
			case '"':
				begin = p + 1;
				p = string_end(p, end);
				if (!key)
					break;
				key = false;
				if (memchr(begin, '\\', p - begin))
				{
					char	   *name = palloc(p - begin + 1);

					handler(arg, name, undo_escapes(begin, p - begin, name));
					pfree(name);
				}
				else
					handler(arg, begin, p - begin);
				break;
		}
	}
}
