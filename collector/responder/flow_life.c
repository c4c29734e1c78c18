// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * flow_life.c - how a flow begins, when it is looked at again, and how it ends.
 *
 * In:  open events, deadlines, reasons to end. Out: flows, one access record each, counts. Called by worker.c,
 * tcp_input.c, tcp_ack.c, tcp_output.c, dialogue.c. May not parse segments.
 *
 * A flow has one timer, which stands at the earliest of its deadlines or before it: being heard again moves the idle
 * deadline but not the timer, which looks when it fires. Every access is written by flow_record, and every flow ends by
 * flow_close.
 */
#include <arpa/inet.h>

#include "responder/endpoint.h"

static const char *const end_names[] = {
#define END_NAME(name) #name,
	FLOW_ENDS(END_NAME)
};

uint64_t worker_new_id(struct worker *worker)
{
	return worker->segment << 24 | (worker->places++ & 0xffffff);
}

struct endpoints flow_endpoints(const struct flow *flow)
{
	struct endpoints endpoints;

	memset(&endpoints, 0, sizeof(endpoints));
	memcpy(endpoints.source.bytes, flow->key.source, 16);
	memcpy(endpoints.decoy.bytes, flow->key.decoy, 16);
	endpoints.source.ipv6 = endpoints.decoy.ipv6 = flow->key.shape & OTORI_EVENT_IPV6;
	endpoints.source_port = ntohs(flow->key.source_port_be);
	endpoints.decoy_port = ntohs(flow->key.decoy_port_be);
	endpoints.vlan[0] = flow->key.vlan_id[0];
	endpoints.vlan[1] = flow->key.vlan_id[1];
	endpoints.vlan_count = (uint8_t)((flow->key.shape & OTORI_EVENT_VLAN_COUNT) >> OTORI_EVENT_VLAN_COUNT_SHIFT);
	return endpoints;
}

struct talk *flow_need_talk(struct worker *worker, struct flow *flow)
{
	struct talk *talk = flow_talk(&worker->flows, flow);

	if (talk)
		return talk;
	talk = talk_new(&worker->flows, flow);
	talk->rto = RTO_FIRST_MS;
	talk->cwnd = CWND_FIRST_SEGMENTS * flow->mss;
	talk->ssthresh = UINT32_MAX;
	return talk;
}

/* The deadline that belongs to how long the flow has been open; the tick of its opening may lie before tick 0 (a
 * replay). */
static uint32_t total_deadline(const struct worker *worker, const struct flow *flow)
{
	int64_t opened = (int64_t)(flow->started_at_ns - worker->base_ns) / 1000000;

	return (uint32_t)opened + worker->settings.total_seconds * 1000;
}

static uint32_t idle_deadline(const struct worker *worker, const struct flow *flow)
{
	return flow->heard + (flow->state == FLOW_TIME_WAIT ? TIME_WAIT_MS : worker->settings.idle_seconds * 1000);
}

static uint32_t earlier(uint32_t a, uint32_t b)
{
	return seq_before(a, b) ? a : b;
}

static uint32_t next_deadline(const struct worker *worker, const struct flow *flow)
{
	uint32_t due = earlier(idle_deadline(worker, flow), total_deadline(worker, flow));

	if (flow->talk) {
		const struct talk *talk = flow_talk(&worker->flows, flow);

		if (flow->flags & (FLOW_RETRANSMIT | FLOW_PERSIST))
			due = earlier(due, talk->retransmit_at);
		if (flow->flags & FLOW_DELAYED)
			due = earlier(due, talk->release_at);
	}
	return due;
}

void flow_schedule(struct worker *worker, struct flow *flow)
{
	uint32_t due = next_deadline(worker, flow);
	int32_t ahead;

	if (flow->timer.slot && !seq_before(due, flow->timer.due))
		return;
	ahead = (int32_t)(due - (uint32_t)worker->tick);
	timer_wheel_insert(&worker->wheel, flow_name(&worker->flows, flow),
			   worker->tick + (ahead > 0 ? (uint32_t)ahead : 0));
}

void flow_timer(struct worker *worker, struct flow *flow)
{
	uint32_t now = (uint32_t)worker->tick;

	if (!seq_before(now, total_deadline(worker, flow))) {
		flow_close(worker, flow, FLOW_END_total);
		return;
	}
	if (!seq_before(now, idle_deadline(worker, flow))) {
		flow_close(worker, flow, flow->state == FLOW_TIME_WAIT ? FLOW_END_fin : FLOW_END_idle);
		return;
	}
	if (flow->flags & FLOW_DELAYED && !seq_before(now, flow_talk(&worker->flows, flow)->release_at)) {
		flow->flags &= (uint16_t)~FLOW_DELAYED;
		flow_talk(&worker->flows, flow)->released = flow_talk(&worker->flows, flow)->output.length;
		tcp_output(worker, flow);
	}
	if (flow->flags & (FLOW_RETRANSMIT | FLOW_PERSIST) &&
	    !seq_before(now, flow_talk(&worker->flows, flow)->retransmit_at))
		tcp_retransmission_timer(worker, flow);
	if (flow->state != FLOW_FREE)
		flow_schedule(worker, flow);
}

