/*-------------------------------------------------------------------------
 *
 * verify.h
 *		Compare an object with what its manifest says of it.
 *
 * IDENTIFICATION
 *		src/fdw/verify.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_VERIFY_H
#define S3_VERIFY_H

#include "base/stream.h"
#include "format/record.h"

typedef struct Verification Verification;

/*
 * The object of that name (for messages) must have bytes with that MD5 sum, in
 * base64, and so many records.  All borrowed; memory from CurrentMemoryContext.
 */
extern Verification *verification_create(const char *name, const char *md5, int64 records);

/*
 * To be read through: what passes on the bytes of source (borrowed), as they
 * are stored, and what passes on the records of reader, which it owns.  When
 * the records end, the rest of the bytes is read, too, and what differs is
 * reported.
 */
extern ByteSource *verification_source(Verification *verification, ByteSource *source);
extern RecordReader *verification_reader(Verification *verification, RecordReader *reader);

#endif							/* S3_VERIFY_H */
