// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * token.c - a decoy's address and port in one token of plain text: see token.h.
 *
 * In:  a text, and where the port may stand. Out: how the token is spelled. Called by scan.c. Pure.
 *
 * The port is looked at first, then what stands before it, backwards: it is the one part that all spellings share.
 */
#include "probe/token.h"

#include <arpa/inet.h>
#include <stdio.h>

void token_decoy(struct token_decoy *decoy, const struct address *address, uint16_t port)
{
	char digits[5];
	uint8_t length = 0;

	decoy->address = *address;
	decoy->port_number = port;
	decoy->spelled = false;
	do {
		digits[length++] = (char)('0' + port % 10);
		port /= 10;
	} while (port);
	decoy->port_length = length;
	for (uint8_t i = 0; i < length; i++)
		decoy->port[i] = digits[length - 1 - i];
	decoy->port[length] = 0;
}

static void spell(struct token_decoy *decoy)
{
	const uint8_t *b = decoy->address.bytes;

	decoy->spelled = true;
	decoy->dotted_length =
		(uint8_t)snprintf(decoy->dotted, sizeof(decoy->dotted), "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	decoy->reversed_length =
		(uint8_t)snprintf(decoy->reversed, sizeof(decoy->reversed), "%u.%u.%u.%u", b[3], b[2], b[1], b[0]);
	decoy->decimal_length =
		(uint8_t)snprintf(decoy->decimal, sizeof(decoy->decimal), "%u",
				  (unsigned)b[0] << 24 | (unsigned)b[1] << 16 | (unsigned)b[2] << 8 | (unsigned)b[3]);
}

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* Value of a hex digit, or -1. */
static int hex_value(uint8_t byte)
{
	if (is_digit(byte))
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool is_separator(uint8_t byte)
{
	return byte == ':' || byte == '/' || byte == '-' || byte == '_' || byte == '.' || is_blank(byte);
}

/* Text ends in these bytes. */
static bool ends_in(struct slice text, const char *tail, size_t length)
{
	return text.length >= length && !memcmp(text.bytes + text.length - length, tail, length);
}

/* Text ends in these digits, and no digit stands before them. */
static bool ends_in_number(struct slice text, const char *digits, size_t length)
{
	return ends_in(text, digits, length) &&
	       (text.length == length || !is_digit(text.bytes[text.length - length - 1]));
}

/* The same of four octets, which are no part of a longer run such as a version: 10.1.2.3.4 is not 1.2.3.4. */
static bool ends_in_octets(struct slice text, const char *octets, size_t length)
{
	size_t before = text.length - length;

	if (!ends_in_number(text, octets, length))
		return false;
	return before < 2 || text.bytes[before - 1] != '.' || !is_digit(text.bytes[before - 2]);
}

/* Text ends in the address in hex digits; at most one more hex digit stands before it (a capture of 2003 has one). */
static bool ends_in_hex(struct slice text, const struct address *address)
{
	size_t digits = address->ipv6 ? 32 : 8, before;

	if (text.length < digits)
		return false;
	before = text.length - digits;
	for (size_t i = 0; i < digits; i++) {
		int expected = address->bytes[i / 2] >> (i & 1 ? 0 : 4) & 15;

		if (hex_value(text.bytes[before + i]) != expected)
			return false;
	}
	return before < 2 || hex_value(text.bytes[before - 1]) < 0 || hex_value(text.bytes[before - 2]) < 0;
}

/* Text ends in the IPv6 address in any valid spelling that is not part of a longer one. */
static bool ends_in_ipv6(struct slice text, const struct address *address)
{
	char spelling[INET6_ADDRSTRLEN];
	uint8_t bytes[16];
	size_t length = 0, from;

	while (length < text.length && length < sizeof(spelling)) {
		uint8_t byte = text.bytes[text.length - length - 1];

		if (hex_value(byte) < 0 && byte != ':' && byte != '.')
			break;
		length++;
	}
	from = text.length - length;
	/* A colon that belongs to what stands before ("proxy:2001:db8::1"). */
	if (length > 1 && text.bytes[from] == ':' && text.bytes[from + 1] != ':') {
		from++;
		length--;
	}
	if (length < 2 || length >= sizeof(spelling))
		return false;
	memcpy(spelling, text.bytes + from, length);
	spelling[length] = 0;
	return inet_pton(AF_INET6, spelling, bytes) == 1 && !memcmp(bytes, address->bytes, sizeof(bytes));
}

/* How the address is spelled in which text ends: 0 = it ends in something else. */
static uint8_t address_before(struct token_decoy *decoy, struct slice text)
{
	if (!text.length)
		return 0;
	if (text.bytes[text.length - 1] == ']') {
		text.length--;
		if (decoy->address.ipv6)
			return ends_in_ipv6(text, &decoy->address) ? PROBE_ENCODING_dotted : 0;
		return ends_in_octets(text, decoy->dotted, decoy->dotted_length) &&
				       ends_in(slice_of(text.bytes, text.length - decoy->dotted_length), "[", 1)
			       ? PROBE_ENCODING_dotted
			       : 0;
	}
	if (decoy->address.ipv6) {
		if (ends_in_ipv6(text, &decoy->address))
			return PROBE_ENCODING_dotted;
	} else if (ends_in_octets(text, decoy->dotted, decoy->dotted_length)) {
		return PROBE_ENCODING_dotted;
	} else if (ends_in_octets(text, decoy->reversed, decoy->reversed_length)) {
		return PROBE_ENCODING_reversed;
	} else if (ends_in_number(text, decoy->decimal, decoy->decimal_length)) {
		return PROBE_ENCODING_decimal;
	}
	return ends_in_hex(text, &decoy->address) ? PROBE_ENCODING_hex : 0;
}

/*
 * One more separator in front of those behind it: may it be? A full stop beside a blank ends a sentence, and what is
 * two lines away is no part of the token.
 */
static bool may_precede(uint8_t byte, uint8_t behind, bool first, unsigned int *line_ends)
{
	if (!is_separator(byte))
		return false;
	if (byte == '\n' && ++*line_ends > 1)
		return false;
	return first || !((byte == '.' && is_blank(behind)) || (behind == '.' && is_blank(byte)));
}

uint8_t token_at(struct token_decoy *decoy, struct slice text, size_t position)
{
	size_t end = position + decoy->port_length, at = position;
	unsigned int line_ends = 0;

	if (end > text.length || memcmp(text.bytes + position, decoy->port, decoy->port_length) != 0 ||
	    (end < text.length && is_digit(text.bytes[end])))
		return 0;
	/* The end of an IPv6 address may look like a separator: each number of them is tried. */
	while (at && position - at < TOKEN_SEPARATORS_MAX &&
	       may_precede(text.bytes[at - 1], text.bytes[at], at == position, &line_ends)) {
		uint8_t encoding;

		at--;
		if (!decoy->spelled)
			spell(decoy);
		encoding = address_before(decoy, slice_of(text.bytes, at));
		if (encoding)
			return encoding;
	}
	return 0;
}
