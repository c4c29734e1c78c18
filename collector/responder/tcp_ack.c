// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcp_ack.c - what the client's acknowledgements say: round trips, congestion, windows, our FIN (RFC 9293, 3.10.7.4
 * "fifth"; RFC 5681, 5961, 6298, 6582).
 *
 * In:  acceptable segments with ACK. Out: a shorter output queue, a moved window, retransmissions. Called by
 * tcp_input.c. May not look at payload.
 */
#include "responder/endpoint.h"

static void measure(struct talk *talk, uint32_t rtt)
{
	int32_t error;

	if (!rtt)
		rtt = 1; /* ticks are coarse; 0 stands for "not measured" */
	if (rtt > RTO_MAX_MS)
		rtt = RTO_MAX_MS;
	if (!talk->srtt) {
		talk->srtt = rtt << 3;
		talk->rttvar = rtt << 1;
	} else {
		error = (int32_t)rtt - (int32_t)(talk->srtt >> 3);
		talk->srtt = (uint32_t)((int32_t)talk->srtt + error);
		if (error < 0)
			error = -error;
		talk->rttvar = (uint32_t)((int32_t)talk->rttvar + error - (int32_t)(talk->rttvar >> 2));
		if (!talk->srtt)
			talk->srtt = 1;
	}
}

/* The timeout without backoff (RFC 6298, 2). */
static uint32_t timeout(const struct talk *talk)
{
	uint32_t rto = talk->srtt ? (talk->srtt >> 3) + talk->rttvar : RTO_FIRST_MS;

	if (rto < RTO_MIN_MS)
		return RTO_MIN_MS;
	return rto > RTO_MAX_MS ? RTO_MAX_MS : rto;
}

static void grow_window(struct flow *flow, struct talk *talk, uint32_t acked)
{
	uint32_t segment = tcp_segment_bytes(flow);

	if (talk->cwnd >= 1u << 30)
		return;
	if (talk->cwnd < talk->ssthresh)
		talk->cwnd += acked < 2 * segment ? acked : 2 * segment;
	else
		talk->cwnd += segment * segment / talk->cwnd ? segment * segment / talk->cwnd : 1;
}

/* An acknowledgement of new data within fast recovery (RFC 6582, 3.2, step 3). */
static void recover_on(struct worker *worker, struct flow *flow, struct talk *talk, uint32_t acked)
{
	uint32_t segment = tcp_segment_bytes(flow);

	if (!seq_before(flow->snd_una, talk->recover)) {
		flow->flags &= (uint16_t)~FLOW_RECOVERY;
		talk->cwnd = talk->ssthresh;
		talk->duplicate_acks = 0;
		return;
	}
	talk->cwnd = talk->cwnd > acked + segment ? talk->cwnd - acked + segment : 2 * segment;
	if (flow->flags & FLOW_SACK && !seq_before(talk->hole_next, flow->snd_una))
		tcp_retransmit_hole(worker, flow);
	else
		tcp_retransmit_first(worker, flow);
}

static void drop_acknowledged(struct worker *worker, struct flow *flow, struct talk *talk, uint32_t acked)
{
	uint32_t bytes = acked < talk->output.length ? acked : talk->output.length;

	byte_queue_drop(&worker->chunks, &talk->output, bytes);
	talk->released -= bytes < talk->released ? bytes : talk->released;
	for (unsigned i = 0; i < TALK_SACK_RANGES; i++) {
		struct sack_range *range = &talk->sacked[i];

		if (!seq_after(range->to, flow->snd_una))
			range->from = range->to = 0;
		else if (seq_before(range->from, flow->snd_una))
			range->from = flow->snd_una;
	}
}

static void advance(struct worker *worker, struct flow *flow, uint32_t ack)
{
	struct talk *talk = flow_need_talk(worker, flow);
	uint32_t acked = ack - flow->snd_una;

	if (flow->flags & FLOW_TIMING && seq_after(ack, talk->timed_seq)) {
		measure(talk, (uint32_t)worker->tick - talk->timed_at);
		flow->flags &= (uint16_t)~FLOW_TIMING;
	}
	flow->snd_una = ack;
	if (seq_before(flow->snd_nxt, ack))
		flow->snd_nxt = ack;
	flow->retries = 0;
	talk->rto = timeout(talk);
	drop_acknowledged(worker, flow, talk, acked);
	if (flow->snd_una == flow->snd_max)
		flow->flags &= (uint16_t)~FLOW_RETRANSMIT;
	else
		tcp_arm_retransmission(worker, flow);
	if (flow->flags & FLOW_RECOVERY)
		recover_on(worker, flow, talk, acked);
	else {
		talk->duplicate_acks = 0;
		grow_window(flow, talk, acked);
	}
}

