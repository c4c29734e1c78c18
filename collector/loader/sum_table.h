/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sum_table.h - figures of one segment, summed by key: a row of ledger or syn_source is the sum of many records.
 *
 * In:  keys and amounts. Out: one entry a key, in order of first appearance. Called by load_ledger.c and load_syn.c.
 * May not know the database. Sources choose the keys: the hash is seeded, so that they can't choose collisions.
 */
#ifndef OTORI_SUM_TABLE_H
#define OTORI_SUM_TABLE_H

#include "base/slice.h"

/* All bytes count, so a key begins as all zero. Which field means what is the caller's. */
struct sum_key {
	uint64_t time;
	uint8_t address[16];
	uint16_t port, term;
	uint8_t family;
	uint8_t zero[3];
};

struct sum_entry {
	struct sum_key key;
	int64_t value;
	double estimated;
	uint32_t tools;
	uint32_t row; /* free for the caller */
};

struct sum_table {
	struct sum_entry *entries; /* owned */
	uint32_t *index;	   /* owned; entry + 1, 0 = free; a power of two, at most half full */
	uint32_t count, capacity, mask;
	uint64_t seed;
};

/* The entry of key, made with zeros where there is none. NULL where memory is short. Valid until the next call. */
struct sum_entry *sum_table_entry(struct sum_table *table, const struct sum_key *key);
/* Forgets all entries and keeps the memory. */
void sum_table_clear(struct sum_table *table);
void sum_table_free(struct sum_table *table);

/* Adds without overflow: stops at the limits of a bigint. */
int64_t sum_add(int64_t a, int64_t b);

#endif
