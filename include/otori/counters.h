/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * counters.h - what the XDP program counts, by name.
 *
 * In:  nothing. Out: the lists of verdicts, refusal reasons and kinds; struct otori_counters, which
 * bpftool prints as words through BTF. Included by bpf/ (which counts), collector/ (which turns the
 * figures into ledger rows) and tests. May not touch anything else.
 *
 * Every list is an X macro, so that the enum, the struct field and the text used in SQL have one source.
 * Lists are append-only: their names reach tables, their order reaches pinned maps.
 */
#ifndef OTORI_COUNTERS_H
#define OTORI_COUNTERS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/*
 * Reasons for which a packet is refused (dropped and counted). X(name, what it means).
 * A packet has exactly one verdict; the first reason that applies is the one that counts.
 */
#define OTORI_REFUSALS(X) \
	X(truncated, "a header is cut short, or a length field points behind the frame") \
	X(too_long, "the frame is longer than 9,018 bytes") \
	X(vlan_depth, "more VLAN tags than are parsed") \
	X(bad_ip_header, "version, header length or option lengths are wrong") \
	X(bad_ip_checksum, "the IPv4 header checksum is wrong") \
	X(fragment, "a fragment") \
	X(extension_header, "an IPv6 extension header that is not walked, or too many of them") \
	X(bad_tcp_header, "data offset, options or flag combination are wrong") \
	X(bad_tcp_checksum, "the TCP checksum is wrong") \
	X(martian, "source unspecified, loopback, multicast, broadcast or a decoy; or a group's MAC") \
	X(not_tcp, "another protocol than TCP, for a decoy address") \
	X(other_port, "TCP to a port that no decoy offers") \
	X(no_handshake, "no flow, and the acknowledgement holds no valid cookie") \
	X(backscatter, "SYN-ACK or RST without a flow: the answer to somebody's spoofing") \
	X(rate_limited, "SYN over the limit of its /24 or /48, or over the global one") \
	X(flow_table_full, "no admission slot was free") \
	X(ring_full, "the ring buffer had no room") \
	X(no_responder, "the responder's heartbeat is older than the grace") \
	X(quiet_source, "the source asked not to be recorded") \
	X(icmp_other, "an ICMP or ICMPv6 message that is neither echo nor an error for a live flow") \
	X(bad_icmp, "an ICMP or ICMPv6 message with a wrong checksum or length") \
	X(transmit_failed, "an answer could not be built in the frame") \
	X(guard, "the guard rule refused an answer that XDP was about to send")

/*
 * Kinds of packet, told apart on entry; each packet is of exactly one. X(name, what it means).
 * The order is that of the test: the first that fits.
 */
#define OTORI_KINDS(X) \
	X(syn, "SYN without ACK, FIN and RST") \
	X(backscatter, "SYN with ACK") \
	X(rst, "RST") \
	X(fin, "FIN") \
	X(payload, "ACK with data") \
	X(ack, "ACK without data") \
	X(other_tcp, "any other combination of TCP flags") \
	X(icmp, "ICMP or ICMPv6") \
	X(other, "all else: other protocols, fragments, what could not be parsed, what passes")

/* Kinds of ring event (see event.h). X(name, what it means). */
#define OTORI_EVENTS(X) \
	X(syn, "a sampled SYN") \
	X(open, "the ACK that completes a handshake, with or without data") \
	X(segment, "a TCP segment of an admitted flow") \
	X(unreachable, "an ICMP error or packet-too-big that quotes a live flow")

#define OTORI_ENUM_REFUSAL(name, text) OTORI_REFUSED_##name,
enum otori_refusal { OTORI_REFUSALS(OTORI_ENUM_REFUSAL) OTORI_REFUSAL_COUNT };
#define OTORI_ENUM_KIND(name, text) OTORI_KIND_##name,
enum otori_kind { OTORI_KINDS(OTORI_ENUM_KIND) OTORI_KIND_COUNT };
#define OTORI_ENUM_EVENT(name, text) OTORI_EVENT_##name,
enum otori_event_kind { OTORI_EVENTS(OTORI_ENUM_EVENT) OTORI_EVENT_COUNT };

/*
 * Figures of one port and one family. Equations that hold at every moment in which no packet is under way:
 *   seen = passed + answered + taken + the sum of refused_*
 *   seen = the sum of kind_*
 *   kind_syn = syn_sampled + syn_unsampled      (of port indexes 1 and up; a refused SYN is unsampled)
 *   emitted_K = events that the responder can read + ring_full_K   (emitted counts attempts)
 * Units: packets, but for seen_bytes (bytes of frame).
 */
struct otori_counters {
	__u64 seen;
	__u64 seen_bytes;
	__u64 passed;
	__u64 answered;
	__u64 taken;
	__u64 syn_sampled;
	__u64 syn_unsampled;
#define OTORI_FIELD_KIND(name, text) __u64 kind_##name;
	OTORI_KINDS(OTORI_FIELD_KIND)
#define OTORI_FIELD_EMITTED(name, text) __u64 emitted_##name;
	OTORI_EVENTS(OTORI_FIELD_EMITTED)
#define OTORI_FIELD_RING_FULL(name, text) __u64 ring_full_##name;
	OTORI_EVENTS(OTORI_FIELD_RING_FULL)
#define OTORI_FIELD_REFUSED(name, text) __u64 refused_##name;
	OTORI_REFUSALS(OTORI_FIELD_REFUSED)
};

/*
 * Which port: that of the TCP header; of an ICMP error that quotes a segment of a decoy port, that port (as the event
 * says); of all else, index 0. ARP and neighbour solicitations sent to a multicast group are of kind other, answered or
 * not: they don't go to a decoy. A segment of a flow that is known is told by the admission table before its source is
 * asked whether it is a martian or quiet.
 */

/* Both families of one port: the value of map port_counters (cumulative since load). Index 0 is all other ports. */
struct otori_port_counters {
	__u32 port; /* host byte order; 0 = every port that is not a decoy port, and what has no port */
	__u32 reserved;
	struct otori_counters ipv4; /* also frames that are neither IPv4 nor IPv6 */
	struct otori_counters ipv6;
};

/*
 * The same figures of one minute: the value of map minute_counters, entry (minute & 3) * OTORI_MAX_PORTS + port index.
 * The CPU that comes first in a minute finds another minute's number, clears the figures and writes its own.
 */
struct otori_minute_counters {
	__u32 minute; /* minutes since 1970-01-01 00:00 UTC; 0 = never used */
	__u32 port;
	struct otori_counters ipv4;
	struct otori_counters ipv6;
};

#define OTORI_MINUTE_SLOTS 4
#define OTORI_MAX_PORTS 32 /* decoy ports + the entry 0; a sensor has four, a test may have more */

#endif
