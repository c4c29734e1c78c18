// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * text_clean.c - text that a database and a terminal can hold, from bytes that a stranger chose.
 *
 * In:  any bytes. Out: valid UTF-8 without control characters. Called by copy_binary.c and subject.c. May not allocate.
 */
#include "loader/text_clean.h"

static bool continues(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

size_t text_utf8_length(struct slice bytes)
{
	const uint8_t *b = bytes.bytes;
	size_t wanted;

	if (!bytes.length)
		return 0;
	if (b[0] < 0x80)
		return 1;
	wanted = b[0] < 0xc2 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : b[0] < 0xf5 ? 4 : 0;
	if (!wanted || bytes.length < wanted)
		return 0;
	for (size_t i = 1; i < wanted; i++)
		if (!continues(b[i]))
			return 0;
	if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) || (b[0] == 0xf0 && b[1] < 0x90) ||
	    (b[0] == 0xf4 && b[1] > 0x8f))
		return 0;
	return wanted;
}

/* Valid, and yet nothing that is shown: C1 controls, and what turns the direction of writing (U+202A to E, U+2066 to
 * 9). */
static bool hides(const uint8_t *b, size_t length)
{
	if (length == 2)
		return b[0] == 0xc2 && b[1] < 0xa0;
	if (length != 3 || b[0] != 0xe2)
		return false;
	return (b[1] == 0x80 && b[2] >= 0xaa && b[2] <= 0xae) || (b[1] == 0x81 && b[2] >= 0xa6 && b[2] <= 0xa9);
}

static size_t put_picture(uint8_t *to, uint8_t control)
{
	to[0] = 0xe2;
	to[1] = 0x90;
	to[2] = control == 0x7f ? 0xa1 : (uint8_t)(0x80 + control);
	return 3;
}

static size_t put_replacement(uint8_t *to)
{
	memcpy(to, "\xef\xbf\xbd", 3);
	return 3;
}

size_t text_clean(struct slice bytes, uint8_t *to)
{
	const uint8_t *from = bytes.bytes, *end = bytes.bytes + bytes.length;
	uint8_t *start = to;

	while (from < end) {
		size_t length;

		if (*from >= 0x20 && *from < 0x7f) {
			*to++ = *from++;
			continue;
		}
		length = text_utf8_length(slice_of(from, (size_t)(end - from)));
		if (length == 1) {
			to += put_picture(to, *from);
		} else if (!length || hides(from, length)) {
			to += put_replacement(to);
			length = length ? length : 1;
		} else {
			memcpy(to, from, length);
			to += length;
		}
		from += length;
	}
	return (size_t)(to - start);
}
