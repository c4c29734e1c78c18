/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * restore.h - what datapath.c gives restore.bpf.c.
 * In: nothing. Out: the structure. Included by those two only.
 */
#ifndef OTORI_BENCH_RESTORE_H
#define OTORI_BENCH_RESTORE_H

#define RESTORE_BYTES \
	74 /* a SYN with Linux's 20 bytes of options: 14 + 20 + 40; every frame here is as long or longer */

/* How a frame begins, and how long it is. */
struct restore_head {
	__u64 words[RESTORE_BYTES / 8 + 1];
	__u32 length;
	__u32 reserved;
};

#endif
