/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse.h - from the bytes of an outgoing frame to what the guard rule wants to know.
 */
#ifndef OTORI_KMOD_PARSE_H
#define OTORI_KMOD_PARSE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#endif
#include "otori/guard_rule.h"

/* Link header, two tags, IPv6, extension headers of a usual length, and 20 bytes of TCP. */
#define OTORI_PARSE_BYTES 256

/**
 * struct otori_packet - an outgoing frame taken apart
 * @frame: input of the rule; source_kind, port_is_decoy, origin and admitted are the caller's to
 * fill
 * @source: IPv6 address, or IPv4 in mapped form (::ffff:a.b.c.d)
 * @destination: the same
 * @source_port: host byte order, valid where frame.has_port
 * @destination_port: the same
 * @vlan: ids of the tags, outer first; 0 where there is none
 * @tags: number of tags
 */
struct otori_packet {
	struct otori_guard_frame frame;
	__u8 source[16];
	__u8 destination[16];
	__u16 source_port;
	__u16 destination_port;
	__u16 vlan[2];
	__u8 tags;
};

/**
 * otori_parse_frame() - takes a frame apart that begins with an Ethernet header
 * @p: zero but for a tag that is kept beside the frame (vlan[0], tags)
 * @at: first byte
 * @bytes: readable bytes, OTORI_PARSE_BYTES where the frame is longer
 */
void otori_parse_frame(struct otori_packet *p, const __u8 *at, size_t bytes);

/**
 * otori_parse_network() - the same from the network header on
 * @p: zero, or with the tags that were found
 * @type: EtherType, host byte order
 * @at: first byte of the network header
 * @bytes: readable bytes from @at on
 * @more: the frame goes on behind them
 */
void otori_parse_network(struct otori_packet *p, unsigned int type, const __u8 *at, size_t bytes,
			 bool more);

#endif
