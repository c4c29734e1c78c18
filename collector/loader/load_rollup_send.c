// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load_rollup_send.c - adds a segment's sums to the roll-ups of the database.
 *
 * In:  the sums that load_rollup.c has gathered. Out: a call of a function rollup_add_* for each roll-up, its columns
 * as arrays. Called by load.c at the end of a segment, and by load_rollup.c where there is much. May not talk to the
 * database but through load.h.
 */
#include "loader/load_rollup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Type numbers of PostgreSQL that never change (pg_type.dat). */
#define BOOL_OID 16
#define INT8_OID 20
#define INT4_OID 23
#define TEXT_OID 25
#define INET_OID 869
#define TIMESTAMPTZ_OID 1184

#define KEY_COLUMNS_MAX 4

/* A table's columns, in the order of the function's parameters: those of the key, the sums, first and last. */
static const struct shape {
	uint32_t key_types[KEY_COLUMNS_MAX]; /* 0 = no more */
	unsigned sums;
	bool times;
} shapes[ROLLUP_COUNT] = {
	[ROLLUP_ACCESS] = { { TIMESTAMPTZ_OID, INT4_OID, INT4_OID, TEXT_OID }, 2, false },
	[ROLLUP_SOURCE] = { { INET_OID, INT4_OID }, 2, false },
	[ROLLUP_DESTINATION] = { { TEXT_OID, INT4_OID }, 1, false },
	[ROLLUP_DIRECT] = { { INET_OID, TEXT_OID }, 1, false },
	[ROLLUP_MAIL] = { { TIMESTAMPTZ_OID, BOOL_OID, BOOL_OID }, 1, false },
	[ROLLUP_DOMAIN] = { { TEXT_OID }, 4, true },
	[ROLLUP_MEMBER] = { { TEXT_OID, TEXT_OID, TEXT_OID }, 0, false },
	[ROLLUP_RELAY_DOMAIN] = { { TEXT_OID, INT4_OID, TEXT_OID }, 1, true },
	[ROLLUP_SYN] = { { TIMESTAMPTZ_OID }, 0, false },
	[ROLLUP_CHAIN] = { { INT8_OID, TIMESTAMPTZ_OID, INET_OID }, 0, false },
};

static const struct {
	enum rollup first, last; /* tables whose columns it takes */
	const char *text;
} statements[] = {
	{ ROLLUP_ACCESS, ROLLUP_ACCESS, "select otori.rollup_add_access($1, $2, $3, $4, $5, $6, $7)" },
	{ ROLLUP_SOURCE, ROLLUP_SOURCE, "select otori.rollup_add_source($1, $2, $3, $4, $5)" },
	{ ROLLUP_DESTINATION, ROLLUP_DESTINATION, "select otori.rollup_add_destination($1, $2, $3, $4)" },
	{ ROLLUP_DIRECT, ROLLUP_DIRECT, "select otori.rollup_add_direct($1, $2, $3, $4)" },
	{ ROLLUP_MAIL, ROLLUP_MAIL, "select otori.rollup_add_mail($1, $2, $3, $4, $5)" },
	{ ROLLUP_DOMAIN, ROLLUP_MEMBER,
	  "select otori.rollup_add_domain($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)" },
	{ ROLLUP_RELAY_DOMAIN, ROLLUP_RELAY_DOMAIN,
	  "select otori.rollup_add_relay_domain($1, $2, $3, $4, $5, $6, $7)" },
	{ ROLLUP_SYN, ROLLUP_SYN, "select otori.rollup_add_syn($1, $2)" },
	{ ROLLUP_CHAIN, ROLLUP_CHAIN, "select otori.rollup_add_chain($1, $2, $3, $4)" },
};

static void begin_column(struct copy_buffer *column, uint32_t type, uint32_t count)
{
	column->length = 0;
	column->failed = false;
	copy_array(column, type, count);
}

