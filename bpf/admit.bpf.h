/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * admit.bpf.h - finding a flow in the admission table, entering one, and noting its FINs.
 *
 * In:  the flow's hash. Out: map admission (otori/admission.h). Called by otori.bpf.c, icmp.bpf.h, and emit.bpf.h,
 * which enters a flow only once the ring has taken its event. Every change is one compare-and-exchange of a slot.
 */
#ifndef OTORI_ADMIT_BPF_H
#define OTORI_ADMIT_BPF_H

#include "packet.bpf.h"
#include "otori/kfunc.h"

#define NO_SLOT 0xffffffff

/* True where the kernel module has the kfuncs: then its guard must learn of every flow. Set before load. */
const volatile bool kernel_admission = false;

static __always_inline void flow_of(const struct packet *p, struct otori_flow *flow)
{
	copy16(flow->stranger, p->source.address);
	copy16(flow->decoy, p->destination.address);
	flow->stranger_port_be = p->source_port_be;
	flow->decoy_port_be = p->destination_port_be;
	flow->vlan[0] = bpf_ntohs(p->vlan_tci_be[0]) & 0xfff;
	flow->vlan[1] = bpf_ntohs(p->vlan_tci_be[1]) & 0xfff;
}

/* Enters the flow into the module's table. False where that is full. */
static __always_inline bool kernel_enter(const struct packet *p, __u32 idle_seconds)
{
	struct otori_flow flow;

	flow_of(p, &flow);
	return otori_flow_enter(&flow, idle_seconds, p->tcp_flags & TCP_FIN ? OTORI_FLOW_THEIR_FIN : 0) ==
	       OTORI_FLOW_ENTERED;
}

static __always_inline void kernel_touch(const struct packet *p)
{
	struct otori_flow flow;

	flow_of(p, &flow);
	otori_flow_touch(&flow, (p->tcp_flags & TCP_FIN ? OTORI_FLOW_THEIR_FIN : 0) |
					(p->tcp_flags & TCP_RST ? OTORI_FLOW_THEIR_RST : 0));
}

static __always_inline struct otori_bucket *bucket_of(__u64 flow_hash)
{
	__u32 index = (__u32)flow_hash & admission_mask;

	return bpf_map_lookup_elem(&admission, &index);
}

/*
 * The flow's slot: sets p->slot_word (0 = there is none) and p->slot, returns the slot's state, OTORI_SLOT_FREE where
 * the flow is not known.
 */
static __always_inline __u32 admission_find(struct packet *p)
{
	struct otori_bucket *bucket = bucket_of(p->flow.hash);
	__u32 tag = p->flow.hash >> 32;
	__u64 found = 0, place = 0;

	p->slot_word = 0;
	p->slot = NO_SLOT;
	if (!bucket)
		return OTORI_SLOT_FREE;
#pragma unroll
	for (__u32 i = 0; i < OTORI_BUCKET_SLOTS; i++) {
		__u64 word = *(volatile __u64 *)&bucket->slot[i];

		if ((__u32)word == tag) {
			found = word;
			place = i;
		}
	}
	if (otori_slot_vacant(found, p->second))
		return OTORI_SLOT_FREE;
	p->slot_word = found;
	p->slot = ((__u32)p->flow.hash & admission_mask) * OTORI_BUCKET_SLOTS + (__u32)place;
	return otori_slot_state(found);
}

/*
 * How gladly a slot is given away; 0 = not at all. The flow's own tombstone first, then what is vacant, then a live
 * flow past the idle deadline, then the oldest tombstone (a replayed ACK of it may open a ghost: documented).
 */
static __always_inline __u32 slot_worth(__u64 word, __u32 tag, __u32 second, __u32 idle_seconds)
{
	__u32 age = otori_slot_age(word, second);

	if (otori_slot_state(word) == OTORI_SLOT_LIVE) {
		if (replay && otori_slot_tag(word) == tag)
			return 0x40000; /* a capture's next conversation on the same ports */
		return age > idle_seconds ? 0x20000 : 0;
	}
	if (otori_slot_state(word) == OTORI_SLOT_FREE)
		return 0x30000;
	if (otori_slot_tag(word) == tag)
		return 0x40000;
	return age > OTORI_TOMBSTONE_SECONDS ? 0x30000 : 1 + age;
}

