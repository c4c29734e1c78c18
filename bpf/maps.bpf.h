/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * maps.bpf.h - the maps that the XDP program and the tc guard share.
 *
 * In:  nothing. Out: pinned maps by name (formats: otori/datapath.h, admission.h). Included by otori.bpf.c and
 * guard.bpf.c only; a map that one of them needs alone stands in its own header. The collector sets max_entries of
 * admission before load.
 */
#ifndef OTORI_MAPS_BPF_H
#define OTORI_MAPS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#include "otori/admission.h"
#include "otori/datapath.h"
#include "otori/guard_rule.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, OTORI_MAX_PREFIXES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct otori_prefix);
	__type(value, struct otori_decoy);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} decoys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, otori_port_index);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct otori_keys);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct otori_settings);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} settings SEC(".maps");

/* Mmapable so that the values start at a page and a bucket at a cache line. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct otori_bucket);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} admission SEC(".maps");

/* The guard's verdicts, by OTORI_GUARD_*; XDP's own answers are counted here as well. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OTORI_GUARD_VERDICT_COUNT);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} guard_counters SEC(".maps");

/* Buckets of the admission table minus one; the number of buckets is a power of two. */
const volatile __u32 admission_mask = 16383;

/* The decoys, where they are few enough to be compared one by one; else count is 0. */
const volatile struct otori_few_decoys few_decoys = {};

/*
 * A prefix whose address lies at a multiple of eight. Addresses are written as two words of eight bytes, as the LPM
 * lookup reads them: written by fours, each of its reads would wait until the stores have left the store buffer (four
 * lookups: 20 ns and more).
 */
struct aligned_prefix {
	__u32 unused;
	struct otori_prefix prefix;
} __attribute__((aligned(8)));

/* IPv4 in mapped form. prefix: the one of an aligned_prefix, or in struct packet. */
static __always_inline void prefix_ipv4(struct otori_prefix *prefix, __be32 address)
{
	__u64 *words = (__u64 *)prefix->address;

	prefix->prefix_bits = 128;
	words[0] = 0;
	words[1] = bpf_htonl(0xffff) | (__u64)address << 32;
}

static __always_inline void prefix_ipv6(struct otori_prefix *prefix, const void *address)
{
	__u64 *words = (__u64 *)prefix->address;

	prefix->prefix_bits = 128;
	words[0] = *(const __u64 *)address;
	words[1] = *(const __u64 *)(address + 8);
}

static __always_inline bool prefix_equal(const struct otori_prefix *a, const struct otori_prefix *b)
{
	const __u64 *x = (const __u64 *)a->address, *y = (const __u64 *)b->address;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]));
}

/* An offset in a frame, masked: the verifier forgets what the compiler knows of its size. 14 + 2 tags are below 32. */
static __always_inline __u64 offset_of_l3(__u64 offset)
{
	asm volatile("" : "+r"(offset));
	return offset & 31;
}

static __always_inline __u64 offset_of_l4(__u64 offset)
{
	asm volatile("" : "+r"(offset));
	return offset & 1023;
}

static __always_inline struct otori_settings *settings_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

static __always_inline struct otori_keys *keys_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&keys, &zero);
}

/* Index of a decoy port among the counters, 0 = no decoy port. */
static __always_inline __u8 port_index_of(__be16 port_be)
{
	__u32 port = bpf_ntohs(port_be);
	otori_port_index *index = bpf_map_lookup_elem(&ports, &port);

	return index && *index < OTORI_MAX_PORTS ? *index : 0;
}

static __always_inline bool is_few_decoy(const __u64 *words, __u32 i)
{
	return !(((words[0] ^ few_decoys.prefix[i].address[0]) & few_decoys.prefix[i].mask[0]) |
		 ((words[1] ^ few_decoys.prefix[i].address[1]) & few_decoys.prefix[i].mask[1]));
}

/* OTORI_DECOY_* of an address (a whole key of 128 bits), 0 = no decoy. */
static __always_inline __u8 decoy_kind_of(const struct otori_prefix *address)
{
	struct otori_decoy *decoy;

	if (few_decoys.count) {
#pragma unroll
		for (__u32 i = 0; i < OTORI_FEW_DECOYS && i < few_decoys.count; i++)
			if (is_few_decoy((const __u64 *)address->address, i))
				return few_decoys.prefix[i].kind;
		return 0;
	}
	decoy = bpf_map_lookup_elem(&decoys, address);
	return decoy ? decoy->kind : 0;
}

/* Seconds since 1970 by the cheap clock. */
static __always_inline __u64 settings_now_ns(const struct otori_settings *set)
{
	return bpf_jiffies64() * set->ns_per_jiffy + set->clock_offset_ns;
}

#endif
