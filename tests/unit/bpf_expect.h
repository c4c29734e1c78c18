/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bpf_expect.h - a packet's verdict, kind and port, asked of the counters; and the handshakes that the tests begin
 * with.
 *
 * In:  the world of bpf_world.h. Out: assertions. Included by tests/unit/bpf_verdicts.c and bpf_flows.c.
 */
#ifndef BPF_EXPECT_H
#define BPF_EXPECT_H

#include "bpf_world.h"

static struct world *w;

/* Where a counter stands, for expect(). */
#define AT(name) offsetof(struct otori_counters, name)

static int fresh(void **state)
{
	struct world_options options = { 0 };

	(void)state;
	w = world_open(&options);
	return 0;
}

static int done(void **state)
{
	(void)state;
	world_close(w);
	w = NULL;
	return 0;
}

static uint64_t counter(const struct otori_counters *c, size_t at)
{
	return *(const __u64 *)((const uint8_t *)c + at);
}

/* The equations of counters.h, on one port and family. */
static void balances(const struct otori_counters *c, bool decoy_port)
{
	const __u64 *refused = &c->refused_truncated, *kind = &c->kind_syn;
	uint64_t sum = c->passed + c->answered + c->taken, kinds = 0;

	for (int i = 0; i < OTORI_REFUSAL_COUNT; i++)
		sum += refused[i];
	for (int i = 0; i < OTORI_KIND_COUNT; i++)
		kinds += kind[i];
	assert_int_equal(c->seen, sum);
	assert_int_equal(c->seen, kinds);
	if (decoy_port)
		assert_int_equal(c->kind_syn, c->syn_sampled + c->syn_unsampled);
}

/*
 * Runs f: it must be counted once, at this port and family, under this kind and verdict (offsets by AT), in the figures
 * since load and in those of the minute, and come out with this action.
 */
static __attribute__((unused)) void expect(const struct frame *f, uint32_t action, uint32_t port, bool ipv6,
					   size_t kind, size_t verdict)
{
	uint32_t minute = (uint32_t)(w->now_ns / 60000000000ULL);
	struct otori_counters before = world_port(w, port, ipv6), before_minute = world_minute(w, minute, port, ipv6);
	uint32_t got = world_xdp(w, f);
	struct otori_counters after = world_port(w, port, ipv6), after_minute = world_minute(w, minute, port, ipv6);

	assert_int_equal(after.seen, before.seen + 1);
	assert_int_equal(after_minute.seen, before_minute.seen + 1);
	assert_int_equal(after.seen_bytes, before.seen_bytes + f->length);
	if (counter(&after, kind) != counter(&before, kind) + 1)
		print_message("kind at offset %zu not counted\n", kind);
	if (counter(&after, verdict) != counter(&before, verdict) + 1)
		for (size_t i = 0; i < sizeof(after) / 8; i++)
			if (((__u64 *)&after)[i] != ((__u64 *)&before)[i])
				print_message("counted word %zu instead of %zu\n", i, verdict / 8);
	assert_int_equal(counter(&after, kind), counter(&before, kind) + 1);
	assert_int_equal(counter(&after, verdict), counter(&before, verdict) + 1);
	assert_int_equal(counter(&after_minute, verdict), counter(&before_minute, verdict) + 1);
	balances(&after, port != 0);
	balances(&after_minute, port != 0);
	assert_int_equal(got, action);
}

#define REFUSED_AS(f, port, ipv6, kind, reason) expect(f, XDP_DROP, port, ipv6, AT(kind_##kind), AT(refused_##reason))
#define PASSED(f, ipv6) expect(f, XDP_PASS, 0, ipv6, AT(kind_other), AT(passed))
#define ANSWERED(f, port, ipv6, kind) expect(f, XDP_TX, port, ipv6, AT(kind_##kind), AT(answered))
#define TAKEN(f, port, ipv6, kind) expect(f, XDP_DROP, port, ipv6, AT(kind_##kind), AT(taken))

static const uint8_t linux_options[20] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 1, 2, 3, 0, 0, 0, 0, 1, 3, 3, 7 };

static struct segment a_syn(void)
{
	return (struct segment){ .source = "203.0.113.7",
				 .destination = "198.51.100.9",
				 .source_port = 40000,
				 .destination_port = 1080,
				 .seq = 0x11223344,
				 .flags = F_SYN,
				 .options = linux_options,
				 .option_bytes = 20 };
}

static __attribute__((unused)) struct segment a_syn6(void)
{
	struct segment s = a_syn();

	s.source = "2001:db8:77::7";
	s.destination = "2001:db8:d::9";
	return s;
}

/* Our sequence number in the SYN-ACK that lies in w->out. f: the SYN. */
static uint32_t our_seq(const struct frame *f)
{
	return get32(w->out + (f->l3 + (f->bytes[f->l3] >> 4 == 6 ? 40 : 20)) + 4);
}

/* SYN s and its answer; s becomes the ACK that completes the handshake. */
static __attribute__((unused)) void connect_by(struct segment *s)
{
	struct frame f;

	frame_make(&f, s);
	assert_int_equal(world_xdp(w, &f), XDP_TX);
	s->flags = F_ACK;
	s->seq += 1;
	s->ack = our_seq(&f) + 1;
	s->option_bytes = 0;
	world_drain(w);
}

static __attribute__((unused)) void open_flow(struct segment *s)
{
	struct frame f;

	connect_by(s);
	frame_make(&f, s);
	assert_int_equal(world_xdp(w, &f), XDP_DROP);
	assert_int_equal(world_drain(w), 1);
	assert_int_equal(w->event[0].header.kind, OTORI_EVENT_open);
}

#endif
