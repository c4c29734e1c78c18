/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * datapath.c - what a packet costs in the XDP program, in nanoseconds, by BPF test run.
 *
 * In:  build/otori.bpf.o by its skeleton, restore.bpf.c, and the kernel's xdp_synproxy (an object file). Out: the
 * figures passed_ns, syn_counted_ns, syn_answered_ns, ack_checked_ns, payload_to_ring_ns and what they are over a bare
 * XDP_DROP. Called by run. Attaches nothing, pins nothing.
 *
 * A figure is the least of several test runs: whatever else the machine does only adds. Frames are restored before each
 * call (restore.bpf.c); that cost is measured and taken off, for the peer alike. Rings are drained between test runs,
 * so that no consumer polls meanwhile. ACKs and payloads are those of FLOWS different flows, with the admission table
 * sized for a million.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../include/otori/admission.h"
#include "base/prefix.h"
#include "bench.h"
#include "datapath/maps.h"
#include "datapath/skeletons.h"
#include "restore.h"
#include <restore.skel.h>

#define FLOWS 65536u
#define BUCKETS 262144u /* 2,097,152 slots: twice a million, rounded up */
#define RING_BYTES (16u << 20)
#define RUNS 192	/* a multiple of FLOWS / RUN_CALLS */
#define RUN_CALLS 8192u /* short enough that many a run is not interrupted, and that the ring takes what it emits */
#define PAYLOAD_BYTES 1460u
#define FRAME_MAX_BYTES 2048u
#define ACK_BYTES 54u

struct world {
	struct otori_bpf *otori;
	struct restore_bpf *restore;
	struct ring_buffer *reader;
	struct otori_bucket *admission;
	struct otori_settings settings;
	struct restore_head *heads; /* FLOWS of them */
	double drop_ns;
};

static const uint8_t linux_options[20] = { 2, 4, 5, 180, 4, 2, 8, 10, 0, 1, 2, 3, 0, 0, 0, 0, 1, 3, 3, 7 };

