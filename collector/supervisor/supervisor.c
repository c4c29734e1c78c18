/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supervisor.c - start, loop and stop: see supervisor.h.
 *
 * In:  struct run_options, signals, events of children and netlink. Out: an exit status. Called by run.c.
 *
 * A start that fails leaves nothing behind but what an earlier run had left. A stop leaves programs, guard and pins, so
 * that the next start goes on where this one ended.
 */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "datapath/host.h"
#include "exploits/rules.h"

#define RING_BYTES (16u << 20)
#define RESPONDER_STOP_NS (4 * NS_PER_SECOND) /* together below the 10 s in which a stop is over */
#define LOADER_STOP_NS (3 * NS_PER_SECOND)
#define DATABASE_STOP_NS (2 * NS_PER_SECOND)
#define DATABASE_WORD_MS 200

enum event_source { EVENT_SIGNAL = 1, EVENT_TIMER, EVENT_GUARD, EVENT_MODULE, EVENT_RESPONDER, EVENT_DATABASE };

static void init(struct supervisor *supervisor, const struct run_options *options)
{
	memset(supervisor, 0, sizeof(*supervisor));
	supervisor->options = options;
	datapath_init(&supervisor->datapath);
	supervisor->page_fd = supervisor->self = supervisor->epoll = supervisor->signals = supervisor->timer = -1;
	supervisor->module_watch = -1;
	supervisor->responder.binary = supervisor->responder.notify = supervisor->database.channel = -1;
	supervisor->began_at_ns = clock_utc_ns();
}

/* --- the checks, without touching anything ------------------------------------------------------------------------ */

static int check_devices(const struct run_options *options, struct datapath_device *devices, struct problem *problem)
{
	for (uint32_t n = 0; n < options->interface_count; n++) {
		int err = host_device(options->interfaces[n], &devices[n], problem);

		if (err)
			return err;
	}
	return 0;
}

static int check_decoys(struct supervisor *supervisor, struct problem *problem)
{
	const struct run_options *options = supervisor->options;
	int count = host_decoys(options->decoys.items, options->decoys.count, &supervisor->decoys);

	if (count < 0)
		return problem_say(problem, PROBLEM_FAILURE, count, "the host's addresses cannot be read: %s",
				   strerror(-count));
	if (count > OTORI_MAX_PREFIXES)
		return problem_say(problem, PROBLEM_USAGE, -E2BIG,
				   "decoys: more than %d prefixes, the host's own addresses within them included",
				   OTORI_MAX_PREFIXES);
	supervisor->decoy_count = (uint32_t)count;
	return host_ports_free(supervisor->decoys, supervisor->decoy_count, options->ports, options->port_count,
			       problem);
}

/* Read once: a file that is changed or damaged later must not keep a loader from starting again. */
static int check_rules(struct supervisor *supervisor, struct problem *problem)
{
	const char *path = supervisor->options->rules;
	struct exploit_rules *rules;
	size_t length;
	int err;

	if (!path)
		return 0;
	err = exploit_rules_open_file(&rules, path, problem);
	exploit_rules_free(rules);
	return err ? err : exploit_rules_read_file(path, &supervisor->rules, &length, problem);
}

static int check_all(struct supervisor *supervisor, struct datapath_device *devices, struct problem *problem)
{
	const struct run_options *options = supervisor->options;
	int err;

	if (geteuid() != 0)
		return problem_say(problem, PROBLEM_FAILURE, -EPERM,
				   "run needs root: it loads BPF programs and opens packet sockets");
	err = check_devices(options, devices, problem);
	if (!err)
		err = users_find("responder-user", options->responder_user, &supervisor->responder_user, problem);
	if (!err)
		err = users_find("loader-user", options->loader_user, &supervisor->loader_user, problem);
	if (!err)
		err = check_decoys(supervisor, problem);
	if (!err)
		err = check_rules(supervisor, problem);
	return err;
}

int supervisor_check(const struct run_options *options, struct problem *problem)
{
	struct datapath_device devices[OTORI_MAX_DEVICES];
	struct supervisor supervisor;
	int err;

	init(&supervisor, options);
	err = check_all(&supervisor, devices, problem);
	free(supervisor.decoys);
	free(supervisor.rules);
	return err;
}

/* --- start -------------------------------------------------------------------------------------------------------- */

