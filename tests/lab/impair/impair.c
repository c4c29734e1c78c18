/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * impair.c - a bad link between two TAP devices, for kernels without netem.
 *
 * In:  frames that either namespace sends into its TAP device. Out: what the link (link.c) makes of them, into the
 *other one. Called by tests of tests/lab and by people. Touches only the two TAP devices named, which go with the
 *process if it made them.
 *
 *	impair --left client:tap0 --right sensor:tap1 --seed 7 --loss 0.2 --reorder 0.1 --duplicate 0.05
 *
 * A device is NAME or NAMESPACE:NAME. An option counts for both directions, or with `right-` or `left-` before it for
 *the frames that go to that side only. Prints `impair: ready` once both devices are there; at SIGTERM or SIGINT what
 *was done, a line each direction. An unmodified TAP has no offloads, so that every frame comes with whole checksums and
 *at most the MTU.
 */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { RIGHT, LEFT, SIDES }; /* a direction is named by where its frames go */

struct impair {
	const char *device[SIDES];
	struct link_settings settings[SIDES];
	int tap[SIDES];
	struct link *to[SIDES];
	uint64_t refused[SIDES]; /* frames that the device did not take: it is down */
	int signals;
};

static const char *const side_names[SIDES] = { "right", "left" };

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Opens, or makes, NAME or NAMESPACE:NAME. A TAP belongs to the namespace in which /dev/net/tun was opened. */
static int open_tap(const char *text)
{
	const char *colon = strchr(text, ':');
	const char *name = colon ? colon + 1 : text;
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	char path[64];
	int home = -1, away = -1, fd = -1, error = 0;

	if (!*name || strlen(name) >= sizeof(request.ifr_name))
		return -EINVAL;
	memcpy(request.ifr_name, name, strlen(name));
	if (colon) {
		if (snprintf(path, sizeof(path), "/run/netns/%.*s", (int)(colon - text), text) >= (int)sizeof(path))
			return -ENAMETOOLONG;
		home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		away = open(path, O_RDONLY | O_CLOEXEC);
		if (home < 0 || away < 0 || setns(away, CLONE_NEWNET)) {
			error = -errno;
			goto out;
		}
	}
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		error = -errno;
	if (colon && setns(home, CLONE_NEWNET) && !error)
		error = -errno;
out:
	if (home >= 0)
		close(home);
	if (away >= 0)
		close(away);
	if (error && fd >= 0)
		close(fd);
	return error ? error : fd;
}

/* Reads what side has sent and gives it to the link to the other side; at most a batch, so that both sides have a turn.
 */
static int take(struct impair *impair, int side)
{
	static uint8_t frame[LINK_FRAME_MAX_BYTES];
	int error;

	for (int i = 0; i < 64; i++) {
		ssize_t got = read(impair->tap[side], frame, sizeof(frame));

		if (got < 0)
			return errno == EAGAIN || errno == EIO || errno == EINTR ? 0 : -errno;
		error = link_input(impair->to[!side], frame, (uint32_t)got, now());
		if (error)
			return error;
	}
	return 0;
}

static void give(struct impair *impair, int side)
{
	const uint8_t *frame;
	uint32_t bytes;

	while ((frame = link_output(impair->to[side], now(), &bytes))) {
		if (write(impair->tap[side], frame, bytes) < 0)
			impair->refused[side]++;
	}
}

static int forward(struct impair *impair)
{
	struct pollfd wait[] = { { impair->tap[RIGHT], POLLIN, 0 },
				 { impair->tap[LEFT], POLLIN, 0 },
				 { impair->signals, POLLIN, 0 } };
	int error = 0;

	while (!error) {
		uint64_t due_ns = link_due(impair->to[RIGHT]), at_ns = now();
		struct timespec timeout = { 3600, 0 };

		if (link_due(impair->to[LEFT]) < due_ns)
			due_ns = link_due(impair->to[LEFT]);
		if (due_ns != UINT64_MAX) {
			due_ns = due_ns > at_ns ? due_ns - at_ns : 0;
			timeout = (struct timespec){ (time_t)(due_ns / 1000000000u), (long)(due_ns % 1000000000u) };
		}
		if (ppoll(wait, 3, &timeout, NULL) < 0)
			return errno == EINTR ? 0 : -errno;
		if (wait[2].revents)
			return 0;
		for (int side = 0; side < SIDES && !error; side++) {
			if (wait[side].revents)
				error = take(impair, side);
		}
		give(impair, RIGHT);
		give(impair, LEFT);
	}
	return error;
}

static void print_counts(const struct impair *impair, int side)
{
	struct link_counts counts = link_counts(impair->to[side]);

	printf("impair: to %s: frames %llu spared %llu lost %llu duplicated %llu reordered %llu corrupted %llu "
	       "overflow %llu "
	       "waiting %llu out %llu refused %llu\n",
	       side_names[side], (unsigned long long)counts.frames, (unsigned long long)counts.spared,
	       (unsigned long long)counts.lost, (unsigned long long)counts.duplicated,
	       (unsigned long long)counts.reordered, (unsigned long long)counts.corrupted,
	       (unsigned long long)counts.overflow, (unsigned long long)counts.waiting, (unsigned long long)counts.out,
	       (unsigned long long)impair->refused[side]);
}

