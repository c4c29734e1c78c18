// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load_payload.c - rows of payload: each distinct content once for each sensor.
 *
 * In:  what clients said. Out: rows of those contents that the database doesn't have. Called by load_access.c and
 * load.c. May not talk to the database but through load.h.
 *
 * COPY knows no `on conflict`. Payloads wait in a batch; the database is asked which of their identities it knows, and
 * the others are copied. Where many are new, those that it can't know (known_keys.h) are not asked for: only loaders of
 * this sensor enter payloads, and one who comes second tries again (load.c), asks then and goes on. (A staging table,
 * merged by insert with on conflict, took twice the time where most payloads were new.)
 */
#include "loader/load.h"
#include "loader/known_keys.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#define BATCH_PAYLOADS 2048u
#define BATCH_BYTES (1u << 20)
#define BATCH_MANY 1024u	    /* from so many new ones on it pays to know what is there */
#define PLACES (2 * BATCH_PAYLOADS) /* a power of two */
#define BYTEA_OID 17

struct waiting {
	uint8_t sha256[PAYLOAD_SHA256_BYTES];
	size_t offset, length; /* in bytes */
	uint64_t first_seen_ns;
	bool ask, known;
};

struct load_payload_batch {
	struct waiting waiting[BATCH_PAYLOADS];
	uint16_t places[PLACES]; /* by identity: waiting + 1, 0 = free */
	size_t count, length, asked;
	struct known_keys there;
	uint8_t bytes[BATCH_BYTES + LOAD_PAYLOAD_MAX_BYTES];
	uint8_t question[20 + BATCH_PAYLOADS * (4 + PAYLOAD_SHA256_BYTES)];
};

struct load_payload_batch *load_payload_batch_new(void)
{
	return calloc(1, sizeof(struct load_payload_batch));
}

void load_payload_batch_free(struct load_payload_batch *batch)
{
	if (batch)
		known_keys_forget(&batch->there);
	free(batch);
}

void load_payloads_clear(struct load *load)
{
	load->payload_batch->count = 0;
	load->payload_batch->length = 0;
	memset(load->payload_batch->places, 0, sizeof(load->payload_batch->places));
}

/* The place of this identity in the batch, or the free one where it belongs. */
static uint16_t *find_place(struct load_payload_batch *batch, const uint8_t sha256[PAYLOAD_SHA256_BYTES])
{
	uint32_t at;

	memcpy(&at, sha256 + 4, sizeof(at));
	at %= PLACES;
	while (batch->places[at] && memcmp(batch->waiting[batch->places[at] - 1].sha256, sha256, PAYLOAD_SHA256_BYTES))
		at = (at + 1) % PLACES;
	return &batch->places[at];
}

static uint8_t *put_be32(uint8_t *to, uint32_t value)
{
	value = htobe32(value);
	memcpy(to, &value, sizeof(value));
	return to + sizeof(value);
}

/* The identities of the batch that are asked for as a bytea[] in binary (PostgreSQL's array_recv); returns its length.
 */
static int put_question(struct load_payload_batch *batch)
{
	uint8_t *to = batch->question;

	to = put_be32(to, 1); /* dimensions */
	to = put_be32(to, 0); /* no nulls */
	to = put_be32(to, BYTEA_OID);
	to = put_be32(to, (uint32_t)batch->asked);
	to = put_be32(to, 1); /* first index */
	for (size_t i = 0; i < batch->count; i++) {
		if (!batch->waiting[i].ask)
			continue;
		to = put_be32(to, PAYLOAD_SHA256_BYTES);
		memcpy(to, batch->waiting[i].sha256, PAYLOAD_SHA256_BYTES);
		to += PAYLOAD_SHA256_BYTES;
	}
	return (int)(to - batch->question);
}

/*
 * Marks those that the database has. `lateral` and `limit` make the planner look each up by the primary key: as a plain
 * any() it read all payloads of the sensor.
 */
