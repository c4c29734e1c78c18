// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * record_round_trip.c - every kind of record comes back as it went in; nothing that is cut or twisted is read past its
 * end.
 *
 * In:  random records from a fixed seed. Out: cmocka's verdicts. Called by tests/run. Touches nothing but memory.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/record.h"

#define BLOB_BYTES 4096
#define KIND_COUNT 11

static uint8_t blob[BLOB_BYTES];
static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* A slice of random length somewhere in the blob; one in four is empty. */
static struct slice random_slice(void)
{
	size_t length = random64() % 4 ? random64() % 300 : 0;

	return slice_of(blob + random64() % (BLOB_BYTES - 300), length);
}

static struct address random_address(void)
{
	struct address address = { .ipv6 = random64() & 1 };

	for (size_t i = 0; i < (address.ipv6 ? 16u : 4u); i++)
		address.bytes[i] = (uint8_t)random64();
	return address;
}

static struct endpoints random_endpoints(void)
{
	struct endpoints endpoints = { .source = random_address(),
				       .decoy = random_address(),
				       .source_port = (uint16_t)random64(),
				       .decoy_port = (uint16_t)random64(),
				       .vlan_count = (uint8_t)(random64() % 3) };

	for (uint8_t i = 0; i < endpoints.vlan_count; i++)
		endpoints.vlan[i] = (uint16_t)(random64() & 0xfff);
	return endpoints;
}

/* Fills *record with a random one of that kind, every field of it. */
static void random_record(enum record_kind kind, struct record *record)
{
	memset(record, 0, sizeof(*record));
	record->kind = kind;
	switch (kind) {
	case RECORD_ACCESS:
		record->access = (struct record_access){
			.access = random64(),
			.started_at_ns = random64(),
			.ended_at_ns = random64(),
			.endpoints = random_endpoints(),
			.protocol = random_slice(),
			.relay_host = random_slice(),
			.relay_port = (int32_t)random64(),
			.class = (uint8_t)random64(),
			.depth = (uint8_t)random64(),
			.exploit = random_slice(),
			.end_reason = random_slice(),
			.bytes_in = random64(),
			.bytes_out = random64(),
			.first_segment_bytes = (uint32_t)random64(),
			.payload = random_slice(),
			.payload_truncated = 1,
			.mss = (uint16_t)random64(),
			.window = (uint16_t)random64(),
			.window_scale = (uint8_t)random64(),
			.ttl = (uint8_t)random64(),
			.sack = 1,
			.hops = (uint32_t)random64(),
			.mails = (uint32_t)random64(),
			.conflicting_bytes = (uint32_t)random64(),
		};
		break;
	case RECORD_HOP:
		record->hop = (struct record_hop){
			.access = random64(),
			.requested_at_ns = random64(),
			.position = (uint16_t)random64(),
			.level = (uint16_t)random64(),
			.protocol = random_slice(),
			.method = random_slice(),
			.relay_host = random_slice(),
			.relay_port = -1,
			.target = random_slice(),
			.user_agent = random_slice(),
			.user_id = random_slice(),
			.raw = random_slice(),
			.flags = (uint8_t)random64(),
		};
		break;
	case RECORD_CREDENTIAL:
		record->credential = (struct record_credential){
			.access = random64(),
			.seen_at_ns = random64(),
			.level = (uint16_t)random64(),
			.mechanism = random_slice(),
			.username = random_slice(),
			.secret = random_slice(),
			.secret_bytes = (uint32_t)random64(),
		};
		for (size_t i = 0; i < sizeof(record->credential.secret_hash); i++)
			record->credential.secret_hash[i] = (uint8_t)random64();
		break;
	case RECORD_MAIL_PART:
		record->mail_part = (struct record_mail_part){ random64(), random64(), random64(), random_slice() };
		break;
	case RECORD_MAIL:
		record->mail = (struct record_mail){
			.access = random64(),
			.mail = random64(),
			.received_at_ns = random64(),
			.endpoints = random_endpoints(),
			.relay_host = random_slice(),
			.relay_port = 25,
			.direct = 1,
			.complete = 1,
			.helo = random_slice(),
			.mail_from = random_slice(),
			.header = random_slice(),
			.size_bytes = random64(),
			.truncated = 1,
			.recipients = (uint32_t)random64(),
			.probe_place = (uint8_t)random64(),
			.probe_encoding = (uint8_t)random64(),
		};
		break;
	case RECORD_MAIL_RECIPIENT:
		record->mail_recipient =
			(struct record_mail_recipient){ random64(), random64(), (uint32_t)random64(), random_slice() };
		break;
	case RECORD_SYN_SAMPLE:
		record->syn_sample = (struct record_syn_sample){
			.seen_at_ns = random64(),
			.endpoints = random_endpoints(),
			.probability = UINT32_MAX,
			.seq = (uint32_t)random64(),
			.window = (uint16_t)random64(),
			.ip_id = (uint16_t)random64(),
			.ttl = (uint8_t)random64(),
			.dont_fragment = 1,
			.options = random_slice(),
		};
		break;
	case RECORD_SYN_SOURCE:
		record->syn_source = (struct record_syn_source){
			.quarter_ns = random64(),
			.source = random_address(),
			.decoy_port = (uint16_t)random64(),
			.syns = random64(),
			.estimated = (double)(random64() % 1000000) / 7,
			.tools = (uint32_t)random64(),
		};
		break;
	case RECORD_LEDGER:
		record->ledger = (struct record_ledger){ (uint32_t)random64(), (uint16_t)random64(), 6, random_slice(),
							 -(int64_t)(random64() >> 1) };
		break;
	case RECORD_OBSERVATION:
		record->observation = (struct record_observation){ random64(), random64(), random_slice(),
								   random_slice(), random_slice() };
		break;
	case RECORD_VIOLATION:
		record->violation =
			(struct record_violation){ random64(), random_slice(), random_slice(), random_slice() };
		break;
	}
}

