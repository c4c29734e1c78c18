/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load.c - loads both BPF programs over the maps of an earlier run, and fills the maps.
 *
 * In:  struct datapath_plan. Out: struct datapath, loaded but attached nowhere. Called by supervisor/. Attaching is
 * attach.c's, the guard guard_tc.c's.
 */
#include "datapath/datapath.h"

#include "datapath/datapath.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../include/otori/admission.h"
#include "base/clock.h"
#include "base/log.h"
#include "datapath/clock.h"
#include "datapath/guard.h"
#include "datapath/maps.h"
#include "datapath/pins.h"
#include "datapath/skeletons.h"

#define VERIFIER_LOG_BYTES (1u << 20)

void datapath_init(struct datapath *datapath)
{
	memset(datapath, 0, sizeof(*datapath));
	datapath->pin_directory = -1;
	for (unsigned n = 0; n < OTORI_MAX_RINGS; n++)
		datapath->ring[n] = -1;
	for (unsigned n = 0; n < OTORI_MAX_DEVICES; n++)
		datapath->devices[n].link = -1;
}

int datapath_map(const struct datapath *datapath, const char *name)
{
	const struct bpf_map *map = NULL;

	if (datapath->otori)
		map = bpf_object__find_map_by_name(datapath->otori->obj, name);
	if (!map && datapath->guard)
		map = bpf_object__find_map_by_name(datapath->guard->obj, name);
	return map ? bpf_map__fd(map) : -1;
}

/* The sequence of rings in use decides where a slot's events go; another number makes the admitted flows worthless. */
static bool rings_changed(uint32_t rings)
{
	char name[32];
	int last, next;

	snprintf(name, sizeof(name), "ring_%u", rings - 1);
	last = pins_get(name);
	snprintf(name, sizeof(name), "ring_%u", rings);
	next = rings < OTORI_MAX_RINGS ? pins_get(name) : -ENOENT;
	if (last >= 0)
		close(last);
	if (next >= 0)
		close(next);
	return last < 0 || next >= 0;
}

/* A map that is only good together with others that were not kept. */
static bool useless(const char *name, bool flows_lost)
{
	return flows_lost && strcmp(name, "admission") == 0;
}

static int adopt_maps(struct bpf_object *object, const struct bpf_object *first, uint32_t rings,
		      struct problem *problem)
{
	bool flows_lost = rings_changed(rings);
	struct bpf_map *map;
	int err;

	bpf_object__for_each_map(map, object)
	{
		const struct bpf_map *shared = first ? bpf_object__find_map_by_name(first, bpf_map__name(map)) : NULL;

		if (bpf_map__is_internal(map))
			continue;
		bpf_map__set_pin_path(map, NULL); /* pins are ours to make, after all is loaded */
		if (shared) {
			err = bpf_map__reuse_fd(map, bpf_map__fd(shared));
		} else if (useless(bpf_map__name(map), flows_lost)) {
			err = 0;
		} else {
			err = pins_adopt(map);
			if (err == -ESTALE) {
				log_notice("the pinned map %s has another layout and is replaced: what it held is lost",
					   bpf_map__name(map));
				err = 0;
			}
		}
		if (err < 0)
			return problem_say(problem, PROBLEM_BPF, err, "map %s cannot be taken over: %s",
					   bpf_map__name(map), strerror(-err));
	}
	return 0;
}

static int keep_maps(const struct bpf_object *object, struct problem *problem)
{
	struct bpf_map *map;
	int err;

	bpf_object__for_each_map(map, object)
	{
		if (bpf_map__is_internal(map))
			continue;
		err = pins_keep(map);
		if (err < 0)
			return problem_say(problem, PROBLEM_BPF, err, "map %s cannot be pinned: %s", bpf_map__name(map),
					   strerror(-err));
	}
	return 0;
}

/* The line of the verifier that tells most: the last but the statistics. */
static const char *last_line(char *text)
{
	char *line, *best = text, *rest = text;

	while ((line = strsep(&rest, "\n")))
		if (*line && strncmp(line, "processed ", 10) != 0)
			best = line;
	return best;
}

static int load_object(struct bpf_object *object, const char *what, struct problem *problem)
{
	static char verifier_log[VERIFIER_LOG_BYTES];
	struct bpf_program *program;
	int err;

	verifier_log[0] = '\0';
	bpf_object__for_each_program(program, object)
		bpf_program__set_log_buf(program, verifier_log, sizeof(verifier_log));
	err = bpf_object__load(object);
	if (err < 0)
		return problem_say(problem, PROBLEM_BPF, err, "the %s program cannot be loaded: %s%s%.300s", what,
				   strerror(-err), verifier_log[0] ? ": " : "", last_line(verifier_log));
	return 0;
}

