// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * drain.c - reads a BPF ring buffer through its shared memory.
 *
 * In:  the descriptor of a ring buffer map. Out: records in place. Called by serve.c and replay/. May not copy records.
 *
 * Layout (kernel/bpf/ringbuf.c): a page with the reader's position, which we write; a page with the writer's position,
 * read only; then the data, mapped twice in a row, so that a record never wraps. A record is a header of two 32-bit
 * words, the first of which holds its length and two flags, and its bytes, padded to eight.
 */
#include "responder/drain.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct drain {
	uint64_t *consumer; /* mapped, one page */
	uint8_t *producer;  /* mapped: one page, then the data twice */
	size_t page_bytes;
	size_t data_bytes; /* a power of two */
	uint64_t at;	   /* position of the next record */
	uint32_t ring_id;
};

static int map_ring(struct drain *drain, int fd)
{
	void *memory = mmap(NULL, drain->page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	drain->consumer = memory;
	memory = mmap(NULL, drain->page_bytes + 2 * drain->data_bytes, PROT_READ, MAP_SHARED, fd,
		      (off_t)drain->page_bytes);
	if (memory == MAP_FAILED)
		return -errno;
	drain->producer = memory;
	return 0;
}

int drain_open(struct drain **out, int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t info_bytes = sizeof(info);
	struct drain *drain;
	int error;

	*out = NULL;
	if (bpf_obj_get_info_by_fd(fd, &info, &info_bytes))
		return -errno;
	if (info.type != BPF_MAP_TYPE_RINGBUF)
		return -EINVAL;
	drain = calloc(1, sizeof(*drain));
	if (!drain)
		return -ENOMEM;
	drain->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	drain->data_bytes = info.max_entries;
	drain->ring_id = info.id;
	error = map_ring(drain, fd);
	if (error) {
		drain_close(drain);
		return error;
	}
	drain->at = __atomic_load_n(drain->consumer, __ATOMIC_ACQUIRE);
	*out = drain;
	return 0;
}

void drain_close(struct drain *drain)
{
	if (!drain)
		return;
	if (drain->producer)
		munmap(drain->producer, drain->page_bytes + 2 * drain->data_bytes);
	if (drain->consumer)
		munmap(drain->consumer, drain->page_bytes);
	free(drain);
}

uint32_t drain_ring_id(const struct drain *drain)
{
	return drain->ring_id;
}

bool drain_next(struct drain *drain, const void **record, uint32_t *bytes)
{
	uint64_t written = __atomic_load_n((uint64_t *)(void *)drain->producer, __ATOMIC_ACQUIRE);

	while (drain->at < written) {
		const uint8_t *header = drain->producer + drain->page_bytes + (drain->at & (drain->data_bytes - 1));
		uint32_t length = __atomic_load_n((const uint32_t *)(const void *)header, __ATOMIC_ACQUIRE);
		uint32_t size = length & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (length & BPF_RINGBUF_BUSY_BIT)
			return false;
		drain->at += (size + BPF_RINGBUF_HDR_SZ + 7) & ~7u;
		__builtin_prefetch(drain->producer + drain->page_bytes + (drain->at & (drain->data_bytes - 1)));
		if (length & BPF_RINGBUF_DISCARD_BIT)
			continue;
		*record = header + BPF_RINGBUF_HDR_SZ;
		*bytes = size;
		return true;
	}
	return false;
}

uint64_t drain_position(const struct drain *drain)
{
	return drain->at;
}

void drain_rewind(struct drain *drain, uint64_t position)
{
	drain->at = position;
}

void drain_release(struct drain *drain)
{
	/* The full barrier orders this before the next look at the writer's position: the kernel wakes a reader that
	 * has caught up. */
	__atomic_store_n(drain->consumer, drain->at, __ATOMIC_SEQ_CST);
}
