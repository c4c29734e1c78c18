/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolver.c - see resolver.h.
 *
 * In:  questions. Out: answers, by c-ares. Called by names.c. Reads nothing of what an answer says but through
 * dns_answer.c.
 */
#include "enrichment/resolver.h"

#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DNS_PORT 53
#define CLASS_IN 1
/* What a resolver may send by UDP (DNS flag day 2020); longer answers come by TCP. */
#define UDP_BYTES 1232
#define NANOSECONDS 1000000000LL

struct resolver {
	ares_channel channel;
	long long pause_ns;   /* between two questions */
	long long next_at_ns; /* when the next one may be sent */
	unsigned in_flight, unanswered;
	unsigned long asked;
	bool silent, cancelling;
};

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NANOSECONDS + now.tv_nsec;
}

/* Reads a port at the end of text. 0 or -EINVAL. */
static int parse_port(const char *text, int *port)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || number < 1 || number > 65535)
		return -EINVAL;
	*port = (int)number;
	return 0;
}

static int parse_server(const char *server, struct address *address, int *port)
{
	char host[ADDRESS_TEXT_BYTES];
	const char *begin = server, *end = server + strlen(server);
	const char *colon = strchr(server, ':');

	*port = DNS_PORT;
	if (*server == '[') {
		begin++;
		end = strchr(begin, ']');
		if (!end || (end[1] && (end[1] != ':' || parse_port(end + 2, port))))
			return -EINVAL;
	} else if (colon && !strchr(colon + 1, ':')) {
		end = colon;
		if (parse_port(colon + 1, port))
			return -EINVAL;
	}
	if ((size_t)(end - begin) >= sizeof host)
		return -EINVAL;
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	return address_parse(host, address);
}

static int set_server(ares_channel channel, const struct address *address, int port)
{
	struct ares_addr_port_node node = { .family = address->ipv6 ? AF_INET6 : AF_INET,
					    .udp_port = port,
					    .tcp_port = port };

	memcpy(&node.addr, address->bytes, address->ipv6 ? 16 : 4);
	return ares_set_servers_ports(channel, &node);
}

int resolver_open(const char *server, unsigned per_second, struct resolver **resolver, char *text, size_t text_bytes)
{
	static char nowhere[] = "/dev/null", dns_only[] = "b";
	struct ares_options options = {
		/* every answer is seen as it came; an answer by UDP that is cut is asked for again by TCP */
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP | ARES_FLAG_EDNS,
		.timeout = RESOLVER_TIMEOUT_MILLISECONDS,
		.tries = RESOLVER_TRIES,
		.ednspsz = UDP_BYTES,
		.lookups = dns_only,
		.resolvconf_path = nowhere,
	};
	struct resolver *made;
	struct address address;
	int port, status;

	*resolver = NULL;
	if (parse_server(server, &address, &port)) {
		snprintf(text, text_bytes, "--resolver: expected ADDRESS, ADDRESS:PORT or [IPV6]:PORT, got '%.100s'",
			 server);
		return -EINVAL;
	}
	made = calloc(1, sizeof *made);
	if (!made) {
		snprintf(text, text_bytes, "out of memory");
		return -ENOMEM;
	}
	made->pause_ns = NANOSECONDS / per_second;
	status = ares_init_options(&made->channel, &options,
				   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
					   ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF);
	if (status != ARES_SUCCESS) {
		free(made);
		snprintf(text, text_bytes, "cannot prepare questions to %.100s: %s", server, ares_strerror(status));
		return -EIO;
	}
	status = set_server(made->channel, &address, port);
	if (status != ARES_SUCCESS) {
		resolver_close(made);
		snprintf(text, text_bytes, "cannot prepare questions to %.100s: %s", server, ares_strerror(status));
		return -EIO;
	}
	*resolver = made;
	return 0;
}

void resolver_close(struct resolver *resolver)
{
	if (!resolver)
		return;
	ares_destroy(resolver->channel);
	free(resolver);
}

