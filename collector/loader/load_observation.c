// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load_observation.c - rows of observation, decoy and violation.
 *
 * In:  what the supervisor says about the sensor. Out: calls of otori.observe, one a beginning, and rows of violation.
 * Called by load.c. May not talk to the database but through load.h.
 *
 * The text of decoys and ports is checked here, item by item: a senseless one would make the database refuse the whole
 * segment.
 */
#include "loader/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_prefix(const char *item)
{
	char text[ADDRESS_TEXT_BYTES];
	const char *slash = strchr(item, '/');
	size_t length = slash ? (size_t)(slash - item) : strlen(item);
	struct address address;
	unsigned long bits;
	char *end;

	if (length >= sizeof(text))
		return false;
	memcpy(text, item, length);
	text[length] = 0;
	if (address_parse(text, &address))
		return false;
	if (!slash)
		return true;
	bits = strtoul(slash + 1, &end, 10);
	return slash[1] >= '0' && slash[1] <= '9' && !*end && bits <= (address.ipv6 ? 128 : 32);
}

static bool is_port(const char *item)
{
	char *end;
	unsigned long port = strtoul(item, &end, 10);

	return *item >= '0' && *item <= '9' && !*end && port <= UINT16_MAX;
}

/* A new text of those items of a comma separated list that make sense; NULL where memory is short. */
static char *sound_items(struct slice list, bool (*sound)(const char *item))
{
	char *items, *result, *rest, *item;
	size_t length = list.length < LOAD_OBSERVATION_BYTES ? list.length : LOAD_OBSERVATION_BYTES, used = 0;

	items = strndup(length ? (const char *)list.bytes : "", length);
	result = calloc(1, length + 2);
	if (!items || !result) {
		free(items);
		free(result);
		return NULL;
	}
	rest = items;
	while ((item = strsep(&rest, ",")) != NULL) {
		item += strspn(item, " ");
		if (sound(item))
			used += (size_t)sprintf(result + used, "%s%s", used ? "," : "", item);
	}
	free(items);
	return result;
}

static void free_observation(struct load_observation *observation)
{
	free(observation->decoys);
	free(observation->ports);
	memset(observation, 0, sizeof(*observation));
}

void load_observations_clear(struct load *load)
{
	while (load->observation_count)
		free_observation(&load->observations[--load->observation_count]);
}

/* The latest word about a beginning counts; a segment repeats it every minute. */
int load_observation(struct load *load, const struct record_observation *record)
{
	struct load_observation *observation = load->observations, *end = observation + load->observation_count;

	while (observation < end && observation->began_at_ns != record->began_at_ns)
		observation++;
	if (observation == end && load->observation_count == LOAD_OBSERVATIONS_MAX) {
		snprintf(load->text, sizeof(load->text), "it has more than %d observations", LOAD_OBSERVATIONS_MAX);
		return -EPROTO;
	}
	if (observation == end)
		load->observation_count++;
	free_observation(observation);
	observation->began_at_ns = record->began_at_ns;
	observation->until_ns = record->until_ns;
	observation->replay = record->origin.length == 6 && !memcmp(record->origin.bytes, "replay", 6);
	observation->decoys = sound_items(record->decoys, is_prefix);
	observation->ports = sound_items(record->ports, is_port);
	return observation->decoys && observation->ports ? 0 : -ENOMEM;
}

int load_observations_flush(struct load *load)
{
	int error = 0;

	for (unsigned i = 0; !error && i < load->observation_count; i++) {
		const struct load_observation *observation = &load->observations[i];
		char began[LOAD_TIME_TEXT_BYTES], until[LOAD_TIME_TEXT_BYTES];
		const char *values[] = { load->header.sensor,
					 began,
					 until,
					 observation->decoys,
					 observation->ports,
					 observation->replay ? "replay" : "run" };

		load_time_text(observation->began_at_ns, began);
		load_time_text(observation->until_ns, until);
		error = load_execute_params(load, "select otori.observe($1, $2, $3, $4, $5, $6)", 6, values);
	}
	if (!error)
		load_observations_clear(load);
	return error;
}

int load_violation(struct load *load, const struct record_violation *record)
{
	uint64_t seen_ns = record->seen_at_ns;
	struct copy_buffer *row;
	int error = load_time(load, &seen_ns);

	if (error)
		return error;
	row = load_row(load, LOAD_VIOLATION, 7);
	copy_int8(row, (int64_t)load->header.segment);
	copy_int4(row, copy_clamp_int4(load->place));
	copy_time(row, seen_ns);
	copy_text(row, record->source);
	copy_text(row, record->what);
	copy_bytea_or_null(row, record->frame);
	return load_row_end(load, LOAD_VIOLATION);
}
