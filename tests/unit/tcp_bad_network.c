// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcp_bad_network.c - 1 MB in and 256 KB out arrive whole over a network that loses, repeats, reorders and corrupts.
 *
 * In:  a seed a run. Out: pass or fail. A small client of its own (go-back-N, no shared code) talks with the worker
 * through a link in virtual time; what it does depends on the seed alone.
 */
#include "tcp_lab.h"

#define UPLOAD (1u << 20)
#define DOWNLOAD (256u << 10)
#define LINK_PACKETS 4096
#define CLIENT_WINDOW 60000u
#define CLIENT_FLIGHT 12 /* segments */
#define CLIENT_MSS 1400u
#define CLIENT_RTO (300 * LAB_MS)

struct packet {
	uint64_t due_ns; /* 0 = free */
	bool to_client;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window;
	uint16_t bytes;
	uint16_t sum; /* of the payload as it was sent */
	uint8_t option_bytes;
	uint8_t options[40];
	uint8_t data[1500];
};

struct network {
	unsigned loss, repeat, reorder, corrupt; /* of 1000 */
	uint64_t delay_ns;
	uint64_t random;
	struct packet *packets;
	unsigned overflows;
};

struct client {
	struct lab lab; /* first: on_frame finds the client through it */
	struct network network;
	uint8_t *upload, *download;
	uint32_t isn, iss; /* ours and the server's */
	uint32_t una, nxt; /* offsets into upload; UPLOAD + 1 = FIN acknowledged */
	uint32_t got;	   /* bytes in order */
	uint8_t *have;	   /* byte by byte */
	uint32_t fin_at;   /* offset of the server's FIN, UINT32_MAX = not seen */
	bool server_closed;
	uint32_t server_window;
	uint64_t timer_ns; /* 0 = stopped */
	uint32_t window;
	bool timestamps, sack, says_fin;
	uint32_t tsval;
	uint32_t ts_echo;
	uint32_t corrupted;
	uint32_t zero_window_until; /* bytes got before which the window shuts now and then */
	uint64_t shut_until_ns;
	unsigned shuts;
};

static unsigned roll(struct network *network)
{
	network->random ^= network->random << 13;
	network->random ^= network->random >> 7;
	network->random ^= network->random << 17;
	return (unsigned)(network->random >> 33) % 1000;
}

static uint8_t pattern(uint32_t at, unsigned kind)
{
	return (uint8_t)((at * 2654435761u) >> 24 ^ kind);
}

static void put_in(struct client *client, const struct packet *packet, bool corrupted)
{
	struct network *network = &client->network;

	for (unsigned i = 0; i < LINK_PACKETS; i++) {
		struct packet *place = &network->packets[i];

		if (place->due_ns)
			continue;
		*place = *packet;
		place->due_ns = client->lab.now_ns + network->delay_ns;
		if (roll(network) < network->reorder)
			place->due_ns += roll(network) * 100000;
		if (corrupted && place->bytes)
			place->data[roll(network) % place->bytes] ^= 0x10;
		return;
	}
	network->overflows++;
}

static void transmit(struct client *client, const struct packet *packet)
{
	struct network *network = &client->network;

	if (roll(network) < network->loss)
		return;
	put_in(client, packet, roll(network) < network->corrupt);
	if (roll(network) < network->repeat)
		put_in(client, packet, false);
}

static uint32_t client_window(struct client *client)
{
	if (client->lab.now_ns < client->shut_until_ns)
		return 0;
	return client->window;
}

static void client_send(struct client *client, unsigned flags, uint32_t offset, uint32_t bytes)
{
	struct packet packet = { .flags = (uint8_t)flags };

	packet.seq = client->isn + 1 + offset;
	packet.ack = client->iss + 1 + client->got + client->server_closed;
	packet.window = (uint16_t)client_window(client);
	packet.bytes = (uint16_t)bytes;
	if (bytes)
		memcpy(packet.data, client->upload + offset, bytes);
	if (client->timestamps) {
		uint32_t now = htonl((uint32_t)(client->lab.now_ns / LAB_MS)), echo = htonl(client->ts_echo);

		packet.option_bytes = 12;
		memcpy(packet.options, "\1\1\10\12", 4);
		memcpy(packet.options + 4, &now, 4);
		memcpy(packet.options + 8, &echo, 4);
	}
	transmit(client, &packet);
}

