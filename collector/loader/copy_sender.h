/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copy_sender.h - a thread that sends rows by COPY while the next ones are made.
 *
 * In:  buffers of rows (copy_binary.h), each with the COPY statement it belongs to. Out: their bytes on the connection,
 * in that order. Called by load.c. May not know what the rows are.
 *
 * The database works as long as it has rows, and whoever makes them must not stand still meanwhile. While rows are on
 * their way the connection is the thread's; once copy_sender_finish or copy_sender_abandon has returned it is the
 * caller's, until he puts rows again.
 */
#ifndef OTORI_COPY_SENDER_H
#define OTORI_COPY_SENDER_H

#include <libpq-fe.h>

#include "loader/copy_binary.h"

struct copy_sender; /* opaque */

/* NULL where memory or threads are short. */
struct copy_sender *copy_sender_new(void);
/* Nothing may be on its way. NULL is accepted. */
void copy_sender_free(struct copy_sender *sender);

/* From now on rows go here; borrowed. What was on the way on another connection must be finished or abandoned. */
void copy_sender_connect(struct copy_sender *sender, PGconn *connection);

/*
 * Takes over the bytes of rows, which comes back empty. copy is a text that stays where it is: another one ends the
 * COPY under way. Waits where much is on its way. 0, or -EAGAIN as copy_sender_finish has it.
 */
int copy_sender_put(struct copy_sender *sender, const char *copy, struct copy_buffer *rows, PGresult **failure);
/*
 * Waits until everything is sent and the COPY has ended. 0, or -EAGAIN: *failure is the database's answer, the
 * caller's to clear, or NULL, where the connection knows (PQerrorMessage).
 */
int copy_sender_finish(struct copy_sender *sender, PGresult **failure);
/* Sends no more of it and breaks off the COPY under way. */
void copy_sender_abandon(struct copy_sender *sender);

#endif
