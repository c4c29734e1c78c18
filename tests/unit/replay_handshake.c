// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * replay_handshake.c - which packet of a capture completes a handshake, and whose packets the XDP program gets.
 *
 * In:  sightings made by hand. Out: verdicts. Run by tests/run; needs nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "replay/handshake.h"

#define SYN SIGHTING_SYN
#define ACK SIGHTING_ACK
#define RST SIGHTING_RST
#define FIN SIGHTING_FIN
#define SECOND 1000000000ull

static struct handshakes *table;
static uint64_t now;

static int fresh(void **state)
{
	(void)state;
	now = 1600000000 * SECOND;
	return handshakes_open(&table, 1024);
}

static int done(void **state)
{
	(void)state;
	handshakes_close(table);
	return 0;
}

static struct sighting packet(uint8_t source, uint16_t source_port, uint8_t destination, uint16_t destination_port,
			      uint8_t flags, uint32_t seq, uint32_t ack, uint32_t payload_bytes)
{
	return (struct sighting){
		.ip = true,
		.tcp = true,
		.source = { { 192, 0, 2, source }, false },
		.destination = { { 192, 0, 2, destination }, false },
		.source_port = source_port,
		.destination_port = destination_port,
		.flags = flags,
		.seq = seq,
		.ack = ack,
		.payload_bytes = payload_bytes,
	};
}

static const struct handshake_roles to_decoy = { .destination_is_decoy = true, .destination_port_is_decoys = true };
static const struct handshake_roles of_decoy = { .source_is_decoy = true, .source_port_is_decoys = true };

/* From the client 192.0.2.1:40000 to the decoy 192.0.2.99:8080. */
static enum handshake_verdict client(uint8_t flags, uint32_t seq, uint32_t ack, uint32_t payload_bytes)
{
	struct sighting sighting = packet(1, 40000, 99, 8080, flags, seq, ack, payload_bytes);

	now += SECOND / 1000;
	return handshake_see(table, &sighting, &to_decoy, now);
}

static void decoy(uint8_t flags, uint32_t seq, uint32_t ack, uint32_t payload_bytes)
{
	struct sighting sighting = packet(99, 8080, 1, 40000, flags, seq, ack, payload_bytes);

	now += SECOND / 1000;
	assert_int_equal(handshake_see(table, &sighting, &of_decoy, now), HANDSHAKE_OF_DECOY);
}

static void plain_handshake_completes_once(void **state)
{
	(void)state;
	assert_int_equal(client(SYN, 1000, 0, 0), HANDSHAKE_GIVE);
	decoy(SYN | ACK, 5000, 1001, 0);
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_COMPLETES);
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 1001, 5001, 20), HANDSHAKE_GIVE);
}

static void wrong_numbers_complete_nothing(void **state)
{
	(void)state;
	client(SYN, 1000, 0, 0);
	decoy(SYN | ACK, 5000, 1001, 0);
	assert_int_equal(client(ACK, 1001, 999999, 0), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 1001, 5000, 0), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 1001, 5002, 0), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 555555, 5001, 0), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 1000, 5001, 0), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK | RST, 1001, 5001, 0), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_COMPLETES);
}

static void without_a_syn_there_is_no_handshake(void **state)
{
	(void)state;
	decoy(SYN | ACK, 5000, 1001, 0);
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 1001, 5001, 33), HANDSHAKE_GIVE);
}

static void the_answer_may_stand_before_its_syn(void **state)
{
	(void)state;
	decoy(SYN | ACK, 5000, 1001, 0);
	client(SYN, 1000, 0, 0);
	assert_int_equal(client(ACK, 1001, 7, 0), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_COMPLETES);
}

static void data_may_ride_on_the_completing_segment(void **state)
{
	(void)state;
	client(SYN, 1000, 0, 0);
	decoy(SYN | ACK, 5000, 1001, 0);
	assert_int_equal(client(ACK, 1001, 5001, 33), HANDSHAKE_COMPLETES);
}

static void first_bytes_of_the_decoy_may_be_acknowledged_with_it(void **state)
{
	(void)state;
	client(SYN, 1000, 0, 0);
	decoy(SYN | ACK, 5000, 1001, 0);
	decoy(ACK, 5001, 1001, 21);
	assert_int_equal(client(ACK, 1001, 5023, 0), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 1001, 5022, 0), HANDSHAKE_COMPLETES);
}

static void numbers_wrap(void **state)
{
	(void)state;
	client(SYN, 0xffffffff, 0, 0);
	decoy(SYN | ACK, 0xffffffff, 0, 0);
	assert_int_equal(client(ACK, 0, 0, 0), HANDSHAKE_COMPLETES);
}

