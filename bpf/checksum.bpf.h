/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * checksum.bpf.h - the Internet checksum over bytes of any number, for what is rare: data on a SYN, ICMP.
 *
 * In:  offset and length in the frame. Out: the folded sum. Called by icmp.bpf.h and answer.bpf.h.
 * Segments with data of a flow are not summed here: user space does that (a loop over 1,460 bytes costs 56 ns and
 * more).
 */
#ifndef OTORI_CHECKSUM_BPF_H
#define OTORI_CHECKSUM_BPF_H

#include "packet.bpf.h"

#define CHECKSUM_CHUNK 512 /* what bpf_csum_diff takes on 6.1 */
#define CHECKSUM_CHUNKS 18 /* enough for OTORI_FRAME_MAX_BYTES */

struct checksum_scratch {
	__u8 bytes[CHECKSUM_CHUNK];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct checksum_scratch);
} checksum_scratch SEC(".maps");

/* Folded sum (16 bits) of bytes from offset on and of seed; 0x10000 where they can't be read. */
__noinline __u32 checksum_bytes(struct xdp_md *ctx, __u32 offset, __u32 bytes, __u32 seed)
{
	__u32 zero = 0;
	struct checksum_scratch *scratch = bpf_map_lookup_elem(&checksum_scratch, &zero);
	__s64 sum = fold_checksum(seed);

	if (!scratch)
		return 0x10000;
	for (int i = 0; i < CHECKSUM_CHUNKS && bytes; i++) {
		__u32 length = bytes < CHECKSUM_CHUNK ? bytes : CHECKSUM_CHUNK;
		__u32 part = length - 1;

		if (length < CHECKSUM_CHUNK) /* the last word must be filled up with zeros */
			__builtin_memset(scratch, 0, sizeof(*scratch));
		asm volatile("" : "+r"(part));
		if (part >= CHECKSUM_CHUNK)
			return 0x10000;
		part += 1;
		if (bpf_xdp_load_bytes(ctx, offset, scratch, part))
			return 0x10000;
		sum = bpf_csum_diff(0, 0, (__be32 *)scratch, CHECKSUM_CHUNK, sum);
		if (sum < 0)
			return 0x10000;
		sum = fold_checksum(sum);
		offset += length;
		bytes -= length;
	}
	return bytes ? 0x10000 : (__u32)sum;
}

#endif
