// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * destination.c - what a destination that was asked for is, as far as its text tells.
 *
 * In:  host text, the visitor's address, the policy. Out: HOP_* flags. Called by turn.c, http_parse.c. May not resolve
 * names.
 */
#include "protocols/destination.h"

#include <arpa/inet.h>
#include <errno.h>
#include <strings.h>

/* inet_aton takes what a resolver takes for an address: 127.1, 0x7f000001, 2130706433. */
static bool read_address(const char *text, struct address *address)
{
	struct in_addr in;

	if (!address_parse(text, address))
		return true;
	if (!text[0] || strspn(text, "0123456789abcdefABCDEFxX.") != strlen(text) || !inet_aton(text, &in))
		return false;
	memset(address, 0, sizeof(*address));
	memcpy(address->bytes, &in, sizeof(in));
	return true;
}

/* ::ffff:a.b.c.d is that IPv4 address. */
static void unmap(struct address *address)
{
	static const uint8_t prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (!address->ipv6 || memcmp(address->bytes, prefix, sizeof(prefix)))
		return;
	memcpy(address->bytes, address->bytes + 12, 4);
	memset(address->bytes + 4, 0, 12);
	address->ipv6 = false;
}

static uint8_t scope_flags(const struct address *address)
{
	static const uint8_t loopback6[16] = { [15] = 1 };
	const uint8_t *b = address->bytes;

	if (address->ipv6) {
		if (!memcmp(b, loopback6, sizeof(loopback6)))
			return HOP_LOOPBACK;
		return (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || (b[0] & 0xfe) == 0xfc ? HOP_PRIVATE : 0;
	}
	if (b[0] == 127)
		return HOP_LOOPBACK;
	if (b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
	    (b[0] == 169 && b[1] == 254))
		return HOP_PRIVATE;
	return 0;
}

uint8_t destination_flags(const struct mimic_policy *policy, struct slice host, const struct address *source)
{
	struct address address;
	char text[128];
	uint8_t flags;

	while (host.length && host.bytes[host.length - 1] == '.')
		host.length--;
	if (!host.length || host.length >= sizeof(text) || memchr(host.bytes, 0, host.length))
		return 0;
	memcpy(text, host.bytes, host.length);
	text[host.length] = 0;
	if (!strcasecmp(text, "localhost") || (host.length > 10 && !strcasecmp(text + host.length - 10, ".localhost")))
		return HOP_LOOPBACK;
	if (!read_address(text, &address))
		return 0;
	unmap(&address);
	flags = scope_flags(&address);
	if (address.ipv6 == source->ipv6 && !memcmp(address.bytes, source->bytes, address.ipv6 ? 6 : 3))
		flags |= HOP_SOURCE;
	if (policy->is_decoy && policy->is_decoy(policy->is_decoy_context, &address))
		flags |= HOP_DECOY;
	return flags;
}

/* Digits only, at most 65535; leading zeros are allowed. */
static int32_t read_port(struct slice text)
{
	int32_t port = 0;

	if (!text.length)
		return -1;
	for (size_t i = 0; i < text.length; i++) {
		if (text.bytes[i] < '0' || text.bytes[i] > '9')
			return -1;
		port = port * 10 + (text.bytes[i] - '0');
		if (port > 65535)
			return -1;
	}
	return port;
}

static size_t find_last(struct slice text, uint8_t byte)
{
	for (size_t i = text.length; i > 0; i--)
		if (text.bytes[i - 1] == byte)
			return i - 1;
	return text.length;
}

int destination_split(struct slice authority, struct slice *userinfo, struct slice *host, int32_t *port)
{
	size_t at = find_last(authority, '@'), colon;
	const uint8_t *close;

	*userinfo = slice_of(authority.bytes, 0);
	*port = -1;
	if (at < authority.length) {
		userinfo->length = at;
		authority = slice_of(authority.bytes + at + 1, authority.length - at - 1);
	}
	if (authority.length && authority.bytes[0] == '[' &&
	    (close = memchr(authority.bytes, ']', authority.length)) != NULL) {
		size_t end = (size_t)(close - authority.bytes);

		*host = slice_of(authority.bytes + 1, end - 1);
		if (end + 1 < authority.length && authority.bytes[end + 1] == ':')
			*port = read_port(slice_of(authority.bytes + end + 2, authority.length - end - 2));
		return host->length ? 0 : -EINVAL;
	}
	colon = find_last(authority, ':');
	*host = slice_of(authority.bytes, colon);
	if (colon == authority.length)
		return host->length ? 0 : -EINVAL;
	if (memchr(authority.bytes, ':', colon)) { /* more than one: an IPv6 address without brackets */
		char text[ADDRESS_TEXT_BYTES];
		struct address address;

		if (authority.length < sizeof(text)) {
			memcpy(text, authority.bytes, authority.length);
			text[authority.length] = 0;
			if (!address_parse(text, &address)) {
				*host = authority;
				return 0;
			}
		}
	}
	*port = read_port(slice_of(authority.bytes + colon + 1, authority.length - colon - 1));
	return host->length ? 0 : -EINVAL;
}
