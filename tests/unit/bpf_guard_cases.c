// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bpf_guard_cases.c - the tc program against the table of cases that the kernel module's self test reads, too.
 *
 * In:  tests/kmod/guard_cases.h. Out: verdicts. Run by tests/run, and in a guest. Needs root; 77 without.
 */
#include "../kmod/guard_cases.h"
#include "bpf_world.h"

struct rule_case {
	const char *name;
	bool marked, admitted;
	uint32_t verdict;
	const char *frame;
	size_t bytes;
};

#define CASE(name, marked, admitted, verdict, frame) \
	{ name, marked, admitted, OTORI_GUARD_##verdict, frame, sizeof(frame) - 1 },

static const struct rule_case cases[] = { GUARD_CASES(CASE) };

static struct world *w;

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

/* Where the network header begins, and the ids of the tags. */
static size_t skip_tags(const uint8_t *frame, uint16_t vlan[2])
{
	size_t at = 12;

	for (int n = 0; get16(frame + at) == 0x8100 || get16(frame + at) == 0x88a8; n++, at += 4)
		if (n < 2)
			vlan[n] = (uint16_t)(get16(frame + at + 2) & 0xfff);
	return at + 2;
}

/* Enters the flow of the frame, as if its stranger had written first. What is no TCP has none. */
static void admit(const uint8_t *frame)
{
	uint16_t vlan[2] = { 0, 0 };
	size_t at = skip_tags(frame, vlan);
	const uint8_t *l3 = frame + at;
	bool ipv6 = get16(l3 - 2) == 0x86dd;
	const uint8_t *l4 = l3 + (ipv6 ? 40 : 20);
	struct otori_bucket bucket = { 0 };
	__u32 s[4] = { 0 }, d[4] = { 0 }, index;
	__u16 from, to;
	__u64 hash;

	if (!ipv6 && get16(l3 - 2) != 0x0800)
		return;
	memcpy(ipv6 ? d : d + 3, l3 + (ipv6 ? 8 : 12), ipv6 ? 16 : 4);
	memcpy(ipv6 ? s : s + 3, l3 + (ipv6 ? 24 : 16), ipv6 ? 16 : 4);
	memcpy(&from, l4, 2);
	memcpy(&to, l4 + 2, 2);
	hash = otori_flow_hash(w->keys.admission, s, d, to, from, vlan[0], vlan[1], ipv6);
	index = (__u32)hash & (WORLD_BUCKETS - 1);
	bucket.slot[0] = otori_slot_live(hash, (uint32_t)(w->now_ns / 1000000000), 0, 0);
	world_put(bpf_map__fd(w->xdp->maps.admission), &index, &bucket);
}

static void forget_flows(void)
{
	struct otori_bucket none = { 0 };

	for (uint32_t index = 0; index < WORLD_BUCKETS; index++)
		world_put(bpf_map__fd(w->xdp->maps.admission), &index, &none);
}

static void every_case_has_its_verdict(void **state)
{
	size_t count = sizeof(cases) / sizeof(cases[0]);

	(void)state;
	assert_true(count > 50);
	for (size_t i = 0; i < count; i++) {
		const struct rule_case *c = &cases[i];
		uint64_t before = world_guard_counter(w, c->verdict);
		int passed;

		forget_flows();
		if (c->admitted)
			admit((const uint8_t *)c->frame);
		passed = world_guard(w, (const uint8_t *)c->frame, c->bytes, c->marked ? OTORI_TRANSMIT_MARK : 0);
		if (passed != otori_guard_passes(c->verdict) || world_guard_counter(w, c->verdict) != before + 1)
			fail_msg("%s: passed %d, or counted under another verdict than %u", c->name, passed,
				 c->verdict);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_case_has_its_verdict, fresh, done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
