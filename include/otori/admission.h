/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * admission.h - the table of admitted flows: how a flow is named, and what its eight bytes say.
 *
 * In:  addresses, ports and VLAN ids of a segment. Out: the flow's hash, and the slot's fields. The XDP program writes
 * the table (map "admission"), the guard reads it and marks flows closed, status counts it. May not touch a map itself.
 *
 * A slot is one 64-bit word, so that every change is one compare-and-exchange:
 *
 *      63      56 55  52   51     50    49 48 47        32 31                    0
 *     | check    | ring | ours | theirs | state | last seen | tag                 |
 *
 * tag: bits 32 to 63 of the flow hash (bits 0 to 31 choose the bucket). last seen: seconds, modulo 65,536. state:
 * OTORI_SLOT_*. theirs, ours: a FIN of that side was seen. ring: where the flow's events go, chosen at admission.
 * check: low byte of the cookie that opened the flow, by which a replay of the same ACK is told from a new handshake.
 */
#ifndef OTORI_ADMISSION_H
#define OTORI_ADMISSION_H

#include "siphash.h"

#define OTORI_BUCKET_SLOTS 8
#define OTORI_SLOT_FREE 0
#define OTORI_SLOT_LIVE 1
#define OTORI_SLOT_TOMBSTONE 2 /* closed; frames of its last exchange still pass, a replayed ACK opens nothing */
#define OTORI_SLOT_THEIR_FIN (1ULL << 50)
#define OTORI_SLOT_OUR_FIN (1ULL << 51)
#define OTORI_SLOT_STATE_MASK (3ULL << 48)

/* A tombstone not touched for so long is as good as free: its cookie (16 s at most) has expired. */
#define OTORI_TOMBSTONE_SECONDS 30

/* Value of map admission; the map is mmapable, so that a bucket is one cache line. */
struct otori_bucket {
	__u64 slot[OTORI_BUCKET_SLOTS];
};

_Static_assert(sizeof(struct otori_bucket) == 64, "a bucket is a cache line");

static inline __u32 otori_slot_state(__u64 slot)
{
	return (__u32)(slot >> 48) & 3;
}

static inline __u32 otori_slot_ring(__u64 slot)
{
	return (__u32)(slot >> 52) & 15;
}

static inline __u32 otori_slot_check(__u64 slot)
{
	return (__u32)(slot >> 56);
}

static inline __u32 otori_slot_tag(__u64 slot)
{
	return (__u32)slot;
}

/*
 * Seconds since the slot was last seen; wrong by multiples of 65,536, which only lets an old slot live on. A clock that
 * was set back by up to four minutes makes no slot old: it was seen just now.
 */
static inline __u32 otori_slot_age(__u64 slot, __u32 now_seconds)
{
	__u32 age = (now_seconds - (__u32)(slot >> 32)) & 0xffff;

	return age > 0xff00 ? 0 : age;
}

static inline __u64 otori_slot_touched(__u64 slot, __u32 now_seconds)
{
	return (slot & ~(0xffffULL << 32)) | ((__u64)(now_seconds & 0xffff) << 32);
}

static inline __u64 otori_slot_closed(__u64 slot)
{
	return (slot & ~OTORI_SLOT_STATE_MASK) | ((__u64)OTORI_SLOT_TOMBSTONE << 48);
}

/* A fresh live slot. */
static inline __u64 otori_slot_live(__u64 flow_hash, __u32 now_seconds, __u32 ring, __u32 check)
{
	return (flow_hash >> 32) | ((__u64)(now_seconds & 0xffff) << 32) | ((__u64)OTORI_SLOT_LIVE << 48) |
	       ((__u64)(ring & 15) << 52) | ((__u64)(check & 0xff) << 56);
}

/* A slot that nothing needs any more: free, or a tombstone whose time is over. */
static inline int otori_slot_vacant(__u64 slot, __u32 now_seconds)
{
	__u32 state = otori_slot_state(slot);

	return state == OTORI_SLOT_FREE ||
	       (state == OTORI_SLOT_TOMBSTONE && otori_slot_age(slot, now_seconds) > OTORI_TOMBSTONE_SECONDS);
}

/* A flow, taken in by SipHash: what names it, and the state from which its cookie grows (cookie.h). Both are secret. */
struct otori_hashed_flow {
	struct otori_siphash state; /* after the flow's words, before the end */
	__u64 hash;
};

/*
 * The keyed hash that names a flow: SipHash-1-3 over the stranger's and the decoy's address, both ports, and the 12-bit
 * VLAN ids (untagged and id 0 are the same network). Addresses and ports as they stand on the wire; of an IPv4 address
 * in mapped form (::ffff:a.b.c.d) only word 3 is used.
 */
static inline __attribute__((always_inline)) void otori_flow_name(struct otori_hashed_flow *flow, const __u64 *key,
								  const __u32 *stranger, const __u32 *decoy,
								  __u16 stranger_port_be, __u16 decoy_port_be,
								  __u32 vlan_outer, __u32 vlan_inner, int ipv6)
{
	__u64 last = stranger_port_be | ((__u64)decoy_port_be << 16) | ((__u64)(vlan_outer & 0xfff) << 32) |
		     ((__u64)(vlan_inner & 0xfff) << 44);
	struct otori_siphash s;

	otori_siphash_start(&s, key);
	if (ipv6) {
		otori_siphash_word(&s, stranger[0] | ((__u64)stranger[1] << 32));
		otori_siphash_word(&s, stranger[2] | ((__u64)stranger[3] << 32));
		otori_siphash_word(&s, decoy[0] | ((__u64)decoy[1] << 32));
		otori_siphash_word(&s, decoy[2] | ((__u64)decoy[3] << 32));
		otori_siphash_word(&s, last | (39ULL << 56));
	} else {
		otori_siphash_word(&s, stranger[3] | ((__u64)decoy[3] << 32));
		otori_siphash_word(&s, last | (15ULL << 56));
	}
	flow->state = s;
	flow->hash = otori_siphash_end(&s);
}

/* The hash alone. */
static inline __attribute__((always_inline)) __u64 otori_flow_hash(const __u64 *key, const __u32 *stranger,
								   const __u32 *decoy, __u16 stranger_port_be,
								   __u16 decoy_port_be, __u32 vlan_outer,
								   __u32 vlan_inner, int ipv6)
{
	struct otori_hashed_flow flow;

	otori_flow_name(&flow, key, stranger, decoy, stranger_port_be, decoy_port_be, vlan_outer, vlan_inner, ipv6);
	return flow.hash;
}

#endif
