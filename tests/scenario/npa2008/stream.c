// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stream.c - see stream.h.
 *
 * In:  what each side says. Out: segments of at most the MSS, acknowledgements, and the faults of the path: a corrupted
 * copy, a repetition, a swap, a loss, an overlap. May not know what the bytes mean.
 */
#include "stream.h"

#include <string.h>

#define MS_NS 1000000ll
#define SERVER_WINDOW 65160

static bool has_fault(struct stream *stream, const char *name)
{
	unsigned per_mille = plan_item(stream->plan->faults, stream->plan->fault_count, name);

	return per_mille && random_chance(&stream->random, per_mille);
}

void stream_wait(struct stream *stream, int64_t ns)
{
	stream->now_ns += ns;
}

/* Between two packets of one side: 20 to 400 us and some nanoseconds. */
static void short_pause(struct stream *stream)
{
	stream_wait(stream, random_between(&stream->random, 20001, 400000));
}

static void half_way(struct stream *stream)
{
	stream_wait(stream, stream->rtt_ns / 2 + random_below(&stream->random, 900000));
}

void stream_begin(struct stream *stream, const struct plan *plan, struct tape *tape, const struct stream_watch *watch,
		  uint64_t seed, int64_t start_ns)
{
	static const uint32_t sizes[] = { 1460, 1460, 1460, 1452, 1440, 1400, 536 };

	memset(stream, 0, sizeof(*stream));
	random_seed(&stream->random, seed);
	stream->plan = plan;
	stream->tape = tape;
	stream->watch = watch;
	stream->now_ns = start_ns;
	stream->rtt_ns = random_between(&stream->random, 12, 260) * MS_NS;
	stream->client_isn = (uint32_t)random_next(&stream->random);
	stream->server_isn = (uint32_t)random_next(&stream->random);
	stream->mss = sizes[random_below(&stream->random, 7)];
	stream->client_window = random_chance(&stream->random, 500) ? 65535 : 16384;
	stream->server_window = SERVER_WINDOW;
	stream->time_stamps = random_chance(&stream->random, 300);
	stream->ttl = (uint8_t)random_between(&stream->random, 40, 120);
	stream->ip_id = (uint16_t)random_next(&stream->random);
}

/* --- segments --- */

/* Options of a SYN: as Windows XP had them, or Linux with time stamps; the answer as Linux. */
static void syn_options(const struct stream *stream, struct segment *segment, bool ours)
{
	const uint8_t windows[12] = { 2, 4, (uint8_t)(stream->mss >> 8), (uint8_t)stream->mss, 1, 3, 3, 2, 1, 1, 4, 2 };
	const uint8_t linux_set[20] = {
		2, 4, (uint8_t)(stream->mss >> 8), (uint8_t)stream->mss, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7
	};

	segment->option_bytes = stream->time_stamps ? 20 : 12;
	memcpy(segment->options, stream->time_stamps ? linux_set : windows, segment->option_bytes);
	if (ours) {
		segment->options[2] = 1460 >> 8;
		segment->options[3] = 1460 & 0xff;
	}
}

static void stamp(const struct stream *stream, struct segment *segment)
{
	uint32_t now = (uint32_t)(stream->now_ns / MS_NS);
	const uint8_t option[12] = {
		1, 1, 8, 10, (uint8_t)(now >> 24), (uint8_t)(now >> 16), (uint8_t)(now >> 8), (uint8_t)now, 0, 0, 0, 1
	};

	if (!stream->time_stamps)
		return;
	memcpy(segment->options, option, sizeof(option));
	segment->option_bytes = sizeof(option);
}

static void emit(struct stream *stream, const struct segment *segment)
{
	uint8_t frame[FRAME_BYTES_MAX + 200];

	tape_put(stream->tape, stream->now_ns, frame, frame_segment(frame, segment));
	if (segment->flags == TCP_SYN && !segment->bad_checksum && stream->watch)
		stream->watch->syn(stream->watch->context, stream->now_ns, &segment->from, &segment->to);
}

static uint32_t client_seq(const struct stream *stream, uint64_t offset)
{
	return stream->client_isn + 1 + (uint32_t)offset;
}

