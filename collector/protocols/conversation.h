/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conversation.h - one visitor's dialogue with a decoy: a stack of imitations, fed with in-order bytes.
 *
 * In:  the client's bytes in order, and what is known of the connection. Out: bytes to send, records, and a wish to
 * close. Called by responder/flow (live), replay and the unit tests, which all use it as it is. Pure: no I/O, no clock
 * but the `now_ns` it is given, no allocation but from the pools it is given.
 *
 * Layers: the first bytes decide (sniff.c) which mimic takes the conversation. A mimic that grants a tunnel says so,
 * and the bytes behind its request go to a new layer (the next mimic, told by the bytes, or SMTP where the relay port
 * makes the server speak first). At most CONVERSATION_MAX_LEVELS layers; only the innermost has state, so a
 * conversation is small.
 */
#ifndef OTORI_CONVERSATION_H
#define OTORI_CONVERSATION_H

#include "base/byte_queue.h"
#include "base/slice.h"
#include "record/record.h"

#define CONVERSATION_MAX_LEVELS 8
#define CONVERSATION_PAYLOAD_MAX_BYTES 65536

/* Settings of the sensor that imitations obey. Read only while conversations live. */
struct mimic_policy {
	uint64_t secret_key[2];	 /* keys the hash of secrets and what varies from decoy to decoy (names, jitter) */
	bool secrets_clear;	 /* secrets = clear */
	bool impersonate;	 /* impersonate = yes */
	bool replay;		 /* the client's bytes decide; nothing is sent */
	bool offer_starttls;	 /* false until a TLS process exists */
	uint64_t mail_max_bytes; /* 32 MiB */
	uint32_t page_bytes;	 /* length of a page answered to a plain GET of an unknown host; 0 = natural length */
	const uint16_t *server_first_ports; /* 25, 587, 2525 */
	size_t server_first_port_count;
	/* true where address is a decoy of this sensor (to flag destinations). May be NULL. */
	bool (*is_decoy)(const void *context, const struct address *address);
	const void *is_decoy_context;
};

struct conversation; /* opaque: conversation.c; sizeof by conversation_bytes() */

/* Where conversations live, one per worker: fixed at open. */
struct conversation_pool {
	const struct mimic_policy *policy; /* borrowed */
	struct chunk_pool *chunks;	   /* borrowed; payload, header blocks, recipients */
	struct record_buffer *records;	   /* borrowed; the owner empties it between calls */
	uint64_t (*new_id)(void *context); /* ids for mails */
	void *new_id_context;
	void *memory; /* owned */
	uint32_t conversations, free_head, never_used, used;
};

int conversation_pool_open(struct conversation_pool *pool, uint32_t conversations);
void conversation_pool_close(struct conversation_pool *pool);
size_t conversation_bytes(void);

/* About how many bytes of chunks it holds: what was said outside mails, at least. For choosing who makes room. */
uint64_t conversation_held_bytes(const struct conversation *conversation);

/* What is known of a connection when a conversation begins. */
struct conversation_start {
	uint64_t access; /* id */
	struct endpoints endpoints;
	uint64_t started_at_ns;
};

/* What a call wants of the caller. Output bytes were appended to the queue given. */
struct conversation_result {
	uint32_t delay_ms; /* hold the bytes of this call back that long (jitter of a believable server); 0 = at once */
	bool close;	   /* send FIN once all output has gone */
	bool abort;	   /* break off as a network fault would: RST */
};

/* Ports on which a mail server greets first: for mimic_policy, live and in a replay alike. */
#define CONVERSATION_SERVER_FIRST_PORTS 3
extern const uint16_t conversation_server_first_ports[CONVERSATION_SERVER_FIRST_PORTS];

/* A conversation on this decoy port begins with the server's banner: it must be begun at open and not at the first
 * byte. */
bool conversation_server_first(const struct mimic_policy *policy, uint16_t decoy_port);

/*
 * Begins a conversation; output: bytes to send at once (a banner), may stay empty. NULL where the pool is exhausted.
 */
struct conversation *conversation_begin(struct conversation_pool *pool, const struct conversation_start *start,
					uint64_t now_ns, struct byte_queue *output, struct conversation_result *result);

/* Takes in-order bytes of the client (any length, any cut). All bytes are consumed. Never fails: what does not fit is
 * counted. */
void conversation_input(struct conversation_pool *pool, struct conversation *conversation, struct slice bytes,
			uint64_t now_ns, struct byte_queue *output, struct conversation_result *result);

/*
 * The client has closed its side (FIN): an answer to what is whole may follow; a mail that broke off is recorded by
 * end().
 */
void conversation_half_closed(struct conversation_pool *pool, struct conversation *conversation, uint64_t now_ns,
			      struct byte_queue *output, struct conversation_result *result);

/*
 * Ends it: fills in protocol, relay, class, depth, payload, hops, mails of *access (slices point into scratch, which is
 * at least CONVERSATION_SCRATCH_BYTES and belongs to the caller), appends records of mails that broke off, and frees
 * it. bytes_in counts what conversation_input was given. Endpoints, times, bytes_out, end_reason are the caller's to
 * fill.
 */
#define CONVERSATION_SCRATCH_BYTES (CONVERSATION_PAYLOAD_MAX_BYTES + 8192)
void conversation_end(struct conversation_pool *pool, struct conversation *conversation, uint64_t now_ns,
		      struct record_access *access, uint8_t *scratch);

#endif
