/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * random_frames.h - random and mutated frames between strangers and decoys, and the flows that some of them answer.
 *
 * In:  OTORI_FRAMES, OTORI_SECONDS, OTORI_SEED. Out: frames. The decoys are those of bpf_world.h. Included by
 * tests/unit/bpf_random.c and kmod_parse.c, which hold the guards against their twin.
 */
#ifndef RANDOM_FRAMES_H
#define RANDOM_FRAMES_H

#include <stdio.h>
#include <time.h>

#include "bpf_guard_twin.h"

#define FLOWS 6
#define SECONDS_AT_MOST 40 /* in an emulated machine; a real one is through in less */
#define FRAMES_AT_LEAST 30000

static struct twin_flow flows[FLOWS];
static uint64_t dice_state = 0x9e3779b97f4a7c15ULL;

static uint32_t dice(uint32_t sides)
{
	dice_state ^= dice_state << 13;
	dice_state ^= dice_state >> 7;
	dice_state ^= dice_state << 17;
	return (uint32_t)((dice_state * 2685821657736338717ULL) >> 33) % sides;
}

/* Begins with OTORI_SEED, where it is set. */
static void dice_begin(void)
{
	const char *seed = getenv("OTORI_SEED");

	if (seed)
		dice_state = strtoull(seed, NULL, 0) | 1;
}

static unsigned frames_wanted(void)
{
	const char *text = getenv("OTORI_FRAMES");

	return text ? (unsigned)strtoul(text, NULL, 10) : 1000000;
}

static time_t started;

static long seconds_at_most(void)
{
	const char *text = getenv("OTORI_SECONDS");

	return text ? strtol(text, NULL, 10) : SECONDS_AT_MOST;
}

/* Has the loop that is at frame i been through enough? */
static bool enough(unsigned i, unsigned wanted)
{
	if (i == 0)
		started = time(NULL);
	return i >= wanted || (i >= FRAMES_AT_LEAST && i % 1024 == 0 && time(NULL) - started > seconds_at_most());
}

static const char *const decoys4[] = { "198.51.100.9", "198.51.100.200", "192.0.2.1" };
static const char *const decoys6[] = { "2001:db8:d::9", "2001:db8:d:1::1", "2001:db8:1::1" };
static const uint16_t decoy_ports[] = { 1080, 3128, 8080, 25 };

/* A place for addresses as text; four at a time. */
static const char *stranger(bool ipv6)
{
	static char text[8][64];
	static unsigned next;
	char *to = text[next++ % 8];

	if (ipv6)
		snprintf(to, 64, "2001:db8:77::%x", dice(4) + 1);
	else
		snprintf(to, 64, "203.0.113.%u", dice(4) + 1);
	return to;
}

/* The flows that answers belong to. */
static void make_flows(void)
{
	memset(flows, 0, sizeof(flows));
	for (int i = 0; i < FLOWS; i++) {
		struct twin_flow *flow = &flows[i];

		flow->ipv6 = i & 1;
		inet_pton(flow->ipv6 ? AF_INET6 : AF_INET, flow->ipv6 ? decoys6[i / 2] : decoys4[i / 2], flow->decoy);
		inet_pton(flow->ipv6 ? AF_INET6 : AF_INET, flow->ipv6 ? "2001:db8:77::2" : "203.0.113.2",
			  flow->stranger);
		flow->decoy_port = decoy_ports[i % 4];
		flow->stranger_port = (uint16_t)(40000 + i);
		flow->vlan[0] = i >= 4 ? 100 : 0;
	}
}

