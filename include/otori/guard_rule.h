/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * guard_rule.h - what may leave a sensor: the stateless rule, as one pure function.
 *
 * In:  what a parser found in an outgoing frame. Out: pass or drop, with the reason. Compiled into the tc egress
 * program, into the XDP program (all that it sends itself) and into the kernel module. May not read a packet or a map.
 *
 * The rule (docs: Never relays): what the responder sends (marked) is a TCP answer of an admitted flow, from a decoy
 * address and port; what XDP sends is a SYN-ACK, an echo reply or neighbour discovery, from a decoy; what anybody else
 * sends is not from a decoy, but for echo replies and neighbour discovery. What a parser can't read does not pass.
 */
#ifndef OTORI_GUARD_RULE_H
#define OTORI_GUARD_RULE_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* Verdicts of the rule and counters of map guard_counters. X(name, what it means). Append-only. */
#define OTORI_GUARD_VERDICTS(X) \
	X(pass_host, "unmarked, and not from a decoy") \
	X(pass_neighbour, "unmarked echo reply or neighbour discovery from a decoy") \
	X(pass_responder, "the responder's segment of an admitted flow") \
	X(pass_xdp, "an answer of the XDP program") \
	X(drop_unreadable, "cut short, too many tags or headers, or not IP where it must be") \
	X(drop_source, "the source address is no decoy") \
	X(drop_shape, "a fragment, IP options, extension headers or a tunnel") \
	X(drop_protocol, "neither TCP nor what may be answered by ICMP") \
	X(drop_port, "the source port is no decoy port") \
	X(drop_flags, "a TCP segment that is no answer") \
	X(drop_flow, "no such flow was admitted") \
	X(drop_host, "unmarked, from a decoy address, or from a decoy port of the host's own")

#define OTORI_ENUM_GUARD(name, text) OTORI_GUARD_##name,
enum otori_guard_verdict { OTORI_GUARD_VERDICTS(OTORI_ENUM_GUARD) OTORI_GUARD_VERDICT_COUNT };

/* Who hands the frame over. */
#define OTORI_ORIGIN_HOST 0	 /* no mark, or another one than OTORI_TRANSMIT_MARK */
#define OTORI_ORIGIN_RESPONDER 1 /* OTORI_TRANSMIT_MARK */
#define OTORI_ORIGIN_XDP 2

/* What the frame is. */
#define OTORI_SHAPE_UNREADABLE 0
#define OTORI_SHAPE_OTHER 1 /* neither IP nor ARP */
#define OTORI_SHAPE_ARP 2
#define OTORI_SHAPE_IPV4 3
#define OTORI_SHAPE_IPV6 4

struct otori_guard_frame {
	__u8 origin;	    /* OTORI_ORIGIN_* */
	__u8 shape;	    /* OTORI_SHAPE_* */
	__u8 source_kind;   /* 0 = source address (ARP: sender) is no decoy, else OTORI_DECOY_* */
	__u8 plain;	    /* no IP options, no extension header, no fragment, and the TCP or ICMP header is whole */
	__u8 protocol;	    /* IPv4 protocol or last IPv6 next header that was reached */
	__u8 has_port;	    /* a TCP header's ports were readable (also behind options, or in a first fragment) */
	__u8 port_is_decoy; /* TCP source port is one of the decoy ports */
	__u8 tcp_flags;
	__u8 icmp_type; /* ICMP type; of ARP the operation */
	__u8 admitted;	/* the admission table holds the flow, live or closed */
};

#define OTORI_GUARD_FIN 0x01
#define OTORI_GUARD_SYN 0x02
#define OTORI_GUARD_RST 0x04
#define OTORI_GUARD_ACK 0x10

static inline int otori_guard_passes(enum otori_guard_verdict verdict)
{
	return verdict <= OTORI_GUARD_pass_xdp;
}

static inline int otori_guard_is_echo_reply(const struct otori_guard_frame *f)
{
	return f->plain && ((f->shape == OTORI_SHAPE_IPV4 && f->protocol == 1 && f->icmp_type == 0) ||
			    (f->shape == OTORI_SHAPE_IPV6 && f->protocol == 58 && f->icmp_type == 129));
}

static inline int otori_guard_is_neighbour(const struct otori_guard_frame *f, __u8 lowest)
{
	return f->plain && f->shape == OTORI_SHAPE_IPV6 && f->protocol == 58 && f->icmp_type >= lowest &&
	       f->icmp_type <= 136;
}

/* Of a frame that does not carry the mark. */
static inline enum otori_guard_verdict otori_guard_host(const struct otori_guard_frame *f)
{
	if (f->shape == OTORI_SHAPE_UNREADABLE)
		return OTORI_GUARD_drop_unreadable;
	if (f->shape == OTORI_SHAPE_OTHER || f->shape == OTORI_SHAPE_ARP || !f->source_kind)
		return OTORI_GUARD_pass_host;
	if (f->source_kind == 2) /* OTORI_DECOY_OWN */
		return f->has_port && f->port_is_decoy ? OTORI_GUARD_drop_host : OTORI_GUARD_pass_host;
	if (otori_guard_is_echo_reply(f) || otori_guard_is_neighbour(f, 135))
		return OTORI_GUARD_pass_neighbour;
	return OTORI_GUARD_drop_host;
}

/* The rule. Every outgoing frame gets exactly one verdict. */
static inline enum otori_guard_verdict otori_guard_rule(const struct otori_guard_frame *f)
{
	if (f->origin == OTORI_ORIGIN_HOST)
		return otori_guard_host(f);
	if (f->shape == OTORI_SHAPE_UNREADABLE || f->shape == OTORI_SHAPE_OTHER)
		return OTORI_GUARD_drop_unreadable;
	if (!f->source_kind)
		return OTORI_GUARD_drop_source;
	if (f->shape == OTORI_SHAPE_ARP)
		return f->origin == OTORI_ORIGIN_XDP && f->icmp_type == 2 ? OTORI_GUARD_pass_xdp
									  : OTORI_GUARD_drop_shape;
	if (!f->plain)
		return OTORI_GUARD_drop_shape;
	if (f->origin == OTORI_ORIGIN_XDP && (otori_guard_is_echo_reply(f) || otori_guard_is_neighbour(f, 136)))
		return OTORI_GUARD_pass_xdp;
	if (f->protocol != 6)
		return OTORI_GUARD_drop_protocol;
	if (!f->port_is_decoy)
		return OTORI_GUARD_drop_port;
	if (f->origin == OTORI_ORIGIN_XDP)
		return (f->tcp_flags & 0x17) == (OTORI_GUARD_SYN | OTORI_GUARD_ACK) ? OTORI_GUARD_pass_xdp
										    : OTORI_GUARD_drop_flags;
	if (!(f->tcp_flags & (OTORI_GUARD_ACK | OTORI_GUARD_RST)) ||
	    (f->tcp_flags & (OTORI_GUARD_SYN | OTORI_GUARD_ACK)) == OTORI_GUARD_SYN)
		return OTORI_GUARD_drop_flags;
	return f->admitted ? OTORI_GUARD_pass_responder : OTORI_GUARD_drop_flow;
}

#endif
