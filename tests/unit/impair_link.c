/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * impair_link.c - the lab's bad link does what its options say, repeatably, and accounts for every frame.
 * In: tests/lab/impair/link.c. Out: cmocka's verdict. Called by tests/run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../lab/impair/link.c"

#define FRAMES 20000u
#define FRAME_BYTES 60u

/* A TCP/IPv4 frame that carries its number. */
static void make_frame(uint8_t *frame, uint32_t number)
{
	memset(frame, 0, FRAME_BYTES);
	frame[12] = 0x08;
	frame[14] = 0x45;
	frame[23] = 6;
	memcpy(frame + 54, &number, sizeof(number));
}

static uint32_t number_of(const uint8_t *frame)
{
	uint32_t number;

	memcpy(&number, frame + 54, sizeof(number));
	return number;
}

/* Sends FRAMES frames, a millisecond apart; keeps in seen[] how often each number came out; returns a digest of the
 * order. */
static uint64_t run(const struct link_settings *settings, struct link_counts *counts, uint8_t *seen, uint32_t *behind)
{
	struct link *link = link_new(settings);
	uint8_t frame[FRAME_BYTES];
	const uint8_t *out;
	uint64_t digest = 0;
	uint32_t bytes, last = 0;

	assert_non_null(link);
	memset(seen, 0, FRAMES);
	*behind = 0;
	for (uint32_t tick = 0; tick < FRAMES + 1000; tick++) {
		if (tick < FRAMES) {
			make_frame(frame, tick);
			assert_int_equal(link_input(link, frame, sizeof(frame), tick * 1000000ull), 0);
		}
		while ((out = link_output(link, tick * 1000000ull, &bytes))) {
			uint32_t number = number_of(out);

			assert_int_equal(bytes, FRAME_BYTES);
			digest = digest * 31 + number;
			if (number < FRAMES)
				seen[number]++;
			if (number < last)
				(*behind)++;
			last = number;
		}
	}
	*counts = link_counts(link);
	link_free(link);
	assert_int_equal(counts->frames + counts->duplicated,
			 counts->lost + counts->overflow + counts->waiting + counts->out);
	return digest;
}

static void nothing_asked_nothing_done(void **state)
{
	struct link_settings settings = { .seed = 1, .limit = 100 };
	uint8_t *seen = *state;
	struct link_counts counts;
	uint32_t behind;

	run(&settings, &counts, seen, &behind);
	assert_int_equal(counts.out, FRAMES);
	assert_int_equal(behind, 0);
	for (uint32_t i = 0; i < FRAMES; i++)
		assert_int_equal(seen[i], 1);
}

static void rates_are_as_asked_and_repeat(void **state)
{
	struct link_settings settings = {
		.seed = 7, .loss = 0.2, .duplicate = 0.05, .reorder = 0.1, .reorder_ns = 5000000, .limit = 100
	};
	uint8_t *seen = *state;
	struct link_counts counts, again;
	uint32_t behind, gone = 0, twice = 0;
	uint64_t digest = run(&settings, &counts, seen, &behind);

	for (uint32_t i = 0; i < FRAMES; i++) {
		gone += seen[i] == 0;
		twice += seen[i] == 2;
	}
	assert_int_equal(gone, counts.lost);
	assert_int_equal(twice, counts.duplicated);
	assert_in_range(counts.lost, FRAMES * 19 / 100, FRAMES * 21 / 100);
	assert_in_range(counts.duplicated, FRAMES * 8 / 10 * 4 / 100, FRAMES * 8 / 10 * 6 / 100);
	assert_in_range(behind, FRAMES * 8 / 10 * 7 / 100, FRAMES * 8 / 10 * 12 / 100);
	assert_true(run(&settings, &again, seen, &behind) == digest);
	assert_memory_equal(&counts, &again, sizeof(counts));
	settings.seed = 8;
	assert_false(run(&settings, &again, seen, &behind) == digest);
}

