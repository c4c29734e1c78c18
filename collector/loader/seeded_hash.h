/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seeded_hash.h - a hash of bytes under a secret, for tables whose keys strangers choose.
 *
 * In:  a secret and bytes. Out: SipHash-1-3. Called by rollup_table.c and key_set.c. May not keep anything.
 */
#ifndef OTORI_SEEDED_HASH_H
#define OTORI_SEEDED_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "../../include/otori/siphash.h"

struct hash_secret {
	__u64 words[2]; /* both 0: not chosen yet */
};

/* Chooses a secret where there is none. Without random numbers what an address space layout gives has to do. */
static inline void hash_secret_choose(struct hash_secret *secret)
{
	if (!secret->words[0] && !secret->words[1] &&
	    getrandom(secret->words, sizeof(secret->words), GRND_NONBLOCK) != sizeof(secret->words))
		secret->words[0] = (uintptr_t)secret;
}

static inline uint64_t seeded_hash(const struct hash_secret *secret, const uint8_t *bytes, size_t length)
{
	struct otori_siphash state;
	uint64_t word;
	size_t at = 0;

	otori_siphash_start(&state, secret->words);
	for (; length - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, bytes + at, sizeof(word));
		otori_siphash_word(&state, word);
	}
	word = 0;
	memcpy(&word, bytes + at, length - at);
	otori_siphash_word(&state, word | (uint64_t)length << 56);
	return otori_siphash_end(&state);
}

#endif
