/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench.h - what the bench programs share.
 *
 * In:  nothing. Out: a clock, errors that end the program, pinning, and the one line format in which figures reach run.
 * Included by the programs of tests/bench only. These programs are tools: they end at the first error with one line
 * that names it.
 */
#ifndef OTORI_BENCH_H
#define OTORI_BENCH_H

#include <stdint.h>

/* Prints what went wrong (and strerror(error) where error is not 0) and exits with status 1. */
void bench_die(int error, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* CLOCK_MONOTONIC and the process's CPU time. */
uint64_t bench_now_ns(void);
uint64_t bench_cpu_ns(void);
void bench_sleep_ns(uint64_t ns);

/* Binds the calling thread to one CPU. */
void bench_pin(int cpu);

/*
 * One figure, to standard output, tab separated, as `run` reads it. lower_is_better turns the ratio, so that more than
 * 1 is better than the peer. peer NULL: a figure without one.
 */
void bench_figure(const char *name, double value, const char *unit, const char *peer, double peer_value,
		  int lower_is_better);

/* Reads a number of an option; exits with status 2 where it is none. */
uint64_t bench_number(const char *option, const char *text);

int bench_compare_u64(const void *a, const void *b);

#endif
