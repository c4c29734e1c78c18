/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock.h - the two clocks of the collector, in nanoseconds.
 *
 * In:  nothing. Out: UTC (of events and rows) and the monotonic clock (of heartbeats and waits). May not be used by
 * pure parts, which are given their time.
 */
#ifndef OTORI_CLOCK_H
#define OTORI_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND ((uint64_t)1000000000)
#define NS_PER_MINUTE (60 * NS_PER_SECOND)

static inline uint64_t clock_read_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* Nanoseconds since 1970-01-01 00:00 UTC. */
static inline uint64_t clock_utc_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}

/* CLOCK_MONOTONIC: never goes back, starts anywhere. */
static inline uint64_t clock_monotonic_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

/*
 * A time that never goes back and never stands still, made of UTC, which an operator or NTP may set: while UTC is
 * behind, it goes on at seven eighths of the speed until UTC has caught up. last_ns: what was said last; passed_ns:
 * what has passed since, by the monotonic clock.
 */
static inline uint64_t clock_follow(uint64_t last_ns, uint64_t utc_ns, uint64_t passed_ns)
{
	return utc_ns >= last_ns ? utc_ns : last_ns + (passed_ns - passed_ns / 8);
}

#endif
