// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * control.c - commands to the module, and what it answers, as lines.
 *
 * In:  arm, disarm, seal, lock, status, counters, watch. Out: words; status 0, or 1 with `errno: text` on stdout.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "otori/datapath.h"
#include "otori/guard_rule.h"
#include "otori/netlink.h"
#include "tool.h"

static struct message m;

static void put_decoy(char *text)
{
	char *kind = strchr(text, ','), *bits = strchr(text, '/');
	uint8_t address[16], length, what = kind ? OTORI_DECOY_OWN : OTORI_DECOY_UNUSED;
	size_t nest = message_nest(&m, OTORI_A_DECOY), bytes;

	if (kind)
		*kind = 0;
	if (bits)
		*bits++ = 0;
	bytes = inet_pton(AF_INET, text, address) == 1 ? 4 : inet_pton(AF_INET6, text, address) == 1 ? 16 : 3;
	length = (uint8_t)(bits ? atoi(bits) : (int)bytes * 8);
	message_put(&m, OTORI_A_DECOY_ADDRESS, address, bytes);
	message_put(&m, OTORI_A_DECOY_BITS, &length, 1);
	message_put(&m, OTORI_A_DECOY_KIND, &what, 1);
	message_nest_end(&m, nest);
}

static uint8_t version_asked(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "version=", 8) == 0)
			return (uint8_t)atoi(argv[i] + 8);
	return OTORI_NETLINK_VERSION;
}

static void put_arm(struct family *family, int argc, char **argv)
{
	message_begin(&m, family->id, NLM_F_ACK, OTORI_CMD_ARM, version_asked(argc, argv));
	for (int i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		uint16_t port = value ? (uint16_t)atoi(value + 1) : 0;
		uint32_t flows = value ? (uint32_t)strtoul(value + 1, NULL, 10) : 0;

		if (strncmp(argv[i], "decoy=", 6) == 0)
			put_decoy(value + 1);
		else if (strncmp(argv[i], "port=", 5) == 0)
			message_put(&m, OTORI_A_PORT, &port, 2);
		else if (strncmp(argv[i], "device=", 7) == 0)
			message_put(&m, OTORI_A_DEVICE, value + 1, strlen(value + 1) + 1);
		else if (strcmp(argv[i], "every") == 0)
			message_put(&m, OTORI_A_EVERY_DEVICE, NULL, 0);
		else if (strncmp(argv[i], "flows=", 6) == 0)
			message_put(&m, OTORI_A_FLOWS, &flows, 4);
	}
}

static const char *state_name(unsigned state)
{
#define NAME_OF(name, text) #name,
	static const char *const names[] = { OTORI_STATES(NAME_OF) };

	return state < OTORI_STATE_COUNT ? names[state] : "?";
}

static void show_device(const struct nlattr *nest)
{
	const struct nlattr *a[OTORI_A_END];

	message_parse(attribute_data(nest), attribute_bytes(nest), a, OTORI_A_END);
	if (!a[OTORI_A_DEVICE_NAME] || !a[OTORI_A_DEVICE_INDEX])
		return;
	printf("device=%s:%s\n", (const char *)attribute_data(a[OTORI_A_DEVICE_NAME]),
	       !*(const uint32_t *)attribute_data(a[OTORI_A_DEVICE_INDEX]) ? "away"
	       : a[OTORI_A_DEVICE_NAMESPACE]				   ? "here"
									   : "elsewhere");
}

static void show_status(const struct nlmsghdr *header, void *context)
{
	const struct nlattr *a[OTORI_A_END];
	const uint8_t *at = (const uint8_t *)header + NLMSG_HDRLEN + GENL_HDRLEN;
	size_t bytes = header->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;

	(void)context;
	message_parse((const void *)at, bytes, a, OTORI_A_END);
	printf("state=%s\n", state_name(*(const uint8_t *)attribute_data(a[OTORI_A_STATE])));
	printf("version=%u\n", *(const uint32_t *)attribute_data(a[OTORI_A_VERSION]));
	printf("kfunc=%d\n", a[OTORI_A_KFUNC] != NULL);
	printf("flows=%u\n", a[OTORI_A_FLOWS] ? *(const uint32_t *)attribute_data(a[OTORI_A_FLOWS]) : 0);
	printf("decoys=%u\n", *(const uint32_t *)attribute_data(a[OTORI_A_DECOYS]));
	printf("ports=%u\n", *(const uint32_t *)attribute_data(a[OTORI_A_PORTS]));
	printf("every=%d\n", a[OTORI_A_EVERY_DEVICE] != NULL);
	printf("namespace=%d\n", a[OTORI_A_NAMESPACE] != NULL);
	printf("dropped=%llu\n", (unsigned long long)*(const uint64_t *)attribute_data(a[OTORI_A_DROPPED]));
	while (bytes >= NLA_HDRLEN) {
		const struct nlattr *attribute = (const struct nlattr *)at;
		size_t step = NLA_ALIGN(attribute->nla_len);

		if ((attribute->nla_type & NLA_TYPE_MASK) == OTORI_A_DEVICE_STATUS)
			show_device(attribute);
		if (step < NLA_HDRLEN || step > bytes)
			break;
		at += step;
		bytes -= step;
	}
}

