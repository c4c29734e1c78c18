// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * worker.c - one worker of the responder: takes each event once, gives it to its flow, and runs the timers.
 *
 * In:  ring events, time. Out: through the endpoint: frames, records, counts. Called by main.c (live) and replay/.
 * May not open anything, and calls nothing above it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "responder/checksum.h"
#include "responder/endpoint.h"

/* Deaths with the same event in hand after which it is not tried again. */
#define DEATHS_MAX 2
#define EVIDENCE_BYTES 512

static uint64_t new_id(void *context)
{
	return worker_new_id(context);
}

static int open_pools(struct worker *worker)
{
	const struct worker_settings *settings = &worker->settings;
	int error = flow_table_open(&worker->flows, settings->flows, settings->secret);

	if (!error)
		error = chunk_pool_open(&worker->chunks, settings->chunks);
	if (!error)
		error = run_pool_open(&worker->runs, settings->chunks);
	if (!error)
		error = record_buffer_open(&worker->records, settings->record_bytes);
	if (!error)
		error = syn_watch_open(&worker->syns, settings->secret);
	if (!error)
		error = conversation_pool_open(&worker->conversations, settings->conversations);
	if (error)
		return error;
	worker->conversations.policy = settings->policy;
	worker->conversations.chunks = &worker->chunks;
	worker->conversations.records = &worker->records;
	worker->conversations.new_id = new_id;
	worker->conversations.new_id_context = worker;
	timer_wheel_open(&worker->wheel, &worker->flows.flows[0].timer, sizeof(struct flow), 0);
	return 0;
}

int worker_open(struct worker **out, const struct worker_settings *settings, const struct frame_sink *sink,
		struct responder_page *page)
{
	struct worker *worker;
	int error = -ENOMEM;

	*out = NULL;
	if (settings->ring >= OTORI_MAX_RINGS || !settings->chunks || !settings->conversations)
		return -EINVAL;
	worker = calloc(1, sizeof(*worker));
	if (!worker)
		return -ENOMEM;
	worker->settings = *settings;
	if (worker->settings.total_seconds > TOTAL_SECONDS_MAX)
		worker->settings.total_seconds = TOTAL_SECONDS_MAX;
	if (sink)
		worker->sink = *sink;
	worker->sends = sink && !settings->replay;
	worker->page = page;
	worker->mine = &page->worker[settings->ring];
	worker->random = settings->secret[0] | 1;
	worker->scratch = malloc(CONVERSATION_SCRATCH_BYTES);
	worker->stream = malloc(STREAM_BYTES);
	if (worker->scratch && worker->stream)
		error = open_pools(worker);
	if (error) {
		worker_close(worker);
		return error;
	}
	account_recover(worker);
	account_pools(worker);
	*out = worker;
	return 0;
}

void worker_close(struct worker *worker)
{
	if (!worker)
		return;
	conversation_pool_close(&worker->conversations);
	syn_watch_close(worker->syns);
	record_buffer_close(&worker->records);
	run_pool_close(&worker->runs);
	chunk_pool_close(&worker->chunks);
	flow_table_close(&worker->flows);
	free(worker->stream);
	free(worker->scratch);
	free(worker);
}

/* Time never goes back within a worker, whatever the caller's clock does. */
static void set_clock(struct worker *worker, uint64_t now_ns)
{
	if (!worker->base_ns)
		worker->base_ns = worker->now_ns = now_ns;
	if (now_ns <= worker->now_ns)
		return;
	worker->now_ns = now_ns;
	worker->tick = (now_ns - worker->base_ns) / 1000000;
}

static size_t room_bytes(const struct worker *worker)
{
	return worker->records.capacity / 2 < RECORD_ROOM_BYTES ? worker->records.capacity / 2 : RECORD_ROOM_BYTES;
}

static bool has_room(const struct worker *worker)
{
	return worker->records.capacity - worker->records.length >= room_bytes(worker);
}

bool worker_full(const struct worker *worker)
{
	return !has_room(worker) || worker->places >= PLACES_MAX;
}

/* Checks every length before anything else looks at the record. */
static bool well_formed(const struct otori_event *event, uint32_t bytes)
{
	return event->kind < OTORI_EVENT_COUNT && event->option_bytes <= 40 && event->option_bytes % 4 == 0 &&
	       (event->flags & OTORI_EVENT_VLAN_COUNT) != OTORI_EVENT_VLAN_COUNT && event->device < OTORI_MAX_DEVICES &&
	       sizeof(*event) + event->option_bytes + event->payload_bytes <= bytes;
}

static bool checksum_holds(const struct otori_event *event, struct slice payload)
{
	return checksum_fold(checksum_add(event->partial_checksum, payload.bytes, payload.length)) == 0xffff;
}

/* The minute of an event, unless a clock that was set has put it where it would push out what is still counted. */
static uint32_t event_minute(const struct worker *worker, const struct otori_event *event)
{
	uint32_t now = minute_of(worker->now_ns);

	return event->minute > now + 1 ? now : event->minute;
}

