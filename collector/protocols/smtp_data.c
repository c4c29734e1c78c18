// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * smtp_data.c - the mails: bytes of DATA to records.
 *
 * In:  what follows DATA up to a line that holds one dot. Out: RECORD_MAIL_PART as the mail streams in, then
 * RECORD_MAIL and a RECORD_MAIL_RECIPIENT for each recipient. Called by mimic_smtp.c and smtp_command.c. A mail of any
 * length needs the same memory: one part and 32 KiB of its header.
 */
#include "probe/probe.h"
#include "protocols/smtp.h"

_Static_assert(TURN_PAGE_BYTES >= TURN_BLOCK_BYTES, "a header block, decoded, fits the page");

void smtp_forget_envelope(struct turn *turn, struct smtp_state *state)
{
	byte_queue_clear(turn->chunks, &state->mail_from);
	byte_queue_clear(turn->chunks, &state->recipient_list);
	byte_queue_clear(turn->chunks, &state->header);
	byte_queue_clear(turn->chunks, &state->scan);
	state->recipients = 0;
	state->mail_open = false;
}

void smtp_data_begin(struct turn *turn, struct smtp_state *state)
{
	smtp_enter_phase(state, SMTP_DATA);
	state->place = PLACE_LINE_START;
	state->header_place = HEADER_LINE_START;
	state->header_late = false;
	state->mail = turn_new_id(turn);
	state->heard_at_ns = turn->now_ns;
	state->size_bytes = 0;
	state->stored_bytes = 0;
	state->truncated = false;
	state->body_offset = UINT64_MAX;
	byte_queue_clear(turn->chunks, &state->header);
	byte_queue_clear(turn->chunks, &state->scan);
}

/*
 * Looks for the decoy's address and port in what a part holds of the body. What must be known of it for the next part
 * lies in chunks meanwhile; where there are none, the search begins anew behind it.
 */
static uint8_t scan_part(struct turn *turn, struct smtp_state *state, struct scan_decoy *decoy, struct slice part,
			 bool last)
{
	struct scan_stream stream;

	if (state->body_offset > state->stored_bytes) {
		uint64_t header = state->body_offset - state->stored_bytes;

		part = slice_of(part.bytes, header < part.length ? part.length : 0);
		if (part.length)
			part = slice_of(part.bytes + header, part.length - (size_t)header);
	}
	if (!part.length && !state->scan.length)
		return 0;
	stream.found = 0;
	stream.quoted = stream.in_escape = false;
	stream.escape = 0;
	stream.plain.length = stream.plain.looked_at = 0;
	byte_queue_peek(turn->chunks, &state->scan, 0, &stream, sizeof(stream));
	byte_queue_clear(turn->chunks, &state->scan);
	scan_input(decoy, &stream, part, last);
	if (!last)
		(void)byte_queue_append(
			turn->chunks, &state->scan,
			slice_of(&stream, stream.quoted ? sizeof(stream) : offsetof(struct scan_stream, decoded)));
	return stream.found;
}

static struct scan_decoy *decoy_of(struct turn *turn)
{
	const struct endpoints *endpoints = turn_endpoints(turn);

	scan_decoy(turn->scan, &endpoints->decoy, endpoints->decoy_port);
	return turn->scan;
}

/* Hands on what has gathered; the best that its body held where it is the last. Parts are cut at the same offsets
 * however the bytes came. */
static uint8_t flush_part(struct turn *turn, struct smtp_state *state, struct scan_decoy *decoy, bool last)
{
	struct byte_queue *pending = turn_pending(turn);
	size_t length = byte_queue_peek(turn->chunks, pending, 0, turn->block, SMTP_PART_BYTES);
	struct record_mail_part part = {
		.access = turn_access(turn),
		.mail = state->mail,
		.offset = state->stored_bytes,
		.bytes = slice_of(turn->block, length),
	};

	uint8_t found;

	byte_queue_clear(turn->chunks, pending);
	if (length && record_append_mail_part(turn->pool->records, &part))
		state->truncated = true; /* a part is missing: the loader must not take the mail for whole */
	found = scan_part(turn, state, decoy, part.bytes, last);
	state->stored_bytes += length;
	return found;
}

