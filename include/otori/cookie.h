/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cookie.h - the SYN cookie: all that is known of a handshake before it is done, in our initial sequence number.
 *
 * In:  the flow's hash (admission.h), the client's ISN, what its SYN offered, the time. Out: 32 bits, and back again.
 * Used by bpf/ and by tests. May not touch a packet.
 *
 *      31       23 22                     0
 *     | nine bits | check                  |
 *
 * The nine bits (window scale 4, SACK 1, MSS index 3, parity of the epoch 1) are masked with a product of flow hash
 * and ISN, since plain they would be the same in every answer and give the decoy away. check: 23 bits of SipHash-1-3
 * over the flow (addresses, ports, VLAN ids), the ISN, the nine bits and the epoch. It goes on from the state in which
 * the flow's own hash was made, under the admission key; the cookie's key, which changes, is mixed into its last word
 * and its state. So of a SYN both hashes are made side by side, and neither waits for the other. Keyed by ISN, so a
 * reused 4-tuple gets another cookie, and a segment that is not the first can't pass as the completing ACK.
 *
 * An epoch is 8 s; a cookie is good in its own and the following one, so for 8 to 16 s. The key changes with the
 * generation (512 epochs, 68 minutes): generation parity picks one of two. The collector may replace the key that is
 * not in use as soon as a generation is a minute old.
 */
#ifndef OTORI_COOKIE_H
#define OTORI_COOKIE_H

#include "admission.h"

#define OTORI_COOKIE_EPOCH_SHIFT 3	/* epoch = UTC seconds >> 3 */
#define OTORI_COOKIE_GENERATION_SHIFT 9 /* generation = epoch >> 9 */
#define OTORI_COOKIE_CHECK_BITS 23
#define OTORI_COOKIE_NO_SCALE 15
#define OTORI_COOKIE_NINE(scale, sack, mss_index) \
	(((__u32)(scale)&15) << 5 | ((__u32)(sack)&1) << 4 | ((__u32)(mss_index)&7) << 1)

static inline __u32 otori_cookie_scale(__u32 nine)
{
	return nine >> 5 & 15;
}

static inline __u32 otori_cookie_sack(__u32 nine)
{
	return nine >> 4 & 1;
}

/*
 * The MSS that stands for an offer: the largest table value not above it. 0 = none offered, which RFC 9293 3.7.1 reads
 * as 536 (IPv4) and RFC 8200 as 1220 (IPv6); an offer below 128 is raised to it.
 */
static inline __u32 otori_cookie_mss_index(__u32 mss, int ipv6)
{
	if (!mss)
		return ipv6 ? 2 : 1;
	if (mss >= 1440)
		return mss >= 1460 ? 7 : mss >= 1452 ? 6 : 5;
	if (mss >= 1220)
		return mss >= 1400 ? 4 : mss >= 1360 ? 3 : 2;
	return mss >= 536;
}

static inline __u32 otori_cookie_mss(__u32 nine)
{
	switch (nine >> 1 & 7) {
	case 0:
		return 128;
	case 1:
		return 536;
	case 2:
		return 1220;
	case 3:
		return 1360;
	case 4:
		return 1400;
	case 5:
		return 1440;
	case 6:
		return 1452;
	}
	return 1460;
}

/* Which of the two keys an epoch uses. */
static inline __u32 otori_cookie_key_index(__u32 epoch)
{
	return epoch >> OTORI_COOKIE_GENERATION_SHIFT & 1;
}

static inline __attribute__((always_inline)) __u32 otori_cookie_mask(__u64 flow_hash, __u32 isn)
{
	return (__u32)(flow_hash * (2 * (__u64)isn + 1) >> 55);
}

static inline __attribute__((always_inline)) __u32
otori_cookie_check(const __u64 *key, const struct otori_hashed_flow *flow, __u32 isn, __u32 nine, __u32 epoch)
{
	struct otori_siphash s = flow->state;

	s.v1 ^= key[1];
	otori_siphash_word(&s, key[0] ^ (isn | (__u64)nine << 32 | (__u64)(epoch & 0x7fff) << 41 | 23ULL << 56));
	return (__u32)otori_siphash_end(&s) & ((1U << OTORI_COOKIE_CHECK_BITS) - 1);
}

/*
 * The sequence number of our SYN-ACK (host byte order). keys: the four words of otori_keys.cookie; nine:
 * OTORI_COOKIE_NINE(); isn: the client's sequence number.
 */
static inline __attribute__((always_inline)) __u32
otori_cookie_make(const __u64 (*keys)[2], const struct otori_hashed_flow *flow, __u32 isn, __u32 nine, __u32 epoch)
{
	__u32 bits = nine | (epoch & 1);
	const __u64 *key = otori_cookie_key_index(epoch) ? keys[1] : keys[0];

	return (bits ^ otori_cookie_mask(flow->hash, isn)) << OTORI_COOKIE_CHECK_BITS |
	       otori_cookie_check(key, flow, isn, bits, epoch);
}

/* The nine bits of a valid cookie (their lowest is the epoch's), or -1. epoch: the current one. */
static inline __attribute__((always_inline)) int
otori_cookie_open(const __u64 (*keys)[2], const struct otori_hashed_flow *flow, __u32 isn, __u32 cookie, __u32 epoch)
{
	__u32 bits = (cookie >> OTORI_COOKIE_CHECK_BITS) ^ otori_cookie_mask(flow->hash, isn);
	const __u64 *key;

	epoch -= (epoch ^ bits) & 1; /* parity says whether it is this epoch's or the last one's */
	key = otori_cookie_key_index(epoch) ? keys[1] : keys[0];
	if (otori_cookie_check(key, flow, isn, bits, epoch) != (cookie & ((1U << OTORI_COOKIE_CHECK_BITS) - 1)))
		return -1;
	return (int)bits;
}

#endif