/* Keeps the newest ranges; a range that touches another is joined with it. */
static void note_sack(struct flow *flow, struct talk *talk, struct sack_range range)
{
	unsigned place = TALK_SACK_RANGES;

	if (!seq_after(range.to, range.from) || seq_before(range.from, flow->snd_una) ||
	    seq_after(range.to, flow->snd_max))
		return; /* also D-SACK (RFC 2883), which says nothing about holes */
	for (unsigned i = 0; i < TALK_SACK_RANGES; i++) {
		struct sack_range *known = &talk->sacked[i];

		if (known->from == known->to) {
			place = i;
			continue;
		}
		if (seq_after(range.from, known->to) || seq_before(range.to, known->from))
			continue;
		if (seq_before(known->from, range.from))
			range.from = known->from;
		if (seq_after(known->to, range.to))
			range.to = known->to;
		known->from = known->to = 0;
		place = i;
	}
	if (place == TALK_SACK_RANGES) /* all taken: what is forgotten is at worst sent once more */
		place = range.from % TALK_SACK_RANGES;
	talk->sacked[place] = range;
}

/* Three; fewer where so little is under way, and nothing can follow, that three can't come (early retransmit, RFC
 * 5827). */
static unsigned duplicates_needed(const struct flow *flow, const struct talk *talk, uint32_t flight)
{
	unsigned segments = (flight + tcp_segment_bytes(flow) - 1) / tcp_segment_bytes(flow);

	if (segments > DUPLICATE_ACKS || talk->released > flight)
		return DUPLICATE_ACKS;
	return segments < 2 ? 1 : segments - 1;
}

static void duplicate(struct worker *worker, struct flow *flow, struct talk *talk)
{
	uint32_t segment = tcp_segment_bytes(flow);
	uint32_t flight = flow->snd_max - flow->snd_una;

	if (flow->flags & FLOW_RECOVERY) {
		talk->cwnd += segment;
		if (flow->flags & FLOW_SACK)
			tcp_retransmit_hole(worker, flow);
		return;
	}
	if (talk->duplicate_acks < 255)
		talk->duplicate_acks++;
	/* Not again for losses of a window that a timeout has already answered (RFC 6582, 3.2, step 1). */
	if (talk->recover && !seq_after(flow->snd_una, talk->recover) && flow->snd_nxt != flow->snd_max)
		return;
	if (talk->duplicate_acks != duplicates_needed(flow, talk, flight))
		return;
	talk->ssthresh = flight / 2 > 2 * segment ? flight / 2 : 2 * segment;
	talk->cwnd = talk->ssthresh + DUPLICATE_ACKS * segment;
	talk->recover = flow->snd_max;
	flow->flags |= FLOW_RECOVERY;
	tcp_retransmit_first(worker, flow);
}

static void take_window(struct flow *flow, const struct segment *segment)
{
	if (!seq_before(flow->snd_wl1, segment->seq) &&
	    (flow->snd_wl1 != segment->seq || seq_after(flow->snd_wl2, segment->ack)))
		return;
	flow->snd_wnd = (uint32_t)segment->window << flow->peer_scale;
	flow->snd_wl1 = segment->seq;
	flow->snd_wl2 = segment->ack;
	if (flow->snd_wnd)
		flow->flags &= (uint16_t)~FLOW_PERSIST;
}

/* Our FIN has been acknowledged. False where the flow has ended by it. */
static bool fin_acknowledged(struct worker *worker, struct flow *flow)
{
	switch (flow->state) {
	case FLOW_FIN_WAIT_1:
		flow_enter_state(worker, flow, FLOW_FIN_WAIT_2);
		return true;
	case FLOW_CLOSING:
		flow_enter_state(worker, flow, FLOW_TIME_WAIT);
		return true;
	case FLOW_LAST_ACK:
		flow_close(worker, flow, FLOW_END_fin);
		return false;
	default:
		return true;
	}
}

bool tcp_acknowledged(struct worker *worker, struct flow *flow, const struct segment *segment)
{
	struct talk *talk = flow_talk(&worker->flows, flow);
	uint32_t window_before = flow->snd_wnd;

	/* RFC 5961, 5.2: neither what we never sent nor what is older than any window. */
	if (seq_after(segment->ack, flow->snd_max) ||
	    seq_before(segment->ack, flow->snd_una - (0xffffu << flow->peer_scale))) {
		tcp_challenge(worker, flow);
		return false;
	}
	take_window(flow, segment);
	if (talk && !window_before && flow->snd_wnd)
		talk->rto = timeout(talk); /* probing has backed it off */
	if (talk && flow->flags & FLOW_SACK)
		for (unsigned i = 0; i < segment->sack_ranges; i++)
			note_sack(flow, talk, segment->sack[i]);
	if (seq_after(segment->ack, flow->snd_una))
		advance(worker, flow, segment->ack);
	else if (talk && segment->ack == flow->snd_una && flow->snd_una != flow->snd_max && !segment->payload.length &&
		 !(segment->flags & TCP_FIN) && window_before == flow->snd_wnd)
		duplicate(worker, flow, talk);
	if (flow->flags & FLOW_FIN_SENT && flow->snd_una == flow->snd_max)
		return fin_acknowledged(worker, flow);
	return true;
}
