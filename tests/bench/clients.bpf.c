/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * clients.bpf.c - clients without state: they open conversations at a given rate and play each to its end.
 *
 * In:  `generate` runs by BPF test run with live frames and is paced by the clock; `play` is the XDP program of the
 * clients' end of a veth pair and gets what the server sends. Out: SYNs; to a SYN-ACK the ACK with the first message,
 * to an answer the next message or a reset. Counts in `counts`. Called by clients.c. May not run on any device but a
 * bench's.
 *
 * All that a client knows is in the packet that it gets: where its next byte belongs (the ACK number), and whose it is
 * (the source address holds the conversation's number). A conversation is counted once, however often its answer is
 * sent again.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "clients.h"

#define ETH_P_IP 0x0800
#define SYN_OPTION_BYTES 12
#define ID_BITS 26 /* 24 in the source address, 2 of the generation */

struct frame {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct tcphdr tcp;
	__u8 options[SYN_OPTION_BYTES];
} __attribute__((packed, aligned(2)));

struct clients_settings settings;
__u64 interval_ns; /* between two SYNs; 0 = none are sent */
__u64 next_ns;
__u32 number;
__u64 finished[1 << (ID_BITS - 6)]; /* a bit a conversation */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct clients_counts);
} counts SEC(".maps");

/* Loads as they stand: clang would fold context and offset into a pointer that the verifier refuses. */
static __always_inline void *begin_of(struct xdp_md *context)
{
	void *at;

	asm volatile("%0 = *(u32 *)(%1 + 0)" : "=r"(at) : "r"(context));
	return at;
}

static __always_inline void *end_of(struct xdp_md *context)
{
	void *at;

	asm volatile("%0 = *(u32 *)(%1 + 4)" : "=r"(at) : "r"(context));
	return at;
}

static __always_inline struct clients_counts *my_counts(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counts, &zero);
}

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)((sum & 0xffff) + (sum >> 16));
}

static __always_inline __u32 sum_words(const void *from, int words)
{
	const __u16 *word = from;
	__u32 sum = 0;

#pragma unroll
	for (int i = 0; i < words; i++)
		sum += word[i];
	return sum;
}

/* Fills in both checksums; extra is the sum of what follows the 20 bytes of TCP header, bytes its length. */
static __always_inline void checksums(struct iphdr *ip, struct tcphdr *tcp, __u32 extra, __u32 bytes)
{
	__u32 sum;

	ip->tot_len = bpf_htons((__u16)(sizeof(*ip) + sizeof(*tcp) + bytes));
	ip->check = 0;
	ip->check = (__u16)~fold(sum_words(ip, sizeof(*ip) / 2));
	tcp->check = 0;
	sum = sum_words(tcp, sizeof(*tcp) / 2) + sum_words(&ip->saddr, 4) + extra;
	sum += bpf_htons(IPPROTO_TCP) + bpf_htons((__u16)(sizeof(*tcp) + bytes));
	tcp->check = (__u16)~fold(sum);
}

static __always_inline void fill_ip(struct iphdr *ip, __be32 source, __be32 destination)
{
	ip->version = 4;
	ip->ihl = 5;
	ip->tos = 0;
	ip->id = 0;
	ip->frag_off = bpf_htons(0x4000);
	ip->ttl = 64;
	ip->protocol = IPPROTO_TCP;
	ip->saddr = source;
	ip->daddr = destination;
}

static __always_inline void fill_tcp(struct tcphdr *tcp, __be16 source, __u32 seq, __u32 ack, __u8 words, __u8 flags)
{
	tcp->source = source;
	tcp->dest = settings.port_be;
	tcp->seq = bpf_htonl(seq);
	tcp->ack_seq = bpf_htonl(ack);
	((__u8 *)tcp)[12] = (__u8)(words << 4);
	((__u8 *)tcp)[13] = flags;
	tcp->window = bpf_htons(64240);
	tcp->urg_ptr = 0;
}

SEC("xdp")
int generate(struct xdp_md *context)
{
	static const __u8 options[SYN_OPTION_BYTES] = { 2, 4, 5, 180, 1, 3, 3, 7, 1, 1, 4, 2 };
	struct frame *frame;
	struct clients_counts *count = my_counts();
	__u64 now_ns = bpf_ktime_get_ns(), interval = interval_ns, next = next_ns;
	__u32 n, id, host, server;

	if (!count || !interval || now_ns < next)
		return XDP_DROP;
	/*
	 * The page may have been somebody else's frame meanwhile, and shorter: the kernel takes its length over only
	 * from a program that has changed it. So it comes in one byte longer than it leaves.
	 */
	if (bpf_xdp_adjust_tail(context, -1))
		return XDP_DROP;
	frame = begin_of(context);
	if ((void *)(frame + 1) > end_of(context))
		return XDP_DROP;
	/* who has fallen behind does not send all that he owes at once */
	next_ns = (now_ns - next > 200000 ? now_ns : next) + interval;
	n = number++;
	/* the /24 changes with each conversation, as a limit by /24 wants it; servers are spread */
	host = (n & 0xffff) << 8 | (n >> 16 & 0xff);
	server = bpf_ntohl(settings.servers_be) + ((n * 2654435761u) >> 12 & settings.server_mask);
	id = ((__u32)settings.generation + (n >> 24)) << 24 | host;
	__sync_fetch_and_and(&finished[id >> 6 & ((1 << (ID_BITS - 6)) - 1)], ~(1ull << (id & 63)));

	__builtin_memcpy(frame->ethernet.h_dest, settings.server_mac, 6);
	__builtin_memcpy(frame->ethernet.h_source, settings.client_mac, 6);
	frame->ethernet.h_proto = bpf_htons(ETH_P_IP);
	fill_ip(&frame->ip, bpf_htonl(0x0a000000 | host), bpf_htonl(server));
	fill_tcp(&frame->tcp, bpf_htons((__u16)(10240 + (id >> 24))), n * 2246822519u, 0, 8, 2);
	__builtin_memcpy(frame->options, options, sizeof(options));
	checksums(&frame->ip, &frame->tcp, sum_words(frame->options, sizeof(options) / 2), sizeof(options));
	count->syns++;
	return (int)bpf_redirect(settings.interface, 0);
}

