/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * world.h - who lives where: addresses of visitors and hosts by country, domains with their mail exchangers.
 *
 * In:  the plan. Out: addresses, names, and the files countries.tsv and exchangers.tsv that the enrichment reads. Every
 * kind of host has a range of its own within its country's block, so that no address is two things by chance.
 */
#ifndef NPA2008_WORLD_H
#define NPA2008_WORLD_H

#include "plan.h"
#include "random.h"

#define WORLD_EXCHANGERS 3
#define WORLD_HOST_BYTES 96

enum world_role { WORLD_SOURCE, WORLD_DIRECT, WORLD_SENDER, WORLD_DESTINATION, WORLD_EXCHANGER, WORLD_ELSEWHERE };

struct exchanger {
	char name[WORLD_HOST_BYTES];
	struct ip ip, ip6;
	bool has_ip6;
};

struct domain {
	char name[64];
	bool has_mx; /* false: the domain itself is its exchanger */
	struct exchanger exchangers[WORLD_EXCHANGERS];
	size_t exchanger_count;
};

struct world {
	const struct plan *plan;
	struct domain *domains;
	size_t domain_count;
};

void world_make(struct world *world, const struct plan *plan);

/* The number-th address of a country's hosts of that kind, seen by the sensor of that number. */
struct ip world_address(const struct plan_country *country, size_t sensor, enum world_role role, unsigned number,
			bool ipv6);

/* The text of a host that is asked for: an address in the country, or of ZZ a name that nobody resolves. */
void world_host(const struct world *world, const struct plan_destination *row, size_t sensor, unsigned number,
		char host[WORLD_HOST_BYTES]);

/* countries.tsv and exchangers.tsv in that folder; the exchangers are dated day. */
void world_write(const struct world *world, const char *folder, int day);

#endif
