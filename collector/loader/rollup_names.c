// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rollup_names.c - hosts, recipients and their domains as the figures tell them apart.
 *
 * In:  clean text. Out: a part of it, changed in place. Called by load_rollup.c. Pure.
 */
#include "loader/rollup_names.h"

static void fold(uint8_t *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] |= 0x20;
}

/* The first characters of text; a byte that continues a character begins none. */
static struct slice cut(const uint8_t *text, size_t length, size_t characters)
{
	if (length > characters)
		for (size_t i = 0; i < length; i++)
			if ((text[i] & 0xc0) != 0x80 && !characters--)
				return slice_of(text, i);
	return slice_of(text, length);
}

static struct slice without_final_dot(const uint8_t *text, size_t length)
{
	if (length && text[length - 1] == '.')
		length--;
	return cut(text, length, ROLLUP_HOST_CHARACTERS);
}

struct slice rollup_destination_name(uint8_t *text, size_t length)
{
	fold(text, length);
	return without_final_dot(text, length);
}

struct slice rollup_recipient_name(uint8_t *text, size_t length, struct slice *domain)
{
	const uint8_t *at = length ? memrchr(text, '@', length) : NULL;

	fold(text, length);
	*domain = at ? without_final_dot(at + 1, length - (size_t)(at + 1 - text)) : slice_of(NULL, 0);
	if (at && text[length - 1] == '.')
		length--;
	return cut(text, length, ROLLUP_RECIPIENT_CHARACTERS);
}
