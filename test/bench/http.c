/*-------------------------------------------------------------------------
 *
 * http.c
 *		HTTP/1.1 for the benchmarks' server: connections, requests, answers.
 *
 * A benchmark measures its clients, so the server has to cost little: a thread
 * for each connection, sendfile(2) for what is read, and bytes that are thrown
 * away never leave the kernel.
 *
 * IDENTIFICATION
 *		test/bench/http.c
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http.h"

#define TEXT_BODY_MAX (4 * 1024 * 1024) /* of a body that is looked at */
#define BODY_CHUNK	(1024 * 1024)
#define PACED_CHUNK (64 * 1024) /* bytes between two looks at the clock */

Config		config;

static bool (*answer_request) (Connection *conn);

/* ----------------------------------------------------------------- small things */

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void
sleep_for(double seconds)
{
	struct timespec t;

	if (seconds <= 0)
		return;
	t.tv_sec = (time_t) seconds;
	t.tv_nsec = (long) ((seconds - t.tv_sec) * 1e9);
	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

/* Keep a transfer of so many bytes, begun at start, from being too fast. */
static void
keep_pace(double start, int64_t bytes)
{
	if (config.rate > 0)
		sleep_for(start + bytes / config.rate - now());
}

void
text_append(Text *text, const char *data, size_t len)
{
	if (text->len + len + 1 > text->max)
	{
		text->max = (text->len + len + 1) * 2;
		text->data = realloc(text->data, text->max);
		if (text->data == NULL)
			abort();
	}
	memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = '\0';
}

void
text_printf(Text *text, const char *format,...)
{
	char		piece[1024];
	va_list		args;
	int			len;

	va_start(args, format);
	len = vsnprintf(piece, sizeof(piece), format, args);
	va_end(args);
	text_append(text, piece, len < (int) sizeof(piece) ? len : (int) sizeof(piece) - 1);
}

int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decode %XX from src, which ends at one of stop, into dst; false if too long. */
static bool
url_decode(char *dst, size_t dstsize, const char *src, const char *stop)
{
	size_t		len = 0;

	while (*src && !strchr(stop, *src))
	{
		if (len + 1 >= dstsize)
			return false;
		if (*src == '%' && hex_value(src[1]) >= 0 && hex_value(src[2]) >= 0)
		{
			dst[len++] = (char) (hex_value(src[1]) * 16 + hex_value(src[2]));
			src += 3;
		}
		else
			dst[len++] = *src++;
	}
	dst[len] = '\0';
	return true;
}

bool
query_value(const Connection *conn, const char *name, char *dst, size_t dstsize)
{
	size_t		len = strlen(name);

	dst[0] = '\0';
	for (const char *p = conn->query; *p; p += strcspn(p, "&"), p += *p == '&')
	{
		if (strncmp(p, name, len) == 0 && (p[len] == '=' || p[len] == '&' || p[len] == '\0'))
			return url_decode(dst, dstsize, p + len + (p[len] == '='), "&");
	}
	return false;
}

bool
has_query(const Connection *conn, const char *name)
{
	char		value[PATH_MAX];

	return query_value(conn, name, value, sizeof(value));
}

/* --------------------------------------------------------------------- answers */

static bool
send_all(Connection *conn, const char *data, size_t len, int flags)
{
	while (len > 0)
	{
		ssize_t		n = send(conn->fd, data, len, flags | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= n;
	}
	return true;
}

bool
send_head(Connection *conn, const char *status, const char *headers, int64_t length, bool more)
{
	char		head[2048];
	int			len;

	if (conn->body_left > 0)
		conn->close = true;
	sleep_for(config.delay);
	len = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\n%s%s", status, headers,
				   conn->close ? "Connection: close\r\n" : "");
	if (length >= 0)
		len += snprintf(head + len, sizeof(head) - len, "Content-Length: %lld\r\n",
						(long long) length);
	len += snprintf(head + len, sizeof(head) - len, "\r\n");
	return send_all(conn, head, len, more ? MSG_MORE : 0);
}

bool
send_text(Connection *conn, const char *status, const char *text, size_t len)
{
	bool		is_head = strcmp(conn->method, "HEAD") == 0;

	return send_head(conn, status, "Content-Type: application/xml\r\n", len, !is_head && len > 0) &&
		(is_head || send_all(conn, text, len, 0));
}

bool
send_file(Connection *conn, int fd, int64_t first, int64_t end)
{
	double		start = now();
	off_t		pos = first;

	while (pos < end)
	{
		int64_t		chunk = config.rate > 0 ? PACED_CHUNK : BODY_CHUNK;
		ssize_t		n = sendfile(conn->fd, fd, &pos, end - pos < chunk ? end - pos : chunk);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		keep_pace(start, pos - first);
	}
	return true;
}

/* ---------------------------------------------------------------------- bodies */

/*
 * The next bytes of the body: some of buf's first, then from the network, at
 * most len.  With data NULL, they are dropped.  0 at the end or on a failure.
 */
static ssize_t
read_body(Connection *conn, char *data, size_t len)
{
	size_t		buffered = conn->have - conn->head_len;
	ssize_t		n;

	if (conn->body_left == 0)
		return 0;
	if (conn->expect_continue && buffered == 0)
	{
		static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

		if (!send_all(conn, go_on, sizeof(go_on) - 1, 0))
			return 0;
	}
	conn->expect_continue = false;

	if ((int64_t) len > conn->body_left)
		len = conn->body_left;
	if (buffered > 0)
	{
		n = buffered < len ? buffered : len;
		if (data)
			memcpy(data, conn->buf + conn->head_len, n);
		memmove(conn->buf + conn->head_len, conn->buf + conn->head_len + n, buffered - n);
		conn->have -= n;
	}
	else
	{
		/* TCP knows MSG_TRUNC as: do not even copy it. */
		do
			n = recv(conn->fd, data, len, data ? 0 : MSG_TRUNC);
		while (n < 0 && errno == EINTR);
		if (n <= 0)
		{
			conn->close = true;
			return 0;
		}
	}
	conn->body_left -= n;
	return n;
}

bool
take_body(Connection *conn, int fd)
{
	double		start = now();
	int64_t		done = 0;
	size_t		chunk = config.rate > 0 ? PACED_CHUNK : BODY_CHUNK;
	char	   *data = fd >= 0 ? malloc(chunk) : NULL;
	ssize_t		n;
	bool		ok = true;

	if (fd >= 0 && data == NULL)
		return false;
	while (ok && (n = read_body(conn, data, chunk)) > 0)
	{
		for (ssize_t written = 0; fd >= 0 && written < n;)
		{
			ssize_t		w = write(fd, data + written, n - written);

			if (w < 0)
			{
				ok = false;
				break;
			}
			written += w;
		}
		done += n;
		keep_pace(start, done);
	}
	free(data);
	return ok && conn->body_left == 0;
}

char *
read_text_body(Connection *conn)
{
	size_t		len = conn->body_left;
	size_t		done = 0;
	char	   *text;
	ssize_t		n;

	if (len > TEXT_BODY_MAX || (text = malloc(len + 1)) == NULL)
		return NULL;
	while ((n = read_body(conn, text + done, len - done)) > 0)
		done += n;
	text[done] = '\0';
	return text;
}

/* -------------------------------------------------------------------- requests */

/* Copy a header's value; false if it is absent. */
static bool
header_value(const Connection *conn, const char *name, char *dst, size_t dstsize)
{
	size_t		len = strlen(name);

	dst[0] = '\0';
	for (const char *line = strstr(conn->buf, "\r\n"); line; line = strstr(line, "\r\n"))
	{
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
		{
			const char *value = line + len + 1;

			value += strspn(value, " \t");
			snprintf(dst, dstsize, "%.*s", (int) strcspn(value, "\r\n"), value);
			return true;
		}
	}
	return false;
}

/*
 * Read up to the end of a head and take it apart.  False if the connection
 * ended, or what came is no request for us.
 */
static bool
read_request(Connection *conn)
{
	char		value[64];
	char	   *end;
	char	   *target;
	char	   *slash;

	while ((end = memmem(conn->buf, conn->have, "\r\n\r\n", 4)) == NULL)
	{
		ssize_t		n;

		if (conn->have == HEAD_MAX)
			return false;
		n = recv(conn->fd, conn->buf + conn->have, HEAD_MAX - conn->have, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		conn->have += n;
	}
	end[2] = '\0';				/* the last header keeps its CRLF */
	conn->head_len = end + 4 - conn->buf;

	header_value(conn, "Range", conn->range, sizeof(conn->range));
	header_value(conn, "If-Match", conn->if_match, sizeof(conn->if_match));
	header_value(conn, "If-None-Match", conn->if_none_match, sizeof(conn->if_none_match));
	header_value(conn, "Content-Length", value, sizeof(value));
	conn->body_left = atoll(value);
	header_value(conn, "Connection", value, sizeof(value));
	conn->close = strcasecmp(value, "close") == 0;
	header_value(conn, "Expect", value, sizeof(value));
	conn->expect_continue = strcasecmp(value, "100-continue") == 0;

	/* S3 takes no body of unknown length. */
	if (conn->body_left < 0 || header_value(conn, "Transfer-Encoding", value, sizeof(value)))
		return false;

	/* METHOD /bucket/key?query HTTP/1.1 */
	if (sscanf(conn->buf, "%7[A-Z]", conn->method) != 1)
		return false;
	target = conn->buf + strlen(conn->method);
	if (strncmp(target, " /", 2) != 0)
		return false;
	target += 2;
	target[strcspn(target, " \r\n")] = '\0';
	conn->query = strchr(target, '?');
	conn->query = conn->query ? conn->query + 1 : target + strlen(target);

	if (!url_decode(conn->names, sizeof(conn->names), target, "?"))
		return false;
	conn->bucket = conn->names;
	slash = strchr(conn->names, '/');
	conn->key = slash ? slash + 1 : conn->names + strlen(conn->names);
	if (conn->names[0] == '.' || strstr(conn->names, "/..") || strstr(conn->names, "//"))
		return false;
	snprintf(conn->path, sizeof(conn->path), "%s/%s", config.root, conn->names);
	if (slash)
		*slash = '\0';
	return true;
}

/* --------------------------------------------------------------------- serving */

static void *
serve(void *arg)
{
	Connection *conn = arg;
	int			on = 1;

	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while (read_request(conn) && answer_request(conn) && !conn->close)
	{
		conn->have -= conn->head_len;
		memmove(conn->buf, conn->buf + conn->head_len, conn->have);
	}
	close(conn->fd);
	free(conn);
	return NULL;
}

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

void
http_serve(int port, bool (*answer) (Connection *conn))
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t	address_len = sizeof(address);
	pthread_attr_t attr;
	int			listener;
	int			on = 1;

	answer_request = answer;
	signal(SIGPIPE, SIG_IGN);
	address.sin_port = htons(port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 ||
		setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(listener, (struct sockaddr *) &address, sizeof(address)) != 0 ||
		listen(listener, 512) != 0 ||
		getsockname(listener, (struct sockaddr *) &address, &address_len) != 0)
		fail("could not listen");
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 1024 * 1024);
	for (;;)
	{
		int			fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		Connection *conn;
		pthread_t	thread;

		if (fd < 0)
			continue;
		conn = malloc(sizeof(Connection));
		if (conn == NULL)
			abort();
		conn->fd = fd;
		conn->have = 0;
		if (pthread_create(&thread, &attr, serve, conn) != 0)
		{
			close(fd);
			free(conn);
		}
	}
}
