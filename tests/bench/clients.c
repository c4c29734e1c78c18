/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clients.c - finds out how many conversations a second a server keeps up with.
 *
 * In:  a veth device whose far end the server has; what the clients say. Out: a line for each rate tried, and `best N
 * all N`. Called by conversations, in the clients' network namespace. Loads clients.bpf.c on that device for the time
 * that it runs.
 *
 * The rate is raised by half until less than 9 of 10 conversations complete, twice; then it is narrowed down. The
 * figure is the largest number that completed in a second, at whatever rate: a server that does less when it is asked
 * for more is not charged for it.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/types.h>
#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"
#include "clients.h"
#include <clients.skel.h>

#define FRAME_BYTES 67 /* a SYN of 66, and the byte that the program takes off */

struct options {
	const char *interface, *server_mac, *client_mac, *kind, *servers;
	uint64_t port, first_rate, last_rate, step_ms, cpu, generation, server_count;
};

struct generator {
	pthread_t thread;
	int program, cpu;
	volatile bool stop;
	int error;
};

/* Ends the test run: the kernel looks for a signal between two batches. */
static void on_signal(int number)
{
	(void)number;
}

static void *generate(void *argument)
{
	struct generator *generator = argument;
	uint8_t frame[FRAME_BYTES] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .repeat = INT32_MAX,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);

	bench_pin(generator->cpu);
	while (!generator->stop) {
		int error = bpf_prog_test_run_opts(generator->program, &options);

		if (error && error != -EINTR) {
			generator->error = error;
			break;
		}
	}
	return NULL;
}

static void step_says(struct clients_step *step, const void *say, size_t bytes, const void *answer,
		      uint32_t answer_bytes)
{
	uint32_t sum = 0;

	memset(step, 0, sizeof(*step));
	memcpy(step->say, say, bytes);
	step->say_bytes = (uint32_t)bytes;
	for (size_t i = 0; i + 1 < sizeof(step->say); i += 2)
		sum += (uint32_t)step->say[i] | (uint32_t)step->say[i + 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	step->say_sum = sum;
	memcpy(step->answer, answer, answer_bytes);
	step->answer_bytes = answer_bytes;
}

static void choose_kind(struct clients_settings *settings, const char *kind)
{
	static const char connect[] = "CONNECT 192.0.2.80:25 HTTP/1.1\r\nHost: 192.0.2.80:25\r\n\r\n";
	static const uint8_t greeting[] = { 5, 1, 0 }, request[] = { 5, 1, 0, 1, 192, 0, 2, 80, 0, 80 };

	settings->steps = 1;
	step_says(&settings->step[0], greeting, sizeof(greeting), "\x05\x00", 2);
	if (!strcmp(kind, "connect")) {
		step_says(&settings->step[0], connect, sizeof(connect) - 1, "HTTP", 4);
	} else if (!strcmp(kind, "socks-two-steps")) {
		settings->steps = 2;
		step_says(&settings->step[1], request, sizeof(request), "\x05\x00\x00\x01", 4);
	} else if (strcmp(kind, "socks")) {
		bench_die(0, "--kind %s: expected socks, socks-two-steps or connect", kind);
	}
}

static void read_mac(uint8_t *mac, const char *text)
{
	if (!text ||
	    sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]) != 6)
		bench_die(0, "'%s' is no hardware address", text ? text : "");
}

static struct clients_counts read_counts(int map)
{
	int cpus = libbpf_num_possible_cpus();
	struct clients_counts *each = calloc((size_t)cpus, sizeof(*each)), all = { 0 };
	uint32_t zero = 0;

	if (!each || bpf_map_lookup_elem(map, &zero, each))
		bench_die(errno, "cannot read the clients' counts");
	for (int i = 0; i < cpus; i++) {
		all.syns += each[i].syns;
		all.syn_acks += each[i].syn_acks;
		all.answers += each[i].answers;
		all.completed += each[i].completed;
		all.resets += each[i].resets;
		all.strays += each[i].strays;
	}
	free(each);
	return all;
}

/* Offers a rate for a step; prints what came of it; returns completed per second, and the share of what was sent. */
static double try_rate(struct clients_bpf *clients, uint64_t rate, uint64_t step_ms, double *share)
{
	struct clients_counts before, after;
	uint64_t began_ns, took_ns;
	double completed;

	clients->bss->interval_ns = 1000000000u / rate;
	/* what was under way belongs to the rate before */
	bench_sleep_ns(step_ms * 1000000 / 4);
	before = read_counts(bpf_map__fd(clients->maps.counts));
	began_ns = bench_now_ns();
	bench_sleep_ns(step_ms * 1000000);
	after = read_counts(bpf_map__fd(clients->maps.counts));
	took_ns = bench_now_ns() - began_ns;
	completed = (double)(after.completed - before.completed) * 1e9 / (double)took_ns;
	*share = after.syns > before.syns
			 ? (double)(after.completed - before.completed) / (double)(after.syns - before.syns)
			 : 0;
	printf("rate %llu sent %.0f answered %.0f completed %.0f resets %llu strays %llu\n", (unsigned long long)rate,
	       (double)(after.syns - before.syns) * 1e9 / (double)took_ns,
	       (double)(after.syn_acks - before.syn_acks) * 1e9 / (double)took_ns, completed,
	       (unsigned long long)(after.resets - before.resets), (unsigned long long)(after.strays - before.strays));
	fflush(stdout);
	/* lets the server come to rest: what it could not do must not be charged to the next rate */
	clients->bss->interval_ns = 0;
	bench_sleep_ns(200000000);
	return completed;
}

