/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * visit.h - a visitor for tests of conversations: says bytes in any cuts, keeps what came back and what was recorded.
 *
 * In:  a script of client bytes. Out: struct visit. Included by tests/unit/mimic_*.c, conversation_*.c and the fuzzer.
 */
#ifndef OTORI_TEST_VISIT_H
#define OTORI_TEST_VISIT_H

#include <stdio.h>
#include <stdlib.h>

#include "protocols/conversation.h"
#include "protocols/secrets.h"

#define VISIT_NOW_NS 1700000000123456789ull
#ifndef VISIT_CHUNKS
#define VISIT_CHUNKS 8192
#define VISIT_RECORD_BYTES (4u << 20)
#endif

static const uint16_t visit_server_first[] = { 25, 587, 2525 };

struct visit {
	struct mimic_policy policy;
	struct chunk_pool chunks;
	struct conversation_pool pool;
	struct record_buffer records;
	struct endpoints endpoints;
	struct conversation *conversation;
	uint64_t next_id;
	struct byte_queue said;	      /* all output */
	struct conversation_result wish; /* of all calls: or, delay the longest of the last call */
	struct record_access access;
	uint8_t scratch[CONVERSATION_SCRATCH_BYTES];
	char *text;		      /* what was said, terminated; filled by visit_end */
	size_t text_length;
};

static inline uint64_t visit_new_id(void *context)
{
	return ++((struct visit *)context)->next_id;
}

static inline bool visit_is_decoy(const void *context, const struct address *address)
{
	static const uint8_t decoys[] = { 203, 0, 113 };

	(void)context;
	return !address->ipv6 && !memcmp(address->bytes, decoys, sizeof(decoys));
}

static inline void visit_check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "visit: %s\n", what);
	abort();
}

/* A visit from 198.51.100.7:40000 to 203.0.113.10:decoy_port with the sensor's defaults. */
static inline struct visit *visit_open(uint16_t decoy_port)
{
	static const uint8_t source[] = { 198, 51, 100, 7 }, decoy[] = { 203, 0, 113, 10 };
	struct visit *visit = calloc(1, sizeof(*visit));

	visit_check(visit != NULL, "no memory");
	visit->policy.secret_key[0] = 0x0123456789abcdefull;
	visit->policy.secret_key[1] = 0xfedcba9876543210ull;
	visit->policy.mail_max_bytes = 32u << 20;
	visit->policy.server_first_ports = visit_server_first;
	visit->policy.server_first_port_count = sizeof(visit_server_first) / sizeof(visit_server_first[0]);
	visit->policy.is_decoy = visit_is_decoy;
	visit_check(!chunk_pool_open(&visit->chunks, VISIT_CHUNKS), "chunk pool");
	visit_check(!record_buffer_open(&visit->records, VISIT_RECORD_BYTES), "record buffer");
	visit_check(!conversation_pool_open(&visit->pool, 4), "conversation pool");
	visit->pool.policy = &visit->policy;
	visit->pool.chunks = &visit->chunks;
	visit->pool.records = &visit->records;
	visit->pool.new_id = visit_new_id;
	visit->pool.new_id_context = visit;
	memcpy(visit->endpoints.source.bytes, source, 4);
	memcpy(visit->endpoints.decoy.bytes, decoy, 4);
	visit->endpoints.source_port = 40000;
	visit->endpoints.decoy_port = decoy_port;
	return visit;
}

static inline void visit_note(struct visit *visit, const struct conversation_result *result)
{
	visit->wish.delay_ms = result->delay_ms;
	visit->wish.close |= result->close;
	visit->wish.abort |= result->abort;
}

static inline void visit_begin(struct visit *visit)
{
	struct conversation_start start = { .access = 77, .endpoints = visit->endpoints, .started_at_ns = VISIT_NOW_NS };
	struct conversation_result result;

	visit->conversation = conversation_begin(&visit->pool, &start, VISIT_NOW_NS, &visit->said, &result);
	visit_check(visit->conversation != NULL, "pool exhausted");
	visit_note(visit, &result);
}

/* The client says bytes in one segment, held in memory of exactly its size so that sanitizers see each overread. */
static inline void visit_say_bytes(struct visit *visit, struct slice bytes)
{
	struct conversation_result result;
	uint8_t *copy = malloc(bytes.length ? bytes.length : 1);

	visit_check(copy != NULL, "no memory");
	if (bytes.length)
		memcpy(copy, bytes.bytes, bytes.length);
	conversation_input(&visit->pool, visit->conversation, slice_of(copy, bytes.length), VISIT_NOW_NS, &visit->said,
			   &result);
	free(copy);
	visit_note(visit, &result);
}

static inline void visit_say(struct visit *visit, const char *text)
{
	visit_say_bytes(visit, slice_of_text(text));
}

static inline void visit_half_close(struct visit *visit)
{
	struct conversation_result result;

	conversation_half_closed(&visit->pool, visit->conversation, VISIT_NOW_NS, &visit->said, &result);
	visit_note(visit, &result);
}

