// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * scan.c - finds a decoy's address and port in bytes that come in pieces: see scan.h.
 *
 * In:  bytes. Out: the best of the spellings that were found. Called by probe.c, header.c and protocols/smtp_data.c.
 * Pure.
 */
#include "probe/scan.h"

#include "probe/base64.h"

typedef uint8_t vector __attribute__((vector_size(16)));

#define VECTOR_BYTES 16
#define LOAD_BYTES (VECTOR_BYTES + 1) /* a position is judged by its byte and the next */

void scan_decoy(struct scan_decoy *decoy, const struct address *address, uint16_t port)
{
	token_decoy(&decoy->token, address, port);
	for (unsigned int i = 0; i < 3; i++)
		base64_needle(&decoy->needles[i], i, decoy->token.port, decoy->token.port_length);
}

static bool is_line_end(uint8_t byte)
{
	return byte == '\r' || byte == '\n';
}

/* May a token's port begin at this position, of which there is a next one? */
static bool is_candidate(const struct scan_decoy *decoy, const uint8_t *at)
{
	const struct scan_needle *needle = decoy->needles;

	if (at[0] == (uint8_t)decoy->token.port[0] && at[1] == (uint8_t)decoy->token.port[1])
		return true;
	for (unsigned int i = 0; i < 3; i++)
		if (at[0] == (uint8_t)needle[i].characters[0] &&
		    (at[1] == (uint8_t)needle[i].characters[1] || is_line_end(at[1])))
			return true;
	return false;
}

static inline vector load(const uint8_t *from)
{
	vector loaded;

	memcpy(&loaded, from, sizeof(loaded));
	return loaded;
}

static inline vector all(char byte)
{
	return (vector){ 0 } + (uint8_t)byte;
}

static inline bool any(vector bits)
{
	uint64_t halves[2];

	memcpy(halves, &bits, sizeof(halves));
	return (halves[0] | halves[1]) != 0;
}

/* The same as is_candidate for 16 positions at a time: the offset of the first 16 that hold one, or where it ended. */
static size_t skip_vectors(const struct scan_decoy *decoy, struct slice text, size_t at, size_t until)
{
	const struct scan_needle *needle = decoy->needles;
	const vector port0 = all(decoy->token.port[0]), port1 = all(decoy->token.port[1]);
	const vector a0 = all(needle[0].characters[0]), a1 = all(needle[0].characters[1]);
	const vector b0 = all(needle[1].characters[0]), b1 = all(needle[1].characters[1]);
	const vector c0 = all(needle[2].characters[0]), c1 = all(needle[2].characters[1]);
	const vector cr = all('\r'), lf = all('\n');

	for (; at < until && at + LOAD_BYTES <= text.length; at += VECTOR_BYTES) {
		vector here = load(text.bytes + at), next = load(text.bytes + at + 1);
		vector ends = (vector)(next == cr) | (vector)(next == lf);
		vector hits = (vector)(here == port0) & (vector)(next == port1);

		hits |= (vector)(here == a0) & ((vector)(next == a1) | ends);
		hits |= (vector)(here == b0) & ((vector)(next == b1) | ends);
		hits |= (vector)(here == c0) & ((vector)(next == c1) | ends);
		if (any(hits))
			break;
	}
	return at;
}

size_t scan_candidate(const struct scan_decoy *decoy, struct slice text, size_t from, size_t until)
{
	/* One digit leaves nothing to search for: every position is a candidate. */
	if (decoy->token.port_length < 2)
		return from;
	/* Two bytes are needed, and no port of two digits begins at the last. */
	if (text.length && until > text.length - 1)
		until = text.length - 1;
	while (from < until) {
		size_t end;

		from = skip_vectors(decoy, text, from, until);
		/* Where less than a vector is left, the last whole one is looked at once more for what remains. */
		if (from < until && text.length >= LOAD_BYTES && from + LOAD_BYTES > text.length) {
			size_t last = text.length - LOAD_BYTES;

			if (skip_vectors(decoy, text, last, last + 1) != last)
				return until;
		}
		end = until - from < VECTOR_BYTES ? until : from + VECTOR_BYTES;
		for (; from < end; from++)
			if (is_candidate(decoy, text.bytes + from))
				return from;
	}
	return until;
}

uint8_t scan_at(struct scan_decoy *decoy, struct slice text, size_t position)
{
	uint8_t found = token_at(&decoy->token, text, position);

	for (unsigned int i = 0; !found && i < 3; i++)
		if (base64_token_at(decoy, i, text, position))
			found = PROBE_ENCODING_base64;
	return found;
}

/* The better of two: the one that stands first in the list of encodings. */
static uint8_t better(uint8_t a, uint8_t b)
{
	return a && (!b || a < b) ? a : b;
}

/* The best that begins at positions from up to until. */
static uint8_t look(struct scan_decoy *decoy, struct slice text, size_t from, size_t until)
{
	uint8_t best = 0;

	while (from < until && best != PROBE_ENCODING_dotted) {
		size_t at = scan_candidate(decoy, text, from, until);

		if (at >= until || at >= text.length || (decoy->token.port_length > 1 && at + 1 >= text.length))
			break;
		best = better(scan_at(decoy, text, at), best);
		from = at + 1;
	}
	return best;
}

