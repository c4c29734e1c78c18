/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp_lab.h - a worker on a bench: virtual time, events made by hand, frames taken apart by a second implementation,
 * and a conversation that does what a test tells it.
 *
 * In:  what a test sends. Out: what the worker answers, as numbers. Included by the tcp_* and worker_* tests, each of
 * which is one program. The conversation here stands in for protocols/conversation.c, which therefore must not be
 * linked: the linker takes these functions first.
 */
#ifndef OTORI_TEST_TCP_LAB_H
#define OTORI_TEST_TCP_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>

#include "protocols/conversation.h"
#include "responder/endpoint.h"
#include "responder/worker.h"

#define LAB_SECOND 1000000000ull
#define LAB_MS 1000000ull
#define LAB_START (1700000040ull * LAB_SECOND)
#define LAB_MTU 1500
#define LAB_ISN 0x10000000u    /* the client's */
#define LAB_COOKIE 0x70000000u /* the server's initial number */

#define FIN TCP_FIN
#define SYN TCP_SYN
#define RST TCP_RST
#define PSH TCP_PSH
#define ACK TCP_ACK

/* --- the conversation that does as it is told ------------------------------------------------------------------ */

struct conversation {
	uint64_t access;
	uint64_t heard; /* bytes */
	bool used;
};

/* What the test wants; zeroed by lab_open. */
struct puppet {
	uint8_t *heard; /* everything that arrived in order, of all conversations one after the other */
	size_t heard_bytes, heard_room;
	unsigned begun, ended, half_closed;
	const char *banner;    /* said at open; the port is then server-first */
	struct slice answer;   /* said once answer_after bytes are there */
	uint64_t answer_after; /* 0 = never */
	bool close_after_answer;
	bool abort_at_input;
	bool close_at_half_close;
	uint32_t delay_ms;
	unsigned refuse; /* conversation_begin fails that often */
};

static struct puppet puppet;

static inline size_t puppet_bytes(void)
{
	return sizeof(struct conversation);
}

int conversation_pool_open(struct conversation_pool *pool, uint32_t conversations)
{
	memset(pool, 0, sizeof(*pool));
	pool->memory = calloc(conversations, sizeof(struct conversation));
	pool->conversations = conversations;
	return pool->memory ? 0 : -ENOMEM;
}

void conversation_pool_close(struct conversation_pool *pool)
{
	free(pool->memory);
	pool->memory = NULL;
}

size_t conversation_bytes(void)
{
	return puppet_bytes();
}

uint64_t conversation_held_bytes(const struct conversation *conversation)
{
	return conversation->heard;
}

bool conversation_server_first(const struct mimic_policy *policy, uint16_t decoy_port)
{
	(void)policy;
	(void)decoy_port;
	return puppet.banner != NULL;
}

struct conversation *conversation_begin(struct conversation_pool *pool, const struct conversation_start *start,
					uint64_t now_ns, struct byte_queue *output, struct conversation_result *result)
{
	struct conversation *all = pool->memory;

	(void)now_ns;
	if (puppet.refuse) {
		puppet.refuse--;
		return NULL;
	}
	for (uint32_t i = 0; i < pool->conversations; i++) {
		if (all[i].used)
			continue;
		all[i] = (struct conversation){ .access = start->access, .used = true };
		pool->used++;
		puppet.begun++;
		if (puppet.banner) {
			byte_queue_append(pool->chunks, output, slice_of_text(puppet.banner));
			result->delay_ms = puppet.delay_ms;
		}
		return &all[i];
	}
	return NULL;
}

void conversation_input(struct conversation_pool *pool, struct conversation *conversation, struct slice bytes,
			uint64_t now_ns, struct byte_queue *output, struct conversation_result *result)
{
	uint64_t before = conversation->heard;

	(void)now_ns;
	assert_true(conversation->used);
	if (puppet.heard_bytes + bytes.length > puppet.heard_room) {
		puppet.heard_room = 2 * (puppet.heard_bytes + bytes.length);
		puppet.heard = realloc(puppet.heard, puppet.heard_room);
		assert_non_null(puppet.heard);
	}
	memcpy(puppet.heard + puppet.heard_bytes, bytes.bytes, bytes.length);
	puppet.heard_bytes += bytes.length;
	conversation->heard += bytes.length;
	result->abort = puppet.abort_at_input;
	if (puppet.answer_after && before < puppet.answer_after && conversation->heard >= puppet.answer_after) {
		assert_int_equal(byte_queue_append(pool->chunks, output, puppet.answer), 0);
		result->delay_ms = puppet.delay_ms;
		result->close = puppet.close_after_answer;
	}
}

