// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcp_output.c - what leaves: data, acknowledgements, resets, retransmissions, probes (RFC 9293, 3.8; RFC 5681, 6298).
 *
 * In:  flows with output to send. Out: frames. Called by tcp_input.c, tcp_ack.c, flow_life.c and worker.c.
 * May not read what came in.
 *
 * output holds the bytes from snd_una on, so a byte's place in it is its sequence number less snd_una; our FIN has the
 * number behind the last byte. snd_nxt is what goes next, and lies before snd_max while something is sent again.
 */
#include "responder/endpoint.h"

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
	return at + 4;
}

/* The SACK option (RFC 2018, 4): the block of the newest early segment first, then others. */
static uint8_t *put_sack(const struct worker *worker, const struct talk *talk, uint8_t *at, unsigned most)
{
	uint8_t *start = at;
	uint32_t first_from, from, to;
	unsigned blocks = 0;

	at += 4;
	if (!reassembly_block(&worker->runs, &talk->held, talk->last_held_seq, &first_from, &to) &&
	    !reassembly_nth_block(&worker->runs, &talk->held, 0, &first_from, &to))
		return start;
	at = put32(put32(at, first_from), to);
	blocks = 1;
	for (unsigned i = 0; blocks < most && reassembly_nth_block(&worker->runs, &talk->held, i, &from, &to); i++) {
		if (from == first_from)
			continue;
		at = put32(put32(at, from), to);
		blocks++;
	}
	start[0] = start[1] = 1; /* NOP */
	start[2] = 5;
	start[3] = (uint8_t)(2 + 8 * blocks);
	return at;
}

static void put_options(const struct worker *worker, const struct flow *flow, struct frame *frame)
{
	const struct talk *talk = flow_talk(&worker->flows, flow);
	uint8_t *at = frame->options;

	if (flow->flags & FLOW_TIMESTAMPS) {
		*at++ = 1;
		*at++ = 1;
		*at++ = 8;
		*at++ = 10;
		at = put32(at, (uint32_t)worker->tick + flow->ts_offset);
		at = put32(at, flow->ts_recent);
	}
	if (flow->flags & FLOW_SACK && talk && talk->held.runs && !(frame->flags & TCP_RST) && !frame->payload_bytes)
		at = put_sack(worker, talk, at, flow->flags & FLOW_TIMESTAMPS ? 3 : 4);
	frame->option_bytes = (uint8_t)(at - frame->options);
}

uint32_t tcp_segment_bytes(const struct flow *flow)
{
	uint32_t options = flow->flags & FLOW_TIMESTAMPS ? 12 : 0;

	return flow->mss > options + 1 ? flow->mss - options : 1;
}

/* What we can take: nothing from who leaves our answers lying, or where the chunks run short. */
static uint32_t room(const struct worker *worker, const struct flow *flow)
{
	const struct talk *talk = flow_talk(&worker->flows, flow);
	uint32_t spare = worker->chunks.chunks - worker->chunks.used;

	if (talk && talk->output.length > OUTPUT_HIGH_BYTES)
		return 0;
	if (spare < worker->chunks.chunks / 16)
		return spare ? MSS_DEFAULT : 0;
	return WINDOW_BYTES;
}

/*
 * The window field. The right edge never moves back (RFC 9293, 3.8.6.2.1): where there is no room for more, the field
 * says what is left, rounded down, and what lies within the edge is taken all the same.
 */
static uint16_t advertise(const struct worker *worker, struct flow *flow)
{
	uint32_t window = seq_after(flow->rcv_edge, flow->rcv_nxt) ? flow->rcv_edge - flow->rcv_nxt : 0;
	uint32_t wanted = room(worker, flow) >> flow->our_scale;
	uint32_t field = window >> flow->our_scale;

	if (wanted > 0xffff)
		wanted = 0xffff;
	if (wanted > field) {
		field = wanted;
		window = field << flow->our_scale;
		if (seq_after(flow->rcv_nxt + window, flow->rcv_edge))
			flow->rcv_edge = flow->rcv_nxt + window;
	}
	if (field > 0xffff)
		field = 0xffff;
	if (window < flow->mss)
		flow->flags |= FLOW_WINDOW_SHUT;
	else
		flow->flags &= (uint16_t)~FLOW_WINDOW_SHUT;
	return (uint16_t)field;
}

