/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.c - the command `otori status`: counters, flows, ledger, journal backlog, protections in force.
 *
 * In:  the pinned maps, the page and the state file of the (last) run, the kernel module. Out: text, or JSON by --json.
 * Works while a collector runs, and between two. Changes nothing. The figures are collected by supervisor/figures.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "command.h"
#include "supervisor/figures.h"

static void help(void)
{
	puts("Usage: otori status [--json]\n\n"
	     "Counters since the program was attached, flows, the ledger's terms of the last minutes, what waits in "
	     "the journal, and which\n"
	     "protections are in force. Status 0: a collector runs; 1: none does (what is still attached is shown all "
	     "the same).\n");
}

/* --- text ----------------------------------------------------------------------------------------------------------
 */

static void text_module(const struct figures_module *module)
{
	if (*module->trouble)
		printf("module %s: %s\n", module->state, module->trouble);
	else if (strcmp(module->state, "absent") == 0)
		printf("module absent\n");
	else
		printf("module %s, %" PRIu64 " violations since it was loaded\n", module->state, module->violations);
}

static void text_process(const struct figures *figures)
{
	const struct state *state = &figures->state;

	if (state->running)
		printf("sensor %s, process %s, %s\n", state_get(state, "sensor"), state_get(state, "pid"),
		       strcmp(state_get(state, "answering"), "1") == 0 ? "answering" : "NOT answering");
	else
		printf("no collector runs%s\n", figures->attached ? "; the program is attached and counts" : "");
	for (unsigned n = 0; n < state->device_count; n++)
		printf("%s: %s mode, guard %s\n", state->device[n].name,
		       state->device[n].generic ? "generic" : "native",
		       figures->guarded[n] ? "in place" : "NOT in place");
	text_module(&figures->module);
	printf("secrets %s, impersonate %s, probe mail %s\n", state_get(state, "secrets"),
	       state_get(state, "impersonate"), state_get(state, "probe_mail"));
	printf("database %s", state_get(state, "database"));
	if (*state_get(state, "database_trouble"))
		printf(": %s", state_get(state, "database_trouble"));
	printf("\njournal %s: %" PRIu64 " segments wait, %" PRIu64 " bytes", state_get(state, "journal"),
	       figures->backlog_files, figures->backlog_bytes);
	if (figures->aside_files)
		printf("; %" PRIu64 " could not be loaded and are in bad/", figures->aside_files);
	putchar('\n');
}

static void text_flows(const struct figures *figures)
{
	for (uint32_t n = 0; n < figures->workers; n++) {
		const struct figures_worker *worker = &figures->worker[n];

		printf("worker %u: flows %" PRIu64 " of %" PRIu64 ", conversations %" PRIu64 " of %" PRIu64
		       ", chunks %" PRIu64 " of %" PRIu64 "\n",
		       n, worker->flows, worker->flow_pool, worker->conversations, worker->conversation_pool,
		       worker->chunks, worker->chunk_pool);
	}
}

static void text_packets(const struct figures *figures)
{
	printf("\n%6s %4s %14s %12s %12s %12s %12s %12s\n", "port", "", "seen", "syn", "answered", "taken", "passed",
	       "refused");
	for (unsigned n = 0; n < figures->row_count; n++) {
		const struct figures_row *row = &figures->row[n];
		char port[16];

		snprintf(port, sizeof(port), "%u", row->port);
		printf("%6s %4s %14llu %12llu %12llu %12llu %12llu %12" PRIu64 "\n", row->port ? port : "other",
		       row->family == 4 ? "IPv4" : "IPv6", row->counters.seen, row->counters.kind_syn,
		       row->counters.answered, row->counters.taken, row->counters.passed,
		       figures_refused(&row->counters));
	}
	puts("\nrefused, by reason:");
	for (unsigned n = 0; n < OTORI_REFUSAL_COUNT; n++)
		if (figures->refused[n])
			printf("  %-20s %14" PRIu64 "  %s\n", figures_refusal_name(n), figures->refused[n],
			       figures_refusal_text(n));
}

static void text_ledger(const struct figures *figures)
{
	puts("\nledger, last minutes (UTC):");
	for (unsigned n = 0; n < figures->term_count; n++) {
		const struct figures_term *term = &figures->term[n];
		time_t start = (time_t)term->minute * 60;
		struct tm parts;
		char clock[32];

		gmtime_r(&start, &parts);
		strftime(clock, sizeof(clock), "%H:%M", &parts);
		if (n == 0 || figures->term[n - 1].minute != term->minute)
			printf("  %s", clock);
		printf("  %s %" PRId64, term->name, term->value);
		if (n + 1 == figures->term_count || figures->term[n + 1].minute != term->minute)
			putchar('\n');
	}
	for (unsigned n = 0; n < figures->guard_count; n++)
		if (figures->guard[n].value)
			printf("%s%-18s %12" PRIu64 "  %s\n", n == 0 ? "\nguard:\n  " : "  ", figures->guard[n].name,
			       figures->guard[n].value, figures->guard[n].text);
}

