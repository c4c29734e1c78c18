// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * frame.c - see frame.h: Ethernet, IPv4 or IPv6, TCP, and the checksums (RFC 1071) written apart from the program's
 * own.
 *
 * In:  struct segment. Out: bytes. May not draw a number.
 */
#include "frame.h"

#define ETHERNET_BYTES 14
#define IPV4_BYTES 20
#define IPV6_BYTES 40
#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static uint32_t add(uint32_t sum, const uint8_t *at, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		sum += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	return sum;
}

static uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void seal_ipv4(uint8_t *ip)
{
	put16(ip + 10, 0);
	put16(ip + 10, folded(add(0, ip, IPV4_BYTES)));
}

static void ipv4_header(uint8_t *ip, const struct ip *from, const struct ip *to, uint8_t protocol, uint32_t content)
{
	memset(ip, 0, IPV4_BYTES);
	ip[0] = 0x45;
	put16(ip + 2, IPV4_BYTES + content);
	ip[8] = 64;
	ip[9] = protocol;
	memcpy(ip + 12, from->bytes, 4);
	memcpy(ip + 16, to->bytes, 4);
}

/* Who sends at the tap: the router before the sensor, or the sensor's server. */
static void ethernet_header(uint8_t *frame, bool ipv6, bool ours)
{
	static const uint8_t router[6] = { 0x02, 0, 0, 0, 0, 0x01 }, server[6] = { 0x02, 0, 0, 0, 0, 0x02 };

	memcpy(frame, ours ? router : server, 6);
	memcpy(frame + 6, ours ? server : router, 6);
	put16(frame + 12, ipv6 ? 0x86dd : 0x0800);
}

static uint32_t ip_header(uint8_t *ip, const struct segment *segment, uint32_t content)
{
	if (!segment->from.ip.ipv6) {
		ipv4_header(ip, &segment->from.ip, &segment->to.ip, PROTOCOL_TCP, content);
		put16(ip + 4, segment->ip_id);
		ip[6] = 0x40;
		ip[8] = segment->ttl;
		seal_ipv4(ip);
		return IPV4_BYTES;
	}
	memset(ip, 0, IPV6_BYTES);
	ip[0] = 0x60;
	put16(ip + 4, content);
	ip[6] = PROTOCOL_TCP;
	ip[7] = segment->ttl;
	memcpy(ip + 8, segment->from.ip.bytes, 16);
	memcpy(ip + 24, segment->to.ip.bytes, 16);
	return IPV6_BYTES;
}

uint32_t frame_segment(uint8_t *frame, const struct segment *segment)
{
	uint32_t header = 20 + segment->option_bytes, content = header + segment->data_bytes;
	uint32_t address = segment->from.ip.ipv6 ? 16 : 4, sum;
	uint8_t *ip = frame + ETHERNET_BYTES, *tcp;

	ethernet_header(frame, segment->from.ip.ipv6, segment->ours);
	tcp = ip + ip_header(ip, segment, content);
	put16(tcp, segment->from.port);
	put16(tcp + 2, segment->to.port);
	put32(tcp + 4, segment->seq);
	put32(tcp + 8, segment->flags & TCP_ACK ? segment->ack : 0);
	tcp[12] = (uint8_t)(header / 4 << 4);
	tcp[13] = segment->flags;
	put16(tcp + 14, segment->window);
	put32(tcp + 16, 0);
	memcpy(tcp + 20, segment->options, segment->option_bytes);
	if (segment->data_bytes)
		memcpy(tcp + header, segment->data, segment->data_bytes);
	sum = add(0, segment->from.ip.bytes, address) + add(0, segment->to.ip.bytes, address) + PROTOCOL_TCP + content;
	put16(tcp + 16, folded(add(sum, tcp, content)) ^ (segment->bad_checksum ? 0x1234 : 0));
	return (uint32_t)(tcp - frame) + content;
}

uint32_t frame_fragments(uint8_t *frame, uint32_t *bytes, uint8_t *second)
{
	uint8_t *ip = frame + ETHERNET_BYTES, *ip2 = second + ETHERNET_BYTES;
	const uint32_t first_content = 24, content = *bytes - ETHERNET_BYTES - IPV4_BYTES,
		       rest = content - first_content;

	memcpy(second, frame, ETHERNET_BYTES + IPV4_BYTES);
	memcpy(ip2 + IPV4_BYTES, ip + IPV4_BYTES + first_content, rest);
	put16(ip2 + 2, IPV4_BYTES + rest);
	put16(ip2 + 6, first_content / 8);
	seal_ipv4(ip2);
	put16(ip + 2, IPV4_BYTES + first_content);
	put16(ip + 6, 0x2000);
	seal_ipv4(ip);
	*bytes = ETHERNET_BYTES + IPV4_BYTES + first_content;
	return ETHERNET_BYTES + IPV4_BYTES + rest;
}

uint32_t frame_other(uint8_t *frame, const struct ip *from, const struct ip *to, uint16_t port)
{
	uint8_t *ip = frame + ETHERNET_BYTES, *content = ip + IPV4_BYTES;
	const uint32_t bytes = 20;

	ethernet_header(frame, false, false);
	ipv4_header(ip, from, to, port ? PROTOCOL_UDP : PROTOCOL_ICMP, bytes);
	seal_ipv4(ip);
	memset(content, 0, bytes);
	if (port) {
		put16(content, 53124);
		put16(content + 2, port);
		put16(content + 4, bytes); /* checksum 0: none (RFC 768) */
	} else {
		content[0] = 8;
		put16(content + 2, folded(add(0, content, bytes)));
	}
	return ETHERNET_BYTES + IPV4_BYTES + bytes;
}
