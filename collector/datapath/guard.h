/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard.h - the tc egress guard on a device: put in place, looked at, removed, watched.
 *
 * In:  the guard's program. Out: a cls_bpf filter, first on clsact's egress; events when anybody touches it. Used by
 * attach.c, supervisor/ and the command `otori guard`. Never lets a frame through by itself: bpf/guard.bpf.c decides.
 */
#ifndef OTORI_DATAPATH_GUARD_H
#define OTORI_DATAPATH_GUARD_H

#include <stdint.h>

#include "base/problem.h"

#define GUARD_PROGRAM_NAME "otori_guard"
#define GUARD_PRIORITY 1
#define GUARD_HANDLE 1

enum guard_state {
	GUARD_IN_PLACE,
	GUARD_ABSENT,	 /* no filter of ours */
	GUARD_FOREIGN,	 /* the filter has another program than ours */
	GUARD_PASSED_BY, /* something stands before it: a tcx program, or a filter of the same priority */
};

/* Puts the program there, in place of an earlier run's in one step. Refuses where somebody else's filter has the place.
 */
int guard_install(uint32_t ifindex, const char *name, int program, struct problem *problem);
/*
 * What is there now. program: id of the program that must be there, 0 = any that is called otori_guard. text: what
 * stands in the way, where something does. State, or negative errno (-ENODEV: the device is gone).
 */
int guard_look(uint32_t ifindex, uint32_t program, char *text, unsigned text_bytes);
/* Removes our filter, and clsact where nothing else hangs on it. */
void guard_remove(uint32_t ifindex);

/* A netlink socket that becomes readable when qdiscs, filters or links change. */
struct guard_watch;
int guard_watch_open(struct guard_watch **watch, struct problem *problem);
int guard_watch_descriptor(const struct guard_watch *watch);
/* Reads what has come. 1 = a filter or qdisc changed, or messages were lost: look; 0 = nothing of interest. */
int guard_watch_read(struct guard_watch *watch);
void guard_watch_close(struct guard_watch *watch);

#endif
