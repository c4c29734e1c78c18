// SPDX-License-Identifier: GPL-2.0-only
/*
 * selftest.c - the module's own test, in builds with OTORI_SELFTEST: it runs before anything is
 * registered.
 *
 * In:  the table of cases that the tc program is tested by, too. Out: -EINVAL and a line for each
 * case that fails, by which loading fails. Touches nothing but the admission table, which nobody
 * uses yet.
 */
#include <linux/mm.h>
#include <linux/rtnetlink.h>
#include <linux/string.h>

#include "otori.h"
#include "admission.h"
#include "guard_cases.h"

struct rule_case {
	const char *name;
	bool marked, admitted;
	enum otori_guard_verdict verdict;
	const char *frame;
	size_t bytes;
};

#define CASE(name, marked, admitted, verdict, frame) \
	{ name, marked, admitted, OTORI_GUARD_##verdict, frame, sizeof(frame) - 1 },

static const struct rule_case rule_cases[] = { GUARD_CASES(CASE) };

static const struct {
	const char *address;
	u8 bytes, bits, kind;
} decoys[] = {
	{ "\xc6\x33\x64\x00", 4, 24, OTORI_DECOY_UNUSED },
	{ "\xc0\x00\x02\x01", 4, 32, OTORI_DECOY_OWN },
	{ "\x20\x01\x0d\xb8\x00\x0d\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 16, 48,
	  OTORI_DECOY_UNUSED },
	{ "\x20\x01\x0d\xb8\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", 16, 128,
	  OTORI_DECOY_OWN },
	/* nested: all but these are no decoys of the cases, so they only try the search */
	{ "\xc6\x33\x00\x00", 4, 18, OTORI_DECOY_OWN },
	{ "\xc6\x33\x64\x80", 4, 25, OTORI_DECOY_UNUSED },
	{ "\xc6\x33\x65\x00", 4, 24, OTORI_DECOY_OWN },
};

static struct otori_policy *test_policy(void)
{
	static const u16 ports[] = { 1080, 3128, 8080, 25 };
	struct otori_policy *policy = otori_policy_alloc(ARRAY_SIZE(decoys));
	int err = 0;
	u32 i;

	if (!policy)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(decoys); i++)
		err |= otori_policy_add_prefix(policy, decoys[i].address, decoys[i].bytes,
					       decoys[i].bits, decoys[i].kind);
	for (i = 0; i < ARRAY_SIZE(ports); i++)
		__set_bit(ports[i], policy->port);
	policy->flows = 64;
	if (!err && !otori_policy_finish(policy))
		return policy;
	kvfree(policy);
	return NULL;
}

static struct otori_flow flow_of(const struct otori_packet *p)
{
	struct otori_flow flow = {
		.stranger_port_be = (__force u16)htons(p->destination_port),
		.decoy_port_be = (__force u16)htons(p->source_port),
		.vlan = { p->vlan[0], p->vlan[1] },
	};

	memcpy(flow.stranger, p->destination, 16);
	memcpy(flow.decoy, p->source, 16);
	return flow;
}

static int table_open(u32 flows)
{
	struct admission_table *table = otori_admission_prepare(flows);

	if (IS_ERR(table))
		return PTR_ERR(table);
	otori_admission_commit(table);
	return 0;
}

static int test_rule(const struct otori_policy *policy, const struct rule_case *c)
{
	enum otori_guard_verdict verdict;
	struct otori_packet p = {};
	struct otori_flow flow;
	int err = table_open(policy->flows);

	if (err)
		return err;
	otori_parse_frame(&p, c->frame, c->bytes);
	flow = flow_of(&p);
	rcu_read_lock();
	if (c->admitted)
		otori_admission_enter(&flow, 60, 0);
	verdict = otori_guard_judge(policy, &p,
				    c->marked ? OTORI_ORIGIN_RESPONDER : OTORI_ORIGIN_HOST);
	rcu_read_unlock();
	otori_admission_commit(NULL);
	if (verdict == c->verdict)
		return 0;
	pr_err("self test: %s: %s, expected %s\n", c->name, otori_verdict_name(verdict),
	       otori_verdict_name(c->verdict));
	return -EINVAL;
}

