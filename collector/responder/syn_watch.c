// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * syn_watch.c - sampled SYNs: one record each, and sums by source, port and quarter of an hour.
 *
 * In:  syn events. Out: records. Called by worker.c. May not know flows.
 *
 * The table is a set-associative cache: a key has WAYS places, found by a keyed hash.
 */
#include "responder/syn_watch.h"

#include <errno.h>
#include <stdlib.h>

#include "record/syn_tools.h"

#define SETS 4096
#define WAYS 4
#define FLUSH_NS 60000000000ull
/* A two-phase scanner comes back within 1 to 3 s, over IPv6 markedly later (PROTOCOLS, "TCP"). */
#define TWO_PHASE_NS 10000000000ull
#define QUARTER_NS 900000000000ull

struct sum {
	struct record_syn_source source; /* syns 0 = free */
	uint64_t stateless_ns;		 /* when a stateless SYN was last seen, 0 = never */
};

struct syn_watch {
	uint64_t secret[2];
	uint64_t due_ns;
	uint32_t held;
	uint32_t cursor;
	struct sum sums[SETS * WAYS];
};

int syn_watch_open(struct syn_watch **watch, const uint64_t secret[2])
{
	*watch = calloc(1, sizeof(**watch));
	if (!*watch)
		return -ENOMEM;
	(*watch)->secret[0] = secret[0];
	(*watch)->secret[1] = secret[1];
	return 0;
}

void syn_watch_close(struct syn_watch *watch)
{
	free(watch);
}

/* A keyed mix (two multiplications): only the choice of a set hangs on it, and a full set costs no more than early
 * records. */
static uint32_t set_of(const struct syn_watch *watch, const struct record_syn_source *key)
{
	uint64_t words[2];
	uint64_t mixed;

	memcpy(words, key->source.bytes, 16);
	mixed = (words[0] ^ watch->secret[0]) * 0x9e3779b97f4a7c15ull;
	mixed ^= mixed >> 29;
	mixed = (mixed ^ words[1] ^ watch->secret[1] ^ key->decoy_port) * 0xbf58476d1ce4e5b9ull;
	return (uint32_t)(mixed >> 40) % SETS;
}

static bool same(const struct record_syn_source *a, const struct record_syn_source *b)
{
	return a->quarter_ns == b->quarter_ns && a->decoy_port == b->decoy_port &&
	       address_equal(&a->source, &b->source);
}

static void write_out(struct syn_watch *watch, struct sum *sum, struct record_buffer *records)
{
	record_append_syn_source(records, &sum->source);
	sum->source.syns = 0;
	watch->held--;
}

static struct sum *place_for(struct syn_watch *watch, const struct record_syn_source *key,
			     struct record_buffer *records)
{
	struct sum *set = &watch->sums[set_of(watch, key) * WAYS];
	struct sum *least = &set[0];

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].source.syns && same(&set[i].source, key))
			return &set[i];
		if (set[i].source.syns < least->source.syns)
			least = &set[i];
	}
	if (least->source.syns)
		write_out(watch, least, records);
	least->source = *key;
	least->stateless_ns = 0;
	watch->held++;
	return least;
}

static void note_tools(struct sum *sum, const struct record_syn_sample *sample)
{
	uint32_t tools = syn_tools(sample);

	if (tools || !sample->options.length)
		sum->stateless_ns = sample->seen_at_ns;
	else if (sum->stateless_ns && sample->seen_at_ns - sum->stateless_ns <= TWO_PHASE_NS)
		tools |= SYN_TWO_PHASE;
	sum->source.tools |= tools;
}

void syn_watch_event(struct syn_watch *watch, const struct otori_event *event, const struct endpoints *endpoints,
		     struct slice options, uint64_t now_ns, struct record_buffer *records)
{
	struct record_syn_sample sample = { .seen_at_ns = event->time_ns, .endpoints = *endpoints };
	struct record_syn_source key = { .source = endpoints->source, .decoy_port = endpoints->decoy_port };
	uint32_t probability = event->slot ? event->slot : 1;
	struct sum *sum;

	sample.probability = probability;
	sample.seq = event->seq;
	sample.window = event->window;
	sample.ip_id = event->ip_id;
	sample.ttl = event->ttl;
	sample.dont_fragment = !!(event->flags & OTORI_EVENT_DONT_FRAGMENT);
	sample.options = options;
	record_append_syn_sample(records, &sample);
	key.quarter_ns = event->time_ns / QUARTER_NS * QUARTER_NS;
	if (!watch->held)
		watch->due_ns = now_ns + FLUSH_NS;
	sum = place_for(watch, &key, records);
	sum->source.syns++;
	sum->source.estimated += (double)UINT32_MAX / probability;
	note_tools(sum, &sample);
}

uint64_t syn_watch_due(const struct syn_watch *watch)
{
	return watch->held ? watch->due_ns : UINT64_MAX;
}

bool syn_watch_flush(struct syn_watch *watch, size_t room_bytes, struct record_buffer *records)
{
	for (unsigned looked = 0; watch->held && looked < SETS * WAYS; looked++) {
		if (records->capacity - records->length < room_bytes)
			return false;
		if (watch->sums[watch->cursor].source.syns)
			write_out(watch, &watch->sums[watch->cursor], records);
		watch->cursor = (watch->cursor + 1) % (SETS * WAYS);
	}
	return true;
}
