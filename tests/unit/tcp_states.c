// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcp_states.c - the TCP endpoint step by step: data, acknowledgements, both sides' FIN in every order, resets,
 * challenges.
 *
 * In:  segments by hand. Out: pass or fail. RFC 9293, 3.10.7; RFC 5961.
 */
#include "tcp_lab.h"

#define C (LAB_ISN + 1)
#define S (LAB_COOKIE + 1)

static void answers_on_the_way(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_handshake(&lab);
	lab_tick(&lab);
	lab_expect_nothing(&lab);
	assert_int_equal(puppet.begun, 0); /* a silent flow costs no conversation */
	puppet.answer = slice_of_text("\5\1");
	puppet.answer_after = 3;
	lab_send(&lab, ACK | PSH, C, S, "\5\1\2", 3);
	lab_expect(&lab, ACK | PSH, S, C + 3, "\5\1");
	lab_tick(&lab);
	lab_expect_nothing(&lab); /* the answer carried the acknowledgement */
	lab_send(&lab, RST, C + 3, 0, NULL, 0);
	assert_int_equal(lab.accesses, 1);
	assert_string_equal(lab.last_reason, "rst");
	assert_int_equal(lab.last_access.bytes_in, 3);
	assert_int_equal(lab.last_access.bytes_out, 2);
	assert_int_equal(lab.last_access.first_segment_bytes, 3);
	assert_int_equal(lab.last_access.access >> 24, 7);
	lab_close(&lab);
}

static void payload_rides_on_the_handshake(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_send_options(&lab, OTORI_EVENT_open, ACK | PSH, C, S, NULL, "hello", 5);
	lab_tick(&lab);
	lab_expect(&lab, ACK, S, C + 5, "");
	assert_memory_equal(puppet.heard, "hello", 5);
	lab_close(&lab);
}

static void banner_comes_at_once(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	puppet.banner = "220 hello\r\n";
	lab_handshake(&lab);
	lab_expect(&lab, ACK | PSH, S, C, "220 hello\r\n");
	lab_send(&lab, ACK, C, S + 11, NULL, 0);
	lab_close(&lab);
	assert_int_equal(puppet.ended, 1);
}

/* A client of port 25 says nothing before it: only a timer of the flow's own can bring it out. */
static void banner_comes_after_its_delay(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	puppet.banner = "220 hello\r\n";
	puppet.delay_ms = 40;
	lab_handshake(&lab);
	lab_pass(&lab, 30 * LAB_MS);
	lab_expect_nothing(&lab);
	lab_pass(&lab, 20 * LAB_MS);
	lab_expect(&lab, ACK | PSH, S, C, "220 hello\r\n");
	lab_close(&lab);
}

static void delay_holds_output_back(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	puppet.answer = slice_of_text("late");
	puppet.answer_after = 1;
	puppet.delay_ms = 120;
	puppet.close_after_answer = true;
	lab_handshake(&lab);
	lab_send(&lab, ACK, C, S, "x", 1);
	lab_tick(&lab);
	lab_expect(&lab, ACK, S, C + 1, "");
	lab_pass(&lab, 110 * LAB_MS);
	lab_expect_nothing(&lab);
	lab_pass(&lab, 20 * LAB_MS);
	lab_expect(&lab, ACK | PSH | FIN, S, C + 1, "late");
	lab_close(&lab);
}

/* The client closes first; then we. */
static void client_closes_first(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	puppet.close_at_half_close = true;
	lab_handshake(&lab);
	lab_send(&lab, ACK, C, S, "x", 1);
	lab_send(&lab, ACK | FIN, C + 1, S, NULL, 0);
	lab_expect(&lab, ACK | FIN, S, C + 2, "");
	assert_int_equal(puppet.half_closed, 1);
	assert_int_equal(lab.accesses, 0);
	lab_send(&lab, ACK, C + 2, S + 1, NULL, 0);
	assert_string_equal(lab.last_reason, "fin");
	lab_check_empty(&lab);
	lab_close(&lab);
}

