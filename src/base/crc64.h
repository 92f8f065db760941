/*-------------------------------------------------------------------------
 *
 * crc64.h
 *		The checksum CRC-64/NVME.
 *
 * IDENTIFICATION
 *		src/base/crc64.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_CRC64_H
#define S3_CRC64_H

#include "postgres.h"

/* Tables, made once for many bytes. */
typedef struct Crc64 Crc64;

/* In CurrentMemoryContext, one allocation. */
extern Crc64 *crc64_create(void);

/* Of data that follow those of crc; 0 is the checksum of no data. */
extern uint64 crc64_add(const Crc64 *tables, uint64 crc, const void *data, Size len);

/* Of data of checksum first and then len bytes of checksum second. */
extern uint64 crc64_combine(uint64 first, uint64 second, uint64 len);

#endif							/* S3_CRC64_H */
