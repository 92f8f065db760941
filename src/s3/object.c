/*-------------------------------------------------------------------------
 *
 * object.c
 *		Objects and uploads of a bucket: list, look up, delete.
 *
 * Listings ask for keys URL-encoded, since XML cannot carry every character a
 * key may have, and decode them here.  A page's memory is its own and is freed
 * when the next one is needed, so a listing of any length runs in that of two
 * pages.
 *
 * Source: Amazon S3 API Reference, ListObjectsV2, ListObjectVersions,
 * ListMultipartUploads, HeadObject, DeleteObject, AbortMultipartUpload.
 *
 * IDENTIFICATION
 *		src/s3/object.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/hex.h"
#include "base/text.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "s3/object.h"
#include "s3/xml.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* One page of a listing, filled by the XML handler. */
typedef struct ListPage
{
	S3Call	   *call;			/* owned; its memory holds the rest */
	S3ObjectInfo *objects;
	int			nobjects;
	int			max_objects;
	S3ObjectInfo current;		/* the element being read */
	bool		root_seen;
	bool		versions;		/* ListObjectVersions */
	bool		latest;			/* the current element is the newest version */
	bool		truncated;
	char	   *token;			/* of the page after this, or NULL: of a listing
								 * of versions the key marker */
	char	   *version_marker; /* or NULL */
	bool		out_of_memory;
} ListPage;

/* What has to be the same if a listing goes round in circles. */
typedef struct PageMark
{
	uint64		token;			/* hash */
	uint64		first;			/* hash of the first key; 0: there is none */
} PageMark;

struct S3ListCursor
{
	MemoryContext cxt;			/* holds the cursor */
	const S3Client *client;		/* borrowed */
	char	   *bucket;
	char	   *prefix;
	int			flags;
	ListPage   *page;			/* being handed out */
	int			pos;			/* in page */
	ListPage   *next;			/* on its way, or NULL */

	/* the loop check; see check_progress() */
	uint64		npages;
	PageMark	mark;
};

/* --------------------------------------------------------------- small parsers */

/* Decode in place what encoding-type=url encoded; '+' stands for a space. */
static void
url_decode(char *s)
{
	char	   *dst = s;

	for (; *s; s++)
	{
		if (*s == '+')
			*dst++ = ' ';
		else if (*s == '%' && hex_value(s[1]) >= 0 && hex_value(s[2]) >= 0)
		{
			*dst++ = (char) (hex_value(s[1]) * 16 + hex_value(s[2]));
			s += 2;
		}
		else
			*dst++ = *s;
	}
	*dst = '\0';
}

/* 2026-01-31T12:34:56.789Z, or 0 if it is not that. */
static TimestampTz
parse_iso_time(const char *s)
{
	int			year,
				month,
				day,
				hour,
				min,
				sec,
				msec = 0;

	if (sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d.%3d", &year, &month, &day, &hour, &min, &sec, &msec) < 6 ||
		month < 1 || month > 12)
		return 0;
	return ((date2j(year, month, day) - POSTGRES_EPOCH_JDATE) * INT64CONST(86400) +
			hour * 3600 + min * 60 + sec) * USECS_PER_SEC + msec * INT64CONST(1000);
}

/* Sun, 06 Nov 1994 08:49:37 GMT (RFC 9110, 5.6.7), or 0 if it is not that. */
static TimestampTz
parse_http_time(const char *s)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int			year,
				day,
				hour,
				min,
				sec;
	char		name[4];
	const char *month;

	if (sscanf(s, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &day, name, &year, &hour, &min, &sec) != 6 ||
		strlen(name) != 3 || (month = strstr(months, name)) == NULL || (month - months) % 3 != 0)
		return 0;
	return ((date2j(year, (int) (month - months) / 3 + 1, day) - POSTGRES_EPOCH_JDATE) * INT64CONST(86400) +
			hour * 3600 + min * 60 + sec) * USECS_PER_SEC;
}

/* strdup that gives NULL instead of throwing, for use inside the XML parser. */
static char *
copy_no_throw(const char *s)
{
	Size		len = strlen(s) + 1;
	char	   *copy = palloc_extended(len, MCXT_ALLOC_NO_OOM);

	if (copy)
		memcpy(copy, s, len);
	return copy;
}

/* -------------------------------------------------------------------- listing */

