/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page.h - the counter page: shared memory of the responder's workers, kept by the supervisor, surviving a kill.
 *
 * In:  the workers' counts. Out: figures that the supervisor turns into ledger records (deltas). Layout shared by
 * responder/ (writes), supervisor/ and replay/ (read), status (reads through the supervisor's memfd).
 * May not hold pointers.
 *
 * Terms are counted by the minute that the event carries (or in which the record was made), by port index and family.
 * The supervisor emits the difference to what it last emitted; a slot is reused RESPONDER_MINUTES later.
 */
#ifndef OTORI_RESPONDER_PAGE_H
#define OTORI_RESPONDER_PAGE_H

#include <stdint.h>

#include "../../include/otori/counters.h"
#include "../../include/otori/datapath.h"

/* Why a conversation was lost instead of recorded. X(name). */
#define RESPONDER_LOSSES(X) X(crash) X(pool_exhausted) X(records_full) X(journal_failed)

/* Why a flow ended (access.end_reason); a flow ends only through flow_close(reason). X(name). */
#define FLOW_ENDS(X) \
	X(fin) X(rst) X(idle) X(total) X(evicted) X(aborted) X(retransmission) X(shutdown) X(capture_end) X(reused)

/*
 * Terms of the ledger that the responder counts. X(name).
 * read_K: events taken from the ring. duplicate: an event that was delivered again. set_aside: an event that killed the
 * responder twice. open: conversations still open (a gauge: up and down, as two's complement), by the minute they
 * opened in, as are opened, recorded, lost. records_*: by the minute in which they were made. stray: segments without a
 * flow. bad_checksum: payload checksum wrong. malformed: a record whose lengths or kind are wrong (not counted as
 * read).
 */
#define RESPONDER_TERMS(X) \
	X(read_syn) \
	X(read_open) \
	X(read_segment) \
	X(read_unreachable) X(duplicate) X(set_aside) X(stray) X(bad_checksum) X(opened) X(open) X(recorded) \
		X(lost_crash) X(lost_pool_exhausted) X(lost_records_full) X(lost_journal_failed) X(records_made) \
			X(records_journalled) X(records_shed) X(frames_sent) X(frames_dropped) X(malformed)

#define RESPONDER_ENUM_TERM(name) TERM_##name,
enum responder_term { RESPONDER_TERMS(RESPONDER_ENUM_TERM) TERM_COUNT };
#define RESPONDER_ENUM_END(name) FLOW_END_##name,
enum flow_end { FLOW_ENDS(RESPONDER_ENUM_END) FLOW_END_COUNT };

#define RESPONDER_MINUTES 16

struct responder_minute {
	uint32_t minute; /* since 1970; 0 = unused */
	uint32_t reserved;
	uint64_t terms[OTORI_MAX_PORTS][2][TERM_COUNT]; /* port index, family (0 IPv4, 1 IPv6) */
};

/* One a worker; only that worker writes. */
struct responder_worker_page {
	struct responder_minute minutes[RESPONDER_MINUTES];
	uint64_t heartbeat_ns;	     /* CLOCK_MONOTONIC of the last turn of its loop */
	uint64_t last_sequence[256]; /* per CPU: the last event sequence that was taken */
	uint64_t in_hand_sequence;   /* event being worked on, 0 = none; survives a kill: the suspect */
	uint32_t in_hand_cpu;
	uint32_t in_hand_deaths; /* how often a responder died with it in hand */
	uint64_t flows_open;
	uint64_t flow_pool, chunks_used, chunk_pool, conversations_used, conversation_pool;
	uint64_t segment; /* journal segment being written */
	uint32_t
		ring_id; /* of the ring's map: sequences of another ring say nothing about this one's; 0 = never read */
	uint32_t reserved;
};

struct responder_page {
	uint32_t magic, version;
	uint32_t workers;
	uint16_t ports[OTORI_MAX_PORTS]; /* decoy port of each port index; [0] = 0 */
	struct responder_worker_page worker[OTORI_MAX_RINGS];
};

#define RESPONDER_PAGE_MAGIC 0x6f746f70u
#define RESPONDER_PAGE_VERSION 2

#endif
