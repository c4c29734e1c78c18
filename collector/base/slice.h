/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * slice.h - a borrowed run of bytes, and an address that is IPv4 or IPv6.
 *
 * In:  nothing. Out: struct slice, struct address. Used everywhere in the collector. May not allocate.
 */
#ifndef OTORI_SLICE_H
#define OTORI_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes that somebody else owns. bytes may be NULL where length is 0. Not terminated, any content. */
struct slice {
	const uint8_t *bytes;
	size_t length;
};

static inline struct slice slice_of(const void *bytes, size_t length)
{
	return (struct slice){ bytes, length };
}

static inline struct slice slice_of_text(const char *text)
{
	return (struct slice){ (const uint8_t *)text, strlen(text) };
}

/* An address in network byte order. Of IPv4 the first four bytes hold it and the others are 0. */
struct address {
	uint8_t bytes[16];
	bool ipv6;
};

/* Longest text of an address with its terminator (INET6_ADDRSTRLEN). */
#define ADDRESS_TEXT_BYTES 46

/* Writes address as text into text[ADDRESS_TEXT_BYTES]; returns text. */
const char *address_text(const struct address *address, char *text);

/* Reads an IPv4 or IPv6 address (no brackets, no prefix). 0 or -EINVAL. */
int address_parse(const char *text, struct address *address);
/* IPv4 in its own form: mapped into IPv6 (RFC 4291) and translated (RFC 6052) addresses are the IPv4 hosts behind. */
struct address address_unwrapped(const struct address *address);

bool address_equal(const struct address *a, const struct address *b);

#endif
