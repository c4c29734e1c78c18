/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * guard_parse.bpf.h - from an outgoing frame to what the guard rule wants to know.
 *
 * In:  linear bytes of a frame, tags that the kernel keeps beside it. Out: struct guard_packet with a filled
 * otori_guard_frame. Called by guard.bpf.c (what user space sends) and transmit.bpf.h (what XDP sends). Reads the frame
 * anew and trusts nothing that was known of it before: a mistake in building an answer must be found here. May not
 * decide: guard_rule.h does.
 */
#ifndef OTORI_GUARD_PARSE_BPF_H
#define OTORI_GUARD_PARSE_BPF_H

#include "maps.bpf.h"

#define GUARD_MAX_OFFSET 512
#define GUARD_MAX_EXTENSIONS 6

/* The source address is kept apart: its own address is taken for a lookup, and the rest can live in registers. */
struct guard_packet {
	struct otori_guard_frame frame;
	struct aligned_prefix destination;
	__u16 source_port_be, destination_port_be;
	__u16 vlan[2]; /* ids, outer first */
	__u8 vlan_count;
	__u8 later_fragment;
	__u16 l3, l4;
};

static __always_inline __u32 guard_u32(const void *at)
{
	return *(const __u32 *)at;
}

static __always_inline __u16 guard_u16(const void *at)
{
	return *(const __u16 *)at;
}

#define LINK_UNREADABLE 0x10000 /* is no type: those have 16 bits */

/* Ethernet and tags: sets l3 and gives the type behind them, or LINK_UNREADABLE. */
static __always_inline __u32 guard_link(struct guard_packet *g, void *data, void *end)
{
	void *at = data + 14;
	__be16 type;

	if (at > end)
		return LINK_UNREADABLE;
	type = guard_u16(at - 2);
#pragma unroll
	for (int i = 0; i < 2; i++) {
		if (type != bpf_htons(0x8100) && type != bpf_htons(0x88a8))
			break;
		if (g->vlan_count > 1 || at + 4 > end)
			return LINK_UNREADABLE;
		if (g->vlan_count)
			g->vlan[1] = bpf_ntohs(guard_u16(at)) & 0xfff;
		else
			g->vlan[0] = bpf_ntohs(guard_u16(at)) & 0xfff;
		g->vlan_count++;
		type = guard_u16(at + 2);
		at += 4;
	}
	g->l3 = at - data;
	return type == bpf_htons(0x8100) || type == bpf_htons(0x88a8) ? LINK_UNREADABLE : type;
}

static __always_inline void guard_ipv4(struct guard_packet *g, struct otori_prefix *source, void *data, void *end)
{
	void *at = data + offset_of_l3(g->l3);
	__u32 header_bytes, fragment;

	if (at + 20 > end || *(__u8 *)at >> 4 != 4)
		return;
	header_bytes = (*(__u8 *)at & 15) * 4;
	if (header_bytes < 20)
		return;
	g->frame.shape = OTORI_SHAPE_IPV4;
	prefix_ipv4(source, guard_u32(at + 12));
	prefix_ipv4(&g->destination.prefix, guard_u32(at + 16));
	fragment = bpf_ntohs(guard_u16(at + 6)) & 0x3fff;
	g->frame.plain = header_bytes == 20 && !fragment;
	g->later_fragment = (fragment & 0x1fff) != 0;
	g->frame.protocol = *(__u8 *)(at + 9);
	g->l4 = g->l3 + header_bytes;
}

