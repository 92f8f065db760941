/*-------------------------------------------------------------------------
 *
 * config.h
 *		The extension's settings (GUCs) and their limits.
 *
 * Sizes are in kilobytes, times in milliseconds, as GUCs with those units are.
 * docs/options.md lists them for users.
 *
 * IDENTIFICATION
 *		src/base/config.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_CONFIG_H
#define S3_CONFIG_H

#include "postgres.h"

/*
 * Limits of S3 itself: Amazon S3 User Guide, "Amazon S3 multipart upload
 * limits" and the API reference of PutObject and ListObjectsV2.
 */
#define S3_MIN_PART_SIZE (INT64CONST(5) * 1024 * 1024)
#define S3_MAX_PART_SIZE (INT64CONST(5) * 1024 * 1024 * 1024)
#define S3_MAX_PARTS 10000
#define S3_MAX_OBJECT_SIZE (S3_MAX_PART_SIZE * S3_MAX_PARTS)	/* 48.8 TiB */
#define S3_MAX_KEY_LEN 1024

/* reading */
extern int	s3_range_size;		/* kB: largest ranged GET */
extern int	s3_read_memory;		/* kB: buffers of one scan */
extern int	s3_chunk_size;		/* bytes: largest stretch of a large object */
extern int	s3_read_concurrency;	/* ranged GETs in flight per scan */

/* planning */
extern int	s3_plan_sample_size;	/* kB: of an object, for estimates; 0: none */

/* writing */
extern int	s3_part_size;		/* kB: size of the first parts */
extern int	s3_upload_memory;	/* kB: part buffers of one export */
extern int	s3_aws_file_size;	/* kB: objects of aws_s3.query_export_to_s3() */

/* network */
extern int	s3_max_connections; /* per backend */
extern int	s3_max_retries;		/* of one request */
extern int	s3_connect_timeout; /* ms */
extern int	s3_stall_timeout;	/* ms without a byte */
extern int	s3_abort_timeout;	/* ms spent in all in cleaning up */
extern char *s3_allowed_endpoints;	/* see docs/security.md */

/* loading, by statements written for Redshift */
extern bool s3_load_once;		/* leave out what was loaded before */

extern void s3_config_init(void);

#endif							/* S3_CONFIG_H */
