/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command.h - the subcommands of otori.
 *
 * In:  argv of the subcommand (argv[0] is its name). Out: the exit status. Called by main.c; each is a file of its own.
 *
 * Exit status: 0 = done, 1 = failure, 2 = usage or configuration, 3 = the BPF programs could not be loaded or attached.
 */
#ifndef OTORI_COMMAND_H
#define OTORI_COMMAND_H

enum command_status { COMMAND_OK = 0, COMMAND_FAILURE = 1, COMMAND_USAGE = 2, COMMAND_BPF = 3 };

int command_run(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_report(int argc, char **argv);
int command_status(int argc, char **argv);
int command_init_db(int argc, char **argv);
int command_enrich(int argc, char **argv);
int command_guard(int argc, char **argv);
int command_classify(int argc, char **argv);

/* Not for users: the loader, which otori run executes as a process of its own (supervisor/loader_process.c). */
int loader_process_main(int argc, char **argv);

#endif