void stream_client_segment(struct stream *stream, uint8_t flags, uint64_t offset, const void *data, size_t bytes,
			   bool bad_checksum)
{
	struct segment segment = {
		.from = stream->client,
		.to = stream->server,
		.seq = flags & TCP_SYN ? stream->client_isn : client_seq(stream, offset),
		.ack = stream->server_isn + 1 + (uint32_t)stream->server_said,
		.window = stream->client_window,
		.flags = flags,
		.ttl = stream->ttl,
		.ip_id = stream->ip_id++,
		.bad_checksum = bad_checksum,
		.data = data,
		.data_bytes = (uint32_t)bytes,
	};

	if (flags & TCP_SYN)
		syn_options(stream, &segment, false);
	else if (!(flags & TCP_RST))
		stamp(stream, &segment);
	emit(stream, &segment);
}

static void server_data(struct stream *stream, uint8_t flags, const void *data, size_t bytes)
{
	struct segment segment = {
		.from = stream->server,
		.to = stream->client,
		.seq = flags & TCP_SYN ? stream->server_isn : stream->server_isn + 1 + (uint32_t)stream->server_said,
		.ack = client_seq(stream, stream->acked),
		.window = stream->server_window,
		.flags = flags,
		.ours = true,
		.ttl = 64,
		.data = data,
		.data_bytes = (uint32_t)bytes,
	};

	if (flags & TCP_SYN)
		syn_options(stream, &segment, true);
	else if (!(flags & TCP_RST))
		stamp(stream, &segment);
	emit(stream, &segment);
}

void stream_server_segment(struct stream *stream, uint8_t flags)
{
	server_data(stream, flags, NULL, 0);
}

/* --- the handshake --- */

void stream_open(struct stream *stream)
{
	stream_client_segment(stream, TCP_SYN, 0, NULL, 0, false);
	if (has_fault(stream, "syn-again")) {
		stream_wait(stream, 3000 * MS_NS);
		stream_client_segment(stream, TCP_SYN, 0, NULL, 0, false);
	}
	short_pause(stream);
	stream_server_segment(stream, TCP_SYN | TCP_ACK);
	stream_wait(stream, stream->rtt_ns);
	stream_client_segment(stream, TCP_ACK, 0, NULL, 0, false);
	stream->started_ns = stream->now_ns;
	short_pause(stream);
}

/* --- the client's bytes --- */

/* What lies in [from, until) has come. */
static void arrive(struct stream *stream, uint64_t from, uint64_t until)
{
	bool moved = until > stream->arrived && from <= stream->arrived;

	if (moved) {
		stream->arrived = until;
		stream->arrived_ns = stream->now_ns;
	} else if (from > stream->arrived && stream->early_count < STREAM_GAPS) {
		stream->early[stream->early_count].from = from;
		stream->early[stream->early_count++].until = until;
	}
	while (moved) {
		moved = false;
		for (unsigned i = 0; i < stream->early_count; i++)
			if (stream->early[i].from <= stream->arrived && stream->early[i].until > stream->arrived) {
				stream->arrived = stream->early[i].until;
				moved = true;
			}
	}
	for (unsigned i = 0; i < stream->early_count;)
		if (stream->early[i].until <= stream->arrived)
			stream->early[i] = stream->early[--stream->early_count];
		else
			i++;
}

/* A segment with the bytes [from, until) of what is said, which begins at base. */
static void say_part(struct stream *stream, const uint8_t *bytes, uint64_t base, uint64_t from, uint64_t until)
{
	stream_client_segment(stream, TCP_ACK | TCP_PSH, from, bytes + (from - base), (size_t)(until - from), false);
	arrive(stream, from, until);
	short_pause(stream);
}

/* Two segments that come the wrong way round, or the first of them only on being sent again. */
static void say_disordered(struct stream *stream, const uint8_t *bytes, uint64_t base, uint64_t from, uint64_t middle,
			   uint64_t until, bool lost)
{
	say_part(stream, bytes, base, middle, until);
	if (lost)
		stream_wait(stream, 200 * MS_NS + stream->rtt_ns);
	say_part(stream, bytes, base, from, middle);
}

