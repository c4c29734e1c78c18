/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pass.bpf.c - an XDP program that passes all: what a veth's end must have to be woken by the other end's XDP_TX.
 * In: frames. Out: XDP_PASS. Attached by mails to the clients' end, where no other program is.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *context)
{
	(void)context;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