static void show_counter(const struct nlmsghdr *header, void *context)
{
	const struct nlattr *a[OTORI_A_END];
	uint64_t packets;

	(void)context;
	message_parse((const void *)((const uint8_t *)header + NLMSG_HDRLEN + GENL_HDRLEN),
		      header->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN, a, OTORI_A_END);
	memcpy(&packets, attribute_data(a[OTORI_A_PACKETS]), sizeof(packets));
	if (packets)
		printf("%s %s %llu\n", (const char *)attribute_data(a[OTORI_A_HOOK_NAME]),
		       (const char *)attribute_data(a[OTORI_A_VERDICT_NAME]), (unsigned long long)packets);
}

static void show_violation(const struct nlmsghdr *header)
{
	const struct nlattr *a[OTORI_A_END];
	const uint8_t *frame;

	message_parse((const void *)((const uint8_t *)header + NLMSG_HDRLEN + GENL_HDRLEN),
		      header->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN, a, OTORI_A_END);
	if (!a[OTORI_A_HOOK_NAME] || !a[OTORI_A_VERDICT_NAME] || !a[OTORI_A_FRAME] || !a[OTORI_A_LENGTH])
		return;
	frame = attribute_data(a[OTORI_A_FRAME]);
	printf("%s %s device=%s mark=%x length=%u process=%s untold=%llu frame=",
	       (const char *)attribute_data(a[OTORI_A_HOOK_NAME]),
	       (const char *)attribute_data(a[OTORI_A_VERDICT_NAME]),
	       a[OTORI_A_DEVICE_NAME] ? (const char *)attribute_data(a[OTORI_A_DEVICE_NAME]) : "-",
	       *(const uint32_t *)attribute_data(a[OTORI_A_MARK]), *(const uint32_t *)attribute_data(a[OTORI_A_LENGTH]),
	       a[OTORI_A_COMMAND] ? (const char *)attribute_data(a[OTORI_A_COMMAND]) : "-",
	       (unsigned long long)*(const uint64_t *)attribute_data(a[OTORI_A_UNTOLD]));
	for (size_t i = 0; i < attribute_bytes(a[OTORI_A_FRAME]); i++)
		printf("%02x", frame[i]);
	printf("\n");
	fflush(stdout);
}

static int watch(struct family *family, int seconds)
{
	static uint8_t buffer[65536] __attribute__((aligned(8)));
	struct pollfd ready = { .fd = family->socket, .events = POLLIN };
	time_t end = time(NULL) + seconds;

	if (setsockopt(family->socket, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &family->group, sizeof(family->group)) <
	    0) {
		printf("%s\n", strerror(errno));
		return 1;
	}
	printf("watching\n");
	fflush(stdout);
	while (time(NULL) < end && poll(&ready, 1, 200) >= 0) {
		ssize_t got = ready.revents ? recv(family->socket, buffer, sizeof(buffer), MSG_DONTWAIT) : 0;

		if (got > 0)
			show_violation((const struct nlmsghdr *)buffer);
	}
	return 0;
}

int control_command(int argc, char **argv)
{
	static const char *const names[] = { NULL, "arm", "disarm", "seal", "lock", "status", "counters" };
	struct family family;
	char text[256] = "";
	uint8_t command = 0;
	int err = family_open(&family);

	if (err) {
		printf("no family: %s\n", strerror(-err));
		return 1;
	}
	if (strcmp(argv[0], "watch") == 0)
		return watch(&family, argc > 1 ? atoi(argv[1]) : 5);
	while (++command < OTORI_CMD_COUNTERS && strcmp(names[command], argv[0]) != 0)
		;
	if (command == OTORI_CMD_ARM)
		put_arm(&family, argc, argv);
	else
		message_begin(&m, family.id, command == OTORI_CMD_COUNTERS ? NLM_F_DUMP : NLM_F_ACK, command,
			      version_asked(argc, argv));
	err = message_talk(&family, &m, command == OTORI_CMD_STATUS ? show_status : show_counter, NULL, text);
	if (err)
		printf("%s: %s\n", strerror(-err), text);
	return err ? 1 : 0;
}