static void add_body(struct turn *turn, struct smtp_state *state, struct slice bytes)
{
	struct byte_queue *pending = turn_pending(turn);
	uint64_t limit = turn->policy->mail_max_bytes;
	uint64_t have = state->size_bytes;

	state->size_bytes += bytes.length;
	if (limit && (have >= limit || bytes.length > limit - have)) {
		state->truncated = true;
		bytes.length = have >= limit ? 0 : (size_t)(limit - have);
	}
	while (bytes.length) {
		size_t part = SMTP_PART_BYTES - pending->length;

		if (part > bytes.length)
			part = bytes.length;
		if (byte_queue_append(turn->chunks, pending, slice_of(bytes.bytes, part))) {
			state->truncated = true;
			return;
		}
		bytes.bytes += part;
		bytes.length -= part;
		if (pending->length == SMTP_PART_BYTES)
			(void)flush_part(turn, state, decoy_of(turn), false);
	}
}

/* A byte of the header block behind the limit: the lines of a subject are kept, the others left out. */
static void add_late_byte(struct turn *turn, struct smtp_state *state, uint8_t byte)
{
	static const char wanted[] = "subject:";
	bool line_start = state->header_place == HEADER_LINE_START;
	struct slice kept = slice_of(&byte, 1);

	if (byte == '\n') {
		bool empty = state->header_place != HEADER_IN_LINE;

		state->header_place = empty ? HEADER_OVER : HEADER_LINE_START;
		if (empty)
			return;
	} else {
		state->header_place = line_start && byte == '\r' ? HEADER_CR : HEADER_IN_LINE;
	}
	if (line_start && byte != ' ' && byte != '\t') /* else the line before goes on */
		state->late_match = 0;
	if (state->late_match < LATE_KEPT) {
		bool fits = (byte | 0x20) == wanted[state->late_match];

		state->late_match = fits ? state->late_match + 1 : LATE_LEFT_OUT;
		if (state->late_match != LATE_KEPT)
			return;
		kept = slice_of_text("\r\nSubject:"); /* what stands before may be half a line */
	}
	if (state->late_match == LATE_KEPT && state->header.length + kept.length <= SMTP_HEADER_MAX_BYTES &&
	    byte_queue_append(turn->chunks, &state->header, kept))
		state->header_place = HEADER_OVER;
}

/* Copies header lines up to an empty line, which is not part of it, or up to the limit. */
static void add_header(struct turn *turn, struct smtp_state *state, struct slice bytes)
{
	static const uint8_t cr = '\r';

	while (bytes.length && state->header_place != HEADER_OVER) {
		const uint8_t *end;
		size_t part;

		if (state->header_late) {
			add_late_byte(turn, state, bytes.bytes[0]);
			bytes = slice_of(bytes.bytes + 1, bytes.length - 1);
			continue;
		}
		if (state->header_place != HEADER_IN_LINE) {
			if (bytes.bytes[0] == '\n') {
				state->header_place = HEADER_OVER;
				return;
			}
			if (state->header_place == HEADER_LINE_START && bytes.bytes[0] == '\r') {
				state->header_place = HEADER_CR;
				bytes = slice_of(bytes.bytes + 1, bytes.length - 1);
				continue;
			}
			if (state->header_place == HEADER_CR)
				(void)byte_queue_append(turn->chunks, &state->header, slice_of(&cr, 1));
		}
		end = memchr(bytes.bytes, '\n', bytes.length);
		part = end ? (size_t)(end - bytes.bytes) + 1 : bytes.length;
		state->header_place = end ? HEADER_LINE_START : HEADER_IN_LINE;
		if (state->header.length + part > SMTP_HEADER_ALL_BYTES) {
			part = SMTP_HEADER_ALL_BYTES - state->header.length;
			state->header_place = HEADER_IN_LINE;
			state->header_late = true;
			state->late_match = LATE_LEFT_OUT;
		}
		if (byte_queue_append(turn->chunks, &state->header, slice_of(bytes.bytes, part)))
			state->header_place = HEADER_OVER;
		bytes = slice_of(bytes.bytes + part, bytes.length - part);
	}
}

