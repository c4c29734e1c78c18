// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reassembly.c - segments that came before the bytes in front of them.
 *
 * In:  segments with sequence numbers. Out: the bytes that follow on, in order. Called by tcp_input.c.
 * May not allocate but from the pools given, nor deliver.
 *
 * Runs form a list in order of their sequence numbers, without overlaps; two may touch. Sequence numbers are compared
 * as serial numbers, which holds as long as everything lies within one window: the caller has cut segments to it.
 */
#include "responder/reassembly.h"

#include <errno.h>
#include <sys/mman.h>

static struct run *run_at(const struct run_pool *pool, uint32_t name)
{
	return &pool->runs[name - 1];
}

/* Positive where a lies behind b. */
static int32_t seq_distance(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static uint32_t run_end(const struct run *run)
{
	return run->seq + run->bytes.length;
}

int run_pool_open(struct run_pool *pool, uint32_t runs)
{
	void *memory;

	memset(pool, 0, sizeof(*pool));
	memory = mmap(NULL, (size_t)runs * sizeof(struct run), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	pool->runs = memory;
	pool->size = runs;
	return 0;
}

void run_pool_close(struct run_pool *pool)
{
	if (pool->runs)
		munmap(pool->runs, (size_t)pool->size * sizeof(struct run));
	memset(pool, 0, sizeof(*pool));
}

static uint32_t run_get(struct run_pool *pool)
{
	uint32_t name = pool->free_head;

	if (name)
		pool->free_head = run_at(pool, name)->next;
	else if (pool->never_used < pool->size)
		name = ++pool->never_used;
	else
		return 0;
	memset(run_at(pool, name), 0, sizeof(struct run));
	pool->used++;
	return name;
}

static void run_put(struct run_pool *pool, struct chunk_pool *chunks, uint32_t name)
{
	struct run *run = run_at(pool, name);

	byte_queue_clear(chunks, &run->bytes);
	run->next = pool->free_head;
	pool->free_head = name;
	pool->used--;
}

/* How many of bytes differ from what the run holds at offset. */
static uint32_t count_conflicts(const struct chunk_pool *chunks, const struct run *run, size_t offset,
				struct slice bytes)
{
	uint8_t held[256];
	uint32_t conflicts = 0;

	while (bytes.length) {
		size_t part = byte_queue_peek(chunks, &run->bytes, offset, held,
					      bytes.length < sizeof(held) ? bytes.length : sizeof(held));

		if (!part)
			break;
		for (size_t i = 0; i < part; i++)
			conflicts += held[i] != bytes.bytes[i];
		offset += part;
		bytes.bytes += part;
		bytes.length -= part;
	}
	return conflicts;
}

/* Puts bytes, which overlap nothing, behind the run before (0 = at the front): at its end or as a new run. */
static int insert(struct run_pool *pool, struct chunk_pool *chunks, struct reassembly *held, uint32_t *before,
		  uint32_t seq, struct slice bytes)
{
	uint32_t name;

	if (*before && run_end(run_at(pool, *before)) == seq)
		return byte_queue_append(chunks, &run_at(pool, *before)->bytes, bytes);
	if (held->runs >= REASSEMBLY_MAX_RUNS)
		return -ENOBUFS;
	name = run_get(pool);
	if (!name)
		return -ENOBUFS;
	if (byte_queue_append(chunks, &run_at(pool, name)->bytes, bytes)) {
		run_put(pool, chunks, name);
		return -ENOBUFS;
	}
	run_at(pool, name)->seq = seq;
	if (*before) {
		run_at(pool, name)->next = run_at(pool, *before)->next;
		run_at(pool, *before)->next = name;
	} else {
		run_at(pool, name)->next = held->first;
		held->first = name;
	}
	held->runs++;
	*before = name;
	return 0;
}

int reassembly_add(struct run_pool *pool, struct chunk_pool *chunks, struct reassembly *held, uint32_t seq,
		   struct slice bytes, uint32_t *conflicts)
{
	uint32_t before = 0, name = held->first;

	while (bytes.length) {
		struct run *run = name ? run_at(pool, name) : NULL;
		size_t part;

		if (run && seq_distance(seq, run_end(run)) >= 0) { /* wholly before what is left */
			before = name;
			name = run->next;
			continue;
		}
		if (run && seq_distance(seq, run->seq) >= 0) { /* held already */
			part = run_end(run) - seq;
			if (part > bytes.length)
				part = bytes.length;
			*conflicts += count_conflicts(chunks, run, seq - run->seq, slice_of(bytes.bytes, part));
		} else {
			part = run && run->seq - seq < bytes.length ? run->seq - seq : bytes.length;
			if (insert(pool, chunks, held, &before, seq, slice_of(bytes.bytes, part)))
				return -ENOBUFS;
		}
		seq += (uint32_t)part;
		bytes.bytes += part;
		bytes.length -= part;
	}
	return 0;
}

static void drop_first(struct run_pool *pool, struct chunk_pool *chunks, struct reassembly *held)
{
	uint32_t name = held->first;

	held->first = run_at(pool, name)->next;
	held->runs--;
	run_put(pool, chunks, name);
}

size_t reassembly_take(struct run_pool *pool, struct chunk_pool *chunks, struct reassembly *held, uint32_t seq,
		       uint8_t *to, size_t length)
{
	size_t taken = 0;

	while (held->first && taken < length) {
		struct run *run = run_at(pool, held->first);
		size_t part;

		if (seq_distance(run->seq, seq) > 0)
			break;
		if (seq_distance(run_end(run), seq) <= 0) {
			drop_first(pool, chunks, held);
			continue;
		}
		part = byte_queue_peek(chunks, &run->bytes, seq - run->seq, to + taken, length - taken);
		taken += part;
		seq += (uint32_t)part;
		byte_queue_drop(chunks, &run->bytes, seq - run->seq);
		run->seq = seq;
		if (!run->bytes.length)
			drop_first(pool, chunks, held);
	}
	return taken;
}

/* Walks over runs that touch; *name moves behind them. */
static void walk_block(const struct run_pool *pool, uint32_t *name, uint32_t *from, uint32_t *to)
{
	*from = run_at(pool, *name)->seq;
	do {
		*to = run_end(run_at(pool, *name));
		*name = run_at(pool, *name)->next;
	} while (*name && run_at(pool, *name)->seq == *to);
}

int reassembly_block(const struct run_pool *pool, const struct reassembly *held, uint32_t seq, uint32_t *from,
		     uint32_t *to)
{
	uint32_t name = held->first;

	while (name) {
		walk_block(pool, &name, from, to);
		if (seq_distance(seq, *from) >= 0 && seq_distance(seq, *to) < 0)
			return 1;
	}
	return 0;
}

int reassembly_nth_block(const struct run_pool *pool, const struct reassembly *held, unsigned number, uint32_t *from,
			 uint32_t *to)
{
	uint32_t name = held->first;

	while (name) {
		walk_block(pool, &name, from, to);
		if (!number--)
			return 1;
	}
	return 0;
}

uint32_t reassembly_bytes(const struct run_pool *pool, const struct reassembly *held)
{
	uint32_t bytes = 0;

	for (uint32_t name = held->first; name; name = run_at(pool, name)->next)
		bytes += run_at(pool, name)->bytes.length;
	return bytes;
}

void reassembly_clear(struct run_pool *pool, struct chunk_pool *chunks, struct reassembly *held)
{
	while (held->first)
		drop_first(pool, chunks, held);
	held->runs = 0;
}
