/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * figures.c - reads what `otori status` shows: see figures.h.
 *
 * In:  pinned maps, page, state, journal, the kernel module. Out: struct figures. Reads only; leaves the caller in the
 * supervisor's network namespace.
 */
#include "supervisor/figures.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../include/otori/guard_rule.h"
#include "base/clock.h"
#include "datapath/guard.h"
#include "datapath/guard_module.h"
#include "datapath/pins.h"
#include "journal/journal.h"
#include "ledger/ledger_terms.h"
#include "responder/page.h"
#include "supervisor/supervisor.h"

#define NAME_TWO(name, text) #name,
#define TEXT_TWO(name, text) text,

static const char *const refusal_names[] = { OTORI_REFUSALS(NAME_TWO) };
static const char *const refusal_texts[] = { OTORI_REFUSALS(TEXT_TWO) };
static const char *const guard_names[] = { OTORI_GUARD_VERDICTS(NAME_TWO) };
static const char *const guard_texts[] = { OTORI_GUARD_VERDICTS(TEXT_TWO) };

const char *figures_refusal_name(unsigned reason)
{
	return refusal_names[reason];
}

const char *figures_refusal_text(unsigned reason)
{
	return refusal_texts[reason];
}

const char *figures_packet_term(size_t n)
{
	return ledger_packet_term(n);
}

uint64_t figures_refused(const struct otori_counters *counters)
{
	uint64_t sum = 0;

#define ADD_REFUSED(name, text) sum += counters->refused_##name;
	OTORI_REFUSALS(ADD_REFUSED)
	return sum;
}

static void add_counters(struct otori_counters *sum, const struct otori_counters *more)
{
	__u64 *to = (__u64 *)sum;
	const __u64 *from = (const __u64 *)more;

	for (size_t n = 0; n < LEDGER_PACKET_TERMS; n++)
		to[n] += from[n];
}

static void add_refused(struct figures *figures, const struct otori_counters *counters)
{
	unsigned n = 0;

#define ADD_REASON(name, text) figures->refused[n++] += counters->refused_##name;
	OTORI_REFUSALS(ADD_REASON)
}

static void read_ports(struct figures *figures, int map, int cpus)
{
	struct otori_port_counters *values = calloc((size_t)cpus, sizeof(*values));

	for (uint32_t port = 0; values && port < OTORI_MAX_PORTS; port++) {
		struct figures_row rows[2] = { { .family = 4 }, { .family = 6 } };

		if (bpf_map_lookup_elem(map, &port, values) < 0)
			break;
		for (int cpu = 0; cpu < cpus; cpu++) {
			add_counters(&rows[0].counters, &values[cpu].ipv4);
			add_counters(&rows[1].counters, &values[cpu].ipv6);
		}
		for (unsigned n = 0; n < 2; n++) {
			rows[n].port = (uint16_t)values[0].port;
			if (rows[n].counters.seen)
				figures->row[figures->row_count++] = rows[n];
			add_refused(figures, &rows[n].counters);
		}
	}
	free(values);
}

static void add_term(struct figures *figures, uint32_t minute, const char *name, uint64_t value)
{
	if (value && figures->term_count < FIGURES_TERMS_MAX)
		figures->term[figures->term_count++] = (struct figures_term){ minute, name, (int64_t)value };
}

/* One minute's packets, all ports and families. */
static void read_minute(struct figures *figures, int map, int cpus, uint32_t minute)
{
	struct otori_minute_counters *values = calloc((size_t)cpus, sizeof(*values));
	struct otori_counters sum = { 0 };
	const __u64 *value = (const __u64 *)&sum;

	for (uint32_t port = 0; values && port < OTORI_MAX_PORTS; port++) {
		uint32_t key = minute % OTORI_MINUTE_SLOTS * OTORI_MAX_PORTS + port;

		if (bpf_map_lookup_elem(map, &key, values) < 0)
			break;
		for (int cpu = 0; cpu < cpus; cpu++)
			if (values[cpu].minute == minute) {
				add_counters(&sum, &values[cpu].ipv4);
				add_counters(&sum, &values[cpu].ipv6);
			}
	}
	for (size_t n = 0; n < LEDGER_PACKET_TERMS; n++)
		add_term(figures, minute, ledger_packet_term(n), value[n]);
	free(values);
}

static void read_page_minute(struct figures *figures, const struct responder_page *page, uint32_t minute)
{
	for (unsigned term = 0; term < TERM_COUNT; term++) {
		uint64_t sum = 0;

		for (uint32_t worker = 0; worker < figures->workers; worker++) {
			const struct responder_minute *slot = &page->worker[worker].minutes[minute % RESPONDER_MINUTES];

			for (unsigned port = 0; port < OTORI_MAX_PORTS && slot->minute == minute; port++)
				sum += slot->terms[port][0][term] + slot->terms[port][1][term];
		}
		add_term(figures, minute, ledger_responder_term((enum responder_term)term), sum);
	}
}

