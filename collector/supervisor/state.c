/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.c - reads /run/otori/state: see state.h.
 *
 * In:  `key=value` lines. Out: struct state. Writes nothing.
 */
#include "supervisor/state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/supervisor.h"

static void take_device(struct state *state, const char *value)
{
	struct state_device *device = &state->device[state->device_count];
	char mode[16], guarded[16];

	if (state->device_count == OTORI_MAX_DEVICES ||
	    sscanf(value, "%15s %15s %15s", device->name, mode, guarded) != 3)
		return;
	device->generic = strcmp(mode, "generic") == 0;
	device->guarded = strcmp(guarded, "guarded") == 0;
	state->device_count++;
}

int state_read(struct state *state)
{
	FILE *file = fopen(SUPERVISOR_STATE_FILE, "re");
	char *line = NULL;
	size_t room = 0;
	int pid;

	memset(state, 0, sizeof(*state));
	if (!file)
		return -errno;
	while (getline(&line, &room, file) >= 0) {
		char *value = strchr(line, '=');

		if (!value)
			continue;
		*value++ = '\0';
		value[strcspn(value, "\n")] = '\0';
		if (strcmp(line, "device") == 0) {
			take_device(state, value);
		} else if (state->field_count < STATE_FIELDS_MAX) {
			struct state_field *field = &state->field[state->field_count++];

			snprintf(field->key, sizeof(field->key), "%s", line);
			snprintf(field->value, sizeof(field->value), "%s", value);
		}
	}
	free(line);
	fclose(file);
	pid = atoi(state_get(state, "pid"));
	state->running = pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
	return 0;
}

const char *state_get(const struct state *state, const char *key)
{
	for (unsigned n = 0; n < state->field_count; n++)
		if (strcmp(state->field[n].key, key) == 0)
			return state->field[n].value;
	return "";
}
