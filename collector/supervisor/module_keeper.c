/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * module_keeper.c - the kernel module's guard: armed before anything can be sent, sealed where the operator says so,
 * watched.
 *
 * In:  decoys, ports, interfaces; the module's violations; what it says of itself every second. Out: the module armed,
 * or a word that there is none; violation records. Called by supervisor.c. Without the module everything works, minus
 * the seal.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervisor/supervisor.h"

static void record(struct supervisor *supervisor, uint64_t seen_at_ns, const char *what, struct slice frame)
{
	struct record_violation violation = { .seen_at_ns = seen_at_ns ? seen_at_ns : clock_utc_ns(),
					      .source = slice_of_text("module"),
					      .what = slice_of_text(what),
					      .frame = frame };

	if (record_append_violation(&supervisor->own.records, &violation) < 0)
		log_warning("no room to record: %s", what);
}

static int arm(struct supervisor *supervisor, bool kfunc, struct problem *problem)
{
	const struct run_options *options = supervisor->options;
	struct guard_module_policy policy = { .decoys = supervisor->decoys,
					      .decoy_count = supervisor->decoy_count,
					      .ports = options->ports,
					      .port_count = options->port_count,
					      .devices = options->interfaces,
					      .device_count = options->interface_count,
					      .every_device = options->guard_every_device != 0,
					      .flows = kfunc ? options->flows : 0 };

	return guard_module_arm(supervisor->module, &policy, problem);
}

int module_keeper_open(struct supervisor *supervisor, struct problem *problem)
{
	bool seal = supervisor->options->seal != 0;
	struct guard_module_status status;
	int err = guard_module_open(&supervisor->module, problem);

	if (err == -ENOENT && !seal)
		return 0;
	if (!err)
		err = guard_module_status(supervisor->module, &status, problem);
	if (!err)
		err = arm(supervisor, status.kfunc, problem);
	if (!err)
		err = guard_module_status(supervisor->module, &status, problem);
	if (!err)
		supervisor->module_watch = guard_module_watch(supervisor->module, problem);
	if (!err && supervisor->module_watch < 0)
		err = supervisor->module_watch;
	if (err)
		return err;
	supervisor->module_state = status.state;
	supervisor->module_admits = status.flow_slots != 0;
	log_info("kernel module: %s (%s)%s", guard_module_state_name(status.state),
		 guard_module_state_text(status.state),
		 supervisor->module_admits ? ", it knows who wrote first" : ", by the stateless rule");
	return 0;
}

int module_keeper_seal(struct supervisor *supervisor, struct problem *problem)
{
	int err;

	if (!supervisor->options->seal)
		return 0;
	err = guard_module_command(supervisor->module, OTORI_CMD_SEAL, problem);
	if (err)
		return err;
	if (supervisor->module_state < OTORI_STATE_sealed)
		supervisor->module_state = OTORI_STATE_sealed;
	log_notice("kernel module: %s: %s", guard_module_state_name(supervisor->module_state),
		   guard_module_state_text(supervisor->module_state));
	return 0;
}

static void take_violation(const struct guard_module_violation *violation, void *context)
{
	char line[320];

	snprintf(line, sizeof(line),
		 "%s: %s: a frame of %u bytes by %s, mark %#x%s%.16s%s (%" PRIu64
		 " before it were not told one by one)",
		 violation->hook, violation->verdict, violation->length, violation->device, violation->mark,
		 *violation->command ? ", process " : "", violation->command, *violation->command ? "" : ", forwarded",
		 violation->untold);
	log_warning("kernel module: %s", line);
	record(context, violation->seen_at_ns, line, violation->frame);
}

void module_keeper_read(struct supervisor *supervisor)
{
	uint32_t damaged = guard_module_read(supervisor->module, take_violation, supervisor);
	char line[120];

	if (!damaged)
		return;
	snprintf(line, sizeof(line), "%u violations cannot be read: the module's messages are cut short", damaged);
	log_warning("kernel module: %s", line);
	record(supervisor, 0, line, (struct slice){ 0 });
}

void module_keeper_look(struct supervisor *supervisor)
{
	struct guard_module_status status;
	struct problem problem;
	char line[640];

	if (!supervisor->module)
		return;
	if (guard_module_status(supervisor->module, &status, &problem) < 0) {
		status.state = OTORI_STATE_off;
		snprintf(line, sizeof(line), "it can be asked no longer: %s", problem.text);
	} else {
		snprintf(line, sizeof(line), "it was %s, and is %s", guard_module_state_name(supervisor->module_state),
			 guard_module_state_name(status.state));
	}
	if (status.state < supervisor->module_state) {
		log_error("kernel module: %s", line);
		record(supervisor, 0, line, (struct slice){ 0 });
		if (arm(supervisor, supervisor->module_admits, &problem) == 0) {
			log_notice("kernel module: armed again");
			status.state = OTORI_STATE_armed;
		}
	} else if (status.state > supervisor->module_state) {
		log_notice("kernel module: %s", line);
	}
	supervisor->module_state = status.state;
}

const char *module_keeper_word(const struct supervisor *supervisor)
{
	return supervisor->module ? guard_module_state_name(supervisor->module_state) : "absent";
}

int module_keeper_unload(struct problem *problem)
{
	struct guard_module_status status;
	struct guard_module *module;
	int err = guard_module_open(&module, problem);

	if (err)
		return err == -ENOENT ? 0 : err;
	err = guard_module_status(module, &status, problem);
	if (!err && status.state == OTORI_STATE_armed)
		err = guard_module_command(module, OTORI_CMD_DISARM, problem);
	else if (!err && status.state > OTORI_STATE_armed)
		log_notice("kernel module: %s, so its guard stays: %s", guard_module_state_name(status.state),
			   guard_module_state_text(status.state));
	guard_module_close(module);
	return err;
}
