/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registered_part.h - the part of a name that somebody registered, by the public suffix list (libpsl).
 *
 * In:  a name. Out: its registered part, such as example.co.jp of mx1.mail.example.co.jp. Used where exchangers are
 * stored. May not ask anything of the network.
 */
#ifndef OTORI_ENRICHMENT_REGISTERED_PART_H
#define OTORI_ENRICHMENT_REGISTERED_PART_H

struct registered_parts; /* the list; opaque */

/* The newest list on this machine, or the one built into libpsl. NULL: libpsl was built without one, and no file is
 * there. */
struct registered_parts *registered_parts_open(void);
/* NULL is accepted. */
void registered_parts_close(struct registered_parts *parts);

/*
 * The registered part of a name in lower case without a final dot: points into name. NULL where there is none (a suffix
 * itself, a single label), or parts is NULL.
 */
const char *registered_part(const struct registered_parts *parts, const char *name);

#endif
