/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock.c - keeps the datapath's clock at UTC, and its cookie keys young.
 *
 * In:  the program otori_clock, which tells the kernel's jiffies; CLOCK_REALTIME. Out: settings.clock_offset_ns, keys.
 * Called once before the first packet and then every second by the supervisor.
 */
#include "datapath/clock.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "../../include/otori/cookie.h"
#include "base/clock.h"
#include "datapath/maps.h"

uint32_t clock_ns_per_jiffy(void)
{
	struct timespec tick;

	/* the coarse clocks are updated once a jiffy, and say so */
	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) < 0 || tick.tv_sec || !tick.tv_nsec)
		return 4000000;
	return (uint32_t)tick.tv_nsec;
}

/* How far apart the two clocks of user space are read, at most. */
#define SLACK_NS 50000

int clock_adjust(int program, struct otori_settings *settings)
{
	struct otori_clock_reading reading = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &reading,
		    .ctx_size_in = sizeof(reading)); /* is written back there */
	uint64_t tick = settings->ns_per_jiffy, offset = settings->clock_offset_ns, now, earliest, latest;

	if (bpf_prog_test_run_opts(program, &run) < 0)
		return -errno;
	now = reading.monotonic_ns + clock_utc_ns() - clock_monotonic_ns();
	/*
	 * The jiffy began at most one tick before. While the offset in use agrees with that it stays as it is, so that
	 * times don't waver by a jiffy; else it moves no farther than it must.
	 */
	latest = now + SLACK_NS - reading.jiffies * tick;
	earliest = now - SLACK_NS - tick - reading.jiffies * tick;
	if ((int64_t)(offset - latest) > 0)
		offset = latest;
	else if ((int64_t)(offset - earliest) < 0)
		offset = earliest;
	if (offset != settings->clock_offset_ns)
		__atomic_store_n(&settings->clock_offset_ns, offset, __ATOMIC_RELAXED);
	return 0;
}

int clock_renew_key(int keys, uint64_t now_ns, uint64_t *renewed_generation)
{
	const unsigned shift = OTORI_COOKIE_EPOCH_SHIFT + OTORI_COOKIE_GENERATION_SHIFT;
	uint64_t seconds = now_ns / NS_PER_SECOND, generation = seconds >> shift;
	int err;

	/* for its first minute a generation's cookies stand beside the last one's */
	if (generation == *renewed_generation || (seconds & ((1u << shift) - 1)) < 60)
		return 0;
	err = maps_renew_cookie_key(keys, (unsigned)(generation + 1) & 1);
	if (!err)
		*renewed_generation = generation;
	return err;
}
