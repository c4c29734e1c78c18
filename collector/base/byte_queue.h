/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * byte_queue.h - a queue of bytes made of fixed chunks from a pool.
 *
 * In:  bytes appended at the end. Out: bytes peeked at any offset and dropped from the front.
 * Called by the flow (bytes to send), the conversation (payload to keep) and mimics (headers, recipients).
 * A pool belongs to one worker; nothing here locks, allocates after chunk_pool_open, or looks at a clock.
 */
#ifndef OTORI_BYTE_QUEUE_H
#define OTORI_BYTE_QUEUE_H

#include <stdint.h>

#include "base/slice.h"

#define CHUNK_BYTES 512 /* a chunk with its link */
#define CHUNK_DATA_BYTES (CHUNK_BYTES - 4)

/* Chunks are named by index + 1, so that 0 is none and a queue is 16 bytes. */
struct chunk_pool {
	uint8_t *memory; /* owned; chunks * CHUNK_BYTES, mapped lazily */
	uint32_t chunks;
	uint32_t free_head;
	uint32_t never_used; /* chunks from here on were never handed out, so opening a pool touches no page */
	uint32_t used;
};

/* Maps memory for chunks chunks. 0 or -ENOMEM. */
int chunk_pool_open(struct chunk_pool *pool, uint32_t chunks);
void chunk_pool_close(struct chunk_pool *pool);

/* An empty queue is all zero. */
struct byte_queue {
	uint32_t head, tail;  /* chunk names */
	uint32_t length;      /* bytes held */
	uint16_t head_offset; /* bytes of the head chunk that were dropped */
	uint16_t tail_used;   /* bytes of the tail chunk in use */
};

/* Appends all of data or nothing: 0, or -ENOBUFS where the pool has too few chunks. */
int byte_queue_append(struct chunk_pool *pool, struct byte_queue *queue, struct slice data);

/* Copies up to length bytes from offset into to; returns the number copied. */
size_t byte_queue_peek(const struct chunk_pool *pool, const struct byte_queue *queue, size_t offset, void *to,
		       size_t length);

/* Overwrites length bytes from offset by byte; what lies beyond the end is left out. */
void byte_queue_fill(struct chunk_pool *pool, struct byte_queue *queue, uint64_t offset, uint8_t byte, size_t length);

/* Drops length bytes (at most all) from the front and gives whole chunks back. */
void byte_queue_drop(struct chunk_pool *pool, struct byte_queue *queue, size_t length);

/* Drops all; the queue is empty and may be forgotten. */
void byte_queue_clear(struct chunk_pool *pool, struct byte_queue *queue);

#endif
