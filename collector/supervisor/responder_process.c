/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * responder_process.c - starts the responder with exactly what it may have, and speaks with it: see
 * responder/contract.h.
 *
 * In:  datapath (rings), page, journal, messages of fixed size. Out: the process, its descriptors, journal segments by
 * SCM_RIGHTS. Called by supervisor.c. Believes nothing of what the responder says but a worker's number and a segment
 * it was given.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervisor/supervisor.h"

#define USEFUL_NS (30 * NS_PER_SECOND) /* a responder that lived so long was no failed start */
#define ALIVE_NS (5 * NS_PER_SECOND)   /* a worker turns its loop at least every second */
#define DESCRIPTORS RESPONDER_FD_END
#define SPARE \
	512 /* descriptors from here on are free for shuffling; twice DESCRIPTORS fit below the usual limit of 1,024 \
	     */

_Static_assert(SPARE > RESPONDER_FD_END && SPARE + RESPONDER_FD_END < 1024, "the descriptors fit below RLIMIT_NOFILE");

int responder_find(struct supervisor *supervisor, struct problem *problem)
{
	char path[PATH_MAX + 32];
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (length <= 0)
		return problem_say(problem, PROBLEM_FAILURE, -errno, "/proc/self/exe: %s", strerror(errno));
	path[length] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash + 1, "otori-responder");
	/* by descriptor, since the responder's user need not be able to reach the folder */
	supervisor->responder.binary = open(path, O_RDONLY | O_CLOEXEC);
	if (supervisor->responder.binary < 0)
		return problem_say(problem, PROBLEM_FAILURE, -errno, "%s: %s", path, strerror(errno));
	supervisor->self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (supervisor->self < 0)
		return problem_say(problem, PROBLEM_FAILURE, -errno, "/proc/self/exe: %s", strerror(errno));
	return 0;
}

/* Moves descriptors to the contract's numbers; -1 stays closed. In the child. */
static int arrange(int given[DESCRIPTORS], int binary)
{
	int high = fcntl(binary, F_DUPFD_CLOEXEC, SPARE);

	for (int n = USERS_KEPT_FD; n < DESCRIPTORS && high >= 0; n++)
		if (given[n] >= 0 && (given[n] = fcntl(given[n], F_DUPFD_CLOEXEC, SPARE)) < 0)
			return -errno;
	if (high < 0)
		return -errno;
	close_range(USERS_KEPT_FD, SPARE - 1, 0);
	for (int n = USERS_KEPT_FD; n < DESCRIPTORS; n++)
		if (given[n] >= 0 && dup2(given[n], n) < 0)
			return -errno;
	return high;
}

static _Noreturn void become_responder(const struct supervisor *supervisor, int given[DESCRIPTORS], pid_t parent)
{
	char *arguments[] = { "otori-responder", "--contract", NULL };
	char *environment[] = { "PATH=/usr/bin:/bin", "LC_ALL=C", getenv("JOURNAL_STREAM") ? "JOURNAL_STREAM=1" : NULL,
				NULL };
	sigset_t none;
	int binary, nothing;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	nothing = open("/dev/null", O_RDONLY);
	if (nothing >= 0)
		dup2(nothing, STDIN_FILENO);
	binary = arrange(given, supervisor->responder.binary);
	if (binary >= 0 && chdir("/") == 0 && users_become(&supervisor->responder_user, SIGKILL, parent) == 0)
		execveat(binary, "", arguments, environment, AT_EMPTY_PATH);
	log_error("the responder cannot be started: %s", strerror(errno));
	_exit(127);
}

/* Fills in what the responder gets. Sockets are fresh for each start: a transmit ring remembers where it was. */
static int gather(struct supervisor *supervisor, int notify, int start, int given[DESCRIPTORS])
{
	const struct datapath *datapath = &supervisor->datapath;

	for (int n = 0; n < DESCRIPTORS; n++)
		given[n] = -1;
	given[RESPONDER_FD_NOTIFY] = notify;
	given[RESPONDER_FD_START] = start;
	given[RESPONDER_FD_PAGE] = supervisor->page_fd;
	for (uint32_t worker = 0; worker < datapath->rings; worker++) {
		given[RESPONDER_FD_RING + worker] = datapath->ring[worker];
		for (uint32_t device = 0; device < datapath->device_count; device++) {
			int fd = transmit_socket_open(&datapath->devices[device]);

			if (fd < 0) {
				log_error("%s: no transmit socket: %s", datapath->devices[device].name, strerror(-fd));
				return fd;
			}
			given[RESPONDER_FD_TRANSMIT + worker * OTORI_MAX_DEVICES + device] = fd;
		}
	}
	return 0;
}

static void release(int given[DESCRIPTORS])
{
	for (int n = RESPONDER_FD_TRANSMIT; n < DESCRIPTORS; n++)
		if (given[n] >= 0)
			close(given[n]);
}

int responder_start(struct supervisor *supervisor)
{
	struct responder_process *responder = &supervisor->responder;
	int given[DESCRIPTORS], pair[2] = { -1, -1 }, start = start_block_make(supervisor), err;
	pid_t parent = getpid(), pid = -1;

	if (start < 0)
		return start;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		close(start);
		return -errno;
	}
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	err = gather(supervisor, pair[1], start, given);
	if (!err) {
		pid = fork();
		if (pid == 0)
			become_responder(supervisor, given, parent);
		err = pid < 0 ? -errno : 0;
	}
	release(given);
	close(start);
	close(pair[1]);
	if (err) {
		close(pair[0]);
		return err;
	}
	responder->child.pid = pid;
	responder->child.started_ns = clock_monotonic_ns();
	responder->notify = pair[0];
	responder->ready = false;
	memset(responder->wants, 0, sizeof(responder->wants));
	return 0;
}

