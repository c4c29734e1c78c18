/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prefix.h - address prefixes as text and as the 128-bit form that the maps use.
 *
 * In:  text such as 198.18.0.0/16 or 2001:db8::/112. Out: struct prefix; IPv4 is held as ::ffff:a.b.c.d with 96 added
 * to its bits. Used by options, datapath/, supervisor/. Pure.
 */
#ifndef OTORI_PREFIX_H
#define OTORI_PREFIX_H

#include "base/slice.h"

struct prefix {
	uint8_t address[16]; /* bits behind the prefix are 0 */
	uint8_t bits;	     /* of 128; IPv4: 96 to 128 */
};

/* Longest text of a prefix with its terminator. */
#define PREFIX_TEXT_BYTES (ADDRESS_TEXT_BYTES + 4)

/*
 * Reads a prefix; without /bits a single address. 0; -EINVAL = not a prefix; -ERANGE = more bits than an address has;
 * -EDOM = bits behind the prefix are set (198.18.0.1/16: the user meant something else).
 */
int prefix_parse(const char *text, struct prefix *prefix);

/* Writes it as text (without /bits where it is one address); returns text. */
const char *prefix_text(const struct prefix *prefix, char text[PREFIX_TEXT_BYTES]);

bool prefix_ipv4(const struct prefix *prefix);
/* true where inner lies within outer (or is the same). */
bool prefix_covers(const struct prefix *outer, const struct prefix *inner);
/* The prefix that holds this one address. */
struct prefix prefix_of_address(const struct address *address);

#endif
