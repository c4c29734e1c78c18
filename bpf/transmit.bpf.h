/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * transmit.bpf.h - the one door by which XDP sends.
 *
 * In:  a frame that is ready to leave. Out: may it. Every XDP_TX of otori.bpf.c comes through here, since XDP_TX goes
 * past tc and netfilter alike: the frame is read anew and judged by the guard rule. May not change it.
 */
#ifndef OTORI_TRANSMIT_BPF_H
#define OTORI_TRANSMIT_BPF_H

#include "guard_parse.bpf.h"
#include "packet.bpf.h"

/* RESULT_ANSWERED, or refused by the guard. Of p only the address is used that the packet came to, and what was found
 * for it. */
static __always_inline __u32 transmit(struct xdp_md *ctx, const struct packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct aligned_prefix source = {};
	struct guard_packet g = {};
	enum otori_guard_verdict verdict;

	guard_parse(&g, &source.prefix, data, end, &p->destination, p->decoy, p->destination_port_be, p->port_index);
	g.frame.origin = OTORI_ORIGIN_XDP;
	verdict = otori_guard_rule(&g.frame);
	guard_count(verdict);
	return otori_guard_passes(verdict) ? RESULT_ANSWERED : REFUSED(guard);
}

#endif
