// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * guard.bpf.c - the tc egress program: nothing but answers leaves.
 *
 * In:  every frame that leaves a sensor's interface by way of the qdisc. Out: passed or dropped, counted by reason.
 * Attached by the supervisor before the first answer, and watched. May not change a frame; it marks flows closed in the
 * admission table. Frames that bypass the qdisc or are sent by XDP don't come here: the former the responder can't make
 * (seccomp), the latter go through transmit.bpf.h.
 */
#include "maps.bpf.h"
#include "guard_parse.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define GUARD_LINEAR_BYTES 150 /* 14 + 2 tags + IPv6 + some extension headers + TCP */

/* The slot of the flow that the frame answers, 0 = there is none. */
static __always_inline __u64 *guard_slot(const struct guard_packet *g, const struct otori_prefix *source, __u32 second)
{
	__u32 zero = 0, index;
	struct otori_keys *key = bpf_map_lookup_elem(&keys, &zero);
	struct otori_bucket *bucket;
	__u64 hash;

	if (!key)
		return NULL;
	hash = otori_flow_hash(key->admission, (const __u32 *)g->destination.prefix.address,
			       (const __u32 *)source->address, g->destination_port_be, g->source_port_be, g->vlan[0],
			       g->vlan[1], g->frame.shape == OTORI_SHAPE_IPV6);
	index = (__u32)hash & admission_mask;
	bucket = bpf_map_lookup_elem(&admission, &index);
	if (!bucket)
		return NULL;
	for (__u32 i = 0; i < OTORI_BUCKET_SLOTS; i++) {
		__u64 word = *(volatile __u64 *)&bucket->slot[i];

		if (otori_slot_tag(word) == (__u32)(hash >> 32) && !otori_slot_vacant(word, second))
			return &bucket->slot[i];
	}
	return NULL;
}

/* Our RST closes the flow; so does our FIN after theirs. */
static __always_inline void guard_note(__u64 *slot, __u32 flags, __u32 second)
{
	__u64 old = *(volatile __u64 *)slot, word = old;

	if (otori_slot_state(old) != OTORI_SLOT_LIVE || !(flags & (OTORI_GUARD_RST | OTORI_GUARD_FIN)))
		return;
	word |= OTORI_SLOT_OUR_FIN;
	if ((flags & OTORI_GUARD_RST) || (word & OTORI_SLOT_THEIR_FIN))
		word = otori_slot_touched(otori_slot_closed(word), second);
	if (word != old)
		__sync_val_compare_and_swap(slot, old, word);
}

/* Headers may lie in the skb's fragments. Not inlined, or clang computes on the context pointer. */
static __noinline int guard_pull(struct __sk_buff *skb)
{
	__u32 bytes = skb->len;

	if (skb->data_end - skb->data >= GUARD_LINEAR_BYTES)
		return 0;
	return bpf_skb_pull_data(skb, bytes < GUARD_LINEAR_BYTES ? bytes : GUARD_LINEAR_BYTES);
}

SEC("tc")
int otori_guard(struct __sk_buff *skb)
{
	struct otori_settings *set = settings_get();
	struct aligned_prefix source = {};
	struct guard_packet g = {};
	enum otori_guard_verdict verdict;
	void *data, *end;
	__u64 *slot = NULL;
	__u32 second;

	guard_pull(skb);
	data = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	if (skb->vlan_present) {
		g.vlan[0] = skb->vlan_tci & 0xfff;
		g.vlan_count = 1;
	}
	guard_parse(&g, &source.prefix, data, end, NULL, 0, 0, 0);
	g.frame.origin = skb->mark == OTORI_TRANSMIT_MARK ? OTORI_ORIGIN_RESPONDER : OTORI_ORIGIN_HOST;
	second = set ? (__u32)(settings_now_ns(set) / 1000000000) : 0;
	if (g.frame.origin == OTORI_ORIGIN_RESPONDER && g.frame.plain && g.frame.has_port) {
		slot = guard_slot(&g, &source.prefix, second);
		g.frame.admitted = slot != NULL;
	}
	verdict = otori_guard_rule(&g.frame);
	guard_count(verdict);
	if (!otori_guard_passes(verdict))
		return 2; /* TC_ACT_SHOT */
	if (slot)
		guard_note(slot, g.frame.tcp_flags, second);
	return -1; /* TC_ACT_UNSPEC: what else is attached has its say */
}
