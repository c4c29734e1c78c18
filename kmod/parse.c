// SPDX-License-Identifier: GPL-2.0-only
/*
 * parse.c - from the bytes of an outgoing frame to what the guard rule wants to know.
 *
 * In:  linear bytes. Out: struct otori_packet. Called by guard.c; tests/unit/kmod_parse.c compiles
 * it in user space and holds it against the second implementation of the rule. May not look at an
 * skb, a decoy or a state, and may not decide.
 */
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif
#include "parse.h"

#define TYPE_IPV4 0x0800
#define TYPE_ARP 0x0806
#define TYPE_VLAN 0x8100
#define TYPE_IPV6 0x86dd
#define TYPE_QINQ 0x88a8

#define NEXT_HOP_BY_HOP 0
#define NEXT_ROUTING 43
#define NEXT_FRAGMENT 44
#define NEXT_OPTIONS 60
#define MAX_EXTENSIONS 6

static unsigned int word_at(const __u8 *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

static void set_ipv4(__u8 *to, const __u8 *from)
{
	memset(to, 0, 10);
	memset(to + 10, 0xff, 2);
	memcpy(to + 12, from, 4);
}

/* Ports and flags of TCP, the type of ICMP. What is cut short is not plain. */
static void parse_transport(struct otori_packet *p, const __u8 *at, size_t bytes)
{
	struct otori_guard_frame *f = &p->frame;

	if (f->protocol == 6) {
		if (bytes >= 4) {
			p->source_port = (__u16)word_at(at);
			p->destination_port = (__u16)word_at(at + 2);
			f->has_port = 1;
		}
		if (bytes < 20 || at[12] >> 4 < 5)
			f->plain = 0;
		else
			f->tcp_flags = at[13];
	} else if (f->protocol == 1 || f->protocol == 58) {
		if (bytes < 8)
			f->plain = 0;
		else
			f->icmp_type = at[0];
	}
}

static void parse_ipv4(struct otori_packet *p, const __u8 *at, size_t bytes)
{
	struct otori_guard_frame *f = &p->frame;
	unsigned int fragment;
	size_t header;

	if (bytes < 20 || at[0] >> 4 != 4)
		return;
	header = (at[0] & 15u) * 4;
	if (header < 20)
		return;
	fragment = word_at(at + 6) & 0x3fff;
	f->shape = OTORI_SHAPE_IPV4;
	f->plain = header == 20 && !fragment;
	f->protocol = at[9];
	set_ipv4(p->source, at + 12);
	set_ipv4(p->destination, at + 16);
	if (!(fragment & 0x1fff))
		parse_transport(p, at + header, bytes < header ? 0 : bytes - header);
}

static bool is_extension(unsigned int next)
{
	return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING || next == NEXT_FRAGMENT ||
	       next == NEXT_OPTIONS;
}

static void parse_ipv6(struct otori_packet *p, const __u8 *at, size_t bytes, bool more)
{
	struct otori_guard_frame *f = &p->frame;
	unsigned int next, i;
	size_t offset = 40;

	if (bytes < 40 || at[0] >> 4 != 6)
		return;
	f->shape = OTORI_SHAPE_IPV6;
	f->plain = 1;
	memcpy(p->source, at + 8, 16);
	memcpy(p->destination, at + 24, 16);
	next = at[6];
	for (i = 0; i < MAX_EXTENSIONS && is_extension(next); i++) {
		unsigned int kind = next;

		f->plain = 0;
		f->protocol = (__u8)kind;
		if (offset + 8 > bytes) {
			/* A chain that leads out of sight may hide anything. */
			if (more)
				f->shape = OTORI_SHAPE_UNREADABLE;
			return;
		}
		if (kind == NEXT_FRAGMENT && (word_at(at + offset + 2) & 0xfff8))
			return; /* a later fragment: no header follows */
		next = at[offset];
		offset += kind == NEXT_FRAGMENT ? 8 : (at[offset + 1] + 1u) * 8;
	}
	f->protocol = (__u8)next;
	if (offset + 20 > bytes && more)
		f->shape = OTORI_SHAPE_UNREADABLE;
	else
		parse_transport(p, at + offset, bytes < offset ? 0 : bytes - offset);
}

static void parse_arp(struct otori_packet *p, const __u8 *at, size_t bytes)
{
	if (bytes < 28)
		return;
	p->frame.shape = OTORI_SHAPE_ARP;
	p->frame.icmp_type = at[7];
	set_ipv4(p->source, at + 14);
}

void otori_parse_network(struct otori_packet *p, unsigned int type, const __u8 *at, size_t bytes,
			 bool more)
{
	p->frame.shape = OTORI_SHAPE_UNREADABLE;
	if (type == TYPE_IPV4)
		parse_ipv4(p, at, bytes);
	else if (type == TYPE_IPV6)
		parse_ipv6(p, at, bytes, more);
	else if (type == TYPE_ARP)
		parse_arp(p, at, bytes);
	else
		p->frame.shape = OTORI_SHAPE_OTHER;
}

void otori_parse_frame(struct otori_packet *p, const __u8 *at, size_t bytes)
{
	const __u8 *end = at + bytes;
	bool more = bytes >= OTORI_PARSE_BYTES;
	unsigned int type;

	p->frame.shape = OTORI_SHAPE_UNREADABLE;
	if (bytes < 14)
		return;
	type = word_at(at + 12);
	for (at += 14; type == TYPE_VLAN || type == TYPE_QINQ; at += 4) {
		if (p->tags == 2 || end - at < 4)
			return;
		p->vlan[p->tags++] = word_at(at) & 0xfff;
		type = word_at(at + 2);
	}
	otori_parse_network(p, type, at, (size_t)(end - at), more);
}
