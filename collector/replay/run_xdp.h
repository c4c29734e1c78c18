/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run_xdp.h - the sensor's own XDP program, run on frames out of a capture.
 *
 * In:  decoys, ports, frames with their times. Out: the program's verdict, and its events, one by one. Called by
 * session.c. Loads the program with maps of its own, unpinned; attaches nothing, sends nothing.
 */
#ifndef OTORI_REPLAY_RUN_XDP_H
#define OTORI_REPLAY_RUN_XDP_H

#include <stdbool.h>
#include <stdint.h>

#include "../../include/otori/datapath.h"
#include "base/prefix.h"
#include "base/problem.h"

struct xdp_run; /* opaque */

struct xdp_run_plan {
	const struct prefix *decoys; /* borrowed until open returns, as is ports */
	uint32_t decoy_count;
	const uint16_t *ports; /* host byte order */
	uint32_t port_count;
	uint32_t flows; /* open at once; the admission table has twice as many slots */
	uint32_t idle_seconds;
	bool ignore_checksums;
	/* Takes an event of the packet in hand, before xdp_run_packet returns. */
	void (*event)(void *context, const void *record, uint32_t bytes);
	void *context;
};

enum xdp_verdict {
	XDP_VERDICT_PASSED,
	XDP_VERDICT_ANSWERED, /* by the program itself: a SYN, an echo */
	XDP_VERDICT_TAKEN,    /* an event came out */
	XDP_VERDICT_REFUSED,
};

/* 0 or negative errno with one line in problem. */
int xdp_run_open(struct xdp_run **run, const struct xdp_run_plan *plan, struct problem *problem);
void xdp_run_close(struct xdp_run *run);

/*
 * Runs the program on an Ethernet frame of at least 14 bytes. admit: this packet completes a handshake. Returns the
 * verdict or negative errno.
 */
int xdp_run_packet(struct xdp_run *run, const uint8_t *frame, uint32_t bytes, uint64_t now_ns, bool admit);

/* Descriptors of the maps that count, borrowed; and the decoy port of each port index. */
int xdp_run_minute_counters(const struct xdp_run *run);
int xdp_run_port_counters(const struct xdp_run *run);
const uint16_t *xdp_run_ports(const struct xdp_run *run);

#endif
