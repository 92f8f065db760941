/*-------------------------------------------------------------------------
 *
 * common.h
 *		What the SQL functions share.
 *
 * IDENTIFICATION
 *		src/commands/common.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_COMMON_H
#define S3_COMMON_H

#include "s3/client.h"

/*
 * The named server, for which the current user must have USAGE.  NULL: the one
 * server of s3_fdw that the user may use; error if there is none or more than
 * one.
 */
extern Oid	s3_server_by_name(const char *name);

/*
 * The client for the named server, for the current user; see there.  stats
 * is borrowed.
 */
extern S3Client *s3_client_for_server(const char *name, S3Stats *stats);

#endif							/* S3_COMMON_H */
