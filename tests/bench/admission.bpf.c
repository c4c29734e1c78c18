/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * admission.bpf.c - entering and finding flows, by the map and by the module's kfuncs, one flow a call.
 *
 * In:  calls by BPF test run, in a guest whose kernel module is armed for a million flows. Out: nothing but time, and
 * how many were entered. Loaded by kmod_figures.c. The flows are numbered; each call takes the next, spread over the
 * table by its hash.
 */
#include "admit.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define FLOWS (1u << 20)

__u32 next_flow, entered;

/* The next flow of the million; addresses as XDP has them. */
static __always_inline void flow_take(struct packet *p)
{
	__u32 n = next_flow++ & (FLOWS - 1);

	prefix_ipv4(&p->source, bpf_htonl(0x0a000000 | n));
	prefix_ipv4(&p->destination, bpf_htonl(0xc6120005));
	p->source_port_be = bpf_htons(40000);
	p->destination_port_be = bpf_htons(8080);
	p->second = 1000;
}

static __always_inline void flow_name(struct packet *p)
{
	const __u64 key[2] = { 0x1122334455667788, 0x99aabbccddeeff00 };

	p->flow.hash = otori_flow_hash(key, (const __u32 *)p->source.address, (const __u32 *)p->destination.address,
				       p->source_port_be, p->destination_port_be, 0, 0, 0);
}

SEC("xdp")
int bench_nothing(struct xdp_md *ctx __attribute__((unused)))
{
	struct packet p = {};

	flow_take(&p);
	if (!p.source_port_be)
		entered++;
	return XDP_DROP;
}

SEC("xdp")
int bench_map_enter(struct xdp_md *ctx __attribute__((unused)))
{
	struct packet p = {};

	flow_take(&p);
	flow_name(&p);
	if (admission_enter(&p, 60) != NO_SLOT)
		entered++;
	return XDP_DROP;
}

SEC("xdp")
int bench_kernel_enter(struct xdp_md *ctx __attribute__((unused)))
{
	struct packet p = {};

	flow_take(&p);
	if (kernel_enter(&p, 60))
		entered++;
	return XDP_DROP;
}

SEC("xdp")
int bench_map_find(struct xdp_md *ctx __attribute__((unused)))
{
	struct packet p = {};

	flow_take(&p);
	flow_name(&p);
	if (admission_find(&p) == OTORI_SLOT_LIVE)
		entered++;
	return XDP_DROP;
}

SEC("xdp")
int bench_kernel_find(struct xdp_md *ctx __attribute__((unused)))
{
	struct packet p = {};
	struct otori_flow flow;

	flow_take(&p);
	flow_of(&p, &flow);
	if (!otori_flow_touch(&flow, 0))
		entered++;
	return XDP_DROP;
}
