/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * maps.c - filling the maps: see maps.h.
 *
 * In:  the plan. Out: map entries. May not load or attach anything.
 */
#include "datapath/maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "datapath/pins.h"

static struct otori_prefix key_of(const struct prefix *prefix)
{
	struct otori_prefix key = { .prefix_bits = prefix->bits };

	memcpy(key.address, prefix->address, sizeof(key.address));
	return key;
}

static int compare_prefixes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct otori_prefix));
}

/* Deletes what is in the map but not in the sorted list. */
static int delete_others(int map, const struct otori_prefix *keep, uint32_t count)
{
	struct otori_prefix key, next, *stale = NULL, *more;
	uint32_t stale_count = 0;
	const void *from = NULL;
	int err = 0;

	/* deleting while iterating makes an LPM trie start over, so what is stale is collected first */
	while (!err && bpf_map_get_next_key(map, from, &next) == 0) {
		if (!bsearch(&next, keep, count, sizeof(*keep), compare_prefixes)) {
			more = reallocarray(stale, stale_count + 1, sizeof(*stale));
			if (more) {
				stale = more;
				stale[stale_count++] = next;
			} else {
				err = -ENOMEM;
			}
		}
		key = next;
		from = &key;
	}
	for (uint32_t n = 0; n < stale_count && !err; n++)
		if (bpf_map_delete_elem(map, &stale[n]) < 0 && errno != ENOENT)
			err = -errno;
	free(stale);
	return err;
}

int maps_fill_prefixes(int map, uint32_t count, const struct prefix *(*prefix)(const void *list, uint32_t n),
		       const void *(*value)(const void *list, uint32_t n), const void *list)
{
	struct otori_prefix *keep = calloc(count ? count : 1, sizeof(*keep));
	int err = 0;

	if (!keep)
		return -ENOMEM;
	for (uint32_t n = 0; n < count && !err; n++) {
		keep[n] = key_of(prefix(list, n));
		if (bpf_map_update_elem(map, &keep[n], value(list, n), BPF_ANY) < 0)
			err = -errno;
	}
	qsort(keep, count, sizeof(*keep), compare_prefixes);
	if (!err)
		err = delete_others(map, keep, count);
	free(keep);
	return err;
}

/* The bits of a prefix, as a mask over the address's bytes. */
static void mask_of(__u64 mask[2], uint32_t bits)
{
	uint8_t bytes[16] = { 0 };

	for (uint32_t bit = 0; bit < bits && bit < 128; bit++)
		bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	memcpy(mask, bytes, sizeof(bytes));
}

void maps_few_decoys(struct otori_few_decoys *few, uint32_t count,
		     const struct prefix *(*prefix)(const void *list, uint32_t n),
		     const void *(*value)(const void *list, uint32_t n), const void *list)
{
	memset(few, 0, sizeof(*few));
	if (count > OTORI_FEW_DECOYS)
		return;
	for (uint32_t bits = 129; bits-- > 0;) {
		for (uint32_t n = 0; n < count; n++) {
			const struct prefix *from = prefix(list, n);

			if (from->bits != bits)
				continue;
			memcpy((void *)few->prefix[few->count].address, from->address, sizeof(from->address));
			mask_of(few->prefix[few->count].mask, bits);
			few->prefix[few->count++].kind = ((const struct otori_decoy *)value(list, n))->kind;
		}
	}
}

/* Reads the port of every index; values has room for all CPUs. */
static int read_ports(int port_counters, struct otori_port_counters *values, uint16_t by_index[OTORI_MAX_PORTS])
{
	for (uint32_t index = 1; index < OTORI_MAX_PORTS; index++) {
		if (bpf_map_lookup_elem(port_counters, &index, values) < 0)
			return -errno;
		by_index[index] = (uint16_t)values[0].port;
	}
	return 0;
}

static uint32_t index_of(const uint16_t by_index[OTORI_MAX_PORTS], uint16_t port)
{
	for (uint32_t index = 1; index < OTORI_MAX_PORTS; index++)
		if (by_index[index] == port)
			return index;
	return 0;
}

