// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kernel_admission.c - admission by the module's kfuncs against admission by the map, and the module's guard against
 * the tc program's.
 *
 * In:  a guest with the module loaded and armed for the decoys of tests/unit/bpf_world.h on device sensor0, whose far
 * end is up; OTORI_FRAMES, OTORI_SEED. Out: verdicts; what differed. Built and run by tests/kmod/080-*: needs the
 * module, so it is no unit test.
 */
#include <linux/genetlink.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include "../../unit/bpf_world.h"
#include "../../unit/random_frames.h"
#include "../tool/tool.h"
#include "otori/netlink.h"

/* The same program twice: one writes the map alone, one the module's table, too. */
static struct world *by_map, *by_kernel;
static struct timespec began;

static int fresh(void **state)
{
	/* as many slots as the module's table has, so that neither is ever full */
	struct world_options options = { .buckets = 16384 };

	(void)state;
	dice_begin();
	by_map = world_open(&options);
	options.kernel_admission = true;
	by_kernel = world_open(&options);
	clock_gettime(CLOCK_MONOTONIC, &began);
	world_clock(by_map, WORLD_NOW);
	return 0;
}

static int done(void **state)
{
	(void)state;
	world_close(by_map);
	world_close(by_kernel);
	return 0;
}

/*
 * A heartbeat for both: without one they stop answering, each at its own moment. The clock is not set anew: a step back
 * across a second would make slots look old to the tc program, and the module's clock makes none.
 */
static void beat(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	by_map->settings.heartbeat_ns = WORLD_NOW + (uint64_t)(now.tv_sec - began.tv_sec) * 1000000000;
	by_kernel->settings = by_map->settings;
	world_settings(by_map);
	world_settings(by_kernel);
}

/* Both worlds get the frame; both must do the same. */
static uint32_t both(const struct frame *f)
{
	uint32_t map = world_xdp(by_map, f), kernel = world_xdp(by_kernel, f);

	if (map != kernel) {
		show(f, f->length);
		fail_msg("the program with the map says %u, with the kfunc %u", map, kernel);
	}
	return map;
}

/* A handshake from a random stranger with a random decoy; what follows is a segment, a FIN or a RST of his. */
static bool converse(struct segment *s)
{
	static const uint8_t next[] = { F_ACK, F_ACK | F_PSH, F_FIN | F_ACK, F_RST };
	bool ipv6 = dice(2);
	struct frame f;

	*s = (struct segment){ .source = stranger(ipv6),
			       .destination = (ipv6 ? decoys6 : decoys4)[dice(3)],
			       .source_port = (uint16_t)(1024 + dice(60000)),
			       .destination_port = decoy_ports[dice(4)],
			       .seq = dice(1 << 30),
			       .flags = F_SYN,
			       .tags = (uint8_t)dice(3),
			       .vlan = { 7, 8 } };
	frame_make(&f, s);
	if (both(&f) != XDP_TX)
		return false;
	s->flags = F_ACK;
	s->seq += 1;
	/* the acknowledgement of the second world's answer: both have the same keys and the same clock */
	s->ack = get32(by_kernel->out + f.l4 + 4) + 1;
	frame_make(&f, s);
	both(&f);
	s->flags = next[dice(4)];
	s->payload = "hello";
	s->payload_bytes = s->flags & F_PSH ? 5 : 0;
	frame_make(&f, s);
	both(&f);
	return true;
}

static void counters_agree(void)
{
	for (uint32_t port = 0; port < 5; port++)
		for (int ipv6 = 0; ipv6 < 2; ipv6++) {
			struct otori_counters map = world_port(by_map, port, ipv6),
					      kernel = world_port(by_kernel, port, ipv6);

			assert_memory_equal(&map, &kernel, sizeof(map));
		}
}

static void both_give_the_same_verdicts(void **state)
{
	unsigned wanted = frames_wanted(), i, flows = 0;
	struct segment s;
	struct frame f;

	(void)state;
	for (i = 0; !enough(i, wanted); i++) {
		if (i % 4096 == 0)
			beat();
		if (i % 64 == 0) {
			flows += converse(&s);
		} else {
			make_any(&f, true);
			if (dice(2))
				mutate(&f, true);
			if (f.length >= 14)
				both(&f);
		}
		if (i % 32 == 31) {
			world_drain(by_map);
			world_drain(by_kernel);
		}
	}
	print_message("%u frames, %u conversations\n", i, flows);
	assert_true(flows > i / 200);
	counters_agree();
}

/* netlink: what the module's guard has counted at the egress hook. */
static uint64_t counted[OTORI_GUARD_VERDICT_COUNT];

static void take_counter(const struct nlmsghdr *header, void *context)
{
	const struct nlattr *a[OTORI_A_END];
	const uint8_t *verdict;

	(void)context;
	message_parse((const void *)((const uint8_t *)header + NLMSG_HDRLEN + GENL_HDRLEN),
		      header->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN, a, OTORI_A_END);
	verdict = attribute_data(a[OTORI_A_VERDICT]);
	if (*(const uint8_t *)attribute_data(a[OTORI_A_HOOK]) == OTORI_HOOK_egress)
		memcpy(&counted[*verdict], attribute_data(a[OTORI_A_PACKETS]), 8);
}

