// SPDX-License-Identifier: GPL-2.0-only
/*
 * devices.c - where the egress hooks hang: the sensor's devices, as they come, go, move and change
 * their names.
 *
 * In:  names at arming, the kernel's notices about devices. Out: one egress hook on each. Called by
 * state.c and the netdevice notifier, always under RTNL. May not judge a frame.
 *
 * A device that was hooked stays hooked under whatever name and in whatever namespace; one that was
 * armed by name and went is hooked again when one of that name comes. No reference is held: a
 * device says goodbye (NETDEV_UNREGISTER) before it is freed, and before it changes its namespace.
 */
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <net/net_namespace.h>

#include "otori.h"

static LIST_HEAD(device_hooks);

/**
 * otori_devices_list() - the list of struct otori_device_hook, under RTNL
 */
struct list_head *otori_devices_list(void)
{
	return &device_hooks;
}

/**
 * otori_devices_count() - how many are in the list, under RTNL
 */
u32 otori_devices_count(void)
{
	const struct otori_device_hook *hook;
	u32 count = 0;

	list_for_each_entry(hook, &device_hooks, list)
		count++;
	return count;
}

static struct otori_device_hook *hook_of(const struct net_device *dev)
{
	struct otori_device_hook *hook;

	list_for_each_entry(hook, &device_hooks, list)
		if (hook->dev == dev)
			return hook;
	return NULL;
}

static struct otori_device_hook *hook_away(const char *name)
{
	struct otori_device_hook *hook;

	list_for_each_entry(hook, &device_hooks, list)
		if (!hook->dev && !strncmp(hook->name, name, IFNAMSIZ))
			return hook;
	return NULL;
}

static int hook_on(struct otori_device_hook *hook, struct net_device *dev)
{
	int err;

	hook->dev = dev;
	hook->ops = (struct nf_hook_ops){
		.hook = otori_guard_egress,
		.dev = dev,
		.pf = NFPROTO_NETDEV,
		.hooknum = NF_NETDEV_EGRESS,
		.priority = INT_MAX,
	};
	strscpy(hook->name, dev->name, IFNAMSIZ);
	err = nf_register_net_hook(dev_net(dev), &hook->ops);
	if (err) {
		pr_err("%s cannot be guarded (%d)\n", dev->name, err);
		hook->dev = NULL;
		return err;
	}
	hook->hooked = true;
	pr_info("%s: guarded\n", dev->name);
	return 0;
}

static void hook_off(struct otori_device_hook *hook)
{
	if (!hook->hooked)
		return;
	nf_unregister_net_hook(dev_net(hook->dev), &hook->ops);
	hook->hooked = false;
	pr_info("%s: guarded no longer\n", hook->dev->name);
}

static void hook_free(struct otori_device_hook *hook)
{
	hook_off(hook);
	list_del(&hook->list);
	kfree_rcu(hook, rcu);
}

static int hook_new(struct net_device *dev, bool fresh)
{
	struct otori_device_hook *hook = kzalloc(sizeof(*hook), GFP_KERNEL);
	int err;

	if (!hook)
		return -ENOMEM;
	hook->fresh = fresh;
	err = hook_on(hook, dev);
	if (err)
		kfree(hook);
	else
		list_add_tail(&hook->list, &device_hooks);
	return err;
}

static int arm_every_device(struct net *net, struct netlink_ext_ack *extack)
{
	struct net_device *dev;
	int err;

	for_each_netdev(net, dev) {
		if (dev->flags & IFF_LOOPBACK || hook_of(dev))
			continue;
		err = hook_new(dev, true);
		if (err) {
			NL_SET_ERR_MSG(extack, "a device of this namespace takes no egress hook");
			return err;
		}
	}
	return 0;
}

static bool policy_names(const struct otori_policy *policy, const char *name)
{
	u32 i;

	for (i = 0; i < policy->devices; i++)
		if (!strncmp(policy->device[i], name, IFNAMSIZ))
			return true;
	return false;
}

static int arm_named_devices(struct net *net, const struct otori_policy *policy,
			     struct netlink_ext_ack *extack)
{
	struct net_device *dev;
	int err;
	u32 i;

	for (i = 0; i < policy->devices; i++) {
		if (!__dev_get_by_name(net, policy->device[i])) {
			NL_SET_ERR_MSG(extack, "a device named is not in this network namespace");
			return -ENODEV;
		}
	}
	for (i = 0; i < policy->devices; i++) {
		dev = __dev_get_by_name(net, policy->device[i]);
		if (hook_of(dev))
			continue;
		err = hook_new(dev, true);
		if (err) {
			NL_SET_ERR_MSG(extack, "a device named takes no egress hook");
			return err;
		}
	}
	return 0;
}

