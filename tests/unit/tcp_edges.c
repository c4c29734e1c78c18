// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcp_edges.c - the TCP endpoint where networks and clients are unkind: overlaps, stale segments, lost answers, shut
 * windows, small paths, tags, replays.
 *
 * In:  segments by hand. Out: pass or fail. RFC 2018, 5681, 6298, 7323, 9293.
 */
#include "tcp_lab.h"

#define C (LAB_ISN + 1)
#define S (LAB_COOKIE + 1)

static uint8_t page[64 << 10];

/* The first byte wins, whichever way segments overlap; what differs is counted. */
static void first_byte_wins(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_handshake(&lab);
	lab_send(&lab, ACK, C + 2, S, "cd", 2);
	lab_send(&lab, ACK, C + 6, S, "gh", 2);
	lab_send(&lab, ACK, C + 1, S, "bXXef", 5); /* over one run, up to the next */
	lab_send(&lab, ACK, C + 5, S, "YYYi", 4);  /* f, g, h are there; i is new */
	lab_send(&lab, ACK, C, S, "aZZZZ", 5);
	assert_int_equal(puppet.heard_bytes, 9);
	assert_memory_equal(puppet.heard, "abcdefghi", 9);
	lab_send(&lab, RST, C + 9, 0, NULL, 0);
	assert_int_equal(lab.last_access.conflicting_bytes, 2 + 3 + 4);
	lab_check_empty(&lab);
	lab_close(&lab);
}

static void too_many_holes_are_bounded(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_handshake(&lab);
	for (unsigned i = 0; i < 500; i++)
		lab_send(&lab, ACK, C + 2 + 3 * i, S, "x", 1);
	assert_int_equal(lab.worker->runs.used, REASSEMBLY_MAX_RUNS);
	lab_close(&lab);
}

static void bytes_behind_the_window_are_cut(void **state)
{
	struct lab lab;
	static uint8_t big[8000];

	(void)state;
	lab_open(&lab);
	lab_handshake(&lab);
	for (uint32_t at = 1; at < 100000; at += sizeof(big))
		lab_send(&lab, ACK, C + at, S, big, sizeof(big));
	lab_send(&lab, ACK, C, S, big, 1);
	assert_true(puppet.heard_bytes <= WINDOW_BYTES + 128);
	assert_true(puppet.heard_bytes >= WINDOW_BYTES);
	lab_close(&lab);
}

static void bad_checksum_is_dropped(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_handshake(&lab);
	lab.event.flags |= OTORI_EVENT_VERIFY_CHECKSUM;
	lab.event.partial_checksum = htons((uint16_t)(0xffff - (('a' << 8 | 'b') + ('c' << 8))));
	lab_send(&lab, ACK, C, S, "abd", 3);
	assert_int_equal(puppet.heard_bytes, 0);
	assert_int_equal(lab_term(&lab, TERM_bad_checksum), 1);
	lab_send(&lab, ACK, C, S, "abc", 3);
	assert_int_equal(puppet.heard_bytes, 3);
	lab_close(&lab);
}

/* Timestamps go on from XDP's clock, mirror the client's, and refuse what is older (PAWS). */
static void timestamps_are_mirrored(void **state)
{
	struct lab lab;
	const struct seen *seen;

	(void)state;
	lab_open(&lab);
	lab.event.option_bytes = 12;
	lab_send_options(&lab, OTORI_EVENT_open, ACK, C, S, "\1\1\10\12\0\0\0\144\0\1\0\0", NULL, 0);
	lab_pass(&lab, 50 * LAB_MS);
	lab_send_options(&lab, OTORI_EVENT_segment, ACK, C, S, "\1\1\10\12\0\0\0\226\0\1\0\0", "x", 1);
	lab_tick(&lab);
	seen = lab_next(&lab);
	assert_non_null(seen);
	assert_int_equal(seen->option_bytes, 12);
	assert_memory_equal(seen->options, "\1\1\10\12", 4);
	assert_int_equal(lab_word(seen->options + 4), 0x10000 + 50);
	assert_int_equal(lab_word(seen->options + 8), 150);
	lab_send_options(&lab, OTORI_EVENT_segment, ACK, C + 1, S, "\1\1\10\12\0\0\0\120\0\1\0\0", "y", 1);
	lab_tick(&lab);
	assert_int_equal(puppet.heard_bytes, 1);
	lab_expect(&lab, ACK, S, C + 1, "");
	lab.event.option_bytes = 0;
	lab_close(&lab);
}

