/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle_flows.c - how much memory a silent flow takes, beside a socket of the kernel.
 *
 * In:  nothing. Out: the figures idle_flow_bytes (handshake done, nothing said: what most visitors of a decoy leave
 * behind) and idle_flow_after_greeting_bytes (a SOCKS greeting was answered, the request is awaited). Called by run;
 * root, for a namespace.
 *
 * otori: a worker in this process is given FLOWS flows through its interface; counted is all memory that the process
 * then has more than before the worker was opened (resident, so the pools' untouched parts are not), plus two admission
 * slots of 8 bytes. The kernel: all slab memory that connected sockets with an epoll registration of one end take,
 * divided by their number, counted in a namespace of its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../include/otori/event.h"
#include "bench.h"
#include "protocols/conversation.h"
#include "responder/worker.h"

#define FLOWS 1000000u
#define GREETED (FLOWS / 4) /* each takes two of the FLOWS chunks, one of which a sensor has for each flow */
#define ADMISSION_BYTES 16  /* two slots a flow */
#define PAIRS 9000
#define START_NS 1700000000000000000ull

struct bench {
	struct worker *worker;
	uint64_t sequence, frames;
	uint8_t frame[2048];
};

static uint8_t *reserve(void *context, uint8_t device, uint32_t bytes)
{
	struct bench *bench = context;

	(void)device;
	return bytes <= sizeof(bench->frame) ? bench->frame : NULL;
}

static void submit(void *context, uint32_t bytes)
{
	(void)bytes;
	((struct bench *)context)->frames++;
}

static void flush(void *context)
{
	(void)context;
}

static uint64_t resident_bytes(void)
{
	unsigned long long pages = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file || fscanf(file, "%llu %llu", &pages, &resident) != 2)
		bench_die(errno, "/proc/self/statm");
	fclose(file);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* An event of flow number n. */
static void give(struct bench *bench, uint32_t n, uint8_t kind, uint32_t said, uint32_t heard, const void *payload,
		 uint32_t bytes, uint64_t now_ns)
{
	static uint8_t record[512];
	struct otori_event *event = (struct otori_event *)record;
	uint32_t source = htonl(0x0a000000 | (n & 0xffff) << 8 | n >> 16),
		 decoy = htonl(0xc6120000 | (n * 40503u >> 3 & 0xffff));

	memset(record, 0, sizeof(record));
	event->sequence = ++bench->sequence;
	event->time_ns = now_ns;
	event->minute = (uint32_t)(now_ns / 60000000000u);
	event->slot = n * 2;
	memcpy(event->source, &source, 4);
	memcpy(event->destination, &decoy, 4);
	event->source_port_be = htons(10240);
	event->destination_port_be = htons(1080);
	event->seq = n * 7919 + said;
	event->ack = n * 104729 + heard;
	event->window = 64240;
	event->payload_bytes = (uint16_t)bytes;
	event->tcp_flags = bytes ? 0x18 : 0x10;
	event->kind = kind;
	event->flags = kind == OTORI_EVENT_open ? OTORI_EVENT_OPTIONS_KNOWN : 0;
	event->ttl = 52;
	event->cookie_window_scale = 7;
	event->cookie_sack = 1;
	event->cookie_mss = 1460;
	if (bytes)
		memcpy(record + sizeof(*event), payload, bytes);
	worker_event(bench->worker, record, bytes ? 512 : 128, now_ns);
	if (worker_full(bench->worker))
		record_buffer_reset(worker_records(bench->worker));
}

static void open_worker(struct bench *bench, struct responder_page *page)
{
	static const uint16_t server_first[] = { 25, 587, 2525 };
	static const struct mimic_policy policy = { .mail_max_bytes = 32 << 20,
						    .server_first_ports = server_first,
						    .server_first_port_count = 3 };
	static struct frame_sink sink = { reserve, submit, flush, NULL };
	struct worker_settings settings = { .flows = FLOWS,
					    .conversations = FLOWS,
					    .chunks = FLOWS,
					    .record_bytes = 4 << 20,
					    .idle_seconds = 60,
					    .total_seconds = 600,
					    .mtu = 1500,
					    .policy = &policy };
	int error;

	sink.context = bench;
	page->magic = RESPONDER_PAGE_MAGIC;
	page->version = RESPONDER_PAGE_VERSION;
	page->workers = 1;
	page->ports[1] = 1080;
	error = worker_open(&bench->worker, &settings, &sink, page);
	if (error)
		bench_die(error, "cannot open a worker with %u flows", FLOWS);
	worker_segment(bench->worker, 1);
}

static void bench_worker(double *silent, double *greeted)
{
	struct responder_page *page = calloc(1, sizeof(*page));
	struct bench *bench = calloc(1, sizeof(*bench));
	uint64_t before, now_ns = START_NS;

	if (!page || !bench)
		bench_die(ENOMEM, "worker");
	before = resident_bytes();
	open_worker(bench, page);
	for (uint32_t n = 0; n < FLOWS; n++)
		give(bench, n, OTORI_EVENT_open, 1, 1, NULL, 0, now_ns);
	worker_tick(bench->worker, now_ns);
	if (page->worker[0].flows_open != FLOWS)
		bench_die(0, "of %u flows %llu are open", FLOWS, (unsigned long long)page->worker[0].flows_open);
	*silent = (double)(resident_bytes() - before) / FLOWS + ADMISSION_BYTES;
	before = resident_bytes();
	now_ns += 100000000;
	for (uint32_t n = 0; n < GREETED; n++)
		give(bench, n, OTORI_EVENT_segment, 1, 1, "\x05\x01\x00", 3, now_ns);
	/* whatever jitter held the answers back is over */
	for (int i = 0; i < 20; i++)
		worker_tick(bench->worker, now_ns += 50000000);
	if (bench->frames < GREETED)
		bench_die(0, "%u greetings had %llu answers", GREETED, (unsigned long long)bench->frames);
	for (uint32_t n = 0; n < GREETED; n++)
		give(bench, n, OTORI_EVENT_segment, 4, 3, NULL, 0, now_ns);
	worker_tick(bench->worker, now_ns);
	if (page->worker[0].flows_open != FLOWS)
		bench_die(0, "of %u flows %llu are left", FLOWS, (unsigned long long)page->worker[0].flows_open);
	*greeted = *silent + (double)(resident_bytes() - before) / GREETED;
	worker_close(bench->worker);
	free(bench);
	free(page);
}

static double slab_bytes(void)
{
	FILE *file = fopen("/proc/slabinfo", "r");
	char line[512], name[64];
	double sum = 0;

	/* active objects of every cache: pages that are held for others, half empty, are not counted against the kernel
	 */
	while (file && fgets(line, sizeof(line), file)) {
		unsigned long active, all, size;

		if (sscanf(line, "%63s %lu %lu %lu", name, &active, &all, &size) == 4)
			sum += (double)active * (double)size;
	}
	if (!file || !sum)
		bench_die(errno, "/proc/slabinfo");
	fclose(file);
	return sum;
}

static void link_up(void)
{
	struct ifreq request = { .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	strcpy(request.ifr_name, "lo");
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		bench_die(errno, "lo");
	close(fd);
}

/* Bytes of slab that a connected, silent socket takes; in a child, so that nothing of it stays. */
static double connect_pairs(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event event = { .events = EPOLLIN };
	socklen_t length = sizeof(address);
	int listener, poll, *fds = calloc(2 * PAIRS, sizeof(*fds));
	double before, sockets, registered;

	if (unshare(CLONE_NEWNET))
		bench_die(errno, "cannot make a network namespace");
	link_up();
	listener = socket(AF_INET, SOCK_STREAM, 0);
	poll = epoll_create1(0);
	if (!fds || listener < 0 || poll < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(listener, 128) || getsockname(listener, (struct sockaddr *)&address, &length))
		bench_die(errno, "cannot listen");
	before = slab_bytes();
	for (int i = 0; i < PAIRS; i++) {
		fds[2 * i] = socket(AF_INET, SOCK_STREAM, 0);
		if (fds[2 * i] < 0 || connect(fds[2 * i], (struct sockaddr *)&address, sizeof(address)))
			bench_die(errno, "connection %d", i);
		fds[2 * i + 1] = accept(listener, NULL, NULL);
		if (fds[2 * i + 1] < 0)
			bench_die(errno, "connection %d", i);
	}
	sockets = slab_bytes() - before;
	for (int i = 0; i < PAIRS; i++) {
		if (epoll_ctl(poll, EPOLL_CTL_ADD, fds[2 * i + 1], &event))
			bench_die(errno, "epoll");
	}
	registered = slab_bytes() - before - sockets;
	return sockets / (2 * PAIRS) + registered / PAIRS;
}

static double bench_kernel(void)
{
	struct rlimit files = { 2 * PAIRS + 100, 2 * PAIRS + 100 };
	double bytes = 0;
	int channel[2], status;
	pid_t child;

	if (pipe(channel))
		bench_die(errno, "pipe");
	child = fork();
	if (!child) {
		if (setrlimit(RLIMIT_NOFILE, &files))
			bench_die(errno, "cannot have %d descriptors", 2 * PAIRS);
		bytes = connect_pairs();
		exit(write(channel[1], &bytes, sizeof(bytes)) == sizeof(bytes) ? 0 : 1);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status ||
	    read(channel[0], &bytes, sizeof(bytes)) != sizeof(bytes))
		bench_die(0, "the kernel's sockets could not be measured");
	close(channel[0]);
	close(channel[1]);
	return bytes;
}

int main(void)
{
	double kernel = bench_kernel(), silent, greeted;

	bench_worker(&silent, &greeted);
	bench_figure("idle_flow_bytes", silent, "bytes", "kernel socket with epoll", kernel, 1);
	bench_figure("idle_flow_after_greeting_bytes", greeted, "bytes", "kernel socket with epoll", kernel, 1);
	return 0;
}
