// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hold.bpf.c - a tc program that lets nothing pass.
 *
 * In: any frame. Out: none. On the client's egress it keeps the far side still while the lab reads what was sent and
 * what was counted.
 */
__attribute__((section("tc"), used)) int lab_hold(void *context)
{
	(void)context;
	return 2; /* TC_ACT_SHOT */
}

char lab_license[] __attribute__((section("license"), used)) = "Dual BSD/GPL";
