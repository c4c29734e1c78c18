/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * options.bpf.h - what a SYN offers.
 *
 * In:  the TCP options in struct packet. Out: mss, scale, sack_offered, timestamp of struct packet.
 * Called by otori.bpf.c for SYNs. May not refuse: like Linux it stops at the first malformed option and keeps what it
 * has.
 */
#ifndef OTORI_OPTIONS_BPF_H
#define OTORI_OPTIONS_BPF_H

#include "packet.bpf.h"

#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_MSS 2
#define OPTION_SCALE 3
#define OPTION_SACK 4
#define OPTION_TIMESTAMP 8

/* The barrier keeps clang from making the comparison an inequality, from which 6.1 learns no bound. */
static __always_inline __u32 option_byte(const struct packet *p, __u32 at)
{
	asm volatile("" : "+r"(at));
	return at < sizeof(p->options) ? ((const __u8 *)p->options)[at] : 0;
}

/* Takes the option of this kind and length at offset at, if it is one that matters. */
static __always_inline void option_take(struct packet *p, __u32 kind, __u32 length, __u32 at)
{
	if (kind == OPTION_MSS && length == 4) {
		p->mss = option_byte(p, at + 2) << 8 | option_byte(p, at + 3);
	} else if (kind == OPTION_SCALE && length == 3) {
		__u32 scale = option_byte(p, at + 2);

		p->scale = scale > 14 ? 14 : scale; /* RFC 7323 2.3 */
	} else if (kind == OPTION_SACK && length == 2) {
		p->sack_offered = 1;
	} else if (kind == OPTION_TIMESTAMP && length == 10) {
		p->timestamp_offered = 1;
		p->timestamp_be = option_byte(p, at + 2) | option_byte(p, at + 3) << 8 | option_byte(p, at + 4) << 16 |
				  option_byte(p, at + 5) << 24;
	}
}

#define OPTION_WORD(a, b, c, d) bpf_htonl((__u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

/*
 * Reads options that lie in words, as stacks and scanners lay them: each word begins with an option or padding. False
 * where a word is none of those (what was read till then stays: the slow way reads it again).
 */
static __always_inline bool options_read_words(struct packet *p)
{
	__u32 timestamp_words = 0;

	if (p->option_bytes == 20 &&
	    (p->options[0] & OPTION_WORD(0xff, 0xff, 0, 0)) == OPTION_WORD(OPTION_MSS, 4, 0, 0) &&
	    p->options[1] == OPTION_WORD(OPTION_SACK, 2, OPTION_TIMESTAMP, 10) &&
	    (p->options[4] & OPTION_WORD(0xff, 0xff, 0xff, 0)) == OPTION_WORD(OPTION_NOP, OPTION_SCALE, 3, 0)) {
		__u32 scale = bpf_ntohl(p->options[4]) & 0xff;

		p->mss = bpf_ntohl(p->options[0]) & 0xffff;
		p->sack_offered = p->timestamp_offered = 1;
		p->timestamp_be = p->options[2];
		p->scale = scale > 14 ? 14 : scale;
		return true;
	}
#pragma unroll
	for (__u32 i = 0; i < 10; i++) {
		__u32 word = p->options[i];

		if (i * 4 >= p->option_bytes)
			break;
		if (timestamp_words) {
			if (timestamp_words == 2)
				p->timestamp_be = word;
			timestamp_words--;
			continue;
		}
		if ((word & OPTION_WORD(0xff, 0xff, 0, 0)) == OPTION_WORD(OPTION_MSS, 4, 0, 0)) {
			p->mss = bpf_ntohl(word) & 0xffff;
		} else if (word == OPTION_WORD(OPTION_SACK, 2, OPTION_TIMESTAMP, 10) ||
			   word == OPTION_WORD(OPTION_NOP, OPTION_NOP, OPTION_TIMESTAMP, 10)) {
			if (i * 4 + 12 > p->option_bytes)
				return false;
			p->sack_offered |= word == OPTION_WORD(OPTION_SACK, 2, OPTION_TIMESTAMP, 10);
			p->timestamp_offered = 1;
			timestamp_words = 2;
		} else if ((word & OPTION_WORD(0xff, 0xff, 0xff, 0)) == OPTION_WORD(OPTION_NOP, OPTION_SCALE, 3, 0)) {
			__u32 scale = bpf_ntohl(word) & 0xff;

			p->scale = scale > 14 ? 14 : scale;
		} else if (word == OPTION_WORD(OPTION_NOP, OPTION_NOP, OPTION_SACK, 2)) {
			p->sack_offered = 1;
		} else {
			return false;
		}
	}
	return true;
}

/*
 * Reads the options of a SYN. p must be lent memory, not the caller's own stack: the cursor lies in it, so the verifier
 * forgets its value from turn to turn and walks the loop once a turn, not once a value.
 */
__noinline int options_read_bytes(struct packet *p)
{
	if (!p)
		return 0;
	p->scale = OTORI_COOKIE_NO_SCALE;
	p->sack_offered = 0;
	p->mss = 0;
	p->timestamp_offered = 0;
	p->cursor = 0;
	for (int i = 0; i < 40; i++) {
		__u32 at = *(volatile __u8 *)&p->cursor, bytes = p->option_bytes, kind, length = 1;

		if (at >= bytes || at >= sizeof(p->options))
			break;
		kind = option_byte(p, at);
		if (kind == OPTION_END)
			break;
		if (kind != OPTION_NOP) {
			length = option_byte(p, at + 1);
			if (length < 2 || at + length > bytes)
				break;
			option_take(p, kind, length, at);
		}
		*(volatile __u8 *)&p->cursor = at + length;
	}
	return 0;
}

static __always_inline void options_read(struct packet *p)
{
	p->scale = OTORI_COOKIE_NO_SCALE;
	if (!options_read_words(p))
		options_read_bytes(p);
}

#endif