/* Append the current element to the page's objects. */
static bool
add_element(ListPage *page)
{
	if (page->nobjects == page->max_objects)
	{
		int			max = Max(128, page->max_objects * 2);
		S3ObjectInfo *objects = palloc_extended(max * sizeof(S3ObjectInfo),
												MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);

		if (objects == NULL)
		{
			page->out_of_memory = true;
			return false;
		}
		if (page->nobjects > 0)
			memcpy(objects, page->objects, page->nobjects * sizeof(S3ObjectInfo));
		page->objects = objects;
		page->max_objects = max;
	}
	page->objects[page->nobjects++] = page->current;
	return true;
}

/* Begin (text NULL) or end an element that stands for an object or a folder. */
static bool
list_item(ListPage *page, const char *text, bool is_folder)
{
	if (text == NULL)
	{
		memset(&page->current, 0, sizeof(page->current));
		page->current.size = is_folder ? 0 : -1;
		page->current.is_folder = is_folder;
		page->latest = true;
		return true;
	}
	if (page->current.key == NULL || page->current.size < 0)
		return false;
	if (!page->latest)
		return true;
	return add_element(page);
}

/* One field of an object. */
static bool
list_field(ListPage *page, const char *name, const char *text)
{
	char	  **dst = NULL;

	if (strcmp(name, "Key") == 0)
		dst = &page->current.key;
	else if (strcmp(name, "Size") == 0)
	{
		char	   *end;

		errno = 0;
		page->current.size = strtoll(text, &end, 10);
		return errno == 0 && end != text && *end == '\0' && page->current.size >= 0;
	}
	else if (strcmp(name, "ETag") == 0)
		dst = text[0] ? &page->current.etag : NULL;
	else if (strcmp(name, "LastModified") == 0)
		page->current.last_modified = parse_iso_time(text);
	else if (strcmp(name, "StorageClass") == 0)
		dst = &page->current.storage_class;
	else if (strcmp(name, "VersionId") == 0)
		dst = &page->current.version_id;
	else if (strcmp(name, "IsLatest") == 0)
		page->latest = strcmp(text, "true") == 0;
	if (dst == NULL)
		return true;
	*dst = copy_no_throw(text);
	if (*dst == NULL)
	{
		page->out_of_memory = true;
		return false;
	}
	if (dst == &page->current.key)
		url_decode(*dst);
	return true;
}

static bool
list_element(void *arg, const char *path, const char *text)
{
	ListPage   *page = arg;
	const char *root = page->versions ? "ListVersionsResult" : "ListBucketResult";
	const char *item = page->versions ? "Version" : "Contents";
	Size		root_len = strlen(root);
	Size		item_len = strlen(item);
	const char *name;
	char	  **dst = NULL;

	if (strncmp(path, root, root_len) != 0)
		return true;
	page->root_seen = true;
	if (path[root_len] != '/')
		return true;
	name = path + root_len + 1;

	if (strcmp(name, item) == 0)
		return list_item(page, text, false);
	if (strcmp(name, "CommonPrefixes") == 0)
		return list_item(page, text, true);
	if (text == NULL)
		return true;
	if (strncmp(name, item, item_len) == 0 && name[item_len] == '/')
		return list_field(page, name + item_len + 1, text);
	if (strcmp(name, "CommonPrefixes/Prefix") == 0)
		return list_field(page, "Key", text);
	if (strcmp(name, "IsTruncated") == 0)
		page->truncated = strcmp(text, "true") == 0;
	else if (strcmp(name, page->versions ? "NextKeyMarker" : "NextContinuationToken") == 0)
		dst = &page->token;
	else if (strcmp(name, "NextVersionIdMarker") == 0)
		dst = &page->version_marker;
	if (dst)
	{
		*dst = copy_no_throw(text);
		if (*dst == NULL)
		{
			page->out_of_memory = true;
			return false;
		}
		if (page->versions && dst == &page->token)
			url_decode(*dst);
	}
	return true;
}

static const char *
understand_list(S3Call *call, void *arg)
{
	ListPage   *page = arg;
	MemoryContext save = MemoryContextSwitchTo(call->cxt);
	const char *reason = NULL;
	bool		ok;

	page->nobjects = 0;
	page->root_seen = page->truncated = page->out_of_memory = false;
	page->token = page->version_marker = NULL;
	ok = s3_xml_parse(call->http.text ? call->http.text : "", call->http.text_len,
					  list_element, page, &reason);
	MemoryContextSwitchTo(save);

	if (page->out_of_memory)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed while reading a listing of a bucket.")));
	if (!ok)
		return "the listing is malformed";
	if (!page->root_seen)
		return "the answer is no listing";
	if (page->truncated && page->token == NULL)
		return "the listing does not say where it continues";
	return NULL;
}

