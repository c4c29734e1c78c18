// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ledger_collect.c - from counters to deltas: each counted packet is emitted once, in its minute, whatever happens in
 * between.
 *
 * In:  per-CPU maps made here, filled as the XDP program fills them. Out: cmocka's verdict; 77 where maps can't be made
 * (no root).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "ledger/ledger.h"

#define MINUTE 29000000u /* any */

struct world {
	int minutes, ports, cpus;
	struct ledger *ledger;
	struct record_buffer records;
	struct responder_page *page;
	struct otori_minute_counters *minute_values;
	struct otori_port_counters *port_values;
};

static struct world w;

static uint64_t at(uint32_t minute, uint32_t second)
{
	return minute * NS_PER_MINUTE + second * NS_PER_SECOND;
}

/* Counts n packets as the program does: in the minute's slot and in the cumulative counters, on one CPU. */
static void count(uint32_t minute, uint32_t index, int cpu, unsigned n)
{
	uint32_t key = minute % OTORI_MINUTE_SLOTS * OTORI_MAX_PORTS + index;

	assert_int_equal(bpf_map_lookup_elem(w.minutes, &key, w.minute_values), 0);
	if (w.minute_values[cpu].minute != minute)
		memset(&w.minute_values[cpu], 0, sizeof(w.minute_values[cpu]));
	w.minute_values[cpu].minute = minute;
	w.minute_values[cpu].ipv4.seen += n;
	w.minute_values[cpu].ipv4.kind_syn += n;
	assert_int_equal(bpf_map_update_elem(w.minutes, &key, w.minute_values, BPF_ANY), 0);
	assert_int_equal(bpf_map_lookup_elem(w.ports, &index, w.port_values), 0);
	w.port_values[cpu].ipv4.seen += n;
	w.port_values[cpu].ipv4.kind_syn += n;
	assert_int_equal(bpf_map_update_elem(w.ports, &index, w.port_values, BPF_ANY), 0);
}

static void name_port(uint32_t index, uint32_t port)
{
	memset(w.port_values, 0, (size_t)w.cpus * sizeof(*w.port_values));
	for (int cpu = 0; cpu < w.cpus; cpu++)
		w.port_values[cpu].port = port;
	assert_int_equal(bpf_map_update_elem(w.ports, &index, w.port_values, BPF_ANY), 0);
}

/* Sum of a term in the buffer, of one minute (0 = all) and port; empties nothing. */
static int64_t emitted(const char *term, uint32_t minute, uint16_t port)
{
	struct slice bytes = slice_of(w.records.bytes, w.records.length);
	struct record record;
	int64_t sum = 0;

	while (record_next(&bytes, &record) == 1)
		if (record.kind == RECORD_LEDGER && record.ledger.port == port &&
		    (!minute || record.ledger.minute == minute) && record.ledger.term.length == strlen(term) &&
		    memcmp(record.ledger.term.bytes, term, strlen(term)) == 0)
			sum += record.ledger.value;
	return sum;
}

static int open_ledger(void)
{
	struct ledger_sources sources = { w.minutes, w.ports, w.page };

	return ledger_open(&w.ledger, &sources);
}

static int set_up(void **state)
{
	(void)state;
	w.cpus = libbpf_num_possible_cpus();
	w.minutes = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "minutes", 4, sizeof(struct otori_minute_counters),
				   OTORI_MINUTE_SLOTS * OTORI_MAX_PORTS, NULL);
	w.ports = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "ports", 4, sizeof(struct otori_port_counters),
				 OTORI_MAX_PORTS, NULL);
	w.minute_values = calloc((size_t)w.cpus, sizeof(*w.minute_values));
	w.port_values = calloc((size_t)w.cpus, sizeof(*w.port_values));
	w.page = calloc(1, sizeof(*w.page));
	w.page->workers = 1;
	w.page->ports[1] = 1080;
	if (w.minutes < 0 || w.ports < 0 || record_buffer_open(&w.records, 1u << 20) < 0 || open_ledger() < 0)
		return -1;
	name_port(1, 1080);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ledger_close(w.ledger);
	record_buffer_close(&w.records);
	free(w.minute_values);
	free(w.port_values);
	free(w.page);
	close(w.minutes);
	close(w.ports);
	return 0;
}

