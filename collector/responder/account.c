// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * account.c - the worker's counts in the page that outlives it.
 *
 * In:  terms of the ledger with minute, port and family. Out: the page. Called by the files of the endpoint.
 * May not send or record.
 *
 * Terms go into the slot of their minute; the slot is cleared when a later minute comes to it. A term of a minute that
 * has lost its slot goes to the minute that holds it now: account() says which, and a flow remembers that one.
 */
#include <arpa/inet.h>

#include "responder/endpoint.h"

uint32_t minute_of(uint64_t time_ns)
{
	return (uint32_t)(time_ns / 60000000000ull);
}

static struct responder_minute *slot_of(struct worker *worker, uint32_t minute)
{
	struct responder_minute *slot = &worker->mine->minutes[minute % RESPONDER_MINUTES];

	if (__builtin_expect(slot->minute >= minute, 1))
		return slot;
	/* The supervisor reads beside us: it must not take old figures for the new minute's. */
	__atomic_store_n(&slot->minute, 0, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	memset(slot->terms, 0, sizeof(slot->terms));
	__atomic_store_n(&slot->minute, minute, __ATOMIC_RELEASE);
	return slot;
}

uint32_t account(struct worker *worker, uint32_t minute, unsigned port_index, bool ipv6, enum responder_term term,
		 int64_t delta)
{
	struct responder_minute *slot = slot_of(worker, minute);
	uint64_t *figure = &slot->terms[port_index][ipv6][term];

	__atomic_store_n(figure, *figure + (uint64_t)delta, __ATOMIC_RELAXED);
	return slot->minute;
}

void account_flow(struct worker *worker, const struct flow *flow, enum responder_term term, int64_t delta)
{
	account(worker, flow->minute, flow->port_index, flow->key.shape & OTORI_EVENT_IPV6, term, delta);
}

void account_frame(struct worker *worker, const struct flow *flow, enum responder_term term)
{
	account(worker, minute_of(worker->now_ns), flow->port_index, flow->key.shape & OTORI_EVENT_IPV6, term, 1);
}

void account_records_begin(struct worker *worker)
{
	worker->records_counted = worker->records.records;
}

void account_records(struct worker *worker)
{
	uint32_t made = worker->records.records - worker->records_counted;

	worker->records_counted = worker->records.records;
	if (made)
		account(worker, minute_of(worker->now_ns), 0, false, TERM_records_made, made);
}

void account_pools(struct worker *worker)
{
	struct responder_worker_page *mine = worker->mine;

	mine->flows_open = worker->flows.used_flows;
	mine->flow_pool = worker->flows.size;
	mine->chunks_used = worker->chunks.used;
	mine->chunk_pool = worker->chunks.chunks;
	mine->conversations_used = worker->conversations.used;
	mine->conversation_pool = worker->conversations.conversations;
	mine->segment = worker->segment;
}

unsigned account_port(const struct worker *worker, uint16_t port_be)
{
	uint16_t port = ntohs(port_be);

	for (unsigned i = 1; i < OTORI_MAX_PORTS; i++)
		if (worker->page->ports[i] == port && port)
			return i;
	return 0;
}

/* By what was opened and not by the gauge, since a kill may have come between the two. */
static void bury(uint64_t *terms)
{
	uint64_t ended = terms[TERM_recorded];
	uint64_t written = terms[TERM_records_journalled] + terms[TERM_records_shed];

#define ADD_LOSS(name) ended += terms[TERM_lost_##name];
	RESPONDER_LOSSES(ADD_LOSS)
	if (terms[TERM_opened] > ended)
		terms[TERM_lost_crash] += terms[TERM_opened] - ended;
	terms[TERM_open] = 0;
	if (terms[TERM_records_made] > written)
		terms[TERM_records_shed] += terms[TERM_records_made] - written;
}

/* What a predecessor that died left open is lost, and what it had not handed to the journal is shed. */
void account_recover(struct worker *worker)
{
	struct responder_worker_page *mine = worker->mine;

	for (unsigned m = 0; m < RESPONDER_MINUTES; m++)
		for (unsigned i = 0; i < OTORI_MAX_PORTS; i++)
			for (unsigned family = 0; family < 2; family++)
				bury(mine->minutes[m].terms[i][family]);
	if (mine->in_hand_sequence)
		mine->in_hand_deaths++;
}
