/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * responder_watch.c - ends a responder of which a worker stands still.
 *
 * In:  the workers' heartbeats on the page, states of the responder's threads (/proc). Out: SIGKILL to the responder,
 * which is then started again like one that died; the event it had in hand counts as suspect. Called by ticks.c, once a
 * second.
 *
 * The time is counted in turns of our own, so that a machine that was suspended or stopped is nobody's fault. Who waits
 * for a disk or was stopped by somebody (a debugger) would lose conversations by a restart and win nothing: that is
 * told and left alone.
 */
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "supervisor/supervisor.h"

#define TURNS_LEAST 10 /* however short the grace is: a worker may turn its loop no oftener than every second */

/* State of a thread as proc(5) has it: R, S, D, T, t, Z ...; 0 = it has ended. */
static char thread_state(const char *folder, const char *thread)
{
	char path[320], line[512] = "";
	const char *end;
	FILE *file;

	if (snprintf(path, sizeof(path), "%s/%s/stat", folder, thread) >= (int)sizeof(path))
		return 0;
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(line, sizeof(line), file))
		line[0] = 0;
	fclose(file);
	end = strrchr(line, ')'); /* the name before it may hold anything */
	return end && end[1] == ' ' ? end[2] : 0;
}

/* The state of the first of a process's threads that waits for a device (D) or was stopped (T, t); 0 = none. */
static char waits(pid_t pid)
{
	char folder[32], state = 0;
	const struct dirent *entry;
	DIR *threads;

	snprintf(folder, sizeof(folder), "/proc/%d/task", pid);
	threads = opendir(folder);
	if (!threads)
		return 0;
	while (!state && (entry = readdir(threads)))
		if (entry->d_name[0] != '.') {
			state = thread_state(folder, entry->d_name);
			state = state && strchr("DTt", state) ? state : 0;
		}
	closedir(threads);
	return state;
}

/* The worker that has stood still longest; *turns = for how many of our turns. */
static uint32_t look(struct supervisor *supervisor, uint32_t *turns)
{
	struct responder_watch *watch = &supervisor->responder.watch;
	uint32_t longest = 0;

	for (uint32_t worker = 0; worker < supervisor->datapath.rings; worker++) {
		uint64_t beat = __atomic_load_n(&supervisor->page->worker[worker].heartbeat_ns, __ATOMIC_RELAXED);

		watch->turns[worker] = beat == watch->beat[worker] ? watch->turns[worker] + 1 : 0;
		watch->beat[worker] = beat;
		if (watch->turns[worker] > watch->turns[longest])
			longest = worker;
	}
	*turns = watch->turns[longest];
	return longest;
}

void responder_watch(struct supervisor *supervisor)
{
	struct responder_process *responder = &supervisor->responder;
	uint32_t turns, worker, grace = supervisor->options->restart_grace;
	char state;

	if (!responder->ready || !responder->child.pid || supervisor->stop) {
		memset(&responder->watch, 0, sizeof(responder->watch));
		return;
	}
	worker = look(supervisor, &turns);
	if (turns < (grace > TURNS_LEAST ? grace : TURNS_LEAST)) {
		responder->watch.told = false;
		return;
	}
	state = waits(responder->child.pid);
	if (!state) {
		log_error("the responder's worker %" PRIu32 " has stood still for %" PRIu32
			  " s: it is ended and started again",
			  worker, turns);
		kill(responder->child.pid, SIGKILL);
		memset(&responder->watch, 0, sizeof(responder->watch));
	} else if (!responder->watch.told) {
		log_error("the responder's worker %" PRIu32 " has stood still for %" PRIu32 " s: it %s", worker, turns,
			  state == 'D' ? "waits for a device (is the journal's disk alive?)"
				       : "was stopped by somebody (SIGCONT lets it go on)");
		responder->watch.told = true;
	}
}
