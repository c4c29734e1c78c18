/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bpf_world.h - both BPF programs loaded without pins, with decoys, ports and a ring, for the tests named bpf_*.
 *
 * In:  frames. Out: what the programs did with them, counters, events. Included by tests/unit/bpf_*.c; each test has a
 * world of its own. Needs root and BPF; where it can't have them the test exits with 77 and says why. Touches no
 * interface.
 *
 * Decoys: 198.51.100.0/24 and 2001:db8:d::/48 are unused addresses, 192.0.2.1 and 2001:db8:1::1 the host's own. Ports:
 * 1080, 3128, 8080, 25 with the indexes 1 to 4. Quiet: 203.0.113.66.
 */
#ifndef BPF_WORLD_H
#define BPF_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <unistd.h>

#include "bpf_frame.h"
#include "base/prefix.h"
#include "datapath/maps.h"
#include "datapath/skeletons.h"
#include "../../include/otori/admission.h"
#include "../../include/otori/cookie.h"
#include "../../include/otori/datapath.h"
#include "../../include/otori/event.h"
#include "../../include/otori/guard_rule.h"

#define WORLD_BUCKETS 64
#define WORLD_NOW 1700000000000000000ULL /* UTC ns at which a world begins */
#define WORLD_MAX_EVENTS 64

struct world_event {
	struct otori_event header;
	uint8_t rest[OTORI_EVENT_MAX_BYTES - sizeof(struct otori_event)]; /* options and payload */
	size_t size;
};

struct world {
	struct otori_bpf *xdp;
	struct guard_bpf *guard;
	struct ring_buffer *reader;
	int ring;
	struct otori_settings settings;
	struct otori_keys keys;
	uint64_t now_ns;
	unsigned event_count; /* since the last world_drain began */
	struct world_event event[WORLD_MAX_EVENTS];
	uint8_t out[FRAME_MAX]; /* frame after the last run */
	size_t out_bytes;
};

/*
 * How the programs are to find decoys: in their map, or by comparing with constants, as they do where decoys are few.
 * WORLD_RUN runs all tests either way.
 */
static bool world_few;
#define WORLD_RUN(tests) \
	(cmocka_run_group_tests_name("decoys in the map", tests, NULL, NULL) + \
	 (world_few = true, cmocka_run_group_tests_name("few decoys", tests, NULL, NULL)))

struct world_options {
	bool replay;
	bool ignore_checksums;
	bool kernel_admission; /* flows are entered into the kernel module's table, too */
	uint32_t ring_bytes; /* 0 = 1 MiB */
	uint32_t buckets;    /* 0 = WORLD_BUCKETS */
};

static __attribute__((unused)) void world_skip(const char *why, int err)
{
	fprintf(stderr, "skipped: %s: %s\n", why, strerror(-err));
	exit(77);
}

static const struct prefix *world_decoy(const void *list, uint32_t n)
{
	return &((const struct prefix *)list)[n];
}

static const void *world_kind(const void *list, uint32_t n)
{
	static const struct otori_decoy kinds[] = { { .kind = OTORI_DECOY_UNUSED }, { .kind = OTORI_DECOY_OWN } };
	const struct prefix *prefix = &((const struct prefix *)list)[n];

	return &kinds[prefix->bits == 128];
}

/* The decoys of world_fill as constants. */
static void world_constants(struct otori_few_decoys *few)
{
	static const char *const text[] = { "198.51.100.0/24", "2001:db8:d::/48", "192.0.2.1", "2001:db8:1::1" };
	struct prefix list[4] = { 0 };

	for (size_t n = 0; n < 4; n++)
		assert_int_equal(prefix_parse(text[n], &list[n]), 0);
	maps_few_decoys(few, 4, world_decoy, world_kind, list);
	assert_int_equal(few->count, 4);
}

static void world_put(int map, const void *key, const void *value)
{
	if (bpf_map_update_elem(map, key, value, BPF_ANY)) {
		perror("bpf_map_update_elem");
		abort();
	}
}

static void world_prefix(int map, const char *text, uint32_t bits, const void *value)
{
	struct otori_prefix prefix = { .prefix_bits = bits };

	if (inet_pton(AF_INET6, text, prefix.address) != 1) {
		assert_int_equal(inet_pton(AF_INET, text, prefix.address + 12), 1);
		prefix.address[10] = prefix.address[11] = 0xff;
		prefix.prefix_bits += 96;
	}
	world_put(map, &prefix, value);
}

static void world_settings(struct world *w)
{
	uint32_t zero = 0;

	world_put(bpf_map__fd(w->xdp->maps.settings), &zero, &w->settings);
}

