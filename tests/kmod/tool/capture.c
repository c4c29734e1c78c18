// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * capture.c - what arrives on the far side, by the names of the attempts.
 *
 * In:  a device, a file. Out: one line in the file for each frame whose destination is an attempt's; `begin` once the
 * socket is bound. Runs until it is killed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "attempt.h"

/* Number of the attempt that a frame is, attempt_count = none. */
static size_t attempt_of(const uint8_t *frame, size_t bytes)
{
	static const uint8_t far4[3] = { 203, 0, 113 }, far6[15] = { 0x20, 1, 0xd, 0xb8, 0, 0x77 };
	size_t at = 12, last = 0;

	while (at + 6 < bytes &&
	       ((frame[at] == 0x81 && frame[at + 1] == 0) || (frame[at] == 0x88 && frame[at + 1] == 0xa8)))
		at += 4;
	if (at + 22 <= bytes && frame[at] == 8 && frame[at + 1] == 0 && memcmp(frame + at + 18, far4, 3) == 0)
		last = frame[at + 21];
	if (at + 42 <= bytes && frame[at] == 0x86 && frame[at + 1] == 0xdd && memcmp(frame + at + 26, far6, 15) == 0)
		last = frame[at + 41];
	return last >= 100 && last - 100 < attempt_count ? last - 100 : attempt_count;
}

int capture_command(int argc, char **argv)
{
	uint8_t frame[2048];
	int s = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = argc == 3 ? (int)if_nametoindex(argv[1]) : 0 };
	FILE *out = argc == 3 ? fopen(argv[2], "w") : NULL;

	if (!out || s < 0 || !at.sll_ifindex || bind(s, (struct sockaddr *)&at, sizeof(at)) < 0) {
		fprintf(stderr, "capture DEVICE FILE: %s\n", strerror(errno));
		return 1;
	}
	setvbuf(out, NULL, _IOLBF, 0);
	fprintf(out, "begin\n");
	for (;;) {
		struct sockaddr_ll from;
		socklen_t length = sizeof(from);
		ssize_t got = recvfrom(s, frame, sizeof(frame), 0, (struct sockaddr *)&from, &length);
		size_t n = got > 0 ? attempt_of(frame, (size_t)got) : attempt_count;

		if (n < attempt_count && from.sll_pkttype != PACKET_OUTGOING)
			fprintf(out, "%s\n", attempts[n].name);
	}
}
