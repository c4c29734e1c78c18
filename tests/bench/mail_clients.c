/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mail_clients.c - sends mails of 4 KB through a SOCKS5 tunnel, over and over, and counts those that were accepted.
 *
 * In:  the proxy's addresses, the mail server to ask for, how many connections at once, how many mails each. Out: one
 * line `mails N per second, ...`. Called by mails, in the clients' network namespace; the kernel's TCP, one thread,
 * epoll.
 *
 * A step waits for the answer to the one before, as bulk mailers do: greeting; request; EHLO; MAIL, RCPT and DATA at
 * once; the mail. The connection is reset behind its last mail, so that no port is kept waiting.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define EVENTS 256
#define MAIL_BYTES 4096
#define ANSWER_BYTES 1024

enum step { GREETING, REQUEST, BANNER, EHLO, ENVELOPE, MAIL };

struct client {
	int fd; /* -1 = none */
	enum step step;
	uint32_t mails;
	uint32_t expected; /* final answer lines of SMTP still to come */
	uint32_t bytes;	   /* in answer */
	uint8_t answer[ANSWER_BYTES];
	uint32_t sent; /* of the mail */
	uint64_t began_ns;
};

struct bench {
	struct client *clients;
	uint32_t count, mails_each, proxies, next_proxy;
	int poll;
	struct in_addr proxy, host;
	uint16_t proxy_port, host_port;
	char mail[MAIL_BYTES + 8];
	uint32_t mail_bytes;
	uint64_t accepted, connections, failed;
};

static void make_mail(struct bench *bench)
{
	int at = snprintf(
		bench->mail, sizeof(bench->mail),
		"From: sender@example.org\r\nTo: somebody@example.com\r\nSubject: a mail of four kilobytes\r\n\r\n");

	while (at + 80 < MAIL_BYTES) {
		memset(bench->mail + at, 'a' + at % 26, 72);
		memcpy(bench->mail + at + 72, "\r\n", 2);
		at += 74;
	}
	memcpy(bench->mail + at, "\r\n.\r\n", 5);
	bench->mail_bytes = (uint32_t)at + 5;
}

static void open_client(struct bench *bench, struct client *client)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(bench->proxy_port) };
	struct linger linger = { 1, 0 };
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = client };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memset(client, 0, sizeof(*client));
	client->fd = fd;
	client->began_ns = bench_now_ns();
	address.sin_addr.s_addr = htonl(ntohl(bench->proxy.s_addr) + bench->next_proxy++ % bench->proxies);
	if (fd < 0)
		bench_die(errno, "socket");
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) && errno != EINPROGRESS)
		bench_die(errno, "connect");
	if (epoll_ctl(bench->poll, EPOLL_CTL_ADD, fd, &event))
		bench_die(errno, "epoll");
	bench->connections++;
}

static void reopen(struct bench *bench, struct client *client, bool failed)
{
	close(client->fd);
	bench->failed += failed;
	open_client(bench, client);
}

static bool say(struct client *client, const void *bytes, size_t count)
{
	return send(client->fd, bytes, count, MSG_NOSIGNAL) == (ssize_t)count;
}

static bool say_mail(struct bench *bench, struct client *client)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };
	ssize_t sent = send(client->fd, bench->mail + client->sent, bench->mail_bytes - client->sent, MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN)
		return false;
	if (sent > 0)
		client->sent += (uint32_t)sent;
	if (client->sent < bench->mail_bytes)
		event.events |= EPOLLOUT;
	return !epoll_ctl(bench->poll, EPOLL_CTL_MOD, client->fd, &event);
}

/* Takes final SMTP lines off the answer: how many are still expected, or -1 where one is no success. */
static int take_lines(struct client *client)
{
	uint8_t *at = client->answer, *end = client->answer + client->bytes, *line_end;

	while (client->expected && (line_end = memchr(at, '\n', (size_t)(end - at)))) {
		if (line_end - at < 4 || (*at != '2' && *at != '3'))
			return -1;
		client->expected -= at[3] != '-';
		at = line_end + 1;
	}
	client->bytes = (uint32_t)(end - at);
	memmove(client->answer, at, client->bytes);
	return (int)client->expected;
}

static bool begin_envelope(struct client *client)
{
	static const char envelope[] = "MAIL FROM:<sender@example.org>\r\nRCPT TO:<somebody@example.com>\r\nDATA\r\n";

	client->step = ENVELOPE;
	client->expected = 3;
	return say(client, envelope, sizeof(envelope) - 1);
}

/* SMTP's part. false = it failed. */
static bool go_on_smtp(struct bench *bench, struct client *client)
{
	int left = take_lines(client);

	if (left)
		return left > 0;
	switch (client->step) {
	case BANNER:
		client->step = EHLO;
		client->expected = 1;
		return say(client, "EHLO mail.example.org\r\n", 23);
	case EHLO:
		return begin_envelope(client);
	case ENVELOPE:
		client->step = MAIL;
		client->expected = 1;
		client->sent = 0;
		return say_mail(bench, client);
	case MAIL:
		bench->accepted++;
		if (++client->mails < bench->mails_each)
			return begin_envelope(client);
		reopen(bench, client, false);
		return true;
	default:
		return false;
	}
}