static int append(struct record_buffer *buffer, const struct record *record)
{
	switch (record->kind) {
	case RECORD_ACCESS:
		return record_append_access(buffer, &record->access);
	case RECORD_HOP:
		return record_append_hop(buffer, &record->hop);
	case RECORD_CREDENTIAL:
		return record_append_credential(buffer, &record->credential);
	case RECORD_MAIL_PART:
		return record_append_mail_part(buffer, &record->mail_part);
	case RECORD_MAIL:
		return record_append_mail(buffer, &record->mail);
	case RECORD_MAIL_RECIPIENT:
		return record_append_mail_recipient(buffer, &record->mail_recipient);
	case RECORD_SYN_SAMPLE:
		return record_append_syn_sample(buffer, &record->syn_sample);
	case RECORD_SYN_SOURCE:
		return record_append_syn_source(buffer, &record->syn_source);
	case RECORD_LEDGER:
		return record_append_ledger(buffer, &record->ledger);
	case RECORD_OBSERVATION:
		return record_append_observation(buffer, &record->observation);
	case RECORD_VIOLATION:
		return record_append_violation(buffer, &record->violation);
	}
	return -1;
}

static bool same(struct slice a, struct slice b)
{
	return a.length == b.length && (!a.length || !memcmp(a.bytes, b.bytes, a.length));
}

static bool same_endpoints(const struct endpoints *a, const struct endpoints *b)
{
	return address_equal(&a->source, &b->source) && address_equal(&a->decoy, &b->decoy) &&
	       a->source_port == b->source_port && a->decoy_port == b->decoy_port && a->vlan_count == b->vlan_count &&
	       a->vlan[0] == b->vlan[0] && a->vlan[1] == b->vlan[1];
}

#define SAME(field) assert_true(a->field == b->field)
#define SAME_SLICE(field) assert_true(same(a->field, b->field))
#define SAME_ENDPOINTS() assert_true(same_endpoints(&a->endpoints, &b->endpoints))

static void assert_same_access(const struct record_access *a, const struct record_access *b)
{
	SAME(access), SAME(started_at_ns), SAME(ended_at_ns), SAME(relay_port), SAME(class), SAME(depth);
	SAME(bytes_in), SAME(bytes_out), SAME(first_segment_bytes), SAME(payload_truncated), SAME(mss), SAME(window);
	SAME(window_scale), SAME(ttl), SAME(sack), SAME(hops), SAME(mails), SAME(conflicting_bytes);
	SAME_ENDPOINTS();
	SAME_SLICE(protocol), SAME_SLICE(relay_host), SAME_SLICE(exploit), SAME_SLICE(end_reason), SAME_SLICE(payload);
}

