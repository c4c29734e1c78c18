/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tool.h - the test program of the kernel module: what its files share.
 *
 * In:  a subcommand. Out: a line for each thing seen; status. Runs in the guest as root, without any library but libc,
 * and shares no code with kmod/ or collector/ but the header of the family.
 */
#ifndef KMOD_TOOL_H
#define KMOD_TOOL_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* netlink.c: a message in the making, and the way to the kernel and back. */
struct message {
	uint8_t bytes[262144];
	size_t length;
};

struct family {
	int socket;
	uint16_t id;
	uint32_t group; /* of violations */
};

/* Opens a socket and asks for the family. 0 or negative errno (-ENOENT: there is no such family). */
int family_open(struct family *family);
void message_begin(struct message *m, uint16_t type, uint16_t flags, uint8_t command, uint8_t version);
void message_put(struct message *m, uint16_t type, const void *data, size_t bytes);
size_t message_nest(struct message *m, uint16_t type);
void message_nest_end(struct message *m, size_t nest);
/* Sends and reads until the acknowledgement: its error (0 or negative errno). each: called for every answer. text: the
 * extended acknowledgement, "" where there is none; 256 bytes. */
typedef void each_message(const struct nlmsghdr *message, void *context);
int message_talk(struct family *family, struct message *m, each_message *each, void *context, char *text);
/* The attributes of a generic netlink message, by number; NULL where there is none. Of several the last. */
void message_parse(const struct nlattr *first, size_t bytes, const struct nlattr **table, size_t count);

static inline const void *attribute_data(const struct nlattr *attribute)
{
	return (const uint8_t *)attribute + NLA_HDRLEN;
}

static inline size_t attribute_bytes(const struct nlattr *attribute)
{
	return attribute->nla_len - (size_t)NLA_HDRLEN;
}

/* The subcommands. argv[0] is the subcommand's name. */
int control_command(int argc, char **argv); /* arm, disarm, seal, lock, status, counters, watch */
int attempt_command(int argc, char **argv); /* attempt, attempts */
int capture_command(int argc, char **argv);
int fuzz_command(int argc, char **argv);

#endif
