/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard_commands.h - the parts of `otori guard` that speak to the kernel module.
 *
 * In:  what guard.c has read of argv. Out: the exit status; lines, or JSON. Used by guard.c only.
 */
#ifndef OTORI_GUARD_COMMANDS_H
#define OTORI_GUARD_COMMANDS_H

#include <stdbool.h>

/*
 * Says what the module does, or that there is none: a line, or a JSON value without a line's end. Fails where there is
 * one that can't be asked, or does not answer as it should.
 */
int guard_commands_status(bool json);
/* argv: the options of otori run, of which interfaces, decoys and ports are used; argv[0] is skipped. */
int guard_commands_arm(int argc, char **argv);
int guard_commands_disarm(void);
int guard_commands_seal(void);
int guard_commands_lock(void);
/* Runs until it is ended. */
int guard_commands_watch(bool json);

#endif
