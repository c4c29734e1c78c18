// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bpf_random.c - random and mutated frames: the guard and XDP's own answers against a second implementation of the
 * rule.
 *
 * In:  OTORI_FRAMES (frames for the guard, 1,000,000 where it isn't set; a third of it for XDP), OTORI_SEED. Out:
 * verdicts; the frame that differed. Run by tests/run, and in a guest. Needs root; 77 without.
 */
#include "bpf_world.h"
#include "random_frames.h"

static struct world *w;
static int fresh(void **state)
{
	struct world_options options = { .buckets = 1024 };

	(void)state;
	dice_begin();
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

/* Enters the flows into the table by hand, as live and seen now. */
static void admit_flows(void)
{
	struct otori_bucket buckets[1024] = { 0 };

	make_flows();
	for (int i = 0; i < FLOWS; i++) {
		const struct twin_flow *flow = &flows[i];
		__u32 s[4] = { 0 }, d[4] = { 0 };
		__u64 hash;

		memcpy(flow->ipv6 ? s : s + 3, flow->stranger, flow->ipv6 ? 16 : 4);
		memcpy(flow->ipv6 ? d : d + 3, flow->decoy, flow->ipv6 ? 16 : 4);
		hash = otori_flow_hash(w->keys.admission, s, d, htons(flow->stranger_port), htons(flow->decoy_port),
				       flow->vlan[0], flow->vlan[1], flow->ipv6);
		buckets[hash & 1023].slot[i] = otori_slot_live(hash, (uint32_t)(w->now_ns / 1000000000), 0, 0);
	}
	for (uint32_t i = 0; i < 1024; i++)
		world_put(bpf_map__fd(w->xdp->maps.admission), &i, &buckets[i]);
}

static void guard_says_what_its_twin_says(void **state)
{
	unsigned wanted = frames_wanted(), i;
	unsigned passed[2] = { 0 };
	struct frame f;

	(void)state;
	for (i = 0; !enough(i, wanted); i++) {
		bool marked = dice(3), twin;
		int guard;

		if (i % 50000 == 0)
			admit_flows(); /* RSTs close them, and closed ones expire */
		if (marked && dice(4))
			make_answer(&f);
		else
			make_any(&f, false);
		if (dice(2))
			mutate(&f, false);
		twin = twin_may_leave(f.bytes, f.length, marked ? TWIN_RESPONDER : TWIN_HOST, flows, FLOWS);
		guard = world_guard(w, f.bytes, f.length, marked ? OTORI_TRANSMIT_MARK : dice(2));
		if (guard < 0)
			continue;
		if (guard != twin) {
			fprintf(stderr, "frame %u, %s: the guard says %d, its twin %d\n", i,
				marked ? "marked" : "unmarked", guard, twin);
			show(&f, f.length);
		}
		assert_int_equal(guard, twin);
		passed[marked] += (unsigned)guard;
	}
	/* the frames reach every verdict, so that agreement says something */
	assert_true(passed[0] > i / 100 && passed[1] > i / 100);
	for (uint32_t verdict = 0; verdict < OTORI_GUARD_VERDICT_COUNT; verdict++)
		if (verdict != OTORI_GUARD_pass_xdp)
			assert_true(world_guard_counter(w, verdict) > 0);
}

static void sums_hold(void)
{
	for (uint32_t port = 0; port < 5; port++) {
		for (int ipv6 = 0; ipv6 < 2; ipv6++) {
			struct otori_counters c = world_port(w, port, ipv6);
			const __u64 *refused = &c.refused_truncated, *kind = &c.kind_syn;
			uint64_t verdicts = c.passed + c.answered + c.taken, kinds = 0;

			for (int i = 0; i < OTORI_REFUSAL_COUNT; i++)
				verdicts += refused[i];
			for (int i = 0; i < OTORI_KIND_COUNT; i++)
				kinds += kind[i];
			assert_int_equal(c.seen, verdicts);
			assert_int_equal(c.seen, kinds);
			if (port)
				assert_int_equal(c.kind_syn, c.syn_sampled + c.syn_unsampled);
			assert_int_equal(c.refused_guard, 0);
		}
	}
}

static void xdp_sends_only_what_the_twin_allows(void **state)
{
	unsigned wanted = frames_wanted() / 3, answered = 0, i;
	struct frame f;
	uint64_t seen = 0, events = 0, emitted = 0;

	(void)state;
	w->settings.answer_arp = 1;
	world_settings(w);
	for (i = 0; !enough(i, wanted); i++) {
		uint32_t action;

		if (i % 50000 == 0)
			world_clock(w, w->now_ns);
		make_any(&f, true);
		if (dice(2))
			mutate(&f, true);
		if (f.length < 14)
			continue;
		action = world_xdp(w, &f);
		assert_true(action == XDP_TX || action == XDP_DROP || action == XDP_PASS);
		if (action == XDP_TX) {
			size_t came = f.length < 60 ? 60 : f.length;

			answered++;
			if (!twin_may_leave(w->out, w->out_bytes, TWIN_XDP, NULL, 0)) {
				show(&f, f.length);
				fail_msg("XDP sent what the twin forbids, frame %u", i);
			}
			assert_true(w->out_bytes <= came + 4);
		} else if (action == XDP_PASS) {
			assert_int_equal(w->out_bytes, f.length);
			assert_memory_equal(w->out, f.bytes, f.length);
		}
		if (i % 32 == 31)
			events += world_drain(w);
	}
	events += world_drain(w);
	assert_true(answered > i / 50);
	sums_hold();
	for (uint32_t port = 0; port < 5; port++)
		for (int ipv6 = 0; ipv6 < 2; ipv6++) {
			struct otori_counters c = world_port(w, port, ipv6);

			seen += c.seen;
			for (int kind = 0; kind < OTORI_EVENT_COUNT; kind++)
				emitted += (&c.emitted_syn)[kind] - (&c.ring_full_syn)[kind];
		}
	assert_true(seen <= i && seen > i / 2);
	assert_int_equal(emitted, events);
	assert_int_equal(world_guard_counter(w, OTORI_GUARD_pass_xdp), answered);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(guard_says_what_its_twin_says, fresh, done),
		cmocka_unit_test_setup_teardown(xdp_sends_only_what_the_twin_allows, fresh, done),
	};

	return WORLD_RUN(tests);
}
