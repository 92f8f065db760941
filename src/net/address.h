/*-------------------------------------------------------------------------
 *
 * address.h
 *		Addresses that are never connected to.
 *
 * IDENTIFICATION
 *		src/net/address.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef S3_ADDRESS_H
#define S3_ADDRESS_H

#include "postgres.h"

#include <sys/socket.h>

/*
 * Is it a link-local address, or no IP address at all?  No endpoint is ever on
 * one; the metadata service of a cloud machine, which gives away the machine's
 * own credentials, is.  To be asked of the address that is about to be
 * connected to, so that no name and no spelling gets around it.
 */
extern bool net_address_is_forbidden(const struct sockaddr *addr);

#endif							/* S3_ADDRESS_H */
