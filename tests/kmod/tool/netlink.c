// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * netlink.c - messages of generic netlink, by hand.
 *
 * In:  attributes. Out: what the kernel says, with its extended acknowledgement. Called by control.c and fuzz.c.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "otori/netlink.h"
#include "tool.h"

void message_begin(struct message *m, uint16_t type, uint16_t flags, uint8_t command, uint8_t version)
{
	struct nlmsghdr *header = (struct nlmsghdr *)m->bytes;
	struct genlmsghdr *generic = (struct genlmsghdr *)(m->bytes + NLMSG_HDRLEN);

	memset(m->bytes, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	header->nlmsg_type = type;
	header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	generic->cmd = command;
	generic->version = version;
	m->length = NLMSG_HDRLEN + GENL_HDRLEN;
}

void message_put(struct message *m, uint16_t type, const void *data, size_t bytes)
{
	struct nlattr attribute = { .nla_len = (uint16_t)(NLA_HDRLEN + bytes), .nla_type = type };

	if (m->length + NLA_HDRLEN + NLA_ALIGN(bytes) > sizeof(m->bytes))
		return;
	memcpy(m->bytes + m->length, &attribute, sizeof(attribute));
	if (bytes)
		memcpy(m->bytes + m->length + NLA_HDRLEN, data, bytes);
	memset(m->bytes + m->length + NLA_HDRLEN + bytes, 0, NLA_ALIGN(bytes) - bytes);
	m->length += NLA_HDRLEN + NLA_ALIGN(bytes);
}

size_t message_nest(struct message *m, uint16_t type)
{
	size_t at = m->length;

	message_put(m, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void message_nest_end(struct message *m, size_t nest)
{
	((struct nlattr *)(m->bytes + nest))->nla_len = (uint16_t)(m->length - nest);
}

void message_parse(const struct nlattr *first, size_t bytes, const struct nlattr **table, size_t count)
{
	const uint8_t *at = (const uint8_t *)first;

	memset(table, 0, count * sizeof(*table));
	while (bytes >= NLA_HDRLEN) {
		const struct nlattr *attribute = (const struct nlattr *)at;
		size_t step = NLA_ALIGN(attribute->nla_len), type = attribute->nla_type & NLA_TYPE_MASK;

		if (attribute->nla_len < NLA_HDRLEN || attribute->nla_len > bytes)
			return;
		if (type < count)
			table[type] = attribute;
		if (step > bytes)
			return;
		at += step;
		bytes -= step;
	}
}

/* Error of an NLMSG_ERROR, and its text. */
static int acknowledged(const struct nlmsghdr *header, char *text)
{
	const struct nlmsgerr *error = NLMSG_DATA(header);
	size_t skip = sizeof(*error);
	const struct nlattr *table[NLMSGERR_ATTR_MAX + 1];

	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		skip += error->msg.nlmsg_len - NLMSG_HDRLEN;
	if ((header->nlmsg_flags & NLM_F_ACK_TLVS) && header->nlmsg_len > NLMSG_HDRLEN + NLMSG_ALIGN(skip)) {
		message_parse((const void *)((const uint8_t *)error + NLMSG_ALIGN(skip)),
			      header->nlmsg_len - NLMSG_HDRLEN - NLMSG_ALIGN(skip), table, NLMSGERR_ATTR_MAX + 1);
		if (table[NLMSGERR_ATTR_MSG])
			snprintf(text, 256, "%s", (const char *)attribute_data(table[NLMSGERR_ATTR_MSG]));
	}
	return error->error;
}

int message_talk(struct family *family, struct message *m, each_message *each, void *context, char *text)
{
	static uint8_t buffer[262144] __attribute__((aligned(8)));
	static uint32_t sequence;
	struct nlmsghdr *header = (struct nlmsghdr *)m->bytes;

	text[0] = 0;
	header->nlmsg_len = (uint32_t)m->length;
	header->nlmsg_seq = ++sequence;
	if (send(family->socket, m->bytes, m->length, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t got = recv(family->socket, buffer, sizeof(buffer), 0);
		struct nlmsghdr *answer = (struct nlmsghdr *)buffer;

		if (got < 0)
			return -errno;
		for (int left = (int)got; NLMSG_OK(answer, (unsigned)left); answer = NLMSG_NEXT(answer, left)) {
			if (answer->nlmsg_seq != sequence)
				continue;
			if (answer->nlmsg_type == NLMSG_ERROR)
				return acknowledged(answer, text);
			if (answer->nlmsg_type == NLMSG_DONE)
				return *(int *)NLMSG_DATA(answer);
			if (each)
				each(answer, context);
		}
	}
}

static void learn_family(const struct nlmsghdr *header, void *context)
{
	struct family *family = context;
	const struct nlattr *table[CTRL_ATTR_MAX + 1], *group[CTRL_ATTR_MCAST_GRP_MAX + 1];
	const uint8_t *first = (const uint8_t *)header + NLMSG_HDRLEN + GENL_HDRLEN;

	message_parse((const void *)first, header->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN, table, CTRL_ATTR_MAX + 1);
	if (table[CTRL_ATTR_FAMILY_ID])
		family->id = *(const uint16_t *)attribute_data(table[CTRL_ATTR_FAMILY_ID]);
	if (!table[CTRL_ATTR_MCAST_GROUPS])
		return;
	/* the groups are a list of nests; there is one */
	message_parse((const void *)((const uint8_t *)attribute_data(table[CTRL_ATTR_MCAST_GROUPS]) + NLA_HDRLEN),
		      attribute_bytes(table[CTRL_ATTR_MCAST_GROUPS]) - NLA_HDRLEN, group, CTRL_ATTR_MCAST_GRP_MAX + 1);
	if (group[CTRL_ATTR_MCAST_GRP_ID])
		family->group = *(const uint32_t *)attribute_data(group[CTRL_ATTR_MCAST_GRP_ID]);
}

int family_open(struct family *family)
{
	static struct message m;
	char text[256];
	int one = 1, bytes = 1 << 20, err;

	memset(family, 0, sizeof(*family));
	family->socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (family->socket < 0)
		return -errno;
	setsockopt(family->socket, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(family->socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	setsockopt(family->socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	message_begin(&m, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY, 1);
	message_put(&m, CTRL_ATTR_FAMILY_NAME, OTORI_NETLINK_FAMILY, sizeof(OTORI_NETLINK_FAMILY));
	err = message_talk(family, &m, learn_family, family, text);
	if (err)
		close(family->socket);
	return err;
}
