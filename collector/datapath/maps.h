/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * maps.h - what the collector writes into the maps: decoys, quiet sources, ports, devices, keys, rings.
 *
 * In:  the plan and map descriptors. Out: filled maps, without a moment in which an entry that stays is missing (the
 * programs may be running). Used by datapath/load.c.
 */
#ifndef OTORI_DATAPATH_MAPS_H
#define OTORI_DATAPATH_MAPS_H

#include "datapath/datapath.h"

/* Makes an LPM map hold exactly these prefixes; value(n) is what the n-th maps to. 0 or negative errno. */
int maps_fill_prefixes(int map, uint32_t count, const struct prefix *(*prefix)(const void *list, uint32_t n),
		       const void *(*value)(const void *list, uint32_t n), const void *list);
/*
 * The same prefixes as constants of the programs, set before they are loaded. Nothing where they are not few: then the
 * programs ask map decoys. value(n) is a struct otori_decoy.
 */
void maps_few_decoys(struct otori_few_decoys *few, uint32_t count,
		     const struct prefix *(*prefix)(const void *list, uint32_t n),
		     const void *(*value)(const void *list, uint32_t n), const void *list);
/*
 * Gives every port its index: one that port_counters already has for it, or a free one. Fills by_index (0 = unused),
 * names the ports in port_counters, and points map ports and the XDP program's own table (map data_ports) at them.
 * -ENOSPC where the indexes are used up by ports of earlier runs.
 */
int maps_fill_ports(int ports, int port_counters, int table, const uint16_t *wanted, uint32_t count,
		    uint16_t by_index[OTORI_MAX_PORTS]);
int maps_fill_devices(int devices, const struct datapath_device *list, uint32_t count);
/* Draws the keys where they are all zero. */
int maps_fill_keys(int keys);
/* Replaces one of the two cookie keys. */
int maps_renew_cookie_key(int keys, unsigned which);
/* Opens the pinned rings or makes them, and puts them into the map rings. */
int maps_fill_rings(int rings, uint32_t count, uint32_t bytes, int fds[OTORI_MAX_RINGS]);

#endif