void conversation_half_closed(struct conversation_pool *pool, struct conversation *conversation, uint64_t now_ns,
			      struct byte_queue *output, struct conversation_result *result)
{
	(void)pool;
	(void)now_ns;
	(void)output;
	assert_true(conversation->used);
	puppet.half_closed++;
	result->close = puppet.close_at_half_close;
}

void conversation_end(struct conversation_pool *pool, struct conversation *conversation, uint64_t now_ns,
		      struct record_access *access, uint8_t *scratch)
{
	(void)now_ns;
	(void)scratch;
	assert_true(conversation->used);
	conversation->used = false;
	pool->used--;
	puppet.ended++;
	access->depth = conversation->heard ? DEPTH_payload : DEPTH_ack;
	access->protocol = slice_of_text("puppet");
}

/* --- frames that the worker sends, taken apart ---------------------------------------------------------------------
 */

struct seen {
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window;
	uint8_t options[40];
	unsigned option_bytes;
	unsigned payload_bytes;
	uint8_t payload[2048];
	uint16_t vlan[2];
	unsigned vlans;
	bool ipv6;
	bool sound; /* checksums and lengths hold */
};

#define LAB_FRAMES 4096

struct lab {
	struct worker *worker;
	struct worker_settings settings;
	struct mimic_policy policy;
	struct responder_page *page;
	struct frame_sink sink;
	uint8_t frame[2048];
	uint32_t frame_bytes;
	bool sink_full;
	struct seen *seen; /* ring of the frames that were sent */
	unsigned sent, taken;
	void (*on_frame)(struct lab *lab, const uint8_t *frame, uint32_t bytes); /* instead of seen */
	uint64_t now_ns;
	uint64_t sequence;
	/* Of the events that lab_event makes. */
	struct otori_event event;
	uint32_t records;
	struct record_access last_access;
	char last_reason[32];
	unsigned accesses;
};

