// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * run_xdp.c - BPF test run of otori_xdp, a packet a call, and its ring drained behind each.
 *
 * In:  frames. Out: verdicts and events. Called by session.c. May not attach, pin or send.
 *
 * A packet a call costs 1.6 to 2.6 us, but gives each packet its own time and keeps events and packets in step: the
 * responder has ended, opened and delivered before the next packet is looked at.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../include/otori/admission.h"
#include "datapath/maps.h"
#include "datapath/skeletons.h"
#include "replay/run_xdp.h"
#include "responder/drain.h"

#define RING_BYTES (4u << 20)
/*
 * What was read is given back in pieces of that size. The kernel wakes a reader who has caught up, by an interrupt to
 * itself that costs more than all else here; he who gives nothing back has not caught up.
 */
#define RELEASE_BYTES (1u << 20)
/* The kernel's test run takes a frame of at most one buffer and 17 pages; the program refuses what is longer than 9,018
 * bytes. */
#define LONGEST_FRAME_BYTES 65000u

struct xdp_run {
	struct otori_bpf *otori;
	struct drain *ring;
	uint64_t released; /* place in the ring up to which it was given back */
	int ring_map;
	int program;
	uint16_t ports[OTORI_MAX_PORTS];
	void (*event)(void *context, const void *record, uint32_t bytes);
	void *context;
};

/* Hands on the events of the packet in hand. Whether there were any. */
static bool hand_on_events(struct xdp_run *run)
{
	const void *record;
	uint32_t bytes;
	bool any = false;

	while (drain_next(run->ring, &record, &bytes)) {
		run->event(run->context, record, bytes);
		any = true;
	}
	if (drain_position(run->ring) - run->released >= RELEASE_BYTES) {
		drain_release(run->ring);
		run->released = drain_position(run->ring);
	}
	return any;
}

static const struct prefix *nth_prefix(const void *list, uint32_t n)
{
	return &((const struct prefix *)list)[n];
}

static const void *as_unused(const void *list, uint32_t n)
{
	static const struct otori_decoy unused = { .kind = OTORI_DECOY_UNUSED };

	(void)list;
	(void)n;
	return &unused;
}

/* Buckets of 8 slots: a power of two, with at least twice as many slots as flows. */
static uint32_t buckets_for(uint32_t flows)
{
	uint32_t buckets = 16;

	while ((uint64_t)buckets * OTORI_BUCKET_SLOTS < 2 * (uint64_t)flows)
		buckets *= 2;
	return buckets;
}

static int load(struct xdp_run *run, const struct xdp_run_plan *plan, struct problem *problem)
{
	uint32_t buckets = buckets_for(plan->flows);
	struct bpf_map *map;
	int err;

	run->otori = otori_bpf__open();
	if (!run->otori)
		return problem_say(problem, PROBLEM_BPF, -errno, "the XDP program cannot be opened: %s",
				   strerror(errno));
	bpf_object__for_each_map(map, run->otori->obj) if (!bpf_map__is_internal(map)) bpf_map__set_pin_path(map, NULL);
	bpf_map__set_max_entries(run->otori->maps.admission, buckets);
	run->otori->rodata->admission_mask = buckets - 1;
	run->otori->rodata->replay = true;
	run->otori->rodata->ignore_checksums = plan->ignore_checksums;
	run->otori->rodata->frames_in_parts = true;
	bpf_program__set_flags(run->otori->progs.otori_xdp, BPF_F_XDP_HAS_FRAGS);
	maps_few_decoys((void *)&run->otori->rodata->few_decoys, plan->decoy_count, nth_prefix, as_unused,
			plan->decoys);
	err = otori_bpf__load(run->otori);
	if (err == -EPERM)
		return problem_say(problem, PROBLEM_BPF, err,
				   "the XDP program cannot be loaded: replay needs root (or CAP_BPF, CAP_NET_ADMIN and "
				   "CAP_PERFMON)");
	if (err)
		return problem_say(problem, PROBLEM_BPF, err, "the XDP program cannot be loaded: %s", strerror(-err));
	run->program = bpf_program__fd(run->otori->progs.otori_xdp);
	return 0;
}

