// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * world.c - see world.h.
 *
 * In:  the plan. Out: addresses, names, two files. Draws no number: a place in the plan is a place in the world.
 */
#include "world.h"
#include "calendar.h"
#include "say.h"

#include <time.h>

#define RANGE 65536u /* addresses of one kind within a country's /12 */

struct ip world_address(const struct plan_country *country, size_t sensor, enum world_role role, unsigned number,
			bool ipv6)
{
	unsigned range = role < WORLD_EXCHANGER ? (unsigned)sensor * 4 + role : 12 + role - WORLD_EXCHANGER;
	/* exchangers have a /24 each, of which the caller takes addresses; the others are spread a little */
	unsigned offset = role >= WORLD_EXCHANGER ? number * 256 : number * 37 + 5;

	if (offset >= RANGE)
		say_bad("plan", 0, "country %s has no room for %u hosts of one kind", country->code, number);
	return ip_plus(ipv6 ? country->ipv6 : country->ipv4, range * RANGE + offset);
}

void world_host(const struct world *world, const struct plan_destination *row, size_t sensor, unsigned number,
		char host[WORLD_HOST_BYTES])
{
	static const char *const names[] = { "www", "mail", "news", "shop", "mx" };
	unsigned kind = row->relay_port == 25 ? 1 : 0;
	struct ip ip;

	if (!strcmp(row->country, "ZZ")) {
		snprintf(host, WORLD_HOST_BYTES, "%s%u.unknown-%s.example", names[(kind + number) % 5], number,
			 kind ? "mail" : "web");
		return;
	}
	/* two relay ports ask for hosts of their own */
	ip = world_address(plan_country(world->plan, row->country), sensor, WORLD_DESTINATION, number * 2 + kind,
			   false);
	ip_text(&ip, host);
}

static void make_exchanger(struct domain *domain, const struct plan_country *country, unsigned number, unsigned place)
{
	struct exchanger *exchanger = &domain->exchangers[domain->exchanger_count++];
	char name[sizeof(domain->name)];

	memcpy(name, domain->name, sizeof(name)); /* the name is within what is written to */
	/* the third stands in another network */
	exchanger->ip =
		ip_plus(world_address(country, 0, WORLD_EXCHANGER, number * 2 + (place == 2), false), 10 + 10 * place);
	exchanger->has_ip6 = country->has_ipv6 && place == 0;
	if (exchanger->has_ip6) { /* a /48 of its own: in the third pair of bytes */
		exchanger->ip6 = country->ipv6;
		exchanger->ip6.bytes[4] = (uint8_t)(0x80 | number >> 8);
		exchanger->ip6.bytes[5] = (uint8_t)number;
		exchanger->ip6.bytes[15] = 25;
	}
	if (domain->has_mx)
		snprintf(exchanger->name, sizeof(exchanger->name), "%s%u.%s", place % 2 ? "relay" : "mx", place + 1,
			 name);
	else
		snprintf(exchanger->name, sizeof(exchanger->name), "%s", name);
}

void world_make(struct world *world, const struct plan *plan)
{
	static const char *const first[] = { "blue", "north",  "river", "fast", "city",
					     "open", "silver", "east",	"pine", "star" };
	static const char *const second[] = { "mail", "net", "post", "line", "web", "works", "link", "tel" };
	size_t countries = 0;

	world->plan = plan;
	world->domain_count = plan->domains;
	world->domains = must_have(plan->domains * sizeof(*world->domains));
	while (countries < plan->country_count && strcmp(plan->countries[countries].code, "ZZ"))
		countries++;
	for (unsigned i = 0; i < plan->domains; i++) {
		struct domain *domain = &world->domains[i];
		const struct plan_country *country = &plan->countries[i % countries];

		snprintf(domain->name, sizeof(domain->name), "%s%s%u.example", first[i % 10], second[i / 10 % 8], i);
		domain->has_mx = i % 6 != 5;
		for (unsigned place = 0; place < (domain->has_mx ? 1 + i % 3 : 1); place++)
			make_exchanger(domain, country, i / (unsigned)countries, place);
	}
}

static FILE *create(const char *folder, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	if (!file)
		say_failed(path);
	return file;
}

static void write_countries(const struct world *world, const char *folder)
{
	FILE *file = create(folder, "countries.tsv");
	char text[IP_TEXT_BYTES];

	for (size_t i = 0; i < world->plan->country_count; i++) {
		const struct plan_country *country = &world->plan->countries[i];

		if (!strcmp(country->code, "ZZ"))
			continue;
		fprintf(file, "%s/12\t%s\n", ip_text(&country->ipv4, text), country->code);
		if (country->has_ipv6)
			fprintf(file, "%s/32\t%s\n", ip_text(&country->ipv6, text), country->code);
	}
	if (fclose(file))
		say_failed("countries.tsv");
}

void world_write(const struct world *world, const char *folder, int day)
{
	FILE *file = create(folder, "exchangers.tsv");
	time_t noon = (time_t)day * 86400 + 43200;
	char ip[IP_TEXT_BYTES], date[16];
	struct tm tm;

	gmtime_r(&noon, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	fprintf(file, "# domain, exchanger, addresses, day: as passive DNS had them\n");
	for (size_t i = 0; i < world->domain_count; i++) {
		const struct domain *domain = &world->domains[i];

		for (size_t j = 0; j < domain->exchanger_count; j++) {
			const struct exchanger *exchanger = &domain->exchangers[j];

			fprintf(file, "%s\t%s\t%s", domain->name, exchanger->name, ip_text(&exchanger->ip, ip));
			if (exchanger->has_ip6)
				fprintf(file, ",%s", ip_text(&exchanger->ip6, ip));
			fprintf(file, "\t%s\n", date);
		}
	}
	if (fclose(file))
		say_failed("exchangers.tsv");
	write_countries(world, folder);
}
