// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bpf_random.c - random and mutated frames: the guard and XDP's own answers against a second implementation of the
 * rule.
 *
 * In:  OTORI_FRAMES (frames for the guard, 1,000,000 where it isn't set; a third of it for XDP), OTORI_SEED. Out:
 * verdicts; the frame that differed. Run by tests/run, and in a guest. Needs root; 77 without.
 */
#include "bpf_guard_twin.h"
#include "bpf_world.h"

#include <time.h>

#define FLOWS 6
#define SECONDS_AT_MOST 40 /* in an emulated machine; a real one is through in less */
#define FRAMES_AT_LEAST 30000

static struct world *w;
static struct twin_flow flows[FLOWS];
static uint64_t dice_state = 0x9e3779b97f4a7c15ULL;

static uint32_t dice(uint32_t sides)
{
	dice_state ^= dice_state << 13;
	dice_state ^= dice_state >> 7;
	dice_state ^= dice_state << 17;
	return (uint32_t)((dice_state * 2685821657736338717ULL) >> 33) % sides;
}

static unsigned frames_wanted(void)
{
	const char *text = getenv("OTORI_FRAMES");

	return text ? (unsigned)strtoul(text, NULL, 10) : 1000000;
}

static time_t started;

/* Has the loop that is at frame i been through enough? */
static bool enough(unsigned i, unsigned wanted)
{
	if (i == 0)
		started = time(NULL);
	return i >= wanted || (i >= FRAMES_AT_LEAST && i % 1024 == 0 && time(NULL) - started > SECONDS_AT_MOST);
}

static int fresh(void **state)
{
	struct world_options options = { .buckets = 1024 };
	const char *seed = getenv("OTORI_SEED");

	(void)state;
	if (seed)
		dice_state = strtoull(seed, NULL, 0) | 1;
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

static const char *const decoys4[] = { "198.51.100.9", "198.51.100.200", "192.0.2.1" };
static const char *const decoys6[] = { "2001:db8:d::9", "2001:db8:d:1::1", "2001:db8:1::1" };
static const uint16_t decoy_ports[] = { 1080, 3128, 8080, 25 };

/* A place for addresses as text; four at a time. */
static const char *stranger(bool ipv6)
{
	static char text[8][64];
	static unsigned next;
	char *to = text[next++ % 8];

	if (ipv6)
		snprintf(to, 64, "2001:db8:77::%x", dice(4) + 1);
	else
		snprintf(to, 64, "203.0.113.%u", dice(4) + 1);
	return to;
}

/* Enters the flows into the table by hand, as live and seen now. */
static void admit_flows(void)
{
	struct otori_bucket buckets[1024] = { 0 };

	for (int i = 0; i < FLOWS; i++) {
		struct twin_flow *flow = &flows[i];
		__u32 s[4] = { 0 }, d[4] = { 0 };
		__u64 hash;

		memset(flow, 0, sizeof(*flow));
		flow->ipv6 = i & 1;
		inet_pton(flow->ipv6 ? AF_INET6 : AF_INET, flow->ipv6 ? decoys6[i / 2] : decoys4[i / 2], flow->decoy);
		inet_pton(flow->ipv6 ? AF_INET6 : AF_INET, flow->ipv6 ? "2001:db8:77::2" : "203.0.113.2",
			  flow->stranger);
		flow->decoy_port = decoy_ports[i % 4];
		flow->stranger_port = (uint16_t)(40000 + i);
		flow->vlan[0] = i >= 4 ? 100 : 0;
		memcpy(flow->ipv6 ? s : s + 3, flow->stranger, flow->ipv6 ? 16 : 4);
		memcpy(flow->ipv6 ? d : d + 3, flow->decoy, flow->ipv6 ? 16 : 4);
		hash = otori_flow_hash(w->keys.admission, s, d, htons(flow->stranger_port), htons(flow->decoy_port),
				       flow->vlan[0], flow->vlan[1], flow->ipv6);
		buckets[hash & 1023].slot[i] = otori_slot_live(hash, (uint32_t)(w->now_ns / 1000000000), 0, 0);
	}
	for (uint32_t i = 0; i < 1024; i++)
		world_put(bpf_map__fd(w->xdp->maps.admission), &i, &buckets[i]);
}

/* The answer of a random flow, whole and right. */
static void make_answer(struct frame *f)
{
	static const uint8_t flag_choice[] = { F_ACK,	      F_ACK | F_PSH, F_FIN | F_ACK, F_RST,
					       F_RST | F_ACK, F_SYN | F_ACK, F_SYN,	    0 };
	const struct twin_flow *flow = &flows[dice(FLOWS)];
	char decoy[64], far[64];
	struct segment s = { .source = decoy, .destination = far };

	inet_ntop(flow->ipv6 ? AF_INET6 : AF_INET, flow->decoy, decoy, sizeof(decoy));
	inet_ntop(flow->ipv6 ? AF_INET6 : AF_INET, flow->stranger, far, sizeof(far));
	s.source_port = flow->decoy_port;
	s.destination_port = flow->stranger_port;
	s.tags = flow->vlan[0] ? 1 : 0;
	s.vlan[0] = (uint16_t)(flow->vlan[0] | dice(8) << 13);
	s.flags = flag_choice[dice(8)];
	s.payload = "0123456789abcdef";
	s.payload_bytes = dice(17);
	frame_make(f, &s);
}

/* Anything between random ends, with extension headers, tags and other protocols. */
static void make_any(struct frame *f, bool to_decoy)
{
	static const uint8_t protocols[] = { 6, 6, 6, 1, 17, 58, 4, 41, 47, 50 };
	static const uint8_t icmp_types[] = { 0, 3, 8, 128, 129, 134, 135, 136, 137 };
	static const uint8_t extensions[] = { 0, 43, 44, 60, 51, 0 };
	bool ipv6 = dice(2);
	uint8_t payload[64], chain[16] = { 60, 0, 1, 4 };
	const char *decoy = (ipv6 ? decoys6 : decoys4)[dice(3)], *far = stranger(ipv6);
	struct segment s = { .protocol = protocols[dice(10)] };

	if (dice(8) == 0)
		decoy = stranger(ipv6);
	s.source = to_decoy ? far : decoy;
	s.destination = to_decoy ? decoy : far;
	s.source_port = to_decoy ? (uint16_t)(40000 + dice(3)) : decoy_ports[dice(4)];
	s.destination_port = to_decoy ? decoy_ports[dice(4)] : (uint16_t)(40000 + dice(3));
	if (dice(8) == 0)
		s.source_port = s.destination_port = 22;
	s.flags = to_decoy && dice(2) ? F_SYN : (uint8_t)dice(256);
	s.seq = dice(1 << 30);
	s.ack = dice(1 << 30);
	s.tags = (uint8_t)(dice(4) ? 0 : dice(4));
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)dice(256);
	payload[0] = icmp_types[dice(9)];
	payload[1] = 0;
	s.payload = payload;
	s.payload_bytes = dice(sizeof(payload) + 1);
	s.options = payload + 8;
	s.option_bytes = dice(11) * 4;
	if (ipv6 && dice(3) == 0) {
		s.extension = chain;
		s.extension_bytes = dice(2) ? 8 : 16;
		s.extension_last = s.extension_bytes - 8;
		s.extension_first = extensions[dice(6)];
		if (dice(2))
			memset(chain + s.extension_last, 0, 8);
	}
	frame_make(f, &s);
}

/* Changes a few bytes where the headers are, or the length; sometimes mends the checksums afterwards. */
static void mutate(struct frame *f, bool mend)
{
	uint32_t changes = dice(4);

	while (changes--) {
		size_t span = f->length < 80 ? f->length : 80;
		uint8_t *at = &f->bytes[12 + dice((uint32_t)span - 12)];

		switch (dice(3)) {
		case 0:
			*at ^= (uint8_t)(1u << dice(8));
			break;
		case 1:
			*at = (uint8_t)dice(256);
			break;
		default:
			*at = (uint8_t)(dice(2) ? 0 : 255);
		}
	}
	if (dice(10) == 0)
		f->length = 14 + dice((uint32_t)f->length - 13);
	else if (mend && dice(4) && f->length > f->l4 + 20)
		frame_checksums(f, f->bytes[f->l3] >> 4 == 4 ? f->bytes[f->l3 + 9] : f->bytes[f->l3 + 6]);
}

static void show(const struct frame *f, size_t length)
{
	for (size_t i = 0; i < length && i < 120; i++)
		fprintf(stderr, "%02x%s", f->bytes[i], i % 16 == 15 ? "\n" : " ");
	fprintf(stderr, "\n");
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

	return cmocka_run_group_tests(tests, NULL, NULL);
}
