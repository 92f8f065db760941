/*-------------------------------------------------------------------------
 *
 * describe.c
 *		Headers that say what an object is, and what its bytes add up to.
 *
 * Each part goes with its own checksum, which the store compares with what has
 * arrived.  That of the object is made from the checksums of the parts: of
 * CRC32C, it is the checksum of those, with which the store begins by itself
 * (COMPOSITE); of CRC-64/NVME, it is that of all bytes (FULL_OBJECT), which we
 * know as well and send along.
 *
 * Source: Amazon S3 API Reference, PutObject, CreateMultipartUpload,
 * UploadPart, CompleteMultipartUpload; Amazon S3 User Guide, "Checking object
 * integrity".
 *
 * IDENTIFICATION
 *		src/s3/describe.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/crc64.h"
#include "base/text.h"
#include "common/base64.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "port/pg_crc32c.h"
#include "s3/describe.h"

static const char *const encryption_values[] = {
	[ENCRYPTION_NONE] = NULL,
	[ENCRYPTION_AES256] = "AES256",
	[ENCRYPTION_KMS] = "aws:kms",
};

static const char *const acl_values[] = {
	[S3_ACL_UNSET] = NULL,
	[S3_ACL_PRIVATE] = "private",
	[S3_ACL_PUBLIC_READ] = "public-read",
	[S3_ACL_PUBLIC_READ_WRITE] = "public-read-write",
	[S3_ACL_AUTHENTICATED_READ] = "authenticated-read",
	[S3_ACL_AWS_EXEC_READ] = "aws-exec-read",
	[S3_ACL_BUCKET_OWNER_READ] = "bucket-owner-read",
	[S3_ACL_BUCKET_OWNER_FULL_CONTROL] = "bucket-owner-full-control",
};

typedef struct ChecksumDef
{
	const char *algorithm;
	const char *type;
	const char *header;
	const char *element;		/* in CompleteMultipartUpload */
	bool		full_object;
} ChecksumDef;

static const ChecksumDef checksum_defs[] = {
	[CHECKSUM_CRC32C] = {"CRC32C", "COMPOSITE", "x-amz-checksum-crc32c", "ChecksumCRC32C", false},
	[CHECKSUM_CRC64NVME] = {"CRC64NVME", "FULL_OBJECT", "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME", true},
};

/* Eight bytes in base64, and its end. */
#define CHECKSUM_TEXT 16

struct S3Checksums
{
	S3ChecksumKind kind;
	const ChecksumDef *def;
	Crc64	   *crc64;			/* of that kind, else NULL */
};

/* ------------------------------------------------------------------- attributes */

static void
header(S3Call *call, const char *name, const char *value)
{
	if (value)
		s3_call_header(call, name, value);
}

void
s3_describe(S3Call *call, const S3ObjectAttributes *attributes)
{
	ListCell   *lc;

	header(call, "Content-Type", attributes->content_type);
	header(call, "Content-Encoding", attributes->content_encoding);
	header(call, "x-amz-storage-class", attributes->storage_class);
	header(call, "x-amz-server-side-encryption", encryption_values[attributes->encryption]);
	header(call, "x-amz-server-side-encryption-aws-kms-key-id", attributes->kms_key_id);
	header(call, "x-amz-acl", acl_values[attributes->acl]);

	foreach(lc, attributes->metadata)
	{
		S3Attribute *attribute = lfirst(lc);

		s3_call_header(call, psprintf("x-amz-meta-%s", attribute->key), attribute->value);
	}

	if (attributes->tags != NIL)
	{
		StringInfoData tagging;

		initStringInfo(&tagging);
		foreach(lc, attributes->tags)
		{
			S3Attribute *tag = lfirst(lc);

			if (tagging.len > 0)
				appendStringInfoChar(&tagging, '&');
			sigv4_uri_encode(&tagging, pg_server_to_any(tag->key, strlen(tag->key), PG_UTF8), false);
			appendStringInfoChar(&tagging, '=');
			sigv4_uri_encode(&tagging, pg_server_to_any(tag->value, strlen(tag->value), PG_UTF8), false);
		}
		s3_call_header(call, "x-amz-tagging", tagging.data);
	}
}

static List *
copy_list(const List *list)
{
	List	   *copy = NIL;
	ListCell   *lc;

	foreach(lc, list)
	{
		const S3Attribute *attribute = lfirst(lc);
		S3Attribute *same = palloc(sizeof(S3Attribute));

		same->key = pstrdup(attribute->key);
		same->value = pstrdup(attribute->value);
		copy = lappend(copy, same);
	}
	return copy;
}

