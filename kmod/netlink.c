// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink.c - the generic netlink family "otori": commands in, answers out (include/otori/netlink.h
 * draws the tree).
 *
 * In:  messages of whoever has CAP_NET_ADMIN in the initial user namespace. Out: calls of state.c
 * with checked values; answers. Every refusal says in its extended ACK what was wrong, and leaves
 * everything as it was.
 */
#include <linux/rtnetlink.h>
#include <linux/string.h>
#include <net/genetlink.h>

#include "otori.h"

static const struct nla_policy decoy_policy[OTORI_A_DECOY_END] = {
	[OTORI_A_DECOY_ADDRESS] = { .type = NLA_BINARY, .len = 16 },
	[OTORI_A_DECOY_BITS] = NLA_POLICY_MAX(NLA_U8, 128),
	[OTORI_A_DECOY_KIND] = NLA_POLICY_RANGE(NLA_U8, OTORI_DECOY_UNUSED, OTORI_DECOY_OWN),
};

static const struct nla_policy arm_policy[OTORI_A_FLOWS + 1] = {
	[OTORI_A_DECOY] = NLA_POLICY_NESTED(decoy_policy),
	[OTORI_A_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[OTORI_A_DEVICE] = { .type = NLA_NUL_STRING, .len = IFNAMSIZ - 1 },
	[OTORI_A_EVERY_DEVICE] = { .type = NLA_FLAG },
	[OTORI_A_FLOWS] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* A sender that speaks a newer language may mean what we don't know. */
static int version_known(const struct genlmsghdr *header, struct netlink_ext_ack *extack)
{
	if (header->version <= OTORI_NETLINK_VERSION)
		return 0;
	NL_SET_ERR_MSG(extack, "the message is of a newer version than this module knows");
	return -EPROTONOSUPPORT;
}

static int version_check(const struct genl_info *info)
{
	return version_known(info->genlhdr, info->extack);
}

static int take_decoy(struct otori_policy *policy, struct nlattr *attr,
		      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[OTORI_A_DECOY_END];
	const struct nlattr *address;
	u32 bytes, bits;
	int err;

	err = nla_parse_nested(tb, OTORI_A_DECOY_END - 1, attr, decoy_policy, extack);
	if (err)
		return err;
	address = tb[OTORI_A_DECOY_ADDRESS];
	if (!address || !tb[OTORI_A_DECOY_BITS] || !tb[OTORI_A_DECOY_KIND]) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "a decoy needs an address, bits and a kind");
		return -EINVAL;
	}
	bytes = nla_len(address);
	if (bytes != 4 && bytes != 16) {
		NL_SET_ERR_MSG_ATTR(extack, address, "an address has 4 bytes or 16");
		return -EINVAL;
	}
	bits = nla_get_u8(tb[OTORI_A_DECOY_BITS]);
	if (bits > bytes * 8) {
		NL_SET_ERR_MSG_ATTR(extack, tb[OTORI_A_DECOY_BITS],
				    "the prefix is longer than its address");
		return -EINVAL;
	}
	err = otori_policy_add_prefix(policy, nla_data(address), bytes, bits,
				      nla_get_u8(tb[OTORI_A_DECOY_KIND]));
	if (err)
		NL_SET_ERR_MSG_ATTR(extack, address, "the address has bits set behind its prefix");
	return err;
}

static int take_port(struct otori_policy *policy, struct nlattr *attr,
		     struct netlink_ext_ack *extack)
{
	if (policy->ports == OTORI_MAX_PORTS - 1) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "too many ports");
		return -E2BIG;
	}
	if (__test_and_set_bit(nla_get_u16(attr), policy->port)) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "a port is named twice");
		return -EEXIST;
	}
	policy->ports++;
	return 0;
}

static int take_device(struct otori_policy *policy, struct nlattr *attr,
		       struct netlink_ext_ack *extack)
{
	u32 i;

	if (policy->devices == OTORI_MAX_DEVICES) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "too many devices");
		return -E2BIG;
	}
	for (i = 0; i < policy->devices; i++) {
		if (!strcmp(policy->device[i], nla_data(attr))) {
			NL_SET_ERR_MSG_ATTR(extack, attr, "a device is named twice");
			return -EEXIST;
		}
	}
	nla_strscpy(policy->device[policy->devices++], attr, IFNAMSIZ);
	return 0;
}

static int take_attribute(struct otori_policy *policy, struct nlattr *attr,
			  struct netlink_ext_ack *extack)
{
	switch (nla_type(attr)) {
	case OTORI_A_DECOY:
		return take_decoy(policy, attr, extack);
	case OTORI_A_PORT:
		return take_port(policy, attr, extack);
	case OTORI_A_DEVICE:
		return take_device(policy, attr, extack);
	case OTORI_A_EVERY_DEVICE:
		policy->every_device = true;
		return 0;
	case OTORI_A_FLOWS:
		policy->flows = nla_get_u32(attr);
		return 0;
	}
	NL_SET_ERR_MSG_ATTR(extack, attr, "this attribute is no part of the command");
	return -EINVAL;
}

