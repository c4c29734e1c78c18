// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * schedule_proxy.c - the accesses of a sensor: forms by the ports of the plan, hosts by its destinations, visitors by
 * its countries.
 *
 * In:  the plan. Out: visits of proxy_visit.c. Texts that visits refer to are kept for the life of the program.
 */
#include "schedule.h"
#include "say.h"

#define OTHER_HOSTS 30
#define OTHER_HOSTS_FIRST 900 /* behind those of the plan's destinations */

/* Hosts for the accesses that ask for this relay port, in the order in which they are dealt out. */
struct deck {
	const char **hosts;
	size_t count, next;
};

static const char *keep(const char *text, size_t length)
{
	char *kept = must_have(length + 1);

	memcpy(kept, text, length);
	return kept;
}

static void shuffle(struct deck *deck, struct random *random)
{
	for (size_t i = deck->count; i > 1; i--) {
		size_t j = random_next(random) % i;
		const char *host = deck->hosts[i - 1];

		deck->hosts[i - 1] = deck->hosts[j];
		deck->hosts[j] = host;
	}
}

static void fill_deck(struct deck *deck, const struct scene *scene, struct random *random, int relay_port)
{
	const struct plan_sensor *sensor = scene->sensor;
	char host[WORLD_HOST_BYTES];
	size_t sum = 0;

	for (size_t i = 0; i < sensor->destination_count; i++)
		sum += sensor->destinations[i].relay_port == relay_port ? sensor->destinations[i].count : 0;
	deck->hosts = must_have((sum + 1) * sizeof(*deck->hosts));
	for (size_t i = 0; i < sensor->destination_count; i++) {
		const struct plan_destination *row = &sensor->destinations[i];

		for (unsigned j = 0; row->relay_port == relay_port && j < row->count; j++) {
			world_host(scene->world, row, scene->sensor_number,
				   j < row->hosts ? j : random_below(random, row->hosts), host);
			deck->hosts[deck->count++] = keep(host, strlen(host));
		}
	}
	shuffle(deck, random);
}

static const char *other_host(const struct scene *scene, struct random *random)
{
	const struct plan_country *country = &scene->plan->countries[random_below(random, 4)];
	struct ip ip = world_address(country, scene->sensor_number, WORLD_DESTINATION,
				     OTHER_HOSTS_FIRST + random_below(random, OTHER_HOSTS), false);
	char text[IP_TEXT_BYTES];

	ip_text(&ip, text);
	return keep(text, strlen(text));
}

/* One of a comma separated list. */
static const char *pick_form(const char *list, struct random *random)
{
	unsigned count = 1, which;
	const char *end;

	for (const char *at = list; *at; at++)
		count += *at == ',';
	for (which = random_below(random, count); which; which--)
		list = strchr(list, ',') + 1;
	end = strchr(list, ',');
	return keep(list, end ? (size_t)(end - list) : strlen(list));
}

static void set_ask(struct visit *visit, const struct plan_access *access, const struct scene *scene,
		    struct random *random, struct deck *web, struct deck *mail)
{
	struct deck *deck = access->relay_port == 80 ? web : mail;
	struct ip ip;

	visit->form = pick_form(access->forms, random);
	if (access->relay_port < 0 || !strncmp(visit->form, "exploit", 7))
		return;
	visit->relay_port = access->relay_port;
	visit->host = access->relay_port == 80 || access->relay_port == 25 ? deck->hosts[deck->next++]
									   : other_host(scene, random);
	if (!strcmp(visit->form, "socks4") && !ip_read(visit->host, &ip))
		visit->form = "socks4a"; /* SOCKS4 knows no names */
}

void schedule_proxy(struct schedule *schedule, const struct scene *scene, struct random *random)
{
	const struct plan_sensor *sensor = scene->sensor;
	struct deck web = { 0 }, mail = { 0 };
	size_t people, at = 0;
	uint32_t *who = schedule_people(sensor->sources, sensor->source_count, random, &people);

	fill_deck(&web, scene, random, 80);
	fill_deck(&mail, scene, random, 25);
	for (size_t i = 0; i < sensor->access_count; i++)
		for (unsigned j = 0; j < sensor->access[i].count; j++) {
			const struct plan_group *group = &sensor->sources[who[at] >> 16];
			struct visit *visit = schedule_add(schedule, random);

			visit->play = proxy_visit;
			visit->start_ns = schedule_moment(sensor, random);
			visit->client.ip =
				world_address(plan_country(scene->plan, group->country), scene->sensor_number,
					      WORLD_SOURCE, who[at++] & 0xffff, group->ipv6);
			visit->server = schedule_decoy(sensor, random, group->ipv6, sensor->access[i].port);
			set_ask(visit, &sensor->access[i], scene, random, &web, &mail);
		}
	free(who);
	free(web.hosts);
	free(mail.hosts);
}
