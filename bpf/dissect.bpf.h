/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * dissect.bpf.h - from bytes to struct packet: Ethernet, VLAN, IPv4, IPv6, TCP.
 *
 * In:  the linear part of a frame. Out: struct packet with addresses, ports, flags, offsets and the first reason to
 * refuse. Called by otori.bpf.c. May not drop, count or answer: it only says what it found. Order of the checks is that
 * of OTORI_REFUSALS, but the destination is looked up first, for what is not for a decoy passes whatever it looks like.
 */
#ifndef OTORI_DISSECT_BPF_H
#define OTORI_DISSECT_BPF_H

#include "packet.bpf.h"

#define MAX_EXTENSION_HEADERS 6
#define MAX_OFFSET 512 /* of a header in a frame; lets the verifier bound packet pointers */

/*
 * Index of every port among the counters, 0 = no decoy port: what map ports says, as bytes that lie side by side and
 * are read without a lookup. Each loaded program has its own, written by the collector before it is attached.
 */
otori_port_index port_table[65536] SEC(".data.ports") = {};

static __always_inline __u8 port_index_at(__be16 port_be)
{
	__u64 port = bpf_ntohs(port_be);

	asm volatile("" : "+r"(port)); /* 6.1 knows no bounds of what was swapped: the mask must stay */
	return port_table[port & 0xffff] & (OTORI_MAX_PORTS - 1);
}

/* What dissect_link found. */
enum link { LINK_REFUSED, LINK_OTHER, LINK_ARP, LINK_IPV4, LINK_IPV6 };

static __always_inline __u32 read32(const void *at)
{
	return *(const __u32 *)at;
}

static __always_inline __u16 read16(const void *at)
{
	return *(const __u16 *)at;
}

/* Ethernet and up to two tags. Leaves the offset of the network header in p->l3. */
static __always_inline enum link dissect_link(struct packet *p, void *data, void *end)
{
	void *at = data + 14;
	__be16 type;

	if (at > end) {
		refuse(p, truncated);
		return LINK_REFUSED;
	}
	p->group_source = *(const __u8 *)(data + 6) & 1;
	type = read16(at - 2);
#pragma unroll
	for (int i = 0; i < 2; i++) {
		if (type != ETH_P_8021Q_BE && type != ETH_P_8021AD_BE)
			break;
		if (at + 4 > end) {
			refuse(p, truncated);
			return LINK_REFUSED;
		}
		if (i == 0)
			p->outer_8021ad = type == ETH_P_8021AD_BE;
		p->vlan_tci_be[i] = read16(at);
		p->vlan_count = i + 1;
		type = read16(at + 2);
		at += 4;
	}
	p->l3 = at - data;
	if (type == ETH_P_8021Q_BE || type == ETH_P_8021AD_BE) {
		refuse(p, vlan_depth);
		return LINK_REFUSED;
	}
	return type == ETH_P_IP_BE     ? LINK_IPV4
	       : type == ETH_P_IPV6_BE ? LINK_IPV6
	       : type == ETH_P_ARP_BE  ? LINK_ARP
				       : LINK_OTHER;
}

/* The IPv4 header's checksum is right. at: header, of which bytes (20 to 60) are readable. */
static __always_inline bool ipv4_checksum_holds(const void *at, __u32 bytes, const void *end)
{
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < 20; i += 4)
		sum += read32(at + i);
	for (__u32 i = 20; i < 60; i += 4) {
		if (i >= bytes || at + i + 4 > end)
			break;
		sum += read32(at + i);
	}
	return fold_checksum(sum) == 0xffff;
}

/* The IPv4 header. False where no destination can be read. */
static __always_inline bool dissect_ipv4(struct packet *p, void *data, void *end)
{
	void *at = data + offset_of_l3(p->l3);
	__u32 first, header_bytes, total_bytes, flags_offset;

	if (at + 20 > end) {
		refuse(p, truncated);
		return false;
	}
	prefix_ipv4(&p->source, read32(at + 12));
	prefix_ipv4(&p->destination, read32(at + 16));
	p->decoy = decoy_kind_of(&p->destination);
	if (!p->decoy)
		return true;
	first = *(__u8 *)at;
	header_bytes = (first & 15) * 4;
	total_bytes = bpf_ntohs(read16(at + 2));
	flags_offset = bpf_ntohs(read16(at + 6));
	p->tos = *(__u8 *)(at + 1);
	p->ip_id = bpf_ntohs(read16(at + 4));
	p->ttl = *(__u8 *)(at + 8);
	p->protocol = *(__u8 *)(at + 9);
	p->dont_fragment = flags_offset >> 14 & 1;
	p->fragment = (flags_offset & 0x1fff) ? 2 : flags_offset >> 13 & 1;
	p->l4 = p->l3 + header_bytes;
	p->l4_bytes = total_bytes - header_bytes;
	if (total_bytes + p->l3 > p->frame_bytes)
		refuse(p, truncated);
	if (p->frame_bytes > OTORI_FRAME_MAX_BYTES)
		refuse(p, too_long);
	if (first >> 4 != 4 || header_bytes < 20 || total_bytes < header_bytes) {
		refuse(p, bad_ip_header);
		p->protocol = 0;
		return true;
	}
	if (at + header_bytes > end) {
		refuse(p, truncated);
		return true;
	}
	if (!ignore_checksums && !ipv4_checksum_holds(at, header_bytes, end))
		refuse(p, bad_ip_checksum);
	if (p->fragment)
		refuse(p, fragment);
	return true;
}

