/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * emit.bpf.h - events into the rings, in constant size classes.
 *
 * In:  a packet with event, ring, slot. Out: one record of otori/event.h, and for an open the entry in the admission
 * table, made only once the ring has room. Called by otori.bpf.c and icmp.bpf.h. May not change the frame.
 *
 * bpf_ringbuf_reserve wants its size as a constant and the kernel 6.1 neither bpf_ringbuf_output from a packet nor
 * dynptrs, hence one function a class.
 */
#ifndef OTORI_EMIT_BPF_H
#define OTORI_EMIT_BPF_H

#include "admit.bpf.h"

/* Rings of the workers. The collector (or a test) fills in as many as settings.rings says. */
struct ring_template {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, OTORI_MAX_RINGS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct ring_template);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} sequences SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OTORI_MAX_DEVICES);
	__type(key, __u32);
	__type(value, struct otori_device);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} devices SEC(".maps");

/* What emit_* return. */
#define EMIT_OK 0
#define EMIT_RING_FULL 1
#define EMIT_TABLE_FULL 2
#define EMIT_UNREADABLE 3

static __always_inline void event_flags(struct otori_event *e, const struct packet *p)
{
	__u32 flags = p->vlan_count << OTORI_EVENT_VLAN_COUNT_SHIFT;

	if (p->ipv6)
		flags |= OTORI_EVENT_IPV6;
	if (p->outer_8021ad)
		flags |= OTORI_EVENT_VLAN_OUTER_8021AD;
	if (p->verify)
		flags |= OTORI_EVENT_VERIFY_CHECKSUM;
	if (p->dont_fragment)
		flags |= OTORI_EVENT_DONT_FRAGMENT;
	if (p->event == OTORI_EVENT_open && p->options_known)
		flags |= OTORI_EVENT_OPTIONS_KNOWN;
	e->flags = flags;
}

static __always_inline void event_addresses(struct otori_event *e, const struct packet *p)
{
	const __u32 *s = (const __u32 *)p->source.address, *d = (const __u32 *)p->destination.address;
	__u32 *to_s = (__u32 *)e->source, *to_d = (__u32 *)e->destination;

	if (p->ipv6) {
		to_s[0] = s[0], to_s[1] = s[1], to_s[2] = s[2], to_s[3] = s[3];
		to_d[0] = d[0], to_d[1] = d[1], to_d[2] = d[2], to_d[3] = d[3];
	} else {
		to_s[0] = s[3], to_s[1] = 0, to_s[2] = 0, to_s[3] = 0;
		to_d[0] = d[3], to_d[1] = 0, to_d[2] = 0, to_d[3] = 0;
	}
}

static __always_inline void event_link(struct otori_event *e, struct xdp_md *ctx)
{
	__u32 ifindex = ctx->ingress_ifindex;
	struct otori_device *device = bpf_map_lookup_elem(&devices, &ifindex);
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	e->device = device ? device->index : 0;
	if (data + 12 > end) {
		__builtin_memset(e->source_mac, 0, 6);
		__builtin_memset(e->destination_mac, 0, 6);
		return;
	}
	copy6(e->destination_mac, data);
	copy6(e->source_mac, data + 6);
}

/* All of the header but the sequence number. Every field is written: the ring's memory holds an older record. */
static __always_inline void event_fill(struct otori_event *e, struct xdp_md *ctx, const struct packet *p)
{
	e->time_ns = p->now_ns;
	e->minute = p->minute;
	e->slot = p->slot;
	event_addresses(e, p);
	e->source_port_be = p->source_port_be;
	e->destination_port_be = p->destination_port_be;
	e->seq = p->seq;
	e->ack = p->ack;
	e->window = p->window;
	e->ip_id = p->ip_id;
	e->payload_bytes = p->payload_bytes;
	e->partial_checksum = p->partial_checksum;
	e->vlan_tci_be[0] = p->vlan_tci_be[0];
	e->vlan_tci_be[1] = p->vlan_tci_be[1];
	event_link(e, ctx);
	e->option_bytes = p->option_bytes;
	e->tcp_flags = p->tcp_flags;
	e->kind = p->event;
	event_flags(e, p);
	e->ttl = p->ttl;
	e->said = 0;
	e->cookie_window_scale = 0;
	e->cookie_sack = 0;
	e->cookie_mss = 0;
	if (p->event == OTORI_EVENT_open && p->options_known) {
		e->cookie_window_scale = otori_cookie_scale(p->nine_bits);
		e->cookie_sack = otori_cookie_sack(p->nine_bits);
		e->cookie_mss = otori_cookie_mss(p->nine_bits);
	}
}

