// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * transmit.c - a frame_sink over PACKET_TX_RING sockets that somebody else has opened, bound and marked.
 *
 * In:  frames. Out: frames to the kernel. Called by serve.c and, through frame_sink, by frame.c. May not open sockets.
 *
 * The kernel takes the slots of a ring in order. A frame that the guard or a full queue refuses stays where it is and
 * would hold up those behind it: the last frame that waits moves into its slot, and so the slot before which the kernel
 * stands is always the oldest one of ours.
 */
#include "responder/transmit.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "responder/contract.h"

#define RING_BYTES ((size_t)RESPONDER_TX_FRAMES * RESPONDER_TX_FRAME_BYTES)
/* Where the kernel looks for the frame's bytes, unless PACKET_TX_HAS_OFF is set. */
#define DATA_OFFSET 32u
#define DATA_BYTES (RESPONDER_TX_FRAME_BYTES - DATA_OFFSET)
_Static_assert(sizeof(struct tpacket2_hdr) == DATA_OFFSET, "TPACKET2_HDRLEN less the address, which a sender has not");
/* Frames that gather before the kernel is called within a batch. */
#define GATHER 256
/* Refused frames that one flush steps over. */
#define REFUSALS_MAX 64

struct ring {
	int fd;
	uint8_t *memory;
	uint32_t next;	  /* slot of the next frame */
	uint32_t oldest;  /* the oldest slot that the kernel has not taken */
	uint32_t waiting; /* slots from oldest to next */
};

struct transmit {
	struct ring rings[OTORI_MAX_DEVICES];
	unsigned devices;
	unsigned reserved; /* the device whose slot was given out last */
	bool paused;
	uint64_t refused;
};

static struct tpacket2_hdr *slot_of(const struct ring *ring, uint32_t slot)
{
	return (struct tpacket2_hdr *)(void *)(ring->memory + (size_t)slot * RESPONDER_TX_FRAME_BYTES);
}

static uint32_t status_of(const struct ring *ring, uint32_t slot)
{
	return __atomic_load_n(&slot_of(ring, slot)->tp_status, __ATOMIC_ACQUIRE);
}

static void set_status(struct ring *ring, uint32_t slot, uint32_t status)
{
	__atomic_store_n(&slot_of(ring, slot)->tp_status, status, __ATOMIC_RELEASE);
}

int transmit_open(struct transmit **out, const int *fds, unsigned devices)
{
	struct transmit *transmit;

	*out = NULL;
	if (!devices || devices > OTORI_MAX_DEVICES)
		return -EINVAL;
	transmit = calloc(1, sizeof(*transmit));
	if (!transmit)
		return -ENOMEM;
	transmit->devices = devices;
	for (unsigned i = 0; i < devices; i++) {
		void *memory = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 0);

		if (memory == MAP_FAILED) {
			int error = -errno;

			transmit_close(transmit);
			return error;
		}
		transmit->rings[i].fd = fds[i];
		transmit->rings[i].memory = memory;
	}
	*out = transmit;
	return 0;
}

void transmit_close(struct transmit *transmit)
{
	if (!transmit)
		return;
	for (unsigned i = 0; i < transmit->devices; i++)
		if (transmit->rings[i].memory)
			munmap(transmit->rings[i].memory, RING_BYTES);
	free(transmit);
}

/* Steps behind the slots that the kernel has taken. */
static void advance(struct ring *ring)
{
	while (ring->waiting) {
		uint32_t status = status_of(ring, ring->oldest);

		if (status & (TP_STATUS_SEND_REQUEST | TP_STATUS_WRONG_FORMAT))
			return;
		ring->oldest = (ring->oldest + 1) % RESPONDER_TX_FRAMES;
		ring->waiting--;
	}
}

/* Gives up the frame before which the kernel stands. */
static void drop_oldest(struct ring *ring)
{
	uint32_t last = (ring->next + RESPONDER_TX_FRAMES - 1) % RESPONDER_TX_FRAMES;

	if (last != ring->oldest) {
		const struct tpacket2_hdr *from = slot_of(ring, last);
		struct tpacket2_hdr *to = slot_of(ring, ring->oldest);
		uint32_t bytes = from->tp_len;

		set_status(ring, last, TP_STATUS_AVAILABLE);
		memcpy((uint8_t *)to + DATA_OFFSET, (const uint8_t *)from + DATA_OFFSET,
		       bytes < DATA_BYTES ? bytes : DATA_BYTES);
		to->tp_len = bytes;
		set_status(ring, ring->oldest, TP_STATUS_SEND_REQUEST);
	} else {
		set_status(ring, last, TP_STATUS_AVAILABLE);
	}
	ring->next = last;
	ring->waiting--;
}

static void send_ring(struct transmit *transmit, struct ring *ring)
{
	for (unsigned refusals = 0; ring->waiting && refusals < REFUSALS_MAX;) {
		ssize_t sent = sendto(ring->fd, NULL, 0, MSG_DONTWAIT, NULL, 0);
		int error = sent < 0 ? errno : 0;

		advance(ring);
		if (!ring->waiting)
			return;
		if (error != ENOBUFS && !(status_of(ring, ring->oldest) & TP_STATUS_WRONG_FORMAT))
			return; /* EAGAIN, the device is down, ...: what waits may go later */
		drop_oldest(ring);
		transmit->refused++;
		refusals++;
	}
}

static bool is_paused(const struct transmit *transmit)
{
	return __atomic_load_n(&transmit->paused, __ATOMIC_ACQUIRE);
}

static uint8_t *reserve(void *context, uint8_t device, uint32_t bytes)
{
	struct transmit *transmit = context;
	struct ring *ring;

	if (device >= transmit->devices || bytes > DATA_BYTES || is_paused(transmit))
		return NULL;
	ring = &transmit->rings[device];
	if (ring->waiting >= GATHER)
		send_ring(transmit, ring);
	if (ring->waiting >= RESPONDER_TX_FRAMES - 1 ||
	    status_of(ring, ring->next) & (TP_STATUS_SENDING | TP_STATUS_SEND_REQUEST))
		return NULL;
	transmit->reserved = device;
	return (uint8_t *)slot_of(ring, ring->next) + DATA_OFFSET;
}

static void submit(void *context, uint32_t bytes)
{
	struct transmit *transmit = context;
	struct ring *ring = &transmit->rings[transmit->reserved];

	slot_of(ring, ring->next)->tp_len = bytes;
	set_status(ring, ring->next, TP_STATUS_SEND_REQUEST);
	ring->next = (ring->next + 1) % RESPONDER_TX_FRAMES;
	ring->waiting++;
}

static void flush(void *context)
{
	struct transmit *transmit = context;

	for (unsigned i = 0; i < transmit->devices && !is_paused(transmit); i++)
		send_ring(transmit, &transmit->rings[i]);
}

struct frame_sink transmit_sink(struct transmit *transmit)
{
	return (struct frame_sink){ .reserve = reserve, .submit = submit, .flush = flush, .context = transmit };
}

void transmit_pause(struct transmit *transmit, bool paused)
{
	__atomic_store_n(&transmit->paused, paused, __ATOMIC_RELEASE);
}

bool transmit_waiting(const struct transmit *transmit)
{
	for (unsigned i = 0; i < transmit->devices; i++)
		if (transmit->rings[i].waiting)
			return true;
	return false;
}

uint64_t transmit_refused(const struct transmit *transmit)
{
	return transmit->refused;
}