static void a_minute_is_emitted_when_it_is_over_and_once(void **state)
{
	(void)state;
	count(MINUTE, 1, 0, 5);
	count(MINUTE, 1, w.cpus - 1, 2);
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE, 30), false, &w.records), 0);
	assert_int_equal(w.records.records, 0);
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE + 1, 5), false, &w.records), 0);
	assert_int_equal(emitted("seen", MINUTE, 1080), 7);
	assert_int_equal(emitted("kind_syn", MINUTE, 1080), 7);
	/* a packet that was under way at the end of its minute */
	count(MINUTE, 1, 0, 1);
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE + 1, 6), false, &w.records), 0);
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE + 2, 6), false, &w.records), 0);
	assert_int_equal(emitted("seen", MINUTE, 1080), 8);
	assert_int_equal(emitted("seen", 0, 1080), 8);
}

static void the_final_call_takes_the_running_minute_too(void **state)
{
	(void)state;
	count(MINUTE, 1, 0, 3);
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE, 30), true, &w.records), 0);
	count(MINUTE, 1, 0, 4);
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE, 40), true, &w.records), 0);
	assert_int_equal(emitted("seen", MINUTE, 1080), 7);
}

static void an_absence_becomes_one_interval(void **state)
{
	(void)state;
	count(MINUTE, 1, 0, 10);
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE + 1, 5), false, &w.records), 0);
	/* nobody looks for an hour; each slot is used again and again */
	for (uint32_t minute = MINUTE + 1; minute < MINUTE + 60; minute++)
		count(minute, 1, (int)minute % w.cpus, 2);
	count(MINUTE + 60, 1, 0, 1);
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE + 60, 30), false, &w.records), 0);
	assert_int_equal(emitted("seen", MINUTE, 1080), 10);
	assert_int_equal(emitted("seen", MINUTE + 59, 1080), 2);
	/* what was missed is in the minute of the return, which itself is still running */
	assert_true(emitted("seen", MINUTE + 60, 1080) > 100);
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE + 61, 30), false, &w.records), 0);
	assert_int_equal(emitted("seen", 0, 1080), 10 + 59 * 2 + 1);
	assert_int_equal(emitted("kind_syn", 0, 1080), 10 + 59 * 2 + 1);
}

/* The clock is set back by an hour: what was counted before and behind it is emitted without waiting for a stop. */
static void a_clock_that_was_set_back_loses_nothing(void **state)
{
	(void)state;
	count(MINUTE + 60, 1, 0, 7);
	w.page->worker[0].minutes[MINUTE % RESPONDER_MINUTES].minute = MINUTE;
	w.page->worker[0].minutes[MINUTE % RESPONDER_MINUTES].terms[1][0][TERM_opened] = 4;
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE + 60, 30), false, &w.records), 0);
	assert_int_equal(emitted("opened", MINUTE, 1080), 4);
	w.page->worker[0].minutes[MINUTE % RESPONDER_MINUTES].terms[1][0][TERM_opened] = 5;
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE, 31), false, &w.records), 0);
	assert_int_equal(emitted("opened", MINUTE, 1080), 5);
	for (uint32_t minute = MINUTE; minute < MINUTE + 6; minute++) {
		count(minute, 1, 0, 2);
		assert_int_equal(ledger_collect(w.ledger, at(minute, 50), false, &w.records), 0);
	}
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE + 6, 30), false, &w.records), 0);
	assert_int_equal(emitted("seen", MINUTE + 60, 1080), 7);
	assert_int_equal(emitted("seen", 0, 1080), 7 + 6 * 2);
}

