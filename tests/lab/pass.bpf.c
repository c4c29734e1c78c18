// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * pass.bpf.c - an XDP program that lets everything pass.
 *
 * In: any frame. Out: the same. A veth takes what XDP_TX sends at its far end only if it has a program itself; the lab gives the
 * client's end this one. Test 080 uses it as "another XDP program".
 */
__attribute__((section("xdp"), used)) int lab_pass(void *context)
{
	(void)context;
	return 2; /* XDP_PASS */
}

char lab_license[] __attribute__((section("license"), used)) = "Dual BSD/GPL";
