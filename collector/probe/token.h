/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * token.h - a decoy's address and port in one token of plain text, in every spelling that a probe mail uses.
 *
 * In:  the decoy, a text, and where in it the port may stand. Out: how the token there is spelled. Called by scan.c.
 * Pure: no I/O, no memory but the caller's. May look at no more of a text than TOKEN_MAX_BYTES before the port and one
 * byte behind it.
 */
#ifndef OTORI_PROBE_TOKEN_H
#define OTORI_PROBE_TOKEN_H

#include "base/slice.h"
#include "record/record.h"

/* Between address and port. One would do for most; " : " and a line end with blanks are written too. */
#define TOKEN_SEPARATORS_MAX 8
/* The longest spelling of an IPv6 address in brackets, separators, and two bytes that must not belong to it. */
#define TOKEN_MAX_BYTES (45 + 2 + TOKEN_SEPARATORS_MAX + 2)

/* What is looked for. Filled in by token_decoy; spelled is filled in when it is first needed. */
struct token_decoy {
	struct address address;
	uint16_t port_number;
	uint8_t port_length;
	char port[6]; /* decimal */
	bool spelled;
	uint8_t dotted_length, reversed_length, decimal_length;
	char dotted[16], reversed[16], decimal[11]; /* IPv4 only */
};

void token_decoy(struct token_decoy *decoy, const struct address *address, uint16_t port);

/*
 * The token of text whose port begins at position: PROBE_ENCODING_* (never base64), or 0 where there is none. What lies
 * outside the text is taken for something that touches nothing.
 */
uint8_t token_at(struct token_decoy *decoy, struct slice text, size_t position);

#endif
