/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * siphash.h - SipHash-1-3 over 64-bit words, fed one word at a time.
 *
 * In:  a 128-bit key and words. Out: 64 bits. Used by cookie.h and admission.h in bpf/, kmod/ and collector/.
 * May not allocate, branch on the key, or hold state of its own.
 *
 * The caller pads: the top byte of the last word is the message's length in bytes, so what comes out is SipHash-1-3
 * of exactly that byte string on a little-endian machine.
 */
#ifndef OTORI_SIPHASH_H
#define OTORI_SIPHASH_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

struct otori_siphash {
	__u64 v0, v1, v2, v3;
};

#define OTORI_ROTATE_LEFT(value, bits) (((value) << (bits)) | ((value) >> (64 - (bits))))

static inline __attribute__((always_inline)) void otori_siphash_round(struct otori_siphash *s)
{
	s->v0 += s->v1;
	s->v1 = OTORI_ROTATE_LEFT(s->v1, 13) ^ s->v0;
	s->v0 = OTORI_ROTATE_LEFT(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = OTORI_ROTATE_LEFT(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = OTORI_ROTATE_LEFT(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = OTORI_ROTATE_LEFT(s->v1, 17) ^ s->v2;
	s->v2 = OTORI_ROTATE_LEFT(s->v2, 32);
}

/* Starts a hash with key[0..1] (host byte order, as read from 16 random bytes). */
static inline __attribute__((always_inline)) void otori_siphash_start(struct otori_siphash *s, const __u64 *key)
{
	s->v0 = key[0] ^ 0x736f6d6570736575ULL;
	s->v1 = key[1] ^ 0x646f72616e646f6dULL;
	s->v2 = key[0] ^ 0x6c7967656e657261ULL;
	s->v3 = key[1] ^ 0x7465646279746573ULL;
}

/* Takes in eight bytes of message. */
static inline __attribute__((always_inline)) void otori_siphash_word(struct otori_siphash *s, __u64 word)
{
	s->v3 ^= word;
	otori_siphash_round(s);
	s->v0 ^= word;
}

/* The hash of all words taken in so far, the last of which held the length. */
static inline __attribute__((always_inline)) __u64 otori_siphash_end(struct otori_siphash *s)
{
	s->v2 ^= 0xff;
	otori_siphash_round(s);
	otori_siphash_round(s);
	otori_siphash_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

#endif
