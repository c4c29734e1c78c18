/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * datapath.h - the BPF programs in the kernel, their pinned maps, and what keeps them in place.
 *
 * In:  devices, decoys, ports, settings (struct datapath_plan). Out: a loaded, guarded, attached datapath; descriptors
 * of its maps. Called by supervisor/, status.c, guard.c. May not know what the events mean, and never sends a packet.
 *
 * Order that never relays: datapath_open (load, fill) -> datapath_guard (tc egress) -> datapath_attach (XDP). A stop
 * leaves all of it pinned, so that counting and answering go on; datapath_unload takes it away.
 */
#ifndef OTORI_DATAPATH_DATAPATH_H
#define OTORI_DATAPATH_DATAPATH_H

#include <net/if.h>

#include "../../include/otori/datapath.h"
#include "base/prefix.h"
#include "base/problem.h"

struct otori_bpf;
struct guard_bpf;

enum datapath_mode { DATAPATH_MODE_AUTO, DATAPATH_MODE_NATIVE, DATAPATH_MODE_SKB };

struct datapath_device {
	char name[IF_NAMESIZE];
	uint32_t ifindex;
	uint8_t mac[6];
	uint16_t mtu;
	bool generic; /* XDP runs behind the driver */
	bool guarded; /* the guard was in place when last looked at */
	bool ours;    /* this process (or a predecessor whose pins it took over) put something on it */
	int link;     /* descriptor of the XDP link; -1 = none */
};

/* A decoy prefix with what it is (OTORI_DECOY_*). */
struct datapath_decoy {
	struct prefix prefix;
	uint8_t kind;
};

/* What is wanted. Everything is borrowed until datapath_open returns. */
struct datapath_plan {
	const struct datapath_device *devices;
	uint32_t device_count;
	const struct datapath_decoy *decoys;
	uint32_t decoy_count;
	const struct prefix *quiet;
	uint32_t quiet_count;
	const uint16_t *ports; /* host byte order */
	uint32_t port_count;
	uint32_t rings, ring_bytes;	/* ring_bytes: a power of two of pages */
	uint32_t flows;			/* of all rings; the admission table has twice as many slots */
	bool kernel_admission;		/* the kernel module is told of every flow */
	struct otori_settings settings; /* clock, heartbeat and answering are kept from a run that is taken over */
};

struct datapath {
	struct otori_bpf *otori;
	struct guard_bpf *guard;
	int pin_directory;		 /* locked; -1 = none */
	bool taken_over;		 /* an earlier run's program was attached */
	struct otori_settings *settings; /* the live map */
	int ring[OTORI_MAX_RINGS];
	uint32_t rings;
	uint16_t ports[OTORI_MAX_PORTS]; /* by port index, 0 = none */
	struct datapath_device devices[OTORI_MAX_DEVICES];
	uint32_t device_count;
	uint64_t rotated_generation; /* of cookie keys */
};

/* An empty datapath, which datapath_close accepts. */
void datapath_init(struct datapath *datapath);

/*
 * Locks the pins, loads both programs, takes over or makes maps, fills them. Nothing is attached yet. 0 or negative
 * errno; -EBUSY: another run holds the pins.
 */
int datapath_open(struct datapath *datapath, const struct datapath_plan *plan, struct problem *problem);

/* Puts the guard in place on every device. 0 or negative errno. */
int datapath_guard(struct datapath *datapath, struct problem *problem);

/* Descriptor and id of the guard's program. */
int datapath_guard_descriptor(const struct datapath *datapath);
uint32_t datapath_guard_program(const struct datapath *datapath);

/* Attaches XDP to every device, or swaps the program of the link that is there. 0 or negative errno. */
int datapath_attach(struct datapath *datapath, enum datapath_mode mode, struct problem *problem);

/* Frees what this process holds. Pins, links and guard stay. NULL-safe fields. */
void datapath_close(struct datapath *datapath);

/*
 * Takes away links, guards and pins of this or an earlier run. 1 = something was there, 0 = nothing, or negative errno
 * (-EBUSY: a run holds them). Not to be called with an open datapath but to undo a start that failed.
 */
int datapath_unload(struct datapath *datapath, struct problem *problem);

/* Descriptor of a map by its name, in either program; -1 = there is none. Borrowed. */
int datapath_map(const struct datapath *datapath, const char *name);

/* Every second: moves settings.clock_offset_ns to UTC, and replaces the cookie key whose time is over. */
int datapath_clock(struct datapath *datapath);

/* Replaces the quiet sources while the programs run. 0 or negative errno. */
int datapath_set_quiet(struct datapath *datapath, const struct prefix *quiet, uint32_t count);

#endif
