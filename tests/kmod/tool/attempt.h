/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attempt.h - the table of attempts: attempt.c sends them, capture.c knows them again.
 */
#ifndef KMOD_TOOL_ATTEMPT_H
#define KMOD_TOOL_ATTEMPT_H

#include "tool.h"

enum attempt_way { BY_IP, BY_UDP_SOCKET, BY_CONNECT, BY_FRAME, BY_BYPASS, BY_RING, BY_RING_BYPASS, BY_VLAN_DEVICE };

enum attempt_what { TCP, UDP, ECHO_REQUEST, ECHO_REPLY, ADVERTISEMENT, FRAGMENT, LATER_FRAGMENT, EXTENSIONS, TUNNEL };

struct attempt {
	const char *name;
	enum attempt_way way;
	enum attempt_what what;
	const char *source;
	uint16_t port;
	uint8_t flags;
	uint8_t marked; /* by the mark of the transmit sockets */
	uint8_t tags;
	const char *hook, *verdict; /* what must count it while the guard is armed */
};

extern const struct attempt attempts[];
extern const size_t attempt_count;

#endif
