/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pins.h - the folder /sys/fs/bpf/otori: what outlives a run.
 *
 * In:  maps and links of the datapath. Out: pinned objects, taken over by the next start. Used by datapath/ only (and
 * status, which reads). The lock on the folder is what makes one run of otori the only one.
 */
#ifndef OTORI_DATAPATH_PINS_H
#define OTORI_DATAPATH_PINS_H

#include <bpf/libbpf.h>

#include "base/problem.h"

/* Mounts bpffs where it is not, makes the folder, locks it. The descriptor, or negative errno (-EBUSY: held by another
 * run). */
int pins_open(struct problem *problem);
/* The folder's descriptor for reading, without a lock; -ENOENT where nothing is pinned. */
int pins_look(void);

/* The object pinned under this name, or negative errno. */
int pins_get(const char *name);
/* Pins it, in place of what had the name. 0 or negative errno. */
int pins_put(const char *name, int fd);
int pins_drop(const char *name);

/*
 * Before load: lets the map be the pinned one where that has the same layout. 1 = taken over, 0 = there is none,
 * -ESTALE = it has another layout (the pin stays until pins_keep puts the new one in its place), other negative errno.
 */
int pins_adopt(struct bpf_map *map);
/* After load: pins the map. */
int pins_keep(const struct bpf_map *map);

/* Calls back with every name; stops at a non-zero return, which it returns. */
int pins_each(int (*call)(const char *name, void *context), void *context);

#endif