/* Buckets of 8 slots: a power of two, with at least twice as many slots as flows. */
static uint32_t buckets_for(uint32_t flows)
{
	uint32_t buckets = 16;

	while ((uint64_t)buckets * OTORI_BUCKET_SLOTS < 2 * (uint64_t)flows)
		buckets *= 2;
	return buckets;
}

static const struct prefix *decoy_prefix(const void *list, uint32_t n)
{
	return &((const struct datapath_decoy *)list)[n].prefix;
}

static const void *decoy_value(const void *list, uint32_t n)
{
	static const struct otori_decoy kinds[] = {
		[OTORI_DECOY_UNUSED] = { .kind = OTORI_DECOY_UNUSED }, [OTORI_DECOY_OWN] = { .kind = OTORI_DECOY_OWN }
	};

	return &kinds[((const struct datapath_decoy *)list)[n].kind];
}

/* Longer frames come to XDP in parts, and only to a program that takes such. */
#define ONE_PART_MTU 3000

/* What is a constant for the programs: how big the table is, which decoys, whether frames may be long. */
static void set_constants(struct datapath *datapath, const struct datapath_plan *plan, uint32_t buckets)
{
	struct otori_few_decoys few;
	bool parts = false;

	for (uint32_t n = 0; n < plan->device_count; n++)
		parts |= plan->devices[n].mtu > ONE_PART_MTU;
	maps_few_decoys(&few, plan->decoy_count, decoy_prefix, decoy_value, plan->decoys);
	memcpy((void *)&datapath->otori->rodata->few_decoys, &few, sizeof(few));
	memcpy((void *)&datapath->guard->rodata->few_decoys, &few, sizeof(few));
	datapath->otori->rodata->admission_mask = buckets - 1;
	datapath->guard->rodata->admission_mask = buckets - 1;
	datapath->otori->rodata->frames_in_parts = parts;
	if (parts)
		bpf_program__set_flags(datapath->otori->progs.otori_xdp, BPF_F_XDP_HAS_FRAGS);
}

static int load_both(struct datapath *datapath, const struct datapath_plan *plan, struct problem *problem)
{
	uint32_t buckets = buckets_for(plan->flows);
	int err;

	datapath->otori = otori_bpf__open();
	datapath->guard = guard_bpf__open();
	if (!datapath->otori || !datapath->guard)
		return problem_say(problem, PROBLEM_BPF, -ENOMEM, "the BPF programs cannot be opened: %s",
				   strerror(errno));
	bpf_map__set_max_entries(datapath->otori->maps.admission, buckets);
	set_constants(datapath, plan, buckets);
	datapath->otori->rodata->kernel_admission = plan->kernel_admission;
	err = adopt_maps(datapath->otori->obj, NULL, plan->rings, problem);
	if (!err)
		err = load_object(datapath->otori->obj, "XDP", problem);
	if (err)
		return err;
	err = adopt_maps(datapath->guard->obj, datapath->otori->obj, plan->rings, problem);
	if (!err)
		err = load_object(datapath->guard->obj, "guard", problem);
	return err;
}

static int map_settings(struct datapath *datapath, const struct datapath_plan *plan, struct problem *problem)
{
	struct otori_settings *live, wanted = plan->settings;
	int fd = datapath_map(datapath, "settings");

	live = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (live == MAP_FAILED)
		return problem_say(problem, PROBLEM_BPF, -errno, "map settings cannot be mapped: %s", strerror(errno));
	madvise(live, (size_t)sysconf(_SC_PAGESIZE), MADV_DONTFORK); /* no child may write it */
	datapath->settings = live;
	/* a run that is taken over goes on answering meanwhile */
	wanted.ns_per_jiffy = clock_ns_per_jiffy();
	wanted.clock_offset_ns = live->clock_offset_ns;
	wanted.heartbeat_ns = live->heartbeat_ns;
	wanted.answering = live->answering;
	wanted.rings = plan->rings;
	*live = wanted;
	return 0;
}

static const struct prefix *quiet_prefix(const void *list, uint32_t n)
{
	return &((const struct prefix *)list)[n];
}

static const void *quiet_value(const void *list, uint32_t n)
{
	static const uint8_t one[8] = { 1 };

	(void)list;
	(void)n;
	return one;
}

int datapath_set_quiet(struct datapath *datapath, const struct prefix *quiet, uint32_t count)
{
	datapath->settings->quiet_prefixes = count;
	return maps_fill_prefixes(datapath_map(datapath, "quiet_sources"), count, quiet_prefix, quiet_value, quiet);
}

