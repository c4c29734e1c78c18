/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bpf_guard_twin.h - what may leave, written a second time: from the documents, byte by byte, without
 * include/otori/guard_rule.h.
 *
 * In:  a whole outgoing frame, who sent it, which flows were admitted; the decoys are those of bpf_world.h. Out: may it
 * leave. Included by tests/unit/bpf_random.c, which holds the BPF programs against it. May share no code with bpf/ or
 * include/.
 */
#ifndef BPF_GUARD_TWIN_H
#define BPF_GUARD_TWIN_H

#include "bpf_frame.h"

enum twin_sender { TWIN_HOST, TWIN_RESPONDER, TWIN_XDP };

/* An admitted flow as our answers show it. Addresses: 4 or 16 bytes. */
struct twin_flow {
	bool ipv6;
	uint8_t decoy[16], stranger[16];
	uint16_t decoy_port, stranger_port;
	uint16_t vlan[2]; /* ids */
};

static inline bool twin_is_decoy_port(unsigned port)
{
	return port == 1080 || port == 3128 || port == 8080 || port == 25;
}

static inline bool twin_is_unused(const uint8_t *address, bool ipv6)
{
	static const uint8_t four[] = { 198, 51, 100 }, six[] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0x0d };
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (ipv6 && !memcmp(address, mapped, 12))
		return twin_is_unused(address + 12, false);
	return ipv6 ? !memcmp(address, six, 6) : !memcmp(address, four, 3);
}

static inline bool twin_is_own(const uint8_t *address, bool ipv6)
{
	static const uint8_t four[] = { 192, 0, 2, 1 };
	static const uint8_t six[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (ipv6 && !memcmp(address, mapped, 12))
		return twin_is_own(address + 12, false);
	return !memcmp(address, ipv6 ? six : four, ipv6 ? 16 : 4);
}

/* A frame taken apart. */
struct twin_frame {
	uint16_t vlan[2];
	const uint8_t *source, *destination, *l4; /* l4 NULL: no transport header can be read */
	size_t l4_bytes;			  /* readable from l4 on */
	unsigned protocol;
	bool ipv6, dressed; /* dressed: options, extension headers or fragments */
};

static inline void twin_walk(struct twin_frame *t, const uint8_t *at, const uint8_t *end)
{
	t->protocol = at[6];
	t->l4 = at + 40;
	for (int headers = 0; headers < 6; headers++) {
		unsigned kind = t->protocol;

		if (kind != 0 && kind != 43 && kind != 44 && kind != 60)
			return;
		t->dressed = true;
		if (t->l4 + 8 > end || (kind == 44 && (get16(t->l4 + 2) & 0xfff8))) {
			t->l4 = NULL;
			return;
		}
		t->protocol = t->l4[0];
		t->l4 += kind == 44 ? 8 : 8 * (t->l4[1] + 1);
	}
}

/* 0 = unreadable, 1 = IP, 2 = ARP (header at l4), 3 = another protocol. */
static inline int twin_take_apart(struct twin_frame *t, const uint8_t *frame, size_t length)
{
	const uint8_t *end = frame + length, *at = frame + 14;
	unsigned type, tags = 0;

	memset(t, 0, sizeof(*t));
	if (length < 14)
		return 0;
	for (type = get16(frame + 12); type == 0x8100 || type == 0x88a8; type = get16(at - 2)) {
		if (tags == 2 || at + 4 > end)
			return 0;
		t->vlan[tags++] = get16(at) & 0xfff;
		at += 4;
	}
	if (type == 0x0806) {
		t->l4 = at;
		return end - at >= 28 ? 2 : 0;
	}
	if (type == 0x0800) {
		if (end - at < 20 || at[0] >> 4 != 4 || (at[0] & 15) < 5)
			return 0;
		t->source = at + 12;
		t->destination = at + 16;
		t->protocol = at[9];
		t->dressed = (at[0] & 15) != 5 || (get16(at + 6) & 0x3fff);
		t->l4 = get16(at + 6) & 0x1fff ? NULL : at + 4 * (at[0] & 15);
	} else if (type == 0x86dd) {
		if (end - at < 40 || at[0] >> 4 != 6)
			return 0;
		t->ipv6 = true;
		t->source = at + 8;
		t->destination = at + 24;
		twin_walk(t, at, end);
	} else {
		return 3;
	}
	t->l4_bytes = t->l4 && t->l4 < end ? (size_t)(end - t->l4) : 0;
	return 1;
}

static inline bool twin_is_admitted(const struct twin_frame *t, const struct twin_flow *flows, size_t count)
{
	size_t bytes = t->ipv6 ? 16 : 4;

	for (size_t i = 0; i < count; i++)
		if (flows[i].ipv6 == t->ipv6 && !memcmp(flows[i].decoy, t->source, bytes) &&
		    !memcmp(flows[i].stranger, t->destination, bytes) && flows[i].decoy_port == get16(t->l4) &&
		    flows[i].stranger_port == get16(t->l4 + 2) && flows[i].vlan[0] == t->vlan[0] &&
		    flows[i].vlan[1] == t->vlan[1])
			return true;
	return false;
}

/* What is no TCP but may leave all the same: echo replies, and neighbour discovery (host: solicitations too). */
static inline bool twin_is_courtesy(const struct twin_frame *t, enum twin_sender sender)
{
	if (t->dressed || t->l4_bytes < 8)
		return false;
	if (!t->ipv6)
		return t->protocol == 1 && t->l4[0] == 0;
	if (t->protocol != 58)
		return false;
	return t->l4[0] == 129 || t->l4[0] == 136 || (sender == TWIN_HOST && t->l4[0] == 135);
}

/* May this frame leave? */
static inline bool twin_may_leave(const uint8_t *frame, size_t length, enum twin_sender sender,
				  const struct twin_flow *flows, size_t count)
{
	struct twin_frame t;
	int what = twin_take_apart(&t, frame, length);
	bool unused, own;
	unsigned flags;

	if (what == 0)
		return false;
	if (what == 3)
		return sender == TWIN_HOST;
	if (what == 2)
		return sender == TWIN_HOST || (sender == TWIN_XDP && t.l4[7] == 2 &&
					       (twin_is_unused(t.l4 + 14, false) || twin_is_own(t.l4 + 14, false)));
	unused = twin_is_unused(t.source, t.ipv6);
	own = twin_is_own(t.source, t.ipv6);
	if (sender == TWIN_HOST) {
		if (unused)
			return twin_is_courtesy(&t, sender);
		return !own || !(t.protocol == 6 && t.l4_bytes >= 4 && twin_is_decoy_port(get16(t.l4)));
	}
	if (!unused && !own)
		return false;
	if (sender == TWIN_XDP && twin_is_courtesy(&t, sender))
		return true;
	if (t.dressed || t.protocol != 6 || t.l4_bytes < 20 || t.l4[12] >> 4 < 5 || !twin_is_decoy_port(get16(t.l4)))
		return false;
	flags = t.l4[13];
	if (sender == TWIN_XDP)
		return (flags & F_SYN) && (flags & F_ACK) && !(flags & (F_FIN | F_RST));
	if (!(flags & F_ACK) && (!(flags & F_RST) || (flags & F_SYN)))
		return false;
	return twin_is_admitted(&t, flows, count);
}

#endif
