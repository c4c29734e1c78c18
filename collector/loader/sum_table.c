// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sum_table.c - figures of one segment, summed by key: a row of ledger or syn_source is the sum of many records.
 *
 * In:  keys and amounts. Out: one entry a key, in order of first appearance. Called by load_ledger.c and load_syn.c.
 * May not know the database.
 */
#include "loader/sum_table.h"

#include <stdlib.h>
#include <sys/random.h>

#define FIRST_ENTRIES 256u

_Static_assert(sizeof(struct sum_key) == 32, "keys are compared as bytes: no padding");

static uint64_t hash_key(const struct sum_table *table, const struct sum_key *key)
{
	uint64_t words[4], hash = table->seed;

	memcpy(words, key, sizeof(words));
	for (int i = 0; i < 4; i++) {
		hash = (hash ^ words[i]) * UINT64_C(0x9fb21c651e98df25);
		hash ^= hash >> 32 ^ table->seed << 7;
	}
	return hash;
}

/* The place in index where key is, or where it belongs. */
static uint32_t find(const struct sum_table *table, const struct sum_key *key)
{
	uint32_t at = (uint32_t)hash_key(table, key) & table->mask;

	while (table->index[at] && memcmp(&table->entries[table->index[at] - 1].key, key, sizeof(*key)))
		at = (at + 1) & table->mask;
	return at;
}

static bool grow(struct sum_table *table)
{
	uint32_t capacity = table->capacity ? 2 * table->capacity : FIRST_ENTRIES;
	struct sum_entry *entries = reallocarray(table->entries, capacity, sizeof(*entries));
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
	if (!table->seed && getrandom(&table->seed, sizeof(table->seed), 0) != sizeof(table->seed))
		table->seed = (uintptr_t)entries;
	for (uint32_t i = 0; i < table->count; i++)
		table->index[find(table, &table->entries[i].key)] = i + 1;
	return true;
}

struct sum_entry *sum_table_entry(struct sum_table *table, const struct sum_key *key)
{
	uint32_t at;

	if (table->count == table->capacity && !grow(table))
		return NULL;
	at = find(table, key);
	if (!table->index[at]) {
		table->entries[table->count] = (struct sum_entry){ .key = *key };
		table->index[at] = ++table->count;
	}
	return &table->entries[table->index[at] - 1];
}

void sum_table_clear(struct sum_table *table)
{
	table->count = 0;
	if (table->index)
		memset(table->index, 0, 2 * (size_t)table->capacity * sizeof(*table->index));
}

void sum_table_free(struct sum_table *table)
{
	free(table->entries);
	free(table->index);
	memset(table, 0, sizeof(*table));
}

int64_t sum_add(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return a > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}