static void assert_same_hop(const struct record_hop *a, const struct record_hop *b)
{
	SAME(access), SAME(requested_at_ns), SAME(position), SAME(level), SAME(relay_port), SAME(flags);
	SAME_SLICE(protocol), SAME_SLICE(method), SAME_SLICE(relay_host), SAME_SLICE(target);
	SAME_SLICE(user_agent), SAME_SLICE(user_id), SAME_SLICE(raw);
}

static void assert_same_credential(const struct record_credential *a, const struct record_credential *b)
{
	SAME(access), SAME(seen_at_ns), SAME(level), SAME(secret_bytes);
	SAME_SLICE(mechanism), SAME_SLICE(username), SAME_SLICE(secret);
	assert_memory_equal(a->secret_hash, b->secret_hash, sizeof(a->secret_hash));
}

static void assert_same_mail(const struct record_mail *a, const struct record_mail *b)
{
	SAME(access), SAME(mail), SAME(received_at_ns), SAME(relay_port), SAME(direct), SAME(complete);
	SAME(size_bytes), SAME(truncated), SAME(recipients), SAME(probe_place), SAME(probe_encoding);
	SAME_ENDPOINTS();
	SAME_SLICE(relay_host), SAME_SLICE(helo), SAME_SLICE(mail_from), SAME_SLICE(header);
}

static void assert_same_syn_sample(const struct record_syn_sample *a, const struct record_syn_sample *b)
{
	SAME(seen_at_ns), SAME(probability), SAME(seq), SAME(window), SAME(ip_id), SAME(ttl), SAME(dont_fragment);
	SAME_ENDPOINTS();
	SAME_SLICE(options);
}

static void assert_same_small(const struct record *left, const struct record *right)
{
	if (left->kind == RECORD_MAIL_PART) {
		const struct record_mail_part *a = &left->mail_part, *b = &right->mail_part;

		SAME(access), SAME(mail), SAME(offset), SAME_SLICE(bytes);
	} else if (left->kind == RECORD_MAIL_RECIPIENT) {
		const struct record_mail_recipient *a = &left->mail_recipient, *b = &right->mail_recipient;

		SAME(mail), SAME(received_at_ns), SAME(position), SAME_SLICE(address);
	} else if (left->kind == RECORD_SYN_SOURCE) {
		const struct record_syn_source *a = &left->syn_source, *b = &right->syn_source;

		SAME(quarter_ns), SAME(decoy_port), SAME(syns), SAME(estimated), SAME(tools);
		assert_true(address_equal(&a->source, &b->source));
	} else if (left->kind == RECORD_LEDGER) {
		const struct record_ledger *a = &left->ledger, *b = &right->ledger;

		SAME(minute), SAME(port), SAME(family), SAME_SLICE(term), SAME(value);
	} else if (left->kind == RECORD_OBSERVATION) {
		const struct record_observation *a = &left->observation, *b = &right->observation;

		SAME(began_at_ns), SAME(until_ns), SAME_SLICE(decoys), SAME_SLICE(ports), SAME_SLICE(origin);
	} else {
		const struct record_violation *a = &left->violation, *b = &right->violation;

		assert_int_equal(left->kind, RECORD_VIOLATION);
		SAME(seen_at_ns), SAME_SLICE(source), SAME_SLICE(what), SAME_SLICE(frame);
	}
}

static void assert_same(const struct record *a, const struct record *b)
{
	assert_int_equal(a->kind, b->kind);
	switch (a->kind) {
	case RECORD_ACCESS:
		assert_same_access(&a->access, &b->access);
		break;
	case RECORD_HOP:
		assert_same_hop(&a->hop, &b->hop);
		break;
	case RECORD_CREDENTIAL:
		assert_same_credential(&a->credential, &b->credential);
		break;
	case RECORD_MAIL:
		assert_same_mail(&a->mail, &b->mail);
		break;
	case RECORD_SYN_SAMPLE:
		assert_same_syn_sample(&a->syn_sample, &b->syn_sample);
		break;
	default:
		assert_same_small(a, b);
	}
}

