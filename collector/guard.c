/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard.c - the command `otori guard`: what keeps anything but answers from leaving.
 *
 * In:  argv, the interfaces of the running sensor (or those named). Out: one line a device; status 0 only where the
 * guard is in place on all. Reads the kernel alone, not what the supervisor believes.
 */
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "command.h"
#include "datapath/guard.h"
#include "supervisor/state.h"

static void help(void)
{
	puts("Usage: otori guard status [INTERFACE...]\n\n"
	     "Says for each interface (of the running sensor, or those named) whether the guard stands on its egress.\n"
	     "Status 0: on all of them.\n");
}

static int show(const char *name)
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
	printf("%s: %s%s\n", name,
	       state == GUARD_IN_PLACE ? "in place" : "NOT in place: ", state == GUARD_IN_PLACE ? "" : text);
	return state == GUARD_IN_PLACE ? COMMAND_OK : COMMAND_FAILURE;
}

static int show_running(void)
{
	struct state state;
	int result = COMMAND_OK;

	if (state_read(&state) < 0 || state.device_count == 0) {
		log_error("no otori run has left word of its interfaces: name them, as in otori guard status eth0");
		return COMMAND_FAILURE;
	}
	for (unsigned n = 0; n < state.device_count; n++)
		if (show(state.device[n].name) != COMMAND_OK)
			result = COMMAND_FAILURE;
	return result;
}

int command_guard(int argc, char **argv)
{
	int result = COMMAND_OK;

	for (int n = 1; n < argc; n++)
		if (strcmp(argv[n], "--help") == 0) {
			help();
			return COMMAND_OK;
		}
	if (argc < 2 || strcmp(argv[1], "status") != 0) {
		log_error("guard: expected `otori guard status [INTERFACE...]`");
		return COMMAND_USAGE;
	}
	if (argc == 2)
		return show_running();
	for (int n = 2; n < argc; n++)
		if (show(argv[n]) != COMMAND_OK)
			result = COMMAND_FAILURE;
	return result;
}
