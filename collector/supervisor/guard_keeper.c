/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard_keeper.c - nothing is sent while the guard is not in place.
 *
 * In:  what the guard's watch and every second's look find. Out: transmission stopped or going on (XDP's answers, the
 * responder's frames), the guard put back, a line and a violation record. Called by supervisor.c.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/otori/guard_rule.h"
#include "base/clock.h"
#include "base/log.h"
#include "supervisor/supervisor.h"

#define NAME_VERDICT(name, text) #name,
#define TEXT_VERDICT(name, text) text,

static const char *const verdict_names[] = { OTORI_GUARD_VERDICTS(NAME_VERDICT) };
static const char *const verdict_texts[] = { OTORI_GUARD_VERDICTS(TEXT_VERDICT) };

_Static_assert(OTORI_GUARD_VERDICT_COUNT <= 16, "guard_counted has too little room");

static void record(struct supervisor *supervisor, const char *source, const char *what)
{
	struct record_violation violation = { .seen_at_ns = clock_utc_ns(),
					      .source = slice_of_text(source),
					      .what = slice_of_text(what) };

	if (record_append_violation(&supervisor->own.records, &violation) < 0)
		log_warning("no room to record: %s", what);
}

int guard_keeper_open(struct supervisor *supervisor, struct problem *problem)
{
	supervisor->guard_program = datapath_guard_program(&supervisor->datapath);
	return guard_watch_open(&supervisor->watch, problem);
}

/* Stops or lets go on both ways out. */
static void transmit(struct supervisor *supervisor, bool on)
{
	__atomic_store_n(&supervisor->datapath.settings->answering, on ? 1 : 0, __ATOMIC_RELEASE);
	if (supervisor->transmitting != on)
		responder_tell(supervisor, RESPONDER_TRANSMIT, on ? 1 : 0);
	supervisor->transmitting = on;
}

static void device_gone(struct supervisor *supervisor, const struct datapath_device *device)
{
	supervisor->failed = supervisor->stop = true;
	problem_say(&supervisor->why, PROBLEM_FAILURE, -ENODEV, "interface %s is gone", device->name);
}

/* One device: true where the guard is in place, or is so again. */
static bool look(struct supervisor *supervisor, struct datapath_device *device)
{
	char text[160] = "", line[256];
	int state = guard_look(device->ifindex, supervisor->guard_program, text, sizeof(text));
	struct problem problem;

	if (state == GUARD_IN_PLACE) {
		if (!device->guarded)
			log_notice("guard: %s: in place again", device->name);
		device->guarded = true;
		return true;
	}
	if (state == -ENODEV || !if_indextoname(device->ifindex, line)) {
		device_gone(supervisor, device);
		return false;
	}
	/* first of all nothing more goes out */
	transmit(supervisor, false);
	if (device->guarded) {
		snprintf(line, sizeof(line), "guard: %s: %s", device->name, state < 0 ? strerror(-state) : text);
		log_error("%s: transmission is stopped", line);
		record(supervisor, "supervisor", line);
	}
	device->guarded = false;
	if (state == GUARD_ABSENT && guard_install(device->ifindex, device->name,
						   datapath_guard_descriptor(&supervisor->datapath), &problem) == 0) {
		log_notice("guard: %s: put back in place", device->name);
		device->guarded = true;
	}
	return device->guarded;
}

void guard_keeper_look(struct supervisor *supervisor)
{
	bool all = true;

	for (uint32_t n = 0; n < supervisor->datapath.device_count; n++)
		all = look(supervisor, &supervisor->datapath.devices[n]) && all;
	if (all && !supervisor->transmitting && supervisor->announced)
		log_notice("guard: transmission goes on");
	if (all)
		transmit(supervisor, true);
}

void guard_keeper_count(struct supervisor *supervisor)
{
	int map = datapath_map(&supervisor->datapath, "guard_counters"), cpus = libbpf_num_possible_cpus();
	uint64_t *values = cpus > 0 ? calloc((size_t)cpus, sizeof(*values)) : NULL;
	char line[256];

	for (uint32_t verdict = 0; values && verdict < OTORI_GUARD_VERDICT_COUNT; verdict++) {
		uint64_t sum = 0, before = supervisor->guard_counted[verdict];

		if (bpf_map_lookup_elem(map, &verdict, values) < 0)
			break;
		for (int cpu = 0; cpu < cpus; cpu++)
			sum += values[cpu];
		supervisor->guard_counted[verdict] = sum;
		if (sum <= before || strncmp(verdict_names[verdict], "drop_", 5) != 0 || !supervisor->observed_ns)
			continue;
		snprintf(line, sizeof(line), "%s: %" PRIu64 " frames refused (%s)", verdict_names[verdict],
			 sum - before, verdict_texts[verdict]);
		record(supervisor, "tc", line);
	}
	free(values);
}