S3ObjectAttributes *
s3_attributes_copy(const S3ObjectAttributes *attributes)
{
	S3ObjectAttributes *copy = palloc0(sizeof(S3ObjectAttributes));

	if (attributes == NULL)
		return copy;
	*copy = *attributes;
	copy->content_type = copy_string(attributes->content_type);
	copy->content_encoding = copy_string(attributes->content_encoding);
	copy->metadata = copy_list(attributes->metadata);
	copy->tags = copy_list(attributes->tags);
	copy->storage_class = copy_string(attributes->storage_class);
	copy->kms_key_id = copy_string(attributes->kms_key_id);
	return copy;
}

/* -------------------------------------------------------------------- checksums */

S3Checksums *
s3_checksums_create(S3ChecksumKind kind)
{
	S3Checksums *sums;

	if (kind == CHECKSUM_NONE)
		return NULL;
	sums = palloc0(sizeof(S3Checksums));
	sums->kind = kind;
	sums->def = &checksum_defs[kind];
	if (kind == CHECKSUM_CRC64NVME)
		sums->crc64 = crc64_create();
	return sums;
}

static uint64
compute(const S3Checksums *sums, const char *data, Size len)
{
	pg_crc32c	crc;

	if (sums->kind == CHECKSUM_CRC64NVME)
		return crc64_add(sums->crc64, 0, data, len);
	INIT_CRC32C(crc);
	COMP_CRC32C(crc, data, len);
	FIN_CRC32C(crc);
	return crc;
}

/* As S3 writes it: the bytes of the number, the highest first, in base64. */
static void
checksum_text(const S3Checksums *sums, uint64 value, char text[CHECKSUM_TEXT])
{
	uint64		bytes64 = pg_hton64(value);
	uint32		bytes32 = pg_hton32((uint32) value);
	int			len;

	if (sums->kind == CHECKSUM_CRC64NVME)
		len = pg_b64_encode((const void *) &bytes64, sizeof(bytes64), text, CHECKSUM_TEXT - 1);
	else
		len = pg_b64_encode((const void *) &bytes32, sizeof(bytes32), text, CHECKSUM_TEXT - 1);
	Assert(len > 0);
	text[len] = '\0';
}

static void
add_value(const S3Checksums *sums, S3Call *call, uint64 value)
{
	char		text[CHECKSUM_TEXT];

	checksum_text(sums, value, text);
	s3_call_header(call, sums->def->header, text);
}

void
s3_checksums_announce(const S3Checksums *sums, S3Call *call)
{
	if (sums == NULL)
		return;
	s3_call_header(call, "x-amz-checksum-algorithm", sums->def->algorithm);
	s3_call_header(call, "x-amz-checksum-type", sums->def->type);
}

/* Some stores compare only if the algorithm is named as well. */
static void
add_body(const S3Checksums *sums, S3Call *call, uint64 value)
{
	s3_call_header(call, "x-amz-sdk-checksum-algorithm", sums->def->algorithm);
	add_value(sums, call, value);
}

void
s3_checksums_put(const S3Checksums *sums, S3Call *call)
{
	if (sums)
		add_body(sums, call, compute(sums, call->body, call->body_len));
}

uint64
s3_checksums_part(const S3Checksums *sums, S3Call *call)
{
	uint64		value;

	if (sums == NULL)
		return 0;
	value = compute(sums, call->body, call->body_len);
	add_body(sums, call, value);
	return value;
}

void
s3_checksums_part_xml(const S3Checksums *sums, uint64 value, StringInfo out)
{
	char		text[CHECKSUM_TEXT];

	if (sums == NULL)
		return;
	checksum_text(sums, value, text);
	appendStringInfo(out, "<%s>%s</%s>", sums->def->element, text, sums->def->element);
}

uint64
s3_checksums_combine(const S3Checksums *sums, uint64 first, uint64 second, int64 len)
{
	return sums && sums->def->full_object ? crc64_combine(first, second, len) : 0;
}

void
s3_checksums_complete(const S3Checksums *sums, S3Call *call, uint64 object)
{
	if (sums == NULL)
		return;
	s3_call_header(call, "x-amz-checksum-type", sums->def->type);
	if (sums->def->full_object)
		add_value(sums, call, object);
}
