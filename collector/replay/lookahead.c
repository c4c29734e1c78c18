// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lookahead.c - a ring of copied packets between the capture and the work on them.
 *
 * In:  capture_next. Out: packets in the same order. Called by the command. Memory: as many buffers as packets in view,
 * each as large as the largest frame it has held.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/lookahead.h"
#include "replay/mend.h"

struct place {
	struct sighted sighted;
	uint8_t *buffer; /* owned; sighted.packet.frame points into it */
	size_t capacity;
};

struct lookahead {
	struct capture *capture;
	bool mend;
	void (*coming)(void *context, const struct sighted *sighted);
	void *context;
	unsigned first, count;
	bool handed_out; /* the first place is in the caller's hands: free it before the next */
	int end;	 /* what capture_next gave at the end; 1 = it goes on */
	struct place places[LOOKAHEAD_PACKETS];
};

struct lookahead *lookahead_open(struct capture *capture, bool mend,
				 void (*coming)(void *context, const struct sighted *sighted), void *context)
{
	struct lookahead *lookahead = calloc(1, sizeof(*lookahead));

	if (!lookahead)
		return NULL;
	lookahead->capture = capture;
	lookahead->mend = mend;
	lookahead->coming = coming;
	lookahead->context = context;
	lookahead->end = 1;
	return lookahead;
}

void lookahead_close(struct lookahead *lookahead)
{
	if (!lookahead)
		return;
	for (unsigned i = 0; i < LOOKAHEAD_PACKETS; i++)
		free(lookahead->places[i].buffer);
	free(lookahead);
}

/* Copies a packet into a place. 0 or -ENOMEM. */
static int keep(struct place *place, const struct captured *packet, bool mend)
{
	if (packet->bytes > place->capacity) {
		size_t capacity = packet->bytes < 2048 ? 2048 : packet->bytes;
		uint8_t *buffer = realloc(place->buffer, capacity);

		if (!buffer)
			return -ENOMEM;
		place->buffer = buffer;
		place->capacity = capacity;
	}
	memcpy(place->buffer, packet->frame, packet->bytes);
	/* what the snap length cut is cut: refused as truncated */
	if (mend && packet->bytes >= packet->wire_bytes)
		mend_length(place->buffer, packet->bytes);
	place->sighted.packet = *packet;
	place->sighted.packet.frame = place->buffer;
	sighting_of(slice_of(place->buffer, packet->bytes), &place->sighted.sighting);
	return 0;
}

int lookahead_next(struct lookahead *lookahead, const struct sighted **sighted, char *text)
{
	struct captured packet;

	if (lookahead->handed_out) {
		lookahead->first = (lookahead->first + 1) % LOOKAHEAD_PACKETS;
		lookahead->count--;
		lookahead->handed_out = false;
	}
	while (lookahead->end == 1 && lookahead->count < LOOKAHEAD_PACKETS) {
		struct place *place = &lookahead->places[(lookahead->first + lookahead->count) % LOOKAHEAD_PACKETS];

		lookahead->end = capture_next(lookahead->capture, &packet, text);
		if (lookahead->end != 1)
			break;
		if (keep(place, &packet, lookahead->mend)) {
			lookahead->end = -ENOMEM;
			strcpy(text, "no memory for a packet");
			break;
		}
		lookahead->count++;
		lookahead->coming(lookahead->context, &place->sighted);
	}
	if (lookahead->count == 0)
		return lookahead->end;
	lookahead->handed_out = true;
	*sighted = &lookahead->places[lookahead->first].sighted;
	return 1;
}