#define EXPECT(condition)                                                         \
	do {                                                                      \
		if (!(condition)) {                                               \
			pr_err("self test: admission: not so: %s\n", #condition); \
			err = -EINVAL;                                            \
		}                                                                 \
	} while (0)

/* A small table is filled until it is full; FINs and RSTs close. */
static int test_admission(void)
{
	struct otori_flow flow = { .decoy = { 0, 0, (__force u32)htonl(0xffff), 1 },
				   .vlan = { 7, 0 } };
	struct otori_packet p = { .source_port = 0,
				  .frame.tcp_flags = OTORI_GUARD_ACK,
				  .vlan = { 7, 0 } };
	u32 slots, entered = 0, i;
	int err = 0;

	rcu_read_lock();
	EXPECT(otori_admission_enter(&flow, 60, 0) == OTORI_FLOW_FULL); /* no table */
	EXPECT(otori_admission_touch(&flow, 0) == -ENOENT);
	EXPECT(!otori_admission_answers(&p));
	rcu_read_unlock();
	if (table_open(4))
		return -ENOMEM;
	slots = otori_admission_slots();
	rcu_read_lock();
	EXPECT(slots == 8);
	memcpy(p.source, flow.decoy, 16);
	EXPECT(!otori_admission_answers(&p));
	for (i = 1; i <= slots; i++) {
		flow.stranger_port_be = (__force u16)htons(i);
		entered += otori_admission_enter(&flow, 60, 0) == OTORI_FLOW_ENTERED;
	}
	EXPECT(entered == slots); /* one bucket: all slots can be filled */
	flow.stranger_port_be = (__force u16)htons(i);
	EXPECT(otori_admission_enter(&flow, 60, 0) == OTORI_FLOW_FULL);
	EXPECT(otori_admission_touch(&flow, 0) == -ENOENT);
	p.destination_port = i;
	EXPECT(!otori_admission_answers(&p));
	p.destination_port = 3;
	EXPECT(otori_admission_answers(&p));
	p.vlan[0] = 8;
	EXPECT(!otori_admission_answers(&p)); /* another network's flow */
	p.vlan[0] = 7;
	p.frame.tcp_flags = OTORI_GUARD_RST;
	EXPECT(otori_admission_answers(&p)); /* our RST leaves, and makes room */
	EXPECT(otori_admission_enter(&flow, 60, 0) == OTORI_FLOW_ENTERED);
	EXPECT(!otori_admission_answers(&p));
	flow.stranger_port_be = (__force u16)htons(4);
	EXPECT(!otori_admission_touch(&flow, OTORI_FLOW_THEIR_FIN));
	p.destination_port = 4;
	p.frame.tcp_flags = OTORI_GUARD_FIN | OTORI_GUARD_ACK;
	EXPECT(otori_admission_answers(&p)); /* FIN after FIN: its last frames still pass */
	EXPECT(otori_admission_answers(&p));
	flow.stranger_port_be = (__force u16)htons(100);
	EXPECT(otori_admission_enter(&flow, 60, 0) == OTORI_FLOW_ENTERED);
	EXPECT(!otori_admission_answers(&p));
	flow.stranger_port_be = (__force u16)htons(5);
	EXPECT(!otori_admission_touch(&flow, OTORI_FLOW_THEIR_RST));
	flow.stranger_port_be = (__force u16)htons(101);
	EXPECT(otori_admission_enter(&flow, 60, 0) == OTORI_FLOW_ENTERED);
	/* the same again takes its own slot */
	EXPECT(otori_admission_enter(&flow, 60, 0) == OTORI_FLOW_ENTERED);
	flow.stranger_port_be = (__force u16)htons(6);
	EXPECT(!otori_admission_touch(&flow, 0));
	rcu_read_unlock();
	otori_admission_commit(NULL);
	return err;
}

/**
 * otori_selftest() - runs all cases
 *
 * Return: 0, or a negative errno where one failed.
 */
int otori_selftest(void)
{
	struct otori_policy *policy = test_policy();
	int err = 0;
	u32 i;

	if (!policy)
		return -ENOMEM;
	rtnl_lock();
	for (i = 0; i < ARRAY_SIZE(rule_cases); i++)
		err = test_rule(policy, &rule_cases[i]) ?: err;
	err = test_admission() ?: err;
	rtnl_unlock();
	kvfree(policy);
	if (!err)
		pr_info("self test: %zu rule cases passed, and admission\n",
			ARRAY_SIZE(rule_cases));
	return err;
}
