/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard_module.h - the kernel module's guard, spoken to by generic netlink (include/otori/netlink.h).
 *
 * In:  decoys, ports and devices to guard; commands. Out: the module's state, counters, violations; what the kernel
 * said where it refused. Used by supervisor/ and the command `otori guard`. Everything works without the module: that
 * it isn't there is -ENOENT, and no more.
 */
#ifndef OTORI_DATAPATH_GUARD_MODULE_H
#define OTORI_DATAPATH_GUARD_MODULE_H

#include <net/if.h>

#include "../../include/otori/netlink.h"
#include "base/problem.h"
#include "base/slice.h"
#include "datapath/datapath.h"

struct guard_module;

/* What to guard. Borrowed. */
struct guard_module_policy {
	const struct datapath_decoy *decoys;
	uint32_t decoy_count;
	const uint16_t *ports; /* host byte order */
	uint32_t port_count;
	const char (*devices)[IF_NAMESIZE];
	uint32_t device_count;
	bool every_device; /* of our network namespace, those to come too, and not only the named ones */
	uint32_t flows;	   /* the XDP program enters so many by kfunc; 0 = the stateless rule */
};

struct guard_module_device {
	char name[IF_NAMESIZE];
	uint32_t ifindex; /* 0 = away */
	bool here;	  /* in the guard's network namespace */
};

struct guard_module_status {
	uint32_t version;
	uint32_t state; /* OTORI_STATE_* */
	bool kfunc, every_device;
	bool here; /* the guard's network namespace is ours */
	uint32_t flow_slots, decoys, ports;
	uint64_t dropped;
	struct guard_module_device device[OTORI_MAX_DEVICES];
	uint32_t device_count; /* may be more than there is room for */
};

struct guard_module_counter {
	const char *hook, *verdict;
	uint64_t packets;
};

struct guard_module_violation {
	const char *hook, *verdict, *device, *command; /* "" where the module doesn't say */
	uint64_t seen_at_ns, untold;
	uint32_t mark, length, process;
	struct slice frame;
};

/* 0; -ENOENT = the module is not loaded; -EPROTONOSUPPORT = it speaks a newer language. */
int guard_module_open(struct guard_module **module, struct problem *problem);
int guard_module_arm(struct guard_module *module, const struct guard_module_policy *policy, struct problem *problem);
/* OTORI_CMD_DISARM, SEAL or LOCK. */
int guard_module_command(struct guard_module *module, enum otori_command command, struct problem *problem);
/* -EBADMSG: the answer is cut short or makes no sense; so with counters. */
int guard_module_status(struct guard_module *module, struct guard_module_status *status, struct problem *problem);
typedef void guard_module_take_counter(const struct guard_module_counter *counter, void *context);
int guard_module_counters(struct guard_module *module, guard_module_take_counter *take, void *context,
			  struct problem *problem);
/* Joins the group of violations; the descriptor becomes readable when there are some. The descriptor or negative errno.
 */
int guard_module_watch(struct guard_module *module, struct problem *problem);
/*
 * Takes the violations that have come. Lost ones (a full socket) are counted as untold by nobody: the counters tell.
 * Returns how many messages were cut short, or not in our language, and so not taken.
 */
typedef void guard_module_take_violation(const struct guard_module_violation *violation, void *context);
uint32_t guard_module_read(struct guard_module *module, guard_module_take_violation *take, void *context);
void guard_module_close(struct guard_module *module);

/* Names of states. */
const char *guard_module_state_name(uint32_t state);
const char *guard_module_state_text(uint32_t state);

#endif