static void early_segments_are_acknowledged_selectively(void **state)
{
	struct lab lab;
	const struct seen *seen;

	(void)state;
	lab_open(&lab);
	lab.event.cookie_sack = 1;
	lab_handshake(&lab);
	lab_send(&lab, ACK, C + 10, S, "ab", 2);
	seen = lab_next(&lab);
	assert_int_equal(seen->option_bytes, 12);
	assert_memory_equal(seen->options, "\1\1\5\12", 4);
	assert_int_equal(lab_word(seen->options + 4), C + 10);
	assert_int_equal(lab_word(seen->options + 8), C + 12);
	lab_send(&lab, ACK, C + 20, S, "cd", 2);
	seen = lab_next(&lab);
	assert_memory_equal(seen->options, "\1\1\5\22", 4);
	assert_int_equal(lab_word(seen->options + 4), C + 20); /* the newest first */
	assert_int_equal(lab_word(seen->options + 12), C + 10);
	lab_send(&lab, ACK, C + 12, S, "12345678", 8);
	seen = lab_next(&lab);
	assert_memory_equal(seen->options, "\1\1\5\12", 4);
	assert_int_equal(lab_word(seen->options + 4), C + 10);
	assert_int_equal(lab_word(seen->options + 8), C + 22);
	lab_close(&lab);
}

/* A flow that has a page to send, and has sent the first window of it. */
static void open_with_page(struct lab *lab, uint32_t bytes)
{
	lab_open(lab);
	for (uint32_t i = 0; i < sizeof(page); i++)
		page[i] = (uint8_t)(i * 31 >> 3);
	puppet.answer = slice_of(page, bytes);
	puppet.answer_after = 1;
	lab->event.cookie_sack = 1;
	lab->event.cookie_window_scale = 7;
	lab_handshake(lab);
	lab_send(lab, ACK, C, S, "x", 1);
}

static unsigned count_frames(struct lab *lab)
{
	unsigned count = 0;

	while (lab_next(lab))
		count++;
	return count;
}

static void first_window_is_ten_segments(void **state)
{
	struct lab lab;

	(void)state;
	open_with_page(&lab, sizeof(page));
	assert_int_equal(count_frames(&lab), 10);
	lab_send(&lab, ACK, C + 1, S + 1460, NULL, 0);
	assert_int_equal(count_frames(&lab), 2); /* slow start */
	lab_close(&lab);
}

static void three_duplicates_bring_it_again(void **state)
{
	struct lab lab;
	const struct seen *seen;

	(void)state;
	open_with_page(&lab, sizeof(page));
	count_frames(&lab);
	lab_send(&lab, ACK, C + 1, S + 1460, NULL, 0);
	count_frames(&lab);
	lab_send(&lab, ACK, C + 1, S + 1460, NULL, 0);
	lab_send(&lab, ACK, C + 1, S + 1460, NULL, 0);
	assert_int_equal(count_frames(&lab), 2); /* new segments: limited transmit */
	lab_send(&lab, ACK, C + 1, S + 1460, NULL, 0);
	seen = lab_next(&lab);
	assert_non_null(seen);
	assert_int_equal(seen->seq, S + 1460);
	assert_int_equal(seen->payload_bytes, 1460);
	assert_memory_equal(seen->payload, page + 1460, 1460);
	/* A partial acknowledgement: the next hole at once (RFC 6582). */
	count_frames(&lab);
	lab_send(&lab, ACK, C + 1, S + 4380, NULL, 0);
	seen = lab_next(&lab);
	assert_int_equal(seen->seq, S + 4380);
	lab_close(&lab);
}

