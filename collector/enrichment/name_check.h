/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * name_check.h - may this name, which a stranger chose, be asked of a resolver?
 *
 * In:  text. Out: yes, or why not. Called before every question. Pure; may not ask anything.
 */
#ifndef OTORI_ENRICHMENT_NAME_CHECK_H
#define OTORI_ENRICHMENT_NAME_CHECK_H

#include "base/slice.h"

/* Longest name as text, without a final dot (RFC 1035: 255 bytes on the wire), and its room with a terminator. */
#define NAME_MAX_LENGTH 253
#define NAME_TEXT_BYTES (NAME_MAX_LENGTH + 1)

/*
 * NULL where the name may be asked: two labels or more, of letters, digits and hyphens, at most 253 bytes, no address,
 * and not below a name that never leaves a site or has no place in DNS (local, localhost, onion, internal, invalid,
 * alt, arpa,
 * ...). Else the reason in a few words. Underscores are no host name's: those are refused as well.
 */
const char *name_refused(struct slice name);

/*
 * Copies a name in lower case without its final dot to text. 0, or -ENAMETOOLONG. Changes nothing else, so that what is
 * refused can still be told.
 */
int name_fold(struct slice name, char text[NAME_TEXT_BYTES]);

#endif
