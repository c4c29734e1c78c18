/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text_clean.h - text that a database and a terminal can hold, from bytes that a stranger chose.
 *
 * In:  any bytes. Out: valid UTF-8 without control characters. Called by copy_binary.c and subject.c. May not allocate.
 */
#ifndef OTORI_TEXT_CLEAN_H
#define OTORI_TEXT_CLEAN_H

#include "base/slice.h"

/* Room that the cleaned text of that many bytes takes at most: a byte becomes a character of up to three. */
#define TEXT_CLEAN_MAX_BYTES(length) (3 * (length))

/*
 * Writes bytes as clean text to to[TEXT_CLEAN_MAX_BYTES(bytes.length)] and returns its length. What is visible stays as
 * it is. Control characters become their pictures (U+2400 and on, so that a NUL is a visible character). Bytes that are
 * no UTF-8, code points from 0x80 to 0x9f and those that turn the direction of writing become U+FFFD.
 */
size_t text_clean(struct slice bytes, uint8_t *to);

/* Length of the valid UTF-8 character at the front of bytes, 0 where there is none (RFC 3629: no surrogates, nothing
 * overlong). */
size_t text_utf8_length(struct slice bytes);

#endif
