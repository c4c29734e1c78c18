/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * syn_watch.h - sampled SYNs: one record each, and sums by source, port and quarter of an hour.
 *
 * In:  syn events. Out: RECORD_SYN_SAMPLE at once, RECORD_SYN_SOURCE once a minute. Called by worker.c.
 * May not know flows. Memory is fixed at open: a source that finds no place pushes another's sum out into the records
 * early, which is harmless, since the sums are deltas.
 */
#ifndef OTORI_RESPONDER_SYN_WATCH_H
#define OTORI_RESPONDER_SYN_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "../../include/otori/event.h"
#include "record/record.h"

struct syn_watch; /* opaque */

int syn_watch_open(struct syn_watch **watch, const uint64_t secret[2]);
void syn_watch_close(struct syn_watch *watch);

/* Takes a syn event (lengths checked); options are its option_bytes. */
void syn_watch_event(struct syn_watch *watch, const struct otori_event *event, const struct endpoints *endpoints,
		     struct slice options, uint64_t now_ns, struct record_buffer *records);

/* When syn_watch_flush has something to do (UTC ns); UINT64_MAX = nothing is held. */
uint64_t syn_watch_due(const struct syn_watch *watch);

/* Writes sums, as long as records has room_bytes left. True where nothing is held any more. */
bool syn_watch_flush(struct syn_watch *watch, size_t room_bytes, struct record_buffer *records);

#endif