/* mkdir -p for the folder above; what is made is 0755. */
static int make_parents(const char *path)
{
	char part[4096];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t length = (size_t)(slash - path);

		if (length >= sizeof(part))
			return -ENAMETOOLONG;
		memcpy(part, path, length);
		part[length] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* The journal's folder belongs to the loader's user, who removes what is loaded. */
static int open_journal(struct supervisor *supervisor, struct problem *problem)
{
	const char *path = supervisor->options->journal;
	int err = make_parents(path), fd;

	if (!err && mkdir(path, 0750) < 0 && errno != EEXIST)
		err = -errno;
	fd = err ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!err && (fd < 0 || fchown(fd, supervisor->loader_user.uid, supervisor->loader_user.gid) < 0))
		err = -errno;
	if (fd >= 0)
		close(fd);
	if (!err)
		err = journal_directory_open(path, &supervisor->journal);
	if (err == -EBUSY)
		return problem_say(problem, PROBLEM_FAILURE, err, "journal %s: another otori run is already using it",
				   path);
	if (err)
		return problem_say(problem, PROBLEM_FAILURE, err, "journal %s: %s", path, strerror(-err));
	return 0;
}

static int open_datapath(struct supervisor *supervisor, const struct datapath_device *devices, struct problem *problem)
{
	const struct run_options *options = supervisor->options;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct datapath_plan plan = { .devices = devices,
				      .device_count = options->interface_count,
				      .decoys = supervisor->decoys,
				      .decoy_count = supervisor->decoy_count,
				      .quiet = options->quiet.items,
				      .quiet_count = options->quiet.count,
				      .ports = options->ports,
				      .port_count = options->port_count,
				      .rings = options->rings,
				      .ring_bytes = RING_BYTES,
				      .flows = options->flows,
				      .kernel_admission = supervisor->module_admits };

	if (!plan.rings)
		plan.rings = cores < 1 ? 1 : cores > OTORI_MAX_RINGS ? OTORI_MAX_RINGS : (uint32_t)cores;
	plan.settings = (struct otori_settings){ .answer_grace_ns = options->restart_grace * NS_PER_SECOND,
						 .idle_seconds = options->idle_seconds,
						 .limit_per_prefix = options->limit_per_prefix,
						 .limit_global = options->limit_global,
						 .sample_probability = options->sample_probability,
						 .answer_arp = options->answer_arp != 0,
						 .answer_echo = options->answer_echo != 0,
						 .syn_ack_ttl = 64 };
	return datapath_open(&supervisor->datapath, &plan, problem);
}

/* Guard first, then the program: nothing can be answered in between. */
static int attach_datapath(struct supervisor *supervisor, struct problem *problem)
{
	static const enum datapath_mode modes[] = { [XDP_MODE_AUTO] = DATAPATH_MODE_AUTO,
						    [XDP_MODE_NATIVE] = DATAPATH_MODE_NATIVE,
						    [XDP_MODE_SKB] = DATAPATH_MODE_SKB };
	struct datapath *datapath = &supervisor->datapath;
	int err = 0;

	for (uint32_t n = 0; n < datapath->device_count && !err; n++) {
		supervisor->dropped[n] = host_device_dropped(datapath->devices[n].ifindex);
		err = host_show_vlan_tags(datapath->devices[n].name, problem);
	}
	if (!err)
		err = datapath_guard(datapath, problem);
	if (!err)
		err = guard_keeper_open(supervisor, problem);
	if (!err)
		err = datapath_attach(datapath, modes[supervisor->options->xdp_mode], problem);
	return err;
}