/* Sends what the server's window and the flight allow. */
static void client_push(struct client *client)
{
	uint32_t edge = client->una + client->server_window;

	if (edge > client->una + CLIENT_FLIGHT * CLIENT_MSS)
		edge = client->una + CLIENT_FLIGHT * CLIENT_MSS;
	while (client->nxt < UPLOAD && client->nxt < edge) {
		uint32_t bytes = edge - client->nxt < CLIENT_MSS ? edge - client->nxt : CLIENT_MSS;

		if (bytes > UPLOAD - client->nxt)
			bytes = UPLOAD - client->nxt;
		client_send(client, ACK | PSH, client->nxt, bytes);
		client->nxt += bytes;
	}
	if (client->nxt == UPLOAD && client->says_fin) {
		client_send(client, ACK | FIN, UPLOAD, 0);
		client->nxt++;
	}
	if (client->una != client->nxt || client->nxt < UPLOAD) {
		if (!client->timer_ns)
			client->timer_ns = client->lab.now_ns + CLIENT_RTO;
	} else {
		client->timer_ns = 0;
	}
}

static void client_timer(struct client *client)
{
	client->timer_ns = client->lab.now_ns + CLIENT_RTO;
	if (client->una == client->nxt && client->una < UPLOAD) { /* the window is shut: a byte knocks */
		client_send(client, ACK, client->una, 1);
		return;
	}
	client->nxt = client->una;
	client_push(client);
}

static void client_take(struct client *client, const struct packet *packet)
{
	uint32_t offset = packet->seq - client->iss - 1, acked = packet->ack - client->isn - 1;

	assert_false(packet->flags & RST);
	if (acked <= UPLOAD + 1 && acked > client->una) {
		client->una = acked;
		if (client->nxt < acked)
			client->nxt = acked;
		client->timer_ns = client->una == client->nxt ? 0 : client->lab.now_ns + CLIENT_RTO;
	}
	client->server_window = (uint32_t)packet->window << OTORI_WINDOW_SCALE;
	for (uint32_t i = 0; i < packet->bytes; i++) {
		assert_true(offset + i < DOWNLOAD);
		/* Inside the window that we last told; a probe may lie in front. */
		assert_int_equal(packet->data[i], pattern(offset + i, 1));
		client->have[offset + i] = client_window(client) || offset + i < client->got;
	}
	while (client->got < DOWNLOAD && client->have[client->got])
		client->got++;
	if (packet->flags & FIN)
		client->fin_at = offset + packet->bytes;
	if (client->fin_at == client->got)
		client->server_closed = true;
	if (client->got < client->zero_window_until && client->shuts < 5 && client->got > client->shuts * 20000) {
		client->shuts++;
		client->shut_until_ns = client->lab.now_ns + 3 * LAB_SECOND;
	}
	if (packet->bytes || packet->flags & FIN ||
	    packet->seq != client->iss + 1 + client->got + client->server_closed)
		client_send(client, ACK, client->nxt, 0);
	client_push(client);
}

/* The worker has sent a frame: what a receiver would check is checked when it arrives. */
static void on_frame(struct lab *lab, const uint8_t *frame, uint32_t bytes)
{
	struct client *client = (struct client *)(void *)lab;
	static struct seen seen;
	struct packet packet = { .to_client = true };

	lab_parse(frame, bytes, &seen);
	assert_true(seen.sound);
	assert_true(seen.payload_bytes <= CLIENT_MSS + 60);
	packet.seq = seen.seq;
	packet.ack = seen.ack;
	packet.flags = seen.flags;
	packet.window = seen.window;
	packet.bytes = (uint16_t)seen.payload_bytes;
	memcpy(packet.data, seen.payload, seen.payload_bytes);
	packet.sum = (uint16_t)lab_sum(0, packet.data, packet.bytes);
	if (client->timestamps) {
		assert_int_equal(seen.options[2], 8);
		client->ts_echo = lab_word(seen.options + 4);
	}
	transmit(client, &packet);
}

