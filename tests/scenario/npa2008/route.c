// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * route.c - see route.h: a row a way.
 *
 * In:  a way. Out: struct route.
 */
#include "route.h"
#include "say.h"

#include <ctype.h>

struct drawing {
	struct route *route;
	const struct world *world;
	struct random *random;
	const struct domain *domain;
	const struct exchanger *exchanger; /* one of the domain's */
};

static void by_address(const struct ip *ip, char host[WORLD_HOST_BYTES])
{
	ip_text(ip, host);
}

static void name(const struct drawing *drawing)
{
	snprintf(drawing->route->host, WORLD_HOST_BYTES, "%s", drawing->exchanger->name);
}

/* As some write it: in capitals, with a final dot. */
static void odd_name(const struct drawing *drawing)
{
	char *host = drawing->route->host;

	name(drawing);
	for (; *host; host++)
		*host = (char)toupper(*host);
	*host++ = '.'; /* names are much shorter than their room */
	*host = 0;
}

static void address(const struct drawing *drawing)
{
	by_address(&drawing->exchanger->ip, drawing->route->host);
}

static void address6(const struct drawing *drawing)
{
	if (drawing->domain->exchangers[0].has_ip6)
		by_address(&drawing->domain->exchangers[0].ip6, drawing->route->host);
	else
		address(drawing);
}

/* Another machine of the same operator, by a name below the same registered one. */
static void sibling_name(const struct drawing *drawing)
{
	snprintf(drawing->route->host, WORLD_HOST_BYTES, "out%u.%s", random_below(drawing->random, 3) + 1,
		 drawing->domain->name);
}

static void sibling_address(const struct drawing *drawing)
{
	struct ip ip = ip_plus(drawing->exchanger->ip, 0);

	ip.bytes[3] = (uint8_t)random_between(drawing->random, 200, 205);
	by_address(&ip, drawing->route->host);
}

/* A domain of which no exchanger is known. */
static void unknown_domain(const struct drawing *drawing)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", random_below(drawing->random, 5));
	snprintf(drawing->route->domain, WORLD_HOST_BYTES, "nobody%s.example", number);
	name(drawing);
}

/* A relay by a name of which no address is known. */
static void unknown_relay(const struct drawing *drawing)
{
	snprintf(drawing->route->host, WORLD_HOST_BYTES, "smtp%u.nowhere.example", random_below(drawing->random, 4));
}

/* An open relay: an address in a network where no exchanger is. */
static void elsewhere_address(const struct drawing *drawing)
{
	struct ip ip = world_address(&drawing->world->plan->countries[random_below(drawing->random, 2)], 0,
				     WORLD_ELSEWHERE, random_below(drawing->random, 5), false);

	ip = ip_plus(ip, 7);
	by_address(&ip, drawing->route->host);
	drawing->route->suspect = true;
}

static const struct domain *another_domain(const struct drawing *drawing)
{
	size_t place = (size_t)(drawing->domain - drawing->world->domains);

	return &drawing->world->domains[(place + 1 +
					 random_below(drawing->random, (uint32_t)drawing->world->domain_count - 1)) %
					drawing->world->domain_count];
}

/* The exchanger of another domain, by name. */
static void elsewhere_name(const struct drawing *drawing)
{
	snprintf(drawing->route->host, WORLD_HOST_BYTES, "%s", another_domain(drawing)->exchangers[0].name);
	drawing->route->suspect = true;
}

/* Proper for one recipient, and not for another. */
static void mixed(const struct drawing *drawing)
{
	name(drawing);
	snprintf(drawing->route->other_domain, WORLD_HOST_BYTES, "%s", another_domain(drawing)->name);
}

static void by_proxy(const struct drawing *drawing, const char *form, int port)
{
	struct ip ip = world_address(&drawing->world->plan->countries[random_below(drawing->random, 3)], 0,
				     WORLD_ELSEWHERE, random_below(drawing->random, 9), false);

	ip = ip_plus(ip, 130);
	by_address(&ip, drawing->route->proxy);
	drawing->route->proxy_form = form;
	drawing->route->proxy_port = port;
}

static void chain_http(const struct drawing *drawing)
{
	name(drawing);
	by_proxy(drawing, "http-connect", random_chance(drawing->random, 500) ? 3128 : 8080);
}

static void chain_socks(const struct drawing *drawing)
{
	elsewhere_address(drawing);
	by_proxy(drawing, random_chance(drawing->random, 500) ? "socks4" : "socks5", 1080);
}

static const struct {
	const char *way;
	void (*draw)(const struct drawing *drawing);
} ways[] = {
	{ "name", name },
	{ "odd-name", odd_name },
	{ "address", address },
	{ "address6", address6 },
	{ "sibling-name", sibling_name },
	{ "sibling-address", sibling_address },
	{ "unknown-domain", unknown_domain },
	{ "unknown-relay", unknown_relay },
	{ "elsewhere-address", elsewhere_address },
	{ "elsewhere-name", elsewhere_name },
	{ "mixed", mixed },
	{ "chain-http", chain_http },
	{ "chain-socks", chain_socks },
};

void route_draw(struct route *route, const struct world *world, struct random *random, const char *way)
{
	struct drawing drawing = { .route = route, .world = world, .random = random };

	memset(route, 0, sizeof(*route));
	/* some domains get much more mail than others */
	drawing.domain = &world->domains[random_below(random, 1 + random_below(random, (uint32_t)world->domain_count))];
	drawing.exchanger =
		&drawing.domain->exchangers[random_below(random, (uint32_t)drawing.domain->exchanger_count)];
	snprintf(route->domain, sizeof(route->domain), "%s", drawing.domain->name);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(ways[i].way, way)) {
			ways[i].draw(&drawing);
			return;
		}
	say_bad("plan", 0, "no such way of mails: %s", way);
}
