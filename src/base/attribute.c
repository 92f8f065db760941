/*-------------------------------------------------------------------------
 *
 * attribute.c
 *		What an object is to be labelled with when it is written.
 *
 * Everything here ends up in a header of a request, so that what could end a
 * header, or what a server or a proxy may read in another way than we meant
 * it, is refused: control characters, and in metadata all but ASCII.  Tags are
 * percent-encoded, which takes any character.
 *
 * Sources: RFC 9110, 5.6.2 (token); Amazon S3 User Guide, "Working with object
 * metadata" and "Categorizing your objects using tags".
 *
 * IDENTIFICATION
 *		src/base/attribute.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/attribute.h"
#include "mb/pg_wchar.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

/* Bytes of all keys and values. */
#define MAX_METADATA 2048

#define MAX_TAGS 10
#define MAX_TAG_KEY 128			/* characters */
#define MAX_TAG_VALUE 256

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define UPPER_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define TOKEN_MARKS "!#$%&'*+-.^_`|~"

static bool
has_control(const char *text)
{
	for (const char *p = text; *p; p++)
	{
		if ((unsigned char) *p < 0x20 || *p == 0x7f)
			return true;
	}
	return false;
}

/* Empty values are left to the caller. */
static const char *
check_text(const char *value)
{
	Size		len = strlen(value);

	if (has_control(value))
		return _("It must not contain control characters.");
	for (Size i = 0; i < len; i++)
	{
		if (IS_HIGHBIT_SET(value[i]))
			return _("It must consist of ASCII characters.");
	}
	if (len > 0 && (value[0] == ' ' || value[len - 1] == ' '))
		return _("It must not begin or end with a blank.");
	return NULL;
}

const char *
s3_attribute_check_value(const char *value)
{
	return value[0] == '\0' ? _("It must not be empty.") : check_text(value);
}

const char *
s3_attribute_check_class(const char *value)
{
	if (value[0] == '\0' || strlen(value) > 63 ||
		strspn(value, UPPER_LETTERS DIGITS "_") != strlen(value))
		return _("A storage class consists of upper-case letters, digits and underscores.");
	return NULL;
}

static char *
jsonb_string(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* A value for messages: short, and without what would disturb a log. */
static char *
shown(const char *text)
{
	char	   *copy = pnstrdup(text, pg_mbcliplen(text, strlen(text), 100));

	for (char *p = copy; *p; p++)
	{
		if ((unsigned char) *p < 0x20 || *p == 0x7f)
			*p = ' ';
	}
	return copy;
}

/* What is no JSON at all is the type's own error. */
static const char *
parse_object(const char *json, List **attributes)
{
	Jsonb	   *jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
	JsonbIterator *iterator = JsonbIteratorInit(&jsonb->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	S3Attribute *attribute = NULL;

	*attributes = NIL;
	if (!JB_ROOT_IS_OBJECT(jsonb))
		return _("Expected a JSON object of strings.");
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			attribute = palloc(sizeof(S3Attribute));
			attribute->key = jsonb_string(&value);
		}
		else if (token == WJB_VALUE)
		{
			if (value.type != jbvString)
				return psprintf(_("The value of \"%s\" is no string."), shown(attribute->key));
			attribute->value = jsonb_string(&value);
			*attributes = lappend(*attributes, attribute);
		}
	}
	return NULL;
}

const char *
s3_attribute_parse_metadata(const char *json, List **attributes)
{
	const char *fault = parse_object(json, attributes);
	Size		total = 0;
	ListCell   *lc;

	if (fault)
		return fault;
	foreach(lc, *attributes)
	{
		S3Attribute *attribute = lfirst(lc);
		const char *key = attribute->key;

		if (key[0] == '\0' || strspn(key, LETTERS UPPER_LETTERS DIGITS TOKEN_MARKS) != strlen(key))
			return psprintf(_("The key \"%s\" cannot be part of the name of an HTTP header."),
							shown(key));
		for (char *p = attribute->key; *p; p++)
			*p = pg_ascii_tolower((unsigned char) *p);
		fault = check_text(attribute->value);
		if (fault)
			return psprintf(_("In the value of \"%s\": %s"), shown(key), fault);
		total += strlen(attribute->key) + strlen(attribute->value);
		for (int i = 0; i < foreach_current_index(lc); i++)
		{
			if (strcmp(((S3Attribute *) list_nth(*attributes, i))->key, key) == 0)
				return psprintf(_("The key \"%s\" comes twice; upper and lower case are the same."),
								shown(key));
		}
	}
	if (total > MAX_METADATA)
		return psprintf(_("Keys and values have %zu bytes together; at most %d are allowed."),
						total, MAX_METADATA);
	return NULL;
}

const char *
s3_attribute_parse_tags(const char *json, List **attributes)
{
	const char *fault = parse_object(json, attributes);
	ListCell   *lc;

	if (fault)
		return fault;
	if (list_length(*attributes) > MAX_TAGS)
		return psprintf(_("An object has at most %d tags."), MAX_TAGS);
	foreach(lc, *attributes)
	{
		S3Attribute *attribute = lfirst(lc);

		if (attribute->key[0] == '\0')
			return _("The key of a tag must not be empty.");
		if (has_control(attribute->key) || has_control(attribute->value))
			return psprintf(_("The tag \"%s\" contains control characters."),
							shown(attribute->key));
		if (pg_mbstrlen(attribute->key) > MAX_TAG_KEY || pg_mbstrlen(attribute->value) > MAX_TAG_VALUE)
			return psprintf(_("The tag \"%s\" is too long: a key has at most %d characters, a value %d."),
							shown(attribute->key), MAX_TAG_KEY, MAX_TAG_VALUE);
	}
	return NULL;
}
