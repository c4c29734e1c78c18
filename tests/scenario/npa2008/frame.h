/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.h - one Ethernet frame with a TCP segment, or what else a tap sees.
 *
 * In:  addresses, ports, numbers, flags, options, data. Out: bytes with right checksums (or wrong ones where that is
 * wanted).
 */
#ifndef NPA2008_FRAME_H
#define NPA2008_FRAME_H

#include "ip.h"

#define FRAME_BYTES_MAX 1600

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10

struct endpoint {
	struct ip ip;
	uint16_t port;
};

struct segment {
	struct endpoint from, to;
	uint32_t seq, ack;
	uint16_t window;
	uint8_t flags, ttl;
	bool bad_checksum, ours; /* ours: sent by the server */
	uint16_t ip_id;
	uint8_t options[40];
	uint32_t option_bytes; /* a multiple of 4 */
	const uint8_t *data;
	uint32_t data_bytes;
};

/* Writes the frame of a segment; returns its length, at most FRAME_BYTES_MAX. */
uint32_t frame_segment(uint8_t *frame, const struct segment *segment);

/* Makes of an IPv4 frame two fragments, cut behind the TCP header; returns the length of the second, at *second. */
uint32_t frame_fragments(uint8_t *frame, uint32_t *bytes, uint8_t *second);

/* An ICMP echo request, or a UDP datagram of 12 bytes where port is not 0; IPv4 only. */
uint32_t frame_other(uint8_t *frame, const struct ip *from, const struct ip *to, uint16_t port);

#endif
