// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * slice.c - addresses to text and back.
 *
 * In:  bytes or text. Out: text or bytes. May not allocate or resolve a name.
 */
#include "base/slice.h"

#include <arpa/inet.h>
#include <errno.h>

const char *address_text(const struct address *address, char *text)
{
	if (!inet_ntop(address->ipv6 ? AF_INET6 : AF_INET, address->bytes, text, ADDRESS_TEXT_BYTES))
		strcpy(text, "?");
	return text;
}

int address_parse(const char *text, struct address *address)
{
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, address->bytes) == 1)
		return 0;
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET6, text, address->bytes) != 1)
		return -EINVAL;
	address->ipv6 = true;
	return 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->ipv6 == b->ipv6 && !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

struct address address_unwrapped(const struct address *address)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	static const uint8_t translated[12] = { 0x00, 0x64, 0xff, 0x9b };
	struct address inner = { .ipv6 = false };

	if (!address->ipv6 || (memcmp(address->bytes, mapped, sizeof mapped) != 0 &&
			       memcmp(address->bytes, translated, sizeof translated) != 0))
		return *address;
	memcpy(inner.bytes, address->bytes + 12, 4);
	return inner;
}
