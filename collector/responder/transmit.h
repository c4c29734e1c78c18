/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * transmit.h - a frame_sink over PACKET_TX_RING sockets that somebody else has opened, bound and marked.
 *
 * In:  frames. Out: frames to the kernel, by sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0) and nothing else.
 * Called by serve.c (makes it) and the endpoint (through frame_sink). May not open sockets or change them.
 */
#ifndef OTORI_RESPONDER_TRANSMIT_H
#define OTORI_RESPONDER_TRANSMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "responder/worker.h"

struct transmit; /* opaque; one a worker */

/* fds: one socket a device, borrowed, each with a ring of contract.h's size. 0 or negative errno. */
int transmit_open(struct transmit **transmit, const int *fds, unsigned devices);
void transmit_close(struct transmit *transmit);

/* The sink; valid while transmit lives. */
struct frame_sink transmit_sink(struct transmit *transmit);

/* paused: no frame is taken or sent (the guard is away). May be called from another thread. */
void transmit_pause(struct transmit *transmit, bool paused);

/* True where frames wait that the kernel had no room for: flush again soon. */
bool transmit_waiting(const struct transmit *transmit);

/* Frames that the kernel refused (the guard, a full queue), since open. */
uint64_t transmit_refused(const struct transmit *transmit);

#endif
