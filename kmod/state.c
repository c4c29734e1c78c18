// SPDX-License-Identifier: GPL-2.0-only
/*
 * state.c - off, armed, sealed, locked: what may be changed when.
 *
 * In:  commands from netlink.c, the end of the guarded namespace. Out: otori_guard, hooks in place.
 * Called under RTNL. May not judge a frame.
 *
 *      off --arm--> armed --seal--> sealed --lock--> locked
 *       ^            | ^ |                   (kernel.modules_disabled is 1)
 *       '---disarm---' '-' arm
 *
 * Sealed has no way back: the module holds a reference on itself, so that it can't be unloaded but
 * by force (rmmod -f, which Debian's kernels allow). Locked has not even that.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "otori.h"

struct otori_guard otori_guard;

static void policy_publish(struct otori_policy *policy)
{
	struct otori_policy *old = rtnl_dereference(otori_guard.policy);

	rcu_assign_pointer(otori_guard.policy, policy);
	if (old)
		kvfree_rcu(old, rcu);
}

static void local_hooks_off(void)
{
	struct net *net = rtnl_dereference(otori_guard.net);

	if (!net)
		return;
	nf_unregister_net_hooks(net, otori_local_hooks, otori_local_hook_count);
	RCU_INIT_POINTER(otori_guard.net, NULL);
	synchronize_net(); /* violation.c may still be telling it something */
}

/* Hooks on this namespace's IP stack, and then none on another's. */
static int local_hooks_on(struct net *net, struct netlink_ext_ack *extack)
{
	int err;

	if (net_eq(net, rtnl_dereference(otori_guard.net)))
		return 0;
	err = nf_register_net_hooks(net, otori_local_hooks, otori_local_hook_count);
	if (err) {
		NL_SET_ERR_MSG(extack, "the IP stack takes no hooks");
		return err;
	}
	local_hooks_off();
	rcu_assign_pointer(otori_guard.net, net);
	return 0;
}

static void guard_off(void)
{
	local_hooks_off();
	otori_devices_disarm();
	policy_publish(NULL);
	otori_admission_commit(NULL);
	otori_guard.state = OTORI_STATE_off;
}

/* Sealed: only what is armed may be armed, as a collector does that starts again. */
static int arm_again(struct net *net, const struct otori_policy *policy,
		     struct netlink_ext_ack *extack)
{
	const struct otori_policy *armed = rtnl_dereference(otori_guard.policy);
	struct net *guarded = rtnl_dereference(otori_guard.net);
	u32 i;

	if (!otori_policy_same(armed, policy)) {
		NL_SET_ERR_MSG(extack,
			       "sealed: decoys, ports and flows are fixed until the module goes");
		return -EPERM;
	}
	if (guarded && !net_eq(guarded, net)) {
		NL_SET_ERR_MSG(extack, "sealed: another network namespace is guarded");
		return -EPERM;
	}
	for (i = 0; i < policy->devices; i++) {
		if (!otori_devices_guarded(net, policy->device[i])) {
			NL_SET_ERR_MSG(extack, "sealed: a device named is not guarded");
			return -EPERM;
		}
	}
	return local_hooks_on(net, extack); /* they went where the guarded namespace has ended */
}

/* All that can fail comes first, and is taken back where the rest fails. */
static int arm(struct net *net, struct otori_policy *policy, struct netlink_ext_ack *extack)
{
	struct admission_table *flows;
	int err;

	if (policy->flows && !otori_kfuncs_there()) {
		NL_SET_ERR_MSG(extack,
			       "flows: this module has no kfuncs (it was built without BTF)");
		return -EOPNOTSUPP;
	}
	flows = otori_admission_prepare(policy->flows);
	if (IS_ERR(flows)) {
		NL_SET_ERR_MSG(extack, "flows: no memory for the admission table");
		return PTR_ERR(flows);
	}
	err = otori_devices_arm(net, policy, extack);
	if (err)
		goto err_flows;
	err = local_hooks_on(net, extack);
	if (err)
		goto err_devices;
	otori_admission_commit(flows);
	policy_publish(policy);
	otori_devices_commit(policy);
	otori_guard.state = OTORI_STATE_armed;
	return 0;

err_devices:
	otori_devices_cancel();
err_flows:
	otori_admission_cancel(flows);
	return err;
}

