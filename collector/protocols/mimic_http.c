// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mimic_http.c - an HTTP proxy, and the web server behind one.
 *
 * In:  requests in any form, pipelined, with bodies. Out: for CONNECT `HTTP/1.x 200 Connection established` and a
 * tunnel, for the rest a page (http_page.c), never a 407; a hop for each request; credentials. Called by
 * conversation.c. A body that is a mail dialogue (POST http://host:25/) is a tunnel: its bytes go to the next layer.
 */
#include "protocols/http_page.h"
#include "protocols/http_parse.h"
#include "protocols/secrets.h"
#include "protocols/sniff.h"

#define BODY_HEAD_BYTES 16

enum http_phase {
	PHASE_START, /* between requests; line ends are skipped */
	PHASE_HEAD,
	PHASE_BODY_SNIFF, /* the first bytes of a body may be a mail dialogue */
	PHASE_BODY,
	PHASE_CHUNK_SIZE,
	PHASE_CHUNK,
	PHASE_CHUNK_END,
	PHASE_TRAILER,
	PHASE_LOST, /* no HTTP any more, or too long: bytes are kept or dropped, never read */
};

struct http_state {
	uint8_t phase;
	bool line_has_bytes; /* of the header or trailer line that is being read */
	bool first_line;
	bool posted;	  /* the last request was a POST for a relay: a dialogue may follow its headers */
	bool digits_over; /* of a chunk size: an extension follows */
	uint8_t version;  /* of the last request */
	uint8_t sniffed;  /* bytes of sniff in use */
	uint8_t sniff[BODY_HEAD_BYTES];
	uint64_t remaining; /* of the body or chunk */
	uint64_t begun;	    /* position in the payload of the header block */
};

_Static_assert(sizeof(struct http_state) <= MIMIC_STATE_BYTES, "state must fit");

static void http_enter_phase(struct http_state *state, enum http_phase phase)
{
	state->phase = (uint8_t)phase;
	state->line_has_bytes = false;
	state->first_line = phase == PHASE_HEAD;
	state->digits_over = false;
	state->sniffed = 0;
	if (phase == PHASE_CHUNK_SIZE)
		state->remaining = 0;
}

/* Methods that are HTTP whatever follows; others need a path or a star behind them. */
static const char *const methods[] = { "GET ",	  "POST ",    "CONNECT ", "HEAD ", "PUT ",
				       "DELETE ", "OPTIONS ", "TRACE ",	  "PATCH " };

static enum sniff http_sniff(struct slice prefix)
{
	size_t i = 0;
	enum sniff told = SNIFF_NO;

	for (size_t m = 0; m < sizeof(methods) / sizeof(methods[0]); m++) {
		enum sniff one = sniff_text(prefix, methods[m]);

		if (one == SNIFF_YES)
			return SNIFF_YES;
		if (one == SNIFF_MORE)
			told = SNIFF_MORE;
	}
	while (i < prefix.length && i < 24 &&
	       ((prefix.bytes[i] >= 'A' && prefix.bytes[i] <= 'Z') || prefix.bytes[i] == '-'))
		i++;
	if (i < 3 || i == 24)
		return i == prefix.length && i < 24 ? SNIFF_MORE : told;
	while (i < prefix.length && i < 48 && prefix.bytes[i] == ' ')
		i++;
	if (i == prefix.length && i < 48)
		return SNIFF_MORE;
	if (i < prefix.length && prefix.bytes[i - 1] == ' ' && (prefix.bytes[i] == '/' || prefix.bytes[i] == '*'))
		return SNIFF_YES;
	return told;
}

/* HELO, EHLO, MAIL FROM:, RCPT TO:, RSET, or of IRC NICK: a dialogue where a body was due. */
static enum sniff dialogue_sniff(struct slice prefix)
{
	enum sniff told = mimic_smtp.sniff(prefix);
	enum sniff reset = sniff_text(prefix, "RSET\r\n");
	enum sniff nick = sniff_text(prefix, "NICK ");

	if (told == SNIFF_YES || reset == SNIFF_YES || nick == SNIFF_YES)
		return SNIFF_YES;
	return told == SNIFF_MORE || reset == SNIFF_MORE || nick == SNIFF_MORE ? SNIFF_MORE : SNIFF_NO;
}

static const char *mechanism_of(struct slice header, struct slice scheme)
{
	bool proxy = http_is(header, "Proxy-Authorization");

	if (!header.length)
		return "url";
	if (http_is(scheme, "Basic"))
		return proxy ? "http_basic" : "http_site_basic";
	if (http_is(scheme, "Digest"))
		return proxy ? "http_digest" : "http_site_digest";
	if (http_is(scheme, "NTLM") || http_is(scheme, "Negotiate"))
		return proxy ? "http_ntlm" : "http_site_ntlm";
	if (http_is(scheme, "Bearer"))
		return proxy ? "http_bearer" : "http_site_bearer";
	return proxy ? "http_other" : "http_site_other";
}

static void record_secret(struct turn *turn, struct slice header, struct slice scheme, struct slice secret)
{
	uint8_t decoded[1024];
	struct slice user = { 0 };
	const char *mechanism = mechanism_of(header, scheme);

	if (http_is(scheme, "Basic")) {
		int length = base64_decode(secret, decoded, sizeof(decoded));
		const uint8_t *colon = length > 0 ? memchr(decoded, ':', (size_t)length) : NULL;

		if (colon) {
			user = slice_of(decoded, (size_t)(colon - decoded));
			secret = slice_of(colon + 1, (size_t)(decoded + length - colon) - 1);
		}
	}
	turn_credential(turn, mechanism, user, secret);
}

/* Bearer tokens of a site are where exploits sit (log4shell in Authorization): text that is no token stays readable. */
static bool is_secret(struct slice header, struct slice scheme, struct slice secret)
{
	if (http_is(header, "Authorization") && !http_is(scheme, "Basic") && !http_is(scheme, "Digest"))
		return !memchr(secret.bytes, '$', secret.length) && !memchr(secret.bytes, '{', secret.length);
	return true;
}

/* Records (where whole) and blanks the secrets of a block, in the payload and in the copy. begun: the block's position.
 */
static void hide_secrets(struct turn *turn, uint8_t *bytes, size_t length, uint64_t begun, bool whole)
{
	struct slice block = slice_of(bytes, length), header, scheme, secret;
	size_t position = 0;

	while (http_next_secret(block, &position, &header, &scheme, &secret)) {
		size_t at = (size_t)(secret.bytes - bytes);

		if (!is_secret(header, scheme, secret))
			continue;
		/* in other headers (Host) it is the target's once more */
		if (whole &&
		    (!header.length || http_is(header, "Authorization") || http_is(header, "Proxy-Authorization")))
			record_secret(turn, header, scheme, secret);
		turn_blank(turn, begun + at, secret.length);
		if (!turn->policy->secrets_clear)
			memset(bytes + at, '*', secret.length);
	}
}

static void record_request(struct turn *turn, const struct http_request *request, struct slice block)
{
	struct turn_request hop = {
		.protocol = "http",
		.method = request->method,
		.host = request->host,
		.port = request->port,
		.target = request->target,
		.user_agent = request->user_agent,
		.raw = block,
		.relay = request->form != HTTP_ORIGIN,
		.absolute_form = request->form == HTTP_ABSOLUTE,
	};

	turn_hop(turn, &hop);
}

static void open_tunnel(struct turn *turn, const struct http_request *request)
{
	/* The version as asked for; no header, no body (proxychains reads at most 1,024 bytes). */
	turn_sayf(turn, "HTTP/1.%d 200 Connection established\r\n\r\n", request->version == 11 ? 1 : 0);
	turn_tunnel(turn);
}

/* A body that is a dialogue with a mail server: the server's answers are the response's body. first: bytes held back.
 */
static void open_dialogue(struct turn *turn, uint8_t version, struct slice first)
{
	turn_sayf(turn, "HTTP/1.%d 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n",
		  version == 11 ? 1 : 0);
	turn_tunnel(turn);
	turn_give(turn, first);
}

static bool may_be_dialogue(const struct http_request *request)
{
	return request->form == HTTP_ABSOLUTE && (http_is(request->method, "POST") || http_is(request->method, "PUT"));
}

/* The request is over, body and all: answers it. Its head waited in pending. */
static void finish_request(struct turn *turn, struct http_state *state)
{
	struct byte_queue *pending = turn_pending(turn);
	size_t length = byte_queue_peek(turn->chunks, pending, 0, turn->block, TURN_BLOCK_BYTES);
	struct http_request request;

	byte_queue_clear(turn->chunks, pending);
	http_parse(slice_of(turn->block, length), &request);
	http_page(turn, &request, request.form == HTTP_ABSOLUTE || turn_level(turn) > 0, request.keep_alive);
	if (!request.keep_alive)
		turn_close(turn);
	http_enter_phase(state, PHASE_START);
}

static void begin_body(struct turn *turn, struct http_state *state, const struct http_request *request)
{
	if (request->expect_continue && request->version == 11 && (request->chunked || request->content_bytes))
		turn_say(turn, slice_of_text("HTTP/1.1 100 Continue\r\n\r\n"));
	state->remaining = request->content_bytes;
	state->posted = may_be_dialogue(request);
	state->version = request->version;
	if (request->chunked)
		http_enter_phase(state, PHASE_CHUNK_SIZE);
	else if (state->remaining)
		http_enter_phase(state, state->posted ? PHASE_BODY_SNIFF : PHASE_BODY);
	else
		finish_request(turn, state);
}

/* The header block is whole, in turn->block and in pending. */
static void http_request(struct turn *turn, struct http_state *state, size_t length)
{
	struct slice block = slice_of(turn->block, length);
	struct http_request request;

	hide_secrets(turn, turn->block, length, state->begun, true);
	http_parse(block, &request);
	if (!request.valid) {
		byte_queue_clear(turn->chunks, turn_pending(turn));
		http_error(turn, &request, 400, "Bad Request", false);
		turn_close(turn);
		http_enter_phase(state, PHASE_LOST);
		return;
	}
	record_request(turn, &request, block);
	if (request.form == HTTP_AUTHORITY)
		open_tunnel(turn, &request);
	else if (may_be_dialogue(&request) && turn_server_first(turn, request.port))
		open_dialogue(turn, request.version, slice_of(NULL, 0));
	else
		begin_body(turn, state, &request);
}

/* The request line is whole and has no version: HTTP/0.9, no headers follow. */
static bool is_simple(const uint8_t *line, size_t length)
{
	struct slice method, target;
	uint8_t version;

	while (length && (line[length - 1] == '\n' || line[length - 1] == '\r'))
		length--;
	http_parse_line(slice_of(line, length), &method, &target, &version);
	return version == 9;
}

/* Reads header bytes up to the end of the block; *whole where it came. Returns the bytes that belong to it. */
static size_t scan_head(struct turn *turn, struct http_state *state, struct slice bytes, bool *whole)
{
	size_t used = 0;

	while (used < bytes.length && !*whole) {
		uint8_t byte = bytes.bytes[used++];

		if (byte == '\n') {
			if (state->first_line) {
				size_t have = byte_queue_peek(turn->chunks, turn_pending(turn), 0, turn->block,
							      TURN_BLOCK_BYTES);

				memcpy(turn->block + have, bytes.bytes, used);
				*whole = is_simple(turn->block, have + used);
			} else {
				*whole = !state->line_has_bytes;
			}
			state->first_line = false;
			state->line_has_bytes = false;
		} else if (byte != '\r') {
			state->line_has_bytes = true;
		}
	}
	return used;
}

/* The head is longer than any request: a secret that goes on behind the limit could not be blanked, so no more is kept.
 */
static void give_up(struct turn *turn, struct http_state *state)
{
	size_t length = byte_queue_peek(turn->chunks, turn_pending(turn), 0, turn->block, TURN_BLOCK_BYTES);

	hide_secrets(turn, turn->block, length, state->begun, false);
	byte_queue_clear(turn->chunks, turn_pending(turn));
	turn_keep_no_more(turn);
	turn_close(turn);
	http_enter_phase(state, PHASE_LOST);
}

static size_t http_head(struct turn *turn, struct http_state *state, struct slice bytes)
{
	struct byte_queue *pending = turn_pending(turn);
	bool whole = false;
	size_t used;

	if (bytes.length > TURN_BLOCK_BYTES - pending->length)
		bytes.length = TURN_BLOCK_BYTES - pending->length;
	used = scan_head(turn, state, bytes, &whole);
	if (turn_hold(turn, slice_of(bytes.bytes, used))) {
		turn_abort(turn);
		http_enter_phase(state, PHASE_LOST);
	} else if (whole) {
		size_t length = byte_queue_peek(turn->chunks, pending, 0, turn->block, TURN_BLOCK_BYTES);

		http_request(turn, state, length);
	} else if (pending->length == TURN_BLOCK_BYTES) {
		give_up(turn, state);
	}
	return used;
}

/*
 * One more byte of what may be a mail dialogue where a body or a request was due. It is held back until that is told.
 * Returns SNIFF_YES where the layer was left.
 */
static enum sniff sniff_dialogue(struct turn *turn, struct http_state *state, uint8_t byte)
{
	struct http_state held;
	enum sniff told;

	state->sniff[state->sniffed++] = byte;
	told = dialogue_sniff(slice_of(state->sniff, state->sniffed));
	if (told == SNIFF_YES) {
		held = *state;
		state->sniffed = 0;
		open_dialogue(turn, held.version, slice_of(held.sniff, held.sniffed));
	} else if (state->sniffed == BODY_HEAD_BYTES) {
		told = SNIFF_NO;
	}
	return told;
}

/* Between requests: line ends are skipped; after a POST for a relay a mail dialogue may follow instead of a request. */
static size_t http_start(struct turn *turn, struct http_state *state, struct slice bytes)
{
	uint8_t held[BODY_HEAD_BYTES];
	size_t length;

	if (!state->sniffed && sniff_line_ends(slice_of(bytes.bytes, 1))) {
		turn_keep(turn, slice_of(bytes.bytes, 1));
		return 1;
	}
	if (!state->posted) {
		http_enter_phase(state, PHASE_HEAD);
		state->begun = turn_kept(turn);
		return http_head(turn, state, bytes);
	}
	if (sniff_dialogue(turn, state, bytes.bytes[0]) == SNIFF_NO) {
		length = state->sniffed;
		memcpy(held, state->sniff, length);
		state->posted = false;
		http_enter_phase(state, PHASE_HEAD);
		state->begun = turn_kept(turn);
		http_head(turn, state, slice_of(held, length)); /* its only line end can be its last byte */
	}
	return 1;
}

static size_t http_body_sniff(struct turn *turn, struct http_state *state, struct slice bytes)
{
	enum sniff told = sniff_dialogue(turn, state, bytes.bytes[0]);

	if (told == SNIFF_YES)
		return 1;
	if (told == SNIFF_MORE && state->sniffed < state->remaining)
		return 1;
	turn_keep(turn, slice_of(state->sniff, state->sniffed));
	state->remaining -= state->sniffed;
	http_enter_phase(state, PHASE_BODY);
	if (!state->remaining)
		finish_request(turn, state);
	return 1;
}

static size_t http_body(struct turn *turn, struct http_state *state, struct slice bytes)
{
	size_t used = bytes.length < state->remaining ? bytes.length : (size_t)state->remaining;

	turn_keep(turn, slice_of(bytes.bytes, used));
	state->remaining -= used;
	if (state->remaining)
		return used;
	if (state->phase == PHASE_BODY)
		finish_request(turn, state);
	else
		http_enter_phase(state, PHASE_CHUNK_END);
	return used;
}

static int hex_value(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* RFC 9112, section 7.1: size in hex, extensions, line end; then the chunk, a line end; a chunk of 0, trailers, an
 * empty line. */
static void chunk_byte(struct turn *turn, struct http_state *state, uint8_t byte)
{
	int digit = hex_value(byte);

	if (state->phase == PHASE_CHUNK_END) {
		if (byte == '\n')
			http_enter_phase(state, PHASE_CHUNK_SIZE);
	} else if (state->phase == PHASE_TRAILER) {
		if (byte == '\n' && !state->line_has_bytes)
			finish_request(turn, state);
		else
			state->line_has_bytes = byte == '\n' ? false : state->line_has_bytes || byte != '\r';
	} else if (byte == '\n') {
		uint64_t size = state->remaining;

		http_enter_phase(state, size ? PHASE_CHUNK : PHASE_TRAILER);
		state->remaining = size;
	} else if (digit >= 0 && !state->digits_over && state->remaining < UINT64_MAX >> 8) {
		state->remaining = state->remaining << 4 | (uint64_t)digit;
	} else {
		state->digits_over = true;
	}
}

static size_t http_input(struct turn *turn, struct slice bytes)
{
	struct http_state *state = turn_state(turn);

	switch ((enum http_phase)state->phase) {
	case PHASE_START:
		return http_start(turn, state, bytes);
	case PHASE_HEAD:
		return http_head(turn, state, bytes);
	case PHASE_BODY_SNIFF:
		return http_body_sniff(turn, state, bytes);
	case PHASE_BODY:
	case PHASE_CHUNK:
		return http_body(turn, state, bytes);
	case PHASE_CHUNK_SIZE:
	case PHASE_CHUNK_END:
	case PHASE_TRAILER:
		turn_keep(turn, slice_of(bytes.bytes, 1));
		chunk_byte(turn, state, bytes.bytes[0]);
		return 1;
	case PHASE_LOST:
		break;
	}
	turn_keep(turn, bytes);
	return bytes.length;
}

/* Secrets of a head that broke off are secrets all the same; bytes that were held back are the client's bytes too. */
static void http_end(struct turn *turn)
{
	struct http_state *state = turn_state(turn);

	if (state->phase == PHASE_HEAD) {
		size_t length = byte_queue_peek(turn->chunks, turn_pending(turn), 0, turn->block, TURN_BLOCK_BYTES);

		hide_secrets(turn, turn->block, length, state->begun, false);
	}
	turn_keep(turn, slice_of(state->sniff, state->sniffed));
}

const struct mimic_ops mimic_http = {
	.name = "http",
	.sniff = http_sniff,
	.input = http_input,
	.end = http_end,
};
