/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker.h - one worker of the responder: events in, frames and journal records out.
 *
 * In:  ring events (event.h), time. Out: frames through a frame_sink, records in the worker's record_buffer, counts in
 * its page. Called by responder/main.c (live: one thread a ring) and replay/ (in the process, with the capture's clock
 * and no sink). May not open anything, and calls nothing above it.
 *
 * Time is UTC nanoseconds of the caller's clock and never goes back within a worker.
 */
#ifndef OTORI_RESPONDER_WORKER_H
#define OTORI_RESPONDER_WORKER_H

#include "../../include/otori/event.h"
#include "base/byte_queue.h"
#include "protocols/conversation.h"
#include "record/record.h"
#include "responder/page.h"

/* Where frames go. Frames are whole Ethernet frames. */
struct frame_sink {
	/* Room for a frame of up to bytes for interface device, or NULL (counted as frames_dropped, TCP sends it
	 * again). */
	uint8_t *(*reserve)(void *context, uint8_t device, uint32_t bytes);
	/* The frame reserved last is ready, with its length. */
	void (*submit)(void *context, uint32_t bytes);
	/* Hands everything submitted to the kernel. */
	void (*flush)(void *context);
	void *context;
};

struct worker_settings {
	uint32_t flows;			      /* size of the flow pool */
	uint32_t conversations;		      /* size of the conversation pool */
	uint32_t chunks;		      /* size of the chunk pool */
	size_t record_bytes;		      /* size of the record buffer */
	uint32_t idle_seconds, total_seconds; /* deadlines of a flow: 60, 600 */
	uint16_t mtu;			      /* of the sensor's interfaces, 1500 */
	bool replay;  /* client's bytes decide; acknowledgement numbers are not checked; nothing is sent */
	uint8_t ring; /* number of the worker */
	const struct mimic_policy *policy; /* borrowed */
	uint64_t secret[2];		   /* keys the flow hash and sequence-dependent jitter */
};

struct worker; /* opaque: worker.c */

/* 0 or negative errno; page is borrowed and may hold what a dead predecessor left. sink NULL = nothing is sent. */
int worker_open(struct worker **worker, const struct worker_settings *settings, const struct frame_sink *sink,
		struct responder_page *page);
void worker_close(struct worker *worker);

/* Takes one ring record; bytes is its size in the ring. Hostile content is refused and counted. */
void worker_event(struct worker *worker, const void *record, uint32_t bytes, uint64_t now_ns);

/* A record where it lies in the ring. */
struct worker_record {
	const void *bytes;
	uint32_t length;
};

#define WORKER_BATCH 32

/*
 * The same for up to WORKER_BATCH records, faster: the memory that they need is fetched ahead. Returns how many were
 * taken; it stops early where worker_full().
 */
unsigned worker_events(struct worker *worker, const struct worker_record *records, unsigned count, uint64_t now_ns);

/*
 * Timers due by now_ns: retransmissions, delayed answers, deadlines. Flushes the sink. Stops early where the record
 * buffer is nearly full: empty it and call again (worker_next_tick is then not later than now_ns).
 */
void worker_tick(struct worker *worker, uint64_t now_ns);

/* When the next timer is due (UTC ns), UINT64_MAX = none. */
uint64_t worker_next_tick(const struct worker *worker);

/*
 * Ends flows with this reason and records them, as many as the record buffer has room for. Returns how many are left:
 * call until it is 0, emptying the buffer in between.
 */
uint32_t worker_end_all(struct worker *worker, enum flow_end reason, uint64_t now_ns);

/*
 * Records waiting for the journal; the caller appends them to a segment and so empties the buffer. All were made in one
 * minute: worker_event and worker_tick must not be called with a now_ns of the next minute before the buffer was handed
 * on.
 */
struct record_buffer *worker_records(struct worker *worker);

/* The segment number from which new ids are made; to be called whenever the journal moves to a new segment. */
void worker_segment(struct worker *worker, uint64_t segment);

/* True where no more event should be given before the buffer was emptied (or a new segment begun: its ids are nearly
 * used up). */
bool worker_full(const struct worker *worker);

/* Ids made of the current segment's number so far (of 2^24): a new segment is due well before. */
uint32_t worker_ids_used(const struct worker *worker);

/* records of that minute have been journalled (or could not be: shed): counts them so. */
void worker_journalled(struct worker *worker, uint32_t records, uint32_t minute, bool failed);

#endif
