/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream.h - one TCP conversation as a tap before the server sees it, on a path that loses, swaps and repeats.
 *
 * In:  what each side says. Out: frames on a tape; when the handshake was done, when which byte of the client had
 * arrived in order. Called by the visits. The faults come from the plan; what they do to the bytes' arrival is followed
 * here, byte for byte, since the end of a mail is when its last byte arrived in order.
 */
#ifndef NPA2008_STREAM_H
#define NPA2008_STREAM_H

#include "frame.h"
#include "plan.h"
#include "random.h"
#include "tape.h"

#define STREAM_GAPS 8

enum stream_end { STREAM_FIN, STREAM_SERVER_FIN, STREAM_RST, STREAM_SILENCE, STREAM_ENDS };

/* Told of each SYN that a client sent with a right checksum. */
struct stream_watch {
	void (*syn)(void *context, int64_t time_ns, const struct endpoint *from, const struct endpoint *to);
	void *context;
};

struct stream {
	struct tape *tape;
	struct random random;
	const struct plan *plan;
	const struct stream_watch *watch;
	struct endpoint client, server;
	int64_t now_ns, rtt_ns;
	uint32_t client_isn, server_isn;
	uint64_t client_said, server_said; /* bytes */
	uint64_t acked;			   /* of the client's, by the server */
	uint32_t mss;
	uint16_t client_window, server_window, ip_id;
	bool time_stamps;
	uint8_t ttl;
	int64_t started_ns; /* the handshake was done */
	uint64_t arrived;   /* bytes of the client that have arrived in order */
	int64_t arrived_ns; /* when the last of them did */
	struct {
		uint64_t from, until;
	} early[STREAM_GAPS]; /* arrived before what stands before it */
	unsigned early_count;
};

/* Nothing is sent yet. */
void stream_begin(struct stream *stream, const struct plan *plan, struct tape *tape, const struct stream_watch *watch,
		  uint64_t seed, int64_t start_ns);

/* SYN, SYN-ACK, ACK. */
void stream_open(struct stream *stream);

/* The client says something; it has arrived whole when this returns (arrived_ns says when). */
void stream_say(struct stream *stream, const void *bytes, size_t length);

/* The server answers. */
void stream_answer(struct stream *stream, const void *bytes, size_t length);
void stream_answer_text(struct stream *stream, const char *text);

/* Some time passes. */
void stream_wait(struct stream *stream, int64_t ns);

void stream_close(struct stream *stream, enum stream_end how);

/* One segment of the client's, outside of any order: noise. */
void stream_client_segment(struct stream *stream, uint8_t flags, uint64_t offset, const void *data, size_t bytes,
			   bool bad_checksum);

/* The same of the server's. */
void stream_server_segment(struct stream *stream, uint8_t flags);

#endif
