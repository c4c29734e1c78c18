// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz.c - random and mutated messages to the family.
 *
 * In:  a seed, a number of messages. Out: how many were taken and how many refused; status 0 where the kernel has
 * answered all of them. SEAL and LOCK are left out, so that the guard can be lifted afterwards; everything else is sent
 * in any order, cut short, nested wrongly, with lengths that are none.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "otori/netlink.h"
#include "tool.h"

static uint64_t state;

static uint32_t dice(uint32_t sides)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state * 2685821657736338717ULL) >> 33) % sides;
}

static void put_random(struct message *m, uint16_t type, size_t most)
{
	uint8_t data[300];
	size_t bytes = dice((uint32_t)most + 1);

	for (size_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)(dice(3) ? dice(256) : 0);
	message_put(m, type, data, bytes);
}

/* A decoy as it should be, most of the time. */
static void put_decoy(struct message *m)
{
	uint8_t address[16] = { 198, 18, (uint8_t)dice(4) }, bits = (uint8_t)(dice(8) ? 24 : dice(256)),
		kind = (uint8_t)(dice(8) ? 1 : dice(4));
	size_t nest = message_nest(m, OTORI_A_DECOY);

	if (dice(20))
		message_put(m, OTORI_A_DECOY_ADDRESS, address, dice(8) ? 4 : dice(17));
	if (dice(20))
		message_put(m, OTORI_A_DECOY_BITS, &bits, dice(20) ? 1 : 0);
	if (dice(20))
		message_put(m, OTORI_A_DECOY_KIND, &kind, 1);
	if (dice(20) == 0)
		put_random(m, (uint16_t)dice(8), 40);
	message_nest_end(m, nest);
}

static void put_arm(struct message *m)
{
	uint16_t port = 8080;
	uint32_t flows = dice(4) ? 1024 : dice(0x7fffffff);

	for (uint32_t n = dice(5); n; n--)
		put_decoy(m);
	for (uint32_t n = dice(3); n; n--, port = (uint16_t)dice(65536))
		message_put(m, OTORI_A_PORT, &port, dice(30) ? 2 : dice(5));
	if (dice(4))
		message_put(m, OTORI_A_DEVICE, dice(8) ? "sensor0" : "nobody0", 8);
	else if (dice(2))
		message_put(m, OTORI_A_EVERY_DEVICE, NULL, 0);
	if (dice(10) == 0)
		message_put(m, OTORI_A_FLOWS, &flows, 4);
	if (dice(20) == 0)
		put_random(m, (uint16_t)dice(OTORI_A_END + 3), 300);
}

static void mutate(struct message *m)
{
	for (uint32_t n = dice(6); n; n--)
		m->bytes[NLMSG_HDRLEN + GENL_HDRLEN + dice((uint32_t)(m->length - NLMSG_HDRLEN - GENL_HDRLEN) + 4)] =
			(uint8_t)(dice(2) ? dice(256) : dice(4));
	if (dice(6) == 0)
		m->length = NLMSG_HDRLEN + dice((uint32_t)(m->length - NLMSG_HDRLEN) + 1);
}

static void make(struct message *m, const struct family *family)
{
	static const uint8_t commands[] = {
		OTORI_CMD_ARM,	  OTORI_CMD_ARM,    OTORI_CMD_ARM,	OTORI_CMD_ARM,
		OTORI_CMD_DISARM, OTORI_CMD_STATUS, OTORI_CMD_COUNTERS, OTORI_CMD_VIOLATION
	};
	uint8_t command = dice(10) ? commands[dice(8)] : (uint8_t)dice(256);

	if (command == OTORI_CMD_SEAL || command == OTORI_CMD_LOCK)
		command = OTORI_CMD_STATUS;
	message_begin(m, family->id, (uint16_t)(dice(6) ? NLM_F_ACK : NLM_F_ACK | NLM_F_DUMP), command,
		      (uint8_t)(dice(20) ? 1 : dice(4)));
	if (command == OTORI_CMD_ARM || dice(8) == 0)
		put_arm(m);
	if (dice(2))
		mutate(m);
}

int fuzz_command(int argc, char **argv)
{
	static struct message m;
	struct family family;
	struct timeval patience = { .tv_sec = 10 };
	unsigned long taken = 0, refused = 0, count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	int err = count ? family_open(&family) : -EINVAL;
	char text[256];

	if (err) {
		printf("fuzz SEED MESSAGES: %s\n", strerror(-err));
		return 1;
	}
	state = strtoull(argv[1], NULL, 0) | 1;
	setsockopt(family.socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (unsigned long n = 0; n < count; n++) {
		make(&m, &family);
		err = message_talk(&family, &m, NULL, NULL, text);
		if (err == -EAGAIN) {
			printf("message %lu was not answered\n", n);
			return 1;
		}
		taken += err == 0;
		refused += err != 0;
	}
	printf("taken=%lu refused=%lu\n", taken, refused);
	return 0;
}
