/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * answer.bpf.h - the SYN-ACK: without state, dressed as one stock Linux (5.x and 6.x, MTU 1500).
 *
 * In:  a SYN, its options read. Out: the frame turned into its answer. Called by otori.bpf.c; leaves by transmit.bpf.h.
 * May not be larger than the SYN (as padded frames), but for the four bytes of the MSS option to a SYN that brought
 * none.
 *
 * What Linux sends (tcp_synack_options, tcp_options_write), by what was offered; always MSS first:
 *     timestamps: SACK 4-8 or nop nop 8; without: nop nop SACK; then nop and window scale 7.
 *     window: 45 * 1448 = 65160 with timestamps, 44 * 1460 = 64240 without; IPv6 45 * 1428 = 64260 and 45 * 1440 =
 * 64800. DF, IP id 0, TTL 64; ECE to a SYN with ECE and CWR whose IP header is not marked (RFC 3168 6.1.1).
 */
#ifndef OTORI_ANSWER_BPF_H
#define OTORI_ANSWER_BPF_H

#include "limit.bpf.h"
#include "packet.bpf.h"

#define OUR_WINDOW_SCALE 7

/* The option words of an answer; count of them in use. */
struct answer_options {
	__u32 word[5];
	__u32 count;
};

/*
 * Milliseconds, with an offset for each pair of addresses, as Linux has it (secure_tcp_ts_off). Those of the second
 * come from a multiplication: a division costs more than all the rest.
 */
static __always_inline __u32 timestamp(const struct packet *p, const struct otori_keys *key)
{
	const __u32 *s = (const __u32 *)p->source.address, *d = (const __u32 *)p->destination.address;
	__u64 pair = s[3] | (__u64)d[3] << 32, rest_ns = p->now_ns - p->second_ns;

	if (p->ipv6)
		pair ^= (s[0] | (__u64)d[0] << 32) + (s[1] ^ (__u64)d[1] << 32) * 3 + (s[2] ^ (__u64)d[2] << 32) * 5;
	return p->second * 1000 + (__u32)(rest_ns * 4398047 >> 42) + (__u32)keyed_mix(pair, key->timestamp);
}

static __always_inline void answer_options_build(struct answer_options *o, const struct packet *p,
						 const struct otori_keys *key)
{
	__u32 scale = bpf_htonl(1 << 24 | 3 << 16 | 3 << 8 | OUR_WINDOW_SCALE);

	o->word[0] = bpf_htonl(2 << 24 | 4 << 16 | (p->ipv6 ? 1440 : 1460));
	if (p->timestamp_offered) {
		/* the responder goes on from the TSecr that the client mirrors */
		o->word[1] = p->sack_offered ? bpf_htonl(4 << 24 | 2 << 16 | 8 << 8 | 10)
					     : bpf_htonl(1 << 24 | 1 << 16 | 8 << 8 | 10);
		o->word[2] = bpf_htonl(timestamp(p, key));
		o->word[3] = p->timestamp_be;
		o->word[4] = scale;
		o->count = p->scale == OTORI_COOKIE_NO_SCALE ? 4 : 5;
	} else if (p->sack_offered) {
		o->word[1] = bpf_htonl(1 << 24 | 1 << 16 | 4 << 8 | 2);
		o->word[2] = scale;
		o->word[3] = o->word[4] = 0;
		o->count = p->scale == OTORI_COOKIE_NO_SCALE ? 2 : 3;
	} else {
		o->word[1] = scale;
		o->word[2] = o->word[3] = o->word[4] = 0;
		o->count = p->scale == OTORI_COOKIE_NO_SCALE ? 1 : 2;
	}
}

static __always_inline __u32 answer_option_bytes(const struct packet *p)
{
	__u32 bytes = 4;

	if (p->timestamp_offered)
		bytes += 12;
	else if (p->sack_offered)
		bytes += 4;
	return p->scale == OTORI_COOKIE_NO_SCALE ? bytes : bytes + 4;
}

/* Gives the frame the length of its answer. False where that can't be, or would be larger than the rule allows. */
static __always_inline bool answer_resize(struct xdp_md *ctx, const struct packet *p)
{
	__u32 bytes = p->l3 + (p->ipv6 ? 40 : 20) + 20 + answer_option_bytes(p);
	__u32 came = p->frame_bytes < 60 ? 60 : p->frame_bytes;

	if (bytes > came + (p->mss ? 0 : 4))
		return false;
	return bytes == p->frame_bytes || !bpf_xdp_adjust_tail(ctx, (int)bytes - (int)p->frame_bytes);
}

static __always_inline void answer_swap_macs(void *data)
{
	__u32 a = *(__u32 *)data, c = *(__u32 *)(data + 6);
	__u16 b = *(__u16 *)(data + 4), d = *(__u16 *)(data + 10);

	*(__u32 *)data = c;
	*(__u16 *)(data + 4) = d;
	*(__u32 *)(data + 6) = a;
	*(__u16 *)(data + 10) = b;
}