static int fill_maps(struct datapath *datapath, const struct datapath_plan *plan, struct problem *problem)
{
	const char *what = "decoys";
	int err = maps_fill_prefixes(datapath_map(datapath, "decoys"), plan->decoy_count, decoy_prefix, decoy_value,
				     plan->decoys);

	if (!err) {
		what = "quiet_sources";
		err = datapath_set_quiet(datapath, plan->quiet, plan->quiet_count);
	}
	if (!err) {
		what = "ports";
		err = maps_fill_ports(datapath_map(datapath, "ports"), datapath_map(datapath, "port_counters"),
				      bpf_map__fd(datapath->otori->maps.data_ports), plan->ports, plan->port_count,
				      datapath->ports);
	}
	if (!err) {
		what = "devices";
		err = maps_fill_devices(datapath_map(datapath, "devices"), plan->devices, plan->device_count);
	}
	if (!err) {
		what = "keys";
		err = maps_fill_keys(datapath_map(datapath, "keys"));
	}
	if (!err) {
		what = "rings";
		datapath->rings = plan->rings;
		err = maps_fill_rings(datapath_map(datapath, "rings"), plan->rings, plan->ring_bytes, datapath->ring);
	}
	if (err == -ENOSPC)
		return problem_say(problem, PROBLEM_USAGE, err,
				   "earlier runs have used up the %d places for ports: otori run --unload first",
				   OTORI_MAX_PORTS - 1);
	if (err)
		return problem_say(problem, PROBLEM_BPF, err, "map %s cannot be filled: %s", what, strerror(-err));
	return 0;
}

/* A program is attached: an earlier run is at work, with or without a collector. */
static int is_link(const char *name, void *context)
{
	(void)context;
	return strncmp(name, "link_", 5) == 0;
}

int datapath_open(struct datapath *datapath, const struct datapath_plan *plan, struct problem *problem)
{
	int err = pins_open(problem);

	if (err < 0)
		return err;
	datapath->pin_directory = err;
	datapath->taken_over = pins_each(is_link, NULL) == 1;
	datapath->device_count = plan->device_count;
	memcpy(datapath->devices, plan->devices, plan->device_count * sizeof(plan->devices[0]));
	for (uint32_t n = 0; n < datapath->device_count; n++)
		datapath->devices[n].link = -1;
	err = load_both(datapath, plan, problem);
	if (!err)
		err = map_settings(datapath, plan, problem);
	if (!err)
		err = fill_maps(datapath, plan, problem);
	if (!err)
		err = keep_maps(datapath->otori->obj, problem);
	if (!err)
		err = keep_maps(datapath->guard->obj, problem);
	if (!err && datapath_clock(datapath) < 0)
		err = problem_say(problem, PROBLEM_BPF, -EIO, "the kernel's clock cannot be read through BPF");
	return err;
}

int datapath_guard_descriptor(const struct datapath *datapath)
{
	return bpf_program__fd(datapath->guard->progs.otori_guard);
}

uint32_t datapath_guard_program(const struct datapath *datapath)
{
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);

	return bpf_obj_get_info_by_fd(datapath_guard_descriptor(datapath), &info, &length) < 0 ? 0 : info.id;
}

int datapath_guard(struct datapath *datapath, struct problem *problem)
{
	for (uint32_t n = 0; n < datapath->device_count; n++) {
		struct datapath_device *device = &datapath->devices[n];
		int err = guard_install(device->ifindex, device->name, datapath_guard_descriptor(datapath), problem);

		if (err)
			return err;
		device->guarded = true;
		device->ours = true;
	}
	return 0;
}

int datapath_clock(struct datapath *datapath)
{
	int err = clock_adjust(bpf_program__fd(datapath->otori->progs.otori_clock), datapath->settings);

	if (err)
		return err;
	return clock_renew_key(datapath_map(datapath, "keys"), clock_utc_ns(), &datapath->rotated_generation);
}

void datapath_close(struct datapath *datapath)
{
	if (datapath->settings)
		munmap(datapath->settings, (size_t)sysconf(_SC_PAGESIZE));
	for (uint32_t n = 0; n < OTORI_MAX_RINGS; n++)
		if (datapath->ring[n] >= 0)
			close(datapath->ring[n]);
	for (uint32_t n = 0; n < OTORI_MAX_DEVICES; n++)
		if (datapath->devices[n].link >= 0)
			close(datapath->devices[n].link);
	guard_bpf__destroy(datapath->guard);
	otori_bpf__destroy(datapath->otori);
	if (datapath->pin_directory >= 0)
		close(datapath->pin_directory);
	datapath_init(datapath);
}
