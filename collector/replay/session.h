/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session.h - one replay: the sensor in this process, with the capture's clock.
 *
 * In:  packets in the order of their times. Out: rows in the database. Called by replay.c (the command). Attaches
 * nothing, sends nothing, and looks at no clock but the packets' (and the wall clock for the names of journal
 * segments).
 *
 * Way of a packet: handshake.c (whose is it, does it complete a handshake) -> run_xdp.c (the XDP program) ->
 * worker_event (TCP, imitations) -> records -> outlet.c (journal, loader).
 */
#ifndef OTORI_REPLAY_SESSION_H
#define OTORI_REPLAY_SESSION_H

#include "base/prefix.h"
#include "base/problem.h"
#include "replay/lookahead.h"
#include "../../include/otori/counters.h"

struct session; /* opaque */

struct exploit_rules;

struct session_plan {
	const char *sensor; /* borrowed until close, as is all text here */
	const char *conninfo, *journal;
	const struct exploit_rules *rules; /* borrowed; NULL = those that are built in */
	const struct prefix *decoys;
	uint32_t decoy_count;
	const uint16_t *ports;
	uint32_t port_count;
	uint32_t flows;
	uint32_t idle_seconds, total_seconds;
	uint64_t mail_max_bytes;
	bool ignore_checksums, secrets_clear;
	uint64_t from_ns, to_ns; /* --observed; 0 = by the first and the last packet */
	volatile const int *stop;
};

/* What a person wants to know at the end. */
struct session_summary {
	uint64_t packets, of_decoys; /* read; of these sent by a decoy's side and not taken */
	uint64_t first_ns, last_ns;
	struct otori_counters counted; /* by XDP, all ports and families */
	uint64_t accesses, mails, mails_whole;
	uint64_t shed; /* records that could not be journalled */
	uint64_t conversations_lost;
	uint64_t rows, set_aside;
};

int session_open(struct session **session, const struct session_plan *plan, struct problem *problem);
void session_close(struct session *session);

/* A packet comes into view (see lookahead.h). */
void session_coming(void *session, const struct sighted *sighted);
/* Works on a packet. 0 or negative errno with one line in problem. */
int session_packet(struct session *session, const struct sighted *sighted, struct problem *problem);
/* The capture is over: ends all conversations, closes the ledger, loads what is left. 0 or negative errno with one line
 * in problem. */
int session_finish(struct session *session, struct session_summary *summary, struct problem *problem);

#endif
