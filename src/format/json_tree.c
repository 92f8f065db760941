/*-------------------------------------------------------------------------
 *
 * json_tree.c
 *		What the columns want of a record, as a tree of keys and elements.
 *
 * Each needed column is a list of steps: its path, else its name, else, in
 * records that are arrays, its number.  The lists, sorted, are a tree in
 * preorder, so that what is below a node are its neighbours in an array.
 *
 * Objects mostly have the same keys in the same order.  So each node remembers
 * which key came at which position and what it led to; json_parse.c compares
 * and, in the common case, needs nothing else of this file.
 *
 * Invariant: children of a node that are elements come before its keys, in
 * order of indexes.
 *
 * IDENTIFICATION
 *		src/format/json_tree.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "common/hashfn.h"
#include "format/json_parse.h"
#include "format/json_path.h"
#include "mb/pg_wchar.h"
#include "utils/formatting.h"
#include "utils/memutils.h"

#define MAX_GUESSES		1024	/* of a node */
#define ALL_GUESSES		8192	/* of a parser */
#define MAX_ESCAPED		6		/* bytes of a key's text for one of the key */

/* A needed column. */
typedef struct ColumnPath
{
	JsonPathStep *steps;
	int			nsteps;
	int			slot;			/* index in parser->needed */
} ColumnPath;

/* How keys are compared if case is ignored. */
static char *
fold_key(const char *key, Size len)
{
	return str_tolower(key, len, DEFAULT_COLLATION_OID);
}

static void
init_path(ColumnPath *path, const FormatOptions *options, const RecordColumn *column, int number)
{
	if (column->path)
	{
		const char *reason;

		path->steps = json_path_parse(column->path, &path->nsteps, &reason);
		if (path->steps == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					 errmsg("invalid path \"%s\" of column \"%s\"", column->path, column->name),
					 errdetail_internal("%s", reason)));
	}
	else
	{
		path->steps = palloc0(sizeof(JsonPathStep));
		path->nsteps = 1;
		if (options->records == RECORDS_ARRAYS)
			path->steps[0].index = number;
		else
			path->steps[0].key = pstrdup(column->name);
	}
	for (int i = 0; options->ignore_case && i < path->nsteps; i++)
	{
		char	   *key = path->steps[i].key;

		if (key)
			path->steps[i].key = fold_key(key, strlen(key));
	}
}

