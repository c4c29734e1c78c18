// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cookie_round_trip.c - the cookie gives back what was put in, and nothing else opens it; SipHash is SipHash.
 *
 * In:  random flows. Out: verdicts. Run by tests/run; needs nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../include/otori/admission.h"
#include "../../include/otori/cookie.h"

static uint64_t state_of_dice = 88172645463325252ULL;

static uint64_t dice(void)
{
	state_of_dice ^= state_of_dice << 13;
	state_of_dice ^= state_of_dice >> 7;
	state_of_dice ^= state_of_dice << 17;
	return state_of_dice * 2685821657736338717ULL;
}

/* SipHash-c-d over bytes, as its authors' paper writes it. */
static uint64_t plain_siphash(int c, int d, const uint8_t key[16], const uint8_t *message, size_t length)
{
	uint64_t k[2], v[4], word;

	memcpy(k, key, 16);
	v[0] = k[0] ^ 0x736f6d6570736575ULL;
	v[1] = k[1] ^ 0x646f72616e646f6dULL;
	v[2] = k[0] ^ 0x6c7967656e657261ULL;
	v[3] = k[1] ^ 0x7465646279746573ULL;
	for (size_t i = 0; i <= length / 8; i++) {
		int rounds = c;

		word = 0;
		memcpy(&word, message + i * 8, i < length / 8 ? 8 : length % 8);
		if (i == length / 8)
			word |= (uint64_t)(length & 0xff) << 56;
		v[3] ^= word;
		for (int turn = 0; turn < 2; turn++) {
			for (int r = 0; r < rounds; r++) {
				v[0] += v[1], v[2] += v[3];
				v[1] = v[1] << 13 | v[1] >> 51, v[3] = v[3] << 16 | v[3] >> 48;
				v[1] ^= v[0], v[3] ^= v[2];
				v[0] = v[0] << 32 | v[0] >> 32;
				v[2] += v[1], v[0] += v[3];
				v[1] = v[1] << 17 | v[1] >> 47, v[3] = v[3] << 21 | v[3] >> 43;
				v[1] ^= v[2], v[3] ^= v[0];
				v[2] = v[2] << 32 | v[2] >> 32;
			}
			if (turn == 0) {
				v[0] ^= word;
				if (i < length / 8)
					break;
				v[2] ^= 0xff;
				rounds = d;
			}
		}
	}
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void siphash_is_siphash(void **state)
{
	uint8_t key[16], message[40];
	__u64 words[2];

	(void)state;
	for (int i = 0; i < 16; i++)
		key[i] = (uint8_t)i;
	for (int i = 0; i < 40; i++)
		message[i] = (uint8_t)i;
	/* the paper's vector checks the plain one, the plain one checks ours */
	assert_true(plain_siphash(2, 4, key, message, 15) == 0xa129ca6149be45e5ULL);
	memcpy(words, key, 16);
	for (int round = 0; round < 1000; round++) {
		uint32_t stranger[4], decoy[4];
		uint16_t ports[2] = { (uint16_t)dice(), (uint16_t)dice() };
		uint32_t vlan = (uint32_t)dice() & 0xffffff;

		for (int i = 0; i < 4; i++)
			stranger[i] = (uint32_t)dice(), decoy[i] = (uint32_t)dice();
		memcpy(message, &stranger[3], 4);
		memcpy(message + 4, &decoy[3], 4);
		memcpy(message + 8, ports, 4);
		memcpy(message + 12, &vlan, 3);
		assert_true(otori_flow_hash(words, stranger, decoy, ports[0], ports[1], vlan & 0xfff, vlan >> 12, 0) ==
			    plain_siphash(1, 3, key, message, 15));
		memcpy(message, stranger, 16);
		memcpy(message + 16, decoy, 16);
		memcpy(message + 32, ports, 4);
		memcpy(message + 36, &vlan, 3);
		assert_true(otori_flow_hash(words, stranger, decoy, ports[0], ports[1], vlan & 0xfff, vlan >> 12, 1) ==
			    plain_siphash(1, 3, key, message, 39));
	}
}

static const __u64 test_keys[2][2] = { { 0x0123456789abcdefULL, 0xfedcba9876543210ULL }, { 0x1111, 0x2222 } };

/* Some flow. */
static struct otori_hashed_flow a_flow(void)
{
	const __u64 key[2] = { 1, 2 };
	__u32 stranger[4] = { 0 }, decoy[4] = { 0 };
	struct otori_hashed_flow flow;

	stranger[3] = (__u32)dice();
	decoy[3] = (__u32)dice();
	otori_flow_name(&flow, key, stranger, decoy, (__u16)dice(), (__u16)dice(), 0, 0, 0);
	return flow;
}

static void gives_back_what_was_put_in(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 100000; round++) {
		struct otori_hashed_flow flow = a_flow();
		uint32_t isn = (uint32_t)dice(), epoch = (uint32_t)dice();
		uint32_t nine = OTORI_COOKIE_NINE(dice() & 15, dice() & 1, dice() & 7);
		uint32_t cookie = otori_cookie_make(test_keys, &flow, isn, nine, epoch);

		for (uint32_t later = 0; later < 2; later++) {
			int got = otori_cookie_open(test_keys, &flow, isn, cookie, epoch + later);

			assert_int_equal(got, (int)(nine | (epoch & 1)));
		}
	}
}

