/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * destination.h - what a destination that was asked for is, as far as its text tells: no name is ever resolved.
 *
 * In:  host text, the visitor's address, the policy. Out: HOP_* flags. Called by turn.c and the tests. Pure.
 */
#ifndef OTORI_DESTINATION_H
#define OTORI_DESTINATION_H

#include "protocols/conversation.h"

/* HOP_LOOPBACK, HOP_PRIVATE, HOP_DECOY, HOP_SOURCE as they apply to host (raw bytes, no brackets). */
uint8_t destination_flags(const struct mimic_policy *policy, struct slice host, const struct address *source);

/*
 * Splits "host:port", "[v6]:port", "host", a bare IPv6 address, each with or without "user:secret@" in front.
 * *userinfo is what stood before the @ (empty = none). *port is -1 where there is none, or none that is a port.
 * 0, or -EINVAL where the host is empty.
 */
int destination_split(struct slice authority, struct slice *userinfo, struct slice *host, int32_t *port);

#endif
