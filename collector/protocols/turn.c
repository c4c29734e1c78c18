// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * turn.c - what a mimic may do in a turn: speak, keep, record, grant, close.
 *
 * In:  calls of mimics. Out: bytes in the output queue, records in the pool's buffer, state of the conversation.
 * Called by mimics. May not do I/O, allocate, or look at a clock.
 */
#include "protocols/conversation_state.h"
#include "protocols/destination.h"
#include "protocols/secrets.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void *turn_state(struct turn *turn)
{
	return turn->conversation->state;
}

struct byte_queue *turn_pending(struct turn *turn)
{
	return &turn->conversation->pending;
}

unsigned int turn_level(const struct turn *turn)
{
	return turn->conversation->level;
}

const struct endpoints *turn_endpoints(const struct turn *turn)
{
	return &turn->conversation->endpoints;
}

size_t turn_relay(const struct turn *turn, char *host, size_t size, int32_t *port)
{
	const struct conversation *c = turn->conversation;

	*port = c->relay_port;
	return byte_queue_peek(turn->chunks, c->relay_is_first ? &c->first_host : &c->relay_host, 0, host, size);
}

bool turn_server_first(const struct turn *turn, int32_t port)
{
	return port > 0 && port <= UINT16_MAX && conversation_server_first(turn->policy, (uint16_t)port);
}

void turn_say(struct turn *turn, struct slice bytes)
{
	if (turn->conversation->closing || !turn->output || !bytes.length)
		return;
	if (byte_queue_append(turn->chunks, turn->output, bytes))
		turn_abort(turn);
}

void turn_sayf(struct turn *turn, const char *format, ...)
{
	char text[1024];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (length >= (int)sizeof(text))
		length = (int)sizeof(text) - 1;
	if (length > 0)
		turn_say(turn, slice_of(text, (size_t)length));
}

void turn_close(struct turn *turn)
{
	turn->conversation->closing = true;
	turn->result->close = true;
}

bool turn_closing(const struct turn *turn)
{
	return turn->conversation->closing;
}

void turn_abort(struct turn *turn)
{
	turn->conversation->closing = true;
	turn->result->abort = true;
}

void turn_delay(struct turn *turn, uint32_t low_ms, uint32_t spread_ms)
{
	const struct conversation *c = turn->conversation;
	uint64_t mixed[2] = { c->access, c->turns };
	uint32_t delay = low_ms + (uint32_t)(turn_decoy_hash(turn, slice_of_text("pace")) % (low_ms + 1));

	delay += (uint32_t)(keyed_hash(turn->policy->secret_key, slice_of(mixed, sizeof(mixed))) % (spread_ms + 1));
	if (delay > turn->result->delay_ms)
		turn->result->delay_ms = delay;
}

void turn_keep(struct turn *turn, struct slice bytes)
{
	struct conversation *c = turn->conversation;
	size_t room = CONVERSATION_PAYLOAD_MAX_BYTES - c->payload.length;

	c->kept += bytes.length;
	if (c->keep_no_more || !bytes.length)
		return;
	if (bytes.length > room) {
		c->keep_no_more = true;
		bytes.length = room;
	}
	if (byte_queue_append(turn->chunks, &c->payload, bytes))
		c->keep_no_more = true;
}

int turn_hold(struct turn *turn, struct slice bytes)
{
	struct conversation *c = turn->conversation;
	size_t length = c->pending.length + bytes.length;

	turn_keep(turn, bytes);
	if (!byte_queue_append(turn->chunks, &c->pending, bytes))
		return 0;
	byte_queue_clear(turn->chunks, &c->pending);
	turn_blank(turn, c->kept - length, length);
	turn_keep_no_more(turn);
	return -ENOBUFS;
}

void turn_keep_no_more(struct turn *turn)
{
	turn->conversation->keep_no_more = true;
}

uint64_t turn_kept(const struct turn *turn)
{
	return turn->conversation->kept;
}

void turn_blank(struct turn *turn, uint64_t position, size_t length)
{
	if (!turn->policy->secrets_clear)
		byte_queue_fill(turn->chunks, &turn->conversation->payload, position, '*', length);
}

void turn_protocol(struct turn *turn, const char *name)
{
	if (!turn->conversation->level)
		turn->conversation->protocol = name;
}

void turn_depth(struct turn *turn, enum depth depth)
{
	if (turn->conversation->depth < (uint8_t)depth)
		turn->conversation->depth = (uint8_t)depth;
}

