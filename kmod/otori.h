/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * otori.h - what the files of the module share: the policy, the guard's state, and one another's
 * functions.
 *
 * Read in this order: main.c (ladder), policy.c (what is armed), parse.c and guard.c (the way of a
 * frame), devices.c (where the hooks hang), state.c (off, armed, sealed, locked), admission.c and
 * admission_bpf.c (who wrote first), netlink.c and violation.c (who may ask and what is told),
 * selftest.c.
 *
 * Everything that changes is changed under RTNL, which the notifiers of devices come with anyway,
 * but for counters and the slots of the admission table. The way of a frame reads under RCU.
 */
#ifndef OTORI_KMOD_OTORI_H
#define OTORI_KMOD_OTORI_H

#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#include "otori/datapath.h"
#include "otori/guard_rule.h"
#include "otori/netlink.h"
#include "parse.h"

struct admission_table;
struct genl_family;
struct sk_buff;

/* policy.c */

/**
 * struct otori_policy_prefix - a decoy prefix
 * @high: upper half of the address, host byte order
 * @low: lower half
 * @parent: index of the next wider prefix that holds this one, -1 = none
 * @bits: length, 96 more than IPv4 has it
 * @kind: OTORI_DECOY_*
 */
struct otori_policy_prefix {
	u64 high, low;
	s16 parent;
	u8 bits;
	u8 kind;
};

/**
 * struct otori_policy - what is a decoy: all that an OTORI_CMD_ARM says
 * @rcu: frees it
 * @flows: admission by kfunc for so many, 0 = the stateless rule
 * @ports: number of bits set in @port
 * @devices: number of names in @device
 * @every_device: all devices of the namespace are the sensor's
 * @device: names of the sensor's devices
 * @port: decoy ports
 * @prefixes: number of prefixes
 * @prefix: sorted by address, then by length
 */
struct otori_policy {
	struct rcu_head rcu;
	u32 flows;
	u32 ports;
	u32 devices;
	bool every_device;
	char device[OTORI_MAX_DEVICES][IFNAMSIZ];
	DECLARE_BITMAP(port, 65536);
	u32 prefixes;
	struct otori_policy_prefix prefix[] __counted_by(prefixes);
};

struct otori_policy *otori_policy_alloc(u32 prefixes);
int otori_policy_add_prefix(struct otori_policy *policy, const u8 *address, u32 bytes, u8 bits,
			    u8 kind);
int otori_policy_finish(struct otori_policy *policy);
bool otori_policy_same(const struct otori_policy *a, const struct otori_policy *b);
u8 otori_policy_kind(const struct otori_policy *policy, const u8 *address);

/* guard.c */

/* The hooks on a namespace's IP stack. */
extern const struct nf_hook_ops otori_local_hooks[];
extern const unsigned int otori_local_hook_count;

unsigned int otori_guard_egress(void *priv, struct sk_buff *skb, const struct nf_hook_state *state);
enum otori_guard_verdict otori_guard_judge(const struct otori_policy *policy,
					   struct otori_packet *p, u8 origin);
u64 otori_guard_packets(enum otori_hook hook, enum otori_guard_verdict verdict);
u64 otori_guard_dropped(void);
const char *otori_hook_name(enum otori_hook hook);
const char *otori_verdict_name(enum otori_guard_verdict verdict);

/* devices.c */

/**
 * struct otori_device_hook - a device of the sensor's, here or away
 * @list: in devices.c's list, under RTNL
 * @rcu: frees it
 * @dev: the device; NULL = away, guarded again when one of this name comes
 * @named: it was armed by name, so it is remembered when it goes
 * @fresh: hooked by the arming that is under way
 * @hooked: @ops are registered
 * @name: as it is called, or was when it went
 * @ops: the egress hook
 */
struct otori_device_hook {
	struct list_head list;
	struct rcu_head rcu;
	struct net_device *dev;
	bool named;
	bool fresh;
	bool hooked;
	char name[IFNAMSIZ];
	struct nf_hook_ops ops;
};

int otori_devices_init(void);
void otori_devices_exit(void);
int otori_devices_arm(struct net *net, const struct otori_policy *policy,
		      struct netlink_ext_ack *extack);
void otori_devices_commit(const struct otori_policy *policy);
void otori_devices_cancel(void);
void otori_devices_disarm(void);
bool otori_devices_guarded(struct net *net, const char *name);
struct list_head *otori_devices_list(void);
u32 otori_devices_count(void);

/* state.c */

/**
 * struct otori_guard - the one guard of the machine
 * @policy: what is armed; NULL = off
 * @net: namespace whose IP stack is guarded and where violations are told; NULL = off, or it has
 * ended
 * @state: OTORI_STATE_*
 */
struct otori_guard {
	struct otori_policy __rcu *policy;
	struct net __rcu *net;
	enum otori_state state;
};

extern struct otori_guard otori_guard;

int otori_state_init(void);
void otori_state_exit(void);
int otori_state_arm(struct net *net, struct otori_policy *policy, struct netlink_ext_ack *extack);
int otori_state_disarm(struct netlink_ext_ack *extack);
int otori_state_seal(struct netlink_ext_ack *extack);
int otori_state_lock(struct netlink_ext_ack *extack);

/* admission.c, admission_bpf.c */

struct admission_table *otori_admission_prepare(u32 flows);
void otori_admission_commit(struct admission_table *new);
void otori_admission_cancel(struct admission_table *new);
u32 otori_admission_slots(void);
bool otori_admission_answers(const struct otori_packet *p);
bool otori_kfuncs_register(void);
bool otori_kfuncs_there(void);

/* netlink.c, violation.c */

extern struct genl_family otori_family;

int otori_netlink_init(void);
void otori_netlink_exit(void);
void otori_violation_tell(enum otori_hook hook, enum otori_guard_verdict verdict,
			  const struct sk_buff *skb, const struct net_device *dev);

/* selftest.c */

#ifdef OTORI_SELFTEST
int otori_selftest(void);
#else
static inline int otori_selftest(void)
{
	return 0;
}
#endif

#endif
