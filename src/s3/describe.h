/*-------------------------------------------------------------------------
 *
 * describe.h
 *		Headers that say what an object is, and what its bytes add up to.
 *
 * Above: upload.c.  Below: a call of request.c before it is started.
 *
 * IDENTIFICATION
 *		src/s3/describe.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_DESCRIBE_H
#define S3_DESCRIBE_H

#include "base/option.h"
#include "lib/stringinfo.h"
#include "s3/request.h"

/* For PutObject and CreateMultipartUpload. */
extern void s3_describe(S3Call *call, const S3ObjectAttributes *attributes);

/* A copy in CurrentMemoryContext; NULL gives one that says nothing. */
extern S3ObjectAttributes *s3_attributes_copy(const S3ObjectAttributes *attributes);

/*
 * The checksums of one object's parts.  NULL, of kind CHECKSUM_NONE, is good
 * for all functions here, which then do nothing.
 */
typedef struct S3Checksums S3Checksums;

/* In CurrentMemoryContext, as is all that it will take. */
extern S3Checksums *s3_checksums_create(S3ChecksumKind kind);

/* For CreateMultipartUpload: which checksums will come. */
extern void s3_checksums_announce(S3Checksums *sums, S3Call *call);

/* For PutObject: that of the call's body. */
extern void s3_checksums_put(S3Checksums *sums, S3Call *call);

/*
 * For UploadPart: that of the call's body, which is part number (from 1).
 * Parts come in order.
 */
extern void s3_checksums_part(S3Checksums *sums, S3Call *call, int number);

/* For CompleteMultipartUpload: in the <Part> of its body, and its header. */
extern void s3_checksums_part_xml(S3Checksums *sums, int number, StringInfo out);
extern void s3_checksums_complete(S3Checksums *sums, S3Call *call);

#endif							/* S3_DESCRIBE_H */