static void add(struct turn *turn, struct smtp_state *state, struct slice bytes)
{
	bool in_header = state->header_place != HEADER_OVER;

	if (!bytes.length)
		return;
	add_header(turn, state, bytes);
	if (in_header && state->header_place == HEADER_OVER) /* bytes end at the latest where their line does */
		state->body_offset = state->size_bytes + bytes.length;
	add_body(turn, state, bytes);
}

/* The end was seen: answers as a queue does. */
static void accept_mail(struct turn *turn, struct smtp_state *state)
{
	static const char digits[] = "0123456789ABCDEF";
	uint64_t id[2] = { turn_access(turn), state->mail };
	uint64_t hash = turn_decoy_hash(turn, slice_of(id, sizeof(id)));
	bool too_large = turn->policy->mail_max_bytes && state->size_bytes > turn->policy->mail_max_bytes;
	char queue_id[12];

	for (size_t i = 0; i < 11; i++, hash >>= 4)
		queue_id[i] = digits[hash & 15];
	queue_id[11] = 0;
	turn_depth(turn, DEPTH_data);
	smtp_data_end(turn, state, true);
	turn_delay(turn, 4, 40);
	if (too_large)
		turn_say(turn, slice_of_text("552 5.3.4 Error: message file too big\r\n"));
	else
		turn_sayf(turn, "250 2.0.0 Ok: queued as %s\r\n", queue_id);
}

/* A line that begins with a dot: the byte behind the dot, and behind a CR that follows it. true = the mail is over. */
static bool after_dot(struct turn *turn, struct smtp_state *state, uint8_t byte)
{
	static const uint8_t cr = '\r';

	if (byte == '\n')
		return true;
	if (state->place == PLACE_DOT && byte == '\r') {
		state->place = PLACE_DOT_CR;
		return false;
	}
	/* The dot was stuffed (RFC 5321, section 4.5.2), or put there by a client that stuffs none: it goes in any
	 * case. */
	if (state->place == PLACE_DOT_CR)
		add(turn, state, slice_of(&cr, 1));
	add(turn, state, slice_of(&byte, 1));
	state->place = PLACE_IN_LINE;
	return false;
}

size_t smtp_data_input(struct turn *turn, struct smtp_state *state, struct slice bytes)
{
	size_t used = 0;

	if (bytes.length)
		state->heard_at_ns = turn->now_ns;
	while (used < bytes.length) {
		const uint8_t *at = bytes.bytes + used, *end;
		size_t part;

		if (state->place == PLACE_DOT || state->place == PLACE_DOT_CR) {
			used++;
			if (after_dot(turn, state, *at)) {
				accept_mail(turn, state);
				return used;
			}
			continue;
		}
		if (state->place == PLACE_LINE_START && *at == '.') {
			state->place = PLACE_DOT;
			used++;
			continue;
		}
		end = memchr(at, '\n', bytes.length - used);
		part = end ? (size_t)(end - at) + 1 : bytes.length - used;
		add(turn, state, slice_of(at, part));
		state->place = end ? PLACE_LINE_START : PLACE_IN_LINE;
		used += part;
	}
	return used;
}

