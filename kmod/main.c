// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - the module otori: nothing leaves a decoy but answers, and nobody can lift that once it
 * is sealed.
 *
 * In:  insmod. Out: the generic netlink family "otori", with nothing armed yet. A ladder of x_init,
 * and of x_exit down again. The family is the last that can fail, since with it the first command
 * may come; it is the first to go. Then state.c takes the hooks away, before devices.c stops to
 * listen. The kfuncs go with the module's BTF. No RCU callback is code of ours (all is freed by
 * kvfree_rcu()), so none has to be waited for.
 */
#include <linux/module.h>
#include <net/genetlink.h>

#include "otori.h"

static int __init otori_init(void)
{
	int err;

	err = otori_selftest();
	if (err)
		return err;
	err = otori_state_init();
	if (err)
		return err;
	err = otori_devices_init();
	if (err)
		goto err_state;
	err = otori_netlink_init();
	if (err)
		goto err_devices;
	if (otori_kfuncs_register())
		pr_info("loaded, with kfuncs for the XDP program\n");
	else
		pr_info("loaded, without kfuncs (built without BTF): the guard keeps the stateless rule\n");
	return 0;

err_devices:
	otori_devices_exit();
err_state:
	otori_state_exit();
	return err;
}

static void __exit otori_exit(void)
{
	otori_netlink_exit();
	otori_state_exit();
	otori_devices_exit();
	synchronize_net(); /* who is still inside a hook */
	pr_info("unloaded\n");
}

module_init(otori_init);
module_exit(otori_exit);

MODULE_DESCRIPTION("otori: a sealed guard for decoy proxies that never relay");
MODULE_AUTHOR("The otori developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(OTORI_MODULE_VERSION);
MODULE_ALIAS_GENL_FAMILY("otori");