uint8_t scan_text(struct scan_decoy *decoy, struct slice text)
{
	return look(decoy, text, 0, text.length);
}

/* --- pieces ------------------------------------------------------------------------------------------------------- */

/* Up to where all is known that a token there depends on. */
static size_t known_until(size_t length, bool last)
{
	if (last)
		return length;
	return length > SCAN_BEHIND_BYTES ? length - SCAN_BEHIND_BYTES : 0;
}

static void keep_tail(struct scan_tail *tail, struct slice text, size_t looked_at)
{
	size_t dropped = text.length > SCAN_TAIL_BYTES ? text.length - SCAN_TAIL_BYTES : 0;

	tail->length = (uint16_t)(text.length - dropped);
	tail->looked_at = (uint16_t)(looked_at > dropped ? looked_at - dropped : 0);
	if (tail->length)
		memcpy(tail->bytes, text.bytes + dropped, tail->length);
}

/* Looks at what the tail and the next bytes hold together, then at the bytes that are far enough from the tail. */
static uint8_t input(struct scan_decoy *decoy, struct scan_tail *tail, struct slice bytes, bool last)
{
	uint8_t joined[2 * SCAN_TAIL_BYTES], best = 0;
	size_t head = bytes.length < SCAN_TAIL_BYTES ? bytes.length : SCAN_TAIL_BYTES, from = 0, until;

	if (tail->length) {
		struct slice text = slice_of(joined, tail->length + head);
		bool whole = head == bytes.length;

		memcpy(joined, tail->bytes, tail->length);
		if (head)
			memcpy(joined + tail->length, bytes.bytes, head);
		until = known_until(text.length, whole && last);
		best = look(decoy, text, tail->looked_at, until);
		if (whole) {
			keep_tail(tail, text, until);
			return best;
		}
		from = SCAN_BEFORE_BYTES;
	}
	until = known_until(bytes.length, last);
	best = better(best, look(decoy, bytes, from, until));
	keep_tail(tail, bytes, until);
	return best;
}

/* Value of a hex digit, or -1. */
static int hex_value(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/*
 * The byte behind an '=', or behind that and one more. Writes what becomes of them to text and returns how much that
 * is; *used = false: the byte itself is still to be read.
 */
static size_t unescape(struct scan_stream *stream, uint8_t byte, uint8_t text[2], bool *used)
{
	uint8_t before = stream->escape;

	*used = true;
	if (!before && (byte == '\r' || hex_value(byte) >= 0)) {
		stream->escape = byte;
		return 0;
	}
	stream->in_escape = false;
	stream->escape = 0;
	if (byte == '\n' && (!before || before == '\r')) /* a soft line break */
		return 0;
	if (before && before != '\r' && hex_value(byte) >= 0) {
		text[0] = (uint8_t)(hex_value(before) << 4 | hex_value(byte));
		return 1;
	}
	/* It was none: the bytes mean themselves. */
	*used = false;
	text[0] = '=';
	text[1] = before;
	return before ? 2 : 1;
}

/* Feeds the second reading of the body. */
static void input_quoted(struct scan_decoy *decoy, struct scan_stream *stream, struct slice bytes, bool last)
{
	uint8_t text[1024];
	size_t length = 0;

	while (bytes.length) {
		const uint8_t *escape;
		size_t part;

		if (length + 2 > sizeof(text)) {
			stream->found =
				better(stream->found, input(decoy, &stream->decoded, slice_of(text, length), false));
			length = 0;
		}
		if (stream->in_escape) {
			bool used;

			length += unescape(stream, bytes.bytes[0], text + length, &used);
			bytes = slice_of(bytes.bytes + used, bytes.length - used);
			continue;
		}
		escape = memchr(bytes.bytes, '=', bytes.length);
		part = escape ? (size_t)(escape - bytes.bytes) : bytes.length;
		stream->in_escape = escape && part <= sizeof(text) - length;
		if (part > sizeof(text) - length)
			part = sizeof(text) - length;
		memcpy(text + length, bytes.bytes, part);
		length += part;
		part += stream->in_escape;
		bytes = slice_of(bytes.bytes + part, bytes.length - part);
	}
	stream->found = better(stream->found, input(decoy, &stream->decoded, slice_of(text, length), last));
}

void scan_input(struct scan_decoy *decoy, struct scan_stream *stream, struct slice bytes, bool last)
{
	const uint8_t *escape = stream->quoted || !bytes.length ? NULL : memchr(bytes.bytes, '=', bytes.length);

	if (stream->found == PROBE_ENCODING_dotted)
		return; /* there is nothing better */
	if (escape) {
		size_t before = (size_t)(escape - bytes.bytes);

		stream->found =
			better(stream->found, input(decoy, &stream->plain, slice_of(bytes.bytes, before), false));
		stream->decoded = stream->plain; /* up to here both readings are the same */
		stream->quoted = true;
		bytes = slice_of(escape, bytes.length - before);
	}
	stream->found = better(stream->found, input(decoy, &stream->plain, bytes, last));
	if (stream->quoted)
		input_quoted(decoy, stream, bytes, last);
}