static uint32_t sum16(const uint8_t *at, uint32_t bytes)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i + 1 < bytes; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	return bytes & 1 ? sum + ((uint32_t)at[bytes - 1] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

/* A segment of flow number n to a decoy (or, passing, to somebody else), whole with checksums; returns its length. */
static uint32_t make_frame(uint8_t *frame, uint32_t n, bool to_decoy, uint8_t flags, uint32_t seq, uint32_t ack,
			   const uint8_t *options, uint32_t option_bytes, uint32_t payload_bytes)
{
	uint8_t *ip = frame + 14, *tcp = ip + 20;
	uint32_t tcp_bytes = 20 + option_bytes + payload_bytes;

	memset(frame, 0, 14 + 20 + tcp_bytes);
	memcpy(frame, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00", 14);
	ip[0] = 0x45;
	put16(ip + 2, 20 + tcp_bytes);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = 6;
	put32(ip + 12, 0x0a000000 | (n & 0xffff) << 8 | 7);
	put32(ip + 16, (to_decoy ? 0xc6120000 : 0xcb007100) | ((n * 40503u >> 3) & (to_decoy ? 0xffff : 0xff)));
	put16(ip + 10, (uint16_t)~fold(sum16(ip, 20)));
	put16(tcp, 10240 + (n >> 16));
	put16(tcp + 2, 1080);
	put32(tcp + 4, seq);
	put32(tcp + 8, ack);
	tcp[12] = (uint8_t)((20 + option_bytes) / 4 << 4);
	tcp[13] = flags;
	put16(tcp + 14, 64240);
	if (option_bytes)
		memcpy(tcp + 20, options, option_bytes);
	memset(tcp + 20 + option_bytes, 'x', payload_bytes);
	put16(tcp + 16, (uint16_t)~fold(sum16(tcp, tcp_bytes) + sum16(ip + 12, 8) + 6 + tcp_bytes));
	return 14 + 20 + tcp_bytes;
}

static int take_nothing(void *context, void *record, size_t bytes)
{
	(void)context;
	(void)record;
	(void)bytes;
	return 0;
}

static int print_warnings(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

static void apply_settings(struct world *world)
{
	uint32_t zero = 0;

	if (bpf_map_update_elem(bpf_map__fd(world->otori->maps.settings), &zero, &world->settings, BPF_ANY))
		bench_die(errno, "cannot write the settings");
}

static const struct prefix *decoy_prefix(const void *list, uint32_t n)
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

static void fill_maps(struct world *world)
{
	static const uint16_t ports[] = { 1080, 3128, 8080, 25 };
	uint16_t by_index[OTORI_MAX_PORTS];
	struct prefix decoys = { 0 };
	uint32_t zero = 0;
	int ring, error;

	error = prefix_parse("198.18.0.0/16", &decoys);
	if (!error)
		error = maps_fill_prefixes(bpf_map__fd(world->otori->maps.decoys), 1, decoy_prefix, as_unused, &decoys);
	if (!error)
		error = maps_fill_ports(bpf_map__fd(world->otori->maps.ports),
					bpf_map__fd(world->otori->maps.port_counters),
					bpf_map__fd(world->otori->maps.data_ports), ports, 4, by_index);
	if (!error)
		error = maps_fill_keys(bpf_map__fd(world->otori->maps.keys));
	if (error)
		bench_die(error, "cannot fill the maps");
	ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "bench_ring", 0, 0, RING_BYTES, NULL);
	if (ring < 0 || bpf_map_update_elem(bpf_map__fd(world->otori->maps.rings), &zero, &ring, BPF_ANY))
		bench_die(errno, "cannot make a ring");
	world->reader = ring_buffer__new(ring, take_nothing, NULL, NULL);
	if (!world->reader)
		bench_die(errno, "cannot map the ring");
}

/* The program with its defaults; limits are in force and never reached. */
static void load_otori(struct world *world)
{
	struct prefix decoys = { 0 };
	struct bpf_map *map;

	world->otori = otori_bpf__open();
	if (!world->otori)
		bench_die(errno, "cannot open the XDP program");
	bpf_object__for_each_map(map, world->otori->obj)
	{
		if (!bpf_map__is_internal(map))
			bpf_map__set_pin_path(map, NULL);
	}
	bpf_map__set_max_entries(world->otori->maps.admission, BUCKETS);
	world->otori->rodata->admission_mask = BUCKETS - 1;
	if (prefix_parse("198.18.0.0/16", &decoys))
		bench_die(EINVAL, "decoys");
	maps_few_decoys((void *)&world->otori->rodata->few_decoys, 1, decoy_prefix, as_unused, &decoys);
	if (otori_bpf__load(world->otori))
		bench_die(errno, "cannot load the XDP program");
	/* a jiffy of a nanosecond: time stands still, so that cookies and limits see one second however slow the
	 * machine is */
	world->settings = (struct otori_settings){ .ns_per_jiffy = 1,
						   .clock_offset_ns = 1700000000000000000ull,
						   .heartbeat_ns = 1700000000000000000ull,
						   .rings = 1,
						   .idle_seconds = 60,
						   .answer_grace_ns = 30000000000ull,
						   .limit_per_prefix = UINT32_MAX / 2,
						   .limit_global = UINT32_MAX / 2,
						   .answering = 1,
						   .answer_echo = 1,
						   .syn_ack_ttl = 64 };
	apply_settings(world);
	fill_maps(world);
	world->admission = mmap(NULL, BUCKETS * sizeof(*world->admission), PROT_READ | PROT_WRITE, MAP_SHARED,
				bpf_map__fd(world->otori->maps.admission), 0);
	if (world->admission == MAP_FAILED)
		bench_die(errno, "cannot map the admission table");
}

static struct restore_bpf *load_restore(void)
{
	struct restore_bpf *restore = restore_bpf__open();

	if (!restore)
		bench_die(errno, "cannot open the restoring program");
	bpf_map__set_max_entries(restore->maps.heads, FLOWS);
	if (restore_bpf__load(restore))
		bench_die(errno, "cannot load the restoring program");
	return restore;
}

static void use_heads(struct restore_bpf *restore, const struct restore_head *heads, uint32_t count)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	uint32_t *keys = calloc(count, sizeof(*keys)), number = count;

	if (!keys)
		bench_die(ENOMEM, "heads");
	for (uint32_t i = 0; i < count; i++)
		keys[i] = i;
	if (bpf_map_update_batch(bpf_map__fd(restore->maps.heads), keys, heads, &number, &options))
		bench_die(errno, "cannot write the heads");
	free(keys);
	restore->bss->position = 0;
	restore->bss->count = count;
}

static void use_program(struct restore_bpf *restore, int program)
{
	uint32_t zero = 0;

	if (bpf_map_update_elem(bpf_map__fd(restore->maps.next), &zero, &program, BPF_ANY))
		bench_die(errno, "cannot call the program");
}

/* One test run; ns per call. The last verdict must be the one expected. */
static double run_once(int program, const uint8_t *frame, uint32_t bytes, uint32_t verdict)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = bytes, .repeat = RUN_CALLS);
	int error = bpf_prog_test_run_opts(program, &options);

	if (error)
		bench_die(error, "BPF test run");
	if (options.retval != verdict)
		bench_die(0, "the program gave %u, expected %u: the bench measures something else than it says",
			  options.retval, verdict);
	return options.duration;
}

