/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tally.h - what only a replay has to count: the capture's packets, and the figures of its summary.
 *
 * In:  packets, records on their way to the journal, the XDP program's counters. Out: ledger records capture_packets,
 * capture_of_decoys and capture_pieces (by minute: packets + pieces = seen + of_decoys), figures. Called by session.c.
 */
#ifndef OTORI_REPLAY_TALLY_H
#define OTORI_REPLAY_TALLY_H

#include "record/record.h"
#include "replay/session.h"

/* Counts of one minute that are not yet in the ledger. */
struct tally {
	uint32_t minute;
	uint64_t packets, of_decoys, pieces;
};

/* minute: as in the ledger; the tally of another minute must have been emitted before. */
void tally_packet(struct tally *tally, uint32_t minute, bool of_decoy);
/* A merged frame gave one frame more. */
void tally_piece(struct tally *tally);
/* Appends what was counted and begins anew. 0 or -ENOBUFS. */
int tally_emit(struct tally *tally, struct record_buffer *records);

/* Adds the accesses and mails among records to the summary. */
void tally_records(struct session_summary *summary, const struct record_buffer *records);

/* The sum of all ports and families in map port_counters. 0 or negative errno. */
int tally_counters(struct otori_counters *sum, int port_counters);

#endif
