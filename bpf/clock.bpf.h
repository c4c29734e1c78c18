/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * clock.bpf.h - the time of a packet, from jiffies (free, where bpf_ktime_get_ns costs 24 to 31 ns).
 *
 * In:  settings (offset and length of a jiffy), in a replay the capture's time. Out: now_ns, second and minute of
 * struct packet. Called by otori.bpf.c on entry. May not look at any other clock.
 */
#ifndef OTORI_CLOCK_BPF_H
#define OTORI_CLOCK_BPF_H

#include "packet.bpf.h"

/* In a replay: UTC ns of the packet, and 1 where user space saw a handshake completed by the ACK that it hands over. */
__u64 replay_now_ns = 0;
__u32 replay_admit = 0;

static __always_inline void clock_read(struct packet *p, const struct otori_settings *set)
{
	p->now_ns = replay ? *(volatile __u64 *)&replay_now_ns : settings_now_ns(set);
	if (p->now_ns - p->second_ns < 1000000000)
		return;
	p->second = (__u32)(p->now_ns / 1000000000);
	p->minute = p->second / 60;
	p->second_ns = p->second * 1000000000ull;
}

/* May anything be answered: the guard is in place, and a responder was alive not long ago. */
static __always_inline bool clock_answering(const struct packet *p, const struct otori_settings *set)
{
	if (replay)
		return true;
	/* a heartbeat ahead of us is the other clock's granularity, or our offset's: alive */
	return set->answering && (__s64)(p->now_ns - set->heartbeat_ns) <= (__s64)set->answer_grace_ns;
}

#endif
