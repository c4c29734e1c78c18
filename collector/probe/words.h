/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words.h - encoded words of a header field (RFC 2047), decoded to bytes.
 *
 * In:  a field as it was sent. Out: its bytes, in no charset: what is looked for in them is ASCII. Called by probe.c.
 * Pure. The loader decodes subjects for readers (loader/subject.c); this one needs no library and serves the responder.
 */
#ifndef OTORI_PROBE_WORDS_H
#define OTORI_PROBE_WORDS_H

#include "base/slice.h"

/*
 * Writes the field to to[field.length], with each encoded word decoded and white space between two of them left out;
 * what is no whole encoded word stays as it is. Of a charset with wide characters (UTF-16 and the like) the zeros are
 * left out, so that what is ASCII reads as such. Returns the length, which is never more than the field's.
 */
size_t words_decode(struct slice field, uint8_t *to);

#endif
