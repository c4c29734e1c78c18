/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * key_set.h - which keys a table of the database has, as hashes in memory.
 *
 * In:  keys. Out: whether one may be there: "no" is certain, "yes" is wrong once in 2^40 times. Called by
 * load_rollup_send.c. May not know the database. Memory is bounded by KEY_SET_MAX.
 */
#ifndef OTORI_KEY_SET_H
#define OTORI_KEY_SET_H

#include <stdbool.h>

#include "loader/seeded_hash.h"

#define KEY_SET_MAX (1u << 22) /* keys: 64 MiB */

struct key_set {
	uint64_t *places; /* owned; hashes, 0 = free; a power of two, at most half full */
	uint32_t count, capacity;
	struct hash_secret secret;
};

/* Enters a key; *was_there: it may have been. 0, -ENOMEM, or -ENOSPC where there are too many. */
int key_set_add(struct key_set *set, const uint8_t *key, size_t length, bool *was_there);
/* Forgets all and gives the memory back. */
void key_set_free(struct key_set *set);

#endif
