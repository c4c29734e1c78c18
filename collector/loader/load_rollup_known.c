// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load_rollup_known.c - tells new visitors and members from known ones: new ones become rows by COPY.
 *
 * In:  the sums by visitor, the members of domains, and how often the roll-ups were changed (rollup_lock). Out: rows of
 * rollup_source and rollup_domain_member for those that the database doesn't have; the others stay in their tables.
 * Called by load_rollup_send.c under the lock. May not talk to the database but through load.h.
 *
 * To look for a key and then to enter it costs three times what a COPY does, and where much comes in, most are new. So
 * the keys that are there are kept in memory, as hashes. They hold as long as nobody else has had the lock.
 */
#include "loader/load_rollup.h"

#include <errno.h>
#include <stdio.h>

/* What is kept in mind: a table of sums, where its rows go, and the columns of its key there. */
static const struct kind {
	enum rollup rollup;
	enum load_table table;
	const char *keys;
	uint16_t key_columns, sums;
} kinds[KNOWN_COUNT] = {
	[KNOWN_SOURCES] = { ROLLUP_SOURCE, LOAD_ROLLUP_SOURCE, "source, relay_port from otori.rollup_source", 2, 2 },
	[KNOWN_MEMBERS] = { ROLLUP_MEMBER, LOAD_ROLLUP_MEMBER,
			    "recipient_domain, kind, member from otori.rollup_domain_member", 3, 0 },
};

static int out_of_memory(struct load *load)
{
	snprintf(load->text, sizeof(load->text), "out of memory");
	return -ENOMEM;
}

/* A row out of a key and its sums. */
static void put_row(struct load *load, const struct kind *kind, const uint8_t *key, const struct rollup_entry *entry)
{
	struct copy_buffer *row = load_row(load, kind->table, (uint16_t)(1 + kind->key_columns + kind->sums));

	for (uint16_t i = 0; i < kind->key_columns; i++)
		key += copy_value(row, key);
	for (uint16_t i = 0; i < kind->sums; i++)
		copy_int8(row, entry->sums[i]);
}

/* A new member is counted at its domain, which is in its table since a mail's recipients put it there. */
static bool count_member(struct load *load, const uint8_t *member)
{
	struct rollup_table *domains = &load->rollups->tables[ROLLUP_DOMAIN];
	const uint8_t *kind = member + copy_value(rollup_key_begin(domains), member) + sizeof(uint32_t);
	struct rollup_entry *domain = rollup_key_end(domains);

	if (!domain)
		return false;
	domain->sums[*kind == 'r' ? (kind[2] == 'c' ? 1 : 3) : 2]++;
	return true;
}

/* New ones become rows and leave the table. */
static int part(struct load *load, const struct kind *kind, struct known_keys *known)
{
	struct rollup_table *table = &load->rollups->tables[kind->rollup];
	uint32_t kept = 0;

	rollup_table_sort(table);
	for (uint32_t i = 0; i < table->count; i++) {
		const struct rollup_entry *entry = &table->entries[i];
		const uint8_t *key = table->keys.bytes + entry->key;
		bool was_there = true;

		if (known->valid && key_set_add(&known->keys, key, entry->key_bytes, &was_there))
			known->valid = false;
		if (was_there) {
			table->entries[kept++] = *entry;
			continue;
		}
		put_row(load, kind, key, entry);
		if (kind->rollup == ROLLUP_MEMBER && !count_member(load, key))
			return out_of_memory(load);
	}
	table->count = kept;
	return load->tables[kind->table].failed ? out_of_memory(load) : load_send(load, kind->table);
}

/* Whether what is known holds; reads it where it pays. */
static int know(struct load *load, const struct kind *kind, struct known_keys *known, int64_t changes)
{
	if (known->valid && changes != known->changes + 1)
		known_keys_doubt(known);
	known->changes = changes;
	if (known->valid || load->rollups->tables[kind->rollup].count < ROLLUP_KEYS_MANY)
		return 0;
	return known_keys_read(load, known, kind->keys);
}

int load_rollup_new_rows(struct load *load, int64_t changes)
{
	int error = 0;

	/* Nothing may be on its way while keys are read. */
	for (int i = 0; !error && i < KNOWN_COUNT; i++)
		error = know(load, &kinds[i], &load->rollups->known[i], changes);
	for (int i = 0; !error && i < KNOWN_COUNT; i++)
		if (load->rollups->known[i].valid)
			error = part(load, &kinds[i], &load->rollups->known[i]);
	return error;
}