static void nothing_else_opens(void **state)
{
	unsigned opened = 0;

	(void)state;
	for (uint32_t round = 0; round < 20000; round++) {
		struct otori_hashed_flow flow = a_flow(), other = a_flow();
		uint32_t isn = (uint32_t)dice(), epoch = (uint32_t)dice();
		uint32_t cookie = otori_cookie_make(test_keys, &flow, isn, OTORI_COOKIE_NINE(7, 1, 7), epoch);

		for (int bit = 0; bit < 32; bit++)
			opened += otori_cookie_open(test_keys, &flow, isn, cookie ^ 1u << bit, epoch) >= 0;
		opened += otori_cookie_open(test_keys, &flow, isn + 1, cookie, epoch) >= 0;
		opened += otori_cookie_open(test_keys, &other, isn, cookie, epoch) >= 0;
		opened += otori_cookie_open(test_keys, &flow, isn, cookie, epoch + 2) >= 0;
		opened += otori_cookie_open(test_keys, &flow, isn, cookie, epoch + 3) >= 0;
		opened += otori_cookie_open(test_keys, &flow, isn, cookie, epoch - 1) >= 0;
	}
	/* 740,000 guesses at 2^-23 each: 0.09 expected */
	assert_true(opened <= 2);
}

/* What is the same in every SYN must not show in the cookie: each of the nine bits is set about every second time. */
static void option_bits_are_masked(void **state)
{
	unsigned set[9] = { 0 };

	(void)state;
	for (int round = 0; round < 10000; round++) {
		struct otori_hashed_flow flow = a_flow();
		uint32_t cookie = otori_cookie_make(test_keys, &flow, (uint32_t)dice(), OTORI_COOKIE_NINE(7, 1, 7), 4);

		for (int bit = 0; bit < 9; bit++)
			set[bit] += cookie >> (OTORI_COOKIE_CHECK_BITS + bit) & 1;
	}
	for (int bit = 0; bit < 9; bit++)
		assert_in_range(set[bit], 4700, 5300);
}

static void mss_is_the_largest_not_above(void **state)
{
	static const uint32_t table[] = { 128, 536, 1220, 1360, 1400, 1440, 1452, 1460 };

	(void)state;
	for (uint32_t mss = 1; mss < 65536; mss++) {
		uint32_t expected = 128;

		for (size_t i = 0; i < 8; i++)
			if (table[i] <= mss)
				expected = table[i];
		assert_int_equal(otori_cookie_mss(otori_cookie_mss_index(mss, 0) << 1), expected);
	}
	assert_int_equal(otori_cookie_mss(otori_cookie_mss_index(0, 0) << 1), 536);
	assert_int_equal(otori_cookie_mss(otori_cookie_mss_index(0, 1) << 1), 1220);
}

static void slots_keep_their_fields(void **state)
{
	(void)state;
	for (int round = 0; round < 10000; round++) {
		uint64_t flow = dice(), slot;
		uint32_t second = (uint32_t)dice(), ring = dice() & 15, check = dice() & 255;

		slot = otori_slot_live(flow, second, ring, check);
		assert_int_equal(otori_slot_tag(slot), flow >> 32);
		assert_int_equal(otori_slot_state(slot), OTORI_SLOT_LIVE);
		assert_int_equal(otori_slot_ring(slot), ring);
		assert_int_equal(otori_slot_check(slot), check);
		assert_int_equal(otori_slot_age(slot, second + 5), 5);
		slot = otori_slot_closed(otori_slot_touched(slot | OTORI_SLOT_THEIR_FIN, second + 7));
		assert_int_equal(otori_slot_state(slot), OTORI_SLOT_TOMBSTONE);
		assert_int_equal(otori_slot_ring(slot), ring);
		assert_int_equal(otori_slot_check(slot), check);
		assert_int_equal(otori_slot_age(slot, second + 7), 0);
		assert_false(otori_slot_vacant(slot, second + 7));
		assert_true(otori_slot_vacant(slot, second + 8 + OTORI_TOMBSTONE_SECONDS));
		/* a clock that was set back makes nothing old */
		assert_int_equal(otori_slot_age(slot, second - 3), 0);
		assert_false(otori_slot_vacant(slot, second - 3));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_is_siphash),		cmocka_unit_test(gives_back_what_was_put_in),
		cmocka_unit_test(nothing_else_opens),		cmocka_unit_test(option_bits_are_masked),
		cmocka_unit_test(mss_is_the_largest_not_above), cmocka_unit_test(slots_keep_their_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
