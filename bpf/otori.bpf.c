// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * otori.bpf.c - the XDP program: one verdict for every packet.
 *
 * In:  a frame of the sensor's interface. Out: passed to the host, answered by XDP_TX, taken into a ring, or refused
 * and dropped; counted exactly. Attached by the supervisor, run on captures by replay. May not forward: what is
 * answered leaves through transmit.bpf.h alone.
 *
 *     clock -> dissect -> count (seen) -> judge: refuse | answer (limit, sample, answer, transmit) | emit (admit) ->
 * count
 */
#include "maps.bpf.h"
#include "packet.bpf.h"
#include "clock.bpf.h"
#include "count.bpf.h"
#include "dissect.bpf.h"
#include "options.bpf.h"
#include "checksum.bpf.h"
#include "admit.bpf.h"
#include "limit.bpf.h"
#include "emit.bpf.h"
#include "sample.bpf.h"
#include "answer.bpf.h"
#include "icmp.bpf.h"
#include "neighbour.bpf.h"
#include "transmit.bpf.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* Sources that asked not to be recorded. The value means nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, OTORI_MAX_QUIET_PREFIXES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct otori_prefix);
	__type(value, __u8);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} quiet_sources SEC(".maps");

static __always_inline bool source_is_quiet(const struct packet *p, const struct otori_settings *set)
{
	return set->quiet_prefixes && bpf_map_lookup_elem(&quiet_sources, &p->source) != NULL;
}

/* Unspecified, loopback, multicast, broadcast, or a decoy; not RFC 1918 or shared addresses. */
static __always_inline bool source_is_martian(const struct packet *p)
{
	const __u32 *a = (const __u32 *)p->source.address;

	if (p->ipv6) {
		__u8 first = p->source.address[0];

		/* ::, ::1, and IPv4 in any clothes; multicast */
		if (first == 0xff ||
		    (!a[0] && !a[1] && (a[2] == bpf_htonl(0xffff) || (!a[2] && !(a[3] & ~bpf_htonl(1))))))
			return true;
	} else {
		__u32 first = a[3] & 0xff;

		if (!a[3] || first == 127 || (first & 0xf0) == 224 || a[3] == 0xffffffff)
			return true;
	}
	return decoy_kind_of(&p->source) != 0;
}

/* Names the flow and, of a SYN, makes the cookie: side by side, since neither has to wait for the other. */
static __always_inline void hash_flow(struct packet *p, const struct otori_keys *key)
{
	__u32 tagged = p->vlan_count;

	otori_flow_name(&p->flow, key->admission, (const __u32 *)p->source.address,
			(const __u32 *)p->destination.address, p->source_port_be, p->destination_port_be,
			tagged ? bpf_ntohs(p->vlan_tci_be[0]) : 0, tagged ? bpf_ntohs(p->vlan_tci_be[1]) : 0, p->ipv6);
	if (p->kind == OTORI_KIND_syn)
		p->cookie = otori_cookie_make(
			key->cookie, &p->flow, p->seq,
			OTORI_COOKIE_NINE(p->scale, p->sack_offered, otori_cookie_mss_index(p->mss, p->ipv6)),
			p->second >> OTORI_COOKIE_EPOCH_SHIFT);
}

/* A segment of a flow that is known, or was not long ago. */
static __always_inline __u32 take_segment(struct xdp_md *ctx, struct packet *p, const struct otori_settings *set)
{
	__u32 result;

	p->ring = otori_slot_ring(p->slot_word);
	p->event = OTORI_EVENT_segment;
	result = emit(ctx, p, set->idle_seconds);
	if ((result & RESULT_VERDICT) == RESULT_TAKEN)
		admission_touch(p);
	return result;
}

/* The ACK that completes a handshake. */
static __always_inline __u32 take_open(struct xdp_md *ctx, struct packet *p, const struct otori_settings *set)
{
	p->ring = ring_of(p, set);
	p->event = OTORI_EVENT_open;
	p->slot = NO_SLOT;
	return emit(ctx, p, set->idle_seconds);
}

/* A SYN to a decoy port: to be answered, without state. The frame has its answer's length then, and leave() builds it.
 */
static __always_inline __u32 judge_syn(struct xdp_md *ctx, struct packet *p, const struct otori_settings *set,
				       const struct otori_keys *key, struct otori_limit *counter)
{
	__u32 sampled, verdict;

	if (!clock_answering(p, set))
		return REFUSED(no_responder);
	if (p->verify && checksum_bytes(ctx, p->data, p->payload_bytes, p->partial_checksum) != 0xffff)
		return REFUSED(bad_tcp_checksum);
	if (!limit_allows(p, set, counter))
		return REFUSED(rate_limited);
	p->ring = ring_of(p, set);
	if (replay)
		return sample(ctx, p, set) | RESULT_ANSWERED;
	if (!answer_resize(ctx, p))
		return REFUSED(transmit_failed);
	sampled = sample(ctx, p, set);
	verdict = answer_build(ctx, p, set, key);
	return sampled | (verdict == RESULT_ANSWERED ? transmit(ctx, p) : verdict);
}

