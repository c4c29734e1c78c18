// SPDX-License-Identifier: GPL-2.0-only
/*
 * admission.c - who wrote first: the table of flows that the XDP program has admitted.
 *
 * In:  flows from admission_bpf.c (enter, touch), outgoing segments from guard.c. Out: is this
 * segment an answer. The table can be written by nobody else. Used under RCU, on all processors at
 * once and without a lock; replaced under RTNL. May not decide what a flow may say: the rule does.
 *
 * Buckets of eight words, a cache line each; a flow's hash (SipHash-1-3, a key of our own that
 * nobody can read) chooses the bucket and is the tag. Every change is one compare-and-exchange of a
 * word:
 *
 *      63                          20   19     18   17  16 15         0
 *     | tag: upper bits of the hash | ours | theirs | state | last seen |
 *
 * 44 bits of tag: who sends a million frames a second to random peers waits months for one to pass.
 * Last seen: seconds, modulo 65,536; a slot that has not been seen for 18 hours may be taken for a
 * younger one, which only keeps it.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <linux/timekeeping.h>

#include "otori.h"
#include "admission.h"
#include "otori/admission.h"

#define SLOT_SEEN 0xffffULL
#define SLOT_STATE_SHIFT 16
#define SLOT_STATE (3ULL << SLOT_STATE_SHIFT)
#define SLOT_THEIR_FIN BIT_ULL(18)
#define SLOT_OUR_FIN BIT_ULL(19)
#define SLOT_TAG (~0ULL << 20)

/**
 * struct admission_table - what is open
 * @rcu: frees it
 * @key: of the hash
 * @mask: number of buckets minus one
 * @bucket: the slots
 */
struct admission_table {
	struct rcu_head rcu;
	u64 key[2];
	u32 mask;
	struct otori_bucket bucket[] ____cacheline_aligned;
};

static struct admission_table __rcu *table;

/* Hooks come under rcu_read_lock(); some drivers run XDP with no more than bottom halves off. */
static struct admission_table *table_open(void)
{
	return rcu_dereference_check(table, rcu_read_lock_bh_held());
}

/**
 * otori_admission_prepare() - a table for so many flows; the open one where it has that size
 * @flows: at once; 0 = none
 *
 * Return: the table, NULL where @flows is 0, or -ENOMEM as an error pointer. The open one stays in
 * place until otori_admission_commit(). Called under RTNL, as all of these.
 */
struct admission_table *otori_admission_prepare(u32 flows)
{
	struct admission_table *old = rtnl_dereference(table), *new;
	u32 buckets = roundup_pow_of_two(max(flows, 4U) * 2) / OTORI_BUCKET_SLOTS;

	if (!flows)
		return NULL;
	if (old && old->mask == buckets - 1)
		return old;
	/* No warning in the log: who asked is told. */
	new = kvzalloc(struct_size(new, bucket, buckets), GFP_KERNEL | __GFP_NOWARN);
	if (!new)
		return ERR_PTR(-ENOMEM);
	get_random_bytes(new->key, sizeof(new->key));
	new->mask = buckets - 1;
	return new;
}

/**
 * otori_admission_commit() - opens a table in place of the one that is open
 * @new: of otori_admission_prepare(); NULL = none, every flow is refused
 */
void otori_admission_commit(struct admission_table *new)
{
	struct admission_table *old = rtnl_dereference(table);

	if (old == new)
		return;
	rcu_assign_pointer(table, new);
	if (old)
		kvfree_rcu(old, rcu);
}

/**
 * otori_admission_cancel() - frees a table that is not to be opened
 * @new: of otori_admission_prepare()
 */
void otori_admission_cancel(struct admission_table *new)
{
	if (new != rtnl_dereference(table))
		kvfree(new);
}

/**
 * otori_admission_slots() - slots of the open table, 0 = there is none
 */
u32 otori_admission_slots(void)
{
	const struct admission_table *t = rtnl_dereference(table);

	return t ? (t->mask + 1) * OTORI_BUCKET_SLOTS : 0;
}

static u32 slot_state(u64 word)
{
	return (word & SLOT_STATE) >> SLOT_STATE_SHIFT;
}

static u32 slot_age(u64 word, u32 now)
{
	return (now - (u32)word) & SLOT_SEEN;
}

static u64 slot_seen(u64 word, u32 now)
{
	return (word & ~SLOT_SEEN) | (now & SLOT_SEEN);
}

static u64 slot_closed(u64 word)
{
	return (word & ~SLOT_STATE) | (u64)OTORI_SLOT_TOMBSTONE << SLOT_STATE_SHIFT;
}

static bool slot_vacant(u64 word, u32 now)
{
	u32 state = slot_state(word);

	return state == OTORI_SLOT_FREE ||
	       (state == OTORI_SLOT_TOMBSTONE && slot_age(word, now) > OTORI_TOMBSTONE_SECONDS);
}

static u64 flow_hash(const struct admission_table *t, const struct otori_flow *flow)
{
	bool mapped = !(flow->decoy[0] | flow->decoy[1]) &&
		      flow->decoy[2] == (__force u32)htonl(0xffff);

	return otori_flow_hash(t->key, flow->stranger, flow->decoy, flow->stranger_port_be,
			       flow->decoy_port_be, flow->vlan[0], flow->vlan[1], !mapped);
}

static u64 *slot_find(struct otori_bucket *bucket, u64 hash, u32 now)
{
	unsigned int i;

	for (i = 0; i < OTORI_BUCKET_SLOTS; i++) {
		u64 word = READ_ONCE(bucket->slot[i]);

		if (!((word ^ hash) & SLOT_TAG) && !slot_vacant(word, now))
			return &bucket->slot[i];
	}
	return NULL;
}