/* What a step over an extension header gives. */
enum step { STEP_ON, STEP_DONE };

static __always_inline bool is_extension(__u32 next)
{
	return next == 0 || next == 43 || next == 44 || next == 60;
}

/* Takes the extension header at p->l4, of which p->protocol tells the kind. */
static __always_inline enum step step_extension(struct packet *p, void *data, void *end)
{
	__u32 next = p->protocol, bytes;
	void *at = data + offset_of_l4(p->l4);

	if (p->l4_bytes < 8 || p->l4 > MAX_OFFSET || at + 8 > end) {
		refuse(p, truncated);
		return STEP_DONE;
	}
	bytes = next == 44 ? 8 : (*(__u8 *)(at + 1) + 1) * 8;
	if (next == 43 && *(__u8 *)(at + 3))
		refuse(p, extension_header);
	if (next == 44 && (read16(at + 2) & bpf_htons(0xfff9))) {
		p->fragment = (read16(at + 2) & bpf_htons(0xfff8)) ? 2 : 1;
		refuse(p, fragment);
		if (p->fragment == 2)
			return STEP_DONE; /* what follows is no header */
	}
	if (bytes > p->l4_bytes) {
		refuse(p, truncated);
		return STEP_DONE;
	}
	p->protocol = *(__u8 *)at;
	p->l4 += bytes;
	p->l4_bytes -= bytes;
	if (!p->protocol) /* hop-by-hop options stand first or not at all */
		refuse(p, extension_header);
	return is_extension(p->protocol) ? STEP_ON : STEP_DONE;
}

/*
 * Walks the extension headers from p->l4 on: hop-by-hop, destination options, routing with nothing left to visit, and a
 * fragment header that is none (atomic, RFC 6946). Leaves p->protocol and p->l4 at what follows them. Unrolled, since
 * of the loop clang makes a backward fall-through, which 6.1 refuses.
 */
__noinline int walk_extensions(struct xdp_md *ctx, struct packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (!p)
		return 0;
#pragma unroll
	for (int i = 0; i < MAX_EXTENSION_HEADERS; i++)
		if (step_extension(p, data, end) == STEP_DONE)
			break;
	if (is_extension(p->protocol)) {
		refuse(p, extension_header);
		p->protocol = 59;
	}
	return 0;
}

/* The IPv6 header and what it chains. False where no destination can be read. */
static __always_inline bool dissect_ipv6(struct xdp_md *ctx, struct packet *p, void *data, void *end)
{
	void *at = data + offset_of_l3(p->l3);
	__u32 first;

	p->ipv6 = 1;
	if (at + 40 > end) {
		refuse(p, truncated);
		return false;
	}
	prefix_ipv6(&p->source, at + 8);
	prefix_ipv6(&p->destination, at + 24);
	p->decoy = decoy_kind_of(&p->destination);
	first = bpf_ntohl(read32(at));
	p->tos = first >> 20 & 0xff;
	p->protocol = *(__u8 *)(at + 6);
	p->ttl = *(__u8 *)(at + 7);
	p->l4 = p->l3 + 40;
	p->l4_bytes = bpf_ntohs(read16(at + 4));
	if (!p->decoy)
		return true;
	if (p->l3 + 40u + p->l4_bytes > p->frame_bytes)
		refuse(p, truncated);
	if (p->frame_bytes > OTORI_FRAME_MAX_BYTES)
		refuse(p, too_long);
	if (first >> 28 != 6) {
		refuse(p, bad_ip_header);
		p->protocol = 59;
		return true;
	}
	if (is_extension(p->protocol))
		walk_extensions(ctx, p);
	if (p->protocol == 50 || p->protocol == 51 || p->protocol == 135 || p->protocol == 139 || p->protocol == 140)
		refuse(p, extension_header);
	return true;
}

