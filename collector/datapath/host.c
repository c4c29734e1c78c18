/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host.c - what the host has: see host.h.
 *
 * In:  netlink, /proc/net/tcp and tcp6, ethtool. Out: figures of devices, own addresses, listening ports. Changes only
 * offloads.
 */
#include "datapath/host.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/sockios.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int ask_device(unsigned long request, const char *name, struct ifreq *ask)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	snprintf(ask->ifr_name, IFNAMSIZ, "%s", name);
	if (ioctl(fd, request, ask) < 0)
		err = -errno;
	close(fd);
	return err;
}

int host_device(const char *name, struct datapath_device *device, struct problem *problem)
{
	struct ifreq ask = { 0 };
	int err;

	memset(device, 0, sizeof(*device));
	device->link = -1;
	snprintf(device->name, sizeof(device->name), "%s", name);
	device->ifindex = if_nametoindex(name);
	if (!device->ifindex)
		return problem_say(problem, PROBLEM_USAGE, -ENODEV, "there is no interface %s", name);
	err = ask_device(SIOCGIFHWADDR, name, &ask);
	if (err)
		return problem_say(problem, PROBLEM_FAILURE, err, "interface %s: %s", name, strerror(-err));
	if (ask.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "interface %s is not Ethernet", name);
	memcpy(device->mac, ask.ifr_hwaddr.sa_data, sizeof(device->mac));
	err = ask_device(SIOCGIFMTU, name, &ask);
	if (err)
		return problem_say(problem, PROBLEM_FAILURE, err, "interface %s: %s", name, strerror(-err));
	device->mtu = (uint16_t)(ask.ifr_mtu > 65535 ? 65535 : ask.ifr_mtu);
	return 0;
}

struct address_list {
	struct prefix *items;
	int count;
	bool failed;
};

static void add_address(struct nl_object *object, void *context)
{
	struct nl_addr *local = rtnl_addr_get_local((struct rtnl_addr *)object);
	struct address_list *list = context;
	struct address address = { 0 };
	struct prefix *more;

	if (!local || (nl_addr_get_family(local) != AF_INET && nl_addr_get_family(local) != AF_INET6))
		return;
	address.ipv6 = nl_addr_get_family(local) == AF_INET6;
	memcpy(address.bytes, nl_addr_get_binary_addr(local), address.ipv6 ? 16 : 4);
	more = reallocarray(list->items, (size_t)list->count + 1, sizeof(*more));
	if (!more) {
		list->failed = true;
		return;
	}
	list->items = more;
	list->items[list->count++] = prefix_of_address(&address);
}

int host_addresses(struct prefix **out)
{
	struct address_list list = { 0 };
	struct nl_sock *socket = nl_socket_alloc();
	struct nl_cache *cache = NULL;
	int err = 0;

	*out = NULL;
	if (!socket)
		return -ENOMEM;
	if (nl_connect(socket, NETLINK_ROUTE) < 0 || rtnl_addr_alloc_cache(socket, &cache) < 0)
		err = -EIO;
	else
		nl_cache_foreach(cache, add_address, &list);
	nl_cache_free(cache);
	nl_socket_free(socket);
	if (!err && list.failed)
		err = -ENOMEM;
	if (err) {
		free(list.items);
		return err;
	}
	*out = list.items;
	return list.count;
}

int host_decoys(const struct prefix *prefixes, uint32_t count, struct datapath_decoy **decoys)
{
	struct prefix *own = NULL;
	struct datapath_decoy *list;
	int own_count = host_addresses(&own), used = 0;

	*decoys = NULL;
	if (own_count < 0)
		return own_count;
	list = calloc((size_t)count + (size_t)own_count + 1, sizeof(*list));
	if (!list) {
		free(own);
		return -ENOMEM;
	}
	for (uint32_t n = 0; n < count; n++)
		list[used++] = (struct datapath_decoy){ .prefix = prefixes[n], .kind = OTORI_DECOY_UNUSED };
	for (int n = 0; n < own_count; n++) {
		for (uint32_t m = 0; m < count; m++) {
			if (!prefix_covers(&prefixes[m], &own[n]))
				continue;
			if (prefixes[m].bits == 128)
				list[m].kind = OTORI_DECOY_OWN;
			else
				list[used++] = (struct datapath_decoy){ .prefix = own[n], .kind = OTORI_DECOY_OWN };
			break;
		}
	}
	free(own);
	*decoys = list;
	return used;
}

