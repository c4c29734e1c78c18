/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attach.c - puts the XDP program on the devices, by links that are pinned.
 *
 * In:  a loaded datapath. Out: links; on a restart the program of the link that is there is swapped, so that no packet
 * is lost. Called by supervisor/ after the guard is in place. Refuses a device that somebody else's XDP program has.
 */
#include "datapath/datapath.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "datapath/guard.h"
#include "datapath/host.h"
#include "datapath/pins.h"
#include "datapath/skeletons.h"

#define LINK_PREFIX "link_"

static void link_name(const struct datapath_device *device, char name[64])
{
	snprintf(name, 64, LINK_PREFIX "%s", device->name);
}

/* Which XDP program the device has: its id, 0 = none, negative errno. */
static int64_t attached_program(uint32_t ifindex, bool *generic)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, about);
	int err = bpf_xdp_query((int)ifindex, 0, &about);

	if (err < 0)
		return err;
	*generic = about.attach_mode == XDP_ATTACHED_SKB;
	if (about.prog_id)
		return about.prog_id;
	return about.drv_prog_id ? about.drv_prog_id : about.hw_prog_id ? about.hw_prog_id : about.skb_prog_id;
}

static void program_name(uint32_t id, char name[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	strcpy(name, "?");
	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &length) == 0 && info.name[0])
		memcpy(name, info.name, BPF_OBJ_NAME_LEN);
	if (fd >= 0)
		close(fd);
}

/* The pinned link where it is still this device's, else -ENOENT; a link whose device went away is dropped. */
static int link_pinned(const struct datapath_device *device)
{
	struct bpf_link_info info = { 0 };
	uint32_t length = sizeof(info);
	char name[64];
	bool generic;
	int fd;

	link_name(device, name);
	fd = pins_get(name);
	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &length) == 0 && info.type == BPF_LINK_TYPE_XDP &&
	    info.xdp.ifindex == device->ifindex && attached_program(device->ifindex, &generic) == info.prog_id)
		return fd;
	close(fd);
	pins_drop(name);
	return -ENOENT;
}

static int make_link(struct datapath_device *device, int program, enum datapath_mode mode, struct problem *problem)
{
	LIBBPF_OPTS(bpf_link_create_opts, driver, .flags = XDP_FLAGS_DRV_MODE);
	LIBBPF_OPTS(bpf_link_create_opts, generic, .flags = XDP_FLAGS_SKB_MODE);
	int fd = -1, err = 0;

	if (mode != DATAPATH_MODE_SKB) {
		fd = bpf_link_create(program, (int)device->ifindex, BPF_XDP, &driver);
		err = fd < 0 ? -errno : 0;
	}
	if (fd < 0 && mode != DATAPATH_MODE_NATIVE) {
		if (err)
			log_notice("%s: its driver takes no XDP program (%s): generic mode, which is slower",
				   device->name, strerror(-err));
		fd = bpf_link_create(program, (int)device->ifindex, BPF_XDP, &generic);
		err = fd < 0 ? -errno : 0;
		device->generic = true;
		/* behind the driver, segments come merged by GRO, and would be too long */
		if (fd >= 0 && host_turn_off_gro(device->name) < 0)
			log_warning("%s: generic receive offload cannot be turned off: merged segments are refused as "
				    "too_long",
				    device->name);
	}
	if (fd < 0)
		return problem_say(problem, PROBLEM_BPF, err, "%s: the XDP program cannot be attached in %s mode: %s",
				   device->name, mode == DATAPATH_MODE_NATIVE ? "native" : "generic", strerror(-err));
	return fd;
}

static int attach_device(struct datapath_device *device, int program, enum datapath_mode mode, struct problem *problem)
{
	char name[64], other[BPF_OBJ_NAME_LEN];
	int64_t there;
	bool generic = false;
	int fd = link_pinned(device), err;

	if (fd >= 0) {
		attached_program(device->ifindex, &device->generic);
		device->link = fd;
		device->ours = true;
		if ((mode == DATAPATH_MODE_NATIVE && device->generic) ||
		    (mode == DATAPATH_MODE_SKB && !device->generic))
			return problem_say(
				problem, PROBLEM_USAGE, -EINVAL,
				"%s: attached in another xdp-mode by an earlier run: otori run --unload first",
				device->name);
		if (bpf_link_update(fd, program, NULL) < 0)
			return problem_say(problem, PROBLEM_BPF, -errno,
					   "%s: the attached XDP program cannot be replaced: %s", device->name,
					   strerror(errno));
		return 0;
	}
	there = attached_program(device->ifindex, &generic);
	if (there > 0) {
		program_name((uint32_t)there, other);
		return problem_say(problem, PROBLEM_BPF, -EBUSY,
				   "%s: another XDP program is there already: '%s' (id %lld)", device->name, other,
				   (long long)there);
	}
	fd = make_link(device, program, mode, problem);
	if (fd < 0)
		return fd;
	device->link = fd;
	device->ours = true;
	link_name(device, name);
	err = pins_put(name, fd);
	if (err < 0)
		return problem_say(problem, PROBLEM_BPF, err, "%s: the XDP link cannot be pinned: %s", device->name,
				   strerror(-err));
	return 0;
}

