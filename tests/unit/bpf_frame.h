/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bpf_frame.h - frames made by hand: Ethernet, tags, IPv4 or IPv6, TCP or ICMP, with right checksums.
 *
 * In:  struct segment. Out: struct frame. Included by tests/unit/bpf_*.c. Written apart from bpf/, byte by byte, so
 * that a mistake there isn't repeated here.
 */
#ifndef BPF_FRAME_H
#define BPF_FRAME_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX 16384
#define F_FIN 0x01
#define F_SYN 0x02
#define F_RST 0x04
#define F_PSH 0x08
#define F_ACK 0x10
#define F_ECE 0x40
#define F_CWR 0x80

struct frame {
	uint8_t bytes[FRAME_MAX];
	size_t length;
	size_t l3, l4; /* where the headers begin */
};

/* What to send. Texts choose the family; 0 and NULL mean the plain case. */
struct segment {
	const char *source, *destination;
	uint16_t source_port, destination_port;
	uint32_t seq, ack;
	uint8_t flags;
	const void *options;
	size_t option_bytes; /* multiple of 4 */
	const void *payload;
	size_t payload_bytes;
	uint8_t tags;	  /* VLAN tags */
	uint16_t vlan[3]; /* tci */
	uint8_t tos;
	uint8_t ttl;	  /* 0 = 64 */
	uint8_t protocol; /* 0 = TCP; others: payload stands right behind the IP header */
	const void *
		extension; /* IPv6 extension headers; the first byte of the last one is overwritten with the protocol */
	size_t extension_bytes;
	uint8_t extension_first; /* next header value of the first */
	size_t extension_last;	 /* offset of the last one's next header field */
};

static inline void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static inline unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static inline uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static inline uint32_t sum_bytes(const uint8_t *at, size_t bytes, uint32_t sum)
{
	for (size_t i = 0; i < bytes; i++)
		sum += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	return sum;
}

static inline unsigned fold16(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Sum of pseudo header and the l4_bytes at l4; 0xffff where a checksum in it is right. */
static inline unsigned l4_sum(const uint8_t *l3, const uint8_t *l4, size_t l4_bytes, uint8_t protocol)
{
	uint32_t sum = protocol + (uint32_t)l4_bytes;

	sum = l3[0] >> 4 == 6 ? sum_bytes(l3 + 8, 32, sum) : sum_bytes(l3 + 12, 8, sum);
	return fold16(sum_bytes(l4, l4_bytes, sum));
}

/* Puts the right checksums into what stands in the frame from l3 on. */
static inline void frame_checksums(struct frame *f, uint8_t protocol)
{
	uint8_t *l3 = f->bytes + f->l3, *l4 = f->bytes + f->l4;
	size_t l4_bytes = f->length - f->l4;
	uint8_t *field = protocol == 6 ? l4 + 16 : protocol == 1 || protocol == 58 ? l4 + 2 : NULL;

	if (l3[0] >> 4 == 4) {
		put16(l3 + 10, 0);
		put16(l3 + 10, ~fold16(sum_bytes(l3, (l3[0] & 15u) * 4, 0)));
	}
	if (!field)
		return;
	put16(field, 0);
	if (protocol == 1)
		put16(field, ~fold16(sum_bytes(l4, l4_bytes, 0)));
	else
		put16(field, ~l4_sum(l3, l4, l4_bytes, protocol));
}

static inline void frame_ip(struct frame *f, const struct segment *s, uint8_t protocol, size_t l4_bytes)
{
	uint8_t *at = f->bytes + f->l3;

	if (strchr(s->source, ':')) {
		put32(at, 0x60000000u | (uint32_t)s->tos << 20);
		put16(at + 4, (unsigned)(l4_bytes + s->extension_bytes));
		at[6] = s->extension_bytes ? s->extension_first : protocol;
		at[7] = s->ttl ? s->ttl : 64;
		inet_pton(AF_INET6, s->source, at + 8);
		inet_pton(AF_INET6, s->destination, at + 24);
		if (s->extension_bytes) {
			memcpy(at + 40, s->extension, s->extension_bytes);
			at[40 + s->extension_last] = protocol;
		}
	} else {
		at[0] = 0x45;
		at[1] = s->tos;
		put16(at + 2, (unsigned)(20 + l4_bytes));
		put16(at + 4, 0x1234);
		put16(at + 6, 0x4000);
		at[8] = s->ttl ? s->ttl : 64;
		at[9] = protocol;
		put16(at + 10, 0);
		inet_pton(AF_INET, s->source, at + 12);
		inet_pton(AF_INET, s->destination, at + 16);
	}
}

/* Makes the frame of a segment, not padded. */
static inline void frame_make(struct frame *f, const struct segment *s)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 0xd0, 2, 0, 0, 0, 0, 0xc1 };
	uint8_t protocol = s->protocol ? s->protocol : 6;
	bool ipv6 = strchr(s->source, ':') != NULL;
	size_t l4_bytes = (protocol == 6 ? 20 + s->option_bytes : 0) + s->payload_bytes;
	uint8_t *at = f->bytes + 12;

	memcpy(f->bytes, macs, 12);
	for (unsigned i = 0; i < s->tags; i++, at += 4) {
		put16(at, i == 0 && s->tags > 1 ? 0x88a8 : 0x8100);
		put16(at + 2, s->vlan[i]);
	}
	put16(at, ipv6 ? 0x86dd : 0x0800);
	f->l3 = (size_t)(at + 2 - f->bytes);
	f->l4 = f->l3 + (ipv6 ? 40 + s->extension_bytes : 20);
	f->length = f->l4 + l4_bytes;
	frame_ip(f, s, protocol, l4_bytes);
	at = f->bytes + f->l4;
	if (protocol == 6) {
		put16(at, s->source_port);
		put16(at + 2, s->destination_port);
		put32(at + 4, s->seq);
		put32(at + 8, s->ack);
		at[12] = (uint8_t)((20 + s->option_bytes) / 4 << 4);
		at[13] = s->flags;
		put16(at + 14, 29200);
		put32(at + 16, 0);
		if (s->option_bytes)
			memcpy(at + 20, s->options, s->option_bytes);
		at += 20 + s->option_bytes;
	}
	if (s->payload_bytes)
		memcpy(at, s->payload, s->payload_bytes);
	frame_checksums(f, protocol);
}

#endif