/* A segment arrives at the sensor: XDP has checked the header, and the payload's checksum is left to the worker. */
static void arrive(struct client *client, const struct packet *packet)
{
	struct lab *lab = &client->lab;
	uint16_t sum = 0;

	lab->event.flags = OTORI_EVENT_OPTIONS_KNOWN | OTORI_EVENT_VERIFY_CHECKSUM;
	sum = (uint16_t)lab_sum(0, client->upload + (packet->seq - client->isn - 1), packet->bytes);
	lab->event.partial_checksum = htons((uint16_t)~sum);
	lab->event.option_bytes = packet->option_bytes;
	lab->event.window = packet->window;
	lab_send_options(lab, OTORI_EVENT_segment, packet->flags, packet->seq, packet->ack, packet->options,
			 packet->data, packet->bytes);
}

static struct packet *first_due(struct network *network)
{
	struct packet *first = NULL;

	for (unsigned i = 0; i < LINK_PACKETS; i++) {
		struct packet *packet = &network->packets[i];

		if (packet->due_ns && (!first || packet->due_ns < first->due_ns))
			first = packet;
	}
	return first;
}

/* The next thing that happens; false where nothing more will. */
static bool step(struct client *client)
{
	struct lab *lab = &client->lab;
	struct packet *packet = first_due(&client->network);
	uint64_t due = worker_next_tick(lab->worker);

	if (packet && packet->due_ns < due)
		due = packet->due_ns;
	if (client->timer_ns && client->timer_ns < due)
		due = client->timer_ns;
	if (due == UINT64_MAX)
		return false;
	if (due > lab->now_ns)
		lab->now_ns = due;
	if (packet && packet->due_ns <= lab->now_ns) {
		struct packet taken = *packet;

		packet->due_ns = 0;
		if (!taken.to_client)
			arrive(client, &taken);
		else if (lab_sum(0, taken.data, taken.bytes) == taken.sum)
			client_take(client, &taken);
		else
			client->corrupted++;
	}
	if (client->timer_ns && client->timer_ns <= lab->now_ns)
		client_timer(client);
	lab_tick(lab);
	return true;
}

static void client_open(struct client *client, uint64_t seed)
{
	memset(client, 0, sizeof(*client));
	lab_prepare(&client->lab);
	client->network.random = seed * 0x9e3779b97f4a7c15ull | 1;
	client->network.packets = calloc(LINK_PACKETS, sizeof(struct packet));
	client->network.delay_ns = 20 * LAB_MS;
	client->upload = malloc(UPLOAD);
	client->download = malloc(DOWNLOAD);
	client->have = calloc(1, DOWNLOAD);
	client->fin_at = UINT32_MAX;
	client->window = CLIENT_WINDOW;
	for (uint32_t i = 0; i < UPLOAD; i++)
		client->upload[i] = pattern(i, 0);
	for (uint32_t i = 0; i < DOWNLOAD; i++)
		client->download[i] = pattern(i, 1);
	/* both numbers wrap on the way */
	client->isn = 0u - (uint32_t)(seed % 2 ? UPLOAD / 2 : 1);
	client->iss = 0u - DOWNLOAD / 3;
	client->lab.on_frame = on_frame;
	client->lab.event.cookie_window_scale = 0;
	client->lab.event.cookie_mss = 1460;
	client->server_window = 29200;
	lab_start_worker(&client->lab);
	puppet.answer = slice_of(client->download, DOWNLOAD);
	puppet.close_at_half_close = true;
}

static void client_close(struct client *client)
{
	lab_close(&client->lab);
	free(client->network.packets);
	free(client->upload);
	free(client->download);
	free(client->have);
}

