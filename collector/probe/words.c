// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * words.c - encoded words of a header field (RFC 2047), decoded to bytes: see words.h.
 *
 * In:  a field as it was sent. Out: its bytes. Called by probe.c. Pure.
 */
#include "probe/words.h"

#include <string.h>
#include <strings.h>

#include "probe/base64.h"

#define CHARSET_MAX_BYTES 64 /* with a language behind it (RFC 2231) */

/* One encoded word: "=?charset?B?text?=". */
struct word {
	bool base64, wide;
	struct slice text;
	size_t length; /* all of it */
};

static bool begins_with(struct slice charset, const char *name)
{
	size_t length = strlen(name);

	return charset.length >= length && !strncasecmp((const char *)charset.bytes, name, length);
}

/* Characters of two or four bytes: those of ASCII have nothing but zeros beside them, whatever the order of bytes. */
static bool is_wide(struct slice charset)
{
	return begins_with(charset, "utf-16") || begins_with(charset, "utf-32") || begins_with(charset, "utf16") ||
	       begins_with(charset, "ucs-2") || begins_with(charset, "ucs-4") || begins_with(charset, "iso-10646-ucs-");
}

static size_t without_zeros(uint8_t *bytes, size_t length)
{
	size_t kept = 0;

	for (size_t i = 0; i < length; i++)
		if (bytes[i])
			bytes[kept++] = bytes[i];
	return kept;
}

/* Reads a word at the front of field. */
static bool read_word(struct slice field, struct word *word)
{
	const uint8_t *mark, *end;
	size_t from;

	if (field.length < 8 || field.bytes[0] != '=' || field.bytes[1] != '?')
		return false;
	mark = memchr(field.bytes + 2, '?',
		      field.length - 2 < CHARSET_MAX_BYTES ? field.length - 2 : CHARSET_MAX_BYTES);
	if (!mark)
		return false;
	from = (size_t)(mark - field.bytes) + 3;
	if (from >= field.length || mark[2] != '?' || ((mark[1] | 0x20) != 'b' && (mark[1] | 0x20) != 'q'))
		return false;
	word->base64 = (mark[1] | 0x20) == 'b';
	word->wide = is_wide(slice_of(field.bytes + 2, (size_t)(mark - field.bytes) - 2));
	end = memchr(field.bytes + from, '?', field.length - from);
	if (!end || end + 1 == field.bytes + field.length || end[1] != '=')
		return false;
	word->text = slice_of(field.bytes + from, (size_t)(end - field.bytes) - from);
	word->length = (size_t)(end - field.bytes) + 2;
	return true;
}

static size_t decode_base64(struct slice text, uint8_t *to)
{
	unsigned int held = 0, bits = 0;
	size_t length = 0;

	for (size_t i = 0; i < text.length; i++) {
		int value = base64_value(text.bytes[i]);

		if (value < 0)
			continue;
		held = (held << 6 | (unsigned int)value) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			to[length++] = (uint8_t)(held >> bits);
		}
	}
	return length;
}

/* Value of a hex digit, or -1. */
static int hex_value(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static size_t decode_quoted(struct slice text, uint8_t *to)
{
	size_t length = 0;

	for (size_t i = 0; i < text.length; i++) {
		uint8_t byte = text.bytes[i];

		if (byte == '_') {
			byte = ' ';
		} else if (byte == '=' && i + 2 < text.length && hex_value(text.bytes[i + 1]) >= 0 &&
			   hex_value(text.bytes[i + 2]) >= 0) {
			byte = (uint8_t)(hex_value(text.bytes[i + 1]) << 4 | hex_value(text.bytes[i + 2]));
			i += 2;
		}
		to[length++] = byte;
	}
	return length;
}

size_t words_decode(struct slice field, uint8_t *to)
{
	size_t at = 0, length = 0, kept = 0;
	bool after_word = false; /* nothing but white space came since a word, which ended at kept */

	while (at < field.length) {
		struct word word;
		uint8_t byte = field.bytes[at];

		if (byte == '=' && read_word(slice_of(field.bytes + at, field.length - at), &word)) {
			size_t decoded;

			if (after_word)
				length = kept;
			decoded = word.base64 ? decode_base64(word.text, to + length)
					      : decode_quoted(word.text, to + length);
			length += word.wide ? without_zeros(to + length, decoded) : decoded;
			at += word.length;
			kept = length;
			after_word = true;
			continue;
		}
		if (byte != ' ' && byte != '\t' && byte != '\r' && byte != '\n')
			after_word = false;
		to[length++] = byte;
		at++;
	}
	return length;
}