/* Sets the programs' clock to this moment (to a jiffy), with a heartbeat at it. */
static void world_clock(struct world *w, uint64_t utc_ns)
{
	struct otori_clock_reading reading = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &reading, .ctx_size_in = sizeof(reading));

	if (bpf_prog_test_run_opts(bpf_program__fd(w->xdp->progs.otori_clock), &run)) {
		perror("otori_clock");
		abort();
	}
	w->settings.ns_per_jiffy = 1000000000 / 250;
	w->settings.clock_offset_ns = utc_ns - reading.jiffies * w->settings.ns_per_jiffy;
	w->settings.heartbeat_ns = utc_ns;
	w->now_ns = utc_ns;
	w->xdp->bss->replay_now_ns = utc_ns;
	world_settings(w);
}

static int world_take(void *context, void *data, size_t size)
{
	struct world *w = context;
	struct world_event *event = &w->event[w->event_count % WORLD_MAX_EVENTS];

	assert_true(size >= sizeof(event->header) && size <= OTORI_EVENT_MAX_BYTES);
	memcpy(&event->header, data, sizeof(event->header));
	memcpy(event->rest, (uint8_t *)data + sizeof(event->header), size - sizeof(event->header));
	event->size = size;
	w->event_count++;
	return 0;
}

/* Reads the events that are there; they are in w->event[0...]. */
static __attribute__((unused)) unsigned world_drain(struct world *w)
{
	w->event_count = 0;
	assert_true(ring_buffer__consume(w->reader) >= 0);
	return w->event_count;
}

static void world_fill(struct world *w)
{
	static const uint16_t ports[] = { 0, 1080, 3128, 8080, 25 };
	struct otori_decoy unused = { .kind = OTORI_DECOY_UNUSED }, own = { .kind = OTORI_DECOY_OWN };
	struct otori_device device = { .index = 3, .mac = { 2, 0, 0, 0, 0, 3 } };
	uint32_t zero = 0, loopback = 1;
	uint8_t quiet = 1;

	world_prefix(bpf_map__fd(w->xdp->maps.decoys), "198.51.100.0", 24, &unused);
	world_prefix(bpf_map__fd(w->xdp->maps.decoys), "2001:db8:d::", 48, &unused);
	world_prefix(bpf_map__fd(w->xdp->maps.decoys), "192.0.2.1", 32, &own);
	world_prefix(bpf_map__fd(w->xdp->maps.decoys), "2001:db8:1::1", 128, &own);
	world_prefix(bpf_map__fd(w->xdp->maps.quiet_sources), "203.0.113.66", 32, &quiet);
	for (uint8_t i = 1; i < 5; i++) {
		uint32_t port = ports[i];

		world_put(bpf_map__fd(w->xdp->maps.ports), &port, &i);
		w->xdp->data_ports->port_table[port] = i;
	}
	for (size_t i = 0; i < sizeof(w->keys); i++)
		((uint8_t *)&w->keys)[i] = (uint8_t)(i * 37 + 11);
	world_put(bpf_map__fd(w->xdp->maps.keys), &zero, &w->keys);
	world_put(bpf_map__fd(w->xdp->maps.devices), &loopback, &device);
	world_put(bpf_map__fd(w->xdp->maps.rings), &zero, &w->ring);
	w->settings = (struct otori_settings){ .answer_grace_ns = 30000000000ULL,
					       .quiet_prefixes = 1,
					       .rings = 1,
					       .idle_seconds = 60,
					       .sample_probability = UINT32_MAX,
					       .answer_echo = 1,
					       .answering = 1,
					       .syn_ack_ttl = 64 };
	world_clock(w, WORLD_NOW);
}

static int world_load_guard(struct world *w)
{
	struct bpf_map *map;

	w->guard = guard_bpf__open();
	if (!w->guard)
		return -errno;
	bpf_object__for_each_map(map, w->guard->obj)
	{
		struct bpf_map *same = bpf_object__find_map_by_name(w->xdp->obj, bpf_map__name(map));

		bpf_map__set_pin_path(map, NULL);
		if (same && !bpf_map__is_internal(map))
			bpf_map__reuse_fd(map, bpf_map__fd(same));
	}
	w->guard->rodata->admission_mask = w->xdp->rodata->admission_mask;
	memcpy((void *)&w->guard->rodata->few_decoys, (const void *)&w->xdp->rodata->few_decoys,
	       sizeof(w->guard->rodata->few_decoys));
	return guard_bpf__load(w->guard);
}

static __attribute__((unused)) void world_close(struct world *w)
{
	if (!w)
		return;
	ring_buffer__free(w->reader);
	if (w->ring > 0)
		close(w->ring);
	guard_bpf__destroy(w->guard);
	otori_bpf__destroy(w->xdp);
	free(w);
}

