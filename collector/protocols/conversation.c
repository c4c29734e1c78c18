// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * conversation.c - one visitor's dialogue: pool, layers, and what is said of it at the end.
 *
 * In:  the client's bytes in order. Out: bytes to send, records, a wish to close; see conversation.h.
 * Called by responder/, replay/ and tests. May not do I/O or look at a clock; allocates only in conversation_pool_open.
 */
#include "protocols/classify.h"
#include "protocols/conversation_state.h"
#include "protocols/sniff.h"

#include <errno.h>
#include <sys/mman.h>

/* Bytes of a layer whose protocol is not told yet; lives in the layer's state. */
struct unread {
	uint8_t length;
	uint8_t bytes[SNIFF_MAX_BYTES];
};

_Static_assert(sizeof(struct unread) <= MIMIC_STATE_BYTES, "sniffing happens in the mimic's place");

/* The working memory of turns lies behind the conversations. */
struct working_memory {
	struct scan_decoy scan;
	uint8_t block[TURN_BLOCK_BYTES];
	char page[TURN_PAGE_BYTES];
};

static size_t working_memory_at(uint32_t conversations)
{
	size_t end = (size_t)conversations * sizeof(struct conversation), unit = _Alignof(struct working_memory);

	return (end + unit - 1) / unit * unit;
}

static size_t pool_bytes(uint32_t conversations)
{
	return working_memory_at(conversations) + sizeof(struct working_memory);
}

size_t conversation_bytes(void)
{
	return sizeof(struct conversation);
}

uint64_t conversation_held_bytes(const struct conversation *c)
{
	/* Of what mimics keep in their own state (recipients) the commands that said it are the measure. */
	return c->kept + c->pending.length;
}