static const char usage_text[] =
	"usage: impair --left [NAMESPACE:]TAP --right [NAMESPACE:]TAP [--seed N] [--all] [OPTION VALUE]...\n"
	"Options, for both directions or (--right-loss, --left-loss ...) for frames to that side:\n"
	"  loss, duplicate, reorder, corrupt   probability, 0 to 1\n"
	"  delay-ms, jitter-ms                 0\n"
	"  reorder-ms                          how much later a reordered frame leaves, 10\n"
	"  rate                                bits per second, with k, m or g; 0 = no limit\n"
	"  limit                               frames that may wait, 1000\n"
	"--all also impairs what is not TCP (ARP, neighbour discovery, ICMP).\n";

/* Reads a number that must lie between 0 and most; exits where it does not. */
static double number(const char *option, const char *text, double most)
{
	char *end;
	double value = strtod(text, &end);

	if (*end && !strcmp(option, "rate")) {
		value *= *end == 'k' ? 1e3 : *end == 'm' ? 1e6 : *end == 'g' ? 1e9 : -1;
		end++;
	}
	if (end == text || *end || !(value >= 0 && value <= most)) {
		fprintf(stderr, "impair: --%s %s: expected a number from 0 to %g\n", option, text, most);
		exit(2);
	}
	return value;
}

static bool set(struct link_settings *settings, const char *option, const char *text)
{
	if (!strcmp(option, "loss"))
		settings->loss = number(option, text, 1);
	else if (!strcmp(option, "duplicate"))
		settings->duplicate = number(option, text, 1);
	else if (!strcmp(option, "reorder"))
		settings->reorder = number(option, text, 1);
	else if (!strcmp(option, "corrupt"))
		settings->corrupt = number(option, text, 1);
	else if (!strcmp(option, "delay-ms"))
		settings->delay_ns = (uint64_t)(number(option, text, 60000) * 1e6);
	else if (!strcmp(option, "jitter-ms"))
		settings->jitter_ns = (uint64_t)(number(option, text, 60000) * 1e6);
	else if (!strcmp(option, "reorder-ms"))
		settings->reorder_ns = (uint64_t)(number(option, text, 60000) * 1e6);
	else if (!strcmp(option, "rate"))
		settings->rate_bits = (uint64_t)number(option, text, 1e12);
	else if (!strcmp(option, "limit"))
		settings->limit = (uint32_t)number(option, text, 1e6);
	else
		return false;
	return true;
}

static void parse(struct impair *impair, int argc, char **argv)
{
	uint64_t seed = 1;
	bool all = false;

	impair->settings[RIGHT] = impair->settings[LEFT] =
		(struct link_settings){ .reorder_ns = 10000000, .limit = 1000 };
	for (int i = 1; i < argc; i++) {
		const char *option = argv[i] + 2, *value = i + 1 < argc ? argv[i + 1] : NULL;
		bool known = false;

		if (!strcmp(argv[i], "--help")) {
			fputs(usage_text, stdout);
			exit(0);
		}
		if (!strcmp(argv[i], "--all")) {
			all = true;
			continue;
		}
		if (strncmp(argv[i], "--", 2) || !value) {
			fputs(usage_text, stderr);
			exit(2);
		}
		if (!strcmp(option, "left") || !strcmp(option, "right")) {
			impair->device[option[0] == 'l' ? LEFT : RIGHT] = value;
			known = true;
		} else if (!strcmp(option, "seed")) {
			seed = (uint64_t)number(option, value, 1e15);
			known = true;
		} else if (!strncmp(option, "left-", 5) || !strncmp(option, "right-", 6)) {
			known = set(&impair->settings[option[0] == 'l' ? LEFT : RIGHT], strchr(option, '-') + 1, value);
		} else {
			known = set(&impair->settings[RIGHT], option, value) &&
				set(&impair->settings[LEFT], option, value);
		}
		if (!known) {
			fprintf(stderr, "impair: unknown option %s\n%s", argv[i], usage_text);
			exit(2);
		}
		i++;
	}
	for (int side = 0; side < SIDES; side++) {
		/* the two directions must not draw alike */
		impair->settings[side].seed = seed * 2 + (uint64_t)side;
		impair->settings[side].all = all;
		if (!impair->device[side]) {
			fprintf(stderr, "impair: --%s is missing\n", side_names[side]);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct impair impair = { .tap = { -1, -1 } };
	sigset_t signals;
	int error = 0;

	parse(&impair, argc, argv);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	impair.signals = signalfd(-1, &signals, SFD_CLOEXEC);
	if (impair.signals < 0) {
		perror("impair: signalfd");
		return 1;
	}
	for (int side = 0; side < SIDES && !error; side++) {
		impair.to[side] = link_new(&impair.settings[side]);
		impair.tap[side] = open_tap(impair.device[side]);
		error = !impair.to[side] ? -ENOMEM : impair.tap[side] < 0 ? impair.tap[side] : 0;
		if (error)
			fprintf(stderr, "impair: %s: %s\n", impair.device[side], strerror(-error));
	}
	if (!error) {
		printf("impair: ready\n");
		fflush(stdout);
		error = forward(&impair);
		if (error)
			fprintf(stderr, "impair: %s\n", strerror(-error));
		print_counts(&impair, RIGHT);
		print_counts(&impair, LEFT);
	}
	for (int side = 0; side < SIDES; side++) {
		link_free(impair.to[side]);
		if (impair.tap[side] >= 0)
			close(impair.tap[side]);
	}
	return error ? 1 : 0;
}
