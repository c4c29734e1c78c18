// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * scan.c - finds a decoy's address and port in bytes that come in pieces: see scan.h.
 *
 * In:  bytes. Out: the best of the spellings that were found. Called by probe.c and protocols/smtp_data.c.
 * Pure.
 */
#include "probe/scan.h"

#include "probe/base64.h"

#define VECTOR_BYTES 16

static bool is_line_end(uint8_t byte)
{
	return byte == '\r' || byte == '\n';
}

/* Is this position, of which there is a next one, worth a look? */
static bool is_candidate(const struct scan_decoy *decoy, const uint8_t *at)
{
	if (at[0] == (uint8_t)decoy->token.port[0] && at[1] == (uint8_t)decoy->token.port[1])
		return true;
	for (unsigned int i = 0; i < 3; i++) {
		const char *characters = decoy->needles[i].characters + decoy->needles[i].anchor;

		if (at[0] == (uint8_t)characters[0] && (at[1] == (uint8_t)characters[1] || is_line_end(at[1])))
			return true;
	}
	return false;
}

static inline scan_vector load(const uint8_t *from)
{
	scan_vector loaded;

	memcpy(&loaded, from, sizeof(loaded));
	return loaded;
}

static inline scan_vector all(char byte)
{
	return (scan_vector){ 0 } + (uint8_t)byte;
}

static inline bool any(scan_vector bits)
{
	uint64_t halves[2];

	memcpy(halves, &bits, sizeof(halves));
	return (halves[0] | halves[1]) != 0;
}

static void fill(scan_vector pair[2], const char *bytes)
{
	pair[0] = all(bytes[0]);
	pair[1] = all(bytes[1]);
}

void scan_decoy(struct scan_decoy *decoy, const struct address *address, uint16_t port)
{
	if (decoy->token.port_length && decoy->token.port_number == port) {
		decoy->token.address = *address;
		decoy->token.spelled = false;
		return;
	}
	token_decoy(&decoy->token, address, port);
	for (unsigned int i = 0; i < 3; i++)
		base64_needle(&decoy->needles[i], i, decoy->token.port, decoy->token.port_length);
	fill(decoy->pairs.port, decoy->token.port);
	fill(decoy->pairs.a, decoy->needles[0].characters + decoy->needles[0].anchor);
	fill(decoy->pairs.b, decoy->needles[1].characters + decoy->needles[1].anchor);
	fill(decoy->pairs.c, decoy->needles[2].characters + decoy->needles[2].anchor);
}

/* Where the first byte of a pair stands. */
static inline scan_vector is_first(const struct scan_pairs *pairs, const uint8_t *at)
{
	scan_vector here = load(at);

	return (scan_vector)(here == pairs->port[0]) | (scan_vector)(here == pairs->a[0]) |
	       (scan_vector)(here == pairs->b[0]) | (scan_vector)(here == pairs->c[0]);
}

/* Where a whole pair stands, as is_candidate has it. Looks at one byte more. */
static inline scan_vector is_pair(const struct scan_pairs *pairs, const uint8_t *at)
{
	scan_vector here = load(at), next = load(at + 1);
	scan_vector ends = (scan_vector)(next == all('\r')) | (scan_vector)(next == all('\n'));

	return ((scan_vector)(here == pairs->port[0]) & (scan_vector)(next == pairs->port[1])) |
	       ((scan_vector)(here == pairs->a[0]) & ((scan_vector)(next == pairs->a[1]) | ends)) |
	       ((scan_vector)(here == pairs->b[0]) & ((scan_vector)(next == pairs->b[1]) | ends)) |
	       ((scan_vector)(here == pairs->c[0]) & ((scan_vector)(next == pairs->c[1]) | ends));
}

/*
 * Passes over vectors without a candidate: returns the offset of the first that has one, or from where on there is less
 * than a vector and one more byte. Four vectors without the first byte of a pair, as most of a plain text is, go at
 * once: this is where nearly all time is spent.
 */
static size_t skip_vectors(const struct scan_decoy *decoy, struct slice text, size_t at)
{
	const struct scan_pairs *pairs = &decoy->pairs;

	while (at + VECTOR_BYTES < text.length) {
		const uint8_t *here = text.bytes + at;

		if (at + 4 * VECTOR_BYTES <= text.length &&
		    !any(is_first(pairs, here) | is_first(pairs, here + VECTOR_BYTES) |
			 is_first(pairs, here + 2 * VECTOR_BYTES) | is_first(pairs, here + 3 * VECTOR_BYTES))) {
			at += 4 * VECTOR_BYTES;
			continue;
		}
		for (unsigned int i = 0; i < 4 && at + VECTOR_BYTES < text.length; i++, at += VECTOR_BYTES)
			if (any(is_pair(pairs, text.bytes + at)))
				return at;
	}
	return at;
}

/* The same for a text that is shorter than a vector and one more byte, as most addresses are. */
static bool short_has_pair(const struct scan_decoy *decoy, struct slice text)
{
	uint8_t padded[VECTOR_BYTES + 1] = { 0 };

	if (text.length)
		memcpy(padded, text.bytes, text.length);
	return any(is_pair(&decoy->pairs, padded));
}

size_t scan_candidate(const struct scan_decoy *decoy, struct slice text, size_t from, size_t until)
{
	/* One digit leaves nothing to search for: every position is a candidate. */
	if (decoy->token.port_length < 2)
		return from;
	/* Two bytes are needed, and no port of two digits begins at the last. */
	if (text.length && until > text.length - 1)
		until = text.length - 1;
	if (text.length <= VECTOR_BYTES && !short_has_pair(decoy, text))
		return until;
	while (from < until) {
		size_t end;

		from = skip_vectors(decoy, slice_of(text.bytes, until + 1), from);
		if (from >= until)
			break;
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
	if (!last)
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

/* An escaped byte that is whole at the front of bytes, as nearly all are; -1 = look at it byte by byte. */
static int whole_escape(struct slice bytes)
{
	int high, low;

	if (bytes.length < 3)
		return -1;
	high = hex_value(bytes.bytes[1]);
	low = hex_value(bytes.bytes[2]);
	return high >= 0 && low >= 0 ? high << 4 | low : -1;
}

/* Feeds the second reading of the body. */
static void input_quoted(struct scan_decoy *decoy, struct scan_stream *stream, struct slice bytes, bool last)
{
	uint8_t text[1024];
	size_t length = 0;

	while (bytes.length) {
		const uint8_t *escape;
		size_t part, room;
		int byte;

		if (length + 2 > sizeof(text)) {
			stream->found =
				better(stream->found, input(decoy, &stream->decoded, slice_of(text, length), false));
			length = 0;
		}
		room = sizeof(text) - length - 1; /* and the byte that an escape becomes */
		if (stream->in_escape) {
			bool used;

			length += unescape(stream, bytes.bytes[0], text + length, &used);
			bytes = slice_of(bytes.bytes + used, bytes.length - used);
			continue;
		}
		escape = memchr(bytes.bytes, '=', bytes.length < room ? bytes.length : room);
		part = escape ? (size_t)(escape - bytes.bytes) : bytes.length < room ? bytes.length : room;
		memcpy(text + length, bytes.bytes, part);
		length += part;
		bytes = slice_of(bytes.bytes + part, bytes.length - part);
		if (!escape)
			continue;
		byte = whole_escape(bytes);
		stream->in_escape = byte < 0;
		if (byte >= 0)
			text[length++] = (uint8_t)byte;
		part = byte < 0 ? 1 : 3;
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