static int watch(struct supervisor *supervisor, int fd, enum event_source source)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = source };

	return epoll_ctl(supervisor->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int open_loop(struct supervisor *supervisor, struct problem *problem)
{
	struct itimerspec second = { .it_interval.tv_sec = 1, .it_value.tv_nsec = 1000000 };
	sigset_t signals;
	int err;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	supervisor->epoll = epoll_create1(EPOLL_CLOEXEC);
	supervisor->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	supervisor->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (supervisor->epoll < 0 || supervisor->signals < 0 || supervisor->timer < 0)
		return problem_say(problem, PROBLEM_FAILURE, -errno, "descriptors for the loop: %s", strerror(errno));
	timerfd_settime(supervisor->timer, 0, &second, NULL);
	err = watch(supervisor, supervisor->signals, EVENT_SIGNAL);
	if (!err)
		err = watch(supervisor, supervisor->timer, EVENT_TIMER);
	return err ? problem_say(problem, PROBLEM_FAILURE, err, "epoll: %s", strerror(-err)) : 0;
}

/* Children: descriptors of a new one join the loop where it is started. */
static void watch_children(struct supervisor *supervisor)
{
	if (supervisor->responder.notify >= 0)
		watch(supervisor, supervisor->responder.notify, EVENT_RESPONDER); /* -EEXIST: is watched already */
	if (supervisor->database.channel >= 0)
		watch(supervisor, supervisor->database.channel, EVENT_DATABASE);
}

/*
 * Starts the keeper of the database. A folder that can't hold a private cluster, which it says at once, ends the start:
 * so for such a one this comes before anything is attached.
 */
static int begin_database(struct supervisor *supervisor, struct problem *problem)
{
	struct pollfd said = { .events = POLLIN };
	int err = database_process_start(supervisor);

	if (err)
		return problem_say(problem, PROBLEM_FAILURE, err, "no process for the database: %s", strerror(-err));
	said.fd = supervisor->database.channel;
	if (supervisor->options->embedded && poll(&said, 1, DATABASE_WORD_MS) == 1)
		database_process_read(supervisor);
	if (!supervisor->failed)
		return 0;
	*problem = supervisor->why;
	return -EIO;
}

static int start(struct supervisor *supervisor, struct problem *problem)
{
	struct datapath_device devices[OTORI_MAX_DEVICES];
	int err = check_all(supervisor, devices, problem);

	if (!err)
		err = responder_find(supervisor, problem);
	if (!err)
		err = open_loop(supervisor, problem);
	if (!err)
		err = module_keeper_open(supervisor, problem); /* before anything can be sent */
	if (!err)
		err = open_datapath(supervisor, devices, problem); /* takes the lock, so what follows is ours alone */
	if (!err && mkdir(SUPERVISOR_RUN_DIRECTORY, 0755) < 0 && errno != EEXIST)
		err = problem_say(problem, PROBLEM_FAILURE, -errno, SUPERVISOR_RUN_DIRECTORY ": %s", strerror(errno));
	if (!err)
		err = open_journal(supervisor, problem);
	if (!err)
		err = start_block_secrets(supervisor, problem);
	if (!err)
		err = page_file_open(supervisor, problem);
	if (!err)
		err = own_segment_open(supervisor, problem);
	if (!err && journal_directory_recover(supervisor->journal) < 0)
		err = problem_say(problem, PROBLEM_FAILURE, -EIO, "journal %s cannot be recovered",
				  supervisor->options->journal);
	if (!err && supervisor->options->embedded)
		err = begin_database(supervisor, problem);
	if (!err)
		err = attach_datapath(supervisor, problem);
	if (!err && !supervisor->options->embedded)
		err = begin_database(supervisor, problem);
	if (!err && watch(supervisor, guard_watch_descriptor(supervisor->watch), EVENT_GUARD) < 0)
		err = problem_say(problem, PROBLEM_FAILURE, -EIO, "the guard cannot be watched");
	if (!err && supervisor->module && watch(supervisor, supervisor->module_watch, EVENT_MODULE) < 0)
		err = problem_say(problem, PROBLEM_FAILURE, -EIO, "the kernel module cannot be watched");
	if (!err)
		err = module_keeper_seal(supervisor, problem);
	return err;
}

/* --- loop --------------------------------------------------------------------------------------------------------- */

static void reread(struct supervisor *supervisor)
{
	struct run_options *options = (struct run_options *)supervisor->options;
	struct problem problem = { .text = "the map does not take it" };

	if (options_read_quiet(options, &problem) < 0 ||
	    datapath_set_quiet(&supervisor->datapath, options->quiet.items, options->quiet.count) < 0)
		log_error("quiet-sources could not be read again: %s", problem.text);
	else
		log_info("quiet-sources: %u prefixes", options->quiet.count);
}

static void reap(struct supervisor *supervisor)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == supervisor->responder.child.pid)
			responder_ended(supervisor, status);
		else if (pid == supervisor->database.child.pid)
			database_process_ended(supervisor, status);
		else if (pid == supervisor->loader.pid)
			loader_process_ended(supervisor, status);
	}
}

