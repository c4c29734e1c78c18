/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * clients.h - what clients.c tells clients.bpf.c, and what it counts back.
 * In: nothing. Out: the structures. Included by those two only.
 */
#ifndef OTORI_BENCH_CLIENTS_H
#define OTORI_BENCH_CLIENTS_H

#define CLIENTS_SAY_BYTES 64

/* What the clients say at one step; the answer that is waited for is told by its first bytes. */
struct clients_step {
	__u8 say[CLIENTS_SAY_BYTES];
	__u32 say_bytes;    /* 1 to CLIENTS_SAY_BYTES - 1 */
	__u32 say_sum;	    /* ones' complement sum of say, folded, in network order */
	__u8 answer[4];	    /* the answer begins so */
	__u32 answer_bytes; /* how many of answer count, 1 to 4 */
};

struct clients_settings {
	__u8 client_mac[6], server_mac[6];
	__u16 port_be;
	__u16 generation;  /* goes into the source port, so that runs after each other do not share tuples */
	__u32 interface;   /* ifindex of the clients' end */
	__u32 steps;	   /* 1 or 2 */
	__u32 servers_be;  /* first address of the servers */
	__u32 server_mask; /* how many of them, minus one; a power of two minus one */
	struct clients_step step[2];
};

struct clients_counts {
	__u64 syns, syn_acks, answers, completed, resets, strays;
};

#endif
