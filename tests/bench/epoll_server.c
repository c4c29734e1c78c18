/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * epoll_server.c - the peer: the kernel's TCP with one thread and epoll, which answers as a proxy's first steps do.
 *
 * In:  connections to any address that is routed to this host (AnyIP). Out: `05 00` to a SOCKS greeting, ten bytes to a
 * request, `HTTP/1.1 200` to a CONNECT; what was asked, as one line each, to a file. Called by conversations, in the
 * server's namespace.
 *
 * Kept as a user would write it who wants it fast: accept4 without blocking, edge triggered, one read and one write a
 * step, buffered log, one sweep a second over those that say nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define EVENTS 512
#define DESCRIPTORS 65536
#define IDLE_SECONDS 3

struct server {
	int listener, poll;
	int owed;		     /* descriptors ran out: accept again once some were closed */
	uint32_t now;		     /* seconds */
	uint32_t heard[DESCRIPTORS]; /* by descriptor: when it was opened or said something; 0 = not open */
	FILE *log;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 65535))
		bench_die(errno, "cannot listen on port %u", port);
	return fd;
}

static void accept_all(struct server *server)
{
	server->owed = 0;
	for (;;) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET };
		int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;

		if (fd < 0 && errno == ECONNABORTED)
			continue;
		if (fd < 0) {
			server->owed = errno == EMFILE || errno == ENFILE;
			return;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		event.data.fd = fd;
		if (fd >= DESCRIPTORS || epoll_ctl(server->poll, EPOLL_CTL_ADD, fd, &event))
			close(fd);
		else
			server->heard[fd] = server->now;
	}
}

static void forget(struct server *server, int fd)
{
	server->heard[fd] = 0;
	close(fd);
}

/* Once a second: closes those that have said nothing for a while. */
static void sweep(struct server *server)
{
	uint32_t now = (uint32_t)(bench_now_ns() / 1000000000u) + IDLE_SECONDS;

	if (now == server->now)
		return;
	server->now = now;
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		if (server->heard[fd] && server->heard[fd] + IDLE_SECONDS < now)
			forget(server, fd);
	}
}

/* What a proxy answers to its first steps; 0 = nothing. */
static size_t answer_to(const uint8_t *said, ssize_t bytes, uint8_t *answer)
{
	static const char granted[] = "HTTP/1.1 200 Connection established\r\n\r\n";

	if (bytes == 3 && said[0] == 5) {
		memcpy(answer, "\x05\x00", 2);
		return 2;
	}
	if (bytes == 10 && said[0] == 5) {
		memcpy(answer, "\x05\x00\x00\x01\xc0\x00\x02\x01\x04\x38", 10);
		return 10;
	}
	if (bytes > 8 && !memcmp(said, "CONNECT ", 8)) {
		memcpy(answer, granted, sizeof(granted) - 1);
		return sizeof(granted) - 1;
	}
	return 0;
}

static void serve(struct server *server, int fd)
{
	uint8_t said[2048], answer[64];
	size_t bytes;
	ssize_t got;

	server->heard[fd] = server->now;
	while ((got = read(fd, said, sizeof(said))) > 0) {
		bytes = answer_to(said, got, answer);
		/* an access log's line: somebody asked something */
		fprintf(server->log, "%d %zd %02x\n", fd, got, said[0]);
		if (bytes && write(fd, answer, bytes) < 0)
			break;
	}
	/* end of file, reset, or a failed write; not where there is only nothing to read yet */
	if (got >= 0 || errno != EAGAIN)
		forget(server, fd);
}

int main(int argc, char **argv)
{
	static struct server server;
	struct sigaction action = { .sa_handler = on_signal };
	struct epoll_event events[EVENTS], event = { .events = EPOLLIN | EPOLLET };
	struct rlimit files;

	if (argc != 4) {
		fprintf(stderr, "usage: epoll_server PORT CPU LOGFILE\n");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	bench_pin((int)bench_number("CPU", argv[2]));
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	server.log = fopen(argv[3], "w");
	if (!server.log)
		bench_die(errno, "%s", argv[3]);
	server.listener = listen_on((uint16_t)bench_number("PORT", argv[1]));
	server.poll = epoll_create1(EPOLL_CLOEXEC);
	event.data.fd = server.listener;
	if (server.poll < 0 || epoll_ctl(server.poll, EPOLL_CTL_ADD, server.listener, &event))
		bench_die(errno, "epoll");
	printf("ready\n");
	fflush(stdout);
	while (!stop) {
		int count = epoll_wait(server.poll, events, EVENTS, 1000);

		sweep(&server);
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == server.listener)
				accept_all(&server);
			else
				serve(&server, events[i].data.fd);
		}
		if (server.owed)
			accept_all(&server);
	}
	fclose(server.log);
	return 0;
}
