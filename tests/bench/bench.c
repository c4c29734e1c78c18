/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench.c - what the bench programs share (bench.h).
 * In: figures. Out: lines on standard output. Called by every program of tests/bench.
 */
#include "bench.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void bench_die(int error, const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fprintf(stderr, "bench: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, error ? ": %s\n" : "\n", strerror(error < 0 ? -error : error));
	exit(1);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t bench_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void bench_sleep_ns(uint64_t ns)
{
	struct timespec time = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };

	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

void bench_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		bench_die(errno, "cannot run on CPU %d", cpu);
}

void bench_figure(const char *name, double value, const char *unit, const char *peer, double peer_value,
		  int lower_is_better)
{
	if (!peer)
		printf("figure\t%s\t%.6g\t%s\t\t\t\n", name, value, unit);
	else
		printf("figure\t%s\t%.6g\t%s\t%s\t%.6g\t%.4g\n", name, value, unit, peer, peer_value,
		       lower_is_better ? peer_value / value : value / peer_value);
	fflush(stdout);
}

uint64_t bench_number(const char *option, const char *text)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text ? text : "", &end, 10);
	if (errno || !text || !*text || *end) {
		fprintf(stderr, "bench: %s: expected a number, got '%s'\n", option, text ? text : "nothing");
		exit(2);
	}
	return value;
}

int bench_compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}
