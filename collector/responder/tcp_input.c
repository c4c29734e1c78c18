// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcp_input.c - what a segment does to its flow, in the order of RFC 9293, 3.10.7.4, with the checks of RFC 5961 and
 * 7323.
 *
 * In:  segments of admitted flows. Out: in-order bytes to the dialogue, acknowledgements, ends of flows. Called by
 * worker.c. May not build frames.
 *
 * In a replay what the recorded server said is unknown: acknowledgement numbers are not looked at, and nothing is
 * answered.
 */
#include "responder/endpoint.h"

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void take_option(struct segment *segment, unsigned kind, const uint8_t *value, unsigned length)
{
	if (kind == 8 && length == 8) {
		segment->has_timestamps = true;
		segment->tsval = get32(value);
		segment->tsecr = get32(value + 4);
	} else if (kind == 5) {
		for (; length >= 8 && segment->sack_ranges < TALK_SACK_RANGES; length -= 8, value += 8) {
			struct sack_range *range = &segment->sack[segment->sack_ranges++];

			range->from = get32(value);
			range->to = get32(value + 4);
		}
	}
}

void segment_of(const struct otori_event *event, const uint8_t *options, struct slice payload, struct segment *segment)
{
	unsigned left = event->option_bytes;

	segment->seq = event->seq;
	segment->ack = event->ack;
	segment->window = event->window;
	segment->flags = event->tcp_flags;
	segment->has_timestamps = false;
	segment->sack_ranges = 0;
	segment->payload = payload;
	while (left) {
		unsigned kind = options[0], length;

		if (kind == 0)
			return;
		if (kind == 1) {
			options++;
			left--;
			continue;
		}
		if (left < 2 || options[1] < 2 || options[1] > left)
			return;
		length = options[1];
		take_option(segment, kind, options + 2, length - 2);
		options += length;
		left -= length;
	}
}

/* Sequence numbers that the segment takes. */
static uint32_t extent(const struct segment *segment)
{
	return (uint32_t)segment->payload.length + !!(segment->flags & TCP_FIN);
}

/* RFC 9293, 3.10.7.4, "first": some of it lies in the window. */
static bool acceptable(const struct flow *flow, const struct segment *segment)
{
	uint32_t length = extent(segment);

	if (!length)
		return !seq_before(segment->seq, flow->rcv_nxt) && !seq_after(segment->seq, flow->rcv_edge);
	return seq_after(segment->seq + length, flow->rcv_nxt) && seq_before(segment->seq, flow->rcv_edge);
}

bool segment_fits(const struct flow *flow, const struct segment *segment)
{
	return flow->state != FLOW_TIME_WAIT && segment->seq - (flow->rcv_nxt - 2 * WINDOW_BYTES) <= 4 * WINDOW_BYTES &&
	       segment->ack - (flow->snd_una - 2 * WINDOW_BYTES) <= flow->snd_max - flow->snd_una + 2 * WINDOW_BYTES;
}

/* RFC 5961, 3.2: a reset counts only with the very number that we expect. */
static void take_reset(struct worker *worker, struct flow *flow, const struct segment *segment)
{
	if (segment->seq == flow->rcv_nxt || (worker->settings.replay && acceptable(flow, segment)))
		flow_close(worker, flow, FLOW_END_rst);
	else if (acceptable(flow, segment))
		tcp_challenge(worker, flow);
}

/* RFC 7323, 5: a segment that is older than what we have seen. */
static bool stale(const struct flow *flow, const struct segment *segment)
{
	return flow->flags & FLOW_TIMESTAMPS && segment->has_timestamps && seq_before(segment->tsval, flow->ts_recent);
}

/* What is not acceptable is answered with where we are, at most once a batch. A repeated FIN begins TIME_WAIT anew. */
static void refuse(struct worker *worker, struct flow *flow, const struct segment *segment)
{
	if (flow->state == FLOW_TIME_WAIT && segment->flags & TCP_FIN) {
		flow->heard = (uint32_t)worker->tick;
		flow_schedule(worker, flow);
	}
	tcp_ack_later(worker, flow);
}

/* Hands on what has become contiguous. False where the flow has ended. */
static bool deliver_held(struct worker *worker, struct flow *flow)
{
	for (;;) {
		struct talk *talk = flow_talk(&worker->flows, flow);
		size_t bytes;

		if (!talk || !talk->held.first)
			return true;
		bytes = reassembly_take(&worker->runs, &worker->chunks, &talk->held, flow->rcv_nxt, worker->stream,
					STREAM_BYTES);
		if (!bytes)
			return true;
		flow->rcv_nxt += (uint32_t)bytes;
		if (!dialogue_input(worker, flow, slice_of(worker->stream, bytes)))
			return false;
	}
}

