/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow.h - the flows of one worker: what a TCP connection needs while it is silent, and what it needs while it talks.
 *
 * In:  4-tuples with VLAN ids. Out: struct flow, found, made and given back. Called by worker.c, tcp_input.c,
 * tcp_output.c. May not send, look at a clock, or know what is said on a flow.
 *
 * A silent flow costs sizeof(struct flow) and a place in the hash table. What only a talking one needs lies in a struct
 * talk. Both come from pools that are mapped at start and touched when they are first used; flows and talks are named
 * by index + 1, 0 = none. The table is keyed, so that strangers can't choose tuples that collide.
 */
#ifndef OTORI_RESPONDER_FLOW_H
#define OTORI_RESPONDER_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../include/otori/event.h"
#include "base/byte_queue.h"
#include "protocols/conversation.h"
#include "responder/reassembly.h"
#include "responder/timer_wheel.h"

#define TCP_FIN 0x01u
#define TCP_SYN 0x02u
#define TCP_RST 0x04u
#define TCP_PSH 0x08u
#define TCP_ACK 0x10u
#define TCP_URG 0x20u

/* Serial number arithmetic (RFC 9293, 3.4). */
static inline bool seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool seq_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/*
 * States of RFC 9293, 3.3.2. A flow begins at ESTABLISHED, since XDP makes the handshake. In what follows "recorded"
 * says whether the conversation has been written down: it is, once both sides have closed.
 */
enum flow_state {
	FLOW_FREE,
	FLOW_ESTABLISHED,
	FLOW_FIN_WAIT_1,
	FLOW_FIN_WAIT_2,
	FLOW_CLOSE_WAIT,
	FLOW_CLOSING,
	FLOW_LAST_ACK,
	FLOW_TIME_WAIT,
};

/* flow.flags */
#define FLOW_TIMESTAMPS 0x0001u	     /* both sides send timestamps (RFC 7323) */
#define FLOW_SACK 0x0002u	     /* selective acknowledgements were agreed on (RFC 2018) */
#define FLOW_ACK_PENDING 0x0004u     /* stands in the worker's list of acknowledgements to send */
#define FLOW_WANTS_CLOSE 0x0008u     /* FIN follows once all output has been sent */
#define FLOW_FIN_SENT 0x0010u	     /* snd_max is behind our FIN */
#define FLOW_FIN_HELD 0x0020u	     /* the client's FIN came before the bytes in front of it: talk.fin_seq */
#define FLOW_RETRANSMIT 0x0040u	     /* the retransmission timer runs: talk.retransmit_at */
#define FLOW_PERSIST 0x0080u	     /* the persist timer runs (same place): the client's window is shut */
#define FLOW_DELAYED 0x0100u	     /* output is held back until talk.release_at */
#define FLOW_RECOVERY 0x0200u	     /* NewReno's fast recovery, until talk.recover is acknowledged */
#define FLOW_TIMING 0x0400u	     /* talk.timed_seq is being timed */
#define FLOW_RECORDED 0x0800u	     /* the access has been written; what is left is TCP's business */
#define FLOW_WINDOW_SHUT 0x1000u     /* we advertised less than a segment: tell the client when that changes */
#define FLOW_SEGMENT_UNACKED 0x2000u /* one in-order segment waits for a second or for the end of the batch */
#define FLOW_ACK_NOW 0x4000u	     /* a second one came: no more waiting */

/* Who talks to whom. VLAN ids without priority bits; shape is what of otori_event.flags tells address family and tags.
 */
struct flow_key {
	uint8_t source[16], decoy[16];
	uint16_t source_port_be, decoy_port_be;
	uint16_t vlan_id[2];
	uint8_t shape;
	uint8_t zero[3];
};

#define FLOW_SHAPE (OTORI_EVENT_IPV6 | OTORI_EVENT_VLAN_COUNT | OTORI_EVENT_VLAN_OUTER_8021AD)

/* Sequence numbers as in RFC 9293; times of 32 bits are ticks of the worker (ms), compared like sequence numbers. */
struct flow {
	struct flow_key key;
	uint32_t hash, hash_next;
	uint8_t state; /* only flow_enter_state() writes it */
	uint8_t port_index;
	uint8_t device;
	uint8_t ttl; /* of the completing ACK */
	uint32_t talk;
	struct timer_node timer; /* timer.user: bucket of the source's prefix */
	uint32_t heard;		 /* when the client was last heard */
	uint32_t rcv_nxt, rcv_edge;
	uint32_t snd_una, snd_nxt, snd_max; /* snd_max: highest ever sent; snd_nxt falls back for a retransmission */
	uint32_t snd_wnd, snd_wl1, snd_wl2;
	uint32_t ts_recent, ts_offset; /* TSval of ours = tick + ts_offset */
	uint16_t flags;
	uint16_t mss;	    /* of what we send, options not counted */
	uint8_t peer_scale; /* shift of the client's windows */
	uint8_t our_scale;  /* shift of ours */
	uint8_t retries;
	uint8_t open_scale : 4, open_sack : 1; /* as the client offered; 15 = no scale */
	uint16_t ip_id;
	uint16_t open_mss, open_window;
	uint8_t source_mac[6], decoy_mac[6];
	uint16_t vlan_tci_be[2];
	uint32_t minute; /* in which it is counted as opened */
	uint64_t started_at_ns;
	uint64_t access;
};

