/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words.h - numbers and strangers' text as a reader wants them on a terminal.
 *
 * In:  text, numbers as PostgreSQL writes them. Out: text. Pure. Called by table.c and figures.c.
 */
#ifndef OTORI_REPORT_WORDS_H
#define OTORI_REPORT_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/language.h"

#define WORDS_NUMBER_BYTES 64

/*
 * A copy of text that can't act on a terminal or turn its line around: control characters (C0, DEL, C1), line and
 * paragraph separators, and characters that change the direction of writing or are invisible stand as \xHH or \u{HHHH},
 * bytes that are no UTF-8 as \xHH. Wider than width_max columns, it is cut and ends in an ellipsis. The caller frees
 * it; NULL where memory is short.
 */
char *words_defuse(const char *text, size_t width_max);

/* Reads one character of UTF-8; returns its bytes, 0 where they are none (overlong forms among them). at is not at the
 * end. */
size_t words_read_point(const char *at, uint32_t *point);

/* Would a terminal obey it, or a reader not see it? Surrogates and private characters are unsafe too. */
bool words_is_unsafe(uint32_t point);

/* The text that stands for an unsafe character: \xHH or \u{HHHH}. Returns its bytes. */
size_t words_escape(uint32_t point, char to[16]);

/* Columns that UTF-8 text takes on a terminal. */
size_t words_width(const char *text);

/* An integer with commas between thousands: 14430 -> 14,430. Other text is copied. Returns to. */
const char *words_count(const char *number, char to[WORDS_NUMBER_BYTES]);

/*
 * A quotient: from 10 on without a fraction, below with two significant digits: 2086.67 -> 2,087, 4.285 -> 4.3, 0.7899
 * -> 0.79.
 * "" (null) -> "-". Returns to.
 */
const char *words_quotient(const char *number, char to[WORDS_NUMBER_BYTES]);

/* The two largest units of a period: 270061 -> 3 d 3 h. "" (null) -> "-". Returns to. */
const char *words_seconds(const char *seconds, enum language language, char to[WORDS_NUMBER_BYTES]);

/* A fraction of 1 in percent, with two significant digits: 0.6304 -> 63%, 0.0412 -> 4.1%; "" (null) -> "-". Returns to.
 */
const char *words_percent(const char *fraction, char to[WORDS_NUMBER_BYTES]);

/* part of whole in percent with one digit: 18.4%; whole 0 -> "-". Returns to. */
const char *words_share(const char *part, const char *whole, char to[WORDS_NUMBER_BYTES]);

#endif