static void early(struct worker *worker, struct flow *flow, uint32_t seq, struct slice bytes)
{
	struct talk *talk = flow_need_talk(worker, flow);

	reassembly_add(&worker->runs, &worker->chunks, &talk->held, seq, bytes, &talk->conflicting_bytes);
	talk->last_held_seq = seq;
	tcp_send_ack(worker, flow); /* at once: the client counts duplicates (RFC 5681, 4.2) */
}

static bool in_order(struct worker *worker, struct flow *flow, struct slice bytes)
{
	struct talk *talk = flow_talk(&worker->flows, flow);

	if (talk && talk->held.first) {
		/* Bytes behind it may have come before it: those count, so it joins them instead of going past. */
		if (!reassembly_add(&worker->runs, &worker->chunks, &talk->held, flow->rcv_nxt, bytes,
				    &talk->conflicting_bytes)) {
			flow->flags |= FLOW_ACK_NOW; /* a gap was filled (RFC 5681, 4.2) */
			return deliver_held(worker, flow);
		}
		reassembly_clear(&worker->runs, &worker->chunks,
				 &talk->held); /* no room: the client will send it again */
	}
	flow->rcv_nxt += (uint32_t)bytes.length;
	if (flow->flags & FLOW_SEGMENT_UNACKED) {
		flow->flags &= (uint16_t)~FLOW_SEGMENT_UNACKED;
		flow->flags |= FLOW_ACK_NOW;
	} else {
		flow->flags |= FLOW_SEGMENT_UNACKED;
	}
	return dialogue_input(worker, flow, bytes);
}

/*
 * The client doesn't read what it asked for. Its window is shut by then, but a windowful of small requests lies within
 * the edge, and their answers are a hundred times as long: it must send them again later, when it has read.
 */
static bool choked(const struct worker *worker, const struct flow *flow)
{
	const struct talk *talk = flow_talk(&worker->flows, flow);

	return talk && talk->output.length > OUTPUT_MAX_BYTES;
}

/* The text of the segment (RFC 9293, "seventh"). False where the flow has ended. */
static bool take_payload(struct worker *worker, struct flow *flow, const struct segment *segment)
{
	struct slice bytes = segment->payload;
	uint32_t seq = segment->seq;
	uint32_t room;

	if (flow->state != FLOW_ESTABLISHED && flow->state != FLOW_FIN_WAIT_1 && flow->state != FLOW_FIN_WAIT_2)
		return true; /* behind the client's FIN */
	if (seq_before(seq, flow->rcv_nxt)) {
		uint32_t known = flow->rcv_nxt - seq;

		tcp_ack_later(worker, flow);
		if (known >= bytes.length)
			return true;
		seq = flow->rcv_nxt;
		bytes.bytes += known;
		bytes.length -= known;
	}
	if (!seq_before(seq, flow->rcv_edge)) {
		tcp_ack_later(worker, flow);
		return true;
	}
	if (choked(worker, flow)) {
		tcp_ack_later(worker, flow);
		return true;
	}
	room = flow->rcv_edge - seq;
	if (bytes.length > room)
		bytes.length = room;
	if (flow->flags & FLOW_FIN_HELD) {
		const struct talk *talk = flow_talk(&worker->flows, flow);

		if (!seq_before(seq, talk->fin_seq))
			return true;
		if (bytes.length > talk->fin_seq - seq)
			bytes.length = talk->fin_seq - seq;
	}
	tcp_ack_later(worker, flow);
	if (seq == flow->rcv_nxt)
		return in_order(worker, flow, bytes);
	early(worker, flow, seq, bytes);
	return true;
}

/* Notes the client's FIN, which may have come before its bytes. */
static void note_fin(struct worker *worker, struct flow *flow, const struct segment *segment)
{
	uint32_t seq = segment->seq + (uint32_t)segment->payload.length;
	struct talk *talk;

	if (flow->flags & FLOW_FIN_HELD || flow->state == FLOW_CLOSE_WAIT || flow->state == FLOW_CLOSING ||
	    flow->state == FLOW_LAST_ACK || flow->state == FLOW_TIME_WAIT)
		return;
	if (seq_before(seq, flow->rcv_nxt) || seq_after(seq, flow->rcv_edge))
		return; /* behind the window, or before bytes that were taken */
	talk = flow_need_talk(worker, flow);
	talk->fin_seq = seq;
	flow->flags |= FLOW_FIN_HELD;
}

