/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard.c - the command `otori guard`: what keeps anything but answers from leaving.
 *
 * In:  argv, the interfaces of the running sensor (or those named). Out: one line a device, and one of the kernel
 * module; status 0 only where the guard is in place on all, and a module that is there can be asked. Reads the kernel
 * alone, not what the supervisor believes. What is said of and to the kernel module is guard_commands.c's.
 */
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "command.h"
#include "datapath/guard.h"
#include "guard_commands.h"
#include "supervisor/state.h"

static void help(void)
{
	puts("Usage: otori guard status [--json] [INTERFACE...]\n"
	     "       otori guard arm --interface IF --decoys PREFIX[,PREFIX...] [--ports PORT,...] "
	     "[--guard-every-device]\n"
	     "       otori guard disarm | seal | lock\n"
	     "       otori guard watch [--json]\n\n"
	     "status  for each interface (of the running sensor, or those named) whether the tc guard stands on its\n"
	     "        egress, and what the kernel module does. Status 0: the tc guard is on all of them,\n"
	     "        and the module, where there is one, can be asked.\n"
	     "arm     the kernel module guards these decoys, by the stateless rule (otori run arms it by itself)\n"
	     "disarm  it guards nothing any more; refused once it is sealed\n"
	     "seal    its guard stays as long as the module is loaded, and the module holds itself. Debian's kernels\n"
	     "        let root unload it by force (rmmod -f) all the same\n"
	     "lock    seal, then kernel.modules_disabled=1: NO kernel module can be loaded or unloaded until reboot,\n"
	     "        not by force either, whatever needs it\n"
	     "watch   a line for each frame that the module drops (ten a second at most), until it is ended\n");
}

static int show(const char *name, bool json, bool first)
{
	char text[160] = "";
	uint32_t ifindex = if_nametoindex(name);
	int state;

	if (!ifindex) {
		log_error("there is no interface %s", name);
		return COMMAND_FAILURE;
	}
	state = guard_look(ifindex, 0, text, sizeof(text));
	if (state < 0)
		snprintf(text, sizeof(text), "cannot be asked: %s", strerror(-state));
	if (json)
		printf("%s{\"interface\":\"%s\",\"in_place\":%s,\"why\":\"%s\"}", first ? "" : ",", name,
		       state == GUARD_IN_PLACE ? "true" : "false", text);
	else
		printf("%s: %s%s\n", name,
		       state == GUARD_IN_PLACE ? "in place" : "NOT in place: ", state == GUARD_IN_PLACE ? "" : text);
	return state == GUARD_IN_PLACE ? COMMAND_OK : COMMAND_FAILURE;
}

static int show_running(bool json)
{
	struct state state;
	int result = COMMAND_OK;

	if (state_read(&state) < 0 || state.device_count == 0) {
		log_error("no otori run has left word of its interfaces: name them, as in otori guard status eth0");
		return COMMAND_FAILURE;
	}
	for (unsigned n = 0; n < state.device_count; n++)
		if (show(state.device[n].name, json, n == 0) != COMMAND_OK)
			result = COMMAND_FAILURE;
	return result;
}

static int status(int argc, char **argv)
{
	bool json = argc > 0 && strcmp(argv[0], "--json") == 0;
	int result = COMMAND_OK;

	if (json)
		printf("{\"interfaces\":[");
	if (argc == (int)json)
		result = show_running(json);
	for (int n = json; n < argc; n++)
		if (show(argv[n], json, n == (int)json) != COMMAND_OK)
			result = COMMAND_FAILURE;
	if (json)
		printf("],\"module\":");
	if (guard_commands_status(json) != COMMAND_OK)
		result = COMMAND_FAILURE;
	if (json)
		printf("}\n");
	return result;
}

int command_guard(int argc, char **argv)
{
	for (int n = 1; n < argc; n++)
		if (strcmp(argv[n], "--help") == 0) {
			help();
			return COMMAND_OK;
		}
	if (argc >= 2 && strcmp(argv[1], "status") == 0)
		return status(argc - 2, argv + 2);
	if (argc >= 2 && strcmp(argv[1], "arm") == 0)
		return guard_commands_arm(argc - 1, argv + 1);
	if (argc == 2 && strcmp(argv[1], "disarm") == 0)
		return guard_commands_disarm();
	if (argc == 2 && strcmp(argv[1], "seal") == 0)
		return guard_commands_seal();
	if (argc == 2 && strcmp(argv[1], "lock") == 0)
		return guard_commands_lock();
	if ((argc == 2 || (argc == 3 && strcmp(argv[2], "--json") == 0)) && strcmp(argv[1], "watch") == 0)
		return guard_commands_watch(argc == 3);
	log_error("guard: expected `otori guard status|arm|disarm|seal|lock|watch`, see otori guard --help");
	return COMMAND_USAGE;
}