static uint32_t lab_word(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static unsigned lab_half(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* The textbook's checksum, byte by byte: not the code under test. */
static uint32_t lab_sum(uint32_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Takes a frame apart; sound = false where a length or checksum is wrong. */
static void lab_parse(const uint8_t *frame, uint32_t bytes, struct seen *seen)
{
	const uint8_t *ip, *tcp;
	uint32_t at = 12, tcp_bytes, header, sum;

	memset(seen, 0, offsetof(struct seen, payload));
	seen->vlans = 0;
	seen->sound = false;
	while ((lab_half(frame + at) == 0x8100 || lab_half(frame + at) == 0x88a8) && seen->vlans < 2) {
		seen->vlan[seen->vlans++] = (uint16_t)lab_half(frame + at + 2);
		at += 4;
	}
	seen->ipv6 = lab_half(frame + at) == 0x86dd;
	ip = frame + at + 2;
	if (seen->ipv6) {
		tcp = ip + 40;
		tcp_bytes = lab_half(ip + 4);
		if (ip[0] >> 4 != 6 || ip[6] != 6 || (uint32_t)(tcp - frame) + tcp_bytes != bytes)
			return;
		sum = lab_sum(6 + tcp_bytes, ip + 8, 32);
	} else {
		tcp = ip + 20;
		tcp_bytes = lab_half(ip + 2) - 20;
		if (lab_half(frame + at) != 0x0800 || ip[0] != 0x45 || ip[9] != 6 || lab_sum(0, ip, 20) != 0xffff ||
		    (uint32_t)(tcp - frame) + tcp_bytes != bytes)
			return;
		sum = lab_sum(6 + tcp_bytes, ip + 12, 8);
	}
	if (lab_sum(sum, tcp, tcp_bytes) != 0xffff)
		return;
	header = tcp[12] >> 4;
	header *= 4;
	if (header < 20 || header > tcp_bytes)
		return;
	seen->seq = lab_word(tcp + 4);
	seen->ack = lab_word(tcp + 8);
	seen->flags = tcp[13];
	seen->window = (uint16_t)lab_half(tcp + 14);
	seen->option_bytes = header - 20;
	memcpy(seen->options, tcp + 20, seen->option_bytes);
	seen->payload_bytes = tcp_bytes - header;
	memcpy(seen->payload, tcp + header, seen->payload_bytes);
	seen->sound = true;
}

static uint8_t *lab_reserve(void *context, uint8_t device, uint32_t bytes)
{
	struct lab *lab = context;

	assert_int_equal(device, 0);
	assert_true(bytes <= sizeof(lab->frame));
	return lab->sink_full ? NULL : lab->frame;
}

static void lab_submit(void *context, uint32_t bytes)
{
	struct lab *lab = context;

	if (lab->on_frame) {
		lab->on_frame(lab, lab->frame, bytes);
		return;
	}
	lab_parse(lab->frame, bytes, &lab->seen[lab->sent % LAB_FRAMES]);
	assert_true(lab->seen[lab->sent % LAB_FRAMES].sound);
	lab->sent++;
}

static void lab_flush(void *context)
{
	(void)context;
}

/* --- the bench -------------------------------------------------------------------------------------------------------
 */

static inline void lab_start_worker(struct lab *lab)
{
	assert_int_equal(worker_open(&lab->worker, &lab->settings, &lab->sink, lab->page), 0);
	worker_segment(lab->worker, 7);
}

/* Settings may be changed before lab_start_worker. */
static inline void lab_prepare(struct lab *lab)
{
	memset(lab, 0, sizeof(*lab));
	free(puppet.heard);
	memset(&puppet, 0, sizeof(puppet));
	lab->page = calloc(1, sizeof(*lab->page));
	lab->seen = calloc(LAB_FRAMES, sizeof(*lab->seen));
	assert_non_null(lab->page);
	assert_non_null(lab->seen);
	lab->page->ports[1] = 1080;
	lab->sink = (struct frame_sink){ lab_reserve, lab_submit, lab_flush, lab };
	lab->settings = (struct worker_settings){ .flows = 64,
						  .conversations = 16,
						  .chunks = 4096,
						  .record_bytes = 1 << 20,
						  .idle_seconds = 60,
						  .total_seconds = 600,
						  .mtu = LAB_MTU,
						  .policy = &lab->policy,
						  .secret = { 1, 2 } };
	lab->now_ns = LAB_START;
	lab->event.source[0] = 198;
	lab->event.source[1] = 51;
	lab->event.source[2] = 100;
	lab->event.source[3] = 1;
	lab->event.destination[0] = 203;
	lab->event.destination[2] = 113;
	lab->event.destination[3] = 9;
	lab->event.source_port_be = htons(40000);
	lab->event.destination_port_be = htons(1080);
	lab->event.window = 65535;
	lab->event.ttl = 57;
	lab->event.flags = OTORI_EVENT_OPTIONS_KNOWN;
	lab->event.cookie_window_scale = 15;
	lab->event.cookie_mss = 1460;
}

static inline void lab_open(struct lab *lab)
{
	lab_prepare(lab);
	lab_start_worker(lab);
}

/* Reads the records, as the owner of a worker does. */
static inline void lab_collect(struct lab *lab)
{
	struct record_buffer *records = worker_records(lab->worker);
	struct slice bytes = slice_of(records->bytes, records->length);
	struct record record;

	worker_journalled(lab->worker, records->records, (uint32_t)(lab->now_ns / (60 * LAB_SECOND)), false);
	while (record_next(&bytes, &record) == 1) {
		lab->records++;
		if (record.kind != RECORD_ACCESS)
			continue;
		lab->accesses++;
		lab->last_access = record.access;
		snprintf(lab->last_reason, sizeof(lab->last_reason), "%.*s", (int)record.access.end_reason.length,
			 (const char *)record.access.end_reason.bytes);
	}
	record_buffer_reset(records);
}

static inline void lab_tick(struct lab *lab)
{
	worker_tick(lab->worker, lab->now_ns);
	lab_collect(lab);
}

/* Lets time pass, waking the worker whenever it asked for it. */
static inline void lab_pass(struct lab *lab, uint64_t ns)
{
	uint64_t until = lab->now_ns + ns, due;

	while ((due = worker_next_tick(lab->worker)) <= until) {
		if (due > lab->now_ns)
			lab->now_ns = due;
		lab_tick(lab);
	}
	lab->now_ns = until;
	lab_tick(lab);
}

/* Gives an event with these numbers; options are lab->event.option_bytes at options. */
static inline void lab_send_options(struct lab *lab, int kind, unsigned flags, uint32_t seq, uint32_t ack,
				    const void *options, const void *payload, size_t bytes)
{
	static uint8_t record[OTORI_EVENT_MAX_BYTES] __attribute__((aligned(8)));
	struct otori_event event = lab->event;

	event.kind = (uint8_t)kind;
	event.tcp_flags = (uint8_t)flags;
	event.seq = seq;
	event.ack = ack;
	event.sequence = ++lab->sequence;
	event.time_ns = lab->now_ns;
	event.minute = (uint32_t)(lab->now_ns / (60 * LAB_SECOND));
	event.payload_bytes = (uint16_t)bytes;
	assert_true(sizeof(event) + event.option_bytes + bytes <= sizeof(record));
	memcpy(record, &event, sizeof(event));
	if (options && event.option_bytes)
		memcpy(record + sizeof(event), options, event.option_bytes);
	if (payload && bytes)
		memcpy(record + sizeof(event) + event.option_bytes, payload, bytes);
	worker_event(lab->worker, record, (uint32_t)(sizeof(event) + event.option_bytes + bytes), lab->now_ns);
	lab_collect(lab);
}

static inline void lab_send(struct lab *lab, unsigned flags, uint32_t seq, uint32_t ack, const void *payload,
			    size_t bytes)
{
	lab_send_options(lab, OTORI_EVENT_segment, flags, seq, ack, NULL, payload, bytes);
}

/* The ACK that completes the handshake; numbers behind it: client LAB_ISN + 1, server LAB_COOKIE + 1. */
static inline void lab_handshake(struct lab *lab)
{
	lab_send_options(lab, OTORI_EVENT_open, ACK, LAB_ISN + 1, LAB_COOKIE + 1, NULL, NULL, 0);
}

/* The next frame that was sent, or NULL. */
static inline const struct seen *lab_next(struct lab *lab)
{
	return lab->taken == lab->sent ? NULL : &lab->seen[lab->taken++ % LAB_FRAMES];
}

#define lab_expect(lab, want_flags, want_seq, want_ack, want_payload) \
	do { \
		const struct seen *frame_ = lab_next(lab); \
		assert_non_null(frame_); \
		assert_int_equal(frame_->flags, want_flags); \
		assert_int_equal(frame_->seq, want_seq); \
		assert_int_equal(frame_->ack, want_ack); \
		assert_int_equal(frame_->payload_bytes, strlen(want_payload)); \
		assert_memory_equal(frame_->payload, want_payload, strlen(want_payload)); \
	} while (0)

#define lab_expect_nothing(lab) assert_null(lab_next(lab))

static inline uint64_t lab_term(const struct lab *lab, enum responder_term term)
{
	uint64_t sum = 0;

	for (unsigned m = 0; m < RESPONDER_MINUTES; m++)
		for (unsigned i = 0; i < OTORI_MAX_PORTS; i++)
			for (unsigned family = 0; family < 2; family++)
				sum += lab->page->worker[0].minutes[m].terms[i][family][term];
	return sum;
}

/* The ledger's equations hold and every pool is empty. */
static inline void lab_check_empty(const struct lab *lab)
{
	assert_int_equal(lab->worker->flows.used_flows, 0);
	assert_int_equal(lab->worker->flows.used_talks, 0);
	assert_int_equal(lab->worker->chunks.used, 0);
	assert_int_equal(lab->worker->runs.used, 0);
	assert_int_equal(lab->worker->conversations.used, 0);
	assert_int_equal(timer_wheel_due(&lab->worker->wheel), UINT64_MAX);
	assert_int_equal(puppet.begun, puppet.ended);
	assert_int_equal(lab_term(lab, TERM_open), 0);
	assert_int_equal(lab_term(lab, TERM_opened),
			 lab_term(lab, TERM_recorded) + lab_term(lab, TERM_lost_pool_exhausted) +
				 lab_term(lab, TERM_lost_records_full) + lab_term(lab, TERM_lost_crash));
	assert_int_equal(lab_term(lab, TERM_records_made),
			 lab_term(lab, TERM_records_journalled) + lab_term(lab, TERM_records_shed));
}

static inline void lab_close(struct lab *lab)
{
	while (worker_end_all(lab->worker, FLOW_END_shutdown, lab->now_ns))
		lab_collect(lab);
	lab_collect(lab);
	lab_check_empty(lab);
	worker_close(lab->worker);
	free(lab->seen);
	free(lab->page);
	free(puppet.heard);
	puppet.heard = NULL;
}

#endif
