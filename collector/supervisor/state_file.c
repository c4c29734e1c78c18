/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state_file.c - what `otori status` wants to know and the maps don't hold, as `key=value` lines.
 *
 * In:  the supervisor. Out: /run/otori/state, replaced as a whole every second. May not hold secrets: everybody may
 * read it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "supervisor/supervisor.h"

#define PARTIAL SUPERVISOR_STATE_FILE ".partial"

static void put_lists(FILE *file, const struct supervisor *supervisor)
{
	const struct run_options *options = supervisor->options;
	char text[PREFIX_TEXT_BYTES];

	fputs("ports=", file);
	for (uint32_t n = 0; n < options->port_count; n++)
		fprintf(file, "%s%u", n ? "," : "", options->ports[n]);
	fputs("\ndecoys=", file);
	for (uint32_t n = 0; n < options->decoys.count; n++)
		fprintf(file, "%s%s", n ? "," : "", prefix_text(&options->decoys.items[n], text));
	fputc('\n', file);
	for (uint32_t n = 0; n < supervisor->datapath.device_count; n++) {
		const struct datapath_device *device = &supervisor->datapath.devices[n];

		fprintf(file, "device=%s %s %s\n", device->name, device->generic ? "generic" : "native",
			device->guarded ? "guarded" : "unguarded");
	}
}

void state_file_write(const struct supervisor *supervisor)
{
	const struct run_options *options = supervisor->options;
	FILE *file = fopen(PARTIAL, "we");

	if (!file)
		return; /* status says then that the state is old */
	fprintf(file, "pid=%d\nsensor=%s\nstarted=%" PRIu64 "\nwritten=%" PRIu64 "\n", (int)getpid(), options->sensor,
		supervisor->began_at_ns / NS_PER_SECOND, clock_utc_ns() / NS_PER_SECOND);
	fprintf(file, "stopping=%d\nanswering=%d\ntransmitting=%d\n", supervisor->stop,
		supervisor->transmitting && responder_alive(supervisor), supervisor->transmitting);
	fprintf(file, "responder=%d\nresponder_failures=%u\nloader=%d\n", (int)supervisor->responder.child.pid,
		supervisor->responder.child.failures, (int)supervisor->loader.pid);
	fprintf(file, "database=%s\ndatabase_trouble=%s\n", supervisor->database.ready ? "ready" : "away",
		supervisor->database.trouble);
	fprintf(file, "journal=%s\nsecrets=%s\nimpersonate=%s\nmodule=%s\nprobe_mail=off\n", options->journal,
		options->secrets_clear ? "clear" : "hash", options->impersonate ? "yes" : "no",
		module_keeper_word(supervisor));
	fprintf(file, "limit_per_prefix=%u\nlimit_global=%u\nrestart_grace=%u\nanswer_arp=%s\n",
		options->limit_per_prefix, options->limit_global, options->restart_grace,
		options->answer_arp ? "yes" : "no");
	put_lists(file, supervisor);
	fchmod(fileno(file), 0644);
	if (fclose(file) == 0)
		rename(PARTIAL, SUPERVISOR_STATE_FILE);
}
