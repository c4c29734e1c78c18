/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decoys.h - which addresses and ports are a decoy's.
 *
 * In:  prefixes that do not overlap, ports. Out: yes or no, for two addresses of each packet. Called by session.c and,
 * by mimic_policy.is_decoy, the imitations. Pure.
 */
#ifndef OTORI_REPLAY_DECOYS_H
#define OTORI_REPLAY_DECOYS_H

#include "base/prefix.h"
#include "replay/handshake.h"

struct decoys; /* opaque */

/* Copies both lists. NULL where memory is short. */
struct decoys *decoys_new(const struct prefix *prefixes, uint32_t prefix_count, const uint16_t *ports,
			  uint32_t port_count);
void decoys_free(struct decoys *decoys);

bool decoys_have(const struct decoys *decoys, const struct address *address);

/* Who of the two ends of a packet is a decoy. */
void decoys_roles(const struct decoys *decoys, const struct sighting *sighting, struct handshake_roles *roles);

#endif
