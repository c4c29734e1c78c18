// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * worker_ledger.c - what the worker counts is exact, whatever happens to it: repeated and damaged records, deaths, full
 * pools.
 *
 * In:  records by hand, pages that a dead predecessor left. Out: pass or fail. DESIGN, "The ledger".
 */
#include "tcp_lab.h"

#define C (LAB_ISN + 1)
#define S (LAB_COOKIE + 1)

static void repeated_event_is_taken_once(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_handshake(&lab);
	lab_send(&lab, ACK, C, S, "x", 1);
	lab.sequence--;
	lab_send(&lab, ACK, C, S, "x", 1);
	assert_int_equal(lab_term(&lab, TERM_duplicate), 1);
	assert_int_equal(lab_term(&lab, TERM_read_segment), 1);
	assert_int_equal(lab_term(&lab, TERM_read_open), 1);
	lab.sequence = 0; /* another CPU counts for itself */
	lab.event.cpu = 3;
	lab_send(&lab, ACK, C + 1, S, "y", 1);
	assert_int_equal(lab_term(&lab, TERM_read_segment), 2);
	lab_close(&lab);
}

static void damaged_records_are_refused(void **state)
{
	struct lab lab;
	static uint8_t record[sizeof(struct otori_event) + 64];
	struct otori_event event, good;
	unsigned refused = 0;

	(void)state;
	lab_open(&lab);
	good = lab.event;
	good.kind = OTORI_EVENT_segment;
	good.sequence = 1;
	for (uint32_t bytes = 0; bytes < sizeof(good); bytes++) {
		worker_event(lab.worker, record, bytes, lab.now_ns);
		refused++;
	}
#define REFUSED(field, value) \
	do { \
		event = good; \
		event.field = value; \
		memcpy(record, &event, sizeof(event)); \
		worker_event(lab.worker, record, sizeof(record), lab.now_ns); \
		refused++; \
		assert_int_equal(lab_term(&lab, TERM_malformed), refused); \
	} while (0)
	REFUSED(kind, OTORI_EVENT_COUNT);
	REFUSED(kind, 255);
	REFUSED(option_bytes, 44);
	REFUSED(option_bytes, 3);
	REFUSED(payload_bytes, 65);
	REFUSED(payload_bytes, 65535);
	REFUSED(flags, OTORI_EVENT_VLAN_COUNT);
	REFUSED(device, OTORI_MAX_DEVICES);
	assert_int_equal(lab_term(&lab, TERM_read_segment), 0);
	event = good;
	event.minute = 0xfffffff0u; /* must not push out what is being counted */
	memcpy(record, &event, sizeof(event));
	worker_event(lab.worker, record, sizeof(record), lab.now_ns);
	assert_int_equal(lab_term(&lab, TERM_read_segment), 1);
	assert_int_equal(lab_term(&lab, TERM_malformed), refused);
	lab_close(&lab);
}

/* The responder dies with flows open: they are lost, named so, and the successor resets who goes on talking. */
static void death_loses_what_was_open(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab_handshake(&lab);
	lab.event.source_port_be = htons(40001);
	lab_handshake(&lab);
	lab_send(&lab, RST, C, 0, NULL, 0);
	assert_int_equal(lab_term(&lab, TERM_open), 1);
	worker_close(lab.worker);
	lab_start_worker(&lab);
	assert_int_equal(lab_term(&lab, TERM_open), 0);
	assert_int_equal(lab_term(&lab, TERM_lost_crash), 1);
	assert_int_equal(lab_term(&lab, TERM_opened), 2);
	lab.event.source_port_be = htons(40000);
	lab_send(&lab, ACK, C, S, "x", 1);
	lab_expect(&lab, RST, S, 0, "");
	lab_close(&lab);
}

/* Records that were made and not journalled are shed. */
static void death_sheds_waiting_records(void **state)
{
	struct lab lab;
	struct otori_event event;

	(void)state;
	lab_open(&lab);
	event = lab.event;
	event.kind = OTORI_EVENT_syn;
	event.sequence = 1;
	event.slot = UINT32_MAX;
	event.minute = (uint32_t)(lab.now_ns / (60 * LAB_SECOND));
	worker_event(lab.worker, &event, sizeof(event), lab.now_ns);
	assert_int_equal(lab_term(&lab, TERM_records_made), 1);
	worker_close(lab.worker);
	lab_start_worker(&lab);
	assert_int_equal(lab_term(&lab, TERM_records_shed), 1);
	lab_close(&lab);
}

static void start_with_suspect(struct lab *lab, unsigned deaths)
{
	lab_prepare(lab);
	lab->page->worker[0].in_hand_sequence = 9;
	lab->page->worker[0].in_hand_cpu = 0;
	lab->page->worker[0].in_hand_deaths = deaths;
	lab->page->worker[0].last_sequence[0] = 8;
	lab_start_worker(lab); /* one more death */
	lab->sequence = 7;
	lab_send(lab, ACK, C, S, "x", 1);
	assert_int_equal(lab_term(lab, TERM_duplicate), 1);
	assert_int_equal(lab->page->worker[0].in_hand_sequence, 9);
}

