/*-------------------------------------------------------------------------
 *
 * server.c
 *		A small S3 server for benchmarks: fast, and trusting everybody.
 *
 *	server [-s] [-d MS] [-r MB] [-p PORT] ROOT
 *
 * Serves the directories below ROOT as buckets, on 127.0.0.1 only, and prints
 * the port once it listens (PORT 0, the default, means a free one).
 *
 *	-s		store what is written; without it, it is read and thrown away
 *	-d MS	wait before the first byte of each answer
 *	-r MB	megabytes a second and connection at most, either way
 *
 * It knows GET and HEAD of objects with Range and If-Match, ListObjectsV2 with
 * prefix, start-after and continuation, PutObject, DeleteObject and multipart
 * uploads.  It checks no signature and no checksum.  An entity tag stands for
 * a file's size and time of last change, and is no MD5.
 *
 * Below: http.c, which knows connections and no S3.
 *
 * IDENTIFICATION
 *		test/bench/server.c
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http.h"

#define MAX_KEYS	1000
#define COPY_CHUNK	(1024 * 1024)

/* In ROOT: parts of uploads, and files on their way to their place. */
#define UPLOAD_DIR	".uploads"

#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define XML_NS "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

static atomic_ulong next_upload = 1;

/* ----------------------------------------------------------------- small things */

/* A key as the text of an XML element. */
static void
text_key(Text *text, const char *key, bool url_encode)
{
	for (const unsigned char *p = (const unsigned char *) key; *p; p++)
	{
		if (url_encode ? isalnum(*p) || strchr("-_./*", *p) : !strchr("&<>", *p))
			text_append(text, (const char *) p, 1);
		else
			text_printf(text, url_encode ? "%%%02X" : "&#%d;", *p);
	}
}

static void
format_etag(char *dst, size_t dstsize, const struct stat *st)
{
	snprintf(dst, dstsize, "\"%llx%08lx-%llx\"", (long long) st->st_mtim.tv_sec,
			 (long) st->st_mtim.tv_nsec, (long long) st->st_size);
}

