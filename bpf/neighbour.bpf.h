/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * neighbour.bpf.h - ARP requests and neighbour solicitations for decoys, where the operator wants them answered.
 *
 * In:  an ARP frame, or an ICMPv6 neighbour solicitation. Out: the frame turned into its reply, of the same length.
 * Called by otori.bpf.c; leaves by transmit.bpf.h. May not answer for addresses that are the host's own: the kernel
 * does.
 */
#ifndef OTORI_NEIGHBOUR_BPF_H
#define OTORI_NEIGHBOUR_BPF_H

#include "emit.bpf.h"
#include "icmp.bpf.h"

static __always_inline struct otori_device *neighbour_device(struct xdp_md *ctx)
{
	__u32 ifindex = ctx->ingress_ifindex;

	return bpf_map_lookup_elem(&devices, &ifindex);
}

/* RESULT_PASSED where the request is not for us; RESULT_ANSWERED where the frame is now the reply. RFC 826. */
__noinline __u32 arp_build(struct xdp_md *ctx, struct packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct otori_device *device = neighbour_device(ctx);
	struct aligned_prefix target, sender;
	__u32 asked;
	__u8 *at;

	if (!p || !device || p->l3 > 22)
		return RESULT_PASSED;
	at = data + offset_of_l3(p->l3);
	if (data + 14 > end || (void *)at + 28 > end)
		return RESULT_PASSED;
	if (read32(at) != bpf_htonl(0x00010800) ||
	    read32(at + 4) != bpf_htonl(0x06040001)) /* Ethernet, IPv4, request */
		return RESULT_PASSED;
	asked = (__u32)read16(at + 24) | (__u32)read16(at + 26) << 16;
	prefix_ipv4(&target.prefix, asked);
	prefix_ipv4(&sender.prefix, (__u32)read16(at + 14) | (__u32)read16(at + 16) << 16);
	if (decoy_kind_of(&target.prefix) != OTORI_DECOY_UNUSED || decoy_kind_of(&sender.prefix) == OTORI_DECOY_UNUSED)
		return RESULT_PASSED;
	__builtin_memcpy(data, data + 6, 6);
	__builtin_memcpy(data + 6, device->mac, 6);
	at[7] = 2;
	__builtin_memcpy(at + 18, at + 8, 10); /* the sender becomes the target */
	__builtin_memcpy(at + 8, device->mac, 6);
	*(__u16 *)(at + 14) = (__u16)asked;
	*(__u16 *)(at + 16) = (__u16)(asked >> 16);
	return RESULT_ANSWERED;
}

/*
 * A neighbour solicitation (RFC 4861 4.3), its checksum verified. RESULT_PASSED where it is not for us. The
 * advertisement has the target's link-layer address where the solicitation had room for one.
 */
__noinline __u32 advertisement_build(struct xdp_md *ctx, struct packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct otori_device *device = neighbour_device(ctx);
	struct aligned_prefix target;
	__u32 l4_bytes, *w;
	__u64 sum;
	void *at, *icmp;

	if (!p || !device || p->l3 > 22 || p->l4 != p->l3 + 40)
		return RESULT_PASSED;
	at = data + offset_of_l3(p->l3);
	icmp = at + 40;
	l4_bytes = p->l4_bytes;
	if (data + 14 > end || icmp + 24 > end || (l4_bytes != 24 && l4_bytes != 32))
		return RESULT_PASSED;
	prefix_ipv6(&target.prefix, icmp + 8);
	/* from the unspecified address it is duplicate detection of a machine that wants the address: not ours to
	 * defend */
	if (decoy_kind_of(&target.prefix) != OTORI_DECOY_UNUSED ||
	    !(read32(at + 8) | read32(at + 12) | read32(at + 16) | read32(at + 20)))
		return RESULT_PASSED;
	if (l4_bytes == 32) {
		if (icmp + 32 > end || read16(icmp + 24) != bpf_htons(0x0101))
			return RESULT_PASSED;
		*(__u16 *)(icmp + 24) = bpf_htons(0x0201);
		__builtin_memcpy(icmp + 26, device->mac, 6);
	}
	__builtin_memcpy(data, data + 6, 6);
	__builtin_memcpy(data + 6, device->mac, 6);
	__builtin_memcpy(at + 24, at + 8, 16);
	__builtin_memcpy(at + 8, target.prefix.address, 16);
	*(__u8 *)(at + 7) = 255;
	w = icmp;
	w[0] = bpf_htonl(136U << 24);
	w[1] = bpf_htonl(0x60000000); /* solicited, override */
	sum = (__u64)bpf_htonl(58) + bpf_htonl(l4_bytes) + w[0] + w[1];
#pragma unroll
	for (int i = 8; i < 40; i += 4)
		sum += read32(at + i);
#pragma unroll
	for (int i = 8; i < 24; i += 4)
		sum += read32(icmp + i);
	if (l4_bytes == 32) {
		if (icmp + 32 > end)
			return REFUSED(transmit_failed);
		sum += (__u64)read32(icmp + 24) + read32(icmp + 28);
	}
	*(__u16 *)(icmp + 2) = ~fold_checksum(sum);
	return RESULT_ANSWERED;
}

#endif
