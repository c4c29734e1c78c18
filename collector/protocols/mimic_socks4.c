// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mimic_socks4.c - SOCKS4 and 4a: one request, granted.
 *
 * In:  04, command, port, address, user id, 00 and, where the address is 0.0.0.x (4a), a host name, 00.
 * Out: 00 5a and six zeros, a hop, a tunnel; BIND is recorded and refused with 5b. Called by conversation.c.
 */
#include "protocols/mimic.h"

#define HEAD_BYTES 8
/* User id and host name together; what is longer is an overlong field (an exploit) and no request. */
#define REQUEST_MAX_BYTES 2048

#define COMMAND_CONNECT 1
#define COMMAND_BIND 2

struct socks4_state {
	bool bad;
	uint8_t zeros;	/* terminators seen */
	uint8_t wanted; /* 1, of 4a 2; 0 = the head is not whole */
};

_Static_assert(sizeof(struct socks4_state) <= MIMIC_STATE_BYTES, "state must fit");

static enum sniff socks4_sniff(struct slice prefix)
{
	if (prefix.bytes[0] != 4)
		return SNIFF_NO;
	if (prefix.length < 2)
		return SNIFF_MORE;
	return prefix.bytes[1] == COMMAND_CONNECT || prefix.bytes[1] == COMMAND_BIND ? SNIFF_YES : SNIFF_NO;
}

static bool has_name(const uint8_t *head)
{
	return !head[4] && !head[5] && !head[6] && head[7];
}

static void answer(struct turn *turn, uint8_t code)
{
	const uint8_t reply[8] = { 0, code };

	turn_say(turn, slice_of(reply, sizeof(reply)));
}

/* The request is whole: records it and answers. */
static void socks4_request(struct turn *turn)
{
	uint8_t raw[REQUEST_MAX_BYTES];
	char address[ADDRESS_TEXT_BYTES];
	size_t length = byte_queue_peek(turn->chunks, turn_pending(turn), 0, raw, sizeof(raw));
	size_t user_bytes = strnlen((const char *)raw + HEAD_BYTES, length - HEAD_BYTES);
	struct turn_request request = {
		.protocol = has_name(raw) ? "socks4a" : "socks4",
		.method = slice_of_text(raw[1] == COMMAND_CONNECT ? "CONNECT" : "BIND"),
		.port = raw[2] << 8 | raw[3],
		.user_id = slice_of(raw + HEAD_BYTES, user_bytes),
		.raw = slice_of(raw, length),
		.relay = true,
		.refused = raw[1] != COMMAND_CONNECT,
	};

	if (has_name(raw)) {
		size_t at = HEAD_BYTES + user_bytes + 1;

		request.host = slice_of(raw + at, length - at - 1);
	} else {
		struct address ip = { { raw[4], raw[5], raw[6], raw[7] }, false };

		request.host = slice_of_text(address_text(&ip, address));
	}
	turn_protocol(turn, request.protocol);
	turn_hop(turn, &request);
	byte_queue_clear(turn->chunks, turn_pending(turn));
	answer(turn, request.refused ? 0x5b : 0x5a);
	if (request.refused) {
		((struct socks4_state *)turn_state(turn))->bad = true;
		turn_close(turn);
	} else {
		turn_tunnel(turn);
	}
}

/* Counts terminators in what came; returns how many bytes belong to the request. */
static size_t take(struct turn *turn, struct socks4_state *state, struct slice bytes)
{
	size_t have = turn_pending(turn)->length, used = 0;

	while (used < bytes.length && (!state->wanted || state->zeros < state->wanted)) {
		uint8_t byte = bytes.bytes[used++];

		if (have + used <= HEAD_BYTES) {
			if (have + used == HEAD_BYTES) {
				uint8_t head[HEAD_BYTES];
				size_t old = byte_queue_peek(turn->chunks, turn_pending(turn), 0, head, HEAD_BYTES);

				memcpy(head + old, bytes.bytes, HEAD_BYTES - old);
				state->wanted = has_name(head) ? 2 : 1;
			}
		} else if (!byte) {
			state->zeros++;
		}
	}
	return used;
}

static size_t socks4_input(struct turn *turn, struct slice bytes)
{
	struct socks4_state *state = turn_state(turn);
	struct byte_queue *pending = turn_pending(turn);
	size_t used;

	if (state->bad) {
		turn_keep(turn, bytes);
		return bytes.length;
	}
	if (bytes.length > REQUEST_MAX_BYTES - pending->length)
		bytes.length = REQUEST_MAX_BYTES - pending->length;
	used = take(turn, state, bytes);
	if (turn_hold(turn, slice_of(bytes.bytes, used))) {
		turn_abort(turn);
		state->bad = true;
	} else if (state->wanted && state->zeros == state->wanted) {
		socks4_request(turn);
	} else if (pending->length == REQUEST_MAX_BYTES) {
		answer(turn, 0x5b);
		turn_close(turn);
		state->bad = true;
	}
	return used;
}

const struct mimic_ops mimic_socks4 = {
	.name = "socks4",
	.sniff = socks4_sniff,
	.input = socks4_input,
};
