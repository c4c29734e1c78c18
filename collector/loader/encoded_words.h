/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * encoded_words.h - neighbouring encoded words (RFC 2047) in base64 and one charset made into one word, without NULs.
 *
 * In:  an unfolded header field. Out: the same field, decodable by gmime. Called by subject.c. Of charsets it knows but
 * which ones have NUL bytes in their characters.
 *
 * gmime 3.2 decodes such neighbours as one run of base64 and stops at the padding of the first: "=?utf-8?B?YQ==?=
 * =?utf-8?B?Yg==?=" gave "a". To decode each by itself is no way out, since encoders cut characters between words.
 *
 * A NUL within a word ends what gmime gives, and with it all that stands behind: a stranger could hide a subject so. It
 * becomes a blank, as a NUL outside of words does.
 */
#ifndef OTORI_ENCODED_WORDS_H
#define OTORI_ENCODED_WORDS_H

#include <stddef.h>

/* Writes field, a string, to to[room]; room is more than its length. The result is never longer than field. */
void encoded_words_join(const char *field, char *to, size_t room);

#endif