static int fill_blob(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(blob); i++)
		blob[i] = (uint8_t)random64();
	return 0;
}

static void every_kind_comes_back(void **state)
{
	enum { RECORDS = 2200 };
	static struct record sent[RECORDS];
	struct record_buffer buffer;
	struct record got;
	struct slice left;

	(void)state;
	assert_int_equal(record_buffer_open(&buffer, 8 << 20), 0);
	for (size_t i = 0; i < RECORDS; i++) {
		random_record((enum record_kind)(1 + i % KIND_COUNT), &sent[i]);
		assert_int_equal(append(&buffer, &sent[i]), 0);
	}
	assert_int_equal(buffer.records, RECORDS);
	left = slice_of(buffer.bytes, buffer.length);
	for (size_t i = 0; i < RECORDS; i++) {
		assert_int_equal(record_next(&left, &got), 1);
		assert_same(&sent[i], &got);
	}
	assert_int_equal(record_next(&left, &got), 0);
	record_buffer_close(&buffer);
}

static void a_full_buffer_refuses_whole_records(void **state)
{
	struct record_mail_part part = { .mail = 7, .bytes = slice_of(blob, 100) };
	struct record_buffer buffer;
	struct record got;
	struct slice left;

	(void)state;
	/* Exactly two fit: head 5, three numbers, length and 100 bytes each. */
	assert_int_equal(record_buffer_open(&buffer, 2 * (5 + 24 + 4 + 100)), 0);
	assert_int_equal(record_append_mail_part(&buffer, &part), 0);
	assert_int_equal(record_append_mail_part(&buffer, &part), 0);
	assert_int_equal(buffer.length, buffer.capacity);
	part.bytes.length = 0;
	assert_int_equal(record_append_mail_part(&buffer, &part), -ENOBUFS);
	assert_int_equal(buffer.refused, 1);
	assert_int_equal(buffer.records, 2);
	left = slice_of(buffer.bytes, buffer.length);
	assert_int_equal(record_next(&left, &got), 1);
	assert_int_equal(record_next(&left, &got), 1);
	assert_int_equal(record_next(&left, &got), 0);
	record_buffer_reset(&buffer);
	assert_int_equal(record_append_mail_part(&buffer, &part), 0);
	record_buffer_close(&buffer);
}

/* Bytes of the fields that an older version didn't write. */
static size_t late_bytes(enum record_kind kind)
{
	return kind == RECORD_MAIL ? 2 : 0;
}

/* Every prefix of a record, held against a page that traps, is refused and not read past. */
static void a_cut_record_is_damaged(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *memory = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct record_buffer buffer;
	struct record record;

	(void)state;
	assert_true(memory != MAP_FAILED);
	assert_int_equal(mprotect(memory + 2 * page, page, PROT_NONE), 0);
	assert_int_equal(record_buffer_open(&buffer, 2 * page), 0);
	for (int kind = 1; kind <= KIND_COUNT; kind++) {
		random_record((enum record_kind)kind, &record);
		record_buffer_reset(&buffer);
		assert_int_equal(append(&buffer, &record), 0);
		for (size_t length = 1; length < buffer.length - late_bytes((enum record_kind)kind); length++) {
			uint8_t *at = memory + 2 * page - length;
			struct slice left = slice_of(at, length);

			memcpy(at, buffer.bytes, length);
			assert_int_equal(record_next(&left, &record), -EBADMSG);
			/* The same with a length that claims no more than is there: the body itself is too short. */
			if (length < 5)
				continue;
			at[1] = (uint8_t)(length - 5);
			at[2] = (uint8_t)((length - 5) >> 8);
			left = slice_of(at, length);
			assert_int_equal(record_next(&left, &record), -EBADMSG);
		}
	}
	record_buffer_close(&buffer);
	munmap(memory, 3 * page);
}