static void take_signals(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;

	while (read(supervisor->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(supervisor);
		else if (info.ssi_signo == SIGHUP)
			reread(supervisor);
		else
			supervisor->stop = true;
	}
}

/* One turn of the loop: waits for at most so long. */
static void turn(struct supervisor *supervisor, int milliseconds)
{
	struct epoll_event events[16];
	uint64_t expirations;
	int count;

	watch_children(supervisor);
	count = epoll_wait(supervisor->epoll, events, 16, milliseconds);
	for (int n = 0; n < count; n++) {
		switch (events[n].data.u32) {
		case EVENT_SIGNAL:
			take_signals(supervisor);
			break;
		case EVENT_TIMER:
			if (read(supervisor->timer, &expirations, sizeof(expirations)) == (ssize_t)sizeof(expirations))
				ticks_second(supervisor);
			break;
		case EVENT_GUARD:
			if (guard_watch_read(supervisor->watch))
				guard_keeper_look(supervisor);
			break;
		case EVENT_MODULE:
			module_keeper_read(supervisor);
			break;
		case EVENT_RESPONDER:
			if (supervisor->responder.notify >= 0) {
				bool was_ready = supervisor->responder.ready;

				responder_read(supervisor);
				if (!was_ready && supervisor->responder.ready)
					ticks_second(supervisor); /* answers begin now, not a second later */
			}
			break;
		case EVENT_DATABASE:
			if (supervisor->database.channel >= 0)
				database_process_read(supervisor);
			break;
		}
	}
}

/* --- stop --------------------------------------------------------------------------------------------------------- */

/* Turns until the child has ended; kills it when its time is over. */
static void wait_for(struct supervisor *supervisor, const struct child *child, uint64_t wait_ns, const char *what)
{
	uint64_t until = clock_monotonic_ns() + wait_ns;

	while (child->pid && clock_monotonic_ns() < until)
		turn(supervisor, 50);
	if (!child->pid)
		return;
	log_warning("%s did not end in time and is killed", what);
	kill(child->pid, SIGKILL);
	until = clock_monotonic_ns() + NS_PER_SECOND;
	while (child->pid && clock_monotonic_ns() < until)
		turn(supervisor, 50);
}

static void stop_children(struct supervisor *supervisor)
{
	notify_say("STOPPING=1\nSTATUS=stopping");
	supervisor->stop = true;
	if (supervisor->responder.child.pid) {
		responder_tell(supervisor, RESPONDER_STOP, 0);
		wait_for(supervisor, &supervisor->responder.child, RESPONDER_STOP_NS, "the responder");
	}
	if (supervisor->own.ledger) {
		if (supervisor->observed_ns)
			ticks_observe(supervisor, clock_utc_ns());
		own_segment_turn(supervisor, true);
	}
	if (supervisor->loader.pid) {
		kill(supervisor->loader.pid, SIGTERM);
		wait_for(supervisor, &supervisor->loader, LOADER_STOP_NS, "the loader");
	}
	if (supervisor->database.child.pid) {
		kill(supervisor->database.child.pid, SIGTERM);
		wait_for(supervisor, &supervisor->database.child, DATABASE_STOP_NS, "the keeper of the database");
	}
}

static void release(struct supervisor *supervisor)
{
	const int fds[] = { supervisor->page_fd,
			    supervisor->self,
			    supervisor->epoll,
			    supervisor->signals,
			    supervisor->timer,
			    supervisor->responder.binary,
			    supervisor->responder.notify,
			    supervisor->database.channel };

	own_segment_close(supervisor);
	guard_watch_close(supervisor->watch);
	guard_module_close(supervisor->module);
	journal_directory_close(supervisor->journal);
	if (supervisor->page)
		munmap(supervisor->page, sizeof(*supervisor->page));
	for (size_t n = 0; n < sizeof(fds) / sizeof(fds[0]); n++)
		if (fds[n] >= 0)
			close(fds[n]);
	datapath_close(&supervisor->datapath);
	free(supervisor->decoys);
	free(supervisor->rules);
}

int supervisor_run(const struct run_options *options, struct problem *problem)
{
	struct supervisor supervisor;
	struct problem undo;
	bool holds_pins;
	int err;

	init(&supervisor, options);
	err = start(&supervisor, problem);
	if (!err) {
		supervisor.responder.child.due_ns = 1; /* at once */
		ticks_observe(&supervisor, supervisor.began_at_ns);
		while (!supervisor.stop)
			turn(&supervisor, -1);
		if (supervisor.failed) {
			*problem = supervisor.why;
			err = -ECHILD;
		}
	}
	stop_children(&supervisor);
	if (supervisor.page)
		state_file_write(&supervisor);
	holds_pins = supervisor.datapath.pin_directory >= 0;
	/* a start that failed takes away what it put there; what an earlier run left, goes on */
	if (err && holds_pins && !supervisor.datapath.taken_over &&
	    (!supervisor.announced || (options->embedded && !supervisor.database.ready))) {
		datapath_unload(&supervisor.datapath, &undo);
		module_keeper_unload(&undo);
	}
	release(&supervisor);
	return err;
}

int supervisor_unload(struct problem *problem)
{
	static const char *const files[] = { "state", "page", "ledger", "ledger.next", "ledger.doubt" };
	struct datapath datapath;
	char path[128];
	int err;

	if (geteuid() != 0)
		return problem_say(problem, PROBLEM_FAILURE, -EPERM, "run --unload needs root");
	datapath_init(&datapath);
	err = datapath_unload(&datapath, problem);
	if (err < 0)
		return err;
	if (module_keeper_unload(problem) < 0)
		return -EIO;
	for (size_t n = 0; n < sizeof(files) / sizeof(files[0]); n++) {
		snprintf(path, sizeof(path), SUPERVISOR_RUN_DIRECTORY "/%s", files[n]);
		unlink(path);
	}
	return err;
}
