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

/*
 * Reads the options of a SYN. p must be lent memory, not the caller's own stack: the cursor lies in it, so the verifier
 * forgets its value from turn to turn and walks the loop once a turn, not once a value.
 */
static __always_inline void options_read(struct packet *p)
{
	p->scale = OTORI_COOKIE_NO_SCALE;
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
}

#endif
