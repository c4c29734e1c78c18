// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * base64.c - tokens in base64, on any alignment, in one line or over several: see base64.h.
 *
 * In:  a text and where in it a port in base64 may begin. Out: whether a token ends there. Called by scan.c. Pure.
 *
 * The place of the port within its group of three bytes tells where groups of four characters begin, whatever stands
 * before them. So it is decoded from the port backwards, as far as a token can reach.
 */
#include "probe/base64.h"

/* How far back from a needle: the characters of it that stand before its anchor were looked at already. */
#define REACH_BYTES (SCAN_BEFORE_BYTES - 16)
#define SEXTETS_MAX ((TOKEN_MAX_BYTES + 2) / 3 * 4 + 8)
#define SEXTETS_MAX_IPV4 44 /* 15 bytes of address, 8 of separators, 2 before it, 2 of the group */
#define FORWARD_MAX 12	    /* a port of five digits at the end of its group, and one byte more */

_Static_assert(3 * FORWARD_MAX <= SCAN_BEHIND_BYTES, "they fit, each with a line end before it");

int base64_value(uint8_t byte)
{
	uint8_t letter = byte | 0x20;

	if (letter >= 'a' && letter <= 'z')
		return byte == letter ? letter - 'a' + 26 : letter - 'a';
	if (byte >= '0' && byte <= '9')
		return byte - '0' + 52;
	return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

void base64_needle(struct scan_needle *needle, unsigned int place, const char *port, size_t port_length)
{
	static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t first = (8 * place + 5) / 6, end = 8 * (place + port_length) / 6;

	memset(needle, 0, sizeof(*needle));
	needle->place = (uint8_t)first;
	for (size_t i = first; i < end; i++) {
		size_t bit = 6 * i - 8 * place, byte = bit / 8;
		unsigned int pair = (unsigned int)(uint8_t)port[byte] << 8 |
				    (byte + 1 < port_length ? (unsigned int)(uint8_t)port[byte + 1] : 0);

		needle->characters[needle->length++] = characters[pair >> (10 - bit % 8) & 63];
	}
	/* Capitals and digits are rarer than small letters in what people write. */
	while (needle->anchor + 2 < needle->length && (needle->characters[needle->anchor] & 0x60) == 0x60)
		needle->anchor++;
	if (needle->length && (needle->characters[needle->anchor] & 0x60) == 0x60)
		needle->anchor = 0;
}

/* Behind a line end at i, or i where there is none. */
static size_t skip_line_end(struct slice text, size_t i)
{
	if (i + 1 < text.length && text.bytes[i] == '\r' && text.bytes[i + 1] == '\n')
		return i + 2;
	return i < text.length && text.bytes[i] == '\n' ? i + 1 : i;
}

/* Where the count characters before position begin, which may lie over line ends. */
static size_t back(struct slice text, size_t position, uint8_t count)
{
	for (; count && position; count--) {
		if (text.bytes[position - 1] == '\n')
			position -= position > 1 && text.bytes[position - 2] == '\r' ? 2 : 1;
		position -= position > 0;
	}
	return position;
}

static bool needle_at(const struct scan_needle *needle, struct slice text, size_t i)
{
	for (uint8_t n = 0; n < needle->length; n++, i++) {
		if (n)
			i = skip_line_end(text, i);
		if (i >= text.length || text.bytes[i] != (uint8_t)needle->characters[n])
			return false;
	}
	return true;
}

/* Characters of base64 that end before i, not before lower. */
static size_t run_before(struct slice text, size_t i, size_t lower)
{
	size_t length = 0;

	while (i - length > lower && base64_value(text.bytes[i - length - 1]) >= 0)
		length++;
	return length;
}

/*
 * Where the line before the one that begins at i ends, if the run of base64 goes on there; 0 where it doesn't. It does
 * where that line is nothing but base64, and not shorter than what follows it: encoders fill their lines, and a word
 * that happens to stand above is shorter.
 */
static size_t line_before(struct slice text, size_t i, size_t lower, size_t follows)
{
	size_t end = i - 1, run;

	if (end > lower && text.bytes[end - 1] == '\r')
		end--;
	run = run_before(text, end, lower);
	if (!run || run < follows || (end - run > lower && text.bytes[end - run - 1] != '\n'))
		return 0;
	return end;
}

/* Values of the characters before i, the nearest first; *whole: the line of i has nothing else before i. */
static size_t gather_before(struct slice text, size_t i, uint8_t *values, size_t max, bool *whole)
{
	size_t lower = i > REACH_BYTES ? i - REACH_BYTES : 0, count = 0;
	bool first = true;

	for (;;) {
		size_t line = 0;

		for (; i > lower && count < max && base64_value(text.bytes[i - 1]) >= 0; i--, line++)
			values[count++] = (uint8_t)base64_value(text.bytes[i - 1]);
		if (first)
			*whole = count == max || i == lower || text.bytes[i - 1] == '\n';
		first = false;
		if (count == max || i == lower || text.bytes[i - 1] != '\n')
			return count;
		i = line_before(text, i, lower, line);
		if (!i)
			return count;
	}
}

/* Values of the characters from i on, where the run ends or there are enough. */
static size_t gather_behind(struct slice text, size_t i, uint8_t *values, size_t max, bool over_lines)
{
	size_t upper = text.length - i > SCAN_BEHIND_BYTES ? i + SCAN_BEHIND_BYTES : text.length, count = 0;

	while (count < max) {
		if (over_lines && count)
			i = skip_line_end(slice_of(text.bytes, upper), i);
		if (i >= upper || base64_value(text.bytes[i]) < 0)
			break;
		values[count++] = (uint8_t)base64_value(text.bytes[i++]);
	}
	return count;
}

/* Whole bytes of the values; returns their number. */
static size_t decode(const uint8_t *values, size_t count, uint8_t *bytes)
{
	unsigned int held = 0, bits = 0;
	size_t length = 0;

	for (size_t i = 0; i < count; i++) {
		held = (held << 6 | values[i]) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			bytes[length++] = (uint8_t)(held >> bits);
		}
	}
	return length;
}

bool base64_token_at(struct scan_decoy *decoy, unsigned int number, struct slice text, size_t position)
{
	const struct scan_needle *needle = &decoy->needles[number];
	uint8_t before[SEXTETS_MAX], values[SEXTETS_MAX + FORWARD_MAX], bytes[sizeof(values)];
	size_t max = decoy->token.address.ipv6 ? SEXTETS_MAX : SEXTETS_MAX_IPV4, count, length, port;
	bool whole;

	position = back(text, position, needle->anchor);
	if (!needle_at(needle, text, position) ||
	    (!needle->length && base64_value(text.bytes[position]) >> 2 != (decoy->token.port[0] & 15)))
		return false;
	count = gather_before(text, position, before, max, &whole);
	if (count < needle->place)
		return false;
	count -= (count - needle->place) % 4; /* what is left is no whole group, and not of the token */
	for (size_t i = 0; i < count; i++)
		values[i] = before[count - 1 - i];
	port = (count - needle->place) / 4 * 3 + number;
	count += gather_behind(text, position, values + count, FORWARD_MAX, whole);
	length = decode(values, count, bytes);
	return token_at(&decoy->token, slice_of(bytes, length), port) != 0;
}
