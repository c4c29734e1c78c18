/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * packet.bpf.h - what is known of the packet in hand, and the result that its handling gives.
 *
 * In:  nothing. Out: struct packet, filled by dissect.bpf.h and read by all others; the bits of a result.
 * Lives on the stack of otori_xdp and is lent to the functions that it calls. May not hold packet pointers: those die
 * with every adjustment of the frame.
 */
#ifndef OTORI_PACKET_BPF_H
#define OTORI_PACKET_BPF_H

#include "maps.bpf.h"
#include "otori/cookie.h"
#include "otori/event.h"

#define ETH_P_IP_BE bpf_htons(0x0800)
#define ETH_P_ARP_BE bpf_htons(0x0806)
#define ETH_P_IPV6_BE bpf_htons(0x86dd)
#define ETH_P_8021Q_BE bpf_htons(0x8100)
#define ETH_P_8021AD_BE bpf_htons(0x88a8)

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_ECE 0x40
#define TCP_CWR 0x80

/* A result: what became of the packet, as one word, so that it can come out of a global function. */
#define RESULT_PASSED 0u
#define RESULT_ANSWERED 1u
#define RESULT_TAKEN 2u
#define RESULT_REFUSED 3u
#define RESULT_VERDICT 3u
#define RESULT_SAMPLED (1u << 2)
#define RESULT_EMITTED (1u << 3) /* an event was attempted; its kind in bits 4 and 5 */
#define RESULT_KIND_SHIFT 4
#define RESULT_RING_FULL (1u << 6) /* ... and the ring had no room */
#define RESULT_REASON_SHIFT 8	   /* OTORI_REFUSED_* */
#define REFUSED(reason) (RESULT_REFUSED | (OTORI_REFUSED_##reason << RESULT_REASON_SHIFT))
#define EMITTED(event_kind) (RESULT_EMITTED | ((event_kind) << RESULT_KIND_SHIFT))

#define NO_REFUSAL 0xff

struct packet {
	__u32 seq, ack;
	__u32 timestamp_be; /* TSval of a SYN */
	__u16 l3, l4, data; /* offsets of IP header, TCP or ICMP header, payload */
	__u16 l4_bytes;	    /* TCP or ICMP header with what follows it */
	__u16 payload_bytes;
	__u16 source_port_be, destination_port_be;
	__u16 window, ip_id;
	__u16 partial_checksum;
	__u16 vlan_tci_be[2];
	__u16 mss;	 /* of a SYN; 0 = none offered */
	__u16 nine_bits; /* of open: OTORI_COOKIE_NINE of the SYN */
	__u8 vlan_count, outer_8021ad;
	__u8 ipv6;
	__u8 protocol;
	__u8 decoy;	 /* OTORI_DECOY_* of the destination, 0 = none */
	__u8 port_index; /* 0 = no decoy port */
	__u8 kind;	 /* OTORI_KIND_* */
	__u8 refusal;	 /* first reason for refusal that the dissection found, NO_REFUSAL = none */
	__u8 tcp_flags;
	__u8 option_bytes;
	__u8 ttl, tos;
	__u8 dont_fragment;
	__u8 verify; /* the payload's part of the checksum was not yet looked at */
	__u8 event;  /* OTORI_EVENT_* to emit */
	__u8 ring;
	__u8 options_known;
	__u8 scale; /* of a SYN: 0 to 14, 15 = not offered */
	__u8 sack_offered, timestamp_offered;
	__u8 fragment; /* 1 = a first fragment, 2 = a later one */
	__u8 cursor;   /* options.bpf.h: offset in options */
	__u8 icmp_type;
	__u8 best_place;
	__u8 quiet;	   /* the source asked not to be recorded */
	__u8 group_source; /* the source MAC is a group's: an answer would go to many */
	__u8 echo;	   /* an ICMP echo request */
	__u8 neighbour;	   /* a neighbour solicitation */
	__u8 icmp_error;   /* quotes a segment of a decoy port; ports, addresses and seq are those of the flow */

	/* What follows is not cleared: it is written before it is read, or goes on from packet to packet. */
	__u64 kept[0];
	__u64 now_ns;	 /* UTC */
	__u64 second_ns; /* UTC at which second begins */
	__u32 second, minute;
	struct otori_limit portion;    /* limit.bpf.h: what is left of this CPU's portion of the global bucket */
	struct otori_hashed_flow flow; /* of TCP segments and ICMP errors */
	__u64 slot_word;	       /* the admission slot as it was found, 0 = none */
	__u64 best_word;	       /* admit.bpf.h: the slot that is given away most gladly */
	__u32 best;
	struct otori_prefix source; /* whole addresses, ready as LPM keys; the addresses lie at multiples of eight
				       (aligned_prefix) */
	__u32 frame_bytes;
	struct otori_prefix destination;
	__u32 slot;   /* number of the admission slot; of a sample the probability */
	__u32 cookie; /* of a SYN: the sequence number of our answer */
	__u32 options[10];
};

_Static_assert(__builtin_offsetof(struct packet, source.address) % 8 == 0 &&
		       __builtin_offsetof(struct packet, destination.address) % 8 == 0,
	       "prefix_ipv4 and prefix_ipv6 write words of eight bytes");

/* The first refusal that applies is the one that counts. */
#define refuse(p, reason) \
	do { \
		if ((p)->refusal == NO_REFUSAL) \
			(p)->refusal = OTORI_REFUSED_##reason; \
	} while (0)

/* True in a replay: times are the capture's, handshakes are judged by user space. */
const volatile bool replay = false;
/*
 * A frame may lie in several parts: of devices whose frames are longer than a page allows. False where none does, and
 * the program is loaded as one that takes none: the linear part is the whole frame then, and needs no call to be told.
 */
const volatile bool frames_in_parts = false;
/* True where a capture's checksums are known to be wrong (offloading at the place of recording). */
const volatile bool ignore_checksums = false;

/* By words: of unknown alignment __builtin_memcpy goes byte by byte. */
static __always_inline void copy6(void *to, const void *from)
{
	*(__u32 *)to = *(const __u32 *)from;
	*(__u16 *)(to + 4) = *(const __u16 *)(from + 4);
}

static __always_inline void copy16(void *to, const void *from)
{
	((__u32 *)to)[0] = ((const __u32 *)from)[0];
	((__u32 *)to)[1] = ((const __u32 *)from)[1];
	((__u32 *)to)[2] = ((const __u32 *)from)[2];
	((__u32 *)to)[3] = ((const __u32 *)from)[3];
}

static __always_inline __u32 fold_checksum(__u64 sum)
{
	__u32 folded;

	/* added to itself with its halves exchanged, a sum has both halves' sum, and their carry, in its upper half */
	folded = (sum + (sum << 32 | sum >> 32)) >> 32;
	return (folded + (folded << 16 | folded >> 16)) >> 16;
}

#endif