static void where_only_the_client_was_recorded_his_numbers_decide(void **state)
{
	(void)state;
	client(SYN, 1000, 0, 0);
	assert_int_equal(client(ACK, 1002, 5001, 0), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_COMPLETES);
}

static void a_simultaneous_open_completes(void **state)
{
	(void)state;
	client(SYN, 1000, 0, 0);
	decoy(SYN, 3000, 0, 0);
	assert_int_equal(client(SYN | ACK, 1000, 3001, 0), HANDSHAKE_GIVE);
	decoy(ACK, 3001, 1001, 0);
	assert_int_equal(client(ACK, 1001, 3002, 4), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 1001, 3001, 4), HANDSHAKE_COMPLETES);
}

static void data_that_the_answer_took_on_the_syn_is_stepped_over(void **state)
{
	(void)state;
	client(SYN, 1000, 0, 86);
	decoy(SYN | ACK, 5000, 1087, 0);
	assert_int_equal(client(ACK, 1050, 5001, 0), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 1087, 5001, 0), HANDSHAKE_COMPLETES);
}

static void a_reused_port_is_a_new_conversation(void **state)
{
	(void)state;
	client(SYN, 1000, 0, 0);
	decoy(SYN | ACK, 5000, 1001, 0);
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_COMPLETES);
	client(SYN, 1000, 0, 0);
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_GIVE); /* the same SYN sent again */
	client(SYN, 9000, 0, 0);
	decoy(SYN | ACK, 6000, 9001, 0);
	assert_int_equal(client(ACK, 9001, 5001, 0), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 9001, 6001, 0), HANDSHAKE_COMPLETES);
}

static void an_answer_to_another_syn_is_ignored(void **state)
{
	(void)state;
	client(SYN, 1000, 0, 0);
	decoy(SYN | ACK, 5000, 1001, 0);
	decoy(SYN | ACK, 8000, 7001, 0);
	assert_int_equal(client(ACK, 1001, 8001, 0), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_COMPLETES);
}

static void what_was_refused_has_not_been(void **state)
{
	(void)state;
	client(SYN, 1000, 0, 0);
	handshake_refused(table);
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_GIVE);
	client(SYN, 1000, 0, 0);
	decoy(SYN | ACK, 5000, 1001, 0);
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_COMPLETES);
	handshake_refused(table);
	assert_int_equal(client(ACK, 1001, 5001, 10), HANDSHAKE_COMPLETES);
}

static void an_old_syn_is_forgotten(void **state)
{
	(void)state;
	client(SYN, 1000, 0, 0);
	now += 3600 * SECOND;
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_GIVE);
}

static void an_answer_under_the_clients_name_counts(void **state)
{
	(void)state;
	client(SYN, 5000, 0, 0);
	decoy(SYN | ACK, 9000, 5001, 0);
	assert_int_equal(client(SYN | ACK, 424242, 5001, 0), HANDSHAKE_GIVE);
	handshake_refused(table); /* as backscatter */
	assert_int_equal(client(ACK, 5001, 424243, 0), HANDSHAKE_COMPLETES);
}

static void coming(uint32_t seq)
{
	struct sighting sighting = packet(1, 40000, 99, 8080, SYN, seq, 0, 0);

	handshake_coming(table, &sighting, &to_decoy, now);
}

static void a_syn_may_stand_behind_its_conversation(void **state)
{
	(void)state;
	coming(1000);
	decoy(SYN | ACK, 5000, 1001, 0);
	assert_int_equal(client(ACK, 1001, 5002, 0), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_COMPLETES);
	client(SYN, 1000, 0, 0);
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_GIVE);
}

static void a_coming_syn_takes_nothing_from_the_conversation_before_it(void **state)
{
	(void)state;
	coming(1000);
	client(SYN, 1000, 0, 0);
	coming(9000);
	decoy(SYN | ACK, 5000, 1001, 0);
	decoy(SYN | ACK, 6000, 9001, 0); /* before its time: ignored, since the handshake is still open */
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_COMPLETES);
	decoy(SYN | ACK, 6000, 9001, 0);
	assert_int_equal(client(ACK, 1001, 5001, 7), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 9001, 6001, 0), HANDSHAKE_COMPLETES);
	client(SYN, 9000, 0, 0);
	assert_int_equal(client(ACK, 9001, 6001, 0), HANDSHAKE_GIVE);
}

