// SPDX-License-Identifier: GPL-2.0-only
/*
 * guard.c - the way of a frame: hook, parser, rule, verdict, counter.
 *
 * In:  what leaves by a guarded device (netdev egress: also what bypasses the qdisc), what the IP
 * stack of the guarded namespace sends or routes through. Out: NF_ACCEPT or NF_DROP, counted. The
 * rule is otori/guard_rule.h, which the tc program compiles as well. Runs under RCU, in the context
 * of the sender or of a softirq. May not sleep, and may not change a frame.
 *
 * The hooks run last of all (INT_MAX), so that no other hook changes what has passed. What no
 * egress hook sees: XDP_TX, XDP redirect and AF_XDP; and what tc sends out while it handles a frame
 * that came in (act_mirred, bpf_redirect), which the kernel marks as past netfilter. The latter the
 * tc guard sees.
 */
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>

#include "otori.h"

struct guard_counters {
	u64 packets[OTORI_HOOK_COUNT][OTORI_GUARD_VERDICT_COUNT];
};

static DEFINE_PER_CPU(struct guard_counters, guard_counters);

#define NAME_OF(name, text) #name,

/**
 * otori_hook_name() - as it is said to user space
 * @hook: below OTORI_HOOK_COUNT
 */
const char *otori_hook_name(enum otori_hook hook)
{
	static const char *const names[] = { OTORI_HOOKS(NAME_OF) };

	return names[hook];
}

/**
 * otori_verdict_name() - as it is said to user space
 * @verdict: below OTORI_GUARD_VERDICT_COUNT
 */
const char *otori_verdict_name(enum otori_guard_verdict verdict)
{
	static const char *const names[] = { OTORI_GUARD_VERDICTS(NAME_OF) };

	return names[verdict];
}

/**
 * otori_guard_packets() - frames that had a verdict, since the module was loaded
 * @hook: where
 * @verdict: which
 */
u64 otori_guard_packets(enum otori_hook hook, enum otori_guard_verdict verdict)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(guard_counters, cpu).packets[hook][verdict]);
	return sum;
}

/**
 * otori_guard_dropped() - frames dropped, since the module was loaded
 */
u64 otori_guard_dropped(void)
{
	u64 sum = 0;
	int hook, verdict;

	for (hook = 0; hook < OTORI_HOOK_COUNT; hook++)
		for (verdict = 0; verdict < OTORI_GUARD_VERDICT_COUNT; verdict++)
			if (!otori_guard_passes(verdict))
				sum += otori_guard_packets(hook, verdict);
	return sum;
}

/**
 * otori_guard_judge() - the rule, with what only the policy knows
 * @policy: what is armed
 * @p: as the parser left it
 * @origin: OTORI_ORIGIN_*
 *
 * Return: what the rule says.
 */
enum otori_guard_verdict otori_guard_judge(const struct otori_policy *policy,
					   struct otori_packet *p, u8 origin)
{
	struct otori_guard_frame *f = &p->frame;
	enum otori_guard_verdict verdict;
	bool has_source = f->shape == OTORI_SHAPE_ARP || f->shape == OTORI_SHAPE_IPV4 ||
			  f->shape == OTORI_SHAPE_IPV6;

	f->origin = origin;
	f->source_kind = has_source ? otori_policy_kind(policy, p->source) : 0;
	f->port_is_decoy = f->has_port && test_bit(p->source_port, policy->port);
	f->admitted = 1;
	verdict = otori_guard_rule(f);
	/* Only what would pass costs a lookup. */
	if (verdict == OTORI_GUARD_pass_responder && policy->flows && !otori_admission_answers(p)) {
		f->admitted = 0;
		verdict = otori_guard_rule(f);
	}
	return verdict;
}

static unsigned int guard_conclude(enum otori_hook hook, enum otori_guard_verdict verdict,
				   const struct sk_buff *skb, const struct net_device *dev)
{
	this_cpu_inc(guard_counters.packets[hook][verdict]);
	if (otori_guard_passes(verdict))
		return NF_ACCEPT;
	otori_violation_tell(hook, verdict, skb, dev);
	return NF_DROP;
}