/* Empties the columns of a table and writes the heads of their arrays; returns how many they are. */
static unsigned begin_columns(struct copy_buffer *columns, const struct shape *shape, uint32_t count)
{
	unsigned column = 0;

	for (unsigned i = 0; i < KEY_COLUMNS_MAX && shape->key_types[i]; i++)
		begin_column(&columns[column++], shape->key_types[i], count);
	for (unsigned i = 0; i < shape->sums; i++)
		begin_column(&columns[column++], INT8_OID, count);
	for (unsigned i = 0; i < (shape->times ? 2u : 0u); i++)
		begin_column(&columns[column++], TIMESTAMPTZ_OID, count);
	return column;
}

/* An entry's values, one to each column; those of its key stand one behind the other, each with its length. */
static void put_entry(struct copy_buffer *columns, const struct shape *shape, const struct rollup_table *table,
		      const struct rollup_entry *entry)
{
	const uint8_t *key = table->keys.bytes + entry->key;
	unsigned column = 0;

	for (; column < KEY_COLUMNS_MAX && shape->key_types[column]; column++)
		key += copy_value(&columns[column], key);
	for (unsigned i = 0; i < shape->sums; i++)
		copy_int8(&columns[column++], entry->sums[i]);
	if (shape->times) {
		copy_time(&columns[column++], entry->first_ns);
		copy_time(&columns[column++], entry->last_ns);
	}
}

/* Writes a table's columns; returns how many they are, 0 where memory is short. */
static unsigned put_table(struct copy_buffer *columns, const struct shape *shape, struct rollup_table *table)
{
	unsigned count = begin_columns(columns, shape, table->count);

	rollup_table_sort(table);
	for (uint32_t i = 0; i < table->count; i++)
		put_entry(columns, shape, table, &table->entries[i]);
	for (unsigned i = 0; i < count; i++)
		if (columns[i].failed || columns[i].length > INT32_MAX)
			return 0;
	return count;
}

static int send_statement(struct load *load, unsigned number)
{
	struct load_rollups *rollups = load->rollups;
	const char *values[ROLLUP_COLUMNS_MAX + 1] = { load->header.sensor };
	int lengths[ROLLUP_COLUMNS_MAX + 1] = { 0 }, formats[ROLLUP_COLUMNS_MAX + 1] = { 0 };
	unsigned columns = 0;

	for (int table = statements[number].first; table <= (int)statements[number].last; table++) {
		unsigned more = put_table(rollups->columns + columns, &shapes[table], &rollups->tables[table]);

		if (!more) {
			snprintf(load->text, sizeof(load->text), "out of memory");
			return -ENOMEM;
		}
		columns += more;
	}
	for (unsigned i = 0; i < columns; i++) {
		values[i + 1] = (const char *)rollups->columns[i].bytes;
		lengths[i + 1] = (int)rollups->columns[i].length;
		formats[i + 1] = 1;
	}
	return load_execute_binary(load, statements[number].text, (int)columns + 1, values, lengths, formats);
}

/* Takes the lock of the sensor's roll-ups; *changes is what it counts. */
static int lock(struct load *load, int64_t *changes)
{
	const char *values[] = { load->header.sensor };
	PGresult *result =
		PQexecParams(load->connection, "select otori.rollup_lock($1)", 1, NULL, values, NULL, NULL, 0);

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return load_judge(load, result);
	*changes = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return 0;
}

static bool empty(const struct load *load)
{
	for (int i = 0; i < ROLLUP_COUNT; i++)
		if (load->rollups->tables[i].count)
			return false;
	return true;
}

int load_rollups_flush(struct load *load)
{
	int64_t changes = 0;
	int error;

	if (empty(load))
		return 0;
	error = lock(load, &changes);
	if (!error)
		error = load_rollup_new_rows(load, changes);
	if (!error)
		error = load_copy_end(load);
	for (unsigned i = 0; !error && i < sizeof(statements) / sizeof(statements[0]); i++)
		if (load->rollups->tables[statements[i].first].count)
			error = send_statement(load, i);
	load_rollups_clear(load);
	return error;
}