static int check_whole(const struct otori_policy *policy, struct netlink_ext_ack *extack)
{
	if (!policy->ports) {
		NL_SET_ERR_MSG(extack, "no decoy port is named");
		return -EINVAL;
	}
	if (!policy->devices == !policy->every_device) {
		NL_SET_ERR_MSG(extack, "either name devices, or say every device");
		return -EINVAL;
	}
	if (policy->flows > OTORI_MAX_FLOWS) {
		NL_SET_ERR_MSG(extack, "flows: more than a table can hold");
		return -E2BIG;
	}
	return 0;
}

/* The policy, or an error pointer. Of what is repeated nla_parse keeps only the last. */
static struct otori_policy *policy_read(struct genl_info *info)
{
	struct netlink_ext_ack *extack = info->extack;
	struct otori_policy *policy;
	struct nlattr *attr;
	u32 prefixes = 0;
	int rest, err = 0;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rest)
		prefixes += nla_type(attr) == OTORI_A_DECOY;
	if (!prefixes) {
		NL_SET_ERR_MSG(extack, "no decoy is named");
		return ERR_PTR(-EINVAL);
	}
	if (prefixes > OTORI_MAX_PREFIXES) {
		NL_SET_ERR_MSG(extack, "too many decoy prefixes");
		return ERR_PTR(-E2BIG);
	}
	policy = otori_policy_alloc(prefixes);
	if (!policy)
		return ERR_PTR(-ENOMEM);
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rest) {
		err = take_attribute(policy, attr, extack);
		if (err)
			goto err_free;
	}
	err = check_whole(policy, extack);
	if (err)
		goto err_free;
	err = otori_policy_finish(policy);
	if (err) {
		NL_SET_ERR_MSG(extack, "a decoy prefix is named twice");
		goto err_free;
	}
	return policy;

err_free:
	kvfree(policy);
	return ERR_PTR(err);
}

static int arm_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct otori_policy *policy;
	int err = version_check(info);

	if (err)
		return err;
	policy = policy_read(info);
	if (IS_ERR(policy))
		return PTR_ERR(policy);
	rtnl_lock();
	err = otori_state_arm(genl_info_net(info), policy, info->extack);
	rtnl_unlock();
	return err;
}

static int state_do(struct genl_info *info, int (*change)(struct netlink_ext_ack *extack))
{
	int err = version_check(info);

	if (err)
		return err;
	rtnl_lock();
	err = change(info->extack);
	rtnl_unlock();
	return err;
}

static int disarm_doit(struct sk_buff *skb, struct genl_info *info)
{
	return state_do(info, otori_state_disarm);
}

static int seal_doit(struct sk_buff *skb, struct genl_info *info)
{
	return state_do(info, otori_state_seal);
}

static int lock_doit(struct sk_buff *skb, struct genl_info *info)
{
	return state_do(info, otori_state_lock);
}

static int put_device_status(struct sk_buff *message, const struct otori_device_hook *hook)
{
	struct nlattr *nest = nla_nest_start(message, OTORI_A_DEVICE_STATUS);

	if (!nest || nla_put_string(message, OTORI_A_DEVICE_NAME, hook->name) ||
	    nla_put_u32(message, OTORI_A_DEVICE_INDEX, hook->dev ? hook->dev->ifindex : 0) ||
	    (hook->dev && net_eq(dev_net(hook->dev), rtnl_dereference(otori_guard.net)) &&
	     nla_put_flag(message, OTORI_A_DEVICE_NAMESPACE)))
		return -EMSGSIZE;
	nla_nest_end(message, nest);
	return 0;
}

static int put_status(struct sk_buff *message, struct net *net)
{
	const struct otori_policy *policy = rtnl_dereference(otori_guard.policy);
	const struct otori_device_hook *hook;
	u32 slots = otori_admission_slots();

	if (nla_put_u32(message, OTORI_A_VERSION, OTORI_NETLINK_VERSION) ||
	    nla_put_u8(message, OTORI_A_STATE, otori_guard.state) ||
	    (otori_kfuncs_there() && nla_put_flag(message, OTORI_A_KFUNC)) ||
	    (slots && nla_put_u32(message, OTORI_A_FLOWS, slots)) ||
	    nla_put_u32(message, OTORI_A_DECOYS, policy ? policy->prefixes : 0) ||
	    nla_put_u32(message, OTORI_A_PORTS, policy ? policy->ports : 0) ||
	    (policy && policy->every_device && nla_put_flag(message, OTORI_A_EVERY_DEVICE)) ||
	    (net_eq(net, rtnl_dereference(otori_guard.net)) &&
	     nla_put_flag(message, OTORI_A_NAMESPACE)) ||
	    nla_put_u64_64bit(message, OTORI_A_DROPPED, otori_guard_dropped(), OTORI_A_PAD))
		return -EMSGSIZE;
	list_for_each_entry(hook, otori_devices_list(), list)
		if (put_device_status(message, hook))
			return -EMSGSIZE;
	return 0;
}

