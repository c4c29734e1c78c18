// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - otori-responder: the process that talks with strangers and may do nothing else.
 *
 * In:  the descriptors of contract.h, and messages of the supervisor. Out: what its workers send and write. Started by
 * the supervisor only. May not open anything after sandbox_seal; before it, nothing but what contract.h hands over.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "responder/contract.h"
#include "responder/sandbox.h"
#include "responder/serve.h"

struct responder {
	struct responder_start *start; /* mapped, read only */
	struct responder_page *page;   /* mapped, shared */
	struct mimic_policy policy;
	struct serve *serves[OTORI_MAX_RINGS];
	pthread_t threads[OTORI_MAX_RINGS];
	unsigned running;
	pthread_mutex_t gate; /* held until the process is sealed: no thread takes an event before */
};

struct thread_start {
	struct responder *responder;
	struct serve *serve;
};

static int complain(const char *what, int error)
{
	fprintf(stderr, "otori-responder: %s: %s\n", what, strerror(-error));
	return error;
}

static void *map_whole(int fd, size_t bytes, int protection)
{
	struct stat status;
	void *memory;

	if (fstat(fd, &status) || status.st_size < 0 || (size_t)status.st_size < bytes)
		return NULL;
	memory = mmap(NULL, bytes, protection, MAP_SHARED, fd, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

static int take_contract(struct responder *responder)
{
	responder->start = map_whole(RESPONDER_FD_START, sizeof(*responder->start), PROT_READ);
	responder->page = map_whole(RESPONDER_FD_PAGE, sizeof(*responder->page), PROT_READ | PROT_WRITE);
	if (!responder->start || !responder->page)
		return complain("the start block or the counter page can't be mapped", -EINVAL);
	if (responder->start->version != RESPONDER_START_VERSION || responder->page->magic != RESPONDER_PAGE_MAGIC ||
	    responder->page->version != RESPONDER_PAGE_VERSION)
		return complain("the start block or the counter page is of another version", -EPROTO);
	if (!responder->start->workers || responder->start->workers > OTORI_MAX_RINGS || !responder->start->devices ||
	    responder->start->devices > OTORI_MAX_DEVICES || responder->start->prefixes > OTORI_MAX_PREFIXES)
		return complain("the start block holds impossible numbers", -EINVAL);
	return 0;
}

/* True where the first bits of both agree. */
static bool within(const uint8_t address[16], const struct responder_prefix *prefix)
{
	unsigned bytes = prefix->bits / 8, bits = prefix->bits % 8;

	if (prefix->bits > 128 || memcmp(address, prefix->address, bytes))
		return false;
	return !bits || (address[bytes] ^ prefix->address[bytes]) >> (8 - bits) == 0;
}

static bool is_decoy(const void *context, const struct address *address)
{
	const struct responder_start *start = context;
	uint8_t whole[16] = { [10] = 0xff, [11] = 0xff };

	if (address->ipv6)
		memcpy(whole, address->bytes, 16);
	else
		memcpy(whole + 12, address->bytes, 4);
	for (uint32_t i = 0; i < start->prefixes; i++)
		if (within(whole, &start->prefix[i]))
			return true;
	return false;
}

static void make_policy(struct responder *responder)
{
	const struct responder_start *start = responder->start;
	struct mimic_policy *policy = &responder->policy;

	policy->secret_key[0] = start->secret[0];
	policy->secret_key[1] = start->secret[1];
	policy->secrets_clear = start->secrets_clear;
	policy->impersonate = start->impersonate;
	policy->offer_starttls = start->offer_starttls;
	policy->mail_max_bytes = start->mail_max_bytes;
	policy->page_bytes = start->page_bytes;
	policy->server_first_ports = conversation_server_first_ports;
	policy->server_first_port_count = CONVERSATION_SERVER_FIRST_PORTS;
	policy->is_decoy = is_decoy;
	policy->is_decoy_context = start;
}

static int open_serves(struct responder *responder)
{
	for (unsigned i = 0; i < responder->start->workers; i++) {
		struct serve_settings settings = { .start = responder->start,
						   .policy = &responder->policy,
						   .page = responder->page,
						   .ring = (uint8_t)i };
		const char *what;
		int error = serve_open(&responder->serves[i], &settings, &what);

		if (error)
			return complain(what, error);
	}
	return 0;
}

static void *thread_main(void *argument)
{
	struct thread_start start = *(struct thread_start *)argument;

	free(argument);
	pthread_mutex_lock(&start.responder->gate);
	pthread_mutex_unlock(&start.responder->gate);
	return serve_run(start.serve);
}

/* The number-th CPU of those that this process may use. */
static void pin(pthread_attr_t *attributes, unsigned number)
{
	cpu_set_t allowed, one;
	unsigned count, seen = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return;
	count = (unsigned)CPU_COUNT(&allowed);
	for (unsigned cpu = 0; count && cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || seen++ != number % count)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		pthread_attr_setaffinity_np(attributes, sizeof(one), &one);
		return;
	}
}

static int start_threads(struct responder *responder)
{
	for (unsigned i = 0; i < responder->start->workers; i++) {
		struct thread_start *start = malloc(sizeof(*start));
		pthread_attr_t attributes;
		int error;

		if (!start)
			return complain("memory", -ENOMEM);
		start->responder = responder;
		start->serve = responder->serves[i];
		pthread_attr_init(&attributes);
		if (responder->start->pin_workers)
			pin(&attributes, i);
		error = pthread_create(&responder->threads[i], &attributes, thread_main, start);
		pthread_attr_destroy(&attributes);
		if (error) {
			free(start);
			return complain("a thread can't be made", -error);
		}
		responder->running++;
	}
	return 0;
}

/* The next message of the supervisor; *fd: a descriptor that came with it, or -1. False where the supervisor is gone.
 */
static bool receive(struct responder_message *message, int *fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr aligned;
	} control;
	struct iovec part = { message, sizeof(*message) };
	struct msghdr header = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)
	};
	struct cmsghdr *ancillary;
	ssize_t bytes;

	*fd = -1;
	do {
		bytes = recvmsg(RESPONDER_FD_NOTIFY, &header, MSG_CMSG_CLOEXEC);
	} while (bytes < 0 && errno == EINTR);
	if (bytes <= 0)
		return false;
	ancillary = CMSG_FIRSTHDR(&header);
	if (ancillary && ancillary->cmsg_level == SOL_SOCKET && ancillary->cmsg_type == SCM_RIGHTS &&
	    ancillary->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(ancillary), sizeof(int));
	if (bytes != sizeof(*message))
		message->kind = 0;
	return true;
}