static int ask_known(struct load *load)
{
	struct load_payload_batch *batch = load->payload_batch;
	const char *values[] = { load->header.sensor, (const char *)batch->question };
	const int lengths[] = { 0, put_question(batch) }, formats[] = { 0, 1 };
	PGresult *result = PQexecParams(load->connection,
					"select wanted.sha256 from unnest($2::bytea[]) as wanted (sha256)"
					" cross join lateral (select from otori.payload where payload.sensor = $1"
					" and payload.sha256 = wanted.sha256 limit 1) as known",
					2, NULL, values, lengths, formats, 1);

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return load_judge(load, result);
	for (int row = 0; row < PQntuples(result); row++) {
		uint16_t place = 0;

		if (PQgetlength(result, row, 0) == PAYLOAD_SHA256_BYTES)
			place = *find_place(batch, (const uint8_t *)PQgetvalue(result, row, 0));
		if (place)
			batch->waiting[place - 1].known = true;
	}
	PQclear(result);
	return 0;
}

/* All, but those that are new for certain. */
static void choose_asked(struct load_payload_batch *batch)
{
	struct known_keys *there = &batch->there;
	uint8_t key[4 + PAYLOAD_SHA256_BYTES];

	put_be32(key, PAYLOAD_SHA256_BYTES);
	batch->asked = 0;
	for (size_t i = 0; i < batch->count; i++) {
		bool was_there = true;

		memcpy(key + 4, batch->waiting[i].sha256, PAYLOAD_SHA256_BYTES);
		if (there->valid && key_set_add(&there->keys, key, sizeof(key), &was_there))
			known_keys_doubt(there);
		batch->waiting[i].ask = was_there;
		batch->asked += was_there;
	}
}

void load_payloads_forget(struct load *load)
{
	known_keys_forget(&load->payload_batch->there);
}

static int put_row(struct load *load, const struct waiting *payload)
{
	struct copy_buffer *row = load_row(load, LOAD_PAYLOAD, 5);

	copy_bytea(row, slice_of(payload->sha256, PAYLOAD_SHA256_BYTES));
	copy_int4(row, (int32_t)payload->length);
	copy_bytea(row, slice_of(load->payload_batch->bytes + payload->offset, payload->length));
	copy_time(row, payload->first_seen_ns);
	return load_row_end(load, LOAD_PAYLOAD);
}

int load_payloads_flush(struct load *load)
{
	struct load_payload_batch *batch = load->payload_batch;
	int error = 0;

	if (!batch->count)
		return 0;
	if (!batch->there.valid && batch->count >= BATCH_MANY) {
		error = load_copy_end(load);
		if (!error)
			error = known_keys_read(load, &batch->there, "sha256 from otori.payload");
	}
	choose_asked(batch);
	/* The question sees what this transaction has copied, so the rows of one batch are sent before the next one
	 * asks. */
	if (!error && batch->asked)
		error = load_copy_end(load);
	if (!error && batch->asked)
		error = ask_known(load);
	for (size_t i = 0; !error && i < batch->count; i++)
		if (!batch->waiting[i].known)
			error = put_row(load, &batch->waiting[i]);
	if (!error)
		error = load_send(load, LOAD_PAYLOAD);
	load_payloads_clear(load);
	return error;
}

int load_payload(struct load *load, struct slice bytes, uint64_t first_seen_ns, uint8_t sha256[PAYLOAD_SHA256_BYTES])
{
	struct load_payload_batch *batch = load->payload_batch;
	int error = payload_identify(load->payloads, bytes, sha256);
	uint16_t *place;

	if (error || payload_remembered(load->payloads, sha256))
		return error;
	place = find_place(batch, sha256);
	if (*place)
		return 0;
	batch->waiting[batch->count] =
		(struct waiting){ .offset = batch->length, .length = bytes.length, .first_seen_ns = first_seen_ns };
	memcpy(batch->waiting[batch->count].sha256, sha256, PAYLOAD_SHA256_BYTES);
	memcpy(batch->bytes + batch->length, bytes.bytes, bytes.length);
	batch->length += bytes.length;
	*place = (uint16_t)++batch->count;
	return batch->count == BATCH_PAYLOADS || batch->length >= BATCH_BYTES ? load_payloads_flush(load) : 0;
}
