// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sighting.c - reads Ethernet, up to two VLAN tags, IPv4, IPv6 with its extension headers, and TCP.
 *
 * In:  a frame from a capture, any bytes. Out: struct sighting. Called by handshake.c and the command. Every length is
 * checked before use; nothing is remembered.
 */
#include "replay/sighting.h"

#define EXTENSION_HEADERS 8

static uint16_t be16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t be32(const uint8_t *bytes)
{
	return (uint32_t)be16(bytes) << 16 | be16(bytes + 2);
}

/* Drops length bytes off the front of rest; false (and nothing dropped) where there are fewer. */
static bool drop(struct slice *rest, size_t length)
{
	if (rest->length < length)
		return false;
	rest->bytes += length;
	rest->length -= length;
	return true;
}

/* offset: of rest within the IP packet. wire_bytes: length of TCP header and payload by the IP header. */
static void look_at_tcp(struct slice rest, size_t offset, uint32_t wire_bytes, struct sighting *sighting)
{
	uint32_t header;

	if (rest.length < 20 || wire_bytes < 20)
		return;
	header = (uint32_t)(rest.bytes[12] >> 4) * 4;
	if (header < 20 || header > wire_bytes)
		return;
	sighting->source_port = be16(rest.bytes);
	sighting->destination_port = be16(rest.bytes + 2);
	sighting->seq = be32(rest.bytes + 4);
	sighting->ack = be32(rest.bytes + 8);
	sighting->flags = rest.bytes[13];
	sighting->payload_bytes = wire_bytes - header;
	sighting->tcp_offset = sighting->ip_offset + (uint32_t)offset;
	sighting->payload_offset = sighting->tcp_offset + header;
	sighting->tcp = true;
}

static void look_at_ipv4(struct slice rest, struct sighting *sighting)
{
	const uint8_t *ip = rest.bytes;
	uint32_t header, total;

	if (rest.length < 20 || ip[0] >> 4 != 4)
		return;
	memcpy(sighting->source.bytes, ip + 12, 4);
	memcpy(sighting->destination.bytes, ip + 16, 4);
	sighting->ip = true;
	header = (uint32_t)(ip[0] & 15) * 4;
	total = be16(ip + 2);
	if (header < 20 || total < header || ip[9] != 6 || (be16(ip + 6) & 0x3fff) || !drop(&rest, header))
		return;
	look_at_tcp(rest, header, total - header, sighting);
}

/* Length of the extension header at the front of rest; *last where what follows is no whole packet. 0 = none, or cut
 * short. */
static uint32_t extension_bytes(uint8_t type, struct slice rest, bool *last)
{
	if (rest.length < 8)
		return 0;
	switch (type) {
	case 0:	 /* hop by hop */
	case 43: /* routing */
	case 60: /* destination options */
		return ((uint32_t)rest.bytes[1] + 1) * 8;
	case 44: /* fragment: an atomic one is whole */
		*last = be16(rest.bytes + 2) & 0xfff9;
		return 8;
	case 51: /* authentication */
		return ((uint32_t)rest.bytes[1] + 2) * 4;
	default:
		return 0;
	}
}

static void look_at_ipv6(struct slice rest, struct sighting *sighting)
{
	const uint8_t *ip = rest.bytes;
	uint32_t wire_bytes;
	uint8_t type;

	if (rest.length < 40 || ip[0] >> 4 != 6)
		return;
	memcpy(sighting->source.bytes, ip + 8, 16);
	memcpy(sighting->destination.bytes, ip + 24, 16);
	sighting->source.ipv6 = sighting->destination.ipv6 = true;
	sighting->ip = true;
	wire_bytes = be16(ip + 4);
	type = ip[6];
	drop(&rest, 40);
	for (unsigned i = 0; i < EXTENSION_HEADERS && type != 6; i++) {
		bool fragmented = false;
		uint32_t length = extension_bytes(type, rest, &fragmented);

		if (!length || length > wire_bytes || fragmented)
			return;
		type = rest.bytes[0];
		if (!drop(&rest, length))
			return;
		wire_bytes -= length;
	}
	if (type == 6)
		look_at_tcp(rest, (size_t)(rest.bytes - ip), wire_bytes, sighting);
}

void sighting_of(struct slice frame, struct sighting *sighting)
{
	const uint8_t *begin = frame.bytes;
	uint16_t type;

	memset(sighting, 0, sizeof(*sighting));
	if (frame.length < 14)
		return;
	type = be16(frame.bytes + 12);
	drop(&frame, 14);
	while ((type == 0x8100 || type == 0x88a8) && sighting->vlan_count < 2) {
		if (frame.length < 4)
			return;
		sighting->vlan[sighting->vlan_count++] = be16(frame.bytes) & 0x0fff;
		type = be16(frame.bytes + 2);
		drop(&frame, 4);
	}
	sighting->ip_offset = (uint32_t)(frame.bytes - begin);
	if (type == 0x0800)
		look_at_ipv4(frame, sighting);
	else if (type == 0x86dd)
		look_at_ipv6(frame, sighting);
}