static void a_restart_repeats_nothing_and_loses_nothing(void **state)
{
	int fd = memfd_create("ledger", MFD_CLOEXEC);

	(void)state;
	count(MINUTE, 1, 0, 6);
	w.page->worker[0].minutes[MINUTE % RESPONDER_MINUTES].minute = MINUTE;
	w.page->worker[0].minutes[MINUTE % RESPONDER_MINUTES].terms[1][0][TERM_opened] = 4;
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE + 1, 5), false, &w.records), 0);
	assert_int_equal(ledger_save(w.ledger, fd), 0);
	ledger_close(w.ledger);
	count(MINUTE + 1, 1, 0, 3);
	w.page->worker[0].minutes[MINUTE % RESPONDER_MINUTES].terms[1][0][TERM_opened] = 5;
	assert_int_equal(open_ledger(), 0);
	assert_int_equal(ledger_restore(w.ledger, fd), 0);
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE + 2, 5), false, &w.records), 0);
	assert_int_equal(emitted("seen", MINUTE, 1080), 6);
	assert_int_equal(emitted("seen", MINUTE + 1, 1080), 3);
	assert_int_equal(emitted("opened", MINUTE, 1080), 5);
	close(fd);
}

static void a_state_of_other_maps_is_refused(void **state)
{
	int fd = memfd_create("ledger", MFD_CLOEXEC), other;

	(void)state;
	assert_int_equal(ledger_restore(w.ledger, fd), -ESTALE); /* empty */
	assert_int_equal(ledger_save(w.ledger, fd), 0);
	assert_int_equal(ledger_restore(w.ledger, fd), 0);
	ledger_close(w.ledger);
	other = w.ports;
	w.ports = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "ports", 4, sizeof(struct otori_port_counters),
				 OTORI_MAX_PORTS, NULL);
	assert_true(w.ports >= 0);
	close(other);
	assert_int_equal(open_ledger(), 0);
	assert_int_equal(ledger_restore(w.ledger, fd), -ESTALE);
	close(fd);
}

static void a_full_buffer_is_gone_on_with(void **state)
{
	struct record_buffer small;
	uint64_t sum = 0;
	int err, rounds = 0;

	(void)state;
	for (uint32_t minute = MINUTE; minute < MINUTE + 3; minute++)
		count(minute, 1, 0, 100);
	assert_int_equal(record_buffer_open(&small, 64), 0); /* room for a record or two */
	do {
		struct slice bytes;
		struct record record;

		err = ledger_collect(w.ledger, at(MINUTE + 3, 5), false, &small);
		bytes = slice_of(small.bytes, small.length);
		while (record_next(&bytes, &record) == 1)
			if (record.ledger.term.length == 4 && memcmp(record.ledger.term.bytes, "seen", 4) == 0)
				sum += (uint64_t)record.ledger.value;
		record_buffer_reset(&small);
	} while (err == -ENOBUFS && ++rounds < 100);
	assert_int_equal(err, 0);
	assert_true(rounds > 1);
	assert_int_equal(sum, 300);
	record_buffer_close(&small);
}

static void a_gauge_goes_down_again(void **state)
{
	struct responder_minute *minute = &w.page->worker[0].minutes[MINUTE % RESPONDER_MINUTES];

	(void)state;
	minute->minute = MINUTE;
	minute->terms[1][1][TERM_open] = 3;
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE, 5), true, &w.records), 0);
	assert_int_equal(emitted("open", MINUTE, 1080), 3);
	minute->terms[1][1][TERM_open] = 0;
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE, 25), true, &w.records), 0);
	assert_int_equal(emitted("open", MINUTE, 1080), 0);
	/* the slot goes to a later minute: nothing of the old one is taken back */
	memset(minute, 0, sizeof(*minute));
	minute->minute = MINUTE + RESPONDER_MINUTES;
	minute->terms[1][1][TERM_opened] = 1;
	assert_int_equal(ledger_collect(w.ledger, at(MINUTE + RESPONDER_MINUTES, 5), true, &w.records), 0);
	assert_int_equal(emitted("opened", MINUTE + RESPONDER_MINUTES, 1080), 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_minute_is_emitted_when_it_is_over_and_once),
		CASE(the_final_call_takes_the_running_minute_too),
		CASE(an_absence_becomes_one_interval),
		CASE(a_clock_that_was_set_back_loses_nothing),
		CASE(a_restart_repeats_nothing_and_loses_nothing),
		CASE(a_state_of_other_maps_is_refused),
		CASE(a_full_buffer_is_gone_on_with),
		CASE(a_gauge_goes_down_again),
	};

	if (geteuid() != 0) {
		puts("maps need root");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
