/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * make_capture.c - writes a capture as a sensor's link would give it, for replay and what it is compared with.
 *
 * In:  a file name, a number of conversations. Out: a pcap file (microseconds, Ethernet, IPv4), both directions; prints
 * `packets N conversations N syns N`. Called by replay. Of four visitors one only knocks (SYN, SYN-ACK, RST), two speak
 * SOCKS5 and one CONNECT; a window of them is interleaved. Sources 10.0.0.0/8, decoys 198.18.0.0/16.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define WINDOW 64 /* conversations under way at once */
#define STEPS 9
#define START_SECONDS 1700000000u

struct capture {
	FILE *file;
	uint64_t packets, syns;
};

struct packet {
	bool ours; /* from the decoy */
	uint8_t flags;
	uint32_t seq, ack; /* bytes said before by the sender, by the other side */
	const void *payload;
	uint32_t bytes;
};

static const uint8_t linux_options[20] = { 2, 4, 5, 180, 4, 2, 8, 10, 0, 1, 2, 3, 0, 0, 0, 0, 1, 3, 3, 7 };

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static uint32_t sum16(const uint8_t *at, uint32_t bytes)
{
	uint32_t sum = bytes & 1 ? (uint32_t)at[bytes - 1] << 8 : 0;

	for (uint32_t i = 0; i + 1 < bytes; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	return sum;
}

static uint32_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void write_packet(struct capture *capture, uint32_t n, const struct packet *packet)
{
	uint8_t frame[512] = { 0 }, *ip = frame + 14, *tcp = ip + 20;
	uint32_t client = 0x0a000000 | (n & 0xffff) << 8 | (n >> 16), decoy = 0xc6120000 | (n * 40503u >> 3 & 0xffff);
	uint32_t options = packet->flags & 2 ? sizeof(linux_options) : 0, bytes = 20 + options + packet->bytes,
		 header[4];
	uint64_t now_us = capture->packets++ * 10;

	memcpy(frame,
	       packet->ours ? "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00"
			    : "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00",
	       14);
	ip[0] = 0x45;
	put16(ip + 2, 20 + bytes);
	ip[6] = 0x40;
	ip[8] = 60;
	ip[9] = 6;
	put32(ip + 12, packet->ours ? decoy : client);
	put32(ip + 16, packet->ours ? client : decoy);
	put16(ip + 10, ~fold(sum16(ip, 20)) & 0xffff);
	put16(tcp + (packet->ours ? 2 : 0), 10240 + n % 50000);
	put16(tcp + (packet->ours ? 0 : 2), 1080);
	put32(tcp + 4, (packet->ours ? n * 104729 : n * 7919) + packet->seq);
	put32(tcp + 8, packet->flags & 16 ? (packet->ours ? n * 7919 : n * 104729) + packet->ack : 0);
	tcp[12] = (uint8_t)((20 + options) / 4 << 4);
	tcp[13] = packet->flags;
	put16(tcp + 14, 64240);
	memcpy(tcp + 20, linux_options, options);
	if (packet->bytes)
		memcpy(tcp + 20 + options, packet->payload, packet->bytes);
	put16(tcp + 16, ~fold(sum16(tcp, bytes) + sum16(ip + 12, 8) + 6 + bytes) & 0xffff);
	header[0] = START_SECONDS + (uint32_t)(now_us / 1000000);
	header[1] = (uint32_t)(now_us % 1000000);
	header[2] = header[3] = 34 + bytes;
	capture->syns += packet->flags == 2;
	if (fwrite(header, sizeof(header), 1, capture->file) != 1 || fwrite(frame, 34 + bytes, 1, capture->file) != 1)
		bench_die(errno, "cannot write the capture");
}

/* The step-th packet of conversation n. false = it has no more. */
static bool write_step(struct capture *capture, uint32_t n, uint32_t step)
{
	static const char connect[] = "CONNECT mx.example.net:25 HTTP/1.0\r\n\r\n",
			  granted[] = "HTTP/1.0 200 Connection established\r\n\r\n";
	const uint32_t asked = sizeof(connect) - 1, answered = sizeof(granted) - 1;
	const struct packet knock[] = { { false, 2, 0, 0, NULL, 0 },
					{ true, 18, 0, 1, NULL, 0 },
					{ false, 4, 1, 0, NULL, 0 } };
	const struct packet http[] = {
		{ false, 2, 0, 0, NULL, 0 },
		{ true, 18, 0, 1, NULL, 0 },
		{ false, 16, 1, 1, NULL, 0 },
		{ false, 24, 1, 1, connect, asked },
		{ true, 16, 1, 1 + asked, NULL, 0 },
		{ true, 24, 1, 1 + asked, granted, answered },
		{ false, 20, 1 + asked, 1 + answered, NULL, 0 },
	};
	const struct packet socks[] = {
		{ false, 2, 0, 0, NULL, 0 },	   { true, 18, 0, 1, NULL, 0 },
		{ false, 16, 1, 1, NULL, 0 },	   { false, 24, 1, 1, "\x05\x01\x00", 3 },
		{ true, 24, 1, 4, "\x05\x00", 2 }, { false, 24, 4, 3, "\x05\x01\x00\x01\xc0\x00\x02\x50\x00\x19", 10 },
		{ true, 16, 3, 14, NULL, 0 },	   { true, 24, 3, 14, "\x05\x00\x00\x01\xc6\x12\x00\x01\x04\x38", 10 },
		{ false, 20, 14, 13, NULL, 0 },
	};
	const struct packet *packets = n % 4 == 0 ? knock : n % 4 == 1 ? http : socks;
	uint32_t count = n % 4 == 0 ? 3 : n % 4 == 1 ? 7 : 9;

	if (step >= count)
		return false;
	write_packet(capture, n, &packets[step]);
	return true;
}

int main(int argc, char **argv)
{
	/* magic, 2.4, no offset, no accuracy, snap length, Ethernet */
	static const uint32_t header[6] = { 0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, 1 };
	struct capture capture = { 0 };
	uint32_t conversations;

	if (argc != 3) {
		fprintf(stderr, "usage: make_capture FILE CONVERSATIONS\n");
		return 2;
	}
	conversations = (uint32_t)bench_number("CONVERSATIONS", argv[2]);
	capture.file = fopen(argv[1], "w");
	if (!capture.file || fwrite(header, sizeof(header), 1, capture.file) != 1)
		bench_die(errno, "%s", argv[1]);
	for (uint32_t first = 0; first < conversations; first += WINDOW) {
		for (uint32_t step = 0; step < STEPS; step++) {
			for (uint32_t n = first; n < first + WINDOW && n < conversations; n++)
				write_step(&capture, n, step);
		}
	}
	if (fclose(capture.file))
		bench_die(errno, "%s", argv[1]);
	printf("packets %llu conversations %u syns %llu\n", (unsigned long long)capture.packets,
	       conversations - (conversations + 3) / 4, (unsigned long long)capture.syns);
	return 0;
}
