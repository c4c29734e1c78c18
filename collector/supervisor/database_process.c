/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database_process.c - a child that brings the schema up to date as soon as the database lets it, and keeps the private
 * cluster.
 *
 * In:  --database or --embedded. Out: lines by a pipe: "R conninfo" (ready), "E text" (trouble, tried again), "F text"
 * (no wait heals it). So that neither initdb nor a database that is away ever holds up the supervisor.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "database/database.h"
#include "supervisor/supervisor.h"

#define WAIT_FIRST_MS 500
#define WAIT_LAST_MS 30000
#define LOOK_MS 2000 /* at the private cluster, whether it still runs */

static volatile sig_atomic_t ended;

static void on_end(int number)
{
	(void)number;
	ended = 1;
}

static void say(char kind, const char *text)
{
	char line[1100];
	int length = snprintf(line, sizeof(line), "%c %s", kind, text);

	for (int n = 0; n < length && n < (int)sizeof(line) - 2; n++)
		if (line[n] == '\n')
			line[n] = ' ';
	length = length < (int)sizeof(line) - 1 ? length : (int)sizeof(line) - 2;
	line[length++] = '\n';
	if (write(USERS_KEPT_FD, line, (size_t)length) < 0)
		ended = 1; /* nobody listens any more */
}

/* Sleeps; a signal ends it early. */
static void pause_ms(unsigned milliseconds)
{
	struct timespec wait = { milliseconds / 1000, (long)(milliseconds % 1000) * 1000000 };

	if (!ended)
		nanosleep(&wait, NULL);
}

/* One try to reach the database and bring its schema up to date. */
static bool migrate_once(const char *conninfo, char *text, size_t bytes)
{
	PGconn *connection = database_connect(conninfo, text, bytes);
	bool done = false;

	if (connection)
		done = database_migrate(connection, text, bytes) == 0;
	PQfinish(connection);
	return done;
}

/* Until the schema is there. Says each new trouble once. */
static bool migrate(const char *conninfo)
{
	char text[PROBLEM_TEXT_BYTES] = "", said[PROBLEM_TEXT_BYTES] = "";
	unsigned wait = WAIT_FIRST_MS;

	while (!ended) {
		if (migrate_once(conninfo, text, sizeof(text)))
			return true;
		if (strcmp(text, said) != 0)
			say('E', text);
		strcpy(said, text);
		pause_ms(wait);
		wait = wait * 2 > WAIT_LAST_MS ? WAIT_LAST_MS : wait * 2;
	}
	return false;
}

static int keep_embedded(const char *directory)
{
	struct embedded *embedded = NULL;
	char text[PROBLEM_TEXT_BYTES] = "";
	bool before = false;
	int status = 0;

	while (!ended) {
		if (embedded_start(directory, &embedded, text, sizeof(text)) < 0) {
			/* what fails the first time is the operator's to mend; later it may be a matter of time */
			say(before ? 'E' : 'F', text);
			if (!before)
				return 1;
			pause_ms(LOOK_MS);
			continue;
		}
		before = true;
		if (migrate(embedded_conninfo(embedded)))
			say('R', embedded_conninfo(embedded));
		/* it may be one that somebody else stops */
		while (!ended && PQping(embedded_conninfo(embedded)) != PQPING_NO_RESPONSE)
			pause_ms(LOOK_MS);
		embedded_stop(embedded);
		embedded = NULL;
	}
	return status;
}

static _Noreturn void live(const struct run_options *options, int channel, pid_t parent)
{
	struct sigaction act = { .sa_handler = on_end };
	int status = 0;

	users_clean_child(channel);
	fcntl(USERS_KEPT_FD, F_SETFD, FD_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);	/* Ctrl-C reaches the whole group; the supervisor decides the order */
	sigaction(SIGTERM, &act, NULL); /* without SA_RESTART: waits end */
	prctl(PR_SET_NAME, "otori-database");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	if (options->embedded)
		status = keep_embedded(options->embedded);
	else if (migrate(options->database ? options->database : ""))
		say('R', options->database ? options->database : "");
	_exit(status);
}

int database_process_start(struct supervisor *supervisor)
{
	struct database_process *database = &supervisor->database;
	int pair[2];
	pid_t parent = getpid(), pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	pid = fork();
	if (pid == 0)
		live(supervisor->options, pair[1], parent);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return -errno;
	}
	database->child.pid = pid;
	database->child.started_ns = clock_monotonic_ns();
	database->child.due_ns = 0;
	database->channel = pair[0];
	return 0;
}

static void take_line(struct supervisor *supervisor, const char *line)
{
	struct database_process *database = &supervisor->database;

	if (line[0] == '\0' || line[1] != ' ')
		return;
	switch (line[0]) {
	case 'R':
		snprintf(database->conninfo, sizeof(database->conninfo), "%s", line + 2);
		database->trouble[0] = '\0';
		if (!database->ready)
			log_info("the database is ready");
		database->ready = true;
		if (!supervisor->loader.pid && !supervisor->loader.due_ns)
			supervisor->loader.due_ns = 1; /* at once */
		break;
	case 'E':
		snprintf(database->trouble, sizeof(database->trouble), "%s", line + 2);
		log_warning("the database is away, observing goes on into the journal: %s", line + 2);
		break;
	case 'F':
		snprintf(database->trouble, sizeof(database->trouble), "%s", line + 2);
		supervisor->failed = supervisor->stop = true;
		problem_say(&supervisor->why, PROBLEM_FAILURE, -EIO, "%s", line + 2);
		break;
	}
}

void database_process_read(struct supervisor *supervisor)
{
	char bytes[4096], *rest = bytes, *line;
	ssize_t got = read(supervisor->database.channel, bytes, sizeof(bytes) - 1);

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
		close(supervisor->database.channel);
		supervisor->database.channel = -1;
	}
	if (got <= 0)
		return;
	bytes[got] = '\0'; /* lines are shorter than PIPE_BUF and written at once, so they come whole */
	while ((line = strsep(&rest, "\n")))
		take_line(supervisor, line);
}

void database_process_ended(struct supervisor *supervisor, int status)
{
	struct database_process *database = &supervisor->database;
	bool done = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (database->channel >= 0)
		database_process_read(supervisor);
	if (database->channel >= 0)
		close(database->channel);
	database->channel = -1;
	child_ended(&database->child, done);
	/* an external database needs it no more once the schema is there */
	if (done && database->ready && !supervisor->options->embedded)
		database->child.due_ns = 0;
	if (supervisor->stop)
		database->child.due_ns = 0;
	else if (!done)
		log_error("the process that keeps the database ended (%d), it is started again", status);
}
