// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * decoys.c - a sorted list of prefixes and a bitmap of ports.
 *
 * In:  the sensor's prefixes and ports. Out: roles of addresses. Called by session.c. Pure; memory fixed at start.
 */
#include <stdlib.h>

#include "replay/decoys.h"

struct decoys {
	uint8_t ports[65536 / 8];
	uint32_t count;
	struct prefix prefixes[]; /* by address; they do not overlap */
};

static int by_address(const void *a, const void *b)
{
	return memcmp(((const struct prefix *)a)->address, ((const struct prefix *)b)->address, 16);
}

struct decoys *decoys_new(const struct prefix *prefixes, uint32_t prefix_count, const uint16_t *ports,
			  uint32_t port_count)
{
	struct decoys *decoys = calloc(1, sizeof(*decoys) + prefix_count * sizeof(struct prefix));

	if (!decoys)
		return NULL;
	decoys->count = prefix_count;
	if (prefix_count) {
		memcpy(decoys->prefixes, prefixes, prefix_count * sizeof(struct prefix));
		qsort(decoys->prefixes, prefix_count, sizeof(struct prefix), by_address);
	}
	for (uint32_t i = 0; i < port_count; i++)
		decoys->ports[ports[i] / 8] |= (uint8_t)(1 << ports[i] % 8);
	return decoys;
}

void decoys_free(struct decoys *decoys)
{
	free(decoys);
}

bool decoys_have(const struct decoys *decoys, const struct address *address)
{
	struct prefix one = prefix_of_address(address);
	uint32_t low = 0, high = decoys->count;

	/* the last prefix that does not begin behind the address is the only one that can hold it */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (memcmp(decoys->prefixes[middle].address, one.address, 16) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && prefix_covers(&decoys->prefixes[low - 1], &one);
}

static bool has_port(const struct decoys *decoys, uint16_t port)
{
	return decoys->ports[port / 8] >> port % 8 & 1;
}

void decoys_roles(const struct decoys *decoys, const struct sighting *sighting, struct handshake_roles *roles)
{
	memset(roles, 0, sizeof(*roles));
	if (!sighting->ip)
		return;
	roles->source_is_decoy = decoys_have(decoys, &sighting->source);
	roles->destination_is_decoy = decoys_have(decoys, &sighting->destination);
	if (sighting->tcp) {
		roles->source_port_is_decoys = has_port(decoys, sighting->source_port);
		roles->destination_port_is_decoys = has_port(decoys, sighting->destination_port);
	}
}