static void one_setting_does_not_change_what_another_draws(void **state)
{
	struct link_settings settings = { .seed = 7, .loss = 0.2, .limit = 100 };
	uint8_t *seen = *state, *alone = malloc(FRAMES);
	struct link_counts counts;
	uint32_t behind;

	assert_non_null(alone);
	run(&settings, &counts, alone, &behind);
	settings.reorder = settings.duplicate = 0.3;
	run(&settings, &counts, seen, &behind);
	for (uint32_t i = 0; i < FRAMES; i++)
		assert_int_equal(alone[i] == 0, seen[i] == 0);
	free(alone);
}

static void corruption_turns_one_bit_behind_the_ethernet_header(void **state)
{
	struct link_settings settings = { .seed = 3, .corrupt = 1, .limit = 4 };
	struct link *link = link_new(&settings);
	uint8_t frame[FRAME_BYTES];
	const uint8_t *out;
	uint32_t bytes;

	(void)state;
	assert_non_null(link);
	for (uint32_t n = 0; n < 5000; n++) {
		int bits = 0;

		make_frame(frame, n);
		assert_int_equal(link_input(link, frame, sizeof(frame), n), 0);
		out = link_output(link, n, &bytes);
		assert_non_null(out);
		for (uint32_t i = 0; i < bytes; i++) {
			int changed = __builtin_popcount((unsigned)(out[i] ^ frame[i]));

			assert_true(changed == 0 || i >= ETHERNET_BYTES);
			bits += changed;
		}
		assert_int_equal(bits, 1);
	}
	link_free(link);
}

static void rate_limit_and_delay(void **state)
{
	/* 60 bytes at 480 kbit/s take 1 ms */
	struct link_settings settings = { .seed = 3, .rate_bits = 480000, .delay_ns = 20000000, .limit = 10 };
	struct link *link = link_new(&settings);
	uint8_t frame[FRAME_BYTES];
	uint32_t bytes;

	(void)state;
	assert_non_null(link);
	for (uint32_t n = 0; n < 12; n++) {
		make_frame(frame, n);
		assert_int_equal(link_input(link, frame, sizeof(frame), 0), 0);
	}
	assert_int_equal(link_counts(link).overflow, 2);
	for (uint32_t n = 0; n < 10; n++) {
		assert_true(link_due(link) == 20000000u + 1000000u * (n + 1));
		assert_null(link_output(link, 20000000u + 1000000u * (n + 1) - 1, &bytes));
		assert_int_equal(number_of(link_output(link, link_due(link), &bytes)), n);
	}
	assert_true(link_due(link) == UINT64_MAX);
	link_free(link);
}

static void what_is_not_tcp_is_spared(void **state)
{
	struct link_settings settings = { .seed = 3, .loss = 1, .limit = 10 };
	struct link *link = link_new(&settings);
	static const uint8_t arp[60] = { [12] = 0x08, 0x06 }, cut[14] = { [12] = 0x08, 0x00 };
	static const uint8_t tagged[80] = { [12] = 0x81, 0x00, 0, 7, 0x86, 0xdd, [24] = 6 };

	(void)state;
	assert_non_null(link);
	assert_int_equal(link_input(link, arp, sizeof(arp), 0), 0);
	assert_int_equal(link_input(link, cut, sizeof(cut), 0), 0);
	assert_int_equal(link_input(link, tagged, sizeof(tagged), 0), 0);
	assert_int_equal(link_counts(link).spared, 2);
	assert_int_equal(link_counts(link).lost, 1);
	link_free(link);
	settings.all = true;
	link = link_new(&settings);
	assert_non_null(link);
	assert_int_equal(link_input(link, arp, sizeof(arp), 0), 0);
	assert_int_equal(link_counts(link).lost, 1);
	link_free(link);
}

static int open_seen(void **state)
{
	*state = malloc(FRAMES);
	return *state ? 0 : -1;
}

static int close_seen(void **state)
{
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_asked_nothing_done),
		cmocka_unit_test(rates_are_as_asked_and_repeat),
		cmocka_unit_test(one_setting_does_not_change_what_another_draws),
		cmocka_unit_test(corruption_turns_one_bit_behind_the_ethernet_header),
		cmocka_unit_test(rate_limit_and_delay),
		cmocka_unit_test(what_is_not_tcp_is_spared),
	};

	return cmocka_run_group_tests(tests, open_seen, close_seen);
}