/* FIN without a byte before it: no conversation, closed all the same. */
static void silent_client_closes(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_handshake(&lab);
	lab_send(&lab, ACK | FIN, C, S, NULL, 0);
	lab_expect(&lab, ACK | FIN, S, C + 1, "");
	lab_send(&lab, ACK, C + 1, S + 1, NULL, 0);
	assert_int_equal(lab.last_access.depth, DEPTH_ack);
	assert_int_equal(puppet.begun, 0);
	lab_check_empty(&lab);
	lab_close(&lab);
}

static void close_after_answer(struct lab *lab)
{
	lab_open(lab);
	puppet.answer = slice_of_text("bye");
	puppet.answer_after = 1;
	puppet.close_after_answer = true;
	lab_handshake(lab);
	lab_send(lab, ACK, C, S, "x", 1);
	lab_expect(lab, ACK | PSH | FIN, S, C + 1, "bye");
}

/* We close first; the client acknowledges, then closes: TIME_WAIT answers a repeated FIN, and ends by itself. */
static void we_close_first(void **state)
{
	struct lab lab;

	(void)state;
	close_after_answer(&lab);
	lab_send(&lab, ACK, C + 1, S + 4, NULL, 0);
	assert_int_equal(lab.accesses, 0);
	lab_send(&lab, ACK | FIN, C + 1, S + 4, NULL, 0);
	lab_tick(&lab);
	lab_expect(&lab, ACK, S + 4, C + 2, "");
	assert_string_equal(lab.last_reason, "fin");
	assert_int_equal(lab.worker->flows.used_flows, 1);
	assert_int_equal(lab.worker->flows.used_talks, 0);
	lab_send(&lab, ACK | FIN, C + 1, S + 4, NULL, 0);
	lab_tick(&lab);
	lab_expect(&lab, ACK, S + 4, C + 2, "");
	lab_pass(&lab, 3 * LAB_SECOND);
	lab_check_empty(&lab);
	assert_int_equal(lab.accesses, 1);
	lab_expect_nothing(&lab);
	lab_close(&lab);
}

/* Both FINs cross. */
static void simultaneous_close(void **state)
{
	struct lab lab;

	(void)state;
	close_after_answer(&lab);
	lab_send(&lab, ACK | FIN, C + 1, S, NULL, 0);
	lab_tick(&lab);
	lab_expect(&lab, ACK, S + 4, C + 2, "");
	assert_int_equal(lab.accesses, 0);
	lab_send(&lab, ACK, C + 2, S + 4, NULL, 0);
	assert_string_equal(lab.last_reason, "fin");
	lab_pass(&lab, 3 * LAB_SECOND);
	lab_check_empty(&lab);
	lab_close(&lab);
}

/* FIN and the acknowledgement of ours in one segment. */
static void fin_acknowledges_fin(void **state)
{
	struct lab lab;

	(void)state;
	close_after_answer(&lab);
	lab_send(&lab, ACK | FIN, C + 1, S + 4, NULL, 0);
	lab_tick(&lab);
	lab_expect(&lab, ACK, S + 4, C + 2, "");
	assert_string_equal(lab.last_reason, "fin");
	lab_pass(&lab, 3 * LAB_SECOND);
	lab_check_empty(&lab);
	lab_close(&lab);
}

/* The FIN arrives before the bytes in front of it. */
static void fin_before_its_bytes(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	puppet.close_at_half_close = true;
	lab_handshake(&lab);
	lab_send(&lab, ACK | FIN, C + 3, S, "def", 3);
	lab_expect(&lab, ACK, S, C, "");
	assert_int_equal(puppet.half_closed, 0);
	lab_send(&lab, ACK, C, S, "abc", 3);
	assert_int_equal(puppet.half_closed, 1);
	assert_memory_equal(puppet.heard, "abcdef", 6);
	lab_expect(&lab, ACK | FIN, S, C + 7, "");
	lab_close(&lab);
}

