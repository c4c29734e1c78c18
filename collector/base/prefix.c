/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prefix.c - address prefixes: see prefix.h.
 *
 * In:  text. Out: struct prefix and back. Pure.
 */
#include "base/prefix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const uint8_t mapped_head[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

struct prefix prefix_of_address(const struct address *address)
{
	struct prefix prefix = { .bits = 128 };

	if (address->ipv6) {
		memcpy(prefix.address, address->bytes, 16);
	} else {
		memcpy(prefix.address, mapped_head, 12);
		memcpy(prefix.address + 12, address->bytes, 4);
	}
	return prefix;
}

bool prefix_ipv4(const struct prefix *prefix)
{
	return prefix->bits >= 96 && memcmp(prefix->address, mapped_head, 12) == 0;
}

/* Bits of the n-th byte that belong to a prefix of so many bits. */
static uint8_t byte_mask(unsigned bits, unsigned n)
{
	if (bits >= 8 * (n + 1))
		return 0xff;
	if (bits <= 8 * n)
		return 0;
	return (uint8_t)(0xff << (8 * (n + 1) - bits));
}

int prefix_parse(const char *text, struct prefix *prefix)
{
	char address_part[ADDRESS_TEXT_BYTES];
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	struct address address;
	unsigned long bits;
	char *end;

	if (length == 0 || length >= sizeof(address_part))
		return -EINVAL;
	memcpy(address_part, text, length);
	address_part[length] = '\0';
	if (address_parse(address_part, &address) < 0)
		return -EINVAL;
	*prefix = prefix_of_address(&address);
	if (!slash)
		return 0;
	if (slash[1] < '0' || slash[1] > '9')
		return -EINVAL;
	errno = 0;
	bits = strtoul(slash + 1, &end, 10);
	if (*end || errno)
		return -EINVAL;
	if (bits > (address.ipv6 ? 128 : 32))
		return -ERANGE;
	prefix->bits = (uint8_t)(bits + (address.ipv6 ? 0 : 96));
	for (unsigned n = 0; n < 16; n++)
		if (prefix->address[n] & (uint8_t)~byte_mask(prefix->bits, n))
			return -EDOM;
	return 0;
}

const char *prefix_text(const struct prefix *prefix, char text[PREFIX_TEXT_BYTES])
{
	struct address address = { .ipv6 = !prefix_ipv4(prefix) };
	unsigned bits = prefix->bits;
	size_t length;

	if (address.ipv6) {
		memcpy(address.bytes, prefix->address, 16);
	} else {
		memcpy(address.bytes, prefix->address + 12, 4);
		bits -= 96;
	}
	address_text(&address, text);
	length = strlen(text);
	if (prefix->bits < 128)
		snprintf(text + length, PREFIX_TEXT_BYTES - length, "/%u", bits);
	return text;
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
	if (outer->bits > inner->bits)
		return false;
	for (unsigned n = 0; n < 16; n++)
		if ((outer->address[n] ^ inner->address[n]) & byte_mask(outer->bits, n))
			return false;
	return true;
}
