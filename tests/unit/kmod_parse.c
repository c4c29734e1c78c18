// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kmod_parse.c - the kernel module's parser in user space: random and mutated frames against the second implementation
 * of the rule.
 *
 * In:  OTORI_FRAMES (1,000,000 where it isn't set), OTORI_SEED. Out: verdicts; the frame that differed. Run by
 * tests/run, also with the sanitizers: each frame ends where its memory ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../kmod/parse.c"
#include "random_frames.h"

/* What guard.c does with the policy, for the decoys of the twin. */
static enum otori_guard_verdict judge(const uint8_t *frame, size_t length, bool marked)
{
	struct otori_packet p = { 0 };
	struct otori_guard_frame *f = &p.frame;
	bool has_source;

	otori_parse_frame(&p, frame, length < OTORI_PARSE_BYTES ? length : OTORI_PARSE_BYTES);
	has_source = f->shape == OTORI_SHAPE_ARP || f->shape == OTORI_SHAPE_IPV4 || f->shape == OTORI_SHAPE_IPV6;
	f->origin = marked ? OTORI_ORIGIN_RESPONDER : OTORI_ORIGIN_HOST;
	if (has_source)
		f->source_kind = twin_is_unused(p.source, true) ? 1 : twin_is_own(p.source, true) ? 2 : 0;
	f->port_is_decoy = f->has_port && twin_is_decoy_port(p.source_port);
	for (int i = 0; i < FLOWS; i++) {
		size_t at = flows[i].ipv6 ? 0 : 12;

		if ((f->shape == OTORI_SHAPE_IPV6) == flows[i].ipv6 &&
		    !memcmp(p.source + at, flows[i].decoy, 16 - at) &&
		    !memcmp(p.destination + at, flows[i].stranger, 16 - at) && p.source_port == flows[i].decoy_port &&
		    p.destination_port == flows[i].stranger_port && p.vlan[0] == flows[i].vlan[0] &&
		    p.vlan[1] == flows[i].vlan[1])
			f->admitted = 1;
	}
	return otori_guard_rule(f);
}

static void module_says_what_the_twin_says(void **state)
{
	unsigned wanted = frames_wanted(), i, reached[OTORI_GUARD_VERDICT_COUNT] = { 0 };
	struct frame f;

	(void)state;
	dice_begin();
	make_flows();
	for (i = 0; !enough(i, wanted); i++) {
		bool marked = dice(3), twin;
		enum otori_guard_verdict verdict;
		uint8_t *exact;

		if (marked && dice(4))
			make_answer(&f);
		else
			make_any(&f, false);
		if (dice(2))
			mutate(&f, false);
		exact = malloc(f.length);
		assert_non_null(exact);
		memcpy(exact, f.bytes, f.length);
		verdict = judge(exact, f.length, marked);
		free(exact);
		twin = twin_may_leave(f.bytes, f.length, marked ? TWIN_RESPONDER : TWIN_HOST, flows, FLOWS);
		reached[verdict]++;
		if (otori_guard_passes(verdict) != twin) {
			show(&f, f.length);
			fail_msg("frame %u, %s: verdict %d, the twin says %d", i, marked ? "marked" : "unmarked",
				 (int)verdict, twin);
		}
	}
	/* the frames reach every verdict, so that agreement says something */
	for (uint32_t verdict = 0; verdict < OTORI_GUARD_VERDICT_COUNT; verdict++)
		if (verdict != OTORI_GUARD_pass_xdp)
			assert_true(reached[verdict] > 0);
}

/* A chain of extension headers that leads behind what is read may hide anything: it does not pass. */
static void what_is_out_of_sight_is_unreadable(void **state)
{
	uint8_t frame[OTORI_PARSE_BYTES + 64] = { 0 };

	(void)state;
	make_flows();
	put16(frame + 12, 0x86dd);
	frame[14] = 0x60;
	frame[20] = 60;
	inet_pton(AF_INET6, "2001:db8:1::1", frame + 22);
	inet_pton(AF_INET6, "2001:db8:77::1", frame + 38);
	frame[54] = 6;
	frame[55] = 30; /* 248 bytes of options, then a decoy port */
	put16(frame + 54 + 248, 8080);
	frame[54 + 248 + 12] = 0x50;
	assert_int_equal(judge(frame, sizeof(frame), false), OTORI_GUARD_drop_unreadable);
	frame[55] = 0; /* and in sight it is what it is */
	put16(frame + 62, 8080);
	frame[62 + 12] = 0x50;
	assert_int_equal(judge(frame, sizeof(frame), false), OTORI_GUARD_drop_host);
	put16(frame + 62, 22);
	assert_int_equal(judge(frame, sizeof(frame), false), OTORI_GUARD_pass_host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(module_says_what_the_twin_says),
		cmocka_unit_test(what_is_out_of_sight_is_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
