/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * datapath.h - maps and settings that the collector gives to the BPF programs.
 *
 * In:  nothing. Out: names, keys and values of the pinned maps. Included by bpf/ and collector/datapath.
 * May not hold packet formats (event.h) or rules (guard_rule.h).
 */
#ifndef OTORI_DATAPATH_H
#define OTORI_DATAPATH_H

#include "counters.h"

#define OTORI_PIN_DIRECTORY "/sys/fs/bpf/otori"
#define OTORI_MAX_RINGS 16
#define OTORI_MAX_DEVICES 16
#define OTORI_MAX_PREFIXES 4096
#define OTORI_MAX_QUIET_PREFIXES 65536
#define OTORI_WINDOW_SCALE \
	7 /* of our receive window: every SYN-ACK offers it where the SYN offered one; the responder obeys it */
#define OTORI_TRANSMIT_MARK 0x6f746f72u /* "otor": SO_MARK of the transmit sockets */

/* Key of the LPM maps decoys and quiet_sources: IPv4 is held as ::ffff:a.b.c.d, so a /24 has prefix_bits 96 + 24. */
struct otori_prefix {
	__u32 prefix_bits;
	__u8 address[16];
};

#define OTORI_DECOY_UNUSED 1 /* not the host's own: everything that is not answered is dropped and counted */
#define OTORI_DECOY_OWN 2    /* the host's own address: only decoy ports are taken, the rest passes */

/* Value of map decoys. */
struct otori_decoy {
	__u8 kind; /* OTORI_DECOY_* */
	__u8 reserved[3];
};

/*
 * Decoys, where they are few: the programs compare an address with them one by one, which costs less than asking map
 * decoys (10 ns and more for a lookup). Constants of the programs, set before load; map decoys holds the same.
 */
#define OTORI_FEW_DECOYS 4
struct otori_few_decoys {
	__u64 count; /* 0 = they are in map decoys alone */
	struct {
		__u64 address[2], mask[2]; /* as bytes of otori_prefix.address, and those that count */
		__u64 kind;		   /* OTORI_DECOY_* */
	} prefix[OTORI_FEW_DECOYS]; /* the longest first: the first that fits is the one that map decoys would find */
};

/* Value of map ports (key: __u16 port, host byte order, as index of an array of 65536): index into port_counters, 0 =
 * none. */
typedef __u8 otori_port_index;

/* Value 0 of map keys: secrets of this sensor; pinned, survive a restart. */
struct otori_keys {
	__u64 cookie[2][2]; /* SipHash keys of the even and the odd epoch generation */
	__u64 admission[2]; /* keys the tags of the admission table */
	__u64 limit[2];	    /* keys the sketch of the rate limit */
	__u64 timestamp[2]; /* keys the offsets of our time stamps, which everybody sees */
};

/* Value 0 of map settings; mmapable, written by the collector while the program runs. */
struct otori_settings {
	__u64 clock_offset_ns;	  /* UTC = bpf_jiffies64 * ns_per_jiffy + clock_offset_ns */
	__u64 heartbeat_ns;	  /* UTC of the responder's last beat; 0 = never */
	__u64 answer_grace_ns;	  /* answering ends this long after the last beat */
	__u32 ns_per_jiffy;	  /* measured at load */
	__u32 rings;		  /* rings in use, 1 to OTORI_MAX_RINGS */
	__u32 idle_seconds;	  /* a live admission slot not seen for longer may be replaced */
	__u32 limit_per_prefix;	  /* SYN-ACKs per second for a /24 or /48; 0 = no limit */
	__u32 limit_global;	  /* SYN-ACKs per second in all; 0 = no limit */
	__u32 sample_probability; /* SYNs: 2^32-1 = 1.0 */
	__u8 answer_arp;	  /* answer ARP and neighbour solicitations for decoys */
	__u8 answer_echo;	  /* answer ICMP and ICMPv6 echo */
	__u8 answering;		  /* 0 = count only (set to 0 while the guard is away) */
	__u8 syn_ack_ttl;	  /* TTL and hop limit of what XDP sends; 64 */
	__u32 quiet_prefixes;	  /* entries of map quiet_sources: without any, nobody looks there */
	__u32 reserved[3];
};

/* Value of map devices (key: __u32 ifindex): which of the sensor's interfaces it is. */
struct otori_device {
	__u8 index;
	__u8 reserved[1];
	__u8 mac[6];
};

/* Context of the program otori_clock (SEC "syscall"): the same moment by the clocks that BPF has. */
struct otori_clock_reading {
	__u64 jiffies;	    /* bpf_jiffies64 */
	__u64 monotonic_ns; /* bpf_ktime_get_ns, CLOCK_MONOTONIC */
};

/* Value of map limit_sketch (per CPU, index: keyed hash of a /24 or /48): what was sent in one second. */
struct otori_limit {
	__u32 second; /* UTC seconds */
	__u32 count;
};

#define OTORI_LIMIT_COUNTERS 65536

/* The cookie's minimum MSS table and the advertised values live in cookie.h; the admission bucket in admission.h. */

#endif
