/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tape.h - a capture file, written in order of time though conversations overlap.
 *
 * In:  frames with their times, in any order that is not earlier than what was let go. Out: a pcap file with
 * nanoseconds, or pcapng.
 */
#ifndef NPA2008_TAPE_H
#define NPA2008_TAPE_H

#include <stdbool.h>
#include <stdint.h>

struct tape; /* opaque */

struct tape *tape_open(const char *path, bool pcapng);

void tape_put(struct tape *tape, int64_t time_ns, const uint8_t *frame, uint32_t bytes);

/* Writes what is earlier than that: nothing earlier will come. */
void tape_let_go(struct tape *tape, int64_t until_ns);

/* Writes the rest and closes; returns how many packets there are. */
uint64_t tape_close(struct tape *tape);

#endif