/* The ACK's cookie: true where it completes a handshake that the table doesn't know. Sets p->nine_bits. */
static __always_inline bool opens(struct packet *p, __u32 state, const struct otori_keys *key)
{
	int nine;

	if (replay) {
		p->options_known = 0;
		return *(volatile __u32 *)&replay_admit != 0;
	}
	if (state == OTORI_SLOT_LIVE || (p->tcp_flags & (TCP_SYN | TCP_RST | TCP_ACK)) != TCP_ACK)
		return false;
	/* of a tombstone: the same ACK again is a replay, not a handshake */
	if (state == OTORI_SLOT_TOMBSTONE && otori_slot_check(p->slot_word) == ((p->ack - 1) & 0xff))
		return false;
	nine = otori_cookie_open(key->cookie, &p->flow, p->seq - 1, p->ack - 1, p->second >> OTORI_COOKIE_EPOCH_SHIFT);
	if (nine < 0)
		return false;
	p->nine_bits = nine;
	p->options_known = 1;
	return true;
}

/*
 * A sound TCP segment to a decoy or, of the host's own address, to a decoy port. What belongs to a live flow is not
 * asked whether its source is a martian or quiet: such a one was never admitted.
 */
static __always_inline __u32 judge_tcp(struct xdp_md *ctx, struct packet *p, const struct otori_settings *set)
{
	struct otori_keys *key = keys_get();
	struct otori_limit *counter = NULL;
	__u32 state = OTORI_SLOT_FREE;

	if (!key)
		return REFUSED(no_responder);
	if (p->port_index) {
		if (p->kind == OTORI_KIND_syn) {
			counter = limit_counter(p, key->limit);
			options_read(p);
		}
		hash_flow(p, key);
		state = admission_find(p);
		/* a SYN for a live flow goes up as well: the responder sends a challenge (RFC 5961 4) */
		if (state == OTORI_SLOT_LIVE && !replay)
			return take_segment(ctx, p, set);
	}
	if (!replay && source_is_martian(p))
		return REFUSED(martian);
	if (!p->port_index)
		return REFUSED(other_port);
	if (source_is_quiet(p, set))
		return REFUSED(quiet_source);
	if (p->kind == OTORI_KIND_syn)
		return judge_syn(ctx, p, set, key, counter);
	if (opens(p, state, key))
		return take_open(ctx, p, set);
	if (state != OTORI_SLOT_FREE)
		return take_segment(ctx, p, set);
	if (p->kind == OTORI_KIND_backscatter || p->kind == OTORI_KIND_rst)
		return REFUSED(backscatter);
	return REFUSED(no_handshake);
}

/* An ICMP error that quotes a segment of ours. */
static __always_inline __u32 judge_icmp_error(struct xdp_md *ctx, struct packet *p, const struct otori_settings *set)
{
	struct otori_keys *key = keys_get();

	if (!key)
		return REFUSED(icmp_other);
	hash_flow(p, key);
	if (admission_find(p) != OTORI_SLOT_LIVE)
		return REFUSED(icmp_other);
	p->ring = otori_slot_ring(p->slot_word);
	p->event = OTORI_EVENT_unreachable;
	p->tcp_flags = p->icmp_type;
	p->partial_checksum = 0;
	return emit(ctx, p, set->idle_seconds);
}

__noinline __u32 judge_icmp(struct xdp_md *ctx, struct packet *p)
{
	struct otori_settings *set = settings_get();
	struct otori_keys *key = keys_get();
	__u32 verdict;

	if (!p || !set)
		return REFUSED(icmp_other);
	if (!icmp_checksum_holds(ctx, p))
		return REFUSED(bad_icmp);
	if (p->quiet)
		return REFUSED(quiet_source);
	if (p->icmp_error)
		return judge_icmp_error(ctx, p, set);
	if (p->echo ? !set->answer_echo : !(p->neighbour && set->answer_arp))
		return REFUSED(icmp_other);
	if (!key || !clock_answering(p, set))
		return REFUSED(no_responder);
	if (!limit_allows(p, set, limit_counter(p, key->limit)))
		return REFUSED(rate_limited);
	if (replay)
		return RESULT_ANSWERED;
	if (p->echo) {
		verdict = echo_build(ctx, p);
	} else {
		verdict = advertisement_build(ctx, p);
		if (verdict == RESULT_PASSED)
			return REFUSED(icmp_other);
	}
	return verdict;
}

/* ARP, and solicitations to a multicast group: answered where they ask for a decoy and the operator wants it, else not
 * ours. */
__noinline __u32 judge_neighbour(struct xdp_md *ctx, struct packet *p)
{
	struct otori_settings *set = settings_get();
	if (!p || !set || replay || !set->answer_arp || !clock_answering(p, set))
		return RESULT_PASSED;
	if (!p->ipv6)
		return arp_build(ctx, p);
	if (p->neighbour && icmp_checksum_holds(ctx, p))
		return advertisement_build(ctx, p);
	return RESULT_PASSED;
}

