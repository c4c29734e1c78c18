/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * event.h - the record that goes from the XDP program through a ring buffer to the responder.
 *
 * In:  nothing. Out: struct otori_event and its size classes. Included by bpf/ (writes), collector/responder (reads),
 * collector/replay and tests. May not hold anything that only one side needs.
 *
 * A record in the ring has one of five constant sizes (1664: header, 40 bytes of options and a full 1,460 bytes). It
 * holds the header below, then option_bytes bytes of TCP options as they stood in the segment, then payload_bytes bytes
 * of payload, then unspecified bytes up to the size class. The reader checks option_bytes and payload_bytes against the
 * record's size before use.
 */
#ifndef OTORI_EVENT_H
#define OTORI_EVENT_H

#include "counters.h"

#define OTORI_EVENT_CLASSES(X) X(128) X(512) X(1664) X(4096) X(9216)
#define OTORI_EVENT_MAX_BYTES 9216
#define OTORI_FRAME_MAX_BYTES 9018 /* longer frames are refused as too_long */

/* otori_event.flags */
#define OTORI_EVENT_IPV6 0x01	    /* source and destination are IPv6; else IPv4 in the first four bytes, the rest 0 */
#define OTORI_EVENT_VLAN_COUNT 0x06 /* number of VLAN tags, 0 to 2, << 1 */
#define OTORI_EVENT_VLAN_OUTER_8021AD 0x08 /* the outer tag has ethertype 0x88a8, else 0x8100 */
#define OTORI_EVENT_VERIFY_CHECKSUM 0x10   /* partial_checksum + payload must still give 0xffff */
#define OTORI_EVENT_DONT_FRAGMENT 0x20	   /* the IPv4 DF bit was set */
#define OTORI_EVENT_OPTIONS_KNOWN 0x40	   /* of open: cookie_* are what the SYN negotiated (never in a replay) */
#define OTORI_EVENT_SAID 0x80 /* XDP itself has already answered this segment with the template named by said */
#define OTORI_EVENT_VLAN_COUNT_SHIFT 1

/*
 * Header of a ring record. Integers are host byte order unless named _be.
 * sequence counts per CPU and is unique together with cpu and boot; the reader uses it to take each event once.
 */
struct otori_event {
	__u64 sequence;
	__u64 time_ns; /* UTC, nanoseconds since 1970, of the jiffy in which the packet was seen */
	__u32 minute;  /* minute since 1970 in whose counters the packet was counted */
	__u32 slot;    /* of flows: admission slot (bucket * 8 + place); of syn: sampling probability, 2^32-1 = 1.0 */
	__u8 source[16];
	__u8 destination[16];
	__u16 source_port_be;
	__u16 destination_port_be;
	__u32 seq;
	__u32 ack;
	__u16 window; /* as on the wire, unscaled */
	__u16 ip_id;  /* host order; 0 for IPv6 */
	__u16 payload_bytes;
	__u16 partial_checksum; /* folded ones' complement sum of pseudo header and TCP header with its checksum field;
				   sum of native 16-bit loads (as bpf_csum_diff gives) */
	__u16 vlan_tci_be[2];	/* outer first; with priority bits */
	__u8 source_mac[6];
	__u8 destination_mac[6];
	__u8 option_bytes;	  /* length of TCP options, 0 to 40 */
	__u8 tcp_flags;		  /* FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128 */
	__u8 kind;		  /* enum otori_event_kind */
	__u8 flags;		  /* OTORI_EVENT_* */
	__u8 ttl;		  /* TTL or hop limit */
	__u8 device;		  /* index of the interface in the sensor's list */
	__u8 cpu;		  /* the CPU whose sequence it is */
	__u8 said;		  /* number of the template that XDP answered with, 0 = none */
	__u8 cookie_window_scale; /* of open: 0 to 14, 15 = not offered */
	__u8 cookie_sack;	  /* of open: 1 = SACK was offered */
	__u16 cookie_mss;	  /* of open: the MSS that was agreed on */
};

_Static_assert(sizeof(struct otori_event) == 104, "otori_event is part of the ring format");

/*
 * Of kind unreachable: seq is the quoted sequence number, window the MTU the message names (0 = it is no
 * packet-too-big), tcp_flags the ICMP type, option_bytes 0, source and destination those of the flow as XDP sees it
 * (source = the stranger).
 */

/*
 * Of kind syn: the sampled SYN without the data that it may carry (payload_bytes 0). A tombstone's last segments (after
 * our RST, or FIN after FIN) come as kind segment like any other; a reader that has no such flow any more counts them
 * as strays.
 */

#endif
