/*-------------------------------------------------------------------------
 *
 * xml.c
 *		Reading S3's XML answers.
 *
 * expat cuts the document; this file keeps the path of open elements and the
 * text of the innermost one, and enforces the limits.  The callers, which know
 * what ListBucketResult or Error mean, are the other files of s3/.
 *
 * Invariant: between the making and the freeing of the parser nothing here may
 * raise an error or palloc, as both could jump over expat's frames and leak
 * its memory.  All of this file's memory is therefore taken before, and is of
 * fixed size; a failure is a string left in the state.
 *
 * IDENTIFICATION
 *		src/s3/xml.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <expat.h>

#include "s3/xml.h"

#define MAX_PATH_LEN 1024
#define FEED_SIZE (1024 * 1024)

typedef struct XmlState
{
	/* constant */
	XML_Parser	parser;
	S3XmlHandler handler;
	void	   *arg;

	/* first failure, or NULL; once set, no handler is called any more */
	const char *error;

	/* open elements: path of the first i ends at path_end[i] */
	int			depth;
	int			path_end[S3_XML_MAX_DEPTH + 1];
	char		path[MAX_PATH_LEN + 1];

	/* text of the innermost open element, while it has no child */
	bool		in_leaf;
	int			text_len;
	char		text[S3_XML_MAX_TEXT + 1];
} XmlState;

/* expat may still call some handlers after this. */
static void
fail(XmlState *state, const char *error)
{
	state->error = error;
	XML_StopParser(state->parser, XML_FALSE);
}

static void
tell(XmlState *state, const char *text)
{
	if (!state->handler(state->arg, state->path, text))
		fail(state, "unexpected content");
}

static void XMLCALL
on_start_element(void *data, const XML_Char *name, const XML_Char **attributes)
{
	XmlState   *state = (XmlState *) data;
	const char *colon;
	Size		len;
	int			end;

	if (state->error)
		return;
	if (state->depth == S3_XML_MAX_DEPTH)
	{
		fail(state, "elements are nested too deeply");
		return;
	}

	colon = strrchr(name, ':');
	if (colon)
		name = colon + 1;
	len = strlen(name);
	end = state->path_end[state->depth];
	if (len + 1 > (Size) (MAX_PATH_LEN - end))
	{
		fail(state, "element names are too long");
		return;
	}
	if (state->depth > 0)
		state->path[end++] = '/';
	memcpy(state->path + end, name, len + 1);
	state->path_end[++state->depth] = end + (int) len;

	state->in_leaf = true;
	state->text_len = 0;
	tell(state, NULL);
}

static void XMLCALL
on_end_element(void *data, const XML_Char *name)
{
	XmlState   *state = (XmlState *) data;

	if (state->error)
		return;

	state->text[state->in_leaf ? state->text_len : 0] = '\0';
	tell(state, state->text);

	state->depth--;
	state->path[state->path_end[state->depth]] = '\0';
	state->in_leaf = false;
}

static void XMLCALL
on_text(void *data, const XML_Char *text, int len)
{
	XmlState   *state = (XmlState *) data;

	if (state->error || !state->in_leaf)
		return;
	if (len > S3_XML_MAX_TEXT - state->text_len)
	{
		fail(state, "text of an element is too long");
		return;
	}
	memcpy(state->text + state->text_len, text, len);
	state->text_len += len;
}

/* Called before anything the DTD declares is looked at. */
static void XMLCALL
on_doctype(void *data, const XML_Char *name, const XML_Char *sysid,
		   const XML_Char *pubid, int has_internal_subset)
{
	XmlState   *state = (XmlState *) data;

	if (!state->error)
		fail(state, "document type declarations are not accepted");
}

bool
s3_xml_parse(const char *data, Size len, S3XmlHandler handler, void *arg,
			 const char **error)
{
	XmlState   *state = palloc(sizeof(XmlState));
	const char *end = data + len;
	bool		done = false;

	state->handler = handler;
	state->arg = arg;
	state->error = NULL;
	state->depth = 0;
	state->path_end[0] = 0;
	state->path[0] = '\0';
	state->in_leaf = false;
	state->text_len = 0;

	/* XML wants its declaration at the very beginning */
	while (data < end &&
		   (*data == ' ' || *data == '\t' || *data == '\r' || *data == '\n'))
		data++;

	state->parser = XML_ParserCreate(NULL);
	if (state->parser == NULL)
		state->error = "out of memory";
	else
	{
		XML_SetUserData(state->parser, state);
		XML_SetElementHandler(state->parser, on_start_element, on_end_element);
		XML_SetCharacterDataHandler(state->parser, on_text);
		XML_SetStartDoctypeDeclHandler(state->parser, on_doctype);
		while (!done && !state->error)
		{
			Size		n = Min((Size) (end - data), FEED_SIZE);

			done = (data + n == end);
			if (XML_Parse(state->parser, data, (int) n, done) != XML_STATUS_OK &&
				!state->error)
				state->error = XML_ErrorString(XML_GetErrorCode(state->parser));
			data += n;
		}
		XML_ParserFree(state->parser);
	}

	*error = state->error;
	pfree(state);
	return *error == NULL;
}

/* What s3_xml_find() looks for. */
typedef struct Search
{
	const char *root;
	const char *element;		/* below root */
	char	   *value;			/* where its text goes */
	Size		size;
	bool		found;
} Search;

static bool
search_element(void *arg, const char *path, const char *text)
{
	Search	   *search = arg;
	Size		len = strlen(search->root);

	if (text && strncmp(path, search->root, len) == 0 && path[len] == '/' &&
		strcmp(path + len + 1, search->element) == 0)
	{
		if (strlen(text) >= search->size)
			return false;
		strlcpy(search->value, text, search->size);
		search->found = true;
	}
	return true;
}

const char *
s3_xml_find(const char *text, Size len, const char *root, const char *element,
			char *value, Size size)
{
	Search		search = {root, element, value, size, false};
	const char *reason;

	value[0] = '\0';
	if (text == NULL)
		return "the answer is empty";
	if (!s3_xml_parse(text, len, search_element, &search, &reason))
		return "the answer is malformed";
	return search.found ? NULL : "the answer does not confirm the request";
}

void
s3_xml_append_text(StringInfo out, const char *s)
{
	for (; *s; s++)
	{
		if (*s == '&')
			appendStringInfoString(out, "&amp;");
		else if (*s == '<')
			appendStringInfoString(out, "&lt;");
		else if (*s == '>')
			appendStringInfoString(out, "&gt;");
		else if (*s == '"')
			appendStringInfoString(out, "&quot;");
		else
			appendStringInfoChar(out, *s);
	}
}