/* clear_flows: each ACK opens its flow anew, once all have been through. */
static double least(struct world *world, int program, const uint8_t *frame, uint32_t bytes, uint32_t verdict,
		    bool clear_flows)
{
	double best = 1e9;

	for (uint32_t run = 0; run < RUNS; run++) {
		double ns;

		if (clear_flows && run % (FLOWS / RUN_CALLS) == 0)
			memset(world->admission, 0, BUCKETS * sizeof(*world->admission));
		ns = run_once(program, frame, bytes, verdict);
		if (ns < best)
			best = ns;
		ring_buffer__consume(world->reader);
	}
	return best;
}

static void set_head(struct restore_head *head, const uint8_t *frame, uint32_t bytes)
{
	memset(head, 0, sizeof(*head));
	memcpy(head->words, frame, RESTORE_BYTES);
	head->length = bytes;
}

/* ns of a program on these heads, without what restoring them costs (measured on the same heads). */
static double measure(struct world *world, int program, uint32_t count, const uint8_t *frame, uint32_t bytes,
		      uint32_t verdict, bool clear_flows)
{
	struct restore_bpf *restore = world->restore;
	int entry = bpf_program__fd(restore->progs.restore);
	double base, whole;

	use_heads(restore, world->heads, count);
	use_program(restore, bpf_program__fd(restore->progs.drop));
	base = least(world, entry, frame, bytes, XDP_DROP, false);
	use_program(restore, program);
	restore->bss->position = 0;
	whole = least(world, entry, frame, bytes, verdict, clear_flows);
	return whole - base + world->drop_ns;
}

/* Completes FLOWS handshakes: the SYN-ACK's cookie of each. Fills frames' heads with the ACKs. */
static void make_acks(struct world *world, uint32_t *cookies)
{
	int program = bpf_program__fd(world->otori->progs.otori_xdp);
	uint8_t frame[FRAME_MAX_BYTES], answer[FRAME_MAX_BYTES];

	for (uint32_t n = 0; n < FLOWS; n++) {
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_out = answer,
			    .data_size_out = sizeof(answer), .repeat = 1);

		options.data_size_in =
			make_frame(frame, n, true, 2, n * 7919, 0, linux_options, sizeof(linux_options), 0);
		if (bpf_prog_test_run_opts(program, &options) || options.retval != XDP_TX)
			bench_die(0, "a SYN was not answered (verdict %u)", options.retval);
		cookies[n] = (uint32_t)answer[38] << 24 | (uint32_t)answer[39] << 16 | (uint32_t)answer[40] << 8 |
			     answer[41];
	}
}

