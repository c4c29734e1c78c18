// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * copy_sender.c - a thread that sends rows by COPY while the next ones are made.
 *
 * In:  buffers of rows, each with the COPY statement it belongs to. Out: their bytes on the connection, in that order.
 * Called by load.c. May not know what the rows are.
 *
 * Buffers go round in a ring of fixed length: who puts one takes an empty one out, so that memory is bounded.
 */
#include "loader/copy_sender.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define PLACES 8u
#define PIECE_BYTES (64u << 10)

struct job {
	const char *copy;
	struct copy_buffer rows; /* owned */
};

struct copy_sender {
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	pthread_cond_t wake, done;
	/* under the lock: */
	struct job jobs[PLACES];
	unsigned first, count;
	bool busy, finish, discard, quit;
	/* whose turn it is: the thread's while it is busy, else the caller's */
	PGconn *connection; /* borrowed */
	const char *open;   /* statement of the COPY under way, NULL = none */
	bool failed;
	PGresult *failure; /* owned */
};

/* --- the thread --------------------------------------------------------------------------------------------------- */

static bool expect(struct copy_sender *sender, PGresult *result, ExecStatusType wanted)
{
	if (PQresultStatus(result) == wanted) {
		PQclear(result);
		return true;
	}
	PQclear(sender->failure);
	sender->failure = result;
	return false;
}

static bool put(struct copy_sender *sender, struct slice bytes)
{
	return PQputCopyData(sender->connection, (const char *)bytes.bytes, (int)bytes.length) == 1;
}

static bool end_copy(struct copy_sender *sender)
{
	PGresult *result;
	bool done;

	if (!sender->open)
		return true;
	sender->open = NULL;
	done = put(sender, copy_binary_trailer()) && PQputCopyEnd(sender->connection, NULL) == 1;
	while (done && (result = PQgetResult(sender->connection)) != NULL)
		done = expect(sender, result, PGRES_COMMAND_OK);
	return done;
}

static bool begin_copy(struct copy_sender *sender, const char *copy)
{
	if (sender->open == copy)
		return true;
	if (!end_copy(sender) || !expect(sender, PQexec(sender->connection, copy), PGRES_COPY_IN))
		return false;
	sender->open = copy;
	return put(sender, copy_binary_header());
}

static bool send_job(struct copy_sender *sender, const struct job *job)
{
	if (!begin_copy(sender, job->copy))
		return false;
	for (size_t sent = 0; sent < job->rows.length; sent += PIECE_BYTES) {
		size_t piece = job->rows.length - sent < PIECE_BYTES ? job->rows.length - sent : PIECE_BYTES;

		if (!put(sender, slice_of(job->rows.bytes + sent, piece)))
			return false;
	}
	return true;
}

/* With the lock held, which is given up meanwhile. */
static void work(struct copy_sender *sender, const struct job *job)
{
	bool skip = sender->failed || sender->discard, done = true;

	sender->busy = true;
	pthread_mutex_unlock(&sender->lock);
	if (!skip)
		done = job ? send_job(sender, job) : end_copy(sender);
	pthread_mutex_lock(&sender->lock);
	sender->busy = false;
	if (!done)
		sender->failed = true;
}

static void *run(void *context)
{
	struct copy_sender *sender = context;

	pthread_mutex_lock(&sender->lock);
	for (;;) {
		if (sender->count) {
			struct job *job = &sender->jobs[sender->first];

			work(sender, job);
			job->rows.length = 0;
			sender->first = (sender->first + 1) % PLACES;
			sender->count--;
			pthread_cond_signal(&sender->done);
		} else if (sender->finish) {
			work(sender, NULL);
			sender->finish = false;
			pthread_cond_signal(&sender->done);
		} else if (sender->quit) {
			break;
		} else {
			pthread_cond_wait(&sender->wake, &sender->lock);
		}
	}
	pthread_mutex_unlock(&sender->lock);
	return NULL;
}

/* --- the caller ----------------------------------------------------------------------------------------------------
 */

struct copy_sender *copy_sender_new(void)
{
	struct copy_sender *sender = calloc(1, sizeof(*sender));
	sigset_t all, before;

	if (!sender)
		return NULL;
	pthread_mutex_init(&sender->lock, NULL);
	pthread_cond_init(&sender->wake, NULL);
	pthread_cond_init(&sender->done, NULL);
	/* Signals are for the caller. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	sender->running = !pthread_create(&sender->thread, NULL, run, sender);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!sender->running) {
		copy_sender_free(sender);
		return NULL;
	}
	return sender;
}

void copy_sender_free(struct copy_sender *sender)
{
	if (!sender)
		return;
	if (sender->running) {
		pthread_mutex_lock(&sender->lock);
		sender->quit = true;
		pthread_cond_signal(&sender->wake);
		pthread_mutex_unlock(&sender->lock);
		pthread_join(sender->thread, NULL);
	}
	for (unsigned i = 0; i < PLACES; i++)
		copy_buffer_free(&sender->jobs[i].rows);
	PQclear(sender->failure);
	pthread_cond_destroy(&sender->done);
	pthread_cond_destroy(&sender->wake);
	pthread_mutex_destroy(&sender->lock);
	free(sender);
}

static void wait_idle(struct copy_sender *sender)
{
	while (sender->count || sender->busy || sender->finish)
		pthread_cond_wait(&sender->done, &sender->lock);
}

/* With the lock held: gives the failure away, so that the next rows begin anew. */
static int result_of(struct copy_sender *sender, PGresult **failure)
{
	*failure = sender->failure;
	sender->failure = NULL;
	if (!sender->failed)
		return 0;
	sender->failed = false;
	return -EAGAIN;
}

void copy_sender_connect(struct copy_sender *sender, PGconn *connection)
{
	sender->connection = connection;
	sender->open = NULL;
	sender->failed = false;
	PQclear(sender->failure);
	sender->failure = NULL;
}

int copy_sender_put(struct copy_sender *sender, const char *copy, struct copy_buffer *rows, PGresult **failure)
{
	struct job *job;
	struct copy_buffer empty;
	int error = 0;

	*failure = NULL;
	pthread_mutex_lock(&sender->lock);
	while (sender->count == PLACES)
		pthread_cond_wait(&sender->done, &sender->lock);
	if (sender->failed) {
		wait_idle(sender);
		error = result_of(sender, failure);
	} else {
		job = &sender->jobs[(sender->first + sender->count++) % PLACES];
		empty = job->rows;
		job->rows = *rows;
		job->copy = copy;
		*rows = empty;
		pthread_cond_signal(&sender->wake);
	}
	pthread_mutex_unlock(&sender->lock);
	return error;
}

int copy_sender_finish(struct copy_sender *sender, PGresult **failure)
{
	int error;

	pthread_mutex_lock(&sender->lock);
	sender->finish = true;
	pthread_cond_signal(&sender->wake);
	wait_idle(sender);
	error = result_of(sender, failure);
	pthread_mutex_unlock(&sender->lock);
	return error;
}

void copy_sender_abandon(struct copy_sender *sender)
{
	PGresult *result;

	pthread_mutex_lock(&sender->lock);
	sender->discard = true;
	wait_idle(sender);
	sender->discard = false;
	(void)result_of(sender, &result);
	pthread_mutex_unlock(&sender->lock);
	PQclear(result);
	if (!sender->open)
		return;
	sender->open = NULL;
	PQputCopyEnd(sender->connection, "the segment is given up");
	while ((result = PQgetResult(sender->connection)) != NULL)
		PQclear(result);
}
