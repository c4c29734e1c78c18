/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loader_process.c - the loader, in a process and a user of its own.
 *
 * In:  the journal's folder, the conninfo. Out: the process. It is an exec of our own binary, so that nothing of the
 * supervisor's memory is in it; the folder is its working directory, so that its user need not be able to walk the way
 * there.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "command.h"
#include "exploits/rules.h"
#include "loader/loader.h"
#include "supervisor/supervisor.h"

#define CONNINFO_VARIABLE \
	"OTORI_LOADER_DATABASE" /* not an argument: it may hold a password, and arguments are public */
/* Nor a file: the loader's user need not be able to read it. At most EXPLOIT_FILE_MAX_BYTES, which an environment
 * takes. */
#define RULES_VARIABLE "OTORI_LOADER_RULES"
#define USEFUL_NS (30 * NS_PER_SECOND)

extern char **environ;

static _Noreturn void become_loader(const struct supervisor *supervisor, pid_t parent)
{
	char *arguments[] = { "otori-loader", "loader-process", NULL };
	int self = supervisor->self;

	if (chdir(supervisor->options->journal) < 0) {
		log_error("the loader cannot be started: %s: %s", supervisor->options->journal, strerror(errno));
		_exit(127);
	}
	setenv(CONNINFO_VARIABLE, supervisor->database.conninfo, 1);
	unsetenv(RULES_VARIABLE);
	if (supervisor->rules)
		setenv(RULES_VARIABLE, (const char *)supervisor->rules, 1);
	users_clean_child(self);
	fcntl(USERS_KEPT_FD, F_SETFD, FD_CLOEXEC);
	signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group; the supervisor decides the order */
	errno = 0;
	if (users_become(&supervisor->loader_user, SIGTERM, parent) == 0)
		execveat(USERS_KEPT_FD, "", arguments, environ, AT_EMPTY_PATH);
	log_error("the loader cannot be started: %s", strerror(errno));
	_exit(127);
}

int loader_process_start(struct supervisor *supervisor)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		become_loader(supervisor, parent);
	if (pid < 0)
		return -errno;
	supervisor->loader.pid = pid;
	supervisor->loader.started_ns = clock_monotonic_ns();
	return 0;
}

void loader_process_ended(struct supervisor *supervisor, int status)
{
	child_ended(&supervisor->loader, clock_monotonic_ns() - supervisor->loader.started_ns >= USEFUL_NS);
	if (supervisor->stop)
		return;
	if (WIFSIGNALED(status))
		log_error("the loader was ended by signal %d, it is started again", WTERMSIG(status));
	else
		log_error("the loader ended with status %d, it is started again", WEXITSTATUS(status));
}

static volatile int stop;

static void on_stop(int number)
{
	(void)number;
	stop = 1;
}

int loader_process_main(int argc, char **argv)
{
	const char *conninfo = getenv(CONNINFO_VARIABLE), *own = getenv(RULES_VARIABLE);
	struct exploit_rules *rules = NULL;
	struct problem problem;
	struct loader_settings settings = {
		.journal = ".", .retry_milliseconds = 500, .poll_milliseconds = 200, .stop = &stop
	};
	struct loader_totals totals = { 0 };
	struct sigaction act = { .sa_handler = on_stop };
	static volatile const int go_on;
	int err;

	(void)argv;
	if (argc != 1 || !conninfo || geteuid() == 0) {
		log_error("loader-process is started by otori run only");
		return 2;
	}
	prctl(PR_SET_NAME, "otori-loader");
	if (exploit_rules_open(&rules, "rules", slice_of_text(own ? own : ""), &problem)) {
		log_error("%s", problem.text);
		return 1;
	}
	settings.conninfo = conninfo;
	settings.rules = rules;
	sigaction(SIGTERM, &act, NULL);
	err = loader_run(&settings, &totals);
	if (err < 0) {
		log_error("the loader cannot go on: %s", strerror(-err));
		return 1;
	}
	/* what the supervisor has finished before it asked us to stop goes in as well, where the database is there */
	settings.stop = &go_on;
	settings.quiet = true;
	loader_drain(&settings, &totals);
	exploit_rules_free(rules);
	return 0;
}
