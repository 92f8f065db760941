/*-------------------------------------------------------------------------
 *
 * names.c
 *		Names of files made fit for SQL, Redshift and Athena.
 *
 * Letters beyond ASCII stay as they are: PostgreSQL and Redshift take them, and
 * how they are folded depends on the locale.
 *
 * IDENTIFICATION
 *		src/schema/names.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/keywords.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "schema/names.h"
#include "utils/hsearch.h"

/* What Redshift reserves and PostgreSQL does not, in order. */
static const char *const redshift_words[] = {
	"aes128", "aes256", "allowoverwrite", "backup", "blanksasnull", "bytedict", "bzip2",
	"credentials", "deflate", "defrag", "delta", "delta32k", "disable", "emptyasnull", "enable",
	"encode", "encrypt", "encryption", "explicit", "globaldict256", "globaldict64k", "gzip",
	"identity", "ignore", "lun", "luns", "lzo", "lzop", "minus", "mostly13", "mostly32",
	"mostly8", "new", "nulls", "off", "offline", "oid", "old", "open", "parallel", "partition",
	"percent", "permissions", "raw", "readratio", "recover", "rejectlog", "resort", "respect",
	"restore", "snapshot", "sysdate", "system", "tag", "tdes", "text255", "text32k", "timestamp",
	"top", "truncatecolumns", "wallet", "without"
};

/* Columns that every table has. */
static const char *const system_words[] = {"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"};

typedef struct TakenName
{
	char		name[NAMEDATALEN];
	int			number;			/* tried last */
} TakenName;

struct NameSet
{
	HTAB	   *names;
};

NameSet *
name_set_create(void)
{
	NameSet    *set = palloc(sizeof(NameSet));
	HASHCTL		ctl = {.keysize = NAMEDATALEN,.entrysize = sizeof(TakenName),
	.hcxt = CurrentMemoryContext};

	set->names = hash_create("s3_fdw names", 64, &ctl, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	return set;
}

static int
compare_words(const void *a, const void *b)
{
	return strcmp((const char *) a, *(const char *const *) b);
}

static bool
is_reserved(const char *name)
{
	int			keyword = ScanKeywordLookup(name, &ScanKeywords);

	if (keyword >= 0 && (ScanKeywordCategories[keyword] == RESERVED_KEYWORD ||
						 ScanKeywordCategories[keyword] == TYPE_FUNC_NAME_KEYWORD))
		return true;
	return bsearch(name, redshift_words, lengthof(redshift_words), sizeof(char *), compare_words) ||
		bsearch(name, system_words, lengthof(system_words), sizeof(char *), compare_words);
}

/* Cut a name such that so many bytes can follow it. */
static void
clip(StringInfo name, int room)
{
	if (name->len > NAMEDATALEN - 1 - room)
	{
		name->len = pg_mbcliplen(name->data, name->len, NAMEDATALEN - 1 - room);
		name->data[name->len] = '\0';
	}
}

/* Take a name that is not taken yet: it, or with a number. */
static char *
take_name(NameSet *taken, StringInfo name)
{
	TakenName  *entry;
	bool		found;
	int			len;

	clip(name, 0);
	entry = hash_search(taken->names, name->data, HASH_ENTER, &found);
	if (!found)
	{
		entry->number = 1;
		return name->data;
	}
	len = name->len;
	while (found)
	{
		char		suffix[16];
		int			n = snprintf(suffix, sizeof(suffix), "%s%d",
									 name->data[len - 1] == '_' ? "" : "_", ++entry->number);

		name->len = len;
		clip(name, n);
		appendStringInfoString(name, suffix);
		(void) hash_search(taken->names, name->data, HASH_FIND, &found);
	}
	((TakenName *) hash_search(taken->names, name->data, HASH_ENTER, &found))->number = 1;
	return name->data;
}

static char *
clean(NameSet *taken, const char *source, const char *fallback, bool ascii)
{
	StringInfoData name;
	bool		replaced = false;	/* the last one was no character of a name */

	initStringInfo(&name);
	for (const char *p = source; *p; p++)
	{
		unsigned char c = *p;
		bool		plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z') || c == '_' || (IS_HIGHBIT_SET(c) && !ascii);

		if (plain)
		{
			/* not before the first one, and not beside one that is there */
			if (replaced && name.len > 0 && name.data[name.len - 1] != '_' && c != '_')
				appendStringInfoChar(&name, '_');
			appendStringInfoChar(&name, pg_ascii_tolower(c));
		}
		replaced = !plain;
	}
	while (name.len > 0 && name.data[name.len - 1] == '_')
		name.data[--name.len] = '\0';
	if (name.len == 0)
		appendStringInfoString(&name, fallback);
	if (name.data[0] >= '0' && name.data[0] <= '9')
	{
		char	   *rest = pstrdup(name.data);

		resetStringInfo(&name);
		appendStringInfo(&name, "_%s", rest);
		pfree(rest);
	}
	if (is_reserved(name.data))
		appendStringInfoChar(&name, '_');
	return take_name(taken, &name);
}

char *
name_clean(NameSet *taken, const char *source, const char *fallback)
{
	return clean(taken, source, fallback, false);
}

char *
name_to_ascii(NameSet *taken, const char *name, const char *fallback)
{
	StringInfoData copy;

	for (const char *p = name; *p; p++)
	{
		if (IS_HIGHBIT_SET(*p))
			return clean(taken, name, fallback, true);
	}
	initStringInfo(&copy);
	appendStringInfoString(&copy, name);
	return take_name(taken, &copy);
}
