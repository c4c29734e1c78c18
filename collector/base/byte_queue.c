// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * byte_queue.c - a queue of bytes made of fixed chunks from a pool.
 *
 * In:  bytes. Out: bytes. Called by flow, conversation and mimics. May not allocate after chunk_pool_open.
 */
#include "base/byte_queue.h"

#include <errno.h>
#include <sys/mman.h>

struct chunk {
	uint32_t next;
	uint8_t data[CHUNK_DATA_BYTES];
};

_Static_assert(sizeof(struct chunk) == CHUNK_BYTES, "a chunk is its link and its data");

static struct chunk *chunk_at(const struct chunk_pool *pool, uint32_t name)
{
	return (struct chunk *)(void *)(pool->memory + (size_t)(name - 1) * CHUNK_BYTES);
}

int chunk_pool_open(struct chunk_pool *pool, uint32_t chunks)
{
	void *memory;

	memset(pool, 0, sizeof(*pool));
	memory = mmap(NULL, (size_t)chunks * CHUNK_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	pool->memory = memory;
	pool->chunks = chunks;
	return 0;
}

void chunk_pool_close(struct chunk_pool *pool)
{
	if (pool->memory)
		munmap(pool->memory, (size_t)pool->chunks * CHUNK_BYTES);
	memset(pool, 0, sizeof(*pool));
}

static uint32_t chunk_get(struct chunk_pool *pool)
{
	uint32_t name = pool->free_head;

	if (name)
		pool->free_head = chunk_at(pool, name)->next;
	else if (pool->never_used < pool->chunks)
		name = ++pool->never_used;
	else
		return 0;
	chunk_at(pool, name)->next = 0;
	pool->used++;
	return name;
}

static void chunk_put(struct chunk_pool *pool, uint32_t name)
{
	chunk_at(pool, name)->next = pool->free_head;
	pool->free_head = name;
	pool->used--;
}

int byte_queue_append(struct chunk_pool *pool, struct byte_queue *queue, struct slice data)
{
	size_t room = queue->tail ? (size_t)CHUNK_DATA_BYTES - queue->tail_used : 0;
	size_t need = data.length > room ? (data.length - room + CHUNK_DATA_BYTES - 1) / CHUNK_DATA_BYTES : 0;

	if (need > pool->chunks - pool->used || data.length > UINT32_MAX - queue->length)
		return -ENOBUFS;
	while (data.length) {
		size_t part;

		if (!queue->tail || queue->tail_used == CHUNK_DATA_BYTES) {
			uint32_t name = chunk_get(pool);

			if (queue->tail)
				chunk_at(pool, queue->tail)->next = name;
			else
				queue->head = name;
			queue->tail = name;
			queue->tail_used = 0;
		}
		part = (size_t)CHUNK_DATA_BYTES - queue->tail_used;
		if (part > data.length)
			part = data.length;
		memcpy(chunk_at(pool, queue->tail)->data + queue->tail_used, data.bytes, part);
		queue->tail_used = (uint16_t)(queue->tail_used + part);
		queue->length += (uint32_t)part;
		data.bytes += part;
		data.length -= part;
	}
	return 0;
}

size_t byte_queue_peek(const struct chunk_pool *pool, const struct byte_queue *queue, size_t offset, void *to,
		       size_t length)
{
	uint32_t name = queue->head;
	size_t position = offset + queue->head_offset, copied = 0;

	if (offset >= queue->length)
		return 0;
	if (length > queue->length - offset)
		length = queue->length - offset;
	for (; position >= CHUNK_DATA_BYTES; position -= CHUNK_DATA_BYTES)
		name = chunk_at(pool, name)->next;
	while (copied < length) {
		size_t part = CHUNK_DATA_BYTES - position;

		if (part > length - copied)
			part = length - copied;
		memcpy((uint8_t *)to + copied, chunk_at(pool, name)->data + position, part);
		copied += part;
		position = 0;
		name = chunk_at(pool, name)->next;
	}
	return copied;
}

void byte_queue_fill(struct chunk_pool *pool, struct byte_queue *queue, uint64_t offset, uint8_t byte, size_t length)
{
	uint32_t name = queue->head;
	size_t position;

	if (offset >= queue->length)
		return;
	if (length > queue->length - offset)
		length = queue->length - (size_t)offset;
	for (position = (size_t)offset + queue->head_offset; position >= CHUNK_DATA_BYTES; position -= CHUNK_DATA_BYTES)
		name = chunk_at(pool, name)->next;
	while (length) {
		size_t part = CHUNK_DATA_BYTES - position;

		if (part > length)
			part = length;
		memset(chunk_at(pool, name)->data + position, byte, part);
		length -= part;
		position = 0;
		name = chunk_at(pool, name)->next;
	}
}

void byte_queue_drop(struct chunk_pool *pool, struct byte_queue *queue, size_t length)
{
	if (length >= queue->length) {
		byte_queue_clear(pool, queue);
		return;
	}
	queue->length -= (uint32_t)length;
	length += queue->head_offset;
	for (; length >= CHUNK_DATA_BYTES; length -= CHUNK_DATA_BYTES) {
		uint32_t name = queue->head;

		queue->head = chunk_at(pool, name)->next;
		chunk_put(pool, name);
	}
	queue->head_offset = (uint16_t)length;
}

void byte_queue_clear(struct chunk_pool *pool, struct byte_queue *queue)
{
	while (queue->head) {
		uint32_t name = queue->head;

		queue->head = chunk_at(pool, name)->next;
		chunk_put(pool, name);
	}
	memset(queue, 0, sizeof(*queue));
}
