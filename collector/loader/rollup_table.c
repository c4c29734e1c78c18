// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rollup_table.c - sums by keys of several columns, texts among them: what one segment adds to a roll-up.
 *
 * In:  keys, column by column, and amounts. Out: an entry a key; all of them in order of their keys. Called by
 * load_rollup.c. May not know the database, but its binary format.
 */
#include "loader/rollup_table.h"

#include <stdlib.h>

#define FIRST_ENTRIES 256u
/* What a table keeps when it is cleared: a segment like the last one needs no allocation, and one flood is forgotten.
 */
#define KEPT_ENTRIES (1u << 16)
#define KEPT_KEY_BYTES (8u << 20)

static bool same_key(const struct rollup_table *table, const struct rollup_entry *entry, uint32_t hash,
		     const uint8_t *key, size_t length)
{
	return entry->hash == hash && entry->key_bytes == length &&
	       !memcmp(table->keys.bytes + entry->key, key, length);
}

static void enter(struct rollup_table *table, uint32_t number)
{
	uint32_t at = table->entries[number].hash & table->mask;

	while (table->index[at])
		at = (at + 1) & table->mask;
	table->index[at] = number + 1;
}

static bool grow(struct rollup_table *table)
{
	uint32_t capacity = table->capacity ? 2 * table->capacity : FIRST_ENTRIES;
	struct rollup_entry *entries = reallocarray(table->entries, capacity, sizeof(*entries));
	uint32_t *index;

	if (!entries)
		return false;
	table->entries = entries;
	index = calloc(2 * (size_t)capacity, sizeof(*index));
	if (!index)
		return false;
	free(table->index);
	table->index = index;
	table->capacity = capacity;
	table->mask = 2 * capacity - 1;
	for (uint32_t i = 0; i < table->count; i++)
		enter(table, i);
	return true;
}

struct copy_buffer *rollup_key_begin(struct rollup_table *table)
{
	table->begun = table->keys.length;
	return &table->keys;
}

struct rollup_entry *rollup_key_end(struct rollup_table *table)
{
	const uint8_t *key = table->keys.bytes + table->begun;
	size_t length = table->keys.length - table->begun;
	uint32_t hash, at;

	if (table->keys.failed || length > UINT32_MAX)
		return NULL;
	hash_secret_choose(&table->secret);
	if (table->count == table->capacity && !grow(table))
		return NULL;
	hash = (uint32_t)seeded_hash(&table->secret, key, length);
	for (at = hash & table->mask; table->index[at]; at = (at + 1) & table->mask) {
		struct rollup_entry *entry = &table->entries[table->index[at] - 1];

		if (same_key(table, entry, hash, key, length)) {
			table->keys.length = table->begun;
			return entry;
		}
	}
	table->entries[table->count] =
		(struct rollup_entry){ .key = table->begun, .key_bytes = (uint32_t)length, .hash = hash };
	table->index[at] = ++table->count;
	return &table->entries[table->count - 1];
}

static int compare(const void *a, const void *b, void *context)
{
	const struct rollup_entry *one = a, *other = b;
	const uint8_t *keys = context;
	size_t shorter = one->key_bytes < other->key_bytes ? one->key_bytes : other->key_bytes;
	int order = memcmp(keys + one->key, keys + other->key, shorter);

	return order ? order : (one->key_bytes > other->key_bytes) - (one->key_bytes < other->key_bytes);
}

void rollup_table_sort(struct rollup_table *table)
{
	if (table->count > 1)
		qsort_r(table->entries, table->count, sizeof(*table->entries), compare, table->keys.bytes);
}

void rollup_table_clear(struct rollup_table *table)
{
	if (table->capacity > KEPT_ENTRIES || table->keys.capacity > KEPT_KEY_BYTES) {
		rollup_table_free(table);
		return;
	}
	table->count = 0;
	table->keys.length = 0;
	table->keys.failed = false;
	if (table->index)
		memset(table->index, 0, 2 * (size_t)table->capacity * sizeof(*table->index));
}

void rollup_table_free(struct rollup_table *table)
{
	free(table->entries);
	free(table->index);
	copy_buffer_free(&table->keys);
	memset(table, 0, sizeof(*table));
}
