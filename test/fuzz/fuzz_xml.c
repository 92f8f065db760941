/*-------------------------------------------------------------------------
 *
 * fuzz_xml.c
 *		Fuzz target: a service's answers in XML.
 *
 * IDENTIFICATION
 *		test/fuzz/fuzz_xml.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"
#include "s3/xml.h"

typedef struct XmlTrial
{
	const char *data;
	Size		len;
	int			stop_after;		/* events; -1: never */

	int			nevents;
	int			open;
	bool		ok;
	FuzzText	events;
} XmlTrial;

static bool
on_event(void *arg, const char *path, const char *text)
{
	XmlTrial   *t = arg;
	int			depth = 1;

	for (const char *p = path; *p; p++)
		depth += *p == '/';
	t->open += text == NULL;
	if (depth > S3_XML_MAX_DEPTH || depth < t->open || (text && strlen(text) > S3_XML_MAX_TEXT))
		fuzz_fail("limits are not kept", &t->events, NULL);
	t->open -= text != NULL;
	if (t->nevents++ == t->stop_after)
		return false;
	fuzz_append(&t->events, path, strlen(path));
	fuzz_append(&t->events, text ? "=" : "+", 1);
	if (text)
		fuzz_append(&t->events, text, strlen(text));
	fuzz_append(&t->events, "\n", 1);
	return true;
}

static void
parse(void *arg)
{
	XmlTrial   *t = arg;
	const char *error = "unset";
	char	   *copy = malloc(t->len);

	memcpy(copy, t->data, t->len);
	t->ok = s3_xml_parse(copy, t->len, on_event, t, &error);
	free(copy);
	if (!t->ok && (error == NULL || error[0] == '\0' || strcmp(error, "unset") == 0))
		fuzz_fail("no reason is given", &t->events, NULL);
	if (t->ok && t->open != 0)
		fuzz_fail("accepted, but not all is closed", &t->events, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput	in = {(const char *) data, size};
	int			stop_after = fuzz_choose(&in, 40) - 20;
	XmlTrial	whole = {.data = in.data, .len = in.len, .stop_after = -1};
	XmlTrial	stopped = {.data = in.data, .len = in.len, .stop_after = Max(stop_after, 0)};

	if (!fuzz_try(parse, &whole) || !fuzz_try(parse, &stopped))
		fuzz_fail("an error was thrown", NULL, NULL);

	/* who stops early has been told the same, and the parse has failed */
	if (whole.nevents > stopped.stop_after && stopped.ok)
		fuzz_fail("accepted, but its reader was not content", &stopped.events, NULL);
	if (stopped.events.len > whole.events.len ||
		(stopped.events.len > 0 && memcmp(stopped.events.data, whole.events.data, stopped.events.len) != 0))
		fuzz_fail("other events", &whole.events, &stopped.events);
	fuzz_text_free(&whole.events);
	fuzz_text_free(&stopped.events);
	return 0;
}
