// SPDX-License-Identifier: GPL-2.0-only
/*
 * admission_bpf.c - the kfuncs by which an XDP program enters and touches flows.
 *
 * In:  calls of XDP programs, which the verifier has checked. Out: admission.c's table. Whoever may
 * load an XDP program (CAP_BPF and CAP_NET_ADMIN) can enter a flow; nobody else. May not hold logic
 * of its own.
 *
 * The verifier finds the functions by the module's BTF, which scripts/module-btf adds to a build.
 * Where it could not, for want of the kernel's BTF, there are no kfuncs, and the guard keeps the
 * stateless rule.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>

#include "otori.h"
#include "admission.h"

#ifndef __bpf_kfunc
#define __bpf_kfunc __used noinline
#endif
/* From 6.9 on a set of kfuncs is marked as such. */
#ifndef BTF_KFUNCS_START
#define BTF_KFUNCS_START(name) BTF_SET8_START(name)
#define BTF_KFUNCS_END(name) BTF_SET8_END(name)
#endif

/**
 * otori_flow_enter() - a flow's handshake is done: its answers may leave
 * @flow: its ends
 * @idle_seconds: live flows not seen for longer may lose their slot
 * @flags: OTORI_FLOW_THEIR_FIN or 0
 *
 * Return: OTORI_FLOW_ENTERED or OTORI_FLOW_FULL.
 */
__bpf_kfunc int otori_flow_enter(const struct otori_flow *flow, u32 idle_seconds, u32 flags)
{
	return otori_admission_enter(flow, idle_seconds, flags);
}

/**
 * otori_flow_touch() - a segment of the flow came
 * @flow: its ends
 * @flags: OTORI_FLOW_THEIR_*
 *
 * Return: 0, or -ENOENT where there is no such flow.
 */
__bpf_kfunc int otori_flow_touch(const struct otori_flow *flow, u32 flags)
{
	return otori_admission_touch(flow, flags);
}

BTF_KFUNCS_START(flow_kfuncs)
BTF_ID_FLAGS(func, otori_flow_enter)
BTF_ID_FLAGS(func, otori_flow_touch)
BTF_KFUNCS_END(flow_kfuncs)

static const struct btf_kfunc_id_set flow_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &flow_kfuncs,
};

static bool registered;

/**
 * otori_kfuncs_register() - makes the kfuncs known to the verifier
 *
 * Return: whether there are any. They go with the module's BTF.
 */
bool otori_kfuncs_register(void)
{
#ifdef CONFIG_DEBUG_INFO_BTF_MODULES
	/* Without BTF, or with empty ids, registering would "succeed" with nothing. */
	registered = THIS_MODULE->btf_data_size && flow_kfuncs.cnt &&
		     !register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP, &flow_kfunc_set);
#endif
	return registered;
}

/**
 * otori_kfuncs_there() - can an XDP program enter flows?
 */
bool otori_kfuncs_there(void)
{
	return registered;
}
