/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pins.c - the folder /sys/fs/bpf/otori: see pins.h.
 *
 * In:  names and descriptors. Out: pins. May not know what a map holds.
 */
#include "datapath/pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../../include/otori/datapath.h"

#define BPFFS "/sys/fs/bpf"

static void path_of(const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, OTORI_PIN_DIRECTORY "/%s", name);
}

static bool is_bpffs(void)
{
	struct statfs about;

	return statfs(BPFFS, &about) == 0 && (unsigned long)about.f_type == BPF_FS_MAGIC;
}

int pins_open(struct problem *problem)
{
	int fd;

	libbpf_set_print(NULL); /* what goes wrong is said in one line of ours */
	if (!is_bpffs() && mount("bpffs", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
		return problem_say(problem, PROBLEM_BPF, -errno, "%s: bpffs is not mounted there and cannot be: %s",
				   BPFFS, strerror(errno));
	if (mkdir(OTORI_PIN_DIRECTORY, 0700) < 0 && errno != EEXIST)
		return problem_say(problem, PROBLEM_BPF, -errno, "%s: %s", OTORI_PIN_DIRECTORY, strerror(errno));
	fd = open(OTORI_PIN_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return problem_say(problem, PROBLEM_BPF, -errno, "%s: %s", OTORI_PIN_DIRECTORY, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int err = errno == EWOULDBLOCK ? -EBUSY : -errno;

		close(fd);
		if (err == -EBUSY)
			return problem_say(problem, PROBLEM_FAILURE, err,
					   "another otori run is already active and holds %s", OTORI_PIN_DIRECTORY);
		return problem_say(problem, PROBLEM_BPF, err, "%s cannot be locked: %s", OTORI_PIN_DIRECTORY,
				   strerror(-err));
	}
	return fd;
}

int pins_look(void)
{
	int fd;

	libbpf_set_print(NULL);
	if (!is_bpffs())
		return -ENOENT;
	fd = open(OTORI_PIN_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int pins_get(const char *name)
{
	char path[PATH_MAX];
	int fd;

	path_of(name, path);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

int pins_put(const char *name, int fd)
{
	char path[PATH_MAX];

	path_of(name, path);
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return bpf_obj_pin(fd, path) < 0 ? -errno : 0;
}

int pins_drop(const char *name)
{
	char path[PATH_MAX];

	path_of(name, path);
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static bool same_layout(const struct bpf_map *map, const struct bpf_map_info *info)
{
	return info->type == (uint32_t)bpf_map__type(map) && info->key_size == bpf_map__key_size(map) &&
	       info->value_size == bpf_map__value_size(map) && info->max_entries == bpf_map__max_entries(map) &&
	       info->map_flags == bpf_map__map_flags(map);
}

int pins_adopt(struct bpf_map *map)
{
	struct bpf_map_info info = { 0 };
	uint32_t length = sizeof(info);
	int fd = pins_get(bpf_map__name(map));
	int err = 0;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &length) < 0)
		err = -errno;
	else if (!same_layout(map, &info))
		err = -ESTALE;
	else
		err = bpf_map__reuse_fd(map, fd);
	close(fd); /* libbpf made a copy */
	return err < 0 ? err : 1;
}

int pins_keep(const struct bpf_map *map)
{
	return pins_put(bpf_map__name(map), bpf_map__fd(map));
}

int pins_each(int (*call)(const char *name, void *context), void *context)
{
	DIR *directory = opendir(OTORI_PIN_DIRECTORY);
	struct dirent *entry;
	int err = 0;

	if (!directory)
		return errno == ENOENT ? 0 : -errno;
	while (!err && (entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			err = call(entry->d_name, context);
	closedir(directory);
	return err;
}
