/*-------------------------------------------------------------------------
 *
 * http.h
 *		HTTP/1.1 for the benchmarks' server: connections, requests, answers.
 *
 * Above: server.c, which knows S3.  A connection has a thread of its own, which
 * reads a request, has it answered, and goes on with the next.
 *
 * Invariant: a request's body is consumed before it is answered, or else the
 * connection is closed after the answer.
 *
 * IDENTIFICATION
 *		test/bench/http.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HEAD_MAX	(64 * 1024) /* bytes of a request up to its body */

/* Set by main() before the first thread exists, then constant. */
typedef struct Config
{
	const char *root;			/* buckets are the directories in it */
	bool		store;			/* keep what is written */
	double		delay;			/* seconds before each answer */
	double		rate;			/* bytes a second and connection, or 0 */
} Config;

extern Config config;

/* A connection, and the request that is being answered. */
typedef struct Connection
{
	int			fd;
	bool		close;			/* once this request is answered */

	/* what was received: the head, then the first bytes of the body */
	char		buf[HEAD_MAX + 1];
	size_t		have;
	size_t		head_len;

	char		method[8];
	char		path[2 * PATH_MAX]; /* of the file: ROOT/bucket/key */
	char	   *bucket;			/* in names */
	char	   *key;			/* in names, "" for the bucket itself */
	char		names[PATH_MAX];
	char	   *query;			/* in buf, "" if there is none */

	/* headers; "" if absent */
	int64_t		body_left;		/* bytes of the body not yet consumed */
	bool		expect_continue;
	char		range[64];
	char		if_match[128];
	char		if_none_match[128];
} Connection;

/* A string that grows. */
typedef struct Text
{
	char	   *data;
	size_t		len;
	size_t		max;
} Text;

extern void text_append(Text *text, const char *data, size_t len);
extern void text_printf(Text *text, const char *format,...)
			__attribute__((format(printf, 2, 3)));

/* -1 if it is no hexadecimal digit. */
extern int	hex_value(char c);

/* Is there such a query parameter?  Its value, decoded, goes into dst. */
extern bool query_value(const Connection *conn, const char *name, char *dst, size_t dstsize);
extern bool has_query(const Connection *conn, const char *name);

/*
 * Answers.  Functions that answer return whether the connection is still of
 * use.  headers end in CRLF each; a length of -1 stands for no body at all, and
 * more says that the body follows at once.
 */
extern bool send_head(Connection *conn, const char *status, const char *headers,
					  int64_t length, bool more);
extern bool send_text(Connection *conn, const char *status, const char *text, size_t len);
extern bool send_file(Connection *conn, int fd, int64_t first, int64_t end);

/* Consume the body; into fd, unless that is -1.  False if that failed. */
extern bool take_body(Connection *conn, int fd);

/* A short body as a string to be freed, or NULL. */
extern char *read_text_body(Connection *conn);

/*
 * Listen on a port of 127.0.0.1, a free one if it is 0, print it, and have each
 * request answered, for ever.
 */
extern void http_serve(int port, bool (*answer) (Connection *conn));

#endif							/* BENCH_HTTP_H */