static void handshake(struct client *client)
{
	struct lab *lab = &client->lab;
	uint8_t options[12] = "\1\1\10\12\0\0\0\1\0\0\0\1";
	uint32_t now = htonl((uint32_t)(lab->now_ns / LAB_MS));

	memcpy(options + 4, &now, 4);
	lab->event.option_bytes = client->timestamps ? 12 : 0;
	lab->event.window = CLIENT_WINDOW;
	lab->event.cookie_sack = client->sack;
	lab_send_options(lab, OTORI_EVENT_open, ACK, client->isn + 1, client->iss + 1, options, NULL, 0);
}

/* Runs until both sides are done; returns the seconds of virtual time that it took. */
static unsigned talk(struct client *client)
{
	uint64_t began = client->lab.now_ns;
	unsigned steps = 0;

	handshake(client);
	client_push(client);
	while (!client->lab.accesses && steps++ < 4000000 && step(client))
		;
	assert_int_equal(client->network.overflows, 0);
	if (!(client->server_closed && client->una == UPLOAD + 1 && client->got == DOWNLOAD))
		printf("una %u of %u, got %u of %u, closed %d, end %s after %llu s\n", client->una, UPLOAD, client->got,
		       DOWNLOAD, client->server_closed, client->lab.last_reason,
		       (unsigned long long)((client->lab.now_ns - began) / LAB_SECOND));
	assert_int_equal(client->una, UPLOAD + 1);
	assert_int_equal(client->got, DOWNLOAD);
	assert_int_equal(puppet.heard_bytes, UPLOAD);
	assert_memory_equal(puppet.heard, client->upload, UPLOAD);
	assert_string_equal(client->lab.last_reason, "fin");
	assert_int_equal(client->lab.last_access.bytes_in, UPLOAD);
	assert_int_equal(client->lab.last_access.bytes_out, DOWNLOAD);
	return (unsigned)((client->lab.now_ns - began) / LAB_SECOND);
}

static void run_seed(uint64_t seed, unsigned percent, bool timestamps, bool sack, uint32_t answer_after)
{
	struct client *client = malloc(sizeof(*client));
	unsigned seconds;

	assert_non_null(client);
	client_open(client, seed);
	client->network.loss = percent * 10;
	client->network.repeat = 50;
	client->network.reorder = 200;
	client->network.corrupt = 10;
	client->timestamps = timestamps;
	client->sack = sack;
	client->says_fin = true;
	puppet.answer_after = answer_after;
	client->lab.settings.total_seconds = 600;
	seconds = talk(client);
	if (getenv("TCP_BAD_NETWORK_SAYS"))
		printf("seed %llu loss %u%%: %u s, bad checksums %llu + %u\n", (unsigned long long)seed, percent,
		       seconds, (unsigned long long)lab_term(&client->lab, TERM_bad_checksum), client->corrupted);
	if (percent)
		assert_true(lab_term(&client->lab, TERM_bad_checksum) > 0);
	client_close(client);
	free(client);
}

static void clean_network(void **state)
{
	(void)state;
	run_seed(1, 0, false, false, UPLOAD);
}

static void twenty_percent_are_lost(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++)
		run_seed(seed, 20, seed % 2, seed / 2 % 2, seed % 3 ? UPLOAD : UPLOAD / 2);
}

/* The client shuts its window five times for three seconds each. */
static void zero_window_client(void **state)
{
	struct client *client = malloc(sizeof(*client));

	(void)state;
	assert_non_null(client);
	for (uint64_t seed = 1; seed <= 4; seed++) {
		client_open(client, seed);
		client->network.loss = seed > 2 ? 200 : 0;
		client->says_fin = true;
		client->zero_window_until = DOWNLOAD / 2;
		client->window = 8000;
		puppet.answer_after = UPLOAD;
		talk(client);
		assert_int_equal(client->shuts, 5);
		client_close(client);
	}
	free(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clean_network),
		cmocka_unit_test(twenty_percent_are_lost),
		cmocka_unit_test(zero_window_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
