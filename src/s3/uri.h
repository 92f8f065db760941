/*-------------------------------------------------------------------------
 *
 * uri.h
 *		s3:// locations: parsing, classes of location, matching keys.
 *
 * IDENTIFICATION
 *		src/s3/uri.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_URI_H
#define S3_URI_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* A parsed location.  Strings are palloc'd; keys are raw bytes, not encoded. */
typedef struct S3Location
{
	char	   *bucket;
	char	   *key;			/* all after "s3://bucket/", may be empty */
	bool		is_glob;		/* key holds an unescaped *, ? or [ */
	char	   *list_prefix;	/* key up to the first glob character, its
								 * escapes taken away */
} S3Location;

/*
 * Parse and check "s3://bucket[/key]".  The bucket must be 3 to 63 characters
 * of a-z, 0-9, '.', '-' (and '_' or upper case, which old buckets have),
 * beginning and ending with a letter or digit; the key at most 1024 bytes,
 * valid in the server encoding.  Returns NULL and sets *reason (a sentence for
 * errdetail) if it is malformed.
 */
extern S3Location *s3_location_parse(const char *uri, const char **reason);

/* Same, raising ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE (HV024). */
extern S3Location *s3_location_parse_or_error(const char *uri);

/*
 * A list of locations (S3Location *) with commas between them.  A comma that
 * is not followed by "s3://", with or without blanks before it, is part of a
 * key.  Raises the same errors.
 */
extern List *s3_location_list_parse(const char *uris);

/*
 * Does the key belong to the location?  A location that ends in '/' (or is a
 * bare bucket) takes every key below it; one with glob characters takes keys
 * that match as a whole ('*' and '?' do not cross '/', '**' does, "[a-z]" and
 * "[!a-z]" are sets); any other is a raw key prefix.  Linear in time.
 *
 * A backslash before '*', '?', '[' or another backslash takes away the meaning
 * of that character; any other backslash is one.  "**" between slashes also
 * takes no folder at all: "a/b" belongs to "a/" followed by "**" and "/b".  A
 * '[' that is not closed is a plain character.
 */
extern bool s3_location_matches(const S3Location *location, const char *key);

/*
 * Is the object to be passed over when a location is read: below the
 * location's fixed prefix some path segment begins with '_' or '.', or the key
 * ends in '/' or in "_$folder$", or the object is empty?
 */
extern bool s3_key_is_hidden(const S3Location *location, const char *key, int64 size);

/* Can the bucket's name stand before the host (virtual-host style over TLS)? */
extern bool s3_bucket_is_dns_name(const char *bucket);

/* "s3://bucket/key" for messages; control characters escaped.  palloc'd. */
extern char *s3_location_format(const char *bucket, const char *key);

/*
 * The location that names just this object, with a backslash before * ? [ and
 * backslash.  palloc'd.
 */
extern char *s3_location_of(const char *bucket, const char *key);

#endif							/* S3_URI_H */
