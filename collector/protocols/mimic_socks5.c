// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mimic_socks5.c - SOCKS5 (RFC 1928) with user name and password (RFC 1929).
 *
 * In:  greeting, perhaps name and password, request; pipelined or not. Out: method 00 where it is offered, else 02; 01
 * 00 to any password; 05 00 00 01 and six zeros to CONNECT (always ATYP 1: some clients read ten bytes); 07 to other
 * commands. Called by conversation.c. After the greeting the first byte of a message tells what it is, so that a client
 * which agreed on another method with a recorded server is understood too.
 */
#include "protocols/mimic.h"

#include <stdio.h>

#define COMMAND_CONNECT 1
#define COMMAND_BIND 2
#define COMMAND_UDP_ASSOCIATE 3
#define COMMAND_RESOLVE 0xf0
#define COMMAND_RESOLVE_PTR 0xf1

#define ATYP_IPV4 1
#define ATYP_NAME 3
#define ATYP_IPV6 4

#define REPLY_GRANTED 0
#define REPLY_COMMAND_NOT_SUPPORTED 7
#define REPLY_ADDRESS_NOT_SUPPORTED 8

/* The longest message: version, length, name, length, password. */
#define MESSAGE_MAX_BYTES 513

enum socks5_message { MESSAGE_GREETING, MESSAGE_LATER, MESSAGE_BAD };

struct socks5_state {
	uint8_t message;   /* enum socks5_message */
	bool password_due; /* we asked for one, and none has come */
};

_Static_assert(sizeof(struct socks5_state) <= MIMIC_STATE_BYTES, "state must fit");

static enum sniff socks5_sniff(struct slice prefix)
{
	if (prefix.bytes[0] != 5)
		return SNIFF_NO;
	return prefix.length < 2 ? SNIFF_MORE : SNIFF_YES;
}

/* Length of a whole message of which the first have bytes are known; more than have = so many are needed to tell. 0 =
 * bad. */
static size_t request_bytes(const uint8_t *message, size_t have)
{
	if (have < 5)
		return 5;
	switch (message[3]) {
	case ATYP_IPV4:
		return 10;
	case ATYP_IPV6:
		return 22;
	case ATYP_NAME:
		return 7u + message[4];
	default:
		return 0;
	}
}

static size_t password_bytes(const uint8_t *message, size_t have)
{
	size_t name = have < 2 ? 0 : message[1];

	if (have < 2)
		return 2;
	return have < name + 3 ? name + 3 : name + 3 + message[name + 2];
}

static size_t message_bytes(enum socks5_message kind, const uint8_t *message, size_t have)
{
	if (kind == MESSAGE_GREETING)
		return have < 2 ? 2 : 2u + message[1];
	if (have < 1)
		return 1;
	return message[0] == 5 ? request_bytes(message, have) : message[0] == 1 ? password_bytes(message, have) : 0;
}

static void greeting(struct turn *turn, struct socks5_state *state, const uint8_t *message)
{
	uint8_t reply[2] = { 5, 0 };

	if (!memchr(message + 2, 0, message[1]) && memchr(message + 2, 2, message[1]))
		reply[1] = 2;
	state->password_due = reply[1] == 2;
	turn_say(turn, slice_of(reply, sizeof(reply)));
}

static void password(struct turn *turn, const uint8_t *message)
{
	static const uint8_t reply[2] = { 1, 0 };
	size_t name = message[1], secret = message[name + 2];

	turn_credential(turn, "socks5", slice_of(message + 2, name), slice_of(message + name + 3, secret));
	turn_blank(turn, turn_kept(turn) - secret, secret);
	turn_say(turn, slice_of(reply, sizeof(reply)));
}

static struct slice method_name(uint8_t command, char *text, size_t size)
{
	switch (command) {
	case COMMAND_CONNECT:
		return slice_of_text("CONNECT");
	case COMMAND_BIND:
		return slice_of_text("BIND");
	case COMMAND_UDP_ASSOCIATE:
		return slice_of_text("UDP ASSOCIATE");
	case COMMAND_RESOLVE:
		return slice_of_text("RESOLVE");
	case COMMAND_RESOLVE_PTR:
		return slice_of_text("RESOLVE_PTR");
	default:
		snprintf(text, size, "0x%02x", command);
		return slice_of_text(text);
	}
}

static void refuse(struct turn *turn, uint8_t code)
{
	const uint8_t reply[10] = { 5, code, 0, ATYP_IPV4 };

	turn_say(turn, slice_of(reply, sizeof(reply)));
	((struct socks5_state *)turn_state(turn))->message = MESSAGE_BAD;
	turn_close(turn);
}

