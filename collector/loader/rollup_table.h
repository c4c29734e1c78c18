/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rollup_table.h - sums by keys of several columns, texts among them: what one segment adds to a roll-up.
 *
 * In:  keys, column by column, and amounts. Out: an entry a key; all of them in order of their keys. Called by
 * load_rollup.c. May not know the database, but its binary format: a column of a key is kept as it will be sent, its
 * length before it (copy_binary.h).
 *
 * Strangers choose the keys: the hash is SipHash under a key of its own, so that they can't choose collisions.
 */
#ifndef OTORI_ROLLUP_TABLE_H
#define OTORI_ROLLUP_TABLE_H

#include "loader/copy_binary.h"
#include "loader/seeded_hash.h"

#define ROLLUP_SUMS 4

struct rollup_entry {
	size_t key; /* offset of its first column in keys.bytes */
	uint32_t key_bytes;
	uint32_t hash; /* the lower half: tells most keys apart without a look at them */
	int64_t sums[ROLLUP_SUMS];
	uint64_t first_ns, last_ns;
	uint64_t mark; /* free for the caller */
};

struct rollup_table {
	struct rollup_entry *entries; /* owned */
	uint32_t *index;	      /* owned; entry + 1, 0 = free; a power of two, at most half full */
	uint32_t count, capacity, mask;
	struct copy_buffer keys;
	size_t begun; /* offset of the key that is being made */
	struct hash_secret secret;
};

/* Begins a key; the caller appends its columns with copy_*. */
struct copy_buffer *rollup_key_begin(struct rollup_table *table);
/* Ends it: its entry, made with zeros where there is none. NULL where memory is short. Valid until the next call. */
struct rollup_entry *rollup_key_end(struct rollup_table *table);

/*
 * Orders the entries by their keys, so that the database walks its index from one end to the other. They can't be
 * found any more until the table is cleared.
 */
void rollup_table_sort(struct rollup_table *table);
/* Forgets all entries and keeps the memory. */
void rollup_table_clear(struct rollup_table *table);
void rollup_table_free(struct rollup_table *table);

#endif
