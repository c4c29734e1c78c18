// SPDX-License-Identifier: GPL-2.0-only
/*
 * violation.c - tells whoever listens that a frame was dropped, and how it began.
 *
 * In:  a dropped frame. Out: OTORI_CMD_VIOLATION to the group "violation" of the guarded namespace,
 * at most OTORI_VIOLATIONS_PER_SECOND. Called by guard.c, under RCU, in whatever context a
 * frame is sent. May not sleep and may not change the verdict: where no memory is, nothing is told.
 */
#include <linux/atomic.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/timekeeping.h>
#include <net/genetlink.h>

#include "otori.h"

/* Without the line in the kernel's log that a rate limit writes when it ends. */
static struct ratelimit_state violation_limit = {
	.lock = __RAW_SPIN_LOCK_UNLOCKED(violation_limit.lock),
	.interval = HZ,
	.burst = OTORI_VIOLATIONS_PER_SECOND,
	.flags = RATELIMIT_MSG_ON_RELEASE,
};

static atomic64_t violation_untold;

static int put_frame(struct sk_buff *message, const struct sk_buff *skb)
{
	u32 bytes = min_t(u32, skb->len, OTORI_VIOLATION_BYTES);
	struct nlattr *attr = nla_reserve(message, OTORI_A_FRAME, bytes);

	if (!attr)
		return -EMSGSIZE;
	return skb_copy_bits(skb, 0, nla_data(attr), bytes);
}

/* The sender, where the frame is on its way out of a system call. */
static int put_process(struct sk_buff *message)
{
	char name[TASK_COMM_LEN];

	if (in_serving_softirq() || in_hardirq() || current->flags & PF_KTHREAD)
		return 0;
	get_task_comm(name, current);
	return nla_put_u32(message, OTORI_A_PROCESS, task_tgid_nr(current)) ||
	       nla_put_string(message, OTORI_A_COMMAND, name);
}

static int put_violation(struct sk_buff *message, enum otori_hook hook,
			 enum otori_guard_verdict verdict, const struct sk_buff *skb,
			 const struct net_device *dev, u64 untold)
{
	return nla_put_u8(message, OTORI_A_HOOK, hook) ||
	       nla_put_string(message, OTORI_A_HOOK_NAME, otori_hook_name(hook)) ||
	       nla_put_u8(message, OTORI_A_VERDICT, verdict) ||
	       nla_put_string(message, OTORI_A_VERDICT_NAME, otori_verdict_name(verdict)) ||
	       nla_put_u64_64bit(message, OTORI_A_TIME, ktime_get_real_ns(), OTORI_A_PAD) ||
	       (dev && nla_put_string(message, OTORI_A_DEVICE_NAME, dev->name)) ||
	       (dev && nla_put_u32(message, OTORI_A_DEVICE_INDEX, dev->ifindex)) ||
	       nla_put_u32(message, OTORI_A_MARK, skb->mark) ||
	       nla_put_u32(message, OTORI_A_LENGTH, skb->len) || put_frame(message, skb) ||
	       put_process(message) ||
	       nla_put_u64_64bit(message, OTORI_A_UNTOLD, untold, OTORI_A_PAD);
}

/**
 * otori_violation_tell() - tells of a dropped frame
 * @hook: where it was
 * @verdict: why
 * @skb: the frame, which is still whole
 * @dev: by which it was to leave, or NULL
 */
void otori_violation_tell(enum otori_hook hook, enum otori_guard_verdict verdict,
			  const struct sk_buff *skb, const struct net_device *dev)
{
	struct net *net = rcu_dereference(otori_guard.net);
	struct sk_buff *message;
	void *header;
	u64 untold;

	if (!net || !genl_has_listeners(&otori_family, net, 0) || !__ratelimit(&violation_limit))
		goto untold;
	message = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!message)
		goto untold;
	untold = atomic64_xchg(&violation_untold, 0);
	header = genlmsg_put(message, 0, 0, &otori_family, 0, OTORI_CMD_VIOLATION);
	if (!header || put_violation(message, hook, verdict, skb, dev, untold)) {
		nlmsg_free(message);
		atomic64_add(untold, &violation_untold);
		goto untold;
	}
	genlmsg_end(message, header);
	genlmsg_multicast_netns(&otori_family, net, message, 0, 0, GFP_ATOMIC);
	return;
untold:
	atomic64_inc(&violation_untold);
}