static __always_inline void guard_ipv6(struct guard_packet *g, struct otori_prefix *source, void *data, void *end)
{
	void *at = data + offset_of_l3(g->l3);
	__u32 offset, next;

	if (at + 40 > end || *(__u8 *)at >> 4 != 6)
		return;
	g->frame.shape = OTORI_SHAPE_IPV6;
	prefix_ipv6(source, at + 8);
	prefix_ipv6(&g->destination.prefix, at + 24);
	next = *(__u8 *)(at + 6);
	offset = g->l3 + 40;
	g->frame.plain = 1;
	for (int i = 0; i < GUARD_MAX_EXTENSIONS; i++) {
		void *header = data + offset_of_l4(offset);

		if (next != 0 && next != 43 && next != 44 && next != 60)
			break;
		g->frame.plain = 0;
		if (offset > GUARD_MAX_OFFSET || header + 8 > end)
			break;
		if (next == 44 && (guard_u16(header + 2) & bpf_htons(0xfff8))) {
			g->later_fragment = 1;
			break;
		}
		offset += next == 44 ? 8 : (*(__u8 *)(header + 1) + 1) * 8;
		next = *(__u8 *)header;
	}
	g->frame.protocol = next;
	g->l4 = offset;
}

/* The transport header: ports and flags of TCP, the type of ICMP. What is cut short is not plain. */
static __always_inline void guard_transport(struct guard_packet *g, void *data, void *end, __be16 known_port_be,
					    __u8 known_index)
{
	void *at = data + offset_of_l4(g->l4);

	if (g->later_fragment || g->l4 > GUARD_MAX_OFFSET)
		return;
	if (g->frame.protocol == 6) {
		if (at + 4 <= end) {
			g->source_port_be = guard_u16(at);
			g->destination_port_be = guard_u16(at + 2);
			g->frame.has_port = 1;
			g->frame.port_is_decoy =
				(g->source_port_be == known_port_be ? known_index : port_index_of(g->source_port_be)) !=
				0;
		}
		if (at + 20 > end || *(__u8 *)(at + 12) >> 4 < 5) {
			g->frame.plain = 0;
			return;
		}
		g->frame.tcp_flags = *(__u8 *)(at + 13);
	} else if (g->frame.protocol == 1 || g->frame.protocol == 58) {
		if (at + 8 > end) {
			g->frame.plain = 0;
			return;
		}
		g->frame.icmp_type = *(__u8 *)at;
	}
}

/*
 * Fills g->frame but for origin and admitted, the tuple, and source (of an aligned_prefix). g is zero but for tags from
 * beside the frame. known: an address that was looked up already, with its kind, or NULL: a lookup costs 10 ns.
 */
static __always_inline void guard_parse(struct guard_packet *g, struct otori_prefix *source, void *data, void *end,
					const struct otori_prefix *known, __u8 known_kind, __be16 known_port_be,
					__u8 known_index)
{
	__u32 type = guard_link(g, data, end);

	g->frame.shape = OTORI_SHAPE_UNREADABLE;
	if (type == LINK_UNREADABLE)
		return;
	if (type == bpf_htons(0x0800)) {
		guard_ipv4(g, source, data, end);
	} else if (type == bpf_htons(0x86dd)) {
		guard_ipv6(g, source, data, end);
	} else if (type == bpf_htons(0x0806)) {
		void *at = data + offset_of_l3(g->l3);

		if (at + 28 > end)
			return;
		g->frame.shape = OTORI_SHAPE_ARP;
		g->frame.icmp_type = bpf_ntohs(guard_u16(at + 6)) & 0xff;
		prefix_ipv4(source, guard_u32(at + 14));
	} else {
		g->frame.shape = OTORI_SHAPE_OTHER;
		return;
	}
	if (g->frame.shape == OTORI_SHAPE_UNREADABLE)
		return;
	g->frame.source_kind = known && prefix_equal(known, source) ? known_kind : decoy_kind_of(source);
	if (g->frame.source_kind && g->frame.shape != OTORI_SHAPE_ARP)
		guard_transport(g, data, end, known_port_be, known_index);
}

static __always_inline void guard_count(__u32 verdict)
{
	__u64 *counter = bpf_map_lookup_elem(&guard_counters, &verdict);

	if (counter)
		++*counter;
}

#endif
