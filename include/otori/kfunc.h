/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * kfunc.h - the functions of the kernel module that an XDP program may call, and the flow that it names by them.
 *
 * In:  nothing. Out: struct otori_flow, prototypes. Included by kmod/admission_bpf.c, which has the functions, and by
 * bpf/, which calls them where the constant kernel_admission was set before load: in 6.1 the address of a weak function
 * can't be asked whether it is there.
 */
#ifndef OTORI_KFUNC_H
#define OTORI_KFUNC_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/*
 * A flow by its ends, as its segments come in. All of it is hashed, so all bytes must be written: IPv4 in mapped form,
 * VLAN ids of 12 bits (0 = untagged), reserved 0.
 */
struct otori_flow {
	__u32 stranger[4];
	__u32 decoy[4];
	__u16 stranger_port_be;
	__u16 decoy_port_be;
	__u16 vlan[2];
};

/* What otori_flow_enter returns. */
#define OTORI_FLOW_ENTERED 0
#define OTORI_FLOW_FULL 1 /* no slot may be given away, or no table was armed */

/* Flags of otori_flow_touch: what the stranger's segment said. */
#define OTORI_FLOW_THEIR_FIN 1
#define OTORI_FLOW_THEIR_RST 2

#if defined(__KERNEL__)
#define OTORI_KFUNC extern
#elif defined(__bpf__)
#define OTORI_KFUNC extern __attribute__((weak)) __attribute__((section(".ksyms")))
#endif

#ifdef OTORI_KFUNC
/* The handshake is done: from now on the guard lets the flow's answers out. idle_seconds: a live flow that was not seen
 * for longer may lose its slot. */
OTORI_KFUNC int otori_flow_enter(const struct otori_flow *flow, __u32 idle_seconds, __u32 flags);
/* A segment of the flow came. To be called when the second changes, or a flag is set. */
OTORI_KFUNC int otori_flow_touch(const struct otori_flow *flow, __u32 flags);
#endif

_Static_assert(sizeof(struct otori_flow) == 40, "no padding: all bytes are hashed");

#endif
