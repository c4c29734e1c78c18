/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * outlet.h - a replay's way into the database: two journals and the loader behind them.
 *
 * In:  batches of records of the worker and of the ledger. Out: rows. Called by session.c. May not look into a record.
 *
 * As in a live sensor the worker and the supervisor write segments of their own, so that the ledger can tell what the
 * responder journalled. Segments are loaded as they fill, so that neither memory nor disk grow with the capture.
 */
#ifndef OTORI_REPLAY_OUTLET_H
#define OTORI_REPLAY_OUTLET_H

#include "base/problem.h"
#include "journal/journal.h"
#include "loader/loader.h"

struct outlet; /* opaque */

struct outlet_plan {
	const char *sensor;
	const char *journal;  /* folder; NULL = a temporary one, removed at close */
	const char *conninfo; /* borrowed until close, as are rules and stop */
	const struct exploit_rules *rules;
	volatile const int *stop;
};

/* Makes or takes the folder, loads what an earlier run left in it, begins both segments. 0 or negative errno with one
 * line in problem. */
int outlet_open(struct outlet **outlet, const struct outlet_plan *plan, struct problem *problem);
void outlet_close(struct outlet *outlet);

/* Number of the worker's segment, for ids. */
uint64_t outlet_segment(const struct outlet *outlet);
/* The worker's segment is long enough (or its ids are needed afresh): time for outlet_turn. */
bool outlet_full(const struct outlet *outlet);

/* Writes the worker's records, all made in this minute, and empties the buffer. 0 or negative errno. */
int outlet_write(struct outlet *outlet, struct record_buffer *records, uint32_t minute);
/* The same for records of the ledger and the observation. */
int outlet_write_ledger(struct outlet *outlet, struct record_buffer *records, uint32_t minute);

/*
 * Finishes the worker's segment, begins the next, and has the one before loaded meanwhile. 0 or negative errno with one
 * line in problem, also where loading an earlier one failed.
 */
int outlet_turn(struct outlet *outlet, struct problem *problem);

/* Finishes both segments and loads everything. Nothing can be written behind it. 0 or negative errno with one line in
 * problem. */
int outlet_finish(struct outlet *outlet, struct problem *problem);

/* What was loaded so far. */
const struct loader_totals *outlet_loaded(const struct outlet *outlet);

#endif