/* An event that was in hand at one death is tried again; at two, it is set aside with its bytes as evidence. */
static void suspect_is_set_aside(void **state)
{
	struct lab lab;

	(void)state;
	start_with_suspect(&lab, 0);
	lab_handshake(&lab);
	assert_int_equal(lab_term(&lab, TERM_set_aside), 0);
	assert_int_equal(lab_term(&lab, TERM_opened), 1);
	assert_int_equal(lab.page->worker[0].in_hand_sequence, 0);
	lab_close(&lab);
	start_with_suspect(&lab, 1);
	lab_handshake(&lab);
	assert_int_equal(lab_term(&lab, TERM_set_aside), 1);
	assert_int_equal(lab_term(&lab, TERM_read_open), 1);
	assert_int_equal(lab_term(&lab, TERM_opened), 0);
	assert_int_equal(lab.records, 1);
	lab_handshake(&lab); /* the next one is taken */
	assert_int_equal(lab_term(&lab, TERM_opened), 1);
	assert_int_equal(lab.page->worker[0].in_hand_deaths, 0);
	lab_close(&lab);
}

static void exhausted_conversations_are_counted(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	puppet.refuse = 1;
	lab_handshake(&lab);
	lab_send(&lab, ACK, C, S, "x", 1);
	assert_int_equal(lab_term(&lab, TERM_lost_pool_exhausted), 1);
	assert_int_equal(lab_term(&lab, TERM_recorded), 0);
	lab_expect(&lab, ACK | RST, S, C + 1, "");
	lab_close(&lab);
}

/* More talkers than conversations: one that talks makes room, and is recorded. */
static void talkers_make_room_for_talkers(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	for (uint16_t port = 0; port < 20; port++) {
		lab.event.source_port_be = htons((uint16_t)(40000 + port));
		lab_handshake(&lab);
		lab_send(&lab, ACK, C, S, "x", 1);
	}
	assert_int_equal(lab.worker->conversations.used, 16);
	assert_int_equal(lab.accesses, 4);
	assert_string_equal(lab.last_reason, "evicted");
	lab_close(&lab);
}

/* A full flow pool: the prefix with the most flows pays. */
static void crowded_prefix_makes_room(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	for (uint16_t i = 0; i < 4; i++) { /* four strangers from prefixes of their own */
		lab.event.source[2] = (uint8_t)(101 + i);
		lab_handshake(&lab);
	}
	lab.event.source[2] = 100;
	for (uint16_t i = 0; i < 1000; i++) { /* and a crowd from one */
		lab.event.source[3] = (uint8_t)(i % 250);
		lab.event.source_port_be = htons((uint16_t)(20000 + i));
		lab_handshake(&lab);
	}
	assert_int_equal(lab.worker->flows.used_flows, 64);
	assert_int_equal(lab.accesses, 940);
	for (uint16_t i = 0; i < 4; i++) {
		lab.event.source[2] = (uint8_t)(101 + i);
		lab.event.source[3] = 1;
		lab.event.source_port_be = htons(40000);
		lab_send(&lab, ACK, C, S, "x", 1);
	}
	assert_int_equal(lab_term(&lab, TERM_stray), 0);
	lab_close(&lab);
}

/* Who fills the chunks with what nobody asked for loses his flows; those who came before with little keep theirs. */
static void hoarders_make_room(void **state)
{
	static uint8_t early[4000];
	struct lab lab;

	(void)state;
	lab_prepare(&lab);
	lab.settings.flows = 1024;
	lab.settings.conversations = 1024;
	lab.settings.chunks = 1024;
	lab_start_worker(&lab);
	for (uint16_t i = 0; i < 4; i++) {
		lab.event.source[2] = (uint8_t)(101 + i);
		lab_handshake(&lab);
		lab_send(&lab, ACK, C + 2, S, early, 1); /* held: a byte is missing */
	}
	lab.event.source[2] = 100;
	for (uint16_t i = 0; i < 500; i++) {
		lab.event.source_port_be = htons((uint16_t)(20000 + i));
		lab_handshake(&lab);
		lab_send(&lab, ACK, C + 2, S, early, sizeof(early));
		assert_in_range(lab.worker->chunks.used, 1, 1024 - 1024 / CHUNKS_SCARCE + 16);
	}
	assert_string_equal(lab.last_reason, "evicted");
	assert_in_range(lab.accesses, 380, 396);
	lab.event.source_port_be = htons(40000);
	for (uint16_t i = 0; i < 4; i++) {
		lab.event.source[2] = (uint8_t)(101 + i);
		lab_send(&lab, ACK, C, S, "xy", 2);
	}
	assert_int_equal(lab_term(&lab, TERM_stray), 0);
	lab_close(&lab);
}

