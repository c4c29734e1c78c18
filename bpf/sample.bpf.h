/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sample.bpf.h - which SYNs go up the ring, and with what probability.
 *
 * In:  a SYN that is about to be answered. Out: an event with the probability it was taken with, or none. Called by
 * otori.bpf.c. The probability falls by itself, in a straight line, from the configured one at a ring half full to none
 * at a full ring, so that a flood of SYNs leaves room for the conversations.
 */
#ifndef OTORI_SAMPLE_BPF_H
#define OTORI_SAMPLE_BPF_H

#include "emit.bpf.h"

#define SAMPLE_ALL 0xffffffffu
#define SAMPLE_LOOK_EVERY 16 /* SYNs between two looks at the ring: a look reads the consumer's cache line */

struct sample_share {
	__u32 countdown;
	__u32 share; /* of the configured probability; 65536 = all of it */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OTORI_MAX_RINGS);
	__type(key, __u32);
	__type(value, struct sample_share);
} sample_shares SEC(".maps");

/* How much of the probability the ring's state leaves. */
static __always_inline __u32 share_of_ring(__u32 number)
{
	void *ring = bpf_map_lookup_elem(&rings, &number);
	__u64 half, used;

	if (!ring)
		return 0;
	half = bpf_ringbuf_query(ring, BPF_RB_RING_SIZE) >> 1;
	used = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
	if (used <= half || !half)
		return 65536;
	return used >= 2 * half ? 0 : (__u32)((2 * half - used) * 65536 / half);
}

static __always_inline __u32 sample_probability(const struct packet *p, __u32 configured)
{
	__u32 number = p->ring;
	struct sample_share *s = bpf_map_lookup_elem(&sample_shares, &number);

	if (!s)
		return 0;
	if (!s->countdown) {
		s->countdown = SAMPLE_LOOK_EVERY;
		s->share = share_of_ring(number);
	}
	s->countdown--;
	return s->share >= 65536 ? configured : (__u32)((__u64)configured * s->share >> 16);
}

/*
 * Takes a sample, or not. Result bits without a verdict. Data on the SYN stays out: the frame has its answer's length
 * already, and no handshake vouches for it.
 */
static __always_inline __u32 sample(struct xdp_md *ctx, struct packet *p, const struct otori_settings *set)
{
	__u32 probability = set->sample_probability, result;

	if (!probability)
		return 0;
	probability = replay ? SAMPLE_ALL : sample_probability(p, probability);

	if (!probability || (probability != SAMPLE_ALL && bpf_get_prandom_u32() >= probability))
		return 0;
	p->slot = probability;
	p->event = OTORI_EVENT_syn;
	p->payload_bytes = 0;
	p->verify = 0;
	result = emit(ctx, p, 0);
	if ((result & RESULT_VERDICT) == RESULT_TAKEN)
		return EMITTED(OTORI_EVENT_syn) | RESULT_SAMPLED;
	return result & RESULT_RING_FULL ? EMITTED(OTORI_EVENT_syn) | RESULT_RING_FULL : 0;
}

#endif
