/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reassembly.h - segments that came before the bytes in front of them.
 *
 * In:  segments with sequence numbers. Out: the bytes that follow on, in order. Called by tcp_input.c.
 * May not allocate but from the pools given, nor deliver.
 *
 * The first byte wins: what is held is never overwritten, and bytes sent again with other content are counted.
 */
#ifndef OTORI_RESPONDER_REASSEMBLY_H
#define OTORI_RESPONDER_REASSEMBLY_H

#include <stdint.h>

#include "base/byte_queue.h"

/* Runs that one flow may hold apart; a client that makes more holes sends again what found no place. */
#define REASSEMBLY_MAX_RUNS 64

/* Bytes without a gap. */
struct run {
	uint32_t next; /* name of the run behind it, 0 = last; runs lie in order and do not overlap */
	uint32_t seq;
	struct byte_queue bytes;
};

/* Runs of all flows of a worker. */
struct run_pool {
	struct run *runs; /* owned, mapped lazily */
	uint32_t size, free_head, never_used, used;
};

struct reassembly {
	uint32_t first; /* name of the first run */
	uint32_t runs;
};

int run_pool_open(struct run_pool *pool, uint32_t runs);
void run_pool_close(struct run_pool *pool);

/*
 * Holds the bytes from seq on that are not held yet. *conflicts grows by how many of them were held before with other
 * content. 0, or -ENOBUFS where the pools had no room for all of them.
 */
int reassembly_add(struct run_pool *pool, struct chunk_pool *chunks, struct reassembly *held, uint32_t seq,
		   struct slice bytes, uint32_t *conflicts);

/*
 * Takes bytes that begin at seq, at most length, into to; returns how many, 0 where there is a gap at seq. What lies
 * before seq has been delivered meanwhile and is dropped.
 */
size_t reassembly_take(struct run_pool *pool, struct chunk_pool *chunks, struct reassembly *held, uint32_t seq,
		       uint8_t *to, size_t length);

/* The block without a gap that holds seq: 1 and its bounds, or 0. */
int reassembly_block(const struct run_pool *pool, const struct reassembly *held, uint32_t seq, uint32_t *from,
		     uint32_t *to);

/* The number-th block (0 first); 1 and its bounds, or 0. */
int reassembly_nth_block(const struct run_pool *pool, const struct reassembly *held, unsigned number, uint32_t *from,
			 uint32_t *to);

/* All bytes that are held. */
uint32_t reassembly_bytes(const struct run_pool *pool, const struct reassembly *held);

void reassembly_clear(struct run_pool *pool, struct chunk_pool *chunks, struct reassembly *held);

#endif
