/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - otori: finds the subcommand and calls it.
 *
 * In:  argv. Out: the subcommand's exit status. Called by the user; knows nothing but the names.
 */
#include <stdio.h>
#include <string.h>

#include "command.h"

struct subcommand {
	const char *name;
	int (*call)(int argc, char **argv);
	const char *help;
};

static const struct subcommand subcommands[] = {
	{ "run", command_run, "observe: answer on the decoys and record who comes" },
	{ "replay", command_replay, "read captures as if they had come in by the wire" },
	{ "report", command_report, "the summary and the daily figures out of the database" },
	{ "status", command_status, "counters, flows, ledger, journal and protections of the running sensor" },
	{ "init-db", command_init_db, "bring a database's schema up to date" },
	{ "enrich", command_enrich, "countries, networks and mail exchangers of what was seen" },
	{ "classify", command_classify, "judge what is stored again by the exploit rules" },
	{ "guard", command_guard, "what keeps anything but answers from leaving" },
};

static void help(FILE *out)
{
	fputs("Usage: otori COMMAND [OPTION...]\n\n"
	      "Open proxies that never relay: counts, answers and records who wants to reach what.\n\n",
	      out);
	for (size_t n = 0; n < sizeof(subcommands) / sizeof(subcommands[0]); n++)
		fprintf(out, "  %-9s %s\n", subcommands[n].name, subcommands[n].help);
	fputs("\n  --help     this text; otori COMMAND --help tells of a command\n"
	      "  --version  the version\n",
	      out);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fputs("otori: a command is missing: otori --help lists them\n", stderr);
		return COMMAND_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		help(stdout);
		return COMMAND_OK;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts("otori " OTORI_VERSION);
		return COMMAND_OK;
	}
	if (strcmp(argv[1], "loader-process") == 0) /* what otori run starts; not for users */
		return loader_process_main(argc - 1, argv + 1);
	for (size_t n = 0; n < sizeof(subcommands) / sizeof(subcommands[0]); n++)
		if (strcmp(argv[1], subcommands[n].name) == 0)
			return subcommands[n].call(argc - 1, argv + 1);
	fprintf(stderr, "otori: unknown command '%s': otori --help lists them\n", argv[1]);
	return COMMAND_USAGE;
}