static void count_event(struct worker *worker, const struct otori_event *event, enum responder_term term)
{
	account(worker, event_minute(worker, event), account_port(worker, event->destination_port_be),
		event->flags & OTORI_EVENT_IPV6, term, 1);
}

static enum responder_term read_term(const struct otori_event *event)
{
	static const enum responder_term terms[] = {
		[OTORI_EVENT_syn] = TERM_read_syn,
		[OTORI_EVENT_open] = TERM_read_open,
		[OTORI_EVENT_segment] = TERM_read_segment,
		[OTORI_EVENT_unreachable] = TERM_read_unreachable,
	};

	return terms[event->kind];
}

static void set_aside(struct worker *worker, const struct otori_event *event, const void *record, uint32_t bytes)
{
	struct record_violation evidence = { .seen_at_ns = event->time_ns };

	evidence.source = slice_of_text("responder");
	evidence.what = slice_of_text("an event was in hand at two deaths of the responder, and is set aside");
	evidence.frame = slice_of(record, bytes < EVIDENCE_BYTES ? bytes : EVIDENCE_BYTES);
	record_append_violation(&worker->records, &evidence);
	count_event(worker, event, TERM_set_aside);
}

static void end_event(struct worker *worker, const struct otori_event *event)
{
	struct responder_worker_page *mine = worker->mine;

	count_event(worker, event, read_term(event));
	__atomic_store_n(&mine->last_sequence[event->cpu], event->sequence, __ATOMIC_RELEASE);
	__atomic_store_n(&mine->in_hand_sequence, 0, __ATOMIC_RELEASE);
	mine->in_hand_deaths = 0;
}

/* The ring delivers at least once; the page remembers what was taken. False where this one is not to be worked on. */
static bool begin_event(struct worker *worker, const struct otori_event *event, const void *record, uint32_t bytes)
{
	struct responder_worker_page *mine = worker->mine;

	if (event->sequence && event->sequence <= mine->last_sequence[event->cpu]) {
		count_event(worker, event, TERM_duplicate);
		return false;
	}
	if (mine->in_hand_sequence != event->sequence || mine->in_hand_cpu != event->cpu) {
		mine->in_hand_deaths = 0;
		mine->in_hand_cpu = event->cpu;
		__atomic_store_n(&mine->in_hand_sequence, event->sequence, __ATOMIC_RELEASE);
	} else if (event->sequence && mine->in_hand_deaths >= DEATHS_MAX) {
		set_aside(worker, event, record, bytes);
		end_event(worker, event);
		return false;
	}
	return true;
}

static void take_syn(struct worker *worker, const struct otori_event *event, struct slice options)
{
	struct flow flow;
	struct endpoints endpoints;

	memset(&flow, 0, sizeof(flow));
	flow_key_of(event, &flow.key);
	endpoints = flow_endpoints(&flow);
	syn_watch_event(worker->syns, event, &endpoints, options, worker->now_ns, &worker->records);
}

static void take_open(struct worker *worker, const struct otori_event *event, const struct flow_key *key, uint32_t hash,
		      const struct segment *segment)
{
	struct flow *flow = flow_find(&worker->flows, key, hash);

	if (flow) {
		if (segment_fits(flow, segment)) { /* the same handshake once more */
			tcp_input(worker, flow, segment);
			return;
		}
		flow_close(worker, flow, FLOW_END_reused);
	}
	if (!flow_open(worker, event, key, hash, segment))
		return;
	flow = flow_find(&worker->flows, key, hash);
	if (segment->payload.length || segment->flags & (TCP_FIN | TCP_RST))
		tcp_input(worker, flow, segment);
	else
		tcp_output(worker, flow);
}

static void take_segment(struct worker *worker, const struct otori_event *event, const struct flow_key *key,
			 uint32_t hash, const struct segment *segment)
{
	struct flow *flow = flow_find(&worker->flows, key, hash);

	if (flow) {
		memcpy(flow->source_mac, event->source_mac, 6); /* a router may have taken over from another */
		tcp_input(worker, flow, segment);
		return;
	}
	count_event(worker, event, TERM_stray);
	tcp_stray(worker, event, key, segment);
}

/* What can be known of a record before its turn comes, so that the memory it needs is on its way. */
struct prepared {
	bool sound;
	uint32_t hash;
	struct flow_key key;
	struct otori_event event; /* a copy: the checks hold for what is used */
};

static void prepare(const struct worker *worker, const void *record, uint32_t bytes, struct prepared *prepared)
{
	prepared->sound = false;
	if (bytes < sizeof(prepared->event))
		return;
	memcpy(&prepared->event, record, sizeof(prepared->event));
	prepared->sound = well_formed(&prepared->event, bytes);
	if (!prepared->sound || prepared->event.kind == OTORI_EVENT_syn)
		return;
	flow_key_of(&prepared->event, &prepared->key);
	prepared->hash = flow_hash(&worker->flows, &prepared->key);
	flow_prefetch_head(&worker->flows, prepared->hash);
}

static void take_tcp(struct worker *worker, const struct prepared *prepared, const uint8_t *options,
		     struct slice payload)
{
	const struct otori_event *event = &prepared->event;
	struct segment segment;

