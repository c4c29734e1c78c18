/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link.h - one direction of a bad link: frames in, fewer, more, later, other frames out.
 *
 * In:  frames with the time at which they came. Out: frames with the time at which they are due.
 * Called by impair.c (once a direction) and by its unit test. May not do I/O or look at a clock.
 *
 * What happens to the n-th frame depends on the seed and n alone, so that a run can be repeated.
 */
#ifndef OTORI_TESTS_IMPAIR_LINK_H
#define OTORI_TESTS_IMPAIR_LINK_H

#include <stdbool.h>
#include <stdint.h>

#define LINK_FRAME_MAX_BYTES 65550 /* a TAP's largest MTU and an Ethernet header */

/* Probabilities are 0 to 1, each drawn for itself. Times in nanoseconds. */
struct link_settings {
	uint64_t seed;
	double loss;
	double duplicate;
	double reorder; /* the frame is held back by reorder_ns more than the others */
	double corrupt; /* one bit behind the Ethernet header is turned over */
	uint64_t delay_ns;
	uint64_t jitter_ns; /* uniform, added to delay_ns; larger than the distance of frames, it reorders */
	uint64_t reorder_ns;
	uint64_t rate_bits; /* per second; 0 = no limit */
	uint32_t limit;	    /* frames that may wait; more are dropped and counted as overflow */
	bool all; /* false: only TCP over IPv4 and IPv6 is impaired (not ARP, neighbour discovery, ICMP), and counts for
		     n */
};

/* frames + duplicated = lost + overflow + waiting + out. */
struct link_counts {
	uint64_t frames, lost, duplicated, reordered, corrupted, overflow, waiting, out;
	uint64_t spared; /* of frames: not impaired, because not TCP */
};

struct link; /* opaque: link.c */

/* NULL where memory is short. */
struct link *link_new(const struct link_settings *settings);
/* NULL is accepted. */
void link_free(struct link *link);

/* Takes a frame (copied). 0 or -ENOMEM. */
int link_input(struct link *link, const uint8_t *frame, uint32_t bytes, uint64_t now_ns);

/* When the next frame is due, UINT64_MAX = none waits. */
uint64_t link_due(const struct link *link);

/* Takes the next frame that is due by now_ns: its bytes (borrowed until the next call), or NULL. */
const uint8_t *link_output(struct link *link, uint64_t now_ns, uint32_t *bytes);

struct link_counts link_counts(const struct link *link);

#endif
