// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - the test program of the kernel module: its subcommands.
 *
 * In:  argv. Out: see each file. Runs in the guest only.
 */
#include <stdio.h>
#include <string.h>

#include "tool.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
} commands[] = {
	{ "arm", control_command,
	  "arm [decoy=PREFIX/BITS[,own]]... [port=N]... [device=NAME]... [every] [flows=N] [version=N]" },
	{ "disarm", control_command, "disarm" },
	{ "seal", control_command, "seal" },
	{ "lock", control_command, "lock" },
	{ "status", control_command, "status: state, devices and so on, as words" },
	{ "counters", control_command, "counters: hook verdict packets, those above 0" },
	{ "watch", control_command, "watch SECONDS: a line for each violation" },
	{ "attempts", attempt_command, "attempts: their names, hooks and verdicts" },
	{ "attempt", attempt_command, "attempt NAME DEVICE MAC: sends one" },
	{ "capture", capture_command, "capture DEVICE FILE: writes the name of each attempt that arrived" },
	{ "fuzz", fuzz_command, "fuzz SEED MESSAGES: random and mutated messages to the family" },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(stderr, "%s\n", commands[i].usage);
	return 2;
}
