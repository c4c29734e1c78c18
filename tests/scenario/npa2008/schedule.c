// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * schedule.c - see schedule.h: what the parts share, direct mail, and the noise.
 *
 * In:  the plan. Out: visits.
 */
#include "schedule.h"
#include "calendar.h"
#include "say.h"

#define EDGE_SECONDS 40

struct visit *schedule_add(struct schedule *schedule, struct random *random)
{
	struct visit *visit;

	if (schedule->count == schedule->room) {
		schedule->room = schedule->room ? schedule->room * 2 : 4096;
		schedule->visits = realloc(schedule->visits, schedule->room * sizeof(*schedule->visits));
		if (!schedule->visits)
			say_failed("generate: memory");
	}
	visit = &schedule->visits[schedule->count++];
	*visit = (struct visit){ .relay_port = -1, .seed = random_next(random) };
	visit->client.port = (uint16_t)random_between(random, 1025, 65000);
	return visit;
}

/* Any moment of the period; some lie within a minute of midnight. The last ones leave time to end. */
int64_t schedule_moment(const struct plan_sensor *sensor, struct random *random)
{
	int day = sensor->first_day + (int)random_below(random, (uint32_t)sensor->days);
	int64_t begin = calendar_begin(day), end = calendar_begin(day + 1), second;

	if (day == sensor->first_day + sensor->days - 1)
		end -= 300;
	if (random_chance(random, 30))
		second = random_chance(random, 500) ? begin + random_below(random, EDGE_SECONDS)
						    : end - 1 - random_below(random, EDGE_SECONDS);
	else
		second = begin + random_below(random, (uint32_t)(end - begin));
	return second * SCHEDULE_SECOND_NS + random_below(random, 1000000000);
}

struct endpoint schedule_decoy(const struct plan_sensor *sensor, struct random *random, bool ipv6, uint16_t port)
{
	struct endpoint decoy = { .port = port };

	for (int i = 0; i < 100000; i++) {
		decoy.ip = sensor->decoys[random_below(random, (uint32_t)sensor->decoy_count)];
		if (decoy.ip.ipv6 == ipv6)
			return decoy;
	}
	say_bad("plan", 0, "sensor %s has no decoy of that family", sensor->name);
}

const char *schedule_pick(const struct plan_item *items, size_t count, struct random *random)
{
	uint32_t sum = 0, at;

	for (size_t i = 0; i < count; i++)
		sum += items[i].count;
	if (!sum)
		say_bad("plan", 0, "there is nothing to choose from: forms or routes are missing");
	at = random_below(random, sum);
	for (; at >= items->count; items++)
		at -= items->count;
	return items->name;
}

uint32_t *schedule_people(const struct plan_group *groups, size_t count, struct random *random, size_t *people)
{
	size_t sum = 0, at = 0;
	uint32_t *who;

	for (size_t i = 0; i < count; i++)
		sum += groups[i].count;
	who = must_have((sum + 1) * sizeof(*who));
	for (uint32_t i = 0; i < count; i++)
		for (unsigned j = 0; j < groups[i].count; j++) {
			/* everybody once, then some much more often than others */
			uint32_t number = j < groups[i].sources
						  ? j
						  : random_below(random, 1 + random_below(random, groups[i].sources));

			who[at++] = i << 16 | number;
		}
	random_shuffle(random, who, sum);
	*people = sum;
	return who;
}

/* Some who speak to port 25 come to the proxies as well: addresses that are counted in both figures. */
static struct ip direct_address(const struct scene *scene, const struct plan_group *group, unsigned number)
{
	const struct plan_country *country = plan_country(scene->plan, group->country);
	enum world_role role = WORLD_DIRECT;

	for (size_t i = 0; i < scene->sensor->source_count; i++) {
		const struct plan_group *other = &scene->sensor->sources[i];

		if (!strcmp(other->country, group->country) && other->ipv6 == group->ipv6 && number % 6 == 0 &&
		    number < other->sources)
			role = WORLD_SOURCE;
	}
	return world_address(country, scene->sensor_number, role, number, group->ipv6);
}

static void add_direct(struct schedule *schedule, const struct scene *scene, struct random *random,
		       const struct plan_group *group, unsigned number, const char *form)
{
	struct visit *visit = schedule_add(schedule, random);

	visit->play = direct_visit;
	visit->form = form;
	visit->start_ns = schedule_moment(scene->sensor, random);
	visit->client.ip = direct_address(scene, group, number);
	visit->server = schedule_decoy(scene->sensor, random, group->ipv6, 25);
}

static void schedule_direct(struct schedule *schedule, const struct scene *scene, struct random *random)
{
	const struct plan_sensor *sensor = scene->sensor;
	size_t people;
	uint32_t *who = schedule_people(sensor->direct, sensor->direct_count, random, &people);

	for (size_t i = 0; i < people; i++)
		add_direct(schedule, scene, random, &sensor->direct[who[i] >> 16], who[i] & 0xffff,
			   schedule_pick(sensor->direct_forms, sensor->direct_form_count, random));
	free(who);
}

/* Noise comes from anywhere, to any decoy of IPv4 and any of its ports. */
static void add_noise(struct schedule *schedule, const struct scene *scene, struct random *random,
		      const struct plan_item *item)
{
	const struct plan_sensor *sensor = scene->sensor;
	const struct plan *plan = scene->plan;
	struct visit *visit;

	if (!strcmp(item->name, "direct-hello")) {
		const struct plan_group *group = &sensor->direct[random_below(random, (uint32_t)sensor->direct_count)];

		add_direct(schedule, scene, random, group, random_below(random, group->sources), "hello");
		return;
	}
	visit = schedule_add(schedule, random);
	visit->play = noise_visit;
	visit->form = item->name;
	visit->start_ns = schedule_moment(sensor, random);
	visit->server = schedule_decoy(sensor, random, false,
				       sensor->ports[random_below(random, (uint32_t)sensor->port_count)]);
	visit->client.ip = ip_plus(world_address(&plan->countries[random_below(random, (uint32_t)plan->country_count)],
						 0, WORLD_ELSEWHERE, 100 + random_below(random, 50), false),
				   random_below(random, 250));
}

static void schedule_noise(struct schedule *schedule, const struct scene *scene, struct random *random)
{
	for (size_t i = 0; i < scene->sensor->noise_count; i++)
		for (unsigned j = 0; j < scene->sensor->noise[i].count; j++)
			add_noise(schedule, scene, random, &scene->sensor->noise[i]);
}

static int by_start(const void *a, const void *b)
{
	const struct visit *first = a, *second = b;

	if (first->start_ns != second->start_ns)
		return first->start_ns < second->start_ns ? -1 : 1;
	return first->seed < second->seed ? -1 : 1;
}

void schedule_make(struct schedule *schedule, const struct scene *scene, struct random *random)
{
	schedule_proxy(schedule, scene, random);
	schedule_direct(schedule, scene, random);
	schedule_mails(schedule, scene, random);
	schedule_noise(schedule, scene, random);
	qsort(schedule->visits, schedule->count, sizeof(*schedule->visits), by_start);
}