/* What was said so far, terminated; borrowed until the next call. */
static inline const char *visit_heard(struct visit *visit)
{
	free(visit->text);
	visit->text_length = visit->said.length;
	visit->text = malloc(visit->text_length + 1);
	visit_check(visit->text != NULL, "no memory");
	byte_queue_peek(&visit->chunks, &visit->said, 0, visit->text, visit->text_length);
	visit->text[visit->text_length] = 0;
	return visit->text;
}

/* Forgets what was said so far. */
static inline void visit_hear_no_more(struct visit *visit)
{
	byte_queue_clear(&visit->chunks, &visit->said);
}

/* Ends it, fills access, and holds every visit to giving back all that it took from the pools. */
static inline void visit_end(struct visit *visit)
{
	conversation_end(&visit->pool, visit->conversation, VISIT_NOW_NS, &visit->access, visit->scratch);
	visit->conversation = NULL;
	visit_heard(visit);
	byte_queue_clear(&visit->chunks, &visit->said);
	visit_check(visit->chunks.used == 0, "a chunk was not given back");
	visit_check(visit->pool.used == 0, "a conversation was not given back");
}

static inline void visit_close(struct visit *visit)
{
	if (!visit)
		return;
	if (visit->conversation)
		visit_end(visit);
	free(visit->text);
	conversation_pool_close(&visit->pool);
	record_buffer_close(&visit->records);
	chunk_pool_close(&visit->chunks);
	free(visit);
}

/* The index-th record of this kind; slices point into the buffer. false = there is none. */
static inline bool visit_record(const struct visit *visit, enum record_kind kind, unsigned int index, struct record *record)
{
	struct slice rest = slice_of(visit->records.bytes, visit->records.length);

	while (record_next(&rest, record) == 1)
		if (record->kind == kind && !index--)
			return true;
	return false;
}

static inline unsigned int visit_count(const struct visit *visit, enum record_kind kind)
{
	struct record record;
	unsigned int count = 0;

	while (visit_record(visit, kind, count, &record))
		count++;
	return count;
}

static inline bool visit_is(struct slice bytes, const char *text)
{
	size_t length = strlen(text);

	return bytes.length == length && (!length || !memcmp(bytes.bytes, text, length));
}

/* The bytes of the mail-th mail, from its parts, terminated. The caller frees them. */
static inline char *visit_mail(const struct visit *visit, unsigned int mail, size_t *length)
{
	struct record record, part;
	char *bytes;

	if (!visit_record(visit, RECORD_MAIL, mail, &record))
		return NULL;
	bytes = calloc(1, record.mail.size_bytes + 1);
	visit_check(bytes != NULL, "no memory");
	*length = 0;
	for (unsigned int i = 0; visit_record(visit, RECORD_MAIL_PART, i, &part); i++) {
		if (part.mail_part.mail != record.mail.mail)
			continue;
		visit_check(part.mail_part.offset == *length, "parts are in order, without holes");
		visit_check(*length + part.mail_part.bytes.length <= record.mail.size_bytes, "parts fit the size");
		memcpy(bytes + *length, part.mail_part.bytes.bytes, part.mail_part.bytes.length);
		*length += part.mail_part.bytes.length;
	}
	return bytes;
}

/* Cuts: 0 = one segment, 1 = byte by byte, more = random segments from that seed. */
static inline void visit_say_cut(struct visit *visit, struct slice bytes, unsigned int cut)
{
	unsigned int seed = cut;

	while (bytes.length) {
		size_t part = bytes.length;

		if (cut == 1)
			part = 1;
		else if (cut > 1)
			part = 1 + (size_t)rand_r(&seed) % (rand_r(&seed) & 1 ? 7 : 1500);
		if (part > bytes.length)
			part = bytes.length;
		visit_say_bytes(visit, slice_of(bytes.bytes, part));
		bytes.bytes += part;
		bytes.length -= part;
	}
}

static inline bool visit_slices_equal(struct slice a, struct slice b)
{
	return a.length == b.length && (!a.length || !memcmp(a.bytes, b.bytes, a.length));
}

/* Both ended visits have the same output, records and access (but for the first segment's length). NULL, or what differs. */
static inline const char *visit_difference(const struct visit *a, const struct visit *b)
{
	if (a->text_length != b->text_length || memcmp(a->text, b->text, a->text_length))
		return "output";
	if (a->records.length != b->records.length || memcmp(a->records.bytes, b->records.bytes, a->records.length))
		return "records";
	if (a->wish.close != b->wish.close || a->wish.abort != b->wish.abort)
		return "wish";
	if (!visit_slices_equal(a->access.protocol, b->access.protocol))
		return "protocol";
	if (!visit_slices_equal(a->access.relay_host, b->access.relay_host) || a->access.relay_port != b->access.relay_port)
		return "relay";
	if (!visit_slices_equal(a->access.payload, b->access.payload) ||
	    a->access.payload_truncated != b->access.payload_truncated)
		return "payload";
	if (a->access.depth != b->access.depth || a->access.class != b->access.class)
		return "depth or class";
	if (a->access.hops != b->access.hops || a->access.mails != b->access.mails || a->access.bytes_in != b->access.bytes_in)
		return "counts";
	return NULL;
}

#endif