/* A range that the client has acknowledged selectively (RFC 2018); empty where from = to. */
struct sack_range {
	uint32_t from, to;
};

#define TALK_SACK_RANGES 4

struct talk {
	struct conversation *conversation; /* owned; NULL before the first byte */
	struct byte_queue output;	   /* from snd_una on */
	struct reassembly held;		   /* segments that came too early */
	uint32_t released;		   /* bytes of output that may be sent; the others are held back by a delay */
	uint32_t release_at;
	uint32_t retransmit_at;
	uint32_t fin_seq; /* with FLOW_FIN_HELD */
	uint32_t cwnd, ssthresh, recover;
	uint32_t srtt, rttvar; /* ms << 3 and ms << 2 (RFC 6298, as Jacobson scales them); srtt 0 = not measured */
	uint32_t rto;	       /* ms, with backoff */
	uint32_t timed_seq, timed_at;
	uint32_t hole_next;	/* in recovery: the next hole to fill begins here or behind */
	uint32_t last_held_seq; /* newest early segment: its block leads the SACK option */
	uint32_t first_segment_bytes;
	uint32_t conflicting_bytes;
	uint32_t free_next; /* while it is free */
	uint64_t bytes_in, bytes_out;
	struct sack_range sacked[TALK_SACK_RANGES];
	uint8_t duplicate_acks;
};

#define FLOW_PREFIX_BUCKETS 65536

struct flow_table {
	struct flow *flows; /* owned, mapped lazily */
	struct talk *talks; /* owned, mapped lazily */
	uint32_t *heads;    /* owned, mapped lazily: hash table */
	uint32_t *prefixes; /* owned: flows by bucket of the source's /24 or /48 */
	uint32_t size, mask;
	uint32_t free_flow, never_used_flow, used_flows;
	uint32_t free_talk, never_used_talk, used_talks;
	uint64_t secret[2];
};

/* 0 or -ENOMEM, -EINVAL. */
int flow_table_open(struct flow_table *table, uint32_t flows, const uint64_t secret[2]);
void flow_table_close(struct flow_table *table);

static inline struct flow *flow_at(const struct flow_table *table, uint32_t name)
{
	return &table->flows[name - 1];
}

static inline uint32_t flow_name(const struct flow_table *table, const struct flow *flow)
{
	return (uint32_t)(flow - table->flows) + 1;
}

static inline struct talk *flow_talk(const struct flow_table *table, const struct flow *flow)
{
	return flow->talk ? &table->talks[flow->talk - 1] : NULL;
}

/* The key of an event and its hash. */
void flow_key_of(const struct otori_event *event, struct flow_key *key);
uint32_t flow_hash(const struct flow_table *table, const struct flow_key *key);

/* Fetch ahead what flow_find will look at: first the place in the table, later the flow. */
void flow_prefetch_head(const struct flow_table *table, uint32_t hash);
void flow_prefetch(const struct flow_table *table, uint32_t hash);
/* The flow of this key, or NULL. */
struct flow *flow_find(const struct flow_table *table, const struct flow_key *key, uint32_t hash);
/* A new flow with this key, all else 0; NULL where the pool is used up. There must be none of that key. */
struct flow *flow_new(struct flow_table *table, const struct flow_key *key, uint32_t hash);
/* Gives a flow back. Its talk and its timer must be gone. */
void flow_free(struct flow_table *table, struct flow *flow);

/* A talk for a flow that has none (never NULL: there are as many as flows), and its end. */
struct talk *talk_new(struct flow_table *table, struct flow *flow);
void talk_free(struct flow_table *table, struct flow *flow);

/* Any place that was ever used, free or not; NULL where there is none. random is advanced. */
struct flow *flow_drawn(const struct flow_table *table, uint64_t *random);

/*
 * Picks the flow that goes where another needs its place; NULL only where the table is empty. Fair at low cost: of 32
 * flows drawn at random those whose source prefix (/24, /48) has the most flows, and of these the one silent for
 * longest. A prefix with a share p of the flows is hit with probability 1 - (1 - p)^32; one that has few is never hit
 * while a bigger one was drawn. random is advanced. talking: only those that hold a conversation.
 */
struct flow *flow_victim(const struct flow_table *table, uint64_t *random, uint32_t now, bool talking);

#endif