/* Make the directories that path needs. */
static void
make_parents(const char *path)
{
	char		dir[2 * PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", path);
	for (char *slash = dir + strlen(config.root) + 1; (slash = strchr(slash, '/')); slash++)
	{
		*slash = '\0';
		mkdir(dir, 0755);
		*slash = '/';
	}
}

static bool
send_error(Connection *conn, const char *status, const char *code)
{
	char		xml[256];
	int			len = snprintf(xml, sizeof(xml), XML_HEAD "<Error><Code>%s</Code></Error>", code);

	return send_text(conn, status, xml, len);
}

/* --------------------------------------------------------------- GET and HEAD */

/*
 * The bytes [*first, *end) that a Range header asks for.  Returns 0 if there is
 * none (or one that may be ignored), 1 if it counts, -1 if it is unsatisfiable.
 */
static int
parse_range(const char *range, int64_t size, int64_t *first, int64_t *end)
{
	long long	a,
				b;
	int			n = 0;

	*first = 0;
	*end = size;
	if (sscanf(range, "bytes=-%lld%n", &b, &n) == 1 && range[n] == '\0')
	{
		if (b == 0 || size == 0)
			return -1;
		*first = b < size ? size - b : 0;
		return 1;
	}
	if (sscanf(range, "bytes=%lld-%lld%n", &a, &b, &n) == 2 && range[n] == '\0' && b >= a)
		*end = b + 1 < size ? b + 1 : size;
	else if (!(sscanf(range, "bytes=%lld-%n", &a, &n) == 1 && n > 0 && range[n] == '\0'))
		return 0;
	if (a >= size)
		return -1;
	*first = a;
	return 1;
}

static bool
get_object(Connection *conn)
{
	bool		is_head = strcmp(conn->method, "HEAD") == 0;
	int			fd = open(conn->path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char		etag[64];
	char		headers[512];
	char		date[64];
	struct tm	tm;
	int64_t		first,
				end;
	int			ranged;
	int			len;
	bool		ok;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
	{
		if (fd >= 0)
			close(fd);
		return send_error(conn, "404 Not Found", "NoSuchKey");
	}
	format_etag(etag, sizeof(etag), &st);
	ranged = parse_range(conn->range, st.st_size, &first, &end);
	if (conn->if_match[0] && strcmp(conn->if_match, "*") != 0 && strcmp(conn->if_match, etag) != 0)
		ok = send_error(conn, "412 Precondition Failed", "PreconditionFailed");
	else if (ranged < 0)
		ok = send_error(conn, "416 Requested Range Not Satisfiable", "InvalidRange");
	else
	{
		gmtime_r(&st.st_mtim.tv_sec, &tm);
		strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		len = snprintf(headers, sizeof(headers),
					   "ETag: %s\r\nLast-Modified: %s\r\nAccept-Ranges: bytes\r\n"
					   "Content-Type: binary/octet-stream\r\n", etag, date);
		if (ranged)
			snprintf(headers + len, sizeof(headers) - len, "Content-Range: bytes %lld-%lld/%lld\r\n",
					 (long long) first, (long long) end - 1, (long long) st.st_size);
		ok = send_head(conn, ranged ? "206 Partial Content" : "200 OK", headers, end - first,
					   !is_head && end > first) &&
			(is_head || send_file(conn, fd, first, end));
	}
	close(fd);
	return ok;
}

/* --------------------------------------------------------------------- listing */

typedef struct Listing
{
	const char *bucket_path;
	const char *prefix;
	const char *after;			/* only keys behind this one */
	char	  **keys;			/* owned */
	size_t		nkeys;
	size_t		max_keys;
} Listing;

/* Collect the keys below a folder, which is "" or ends in '/'. */
static void
collect_keys(Listing *list, const char *folder)
{
	char		path[2 * PATH_MAX];
	DIR		   *dir;
	struct dirent *entry;
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", list->bucket_path, folder);
	if ((dir = opendir(path)) == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
	{
		char		key[PATH_MAX];
		size_t		len;
		size_t		prefix_len = strlen(list->prefix);

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		len = snprintf(key, sizeof(key), "%s%s", folder, entry->d_name);
		if (len + 1 >= sizeof(key) || fstatat(dirfd(dir), entry->d_name, &st, 0) != 0)
			continue;
		if (S_ISDIR(st.st_mode))
		{
			strcat(key, "/");
			len++;
			if (strncmp(key, list->prefix, len < prefix_len ? len : prefix_len) == 0)
				collect_keys(list, key);
		}
		else if (S_ISREG(st.st_mode) && strncmp(key, list->prefix, prefix_len) == 0 &&
				 strcmp(key, list->after) > 0)
		{
			if (list->nkeys == list->max_keys)
			{
				list->max_keys = list->max_keys * 2 + 64;
				list->keys = realloc(list->keys, list->max_keys * sizeof(char *));
				if (list->keys == NULL)
					abort();
			}
			list->keys[list->nkeys++] = strdup(key);
		}
	}
	closedir(dir);
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static bool
list_objects(Connection *conn)
{
	char		prefix[PATH_MAX],
				after[PATH_MAX],
				token[2 * PATH_MAX + 1],
				number[16];
	bool		url_encode = query_value(conn, "encoding-type", number, sizeof(number));
	size_t		limit = MAX_KEYS;
	size_t		shown = 0;
	Listing		list = {.bucket_path = conn->path, .prefix = prefix, .after = after};
	Text		contents = {0};
	Text		xml = {0};
	struct stat st;
	bool		truncated;
	bool		ok;

	if (stat(conn->path, &st) != 0)
		return send_error(conn, "404 Not Found", "NoSuchBucket");
	if (query_value(conn, "max-keys", number, sizeof(number)) && atoi(number) < MAX_KEYS)
		limit = atoi(number);
	query_value(conn, "prefix", prefix, sizeof(prefix));

	/* A continuation token is the last key before it, in hexadecimal. */
	query_value(conn, "start-after", after, sizeof(after));
	if (query_value(conn, "continuation-token", token, sizeof(token)))
	{
		size_t		len = 0;

		for (char *p = token; p[0] && hex_value(p[0]) >= 0 && hex_value(p[1]) >= 0; p += 2)
			after[len++] = (char) (hex_value(p[0]) * 16 + hex_value(p[1]));
		after[len] = '\0';
	}

	collect_keys(&list, "");
	if (list.nkeys > 0)
		qsort(list.keys, list.nkeys, sizeof(char *), compare_keys);
	truncated = list.nkeys > limit && limit > 0;

	for (size_t i = 0; i < list.nkeys && i < limit; i++)
	{
		char		path[3 * PATH_MAX];
		char		etag[64];
		struct tm	tm;
		char		date[64];

		snprintf(path, sizeof(path), "%s/%s", conn->path, list.keys[i]);
		if (stat(path, &st) != 0)
			continue;
		shown++;
		format_etag(etag, sizeof(etag), &st);
		gmtime_r(&st.st_mtim.tv_sec, &tm);
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
		text_printf(&contents, "<Contents><Key>");
		text_key(&contents, list.keys[i], url_encode);
		text_printf(&contents, "</Key><LastModified>%s</LastModified><ETag>%s</ETag>"
					"<Size>%lld</Size><StorageClass>STANDARD</StorageClass></Contents>",
					date, etag, (long long) st.st_size);
	}

	text_printf(&xml, XML_HEAD "<ListBucketResult " XML_NS "><Name>%s</Name><Prefix>", conn->bucket);
	text_key(&xml, prefix, url_encode);
	text_printf(&xml, "</Prefix>%s<KeyCount>%zu</KeyCount><MaxKeys>%zu</MaxKeys>"
				"<IsTruncated>%s</IsTruncated>",
				url_encode ? "<EncodingType>url</EncodingType>" : "",
				shown, limit, truncated ? "true" : "false");
	if (truncated)
	{
		text_printf(&xml, "<NextContinuationToken>");
		for (const char *p = list.keys[limit - 1]; *p; p++)
			text_printf(&xml, "%02x", (unsigned char) *p);
		text_printf(&xml, "</NextContinuationToken>");
	}
	if (contents.len > 0)
		text_append(&xml, contents.data, contents.len);
	text_printf(&xml, "</ListBucketResult>");
	ok = send_text(conn, "200 OK", xml.data, xml.len);

	for (size_t i = 0; i < list.nkeys; i++)
		free(list.keys[i]);
	free(list.keys);
	free(contents.data);
	free(xml.data);
	return ok;
}

/* --------------------------------------------------------------------- writing */

/* Answer a PUT whose bytes are in path, or nowhere. */
static bool
send_written(Connection *conn, const char *path)
{
	struct stat st;
	char		etag[64] = "\"d41d8cd98f00b204e9800998ecf8427e\"";
	char		headers[128];

	if (path && stat(path, &st) == 0)
		format_etag(etag, sizeof(etag), &st);
	snprintf(headers, sizeof(headers), "ETag: %s\r\n", etag);
	return send_head(conn, "200 OK", headers, 0, false);
}

/* Take the body into a file that appears when it is complete. */
static bool
store_body(Connection *conn, const char *path)
{
	char		temp[3 * PATH_MAX];
	int			fd;
	bool		ok;

	snprintf(temp, sizeof(temp), "%s/" UPLOAD_DIR "/put-%lu", config.root, atomic_fetch_add(&next_upload, 1));
	make_parents(temp);
	if ((fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) < 0)
		return false;
	ok = take_body(conn, fd);
	ok = close(fd) == 0 && ok;
	make_parents(path);
	if (ok && rename(temp, path) == 0)
		return true;
	unlink(temp);
	return false;
}

static bool
put_object(Connection *conn)
{
	bool		ok;

	if (config.store && conn->if_none_match[0] && access(conn->path, F_OK) == 0)
		return send_error(conn, "412 Precondition Failed", "PreconditionFailed");
	ok = config.store ? store_body(conn, conn->path) : take_body(conn, -1);
	if (!ok)
		return send_error(conn, "500 Internal Server Error", "InternalError");
	return send_written(conn, config.store ? conn->path : NULL);
}

/*
 * Where an upload's part is kept; NULL for the directory of the upload.  False
 * if the upload's name is none of ours.
 */
static bool
upload_path(Connection *conn, const char *part, char *path, size_t size)
{
	char		id[32];

	query_value(conn, "uploadId", id, sizeof(id));
	if (id[0] == '\0' || strspn(id, "0123456789abcdef-") != strlen(id))
		return false;
	snprintf(path, size, "%s/" UPLOAD_DIR "/%s%s%s", config.root, id,
			 part ? "/" : "", part ? part : "");
	return true;
}

static bool
create_upload(Connection *conn)
{
	char		id[32];
	char		path[2 * PATH_MAX];
	Text		xml = {0};
	bool		ok;

	snprintf(id, sizeof(id), "%lx-%lx", (long) getpid(), atomic_fetch_add(&next_upload, 1));
	if (config.store)
	{
		snprintf(path, sizeof(path), "%s/" UPLOAD_DIR "/%s/", config.root, id);
		make_parents(path);
	}
	text_printf(&xml, XML_HEAD "<InitiateMultipartUploadResult " XML_NS "><Bucket>%s</Bucket><Key>",
				conn->bucket);
	text_key(&xml, conn->key, false);
	text_printf(&xml, "</Key><UploadId>%s</UploadId></InitiateMultipartUploadResult>", id);
	ok = send_text(conn, "200 OK", xml.data, xml.len);
	free(xml.data);
	return ok;
}

static bool
upload_part(Connection *conn)
{
	char		number[16];
	char		path[2 * PATH_MAX];
	bool		ok;

	query_value(conn, "partNumber", number, sizeof(number));
	if (atoi(number) < 1 || strspn(number, "0123456789") != strlen(number) ||
		!upload_path(conn, number, path, sizeof(path)))
		return send_error(conn, "400 Bad Request", "InvalidArgument");
	ok = config.store ? store_body(conn, path) : take_body(conn, -1);
	if (!ok)
		return send_error(conn, "500 Internal Server Error", "InternalError");
	return send_written(conn, config.store ? path : NULL);
}

static void
remove_upload(const char *path)
{
	DIR		   *dir = opendir(path);
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(path);
}

/* Append a file to fd. */
static bool
append_file(int fd, const char *path)
{
	int			part = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t		n;

	if (part < 0)
		return false;
	while ((n = sendfile(fd, part, NULL, COPY_CHUNK)) > 0)
		;
	close(part);
	return n == 0;
}

static bool
complete_upload(Connection *conn)
{
	char	   *body = read_text_body(conn);
	char		temp[3 * PATH_MAX];
	char		path[2 * PATH_MAX];
	char		number[16];
	char		etag[64] = "\"d41d8cd98f00b204e9800998ecf8427e-1\"";
	struct stat st;
	Text		xml = {0};
	bool		ok = body != NULL;

	if (!upload_path(conn, NULL, path, sizeof(path)))
		ok = false;
	if (ok && config.store)
	{
		static const char tag[] = "<PartNumber>";
		int			fd;

		snprintf(temp, sizeof(temp), "%s/whole", path);
		fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		ok = fd >= 0;
		for (char *p = body; ok && (p = strstr(p, tag)) != NULL; p++)
		{
			snprintf(number, sizeof(number), "%d", atoi(p + sizeof(tag) - 1));
			ok = upload_path(conn, number, path, sizeof(path)) && append_file(fd, path);
		}
		if (fd >= 0)
			close(fd);
		make_parents(conn->path);
		ok = ok && rename(temp, conn->path) == 0 && stat(conn->path, &st) == 0;
		if (ok)
		{
			format_etag(etag, sizeof(etag), &st);
			upload_path(conn, NULL, path, sizeof(path));
			remove_upload(path);
		}
	}
	free(body);
	if (!ok)
		return send_error(conn, "400 Bad Request", "InvalidPart");

	text_printf(&xml, XML_HEAD "<CompleteMultipartUploadResult " XML_NS "><Bucket>%s</Bucket><Key>",
				conn->bucket);
	text_key(&xml, conn->key, false);
	text_printf(&xml, "</Key><ETag>%s</ETag></CompleteMultipartUploadResult>", etag);
	ok = send_text(conn, "200 OK", xml.data, xml.len);
	free(xml.data);
	return ok;
}

/* DeleteObject or AbortMultipartUpload. */
static bool
delete_object(Connection *conn)
{
	char		path[2 * PATH_MAX];

	if (config.store && upload_path(conn, NULL, path, sizeof(path)))
		remove_upload(path);
	else if (config.store)
		unlink(conn->path);
	return send_head(conn, "204 No Content", "", -1, false);
}

/* ------------------------------------------------------------------------ main */

/* The S3 operation that the request names. */
static bool
answer(Connection *conn)
{
	const char *method = conn->method;
	bool		is_get = strcmp(method, "GET") == 0;
	bool		is_upload = has_query(conn, "uploadId");

	if (conn->bucket[0] == '\0')
		return send_error(conn, "501 Not Implemented", "NotImplemented");
	if (conn->key[0] == '\0')
	{
		if (is_get && has_query(conn, "list-type"))
			return list_objects(conn);
		if (strcmp(method, "HEAD") == 0 && access(conn->path, F_OK) == 0)
			return send_text(conn, "200 OK", "", 0);
	}
	else if (is_get || strcmp(method, "HEAD") == 0)
		return get_object(conn);
	else if (strcmp(method, "PUT") == 0)
		return is_upload ? upload_part(conn) : put_object(conn);
	else if (strcmp(method, "DELETE") == 0)
		return delete_object(conn);
	else if (strcmp(method, "POST") == 0 && is_upload)
		return complete_upload(conn);
	else if (strcmp(method, "POST") == 0 && has_query(conn, "uploads"))
		return create_upload(conn);
	return send_error(conn, "501 Not Implemented", "NotImplemented");
}

int
main(int argc, char **argv)
{
	int			port = 0;
	int			c;

	while ((c = getopt(argc, argv, "sd:r:p:")) != -1)
	{
		switch (c)
		{
			case 's':
				config.store = true;
				break;
			case 'd':
				config.delay = atof(optarg) / 1e3;
				break;
			case 'r':
				config.rate = atof(optarg) * 1e6;
				break;
			case 'p':
				port = atoi(optarg);
				break;
			default:
				argc = 0;
		}
	}
	if (argc != optind + 1)
	{
		fprintf(stderr, "usage: %s [-s] [-d MS] [-r MB] [-p PORT] ROOT\n", argv[0]);
		return 2;
	}
	config.root = argv[optind];
	if (strlen(config.root) >= PATH_MAX / 2)
	{
		fprintf(stderr, "%s: the path is too long\n", argv[0]);
		return 2;
	}

	http_serve(port, answer);
	return 0;
}