/**
 * otori_state_arm() - guards by this policy from now on
 * @net: the sender's namespace
 * @policy: finished; adopted where 0 is returned and the guard was not sealed, else freed
 * @extack: says what is wrong
 */
int otori_state_arm(struct net *net, struct otori_policy *policy, struct netlink_ext_ack *extack)
{
	bool sealed = otori_guard.state >= OTORI_STATE_sealed;
	int err;

	ASSERT_RTNL();
	err = sealed ? arm_again(net, policy, extack) : arm(net, policy, extack);
	if (sealed || err)
		kvfree(policy);
	return err;
}

/**
 * otori_state_disarm() - guards nothing any more
 * @extack: says why not
 */
int otori_state_disarm(struct netlink_ext_ack *extack)
{
	ASSERT_RTNL();
	if (otori_guard.state >= OTORI_STATE_sealed) {
		NL_SET_ERR_MSG(extack,
			       "sealed: the guard cannot be lifted while the module is loaded");
		return -EPERM;
	}
	guard_off();
	return 0;
}

/**
 * otori_state_seal() - nobody can disarm any more, nor unload the module but by force
 * @extack: says why not
 */
int otori_state_seal(struct netlink_ext_ack *extack)
{
	ASSERT_RTNL();
	if (otori_guard.state == OTORI_STATE_off) {
		NL_SET_ERR_MSG(extack, "nothing is armed that could be sealed");
		return -ENODATA;
	}
	if (otori_guard.state == OTORI_STATE_armed) {
		__module_get(THIS_MODULE);
		otori_guard.state = OTORI_STATE_sealed;
		pr_notice("sealed: the guard stays as long as this module is loaded\n");
	}
	return 0;
}

/*
 * kernel.modules_disabled, as it is for everybody. The variable is not for modules to see, and the
 * caller's /proc may be anything; so it is read from a mount of our own, as the kernel itself
 * writes its parameters (proc_sysctl.c).
 */
static int modules_disabled_now(void)
{
	struct file_system_type *proc = get_fs_type("proc");
	struct vfsmount *mount;
	struct file *file;
	loff_t at = 0;
	char text = '0';
	int err;

	if (!proc)
		return -ENODEV;
	mount = kern_mount(proc);
	module_put(proc->owner);
	if (IS_ERR(mount))
		return PTR_ERR(mount);
	file = file_open_root_mnt(mount, "sys/kernel/modules_disabled", O_RDONLY, 0);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
	} else {
		err = kernel_read(file, &text, 1, &at);
		filp_close(file, NULL);
	}
	kern_unmount(mount);
	return err < 0 ? err : text == '1';
}

/**
 * otori_state_lock() - sealed, and no module comes or goes until reboot
 * @extack: says what is missing
 *
 * Whoever asks has set kernel.modules_disabled himself: that is nothing to be done behind his back.
 */
int otori_state_lock(struct netlink_ext_ack *extack)
{
	int disabled;

	ASSERT_RTNL();
	if (otori_guard.state < OTORI_STATE_sealed) {
		NL_SET_ERR_MSG(extack, "not sealed: seal first");
		return -EPERM;
	}
	disabled = modules_disabled_now();
	if (disabled <= 0) {
		NL_SET_ERR_MSG(extack, "kernel.modules_disabled is not 1: rmmod -f would do");
		return -EPERM;
	}
	if (otori_guard.state != OTORI_STATE_locked)
		pr_notice("locked: sealed, and no module can be loaded or unloaded until reboot\n");
	otori_guard.state = OTORI_STATE_locked;
	return 0;
}

/* The guarded namespace ends: its devices have gone or moved by now, its IP stack goes. */
static void __net_exit state_net_exit(struct net *net)
{
	rtnl_lock();
	if (net_eq(net, rtnl_dereference(otori_guard.net)))
		local_hooks_off();
	rtnl_unlock();
}

static struct pernet_operations state_net_ops = { .exit = state_net_exit };

/**
 * otori_state_init() - state off
 */
int otori_state_init(void)
{
	return register_pernet_subsys(&state_net_ops);
}

/**
 * otori_state_exit() - whatever was armed is guarded no longer
 */
void otori_state_exit(void)
{
	rtnl_lock();
	guard_off();
	rtnl_unlock();
	unregister_pernet_subsys(&state_net_ops);
}