/* --- JSON ----------------------------------------------------------------------------------------------------------
 */

static void json_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			printf("\\u%04x", (unsigned)*text);
		else
			putchar(*text);
	}
	putchar('"');
}

static void json_state(const struct figures *figures)
{
	const struct state *state = &figures->state;

	printf("{\"running\":%s,\"attached\":%s,\"state\":{", state->running ? "true" : "false",
	       figures->attached ? "true" : "false");
	for (unsigned n = 0; n < state->field_count; n++) {
		printf("%s", n ? "," : "");
		json_string(state->field[n].key);
		putchar(':');
		json_string(state->field[n].value);
	}
	printf("},\"devices\":[");
	for (unsigned n = 0; n < state->device_count; n++) {
		printf("%s{\"name\":", n ? "," : "");
		json_string(state->device[n].name);
		printf(",\"mode\":\"%s\",\"guard\":%s}", state->device[n].generic ? "generic" : "native",
		       figures->guarded[n] ? "true" : "false");
	}
	printf("],\"module\":{\"state\":");
	json_string(figures->module.state);
	printf(",\"violations\":%" PRIu64 ",\"trouble\":", figures->module.violations);
	json_string(figures->module.trouble);
	printf("},\"journal\":{\"segments\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"set_aside\":%" PRIu64 "},\"workers\":[",
	       figures->backlog_files, figures->backlog_bytes, figures->aside_files);
	for (uint32_t n = 0; n < figures->workers; n++)
		printf("%s{\"flows\":%" PRIu64 ",\"flow_pool\":%" PRIu64 ",\"conversations\":%" PRIu64
		       ",\"conversation_pool\":%" PRIu64 ",\"chunks\":%" PRIu64 ",\"chunk_pool\":%" PRIu64 "}",
		       n ? "," : "", figures->worker[n].flows, figures->worker[n].flow_pool,
		       figures->worker[n].conversations, figures->worker[n].conversation_pool,
		       figures->worker[n].chunks, figures->worker[n].chunk_pool);
	printf("]");
}

static void json_figures(const struct figures *figures)
{
	printf(",\"counters\":[");
	for (unsigned n = 0; n < figures->row_count; n++) {
		const struct figures_row *row = &figures->row[n];
		const __u64 *value = (const __u64 *)&row->counters;

		printf("%s{\"port\":%u,\"family\":%u", n ? "," : "", row->port, row->family);
		for (size_t term = 0; figures_packet_term(term); term++)
			printf(",\"%s\":%llu", figures_packet_term(term), value[term]);
		putchar('}');
	}
	printf("],\"ledger\":[");
	for (unsigned n = 0; n < figures->term_count; n++)
		printf("%s{\"minute\":%" PRIu64 ",\"term\":\"%s\",\"value\":%" PRId64 "}", n ? "," : "",
		       (uint64_t)figures->term[n].minute * 60, figures->term[n].name, figures->term[n].value);
	printf("],\"guard\":{");
	for (unsigned n = 0; n < figures->guard_count; n++)
		printf("%s\"%s\":%" PRIu64, n ? "," : "", figures->guard[n].name, figures->guard[n].value);
	puts("}}");
}

int command_status(int argc, char **argv)
{
	static struct figures figures;
	bool json = false;
	int err;

	for (int n = 1; n < argc; n++) {
		if (strcmp(argv[n], "--help") == 0) {
			help();
			return COMMAND_OK;
		}
		if (strcmp(argv[n], "--json") != 0) {
			log_error("status: unknown option '%s': expected --json", argv[n]);
			return COMMAND_USAGE;
		}
		json = true;
	}
	err = figures_collect(&figures);
	if (err < 0) {
		log_error("status: %s", err == -ENOENT			  ? "nothing is attached and no collector runs"
					: err == -EPERM || err == -EACCES ? "needs root: the maps are not for everybody"
									  : strerror(-err));
		return COMMAND_FAILURE;
	}
	if (json) {
		json_state(&figures);
		json_figures(&figures);
	} else {
		text_process(&figures);
		text_flows(&figures);
		text_packets(&figures);
		text_ledger(&figures);
	}
	return figures.state.running ? COMMAND_OK : COMMAND_FAILURE;
}