static void serve_messages(struct responder *responder)
{
	struct responder_message message;
	int fd;

	while (receive(&message, &fd) && message.kind != RESPONDER_STOP) {
		if (message.kind == RESPONDER_SEGMENT && fd >= 0 && message.worker < responder->start->workers) {
			serve_segment(responder->serves[message.worker], message.value, fd);
			continue;
		}
		if (fd >= 0)
			close(fd);
		if (message.kind == RESPONDER_TRANSMIT)
			for (unsigned i = 0; i < responder->start->workers; i++)
				serve_transmit(responder->serves[i], message.value != 0);
	}
}

static void finish(struct responder *responder)
{
	for (unsigned i = 0; i < responder->running; i++)
		serve_stop(responder->serves[i]);
	for (unsigned i = 0; i < responder->running; i++)
		pthread_join(responder->threads[i], NULL);
	for (unsigned i = 0; i < OTORI_MAX_RINGS; i++)
		serve_close(responder->serves[i]);
}

static int run(struct responder *responder)
{
	struct responder_message ready = { .kind = RESPONDER_READY };
	int error = take_contract(responder);

	if (error)
		return error;
	make_policy(responder);
	error = open_serves(responder);
	if (error)
		return error;
	error = sandbox_drop();
	if (error)
		return complain("capabilities can't be dropped", error);
	pthread_mutex_lock(&responder->gate);
	error = start_threads(responder);
	if (!error) {
		error = sandbox_seal(RESPONDER_FD_NOTIFY);
		if (error)
			complain("the system call filter can't be loaded", error);
	}
	if (error)
		_exit(1); /* threads wait at the gate, and nothing has been taken yet */
	pthread_mutex_unlock(&responder->gate);
	if (write(RESPONDER_FD_NOTIFY, &ready, sizeof(ready)) == sizeof(ready))
		serve_messages(responder);
	finish(responder);
	return 0;
}

int main(int argc, char **argv)
{
	static struct responder responder;

	if (argc != 2 || strcmp(argv[1], "--contract")) {
		fprintf(stderr, "otori-responder: is started by `otori run` alone\n");
		return 2;
	}
	/* The terminal's Ctrl-C and a service manager's SIGTERM reach us too; the supervisor says when to stop, or is
	 * gone. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&responder.gate, NULL);
	return run(&responder) ? 1 : 0;
}