/* The one place from which something leaves. Building and judging share a function: a call costs 7 ns where returns are
 * guarded. */
__noinline __u32 leave(struct xdp_md *ctx, struct packet *p)
{
	return p ? transmit(ctx, p) : REFUSED(transmit_failed);
}

/* What becomes of a packet for a decoy. */
static __always_inline __u32 judge(struct xdp_md *ctx, struct packet *p, const struct otori_settings *set)
{
	if (p->group_source && !replay)
		refuse(p, martian);
	/* the host's own address: only its decoy ports are ours */
	if (p->decoy == OTORI_DECOY_OWN && !p->port_index)
		return RESULT_PASSED;
	if (p->refusal != NO_REFUSAL)
		return RESULT_REFUSED | (__u32)p->refusal << RESULT_REASON_SHIFT;
	if (p->protocol == 6)
		return judge_tcp(ctx, p, set);
	if (p->protocol == (p->ipv6 ? 58 : 1))
		return judge_icmp(ctx, p);
	return REFUSED(not_tcp);
}

/* Fills p. What comes out is whether the packet is a decoy's: then it is judged, and not passed. */
static __always_inline enum link dissect(struct xdp_md *ctx, struct packet *p, const struct otori_settings *set,
					 void *data, void *end)
{
	enum link link = dissect_link(p, data, end);

	if (link == LINK_IPV4	? !dissect_ipv4(p, data, end)
	    : link == LINK_IPV6 ? !dissect_ipv6(ctx, p, data, end)
				: true)
		return link == LINK_IPV4 || link == LINK_IPV6 ? LINK_REFUSED : link;
	/* an IPv6 packet to an IPv4 address in mapped form is nobody's */
	if (p->ipv6 && read32(p->destination.address + 8) == bpf_htonl(0xffff) &&
	    !(read32(p->destination.address) | read32(p->destination.address + 4)))
		p->decoy = 0;
	if (!p->decoy) {
		/* a solicitation goes to a multicast group */
		if (p->ipv6 && p->destination.address[0] == 0xff && p->protocol == 58 && p->frame_bytes <= 256)
			dissect_icmp(ctx, p);
		p->kind = OTORI_KIND_other;
		p->port_index = 0;
		p->refusal = NO_REFUSAL;
		return link;
	}
	if (p->protocol == 6) {
		dissect_tcp(p, data, end);
	} else {
		/* lookups stand here, where p is on this stack: 6.1 takes no lent memory for a map's key */
		bool martian = !replay && source_is_martian(p);

		p->quiet = source_is_quiet(p, set);
		if (p->protocol == (p->ipv6 ? 58 : 1))
			dissect_icmp(ctx, p);
		if (martian)
			refuse(p, martian);
	}
	if (p->decoy == OTORI_DECOY_OWN && !p->port_index)
		p->kind = OTORI_KIND_other; /* passes */
	return link;
}

/* What is known of the packet in hand: not on the stack, which is too small for it together with what it is lent to. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet);
} packets SEC(".maps");

SEC("xdp")
int otori_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct otori_settings *set = settings_get();
	__u32 zero = 0;
	struct packet *p = bpf_map_lookup_elem(&packets, &zero);
	struct tally tally;
	enum link link;
	__u32 result;

	if (!set || !p)
		return XDP_PASS;
	__builtin_memset(p, 0, __builtin_offsetof(struct packet, kept));
	p->frame_bytes = frames_in_parts ? (__u32)bpf_xdp_get_buff_len(ctx) : ctx->data_end - ctx->data;
	p->kind = OTORI_KIND_other;
	p->refusal = NO_REFUSAL;
	clock_read(p, set);
	link = dissect(ctx, p, set, data, end);
	if (!count_seen(p, &tally))
		return XDP_ABORTED;
	if (link == LINK_REFUSED)
		result = RESULT_REFUSED | (__u32)p->refusal << RESULT_REASON_SHIFT;
	else if (p->decoy)
		result = judge(ctx, p, set);
	else if (link == LINK_ARP || p->neighbour)
		result = judge_neighbour(ctx, p);
	else
		result = RESULT_PASSED;
	if ((result & RESULT_VERDICT) == RESULT_ANSWERED && p->kind != OTORI_KIND_syn && !replay)
		result = (result & ~RESULT_VERDICT) | leave(ctx, p);
	count_result(&tally, p, result);
	switch (result & RESULT_VERDICT) {
	case RESULT_PASSED:
		return XDP_PASS;
	case RESULT_ANSWERED:
		return XDP_TX;
	}
	return XDP_DROP;
}

/* The clocks of one moment, so that user space can find settings.clock_offset_ns. */
SEC("syscall")
int otori_clock(struct otori_clock_reading *reading)
{
	reading->monotonic_ns = bpf_ktime_get_ns();
	reading->jiffies = bpf_jiffies64();
	return 0;
}