static const struct responder_page *map_page(void)
{
	int fd = open(SUPERVISOR_PAGE_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	const struct responder_page *page = MAP_FAILED;
	struct stat about;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &about) == 0 && about.st_size >= (off_t)sizeof(*page))
		page = mmap(NULL, sizeof(*page), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return page == MAP_FAILED ? NULL : page;
}

static void read_workers(struct figures *figures, const struct responder_page *page)
{
	figures->workers = page->workers < OTORI_MAX_RINGS ? page->workers : OTORI_MAX_RINGS;
	for (uint32_t n = 0; n < figures->workers; n++) {
		const struct responder_worker_page *from = &page->worker[n];

		figures->worker[n] = (struct figures_worker){ .flows = from->flows_open,
							      .flow_pool = from->flow_pool,
							      .conversations = from->conversations_used,
							      .conversation_pool = from->conversation_pool,
							      .chunks = from->chunks_used,
							      .chunk_pool = from->chunk_pool };
	}
}

static void read_guard(struct figures *figures, int map, int cpus)
{
	uint64_t *values = calloc((size_t)cpus, sizeof(*values));

	for (uint32_t verdict = 0; values && verdict < OTORI_GUARD_VERDICT_COUNT && verdict < 16; verdict++) {
		struct figures_guard guard = { guard_names[verdict], guard_texts[verdict], 0 };

		if (bpf_map_lookup_elem(map, &verdict, values) < 0)
			break;
		for (int cpu = 0; cpu < cpus; cpu++)
			guard.value += values[cpu];
		figures->guard[figures->guard_count++] = guard;
	}
	free(values);
}

static int read_pins(struct figures *figures, const struct responder_page *page)
{
	int cpus = libbpf_num_possible_cpus(), ports = pins_get("port_counters"), minutes, guard;
	uint32_t now = (uint32_t)(clock_utc_ns() / NS_PER_MINUTE);

	if (ports < 0)
		return ports;
	figures->attached = true;
	minutes = pins_get("minute_counters");
	guard = pins_get("guard_counters");
	if (cpus > 0) {
		read_ports(figures, ports, cpus);
		for (uint32_t minute = now - FIGURES_MINUTES + 1; minute <= now; minute++) {
			read_minute(figures, minutes, cpus, minute);
			if (page)
				read_page_minute(figures, page, minute);
		}
		read_guard(figures, guard, cpus);
	}
	close(ports);
	if (minutes >= 0)
		close(minutes);
	if (guard >= 0)
		close(guard);
	return 0;
}

/*
 * Devices and filters are looked up where the supervisor is: the caller may be in another network namespace, in which
 * there is no device of that name, or another one.
 */
static void enter_network_of(const char *pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", atoi(pid));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	setns(fd, CLONE_NEWNET);
	close(fd);
}

static void read_module(struct figures_module *figures)
{
	struct guard_module_status status;
	struct guard_module *module;
	struct problem problem;
	int err = guard_module_open(&module, &problem);

	figures->state = "absent";
	if (err == -ENOENT)
		return;
	if (!err)
		err = guard_module_status(module, &status, &problem);
	guard_module_close(module);
	if (err) {
		figures->state = "unknown";
		snprintf(figures->trouble, sizeof(figures->trouble), "%s", problem.text);
		return;
	}
	figures->state = guard_module_state_name(status.state);
	figures->violations = status.dropped;
}

int figures_collect(struct figures *figures)
{
	const struct responder_page *page;
	const char *journal;
	char text[160];
	int have_state, err;

	memset(figures, 0, sizeof(*figures));
	if (geteuid() != 0)
		return -EPERM;
	have_state = state_read(&figures->state);
	page = map_page();
	if (page)
		read_workers(figures, page);
	err = read_pins(figures, page);
	if (page)
		munmap((void *)page, sizeof(*page));
	if (err < 0 && (err != -ENOENT || have_state < 0))
		return err;
	if (figures->state.running)
		enter_network_of(state_get(&figures->state, "pid"));
	for (unsigned n = 0; n < figures->state.device_count; n++) {
		uint32_t ifindex = if_nametoindex(figures->state.device[n].name);

		figures->guarded[n] = ifindex && guard_look(ifindex, 0, text, sizeof(text)) == GUARD_IN_PLACE;
	}
	read_module(&figures->module);
	journal = state_get(&figures->state, "journal");
	if (*journal) {
		journal_directory_backlog(journal, &figures->backlog_files, &figures->backlog_bytes);
		journal_directory_aside(journal, &figures->aside_files);
	}
	return 0;
}