/* The next one or two segments; returns where they end. */
static uint64_t say_next(struct stream *stream, const uint8_t *bytes, uint64_t base, uint64_t from, uint64_t end)
{
	uint64_t most = stream->mss - (stream->time_stamps ? 12 : 0);
	uint64_t middle = from + most < end ? from + most : end, until = middle + most < end ? middle + most : end;

	if (has_fault(stream, "tiny") && end - from > 4)
		middle = from + 1 + random_below(&stream->random, 3);
	if (has_fault(stream, "bad-copy")) {
		stream_client_segment(stream, TCP_ACK | TCP_PSH, from, bytes + (from - base), (size_t)(middle - from),
				      true);
		short_pause(stream);
	}
	if (middle < end && (until = middle + most < end ? middle + most : end) > middle) {
		bool lost = has_fault(stream, "lost");

		if (lost || has_fault(stream, "swap")) {
			say_disordered(stream, bytes, base, from, middle, until, lost);
			return until;
		}
	}
	say_part(stream, bytes, base, from, middle);
	if (has_fault(stream, "again"))
		say_part(stream, bytes, base, from, middle);
	if (middle < end && middle - from > 1 && has_fault(stream, "overlap")) {
		until = middle + most / 2 < end ? middle + most / 2 : end;
		say_part(stream, bytes, base, from + (middle - from) / 2, until);
		return until;
	}
	return middle;
}

void stream_say(struct stream *stream, const void *bytes, size_t length)
{
	uint64_t base = stream->client_said, end = base + length, at = base;

	for (unsigned burst = 0; at < end; burst++) {
		at = say_next(stream, bytes, base, at, end);
		if (burst % 4 == 3 && at < end) { /* the server acknowledges, and the window opens again */
			stream->acked = stream->arrived;
			stream_server_segment(stream, TCP_ACK);
			half_way(stream);
		}
	}
	stream->client_said = end;
	stream->acked = end;
	stream_server_segment(stream, TCP_ACK);
	short_pause(stream);
}

/* --- the server's --- */

void stream_answer(struct stream *stream, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	uint32_t most = (stream->mss < 1460 ? stream->mss : 1460) - (stream->time_stamps ? 12 : 0);

	stream_wait(stream, random_between(&stream->random, 300000, 9000000));
	while (length) {
		size_t part = length < most ? length : most;

		server_data(stream, TCP_ACK | TCP_PSH, at, part);
		stream->server_said += part;
		at += part;
		length -= part;
		short_pause(stream);
	}
	stream_wait(stream, stream->rtt_ns);
	if (random_chance(&stream->random, 600)) { /* else the acknowledgement rides on what the client says next */
		stream_client_segment(stream, TCP_ACK, stream->client_said, NULL, 0, false);
		short_pause(stream);
	}
}

void stream_answer_text(struct stream *stream, const char *text)
{
	stream_answer(stream, text, strlen(text));
}

void stream_close(struct stream *stream, enum stream_end how)
{
	switch (how) {
	case STREAM_FIN:
		stream_client_segment(stream, TCP_FIN | TCP_ACK, stream->client_said, NULL, 0, false);
		short_pause(stream);
		stream->acked = stream->client_said + 1;
		stream_server_segment(stream, TCP_FIN | TCP_ACK);
		stream_wait(stream, stream->rtt_ns);
		stream->server_said++;
		stream_client_segment(stream, TCP_ACK, stream->client_said + 1, NULL, 0, false);
		break;
	case STREAM_SERVER_FIN:
		stream_server_segment(stream, TCP_FIN | TCP_ACK);
		stream_wait(stream, stream->rtt_ns);
		stream->server_said++;
		stream_client_segment(stream, TCP_FIN | TCP_ACK, stream->client_said, NULL, 0, false);
		short_pause(stream);
		stream->acked = stream->client_said + 1;
		stream_server_segment(stream, TCP_ACK);
		break;
	case STREAM_RST:
		stream_client_segment(stream, TCP_RST | TCP_ACK, stream->client_said, NULL, 0, false);
		break;
	case STREAM_SILENCE:
	case STREAM_ENDS:
		break;
	}
	short_pause(stream);
}