static const uint8_t timestamp_option[20] = { 1, 1, 8, 10, 0, 1, 2, 4, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1 };

static double bench_acks(struct world *world, uint32_t *cookies)
{
	uint8_t frame[FRAME_MAX_BYTES];
	uint32_t bytes = 0;

	make_acks(world, cookies);
	for (uint32_t n = 0; n < FLOWS; n++) {
		bytes = make_frame(frame, n, true, 0x10, n * 7919 + 1, cookies[n] + 1, timestamp_option, 20, 0);
		set_head(&world->heads[n], frame, bytes);
	}
	return measure(world, bpf_program__fd(world->otori->progs.otori_xdp), FLOWS, frame, bytes, XDP_DROP, true);
}

/* Of flows that bench_acks has admitted. */
static double bench_payload(struct world *world, const uint32_t *cookies)
{
	uint8_t frame[FRAME_MAX_BYTES];
	uint32_t bytes = 0;

	for (uint32_t n = 0; n < FLOWS; n++) {
		bytes = make_frame(frame, n, true, 0x18, n * 7919 + 1, cookies[n] + 1, timestamp_option, 0,
				   PAYLOAD_BYTES);
		set_head(&world->heads[n], frame, bytes);
	}
	return measure(world, bpf_program__fd(world->otori->progs.otori_xdp), FLOWS, frame, bytes, XDP_DROP, false);
}

/* What the program has counted as taken or refused since the start, to see that a bench measured what it says. */
static uint64_t counted(const struct world *world, size_t field)
{
	int cpus = libbpf_num_possible_cpus();
	struct otori_port_counters *each = calloc((size_t)cpus, sizeof(*each));
	uint64_t sum = 0;

	if (!each)
		bench_die(ENOMEM, "counters");
	for (uint32_t port = 0; port < OTORI_MAX_PORTS; port++) {
		if (bpf_map_lookup_elem(bpf_map__fd(world->otori->maps.port_counters), &port, each))
			continue;
		for (int cpu = 0; cpu < cpus; cpu++)
			sum += *(uint64_t *)((uint8_t *)&each[cpu].ipv4 + field);
	}
	free(each);
	return sum;
}

static int load_synproxy(const char *path)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *program = object ? bpf_object__find_program_by_name(object, "syncookie_xdp") : NULL, *other;
	/* mss6, ttl, window scale, mss4: as its user program packs them */
	uint64_t options = 1440ull << 32 | 64ull << 24 | 7ull << 16 | 1460;
	uint16_t port = 1080;
	uint32_t zero = 0;

	if (!program)
		bench_die(errno, "%s", path);
	bpf_object__for_each_program(other, object) bpf_program__set_autoload(other, other == program);
	if (bpf_object__load(object))
		bench_die(errno, "cannot load %s", path);
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, "values"), &zero, &options, BPF_ANY) ||
	    bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, "allowed_ports"), &zero, &port, BPF_ANY))
		bench_die(errno, "cannot configure xdp_synproxy");
	return bpf_program__fd(program);
}

static void report(const struct world *world, const char *name, double ns, const char *peer, double peer_ns)
{
	char over[64], over_peer[64];

	bench_figure(name, ns, "ns/packet", peer, peer_ns, 1);
	snprintf(over, sizeof(over), "%.*s_over_drop_ns", (int)strlen(name) - 3, name);
	snprintf(over_peer, sizeof(over_peer), "%s over XDP_DROP", peer);
	if (peer_ns == world->drop_ns)
		bench_figure(over, ns - world->drop_ns, "ns/packet", NULL, 0, 1);
	else
		bench_figure(over, ns - world->drop_ns, "ns/packet", over_peer, peer_ns - world->drop_ns, 1);
}

