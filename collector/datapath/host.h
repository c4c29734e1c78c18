/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host.h - what the host has that decoys must not collide with, and what its devices do behind our back.
 *
 * In:  interface names, decoys, ports. Out: device figures, the host's own addresses, listening ports, offloads turned
 * off. Used by supervisor/ at the start. Reads netlink, /proc/net, ethtool; changes only offloads.
 */
#ifndef OTORI_DATAPATH_HOST_H
#define OTORI_DATAPATH_HOST_H

#include "datapath/datapath.h"

/* Fills name, ifindex, mac, mtu. -ENODEV (usage problem) where there is no such interface, -EINVAL where it is no
 * Ethernet. */
int host_device(const char *name, struct datapath_device *device, struct problem *problem);

/* The host's own addresses, on all interfaces, as prefixes of one address each. *list is the caller's. Count or
 * negative errno. */
int host_addresses(struct prefix **list);

/*
 * The decoys with what they are: own addresses that lie within a prefix become entries of their own, of kind OWN.
 * *decoys is the caller's. Count or negative errno.
 */
int host_decoys(const struct prefix *prefixes, uint32_t count, struct datapath_decoy **decoys);

/* Refuses a decoy port on which the host itself listens at an own address that is a decoy. */
int host_ports_free(const struct datapath_decoy *decoys, uint32_t decoy_count, const uint16_t *ports,
		    uint32_t port_count, struct problem *problem);

/* Offloads that hide VLAN tags from XDP: off, or a problem. */
int host_show_vlan_tags(const char *name, struct problem *problem);
int host_turn_off_gro(const char *name);

/* Packets that the device itself dropped for want of room before XDP saw them. */
uint64_t host_device_dropped(uint32_t ifindex);

#endif