/* Ask for the page after another, or for the first if that is NULL. */
static ListPage *
request_page(S3ListCursor *cursor, const ListPage *after)
{
	MemoryContext save = MemoryContextSwitchTo(cursor->cxt);
	S3Call	   *call = s3_call_create(cursor->client, S3_LIST_OBJECTS, cursor->bucket, NULL);
	ListPage   *page = MemoryContextAllocZero(call->cxt, sizeof(ListPage));

	page->call = call;
	page->versions = (cursor->flags & S3_LIST_VERSIONS) != 0;
	if (page->versions)
		s3_call_query(call, "versions", "");
	else
		s3_call_query(call, "list-type", "2");
	s3_call_query(call, "encoding-type", "url");
	if (cursor->prefix[0])
		s3_call_query(call, "prefix", cursor->prefix);
	if (cursor->flags & S3_LIST_FOLDERS)
		s3_call_query(call, "delimiter", "/");
	if (after)
		s3_call_query(call, page->versions ? "key-marker" : "continuation-token", after->token);
	if (after && after->version_marker && after->version_marker[0])
		s3_call_query(call, "version-id-marker", after->version_marker);
	call->understand = understand_list;
	call->understand_arg = page;
	s3_call_start(call);
	MemoryContextSwitchTo(save);
	return page;
}

S3ListCursor *
s3_list_open(const S3Client *client, const char *bucket, const char *prefix)
{
	return s3_list_open_flags(client, bucket, prefix, 0);
}

S3ListCursor *
s3_list_open_flags(const S3Client *client, const char *bucket, const char *prefix, int flags)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "s3_fdw listing",
											  ALLOCSET_SMALL_SIZES);
	MemoryContext save = MemoryContextSwitchTo(cxt);
	S3ListCursor *cursor = palloc0(sizeof(S3ListCursor));

	cursor->cxt = cxt;
	cursor->client = client;
	cursor->bucket = pstrdup(bucket);
	cursor->prefix = pstrdup(prefix);
	cursor->flags = flags;
	cursor->next = request_page(cursor, NULL);
	MemoryContextSwitchTo(save);
	return cursor;
}

static uint64
hash_text(const char *s)
{
	return DatumGetUInt64(hash_any_extended((const unsigned char *) s, (int) strlen(s), 0));
}

/*
 * A store that goes round in circles would never let us go.  One page's token
 * and first key are kept, and compared with those of each later page; the page
 * is exchanged whenever their number has doubled, so that a circle of any
 * length is found before it has been gone round three times.  The order of
 * keys tells nothing: some stores have none.
 */
static void
check_progress(S3ListCursor *cursor, const ListPage *page)
{
	PageMark	mark = {.token = page->token ? hash_text(page->token) : 0};
	const char *again = NULL;

	/* Versions of one key may fill pages. */
	if (page->versions)
		mark.token ^= page->version_marker ? hash_text(page->version_marker) : 0;
	else if (page->nobjects > 0 && !page->objects[0].is_folder)
		mark.first = hash_text(page->objects[0].key);

	if (cursor->npages > 0)
	{
		if (page->truncated && mark.token == cursor->mark.token)
			again = gettext_noop("the service gave the same continuation token twice");
		else if (mark.first != 0 && mark.first == cursor->mark.first)
			again = gettext_noop("the service listed the same key twice");
	}
	if (again)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("could not list \"%s\": %s",
						s3_location_format(cursor->bucket, cursor->prefix), _(again))));
	if ((cursor->npages & (cursor->npages - 1)) == 0)
		cursor->mark = mark;
	cursor->npages++;
}

/* Replace the page by the one that is on its way; false if there is none. */
static bool
turn_page(S3ListCursor *cursor)
{
	ListPage   *page = cursor->next;

	if (page == NULL)
		return false;
	if (!s3_call_wait(page->call, 0))
		s3_report(ERROR, &page->call->error);

	check_progress(cursor, page);
	cursor->next = page->truncated ? request_page(cursor, page) : NULL;

	if (cursor->page)
		s3_call_free(cursor->page->call);
	cursor->page = page;
	cursor->pos = 0;
	return true;
}

bool
s3_list_next(S3ListCursor *cursor, S3ObjectInfo *info)
{
	/* A page may be empty although others follow. */
	while (cursor->page == NULL || cursor->pos >= cursor->page->nobjects)
	{
		if (!turn_page(cursor))
			return false;
	}
	*info = cursor->page->objects[cursor->pos++];

	/* Keys are bytes to S3; to us they are text. */
	if (!pg_verify_mbstr(GetDatabaseEncoding(), info->key, strlen(info->key), true))
		ereport(ERROR,
				(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				 errmsg("bucket \"%s\" has a key that is not valid in the encoding of the database",
						cursor->bucket),
				 errdetail("It follows the key \"%s\".",
						   cursor->pos > 1 ? cursor->page->objects[cursor->pos - 2].key : "")));
	return true;
}

