/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ip.h - an address of either family, and its text.
 *
 * In:  text or bytes. Out: the other. Uses libc's inet_pton and inet_ntop, not the project's own reader: what is
 * compared must not come from what is tested.
 */
#ifndef NPA2008_IP_H
#define NPA2008_IP_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define IP_TEXT_BYTES INET6_ADDRSTRLEN

struct ip {
	uint8_t bytes[16]; /* an IPv4 address is in the first four */
	bool ipv6;
};

static inline bool ip_read(const char *text, struct ip *ip)
{
	memset(ip, 0, sizeof(*ip));
	ip->ipv6 = strchr(text, ':') != NULL;
	return inet_pton(ip->ipv6 ? AF_INET6 : AF_INET, text, ip->bytes) == 1;
}

static inline const char *ip_text(const struct ip *ip, char text[IP_TEXT_BYTES])
{
	return inet_ntop(ip->ipv6 ? AF_INET6 : AF_INET, ip->bytes, text, IP_TEXT_BYTES);
}

/* base + number, counted from the last byte. */
static inline struct ip ip_plus(struct ip base, uint32_t number)
{
	for (int i = base.ipv6 ? 15 : 3; number && i >= 0; i--) {
		number += base.bytes[i];
		base.bytes[i] = (uint8_t)number;
		number >>= 8;
	}
	return base;
}

#endif
