/*-------------------------------------------------------------------------
 *
 * sts.h
 *		Temporary credentials of a role, from the security token service.
 *
 * IDENTIFICATION
 *		src/s3/sts.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_STS_H
#define S3_STS_H

#include "s3/client.h"

/*
 * Assume a role with the credentials of the service's client (see
 * s3_client_create_sts()), which has the role's from then on.  Failures are
 * reported; they name the role and no key.
 */
extern void s3_sts_assume_role(S3Client *client, const char *role);

#endif							/* S3_STS_H */
