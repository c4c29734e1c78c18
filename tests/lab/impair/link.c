/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link.c - one direction of a bad link (link.h): draws, delays, and a heap of the frames that wait.
 *
 * In:  frames. Out: frames in the order of their due times. Called by impair.c and the unit test. May not do I/O.
 */
#include "link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ETHERNET_BYTES 14

struct waiting {
	uint64_t due_ns;
	uint64_t order; /* of two due at the same time the earlier comes first */
	uint8_t *frame; /* owned */
	uint32_t bytes;
};

struct link {
	struct link_settings settings;
	struct link_counts counts;
	struct waiting *heap; /* owned; limit entries, the one due first on top */
	uint32_t used;
	uint64_t order;
	uint64_t impaired;   /* n of the next frame that is drawn for */
	uint64_t free_at_ns; /* when the wire has sent what it was given (rate) */
	uint8_t *last;	     /* owned: what link_output gave */
};

struct link *link_new(const struct link_settings *settings)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->settings = *settings;
	if (!link->settings.limit)
		link->settings.limit = 1;
	link->heap = calloc(link->settings.limit, sizeof(*link->heap));
	if (!link->heap) {
		free(link);
		return NULL;
	}
	return link;
}

void link_free(struct link *link)
{
	if (!link)
		return;
	for (uint32_t i = 0; i < link->used; i++)
		free(link->heap[i].frame);
	free(link->heap);
	free(link->last);
	free(link);
}

/* SplitMix64's finaliser: the draw-th random word of frame n. */
static uint64_t draw(const struct link *link, uint64_t n, uint64_t which)
{
	uint64_t word = link->settings.seed + 0x9e3779b97f4a7c15ull * (n * 8 + which + 1);

	word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ull;
	word = (word ^ (word >> 27)) * 0x94d049bb133111ebull;
	return word ^ (word >> 31);
}

static bool happens(const struct link *link, uint64_t n, uint64_t which, double probability)
{
	return (double)(draw(link, n, which) >> 11) * 0x1p-53 < probability;
}

static bool is_tcp(const uint8_t *frame, uint32_t bytes)
{
	uint32_t at = 12, type = 0;

	for (int tag = 0; tag <= 2; tag++, at += 4) {
		if (at + 2 + 20 > bytes)
			return false;
		type = (uint32_t)frame[at] << 8 | frame[at + 1];
		if (type != 0x8100 && type != 0x88a8)
			break;
	}
	if (type == 0x0800)
		return frame[at + 2 + 9] == 6;
	return type == 0x86dd && frame[at + 2 + 6] == 6;
}

static bool before(const struct waiting *a, const struct waiting *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void sift_up(struct link *link, uint32_t at)
{
	struct waiting item = link->heap[at];

	while (at > 0 && before(&item, &link->heap[(at - 1) / 2])) {
		link->heap[at] = link->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	link->heap[at] = item;
}

static void sift_down(struct link *link, uint32_t at)
{
	struct waiting item = link->heap[at];
	uint32_t child;

	while ((child = 2 * at + 1) < link->used) {
		if (child + 1 < link->used && before(&link->heap[child + 1], &link->heap[child]))
			child++;
		if (!before(&link->heap[child], &item))
			break;
		link->heap[at] = link->heap[child];
		at = child;
	}
	link->heap[at] = item;
}

/* Puts a copy of the frame among those that wait; hold_ns: how much later than now it leaves. */
static int enqueue(struct link *link, const uint8_t *frame, uint32_t bytes, uint64_t now_ns, uint64_t hold_ns)
{
	uint64_t leaves_ns = now_ns;
	uint8_t *copy;

	if (link->used == link->settings.limit) {
		link->counts.overflow++;
		return 0;
	}
	copy = malloc(bytes ? bytes : 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, frame, bytes);
	if (link->settings.rate_bits) {
		if (link->free_at_ns > leaves_ns)
			leaves_ns = link->free_at_ns;
		leaves_ns += (uint64_t)bytes * 8 * 1000000000 / link->settings.rate_bits;
		link->free_at_ns = leaves_ns;
	}
	link->heap[link->used] = (struct waiting){ leaves_ns + hold_ns, link->order++, copy, bytes };
	sift_up(link, link->used++);
	return 0;
}

static void turn_a_bit(uint8_t *frame, uint32_t bytes, uint64_t random)
{
	uint64_t bit = random % ((uint64_t)(bytes - ETHERNET_BYTES) * 8);

	frame[ETHERNET_BYTES + bit / 8] = (uint8_t)(frame[ETHERNET_BYTES + bit / 8] ^ 1u << (bit % 8));
}

/* The draws of one frame; each has its number, so that no setting changes what another one draws. */
enum { DRAW_LOSS, DRAW_DUPLICATE, DRAW_REORDER, DRAW_CORRUPT, DRAW_BIT, DRAW_JITTER, DRAW_JITTER_COPY };

static uint64_t hold(const struct link *link, uint64_t n, uint64_t which)
{
	uint64_t jitter_ns = link->settings.jitter_ns ? draw(link, n, which) % (link->settings.jitter_ns + 1) : 0;

	return link->settings.delay_ns + jitter_ns;
}

int link_input(struct link *link, const uint8_t *frame, uint32_t bytes, uint64_t now_ns)
{
	const struct link_settings *settings = &link->settings;
	uint8_t damaged[LINK_FRAME_MAX_BYTES];
	uint64_t n, hold_ns;
	int error;

	if (bytes > LINK_FRAME_MAX_BYTES)
		return -EMSGSIZE;
	link->counts.frames++;
	if (!settings->all && !is_tcp(frame, bytes)) {
		link->counts.spared++;
		return enqueue(link, frame, bytes, now_ns, settings->delay_ns);
	}
	n = link->impaired++;
	if (happens(link, n, DRAW_LOSS, settings->loss)) {
		link->counts.lost++;
		return 0;
	}
	hold_ns = hold(link, n, DRAW_JITTER);
	if (happens(link, n, DRAW_REORDER, settings->reorder)) {
		link->counts.reordered++;
		hold_ns += settings->reorder_ns;
	}
	if (happens(link, n, DRAW_DUPLICATE, settings->duplicate)) {
		link->counts.duplicated++;
		error = enqueue(link, frame, bytes, now_ns, hold(link, n, DRAW_JITTER_COPY));
		if (error)
			return error;
	}
	/* of a frame that came twice one copy may be whole: as on a real path */
	if (bytes > ETHERNET_BYTES && happens(link, n, DRAW_CORRUPT, settings->corrupt)) {
		link->counts.corrupted++;
		memcpy(damaged, frame, bytes);
		turn_a_bit(damaged, bytes, draw(link, n, DRAW_BIT));
		frame = damaged;
	}
	return enqueue(link, frame, bytes, now_ns, hold_ns);
}

uint64_t link_due(const struct link *link)
{
	return link->used ? link->heap[0].due_ns : UINT64_MAX;
}

const uint8_t *link_output(struct link *link, uint64_t now_ns, uint32_t *bytes)
{
	free(link->last);
	link->last = NULL;
	if (link_due(link) > now_ns)
		return NULL;
	link->last = link->heap[0].frame;
	*bytes = link->heap[0].bytes;
	link->heap[0] = link->heap[--link->used];
	if (link->used)
		sift_down(link, 0);
	link->counts.out++;
	return link->last;
}

struct link_counts link_counts(const struct link *link)
{
	struct link_counts counts = link->counts;

	counts.waiting = link->used;
	return counts;
}
