/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * checksum.h - the Internet checksum (RFC 1071) over memory.
 *
 * In:  bytes. Out: sums of native 16-bit words, which may be stored back as they are. Called by frame.c, worker.c,
 * tests.
 */
#ifndef OTORI_RESPONDER_CHECKSUM_H
#define OTORI_RESPONDER_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Adds bytes to a running sum. All but the last piece must have an even length. */
static inline uint64_t checksum_add(uint64_t sum, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	uint64_t carries = 0;
	uint16_t word = 0;

	for (; length >= 8; at += 8, length -= 8) {
		uint64_t eight;

		memcpy(&eight, at, 8);
		sum += eight;
		carries += sum < eight;
	}
	sum = (sum & 0xffffffff) + (sum >> 32) + carries;
	for (; length >= 2; at += 2, length -= 2) {
		memcpy(&word, at, 2);
		sum += word;
	}
	if (length) {
		word = 0;
		memcpy(&word, at, 1);
		sum += word;
	}
	return sum;
}

/* A running sum folded to 16 bits, not complemented. */
static inline uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

#endif
