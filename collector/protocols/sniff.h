/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sniff.h - tells a protocol by the first bytes of a layer.
 *
 * In:  the prefix that is known so far. Out: which mimic takes it, and its name. Called by conversation.c, mimics and
 * tests. Pure. The answer for a prefix that is YES or NO never changes with more bytes.
 */
#ifndef OTORI_SNIFF_H
#define OTORI_SNIFF_H

#include "protocols/mimic.h"

/* YES: *ops and *protocol (static text) are set. MORE: it can still be something known. NO: it is nothing known. */
enum sniff sniff_prefix(struct slice prefix, const struct mimic_ops **ops, const char **protocol);

/* Does prefix begin with text, letters of any case? */
enum sniff sniff_text(struct slice prefix, const char *text);

/* Nothing but CR and LF. */
bool sniff_line_ends(struct slice bytes);

/* Bytes that no text has: control characters, or mostly bytes beyond ASCII, among the first 256. */
bool sniff_binary(struct slice bytes);

#endif