/* Our FIN is lost: it is sent again until it is answered. */
static void fin_is_retransmitted(void **state)
{
	struct lab lab;

	(void)state;
	close_after_answer(&lab);
	lab_pass(&lab, 1100 * LAB_MS);
	lab_expect(&lab, ACK | PSH | FIN, S, C + 1, "bye");
	lab_send(&lab, ACK, C + 1, S + 3, NULL, 0); /* the bytes, not the FIN */
	lab_pass(&lab, 1100 * LAB_MS);
	lab_expect(&lab, ACK | FIN, S + 3, C + 1, "");
	lab_close(&lab);
}

static void half_closed_client_is_answered(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	puppet.answer = slice_of_text("page");
	puppet.answer_after = 3;
	puppet.delay_ms = 50;
	puppet.close_at_half_close = true;
	lab_handshake(&lab);
	lab_send(&lab, ACK | FIN, C, S, "GET", 3);
	lab_tick(&lab);
	lab_expect(&lab, ACK, S, C + 4, "");
	lab_pass(&lab, 60 * LAB_MS);
	lab_expect(&lab, ACK | PSH | FIN, S, C + 4, "page");
	lab_send(&lab, ACK, C + 4, S + 5, NULL, 0);
	lab_check_empty(&lab);
	lab_close(&lab);
}

/* RFC 5961: only the exact number resets; within the window a challenge; outside, silence. */
static void resets_need_the_exact_number(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_handshake(&lab);
	lab_send(&lab, RST, C + 1000, 0, NULL, 0);
	lab_expect(&lab, ACK, S, C, "");
	lab_send(&lab, RST, C + 200000, 0, NULL, 0);
	lab_send(&lab, RST, C - 1, 0, NULL, 0);
	lab_expect_nothing(&lab);
	assert_int_equal(lab.accesses, 0);
	lab_send(&lab, RST, C, 0, NULL, 0);
	assert_string_equal(lab.last_reason, "rst");
	lab_close(&lab);
}

static void syn_on_a_live_flow_is_challenged(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_handshake(&lab);
	lab_send(&lab, SYN, C + 77777, 0, NULL, 0);
	lab_expect(&lab, ACK, S, C, "");
	lab_send(&lab, SYN, C, 0, NULL, 0);
	lab_expect(&lab, ACK, S, C, "");
	assert_int_equal(lab.accesses, 0);
	lab_close(&lab);
}

/* RFC 5961, 5: acknowledgements of what was never sent, or far too old. */
static void wild_acknowledgements_are_challenged(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_handshake(&lab);
	lab_send(&lab, ACK, C, S + 1, "x", 1);
	lab_expect(&lab, ACK, S, C, "");
	lab_send(&lab, ACK, C, S - 70000, "x", 1);
	lab_expect(&lab, ACK, S, C, "");
	assert_int_equal(puppet.heard_bytes, 0);
	lab_send(&lab, ACK, C, S - 10, "x", 1);
	assert_int_equal(puppet.heard_bytes, 1);
	lab_close(&lab);
}

static void challenges_are_limited(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_handshake(&lab);
	for (unsigned i = 0; i < CHALLENGES_PER_SECOND + 100; i++)
		lab_send(&lab, SYN, C, 0, NULL, 0);
	assert_int_equal(lab.sent, CHALLENGES_PER_SECOND);
	lab_close(&lab);
}

static void keepalive_is_answered(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_handshake(&lab);
	lab_send(&lab, ACK, C, S, "x", 1);
	lab_tick(&lab);
	lab_expect(&lab, ACK, S, C + 1, "");
	lab_send(&lab, ACK, C, S, NULL, 0);
	lab_tick(&lab);
	lab_expect(&lab, ACK, S, C + 1, "");
	lab_send(&lab, ACK, C, S, "\0", 1);
	lab_tick(&lab);
	lab_expect(&lab, ACK, S, C + 1, "");
	assert_int_equal(puppet.heard_bytes, 1);
	lab_close(&lab);
}

