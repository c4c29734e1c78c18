/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sighting.h - as much of a captured frame as is needed to tell who speaks to whom, and where a handshake stands.
 *
 * In:  an Ethernet frame. Out: addresses, and of a whole TCP header ports, numbers and flags. Called by handshake.c,
 * the command and tests. Judges nothing: whether a packet is good is the XDP program's to say.
 */
#ifndef OTORI_REPLAY_SIGHTING_H
#define OTORI_REPLAY_SIGHTING_H

#include "base/slice.h"

#define SIGHTING_FIN 0x01
#define SIGHTING_SYN 0x02
#define SIGHTING_RST 0x04
#define SIGHTING_ACK 0x10

struct sighting {
	bool ip;  /* source and destination are known */
	bool tcp; /* all below is known: an unfragmented packet with a whole TCP header */
	uint8_t vlan_count;
	uint16_t vlan[2]; /* VLAN ids, outer first */
	struct address source, destination;
	uint16_t source_port, destination_port; /* host byte order */
	uint8_t flags;				/* SIGHTING_* and the others, as on the wire */
	uint32_t seq, ack;
	uint32_t payload_bytes; /* by the IP header's length, also where the capture holds fewer */
	uint32_t ip_offset, tcp_offset, payload_offset; /* within the frame */
};

/* Looks at a frame; what can't be told is false or 0. */
void sighting_of(struct slice frame, struct sighting *sighting);

#endif
