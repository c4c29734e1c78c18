/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * array_text.c - see array_text.h.
 *
 * In:  values. Out: text. Pure but for memory.
 */
#include "enrichment/array_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/slice.h"

static void append(struct array_text *array, const char *bytes, size_t length)
{
	if (array->failed)
		return;
	if (array->length + length + 1 > array->room) {
		size_t room = 2 * (array->length + length + 1);
		char *grown = realloc(array->text, room);

		if (!grown) {
			array->failed = true;
			return;
		}
		array->text = grown;
		array->room = room;
	}
	memcpy(array->text + array->length, bytes, length);
	array->length += length;
	array->text[array->length] = '\0';
}

void array_text_clear(struct array_text *array)
{
	array->length = 0;
	array->count = 0;
	array->failed = false;
}

void array_text_free(struct array_text *array)
{
	free(array->text);
	*array = (struct array_text){ 0 };
}

static void begin_element(struct array_text *array)
{
	append(array, array->count++ ? "," : "{", 1);
}

void array_text_add(struct array_text *array, const char *value)
{
	begin_element(array);
	if (!value) {
		append(array, "null", 4);
		return;
	}
	append(array, "\"", 1);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			append(array, "\\", 1);
		append(array, value, 1);
	}
	append(array, "\"", 1);
}

void array_text_add_addresses(struct array_text *array, const struct address *addresses, size_t count)
{
	char text[ADDRESS_TEXT_BYTES];

	begin_element(array);
	append(array, "\"{", 2);
	for (size_t i = 0; i < count; i++) {
		struct address host = address_unwrapped(&addresses[i]);

		if (i)
			append(array, ",", 1);
		address_text(&host, text);
		append(array, text, strlen(text));
	}
	append(array, "}\"", 2);
}

const char *array_text_end(struct array_text *array)
{
	if (!array->count)
		append(array, "{", 1);
	append(array, "}", 1);
	return array->failed ? NULL : array->text;
}