/* Everything with ACK leaves here. offset: of the payload in the output. */
static bool emit(struct worker *worker, struct flow *flow, unsigned flags, uint32_t seq, uint32_t offset,
		 uint32_t bytes)
{
	struct talk *talk = flow_talk(&worker->flows, flow);
	struct frame frame;

	frame.seq = seq;
	frame.ack = flow->rcv_nxt;
	frame.flags = (uint8_t)(flags | TCP_ACK);
	frame.window = advertise(worker, flow);
	frame.ip_id = flow->ip_id++;
	frame.payload_offset = offset;
	frame.payload_bytes = bytes;
	put_options(worker, flow, &frame);
	flow->flags &= (uint16_t) ~(FLOW_ACK_PENDING | FLOW_SEGMENT_UNACKED);
	return frame_send(worker, flow, &frame, talk ? &talk->output : NULL);
}

void tcp_send_ack(struct worker *worker, struct flow *flow)
{
	emit(worker, flow, 0, flow->snd_max, 0, 0);
}

void tcp_reopen(struct worker *worker, struct flow *flow)
{
	uint32_t kept = seq_after(flow->rcv_edge, flow->rcv_nxt) ? flow->rcv_edge - flow->rcv_nxt : 0;

	if (room(worker, flow) >= kept + 2u * flow->mss)
		tcp_send_ack(worker, flow);
}

void tcp_ack_later(struct worker *worker, struct flow *flow)
{
	if (flow->flags & FLOW_ACK_PENDING)
		return;
	flow->flags |= FLOW_ACK_PENDING;
	if (worker->acks == ACK_LIST)
		tcp_flush_acks(worker);
	worker->ack_list[worker->acks++] = flow_name(&worker->flows, flow);
}

void tcp_flush_acks(struct worker *worker)
{
	for (uint32_t i = 0; i < worker->acks; i++) {
		struct flow *flow = flow_at(&worker->flows, worker->ack_list[i]);

		if (flow->flags & FLOW_ACK_PENDING) /* not answered meanwhile, nor closed */
			tcp_send_ack(worker, flow);
	}
	worker->acks = 0;
}

void tcp_challenge(struct worker *worker, struct flow *flow)
{
	uint64_t second = worker->now_ns / 1000000000;

	if (worker->settings.replay)
		return;
	if (worker->challenge_second != second) {
		worker->challenge_second = second;
		worker->challenges = 0;
	}
	if (worker->challenges++ < CHALLENGES_PER_SECOND)
		tcp_send_ack(worker, flow);
}

void tcp_send_reset(struct worker *worker, struct flow *flow)
{
	struct frame frame = { .seq = flow->snd_max, .ack = flow->rcv_nxt, .flags = TCP_RST | TCP_ACK };

	frame.ip_id = flow->ip_id++;
	frame_send(worker, flow, &frame, NULL);
}

void tcp_arm_retransmission(struct worker *worker, struct flow *flow)
{
	struct talk *talk = flow_talk(&worker->flows, flow);

	flow->flags |= FLOW_RETRANSMIT;
	flow->flags &= (uint16_t)~FLOW_PERSIST;
	talk->retransmit_at = (uint32_t)worker->tick + talk->rto;
	flow_schedule(worker, flow);
}

static void arm_persist(struct worker *worker, struct flow *flow)
{
	struct talk *talk = flow_talk(&worker->flows, flow);

	if (flow->flags & (FLOW_PERSIST | FLOW_RETRANSMIT))
		return;
	flow->flags |= FLOW_PERSIST;
	talk->retransmit_at = (uint32_t)worker->tick + talk->rto;
	flow_schedule(worker, flow);
}

/* Bytes from seq on up to where the client holds something; *skip where it holds seq itself: the end of that. */
static uint32_t unsacked(const struct talk *talk, uint32_t seq, uint32_t bytes, uint32_t *skip)
{
	*skip = 0;
	for (unsigned i = 0; i < TALK_SACK_RANGES; i++) {
		const struct sack_range *range = &talk->sacked[i];

		if (range->from == range->to)
			continue;
		if (!seq_before(seq, range->from) && seq_before(seq, range->to)) {
			*skip = range->to;
			return 0;
		}
		if (seq_before(seq, range->from) && range->from - seq < bytes)
			bytes = range->from - seq;
	}
	return bytes;
}

