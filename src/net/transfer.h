/*-------------------------------------------------------------------------
 *
 * transfer.h
 *		One HTTP exchange as libcurl sees it.
 *
 * Private to net/, and the only place where libcurl's header is included.
 * http.c moves transfers; transfer.c tells libcurl what each is about and takes
 * what it gives.
 *
 * IDENTIFICATION
 *		src/net/transfer.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_TRANSFER_H
#define S3_TRANSFER_H

#include "postgres.h"

#include <curl/curl.h>

#include "lib/ilist.h"
#include "net/http.h"

/* Body of an answer that is not the data asked for: enough for any error. */
#define ERROR_TEXT_MAX (64 * 1024)

/* One running request; malloc'ed, since libcurl's callbacks use it. */
struct HttpTransfer
{
	dlist_node	node;			/* in running or scheduled */
	HttpRequest *req;			/* borrowed; NULL while libcurl lets go of a
								 * canceled transfer */
	CURL	   *easy;			/* owned while running, else NULL */
	struct curl_slist *headers; /* owned */
	bool		header_done;	/* the final header block has been read */
	bool		forbidden;		/* address refused */
	bool		overflow;
	bool		wrong_range;
	bool		sent;			/* handed to a connection */
	bool		resent;			/* libcurl was about to do so again */
	bool		stalled;
	bool		finished;		/* libcurl is done with it */
	CURLcode	result;
	Size		body_pos;		/* of the request body, for the read callback */
	int64		moved;			/* bytes of both directions when last looked */
	int			idle_ms;		/* time waited since that changed */
	char		errbuf[CURL_ERROR_SIZE];
};

/* Set up t->easy and t->headers for the request. */
extern CURLcode transfer_configure(HttpTransfer *t);

/* What became of a finished transfer. */
extern HttpOutcome transfer_outcome(HttpTransfer *t);

/* libcurl's words, or ours, for a transfer that has no answer. */
extern const char *transfer_error(HttpTransfer *t);

#endif							/* S3_TRANSFER_H */
