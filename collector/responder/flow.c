// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * flow.c - the flows of one worker: pools, the keyed hash table, and who goes when the pool is full.
 *
 * In:  4-tuples with VLAN ids. Out: struct flow. Called by worker.c, tcp_input.c, tcp_output.c.
 * May not send, look at a clock, or know what is said on a flow.
 */
#include "responder/flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/mman.h>

#include "../../include/otori/siphash.h"

#define VICTIM_DRAWS 32

static void *map_lazily(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void unmap(void *memory, size_t bytes)
{
	if (memory)
		munmap(memory, bytes);
}

int flow_table_open(struct flow_table *table, uint32_t flows, const uint64_t secret[2])
{
	uint32_t heads = 64;

	memset(table, 0, sizeof(*table));
	if (!flows || flows > 1u << 28)
		return -EINVAL;
	while (heads < flows)
		heads *= 2;
	table->size = flows;
	table->mask = heads - 1;
	table->secret[0] = secret[0];
	table->secret[1] = secret[1];
	table->flows = map_lazily(flows * sizeof(struct flow));
	table->talks = map_lazily(flows * sizeof(struct talk));
	table->heads = map_lazily(heads * sizeof(uint32_t));
	table->prefixes = map_lazily(FLOW_PREFIX_BUCKETS * sizeof(uint32_t));
	if (table->flows && table->talks && table->heads && table->prefixes)
		return 0;
	flow_table_close(table);
	return -ENOMEM;
}

void flow_table_close(struct flow_table *table)
{
	unmap(table->flows, table->size * sizeof(struct flow));
	unmap(table->talks, table->size * sizeof(struct talk));
	unmap(table->heads, (table->mask + 1ull) * sizeof(uint32_t));
	unmap(table->prefixes, FLOW_PREFIX_BUCKETS * sizeof(uint32_t));
	memset(table, 0, sizeof(*table));
}

void flow_key_of(const struct otori_event *event, struct flow_key *key)
{
	unsigned tags = (event->flags & OTORI_EVENT_VLAN_COUNT) >> OTORI_EVENT_VLAN_COUNT_SHIFT;

	memset(key, 0, sizeof(*key));
	memcpy(key->source, event->source, sizeof(key->source));
	memcpy(key->decoy, event->destination, sizeof(key->decoy));
	key->source_port_be = event->source_port_be;
	key->decoy_port_be = event->destination_port_be;
	for (unsigned i = 0; i < tags && i < 2; i++)
		key->vlan_id[i] = ntohs(event->vlan_tci_be[i]) & 0xfff;
	key->shape = event->flags & FLOW_SHAPE;
}

static uint64_t keyed_hash(const uint64_t secret[2], const uint64_t *words, unsigned count)
{
	__u64 key[2] = { secret[0], secret[1] };
	struct otori_siphash hash;

	otori_siphash_start(&hash, key);
	for (unsigned i = 0; i < count; i++)
		otori_siphash_word(&hash, words[i]);
	otori_siphash_word(&hash, (uint64_t)count << 59);
	return otori_siphash_end(&hash);
}

uint32_t flow_hash(const struct flow_table *table, const struct flow_key *key)
{
	uint64_t words[6];
	unsigned count = 0;

	if (key->shape & OTORI_EVENT_IPV6) {
		memcpy(words, key->source, 32);
		count = 4;
	} else {
		memcpy(words, key->source, 4);
		memcpy((uint8_t *)words + 4, key->decoy, 4);
		count = 1;
	}
	memcpy(words + count, &key->source_port_be, 8); /* both ports and both ids */
	count++;
	return (uint32_t)keyed_hash(table->secret, words, count);
}

void flow_prefetch_head(const struct flow_table *table, uint32_t hash)
{
	__builtin_prefetch(&table->heads[hash & table->mask], 1);
}

void flow_prefetch(const struct flow_table *table, uint32_t hash)
{
	uint32_t name = table->heads[hash & table->mask];

	if (name) {
		const uint8_t *flow = (const uint8_t *)flow_at(table, name);

		__builtin_prefetch(flow, 1);
		__builtin_prefetch(flow + 64, 1);
		__builtin_prefetch(flow + 128, 1);
	}
}

struct flow *flow_find(const struct flow_table *table, const struct flow_key *key, uint32_t hash)
{
	uint32_t name = table->heads[hash & table->mask];

	while (name) {
		struct flow *flow = flow_at(table, name);

		if (flow->hash == hash && !memcmp(&flow->key, key, sizeof(*key)))
			return flow;
		name = flow->hash_next;
	}
	return NULL;
}

/* The bucket of the source's /24 or /48. */
static uint16_t prefix_bucket(const struct flow_table *table, const struct flow_key *key)
{
	uint64_t word = 0;

	memcpy(&word, key->source, key->shape & OTORI_EVENT_IPV6 ? 6 : 3);
	return (uint16_t)keyed_hash(table->secret, &word, 1);
}

struct flow *flow_new(struct flow_table *table, const struct flow_key *key, uint32_t hash)
{
	uint32_t name = table->free_flow;
	struct flow *flow;

	if (name)
		table->free_flow = flow_at(table, name)->hash_next;
	else if (table->never_used_flow < table->size)
		name = ++table->never_used_flow;
	else
		return NULL;
	flow = flow_at(table, name);
	memset(flow, 0, sizeof(*flow));
	flow->key = *key;
	flow->hash = hash;
	flow->hash_next = table->heads[hash & table->mask];
	table->heads[hash & table->mask] = name;
	flow->timer.user = prefix_bucket(table, key);
	table->prefixes[flow->timer.user]++;
	table->used_flows++;
	return flow;
}

void flow_free(struct flow_table *table, struct flow *flow)
{
	uint32_t name = flow_name(table, flow);
	uint32_t *link = &table->heads[flow->hash & table->mask];

	while (*link && *link != name)
		link = &flow_at(table, *link)->hash_next;
	if (*link)
		*link = flow->hash_next;
	table->prefixes[flow->timer.user]--;
	table->used_flows--;
	flow->state = FLOW_FREE;
	flow->hash_next = table->free_flow;
	table->free_flow = name;
}

struct talk *talk_new(struct flow_table *table, struct flow *flow)
{
	uint32_t name = table->free_talk;
	struct talk *talk;

	if (name)
		table->free_talk = table->talks[name - 1].free_next;
	else
		name = ++table->never_used_talk;
	talk = &table->talks[name - 1];
	memset(talk, 0, sizeof(*talk));
	table->used_talks++;
	flow->talk = name;
	return talk;
}

void talk_free(struct flow_table *table, struct flow *flow)
{
	if (!flow->talk)
		return;
	table->talks[flow->talk - 1].free_next = table->free_talk;
	table->free_talk = flow->talk;
	table->used_talks--;
	flow->talk = 0;
}

static uint64_t random_next(uint64_t *state) /* xorshift64*: fairness needs no more */
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

struct flow *flow_drawn(const struct flow_table *table, uint64_t *random)
{
	if (!table->never_used_flow)
		return NULL;
	return &table->flows[(uint32_t)((random_next(random) >> 32) * table->never_used_flow >> 32)];
}

struct flow *flow_victim(const struct flow_table *table, uint64_t *random, uint32_t now, bool talking)
{
	struct flow *best = NULL;
	uint32_t best_count = 0;
	unsigned tries = 8 * VICTIM_DRAWS;

	if (!table->used_flows)
		return NULL;
	for (unsigned drawn = 0; drawn < VICTIM_DRAWS && tries; tries--) {
		struct flow *flow = flow_drawn(table, random);
		uint32_t count;

		if (flow->state == FLOW_FREE || (talking && !(flow->talk && flow_talk(table, flow)->conversation)))
			continue;
		drawn++;
		count = table->prefixes[flow->timer.user];
		if (!best || count > best_count || (count == best_count && now - flow->heard > now - best->heard)) {
			best = flow;
			best_count = count;
		}
	}
	return best;
}