/* Acts on what has come. false = it failed. */
static bool go_on(struct bench *bench, struct client *client)
{
	uint8_t request[10] = { 5, 1, 0, 1 };

	switch (client->step) {
	case GREETING:
		if (client->bytes < 2)
			return true;
		if (client->answer[0] != 5 || client->answer[1] != 0)
			return false;
		memcpy(request + 4, &bench->host, 4);
		request[8] = (uint8_t)(bench->host_port >> 8);
		request[9] = (uint8_t)bench->host_port;
		client->step = REQUEST;
		client->bytes = 0;
		return say(client, request, sizeof(request));
	case REQUEST:
		if (client->bytes < 10)
			return true;
		if (client->answer[0] != 5 || client->answer[1] != 0)
			return false;
		client->bytes -= 10;
		memmove(client->answer, client->answer + 10, client->bytes);
		client->step = BANNER;
		client->expected = 1;
		return go_on_smtp(bench, client);
	default:
		return go_on_smtp(bench, client);
	}
}

static void on_event(struct bench *bench, struct client *client, uint32_t events)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };
	ssize_t got;

	if (events & (EPOLLERR | EPOLLHUP)) {
		reopen(bench, client, true);
		return;
	}
	if (events & EPOLLOUT) {
		bool good = client->step == MAIL ? say_mail(bench, client)
						 : say(client, "\x05\x01\x00", 3) &&
							   !epoll_ctl(bench->poll, EPOLL_CTL_MOD, client->fd, &event);

		if (!good) {
			reopen(bench, client, true);
			return;
		}
	}
	if (!(events & EPOLLIN))
		return;
	got = recv(client->fd, client->answer + client->bytes, sizeof(client->answer) - client->bytes, 0);
	if (got > 0)
		client->bytes += (uint32_t)got;
	if (got == 0 || (got < 0 && errno != EAGAIN) || !go_on(bench, client))
		reopen(bench, client, true);
}

/* Opens anew what has made no step for long: on a loaded machine a connection may be lost without a word. */
static void sweep(struct bench *bench)
{
	uint64_t now_ns = bench_now_ns();

	for (uint32_t i = 0; i < bench->count; i++) {
		if (now_ns - bench->clients[i].began_ns > 20000000000ull)
			reopen(bench, &bench->clients[i], true);
	}
}

static void run_until(struct bench *bench, uint64_t end_ns)
{
	struct epoll_event events[EVENTS];

	while (bench_now_ns() < end_ns) {
		int count = epoll_wait(bench->poll, events, EVENTS, 100);

		for (int i = 0; i < count; i++)
			on_event(bench, events[i].data.ptr, events[i].events);
	}
}

int main(int argc, char **argv)
{
	struct bench bench = { .poll = epoll_create1(EPOLL_CLOEXEC) };
	struct rlimit files;
	uint64_t seconds, began_ns, cpu_ns, accepted, failed;

	if (argc != 9) {
		fprintf(stderr, "usage: mail_clients PROXY PROXIES PORT HOST PORT CONNECTIONS MAILS-EACH SECONDS\n");
		return 2;
	}
	if (inet_pton(AF_INET, argv[1], &bench.proxy) != 1 || inet_pton(AF_INET, argv[4], &bench.host) != 1)
		bench_die(0, "expected IPv4 addresses");
	bench.proxies = (uint32_t)bench_number("PROXIES", argv[2]);
	bench.proxy_port = (uint16_t)bench_number("PORT", argv[3]);
	bench.host_port = (uint16_t)bench_number("PORT", argv[5]);
	bench.count = (uint32_t)bench_number("CONNECTIONS", argv[6]);
	bench.mails_each = (uint32_t)bench_number("MAILS-EACH", argv[7]);
	seconds = bench_number("SECONDS", argv[8]);
	bench.clients = calloc(bench.count, sizeof(*bench.clients));
	if (!bench.clients || !bench.proxies)
		bench_die(ENOMEM, "clients");
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	bench_pin(0);
	make_mail(&bench);
	for (uint32_t i = 0; i < bench.count; i++)
		open_client(&bench, &bench.clients[i]);
	run_until(&bench, bench_now_ns() + 1000000000u);
	accepted = bench.accepted;
	failed = bench.failed;
	began_ns = bench_now_ns();
	cpu_ns = bench_cpu_ns();
	for (uint64_t second = 0; second < seconds; second++) {
		run_until(&bench, began_ns + (second + 1) * 1000000000u);
		sweep(&bench);
	}
	began_ns = bench_now_ns() - began_ns;
	printf("mails %.0f a second, clients' CPU %.0f%%, failed %llu, connections %llu, all %llu\n",
	       (double)(bench.accepted - accepted) * 1e9 / (double)began_ns,
	       (double)(bench_cpu_ns() - cpu_ns) * 100 / (double)began_ns, (unsigned long long)(bench.failed - failed),
	       (unsigned long long)bench.connections, (unsigned long long)bench.accepted);
	return 0;
}
