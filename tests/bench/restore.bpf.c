/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * restore.bpf.c - gives a program the same frame again and again, which BPF test run does not: it hands on what was
 * rewritten.
 *
 * In:  heads (what the frame begins with, and its length), a program in `next`. Out: that program's verdict, on a frame
 * that looks untouched. Called by datapath.c through BPF test run. What the restoring costs is measured with `drop` as
 * the next program, and subtracted.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "restore.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct restore_head);
} heads SEC(".maps");

__u32 position; /* of the next head */
__u32 count;	/* heads in use */

SEC("xdp")
int restore(struct xdp_md *context)
{
	__u32 at = position, have = (__u32)(context->data_end - context->data);
	struct restore_head *head;
	__u64 *to;

	position = at + 1 < count ? at + 1 : 0;
	head = bpf_map_lookup_elem(&heads, &at);
	if (!head)
		return XDP_ABORTED;
	if (have != head->length && bpf_xdp_adjust_tail(context, (int)(head->length - have)))
		return XDP_ABORTED;
	to = (void *)(long)context->data;
	if ((void *)to + RESTORE_BYTES > (void *)(long)context->data_end)
		return XDP_ABORTED;
#pragma unroll
	for (int i = 0; i < RESTORE_BYTES / 8; i++)
		to[i] = head->words[i];
	*(__u16 *)(to + RESTORE_BYTES / 8) = (__u16)head->words[RESTORE_BYTES / 8];
	bpf_tail_call(context, &next, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int drop(struct xdp_md *context)
{
	(void)context;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