int main(int argc, char **argv)
{
	struct world world = { 0 };
	uint8_t syn[FRAME_MAX_BYTES], passing[FRAME_MAX_BYTES];
	uint32_t syn_bytes, passing_bytes, *cookies = calloc(FLOWS, sizeof(*cookies));
	int otori, synproxy;
	double passed, counted_ns, answered, sampled, peer, acks, payload;
	uint64_t before;

	if (argc != 2) {
		fprintf(stderr, "usage: datapath XDP_SYNPROXY.bpf.o\n");
		return 2;
	}
	libbpf_set_print(print_warnings);
	bench_pin(1);
	load_otori(&world);
	world.restore = load_restore();
	world.heads = calloc(FLOWS, sizeof(*world.heads));
	if (!world.heads || !cookies)
		bench_die(ENOMEM, "frames");
	otori = bpf_program__fd(world.otori->progs.otori_xdp);
	synproxy = load_synproxy(argv[1]);
	syn_bytes = make_frame(syn, 1, true, 2, 7919, 0, linux_options, sizeof(linux_options), 0);
	passing_bytes = make_frame(passing, 1, false, 0x10, 7919, 1, linux_options, sizeof(linux_options), 0);

	world.drop_ns = least(&world, bpf_program__fd(world.restore->progs.drop), syn, syn_bytes, XDP_DROP, false);
	set_head(world.heads, passing, passing_bytes);
	passed = measure(&world, otori, 1, passing, passing_bytes, XDP_PASS, false);

	set_head(world.heads, syn, syn_bytes);
	world.settings.answering = 0;
	apply_settings(&world);
	counted_ns = measure(&world, otori, 1, syn, syn_bytes, XDP_DROP, false);
	world.settings.answering = 1;
	apply_settings(&world);
	answered = measure(&world, otori, 1, syn, syn_bytes, XDP_TX, false);
	world.settings.sample_probability = UINT32_MAX;
	apply_settings(&world);
	before = counted(&world, offsetof(struct otori_counters, syn_sampled));
	sampled = measure(&world, otori, 1, syn, syn_bytes, XDP_TX, false);
	if (counted(&world, offsetof(struct otori_counters, syn_sampled)) - before != RUNS * RUN_CALLS)
		bench_die(0, "not every SYN was sampled");
	world.settings.sample_probability = 0;
	apply_settings(&world);
	peer = measure(&world, synproxy, 1, syn, syn_bytes, XDP_TX, false);

	before = counted(&world, offsetof(struct otori_counters, emitted_open));
	acks = bench_acks(&world, cookies);
	if (counted(&world, offsetof(struct otori_counters, emitted_open)) - before != RUNS * RUN_CALLS)
		bench_die(0, "not every ACK opened a flow");
	before = counted(&world, offsetof(struct otori_counters, emitted_segment));
	payload = bench_payload(&world, cookies);
	if (counted(&world, offsetof(struct otori_counters, emitted_segment)) - before != RUNS * RUN_CALLS ||
	    counted(&world, offsetof(struct otori_counters, refused_ring_full)))
		bench_die(0, "not every payload went into the ring");

	report(&world, "passed_ns", passed, "bare XDP_DROP", world.drop_ns);
	report(&world, "syn_counted_ns", counted_ns, "bare XDP_DROP", world.drop_ns);
	report(&world, "syn_answered_ns", answered, "xdp_synproxy", peer);
	report(&world, "syn_answered_sampled_ns", sampled, "xdp_synproxy", peer);
	report(&world, "ack_checked_ns", acks, "bare XDP_DROP", world.drop_ns);
	report(&world, "payload_to_ring_ns", payload, "bare XDP_DROP", world.drop_ns);
	return 0;
}