/*
 * The headers as linear bytes: where they lie, or copied. NULL where they can't be had: the frame
 * is then unreadable.
 */
static const u8 *guard_bytes(const struct sk_buff *skb, u8 *buffer, unsigned int *bytes)
{
	*bytes = min_t(unsigned int, skb->len, OTORI_PARSE_BYTES);
	return skb_header_pointer(skb, 0, *bytes, buffer);
}

/**
 * otori_guard_egress() - netdev egress hook of the sensor's devices
 * @priv: unused
 * @skb: from the link header on
 * @state: names the device
 */
unsigned int otori_guard_egress(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct otori_policy *policy = rcu_dereference(otori_guard.policy);
	enum otori_guard_verdict verdict;
	struct otori_packet p = {};
	u8 buffer[OTORI_PARSE_BYTES];
	unsigned int bytes;
	const u8 *at;

	if (!policy)
		return NF_ACCEPT;
	at = guard_bytes(skb, buffer, &bytes);
	if (skb_vlan_tag_present(skb)) {
		p.vlan[0] = skb_vlan_tag_get_id(skb);
		p.tags = 1;
	}
	if (at && state->out->type == ARPHRD_ETHER)
		otori_parse_frame(&p, at, bytes);
	else if (at)
		otori_parse_network(&p, ntohs(skb->protocol), at, bytes, bytes < skb->len);
	verdict = otori_guard_judge(policy, &p,
				    skb->mark == OTORI_TRANSMIT_MARK ? OTORI_ORIGIN_RESPONDER :
								       OTORI_ORIGIN_HOST);
	return guard_conclude(OTORI_HOOK_egress, verdict, skb, state->out);
}

/*
 * The IP stack of the guarded namespace. The mark says nothing here: the transmit sockets don't use
 * it. What stays on the host by loopback does not leave.
 */
static unsigned int guard_local(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct otori_policy *policy = rcu_dereference(otori_guard.policy);
	enum otori_guard_verdict verdict;
	struct otori_packet p = {};
	u8 buffer[OTORI_PARSE_BYTES];
	unsigned int bytes;
	const u8 *at;

	if (!policy || (state->out && state->out->flags & IFF_LOOPBACK))
		return NF_ACCEPT;
	at = guard_bytes(skb, buffer, &bytes);
	if (at)
		otori_parse_network(&p, state->pf == NFPROTO_IPV6 ? ETH_P_IPV6 : ETH_P_IP, at,
				    bytes, bytes < skb->len);
	verdict = otori_guard_judge(policy, &p, OTORI_ORIGIN_HOST);
	return guard_conclude((unsigned long)priv, verdict, skb, state->out);
}

#define LOCAL_HOOK(family, number, name)                                                   \
	{                                                                                  \
		.hook = guard_local, .pf = family, .hooknum = number, .priority = INT_MAX, \
		.priv = (void *)(unsigned long)OTORI_HOOK_##name,                          \
	}

const struct nf_hook_ops otori_local_hooks[] = {
	LOCAL_HOOK(NFPROTO_IPV4, NF_INET_LOCAL_OUT, local_out),
	LOCAL_HOOK(NFPROTO_IPV4, NF_INET_FORWARD, forward),
	LOCAL_HOOK(NFPROTO_IPV4, NF_INET_POST_ROUTING, post_routing),
	LOCAL_HOOK(NFPROTO_IPV6, NF_INET_LOCAL_OUT, local_out),
	LOCAL_HOOK(NFPROTO_IPV6, NF_INET_FORWARD, forward),
	LOCAL_HOOK(NFPROTO_IPV6, NF_INET_POST_ROUTING, post_routing),
};

const unsigned int otori_local_hook_count = ARRAY_SIZE(otori_local_hooks);
