/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * limit.bpf.h - how many answers leave in a second: for a source's /24 or /48, and in all.
 *
 * In:  the source's address. Out: may this be answered. Called for SYNs and echo requests before the answer is built.
 * The counters of prefixes are a keyed sketch per CPU: two prefixes may share one, a prefix spread over n CPUs gets up
 * to n times the limit; never less than the limit but for a collision. The global bucket is one for all CPUs, taken in
 * portions.
 */
#ifndef OTORI_LIMIT_BPF_H
#define OTORI_LIMIT_BPF_H

#include "packet.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OTORI_LIMIT_COUNTERS);
	__type(key, __u32);
	__type(value, struct otori_limit);
} limit_sketch SEC(".maps");

/* Answers taken of the global bucket: second in the upper half, count in the lower. */
__u64 limit_taken = 0;

/* Mixes a word under a key, well enough that nobody outside can make two prefixes meet. */
static __always_inline __u64 keyed_mix(__u64 word, const __u64 *key)
{
	word ^= key[0];
	word = (word ^ (word >> 33)) * 0xff51afd7ed558ccdULL;
	word = (word ^ (word >> 33) ^ key[1]) * 0xc4ceb9fe1a85ec53ULL;
	return word ^ (word >> 33);
}

/*
 * The counter of the source's prefix; NULL where there is none (never). Asked for early: its line is under way then
 * while the hashes are made. */
static __always_inline struct otori_limit *limit_counter(const struct packet *p, const __u64 *key)
{
	const __u32 *a = (const __u32 *)p->source.address;
	__u64 prefix = p->ipv6 ? a[0] | ((__u64)(a[1] & bpf_htonl(0xffff0000)) << 32) : a[3] & bpf_htonl(0xffffff00);
	/* multiply-shift: under a secret odd factor no two prefixes meet but by chance */
	__u32 index = (prefix ^ key[0]) * (key[1] | 1) >> 48;

	return bpf_map_lookup_elem(&limit_sketch, &index);
}

/* One more answer to this prefix in this second. */
static __always_inline bool limit_prefix_allows(const struct packet *p, struct otori_limit *counter, __u32 limit)
{
	if (!counter)
		return false;
	if (counter->second != p->second) {
		counter->second = p->second;
		counter->count = 0;
	}
	if (counter->count >= limit)
		return false;
	counter->count++;
	return true;
}

/* Takes a portion of the global bucket; how many answers it allows. */
static __always_inline __u32 limit_take_portion(__u32 second, __u32 limit)
{
	__u32 portion = limit < 8192 ? 1 : 64;

	for (int attempt = 0; attempt < 4; attempt++) {
		__u64 old = *(volatile __u64 *)&limit_taken;
		__u64 fresh = old >> 32 == second ? old : (__u64)second << 32;

		if ((__u32)fresh >= limit)
			return 0;
		if (__sync_val_compare_and_swap(&limit_taken, old, fresh + portion) == old)
			return portion;
	}
	return 0;
}

static __always_inline bool limit_global_allows(struct packet *p, __u32 limit)
{
	struct otori_limit *mine = &p->portion;

	if (mine->second != p->second || !mine->count) {
		mine->second = p->second;
		mine->count = limit_take_portion(p->second, limit);
		if (!mine->count)
			return false;
	}
	mine->count--;
	return true;
}

/* May the source of this packet be answered now? Takes what it allows. */
static __always_inline bool limit_allows(struct packet *p, const struct otori_settings *set,
					 struct otori_limit *counter)
{
	if (set->limit_per_prefix && !limit_prefix_allows(p, counter, set->limit_per_prefix))
		return false;
	return !set->limit_global || limit_global_allows(p, set->limit_global);
}

#endif