/* All but the devices is far below the default. */
static size_t status_bytes(void)
{
	size_t device = nla_total_size(IFNAMSIZ) + nla_total_size(sizeof(u32)) + nla_total_size(0);

	return GENLMSG_DEFAULT_SIZE + otori_devices_count() * nla_total_size(device);
}

static int status_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *message;
	void *header;
	int err = version_check(info);

	if (err)
		return err;
	rtnl_lock();
	message = genlmsg_new(status_bytes(), GFP_KERNEL);
	header = message ? genlmsg_put_reply(message, info, &otori_family, 0, OTORI_CMD_STATUS) :
			   NULL;
	err = header ? put_status(message, genl_info_net(info)) : -ENOMEM;
	rtnl_unlock();
	if (err) {
		nlmsg_free(message);
		return err;
	}
	genlmsg_end(message, header);
	return genlmsg_reply(message, info);
}

static int put_counter(struct sk_buff *message, struct netlink_callback *cb, int hook, int verdict)
{
	void *header = genlmsg_put(message, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				   &otori_family, NLM_F_MULTI, OTORI_CMD_COUNTERS);

	if (!header)
		return -EMSGSIZE;
	if (nla_put_u8(message, OTORI_A_HOOK, hook) ||
	    nla_put_string(message, OTORI_A_HOOK_NAME, otori_hook_name(hook)) ||
	    nla_put_u8(message, OTORI_A_VERDICT, verdict) ||
	    nla_put_string(message, OTORI_A_VERDICT_NAME, otori_verdict_name(verdict)) ||
	    nla_put_u64_64bit(message, OTORI_A_PACKETS, otori_guard_packets(hook, verdict),
			      OTORI_A_PAD)) {
		genlmsg_cancel(message, header);
		return -EMSGSIZE;
	}
	genlmsg_end(message, header);
	return 0;
}

/* 6.1 hands dumps of families with parallel_ops no extended ACK: there the number has to do. */
static int counters_start(struct netlink_callback *cb)
{
	return version_known(nlmsg_data(cb->nlh), cb->extack);
}

/* cb->args[0]: number of the next counter. */
static int counters_dumpit(struct sk_buff *message, struct netlink_callback *cb)
{
	for (; cb->args[0] < OTORI_HOOK_COUNT * OTORI_GUARD_VERDICT_COUNT; cb->args[0]++)
		if (put_counter(message, cb, cb->args[0] / OTORI_GUARD_VERDICT_COUNT,
				cb->args[0] % OTORI_GUARD_VERDICT_COUNT))
			break;
	return message->len;
}

static const struct genl_ops otori_ops[] = {
	{
		.cmd = OTORI_CMD_ARM,
		.flags = GENL_ADMIN_PERM,
		.doit = arm_doit,
		.policy = arm_policy,
		.maxattr = ARRAY_SIZE(arm_policy) - 1,
	},
	{ .cmd = OTORI_CMD_DISARM, .flags = GENL_ADMIN_PERM, .doit = disarm_doit },
	{ .cmd = OTORI_CMD_SEAL, .flags = GENL_ADMIN_PERM, .doit = seal_doit },
	{ .cmd = OTORI_CMD_LOCK, .flags = GENL_ADMIN_PERM, .doit = lock_doit },
	{ .cmd = OTORI_CMD_STATUS, .flags = GENL_ADMIN_PERM, .doit = status_doit },
	{
		.cmd = OTORI_CMD_COUNTERS,
		.flags = GENL_ADMIN_PERM,
		.start = counters_start,
		.dumpit = counters_dumpit,
	},
};

static const struct genl_multicast_group otori_groups[] = {
	/* Heads of frames are not for everybody. */
	{ .name = OTORI_NETLINK_GROUP, .flags = GENL_MCAST_CAP_NET_ADMIN },
};

struct genl_family otori_family __ro_after_init = {
	.name = OTORI_NETLINK_FAMILY,
	.version = OTORI_NETLINK_VERSION,
	.netnsok = true,
	.parallel_ops = true, /* RTNL is the lock */
	.module = THIS_MODULE,
	.ops = otori_ops,
	.n_ops = ARRAY_SIZE(otori_ops),
	.mcgrps = otori_groups,
	.n_mcgrps = ARRAY_SIZE(otori_groups),
};

/**
 * otori_netlink_init() - from now on commands come
 */
int __init otori_netlink_init(void)
{
	return genl_register_family(&otori_family);
}

/**
 * otori_netlink_exit() - no command comes any more, and none is running
 */
void otori_netlink_exit(void)
{
	genl_unregister_family(&otori_family);
}