#define ENTER_AGAIN 0xfffffffe /* another CPU was faster */

/*
 * One attempt to enter the word fresh into the bucket: the place, NO_SLOT where it is full, or ENTER_AGAIN. What the
 * best place is lies in lent memory, whose values the verifier doesn't follow: else it walks all ways through eight
 * slots.
 */
static __always_inline __u32 admission_try(struct packet *p, struct otori_bucket *bucket, __u64 fresh,
					   __u32 idle_seconds)
{
	__u32 place;
	__u64 old;

	p->best = 0;
	p->best_place = 0;
	p->best_word = 0;
	for (__u32 i = 0; i < OTORI_BUCKET_SLOTS; i++) {
		__u64 word = *(volatile __u64 *)&bucket->slot[i];
		__u32 worth = slot_worth(word, otori_slot_tag(fresh), p->second, idle_seconds);

		if (worth > *(volatile __u32 *)&p->best) {
			*(volatile __u32 *)&p->best = worth;
			*(volatile __u8 *)&p->best_place = i;
			*(volatile __u64 *)&p->best_word = word;
		}
	}
	if (!*(volatile __u32 *)&p->best)
		return NO_SLOT;
	place = *(volatile __u8 *)&p->best_place & (OTORI_BUCKET_SLOTS - 1);
	old = *(volatile __u64 *)&p->best_word;
	return __sync_val_compare_and_swap(&bucket->slot[place], old, fresh) == old ? place : ENTER_AGAIN;
}

/*
 * Enters the flow as live. Sets p->slot; returns NO_SLOT where the bucket is full. Two attempts by hand: of a loop here
 * clang makes a backward fall-through, which 6.1 takes for none that ends. Who loses two races in a row is refused, and
 * comes again.
 */
__noinline __u32 admission_enter(struct packet *p, __u32 idle_seconds)
{
	struct otori_bucket *bucket;
	__u64 fresh;
	__u32 place;

	if (!p)
		return NO_SLOT;
	bucket = bucket_of(p->flow.hash);
	if (!bucket)
		return NO_SLOT;
	/* first: a flow that the module's guard would not let answer must not be opened */
	if (kernel_admission && !kernel_enter(p, idle_seconds))
		return NO_SLOT;
	fresh = otori_slot_live(p->flow.hash, p->second, p->ring, p->ack - 1);
	if (p->tcp_flags & TCP_FIN)
		fresh |= OTORI_SLOT_THEIR_FIN;
	place = admission_try(p, bucket, fresh, idle_seconds);
	if (place == ENTER_AGAIN)
		place = admission_try(p, bucket, fresh, idle_seconds);
	if (place >= OTORI_BUCKET_SLOTS)
		return NO_SLOT;
	p->slot = ((__u32)p->flow.hash & admission_mask) * OTORI_BUCKET_SLOTS + place;
	return p->slot;
}

/*
 * A segment of a known flow came: its slot was seen now, and a FIN or RST is noted. Written only when something
 * changes, so at most once a second. A lost race is harmless: the other side has touched the slot, or replaced it.
 *
 * After a RST of the stranger's nothing of ours would tell the guard that the flow is over, and its slot would be held
 * until the idle deadline. Whether the RST is in place only the responder knows (RFC 5961 3); a forged one costs
 * little: of a tombstone, too, segments pass in both directions while they come.
 */
static __always_inline void admission_touch(const struct packet *p)
{
	struct otori_bucket *bucket;
	__u64 word = otori_slot_touched(p->slot_word, p->second);

	if ((p->tcp_flags & TCP_FIN) && !(word & OTORI_SLOT_THEIR_FIN)) {
		word |= OTORI_SLOT_THEIR_FIN;
		if (word & OTORI_SLOT_OUR_FIN)
			word = otori_slot_closed(word);
	}
	if ((p->tcp_flags & TCP_RST) && otori_slot_state(word) == OTORI_SLOT_LIVE)
		word = otori_slot_closed(word);
	if (word == p->slot_word)
		return;
	if (kernel_admission)
		kernel_touch(p);
	bucket = bucket_of(p->flow.hash);
	if (bucket)
		__sync_val_compare_and_swap(&bucket->slot[p->slot & (OTORI_BUCKET_SLOTS - 1)], p->slot_word, word);
}

#endif