void
s3_list_close(S3ListCursor *cursor)
{
	MemoryContextDelete(cursor->cxt);
}

/* -------------------------------------------------------------------- uploads */

typedef struct UploadPage
{
	List	   *uploads;		/* of S3UploadInfo, in the caller's memory */
	MemoryContext cxt;			/* the caller's */
	S3UploadInfo current;
	bool		root_seen;
	bool		truncated;
	bool		out_of_memory;
	char	   *key_marker;
	char	   *id_marker;
	int			nuploads;
	S3UploadInfo page[1000];	/* S3 gives at most so many */
} UploadPage;

static bool
upload_element(void *arg, const char *path, const char *text)
{
	UploadPage *page = arg;
	static const char root[] = "ListMultipartUploadsResult";
	const char *name;
	char	  **dst = NULL;

	if (strncmp(path, root, sizeof(root) - 1) != 0)
		return true;
	page->root_seen = true;
	if (path[sizeof(root) - 1] != '/')
		return true;
	name = path + sizeof(root);

	if (strcmp(name, "Upload") == 0)
	{
		if (text == NULL)
			memset(&page->current, 0, sizeof(page->current));
		else if (page->current.key == NULL || page->current.upload_id == NULL ||
				 page->nuploads == lengthof(page->page))
			return false;
		else
			page->page[page->nuploads++] = page->current;
		return true;
	}
	if (text == NULL)
		return true;
	if (strcmp(name, "IsTruncated") == 0)
		page->truncated = strcmp(text, "true") == 0;
	else if (strcmp(name, "NextKeyMarker") == 0)
		dst = &page->key_marker;
	else if (strcmp(name, "NextUploadIdMarker") == 0)
		dst = &page->id_marker;
	else if (strcmp(name, "Upload/Key") == 0)
		dst = &page->current.key;
	else if (strcmp(name, "Upload/UploadId") == 0)
		dst = &page->current.upload_id;
	else if (strcmp(name, "Upload/Initiated") == 0)
		page->current.initiated = parse_iso_time(text);
	if (dst)
	{
		*dst = copy_no_throw(text);
		if (*dst == NULL)
		{
			page->out_of_memory = true;
			return false;
		}
		if (dst == &page->current.key || dst == &page->key_marker)
			url_decode(*dst);
	}
	return true;
}

static const char *
understand_uploads(S3Call *call, void *arg)
{
	UploadPage *page = arg;
	MemoryContext save = MemoryContextSwitchTo(page->cxt);
	const char *reason = NULL;
	bool		ok;

	page->nuploads = 0;
	page->root_seen = page->truncated = page->out_of_memory = false;
	page->key_marker = page->id_marker = NULL;
	ok = s3_xml_parse(call->http.text ? call->http.text : "", call->http.text_len,
					  upload_element, page, &reason);
	MemoryContextSwitchTo(save);
	if (!ok || !page->root_seen)
		return page->out_of_memory ? "out of memory" : "the listing is malformed";
	return NULL;
}

bool
s3_list_uploads(const S3Client *client, const char *bucket, const char *prefix,
				TimestampTz deadline, List **uploads, S3Error *error)
{
	UploadPage *page = palloc0(sizeof(UploadPage));
	char	   *key_marker = NULL;
	char	   *id_marker = NULL;
	bool		ok;

	page->cxt = CurrentMemoryContext;
	*uploads = NIL;
	for (;;)
	{
		S3Call	   *call = s3_call_create(client, S3_LIST_UPLOADS, bucket, NULL);

		s3_call_query(call, "uploads", "");
		s3_call_query(call, "encoding-type", "url");
		if (prefix[0])
			s3_call_query(call, "prefix", prefix);
		if (key_marker)
			s3_call_query(call, "key-marker", key_marker);
		if (id_marker)
			s3_call_query(call, "upload-id-marker", id_marker);
		call->understand = understand_uploads;
		call->understand_arg = page;
		s3_call_start(call);
		ok = s3_call_wait(call, deadline);
		if (!ok)
			*error = call->error;
		s3_call_free(call);
		if (!ok)
			break;

		for (int i = 0; i < page->nuploads; i++)
		{
			S3UploadInfo *info = palloc(sizeof(S3UploadInfo));

			*info = page->page[i];
			*uploads = lappend(*uploads, info);
		}
		if (!page->truncated || page->key_marker == NULL ||
			(key_marker && strcmp(key_marker, page->key_marker) == 0 &&
			 (id_marker == NULL || page->id_marker == NULL ||
			  strcmp(id_marker, page->id_marker) == 0)))
			break;
		key_marker = page->key_marker;
		id_marker = page->id_marker;
	}
	pfree(page);
	return ok;
}

