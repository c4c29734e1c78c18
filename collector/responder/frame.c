// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * frame.c - one TCP segment as an Ethernet frame: VLAN tags, IPv4 or IPv6, TCP, checksums.
 *
 * In:  a flow (addresses, tags), the segment's numbers, payload from a byte queue. Out: a frame in the sink.
 * Called by tcp_output.c and tcp_input.c (resets). May not change the flow, nor decide what is sent.
 */
#include <arpa/inet.h>

#include "responder/checksum.h"
#include "responder/endpoint.h"

#define ETHERNET_BYTES 14u
#define IPV4_BYTES 20u
#define IPV6_BYTES 40u
#define TCP_BYTES 20u
#define PROTOCOL_TCP 6
#define HOP_LIMIT 64

static uint8_t *put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	return put16(put16(at, value >> 16), value & 0xffff);
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t length)
{
	memcpy(at, bytes, length);
	return at + length;
}

static unsigned tags_of(const struct flow *flow)
{
	return (flow->key.shape & OTORI_EVENT_VLAN_COUNT) >> OTORI_EVENT_VLAN_COUNT_SHIFT;
}

static uint8_t *put_ethernet(uint8_t *at, const struct flow *flow)
{
	unsigned tags = tags_of(flow);

	at = put_bytes(at, flow->source_mac, 6);
	at = put_bytes(at, flow->decoy_mac, 6);
	for (unsigned i = 0; i < tags; i++) {
		at = put16(at, i == 0 && flow->key.shape & OTORI_EVENT_VLAN_OUTER_8021AD ? 0x88a8 : 0x8100);
		at = put_bytes(at, &flow->vlan_tci_be[i], 2);
	}
	return put16(at, flow->key.shape & OTORI_EVENT_IPV6 ? 0x86dd : 0x0800);
}

static uint8_t *put_ipv4(uint8_t *at, const struct flow *flow, unsigned tcp_bytes, uint16_t ip_id)
{
	uint8_t *start = at;
	uint16_t sum;

	at = put16(at, 0x4500);
	at = put16(at, IPV4_BYTES + tcp_bytes);
	at = put16(at, ip_id);
	at = put16(at, 0x4000); /* don't fragment */
	*at++ = HOP_LIMIT;
	*at++ = PROTOCOL_TCP;
	at = put16(at, 0);
	at = put_bytes(at, flow->key.decoy, 4);
	at = put_bytes(at, flow->key.source, 4);
	sum = (uint16_t)~checksum_fold(checksum_add(0, start, IPV4_BYTES));
	memcpy(start + 10, &sum, 2);
	return at;
}

static uint8_t *put_ipv6(uint8_t *at, const struct flow *flow, unsigned tcp_bytes)
{
	at = put32(at, 0x60000000);
	at = put16(at, tcp_bytes);
	*at++ = PROTOCOL_TCP;
	*at++ = HOP_LIMIT;
	at = put_bytes(at, flow->key.decoy, 16);
	return put_bytes(at, flow->key.source, 16);
}

/* The sum of the pseudo header (RFC 9293, 3.1; RFC 8200, 8.1). */
static uint64_t pseudo_sum(const struct flow *flow, unsigned tcp_bytes)
{
	size_t address = flow->key.shape & OTORI_EVENT_IPV6 ? 16 : 4;
	uint64_t sum = checksum_add(0, flow->key.source, address);

	sum = checksum_add(sum, flow->key.decoy, address);
	return sum + htons(PROTOCOL_TCP) + htons((uint16_t)tcp_bytes);
}

static void put_tcp(uint8_t *at, const struct worker *worker, const struct flow *flow, const struct frame *frame,
		    const struct byte_queue *queue)
{
	unsigned tcp_bytes = TCP_BYTES + frame->option_bytes + frame->payload_bytes;
	uint8_t *start = at;
	uint16_t sum;

	at = put_bytes(at, &flow->key.decoy_port_be, 2);
	at = put_bytes(at, &flow->key.source_port_be, 2);
	at = put32(at, frame->seq);
	at = put32(at, frame->ack);
	*at++ = (uint8_t)((TCP_BYTES + frame->option_bytes) / 4 << 4);
	*at++ = frame->flags;
	at = put16(at, frame->window);
	at = put32(at, 0); /* checksum, urgent pointer */
	at = put_bytes(at, frame->options, frame->option_bytes);
	if (frame->payload_bytes)
		byte_queue_peek(&worker->chunks, queue, frame->payload_offset, at, frame->payload_bytes);
	sum = (uint16_t)~checksum_fold(checksum_add(pseudo_sum(flow, tcp_bytes), start, tcp_bytes));
	memcpy(start + 16, &sum, 2);
}

bool frame_send(struct worker *worker, const struct flow *flow, const struct frame *frame,
		const struct byte_queue *queue)
{
	bool ipv6 = flow->key.shape & OTORI_EVENT_IPV6;
	unsigned tcp_bytes = TCP_BYTES + frame->option_bytes + frame->payload_bytes;
	uint32_t bytes = ETHERNET_BYTES + 4 * tags_of(flow) + (ipv6 ? IPV6_BYTES : IPV4_BYTES) + tcp_bytes;
	uint8_t *at;

	if (!worker->sends)
		return true;
	at = worker->sink.reserve(worker->sink.context, flow->device, bytes);
	if (!at) {
		account_frame(worker, flow, TERM_frames_dropped);
		return false;
	}
	at = put_ethernet(at, flow);
	at = ipv6 ? put_ipv6(at, flow, tcp_bytes) : put_ipv4(at, flow, tcp_bytes, frame->ip_id);
	put_tcp(at, worker, flow, frame, queue);
	worker->sink.submit(worker->sink.context, bytes);
	account_frame(worker, flow, TERM_frames_sent);
	return true;
}
