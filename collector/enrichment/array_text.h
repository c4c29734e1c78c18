/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * array_text.h - an array as PostgreSQL reads it from text, so that a statement takes many rows at once.
 *
 * In:  values. Out: {"a","b",null}. Called by the enrichment's statements. A text that grows; an element is quoted,
 * whatever is in it.
 */
#ifndef OTORI_ENRICHMENT_ARRAY_TEXT_H
#define OTORI_ENRICHMENT_ARRAY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct address;

struct array_text {
	char *text; /* what was made so far, terminated; NULL = nothing yet */
	size_t length, room;
	size_t count;
	bool failed; /* no memory: array_text_end returns NULL */
};

/* Forgets the elements, keeps the memory. */
void array_text_clear(struct array_text *array);
void array_text_free(struct array_text *array);

/* Adds an element; NULL is null. */
void array_text_add(struct array_text *array, const char *value);
/* Adds, as one text element, an array of count addresses: cast it to inet[]. */
void array_text_add_addresses(struct array_text *array, const struct address *addresses, size_t count);
/* The whole of it; NULL = out of memory. Holds until the next change. */
const char *array_text_end(struct array_text *array);

#endif