static int fill(struct xdp_run *run, const struct xdp_run_plan *plan, struct problem *problem)
{
	struct otori_settings settings = {
		.ns_per_jiffy = 1,
		.rings = 1,
		.idle_seconds = plan->idle_seconds,
		.sample_probability = UINT32_MAX,
		.answer_grace_ns = UINT64_MAX / 2,
		.answer_echo = 1,
		.answering = 1,
		.syn_ack_ttl = 64,
	};
	uint32_t zero = 0;
	int err;

	err = maps_fill_prefixes(bpf_map__fd(run->otori->maps.decoys), plan->decoy_count, nth_prefix, as_unused,
				 plan->decoys);
	if (!err)
		err = maps_fill_ports(bpf_map__fd(run->otori->maps.ports), bpf_map__fd(run->otori->maps.port_counters),
				      bpf_map__fd(run->otori->maps.data_ports), plan->ports, plan->port_count,
				      run->ports);
	if (!err)
		err = maps_fill_keys(bpf_map__fd(run->otori->maps.keys));
	if (!err && bpf_map_update_elem(bpf_map__fd(run->otori->maps.settings), &zero, &settings, BPF_ANY) < 0)
		err = -errno;
	if (!err) {
		run->ring_map = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "replay_ring", 0, 0, RING_BYTES, NULL);
		if (run->ring_map < 0 ||
		    bpf_map_update_elem(bpf_map__fd(run->otori->maps.rings), &zero, &run->ring_map, BPF_ANY) < 0)
			err = -errno;
	}
	if (err)
		return problem_say(problem, PROBLEM_BPF, err, "the maps of the XDP program cannot be filled: %s",
				   strerror(-err));
	err = drain_open(&run->ring, run->ring_map);
	if (err)
		return problem_say(problem, PROBLEM_BPF, err, "the ring buffer cannot be mapped: %s", strerror(-err));
	run->released = drain_position(run->ring);
	return 0;
}

static int print_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

int xdp_run_open(struct xdp_run **result, const struct xdp_run_plan *plan, struct problem *problem)
{
	struct xdp_run *run = calloc(1, sizeof(*run));
	int err;

	*result = NULL;
	if (!run)
		return problem_say(problem, PROBLEM_FAILURE, -ENOMEM, "no memory");
	run->ring_map = -1;
	run->event = plan->event;
	run->context = plan->context;
	libbpf_set_print(print_nothing);
	err = load(run, plan, problem);
	if (!err)
		err = fill(run, plan, problem);
	if (err) {
		xdp_run_close(run);
		return err;
	}
	*result = run;
	return 0;
}

void xdp_run_close(struct xdp_run *run)
{
	if (!run)
		return;
	drain_close(run->ring);
	if (run->ring_map >= 0)
		close(run->ring_map);
	otori_bpf__destroy(run->otori);
	free(run);
}

int xdp_run_packet(struct xdp_run *run, const uint8_t *frame, uint32_t bytes, uint64_t now_ns, bool admit)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
		    .data_size_in = bytes < LONGEST_FRAME_BYTES ? bytes : LONGEST_FRAME_BYTES, .repeat = 1);
	bool taken;
	int err;

	run->otori->bss->replay_now_ns = now_ns;
	run->otori->bss->replay_admit = admit;
	do
		err = bpf_prog_test_run_opts(run->program, &opts);
	while (err == -EINTR || err == -EAGAIN);
	if (err)
		return err;
	taken = hand_on_events(run);
	if (opts.retval == XDP_PASS)
		return XDP_VERDICT_PASSED;
	if (opts.retval == XDP_TX)
		return XDP_VERDICT_ANSWERED;
	return taken ? XDP_VERDICT_TAKEN : XDP_VERDICT_REFUSED;
}

int xdp_run_minute_counters(const struct xdp_run *run)
{
	return bpf_map__fd(run->otori->maps.minute_counters);
}

int xdp_run_port_counters(const struct xdp_run *run)
{
	return bpf_map__fd(run->otori->maps.port_counters);
}

const uint16_t *xdp_run_ports(const struct xdp_run *run)
{
	return run->ports;
}