/* The request is whole: records it; returns true where it opened a tunnel. */
static void socks5_request(struct turn *turn, const uint8_t *message, size_t length)
{
	static const uint8_t granted[10] = { 5, REPLY_GRANTED, 0, ATYP_IPV4 };
	char name[8], text[ADDRESS_TEXT_BYTES];
	struct turn_request request = {
		.protocol = "socks5",
		.method = method_name(message[1], name, sizeof(name)),
		.port = message[length - 2] << 8 | message[length - 1],
		.raw = slice_of(message, length),
		.relay = true,
		.refused = message[1] != COMMAND_CONNECT,
	};

	if (message[3] == ATYP_NAME) {
		request.host = slice_of(message + 5, message[4]);
	} else {
		struct address address = { .ipv6 = message[3] == ATYP_IPV6 };

		memcpy(address.bytes, message + 4, address.ipv6 ? 16 : 4);
		request.host = slice_of_text(address_text(&address, text));
	}
	turn_hop(turn, &request);
	if (request.refused) {
		refuse(turn, REPLY_COMMAND_NOT_SUPPORTED);
		return;
	}
	turn_say(turn, slice_of(granted, sizeof(granted)));
	turn_tunnel(turn);
}

/* Collects the message's next bytes; *whole where it is complete. Returns the bytes taken. */
static size_t collect(struct turn *turn, enum socks5_message kind, struct slice bytes, uint8_t *message, size_t *length,
		      bool *whole)
{
	struct byte_queue *pending = turn_pending(turn);
	size_t have = byte_queue_peek(turn->chunks, pending, 0, message, MESSAGE_MAX_BYTES), used = 0;
	size_t want = message_bytes(kind, message, have);

	while (want > have && used < bytes.length) {
		size_t part = want - have < bytes.length - used ? want - have : bytes.length - used;

		memcpy(message + have, bytes.bytes + used, part);
		have += part;
		used += part;
		want = message_bytes(kind, message, have);
	}
	*length = have;
	*whole = want && want == have;
	if (!want && !used)
		used = bytes.length;
	return used;
}

/* Where a password is due and something else comes, the password is in it: some clients give it a version of 5. */
static void blank_unread(struct turn *turn, size_t length)
{
	const struct socks5_state *state = turn_state(turn);

	if (state->password_due)
		turn_blank(turn, turn_kept(turn) - length, length);
}

static size_t socks5_input(struct turn *turn, struct slice bytes)
{
	struct socks5_state *state = turn_state(turn);
	enum socks5_message kind = (enum socks5_message)state->message;
	uint8_t message[MESSAGE_MAX_BYTES + 8];
	size_t length, used;
	bool whole;

	if (kind == MESSAGE_BAD) {
		turn_keep(turn, bytes);
		blank_unread(turn, bytes.length);
		return bytes.length;
	}
	used = collect(turn, kind, bytes, message, &length, &whole);
	if (turn_hold(turn, slice_of(bytes.bytes, used))) {
		state->message = MESSAGE_BAD;
		turn_abort(turn);
		return used;
	}
	if (!whole && message_bytes(kind, message, length))
		return used;
	byte_queue_clear(turn->chunks, turn_pending(turn));
	if (!whole) {
		blank_unread(turn, length);
		refuse(turn, message[0] == 5 ? REPLY_ADDRESS_NOT_SUPPORTED : 1);
		return used;
	}
	state->message = MESSAGE_LATER;
	if (kind == MESSAGE_GREETING)
		greeting(turn, state, message);
	else if (message[0] == 1) {
		password(turn, message);
		state->password_due = false;
	} else
		socks5_request(turn, message, length);
	return used;
}

/* A password that broke off is a secret all the same. */
static void socks5_end(struct turn *turn)
{
	struct socks5_state *state = turn_state(turn);
	uint8_t message[MESSAGE_MAX_BYTES];
	size_t have = byte_queue_peek(turn->chunks, turn_pending(turn), 0, message, sizeof(message));

	if (state->message == MESSAGE_LATER && have && message[0] != 1)
		blank_unread(turn, have);
	if (state->message == MESSAGE_LATER && have > 3 && message[0] == 1 && have > message[1] + 3u)
		turn_blank(turn, turn_kept(turn) - (have - message[1] - 3u), have - message[1] - 3u);
}

const struct mimic_ops mimic_socks5 = {
	.name = "socks5",
	.sniff = socks5_sniff,
	.input = socks5_input,
	.end = socks5_end,
};