/* The CPU's next sequence number into the record. */
static __always_inline void event_number(struct otori_event *e)
{
	__u32 zero = 0;
	__u64 *sequence = bpf_map_lookup_elem(&sequences, &zero);

	e->cpu = bpf_get_smp_processor_id();
	e->sequence = sequence ? ++*sequence : 0;
}

static __always_inline void event_options(void *record, const struct packet *p, int words)
{
	__u32 *to = record + sizeof(struct otori_event);

#pragma unroll
	for (int i = 0; i < words; i++)
		to[i] = p->options[i];
}

/* Copies the payload behind the options. max: the most that has room. False where the frame can't be read. */
static __always_inline bool event_payload(struct xdp_md *ctx, const struct packet *p, void *record, __u32 options_max,
					  __u32 max)
{
	__u32 bytes = p->payload_bytes, options = p->option_bytes;

	if (!bytes)
		return true;
	if (options > options_max)
		return false;
	bytes -= 1;
	asm volatile("" : "+r"(bytes)); /* 6.1 learns no lower bound from "!= 0", but from an addition */
	if (bytes >= max)
		return false;
	bytes += 1;
	return !bpf_xdp_load_bytes(ctx, p->data, record + sizeof(struct otori_event) + options, bytes);
}

/* Which payload fits into a class whatever the options are. */
#define CLASS_PAYLOAD(size) ((size) - sizeof(struct otori_event) - 40)

#define DEFINE_EMIT(size, words, options_max, payload_max) \
	__noinline int emit_##size(struct xdp_md *ctx, struct packet *p, __u32 idle_seconds) \
	{ \
		__u32 number; \
		void *ring, *record; \
\
		if (!p) \
			return EMIT_UNREADABLE; \
		number = p->ring; \
		ring = bpf_map_lookup_elem(&rings, &number); \
		if (!ring) \
			return EMIT_RING_FULL; \
		record = bpf_ringbuf_reserve(ring, size, 0); \
		if (!record) \
			return EMIT_RING_FULL; \
		event_options(record, p, words); \
		if (!event_payload(ctx, p, record, options_max, payload_max)) { \
			bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP); \
			return EMIT_UNREADABLE; \
		} \
		if (p->event == OTORI_EVENT_open && admission_enter(p, idle_seconds) == NO_SLOT) { \
			bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP); \
			return EMIT_TABLE_FULL; \
		} \
		event_fill(record, ctx, p); \
		event_number(record); \
		bpf_ringbuf_submit(record, 0); \
		return EMIT_OK; \
	}

DEFINE_EMIT(128, 6, 12, 12)
DEFINE_EMIT(512, 10, 40, CLASS_PAYLOAD(512))
DEFINE_EMIT(1664, 10, 40, CLASS_PAYLOAD(1664))
DEFINE_EMIT(4096, 10, 40, CLASS_PAYLOAD(4096))
DEFINE_EMIT(9216, 10, 40, CLASS_PAYLOAD(9216))

/* Emits p as p->event. Returns result bits: of the attempt, without a verdict but where it failed. */
static __always_inline __u32 emit(struct xdp_md *ctx, struct packet *p, __u32 idle_seconds)
{
	__u32 payload = p->payload_bytes, result = EMITTED(p->event);
	int status;

	if (payload ? payload <= 12 && p->option_bytes <= 12 : p->option_bytes <= 24)
		status = emit_128(ctx, p, idle_seconds);
	else if (payload <= CLASS_PAYLOAD(512))
		status = emit_512(ctx, p, idle_seconds);
	else if (payload <= CLASS_PAYLOAD(1664))
		status = emit_1664(ctx, p, idle_seconds);
	else if (payload <= CLASS_PAYLOAD(4096))
		status = emit_4096(ctx, p, idle_seconds);
	else
		status = emit_9216(ctx, p, idle_seconds);
	switch (status) {
	case EMIT_OK:
		return result | RESULT_TAKEN;
	case EMIT_RING_FULL:
		return result | RESULT_RING_FULL | REFUSED(ring_full);
	case EMIT_TABLE_FULL:
		return REFUSED(flow_table_full);
	}
	return REFUSED(truncated);
}

/* The ring of a flow that is not yet admitted. */
static __always_inline __u8 ring_of(const struct packet *p, const struct otori_settings *set)
{
	__u32 count = set->rings;

	if (count <= 1)
		return 0;
	return ((__u32)(p->flow.hash >> 40) % count) & (OTORI_MAX_RINGS - 1);
}

#endif