static void record_recipients(struct turn *turn, struct smtp_state *state)
{
	size_t at = 0;

	for (uint32_t i = 0; i < state->recipients; i++) {
		struct record_mail_recipient recipient = {
			.mail = state->mail,
			.received_at_ns = state->heard_at_ns,
			.position = i,
		};
		uint8_t head[2], address[SMTP_LINE_MAX_BYTES];
		size_t length;

		if (byte_queue_peek(turn->chunks, &state->recipient_list, at, head, 2) < 2)
			return;
		length = (size_t)head[0] << 8 | head[1];
		if (length > sizeof(address) ||
		    byte_queue_peek(turn->chunks, &state->recipient_list, at + 2, address, length) < length)
			return;
		recipient.address = slice_of(address, length);
		(void)record_append_mail_recipient(turn->pool->records, &recipient);
		at += 2 + length;
	}
}

static void probe_recipients(struct turn *turn, struct smtp_state *state, struct scan_decoy *decoy,
			     struct probe_finding *finding)
{
	uint8_t head[2], address[SMTP_LINE_MAX_BYTES];
	size_t at = 0;

	while (probe_wants(finding, PROBE_PLACE_rcpt_to) &&
	       byte_queue_peek(turn->chunks, &state->recipient_list, at, head, 2) == 2) {
		size_t length = (size_t)head[0] << 8 | head[1];

		if (length > sizeof(address) ||
		    byte_queue_peek(turn->chunks, &state->recipient_list, at + 2, address, length) < length)
			return;
		probe_text(decoy, finding, PROBE_PLACE_rcpt_to, slice_of(address, length));
		at += 2 + length;
	}
}

/* Does the mail name the decoy that it came through? in_body: what was found there. */
static void probe_mail(struct turn *turn, struct smtp_state *state, struct scan_decoy *decoy, struct record_mail *mail,
		       uint8_t in_body)
{
	struct probe_finding finding = { 0 };

	probe_note(&finding, PROBE_PLACE_body, in_body);
	probe_header(decoy, &finding, mail->header, (uint8_t *)turn->page);
	probe_text(decoy, &finding, PROBE_PLACE_helo, mail->helo);
	probe_text(decoy, &finding, PROBE_PLACE_mail_from, mail->mail_from);
	probe_recipients(turn, state, decoy, &finding);
	mail->probe_place = finding.place;
	mail->probe_encoding = finding.encoding;
}

static struct slice taken(struct turn *turn, const struct byte_queue *queue, uint8_t *to, size_t size)
{
	return slice_of(to, byte_queue_peek(turn->chunks, queue, 0, to, size));
}

void smtp_data_end(struct turn *turn, struct smtp_state *state, bool complete)
{
	uint8_t helo[SMTP_LINE_MAX_BYTES], from[SMTP_LINE_MAX_BYTES], host[HOP_RAW_MAX_BYTES];
	struct record_mail mail = {
		.access = turn_access(turn),
		.mail = state->mail,
		.received_at_ns = state->heard_at_ns,
		.endpoints = *turn_endpoints(turn),
		.direct = turn_level(turn) == 0,
		.complete = complete,
		.size_bytes = state->size_bytes,
		.recipients = state->recipients,
	};
	struct scan_decoy *decoy = decoy_of(turn);
	uint8_t in_body = flush_part(turn, state, decoy, true);
	int32_t port;

	mail.truncated = state->truncated;
	mail.relay_host = slice_of(host, turn_relay(turn, (char *)host, sizeof(host), &port));
	mail.relay_port = port;
	mail.helo = taken(turn, &state->helo, helo, sizeof(helo));
	mail.mail_from = taken(turn, &state->mail_from, from, sizeof(from));
	mail.header = taken(turn, &state->header, turn->block, TURN_BLOCK_BYTES);
	if (complete)
		probe_mail(turn, state, decoy, &mail, in_body);
	(void)record_append_mail(turn->pool->records, &mail);
	record_recipients(turn, state);
	turn_count_mail(turn);
	smtp_forget_envelope(turn, state);
	smtp_enter_phase(state, SMTP_COMMAND);
}