/* Loads both programs; exits with 77 where this kernel or user may not. */
static __attribute__((unused)) struct world *world_open(const struct world_options *options)
{
	struct world *w = calloc(1, sizeof(*w));
	uint32_t buckets = options->buckets ? options->buckets : WORLD_BUCKETS;
	struct bpf_map *map;
	int err;

	assert_non_null(w);
	if (geteuid())
		world_skip("BPF needs root", -EPERM);
	w->xdp = otori_bpf__open();
	assert_non_null(w->xdp);
	bpf_object__for_each_map(map, w->xdp->obj) if (!bpf_map__is_internal(map)) bpf_map__set_pin_path(map, NULL);
	bpf_map__set_max_entries(w->xdp->maps.admission, buckets);
	w->xdp->rodata->admission_mask = buckets - 1;
	if (world_few && !options->replay)
		world_constants((void *)&w->xdp->rodata->few_decoys);
	w->xdp->rodata->frames_in_parts = true;
	bpf_program__set_flags(w->xdp->progs.otori_xdp, BPF_F_XDP_HAS_FRAGS);
	w->xdp->rodata->replay = options->replay;
	w->xdp->rodata->ignore_checksums = options->ignore_checksums;
	w->xdp->rodata->kernel_admission = options->kernel_admission;
	err = otori_bpf__load(w->xdp);
	if (err == -EPERM || err == -ENOSYS)
		world_skip("the kernel lets nobody load BPF programs", err);
	assert_int_equal(err, 0);
	w->ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "test_ring", 0, 0,
				 options->ring_bytes ? options->ring_bytes : 1 << 20, NULL);
	assert_true(w->ring > 0);
	w->reader = ring_buffer__new(w->ring, world_take, w, NULL);
	assert_non_null(w->reader);
	world_fill(w);
	assert_int_equal(world_load_guard(w), 0);
	return w;
}

/* Runs the XDP program on a frame; its action. The frame afterwards is in w->out. */
static __attribute__((unused)) uint32_t world_xdp(struct world *w, const struct frame *f)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = f->bytes, .data_size_in = (uint32_t)f->length,
		    .data_out = w->out, .data_size_out = sizeof(w->out));
	int err = bpf_prog_test_run_opts(bpf_program__fd(w->xdp->progs.otori_xdp), &run);

	if (err) {
		fprintf(stderr, "test run of %zu bytes: %s\n", f->length, strerror(-err));
		abort();
	}
	w->out_bytes = run.data_size_out;
	return run.retval;
}

/* Runs the guard on an outgoing frame: 1 where it passes, 0 where not, -1 where the kernel makes no test run of such a
 * frame. */
static __attribute__((unused)) int world_guard(struct world *w, const uint8_t *bytes, size_t length, uint32_t mark)
{
	struct __sk_buff skb = { .mark = mark };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = bytes, .data_size_in = (uint32_t)length, .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb));
	int err = bpf_prog_test_run_opts(bpf_program__fd(w->guard->progs.otori_guard), &run);

	if (err == -EINVAL && length < 60)
		return -1;
	if (err) {
		fprintf(stderr, "guard run of %zu bytes: %s\n", length, strerror(-err));
		abort();
	}
	return run.retval != 2;
}

/* Adds the counters of all CPUs of one port and family into sum. */
static void world_sum(int map, uint32_t key, size_t value_bytes, bool ipv6, struct otori_counters *sum)
{
	int cpus = libbpf_num_possible_cpus();
	uint8_t *values;
	size_t at = offsetof(struct otori_port_counters, ipv4) + (ipv6 ? sizeof(struct otori_counters) : 0);

	assert_true(cpus > 0);
	values = calloc((size_t)cpus, value_bytes);
	assert_non_null(values);
	assert_int_equal(bpf_map_lookup_elem(map, &key, values), 0);
	for (int cpu = 0; cpu < cpus; cpu++) {
		const __u64 *from = (const void *)(values + (size_t)cpu * value_bytes + at);

		for (size_t i = 0; i < sizeof(*sum) / 8; i++)
			((__u64 *)sum)[i] += from[i];
	}
	free(values);
}

static __attribute__((unused)) struct otori_counters world_port(struct world *w, uint32_t port_index, bool ipv6)
{
	struct otori_counters sum = { 0 };

	world_sum(bpf_map__fd(w->xdp->maps.port_counters), port_index, sizeof(struct otori_port_counters), ipv6, &sum);
	return sum;
}

static __attribute__((unused)) struct otori_counters world_minute(struct world *w, uint32_t minute, uint32_t port_index,
								  bool ipv6)
{
	struct otori_counters sum = { 0 };

	world_sum(bpf_map__fd(w->xdp->maps.minute_counters),
		  (minute & (OTORI_MINUTE_SLOTS - 1)) * OTORI_MAX_PORTS + port_index,
		  sizeof(struct otori_minute_counters), ipv6, &sum);
	return sum;
}

static __attribute__((unused)) uint64_t world_guard_counter(struct world *w, uint32_t verdict)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t values[256] = { 0 }, sum = 0;

	assert_true(cpus > 0 && cpus <= 256);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(w->xdp->maps.guard_counters), &verdict, values), 0);
	for (int cpu = 0; cpu < cpus; cpu++)
		sum += values[cpu];
	return sum;
}

#endif
