/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * count.bpf.h - exact counters, per CPU: since load, and of the minute.
 *
 * In:  a packet whose port, family and kind are known; later its result. Out: maps port_counters and minute_counters.
 * Called by otori.bpf.c only: once on entry (seen, kind), once at the end (verdict). May not drop or change anything.
 */
#ifndef OTORI_COUNT_BPF_H
#define OTORI_COUNT_BPF_H

#include "packet.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OTORI_MAX_PORTS);
	__type(key, __u32);
	__type(value, struct otori_port_counters);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} port_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OTORI_MINUTE_SLOTS *OTORI_MAX_PORTS);
	__type(key, __u32);
	__type(value, struct otori_minute_counters);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} minute_counters SEC(".maps");

/* The two sets of figures a packet is counted in. */
struct tally {
	struct otori_counters *total;
	struct otori_counters *minute;
};

/* Another minute's figures lie in the slot: clear them. At most once a minute, port and CPU. */
static __noinline int minute_begin(struct otori_minute_counters *slot, __u32 minute)
{
	__u64 *word = (__u64 *)&slot->ipv4;

	for (__u32 i = 0; i < 2 * sizeof(struct otori_counters) / sizeof(__u64); i++)
		word[i] = 0;
	slot->minute = minute;
	return 0;
}

static __always_inline void count_entry(struct otori_counters *c, const struct packet *p)
{
	__u64 *kinds = &c->kind_syn;
	__u64 kind = p->kind;

	asm volatile("" : "+r"(kind)); /* so that the comparison bounds the index itself */
	c->seen++;
	c->seen_bytes += p->frame_bytes;
	if (kind < OTORI_KIND_COUNT)
		kinds[kind]++;
}

/* Counts the packet as seen and finds its figures. False where a map is not what it must be (never, after load). */
static __always_inline bool count_seen(const struct packet *p, struct tally *tally)
{
	__u32 index = p->port_index & (OTORI_MAX_PORTS - 1);
	struct otori_port_counters *total = bpf_map_lookup_elem(&port_counters, &index);
	struct otori_minute_counters *minute;

	index += (p->minute & (OTORI_MINUTE_SLOTS - 1)) * OTORI_MAX_PORTS;
	minute = bpf_map_lookup_elem(&minute_counters, &index);
	if (!total || !minute)
		return false;
	if (minute->minute != p->minute)
		minute_begin(minute, p->minute);
	tally->total = p->ipv6 ? &total->ipv6 : &total->ipv4;
	tally->minute = p->ipv6 ? &minute->ipv6 : &minute->ipv4;
	count_entry(tally->total, p);
	count_entry(tally->minute, p);
	return true;
}

/* A field of struct otori_counters as its number among the words. */
#define COUNTER(field) (__builtin_offsetof(struct otori_counters, field) / sizeof(__u64))
#define COUNTERS (sizeof(struct otori_counters) / sizeof(__u64))

static __always_inline void count_one(struct tally *tally, __u32 number)
{
	__u64 at = number;

	asm volatile("" : "+r"(at)); /* so that the comparison bounds the index itself */
	if (at >= COUNTERS)
		return;
	((__u64 *)tally->total)[at]++;
	((__u64 *)tally->minute)[at]++;
}

/* Which counter a verdict belongs to. */
static __always_inline __u32 counter_of_verdict(__u32 result)
{
	__u32 verdict = result & RESULT_VERDICT;

	_Static_assert(COUNTER(answered) == COUNTER(passed) + RESULT_ANSWERED &&
			       COUNTER(taken) == COUNTER(passed) + RESULT_TAKEN,
		       "verdicts are counted in their order");
	if (verdict != RESULT_REFUSED)
		return COUNTER(passed) + verdict;
	return COUNTER(refused_truncated) + (result >> RESULT_REASON_SHIFT);
}

/* One more of a field whose name is known here: needs no bounds. */
#define count_field(tally, field) \
	do { \
		(tally)->total->field++; \
		(tally)->minute->field++; \
	} while (0)

/* Counts what became of the packet. */
static __always_inline void count_result(struct tally *tally, const struct packet *p, __u32 result)
{
	__u32 event = result >> RESULT_KIND_SHIFT & 3;

	if ((result & RESULT_VERDICT) == RESULT_ANSWERED)
		count_field(tally, answered);
	else
		count_one(tally, counter_of_verdict(result));
	if (p->kind == OTORI_KIND_syn && p->port_index) {
		if (result & RESULT_SAMPLED)
			count_field(tally, syn_sampled);
		else
			count_field(tally, syn_unsampled);
	}
	if (result & RESULT_EMITTED) {
		count_one(tally, COUNTER(emitted_syn) + event);
		if (result & RESULT_RING_FULL)
			count_one(tally, COUNTER(ring_full_syn) + event);
	}
}

#endif
