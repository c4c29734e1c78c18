/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * random.h - numbers that look drawn and are the same for the same seed (xoshiro256**, seeded by splitmix64).
 *
 * In:  a seed. Out: numbers. May not look at a clock or at the system's entropy: a scenario is the same bytes every
 * time.
 */
#ifndef NPA2008_RANDOM_H
#define NPA2008_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t state[4];
};

static inline void random_seed(struct random *random, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = (seed += 0x9e3779b97f4a7c15ull);

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
		z = (z ^ z >> 27) * 0x94d049bb133111ebull;
		random->state[i] = z ^ z >> 31;
	}
}

static inline uint64_t random_turned(uint64_t word, int by)
{
	return word << by | word >> (64 - by);
}

static inline uint64_t random_next(struct random *random)
{
	uint64_t *s = random->state, result = random_turned(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = random_turned(s[3], 45);
	return result;
}

/* 0 to bound - 1; bound is at least 1. The tiny bias of the modulo does no harm here. */
static inline uint32_t random_below(struct random *random, uint32_t bound)
{
	return (uint32_t)(random_next(random) % bound);
}

static inline uint32_t random_between(struct random *random, uint32_t least, uint32_t most)
{
	return least + random_below(random, most - least + 1);
}

static inline bool random_chance(struct random *random, uint32_t per_mille)
{
	return random_below(random, 1000) < per_mille;
}

static inline void random_shuffle(struct random *random, uint32_t *items, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = random_next(random) % i;
		uint32_t item = items[i - 1];

		items[i - 1] = items[j];
		items[j] = item;
	}
}

#endif
