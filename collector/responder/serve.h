/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * serve.h - one worker's thread: ring, timers, transmit ring and journal, turn after turn.
 *
 * In:  a ring, sockets, segments that main.c brings. Out: frames, journal segments, messages to the supervisor.
 * Called by main.c. May not open descriptors once it runs.
 */
#ifndef OTORI_RESPONDER_SERVE_H
#define OTORI_RESPONDER_SERVE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocols/conversation.h"
#include "responder/contract.h"
#include "responder/page.h"

struct serve; /* opaque; one a worker */

struct serve_settings {
	const struct responder_start *start; /* borrowed */
	const struct mimic_policy *policy;   /* borrowed */
	struct responder_page *page;	     /* borrowed */
	uint8_t ring;
};

/* Opens and maps all that the worker needs. On failure *what says what could not be opened. 0 or negative errno. */
int serve_open(struct serve **serve, const struct serve_settings *settings, const char **what);
void serve_close(struct serve *serve);

/* The thread's function; argument: its serve. Returns when serve_stop was called and everything is written. */
void *serve_run(void *serve);

/* From the main thread. fd is adopted. */
void serve_segment(struct serve *serve, uint64_t segment, int fd);
void serve_transmit(struct serve *serve, bool on);
void serve_stop(struct serve *serve);

#endif
