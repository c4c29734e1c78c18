/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mimic.h - what an imitation is, and everything that it may do.
 *
 * In:  a turn (one call into a conversation). Out: struct mimic_ops, of which each mimic_*.c ends in one, and turn_*,
 * the only ways by which a mimic speaks, records, keeps, grants a tunnel or closes. Included by protocols/ only. A
 * mimic does no I/O, allocates nothing, looks at no clock and holds no memory but its state and the chunks of its
 * queues.
 */
#ifndef OTORI_MIMIC_H
#define OTORI_MIMIC_H

#include "probe/scan.h"
#include "protocols/conversation.h"

/* What a mimic may remember; a mimic that needs more has two nouns in it. */
#define MIMIC_STATE_BYTES 192

/* Longest prefix that sniffing may look at; the first bytes of every known greeting are shorter. */
#define SNIFF_MAX_BYTES 96

/* Working memory of one turn, shared by all conversations of a worker: a header block and a page made of it. */
#define TURN_BLOCK_BYTES 32768
#define TURN_PAGE_BYTES 65536

/* Of a hop's raw bytes, kept in the record. */
#define HOP_RAW_MAX_BYTES 8192
/* A conversation writes at most so many hop rows and credentials; beyond, they are only counted (a flood of tiny
 * requests). */
#define HOP_ROWS_MAX 512
#define CREDENTIAL_ROWS_MAX 64

enum sniff { SNIFF_NO, SNIFF_MORE, SNIFF_YES };

struct turn;

struct mimic_ops {
	const char *name; /* access.protocol and hop.protocol */
	/*
	 * Is prefix the beginning of this protocol? MORE = it still can be. The answer for a prefix may not change with
	 * longer ones once it is YES or NO: sniffing goes byte by byte, so that no cut of the stream changes the
	 * outcome.
	 */
	enum sniff (*sniff)(struct slice prefix);
	/* The server speaks first on this layer: say the banner. Only where the layer is a mail server's; may be NULL.
	 */
	void (*greet)(struct turn *turn);
	/* The conversation's innermost layer is now this mimic's; its state is zero. May be NULL. */
	void (*open)(struct turn *turn);
	/*
	 * Takes bytes from the front (length is never 0) and returns how many, at least one unless it has left the
	 * layer by turn_tunnel or turn_switch. What it takes it gives to turn_keep, unless it is the DATA of a mail.
	 */
	size_t (*input)(struct turn *turn, struct slice bytes);
	/* The client has closed its side. May be NULL. */
	void (*half_closed)(struct turn *turn);
	/* The layer ends: record what broke off, blank secrets of what is pending, clear queues of the state. May be
	 * NULL. */
	void (*end)(struct turn *turn);
};

/* One call into a conversation; lives on the stack of the call. */
struct turn {
	struct conversation_pool *pool;
	struct conversation *conversation;
	const struct mimic_policy *policy;
	struct chunk_pool *chunks;
	struct byte_queue *output; /* NULL at the end of a conversation */
	struct conversation_result *result;
	uint64_t now_ns;
	uint8_t *block;		 /* TURN_BLOCK_BYTES */
	char *page;		 /* TURN_PAGE_BYTES */
	struct scan_decoy *scan; /* what the last probe was looked for by */
};

/* mimics.c: all of them, in the order in which they are asked. */
extern const struct mimic_ops *const mimics[];
extern const size_t mimic_count;
extern const struct mimic_ops mimic_http, mimic_socks4, mimic_socks5, mimic_smtp, mimic_tls, mimic_unknown;

/* The state of the innermost layer, MIMIC_STATE_BYTES, 8-byte aligned. */
void *turn_state(struct turn *turn);
/* Bytes that wait for the rest of a line, a block, a request; the layer's own, cleared when the layer ends. */
struct byte_queue *turn_pending(struct turn *turn);
/* 0 = the client speaks to the decoy itself. */
unsigned int turn_level(const struct turn *turn);
const struct endpoints *turn_endpoints(const struct turn *turn);
/* Destination of the innermost hop: copies at most size bytes of the host; returns its length. */
size_t turn_relay(const struct turn *turn, char *host, size_t size, int32_t *port);
/* Port is one on which the server speaks first. */
bool turn_server_first(const struct turn *turn, int32_t port);

/* Appends to the output. Nothing is said once the conversation closes. A full pool breaks the conversation off. */
void turn_say(struct turn *turn, struct slice bytes);
/* The same by printf, at most 1,023 bytes. */
void turn_sayf(struct turn *turn, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* FIN after what was said; the client's bytes are still taken in. */
void turn_close(struct turn *turn);
bool turn_closing(const struct turn *turn);
/* RST: what a network fault looks like. */
void turn_abort(struct turn *turn);
/* Holds back what this turn says by low_ms and a share of spread_ms that varies by decoy, conversation and turn. */
void turn_delay(struct turn *turn, uint32_t low_ms, uint32_t spread_ms);

/* Keeps bytes for access.payload. */
void turn_keep(struct turn *turn, struct slice bytes);
/*
 * Keeps bytes and appends them to pending. 0, or -ENOBUFS: then all that was pending is gone and, since it could hold
 * part of a secret, blanked, and nothing more is kept.
 */
int turn_hold(struct turn *turn, struct slice bytes);
/* Stops keeping: the payload is marked as truncated. */
void turn_keep_no_more(struct turn *turn);
/* How many bytes were given to turn_keep so far: positions for turn_blank. */
uint64_t turn_kept(const struct turn *turn);
/* Overwrites length kept bytes from position by '*', unless the operator wants secrets in clear. */
void turn_blank(struct turn *turn, uint64_t position, size_t length);

/* Names what the client speaks to the decoy; ignored above level 0. name is static. */
void turn_protocol(struct turn *turn, const char *name);
/* Raises depth; never lowers it. */
void turn_depth(struct turn *turn, enum depth depth);

/* A request as a mimic understood it. Slices are borrowed. */
struct turn_request {
	const char *protocol;
	struct slice method, host, target, user_agent, user_id, raw;
	int32_t port;	    /* -1 = none */
	bool relay;	    /* it asks for a relay */
	bool absolute_form; /* an HTTP request with a whole URL */
	bool refused;
};

/* Records the request as a hop; the first decides relay and class of the access. */
void turn_hop(struct turn *turn, const struct turn_request *request);
/* Grants the tunnel that was just recorded: what follows is a new layer's. The caller returns at once. */
void turn_tunnel(struct turn *turn);
/* Gives the new layer bytes that the one before it had held back, and not yet kept. They lie outside the layer's state.
 */
void turn_give(struct turn *turn, struct slice bytes);
/* The rest of this layer is another mimic's (STARTTLS). The caller returns at once. */
void turn_switch(struct turn *turn, const struct mimic_ops *ops);

/* Records a credential; the secret leaves only as a keyed hash unless the operator wants it in clear. */
void turn_credential(struct turn *turn, const char *mechanism, struct slice username, struct slice secret);

/* Ids and sums for records of the mimic's own. */
uint64_t turn_access(const struct turn *turn);
uint64_t turn_new_id(struct turn *turn);
void turn_count_mail(struct turn *turn);

/* 64 keyed bits of text that are the same for one decoy at all times. */
uint64_t turn_decoy_hash(const struct turn *turn, struct slice text);

#endif