/* What the client holds isn't sent again. */
static void held_ranges_are_skipped(void **state)
{
	struct lab lab;
	const struct seen *seen;
	uint8_t sack[12] = "\1\1\5\12";
	uint32_t from = htonl(S + 1460), to = htonl(S + 5 * 1460);

	(void)state;
	open_with_page(&lab, 14600);
	count_frames(&lab);
	memcpy(sack + 4, &from, 4);
	memcpy(sack + 8, &to, 4);
	lab.event.option_bytes = 12;
	for (unsigned i = 0; i < 3; i++)
		lab_send_options(&lab, OTORI_EVENT_segment, ACK, C + 1, S, sack, NULL, 0);
	seen = lab_next(&lab);
	assert_int_equal(seen->seq, S);
	assert_int_equal(count_frames(&lab), 0);
	lab.event.option_bytes = 0;
	lab_pass(&lab, 1500 * LAB_MS); /* and the timeout passes them by as well */
	seen = lab_next(&lab);
	assert_int_equal(seen->seq, S);
	lab_send(&lab, ACK, C + 1, S + 5 * 1460, NULL, 0);
	seen = lab_next(&lab);
	assert_int_equal(seen->seq, S + 5 * 1460);
	lab_close(&lab);
}

static void silence_is_given_up(void **state)
{
	struct lab lab;
	unsigned frames;

	(void)state;
	lab_prepare(&lab);
	lab.settings.idle_seconds = 700;
	lab_start_worker(&lab);
	puppet.answer = slice_of_text("hello");
	puppet.answer_after = 1;
	lab_handshake(&lab);
	lab_send(&lab, ACK, C, S, "x", 1);
	lab_pass(&lab, 599 * LAB_SECOND);
	assert_string_equal(lab.last_reason, "retransmission");
	frames = count_frames(&lab);
	assert_int_equal(frames, 1 + RETRIES_MAX + 1); /* once, again and again, and the reset */
	lab_close(&lab);
}

/* The client shuts its window: probes, ever more seldom, until it opens. */
static void shut_window_is_probed(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	puppet.answer = slice_of_text("hello");
	puppet.answer_after = 1;
	lab_handshake(&lab);
	lab.event.window = 0;
	lab_send(&lab, ACK, C, S, "x", 1);
	lab_tick(&lab);
	lab_expect(&lab, ACK, S, C + 1, "");
	for (unsigned i = 0; i < 4; i++) {
		lab_pass(&lab, (1000ull << i) * LAB_MS + 2 * LAB_MS);
		lab_expect(&lab, ACK, S - 1, C + 1, "");
		lab_expect_nothing(&lab);
		lab_send(&lab, ACK, C + 1, S, NULL, 0);
	}
	lab.event.window = 3;
	lab_send(&lab, ACK, C + 1, S, NULL, 0);
	lab_expect(&lab, ACK, S, C + 1, "hel");
	lab.event.window = 100;
	lab_send(&lab, ACK, C + 1, S + 3, NULL, 0);
	lab_expect(&lab, ACK | PSH, S + 3, C + 1, "lo");
	lab_close(&lab);
}

/* Who doesn't take our answers finds our window shut, and is told when it opens. */
static void our_window_shuts_and_opens(void **state)
{
	struct lab lab;
	static uint8_t big[1400];
	const struct seen *seen = NULL, *next;
	uint32_t at = 1, shut = 0;

	(void)state;
	lab_open(&lab);
	lab.event.cookie_window_scale = 7;
	puppet.answer = slice_of(page, sizeof(page));
	puppet.answer_after = 1;
	lab_handshake(&lab);
	lab_send(&lab, ACK, C, S, "x", 1);
	byte_queue_append(&lab.worker->chunks, &lab.worker->flows.talks[0].output, slice_of(page, 8192));
	for (; at < 100000; at += sizeof(big)) {
		lab_send(&lab, ACK, C + at, S, big, sizeof(big));
		lab_tick(&lab);
		while ((next = lab_next(&lab)))
			seen = next;
		assert_non_null(seen);
		if (!seen->window)
			shut = seen->ack;
	}
	assert_true(shut != 0);
	assert_in_range(puppet.heard_bytes, WINDOW_BYTES, WINDOW_BYTES + 128);
	lab_send(&lab, ACK, shut, S + 14600, NULL, 0);
	while ((next = lab_next(&lab)))
		seen = next;
	assert_true(seen->window > 0);
	lab_close(&lab);
}