/* The answer of a random flow, whole and right. */
static void make_answer(struct frame *f)
{
	static const uint8_t flag_choice[] = { F_ACK,	      F_ACK | F_PSH, F_FIN | F_ACK, F_RST,
					       F_RST | F_ACK, F_SYN | F_ACK, F_SYN,	    0 };
	const struct twin_flow *flow = &flows[dice(FLOWS)];
	char decoy[64], far[64];
	struct segment s = { .source = decoy, .destination = far };

	inet_ntop(flow->ipv6 ? AF_INET6 : AF_INET, flow->decoy, decoy, sizeof(decoy));
	inet_ntop(flow->ipv6 ? AF_INET6 : AF_INET, flow->stranger, far, sizeof(far));
	s.source_port = flow->decoy_port;
	s.destination_port = flow->stranger_port;
	s.tags = flow->vlan[0] ? 1 : 0;
	s.vlan[0] = (uint16_t)(flow->vlan[0] | dice(8) << 13);
	s.flags = flag_choice[dice(8)];
	s.payload = "0123456789abcdef";
	s.payload_bytes = dice(17);
	frame_make(f, &s);
}

/* Anything between random ends, with extension headers, tags and other protocols. */
static void make_any(struct frame *f, bool to_decoy)
{
	static const uint8_t protocols[] = { 6, 6, 6, 1, 17, 58, 4, 41, 47, 50 };
	static const uint8_t icmp_types[] = { 0, 3, 8, 128, 129, 134, 135, 136, 137 };
	static const uint8_t extensions[] = { 0, 43, 44, 60, 51, 0 };
	bool ipv6 = dice(2);
	uint8_t payload[64], chain[16] = { 60, 0, 1, 4 };
	const char *decoy = (ipv6 ? decoys6 : decoys4)[dice(3)], *far = stranger(ipv6);
	struct segment s = { .protocol = protocols[dice(10)] };

	if (dice(8) == 0)
		decoy = stranger(ipv6);
	s.source = to_decoy ? far : decoy;
	s.destination = to_decoy ? decoy : far;
	s.source_port = to_decoy ? (uint16_t)(40000 + dice(3)) : decoy_ports[dice(4)];
	s.destination_port = to_decoy ? decoy_ports[dice(4)] : (uint16_t)(40000 + dice(3));
	if (dice(8) == 0)
		s.source_port = s.destination_port = 22;
	s.flags = to_decoy && dice(2) ? F_SYN : (uint8_t)dice(256);
	s.seq = dice(1 << 30);
	s.ack = dice(1 << 30);
	s.tags = (uint8_t)(dice(4) ? 0 : dice(4));
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)dice(256);
	payload[0] = icmp_types[dice(9)];
	payload[1] = 0;
	s.payload = payload;
	s.payload_bytes = dice(sizeof(payload) + 1);
	s.options = payload + 8;
	s.option_bytes = dice(11) * 4;
	if (ipv6 && dice(3) == 0) {
		s.extension = chain;
		s.extension_bytes = dice(2) ? 8 : 16;
		s.extension_last = s.extension_bytes - 8;
		s.extension_first = extensions[dice(6)];
		if (dice(2))
			memset(chain + s.extension_last, 0, 8);
	}
	frame_make(f, &s);
}

/* Changes a few bytes where the headers are, or the length; sometimes mends the checksums afterwards. */
static void mutate(struct frame *f, bool mend)
{
	uint32_t changes = dice(4);

	while (changes--) {
		size_t span = f->length < 80 ? f->length : 80;
		uint8_t *at = &f->bytes[12 + dice((uint32_t)span - 12)];

		switch (dice(3)) {
		case 0:
			*at ^= (uint8_t)(1u << dice(8));
			break;
		case 1:
			*at = (uint8_t)dice(256);
			break;
		default:
			*at = (uint8_t)(dice(2) ? 0 : 255);
		}
	}
	if (dice(10) == 0)
		f->length = 14 + dice((uint32_t)f->length - 13);
	else if (mend && dice(4) && f->length > f->l4 + 20)
		frame_checksums(f, f->bytes[f->l3] >> 4 == 4 ? f->bytes[f->l3 + 9] : f->bytes[f->l3 + 6]);
}

static void show(const struct frame *f, size_t length)
{
	for (size_t i = 0; i < length && i < 120; i++)
		fprintf(stderr, "%02x%s", f->bytes[i], i % 16 == 15 ? "\n" : " ");
	fprintf(stderr, "\n");
}

#endif
