/*-------------------------------------------------------------------------
 *
 * attribute.h
 *		What an object is to be labelled with when it is written.
 *
 * The values here are checked: none can add a header or a line to a request.
 * s3/describe.c makes requests' headers of them.
 *
 * IDENTIFICATION
 *		src/base/attribute.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_ATTRIBUTE_H
#define S3_ATTRIBUTE_H

#include "postgres.h"

#include "nodes/pg_list.h"

typedef enum S3Encryption
{
	ENCRYPTION_NONE,			/* as the bucket has it */
	ENCRYPTION_AES256,			/* SSE-S3 */
	ENCRYPTION_KMS				/* SSE-KMS */
} S3Encryption;

typedef enum S3CannedAcl
{
	S3_ACL_UNSET,					/* as the store has it: private */
	S3_ACL_PRIVATE,
	S3_ACL_PUBLIC_READ,
	S3_ACL_PUBLIC_READ_WRITE,
	S3_ACL_AUTHENTICATED_READ,
	S3_ACL_AWS_EXEC_READ,
	S3_ACL_BUCKET_OWNER_READ,
	S3_ACL_BUCKET_OWNER_FULL_CONTROL
} S3CannedAcl;

/* A key and its value, in the server encoding. */
typedef struct S3Attribute
{
	char	   *key;
	char	   *value;
} S3Attribute;

/* NULL, NIL or 0: nothing is said about it. */
typedef struct S3ObjectAttributes
{
	char	   *content_type;
	char	   *content_encoding;
	List	   *metadata;		/* of S3Attribute; keys in lower case */
	List	   *tags;			/* of S3Attribute */
	char	   *storage_class;
	int			encryption;		/* S3Encryption */
	char	   *kms_key_id;
	int			acl;			/* S3CannedAcl */
} S3ObjectAttributes;

/*
 * These check the text of an option, and return NULL or a sentence that says
 * what is wrong with it.
 */

/* A header's value: ASCII without control characters, no blanks at its ends. */
extern const char *s3_attribute_check_value(const char *value);

/* Upper-case letters, digits and underscores. */
extern const char *s3_attribute_check_class(const char *value);

/* A JSON object of strings; sets *attributes, in CurrentMemoryContext. */
extern const char *s3_attribute_parse_metadata(const char *json, List **attributes);
extern const char *s3_attribute_parse_tags(const char *json, List **attributes);

#endif							/* S3_ATTRIBUTE_H */
