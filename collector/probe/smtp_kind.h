/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * smtp_kind.h - what a visitor wanted who spoke SMTP to the decoy itself: a test of relaying, a mail, something else.
 *
 * In:  the record of the conversation, with what the client said outside mails. Out: enum smtp_kind. Called by
 * loader/load_access.c: of the stored bytes, so that the rule can be run again over what is stored. Pure.
 */
#ifndef OTORI_PROBE_SMTP_KIND_H
#define OTORI_PROBE_SMTP_KIND_H

#include "record/record.h"

/*
 * mail: DATA was begun (or BDAT announced bytes). relay_test: it was not, and a recipient is a route (user%domain@host,
 * host!user, @a,@b:user@c, "user@domain"@host, user@domain@host), or a sender or recipient is at the decoy's own
 * address, or the same recipient is asked for again with another sender. other: the rest.
 */
enum smtp_kind smtp_kind(const struct record_access *access);

#endif
