/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conversation_state.h - what is remembered of one conversation.
 *
 * In:  nothing. Out: struct conversation. Included by conversation.c and turn.c only; mimics see it through mimic.h.
 */
#ifndef OTORI_CONVERSATION_STATE_H
#define OTORI_CONVERSATION_STATE_H

#include "protocols/mimic.h"

struct conversation {
	const struct mimic_ops *ops; /* of the innermost layer; NULL = its first bytes are still being told apart */
	const char *protocol;	     /* static; NULL until told */
	uint64_t access, started_at_ns;
	struct endpoints endpoints;
	uint32_t next_free;
	uint64_t bytes_in;
	uint64_t kept; /* bytes given to turn_keep; payload holds the first of them */
	struct byte_queue payload;
	struct byte_queue pending;
	struct byte_queue first_host; /* of the first request */
	struct byte_queue relay_host; /* of the innermost hop, where it is not the first request's */
	int32_t first_port, relay_port;
	uint32_t hops, mails, turns, first_segment_bytes;
	uint16_t requests, credentials;
	uint8_t level;
	uint8_t depth; /* enum depth */
	bool first_relay : 1, first_absolute : 1;
	bool relay_is_first : 1; /* the innermost hop is the first request */
	bool server_first : 1;	 /* the banner of this layer was said */
	bool inner_bytes : 1;	 /* a byte that is no line end came in this layer */
	bool keep_no_more : 1;
	bool closing : 1;
	bool left : 1; /* the layer was left within the mimic's call */
	_Alignas(8) uint8_t state[MIMIC_STATE_BYTES];
};

_Static_assert(sizeof(struct conversation) <= 512, "a million idle conversations must fit");

#endif
