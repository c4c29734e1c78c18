/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * icmp.bpf.h - echo requests to decoys, and errors that quote a flow.
 *
 * In:  an ICMP or ICMPv6 message. Out: its meaning in struct packet; an echo turned into its reply. Called by
 * otori.bpf.c; leaves by transmit.bpf.h. A reply is as long as its request. May not answer anything but echo and
 * neighbour solicitations (neighbour.bpf.h).
 */
#ifndef OTORI_ICMP_BPF_H
#define OTORI_ICMP_BPF_H

#include "answer.bpf.h"
#include "checksum.bpf.h"
#include "dissect.bpf.h"

#define ICMP_UNREACHABLE 3
#define ICMP_ECHO 8
#define ICMPV6_UNREACHABLE 1
#define ICMPV6_TOO_BIG 2
#define ICMPV6_ECHO 128
#define ICMPV6_SOLICITATION 135

/*
 * The quoted header at offset: where it is a TCP segment of a decoy port, the packet takes on the flow's addresses,
 * ports and sequence number, as a packet of the stranger's would have them.
 */
static __always_inline void icmp_quote(struct packet *p, void *data, void *end, __u32 offset)
{
	void *at = data + offset_of_l4(offset), *tcp;
	struct aligned_prefix from, to;

	if (p->ipv6) {
		if (at + 48 > end || p->l4_bytes < 8 + 48 || *(__u8 *)(at + 6) != 6)
			return;
		prefix_ipv6(&from.prefix, at + 8);
		prefix_ipv6(&to.prefix, at + 24);
		tcp = at + 40;
	} else {
		/* what we send has no options */
		if (at + 28 > end || p->l4_bytes < 8 + 28 || *(__u8 *)at != 0x45 || *(__u8 *)(at + 9) != 6)
			return;
		prefix_ipv4(&from.prefix, read32(at + 12));
		prefix_ipv4(&to.prefix, read32(at + 16));
		tcp = at + 20;
	}
	/* the message must have come to the decoy whose segment it quotes */
	if (!prefix_equal(&from.prefix, &p->destination))
		return;
	p->port_index = port_index_at(read16(tcp));
	if (!p->port_index)
		return;
	p->icmp_error = 1;
	p->source = to.prefix;
	p->destination_port_be = read16(tcp);
	p->source_port_be = read16(tcp + 2);
	p->seq = bpf_ntohl(read32(tcp + 4));
}

/* Reads the header; the checksum is for icmp_checksum_holds. */
__noinline int dissect_icmp(struct xdp_md *ctx, struct packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 offset, code;
	void *at;

	if (!p)
		return 0;
	offset = p->l4;
	if (p->fragment || offset > MAX_OFFSET)
		return 0;
	if (p->refusal != NO_REFUSAL && p->refusal != OTORI_REFUSED_too_long)
		return 0;
	p->kind = OTORI_KIND_icmp;
	at = data + offset_of_l4(offset);
	if (p->l4_bytes < 8 || at + 8 > end) {
		refuse(p, bad_icmp);
		return 0;
	}
	p->partial_checksum = p->ipv6 ? fold_checksum(pseudo_sum(p, 58)) : 0; /* before a quote replaces the source */
	p->icmp_type = *(__u8 *)at;
	code = *(__u8 *)(at + 1);
	if (p->ipv6) {
		p->echo = p->icmp_type == ICMPV6_ECHO && !code;
		p->neighbour = p->icmp_type == ICMPV6_SOLICITATION && !code && p->ttl == 255;
		if (p->icmp_type == ICMPV6_TOO_BIG) {
			__u32 mtu = bpf_ntohl(read32(at + 4));

			p->window = mtu > 65535 ? 65535 : mtu;
			icmp_quote(p, data, end, offset + 8);
		} else if (p->icmp_type == ICMPV6_UNREACHABLE) {
			icmp_quote(p, data, end, offset + 8);
		}
	} else {
		p->echo = p->icmp_type == ICMP_ECHO && !code;
		if (p->icmp_type == ICMP_UNREACHABLE) {
			p->window = code == 4 ? bpf_ntohs(read16(at + 6)) : 0;
			icmp_quote(p, data, end, offset + 8);
		}
	}
	return 0;
}

/* Of the whole message; in a replay that ignores checksums, always. */
static __always_inline bool icmp_checksum_holds(struct xdp_md *ctx, const struct packet *p)
{
	return ignore_checksums || checksum_bytes(ctx, p->l4, p->l4_bytes, p->partial_checksum) == 0xffff;
}

/* Turns an echo request into its reply. */
__noinline __u32 echo_build(struct xdp_md *ctx, struct packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct otori_settings *set = settings_get();
	__u32 l3, sum;
	void *at, *icmp;

	/* behind options or extension headers an echo is not answered: the reply would have to be shorter */
	if (!p || !set || p->l3 > 22 || p->l4 != p->l3 + (p->ipv6 ? 40 : 20))
		return REFUSED(transmit_failed);
	l3 = p->l3;
	at = data + offset_of_l3(l3);
	icmp = at + (p->ipv6 ? 40 : 20);
	if (data + 14 > end || at + 28 > end || icmp + 8 > end)
		return REFUSED(transmit_failed);
	/* RFC 1624: the type is all that changes in the message, and swapped addresses sum to the same */
	sum = (__u16)~read16(icmp + 2) + (__u16)~read16(icmp);
	*(__u8 *)icmp = p->ipv6 ? 129 : 0;
	sum += read16(icmp);
	*(__u16 *)(icmp + 2) = ~fold_checksum(sum);
	answer_swap_macs(data);
	if (p->ipv6) {
		if (at + 40 > end)
			return REFUSED(transmit_failed);
		*(__u8 *)(at + 7) = set->syn_ack_ttl;
		copy16(at + 8, p->destination.address);
		copy16(at + 24, p->source.address);
	} else {
		__u32 *w = at;

		/* Linux: an id of its own, no DF, the request's TOS */
		w[1] = bpf_htonl(bpf_get_prandom_u32() << 16);
		w[2] = bpf_htonl(set->syn_ack_ttl << 24 | 1 << 16);
		w[3] = ((const __u32 *)p->destination.address)[3];
		w[4] = ((const __u32 *)p->source.address)[3];
		*(__u16 *)(at + 10) = ~fold_checksum((__u64)w[0] + w[1] + w[2] + w[3] + w[4]);
	}
	return RESULT_ANSWERED;
}

#endif
