// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mimic_unknown.c - takes what no imitation takes: keeps it, says nothing.
 *
 * In:  bytes of a protocol that is only named, or of none. Out: the payload. Called by conversation.c. Silence is what
 * a proxy that waits for the rest of a request does; the idle deadline ends it.
 */
#include "protocols/mimic.h"

static size_t unknown_input(struct turn *turn, struct slice bytes)
{
	turn_keep(turn, bytes);
	return bytes.length;
}

const struct mimic_ops mimic_unknown = {
	.name = "unknown",
	.input = unknown_input,
};
