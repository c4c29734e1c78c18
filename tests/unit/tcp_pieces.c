// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcp_pieces.c - the timer wheel and the reassembly against plain models, on random input.
 *
 * In:  a seed a run. Out: pass or fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>

#include <cmocka.h>

#include "responder/checksum.h"
#include "responder/reassembly.h"
#include "responder/timer_wheel.h"

static uint64_t random_state;

static uint32_t roll(uint32_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % bound;
}

#define NODES 500

/* Every node comes out once, never early, never late, in order. */
static void wheel_is_a_sorted_list(void **state)
{
	static struct timer_node nodes[NODES];
	static uint64_t due[NODES + 1]; /* 0 = not in */
	struct timer_wheel wheel;

	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		uint64_t now = seed % 3 ? (seed << 30) - 5 : 0, in = 0, out = 0;

		random_state = seed;
		memset(nodes, 0, sizeof(nodes));
		memset(due, 0, sizeof(due));
		timer_wheel_open(&wheel, nodes, sizeof(nodes[0]), now);
		for (unsigned step = 0; step < 5000; step++) {
			uint32_t name = 1 + roll(NODES), ahead = 1 + roll(1u << roll(29));

			if (roll(10) < 6) {
				in += !due[name];
				due[name] = now + ahead;
				timer_wheel_insert(&wheel, name, now + ahead);
			} else if (roll(10) < 3) {
				in -= due[name] != 0;
				due[name] = 0;
				timer_wheel_remove(&wheel, name);
			} else {
				uint64_t target = now + roll(1u << roll(28)), last = now;

				while ((name = timer_wheel_next(&wheel, target))) {
					assert_true(due[name] && due[name] <= target && due[name] >= last);
					last = due[name];
					due[name] = 0;
					out++;
				}
				now = target;
			}
			if (step % 100 == 0) {
				uint64_t next = timer_wheel_due(&wheel), first = UINT64_MAX;

				for (name = 1; name <= NODES; name++) {
					assert_true(!due[name] || due[name] > now);
					if (due[name] && due[name] < first)
						first = due[name];
				}
				assert_true(next > now && next <= first);
			}
		}
		while (timer_wheel_next(&wheel, now + (1u << 30)))
			out++;
		assert_int_equal(in, out);
		assert_int_equal(timer_wheel_due(&wheel), UINT64_MAX);
	}
}

#define STREAM 4000

/* Random overlapping segments: the model is an array in which the first writer of a place wins. */
static void reassembly_is_an_array(void **state)
{
	static uint8_t model[STREAM], set[STREAM], got[STREAM];
	struct chunk_pool chunks;
	struct run_pool runs;

	(void)state;
	assert_int_equal(chunk_pool_open(&chunks, 256), 0);
	assert_int_equal(run_pool_open(&runs, 256), 0);
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct reassembly held = { 0 };
		uint32_t base = 0u - STREAM / 2, next = 0, conflicts = 0, expected = 0;

		random_state = seed * 77777;
		memset(set, 0, sizeof(set));
		for (unsigned step = 0; step < 200 && next < STREAM; step++) {
			uint8_t bytes[700];
			uint32_t at = next + roll(STREAM - next), length = 1 + roll(seed % 2 ? 40 : sizeof(bytes));
			size_t taken;

			if (length > STREAM - at)
				length = STREAM - at;
			for (uint32_t i = 0; i < length; i++)
				bytes[i] = (uint8_t)roll(3);
			if (held.runs < REASSEMBLY_MAX_RUNS - 2) {
				for (uint32_t i = 0; i < length; i++) {
					if (set[at + i])
						expected += model[at + i] != bytes[i];
					else
						model[at + i] = bytes[i];
					set[at + i] = 1;
				}
				/* a piece may make more runs than there is place for: then the model can't follow */
				if (reassembly_add(&runs, &chunks, &held, base + at, slice_of(bytes, length),
						   &conflicts))
					break;
			}
			assert_int_equal(conflicts, expected);
			taken = reassembly_take(&runs, &chunks, &held, base + next, got, 1 + roll(300));
			assert_memory_equal(got, model + next, taken);
			for (size_t i = 0; i < taken; i++)
				assert_true(set[next + i]);
			next += (uint32_t)taken;
			if (!taken && next < STREAM)
				assert_false(set[next]);
		}
		reassembly_clear(&runs, &chunks, &held);
		assert_int_equal(runs.used, 0);
		assert_int_equal(chunks.used, 0);
	}
	run_pool_close(&runs);
	chunk_pool_close(&chunks);
}

/* A pool without room refuses and stays whole. */
static void reassembly_refuses_without_room(void **state)
{
	static uint8_t bytes[3000];
	struct chunk_pool chunks;
	struct run_pool runs;
	struct reassembly held = { 0 };
	uint32_t conflicts = 0;

	(void)state;
	assert_int_equal(chunk_pool_open(&chunks, 2), 0);
	assert_int_equal(run_pool_open(&runs, 1), 0);
	assert_int_equal(reassembly_add(&runs, &chunks, &held, 10, slice_of(bytes, 3000), &conflicts), -ENOBUFS);
	assert_int_equal(held.runs, 0);
	assert_int_equal(reassembly_add(&runs, &chunks, &held, 10, slice_of(bytes, 100), &conflicts), 0);
	assert_int_equal(reassembly_add(&runs, &chunks, &held, 500, slice_of(bytes, 100), &conflicts), -ENOBUFS);
	assert_int_equal(chunks.used, 1);
	reassembly_clear(&runs, &chunks, &held);
	assert_int_equal(chunks.used, 0);
	run_pool_close(&runs);
	chunk_pool_close(&chunks);
}

/* RFC 1071's sum, word by word, for every length and offset. */
static void checksum_is_the_textbooks(void **state)
{
	uint8_t bytes[200];

	(void)state;
	random_state = 5;
	for (unsigned round = 0; round < 200; round++) {
		size_t length = roll(180), from = roll(16);
		uint32_t sum = 0;
		uint16_t word;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(round % 5 ? roll(256) : 255);
		for (size_t i = 0; i < length; i += 2) {
			word = 0;
			memcpy(&word, bytes + from + i, length - i < 2 ? 1 : 2);
			sum += word;
		}
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		assert_int_equal(checksum_fold(checksum_add(0, bytes + from, length)), sum);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wheel_is_a_sorted_list),
		cmocka_unit_test(reassembly_is_an_array),
		cmocka_unit_test(reassembly_refuses_without_room),
		cmocka_unit_test(checksum_is_the_textbooks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
