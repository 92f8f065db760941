/*-------------------------------------------------------------------------
 *
 * unit_xml.c
 *		The XML reader as SQL functions, and a fuzz loop over it.
 *
 * IDENTIFICATION
 *		test/unit/unit_xml.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "s3/xml.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(unit_xml_parse);
PG_FUNCTION_INFO_V1(unit_xml_fuzz);

#define MAX_EVENTS 4096
#define LOG_SIZE (4 * 1024 * 1024)

/* What the handler was told: NUL-terminated strings, in memory taken before. */
typedef struct EventLog
{
	const char *stop_at;		/* path at which to refuse, or NULL */
	int			nevents;
	int			events[MAX_EVENTS];
	Size		used;
	char		text[LOG_SIZE];
} EventLog;

static bool
log_event(void *arg, const char *path, const char *text)
{
	EventLog   *log = (EventLog *) arg;
	Size		path_len = strlen(path);
	Size		text_len = text ? strlen(text) : 0;

	if (log->stop_at && strcmp(path, log->stop_at) == 0)
		return false;
	if (log->nevents == MAX_EVENTS ||
		path_len + text_len + 3 > LOG_SIZE - log->used)
		return false;

	log->events[log->nevents++] = (int) log->used;
	log->text[log->used++] = text ? '=' : '+';
	memcpy(log->text + log->used, path, path_len);
	log->used += path_len;
	if (text)
	{
		log->text[log->used++] = '|';
		memcpy(log->text + log->used, text, text_len);
		log->used += text_len;
	}
	log->text[log->used++] = '\0';
	return true;
}

/*
 * unit_xml_parse(document bytea, stop_at text): the events, "+path" when an
 * element begins and "=path|text" when it ends, after "ok" or the error.
 */
Datum
unit_xml_parse(PG_FUNCTION_ARGS)
{
	bytea	   *document = PG_GETARG_BYTEA_PP(0);
	EventLog   *log = palloc(sizeof(EventLog));
	const char *error;
	Datum	   *out;

	log->stop_at = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	log->nevents = 0;
	log->used = 0;
	if (s3_xml_parse(VARDATA_ANY(document), VARSIZE_ANY_EXHDR(document),
					 log_event, log, &error) != (error == NULL))
		elog(ERROR, "result and error message disagree");

	out = palloc(sizeof(Datum) * (log->nevents + 1));
	out[0] = CStringGetTextDatum(error ? error : "ok");
	for (int i = 0; i < log->nevents; i++)
		out[i + 1] = CStringGetTextDatum(log->text + log->events[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(out, log->nevents + 1, TEXTOID, -1, false,
										  TYPALIGN_INT));
}

/* What has to hold for any document. */
typedef struct Invariants
{
	int			open;
	bool		broken;
} Invariants;

static bool
check_event(void *arg, const char *path, const char *text)
{
	Invariants *inv = (Invariants *) arg;
	int			depth = 1;

	for (const char *p = path; *p; p++)
		depth += (*p == '/');

	inv->open += text ? 0 : 1;
	if (depth != inv->open || depth > S3_XML_MAX_DEPTH ||
		(text && strlen(text) > S3_XML_MAX_TEXT))
		inv->broken = true;
	inv->open -= text ? 1 : 0;
	return true;
}

static uint32
next_random(uint32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/*
 * unit_xml_fuzz(document bytea, seed int, rounds int): parse that many damaged
 * copies of the document; returns how many were still accepted.  Each copy is
 * in memory of exactly its size, so that reading behind it can be found.
 */
Datum
unit_xml_fuzz(PG_FUNCTION_ARGS)
{
	static const char pieces[][12] = {
		"<", ">", "</", "/>", "&", "&#0;", "&#65;", "&lt;", "<![CDATA[", "]]>",
		"<!--", "-->", "<!DOCTYPE x", "<!ENTITY", "<?xml ", "<a:b>", "</a:b>",
		"\"", "'", "=", "\xff", "\xfe\xff", "\xef\xbb\xbf", "\xc3", ":", "<:>", "\r"
	};
	bytea	   *document = PG_GETARG_BYTEA_PP(0);
	const char *original = VARDATA_ANY(document);
	Size		len = VARSIZE_ANY_EXHDR(document);
	uint32		state = (uint32) PG_GETARG_INT32(1) * 2654435761U + 1;
	int			rounds = PG_GETARG_INT32(2);
	int			accepted = 0;

	for (int round = 0; round < rounds; round++)
	{
		Invariants	inv = {0, false};
		const char *error;
		Size		n = len;
		char	   *copy = palloc(len + 64 * sizeof(pieces[0]) + 1);
		char	   *exact;
		int			changes = 1 + next_random(&state) % 8;
		bool		ok;

		memcpy(copy, original, len);
		for (int i = 0; i < changes && n > 0; i++)
		{
			Size		at = next_random(&state) % n;
			Size		run = 1 + next_random(&state) % 40;
			const char *piece = pieces[next_random(&state) % lengthof(pieces)];
			Size		piece_len = strlen(piece);
			Size		to;

			run = Min(run, n - at);
			switch (next_random(&state) % 6)
			{
				case 0:			/* another byte */
					copy[at] = (char) next_random(&state);
					break;
				case 1:			/* some bytes less */
					memmove(copy + at, copy + at + run, n - at - run);
					n -= run;
					break;
				case 2:			/* mark-up put in */
				case 3:
					memmove(copy + at + piece_len, copy + at, n - at);
					memcpy(copy + at, piece, piece_len);
					n += piece_len;
					break;
				case 4:			/* a stretch over another one */
					to = next_random(&state) % n;
					memmove(copy + to, copy + at, Min(run, n - to));
					break;
				case 5:			/* cut */
					if (next_random(&state) % 4 == 0)
						n = at;
					break;
			}
		}
		exact = palloc(Max(n, 1));
		memcpy(exact, copy, n);
		ok = s3_xml_parse(exact, n, check_event, &inv, &error);
		if (ok != (error == NULL) || inv.broken || (ok && inv.open != 0))
			elog(ERROR, "invariant broken in round %d", round);
		accepted += ok;
		pfree(exact);
		pfree(copy);
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_INT32(accepted);
}
