/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger.h - from live counters to ledger records: what XDP and the responder counted, as deltas by minute.
 *
 * In:  the maps minute_counters and port_counters, the responder's page. Out: RECORD_LEDGER records in a record_buffer.
 * Called by supervisor/ (every second) and replay/ (at minute changes and at the end). May not write the maps or the
 * page.
 *
 * Remembers what it has emitted, so that each call emits only what is new; the state can be saved and restored, so that
 * after an absence over more than three minutes the difference of the cumulative counters becomes one interval, in the
 * minute of the return.
 */
#ifndef OTORI_LEDGER_H
#define OTORI_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "record/record.h"
#include "responder/page.h"

struct ledger; /* opaque */

struct ledger_sources {
	int minute_counters; /* map descriptors, borrowed */
	int port_counters;
	const struct responder_page *page; /* borrowed; may be NULL */
};

int ledger_open(struct ledger **ledger, const struct ledger_sources *sources);
void ledger_close(struct ledger *ledger);

/* Emits what became visible since the last call. final: also of the running minute. 0 or negative errno (-ENOBUFS: call
 * again after emptying the buffer). */
int ledger_collect(struct ledger *ledger, uint64_t now_ns, bool final, struct record_buffer *records);

/* Saves to / restores from an open file descriptor. 0 or negative errno; a state of another boot is refused with
 * -ESTALE. */
int ledger_save(const struct ledger *ledger, int fd);
int ledger_restore(struct ledger *ledger, int fd);

#endif
