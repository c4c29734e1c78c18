/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard_commands.c - the parts of `otori guard` that speak to the kernel module: see guard_commands.h.
 *
 * In:  the options of otori run for arm. Out: what the module said. The language is datapath/guard_module.c's.
 */
#include "guard_commands.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "command.h"
#include "datapath/guard_module.h"
#include "datapath/host.h"
#include "options.h"

#define MODULES_DISABLED "/proc/sys/kernel/modules_disabled"

static int done(struct guard_module *module, int err, const struct problem *problem)
{
	if (err)
		log_error("%s", problem->text);
	guard_module_close(module);
	return err ? (int)problem->status : COMMAND_OK;
}

/* Names of processes and devices are their owners' to choose. */
static void json_text(const char *text)
{
	for (; *text; text++)
		if (*text == '"' || *text == '\\' || (unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
			printf("\\u%04x", (unsigned)(unsigned char)*text);
		else
			putchar(*text);
}

/* --- status ------------------------------------------------------------------------------------------------------- */

static void text_status(const struct guard_module_status *status)
{
	printf("module: %s: %s\n", guard_module_state_name(status->state), guard_module_state_text(status->state));
	printf("module: %u decoy prefixes, %u ports, %" PRIu64 " frames dropped; ", status->decoys, status->ports,
	       status->dropped);
	if (status->flow_slots)
		printf("answers leave only to who wrote first (%u slots)\n", status->flow_slots);
	else
		printf("the stateless rule%s\n",
		       status->kfunc ? "" : " (the module has no kfuncs: it was built without BTF)");
	for (uint32_t n = 0; n < status->device_count && n < OTORI_MAX_DEVICES; n++)
		printf("module: %s: %s\n", status->device[n].name,
		       !status->device[n].ifindex ? "away, guarded when it comes"
		       : status->device[n].here	  ? "guarded"
						  : "guarded, in another network namespace");
}

static void json_status(const struct guard_module_status *status)
{
	printf("{\"loaded\":true,\"version\":%u,\"state\":\"%s\",\"kfunc\":%s,\"flow_slots\":%u,\"decoys\":%u,"
	       "\"ports\":%u,"
	       "\"every_device\":%s,\"dropped\":%" PRIu64 ",\"devices\":[",
	       status->version, guard_module_state_name(status->state), status->kfunc ? "true" : "false",
	       status->flow_slots, status->decoys, status->ports, status->every_device ? "true" : "false",
	       status->dropped);
	for (uint32_t n = 0; n < status->device_count && n < OTORI_MAX_DEVICES; n++)
		printf("%s{\"name\":\"%s\",\"there\":%s,\"in_namespace\":%s}", n ? "," : "", status->device[n].name,
		       status->device[n].ifindex ? "true" : "false", status->device[n].here ? "true" : "false");
	printf("]}");
}

/* It is loaded, as far as one can tell, and can't be asked. */
static void json_trouble(const char *text)
{
	printf("{\"loaded\":null,\"trouble\":\"");
	json_text(text);
	printf("\"}");
}

int guard_commands_status(bool json)
{
	struct guard_module *module;
	struct guard_module_status status;
	struct problem problem;
	int err = guard_module_open(&module, &problem);

	if (!err)
		err = guard_module_status(module, &status, &problem);
	if (!err && json)
		json_status(&status);
	else if (!err)
		text_status(&status);
	else if (err == -ENOENT)
		printf(json ? "{\"loaded\":false}" : "module: not loaded\n");
	else if (json)
		json_trouble(problem.text);
	else
		printf("module: %s\n", problem.text);
	guard_module_close(module);
	return err && err != -ENOENT ? COMMAND_FAILURE : COMMAND_OK;
}

/* --- commands ----------------------------------------------------------------------------------------------------- */

int guard_commands_arm(int argc, char **argv)
{
	struct run_options options;
	struct datapath_decoy *decoys = NULL;
	struct guard_module *module = NULL;
	struct guard_module_policy policy = { 0 };
	struct problem problem;
	int err = options_read(&options, argc, argv, &problem), count = 0;

	if (!err)
		err = guard_module_open(&module, &problem);
	if (!err) {
		count = host_decoys(options.decoys.items, options.decoys.count, &decoys);
		if (count < 0)
			err = problem_say(&problem, PROBLEM_FAILURE, count, "the host's addresses cannot be read: %s",
					  strerror(-count));
	}
	if (!err) {
		policy = (struct guard_module_policy){ .decoys = decoys,
						       .decoy_count = (uint32_t)count,
						       .ports = options.ports,
						       .port_count = options.port_count,
						       .devices = options.interfaces,
						       .device_count = options.interface_count,
						       .every_device = options.guard_every_device != 0 };
		err = guard_module_arm(module, &policy, &problem);
	}
	free(decoys);
	options_close(&options);
	return done(module, err, &problem);
}

static int command(enum otori_command what)
{
	struct guard_module *module;
	struct problem problem;
	int err = guard_module_open(&module, &problem);

	if (!err)
		err = guard_module_command(module, what, &problem);
	return done(module, err, &problem);
}

int guard_commands_disarm(void)
{
	return command(OTORI_CMD_DISARM);
}

int guard_commands_seal(void)
{
	return command(OTORI_CMD_SEAL);
}

static int disable_modules(struct problem *problem)
{
	int fd = open(MODULES_DISABLED, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0 || write(fd, "1", 1) != 1)
		err = problem_say(problem, PROBLEM_FAILURE, -errno, "kernel.modules_disabled cannot be set: %s",
				  strerror(errno));
	if (fd >= 0)
		close(fd);
	return err;
}

int guard_commands_lock(void)
{
	struct guard_module *module;
	struct problem problem;
	int err = guard_module_open(&module, &problem);

	if (!err)
		err = guard_module_command(module, OTORI_CMD_SEAL, &problem);
	if (!err)
		err = disable_modules(&problem);
	if (!err)
		err = guard_module_command(module, OTORI_CMD_LOCK, &problem);
	if (!err)
		puts("locked: no kernel module can be loaded or unloaded until reboot");
	return done(module, err, &problem);
}

/* --- watch -------------------------------------------------------------------------------------------------------- */

static void show_violation(const struct guard_module_violation *v, void *context)
{
	bool json = *(bool *)context;

	if (json) {
		printf("{\"seen_at_ns\":%" PRIu64 ",\"hook\":\"%s\",\"verdict\":\"%s\",\"device\":\"", v->seen_at_ns,
		       v->hook, v->verdict);
		json_text(v->device);
		printf("\",\"mark\":%u,\"length\":%u,\"process\":%u,\"command\":\"", v->mark, v->length, v->process);
		json_text(v->command);
		printf("\",\"untold\":%" PRIu64 ",\"frame\":\"", v->untold);
	} else {
		printf("%s: %s, %u bytes by %s, mark %#x, process %u, frame ", v->hook, v->verdict, v->length,
		       v->device, v->mark, v->process);
	}
	for (size_t n = 0; n < v->frame.length; n++)
		printf("%02x", v->frame.bytes[n]);
	puts(json ? "\"}" : "");
	fflush(stdout);
}

int guard_commands_watch(bool json)
{
	struct guard_module *module;
	struct problem problem;
	struct pollfd ready = { .events = POLLIN };
	int err = guard_module_open(&module, &problem);

	if (!err) {
		ready.fd = guard_module_watch(module, &problem);
		err = ready.fd < 0 ? ready.fd : 0;
	}
	while (!err && poll(&ready, 1, -1) >= 0) {
		uint32_t damaged = guard_module_read(module, show_violation, &json);

		if (damaged)
			log_warning("%u violations cannot be read: the module's messages are cut short", damaged);
	}
	return done(module, err, &problem);
}