static void after_sending(struct worker *worker, struct flow *flow, uint32_t length, bool fin)
{
	struct talk *talk = flow_talk(&worker->flows, flow);

	if (!(flow->flags & FLOW_TIMING) && flow->snd_nxt == flow->snd_max) {
		flow->flags |= FLOW_TIMING; /* only what is sent for the first time is timed (Karn) */
		talk->timed_seq = flow->snd_nxt;
		talk->timed_at = (uint32_t)worker->tick;
	}
	flow->snd_nxt += length + fin;
	if (seq_after(flow->snd_nxt, flow->snd_max))
		flow->snd_max = flow->snd_nxt;
	if (fin && !(flow->flags & FLOW_FIN_SENT)) {
		flow->flags |= FLOW_FIN_SENT;
		if (flow->state == FLOW_ESTABLISHED)
			flow_enter_state(worker, flow, FLOW_FIN_WAIT_1);
		else if (flow->state == FLOW_CLOSE_WAIT)
			flow_enter_state(worker, flow, FLOW_LAST_ACK);
	}
	if (!(flow->flags & FLOW_RETRANSMIT))
		tcp_arm_retransmission(worker, flow);
}

/*
 * How far from snd_una we may send. The first duplicates of an acknowledgement let a new segment out each (limited
 * transmit, RFC 3042), so that a small window brings forth the third.
 */
static uint32_t sendable(const struct flow *flow, const struct talk *talk)
{
	uint32_t window = talk->cwnd;

	if (!(flow->flags & FLOW_RECOVERY) && talk->duplicate_acks && flow->snd_nxt == flow->snd_max)
		window += tcp_segment_bytes(flow) *
			  (talk->duplicate_acks < DUPLICATE_ACKS ? talk->duplicate_acks : DUPLICATE_ACKS - 1);
	return flow->snd_wnd < window ? flow->snd_wnd : window;
}

/* Sends the next segment; false where there is nothing (more) to send now. */
static bool send_next(struct worker *worker, struct flow *flow)
{
	struct talk *talk = flow_talk(&worker->flows, flow);
	uint32_t offset = flow->snd_nxt - flow->snd_una;
	uint32_t window = sendable(flow, talk);
	uint32_t waiting = talk->released > offset ? talk->released - offset : 0;
	uint32_t segment = tcp_segment_bytes(flow);
	uint32_t length = waiting < segment ? waiting : segment;
	uint32_t skip;
	bool fin;

	if (offset >= window || (flow->flags & FLOW_FIN_SENT && flow->snd_nxt == flow->snd_max))
		return false;
	if (seq_before(flow->snd_nxt, flow->snd_max)) {
		length = unsacked(talk, flow->snd_nxt, length, &skip);
		if (skip) {
			flow->snd_nxt = skip;
			return true;
		}
	}
	if (length > window - offset) {
		if (offset) /* rather a whole segment later than a part now (silly window syndrome, RFC 9293, 3.8.6.2.2)
			     */
			return false;
		length = window;
	}
	fin = flow->flags & FLOW_WANTS_CLOSE && offset + length == talk->output.length &&
	      talk->released == talk->output.length;
	if (!length && !fin)
		return false;
	if (!emit(worker, flow, (fin ? TCP_FIN : 0) | (length && length == waiting ? TCP_PSH : 0), flow->snd_nxt,
		  offset, length)) {
		if (!(flow->flags & FLOW_RETRANSMIT))
			tcp_arm_retransmission(worker, flow);
		return false;
	}
	after_sending(worker, flow, length, fin);
	return true;
}

void tcp_output(struct worker *worker, struct flow *flow)
{
	struct talk *talk = flow_talk(&worker->flows, flow);
	bool left;

	if (worker->settings.replay || flow->state == FLOW_TIME_WAIT)
		return;
	if (!talk) {
		if (!(flow->flags & FLOW_WANTS_CLOSE))
			return;
		talk = flow_need_talk(worker, flow);
	}
	while (send_next(worker, flow))
		;
	left = talk->released ||
	       (flow->flags & FLOW_WANTS_CLOSE && !(flow->flags & FLOW_FIN_SENT) && !talk->output.length);
	if (left && flow->snd_una == flow->snd_max && !flow->snd_wnd)
		arm_persist(worker, flow);
}

/* Sends the first unacknowledged segment again; snd_nxt stays where it is (RFC 5681, 3.2). */
static void send_again(struct worker *worker, struct flow *flow, uint32_t seq)
{
	struct talk *talk = flow_talk(&worker->flows, flow);
	uint32_t offset = seq - flow->snd_una;
	uint32_t length = tcp_segment_bytes(flow), skip;
	bool fin;

	if (offset > talk->released)
		return;
	if (length > talk->released - offset)
		length = talk->released - offset;
	if (length > flow->snd_max - seq)
		length = flow->snd_max - seq;
	length = unsacked(talk, seq, length, &skip);
	fin = flow->flags & FLOW_FIN_SENT && offset + length == talk->output.length && !skip;
	if (length || fin)
		emit(worker, flow, fin ? TCP_FIN : 0, seq, offset, length);
	talk->hole_next = seq + length + fin;
	flow->flags &= (uint16_t)~FLOW_TIMING;
}

