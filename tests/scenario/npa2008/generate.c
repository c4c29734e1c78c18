// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * generate.c - writes the captures of a scenario and the facts that are true of them.
 *
 * In:  a plan, a folder. Out: in the folder a capture SENSOR.pcap or SENSOR.pcapng and a folder SENSOR of facts for
 * each sensor, and countries.tsv and exchangers.tsv. The same plan gives the same bytes. Called by the scenarios;
 * shares no code with otori.
 */
#include "calendar.h"
#include "say.h"
#include "schedule.h"

#include <errno.h>
#include <sys/stat.h>

static bool is_decoy(const struct plan_sensor *sensor, const struct endpoint *endpoint)
{
	bool port = false;

	for (size_t i = 0; i < sensor->port_count; i++)
		port |= sensor->ports[i] == endpoint->port;
	for (size_t i = 0; port && i < sensor->decoy_count; i++)
		if (sensor->decoys[i].ipv6 == endpoint->ip.ipv6 &&
		    !memcmp(sensor->decoys[i].bytes, endpoint->ip.bytes, 16))
			return true;
	return false;
}

static void on_syn(void *context, int64_t time_ns, const struct endpoint *from, const struct endpoint *to)
{
	struct scene *scene = context;

	if (is_decoy(scene->sensor, to))
		books_syn(scene->books, time_ns, from, to);
}

static void make_folder(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		say_failed(path);
}

/* sensors.tsv: what otori replay has to be told of each. */
static void write_sensors(const struct plan *plan, const char *folder)
{
	char path[4096], from[40], to[40];
	FILE *file;

	snprintf(path, sizeof(path), "%s/sensors.tsv", folder);
	file = fopen(path, "w");
	if (!file)
		say_failed(path);
	for (size_t i = 0; i < plan->sensor_count; i++) {
		const struct plan_sensor *sensor = &plan->sensors[i];

		fprintf(file, "%s\t%s.%s\t%s\t", sensor->name, sensor->name, sensor->capture, sensor->prefixes);
		for (size_t port = 0; port < sensor->port_count; port++)
			fprintf(file, "%s%u", port ? "," : "", sensor->ports[port]);
		fprintf(file, "\t%s,%s\n", calendar_text(calendar_begin(sensor->first_day), from),
			calendar_text(calendar_begin(sensor->first_day + sensor->days), to));
	}
	if (fclose(file))
		say_failed(path);
}

static void play(struct scene *scene, const char *folder, uint64_t seed)
{
	struct schedule schedule = { .count = 0 };
	char path[4096];
	struct random random;
	uint64_t packets;

	random_seed(&random, seed + scene->sensor_number * 1000003);
	snprintf(path, sizeof(path), "%s/%s", folder, scene->sensor->name);
	make_folder(path);
	scene->books = books_open(path);
	snprintf(path, sizeof(path), "%s/%s.%s", folder, scene->sensor->name, scene->sensor->capture);
	scene->tape = tape_open(path, !strcmp(scene->sensor->capture, "pcapng"));
	scene->watch.syn = on_syn;
	scene->watch.context = scene;
	schedule_make(&schedule, scene, &random);
	for (size_t i = 0; i < schedule.count; i++) {
		tape_let_go(scene->tape, schedule.visits[i].start_ns);
		schedule.visits[i].play(scene, &schedule.visits[i]);
	}
	packets = tape_close(scene->tape);
	books_close(scene->books);
	printf("%s: %zu visits, %llu packets\n", scene->sensor->name, schedule.count, (unsigned long long)packets);
	free(schedule.visits);
}

int main(int argc, char **argv)
{
	struct plan *plan = must_have(sizeof(*plan));
	struct world world;

	if (argc != 3) {
		fprintf(stderr, "usage: generate PLAN FOLDER\n");
		return 2;
	}
	plan_read(plan, argv[1]);
	make_folder(argv[2]);
	write_sensors(plan, argv[2]);
	world_make(&world, plan);
	world_write(&world, argv[2],
		    plan->sensors[plan->sensor_count - 1].first_day + plan->sensors[plan->sensor_count - 1].days / 2);
	for (size_t i = 0; i < plan->sensor_count; i++) {
		struct scene scene = { .plan = plan, .sensor = &plan->sensors[i], .sensor_number = i, .world = &world };

		play(&scene, argv[2], plan->seed);
	}
	free(world.domains);
	free(plan);
	return 0;
}