/* A tuple is used again: the old conversation is recorded, the new one begins at its own numbers. */
static void tuple_is_used_again(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_handshake(&lab);
	lab_send(&lab, ACK, C, S, "old", 3);
	lab_send_options(&lab, OTORI_EVENT_open, ACK, C + 0x5000000, S + 0x3000000, NULL, "new", 3);
	assert_string_equal(lab.last_reason, "reused");
	assert_memory_equal(puppet.heard, "oldnew", 6);
	assert_int_equal(lab.worker->flows.used_flows, 1);
	lab_close(&lab);
}

static void repeated_handshake_is_no_new_flow(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_handshake(&lab);
	lab_handshake(&lab);
	assert_int_equal(lab_term(&lab, TERM_opened), 1);
	lab_close(&lab);
}

static void idle_and_total_deadlines(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_handshake(&lab);
	lab_pass(&lab, 59 * LAB_SECOND);
	assert_int_equal(lab.accesses, 0);
	lab_pass(&lab, 2 * LAB_SECOND);
	assert_string_equal(lab.last_reason, "idle");
	lab_expect(&lab, ACK | RST, S, C, "");
	lab_handshake(&lab);
	for (unsigned i = 0; i < 13; i++) {
		lab_pass(&lab, 50 * LAB_SECOND);
		lab_send(&lab, ACK, C + i, S, "x", 1);
	}
	assert_int_equal(lab.accesses, 2);
	assert_string_equal(lab.last_reason, "total");
	assert_int_equal(lab.last_access.ended_at_ns - lab.last_access.started_at_ns, 600 * LAB_SECOND);
	lab_close(&lab);
}

static void abort_resets(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	puppet.abort_at_input = true;
	lab_handshake(&lab);
	lab_send(&lab, ACK, C, S, "x", 1);
	lab_expect(&lab, ACK | RST, S, C + 1, "");
	assert_string_equal(lab.last_reason, "aborted");
	lab_check_empty(&lab);
	lab_close(&lab);
}

/* A flow that the responder does not know: RFC 9293, 3.10.7.1. */
static void strays_are_reset(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_send(&lab, ACK, C, S + 5, "x", 1);
	lab_expect(&lab, RST, S + 5, 0, "");
	lab_send(&lab, FIN, C, 0, "x", 1);
	lab_expect(&lab, ACK | RST, 0, C + 2, "");
	lab_send(&lab, RST, C, 0, NULL, 0);
	lab_expect_nothing(&lab);
	assert_int_equal(lab_term(&lab, TERM_stray), 3);
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_on_the_way),
		cmocka_unit_test(payload_rides_on_the_handshake),
		cmocka_unit_test(banner_comes_at_once),
		cmocka_unit_test(banner_comes_after_its_delay),
		cmocka_unit_test(delay_holds_output_back),
		cmocka_unit_test(client_closes_first),
		cmocka_unit_test(silent_client_closes),
		cmocka_unit_test(we_close_first),
		cmocka_unit_test(simultaneous_close),
		cmocka_unit_test(fin_acknowledges_fin),
		cmocka_unit_test(fin_before_its_bytes),
		cmocka_unit_test(fin_is_retransmitted),
		cmocka_unit_test(half_closed_client_is_answered),
		cmocka_unit_test(resets_need_the_exact_number),
		cmocka_unit_test(syn_on_a_live_flow_is_challenged),
		cmocka_unit_test(wild_acknowledgements_are_challenged),
		cmocka_unit_test(challenges_are_limited),
		cmocka_unit_test(keepalive_is_answered),
		cmocka_unit_test(tuple_is_used_again),
		cmocka_unit_test(repeated_handshake_is_no_new_flow),
		cmocka_unit_test(idle_and_total_deadlines),
		cmocka_unit_test(abort_resets),
		cmocka_unit_test(strays_are_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
