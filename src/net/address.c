/*-------------------------------------------------------------------------
 *
 * address.c
 *		Addresses that are never connected to.
 *
 * Above: http.c, when libcurl is about to open a socket.
 *
 * Source: RFC 3927 (169.254.0.0/16), RFC 4291 (fe80::/10, IPv4-mapped
 * addresses), Amazon EC2 User Guide, "Use the Instance Metadata Service"
 * (fd00:ec2::254).
 *
 * IDENTIFICATION
 *		src/net/address.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <netinet/in.h>

#include "net/address.h"

bool
net_address_is_forbidden(const struct sockaddr *addr)
{
	if (addr->sa_family == AF_INET)
	{
		uint32		ip = ntohl(((const struct sockaddr_in *) addr)->sin_addr.s_addr);

		return (ip >> 16) == 0xA9FE;
	}
	if (addr->sa_family == AF_INET6)
	{
		const uint8 *ip = ((const struct sockaddr_in6 *) addr)->sin6_addr.s6_addr;
		static const uint8 mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

		if (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80)
			return true;
		if (memcmp(ip, mapped, sizeof(mapped)) == 0 && ip[12] == 169 && ip[13] == 254)
			return true;
		return ip[0] == 0xfd && ip[1] == 0x00 && ip[2] == 0x0e && ip[3] == 0xc2;
	}
	return true;
}
