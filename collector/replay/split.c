// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * split.c - see split.h.
 *
 * In:  a frame and its sighting. Out: its headers before each part of its payload, with lengths and numbers that fit.
 * Called by session.c. Pure; checksums stay wrong.
 */
#include "../../include/otori/event.h"
#include "replay/split.h"

_Static_assert(SPLIT_FRAME_BYTES == OTORI_FRAME_MAX_BYTES, "pieces are as long as the XDP program takes");

#define FIN_AND_PUSH (SIGHTING_FIN | 0x08)

static void put16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

bool split_begin(struct split *split, struct slice frame, const struct sighting *sighting)
{
	if (frame.length <= SPLIT_FRAME_BYTES || !sighting->tcp || sighting->flags & (SIGHTING_SYN | SIGHTING_RST) ||
	    sighting->payload_offset + 512 > SPLIT_FRAME_BYTES ||
	    sighting->payload_offset + sighting->payload_bytes > frame.length)
		return false;
	split->frame = frame;
	split->sighting = *sighting;
	split->payload_bytes = sighting->payload_bytes;
	split->done = 0;
	return true;
}

struct slice split_next(struct split *split)
{
	const struct sighting *sighting = &split->sighting;
	uint32_t head = sighting->payload_offset, left = split->payload_bytes - split->done;
	uint32_t room = SPLIT_FRAME_BYTES - head, part = left < room ? left : room, seq = sighting->seq + split->done;
	uint8_t *ip = split->piece + sighting->ip_offset, *tcp = split->piece + sighting->tcp_offset;

	if (!part)
		return slice_of(NULL, 0);
	memcpy(split->piece, split->frame.bytes, head);
	memcpy(split->piece + head, split->frame.bytes + head + split->done, part);
	if (sighting->source.ipv6)
		put16(ip + 4, head - sighting->ip_offset - 40 + part);
	else
		put16(ip + 2, head - sighting->ip_offset + part);
	put16(tcp + 4, seq >> 16);
	put16(tcp + 6, seq);
	if (part < left)
		tcp[13] &= (uint8_t)~FIN_AND_PUSH;
	split->done += part;
	return slice_of(split->piece, head + part);
}
