/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kmod_figures.c - what the kernel module costs: admission by kfunc against the map at a million flows, and its guard
 * on an answer.
 *
 * In:  a guest with the module armed for 1,048,576 flows on sensor0 (decoy 198.18.0.0/16, port 8080), whose far end is
 * up. Out: figures; or with the argument send: seconds that ANSWERS answers take, as a line. Called by the script kmod.
 * The guest is emulated: only ratios mean anything.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../include/otori/datapath.h"
#include "bench.h"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion" /* made by bpftool */
#include <admission.skel.h>
#pragma GCC diagnostic pop

#define FLOWS (1u << 20)
#define BUCKETS (1u << 18)
#define CALLS (1u << 16) /* of a test run */
#define ANSWERS 20000u
#define ROUNDS 5

/* Least time of a call, in ns, while all flows are gone through once. */
static double time_of(struct admission_bpf *bench, struct bpf_program *program, int count_entered)
{
	static uint8_t frame[64];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame), .repeat = CALLS);
	double least = 1e12;

	bench->bss->next_flow = bench->bss->entered = 0;
	for (unsigned done = 0; done < FLOWS; done += CALLS) {
		int err = bpf_prog_test_run_opts(bpf_program__fd(program), &run);

		if (err)
			bench_die(-err, "test run of %s", bpf_program__name(program));
		if (run.duration < least)
			least = run.duration;
	}
	if (count_entered && bench->bss->entered < FLOWS - FLOWS / 100)
		bench_die(0, "%s: only %u of %u flows", bpf_program__name(program), bench->bss->entered, FLOWS);
	return least;
}

static void admission(void)
{
	struct admission_bpf *bench = admission_bpf__open();
	double nothing, map, kernel;
	struct bpf_map *one;
	int err;

	if (!bench)
		bench_die(errno, "admission.bpf.c");
	bpf_object__for_each_map(one, bench->obj) if (!bpf_map__is_internal(one)) bpf_map__set_pin_path(one, NULL);
	bpf_map__set_max_entries(bench->maps.admission, BUCKETS);
	bench->rodata->admission_mask = BUCKETS - 1;
	err = admission_bpf__load(bench);
	if (err)
		bench_die(-err, "loading admission.bpf.c (is the module loaded, with kfuncs?)");
	nothing = time_of(bench, bench->progs.bench_nothing, 0);
	map = time_of(bench, bench->progs.bench_map_enter, 1) - nothing;
	kernel = time_of(bench, bench->progs.bench_kernel_enter, 1) - nothing;
	bench_figure("admission_enter_ns", kernel, "ns, emulated", "the map", map, 1);
	map = time_of(bench, bench->progs.bench_map_find, 1) - nothing;
	kernel = time_of(bench, bench->progs.bench_kernel_find, 1) - nothing;
	bench_figure("admission_find_ns", kernel, "ns, emulated", "the map", map, 1);
	admission_bpf__destroy(bench);
}

/* The answer to the n-th flow of admission.bpf.c, marked, past the qdisc. */
static void answer(uint8_t *frame, uint32_t n)
{
	uint32_t to = htonl(0x0a000000 | n);

	memset(frame, 0, 54);
	memcpy(frame, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00", 14);
	memcpy(frame + 14, "\x45\x00\x00\x28\x00\x00\x40\x00\x40\x06\x00\x00\xc6\x12\x00\x05", 16);
	memcpy(frame + 30, &to, 4);
	memcpy(frame + 34, "\x1f\x90\x9c\x40\x00\x00\x00\x01\x00\x00\x00\x01\x50\x10\xff\xff", 16);
}

static void send_answers(void)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex("sensor0"),
				  .sll_halen = 6 };
	uint32_t mark = OTORI_TRANSMIT_MARK;
	int s = socket(AF_PACKET, SOCK_RAW, 0), one = 1;
	uint64_t least = UINT64_MAX;
	uint8_t frame[54];

	if (s < 0 || !at.sll_ifindex || setsockopt(s, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0 ||
	    setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
		bench_die(errno, "packet socket on sensor0");
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t began = bench_now_ns(), took;
		uint32_t refused = 0;

		for (uint32_t n = 0; n < ANSWERS; n++) {
			answer(frame, n * 52 % FLOWS);
			if (sendto(s, frame, sizeof(frame), 0, (struct sockaddr *)&at, sizeof(at)) < 0)
				refused++;
		}
		took = bench_now_ns() - began;
		/* at a million flows a full bucket here and there has refused one */
		if (refused > ANSWERS / 50)
			bench_die(ENOBUFS, "%u of %u answers did not leave", refused, ANSWERS);
		if (took < least)
			least = took;
	}
	printf("answer_ns %llu\n", (unsigned long long)(least / ANSWERS));
	close(s);
}

int main(int argc, char **argv)
{
	bench_pin(0);
	if (argc == 2 && strcmp(argv[1], "send") == 0)
		send_answers();
	else
		admission();
	return 0;
}