/* The client's FIN is next (RFC 9293, "eighth"). False where the flow has ended. */
static bool take_fin(struct worker *worker, struct flow *flow)
{
	const struct talk *talk = flow_talk(&worker->flows, flow);

	if (!(flow->flags & FLOW_FIN_HELD) || flow->rcv_nxt != talk->fin_seq)
		return true;
	flow->flags &= (uint16_t)~FLOW_FIN_HELD;
	flow->rcv_nxt++;
	tcp_ack_later(worker, flow);
	switch (flow->state) {
	case FLOW_ESTABLISHED:
		flow_enter_state(worker, flow, FLOW_CLOSE_WAIT);
		break;
	case FLOW_FIN_WAIT_1:
		flow_enter_state(worker, flow, FLOW_CLOSING);
		break;
	case FLOW_FIN_WAIT_2:
		flow_enter_state(worker, flow, FLOW_TIME_WAIT);
		return true;
	default:
		return true;
	}
	if (!dialogue_half_closed(worker, flow))
		return false;
	if (worker->settings.replay) { /* only this side is heard: there is no more to come */
		flow_close(worker, flow, FLOW_END_fin);
		return false;
	}
	return true;
}

static void answer(struct worker *worker, struct flow *flow)
{
	tcp_output(worker, flow);
	if (flow->flags & FLOW_ACK_NOW && flow->flags & FLOW_ACK_PENDING)
		tcp_send_ack(worker, flow);
	else if (flow->flags & FLOW_WINDOW_SHUT && !(flow->flags & FLOW_ACK_PENDING) && flow->state != FLOW_TIME_WAIT)
		tcp_reopen(worker, flow);
	flow->flags &= (uint16_t)~FLOW_ACK_NOW;
	flow_schedule(worker, flow);
}

void tcp_input(struct worker *worker, struct flow *flow, const struct segment *segment)
{
	if (segment->flags & TCP_RST) {
		take_reset(worker, flow, segment);
		return;
	}
	if (segment->flags & TCP_SYN) {
		tcp_challenge(worker, flow); /* RFC 5961, 4.2 */
		return;
	}
	if (stale(flow, segment) || !acceptable(flow, segment)) {
		refuse(worker, flow, segment);
		return;
	}
	if (!(segment->flags & TCP_ACK))
		return;
	if (!worker->settings.replay && !tcp_acknowledged(worker, flow, segment))
		return;
	flow->heard = (uint32_t)worker->tick;
	if (segment->has_timestamps && flow->flags & FLOW_TIMESTAMPS && !seq_after(segment->seq, flow->rcv_nxt))
		flow->ts_recent = segment->tsval;
	if (segment->flags & TCP_FIN)
		note_fin(worker, flow, segment);
	if (segment->payload.length && !take_payload(worker, flow, segment))
		return;
	if (!take_fin(worker, flow))
		return;
	answer(worker, flow);
}

/* A segment without a flow: of a predecessor's flow, or of one that has ended. It gets its reset (RFC 9293, 3.10.7.1).
 */
void tcp_stray(struct worker *worker, const struct otori_event *event, const struct flow_key *key,
	       const struct segment *segment)
{
	struct flow flow;
	struct frame frame;

	if (segment->flags & TCP_RST || worker->settings.replay)
		return;
	memset(&flow, 0, sizeof(flow));
	memset(&frame, 0, sizeof(frame));
	flow.key = *key;
	flow.device = event->device;
	flow.port_index = (uint8_t)account_port(worker, key->decoy_port_be);
	memcpy(flow.source_mac, event->source_mac, 6);
	memcpy(flow.decoy_mac, event->destination_mac, 6);
	memcpy(flow.vlan_tci_be, event->vlan_tci_be, sizeof(flow.vlan_tci_be));
	frame.ip_id = worker->ip_id++;
	if (segment->flags & TCP_ACK) {
		frame.seq = segment->ack;
		frame.flags = TCP_RST;
	} else {
		frame.ack = segment->seq + extent(segment) + !!(segment->flags & TCP_SYN);
		frame.flags = TCP_RST | TCP_ACK;
	}
	frame_send(worker, &flow, &frame, NULL);
}