	if (event->kind == OTORI_EVENT_unreachable) {
		struct flow *flow = flow_find(&worker->flows, &prepared->key, prepared->hash);

		if (flow)
			tcp_path_mtu(worker, flow, event->seq, event->window);
		return;
	}
	if (event->flags & OTORI_EVENT_VERIFY_CHECKSUM && !checksum_holds(event, payload)) {
		count_event(worker, event, TERM_bad_checksum);
		return;
	}
	segment_of(event, options, payload, &segment);
	if (event->kind == OTORI_EVENT_open)
		take_open(worker, event, &prepared->key, prepared->hash, &segment);
	else
		take_segment(worker, event, &prepared->key, prepared->hash, &segment);
}

static void take_prepared(struct worker *worker, const struct prepared *prepared, const void *record, uint32_t bytes)
{
	const struct otori_event *event = &prepared->event;
	const uint8_t *options = (const uint8_t *)record + sizeof(*event);

	if (!prepared->sound) {
		account(worker, minute_of(worker->now_ns), 0, false, TERM_malformed, 1);
		return;
	}
	if (!begin_event(worker, event, record, bytes))
		return;
	flow_make_room(worker);
	if (event->kind == OTORI_EVENT_syn)
		take_syn(worker, event, slice_of(options, event->option_bytes));
	else
		take_tcp(worker, prepared, options, slice_of(options + event->option_bytes, event->payload_bytes));
	end_event(worker, event);
}

void worker_event(struct worker *worker, const void *record, uint32_t bytes, uint64_t now_ns)
{
	struct prepared prepared;

	set_clock(worker, now_ns);
	account_records_begin(worker);
	prepare(worker, record, bytes, &prepared);
	take_prepared(worker, &prepared, record, bytes);
	account_records(worker);
}

unsigned worker_events(struct worker *worker, const struct worker_record *records, unsigned count, uint64_t now_ns)
{
	struct prepared prepared[WORKER_BATCH];
	unsigned taken;

	if (count > WORKER_BATCH)
		count = WORKER_BATCH;
	set_clock(worker, now_ns);
	account_records_begin(worker);
	for (unsigned i = 0; i < count; i++)
		prepare(worker, records[i].bytes, records[i].length, &prepared[i]);
	for (unsigned i = 0; i < count; i++)
		if (prepared[i].sound && prepared[i].event.kind != OTORI_EVENT_syn)
			flow_prefetch(&worker->flows, prepared[i].hash);
	for (taken = 0; taken < count && !worker_full(worker); taken++)
		take_prepared(worker, &prepared[taken], records[taken].bytes, records[taken].length);
	account_records(worker);
	return taken;
}

void worker_tick(struct worker *worker, uint64_t now_ns)
{
	set_clock(worker, now_ns);
	account_records_begin(worker);
	while (has_room(worker)) {
		uint32_t name = timer_wheel_next(&worker->wheel, worker->tick);

		if (!name)
			break;
		flow_timer(worker, flow_at(&worker->flows, name));
	}
	if (syn_watch_due(worker->syns) <= worker->now_ns)
		syn_watch_flush(worker->syns, room_bytes(worker), &worker->records);
	tcp_flush_acks(worker);
	if (worker->sends)
		worker->sink.flush(worker->sink.context);
	account_records(worker);
	account_pools(worker);
}

uint64_t worker_next_tick(const struct worker *worker)
{
	uint64_t due = timer_wheel_due(&worker->wheel);
	uint64_t syns = syn_watch_due(worker->syns);

	if (worker->acks)
		return worker->now_ns;
	if (due != UINT64_MAX)
		due = worker->base_ns + due * 1000000;
	return due < syns ? due : syns;
}

uint32_t worker_end_all(struct worker *worker, enum flow_end reason, uint64_t now_ns)
{
	uint32_t name = worker->flows.never_used_flow;
	bool flushed;

	set_clock(worker, now_ns);
	account_records_begin(worker);
	for (; name && worker->flows.used_flows && has_room(worker); name--) {
		struct flow *flow = flow_at(&worker->flows, name);

		if (flow->state != FLOW_FREE)
			flow_close(worker, flow, flow->state == FLOW_TIME_WAIT ? FLOW_END_fin : reason);
	}
	flushed = syn_watch_flush(worker->syns, room_bytes(worker), &worker->records);
	worker->acks = 0;
	if (worker->sends)
		worker->sink.flush(worker->sink.context);
	account_records(worker);
	account_pools(worker);
	return worker->flows.used_flows + !flushed;
}

struct record_buffer *worker_records(struct worker *worker)
{
	return &worker->records;
}

void worker_segment(struct worker *worker, uint64_t segment)
{
	worker->segment = segment;
	worker->places = 0;
	worker->mine->segment = segment;
}

uint32_t worker_ids_used(const struct worker *worker)
{
	return worker->places;
}

void worker_journalled(struct worker *worker, uint32_t records, uint32_t minute, bool failed)
{
	account(worker, minute, 0, false, failed ? TERM_records_shed : TERM_records_journalled, records);
}