int maps_fill_ports(int ports, int port_counters, int table, const uint16_t *list, uint32_t count,
		    uint16_t by_index[OTORI_MAX_PORTS])
{
	int cpus = libbpf_num_possible_cpus();
	struct otori_port_counters *values;
	bool offered[OTORI_MAX_PORTS] = { false };
	otori_port_index *bytes;
	uint32_t zero = 0;
	int err;

	if (cpus <= 0)
		return -EIO;
	values = calloc((size_t)cpus, sizeof(*values));
	bytes = calloc(UINT16_MAX + 1, sizeof(*bytes));
	if (!values || !bytes) {
		free(values);
		free(bytes);
		return -ENOMEM;
	}
	memset(by_index, 0, OTORI_MAX_PORTS * sizeof(by_index[0]));
	err = read_ports(port_counters, values, by_index);
	for (uint32_t n = 0; n < count && !err; n++) {
		uint32_t index = index_of(by_index, list[n]), key = list[n];
		otori_port_index value;

		if (!index) {
			/* nothing counts there yet, so its figures may be written */
			index = index_of(by_index, 0);
			if (!index) {
				err = -ENOSPC;
				break;
			}
			memset(values, 0, (size_t)cpus * sizeof(*values));
			for (int cpu = 0; cpu < cpus; cpu++)
				values[cpu].port = list[n];
			if (bpf_map_update_elem(port_counters, &index, values, BPF_ANY) < 0)
				err = -errno;
			by_index[index] = list[n];
		}
		value = (otori_port_index)index;
		if (!err && bpf_map_update_elem(ports, &key, &value, BPF_ANY) < 0)
			err = -errno;
		bytes[list[n]] = value;
		offered[index] = true;
	}
	/* a port of an earlier run that is offered no more keeps its figures, but takes no packet */
	for (uint32_t index = 1; index < OTORI_MAX_PORTS && !err; index++) {
		uint32_t key = by_index[index];
		otori_port_index none = 0;

		if (key && !offered[index] && bpf_map_update_elem(ports, &key, &none, BPF_ANY) < 0)
			err = -errno;
	}
	if (!err && bpf_map_update_elem(table, &zero, bytes, BPF_ANY) < 0)
		err = -errno;
	free(bytes);
	free(values);
	return err;
}

int maps_fill_devices(int devices, const struct datapath_device *list, uint32_t count)
{
	uint32_t keys[OTORI_MAX_DEVICES], key, next, have = 0;
	const void *from = NULL;

	for (uint32_t n = 0; n < count; n++) {
		struct otori_device value = { .index = (uint8_t)n };

		memcpy(value.mac, list[n].mac, sizeof(value.mac));
		if (bpf_map_update_elem(devices, &list[n].ifindex, &value, BPF_ANY) < 0 && errno != E2BIG)
			return -errno;
	}
	while (have < OTORI_MAX_DEVICES && bpf_map_get_next_key(devices, from, &next) == 0) {
		keys[have++] = key = next;
		from = &key;
	}
	for (uint32_t n = 0; n < have; n++) {
		bool stays = false;

		for (uint32_t m = 0; m < count; m++)
			stays = stays || list[m].ifindex == keys[n];
		if (!stays && bpf_map_delete_elem(devices, &keys[n]) < 0 && errno != ENOENT)
			return -errno;
	}
	/* once more, for what had no room before others went */
	for (uint32_t n = 0; n < count; n++) {
		struct otori_device value = { .index = (uint8_t)n };

		memcpy(value.mac, list[n].mac, sizeof(value.mac));
		if (bpf_map_update_elem(devices, &list[n].ifindex, &value, BPF_ANY) < 0)
			return -errno;
	}
	return 0;
}

int maps_fill_keys(int keys)
{
	struct otori_keys value, zero;
	uint32_t key = 0;

	memset(&zero, 0, sizeof(zero));
	if (bpf_map_lookup_elem(keys, &key, &value) < 0)
		return -errno;
	if (memcmp(&value, &zero, sizeof(value)) != 0)
		return 0;
	if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value))
		return -EIO;
	return bpf_map_update_elem(keys, &key, &value, BPF_ANY) < 0 ? -errno : 0;
}

int maps_renew_cookie_key(int keys, unsigned which)
{
	struct otori_keys value;
	uint32_t key = 0;

	if (bpf_map_lookup_elem(keys, &key, &value) < 0)
		return -errno;
	if (getrandom(value.cookie[which & 1], sizeof(value.cookie[0]), 0) != (ssize_t)sizeof(value.cookie[0]))
		return -EIO;
	return bpf_map_update_elem(keys, &key, &value, BPF_ANY) < 0 ? -errno : 0;
}

/* The pinned ring of that number, where it has the right size. */
static int ring_pinned(const char *name, uint32_t bytes)
{
	struct bpf_map_info info = { 0 };
	uint32_t length = sizeof(info);
	int fd = pins_get(name);

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &length) < 0 || info.type != BPF_MAP_TYPE_RINGBUF ||
	    info.max_entries != bytes) {
		close(fd);
		return -ESTALE;
	}
	return fd;
}

int maps_fill_rings(int rings, uint32_t count, uint32_t bytes, int fds[OTORI_MAX_RINGS])
{
	char name[32];
	int err;

	for (uint32_t n = 0; n < count; n++) {
		snprintf(name, sizeof(name), "ring_%u", n);
		fds[n] = ring_pinned(name, bytes);
		if (fds[n] < 0) {
			fds[n] = bpf_map_create(BPF_MAP_TYPE_RINGBUF, name, 0, 0, bytes, NULL);
			if (fds[n] < 0)
				return -errno;
			err = pins_put(name, fds[n]);
			if (err < 0)
				return err;
		}
		if (bpf_map_update_elem(rings, &n, &fds[n], BPF_ANY) < 0)
			return -errno;
	}
	for (uint32_t n = count; n < OTORI_MAX_RINGS; n++) {
		snprintf(name, sizeof(name), "ring_%u", n);
		pins_drop(name);
		if (bpf_map_delete_elem(rings, &n) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}
