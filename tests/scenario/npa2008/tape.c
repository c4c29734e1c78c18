// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tape.c - see tape.h: a heap of frames by time, of two at the same time the one that was put first.
 *
 * In:  frames. Out: the file. What waits is in memory: the conversations that are under way at one moment.
 */
#include "tape.h"
#include "say.h"

#include <string.h>

#define SNAP_BYTES 65535u
#define LINK_ETHERNET 1u

struct waiting {
	int64_t time_ns;
	uint64_t number;
	uint32_t bytes;
	uint8_t *frame;
};

struct tape {
	FILE *file;
	bool pcapng;
	struct waiting *heap;
	size_t count, room;
	uint64_t numbers, written;
};

static void put(struct tape *tape, const void *bytes, size_t length)
{
	if (length && fwrite(bytes, length, 1, tape->file) != 1)
		say_failed("generate: capture");
}

static void put_words(struct tape *tape, const uint32_t *words, size_t count)
{
	put(tape, words, count * sizeof(*words));
}

/* pcapng: a section, and an interface whose times are in nanoseconds (option 9). */
static void begin_pcapng(struct tape *tape)
{
	const uint32_t section[7] = { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 28 };
	const uint32_t interface[8] = { 1, 32, LINK_ETHERNET, SNAP_BYTES, 1 << 16 | 9, 9, 0, 32 };

	put_words(tape, section, 7);
	put_words(tape, interface, 8);
}

struct tape *tape_open(const char *path, bool pcapng)
{
	struct tape *tape = must_have(sizeof(*tape));
	const uint32_t header[6] = { 0xa1b23c4d, 4 << 16 | 2, 0, 0, SNAP_BYTES, LINK_ETHERNET };

	tape->file = fopen(path, "w");
	if (!tape->file)
		say_failed(path);
	setvbuf(tape->file, NULL, _IOFBF, 1 << 20);
	tape->pcapng = pcapng;
	tape->room = 1024;
	tape->heap = must_have(tape->room * sizeof(*tape->heap));
	if (pcapng)
		begin_pcapng(tape);
	else
		put_words(tape, header, 6);
	return tape;
}

static bool earlier(const struct waiting *a, const struct waiting *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->number < b->number;
}

static void swap(struct waiting *a, struct waiting *b)
{
	struct waiting c = *a;

	*a = *b;
	*b = c;
}

void tape_put(struct tape *tape, int64_t time_ns, const uint8_t *frame, uint32_t bytes)
{
	size_t at = tape->count++;

	if (tape->count > tape->room) {
		tape->room *= 2;
		tape->heap = realloc(tape->heap, tape->room * sizeof(*tape->heap));
		if (!tape->heap)
			say_failed("generate: memory");
	}
	tape->heap[at] = (struct waiting){ time_ns, tape->numbers++, bytes, must_have(bytes) };
	memcpy(tape->heap[at].frame, frame, bytes);
	for (; at && earlier(&tape->heap[at], &tape->heap[(at - 1) / 2]); at = (at - 1) / 2)
		swap(&tape->heap[at], &tape->heap[(at - 1) / 2]);
}

static struct waiting take_first(struct tape *tape)
{
	struct waiting first = tape->heap[0];
	size_t at = 0;

	tape->heap[0] = tape->heap[--tape->count];
	for (;;) {
		size_t least = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < tape->count; child++)
			if (earlier(&tape->heap[child], &tape->heap[least]))
				least = child;
		if (least == at)
			return first;
		swap(&tape->heap[at], &tape->heap[least]);
		at = least;
	}
}

static void write_packet(struct tape *tape, const struct waiting *packet)
{
	static const uint8_t padding[4];
	uint64_t time = (uint64_t)packet->time_ns;
	uint32_t padded = (packet->bytes + 3) & ~3u, whole = padded + 32;

	if (tape->pcapng) {
		const uint32_t head[7] = {
			6, whole, 0, (uint32_t)(time >> 32), (uint32_t)time, packet->bytes, packet->bytes
		};

		put_words(tape, head, 7);
		put(tape, packet->frame, packet->bytes);
		put(tape, padding, padded - packet->bytes);
		put_words(tape, &whole, 1);
	} else {
		const uint32_t head[4] = { (uint32_t)(time / 1000000000), (uint32_t)(time % 1000000000), packet->bytes,
					   packet->bytes };

		put_words(tape, head, 4);
		put(tape, packet->frame, packet->bytes);
	}
	tape->written++;
}

void tape_let_go(struct tape *tape, int64_t until_ns)
{
	while (tape->count && tape->heap[0].time_ns < until_ns) {
		struct waiting packet = take_first(tape);

		write_packet(tape, &packet);
		free(packet.frame);
	}
}

uint64_t tape_close(struct tape *tape)
{
	uint64_t written;

	tape_let_go(tape, INT64_MAX);
	written = tape->written;
	if (fclose(tape->file))
		say_failed("generate: capture");
	free(tape->heap);
	free(tape);
	return written;
}