/* A deadline passed within the time that the caller leapt over (a replay): the access ended then, not now. */
static uint64_t ended_at(const struct worker *worker, const struct flow *flow, enum flow_end reason)
{
	uint32_t due = (uint32_t)worker->tick;
	uint32_t late;

	if (reason == FLOW_END_idle)
		due = idle_deadline(worker, flow);
	else if (reason == FLOW_END_total)
		due = total_deadline(worker, flow);
	late = (uint32_t)worker->tick - due;
	if (late > worker->tick || late > INT32_MAX)
		return worker->now_ns;
	return worker->now_ns - (uint64_t)late * 1000000;
}

static void describe(const struct flow *flow, enum flow_end reason, struct record_access *access)
{
	access->access = flow->access;
	access->started_at_ns = flow->started_at_ns;
	access->endpoints = flow_endpoints(flow);
	access->end_reason = slice_of_text(end_names[reason]);
	access->mss = flow->open_mss;
	access->window = flow->open_window;
	access->window_scale = flow->open_scale;
	access->ttl = flow->ttl;
	access->sack = flow->open_sack;
}

void flow_record(struct worker *worker, struct flow *flow, enum flow_end reason)
{
	struct talk *talk = flow_talk(&worker->flows, flow);
	struct record_access access;

	if (flow->flags & FLOW_RECORDED)
		return;
	flow->flags |= FLOW_RECORDED;
	memset(&access, 0, sizeof(access));
	access.relay_port = -1;
	access.class = CLASS_other;
	access.depth = DEPTH_ack;
	if (talk && talk->conversation) {
		conversation_end(&worker->conversations, talk->conversation, worker->now_ns, &access, worker->scratch);
		talk->conversation = NULL;
	}
	describe(flow, reason, &access);
	access.ended_at_ns = ended_at(worker, flow, reason);
	if (access.ended_at_ns < access.started_at_ns)
		access.ended_at_ns = access.started_at_ns;
	if (talk) {
		access.bytes_in = talk->bytes_in;
		access.bytes_out = talk->bytes_out;
		access.first_segment_bytes = talk->first_segment_bytes;
		access.conflicting_bytes = talk->conflicting_bytes;
	}
	account_flow(worker, flow, TERM_open, -1);
	account_flow(worker, flow,
		     record_append_access(&worker->records, &access) ? TERM_lost_records_full : TERM_recorded, 1);
}

static bool says_reset(enum flow_end reason)
{
	switch (reason) {
	case FLOW_END_idle:
	case FLOW_END_total:
	case FLOW_END_evicted:
	case FLOW_END_aborted:
	case FLOW_END_retransmission:
	case FLOW_END_shutdown:
		return true;
	default:
		return false;
	}
}

void flow_close(struct worker *worker, struct flow *flow, enum flow_end reason)
{
	struct talk *talk = flow_talk(&worker->flows, flow);

	if (says_reset(reason) && flow->state != FLOW_TIME_WAIT)
		tcp_send_reset(worker, flow);
	flow_record(worker, flow, reason);
	if (talk) {
		byte_queue_clear(&worker->chunks, &talk->output);
		reassembly_clear(&worker->runs, &worker->chunks, &talk->held);
		talk_free(&worker->flows, flow);
	}
	timer_wheel_remove(&worker->wheel, flow_name(&worker->flows, flow));
	flow->flags = 0; /* so that the list of acknowledgements passes it by */
	flow_enter_state(worker, flow, FLOW_FREE);
	flow_free(&worker->flows, flow);
}

/* What a flow keeps from the others: the chunks it holds, times the flows of its prefix, for many small ones are as
 * bad. */
static uint64_t burden(const struct worker *worker, const struct flow *flow)
{
	const struct talk *talk = flow_talk(&worker->flows, flow);
	uint64_t bytes;

	if (flow->state == FLOW_FREE || !talk)
		return 0;
	bytes = (uint64_t)talk->output.length + reassembly_bytes(&worker->runs, &talk->held);
	if (talk->conversation)
		bytes += conversation_held_bytes(talk->conversation);
	return bytes * worker->flows.prefixes[flow->timer.user];
}

void flow_make_room(struct worker *worker)
{
	struct flow *worst = NULL;
	uint64_t most = 0;

	if (worker->chunks.chunks - worker->chunks.used >= worker->chunks.chunks / CHUNKS_SCARCE ||
	    worker->settings.replay)
		return;
	for (unsigned drawn = 0; drawn < HOLDER_DRAWS; drawn++) {
		struct flow *flow = flow_drawn(&worker->flows, &worker->random);
		uint64_t its = flow ? burden(worker, flow) : 0;

		if (its <= most)
			continue;
		worst = flow;
		most = its;
	}
	if (worst)
		flow_close(worker, worst, FLOW_END_evicted);
}