/* Sum of the pseudo header of TCP or ICMPv6. */
static __always_inline __u64 pseudo_sum(const struct packet *p, __u32 protocol)
{
	const __u32 *a = (const __u32 *)p->source.address, *b = (const __u32 *)p->destination.address;
	__u64 sum = bpf_htonl(protocol) + (__u64)bpf_htonl(p->l4_bytes);

	sum += (__u64)a[3] + b[3];
	if (p->ipv6)
		sum += (__u64)a[0] + a[1] + a[2] + b[0] + b[1] + b[2];
	return sum;
}

static __always_inline __u8 tcp_kind(__u32 flags, __u32 payload_bytes)
{
	if ((flags & (TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST)) == TCP_SYN)
		return OTORI_KIND_syn;
	if ((flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		return OTORI_KIND_backscatter;
	if (flags & TCP_RST)
		return OTORI_KIND_rst;
	if (flags & TCP_FIN)
		return OTORI_KIND_fin;
	if (flags & TCP_ACK)
		return payload_bytes ? OTORI_KIND_payload : OTORI_KIND_ack;
	return OTORI_KIND_other_tcp;
}

/* SYN with FIN or RST, FIN with RST, or none of SYN, ACK and RST: nothing that an honest stack sends. */
static __always_inline bool tcp_flags_are_bad(__u32 flags)
{
	return ((flags & TCP_SYN) && (flags & (TCP_FIN | TCP_RST))) || ((flags & TCP_FIN) && (flags & TCP_RST)) ||
	       !(flags & (TCP_SYN | TCP_ACK | TCP_RST));
}

/* Copies the options to p->options and adds them to sum. False where they are cut short. */
static __always_inline bool take_options(struct packet *p, const void *at, const void *end, __u64 *sum)
{
	if (p->option_bytes == 20 && at + 20 <= end) {
		const __u32 *w = at;

		p->options[0] = w[0];
		p->options[1] = w[1];
		p->options[2] = w[2];
		p->options[3] = w[3];
		p->options[4] = w[4];
		*sum += (__u64)w[0] + w[1] + w[2] + w[3] + w[4];
		return true;
	}
#pragma unroll
	for (__u32 i = 0; i < 10; i++) {
		__u32 word;

		if (i * 4 >= p->option_bytes)
			break;
		if (at + i * 4 + 4 > end)
			return false;
		word = read32(at + i * 4);
		p->options[i] = word;
		*sum += word;
	}
	return true;
}

/* The TCP header at p->l4. Ports and flags are read even where something before them was wrong. */
static __always_inline void dissect_tcp(struct packet *p, void *data, void *end)
{
	__u32 header_bytes, offset = p->l4;
	__u64 sum;
	void *at;

	if (p->fragment == 2 || offset > MAX_OFFSET)
		return;
	at = data + offset_of_l4(offset);
	if (p->l4_bytes < 20 || at + 20 > end) {
		if (p->l4_bytes >= 4 && at + 4 <= end)
			p->port_index = port_index_at(read16(at + 2));
		refuse(p, truncated);
		return;
	}
	p->source_port_be = read16(at);
	p->destination_port_be = read16(at + 2);
	p->port_index = port_index_at(p->destination_port_be);
	if (p->refusal != NO_REFUSAL && p->refusal != OTORI_REFUSED_too_long)
		return;
	p->seq = bpf_ntohl(read32(at + 4));
	p->ack = bpf_ntohl(read32(at + 8));
	header_bytes = (*(__u8 *)(at + 12) >> 4) * 4;
	p->tcp_flags = *(__u8 *)(at + 13);
	p->window = bpf_ntohs(read16(at + 14));
	p->data = offset + header_bytes;
	if (header_bytes >= 20 && header_bytes <= p->l4_bytes) {
		p->payload_bytes = p->l4_bytes - header_bytes;
		p->option_bytes = header_bytes - 20;
	}
	p->kind = tcp_kind(p->tcp_flags, p->payload_bytes);
	if (header_bytes < 20 || header_bytes > p->l4_bytes || tcp_flags_are_bad(p->tcp_flags)) {
		refuse(p, bad_tcp_header);
		return;
	}
	sum = pseudo_sum(p, 6) + read32(at) + read32(at + 4) + read32(at + 8) + read32(at + 12) + read32(at + 16);
	if (!take_options(p, at + 20, end, &sum)) {
		refuse(p, truncated);
		return;
	}
	p->partial_checksum = fold_checksum(sum);
	if (ignore_checksums)
		return;
	p->verify = p->payload_bytes != 0;
	if (!p->payload_bytes && p->partial_checksum != 0xffff)
		refuse(p, bad_tcp_checksum);
}

#endif