/**
 * otori_devices_arm() - hooks the policy's devices, where they aren't yet
 * @net: namespace of the names
 * @policy: has the names
 * @extack: says what is wrong
 *
 * Return: 0, to be followed by otori_devices_commit() or _cancel(); or a negative errno with a
 * message, and everything as it was.
 */
int otori_devices_arm(struct net *net, const struct otori_policy *policy,
		      struct netlink_ext_ack *extack)
{
	int err;

	ASSERT_RTNL();
	err = policy->every_device ? arm_every_device(net, extack) :
				     arm_named_devices(net, policy, extack);
	if (err)
		otori_devices_cancel();
	return err;
}

/**
 * otori_devices_commit() - keeps what was hooked, and forgets what is no longer armed
 * @policy: that of otori_devices_arm()
 *
 * Where every device is armed, those stay hooked that have been moved to another namespace; names
 * of devices that are away mean nothing any more.
 */
void otori_devices_commit(const struct otori_policy *policy)
{
	struct otori_device_hook *hook, *next;

	ASSERT_RTNL();
	list_for_each_entry_safe(hook, next, &device_hooks, list) {
		hook->fresh = false;
		hook->named = policy_names(policy, hook->name);
		if (policy->every_device ? !hook->dev : !hook->named)
			hook_free(hook);
	}
}

/**
 * otori_devices_cancel() - takes the hooks away again that otori_devices_arm() made
 */
void otori_devices_cancel(void)
{
	struct otori_device_hook *hook, *next;

	ASSERT_RTNL();
	list_for_each_entry_safe(hook, next, &device_hooks, list)
		if (hook->fresh)
			hook_free(hook);
}

/**
 * otori_devices_disarm() - takes all hooks away and forgets all names
 */
void otori_devices_disarm(void)
{
	struct otori_device_hook *hook, *next;

	ASSERT_RTNL();
	list_for_each_entry_safe(hook, next, &device_hooks, list)
		hook_free(hook);
}

/**
 * otori_devices_guarded() - is the device of this name hooked?
 * @net: its namespace
 * @name: its name
 */
bool otori_devices_guarded(struct net *net, const char *name)
{
	const struct net_device *dev = __dev_get_by_name(net, name);
	const struct otori_device_hook *hook = dev ? hook_of(dev) : NULL;

	return hook && hook->hooked;
}

/* A device came, or came from another namespace, or has a new name. */
static int device_came(struct net_device *dev)
{
	const struct otori_policy *policy = rtnl_dereference(otori_guard.policy);
	struct otori_device_hook *hook = hook_of(dev);

	if (hook) {
		strscpy(hook->name, dev->name, IFNAMSIZ);
		return hook->hooked ? 0 : hook_on(hook, dev);
	}
	if (!policy || !net_eq(dev_net(dev), rtnl_dereference(otori_guard.net)))
		return 0;
	hook = hook_away(dev->name);
	if (hook)
		return hook_on(hook, dev);
	return policy->every_device && !(dev->flags & IFF_LOOPBACK) ? hook_new(dev, false) : 0;
}

static void device_went(struct net_device *dev)
{
	struct otori_device_hook *hook = hook_of(dev);

	if (!hook)
		return;
	hook_off(hook);
	if (dev->reg_state == NETREG_REGISTERED)
		return; /* it only changes its namespace, and comes at once */
	hook->dev = NULL;
	if (!hook->named)
		hook_free(hook);
}

static int device_event(struct notifier_block *block, unsigned long event, void *info)
{
	struct net_device *dev = netdev_notifier_info_to_dev(info);

	switch (event) {
	case NETDEV_REGISTER:
	case NETDEV_CHANGENAME:
		/* What cannot be guarded must not come into being. */
		return notifier_from_errno(device_came(dev));
	case NETDEV_UNREGISTER:
		device_went(dev);
	}
	return NOTIFY_DONE;
}

static struct notifier_block device_notifier = { .notifier_call = device_event };

/**
 * otori_devices_init() - begins to listen to what becomes of devices
 */
int otori_devices_init(void)
{
	return register_netdevice_notifier(&device_notifier);
}

/**
 * otori_devices_exit() - ends it; all hooks must be gone
 */
void otori_devices_exit(void)
{
	unregister_netdevice_notifier(&device_notifier);
	WARN_ON(!list_empty(&device_hooks));
}
