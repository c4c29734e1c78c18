/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.h - what the running supervisor says of itself in /run/otori/state, read back.
 *
 * In:  the file. Out: struct state. Used by `otori status` and `otori guard`. The writer is state_file.c.
 */
#ifndef OTORI_SUPERVISOR_STATE_H
#define OTORI_SUPERVISOR_STATE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "../include/otori/datapath.h"

#define STATE_FIELDS_MAX 48

struct state_field {
	char key[24];
	char value[1024];
};

struct state_device {
	char name[IF_NAMESIZE];
	bool generic, guarded;
};

struct state {
	struct state_field field[STATE_FIELDS_MAX];
	unsigned field_count;
	struct state_device device[OTORI_MAX_DEVICES];
	unsigned device_count;
	bool running; /* its process is there */
};

/* 0, or negative errno: -ENOENT where there is no file. */
int state_read(struct state *state);
/* The value of a key, "" where there is none. Borrowed. */
const char *state_get(const struct state *state, const char *key);

#endif
