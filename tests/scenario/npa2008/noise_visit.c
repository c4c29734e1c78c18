// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * noise_visit.c - plays what a tap sees beside visits, and what must not be counted: scans, backscatter, the silent,
 * the broken.
 *
 * In:  a visit whose form says what. Out: frames; an access of depth ack where a handshake was completed.
 */
#include "say.h"
#include "visit.h"

static const char request[] = "CONNECT mail.never.example:25 HTTP/1.0\r\n\r\n";

static void say_request(struct stream *stream, bool bad_checksum)
{
	stream_client_segment(stream, TCP_ACK | TCP_PSH, 0, request, sizeof(request) - 1, bad_checksum);
	stream_wait(stream, 200000);
}

/* A handshake of which nothing comes that counts: in the table, not in the figures. */
static void book_silent(struct scene *scene, const struct stream *stream)
{
	struct access_fact fact = {
		.started_ns = stream->started_ns,
		.client = stream->client,
		.server = stream->server,
		.relay_port = -1,
		.class = "other",
		.depth = "ack",
	};

	books_access(scene->books, &fact);
}

static void silent(struct scene *scene, struct stream *stream)
{
	stream_open(stream);
	stream_close(stream, visit_end(stream));
	book_silent(scene, stream);
}

static void bare_syn(struct scene *scene, struct stream *stream)
{
	(void)scene;
	stream_client_segment(stream, TCP_SYN, 0, NULL, 0, false);
	stream_wait(stream, 100000);
	if (random_chance(&stream->random, 700))
		stream_server_segment(stream, TCP_SYN | TCP_ACK);
	stream_wait(stream, stream->rtt_ns);
	if (random_chance(&stream->random, 500))
		stream_client_segment(stream, TCP_RST, 0, NULL, 0, false);
}

static void backscatter(struct scene *scene, struct stream *stream)
{
	(void)scene;
	stream_client_segment(stream, random_chance(&stream->random, 600) ? TCP_SYN | TCP_ACK : TCP_RST | TCP_ACK, 0,
			      NULL, 0, false);
}

/* Recorded from its middle on. */
static void midstream(struct scene *scene, struct stream *stream)
{
	(void)scene;
	say_request(stream, false);
	stream->acked = sizeof(request) - 1;
	stream_server_segment(stream, TCP_ACK);
	stream_wait(stream, stream->rtt_ns);
	stream_client_segment(stream, TCP_FIN | TCP_ACK, sizeof(request) - 1, NULL, 0, false);
}

/* All that it says is corrupted. */
static void bad_data(struct scene *scene, struct stream *stream)
{
	stream_open(stream);
	say_request(stream, true);
	say_request(stream, true);
	stream_client_segment(stream, TCP_RST, 0, NULL, 0, false);
	book_silent(scene, stream);
}

/* The SYN is corrupted, so the server never answered. */
static void bad_syn(struct scene *scene, struct stream *stream)
{
	(void)scene;
	stream_client_segment(stream, TCP_SYN, 0, NULL, 0, true);
	stream_wait(stream, stream->rtt_ns);
	say_request(stream, false);
}

/* Acknowledges what the server did not send. */
static void wrong_ack(struct scene *scene, struct stream *stream)
{
	(void)scene;
	stream_client_segment(stream, TCP_SYN, 0, NULL, 0, false);
	stream_wait(stream, 100000);
	stream_server_segment(stream, TCP_SYN | TCP_ACK);
	stream_wait(stream, stream->rtt_ns);
	stream->server_isn += 7777;
	stream_client_segment(stream, TCP_ACK, 0, NULL, 0, false);
	say_request(stream, false);
	stream->server_isn -= 7777;
	stream_server_segment(stream, TCP_RST);
}

/* What it says comes in IPv4 fragments, which a decoy refuses. */
static void fragments(struct scene *scene, struct stream *stream)
{
	uint8_t first[FRAME_BYTES_MAX], second[FRAME_BYTES_MAX];
	struct segment segment = {
		.from = stream->client,
		.to = stream->server,
		.seq = stream->client_isn + 1,
		.ack = stream->server_isn + 1,
		.window = 65535,
		.flags = TCP_ACK | TCP_PSH,
		.ttl = stream->ttl,
		.data = (const uint8_t *)request,
		.data_bytes = sizeof(request) - 1,
	};
	uint32_t bytes = frame_segment(first, &segment), rest;

	stream_open(stream);
	rest = frame_fragments(first, &bytes, second);
	tape_put(stream->tape, stream->now_ns, first, bytes);
	tape_put(stream->tape, stream->now_ns + 1000, second, rest);
	book_silent(scene, stream);
}

/* A whole conversation that is none of ours. */
static void elsewhere(struct stream *stream)
{
	stream_open(stream);
	stream_say(stream, request, sizeof(request) - 1);
	stream_answer_text(stream, "HTTP/1.0 200 Connection established\r\n\r\n");
	stream_close(stream, STREAM_FIN);
}

/* A port that no decoy offers. */
static void other_port(struct scene *scene, struct stream *stream)
{
	static const uint16_t ports[] = { 22, 80, 443, 8888, 1081, 2222 };
	bool offered = true;

	while (offered) {
		stream->server.port = ports[random_below(&stream->random, 6)];
		offered = false;
		for (size_t i = 0; i < scene->sensor->port_count; i++)
			offered |= scene->sensor->ports[i] == stream->server.port;
	}
	elsewhere(stream);
}

/* The neighbour of the last IPv4 decoy: no decoy. */
static void other_address(struct scene *scene, struct stream *stream)
{
	for (size_t i = 0; i < scene->sensor->decoy_count; i++)
		if (!scene->sensor->decoys[i].ipv6)
			stream->server.ip = scene->sensor->decoys[i];
	stream->server.ip = ip_plus(stream->server.ip, 1);
	elsewhere(stream);
}

static void no_tcp(struct scene *scene, struct stream *stream)
{
	uint8_t frame[200] = { 0 };
	bool udp = random_chance(&stream->random, 500);

	(void)scene;
	tape_put(stream->tape, stream->now_ns, frame,
		 frame_other(frame, &stream->client.ip, &stream->server.ip, udp ? stream->server.port : 0));
}

static const struct {
	const char *form;
	void (*play)(struct scene *scene, struct stream *stream);
} kinds[] = {
	{ "silent", silent },		{ "bare-syn", bare_syn },
	{ "backscatter", backscatter }, { "midstream", midstream },
	{ "bad-data", bad_data },	{ "bad-syn", bad_syn },
	{ "wrong-ack", wrong_ack },	{ "fragments", fragments },
	{ "other-port", other_port },	{ "other-address", other_address },
	{ "no-tcp", no_tcp },
};

void noise_visit(struct scene *scene, const struct visit *visit)
{
	struct stream stream;

	visit_stream(scene, visit, &stream);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].form, visit->form)) {
			kinds[i].play(scene, &stream);
			return;
		}
	say_bad("plan", 0, "no such noise: %s", visit->form);
}
