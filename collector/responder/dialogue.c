// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dialogue.c - between a flow and its conversation.
 *
 * In:  in-order bytes and the client's FIN. Out: bytes in the flow's output queue, delays, wishes to close.
 * Called by tcp_input.c and flow_life.c. May not look into segments or frames.
 *
 * A conversation exists from the first byte on (at once where the server speaks first), so that a silent flow costs
 * none.
 */
#include "responder/endpoint.h"

/* Applies what a call asked for; before: length of the output before the call. False where the flow has ended. */
static bool obey(struct worker *worker, struct flow *flow, const struct conversation_result *result, uint32_t before)
{
	struct talk *talk = flow_talk(&worker->flows, flow);
	uint32_t made = talk->output.length - before;

	talk->bytes_out += made;
	if (!worker->sends) {
		/* A replay (or no sink): the recorded server's answers went where ours can't. */
		byte_queue_clear(&worker->chunks, &talk->output);
		talk->released = 0;
		if (worker->settings.replay)
			return true;
	}
	if (result->abort) {
		flow_close(worker, flow, FLOW_END_aborted);
		return false;
	}
	if (result->close)
		flow->flags |= FLOW_WANTS_CLOSE;
	if (flow->flags & FLOW_DELAYED)
		return true; /* what is held back keeps what follows in order */
	if (made && result->delay_ms) {
		flow->flags |= FLOW_DELAYED;
		talk->release_at = (uint32_t)worker->tick + result->delay_ms;
	} else {
		talk->released = talk->output.length;
	}
	return true;
}

/* Every conversation is in use: one that belongs to the prefix with the most of them makes room. */
static struct conversation *begin_with_eviction(struct worker *worker, struct flow *flow,
						struct conversation_result *result)
{
	struct talk *talk = flow_talk(&worker->flows, flow);
	struct conversation_start start = { .access = flow->access, .started_at_ns = flow->started_at_ns };
	struct conversation *conversation;
	struct flow *victim;

	start.endpoints = flow_endpoints(flow);
	conversation = conversation_begin(&worker->conversations, &start, worker->now_ns, &talk->output, result);
	if (conversation)
		return conversation;
	victim = flow_victim(&worker->flows, &worker->random, (uint32_t)worker->tick, true);
	if (!victim)
		return NULL;
	flow_close(worker, victim, FLOW_END_evicted);
	return conversation_begin(&worker->conversations, &start, worker->now_ns, &talk->output, result);
}

bool dialogue_begin(struct worker *worker, struct flow *flow)
{
	struct talk *talk = flow_need_talk(worker, flow);
	struct conversation_result result = { 0 };

	talk->conversation = begin_with_eviction(worker, flow, &result);
	if (talk->conversation)
		return obey(worker, flow, &result, 0);
	/* Not recorded: what the client goes on to say would be missing, and the ledger shows the shortage. */
	flow->flags |= FLOW_RECORDED;
	account_flow(worker, flow, TERM_open, -1);
	account_flow(worker, flow, TERM_lost_pool_exhausted, 1);
	flow_close(worker, flow, FLOW_END_evicted);
	return false;
}

bool dialogue_input(struct worker *worker, struct flow *flow, struct slice bytes)
{
	struct talk *talk = flow_need_talk(worker, flow);
	struct conversation_result result = { 0 };
	struct byte_queue unsaid = { 0 };
	bool closing = flow->flags & FLOW_WANTS_CLOSE;
	uint32_t before;

	if (!talk->bytes_in)
		talk->first_segment_bytes = (uint32_t)bytes.length;
	talk->bytes_in += bytes.length;
	if (flow->flags & FLOW_RECORDED)
		return true;
	if (!talk->conversation && !dialogue_begin(worker, flow))
		return false;
	before = talk->output.length;
	/* Once we have said that we close, nothing more can be said, but what the client says is still listened to. */
	conversation_input(&worker->conversations, talk->conversation, bytes, worker->now_ns,
			   closing ? &unsaid : &talk->output, &result);
	byte_queue_clear(&worker->chunks, &unsaid);
	return closing ? true : obey(worker, flow, &result, before);
}

bool dialogue_half_closed(struct worker *worker, struct flow *flow)
{
	struct talk *talk = flow_need_talk(worker, flow);
	struct conversation_result result = { 0 };
	uint32_t before = talk->output.length;

	if (flow->flags & (FLOW_RECORDED | FLOW_WANTS_CLOSE))
		return true;
	if (!talk->conversation) {
		flow->flags |= FLOW_WANTS_CLOSE;
		return true;
	}
	conversation_half_closed(&worker->conversations, talk->conversation, worker->now_ns, &talk->output, &result);
	return obey(worker, flow, &result, before);
}
