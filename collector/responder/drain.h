/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drain.h - reads a BPF ring buffer through its shared memory.
 *
 * In:  the descriptor of a ring buffer map. Out: records, one after the other, in place. Called by serve.c and replay/.
 * May not copy or understand records. After drain_open no system call is made.
 *
 * The place in the ring is the kernel's and outlives the reader: what was not released is there for a successor.
 */
#ifndef OTORI_RESPONDER_DRAIN_H
#define OTORI_RESPONDER_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

struct drain; /* opaque */

/* fd is borrowed and must stay open as long as somebody waits on it. 0 or negative errno (-EINVAL: no ring buffer). */
int drain_open(struct drain **drain, int fd);
void drain_close(struct drain *drain);

/* The map's id, never given twice while the machine runs. */
uint32_t drain_ring_id(const struct drain *drain);

/*
 * The next record and its size; it stays valid until drain_release. False where there is none, or the next one is
 * still being written.
 */
bool drain_next(struct drain *drain, const void **record, uint32_t *bytes);

/* Where drain_next stands, and back to where it stood (not before what was released). */
uint64_t drain_position(const struct drain *drain);
void drain_rewind(struct drain *drain, uint64_t position);

/* Everything that drain_next gave is done with: the kernel may overwrite it, and a successor won't see it. */
void drain_release(struct drain *drain);

#endif