static int
compare_steps(const JsonPathStep *a, const JsonPathStep *b)
{
	if (a->key && b->key)
		return strcmp(a->key, b->key);
	if (a->key || b->key)
		return a->key ? 1 : -1;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* A path before those below it. */
static int
compare_paths(const void *left, const void *right)
{
	const ColumnPath *a = left;
	const ColumnPath *b = right;

	for (int i = 0; i < a->nsteps && i < b->nsteps; i++)
	{
		int			order = compare_steps(&a->steps[i], &b->steps[i]);

		if (order != 0)
			return order;
	}
	return a->nsteps - b->nsteps;
}

static uint32
hash_key(int parent, const char *key, Size len)
{
	return hash_combine(hash_bytes((const unsigned char *) key, (int) len), (uint32) parent * 0x9e3779b1);
}

/* Fill in what follows from the nodes' keys, indexes and parents. */
static void
connect_nodes(JsonParser *parser)
{
	uint32		nbuckets = 2;
	int			nelements = 0;

	while (nbuckets < 2 * (uint32) parser->nnodes)
		nbuckets *= 2;
	parser->bucket_mask = nbuckets - 1;
	parser->buckets = palloc(sizeof(int) * nbuckets);
	memset(parser->buckets, 0xff, sizeof(int) * nbuckets);
	parser->elements = palloc(sizeof(int) * parser->nnodes);

	for (int i = parser->nnodes - 1; i > 0; i--)
	{
		JsonNode   *node = &parser->nodes[i];
		JsonNode   *parent = &parser->nodes[node->parent];

		node->end = Max(node->end, i + 1);
		parent->end = Max(parent->end, node->end);
		parser->values[node->parent].followed = true;
		if (node->key == NULL)
			parent->nelements++;
	}
	parser->nodes[0].end = parser->nnodes;
	/* also where nothing is wanted: known keys are passed over faster */
	parser->values[0].followed = true;

	for (int i = 0; i < parser->nnodes; i++)
	{
		parser->nodes[i].first_element = nelements;
		nelements += parser->nodes[i].nelements;
		parser->nodes[i].nelements = 0;
	}
	for (int i = 1; i < parser->nnodes; i++)
	{
		JsonNode   *node = &parser->nodes[i];
		JsonNode   *parent = &parser->nodes[node->parent];

		if (node->key == NULL)
			parser->elements[parent->first_element + parent->nelements++] = i;
		else
		{
			uint32		b = hash_key(node->parent, node->key, node->key_len) & parser->bucket_mask;

			while (parser->buckets[b] >= 0)
				b = (b + 1) & parser->bucket_mask;
			parser->buckets[b] = i;
			parser->max_key = Max(parser->max_key, node->key_len);
		}
	}
}

void
json_parser_init(JsonParser *parser, const FormatOptions *options,
				 const RecordColumn *columns, int ncolumns)
{
	ColumnPath *paths = palloc(sizeof(ColumnPath) * Max(ncolumns, 1));
	int			max_nodes = 1;
	int			max_depth = 0;
	int		   *above;			/* nodes of the last path, from the root */
	const ColumnPath *last = NULL;

	memset(parser, 0, sizeof(JsonParser));
	parser->cxt = CurrentMemoryContext;
	parser->columns = columns;
	parser->ignore_case = options->ignore_case;
	parser->unverified = options->redshift.on;
	parser->guess_room = ALL_GUESSES;
	parser->needed = palloc(sizeof(int) * Max(ncolumns, 1));
	parser->slots = palloc(sizeof(int) * Max(ncolumns, 1));
	for (int i = 0; i < ncolumns; i++)
	{
		ColumnPath *path = &paths[parser->nneeded];

		if (!columns[i].needed)
			continue;
		init_path(path, options, &columns[i], i);
		path->slot = parser->nneeded;
		parser->needed[parser->nneeded++] = i;
		max_nodes += path->nsteps;
		max_depth = Max(max_depth, path->nsteps);
	}
	qsort(paths, parser->nneeded, sizeof(ColumnPath), compare_paths);

	parser->nodes = palloc0(sizeof(JsonNode) * max_nodes);
	parser->nodes[0].parent = -1;
	parser->nnodes = 1;
	above = palloc0(sizeof(int) * (max_depth + 1));
	for (int i = 0; i < parser->nneeded; i++)
	{
		const ColumnPath *path = &paths[i];
		int			level = 0;

		while (last && level < path->nsteps && level < last->nsteps &&
			   compare_steps(&path->steps[level], &last->steps[level]) == 0)
			level++;
		for (; level < path->nsteps; level++)
		{
			JsonNode   *node = &parser->nodes[parser->nnodes];

			node->parent = above[level];
			node->key = path->steps[level].key;
			node->key_len = node->key ? strlen(node->key) : 0;
			node->index = path->steps[level].index;
			above[level + 1] = parser->nnodes++;
		}
		parser->slots[path->slot] = above[path->nsteps];
		last = path;
	}
	parser->values = palloc0(sizeof(JsonValue) * parser->nnodes);
	connect_nodes(parser);

	parser->frames = palloc(sizeof(JsonFrame) * (max_depth + 1));
	pfree(above);
	pfree(paths);
}

/* The child of node with that key, or -1. */
static int
look_up(const JsonParser *parser, int node, const char *key, Size len)
{
	uint32		b = hash_key(node, key, len) & parser->bucket_mask;

	for (; parser->buckets[b] >= 0; b = (b + 1) & parser->bucket_mask)
	{
		const JsonNode *child = &parser->nodes[parser->buckets[b]];

		if (child->parent == node && child->key_len == len && memcmp(child->key, key, len) == 0)
			return parser->buckets[b];
	}
	return -1;
}

/*
 * The same of the key's text.  A key with an escape that cannot be decoded is
 * no column's.
 */
static int
look_up_text(JsonParser *parser, int node, const char *text, Size len, bool escaped)
{
	Size		max_len = parser->max_key;
	char	   *decoded = NULL;
	char	   *folded = NULL;
	int			child;

	/* a character may shrink when it is folded */
	if (parser->ignore_case)
		max_len *= MAX_MULTIBYTE_CHAR_LEN;
	if (len > (escaped ? MAX_ESCAPED * max_len : max_len))
		return -1;
	if (escaped)
	{
		int			sqlerrcode;
		const char *detail;
		ssize_t		n;

		decoded = palloc(3 * len);
		n = json_unescape(parser, text, text + len, decoded, &sqlerrcode, &detail);
		if (n < 0)
		{
			pfree(decoded);
			return -1;
		}
		text = decoded;
		len = n;
	}
	if (parser->ignore_case && parser->unverified &&
		!pg_verify_mbstr(GetDatabaseEncoding(), text, (int) len, true))
	{
		/* no column's name */
		if (decoded)
			pfree(decoded);
		return -1;
	}
	if (parser->ignore_case)
	{
		folded = fold_key(text, len);
		text = folded;
		len = strlen(folded);
	}
	child = look_up(parser, node, text, len);
	if (folded)
		pfree(folded);
	if (decoded)
		pfree(decoded);
	return child;
}

int
json_find_child(JsonParser *parser, JsonNode *node, const char *start, const char *end,
				bool escaped, int nkey)
{
	Size		len = end - start;
	int			child = look_up_text(parser, node - parser->nodes, start + 1, len - 2, escaped);
	JsonKeyGuess *guess;

	if (nkey >= node->max_guesses)
	{
		int			max_guesses = Max(16, 2 * node->max_guesses);

		if (max_guesses > MAX_GUESSES || parser->guess_room < max_guesses - node->max_guesses)
			return child;
		guess = MemoryContextAlloc(parser->cxt, max_guesses * sizeof(JsonKeyGuess));
		if (node->guesses)
		{
			memcpy(guess, node->guesses, node->nguesses * sizeof(JsonKeyGuess));
			pfree(node->guesses);
		}
		parser->guess_room -= max_guesses - node->max_guesses;
		node->guesses = guess;
		node->max_guesses = max_guesses;
	}
	/* positions are filled in order, as nkey counts up from 0 */
	guess = &node->guesses[nkey];
	node->nguesses = Max(node->nguesses, nkey + 1);
	guess->len = len <= JSON_GUESS_SIZE ? len : 0;
	guess->mask = len >= 32 ? 0xffffffff : ((uint32) 1 << len) - 1;
	guess->child = child;
	memcpy(guess->raw, start, guess->len);
	return child;
}