/* A client that asks and asks but never reads: its answers stay bounded, and what was not taken is taken when it has
 * read. */
static void who_does_not_read_is_not_heard(void **state)
{
	struct lab lab;
	struct talk *talk;
	uint64_t heard;

	(void)state;
	lab_open(&lab);
	puppet.answer = slice_of(page, sizeof(page));
	puppet.answer_after = 1;
	lab_handshake(&lab);
	lab_send(&lab, ACK, C, S, "x", 1);
	talk = flow_talk(&lab.worker->flows, flow_at(&lab.worker->flows, 1));
	for (unsigned i = 0; i < 4; i++)
		byte_queue_append(&lab.worker->chunks, &talk->output, slice_of(page, sizeof(page)));
	lab_send(&lab, ACK, C + 1, S, "GET", 3);
	lab_send(&lab, ACK, C + 4, S, "GET", 3);
	assert_int_equal(puppet.heard_bytes, 1);
	while (lab_next(&lab))
		;
	heard = puppet.heard_bytes;
	for (uint32_t read = 1460; talk->output.length > OUTPUT_MAX_BYTES; read += 1460) {
		lab_send(&lab, ACK, C + 1, S + read, NULL, 0);
		lab_tick(&lab);
	}
	lab_send(&lab, ACK, C + 1, lab.worker->flows.flows[0].snd_una, "GET", 3);
	assert_int_equal(puppet.heard_bytes, heard + 3);
	lab_close(&lab);
}

static void small_path_lowers_segments(void **state)
{
	struct lab lab;
	const struct seen *seen;

	(void)state;
	open_with_page(&lab, 14600);
	count_frames(&lab);
	lab.event.window = 1300;
	lab_send_options(&lab, OTORI_EVENT_unreachable, 3, S + 90000, 0, NULL, NULL, 0); /* quotes nothing of ours */
	assert_int_equal(count_frames(&lab), 0);
	lab_send_options(&lab, OTORI_EVENT_unreachable, 3, S + 1460, 0, NULL, NULL, 0);
	seen = lab_next(&lab);
	assert_non_null(seen);
	assert_int_equal(seen->seq, S);
	assert_int_equal(seen->payload_bytes, 1260);
	count_frames(&lab);
	lab.event.window = 68; /* less than any path has */
	lab_send_options(&lab, OTORI_EVENT_unreachable, 3, S, 0, NULL, NULL, 0);
	seen = lab_next(&lab);
	assert_int_equal(seen->payload_bytes, PATH_MTU_MIN_IPV4 - 40);
	lab_close(&lab);
}

static void tags_and_ipv6_come_back(void **state)
{
	struct lab lab;
	const struct seen *seen;

	(void)state;
	lab_open(&lab);
	lab.event.flags |= OTORI_EVENT_IPV6 | 2 << OTORI_EVENT_VLAN_COUNT_SHIFT | OTORI_EVENT_VLAN_OUTER_8021AD;
	lab.event.vlan_tci_be[0] = htons(0x6064);
	lab.event.vlan_tci_be[1] = htons(0x0065);
	memset(lab.event.source, 0x20, 16);
	memset(lab.event.destination, 0x21, 16);
	puppet.answer = slice_of_text("odd");
	puppet.answer_after = 1;
	lab_handshake(&lab);
	lab_send(&lab, ACK, C, S, "x", 1);
	seen = lab_next(&lab);
	assert_true(seen->ipv6);
	assert_int_equal(seen->vlans, 2);
	assert_int_equal(seen->vlan[0], 0x6064);
	assert_int_equal(seen->vlan[1], 0x0065);
	assert_memory_equal(seen->payload, "odd", 3);
	lab.event.vlan_tci_be[1] = htons(0x0066); /* another VLAN, another flow */
	lab_send(&lab, ACK, C + 1, S, "y", 1);
	assert_int_equal(lab_term(&lab, TERM_stray), 1);
	lab.event.vlan_tci_be[1] = htons(0xe065); /* another priority, the same */
	lab_send(&lab, ACK, C + 1, S, "y", 1);
	assert_int_equal(puppet.heard_bytes, 2);
	lab_send(&lab, RST, C + 2, 0, NULL, 0);
	assert_int_equal(lab.last_access.endpoints.vlan[0], 100);
	assert_int_equal(lab.last_access.endpoints.vlan_count, 2);
	assert_true(lab.last_access.endpoints.source.ipv6);
	lab_close(&lab);
}

