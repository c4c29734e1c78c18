/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * embedded.c - a private PostgreSQL in a folder, for as long as somebody needs it.
 *
 * In:  a folder. Out: a running server with the database otori, and its conninfo. Called by database_open, the
 * supervisor and replay. Runs no server itself: the child does (cluster_keeper.c), as a user that is not root.
 */
#include "database/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "database/cluster.h"
#include "database/text.h"

#define START_MILLISECONDS 120000 /* recovery after a crash, and initdb on a slow disk */
#define POLL_MILLISECONDS 50

struct embedded {
	struct cluster_place place;
	char conninfo[3 * PATH_MAX];
	pid_t keeper; /* 0 = the server ran already */
	int channel;  /* to the keeper; its end stops the server */
};

static void pause_milliseconds(int milliseconds)
{
	struct timespec wait = { 0, (long)milliseconds * 1000000 };

	nanosleep(&wait, NULL);
}

/* Does a server answer at the socket? */
static PGPing ping(const struct cluster_place *place)
{
	char conninfo[3 * PATH_MAX];

	if (cluster_conninfo(place, "postgres", CLUSTER_SUPERUSER, conninfo, sizeof conninfo))
		return PQPING_NO_ATTEMPT;
	return PQping(conninfo);
}

/* Where the log ends now, so that only what is said from now on is reported. */
static off_t log_end(const struct cluster_place *place)
{
	struct stat status;

	return fstatat(place->fd, "postgres.log", &status, AT_SYMLINK_NOFOLLOW) ? 0 : status.st_size;
}

/* The last complaint in the log behind offset. */
static void log_complaint(const struct cluster_place *place, off_t offset, char *text, size_t text_bytes)
{
	static const char *const marks[] = { "FATAL:  ", "initdb: error: ", "ERROR:  " };
	char tail[8193], *found = NULL;
	int fd = openat(place->fd, "postgres.log", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	off_t end = log_end(place);
	ssize_t got = 0;

	if (end - offset > (off_t)sizeof tail - 1)
		offset = end - (off_t)sizeof tail + 1;
	if (fd >= 0) {
		got = pread(fd, tail, sizeof tail - 1, offset > end ? 0 : offset);
		close(fd);
	}
	tail[got > 0 ? got : 0] = '\0';
	for (size_t i = 0; !found && i < sizeof marks / sizeof *marks; i++) {
		for (char *at = tail; (at = strstr(at, marks[i])); at += strlen(marks[i]))
			found = at + strlen(marks[i]);
	}
	database_text(text, text_bytes, "cannot start a private PostgreSQL",
		      found ? found : "it ended at once, see postgres.log in its folder");
}

/* Forks the keeper. */
static int start_keeper(struct embedded *embedded, char *text, size_t text_bytes)
{
	int channels[2], error = cluster_binaries_find(&embedded->place, text, text_bytes);

	if (error)
		return error;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channels))
		return database_fail(text, text_bytes, -errno, "cannot make a socket: %s", strerror(errno));
	embedded->keeper = fork();
	if (embedded->keeper == 0)
		cluster_keep(&embedded->place, channels[1]);
	close(channels[1]);
	embedded->channel = channels[0];
	if (embedded->keeper > 0)
		return 0;
	embedded->keeper = 0;
	return database_fail(text, text_bytes, -EAGAIN, "cannot make a process for PostgreSQL");
}

/* Has the keeper ended? Its end of the channel is closed then. */
static bool keeper_gone(const struct embedded *embedded)
{
	char byte;

	return recv(embedded->channel, &byte, 1, MSG_DONTWAIT) == 0;
}

/* Waits until the server answers. A server that was there already and is starting or stopping is waited for as well. */
static int wait_for_server(struct embedded *embedded, char *text, size_t text_bytes)
{
	off_t log = log_end(&embedded->place);
	int error;

	for (int waited = 0; waited < START_MILLISECONDS; waited += POLL_MILLISECONDS) {
		PGPing answer = ping(&embedded->place);

		if (answer == PQPING_OK)
			return 0;
		if (answer == PQPING_NO_RESPONSE && !embedded->keeper) {
			struct stat status;

			if (!fstat(embedded->place.fd, &status) && geteuid() && status.st_uid != geteuid())
				return database_fail(text, text_bytes, -EACCES,
						     "the private cluster in %s does not run, and belongs to another "
						     "user: start it as that one or as root",
						     embedded->place.dir);
			error = start_keeper(embedded, text, text_bytes);
			if (error)
				return error;
		} else if (embedded->keeper && keeper_gone(embedded)) {
			log_complaint(&embedded->place, log, text, text_bytes);
			return -EIO;
		}
		pause_milliseconds(POLL_MILLISECONDS);
	}
	return database_fail(text, text_bytes, -ETIMEDOUT, "the private PostgreSQL in %s did not answer within %d s",
			     embedded->place.dir, START_MILLISECONDS / 1000);
}

int embedded_start(const char *dir, struct embedded **embedded, char *text, size_t text_bytes)
{
	struct embedded *made = calloc(1, sizeof *made);
	int error;

	*embedded = NULL;
	if (!made)
		return database_fail(text, text_bytes, -ENOMEM, "out of memory");
	made->channel = -1;
	error = cluster_place_find(dir, &made->place, text, text_bytes);
	if (error)
		goto fail;
	error = wait_for_server(made, text, text_bytes);
	if (error)
		goto fail;
	if (made->keeper) {
		error = cluster_set_up(&made->place, text, text_bytes);
		if (error)
			goto fail;
		/* the server works: from now on it is started anew if it dies */
		if (send(made->channel, "w", 1, MSG_NOSIGNAL) != 1) {
			error = database_fail(text, text_bytes, -EPIPE, "the private PostgreSQL in %s has ended",
					      made->place.dir);
			goto fail;
		}
	}
	error = cluster_conninfo(&made->place, "otori", NULL, made->conninfo, sizeof made->conninfo);
	if (error)
		goto fail;
	/* who comes next may look: the server runs */
	close(made->place.fd);
	made->place.fd = -1;
	*embedded = made;
	return 0;
fail:
	embedded_stop(made);
	return error;
}

const char *embedded_conninfo(const struct embedded *embedded)
{
	return embedded->conninfo;
}

void embedded_stop(struct embedded *embedded)
{
	char byte;

	if (!embedded)
		return;
	if (embedded->keeper) {
		/* shutdown and not close alone: children of the caller may hold the descriptor as well */
		shutdown(embedded->channel, SHUT_WR);
		while (recv(embedded->channel, &byte, 1, 0) < 0 && errno == EINTR)
			;
		while (waitpid(embedded->keeper, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (embedded->channel >= 0)
		close(embedded->channel);
	cluster_place_release(&embedded->place, embedded->keeper > 0);
	free(embedded);
}