static void answered(void *context, int status, int timeouts, unsigned char *bytes, int length)
{
	struct dns_question *question = context;
	struct resolver *resolver = question->resolver;

	(void)timeouts;
	resolver->in_flight--;
	if (resolver->cancelling) {
		question->asked = false;
		return;
	}
	if (bytes && length > 0) {
		resolver->unanswered = 0;
		dns_answer_read(slice_of(bytes, (size_t)length), question->name, question->type, &question->answer);
		return;
	}
	question->answer = (struct dns_answer){ .state = DNS_UNKNOWN, .why = "the resolver did not answer" };
	if (status == ARES_EBADNAME)
		question->answer.why = "no name that can be asked for";
	else if (status != ARES_ETIMEOUT)
		question->answer.why = "the resolver could not be reached, or answered no DNS";
	if (status != ARES_EBADNAME && ++resolver->unanswered >= RESOLVER_SILENT_AFTER)
		resolver->silent = true;
}

/* Sends what the rate allows now. */
static size_t send_some(struct resolver *resolver, struct dns_question *questions, size_t next, size_t count)
{
	long long now = now_ns();

	/* what was not used of the last second is lost: a resolver gets no bursts */
	if (resolver->next_at_ns < now - resolver->pause_ns)
		resolver->next_at_ns = now;
	while (next < count && resolver->in_flight < RESOLVER_IN_FLIGHT && resolver->next_at_ns <= now) {
		struct dns_question *question = &questions[next++];

		question->resolver = resolver;
		question->asked = true;
		resolver->in_flight++;
		resolver->asked++;
		resolver->next_at_ns += resolver->pause_ns;
		ares_query(resolver->channel, question->name, CLASS_IN, question->type, answered, question);
	}
	return next;
}

/* How long may be waited: for c-ares' next timeout, and where there is more to send, for the rate. */
static int wait_milliseconds(const struct resolver *resolver, bool more)
{
	struct timeval longest = { 1, 0 }, until;
	const struct timeval *timeout = ares_timeout(resolver->channel, &longest, &until);
	long long wait = (long long)timeout->tv_sec * 1000 + timeout->tv_usec / 1000 + 1;

	if (more && resolver->in_flight < RESOLVER_IN_FLIGHT) {
		long long due = (resolver->next_at_ns - now_ns()) / 1000000 + 1;

		wait = due < wait ? due : wait;
	}
	return wait < 0 ? 0 : (int)wait;
}

/* Waits for the resolver and lets c-ares read. 0 or negative errno. */
static int take_answers(const struct resolver *resolver, bool more)
{
	ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
	struct pollfd polled[ARES_GETSOCK_MAXNUM];
	int wanted = ares_getsock(resolver->channel, sockets, ARES_GETSOCK_MAXNUM);
	nfds_t count = 0;
	int ready;

	for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		short events = (short)((ARES_GETSOCK_READABLE(wanted, i) ? POLLIN : 0) |
				       (ARES_GETSOCK_WRITABLE(wanted, i) ? POLLOUT : 0));

		if (events)
			polled[count++] = (struct pollfd){ .fd = sockets[i], .events = events };
	}
	ready = poll(polled, count, wait_milliseconds(resolver, more));
	if (ready < 0 && errno != EINTR)
		return -errno;
	for (nfds_t i = 0; ready > 0 && i < count; i++) {
		if (polled[i].revents)
			ares_process_fd(resolver->channel,
					polled[i].revents & (POLLIN | POLLERR | POLLHUP) ? polled[i].fd
											 : ARES_SOCKET_BAD,
					polled[i].revents & POLLOUT ? polled[i].fd : ARES_SOCKET_BAD);
	}
	ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* timeouts */
	return 0;
}

int resolver_ask(struct resolver *resolver, struct dns_question *questions, size_t count,
		 const volatile sig_atomic_t *stop)
{
	size_t next = 0;
	int error = 0;

	for (size_t i = 0; i < count; i++) {
		questions[i].asked = false;
		questions[i].answer = (struct dns_answer){ 0 };
	}
	while (!error && (next < count || resolver->in_flight)) {
		if (*stop)
			error = -EINTR;
		else if (resolver->silent)
			error = -ETIMEDOUT;
		else
			next = send_some(resolver, questions, next, count);
		if (!error && (next < count || resolver->in_flight))
			error = take_answers(resolver, next < count);
	}
	if (error) {
		resolver->cancelling = true;
		ares_cancel(resolver->channel);
		resolver->cancelling = false;
	}
	return error;
}

unsigned long resolver_asked(const struct resolver *resolver)
{
	return resolver->asked;
}