/*
 * Turns the frame in hand into one from the client, with room for bytes of payload; returns where those go, or 0. It
 * grows at its head: a frame that comes from a socket has no room behind it.
 */
static __always_inline int turn(struct xdp_md *context, __u32 consumed, __u8 flags, __u32 payload_sum,
				__u32 payload_bytes)
{
	__u32 header = sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct tcphdr);
	__u32 want = header + payload_bytes, have = (__u32)(end_of(context) - begin_of(context)), seq, ack;
	struct frame *frame = begin_of(context);
	__be32 server, client;
	__be16 port;

	if ((void *)&frame->options > end_of(context))
		return 0;
	server = frame->ip.saddr;
	client = frame->ip.daddr;
	port = frame->tcp.dest;
	seq = bpf_ntohl(frame->tcp.ack_seq);
	ack = bpf_ntohl(frame->tcp.seq) + consumed;
	if (want > have	  ? bpf_xdp_adjust_head(context, (int)(have - want))
	    : want < have ? bpf_xdp_adjust_tail(context, (int)(want - have))
			  : 0)
		return 0;
	frame = begin_of(context);
	if ((void *)&frame->options > end_of(context))
		return 0;
	frame->ethernet.h_proto = bpf_htons(ETH_P_IP);
	__builtin_memcpy(frame->ethernet.h_dest, settings.server_mac, 6);
	__builtin_memcpy(frame->ethernet.h_source, settings.client_mac, 6);
	fill_ip(&frame->ip, client, server);
	fill_tcp(&frame->tcp, port, seq, ack, 5, flags);
	checksums(&frame->ip, &frame->tcp, payload_sum, payload_bytes);
	return (int)header;
}

static __always_inline int say(struct xdp_md *context, __u32 which, __u32 consumed)
{
	const struct clients_step *step = &settings.step[which & 1];
	__u32 bytes = step->say_bytes & (CLIENTS_SAY_BYTES - 1);
	int at = turn(context, consumed, 0x18, step->say_sum, bytes);

	if (!at || !bytes || bytes >= CLIENTS_SAY_BYTES ||
	    bpf_xdp_store_bytes(context, (__u32)at, (void *)step->say, bytes))
		return XDP_DROP;
	return XDP_TX;
}

static __always_inline bool answers(const __u8 *payload, const __u8 *end, const struct clients_step *step)
{
	if (payload + 4 > end) {
		/* shorter than what is compared: two bytes are the least that any server here sends */
		return step->answer_bytes <= 2 && payload + 2 <= end && payload[0] == step->answer[0] &&
		       (step->answer_bytes < 2 || payload[1] == step->answer[1]);
	}
	for (int i = 0; i < 4; i++) {
		if (i < (int)step->answer_bytes && payload[i] != step->answer[i])
			return false;
	}
	return true;
}

static __always_inline int finish(struct xdp_md *context, struct clients_counts *count, __u32 id, __u32 consumed)
{
	__u64 bit = 1ull << (id & 63);

	if (!(__sync_fetch_and_or(&finished[id >> 6 & ((1 << (ID_BITS - 6)) - 1)], bit) & bit))
		count->completed++;
	return turn(context, consumed, 0x14, 0, 0) ? XDP_TX : XDP_DROP;
}

SEC("xdp")
int play(struct xdp_md *context)
{
	struct frame *frame = begin_of(context);
	const __u8 *end = end_of(context), *payload;
	struct clients_counts *count = my_counts();
	__u32 header, total, bytes, id;

	if (!count || (const __u8 *)&frame->options > end || frame->ethernet.h_proto != bpf_htons(ETH_P_IP) ||
	    frame->ip.protocol != IPPROTO_TCP || frame->tcp.source != settings.port_be)
		return XDP_PASS;
	header = sizeof(frame->ip) + frame->tcp.doff * 4u;
	total = bpf_ntohs(frame->ip.tot_len);
	if (frame->ip.ihl != 5 || total < header)
		return XDP_DROP;
	bytes = total - header;
	id = (__u32)(bpf_ntohs(frame->tcp.dest) - 10240) << 24 | (bpf_ntohl(frame->ip.daddr) & 0xffffff);
	if (frame->tcp.rst) {
		count->resets++;
		return XDP_DROP;
	}
	if (frame->tcp.syn) {
		count->syn_acks++;
		return say(context, 0, 1);
	}
	if (!bytes)
		return XDP_DROP;
	payload = (void *)&frame->tcp + (frame->tcp.doff * 4u & 0x3c);
	count->answers++;
	/* the second answer is asked for first: a SOCKS greeting's answer is a prefix of nothing else */
	if (settings.steps > 1 && bytes > 2 && answers(payload, end, &settings.step[1]))
		return finish(context, count, id, bytes);
	if (!answers(payload, end, &settings.step[0])) {
		count->strays++;
		return XDP_DROP;
	}
	return settings.steps > 1 ? say(context, 1, bytes) : finish(context, count, id, bytes);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