/* What an older version wrote ends before the fields that were appended since: it is read, and they are 0. */
static void older_versions_are_read(void **state)
{
	struct record_buffer buffer;
	struct record record, older;

	(void)state;
	assert_int_equal(record_buffer_open(&buffer, 1 << 20), 0);
	random_record(RECORD_MAIL, &record);
	record.mail.probe_place = PROBE_PLACE_body;
	record.mail.probe_encoding = PROBE_ENCODING_hex;
	assert_int_equal(append(&buffer, &record), 0);
	for (size_t missing = 0; missing <= late_bytes(RECORD_MAIL); missing++) {
		size_t body = buffer.length - 5 - missing;
		struct slice left = slice_of(buffer.bytes, buffer.length - missing);

		for (unsigned int i = 0; i < 4; i++)
			buffer.bytes[1 + i] = (uint8_t)(body >> 8 * i);
		assert_int_equal(record_next(&left, &older), 1);
		assert_int_equal(left.length, 0);
		assert_int_equal(older.mail.recipients, record.mail.recipients);
		assert_int_equal(older.mail.probe_place, missing < 2 ? PROBE_PLACE_body : 0);
		assert_int_equal(older.mail.probe_encoding, missing < 1 ? PROBE_ENCODING_hex : 0);
	}
	record_buffer_close(&buffer);
}

static void twisted_bytes_do_no_harm(void **state)
{
	struct record_buffer buffer;
	struct record record;
	uint64_t sum = 0;

	(void)state;
	assert_int_equal(record_buffer_open(&buffer, 1 << 16), 0);
	for (int round = 0; round < 20000; round++) {
		struct slice left;

		record_buffer_reset(&buffer);
		for (int i = 0; i < 3; i++) {
			random_record((enum record_kind)(1 + random64() % KIND_COUNT), &record);
			assert_int_equal(append(&buffer, &record), 0);
		}
		for (uint64_t flips = 1 + random64() % 4; flips; flips--)
			buffer.bytes[random64() % buffer.length] ^= (uint8_t)(1 << random64() % 8);
		left = slice_of(buffer.bytes, buffer.length);
		while (record_next(&left, &record) == 1)
			if (record.kind == RECORD_ACCESS && record.access.payload.length)
				sum += record.access.payload.bytes[record.access.payload.length - 1];
		assert_true(left.length <= buffer.length);
		assert_true(left.bytes + left.length == buffer.bytes + buffer.length);
	}
	assert_true(sum > 0);
	record_buffer_close(&buffer);
}

/* What a newer version writes: an unknown kind is skipped, a longer body is read as far as it is known. */
static void newer_versions_are_read(void **state)
{
	struct record_mail_recipient recipient = { 1, 2, 3, slice_of_text("a@example.net") };
	struct record_buffer buffer;
	struct record record;
	struct slice left;

	(void)state;
	assert_int_equal(record_buffer_open(&buffer, 4096), 0);
	memcpy(buffer.bytes, "\xc8\x03\0\0\0abc", 8);
	buffer.length = 8;
	assert_int_equal(record_append_mail_recipient(&buffer, &recipient), 0);
	memcpy(buffer.bytes + buffer.length, "more", 4);
	buffer.bytes[8 + 1] = (uint8_t)(buffer.bytes[8 + 1] + 4);
	buffer.length += 4;
	left = slice_of(buffer.bytes, buffer.length);
	assert_int_equal(record_next(&left, &record), 1);
	assert_int_equal(record.kind, RECORD_MAIL_RECIPIENT);
	assert_true(same(record.mail_recipient.address, recipient.address));
	assert_int_equal(record_next(&left, &record), 0);
	/* Kind 0 is never written: it is what a hole in a file looks like. */
	left = slice_of("\0\0\0\0\0", 5);
	assert_int_equal(record_next(&left, &record), -EBADMSG);
	record_buffer_close(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_comes_back),   cmocka_unit_test(a_full_buffer_refuses_whole_records),
		cmocka_unit_test(a_cut_record_is_damaged), cmocka_unit_test(twisted_bytes_do_no_harm),
		cmocka_unit_test(newer_versions_are_read), cmocka_unit_test(older_versions_are_read),
	};

	return cmocka_run_group_tests(tests, fill_blob, NULL);
}