/* A listening socket of /proc/net/tcp or tcp6: 1 = filled, 0 = another line. */
static int parse_listener(const char *line, bool ipv6, struct prefix *where, bool *any, uint16_t *port)
{
	struct address address = { .ipv6 = ipv6 };
	static const uint8_t none[16];
	char digits[40];
	unsigned got_port, state, words = ipv6 ? 4 : 1;

	if (sscanf(line, " %*u: %32[0-9A-F]:%4X %*[0-9A-F]:%*X %2X", digits, &got_port, &state) != 3 || state != 0x0a ||
	    strlen(digits) != 8 * words)
		return 0;
	for (unsigned n = 0; n < words; n++) {
		uint32_t word;
		char part[9];

		/* each word is printed as the CPU holds it */
		memcpy(part, digits + 8 * (size_t)n, 8);
		part[8] = '\0';
		word = (uint32_t)strtoul(part, NULL, 16);
		memcpy(address.bytes + 4 * (size_t)n, &word, 4);
	}
	*any = memcmp(address.bytes, none, sizeof(none)) == 0;
	*where = prefix_of_address(&address);
	*port = (uint16_t)got_port;
	return 1;
}

/* The own decoy that a listener at this address would clash with. */
static const struct datapath_decoy *clash(const struct datapath_decoy *decoys, uint32_t count,
					  const struct prefix *where, bool any, bool ipv6)
{
	for (uint32_t n = 0; n < count; n++) {
		if (decoys[n].kind != OTORI_DECOY_OWN)
			continue;
		/* a socket on :: takes IPv4 as well, unless it was told not to, which /proc does not show */
		if (any ? ipv6 || prefix_ipv4(&decoys[n].prefix) : prefix_covers(&decoys[n].prefix, where))
			return &decoys[n];
	}
	return NULL;
}

static int check_listeners(const char *path, bool ipv6, const struct datapath_decoy *decoys, uint32_t decoy_count,
			   const uint16_t *ports, uint32_t port_count, struct problem *problem)
{
	FILE *file = fopen(path, "re");
	char line[512], text[PREFIX_TEXT_BYTES];
	int err = 0;

	if (!file)
		return 0; /* no IPv6 here */
	while (!err && fgets(line, sizeof(line), file)) {
		const struct datapath_decoy *decoy;
		struct prefix where;
		uint16_t port;
		bool any;

		if (!parse_listener(line, ipv6, &where, &any, &port))
			continue;
		for (uint32_t n = 0; n < port_count && !err; n++) {
			decoy = port == ports[n] ? clash(decoys, decoy_count, &where, any, ipv6) : NULL;
			if (decoy)
				err = problem_say(problem, PROBLEM_USAGE, -EADDRINUSE,
						  "port %u: this host listens on it itself, and %s is its own address",
						  port, prefix_text(&decoy->prefix, text));
		}
	}
	fclose(file);
	return err;
}

int host_ports_free(const struct datapath_decoy *decoys, uint32_t decoy_count, const uint16_t *ports,
		    uint32_t port_count, struct problem *problem)
{
	int err = check_listeners("/proc/self/net/tcp", false, decoys, decoy_count, ports, port_count, problem);

	if (!err)
		err = check_listeners("/proc/self/net/tcp6", true, decoys, decoy_count, ports, port_count, problem);
	return err;
}

static int ethtool_value(const char *name, uint32_t command, uint32_t *data)
{
	struct ethtool_value value = { .cmd = command, .data = *data };
	struct ifreq ask = { .ifr_data = (char *)&value };
	int err = ask_device(SIOCETHTOOL, name, &ask);

	*data = value.data;
	return err;
}

int host_show_vlan_tags(const char *name, struct problem *problem)
{
	uint32_t flags = 0;

	if (ethtool_value(name, ETHTOOL_GFLAGS, &flags) < 0 || !(flags & ETH_FLAG_RXVLAN))
		return 0; /* a device that can't tell has no such offload */
	flags &= ~(uint32_t)ETH_FLAG_RXVLAN;
	if (ethtool_value(name, ETHTOOL_SFLAGS, &flags) < 0 || ethtool_value(name, ETHTOOL_GFLAGS, &flags) < 0 ||
	    (flags & ETH_FLAG_RXVLAN))
		return problem_say(problem, PROBLEM_FAILURE, -EOPNOTSUPP,
				   "%s: its rx-vlan-offload hides VLAN tags and cannot be turned off", name);
	return 0;
}

int host_turn_off_gro(const char *name)
{
	uint32_t off = 0;

	return ethtool_value(name, ETHTOOL_SGRO, &off);
}

uint64_t host_device_dropped(uint32_t ifindex)
{
	struct nl_sock *socket = nl_socket_alloc();
	struct rtnl_link *link = NULL;
	uint64_t dropped = 0;

	/* netlink and not /sys, which shows the network namespace that it was mounted in */
	if (socket && nl_connect(socket, NETLINK_ROUTE) >= 0 &&
	    rtnl_link_get_kernel(socket, (int)ifindex, NULL, &link) >= 0)
		dropped = rtnl_link_get_stat(link, RTNL_LINK_RX_MISSED_ERR) +
			  rtnl_link_get_stat(link, RTNL_LINK_RX_FIFO_ERR);
	if (link)
		rtnl_link_put(link);
	nl_socket_free(socket);
	return dropped;
}