void tcp_retransmit_first(struct worker *worker, struct flow *flow)
{
	send_again(worker, flow, flow->snd_una);
	tcp_arm_retransmission(worker, flow);
}

/* In recovery, an acknowledgement lets the next hole below what the client holds be filled (RFC 6675, simplified). */
void tcp_retransmit_hole(struct worker *worker, struct flow *flow)
{
	struct talk *talk = flow_talk(&worker->flows, flow);
	uint32_t seq = seq_before(talk->hole_next, flow->snd_una) ? flow->snd_una : talk->hole_next;
	uint32_t highest = flow->snd_una, skip;

	for (unsigned i = 0; i < TALK_SACK_RANGES; i++)
		if (talk->sacked[i].from != talk->sacked[i].to && seq_after(talk->sacked[i].to, highest))
			highest = talk->sacked[i].to;
	for (unsigned i = 0; i < TALK_SACK_RANGES && seq_before(seq, highest); i++) {
		unsacked(talk, seq, 1, &skip);
		if (!skip)
			break;
		seq = skip;
	}
	if (seq_before(seq, highest))
		send_again(worker, flow, seq);
}

/* A zero window is probed with the last byte that was acknowledged: whoever lives must answer it with its window. */
static void probe(struct worker *worker, struct flow *flow)
{
	struct talk *talk = flow_talk(&worker->flows, flow);

	emit(worker, flow, 0, flow->snd_una - 1, 0, 0);
	talk->rto = talk->rto > RTO_MAX_MS / 2 ? RTO_MAX_MS : talk->rto * 2;
	talk->retransmit_at = (uint32_t)worker->tick + talk->rto;
}

void tcp_retransmission_timer(struct worker *worker, struct flow *flow)
{
	struct talk *talk = flow_talk(&worker->flows, flow);
	uint32_t flight = flow->snd_max - flow->snd_una;
	uint32_t segment = tcp_segment_bytes(flow);

	if (flow->flags & FLOW_PERSIST) {
		probe(worker, flow);
		return;
	}
	/* Who shows a shut window and is heard may keep us waiting until a deadline; who is silent may not. */
	if ((flow->snd_wnd || (uint32_t)worker->tick - flow->heard > RTO_MAX_MS / 2) && ++flow->retries > RETRIES_MAX) {
		flow_close(worker, flow, FLOW_END_retransmission);
		return;
	}
	if (flow->retries == 1)
		talk->ssthresh = flight / 2 > 2 * segment ? flight / 2 : 2 * segment;
	else
		memset(talk->sacked, 0,
		       sizeof(talk->sacked)); /* perhaps the client gave up what it held (RFC 2018, 8) */
	talk->cwnd = segment;
	talk->recover = flow->snd_max;
	talk->duplicate_acks = 0;
	talk->rto = talk->rto > RTO_MAX_MS / 2 ? RTO_MAX_MS : talk->rto * 2;
	flow->flags &= (uint16_t) ~(FLOW_RECOVERY | FLOW_TIMING | FLOW_RETRANSMIT);
	flow->snd_nxt = flow->snd_una;
	if (flight && !flow->snd_wnd)
		tcp_retransmit_first(worker, flow); /* the window was shut behind what is under way */
	else
		tcp_output(worker, flow);
}

void tcp_path_mtu(struct worker *worker, struct flow *flow, uint32_t seq, uint32_t mtu)
{
	bool ipv6 = flow->key.shape & OTORI_EVENT_IPV6;
	uint32_t least = ipv6 ? PATH_MTU_MIN_IPV6 : PATH_MTU_MIN_IPV4;
	uint32_t mss;

	/* RFC 5927: only what quotes a segment under way is believed. */
	if (!mtu || seq_before(seq, flow->snd_una) || !seq_before(seq, flow->snd_max))
		return;
	mss = (mtu < least ? least : mtu) - (ipv6 ? 60 : 40);
	if (mss >= flow->mss)
		return;
	flow->mss = (uint16_t)mss;
	flow->snd_nxt = flow->snd_una;
	flow->flags &= (uint16_t)~FLOW_TIMING;
	tcp_output(worker, flow);
}