struct others {
	const struct datapath *datapath;
	char name[OTORI_MAX_DEVICES * 2][64];
	unsigned count;
};

static int collect_others(const char *name, void *context)
{
	struct others *others = context;

	if (strncmp(name, LINK_PREFIX, strlen(LINK_PREFIX)) != 0 || others->count == OTORI_MAX_DEVICES * 2)
		return 0;
	for (uint32_t n = 0; n < others->datapath->device_count; n++)
		if (strcmp(name + strlen(LINK_PREFIX), others->datapath->devices[n].name) == 0)
			return 0;
	snprintf(others->name[others->count++], sizeof(others->name[0]), "%s", name);
	return 0;
}

/* Detaches at once (an unpinned link would go a little later), then unpins. */
static int detach(const char *name)
{
	int fd = pins_get(name);

	if (fd >= 0) {
		bpf_link_detach(fd);
		close(fd);
	}
	return pins_drop(name);
}

/* Interfaces of an earlier run that are not in this one: the program goes first, then the guard. */
static void detach_others(const struct datapath *datapath)
{
	struct others others = { .datapath = datapath };

	pins_each(collect_others, &others);
	for (unsigned n = 0; n < others.count; n++) {
		const char *device = others.name[n] + strlen(LINK_PREFIX);

		log_notice("%s: not observed any more, detached", device);
		detach(others.name[n]);
		guard_remove(if_nametoindex(device));
	}
}

int datapath_attach(struct datapath *datapath, enum datapath_mode mode, struct problem *problem)
{
	int program = bpf_program__fd(datapath->otori->progs.otori_xdp);
	int err = 0;

	for (uint32_t n = 0; n < datapath->device_count && !err; n++)
		err = attach_device(&datapath->devices[n], program, mode, problem);
	if (!err)
		detach_others(datapath);
	return err;
}

static int drop_link(const char *name, void *context)
{
	(void)context;
	return strncmp(name, LINK_PREFIX, strlen(LINK_PREFIX)) == 0 ? detach(name) : 0;
}

static int count_pin(const char *name, void *context)
{
	(void)name;
	(*(int *)context)++;
	return 0;
}

struct guarded {
	uint32_t ifindex[OTORI_MAX_DEVICES * 2];
	unsigned count;
};

static void remember(struct guarded *guarded, uint32_t ifindex)
{
	if (ifindex && guarded->count < OTORI_MAX_DEVICES * 2)
		guarded->ifindex[guarded->count++] = ifindex;
}

static int remember_link(const char *name, void *context)
{
	if (strncmp(name, LINK_PREFIX, strlen(LINK_PREFIX)) == 0)
		remember(context, if_nametoindex(name + strlen(LINK_PREFIX)));
	return 0;
}

/* Devices that the map names: a run that was killed between guard and link has them only there. */
static void remember_devices(struct guarded *guarded)
{
	uint32_t key, next;
	const void *from = NULL;
	int map = pins_get("devices");

	if (map < 0)
		return;
	for (unsigned n = 0; n < OTORI_MAX_DEVICES && bpf_map_get_next_key(map, from, &next) == 0; n++) {
		remember(guarded, next);
		key = next;
		from = &key;
	}
	close(map);
}

static int drop_pin(const char *name, void *context)
{
	(void)context;
	return pins_drop(name);
}

int datapath_unload(struct datapath *datapath, struct problem *problem)
{
	struct guarded guarded = { .count = 0 };
	int pins = 0, lock = datapath->pin_directory, err;
	bool own_lock = lock < 0;

	if (own_lock) {
		lock = pins_open(problem);
		if (lock < 0)
			return lock;
	}
	pins_each(count_pin, &pins);
	pins_each(remember_link, &guarded);
	remember_devices(&guarded);
	/* the program first: while it answers, the guard stands */
	err = pins_each(drop_link, NULL);
	for (uint32_t n = 0; n < OTORI_MAX_DEVICES; n++) {
		if (datapath->devices[n].link >= 0)
			close(datapath->devices[n].link);
		datapath->devices[n].link = -1;
	}
	for (unsigned n = 0; n < guarded.count; n++)
		guard_remove(guarded.ifindex[n]);
	if (!err)
		err = pins_each(drop_pin, NULL);
	if (rmdir(OTORI_PIN_DIRECTORY) < 0 && !err && errno != ENOENT)
		err = -errno;
	if (own_lock)
		close(lock);
	if (err < 0)
		return problem_say(problem, PROBLEM_BPF, err, "%s cannot be removed: %s", OTORI_PIN_DIRECTORY,
				   strerror(-err));
	return pins > 0;
}
