/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard_watch.c - hears when anybody touches qdiscs, filters or links.
 *
 * In:  rtnetlink's notifications of groups TC and LINK. Out: "look again". The look itself is guard_tc.c's; what
 * follows is the supervisor's to do.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/guard.h"

struct guard_watch {
	struct nl_sock *socket;
	int touched;
};

static int hear(struct nl_msg *message, void *context)
{
	struct guard_watch *watch = context;

	switch (nlmsg_hdr(message)->nlmsg_type) {
	case RTM_NEWQDISC:
	case RTM_DELQDISC:
	case RTM_NEWTFILTER:
	case RTM_DELTFILTER:
	case RTM_DELCHAIN:
	case RTM_DELLINK:
		watch->touched = 1;
	}
	return NL_OK;
}

int guard_watch_open(struct guard_watch **out, struct problem *problem)
{
	struct guard_watch *watch = calloc(1, sizeof(*watch));
	int err = -ENOMEM;

	if (!watch)
		goto failed;
	watch->socket = nl_socket_alloc();
	if (!watch->socket)
		goto failed;
	nl_socket_disable_seq_check(watch->socket);
	nl_socket_modify_cb(watch->socket, NL_CB_VALID, NL_CB_CUSTOM, hear, watch);
	err = -EIO;
	if (nl_connect(watch->socket, NETLINK_ROUTE) < 0 || nl_socket_set_nonblocking(watch->socket) < 0 ||
	    nl_socket_add_memberships(watch->socket, RTNLGRP_TC, RTNLGRP_LINK, 0) < 0)
		goto failed;
	*out = watch;
	return 0;
failed:
	guard_watch_close(watch);
	*out = NULL;
	return problem_say(problem, PROBLEM_BPF, err, "the guard cannot be watched: rtnetlink does not take us");
}

int guard_watch_descriptor(const struct guard_watch *watch)
{
	return nl_socket_get_fd(watch->socket);
}

int guard_watch_read(struct guard_watch *watch)
{
	int err;

	watch->touched = 0;
	do {
		err = nl_recvmsgs_default(watch->socket);
	} while (err >= 0);
	/* anything but "nothing left" may hide a message: then a look is the safe side */
	return watch->touched || err != -NLE_AGAIN;
}

void guard_watch_close(struct guard_watch *watch)
{
	if (!watch)
		return;
	nl_socket_free(watch->socket);
	free(watch);
}
