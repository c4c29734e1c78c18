/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * earlier.h - what a sensor already holds of the time that a capture is about to bring.
 *
 * In:  a connection, the capture's times. Out: whether replays observed then. Called by replay.c (the command).
 */
#ifndef OTORI_REPLAY_EARLIER_H
#define OTORI_REPLAY_EARLIER_H

#include <libpq-fe.h>
#include <stdint.h>

/*
 * Whether this sensor has a replay that observed between two moments (UTC ns, both included). 1 = there is one, and
 * text holds from when to when; 0 = none; -EIO = the database does not say (then text says why).
 */
int earlier_replay(PGconn *connection, const char *sensor, uint64_t from_ns, uint64_t to_ns, char *text,
		   size_t text_bytes);

#endif
