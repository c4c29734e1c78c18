// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * schedule_mail.c - the mails of a sensor: for each day exactly as many as the plan says, probes among them, in
 * connections of one to twelve; some connections last over midnight, with a mail on either side.
 *
 * In:  the plan. Out: visits of mail_visit.c.
 */
#include "schedule.h"
#include "calendar.h"
#include "say.h"

#define MAILS_MOST 12
#define CONNECTION_SECONDS 200 /* twelve mails on a bad path take less */
#define BEFORE_MIDNIGHT_SECONDS 25
#define BEHIND_MIDNIGHT_SECONDS \
	20 /* a probe sent at midnight has arrived by then: what follows it can be counted by hand */
#define QUIET_SECONDS 60

struct days {
	unsigned left[PLAN_ROWS]; /* mails of each day that have no connection yet */
	int count;
};

static struct visit *add_connection(struct schedule *schedule, const struct scene *scene, struct random *random,
				    int64_t start, unsigned mails)
{
	const struct plan_sensor *sensor = scene->sensor;
	struct plan_item weights[PLAN_ROWS];
	const struct plan_group *group = NULL;
	struct visit *visit = schedule_add(schedule, random);
	const char *country;

	for (size_t i = 0; i < sensor->sender_count; i++) {
		snprintf(weights[i].name, sizeof(weights[i].name), "%zu", i);
		weights[i].count = sensor->senders[i].count;
	}
	country = schedule_pick(weights, sensor->sender_count, random);
	group = &sensor->senders[atoi(country)];
	visit->play = mail_visit;
	visit->start_ns = start * SCHEDULE_SECOND_NS + random_below(random, 1000000000);
	visit->client.ip = world_address(plan_country(scene->plan, group->country), scene->sensor_number, WORLD_SENDER,
					 random_below(random, 1 + random_below(random, group->sources)), group->ipv6);
	visit->server = schedule_decoy(sensor, random, group->ipv6, sensor->ports[0]);
	visit->mails = mails;
	return visit;
}

static void add_probes(struct schedule *schedule, const struct scene *scene, struct random *random, struct days *days)
{
	for (size_t i = 0; i < scene->sensor->probe_count; i++) {
		const struct plan_probe *probe = &scene->sensor->probes[i];
		struct visit *visit =
			add_connection(schedule, scene, random,
				       calendar_begin(scene->sensor->first_day + probe->day) + probe->second, 1);

		if (!days->left[probe->day]--)
			say_bad("plan", 0, "sensor %s: more probes than mails on a day", scene->sensor->name);
		visit->probe = probe;
		/* marks are of IPv4 addresses */
		visit->server = schedule_decoy(scene->sensor, random, false, visit->server.port);
		if (visit->client.ip.ipv6)
			visit->client.ip = world_address(plan_country(scene->plan, scene->sensor->senders[0].country),
							 scene->sensor_number, WORLD_SENDER, 0, false);
	}
}

static void add_over_midnight(struct schedule *schedule, const struct scene *scene, struct random *random,
			      struct days *days, int day)
{
	int64_t midnight = calendar_begin(scene->sensor->first_day + day + 1);
	struct visit *visit;

	if (day + 1 >= days->count || days->left[day] < 20 || days->left[day + 1] < 20)
		return;
	days->left[day]--;
	days->left[day + 1]--;
	visit = add_connection(schedule, scene, random, midnight - BEFORE_MIDNIGHT_SECONDS, 2);
	visit->pause_until_ns = (midnight + BEHIND_MIDNIGHT_SECONDS) * SCHEDULE_SECOND_NS;
	visit->form = "name";
}

static void add_day(struct schedule *schedule, const struct scene *scene, struct random *random, struct days *days,
		    int day)
{
	const struct plan_sensor *sensor = scene->sensor;
	int64_t begin = calendar_begin(sensor->first_day + day) + QUIET_SECONDS;
	uint32_t seconds = (uint32_t)(calendar_begin(sensor->first_day + day + 1) - begin - CONNECTION_SECONDS);

	add_over_midnight(schedule, scene, random, days, day);
	while (days->left[day]) {
		unsigned most = days->left[day] < MAILS_MOST ? days->left[day] : MAILS_MOST;
		unsigned mails = random_chance(random, 300) ? 1 : random_between(random, 1, most);

		days->left[day] -= mails;
		add_connection(schedule, scene, random, begin + random_below(random, seconds), mails)->form =
			schedule_pick(sensor->routes, sensor->route_count, random);
	}
}

void schedule_mails(struct schedule *schedule, const struct scene *scene, struct random *random)
{
	const struct plan_sensor *sensor = scene->sensor;
	struct days days = { .count = sensor->days };

	if (!sensor->mail_day_count)
		return;
	if (sensor->days > PLAN_ROWS)
		say_bad("plan", 0, "sensor %s: mails in a period of more than %d days", sensor->name, PLAN_ROWS);
	for (size_t i = 0; i < sensor->mail_day_count; i++)
		days.left[sensor->mail_days[i].day] += sensor->mail_days[i].count;
	add_probes(schedule, scene, random, &days);
	for (int day = 0; day < days.count; day++)
		add_day(schedule, scene, random, &days, day);
}