/* -------------------------------------------------------------- single calls */

/* Run a call to its end; the caller frees it. */
static bool
run(S3Call *call, TimestampTz deadline, S3Error *error)
{
	s3_call_start(call);
	if (s3_call_wait(call, deadline))
		return true;
	*error = call->error;
	if (!call->done)
	{
		error->sqlerrcode = ERRCODE_CONNECTION_FAILURE;
		strlcpy(error->message, "there was no answer in time", sizeof(error->message));
	}
	return false;
}

/* An object has a size and an entity tag; some error page has not. */
static const char *
understand_head(S3Call *call, void *arg)
{
	return call->http.etag[0] && call->http.content_length >= 0 ? NULL :
		"the answer does not describe an object";
}

bool
s3_head_object(const S3Client *client, const char *bucket, const char *key,
			   TimestampTz deadline, int64 *size, char *etag, S3Error *error)
{
	S3Call	   *call = s3_call_create(client, S3_HEAD_OBJECT, bucket, key);
	bool		ok;

	call->understand = understand_head;
	ok = run(call, deadline, error);

	if (ok)
	{
		*size = call->http.content_length;
		strlcpy(etag, call->http.etag, sizeof(call->http.etag));
	}
	s3_call_free(call);
	return ok;
}

S3Call *
s3_head_start(const S3Client *client, const char *bucket, const char *key)
{
	S3Call	   *call = s3_call_create(client, S3_HEAD_OBJECT, bucket, key);

	call->understand = understand_head;
	s3_call_start(call);
	return call;
}

bool
s3_head_finish(S3Call *call, S3ObjectInfo *info, S3Error *error)
{
	bool		ok = s3_call_wait(call, 0);
	const HttpRequest *http = &call->http;

	if (ok)
	{
		memset(info, 0, sizeof(*info));
		info->key = pstrdup(call->key);
		info->size = http->content_length;
		info->etag = pstrdup(http->etag);
		info->last_modified = parse_http_time(http->last_modified);
		/* The standard class goes without saying. */
		info->storage_class = pstrdup(http->storage_class[0] ? http->storage_class : "STANDARD");
		info->version_id = http->version_id[0] ? pstrdup(http->version_id) : NULL;
		info->is_restored = strstr(http->restore, "ongoing-request=\"false\"") != NULL;
	}
	else
		*error = call->error;
	s3_call_free(call);
	return ok;
}

void
s3_strip_etag(char *dst, Size dstsize, const char *etag)
{
	Size		len;

	if (strncmp(etag, "W/", 2) == 0)
		etag += 2;
	len = strlen(etag);
	if (len >= 2 && etag[0] == '"' && etag[len - 1] == '"')
	{
		etag++;
		len -= 2;
	}
	strlcpy(dst, etag, Min(dstsize, len + 1));
}

bool
s3_object_is_archived(const S3ObjectInfo *info)
{
	return info->storage_class && !info->is_restored &&
		(strcmp(info->storage_class, "GLACIER") == 0 ||
		 strcmp(info->storage_class, "DEEP_ARCHIVE") == 0);
}

bool
s3_delete_object(const S3Client *client, const char *bucket, const char *key,
				 TimestampTz deadline, S3Error *error)
{
	S3Call	   *call = s3_call_create(client, S3_DELETE_OBJECT, bucket, key);
	bool		ok = run(call, deadline, error);

	s3_call_free(call);
	return ok;
}

bool
s3_abort_upload(const S3Client *client, const char *bucket, const char *key,
				const char *upload_id, TimestampTz deadline, S3Error *error)
{
	S3Call	   *call = s3_call_create(client, S3_ABORT_UPLOAD, bucket, key);
	bool		ok;

	s3_call_query(call, "uploadId", upload_id);
	ok = run(call, deadline, error) || error->status == 404;
	s3_call_free(call);
	return ok;
}

void
s3_object_copy(S3ObjectInfo *dst, const S3ObjectInfo *src)
{
	*dst = *src;
	dst->key = copy_string(src->key);
	dst->etag = copy_string(src->etag);
	dst->storage_class = copy_string(src->storage_class);
	dst->version_id = copy_string(src->version_id);
}