static void read_module(uint64_t into[OTORI_GUARD_VERDICT_COUNT])
{
	static struct message m;
	struct family family;
	char text[256];

	assert_int_equal(family_open(&family), 0);
	message_begin(&m, family.id, NLM_F_DUMP, OTORI_CMD_COUNTERS, 1);
	assert_int_equal(message_talk(&family, &m, take_counter, NULL, text), 0);
	close(family.socket);
	memcpy(into, counted, sizeof(counted));
}

static int packet_socket(uint32_t mark, struct sockaddr_ll *to)
{
	int one = 1, s = socket(AF_PACKET, SOCK_RAW, 0);

	*to = (struct sockaddr_ll){ .sll_family = AF_PACKET,
				    .sll_ifindex = (int)if_nametoindex("sensor0"),
				    .sll_halen = 6 };
	assert_true(s >= 0 && to->sll_ifindex);
	assert_int_equal(setsockopt(s, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
	assert_int_equal(setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)), 0);
	return s;
}

/* The answer to a segment of the stranger's, as the responder would send it. */
static void answer_to(struct frame *f, const struct segment *in)
{
	static const uint8_t flags[] = { F_ACK, F_ACK | F_PSH, F_SYN, F_RST };
	struct segment s = { .source = in->destination,
			     .destination = in->source,
			     .source_port = in->destination_port,
			     .destination_port = in->source_port,
			     .flags = flags[dice(8) ? dice(2) : dice(4)],
			     .tags = in->tags,
			     .vlan = { in->vlan[0], in->vlan[1] } };

	if (dice(4) == 0)
		s.destination_port++; /* nobody's */
	frame_make(f, &s);
}

/*
 * Frames of all kinds are sent by the guarded device, and given to the tc program, whose map holds the same flows: each
 * verdict must have been given as often by the one as by the other.
 */
static void module_and_tc_program_agree(void **state)
{
	unsigned wanted = frames_wanted() / 10, i;
	uint64_t before[OTORI_GUARD_VERDICT_COUNT], after[OTORI_GUARD_VERDICT_COUNT], tc[OTORI_GUARD_VERDICT_COUNT];
	struct sockaddr_ll to;
	int marked = packet_socket(OTORI_TRANSMIT_MARK, &to), plain = packet_socket(0, &to);
	struct segment s;
	struct frame f;

	(void)state;
	for (uint32_t v = 0; v < OTORI_GUARD_VERDICT_COUNT; v++)
		tc[v] = world_guard_counter(by_kernel, v);
	read_module(before);
	for (i = 0; !enough(i, wanted); i++) {
		bool mark = dice(3);

		if (i % 4096 == 0)
			beat();
		if (i % 16 == 0) {
			converse(&s);
			world_drain(by_map);
			world_drain(by_kernel);
		}
		if (mark && dice(4)) {
			answer_to(&f, &s);
		} else {
			make_any(&f, false);
		}
		if (dice(3) == 0)
			mutate(&f, false);
		/* the kernel makes no test run of shorter frames */
		if (f.length < 60 || world_guard(by_kernel, f.bytes, f.length, mark ? OTORI_TRANSMIT_MARK : 0) < 0)
			continue;
		/* the guard closes flows, so both worlds' guards must see the frame */
		world_guard(by_map, f.bytes, f.length, mark ? OTORI_TRANSMIT_MARK : 0);
		(void)!sendto(mark ? marked : plain, f.bytes, f.length, 0, (struct sockaddr *)&to, sizeof(to));
	}
	read_module(after);
	for (uint32_t v = 0; v < OTORI_GUARD_VERDICT_COUNT; v++) {
		uint64_t guard = after[v] - before[v], program = world_guard_counter(by_kernel, v) - tc[v];

		if (v == OTORI_GUARD_pass_xdp)
			continue;
		print_message("verdict %2u: module %llu, tc program %llu\n", v, (unsigned long long)guard,
			      (unsigned long long)program);
		assert_true(program > 0);
		assert_int_equal(guard, program);
	}
	close(marked);
	close(plain);
}

/* verdicts or guard: the module's table must be empty at the beginning of either, so the script runs one at a time. */
int main(int argc, char **argv)
{
	const struct CMUnitTest verdicts[] = {
		cmocka_unit_test_setup_teardown(both_give_the_same_verdicts, fresh, done),
	};
	const struct CMUnitTest guard[] = {
		cmocka_unit_test_setup_teardown(module_and_tc_program_agree, fresh, done),
	};

	if (argc == 2 && strcmp(argv[1], "verdicts") == 0)
		return cmocka_run_group_tests(verdicts, NULL, NULL);
	if (argc == 2 && strcmp(argv[1], "guard") == 0)
		return cmocka_run_group_tests(guard, NULL, NULL);
	fprintf(stderr, "kernel_admission verdicts|guard\n");
	return 2;
}