/*
 * How gladly a slot is given away, 0 = not at all: the flow's own first, then what is vacant, then
 * a live flow past the idle deadline, then the oldest tombstone. The same order as the map's
 * (bpf/admit.bpf.h).
 */
static u32 slot_worth(u64 word, u64 hash, u32 now, u32 idle_seconds)
{
	u32 age = slot_age(word, now);

	if (slot_state(word) == OTORI_SLOT_FREE)
		return 0x30000;
	if (!((word ^ hash) & SLOT_TAG))
		return 0x40000;
	if (slot_state(word) == OTORI_SLOT_LIVE)
		return age > idle_seconds ? 0x20000 : 0;
	return age > OTORI_TOMBSTONE_SECONDS ? 0x30000 : 1 + age;
}

static int slot_take(struct otori_bucket *bucket, u64 hash, u64 fresh, u32 now, u32 idle_seconds)
{
	unsigned int i, place = 0;
	u32 best = 0;
	u64 old = 0;

	for (i = 0; i < OTORI_BUCKET_SLOTS; i++) {
		u64 word = READ_ONCE(bucket->slot[i]);
		u32 worth = slot_worth(word, hash, now, idle_seconds);

		if (worth > best) {
			best = worth;
			place = i;
			old = word;
		}
	}
	if (!best)
		return -ENOSPC;
	return cmpxchg(&bucket->slot[place], old, fresh) == old ? 0 : -EAGAIN;
}

/**
 * otori_admission_enter() - a flow's handshake is done
 * @flow: its ends
 * @idle_seconds: live flows not seen for longer may go
 * @flags: OTORI_FLOW_THEIR_FIN, where its first segment closes already
 *
 * Return: 0, or OTORI_FLOW_FULL. Who loses two races in a row is refused, and comes again.
 */
int otori_admission_enter(const struct otori_flow *flow, u32 idle_seconds, u32 flags)
{
	struct admission_table *t = table_open();
	u32 now = (u32)ktime_get_seconds();
	struct otori_bucket *bucket;
	u64 hash, fresh;
	int err;

	if (!t)
		return OTORI_FLOW_FULL;
	hash = flow_hash(t, flow);
	bucket = &t->bucket[(u32)hash & t->mask];
	fresh = (hash & SLOT_TAG) | (u64)OTORI_SLOT_LIVE << SLOT_STATE_SHIFT | (now & SLOT_SEEN);
	if (flags & OTORI_FLOW_THEIR_FIN)
		fresh |= SLOT_THEIR_FIN;
	err = slot_take(bucket, hash, fresh, now, idle_seconds);
	if (err == -EAGAIN)
		err = slot_take(bucket, hash, fresh, now, idle_seconds);
	return err ? OTORI_FLOW_FULL : OTORI_FLOW_ENTERED;
}

/* A FIN of one side after the other's, or a RST, turns a live flow into a tombstone. */
static u64 slot_noted(u64 word, u64 fin, bool rst, u32 now)
{
	if (slot_state(word) != OTORI_SLOT_LIVE)
		return word;
	word |= fin;
	if (rst || (word & (SLOT_THEIR_FIN | SLOT_OUR_FIN)) == (SLOT_THEIR_FIN | SLOT_OUR_FIN))
		word = slot_seen(slot_closed(word), now);
	return word;
}

/**
 * otori_admission_touch() - a segment of the flow came in
 * @flow: its ends
 * @flags: OTORI_FLOW_THEIR_*
 *
 * Return: 0, or -ENOENT where there is no such flow.
 */
int otori_admission_touch(const struct otori_flow *flow, u32 flags)
{
	struct admission_table *t = table_open();
	u32 now = (u32)ktime_get_seconds();
	u64 *slot, hash, old, word;

	if (!t)
		return -ENOENT;
	hash = flow_hash(t, flow);
	slot = slot_find(&t->bucket[(u32)hash & t->mask], hash, now);
	if (!slot)
		return -ENOENT;
	old = READ_ONCE(*slot);
	word = slot_noted(slot_seen(old, now), flags & OTORI_FLOW_THEIR_FIN ? SLOT_THEIR_FIN : 0,
			  flags & OTORI_FLOW_THEIR_RST, now);
	/* A lost race is harmless: the other side has touched the slot, or replaced it. */
	if (word != old && !((old ^ hash) & SLOT_TAG))
		cmpxchg(slot, old, word);
	return 0;
}

/**
 * otori_admission_answers() - does this segment belong to a flow whose stranger wrote first?
 * @p: an outgoing TCP segment; a FIN or RST of ours is noted
 */
bool otori_admission_answers(const struct otori_packet *p)
{
	struct admission_table *t = table_open();
	u32 now = (u32)ktime_get_seconds();
	struct otori_flow flow;
	u8 flags = p->frame.tcp_flags;
	u64 *slot, hash, old, word;

	if (!t)
		return false;
	memcpy(flow.stranger, p->destination, 16);
	memcpy(flow.decoy, p->source, 16);
	flow.stranger_port_be = (__force u16)htons(p->destination_port);
	flow.decoy_port_be = (__force u16)htons(p->source_port);
	flow.vlan[0] = p->vlan[0];
	flow.vlan[1] = p->vlan[1];
	hash = flow_hash(t, &flow);
	slot = slot_find(&t->bucket[(u32)hash & t->mask], hash, now);
	if (!slot)
		return false;
	old = READ_ONCE(*slot);
	word = slot_noted(old, flags & (OTORI_GUARD_FIN | OTORI_GUARD_RST) ? SLOT_OUR_FIN : 0,
			  flags & OTORI_GUARD_RST, now);
	if (word != old && !((old ^ hash) & SLOT_TAG))
		cmpxchg(slot, old, word);
	return true;
}