static void a_coming_syn_alone_proves_nothing(void **state)
{
	(void)state;
	coming(1000);
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_GIVE);
	client(SYN, 1000, 0, 0);
	handshake_refused(table);
	decoy(SYN | ACK, 5000, 1001, 0);
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_GIVE);
}

static void vlans_keep_conversations_apart(void **state)
{
	struct sighting tagged = packet(1, 40000, 99, 8080, ACK, 1001, 5001, 0);

	(void)state;
	tagged.vlan_count = 1;
	tagged.vlan[0] = 6;
	client(SYN, 1000, 0, 0);
	assert_int_equal(handshake_see(table, &tagged, &to_decoy, now), HANDSHAKE_GIVE);
	assert_int_equal(client(ACK, 1001, 5001, 0), HANDSHAKE_COMPLETES);
}

/* 127.0.0.1 talks with itself: he who sent the SYN is the client. */
static void between_two_decoys_the_syn_decides(void **state)
{
	static const struct handshake_roles both_there = { true, true, false, true }, both_back = { true, true, true, false };
	static const struct handshake_roles no_port = { true, true, false, false };
	struct sighting there = packet(99, 40000, 99, 8080, SYN, 1000, 0, 0), back = packet(99, 8080, 99, 40000, SYN | ACK, 5000, 1001, 0);

	(void)state;
	assert_int_equal(handshake_see(table, &there, &no_port, now), HANDSHAKE_GIVE);
	assert_int_equal(handshake_see(table, &back, &no_port, now), HANDSHAKE_OF_DECOY);
	there.flags = ACK;
	there.seq = 1001;
	there.ack = 5001;
	assert_int_equal(handshake_see(table, &there, &no_port, now), HANDSHAKE_COMPLETES);
	/* recorded midstream: the port decides */
	there.source_port = back.destination_port = 40001;
	back.flags = ACK;
	assert_int_equal(handshake_see(table, &there, &both_there, now), HANDSHAKE_GIVE);
	assert_int_equal(handshake_see(table, &back, &both_back, now), HANDSHAKE_OF_DECOY);
}

static void what_is_for_no_decoy_is_given(void **state)
{
	static const struct handshake_roles none = { 0 };
	struct sighting other = packet(1, 40000, 2, 8080, ACK, 1001, 5001, 0), broken = { 0 };

	(void)state;
	assert_int_equal(handshake_see(table, &other, &none, now), HANDSHAKE_GIVE);
	assert_int_equal(handshake_see(table, &broken, &none, now), HANDSHAKE_GIVE);
	other.tcp = false;
	assert_int_equal(handshake_see(table, &other, &of_decoy, now), HANDSHAKE_OF_DECOY);
	assert_int_equal(handshake_see(table, &other, &to_decoy, now), HANDSHAKE_GIVE);
}

/* A flood of SYNs fills the small table over and over; memory stays, and the newest handshake is still known. */
static void a_flood_makes_it_forget_the_oldest(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 100000; n++) {
		struct sighting sighting = packet((uint8_t)n, (uint16_t)(n >> 8), 99, 8080, SYN, n, 0, 0);

		now += SECOND / 1000;
		handshake_see(table, &sighting, &to_decoy, now);
		sighting.flags = ACK;
		sighting.seq++;
		assert_int_equal(handshake_see(table, &sighting, &to_decoy, now), HANDSHAKE_COMPLETES);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(plain_handshake_completes_once),
		TEST(wrong_numbers_complete_nothing),
		TEST(without_a_syn_there_is_no_handshake),
		TEST(the_answer_may_stand_before_its_syn),
		TEST(data_may_ride_on_the_completing_segment),
		TEST(first_bytes_of_the_decoy_may_be_acknowledged_with_it),
		TEST(numbers_wrap),
		TEST(where_only_the_client_was_recorded_his_numbers_decide),
		TEST(a_simultaneous_open_completes),
		TEST(data_that_the_answer_took_on_the_syn_is_stepped_over),
		TEST(a_reused_port_is_a_new_conversation),
		TEST(an_answer_to_another_syn_is_ignored),
		TEST(what_was_refused_has_not_been),
		TEST(an_old_syn_is_forgotten),
		TEST(an_answer_under_the_clients_name_counts),
		TEST(a_syn_may_stand_behind_its_conversation),
		TEST(a_coming_syn_takes_nothing_from_the_conversation_before_it),
		TEST(a_coming_syn_alone_proves_nothing),
		TEST(vlans_keep_conversations_apart),
		TEST(between_two_decoys_the_syn_decides),
		TEST(what_is_for_no_decoy_is_given),
		TEST(a_flood_makes_it_forget_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
