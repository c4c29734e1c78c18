// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load_ledger.c - rows of ledger, and packet_count made of them.
 *
 * In:  records of the ledger: many a segment for one term. Out: one row of ledger for each minute, port, family and
 * term, and one of packet_count for each minute, port and family of which packets were counted. Called by load.c. May
 * not talk to the database but through load.h.
 */
#include "loader/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../include/otori/counters.h"
#include "loader/text_clean.h"

#define NS_PER_MINUTE UINT64_C(60000000000)
#define NO_COLUMN UINT16_MAX

/* The terms that are columns of packet_count, in the order of LOAD_PACKET_COLUMNS; refused_* are added up in one. */
static const char *const packet_terms[] = { "seen",
					    "seen_bytes",
					    "passed",
					    "answered",
					    "taken",
					    "refused_",
					    "syn_sampled",
					    "syn_unsampled",
#define KIND_TERM(name, text) "kind_" #name,
					    OTORI_KINDS(KIND_TERM) };

#define PACKET_COLUMNS (sizeof(packet_terms) / sizeof(packet_terms[0]))

_Static_assert(PACKET_COLUMNS == sizeof(*((struct load *)0)->packet_columns) / sizeof(int64_t),
	       "a place for each column");
_Static_assert(OTORI_KIND_COUNT == 9,
	       "a new kind of packet is a new column of packet_count: a migration, and LOAD_PACKET_COLUMNS");

static uint16_t column_of(const char *term)
{
	for (uint16_t i = 0; i < PACKET_COLUMNS; i++) {
		size_t length = strlen(packet_terms[i]);
		bool prefix = packet_terms[i][length - 1] == '_';

		if (prefix ? !strncmp(term, packet_terms[i], length) : !strcmp(term, packet_terms[i]))
			return i;
	}
	return NO_COLUMN;
}

/* The number of a term; new ones are entered. -EPROTO where there are more than any sensor has. */
static int term_number(struct load *load, struct slice term)
{
	char name[TEXT_CLEAN_MAX_BYTES(LOAD_TERM_BYTES)];
	size_t length;

	if (term.length >= LOAD_TERM_BYTES / 3)
		term.length = LOAD_TERM_BYTES / 3;
	length = text_clean(term, (uint8_t *)name);
	for (uint16_t i = 0; i < load->term_count; i++)
		if (strlen(load->terms[i]) == length && !memcmp(load->terms[i], name, length))
			return i;
	if (load->term_count == LOAD_TERMS_MAX) {
		snprintf(load->text, sizeof(load->text), "its ledger has more than %d terms", LOAD_TERMS_MAX);
		return -EPROTO;
	}
	memcpy(load->terms[load->term_count], name, length);
	load->terms[load->term_count][length] = 0;
	load->term_column[load->term_count] = column_of(load->terms[load->term_count]);
	return load->term_count++;
}

int load_ledger(struct load *load, const struct record_ledger *record)
{
	struct sum_key key = { .time = record->minute, .port = record->port, .family = record->family };
	struct sum_entry *entry;
	int term = term_number(load, record->term);

	if (term < 0)
		return term;
	key.term = (uint16_t)term;
	entry = sum_table_entry(&load->ledger, &key);
	if (!entry)
		return -ENOMEM;
	entry->value = sum_add(entry->value, record->value);
	return 0;
}

int load_ledger_add(struct load *load, uint32_t minute, const char *term, int64_t value)
{
	struct record_ledger record = { .minute = minute, .term = slice_of_text(term), .value = value };

	return load_ledger(load, &record);
}

void load_ledger_clear(struct load *load)
{
	sum_table_clear(&load->ledger);
	sum_table_clear(&load->packets);
	load->term_count = 0;
}

/* The figures of packet_count for the minute, port and family of entry; NULL where memory is short. */
static int64_t *packet_figures(struct load *load, const struct sum_entry *entry)
{
	struct sum_key key = entry->key;
	uint32_t before = load->packets.count;
	struct sum_entry *packets;

	key.term = 0;
	packets = sum_table_entry(&load->packets, &key);
	if (!packets)
		return NULL;
	if (load->packets.count > before) {
		if (before == load->packet_capacity) {
			uint32_t capacity = before ? 2 * before : 64;
			void *grown = reallocarray(load->packet_columns, capacity, sizeof(*load->packet_columns));

			if (!grown)
				return NULL;
			load->packet_columns = grown;
			load->packet_capacity = capacity;
		}
		packets->row = before;
		memset(load->packet_columns[before], 0, sizeof(load->packet_columns[before]));
	}
	return load->packet_columns[packets->row];
}

static int put_ledger(struct load *load, const struct sum_entry *entry)
{
	uint64_t minute_ns = entry->key.time * NS_PER_MINUTE;
	struct copy_buffer *row;
	int error = load_time(load, &minute_ns);

	if (error)
		return error;
	row = load_row(load, LOAD_LEDGER, 7);
	copy_time(row, minute_ns / NS_PER_MINUTE * NS_PER_MINUTE);
	copy_int4(row, entry->key.port);
	copy_int2(row, entry->key.family);
	copy_name(row, load->terms[entry->key.term]);
	copy_int8(row, (int64_t)load->header.segment);
	copy_int8(row, entry->value);
	return load_row_end(load, LOAD_LEDGER);
}

static int put_packets(struct load *load, const struct sum_entry *packets)
{
	const int64_t *figures = load->packet_columns[packets->row];
	uint64_t minute_ns = packets->key.time * NS_PER_MINUTE;
	struct copy_buffer *row;
	int error = load_time(load, &minute_ns);

	if (error)
		return error;
	row = load_row(load, LOAD_PACKET_COUNT, 5 + PACKET_COLUMNS);
	copy_time(row, minute_ns / NS_PER_MINUTE * NS_PER_MINUTE);
	copy_int4(row, packets->key.port);
	copy_int2(row, packets->key.family);
	copy_int8(row, (int64_t)load->header.segment);
	for (size_t i = 0; i < PACKET_COLUMNS; i++)
		copy_int8(row, figures[i]);
	return load_row_end(load, LOAD_PACKET_COUNT);
}

int load_ledger_flush(struct load *load)
{
	int error = 0;

	for (uint32_t i = 0; !error && i < load->ledger.count; i++) {
		const struct sum_entry *entry = &load->ledger.entries[i];
		uint16_t column = load->term_column[entry->key.term];
		int64_t *figures;

		error = put_ledger(load, entry);
		if (error || column == NO_COLUMN)
			continue;
		figures = packet_figures(load, entry);
		if (!figures)
			return -ENOMEM;
		figures[column] = sum_add(figures[column], entry->value);
	}
	for (uint32_t i = 0; !error && i < load->packets.count; i++)
		error = put_packets(load, &load->packets.entries[i]);
	if (!error)
		load_ledger_clear(load);
	return error;
}
