// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * key_set.c - which keys a table of the database has, as hashes in memory.
 *
 * In:  keys. Out: whether one may be there. Called by load_rollup_send.c. May not know the database.
 */
#include "loader/key_set.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_PLACES 4096u

/* The place of hash, or the free one where it belongs. */
static uint64_t *find(const struct key_set *set, uint64_t hash)
{
	uint32_t at = (uint32_t)hash & (set->capacity - 1);

	while (set->places[at] && set->places[at] != hash)
		at = (at + 1) & (set->capacity - 1);
	return &set->places[at];
}

static int grow(struct key_set *set)
{
	struct key_set grown = { .count = set->count,
				 .capacity = set->capacity ? 2 * set->capacity : FIRST_PLACES,
				 .secret = set->secret };

	if (set->count >= KEY_SET_MAX)
		return -ENOSPC;
	grown.places = calloc(grown.capacity, sizeof(*grown.places));
	if (!grown.places)
		return -ENOMEM;
	hash_secret_choose(&grown.secret);
	for (uint32_t i = 0; i < set->capacity; i++)
		if (set->places[i])
			*find(&grown, set->places[i]) = set->places[i];
	free(set->places);
	*set = grown;
	return 0;
}

int key_set_add(struct key_set *set, const uint8_t *key, size_t length, bool *was_there)
{
	int error = 2 * set->count >= set->capacity ? grow(set) : 0;
	uint64_t hash, *place;

	if (error)
		return error;
	hash = seeded_hash(&set->secret, key, length);
	if (!hash)
		hash = 1;
	place = find(set, hash);
	*was_there = *place != 0;
	if (!*place) {
		*place = hash;
		set->count++;
	}
	return 0;
}

void key_set_free(struct key_set *set)
{
	free(set->places);
	*set = (struct key_set){ .secret = set->secret };
}