void responder_tell(struct supervisor *supervisor, enum responder_message_kind kind, uint64_t value)
{
	struct responder_message message = { .kind = kind, .value = value };

	if (supervisor->responder.notify >= 0 &&
	    send(supervisor->responder.notify, &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
	    errno != EPIPE)
		log_warning("the responder cannot be told: %s", strerror(errno));
}

static int send_segment(int notify, uint32_t worker, uint64_t segment, int fd)
{
	struct responder_message message = { .kind = RESPONDER_SEGMENT, .worker = worker, .value = segment };
	struct iovec content = { &message, sizeof(message) };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr packet = { .msg_iov = &content,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&packet);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	return sendmsg(notify, &packet, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* Makes a segment for a worker and hands it over. What fails is tried again every second. */
static void hand_out(struct supervisor *supervisor, uint32_t worker)
{
	struct responder_process *responder = &supervisor->responder;
	uint64_t segment = 0, *place = NULL;
	int fd, err;

	for (unsigned n = 0; n < SUPERVISOR_SEGMENTS && !place; n++)
		if (!responder->segment[worker][n])
			place = &responder->segment[worker][n];
	fd = place ? journal_directory_create(supervisor->journal, &segment) : -EMFILE;
	err = fd < 0 ? fd : send_segment(responder->notify, worker, segment, fd);
	if (fd >= 0)
		close(fd);
	if (!err) {
		*place = segment;
		responder->wants[worker] = false;
		return;
	}
	if (segment)
		journal_directory_finish(supervisor->journal, segment); /* is empty, so it is removed */
	if (!responder->wants[worker])
		log_error("no journal segment can be made: %s: it is tried again every second", strerror(-err));
	responder->wants[worker] = true;
}

void responder_retry_segments(struct supervisor *supervisor)
{
	for (uint32_t worker = 0; worker < supervisor->datapath.rings; worker++)
		if (supervisor->responder.wants[worker] && supervisor->responder.notify >= 0)
			hand_out(supervisor, worker);
}

static void finish(struct supervisor *supervisor, uint64_t *place)
{
	int err = journal_directory_finish(supervisor->journal, *place);

	if (err)
		log_error("journal segment %016" PRIx64 " cannot be finished: %s", *place, strerror(-err));
	*place = 0;
}

static void take_message(struct supervisor *supervisor, const struct responder_message *message)
{
	struct responder_process *responder = &supervisor->responder;

	if (message->worker >= supervisor->datapath.rings)
		return;
	switch (message->kind) {
	case RESPONDER_READY:
		responder->ready = responder->was_ready = true;
		if (!supervisor->transmitting)
			responder_tell(supervisor, RESPONDER_TRANSMIT, 0);
		break;
	case RESPONDER_WANT_SEGMENT:
		hand_out(supervisor, message->worker);
		break;
	case RESPONDER_SEGMENT_DONE:
		for (unsigned n = 0; n < SUPERVISOR_SEGMENTS; n++)
			if (message->value && responder->segment[message->worker][n] == message->value)
				finish(supervisor, &responder->segment[message->worker][n]);
		break;
	}
}

void responder_read(struct supervisor *supervisor)
{
	struct responder_message message;
	ssize_t got;

	/* without room for control data: a descriptor that it might send us is dropped by the kernel */
	while ((got = recv(supervisor->responder.notify, &message, sizeof(message), MSG_DONTWAIT)) > 0)
		if (got == (ssize_t)sizeof(message))
			take_message(supervisor, &message);
	if (got == 0) { /* it has ended, or closed it: SIGCHLD tells */
		close(supervisor->responder.notify);
		supervisor->responder.notify = -1;
	}
}

void responder_ended(struct supervisor *supervisor, int status)
{
	struct responder_process *responder = &supervisor->responder;
	bool useful = responder->ready && clock_monotonic_ns() - responder->child.started_ns >= USEFUL_NS;
	uint64_t lost, records;

	if (responder->notify >= 0)
		responder_read(supervisor);
	if (responder->notify >= 0)
		close(responder->notify);
	responder->notify = -1;
	responder->ready = false;
	for (uint32_t worker = 0; worker < OTORI_MAX_RINGS; worker++)
		for (unsigned n = 0; n < SUPERVISOR_SEGMENTS; n++)
			if (responder->segment[worker][n])
				finish(supervisor, &responder->segment[worker][n]);
	lost = page_file_bury(supervisor, &records);
	child_ended(&responder->child, useful);
	if (supervisor->stop && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	log_error("the responder %s %d; %" PRIu64 " conversations and %" PRIu64 " records are lost",
		  WIFSIGNALED(status) ? "was ended by signal" : "ended with status",
		  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), lost, records);
	if (!responder->was_ready && responder->child.failures >= 5) {
		supervisor->failed = supervisor->stop = true;
		problem_say(&supervisor->why, PROBLEM_FAILURE, -ECHILD,
			    "the responder ended %u times before it was ready", responder->child.failures);
	}
}

bool responder_alive(const struct supervisor *supervisor)
{
	uint64_t now = clock_monotonic_ns();

	if (!supervisor->responder.ready || !supervisor->responder.child.pid)
		return false;
	for (uint32_t worker = 0; worker < supervisor->datapath.rings; worker++) {
		uint64_t beat = __atomic_load_n(&supervisor->page->worker[worker].heartbeat_ns, __ATOMIC_RELAXED);

		if (!beat || (now > beat && now - beat > ALIVE_NS))
			return false;
	}
	return true;
}