/* Remembers where the innermost hop leads and, of the first request, what decides the access. */
static void note_request(struct turn *turn, const struct turn_request *request)
{
	struct conversation *c = turn->conversation;
	struct slice host = request->host;

	if (host.length > HOP_RAW_MAX_BYTES)
		host.length = HOP_RAW_MAX_BYTES;
	if (!c->requests) {
		c->first_port = request->relay ? request->port : -1;
		c->first_relay = request->relay;
		c->first_absolute = request->absolute_form;
		if (request->relay)
			(void)byte_queue_append(turn->chunks, &c->first_host, host);
	}
	if (request->relay && !request->refused) {
		c->relay_port = request->port;
		c->relay_is_first = !c->requests;
		byte_queue_clear(turn->chunks, &c->relay_host);
		if (c->requests)
			(void)byte_queue_append(turn->chunks, &c->relay_host, host);
	}
	if (request->relay)
		c->hops++;
}

void turn_hop(struct turn *turn, const struct turn_request *request)
{
	struct conversation *c = turn->conversation;
	struct record_hop hop = {
		.access = c->access,
		.requested_at_ns = turn->now_ns,
		.position = c->requests,
		.level = c->level,
		.protocol = slice_of_text(request->protocol),
		.method = request->method,
		.relay_host = request->relay ? request->host : (struct slice){ 0 },
		.relay_port = request->relay ? request->port : -1,
		.target = request->target,
		.user_agent = request->user_agent,
		.user_id = request->user_id,
		.raw = request->raw,
	};

	if (hop.raw.length > HOP_RAW_MAX_BYTES)
		hop.raw.length = HOP_RAW_MAX_BYTES;
	if (hop.target.length > HOP_RAW_MAX_BYTES)
		hop.target.length = HOP_RAW_MAX_BYTES;
	if (hop.relay_host.length > HOP_RAW_MAX_BYTES)
		hop.relay_host.length = HOP_RAW_MAX_BYTES;
	if (request->relay)
		hop.flags = destination_flags(turn->policy, request->host, &c->endpoints.source);
	if (request->refused)
		hop.flags |= HOP_REFUSED;
	note_request(turn, request);
	turn_depth(turn, DEPTH_request);
	if (c->requests < HOP_ROWS_MAX)
		(void)record_append_hop(turn->pool->records, &hop); /* a full buffer counts what it refuses */
	if (c->requests < UINT16_MAX)
		c->requests++;
}

/* The layer's mimic ends and its state is cleared; the next one is told by its bytes unless ops names it. */
static void leave_layer(struct turn *turn, const struct mimic_ops *ops)
{
	struct conversation *c = turn->conversation;

	if (c->ops && c->ops->end)
		c->ops->end(turn);
	byte_queue_clear(turn->chunks, &c->pending);
	memset(c->state, 0, sizeof(c->state));
	c->ops = ops;
	c->left = true;
}

void turn_tunnel(struct turn *turn)
{
	struct conversation *c = turn->conversation;

	leave_layer(turn, c->level + 1 < CONVERSATION_MAX_LEVELS ? NULL : &mimic_unknown);
	c->level++;
	c->inner_bytes = false;
	c->server_first = !c->ops && turn_server_first(turn, c->relay_port);
	if (c->server_first)
		mimic_smtp.greet(turn);
}

void turn_switch(struct turn *turn, const struct mimic_ops *ops)
{
	leave_layer(turn, ops);
	if (ops->open)
		ops->open(turn);
}

void turn_credential(struct turn *turn, const char *mechanism, struct slice username, struct slice secret)
{
	struct conversation *c = turn->conversation;
	struct record_credential credential = {
		.access = c->access,
		.seen_at_ns = turn->now_ns,
		.level = c->level,
		.mechanism = slice_of_text(mechanism),
		.username = username,
		.secret_bytes = (uint32_t)secret.length,
	};

	if (c->credentials >= CREDENTIAL_ROWS_MAX)
		return;
	c->credentials++;
	if (turn->policy->secrets_clear)
		credential.secret = secret;
	if (secret.length)
		secret_hash(turn->policy->secret_key, secret, credential.secret_hash);
	(void)record_append_credential(turn->pool->records, &credential);
}

uint64_t turn_access(const struct turn *turn)
{
	return turn->conversation->access;
}

uint64_t turn_new_id(struct turn *turn)
{
	return turn->pool->new_id ? turn->pool->new_id(turn->pool->new_id_context) : 0;
}

void turn_count_mail(struct turn *turn)
{
	turn->conversation->mails++;
}

uint64_t turn_decoy_hash(const struct turn *turn, struct slice text)
{
	const struct address *decoy = &turn->conversation->endpoints.decoy;
	uint8_t bytes[17 + 256];

	bytes[0] = decoy->ipv6;
	memcpy(bytes + 1, decoy->bytes, 16);
	if (text.length > 256)
		text.length = 256;
	if (text.length)
		memcpy(bytes + 17, text.bytes, text.length);
	return keyed_hash(turn->policy->secret_key, slice_of(bytes, 17 + text.length));
}