static void full_sink_is_made_up_for(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	puppet.answer = slice_of_text("hello");
	puppet.answer_after = 1;
	lab_handshake(&lab);
	lab.sink_full = true;
	lab_send(&lab, ACK, C, S, "x", 1);
	assert_int_equal(lab_term(&lab, TERM_frames_dropped), 1);
	lab.sink_full = false;
	lab_pass(&lab, 1100 * LAB_MS);
	lab_expect(&lab, ACK | PSH, S, C + 1, "hello");
	lab_close(&lab);
}

/* In a replay the recorded server's numbers are unknown: nothing is sent, nothing waits, the client's FIN or RST ends
 * it. */
static void replay_only_listens(void **state)
{
	struct lab lab;

	(void)state;
	lab_prepare(&lab);
	lab.settings.replay = true;
	lab_start_worker(&lab);
	lab.event.flags = 0;
	puppet.answer = slice_of_text("hello");
	puppet.answer_after = 1;
	puppet.close_after_answer = true;
	lab_handshake(&lab);
	lab_send(&lab, ACK, C, S + 500000, "x", 1);
	lab_send(&lab, ACK, C + 2, S + 700000, "z", 1);
	lab_send(&lab, SYN, C + 90000, 0, NULL, 0);
	lab_send(&lab, ACK | FIN, C + 1, S, "yzq", 3);
	assert_string_equal(lab.last_reason, "fin");
	assert_memory_equal(puppet.heard, "xyzq", 4);
	assert_int_equal(lab.last_access.bytes_in, 4);
	assert_int_equal(lab.last_access.bytes_out, 5);
	assert_int_equal(lab.last_access.window_scale, 15);
	lab_check_empty(&lab);
	lab_handshake(&lab);
	lab_send(&lab, RST, C + 100, 0, NULL, 0);
	assert_string_equal(lab.last_reason, "rst");
	lab_expect_nothing(&lab);
	lab_close(&lab);
}

/* A leap over days in a capture: the deadline ended it, not the next packet. */
static void leaps_end_at_the_deadline(void **state)
{
	struct lab lab;

	(void)state;
	lab_prepare(&lab);
	lab.settings.replay = true;
	lab_start_worker(&lab);
	lab_handshake(&lab);
	lab.now_ns += 3 * 86400 * LAB_SECOND;
	lab_tick(&lab);
	assert_string_equal(lab.last_reason, "total");
	assert_int_equal(lab.last_access.ended_at_ns - lab.last_access.started_at_ns, 600 * LAB_SECOND);
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_byte_wins),
		cmocka_unit_test(too_many_holes_are_bounded),
		cmocka_unit_test(bytes_behind_the_window_are_cut),
		cmocka_unit_test(bad_checksum_is_dropped),
		cmocka_unit_test(timestamps_are_mirrored),
		cmocka_unit_test(early_segments_are_acknowledged_selectively),
		cmocka_unit_test(first_window_is_ten_segments),
		cmocka_unit_test(three_duplicates_bring_it_again),
		cmocka_unit_test(held_ranges_are_skipped),
		cmocka_unit_test(silence_is_given_up),
		cmocka_unit_test(shut_window_is_probed),
		cmocka_unit_test(our_window_shuts_and_opens),
		cmocka_unit_test(who_does_not_read_is_not_heard),
		cmocka_unit_test(small_path_lowers_segments),
		cmocka_unit_test(tags_and_ipv6_come_back),
		cmocka_unit_test(full_sink_is_made_up_for),
		cmocka_unit_test(replay_only_listens),
		cmocka_unit_test(leaps_end_at_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