int conversation_pool_open(struct conversation_pool *pool, uint32_t conversations)
{
	void *memory = mmap(NULL, pool_bytes(conversations), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	pool->memory = NULL;
	pool->conversations = conversations;
	pool->free_head = 0;
	pool->never_used = 0;
	pool->used = 0;
	if (memory == MAP_FAILED)
		return -ENOMEM;
	pool->memory = memory;
	return 0;
}

void conversation_pool_close(struct conversation_pool *pool)
{
	if (pool->memory)
		munmap(pool->memory, pool_bytes(pool->conversations));
	pool->memory = NULL;
	pool->conversations = 0;
}

static struct conversation *conversation_at(const struct conversation_pool *pool, uint32_t name)
{
	return (struct conversation *)pool->memory + (name - 1);
}

static struct conversation *conversation_get(struct conversation_pool *pool)
{
	uint32_t name = pool->free_head;
	struct conversation *c;

	if (name)
		pool->free_head = conversation_at(pool, name)->next_free;
	else if (pool->never_used < pool->conversations)
		name = ++pool->never_used;
	else
		return NULL;
	c = conversation_at(pool, name);
	memset(c, 0, sizeof(*c));
	pool->used++;
	return c;
}

static void conversation_put(struct conversation_pool *pool, struct conversation *c)
{
	c->next_free = pool->free_head;
	pool->free_head = (uint32_t)(c - (struct conversation *)pool->memory) + 1;
	pool->used--;
}

static struct turn turn_begin(struct conversation_pool *pool, struct conversation *c, uint64_t now_ns,
			      struct byte_queue *output, struct conversation_result *result)
{
	struct working_memory *working =
		(struct working_memory *)(void *)((uint8_t *)pool->memory + working_memory_at(pool->conversations));

	memset(result, 0, sizeof(*result));
	c->turns++;
	return (struct turn){
		.pool = pool,
		.conversation = c,
		.policy = pool->policy,
		.chunks = pool->chunks,
		.output = output,
		.result = result,
		.now_ns = now_ns,
		.block = working->block,
		.page = working->page,
		.scan = &working->scan,
	};
}

const uint16_t conversation_server_first_ports[CONVERSATION_SERVER_FIRST_PORTS] = { 25, 587, 2525 };

bool conversation_server_first(const struct mimic_policy *policy, uint16_t decoy_port)
{
	for (size_t i = 0; i < policy->server_first_port_count; i++)
		if (policy->server_first_ports[i] == decoy_port)
			return true;
	return false;
}

struct conversation *conversation_begin(struct conversation_pool *pool, const struct conversation_start *start,
					uint64_t now_ns, struct byte_queue *output, struct conversation_result *result)
{
	struct conversation *c = conversation_get(pool);
	struct turn turn;

	memset(result, 0, sizeof(*result));
	if (!c)
		return NULL;
	c->access = start->access;
	c->started_at_ns = start->started_at_ns;
	c->endpoints = start->endpoints;
	c->first_port = -1;
	c->relay_port = -1;
	turn = turn_begin(pool, c, now_ns, output, result);
	c->server_first = turn_server_first(&turn, start->endpoints.decoy_port);
	if (c->server_first)
		mimic_smtp.greet(&turn);
	return c;
}

static void feed(struct turn *turn, struct slice bytes);

/* The layer is this mimic's: opens it and gives it the bytes that told so. */
static void enter_layer(struct turn *turn, const struct mimic_ops *ops, const char *protocol)
{
	struct conversation *c = turn->conversation;
	struct unread unread;

	memcpy(&unread, c->state, sizeof(unread));
	memset(c->state, 0, sizeof(c->state));
	c->ops = ops;
	turn_protocol(turn, protocol);
	if (ops->open)
		ops->open(turn);
	feed(turn, slice_of(unread.bytes, unread.length));
}

/* Line ends in front of a protocol are kept, but are no part of it (HOPM and others send a stray one behind CONNECT).
 */
static void skip_line_ends(struct turn *turn, struct unread *unread)
{
	uint8_t ends = 0;

	while (ends < unread->length && sniff_line_ends(slice_of(unread->bytes + ends, 1)))
		ends++;
	if (!ends)
		return;
	turn_keep(turn, slice_of(unread->bytes, ends));
	unread->length = (uint8_t)(unread->length - ends);
	memmove(unread->bytes, unread->bytes + ends, unread->length);
}

/*
 * Takes bytes one by one until they tell the protocol, so that the outcome does not depend on how the stream was cut.
 * Where the server has spoken first, what is no other protocol is the mail server's.
 */
static size_t tell_layer(struct turn *turn, struct slice bytes)
{
	struct conversation *c = turn->conversation;
	struct unread *unread = (struct unread *)c->state;
	size_t used = 0;

	while (used < bytes.length) {
		const struct mimic_ops *ops = NULL;
		const char *protocol = NULL;
		enum sniff told;

		unread->bytes[unread->length++] = bytes.bytes[used++];
		told = sniff_prefix(slice_of(unread->bytes, unread->length), &ops, &protocol);
		if (told == SNIFF_MORE && unread->length < SNIFF_MAX_BYTES)
			continue;
		if (told == SNIFF_NO && sniff_line_ends(slice_of(unread->bytes, 1))) {
			skip_line_ends(turn, unread);
			if (!unread->length)
				continue;
			told = sniff_prefix(slice_of(unread->bytes, unread->length), &ops, &protocol);
			if (told == SNIFF_MORE)
				continue;
		}
		if (told != SNIFF_YES) {
			ops = c->server_first && !sniff_binary(slice_of(unread->bytes, unread->length))
				      ? &mimic_smtp
				      : &mimic_unknown;
			protocol = NULL;
		}
		enter_layer(turn, ops, protocol);
		break;
	}
	return used;
}

/* Gives bytes to the innermost layer, again and again while layers open. */
static void feed(struct turn *turn, struct slice bytes)
{
	struct conversation *c = turn->conversation;

	while (bytes.length) {
		size_t used;

		if (c->level && !c->inner_bytes && !sniff_line_ends(bytes)) {
			c->inner_bytes = true;
			turn_depth(turn, DEPTH_inner);
		}
		c->left = false;
		used = c->ops ? c->ops->input(turn, bytes) : tell_layer(turn, bytes);
		if (!used && !c->left) { /* a mimic that breaks its contract must not hang the worker */
			turn_keep(turn, bytes);
			return;
		}
		bytes.bytes += used;
		bytes.length -= used;
	}
}

void turn_give(struct turn *turn, struct slice bytes)
{
	feed(turn, bytes);
}

void conversation_input(struct conversation_pool *pool, struct conversation *c, struct slice bytes, uint64_t now_ns,
			struct byte_queue *output, struct conversation_result *result)
{
	struct turn turn = turn_begin(pool, c, now_ns, output, result);

	if (!bytes.length)
		return;
	if (!c->bytes_in)
		c->first_segment_bytes = (uint32_t)bytes.length;
	c->bytes_in += bytes.length;
	turn_depth(&turn, DEPTH_payload);
	feed(&turn, bytes);
}

/* No more bytes come: what could not be told apart is unknown. */
static void tell_rest(struct turn *turn)
{
	struct conversation *c = turn->conversation;

	if (!c->ops && ((struct unread *)c->state)->length)
		enter_layer(turn, c->server_first ? &mimic_smtp : &mimic_unknown, NULL);
}

void conversation_half_closed(struct conversation_pool *pool, struct conversation *c, uint64_t now_ns,
			      struct byte_queue *output, struct conversation_result *result)
{
	struct turn turn = turn_begin(pool, c, now_ns, output, result);

	tell_rest(&turn);
	if (c->ops && c->ops->half_closed)
		c->ops->half_closed(&turn);
	turn_close(&turn);
}

static struct slice take_out(struct turn *turn, const struct byte_queue *queue, uint8_t *to, size_t size)
{
	return slice_of(to, byte_queue_peek(turn->chunks, queue, 0, to, size));
}

static void fill_access(struct turn *turn, struct record_access *access, uint8_t *scratch)
{
	const struct conversation *c = turn->conversation;
	struct first_request first = { c->protocol, c->first_port, c->first_relay, c->first_absolute };

	access->access = c->access;
	access->payload = take_out(turn, &c->payload, scratch, CONVERSATION_PAYLOAD_MAX_BYTES);
	access->payload_truncated = c->keep_no_more;
	access->relay_host = take_out(turn, &c->first_host, scratch + CONVERSATION_PAYLOAD_MAX_BYTES,
				      CONVERSATION_SCRATCH_BYTES - CONVERSATION_PAYLOAD_MAX_BYTES);
	access->relay_port = c->first_port;
	access->depth = c->depth;
	access->bytes_in = c->bytes_in;
	access->first_segment_bytes = c->first_segment_bytes;
	access->hops = c->hops;
	access->mails = c->mails;
	access->exploit = (struct slice){ 0 };
	access->protocol = (struct slice){ 0 };
	if (c->protocol)
		access->protocol = slice_of_text(c->protocol);
	else if (c->bytes_in)
		access->protocol = slice_of_text(sniff_binary(access->payload) ? "unknown_binary" : "unknown_text");
	access->class = (uint8_t)classify(&first);
}

void conversation_end(struct conversation_pool *pool, struct conversation *c, uint64_t now_ns,
		      struct record_access *access, uint8_t *scratch)
{
	struct conversation_result result;
	struct turn turn = turn_begin(pool, c, now_ns, NULL, &result);

	tell_rest(&turn);
	if (c->ops && c->ops->end)
		c->ops->end(&turn);
	fill_access(&turn, access, scratch);
	byte_queue_clear(turn.chunks, &c->payload);
	byte_queue_clear(turn.chunks, &c->pending);
	byte_queue_clear(turn.chunks, &c->first_host);
	byte_queue_clear(turn.chunks, &c->relay_host);
	conversation_put(pool, c);
}
