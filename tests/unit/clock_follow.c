// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * clock_follow.c - the time of a worker when somebody sets the clock.
 *
 * In:  readings by hand. Out: cmocka's verdict.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"

#define NOON (UINT64_C(1700000000) * NS_PER_SECOND)

static void utc_is_followed(void **state)
{
	(void)state;
	assert_int_equal(clock_follow(0, NOON, 5), NOON);
	assert_int_equal(clock_follow(NOON, NOON, 0), NOON);
	assert_int_equal(clock_follow(NOON, NOON + 1, 1), NOON + 1);
	assert_int_equal(clock_follow(NOON, NOON + 3600 * NS_PER_SECOND, 1), NOON + 3600 * NS_PER_SECOND);
}

/* Set back by an hour: no standstill, no step back, and after eight hours both are one again. */
static void a_step_back_is_caught_up_with(void **state)
{
	uint64_t now = NOON, utc = NOON - 3600 * NS_PER_SECOND, seconds = 0;

	(void)state;
	for (; seconds < 9 * 3600; seconds++) {
		uint64_t before = now;

		utc += NS_PER_SECOND;
		now = clock_follow(now, utc, NS_PER_SECOND);
		assert_true(now >= before);
		if (now == utc)
			break;
		assert_int_equal(now, before + NS_PER_SECOND * 7 / 8);
	}
	assert_in_range(seconds, 8 * 3600 - 10, 8 * 3600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utc_is_followed),
		cmocka_unit_test(a_step_back_is_caught_up_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
