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
 * How checksums are made.  NULL, of kind CHECKSUM_NONE, is good for all
 * functions here, which then do nothing.
 */
typedef struct S3Checksums S3Checksums;

/* In CurrentMemoryContext. */
extern S3Checksums *s3_checksums_create(S3ChecksumKind kind);

/* For CreateMultipartUpload: which checksums will come. */
extern void s3_checksums_announce(const S3Checksums *sums, S3Call *call);

/* For PutObject: that of the call's body. */
extern void s3_checksums_put(const S3Checksums *sums, S3Call *call);

/* For UploadPart: that of the call's body, which is returned as well. */
extern uint64 s3_checksums_part(const S3Checksums *sums, S3Call *call);

/* Of what has the checksum first, and then len bytes that have second. */
extern uint64 s3_checksums_combine(const S3Checksums *sums, uint64 first, uint64 second,
								   int64 len);

/*
 * For CompleteMultipartUpload: a part's, in the <Part> of its body; and the
 * object's, combined from those of its parts, as a header.
 */
extern void s3_checksums_part_xml(const S3Checksums *sums, uint64 value, StringInfo out);
extern void s3_checksums_complete(const S3Checksums *sums, S3Call *call, uint64 object);

#endif							/* S3_DESCRIBE_H */