/* Both network headers have 20 bytes at least; at is the header's place, total the length of header and TCP. */
static __always_inline void answer_ipv4(void *at, const struct packet *p, __u32 total, __u32 ttl)
{
	const __u32 *s = (const __u32 *)p->source.address, *d = (const __u32 *)p->destination.address;
	__u32 *w = at;
	__u64 sum;

	w[0] = bpf_htonl(0x45000000 | total);
	w[1] = bpf_htonl(0x4000); /* id 0, DF */
	w[2] = bpf_htonl(ttl << 24 | 6 << 16);
	w[3] = d[3];
	w[4] = s[3];
	sum = (__u64)w[0] + w[1] + w[2] + d[3] + s[3];
	*(__u16 *)(at + 10) = ~fold_checksum(sum);
}

static __always_inline void answer_ipv6(void *at, const struct packet *p, __u32 l4_bytes, __u32 ttl)
{
	__u32 *w = at;

	/* Linux labels its flows by a hash */
	w[0] = bpf_htonl(0x60000000 | ((__u32)(p->flow.hash >> 44) & 0xfffff));
	w[1] = bpf_htonl(l4_bytes << 16 | 6 << 8 | ttl);
	copy16(at + 8, p->destination.address);
	copy16(at + 24, p->source.address);
}

/* Option word i of an answer, if it has so many; false where the frame ends before it. */
static __always_inline bool answer_word(__u32 *tcp, void *end, const struct answer_options *o, __u32 i, __u64 *sum)
{
	if (i >= o->count)
		return true;
	if ((void *)(tcp + 6 + i) > end)
		return false;
	tcp[5 + i] = o->word[i];
	*sum += o->word[i];
	return true;
}

/* The TCP header and its options at tcp; false where the frame ends before them. */
static __always_inline bool answer_tcp(void *tcp, void *end, const struct packet *p, const struct otori_keys *key)
{
	const __u32 *s = (const __u32 *)p->source.address, *d = (const __u32 *)p->destination.address;
	__u32 flags = TCP_SYN | TCP_ACK, window, *w = tcp;
	struct answer_options o;
	__u64 sum;

	answer_options_build(&o, p, key);
	if (p->timestamp_offered)
		window = p->ipv6 ? 64260 : 65160;
	else
		window = p->ipv6 ? 64800 : 64240;
	if ((p->tcp_flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR) && !(p->tos & 3))
		flags |= TCP_ECE;
	if (tcp + 20 > end)
		return false;
	w[0] = p->destination_port_be | (__u32)p->source_port_be << 16;
	w[1] = bpf_htonl(p->cookie);
	w[2] = bpf_htonl(p->seq + 1);
	w[3] = bpf_htonl((5 + o.count) << 28 | flags << 16 | window);
	sum = (__u64)w[0] + w[1] + w[2] + w[3] + bpf_htonl(6) + (__u64)bpf_htonl(20 + o.count * 4) + s[3] + d[3];
	if (p->ipv6)
		sum += (__u64)s[0] + s[1] + s[2] + d[0] + d[1] + d[2];
	if (o.count == 5 && tcp + 40 <= end) {
		w[5] = o.word[0];
		w[6] = o.word[1];
		w[7] = o.word[2];
		w[8] = o.word[3];
		w[9] = o.word[4];
		sum += (__u64)o.word[0] + o.word[1] + o.word[2] + o.word[3] + o.word[4];
	} else if (!answer_word(tcp, end, &o, 0, &sum) || !answer_word(tcp, end, &o, 1, &sum) ||
		   !answer_word(tcp, end, &o, 2, &sum) || !answer_word(tcp, end, &o, 3, &sum) ||
		   !answer_word(tcp, end, &o, 4, &sum))
		return false;
	w[4] = (__u16)~fold_checksum(sum); /* urgent pointer 0 */
	return true;
}

/* Turns the frame, which has the right length already, into the SYN-ACK. */
static __always_inline __u32 answer_build(struct xdp_md *ctx, struct packet *p, const struct otori_settings *set,
					  const struct otori_keys *key)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 l3, l4_bytes;
	void *at;

	l3 = p->l3;
	at = data + offset_of_l3(l3);
	if (l3 > 22 || data + 14 > end || at + 40 > end)
		return REFUSED(transmit_failed);
	l4_bytes = 20 + answer_option_bytes(p);
	answer_swap_macs(data);
	if (p->ipv6)
		answer_ipv6(at, p, l4_bytes, set->syn_ack_ttl);
	else
		answer_ipv4(at, p, 20 + l4_bytes, set->syn_ack_ttl);
	return answer_tcp(at + (p->ipv6 ? 40 : 20), end, p, key) ? RESULT_ANSWERED : REFUSED(transmit_failed);
}

#endif