/* Whether the server keeps up with a rate, twice tried: other work may have taken the machine away. Raises best. */
static bool keeps_up(struct clients_bpf *clients, const struct options *options, uint64_t rate, double *best)
{
	double share = 0, completed;

	for (int attempt = 0; attempt < 2 && share < 0.9; attempt++) {
		completed = try_rate(clients, rate, options->step_ms, &share);
		if (completed > *best)
			*best = completed;
	}
	return share >= 0.9;
}

static double find_best(struct clients_bpf *clients, const struct options *options)
{
	uint64_t good = 0, bad = 0, rate = options->first_rate;
	double best = 0;

	while (!bad && rate <= options->last_rate) {
		if (keeps_up(clients, options, rate, &best))
			good = rate;
		else
			bad = rate;
		rate = rate * 3 / 2;
	}
	for (int i = 0; bad && i < 2; i++) {
		rate = (good + bad) / 2;
		if (keeps_up(clients, options, rate, &best))
			good = rate;
		else
			bad = rate;
	}
	return best;
}

static void parse(struct options *options, int argc, char **argv)
{
	for (int i = 1; i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(argv[i], "--interface"))
			options->interface = value;
		else if (!strcmp(argv[i], "--server-mac"))
			options->server_mac = value;
		else if (!strcmp(argv[i], "--client-mac"))
			options->client_mac = value;
		else if (!strcmp(argv[i], "--kind"))
			options->kind = value;
		else if (!strcmp(argv[i], "--servers"))
			options->servers = value;
		else if (!strcmp(argv[i], "--server-count"))
			options->server_count = bench_number(argv[i], value);
		else if (!strcmp(argv[i], "--port"))
			options->port = bench_number(argv[i], value);
		else if (!strcmp(argv[i], "--first-rate"))
			options->first_rate = bench_number(argv[i], value);
		else if (!strcmp(argv[i], "--last-rate"))
			options->last_rate = bench_number(argv[i], value);
		else if (!strcmp(argv[i], "--step-ms"))
			options->step_ms = bench_number(argv[i], value);
		else if (!strcmp(argv[i], "--cpu"))
			options->cpu = bench_number(argv[i], value);
		else if (!strcmp(argv[i], "--generation"))
			options->generation = bench_number(argv[i], value);
		else
			bench_die(0, "unknown option %s", argv[i]);
	}
	if (!options->interface || !if_nametoindex(options->interface))
		bench_die(errno, "--interface %s", options->interface ? options->interface : "is missing");
	if (!options->server_count || options->server_count & (options->server_count - 1))
		bench_die(0, "--server-count: expected a power of two");
}

int main(int argc, char **argv)
{
	struct options options = { .kind = "socks",
				   .servers = "198.18.0.0",
				   .server_count = 65536,
				   .port = 1080,
				   .first_rate = 20000,
				   .last_rate = 4000000,
				   .step_ms = 1000 };
	struct sigaction action = { .sa_handler = on_signal };
	struct generator generator = { 0 };
	struct clients_settings settings = { 0 };
	struct clients_bpf *clients;
	uint64_t completed;
	double best;
	int index;

	parse(&options, argc, argv);
	sigaction(SIGUSR1, &action, NULL);
	clients = clients_bpf__open_and_load();
	if (!clients)
		bench_die(errno, "cannot load the clients' programs");
	index = (int)if_nametoindex(options.interface);
	read_mac(settings.client_mac, options.client_mac);
	read_mac(settings.server_mac, options.server_mac);
	settings.port_be = htons((uint16_t)options.port);
	settings.generation = (uint16_t)options.generation;
	settings.interface = (uint32_t)index;
	settings.server_mask = (uint32_t)options.server_count - 1;
	if (inet_pton(AF_INET, options.servers, &settings.servers_be) != 1)
		bench_die(0, "--servers %s: expected an IPv4 address", options.servers);
	choose_kind(&settings, options.kind);
	clients->bss->settings = settings;

	/* a link goes with the process, however it ends */
	clients->links.play = bpf_program__attach_xdp(clients->progs.play, index);
	if (!clients->links.play)
		bench_die(errno, "cannot attach to %s", options.interface);
	generator.program = bpf_program__fd(clients->progs.generate);
	generator.cpu = (int)options.cpu;
	if (pthread_create(&generator.thread, NULL, generate, &generator))
		bench_die(errno, "cannot make a thread");
	best = find_best(clients, &options);
	generator.stop = true;
	pthread_kill(generator.thread, SIGUSR1);
	pthread_join(generator.thread, NULL);
	completed = read_counts(bpf_map__fd(clients->maps.counts)).completed;
	clients_bpf__destroy(clients);
	if (generator.error)
		bench_die(generator.error, "the test run with live frames failed");
	printf("best %.0f all %llu\n", best, (unsigned long long)completed);
	return 0;
}
