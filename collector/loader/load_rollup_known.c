// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load_rollup_known.c - tells new visitors from known ones: new ones become rows by COPY.
 *
 * In:  the sums by visitor, and how often the roll-ups were changed (rollup_lock). Out: rows of rollup_source for those
 * that the database doesn't have; the others stay in the table of sums. Called by load_rollup_send.c under the lock.
 * May not talk to the database but through load.h.
 *
 * To look for a visitor and then to enter him costs three times what a COPY does, and where much comes in, most are
 * new. So the keys that are there are kept in memory, as hashes. They hold as long as nobody else has had the lock.
 */
#include "loader/load_rollup.h"

#include <errno.h>
#include <stdio.h>

static const char signature[] = "PGCOPY\n\377\r\n";

static int out_of_memory(struct load *load)
{
	snprintf(load->text, sizeof(load->text), "out of memory");
	return -ENOMEM;
}

/* A message of COPY: a row whose columns are a key, as copy_* writes it; before the first row the header stands. */
static int take_key(struct known_sources *known, const uint8_t *message, size_t length)
{
	size_t header = copy_binary_header().length;
	bool was_there;

	if (length > header && !memcmp(message, signature, sizeof(signature) - 1)) {
		message += header;
		length -= header;
	}
	if (length <= 2 || message[0] == 0xff) /* the trailer, or a header alone */
		return 0;
	return key_set_add(&known->keys, message + 2, length - 2, &was_there);
}

/* All keys of the sensor. Reads to the end whatever happens, so that the connection can be used. */
static int read_keys(struct load *load)
{
	struct known_sources *known = &load->rollups->known;
	PGresult *result;
	char *message;
	int length, error = 0;

	while ((length = PQgetCopyData(load->connection, &message, 0)) > 0) {
		if (!error)
			error = take_key(known, (const uint8_t *)message, (size_t)length);
		PQfreemem(message);
	}
	while ((result = PQgetResult(load->connection)) != NULL) {
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			return load_judge(load, result);
		PQclear(result);
	}
	return length < -1 ? -EAGAIN : error;
}

/* 0 with known->valid or without: where they are too many or memory is short, all go the long way. */
static int read_known(struct load *load)
{
	struct known_sources *known = &load->rollups->known;
	char *sensor = PQescapeLiteral(load->connection, load->header.sensor, strlen(load->header.sensor));
	char question[256];
	PGresult *result;
	int error;

	if (!sensor)
		return out_of_memory(load);
	key_set_free(&known->keys);
	snprintf(question, sizeof(question),
		 "copy (select source, relay_port from otori.rollup_source where sensor = %s limit %u)"
		 " to stdout (format binary)",
		 sensor, KEY_SET_MAX + 1);
	PQfreemem(sensor);
	result = PQexec(load->connection, question);
	if (PQresultStatus(result) != PGRES_COPY_OUT)
		return load_judge(load, result);
	PQclear(result);
	error = read_keys(load);
	if (error == -ENOSPC || error == -ENOMEM) {
		key_set_free(&known->keys);
		known->wait = ROLLUP_READ_AGAIN;
		return 0;
	}
	known->valid = !error;
	return error;
}

/* A row of rollup_source out of a key and its sums. */
static void put_row(struct load *load, const struct rollup_table *table, const struct rollup_entry *entry)
{
	struct copy_buffer *row = load_row(load, LOAD_ROLLUP_SOURCE, 5);
	const uint8_t *key = table->keys.bytes + entry->key;

	key += copy_value(row, key);
	copy_value(row, key);
	copy_int8(row, entry->sums[0]);
	copy_int8(row, entry->sums[1]);
}

/* New ones become rows and leave the table. */
static int part(struct load *load)
{
	struct rollup_table *table = &load->rollups->tables[ROLLUP_SOURCE];
	struct known_sources *known = &load->rollups->known;
	uint32_t kept = 0;

	rollup_table_sort(table);
	for (uint32_t i = 0; i < table->count; i++) {
		const struct rollup_entry *entry = &table->entries[i];
		bool was_there = true;

		if (known->valid &&
		    key_set_add(&known->keys, table->keys.bytes + entry->key, entry->key_bytes, &was_there))
			known->valid = false;
		if (was_there)
			table->entries[kept++] = *entry;
		else
			put_row(load, table, entry);
	}
	table->count = kept;
	return load->tables[LOAD_ROLLUP_SOURCE].failed ? out_of_memory(load) : load_send(load, LOAD_ROLLUP_SOURCE);
}

int load_rollup_new_sources(struct load *load, int64_t changes)
{
	struct known_sources *known = &load->rollups->known;
	int error = 0;

	if (known->valid && changes != known->changes + 1) {
		known->valid = false;
		known->wait = ROLLUP_READ_AGAIN;
	}
	known->changes = changes;
	if (!known->valid) {
		if (load->rollups->tables[ROLLUP_SOURCE].count < ROLLUP_SOURCES_MANY)
			return 0;
		if (known->wait) {
			known->wait--;
			return 0;
		}
		error = read_known(load);
	}
	if (!error && known->valid)
		error = part(load);
	return error;
}
