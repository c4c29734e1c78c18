/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * marks.h - the marks that probe mails carry, and those that look like them and are none.
 *
 * In:  a decoy's address and port. Out: a token. By ANALYSIS, "Probe mails"; written apart from the program's
 * recogniser.
 */
#ifndef NPA2008_MARKS_H
#define NPA2008_MARKS_H

#include "frame.h"
#include "random.h"

#define MARK_BYTES 160

/* The decoy in that encoding: dotted, reversed, decimal, hex, base64 (of one of the others); IPv4. */
void mark_make(struct random *random, const char *encoding, const struct endpoint *decoy, char mark[MARK_BYTES]);

/* Something near to it: another address or port, digits that touch, a digit too many, base64 twice, the address alone.
 */
void mark_near(struct random *random, const struct endpoint *decoy, char mark[MARK_BYTES]);

/* Base64 (RFC 4648) with padding, and an end. */
void base64_text(const void *bytes, size_t length, char *text);

#endif
