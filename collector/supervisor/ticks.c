/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ticks.c - what is due every second.
 *
 * In:  the supervisor. Out: clock and heartbeat for XDP, ledger, observation rows, children started again, the state
 * file, the service manager's watchdog. Called by supervisor.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "datapath/host.h"
#include "supervisor/supervisor.h"

#define OBSERVE_NS NS_PER_MINUTE

/* Prefixes and ports as text, apart by commas. The caller frees it. */
static char *decoys_text(const struct run_options *options)
{
	size_t room = (size_t)options->decoys.count * PREFIX_TEXT_BYTES + 1, length = 0;
	char *text = malloc(room), one[PREFIX_TEXT_BYTES];

	if (!text)
		return NULL;
	text[0] = '\0';
	for (uint32_t n = 0; n < options->decoys.count; n++)
		length += (size_t)snprintf(text + length, room - length, "%s%s", n ? "," : "",
					   prefix_text(&options->decoys.items[n], one));
	return text;
}

void ticks_observe(struct supervisor *supervisor, uint64_t now_ns)
{
	struct record_observation observation = { .began_at_ns = supervisor->began_at_ns,
						  .until_ns = now_ns,
						  .origin = slice_of_text("run") };
	char ports[OTORI_MAX_PORTS * 6 + 1] = "", *decoys = decoys_text(supervisor->options);

	for (uint32_t n = 0; n < supervisor->options->port_count; n++)
		snprintf(ports + strlen(ports), sizeof(ports) - strlen(ports), "%s%u", n ? "," : "",
			 supervisor->options->ports[n]);
	if (decoys) {
		observation.decoys = slice_of_text(decoys);
		observation.ports = slice_of_text(ports);
		if (record_append_observation(&supervisor->own.records, &observation) == 0)
			supervisor->observed_ns = now_ns;
	}
	free(decoys);
}

/* Packets that the device had no room for, before XDP saw them. */
static void count_dropped(struct supervisor *supervisor, uint64_t now_ns)
{
	for (uint32_t n = 0; n < supervisor->datapath.device_count; n++) {
		uint64_t now = host_device_dropped(supervisor->datapath.devices[n].ifindex);
		struct record_ledger record = { .minute = (uint32_t)(now_ns / NS_PER_MINUTE),
						.term = slice_of_text("device_dropped"),
						.value = (int64_t)(now - supervisor->dropped[n]) };

		if (now > supervisor->dropped[n] && record_append_ledger(&supervisor->own.records, &record) < 0)
			continue;
		supervisor->dropped[n] = now;
	}
}

/* Records of this minute and the one before that a responder that lives could not write down. */
static uint64_t count_shed(const struct supervisor *supervisor, uint32_t minute)
{
	uint64_t shed = 0, buried = 0;

	for (uint32_t back = 0; back < 2; back++) {
		uint32_t place = (minute - back) % RESPONDER_MINUTES;

		if (supervisor->buried[place].minute == minute - back)
			buried += supervisor->buried[place].records;
		for (uint32_t worker = 0; worker < supervisor->datapath.rings; worker++) {
			const struct responder_minute *slot = &supervisor->page->worker[worker].minutes[place];

			if (__atomic_load_n(&slot->minute, __ATOMIC_ACQUIRE) == minute - back)
				shed += __atomic_load_n(&slot->terms[0][0][TERM_records_shed], __ATOMIC_RELAXED);
		}
	}
	return shed > buried ? shed - buried : 0;
}

/* Evidence that is lost must not be found in the ledger only. Said once at its beginning and at its end. */
static void tell_shed(struct supervisor *supervisor, uint64_t now_ns)
{
	uint64_t shed = count_shed(supervisor, (uint32_t)(now_ns / NS_PER_MINUTE));

	if (!shed == !supervisor->shedding)
		return;
	supervisor->shedding = shed;
	if (shed)
		log_error("%s: records can't be written and are given up, %" PRIu64 " so far: is the disk full?",
			  supervisor->options->journal, shed);
	else
		log_info("%s: records are written again", supervisor->options->journal);
}

static void start_children(struct supervisor *supervisor)
{
	if (child_due(&supervisor->responder.child)) {
		int err = responder_start(supervisor);

		if (err) {
			log_error("the responder cannot be started: %s", strerror(-err));
			child_ended(&supervisor->responder.child, false);
		}
	}
	if (child_due(&supervisor->database.child) && database_process_start(supervisor) < 0)
		child_ended(&supervisor->database.child, false);
	if (supervisor->database.ready && child_due(&supervisor->loader) && loader_process_start(supervisor) < 0)
		child_ended(&supervisor->loader, false);
}

static void beat(struct supervisor *supervisor, uint64_t now_ns)
{
	if (!responder_alive(supervisor))
		return;
	__atomic_store_n(&supervisor->datapath.settings->heartbeat_ns, now_ns, __ATOMIC_RELEASE);
	if (supervisor->announced || !supervisor->transmitting)
		return;
	supervisor->announced = true;
	for (uint32_t n = 0; n < supervisor->datapath.device_count; n++)
		log_info("%s: observing, %s mode%s", supervisor->datapath.devices[n].name,
			 supervisor->datapath.devices[n].generic ? "generic" : "native",
			 supervisor->datapath.taken_over ? ", the earlier run's counters go on" : "");
	puts("otori: answering");
	fflush(stdout);
	notify_say("READY=1\nSTATUS=answering");
}

void ticks_second(struct supervisor *supervisor)
{
	uint64_t now_ns = clock_utc_ns();

	if (!supervisor->watch)
		return; /* a start that failed half way is being undone */
	if (!supervisor->stop)
		start_children(supervisor);
	if (datapath_clock(&supervisor->datapath) < 0)
		log_error("the kernel's clock cannot be read through BPF");
	beat(supervisor, now_ns);
	responder_watch(supervisor);
	guard_keeper_look(supervisor);
	guard_keeper_count(supervisor);
	module_keeper_look(supervisor);
	responder_retry_segments(supervisor);
	count_dropped(supervisor, now_ns);
	tell_shed(supervisor, now_ns);
	if (now_ns - supervisor->observed_ns >= OBSERVE_NS)
		ticks_observe(supervisor, now_ns);
	own_segment_turn(supervisor, false);
	state_file_write(supervisor);
	notify_say("WATCHDOG=1");
}