void flow_enter_state(struct worker *worker, struct flow *flow, enum flow_state state)
{
	flow->state = (uint8_t)state;
	if (state == FLOW_TIME_WAIT) {
		struct talk *talk = flow_talk(&worker->flows, flow);

		flow_record(worker, flow, FLOW_END_fin);
		flow->flags &= (uint16_t) ~(FLOW_RETRANSMIT | FLOW_PERSIST | FLOW_DELAYED);
		if (talk) {
			byte_queue_clear(&worker->chunks, &talk->output);
			reassembly_clear(&worker->runs, &worker->chunks, &talk->held);
			talk_free(&worker->flows, flow);
		}
		flow->heard = (uint32_t)worker->tick;
		flow_schedule(worker, flow);
	}
}

static void take_options(struct worker *worker, struct flow *flow, const struct otori_event *event,
			 const struct segment *segment)
{
	uint32_t headers = flow->key.shape & OTORI_EVENT_IPV6 ? 60 : 40;
	uint32_t limit = worker->settings.mtu > headers + MSS_MIN ? worker->settings.mtu - headers : MSS_MIN;

	flow->mss = MSS_DEFAULT;
	flow->open_scale = 15;
	if (event->flags & OTORI_EVENT_OPTIONS_KNOWN) {
		flow->open_mss = event->cookie_mss;
		flow->open_scale = (unsigned char)(event->cookie_window_scale & 15u) & 15u;
		flow->open_sack = event->cookie_sack & 1u;
		flow->mss = event->cookie_mss < MSS_MIN ? MSS_MIN : event->cookie_mss;
		if (flow->open_sack)
			flow->flags |= FLOW_SACK;
		if (flow->open_scale != 15) {
			flow->peer_scale = flow->open_scale > 14 ? 14 : flow->open_scale;
			flow->our_scale = OTORI_WINDOW_SCALE;
		}
	}
	if (flow->mss > limit)
		flow->mss = (uint16_t)limit;
	if (segment->has_timestamps) {
		flow->flags |= FLOW_TIMESTAMPS;
		flow->ts_recent = segment->tsval;
		/* XDP's clock for this decoy shows in the echo of its SYN-ACK; ours goes on from there. */
		flow->ts_offset = segment->tsecr - (uint32_t)worker->tick;
	}
}

static void take_numbers(struct worker *worker, struct flow *flow, const struct otori_event *event)
{
	flow->rcv_nxt = event->seq;
	flow->rcv_edge = event->seq + WINDOW_BYTES;
	flow->snd_una = flow->snd_nxt = flow->snd_max = event->ack;
	flow->snd_wnd = (uint32_t)event->window << flow->peer_scale;
	flow->snd_wl1 = event->seq;
	flow->snd_wl2 = event->ack;
	flow->open_window = event->window;
	flow->ttl = event->ttl;
	flow->heard = (uint32_t)worker->tick;
	flow->ip_id = (uint16_t)(flow->hash ^ worker->ip_id++);
	memcpy(flow->source_mac, event->source_mac, 6);
	memcpy(flow->decoy_mac, event->destination_mac, 6);
	memcpy(flow->vlan_tci_be, event->vlan_tci_be, sizeof(flow->vlan_tci_be));
	flow->device = event->device;
}

bool flow_open(struct worker *worker, const struct otori_event *event, const struct flow_key *key, uint32_t hash,
	       const struct segment *segment)
{
	struct flow *flow = flow_new(&worker->flows, key, hash);
	uint64_t started = event->time_ns;

	if (!flow) {
		struct flow *victim = flow_victim(&worker->flows, &worker->random, (uint32_t)worker->tick, false);

		if (victim)
			flow_close(worker, victim, FLOW_END_evicted);
		flow = flow_new(&worker->flows, key, hash);
		if (!flow)
			return false;
	}
	if (started > worker->now_ns || worker->now_ns - started > 3600000000000ull)
		started = worker->now_ns; /* a clock that was set; a deadline must be reckoned from something sane */
	flow->started_at_ns = started;
	flow->port_index = (uint8_t)account_port(worker, key->decoy_port_be);
	flow->access = worker_new_id(worker);
	flow->state = FLOW_ESTABLISHED;
	take_options(worker, flow, event, segment);
	take_numbers(worker, flow, event);
	flow->minute =
		account(worker, minute_of(started), flow->port_index, key->shape & OTORI_EVENT_IPV6, TERM_opened, 1);
	account_flow(worker, flow, TERM_open, 1);
	if (conversation_server_first(worker->settings.policy, ntohs(key->decoy_port_be))) {
		if (!dialogue_begin(worker, flow))
			return false;
		tcp_output(worker, flow); /* nothing else will, where the client waits for the banner */
	}
	/* Last: a banner that is held back has a time of its own. */
	flow_schedule(worker, flow);
	return true;
}