/* A record buffer that is nearly full holds timers and endings back; nothing is lost. */
static void full_buffer_holds_endings_back(void **state)
{
	struct lab lab;
	unsigned rounds = 0;

	(void)state;
	lab_prepare(&lab);
	lab.settings.flows = 4096;
	lab.settings.record_bytes = 16384;
	lab_start_worker(&lab);
	for (uint16_t i = 0; i < 1000; i++) {
		lab.event.source_port_be = htons((uint16_t)(20000 + i));
		lab_handshake(&lab);
	}
	lab.now_ns += 61 * LAB_SECOND;
	while (worker_next_tick(lab.worker) <= lab.now_ns) {
		worker_tick(lab.worker, lab.now_ns);
		lab_collect(&lab);
		assert_true(rounds++ < 1000);
	}
	assert_true(rounds > 5);
	assert_int_equal(lab.accesses, 1000);
	assert_int_equal(lab_term(&lab, TERM_lost_records_full), 0);
	lab_handshake(&lab);
	for (rounds = 0; worker_end_all(lab.worker, FLOW_END_shutdown, lab.now_ns); rounds++)
		lab_collect(&lab);
	lab_close(&lab);
}

/* Sampled SYNs: a record each, and a sum a minute with the marks of tools. */
static void syns_are_sampled_and_summed(void **state)
{
	struct lab lab;
	struct record_buffer *records;
	struct slice bytes;
	struct record record;
	unsigned sums = 0;

	(void)state;
	lab_open(&lab);
	lab.event.flags = 0;
	lab.event.ip_id = 54321;
	lab.event.window = 65535;
	lab.event.slot = UINT32_MAX / 4;
	for (unsigned i = 0; i < 10; i++)
		lab_send_options(&lab, OTORI_EVENT_syn, SYN, 5 + i, 0, NULL, NULL, 0);
	assert_int_equal(lab.records, 10);
	assert_int_equal(lab_term(&lab, TERM_read_syn), 10);
	lab.now_ns += 60 * LAB_SECOND;
	assert_true(worker_next_tick(lab.worker) <= lab.now_ns);
	worker_tick(lab.worker, lab.now_ns);
	records = worker_records(lab.worker);
	bytes = slice_of(records->bytes, records->length);
	while (record_next(&bytes, &record) == 1) {
		assert_int_equal(record.kind, RECORD_SYN_SOURCE);
		assert_int_equal(record.syn_source.syns, 10);
		assert_true(record.syn_source.estimated > 39.9 && record.syn_source.estimated < 40.1);
		assert_int_equal(record.syn_source.decoy_port, 1080);
		assert_int_equal(record.syn_source.quarter_ns % (900 * LAB_SECOND), 0);
		assert_int_equal(record.syn_source.tools & 1, 1);
		sums++;
	}
	assert_int_equal(sums, 1);
	lab_collect(&lab);
	lab_close(&lab);
}

/* Terms of a conversation go to the minute in which it opened, those of records to the minute in which they were made.
 */
static void minutes_are_kept_apart(void **state)
{
	struct lab lab;
	uint32_t minute = (uint32_t)(LAB_START / (60 * LAB_SECOND));
	struct responder_minute *first, *second;

	(void)state;
	lab_open(&lab);
	lab_pass(&lab, 30 * LAB_SECOND);
	lab_handshake(&lab);
	lab_pass(&lab, 45 * LAB_SECOND);
	lab_send(&lab, RST, C, 0, NULL, 0);
	first = &lab.page->worker[0].minutes[minute % RESPONDER_MINUTES];
	second = &lab.page->worker[0].minutes[(minute + 1) % RESPONDER_MINUTES];
	assert_int_equal(first->minute, minute);
	assert_int_equal(second->minute, minute + 1);
	assert_int_equal(first->terms[1][0][TERM_opened], 1);
	assert_int_equal(first->terms[1][0][TERM_recorded], 1);
	assert_int_equal(first->terms[1][0][TERM_read_segment], 0);
	assert_int_equal(second->terms[1][0][TERM_read_segment], 1);
	assert_int_equal(second->terms[0][0][TERM_records_made], 1);
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeated_event_is_taken_once),
		cmocka_unit_test(damaged_records_are_refused),
		cmocka_unit_test(death_loses_what_was_open),
		cmocka_unit_test(death_sheds_waiting_records),
		cmocka_unit_test(suspect_is_set_aside),
		cmocka_unit_test(exhausted_conversations_are_counted),
		cmocka_unit_test(talkers_make_room_for_talkers),
		cmocka_unit_test(crowded_prefix_makes_room),
		cmocka_unit_test(hoarders_make_room),
		cmocka_unit_test(full_buffer_holds_endings_back),
		cmocka_unit_test(syns_are_sampled_and_summed),
		cmocka_unit_test(minutes_are_kept_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
